/* Somebody in the path who wants to be the peer of a call that was compared, or that protected signalling
 * announced: every place where he could slip in beside the one check that stops him.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/protocol/pair.h"

#include <string.h>

enum {
  BOTH = 1 << ALICE | 1 << BOB
};

/* Somebody with a ZID of his choice, no secret, and an engine of his own. */
typedef struct {
  PairEnd end;
} Mallory;

static void
mallory_init (Mallory *mallory, uint64_t seed, uint8_t zid_octet, uint64_t now)
{
  Pair pair;
  uint8_t zid[ZRTP_ZID_SIZE];

  memset (zid, zid_octet, sizeof zid);
  pair_init (&pair, seed);
  mallory->end = pair.end[ALICE];
  mallory->end.crypto.random.user = &mallory->end;
  mallory->end.config.ssrc = 0x6600 + (uint32_t) seed;
  mallory->end.config.cache_expiry = UINT32_MAX;
  mallory->end.config.allow_clear = true;
  mallory->end.call = zrtp_call_new (&mallory->end.crypto, zid);
  mallory->end.engine = zrtp_engine_new (mallory->end.call, &mallory->end.config);
  zrtp_engine_start (mallory->end.engine, now);
}

static void
mallory_clear (Mallory *mallory)
{
  zrtp_engine_free (mallory->end.engine);
  zrtp_call_free (mallory->end.call);
}

static void
answer_lookups (ZrtpEngine *engine, uint64_t now)
{
  ZrtpEvent event;

  while (zrtp_engine_poll_event (engine, &event))
    if (event.kind == ZRTP_EVENT_LOOKUP)
      zrtp_engine_set_record (engine, event.peer_zid, NULL, now);
}

/* What waits at Mallory goes to `alice`, and what she sends to him; he does not care for her Commits. */
static void
talk (ZrtpEngine *alice, Mallory *mallory, uint64_t now)
{
  uint8_t packet[ZRTP_MAX_PACKET];
  size_t size;
  bool any;

  do {
    any = false;
    while ((size = zrtp_engine_poll_packet (alice, packet))) {
      any = true;
      if (!packet_is (packet, ZRTP_MESSAGE_COMMIT))
        zrtp_engine_handle_packet (mallory->end.engine, packet, size, now);
      answer_lookups (mallory->end.engine, now);
    }
    while ((size = zrtp_engine_poll_packet (mallory->end.engine, packet))) {
      any = true;
      zrtp_engine_handle_packet (alice, packet, size, now);
      answer_lookups (alice, now);
    }
  } while (any);
}

static void
talk_for (ZrtpEngine *alice, Mallory *mallory, uint64_t *now, uint64_t how_long)
{
  for (const uint64_t end = *now + how_long; *now < end; *now += 50 * MS) {
    zrtp_engine_handle_timeout (alice, *now);
    zrtp_engine_handle_timeout (mallory->end.engine, *now);
    answer_lookups (alice, *now);
    answer_lookups (mallory->end.engine, *now);
    talk (alice, mallory, *now);
  }
}

/* §4.4.3: on a further stream Mallory says Hello with Bob's ZID, which he has read, and then commits to DH
 * instead of Multistream mode. */
static void
test_dh_on_further_stream (void)
{
  Pair streams[2];
  Mallory mallory;
  ZrtpEngine *second;
  uint8_t packet[ZRTP_MAX_PACKET], zrtpsess[ZRTP_MAX_HASH];
  char sas[32];
  size_t size;
  uint64_t now;

  pair_init (&streams[0], 1);
  for (unsigned e = 0; e < 2; e++) {
    streams[0].end[e].config.cache_expiry = UINT32_MAX;
    streams[0].end[e].config.allow_clear = true;
  }
  pair_start (&streams[0], BOTH);
  pair_settle (&streams[0]);
  pair_assert_secure (&streams[0]);
  zrtp_engine_sas_verified (streams[0].end[ALICE].engine, true);
  pair_settle (&streams[0]);
  memcpy (sas, streams[0].end[ALICE].call->sas, sizeof sas);
  memcpy (zrtpsess, streams[0].end[ALICE].call->zrtpsess, sizeof zrtpsess);

  pair_init_stream (&streams[1], &streams[0], 5);
  pair_start (&streams[1], BOTH);
  second = streams[1].end[ALICE].engine;
  now = streams[1].now;
  /* Bob's Hello arrives, nothing more of his. */
  size = zrtp_engine_poll_packet (streams[1].end[BOB].engine, packet);
  pair_feed (&streams[1], ALICE, packet, size);
  g_assert_cmpint (second->state, ==, ZRTP_STATE_COMMIT_SENT);

  mallory_init (&mallory, 77, 0xa0 + BOB, now);
  talk_for (second, &mallory, &now, 8000 * MS);
  g_assert_cmpint (second->state, !=, ZRTP_STATE_SECURE);
  g_assert_cmpint (mallory.end.engine->state, !=, ZRTP_STATE_SECURE);
  g_assert_false (second->is_first);
  g_assert_cmpint (streams[0].end[ALICE].engine->state, ==, ZRTP_STATE_SECURE);
  g_assert_cmpstr (streams[0].end[ALICE].call->sas, ==, sas);
  g_assert_cmpmem (
      streams[0].end[ALICE].call->zrtpsess, sizeof zrtpsess, zrtpsess, sizeof zrtpsess);
  mallory_clear (&mallory);
  pair_clear (&streams[1]);
  pair_clear (&streams[0]);
}

/* §8.1: a Commit that waits for its sender's record must not be taken for that of the peer that has come
 * meanwhile, whose Hello the signalling vouches for. */
static void
test_pending_commit (void)
{
  Pair pair;
  Mallory first, second;
  ZrtpEngine *alice;
  uint8_t packet[ZRTP_MAX_PACKET], hello[ZRTP_MAX_PACKET], hash[ZRTP_HELLO_HASH_SIZE];
  uint8_t error[ZRTP_ERROR_SIZE];
  size_t size, hello_size;
  uint64_t now;

  pair_init (&pair, 1);
  pair.end[ALICE].config.signalling_integrity = true;
  pair_start (&pair, 1 << ALICE);
  alice = pair.end[ALICE].engine;
  now = pair.now;
  hello_size = zrtp_engine_poll_packet (alice, hello);
  mallory_init (&first, 40, 0x77, now);
  mallory_init (&second, 41, 0xa0 + BOB, now);

  size = zrtp_engine_poll_packet (first.end.engine, packet);
  zrtp_engine_handle_packet (alice, packet, size, now);
  answer_lookups (alice, now);
  zrtp_engine_start (pair.end[BOB].engine, now);
  size = zrtp_engine_poll_packet (pair.end[BOB].engine, packet);
  zrtp_engine_handle_packet (alice, packet, size, now);

  /* Mallory's second Hello and its Commit, and before the cache answers, his Error. */
  zrtp_engine_handle_packet (second.end.engine, hello, hello_size, now);
  answer_lookups (second.end.engine, now);
  while ((size = zrtp_engine_poll_packet (second.end.engine, packet)))
    zrtp_engine_handle_packet (alice, packet, size, now);
  g_assert_true (alice->record_wanted);
  zrtp_error_write (ZRTP_ERROR_SOFTWARE, error);
  size = zrtp_packet_write (packet, 9, second.end.config.ssrc, ZRTP_BYTES (error));
  zrtp_engine_handle_packet (alice, packet, size, now);
  answer_lookups (alice, now);

  zrtp_engine_get_hello_hash (pair.end[BOB].engine, hash);
  zrtp_engine_set_peer_hello_hash (alice, hash, now);
  talk_for (alice, &second, &now, 3000 * MS);
  g_assert_cmpint (alice->state, !=, ZRTP_STATE_SECURE);
  g_assert_cmpint (second.end.engine->state, !=, ZRTP_STATE_SECURE);
  mallory_clear (&first);
  mallory_clear (&second);
  pair_clear (&pair);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/impostor/dh-on-further-stream", test_dh_on_further_stream);
  g_test_add_func ("/impostor/pending-commit", test_pending_commit);
  return g_test_run ();
}
