/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/protocol/hello.h"

enum {
  FLAG_S = 1 << 30,
  FLAG_M = 1 << 29,
  FLAG_P = 1 << 28,
};

/* hc, cc, ac, kc, sc stand 4 bits each at the low end of the flag word. */
static unsigned
count_shift (ZrtpKind kind)
{
  return 4 * (ZRTP_N_KINDS - 1 - kind);
}

static unsigned
listed (const ZrtpOffer *offer)
{
  unsigned n = 0;

  for (ZrtpKind kind = 0; kind < ZRTP_N_KINDS; kind++)
    n += offer->list[kind].n;
  return n;
}

size_t
zrtp_hello_write (const ZrtpHello *hello, const ZrtpHash *s256, const uint8_t h2[ZRTP_IMAGE_SIZE],
    uint8_t out[ZRTP_HELLO_MAX_SIZE])
{
  const ZrtpOffer *offer = &hello->offer;
  ZrtpWriter writer = zrtp_writer (out, ZRTP_HELLO_MAX_SIZE);
  uint32_t flags = (hello->signature_capable ? FLAG_S : 0) | (hello->mitm ? FLAG_M : 0) |
                   (hello->passive ? FLAG_P : 0);

  for (ZrtpKind kind = 0; kind < ZRTP_N_KINDS; kind++)
    flags |= (uint32_t) offer->list[kind].n << count_shift (kind);

  zrtp_message_begin (&writer, ZRTP_MESSAGE_HELLO, ZRTP_HELLO_FIXED_SIZE + 4 * listed (offer));
  zrtp_write (&writer, hello->version, sizeof hello->version);
  zrtp_write (&writer, hello->client_id, sizeof hello->client_id);
  zrtp_write (&writer, hello->h3, sizeof hello->h3);
  zrtp_write (&writer, hello->zid, sizeof hello->zid);
  zrtp_write_u32 (&writer, flags);
  for (ZrtpKind kind = 0; kind < ZRTP_N_KINDS; kind++)
    for (unsigned i = 0; i < offer->list[kind].n; i++)
      zrtp_write_u32 (&writer, offer->list[kind].type[i]);
  zrtp_message_mac_write (&writer, s256, h2);
  return writer.ok ? writer.size : 0;
}

bool
zrtp_hello_parse (ZrtpBytes message, ZrtpHello *hello)
{
  ZrtpReader reader = zrtp_reader (message.data, message.size);
  uint32_t flags;

  *hello = (ZrtpHello){0};
  zrtp_read_view (&reader, ZRTP_FRAME_SIZE);
  zrtp_read (&reader, hello->version, sizeof hello->version);
  zrtp_read (&reader, (uint8_t *) hello->client_id, sizeof hello->client_id);
  zrtp_read (&reader, hello->h3, sizeof hello->h3);
  zrtp_read (&reader, hello->zid, sizeof hello->zid);
  flags = zrtp_read_u32 (&reader);
  hello->signature_capable = flags & FLAG_S;
  hello->mitm = flags & FLAG_M;
  hello->passive = flags & FLAG_P;

  for (ZrtpKind kind = 0; kind < ZRTP_N_KINDS; kind++) {
    ZrtpList *list = &hello->offer.list[kind];

    /* Four bits can say 15, the RFC allows 7. */
    list->n = flags >> count_shift (kind) & 0xf;
    if (list->n > ZRTP_MAX_LISTED)
      return false;
    for (unsigned i = 0; i < list->n; i++)
      list->type[i] = zrtp_read_u32 (&reader);
  }
  zrtp_read_view (&reader, ZRTP_MAC_SIZE);
  return zrtp_reader_done (&reader);
}
