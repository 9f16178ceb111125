/* Preshared mode (RFC 6189 §4.4.2), and what it gives way to (§4.2).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/protocol/tricks.h"

#include "ext/nettle/zrtp-nettle.h"

#include <string.h>

/* Both know each other and allow it. */
static void
friends (Pair *pair, uint64_t seed)
{
  know_each_other_well (pair, seed);
  for (unsigned e = 0; e < 2; e++)
    pair->end[e].config.allow_preshared = true;
}

static void
settle (Pair *pair)
{
  pair_start (pair, BOTH);
  streams_settle (pair, 1);
  streams_run (pair, 1, pair->now + 1000 * MS);
}

static void
assert_mode (Pair *pair, ZrtpMode mode)
{
  pair_assert_secure (pair);
  for (unsigned e = 0; e < 2; e++) {
    g_assert_cmpint (pair->end[e].secure.mode, ==, mode);
    if (mode == ZRTP_MODE_PRESHARED) {
      g_assert_cmpuint (pair->end[e].n_sent[ZRTP_MESSAGE_DHPART1], ==, 0);
      g_assert_cmpuint (pair->end[e].n_sent[ZRTP_MESSAGE_DHPART2], ==, 0);
    }
  }
}

static const ZrtpCommit some_commit = {
    .choice = {{ZRTP_S256, ZRTP_AES1, ZRTP_HS80, ZRTP_PRSH, ZRTP_B32}}, .nonce = {0xff, 1, 2, 3}};

/* --- The plain case -------------------------------------------------------------------------------- */

/* SAS, exported key and session key are there as after a DH exchange (§4.5.2); rs1 is another, rs2 is not
 * touched (§4.6.1), and the flag stays with the lineage. */
static void
test_call (void)
{
  uint8_t before[32] = {0}; /* nothing is a constant */

  for (unsigned seed = 0; seed < 12; seed++) {
    Pair streams[2];
    uint8_t key[2][32];

    friends (&streams[0], seed);
    for (unsigned e = 0; e < 2; e++) {
      memset (streams[0].end[e].record.rs2, 0x22, 32);
    }
    settle (&streams[0]);
    assert_mode (&streams[0], ZRTP_MODE_PRESHARED);
    for (unsigned e = 0; e < 2; e++) {
      const PairEnd *end = &streams[0].end[e];
      static const uint8_t old_rs1[32] = {1, 2};

      g_assert_true (end->secure.sas_verified);
      g_assert_false (end->secure.cache_mismatch);
      g_assert_false (end->secure.aux_mismatch);
      g_assert_cmpuint (strlen (end->secure.sas), ==, 4);
      g_assert_true (zrtp_call_export_key (end->call, "label", key[e], sizeof key[e]));
      g_assert_cmpuint (end->n_events[ZRTP_EVENT_STORE], ==, 1);
      g_assert_true (end->record.has_rs1 && end->record.has_rs2 && end->record.sas_verified);
      g_assert_true (memcmp (end->record.rs1, old_rs1, 32));
      g_assert_cmphex (end->record.rs2[0], ==, 0x22);
      g_assert_cmphex (end->record.rs2[31], ==, 0x22);
      g_assert_cmpuint (end->record.preshared_calls, ==, 1);
      g_assert_cmphex (end->record.expiry, ==, 0xffffffff);
    }
    g_assert_cmpmem (key[0], 32, key[1], 32);
    g_assert_true (memcmp (key[0], before, 32));
    g_assert_true (memcmp (zrtp_call_get_sashash (streams[0].end[ALICE].call), before, 32));
    memcpy (before, seed & 1 ? key[0] : zrtp_call_get_sashash (streams[0].end[ALICE].call), 32);
    g_assert_cmpmem (streams[0].end[ALICE].record.rs1, 32, streams[0].end[BOB].record.rs1, 32);

    pair_init_stream (&streams[1], &streams[0], seed);
    pair_start (&streams[1], BOTH);
    streams_settle (streams, 2);
    streams_assert_secure (streams, 2);
    g_assert_cmpint (streams[1].end[ALICE].secure.mode, ==, ZRTP_MODE_MULTISTREAM);
    streams_clear (streams, 2);
  }
}

/* With several streams from the beginning one takes it, and the others wait as for DH: "only one in-process ZRTP
 * Preshared exchange may occur at a time". */
static void
test_streams (void)
{
  for (unsigned seed = 0; seed < 12; seed++) {
    Pair streams[3];
    unsigned n = 0;

    friends (&streams[0], seed);
    pair_start (&streams[0], 0);
    for (unsigned i = 1; i < 3; i++) {
      pair_init_stream (&streams[i], &streams[0], seed);
      for (unsigned e = 0; e < 2; e++) {
        streams[i].end[e].record = streams[0].end[e].record;
        streams[i].end[e].has_record = true;
      }
      pair_start (&streams[i], 0);
    }
    streams_start (streams, 3);
    streams_run (streams, 3, streams[0].now + 2000 * MS);
    streams_assert_secure (streams, 3);
    for (unsigned i = 0; i < 3; i++)
      n += streams[i].end[ALICE].secure.mode == ZRTP_MODE_PRESHARED;
    g_assert_cmpuint (n, ==, 1);
    g_assert_cmpuint (streams_sent (streams, 3, ZRTP_MESSAGE_DHPART1), ==, 0);
    streams_clear (streams, 3);
  }
}

/* The Commit, by the formulas of §4.4.2.2 written out here: 27 words, preshared_key = hash(len(rs1) || rs1 ||
 * len(auxsecret) || auxsecret || len(pbxsecret) || pbxsecret), keyID = MAC(preshared_key, "Prsh"). */
static void
test_key_id (void)
{
  static const uint8_t aux[5] = {9, 8, 7, 6, 5};

  for (unsigned row = 0; row < 4; row++) {
    Pair pair;
    Held held = {.types = 1u << ZRTP_MESSAGE_COMMIT};
    GByteArray *text = g_byte_array_new ();
    uint8_t key[32], mac[32];
    const ZrtpBytes prsh = {(const uint8_t *) "Prsh", 4};
    ZrtpCommit commit;

    friends (&pair, row);
    if (row & 2)
      for (unsigned e = 0; e < 2; e++) {
        pair.end[e].record.has_pbx = true;
        memset (pair.end[e].record.pbx, 0x77, 32);
      }
    pair_start (&pair, 0);
    if (row & 1)
      for (unsigned e = 0; e < 2; e++)
        zrtp_call_set_aux (pair.end[e].call, aux, sizeof aux);
    pair.wire = hold;
    pair.user = &held;
    pair_start (&pair, BOTH);
    streams_settle (&pair, 1);
    g_assert_cmpuint (held.packet[0].size, ==, ZRTP_HEADER_SIZE + 27 * 4 + ZRTP_CRC_SIZE);
    commit = read_commit (held.packet[0].data, held.packet[0].size);
    g_assert_cmphex (commit.choice.type[ZRTP_KEY_AGREEMENT], ==, ZRTP_PRSH);

    g_byte_array_append (text, (const guint8 *) "\0\0\0\40", 4);
    g_byte_array_append (text, pair.end[ALICE].record.rs1, 32);
    g_byte_array_append (text, (const guint8 *) (row & 1 ? "\0\0\0\5" : "\0\0\0\0"), 4);
    if (row & 1)
      g_byte_array_append (text, aux, sizeof aux);
    g_byte_array_append (text, (const guint8 *) (row & 2 ? "\0\0\0\40" : "\0\0\0\0"), 4);
    if (row & 2)
      g_byte_array_append (text, pair.end[ALICE].record.pbx, 32);
    zrtp_nettle_s256.digest (&(ZrtpBytes){text->data, text->len}, 1, key);
    zrtp_nettle_s256.mac (ZRTP_BYTES (key), &prsh, 1, mac);
    g_assert_cmpmem (commit.key_id, 8, mac, 8);
    g_byte_array_unref (text);
    pair_clear (&pair);
  }
}

/* "The preshared_key MUST be erased as soon as it has been used to calculate s0.", §4.4.2.4: it is nowhere in what
 * an end keeps while it waits for the other. */
static void
test_key_is_erased (void)
{
  static const uint8_t len[4] = {0, 0, 0, 32}, none[8];
  Pair pair;
  Held held = {.types = 1u << ZRTP_MESSAGE_CONFIRM1};
  uint8_t key[32];

  friends (&pair, 1);
  {
    const ZrtpBytes parts[] = {
        ZRTP_BYTES (len), ZRTP_BYTES (pair.end[ALICE].record.rs1), ZRTP_BYTES (none)};

    zrtp_nettle_s256.digest (parts, 3, key);
  }
  pair.wire = hold;
  pair.user = &held;
  settle (&pair);
  for (unsigned e = 0; e < 2; e++) {
    const ZrtpEngine *engine = pair.end[e].engine;

    g_assert_null (memmem (engine, sizeof *engine, key, 16));
    g_assert_null (memmem (engine->exchange, sizeof *engine->exchange, key, 16));
    g_assert_null (memmem (engine->call, sizeof *engine->call, key, 16));
  }
  /* the search does find what is there: rs1 */
  g_assert_nonnull (memmem (
      pair.end[ALICE].engine->exchange, sizeof (ZrtpExchange), pair.end[ALICE].record.rs1, 16));
  pair_clear (&pair);
}

/* --- When it is used --------------------------------------------------------------------------------- */

static void
lists_prsh (Pair *pair, unsigned end, bool wanted)
{
  ZrtpHello hello;

  g_assert_true (zrtp_hello_parse (
      (ZrtpBytes){pair->end[end].engine->hello, pair->end[end].engine->hello_size}, &hello));
  g_assert_cmpint (zrtp_offer_has (&hello.offer, ZRTP_KEY_AGREEMENT, ZRTP_PRSH), ==, wanted);
  g_assert_true (zrtp_offer_has (&hello.offer, ZRTP_KEY_AGREEMENT, ZRTP_MULT));
}

/* Off unless both ends allow it: nobody asks for it either. */
static bool
count_asking (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  unsigned *n = user;

  if (packet_is (packet, ZRTP_MESSAGE_COMMIT))
    *n += read_commit (packet, *size).choice.type[ZRTP_KEY_AGREEMENT] == ZRTP_PRSH;
  return true;
}

static void
test_off (void)
{
  for (unsigned allowed = 0; allowed < 4; allowed++) {
    Pair pair;
    unsigned n_asking = 0;

    know_each_other_well (&pair, allowed);
    for (unsigned e = 0; e < 2; e++)
      pair.end[e].config.allow_preshared = allowed & 1u << e;
    pair.wire = count_asking;
    pair.user = &n_asking;
    settle (&pair);
    g_assert_cmpint (n_asking > 0, ==, allowed == 3);
    assert_mode (&pair, allowed == 3 ? ZRTP_MODE_PRESHARED : ZRTP_MODE_DH);
    for (unsigned e = 0; e < 2; e++)
      lists_prsh (&pair, e, allowed & 1u << e);
    pair_clear (&pair);
  }
}

/* A Commit with Prsh from a peer to whom we did not offer it: against our DH Commit it is discarded, and where there
 * is none yet it is refused. */
static void
test_not_offered (void)
{
  Pair streams[2];
  Held held = {.types = 1u << ZRTP_MESSAGE_COMMIT | 1u << ZRTP_MESSAGE_HELLOACK};
  uint8_t packet[ZRTP_MAX_PACKET];
  size_t size;

  know_each_other (&streams[0], 1);
  streams[0].wire = hold;
  streams[0].user = &held;
  pair_start (&streams[0], BOTH);
  streams_settle (streams, 1);
  g_assert_cmpint (pair_state (&streams[0], ALICE), ==, ZRTP_STATE_COMMIT_SENT);
  size = forge_commit (&streams[0].end[BOB], &some_commit, packet);
  g_assert_cmpint (pair_feed (&streams[0], ALICE, packet, size), ==, ZRTP_ACCEPTED);
  g_assert_cmpint (pair_state (&streams[0], ALICE), ==, ZRTP_STATE_COMMIT_SENT);
  held.types = 0;
  streams_run (streams, 1, streams[0].now + 1000 * MS);
  assert_mode (&streams[0], ZRTP_MODE_DH);
  streams_clear (streams, 1);

  /* two streams of which none is acknowledged: nobody has committed yet */
  held = (Held){.types = 1u << ZRTP_MESSAGE_HELLOACK};
  streams_init (streams, 2, 1, NULL);
  for (unsigned i = 0; i < 2; i++) {
    streams[i].wire = hold;
    streams[i].user = &held;
  }
  streams_start (streams, 2);
  streams_settle (streams, 2);
  g_assert_cmpint (pair_state (&streams[0], ALICE), ==, ZRTP_STATE_DISCOVERY);
  size = forge_commit (&streams[0].end[BOB], &some_commit, packet);
  g_assert_cmpint (pair_feed (&streams[0], ALICE, packet, size), ==, ZRTP_REFUSED);
  g_assert_cmphex (streams[0].end[ALICE].failed_code, ==, ZRTP_ERROR_KEY_AGREEMENT);
  streams_clear (streams, 2);
}

/* "Preshared mode depends on having a reliable shared secret in its cache", §4.4.2.1, at both ends. */
static void
make_unreliable (PairEnd *end, unsigned how)
{
  switch (how) {
    case 0:
      end->record.sas_verified = false;
      break;
    case 1:
      end->record.expiry = 0;
      break;
    case 2: /* "rs2 is not included in the process" */
      end->record.has_rs1 = false;
      memcpy (end->record.rs2, end->record.rs1, 32);
      break;
    case 3:
      end->config.cache_expiry = 0;
      break;
    case 4:
      end->record.preshared_calls = 10;
      break;
    case 5: /* "The old rs1 value is not saved in Preshared mode", §4.6.1: there would be nothing to recover by */
      end->record.has_rs2 = false;
      break;
    default:
      end->has_record = false;
      break;
  }
}

static void
test_unreliable (void)
{
  for (unsigned how = 0; how < 7; how++)
    for (unsigned mask = 1; mask < 4; mask++)
      for (unsigned seed = 0; seed < 4; seed++) {
        Pair pair;

        friends (&pair, seed);
        for (unsigned e = 0; e < 2; e++)
          if (mask & 1u << e)
            make_unreliable (&pair.end[e], how);
        settle (&pair);
        assert_mode (&pair, ZRTP_MODE_DH);
        pair_clear (&pair);
      }
}

/* An end that has not committed yet, because it has no HelloACK and there are other streams, answers a Preshared
 * Commit with one for DH, if its own record is not to be relied on. */
static bool
no_helloack_for_alice (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  return from == ALICE || !packet_is (packet, ZRTP_MESSAGE_HELLOACK);
}

static void
test_unreliable_responder (void)
{
  for (unsigned how = 0; how < 8; how++) {
    Pair streams[2];

    friends (&streams[0], 1);
    if (how < 7)
      make_unreliable (&streams[0].end[ALICE], how);
    pair_start (&streams[0], 0);
    pair_init_stream (&streams[1], &streams[0], 2);
    for (unsigned e = 0; e < 2; e++) {
      streams[1].end[e].record = streams[0].end[e].record;
      streams[1].end[e].has_record = streams[0].end[e].has_record;
    }
    for (unsigned i = 0; i < 2; i++)
      streams[i].wire = no_helloack_for_alice;
    streams_start (streams, 2);
    streams_run (streams, 2, streams[0].now + 1500 * MS);
    streams_assert_secure (streams, 2);
    g_assert_cmpuint (streams_sent (streams, 2, ZRTP_MESSAGE_DHPART1), ==, how < 7);
    streams_clear (streams, 2);
  }
}

/* "2) an Section 8.1.1": protected signalling in place of the SAS. */
static void
test_signalled (void)
{
  for (unsigned row = 0; row < 3; row++) {
    Pair pair;

    friends (&pair, row);
    for (unsigned e = 0; e < 2; e++) {
      pair.end[e].record.sas_verified = false;
      pair.end[e].config.signalling_integrity = row != 1;
    }
    pair_start (&pair, 0);
    for (unsigned e = 0; e < 2; e++) {
      uint8_t hash[ZRTP_HELLO_HASH_SIZE];

      zrtp_engine_get_hello_hash (pair.end[!e].engine, hash);
      if (row != 2)
        zrtp_engine_set_peer_hello_hash (pair.end[e].engine, hash, pair.now);
    }
    settle (&pair);
    assert_mode (&pair, row == 0 ? ZRTP_MODE_PRESHARED : ZRTP_MODE_DH);
    g_assert_false (pair.end[ALICE].secure.sas_verified);
    g_assert_cmpint (pair.end[ALICE].secure.signalling, ==, row == 0);
    pair_clear (&pair);
  }
}

/* "A series of preshared-keyed calls ... should use a DH key exchange periodically" */
static void
test_series (void)
{
  PairEnd before[2] = {0};
  ZrtpMode mode[25];

  for (unsigned n = 0; n < G_N_ELEMENTS (mode); n++) {
    Pair pair;

    friends (&pair, n);
    for (unsigned e = 0; n && e < 2; e++)
      pair.end[e].record = before[e].record;
    settle (&pair);
    pair_assert_secure (&pair);
    mode[n] = pair.end[ALICE].secure.mode;
    g_assert_true (pair.end[ALICE].secure.sas_verified);
    g_assert_cmpuint (
        pair.end[BOB].record.preshared_calls, ==, mode[n] == ZRTP_MODE_DH ? 0 : n % 11 + 1);
    if (mode[n] == ZRTP_MODE_DH) /* "copies their old rs1 to rs2" */
      g_assert_cmpmem (pair.end[BOB].record.rs2, 32, before[BOB].record.rs1, 32);
    memcpy (before, pair.end, sizeof before);
    pair_clear (&pair);
  }
  for (unsigned n = 0; n < G_N_ELEMENTS (mode); n++)
    g_assert_cmpint (mode[n], ==, n % 11 == 10 ? ZRTP_MODE_DH : ZRTP_MODE_PRESHARED);
}

/* "Preshared mode MUST NOT be used for adding additional media streams to an existing call." */
static void
test_second_stream (void)
{
  Pair streams[2];
  Held held = {.types = 1u << ZRTP_MESSAGE_COMMIT};
  uint8_t packet[ZRTP_MAX_PACKET];
  size_t size;

  friends (&streams[0], 1);
  settle (&streams[0]);
  assert_mode (&streams[0], ZRTP_MODE_PRESHARED);
  pair_init_stream (&streams[1], &streams[0], 2);
  for (unsigned e = 0; e < 2; e++) {
    streams[1].end[e].has_record = true;
    streams[1].end[e].record = streams[0].end[e].record;
  }
  streams[1].wire = hold;
  streams[1].user = &held;
  pair_start (&streams[1], BOTH);
  streams_settle (streams, 2);
  g_assert_cmpint (streams[1].end[ALICE].engine->exchange->mode, ==, ZRTP_MODE_MULTISTREAM);
  size = forge_commit (&streams[1].end[BOB], &some_commit, packet);
  g_assert_cmpint (pair_feed (&streams[1], ALICE, packet, size), ==, ZRTP_UNEXPECTED);
  g_assert_cmpint (pair_state (&streams[1], ALICE), ==, ZRTP_STATE_COMMIT_SENT);
  pair_assert_secure (&streams[0]);
  streams_clear (streams, 2);
}

/* --- Contention, §4.2 ----------------------------------------------------------------------------------- */

/* Both Commits are out before either arrives. */
static void
both_commit (Pair *pair, Held *held)
{
  *held = (Held){.types = 1u << ZRTP_MESSAGE_COMMIT};
  pair->wire = hold;
  pair->user = held;
  pair_start (pair, BOTH);
  streams_settle (pair, 1);
  for (unsigned e = 0; e < 2; e++)
    g_assert_cmpint (pair_state (pair, e), ==, ZRTP_STATE_COMMIT_SENT);
}

static void
cross (Pair *pair, Held *held, unsigned first)
{
  held->types = 0;
  for (unsigned i = 0; i < 2; i++) {
    const unsigned from = i ? !first : first;

    if (holds (held, from, ZRTP_MESSAGE_COMMIT))
      release (pair, held, from, ZRTP_MESSAGE_COMMIT);
    if (i)
      streams_settle (pair, 1);
  }
  streams_run (pair, 1, pair->now + 1000 * MS);
}

/* "the Preshared Commit MUST be discarded and the DH Commit proceeds" */
static void
test_dh_beats_preshared (void)
{
  for (unsigned dh = 0; dh < 2; dh++)
    for (unsigned seed = 0; seed < 8; seed++) {
      Pair pair;
      Held held;

      friends (&pair, seed);
      pair.end[dh].record.sas_verified = false;
      both_commit (&pair, &held);
      g_assert_cmpint (pair.end[dh].engine->exchange->mode, ==, ZRTP_MODE_DH);
      g_assert_cmpint (pair.end[!dh].engine->exchange->mode, ==, ZRTP_MODE_PRESHARED);
      cross (&pair, &held, seed & 1);
      assert_mode (&pair, ZRTP_MODE_DH);
      g_assert_cmpint (zrtp_engine_get_role (pair.end[dh].engine), ==, ZRTP_ROLE_INITIATOR);
      g_assert_false (pair.end[ALICE].secure.cache_mismatch);
      pair_clear (&pair);
    }
}

/* "the Commit message from the party who set the (M) flag MUST be discarded ... regardless of the nonce values" */
static void
test_pbx_is_responder (void)
{
  for (unsigned pbx = 0; pbx < 2; pbx++)
    for (unsigned seed = 0; seed < 12; seed++) {
      Pair pair;
      Held held;

      friends (&pair, seed);
      pair.end[pbx].config.mitm = true;
      both_commit (&pair, &held);
      cross (&pair, &held, seed & 1);
      assert_mode (&pair, ZRTP_MODE_PRESHARED);
      g_assert_cmpint (zrtp_engine_get_role (pair.end[pbx].engine), ==, ZRTP_ROLE_RESPONDER);
      pair_clear (&pair);
    }
}

/* "lowest nonce value (for non-DH Commits), MUST be discarded", also when both are PBXs. */
static void
test_nonces_contend (void)
{
  unsigned won[2] = {0, 0};

  for (unsigned seed = 0; seed < 60; seed++) {
    Pair pair;
    Held held;
    unsigned winner;

    friends (&pair, seed);
    if (seed >= 40)
      pair.end[ALICE].config.mitm = pair.end[BOB].config.mitm = true;
    both_commit (&pair, &held);
    winner = memcmp (pair.end[ALICE].engine->exchange->own_commit.nonce,
                 pair.end[BOB].engine->exchange->own_commit.nonce, ZRTP_NONCE_SIZE) > 0
                 ? ALICE
                 : BOB;
    won[winner]++;
    cross (&pair, &held, seed & 1);
    assert_mode (&pair, ZRTP_MODE_PRESHARED);
    g_assert_cmpint (zrtp_engine_get_role (pair.end[winner].engine), ==, ZRTP_ROLE_INITIATOR);
    pair_clear (&pair);
  }
  g_assert_cmpuint (won[ALICE], >, 10);
  g_assert_cmpuint (won[BOB], >, 10);
}

/* The winner's key is not known to the loser: the roles turn round once more, and it is DH. */
static void
test_winner_is_not_understood (void)
{
  for (unsigned seed = 0; seed < 8; seed++) {
    Pair pair;
    Held held;

    friends (&pair, seed);
    pair.end[BOB].record.rs1[0] ^= 1;
    pair.end[BOB].record.rs2[0] ^= 1;
    both_commit (&pair, &held);
    cross (&pair, &held, seed & 1);
    assert_mode (&pair, ZRTP_MODE_DH);
    for (unsigned e = 0; e < 2; e++) {
      g_assert_true (pair.end[e].secure.cache_mismatch);
      g_assert_cmpuint (pair.end[e].n_events[ZRTP_EVENT_STORE], ==, 0);
    }
    pair_clear (&pair);
  }
}

/* --- The responder's search, §4.4.2.3 ------------------------------------------------------------------------ */

/* "dropping auxsecret, pbxsecret, or both from the hash calculation, until a matching preshared_key is found": what
 * the initiator has more than the responder cannot be found, then "it SHOULD respond with its own DH Commit". */
static void
test_subsets (void)
{
  static const uint8_t aux[40] = {4, 4};

  for (unsigned initiators = 0; initiators < 4; initiators++)
    for (unsigned responders = 0; responders < 4; responders++) {
      const unsigned has[2] = {initiators, responders};
      const bool found = (initiators & ~responders) == 0;
      OneInitiator one = {ALICE, NULL, NULL};
      Pair pair;

      friends (&pair, 4 * initiators + responders);
      for (unsigned e = 0; e < 2; e++) {
        pair.end[e].record.has_pbx = has[e] & 2;
        pair.end[e].record.pbx[0] = 5;
      }
      pair_start (&pair, 0);
      for (unsigned e = 0; e < 2; e++)
        if (has[e] & 1)
          zrtp_call_set_aux (pair.end[e].call, aux, sizeof aux);
      if (found) {
        pair.wire = one_initiator;
        pair.user = &one;
      }
      settle (&pair);
      if (found)
        assert_mode (&pair, ZRTP_MODE_PRESHARED);
      else
        pair_assert_secure (&pair);
      for (unsigned e = 0; e < 2; e++) {
        const bool both_aux = initiators & responders & 1, both_pbx = initiators & responders & 2;

        g_assert_cmpint (pair.end[e].secure.aux_mismatch, ==, (has[e] & 1) && !both_aux);
        g_assert_cmpint (pair.end[e].secure.enrolled, ==, both_pbx);
        g_assert_false (pair.end[e].secure.cache_mismatch);
      }
      pair_clear (&pair);
    }
}

/* The responder alone: it has lost its cache, or has another secret. */
static void
test_unknown_key (void)
{
  for (unsigned row = 0; row < 3; row++) {
    Pair pair;
    Held held = {.types = 1u << ZRTP_MESSAGE_COMMIT};

    friends (&pair, 3 + row);
    if (row == 0)
      pair.end[BOB].has_record = false;
    else if (row == 1)
      pair.end[BOB].record.rs1[31] ^= 1, pair.end[BOB].record.rs2[31] ^= 1;
    pair_start (&pair, 0);
    if (row == 2) {
      zrtp_call_set_aux (pair.end[ALICE].call, (const uint8_t *) "a", 1);
      zrtp_call_set_aux (pair.end[BOB].call, (const uint8_t *) "b", 1);
    }
    pair.wire = hold;
    pair.user = &held;
    pair_start (&pair, BOTH);
    streams_settle (&pair, 1);
    if (row == 1) /* Bob's own is lost, and would not have won */
      memset (pair.end[BOB].engine->exchange->own_commit.nonce, 0, ZRTP_NONCE_SIZE);
    held.types = 0;
    g_assert_cmpint (pair.end[ALICE].engine->exchange->mode, ==, ZRTP_MODE_PRESHARED);
    release (&pair, &held, ALICE, ZRTP_MESSAGE_COMMIT);
    streams_run (&pair, 1, pair.now + 1000 * MS);
    assert_mode (&pair, ZRTP_MODE_DH);
    g_assert_cmpint (pair.end[ALICE].secure.cache_mismatch, ==, row < 2);
    g_assert_cmpint (pair.end[ALICE].secure.aux_mismatch, ==, row == 2);
    g_assert_cmpint (pair.end[BOB].secure.aux_mismatch, ==, row == 2);
    g_assert_cmpuint (pair.end[ALICE].n_events[ZRTP_EVENT_STORE], ==, row == 2);
    pair_clear (&pair);
  }
}

/* --- A peer that answers with an Error -------------------------------------------------------------------------- */

static void
feed_error (Pair *pair, unsigned to, unsigned code, ZrtpResult expected)
{
  uint8_t message[ZRTP_MAX_PACKET], packet[ZRTP_MAX_PACKET];
  size_t size = zrtp_error_write (code, message);

  size =
      zrtp_packet_write (packet, 1, pair->end[!to].engine->config.ssrc, (ZrtpBytes){message, size});
  g_assert_cmpint (pair_feed (pair, to, packet, size), ==, expected);
}

/* "it MAY respond with a ZRTP Error message (Section 5.9) indicating that no shared secret is available": DH, and the
 * same Error once more, because our ErrorACK was lost, does no harm. */
static void
test_error_answer (void)
{
  Pair pair;
  Held held;

  friends (&pair, 1);
  both_commit (&pair, &held);
  held.n = 0; /* both Commits are lost */
  memset (pair.end[BOB].engine->exchange->own_commit.nonce, 0, ZRTP_NONCE_SIZE);
  held.types = 1u << ZRTP_MESSAGE_DHPART1 | 1u << ZRTP_MESSAGE_DHPART2;
  feed_error (&pair, ALICE, ZRTP_ERROR_NO_SECRET, ZRTP_ACCEPTED);
  g_assert_cmpint (pair_state (&pair, ALICE), ==, ZRTP_STATE_COMMIT_SENT);
  g_assert_cmpint (pair.end[ALICE].engine->exchange->mode, ==, ZRTP_MODE_DH);
  feed_error (&pair, ALICE, ZRTP_ERROR_NO_SECRET, ZRTP_REPEATED);
  streams_settle (&pair, 1);
  g_assert_cmpuint (pair.end[ALICE].n_sent[ZRTP_MESSAGE_ERRORACK], >=, 1);
  g_assert_cmpint (pair_state (&pair, BOB), ==, ZRTP_STATE_DHPART1_SENT);
  release (&pair, &held, BOB, ZRTP_MESSAGE_DHPART1);
  g_assert_cmpint (pair_state (&pair, ALICE), ==, ZRTP_STATE_DHPART2_SENT);
  feed_error (&pair, ALICE, ZRTP_ERROR_NO_SECRET, ZRTP_REPEATED);
  held.types = 0;
  streams_run (&pair, 1, pair.now + 1000 * MS);
  assert_mode (&pair, ZRTP_MODE_DH);
  pair_clear (&pair);
}

/* Another Error ends it, and so does this one where our Commit was for DH. */
static void
test_other_errors (void)
{
  for (unsigned dh = 0; dh < 2; dh++) {
    Pair pair;
    Held held;

    friends (&pair, 1);
    if (dh)
      pair.end[ALICE].record.sas_verified = false;
    both_commit (&pair, &held);
    feed_error (&pair, ALICE, dh ? ZRTP_ERROR_NO_SECRET : ZRTP_ERROR_UNAVAILABLE, ZRTP_ACCEPTED);
    g_assert_cmpint (pair_state (&pair, ALICE), ==, ZRTP_STATE_FAILED);
    g_assert_true (pair.end[ALICE].failed_by_peer);
    pair_clear (&pair);
  }

  /* from somebody who does not know the SSRC it changes nothing */
  {
    Pair pair;
    Held held;
    uint8_t message[64], packet[ZRTP_MAX_PACKET];
    size_t size;

    friends (&pair, 1);
    both_commit (&pair, &held);
    size = zrtp_error_write (ZRTP_ERROR_NO_SECRET, message);
    size = zrtp_packet_write (packet, 1, 0xbad, (ZrtpBytes){message, size});
    g_assert_cmpint (pair_feed (&pair, ALICE, packet, size), ==, ZRTP_UNEXPECTED);
    g_assert_cmpint (pair.end[ALICE].engine->exchange->mode, ==, ZRTP_MODE_PRESHARED);
    pair_clear (&pair);
  }
}

/* --- What must not be ---------------------------------------------------------------------------------------------- */

/* "a duplication will result in the same key and salt being generated for the two sessions" */
static void
test_reused_nonce (void)
{
  Pair pair;
  Held held;
  ZrtpCommit commit;
  uint8_t packet[ZRTP_MAX_PACKET];
  size_t size;

  friends (&pair, 1);
  both_commit (&pair, &held);
  commit = pair.end[BOB].engine->exchange->own_commit;
  memset (commit.nonce, 0xff, sizeof commit.nonce);
  g_assert_cmphex (zrtp_call_note_nonce (pair.end[ALICE].call, commit.nonce), ==, ZRTP_ERROR_NONE);
  size = forge_commit (&pair.end[BOB], &commit, packet);
  g_assert_cmpint (pair_feed (&pair, ALICE, packet, size), ==, ZRTP_REFUSED);
  g_assert_cmphex (pair.end[ALICE].failed_code, ==, ZRTP_ERROR_NONCE);
  streams_settle (&pair, 1);
  g_assert_cmpuint (pair.end[ALICE].n_sent[ZRTP_MESSAGE_CONFIRM1], ==, 0);
  pair_clear (&pair);
}

/* Somebody changes the Commit: it is dropped, or DH takes over, or the exchange ends; nobody has keys of Preshared
 * mode from it. */
typedef struct {
  size_t offset;
  bool seen;
} Flip;

static bool
flip (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  Flip *f = user;

  if (from == ALICE && packet_is (packet, ZRTP_MESSAGE_COMMIT) &&
      *size == ZRTP_HEADER_SIZE + 27 * 4 + ZRTP_CRC_SIZE) {
    packet[ZRTP_HEADER_SIZE + f->offset] ^= 0x10;
    f->seen = true;
  }
  return true;
}

static void
test_altered_commit (void)
{
  for (size_t offset = 0; offset < ZRTP_COMMIT_PRSH_SIZE; offset++) {
    Pair pair;
    Flip f = {offset, false};
    OneInitiator one = {ALICE, flip, &f};

    friends (&pair, 1);
    pair.wire = one_initiator;
    pair.user = &one;
    pair_start (&pair, BOTH);
    streams_run (&pair, 1, pair.now + 25000 * MS);
    g_assert_true (f.seen);
    for (unsigned e = 0; e < 2; e++)
      g_assert_true (
          pair_state (&pair, e) != ZRTP_STATE_SECURE || pair.end[e].secure.mode == ZRTP_MODE_DH);
    if (pair_state (&pair, ALICE) == ZRTP_STATE_SECURE)
      assert_mode (&pair, ZRTP_MODE_DH);
    pair_clear (&pair);
  }
}

/* --- Loss --------------------------------------------------------------------------------------------------------------- */

static bool
lose_nth (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  unsigned *left = user;

  return (*left)-- != 0;
}

static void
test_single_losses (void)
{
  for (unsigned seed = 0; seed < 6; seed++)
    for (unsigned lost = 0; lost < 12; lost++) {
      Pair pair;
      unsigned left = lost;

      friends (&pair, seed);
      pair.wire = lose_nth;
      pair.user = &left;
      pair_start (&pair, BOTH);
      streams_run (&pair, 1, pair.now + 3000 * MS);
      assert_mode (&pair, ZRTP_MODE_PRESHARED);
      g_assert_cmpmem (pair.end[ALICE].record.rs1, 32, pair.end[BOB].record.rs1, 32);
      pair_clear (&pair);
    }
}

/* The initiator never learns that the responder is done (§4.6.1): "The old rs1 value is not saved in Preshared mode", so
 * rs1 is common no more. The next calls are DH, and rs2 brings the two together, however often it happens. */
static bool
no_conf2ack (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  return !packet_is (packet, ZRTP_MESSAGE_CONF2ACK);
}

static unsigned
interrupt_initiator (Pair *pair, const PairEnd *before, uint64_t seed)
{
  unsigned initiator;

  friends (pair, seed);
  for (unsigned e = 0; before && e < 2; e++)
    pair->end[e].record = before[e].record;
  pair->wire = no_conf2ack;
  pair_start (pair, BOTH);
  streams_run (pair, 1, pair->now + 20000 * MS);
  initiator = pair_state (pair, ALICE) == ZRTP_STATE_SECURE ? BOB : ALICE;
  g_assert_cmpint (pair_state (pair, !initiator), ==, ZRTP_STATE_SECURE);
  g_assert_cmpuint (pair->end[initiator].n_events[ZRTP_EVENT_STORE], ==, 0);
  g_assert_cmpuint (pair->end[!initiator].n_events[ZRTP_EVENT_STORE], ==, 1);
  g_assert_false (pair->end[!initiator].secure.cache_mismatch);
  g_assert_cmpint (
      pair->end[!initiator].secure.mode, ==, before ? ZRTP_MODE_DH : ZRTP_MODE_PRESHARED);
  return initiator;
}

static void
test_two_generals (void)
{
  unsigned interrupted[2] = {0};

  for (unsigned seed = 0; seed < 8; seed++) {
    Pair pair, next;
    PairEnd before[2];

    interrupted[interrupt_initiator (&pair, NULL, seed)]++;
    for (unsigned n = 0; n < 4; n++) {
      memcpy (before, pair.end, sizeof before);
      pair_clear (&pair);
      interrupt_initiator (&pair, before, 100 * n + seed);
    }

    friends (&next, 10);
    for (unsigned e = 0; e < 2; e++)
      next.end[e].record = pair.end[e].record;
    settle (&next);
    assert_mode (&next, ZRTP_MODE_DH);
    for (unsigned e = 0; e < 2; e++) {
      g_assert_false (next.end[e].secure.cache_mismatch);
      g_assert_true (next.end[e].secure.sas_verified);
    }
    g_assert_cmpmem (next.end[ALICE].record.rs1, 32, next.end[BOB].record.rs1, 32);
    pair_clear (&pair);
    pair_clear (&next);
  }
  g_assert_true (interrupted[ALICE] > 0 && interrupted[BOB] > 0);
}

/* V is what each remembers; A and D are the user's, E is for PBXs (§4.6). */
static bool
read_both (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  ZrtpConfirm *confirm = user;

  read_confirm (&pair->end[from], packet, *size, &confirm[from]);
  return true;
}

static void
test_flags (void)
{
  Pair pair;
  ZrtpConfirm confirm[2] = {{{0}}};

  friends (&pair, 1);
  pair.end[ALICE].config.cache_expiry = 1000;
  pair.end[BOB].config.disclosure = pair.end[BOB].config.allow_clear = true;
  pair.wire = read_both;
  pair.user = confirm;
  settle (&pair);
  assert_mode (&pair, ZRTP_MODE_PRESHARED);
  g_assert_true (confirm[ALICE].sas_verified && confirm[BOB].sas_verified);
  g_assert_false (confirm[ALICE].disclosure || confirm[ALICE].allow_clear);
  g_assert_true (confirm[BOB].disclosure && confirm[BOB].allow_clear);
  g_assert_cmpuint (confirm[ALICE].cache_expiry, ==, 1000);
  g_assert_cmphex (confirm[BOB].cache_expiry, ==, 0xffffffff);
  for (unsigned e = 0; e < 2; e++)
    g_assert_cmpuint (pair.end[e].record.expiry, ==, 1000); /* the smaller one */
  pair_clear (&pair);
}

/* The user says that the SAS does not match: this call's secret goes, the flag too (§7.1), and the next call is DH. */
static void
test_not_verified_any_more (void)
{
  Pair pair, next;

  friends (&pair, 1);
  settle (&pair);
  assert_mode (&pair, ZRTP_MODE_PRESHARED);
  for (unsigned e = 0; e < 2; e++)
    zrtp_engine_sas_verified (pair.end[e].engine, false);
  streams_settle (&pair, 1);
  for (unsigned e = 0; e < 2; e++) {
    g_assert_false (pair.end[e].record.sas_verified);
    g_assert_cmphex (pair.end[e].record.rs1[0], ==, 1);
  }
  friends (&next, 2);
  for (unsigned e = 0; e < 2; e++)
    next.end[e].record = pair.end[e].record;
  settle (&next);
  assert_mode (&next, ZRTP_MODE_DH);
  pair_clear (&pair);
  pair_clear (&next);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/preshared/call", test_call);
  g_test_add_func ("/preshared/streams", test_streams);
  g_test_add_func ("/preshared/key-id", test_key_id);
  g_test_add_func ("/preshared/key-is-erased", test_key_is_erased);
  g_test_add_func ("/preshared/off", test_off);
  g_test_add_func ("/preshared/not-offered", test_not_offered);
  g_test_add_func ("/preshared/unreliable", test_unreliable);
  g_test_add_func ("/preshared/unreliable-responder", test_unreliable_responder);
  g_test_add_func ("/preshared/signalled", test_signalled);
  g_test_add_func ("/preshared/series", test_series);
  g_test_add_func ("/preshared/second-stream", test_second_stream);
  g_test_add_func ("/preshared/dh-beats-preshared", test_dh_beats_preshared);
  g_test_add_func ("/preshared/pbx-is-responder", test_pbx_is_responder);
  g_test_add_func ("/preshared/nonces-contend", test_nonces_contend);
  g_test_add_func ("/preshared/winner-is-not-understood", test_winner_is_not_understood);
  g_test_add_func ("/preshared/subsets", test_subsets);
  g_test_add_func ("/preshared/unknown-key", test_unknown_key);
  g_test_add_func ("/preshared/error-answer", test_error_answer);
  g_test_add_func ("/preshared/other-errors", test_other_errors);
  g_test_add_func ("/preshared/reused-nonce", test_reused_nonce);
  g_test_add_func ("/preshared/altered-commit", test_altered_commit);
  g_test_add_func ("/preshared/single-losses", test_single_losses);
  g_test_add_func ("/preshared/two-generals", test_two_generals);
  g_test_add_func ("/preshared/flags", test_flags);
  g_test_add_func ("/preshared/not-verified-any-more", test_not_verified_any_more);
  return g_test_run ();
}
