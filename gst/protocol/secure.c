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

/* A verified flag goes with the secret that it was set for: the user may have compared a SAS since, which says
 * nothing of who knows an older secret. */
bool
zrtp_s1_is_verified (const ZrtpExchange *exchange)
{
  switch (exchange->s1) {
    case ZRTP_S1_RS1:
      return exchange->record.sas_verified;
    case ZRTP_S1_RS2:
      return exchange->record.rs2_verified;
    default:
      return false;
  }
}

/* rs2, if it is not verified and rs1 is, may be another's: of a call that ran at the same time, or before somebody
 * compared. Whoever has only that does not have what the verified peer has. */
bool
zrtp_s1_is_doubtful (const ZrtpExchange *exchange)
{
  const ZrtpRecord *record = &exchange->record;

  return exchange->s1 == ZRTP_S1_RS2 && record->sas_verified && !record->rs2_verified;
}

/* §4.3.2: "rs1 exists in our local cache, but we computed a null value for s1", because "an expected shared secret" is
 * missing. That it is too where s1 is doubtful. */
static bool
cache_mismatch (const ZrtpExchange *exchange)
{
  return exchange->mode != ZRTP_MODE_MULTISTREAM && exchange->record.has_rs1 &&
         exchange->record.expiry > 0 &&
         (exchange->s1 == ZRTP_S1_NULL || zrtp_s1_is_doubtful (exchange));
}

/* --- Keys for SRTP --------------------------------------------------------------------------------- */

static void
fill_srtp_key (const ZrtpExchange *exchange, unsigned index, ZrtpSrtpKey *key)
{
  const size_t key_size = exchange->cipher->key_size;

  key->cipher = exchange->choice.type[ZRTP_CIPHER];
  key->auth_tag = exchange->choice.type[ZRTP_AUTH_TAG];
  key->size = key_size + zrtp_srtp_salt_size (key->auth_tag);
  memcpy (key->key_and_salt, exchange->keys.srtpkey[index], key_size);
  memcpy (key->key_and_salt + key_size, exchange->keys.srtpsalt[index], key->size - key_size);
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

/* V is "from the previous session" (§7.1), and worth nothing when the secret did not match. Cacheless
 * endpoints "MUST set the cache expiration interval to zero, and MUST set the SAS Verified flag to
 * false", §4.9.1. In Multistream mode it is ignored; peers that do not know that want to see the
 * true one. */
static bool
own_v_flag (const ZrtpEngine *engine)
{
  const ZrtpExchange *exchange = engine->exchange;

  if (exchange->mode == ZRTP_MODE_MULTISTREAM)
    return engine->call->v_flag;
  return engine->config.cache_expiry > 0 && zrtp_s1_is_verified (exchange);
}

/* A, §4.7.2; "(E) implies not (A)", §7.3.1. The way back is Multistream mode, so the peer must know it. */
static bool
allows_clear (const ZrtpEngine *engine)
{
  return engine->config.allow_clear && !engine->config.enroll &&
         zrtp_offer_has (&engine->peer.hello.offer, ZRTP_KEY_AGREEMENT, ZRTP_MULT);
}

static void
fill_confirm (const ZrtpEngine *engine, ZrtpConfirm *confirm)
{
  const ZrtpConfig *config = &engine->config;
  const bool multistream = engine->exchange->mode == ZRTP_MODE_MULTISTREAM;

  *confirm = (ZrtpConfirm){
      .enrollment = config->mitm && config->enroll && !multistream,
      .sas_verified = own_v_flag (engine),
      .allow_clear = allows_clear (engine),
      .disclosure = config->disclosure,
      /* "If the ZRTP exchange is Multistream mode, the field ... is set to 0xffffffff", §4.9 */
      .cache_expiry = multistream ? UINT32_MAX : config->cache_expiry,
  };
  memcpy (confirm->h0, engine->chain.h[0], sizeof confirm->h0);
}

static bool
make_confirm (ZrtpEngine *engine)
{
  ZrtpExchange *exchange = engine->exchange;
  const ZrtpConfirmKeys keys = confirm_keys (exchange, own_index (engine));
  ZrtpMessageType type =
      engine->role == ZRTP_ROLE_INITIATOR ? ZRTP_MESSAGE_CONFIRM2 : ZRTP_MESSAGE_CONFIRM1;
  uint8_t iv[ZRTP_CIPHER_BLOCK];
  ZrtpConfirm confirm;

  if (!zrtp_random (engine, iv, sizeof iv))
    return false;
  fill_confirm (engine, &confirm);
  zrtp_confirm_write (&confirm, type, &keys, iv, exchange->confirm);
  zrtp_wipe (&confirm, sizeof confirm);
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

/* H0 ends the chain (§9), and is the key of the MAC at the end of the message before (§8.1.1). Where
 * that was the Commit or the Hello, "an analogous interpolation is performed". */
static ZrtpResult
check_chain (ZrtpEngine *engine, const uint8_t h0[ZRTP_IMAGE_SIZE], uint64_t now)
{
  const ZrtpExchange *exchange = engine->exchange;
  const ZrtpHash *s256 = engine->call->s256;
  uint8_t h1[ZRTP_IMAGE_SIZE], h2[ZRTP_IMAGE_SIZE];

  if (exchange->mode == ZRTP_MODE_DH) {
    const ZrtpBytes dhpart = {exchange->peer_dhpart, exchange->peer_dhpart_size};

    if (!zrtp_image_follows (engine, h0, exchange->peer_h1))
      return ZRTP_BAD_HASH_IMAGE;
    return zrtp_message_mac_check (dhpart, s256, h0)
               ? ZRTP_ACCEPTED
               : zrtp_fail (engine, ZRTP_ERROR_CONFIRM_MAC, now);
  }
  zrtp_image (engine, (ZrtpBytes){h0, ZRTP_IMAGE_SIZE}, h1);
  if (engine->role == ZRTP_ROLE_RESPONDER) {
    const ZrtpBytes commit = {exchange->commit, exchange->commit_size};

    if (!zrtp_image_follows (engine, h1, exchange->peer_commit.h2))
      return ZRTP_BAD_HASH_IMAGE;
    return zrtp_message_mac_check (commit, s256, h1)
               ? ZRTP_ACCEPTED
               : zrtp_fail (engine, ZRTP_ERROR_CONFIRM_MAC, now);
  }
  zrtp_image (engine, ZRTP_BYTES (h1), h2);
  if (!zrtp_image_follows (engine, h2, engine->peer.hello.h3))
    return ZRTP_BAD_HASH_IMAGE;
  return zrtp_message_mac_check (zrtp_peer_hello (engine), s256, h2)
             ? ZRTP_ACCEPTED
             : zrtp_fail (engine, ZRTP_ERROR_HELLO_MISMATCH, now);
}

/* What both ends check of the other's Confirm. */
static ZrtpResult
check_confirm (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  ZrtpExchange *exchange = engine->exchange;
  const ZrtpConfirmKeys keys = confirm_keys (exchange, peer_index (engine));
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
  result = check_chain (engine, confirm.h0, now);
  if (result == ZRTP_ACCEPTED) {
    /* "If a received Confirm message has the (E) flag set, the (A) flag MUST be disregarded", §7.3.1 */
    confirm.allow_clear = confirm.allow_clear && !confirm.enrollment;
    exchange->peer_confirm = confirm;
  }
  zrtp_wipe (&confirm, sizeof confirm);
  if (result == ZRTP_ACCEPTED && engine->predecessor && !zrtp_may_take_over (engine))
    return zrtp_refuse_restart (engine, now);
  return result;
}

/* Confirm1 in Multistream mode may come from a rival, whose Hello then goes into the keys in place of the
 * peer's. */
static bool
take_rival (ZrtpEngine *engine, const ZrtpPacket *packet, unsigned index)
{
  ZrtpExchange *exchange = engine->exchange;
  const ZrtpConfirmKeys keys = confirm_keys (exchange, peer_index (engine));
  const bool rival_seen = exchange->rival_seen, hello_acked = engine->hello_acked;
  ZrtpConfirm confirm;
  bool ok;

  zrtp_swap_rival (engine, index);
  exchange->keys_ready = false;
  zrtp_derive_without_dh (engine);
  ok = zrtp_can_multistream (engine) &&
       zrtp_confirm_parse (packet->message, &keys, &confirm) == ZRTP_ACCEPTED;
  zrtp_wipe (&confirm, sizeof confirm);
  if (ok)
    return true;
  zrtp_swap_rival (engine, index); /* a forged one leaves no trace */
  exchange->rival_seen = rival_seen;
  engine->hello_acked = hello_acked;
  exchange->keys_ready = false;
  return false;
}

static bool
is_from_rival (ZrtpEngine *engine, const ZrtpPacket *packet)
{
  const ZrtpExchange *exchange = engine->exchange;

  for (unsigned i = 0; exchange->mode == ZRTP_MODE_MULTISTREAM && i < exchange->n_rivals; i++)
    if (exchange->rival[i].ssrc == packet->ssrc)
      return take_rival (engine, packet, i);
  return false;
}

/* The responder of a mode without DH answers the Commit with it. */
ZrtpResult
zrtp_on_confirm1_without_dh (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  if (engine->record_wanted || engine->exchange->mode == ZRTP_MODE_DH ||
      (packet->ssrc != engine->peer.ssrc && !is_from_rival (engine, packet)))
    return ZRTP_UNEXPECTED;
  zrtp_derive_without_dh (engine);
  return zrtp_on_confirm1 (engine, packet, now);
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
  const ZrtpExchange *exchange = engine->exchange;
  ZrtpResult result = check_confirm (engine, packet, now);
  ZrtpErrorCode error = ZRTP_ERROR_NONE;

  if (result != ZRTP_ACCEPTED)
    return result;
  if (exchange->mode != ZRTP_MODE_DH)
    error = zrtp_call_note_nonce (engine->call, exchange->peer_commit.nonce);
  if (error)
    return zrtp_fail (engine, error, now);
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
  zrtp_peer_is_alive (engine, now);
}

/* --- Secure ---------------------------------------------------------------------------------------- */

static uint32_t
minimum (uint32_t a, uint32_t b)
{
  return a < b ? a : b;
}

bool
zrtp_record_is_worth (const ZrtpRecord *record)
{
  return record->has_rs1 || record->has_rs2 || record->has_pbx;
}

/* "For DH mode only, ... each party first discards their old rs2 and copies their old rs1 to rs2", §4.6.1. That
 * is the secret which both ends have, unless s1 was rs2: then the peer does not have our old rs1, and rs2
 * stays for the case that it does not store this call's either. Secrets that did not match, and that have expired or
 * were not verified, may be another's, and are not handed down. */
static void
renew_rs2 (const ZrtpExchange *exchange, ZrtpRecord *record)
{
  const ZrtpRecord *old = &exchange->record;

  if (exchange->mode == ZRTP_MODE_PRESHARED || exchange->s1 == ZRTP_S1_RS2)
    return;
  record->has_rs2 =
      old->has_rs1 && (exchange->s1 != ZRTP_S1_NULL || (old->expiry > 0 && old->sas_verified));
  record->rs2_verified = record->has_rs2 && old->sas_verified;
  if (record->has_rs2)
    memcpy (record->rs2, old->rs1, sizeof record->rs2);
  else
    memset (record->rs2, 0, sizeof record->rs2);
}

/* The record after this call (§4.6.1, §4.9). */
static void
renew_record (const ZrtpEngine *engine, ZrtpRecord *record)
{
  const ZrtpExchange *exchange = engine->exchange;
  const bool preshared = exchange->mode == ZRTP_MODE_PRESHARED;

  *record = exchange->record;
  record->expiry = minimum (engine->config.cache_expiry, exchange->peer_confirm.cache_expiry);
  if (record->expiry == 0)
    return; /* "the newly computed shared secret SHOULD NOT be stored" */
  renew_rs2 (exchange, record);
  record->has_rs1 = true;
  memcpy (record->rs1, exchange->keys.rs1, sizeof record->rs1);
  record->sas_verified = zrtp_s1_is_verified (exchange);
  record->preshared_calls = preshared ? (uint8_t) (record->preshared_calls + 1) : 0;
}

/* An end that keeps nothing still says of what it has had that it need not be kept, §4.9. */
void
zrtp_store (ZrtpEngine *engine)
{
  if (engine->config.cache_expiry > 0 || zrtp_record_is_worth (&engine->previous))
    zrtp_event (engine, ZRTP_EVENT_STORE);
}

static void
fill_matched (const ZrtpEngine *engine, ZrtpStore *store)
{
  const ZrtpRecord *previous = &engine->previous;

  store->has_matched = engine->continued != ZRTP_S1_NULL;
  if (store->has_matched)
    memcpy (store->matched, engine->continued == ZRTP_S1_RS1 ? previous->rs1 : previous->rs2,
        sizeof store->matched);
}

void
zrtp_take_store (ZrtpEngine *engine, ZrtpStore *store)
{
  memset (store, 0, sizeof *store);
  store->before = engine->cached;
  store->erase = engine->secret_erased;
  store->compared = engine->sas_compared;
  store->choice = engine->call->choice;
  store->after = engine->store_delayed ? engine->previous : engine->pending;
  fill_matched (engine, store);
  engine->cached = store->after;
  engine->continued = ZRTP_S1_NULL;
  engine->sas_compared = false;
}

static void
update_cache (ZrtpEngine *engine)
{
  const ZrtpExchange *exchange = engine->exchange;

  engine->secret_erased = engine->sas_compared = false;
  engine->cached = engine->previous = exchange->record;
  renew_record (engine, &engine->pending);
  engine->continued = exchange->s1;
  /* "the cache update MUST be delayed in the current session until the user verbally compares the
   * SAS", §4.6.1.1, unless the signalling vouches for the exchange; and nothing is created for a secret
   * that is not to be kept. */
  engine->store_delayed = cache_mismatch (exchange) && !zrtp_is_signalled (engine);
  if (!engine->store_delayed && zrtp_record_is_worth (&engine->pending))
    zrtp_store (engine);
  /* "The PBX calculates and stores the trusted MiTM shared secret", §7.3.1 */
  if (engine->config.mitm && engine->config.enroll)
    zrtp_keep_pbxsecret (engine);
}

static void
describe_peer (ZrtpEngine *engine)
{
  const ZrtpConfirm *confirm = &engine->exchange->peer_confirm;
  const ZrtpHello *hello = &engine->peer.hello;
  ZrtpSecureInfo *info = &engine->secure;

  info->peer_disclosure = confirm->disclosure;
  info->peer_allows_clear = confirm->allow_clear;
  info->peer_signature = confirm->signature_type;
  info->peer_signature_capable = hello->signature_capable;
  info->peer_mitm = hello->mitm;
  memcpy (info->peer_zid, hello->zid, sizeof info->peer_zid);
  memcpy (info->peer_client_id, hello->client_id, ZRTP_CLIENT_ID_SIZE);
  info->peer_client_id[ZRTP_CLIENT_ID_SIZE] = '\0';
}

static void
describe (ZrtpEngine *engine)
{
  const ZrtpExchange *exchange = engine->exchange;
  const ZrtpCall *call = engine->call;
  const bool multistream = exchange->mode == ZRTP_MODE_MULTISTREAM;
  ZrtpSecureInfo *info = &engine->secure;

  info->choice = exchange->choice;
  info->mode = exchange->mode;
  info->role = engine->role;
  info->signalling = zrtp_is_signalled (engine);
  info->cache_mismatch = cache_mismatch (exchange);
  info->aux_mismatch = !multistream && exchange->has_aux && !exchange->aux_matched;
  info->enrolled = multistream ? call->enrolled : exchange->pbx_matched;
  info->s1 = multistream ? call->s1 : exchange->s1;
  describe_peer (engine);
  if (multistream) {
    info->choice.type[ZRTP_SAS] = call->choice.type[ZRTP_SAS]; /* that of the Commit is ignored */
    memcpy (info->sas, call->sas, sizeof info->sas);
    info->sas_verified = call->sas_verified;
    return;
  }
  zrtp_sas_render (exchange->choice.type[ZRTP_SAS], exchange->keys.sashash, info->sas);
  /* Verified is what both ends remember (§7.1), and only under the secret that it was verified for. */
  info->sas_verified = zrtp_s1_is_verified (exchange) && exchange->peer_confirm.sas_verified;
}

/* For the messages of a secure stream. */
static void
keep_keys (ZrtpEngine *engine)
{
  const ZrtpExchange *exchange = engine->exchange;
  const unsigned from[2] = {own_index (engine), peer_index (engine)};
  const bool offered = exchange->peer_confirm.enrollment;
  ZrtpSecureKeys *kept = &engine->kept;

  zrtp_wipe (kept, sizeof *kept);
  kept->accepts_clear = allows_clear (engine) && !offered;
  kept->may_clear = kept->accepts_clear && exchange->peer_confirm.allow_clear;
  kept->has_relay_keys = engine->config.mitm || engine->peer.hello.mitm;
  kept->hash = exchange->hash;
  kept->cipher = exchange->cipher;
  for (unsigned i = 0; i < 2; i++) {
    zrtp_clear_mac (exchange->hash, exchange->keys.mackey[from[i]], kept->clear_mac[i]);
    if (!kept->has_relay_keys)
      continue;
    memcpy (kept->mackey[i], exchange->keys.mackey[from[i]], sizeof kept->mackey[i]);
    memcpy (kept->zrtpkey[i], exchange->keys.zrtpkey[from[i]], sizeof kept->zrtpkey[i]);
  }
}

/* "only the first media stream is permitted" to make ZRTPSess, SAS and ExportedKey (§4.5.2), and to
 * update rs1 (§4.6.1). */
static void
become_first (ZrtpEngine *engine)
{
  ZrtpCall *call = engine->call;

  for (ZrtpEngine *other = call->engines; other; other = other->next)
    other->is_first = false;
  engine->is_first = true;
  call->secure = false; /* a peer that was restarted has a new session key */
  call->v_flag = own_v_flag (engine);
  call->sas_verified = engine->secure.sas_verified;
  call->enrolled = engine->exchange->pbx_matched;
  call->s1 = engine->exchange->s1;
  call->enrollment_offered = engine->exchange->peer_confirm.enrollment && engine->peer.hello.mitm;
  zrtp_call_adopt (call, engine, engine->exchange->hash, &engine->exchange->keys);
  update_cache (engine);
}

void
zrtp_become_secure (ZrtpEngine *engine, uint64_t now)
{
  give_send_key (engine);
  describe (engine);
  /* Nothing else than Multistream is let happen on a further stream: zrtp_fits_call(). What is not, makes
   * the session key, or, with a peer that was restarted, a new one. */
  engine->secure.first = engine->exchange->mode != ZRTP_MODE_MULTISTREAM;
  if (engine->secure.first)
    become_first (engine);
  keep_keys (engine);
  engine->resume_state = ZRTP_STATE_IDLE;
  engine->hello_acked = true;
  engine->goclear_seen = false;
  engine->counters.handshake_time = now - engine->hello_accepted_at;
  zrtp_event (engine, ZRTP_EVENT_SECURE);
  if (engine->secure.first && engine->call->enrollment_offered &&
      engine->config.accept_enrollment && engine->config.cache_expiry > 0)
    zrtp_event (engine, ZRTP_EVENT_ENROLLMENT);
  zrtp_exchange_free (engine);
  zrtp_advance (engine, ZRTP_STATE_SECURE, 0, now);
}

static void
sas_matches (ZrtpEngine *engine)
{
  const bool pbx_waits =
      engine->store_delayed && !zrtp_same_pbxsecret (&engine->pending, &engine->previous);

  if (engine->secret_erased)
    return; /* there is nothing left that it could be said of: the old secret may be another's */
  /* This also ends a cache mismatch (§4.6.1.1): the user says that there is no MiTM. */
  engine->store_delayed = false;
  if (engine->pending.expiry > 0)
    engine->pending.sas_verified = engine->sas_compared = true;
  else if (!pbx_waits)
    return; /* its secret is not kept, and that of an earlier call is not the one compared */
  zrtp_store (engine);
}

/* "clearing the SAS Verified flag, and erase the cached shared secret from this session", §7.1; and pbxsecret, if this
 * call has brought it. */
static void
sas_differs (ZrtpEngine *engine)
{
  engine->previous.sas_verified = engine->previous.rs2_verified = false;
  engine->pending = engine->previous;
  engine->continued = ZRTP_S1_NULL;
  engine->call->enrollment_offered = false; /* nobody is enrolled with who is not the PBX */
  engine->secret_erased = true;
  engine->sas_compared = false;
  zrtp_store (engine);
}

void
zrtp_engine_sas_verified (ZrtpEngine *engine, bool matches)
{
  /* The SAS that people compare is that of the first stream; it says nothing of another exchange. */
  if (engine->state != ZRTP_STATE_SECURE || !engine->is_first)
    return;
  engine->call->sas_verified = matches;
  if (matches)
    sas_matches (engine);
  else
    sas_differs (engine);
}
