/* Confirm1 and Confirm2: proof that the keys agree, and the flags (RFC 6189 §5.7, Figure 10).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef ZRTP_CONFIRM_H
#define ZRTP_CONFIRM_H

#include "gst/protocol/packet.h"

enum {
  ZRTP_CONFIRM_SIZE = 19 * 4,      /* without signature */
  ZRTP_CONFIRM_MAX_SIZE = 530 * 4, /* with the longest */
  /* confirm_mac and IV: together they name one Confirm among all */
  ZRTP_CONFIRM_TAG_SIZE = ZRTP_MAC_SIZE + ZRTP_CIPHER_BLOCK,
};

typedef struct {
  uint8_t h0[ZRTP_IMAGE_SIZE];
  bool enrollment, sas_verified, allow_clear, disclosure; /* E, V, A, D */
  uint32_t cache_expiry;                                  /* seconds */
} ZrtpConfirm;

/* The keys of one direction. */
typedef struct {
  const ZrtpHash *hash;
  const ZrtpCipher *cipher;
  const uint8_t *mackey;  /* hash->size octets */
  const uint8_t *zrtpkey; /* cipher->key_size octets */
} ZrtpConfirmKeys;

void zrtp_confirm_write (const ZrtpConfirm *confirm, ZrtpMessageType type,
    const ZrtpConfirmKeys *keys, const uint8_t iv[ZRTP_CIPHER_BLOCK],
    uint8_t out[ZRTP_CONFIRM_SIZE]);

/* ZRTP_ACCEPTED, ZRTP_BAD_MAC (nothing was decrypted), or ZRTP_BAD_CONTENT for a message whose MAC
 * is right and whose signature length is not. A signature is skipped. */
ZrtpResult zrtp_confirm_parse (
    ZrtpBytes message, const ZrtpConfirmKeys *keys, ZrtpConfirm *confirm);

#endif
