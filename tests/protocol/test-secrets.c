/* The secrets that two ends share beside Diffie-Hellman's: retained ones, auxsecret, pbxsecret (RFC 6189 §4.3), and what
 * becomes of the cache (§4.6.1, §4.9, §7.1, §8.1.1, §8.2).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/protocol/tricks.h"

#include "ext/nettle/zrtp-nettle.h"

#include <string.h>

/* --- What went into s0 --------------------------------------------------------------------------------- */

/* The messages of a call and its DHResult, from which the keys are computed a second time with the secrets that
 * the test expects. */
static uint8_t dhresult[ZRTP_MAX_DHRESULT];

static bool
noting_agree (const uint8_t *secret, const uint8_t *pv, uint8_t *result)
{
  const bool ok = zrtp_nettle_x255.agree (secret, pv, result);

  memcpy (dhresult, result, 32);
  return ok;
}

static ZrtpKeyAgreement noting_x255;
static const ZrtpKeyAgreement *const noting[] = {&noting_x255, NULL};

typedef struct {
  OneInitiator one; /* first: it is the user of that wire */
  size_t size[ZRTP_N_MESSAGES];
  uint8_t message[ZRTP_N_MESSAGES]
                 [ZRTP_MAX_PACKET]; /* the last one of each; of Hello the responder's */
} Noted;

static bool
note (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  Noted *noted = user;
  const ZrtpMessageType type = type_of (packet, *size);

  if (type == ZRTP_MESSAGE_HELLO && from == noted->one.initiator)
    return true;
  noted->size[type] = *size - ZRTP_HEADER_SIZE - ZRTP_CRC_SIZE;
  memcpy (noted->message[type], packet + ZRTP_HEADER_SIZE, noted->size[type]);
  return true;
}

/* A call in which `initiator` is the initiator; the ends are ready to be changed. */
static void
prepare (Pair *pair, Noted *noted, unsigned initiator, uint64_t seed)
{
  noting_x255 = zrtp_nettle_x255;
  noting_x255.agree = noting_agree;
  memset (noted, 0, sizeof *noted);
  noted->one = (OneInitiator){initiator, note, noted};
  pair_init (pair, seed);
  for (unsigned e = 0; e < 2; e++) {
    pair->end[e].crypto.key_agreements = noting;
    pair->end[e].config.cache_expiry = 0xffffffff;
    offer_only (&pair->end[e].config, ZRTP_KEY_AGREEMENT, ZRTP_X255);
  }
  pair->wire = one_initiator;
  pair->user = noted;
}

static ZrtpBytes
noted_message (const Noted *noted, ZrtpMessageType type)
{
  return (ZrtpBytes){noted->message[type], noted->size[type]};
}

/* The keys of the call are those that come from these secrets; size 0 is null. */
static void
assert_secrets (Pair *pair, const Noted *noted, ZrtpBytes s1, ZrtpBytes s2, ZrtpBytes s3)
{
  const PairEnd *i = &pair->end[noted->one.initiator], *r = &pair->end[!noted->one.initiator];
  const ZrtpKeyInputs inputs = {
      .hash = zrtp_crypto_hash (&i->crypto, i->secure.choice.type[ZRTP_HASH]),
      .cipher = zrtp_crypto_cipher (&i->crypto, i->secure.choice.type[ZRTP_CIPHER]),
      .salt_size = 14,
      .zid = {i->call->zid, r->call->zid},
      .hello_r = noted_message (noted, ZRTP_MESSAGE_HELLO),
      .commit = noted_message (noted, ZRTP_MESSAGE_COMMIT)};
  const ZrtpDhInputs dh = {.dhresult = {dhresult, 32},
      .dhpart1 = noted_message (noted, ZRTP_MESSAGE_DHPART1),
      .dhpart2 = noted_message (noted, ZRTP_MESSAGE_DHPART2),
      .s1 = s1,
      .s2 = s2,
      .s3 = s3};
  ZrtpKeys keys;

  pair_assert_secure (pair);
  g_assert_cmpint (zrtp_engine_get_role (i->engine), ==, ZRTP_ROLE_INITIATOR);
  zrtp_derive_dh_keys (&inputs, &dh, &keys);
  g_assert_cmpmem (i->send_key.key_and_salt, 16, keys.srtpkey[ZRTP_I], 16);
  g_assert_cmpmem (r->send_key.key_and_salt, 16, keys.srtpkey[ZRTP_R], 16);
}

static const ZrtpBytes null;

/* --- s1 --------------------------------------------------------------------------------------------------- */

/* Three secrets; 0 is none. */
static uint8_t secret[4][32] = {{0}, {1, 1}, {2, 2}, {3, 3}};

static void
give_rs (PairEnd *end, unsigned rs1, unsigned rs2)
{
  end->has_record = true;
  end->record.expiry = 0xffffffff;
  end->record.has_rs1 = rs1;
  end->record.has_rs2 = rs2;
  memcpy (end->record.rs1, secret[rs1], 32);
  memcpy (end->record.rs2, secret[rs2], 32);
}

/* §4.3, read aloud: the initiator's rs1 if the responder has it as rs1 or rs2, else the initiator's rs2 likewise. */
static unsigned
expected_s1 (const unsigned i[2], const unsigned r[2])
{
  for (unsigned n = 0; n < 2; n++)
    if (i[n] && (i[n] == r[0] || i[n] == r[1]))
      return i[n];
  return 0;
}

/* Every combination of rs1 and rs2 at both ends. */
static void
test_s1 (void)
{
  for (unsigned initiator = 0; initiator < 2; initiator++)
    for (unsigned n = 0; n < 4 * 4 * 4 * 4; n++) {
      const unsigned rs[2][2] = {{n & 3, n >> 2 & 3}, {n >> 4 & 3, n >> 6}};
      const unsigned s1 = expected_s1 (rs[initiator], rs[!initiator]);
      Pair pair;
      Noted noted;

      prepare (&pair, &noted, initiator, n);
      for (unsigned e = 0; e < 2; e++)
        give_rs (&pair.end[e], rs[e][0], rs[e][1]);
      pair_start (&pair, BOTH);
      pair_settle (&pair);
      assert_secrets (&pair, &noted, (ZrtpBytes){secret[s1], s1 ? 32 : 0}, null, null);
      for (unsigned e = 0; e < 2;
           e++) /* "rs1 exists in our local cache, but we computed a null value for s1" */
        g_assert_cmpint (pair.end[e].secure.cache_mismatch, ==, rs[e][0] && !s1);
      pair_clear (&pair);
    }
}

/* --- s1, s2, s3 ---------------------------------------------------------------------------------------------- */

typedef enum {
  NEITHER,
  SAME,
  DIFFERENT,
  ONLY_ALICE,
  ONLY_BOB,
  N_SHARINGS
} Sharing;

static bool
has (Sharing sharing, unsigned end)
{
  return sharing == SAME || sharing == DIFFERENT ||
         sharing == (end == ALICE ? ONLY_ALICE : ONLY_BOB);
}

/* None of them ends in zeros: HMAC pads its key with those, so the IDs would not tell the lengths apart. */
static uint8_t aux[2][100];
static const size_t aux_sizes[] = {1, 16, 32, 100};
static uint8_t pbx[2][32] = {{0x31}, {0x32}};

static void
run_with (Pair *pair, Noted *noted, unsigned initiator, const Sharing sharing[3], size_t aux_size)
{
  prepare (pair, noted, initiator, 7);
  for (unsigned e = 0; e < 2; e++) {
    PairEnd *end = &pair->end[e];

    give_rs (end, has (sharing[0], e) ? (sharing[0] == DIFFERENT ? 2 + e : 1) : 0, 0);
    end->record.has_pbx = has (sharing[2], e);
    memcpy (end->record.pbx, pbx[sharing[2] == DIFFERENT && e == BOB], 32);
  }
  pair_start (pair, 0);
  for (unsigned e = 0; e < 2; e++)
    if (has (sharing[1], e))
      g_assert_true (zrtp_call_set_aux (
          pair->end[e].call, aux[sharing[1] == DIFFERENT && e == BOB], aux_size));
  pair_start (pair, BOTH);
  pair_settle (pair);
}

/* In every combination, with auxsecrets of several lengths: what matches goes in, what does not is null and is told to
 * the end that has it (§4.3.2). "If auxsecret matches, it should not excuse a mismatch of rs1" */
static void
test_all (void)
{
  for (unsigned n = 0; n < N_SHARINGS * N_SHARINGS * N_SHARINGS * 2; n++) {
    const Sharing sharing[3] = {n / 2 % 5, n / 10 % 5, n / 50};
    const size_t aux_size = aux_sizes[n % G_N_ELEMENTS (aux_sizes)];
    Pair pair;
    Noted noted;

    run_with (&pair, &noted, n & 1, sharing, aux_size);
    assert_secrets (&pair, &noted, (ZrtpBytes){secret[1], sharing[0] == SAME ? 32 : 0},
        (ZrtpBytes){aux[0], sharing[1] == SAME ? aux_size : 0},
        (ZrtpBytes){pbx[0], sharing[2] == SAME ? 32 : 0});
    for (unsigned e = 0; e < 2; e++) {
      const ZrtpSecureInfo *info = &pair.end[e].secure;

      g_assert_cmpint (info->cache_mismatch, ==, has (sharing[0], e) && sharing[0] != SAME);
      g_assert_cmpint (info->aux_mismatch, ==, has (sharing[1], e) && sharing[1] != SAME);
      g_assert_cmpint (info->enrolled, ==, sharing[2] == SAME);
    }
    pair_clear (&pair);
  }
}

/* Of the same beginning and another length: another secret. */
static void
test_aux_lengths (void)
{
  for (unsigned n = 0; n < G_N_ELEMENTS (aux_sizes); n++)
    for (unsigned m = 0; m < G_N_ELEMENTS (aux_sizes); m++) {
      Pair pair;
      Noted noted;

      prepare (&pair, &noted, ALICE, n + m);
      pair_start (&pair, 0);
      zrtp_call_set_aux (pair.end[ALICE].call, aux[0], aux_sizes[n]);
      zrtp_call_set_aux (pair.end[BOB].call, aux[0], aux_sizes[m]);
      pair_start (&pair, BOTH);
      pair_settle (&pair);
      assert_secrets (&pair, &noted, null, (ZrtpBytes){aux[0], n == m ? aux_sizes[n] : 0}, null);
      for (unsigned e = 0; e < 2; e++)
        g_assert_cmpint (pair.end[e].secure.aux_mismatch, ==, n != m);
      pair_clear (&pair);
    }
}

/* --- The IDs, §4.3.1 ------------------------------------------------------------------------------------------- */

static void
assert_id (const Noted *noted, ZrtpMessageType type, ZrtpSecretId id, ZrtpBytes key, ZrtpBytes text)
{
  uint8_t mac[ZRTP_MAX_HASH];

  zrtp_nettle_s256.mac (key, &text, 1, mac);
  g_assert_cmpmem (
      noted->message[type] + ZRTP_FRAME_SIZE + ZRTP_IMAGE_SIZE + 8 * (unsigned) id, 8, mac, 8);
}

/* "auxsecretIDr = MAC(auxsecret, Responder's H3)", and the others by the name of the role. */
static void
test_ids (void)
{
  static const Sharing same[3] = {SAME, SAME, SAME};
  const ZrtpBytes text[2] = {
      {(const uint8_t *) "Initiator", 9}, {(const uint8_t *) "Responder", 9}};
  static const ZrtpMessageType dhpart[2] = {ZRTP_MESSAGE_DHPART2, ZRTP_MESSAGE_DHPART1};

  for (unsigned initiator = 0; initiator < 2; initiator++) {
    Pair pair;
    Noted noted;

    run_with (&pair, &noted, initiator, same, 40);
    pair_assert_secure (&pair);
    for (unsigned role = 0; role < 2; role++) {
      const PairEnd *sender = &pair.end[role ? !initiator : initiator];

      assert_id (&noted, dhpart[role], ZRTP_ID_RS1, ZRTP_BYTES (secret[1]), text[role]);
      assert_id (&noted, dhpart[role], ZRTP_ID_AUX, (ZrtpBytes){aux[0], 40},
          ZRTP_BYTES (sender->engine->chain.h[3]));
      assert_id (&noted, dhpart[role], ZRTP_ID_PBX, ZRTP_BYTES (pbx[0]), text[role]);
    }
    pair_clear (&pair);
  }
}

/* What an end sends cannot be sent back to it as proof of the same secret: it is bound to the role, and to H3. */
static void
test_reflected_ids (void)
{
  static const uint8_t h3[2][ZRTP_IMAGE_SIZE] = {{1}, {2}};
  const ZrtpRecord record = {
      .has_rs1 = true, .has_rs2 = true, .has_pbx = true, .rs1 = {1}, .rs2 = {2}, .pbx = {3}};
  const ZrtpSecrets secrets = {&record, {aux[0], 32}};
  PairEnd end = {.random_state = 1};
  const ZrtpRandom random = {seeded_random, &end};
  uint8_t id[2][ZRTP_N_IDS][ZRTP_SECRET_ID_SIZE];
  ZrtpShared shared;

  for (unsigned role = 0; role < 2; role++)
    g_assert_true (zrtp_secret_ids (&secrets, role ? ZRTP_ROLE_RESPONDER : ZRTP_ROLE_INITIATOR,
        h3[role], &zrtp_nettle_s256, &random, id[role]));
  /* by the other end */
  shared = zrtp_match_secrets (&secrets, ZRTP_ROLE_INITIATOR, h3[1], &zrtp_nettle_s256, id[1]);
  g_assert_true (shared.s1.size && shared.s2.size && shared.s3.size);
  /* by itself */
  shared = zrtp_match_secrets (&secrets, ZRTP_ROLE_INITIATOR, h3[1], &zrtp_nettle_s256, id[0]);
  g_assert_false (shared.s1.size || shared.s2.size || shared.s3.size);
  /* of another call */
  shared = zrtp_match_secrets (&secrets, ZRTP_ROLE_INITIATOR, h3[0], &zrtp_nettle_s256, id[1]);
  g_assert_true (shared.s1.size && shared.s3.size);
  g_assert_cmpuint (shared.s2.size, ==, 0);
}

/* "If no secret of a given type is available, a random value is generated": nobody sees which there are, or that it is
 * the same end again. */
static void
test_random_ids (void)
{
  static const Sharing none[3] = {NEITHER, NEITHER, NEITHER};
  Pair pair;
  Noted noted;
  uint8_t *ids[2];

  run_with (&pair, &noted, ALICE, none, 0);
  pair_assert_secure (&pair);
  ids[0] = noted.message[ZRTP_MESSAGE_DHPART1] + ZRTP_FRAME_SIZE + ZRTP_IMAGE_SIZE;
  ids[1] = noted.message[ZRTP_MESSAGE_DHPART2] + ZRTP_FRAME_SIZE + ZRTP_IMAGE_SIZE;
  for (unsigned i = 0; i < 8; i++)
    for (unsigned j = 0; j < i; j++)
      g_assert_true (memcmp (ids[i / 4] + 8 * (i % 4), ids[j / 4] + 8 * (j % 4), 8));
  pair_clear (&pair);
}

/* Secrets are compared as a whole, whatever their length. */
static void
test_equal (void)
{
  uint8_t a[40] = {0}, b[40] = {0};

  for (size_t size = 0; size <= sizeof a; size++) {
    for (size_t i = 0; i < size; i++)
      a[i] = b[i] = (uint8_t) (3 * i + size);
    g_assert_true (zrtp_equal (a, b, size));
    for (unsigned bit = 0; bit < 8 * size; bit++) {
      b[bit / 8] ^= (uint8_t) (1u << bit % 8);
      g_assert_false (zrtp_equal (a, b, size));
      b[bit / 8] = a[bit / 8];
    }
    if (size < sizeof a) { /* and not further */
      a[size] = 1;
      b[size] = 2;
      g_assert_true (zrtp_equal (a, b, size));
    }
  }
}

/* --- auxsecret that changes ------------------------------------------------------------------------------------- */

/* "For the exchanges that begin after it": whenever it is set, taken away or changed, the ends agree. */
typedef struct {
  unsigned at, seen, how, whose;
} Change;

static bool
change_aux (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  const Change *c = user;

  if (((Change *) user)->seen++ == c->at)
    for (unsigned e = 0; e < 2; e++)
      if (c->whose & 1u << e)
        zrtp_call_set_aux (pair->end[e].call, aux[1], c->how ? 20 : 0);
  return true;
}

static void
test_aux_changes (void)
{
  for (unsigned preshared = 0; preshared < 2; preshared++)
    for (unsigned n = 0; n < 2 * 3 * 4 * 12; n++) {
      Change change = {.how = n & 1, .whose = n / 2 % 3 + 1, .at = n / 24};
      const unsigned had = n / 6 % 4; /* who has one before */
      Pair pair;

      know_each_other_well (&pair, n);
      for (unsigned e = 0; e < 2; e++)
        pair.end[e].config.allow_preshared = preshared;
      pair.wire = change_aux;
      pair.user = &change;
      pair_start (&pair, 0);
      for (unsigned e = 0; e < 2; e++)
        if (had & 1u << e)
          zrtp_call_set_aux (pair.end[e].call, aux[0], 20);
      pair_start (&pair, BOTH);
      streams_run (&pair, 1, pair.now + 3000 * MS);
      pair_assert_secure (&pair);
      pair_clear (&pair);
    }
}

/* --- srtps, §8.2 --------------------------------------------------------------------------------------------------- */

static const ZrtpSdesKey alices = {{1, 2, 3}, {4, 5}, 16, 14}, bobs = {{6, 7, 8}, {9}, 32, 14},
                         strangers = {{1, 2, 3}, {4, 6}, 16, 14}, gcm = {{1, 2, 3}, {4, 5}, 16, 12};

/* srtps = KDF(SRTP master key, "SRTP Secret", (ZIDi || ZIDr || SRTP master salt), 256), written out. */
static void
srtps (const ZrtpSdesKey *key, const Pair *pair, unsigned initiator, uint8_t out[32])
{
  GByteArray *text = g_byte_array_new ();
  uint8_t mac[ZRTP_MAX_HASH];

  g_byte_array_append (text, (const guint8 *) "\0\0\0\1SRTP Secret\0", 16);
  g_byte_array_append (text, pair->end[initiator].call->zid, 12);
  g_byte_array_append (text, pair->end[!initiator].call->zid, 12);
  g_byte_array_append (text, key->salt, (guint) key->salt_size);
  g_byte_array_append (text, (const guint8 *) "\0\0\1\0", 4);
  zrtp_nettle_s256.mac (
      (ZrtpBytes){key->key, key->key_size}, &(ZrtpBytes){text->data, text->len}, 1, mac);
  memcpy (out, mac, 32);
  g_byte_array_unref (text);
}

/* With both keys it is srtps of the initiator's, then of the responder's; with one, or two that are the same, it is
 * srtps of that, as the RFC has it. */
static void
test_srtps (void)
{
  static const struct {
    const ZrtpSdesKey *own[2], *peer[2]; /* Alice's, Bob's */
    const ZrtpSdesKey *of[2];            /* whose srtps come out: Alice's, Bob's */
    bool mismatch[2];
  } rows[] = {
      {{&alices, &bobs}, {&bobs, &alices}, {&alices, &bobs}, {false, false}},
      {{&alices, NULL}, {NULL, &alices}, {&alices, NULL}, {false, false}},
      {{NULL, &bobs}, {&bobs, NULL}, {NULL, &bobs}, {false, false}},
      {{&alices, &alices}, {&alices, &alices}, {&alices, NULL}, {false, false}},
      {{&gcm, &gcm}, {&gcm, &gcm}, {&gcm, NULL}, {false, false}},
      {{&alices, &bobs}, {&bobs, &strangers}, {NULL, NULL}, {true, true}},
      {{&alices, &gcm}, {&gcm, &alices}, {&alices, &gcm}, {false, false}},
      {{&alices, NULL}, {&bobs, NULL}, {NULL, NULL}, {true, false}},
      {{NULL, NULL}, {NULL, NULL}, {NULL, NULL}, {false, false}},
  };

  for (unsigned initiator = 0; initiator < 2; initiator++)
    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
      Pair pair;
      Noted noted;
      uint8_t expected[64];
      size_t size = 0;

      prepare (&pair, &noted, initiator, i);
      pair_start (&pair, 0);
      for (unsigned e = 0; e < 2; e++)
        g_assert_true (zrtp_call_set_sdes (pair.end[e].call, rows[i].own[e], rows[i].peer[e]));
      pair_start (&pair, BOTH);
      pair_settle (&pair);
      for (unsigned role = 0; role < 2; role++) {
        const ZrtpSdesKey *key = rows[i].of[role ? !initiator : initiator];

        if (key) {
          srtps (key, &pair, initiator, expected + size);
          size += 32;
        }
      }
      assert_secrets (&pair, &noted, null, (ZrtpBytes){expected, size}, null);
      for (unsigned e = 0; e < 2; e++)
        g_assert_cmpint (pair.end[e].secure.aux_mismatch, ==, rows[i].mismatch[e]);
      pair_clear (&pair);
    }
}

/* "If srtps is computed, it will be stored in the auxiliary shared secret": there is one, the last that was set. */
static void
test_srtps_or_aux (void)
{
  for (unsigned row = 0; row < 4; row++) {
    Pair pair;
    Noted noted;
    uint8_t expected[64];
    const bool is_aux = row & 1;

    prepare (&pair, &noted, BOB, row);
    pair_start (&pair, 0);
    for (unsigned e = 0; e < 2; e++) {
      if (is_aux)
        zrtp_call_set_sdes (pair.end[e].call, &alices, &alices);
      zrtp_call_set_aux (pair.end[e].call, aux[0], 17);
      if (!is_aux)
        zrtp_call_set_sdes (pair.end[e].call, &alices, &alices);
      if (row == 3)
        zrtp_call_set_aux (pair.end[e].call, NULL, 0);
    }
    pair_start (&pair, BOTH);
    pair_settle (&pair);
    srtps (&alices, &pair, BOB, expected);
    assert_secrets (&pair, &noted, null,
        row == 3 ? null
        : is_aux ? (ZrtpBytes){aux[0], 17}
                 : (ZrtpBytes){expected, 32},
        null);
    pair_clear (&pair);
  }
}

/* In Preshared mode too, whoever is the initiator. */
static void
test_srtps_preshared (void)
{
  for (unsigned seed = 0; seed < 12; seed++) {
    Pair pair;

    know_each_other_well (&pair, seed);
    for (unsigned e = 0; e < 2; e++)
      pair.end[e].config.allow_preshared = true;
    pair_start (&pair, 0);
    zrtp_call_set_sdes (pair.end[ALICE].call, &alices, &bobs);
    zrtp_call_set_sdes (pair.end[BOB].call, &bobs, &alices);
    pair_start (&pair, BOTH);
    pair_settle (&pair);
    pair_assert_secure (&pair);
    g_assert_cmpint (pair.end[ALICE].secure.mode, ==, ZRTP_MODE_PRESHARED);
    g_assert_false (pair.end[ALICE].secure.aux_mismatch || pair.end[BOB].secure.aux_mismatch);
    pair_clear (&pair);
  }
}

/* --- The interval, §4.9 ------------------------------------------------------------------------------------------------ */

/* "the minimum of the values"; 0: nothing new is stored, an entry that exists gets 0 and keeps its secret, at both
 * ends; without an entry none is made. */
static void
test_expiry (void)
{
  static const uint32_t values[] = {0, 1, 3600, 0xfffffffe, 0xffffffff};
  const unsigned n = G_N_ELEMENTS (values);

  for (unsigned i = 0; i < n * n * 2; i++) {
    const uint32_t expiry[2] = {values[i % n], values[i / n % n]};
    const uint32_t least = MIN (expiry[0], expiry[1]);
    const bool known = i / n / n;
    Pair pair;

    know_each_other (&pair, i);
    for (unsigned e = 0; e < 2; e++) {
      pair.end[e].config.cache_expiry = expiry[e];
      pair.end[e].has_record = known;
    }
    pair_start (&pair, BOTH);
    pair_settle (&pair);
    pair_assert_secure (&pair);
    for (unsigned e = 0; e < 2; e++) {
      const PairEnd *end = &pair.end[e];

      g_assert_cmpuint (end->n_events[ZRTP_EVENT_STORE], ==, least || known);
      g_assert_cmpint (end->has_record, ==, least || known);
      if (!end->has_record)
        continue;
      g_assert_cmphex (end->record.expiry, ==, least);
      g_assert_cmpint (memcmp (end->record.rs1, "\1\2", 2) == 0, ==, known && !least);
      g_assert_cmpint (end->record.has_rs2, ==, known && least);
    }
    pair_clear (&pair);
  }
}

/* An interval that has run out may be forgotten "without causing the other party to note it as an unexpected security
 * event": no alarm, and the flag says nothing of the new secret. */
static void
test_expired (void)
{
  Pair pair;

  know_each_other (&pair, 1);
  pair.end[ALICE].record.expiry = 0;
  pair.end[BOB].has_record = false;
  pair_start (&pair, BOTH);
  pair_settle (&pair);
  pair_assert_secure (&pair);
  g_assert_false (pair.end[ALICE].secure.cache_mismatch);
  g_assert_false (pair.end[ALICE].record.sas_verified);
  g_assert_cmpuint (pair.end[ALICE].n_events[ZRTP_EVENT_STORE], ==, 1);
  pair_clear (&pair);
}

/* --- Cache mismatch, §4.3.2, §4.6.1.1 ------------------------------------------------------------------------------------- */

static void
next_call (Pair *pair, const Pair *before, uint64_t seed)
{
  know_each_other (pair, seed);
  for (unsigned e = 0; e < 2; e++) {
    pair->end[e].record = before->end[e].record;
    pair->end[e].has_record = before->end[e].has_record;
  }
  pair_start (pair, BOTH);
  pair_settle (pair);
  pair_assert_secure (pair);
}

/* One end lost its cache, or both have fallen apart. */
static void
mismatched_call (Pair *pair, bool both, uint64_t seed)
{
  know_each_other (pair, seed);
  if (both)
    pair->end[BOB].record.rs1[0] ^= 1;
  else
    pair->end[BOB].has_record = false;
}

static bool
read_both (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  ZrtpConfirm *confirm = user;

  read_confirm (&pair->end[from], packet, *size, &confirm[from]);
  return true;
}

/* Told, V is down on the wire and for the user, and the record is as it was; on every call, until the SAS is verified. */
static void
test_mismatch (void)
{
  for (unsigned both = 0; both < 2; both++) {
    Pair pair, next, third;
    ZrtpConfirm confirm[2] = {{.sas_verified = true}, {.sas_verified = true}};
    ZrtpRecord before[2];

    mismatched_call (&pair, both, 1 + both);
    for (unsigned e = 0; e < 2; e++)
      before[e] = pair.end[e].record;
    pair.wire = read_both;
    pair.user = confirm;
    pair_start (&pair, BOTH);
    pair_settle (&pair);
    pair_assert_secure (&pair);
    for (unsigned e = 0; e < 2; e++) {
      const PairEnd *end = &pair.end[e];
      const bool told = both || e == ALICE;

      g_assert_cmpint (end->secure.cache_mismatch, ==, told);
      g_assert_false (end->secure.sas_verified);
      g_assert_false (confirm[e].sas_verified);
      g_assert_cmpuint (end->n_events[ZRTP_EVENT_STORE], ==, !told);
      if (told)
        g_assert_cmpmem (&end->record, sizeof before[e], &before[e], sizeof before[e]);
    }

    /* nobody verified it */
    next_call (&next, &pair, 3);
    g_assert_true (next.end[ALICE].secure.cache_mismatch);
    g_assert_true (next.end[BOB].secure.cache_mismatch);
    g_assert_cmpmem (&next.end[ALICE].record, sizeof before[0], &before[0], sizeof before[0]);

    /* both do */
    for (unsigned e = 0; e < 2; e++)
      zrtp_engine_sas_verified (next.end[e].engine, true);
    pair_settle (&next);
    g_assert_cmpmem (next.end[ALICE].record.rs1, 32, next.end[BOB].record.rs1, 32);
    g_assert_true (memcmp (next.end[ALICE].record.rs1, before[ALICE].rs1, 32));
    next_call (&third, &next, 4);
    for (unsigned e = 0; e < 2; e++) {
      g_assert_true (next.end[e].record.sas_verified);
      g_assert_false (third.end[e].secure.cache_mismatch);
      g_assert_true (third.end[e].secure.sas_verified);
    }
    pair_clear (&pair);
    pair_clear (&next);
    pair_clear (&third);
  }
}

/* The user says that it does not match, and then that it does: this call's secret is gone, and the old one was not
 * part of this call. */
static void
test_mismatch_then_mind_changed (void)
{
  for (unsigned matched = 0; matched < 2; matched++) {
    Pair pair;
    const PairEnd *alice = &pair.end[ALICE];

    know_each_other (&pair, 1);
    if (!matched)
      pair.end[BOB].has_record = false;
    pair_start (&pair, BOTH);
    pair_settle (&pair);
    zrtp_engine_sas_verified (alice->engine, false);
    pair_settle (&pair);
    g_assert_cmpmem (alice->record.rs1, 2, "\1\2", 2);
    g_assert_false (alice->record.sas_verified);
    zrtp_engine_sas_verified (alice->engine, true);
    pair_settle (&pair);
    g_assert_cmpmem (alice->record.rs1, 2, "\1\2", 2);
    g_assert_false (alice->record.sas_verified);
    pair_clear (&pair);
  }
}

/* §8.1.1: "only if fully supported by end-to-end integrity-protected delivery of the a=zrtp-hash" */
static void
test_signalling (void)
{
  for (unsigned row = 0; row < 4; row++) {
    const bool integrity = row & 1, hash = row & 2;
    Pair pair;

    mismatched_call (&pair, false, row);
    pair.end[ALICE].config.signalling_integrity = integrity;
    pair_start (&pair, 0);
    if (hash) {
      uint8_t hello_hash[ZRTP_HELLO_HASH_SIZE];

      zrtp_engine_get_hello_hash (pair.end[BOB].engine, hello_hash);
      zrtp_engine_set_peer_hello_hash (pair.end[ALICE].engine, hello_hash, pair.now);
    }
    pair_start (&pair, BOTH);
    pair_settle (&pair);
    pair_assert_secure (&pair);
    g_assert_true (pair.end[ALICE].secure.cache_mismatch); /* it is told all the same */
    g_assert_cmpint (pair.end[ALICE].secure.signalling, ==, integrity && hash);
    g_assert_false (pair.end[ALICE].secure.sas_verified);
    g_assert_cmpuint (pair.end[ALICE].n_events[ZRTP_EVENT_STORE], ==, integrity && hash);
    if (integrity && hash)
      g_assert_cmpmem (pair.end[ALICE].record.rs1, 32, pair.end[BOB].record.rs1, 32);
    g_assert_false (pair.end[ALICE].record.sas_verified && integrity && hash);
    pair_clear (&pair);
  }

  /* another Hello than the announced one does not get that far */
  {
    static const uint8_t other[ZRTP_HELLO_HASH_SIZE] = {1};
    Pair pair;

    mismatched_call (&pair, false, 9);
    pair.end[ALICE].config.signalling_integrity = true;
    pair_start (&pair, 0);
    zrtp_engine_set_peer_hello_hash (pair.end[ALICE].engine, other, pair.now);
    pair_start (&pair, BOTH);
    pair_settle (&pair);
    g_assert_cmpint (pair_state (&pair, ALICE), ==, ZRTP_STATE_DISCOVERY);
    g_assert_cmpuint (pair.end[ALICE].n_events[ZRTP_EVENT_STORE], ==, 0);
    pair_clear (&pair);
  }
}

/* --- When the cache is updated, §4.6.1 ---------------------------------------------------------------------------------------- */

/* "The responder MUST receive the initiator's Confirm2 message before updating the responder's cache. The initiator
 * MUST receive either the responder's Conf2ACK message or the responder's SRTP media" */
static void
test_when (void)
{
  for (unsigned preshared = 0; preshared < 2; preshared++)
    for (unsigned srtp = 0; srtp < 2; srtp++) {
      Held held = {.types = 1u << ZRTP_MESSAGE_CONFIRM1 | 1u << ZRTP_MESSAGE_CONFIRM2 |
                            1u << ZRTP_MESSAGE_CONF2ACK};
      OneInitiator one = {ALICE, hold, &held};
      Pair pair;
      const unsigned *alices_stores = &pair.end[ALICE].n_events[ZRTP_EVENT_STORE];
      const unsigned *bobs_stores = &pair.end[BOB].n_events[ZRTP_EVENT_STORE];

      know_each_other_well (&pair, 1);
      for (unsigned e = 0; e < 2; e++)
        pair.end[e].config.allow_preshared = preshared;
      pair.wire = one_initiator;
      pair.user = &one;
      pair_start (&pair, BOTH);
      pair_settle (&pair);
      g_assert_cmpuint (*alices_stores + *bobs_stores, ==, 0);
      release (&pair, &held, BOB, ZRTP_MESSAGE_CONFIRM1);
      pair_settle (&pair);
      g_assert_cmpuint (*alices_stores + *bobs_stores, ==, 0);
      release (&pair, &held, ALICE, ZRTP_MESSAGE_CONFIRM2);
      pair_settle (&pair);
      g_assert_cmpuint (*bobs_stores, ==, 1);
      g_assert_cmpuint (*alices_stores, ==, 0);
      if (srtp)
        zrtp_engine_srtp_authenticated (pair.end[ALICE].engine, pair.now);
      else
        release (&pair, &held, BOB, ZRTP_MESSAGE_CONF2ACK);
      pair_settle (&pair);
      g_assert_cmpuint (*alices_stores, ==, 1);
      pair_assert_secure (&pair);
      g_assert_cmpmem (pair.end[ALICE].record.rs1, 32, pair.end[BOB].record.rs1, 32);
      pair_clear (&pair);
    }
}

/* The new rs1 is KDF(s0, "retained secret", KDF_Context, 256), the old one is rs2 and the old rs2 is gone. */
static void
test_rs1 (void)
{
  Pair pair;
  Noted noted;

  prepare (&pair, &noted, ALICE, 3);
  for (unsigned e = 0; e < 2; e++)
    give_rs (&pair.end[e], 1, 2);
  pair_start (&pair, BOTH);
  pair_settle (&pair);
  assert_secrets (&pair, &noted, ZRTP_BYTES (secret[1]), null, null);
  for (unsigned e = 0; e < 2; e++) {
    g_assert_cmpmem (pair.end[e].record.rs2, 32, secret[1], 32);
    g_assert_true (memcmp (pair.end[e].record.rs1, secret[1], 32));
    g_assert_cmpuint (pair.end[e].record.preshared_calls, ==, 0);
  }
  pair_clear (&pair);
}

/* --- The user's word, §7.1 -------------------------------------------------------------------------------------------------------- */

/* "clearing the SAS Verified flag, and erase the cached shared secret from this session": what was there before stays,
 * and the next call of the two finds together by it. */
static void
test_no_match (void)
{
  for (unsigned known = 0; known < 2; known++) {
    Pair pair, next;

    know_each_other (&pair, 1);
    for (unsigned e = 0; e < 2; e++)
      pair.end[e].has_record = known;
    pair_start (&pair, BOTH);
    pair_settle (&pair);
    pair_assert_secure (&pair);
    zrtp_engine_sas_verified (pair.end[ALICE].engine, false);
    pair_settle (&pair);
    g_assert_cmpuint (pair.end[ALICE].n_events[ZRTP_EVENT_STORE], ==, 2);
    g_assert_cmpint (pair.end[ALICE].has_record, ==, known);
    if (known) {
      g_assert_cmpmem (pair.end[ALICE].record.rs1, 2, "\1\2", 2);
      g_assert_false (pair.end[ALICE].record.sas_verified);
      g_assert_false (pair.end[ALICE].record.has_rs2);
    }
    next_call (&next, &pair, 2);
    g_assert_false (next.end[ALICE].secure.cache_mismatch);
    g_assert_cmpint (
        next.end[BOB].secure.cache_mismatch, ==, !known); /* rs2 when they knew each other */
    g_assert_false (next.end[ALICE].secure.sas_verified);
    pair_clear (&pair);
    pair_clear (&next);
  }
}

/* --- Flags and signature in Confirm, §4.6, §5.7, §7.2 --------------------------------------------------------------------------------- */

typedef struct {
  unsigned from;
  bool enrollment, allow_clear, disclosure;
  ZrtpType signature_type;
  unsigned signature_words;
} Forged;

static bool
forge (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  const Forged *forged = user;
  ZrtpConfirm confirm;

  if (from != forged->from || !read_confirm (&pair->end[from], packet, *size, &confirm))
    return true;
  confirm.enrollment = forged->enrollment;
  confirm.allow_clear = forged->allow_clear;
  confirm.disclosure = forged->disclosure;
  confirm.signature_type = forged->signature_type;
  *size = forge_confirm (&pair->end[from], &confirm, forged->signature_words, packet);
  return true;
}

static void
sign_hello (ZrtpHello *hello)
{
  hello->signature_capable = true;
}

/* What it reports of the peer is the type; nothing is checked, and nothing of it counts (§7.2). */
static void
test_signature (void)
{
  static const unsigned words[] = {2, 3, 20, 0x1ff};
  static const ZrtpType types[] = {ZRTP_TYPE ('P', 'G', 'P', ' '), ZRTP_TYPE ('X', '5', '0', '9')};

  for (unsigned signer = 0; signer < 2; signer++)
    for (unsigned i = 0; i < 2 * G_N_ELEMENTS (words); i++) {
      Forged forged = {
          .from = signer, .signature_type = types[i & 1], .signature_words = words[i / 2]};
      OneInitiator one = {ALICE, forge, &forged};
      Pair pair;

      know_each_other (&pair, i);
      pair_start (&pair, 0);
      rewrite_hello (&pair.end[signer], sign_hello);
      pair.wire = one_initiator;
      pair.user = &one;
      pair_start (&pair, BOTH);
      pair_settle (&pair);
      pair_assert_secure (&pair);
      g_assert_cmphex (pair.end[!signer].secure.peer_signature, ==, types[i & 1]);
      g_assert_true (pair.end[!signer].secure.peer_signature_capable);
      g_assert_cmphex (pair.end[signer].secure.peer_signature, ==, 0);
      g_assert_false (pair.end[signer].secure.peer_signature_capable);
      g_assert_true (pair.end[!signer].secure.sas_verified); /* by the cache, as before */
      pair_clear (&pair);
    }
}

/* A signature does not end a cache mismatch: we do not check it. */
static void
test_signature_is_no_proof (void)
{
  Forged forged = {
      .from = BOB, .signature_type = ZRTP_TYPE ('P', 'G', 'P', ' '), .signature_words = 20};
  OneInitiator one = {ALICE, forge, &forged};
  Pair pair;

  mismatched_call (&pair, false, 1);
  pair_start (&pair, 0);
  rewrite_hello (&pair.end[BOB], sign_hello);
  pair.wire = one_initiator;
  pair.user = &one;
  pair_start (&pair, BOTH);
  pair_settle (&pair);
  pair_assert_secure (&pair);
  g_assert_true (pair.end[ALICE].secure.cache_mismatch);
  g_assert_cmpuint (pair.end[ALICE].n_events[ZRTP_EVENT_STORE], ==, 0);
  pair_clear (&pair);
}

/* A length that is not that of the message, under a good MAC. */
static bool
wrong_length (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  const unsigned *words = user; /* there are, are said */
  ZrtpConfirm confirm;
  ZrtpConfirmKeys keys;
  uint8_t *message = packet + ZRTP_HEADER_SIZE, iv[ZRTP_CIPHER_BLOCK];
  size_t message_size;

  if (from != BOB || !read_confirm (&pair->end[from], packet, *size, &confirm))
    return true;
  *size = forge_confirm (&pair->end[from], &confirm, words[0], packet);
  message_size = *size - ZRTP_HEADER_SIZE - ZRTP_CRC_SIZE;
  keys = confirm_keys_of (&pair->end[from]);
  memcpy (iv, message + ZRTP_FRAME_SIZE + ZRTP_MAC_SIZE, sizeof iv);
  keys.cipher->decrypt (
      keys.zrtpkey, iv, message + ZRTP_SEALED_OFFSET, message_size - ZRTP_SEALED_OFFSET);
  zrtp_put_u32 (message + ZRTP_SEALED_OFFSET + 32, words[1] << 8);
  zrtp_sealed_write (&keys, iv, message, message_size);
  return true;
}

static void
test_signature_length (void)
{
  static const unsigned rows[][2] = {
      {0, 1}, {0, 0x1ff}, {3, 0}, {3, 2}, {3, 4}, {3, 0x1ff}, {1, 0}, {20, 21}};

  for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
    unsigned words[2] = {rows[i][0], rows[i][1]};
    OneInitiator one = {ALICE, wrong_length, words};
    Pair pair;

    pair_init (&pair, i);
    pair.wire = one_initiator;
    pair.user = &one;
    pair_start (&pair, BOTH);
    pair_settle (&pair);
    g_assert_cmphex (pair.end[ALICE].failed_code, ==, ZRTP_ERROR_MALFORMED);
    g_assert_cmpuint (pair.end[ALICE].n_events[ZRTP_EVENT_RECEIVE_KEY], ==, 0);
    pair_clear (&pair);
  }
}

/* "If a received Confirm message has the (E) flag set, the (A) flag MUST be disregarded and treated as false", §7.3.1 */
static void
test_flags (void)
{
  for (unsigned flags = 0; flags < 8; flags++)
    for (unsigned from = 0; from < 2; from++) {
      Forged forged = {
          .from = from, .enrollment = flags & 1, .allow_clear = flags & 2, .disclosure = flags & 4};
      OneInitiator one = {ALICE, forge, &forged};
      Pair pair;

      pair_init (&pair, flags);
      pair.end[!from].config.allow_clear = true;
      pair.wire = one_initiator;
      pair.user = &one;
      pair_start (&pair, BOTH);
      pair_settle (&pair);
      pair_assert_secure (&pair);
      g_assert_cmpint (pair.end[!from].secure.peer_allows_clear, ==, (flags & 3) == 2);
      g_assert_cmpint (pair.end[!from].secure.peer_disclosure, ==, (flags & 4) != 0);
      g_assert_cmpint (zrtp_call_go_clear (pair.end[!from].call, pair.now), ==, (flags & 3) == 2);
      pair_clear (&pair);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (unsigned i = 0; i < sizeof aux[0]; i++) {
    aux[0][i] = (uint8_t) (1 + i);
    aux[1][i] = (uint8_t) (101 + i);
  }
  g_test_add_func ("/secrets/s1", test_s1);
  g_test_add_func ("/secrets/all", test_all);
  g_test_add_func ("/secrets/aux-lengths", test_aux_lengths);
  g_test_add_func ("/secrets/ids", test_ids);
  g_test_add_func ("/secrets/reflected-ids", test_reflected_ids);
  g_test_add_func ("/secrets/random-ids", test_random_ids);
  g_test_add_func ("/secrets/equal", test_equal);
  g_test_add_func ("/secrets/aux-changes", test_aux_changes);
  g_test_add_func ("/secrets/srtps", test_srtps);
  g_test_add_func ("/secrets/srtps-or-aux", test_srtps_or_aux);
  g_test_add_func ("/secrets/srtps-preshared", test_srtps_preshared);
  g_test_add_func ("/secrets/expiry", test_expiry);
  g_test_add_func ("/secrets/expired", test_expired);
  g_test_add_func ("/secrets/mismatch", test_mismatch);
  g_test_add_func ("/secrets/mismatch-then-mind-changed", test_mismatch_then_mind_changed);
  g_test_add_func ("/secrets/signalling", test_signalling);
  g_test_add_func ("/secrets/when", test_when);
  g_test_add_func ("/secrets/rs1", test_rs1);
  g_test_add_func ("/secrets/no-match", test_no_match);
  g_test_add_func ("/secrets/signature", test_signature);
  g_test_add_func ("/secrets/signature-is-no-proof", test_signature_is_no_proof);
  g_test_add_func ("/secrets/signature-length", test_signature_length);
  g_test_add_func ("/secrets/flags", test_flags);
  return g_test_run ();
}
