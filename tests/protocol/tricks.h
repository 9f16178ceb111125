/* What tests of whole calls do on the wire and in the name of a peer.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "tests/protocol/pair.h"

enum {
  BOTH = 1 << ALICE | 1 << BOB,
  MAX_STREAMS = 5
};

/* --- Wires ---------------------------------------------------------------------------------------- */

/* Loses packets of a type that `from` sends: `n` of them, after `skip`. */
typedef struct {
  unsigned from; /* 2 = nobody */
  ZrtpMessageType type;
  unsigned n, skip, seen;
} Loss;

bool lose (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user);

/* Keeps packets of some types back until they are released. */
typedef struct {
  uint32_t types; /* bits 1 << ZrtpMessageType */
  unsigned n;
  struct {
    unsigned from;
    ZrtpMessageType type;
    size_t size;
    uint8_t data[ZRTP_MAX_PACKET];
  } packet[64];
} Held;

bool hold (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user);
/* Delivers the first one of this kind; what became of it. */
ZrtpResult release (Pair *pair, Held *held, unsigned from, ZrtpMessageType type);
/* Whether there is one. */
bool holds (const Held *held, unsigned from, ZrtpMessageType type);

/* Makes one end the initiator: the other's Commit is lost, and has the lower hvi or nonce, so that it does not insist (§4.2).
 * Then `next`, if there is one. */
typedef struct {
  unsigned initiator;
  Wire next;
  void *user;
} OneInitiator;

bool one_initiator (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user);

ZrtpMessageType type_of (const uint8_t *packet, size_t size);

/* --- In the name of an end ------------------------------------------------------------------------------ */

/* The keys with which an end that is in an exchange seals its Confirm. */
ZrtpConfirmKeys confirm_keys_of (const PairEnd *end);
/* What its Confirm says inside; false when the packet is no Confirm. */
bool read_confirm (const PairEnd *from, const uint8_t *packet, size_t size, ZrtpConfirm *confirm);
/* A Confirm of the end, with any content; `signature_words` of signature, of `signature_type`. */
size_t forge_confirm (const PairEnd *from, const ZrtpConfirm *confirm, unsigned signature_words,
    uint8_t packet[ZRTP_MAX_PACKET]);
/* A Commit of the end, with any content beside its H2 and ZID. */
size_t forge_commit (
    const PairEnd *from, const ZrtpCommit *commit, uint8_t packet[ZRTP_MAX_PACKET]);
/* The Commit inside a packet. */
ZrtpCommit read_commit (const uint8_t *packet, size_t size);
/* Writes the end's Hello anew, with another content; before it is started. */
void rewrite_hello (PairEnd *end, void (*change) (ZrtpHello *hello));

/* --- Calls --------------------------------------------------------------------------------------------------- */

/* Both ends have the same verified rs1, for ever. */
void know_each_other (Pair *pair, uint64_t seed);
/* And rs2, as after two calls: without it there is no Preshared mode. */
void know_each_other_well (Pair *pair, uint64_t seed);
/* A call with `n` streams, its engines made and none started. `configure` changes the ends before. */
void streams_init (Pair *streams, unsigned n, uint64_t seed, void (*configure) (Pair *first));
void streams_clear (Pair *streams, unsigned n);
void streams_start (Pair *streams, unsigned n);
/* How many packets of a type went out, of both ends and all streams. */
unsigned streams_sent (const Pair *streams, unsigned n, ZrtpMessageType type);
/* All are secure, with keys of their own and the same SAS. */
void streams_assert_secure (Pair *streams, unsigned n);
