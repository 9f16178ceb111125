/* SASrelay: a PBX passes on the SAS of its other leg (RFC 6189 §5.13, Figure 16). RelayACK is a frame
 * alone.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef ZRTP_SASRELAY_H
#define ZRTP_SASRELAY_H

#include "gst/protocol/confirm.h"

enum {
  ZRTP_SASRELAY_SIZE = 19 * 4,      /* without signature */
  ZRTP_SASRELAY_MAX_SIZE = 530 * 4, /* with the longest */
};

typedef struct {
  bool sas_verified, allow_clear, disclosure; /* V, A, D of the party on the other leg */
  ZrtpType sas_type;                          /* its rendering scheme */
  uint8_t sashash[ZRTP_SASHASH_SIZE];         /* zeros: only the rendering is meant */
  ZrtpType signature_type;                    /* 0 = none. Read only */
} ZrtpSasRelay;

/* MAC and encryption as in a Confirm, with the keys of the sender. */
void zrtp_sasrelay_write (const ZrtpSasRelay *relay, const ZrtpConfirmKeys *keys,
    const uint8_t iv[ZRTP_CIPHER_BLOCK], uint8_t out[ZRTP_SASRELAY_SIZE]);

/* ZRTP_ACCEPTED, ZRTP_BAD_MAC (nothing was decrypted), or ZRTP_BAD_CONTENT. */
ZrtpResult zrtp_sasrelay_parse (
    ZrtpBytes message, const ZrtpConfirmKeys *keys, ZrtpSasRelay *relay);

#endif
