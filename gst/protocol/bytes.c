/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/protocol/bytes.h"

#include <string.h>

ZrtpReader
zrtp_reader (const uint8_t *data, size_t size)
{
  return (ZrtpReader){data, size, true};
}

const uint8_t *
zrtp_read_view (ZrtpReader *reader, size_t size)
{
  const uint8_t *view = reader->next;

  if (!reader->ok || size > reader->left) {
    reader->ok = false;
    return NULL;
  }
  reader->next += size;
  reader->left -= size;
  return view;
}

void
zrtp_read (ZrtpReader *reader, uint8_t *out, size_t size)
{
  const uint8_t *view = zrtp_read_view (reader, size);

  if (view)
    memcpy (out, view, size);
  else
    memset (out, 0, size);
}

uint32_t
zrtp_read_u32 (ZrtpReader *reader)
{
  const uint8_t *view = zrtp_read_view (reader, 4);

  return view ? zrtp_get_u32 (view) : 0;
}

bool
zrtp_reader_done (const ZrtpReader *reader)
{
  return reader->ok && reader->left == 0;
}

ZrtpWriter
zrtp_writer (uint8_t *data, size_t capacity)
{
  return (ZrtpWriter){data, capacity, 0, true};
}

void
zrtp_write (ZrtpWriter *writer, const void *data, size_t size)
{
  if (!writer->ok || size > writer->capacity - writer->size) {
    writer->ok = false;
    return;
  }
  if (size > 0)
    memcpy (writer->data + writer->size, data, size);
  writer->size += size;
}

void
zrtp_write_u32 (ZrtpWriter *writer, uint32_t value)
{
  uint8_t octets[4];

  zrtp_put_u32 (octets, value);
  zrtp_write (writer, octets, sizeof octets);
}

void
zrtp_put_u32 (uint8_t out[4], uint32_t value)
{
  out[0] = (uint8_t) (value >> 24);
  out[1] = (uint8_t) (value >> 16);
  out[2] = (uint8_t) (value >> 8);
  out[3] = (uint8_t) value;
}

uint32_t
zrtp_get_u32 (const uint8_t in[4])
{
  return (uint32_t) in[0] << 24 | (uint32_t) in[1] << 16 | (uint32_t) in[2] << 8 | in[3];
}

bool
zrtp_equal (const uint8_t *a, const uint8_t *b, size_t size)
{
  volatile uint64_t difference = 0;

  for (; size >= sizeof (uint64_t); size -= sizeof (uint64_t)) {
    uint64_t x, y;

    memcpy (&x, a, sizeof x);
    memcpy (&y, b, sizeof y);
    difference |= x ^ y;
    a += sizeof x;
    b += sizeof y;
  }
  for (size_t i = 0; i < size; i++)
    difference |= a[i] ^ b[i];
  return difference == 0;
}

void
zrtp_wipe (void *data, size_t size)
{
  /* glibc, the BSDs and musl promise that this is not removed. */
  explicit_bzero (data, size);
}
