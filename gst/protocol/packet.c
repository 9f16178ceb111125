/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/protocol/packet.h"
#include "gst/protocol/crc32c-table.h"

#include <string.h>

static const uint32_t magic_cookie = 0x5a525450; /* "ZRTP" */
static const uint16_t preamble = 0x505a;

/* Table 1, with the length in words that each message may have: Figures 3-19 and §5.1.5. */
static const struct {
  char name[9];
  uint16_t min_words, max_words;
} messages[ZRTP_N_MESSAGES] = {
    [ZRTP_MESSAGE_HELLO] = {"Hello   ", 22, 22 + 5 * ZRTP_MAX_LISTED},
    [ZRTP_MESSAGE_HELLOACK] = {"HelloACK", 3, 3},
    [ZRTP_MESSAGE_COMMIT] = {"Commit  ", 25, 29},   /* Mult 25, Prsh 27, DH 29 */
    [ZRTP_MESSAGE_DHPART1] = {"DHPart1 ", 29, 117}, /* 21 + pv */
    [ZRTP_MESSAGE_DHPART2] = {"DHPart2 ", 29, 117},
    [ZRTP_MESSAGE_CONFIRM1] = {"Confirm1", 19, 530}, /* 19 + signature */
    [ZRTP_MESSAGE_CONFIRM2] = {"Confirm2", 19, 530},
    [ZRTP_MESSAGE_CONF2ACK] = {"Conf2ACK", 3, 3},
    [ZRTP_MESSAGE_ERROR] = {"Error   ", 4, 4},
    [ZRTP_MESSAGE_ERRORACK] = {"ErrorACK", 3, 3},
    [ZRTP_MESSAGE_GOCLEAR] = {"GoClear ", 5, 5},
    [ZRTP_MESSAGE_CLEARACK] = {"ClearACK", 3, 3},
    [ZRTP_MESSAGE_SASRELAY] = {"SASrelay", 19, 530},
    [ZRTP_MESSAGE_RELAYACK] = {"RelayACK", 3, 3},
    [ZRTP_MESSAGE_PING] = {"Ping    ", 6, 6},
    [ZRTP_MESSAGE_PINGACK] = {"PingACK ", 9, 9},
};

const char *
zrtp_message_name (ZrtpMessageType type)
{
  return messages[type].name;
}

/* --- CRC ------------------------------------------------------------------------------------- */

/* Eight octets a step: table[k] advances an octet by k further octets. */
uint32_t
zrtp_crc32c (const uint8_t *data, size_t size)
{
  const uint32_t (*table)[256] = zrtp_crc32c_table;
  uint32_t crc = 0xffffffff;

  for (; size >= 8; data += 8, size -= 8)
    crc = table[7][(crc ^ data[0]) & 0xff] ^ table[6][((crc >> 8) ^ data[1]) & 0xff] ^
          table[5][((crc >> 16) ^ data[2]) & 0xff] ^ table[4][(crc >> 24) ^ data[3]] ^
          table[3][data[4]] ^ table[2][data[5]] ^ table[1][data[6]] ^ table[0][data[7]];
  for (; size > 0; data++, size--)
    crc = crc >> 8 ^ table[0][(crc ^ *data) & 0xff];
  return ~crc;
}

/* Stored as SCTP stores it, least significant octet first (RFC 4960 Appendix B). */
static void
crc_store (uint8_t out[ZRTP_CRC_SIZE], uint32_t crc)
{
  for (unsigned i = 0; i < ZRTP_CRC_SIZE; i++)
    out[i] = (uint8_t) (crc >> 8 * i);
}

/* --- Packet ---------------------------------------------------------------------------------- */

bool
zrtp_packet_is_zrtp (const uint8_t *data, size_t size)
{
  /* "The 12 unused bits ... MUST be ignored when received." */
  return size >= ZRTP_HEADER_SIZE && data[0] >> 4 == 1 && zrtp_get_u32 (data + 4) == magic_cookie;
}

static ZrtpResult
parse_frame (ZrtpBytes message, ZrtpMessageType *type)
{
  ZrtpReader reader = zrtp_reader (message.data, message.size);
  uint32_t first = zrtp_read_u32 (&reader);
  size_t words = first & 0xffff;
  const uint8_t *name = zrtp_read_view (&reader, 8);

  if (!reader.ok || first >> 16 != preamble || words * 4 != message.size)
    return ZRTP_BAD_LENGTH;
  for (ZrtpMessageType t = 0; t < ZRTP_N_MESSAGES; t++)
    if (memcmp (name, messages[t].name, 8) == 0) {
      *type = t;
      return words >= messages[t].min_words && words <= messages[t].max_words ? ZRTP_ACCEPTED
                                                                              : ZRTP_BAD_LENGTH;
    }
  return ZRTP_UNKNOWN_TYPE;
}

ZrtpResult
zrtp_packet_parse (const uint8_t *data, size_t size, ZrtpPacket *packet)
{
  uint8_t crc[ZRTP_CRC_SIZE];
  const size_t around = ZRTP_HEADER_SIZE + ZRTP_CRC_SIZE;

  if (!zrtp_packet_is_zrtp (data, size))
    return ZRTP_NOT_ZRTP;
  if (size < around + ZRTP_FRAME_SIZE || size > ZRTP_MAX_PACKET || size % 4 != 0)
    return ZRTP_BAD_LENGTH;
  crc_store (crc, zrtp_crc32c (data, size - ZRTP_CRC_SIZE));
  if (memcmp (crc, data + size - ZRTP_CRC_SIZE, ZRTP_CRC_SIZE) != 0)
    return ZRTP_BAD_CRC;

  packet->sequence = (uint16_t) (data[2] << 8 | data[3]);
  packet->ssrc = zrtp_get_u32 (data + 8);
  packet->message = (ZrtpBytes){data + ZRTP_HEADER_SIZE, size - around};
  return parse_frame (packet->message, &packet->type);
}

size_t
zrtp_packet_write (
    uint8_t out[ZRTP_MAX_PACKET], uint16_t sequence, uint32_t ssrc, ZrtpBytes message)
{
  size_t size = ZRTP_HEADER_SIZE + message.size;

  zrtp_put_u32 (out, 0x10000000 | sequence);
  zrtp_put_u32 (out + 4, magic_cookie);
  zrtp_put_u32 (out + 8, ssrc);
  memcpy (out + ZRTP_HEADER_SIZE, message.data, message.size);
  crc_store (out + size, zrtp_crc32c (out, size));
  return size + ZRTP_CRC_SIZE;
}

/* --- Message frame and MAC ------------------------------------------------------------------- */

void
zrtp_message_begin (ZrtpWriter *writer, ZrtpMessageType type, size_t message_size)
{
  zrtp_write_u32 (writer, (uint32_t) preamble << 16 | (uint32_t) (message_size / 4));
  zrtp_write (writer, messages[type].name, 8);
}

size_t
zrtp_ack_write (uint8_t out[ZRTP_FRAME_SIZE], ZrtpMessageType type)
{
  ZrtpWriter writer = zrtp_writer (out, ZRTP_FRAME_SIZE);

  zrtp_message_begin (&writer, type, ZRTP_FRAME_SIZE);
  return writer.size;
}

void
zrtp_message_mac_write (
    ZrtpWriter *writer, const ZrtpHash *s256, const uint8_t key[ZRTP_IMAGE_SIZE])
{
  ZrtpBytes covered = {writer->data, writer->size};
  uint8_t mac[ZRTP_MAX_HASH];

  s256->mac ((ZrtpBytes){key, ZRTP_IMAGE_SIZE}, &covered, 1, mac);
  zrtp_write (writer, mac, ZRTP_MAC_SIZE);
}

bool
zrtp_message_mac_check (ZrtpBytes message, const ZrtpHash *s256, const uint8_t key[ZRTP_IMAGE_SIZE])
{
  ZrtpBytes covered = {message.data, message.size - ZRTP_MAC_SIZE};
  uint8_t mac[ZRTP_MAX_HASH];

  s256->mac ((ZrtpBytes){key, ZRTP_IMAGE_SIZE}, &covered, 1, mac);
  return zrtp_equal (mac, message.data + covered.size, ZRTP_MAC_SIZE);
}
