/* Calls in virtual time over a bad network: seeded, so that any of them can be had again.
 *
 * Every packet may be lost, delayed (and so reordered), duplicated or damaged. Whatever happens, two
 * ends that are secure have the same SAS and the same keys, no end fails for another reason than that
 * nothing arrives any more, and at moderate loss every call gets through. Of the streams of a call one makes
 * a Diffie-Hellman exchange, and each has keys of its own.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "ext/gmp/zrtp-gmp.h"
#include "ext/nettle/zrtp-nettle.h"
#include "gst/protocol/engine.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#define MS UINT64_C (1000000)

enum {
  MAX_STREAMS = 8
};

typedef struct {
  gint calls, loss, duplicate, damage, delay_ms, jitter_ms, start_gap_ms, seconds, must;
  gint streams, stream_gap_ms;
  gint64 seed;
} Options;

typedef struct {
  uint64_t at;
  unsigned to, stream;
  size_t size;
  uint8_t data[ZRTP_MAX_PACKET];
} Flying;

/* One end of a stream. */
typedef struct {
  ZrtpEngine *engine;
  uint64_t start_at;
  ZrtpSrtpKey send_key, receive_key;
  ZrtpMode mode;
  char sas[32];
  uint64_t secure_at;
  unsigned failed;
} Stream;

typedef struct {
  ZrtpCrypto crypto;
  uint64_t random_state;
  ZrtpCall *call;
  Stream stream[MAX_STREAMS];
} End;

typedef struct {
  const Options *options;
  uint64_t dice, now;
  End end[2];
  GPtrArray *flying;
} Call;

static uint64_t
next_random (uint64_t *state)
{
  uint64_t z = *state += 0x9e3779b97f4a7c15;

  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

static bool
chance (Call *call, int percent)
{
  return (int) (next_random (&call->dice) % 100) < percent;
}

static bool
seeded_random (void *user, uint8_t *out, size_t size)
{
  End *end = user;

  for (size_t i = 0; i < size; i++)
    out[i] = (uint8_t) (next_random (&end->random_state) >> 56);
  return true;
}

static void
open_end (Call *call, unsigned index)
{
  static const ZrtpHash *const hashes[] = {&zrtp_nettle_s256, &zrtp_nettle_s384, &zrtp_nettle_s512,
      &zrtp_nettle_n256, &zrtp_nettle_n384, NULL};
  static const ZrtpCipher *const ciphers[] = {&zrtp_nettle_aes1, &zrtp_nettle_aes3, NULL};
  static const ZrtpKeyAgreement *const key_agreements[] = {&zrtp_nettle_x255, &zrtp_nettle_e255,
      &zrtp_nettle_x448, &zrtp_nettle_ec25, &zrtp_nettle_ec38, &zrtp_nettle_ec52, &zrtp_gmp_dh3k,
      &zrtp_gmp_dh2k, NULL};
  const Options *o = call->options;
  const uint64_t begin = call->now + (index ? (uint64_t) o->start_gap_ms * MS : 0);
  End *end = &call->end[index];
  ZrtpConfig config = {.ssrc = index + 1};
  uint8_t zid[ZRTP_ZID_SIZE];

  config.offer.list[ZRTP_KEY_AGREEMENT] = (ZrtpList){1, {ZRTP_X255}};
  end->random_state = next_random (&call->dice);
  end->crypto = (ZrtpCrypto){hashes, ciphers, key_agreements, {seeded_random, end}};
  seeded_random (end, zid, sizeof zid);
  end->call = zrtp_call_new (&end->crypto, zid);
  for (unsigned i = 0; i < (unsigned) o->streams; i++) {
    end->stream[i].engine = zrtp_engine_new (end->call, &config);
    end->stream[i].start_at =
        begin +
        (o->stream_gap_ms ? next_random (&call->dice) % ((uint64_t) o->stream_gap_ms * MS) : 0);
  }
}

static void
throw_packet (Call *call, unsigned to, unsigned stream, const uint8_t *packet, size_t size)
{
  const Options *o = call->options;
  Flying *flying = g_new (Flying, 1);

  flying->at = call->now + (uint64_t) o->delay_ms * MS +
               (o->jitter_ms ? next_random (&call->dice) % ((uint64_t) o->jitter_ms * MS) : 0);
  flying->to = to;
  flying->stream = stream;
  flying->size = size;
  memcpy (flying->data, packet, size);
  if (chance (call, o->damage))
    flying->data[next_random (&call->dice) % size] ^=
        (uint8_t) (1 << next_random (&call->dice) % 8);
  g_ptr_array_add (call->flying, flying);
}

static void
drain_events (const Call *call, Stream *stream)
{
  ZrtpEvent event;

  while (zrtp_engine_poll_event (stream->engine, &event))
    switch (event.kind) {
      case ZRTP_EVENT_LOOKUP:
        zrtp_engine_set_record (stream->engine, event.peer_zid, NULL, call->now);
        break;
      case ZRTP_EVENT_SEND_KEY:
        stream->send_key = event.key;
        break;
      case ZRTP_EVENT_RECEIVE_KEY:
        stream->receive_key = event.key;
        break;
      case ZRTP_EVENT_SECURE:
        memcpy (stream->sas, event.secure.sas, sizeof stream->sas);
        stream->mode = event.secure.mode;
        stream->secure_at = call->now;
        break;
      case ZRTP_EVENT_FAILED:
        stream->failed = event.failed.code;
        break;
      default:
        break;
    }
}

static void
drain (Call *call, unsigned index, unsigned s)
{
  Stream *stream = &call->end[index].stream[s];
  uint8_t packet[ZRTP_MAX_PACKET];
  size_t size;

  drain_events (call, stream);
  while ((size = zrtp_engine_poll_packet (stream->engine, packet))) {
    if (!chance (call, call->options->loss))
      throw_packet (call, !index, s, packet, size);
    if (chance (call, call->options->duplicate))
      throw_packet (call, !index, s, packet, size);
  }
}

/* A stream was told something, which may concern another of its end. */
static void
service (Call *call, unsigned index, unsigned s)
{
  ZrtpEngine *stirred;

  drain (call, index, s);
  while ((stirred = zrtp_call_next_stirred (call->end[index].call))) {
    zrtp_engine_handle_timeout (stirred, call->now);
    for (s = 0; call->end[index].stream[s].engine != stirred; s++)
      continue;
    drain (call, index, s);
  }
}

/* Lands all that is due. */
static void
land (Call *call)
{
  for (guint i = 0; i < call->flying->len;) {
    Flying *flying = call->flying->pdata[i];

    if (flying->at > call->now) {
      i++;
      continue;
    }
    g_ptr_array_steal_index_fast (call->flying, i);
    zrtp_engine_handle_packet (
        call->end[flying->to].stream[flying->stream].engine, flying->data, flying->size, call->now);
    service (call, flying->to, flying->stream);
    g_free (flying);
    i = 0;
  }
}

static uint64_t
next_moment (const Call *call, uint64_t limit)
{
  uint64_t when, next = limit;

  for (guint i = 0; i < call->flying->len; i++)
    next = MIN (next, ((const Flying *) call->flying->pdata[i])->at);
  for (unsigned i = 0; i < 2; i++)
    for (unsigned s = 0; s < (unsigned) call->options->streams; s++) {
      const Stream *stream = &call->end[i].stream[s];

      if (stream->start_at > call->now)
        next = MIN (next, stream->start_at);
      if (zrtp_engine_next_timeout (stream->engine, &when))
        next = MIN (next, when);
    }
  return next;
}

/* Nothing arrived any more. Where that was at one end only, and that end the initiator, the two disagree on whether
 * there is a session key: then the other streams cannot come together either (§4.2, §4.4.3.1). */
static bool
may_fail (const Call *call, unsigned code)
{
  bool timed_out = false;

  for (unsigned i = 0; i < 2; i++)
    for (unsigned s = 0; s < (unsigned) call->options->streams; s++)
      timed_out |= call->end[i].stream[s].failed == ZRTP_ERROR_TIMEOUT;
  return code == ZRTP_ERROR_TIMEOUT ||
         (timed_out && (code == ZRTP_ERROR_SOFTWARE || code == ZRTP_ERROR_NO_SECRET));
}

static void
check_stream (const Call *call, guint64 seed, unsigned s)
{
  const Stream *a = &call->end[0].stream[s], *b = &call->end[1].stream[s];

  for (unsigned i = 0; i < 2; i++) {
    unsigned failed = call->end[i].stream[s].failed;

    if (failed && !may_fail (call, failed))
      g_error (
          "seed %" G_GUINT64_FORMAT ": end %u of stream %u failed with 0x%02x", seed, i, s, failed);
  }
  if (!a->secure_at || !b->secure_at)
    return;
  if (strcmp (a->sas, b->sas) != 0 || a->mode != b->mode ||
      memcmp (&a->send_key, &b->receive_key, sizeof a->send_key) != 0 ||
      memcmp (&b->send_key, &a->receive_key, sizeof b->send_key) != 0)
    g_error ("seed %" G_GUINT64_FORMAT ": stream %u is secure with different keys", seed, s);
}

/* What the streams of an end have in common, and what not. */
static void
check_end (const End *end, const Options *options, guint64 seed)
{
  const Stream *first = NULL;
  unsigned n_dh = 0;

  for (unsigned s = 0; s < (unsigned) options->streams; s++) {
    const Stream *stream = &end->stream[s];

    if (!stream->secure_at)
      continue;
    n_dh += stream->mode == ZRTP_MODE_DH;
    first = first ? first : stream;
    if (strcmp (stream->sas, first->sas) != 0)
      g_error ("seed %" G_GUINT64_FORMAT ": two SASs in one call", seed);
    for (const Stream *other = end->stream; other < stream; other++)
      if (other->secure_at &&
          (memcmp (&stream->send_key, &other->send_key, sizeof other->send_key) == 0 ||
              memcmp (&stream->send_key, &other->receive_key, sizeof other->send_key) == 0))
        g_error ("seed %" G_GUINT64_FORMAT ": two streams with one key", seed);
  }
  if (n_dh > 1)
    g_error ("seed %" G_GUINT64_FORMAT ": %u DH exchanges in one call", seed, n_dh);
}

/* When the last stream became secure at both ends; 0 = not yet. */
static uint64_t
all_secure_at (const Call *call)
{
  uint64_t at = 0;

  for (unsigned i = 0; i < 2; i++)
    for (unsigned s = 0; s < (unsigned) call->options->streams; s++) {
      if (!call->end[i].stream[s].secure_at)
        return 0;
      at = MAX (at, call->end[i].stream[s].secure_at);
    }
  return at;
}

static void
fire (Call *call)
{
  for (unsigned i = 0; i < 2; i++)
    for (unsigned s = 0; s < (unsigned) call->options->streams; s++) {
      Stream *stream = &call->end[i].stream[s];

      if (call->now >= stream->start_at)
        zrtp_engine_start (stream->engine, call->now);
      zrtp_engine_handle_timeout (stream->engine, call->now);
      service (call, i, s);
    }
}

static void
hang_up (Call *call)
{
  for (unsigned i = 0; i < 2; i++) {
    for (unsigned s = 0; s < (unsigned) call->options->streams; s++)
      zrtp_engine_free (call->end[i].stream[s].engine);
    zrtp_call_free (call->end[i].call);
  }
  g_ptr_array_unref (call->flying);
}

static uint64_t
last_start (const Call *call)
{
  uint64_t last = 0;

  for (unsigned i = 0; i < 2; i++)
    for (unsigned s = 0; s < (unsigned) call->options->streams; s++)
      last = MAX (last, call->end[i].stream[s].start_at);
  return last;
}

/* Milliseconds until all streams were secure at both ends, or -1. */
static double
simulate (const Options *options, guint64 seed)
{
  Call call = {.options = options, .dice = seed, .now = 1000 * MS};
  uint64_t begin, limit, secure_at;

  call.flying = g_ptr_array_new_with_free_func (g_free);
  for (unsigned i = 0; i < 2; i++)
    open_end (&call, i);
  begin = last_start (&call);
  limit = begin + (uint64_t) options->seconds * 1000 * MS;
  while (call.now < limit && !all_secure_at (&call)) {
    fire (&call);
    land (&call);
    call.now = MAX (next_moment (&call, limit), call.now);
  }
  for (unsigned s = 0; s < (unsigned) options->streams; s++)
    check_stream (&call, seed, s);
  for (unsigned i = 0; i < 2; i++)
    check_end (&call.end[i], options, seed);
  secure_at = all_secure_at (&call);
  hang_up (&call);
  return secure_at ? ((double) secure_at - (double) begin) / (double) MS : -1;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  const double *x = a, *y = b;

  return (*x > *y) - (*x < *y);
}

int
main (int argc, char **argv)
{
  Options o = {.calls = 1000,
      .loss = 20,
      .delay_ms = 20,
      .seconds = 30,
      .must = -1,
      .streams = 1,
      .seed = 1};
  const GOptionEntry entries[] = {
      {"calls", 0, 0, G_OPTION_ARG_INT, &o.calls, "how many calls (1000)", "N"},
      {"loss", 0, 0, G_OPTION_ARG_INT, &o.loss, "packets lost each way, % (20)", "N"},
      {"duplicate", 0, 0, G_OPTION_ARG_INT, &o.duplicate, "packets sent twice, % (0)", "N"},
      {"damage", 0, 0, G_OPTION_ARG_INT, &o.damage, "packets with a bit flipped, % (0)", "N"},
      {"delay", 0, 0, G_OPTION_ARG_INT, &o.delay_ms, "one way, ms (20)", "MS"},
      {"jitter", 0, 0, G_OPTION_ARG_INT, &o.jitter_ms, "more delay at random, up to, ms (0)", "MS"},
      {"gap", 0, 0, G_OPTION_ARG_INT, &o.start_gap_ms, "the second end starts later by, ms (0)",
          "MS"},
      {"streams", 0, 0, G_OPTION_ARG_INT, &o.streams, "of a call, 1 to 8 (1)", "N"},
      {"stream-gap", 0, 0, G_OPTION_ARG_INT, &o.stream_gap_ms,
          "each stream starts later at random, up to, ms (0)", "MS"},
      {"seconds", 0, 0, G_OPTION_ARG_INT, &o.seconds, "how long a call may take (30)", "S"},
      {"must", 0, 0, G_OPTION_ARG_INT, &o.must, "fail when fewer % of the calls get secure", "N"},
      {"seed", 0, 0, G_OPTION_ARG_INT64, &o.seed, "of the first call; the next has the next", "N"},
      {NULL},
  };
  GOptionContext *context = g_option_context_new ("- ZRTP calls over a bad network");
  GError *error = NULL;
  gint secure = 0;
  double *ms;

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || o.calls < 1 || o.streams < 1 ||
      o.streams > MAX_STREAMS) {
    g_printerr (
        "simulate: %s\n", error ? error->message : "--calls is at least 1, --streams 1 to 8");
    return 2;
  }
  g_option_context_free (context);

  ms = g_new (double, o.calls);
  for (gint i = 0; i < o.calls; i++) {
    double result = simulate (&o, (guint64) o.seed + (guint64) i);

    if (result >= 0)
      ms[secure++] = result;
  }
  qsort (ms, (size_t) secure, sizeof *ms, compare);
  g_print ("simulation calls=%d loss=%d duplicate=%d damage=%d delay=%d jitter=%d gap=%d "
           "streams=%d seed=%" G_GINT64_FORMAT
           " secure=%d median_ms=%.0f p95_ms=%.0f max_ms=%.0f\n",
      o.calls, o.loss, o.duplicate, o.damage, o.delay_ms, o.jitter_ms, o.start_gap_ms, o.streams,
      o.seed, secure, secure ? ms[secure / 2] : -1, secure ? ms[secure * 95 / 100] : -1,
      secure ? ms[secure - 1] : -1);
  g_free (ms);
  return secure * 100 < o.must * o.calls;
}
