/* Confirmation, and what becomes of the secrets (RFC 6189 §4.6, §5.7, §5.8, §7.1).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/protocol/engine-private.h"
#include "gst/protocol/sas.h"

#include <string.h>

/* A Confirm with a wrong MAC was either injected or shows that the ends disagree about the keys. The
 * first must not end the exchange (§9), the second must (§5.9): an injected one is followed by the
 * real one, a disagreement repeats itself. */
enum {
  MAX_BAD_CONFIRMS = 3
};

static unsigned
own_index (const ZrtpEngine *engine)
{
  return engine->role == ZRTP_ROLE_INITIATOR ? ZRTP_I : ZRTP_R;
}

static unsigned
peer_index (const ZrtpEngine *engine)
{
  return engine->role == ZRTP_ROLE_INITIATOR ? ZRTP_R : ZRTP_I;
}

static ZrtpConfirmKeys
confirm_keys (const ZrtpExchange *exchange, unsigned index)
{
  return (ZrtpConfirmKeys){exchange->hash, exchange->cipher, exchange->keys.mackey[index],
      exchange->keys.zrtpkey[index]};
}

/* §4.3.2: "rs1 exists in our local cache, but we computed a null value for s1" */
static bool
cache_mismatch (const ZrtpExchange *exchange)
{
  return exchange->record.has_rs1 && exchange->record.expiry > 0 && !exchange->s1_matched;
}

/* --- Keys for SRTP --------------------------------------------------------------------------------- */

static void
fill_srtp_key (const ZrtpExchange *exchange, unsigned index, ZrtpSrtpKey *key)
{
  const size_t key_size = exchange->cipher->key_size;

  key->cipher = exchange->choice.type[ZRTP_CIPHER];
  key->auth_tag = exchange->choice.type[ZRTP_AUTH_TAG];
  key->size = key_size + ZRTP_SRTP_SALT_SIZE;
  memcpy (key->key_and_salt, exchange->keys.srtpkey[index], key_size);
  memcpy (key->key_and_salt + key_size, exchange->keys.srtpsalt[index], ZRTP_SRTP_SALT_SIZE);
}

static void
give_receive_key (ZrtpEngine *engine)
{
  fill_srtp_key (engine->exchange, peer_index (engine), &engine->receive_key);
  zrtp_event (engine, ZRTP_EVENT_RECEIVE_KEY);
}

static void
give_send_key (ZrtpEngine *engine)
{
  fill_srtp_key (engine->exchange, own_index (engine), &engine->send_key);
  zrtp_event (engine, ZRTP_EVENT_SEND_KEY);
}

/* --- Confirm1, Confirm2 ---------------------------------------------------------------------------- */

static bool
make_confirm (ZrtpEngine *engine)
{
  ZrtpExchange *exchange = engine->exchange;
  const ZrtpConfirmKeys keys = confirm_keys (exchange, own_index (engine));
  ZrtpMessageType type =
      engine->role == ZRTP_ROLE_INITIATOR ? ZRTP_MESSAGE_CONFIRM2 : ZRTP_MESSAGE_CONFIRM1;
  uint8_t iv[ZRTP_CIPHER_BLOCK];
  ZrtpConfirm confirm = {
      /* The flag of the earlier sessions, §7.1; worth nothing when the secret did not match. Cacheless
       * endpoints "MUST set the cache expiration interval to zero, and MUST set the SAS Verified
       * flag to false", §4.9.1. */
      .sas_verified =
          engine->config.cache_expiry > 0 && exchange->s1_matched && exchange->record.sas_verified,
      .cache_expiry = engine->config.cache_expiry,
  };

  if (!zrtp_random (engine, iv, sizeof iv))
    return false;
  memcpy (confirm.h0, engine->chain.h[0], sizeof confirm.h0);
  zrtp_confirm_write (&confirm, type, &keys, iv, exchange->confirm);
  return true;
}

ZrtpResult
zrtp_send_confirm1 (ZrtpEngine *engine, uint64_t now)
{
  if (!make_confirm (engine))
    return zrtp_fail (engine, ZRTP_ERROR_SOFTWARE, now);
  zrtp_advance (engine, ZRTP_STATE_CONFIRM1_SENT, ZRTP_OUT_CONFIRM, now);
  return ZRTP_ACCEPTED;
}

/* What both ends check of the other's Confirm. */
static ZrtpResult
check_confirm (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  ZrtpExchange *exchange = engine->exchange;
  const ZrtpConfirmKeys keys = confirm_keys (exchange, peer_index (engine));
  const ZrtpBytes peer_dhpart = {exchange->peer_dhpart, exchange->peer_dhpart_size};
  ZrtpConfirm confirm;
  ZrtpResult result;

  /* The confirm_mac of an injected packet is never right, but three would be an end: so many numbers
   * somebody off the path does not guess. */
  if (packet->ssrc != engine->peer.ssrc)
    return ZRTP_UNEXPECTED;
  result = zrtp_confirm_parse (packet->message, &keys, &confirm);

  if (result == ZRTP_BAD_MAC)
    return ++exchange->bad_confirms < MAX_BAD_CONFIRMS
               ? result
               : zrtp_fail (engine, ZRTP_ERROR_CONFIRM_MAC, now);
  if (result != ZRTP_ACCEPTED)
    return zrtp_fail (engine, ZRTP_ERROR_MALFORMED, now); /* with a good MAC: it is the peer's */
  if (!zrtp_image_follows (engine, confirm.h0, exchange->peer_h1)) /* §9 */
    return ZRTP_BAD_HASH_IMAGE;
  if (!zrtp_message_mac_check (peer_dhpart, engine->call->s256, confirm.h0)) /* §8.1.1 */
    return zrtp_fail (engine, ZRTP_ERROR_CONFIRM_MAC, now);
  exchange->peer_confirm = confirm;
  zrtp_wipe (&confirm, sizeof confirm);
  return ZRTP_ACCEPTED;
}

ZrtpResult
zrtp_on_confirm1 (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  ZrtpResult result = check_confirm (engine, packet, now);

  if (result != ZRTP_ACCEPTED)
    return result;
  if (!make_confirm (engine))
    return zrtp_fail (engine, ZRTP_ERROR_SOFTWARE, now);
  /* The responder may send SRTP as soon as it has our Confirm2; we may not before Conf2ACK or its
   * first SRTP packet (§4). */
  give_receive_key (engine);
  zrtp_advance (engine, ZRTP_STATE_CONFIRM2_SENT, ZRTP_OUT_CONFIRM, now);
  return ZRTP_ACCEPTED;
}

ZrtpResult
zrtp_on_confirm2 (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  ZrtpResult result = check_confirm (engine, packet, now);

  if (result != ZRTP_ACCEPTED)
    return result;
  memcpy (
      engine->last_confirm2, packet->message.data + ZRTP_FRAME_SIZE, sizeof engine->last_confirm2);
  give_receive_key (engine);
  zrtp_become_secure (engine, now);
  zrtp_send (engine, ZRTP_OUT_CONF2ACK);
  return ZRTP_ACCEPTED;
}

/* The initiator may need many Conf2ACKs: some count nothing else as the end (§5.8). */
ZrtpResult
zrtp_on_confirm2_again (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  if (engine->role != ZRTP_ROLE_RESPONDER ||
      !zrtp_equal (packet->message.data + ZRTP_FRAME_SIZE, engine->last_confirm2,
          sizeof engine->last_confirm2))
    return ZRTP_UNEXPECTED;
  zrtp_send (engine, ZRTP_OUT_CONF2ACK);
  return ZRTP_REPEATED;
}

ZrtpResult
zrtp_on_conf2ack (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  /* It has no MAC; somebody who does not see the path does not know this number. */
  if (packet->ssrc != engine->peer.ssrc)
    return ZRTP_UNEXPECTED;
  zrtp_become_secure (engine, now);
  return ZRTP_ACCEPTED;
}

void
zrtp_engine_srtp_authenticated (ZrtpEngine *engine, uint64_t now)
{
  /* "The initiator MUST treat the first valid SRTP media from the responder as equivalent to
   * receiving a Conf2ACK", §4.6 */
  if (engine->state == ZRTP_STATE_CONFIRM2_SENT)
    zrtp_become_secure (engine, now);
}

/* --- Secure ---------------------------------------------------------------------------------------- */

static uint32_t
minimum (uint32_t a, uint32_t b)
{
  return a < b ? a : b;
}

/* The record after this call (§4.6.1, §4.9). */
static void
renew_record (const ZrtpEngine *engine, ZrtpRecord *record)
{
  const ZrtpExchange *exchange = engine->exchange;

  *record = exchange->record;
  /* The flag belongs to the secret that it was set for. */
  record->sas_verified = record->sas_verified && exchange->s1_matched;
  record->expiry = minimum (engine->config.cache_expiry, exchange->peer_confirm.cache_expiry);
  if (record->expiry == 0)
    return; /* "the newly computed shared secret SHOULD NOT be stored" */
  /* "each party first discards their old rs2 and copies their old rs1 to rs2" */
  record->has_rs2 = record->has_rs1;
  memcpy (record->rs2, record->rs1, sizeof record->rs2);
  record->has_rs1 = true;
  memcpy (record->rs1, exchange->keys.rs1, sizeof record->rs1);
}

static void
store (ZrtpEngine *engine, const ZrtpRecord *record)
{
  engine->stored = *record;
  if (engine->config.cache_expiry > 0)
    zrtp_event (engine, ZRTP_EVENT_STORE);
}

static void
update_cache (ZrtpEngine *engine)
{
  const ZrtpExchange *exchange = engine->exchange;

  engine->previous = exchange->record;
  engine->pending = exchange->record;
  /* "only the first media stream is permitted to update rs1", §4.6.1 */
  if (!engine->is_first)
    return;
  renew_record (engine, &engine->pending);
  /* "the cache update MUST be delayed in the current session until the user verbally compares the
   * SAS", §4.6.1.1; and nothing is created for a secret that is not to be kept. */
  if (!cache_mismatch (exchange) && (engine->pending.has_rs1 || engine->pending.has_rs2))
    store (engine, &engine->pending);
}

static void
describe (ZrtpEngine *engine)
{
  const ZrtpExchange *exchange = engine->exchange;
  ZrtpSecureInfo *info = &engine->secure;

  zrtp_sas_render (exchange->choice.type[ZRTP_SAS], exchange->keys.sashash, info->sas);
  info->choice = exchange->choice;
  info->role = engine->role;
  info->cache_mismatch = cache_mismatch (exchange);
  /* Verified is what both ends remember (§7.1), and only under the secret that it was verified for. */
  info->sas_verified =
      exchange->s1_matched && exchange->record.sas_verified && exchange->peer_confirm.sas_verified;
  info->peer_disclosure = exchange->peer_confirm.disclosure;
  info->peer_mitm = engine->peer.hello.mitm;
  memcpy (info->peer_zid, engine->peer.hello.zid, sizeof info->peer_zid);
  memcpy (info->peer_client_id, engine->peer.hello.client_id, ZRTP_CLIENT_ID_SIZE);
  info->peer_client_id[ZRTP_CLIENT_ID_SIZE] = '\0';
}

void
zrtp_become_secure (ZrtpEngine *engine, uint64_t now)
{
  engine->is_first = !engine->call->secure;
  give_send_key (engine);
  update_cache (engine);
  describe (engine);
  zrtp_call_adopt (engine->call, engine->exchange->hash, &engine->exchange->keys);
  engine->counters.handshake_time = now - engine->hello_accepted_at;
  zrtp_event (engine, ZRTP_EVENT_SECURE);
  zrtp_exchange_free (engine);
  zrtp_advance (engine, ZRTP_STATE_SECURE, 0, now);
}

void
zrtp_engine_sas_verified (ZrtpEngine *engine, bool matches)
{
  /* The SAS that people compare is that of the first stream; it says nothing of another exchange. */
  if (engine->state != ZRTP_STATE_SECURE || !engine->is_first)
    return;
  if (matches) {
    /* This also ends a cache mismatch (§4.6.1.1): the user says that there is no MiTM. */
    engine->pending.sas_verified = true;
    if (engine->pending.has_rs1 && engine->pending.expiry > 0)
      store (engine, &engine->pending);
  } else {
    /* "clearing the SAS Verified flag, and erase the cached shared secret from this session", §7.1 */
    engine->previous.sas_verified = false;
    engine->pending = engine->previous;
    store (engine, &engine->previous);
  }
}
