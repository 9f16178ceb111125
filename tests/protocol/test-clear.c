/* Clear mode (RFC 6189 §4.7.2, §4.7.2.1, §5.11, §5.12): whole calls of several streams.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/protocol/forgery.h"

#include <string.h>

/* --- Calls --------------------------------------------------------------------------------------------- */

typedef struct {
  Pair stream[MAX_STREAMS];
  unsigned n;
  unsigned initiator; /* of the first exchange */
} Call;

static void
call_settle (Call *call)
{
  streams_settle (call->stream, call->n);
}

static void
call_run (Call *call, uint64_t duration)
{
  streams_run (call->stream, call->n, call->stream[0].now + duration);
}

static ZrtpEngine *
engine_of (Call *call, unsigned stream, unsigned end)
{
  return call->stream[stream].end[end].engine;
}

static ZrtpCall *
call_of (Call *call, unsigned end)
{
  return call->stream[0].end[end].call;
}

static void
assert_states (Call *call, ZrtpState alice, ZrtpState bob)
{
  for (unsigned i = 0; i < call->n; i++) {
    g_assert_cmpint (pair_state (&call->stream[i], ALICE), ==, alice);
    g_assert_cmpint (pair_state (&call->stream[i], BOB), ==, bob);
  }
}

/* Every stream secure at both ends, with the keys that it has now. */
static void
assert_secure (Call *call)
{
  assert_states (call, ZRTP_STATE_SECURE, ZRTP_STATE_SECURE);
  for (unsigned i = 0; i < call->n; i++) {
    const PairEnd *a = &call->stream[i].end[ALICE], *b = &call->stream[i].end[BOB];

    g_assert_cmpuint (a->send_key.size, >, 0);
    g_assert_cmpuint (b->send_key.size, >, 0);
    g_assert_cmpmem (a->send_key.key_and_salt, a->send_key.size, b->receive_key.key_and_salt,
        b->receive_key.size);
    g_assert_cmpmem (b->send_key.key_and_salt, b->send_key.size, a->receive_key.key_and_salt,
        a->receive_key.size);
    for (unsigned e = 0; e < 2; e++)
      g_assert_cmpuint (call->stream[i].end[e].n_events[ZRTP_EVENT_FAILED], ==, 0);
    g_assert_false (zrtp_call_is_clear (a->call));
    g_assert_false (zrtp_call_is_clear (b->call));
  }
}

static void
forget_told (Call *call)
{
  for (unsigned i = 0; i < call->n; i++)
    for (unsigned e = 0; e < 2; e++)
      call->stream[i].end[e].n_told = 0;
}

static void
add_stream (Call *call)
{
  pair_init_stream (&call->stream[call->n], &call->stream[0], 100 + call->n);
  pair_start (&call->stream[call->n++], BOTH);
}

/* The first stream as it is to be configured; NULL: both ends allow clear mode. */
static void
call_begin_as (Call *call, unsigned n, const Pair *first)
{
  memset (call, 0, sizeof *call);
  call->stream[0] = *first;
  call->n = 1;
  for (unsigned e = 0; e < 2; e++) /* pair_init() let it point into another one */
    call->stream[0].end[e].crypto.random.user = &call->stream[0].end[e];
  pair_start (&call->stream[0], BOTH);
  call_settle (call);
  while (call->n < n) {
    add_stream (call);
    call_settle (call);
  }
  assert_secure (call);
  forget_told (call);
  call->initiator =
      zrtp_engine_get_role (engine_of (call, 0, ALICE)) == ZRTP_ROLE_INITIATOR ? ALICE : BOB;
}

static void
init_allowing (Pair *pair, bool alice, bool bob)
{
  pair_init (pair, 1);
  pair->end[ALICE].config.allow_clear = alice;
  pair->end[BOB].config.allow_clear = bob;
}

static void
call_begin (Call *call, unsigned n)
{
  Pair first;

  init_allowing (&first, true, true);
  call_begin_as (call, n, &first);
}

static void
call_clear (Call *call)
{
  while (call->n > 0)
    pair_clear (&call->stream[--call->n]);
}

static void
go_clear (Call *call, unsigned end)
{
  g_assert_true (zrtp_call_may_go_clear (call_of (call, end)));
  g_assert_true (zrtp_call_go_clear (call_of (call, end), call->stream[0].now));
}

static void
accept_clear (Call *call, unsigned end, bool accept)
{
  zrtp_call_accept_clear (call_of (call, end), accept, call->stream[0].now);
}

static void
go_secure (Call *call, unsigned end)
{
  g_assert_true (zrtp_call_go_secure (call_of (call, end), call->stream[0].now));
}

/* Both ends in clear mode, because `end` wanted it. */
static void
call_to_clear (Call *call, unsigned end)
{
  go_clear (call, end);
  call_settle (call);
  accept_clear (call, !end, true);
  call_settle (call);
  assert_states (call, ZRTP_STATE_CLEAR, ZRTP_STATE_CLEAR);
  forget_told (call);
}

/* ZRTPSess after `times` GoClears, by another library: KDF(ZRTPSess, "New ZRTP Session", (ZIDi || ZIDr),
 * negotiated hash length), §4.7.2.1. */
static void
replaced (const Call *call, const uint8_t before[32], unsigned times, uint8_t out[32])
{
  uint8_t zids[24];

  memset (zids, 0xa0 + (int) call->initiator, 12);
  memset (zids + 12, 0xa1 - (int) call->initiator, 12);
  memmove (out, before, 32);
  for (unsigned i = 0; i < times; i++)
    other_kdf (out, "New ZRTP Session", zids, 24, 256, out);
}

static void
assert_replaced (Call *call, const uint8_t before[32], unsigned times)
{
  uint8_t wanted[32];

  replaced (call, before, times, wanted);
  for (unsigned e = 0; e < 2; e++)
    g_assert_cmpmem (call_of (call, e)->zrtpsess, 32, wanted, 32);
}

/* --- The flag -------------------------------------------------------------------------------------------- */

/* §4.7.2: off unless both ends set A; a GoClear is then not even tried. */
static void
test_off_by_default (void)
{
  for (unsigned allow = 0; allow < 4; allow++) {
    Call call;
    Pair first;

    if (allow == 0)
      pair_init (&first, 1); /* as it is */
    else
      init_allowing (&first, allow & 1, allow & 2);
    call_begin_as (&call, 2, &first);
    for (unsigned e = 0; e < 2; e++) {
      g_assert_cmpint (
          call.stream[0].end[e].secure.peer_allows_clear, ==, (allow & (e ? 1 : 2)) != 0);
      g_assert_cmpint (zrtp_call_may_go_clear (call_of (&call, e)), ==, allow == 3);
      if (allow != 3)
        g_assert_false (zrtp_call_go_clear (call_of (&call, e), call.stream[0].now));
      g_assert_false (zrtp_call_go_secure (call_of (&call, e), call.stream[0].now));
    }
    call_settle (&call);
    assert_secure (&call);
    for (unsigned e = 0; e < 2; e++)
      g_assert_cmpuint (call.stream[0].end[e].n_sent[ZRTP_MESSAGE_GOCLEAR], ==, 0);
    call_clear (&call);
  }
}

/* Before the call is secure nothing can be asked for. */
static void
test_not_secure_yet (void)
{
  Call call = {.n = 1};

  init_allowing (&call.stream[0], true, true);
  pair_start (&call.stream[0], BOTH);
  g_assert_false (zrtp_call_may_go_clear (call_of (&call, ALICE)));
  g_assert_false (zrtp_call_go_clear (call_of (&call, ALICE), call.stream[0].now));
  g_assert_false (zrtp_call_go_secure (call_of (&call, ALICE), call.stream[0].now));
  zrtp_call_accept_clear (call_of (&call, ALICE), true, call.stream[0].now);
  zrtp_call_accept_clear (call_of (&call, ALICE), false, call.stream[0].now);
  call_settle (&call);
  assert_secure (&call);
  call_clear (&call);
}

/* --- To clear ---------------------------------------------------------------------------------------------- */

/* The keys go before anything else is told or sent, of all streams, and nothing is said to be clear before
 * the peer, or the peer's user, knows. */
static void
test_go_clear (void)
{
  for (unsigned presser = 0; presser < 2; presser++) {
    Call call;
    uint8_t zrtpsess[32];

    call_begin (&call, 3);
    memcpy (zrtpsess, call_of (&call, ALICE)->zrtpsess, 32);
    go_clear (&call, presser);
    for (unsigned i = 0; i < 3; i++) {
      ZrtpEvent event;

      g_assert_cmpint (pair_state (&call.stream[i], presser), ==, ZRTP_STATE_GOCLEAR_SENT);
      g_assert_true (zrtp_engine_poll_event (engine_of (&call, i, presser), &event));
      g_assert_cmpint (event.kind, ==, ZRTP_EVENT_DROP_KEYS);
      g_assert_false (zrtp_engine_poll_event (engine_of (&call, i, presser), &event));
      memset (&call.stream[i].end[presser].send_key, 0, sizeof (ZrtpSrtpKey));
      memset (&call.stream[i].end[presser].receive_key, 0, sizeof (ZrtpSrtpKey));
    }
    call_settle (&call);
    for (unsigned i = 0; i < 3; i++) {
      PairEnd *own = &call.stream[i].end[presser], *other = &call.stream[i].end[!presser];

      assert_told (own, ZRTP_EVENT_CLEAR, ZRTP_EVENT_NONE);
      g_assert_false (own->clear_by_peer);
      g_assert_false (own->clear_waiting);
      g_assert_cmpint (pair_state (&call.stream[i], presser), ==, ZRTP_STATE_CLEAR);
      assert_told (other, ZRTP_EVENT_DROP_KEYS, ZRTP_EVENT_CLEAR, ZRTP_EVENT_NONE);
      g_assert_true (other->clear_by_peer);
      g_assert_true (other->clear_waiting);
      g_assert_cmpint (pair_state (&call.stream[i], !presser), ==, ZRTP_STATE_CLEAR_WAITING);
      /* one GoClear is for all */
      g_assert_cmpuint (own->n_sent[ZRTP_MESSAGE_GOCLEAR], ==, i == 0);
      g_assert_cmpuint (other->n_sent[ZRTP_MESSAGE_CLEARACK], ==, i == 0);
    }
    assert_replaced (&call, zrtpsess, 1);
    g_assert_true (zrtp_call_is_clear (call_of (&call, ALICE)));
    g_assert_true (zrtp_call_is_clear (call_of (&call, BOB)));
    g_assert_false (zrtp_call_may_go_clear (call_of (&call, ALICE)));
    /* for good */
    call_run (&call, 60000 * MS);
    g_assert_cmpint (pair_state (&call.stream[0], presser), ==, ZRTP_STATE_CLEAR);
    g_assert_cmpint (pair_state (&call.stream[0], !presser), ==, ZRTP_STATE_CLEAR_WAITING);
    call_clear (&call);
  }
}

/* The receiver: the keys are gone when the GoClear was handled, and before the ClearACK leaves. */
static void
test_drop_before_clearack (void)
{
  Call call;
  uint8_t packet[ZRTP_MAX_PACKET];
  size_t size;
  ZrtpEvent event;

  call_begin (&call, 2);
  size = forge_goclear (packet, engine_of (&call, 0, ALICE));
  g_assert_cmpint (
      zrtp_engine_handle_packet (engine_of (&call, 0, BOB), packet, size, call.stream[0].now), ==,
      ZRTP_ACCEPTED);
  g_assert_true (zrtp_call_next_stirred (call_of (&call, BOB)) != NULL);
  for (unsigned i = 0; i < 2; i++) {
    g_assert_true (zrtp_engine_poll_event (engine_of (&call, i, BOB), &event));
    g_assert_cmpint (event.kind, ==, ZRTP_EVENT_DROP_KEYS);
    g_assert_true (zrtp_engine_poll_event (engine_of (&call, i, BOB), &event));
    g_assert_cmpint (event.kind, ==, ZRTP_EVENT_CLEAR);
  }
  g_assert_cmpuint (zrtp_engine_poll_packet (engine_of (&call, 0, BOB), packet), >, 0);
  g_assert_true (packet_is (packet, ZRTP_MESSAGE_CLEARACK));
  g_assert_cmpuint (zrtp_engine_poll_packet (engine_of (&call, 0, BOB), packet), ==, 0);
  call_clear (&call);
}

/* §4.7.2: clear_mac = MAC(mackeyi or mackeyr, "GoClear "), leftmost 64 bits; by another library. */
static void
test_clear_mac (void)
{
  for (unsigned presser = 0; presser < 2; presser++) {
    Call call;
    Pair first;
    Kept kept = {0};
    uint8_t mac[32];
    gsize n = 32;
    GHmac *hmac;
    unsigned whose;

    init_allowing (&first, true, true);
    first.wire = keep;
    first.user = &kept;
    call_begin_as (&call, 1, &first);
    whose = zrtp_engine_get_role (engine_of (&call, 0, presser)) == ZRTP_ROLE_INITIATOR ? ZRTP_I
                                                                                        : ZRTP_R;
    go_clear (&call, presser);
    call_settle (&call);
    hmac = g_hmac_new (G_CHECKSUM_SHA256, kept.keys[presser].mackey[whose], 32);
    g_hmac_update (hmac, (const guchar *) "GoClear ", 8);
    g_hmac_get_digest (hmac, mac, &n);
    g_hmac_unref (hmac);
    g_assert_cmpuint (kept.size[presser][ZRTP_MESSAGE_GOCLEAR], ==, 12 + 20 + 4);
    g_assert_cmpmem (kept.packet[presser][ZRTP_MESSAGE_GOCLEAR] + 12 + 12, 8, mac, 8);
    call_clear (&call);
  }
}

/* With SHA-384: the whole of ZRTPSess is replaced. */
static void
test_long_zrtpsess (void)
{
  Call call;
  Pair first;
  uint8_t before[48];

  init_allowing (&first, true, true);
  for (unsigned e = 0; e < 2; e++)
    offer_only (&first.end[e].config, ZRTP_HASH, ZRTP_S384);
  call_begin_as (&call, 2, &first);
  memcpy (before, call_of (&call, ALICE)->zrtpsess, 48);
  call_to_clear (&call, ALICE);
  g_assert_cmpmem (call_of (&call, ALICE)->zrtpsess, 48, call_of (&call, BOB)->zrtpsess, 48);
  g_assert_true (memcmp (call_of (&call, ALICE)->zrtpsess, before, 32));
  g_assert_true (memcmp (call_of (&call, ALICE)->zrtpsess + 32, before + 32, 16));
  go_secure (&call, BOB);
  call_settle (&call);
  assert_secure (&call);
  call_clear (&call);
}

/* --- The user of the other end ------------------------------------------------------------------------------- */

static void
test_accept (void)
{
  Call call;

  call_begin (&call, 2);
  go_clear (&call, ALICE);
  call_settle (&call);
  forget_told (&call);
  accept_clear (&call, BOB, true);
  call_settle (&call);
  for (unsigned i = 0; i < 2; i++) {
    PairEnd *bob = &call.stream[i].end[BOB];

    assert_told (bob, ZRTP_EVENT_CLEAR, ZRTP_EVENT_NONE);
    g_assert_true (bob->clear_by_peer);
    g_assert_false (bob->clear_waiting);
  }
  assert_states (&call, ZRTP_STATE_CLEAR, ZRTP_STATE_CLEAR);
  /* once is enough, and who was not asked has nothing to answer */
  accept_clear (&call, BOB, true);
  accept_clear (&call, ALICE, true);
  call_settle (&call);
  assert_told (&call.stream[0].end[BOB], ZRTP_EVENT_NONE);
  assert_told (&call.stream[0].end[ALICE], ZRTP_EVENT_NONE);
  call_clear (&call);
}

/* He does not want it: back to secure, with fresh keys. */
static void
test_refuse (void)
{
  Call call;

  call_begin (&call, 2);
  go_clear (&call, ALICE);
  call_settle (&call);
  forget_told (&call);
  accept_clear (&call, BOB, false);
  call_settle (&call);
  assert_secure (&call);
  for (unsigned i = 0; i < 2; i++)
    for (unsigned e = 0; e < 2; e++) {
      PairEnd *end = &call.stream[i].end[e];

      assert_told (
          end, ZRTP_EVENT_RECEIVE_KEY, ZRTP_EVENT_SEND_KEY, ZRTP_EVENT_SECURE, ZRTP_EVENT_NONE);
      g_assert_cmpint (end->secure.mode, ==, ZRTP_MODE_MULTISTREAM);
      g_assert_cmpint (end->secure.role, ==, e == BOB ? ZRTP_ROLE_INITIATOR : ZRTP_ROLE_RESPONDER);
    }
  call_clear (&call);
}

/* "the ClearACK message MAY be resent at regular intervals (e.g., every 5 seconds) while waiting for
 * confirmation from the user" */
static void
test_clearack_repeats (void)
{
  Call call;
  const PairEnd *bob = &call.stream[0].end[BOB];
  uint64_t start;

  call_begin (&call, 2);
  start = call.stream[0].now;
  go_clear (&call, ALICE);
  call_run (&call, 22000 * MS);
  g_assert_cmpuint (bob->n_sent[ZRTP_MESSAGE_CLEARACK], ==, 5);
  for (unsigned i = 0; i < 5; i++)
    g_assert_cmpuint (bob->sent_at[ZRTP_MESSAGE_CLEARACK][i], ==, start + i * 5000 * MS);
  g_assert_cmpuint (call.stream[1].end[BOB].n_sent[ZRTP_MESSAGE_CLEARACK], ==, 0);
  accept_clear (&call, BOB, true);
  call_run (&call, 30000 * MS);
  g_assert_cmpuint (bob->n_sent[ZRTP_MESSAGE_CLEARACK], ==, 5);
  call_clear (&call);

  /* secure again: no more of them either */
  call_begin (&call, 1);
  go_clear (&call, ALICE);
  call_run (&call, 1000 * MS);
  accept_clear (&call, BOB, false);
  call_run (&call, 30000 * MS);
  g_assert_cmpuint (bob->n_sent[ZRTP_MESSAGE_CLEARACK], ==, 1);
  assert_secure (&call);
  call_clear (&call);
}

/* --- Loss ----------------------------------------------------------------------------------------------------- */

static void
assert_t2 (const PairEnd *end, ZrtpMessageType type, uint64_t start)
{
  static const unsigned ms[] = {0, 150, 450, 1050, 2250, 3450, 4650, 5850, 7050, 8250, 9450};

  for (unsigned i = 0; i < G_N_ELEMENTS (ms); i++)
    g_assert_cmpuint (end->sent_at[type][i], ==, start + ms[i] * MS);
  g_assert_cmpuint (end->n_sent[type], ==, G_N_ELEMENTS (ms));
}

/* §6: T2, ten retransmissions. "In the event a ClearACK is not received before the retransmissions of
 * GoClear are exhausted, the key material is deleted" */
static void
test_goclear_schedule (void)
{
  Call call;
  uint8_t zrtpsess[32], wanted[32];
  uint64_t start;
  PairEnd *alice = &call.stream[0].end[ALICE];

  call_begin (&call, 2);
  memcpy (zrtpsess, call_of (&call, ALICE)->zrtpsess, 32);
  start = call.stream[0].now;
  call.stream[0].wire = cut;
  go_clear (&call, ALICE);
  call_settle (&call);
  assert_told (alice, ZRTP_EVENT_DROP_KEYS, ZRTP_EVENT_NONE);
  call_run (&call, 9400 * MS);
  assert_told (alice, ZRTP_EVENT_NONE);
  g_assert_cmpint (pair_state (&call.stream[0], ALICE), ==, ZRTP_STATE_GOCLEAR_SENT);
  call_run (&call, 30000 * MS);
  assert_t2 (alice, ZRTP_MESSAGE_GOCLEAR, start);
  assert_told (alice, ZRTP_EVENT_CLEAR, ZRTP_EVENT_NO_ANSWER, ZRTP_EVENT_NONE);
  assert_told (&call.stream[1].end[ALICE], ZRTP_EVENT_DROP_KEYS, ZRTP_EVENT_CLEAR, ZRTP_EVENT_NONE);
  g_assert_false (alice->clear_by_peer);
  g_assert_cmpint (pair_state (&call.stream[0], ALICE), ==, ZRTP_STATE_CLEAR);
  g_assert_cmpint (pair_state (&call.stream[1], ALICE), ==, ZRTP_STATE_CLEAR);
  g_assert_cmpint (pair_state (&call.stream[0], BOB), ==, ZRTP_STATE_SECURE);
  g_assert_false (call_has (call_of (&call, ALICE), zrtpsess, 32));
  replaced (&call, zrtpsess, 1, wanted);
  g_assert_cmpmem (call_of (&call, ALICE)->zrtpsess, 32, wanted, 32);
  call_clear (&call);
}

/* Any number of GoClears or ClearACKs may be lost: ZRTPSess is replaced once. */
static void
test_losses (void)
{
  static const struct {
    unsigned from;
    ZrtpMessageType type;
  } lost[] = {{ALICE, ZRTP_MESSAGE_GOCLEAR}, {BOB, ZRTP_MESSAGE_CLEARACK}};

  for (unsigned l = 0; l < 2; l++)
    for (unsigned n = 1; n <= 10; n++) {
      Call call;
      uint8_t zrtpsess[32];
      Loss loss = {lost[l].from, lost[l].type, n, 0, 0};

      call_begin (&call, 2);
      memcpy (zrtpsess, call_of (&call, ALICE)->zrtpsess, 32);
      call.stream[0].wire = lose;
      call.stream[0].user = &loss;
      go_clear (&call, ALICE);
      call_run (&call, 9440 * MS);
      /* Bob's own repetition after 5 s makes up for many */
      g_assert_cmpuint (loss.seen, >=, l == 0 ? n : MIN (n, 8));
      call_run (&call, 1000 * MS);
      assert_states (&call, ZRTP_STATE_CLEAR, ZRTP_STATE_CLEAR_WAITING);
      assert_replaced (&call, zrtpsess, 1);
      g_assert_cmpuint (call.stream[0].end[BOB].n_events[ZRTP_EVENT_CLEAR], ==, 1);
      g_assert_cmpuint (call.stream[0].end[BOB].n_events[ZRTP_EVENT_DROP_KEYS], ==, 1);
      accept_clear (&call, BOB, true);
      go_secure (&call, ALICE);
      call_run (&call, 10000 * MS);
      assert_secure (&call);
      call_clear (&call);
    }
}

/* The user refuses at once, and the ClearACK was lost: the peer gets another one, or it would wait for it
 * while we wait for an answer to our Commit. */
static void
test_refused_without_clearack (void)
{
  Call call;
  Loss loss = {BOB, ZRTP_MESSAGE_CLEARACK, 2, 0, 0};
  uint8_t zrtpsess[32];

  call_begin (&call, 2);
  memcpy (zrtpsess, call_of (&call, ALICE)->zrtpsess, 32);
  call.stream[0].wire = lose;
  call.stream[0].user = &loss;
  go_clear (&call, ALICE);
  call_settle (&call);
  accept_clear (&call, BOB, false);
  call_settle (&call);
  g_assert_cmpint (pair_state (&call.stream[0], BOB), ==, ZRTP_STATE_COMMIT_SENT);
  g_assert_cmpint (pair_state (&call.stream[0], ALICE), ==, ZRTP_STATE_GOCLEAR_SENT);
  call_run (&call, 3000 * MS);
  g_assert_cmpuint (loss.seen, ==, 3);
  assert_secure (&call);
  assert_replaced (&call, zrtpsess, 1);
  call_clear (&call);
}

/* --- Forgery --------------------------------------------------------------------------------------------------- */

/* "If a GoClear message is received with a bad MAC, ClearACK MUST NOT be sent and the GoClear MUST NOT be
 * acted on by the recipient" */
static void
test_bad_mac (void)
{
  Call call;
  uint8_t packet[ZRTP_MAX_PACKET], zrtpsess[32];
  const ZrtpCounters *counters;
  uint64_t before;

  call_begin (&call, 2);
  memcpy (zrtpsess, call_of (&call, BOB)->zrtpsess, 32);
  counters = zrtp_engine_get_counters (engine_of (&call, 0, BOB));
  before = counters->received[ZRTP_BAD_MAC];
  for (unsigned octet = 0; octet < 8; octet++)
    for (unsigned bit = 0; bit < 8; bit++) {
      const size_t size = forge_goclear (packet, engine_of (&call, 0, ALICE));

      packet[ZRTP_HEADER_SIZE + ZRTP_FRAME_SIZE + octet] ^= (uint8_t) (1 << bit);
      pair_fix_crc (packet, size);
      g_assert_cmpint (pair_feed (&call.stream[0], BOB, packet, size), ==, ZRTP_BAD_MAC);
    }
  g_assert_cmpuint (counters->received[ZRTP_BAD_MAC], ==, before + 64);
  /* our own, reflected; and the right one on another stream */
  g_assert_cmpint (
      pair_feed (&call.stream[0], BOB, packet, forge_goclear (packet, engine_of (&call, 0, BOB))),
      ==, ZRTP_BAD_MAC);
  g_assert_cmpint (
      pair_feed (&call.stream[1], BOB, packet, forge_goclear (packet, engine_of (&call, 0, ALICE))),
      ==, ZRTP_BAD_MAC);
  call_run (&call, 20000 * MS);
  assert_secure (&call);
  assert_replaced (&call, zrtpsess, 0);
  for (unsigned i = 0; i < 2; i++) {
    g_assert_cmpuint (call.stream[i].end[BOB].n_sent[ZRTP_MESSAGE_CLEARACK], ==, 0);
    g_assert_cmpuint (call.stream[i].end[BOB].n_sent[ZRTP_MESSAGE_ERROR], ==, 0);
    assert_told (&call.stream[i].end[BOB], ZRTP_EVENT_NONE);
  }
  call_clear (&call);
}

/* A ClearACK has no MAC: it does nothing but what our own user asked for, and only from the peer's SSRC. */
static void
test_forged_clearack (void)
{
  Call call;
  uint8_t packet[ZRTP_MAX_PACKET], zrtpsess[32];
  const uint32_t ssrc = 0x1001;

  call_begin (&call, 2);
  memcpy (zrtpsess, call_of (&call, ALICE)->zrtpsess, 32);
  g_assert_cmphex (engine_of (&call, 0, ALICE)->peer.ssrc, ==, ssrc);
  /* secure */
  g_assert_cmpint (
      pair_feed (&call.stream[0], ALICE, packet, forge_ack (packet, ssrc, ZRTP_MESSAGE_CLEARACK)),
      ==, ZRTP_UNEXPECTED);
  assert_secure (&call);
  /* while a real one is waited for: another SSRC, another stream */
  call.stream[0].wire = cut;
  go_clear (&call, ALICE);
  call_settle (&call);
  g_assert_cmpint (pair_feed (&call.stream[0], ALICE, packet,
                       forge_ack (packet, ssrc + 1, ZRTP_MESSAGE_CLEARACK)),
      ==, ZRTP_UNEXPECTED);
  g_assert_cmpint (
      pair_feed (&call.stream[1], ALICE, packet,
          forge_ack (packet, engine_of (&call, 1, ALICE)->peer.ssrc, ZRTP_MESSAGE_CLEARACK)),
      ==, ZRTP_UNEXPECTED);
  g_assert_cmpint (pair_state (&call.stream[0], ALICE), ==, ZRTP_STATE_GOCLEAR_SENT);
  call.stream[0].wire = NULL;
  call_run (&call, 1000 * MS);
  accept_clear (&call, BOB, true);
  call_settle (&call);
  assert_replaced (&call, zrtpsess, 1);
  forget_told (&call);
  /* after */
  for (unsigned e = 0; e < 2; e++)
    g_assert_cmpint (pair_feed (&call.stream[0], e, packet,
                         forge_ack (packet, 0x1000 + !e, ZRTP_MESSAGE_CLEARACK)),
        ==, ZRTP_UNEXPECTED);
  call_settle (&call);
  assert_replaced (&call, zrtpsess, 1);
  assert_told (&call.stream[0].end[ALICE], ZRTP_EVENT_NONE);
  go_secure (&call, BOB);
  call_settle (&call);
  assert_secure (&call);
  call_clear (&call);
}

/* Table 8, 0x100: "GoClear message received, but not allowed"; the stream stays secure. */
static void
test_not_allowed (void)
{
  for (unsigned presser = 0; presser < 2; presser++) {
    Call call;
    Pair first;
    Loss loss = {!presser, ZRTP_MESSAGE_ERROR, 2, 0, 0};
    uint8_t packet[ZRTP_MAX_PACKET], zrtpsess[32];
    Kept kept = {0};
    PairEnd *other;

    init_allowing (&first, presser == ALICE, presser == BOB);
    call_begin_as (&call, 2, &first);
    other = &call.stream[0].end[!presser];
    memcpy (zrtpsess, call_of (&call, ALICE)->zrtpsess, 32);
    /* a peer that disregards our flag */
    call.stream[0].wire = keep;
    call.stream[0].user = &kept;
    g_assert_cmpint (pair_feed (&call.stream[0], !presser, packet,
                         forge_goclear (packet, engine_of (&call, 0, presser))),
        ==, ZRTP_REFUSED);
    call_settle (&call);
    g_assert_cmpuint (other->n_sent[ZRTP_MESSAGE_ERROR], ==, 1);
    g_assert_cmpuint (other->n_sent[ZRTP_MESSAGE_CLEARACK], ==, 0);
    g_assert_cmpmem (kept.packet[!presser][ZRTP_MESSAGE_ERROR] + 24, 4, "\0\0\1\0", 4);
    /* acknowledged, so it was one */
    call_run (&call, 20000 * MS);
    g_assert_cmpuint (other->n_sent[ZRTP_MESSAGE_ERROR], ==, 1);
    /* again, with losses */
    call.stream[0].wire = lose;
    call.stream[0].user = &loss;
    pair_feed (
        &call.stream[0], !presser, packet, forge_goclear (packet, engine_of (&call, 0, presser)));
    call_run (&call, 20000 * MS);
    g_assert_cmpuint (other->n_sent[ZRTP_MESSAGE_ERROR], ==, 4);
    /* and never acknowledged: it ends by itself */
    call.stream[0].wire = cut;
    other->n_sent[ZRTP_MESSAGE_ERROR] = 0;
    pair_feed (
        &call.stream[0], !presser, packet, forge_goclear (packet, engine_of (&call, 0, presser)));
    {
      const uint64_t start = call.stream[0].now;

      call_run (&call, 20000 * MS);
      assert_t2 (other, ZRTP_MESSAGE_ERROR, start);
    }
    assert_secure (&call);
    assert_replaced (&call, zrtpsess, 0);
    assert_told (other, ZRTP_EVENT_NONE);
    call_clear (&call);
  }
}

/* A peer that allows it on one stream and not on another: all go, and a GoClear on the other does nothing,
 * now or later. */
static void
test_allowed_on_one (void)
{
  Call call;
  uint8_t packet[ZRTP_MAX_PACKET], zrtpsess[32];

  call_begin (&call, 1);
  pair_init_stream (&call.stream[1], &call.stream[0], 7);
  call.stream[1].end[BOB].config.allow_clear = false;
  call.n = 2;
  pair_start (&call.stream[1], BOTH);
  call_settle (&call);
  assert_secure (&call);
  memcpy (zrtpsess, call_of (&call, ALICE)->zrtpsess, 32);
  go_clear (&call, ALICE);
  call_settle (&call);
  assert_states (&call, ZRTP_STATE_CLEAR, ZRTP_STATE_CLEAR_WAITING);
  forget_told (&call);
  for (unsigned i = 0; i < 2; i++) {
    g_assert_cmpint (pair_feed (&call.stream[1], BOB, packet,
                         forge_goclear (packet, engine_of (&call, 1, ALICE))),
        ==, ZRTP_UNEXPECTED);
    call_run (&call, 20000 * MS);
    g_assert_cmpuint (call.stream[1].end[BOB].n_sent[ZRTP_MESSAGE_ERROR], ==, 0);
    assert_told (&call.stream[1].end[BOB], ZRTP_EVENT_NONE);
    accept_clear (&call, BOB, true);
    call_settle (&call);
    forget_told (&call);
  }
  assert_states (&call, ZRTP_STATE_CLEAR, ZRTP_STATE_CLEAR);
  assert_replaced (&call, zrtpsess, 1);
  go_secure (&call, BOB);
  call_settle (&call);
  assert_secure (&call);
  call_clear (&call);
}

/* The first stream must not speak, so another one does. */
static void
test_another_speaks (void)
{
  Call call;
  Pair first;

  init_allowing (&first, true, false);
  call_begin_as (&call, 1, &first);
  for (unsigned i = 1; i < 3; i++) {
    pair_init_stream (&call.stream[i], &call.stream[0], 7 + i);
    call.stream[i].end[BOB].config.allow_clear = true;
    call.n++;
    pair_start (&call.stream[i], BOTH);
    call_settle (&call);
  }
  go_clear (&call, ALICE);
  call_settle (&call);
  assert_states (&call, ZRTP_STATE_CLEAR, ZRTP_STATE_CLEAR_WAITING);
  g_assert_cmpuint (call.stream[0].end[ALICE].n_sent[ZRTP_MESSAGE_GOCLEAR], ==, 0);
  g_assert_cmpuint (call.stream[1].end[ALICE].n_sent[ZRTP_MESSAGE_GOCLEAR] +
                        call.stream[2].end[ALICE].n_sent[ZRTP_MESSAGE_GOCLEAR],
      ==, 1);
  call_clear (&call);
}

/* What concerns the other streams is said to their owner: zrtp_call_next_stirred(). */
static unsigned
stirred (Call *call, unsigned end)
{
  unsigned n = 0;

  while (zrtp_call_next_stirred (call_of (call, end)))
    n++;
  return n;
}

static void
test_stirred (void)
{
  Call call;
  uint8_t packet[ZRTP_MAX_PACKET];
  ZrtpEngine *alice, *bob;
  size_t size;

  call_begin (&call, 3);
  alice = engine_of (&call, 0, ALICE);
  bob = engine_of (&call, 0, BOB);
  g_assert_cmpuint (stirred (&call, ALICE), ==, 0);
  go_clear (&call, ALICE);
  g_assert_cmpuint (stirred (&call, ALICE), ==, 3);
  size = zrtp_engine_poll_packet (alice, packet);
  g_assert_cmpint (
      zrtp_engine_handle_packet (bob, packet, size, call.stream[0].now), ==, ZRTP_ACCEPTED);
  g_assert_cmpuint (stirred (&call, BOB), ==, 3);
  size = zrtp_engine_poll_packet (bob, packet);
  g_assert_cmpint (
      zrtp_engine_handle_packet (alice, packet, size, call.stream[0].now), ==, ZRTP_ACCEPTED);
  g_assert_cmpuint (stirred (&call, ALICE), ==, 3);
  accept_clear (&call, BOB, true);
  g_assert_cmpuint (stirred (&call, BOB), ==, 3);
  go_secure (&call, ALICE);
  g_assert_cmpuint (stirred (&call, ALICE), ==, 3);
  call_clear (&call);
}

/* Kept back by somebody on the path, and played again later. */
static void
test_replayed_goclear (void)
{
  Call call;
  Kept kept = {0};
  uint8_t zrtpsess[32];

  call_begin (&call, 2);
  call.stream[0].wire = keep;
  call.stream[0].user = &kept;
  memcpy (zrtpsess, call_of (&call, ALICE)->zrtpsess, 32);
  call_to_clear (&call, ALICE);
  /* in clear mode: answered, since our ClearACK may have been lost, and no more */
  g_assert_cmpint (
      feed_kept (&call.stream[0], BOB, &kept, ZRTP_MESSAGE_GOCLEAR), ==, ZRTP_REPEATED);
  call_settle (&call);
  g_assert_cmpuint (call.stream[0].end[BOB].n_sent[ZRTP_MESSAGE_CLEARACK], ==, 2);
  assert_replaced (&call, zrtpsess, 1);
  assert_told (&call.stream[0].end[BOB], ZRTP_EVENT_NONE);
  call_run (&call, 20000 * MS); /* his user is not waited for any more: no repetition */
  g_assert_cmpuint (call.stream[0].end[BOB].n_sent[ZRTP_MESSAGE_CLEARACK], ==, 2);

  go_secure (&call, ALICE);
  call_settle (&call);
  assert_secure (&call);
  forget_told (&call);
  g_assert_cmpint (feed_kept (&call.stream[0], BOB, &kept, ZRTP_MESSAGE_GOCLEAR), ==, ZRTP_BAD_MAC);
  /* the other way round, and its ClearACK */
  g_assert_cmpint (pair_feed (&call.stream[0], ALICE, kept.packet[ALICE][ZRTP_MESSAGE_GOCLEAR],
                       kept.size[ALICE][ZRTP_MESSAGE_GOCLEAR]),
      ==, ZRTP_BAD_MAC);
  g_assert_cmpint (
      feed_kept (&call.stream[0], ALICE, &kept, ZRTP_MESSAGE_CLEARACK), ==, ZRTP_UNEXPECTED);
  call_run (&call, 20000 * MS);
  assert_secure (&call);
  assert_replaced (&call, zrtpsess, 1);
  g_assert_cmpuint (call.stream[0].end[BOB].n_sent[ZRTP_MESSAGE_CLEARACK], ==, 2);
  assert_told (&call.stream[0].end[BOB], ZRTP_EVENT_NONE);
  call_clear (&call);
}

/* --- Both at once ------------------------------------------------------------------------------------------------ */

/* Both users press: each end's GoClear replaces ZRTPSess at both, nobody waits for anybody. */
static void
assert_both_at_once (bool other_stream, const Loss *lost)
{
  Call call;
  Loss loss = *lost;
  uint8_t zrtpsess[32];

  call_begin (&call, 2);
  memcpy (zrtpsess, call_of (&call, ALICE)->zrtpsess, 32);
  if (other_stream) {
    engine_of (&call, 0, BOB)->is_first = false;
    engine_of (&call, 1, BOB)->is_first = true;
  }
  call.stream[0].wire = lose;
  call.stream[0].user = &loss;
  go_clear (&call, ALICE);
  go_clear (&call, BOB);
  call_run (&call, 9000 * MS);
  assert_states (&call, ZRTP_STATE_CLEAR, ZRTP_STATE_CLEAR);
  assert_replaced (&call, zrtpsess, 2);
  for (unsigned e = 0; e < 2; e++)
    for (unsigned i = 0; i < 2; i++) {
      PairEnd *end = &call.stream[i].end[e];

      assert_told (end, ZRTP_EVENT_DROP_KEYS, ZRTP_EVENT_CLEAR, ZRTP_EVENT_NONE);
      g_assert_false (end->clear_waiting);
    }
  g_assert_cmpuint (call.stream[0].end[ALICE].n_sent[ZRTP_MESSAGE_GOCLEAR], >, 0);
  g_assert_cmpuint (call.stream[other_stream].end[BOB].n_sent[ZRTP_MESSAGE_GOCLEAR], >, 0);
  go_secure (&call, ALICE);
  call_settle (&call);
  assert_secure (&call);
  call_clear (&call);
}

static void
test_both_at_once (void)
{
  for (unsigned other_stream = 0; other_stream < 2; other_stream++) {
    assert_both_at_once (other_stream, &(Loss){ALICE, ZRTP_MESSAGE_GOCLEAR, 0, 0, 0});
    for (unsigned e = 0; e < 2; e++) {
      assert_both_at_once (other_stream, &(Loss){e, ZRTP_MESSAGE_GOCLEAR, 3, 0, 0});
      assert_both_at_once (other_stream, &(Loss){e, ZRTP_MESSAGE_CLEARACK, 3, 0, 0});
    }
  }
}

/* "ZRTPSess will be replaced twice if a session generates separate GoClear messages for both audio and
 * video streams, and the two endpoints need not carry out the replacements in the same order." */
static void
test_one_on_each_stream (void)
{
  for (unsigned order = 0; order < 2; order++) {
    Call call;
    uint8_t packet[2][ZRTP_MAX_PACKET], zrtpsess[32];
    size_t size[2];

    call_begin (&call, 2);
    memcpy (zrtpsess, call_of (&call, ALICE)->zrtpsess, 32);
    for (unsigned i = 0; i < 2; i++)
      size[i] = forge_goclear (packet[i], engine_of (&call, i, ALICE));
    for (unsigned i = 0; i < 2; i++) {
      const unsigned stream = i ^ order;

      g_assert_cmpint (
          pair_feed (&call.stream[stream], BOB, packet[stream], size[stream]), ==, ZRTP_ACCEPTED);
      g_assert_cmpint (
          pair_feed (&call.stream[stream], BOB, packet[stream], size[stream]), ==, ZRTP_REPEATED);
    }
    /* such a peer is not among ours: Alice's side by hand */
    for (unsigned i = 0; i < 2; i++)
      zrtp_call_replace_zrtpsess (call_of (&call, ALICE));
    assert_replaced (&call, zrtpsess, 2);
    call.stream[0].wire = call.stream[1].wire = cut;
    call_settle (&call);
    for (unsigned i = 0; i < 2; i++) {
      g_assert_cmpint (pair_state (&call.stream[i], BOB), ==, ZRTP_STATE_CLEAR_WAITING);
      g_assert_cmpuint (call.stream[i].end[BOB].n_sent[ZRTP_MESSAGE_CLEARACK], ==, 1);
      g_assert_cmpuint (call.stream[i].end[BOB].n_events[ZRTP_EVENT_DROP_KEYS], ==, 1);
    }
    call_clear (&call);
  }
}

/* From Bob's SSRC, with a MAC that is nothing. */
static size_t
forge_junk_confirm (uint8_t packet[ZRTP_MAX_PACKET], ZrtpMessageType type)
{
  uint8_t confirm[ZRTP_CONFIRM_SIZE] = {0};
  ZrtpWriter writer = zrtp_writer (confirm, sizeof confirm);

  zrtp_message_begin (&writer, type, sizeof confirm);
  return forge (packet, 0x1001, confirm, sizeof confirm);
}

/* Alice is in clear mode and wants back, while Bob's own GoClear has still to arrive: it is answered, or
 * the two would not have the same ZRTPSess. */
static void
test_goclear_crosses_commit (void)
{
  Call call;
  Loss loss = {BOB, ZRTP_MESSAGE_GOCLEAR, 2, 0, 0};
  uint8_t zrtpsess[32], packet[ZRTP_MAX_PACKET];

  call_begin (&call, 2);
  memcpy (zrtpsess, call_of (&call, ALICE)->zrtpsess, 32);
  call.stream[0].wire = lose;
  call.stream[0].user = &loss;
  go_clear (&call, ALICE);
  go_clear (&call, BOB);
  call_settle (&call);
  g_assert_cmpint (pair_state (&call.stream[0], ALICE), ==, ZRTP_STATE_CLEAR);
  g_assert_cmpint (pair_state (&call.stream[0], BOB), ==, ZRTP_STATE_GOCLEAR_SENT);
  go_secure (&call, ALICE);
  call_settle (&call);
  g_assert_cmpint (pair_state (&call.stream[0], ALICE), ==, ZRTP_STATE_COMMIT_SENT);
  /* a forged answer before that, so that keys were derived already */
  pair_feed (&call.stream[0], ALICE, packet, forge_junk_confirm (packet, ZRTP_MESSAGE_CONFIRM1));
  call_run (&call, 3000 * MS);
  assert_secure (&call);
  assert_replaced (&call, zrtpsess, 2);
  call_clear (&call);
}

/* --- And back --------------------------------------------------------------------------------------------------- */

/* §4.7.2.1: "A new key negotiation after a GoClear SHOULD use a Multistream Commit message." No Hello
 * again, the same SAS, nothing stored, what was verified stays so. */
static void
test_go_secure (void)
{
  for (unsigned who = 1; who < 4; who++)
    for (unsigned presser = 0; presser < 2; presser++) {
      Call call;
      Pair first;
      char sas[32];
      uint8_t sashash[32], exported[2][16];
      unsigned n_hellos[2];

      init_allowing (&first, true, true);
      for (unsigned e = 0; e < 2; e++)
        first.end[e].config.cache_expiry = 0xffffffff;
      call_begin_as (&call, 2, &first);
      zrtp_engine_sas_verified (engine_of (&call, 0, ALICE), true);
      call_settle (&call);
      strcpy (sas, call.stream[0].end[ALICE].secure.sas);
      memcpy (sashash, zrtp_call_get_sashash (call_of (&call, ALICE)), 32);
      g_assert_true (zrtp_call_export_key (call_of (&call, ALICE), "x", exported[0], 16));
      for (unsigned e = 0; e < 2; e++)
        n_hellos[e] = call.stream[0].end[e].n_sent[ZRTP_MESSAGE_HELLO];
      call_to_clear (&call, presser);
      call_run (&call, 60000 * MS);
      for (unsigned e = 0; e < 2; e++)
        if (who & 1u << e)
          go_secure (&call, e);
      call_settle (&call);
      assert_secure (&call);
      for (unsigned i = 0; i < 2; i++)
        for (unsigned e = 0; e < 2; e++) {
          PairEnd *end = &call.stream[i].end[e];

          assert_told (
              end, ZRTP_EVENT_RECEIVE_KEY, ZRTP_EVENT_SEND_KEY, ZRTP_EVENT_SECURE, ZRTP_EVENT_NONE);
          g_assert_cmpint (end->secure.mode, ==, ZRTP_MODE_MULTISTREAM);
          g_assert_false (end->secure.first);
          /* since the Commit, not since the Hello of long ago */
          g_assert_cmpuint (zrtp_engine_get_counters (end->engine)->handshake_time, <, 1000 * MS);
          g_assert_true (end->secure.peer_allows_clear);
          g_assert_cmpstr (end->secure.sas, ==, sas);
          if (who != 3)
            g_assert_cmpint (end->secure.role == ZRTP_ROLE_INITIATOR, ==, (who & 1u << e) != 0);
        }
      for (unsigned e = 0; e < 2; e++)
        g_assert_cmpuint (call.stream[0].end[e].n_sent[ZRTP_MESSAGE_HELLO], ==, n_hellos[e]);
      g_assert_cmpmem (zrtp_call_get_sashash (call_of (&call, ALICE)), 32, sashash, 32);
      g_assert_true (zrtp_call_export_key (call_of (&call, ALICE), "x", exported[1], 16));
      g_assert_cmpmem (exported[0], 16, exported[1], 16);
      /* the first stream is still the one that speaks for the SAS */
      zrtp_engine_sas_verified (engine_of (&call, 0, BOB), true);
      call_settle (&call);
      g_assert_true (call.stream[0].end[BOB].record.sas_verified);
      call_clear (&call);
    }
}

/* Who is secure has seen our Hello, whether we saw a HelloACK or not. */
static void
test_no_hello_again (void)
{
  Call call;
  Pair first;
  ZrtpMessageType lost = ZRTP_MESSAGE_HELLOACK;
  unsigned before[2];

  init_allowing (&first, true, true);
  first.wire = lose_all;
  first.user = &lost;
  call_begin_as (&call, 1, &first);
  call_run (&call, 1000 * MS);
  for (unsigned e = 0; e < 2; e++)
    before[e] = call.stream[0].end[e].n_sent[ZRTP_MESSAGE_HELLO];
  call_to_clear (&call, ALICE);
  for (unsigned e = 0; e < 2; e++) {
    go_secure (&call, e);
    call_run (&call, 1000 * MS);
    assert_secure (&call);
    call_to_clear (&call, ALICE);
  }
  for (unsigned e = 0; e < 2; e++)
    g_assert_cmpuint (call.stream[0].end[e].n_sent[ZRTP_MESSAGE_HELLO], ==, before[e]);
  call_clear (&call);
}

/* "It is possible for users to toggle back and forth": every key is a new one. */
static void
test_toggle (void)
{
  Call call;
  GHashTable *seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  unsigned n_keys = 0;
  uint8_t zrtpsess[32];

  call_begin (&call, 2);
  memcpy (zrtpsess, call_of (&call, ALICE)->zrtpsess, 32);
  for (unsigned round = 0; round <= 10; round++) {
    for (unsigned i = 0; i < 2; i++)
      for (unsigned e = 0; e < 2; e++) {
        const ZrtpSrtpKey *key = &call.stream[i].end[e].send_key;
        /* key and salt apart: neither may come again */
        gchar *text[2] = {g_base64_encode (key->key_and_salt, 16),
            g_base64_encode (key->key_and_salt + 16, key->size - 16)};

        for (unsigned t = 0; t < 2; t++) {
          g_assert_true (g_hash_table_add (seen, text[t]));
          n_keys++;
        }
      }
    if (round == 10)
      break;
    call_to_clear (&call, round % 3 == 1);
    go_secure (&call, round % 2);
    call_settle (&call);
    assert_secure (&call);
    replaced (&call, zrtpsess, 1, zrtpsess);
    assert_replaced (&call, zrtpsess, 0);
  }
  g_assert_cmpuint (n_keys, ==, 11 * 8);
  g_assert_cmpuint (g_hash_table_size (seen), ==, n_keys);
  g_hash_table_unref (seen);
  call_clear (&call);
}

/* A further stream of a call that has been in clear mode: from the new ZRTPSess. */
static void
test_stream_after_clear (void)
{
  for (unsigned secure = 0; secure < 2; secure++) {
    Call call;

    call_begin (&call, 1);
    call_to_clear (&call, BOB);
    if (secure) {
      go_secure (&call, BOB);
      call_settle (&call);
    }
    add_stream (&call);
    call_settle (&call);
    g_assert_cmpint (pair_state (&call.stream[1], ALICE), ==, ZRTP_STATE_SECURE);
    g_assert_cmpint (pair_state (&call.stream[1], BOB), ==, ZRTP_STATE_SECURE);
    g_assert_cmpint (
        pair_state (&call.stream[0], BOB), ==, secure ? ZRTP_STATE_SECURE : ZRTP_STATE_CLEAR);
    call_clear (&call);
  }
}

/* --- When it does not work out --------------------------------------------------------------------------------- */

/* Anybody who saw the first exchange can begin another one in clear mode; it must not end the call, nor
 * be taken for what our user wants. */
static void
test_forged_commit (void)
{
  for (unsigned waiting = 0; waiting < 2; waiting++) {
    Call call;
    uint8_t packet[ZRTP_MAX_PACKET], zrtpsess[32];
    const ZrtpState state = waiting ? ZRTP_STATE_CLEAR_WAITING : ZRTP_STATE_CLEAR;
    PairEnd *bob = &call.stream[0].end[BOB];

    call_begin (&call, 2);
    memcpy (zrtpsess, call_of (&call, ALICE)->zrtpsess, 32);
    go_clear (&call, ALICE);
    call_settle (&call);
    if (!waiting)
      accept_clear (&call, BOB, true);
    call_settle (&call);
    forget_told (&call);
    for (unsigned i = 0; i < 3; i++) {
      g_assert_cmpint (
          pair_feed (&call.stream[0], BOB, packet,
              forge_multistream (packet, engine_of (&call, 0, ALICE), (uint8_t) (i + 1))),
          ==, ZRTP_ACCEPTED);
      g_assert_cmpint (pair_state (&call.stream[0], BOB), ==, ZRTP_STATE_CONFIRM1_SENT);
      g_assert_true (zrtp_call_is_clear (call_of (&call, BOB)));
      /* by time, by an Error, by Confirms that are nothing */
      if (i == 0)
        call_run (&call, 10001 * MS);
      else if (i == 1)
        pair_feed (&call.stream[0], BOB, packet, forge_error (packet, 0x1000, 0x20));
      else
        for (unsigned n = 0; n < 3; n++) {
          uint8_t confirm[ZRTP_CONFIRM_SIZE] = {0};
          ZrtpWriter writer = zrtp_writer (confirm, sizeof confirm);

          zrtp_message_begin (&writer, ZRTP_MESSAGE_CONFIRM2, sizeof confirm);
          pair_feed (&call.stream[0], BOB, packet, forge (packet, 0x1000, confirm, sizeof confirm));
        }
      g_assert_cmpint (pair_state (&call.stream[0], BOB), ==, state);
      g_assert_null (engine_of (&call, 0, BOB)->exchange); /* no key of it stays */
      call_settle (&call);
    }
    assert_told (bob, ZRTP_EVENT_NONE);
    assert_replaced (&call, zrtpsess, 1);
    /* the repetition of ClearACK goes on where it was */
    bob->n_sent[ZRTP_MESSAGE_CLEARACK] = 0;
    call_run (&call, 11000 * MS);
    g_assert_cmpuint (bob->n_sent[ZRTP_MESSAGE_CLEARACK], ==, waiting ? 2 : 0);
    go_secure (&call, waiting ? BOB : ALICE);
    call_settle (&call);
    assert_secure (&call);
    call_clear (&call);
  }
}

/* Nor does it leave its SSRC behind: the peer's stays the one that was authenticated. */
static void
test_forged_commit_leaves_no_ssrc (void)
{
  Call call;
  uint8_t packet[ZRTP_MAX_PACKET];
  PairEnd *bob = &call.stream[0].end[BOB];
  size_t size;

  call_begin (&call, 1);
  call_to_clear (&call, ALICE);
  size = forge_multistream (packet, engine_of (&call, 0, ALICE), 1);
  memcpy (packet + 8, "\x77\x77\x77\x77", 4);
  pair_fix_crc (packet, size);
  g_assert_cmpint (pair_feed (&call.stream[0], BOB, packet, size), ==, ZRTP_ACCEPTED);
  call_run (&call, 10001 * MS);
  g_assert_cmpint (pair_state (&call.stream[0], BOB), ==, ZRTP_STATE_CLEAR);
  pair_feed (&call.stream[0], BOB, packet, forge_error (packet, 0x77777777, 0x20));
  call_settle (&call);
  g_assert_cmpuint (bob->n_sent[ZRTP_MESSAGE_ERRORACK], ==, 0);
  pair_feed (&call.stream[0], BOB, packet, forge_error (packet, 0x1000, 0x20));
  call_settle (&call);
  g_assert_cmpuint (bob->n_sent[ZRTP_MESSAGE_ERRORACK], ==, 1);
  call_clear (&call);
}

/* Commits that are wrong, or were there before, begin nothing in clear mode. */
static void
test_bad_commit_in_clear (void)
{
  Call call;
  Kept kept = {0};
  uint8_t packet[ZRTP_MAX_PACKET];
  size_t size;

  call_begin (&call, 1);
  call.stream[0].wire = keep;
  call.stream[0].user = &kept;
  call_to_clear (&call, ALICE);
  go_secure (&call, ALICE);
  call_settle (&call);
  call_to_clear (&call, ALICE);
  /* the one that was used; by both ends, so that every role is there */
  for (unsigned e = 0; e < 2; e++)
    pair_feed (&call.stream[0], e, kept.packet[ALICE][ZRTP_MESSAGE_COMMIT],
        kept.size[ALICE][ZRTP_MESSAGE_COMMIT]);
  assert_states (&call, ZRTP_STATE_CLEAR, ZRTP_STATE_CLEAR);
  /* H2, ZID, hash, cipher, auth tag, key agreement */
  for (size_t offset = 12; offset < 76; offset += 4) {
    if (offset == 72)
      continue; /* the SAS type is ignored */
    size = forge_multistream (packet, engine_of (&call, 0, ALICE), 9);
    packet[ZRTP_HEADER_SIZE + offset] ^= 0x10;
    pair_fix_crc (packet, size);
    g_assert_cmpint (pair_feed (&call.stream[0], BOB, packet, size), >=, ZRTP_BAD_CONTENT);
    assert_states (&call, ZRTP_STATE_CLEAR, ZRTP_STATE_CLEAR);
  }
  call_run (&call, 20000 * MS);
  assert_states (&call, ZRTP_STATE_CLEAR, ZRTP_STATE_CLEAR);
  assert_told (&call.stream[0].end[BOB], ZRTP_EVENT_NONE);
  go_secure (&call, BOB);
  call_settle (&call);
  assert_secure (&call);
  call_clear (&call);
}

/* Our own user wants to be secure: whatever is wrong with Commits that come meanwhile, ours stands. */
static void
test_bad_commit_against_ours (void)
{
  Call call;
  Pair first;
  Kept kept = {0};
  uint8_t packet[ZRTP_MAX_PACKET];
  size_t size;

  for (unsigned who = 0; who < 2; who++) {
    unsigned old = !who;
    Kept dh = {0};

    init_allowing (&first, true, true);
    first.wire = keep;
    first.user = &dh;
    call_begin_as (&call, 1, &first);
    call.stream[0].user = &kept;
    call_to_clear (&call, old);
    go_secure (&call, old); /* leaves a Multistream Commit of the peer's */
    call_settle (&call);
    call_to_clear (&call, old);
    call.stream[0].wire = cut;
    go_secure (&call, who);
    call_settle (&call);
    /* its DH Commit of long ago, if it was the initiator; its Multistream Commit; one with faults */
    if (dh.size[old][ZRTP_MESSAGE_COMMIT])
      g_assert_cmpint (
          feed_kept (&call.stream[0], who, &dh, ZRTP_MESSAGE_COMMIT), ==, ZRTP_UNEXPECTED);
    g_assert_cmpint (
        feed_kept (&call.stream[0], who, &kept, ZRTP_MESSAGE_COMMIT), ==, ZRTP_UNEXPECTED);
    for (size_t offset = 12; offset < 72; offset += 4) {
      size = forge_multistream (packet, engine_of (&call, 0, old), 0xff);
      packet[ZRTP_HEADER_SIZE + offset] ^= 0x10;
      pair_fix_crc (packet, size);
      g_assert_cmpint (pair_feed (&call.stream[0], who, packet, size), >=, ZRTP_BAD_CONTENT);
    }
    g_assert_cmpint (pair_state (&call.stream[0], who), ==, ZRTP_STATE_COMMIT_SENT);
    call.stream[0].wire = NULL;
    call_run (&call, 1000 * MS);
    assert_secure (&call);
    call_clear (&call);
  }
}

/* Nobody answers: no media, and the user is told. Never clear media behind his back. */
static void
test_fails_closed (void)
{
  for (unsigned waiting = 0; waiting < 2; waiting++) {
    Call call;
    uint64_t start;
    PairEnd *bob = &call.stream[0].end[BOB];

    call_begin (&call, 1);
    go_clear (&call, ALICE);
    call_settle (&call);
    accept_clear (&call, BOB, !waiting);
    if (!waiting)
      go_secure (&call, BOB);
    forget_told (&call);
    bob->n_sent[ZRTP_MESSAGE_COMMIT] = 0;
    call.stream[0].wire = cut;
    start = call.stream[0].now;
    if (!waiting)
      g_assert_true (zrtp_call_is_clear (call_of (&call, BOB)));
    call_run (&call, 10651 * MS);
    assert_t2 (bob, ZRTP_MESSAGE_COMMIT, start);
    g_assert_cmpint (pair_state (&call.stream[0], BOB), ==, ZRTP_STATE_ERROR_SENT);
    g_assert_cmpuint (bob->n_events[ZRTP_EVENT_FAILED], ==, 1);
    g_assert_cmphex (bob->failed_code, ==, ZRTP_ERROR_TIMEOUT);
    call_run (&call, 60000 * MS);
    g_assert_cmpint (pair_state (&call.stream[0], BOB), ==, ZRTP_STATE_FAILED);
    g_assert_false (zrtp_call_go_secure (call_of (&call, BOB), call.stream[0].now));
    call_clear (&call);
  }
}

/* The same when the exchange became the peer's: by contention, or because the peer was first. */
static void
test_fails_closed_as_responder (void)
{
  for (unsigned contention = 0; contention < 2; contention++) {
    Call call;
    uint8_t packet[ZRTP_MAX_PACKET];
    PairEnd *bob = &call.stream[0].end[BOB];

    call_begin (&call, 1);
    call_to_clear (&call, ALICE);
    call.stream[0].wire = cut;
    if (contention)
      go_secure (&call, BOB);
    pair_feed (&call.stream[0], BOB, packet,
        forge_multistream (packet, engine_of (&call, 0, ALICE), 0xff));
    if (!contention)
      go_secure (&call, BOB);
    g_assert_cmpint (pair_state (&call.stream[0], BOB), ==, ZRTP_STATE_CONFIRM1_SENT);
    g_assert_cmpint (zrtp_engine_get_role (engine_of (&call, 0, BOB)), ==, ZRTP_ROLE_RESPONDER);
    call_run (&call, 10001 * MS);
    g_assert_cmpint (pair_state (&call.stream[0], BOB), ==, ZRTP_STATE_ERROR_SENT);
    g_assert_cmphex (bob->failed_code, ==, ZRTP_ERROR_TIMEOUT);
    call_clear (&call);
  }
}

/* The peer's exchange out of clear mode is under way when our user agrees to clear media: that is what he
 * gets if it leads nowhere. */
static void
test_accept_during_exchange (void)
{
  Call call;
  uint8_t packet[ZRTP_MAX_PACKET];
  PairEnd *bob = &call.stream[0].end[BOB];

  call_begin (&call, 1);
  go_clear (&call, ALICE);
  call_settle (&call);
  pair_feed (
      &call.stream[0], BOB, packet, forge_multistream (packet, engine_of (&call, 0, ALICE), 0xff));
  accept_clear (&call, BOB, true);
  forget_told (&call);
  g_assert_cmpint (pair_state (&call.stream[0], BOB), ==, ZRTP_STATE_CONFIRM1_SENT);
  call_run (&call, 10001 * MS);
  g_assert_cmpint (pair_state (&call.stream[0], BOB), ==, ZRTP_STATE_CLEAR);
  assert_told (bob, ZRTP_EVENT_CLEAR, ZRTP_EVENT_NONE);
  g_assert_true (bob->clear_by_peer);
  g_assert_false (bob->clear_waiting);
  go_secure (&call, ALICE);
  call_settle (&call);
  assert_secure (&call);
  call_clear (&call);
}

/* Who says Hello while our Commit out of clear mode waits for an answer is nobody: the peer is known. */
static void
assert_hello_is_nothing (uint8_t zid_octet)
{
  Call call;
  Pair stranger;
  uint8_t packet[ZRTP_MAX_PACKET];
  uint8_t zid[ZRTP_ZID_SIZE];
  size_t size;
  PairEnd *bob = &call.stream[0].end[BOB];

  call_begin (&call, 1);
  memset (zid, zid_octet, sizeof zid);
  pair_init (&stranger, 5);
  stranger.end[ALICE].call = zrtp_call_new (&stranger.end[ALICE].crypto, zid);
  pair_start (&stranger, 1 << ALICE);
  size = zrtp_engine_poll_packet (stranger.end[ALICE].engine, packet);
  call_to_clear (&call, ALICE);
  call.stream[0].wire = cut;
  go_secure (&call, BOB);
  call_settle (&call);
  for (unsigned i = 0; i < 20; i++) {
    g_assert_cmpint (pair_feed (&call.stream[0], BOB, packet, size), ==, ZRTP_UNEXPECTED);
    call_run (&call, 200 * MS);
  }
  g_assert_cmpuint (bob->n_events[ZRTP_EVENT_LOOKUP], ==, 1); /* the one for Alice */
  g_assert_cmpmem (engine_of (&call, 0, BOB)->peer.hello.zid, 12, call_of (&call, ALICE)->zid, 12);
  call.stream[0].wire = NULL;
  call_run (&call, 2000 * MS);
  assert_secure (&call);
  pair_clear (&stranger);
  call_clear (&call);
}

static void
test_hello_against_ours (void)
{
  assert_hello_is_nothing (0x66);
  assert_hello_is_nothing (0xa0); /* Alice's */
}

/* --- Streams that come and go ------------------------------------------------------------------------------------ */

/* Only so many packets of a stream pass. */
static bool
budget (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  unsigned *left = user;

  if (*left == 0)
    return false;
  --*left;
  return true;
}

/* GoClear while another stream is being added, at every point of it: nothing fails, and no key comes of
 * the old ZRTPSess. */
static void
test_joining_stream (void)
{
  for (unsigned packets = 0; packets < 14; packets++)
    for (unsigned presser = 0; presser < 2; presser++)
      for (unsigned delay = 0; delay < 2; delay++) {
        Call call;
        unsigned left = packets;
        uint8_t zrtpsess[32];

        call_begin (&call, 1);
        memcpy (zrtpsess, call_of (&call, ALICE)->zrtpsess, 32);
        pair_init_stream (&call.stream[1], &call.stream[0], 50 + packets);
        call.stream[1].wire = budget;
        call.stream[1].user = &left;
        call.n = 2;
        pair_start (&call.stream[1], BOTH);
        call_settle (&call);
        go_clear (&call, presser);
        if (!delay)
          call.stream[1].wire = NULL;
        call_run (&call, 500 * MS);
        call.stream[1].wire = NULL;
        accept_clear (&call, !presser, true);
        call_run (&call, 500 * MS);
        g_assert_cmpint (pair_state (&call.stream[0], ALICE), ==, ZRTP_STATE_CLEAR);
        g_assert_cmpint (pair_state (&call.stream[0], BOB), ==, ZRTP_STATE_CLEAR);
        assert_replaced (&call, zrtpsess, 1);
        go_secure (&call, !presser);
        call_run (&call, 12000 * MS);
        assert_secure (&call);
        call_clear (&call);
      }
}

/* A stream in the midst of its exchange when the GoClear comes: the receive key that it told already is
 * taken back. */
static void
test_joining_stream_drops_its_key (void)
{
  Call call;
  ZrtpMessageType lost = ZRTP_MESSAGE_CONF2ACK;

  call_begin (&call, 1);
  pair_init_stream (&call.stream[1], &call.stream[0], 50);
  call.stream[1].wire = lose_all;
  call.stream[1].user = &lost;
  call.n = 2;
  pair_start (&call.stream[1], BOTH);
  call_settle (&call);
  for (unsigned e = 0; e < 2; e++)
    if (zrtp_engine_get_role (engine_of (&call, 1, e)) == ZRTP_ROLE_INITIATOR) {
      PairEnd *initiator = &call.stream[1].end[e];

      g_assert_cmpint (pair_state (&call.stream[1], e), ==, ZRTP_STATE_CONFIRM2_SENT);
      g_assert_cmpuint (initiator->receive_key.size, >, 0);
      go_clear (&call, !e);
      call_settle (&call);
      g_assert_cmpuint (initiator->n_events[ZRTP_EVENT_DROP_KEYS], ==, 1);
      g_assert_null (initiator->engine->exchange);
      g_assert_cmpint (pair_state (&call.stream[1], e), ==, ZRTP_STATE_CLEAR_WAITING);
    }
  call_clear (&call);
}

/* While the GoClear is on its way nobody knows which ZRTPSess the peer has: a stream that comes now waits. */
static void
test_stream_while_going_clear (void)
{
  Call call;
  PairEnd *alice = &call.stream[1].end[ALICE];

  call_begin (&call, 1);
  call.stream[0].wire = cut;
  go_clear (&call, ALICE);
  add_stream (&call);
  call_run (&call, 1000 * MS);
  g_assert_cmpint (pair_state (&call.stream[1], ALICE), ==, ZRTP_STATE_DISCOVERY);
  g_assert_cmpint (pair_state (&call.stream[1], BOB), ==, ZRTP_STATE_COMMIT_SENT);
  g_assert_cmpuint (alice->n_sent[ZRTP_MESSAGE_COMMIT], ==, 0);
  g_assert_cmpuint (alice->n_sent[ZRTP_MESSAGE_CONFIRM1], ==, 0);
  call.stream[0].wire = NULL;
  call_run (&call, 2000 * MS);
  g_assert_cmpint (pair_state (&call.stream[0], ALICE), ==, ZRTP_STATE_CLEAR);
  g_assert_cmpint (pair_state (&call.stream[1], ALICE), ==, ZRTP_STATE_SECURE);
  g_assert_cmpint (pair_state (&call.stream[1], BOB), ==, ZRTP_STATE_SECURE);
  g_assert_cmpuint (alice->n_sent[ZRTP_MESSAGE_COMMIT], ==, 1);
  call_clear (&call);
}

/* Our user's wish to be secure is for the exchange that he began, and not for the next. */
static void
test_wish_is_for_one_exchange (void)
{
  for (unsigned interrupted = 0; interrupted < 2; interrupted++) {
    Call call;
    uint8_t packet[ZRTP_MAX_PACKET];

    call_begin (&call, 2);
    call_to_clear (&call, ALICE);
    if (interrupted)
      call.stream[1].wire = cut; /* the second stream's exchange does not come to its end */
    go_secure (&call, BOB);
    call_settle (&call);
    call_to_clear (&call, BOB);
    call.stream[1].wire = cut;
    g_assert_cmpint (pair_feed (&call.stream[1], BOB, packet,
                         forge_multistream (packet, engine_of (&call, 1, ALICE), 0x99)),
        ==, ZRTP_ACCEPTED);
    call_run (&call, 10001 * MS);
    g_assert_cmpint (pair_state (&call.stream[1], BOB), ==, ZRTP_STATE_CLEAR);
    call_clear (&call);
  }
}

/* A stream whose Hello nobody acknowledged yet goes on saying it, or the peer could never answer its
 * Commit. */
static void
test_joining_stream_says_hello (void)
{
  static const ZrtpState states[] = {
      ZRTP_STATE_GOCLEAR_SENT, ZRTP_STATE_CLEAR, ZRTP_STATE_CLEAR_WAITING};

  for (unsigned s = 0; s < G_N_ELEMENTS (states); s++)
    for (unsigned acked = 0; acked < 2; acked++) {
      Call call;
      unsigned left = 1; /* Alice's first Hello */
      uint8_t packet[ZRTP_MAX_PACKET];
      PairEnd *bob = &call.stream[1].end[BOB];

      call_begin (&call, 1);
      pair_init_stream (&call.stream[1], &call.stream[0], 50);
      call.stream[1].wire = budget;
      call.stream[1].user = &left;
      call.n = 2;
      pair_start (&call.stream[1], BOTH);
      call_settle (&call);
      g_assert_cmpint (pair_state (&call.stream[1], BOB), ==, ZRTP_STATE_COMMIT_SENT);
      if (states[s] == ZRTP_STATE_GOCLEAR_SENT)
        call.stream[0].wire = cut;
      go_clear (&call, states[s] == ZRTP_STATE_CLEAR_WAITING ? ALICE : BOB);
      call_settle (&call);
      g_assert_cmpint (pair_state (&call.stream[1], BOB), ==, states[s]);
      if (acked)
        g_assert_cmpint (pair_feed (&call.stream[1], BOB, packet,
                             forge_ack (packet, 0x1100, ZRTP_MESSAGE_HELLOACK)),
            ==, ZRTP_ACCEPTED);
      bob->n_sent[ZRTP_MESSAGE_HELLO] = 0;
      call_run (&call, 1000 * MS);
      g_assert_cmpuint (bob->n_sent[ZRTP_MESSAGE_HELLO], ==, acked ? 0 : 6);
      g_assert_cmpint (pair_state (&call.stream[1], BOB), ==, states[s]);
      /* and when it commits at last, after that schedule */
      if (!acked && states[s] != ZRTP_STATE_GOCLEAR_SENT) {
        call_run (&call, 30000 * MS);
        call.stream[0].wire = call.stream[1].wire = NULL;
        go_secure (&call, BOB);
        call_run (&call, 5000 * MS);
        g_assert_cmpint (pair_state (&call.stream[1], ALICE), ==, ZRTP_STATE_SECURE);
        g_assert_cmpint (pair_state (&call.stream[1], BOB), ==, ZRTP_STATE_SECURE);
      }
      call_clear (&call);
    }
}

/* The stream that waits for the ClearACK ends: the others do not wait for ever. */
static void
test_speaker_leaves (void)
{
  Call call;
  uint8_t zrtpsess[32];
  PairEnd *alice = &call.stream[1].end[ALICE];

  call_begin (&call, 2);
  memcpy (zrtpsess, call_of (&call, ALICE)->zrtpsess, 32);
  call.stream[0].wire = cut;
  go_clear (&call, ALICE);
  call_settle (&call);
  zrtp_engine_free (call.stream[0].end[ALICE].engine);
  call.stream[0].end[ALICE].engine = NULL;
  call_settle (&call);
  g_assert_cmpint (pair_state (&call.stream[1], ALICE), ==, ZRTP_STATE_CLEAR);
  assert_told (alice, ZRTP_EVENT_DROP_KEYS, ZRTP_EVENT_CLEAR, ZRTP_EVENT_NONE);
  g_assert_false (call_has (call_of (&call, ALICE), zrtpsess, 32));
  call_clear (&call);

  /* and one that does not wait for anything ends without effect */
  call_begin (&call, 2);
  memcpy (zrtpsess, call_of (&call, ALICE)->zrtpsess, 32);
  call.stream[0].wire = cut;
  go_clear (&call, ALICE);
  call_settle (&call);
  zrtp_engine_free (call.stream[1].end[ALICE].engine);
  call.stream[1].end[ALICE].engine = NULL;
  call_settle (&call);
  g_assert_cmpint (pair_state (&call.stream[0], ALICE), ==, ZRTP_STATE_GOCLEAR_SENT);
  g_assert_true (call_has (call_of (&call, ALICE), zrtpsess, 32));
  call_clear (&call);

  /* before its GoClear left: another one says it */
  call_begin (&call, 3);
  memcpy (zrtpsess, call_of (&call, ALICE)->zrtpsess, 32);
  go_clear (&call, ALICE);
  zrtp_engine_free (call.stream[0].end[ALICE].engine);
  call.stream[0].end[ALICE].engine = NULL;
  call_settle (&call);
  for (unsigned i = 1; i < 3; i++) {
    g_assert_cmpint (pair_state (&call.stream[i], ALICE), ==, ZRTP_STATE_CLEAR);
    g_assert_cmpint (pair_state (&call.stream[i], BOB), ==, ZRTP_STATE_CLEAR_WAITING);
  }
  g_assert_cmpuint (call.stream[1].end[ALICE].n_sent[ZRTP_MESSAGE_GOCLEAR] +
                        call.stream[2].end[ALICE].n_sent[ZRTP_MESSAGE_GOCLEAR],
      ==, 1);
  assert_replaced (&call, zrtpsess, 1);
  call_clear (&call);
}

/* --- Keys ----------------------------------------------------------------------------------------------------------- */

static bool
has_any (const Call *call, unsigned e, const ZrtpKeys *keys)
{
  bool any = false;

  for (unsigned i = 0; i < call->n; i++) {
    const ZrtpEngine *engine = call->stream[i].end[e].engine;

    for (unsigned k = 0; k < 2; k++)
      any = any || engine_has (engine, keys->srtpkey[k], 16) ||
            engine_has (engine, keys->srtpsalt[k], 14) ||
            engine_has (engine, keys->mackey[k], 32) || engine_has (engine, keys->zrtpkey[k], 16);
    any = any || engine_has (engine, keys->zrtpsess, 32);
  }
  return any;
}

/* §4.7.2.1: "All SRTP session key material MUST be erased", at the receiver with the GoClear, at the
 * sender with the ClearACK, and when there is none. With a PBX, whose keys stay for SASrelay. */
static void
test_keys_are_gone (void)
{
  for (unsigned presser = 0; presser < 2; presser++)
    for (unsigned unanswered = 0; unanswered < 2; unanswered++) {
      Call call;
      Pair first;
      Kept kept = {0};

      init_allowing (&first, true, true);
      first.end[BOB].config.mitm = true;
      first.wire = keep;
      first.user = &kept;
      call_begin_as (&call, 2, &first);
      for (unsigned e = 0; e < 2; e++) {
        g_assert_true (has_any (&call, e, &kept.keys[e])); /* for the SASrelay: it can be found */
        g_assert_true (call_has (call_of (&call, e), kept.keys[ALICE].zrtpsess, 32));
      }
      call.stream[0].wire = unanswered ? cut : NULL;
      go_clear (&call, presser);
      call_run (&call, unanswered ? 10651 * MS : 0);
      for (unsigned e = 0; e < 2; e++) {
        if (unanswered && e != presser)
          continue;
        g_assert_false (has_any (&call, e, &kept.keys[e]));
        g_assert_false (call_has (call_of (&call, e), kept.keys[e].zrtpsess, 32));
        for (unsigned i = 0; i < 2; i++) {
          g_assert_null (engine_of (&call, i, e)->exchange);
          g_assert_cmpuint (call.stream[i].end[e].send_key.size, ==, 0);
          g_assert_cmpuint (call.stream[i].end[e].receive_key.size, ==, 0);
        }
      }
      call_clear (&call);
    }
}

/* A key that was told and not fetched yet goes too, and is not told any more. */
static void
test_untold_keys_are_gone (void)
{
  Call call;
  uint8_t packet[ZRTP_MAX_PACKET];
  ZrtpEngine *bob;
  ZrtpEvent event;
  size_t size;

  call_begin (&call, 1);
  bob = engine_of (&call, 0, BOB);
  memset (bob->receive_key.key_and_salt, 0x5a, 30);
  memset (bob->send_key.key_and_salt, 0x5b, 30);
  bob->receive_key.size = bob->send_key.size = 30;
  bob->events |= 1u << ZRTP_EVENT_RECEIVE_KEY | 1u << ZRTP_EVENT_SEND_KEY;
  size = forge_goclear (packet, engine_of (&call, 0, ALICE));
  zrtp_engine_handle_packet (bob, packet, size, call.stream[0].now);
  g_assert_cmpuint (bob->receive_key.size, ==, 0);
  g_assert_cmpuint (bob->send_key.size, ==, 0);
  g_assert_cmphex (bob->receive_key.key_and_salt[29], ==, 0);
  g_assert_cmphex (bob->send_key.key_and_salt[29], ==, 0);
  g_assert_true (zrtp_engine_poll_event (bob, &event));
  g_assert_cmpint (event.kind, ==, ZRTP_EVENT_DROP_KEYS);
  g_assert_true (zrtp_engine_poll_event (bob, &event));
  g_assert_cmpint (event.kind, ==, ZRTP_EVENT_CLEAR);
  g_assert_false (zrtp_engine_poll_event (bob, &event));
  call_clear (&call);
}

/* --- Other messages in clear mode ------------------------------------------------------------------------------------- */

/* Errors, Hellos, media, a late hash: clear mode stays what it is. */
static void
test_clear_is_left_alone (void)
{
  Call call;
  uint8_t packet[ZRTP_MAX_PACKET];
  const uint8_t hash[ZRTP_HELLO_HASH_SIZE] = {1};
  Kept kept = {0};
  Pair first;

  init_allowing (&first, true, true);
  first.wire = keep;
  first.user = &kept;
  call_begin_as (&call, 1, &first);
  go_clear (&call, ALICE);
  call_settle (&call);
  for (unsigned step = 0; step < 2; step++) {
    const ZrtpState state = step ? ZRTP_STATE_CLEAR : ZRTP_STATE_CLEAR_WAITING;
    PairEnd *bob = &call.stream[0].end[BOB];

    call_settle (&call);
    forget_told (&call);
    bob->n_sent[ZRTP_MESSAGE_ERRORACK] = 0;
    g_assert_cmpint (pair_feed (&call.stream[0], BOB, packet, forge_error (packet, 0x1000, 0x20)),
        ==, ZRTP_UNEXPECTED);
    g_assert_cmpint (pair_feed (&call.stream[0], BOB, packet, forge_error (packet, 0x9999, 0x20)),
        ==, ZRTP_UNEXPECTED);
    for (ZrtpMessageType type = 0; type < ZRTP_N_MESSAGES; type++)
      if (kept.size[ALICE][type])
        feed_kept (&call.stream[0], BOB, &kept, type);
    zrtp_engine_srtp_authenticated (engine_of (&call, 0, BOB), call.stream[0].now);
    zrtp_engine_media_received (engine_of (&call, 0, BOB), call.stream[0].now);
    zrtp_engine_set_peer_hello_hash (engine_of (&call, 0, BOB), hash, call.stream[0].now);
    call_settle (&call);
    g_assert_cmpuint (bob->n_sent[ZRTP_MESSAGE_ERRORACK], ==, 1);
    g_assert_cmpint (pair_state (&call.stream[0], BOB), ==, state);
    if (step == 0)
      assert_told (bob, ZRTP_EVENT_BAD_HELLO_HASH, ZRTP_EVENT_NONE);
    else
      assert_told (bob, ZRTP_EVENT_NONE);
    accept_clear (&call, BOB, true);
  }
  call_clear (&call);
}

/* The first Confirm2 again: the Conf2ACK was lost, and GoClear was quicker. */
static void
test_goclear_before_conf2ack (void)
{
  Call call = {.n = 1};
  ZrtpMessageType lost = ZRTP_MESSAGE_CONF2ACK;
  unsigned responder;

  init_allowing (&call.stream[0], true, true);
  call.stream[0].wire = lose_all;
  call.stream[0].user = &lost;
  pair_start (&call.stream[0], BOTH);
  call_settle (&call);
  call.stream[0].wire = NULL;
  responder = pair_state (&call.stream[0], ALICE) == ZRTP_STATE_SECURE ? ALICE : BOB;
  g_assert_cmpint (pair_state (&call.stream[0], !responder), ==, ZRTP_STATE_CONFIRM2_SENT);
  go_clear (&call, responder);
  call_run (&call, 2000 * MS);
  g_assert_cmpint (pair_state (&call.stream[0], responder), ==, ZRTP_STATE_CLEAR);
  g_assert_cmpint (pair_state (&call.stream[0], !responder), ==, ZRTP_STATE_CLEAR_WAITING);
  assert_told (&call.stream[0].end[!responder], ZRTP_EVENT_LOOKUP, ZRTP_EVENT_RECEIVE_KEY,
      ZRTP_EVENT_SEND_KEY, ZRTP_EVENT_SECURE, ZRTP_EVENT_DROP_KEYS, ZRTP_EVENT_CLEAR,
      ZRTP_EVENT_NONE);
  call_clear (&call);
}

/* --- Enrolment -------------------------------------------------------------------------------------------------------- */

/* §7.3.1: "If the (E) flag is set by the PBX, the PBX MUST NOT set the Allow Clear (A) flag ... If a
 * received Confirm message has the (E) flag set, the (A) flag MUST be disregarded" */
static void
test_enrolment (void)
{
  Call call;
  Pair first;
  uint8_t packet[ZRTP_MAX_PACKET];

  init_allowing (&first, true, true);
  first.end[BOB].config.mitm = first.end[BOB].config.enroll = true;
  first.end[ALICE].config.accept_enrollment = true;
  call_begin_as (&call, 1, &first);
  g_assert_false (call.stream[0].end[ALICE].secure.peer_allows_clear);
  g_assert_true (call.stream[0].end[BOB].secure.peer_allows_clear);
  for (unsigned e = 0; e < 2; e++) {
    g_assert_false (zrtp_call_may_go_clear (call_of (&call, e)));
    g_assert_false (zrtp_call_go_clear (call_of (&call, e), call.stream[0].now));
  }
  /* neither end takes one from a peer that sends it all the same */
  for (unsigned e = 0; e < 2; e++) {
    g_assert_cmpint (
        pair_feed (&call.stream[0], e, packet, forge_goclear (packet, engine_of (&call, 0, !e))),
        ==, ZRTP_REFUSED);
    call_settle (&call);
    g_assert_cmpuint (call.stream[0].end[e].n_sent[ZRTP_MESSAGE_ERROR], ==, 1);
  }
  assert_secure (&call);
  call_clear (&call);
}

/* A PBX that sets E and A all the same, and any combination of the two. */
typedef struct {
  bool enrollment, allow_clear;
} Flags;

static bool
set_flags (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  const Flags *flags = user;
  ZrtpConfirm confirm;

  if (from != BOB || !read_confirm (&pair->end[BOB], packet, *size, &confirm))
    return true;
  confirm.enrollment = flags->enrollment;
  confirm.allow_clear = flags->allow_clear;
  *size = forge_confirm (&pair->end[BOB], &confirm, 0, packet);
  return true;
}

static void
test_enrolment_with_a (void)
{
  for (unsigned bits = 0; bits < 4; bits++) {
    Call call;
    Pair first;
    Flags flags = {bits & 1, bits & 2};
    uint8_t packet[ZRTP_MAX_PACKET];

    init_allowing (&first, true, true);
    first.end[BOB].config.mitm = true;
    first.wire = set_flags;
    first.user = &flags;
    call_begin_as (&call, 1, &first);
    g_assert_cmpint (call.stream[0].end[ALICE].secure.peer_allows_clear, ==, bits == 2);
    g_assert_cmpint (zrtp_call_may_go_clear (call_of (&call, ALICE)), ==, bits == 2);
    g_assert_cmpint (pair_feed (&call.stream[0], ALICE, packet,
                         forge_goclear (packet, engine_of (&call, 0, BOB))),
        ==, flags.enrollment ? ZRTP_REFUSED : ZRTP_ACCEPTED);
    call_clear (&call);
  }
}

/* --- Forged Commits in clear mode ----------------------------------------------------------------------------------- */

/* forge_multistream() from another place than the peer's. */
static size_t
forge_elsewhere (
    uint8_t packet[ZRTP_MAX_PACKET], const ZrtpEngine *engine, uint8_t nonce, uint32_t ssrc)
{
  const size_t size = forge_multistream (packet, engine, nonce);

  zrtp_put_u32 (packet + 8, ssrc);
  pair_fix_crc (packet, size);
  return size;
}

/* One from another SSRC leads nowhere, and leaves nothing: the peer is where it was. */
static void
test_forged_ssrc (void)
{
  for (unsigned by_error = 0; by_error < 2; by_error++)
    for (unsigned n = 1; n < 3; n++) {
      Call call;
      uint8_t packet[ZRTP_MAX_PACKET];
      const ZrtpEngine *bob;

      call_begin (&call, 1);
      bob = engine_of (&call, 0, BOB);
      call_to_clear (&call, ALICE);
      for (unsigned i = 0; i < n; i++) {
        g_assert_cmpint (
            pair_feed (&call.stream[0], BOB, packet,
                forge_elsewhere (packet, engine_of (&call, 0, ALICE), (uint8_t) (i + 1), 0xbad)),
            ==, ZRTP_ACCEPTED);
        g_assert_cmpint (bob->state, ==, ZRTP_STATE_CONFIRM1_SENT);
      }
      if (by_error)
        pair_feed (&call.stream[0], BOB, packet, forge_error (packet, 0xbad, 0x20));
      else
        call_run (&call, 10001 * MS);
      g_assert_cmpint (bob->state, ==, ZRTP_STATE_CLEAR);
      g_assert_cmphex (bob->peer.ssrc, ==, 0x1000);
      go_secure (&call, BOB);
      call_run (&call, 5000 * MS);
      assert_secure (&call);
      call_clear (&call);
    }
}

/* One that loses against ours does not say where the peer is. */
static void
test_forged_loser (void)
{
  for (unsigned who = 0; who < 2; who++) {
    Call call;
    uint8_t packet[ZRTP_MAX_PACKET];
    const ZrtpEngine *own;

    call_begin (&call, 1);
    own = engine_of (&call, 0, who);
    call_to_clear (&call, ALICE);
    call.stream[0].wire = cut;
    go_secure (&call, who);
    call_settle (&call);
    pair_feed (&call.stream[0], who, packet,
        forge_elsewhere (packet, engine_of (&call, 0, !who), 0, 0xbad));
    g_assert_cmpint (own->state, ==, ZRTP_STATE_COMMIT_SENT);
    g_assert_cmphex (own->peer.ssrc, ==, 0x1000 + !who);
    call.stream[0].wire = NULL;
    call_run (&call, 5000 * MS);
    assert_secure (&call);
    call_clear (&call);
  }
}

/* A forged one is just before the peer's own. */
static void
test_forged_before_real (void)
{
  static const uint32_t ssrcs[] = {0x1001, 0xbad};

  for (unsigned s = 0; s < 2; s++)
    for (unsigned n = 1; n < 4; n++)
      for (unsigned waiting = 0; waiting < 2; waiting++) {
        Call call;
        uint8_t packet[ZRTP_MAX_PACKET];

        call_begin (&call, 1);
        if (waiting) {
          go_clear (&call, BOB);
          call_settle (&call);
        } else {
          call_to_clear (&call, ALICE);
        }
        go_secure (&call, BOB);
        for (unsigned i = 0; i < n; i++) {
          pair_feed (&call.stream[0], ALICE, packet,
              forge_elsewhere (
                  packet, engine_of (&call, 0, BOB), (uint8_t) (0xff - 0x70 * i), ssrcs[s]));
          g_assert_cmpint (pair_state (&call.stream[0], ALICE), ==, ZRTP_STATE_CONFIRM1_SENT);
        }
        call_run (&call, 5000 * MS);
        assert_secure (&call);
        g_assert_cmphex (engine_of (&call, 0, ALICE)->peer.ssrc, ==, 0x1001);
        call_clear (&call);
      }
}

/* What the peer never confirmed takes no place among the nonces, of which there are 1024. */
static void
test_forged_nonces (void)
{
  Call call;
  uint8_t packet[ZRTP_MAX_PACKET];
  size_t n_nonces;

  call_begin (&call, 1);
  call_to_clear (&call, ALICE);
  n_nonces = call_of (&call, ALICE)->n_nonces;
  for (unsigned i = 0; i < 1100; i++) {
    size_t size = forge_multistream (packet, engine_of (&call, 0, BOB), 1);

    zrtp_put_u32 (packet + ZRTP_HEADER_SIZE + 76, i); /* the nonce, Figure 6 */
    pair_fix_crc (packet, size);
    g_assert_cmpint (pair_feed (&call.stream[0], ALICE, packet, size), ==, ZRTP_ACCEPTED);
    g_assert_cmpint (pair_state (&call.stream[0], ALICE), ==, ZRTP_STATE_CONFIRM1_SENT);
    pair_feed (&call.stream[0], ALICE, packet, forge_error (packet, 0x1001, 0x20));
    g_assert_cmpint (pair_state (&call.stream[0], ALICE), ==, ZRTP_STATE_CLEAR);
  }
  g_assert_cmpuint (call_of (&call, ALICE)->n_nonces, ==, n_nonces);
  for (unsigned e = 0; e < 2; e++) { /* ours is noted, and so is the peer's */
    go_secure (&call, e);
    call_run (&call, 1000 * MS);
    assert_secure (&call);
    if (e == 0)
      call_to_clear (&call, ALICE);
  }
  g_assert_cmpuint (call_of (&call, ALICE)->n_nonces, ==, n_nonces + 2);
  g_assert_cmpuint (call_of (&call, BOB)->n_nonces, ==, n_nonces + 2);
  call_clear (&call);
}

/* --- A GoClear that another stream has to send, or that crosses a Commit ---------------------------------------------- */

/* The stream that was to send the GoClear ends before it left: another one sends its own. When that ends as
 * well, the next. */
static void
test_speaker_leaves_at_once (void)
{
  for (unsigned n_gone = 1; n_gone < 3; n_gone++) {
    Call call;
    uint8_t zrtpsess[32];
    unsigned n_goclear = 0;
    Pair *last = &call.stream[2];

    call_begin (&call, 3);
    memcpy (zrtpsess, call_of (&call, ALICE)->zrtpsess, 32);
    go_clear (&call, ALICE);
    for (unsigned i = 0; i < n_gone; i++) {
      PairEnd *alice = &call.stream[i].end[ALICE];

      /* whichever one has to speak */
      for (unsigned k = 0; k < 3 && i > 0; k++)
        if (call.stream[k].end[ALICE].engine && engine_of (&call, k, ALICE)->must_speak)
          alice = &call.stream[k].end[ALICE];
      zrtp_engine_free (alice->engine);
      alice->engine = NULL;
    }
    call_run (&call, 3000 * MS);
    for (unsigned i = 0; i < 3; i++) {
      n_goclear += call.stream[i].end[ALICE].n_sent[ZRTP_MESSAGE_GOCLEAR];
      g_assert_cmpint (pair_state (&call.stream[i], BOB), ==, ZRTP_STATE_CLEAR_WAITING);
      if (engine_of (&call, i, ALICE)) {
        last = &call.stream[i];
        g_assert_cmpint (pair_state (last, ALICE), ==, ZRTP_STATE_CLEAR);
      }
    }
    g_assert_cmpuint (n_goclear, ==, 1);
    assert_replaced (&call, zrtpsess, 1);
    accept_clear (&call, BOB, true);
    go_secure (&call, ALICE);
    call_run (&call, 3000 * MS);
    g_assert_cmpint (pair_state (last, ALICE), ==, ZRTP_STATE_SECURE);
    g_assert_cmpint (pair_state (last, BOB), ==, ZRTP_STATE_SECURE);
    g_assert_cmpmem (
        last->end[ALICE].send_key.key_and_salt, 30, last->end[BOB].receive_key.key_and_salt, 30);
    call_clear (&call);
  }
}

/* Alice's Commit has had an answer that was none when Bob's GoClear comes: her keys are made anew from the
 * ZRTPSess that the two have then. */
static void
test_goclear_after_bad_confirm (void)
{
  Call call;
  Loss loss = {BOB, ZRTP_MESSAGE_GOCLEAR, 2, 0, 0};
  uint8_t packet[ZRTP_MAX_PACKET], zrtpsess[32], confirm[ZRTP_CONFIRM_SIZE] = {0};
  ZrtpWriter writer = zrtp_writer (confirm, sizeof confirm);

  call_begin (&call, 2);
  memcpy (zrtpsess, call_of (&call, ALICE)->zrtpsess, 32);
  call.stream[0].wire = lose;
  call.stream[0].user = &loss;
  go_clear (&call, ALICE);
  go_clear (&call, BOB);
  call_settle (&call);
  g_assert_cmpint (pair_state (&call.stream[0], BOB), ==, ZRTP_STATE_GOCLEAR_SENT);
  go_secure (&call, ALICE);
  zrtp_message_begin (&writer, ZRTP_MESSAGE_CONFIRM1, sizeof confirm);
  for (unsigned i = 0; i < 2; i++) {
    const uint32_t ssrc = call.stream[i].end[BOB].config.ssrc;

    g_assert_cmpint (
        pair_feed (&call.stream[i], ALICE, packet, forge (packet, ssrc, confirm, sizeof confirm)),
        ==, ZRTP_BAD_MAC);
    g_assert_cmpint (pair_state (&call.stream[i], ALICE), ==, ZRTP_STATE_COMMIT_SENT);
  }
  call_run (&call, 6000 * MS);
  assert_secure (&call);
  assert_replaced (&call, zrtpsess, 2);
  call_clear (&call);
}

/* Her stream that has Confirm1 already goes along: its keys are of the ZRTPSess that is gone. */
static void
test_goclear_after_confirm1 (void)
{
  Call call;
  ZrtpMessageType lost = ZRTP_MESSAGE_CONF2ACK;

  call_begin (&call, 2);
  call_to_clear (&call, ALICE);
  call.stream[1].wire = lose_all;
  call.stream[1].user = &lost;
  go_secure (&call, ALICE);
  call_settle (&call);
  g_assert_cmpint (pair_state (&call.stream[0], ALICE), ==, ZRTP_STATE_SECURE);
  g_assert_cmpint (pair_state (&call.stream[1], ALICE), ==, ZRTP_STATE_CONFIRM2_SENT);
  g_assert_cmpuint (call.stream[1].end[ALICE].receive_key.size, >, 0);
  call.stream[1].wire = NULL;
  go_clear (&call, BOB);
  call_settle (&call);
  for (unsigned i = 0; i < 2; i++) {
    g_assert_cmpint (pair_state (&call.stream[i], ALICE), ==, ZRTP_STATE_CLEAR_WAITING);
    g_assert_cmpint (pair_state (&call.stream[i], BOB), ==, ZRTP_STATE_CLEAR);
    g_assert_cmpuint (call.stream[i].end[ALICE].receive_key.size, ==, 0);
  }
  go_secure (&call, ALICE);
  call_run (&call, 1000 * MS);
  assert_secure (&call);
  call_clear (&call);
}

/* A stream that was never secure has no key for a GoClear: none is looked at. */
static void
test_goclear_on_fresh_stream (void)
{
  Call call;
  uint8_t packet[ZRTP_MAX_PACKET];
  PairEnd *alice = &call.stream[1].end[ALICE];

  call_begin (&call, 1);
  pair_init_stream (&call.stream[1], &call.stream[0], 50);
  call.n = 2;
  pair_start (&call.stream[1], BOTH);
  pair_feed (
      &call.stream[1], ALICE, packet, zrtp_engine_poll_packet (engine_of (&call, 1, BOB), packet));
  g_assert_cmpint (pair_state (&call.stream[1], ALICE), ==, ZRTP_STATE_COMMIT_SENT);
  alice->engine->kept.accepts_clear = true; /* whatever it may hold before its time */
  for (unsigned mac = 0; mac < 2; mac++) {
    g_assert_cmpint (pair_feed (&call.stream[1], ALICE, packet,
                         forge_goclear (packet, mac ? engine_of (&call, 0, BOB) /* another's */
                                                    : engine_of (&call, 1, BOB) /* zeros */)),
        ==, ZRTP_UNEXPECTED);
    g_assert_cmpint (pair_state (&call.stream[1], ALICE), ==, ZRTP_STATE_COMMIT_SENT);
  }
  alice->engine->kept.accepts_clear = false;
  call_run (&call, 1000 * MS);
  g_assert_cmpuint (alice->n_sent[ZRTP_MESSAGE_CLEARACK], ==, 0);
  assert_secure (&call);
  call_clear (&call);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/clear/off-by-default", test_off_by_default);
  g_test_add_func ("/clear/not-secure-yet", test_not_secure_yet);
  g_test_add_func ("/clear/go-clear", test_go_clear);
  g_test_add_func ("/clear/drop-before-clearack", test_drop_before_clearack);
  g_test_add_func ("/clear/clear-mac", test_clear_mac);
  g_test_add_func ("/clear/long-zrtpsess", test_long_zrtpsess);
  g_test_add_func ("/clear/accept", test_accept);
  g_test_add_func ("/clear/refuse", test_refuse);
  g_test_add_func ("/clear/clearack-repeats", test_clearack_repeats);
  g_test_add_func ("/clear/goclear-schedule", test_goclear_schedule);
  g_test_add_func ("/clear/losses", test_losses);
  g_test_add_func ("/clear/refused-without-clearack", test_refused_without_clearack);
  g_test_add_func ("/clear/bad-mac", test_bad_mac);
  g_test_add_func ("/clear/forged-clearack", test_forged_clearack);
  g_test_add_func ("/clear/not-allowed", test_not_allowed);
  g_test_add_func ("/clear/allowed-on-one", test_allowed_on_one);
  g_test_add_func ("/clear/another-speaks", test_another_speaks);
  g_test_add_func ("/clear/stirred", test_stirred);
  g_test_add_func ("/clear/replayed-goclear", test_replayed_goclear);
  g_test_add_func ("/clear/both-at-once", test_both_at_once);
  g_test_add_func ("/clear/one-on-each-stream", test_one_on_each_stream);
  g_test_add_func ("/clear/goclear-crosses-commit", test_goclear_crosses_commit);
  g_test_add_func ("/clear/go-secure", test_go_secure);
  g_test_add_func ("/clear/no-hello-again", test_no_hello_again);
  g_test_add_func ("/clear/toggle", test_toggle);
  g_test_add_func ("/clear/stream-after-clear", test_stream_after_clear);
  g_test_add_func ("/clear/forged-commit", test_forged_commit);
  g_test_add_func ("/clear/forged-commit-leaves-no-ssrc", test_forged_commit_leaves_no_ssrc);
  g_test_add_func ("/clear/bad-commit-in-clear", test_bad_commit_in_clear);
  g_test_add_func ("/clear/bad-commit-against-ours", test_bad_commit_against_ours);
  g_test_add_func ("/clear/fails-closed", test_fails_closed);
  g_test_add_func ("/clear/fails-closed-as-responder", test_fails_closed_as_responder);
  g_test_add_func ("/clear/accept-during-exchange", test_accept_during_exchange);
  g_test_add_func ("/clear/hello-against-ours", test_hello_against_ours);
  g_test_add_func ("/clear/joining-stream", test_joining_stream);
  g_test_add_func ("/clear/joining-stream-drops-its-key", test_joining_stream_drops_its_key);
  g_test_add_func ("/clear/stream-while-going-clear", test_stream_while_going_clear);
  g_test_add_func ("/clear/wish-is-for-one-exchange", test_wish_is_for_one_exchange);
  g_test_add_func ("/clear/joining-stream-says-hello", test_joining_stream_says_hello);
  g_test_add_func ("/clear/speaker-leaves", test_speaker_leaves);
  g_test_add_func ("/clear/keys-are-gone", test_keys_are_gone);
  g_test_add_func ("/clear/untold-keys-are-gone", test_untold_keys_are_gone);
  g_test_add_func ("/clear/left-alone", test_clear_is_left_alone);
  g_test_add_func ("/clear/goclear-before-conf2ack", test_goclear_before_conf2ack);
  g_test_add_func ("/clear/enrolment", test_enrolment);
  g_test_add_func ("/clear/enrolment-with-a", test_enrolment_with_a);
  g_test_add_func ("/clear/forged-ssrc", test_forged_ssrc);
  g_test_add_func ("/clear/forged-loser", test_forged_loser);
  g_test_add_func ("/clear/forged-before-real", test_forged_before_real);
  g_test_add_func ("/clear/forged-nonces", test_forged_nonces);
  g_test_add_func ("/clear/speaker-leaves-at-once", test_speaker_leaves_at_once);
  g_test_add_func ("/clear/goclear-after-bad-confirm", test_goclear_after_bad_confirm);
  g_test_add_func ("/clear/goclear-after-confirm1", test_goclear_after_confirm1);
  g_test_add_func ("/clear/goclear-on-fresh-stream", test_goclear_on_fresh_stream);
  return g_test_run ();
}
