/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/protocol/sasrelay.h"

#include <string.h>

enum {
  FLAG_V = 1 << 2,
  FLAG_A = 1 << 1,
  FLAG_D = 1 << 0,
};

void
zrtp_sasrelay_write (const ZrtpSasRelay *relay, const ZrtpConfirmKeys *keys,
    const uint8_t iv[ZRTP_CIPHER_BLOCK], uint8_t out[ZRTP_SASRELAY_SIZE])
{
  ZrtpWriter writer = zrtp_writer (out, ZRTP_SASRELAY_SIZE);
  static const uint8_t no_mac[ZRTP_MAC_SIZE];

  zrtp_message_begin (&writer, ZRTP_MESSAGE_SASRELAY, ZRTP_SASRELAY_SIZE);
  zrtp_write (&writer, no_mac, ZRTP_MAC_SIZE); /* filled in below */
  zrtp_write (&writer, iv, ZRTP_CIPHER_BLOCK);
  zrtp_write_u32 (&writer, (relay->sas_verified ? FLAG_V : 0) | (relay->allow_clear ? FLAG_A : 0) |
                               (relay->disclosure ? FLAG_D : 0));
  zrtp_write_u32 (&writer, relay->sas_type);
  zrtp_write (&writer, relay->sashash, sizeof relay->sashash);
  zrtp_sealed_write (keys, iv, out, ZRTP_SASRELAY_SIZE);
}

static bool
parse_plain (ZrtpBytes plain, ZrtpSasRelay *relay)
{
  ZrtpReader reader = zrtp_reader (plain.data, plain.size);
  const uint32_t flags = zrtp_read_u32 (&reader);
  const uint32_t signature_words = flags >> 8 & 0x1ff;

  relay->sas_type = zrtp_read_u32 (&reader);
  zrtp_read (&reader, relay->sashash, sizeof relay->sashash);
  relay->sas_verified = flags & FLAG_V;
  relay->allow_clear = flags & FLAG_A;
  relay->disclosure = flags & FLAG_D;
  relay->signature_type = signature_words ? zrtp_read_u32 (&reader) : 0;
  zrtp_read_view (&reader, signature_words ? (signature_words - 1) * 4 : 0);
  return zrtp_reader_done (&reader);
}

ZrtpResult
zrtp_sasrelay_parse (ZrtpBytes message, const ZrtpConfirmKeys *keys, ZrtpSasRelay *relay)
{
  uint8_t plain[ZRTP_SASRELAY_MAX_SIZE - ZRTP_SEALED_OFFSET];
  const size_t size = message.size - ZRTP_SEALED_OFFSET;

  if (!zrtp_sealed_open (message, keys, plain))
    return ZRTP_BAD_MAC;
  return parse_plain ((ZrtpBytes){plain, size}, relay) ? ZRTP_ACCEPTED : ZRTP_BAD_CONTENT;
}
