/* A peer that begins anew on a secure stream: it was restarted, or another endpoint took its place, or
 * somebody wants to (RFC 6189 §9: nothing that is not authenticated may end the stream).
 *
 * A Hello with another hash chain, on a stream on which no good SRTP arrives any more, starts a second
 * negotiation beside the stream, by an engine of its own with a hash chain of its own: the successor. The
 * stream stays as it is until the successor's keys are confirmed, and only two things give it the
 * stream: a secret that only the same peer knows (a retained one, or the session key in Multistream
 * mode), or a Hello hash that the application set for it (§8.1). Otherwise somebody in the middle could
 * put himself into a call whose SAS was already compared.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/protocol/engine-private.h"

#include <stdlib.h>
#include <string.h>

/* How long a stream must be silent to be given up for dead, and how often anybody may make us look. A Hello
 * schedule takes 3.75 s at least (§6). */
static const uint64_t silence = 1 * UINT64_C (1000000000);
static const uint64_t successor_interval = 5 * UINT64_C (1000000000);
/* How long a successor waits for a Commit: the peer may have an exchange on another stream before. */
static const uint64_t successor_patience = 20 * UINT64_C (1000000000);

void
zrtp_end_successor (ZrtpEngine *engine)
{
  zrtp_engine_free (engine->successor);
  engine->successor = NULL;
}

static bool
begin_successor (ZrtpEngine *engine, uint64_t now)
{
  ZrtpConfig config = engine->config;

  config.offer = engine->wanted_offer; /* without the modes, which are added */
  config.ssrc = engine->wanted_ssrc;
  engine->successor_allowed_at = now + successor_interval;
  engine->successor_ends_at = now + successor_patience;
  engine->successor = zrtp_engine_new (engine->call, &config);
  if (!engine->successor)
    return false;
  /* It is no stream of the call, but waits to be one. */
  zrtp_call_remove (engine->call, engine->successor);
  engine->successor->predecessor = engine;
  zrtp_engine_start (engine->successor, now);
  return true;
}

/* True when nothing authenticated has come since a first such Hello. */
static bool
is_silent (ZrtpEngine *engine, uint64_t now)
{
  if (now < engine->successor_allowed_at)
    return false;
  if (engine->watch_due == 0 || now > engine->watch_due + successor_interval) {
    engine->watch_due = now + silence;
    zrtp_event (engine, ZRTP_EVENT_WATCH_MEDIA);
  }
  return now >= engine->watch_due;
}

/* The peer is there, with the keys of the stream: whoever said Hello is somebody else. */
void
zrtp_peer_is_alive (ZrtpEngine *engine, uint64_t now)
{
  if (engine->watch_due == 0)
    return;
  zrtp_end_successor (engine);
  engine->watch_due = 0;
  engine->successor_allowed_at = now + successor_interval;
}

ZrtpResult
zrtp_offer_to_successor (ZrtpEngine *engine, const ZrtpPacket *packet, const uint8_t *data,
    size_t size, ZrtpResult result, uint64_t now)
{
  if (engine->state != ZRTP_STATE_SECURE)
    return result;
  if (!engine->successor) {
    if (packet->type != ZRTP_MESSAGE_HELLO || !is_silent (engine, now))
      return result;
    if (!zrtp_is_announced (engine, packet->message))
      return zrtp_refuse_hello (engine);
    if (!begin_successor (engine, now))
      return result;
  }
  return zrtp_engine_handle_packet (engine->successor, data, size, now);
}

/* Nobody negotiates with it: whoever said Hello does not go on, or what is left of the Hellos was a
 * forger's, and keeps the peer's out. */
static bool
is_idle (const ZrtpEngine *successor)
{
  return successor->state == ZRTP_STATE_DISCOVERY && !successor->exchange &&
         !successor->record_wanted;
}

void
zrtp_successor_timeout (ZrtpEngine *engine, uint64_t now)
{
  if (!engine->successor)
    return;
  zrtp_engine_handle_timeout (engine->successor, now);
  if (is_idle (engine->successor) && now >= engine->successor_ends_at)
    zrtp_end_successor (engine);
}

bool
zrtp_successor_next_timeout (const ZrtpEngine *engine, uint64_t *when)
{
  const ZrtpEngine *successor = engine->successor;
  bool any = successor && zrtp_engine_next_timeout (successor, when);

  if (successor && is_idle (successor) && (!any || engine->successor_ends_at < *when)) {
    *when = engine->successor_ends_at;
    any = true;
  }
  return any;
}

/* --- Taking over ------------------------------------------------------------------------------------------ */

static bool
knows_retained_secret (const ZrtpExchange *exchange)
{
  return exchange->s1 != ZRTP_S1_NULL && !zrtp_s1_is_doubtful (exchange);
}

/* Asked when the peer's Confirm was good, before anything else happens. In Multistream mode the peer has
 * shown that it knows the session key. With a Hello hash from the application no other Hello was
 * accepted. */
bool
zrtp_may_take_over (const ZrtpEngine *successor)
{
  const ZrtpExchange *exchange = successor->exchange;
  const bool same_peer =
      zrtp_equal (successor->peer.hello.zid, successor->predecessor->peer.hello.zid, ZRTP_ZID_SIZE);

  return successor->config.has_peer_hello_hash ||
         (same_peer &&
             (exchange->mode == ZRTP_MODE_MULTISTREAM || knows_retained_secret (exchange)));
}

ZrtpResult
zrtp_refuse_restart (ZrtpEngine *successor, uint64_t now)
{
  zrtp_exchange_free (successor);
  zrtp_advance (successor, ZRTP_STATE_FAILED, 0, now);
  zrtp_event (successor, ZRTP_EVENT_RESTART_REFUSED);
  return ZRTP_REFUSED;
}

/* What goes on with the stream, whoever the peer is. */
static void
keep_stream (ZrtpEngine *engine, const ZrtpEngine *old)
{
  engine->next = old->next;
  engine->sequence = old->sequence;
  engine->successor_allowed_at = old->successor_allowed_at;
  /* It was counted here already what the successor got. */
  memcpy (engine->counters.received, old->counters.received, sizeof engine->counters.received);
  engine->counters.sent += old->counters.sent;
  engine->counters.retransmissions += old->counters.retransmissions;
}

/* Multistream mode: the call's SAS and secrets are what they were. */
static void
keep_call (ZrtpEngine *engine, const ZrtpEngine *old)
{
  engine->is_first = old->is_first;
  engine->cached = old->cached;
  engine->previous = old->previous;
  engine->pending = old->pending;
  engine->continued = old->continued;
  engine->store_delayed = old->store_delayed;
  engine->secret_erased = old->secret_erased;
  engine->sas_compared = old->sas_compared;
}

/* The successor becomes the engine that the owner holds. */
static void
take_over (ZrtpEngine *engine)
{
  ZrtpEngine *successor = engine->successor;
  const bool secure = successor->state == ZRTP_STATE_SECURE;
  ZrtpEngine old = *engine;

  *engine = *successor;
  if (engine->call->lead == successor)
    engine->call->lead = engine;
  zrtp_wipe (successor, sizeof *successor);
  free (successor);

  engine->predecessor = NULL;
  keep_stream (engine, &old);
  if (secure && engine->secure.mode == ZRTP_MODE_MULTISTREAM)
    keep_call (engine, &old);
  zrtp_wipe (&old, sizeof old);

  engine->events &=
      ~(1u << ZRTP_EVENT_NO_ANSWER | 1u << ZRTP_EVENT_BAD_HELLO_HASH |
          1u << ZRTP_EVENT_BAD_VERSION | 1u << ZRTP_EVENT_WRONG_PEER); /* of its search */
  zrtp_event (engine, ZRTP_EVENT_DROP_KEYS);
}

static void
refuse (ZrtpEngine *engine)
{
  zrtp_end_successor (engine);
  if (!engine->restart_refused)
    zrtp_event (engine, ZRTP_EVENT_RESTART_REFUSED);
  engine->restart_refused = true;
}

bool
zrtp_poll_successor (ZrtpEngine *engine, ZrtpEvent *event)
{
  ZrtpEngine *successor = engine->successor;
  const uint32_t events = successor ? successor->events : 0;
  const uint32_t keys = 1u << ZRTP_EVENT_RECEIVE_KEY | 1u << ZRTP_EVENT_SEND_KEY;

  if (events & 1u << ZRTP_EVENT_RESTART_REFUSED)
    refuse (engine);
  else if (events & (1u << ZRTP_EVENT_FAILED | 1u << ZRTP_EVENT_NO_ANSWER))
    zrtp_end_successor (engine); /* the stream goes on as it is */
  else if (events & keys)
    take_over (engine);
  else if (events & 1u << ZRTP_EVENT_LOOKUP)
    return zrtp_engine_poll_event (successor, event);
  else
    return false;
  return zrtp_engine_poll_event (engine, event);
}
