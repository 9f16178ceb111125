/* Commit: the initiator names the algorithms and says what the keys will come from (RFC 6189 §5.4):
 * hvi, which binds it to its DHPart2 (Figure 5), or a nonce (Figure 6, Multistream), or a nonce and the
 * ID of a shared key (Figure 7, Preshared).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef ZRTP_COMMIT_H
#define ZRTP_COMMIT_H

#include "gst/protocol/packet.h"

enum {
  ZRTP_HVI_SIZE = 32,
  ZRTP_NONCE_SIZE = 16,
  ZRTP_KEY_ID_SIZE = 8,
  ZRTP_COMMIT_DH_SIZE = 29 * 4,
  ZRTP_COMMIT_MULT_SIZE = 25 * 4,
  ZRTP_COMMIT_PRSH_SIZE = 27 * 4,
};

typedef struct {
  uint8_t h2[ZRTP_IMAGE_SIZE];
  uint8_t zid[ZRTP_ZID_SIZE];
  ZrtpChoice choice;
  uint8_t hvi[ZRTP_HVI_SIZE];       /* DH */
  uint8_t nonce[ZRTP_NONCE_SIZE];   /* Multistream and Preshared */
  uint8_t key_id[ZRTP_KEY_ID_SIZE]; /* Preshared */
} ZrtpCommit;

/* By the Key Agreement Type. */
ZrtpMode zrtp_commit_mode (const ZrtpCommit *commit);

/* Octets written; the message ends with the MAC keyed by H1. */
size_t zrtp_commit_write (const ZrtpCommit *commit, const ZrtpHash *s256,
    const uint8_t h1[ZRTP_IMAGE_SIZE], uint8_t out[ZRTP_COMMIT_DH_SIZE]);

bool zrtp_commit_parse (ZrtpBytes message, ZrtpCommit *commit);

#endif
