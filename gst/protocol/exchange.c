/* The key agreement: what both sides of it need, DHPart1, DHPart2 (RFC 6189 §4.3, §4.4, §9).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/protocol/engine-private.h"
#include "gst/protocol/secrets.h"

#include <stdlib.h>
#include <string.h>

/* --- What both sides of an exchange need ----------------------------------------------------------- */

bool
zrtp_have_exchange (ZrtpEngine *engine)
{
  if (engine->exchange)
    return true;
  engine->exchange = calloc (1, sizeof *engine->exchange);
  if (!engine->exchange)
    return false;
  engine->exchange->aux = zrtp_call_use_aux (engine->call);
  return true;
}

void
zrtp_adopt_choice (ZrtpEngine *engine, ZrtpMode mode, const ZrtpChoice *choice)
{
  ZrtpExchange *exchange = engine->exchange;
  const ZrtpCrypto *crypto = engine->call->crypto;

  exchange->mode = mode;
  exchange->choice = *choice;
  exchange->hash = zrtp_crypto_hash (crypto, choice->type[ZRTP_HASH]);
  exchange->cipher = zrtp_crypto_cipher (crypto, choice->type[ZRTP_CIPHER]);
  exchange->keys_ready = false;
  exchange->s1 = ZRTP_S1_NULL;
  exchange->pbx_matched = false;
  exchange->has_aux = exchange->aux_matched = false;
}

/* The secrets that may be shared; auxsecret may be made in `buffer`, which the caller wipes. */
ZrtpSecrets
zrtp_secrets_as (const ZrtpEngine *engine, ZrtpRole role, uint8_t buffer[2 * ZRTP_RS_SIZE])
{
  const ZrtpExchange *exchange = engine->exchange;

  return (ZrtpSecrets){
      .record = &exchange->record,
      .aux = zrtp_auxsecret (
          exchange->aux, exchange->hash, role, engine->call->zid, engine->peer.hello.zid, buffer),
  };
}

static ZrtpKeyInputs
key_inputs (const ZrtpEngine *engine)
{
  const ZrtpExchange *exchange = engine->exchange;
  const bool initiator = engine->role == ZRTP_ROLE_INITIATOR;

  return (ZrtpKeyInputs){
      .hash = exchange->hash,
      .cipher = exchange->cipher,
      .salt_size = zrtp_srtp_salt_size (exchange->choice.type[ZRTP_AUTH_TAG]),
      .zid = {[ZRTP_I] = initiator ? engine->call->zid : engine->peer.hello.zid,
          [ZRTP_R] = initiator ? engine->peer.hello.zid : engine->call->zid},
      .hello_r = initiator ? zrtp_peer_hello (engine) : zrtp_own_hello (engine),
      .commit = {exchange->commit, exchange->commit_size},
  };
}

/* --- DH mode: our own part -------------------------------------------------------------------------- */

/* A key pair for the chosen key agreement; the one there is, if it fits: "there will be no need for
 * either endpoint to discard their DH calculation", §4.1.2. */
bool
zrtp_have_key_pair (ZrtpEngine *engine)
{
  ZrtpExchange *exchange = engine->exchange;
  ZrtpKeyPair *pair = &exchange->pair;
  const ZrtpKeyAgreement *algorithm =
      zrtp_crypto_key_agreement (engine->call->crypto, exchange->choice.type[ZRTP_KEY_AGREEMENT]);
  /* "SHOULD be twice as long as the AES key length", §5.1.5 */
  const unsigned exponent_bits =
      algorithm->finite_field ? (unsigned) exchange->cipher->key_size * 8 * 2 : 0;

  if (pair->algorithm == algorithm && pair->exponent_bits >= exponent_bits)
    return true;
  zrtp_wipe (pair, sizeof *pair);
  pair->algorithm = algorithm;
  pair->exponent_bits = exponent_bits;
  return algorithm->generate (&engine->call->crypto->random, exponent_bits, pair->secret, pair->pv);
}

bool
zrtp_make_dhpart (ZrtpEngine *engine, ZrtpRole role)
{
  ZrtpExchange *exchange = engine->exchange;
  ZrtpMessageType type = role == ZRTP_ROLE_INITIATOR ? ZRTP_MESSAGE_DHPART2 : ZRTP_MESSAGE_DHPART1;
  ZrtpDhpart dhpart = {.pv = exchange->pair.pv};
  uint8_t aux[2 * ZRTP_RS_SIZE];
  const ZrtpSecrets secrets = zrtp_secrets_as (engine, role, aux);
  bool ok = zrtp_secret_ids (
      &secrets, role, engine->chain.h[3], exchange->hash, &engine->call->crypto->random, dhpart.id);

  exchange->has_aux = secrets.aux.size > 0;
  zrtp_wipe (aux, sizeof aux);
  memcpy (dhpart.h1, engine->chain.h[1], sizeof dhpart.h1);
  exchange->dhpart_size = zrtp_dhpart_write (&dhpart, type, exchange->pair.algorithm->pv_size,
      engine->call->s256, engine->chain.h[0], exchange->dhpart);
  return ok;
}

/* hvi = hash(initiator's DHPart2 message || responder's Hello message), leftmost 256 bits
 * (§4.4.1.1). */
void
zrtp_compute_hvi (
    const ZrtpHash *hash, ZrtpBytes dhpart2, ZrtpBytes responder_hello, uint8_t hvi[ZRTP_HVI_SIZE])
{
  const ZrtpBytes parts[] = {dhpart2, responder_hello};
  uint8_t digest[ZRTP_MAX_HASH];

  hash->digest (parts, 2, digest);
  memcpy (hvi, digest, ZRTP_HVI_SIZE);
}

/* --- DHPart1, DHPart2 ------------------------------------------------------------------------------ */

static void
keep_peer_dhpart (ZrtpExchange *exchange, const ZrtpPacket *packet, const ZrtpDhpart *dhpart)
{
  memcpy (exchange->peer_h1, dhpart->h1, sizeof exchange->peer_h1);
  memcpy (exchange->peer_dhpart, packet->message.data, packet->message.size);
  exchange->peer_dhpart_size = packet->message.size;
}

static ZrtpS1
which_s1 (const ZrtpRecord *record, ZrtpBytes s1)
{
  if (s1.size == 0)
    return ZRTP_S1_NULL;
  return s1.data == record->rs1 ? ZRTP_S1_RS1 : ZRTP_S1_RS2;
}

/* DHResult, s1, s2, s3 and all keys; false when the peer's public value is bad. The messages must be in
 * place. */
static bool
agree (ZrtpEngine *engine, const ZrtpDhpart *peer_dhpart)
{
  ZrtpExchange *exchange = engine->exchange;
  const ZrtpKeyAgreement *algorithm = exchange->pair.algorithm;
  const bool initiator = engine->role == ZRTP_ROLE_INITIATOR;
  const ZrtpBytes own = {exchange->dhpart, exchange->dhpart_size};
  const ZrtpBytes peer = {exchange->peer_dhpart, exchange->peer_dhpart_size};
  const ZrtpKeyInputs inputs = key_inputs (engine);
  uint8_t aux[2 * ZRTP_RS_SIZE], dhresult[ZRTP_MAX_DHRESULT];
  const ZrtpSecrets secrets = zrtp_secrets_as (engine, engine->role, aux);
  const ZrtpShared shared = zrtp_match_secrets (
      &secrets, engine->role, engine->peer.hello.h3, exchange->hash, peer_dhpart->id);
  bool ok = algorithm->agree (exchange->pair.secret, peer_dhpart->pv, dhresult);

  if (ok) {
    zrtp_derive_dh_keys (&inputs,
        &(ZrtpDhInputs){
            .dhresult = {dhresult, algorithm->result_size},
            .dhpart1 = initiator ? peer : own,
            .dhpart2 = initiator ? own : peer,
            .s1 = shared.s1,
            .s2 = shared.s2,
            .s3 = shared.s3,
        },
        &exchange->keys);
    exchange->s1 = which_s1 (&exchange->record, shared.s1);
    exchange->aux_matched = shared.s2.size > 0;
    exchange->pbx_matched = shared.s3.size > 0;
  }
  /* "DHResult, s1, s2, and s3 MUST all be erased from memory immediately", §4.4.1.4 */
  zrtp_wipe (dhresult, sizeof dhresult);
  zrtp_wipe (aux, sizeof aux);
  zrtp_wipe (&exchange->pair, sizeof exchange->pair);
  return ok;
}

ZrtpResult
zrtp_on_dhpart1 (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  ZrtpExchange *exchange = engine->exchange;
  ZrtpDhpart dhpart;
  uint8_t h2[ZRTP_IMAGE_SIZE];

  if (engine->record_wanted || exchange->mode != ZRTP_MODE_DH)
    return ZRTP_UNEXPECTED;
  if (!zrtp_dhpart_parse (packet->message, exchange->pair.algorithm->pv_size, &dhpart))
    return ZRTP_BAD_LENGTH;
  /* "the initiator computes the responder's missing H2 by hashing the responder's H1", §9 */
  zrtp_image (engine, ZRTP_BYTES (dhpart.h1), h2);
  if (!zrtp_image_follows (engine, h2, engine->peer.hello.h3))
    return ZRTP_BAD_HASH_IMAGE;
  if (!zrtp_message_mac_check (zrtp_peer_hello (engine), engine->call->s256, h2))
    return zrtp_fail (engine, ZRTP_ERROR_HELLO_MISMATCH, now);
  if (packet->ssrc == engine->config.ssrc) /* §4.1 */
    return zrtp_fail (engine, ZRTP_ERROR_SSRC, now);

  engine->peer.ssrc = packet->ssrc;
  keep_peer_dhpart (exchange, packet, &dhpart);
  if (!agree (engine, &dhpart))
    return zrtp_fail (engine, ZRTP_ERROR_BAD_PV, now);
  zrtp_advance (engine, ZRTP_STATE_DHPART2_SENT, ZRTP_OUT_DHPART, now);
  return ZRTP_ACCEPTED;
}

/* §4.4.1.2: "the responder computes its own value for the hash commitment ... If they are
 * different, a MiTM attack is taking place" */
static bool
keeps_commitment (const ZrtpEngine *engine, ZrtpBytes dhpart2)
{
  uint8_t hvi[ZRTP_HVI_SIZE];

  zrtp_compute_hvi (engine->exchange->hash, dhpart2, zrtp_own_hello (engine), hvi);
  return zrtp_equal (hvi, engine->exchange->peer_commit.hvi, sizeof hvi);
}

ZrtpResult
zrtp_on_dhpart2 (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  ZrtpExchange *exchange = engine->exchange;
  ZrtpDhpart dhpart;

  if (!zrtp_dhpart_parse (packet->message, exchange->pair.algorithm->pv_size, &dhpart))
    return ZRTP_BAD_LENGTH;
  if (!zrtp_image_follows (engine, dhpart.h1, exchange->peer_commit.h2)) /* §9 */
    return ZRTP_BAD_HASH_IMAGE;
  if (!zrtp_message_mac_check (
          (ZrtpBytes){exchange->commit, exchange->commit_size}, engine->call->s256, dhpart.h1))
    return zrtp_fail (engine, ZRTP_ERROR_CONFIRM_MAC, now);
  if (!keeps_commitment (engine, packet->message))
    return zrtp_fail (engine, ZRTP_ERROR_BAD_HVI, now);
  if (packet->ssrc == engine->config.ssrc)
    return zrtp_fail (engine, ZRTP_ERROR_SSRC, now);

  engine->peer.ssrc = packet->ssrc;
  keep_peer_dhpart (exchange, packet, &dhpart);
  if (!agree (engine, &dhpart))
    return zrtp_fail (engine, ZRTP_ERROR_BAD_PV, now);
  return zrtp_send_confirm1 (engine, now);
}

ZrtpResult
zrtp_on_dhpart2_again (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  const ZrtpExchange *exchange = engine->exchange;

  if (!zrtp_same (packet->message, exchange->peer_dhpart, exchange->peer_dhpart_size))
    return ZRTP_UNEXPECTED;
  zrtp_send (engine, ZRTP_OUT_CONFIRM);
  return ZRTP_REPEATED;
}

/* --- Without DH ------------------------------------------------------------------------------------- */

static void
derive_preshared (ZrtpEngine *engine)
{
  ZrtpExchange *exchange = engine->exchange;
  const ZrtpKeyInputs inputs = key_inputs (engine);
  uint8_t aux[2 * ZRTP_RS_SIZE], key[ZRTP_MAX_HASH];
  const ZrtpSecrets secrets = zrtp_secrets_as (engine, engine->role, aux);

  zrtp_preshared_key (&secrets, exchange->aux_matched, exchange->pbx_matched, exchange->hash, key);
  zrtp_derive_preshared_keys (&inputs, key, &exchange->keys);
  exchange->s1 = ZRTP_S1_RS1;
  /* "The preshared_key MUST be erased as soon as it has been used to calculate s0.", §4.4.2.4 */
  zrtp_wipe (key, sizeof key);
  zrtp_wipe (aux, sizeof aux);
}

void
zrtp_derive_without_dh (ZrtpEngine *engine)
{
  ZrtpExchange *exchange = engine->exchange;
  const ZrtpCall *call = engine->call;
  const ZrtpKeyInputs inputs = key_inputs (engine);

  if (exchange->keys_ready)
    return;
  if (exchange->mode == ZRTP_MODE_PRESHARED)
    derive_preshared (engine);
  else
    zrtp_derive_multistream_keys (
        &inputs, (ZrtpBytes){call->zrtpsess, call->hash->size}, &exchange->keys);
  exchange->keys_ready = true;
}
