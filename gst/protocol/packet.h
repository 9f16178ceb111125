/* The ZRTP packet (RFC 6189 §5, Figure 2) and the frame every message shares (§5.1).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef ZRTP_PACKET_H
#define ZRTP_PACKET_H

#include "gst/protocol/engine.h"

enum {
  ZRTP_HEADER_SIZE = 12,
  ZRTP_CRC_SIZE = 4,
  ZRTP_FRAME_SIZE = 12, /* preamble, length, Message Type Block */
  ZRTP_MAC_SIZE = 8,    /* the truncated MAC at the end of a message, §5.2 */
  ZRTP_IMAGE_SIZE = 32, /* H0-H3, §9 */
};

/* Table 1. */
typedef enum {
  ZRTP_MESSAGE_HELLO,
  ZRTP_MESSAGE_HELLOACK,
  ZRTP_MESSAGE_COMMIT,
  ZRTP_MESSAGE_DHPART1,
  ZRTP_MESSAGE_DHPART2,
  ZRTP_MESSAGE_CONFIRM1,
  ZRTP_MESSAGE_CONFIRM2,
  ZRTP_MESSAGE_CONF2ACK,
  ZRTP_MESSAGE_ERROR,
  ZRTP_MESSAGE_ERRORACK,
  ZRTP_MESSAGE_GOCLEAR,
  ZRTP_MESSAGE_CLEARACK,
  ZRTP_MESSAGE_SASRELAY,
  ZRTP_MESSAGE_RELAYACK,
  ZRTP_MESSAGE_PING,
  ZRTP_MESSAGE_PINGACK,
  ZRTP_N_MESSAGES,
} ZrtpMessageType;

typedef struct {
  uint16_t sequence;
  uint32_t ssrc;
  ZrtpMessageType type;
  ZrtpBytes message; /* from the preamble to the end, no header, no CRC: what hashes cover */
} ZrtpPacket;

/* True when the first octets look like ZRTP: what tells it from RTP and STUN on one port (§5). */
bool zrtp_packet_is_zrtp (const uint8_t *data, size_t size);

/* Header, CRC and frame; the length of the message is one its type may have (Figures 3-19). */
ZrtpResult zrtp_packet_parse (const uint8_t *data, size_t size, ZrtpPacket *packet);

/* Octets written: header, message, CRC. */
size_t zrtp_packet_write (
    uint8_t out[ZRTP_MAX_PACKET], uint16_t sequence, uint32_t ssrc, ZrtpBytes message);

/* The Message Type Block as text of 8 characters, for logs and tables. */
const char *zrtp_message_name (ZrtpMessageType type);

/* Preamble, length in words, Message Type Block. */
void zrtp_message_begin (ZrtpWriter *writer, ZrtpMessageType type, size_t message_size);

/* A message that is its frame alone: HelloACK, Conf2ACK, ErrorACK. */
size_t zrtp_ack_write (uint8_t out[ZRTP_FRAME_SIZE], ZrtpMessageType type);

/* The MAC at the end of Hello, Commit and DHPart: HMAC-SHA-256 over all before it, leftmost 64
 * bits (§5.1.2.2, §8.1.1). write appends it; check is constant time. */
void zrtp_message_mac_write (
    ZrtpWriter *writer, const ZrtpHash *s256, const uint8_t key[ZRTP_IMAGE_SIZE]);
bool zrtp_message_mac_check (
    ZrtpBytes message, const ZrtpHash *s256, const uint8_t key[ZRTP_IMAGE_SIZE]);

/* CRC-32C (RFC 4960 Appendix B). */
uint32_t zrtp_crc32c (const uint8_t *data, size_t size);

#endif
