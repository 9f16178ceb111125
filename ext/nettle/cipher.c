/* AES-128 and AES-256 in full-block CFB mode (RFC 6189 §5.1.3, §5.7), from Nettle.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "ext/nettle/zrtp-nettle.h"

#include <string.h>

#include <nettle/aes.h>
#include <nettle/cfb.h>
#include <nettle/nettle-meta.h>

typedef union {
  struct aes128_ctx aes128;
  struct aes256_ctx aes256;
} CipherContext;

/* nettle_cfb_encrypt or nettle_cfb_decrypt. Both truncate the last block (§5.7) and work in place. */
typedef void CfbMode (const void *context, nettle_cipher_func *encrypt, size_t block_size,
    uint8_t *iv, size_t size, uint8_t *out, const uint8_t *in);

static void
run (const struct nettle_cipher *cipher, CfbMode *mode, const uint8_t *key,
    const uint8_t iv[ZRTP_CIPHER_BLOCK], uint8_t *data, size_t size)
{
  CipherContext context;
  uint8_t feedback[ZRTP_CIPHER_BLOCK];

  memcpy (feedback, iv, sizeof feedback);
  /* CFB decrypts with the cipher's encryption direction, too. */
  cipher->set_encrypt_key (&context, key);
  mode (&context, cipher->encrypt, sizeof feedback, feedback, size, data, data);
  zrtp_wipe (&context, sizeof context);
}

static void
aes1_encrypt (const uint8_t *key, const uint8_t iv[ZRTP_CIPHER_BLOCK], uint8_t *data, size_t size)
{
  run (&nettle_aes128, nettle_cfb_encrypt, key, iv, data, size);
}

static void
aes1_decrypt (const uint8_t *key, const uint8_t iv[ZRTP_CIPHER_BLOCK], uint8_t *data, size_t size)
{
  run (&nettle_aes128, nettle_cfb_decrypt, key, iv, data, size);
}

static void
aes3_encrypt (const uint8_t *key, const uint8_t iv[ZRTP_CIPHER_BLOCK], uint8_t *data, size_t size)
{
  run (&nettle_aes256, nettle_cfb_encrypt, key, iv, data, size);
}

static void
aes3_decrypt (const uint8_t *key, const uint8_t iv[ZRTP_CIPHER_BLOCK], uint8_t *data, size_t size)
{
  run (&nettle_aes256, nettle_cfb_decrypt, key, iv, data, size);
}

const ZrtpCipher zrtp_nettle_aes1 = {
    .type = ZRTP_TYPE ('A', 'E', 'S', '1'),
    .key_size = AES128_KEY_SIZE,
    .encrypt = aes1_encrypt,
    .decrypt = aes1_decrypt,
};

const ZrtpCipher zrtp_nettle_aes3 = {
    .type = ZRTP_TYPE ('A', 'E', 'S', '3'),
    .key_size = AES256_KEY_SIZE,
    .encrypt = aes3_encrypt,
    .decrypt = aes3_decrypt,
};
