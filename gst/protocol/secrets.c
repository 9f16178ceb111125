/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/protocol/secrets.h"

#include <string.h>

/* The ID of a secret is a MAC keyed by it, leftmost 64 bits (§4.3.1). */
static void
secret_id (ZrtpBytes secret, ZrtpBytes text, const ZrtpHash *hash, uint8_t id[ZRTP_SECRET_ID_SIZE])
{
  uint8_t mac[ZRTP_MAX_HASH];

  hash->mac (secret, &text, 1, mac);
  memcpy (id, mac, ZRTP_SECRET_ID_SIZE);
  zrtp_wipe (mac, sizeof mac);
}

/* rs1IDr = MAC(rs1, "Responder"), rs1IDi = MAC(rs1, "Initiator"); rs2 and pbxsecret likewise. */
static ZrtpBytes
role_text (ZrtpRole sender)
{
  const char *label = sender == ZRTP_ROLE_INITIATOR ? "Initiator" : "Responder";

  return (ZrtpBytes){(const uint8_t *) label, strlen (label)};
}

/* auxsecretIDr = MAC(auxsecret, Responder's H3), auxsecretIDi = MAC(auxsecret, Initiator's H3) */
static ZrtpBytes
aux_text (const uint8_t h3[ZRTP_IMAGE_SIZE])
{
  return (ZrtpBytes){h3, ZRTP_IMAGE_SIZE};
}

static ZrtpBytes
secret_if (bool has, const uint8_t secret[ZRTP_RS_SIZE])
{
  return (ZrtpBytes){secret, has ? ZRTP_RS_SIZE : 0};
}

bool
zrtp_secret_ids (const ZrtpSecrets *secrets, ZrtpRole role, const uint8_t h3[ZRTP_IMAGE_SIZE],
    const ZrtpHash *hash, const ZrtpRandom *random, uint8_t id[ZRTP_N_IDS][ZRTP_SECRET_ID_SIZE])
{
  const ZrtpRecord *record = secrets->record;
  const ZrtpBytes text = role_text (role);

  if (!random->fill (random->user, id[0], ZRTP_N_IDS * ZRTP_SECRET_ID_SIZE))
    return false;
  if (record->has_rs1)
    secret_id (ZRTP_BYTES (record->rs1), text, hash, id[ZRTP_ID_RS1]);
  if (record->has_rs2)
    secret_id (ZRTP_BYTES (record->rs2), text, hash, id[ZRTP_ID_RS2]);
  if (secrets->aux.size > 0)
    secret_id (secrets->aux, aux_text (h3), hash, id[ZRTP_ID_AUX]);
  if (record->has_pbx)
    secret_id (ZRTP_BYTES (record->pbx), text, hash, id[ZRTP_ID_PBX]);
  return true;
}

static bool
matches (
    ZrtpBytes own, ZrtpBytes text, const ZrtpHash *hash, const uint8_t peer_id[ZRTP_SECRET_ID_SIZE])
{
  uint8_t id[ZRTP_SECRET_ID_SIZE];

  if (own.size == 0)
    return false;
  secret_id (own, text, hash, id);
  return zrtp_equal (id, peer_id, sizeof id);
}

static ZrtpBytes
match_s1 (const ZrtpRecord *record, ZrtpRole role, const ZrtpHash *hash,
    const uint8_t peer_id[ZRTP_N_IDS][ZRTP_SECRET_ID_SIZE])
{
  const ZrtpRole peer = role == ZRTP_ROLE_INITIATOR ? ZRTP_ROLE_RESPONDER : ZRTP_ROLE_INITIATOR;
  const ZrtpBytes own[2] = {
      secret_if (record->has_rs1, record->rs1), secret_if (record->has_rs2, record->rs2)};
  bool same[2][2]; /* [own rs1, rs2][the peer's rs1, rs2] */

  for (unsigned o = 0; o < 2; o++)
    for (unsigned p = 0; p < 2; p++)
      same[o][p] = matches (own[o], role_text (peer), hash, peer_id[ZRTP_ID_RS1 + p]);

  /* "If the initiator's rs1 matches the responder's rs1 or rs2, then s1 MUST be set to the
   * initiator's rs1. If and only if that match fails, then if the initiator's rs2 matches the
   * responder's rs1 or rs2, then s1 MUST be set to the initiator's rs2." */
  for (unsigned i = 0; i < 2; i++)
    for (unsigned r = 0; r < 2; r++)
      if (role == ZRTP_ROLE_INITIATOR ? same[i][r] : same[r][i])
        return role == ZRTP_ROLE_INITIATOR ? own[i] : own[r];
  return (ZrtpBytes){NULL, 0};
}

ZrtpShared
zrtp_match_secrets (const ZrtpSecrets *secrets, ZrtpRole role,
    const uint8_t peer_h3[ZRTP_IMAGE_SIZE], const ZrtpHash *hash,
    const uint8_t peer_id[ZRTP_N_IDS][ZRTP_SECRET_ID_SIZE])
{
  const ZrtpRole peer = role == ZRTP_ROLE_INITIATOR ? ZRTP_ROLE_RESPONDER : ZRTP_ROLE_INITIATOR;
  const ZrtpRecord *record = secrets->record;
  const ZrtpBytes pbx = secret_if (record->has_pbx, record->pbx);
  ZrtpShared shared = {.s1 = match_s1 (record, role, hash, peer_id)};

  if (matches (secrets->aux, aux_text (peer_h3), hash, peer_id[ZRTP_ID_AUX]))
    shared.s2 = secrets->aux;
  if (matches (pbx, role_text (peer), hash, peer_id[ZRTP_ID_PBX]))
    shared.s3 = pbx;
  return shared;
}

/* --- Preshared mode -------------------------------------------------------------------------------- */

/* preshared_key = hash(len(rs1) || rs1 || len(auxsecret) || auxsecret ||
 *                      len(pbxsecret) || pbxsecret) */
void
zrtp_preshared_key (const ZrtpSecrets *secrets, bool with_aux, bool with_pbx, const ZrtpHash *hash,
    uint8_t key[ZRTP_MAX_HASH])
{
  const ZrtpRecord *record = secrets->record;
  const ZrtpBytes rs1 = secret_if (record->has_rs1, record->rs1);
  const ZrtpBytes aux = {secrets->aux.data, with_aux ? secrets->aux.size : 0};
  const ZrtpBytes pbx = secret_if (with_pbx && record->has_pbx, record->pbx);
  uint8_t len1[4], len2[4], len3[4];
  const ZrtpBytes parts[] = {
      ZRTP_BYTES (len1), rs1, ZRTP_BYTES (len2), aux, ZRTP_BYTES (len3), pbx};

  zrtp_put_u32 (len1, (uint32_t) rs1.size);
  zrtp_put_u32 (len2, (uint32_t) aux.size);
  zrtp_put_u32 (len3, (uint32_t) pbx.size);
  hash->digest (parts, sizeof parts / sizeof *parts, key);
}

/* keyID = MAC(preshared_key, "Prsh") truncated to 64 bits */
void
zrtp_preshared_key_id (
    const uint8_t key[ZRTP_MAX_HASH], const ZrtpHash *hash, uint8_t id[ZRTP_SECRET_ID_SIZE])
{
  static const uint8_t name[4] = {'P', 'r', 's', 'h'};

  secret_id ((ZrtpBytes){key, hash->size}, ZRTP_BYTES (name), hash, id);
}

bool
zrtp_find_preshared_key (const ZrtpSecrets *secrets, const ZrtpHash *hash,
    const uint8_t id[ZRTP_SECRET_ID_SIZE], uint8_t key[ZRTP_MAX_HASH], bool *with_aux,
    bool *with_pbx)
{
  uint8_t own_id[ZRTP_SECRET_ID_SIZE];

  for (unsigned dropped = 0; secrets->record->has_rs1 && dropped < 4; dropped++) {
    *with_aux = !(dropped & 1) && secrets->aux.size > 0;
    *with_pbx = !(dropped & 2) && secrets->record->has_pbx;
    zrtp_preshared_key (secrets, *with_aux, *with_pbx, hash, key);
    zrtp_preshared_key_id (key, hash, own_id);
    if (zrtp_equal (own_id, id, sizeof own_id))
      return true;
  }
  zrtp_wipe (key, ZRTP_MAX_HASH);
  return false;
}

/* --- SDES ------------------------------------------------------------------------------------------- */

void
zrtp_srtps (const ZrtpHash *hash, ZrtpBytes key, ZrtpBytes salt, const uint8_t *const zid[2],
    uint8_t out[ZRTP_RS_SIZE])
{
  uint8_t context[2 * ZRTP_ZID_SIZE + ZRTP_MAX_SDES_SALT];
  ZrtpWriter writer = zrtp_writer (context, sizeof context);

  zrtp_write (&writer, zid[ZRTP_I], ZRTP_ZID_SIZE);
  zrtp_write (&writer, zid[ZRTP_R], ZRTP_ZID_SIZE);
  zrtp_write (&writer, salt.data, salt.size);
  zrtp_kdf (hash, key, "SRTP Secret", (ZrtpBytes){context, writer.size}, out, ZRTP_RS_SIZE);
  zrtp_wipe (context, sizeof context);
}
