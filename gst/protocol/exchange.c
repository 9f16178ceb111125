/* The key agreement: Commit, DHPart1, DHPart2 (RFC 6189 §4.2, §4.4.1, §9).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/protocol/engine-private.h"
#include "gst/protocol/secrets.h"

#include <stdlib.h>
#include <string.h>

/* --- Our own part -------------------------------------------------------------------------------- */

static void
adopt_choice (ZrtpEngine *engine, const ZrtpChoice *choice)
{
  ZrtpExchange *exchange = engine->exchange;
  const ZrtpCrypto *crypto = engine->call->crypto;

  exchange->choice = *choice;
  exchange->hash = zrtp_crypto_hash (crypto, choice->type[ZRTP_HASH]);
  exchange->cipher = zrtp_crypto_cipher (crypto, choice->type[ZRTP_CIPHER]);
}

/* A key pair for the chosen key agreement; the one there is, if it fits: "there will be no need for
 * either endpoint to discard their DH calculation", §4.1.2. */
static bool
have_key_pair (ZrtpEngine *engine)
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

static bool
make_dhpart (ZrtpEngine *engine, ZrtpRole role)
{
  ZrtpExchange *exchange = engine->exchange;
  ZrtpMessageType type = role == ZRTP_ROLE_INITIATOR ? ZRTP_MESSAGE_DHPART2 : ZRTP_MESSAGE_DHPART1;
  ZrtpDhpart dhpart = {.pv = exchange->pair.pv};

  memcpy (dhpart.h1, engine->chain.h[1], sizeof dhpart.h1);
  if (!zrtp_secret_ids (
          &exchange->record, role, exchange->hash, &engine->call->crypto->random, dhpart.id))
    return false;
  exchange->dhpart_size = zrtp_dhpart_write (&dhpart, type, exchange->pair.algorithm->pv_size,
      engine->call->s256, engine->chain.h[0], exchange->dhpart);
  return true;
}

/* hvi = hash(initiator's DHPart2 message || responder's Hello message), leftmost 256 bits
 * (§4.4.1.1). */
static void
compute_hvi (
    const ZrtpHash *hash, ZrtpBytes dhpart2, ZrtpBytes responder_hello, uint8_t hvi[ZRTP_HVI_SIZE])
{
  const ZrtpBytes parts[] = {dhpart2, responder_hello};
  uint8_t digest[ZRTP_MAX_HASH];

  hash->digest (parts, 2, digest);
  memcpy (hvi, digest, ZRTP_HVI_SIZE);
}

static void
make_commit (ZrtpEngine *engine)
{
  ZrtpExchange *exchange = engine->exchange;
  ZrtpCommit commit = {.choice = exchange->choice};

  memcpy (commit.h2, engine->chain.h[2], sizeof commit.h2);
  memcpy (commit.zid, engine->call->zid, sizeof commit.zid);
  compute_hvi (exchange->hash, (ZrtpBytes){exchange->dhpart, exchange->dhpart_size},
      zrtp_peer_hello (engine), commit.hvi);
  zrtp_commit_write (&commit, engine->call->s256, engine->chain.h[1], exchange->commit);
}

static void
commit_ourselves (ZrtpEngine *engine, uint64_t now)
{
  ZrtpChoice choice;

  zrtp_choose (&engine->config.offer, &engine->peer.hello.offer, &choice);
  adopt_choice (engine, &choice);
  if (!have_key_pair (engine) || !make_dhpart (engine, ZRTP_ROLE_INITIATOR)) {
    zrtp_fail (engine, ZRTP_ERROR_SOFTWARE, now);
    return;
  }
  make_commit (engine);
  engine->peer.tried = true;
  /* Without waiting for HelloACK: "A Commit message may be sent in place of a HelloACK", §5.3. A
   * peer that has not seen our Hello drops it and gets both again. */
  engine->role = ZRTP_ROLE_INITIATOR;
  zrtp_advance (engine, ZRTP_STATE_COMMIT_SENT, ZRTP_OUT_COMMIT, now);
}

static ZrtpResult
become_responder (ZrtpEngine *engine, const ZrtpCommit *commit,
    const uint8_t message[ZRTP_COMMIT_DH_SIZE], uint64_t now)
{
  ZrtpExchange *exchange = engine->exchange;

  adopt_choice (engine, &commit->choice);
  if (!have_key_pair (engine) || !make_dhpart (engine, ZRTP_ROLE_RESPONDER))
    return zrtp_fail (engine, ZRTP_ERROR_SOFTWARE, now);
  exchange->peer_commit = *commit;
  memcpy (exchange->commit, message, sizeof exchange->commit);
  engine->role = ZRTP_ROLE_RESPONDER;
  zrtp_advance (engine, ZRTP_STATE_DHPART1_SENT, ZRTP_OUT_DHPART, now);
  return ZRTP_ACCEPTED;
}

void
zrtp_engine_set_record (ZrtpEngine *engine, const uint8_t peer_zid[ZRTP_ZID_SIZE],
    const ZrtpRecord *record, uint64_t now)
{
  static const ZrtpRecord unknown_peer;

  /* The peer may have become another since the question was asked. */
  if (!engine->record_wanted || !zrtp_equal (peer_zid, engine->peer.hello.zid, ZRTP_ZID_SIZE))
    return;
  engine->record_wanted = false;
  if (!engine->exchange)
    engine->exchange = calloc (1, sizeof *engine->exchange);
  if (!engine->exchange) {
    zrtp_fail (engine, ZRTP_ERROR_SOFTWARE, now);
    return;
  }
  engine->exchange->record = record ? *record : unknown_peer;
  if (engine->exchange->commit_pending) {
    engine->exchange->commit_pending = false;
    become_responder (engine, &engine->exchange->pending, engine->exchange->pending_message, now);
  } else {
    commit_ourselves (engine, now);
  }
}

void
zrtp_engine_forgo_cache (ZrtpEngine *engine, const uint8_t peer_zid[ZRTP_ZID_SIZE], uint64_t now)
{
  engine->config.cache_expiry = 0;
  zrtp_engine_set_record (engine, peer_zid, NULL, now);
}

/* --- Commit --------------------------------------------------------------------------------------- */

/* Whose Commit this is: H2 hashes to the H3 of a Hello (§9). -1 is the peer, 0 and more a rival. */
static bool
find_sender (const ZrtpEngine *engine, const uint8_t h2[ZRTP_IMAGE_SIZE], int *sender)
{
  const ZrtpExchange *exchange = engine->exchange;

  *sender = -1;
  if (zrtp_image_follows (engine, h2, engine->peer.hello.h3))
    return true;
  for (*sender = 0; (unsigned) *sender < exchange->n_rivals; ++*sender)
    if (zrtp_image_follows (engine, h2, exchange->rival[*sender].hello.h3))
      return true;
  return false;
}

/* What is wrong between a Hello and the Commit that follows it; 0 = nothing. */
static ZrtpErrorCode
check_commit (const ZrtpEngine *engine, const ZrtpPeer *sender, const ZrtpCommit *commit)
{
  /* §8.1.1: "If a bad MAC is discovered, it MUST be treated as a security exception" */
  if (!zrtp_message_mac_check (zrtp_hello_of (sender), engine->call->s256, commit->h2))
    return ZRTP_ERROR_HELLO_MISMATCH;
  /* §5.4: the ZID "MUST have the same value as was used in the Hello message" */
  if (!zrtp_equal (commit->zid, sender->hello.zid, ZRTP_ZID_SIZE))
    return ZRTP_ERROR_HELLO_MISMATCH;
  /* There is no session key yet: "the exchange MUST be terminated", §4.4.3.1. */
  if (commit->choice.type[ZRTP_KEY_AGREEMENT] == ZRTP_MULT)
    return ZRTP_ERROR_NO_SECRET;
  return ZRTP_ERROR_NONE;
}

/* §4.2. True when our own Commit stands and the peer's is to be discarded. */
static bool
our_commit_wins (const ZrtpEngine *engine, const ZrtpCommit *theirs)
{
  const uint8_t *our_hvi =
      engine->exchange->commit + ZRTP_COMMIT_DH_SIZE - ZRTP_MAC_SIZE - ZRTP_HVI_SIZE;

  /* "the Preshared Commit MUST be discarded and the DH Commit proceeds" */
  if (theirs->choice.type[ZRTP_KEY_AGREEMENT] == ZRTP_PRSH)
    return true;
  /* "the Commit message with the lowest hvi ... MUST be discarded"; public values, no secret in
   * the time this takes. */
  return memcmp (our_hvi, theirs->hvi, ZRTP_HVI_SIZE) >= 0;
}

/* A rival's own Commit: he is there, and ours was never for him, so nothing contends. What is wrong
 * with it is his affair alone. */
static ZrtpResult
follow_rival (
    ZrtpEngine *engine, unsigned index, const ZrtpPacket *packet, const ZrtpCommit *commit)
{
  ZrtpExchange *exchange = engine->exchange;

  if (check_commit (engine, &exchange->rival[index], commit) ||
      zrtp_check_choice (&engine->config.offer, &commit->choice))
    return ZRTP_BAD_CONTENT;
  zrtp_swap_rival (engine, index);
  exchange->commit_pending = true;
  exchange->pending = *commit;
  memcpy (exchange->pending_message, packet->message.data, sizeof exchange->pending_message);
  zrtp_want_record (engine);
  return ZRTP_ACCEPTED;
}

ZrtpResult
zrtp_on_commit (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  ZrtpCommit commit;
  ZrtpErrorCode error;
  int sender;

  if (engine->record_wanted)
    return ZRTP_UNEXPECTED;
  if (!zrtp_commit_parse (packet->message, &commit))
    return ZRTP_BAD_CONTENT;
  if (!find_sender (engine, commit.h2, &sender))
    return ZRTP_BAD_HASH_IMAGE;
  if (sender >= 0)
    return follow_rival (engine, (unsigned) sender, packet, &commit);
  error = check_commit (engine, &engine->peer, &commit);
  if (error)
    return zrtp_fail (engine, error, now);

  zrtp_timer_stop (&engine->hello_timer); /* "until the receipt of a HelloACK ... or a Commit" */
  engine->hello_acked = true;
  engine->peer.ssrc = packet->ssrc;
  if (our_commit_wins (engine, &commit)) {
    engine->exchange->rival_seen = true;
    return ZRTP_ACCEPTED;
  }
  /* "All message retransmissions MUST be identical", §6: who lost once does not try another hvi. */
  if (engine->exchange->rival_seen)
    return ZRTP_UNEXPECTED;
  error = zrtp_check_choice (&engine->config.offer, &commit.choice);
  if (error)
    return zrtp_fail (engine, error, now);
  return become_responder (engine, &commit, packet->message.data, now);
}

ZrtpResult
zrtp_on_commit_again (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  /* Only the very same Commit: pvr is out, nobody may commit anew knowing it (§4.4.1.1). */
  if (!zrtp_same (packet->message, engine->exchange->commit, sizeof engine->exchange->commit))
    return ZRTP_UNEXPECTED;
  zrtp_send (engine, ZRTP_OUT_DHPART);
  return ZRTP_REPEATED;
}

/* --- DHPart1, DHPart2 ------------------------------------------------------------------------------ */

static void
keep_peer_dhpart (ZrtpExchange *exchange, const ZrtpPacket *packet, const ZrtpDhpart *dhpart)
{
  memcpy (exchange->peer_h1, dhpart->h1, sizeof exchange->peer_h1);
  memcpy (exchange->peer_dhpart, packet->message.data, packet->message.size);
  exchange->peer_dhpart_size = packet->message.size;
}

/* DHResult, s1 and all keys; false when the peer's public value is bad. The messages must be in
 * place. */
static bool
agree (ZrtpEngine *engine, const ZrtpDhpart *peer_dhpart)
{
  ZrtpExchange *exchange = engine->exchange;
  const ZrtpKeyAgreement *algorithm = exchange->pair.algorithm;
  const bool initiator = engine->role == ZRTP_ROLE_INITIATOR;
  const ZrtpBytes own = {exchange->dhpart, exchange->dhpart_size};
  const ZrtpBytes peer = {exchange->peer_dhpart, exchange->peer_dhpart_size};
  uint8_t dhresult[ZRTP_MAX_DHRESULT];
  const uint8_t *s1;
  bool ok = algorithm->agree (exchange->pair.secret, peer_dhpart->pv, dhresult);

  if (ok) {
    s1 = zrtp_match_s1 (&exchange->record, engine->role, exchange->hash, peer_dhpart->id);
    zrtp_derive_keys (
        &(ZrtpDhInputs){
            .hash = exchange->hash,
            .cipher = exchange->cipher,
            .dhresult = {dhresult, algorithm->result_size},
            .zid = {[ZRTP_I] = initiator ? engine->call->zid : engine->peer.hello.zid,
                [ZRTP_R] = initiator ? engine->peer.hello.zid : engine->call->zid},
            .hello_r = initiator ? zrtp_peer_hello (engine) : zrtp_own_hello (engine),
            .commit = ZRTP_BYTES (exchange->commit),
            .dhpart1 = initiator ? peer : own,
            .dhpart2 = initiator ? own : peer,
            .s1 = {s1, s1 ? ZRTP_RS_SIZE : 0},
        },
        &exchange->keys);
    exchange->s1_matched = s1 != NULL;
  }
  /* "DHResult, s1, s2, and s3 MUST all be erased from memory immediately", §4.4.1.4 */
  zrtp_wipe (dhresult, sizeof dhresult);
  zrtp_wipe (&exchange->pair, sizeof exchange->pair);
  return ok;
}

ZrtpResult
zrtp_on_dhpart1 (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  ZrtpExchange *exchange = engine->exchange;
  ZrtpDhpart dhpart;
  uint8_t h2[ZRTP_IMAGE_SIZE];

  if (engine->record_wanted)
    return ZRTP_UNEXPECTED;
  if (!zrtp_dhpart_parse (packet->message, exchange->pair.algorithm->pv_size, &dhpart))
    return ZRTP_BAD_LENGTH;
  /* "the initiator computes the responder's missing H2 by hashing the responder's H1", §9 */
  zrtp_image (engine, ZRTP_BYTES (dhpart.h1), h2);
  if (!zrtp_image_follows (engine, h2, engine->peer.hello.h3))
    return ZRTP_BAD_HASH_IMAGE;
  if (!zrtp_message_mac_check (zrtp_peer_hello (engine), engine->call->s256, h2))
    return zrtp_fail (engine, ZRTP_ERROR_HELLO_MISMATCH, now);

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

  compute_hvi (engine->exchange->hash, dhpart2, zrtp_own_hello (engine), hvi);
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
  if (!zrtp_message_mac_check (ZRTP_BYTES (exchange->commit), engine->call->s256, dhpart.h1))
    return zrtp_fail (engine, ZRTP_ERROR_CONFIRM_MAC, now);
  if (!keeps_commitment (engine, packet->message))
    return zrtp_fail (engine, ZRTP_ERROR_BAD_HVI, now);

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
