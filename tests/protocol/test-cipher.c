/* Known answers of ext/nettle/cipher.c.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include <string.h>

#include "ext/nettle/zrtp-nettle.h"
#include "tests/protocol/crypto-helpers.h"

/* NIST SP 800-38A F.3.13-F.3.14 (AES-128) and F.3.17-F.3.18 (AES-256), CFB128.
 * `long_digest` is the SHA-256 of the 1003 octets 0, 1, …, 250, 0, 1, … encrypted with the same key
 * and IV, by Python's cryptography:
 *   e = Cipher(AES(key), CFB(iv)).encryptor()
 *   sha256(e.update(bytes(i % 251 for i in range(1003)))).hexdigest() */
static const struct {
  const ZrtpCipher *cipher;
  uint32_t type;
  size_t key_size;
  const char *key, *ciphertext, *long_digest;
} ciphers[] = {
    {&zrtp_nettle_aes1, 0x41455331, 16, "2b7e151628aed2a6abf7158809cf4f3c",
        "3b3fd92eb72dad20333449f8e83cfb4ac8a64537a0b3a93fcde3cdad9f1ce58b"
        "26751f67a3cbb140b1808cf187a4f4dfc04b05357c5d1c0eeac4c66f9ff7f2e6",
        "83ce96ba69a64bbf2827265ed46ac2233930f4239c4f8d1f95e5372e0773d4bd"},
    {&zrtp_nettle_aes3, 0x41455333, 32,
        "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
        "dc7e84bfda79164b7ecd8486985d386039ffed143b28b1c832113c6331e5407b"
        "df10132415e54b92a13ed0a8267ae2f975a385741ab9cef82031623d55b1e471",
        "db7ef4668d84e1bd802f67ab72ccd906c37aa90c9649862740a5683ee1783f34"},
};

static const char cipher_plaintext[] =
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
static const uint8_t cipher_iv[ZRTP_CIPHER_BLOCK] = {
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static void
test_cipher (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (ciphers); i++) {
    const ZrtpCipher *cipher = ciphers[i].cipher;
    uint8_t key[ZRTP_MAX_CIPHER_KEY], plain[64], secret[64], iv[ZRTP_CIPHER_BLOCK];

    g_assert_cmpuint (cipher->type, ==, ciphers[i].type); /* §5.1.3 */
    g_assert_cmpuint (cipher->key_size, ==, ciphers[i].key_size);
    unhex (ciphers[i].key, key, cipher->key_size);
    unhex (cipher_plaintext, plain, sizeof plain);
    unhex (ciphers[i].ciphertext, secret, sizeof secret);
    memcpy (iv, cipher_iv, sizeof iv);

    /* Each length is a prefix, as the last block is only cut off (§5.7); no octet behind it is
     * touched, and the caller's IV stays as it is. */
    for (size_t size = 0; size <= 64; size++) {
      uint8_t data[64];

      memcpy (data, plain, sizeof data);
      cipher->encrypt (key, iv, data, size);
      g_assert_cmpmem (data, size, secret, size);
      g_assert_cmpmem (data + size, 64 - size, plain + size, 64 - size);
      cipher->decrypt (key, iv, data, size);
      g_assert_cmpmem (data, 64, plain, 64);
      g_assert_cmpmem (iv, sizeof iv, cipher_iv, sizeof iv);
    }
  }
}

static void
test_cipher_long (void)
{
  enum {
    SIZE = 1003
  };

  for (size_t i = 0; i < G_N_ELEMENTS (ciphers); i++) {
    const ZrtpCipher *cipher = ciphers[i].cipher;
    uint8_t key[ZRTP_MAX_CIPHER_KEY], data[SIZE];

    unhex (ciphers[i].key, key, cipher->key_size);
    for (size_t j = 0; j < SIZE; j++)
      data[j] = (uint8_t) (j % 251);
    cipher->encrypt (key, cipher_iv, data, SIZE);
    assert_sha256 (data, SIZE, ciphers[i].long_digest);
    cipher->decrypt (key, cipher_iv, data, SIZE);
    for (size_t j = 0; j < SIZE; j++)
      g_assert_cmpuint (data[j], ==, j % 251);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cipher/cfb", test_cipher);
  g_test_add_func ("/cipher/cfb-long", test_cipher_long);
  return g_test_run ();
}
