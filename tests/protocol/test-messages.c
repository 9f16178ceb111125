/* Messages, one by one: what is written, what is accepted, what is refused; the choice of algorithms;
 * the key derivation against a second implementation; the SAS.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/protocol/commit.h"
#include "gst/protocol/confirm.h"
#include "gst/protocol/dhpart.h"
#include "gst/protocol/error.h"
#include "gst/protocol/hello.h"
#include "gst/protocol/keys.h"
#include "gst/protocol/ping.h"
#include "gst/protocol/sas.h"
#include "gst/protocol/secrets.h"

#include "ext/nettle/zrtp-nettle.h"

#include <glib.h>
#include <string.h>

static const uint8_t image[ZRTP_IMAGE_SIZE] = "the key of a message MAC, 32 oct";

/* --- Packet --------------------------------------------------------------------------------------- */

/* The check value of CRC-32C (RFC 3720 §B.4 has the same for other inputs). */
static void
test_crc (void)
{
  uint8_t zeros[32] = {0}, ones[32];

  g_assert_cmphex (zrtp_crc32c ((const uint8_t *) "123456789", 9), ==, 0xe3069283);
  /* RFC 3720 §B.4: "32 bytes of zeroes: aa 36 91 8a", "of ones: 43 ab a8 62", as on the wire */
  g_assert_cmphex (zrtp_crc32c (zeros, sizeof zeros), ==, 0x8a9136aa);
  memset (ones, 0xff, sizeof ones);
  g_assert_cmphex (zrtp_crc32c (ones, sizeof ones), ==, 0x62a8ab43);
}

static void
fix_crc (uint8_t *packet, size_t size)
{
  uint32_t crc = zrtp_crc32c (packet, size - 4);

  for (unsigned i = 0; i < 4; i++)
    packet[size - 4 + i] = (uint8_t) (crc >> 8 * i);
}

/* A HelloACK, octet by octet (Figures 2 and 4). */
static void
test_packet (void)
{
  static const uint8_t expected[] = {0x10, 0x00, 0x12, 0x34, 'Z', 'R', 'T', 'P', 0xde, 0xad, 0xbe,
      0xef, 0x50, 0x5a, 0x00, 0x03, 'H', 'e', 'l', 'l', 'o', 'A', 'C', 'K'};
  uint8_t message[ZRTP_FRAME_SIZE], packet[ZRTP_MAX_PACKET];
  ZrtpPacket parsed;
  size_t size;

  g_assert_cmpuint (zrtp_ack_write (message, ZRTP_MESSAGE_HELLOACK), ==, 12);
  size = zrtp_packet_write (packet, 0x1234, 0xdeadbeef, ZRTP_BYTES (message));
  g_assert_cmpmem (packet, size - 4, expected, sizeof expected);
  g_assert_cmpint (zrtp_packet_parse (packet, size, &parsed), ==, ZRTP_ACCEPTED);
  g_assert_cmphex (parsed.sequence, ==, 0x1234);
  g_assert_cmphex (parsed.ssrc, ==, 0xdeadbeef);
  g_assert_cmpint (parsed.type, ==, ZRTP_MESSAGE_HELLOACK);

  /* "The 12 unused bits ... MUST be ignored when received" */
  packet[0] = 0x1f;
  packet[1] = 0xff;
  fix_crc (packet, size);
  g_assert_cmpint (zrtp_packet_parse (packet, size, &parsed), ==, ZRTP_ACCEPTED);

  /* each condition alone */
  packet[0] = 0x20;
  g_assert_cmpint (zrtp_packet_parse (packet, size, &parsed), ==, ZRTP_NOT_ZRTP);
  packet[0] = 0x10;
  packet[4] ^= 1;
  g_assert_cmpint (zrtp_packet_parse (packet, size, &parsed), ==, ZRTP_NOT_ZRTP);
  packet[4] ^= 1;
  fix_crc (packet, size);
  packet[size - 1] ^= 1;
  g_assert_cmpint (zrtp_packet_parse (packet, size, &parsed), ==, ZRTP_BAD_CRC);
  packet[12] ^= 1; /* preamble */
  fix_crc (packet, size);
  g_assert_cmpint (zrtp_packet_parse (packet, size, &parsed), ==, ZRTP_BAD_LENGTH);
  packet[12] ^= 1;
  packet[15] = 4; /* length */
  fix_crc (packet, size);
  g_assert_cmpint (zrtp_packet_parse (packet, size, &parsed), ==, ZRTP_BAD_LENGTH);
  packet[15] = 3;
  packet[16] = 'h'; /* type */
  fix_crc (packet, size);
  g_assert_cmpint (zrtp_packet_parse (packet, size, &parsed), ==, ZRTP_UNKNOWN_TYPE);
}

/* Every type with every length: only those of Figures 3-19 and §5.1.5 pass. */
static void
test_lengths (void)
{
  static const struct {
    const char *type;
    unsigned min, max;
  } rows[] = {{"Hello   ", 22, 57}, {"HelloACK", 3, 3}, {"Commit  ", 25, 29}, {"DHPart1 ", 29, 117},
      {"DHPart2 ", 29, 117}, {"Confirm1", 19, 530}, {"Confirm2", 19, 530}, {"Conf2ACK", 3, 3},
      {"Error   ", 4, 4}, {"ErrorACK", 3, 3}, {"GoClear ", 5, 5}, {"ClearACK", 3, 3},
      {"SASrelay", 19, 530}, {"RelayACK", 3, 3}, {"Ping    ", 6, 6}, {"PingACK ", 9, 9}};

  for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++)
    for (unsigned words = 3; words <= 540; words++) {
      uint8_t packet[ZRTP_MAX_PACKET + 64] = {
          0x10, 0, 0, 1, 'Z', 'R', 'T', 'P', 0, 0, 0, 1, 0x50, 0x5a};
      size_t size = 12 + words * 4 + 4;
      ZrtpPacket parsed;

      packet[14] = (uint8_t) (words >> 8);
      packet[15] = (uint8_t) words;
      memcpy (packet + 16, rows[i].type, 8);
      fix_crc (packet, size);
      g_assert_cmpint (zrtp_packet_parse (packet, size, &parsed), ==,
          words >= rows[i].min && words <= rows[i].max ? ZRTP_ACCEPTED : ZRTP_BAD_LENGTH);
    }
}

/* --- Messages --------------------------------------------------------------------------------------- */

static void
test_hello (void)
{
  ZrtpHello hello = {.version = {'1', '.', '1', '0'},
                .client_id = "0123456789abcde",
                .signature_capable = true,
                .passive = true},
            parsed;
  uint8_t message[ZRTP_HELLO_MAX_SIZE];
  size_t size;

  memset (hello.h3, 3, sizeof hello.h3);
  memset (hello.zid, 9, sizeof hello.zid);
  for (ZrtpKind kind = 0; kind < ZRTP_N_KINDS; kind++) {
    hello.offer.list[kind].n = (uint8_t) (kind + 1);
    for (unsigned i = 0; i <= kind; i++)
      hello.offer.list[kind].type[i] = ZRTP_TYPE ('A' + kind, 'x', 'x', '0' + i);
  }
  size = zrtp_hello_write (&hello, &zrtp_nettle_s256, image, message);
  g_assert_cmpuint (size, ==, (22 + 15) * 4);
  /* Figure 3: |0|S|M|P|, 8 unused bits, hc cc ac kc sc */
  g_assert_cmphex (zrtp_get_u32 (message + 76), ==, 0x50012345);
  g_assert_cmphex (zrtp_get_u32 (message + 80), ==, ZRTP_TYPE ('A', 'x', 'x', '0'));
  g_assert_true (zrtp_hello_parse ((ZrtpBytes){message, size}, &parsed));
  g_assert_cmpmem (&parsed, sizeof parsed, &hello, sizeof hello);
  g_assert_true (zrtp_message_mac_check ((ZrtpBytes){message, size}, &zrtp_nettle_s256, image));

  /* the unused bits are ignored */
  message[76] |= 0x0f;
  message[77] |= 0xf0;
  g_assert_true (zrtp_hello_parse ((ZrtpBytes){message, size}, &parsed));
  g_assert_cmpuint (parsed.offer.list[ZRTP_HASH].n, ==, 1);
  g_assert_false (zrtp_message_mac_check ((ZrtpBytes){message, size}, &zrtp_nettle_s256, image));

  /* one type more or less than was counted */
  g_assert_false (zrtp_hello_parse ((ZrtpBytes){message, size - 4}, &parsed));
  g_assert_false (zrtp_hello_parse ((ZrtpBytes){message, ZRTP_HELLO_FIXED_SIZE}, &parsed));
}

/* A31: CVE-2013-2222 was to believe a count above 7. */
static void
test_hello_counts (void)
{
  for (ZrtpKind kind = 0; kind < ZRTP_N_KINDS; kind++)
    for (unsigned n = 0; n <= 15; n++) {
      ZrtpHello hello = {.version = {'1', '.', '1', '0'}}, parsed;
      uint8_t message[ZRTP_HELLO_FIXED_SIZE + 15 * 4] = {0}, empty[ZRTP_HELLO_MAX_SIZE];

      zrtp_hello_write (&hello, &zrtp_nettle_s256, image, empty);
      memcpy (message, empty, ZRTP_HELLO_FIXED_SIZE);
      zrtp_put_u32 (message + 76, n << 4 * (4 - kind));
      g_assert_cmpint (
          zrtp_hello_parse ((ZrtpBytes){message, ZRTP_HELLO_FIXED_SIZE + n * 4}, &parsed), ==,
          n <= 7);
    }
}

static void
test_commit (void)
{
  ZrtpCommit commit = {.choice = {{ZRTP_S256, ZRTP_AES1, ZRTP_HS80, ZRTP_X255, ZRTP_B32}}}, parsed;
  uint8_t message[ZRTP_COMMIT_DH_SIZE];

  memset (commit.h2, 2, sizeof commit.h2);
  memset (commit.zid, 9, sizeof commit.zid);
  memset (commit.hvi, 7, sizeof commit.hvi);
  g_assert_cmpuint (zrtp_commit_write (&commit, &zrtp_nettle_s256, image, message), ==, 29 * 4);
  g_assert_cmpmem (message + 56, 20, "S256AES1HS80X255B32 ", 20);
  g_assert_true (zrtp_commit_parse (ZRTP_BYTES (message), &parsed));
  g_assert_cmpmem (&parsed, sizeof parsed, &commit, sizeof commit);
  g_assert_false (zrtp_commit_parse ((ZrtpBytes){message, 27 * 4}, &parsed));
  g_assert_false (zrtp_commit_parse ((ZrtpBytes){message, 25 * 4}, &parsed));
  /* Figures 6 and 7 have lengths of their own */
  zrtp_put_u32 (message + 68, ZRTP_MULT);
  g_assert_true (zrtp_commit_parse ((ZrtpBytes){message, 25 * 4}, &parsed));
  g_assert_false (zrtp_commit_parse (ZRTP_BYTES (message), &parsed));
  zrtp_put_u32 (message + 68, ZRTP_PRSH);
  g_assert_true (zrtp_commit_parse ((ZrtpBytes){message, 27 * 4}, &parsed));
  g_assert_false (zrtp_commit_parse (ZRTP_BYTES (message), &parsed));
}

/* §5.1.5: the length of DHPart follows from the key agreement, to the octet. */
static void
test_dhpart (void)
{
  static const size_t pv_sizes[] = {32, 64, 96, 384};
  uint8_t pv[ZRTP_MAX_PV], message[ZRTP_DHPART_MAX_SIZE];

  memset (pv, 5, sizeof pv);
  for (unsigned i = 0; i < G_N_ELEMENTS (pv_sizes); i++) {
    ZrtpDhpart dhpart = {.pv = pv}, parsed;
    size_t size;

    memset (dhpart.h1, 1, sizeof dhpart.h1);
    memset (dhpart.id, 8, sizeof dhpart.id);
    size = zrtp_dhpart_write (
        &dhpart, ZRTP_MESSAGE_DHPART2, pv_sizes[i], &zrtp_nettle_s256, image, message);
    g_assert_cmpuint (size, ==, 21 * 4 + pv_sizes[i]);
    for (unsigned j = 0; j < G_N_ELEMENTS (pv_sizes); j++)
      g_assert_cmpint (
          zrtp_dhpart_parse ((ZrtpBytes){message, size}, pv_sizes[j], &parsed), ==, i == j);
    g_assert_true (zrtp_dhpart_parse ((ZrtpBytes){message, size}, pv_sizes[i], &parsed));
    g_assert_cmpmem (parsed.pv, pv_sizes[i], pv, pv_sizes[i]);
    g_assert_cmpmem (parsed.id, sizeof parsed.id, dhpart.id, sizeof dhpart.id);
  }
}

static void
test_confirm (void)
{
  static const uint8_t mackey[48] = "mac", zrtpkey[32] = "key", iv[16] = "iv";
  const ZrtpConfirmKeys keys = {&zrtp_nettle_s384, &zrtp_nettle_aes3, mackey, zrtpkey};

  for (unsigned flags = 0; flags < 16; flags++) {
    ZrtpConfirm confirm = {.enrollment = flags & 8,
                    .sas_verified = flags & 4,
                    .allow_clear = flags & 2,
                    .disclosure = flags & 1,
                    .cache_expiry = 0x12345678},
                parsed;
    uint8_t message[ZRTP_CONFIRM_SIZE], plain[40];

    memset (confirm.h0, 0x10, sizeof confirm.h0);
    zrtp_confirm_write (&confirm, ZRTP_MESSAGE_CONFIRM1, &keys, iv, message);
    g_assert_cmpint (zrtp_confirm_parse (ZRTP_BYTES (message), &keys, &parsed), ==, ZRTP_ACCEPTED);
    g_assert_cmpmem (&parsed, sizeof parsed, &confirm, sizeof confirm);
    /* Figure 10, in the clear: H0, 15 + 9 bits, 0000EVAD, expiry */
    memcpy (plain, message + 36, sizeof plain);
    zrtp_nettle_aes3.decrypt (zrtpkey, iv, plain, sizeof plain);
    g_assert_cmphex (zrtp_get_u32 (plain + 32), ==, flags);
    g_assert_cmphex (zrtp_get_u32 (plain + 36), ==, 0x12345678);
    message[75] ^= 1;
    g_assert_cmpint (zrtp_confirm_parse (ZRTP_BYTES (message), &keys, &parsed), ==, ZRTP_BAD_MAC);
  }
}

/* A29: a signature is carried along, and its length must be the truth. */
static void
test_confirm_signature (void)
{
  static const uint8_t mackey[32] = "mac", zrtpkey[16] = "key";
  const ZrtpConfirmKeys keys = {&zrtp_nettle_s256, &zrtp_nettle_aes1, mackey, zrtpkey};

  for (unsigned words = 0; words <= 511; words += 73)
    for (unsigned claimed = 0; claimed <= 511; claimed += 73) {
      uint8_t message[ZRTP_CONFIRM_MAX_SIZE] = {0}, mac[ZRTP_MAX_HASH];
      size_t size = ZRTP_CONFIRM_SIZE + words * 4;
      ZrtpBytes encrypted = {message + 36, size - 36};
      ZrtpConfirm parsed;

      zrtp_put_u32 (message + 36 + 32, 0xfffe0000 | claimed << 8); /* unused bits set */
      zrtp_nettle_aes1.encrypt (zrtpkey, message + 20, message + 36, size - 36);
      zrtp_nettle_s256.mac (ZRTP_BYTES (mackey), &encrypted, 1, mac);
      memcpy (message + 12, mac, 8);
      g_assert_cmpint (zrtp_confirm_parse ((ZrtpBytes){message, size}, &keys, &parsed), ==,
          words == claimed ? ZRTP_ACCEPTED : ZRTP_BAD_CONTENT);
    }
}

static void
test_error (void)
{
  uint8_t message[ZRTP_ERROR_SIZE];

  g_assert_cmpuint (zrtp_error_write (0x100, message), ==, 16);
  g_assert_cmphex (zrtp_error_parse (ZRTP_BYTES (message)), ==, 0x100);
  g_assert_cmpstr (zrtp_error_text (0x62), !=, zrtp_error_text (0x70));
  g_assert_cmpstr (zrtp_error_text (0x12345), ==, "unknown error");
}

static void
test_ping (void)
{
  ZrtpPing ping = {{'1', '.', '1', '0'}, {1, 2, 3, 4, 5, 6, 7, 8}}, parsed_ping;
  ZrtpPingAck ack = {{'1', '.', '1', '0'}, {8}, {1, 2, 3, 4, 5, 6, 7, 8}, 0xdeadbeef}, parsed_ack;
  uint8_t message[ZRTP_PINGACK_SIZE];

  g_assert_cmpuint (zrtp_ping_write (&ping, message), ==, 6 * 4);
  g_assert_cmpmem (message + 12, 12, "1.10\1\2\3\4\5\6\7\10", 12);
  g_assert_true (zrtp_ping_parse ((ZrtpBytes){message, ZRTP_PING_SIZE}, &parsed_ping));
  g_assert_cmpmem (&parsed_ping, sizeof parsed_ping, &ping, sizeof ping);
  /* A32: CVE-2013-2223 was to answer a short one with what stood behind it */
  g_assert_false (zrtp_ping_parse ((ZrtpBytes){message, ZRTP_PING_SIZE - 4}, &parsed_ping));
  g_assert_false (zrtp_ping_parse ((ZrtpBytes){message, ZRTP_PING_SIZE + 4}, &parsed_ping));

  g_assert_cmpuint (zrtp_pingack_write (&ack, message), ==, 9 * 4);
  g_assert_cmphex (zrtp_get_u32 (message + 32), ==, 0xdeadbeef);
  g_assert_true (zrtp_pingack_parse (ZRTP_BYTES (message), &parsed_ack));
  g_assert_cmpmem (&parsed_ack, sizeof parsed_ack, &ack, sizeof ack);
  g_assert_false (zrtp_pingack_parse ((ZrtpBytes){message, ZRTP_PINGACK_SIZE - 4}, &parsed_ack));
}

/* --- Choice of algorithms, §4.1.2 -------------------------------------------------------------------- */

static ZrtpChoice
assert_choose (const ZrtpOffer *a, const ZrtpOffer *b)
{
  ZrtpChoice x, y;

  zrtp_choose (a, b, &x);
  zrtp_choose (b, a, &y);
  /* both ends arrive at the same one */
  g_assert_cmphex (x.type[ZRTP_KEY_AGREEMENT], ==, y.type[ZRTP_KEY_AGREEMENT]);
  /* and either takes what the other chose, and what it chose itself */
  for (unsigned i = 0; i < 4; i++)
    g_assert_cmpuint (zrtp_check_choice (i & 1 ? a : b, i & 2 ? &x : &y), ==, 0);
  if (x.type[ZRTP_KEY_AGREEMENT] == ZRTP_EC38)
    g_assert_true (x.type[ZRTP_HASH] == ZRTP_S384 || x.type[ZRTP_HASH] == ZRTP_N384);
  if (x.type[ZRTP_KEY_AGREEMENT] == ZRTP_DH2K)
    g_assert_cmphex (x.type[ZRTP_CIPHER], ==, ZRTP_AES1);
  return x;
}

static void
set_list (ZrtpOffer *offer, ZrtpKind kind, const ZrtpType *types, unsigned n)
{
  offer->list[kind].n = (uint8_t) n;
  memcpy (offer->list[kind].type, types, n * sizeof *types);
}

static ZrtpType
choose (const ZrtpType *ours, unsigned n_ours, const ZrtpType *theirs, unsigned n_theirs)
{
  ZrtpOffer a = {0}, b = {0};
  ZrtpChoice x;

  a.list[ZRTP_HASH] = b.list[ZRTP_HASH] = (ZrtpList){2, {ZRTP_S256, ZRTP_S384}};
  a.list[ZRTP_CIPHER] = b.list[ZRTP_CIPHER] = (ZrtpList){2, {ZRTP_AES1, ZRTP_AES3}};
  set_list (&a, ZRTP_KEY_AGREEMENT, ours, n_ours);
  set_list (&b, ZRTP_KEY_AGREEMENT, theirs, n_theirs);
  x = assert_choose (&a, &b);
  if (x.type[ZRTP_KEY_AGREEMENT] == ZRTP_EC38) {
    g_assert_cmphex (x.type[ZRTP_HASH], ==, ZRTP_S384);
    g_assert_cmphex (x.type[ZRTP_CIPHER], ==, ZRTP_AES3);
  }
  return x.type[ZRTP_KEY_AGREEMENT];
}

#define CHOOSE(a, b) choose (a, G_N_ELEMENTS (a), b, G_N_ELEMENTS (b))

static void
test_choice (void)
{
  /* the example of the RFC */
  static const ZrtpType alice[] = {ZRTP_DH2K, ZRTP_DH3K, ZRTP_EC25};
  static const ZrtpType bob[] = {ZRTP_EC38, ZRTP_EC25, ZRTP_DH3K};
  static const ZrtpType x[] = {ZRTP_X255}, e[] = {ZRTP_EC25}, ec38[] = {ZRTP_EC38, ZRTP_X255};
  static const ZrtpType mult[] = {ZRTP_MULT, ZRTP_PRSH, ZRTP_X255};
  static const ZrtpType strange[] = {ZRTP_TYPE ('K', '2', '5', '5'), ZRTP_X255};
  static const ZrtpType speed[] = {
      ZRTP_DH2K, ZRTP_X255, ZRTP_E255, ZRTP_EC25, ZRTP_X448, ZRTP_DH3K, ZRTP_EC38, ZRTP_EC52};

  g_assert_cmphex (CHOOSE (alice, bob), ==, ZRTP_EC25);
  g_assert_cmphex (CHOOSE (x, e), ==, ZRTP_DH3K);
  g_assert_cmphex (CHOOSE (ec38, ec38), ==, ZRTP_EC38);
  g_assert_cmphex (CHOOSE (ec38, x), ==, ZRTP_X255);
  g_assert_cmphex (CHOOSE (mult, mult), ==, ZRTP_X255);
  g_assert_cmphex (CHOOSE (strange, strange), ==, ZRTP_X255);
  /* of two first choices the faster */
  for (unsigned i = 0; i < G_N_ELEMENTS (speed); i++)
    for (unsigned j = 0; j < G_N_ELEMENTS (speed); j++) {
      const ZrtpType ours[] = {speed[i], speed[j]}, theirs[] = {speed[j], speed[i]};

      g_assert_cmphex (CHOOSE (ours, theirs), ==, speed[MIN (i, j)]);
    }
}

/* X25519 has two names: who knows one meets who knows both, in whatever order. */
static void
test_choice_x25519 (void)
{
  static const ZrtpType both[2][3] = {
      {ZRTP_X255, ZRTP_E255, ZRTP_DH3K}, {ZRTP_E255, ZRTP_X255, ZRTP_DH3K}};
  static const ZrtpType x255[2][2] = {{ZRTP_X255, ZRTP_DH3K}, {ZRTP_DH3K, ZRTP_X255}};
  static const ZrtpType e255[2][2] = {{ZRTP_E255, ZRTP_DH3K}, {ZRTP_DH3K, ZRTP_E255}};
  static const ZrtpType first_ec[] = {ZRTP_EC25, ZRTP_E255, ZRTP_X255};

  for (unsigned i = 0; i < 2; i++)
    for (unsigned j = 0; j < 2; j++) {
      g_assert_cmphex (CHOOSE (both[i], x255[j]), ==, ZRTP_X255);
      g_assert_cmphex (CHOOSE (x255[j], both[i]), ==, ZRTP_X255);
      g_assert_cmphex (CHOOSE (both[i], e255[j]), ==, ZRTP_E255);
      g_assert_cmphex (CHOOSE (e255[j], both[i]), ==, ZRTP_E255);
      /* Each first on its own list: the same of the two at both ends. */
      g_assert_cmphex (CHOOSE (both[i], both[j]), ==, i && j ? ZRTP_E255 : ZRTP_X255);
      g_assert_cmphex (CHOOSE (both[i], first_ec), ==, both[i][0]);
      g_assert_cmphex (CHOOSE (x255[i], e255[j]), ==, ZRTP_DH3K);
    }
}

/* What the key agreement makes of hash and cipher, §5.1.5. */
static void
test_choice_coupling (void)
{
  static const struct {
    ZrtpType key_agreement;
    ZrtpList our_hashes, their_hashes, our_ciphers, their_ciphers;
    ZrtpType chosen, hash, cipher;
  } rows[] = {
      /* EC38: a hash of 384 bits in common, the first on our list, or not at all */
      {ZRTP_EC38, {2, {ZRTP_S256, ZRTP_S384}}, {2, {ZRTP_S384, ZRTP_S256}},
          {2, {ZRTP_AES1, ZRTP_AES3}}, {2, {ZRTP_AES1, ZRTP_AES3}}, ZRTP_EC38, ZRTP_S384,
          ZRTP_AES3},
      {ZRTP_EC38, {2, {ZRTP_N384, ZRTP_S384}}, {2, {ZRTP_S384, ZRTP_N384}},
          {2, {ZRTP_AES1, ZRTP_AES3}}, {1, {ZRTP_AES1}}, ZRTP_EC38, ZRTP_N384, ZRTP_AES1},
      {ZRTP_EC38, {2, {ZRTP_S256, ZRTP_N384}}, {2, {ZRTP_S256, ZRTP_N384}}, {1, {ZRTP_AES1}},
          {2, {ZRTP_AES3, ZRTP_AES1}}, ZRTP_EC38, ZRTP_N384, ZRTP_AES1},
      {ZRTP_EC38, {2, {ZRTP_S256, ZRTP_N384}}, {2, {ZRTP_S256, ZRTP_S384}},
          {2, {ZRTP_AES3, ZRTP_AES1}}, {2, {ZRTP_AES3, ZRTP_AES1}}, ZRTP_DH3K, ZRTP_S256,
          ZRTP_AES3},
      {ZRTP_EC38, {2, {ZRTP_S512, ZRTP_N256}}, {2, {ZRTP_S512, ZRTP_N256}}, {1, {ZRTP_AES3}},
          {1, {ZRTP_AES3}}, ZRTP_DH3K, ZRTP_S512, ZRTP_AES3},
      /* EC52: the strongest in common, if any */
      {ZRTP_EC52, {4, {ZRTP_S256, ZRTP_N384, ZRTP_S384, ZRTP_S512}},
          {4, {ZRTP_S256, ZRTP_S384, ZRTP_N384, ZRTP_S512}}, {2, {ZRTP_AES1, ZRTP_AES3}},
          {2, {ZRTP_AES1, ZRTP_AES3}}, ZRTP_EC52, ZRTP_S512, ZRTP_AES3},
      {ZRTP_EC52, {4, {ZRTP_S256, ZRTP_N384, ZRTP_S384, ZRTP_S512}},
          {3, {ZRTP_S256, ZRTP_S384, ZRTP_N384}}, {2, {ZRTP_AES1, ZRTP_AES3}}, {1, {ZRTP_AES1}},
          ZRTP_EC52, ZRTP_N384, ZRTP_AES1},
      {ZRTP_EC52, {2, {ZRTP_S256, ZRTP_S384}}, {2, {ZRTP_S512, ZRTP_S384}}, {1, {ZRTP_AES1}},
          {2, {ZRTP_AES1, ZRTP_AES3}}, ZRTP_EC52, ZRTP_S384, ZRTP_AES1},
      {ZRTP_EC52, {2, {ZRTP_N256, ZRTP_S384}}, {2, {ZRTP_S512, ZRTP_N256}},
          {2, {ZRTP_AES1, ZRTP_AES3}}, {2, {ZRTP_AES1, ZRTP_AES3}}, ZRTP_EC52, ZRTP_N256,
          ZRTP_AES3},
      /* DH2k: AES1 and nothing else */
      {ZRTP_DH2K, {2, {ZRTP_S384, ZRTP_S256}}, {2, {ZRTP_S384, ZRTP_S256}}, {1, {ZRTP_AES3}},
          {1, {ZRTP_AES3}}, ZRTP_DH2K, ZRTP_S384, ZRTP_AES1},
      /* The others leave both alone. */
      {ZRTP_X448, {2, {ZRTP_N256, ZRTP_S512}}, {2, {ZRTP_S512, ZRTP_N256}},
          {2, {ZRTP_AES1, ZRTP_AES3}}, {2, {ZRTP_AES3, ZRTP_AES1}}, ZRTP_X448, ZRTP_N256,
          ZRTP_AES1},
      {ZRTP_E255, {2, {ZRTP_S512, ZRTP_S256}}, {2, {ZRTP_S512, ZRTP_N256}},
          {2, {ZRTP_AES3, ZRTP_AES1}}, {2, {ZRTP_AES1, ZRTP_AES3}}, ZRTP_E255, ZRTP_S512,
          ZRTP_AES3},
  };

  for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
    ZrtpOffer a = {0}, b = {0};
    ZrtpChoice x;

    a.list[ZRTP_KEY_AGREEMENT] = b.list[ZRTP_KEY_AGREEMENT] =
        (ZrtpList){1, {rows[i].key_agreement}};
    a.list[ZRTP_HASH] = rows[i].our_hashes;
    b.list[ZRTP_HASH] = rows[i].their_hashes;
    a.list[ZRTP_CIPHER] = rows[i].our_ciphers;
    b.list[ZRTP_CIPHER] = rows[i].their_ciphers;
    x = assert_choose (&a, &b);
    g_assert_cmphex (x.type[ZRTP_KEY_AGREEMENT], ==, rows[i].chosen);
    g_assert_cmphex (x.type[ZRTP_HASH], ==, rows[i].hash);
    g_assert_cmphex (x.type[ZRTP_CIPHER], ==, rows[i].cipher);
  }
}

/* What a Commit may put together when everything was offered. */
static void
test_check_choice (void)
{
  static const struct {
    ZrtpType key_agreement, hash, cipher;
    unsigned code;
  } rows[] = {
      {ZRTP_EC38, ZRTP_S384, ZRTP_AES3, 0},
      {ZRTP_EC38, ZRTP_N384, ZRTP_AES1, 0},
      {ZRTP_EC38, ZRTP_S256, ZRTP_AES3, 0x51},
      {ZRTP_EC38, ZRTP_N256, ZRTP_AES3, 0x51},
      {ZRTP_EC38, ZRTP_S512, ZRTP_AES3, 0x51},
      {ZRTP_EC52, ZRTP_S256, ZRTP_AES1, 0}, /* no good idea, but nothing forbids it */
      {ZRTP_DH2K, ZRTP_N256, ZRTP_AES1, 0},
      {ZRTP_DH2K, ZRTP_S256, ZRTP_AES3, 0x52},
      {ZRTP_X448, ZRTP_S512, ZRTP_AES1, 0},
      {ZRTP_E255, ZRTP_N384, ZRTP_AES3, 0},
      {ZRTP_X255, ZRTP_TYPE ('S', 'K', 'N', '2'), ZRTP_AES3, 0x51},
      {ZRTP_TYPE ('E', '4', '1', '4'), ZRTP_S384, ZRTP_AES3, 0x53},
  };
  static const ZrtpOffer everything = {{
      [ZRTP_HASH] = {5, {ZRTP_S256, ZRTP_S384, ZRTP_S512, ZRTP_N256, ZRTP_N384}},
      [ZRTP_CIPHER] = {2, {ZRTP_AES1, ZRTP_AES3}},
      [ZRTP_AUTH_TAG] = {1, {ZRTP_GCM}},
      [ZRTP_KEY_AGREEMENT] = {7,
          {ZRTP_X255, ZRTP_E255, ZRTP_X448, ZRTP_EC25, ZRTP_EC38, ZRTP_EC52, ZRTP_DH2K}},
  }};

  for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
    ZrtpChoice choice = {{
        [ZRTP_HASH] = rows[i].hash,
        [ZRTP_CIPHER] = rows[i].cipher,
        [ZRTP_AUTH_TAG] = i & 1 ? ZRTP_GCM : ZRTP_HS32,
        [ZRTP_KEY_AGREEMENT] = rows[i].key_agreement,
        [ZRTP_SAS] = ZRTP_B32,
    }};

    g_assert_cmphex (zrtp_check_choice (&everything, &choice), ==, rows[i].code);
  }
}

/* Types of `all` in a random order, some of them. */
static void
shuffle (GRand *dice, const ZrtpType *all, unsigned n_all, ZrtpList *list)
{
  ZrtpType left[8];
  unsigned n = (unsigned) g_rand_int_range (dice, 0, (gint) MIN (n_all, ZRTP_MAX_LISTED) + 1);

  memcpy (left, all, n_all * sizeof *all);
  for (list->n = 0; list->n < n; list->n++) {
    unsigned i = (unsigned) g_rand_int_range (dice, 0, (gint) (n_all - list->n));

    list->type[list->n] = left[i];
    left[i] = left[n_all - list->n - 1];
  }
}

/* Any two offers, in any order: both ends choose the same key agreement, what either chooses is
 * offered by both and fits together, and an auth tag is had with a salt for it. */
static void
test_choice_random (void)
{
  static const ZrtpType key_agreements[] = {
      ZRTP_DH2K, ZRTP_X255, ZRTP_E255, ZRTP_EC25, ZRTP_X448, ZRTP_DH3K, ZRTP_EC38, ZRTP_EC52};
  static const ZrtpType hashes[] = {ZRTP_S256, ZRTP_S384, ZRTP_S512, ZRTP_N256, ZRTP_N384};
  static const ZrtpType ciphers[] = {ZRTP_AES1, ZRTP_AES3};
  static const ZrtpType tags[] = {ZRTP_GCM, ZRTP_HS80, ZRTP_HS32};
  static const ZrtpType sas[] = {ZRTP_B32, ZRTP_B256};
  GRand *dice = g_rand_new_with_seed (6189);

  for (unsigned n = 0; n < 20000; n++) {
    ZrtpOffer offer[2];
    ZrtpType tag;

    for (unsigned e = 0; e < 2; e++) {
#define SHUFFLE(kind, all) shuffle (dice, all, G_N_ELEMENTS (all), &offer[e].list[kind])
      SHUFFLE (ZRTP_HASH, hashes);
      SHUFFLE (ZRTP_CIPHER, ciphers);
      SHUFFLE (ZRTP_AUTH_TAG, tags);
      SHUFFLE (ZRTP_KEY_AGREEMENT, key_agreements);
      SHUFFLE (ZRTP_SAS, sas);
#undef SHUFFLE
    }
    tag = assert_choose (&offer[0], &offer[1]).type[ZRTP_AUTH_TAG];
    g_assert_cmpuint (zrtp_srtp_salt_size (tag), ==, tag == ZRTP_GCM ? 12 : 14);
  }
  g_rand_free (dice);
}

/* --- Keys ------------------------------------------------------------------------------------------- */

/* Printed by key-vectors.py, which has the formulas a second time. */
/* clang-format off */
static const char *const key_vectors[5][12] = {
  { /* sha256, 128-bit cipher key, 112-bit salt */
    "db784c59e61152a337f8202f2161e6fed8f55faae6ec266725efb2a30e764923", /* ZRTP Session Key */
    "5585c503d6fad3512701a1b818f99c299676d49ce352453231d095d7f8c516d4", /* SAS */
    "1cc048c62af7edfa88a8477415c807ecf1a7970c5b75c489c31c809668a998d0", /* Exported key */
    "132669e96bec86b584a722ce8f1317d0", /* Initiator SRTP master key */
    "d70174ca611ffe79c24721438778", /* Initiator SRTP master salt */
    "ac4065fe4d2589d4e92008573cb5a53b", /* Responder SRTP master key */
    "53436fde5d7a6f621df6f73d53c1", /* Responder SRTP master salt */
    "0b00c746e6a5510fba430c7a532eee27af6e5a93943f9bc5650ec0eecd64b272", /* Initiator HMAC key */
    "e6958faf43968573870da7b248253652ad1d4f65ec018119fae2ea3c76a8d554", /* Responder HMAC key */
    "cfa61f3ee4472e5cf13bf0ab130bbff2", /* Initiator ZRTP key */
    "26826bdf4edce8a90b7a70ff34302ed6", /* Responder ZRTP key */
    "c1f0b9bdc8bdec93185d9eca7a9a757cdc83a3b8c183dace38f3ef740d92d6a6", /* retained secret */
  },
  { /* sha384, 256-bit cipher key, 112-bit salt */
    "977c3ad90a65bad9e4cbc6c0a947412ecc124f0048a47f6ef97845b75546038c2f39e8a5022d722686a48998a9b92269", /* ZRTP Session Key */
    "12378ea0700448dfeb125e3f43064de44183a20796b96e9f14e8830eddbb723c", /* SAS */
    "d764aa3bffed534ce7851894919f48adcc9a485af702f91de7cc380f72eca746eb263c409c6148087123152adb8cafed", /* Exported key */
    "a74ccbeff46af537e2bf9e1412d2b76b7fecd0a74e74b1c6717358f4ce1796f5", /* Initiator SRTP master key */
    "d913e3b2759796081bc728341313", /* Initiator SRTP master salt */
    "f1ec7088acbe6f6e81f911da21b2b302fed35057a78239186a0a06c8a335a73d", /* Responder SRTP master key */
    "148796d75950c60fa3fd3e266871", /* Responder SRTP master salt */
    "3e236ee66f7bbe681e637d609122c215742aa61b9ca5b15ba4b3bccd4f222f597c4f5bf27a4deb1ac92d733c5a522d5b", /* Initiator HMAC key */
    "9e60fea9200b3c2df9ffb76785158cdf3fad6638b89e01347b0dfb76f2ee0720cfc3fd9495f5375e65b629ef71be01c0", /* Responder HMAC key */
    "469ace851df9f2ab050c266b4b8092fb8d86e8a1c835016430634cc4a680d751", /* Initiator ZRTP key */
    "cb48557f4cd6cc7acfdb1ebd44b241abd1e58bfcfd878bb890420b2715d5af3a", /* Responder ZRTP key */
    "5a9af9f6227d6a3a3f037bffd48cdbe3621e083d7fc5127849b60e69a5059017", /* retained secret */
  },
  { /* sha512, 256-bit cipher key, 96-bit salt */
    "2ecb19a446c48fcc675fbb669be59b349ffdac79e22790a17080c2033777039bce329e0ef084909b3320b28faaa0d59d43bb966cde538621388e0159e15b9f77", /* ZRTP Session Key */
    "ff98b671e36ea60d5491cf987e748e96342cfaea58461617a7d332b877a404fc", /* SAS */
    "ab2292fea8748b4ec060b8ffbe1217e2b780d43bb68823dea834ca73e15d56ee35039ad4416240b3f9cedec5159ba84d7854dc1c6fbf9387df3baa57bddbeb59", /* Exported key */
    "f12526c3bd14360b190a56a4b71790e829a97fd0d2b2c8727ed008383ed4c701", /* Initiator SRTP master key */
    "12ed95934f764fe3f182f81d", /* Initiator SRTP master salt */
    "0796957a9e7b961303fa5084318914f26428e6af304715c8c75246d5459d4e4c", /* Responder SRTP master key */
    "f4edfa527c341d013f34adab", /* Responder SRTP master salt */
    "e0d72afbfa73d509d2a427521716a02c80e546823eb166f278c98c27af873bdcdd815a5a56b805e28af642abe5832e4a6e0716b58a667c1f3106d13976de51cc", /* Initiator HMAC key */
    "1b7a0c6ede00d6f812d41b468302a34257298a273784fb0575efddd089f606a15d0faac46edd3789cd279b5664e5d6e41b32ff9c1c57b69d81b914a4ba81e3bd", /* Responder HMAC key */
    "c864e4176cda7dd29b5622c053fccb2bcd8601a944fc4692e62aa4bb407c6a4d", /* Initiator ZRTP key */
    "818f38eca7ddcb2d5675e3e3b37d916ccab33980c0b742e7548b09c87d87fc29", /* Responder ZRTP key */
    "8b315d9ad1e0dd7194d20c28af4c72bc05fa36c1b32d5d4bedacb14949f0a75c", /* retained secret */
  },
  { /* sha3_256, 128-bit cipher key, 112-bit salt */
    "d2b9dd9451250ae3df64865888b4cb36947400d722479e174a28386695f274a0", /* ZRTP Session Key */
    "11b20e8cc54290d5257a79cca86d74a3be508658564263d01d3b69940daf511f", /* SAS */
    "183f8bacc0519675cf728391df37a9718493fec20ca87c6789c1761dd98cb0d9", /* Exported key */
    "18caa7aab5564df89f0b06be77fe2437", /* Initiator SRTP master key */
    "3781af80e771e4874aa6f6bac60e", /* Initiator SRTP master salt */
    "fdae0594b411c62920fa10d60c803bcb", /* Responder SRTP master key */
    "47dd4dc077147b61cf7dd2a155cc", /* Responder SRTP master salt */
    "67f27db821089944cddac40ba38df3012c078af1b647416f417e8042df6d9221", /* Initiator HMAC key */
    "b3889158a146ec926cf10882fb652da694c9d2dcdd67dd31b58190c3f1342584", /* Responder HMAC key */
    "67a879a69ce97f014c2bfccf496ee2c2", /* Initiator ZRTP key */
    "b831d5d8c18b3820ea58390127771a74", /* Responder ZRTP key */
    "ef79446b00a3f3e1cd3fad8f565cc1569cc7dfe4d9085dea5f604fbc25f82c92", /* retained secret */
  },
  { /* sha3_384, 256-bit cipher key, 112-bit salt */
    "7236044ecea6af132b41b216bd70782bd0b59d2138ecfc3448611f26b8906d30090c11756b7dfe2ae07f25f73178c489", /* ZRTP Session Key */
    "2a843e4cf5c054d273189a2ae03491f764c6324c6e7596ff7fb1433864d6938a", /* SAS */
    "8ff5d4602b80dc720cd69506b03e45d6610cbd730b48c4e9089bd9c61c3f3530e63bdee968494ce0fc8b6863b9b741ed", /* Exported key */
    "0d741adb2b2dcf643fd6af8637f228835985fae094c1f746938fdbaccb864f8f", /* Initiator SRTP master key */
    "545df05d3ce5ab65804e8c491849", /* Initiator SRTP master salt */
    "474f61cdc9fd05e0dffb440087d726ec772069d73221f74b98febd66ff9da8c1", /* Responder SRTP master key */
    "896354a8eb40bd2a728934a4bfe3", /* Responder SRTP master salt */
    "c295641a25b0fda8cd7e074d0e9811944b825656d632008a0c8ef8d5887e0e336bb6ccd4b020977a726ccbdf1f57d97d", /* Initiator HMAC key */
    "3a5f22a081b209be35786d0751f097238e43abec1e994e4aaacfb5864eb00009037626588e706e1fa2a817834f7b8d11", /* Responder HMAC key */
    "ec385989470182354a6dc9b973d799f043a7601ff34d8dff6547273a09d55ec9", /* Initiator ZRTP key */
    "86823b0b5b095a6ec0bfa649afeffbc113bd654ae9697ecc649d98e4319418f5", /* Responder ZRTP key */
    "74261a638a3e3c08003b43b52b9f962ae140103f76f2cbfd38d9a23d5310f417", /* retained secret */
  },
};
/* clang-format on */

static void
assert_hex (const uint8_t *data, size_t size, const char *hex)
{
  GString *text = g_string_new (NULL);

  for (size_t i = 0; i < size; i++)
    g_string_append_printf (text, "%02x", data[i]);
  g_assert_cmpstr (text->str, ==, hex);
  g_string_free (text, TRUE);
}

static void
test_keys (void)
{
  static const ZrtpHash *const hashes[] = {&zrtp_nettle_s256, &zrtp_nettle_s384, &zrtp_nettle_s512,
      &zrtp_nettle_n256, &zrtp_nettle_n384};
  static const ZrtpCipher *const ciphers[] = {&zrtp_nettle_aes1, &zrtp_nettle_aes3,
      &zrtp_nettle_aes3, &zrtp_nettle_aes1, &zrtp_nettle_aes3};
  uint8_t dhresult[32], s1[32], s3[32];

  for (unsigned i = 0; i < 32; i++)
    dhresult[i] = (uint8_t) i;
  memset (s1, 0x11, sizeof s1);
  memset (s3, 0x33, sizeof s3);
  for (unsigned i = 0; i < G_N_ELEMENTS (hashes); i++) {
    const size_t hash = hashes[i]->size, key = ciphers[i]->key_size, salt = i == 2 ? 12 : 14;
    const char *const *hex = key_vectors[i];
    ZrtpKeys keys;

#define TEXT(text) {(const uint8_t *) (text), strlen (text)}
    zrtp_derive_dh_keys (
        &(ZrtpKeyInputs){
            .hash = hashes[i],
            .cipher = ciphers[i],
            .salt_size = salt,
            .zid = {(const uint8_t *) "IIIIIIIIIIII", (const uint8_t *) "RRRRRRRRRRRR"},
            .hello_r = TEXT ("hello of responder"),
            .commit = TEXT ("commit"),
        },
        &(ZrtpDhInputs){
            .dhresult = ZRTP_BYTES (dhresult),
            .dhpart1 = TEXT ("dhpart1"),
            .dhpart2 = TEXT ("dhpart2"),
            .s1 = ZRTP_BYTES (s1),
            .s3 = ZRTP_BYTES (s3),
        },
        &keys);
    assert_hex (keys.zrtpsess, hash, hex[0]);
    assert_hex (keys.sashash, 32, hex[1]);
    assert_hex (keys.exported_key, hash, hex[2]);
    assert_hex (keys.srtpkey[ZRTP_I], key, hex[3]);
    assert_hex (keys.srtpsalt[ZRTP_I], salt, hex[4]);
    assert_hex (keys.srtpkey[ZRTP_R], key, hex[5]);
    assert_hex (keys.srtpsalt[ZRTP_R], salt, hex[6]);
    assert_hex (keys.mackey[ZRTP_I], hash, hex[7]);
    assert_hex (keys.mackey[ZRTP_R], hash, hex[8]);
    assert_hex (keys.zrtpkey[ZRTP_I], key, hex[9]);
    assert_hex (keys.zrtpkey[ZRTP_R], key, hex[10]);
    assert_hex (keys.rs1, 32, hex[11]);
  }
}

/* --- Retained secrets, §4.3 --------------------------------------------------------------------------- */

static bool
fixed_random (void *user, uint8_t *out, size_t size)
{
  memset (out, 0xee, size);
  return true;
}

/* All ways in which two caches can relate: which secret is s1 by the sentences of §4.3. */
static void
test_s1 (void)
{
  const ZrtpRandom random = {fixed_random, NULL};
  const uint8_t h3[ZRTP_IMAGE_SIZE] = {3};

  for (unsigned i1 = 0; i1 < 4; i1++)
    for (unsigned i2 = 0; i2 < 4; i2++)
      for (unsigned r1 = 0; r1 < 4; r1++)
        for (unsigned r2 = 0; r2 < 4; r2++) {
          ZrtpRecord i = {.has_rs1 = i1, .has_rs2 = i2}, r = {.has_rs1 = r1, .has_rs2 = r2};
          uint8_t id_i[ZRTP_N_IDS][ZRTP_SECRET_ID_SIZE], id_r[ZRTP_N_IDS][ZRTP_SECRET_ID_SIZE];
          const ZrtpSecrets has_i = {.record = &i}, has_r = {.record = &r};
          const ZrtpRole initiator = ZRTP_ROLE_INITIATOR, responder = ZRTP_ROLE_RESPONDER;
          const ZrtpHash *hash = &zrtp_nettle_s256;
          ZrtpBytes s1_i, s1_r;
          unsigned expected = 0;

          memset (i.rs1, (int) i1, 32);
          memset (i.rs2, (int) i2, 32);
          memset (r.rs1, (int) r1, 32);
          memset (r.rs2, (int) r2, 32);
          if (i1 && (i1 == r1 || i1 == r2))
            expected = i1;
          else if (i2 && (i2 == r1 || i2 == r2))
            expected = i2;
          zrtp_secret_ids (&has_i, initiator, h3, hash, &random, id_i);
          zrtp_secret_ids (&has_r, responder, h3, hash, &random, id_r);
          s1_i = zrtp_match_secrets (&has_i, initiator, h3, hash, id_r).s1;
          s1_r = zrtp_match_secrets (&has_r, responder, h3, hash, id_i).s1;
          g_assert_cmpuint (s1_i.size ? s1_i.data[0] : 0, ==, expected);
          g_assert_cmpuint (s1_r.size ? s1_r.data[0] : 0, ==, expected);
          /* rs1IDi is no rs1IDr: a reflected ID matches nothing */
          g_assert_cmpuint (zrtp_match_secrets (&has_i, initiator, h3, hash, id_i).s1.size, ==, 0);
        }
}

/* --- SAS ------------------------------------------------------------------------------------------------ */

static void
test_sas (void)
{
  /* P. Zimmermann's own example of the word list: an OpenPGP fingerprint. */
  static const uint8_t fingerprint[] = {0xE5, 0x82, 0x94, 0xF2, 0xE9, 0xA2, 0x27, 0x48, 0x6E, 0x8B,
      0x06, 0x1B, 0x31, 0xCC, 0x52, 0x8F, 0xD7, 0xFA, 0x3F, 0x19};
  static const char *const words[] = {"topmost Istanbul", "Pluto vagabond", "treadmill Pacific",
      "brackish dictator", "goldfish Medusa", "afflict bravado", "chatter revolver",
      "Dupont midsummer", "stopwatch whimsical", "cowbell bottomless"};
  uint8_t sashash[ZRTP_SASHASH_SIZE] = {0};
  char sas[32];

  for (unsigned i = 0; i < G_N_ELEMENTS (words); i++) {
    memcpy (sashash, fingerprint + 2 * i, 2);
    zrtp_sas_render (ZRTP_B256, sashash, sas);
    g_assert_cmpstr (sas, ==, words[i]);
  }
  /* the alphabet of §5.1.6, quintet by quintet */
  memcpy (sashash, "\x00\x44\x32\x00", 4); /* 00000 00001 00010 00011 */
  zrtp_sas_render (ZRTP_B32, sashash, sas);
  g_assert_cmpstr (sas, ==, "ybnd");
  memcpy (sashash, "\xff\xff\xf0\x00", 4);
  zrtp_sas_render (ZRTP_B32, sashash, sas);
  g_assert_cmpstr (sas, ==, "9999");
  sashash[2] = 0xff; /* the lower 12 bits do not show */
  sashash[3] = 0xff;
  zrtp_sas_render (ZRTP_B32, sashash, sas);
  g_assert_cmpstr (sas, ==, "9999");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/messages/crc", test_crc);
  g_test_add_func ("/messages/packet", test_packet);
  g_test_add_func ("/messages/lengths", test_lengths);
  g_test_add_func ("/messages/hello", test_hello);
  g_test_add_func ("/messages/hello-counts", test_hello_counts);
  g_test_add_func ("/messages/commit", test_commit);
  g_test_add_func ("/messages/dhpart", test_dhpart);
  g_test_add_func ("/messages/confirm", test_confirm);
  g_test_add_func ("/messages/confirm-signature", test_confirm_signature);
  g_test_add_func ("/messages/error", test_error);
  g_test_add_func ("/messages/ping", test_ping);
  g_test_add_func ("/messages/choice", test_choice);
  g_test_add_func ("/messages/choice-x25519", test_choice_x25519);
  g_test_add_func ("/messages/choice-coupling", test_choice_coupling);
  g_test_add_func ("/messages/check-choice", test_check_choice);
  g_test_add_func ("/messages/choice-random", test_choice_random);
  g_test_add_func ("/messages/keys", test_keys);
  g_test_add_func ("/messages/s1", test_s1);
  g_test_add_func ("/messages/sas", test_sas);
  return g_test_run ();
}
