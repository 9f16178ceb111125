/* Clear mode: GoClear, ClearACK (RFC 6189 §4.7.2, §5.11, §5.12).
 *
 * It is for all streams of a call: "This must be done for the key material for all of the media
 * streams", §4.7.2.1. One GoClear says so for all, on the stream that has the call's SAS; a peer may
 * send one on each, and each replaces ZRTPSess once more. The keys of SRTP go when a GoClear is sent or
 * has come: nothing is protected with them after that, at either end.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/protocol/engine-private.h"

/* "(e.g., every 5 seconds) while waiting for confirmation from the user" */
static const uint64_t clearack_interval = 5 * UINT64_C (1000000000);

static void
tell (ZrtpEngine *engine, bool by_peer, bool waiting)
{
  engine->clear_by_peer = by_peer;
  engine->clear_waiting = waiting;
  zrtp_event (engine, ZRTP_EVENT_CLEAR);
}

static bool
has_keys (const ZrtpEngine *engine)
{
  return engine->state == ZRTP_STATE_SECURE;
}

/* A stream that is about to have keys: they would come from the ZRTPSess that goes. */
static bool
is_joining (const ZrtpEngine *engine)
{
  return engine->exchange && engine->exchange->mode == ZRTP_MODE_MULTISTREAM &&
         engine->state >= ZRTP_STATE_COMMIT_SENT && engine->state <= ZRTP_STATE_CONFIRM2_SENT;
}

/* "All SRTP session key material MUST be erased", §4.7.2.1; what stays are the clear_macs, by which a
 * repeated GoClear is known. */
static void
drop_keys (ZrtpEngine *engine, ZrtpState state, uint32_t message, uint64_t now)
{
  ZrtpSecureKeys *kept = &engine->kept;

  zrtp_end_successor (engine);
  zrtp_exchange_free (engine);
  engine->clear_ssrc = engine->peer.ssrc;
  zrtp_wipe (&engine->receive_key, sizeof engine->receive_key);
  zrtp_wipe (&engine->send_key, sizeof engine->send_key);
  zrtp_wipe (kept->mackey, sizeof kept->mackey);
  zrtp_wipe (kept->zrtpkey, sizeof kept->zrtpkey);
  engine->resume_state = ZRTP_STATE_IDLE;
  engine->events &= ~(1u << ZRTP_EVENT_RECEIVE_KEY | 1u << ZRTP_EVENT_SEND_KEY);
  zrtp_event (engine, ZRTP_EVENT_DROP_KEYS);
  zrtp_advance (engine, state, message, now);
}

/* --- Our user wants it ------------------------------------------------------------------------------- */

/* The secure stream that speaks for the call: the first one, if it is secure. */
static ZrtpEngine *
speaker (ZrtpCall *call)
{
  ZrtpEngine *found = NULL;

  for (ZrtpEngine *engine = call->engines; engine; engine = engine->next)
    if (has_keys (engine) && engine->kept.may_clear && (!found || engine->is_first))
      found = engine;
  return found;
}

bool
zrtp_call_may_go_clear (ZrtpCall *call)
{
  return speaker (call) != NULL;
}

bool
zrtp_call_is_clear (const ZrtpCall *call)
{
  for (const ZrtpEngine *engine = call->engines; engine; engine = engine->next)
    if (engine->state == ZRTP_STATE_CLEAR || engine->state == ZRTP_STATE_CLEAR_WAITING ||
        engine->resume_state)
      return true;
  return false;
}

bool
zrtp_is_going_clear (const ZrtpCall *call)
{
  for (const ZrtpEngine *engine = call->engines; engine; engine = engine->next)
    if (engine->state == ZRTP_STATE_GOCLEAR_SENT)
      return true;
  return false;
}

bool
zrtp_call_go_clear (ZrtpCall *call, uint64_t now)
{
  ZrtpEngine *speaks = speaker (call);

  if (!speaks)
    return false;
  for (ZrtpEngine *engine = call->engines; engine; engine = engine->next) {
    if (!has_keys (engine) && !is_joining (engine))
      continue;
    engine->stirred = true;
    drop_keys (engine, ZRTP_STATE_GOCLEAR_SENT, engine == speaks ? ZRTP_OUT_GOCLEAR : 0, now);
    if (engine != speaks)
      zrtp_timer_stop (&engine->message_timer);
  }
  return true;
}

/* The peer knows: "may then resume sending RTP packets". */
static void
all_clear (ZrtpCall *call, uint64_t now)
{
  for (ZrtpEngine *engine = call->engines; engine; engine = engine->next) {
    engine->stirred |= zrtp_is_waiting (engine);
    if (engine->state == ZRTP_STATE_GOCLEAR_SENT) {
      engine->stirred = true;
      zrtp_advance (engine, ZRTP_STATE_CLEAR, 0, now);
      tell (engine, false, false);
    }
  }
}

ZrtpResult
zrtp_on_clearack (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  /* No MAC protects it; all it can do is what our own user asked for. */
  if (packet->ssrc != engine->peer.ssrc || !engine->message_timer.armed)
    return ZRTP_UNEXPECTED;
  zrtp_call_replace_zrtpsess (engine->call);
  all_clear (engine->call, now);
  return ZRTP_ACCEPTED;
}

/* "In the event a ClearACK is not received before the retransmissions of GoClear are exhausted, the key
 * material is deleted" */
void
zrtp_clear_unanswered (ZrtpEngine *engine, uint64_t now)
{
  zrtp_call_replace_zrtpsess (engine->call);
  all_clear (engine->call, now);
  zrtp_event (engine, ZRTP_EVENT_NO_ANSWER);
}

/* Another one that is on its way to clear mode speaks, as soon as it is driven. */
static bool
hand_over (ZrtpEngine *engine)
{
  ZrtpEngine *heir = engine->call->engines;

  while (heir && (heir == engine || heir->state != ZRTP_STATE_GOCLEAR_SENT))
    heir = heir->next;
  if (heir)
    heir->stirred = heir->must_speak = true;
  return heir != NULL;
}

void
zrtp_speak_on (ZrtpEngine *engine, uint64_t now)
{
  if (engine->must_speak && engine->state == ZRTP_STATE_GOCLEAR_SENT)
    zrtp_advance (engine, ZRTP_STATE_GOCLEAR_SENT, ZRTP_OUT_GOCLEAR, now);
  engine->must_speak = false;
}

/* The stream that speaks for the others ends before its GoClear is acknowledged, or even sent. */
void
zrtp_clear_abandoned (ZrtpEngine *engine)
{
  if (engine->state != ZRTP_STATE_GOCLEAR_SENT ||
      (!engine->message_timer.armed && !engine->must_speak))
    return;
  if ((engine->must_speak ||
          (engine->outbox & ZRTP_OUT_GOCLEAR && engine->message_timer.sent == 0)) &&
      hand_over (engine))
    return;
  zrtp_call_replace_zrtpsess (engine->call);
  all_clear (engine->call, 0);
}

/* --- The peer wants it --------------------------------------------------------------------------------- */

static void
acknowledge (ZrtpEngine *engine, uint64_t now)
{
  zrtp_send (engine, ZRTP_OUT_CLEARACK);
  engine->clearack_due = engine->state == ZRTP_STATE_CLEAR_WAITING ? now + clearack_interval : 0;
}

/* A Commit of our own user is later than the GoClear that crossed it, and stays; its keys come from the
 * new ZRTPSess. */
static bool
outlives_goclear (const ZrtpEngine *engine)
{
  return engine->securing && engine->state == ZRTP_STATE_COMMIT_SENT;
}

static void
all_wait (ZrtpCall *call, uint64_t now)
{
  for (ZrtpEngine *engine = call->engines; engine; engine = engine->next) {
    if (!has_keys (engine) && !is_joining (engine))
      continue;
    if (outlives_goclear (engine)) {
      engine->exchange->keys_ready = false;
      continue;
    }
    engine->stirred = true;
    drop_keys (engine, ZRTP_STATE_CLEAR_WAITING, 0, now);
    tell (engine, true, true);
  }
}

ZrtpResult
zrtp_on_goclear (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  if (engine->state < ZRTP_STATE_SECURE && !engine->resume_state)
    return ZRTP_UNEXPECTED; /* there never was a key for one */
  /* First of all: "If a GoClear message is received with a bad MAC, ClearACK MUST NOT be sent and the
   * GoClear MUST NOT be acted on" */
  if (!zrtp_equal (zrtp_goclear_parse (packet->message), engine->kept.clear_mac[1], ZRTP_MAC_SIZE))
    return ZRTP_BAD_MAC;
  if (engine->goclear_seen) {
    acknowledge (engine, now);
    return ZRTP_REPEATED;
  }
  if (!engine->kept.accepts_clear)
    return has_keys (engine) ? zrtp_complain (engine, ZRTP_ERROR_GOCLEAR, now) : ZRTP_UNEXPECTED;
  engine->goclear_seen = true;
  zrtp_call_replace_zrtpsess (engine->call);
  all_wait (engine->call, now);
  acknowledge (engine, now);
  return ZRTP_ACCEPTED;
}

void
zrtp_repeat_clearack (ZrtpEngine *engine, uint64_t now)
{
  if (engine->clearack_due == 0 || now < engine->clearack_due)
    return;
  acknowledge (engine, now);
}

void
zrtp_call_accept_clear (ZrtpCall *call, bool accept, uint64_t now)
{
  if (!accept) {
    zrtp_call_go_secure (call, now);
    return;
  }
  for (ZrtpEngine *engine = call->engines; engine; engine = engine->next) {
    if (engine->resume_state == ZRTP_STATE_CLEAR_WAITING)
      engine->resume_state = ZRTP_STATE_CLEAR; /* in case the peer's exchange leads nowhere */
    if (engine->state == ZRTP_STATE_CLEAR_WAITING) {
      engine->stirred = true;
      zrtp_advance (engine, ZRTP_STATE_CLEAR, 0, now);
      tell (engine, true, false);
    }
  }
}

/* --- And back ----------------------------------------------------------------------------------------------- */

bool
zrtp_call_go_secure (ZrtpCall *call, uint64_t now)
{
  bool any = false;

  for (ZrtpEngine *engine = call->engines; engine; engine = engine->next) {
    if (engine->resume_state) /* the peer was first: one and the same exchange */
      any = engine->securing = true;
    if (engine->state == ZRTP_STATE_CLEAR || engine->state == ZRTP_STATE_CLEAR_WAITING) {
      any = engine->stirred = engine->securing = true;
      engine->resume_state = engine->state;
      engine->hello_accepted_at = now;
      zrtp_commit_multistream (engine, now);
      zrtp_introduce (engine, now);
    }
  }
  return any;
}

/* In clear mode anybody can begin an exchange that leads nowhere, because the hash chain is known (§9). It
 * must not end the call. But when our own user wants to be secure, and that fails, whichever end's Commit
 * it was by, there is no clear media behind his back. */
bool
zrtp_return_to_clear (ZrtpEngine *engine, uint64_t now)
{
  const ZrtpState state = engine->resume_state;

  if (!state || engine->securing)
    return false;
  zrtp_exchange_free (engine);
  engine->resume_state = ZRTP_STATE_IDLE;
  engine->peer.ssrc = engine->clear_ssrc; /* the Commit may have been forged */
  zrtp_advance (engine, state, 0, now);
  if (state == ZRTP_STATE_CLEAR && engine->clear_waiting) /* he agreed meanwhile */
    tell (engine, true, false);
  if (state == ZRTP_STATE_CLEAR_WAITING && engine->goclear_seen)
    engine->clearack_due = now + clearack_interval;
  return true;
}
