/* Commit: the initiator names the algorithms and binds itself to its DHPart2 (RFC 6189 §5.4,
 * Figure 5). Figures 6 and 7, Multistream and Preshared, are recognised by their type and length.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef ZRTP_COMMIT_H
#define ZRTP_COMMIT_H

#include "gst/protocol/packet.h"

enum {
  ZRTP_HVI_SIZE = 32,
  ZRTP_COMMIT_DH_SIZE = 29 * 4,
  ZRTP_COMMIT_MULT_SIZE = 25 * 4,
  ZRTP_COMMIT_PRSH_SIZE = 27 * 4,
};

typedef struct {
  uint8_t h2[ZRTP_IMAGE_SIZE];
  uint8_t zid[ZRTP_ZID_SIZE];
  ZrtpChoice choice;
  uint8_t hvi[ZRTP_HVI_SIZE]; /* DH only */
} ZrtpCommit;

/* Octets written; the message ends with the MAC keyed by H1. */
size_t zrtp_commit_write (const ZrtpCommit *commit, const ZrtpHash *s256,
    const uint8_t h1[ZRTP_IMAGE_SIZE], uint8_t out[ZRTP_COMMIT_DH_SIZE]);

bool zrtp_commit_parse (ZrtpBytes message, ZrtpCommit *commit);

#endif
