/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/protocol/goclear.h"

#include <string.h>

/* "across the 8-octet "GoClear " Message Type Block, including the trailing space", §4.7.2 */
void
zrtp_clear_mac (const ZrtpHash *hash, const uint8_t *mackey, uint8_t out[ZRTP_MAC_SIZE])
{
  const ZrtpBytes name = {(const uint8_t *) zrtp_message_name (ZRTP_MESSAGE_GOCLEAR), 8};
  uint8_t mac[ZRTP_MAX_HASH];

  hash->mac ((ZrtpBytes){mackey, hash->size}, &name, 1, mac);
  memcpy (out, mac, ZRTP_MAC_SIZE);
  zrtp_wipe (mac, sizeof mac);
}

size_t
zrtp_goclear_write (const uint8_t clear_mac[ZRTP_MAC_SIZE], uint8_t out[ZRTP_GOCLEAR_SIZE])
{
  ZrtpWriter writer = zrtp_writer (out, ZRTP_GOCLEAR_SIZE);

  zrtp_message_begin (&writer, ZRTP_MESSAGE_GOCLEAR, ZRTP_GOCLEAR_SIZE);
  zrtp_write (&writer, clear_mac, ZRTP_MAC_SIZE);
  return writer.size;
}

/* The frame's length was checked against the table: 5 words. */
const uint8_t *
zrtp_goclear_parse (ZrtpBytes message)
{
  return message.data + ZRTP_FRAME_SIZE;
}
