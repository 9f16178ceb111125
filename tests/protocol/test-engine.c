/* The engine: whole negotiations between two ends, with a wire that loses and changes packets.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/protocol/pair.h"

#include "ext/gmp/zrtp-gmp.h"
#include "ext/nettle/zrtp-nettle.h"

#include <string.h>

enum {
  BOTH = 1 << ALICE | 1 << BOB
};

static const ZrtpType key_agreements[] = {
    ZRTP_X255, ZRTP_E255, ZRTP_X448, ZRTP_EC25, ZRTP_EC38, ZRTP_EC52, ZRTP_DH3K, ZRTP_DH2K};

/* --- Wires ----------------------------------------------------------------------------------------- */

/* Loses the first `n` packets of a type that `from` sends. */
typedef struct {
  unsigned from;
  ZrtpMessageType type;
  unsigned n, seen;
} Loss;

static bool
lose (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  Loss *loss = user;

  return from != loss->from || !packet_is (packet, loss->type) || loss->seen++ >= loss->n;
}

static const unsigned always = G_MAXUINT;

/* Changes one octet of the message, in every packet of the type or only the first ones. */
typedef struct {
  unsigned from;
  ZrtpMessageType type;
  size_t offset; /* from the start of the message */
  uint8_t xor ;
  unsigned n, seen;
} Flip;

static bool
flip (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  Flip *f = user;

  if (from == f->from && packet_is (packet, f->type) && f->seen++ < f->n)
    packet[ZRTP_HEADER_SIZE + f->offset] ^= f->xor ;
  return true;
}

/* Makes `initiator` the initiator: the other's Commit is lost, and it has the lower hvi, so that it
 * does not insist (§4.2). */
static bool
one_initiator (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  const unsigned *initiator = user;
  ZrtpEngine *other = pair->end[!*initiator].engine;

  if (zrtp_engine_get_state (other) == ZRTP_STATE_COMMIT_SENT)
    memset (other->exchange->own_commit.hvi, 0, ZRTP_HVI_SIZE);
  return from == *initiator || !packet_is (packet, ZRTP_MESSAGE_COMMIT);
}

/* --- Success --------------------------------------------------------------------------------------- */

/* Whether the three go together (§5.1.5); what does not has tests of its own. */
static bool
fits (ZrtpType key_agreement, ZrtpType hash, ZrtpType cipher)
{
  switch (key_agreement) {
    case ZRTP_EC38:
      return hash == ZRTP_S384 || hash == ZRTP_N384;
    case ZRTP_DH2K:
      return cipher == ZRTP_AES1;
    default:
      return true;
  }
}

static void
assert_negotiates (const ZrtpType wanted[ZRTP_N_KINDS], unsigned initiator, uint64_t seed)
{
  Pair pair;
  const ZrtpType *chosen;

  pair_init (&pair, seed);
  for (unsigned e = 0; e < 2; e++)
    for (ZrtpKind kind = 0; kind < ZRTP_N_KINDS; kind++)
      offer_only (&pair.end[e].config, kind, wanted[kind]);
  pair.wire = one_initiator;
  pair.user = &initiator;
  pair_start (&pair, BOTH);
  pair_settle (&pair);
  pair_assert_secure (&pair);

  chosen = pair.end[ALICE].secure.choice.type;
  for (ZrtpKind kind = 0; kind < ZRTP_N_KINDS; kind++)
    g_assert_cmphex (chosen[kind], ==, wanted[kind]);
  g_assert_cmpuint (pair.end[ALICE].send_key.size, ==,
      (chosen[ZRTP_CIPHER] == ZRTP_AES1 ? 16 : 32) + (chosen[ZRTP_AUTH_TAG] == ZRTP_GCM ? 12 : 14));
  g_assert_cmpint (zrtp_engine_get_role (pair.end[initiator].engine), ==, ZRTP_ROLE_INITIATOR);
  g_assert_cmpuint (strlen (pair.end[ALICE].secure.sas), ==,
      chosen[ZRTP_SAS] == ZRTP_B32 ? 4 : strlen (pair.end[BOB].secure.sas));
  pair_clear (&pair);
}

static void
test_all_algorithms (void)
{
  static const ZrtpType hashes[] = {ZRTP_S256, ZRTP_S384, ZRTP_S512, ZRTP_N256, ZRTP_N384};
  static const ZrtpType ciphers[] = {ZRTP_AES1, ZRTP_AES3};
  static const ZrtpType tags[] = {ZRTP_HS80, ZRTP_HS32, ZRTP_GCM};
  static const ZrtpType sas[] = {ZRTP_B32, ZRTP_B256};

  for (unsigned k = 0; k < G_N_ELEMENTS (key_agreements); k++)
    for (unsigned h = 0; h < G_N_ELEMENTS (hashes); h++)
      for (unsigned bits = 0; bits < 16; bits++) {
        const ZrtpType wanted[ZRTP_N_KINDS] = {
            [ZRTP_HASH] = hashes[h],
            [ZRTP_CIPHER] = ciphers[bits & 1],
            [ZRTP_AUTH_TAG] = tags[(bits + h) % G_N_ELEMENTS (tags)],
            [ZRTP_KEY_AGREEMENT] = key_agreements[k],
            [ZRTP_SAS] = sas[bits >> 2 & 1],
        };

        if (key_agreements[k] == ZRTP_DH3K && (h + bits) % 5)
          continue; /* slow */
        if (fits (key_agreements[k], hashes[h], ciphers[bits & 1]))
          assert_negotiates (wanted, bits >> 3, 16 * h + bits);
      }
}

/* §5.1.5: EC38 needs SHA-384 or SHA3-384; without one in common both ends pass to the next. */
static void
test_ec38_needs_its_hash (void)
{
  static const struct {
    ZrtpType alices, bobs, key_agreement, hash;
  } rows[] = {
      {ZRTP_S384, ZRTP_S256, ZRTP_EC25, ZRTP_S256},
      {ZRTP_S384, ZRTP_N384, ZRTP_EC25, ZRTP_S256},
      {ZRTP_S512, ZRTP_S512, ZRTP_EC25, ZRTP_S512},
      {ZRTP_N256, ZRTP_N256, ZRTP_EC25, ZRTP_N256},
      {ZRTP_N384, ZRTP_N384, ZRTP_EC38, ZRTP_N384},
      {ZRTP_S384, ZRTP_S384, ZRTP_EC38, ZRTP_S384},
  };

  for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
    Pair pair;

    pair_init (&pair, i);
    for (unsigned e = 0; e < 2; e++)
      pair.end[e].config.offer.list[ZRTP_KEY_AGREEMENT] = (ZrtpList){2, {ZRTP_EC38, ZRTP_EC25}};
    offer_only (&pair.end[ALICE].config, ZRTP_HASH, rows[i].alices);
    offer_only (&pair.end[BOB].config, ZRTP_HASH, rows[i].bobs);
    pair_start (&pair, BOTH);
    pair_settle (&pair);
    pair_assert_secure (&pair);
    g_assert_cmphex (
        pair.end[BOB].secure.choice.type[ZRTP_KEY_AGREEMENT], ==, rows[i].key_agreement);
    g_assert_cmphex (pair.end[BOB].secure.choice.type[ZRTP_HASH], ==, rows[i].hash);
    pair_clear (&pair);
  }
}

/* X25519 under its two names: both commit at once, each with its own order, and it is one and the same
 * that they commit to; nobody makes a second key pair. */
static unsigned n_generated;

static bool
counting_x255 (const ZrtpRandom *random, unsigned bits, uint8_t *secret, uint8_t *pv)
{
  n_generated++;
  return zrtp_nettle_x255.generate (random, bits, secret, pv);
}

static bool
counting_e255 (const ZrtpRandom *random, unsigned bits, uint8_t *secret, uint8_t *pv)
{
  n_generated++;
  return zrtp_nettle_e255.generate (random, bits, secret, pv);
}

static void
test_x25519_contention (void)
{
  static const struct {
    ZrtpList alices, bobs;
    ZrtpType chosen;
  } rows[] = {
      {{2, {ZRTP_X255, ZRTP_E255}}, {2, {ZRTP_E255, ZRTP_X255}}, ZRTP_X255},
      {{2, {ZRTP_E255, ZRTP_X255}}, {2, {ZRTP_E255, ZRTP_X255}}, ZRTP_E255},
      {{2, {ZRTP_X255, ZRTP_E255}}, {1, {ZRTP_E255}}, ZRTP_E255},
      {{2, {ZRTP_E255, ZRTP_X255}}, {1, {ZRTP_X255}}, ZRTP_X255},
  };
  ZrtpKeyAgreement x255 = zrtp_nettle_x255, e255 = zrtp_nettle_e255;
  const ZrtpKeyAgreement *const counting[] = {&x255, &e255, &zrtp_gmp_dh3k, NULL};

  x255.generate = counting_x255;
  e255.generate = counting_e255;
  for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++)
    for (unsigned seed = 0; seed < 8; seed++) {
      Pair pair;

      n_generated = 0;
      pair_init (&pair, seed);
      for (unsigned e = 0; e < 2; e++)
        pair.end[e].crypto.key_agreements = counting;
      pair.end[ALICE].config.offer.list[ZRTP_KEY_AGREEMENT] = rows[i].alices;
      pair.end[BOB].config.offer.list[ZRTP_KEY_AGREEMENT] = rows[i].bobs;
      pair_start (&pair, BOTH);
      pair_settle (&pair);
      pair_assert_secure (&pair);
      for (unsigned e = 0; e < 2; e++) {
        g_assert_cmphex (pair.end[e].secure.choice.type[ZRTP_KEY_AGREEMENT], ==, rows[i].chosen);
        g_assert_cmpuint (
            pair.end[e].n_sent[ZRTP_MESSAGE_COMMIT], <=, 1); /* the loser may not get to it */
      }
      g_assert_cmpuint (n_generated, ==, 2);
      pair_clear (&pair);
    }
}

/* §5.2: "If a mandatory algorithm is not included in the list, it is implicitly added" */
static void
test_nothing_listed (void)
{
  Pair pair;
  const ZrtpType *chosen;

  pair_init (&pair, 1);
  memset (&pair.end[ALICE].config.offer, 0, sizeof pair.end[ALICE].config.offer);
  offer_only (&pair.end[BOB].config, ZRTP_KEY_AGREEMENT, ZRTP_X255);
  pair_start (&pair, BOTH);
  pair_settle (&pair);
  pair_assert_secure (&pair);
  chosen = pair.end[ALICE].secure.choice.type;
  g_assert_cmphex (chosen[ZRTP_KEY_AGREEMENT], ==, ZRTP_DH3K);
  g_assert_cmphex (chosen[ZRTP_HASH], ==, ZRTP_S256);
  g_assert_cmphex (chosen[ZRTP_CIPHER], ==, ZRTP_AES1);
  g_assert_cmphex (chosen[ZRTP_SAS], ==, ZRTP_B32);
  pair_clear (&pair);
}

/* §4.2: both commit at once; the lower hvi is discarded. */
static void
test_contention (void)
{
  unsigned won[2] = {0, 0};

  for (unsigned seed = 0; seed < 40; seed++) {
    Pair pair;
    const uint8_t *hvi[2];
    uint8_t kept[2][ZRTP_HVI_SIZE];
    unsigned winner;

    pair_init (&pair, seed);
    pair.wire = lose;
    pair.user = &(Loss){ALICE, ZRTP_MESSAGE_COMMIT, 1, 0};
    pair_start (&pair, BOTH);
    /* until both have committed: Bob's Commit is delivered by the settling below */
    pair.user = &(Loss){2, ZRTP_MESSAGE_COMMIT, 0, 0};
    for (unsigned i = 0; i < 2; i++) {
      uint8_t hello[ZRTP_MAX_PACKET];
      size_t size = zrtp_engine_poll_packet (pair.end[i].engine, hello);

      pair_feed (&pair, !i, hello, size);
    }
    for (unsigned i = 0; i < 2; i++) {
      g_assert_cmpint (pair_state (&pair, i), ==, ZRTP_STATE_COMMIT_SENT);
      hvi[i] = pair.end[i].engine->exchange->commit + ZRTP_COMMIT_DH_SIZE - 8 - 32;
      memcpy (kept[i], hvi[i], ZRTP_HVI_SIZE);
    }
    winner = memcmp (kept[ALICE], kept[BOB], ZRTP_HVI_SIZE) > 0 ? ALICE : BOB;
    won[winner]++;
    pair_settle (&pair);
    pair_assert_secure (&pair);
    g_assert_cmpint (zrtp_engine_get_role (pair.end[winner].engine), ==, ZRTP_ROLE_INITIATOR);
    pair_clear (&pair);
  }
  g_assert_cmpuint (won[ALICE], >, 5);
  g_assert_cmpuint (won[BOB], >, 5);
}

/* Loses the first Commit of each end, and sees to it that a Commit names the one who sends it. */
static bool
lose_first_commits (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  bool *seen = user, first = !seen[from];

  if (!packet_is (packet, ZRTP_MESSAGE_COMMIT))
    return true;
  g_assert_cmpmem (packet + ZRTP_HEADER_SIZE + ZRTP_FRAME_SIZE + ZRTP_IMAGE_SIZE, ZRTP_ZID_SIZE,
      pair->end[from].engine->call->zid, ZRTP_ZID_SIZE);
  seen[from] = true;
  return !first;
}

/* A Commit that still waits to be sent when the peer's wins is discarded too (§4.2). */
static void
test_waiting_commit (void)
{
  for (unsigned seed = 0; seed < 10; seed++) {
    bool seen[2] = {false, false};
    Pair pair;

    pair_init (&pair, seed);
    pair.wire = lose_first_commits;
    pair.user = seen;
    pair_start (&pair, BOTH);
    pair_run (&pair, pair.now + 1000 * MS);
    g_assert_true (seen[ALICE] && seen[BOB]);
    pair_assert_secure (&pair);
    pair_clear (&pair);
  }
}

/* The contention's loser keeps its key pair when it fits (§4.1.2), and makes another when the Commit
 * names another key agreement or a longer exponent. */
static unsigned generated;

static bool
counting_generate (const ZrtpRandom *random, unsigned bits, uint8_t *secret, uint8_t *pv)
{
  generated++;
  return zrtp_nettle_x255.generate (random, bits, secret, pv);
}

static void
test_key_pair_kept (void)
{
  const ZrtpKeyAgreement counting = {
      ZRTP_X255, 32, 32, false, counting_generate, zrtp_nettle_x255.agree};
  const ZrtpKeyAgreement *const only[] = {&counting, &zrtp_gmp_dh3k, NULL};

  for (unsigned seed = 0; seed < 10; seed++) {
    Pair pair;

    generated = 0;
    pair_init (&pair, seed);
    for (unsigned e = 0; e < 2; e++) {
      pair.end[e].crypto.key_agreements = only;
      offer_only (&pair.end[e].config, ZRTP_KEY_AGREEMENT, ZRTP_X255);
    }
    pair_start (&pair, BOTH);
    pair_settle (&pair);
    pair_assert_secure (&pair);
    g_assert_cmpuint (generated, ==, 2);
    pair_clear (&pair);
  }
}

static void
test_longer_exponent (void)
{
  /* Alice wants AES-256, Bob AES-128: with DH3k the initiator's cipher decides the exponent. */
  for (unsigned initiator = 0; initiator < 2; initiator++) {
    Pair pair;

    pair_init (&pair, 3);
    for (unsigned e = 0; e < 2; e++)
      offer_only (&pair.end[e].config, ZRTP_KEY_AGREEMENT, ZRTP_DH3K);
    pair.end[ALICE].config.offer.list[ZRTP_CIPHER] = (ZrtpList){2, {ZRTP_AES3, ZRTP_AES1}};
    pair.wire = one_initiator;
    pair.user = &initiator;
    pair_start (&pair, BOTH);
    pair_settle (&pair);
    pair_assert_secure (&pair);
    g_assert_cmphex (pair.end[BOB].secure.choice.type[ZRTP_CIPHER], ==,
        initiator == ALICE ? ZRTP_AES3 : ZRTP_AES1);
    pair_clear (&pair);
  }
}

static const struct {
  const char *version;
  bool match;
} same_versions[] = {
    {"1.1 ", true}, {"1.11", true}, {"1.1a", true}, {"1.20", false}, {"2.00", false}};

/* Gives Alice's Hello another version, with a good MAC: she is real. */
static void
set_version (Pair *pair, unsigned end, const char *version)
{
  ZrtpEngine *engine = pair->end[end].engine;
  ZrtpHello hello;
  ZrtpBytes view = {engine->hello, engine->hello_size};

  g_assert_true (zrtp_hello_parse (view, &hello));
  memcpy (hello.version, version, 4);
  zrtp_hello_write (&hello, engine->call->s256, engine->chain.h[2], engine->hello);
}

static void
test_versions (void)
{
  for (unsigned i = 0; i < G_N_ELEMENTS (same_versions); i++) {
    Pair pair;

    pair_init (&pair, i);
    pair_start (&pair, 0);
    set_version (&pair, ALICE, same_versions[i].version);
    pair_start (&pair, BOTH);
    pair_settle (&pair);
    if (same_versions[i].match) {
      pair_assert_secure (&pair);
    } else {
      /* "higher ... MUST be ignored", but acknowledged (§5.3); Bob sends his Hello on. */
      g_assert_cmpint (pair_state (&pair, BOB), ==, ZRTP_STATE_DISCOVERY);
      g_assert_cmpuint (pair.end[BOB].n_sent[ZRTP_MESSAGE_HELLOACK], ==, 1);
      g_assert_cmpuint (pair.end[BOB].n_sent[ZRTP_MESSAGE_ERROR], ==, 0);
    }
    pair_clear (&pair);
  }
}

/* "lower ... MUST send an Error message"; when no better Hello has come, since this one may be forged. */
static void
test_old_version (void)
{
  Pair pair;

  pair_init (&pair, 1);
  pair_start (&pair, 0);
  set_version (&pair, ALICE, "1.00");
  pair_start (&pair, BOTH);
  pair_settle (&pair);
  g_assert_cmpuint (pair.end[BOB].n_events[ZRTP_EVENT_BAD_VERSION], ==, 1);
  g_assert_cmpuint (pair.end[BOB].n_sent[ZRTP_MESSAGE_ERROR], ==, 0);
  pair_run (&pair, pair.now + 5000 * MS);
  g_assert_cmpuint (pair.end[BOB].n_sent[ZRTP_MESSAGE_ERROR], >=, 1);
  g_assert_cmphex (pair.end[BOB].failed_code, ==, ZRTP_ERROR_VERSION);
  pair_clear (&pair);

  /* forged: the real one still comes through, and gets no Error */
  pair_init (&pair, 2);
  {
    Pair old;
    uint8_t hello[ZRTP_MAX_PACKET];
    size_t size;

    pair_init (&old, 77);
    pair_start (&old, 0);
    set_version (&old, BOB, "1.00");
    pair_start (&old, 1 << BOB);
    size = zrtp_engine_poll_packet (old.end[BOB].engine, hello);
    pair_start (&pair, 1 << ALICE);
    pair_feed (&pair, ALICE, hello, size);
    pair_start (&pair, 1 << BOB);
    pair_run (&pair, pair.now + 1000 * MS);
    pair_assert_secure (&pair);
    g_assert_cmpuint (pair.end[ALICE].n_sent[ZRTP_MESSAGE_ERROR], ==, 0);
    pair_clear (&old);
  }
  pair_clear (&pair);
}

/* --- Retransmission, §6 ----------------------------------------------------------------------------- */

static void
assert_schedule (const PairEnd *end, ZrtpMessageType type, const unsigned *ms, unsigned n)
{
  g_assert_cmpuint (end->n_sent[type], ==, n);
  for (unsigned i = 0; i < n; i++)
    g_assert_cmpuint ((end->sent_at[type][i] - end->sent_at[type][0]) / MS, ==, ms[i]);
}

static void
test_hello_schedule (void)
{
  Pair pair;
  unsigned ms[21] = {0, 50, 150};

  for (unsigned i = 3; i < 21; i++)
    ms[i] = ms[i - 1] + 200;
  g_assert_cmpuint (ms[20], ==, 3750); /* "exhausted after 3.75 seconds" */
  pair_init (&pair, 1);
  pair_start (&pair, 1 << ALICE);
  pair_run (&pair, pair.now + 60000 * MS);
  assert_schedule (&pair.end[ALICE], ZRTP_MESSAGE_HELLO, ms, 21);
  g_assert_cmpuint (pair.end[ALICE].n_events[ZRTP_EVENT_NO_ANSWER], ==, 1);
  g_assert_cmpint (pair_state (&pair, ALICE), ==, ZRTP_STATE_DISCOVERY);
  pair_clear (&pair);
}

/* "it SHOULD extend its own Hello retry schedule to span at least 12 seconds": one that has seen the
 * peer's Hello but no HelloACK. */
static bool
lose_all_but_hello (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  return from == BOB && packet_is (packet, ZRTP_MESSAGE_HELLO);
}

static void
test_extended_hello_schedule (void)
{
  Pair pair;
  const PairEnd *alice = &pair.end[ALICE];
  unsigned n;

  pair_init (&pair, 1);
  pair.wire = lose_all_but_hello;
  pair_start (&pair, BOTH);
  /* Alice's Commit is not answered either: she gives up after T2, 9.45 + 1.2 s. */
  pair_run (&pair, pair.now + 10500 * MS);
  n = alice->n_sent[ZRTP_MESSAGE_HELLO];
  g_assert_cmpuint (n, >, 50);
  g_assert_cmpuint (alice->sent_at[ZRTP_MESSAGE_HELLO][n - 1], >,
      alice->sent_at[ZRTP_MESSAGE_HELLO][0] + 10000 * MS);
  pair_clear (&pair);

  /* The same with a hash from the signalling as the only evidence. */
  pair_init (&pair, 1);
  pair.end[ALICE].config.has_peer_hello_hash = true;
  pair_start (&pair, 1 << ALICE);
  pair_run (&pair, pair.now + 60000 * MS);
  n = alice->n_sent[ZRTP_MESSAGE_HELLO];
  g_assert_cmpuint (n, ==, 63);
  g_assert_cmpuint (alice->sent_at[ZRTP_MESSAGE_HELLO][n - 1], >=,
      alice->sent_at[ZRTP_MESSAGE_HELLO][0] + 12000 * MS);
  pair_clear (&pair);
}

/* Commit, DHPart2 and Confirm2 each go out 11 times, then the negotiation fails. */
static void
test_message_schedule (void)
{
  static const unsigned ms[11] = {0, 150, 450, 1050, 2250, 3450, 4650, 5850, 7050, 8250, 9450};
  static const struct {
    ZrtpMessageType sent, answer;
  } rows[] = {{ZRTP_MESSAGE_COMMIT, ZRTP_MESSAGE_DHPART1},
      {ZRTP_MESSAGE_DHPART2, ZRTP_MESSAGE_CONFIRM1},
      {ZRTP_MESSAGE_CONFIRM2, ZRTP_MESSAGE_CONF2ACK}};

  for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++)
    for (unsigned seed = 0; seed < 2; seed++) {
      Pair pair;
      Loss loss = {2, rows[i].answer, always, 0};
      unsigned initiator;

      pair_init (&pair, seed);
      pair.wire = lose;
      pair.user = &loss;
      pair_start (&pair, BOTH);
      /* Whoever answers first is the responder: its answers are lost. */
      for (unsigned from = 0; from < 2; from++) {
        uint8_t hello[ZRTP_MAX_PACKET];
        size_t size = zrtp_engine_poll_packet (pair.end[from].engine, hello);

        pair_feed (&pair, !from, hello, size);
      }
      initiator = memcmp (pair.end[ALICE].engine->exchange->commit + 76,
                      pair.end[BOB].engine->exchange->commit + 76, 32) > 0
                      ? ALICE
                      : BOB;
      loss.from = !initiator;
      pair_run (&pair, pair.now + 30000 * MS);
      assert_schedule (&pair.end[initiator], rows[i].sent, ms, 11);
      if (rows[i].sent == ZRTP_MESSAGE_COMMIT) {
        /* Bob, whose DHPart1 is lost, loses patience first and says so. */
        g_assert_cmphex (pair.end[!initiator].failed_code, ==, ZRTP_ERROR_TIMEOUT);
        pair_clear (&pair);
        continue;
      }
      g_assert_cmpuint (pair.end[initiator].n_events[ZRTP_EVENT_FAILED], ==, 1);
      g_assert_cmphex (pair.end[initiator].failed_code, ==, ZRTP_ERROR_TIMEOUT);
      g_assert_false (pair.end[initiator].failed_by_peer);
      pair_clear (&pair);
    }
}

/* Every message is lost once, twice, three times: the negotiation comes through. */
static void
test_single_losses (void)
{
  for (ZrtpMessageType type = ZRTP_MESSAGE_HELLO; type <= ZRTP_MESSAGE_CONF2ACK; type++)
    for (unsigned from = 0; from < 2; from++)
      for (unsigned n = 1; n <= 3; n++)
        for (unsigned seed = 0; seed < 4; seed++) {
          Pair pair;

          pair_init (&pair, seed);
          pair.wire = lose;
          pair.user = &(Loss){from, type, n, 0};
          pair_start (&pair, BOTH);
          pair_run (&pair, pair.now + 5000 * MS);
          pair_assert_secure (&pair);
          pair_clear (&pair);
        }
}

/* Neither HelloACK arrives: the Commit stands for it (§5.3). Other engines never get through this. */
static bool
lose_helloack (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  return !packet_is (packet, ZRTP_MESSAGE_HELLOACK);
}

static void
test_no_helloack (void)
{
  Pair pair;

  pair_init (&pair, 1);
  pair.wire = lose_helloack;
  pair_start (&pair, BOTH);
  pair_settle (&pair);
  pair_assert_secure (&pair);
  pair_clear (&pair);
}

static void
test_srtp_is_conf2ack (void)
{
  Pair pair;
  unsigned initiator = ALICE;
  Loss loss = {BOB, ZRTP_MESSAGE_CONF2ACK, always, 0};

  pair_init (&pair, 1);
  pair_start (&pair, BOTH);
  pair.wire = one_initiator;
  pair.user = &initiator;
  for (unsigned i = ALICE; pair_state (&pair, BOB) != ZRTP_STATE_DHPART1_SENT; i = !i) {
    uint8_t packet[ZRTP_MAX_PACKET];
    size_t size = zrtp_engine_poll_packet (pair.end[i].engine, packet);

    if (size && one_initiator (&pair, i, packet, &size, &initiator))
      pair_feed (&pair, !i, packet, size);
  }
  g_assert_cmpint (pair_state (&pair, ALICE), ==, ZRTP_STATE_COMMIT_SENT);
  pair.wire = lose;
  pair.user = &loss;
  pair_run (&pair, pair.now + 1000 * MS);
  g_assert_cmpint (pair_state (&pair, BOB), ==, ZRTP_STATE_SECURE);
  g_assert_cmpint (pair_state (&pair, ALICE), ==, ZRTP_STATE_CONFIRM2_SENT);
  /* §4: the initiator may receive, but MUST NOT send SRTP yet. */
  g_assert_cmpuint (pair.end[ALICE].n_events[ZRTP_EVENT_RECEIVE_KEY], ==, 1);
  g_assert_cmpuint (pair.end[ALICE].n_events[ZRTP_EVENT_SEND_KEY], ==, 0);
  /* A repeated Confirm2 was answered every time. */
  g_assert_cmpuint (pair.end[BOB].n_sent[ZRTP_MESSAGE_CONF2ACK], ==,
      pair.end[ALICE].n_sent[ZRTP_MESSAGE_CONFIRM2]);
  g_assert_cmpuint (pair.end[ALICE].n_sent[ZRTP_MESSAGE_CONFIRM2], >, 1);

  zrtp_engine_srtp_authenticated (pair.end[ALICE].engine, pair.now);
  pair_settle (&pair);
  pair_assert_secure (&pair);
  pair_clear (&pair);
}

/* SRTP that passes at any other time means nothing. */
static void
test_srtp_too_early (void)
{
  Pair pair;

  pair_init (&pair, 1);
  pair_start (&pair, BOTH);
  zrtp_engine_srtp_authenticated (pair.end[ALICE].engine, pair.now);
  g_assert_cmpint (pair_state (&pair, ALICE), ==, ZRTP_STATE_DISCOVERY);
  pair_settle (&pair);
  pair_assert_secure (&pair);
  pair_clear (&pair);
}

/* --- Appearing late --------------------------------------------------------------------------------- */

static void
test_late_peer (void)
{
  static const unsigned delays[] = {30, 1000, 3800, 5000, 60000, 600000};

  for (unsigned i = 0; i < G_N_ELEMENTS (delays); i++) {
    Pair pair;

    pair_init (&pair, i);
    pair_start (&pair, 1 << ALICE);
    pair_run (&pair, pair.now + delays[i] * MS);
    pair_start (&pair, 1 << BOB);
    pair_run (&pair, pair.now + 500 * MS);
    pair_assert_secure (&pair);
    pair_clear (&pair);
  }
}

/* The first media packet starts discovery again, once. */
static void
test_media_resumes (void)
{
  Pair pair;
  PairEnd *alice = &pair.end[ALICE];

  pair_init (&pair, 1);
  pair_start (&pair, 1 << ALICE);
  pair_run (&pair, pair.now + 10000 * MS);
  g_assert_cmpuint (alice->n_sent[ZRTP_MESSAGE_HELLO], ==, 21);
  zrtp_engine_media_received (alice->engine, pair.now);
  pair_run (&pair, pair.now + 10000 * MS);
  g_assert_cmpuint (alice->n_sent[ZRTP_MESSAGE_HELLO], ==, 42);
  g_assert_cmpuint (alice->n_events[ZRTP_EVENT_NO_ANSWER], ==, 2);
  zrtp_engine_media_received (alice->engine, pair.now);
  pair_run (&pair, pair.now + 10000 * MS);
  g_assert_cmpuint (alice->n_sent[ZRTP_MESSAGE_HELLO], ==, 42);
  pair_clear (&pair);
}

/* A HelloACK from somebody else must not silence us towards the peer. */
static void
test_foreign_helloack (void)
{
  Pair pair;
  uint8_t ack[ZRTP_FRAME_SIZE], packet[ZRTP_MAX_PACKET];
  size_t size;

  pair_init (&pair, 1);
  pair_start (&pair, 1 << ALICE);
  pair_settle (&pair);
  zrtp_ack_write (ack, ZRTP_MESSAGE_HELLOACK);
  size = zrtp_packet_write (packet, 1, 0xbad, ZRTP_BYTES (ack));
  g_assert_cmpint (pair_feed (&pair, ALICE, packet, size), ==, ZRTP_ACCEPTED);
  pair_run (&pair, pair.now + 1000 * MS);
  pair_start (&pair, 1 << BOB);
  pair_run (&pair, pair.now + 1000 * MS);
  pair_assert_secure (&pair);
  pair_clear (&pair);
}

/* --- Attacks and errors ------------------------------------------------------------------------------ */

/* Runs a negotiation with `initiator` and a wire that flips something of `from`; then `who` must have
 * failed with `code`, on its own account. */
typedef struct {
  Flip flip;
  unsigned initiator;
} Attack;

static bool
attack_wire (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  Attack *attack = user;

  return one_initiator (pair, from, packet, size, &attack->initiator) &&
         flip (pair, from, packet, size, &attack->flip);
}

static void
run_attack (Pair *pair, Attack *attack)
{
  pair->wire = attack_wire;
  pair->user = attack;
  pair_start (pair, BOTH);
  pair_run (pair, pair->now + 3000 * MS);
}

static void
assert_fails (Attack attack, ZrtpType key_agreement, unsigned who, unsigned code)
{
  Pair pair;

  pair_init (&pair, 7);
  for (unsigned e = 0; e < 2; e++)
    offer_only (&pair.end[e].config, ZRTP_KEY_AGREEMENT, key_agreement);
  run_attack (&pair, &attack);
  g_assert_cmpuint (pair.end[who].n_events[ZRTP_EVENT_FAILED], ==, 1);
  g_assert_cmphex (pair.end[who].failed_code, ==, code);
  g_assert_false (pair.end[who].failed_by_peer);
  g_assert_cmpuint (pair.end[who].n_events[ZRTP_EVENT_SECURE], ==, 0);
  g_assert_cmpuint (pair.end[!who].n_events[ZRTP_EVENT_SECURE], ==, 0);
  /* The other end learns of it, acknowledges, and the retransmission stops. */
  g_assert_cmpuint (pair.end[!who].n_events[ZRTP_EVENT_FAILED], ==, 1);
  g_assert_cmphex (pair.end[!who].failed_code, ==, code);
  g_assert_true (pair.end[!who].failed_by_peer);
  g_assert_cmpuint (pair.end[who].n_sent[ZRTP_MESSAGE_ERROR], ==, 1);
  g_assert_cmpuint (pair.end[!who].n_sent[ZRTP_MESSAGE_ERRORACK], ==, 1);
  g_assert_null (pair.end[who].engine->exchange);
  pair_clear (&pair);
}

/* Offsets within messages, octets: Figures 3, 5, 8, 9, 10. */
enum {
  HELLO_ALGORITHMS = 80,
  HELLO_ZID = 64,
  HELLO_CLIENT_ID = 16,
  COMMIT_H2 = 12,
  COMMIT_ZID = 44,
  COMMIT_HASH = 56,
  COMMIT_CIPHER = 60,
  COMMIT_AUTH = 64,
  COMMIT_KA = 68,
  COMMIT_SAS = 72,
  COMMIT_HVI = 76,
  COMMIT_MAC = 108,
  DHPART_H1 = 12,
  DHPART_RS1 = 44,
  DHPART_PV = 76,
  CONFIRM_MAC = 12,
  CONFIRM_IV = 20,
  CONFIRM_ENCRYPTED = 36,
};

/* A06, §5.2: a changed Hello is found out when its MAC key comes. */
static void
test_altered_hello (void)
{
  /* by the responder in the Commit, by the initiator in DHPart1 */
  assert_fails ((Attack){{ALICE, ZRTP_MESSAGE_HELLO, HELLO_CLIENT_ID, 1, always, 0}, ALICE},
      ZRTP_X255, BOB, ZRTP_ERROR_HELLO_MISMATCH);
  assert_fails ((Attack){{BOB, ZRTP_MESSAGE_HELLO, HELLO_CLIENT_ID, 1, always, 0}, ALICE},
      ZRTP_X255, ALICE, ZRTP_ERROR_HELLO_MISMATCH);
  /* a list made shorter by renaming what stands in it */
  assert_fails ((Attack){{BOB, ZRTP_MESSAGE_HELLO, HELLO_ALGORITHMS + 3, 0xff, always, 0}, ALICE},
      ZRTP_X255, ALICE, ZRTP_ERROR_HELLO_MISMATCH);
}

/* A08, §5.4 */
static void
test_commit_zid (void)
{
  assert_fails ((Attack){{ALICE, ZRTP_MESSAGE_COMMIT, COMMIT_ZID, 1, always, 0}, ALICE}, ZRTP_X255,
      BOB, ZRTP_ERROR_HELLO_MISMATCH);
}

/* A07, §4.1.2: a Commit may name only what we offered. */
static void
test_commit_not_offered (void)
{
  static const struct {
    size_t offset;
    unsigned code;
  } rows[] = {{COMMIT_HASH, ZRTP_ERROR_HASH}, {COMMIT_CIPHER, ZRTP_ERROR_CIPHER},
      {COMMIT_AUTH, ZRTP_ERROR_AUTH_TAG}, {COMMIT_KA, ZRTP_ERROR_KEY_AGREEMENT},
      {COMMIT_SAS, ZRTP_ERROR_SAS}};

  for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++)
    assert_fails ((Attack){{ALICE, ZRTP_MESSAGE_COMMIT, rows[i].offset, 1, always, 0}, ALICE},
        ZRTP_X255, BOB, rows[i].code);
}

/* A type that we could run and did not offer. */
static bool
commit_names (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  const uint32_t *set = user; /* offset, type */

  if (!one_initiator (pair, from, packet, size, &(unsigned){ALICE}))
    return false;
  if (from == ALICE && packet_is (packet, ZRTP_MESSAGE_COMMIT))
    zrtp_put_u32 (packet + ZRTP_HEADER_SIZE + set[0], set[1]);
  return true;
}

static void
test_commit_known_not_offered (void)
{
  static const struct {
    uint32_t set[2];
    unsigned code;
  } rows[] = {
      {{COMMIT_KA, ZRTP_EC25}, ZRTP_ERROR_KEY_AGREEMENT},
      {{COMMIT_HASH, ZRTP_S384}, ZRTP_ERROR_HASH},
      {{COMMIT_CIPHER, ZRTP_AES3}, ZRTP_ERROR_CIPHER},
      {{COMMIT_SAS, ZRTP_B256}, ZRTP_ERROR_SAS},
  };

  for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
    Pair pair;

    pair_init (&pair, 7);
    for (unsigned e = 0; e < 2; e++) {
      offer_only (&pair.end[e].config, ZRTP_KEY_AGREEMENT, ZRTP_X255);
      offer_only (&pair.end[e].config, ZRTP_HASH, ZRTP_S256);
      offer_only (&pair.end[e].config, ZRTP_CIPHER, ZRTP_AES1);
      offer_only (&pair.end[e].config, ZRTP_SAS, ZRTP_B32);
    }
    pair.wire = commit_names;
    pair.user = (void *) rows[i].set;
    pair_start (&pair, BOTH);
    pair_settle (&pair);
    g_assert_cmphex (pair.end[BOB].failed_code, ==, rows[i].code);
    pair_clear (&pair);
  }
}

/* §5.1.5: what does not go together is refused, although all of it was offered. */
static void
test_commit_misfits (void)
{
  static const struct {
    ZrtpType key_agreement;
    uint32_t set[2];
    unsigned code;
  } rows[] = {
      {ZRTP_EC38, {COMMIT_HASH, ZRTP_S256}, ZRTP_ERROR_HASH},
      {ZRTP_EC38, {COMMIT_HASH, ZRTP_N256}, ZRTP_ERROR_HASH},
      {ZRTP_EC38, {COMMIT_HASH, ZRTP_S512}, ZRTP_ERROR_HASH},
      {ZRTP_DH2K, {COMMIT_CIPHER, ZRTP_AES3}, ZRTP_ERROR_CIPHER},
  };

  for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
    Pair pair;

    pair_init (&pair, 7);
    for (unsigned e = 0; e < 2; e++) {
      offer_only (&pair.end[e].config, ZRTP_KEY_AGREEMENT, rows[i].key_agreement);
      pair.end[e].config.offer.list[ZRTP_HASH] =
          (ZrtpList){5, {ZRTP_S256, ZRTP_S384, ZRTP_S512, ZRTP_N256, ZRTP_N384}};
    }
    pair.wire = commit_names;
    pair.user = (void *) rows[i].set;
    pair_start (&pair, BOTH);
    pair_settle (&pair);
    g_assert_cmphex (pair.end[BOB].failed_code, ==, rows[i].code);
    pair_clear (&pair);
  }
}

/* A26: a Multistream Commit without a session key; A27: a Preshared one against our DH Commit. */
static bool
commit_becomes (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  const uint32_t *set = user; /* type, words */

  if (!one_initiator (pair, from, packet, size, &(unsigned){ALICE}))
    return false;
  if (from == ALICE && packet_is (packet, ZRTP_MESSAGE_COMMIT)) {
    zrtp_put_u32 (packet + ZRTP_HEADER_SIZE + COMMIT_KA, set[0]);
    packet[ZRTP_HEADER_SIZE + 3] = (uint8_t) set[1];
    *size = ZRTP_HEADER_SIZE + set[1] * 4 + ZRTP_CRC_SIZE;
  }
  return true;
}

static void
test_commit_without_dh (void)
{
  Pair pair;

  pair_init (&pair, 7);
  pair.wire = commit_becomes;
  pair.user = (uint32_t[]){ZRTP_MULT, 25};
  pair_start (&pair, BOTH);
  pair_settle (&pair);
  g_assert_cmphex (pair.end[BOB].failed_code, ==, ZRTP_ERROR_NO_SECRET);
  pair_clear (&pair);

  pair_init (&pair, 7);
  pair.wire = commit_becomes;
  pair.user = (uint32_t[]){ZRTP_PRSH, 27};
  pair_start (&pair, BOTH);
  pair_settle (&pair);
  /* "the Preshared Commit MUST be discarded and the DH Commit proceeds" */
  g_assert_cmpint (pair_state (&pair, BOB), ==, ZRTP_STATE_COMMIT_SENT);
  pair_clear (&pair);
}

/* A01, §4.4.1.2: CVE-2016-6271 was to skip this. */
static void
test_hvi (void)
{
  assert_fails ((Attack){{ALICE, ZRTP_MESSAGE_DHPART2, DHPART_PV, 1, always, 0}, ALICE}, ZRTP_X255,
      BOB, ZRTP_ERROR_BAD_HVI);
  assert_fails ((Attack){{ALICE, ZRTP_MESSAGE_DHPART2, DHPART_RS1, 1, always, 0}, ALICE}, ZRTP_X255,
      BOB, ZRTP_ERROR_BAD_HVI);
}

/* A changed Commit is found out by its MAC when H1 comes (§8.1.1). */
static void
test_altered_commit (void)
{
  assert_fails ((Attack){{ALICE, ZRTP_MESSAGE_COMMIT, COMMIT_MAC, 1, always, 0}, ALICE}, ZRTP_X255,
      BOB, ZRTP_ERROR_CONFIRM_MAC);
}

/* Somebody in the middle changes what only total_hash covers: the keys differ, no Confirm fits. */
static void
test_altered_dhpart1 (void)
{
  Pair pair;
  Attack attack = {{BOB, ZRTP_MESSAGE_DHPART1, DHPART_RS1, 1, always, 0}, ALICE};

  pair_init (&pair, 7);
  run_attack (&pair, &attack);
  g_assert_cmphex (pair.end[ALICE].failed_code, ==, ZRTP_ERROR_CONFIRM_MAC);
  g_assert_cmphex (pair.end[BOB].failed_code, ==, ZRTP_ERROR_CONFIRM_MAC);
  pair_clear (&pair);
}

/* A02, A04: public values that would make the secret a constant. The peer is real and commits to
 * them. */
static uint8_t bad_pv[ZRTP_MAX_PV];

static bool
bad_generate (const ZrtpRandom *random, unsigned bits, uint8_t *secret, uint8_t *pv)
{
  memset (secret, 1, ZRTP_MAX_SECRET);
  memcpy (pv, bad_pv, sizeof bad_pv);
  return true;
}

static void
assert_bad_pv (const ZrtpKeyAgreement *ka, unsigned attacker_role)
{
  const ZrtpKeyAgreement attacker = {
      ka->type, ka->pv_size, ka->result_size, ka->finite_field, bad_generate, ka->agree};
  const ZrtpKeyAgreement *const only[] = {&attacker, &zrtp_gmp_dh3k, NULL};
  unsigned initiator = attacker_role == ZRTP_ROLE_INITIATOR ? ALICE : BOB;
  Pair pair;

  pair_init (&pair, 7);
  pair.end[ALICE].crypto.key_agreements = only;
  for (unsigned e = 0; e < 2; e++)
    offer_only (&pair.end[e].config, ZRTP_KEY_AGREEMENT, ka->type);
  pair.wire = one_initiator;
  pair.user = &initiator;
  pair_start (&pair, BOTH);
  pair_settle (&pair);
  g_assert_cmpuint (pair.end[BOB].n_events[ZRTP_EVENT_FAILED], ==, 1);
  g_assert_cmphex (pair.end[BOB].failed_code, ==, ZRTP_ERROR_BAD_PV);
  g_assert_false (pair.end[BOB].failed_by_peer);
  pair_clear (&pair);
}

static void
test_bad_pv (void)
{
  static const ZrtpKeyAgreement *const all[] = {&zrtp_nettle_x255, &zrtp_nettle_e255,
      &zrtp_nettle_x448, &zrtp_nettle_ec25, &zrtp_nettle_ec38, &zrtp_nettle_ec52, &zrtp_gmp_dh2k,
      &zrtp_gmp_dh3k};

  for (unsigned role = ZRTP_ROLE_INITIATOR; role <= ZRTP_ROLE_RESPONDER; role++)
    for (unsigned i = 0; i < G_N_ELEMENTS (all); i++) {
      memset (bad_pv, 0, sizeof bad_pv);
      assert_bad_pv (all[i], role);
      bad_pv[0] =
          1; /* the little-endian 1 of X25519 and X448 is of low order, no curve has (2^k, 0) */
      if (!all[i]->finite_field)
        assert_bad_pv (all[i], role);
      bad_pv[0] = 0;
      bad_pv[all[i]->pv_size - 1] = 1; /* 1, or (0, 1) */
      if (all[i]->pv_size > 56)
        assert_bad_pv (all[i], role);
      memset (bad_pv, 0xff, sizeof bad_pv); /* >= p */
      if (all[i]->pv_size > 56)
        assert_bad_pv (all[i], role);
    }
}

/* A18, §9: packets that are not from the sender of the Hello are not used, and the exchange goes on
 * when the real ones come. */
static void
test_hash_images (void)
{
  static const struct {
    ZrtpMessageType type;
    size_t offset;
    unsigned from;
  } rows[] = {
      {ZRTP_MESSAGE_COMMIT, COMMIT_H2, ALICE},
      {ZRTP_MESSAGE_DHPART1, DHPART_H1, BOB},
      {ZRTP_MESSAGE_DHPART2, DHPART_H1, ALICE},
  };

  for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
    Pair pair;
    Attack attack = {{rows[i].from, rows[i].type, rows[i].offset, 1, 2, 0}, ALICE};

    pair_init (&pair, 7);
    run_attack (&pair, &attack);
    g_assert_cmpuint (attack.flip.seen, ==, 3);
    g_assert_cmpuint (
        zrtp_engine_get_counters (pair.end[!rows[i].from].engine)->received[ZRTP_BAD_HASH_IMAGE],
        ==, 2);
    pair_assert_secure (&pair);
    pair_clear (&pair);
  }
}

/* A45: a damaged Confirm, once or twice, is dropped; one that is always wrong is a disagreement. */
static void
test_confirm_mac (void)
{
  static const size_t offsets[] = {CONFIRM_MAC, CONFIRM_ENCRYPTED, CONFIRM_ENCRYPTED + 34, 75};

  for (unsigned i = 0; i < G_N_ELEMENTS (offsets); i++)
    for (unsigned from = 0; from < 2; from++) {
      ZrtpMessageType type = from == ALICE ? ZRTP_MESSAGE_CONFIRM2 : ZRTP_MESSAGE_CONFIRM1;
      Attack twice = {{from, type, offsets[i], 0x80, 2, 0}, ALICE};
      Pair pair;

      pair_init (&pair, 7);
      run_attack (&pair, &twice);
      g_assert_cmpuint (
          zrtp_engine_get_counters (pair.end[!from].engine)->received[ZRTP_BAD_MAC], ==, 2);
      pair_assert_secure (&pair);
      pair_clear (&pair);

      assert_fails ((Attack){{from, type, offsets[i], 0x80, always, 0}, ALICE}, ZRTP_X255, !from,
          ZRTP_ERROR_CONFIRM_MAC);
    }
}

/* The IV is not under confirm_mac; a changed one garbles H0 first, which the hash chain notices. */
static void
test_confirm_iv (void)
{
  Pair pair;
  Attack attack = {{BOB, ZRTP_MESSAGE_CONFIRM1, CONFIRM_IV, 1, 2, 0}, ALICE};

  pair_init (&pair, 7);
  run_attack (&pair, &attack);
  g_assert_cmpuint (
      zrtp_engine_get_counters (pair.end[ALICE].engine)->received[ZRTP_BAD_HASH_IMAGE], ==, 2);
  pair_assert_secure (&pair);
  pair_clear (&pair);
}

/* A09: our own ZID at the other end. */
static void
test_equal_zid (void)
{
  Pair pair;

  pair_init (&pair, 7);
  pair_start (&pair, 0);
  memcpy (pair.end[BOB].call->zid, pair.end[ALICE].call->zid, ZRTP_ZID_SIZE);
  zrtp_engine_free (pair.end[BOB].engine);
  pair.end[BOB].engine = zrtp_engine_new (pair.end[BOB].call, &pair.end[BOB].config);
  pair_start (&pair, BOTH);
  pair_run (&pair, pair.now + 5000 * MS);
  for (unsigned e = 0; e < 2; e++) {
    g_assert_cmphex (pair.end[e].failed_code, ==, ZRTP_ERROR_EQUAL_ZID);
    g_assert_cmpuint (pair.end[e].n_sent[ZRTP_MESSAGE_ERROR], >=, 1);
  }
  pair_clear (&pair);
}

static size_t
make_error (uint8_t packet[ZRTP_MAX_PACKET], uint32_t ssrc, unsigned code)
{
  uint8_t error[ZRTP_ERROR_SIZE];

  zrtp_error_write (code, error);
  return zrtp_packet_write (packet, 9, ssrc, ZRTP_BYTES (error));
}

/* A19: an Error ends only an exchange in progress, and only with the peer's SSRC. */
static void
test_forged_error (void)
{
  Pair pair;
  uint8_t packet[ZRTP_MAX_PACKET];
  size_t size;
  unsigned initiator = ALICE;

  pair_init (&pair, 7);
  pair_start (&pair, BOTH);
  size = make_error (packet, pair.end[BOB].config.ssrc, ZRTP_ERROR_UNAVAILABLE);
  g_assert_cmpint (pair_feed (&pair, ALICE, packet, size), ==, ZRTP_UNEXPECTED); /* discovery */
  pair_settle (&pair);
  pair_assert_secure (&pair);
  for (unsigned e = 0; e < 2; e++) {
    size = make_error (packet, pair.end[!e].config.ssrc, ZRTP_ERROR_UNAVAILABLE);
    g_assert_cmpint (pair_feed (&pair, e, packet, size), ==, ZRTP_UNEXPECTED);
  }
  pair_run (&pair, pair.now + 1000 * MS);
  pair_assert_secure (&pair);
  pair_clear (&pair);

  pair_init (&pair, 7);
  pair.wire = lose;
  pair.user = &(Loss){BOB, ZRTP_MESSAGE_DHPART1, always, 0};
  pair_start (&pair, BOTH);
  pair.wire = one_initiator;
  pair.user = &initiator;
  {
    uint8_t hello[ZRTP_MAX_PACKET];

    size = zrtp_engine_poll_packet (pair.end[BOB].engine, hello);
    pair_feed (&pair, ALICE, hello, size);
  }
  g_assert_cmpint (pair_state (&pair, ALICE), ==, ZRTP_STATE_COMMIT_SENT);
  size = make_error (packet, 0xbad, ZRTP_ERROR_UNAVAILABLE);
  g_assert_cmpint (pair_feed (&pair, ALICE, packet, size), ==, ZRTP_UNEXPECTED);
  g_assert_cmpint (pair_state (&pair, ALICE), ==, ZRTP_STATE_COMMIT_SENT);
  size = make_error (packet, pair.end[BOB].config.ssrc, ZRTP_ERROR_UNAVAILABLE);
  g_assert_cmpint (pair_feed (&pair, ALICE, packet, size), ==, ZRTP_ACCEPTED);
  g_assert_cmpint (pair_state (&pair, ALICE), ==, ZRTP_STATE_FAILED);
  g_assert_cmphex (pair.end[ALICE].failed_code, ==, ZRTP_ERROR_UNAVAILABLE);
  g_assert_true (pair.end[ALICE].failed_by_peer);
  pair_clear (&pair);
}

/* A Conf2ACK from elsewhere must not end the retransmission of Confirm2. */
static bool
forge_conf2ack (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  if (packet_is (packet, ZRTP_MESSAGE_CONF2ACK))
    zrtp_put_u32 (packet + 8, 0xbad);
  return true;
}

static void
test_forged_conf2ack (void)
{
  Pair pair;
  unsigned secure;

  pair_init (&pair, 7);
  pair.wire = forge_conf2ack;
  pair_start (&pair, BOTH);
  pair_run (&pair, pair.now + 500 * MS);
  secure = (pair_state (&pair, ALICE) == ZRTP_STATE_SECURE) +
           (pair_state (&pair, BOB) == ZRTP_STATE_SECURE);
  g_assert_cmpuint (secure, ==, 1);
  pair.wire = NULL;
  pair_run (&pair, pair.now + 2000 * MS);
  pair_assert_secure (&pair);
  pair_clear (&pair);
}

/* A05, A23, §8.1: the Hello that the signalling announced, and no other. */
static void
test_hello_hash (void)
{
  Pair pair;
  uint8_t hash[ZRTP_HELLO_HASH_SIZE];

  pair_init (&pair, 7);
  pair_start (&pair, 0);
  zrtp_engine_get_hello_hash (pair.end[BOB].engine, hash);
  zrtp_engine_set_peer_hello_hash (pair.end[ALICE].engine, hash, pair.now);
  pair_start (&pair, BOTH);
  pair_settle (&pair);
  pair_assert_secure (&pair);
  pair_clear (&pair);

  pair_init (&pair, 7);
  pair_start (&pair, 0);
  hash[31] ^= 1;
  zrtp_engine_set_peer_hello_hash (pair.end[ALICE].engine, hash, pair.now);
  pair_start (&pair, BOTH);
  pair_run (&pair, pair.now + 3000 * MS);
  g_assert_cmpint (pair_state (&pair, ALICE), ==, ZRTP_STATE_DISCOVERY);
  g_assert_cmpuint (pair.end[ALICE].n_sent[ZRTP_MESSAGE_HELLOACK], ==, 0);
  g_assert_cmpuint (pair.end[ALICE].n_events[ZRTP_EVENT_BAD_HELLO_HASH], ==, 1);
  g_assert_cmpuint (
      zrtp_engine_get_counters (pair.end[ALICE].engine)->received[ZRTP_BAD_HELLO_HASH], >, 1);
  pair_clear (&pair);
}

/* A17, A51: a second, different Hello does not disturb an exchange. */
static void
test_other_hello (void)
{
  Pair pair, stranger;
  uint8_t hello[ZRTP_MAX_PACKET];
  size_t size;

  pair_init (&pair, 7);
  pair_init (&stranger, 99);
  pair_start (&stranger, 1 << BOB);
  size = zrtp_engine_poll_packet (stranger.end[BOB].engine, hello);
  pair_start (&pair, BOTH);
  pair_settle (&pair);
  g_assert_cmpint (pair_feed (&pair, ALICE, hello, size), ==, ZRTP_UNEXPECTED);
  pair_assert_secure (&pair);
  pair_clear (&pair);
  pair_clear (&stranger);
}

/* A Hello from somebody who then says nothing: before the peer appears, in the middle, or many. The
 * call comes about with whoever answers. */
static void
test_rival_hellos (void)
{
  for (unsigned strangers = 1; strangers <= 5; strangers++)
    /* More than one stranger takes Bob off the shelf: then only his own retry would help. */
    for (unsigned late = 0; late < (strangers == 1 ? 2 : 1); late++)
      for (unsigned seed = 0; seed < 10; seed++) {
        Pair pair;
        uint8_t hello[5][ZRTP_MAX_PACKET], packet[ZRTP_MAX_PACKET];
        size_t size[5], n;

        for (unsigned i = 0; i < strangers; i++) {
          Pair stranger;

          pair_init (&stranger, 100 + i);
          pair_start (&stranger, 1 << BOB);
          size[i] = zrtp_engine_poll_packet (stranger.end[BOB].engine, hello[i]);
          pair_clear (&stranger);
          hello[i][ZRTP_HEADER_SIZE + HELLO_ZID] ^= (uint8_t) (i + 1); /* and another ZID */
          pair_fix_crc (hello[i], size[i]);
        }
        pair_init (&pair, seed);
        pair_start (&pair, 1 << ALICE);
        pair_settle (&pair);
        pair_run (&pair, pair.now + 100 * MS);
        if (late) { /* the strangers come when Alice has committed to Bob */
          pair_start (&pair, 1 << BOB);
          n = zrtp_engine_poll_packet (pair.end[BOB].engine, packet);
          pair_feed (&pair, ALICE, packet, n);
          while ((n = zrtp_engine_poll_packet (pair.end[ALICE].engine, packet)))
            pair_feed (&pair, BOB, packet, n);
          for (unsigned e = 0; e < 2; e++)
            pair.end[e].last_sequence = (uint16_t) (pair.end[e].engine->sequence - 1);
        }
        for (unsigned i = 0; i < strangers; i++) {
          g_assert_cmpint (pair_feed (&pair, ALICE, hello[i], size[i]), ==, ZRTP_ACCEPTED);
          g_assert_cmpint (pair_feed (&pair, ALICE, hello[i], size[i]), ==, ZRTP_REPEATED);
          g_assert_cmpint (pair_state (&pair, ALICE), ==, ZRTP_STATE_COMMIT_SENT);
        }
        pair_run (&pair, pair.now + 2000 * MS);
        pair_start (&pair, 1 << BOB);
        pair_run (&pair, pair.now + 2000 * MS);
        pair_assert_secure (&pair);
        g_assert_cmpuint (pair.end[ALICE].secure.peer_zid[0], ==, 0xa1);
        pair_clear (&pair);
      }
}

/* Nobody answers the Commit: no failure, but the end of that attempt; a peer may still come. */
static void
test_commit_unanswered (void)
{
  Pair pair, stranger;
  uint8_t hello[ZRTP_MAX_PACKET];
  size_t size;

  pair_init (&stranger, 99);
  pair_start (&stranger, 1 << BOB);
  size = zrtp_engine_poll_packet (stranger.end[BOB].engine, hello);
  pair_init (&pair, 7);
  pair_start (&pair, 1 << ALICE);
  pair_settle (&pair);
  pair_feed (&pair, ALICE, hello, size);
  pair_run (&pair, pair.now + 20000 * MS);
  g_assert_cmpint (pair_state (&pair, ALICE), ==, ZRTP_STATE_DISCOVERY);
  g_assert_cmpuint (pair.end[ALICE].n_events[ZRTP_EVENT_FAILED], ==, 0);
  g_assert_cmpuint (pair.end[ALICE].n_events[ZRTP_EVENT_NO_ANSWER], ==, 1);
  g_assert_null (pair.end[ALICE].engine->exchange);
  pair_start (&pair, 1 << BOB);
  pair_run (&pair, pair.now + 1000 * MS);
  pair_assert_secure (&pair);
  pair_clear (&pair);
  pair_clear (&stranger);
}

/* The same Commit again may be answered; another one may not, once pvr is out. */
static void
test_second_commit (void)
{
  Pair pair;
  uint8_t packet[ZRTP_MAX_PACKET], commit[ZRTP_MAX_PACKET];
  size_t size, commit_size = 0;
  unsigned initiator = ALICE;

  pair_init (&pair, 7);
  pair_start (&pair, BOTH);
  while (pair_state (&pair, BOB) != ZRTP_STATE_DHPART1_SENT)
    for (unsigned i = 0; i < 2; i++)
      if ((size = zrtp_engine_poll_packet (pair.end[i].engine, packet)) &&
          one_initiator (&pair, i, packet, &size, &initiator)) {
        if (packet_is (packet, ZRTP_MESSAGE_COMMIT)) {
          memcpy (commit, packet, size);
          commit_size = size;
        }
        pair_feed (&pair, !i, packet, size);
      }
  g_assert_cmpuint (commit_size, >, 0);
  g_assert_cmpint (pair_feed (&pair, BOB, commit, commit_size), ==, ZRTP_REPEATED);
  commit[ZRTP_HEADER_SIZE + COMMIT_HVI] ^= 1;
  pair_fix_crc (commit, commit_size);
  g_assert_cmpint (pair_feed (&pair, BOB, commit, commit_size), ==, ZRTP_UNEXPECTED);
  pair_settle (&pair);
  pair_assert_secure (&pair);
  pair_clear (&pair);
}

static bool
lose_dhpart2 (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  unsigned initiator = ALICE;

  return one_initiator (pair, from, packet, size, &initiator) &&
         !packet_is (packet, ZRTP_MESSAGE_DHPART2);
}

/* The responder's patience, §6. */
static void
test_responder_timeout (void)
{
  Pair pair;

  pair_init (&pair, 7);
  pair.wire = lose_dhpart2;
  pair_start (&pair, BOTH);
  pair_run (&pair, pair.now + 9900 * MS);
  g_assert_cmpuint (
      pair.end[ALICE].n_events[ZRTP_EVENT_FAILED] + pair.end[BOB].n_events[ZRTP_EVENT_FAILED], ==,
      0);
  pair_run (&pair, pair.now + 20000 * MS);
  g_assert_cmphex (pair.end[BOB].failed_code, ==, ZRTP_ERROR_TIMEOUT);
  pair_clear (&pair);
}

/* No random octets, at any point where some are needed: an error, nothing sent in weakness. */
static unsigned draws_left;

static bool
running_dry (void *user, uint8_t *out, size_t size)
{
  if (draws_left == 0)
    return false;
  draws_left--;
  return seeded_random (user, out, size);
}

static void
test_no_random (void)
{
  unsigned refused = 0;

  for (unsigned draws = 2; draws < 8; draws++) {
    Pair pair;
    ZrtpRandom good;

    pair_init (&pair, 7);
    good = pair.end[ALICE].crypto.random;
    pair_start (&pair, 0);
    draws_left = draws - 2; /* H0 and the sequence number are drawn */
    pair.end[ALICE].crypto.random = (ZrtpRandom){running_dry, good.user};
    pair_start (&pair, BOTH);
    pair_settle (&pair);
    if (pair.end[ALICE].n_events[ZRTP_EVENT_FAILED]) {
      g_assert_cmphex (pair.end[ALICE].failed_code, ==, ZRTP_ERROR_SOFTWARE);
      refused++;
    } else {
      pair_assert_secure (&pair);
    }
    pair_clear (&pair);
  }
  g_assert_cmpuint (refused, >=, 3); /* sv, IDs, IV */
}

/* --- Ping, §5.16 ------------------------------------------------------------------------------------- */

static void
test_ping (void)
{
  static const uint8_t ping_hash[8] = "12345678";

  for (unsigned secure = 0; secure < 2; secure++) {
    Pair pair;
    uint8_t message[ZRTP_PING_SIZE], packet[ZRTP_MAX_PACKET];
    ZrtpPing ping = {.version = {'9', '.', '9', '9'}};
    ZrtpPacket answer;
    size_t size;

    pair_init (&pair, 7);
    pair_start (&pair, BOTH);
    if (secure)
      pair_settle (&pair);
    else
      zrtp_engine_poll_packet (pair.end[ALICE].engine, packet);
    memcpy (ping.endpoint_hash, ping_hash, 8);
    zrtp_ping_write (&ping, message);
    size = zrtp_packet_write (packet, 77, 0xabcdef01, ZRTP_BYTES (message));
    g_assert_cmpint (pair_feed (&pair, ALICE, packet, size), ==, ZRTP_ACCEPTED);
    size = zrtp_engine_poll_packet (pair.end[ALICE].engine, packet);
    g_assert_cmpint (zrtp_packet_parse (packet, size, &answer), ==, ZRTP_ACCEPTED);
    g_assert_cmpint (answer.type, ==, ZRTP_MESSAGE_PINGACK);
    g_assert_cmpmem (answer.message.data + 12, 4, "1.10", 4);
    g_assert_cmpmem (answer.message.data + 16, 8, pair.end[ALICE].call->zid, 8);
    g_assert_cmpmem (answer.message.data + 24, 8, ping_hash, 8);
    g_assert_cmphex (zrtp_get_u32 (answer.message.data + 32), ==, 0xabcdef01);
    pair_settle (&pair);
    pair_clear (&pair);
  }
}

/* --- Retained secrets, §4.3, §4.6.1 ------------------------------------------------------------------- */

/* One call after another with what the two caches hold. */
static void
call_again (Pair *pair, uint64_t seed, PairEnd *before)
{
  pair_init (pair, seed);
  for (unsigned e = 0; e < 2; e++) {
    pair->end[e].config.cache_expiry = 0xffffffff;
    if (before) {
      pair->end[e].record = before[e].record;
      pair->end[e].has_record = before[e].has_record;
    }
  }
  pair_start (pair, BOTH);
  pair_settle (pair);
  pair_assert_secure (pair);
}

static void
test_key_continuity (void)
{
  Pair first, second, third;

  call_again (&first, 1, NULL);
  g_assert_true (first.end[ALICE].record.has_rs1);
  g_assert_false (first.end[ALICE].record.has_rs2);
  g_assert_cmpmem (first.end[ALICE].record.rs1, 32, first.end[BOB].record.rs1, 32);
  g_assert_false (first.end[ALICE].secure.sas_verified);

  call_again (&second, 2, first.end);
  g_assert_false (second.end[ALICE].secure.cache_mismatch);
  g_assert_cmpmem (second.end[BOB].record.rs2, 32, first.end[BOB].record.rs1, 32);
  g_assert_cmpmem (second.end[ALICE].record.rs1, 32, second.end[BOB].record.rs1, 32);
  g_assert_true (memcmp (second.end[ALICE].record.rs1, first.end[ALICE].record.rs1, 32));

  /* Both users say that the SAS matched; the next call knows. */
  for (unsigned e = 0; e < 2; e++)
    zrtp_engine_sas_verified (second.end[e].engine, true);
  pair_settle (&second);
  call_again (&third, 3, second.end);
  g_assert_true (third.end[ALICE].secure.sas_verified);
  g_assert_true (third.end[BOB].secure.sas_verified);

  pair_clear (&first);
  pair_clear (&second);
  pair_clear (&third);
}

/* "verified" is what both ends say. */
static void
test_verified_by_one (void)
{
  Pair first, second;

  call_again (&first, 1, NULL);
  zrtp_engine_sas_verified (first.end[ALICE].engine, true);
  pair_settle (&first);
  call_again (&second, 2, first.end);
  g_assert_false (second.end[ALICE].secure.sas_verified);
  g_assert_false (second.end[BOB].secure.sas_verified);
  pair_clear (&first);
  pair_clear (&second);
}

/* The retained secret goes into the keys: an attacker with the DH result alone has nothing. With the
 * same randomness, a call with and one without a common secret differ. */
static void
test_rs1_is_mixed_in (void)
{
  Pair plain, mixed;

  pair_init (&plain, 5);
  pair_start (&plain, BOTH);
  pair_settle (&plain);
  pair_assert_secure (&plain);

  pair_init (&mixed, 5);
  for (unsigned e = 0; e < 2; e++) {
    mixed.end[e].has_record = true;
    mixed.end[e].record.has_rs1 = true;
    memset (mixed.end[e].record.rs1, 0x55, 32);
  }
  pair_start (&mixed, BOTH);
  pair_settle (&mixed);
  pair_assert_secure (&mixed);
  g_assert_true (
      memcmp (plain.end[ALICE].send_key.key_and_salt, mixed.end[ALICE].send_key.key_and_salt, 30));
  pair_clear (&plain);
  pair_clear (&mixed);
}

/* One end stored the last call, the other did not: rs2 brings them together again (§4.6.1). */
static void
test_rs2_recovers (void)
{
  for (unsigned behind = 0; behind < 2; behind++) {
    Pair first, second, third;
    PairEnd caches[2];

    call_again (&first, 1, NULL);
    call_again (&second, 2, first.end);
    memcpy (caches, second.end, sizeof caches);
    caches[behind] = first.end[behind];
    call_again (&third, 3, caches);
    for (unsigned e = 0; e < 2; e++)
      g_assert_false (third.end[e].secure.cache_mismatch);
    g_assert_cmpmem (third.end[ALICE].record.rs1, 32, third.end[BOB].record.rs1, 32);
    pair_clear (&first);
    pair_clear (&second);
    pair_clear (&third);
  }
}

/* §4.3.2, §4.6.1.1: told, not verified, cache left alone until the user has compared the SAS. */
static void
test_cache_mismatch (void)
{
  Pair first, second, third;
  PairEnd caches[2];

  call_again (&first, 1, NULL);
  for (unsigned e = 0; e < 2; e++)
    zrtp_engine_sas_verified (first.end[e].engine, true);
  pair_settle (&first);
  memcpy (caches, first.end, sizeof caches);
  caches[BOB].has_record = false; /* Bob lost his */
  call_again (&second, 2, caches);
  g_assert_true (second.end[ALICE].secure.cache_mismatch);
  g_assert_false (second.end[ALICE].secure.sas_verified);
  g_assert_false (second.end[BOB].secure.cache_mismatch);
  g_assert_cmpuint (second.end[ALICE].n_events[ZRTP_EVENT_STORE], ==, 0);
  g_assert_cmpmem (second.end[ALICE].record.rs1, 32, first.end[ALICE].record.rs1, 32);
  g_assert_cmpuint (second.end[BOB].n_events[ZRTP_EVENT_STORE], ==, 1);

  zrtp_engine_sas_verified (second.end[ALICE].engine, true);
  pair_settle (&second);
  g_assert_cmpuint (second.end[ALICE].n_events[ZRTP_EVENT_STORE], ==, 1);
  g_assert_cmpmem (second.end[ALICE].record.rs1, 32, second.end[BOB].record.rs1, 32);
  call_again (&third, 3, second.end);
  g_assert_false (third.end[ALICE].secure.cache_mismatch);
  pair_clear (&first);
  pair_clear (&second);
  pair_clear (&third);
}

/* §7.1: "clearing the SAS Verified flag, and erase the cached shared secret from this session" */
static void
test_sas_does_not_match (void)
{
  Pair first, second;

  call_again (&first, 1, NULL);
  zrtp_engine_sas_verified (first.end[ALICE].engine, false);
  pair_settle (&first);
  g_assert_false (first.end[ALICE].has_record);
  pair_clear (&first);

  call_again (&first, 1, NULL);
  call_again (&second, 2, first.end);
  zrtp_engine_sas_verified (second.end[ALICE].engine, true);
  pair_settle (&second);
  zrtp_engine_sas_verified (second.end[ALICE].engine, false);
  pair_settle (&second);
  g_assert_cmpmem (second.end[ALICE].record.rs1, 32, first.end[ALICE].record.rs1, 32);
  g_assert_false (second.end[ALICE].record.sas_verified);
  pair_clear (&first);
  pair_clear (&second);
}

/* §4.9: the smaller interval counts, and 0 means that nothing is kept. */
static void
test_expiry (void)
{
  Pair pair;

  pair_init (&pair, 1);
  pair.end[ALICE].config.cache_expiry = 0xffffffff;
  pair.end[BOB].config.cache_expiry = 3600;
  pair_start (&pair, BOTH);
  pair_settle (&pair);
  g_assert_cmpuint (pair.end[ALICE].record.expiry, ==, 3600);
  g_assert_cmpuint (pair.end[BOB].record.expiry, ==, 3600);
  pair_clear (&pair);

  pair_init (&pair, 1);
  pair.end[ALICE].config.cache_expiry = 0xffffffff;
  pair.end[BOB].config.cache_expiry = 0; /* cacheless */
  pair_start (&pair, BOTH);
  pair_settle (&pair);
  g_assert_cmpuint (pair.end[ALICE].n_events[ZRTP_EVENT_STORE], ==, 0);
  g_assert_cmpuint (pair.end[BOB].n_events[ZRTP_EVENT_STORE], ==, 0);
  pair_clear (&pair);
}

/* --- Secrets are gone ---------------------------------------------------------------------------------- */

static void
test_keys_are_wiped (void)
{
  Pair pair;

  pair_init (&pair, 1);
  pair_start (&pair, BOTH);
  pair_settle (&pair);
  pair_assert_secure (&pair);
  for (unsigned e = 0; e < 2; e++) {
    const PairEnd *end = &pair.end[e];

    g_assert_null (end->engine->exchange);
    for (unsigned k = 0; k < 2; k++) {
      const ZrtpSrtpKey *key = k ? &end->send_key : &end->receive_key;

      g_assert_null (memmem (end->engine, sizeof *end->engine, key->key_and_salt, 16));
      g_assert_null (memmem (end->call, sizeof *end->call, key->key_and_salt, 16));
    }
  }
  pair_clear (&pair);
}

/* s0, DHResult and the private value do not outlive their use: at every step, only what the next step
 * needs is there. */
static void
test_private_value_is_wiped (void)
{
  Pair pair;
  unsigned initiator = ALICE;
  uint8_t packet[ZRTP_MAX_PACKET];
  static const uint8_t zeros[ZRTP_MAX_SECRET];
  size_t size;

  pair_init (&pair, 1);
  pair_start (&pair, BOTH);
  while (pair_state (&pair, ALICE) != ZRTP_STATE_DHPART2_SENT)
    for (unsigned i = 0; i < 2; i++)
      if ((size = zrtp_engine_poll_packet (pair.end[i].engine, packet)) &&
          one_initiator (&pair, i, packet, &size, &initiator))
        pair_feed (&pair, !i, packet, size);
  g_assert_cmpmem (
      pair.end[ALICE].engine->exchange->pair.secret, ZRTP_MAX_SECRET, zeros, ZRTP_MAX_SECRET);
  g_assert_true (memcmp (pair.end[BOB].engine->exchange->pair.secret, zeros, ZRTP_MAX_SECRET) != 0);
  pair_clear (&pair);
}

/* --- Damaged packets ------------------------------------------------------------------------------------ */

/* Before every packet of a negotiation its receiver gets it truncated at every length, with octets
 * added, and with bits flipped (CRC as it was): nothing happens but counting. */
static bool
damage (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  unsigned *fed = user;
  uint8_t copy[ZRTP_MAX_PACKET + 64] = {0};
  ZrtpEngine *engine = pair->end[!from].engine;
  const ZrtpState state = zrtp_engine_get_state (engine);
  const uint32_t outbox = engine->outbox;

  for (size_t n = 0; n < *size; n++, ++*fed)
    g_assert_cmpint (pair_feed (pair, !from, packet, n), >=, ZRTP_NOT_ZRTP);
  memcpy (copy, packet, *size);
  for (size_t n = *size + 1; n <= *size + 64; n++, ++*fed)
    g_assert_cmpint (pair_feed (pair, !from, copy, n), >=, ZRTP_NOT_ZRTP);
  for (size_t bit = 0; bit < *size * 8; bit += 3, ++*fed) {
    memcpy (copy, packet, *size);
    copy[bit / 8] ^= (uint8_t) (1 << bit % 8);
    g_assert_cmpint (pair_feed (pair, !from, copy, *size), >=, ZRTP_NOT_ZRTP);
  }
  g_assert_cmpint (zrtp_engine_get_state (engine), ==, state);
  g_assert_cmpuint (engine->outbox, ==, outbox);
  return true;
}

static uint64_t
dropped (const Pair *pair)
{
  uint64_t n = 0;

  for (unsigned e = 0; e < 2; e++)
    for (unsigned r = ZRTP_NOT_ZRTP; r < ZRTP_N_RESULTS; r++)
      n += zrtp_engine_get_counters (pair->end[e].engine)->received[r];
  return n;
}

static void
test_damaged_packets (void)
{
  Pair plain, damaged;
  unsigned fed = 0;

  pair_init (&plain, 1);
  pair_start (&plain, BOTH);
  pair_settle (&plain);
  pair_init (&damaged, 1);
  damaged.wire = damage;
  damaged.user = &fed;
  damaged.keep_crc = true;
  pair_start (&damaged, BOTH);
  pair_settle (&damaged);
  pair_assert_secure (&damaged);
  g_assert_cmpuint (fed, >, 1000);
  g_assert_cmpuint (dropped (&damaged), ==, dropped (&plain) + fed);
  pair_clear (&plain);
  pair_clear (&damaged);
}

/* The same with a CRC made good: whatever the content, no crash, and no end of a secure call. */
static bool
damage_with_crc (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  uint8_t copy[ZRTP_MAX_PACKET];

  for (size_t n = 16; n < *size; n += 4) {
    memcpy (copy, packet, n);
    copy[ZRTP_HEADER_SIZE + 2] = (uint8_t) ((n - 16) / 4 >> 8);
    copy[ZRTP_HEADER_SIZE + 3] = (uint8_t) ((n - 16) / 4);
    pair_fix_crc (copy, n);
    pair_feed (pair, !from, copy, n);
  }
  return true;
}

static void
test_truncated_with_crc (void)
{
  Pair pair;

  pair_init (&pair, 1);
  pair.wire = damage_with_crc;
  pair_start (&pair, BOTH);
  pair_run (&pair, pair.now + 3000 * MS);
  pair_assert_secure (&pair);
  pair_clear (&pair);
}

/* Every message of a negotiation, with every octet changed and a good CRC, into a secure end. */
typedef struct {
  uint8_t packet[64][ZRTP_MAX_PACKET];
  size_t size[64];
  unsigned from[64];
  unsigned n;
} Tape;

static bool
tape (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  Tape *t = user;

  if (t->n < 64) {
    memcpy (t->packet[t->n], packet, *size);
    t->from[t->n] = from;
    t->size[t->n++] = *size;
  }
  return true;
}

static void
test_secure_is_for_good (void)
{
  Pair pair;
  Tape *t = g_new0 (Tape, 1);

  pair_init (&pair, 1);
  pair.wire = tape;
  pair.user = t;
  pair_start (&pair, BOTH);
  pair_settle (&pair);
  g_assert_cmpuint (t->n, >=, 10);
  pair.wire = NULL;
  for (unsigned i = 0; i < t->n; i++)
    for (size_t octet = 12; octet < t->size[i] - 4; octet++) {
      uint8_t copy[ZRTP_MAX_PACKET];

      memcpy (copy, t->packet[i], t->size[i]);
      copy[octet] ^= 0x41;
      pair_fix_crc (copy, t->size[i]);
      pair_feed (&pair, !t->from[i], copy, t->size[i]);
      pair_feed (&pair, t->from[i], copy, t->size[i]); /* reflected */
    }
  /* and each as it was */
  for (unsigned i = 0; i < t->n; i++) {
    pair_feed (&pair, !t->from[i], t->packet[i], t->size[i]);
    pair_feed (&pair, t->from[i], t->packet[i], t->size[i]);
  }
  pair_settle (&pair);
  pair_run (&pair, pair.now + 20000 * MS);
  pair_assert_secure (&pair);
  pair_clear (&pair);
  g_free (t);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/engine/all-algorithms", test_all_algorithms);
  g_test_add_func ("/engine/ec38-needs-its-hash", test_ec38_needs_its_hash);
  g_test_add_func ("/engine/x25519-contention", test_x25519_contention);
  g_test_add_func ("/engine/nothing-listed", test_nothing_listed);
  g_test_add_func ("/engine/contention", test_contention);
  g_test_add_func ("/engine/waiting-commit", test_waiting_commit);
  g_test_add_func ("/engine/key-pair-kept", test_key_pair_kept);
  g_test_add_func ("/engine/longer-exponent", test_longer_exponent);
  g_test_add_func ("/engine/versions", test_versions);
  g_test_add_func ("/engine/old-version", test_old_version);
  g_test_add_func ("/engine/hello-schedule", test_hello_schedule);
  g_test_add_func ("/engine/extended-hello-schedule", test_extended_hello_schedule);
  g_test_add_func ("/engine/message-schedule", test_message_schedule);
  g_test_add_func ("/engine/single-losses", test_single_losses);
  g_test_add_func ("/engine/no-helloack", test_no_helloack);
  g_test_add_func ("/engine/srtp-is-conf2ack", test_srtp_is_conf2ack);
  g_test_add_func ("/engine/srtp-too-early", test_srtp_too_early);
  g_test_add_func ("/engine/late-peer", test_late_peer);
  g_test_add_func ("/engine/media-resumes", test_media_resumes);
  g_test_add_func ("/engine/foreign-helloack", test_foreign_helloack);
  g_test_add_func ("/engine/altered-hello", test_altered_hello);
  g_test_add_func ("/engine/commit-zid", test_commit_zid);
  g_test_add_func ("/engine/commit-not-offered", test_commit_not_offered);
  g_test_add_func ("/engine/commit-known-not-offered", test_commit_known_not_offered);
  g_test_add_func ("/engine/commit-misfits", test_commit_misfits);
  g_test_add_func ("/engine/commit-without-dh", test_commit_without_dh);
  g_test_add_func ("/engine/hvi", test_hvi);
  g_test_add_func ("/engine/altered-commit", test_altered_commit);
  g_test_add_func ("/engine/altered-dhpart1", test_altered_dhpart1);
  g_test_add_func ("/engine/bad-pv", test_bad_pv);
  g_test_add_func ("/engine/hash-images", test_hash_images);
  g_test_add_func ("/engine/confirm-mac", test_confirm_mac);
  g_test_add_func ("/engine/confirm-iv", test_confirm_iv);
  g_test_add_func ("/engine/equal-zid", test_equal_zid);
  g_test_add_func ("/engine/forged-error", test_forged_error);
  g_test_add_func ("/engine/forged-conf2ack", test_forged_conf2ack);
  g_test_add_func ("/engine/hello-hash", test_hello_hash);
  g_test_add_func ("/engine/other-hello", test_other_hello);
  g_test_add_func ("/engine/rival-hellos", test_rival_hellos);
  g_test_add_func ("/engine/commit-unanswered", test_commit_unanswered);
  g_test_add_func ("/engine/second-commit", test_second_commit);
  g_test_add_func ("/engine/responder-timeout", test_responder_timeout);
  g_test_add_func ("/engine/no-random", test_no_random);
  g_test_add_func ("/engine/ping", test_ping);
  g_test_add_func ("/engine/key-continuity", test_key_continuity);
  g_test_add_func ("/engine/verified-by-one", test_verified_by_one);
  g_test_add_func ("/engine/rs1-is-mixed-in", test_rs1_is_mixed_in);
  g_test_add_func ("/engine/rs2-recovers", test_rs2_recovers);
  g_test_add_func ("/engine/cache-mismatch", test_cache_mismatch);
  g_test_add_func ("/engine/sas-does-not-match", test_sas_does_not_match);
  g_test_add_func ("/engine/expiry", test_expiry);
  g_test_add_func ("/engine/keys-are-wiped", test_keys_are_wiped);
  g_test_add_func ("/engine/private-value-is-wiped", test_private_value_is_wiped);
  g_test_add_func ("/engine/damaged-packets", test_damaged_packets);
  g_test_add_func ("/engine/truncated-with-crc", test_truncated_with_crc);
  g_test_add_func ("/engine/secure-is-for-good", test_secure_is_for_good);
  return g_test_run ();
}
