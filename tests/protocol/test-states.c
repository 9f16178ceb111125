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
    assert_error_is_acknowledged (&pair, e);
  }
  pair_run (&pair, pair.now + 20000 * MS);
  g_assert_cmpuint (alice->n_sent[ZRTP_MESSAGE_ERROR], ==, 11);
  for (unsigned e = 0; e < 2; e++) {
    g_assert_cmpint (pair_state (&pair, e), ==, ZRTP_STATE_FAILED);
    assert_ping_is_answered (&pair, e);
    assert_error_is_acknowledged (&pair, e);
    g_assert_cmpuint (pair.end[e].n_events[ZRTP_EVENT_FAILED], ==, 1);
  }
  pair_clear (&pair);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/states/ping-and-hello", test_ping_and_hello);
  g_test_add_func ("/states/after-the-end", test_after_the_end);
  return g_test_run ();
}
