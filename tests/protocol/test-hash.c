/* Known answers of ext/nettle/hash.c.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include <string.h>

#include "ext/nettle/zrtp-nettle.h"
#include "tests/protocol/crypto-helpers.h"

enum {
  S256,
  S384,
  S512,
  N256,
  N384,
  N_HASHES
};

/* §5.1.2; S512 is Linphone's. The block is RFC 2104's B: FIPS 180-4 Figure 1, FIPS 202 Table 3. */
static const struct {
  const ZrtpHash *hash;
  uint32_t type;
  size_t size, block;
} hashes[N_HASHES] = {
    [S256] = {&zrtp_nettle_s256, 0x53323536, 32, 64},
    [S384] = {&zrtp_nettle_s384, 0x53333834, 48, 128},
    [S512] = {&zrtp_nettle_s512, 0x53353132, 64, 128},
    [N256] = {&zrtp_nettle_n256, 0x4e323536, 32, 136},
    [N384] = {&zrtp_nettle_n384, 0x4e333834, 48, 104},
};

/* FIPS 180-2 appendix B to D, and the messages of the one hash under the others; the empty message
 * from NIST's CAVP (SHA256ShortMsg.rsp, SHA384ShortMsg.rsp, SHA512ShortMsg.rsp). For SHA-3 NIST's
 * "Examples with Intermediate Values", the others by Python's hashlib. */
static const struct {
  const char *message, *expected[N_HASHES];
} digests[] = {
    {"",
        {
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da"
            "274edebfe76f65fbd51ad2f14898b95b",
            "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
            "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
            "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a",
            "0c63a75b845e4f7d01107d852e4c2485c51a50aaaa94fc61995e71bbee983a2a"
            "c3713831264adb47fb6bd1e058d5f004",
        }},
    {"abc",
        {
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
            "8086072ba1e7cc2358baeca134c825a7",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
            "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b2"
            "98d88cea927ac7f539f1edf228376d25",
        }},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        {
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
            "3391fdddfc8dc7393707a65b1b4709397cf8b1d162af05abfe8f450de5f36bc6"
            "b0455a8520bc4e6f5fe95b1fe3c8452b",
            "204a8fc6dda82f0a0ced7beb8e08a41657c16ef468b228a8279be331a703c335"
            "96fd15c13b1b07f9aa1d3bea57789ca031ad85c7a71dd70354ec631238ca3445",
            "41c0dba2a9d6240849100376a8235e2c82e1b9998a999e21db32dd97496d3376",
            "991c665755eb3a4b6bbdfb75c78a492e8c56a22c5c4d7e429bfdbc32b9d4ad5a"
            "a04a1f076e62fea19eef51acd0657c22",
        }},
    {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnop"
     "qrsmnopqrstnopqrstu",
        {
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
            "09330c33f71147e83d192fc782cd1b4753111b173b3b05d22fa08086e3b0f712"
            "fcc7c71a557e2db966c3e9fa91746039",
            "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018"
            "501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909",
            "916f6061fe879741ca6469b43971dfdb28b1a32dc36cb3254e812be27aad1d18",
            "79407d3b5916b59c3e30b09822974791c313fb9ecc849e406f23592d04f625dc"
            "8c709b98b43b3852b337216179aa7fc7",
        }},
};

static void
assert_digest (unsigned h, const ZrtpBytes *parts, size_t n_parts, const char *expected)
{
  uint8_t out[ZRTP_MAX_HASH];

  hashes[h].hash->digest (parts, n_parts, out);
  assert_hex (out, hashes[h].size, expected);
}

static void
test_digest (void)
{
  for (unsigned h = 0; h < N_HASHES; h++) {
    g_assert_cmpuint (hashes[h].hash->type, ==, hashes[h].type);
    g_assert_cmpuint (hashes[h].hash->size, ==, hashes[h].size);
    for (size_t i = 0; i < G_N_ELEMENTS (digests); i++) {
      const uint8_t *message = (const uint8_t *) digests[i].message;
      size_t size = strlen (digests[i].message);

      /* However it is cut in two. */
      for (size_t cut = 0; cut <= size; cut++)
        assert_digest (h, (ZrtpBytes[]){{message, cut}, {NULL, 0}, {message + cut, size - cut}}, 3,
            digests[i].expected[h]);
    }
    assert_digest (h, NULL, 0, digests[0].expected[h]);
  }
}

/* `size` times the octet, in parts of 0, 1, 2, … octets. */
static void
assert_repeated (uint8_t octet, size_t size, const char *const expected[N_HASHES])
{
  enum {
    MAX_PARTS = 1500
  };
  uint8_t *message = g_malloc (size);
  ZrtpBytes parts[MAX_PARTS];
  size_t n_parts = 0, done = 0;

  memset (message, octet, size);
  while (done < size) {
    parts[n_parts] = (ZrtpBytes){message + done, MIN (n_parts, size - done)};
    done += parts[n_parts++].size;
    g_assert_cmpuint (n_parts, <, MAX_PARTS);
  }
  for (unsigned h = 0; h < N_HASHES; h++)
    assert_digest (h, parts, n_parts, expected[h]);
  g_free (message);
}

static void
test_digest_repeated (void)
{
  /* FIPS 180-2 appendix B.3, C.3 and D.3: a million times "a". For SHA-3 the same message, as
   * Python's hashlib has it. */
  static const char *const million[] = {
      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
      "9d0e1809716474cb086e834e310a4a1ced149e9c00f248527972cec5704c2a5b"
      "07b8b3dc38ecc4ebae97ddd87f3d8985",
      "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb"
      "de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b",
      "5c8875ae474a3634ba4fd55ec85bffd661f32aca75c6d699d0cdcb6c115891c1",
      "eee9e24d78c1855337983451df97c8ad9eedf256c6334f8e948d252d5e0e7684"
      "7aa0774ddb90a842190d2c558b4b8340",
  };
  /* NIST's "Examples with Intermediate Values", the 1600-bit message of SHA-3; SHA-2 of it by Python's
   * hashlib. */
  static const char *const a3[] = {
      "8edfea24cad8f0e6da7fb5ebde442300fdf913be8a3bdfce06557e34d8f4efa3",
      "1607b79bac73da79748a48d9724762c0dd4fde5934eefee2a0d8da0f35ac8b7d"
      "ca64c63d5ed5fdd5e7d347b074674bc7",
      "520b59722e8c69059942d075f63f0bf43cd470984a3765acda44afccf490ba6b"
      "728497e5031b26cd1e4ad395afefd14d2e847cf9e7712ab0b2e19b2d9f0427e1",
      "79f38adec5c20307a98ef76e8324afbfd46cfd81b22e3973c65fa1bd9de31787",
      "1881de2ca7e41ef95dc4732b8f5f002b189cc1e42b74168ed1732649ce1dbcdd"
      "76197a31fd55ee989f2d7050dd473e8f",
  };

  assert_repeated ('a', 1000000, million);
  assert_repeated (0xa3, 200, a3);
}

/* RFC 4231 §4.2-§4.8. A key or message that is one repeated octet is written {octet, count}. */
static const struct {
  uint8_t key_octet, key_size;
  const char *key;
  uint8_t message_octet, message_size;
  const char *message, *expected[S512 + 1];
  size_t truncated; /* octets that the RFC prints, 0: all */
} macs[] = {
    {.key_octet = 0x0b,
        .key_size = 20,
        .message = "Hi There",
        .expected =
            {
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
                "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c"
                "faea9ea9076ede7f4af152e8b2fa9cb6",
                "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
                "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
            }},
    {.key = "Jefe",
        .message = "what do ya want for nothing?",
        .expected =
            {
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
                "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
                "8e2240ca5e69e2c78b3239ecfab21649",
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
                "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
            }},
    {.key_octet = 0xaa,
        .key_size = 20,
        .message_octet = 0xdd,
        .message_size = 50,
        .expected =
            {
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
                "88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b"
                "2a5ab39dc13814b94e3ab6e101a34f27",
                "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39"
                "bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb",
            }},
    {.key = "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15"
            "\x16\x17\x18\x19",
        .message_octet = 0xcd,
        .message_size = 50,
        .expected =
            {
                "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
                "3e8a69b7783c25851933ab6290af6ca77a9981480850009cc5577c6e1f573b4e"
                "6801dd23c4a7d679ccf8a386c674cffb",
                "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db"
                "a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd",
            }},
    {.key_octet = 0x0c,
        .key_size = 20,
        .message = "Test With Truncation",
        .truncated = 16,
        .expected =
            {
                "a3b6167473100ee06e0c796c2955552b",
                "3abf34c3503b2a23a46efc619baef897",
                "415fad6271580a531d4179bc891d87a6",
            }},
    {.key_octet = 0xaa,
        .key_size = 131,
        .message = "Test Using Larger Than Block-Size Key - Hash Key First",
        .expected =
            {
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
                "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c6"
                "0c2ef6ab4030fe8296248df163f44952",
                "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
                "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598",
            }},
    {.key_octet = 0xaa,
        .key_size = 131,
        .message = "This is a test using a larger than block-size key and a larger than block-size "
                   "data. The key needs to be hashed before being used by the HMAC algorithm.",
        .expected =
            {
                "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
                "6617178e941f020d351e2f254e8fd32c602420feb0b8fb9adccebb82461e99c5"
                "a678cc31e799176d3860e6110c46523e",
                "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944"
                "b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58",
            }},
};

/* NIST's "Examples with Intermediate Values", HMAC_SHA3-256.pdf and HMAC_SHA3-384.pdf: the key is
 * the octets 0, 1, 2, … */
static const struct {
  const char *message;
  uint8_t key_size[2];
  const char *expected[2];
} sha3_macs[] = {
    {"Sample message for keylen<blocklen", {32, 48},
        {"4fe8e202c4f058e8dddc23d8c34e467343e23555e24fc2f025d598f558f67205",
            "d588a3c51f3f2d906e8298c1199aa8ff6296218127f6b38a90b6afe2c5617725"
            "bc99987f79b22a557b6520db710b7f42"}},
    {"Sample message for keylen=blocklen", {136, 104},
        {"68b94e2e538a9be4103bebb5aa016d47961d4d1aa906061313b557f8af2c3faa",
            "a27d24b592e8c8cbf6d4ce6fc5bf62d8fc98bf2d486640d9eb8099e24047837f"
            "5f3bffbe92dcce90b4ed5b1e7e44fa90"}},
    {"Sample message for keylen>blocklen", {168, 152},
        {"9bcf2c238e235c3ce88404e813bd2f3a97185ac6f238c63d6229a00b07974258",
            "e5ae4c739f455279368ebf36d4f5354c95aa184c899d3870e460ebc288ef1f94"
            "70053f73f7c6da2a71bcaec38ce7d6ac"}},
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
    for (unsigned h = S256; h <= S512; h++)
      assert_mac (hashes[h].hash, key, message, macs[i].expected[h],
          truncated ? truncated : hashes[h].size);
  }
}

static void
test_mac_sha3 (void)
{
  uint8_t key[256];

  for (size_t i = 0; i < sizeof key; i++)
    key[i] = (uint8_t) i;
  for (size_t i = 0; i < G_N_ELEMENTS (sha3_macs); i++)
    for (unsigned j = 0; j < 2; j++)
      assert_mac (hashes[N256 + j].hash, (ZrtpBytes){key, sha3_macs[i].key_size[j]},
          (ZrtpBytes){(const uint8_t *) sha3_macs[i].message, strlen (sha3_macs[i].message)},
          sha3_macs[i].expected[j], hashes[N256 + j].size);
}

/* RFC 2104 §2: a key of one block is taken as it is, a longer one is hashed first. */
static void
test_mac_key_sizes (void)
{
  static const uint8_t message_octets[] = "message";
  ZrtpBytes message = ZRTP_BYTES (message_octets);

  for (size_t i = 0; i < N_HASHES; i++) {
    const ZrtpHash *hash = hashes[i].hash;
    const size_t block = hashes[i].block;
    uint8_t key[137], hashed[ZRTP_MAX_HASH], padded[136] = {0};
    uint8_t a[ZRTP_MAX_HASH], b[ZRTP_MAX_HASH];

    memset (key, 0x5a, sizeof key);
    hash->digest (&(ZrtpBytes){key, block + 1}, 1, hashed);
    hash->mac ((ZrtpBytes){key, block + 1}, &message, 1, a);
    hash->mac ((ZrtpBytes){hashed, hash->size}, &message, 1, b);
    g_assert_cmpmem (a, hash->size, b, hash->size);

    hash->digest (&(ZrtpBytes){key, block}, 1, hashed);
    hash->mac ((ZrtpBytes){key, block}, &message, 1, a);
    hash->mac ((ZrtpBytes){hashed, hash->size}, &message, 1, b);
    g_assert_false (zrtp_equal (a, b, hash->size));

    memcpy (padded, key, block - 1);
    hash->mac ((ZrtpBytes){key, block - 1}, &message, 1, a);
    hash->mac ((ZrtpBytes){padded, block}, &message, 1, b);
    g_assert_cmpmem (a, hash->size, b, hash->size);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/hash/digest", test_digest);
  g_test_add_func ("/hash/digest-repeated", test_digest_repeated);
  g_test_add_func ("/hash/mac", test_mac);
  g_test_add_func ("/hash/mac-sha3", test_mac_sha3);
  g_test_add_func ("/hash/mac-key-sizes", test_mac_key_sizes);
  return g_test_run ();
}
