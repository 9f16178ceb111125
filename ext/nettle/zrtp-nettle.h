/* What Nettle gives the protocol.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef ZRTP_NETTLE_H
#define ZRTP_NETTLE_H

#include "gst/protocol/crypto.h"

extern const ZrtpHash zrtp_nettle_s256, zrtp_nettle_s384, zrtp_nettle_s512, zrtp_nettle_n256,
    zrtp_nettle_n384;
extern const ZrtpCipher zrtp_nettle_aes1, zrtp_nettle_aes3;
extern const ZrtpKeyAgreement zrtp_nettle_x255, zrtp_nettle_e255, zrtp_nettle_x448,
    zrtp_nettle_ec25, zrtp_nettle_ec38, zrtp_nettle_ec52;

/* AES-256-GCM (NIST SP 800-38D), for the secrets in a cache. In place. */
enum {
  ZRTP_GCM_KEY = 32,
  ZRTP_GCM_NONCE = 12,
  ZRTP_GCM_TAG = 16,
};

void zrtp_nettle_gcm_encrypt (const uint8_t key[ZRTP_GCM_KEY], const uint8_t nonce[ZRTP_GCM_NONCE],
    ZrtpBytes authenticated, uint8_t *data, size_t size, uint8_t tag[ZRTP_GCM_TAG]);
/* False, and `data` is zeros, when it is not authentic. */
bool zrtp_nettle_gcm_decrypt (const uint8_t key[ZRTP_GCM_KEY], const uint8_t nonce[ZRTP_GCM_NONCE],
    ZrtpBytes authenticated, uint8_t *data, size_t size, const uint8_t tag[ZRTP_GCM_TAG]);

#endif
