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

typedef struct {
  uint8_t version[4];
  uint8_t endpoint_hash[ZRTP_ENDPOINT_HASH_SIZE];      /* of the sender of the PingACK */
  uint8_t ping_endpoint_hash[ZRTP_ENDPOINT_HASH_SIZE]; /* as in the Ping */
  uint32_t ssrc;                                       /* as in the header of the Ping */
} ZrtpPingAck;

size_t zrtp_pingack_write (const ZrtpPingAck *pingack, uint8_t out[ZRTP_PINGACK_SIZE]);
bool zrtp_pingack_parse (ZrtpBytes message, ZrtpPingAck *pingack);

#endif
