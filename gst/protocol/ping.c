/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/protocol/ping.h"

size_t
zrtp_ping_write (const ZrtpPing *ping, uint8_t out[ZRTP_PING_SIZE])
{
  ZrtpWriter writer = zrtp_writer (out, ZRTP_PING_SIZE);

  zrtp_message_begin (&writer, ZRTP_MESSAGE_PING, ZRTP_PING_SIZE);
  zrtp_write (&writer, ping->version, sizeof ping->version);
  zrtp_write (&writer, ping->endpoint_hash, sizeof ping->endpoint_hash);
  return writer.size;
}

bool
zrtp_ping_parse (ZrtpBytes message, ZrtpPing *ping)
{
  ZrtpReader reader = zrtp_reader (message.data, message.size);

  zrtp_read_view (&reader, ZRTP_FRAME_SIZE);
  zrtp_read (&reader, ping->version, sizeof ping->version);
  zrtp_read (&reader, ping->endpoint_hash, sizeof ping->endpoint_hash);
  return zrtp_reader_done (&reader);
}

size_t
zrtp_pingack_write (const ZrtpPingAck *pingack, uint8_t out[ZRTP_PINGACK_SIZE])
{
  ZrtpWriter writer = zrtp_writer (out, ZRTP_PINGACK_SIZE);

  zrtp_message_begin (&writer, ZRTP_MESSAGE_PINGACK, ZRTP_PINGACK_SIZE);
  zrtp_write (&writer, pingack->version, sizeof pingack->version);
  zrtp_write (&writer, pingack->endpoint_hash, sizeof pingack->endpoint_hash);
  zrtp_write (&writer, pingack->ping_endpoint_hash, sizeof pingack->ping_endpoint_hash);
  zrtp_write_u32 (&writer, pingack->ssrc);
  return writer.size;
}

bool
zrtp_pingack_parse (ZrtpBytes message, ZrtpPingAck *pingack)
{
  ZrtpReader reader = zrtp_reader (message.data, message.size);

  zrtp_read_view (&reader, ZRTP_FRAME_SIZE);
  zrtp_read (&reader, pingack->version, sizeof pingack->version);
  zrtp_read (&reader, pingack->endpoint_hash, sizeof pingack->endpoint_hash);
  zrtp_read (&reader, pingack->ping_endpoint_hash, sizeof pingack->ping_endpoint_hash);
  pingack->ssrc = zrtp_read_u32 (&reader);
  return zrtp_reader_done (&reader);
}
