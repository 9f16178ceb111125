/* Two engines, a wire between them that a test can bend, and virtual time.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "tests/protocol/watch.h"

#include <glib.h>

typedef struct Pair Pair;

enum {
  ALICE,
  BOB
};

/* What a test does to a packet on its way: false loses it; it may change it too (the CRC is made
 * good again afterwards unless `keep_crc`). */
typedef bool (*Wire) (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user);

typedef struct {
  ZrtpCrypto crypto;
  uint64_t random_state;
  bool random_broken;
  ZrtpConfig config;
  ZrtpCall *call; /* another pair's, for its second stream; then that one frees it */
  bool call_is_shared;
  ZrtpEngine *engine;

  ZrtpRecord record; /* its cache: one peer */
  bool has_record;
  ZrtpStore stored;    /* the last STORE */
  bool record_is_bobs; /* and for nobody else: for tests with a stranger */

  unsigned n_events[ZRTP_N_EVENTS];
  ZrtpEventKind told[128]; /* the first of them, in their order */
  unsigned n_told;
  ZrtpSrtpKey receive_key, send_key;
  ZrtpSecureInfo secure;
  ZrtpRelayedSas relayed_sas;
  bool clear_by_peer, clear_waiting;
  uint8_t pinged[8]; /* the endpoint hash of a PINGACK */
  uint32_t pinged_ssrc;
  unsigned failed_code;
  bool failed_by_peer;

  unsigned n_sent[ZRTP_N_MESSAGES];
  uint64_t sent_at[ZRTP_N_MESSAGES][100];
  uint16_t last_sequence;
  bool any_sent;
} PairEnd;

struct Pair {
  uint64_t now;
  PairEnd end[2];
  Wire wire;
  void *user;
  bool keep_crc;
};

#define MS UINT64_C (1000000)

/* Two ends with the default offers and different random streams; change `config` and `crypto` of an
 * end before pair_start(). */
void pair_init (Pair *pair, uint64_t seed);
void pair_clear (Pair *pair);
/* Makes the engines and starts those of the mask (1 << ALICE | 1 << BOB). */
void pair_start (Pair *pair, unsigned mask);
/* A further stream of the call of `first`, which must have been started: same ends, another wire. */
void pair_init_stream (Pair *pair, Pair *first, uint64_t seed);
/* Several streams of one call: as pair_settle() and pair_run(). */
void streams_settle (Pair *streams, unsigned n);
void streams_run (Pair *streams, unsigned n, uint64_t until);

/* Delivers what waits, without time passing. */
void pair_settle (Pair *pair);
/* Goes on until `until`, delivering and firing timers. */
void pair_run (Pair *pair, uint64_t until);
/* One packet into an end, as if from the wire. */
ZrtpResult pair_feed (Pair *pair, unsigned to, const uint8_t *packet, size_t size);
/* Both ends secure, with the same SAS and matching keys. */
void pair_assert_secure (Pair *pair);

/* The random source of an end; `user` is its PairEnd. */
bool seeded_random (void *user, uint8_t *out, size_t size);
void pair_fix_crc (uint8_t *packet, size_t size);
bool packet_is (const uint8_t *packet, ZrtpMessageType type);
void offer_only (ZrtpConfig *config, ZrtpKind kind, ZrtpType type);
ZrtpState pair_state (const Pair *pair, unsigned end);
