/* Hello: who we are and what we offer (RFC 6189 §5.2, Figure 3).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef ZRTP_HELLO_H
#define ZRTP_HELLO_H

#include "gst/protocol/packet.h"

enum {
  ZRTP_HELLO_FIXED_SIZE = 22 * 4,
  ZRTP_HELLO_MAX_SIZE = ZRTP_HELLO_FIXED_SIZE + ZRTP_N_KINDS * ZRTP_MAX_LISTED * 4,
};

typedef struct {
  uint8_t version[4];
  char client_id[ZRTP_CLIENT_ID_SIZE];
  uint8_t h3[ZRTP_IMAGE_SIZE];
  uint8_t zid[ZRTP_ZID_SIZE];
  bool signature_capable, mitm, passive; /* S, M, P */
  ZrtpOffer offer;
} ZrtpHello;

/* Octets written; the message ends with the MAC keyed by H2. */
size_t zrtp_hello_write (const ZrtpHello *hello, const ZrtpHash *s256,
    const uint8_t h2[ZRTP_IMAGE_SIZE], uint8_t out[ZRTP_HELLO_MAX_SIZE]);

/* The MAC cannot be checked before H2 is known (§5.2). */
bool zrtp_hello_parse (ZrtpBytes message, ZrtpHello *hello);

#endif
