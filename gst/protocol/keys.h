/* From what the two ends have in common to every key of the exchange (RFC 6189 §4.4.1.4, §4.4.2.4,
 * §4.4.3.2, §4.5).
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

/* Everything derived from s0; s0 itself never leaves the file that computes it. */
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

/* What all modes need. */
typedef struct {
  const ZrtpHash *hash;
  const ZrtpCipher *cipher;
  size_t salt_size; /* of SRTP, octets */
  const uint8_t *zid[2];
  ZrtpBytes hello_r, commit;
} ZrtpKeyInputs;

/* DH mode (§4.4.1.4). s1, s2, s3 are null when their size is 0. */
typedef struct {
  ZrtpBytes dhresult;
  ZrtpBytes dhpart1, dhpart2;
  ZrtpBytes s1, s2, s3;
} ZrtpDhInputs;

void zrtp_derive_dh_keys (const ZrtpKeyInputs *inputs, const ZrtpDhInputs *dh, ZrtpKeys *keys);

/* Preshared mode (§4.4.2.4); `preshared_key` has hash->size octets. */
void zrtp_derive_preshared_keys (
    const ZrtpKeyInputs *inputs, const uint8_t *preshared_key, ZrtpKeys *keys);

/* Multistream mode (§4.4.3.2): the keys of this stream alone, no ZRTPSess, SAS, ExportedKey or rs1. */
void zrtp_derive_multistream_keys (const ZrtpKeyInputs *inputs, ZrtpBytes zrtpsess, ZrtpKeys *keys);

#endif
