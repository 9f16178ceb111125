/* From the Diffie-Hellman result to every key of the exchange (RFC 6189 §4.4.1.4, §4.5).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef ZRTP_KEYS_H
#define ZRTP_KEYS_H

#include "gst/protocol/engine.h"

/* Index of what exists once for each end. */
enum {
  ZRTP_I, /* the initiator's */
  ZRTP_R, /* the responder's */
};

/* ZIDi || ZIDr || total_hash */
typedef struct {
  uint8_t data[2 * ZRTP_ZID_SIZE + ZRTP_MAX_HASH];
  size_t size;
} ZrtpKdfContext;

/* Everything derived from s0; s0 itself never leaves the function that computes it. */
typedef struct {
  uint8_t srtpkey[2][ZRTP_MAX_CIPHER_KEY], srtpsalt[2][ZRTP_SRTP_SALT_SIZE];
  uint8_t mackey[2][ZRTP_MAX_HASH];
  uint8_t zrtpkey[2][ZRTP_MAX_CIPHER_KEY];
  uint8_t rs1[ZRTP_RS_SIZE];
  uint8_t sashash[ZRTP_SASHASH_SIZE];
  uint8_t zrtpsess[ZRTP_MAX_HASH];
  uint8_t exported_key[ZRTP_MAX_HASH];
  ZrtpKdfContext kdf_context;
} ZrtpKeys;

/* KDF(KI, Label, Context, L) of §4.5.1; `size` octets, at most hash->size. */
void zrtp_kdf (const ZrtpHash *hash, ZrtpBytes ki, const char *label, ZrtpBytes context,
    uint8_t *out, size_t size);

/* What s0 of DH mode is made of (§4.4.1.4). s1, s2, s3 are null when size is 0. */
typedef struct {
  const ZrtpHash *hash;
  const ZrtpCipher *cipher;
  ZrtpBytes dhresult;
  const uint8_t *zid[2];
  ZrtpBytes hello_r, commit, dhpart1, dhpart2;
  ZrtpBytes s1, s2, s3;
} ZrtpDhInputs;

void zrtp_derive_keys (const ZrtpDhInputs *inputs, ZrtpKeys *keys);

#endif
