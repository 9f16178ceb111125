/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/protocol/secrets.h"

#include <string.h>

/* rs1IDr = MAC(rs1, "Responder"), rs1IDi = MAC(rs1, "Initiator"), leftmost 64 bits (§4.3.1). */
static void
retained_id (const uint8_t secret[ZRTP_RS_SIZE], ZrtpRole sender, const ZrtpHash *hash,
    uint8_t id[ZRTP_SECRET_ID_SIZE])
{
  const char *label = sender == ZRTP_ROLE_INITIATOR ? "Initiator" : "Responder";
  ZrtpBytes part = {(const uint8_t *) label, strlen (label)};
  uint8_t mac[ZRTP_MAX_HASH];

  hash->mac ((ZrtpBytes){secret, ZRTP_RS_SIZE}, &part, 1, mac);
  memcpy (id, mac, ZRTP_SECRET_ID_SIZE);
  zrtp_wipe (mac, sizeof mac);
}

bool
zrtp_secret_ids (const ZrtpRecord *record, ZrtpRole role, const ZrtpHash *hash,
    const ZrtpRandom *random, uint8_t id[ZRTP_N_IDS][ZRTP_SECRET_ID_SIZE])
{
  if (!random->fill (random->user, id[0], ZRTP_N_IDS * ZRTP_SECRET_ID_SIZE))
    return false;
  if (record->has_rs1)
    retained_id (record->rs1, role, hash, id[ZRTP_ID_RS1]);
  if (record->has_rs2)
    retained_id (record->rs2, role, hash, id[ZRTP_ID_RS2]);
  return true;
}

const uint8_t *
zrtp_match_s1 (const ZrtpRecord *record, ZrtpRole role, const ZrtpHash *hash,
    const uint8_t peer_id[ZRTP_N_IDS][ZRTP_SECRET_ID_SIZE])
{
  const ZrtpRole peer = role == ZRTP_ROLE_INITIATOR ? ZRTP_ROLE_RESPONDER : ZRTP_ROLE_INITIATOR;
  const uint8_t *own[2] = {
      record->has_rs1 ? record->rs1 : NULL, record->has_rs2 ? record->rs2 : NULL};
  bool same[2][2] = {{false}}; /* [own rs1, rs2][the peer's rs1, rs2] */

  for (unsigned o = 0; o < 2; o++) {
    uint8_t id[ZRTP_SECRET_ID_SIZE];

    if (!own[o])
      continue;
    retained_id (own[o], peer, hash, id);
    for (unsigned p = 0; p < 2; p++)
      same[o][p] = zrtp_equal (id, peer_id[ZRTP_ID_RS1 + p], sizeof id);
  }

  /* "If the initiator's rs1 matches the responder's rs1 or rs2, then s1 MUST be set to the
   * initiator's rs1. If and only if that match fails, then if the initiator's rs2 matches the
   * responder's rs1 or rs2, then s1 MUST be set to the initiator's rs2." */
  for (unsigned i = 0; i < 2; i++)
    for (unsigned r = 0; r < 2; r++)
      if (role == ZRTP_ROLE_INITIATOR ? same[i][r] : same[r][i])
        return role == ZRTP_ROLE_INITIATOR ? own[i] : own[r];
  return NULL;
}
