/* Which retained secrets the two ends have in common (RFC 6189 §4.3).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef ZRTP_SECRETS_H
#define ZRTP_SECRETS_H

#include "gst/protocol/dhpart.h"

/* The IDs that `role` sends: of its own secrets, random where it has none, so that nobody sees
 * which exist. False when there is no randomness. */
bool zrtp_secret_ids (const ZrtpRecord *record, ZrtpRole role, const ZrtpHash *hash,
    const ZrtpRandom *random, uint8_t id[ZRTP_N_IDS][ZRTP_SECRET_ID_SIZE]);

/* s1 by the rules of §4.3, or NULL. `role` is ours, `peer_id` what the peer's DHPart says. The
 * result points into `record`. */
const uint8_t *zrtp_match_s1 (const ZrtpRecord *record, ZrtpRole role, const ZrtpHash *hash,
    const uint8_t peer_id[ZRTP_N_IDS][ZRTP_SECRET_ID_SIZE]);

#endif
