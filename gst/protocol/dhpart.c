/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/protocol/dhpart.h"

size_t
zrtp_dhpart_write (const ZrtpDhpart *dhpart, ZrtpMessageType type, size_t pv_size,
    const ZrtpHash *s256, const uint8_t h0[ZRTP_IMAGE_SIZE], uint8_t out[ZRTP_DHPART_MAX_SIZE])
{
  ZrtpWriter writer = zrtp_writer (out, ZRTP_DHPART_MAX_SIZE);

  zrtp_message_begin (&writer, type, ZRTP_DHPART_FIXED_SIZE + pv_size);
  zrtp_write (&writer, dhpart->h1, sizeof dhpart->h1);
  zrtp_write (&writer, dhpart->id, sizeof dhpart->id);
  zrtp_write (&writer, dhpart->pv, pv_size);
  zrtp_message_mac_write (&writer, s256, h0);
  return writer.ok ? writer.size : 0;
}

bool
zrtp_dhpart_parse (ZrtpBytes message, size_t pv_size, ZrtpDhpart *dhpart)
{
  ZrtpReader reader = zrtp_reader (message.data, message.size);

  zrtp_read_view (&reader, ZRTP_FRAME_SIZE);
  zrtp_read (&reader, dhpart->h1, sizeof dhpart->h1);
  zrtp_read (&reader, dhpart->id[0], sizeof dhpart->id);
  dhpart->pv = zrtp_read_view (&reader, pv_size);
  zrtp_read_view (&reader, ZRTP_MAC_SIZE);
  return zrtp_reader_done (&reader);
}
