/* What somebody on the path, or beside it, can do: packets of his own, packets kept for later; and the
 * derivations of the RFC by another library.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "tests/protocol/tricks.h"

/* A packet around a message; its size. */
size_t forge (uint8_t out[ZRTP_MAX_PACKET], uint32_t ssrc, const uint8_t *message, size_t size);
/* A message that is its frame alone. */
size_t forge_ack (uint8_t out[ZRTP_MAX_PACKET], uint32_t ssrc, ZrtpMessageType type);
size_t forge_error (uint8_t out[ZRTP_MAX_PACKET], uint32_t ssrc, unsigned code);
/* GoClear with the MAC that `engine` would send. */
size_t forge_goclear (uint8_t out[ZRTP_MAX_PACKET], const ZrtpEngine *engine);
/* A Multistream Commit in the name of `engine`, by somebody who saw H2 and H1 pass by. */
size_t forge_multistream (uint8_t out[ZRTP_MAX_PACKET], const ZrtpEngine *engine, uint8_t nonce);

/* Loses what `user`, a ZrtpMessageType, points to, from both ends. */
bool lose_all (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user);
/* Loses everything. */
bool cut (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user);

/* A wire that keeps the last packet of each type from each end. */
typedef struct {
  uint8_t packet[2][ZRTP_N_MESSAGES][ZRTP_MAX_PACKET];
  size_t size[2][ZRTP_N_MESSAGES];
  /* ... and the keys of an exchange, when its Confirm goes out */
  ZrtpKeys keys[2];
} Kept;

bool keep (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user);
ZrtpResult feed_kept (Pair *pair, unsigned to, const Kept *kept, ZrtpMessageType type);

/* KDF of §4.5.1 with HMAC-SHA-256 of GLib. */
void other_kdf (const uint8_t key[32], const char *label, const void *context, size_t context_size,
    unsigned bits, uint8_t out[32]);

/* Whether an engine or the call has these octets in its memory. */
bool engine_has (const ZrtpEngine *engine, const void *octets, size_t size);
bool call_has (const ZrtpCall *call, const void *octets, size_t size);

/* What an end was told since the last time, and in this order; ZRTP_EVENT_NONE ends the list. */
void assert_told (PairEnd *end, ...);
