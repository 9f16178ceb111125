/* What may come in every state: a Ping, the peer's Hello again, an Error. With the other tests these take
 * every entry of the engine's table (docs/state-machine.md).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/protocol/pair.h"

#include <string.h>

enum {
  BOTH = 1 << ALICE | 1 << BOB
};

static size_t
make_ping (uint8_t packet[ZRTP_MAX_PACKET])
{
  ZrtpPing ping = {.version = "1.10"};
  uint8_t message[ZRTP_PING_SIZE];

  zrtp_ping_write (&ping, message);
  return zrtp_packet_write (packet, 1, 0xbad, ZRTP_BYTES (message));
}

static size_t
make_error (uint8_t packet[ZRTP_MAX_PACKET], uint32_t ssrc)
{
  uint8_t message[ZRTP_ERROR_SIZE];

  zrtp_error_write (ZRTP_ERROR_UNAVAILABLE, message);
  return zrtp_packet_write (packet, 1, ssrc, ZRTP_BYTES (message));
}

/* A Ping is answered in every state, and changes nothing (§5.15: "unrelated to the rest of the ZRTP
 * protocol"). */
static void
assert_ping_is_answered (Pair *pair, unsigned end)
{
  ZrtpEngine *engine = pair->end[end].engine;
  const ZrtpState state = pair_state (pair, end);
  uint8_t packet[ZRTP_MAX_PACKET];
  const size_t size = make_ping (packet);

  g_assert_cmpint (pair_feed (pair, end, packet, size), ==, ZRTP_ACCEPTED);
  g_assert_cmpint (pair_state (pair, end), ==, state);
  g_assert_true (engine->outbox & ZRTP_OUT_PINGACK);
}

/* A PingACK that nobody asked for is dropped in every state. */
static void
assert_pingack_is_dropped (Pair *pair, unsigned end)
{
  ZrtpPingAck pingack = {.version = "1.10"};
  uint8_t message[ZRTP_PINGACK_SIZE], packet[ZRTP_MAX_PACKET];
  const ZrtpState state = pair_state (pair, end);
  size_t size;

  zrtp_pingack_write (&pingack, message);
  size = zrtp_packet_write (packet, 1, 0xbad, ZRTP_BYTES (message));
  g_assert_cmpint (pair_feed (pair, end, packet, size), ==, ZRTP_UNEXPECTED);
  g_assert_cmpint (pair_state (pair, end), ==, state);
}

/* And the Hello of the peer is acknowledged in every state of a negotiation that lives. */
static void
assert_hello_is_acknowledged (Pair *pair, unsigned end)
{
  ZrtpEngine *engine = pair->end[end].engine;
  const PairEnd *peer = &pair->end[!end];
  const ZrtpState state = pair_state (pair, end);
  uint8_t packet[ZRTP_MAX_PACKET];
  const size_t size =
      zrtp_packet_write (packet, 1, peer->config.ssrc, zrtp_own_hello (peer->engine));

  g_assert_cmpint (pair_feed (pair, end, packet, size), ==, ZRTP_REPEATED);
  g_assert_cmpint (pair_state (pair, end), ==, state);
  g_assert_true (engine->outbox & ZRTP_OUT_HELLOACK);
}

typedef struct {
  bool state[2][ZRTP_N_STATES];
} Visited;

static void
disturb (Pair *pair, Visited *visited)
{
  for (unsigned e = 0; e < 2; e++) {
    visited->state[e][pair_state (pair, e)] = true;
    assert_ping_is_answered (pair, e);
    assert_pingack_is_dropped (pair, e);
    if (pair_state (pair, e) >= ZRTP_STATE_COMMIT_SENT &&
        pair_state (pair, e) < ZRTP_STATE_ERROR_SENT)
      assert_hello_is_acknowledged (pair, e);
  }
}

static bool
disturb_wire (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  /* What we make is no concern of ours again, or it would never end. */
  if (!packet_is (packet, ZRTP_MESSAGE_PINGACK) && !packet_is (packet, ZRTP_MESSAGE_HELLOACK))
    disturb (pair, user);
  return true;
}

static void
test_ping_and_hello (void)
{
  Visited visited = {{{false}}};

  for (unsigned seed = 0; seed < 8; seed++) {
    Pair pair;

    pair_init (&pair, seed);
    pair.wire = disturb_wire;
    pair.user = &visited;
    pair_start (&pair, BOTH);
    pair_settle (&pair);
    pair_assert_secure (&pair);
    disturb (&pair, &visited);
    pair_clear (&pair);
  }
  for (ZrtpState state = ZRTP_STATE_DISCOVERY; state <= ZRTP_STATE_SECURE; state++)
    g_assert_true (visited.state[ALICE][state] || visited.state[BOB][state]);
}

/* After the end: the Error goes out until T2 is spent, Errors of the peer are acknowledged, and a Ping is
 * answered. */
static bool
lose_after_dhpart1 (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  bool *lost = user;

  *lost = *lost || packet_is (packet, ZRTP_MESSAGE_DHPART2);
  return !*lost;
}

static void
assert_error_is_acknowledged (Pair *pair, unsigned end)
{
  uint8_t packet[ZRTP_MAX_PACKET];
  const ZrtpState state = pair_state (pair, end);
  size_t size = make_error (packet, pair->end[!end].config.ssrc);

  g_assert_cmpint (pair_feed (pair, end, packet, size), ==, ZRTP_REPEATED);
  g_assert_true (pair->end[end].engine->outbox & ZRTP_OUT_ERRORACK);
  g_assert_cmpint (pair_state (pair, end), ==, state);
  pair_settle (pair);
  size = make_error (packet, 0xbad);
  g_assert_cmpint (pair_feed (pair, end, packet, size), ==, ZRTP_UNEXPECTED);
}

static void
test_after_the_end (void)
{
  Pair pair;
  bool lost = false;
  const PairEnd *alice = &pair.end[ALICE];

  pair_init (&pair, 1);
  pair.wire = lose_after_dhpart1;
  pair.user = &lost;
  pair_start (&pair, BOTH);
  pair_run (&pair, pair.now + 11000 * MS);
  for (unsigned e = 0; e < 2; e++) {
    g_assert_cmpint (pair_state (&pair, e), ==, ZRTP_STATE_ERROR_SENT);
    g_assert_cmphex (pair.end[e].failed_code, ==, ZRTP_ERROR_TIMEOUT);
    assert_ping_is_answered (&pair, e);
    assert_pingack_is_dropped (&pair, e);
    assert_error_is_acknowledged (&pair, e);
  }
  pair_run (&pair, pair.now + 20000 * MS);
  g_assert_cmpuint (alice->n_sent[ZRTP_MESSAGE_ERROR], ==, 11);
  for (unsigned e = 0; e < 2; e++) {
    g_assert_cmpint (pair_state (&pair, e), ==, ZRTP_STATE_FAILED);
    assert_ping_is_answered (&pair, e);
    assert_pingack_is_dropped (&pair, e);
    assert_error_is_acknowledged (&pair, e);
    g_assert_cmpuint (pair.end[e].n_events[ZRTP_EVENT_FAILED], ==, 1);
  }
  pair_clear (&pair);
}

/* --- Clear mode --------------------------------------------------------------------------------------------- */

static size_t
make_goclear (const Pair *pair, unsigned from, uint8_t packet[ZRTP_MAX_PACKET])
{
  uint8_t message[ZRTP_GOCLEAR_SIZE];

  zrtp_goclear_write (pair->end[from].engine->kept.clear_mac[0], message);
  return zrtp_packet_write (packet, 1, pair->end[from].config.ssrc, ZRTP_BYTES (message));
}

/* An Error ends nothing any more; the peer is told that it came, nobody else. */
static void
assert_error_has_no_effect (Pair *pair, unsigned end)
{
  const ZrtpState state = pair_state (pair, end);
  uint8_t packet[ZRTP_MAX_PACKET];

  for (unsigned stranger = 0; stranger < 2; stranger++) {
    const size_t size = make_error (packet, stranger ? 0xbad : pair->end[!end].config.ssrc);
    const unsigned acknowledged = pair->end[end].n_sent[ZRTP_MESSAGE_ERRORACK];

    g_assert_cmpint (pair_feed (pair, end, packet, size), ==, ZRTP_UNEXPECTED);
    g_assert_cmpint (pair_state (pair, end), ==, state);
    pair_settle (pair);
    g_assert_cmpuint (pair->end[end].n_sent[ZRTP_MESSAGE_ERRORACK], ==, acknowledged + !stranger);
  }
}

typedef struct {
  bool mute; /* GoClear and ClearACK are lost */
  uint8_t confirm2[ZRTP_MAX_PACKET];
  size_t confirm2_size;
} Line;

static bool
line (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  Line *l = user;

  if (packet_is (packet, ZRTP_MESSAGE_CONFIRM2)) {
    memcpy (l->confirm2, packet, *size);
    l->confirm2_size = *size;
  }
  return !l->mute ||
         (!packet_is (packet, ZRTP_MESSAGE_GOCLEAR) && !packet_is (packet, ZRTP_MESSAGE_CLEARACK));
}

/* `end` is the responder: it may see Confirm2 again. */
static unsigned
init_clear_call (Pair *pair, uint64_t seed, Line *l)
{
  *l = (Line){.mute = false};
  pair_init (pair, seed);
  for (unsigned e = 0; e < 2; e++)
    pair->end[e].config.allow_clear = true;
  pair->wire = line;
  pair->user = l;
  pair_start (pair, BOTH);
  pair_settle (pair);
  pair_assert_secure (pair);
  return zrtp_engine_get_role (pair->end[ALICE].engine) == ZRTP_ROLE_RESPONDER ? ALICE : BOB;
}

static void
disturb_clear (Pair *pair, unsigned end)
{
  assert_ping_is_answered (pair, end);
  assert_pingack_is_dropped (pair, end);
  assert_hello_is_acknowledged (pair, end);
  assert_error_has_no_effect (pair, end);
}

static void
test_goclear_sent (void)
{
  Pair pair;
  Line l;
  uint8_t packet[ZRTP_MAX_PACKET];
  size_t size;
  const unsigned us = init_clear_call (&pair, 1, &l), peer = !us;

  l.mute = true;
  g_assert_true (zrtp_call_go_clear (pair.end[us].call, pair.now));
  pair_settle (&pair);
  g_assert_cmpint (pair_state (&pair, us), ==, ZRTP_STATE_GOCLEAR_SENT);
  disturb_clear (&pair, us);
  g_assert_cmpint (pair_feed (&pair, us, l.confirm2, l.confirm2_size), ==, ZRTP_REPEATED);
  pair_settle (&pair);

  /* The peer had the same wish at the same time: each ClearACK ends one GoClear, and both replace the session
   * key twice (§4.7.2.1). */
  g_assert_true (zrtp_call_go_clear (pair.end[peer].call, pair.now));
  size = make_goclear (&pair, peer, packet);
  g_assert_cmpint (pair_feed (&pair, us, packet, size), ==, ZRTP_ACCEPTED);
  g_assert_cmpint (pair_state (&pair, us), ==, ZRTP_STATE_GOCLEAR_SENT);
  l.mute = false;
  pair_run (&pair, pair.now + 3000 * MS);
  for (unsigned e = 0; e < 2; e++)
    g_assert_cmpint (pair_state (&pair, e), ==, ZRTP_STATE_CLEAR);
  g_assert_cmpmem (pair.end[us].call->zrtpsess, 32, pair.end[peer].call->zrtpsess, 32);
  pair_clear (&pair);
}

/* Waiting for the user: a repeated GoClear is acknowledged again, and the peer's Commit leads back. */
static bool
lose_confirm1 (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  return !packet_is (packet, ZRTP_MESSAGE_CONFIRM1);
}

static void
test_clear_waiting (void)
{
  for (unsigned accepted = 0; accepted < 2; accepted++) {
    Pair pair;
    Line l;
    uint8_t packet[ZRTP_MAX_PACKET];
    size_t size;
    const unsigned us = init_clear_call (&pair, 1, &l), peer = !us;
    const ZrtpState before = accepted ? ZRTP_STATE_CLEAR : ZRTP_STATE_CLEAR_WAITING;

    g_assert_true (zrtp_call_go_clear (pair.end[peer].call, pair.now));
    pair_settle (&pair);
    if (accepted)
      zrtp_call_accept_clear (pair.end[us].call, true, pair.now);
    g_assert_cmpint (pair_state (&pair, us), ==, before);
    disturb_clear (&pair, us);
    size = make_goclear (&pair, peer, packet);
    g_assert_cmpint (pair_feed (&pair, us, packet, size), ==, ZRTP_REPEATED);
    g_assert_cmpint (pair_state (&pair, us), ==, before);
    pair_settle (&pair);
    g_assert_cmpuint (pair.end[us].n_sent[ZRTP_MESSAGE_CLEARACK], ==, 2);

    /* A Commit that leads nowhere leads back to where it began, and the call goes on. */
    pair.wire = lose_confirm1;
    g_assert_true (zrtp_call_go_secure (pair.end[peer].call, pair.now));
    pair_run (&pair, pair.now + 1000 * MS);
    g_assert_cmpint (pair_state (&pair, us), ==, ZRTP_STATE_CONFIRM1_SENT);
    pair_run (&pair, pair.now + 30000 * MS);
    g_assert_cmpint (pair_state (&pair, us), ==, before);
    g_assert_cmpuint (pair.end[us].n_events[ZRTP_EVENT_FAILED], ==, 0);
    g_assert_cmphex (pair.end[peer].failed_code, ==, ZRTP_ERROR_TIMEOUT);
    pair_clear (&pair);
  }
}

/* The other way out of waiting: the user does not want it. */
static void
test_clear_refused (void)
{
  Pair pair;
  Line l;
  const unsigned us = init_clear_call (&pair, 1, &l), peer = !us;

  g_assert_true (zrtp_call_go_clear (pair.end[peer].call, pair.now));
  pair_settle (&pair);
  g_assert_cmpint (pair_state (&pair, us), ==, ZRTP_STATE_CLEAR_WAITING);
  zrtp_call_accept_clear (pair.end[us].call, false, pair.now);
  pair_settle (&pair);
  for (unsigned e = 0; e < 2; e++) {
    g_assert_cmpint (pair_state (&pair, e), ==, ZRTP_STATE_SECURE);
    g_assert_cmpuint (pair.end[e].n_events[ZRTP_EVENT_SECURE], ==, 2);
  }
  pair_clear (&pair);
}

/* --- Multistream --------------------------------------------------------------------------------------------- */

/* A Commit of a mode without DH is answered by Confirm1, and again when it comes again. */
static bool
lose_one_confirm1 (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  unsigned *n = user;

  return !packet_is (packet, ZRTP_MESSAGE_CONFIRM1) || (*n)++ > 0;
}

static void
test_commit_again_without_dh (void)
{
  Pair streams[2];
  unsigned n = 0;

  pair_init (&streams[0], 1);
  pair_start (&streams[0], BOTH);
  streams_settle (streams, 1);
  pair_init_stream (&streams[1], &streams[0], 2);
  streams[1].wire = lose_one_confirm1;
  streams[1].user = &n;
  pair_start (&streams[1], BOTH);
  streams_run (streams, 2, streams[0].now + 1000 * MS);
  pair_assert_secure (&streams[1]);
  g_assert_cmpuint (n, ==, 2);
  pair_clear (&streams[1]);
  pair_clear (&streams[0]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/states/ping-and-hello", test_ping_and_hello);
  g_test_add_func ("/states/after-the-end", test_after_the_end);
  g_test_add_func ("/states/goclear-sent", test_goclear_sent);
  g_test_add_func ("/states/clear-waiting", test_clear_waiting);
  g_test_add_func ("/states/clear-refused", test_clear_refused);
  g_test_add_func ("/states/commit-again-without-dh", test_commit_again_without_dh);
  return g_test_run ();
}
