/* Which retained secrets the two ends have in common (RFC 6189 §4.3).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef ZRTP_SECRETS_H
#define ZRTP_SECRETS_H

#include "gst/protocol/dhpart.h"
#include "gst/protocol/keys.h"

/* What one end may share with the other, beside rs1 and rs2 (which are in the record, with
 * pbxsecret). */
typedef struct {
  const ZrtpRecord *record;
  ZrtpBytes aux; /* auxsecret; null when size is 0 */
} ZrtpSecrets;

/* The IDs that `role` sends: of its own secrets, random where it has none, so that nobody sees
 * which exist. `h3` is that end's. False when there is no randomness. */
bool zrtp_secret_ids (const ZrtpSecrets *secrets, ZrtpRole role, const uint8_t h3[ZRTP_IMAGE_SIZE],
    const ZrtpHash *hash, const ZrtpRandom *random, uint8_t id[ZRTP_N_IDS][ZRTP_SECRET_ID_SIZE]);

/* s1, s2 and s3 by the rules of §4.3; null (size 0) where there is no match. `role` is ours, `peer_id`
 * what the peer's DHPart says, `peer_h3` its H3. They point into `secrets`. */
typedef struct {
  ZrtpBytes s1, s2, s3;
} ZrtpShared;

ZrtpShared zrtp_match_secrets (const ZrtpSecrets *secrets, ZrtpRole role,
    const uint8_t peer_h3[ZRTP_IMAGE_SIZE], const ZrtpHash *hash,
    const uint8_t peer_id[ZRTP_N_IDS][ZRTP_SECRET_ID_SIZE]);

/* Preshared mode, §4.4.2.2: preshared_key, hash->size octets, of rs1 and those of auxsecret and
 * pbxsecret that are asked for; and keyID. */
void zrtp_preshared_key (const ZrtpSecrets *secrets, bool with_aux, bool with_pbx,
    const ZrtpHash *hash, uint8_t key[ZRTP_MAX_HASH]);
void zrtp_preshared_key_id (
    const uint8_t key[ZRTP_MAX_HASH], const ZrtpHash *hash, uint8_t id[ZRTP_SECRET_ID_SIZE]);

/* §4.4.2.3: the responder's search: "dropping auxsecret, pbxsecret, or both from the hash calculation,
 * until a matching preshared_key is found". False when there is none; then `key` is wiped. */
bool zrtp_find_preshared_key (const ZrtpSecrets *secrets, const ZrtpHash *hash,
    const uint8_t id[ZRTP_SECRET_ID_SIZE], uint8_t key[ZRTP_MAX_HASH], bool *with_aux,
    bool *with_pbx);

/* §8.2: srtps = KDF(SRTP master key, "SRTP Secret", (ZIDi || ZIDr || SRTP master salt), 256) */
void zrtp_srtps (const ZrtpHash *hash, ZrtpBytes key, ZrtpBytes salt, const uint8_t *const zid[2],
    uint8_t out[ZRTP_RS_SIZE]);

#endif
