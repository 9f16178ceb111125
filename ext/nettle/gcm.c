/* AES-256 in Galois/Counter Mode (NIST SP 800-38D), from Nettle.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "ext/nettle/zrtp-nettle.h"

#include <string.h>

#include <nettle/gcm.h>

static void
start (struct gcm_aes256_ctx *context, const uint8_t key[ZRTP_GCM_KEY],
    const uint8_t nonce[ZRTP_GCM_NONCE], ZrtpBytes authenticated)
{
  gcm_aes256_set_key (context, key);
  gcm_aes256_set_iv (context, ZRTP_GCM_NONCE, nonce);
  gcm_aes256_update (context, authenticated.size, authenticated.data);
}

void
zrtp_nettle_gcm_encrypt (const uint8_t key[ZRTP_GCM_KEY], const uint8_t nonce[ZRTP_GCM_NONCE],
    ZrtpBytes authenticated, uint8_t *data, size_t size, uint8_t tag[ZRTP_GCM_TAG])
{
  struct gcm_aes256_ctx context;

  start (&context, key, nonce, authenticated);
  gcm_aes256_encrypt (&context, size, data, data);
  gcm_aes256_digest (&context, ZRTP_GCM_TAG, tag);
  zrtp_wipe (&context, sizeof context);
}

bool
zrtp_nettle_gcm_decrypt (const uint8_t key[ZRTP_GCM_KEY], const uint8_t nonce[ZRTP_GCM_NONCE],
    ZrtpBytes authenticated, uint8_t *data, size_t size, const uint8_t tag[ZRTP_GCM_TAG])
{
  struct gcm_aes256_ctx context;
  uint8_t expected[ZRTP_GCM_TAG];
  bool authentic;

  start (&context, key, nonce, authenticated);
  gcm_aes256_decrypt (&context, size, data, data);
  gcm_aes256_digest (&context, sizeof expected, expected);
  authentic = zrtp_equal (expected, tag, sizeof expected);
  if (!authentic)
    zrtp_wipe (data, size);
  zrtp_wipe (&context, sizeof context);
  zrtp_wipe (expected, sizeof expected);
  return authentic;
}
