/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/protocol/pair.h"

#include "ext/gmp/zrtp-gmp.h"
#include "ext/nettle/zrtp-nettle.h"

#include <string.h>

static const ZrtpHash *const hashes[] = {&zrtp_nettle_s256, &zrtp_nettle_s384, &zrtp_nettle_s512,
    &zrtp_nettle_n256, &zrtp_nettle_n384, NULL};
static const ZrtpCipher *const ciphers[] = {&zrtp_nettle_aes1, &zrtp_nettle_aes3, NULL};
static const ZrtpKeyAgreement *const key_agreements[] = {&zrtp_nettle_x255, &zrtp_nettle_e255,
    &zrtp_nettle_x448, &zrtp_nettle_ec25, &zrtp_nettle_ec38, &zrtp_nettle_ec52, &zrtp_gmp_dh3k,
    &zrtp_gmp_dh2k, NULL};

/* splitmix64: the same seed, the same run */
bool
seeded_random (void *user, uint8_t *out, size_t size)
{
  PairEnd *end = user;

  if (end->random_broken)
    return false;
  for (size_t i = 0; i < size; i++) {
    uint64_t z = end->random_state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    out[i] = (uint8_t) (z >> 56);
  }
  return true;
}

void
offer_only (ZrtpConfig *config, ZrtpKind kind, ZrtpType type)
{
  config->offer.list[kind] = (ZrtpList){1, {type}};
}

void
pair_init (Pair *pair, uint64_t seed)
{
  memset (pair, 0, sizeof *pair);
  pair->now = 1000 * MS;
  for (unsigned i = 0; i < 2; i++) {
    PairEnd *end = &pair->end[i];

    end->random_state = seed * 2 + i;
    end->crypto = (ZrtpCrypto){hashes, ciphers, key_agreements, {seeded_random, end}};
    end->config.ssrc = 0x1000 + i;
    memset (end->config.client_id, ' ', sizeof end->config.client_id);
    end->config.offer.list[ZRTP_HASH] = (ZrtpList){2, {ZRTP_S256, ZRTP_S384}};
    end->config.offer.list[ZRTP_CIPHER] = (ZrtpList){2, {ZRTP_AES1, ZRTP_AES3}};
    end->config.offer.list[ZRTP_AUTH_TAG] = (ZrtpList){2, {ZRTP_HS80, ZRTP_HS32}};
    end->config.offer.list[ZRTP_KEY_AGREEMENT] =
        (ZrtpList){4, {ZRTP_X255, ZRTP_EC25, ZRTP_EC38, ZRTP_DH3K}};
    end->config.offer.list[ZRTP_SAS] = (ZrtpList){2, {ZRTP_B32, ZRTP_B256}};
  }
}

void
pair_clear (Pair *pair)
{
  for (unsigned i = 0; i < 2; i++) {
    zrtp_engine_free (pair->end[i].engine);
    if (!pair->end[i].call_is_shared)
      zrtp_call_free (pair->end[i].call);
  }
}

void
pair_init_stream (Pair *pair, Pair *first, uint64_t seed)
{
  pair_init (pair, seed);
  pair->now = first->now;
  for (unsigned i = 0; i < 2; i++) {
    pair->end[i].call = first->end[i].call;
    pair->end[i].call_is_shared = true;
    pair->end[i].config = first->end[i].config;
    pair->end[i].config.ssrc += 0x100;
  }
}

static void
make_engine (PairEnd *end, unsigned index)
{
  uint8_t zid[ZRTP_ZID_SIZE];

  memset (zid, 0xa0 + (int) index, sizeof zid);
  if (!end->call)
    end->call = zrtp_call_new (&end->crypto, zid);
  end->engine = zrtp_engine_new (end->call, &end->config);
  g_assert_nonnull (end->engine);
}

void
pair_start (Pair *pair, unsigned mask)
{
  for (unsigned i = 0; i < 2; i++) {
    if (!pair->end[i].engine)
      make_engine (&pair->end[i], i);
    if (mask & 1u << i)
      zrtp_engine_start (pair->end[i].engine, pair->now);
  }
}

static const ZrtpEngine *
asking (const PairEnd *end)
{
  return end->engine->successor ? end->engine->successor : end->engine;
}

static void
drain (Pair *pair, PairEnd *end)
{
  ZrtpEvent event;
  ZrtpEventKind last = ZRTP_EVENT_NONE;

  if (!end->engine)
    return;
  while (zrtp_engine_poll_event (end->engine, &event)) {
    end->n_events[event.kind]++;
    if (end->n_told < G_N_ELEMENTS (end->told))
      end->told[end->n_told++] = event.kind;
    g_assert_cmpint (event.kind, >, last); /* in the order of the enum */
    last = event.kind;
    switch (event.kind) {
      case ZRTP_EVENT_LOOKUP:
        g_assert_true (zrtp_equal (event.peer_zid, asking (end)->peer.hello.zid, ZRTP_ZID_SIZE));
        zrtp_engine_set_record (end->engine, event.peer_zid,
            end->has_record && (!end->record_is_bobs || event.peer_zid[0] == 0xa1) ? &end->record
                                                                                   : NULL,
            pair->now);
        last = ZRTP_EVENT_NONE;
        break;
      case ZRTP_EVENT_RECEIVE_KEY:
        end->receive_key = event.key;
        break;
      case ZRTP_EVENT_SEND_KEY:
        end->send_key = event.key;
        break;
      case ZRTP_EVENT_STORE:
        end->stored = event.store;
        end->record = event.store.after;
        end->has_record = zrtp_record_is_worth (&end->record);
        break;
      case ZRTP_EVENT_SECURE:
        end->secure = event.secure;
        break;
      case ZRTP_EVENT_DROP_KEYS:
        memset (&end->receive_key, 0, sizeof end->receive_key);
        memset (&end->send_key, 0, sizeof end->send_key);
        break;
      case ZRTP_EVENT_RELAYED_SAS:
        end->relayed_sas = event.relayed_sas;
        break;
      case ZRTP_EVENT_CLEAR:
        end->clear_by_peer = event.clear.by_peer;
        end->clear_waiting = event.clear.waiting;
        break;
      case ZRTP_EVENT_PINGACK:
        memcpy (end->pinged, event.pingack.endpoint_hash, sizeof end->pinged);
        end->pinged_ssrc = event.pingack.ssrc;
        break;
      case ZRTP_EVENT_FAILED:
        end->failed_code = event.failed.code;
        end->failed_by_peer = event.failed.by_peer;
        break;
      default:
        break;
    }
  }
}

bool
packet_is (const uint8_t *packet, ZrtpMessageType type)
{
  return memcmp (packet + ZRTP_HEADER_SIZE + 4, zrtp_message_name (type), 8) == 0;
}

void
pair_fix_crc (uint8_t *packet, size_t size)
{
  uint32_t crc = zrtp_crc32c (packet, size - ZRTP_CRC_SIZE);

  for (unsigned i = 0; i < 4; i++)
    packet[size - ZRTP_CRC_SIZE + i] = (uint8_t) (crc >> 8 * i);
}

static void
note_sent (Pair *pair, PairEnd *end, const uint8_t *packet, size_t size)
{
  ZrtpPacket parsed;
  unsigned *n;

  g_assert_cmpint (zrtp_packet_parse (packet, size, &parsed), ==, ZRTP_ACCEPTED);
  /* Random at first, then one more for every packet, retransmissions too. */
  if (end->any_sent)
    g_assert_cmpuint (parsed.sequence, ==, (uint16_t) (end->last_sequence + 1));
  else
    g_assert_true (parsed.sequence >= 1 && parsed.sequence <= 4095);
  end->any_sent = true;
  end->last_sequence = parsed.sequence;

  n = &end->n_sent[parsed.type];
  if (*n < G_N_ELEMENTS (end->sent_at[0]))
    end->sent_at[parsed.type][*n] = pair->now;
  ++*n;
}

ZrtpResult
pair_feed (Pair *pair, unsigned to, const uint8_t *packet, size_t size)
{
  /* A copy on the heap of its exact size: a sanitizer or valgrind sees a read past the end. */
  uint8_t *copy;
  ZrtpResult result;

  if (!pair->end[to].engine) /* freed: nobody is there */
    return ZRTP_UNEXPECTED;
  copy = g_memdup2 (packet, size);
  result = zrtp_engine_handle_packet (pair->end[to].engine, copy, size, pair->now);
  g_free (copy);
  drain (pair, &pair->end[to]);
  return result;
}

static bool
relay (Pair *pair, unsigned from)
{
  uint8_t packet[ZRTP_MAX_PACKET + 64];
  PairEnd *end = &pair->end[from];
  size_t size;
  bool any = false;

  if (!end->engine)
    return false;
  drain (pair, end);
  while ((size = zrtp_engine_poll_packet (end->engine, packet))) {
    any = true;
    note_sent (pair, end, packet, size);
    if (pair->wire && !pair->wire (pair, from, packet, &size, pair->user))
      continue;
    if (!pair->keep_crc)
      pair_fix_crc (packet, size);
    pair_feed (pair, !from, packet, size);
  }
  return any;
}

void
pair_settle (Pair *pair)
{
  while (relay (pair, ALICE) | relay (pair, BOB))
    continue;
}

void
pair_run (Pair *pair, uint64_t until)
{
  for (;;) {
    uint64_t when, next = until;

    pair_settle (pair);
    for (unsigned i = 0; i < 2; i++)
      if (zrtp_engine_next_timeout (pair->end[i].engine, &when) && when < next)
        next = when;
    if (next >= until) {
      pair->now = until;
      return;
    }
    g_assert_cmpuint (next, >, pair->now); /* no timer may stand still */
    pair->now = next;
    for (unsigned i = 0; i < 2; i++)
      zrtp_engine_handle_timeout (pair->end[i].engine, pair->now);
  }
}

/* What one stream was told may concern another. */
static bool
stir (Pair *streams, unsigned n)
{
  bool any = false;

  for (unsigned e = 0; e < 2; e++) {
    ZrtpEngine *engine;

    while ((engine = zrtp_call_next_stirred (streams[0].end[e].call))) {
      any = true;
      zrtp_engine_handle_timeout (engine, streams[0].now);
      for (unsigned i = 0; i < n; i++)
        drain (&streams[i], &streams[i].end[e]);
    }
  }
  return any;
}

void
streams_settle (Pair *streams, unsigned n)
{
  bool any;

  do {
    any = stir (streams, n);
    for (unsigned i = 0; i < n; i++)
      any |= relay (&streams[i], ALICE) | stir (streams, n) | relay (&streams[i], BOB) |
             stir (streams, n);
  } while (any);
}

void
streams_run (Pair *streams, unsigned n, uint64_t until)
{
  /* A timer that was due when the last run ended has not fired yet. */
  for (bool first = true;; first = false) {
    uint64_t when, next = until;

    streams_settle (streams, n);
    for (unsigned i = 0; i < n; i++)
      for (unsigned e = 0; e < 2; e++)
        if (streams[i].end[e].engine &&
            zrtp_engine_next_timeout (streams[i].end[e].engine, &when) && when < next)
          next = when;
    g_assert_true (next >= until || next > streams[0].now || (first && next == streams[0].now));
    for (unsigned i = 0; i < n; i++)
      streams[i].now = next;
    if (next >= until)
      return;
    for (unsigned i = 0; i < n; i++)
      for (unsigned e = 0; e < 2; e++)
        if (streams[i].end[e].engine)
          zrtp_engine_handle_timeout (streams[i].end[e].engine, next);
  }
}

ZrtpState
pair_state (const Pair *pair, unsigned end)
{
  return zrtp_engine_get_state (pair->end[end].engine);
}

void
pair_assert_secure (Pair *pair)
{
  PairEnd *a = &pair->end[ALICE], *b = &pair->end[BOB];
  const size_t salt_size = zrtp_srtp_salt_size (a->secure.choice.type[ZRTP_AUTH_TAG]);

  g_assert_cmpint (pair_state (pair, ALICE), ==, ZRTP_STATE_SECURE);
  g_assert_cmpint (pair_state (pair, BOB), ==, ZRTP_STATE_SECURE);
  for (unsigned i = 0; i < 2; i++) {
    g_assert_cmpuint (pair->end[i].n_events[ZRTP_EVENT_SECURE], ==, 1);
    g_assert_cmpuint (pair->end[i].n_events[ZRTP_EVENT_RECEIVE_KEY], ==, 1);
    g_assert_cmpuint (pair->end[i].n_events[ZRTP_EVENT_SEND_KEY], ==, 1);
    g_assert_cmpuint (pair->end[i].n_events[ZRTP_EVENT_FAILED], ==, 0);
  }
  g_assert_cmpstr (a->secure.sas, ==, b->secure.sas);
  g_assert_cmpstr (a->secure.sas, !=, "");
  g_assert_cmpmem (&a->secure.choice, sizeof (ZrtpChoice), &b->secure.choice, sizeof (ZrtpChoice));
  g_assert_cmpmem (
      a->send_key.key_and_salt, a->send_key.size, b->receive_key.key_and_salt, b->receive_key.size);
  g_assert_cmpmem (
      b->send_key.key_and_salt, b->send_key.size, a->receive_key.key_and_salt, a->receive_key.size);
  g_assert_true (memcmp (a->send_key.key_and_salt, b->send_key.key_and_salt, a->send_key.size));
  g_assert_true (memcmp (a->send_key.key_and_salt + a->send_key.size - salt_size,
      b->send_key.key_and_salt + b->send_key.size - salt_size, salt_size));
  g_assert_cmpint (zrtp_engine_get_role (a->engine), !=, zrtp_engine_get_role (b->engine));
  g_assert_cmpmem (zrtp_call_get_sashash (a->call), ZRTP_SASHASH_SIZE,
      zrtp_call_get_sashash (b->call), ZRTP_SASHASH_SIZE);
}
