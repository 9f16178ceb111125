/* GoClear: back to clear media, authenticated (RFC 6189 §5.11, Figure 14). ClearACK is a frame alone.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef ZRTP_GOCLEAR_H
#define ZRTP_GOCLEAR_H

#include "gst/protocol/packet.h"

enum {
  ZRTP_GOCLEAR_SIZE = 5 * 4,
};

/* clear_mac = MAC(mackey, "GoClear "), leftmost 64 bits (§4.7.2); `mackey` is the sender's. */
void zrtp_clear_mac (const ZrtpHash *hash, const uint8_t *mackey, uint8_t out[ZRTP_MAC_SIZE]);

size_t zrtp_goclear_write (const uint8_t clear_mac[ZRTP_MAC_SIZE], uint8_t out[ZRTP_GOCLEAR_SIZE]);

/* clear_mac, inside the message. */
const uint8_t *zrtp_goclear_parse (ZrtpBytes message);

#endif
