/* The algorithms of RFC 6189 §5.1.2-§5.1.6 and the choice among them, §4.1.2. S512, GCM, X255, X448
 * and E255 are not the RFC's but what others made of it; docs/algorithms.md says whose.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef ZRTP_ALGORITHMS_H
#define ZRTP_ALGORITHMS_H

#include "gst/protocol/crypto.h"

enum {
  ZRTP_S256 = ZRTP_TYPE ('S', '2', '5', '6'),
  ZRTP_S384 = ZRTP_TYPE ('S', '3', '8', '4'),
  ZRTP_S512 = ZRTP_TYPE ('S', '5', '1', '2'),
  ZRTP_N256 = ZRTP_TYPE ('N', '2', '5', '6'),
  ZRTP_N384 = ZRTP_TYPE ('N', '3', '8', '4'),
  ZRTP_AES1 = ZRTP_TYPE ('A', 'E', 'S', '1'),
  ZRTP_AES3 = ZRTP_TYPE ('A', 'E', 'S', '3'),
  ZRTP_HS32 = ZRTP_TYPE ('H', 'S', '3', '2'),
  ZRTP_HS80 = ZRTP_TYPE ('H', 'S', '8', '0'),
  ZRTP_GCM = ZRTP_TYPE ('G', 'C', 'M', ' '),
  ZRTP_DH2K = ZRTP_TYPE ('D', 'H', '2', 'k'),
  ZRTP_DH3K = ZRTP_TYPE ('D', 'H', '3', 'k'),
  ZRTP_EC25 = ZRTP_TYPE ('E', 'C', '2', '5'),
  ZRTP_EC38 = ZRTP_TYPE ('E', 'C', '3', '8'),
  ZRTP_EC52 = ZRTP_TYPE ('E', 'C', '5', '2'),
  ZRTP_X255 = ZRTP_TYPE ('X', '2', '5', '5'),
  ZRTP_E255 = ZRTP_TYPE ('E', '2', '5', '5'),
  ZRTP_X448 = ZRTP_TYPE ('X', '4', '4', '8'),
  ZRTP_PRSH = ZRTP_TYPE ('P', 'r', 's', 'h'),
  ZRTP_MULT = ZRTP_TYPE ('M', 'u', 'l', 't'),
  ZRTP_B32 = ZRTP_TYPE ('B', '3', '2', ' '),
  ZRTP_B256 = ZRTP_TYPE ('B', '2', '5', '6'),
};

/* The five lists of a Hello, in the order in which they stand in it (Figure 3). */
typedef enum {
  ZRTP_HASH,
  ZRTP_CIPHER,
  ZRTP_AUTH_TAG,
  ZRTP_KEY_AGREEMENT,
  ZRTP_SAS,
  ZRTP_N_KINDS,
} ZrtpKind;

enum {
  ZRTP_MAX_LISTED = 7
}; /* "0 to 7 values", Figure 3 */

typedef struct {
  uint8_t n;
  ZrtpType type[ZRTP_MAX_LISTED];
} ZrtpList;

/* What one end offers: one list a kind. */
typedef struct {
  ZrtpList list[ZRTP_N_KINDS];
} ZrtpOffer;

/* One algorithm a kind: what a Commit names. */
typedef struct {
  ZrtpType type[ZRTP_N_KINDS];
} ZrtpChoice;

/* Whether `type` is in the list or mandatory and so "implicitly added to the end", §5.2. */
bool zrtp_offer_has (const ZrtpOffer *offer, ZrtpKind kind, ZrtpType type);

/* Chooses what our Commit would name: the key agreement by §4.1.2, so that both ends arrive at the
 * same one, the rest by our own order of preference. Always succeeds: the mandatory types are
 * common ground. */
void zrtp_choose (const ZrtpOffer *own, const ZrtpOffer *peer, ZrtpChoice *choice);

/* 0 when the peer's Commit names only what we offered and what fits together, else the error code
 * of Table 8 (0x51-0x55) to answer with. */
unsigned zrtp_check_choice (const ZrtpOffer *own, const ZrtpChoice *choice);

/* Octets of the SRTP master salt that goes with an SRTP Authentication Tag Type: 112 bits (§4.5.3), or
 * the 96 that AEAD_AES_GCM takes (RFC 7714 §12). */
size_t zrtp_srtp_salt_size (ZrtpType auth_tag);

#endif
