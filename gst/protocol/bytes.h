/* Octets: views, bounds-checked cursors, constant-time comparison, wiping.
 *
 * Every message is read and written through these cursors and nothing else, so one file carries
 * the proof that no parser reads past its packet. A cursor never stops in the middle: the first
 * step out of bounds clears `ok`, every later step yields zeros, and the caller looks at `ok` once.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef ZRTP_BYTES_H
#define ZRTP_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A view of somebody else's octets. */
typedef struct {
  const uint8_t *data;
  size_t size;
} ZrtpBytes;

#define ZRTP_BYTES(array) ((ZrtpBytes){(array), sizeof (array)})

typedef struct {
  const uint8_t *next;
  size_t left;
  bool ok;
} ZrtpReader;

typedef struct {
  uint8_t *data;
  size_t capacity;
  size_t size;
  bool ok;
} ZrtpWriter;

ZrtpReader zrtp_reader (const uint8_t *data, size_t size);
uint32_t zrtp_read_u32 (ZrtpReader *reader);
void zrtp_read (ZrtpReader *reader, uint8_t *out, size_t size);
const uint8_t *zrtp_read_view (ZrtpReader *reader, size_t size);
/* True when nothing went wrong and nothing is left: a strict parser ends with this. */
bool zrtp_reader_done (const ZrtpReader *reader);

ZrtpWriter zrtp_writer (uint8_t *data, size_t capacity);
void zrtp_write_u32 (ZrtpWriter *writer, uint32_t value);
void zrtp_write (ZrtpWriter *writer, const void *data, size_t size);

void zrtp_put_u32 (uint8_t out[4], uint32_t value);
uint32_t zrtp_get_u32 (const uint8_t in[4]);

/* Constant time in `size`: for MACs, key IDs, hashes, anything an attacker may guess at. */
bool zrtp_equal (const uint8_t *a, const uint8_t *b, size_t size);

/* Overwrites secrets; never optimised away. */
void zrtp_wipe (void *data, size_t size);

#endif
