/* Sentences of RFC 6189 that no other test shows: the tests that tests/conformance/rfc6189.toml wanted.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/protocol/pair.h"

#include "ext/gmp/zrtp-gmp.h"
#include "ext/nettle/zrtp-nettle.h"

#include <malloc.h>
#include <string.h>
#include <ucontext.h>

enum {
  BOTH = 1 << ALICE | 1 << BOB
};

/* --- The messages of a call, and SHA-256 from another library -------------------------------------------- */

typedef struct {
  uint8_t data[ZRTP_N_MESSAGES][2][ZRTP_MAX_PACKET];
  size_t size[ZRTP_N_MESSAGES][2];
} Messages;

static bool
note_message (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  Messages *messages = user;
  ZrtpPacket parsed;

  g_assert_cmpint (zrtp_packet_parse (packet, *size, &parsed), ==, ZRTP_ACCEPTED);
  memcpy (messages->data[parsed.type][from], parsed.message.data, parsed.message.size);
  messages->size[parsed.type][from] = parsed.message.size;
  return true;
}

static void
add (GByteArray *to, const void *data, size_t size)
{
  g_byte_array_append (to, data, (guint) size);
}

static void
sha256 (const void *data, size_t size, uint8_t out[32])
{
  GChecksum *sum = g_checksum_new (G_CHECKSUM_SHA256);
  gsize n = 32;

  g_checksum_update (sum, data, (gssize) size);
  g_checksum_get_digest (sum, out, &n);
  g_checksum_free (sum);
}

static void
hmac_sha256 (const uint8_t key[32], const void *data, size_t size, uint8_t out[32])
{
  GHmac *hmac = g_hmac_new (G_CHECKSUM_SHA256, key, 32);
  gsize n = 32;

  g_hmac_update (hmac, data, (gssize) size);
  g_hmac_get_digest (hmac, out, &n);
  g_hmac_unref (hmac);
}

/* --- Hello ------------------------------------------------------------------------------------------------- */

/* §4.1.1 the version, §5.2 S and the unused bits, §5 the unused bits of the header */
static void
test_hello (void)
{
  Pair pair;
  uint8_t packet[ZRTP_MAX_PACKET];
  const uint8_t *message = packet + ZRTP_HEADER_SIZE;

  pair_init (&pair, 1);
  pair_start (&pair, 1 << ALICE);
  g_assert_cmpuint (zrtp_engine_poll_packet (pair.end[ALICE].engine, packet), >, 0);
  g_assert_true (packet_is (packet, ZRTP_MESSAGE_HELLO));
  g_assert_cmphex (packet[0], ==, 0x10);
  g_assert_cmphex (packet[1], ==, 0);
  g_assert_cmpmem (message + 12, 4, "1.10", 4);
  g_assert_cmphex (zrtp_get_u32 (message + 76) >> 20, ==, 0); /* 0 S M P, 8 unused */
  pair_clear (&pair);
}

/* §4.1.1: "an endpoint MUST have sent and received Hellos" before it goes on */
static bool
hello_comes_first (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  if (packet_is (packet, ZRTP_MESSAGE_COMMIT) || packet_is (packet, ZRTP_MESSAGE_DHPART1)) {
    g_assert_cmpuint (pair->end[from].n_sent[ZRTP_MESSAGE_HELLO], >, 0);
    g_assert_true (pair->end[from].engine->peer_known);
  }
  return true;
}

static void
test_hello_before_commit (void)
{
  for (unsigned seed = 0; seed < 8; seed++) {
    Pair pair;

    pair_init (&pair, seed);
    pair.wire = hello_comes_first;
    pair_start (&pair, 1 << ALICE);
    if (seed & 1)
      pair_run (&pair, pair.now + 100 * MS);
    pair_start (&pair, 1 << BOB);
    pair_run (&pair, pair.now + 1000 * MS);
    pair_assert_secure (&pair);
    pair_clear (&pair);
  }
}

/* §5.3, §6: every Hello gets its HelloACK, a Commit or not. */
static void
test_helloack (void)
{
  for (unsigned seed = 0; seed < 8; seed++) {
    Pair pair;

    pair_init (&pair, seed);
    pair_start (&pair, BOTH);
    pair_settle (&pair);
    pair_assert_secure (&pair);
    for (unsigned e = 0; e < 2; e++)
      g_assert_cmpuint (
          pair.end[e].n_sent[ZRTP_MESSAGE_HELLOACK], ==, pair.end[!e].n_sent[ZRTP_MESSAGE_HELLO]);
    pair_clear (&pair);
  }
}

/* --- The implicit hash, §5.1.2.2, §8.1.1, §9 ------------------------------------------------------------------ */

static void
assert_message_mac (
    const Messages *messages, ZrtpMessageType type, unsigned from, const uint8_t *key)
{
  const uint8_t *data = messages->data[type][from];
  const size_t covered = messages->size[type][from] - 8;
  uint8_t mac[32];

  hmac_sha256 (key, data, covered, mac);
  g_assert_cmpmem (data + covered, 8, mac, 8);
}

static void
assert_image (const uint8_t *image, const uint8_t *preimage)
{
  uint8_t hash[32];

  sha256 (preimage, 32, hash);
  g_assert_cmpmem (image, 32, hash, 32);
}

static void
test_implicit_hash (void)
{
  Pair pair;
  Messages *messages = g_new0 (Messages, 1);
  unsigned i, r;

  pair_init (&pair, 1);
  for (unsigned e = 0; e < 2; e++) {
    offer_only (&pair.end[e].config, ZRTP_HASH, ZRTP_S384);
    offer_only (&pair.end[e].config, ZRTP_KEY_AGREEMENT, ZRTP_EC38);
  }
  pair.wire = note_message;
  pair.user = messages;
  pair_start (&pair, BOTH);
  pair_settle (&pair);
  pair_assert_secure (&pair);
  g_assert_cmphex (pair.end[ALICE].secure.choice.type[ZRTP_HASH], ==, ZRTP_S384);
  i = zrtp_engine_get_role (pair.end[ALICE].engine) == ZRTP_ROLE_INITIATOR ? ALICE : BOB, r = !i;

  for (unsigned e = 0; e < 2; e++) {
    const uint8_t (*h)[ZRTP_IMAGE_SIZE] = pair.end[e].engine->chain.h;
    const ZrtpMessageType dhpart = e == i ? ZRTP_MESSAGE_DHPART2 : ZRTP_MESSAGE_DHPART1;
    uint8_t expected[32], hello_hash[32];

    for (unsigned n = 1; n < 4; n++)
      assert_image (h[n], h[n - 1]);
    g_assert_cmpmem (messages->data[ZRTP_MESSAGE_HELLO][e] + 32, 32, h[3], 32);
    g_assert_cmpmem (messages->data[dhpart][e] + 12, 32, h[1], 32);
    assert_message_mac (messages, ZRTP_MESSAGE_HELLO, e, h[2]);
    assert_message_mac (messages, dhpart, e, h[0]);

    sha256 (messages->data[ZRTP_MESSAGE_HELLO][e], messages->size[ZRTP_MESSAGE_HELLO][e], expected);
    zrtp_engine_get_hello_hash (pair.end[e].engine, hello_hash);
    g_assert_cmpmem (hello_hash, 32, expected, 32);
  }
  g_assert_cmpmem (
      messages->data[ZRTP_MESSAGE_COMMIT][i] + 12, 32, pair.end[i].engine->chain.h[2], 32);
  assert_message_mac (messages, ZRTP_MESSAGE_COMMIT, i, pair.end[i].engine->chain.h[1]);
  g_assert_cmpuint (messages->size[ZRTP_MESSAGE_DHPART1][r], ==, 45 * 4);
  g_free (messages);
  pair_clear (&pair);
}

/* §9: H0 is "unique within a ZRTP session": the streams of one call have chains of their own. */
static void
test_chains_differ (void)
{
  enum {
    N = 50
  };
  Pair pair;
  uint8_t h0[N][ZRTP_IMAGE_SIZE];

  pair_init (&pair, 1);
  pair_start (&pair, 0);
  for (unsigned n = 0; n < N; n++) {
    ZrtpEngine *engine = zrtp_engine_new (pair.end[ALICE].call, &pair.end[ALICE].config);

    memcpy (h0[n], engine->chain.h[0], sizeof h0[n]);
    for (unsigned m = 0; m < n; m++)
      g_assert_true (memcmp (h0[m], h0[n], sizeof h0[n]) != 0);
    zrtp_engine_free (engine);
  }
  pair_clear (&pair);
}

/* A peer whose DHPart has a wrong MAC, and who means it: hvi and total_hash are right, so that nothing but
 * the MAC can tell (§8.1.1). */
static void
test_altered_dhpart_mac (void)
{
  for (unsigned from = 0; from < 2; from++) {
    Pair pair;
    PairEnd *alice = &pair.end[ALICE], *bob = &pair.end[BOB];
    uint8_t packet[ZRTP_MAX_PACKET];
    size_t size;

    pair_init (&pair, 1);
    pair_start (&pair, BOTH);
    size = zrtp_engine_poll_packet (bob->engine, packet); /* his Hello */
    pair_feed (&pair, ALICE, packet, size);
    g_assert_cmpint (pair_state (&pair, ALICE), ==, ZRTP_STATE_COMMIT_SENT);
    if (from == ALICE) {
      ZrtpExchange *exchange = alice->engine->exchange;
      GByteArray *hashed = g_byte_array_new ();
      ZrtpCommit commit;

      exchange->dhpart[exchange->dhpart_size - 1] ^= 1;
      add (hashed, exchange->dhpart, exchange->dhpart_size);
      add (hashed, bob->engine->hello, bob->engine->hello_size);
      zrtp_commit_parse ((ZrtpBytes){exchange->commit, exchange->commit_size}, &commit);
      sha256 (hashed->data, hashed->len, commit.hvi);
      zrtp_commit_write (&commit, &zrtp_nettle_s256, alice->engine->chain.h[1], exchange->commit);
      g_byte_array_unref (hashed);
    }
    /* Alice's Hello, HelloACK and Commit; Bob takes no part in a contention */
    while ((size = zrtp_engine_poll_packet (alice->engine, packet))) {
      if (packet_is (packet, ZRTP_MESSAGE_COMMIT))
        memset (bob->engine->exchange->own_commit.hvi, 0, ZRTP_HVI_SIZE);
      pair_feed (&pair, BOB, packet, size);
    }
    g_assert_cmpint (pair_state (&pair, BOB), ==, ZRTP_STATE_DHPART1_SENT);
    if (from == BOB)
      bob->engine->exchange->dhpart[bob->engine->exchange->dhpart_size - 1] ^= 1;
    for (unsigned e = 0; e < 2; e++) {
      pair.end[e].any_sent = true;
      pair.end[e].last_sequence = (uint16_t) (pair.end[e].engine->sequence - 1);
    }
    pair_settle (&pair);
    g_assert_cmphex (pair.end[!from].failed_code, ==, ZRTP_ERROR_CONFIRM_MAC);
    g_assert_false (pair.end[!from].failed_by_peer);
    g_assert_cmpuint (pair.end[!from].n_events[ZRTP_EVENT_SECURE], ==, 0);
    pair_clear (&pair);
  }
}

/* --- When media may be sent, §4 -------------------------------------------------------------------------------- */

typedef struct {
  bool confirm2, conf2ack;
} Progress;

static bool
watch_send_key (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  Progress *progress = user;

  for (unsigned e = 0; e < 2; e++) {
    const bool allowed = zrtp_engine_get_role (pair->end[e].engine) == ZRTP_ROLE_INITIATOR
                             ? progress->conf2ack
                             : progress->confirm2;

    g_assert_cmpuint (pair->end[e].n_events[ZRTP_EVENT_SEND_KEY], ==, allowed);
  }
  progress->confirm2 = progress->confirm2 || packet_is (packet, ZRTP_MESSAGE_CONFIRM2);
  progress->conf2ack = progress->conf2ack || packet_is (packet, ZRTP_MESSAGE_CONF2ACK);
  return true;
}

static void
test_send_key (void)
{
  for (unsigned seed = 0; seed < 8; seed++) {
    Pair pair;
    Progress progress = {false, false};

    pair_init (&pair, seed);
    pair.wire = watch_send_key;
    pair.user = &progress;
    pair_start (&pair, BOTH);
    pair_settle (&pair);
    pair_assert_secure (&pair);
    g_assert_true (progress.conf2ack);
    pair_clear (&pair);
  }
}

/* --- The secret exponent of DH3k, §5.1.5 ------------------------------------------------------------------------- */

static unsigned bits_wanted, bits_seen;

static bool
noting_generate (const ZrtpRandom *random, unsigned bits, uint8_t *secret, uint8_t *pv)
{
  g_assert_cmpuint (bits, ==, bits_wanted);
  bits_seen++;
  return zrtp_gmp_dh3k.generate (random, bits, secret, pv);
}

static void
test_exponent_bits (void)
{
  ZrtpKeyAgreement noting = zrtp_gmp_dh3k;
  const ZrtpKeyAgreement *const only[] = {&noting, NULL};

  noting.generate = noting_generate;
  for (unsigned aes = 0; aes < 2; aes++) {
    Pair pair;

    bits_wanted = aes ? 512 : 256;
    bits_seen = 0;
    pair_init (&pair, 1);
    for (unsigned e = 0; e < 2; e++) {
      pair.end[e].crypto.key_agreements = only;
      offer_only (&pair.end[e].config, ZRTP_KEY_AGREEMENT, ZRTP_DH3K);
      pair.end[e].config.offer.list[ZRTP_CIPHER] =
          (ZrtpList){2, {aes ? ZRTP_AES3 : ZRTP_AES1, aes ? ZRTP_AES1 : ZRTP_AES3}};
    }
    pair_start (&pair, BOTH);
    pair_settle (&pair);
    pair_assert_secure (&pair);
    g_assert_cmphex (
        pair.end[ALICE].secure.choice.type[ZRTP_CIPHER], ==, aes ? ZRTP_AES3 : ZRTP_AES1);
    g_assert_cmpuint (bits_seen, ==, 2);
    pair_clear (&pair);
  }
}

/* --- Retransmission, §6 -------------------------------------------------------------------------------------------- */

typedef struct {
  Messages first;
  unsigned repeated[ZRTP_N_MESSAGES];
  unsigned n[ZRTP_N_MESSAGES][2];
} Repetitions;

/* Loses the first two of every message; what comes again is the same, octet for octet. */
static bool
compare_repetitions (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  Repetitions *repetitions = user;
  ZrtpPacket parsed;

  g_assert_cmpint (zrtp_packet_parse (packet, *size, &parsed), ==, ZRTP_ACCEPTED);
  if (repetitions->n[parsed.type][from]++ == 0) {
    note_message (pair, from, packet, size, &repetitions->first);
  } else {
    repetitions->repeated[parsed.type]++;
    g_assert_cmpmem (parsed.message.data, parsed.message.size,
        repetitions->first.data[parsed.type][from], repetitions->first.size[parsed.type][from]);
  }
  return repetitions->n[parsed.type][from] > 2;
}

static void
test_retransmissions (void)
{
  for (unsigned seed = 0; seed < 4; seed++) {
    Pair pair;
    Repetitions *repetitions = g_new0 (Repetitions, 1);

    pair_init (&pair, seed);
    pair.wire = compare_repetitions;
    pair.user = repetitions;
    pair_start (&pair, BOTH);
    pair_run (&pair, pair.now + 15000 * MS);
    pair_assert_secure (&pair);
    for (ZrtpMessageType type = ZRTP_MESSAGE_HELLO; type <= ZRTP_MESSAGE_CONF2ACK; type++)
      g_assert_cmpuint (repetitions->repeated[type], >=, 2);
    g_free (repetitions);
    pair_clear (&pair);
  }
}

static unsigned
poll_all (Pair *pair, unsigned end)
{
  uint8_t packet[ZRTP_MAX_PACKET];
  unsigned n = 0;

  while (zrtp_engine_poll_packet (pair->end[end].engine, packet))
    n++;
  return n;
}

/* Whatever arrives, and as often: an answer waits once. */
static void
test_flood (void)
{
  Pair pair;
  ZrtpPing ping = {.version = "1.10"};
  uint8_t message[ZRTP_PING_SIZE], packet[ZRTP_MAX_PACKET], hello[ZRTP_MAX_PACKET];
  size_t size, hello_size;

  pair_init (&pair, 1);
  pair_start (&pair, BOTH);
  hello_size = zrtp_engine_poll_packet (pair.end[BOB].engine, hello);
  pair.end[BOB].any_sent = true;
  pair.end[BOB].last_sequence = (uint16_t) (pair.end[BOB].engine->sequence - 1);
  pair_feed (&pair, ALICE, hello, hello_size);
  pair_settle (&pair);
  pair_assert_secure (&pair);
  zrtp_ping_write (&ping, message);
  size = zrtp_packet_write (packet, 1, 0xbad, ZRTP_BYTES (message));
  for (unsigned i = 0; i < 1000; i++) {
    g_assert_cmpint (pair_feed (&pair, ALICE, packet, size), ==, ZRTP_ACCEPTED);
    g_assert_cmpint (pair_feed (&pair, ALICE, hello, hello_size), ==, ZRTP_REPEATED);
  }
  g_assert_cmpuint (poll_all (&pair, ALICE), ==, 2);
  pair_clear (&pair);
}

/* "If this extended Hello retry schedule is exhausted without receiving a HelloACK or Commit message, a late
 * Commit message from the peer SHOULD still be accepted": Alice had one Hello of Bob's, and then nothing of
 * him for 13 seconds; what comes then is his Commit and nothing else. */
typedef struct {
  unsigned hellos_of_bob;
  uint64_t deaf_until, mute_until;
} Late;

static bool
late_wire (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  Late *late = user;

  if (from == ALICE)
    return pair->now >= late->mute_until;
  if (packet_is (packet, ZRTP_MESSAGE_HELLO))
    return late->hellos_of_bob++ == 0;
  if (packet_is (packet, ZRTP_MESSAGE_HELLOACK))
    return false;
  return pair->now >= late->deaf_until;
}

static void
test_late_commit (void)
{
  for (unsigned announced = 0; announced < 2; announced++) {
    Pair pair;
    Late late = {0};

    pair_init (&pair, 1);
    late.mute_until = pair.now + 12000 * MS;
    late.deaf_until = pair.now + 13000 * MS;
    pair.wire = late_wire;
    pair.user = &late;
    pair_start (&pair, BOTH);
    pair_run (&pair, pair.now + 12870 * MS);
    g_assert_cmpint (pair_state (&pair, ALICE), ==, ZRTP_STATE_DISCOVERY);
    g_assert_cmpuint (pair.end[ALICE].n_events[ZRTP_EVENT_NO_ANSWER], ==, 1);
    if (announced) { /* meanwhile the signalling has said that the peer's Hello is another */
      static const uint8_t hash[ZRTP_HELLO_HASH_SIZE] = {1};

      zrtp_engine_set_peer_hello_hash (pair.end[ALICE].engine, hash, pair.now);
    }
    pair_run (&pair, pair.now + 17003 * MS);
    if (announced)
      g_assert_cmpuint (pair.end[ALICE].n_events[ZRTP_EVENT_SECURE], ==, 0);
    else
      pair_assert_secure (&pair);
    pair_clear (&pair);
  }
}

/* --- Ping, §5.16 ----------------------------------------------------------------------------------------------------- */

static void
test_ping_of_our_version (void)
{
  Pair pair;
  ZrtpPing ping = {.version = "1.10", .endpoint_hash = {1, 2, 3}};
  ZrtpPacket answer;
  ZrtpPingAck pingack;
  uint8_t message[ZRTP_PING_SIZE], packet[ZRTP_MAX_PACKET];
  size_t size;

  pair_init (&pair, 1);
  pair_start (&pair, 0);
  zrtp_engine_start (pair.end[ALICE].engine, pair.now);
  poll_all (&pair, ALICE);
  zrtp_ping_write (&ping, message);
  size = zrtp_packet_write (packet, 1, 0x1234, ZRTP_BYTES (message));
  g_assert_cmpint (pair_feed (&pair, ALICE, packet, size), ==, ZRTP_ACCEPTED);
  size = zrtp_engine_poll_packet (pair.end[ALICE].engine, packet);
  g_assert_cmpint (zrtp_packet_parse (packet, size, &answer), ==, ZRTP_ACCEPTED);
  g_assert_cmpint (answer.type, ==, ZRTP_MESSAGE_PINGACK);
  g_assert_cmpuint (answer.message.size, ==, 9 * 4); /* Figure 19 */
  g_assert_true (zrtp_pingack_parse (answer.message, &pingack));
  g_assert_cmpmem (pingack.version, 4, "1.10", 4);
  g_assert_cmpmem (pingack.ping_endpoint_hash, 8, ping.endpoint_hash, 8);
  g_assert_cmphex (pingack.ssrc, ==, 0x1234);
  pair_clear (&pair);
}

/* --- The cache, §4.9 ---------------------------------------------------------------------------------------------------- */

/* What Alice's Confirm says inside. */
static bool
read_confirm (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  ZrtpConfirm *confirm = user;
  const bool first = packet_is (packet, ZRTP_MESSAGE_CONFIRM1);

  if (from == ALICE && (first || packet_is (packet, ZRTP_MESSAGE_CONFIRM2))) {
    const ZrtpExchange *exchange = pair->end[ALICE].engine->exchange;
    const unsigned index = first ? ZRTP_R : ZRTP_I;
    const ZrtpConfirmKeys keys = {exchange ? exchange->hash : NULL,
        exchange ? exchange->cipher : NULL, exchange ? exchange->keys.mackey[index] : NULL,
        exchange ? exchange->keys.zrtpkey[index] : NULL};
    ZrtpPacket parsed;

    g_assert_nonnull (exchange);
    g_assert_cmpint (zrtp_packet_parse (packet, *size, &parsed), ==, ZRTP_ACCEPTED);
    g_assert_cmpint (zrtp_confirm_parse (parsed.message, &keys, confirm), ==, ZRTP_ACCEPTED);
  }
  return true;
}

static void
know_each_other (Pair *pair, uint64_t seed)
{
  pair_init (pair, seed);
  for (unsigned e = 0; e < 2; e++) {
    pair->end[e].config.cache_expiry = 0xffffffff;
    pair->end[e].has_record = true;
    pair->end[e].record =
        (ZrtpRecord){.has_rs1 = true, .rs1 = {1, 2}, .sas_verified = true, .expiry = 0xffffffff};
  }
}

/* §4.9.1; the other way round too, to know that the test can see the flag. */
static void
test_cacheless (void)
{
  for (unsigned cacheless = 0; cacheless < 2; cacheless++)
    for (unsigned seed = 0; seed < 6; seed++) {
      Pair pair;
      ZrtpConfirm confirm = {.cache_expiry = 77};

      know_each_other (&pair, seed);
      if (cacheless)
        pair.end[ALICE].config.cache_expiry = 0;
      pair.wire = read_confirm;
      pair.user = &confirm;
      pair_start (&pair, BOTH);
      pair_settle (&pair);
      pair_assert_secure (&pair);
      g_assert_cmphex (confirm.cache_expiry, ==, cacheless ? 0 : 0xffffffff);
      g_assert_cmpint (confirm.sas_verified, ==, !cacheless);
      pair_clear (&pair);
    }
}

/* "if a cache entry already exists from an earlier call, the stored cache interval should be set to 0", and the
 * new secret is not stored. */
static void
test_expiry_of_a_known_peer (void)
{
  Pair pair;
  const PairEnd *alice = &pair.end[ALICE];

  know_each_other (&pair, 1);
  pair.end[BOB].config.cache_expiry = 0;
  pair_start (&pair, BOTH);
  pair_settle (&pair);
  pair_assert_secure (&pair);
  g_assert_cmpuint (alice->n_events[ZRTP_EVENT_STORE], ==, 1);
  g_assert_cmpuint (alice->record.expiry, ==, 0);
  g_assert_true (alice->record.has_rs1);
  g_assert_cmpmem (alice->record.rs1, 3, "\1\2\0", 3);
  g_assert_false (alice->record.has_rs2);
  pair_clear (&pair);
}

/* --- Secrets are gone, §4.4.1.4, §4.6.1, §4.7.3 ------------------------------------------------------------------------ */

static uint8_t needle[2][16]; /* the beginning of DHResult and of s0 */
static unsigned n_searched;

static bool
has_needle (const void *data, size_t size)
{
  for (unsigned i = 0; i < 2; i++)
    if (memmem (data, size, needle[i], sizeof needle[i]))
      return true;
  return false;
}

/* SHA-256 of what §4.4.1.4 says, from the messages of a call without shared secrets. */
static void
compute_s0 (const Pair *pair, const Messages *m, const uint8_t dhresult[32], uint8_t s0[32])
{
  const unsigned i =
      zrtp_engine_get_role (pair->end[ALICE].engine) == ZRTP_ROLE_INITIATOR ? ALICE : BOB;
  const unsigned r = !i;
  GByteArray *all = g_byte_array_new ();
  uint8_t total[32];

  add (all, m->data[ZRTP_MESSAGE_HELLO][r], m->size[ZRTP_MESSAGE_HELLO][r]);
  add (all, m->data[ZRTP_MESSAGE_COMMIT][i], m->size[ZRTP_MESSAGE_COMMIT][i]);
  add (all, m->data[ZRTP_MESSAGE_DHPART1][r], m->size[ZRTP_MESSAGE_DHPART1][r]);
  add (all, m->data[ZRTP_MESSAGE_DHPART2][i], m->size[ZRTP_MESSAGE_DHPART2][i]);
  sha256 (all->data, all->len, total);
  g_byte_array_set_size (all, 0);
  add (all, "\0\0\0\1", 4);
  add (all, dhresult, 32);
  add (all, "ZRTP-HMAC-KDF", 13);
  add (all, pair->end[i].call->zid, 12);
  add (all, pair->end[r].call->zid, 12);
  add (all, total, 32);
  add (all, (const uint8_t[12]){0}, 12);
  sha256 (all->data, all->len, s0);
  g_byte_array_unref (all);
}

static uint8_t agreed[32];

static bool
noting_agree (const uint8_t *secret, const uint8_t *pv, uint8_t *result)
{
  bool ok = zrtp_nettle_ec25.agree (secret, pv, result);

  memcpy (agreed, result, sizeof agreed);
  return ok;
}

static void
run_one_call (Pair *pair, const ZrtpKeyAgreement *const only[], Wire wire, void *user)
{
  pair_init (pair, 1);
  for (unsigned e = 0; e < 2; e++) {
    pair->end[e].crypto.key_agreements = only;
    offer_only (&pair->end[e].config, ZRTP_KEY_AGREEMENT, ZRTP_EC25);
  }
  pair->wire = wire;
  pair->user = user;
  pair_start (pair, BOTH);
  pair_settle (pair);
}

/* Between any two messages: neither in an engine nor on the stack that it ran on. */
static uint8_t stack[512 * 1024];
static ucontext_t test_context, call_context;
static Pair searched_pair;

static bool
search (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  for (unsigned e = 0; e < 2; e++) {
    const ZrtpEngine *engine = pair->end[e].engine;

    g_assert_false (has_needle (engine, sizeof *engine));
    g_assert_false (has_needle (engine->call, sizeof *engine->call));
    if (engine->exchange)
      g_assert_false (has_needle (engine->exchange, sizeof *engine->exchange));
  }
  g_assert_false (has_needle (stack, sizeof stack));
  n_searched++;
  return true;
}

static void
call_and_search (void)
{
  static const ZrtpKeyAgreement *const only[] = {&zrtp_nettle_ec25, NULL};

  run_one_call (&searched_pair, only, search, NULL);
}

static void
test_s0_is_erased (void)
{
  ZrtpKeyAgreement noting = zrtp_nettle_ec25;
  const ZrtpKeyAgreement *const only[] = {&noting, NULL};
  Messages *messages = g_new0 (Messages, 1);
  Pair pair;
  uint8_t s0[32];

  /* once to learn what to look for: the same seed, the same secrets */
  noting.agree = noting_agree;
  run_one_call (&pair, only, note_message, messages);
  pair_assert_secure (&pair);
  compute_s0 (&pair, messages, agreed, s0);
  {
    GByteArray *input = g_byte_array_new (); /* to know that s0 is right: a key derived from it */
    uint8_t key[32];
    const ZrtpEngine *any = pair.end[ALICE].engine;

    add (input, "\0\0\0\1ZRTP Session Key", 21);
    add (input, any->call->kdf_context.data, any->call->kdf_context.size);
    add (input, "\0\0\1\0", 4);
    hmac_sha256 (s0, input->data, input->len, key);
    g_assert_cmpmem (any->call->zrtpsess, 32, key, 32);
    g_byte_array_unref (input);
  }
  pair_clear (&pair);
  memcpy (needle[0], agreed, sizeof needle[0]);
  memcpy (needle[1], s0, sizeof needle[1]);

  n_searched = 0;
  g_assert_cmpint (getcontext (&call_context), ==, 0);
  call_context.uc_stack.ss_sp = stack;
  call_context.uc_stack.ss_size = sizeof stack;
  call_context.uc_link = &test_context;
  makecontext (&call_context, call_and_search, 0);
  g_assert_cmpint (swapcontext (&test_context, &call_context), ==, 0);
  pair_assert_secure (&searched_pair);
  g_assert_cmpuint (n_searched, >=, 9);
  g_assert_false (has_needle (stack, sizeof stack));
  pair_clear (&searched_pair);
  g_free (messages);
}

/* The linker routes every free() of ours here, see meson.build. */
void __real_free (void *block);
void __wrap_free (void *block);

enum {
  MAX_SECRETS = 16
};

static uint8_t secret[MAX_SECRETS][16];
static unsigned n_secrets, n_freed_with_secret;
static bool searching;

void
__wrap_free (void *block)
{
  for (unsigned i = 0; searching && block && i < n_secrets; i++)
    if (memmem (block, malloc_usable_size (block), secret[i], sizeof secret[i]))
      n_freed_with_secret++;
  __real_free (block);
}

static void
look_for (const uint8_t *octets)
{
  g_assert_cmpuint (n_secrets, <, MAX_SECRETS);
  memcpy (secret[n_secrets++], octets, sizeof secret[0]);
}

static void
look_for_keys (const ZrtpKeys *keys)
{
  look_for (keys->zrtpsess);
  look_for (keys->exported_key);
  for (unsigned i = 0; i < 2; i++) {
    look_for (keys->srtpkey[i]);
    look_for (keys->mackey[i]);
    look_for (keys->zrtpkey[i]);
  }
  look_for (keys->rs1);
}

/* A call that ends in the middle of its exchange, and one that ends secure with keys that nobody fetched. */
static void
test_keys_are_erased_at_the_end (void)
{
  for (unsigned secure = 0; secure < 2; secure++) {
    Pair pair;
    uint8_t packet[ZRTP_MAX_PACKET];
    bool any = true;

    n_secrets = n_freed_with_secret = 0;
    pair_init (&pair, 1);
    pair_start (&pair, BOTH);
    while (any) {
      size_t size;

      any = false;
      for (unsigned e = 0; e < 2 && !(n_secrets && !secure); e++)
        if ((size = zrtp_engine_poll_packet (pair.end[e].engine, packet))) {
          any = true;
          if (packet_is (packet, ZRTP_MESSAGE_CONFIRM1)) {
            look_for_keys (&pair.end[e].engine->exchange->keys);
            look_for (pair.end[e].engine->chain.h[0]);
          }
          zrtp_engine_handle_packet (pair.end[!e].engine, packet, size, pair.now);
          if (!pair.end[!e].engine->receive_key.size) /* its keys stay in the engine */
            pair_feed (&pair, !e, packet, 0);
        }
    }
    g_assert_cmpuint (n_secrets, ==, 10);
    g_assert_cmpint (pair_state (&pair, ALICE) == ZRTP_STATE_SECURE, ==, secure);
    searching = true;
    pair_clear (&pair);
    searching = false;
    g_assert_cmpuint (n_freed_with_secret, ==, 0);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/conformance/hello", test_hello);
  g_test_add_func ("/conformance/hello-before-commit", test_hello_before_commit);
  g_test_add_func ("/conformance/helloack", test_helloack);
  g_test_add_func ("/conformance/implicit-hash", test_implicit_hash);
  g_test_add_func ("/conformance/chains-differ", test_chains_differ);
  g_test_add_func ("/conformance/altered-dhpart-mac", test_altered_dhpart_mac);
  g_test_add_func ("/conformance/send-key", test_send_key);
  g_test_add_func ("/conformance/exponent-bits", test_exponent_bits);
  g_test_add_func ("/conformance/retransmissions", test_retransmissions);
  g_test_add_func ("/conformance/flood", test_flood);
  g_test_add_func ("/conformance/late-commit", test_late_commit);
  g_test_add_func ("/conformance/ping-of-our-version", test_ping_of_our_version);
  g_test_add_func ("/conformance/cacheless", test_cacheless);
  g_test_add_func ("/conformance/expiry-of-a-known-peer", test_expiry_of_a_known_peer);
  g_test_add_func ("/conformance/s0-is-erased", test_s0_is_erased);
  g_test_add_func ("/conformance/keys-are-erased-at-the-end", test_keys_are_erased_at_the_end);
  return g_test_run ();
}
