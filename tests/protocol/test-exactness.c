/* What a test must look at closely to be able to fail: the derivations recomputed from the wire with
 * another library, halves of MACs and images, packets and verdicts at the wrong moment, and what a
 * sender of forged packets can do before there are keys.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/protocol/pair.h"

#include "ext/gmp/zrtp-gmp.h"
#include "ext/nettle/zrtp-nettle.h"
#include "gst/protocol/secrets.h"

#include <string.h>

enum {
  BOTH = 1 << ALICE | 1 << BOB
};

/* --- Cursors ------------------------------------------------------------------------------------------- */

static void
test_cursors (void)
{
  uint8_t octets[8] = {1, 2, 3, 4, 5, 6, 7, 8}, out[8];
  ZrtpReader reader = zrtp_reader (octets, 6);
  ZrtpWriter writer = zrtp_writer (out, 6);

  g_assert_cmphex (zrtp_read_u32 (&reader), ==, 0x01020304);
  g_assert_false (zrtp_reader_done (&reader));
  g_assert_cmphex (zrtp_read_u32 (&reader), ==, 0); /* two octets are left */
  g_assert_false (reader.ok);
  memset (out, 0xee, sizeof out);
  zrtp_read (&reader, out, 2); /* once out of bounds, always zeros */
  g_assert_cmpmem (out, 2, "\0\0", 2);
  reader = zrtp_reader (octets, 6);
  g_assert_null (zrtp_read_view (&reader, 7));

  zrtp_write_u32 (&writer, 1);
  zrtp_write_u32 (&writer, 2);
  g_assert_false (writer.ok);
  g_assert_cmpuint (writer.size, ==, 4);
  g_assert_cmphex (out[6], ==, 0xee);
}

/* --- Keys: the formulas of §4.4.1.4 and §4.5 written out once more, over GLib's hashes ------------------- */

static GBytes *
join (const char *format, ...)
{
  GByteArray *all = g_byte_array_new ();
  va_list ap;

  va_start (ap, format);
  for (; *format; format++)
    if (*format == 's') {
      const char *text = va_arg (ap, const char *);

      g_byte_array_append (all, (const guint8 *) text, (guint) strlen (text));
    } else if (*format == 'u') {
      guint32 number = GUINT32_TO_BE (va_arg (ap, guint32));

      g_byte_array_append (all, (const guint8 *) &number, 4);
    } else if (*format == '0') {
      g_byte_array_append (all, (const guint8 *) "", 1);
    } else {
      const guint8 *data = va_arg (ap, const guint8 *);

      g_byte_array_append (all, data, va_arg (ap, guint));
    }
  va_end (ap);
  return g_byte_array_free_to_bytes (all);
}

static void
glib_hash (GChecksumType type, GBytes *of, const guint8 *key, gsize key_size, guint8 *out)
{
  gsize size = 64;

  if (key) {
    GHmac *hmac = g_hmac_new (type, key, key_size);

    g_hmac_update (hmac, g_bytes_get_data (of, NULL), (gssize) g_bytes_get_size (of));
    g_hmac_get_digest (hmac, out, &size);
    g_hmac_unref (hmac);
  } else {
    GChecksum *sum = g_checksum_new (type);

    g_checksum_update (sum, g_bytes_get_data (of, NULL), (gssize) g_bytes_get_size (of));
    g_checksum_get_digest (sum, out, &size);
    g_checksum_free (sum);
  }
  g_bytes_unref (of);
}

static void
assert_derived (GChecksumType type, const guint8 *s0, guint hash_size, const char *label,
    GBytes *context, const guint8 *actual, guint size)
{
  guint8 expected[64];

  glib_hash (type,
      join ("us0bu", 1u, label, g_bytes_get_data (context, NULL),
          (guint) g_bytes_get_size (context), size * 8),
      s0, hash_size, expected);
  g_assert_cmpmem (actual, size, expected, size);
}

/* What the engine feeds into the derivation: from a whole call's messages, as they were on the wire. */
typedef struct {
  uint8_t data[ZRTP_N_MESSAGES][2][ZRTP_MAX_PACKET];
  size_t size[ZRTP_N_MESSAGES][2];
} Record;

static bool
record_wire (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  Record *record = user;
  ZrtpPacket parsed;

  g_assert_cmpint (zrtp_packet_parse (packet, *size, &parsed), ==, ZRTP_ACCEPTED);
  memcpy (record->data[parsed.type][from], parsed.message.data, parsed.message.size);
  record->size[parsed.type][from] = parsed.message.size;
  return true;
}

static const ZrtpKeyAgreement *noted;
static uint8_t agreed[ZRTP_MAX_DHRESULT]; /* the last DHResult of it */

static bool
noting_agree (const uint8_t *secret, const uint8_t *pv, uint8_t *result)
{
  bool ok = noted->agree (secret, pv, result);

  memcpy (agreed, result, noted->result_size);
  return ok;
}

#define MESSAGE(type, from)                                                                        \
  record->data[ZRTP_MESSAGE_##type][from], (guint) record->size[ZRTP_MESSAGE_##type][from]

static void
assert_whole_derivation (
    const ZrtpKeyAgreement *ka, const ZrtpHash *hash, GChecksumType type, ZrtpType tag)
{
  const ZrtpKeyAgreement noting = {
      ka->type, ka->pv_size, ka->result_size, ka->finite_field, ka->generate, noting_agree};
  const ZrtpKeyAgreement *const only[] = {&noting, NULL};
  const guint size = (guint) hash->size;

  noted = ka;
  for (unsigned seed = 0; seed < 6; seed++) {
    Record *record = g_new0 (Record, 1);
    Pair pair;
    guint8 total[64], s0[64], hvi[64], key[64], shared[32];
    GBytes *context;
    unsigned i, r;

    memset (shared, 0x5a, sizeof shared);
    pair_init (&pair, seed);
    for (unsigned e = 0; e < 2; e++) {
      pair.end[e].crypto.key_agreements = only;
      offer_only (&pair.end[e].config, ZRTP_KEY_AGREEMENT, ka->type);
      offer_only (&pair.end[e].config, ZRTP_HASH, hash->type);
      offer_only (&pair.end[e].config, ZRTP_CIPHER, ZRTP_AES1);
      offer_only (&pair.end[e].config, ZRTP_AUTH_TAG, tag);
      pair.end[e].has_record = pair.end[e].record.has_rs1 = seed & 1;
      memcpy (pair.end[e].record.rs1, shared, 32);
    }
    pair.wire = record_wire;
    pair.user = record;
    pair_start (&pair, BOTH);
    pair_settle (&pair);
    pair_assert_secure (&pair);
    i = zrtp_engine_get_role (pair.end[ALICE].engine) == ZRTP_ROLE_INITIATOR ? ALICE : BOB, r = !i;

    /* §4.4.1.1 */
    glib_hash (type, join ("bb", MESSAGE (DHPART2, i), MESSAGE (HELLO, r)), NULL, 0, hvi);
    g_assert_cmpmem (hvi, 32, record->data[ZRTP_MESSAGE_COMMIT][i] + 76, 32);
    /* §4.3.1 */
    glib_hash (type, join ("s", "Initiator"), shared, 32, key);
    g_assert_cmpint (
        memcmp (record->data[ZRTP_MESSAGE_DHPART2][i] + 44, key, 8) == 0, ==, seed & 1);
    glib_hash (type, join ("s", "Responder"), shared, 32, key);
    g_assert_cmpint (
        memcmp (record->data[ZRTP_MESSAGE_DHPART1][r] + 44, key, 8) == 0, ==, seed & 1);
    /* §4.4.1.4 */
    glib_hash (type,
        join ("bbbb", MESSAGE (HELLO, r), MESSAGE (COMMIT, i), MESSAGE (DHPART1, r),
            MESSAGE (DHPART2, i)),
        NULL, 0, total);
    glib_hash (type,
        join ("ubsbbbubuu", 1u, agreed, (guint) ka->result_size, "ZRTP-HMAC-KDF",
            pair.end[i].call->zid, 12u, pair.end[r].call->zid, 12u, total, size,
            seed & 1 ? 32u : 0u, shared, seed & 1 ? 32u : 0u, 0u, 0u),
        NULL, 0, s0);
    context = join ("bbb", pair.end[i].call->zid, 12u, pair.end[r].call->zid, 12u, total, size);
    assert_derived (type, s0, size, "Initiator SRTP master key", context,
        pair.end[i].send_key.key_and_salt, 16);
    assert_derived (type, s0, size, "Responder SRTP master key", context,
        pair.end[r].send_key.key_and_salt, 16);
    /* §4.5.3: 112 bits; with GCM 96, and that number goes into the derivation (§4.5.1) */
    assert_derived (type, s0, size, "Initiator SRTP master salt", context,
        pair.end[i].send_key.key_and_salt + 16, tag == ZRTP_GCM ? 12 : 14);
    assert_derived (type, s0, size, "Responder SRTP master salt", context,
        pair.end[r].send_key.key_and_salt + 16, tag == ZRTP_GCM ? 12 : 14);
    g_bytes_unref (context);
    g_free (record);
    pair_clear (&pair);
  }
}

static void
test_whole_derivation (void)
{
  assert_whole_derivation (&zrtp_nettle_x255, &zrtp_nettle_s256, G_CHECKSUM_SHA256, ZRTP_HS80);
  assert_whole_derivation (&zrtp_nettle_ec52, &zrtp_nettle_s384, G_CHECKSUM_SHA384, ZRTP_GCM);
  assert_whole_derivation (&zrtp_nettle_x448, &zrtp_nettle_s512, G_CHECKSUM_SHA512, ZRTP_GCM);
  assert_whole_derivation (&zrtp_gmp_dh2k, &zrtp_nettle_s256, G_CHECKSUM_SHA256, ZRTP_HS32);
}

/* --- The two directions have nothing in common (for pair_assert_secure) ------------------------------------ */

static void
test_directions (void)
{
  Pair pair;
  PairEnd *a = &pair.end[ALICE], *b = &pair.end[BOB];

  pair_init (&pair, 1);
  pair_start (&pair, BOTH);
  pair_settle (&pair);
  g_assert_true (memcmp (a->send_key.key_and_salt, b->send_key.key_and_salt,
      a->send_key.size - ZRTP_SRTP_SALT_SIZE)); /* the key alone */
  pair_clear (&pair);
}

/* --- Engine --------------------------------------------------------------------------------------------------- */

static size_t
ack (uint8_t *packet, ZrtpMessageType type, uint32_t ssrc)
{
  uint8_t message[ZRTP_FRAME_SIZE];

  zrtp_ack_write (message, type);
  return zrtp_packet_write (packet, 1, ssrc, ZRTP_BYTES (message));
}

static bool
only_acks_from_bob (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  return from == BOB &&
         (packet_is (packet, ZRTP_MESSAGE_HELLO) || packet_is (packet, ZRTP_MESSAGE_HELLOACK));
}

/* HelloACK ends the Hellos, when it is the peer's. */
static void
test_helloack (void)
{
  Pair pair;
  uint8_t packet[ZRTP_MAX_PACKET], message[ZRTP_PING_SIZE];
  size_t size;
  ZrtpPing ping = {.version = "1.10"};

  pair_init (&pair, 1);
  pair.wire = only_acks_from_bob;
  pair_start (&pair, BOTH);
  pair_settle (&pair);
  size = ack (packet, ZRTP_MESSAGE_HELLOACK, 0xbad);
  g_assert_cmpint (pair_feed (&pair, ALICE, packet, size), ==, ZRTP_UNEXPECTED);
  pair_run (&pair, pair.now + 1000 * MS);
  g_assert_cmpuint (pair.end[ALICE].n_sent[ZRTP_MESSAGE_HELLO], >, 4);
  size = ack (packet, ZRTP_MESSAGE_HELLOACK, pair.end[BOB].config.ssrc);
  g_assert_cmpint (pair_feed (&pair, ALICE, packet, size), ==, ZRTP_ACCEPTED);
  size = pair.end[ALICE].n_sent[ZRTP_MESSAGE_HELLO];
  pair_run (&pair, pair.now + 3000 * MS);
  g_assert_cmpuint (pair.end[ALICE].n_sent[ZRTP_MESSAGE_HELLO], ==, size);
  pair_clear (&pair);

  pair_init (&pair, 1); /* a Ping is evidence (§6) */
  pair_start (&pair, 1 << ALICE);
  pair_run (&pair, pair.now + 1000 * MS);
  zrtp_ping_write (&ping, message);
  size = zrtp_packet_write (packet, 1, 0xbad, ZRTP_BYTES (message));
  pair_feed (&pair, ALICE, packet, size);
  pair_run (&pair, pair.now + 60000 * MS);
  g_assert_cmpuint (pair.end[ALICE].n_sent[ZRTP_MESSAGE_HELLO], ==, 63);
  pair_clear (&pair);
}

/* §4.1.1: an Error that says "version" is answered and told, once. */
static void
test_early_error (void)
{
  Pair pair;
  uint8_t packet[ZRTP_MAX_PACKET], error[ZRTP_ERROR_SIZE];
  size_t size;

  pair_init (&pair, 1);
  pair_start (&pair, 1 << ALICE);
  zrtp_error_write (ZRTP_ERROR_VERSION, error);
  size = zrtp_packet_write (packet, 1, 0, ZRTP_BYTES (error));
  for (unsigned i = 0; i < 3; i++) {
    g_assert_cmpint (pair_feed (&pair, ALICE, packet, size), ==, ZRTP_ACCEPTED);
    pair_settle (&pair);
  }
  g_assert_cmpuint (pair.end[ALICE].n_sent[ZRTP_MESSAGE_ERRORACK], ==, 3);
  g_assert_cmpuint (pair.end[ALICE].n_events[ZRTP_EVENT_BAD_VERSION], ==, 1);
  g_assert_cmpint (pair_state (&pair, ALICE), ==, ZRTP_STATE_DISCOVERY);
  zrtp_error_write (ZRTP_ERROR_UNAVAILABLE, error);
  size = zrtp_packet_write (packet, 1, 0, ZRTP_BYTES (error)); /* 0: the SSRC of nobody */
  g_assert_cmpint (pair_feed (&pair, ALICE, packet, size), ==, ZRTP_UNEXPECTED);
  g_assert_cmpint (pair_state (&pair, ALICE), ==, ZRTP_STATE_DISCOVERY);
  pair_clear (&pair);
}

/* The user's word counts only when there is something to say it of. */
static void
test_verify_too_early (void)
{
  Pair pair;

  pair_init (&pair, 1);
  for (unsigned e = 0; e < 2; e++)
    pair.end[e].config.cache_expiry = 0xffffffff;
  pair_start (&pair, BOTH);
  g_assert_null (zrtp_call_get_sashash (pair.end[ALICE].call));
  g_assert_false (zrtp_call_export_key (pair.end[ALICE].call, "x", (uint8_t[1]){0}, 1));
  zrtp_engine_sas_verified (pair.end[ALICE].engine, false);
  zrtp_engine_sas_verified (pair.end[ALICE].engine, true);
  g_assert_cmphex (pair.end[ALICE].engine->events, ==, 0);
  pair_settle (&pair);
  pair_assert_secure (&pair);
  g_assert_false (pair.end[ALICE].record.sas_verified);
  pair_clear (&pair);

  pair_init (&pair, 1); /* cacheless */
  pair_start (&pair, BOTH);
  pair_settle (&pair);
  zrtp_engine_sas_verified (pair.end[ALICE].engine, false);
  pair_settle (&pair);
  g_assert_cmpuint (pair.end[ALICE].n_events[ZRTP_EVENT_STORE], ==, 0);
  pair_clear (&pair);
}

/* SRTP counts as Conf2ACK, and as nothing else, in every state before. */
static bool
srtp_everywhere (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  for (unsigned e = 0; e < 2; e++) {
    const ZrtpState before = pair_state (pair, e);

    if (before == ZRTP_STATE_CONFIRM2_SENT)
      continue;
    zrtp_engine_srtp_authenticated (pair->end[e].engine, pair->now);
    g_assert_cmpint (pair_state (pair, e), ==, before);
  }
  return true;
}

/* The initiator stores nothing before it knows that the responder has Confirm2 (§4.6.1). */
static bool
no_store_early (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  srtp_everywhere (pair, from, packet, size, user);
  for (unsigned e = 0; e < 2; e++)
    if (pair_state (pair, e) != ZRTP_STATE_SECURE)
      g_assert_cmpuint (pair->end[e].n_events[ZRTP_EVENT_STORE], ==, 0);
  return true;
}

static void
test_order (void)
{
  Pair pair;

  pair_init (&pair, 1);
  for (unsigned e = 0; e < 2; e++)
    pair.end[e].config.cache_expiry = 0xffffffff;
  pair.wire = no_store_early;
  pair_start (&pair, BOTH);
  pair_settle (&pair);
  pair_assert_secure (&pair);
  pair_clear (&pair);
}

/* The test has taken packets past the wire: where the count stands. */
static void
note_polled (Pair *pair, unsigned end)
{
  pair->end[end].any_sent = true;
  pair->end[end].last_sequence = (uint16_t) (pair->end[end].engine->sequence - 1);
}

/* --- Forged packets, §9 ---------------------------------------------------------------------------- */

/* A Hello of a stranger, with a chain of its own; what he sends next can be polled from his engine. */
static size_t
stranger_hello (Pair *stranger, uint64_t seed, uint8_t *packet)
{
  pair_init (stranger, seed);
  stranger->end[BOB].config.ssrc = 0x5000 + (uint32_t) seed;
  pair_start (stranger, 1 << BOB);
  return zrtp_engine_poll_packet (stranger->end[BOB].engine, packet);
}

/* Strangers say Hello before the peer or after it, one or many: the peer gets the call, nobody is
 * accused of an attack. */
static void
test_strangers (void)
{
  for (unsigned n = 1; n <= 6; n++)
    for (unsigned first = 0; first < 2; first++)
      for (unsigned seed = 0; seed < 12; seed++) {
        Pair pair, stranger;
        uint8_t packet[ZRTP_MAX_PACKET], hello[ZRTP_MAX_PACKET];
        size_t size;

        pair_init (&pair, seed);
        pair_start (&pair, first ? 1 << ALICE : BOTH);
        if (!first) { /* Alice has committed to Bob, and her Commit is lost */
          size = zrtp_engine_poll_packet (pair.end[BOB].engine, packet);
          pair_feed (&pair, ALICE, packet, size);
          while (zrtp_engine_poll_packet (pair.end[ALICE].engine, packet))
            continue;
          for (unsigned e = 0; e < 2; e++)
            note_polled (&pair, e);
        }
        for (unsigned i = 0; i < n; i++) {
          size = stranger_hello (&stranger, 100 + i, hello);
          hello[ZRTP_HEADER_SIZE + 64] ^= (uint8_t) (i + 1); /* ZID */
          pair_fix_crc (hello, size);
          pair_feed (&pair, ALICE, hello, size);
          pair_clear (&stranger);
        }
        if (first) {
          pair_run (&pair, pair.now + 100 * MS);
          pair_start (&pair, 1 << BOB);
        }
        pair_run (&pair, pair.now + 20000 * MS);
        pair_assert_secure (&pair);
        g_assert_cmpuint (pair.end[ALICE].secure.peer_zid[0], ==, 0xa1);
        pair_clear (&pair);
      }
}

/* A stranger whom Alice has committed to, or who is a rival, does all he can: his Error and his wrong
 * Commits end nothing while Bob is there. */
static void
test_stranger_misbehaves (void)
{
  enum {
    ERROR_PACKET,
    WRONG_COMMIT,
    SHORT_DHPART,
    N_DEEDS
  };

  for (unsigned deed = 0; deed < N_DEEDS; deed++)
    for (unsigned seed = 0; seed < 8; seed++) {
      Pair pair, stranger;
      uint8_t packet[ZRTP_MAX_PACKET], message[ZRTP_DHPART_MAX_SIZE], pv[32] = {9};
      size_t size;

      pair_init (&pair, seed);
      pair_start (&pair, BOTH);
      size = zrtp_engine_poll_packet (pair.end[BOB].engine, packet);
      pair_feed (&pair, ALICE, packet, size);
      while (zrtp_engine_poll_packet (pair.end[ALICE].engine, packet))
        continue;
      for (unsigned e = 0; e < 2; e++)
        note_polled (&pair, e);
      /* offers DH3k only, so that lengths differ */
      pair_init (&stranger, 99);
      stranger.end[BOB].config.ssrc = 0x5099;
      offer_only (&stranger.end[BOB].config, ZRTP_KEY_AGREEMENT, ZRTP_DH3K);
      pair_start (&stranger, 1 << BOB);
      size = zrtp_engine_poll_packet (stranger.end[BOB].engine, packet);
      pair_feed (&pair, ALICE, packet, size);

      if (deed == ERROR_PACKET) {
        zrtp_error_write (ZRTP_ERROR_UNAVAILABLE, message);
        size = zrtp_packet_write (packet, 2, 0x5099, (ZrtpBytes){message, ZRTP_ERROR_SIZE});
      } else if (deed == WRONG_COMMIT) {
        ZrtpCommit commit = {.choice = {{ZRTP_S256, ZRTP_AES1, ZRTP_HS80, ZRTP_EC52, ZRTP_B32}}};

        memcpy (commit.h2, stranger.end[BOB].engine->chain.h[2], 32);
        memcpy (commit.zid, stranger.end[BOB].call->zid, 12);
        zrtp_commit_write (
            &commit, &zrtp_nettle_s256, stranger.end[BOB].engine->chain.h[1], message);
        size = zrtp_packet_write (packet, 2, 0x5099, (ZrtpBytes){message, ZRTP_COMMIT_DH_SIZE});
      } else {
        ZrtpDhpart dhpart = {.pv = pv};

        memcpy (dhpart.h1, stranger.end[BOB].engine->chain.h[1], 32);
        size = zrtp_dhpart_write (&dhpart, ZRTP_MESSAGE_DHPART1, 32, &zrtp_nettle_s256,
            stranger.end[BOB].engine->chain.h[0], message);
        size = zrtp_packet_write (packet, 2, 0x5099, (ZrtpBytes){message, size});
      }
      g_assert_cmpint (pair_feed (&pair, ALICE, packet, size), >, ZRTP_REPEATED);
      g_assert_cmpint (pair_state (&pair, ALICE), ==, ZRTP_STATE_COMMIT_SENT);
      pair_run (&pair, pair.now + 20000 * MS);
      pair_assert_secure (&pair);
      pair_clear (&pair);
      pair_clear (&stranger);
    }
}

/* A stranger was first, and Alice committed to him; then Bob says Hello, and the stranger says Error. */
static void
test_stranger_was_first (void)
{
  Pair pair, stranger;
  uint8_t packet[ZRTP_MAX_PACKET], error[ZRTP_ERROR_SIZE];
  size_t size;

  pair_init (&pair, 1);
  pair_start (&pair, 1 << ALICE);
  pair_settle (&pair);
  size = stranger_hello (&stranger, 99, packet);
  pair_feed (&pair, ALICE, packet, size);
  pair_start (&pair, 1 << BOB);
  size = zrtp_engine_poll_packet (pair.end[BOB].engine, packet);
  note_polled (&pair, BOB);
  pair_feed (&pair, ALICE, packet, size);
  zrtp_error_write (ZRTP_ERROR_UNAVAILABLE, error);
  size = zrtp_packet_write (packet, 2, stranger.end[BOB].config.ssrc, ZRTP_BYTES (error));
  pair_feed (&pair, ALICE, packet, size);
  pair_run (&pair, pair.now + 3000 * MS);
  pair_assert_secure (&pair);
  pair_clear (&pair);
  pair_clear (&stranger);
}

/* A rival holds our Commit back, so that the peer, who may be he, does not take it for his; four do at
 * most. */
static void
test_rival_holds_commit (void)
{
  Pair pair, stranger;
  uint8_t packet[ZRTP_MAX_PACKET];
  size_t size;
  uint64_t begin;

  pair_init (&pair, 1);
  pair_start (&pair, 1 << ALICE);
  pair_settle (&pair);
  size = stranger_hello (&stranger, 99, packet);
  pair_feed (&pair, ALICE, packet, size);
  pair_clear (&stranger);
  pair_settle (&pair);
  g_assert_cmpuint (pair.end[ALICE].n_sent[ZRTP_MESSAGE_COMMIT], ==, 1);
  begin = pair.now;
  for (unsigned i = 0; i < 8; i++) {
    size = stranger_hello (&stranger, 100 + i, packet);
    g_assert_cmpint (pair_feed (&pair, ALICE, packet, size), ==, ZRTP_ACCEPTED);
    pair_clear (&stranger);
    pair_run (&pair, pair.now + 1000 * MS);
    if (i < 4)
      g_assert_cmpuint (pair.end[ALICE].n_sent[ZRTP_MESSAGE_COMMIT], ==, 1);
  }
  g_assert_cmpuint (pair.now - begin, ==, 8000 * MS);
  g_assert_cmpuint (pair.end[ALICE].n_sent[ZRTP_MESSAGE_COMMIT], >, 1);
  pair_clear (&pair);
}

/* Hellos that would be an error in discovery, while our Commit is under way. */
static void
test_bad_hello_in_exchange (void)
{
  Pair pair, stranger;
  uint8_t packet[ZRTP_MAX_PACKET];
  size_t size;
  uint32_t ssrc;

  pair_init (&pair, 1);
  pair_start (&pair, BOTH);
  size = zrtp_engine_poll_packet (pair.end[BOB].engine, packet);
  note_polled (&pair, BOB);
  pair_feed (&pair, ALICE, packet, size);
  ssrc = pair.end[ALICE].engine->peer.ssrc;
  for (unsigned i = 0; i < 2; i++) {
    size = stranger_hello (&stranger, 99, packet);
    if (i == 0)
      memcpy (packet + ZRTP_HEADER_SIZE + 12, "1.00", 4);
    else
      memcpy (packet + ZRTP_HEADER_SIZE + 64, pair.end[ALICE].call->zid, ZRTP_ZID_SIZE);
    pair_fix_crc (packet, size);
    g_assert_cmpint (pair_feed (&pair, ALICE, packet, size), ==, ZRTP_UNEXPECTED);
    g_assert_cmphex (pair.end[ALICE].engine->peer.ssrc, ==, ssrc);
    g_assert_cmpuint (pair.end[ALICE].engine->exchange->n_rivals, ==, 0);
    pair_clear (&stranger);
  }
  pair_settle (&pair);
  pair_assert_secure (&pair);
  pair_clear (&pair);
}

/* Confirms from nowhere, as many as he likes: they have not the peer's SSRC. */
static bool
junk_confirms (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  for (unsigned i = 0; i < 20; i++) {
    uint8_t message[ZRTP_CONFIRM_SIZE] = {0}, junk[ZRTP_MAX_PACKET];
    ZrtpWriter writer = zrtp_writer (message, sizeof message);
    size_t n;

    zrtp_message_begin (
        &writer, i & 1 ? ZRTP_MESSAGE_CONFIRM1 : ZRTP_MESSAGE_CONFIRM2, sizeof message);
    n = zrtp_packet_write (junk, 1, 0xbad, ZRTP_BYTES (message));
    pair_feed (pair, !from, junk, n);
  }
  return true;
}

static void
test_junk_confirms (void)
{
  Pair pair;

  pair_init (&pair, 1);
  pair.wire = junk_confirms;
  pair_start (&pair, BOTH);
  pair_settle (&pair);
  pair_assert_secure (&pair);
  pair_clear (&pair);
}

/* Two packets that are read before anything is sent: the answer to the first needs what the second ends. */
static bool
twice_before_polling (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  static uint8_t dhpart2[ZRTP_MAX_PACKET];
  static size_t dhpart2_size;

  if (packet_is (packet, ZRTP_MESSAGE_DHPART2)) {
    memcpy (dhpart2, packet, *size);
    dhpart2_size = *size;
  }
  if (packet_is (packet, ZRTP_MESSAGE_CONFIRM2))
    pair_feed (pair, !from, dhpart2, dhpart2_size);
  return true;
}

static void
test_read_before_polling (void)
{
  Pair pair;

  pair_init (&pair, 1);
  pair.wire = twice_before_polling;
  pair_start (&pair, BOTH);
  pair_settle (&pair);
  pair_assert_secure (&pair);
  pair_clear (&pair);
}

/* §8.1: the hash comes after the Hello that it was to judge. */
static void
test_late_hello_hash (void)
{
  Pair pair, stranger;
  uint8_t packet[ZRTP_MAX_PACKET], hash[ZRTP_HELLO_HASH_SIZE];
  size_t size;

  pair_init (&pair, 1);
  pair_start (&pair, 1 << ALICE);
  pair_settle (&pair);
  size = stranger_hello (&stranger, 99, packet);
  pair_feed (&pair, ALICE, packet, size);
  g_assert_cmpint (pair_state (&pair, ALICE), ==, ZRTP_STATE_COMMIT_SENT);
  pair_start (&pair, 0);
  zrtp_engine_get_hello_hash (pair.end[BOB].engine, hash);
  zrtp_engine_set_peer_hello_hash (pair.end[ALICE].engine, hash, pair.now);
  g_assert_cmpint (pair_state (&pair, ALICE), ==, ZRTP_STATE_DISCOVERY);
  pair_start (&pair, 1 << BOB);
  pair_run (&pair, pair.now + 2000 * MS);
  g_assert_cmpuint (pair.end[ALICE].n_events[ZRTP_EVENT_BAD_HELLO_HASH], ==, 1);
  pair_assert_secure (&pair);

  /* another one is for the peer that is to come in the place of this one */
  hash[0] ^= 1;
  pair.end[ALICE].engine->hello_hash_reported = false;
  zrtp_engine_set_peer_hello_hash (pair.end[ALICE].engine, hash, pair.now);
  pair_settle (&pair);
  g_assert_cmpuint (pair.end[ALICE].n_events[ZRTP_EVENT_BAD_HELLO_HASH], ==, 1);

  /* the first, and too late: the user is told, the stream stays */
  zrtp_engine_set_peer_hello_hash (pair.end[ALICE].engine, NULL, pair.now);
  zrtp_engine_set_peer_hello_hash (pair.end[ALICE].engine, hash, pair.now);
  pair_settle (&pair);
  g_assert_cmpuint (pair.end[ALICE].n_events[ZRTP_EVENT_BAD_HELLO_HASH], ==, 2);
  pair_assert_secure (&pair);
  pair_clear (&pair);
  pair_clear (&stranger);
}

/* §4.1: "If a Hello message ... indicates that there is a ... SSRC collision" */
static void
test_ssrc_collision (void)
{
  Pair pair;

  pair_init (&pair, 1);
  pair.end[BOB].config.ssrc = pair.end[ALICE].config.ssrc;
  pair_start (&pair, BOTH);
  pair_run (&pair, pair.now + 5000 * MS);
  for (unsigned e = 0; e < 2; e++) {
    g_assert_cmphex (pair.end[e].failed_code, ==, ZRTP_ERROR_SSRC);
    g_assert_cmpuint (pair.end[e].n_sent[ZRTP_MESSAGE_ERROR], >=, 1);
  }
  pair_clear (&pair);
}

/* In the middle of a negotiation the SSRC in our headers stays what it was. */
static bool
change_ssrc (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  if (packet_is (packet, ZRTP_MESSAGE_CONFIRM1) || packet_is (packet, ZRTP_MESSAGE_CONFIRM2))
    for (unsigned e = 0; e < 2; e++)
      zrtp_engine_set_ssrc (pair->end[e].engine, 0x7777 + e);
  return true;
}

static void
test_ssrc_changes (void)
{
  Pair pair;

  pair_init (&pair, 1);
  pair_start (&pair, BOTH);
  for (unsigned e = 0; e < 2; e++) {
    uint8_t packet[ZRTP_MAX_PACKET];
    size_t size = zrtp_engine_poll_packet (pair.end[e].engine, packet);

    pair_feed (&pair, !e, packet, size);
    note_polled (&pair, e);
  }
  pair.wire = change_ssrc;
  pair_settle (&pair);
  pair_assert_secure (&pair);
  pair_clear (&pair);
}

/* §4.6.1: "only the first media stream is permitted to update rs1"; its SAS says nothing of another. */
static void
test_second_stream (void)
{
  Pair first, second;

  pair_init (&first, 1);
  pair_init (&second, 2);
  for (unsigned e = 0; e < 2; e++)
    first.end[e].config.cache_expiry = second.end[e].config.cache_expiry = 0xffffffff;
  pair_start (&first, BOTH);
  pair_settle (&first);
  pair_assert_secure (&first);
  for (unsigned e = 0; e < 2; e++) {
    second.end[e].call = NULL;
    second.end[e].engine = zrtp_engine_new (first.end[e].call, &second.end[e].config);
  }
  pair_start (&second, BOTH);
  pair_settle (&second);
  g_assert_cmpint (pair_state (&second, ALICE), ==, ZRTP_STATE_SECURE);
  zrtp_engine_sas_verified (second.end[ALICE].engine, true);
  pair_settle (&second);
  for (unsigned e = 0; e < 2; e++)
    g_assert_cmpuint (second.end[e].n_events[ZRTP_EVENT_STORE], ==, 0);
  pair_clear (&second);
  pair_clear (&first);
}

/* A cache that cannot be read is not written either, and the peer is told to keep nothing. */
static void
test_unreadable_cache (void)
{
  Pair pair;
  uint8_t packet[ZRTP_MAX_PACKET];
  size_t size;
  ZrtpEvent event;

  pair_init (&pair, 1);
  for (unsigned e = 0; e < 2; e++)
    pair.end[e].config.cache_expiry = 0xffffffff;
  pair_start (&pair, BOTH);
  size = zrtp_engine_poll_packet (pair.end[BOB].engine, packet);
  zrtp_engine_handle_packet (pair.end[ALICE].engine, packet, size, pair.now);
  g_assert_true (zrtp_engine_poll_event (pair.end[ALICE].engine, &event));
  g_assert_cmpint (event.kind, ==, ZRTP_EVENT_LOOKUP);
  /* not for somebody else */
  zrtp_engine_set_record (pair.end[ALICE].engine, pair.end[ALICE].call->zid, NULL, pair.now);
  g_assert_cmpint (pair_state (&pair, ALICE), ==, ZRTP_STATE_DISCOVERY);
  zrtp_engine_forgo_cache (pair.end[ALICE].engine, event.peer_zid, pair.now);
  note_polled (&pair, BOB);
  pair_settle (&pair);
  pair_assert_secure (&pair);
  for (unsigned e = 0; e < 2; e++)
    g_assert_cmpuint (pair.end[e].n_events[ZRTP_EVENT_STORE], ==, 0);
  pair_clear (&pair);
}

/* §4.9: after the interval the peer may have deleted the secret: no alarm. And the flag of a record
 * belongs to its secret: without one it says nothing of the new secret. */
static void
test_old_records (void)
{
  Pair pair;

  pair_init (&pair, 1);
  for (unsigned e = 0; e < 2; e++)
    pair.end[e].config.cache_expiry = 0xffffffff;
  pair.end[ALICE].has_record = true;
  pair.end[ALICE].record = (ZrtpRecord){.has_rs1 = true, .rs1 = {1}, .expiry = 0};
  pair.end[BOB].has_record = true;
  pair.end[BOB].record = (ZrtpRecord){.sas_verified = true, .expiry = 0xffffffff};
  pair_start (&pair, BOTH);
  pair_settle (&pair);
  pair_assert_secure (&pair);
  g_assert_false (pair.end[ALICE].secure.cache_mismatch);
  g_assert_true (pair.end[BOB].record.has_rs1);
  g_assert_false (pair.end[BOB].record.sas_verified);
  pair_clear (&pair);
}

/* The last octet of every MAC, image and commitment counts as much as the first. */
typedef struct {
  unsigned from;
  ZrtpMessageType type;
  size_t offset;
} LastOctet;

static bool
flip_last (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  const LastOctet *f = user;
  ZrtpEngine *bob = pair->end[BOB].engine;

  if (zrtp_engine_get_state (bob) == ZRTP_STATE_COMMIT_SENT)
    memset (bob->exchange->own_commit.hvi, 0, ZRTP_HVI_SIZE); /* Alice initiates */
  if (from == BOB && packet_is (packet, ZRTP_MESSAGE_COMMIT))
    return false;
  if (from == f->from && packet_is (packet, f->type))
    packet[ZRTP_HEADER_SIZE + f->offset] ^= 1;
  return true;
}

static void
test_last_octets (void)
{
  static const LastOctet rows[] = {
      {ALICE, ZRTP_MESSAGE_COMMIT, 43},                 /* H2 */
      {ALICE, ZRTP_MESSAGE_COMMIT, 55},                 /* ZID */
      {ALICE, ZRTP_MESSAGE_COMMIT, 107},                /* hvi */
      {ALICE, ZRTP_MESSAGE_COMMIT, 115},                /* MAC */
      {BOB, ZRTP_MESSAGE_DHPART1, 43},                  /* H1 */
      {ALICE, ZRTP_MESSAGE_DHPART2, 43},                /* H1 */
      {ALICE, ZRTP_MESSAGE_CONFIRM2, 19},               /* confirm_mac */
      {BOB, ZRTP_MESSAGE_CONFIRM1, 19},                 /* confirm_mac */
      {ALICE, ZRTP_MESSAGE_HELLO, 22 * 4 + 13 * 4 - 1}, /* MAC */
      {BOB, ZRTP_MESSAGE_HELLO, 22 * 4 + 13 * 4 - 1},   /* MAC */
  };

  for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
    Pair pair;
    LastOctet row = rows[i];

    pair_init (&pair, 1);
    pair.wire = flip_last;
    pair.user = &row;
    pair_start (&pair, BOTH);
    if (row.type == ZRTP_MESSAGE_HELLO)
      row.offset = pair.end[row.from].engine->hello_size - 1;
    pair_run (&pair, pair.now + 9000 * MS);
    for (unsigned e = 0; e < 2; e++)
      g_assert_cmpuint (pair.end[e].n_events[ZRTP_EVENT_SECURE], ==, 0);
    pair_clear (&pair);
  }
}

/* s1 is hashed into s0 itself, not only seen in the IDs: with the same messages on the wire, another
 * secret makes other keys. */
static void
test_s1_in_s0 (void)
{
  static const uint8_t a[32] = {1}, b[32] = {2};
  ZrtpKeys with_a, with_b, without;
  const ZrtpKeyInputs inputs = {.hash = &zrtp_nettle_s256,
      .cipher = &zrtp_nettle_aes1,
      .salt_size = 14,
      .zid = {a, b},
      .hello_r = ZRTP_BYTES (a),
      .commit = ZRTP_BYTES (a)};
  ZrtpDhInputs dh = {
      .dhresult = ZRTP_BYTES (a), .dhpart1 = ZRTP_BYTES (a), .dhpart2 = ZRTP_BYTES (a)};

  zrtp_derive_dh_keys (&inputs, &dh, &without);
  dh.s1 = ZRTP_BYTES (a);
  zrtp_derive_dh_keys (&inputs, &dh, &with_a);
  dh.s1 = ZRTP_BYTES (b);
  zrtp_derive_dh_keys (&inputs, &dh, &with_b);
  g_assert_true (memcmp (with_a.srtpkey[ZRTP_I], with_b.srtpkey[ZRTP_I], 16));
  g_assert_true (memcmp (with_a.srtpkey[ZRTP_I], without.srtpkey[ZRTP_I], 16));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/exactness/cursors", test_cursors);
  g_test_add_func ("/exactness/whole-derivation", test_whole_derivation);
  g_test_add_func ("/exactness/directions", test_directions);
  g_test_add_func ("/exactness/helloack", test_helloack);
  g_test_add_func ("/exactness/early-error", test_early_error);
  g_test_add_func ("/exactness/verify-too-early", test_verify_too_early);
  g_test_add_func ("/exactness/order", test_order);
  g_test_add_func ("/exactness/strangers", test_strangers);
  g_test_add_func ("/exactness/stranger-misbehaves", test_stranger_misbehaves);
  g_test_add_func ("/exactness/junk-confirms", test_junk_confirms);
  g_test_add_func ("/exactness/read-before-polling", test_read_before_polling);
  g_test_add_func ("/exactness/late-hello-hash", test_late_hello_hash);
  g_test_add_func ("/exactness/ssrc-collision", test_ssrc_collision);
  g_test_add_func ("/exactness/ssrc-changes", test_ssrc_changes);
  g_test_add_func ("/exactness/second-stream", test_second_stream);
  g_test_add_func ("/exactness/unreadable-cache", test_unreadable_cache);
  g_test_add_func ("/exactness/last-octets", test_last_octets);
  g_test_add_func ("/exactness/stranger-was-first", test_stranger_was_first);
  g_test_add_func ("/exactness/rival-holds-commit", test_rival_holds_commit);
  g_test_add_func ("/exactness/bad-hello-in-exchange", test_bad_hello_in_exchange);
  g_test_add_func ("/exactness/old-records", test_old_records);
  g_test_add_func ("/exactness/s1-in-s0", test_s1_in_s0);
  return g_test_run ();
}
