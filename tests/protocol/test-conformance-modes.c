/* Sentences of RFC 6189 about Preshared and Multistream mode, the shared secrets, clear mode and PBXs, as
 * tests/conformance/rfc6189.toml names them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/protocol/pair.h"

#include "ext/nettle/zrtp-nettle.h"

#include <string.h>

enum {
  BOTH = 1 << ALICE | 1 << BOB
};

static const uint8_t shared_rs1[ZRTP_RS_SIZE] = {1, 2, 3}, shared_pbx[ZRTP_RS_SIZE] = {4, 5, 6};

/* --- Calls ------------------------------------------------------------------------------------------------- */

/* Both have spoken before; what they have of it is up to the test. */
static void
init_friends (Pair *pair, uint64_t seed)
{
  pair_init (pair, seed);
  for (unsigned e = 0; e < 2; e++) {
    PairEnd *end = &pair->end[e];

    end->config.cache_expiry = 0xffffffff;
    end->config.allow_preshared = true;
    end->has_record = true;
    end->record = (ZrtpRecord){.has_rs1 = true,
        .has_rs2 = true,
        .sas_verified = true,
        .rs2_verified = true,
        .expiry = 0xffffffff};
    memcpy (end->record.rs1, shared_rs1, sizeof shared_rs1);
  }
}

static void
run (Pair *pair)
{
  pair_start (pair, BOTH);
  pair_run (pair, pair->now + 3000 * MS);
}

static ZrtpMode
mode_of (const Pair *pair)
{
  g_assert_cmpint (pair->end[ALICE].secure.mode, ==, pair->end[BOB].secure.mode);
  return pair->end[ALICE].secure.mode;
}

static unsigned
initiator_of (const Pair *pair)
{
  return zrtp_engine_get_role (pair->end[ALICE].engine) == ZRTP_ROLE_INITIATOR ? ALICE : BOB;
}

static unsigned
n_sent (const Pair *pair, ZrtpMessageType type)
{
  return pair->end[ALICE].n_sent[type] + pair->end[BOB].n_sent[type];
}

/* Offsets within a Commit, octets: Figures 5, 6, 7. */
enum {
  COMMIT_HASH = 56,
  COMMIT_CIPHER = 60,
  COMMIT_AUTH_TAG = 64,
  COMMIT_KEY_AGREEMENT = 68,
  COMMIT_NONCE = 76
};

typedef struct {
  uint8_t commit[2][ZRTP_COMMIT_DH_SIZE]; /* the last one of each end */
  unsigned n[2];
} Commits;

static bool
note_commits (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  Commits *commits = user;

  if (packet_is (packet, ZRTP_MESSAGE_COMMIT)) {
    memcpy (
        commits->commit[from], packet + ZRTP_HEADER_SIZE, *size - ZRTP_HEADER_SIZE - ZRTP_CRC_SIZE);
    commits->n[from]++;
  }
  return true;
}

static ZrtpType
committed (const Commits *commits, unsigned from, size_t offset)
{
  g_assert_cmpuint (commits->n[from], >, 0);
  return zrtp_get_u32 (commits->commit[from] + offset);
}

/* Both ends get the other's Hello and commit, before a Commit arrives. */
static void
commit_at_once (Pair *pair, ZrtpCommit commit[2])
{
  pair_start (pair, BOTH);
  for (unsigned e = 0; e < 2; e++) {
    uint8_t packet[ZRTP_MAX_PACKET];
    const size_t size = zrtp_engine_poll_packet (pair->end[e].engine, packet);

    g_assert_true (packet_is (packet, ZRTP_MESSAGE_HELLO));
    pair_feed (pair, !e, packet, size);
    pair->end[e].any_sent = true;
    pair->end[e].last_sequence = (uint16_t) (pair->end[e].engine->sequence - 1);
  }
  for (unsigned e = 0; e < 2; e++) {
    g_assert_cmpint (pair_state (pair, e), ==, ZRTP_STATE_COMMIT_SENT);
    commit[e] = pair->end[e].engine->exchange->own_commit;
  }
}

static ZrtpType
key_agreement (const ZrtpCommit *commit)
{
  return commit->choice.type[ZRTP_KEY_AGREEMENT];
}

static void
assert_higher_nonce_won (const Pair *pair, const ZrtpCommit commit[2])
{
  const unsigned winner = initiator_of (pair);

  g_assert_cmpint (memcmp (commit[winner].nonce, commit[!winner].nonce, ZRTP_NONCE_SIZE), >, 0);
}

/* --- §4.1: SSRC collision -------------------------------------------------------------------------------------- */

/* "or any other ZRTP message": the peer has our SSRC from one message on. */
static bool
take_our_ssrc (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  const ZrtpMessageType *type = user;

  if (packet_is (packet, *type))
    zrtp_put_u32 (packet + 8, pair->end[!from].config.ssrc);
  return true;
}

static void
test_ssrc_collision (void)
{
  static const ZrtpMessageType types[] = {
      ZRTP_MESSAGE_COMMIT, ZRTP_MESSAGE_DHPART1, ZRTP_MESSAGE_DHPART2};

  for (unsigned i = 0; i < G_N_ELEMENTS (types); i++) {
    Pair pair;
    ZrtpMessageType type = types[i];
    unsigned n_told = 0;

    pair_init (&pair, i);
    pair.wire = take_our_ssrc;
    pair.user = &type;
    run (&pair);
    for (unsigned e = 0; e < 2; e++) {
      g_assert_cmpuint (pair.end[e].n_events[ZRTP_EVENT_SECURE], ==, 0);
      g_assert_cmphex (pair.end[e].failed_code, ==, ZRTP_ERROR_SSRC);
      n_told += !pair.end[e].failed_by_peer && pair.end[e].n_sent[ZRTP_MESSAGE_ERROR] > 0;
    }
    g_assert_cmpuint (n_told, >=, 1);
    pair_clear (&pair);
  }
}

/* --- §4.2: contention --------------------------------------------------------------------------------------------- */

/* Alice commits to Preshared mode, and Bob, who has not compared the SAS, to DH: his stands, whatever the
 * nonces are. */
static void
test_dh_beats_preshared (void)
{
  for (unsigned seed = 0; seed < 10; seed++) {
    Pair pair;
    ZrtpCommit commit[2];

    init_friends (&pair, seed);
    pair.end[BOB].record.sas_verified = false;
    commit_at_once (&pair, commit);
    g_assert_cmphex (key_agreement (&commit[ALICE]), ==, ZRTP_PRSH);
    g_assert_cmphex (key_agreement (&commit[BOB]), ==, ZRTP_X255);
    pair_settle (&pair);
    pair_assert_secure (&pair);
    g_assert_cmpint (mode_of (&pair), ==, ZRTP_MODE_DH);
    g_assert_cmpuint (initiator_of (&pair), ==, BOB);
    pair_clear (&pair);
  }
}

static void
test_preshared_contention (void)
{
  unsigned won[2] = {0, 0};

  for (unsigned seed = 0; seed < 30; seed++)
    for (unsigned pbx = 0; pbx <= 2; pbx++) { /* Alice is one, Bob is one, nobody is */
      Pair pair;
      ZrtpCommit commit[2];

      init_friends (&pair, seed);
      if (pbx < 2)
        pair.end[pbx].config.mitm = true;
      commit_at_once (&pair, commit);
      for (unsigned e = 0; e < 2; e++)
        g_assert_cmphex (key_agreement (&commit[e]), ==, ZRTP_PRSH);
      pair_settle (&pair);
      pair_assert_secure (&pair);
      g_assert_cmpint (mode_of (&pair), ==, ZRTP_MODE_PRESHARED);
      if (pbx < 2) {
        g_assert_cmpuint (initiator_of (&pair), ==, !pbx);
      } else {
        won[initiator_of (&pair)]++;
        assert_higher_nonce_won (&pair, commit);
      }
      pair_clear (&pair);
    }
  g_assert_cmpuint (won[ALICE], >, 5);
  g_assert_cmpuint (won[BOB], >, 5);
}

/* --- §4.3: auxsecret, pbxsecret ------------------------------------------------------------------------------------- */

static void
call_with_aux (Pair *pair, const char *alice, const char *bob)
{
  const char *const secrets[2] = {alice, bob};

  pair_init (pair, 1);
  pair_start (pair, 0);
  for (unsigned e = 0; e < 2; e++)
    if (secrets[e])
      g_assert_true (
          zrtp_call_set_aux (pair->end[e].call, (const uint8_t *) secrets[e], strlen (secrets[e])));
  run (pair);
  pair_assert_secure (pair);
}

static void
assert_other_keys (const Pair *a, const Pair *b)
{
  g_assert_true (
      memcmp (a->end[ALICE].send_key.key_and_salt, b->end[ALICE].send_key.key_and_salt, 16) != 0);
}

static void
test_auxsecret (void)
{
  Pair none, same, other, one;

  call_with_aux (&none, NULL, NULL);
  call_with_aux (&same, "a word between us", "a word between us");
  for (unsigned e = 0; e < 2; e++) {
    g_assert_false (none.end[e].secure.aux_mismatch);
    g_assert_false (same.end[e].secure.aux_mismatch);
  }
  assert_other_keys (&none, &same);
  /* "If they don't match, s2 MUST be set to null": the call comes about, and it is told to who has one */
  call_with_aux (&other, "a word between us", "another");
  g_assert_true (other.end[ALICE].secure.aux_mismatch);
  g_assert_true (other.end[BOB].secure.aux_mismatch);
  call_with_aux (&one, "a word between us", NULL);
  g_assert_true (one.end[ALICE].secure.aux_mismatch);
  g_assert_false (one.end[BOB].secure.aux_mismatch);
  pair_clear (&none);
  pair_clear (&same);
  pair_clear (&other);
  pair_clear (&one);
}

static void
call_with_pbx (Pair *pair, const uint8_t *alice, const uint8_t *bob)
{
  const uint8_t *const secrets[2] = {alice, bob};

  pair_init (pair, 1);
  for (unsigned e = 0; e < 2; e++)
    if (secrets[e]) {
      pair->end[e].has_record = pair->end[e].record.has_pbx = true;
      memcpy (pair->end[e].record.pbx, secrets[e], ZRTP_RS_SIZE);
    }
  run (pair);
  pair_assert_secure (pair);
}

static void
test_pbxsecret (void)
{
  Pair none, same, other, one;

  call_with_pbx (&none, NULL, NULL);
  call_with_pbx (&same, shared_pbx, shared_pbx);
  call_with_pbx (&other, shared_pbx, shared_rs1);
  call_with_pbx (&one, shared_pbx, NULL);
  for (unsigned e = 0; e < 2; e++) {
    g_assert_false (none.end[e].secure.enrolled);
    g_assert_true (same.end[e].secure.enrolled);
    g_assert_false (other.end[e].secure.enrolled);
    g_assert_false (one.end[e].secure.enrolled);
  }
  assert_other_keys (&none, &same);
  pair_clear (&none);
  pair_clear (&same);
  pair_clear (&other);
  pair_clear (&one);
}

/* §7.3: "the PBX and the phone MUST pass the hash of the trusted MiTM key in the DH message" */
static bool
check_pbx_id (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  static const ZrtpMessageType types[] = {ZRTP_MESSAGE_DHPART1, ZRTP_MESSAGE_DHPART2};
  static const char *const labels[] = {"Responder", "Initiator"};
  unsigned *n = user;

  for (unsigned i = 0; i < 2; i++)
    if (packet_is (packet, types[i])) {
      GHmac *hmac = g_hmac_new (G_CHECKSUM_SHA256, shared_pbx, sizeof shared_pbx);
      uint8_t id[32];
      gsize id_size = sizeof id;

      g_hmac_update (hmac, (const guchar *) labels[i], (gssize) strlen (labels[i]));
      g_hmac_get_digest (hmac, id, &id_size);
      g_assert_cmpmem (packet + ZRTP_HEADER_SIZE + 68, 8, id, 8);
      g_hmac_unref (hmac);
      ++*n;
    }
  return true;
}

static void
test_pbxsecret_id (void)
{
  Pair pair;
  unsigned n = 0;

  pair_init (&pair, 1);
  for (unsigned e = 0; e < 2; e++) {
    pair.end[e].has_record = pair.end[e].record.has_pbx = true;
    memcpy (pair.end[e].record.pbx, shared_pbx, sizeof shared_pbx);
  }
  pair.wire = check_pbx_id;
  pair.user = &n;
  run (&pair);
  pair_assert_secure (&pair);
  g_assert_cmpuint (n, ==, 2);
  pair_clear (&pair);
}

/* --- §4.4.2: Preshared mode ---------------------------------------------------------------------------------------------- */

/* §4.4.2.1: only a secret that was verified; §4.4.2.2: only with rs1; and only when it is allowed. */
static void
test_preshared_needs (void)
{
  enum {
    NOTHING_ELSE,
    VERIFIED,
    RS1,
    RS2,
    LEAVE,
    THE_PEERS_LEAVE,
    A_CACHE,
    N_MISSING
  };

  for (unsigned missing = 0; missing < N_MISSING; missing++) {
    Pair pair;
    ZrtpCommit commit[2];
    PairEnd *alice = &pair.end[ALICE];

    init_friends (&pair, 3);
    alice->record.sas_verified = missing != VERIFIED;
    alice->record.has_rs1 = missing != RS1;
    alice->record.has_rs2 = missing != RS2;
    alice->config.allow_preshared = missing != LEAVE;
    pair.end[BOB].config.allow_preshared = missing != THE_PEERS_LEAVE;
    if (missing == A_CACHE)
      alice->config.cache_expiry = 0;
    commit_at_once (&pair, commit);
    g_assert_cmphex (
        key_agreement (&commit[ALICE]), ==, missing == NOTHING_ELSE ? ZRTP_PRSH : ZRTP_X255);
    pair_settle (&pair);
    pair_assert_secure (&pair);
    g_assert_cmpint (
        mode_of (&pair), ==, missing == NOTHING_ELSE ? ZRTP_MODE_PRESHARED : ZRTP_MODE_DH);
    g_assert_cmpuint (n_sent (&pair, ZRTP_MESSAGE_DHPART1), ==, missing == NOTHING_ELSE ? 0 : 1);
    pair_clear (&pair);
  }
}

/* §4.4.2.3: "or it fails to match the keyID ..., it SHOULD respond with its own DH Commit message. This would
 * reverse the roles": both commit to Preshared mode, with different secrets. */
static void
test_preshared_key_unknown (void)
{
  for (unsigned seed = 0; seed < 10; seed++) {
    Pair pair;
    ZrtpCommit commit[2];
    unsigned responder;

    init_friends (&pair, seed);
    pair.end[BOB].record.rs1[0] ^= 1;
    pair.end[BOB].record.rs2[0] ^= 1;
    commit_at_once (&pair, commit);
    responder = memcmp (commit[ALICE].nonce, commit[BOB].nonce, ZRTP_NONCE_SIZE) > 0 ? BOB : ALICE;
    pair_settle (&pair);
    pair_assert_secure (&pair);
    g_assert_cmpint (mode_of (&pair), ==, ZRTP_MODE_DH);
    g_assert_cmpuint (initiator_of (&pair), ==, responder);
    for (unsigned e = 0; e < 2; e++)
      g_assert_true (pair.end[e].secure.cache_mismatch);
    pair_clear (&pair);
  }
}

/* The other answer that a peer may give: an Error that says that there is no such secret. */
static void
test_preshared_error (void)
{
  Pair pair;
  uint8_t packet[ZRTP_MAX_PACKET], error[ZRTP_ERROR_SIZE];
  size_t size;
  PairEnd *alice = &pair.end[ALICE], *bob = &pair.end[BOB];

  init_friends (&pair, 1);
  pair_start (&pair, BOTH);
  size = zrtp_engine_poll_packet (bob->engine, packet); /* his Hello */
  pair_feed (&pair, ALICE, packet, size);
  g_assert_cmpint (pair_state (&pair, ALICE), ==, ZRTP_STATE_COMMIT_SENT);
  g_assert_cmpint (alice->engine->exchange->mode, ==, ZRTP_MODE_PRESHARED);
  zrtp_error_write (ZRTP_ERROR_NO_SECRET, error);
  size = zrtp_packet_write (packet, 2, 0xbad, ZRTP_BYTES (error));
  g_assert_cmpint (pair_feed (&pair, ALICE, packet, size), ==, ZRTP_UNEXPECTED);
  g_assert_cmpint (alice->engine->exchange->mode, ==, ZRTP_MODE_PRESHARED);
  size = zrtp_packet_write (packet, 2, bob->config.ssrc, ZRTP_BYTES (error));
  g_assert_cmpint (pair_feed (&pair, ALICE, packet, size), ==, ZRTP_ACCEPTED);
  g_assert_cmpint (pair_state (&pair, ALICE), ==, ZRTP_STATE_COMMIT_SENT);
  g_assert_cmpint (alice->engine->exchange->mode, ==, ZRTP_MODE_DH);
  bob->any_sent = true;
  bob->last_sequence = (uint16_t) (bob->engine->sequence - 1);
  pair_settle (&pair);
  pair_assert_secure (&pair);
  g_assert_cmpint (mode_of (&pair), ==, ZRTP_MODE_DH);
  pair_clear (&pair);
}

/* §4.4.2.4: between any two messages it is nowhere. */
static uint8_t preshared_key[32];

static void
compute_preshared_key (void)
{
  GChecksum *sum = g_checksum_new (G_CHECKSUM_SHA256);
  static const uint8_t length[4] = {0, 0, 0, 32}, none[8];
  gsize size = sizeof preshared_key;

  g_checksum_update (sum, length, 4);
  g_checksum_update (sum, shared_rs1, 32);
  g_checksum_update (sum, none, 8);
  g_checksum_get_digest (sum, preshared_key, &size);
  g_checksum_free (sum);
}

static bool
search_preshared_key (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  unsigned *n = user;

  for (unsigned e = 0; e < 2; e++) {
    const ZrtpEngine *engine = pair->end[e].engine;

    g_assert_null (memmem (engine, sizeof *engine, preshared_key, 16));
    g_assert_null (memmem (engine->call, sizeof *engine->call, preshared_key, 16));
    if (engine->exchange)
      g_assert_null (memmem (engine->exchange, sizeof *engine->exchange, preshared_key, 16));
  }
  if (packet_is (packet, ZRTP_MESSAGE_COMMIT)) { /* to know that it is the right one */
    static const uint8_t name[4] = {'P', 'r', 's', 'h'};
    GHmac *hmac = g_hmac_new (G_CHECKSUM_SHA256, preshared_key, 32);
    uint8_t id[32];
    gsize id_size = sizeof id;

    g_hmac_update (hmac, name, 4);
    g_hmac_get_digest (hmac, id, &id_size);
    g_assert_cmpmem (packet + ZRTP_HEADER_SIZE + COMMIT_NONCE + ZRTP_NONCE_SIZE, 8, id, 8);
    g_hmac_unref (hmac);
    ++*n;
  }
  return true;
}

static void
test_preshared_key_is_erased (void)
{
  Pair pair;
  unsigned n = 0;

  compute_preshared_key ();
  init_friends (&pair, 1);
  pair.wire = search_preshared_key;
  pair.user = &n;
  run (&pair);
  pair_assert_secure (&pair);
  g_assert_cmpint (mode_of (&pair), ==, ZRTP_MODE_PRESHARED);
  g_assert_cmpuint (n, >, 0);
  pair_clear (&pair);
}

/* --- §4.4.3: Multistream mode ----------------------------------------------------------------------------------------------- */

enum {
  N_STREAMS = 3
};

static void
clear_streams (Pair *streams)
{
  for (unsigned s = N_STREAMS; s-- > 0;)
    pair_clear (&streams[s]);
}

static void
make_streams (Pair *streams)
{
  pair_start (&streams[0], 0);
  for (unsigned s = 1; s < N_STREAMS; s++) {
    pair_init_stream (&streams[s], &streams[0], 100 + s);
    for (unsigned e = 0; e < 2; e++) {
      streams[s].end[e].config.ssrc += 0x100 * s;
      streams[s].end[e].record = streams[0].end[e].record;
      streams[s].end[e].has_record = streams[0].end[e].has_record;
    }
  }
}

/* No Commit on a stream before the first one is secure at the sender's end; and one ZID on all. */
static bool
check_order (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  const Pair *first = user;

  if (packet_is (packet, ZRTP_MESSAGE_COMMIT))
    g_assert_cmpint (pair_state (first, from), ==, ZRTP_STATE_SECURE);
  if (packet_is (packet, ZRTP_MESSAGE_HELLO))
    g_assert_cmpmem (packet + ZRTP_HEADER_SIZE + 64, ZRTP_ZID_SIZE,
        first->end[from].engine->hello + 64, ZRTP_ZID_SIZE);
  return true;
}

/* All begin at once: one makes the DH or Preshared exchange, the others wait for it. */
static void
test_multistream (void)
{
  for (unsigned seed = 0; seed < 10; seed++)
    for (unsigned preshared = 0; preshared < 2; preshared++) {
      Pair streams[N_STREAMS];

      if (preshared)
        init_friends (&streams[0], seed);
      else
        pair_init (&streams[0], seed);
      make_streams (streams);
      for (unsigned s = 1; s < N_STREAMS; s++) {
        streams[s].wire = check_order;
        streams[s].user = &streams[0];
      }
      for (unsigned s = 0; s < N_STREAMS; s++)
        pair_start (&streams[s], BOTH);
      streams_run (streams, N_STREAMS, streams[0].now + 3000 * MS);
      for (unsigned s = 0; s < N_STREAMS; s++) {
        pair_assert_secure (&streams[s]);
        g_assert_cmpint (mode_of (&streams[s]), ==,
            s > 0       ? ZRTP_MODE_MULTISTREAM
            : preshared ? ZRTP_MODE_PRESHARED
                        : ZRTP_MODE_DH);
        g_assert_cmpuint (
            n_sent (&streams[s], ZRTP_MESSAGE_DHPART1), ==, s == 0 && !preshared ? 1 : 0);
        for (unsigned t = 0; t < s; t++)
          assert_other_keys (&streams[s], &streams[t]);
      }
      clear_streams (streams);
    }
}

/* §4.4.3.1: the algorithms of the first stream, also where a later one would choose others. */
static void
test_multistream_algorithms (void)
{
  Pair streams[N_STREAMS];
  Commits commits = {0};

  pair_init (&streams[0], 1);
  for (unsigned e = 0; e < 2; e++) {
    offer_only (&streams[0].end[e].config, ZRTP_HASH, ZRTP_S384);
    offer_only (&streams[0].end[e].config, ZRTP_CIPHER, ZRTP_AES3);
    offer_only (&streams[0].end[e].config, ZRTP_AUTH_TAG, ZRTP_HS32);
  }
  make_streams (streams);
  for (unsigned e = 0; e < 2; e++) {
    ZrtpOffer *offer = &streams[1].end[e].config.offer;

    offer->list[ZRTP_HASH] = (ZrtpList){2, {ZRTP_S256, ZRTP_S384}};
    offer->list[ZRTP_CIPHER] = (ZrtpList){2, {ZRTP_AES1, ZRTP_AES3}};
    offer->list[ZRTP_AUTH_TAG] = (ZrtpList){2, {ZRTP_HS80, ZRTP_HS32}};
  }
  pair_start (&streams[0], BOTH);
  streams_settle (streams, 1);
  pair_assert_secure (&streams[0]);
  streams[1].wire = note_commits;
  streams[1].user = &commits;
  pair_start (&streams[1], BOTH);
  streams_settle (streams, 2);
  pair_assert_secure (&streams[1]);
  for (unsigned e = 0; e < 2; e++)
    if (commits.n[e] > 0) {
      g_assert_cmphex (committed (&commits, e, COMMIT_KEY_AGREEMENT), ==, ZRTP_MULT);
      g_assert_cmphex (committed (&commits, e, COMMIT_HASH), ==, ZRTP_S384);
      g_assert_cmphex (committed (&commits, e, COMMIT_CIPHER), ==, ZRTP_AES3);
      g_assert_cmphex (committed (&commits, e, COMMIT_AUTH_TAG), ==, ZRTP_HS32);
    }
  g_assert_cmpuint (commits.n[ALICE] + commits.n[BOB], >, 0);
  pair_clear (&streams[1]);
  pair_clear (&streams[0]);
}

/* §4.2: the lower nonce is discarded. */
static void
test_multistream_contention (void)
{
  unsigned won[2] = {0, 0};

  for (unsigned seed = 0; seed < 40; seed++) {
    Pair streams[2];
    ZrtpCommit commit[2];

    pair_init (&streams[0], seed);
    pair_start (&streams[0], BOTH);
    streams_settle (streams, 1);
    pair_init_stream (&streams[1], &streams[0], 100 + seed);
    commit_at_once (&streams[1], commit);
    for (unsigned e = 0; e < 2; e++)
      g_assert_cmphex (key_agreement (&commit[e]), ==, ZRTP_MULT);
    streams_settle (streams, 2);
    pair_assert_secure (&streams[1]);
    assert_higher_nonce_won (&streams[1], commit);
    won[initiator_of (&streams[1])]++;
    pair_clear (&streams[1]);
    pair_clear (&streams[0]);
  }
  g_assert_cmpuint (won[ALICE], >, 5);
  g_assert_cmpuint (won[BOB], >, 5);
}

/* §4.4.3.1: our own nonces are never the same, even where the source of random octets is stuck. */
static bool
stuck (void *user, uint8_t *out, size_t size)
{
  memset (out, 0x77, size);
  return true;
}

static void
test_nonce_is_unique (void)
{
  Pair streams[N_STREAMS];
  Commits commits[N_STREAMS] = {0};

  pair_init (&streams[0], 1);
  make_streams (streams);
  pair_start (&streams[0], BOTH);
  streams_settle (streams, 1);
  pair_assert_secure (&streams[0]);
  for (unsigned s = 1; s < N_STREAMS; s++) {
    streams[s].wire = note_commits;
    streams[s].user = &commits[s];
    pair_start (&streams[s], 0);
  }
  for (unsigned e = 0; e < 2; e++)
    streams[0].end[e].crypto.random.fill = stuck;
  for (unsigned s = 1; s < N_STREAMS; s++) {
    pair_start (&streams[s], BOTH);
    streams_settle (streams, s + 1);
  }
  g_assert_cmpuint (commits[1].n[ALICE] + commits[1].n[BOB], >, 0);
  g_assert_cmpuint (commits[2].n[ALICE] + commits[2].n[BOB], ==, 0);
  g_assert_cmphex (streams[2].end[ALICE].failed_code, ==, ZRTP_ERROR_SOFTWARE);
  clear_streams (streams);
}

/* A peer that means it commits to a nonce that made keys before, one of ours or one of his. */
static void
test_nonce_reuse (void)
{
  bool seen[2] = {false, false};

  for (unsigned seed = 0; seed < 10; seed++) {
    Pair streams[N_STREAMS];
    ZrtpCommit commit[2];
    uint8_t packet[ZRTP_MAX_PACKET];
    size_t size;
    ZrtpEngine *bob;
    ZrtpExchange *exchange;
    unsigned whose;

    pair_init (&streams[0], seed);
    make_streams (streams);
    pair_start (&streams[0], BOTH);
    streams_settle (streams, 1);
    commit_at_once (&streams[1], commit);
    streams_settle (streams, 2);
    pair_assert_secure (&streams[1]);
    whose = initiator_of (&streams[1]);
    seen[whose] = true;

    pair_start (&streams[2], BOTH);
    size = zrtp_engine_poll_packet (streams[2].end[ALICE].engine, packet); /* her Hello */
    pair_feed (&streams[2], BOB, packet, size);
    bob = streams[2].end[BOB].engine;
    exchange = bob->exchange;
    g_assert_cmpint (exchange->mode, ==, ZRTP_MODE_MULTISTREAM);
    memcpy (exchange->own_commit.nonce, commit[whose].nonce, ZRTP_NONCE_SIZE);
    exchange->commit_size = zrtp_commit_write (
        &exchange->own_commit, &zrtp_nettle_s256, bob->chain.h[1], exchange->commit);
    while ((size = zrtp_engine_poll_packet (bob, packet))) {
      if (packet_is (packet, ZRTP_MESSAGE_COMMIT) && streams[2].end[ALICE].engine->exchange)
        memset (streams[2].end[ALICE].engine->exchange->own_commit.nonce, 0, ZRTP_NONCE_SIZE);
      pair_feed (&streams[2], ALICE, packet, size);
    }
    g_assert_cmphex (streams[2].end[ALICE].failed_code, ==, ZRTP_ERROR_NONCE);
    g_assert_false (streams[2].end[ALICE].failed_by_peer);
    for (unsigned s = 0; s < 2; s++)
      g_assert_cmpint (pair_state (&streams[s], ALICE), ==, ZRTP_STATE_SECURE);
    clear_streams (streams);
  }
  g_assert_true (seen[ALICE] && seen[BOB]);
}

/* --- §4.7.2: clear mode -------------------------------------------------------------------------------------------------------- */

static void
two_secure_streams (Pair *streams, uint64_t seed)
{
  pair_init (&streams[0], seed);
  for (unsigned e = 0; e < 2; e++)
    streams[0].end[e].config.allow_clear = true;
  pair_start (&streams[0], BOTH);
  streams_settle (streams, 1);
  pair_init_stream (&streams[1], &streams[0], seed + 100);
  pair_start (&streams[1], BOTH);
  streams_settle (streams, 2);
  for (unsigned s = 0; s < 2; s++)
    pair_assert_secure (&streams[s]);
}

static void
clear_two (Pair *streams)
{
  pair_clear (&streams[1]);
  pair_clear (&streams[0]);
}

typedef struct {
  uint8_t keys[2][2][16]; /* stream, direction */
  uint8_t zrtpsess[32];
} Keys;

static void
note_keys (const Pair *streams, Keys *keys)
{
  for (unsigned s = 0; s < 2; s++) {
    memcpy (keys->keys[s][0], streams[s].end[ALICE].send_key.key_and_salt, 16);
    memcpy (keys->keys[s][1], streams[s].end[ALICE].receive_key.key_and_salt, 16);
  }
  memcpy (keys->zrtpsess, streams[0].end[ALICE].call->zrtpsess, 32);
}

/* Nothing of the old keys is in the engines or in the call, and the owners were told to drop theirs. */
static void
assert_keys_are_gone (const Pair *streams, unsigned end, const Keys *keys)
{
  for (unsigned s = 0; s < 2; s++) {
    const PairEnd *e = &streams[s].end[end];

    g_assert_cmpuint (e->n_events[ZRTP_EVENT_DROP_KEYS], ==, 1);
    g_assert_cmpuint (e->send_key.size + e->receive_key.size, ==, 0);
    for (unsigned d = 0; d < 2; d++)
      for (unsigned t = 0; t < 2; t++)
        g_assert_null (memmem (e->engine, sizeof *e->engine, keys->keys[t][d], 16));
    g_assert_null (memmem (e->engine, sizeof *e->engine, keys->zrtpsess, 16));
    g_assert_null (memmem (e->engine->call, sizeof *e->engine->call, keys->zrtpsess, 16));
  }
}

static bool
lose_clearack (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  return !packet_is (packet, ZRTP_MESSAGE_CLEARACK);
}

/* The whole way: GoClear, ClearACK, the user takes note, clear, and back by Multistream mode. */
static void
test_clear (void)
{
  for (unsigned seed = 0; seed < 4; seed++) {
    Pair streams[2];
    Keys keys;
    Commits commits = {0};

    two_secure_streams (streams, seed);
    note_keys (streams, &keys);
    for (unsigned e = 0; e < 2; e++) { /* as if they had not been fetched yet */
      streams[1].end[e].engine->send_key = streams[1].end[e].send_key;
      streams[1].end[e].engine->receive_key = streams[1].end[e].receive_key;
    }
    g_assert_true (zrtp_call_go_clear (streams[0].end[ALICE].call, streams[0].now));
    streams_settle (streams, 2);
    for (unsigned e = 0; e < 2; e++)
      assert_keys_are_gone (streams, e, &keys);
    for (unsigned s = 0; s < 2; s++) {
      g_assert_cmpint (pair_state (&streams[s], ALICE), ==, ZRTP_STATE_CLEAR);
      /* "the ZRTP endpoint MUST NOT resume sending RTP packets" until the user has confirmed */
      g_assert_cmpint (pair_state (&streams[s], BOB), ==, ZRTP_STATE_CLEAR_WAITING);
      g_assert_true (streams[s].end[BOB].clear_waiting);
    }
    g_assert_cmpuint (n_sent (&streams[0], ZRTP_MESSAGE_GOCLEAR), ==, 1);
    g_assert_cmpuint (n_sent (&streams[1], ZRTP_MESSAGE_GOCLEAR), ==, 0);
    g_assert_cmpmem (
        streams[0].end[ALICE].call->zrtpsess, 32, streams[0].end[BOB].call->zrtpsess, 32);

    /* "the ClearACK message MAY be resent at regular intervals (e.g., every 5 seconds)" */
    streams_run (streams, 2, streams[0].now + 16000 * MS);
    g_assert_cmpuint (streams[0].end[BOB].n_sent[ZRTP_MESSAGE_CLEARACK], ==, 4);
    zrtp_call_accept_clear (streams[0].end[BOB].call, true, streams[0].now);
    streams_run (streams, 2, streams[0].now + 16000 * MS);
    g_assert_cmpuint (streams[0].end[BOB].n_sent[ZRTP_MESSAGE_CLEARACK], ==, 4);
    for (unsigned s = 0; s < 2; s++) {
      g_assert_cmpint (pair_state (&streams[s], BOB), ==, ZRTP_STATE_CLEAR);
      g_assert_false (streams[s].end[BOB].clear_waiting);
    }

    /* "A new key negotiation after a GoClear SHOULD use a Multistream Commit message." */
    streams[0].wire = note_commits;
    streams[0].user = &commits;
    g_assert_true (zrtp_call_go_secure (streams[0].end[seed & 1].call, streams[0].now));
    streams_settle (streams, 2);
    g_assert_cmphex (committed (&commits, seed & 1, COMMIT_KEY_AGREEMENT), ==, ZRTP_MULT);
    for (unsigned s = 0; s < 2; s++) {
      const PairEnd *a = &streams[s].end[ALICE], *b = &streams[s].end[BOB];

      g_assert_cmpint (pair_state (&streams[s], ALICE), ==, ZRTP_STATE_SECURE);
      g_assert_cmpint (pair_state (&streams[s], BOB), ==, ZRTP_STATE_SECURE);
      g_assert_cmpmem (a->send_key.key_and_salt, 16, b->receive_key.key_and_salt, 16);
      g_assert_true (memcmp (a->send_key.key_and_salt, keys.keys[s][0], 16) != 0);
    }
    clear_two (streams);
  }
}

/* Nobody acknowledges: "the key material is deleted" all the same, and GoClear is repeated. */
static void
test_clear_unanswered (void)
{
  Pair streams[2];
  Keys keys;

  two_secure_streams (streams, 1);
  note_keys (streams, &keys);
  streams[0].wire = lose_clearack;
  g_assert_true (zrtp_call_go_clear (streams[0].end[ALICE].call, streams[0].now));
  streams_run (streams, 2, streams[0].now + 9000 * MS);
  g_assert_cmpint (pair_state (&streams[0], ALICE), ==, ZRTP_STATE_GOCLEAR_SENT);
  streams_run (streams, 2, streams[0].now + 9000 * MS);
  g_assert_cmpuint (streams[0].end[ALICE].n_sent[ZRTP_MESSAGE_GOCLEAR], ==, 11);
  g_assert_cmpint (pair_state (&streams[0], ALICE), ==, ZRTP_STATE_CLEAR);
  assert_keys_are_gone (streams, ALICE, &keys);
  clear_two (streams);
}

/* "If a GoClear message is received with a bad MAC, ClearACK MUST NOT be sent and the GoClear MUST NOT be acted
 * on": one bit, one of the other direction, and one of zeros. */
static void
test_clear_mac (void)
{
  Pair streams[2];
  uint8_t packet[ZRTP_MAX_PACKET], message[ZRTP_GOCLEAR_SIZE], mac[ZRTP_MAC_SIZE];
  const PairEnd *bob = &streams[0].end[BOB];

  two_secure_streams (streams, 1);
  for (unsigned i = 0; i < 3; i++) {
    size_t size;

    memcpy (mac, bob->engine->kept.clear_mac[i == 0 ? 1 : 0], sizeof mac);
    if (i == 0)
      mac[7] ^= 1;
    if (i == 2)
      memset (mac, 0, sizeof mac);
    zrtp_goclear_write (mac, message);
    size = zrtp_packet_write (packet, 9, streams[0].end[ALICE].config.ssrc, ZRTP_BYTES (message));
    g_assert_cmpint (pair_feed (&streams[0], BOB, packet, size), ==, ZRTP_BAD_MAC);
    streams_settle (streams, 2);
    for (unsigned s = 0; s < 2; s++)
      g_assert_cmpint (pair_state (&streams[s], BOB), ==, ZRTP_STATE_SECURE);
    g_assert_cmpuint (bob->n_sent[ZRTP_MESSAGE_CLEARACK], ==, 0);
    g_assert_cmpuint (bob->n_events[ZRTP_EVENT_DROP_KEYS], ==, 0);
  }
  clear_two (streams);
}

/* The Allow Clear flag: who has not set it does not go clear, and whose peer has not does not ask. */
static void
test_clear_not_allowed (void)
{
  Pair pair;
  uint8_t packet[ZRTP_MAX_PACKET], message[ZRTP_GOCLEAR_SIZE];
  size_t size;

  pair_init (&pair, 1);
  pair.end[ALICE].config.allow_clear = true;
  run (&pair);
  pair_assert_secure (&pair);
  g_assert_true (pair.end[BOB].secure.peer_allows_clear);
  g_assert_false (pair.end[ALICE].secure.peer_allows_clear);
  for (unsigned e = 0; e < 2; e++)
    g_assert_false (zrtp_call_go_clear (pair.end[e].call, pair.now));
  zrtp_goclear_write (pair.end[BOB].engine->kept.clear_mac[1], message); /* a good one */
  size = zrtp_packet_write (packet, 9, pair.end[ALICE].config.ssrc, ZRTP_BYTES (message));
  g_assert_cmpint (pair_feed (&pair, BOB, packet, size), ==, ZRTP_REFUSED);
  pair_settle (&pair);
  pair_assert_secure (&pair);
  g_assert_cmpuint (pair.end[BOB].n_sent[ZRTP_MESSAGE_CLEARACK], ==, 0);
  g_assert_cmpuint (pair.end[BOB].n_sent[ZRTP_MESSAGE_ERROR], ==, 1); /* 0x100 */
  pair_clear (&pair);
}

/* --- §7.3: PBXs ------------------------------------------------------------------------------------------------------------------ */

/* Alice is the PBX. */
static void
call_a_pbx (Pair *pair, bool enrolled)
{
  pair_init (pair, 1);
  pair->end[ALICE].config.mitm = true;
  for (unsigned e = 0; e < 2; e++) {
    pair->end[e].config.cache_expiry = 0xffffffff;
    if (enrolled) {
      pair->end[e].has_record = pair->end[e].record.has_pbx = true;
      memcpy (pair->end[e].record.pbx, shared_pbx, sizeof shared_pbx);
    }
  }
  run (pair);
  pair_assert_secure (pair);
  g_assert_true (pair->end[BOB].secure.peer_mitm);
  g_assert_cmpint (pair->end[BOB].secure.enrolled, ==, enrolled);
}

static const uint8_t other_sashash[ZRTP_SASHASH_SIZE] = {0x12, 0x34, 0x56, 0x78, 9};

static void
test_relay (void)
{
  Pair pair;
  const PairEnd *bob = &pair.end[BOB];

  call_a_pbx (&pair, true);
  g_assert_true (zrtp_engine_relay_sas (
      pair.end[ALICE].engine, ZRTP_B256, other_sashash, true, true, pair.now));
  pair_settle (&pair);
  g_assert_cmpuint (bob->n_events[ZRTP_EVENT_RELAYED_SAS], ==, 1);
  g_assert_true (bob->relayed_sas.relayed);
  g_assert_true (bob->relayed_sas.sas_verified);
  g_assert_true (bob->relayed_sas.disclosure);
  g_assert_cmphex (bob->relayed_sas.sas_type, ==, ZRTP_B256);
  g_assert_cmpstr (bob->relayed_sas.sas, ==, "atlas confidence"); /* 12 34 */
  g_assert_cmpuint (bob->n_sent[ZRTP_MESSAGE_RELAYACK], ==, 1);
  pair_run (&pair, pair.now + 5000 * MS);
  g_assert_cmpuint (pair.end[ALICE].n_sent[ZRTP_MESSAGE_SASRELAY], ==, 1); /* acknowledged */
  /* the phone is no PBX */
  g_assert_false (
      zrtp_engine_relay_sas (bob->engine, ZRTP_B32, other_sashash, false, false, pair.now));
  pair_clear (&pair);
}

/* "The receiver absolutely MUST NOT render the relayed SAS if it does not come from a specially trusted ZRTP
 * endpoint": a PBX of ours does not send it (§7.3), so the test seals it. */
static size_t
seal_relay (const Pair *pair, const uint8_t *sashash, uint32_t unused, uint8_t *packet)
{
  static const uint8_t iv[ZRTP_CIPHER_BLOCK] = {7};
  const ZrtpSecureKeys *kept = &pair->end[ALICE].engine->kept;
  const ZrtpConfirmKeys keys = {kept->hash, kept->cipher, kept->mackey[0], kept->zrtpkey[0]};
  ZrtpSasRelay relay = {.sas_type = ZRTP_B32};
  uint8_t message[ZRTP_SASRELAY_SIZE], *flags = message + ZRTP_SEALED_OFFSET;

  memcpy (relay.sashash, sashash, sizeof relay.sashash);
  zrtp_sasrelay_write (&relay, &keys, iv, message);
  keys.cipher->decrypt (keys.zrtpkey, iv, flags, sizeof message - ZRTP_SEALED_OFFSET);
  zrtp_put_u32 (flags, zrtp_get_u32 (flags) | unused);
  zrtp_sealed_write (&keys, iv, message, sizeof message);
  return zrtp_packet_write (packet, 9, pair->end[ALICE].config.ssrc, ZRTP_BYTES (message));
}

static void
test_relay_untrusted (void)
{
  Pair pair;
  uint8_t packet[ZRTP_MAX_PACKET];
  size_t size;
  const PairEnd *bob = &pair.end[BOB];

  call_a_pbx (&pair, false);
  /* "If the PBX has a shared trusted MiTM key with neither endpoint, the PBX MUST NOT relay the SAS." */
  g_assert_false (zrtp_engine_relay_sas (
      pair.end[ALICE].engine, ZRTP_B32, other_sashash, false, false, pair.now));
  pair_settle (&pair);
  g_assert_cmpuint (pair.end[ALICE].n_sent[ZRTP_MESSAGE_SASRELAY], ==, 0);

  size = seal_relay (&pair, other_sashash, 0, packet);
  g_assert_cmpint (pair_feed (&pair, BOB, packet, size), ==, ZRTP_REFUSED);
  pair_settle (&pair);
  g_assert_cmpuint (bob->n_events[ZRTP_EVENT_RELAYED_SAS], ==, 0);
  g_assert_cmpuint (bob->n_events[ZRTP_EVENT_UNTRUSTED_RELAY], ==, 1);
  g_assert_cmpuint (bob->n_sent[ZRTP_MESSAGE_ERROR], ==, 1); /* 0x63 */
  g_assert_cmpuint (bob->n_sent[ZRTP_MESSAGE_RELAYACK], ==, 0);
  pair_assert_secure (&pair);

  /* "conveying the SAS rendering scheme, but not the sashash, which it sets to zero" */
  g_assert_true (
      zrtp_engine_relay_sas (pair.end[ALICE].engine, ZRTP_B256, NULL, false, false, pair.now));
  pair_settle (&pair);
  g_assert_cmpuint (bob->n_events[ZRTP_EVENT_RELAYED_SAS], ==, 1);
  g_assert_false (bob->relayed_sas.relayed);
  pair_clear (&pair);
}

/* §5.13: the 15 unused bits "MUST be ignored", and are zeros when sent. */
static void
test_relay_unused_bits (void)
{
  Pair pair;
  uint8_t packet[ZRTP_MAX_PACKET], plain[ZRTP_SASRELAY_SIZE];
  size_t size;
  ZrtpEngine *alice;
  ZrtpConfirmKeys keys;

  call_a_pbx (&pair, true);
  alice = pair.end[ALICE].engine;
  size = seal_relay (&pair, other_sashash, 0xfffe0000, packet);
  g_assert_cmpint (pair_feed (&pair, BOB, packet, size), ==, ZRTP_ACCEPTED);
  g_assert_cmpuint (pair.end[BOB].n_events[ZRTP_EVENT_RELAYED_SAS], ==, 1);
  g_assert_cmpstr (pair.end[BOB].relayed_sas.sas, !=, "");
  pair_settle (&pair);

  keys = (ZrtpConfirmKeys){
      alice->kept.hash, alice->kept.cipher, alice->kept.mackey[0], alice->kept.zrtpkey[0]};
  g_assert_true (zrtp_engine_relay_sas (alice, ZRTP_B32, other_sashash, false, false, pair.now));
  g_assert_true (zrtp_sealed_open (ZRTP_BYTES (alice->sasrelay), &keys, plain));
  g_assert_cmphex (zrtp_get_u32 (plain), ==, 0);
  pair_settle (&pair);
  pair_clear (&pair);
}

/* §5.13: from a peer that did not set M it is not rendered; a RelayACK, and no Error. */
static void
test_relay_without_m (void)
{
  Pair pair;
  uint8_t packet[ZRTP_MAX_PACKET], message[ZRTP_SASRELAY_SIZE] = {0};
  ZrtpWriter writer = zrtp_writer (message, sizeof message);
  size_t size;
  const PairEnd *bob = &pair.end[BOB];

  pair_init (&pair, 1);
  run (&pair);
  pair_assert_secure (&pair);
  g_assert_false (zrtp_engine_relay_sas (
      pair.end[ALICE].engine, ZRTP_B32, other_sashash, false, false, pair.now));
  zrtp_message_begin (&writer, ZRTP_MESSAGE_SASRELAY, sizeof message);
  size = zrtp_packet_write (packet, 9, pair.end[ALICE].config.ssrc, ZRTP_BYTES (message));
  pair_feed (&pair, BOB, packet, size);
  pair_settle (&pair);
  g_assert_cmpuint (bob->n_events[ZRTP_EVENT_RELAYED_SAS], ==, 0);
  g_assert_cmpuint (bob->n_sent[ZRTP_MESSAGE_RELAYACK], ==, 1);
  g_assert_cmpuint (bob->n_sent[ZRTP_MESSAGE_ERROR], ==, 0);
  pair_assert_secure (&pair);
  pair_clear (&pair);
}

/* --- §7.3.1: enrolment; §11: disclosure ----------------------------------------------------------------------------------------------- */

/* Every Confirm of Alice is opened, changed by `flags` and sealed again. */
typedef struct {
  ZrtpConfirm seen;
  bool set_allow_clear;
} ConfirmOfAlice;

static bool
open_confirm (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  static const uint8_t iv[ZRTP_CIPHER_BLOCK] = {9};
  ConfirmOfAlice *confirm = user;
  const bool first = packet_is (packet, ZRTP_MESSAGE_CONFIRM1);
  const ZrtpExchange *exchange = pair->end[ALICE].engine->exchange;
  const unsigned index = first ? ZRTP_R : ZRTP_I;
  ZrtpConfirmKeys keys;
  ZrtpPacket parsed;

  if (from != ALICE || !(first || packet_is (packet, ZRTP_MESSAGE_CONFIRM2)))
    return true;
  keys = (ZrtpConfirmKeys){exchange->hash, exchange->cipher, exchange->keys.mackey[index],
      exchange->keys.zrtpkey[index]};
  g_assert_cmpint (zrtp_packet_parse (packet, *size, &parsed), ==, ZRTP_ACCEPTED);
  g_assert_cmpint (zrtp_confirm_parse (parsed.message, &keys, &confirm->seen), ==, ZRTP_ACCEPTED);
  if (confirm->set_allow_clear) {
    ZrtpConfirm changed = confirm->seen;

    changed.allow_clear = true;
    zrtp_confirm_write (&changed, parsed.type, &keys, iv, packet + ZRTP_HEADER_SIZE);
  }
  return true;
}

static void
call_an_enrolling_pbx (Pair *pair, ConfirmOfAlice *confirm, bool accepts)
{
  pair_init (pair, 1);
  for (unsigned e = 0; e < 2; e++) {
    pair->end[e].config.cache_expiry = 0xffffffff;
    pair->end[e].config.allow_clear = true;
  }
  pair->end[ALICE].config.mitm = pair->end[ALICE].config.enroll = true;
  pair->end[BOB].config.accept_enrollment = accepts;
  pair->wire = open_confirm;
  pair->user = confirm;
  run (pair);
  pair_assert_secure (pair);
}

static void
test_enrollment_flags (void)
{
  Pair pair;
  ConfirmOfAlice confirm = {.set_allow_clear = false};

  call_an_enrolling_pbx (&pair, &confirm, true);
  g_assert_true (confirm.seen.enrollment);
  g_assert_false (confirm.seen.allow_clear); /* though it is allowed otherwise */
  pair_clear (&pair);

  /* "If a received Confirm message has the (E) flag set, the (A) flag MUST be disregarded" */
  confirm.set_allow_clear = true;
  call_an_enrolling_pbx (&pair, &confirm, true);
  g_assert_false (pair.end[BOB].secure.peer_allows_clear);
  g_assert_false (zrtp_call_go_clear (pair.end[BOB].call, pair.now));
  pair_clear (&pair);
}

/* "An endpoint MUST NOT store the pbxsecret in the cache without explicit user authorization." */
static void
test_enrollment_needs_the_user (void)
{
  enum {
    NOT_ASKED,
    SAYS_NOTHING,
    SAYS_NO,
    SAYS_YES,
    N_USERS
  };

  for (unsigned user = 0; user < N_USERS; user++) {
    Pair pair;
    ConfirmOfAlice confirm = {.set_allow_clear = false};
    PairEnd *bob = &pair.end[BOB];

    call_an_enrolling_pbx (&pair, &confirm, user != NOT_ASKED);
    g_assert_cmpuint (bob->n_events[ZRTP_EVENT_ENROLLMENT], ==, user != NOT_ASKED);
    g_assert_false (bob->record.has_pbx);
    if (user == NOT_ASKED)
      g_assert_false (zrtp_engine_accept_enrollment (bob->engine, true));
    if (user >= SAYS_NO)
      g_assert_true (zrtp_engine_accept_enrollment (bob->engine, user == SAYS_YES));
    pair_settle (&pair);
    g_assert_cmpint (bob->record.has_pbx, ==, user == SAYS_YES);
    g_assert_true (pair.end[ALICE].record.has_pbx);
    if (user == SAYS_YES)
      g_assert_cmpmem (bob->record.pbx, ZRTP_RS_SIZE, pair.end[ALICE].record.pbx, ZRTP_RS_SIZE);
    pair_clear (&pair);
  }
}

static void
test_disclosure (void)
{
  for (unsigned discloses = 0; discloses < 2; discloses++) {
    Pair pair;
    ConfirmOfAlice confirm = {.set_allow_clear = false};

    pair_init (&pair, 1);
    pair.end[ALICE].config.disclosure = discloses;
    pair.wire = open_confirm;
    pair.user = &confirm;
    run (&pair);
    pair_assert_secure (&pair);
    g_assert_cmpint (confirm.seen.disclosure, ==, discloses);
    g_assert_cmpint (pair.end[BOB].secure.peer_disclosure, ==, discloses);
    g_assert_false (pair.end[ALICE].secure.peer_disclosure);
    pair_clear (&pair);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(name, function) g_test_add_func ("/conformance-modes/" name, function)
  TEST ("ssrc-collision", test_ssrc_collision);
  TEST ("dh-beats-preshared", test_dh_beats_preshared);
  TEST ("preshared-contention", test_preshared_contention);
  TEST ("auxsecret", test_auxsecret);
  TEST ("pbxsecret", test_pbxsecret);
  TEST ("pbxsecret-id", test_pbxsecret_id);
  TEST ("preshared-needs", test_preshared_needs);
  TEST ("preshared-key-unknown", test_preshared_key_unknown);
  TEST ("preshared-error", test_preshared_error);
  TEST ("preshared-key-is-erased", test_preshared_key_is_erased);
  TEST ("multistream", test_multistream);
  TEST ("multistream-algorithms", test_multistream_algorithms);
  TEST ("multistream-contention", test_multistream_contention);
  TEST ("nonce-is-unique", test_nonce_is_unique);
  TEST ("nonce-reuse", test_nonce_reuse);
  TEST ("clear", test_clear);
  TEST ("clear-unanswered", test_clear_unanswered);
  TEST ("clear-mac", test_clear_mac);
  TEST ("clear-not-allowed", test_clear_not_allowed);
  TEST ("relay", test_relay);
  TEST ("relay-untrusted", test_relay_untrusted);
  TEST ("relay-unused-bits", test_relay_unused_bits);
  TEST ("relay-without-m", test_relay_without_m);
  TEST ("enrollment-flags", test_enrollment_flags);
  TEST ("enrollment-needs-the-user", test_enrollment_needs_the_user);
  TEST ("disclosure", test_disclosure);
  return g_test_run ();
}
