/* DHPart1 and DHPart2: the public values and the IDs of the shared secrets (RFC 6189 §5.5, §5.6,
 * Figures 8 and 9).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef ZRTP_DHPART_H
#define ZRTP_DHPART_H

#include "gst/protocol/packet.h"

enum {
  ZRTP_SECRET_ID_SIZE = 8, /* "truncated to the leftmost 64 bits", §4.3.1 */
  ZRTP_DHPART_FIXED_SIZE = 21 * 4,
  ZRTP_DHPART_MAX_SIZE = ZRTP_DHPART_FIXED_SIZE + ZRTP_MAX_PV,
};

/* The four IDs in the order of the figures. */
typedef enum {
  ZRTP_ID_RS1,
  ZRTP_ID_RS2,
  ZRTP_ID_AUX,
  ZRTP_ID_PBX,
  ZRTP_N_IDS,
} ZrtpSecretId;

typedef struct {
  uint8_t h1[ZRTP_IMAGE_SIZE];
  uint8_t id[ZRTP_N_IDS][ZRTP_SECRET_ID_SIZE];
  const uint8_t *pv; /* pv_size octets; after parsing, inside the message */
} ZrtpDhpart;

/* Octets written; the message ends with the MAC keyed by H0. */
size_t zrtp_dhpart_write (const ZrtpDhpart *dhpart, ZrtpMessageType type, size_t pv_size,
    const ZrtpHash *s256, const uint8_t h0[ZRTP_IMAGE_SIZE], uint8_t out[ZRTP_DHPART_MAX_SIZE]);

/* `pv_size` is what the Key Agreement Type demands; any other length is refused (§5.1.5). */
bool zrtp_dhpart_parse (ZrtpBytes message, size_t pv_size, ZrtpDhpart *dhpart);

#endif
