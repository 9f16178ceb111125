/* Known answers of ext/nettle/hash.c.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include <string.h>

#include "ext/nettle/zrtp-nettle.h"
#include "tests/protocol/crypto-helpers.h"

static const struct {
  const char *message, *s256, *s384;
} digests[] = {
    /* FIPS 180-2 appendix B and D, and the two-block messages of either hash under the other; the
     * empty message from NIST's CAVP (SHA256ShortMsg.rsp, SHA384ShortMsg.rsp). */
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da"
        "274edebfe76f65fbd51ad2f14898b95b"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
        "8086072ba1e7cc2358baeca134c825a7"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        "3391fdddfc8dc7393707a65b1b4709397cf8b1d162af05abfe8f450de5f36bc6"
        "b0455a8520bc4e6f5fe95b1fe3c8452b"},
    {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
     "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
        "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
        "09330c33f71147e83d192fc782cd1b4753111b173b3b05d22fa08086e3b0f712"
        "fcc7c71a557e2db966c3e9fa91746039"},
};

static void
test_digest (void)
{
  uint8_t out[ZRTP_MAX_HASH];

  g_assert_cmpuint (zrtp_nettle_s256.type, ==, 0x53323536); /* §5.1.2 */
  g_assert_cmpuint (zrtp_nettle_s384.type, ==, 0x53333834);
  g_assert_cmpuint (zrtp_nettle_s256.size, ==, 32);
  g_assert_cmpuint (zrtp_nettle_s384.size, ==, 48);
  for (size_t i = 0; i < G_N_ELEMENTS (digests); i++) {
    const uint8_t *message = (const uint8_t *) digests[i].message;
    size_t size = strlen (digests[i].message);

    /* However it is cut in two. */
    for (size_t cut = 0; cut <= size; cut++) {
      ZrtpBytes parts[] = {{message, cut}, {NULL, 0}, {message + cut, size - cut}};

      zrtp_nettle_s256.digest (parts, 3, out);
      assert_hex (out, 32, digests[i].s256);
      zrtp_nettle_s384.digest (parts, 3, out);
      assert_hex (out, 48, digests[i].s384);
    }
  }
  zrtp_nettle_s256.digest (NULL, 0, out);
  assert_hex (out, 32, digests[0].s256);
}

/* FIPS 180-2 appendix B.3 and D.3: a million times "a", in parts of 0, 1, 2, … octets. */
static void
test_digest_million (void)
{
  enum {
    MILLION = 1000000,
    MAX_PARTS = 1500
  };
  uint8_t *message = g_malloc (MILLION), out[ZRTP_MAX_HASH];
  ZrtpBytes parts[MAX_PARTS];
  size_t n_parts = 0, done = 0;

  memset (message, 'a', MILLION);
  while (done < MILLION) {
    parts[n_parts] = (ZrtpBytes){message + done, MIN (n_parts, MILLION - done)};
    done += parts[n_parts++].size;
    g_assert_cmpuint (n_parts, <, MAX_PARTS);
  }
  zrtp_nettle_s256.digest (parts, n_parts, out);
  assert_hex (out, 32, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  zrtp_nettle_s384.digest (parts, n_parts, out);
  assert_hex (out, 48,
      "9d0e1809716474cb086e834e310a4a1ced149e9c00f248527972cec5704c2a5b"
      "07b8b3dc38ecc4ebae97ddd87f3d8985");
  g_free (message);
}

/* RFC 4231 §4.2-§4.8. A key or message that is one repeated octet is written {octet, count}. */
static const struct {
  uint8_t key_octet, key_size;
  const char *key;
  uint8_t message_octet, message_size;
  const char *message, *s256, *s384;
  size_t truncated; /* octets that the RFC prints, 0: all */
} macs[] = {
    {.key_octet = 0x0b,
        .key_size = 20,
        .message = "Hi There",
        .s256 = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        .s384 = "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c"
                "faea9ea9076ede7f4af152e8b2fa9cb6"},
    {.key = "Jefe",
        .message = "what do ya want for nothing?",
        .s256 = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        .s384 = "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
                "8e2240ca5e69e2c78b3239ecfab21649"},
    {.key_octet = 0xaa,
        .key_size = 20,
        .message_octet = 0xdd,
        .message_size = 50,
        .s256 = "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
        .s384 = "88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b"
                "2a5ab39dc13814b94e3ab6e101a34f27"},
    {.key = "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15"
            "\x16\x17\x18\x19",
        .message_octet = 0xcd,
        .message_size = 50,
        .s256 = "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
        .s384 = "3e8a69b7783c25851933ab6290af6ca77a9981480850009cc5577c6e1f573b4e"
                "6801dd23c4a7d679ccf8a386c674cffb"},
    {.key_octet = 0x0c,
        .key_size = 20,
        .message = "Test With Truncation",
        .truncated = 16,
        .s256 = "a3b6167473100ee06e0c796c2955552b",
        .s384 = "3abf34c3503b2a23a46efc619baef897"},
    {.key_octet = 0xaa,
        .key_size = 131,
        .message = "Test Using Larger Than Block-Size Key - Hash Key First",
        .s256 = "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        .s384 = "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c6"
                "0c2ef6ab4030fe8296248df163f44952"},
    {.key_octet = 0xaa,
        .key_size = 131,
        .message = "This is a test using a larger than block-size key and a larger than "
                   "block-size data. The key needs to be hashed before being used by the HMAC "
                   "algorithm.",
        .s256 = "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
        .s384 = "6617178e941f020d351e2f254e8fd32c602420feb0b8fb9adccebb82461e99c5"
                "a678cc31e799176d3860e6110c46523e"},
};

static void
assert_mac (
    const ZrtpHash *hash, ZrtpBytes key, ZrtpBytes message, const char *expected, size_t size)
{
  uint8_t out[ZRTP_MAX_HASH];

  hash->mac (key, &message, 1, out);
  assert_hex (out, size, expected);
  for (size_t cut = 0; cut <= message.size; cut += 7) {
    ZrtpBytes parts[] = {{message.data, cut}, {NULL, 0}, {message.data + cut, message.size - cut}};

    hash->mac (key, parts, 3, out);
    assert_hex (out, size, expected);
  }
}

static void
test_mac (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (macs); i++) {
    uint8_t key_buffer[256], message_buffer[256];
    ZrtpBytes key = {key_buffer, macs[i].key_size},
              message = {message_buffer, macs[i].message_size};
    size_t truncated = macs[i].truncated;

    memset (key_buffer, macs[i].key_octet, sizeof key_buffer);
    memset (message_buffer, macs[i].message_octet, sizeof message_buffer);
    if (macs[i].key)
      key = (ZrtpBytes){(const uint8_t *) macs[i].key, strlen (macs[i].key)};
    if (macs[i].message)
      message = (ZrtpBytes){(const uint8_t *) macs[i].message, strlen (macs[i].message)};
    assert_mac (&zrtp_nettle_s256, key, message, macs[i].s256, truncated ? truncated : 32);
    assert_mac (&zrtp_nettle_s384, key, message, macs[i].s384, truncated ? truncated : 48);
  }
}

/* RFC 2104 §2: a key of one block is taken as it is, a longer one is hashed first. */
static void
test_mac_key_sizes (void)
{
  const struct {
    const ZrtpHash *hash;
    size_t block;
  } cases[] = {{&zrtp_nettle_s256, 64}, {&zrtp_nettle_s384, 128}};
  static const uint8_t message_octets[] = "message";
  ZrtpBytes message = ZRTP_BYTES (message_octets);

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
    const ZrtpHash *hash = cases[i].hash;
    uint8_t key[129], hashed[ZRTP_MAX_HASH], padded[128] = {0};
    uint8_t a[ZRTP_MAX_HASH], b[ZRTP_MAX_HASH];

    memset (key, 0x5a, sizeof key);
    hash->digest (&(ZrtpBytes){key, cases[i].block + 1}, 1, hashed);
    hash->mac ((ZrtpBytes){key, cases[i].block + 1}, &message, 1, a);
    hash->mac ((ZrtpBytes){hashed, hash->size}, &message, 1, b);
    g_assert_cmpmem (a, hash->size, b, hash->size);

    hash->digest (&(ZrtpBytes){key, cases[i].block}, 1, hashed);
    hash->mac ((ZrtpBytes){key, cases[i].block}, &message, 1, a);
    hash->mac ((ZrtpBytes){hashed, hash->size}, &message, 1, b);
    g_assert_false (zrtp_equal (a, b, hash->size));

    memcpy (padded, key, cases[i].block - 1);
    hash->mac ((ZrtpBytes){key, cases[i].block - 1}, &message, 1, a);
    hash->mac ((ZrtpBytes){padded, cases[i].block}, &message, 1, b);
    g_assert_cmpmem (a, hash->size, b, hash->size);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/hash/digest", test_digest);
  g_test_add_func ("/hash/digest-million", test_digest_million);
  g_test_add_func ("/hash/mac", test_mac);
  g_test_add_func ("/hash/mac-key-sizes", test_mac_key_sizes);
  return g_test_run ();
}
