/* PBX: SASrelay, RelayACK, enrolment (RFC 6189 §7.3, §7.3.1, §5.13, §5.14); and Errors of a stream that
 * stays secure.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/protocol/engine-private.h"
#include "gst/protocol/sas.h"

#include <string.h>

static ZrtpConfirmKeys
relay_keys (const ZrtpSecureKeys *kept, unsigned whose)
{
  return (ZrtpConfirmKeys){kept->hash, kept->cipher, kept->mackey[whose], kept->zrtpkey[whose]};
}

static void
repeat (ZrtpEngine *engine, uint32_t message, uint64_t now)
{
  engine->relay_message = message;
  zrtp_timer_start (&engine->message_timer, &zrtp_t2, now);
  zrtp_send (engine, message);
}

/* --- Errors ---------------------------------------------------------------------------------------------- */

ZrtpResult
zrtp_complain (ZrtpEngine *engine, ZrtpErrorCode code, uint64_t now)
{
  engine->error_code = code;
  repeat (engine, ZRTP_OUT_ERROR, now);
  return ZRTP_REFUSED;
}

ZrtpResult
zrtp_on_late_errorack (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  if (packet->ssrc != engine->peer.ssrc || engine->relay_message != ZRTP_OUT_ERROR ||
      !engine->message_timer.armed)
    return ZRTP_UNEXPECTED;
  zrtp_timer_stop (&engine->message_timer);
  return ZRTP_ACCEPTED;
}

/* --- The PBX ------------------------------------------------------------------------------------------------ */

bool
zrtp_engine_relay_sas (ZrtpEngine *engine, ZrtpType sas_type, const uint8_t *sashash,
    bool sas_verified, bool disclosure, uint64_t now)
{
  const ZrtpSecureKeys *kept = &engine->kept;
  const ZrtpConfirmKeys keys = relay_keys (kept, 0);
  ZrtpSasRelay relay = {
      .sas_verified = sas_verified, .disclosure = disclosure, .sas_type = sas_type};
  uint8_t iv[ZRTP_CIPHER_BLOCK];

  /* "it MUST have previously declared itself as a MiTM device", §5.13; "If the PBX has a shared trusted
   * MiTM key with neither endpoint, the PBX MUST NOT relay the SAS", §7.3 */
  if (engine->state != ZRTP_STATE_SECURE || !engine->is_first || !engine->config.mitm ||
      !kept->has_relay_keys || (sashash && !engine->call->enrolled) ||
      !zrtp_random (engine, iv, sizeof iv))
    return false;
  if (sashash)
    memcpy (relay.sashash, sashash, sizeof relay.sashash);
  zrtp_sasrelay_write (&relay, &keys, iv, engine->sasrelay);
  repeat (engine, ZRTP_OUT_SASRELAY, now);
  return true;
}

ZrtpResult
zrtp_on_relayack (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  if (packet->ssrc != engine->peer.ssrc || engine->relay_message != ZRTP_OUT_SASRELAY ||
      !engine->message_timer.armed)
    return ZRTP_UNEXPECTED;
  zrtp_timer_stop (&engine->message_timer);
  return ZRTP_ACCEPTED;
}

/* --- The phone ------------------------------------------------------------------------------------------------ */

static bool
is_null (const uint8_t sashash[ZRTP_SASHASH_SIZE])
{
  static const uint8_t zeros[ZRTP_SASHASH_SIZE];

  return zrtp_equal (sashash, zeros, sizeof zeros);
}

static bool
can_render (ZrtpType sas_type)
{
  return sas_type == ZRTP_B32 || sas_type == ZRTP_B256;
}

static void
show (ZrtpEngine *engine, const ZrtpSasRelay *relay)
{
  const bool relayed = !is_null (relay->sashash);
  ZrtpRelayedSas *shown = &engine->relayed_sas;

  if (!can_render (relay->sas_type))
    return;
  *shown = (ZrtpRelayedSas){
      .sas_type = relay->sas_type,
      .relayed = relayed,
      .sas_verified = relay->sas_verified,
      .disclosure = relay->disclosure,
  };
  /* A null one: "will use the specified SAS rendering scheme", §7.3 */
  zrtp_sas_render (relay->sas_type, relayed ? relay->sashash : engine->call->sashash, shown->sas);
  zrtp_event (engine, ZRTP_EVENT_RELAYED_SAS);
}

ZrtpResult
zrtp_on_sasrelay (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  const ZrtpSecureKeys *kept = &engine->kept;
  const ZrtpConfirmKeys keys = relay_keys (kept, 1);
  const uint8_t *tag = packet->message.data + ZRTP_FRAME_SIZE;
  ZrtpSasRelay relay;
  ZrtpResult result;

  if (packet->ssrc != engine->peer.ssrc || !engine->is_first)
    return ZRTP_UNEXPECTED;
  /* "the Relayed SAS SHOULD NOT be rendered. A RelayACK is still sent, but no Error message is sent.",
   * §5.13. There are no keys to read it with either. */
  if (!engine->peer.hello.mitm) {
    zrtp_send (engine, ZRTP_OUT_RELAYACK);
    return ZRTP_UNEXPECTED;
  }
  result =
      kept->has_relay_keys ? zrtp_sasrelay_parse (packet->message, &keys, &relay) : ZRTP_UNEXPECTED;
  if (result != ZRTP_ACCEPTED)
    return result;
  /* "The receiver absolutely MUST NOT render the relayed SAS if it does not come from a specially
   * trusted ZRTP endpoint", §7.3 */
  if (!engine->call->enrolled && !is_null (relay.sashash)) {
    if (!engine->untrusted_relay_reported)
      zrtp_event (engine, ZRTP_EVENT_UNTRUSTED_RELAY);
    engine->untrusted_relay_reported = true;
    return zrtp_complain (engine, ZRTP_ERROR_UNTRUSTED_RELAY, now);
  }
  zrtp_send (engine, ZRTP_OUT_RELAYACK);
  if (zrtp_equal (tag, engine->last_relay, sizeof engine->last_relay))
    return ZRTP_REPEATED;
  memcpy (engine->last_relay, tag, sizeof engine->last_relay);
  show (engine, &relay);
  return ZRTP_ACCEPTED;
}

/* --- Enrolment ------------------------------------------------------------------------------------------------ */

bool
zrtp_same_pbxsecret (const ZrtpRecord *a, const ZrtpRecord *b)
{
  return a->has_pbx == b->has_pbx && (!a->has_pbx || zrtp_equal (a->pbx, b->pbx, sizeof a->pbx));
}

/* What is not to be stored before the user has compared the SAS (§4.6.1.1) is stored then. */
static void
store_unless_delayed (ZrtpEngine *engine)
{
  if (!engine->store_delayed)
    zrtp_store (engine);
}

void
zrtp_keep_pbxsecret (ZrtpEngine *engine)
{
  /* `previous`, for the case that the SAS does not match, stays without it. */
  zrtp_call_pbxsecret (engine->call, engine->pending.pbx);
  engine->pending.has_pbx = true;
  store_unless_delayed (engine);
}

/* The user thinks better of it: as it was before the call. */
static void
take_back_pbxsecret (ZrtpEngine *engine)
{
  ZrtpRecord *pending = &engine->pending;

  if (zrtp_same_pbxsecret (pending, &engine->previous))
    return;
  pending->has_pbx = engine->previous.has_pbx;
  memcpy (pending->pbx, engine->previous.pbx, sizeof pending->pbx);
  store_unless_delayed (engine);
}

bool
zrtp_engine_accept_enrollment (ZrtpEngine *engine, bool accept)
{
  if (engine->state != ZRTP_STATE_SECURE || !engine->is_first ||
      !engine->call->enrollment_offered || !engine->config.accept_enrollment ||
      engine->config.cache_expiry == 0)
    return false;
  /* "An endpoint MUST NOT store the pbxsecret in the cache without explicit user authorization." */
  if (accept)
    zrtp_keep_pbxsecret (engine);
  else
    take_back_pbxsecret (engine);
  return true;
}
