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

static ZrtpType
choose (const ZrtpType *ours, unsigned n_ours, const ZrtpType *theirs, unsigned n_theirs)
{
  ZrtpOffer a = {0}, b = {0};
  ZrtpChoice x, y;

  a.list[ZRTP_HASH] = b.list[ZRTP_HASH] = (ZrtpList){2, {ZRTP_S256, ZRTP_S384}};
  a.list[ZRTP_CIPHER] = b.list[ZRTP_CIPHER] = (ZrtpList){2, {ZRTP_AES1, ZRTP_AES3}};
  a.list[ZRTP_KEY_AGREEMENT].n = (uint8_t) n_ours;
  b.list[ZRTP_KEY_AGREEMENT].n = (uint8_t) n_theirs;
  memcpy (a.list[ZRTP_KEY_AGREEMENT].type, ours, n_ours * sizeof *ours);
  memcpy (b.list[ZRTP_KEY_AGREEMENT].type, theirs, n_theirs * sizeof *theirs);
  zrtp_choose (&a, &b, &x);
  zrtp_choose (&b, &a, &y);
  /* both ends arrive at the same one */
  g_assert_cmphex (x.type[ZRTP_KEY_AGREEMENT], ==, y.type[ZRTP_KEY_AGREEMENT]);
  g_assert_cmpuint (zrtp_check_choice (&a, &y), ==, 0);
  g_assert_cmpuint (zrtp_check_choice (&b, &x), ==, 0);
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
      ZRTP_DH2K, ZRTP_X255, ZRTP_EC25, ZRTP_X448, ZRTP_DH3K, ZRTP_EC38, ZRTP_EC52};

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

/* --- Keys ------------------------------------------------------------------------------------------- */

/* Printed by key-vectors.py, which has the formulas a second time. */
/* clang-format off */
static const char *const key_vectors[2][12] = {
  { /* sha256, 128-bit cipher key */
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
  { /* sha384, 256-bit cipher key */
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
  static const ZrtpHash *const hashes[] = {&zrtp_nettle_s256, &zrtp_nettle_s384};
  static const ZrtpCipher *const ciphers[] = {&zrtp_nettle_aes1, &zrtp_nettle_aes3};
  uint8_t dhresult[32], s1[32], s3[32];

  for (unsigned i = 0; i < 32; i++)
    dhresult[i] = (uint8_t) i;
  memset (s1, 0x11, sizeof s1);
  memset (s3, 0x33, sizeof s3);
  for (unsigned i = 0; i < 2; i++) {
    const size_t hash = hashes[i]->size, key = ciphers[i]->key_size;
    const char *const *hex = key_vectors[i];
    ZrtpKeys keys;

#define TEXT(text) {(const uint8_t *) (text), strlen (text)}
    zrtp_derive_keys (
        &(ZrtpDhInputs){
            .hash = hashes[i],
            .cipher = ciphers[i],
            .dhresult = ZRTP_BYTES (dhresult),
            .zid = {(const uint8_t *) "IIIIIIIIIIII", (const uint8_t *) "RRRRRRRRRRRR"},
            .hello_r = TEXT ("hello of responder"),
            .commit = TEXT ("commit"),
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
    assert_hex (keys.srtpsalt[ZRTP_I], 14, hex[4]);
    assert_hex (keys.srtpkey[ZRTP_R], key, hex[5]);
    assert_hex (keys.srtpsalt[ZRTP_R], 14, hex[6]);
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

  for (unsigned i1 = 0; i1 < 4; i1++)
    for (unsigned i2 = 0; i2 < 4; i2++)
      for (unsigned r1 = 0; r1 < 4; r1++)
        for (unsigned r2 = 0; r2 < 4; r2++) {
          ZrtpRecord i = {.has_rs1 = i1, .has_rs2 = i2}, r = {.has_rs1 = r1, .has_rs2 = r2};
          uint8_t id_i[ZRTP_N_IDS][ZRTP_SECRET_ID_SIZE], id_r[ZRTP_N_IDS][ZRTP_SECRET_ID_SIZE];
          const uint8_t *s1_i, *s1_r;
          unsigned expected = 0;

          memset (i.rs1, (int) i1, 32);
          memset (i.rs2, (int) i2, 32);
          memset (r.rs1, (int) r1, 32);
          memset (r.rs2, (int) r2, 32);
          if (i1 && (i1 == r1 || i1 == r2))
            expected = i1;
          else if (i2 && (i2 == r1 || i2 == r2))
            expected = i2;
          zrtp_secret_ids (&i, ZRTP_ROLE_INITIATOR, &zrtp_nettle_s256, &random, id_i);
          zrtp_secret_ids (&r, ZRTP_ROLE_RESPONDER, &zrtp_nettle_s256, &random, id_r);
          s1_i = zrtp_match_s1 (&i, ZRTP_ROLE_INITIATOR, &zrtp_nettle_s256, id_r);
          s1_r = zrtp_match_s1 (&r, ZRTP_ROLE_RESPONDER, &zrtp_nettle_s256, id_i);
          g_assert_cmpuint (s1_i ? s1_i[0] : 0, ==, expected);
          g_assert_cmpuint (s1_r ? s1_r[0] : 0, ==, expected);
          /* rs1IDi is no rs1IDr: a reflected ID matches nothing */
          g_assert_null (zrtp_match_s1 (&i, ZRTP_ROLE_INITIATOR, &zrtp_nettle_s256, id_i));
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
  g_test_add_func ("/messages/keys", test_keys);
  g_test_add_func ("/messages/s1", test_s1);
  g_test_add_func ("/messages/sas", test_sas);
  return g_test_run ();
}
