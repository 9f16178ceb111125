/* Ping and PingACK: how proxies find out which endpoint is which (RFC 6189 §5.15, §5.16, Figures 18
 * and 19). Every endpoint must answer a Ping.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef ZRTP_PING_H
#define ZRTP_PING_H

#include "gst/protocol/packet.h"

enum {
  ZRTP_ENDPOINT_HASH_SIZE = 8,
  ZRTP_PING_SIZE = 6 * 4,
  ZRTP_PINGACK_SIZE = 9 * 4,
};

typedef struct {
  uint8_t version[4];
  uint8_t endpoint_hash[ZRTP_ENDPOINT_HASH_SIZE];
} ZrtpPing;

size_t zrtp_ping_write (const ZrtpPing *ping, uint8_t out[ZRTP_PING_SIZE]);
bool zrtp_ping_parse (ZrtpBytes message, ZrtpPing *ping);

/* `ssrc` is the one in the header of the Ping. */
size_t zrtp_pingack_write (const uint8_t own_hash[ZRTP_ENDPOINT_HASH_SIZE],
    const uint8_t ping_hash[ZRTP_ENDPOINT_HASH_SIZE], uint32_t ssrc,
    uint8_t out[ZRTP_PINGACK_SIZE]);

#endif
