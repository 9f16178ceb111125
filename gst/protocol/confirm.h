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
  ZRTP_SEALED_OFFSET = ZRTP_FRAME_SIZE + ZRTP_CONFIRM_TAG_SIZE,
};

typedef struct {
  uint8_t h0[ZRTP_IMAGE_SIZE];
  bool enrollment, sas_verified, allow_clear, disclosure; /* E, V, A, D */
  uint32_t cache_expiry;                                  /* seconds */
  ZrtpType signature_type; /* §5.1.7; 0 = no signature. Read only: we send none */
} ZrtpConfirm;

/* The keys of one direction. */
typedef struct {
  const ZrtpHash *hash;
  const ZrtpCipher *cipher;
  const uint8_t *mackey;  /* hash->size octets */
  const uint8_t *zrtpkey; /* cipher->key_size octets */
} ZrtpConfirmKeys;

/* The envelope that Confirm and SASrelay share: frame, MAC, IV, then the encrypted part under the MAC
 * (§4.6, §5.13). write encrypts a message in place and fills in its MAC; open gives the plain text, in
 * `message.size` - ZRTP_SEALED_OFFSET octets, or false for a wrong MAC. */
void zrtp_sealed_write (const ZrtpConfirmKeys *keys, const uint8_t iv[ZRTP_CIPHER_BLOCK],
    uint8_t *message, size_t size);
bool zrtp_sealed_open (ZrtpBytes message, const ZrtpConfirmKeys *keys, uint8_t *plain);

void zrtp_confirm_write (const ZrtpConfirm *confirm, ZrtpMessageType type,
    const ZrtpConfirmKeys *keys, const uint8_t iv[ZRTP_CIPHER_BLOCK],
    uint8_t out[ZRTP_CONFIRM_SIZE]);

/* ZRTP_ACCEPTED, ZRTP_BAD_MAC (nothing was decrypted), or ZRTP_BAD_CONTENT for a message whose MAC
 * is right and whose signature length is not. Of a signature only the type is read. */
ZrtpResult zrtp_confirm_parse (
    ZrtpBytes message, const ZrtpConfirmKeys *keys, ZrtpConfirm *confirm);

#endif
