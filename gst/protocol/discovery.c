/* Discovery: Hello, HelloACK, Ping (RFC 6189 §4.1, §5.2, §5.3, §5.15).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/protocol/engine-private.h"

#include <string.h>

static const uint8_t own_version[3] = {'1', '.', '1'};

static void
send_hellos (ZrtpEngine *engine, const ZrtpSchedule *schedule, uint64_t now)
{
  zrtp_timer_start (&engine->hello_timer, schedule, now);
  zrtp_send (engine, ZRTP_OUT_HELLO);
}

/* Into an exchange whose peer has perhaps never seen our Hello. */
void
zrtp_introduce (ZrtpEngine *engine, uint64_t now)
{
  if (!engine->hello_acked)
    send_hellos (engine, &zrtp_t1_extended, now);
}

void
zrtp_engine_start (ZrtpEngine *engine, uint64_t now)
{
  if (engine->state != ZRTP_STATE_IDLE)
    return;
  engine->state = ZRTP_STATE_DISCOVERY;
  /* A hash in the signalling is evidence of a ZRTP endpoint, §6. */
  send_hellos (engine, engine->config.has_peer_hello_hash ? &zrtp_t1_extended : &zrtp_t1, now);
}

bool
zrtp_engine_retry (ZrtpEngine *engine, uint64_t now)
{
  if ((engine->state != ZRTP_STATE_ERROR_SENT && engine->state != ZRTP_STATE_FAILED) ||
      engine->chain_used)
    return false;
  zrtp_forget_peer (engine, now);
  engine->state = ZRTP_STATE_IDLE;
  engine->discovery_error = ZRTP_ERROR_NONE;
  engine->answer_missed = false;
  zrtp_engine_start (engine, now);
  return true;
}

/* The peer showed itself after our Hellos had gone unanswered: "a callee may pick up a minute
 * later". */
static bool
resume_discovery (ZrtpEngine *engine, uint64_t now)
{
  if (engine->state != ZRTP_STATE_DISCOVERY || !engine->answer_missed || engine->hello_acked)
    return false;
  engine->answer_missed = false;
  send_hellos (engine, &zrtp_t1, now);
  return true;
}

void
zrtp_engine_media_received (ZrtpEngine *engine, uint64_t now)
{
  /* Once: a peer without ZRTP must not make us send Hellos for ever. */
  if (!engine->media_seen)
    engine->media_seen = resume_discovery (engine, now);
}

/* --- Hello ----------------------------------------------------------------------------------------- */

static bool
same_message (const ZrtpPeer *peer, const ZrtpPacket *packet)
{
  return zrtp_same (packet->message, peer->message, peer->message_size);
}

/* §8.1: "detect and reject false Hello messages" */
bool
zrtp_is_announced (const ZrtpEngine *engine, ZrtpBytes message)
{
  uint8_t hash[ZRTP_HELLO_HASH_SIZE];

  if (!engine->config.has_peer_hello_hash)
    return true;
  zrtp_image (engine, message, hash);
  return zrtp_equal (hash, engine->config.peer_hello_hash, sizeof hash);
}

bool
zrtp_is_signalled (const ZrtpEngine *engine)
{
  return engine->config.signalling_integrity && engine->config.has_peer_hello_hash &&
         zrtp_is_announced (engine, zrtp_peer_hello (engine));
}

static void
report_hello_hash (ZrtpEngine *engine)
{
  if (!engine->hello_hash_reported)
    zrtp_event (engine, ZRTP_EVENT_BAD_HELLO_HASH);
  engine->hello_hash_reported = true;
}

ZrtpResult
zrtp_refuse_hello (ZrtpEngine *engine)
{
  report_hello_hash (engine);
  return ZRTP_BAD_HELLO_HASH;
}

static void
report_version (ZrtpEngine *engine)
{
  if (!engine->version_reported)
    zrtp_event (engine, ZRTP_EVENT_BAD_VERSION);
  engine->version_reported = true;
}

static void
report_wrong_peer (ZrtpEngine *engine)
{
  if (!engine->wrong_peer_reported)
    zrtp_event (engine, ZRTP_EVENT_WRONG_PEER);
  engine->wrong_peer_reported = true;
}

/* The call has become one with somebody else while this stream waited. */
void
zrtp_refuse_peer (ZrtpEngine *engine, uint64_t now)
{
  report_wrong_peer (engine);
  zrtp_forget_peer (engine, now);
  resume_discovery (engine, now);
}

/* A Hello that the RFC answers with an Error. It may be forged, so discovery goes on; the Error is sent
 * when the Hello schedule is spent and no better Hello has come. */
static ZrtpResult
note_error (ZrtpEngine *engine, const ZrtpPacket *packet, ZrtpErrorCode code, uint64_t now)
{
  if (engine->state != ZRTP_STATE_DISCOVERY)
    return ZRTP_UNEXPECTED;
  engine->discovery_error = code;
  engine->peer.ssrc = packet->ssrc;
  if (code == ZRTP_ERROR_VERSION)
    report_version (engine);
  resume_discovery (engine, now);
  return ZRTP_REFUSED;
}

static ZrtpResult
judge_hello (ZrtpEngine *engine, const ZrtpPacket *packet, ZrtpHello *hello, uint64_t now)
{
  int order;

  if (!zrtp_hello_parse (packet->message, hello))
    return ZRTP_BAD_CONTENT;
  if (!zrtp_is_announced (engine, packet->message))
    return zrtp_refuse_hello (engine);

  /* "A HelloACK is sent regardless if the version number in the Hello is supported or the
   * algorithm list supported", §5.3. */
  zrtp_send (engine, ZRTP_OUT_HELLOACK);
  /* "MUST include only the first three octets of the version field in the comparison", §4.1.1 */
  order = memcmp (hello->version, own_version, sizeof own_version);
  if (order > 0)
    return ZRTP_UNEXPECTED; /* "higher ... MUST be ignored"; the peer will come down to ours */
  if (order < 0)
    return note_error (engine, packet, ZRTP_ERROR_VERSION, now);
  if (zrtp_equal (hello->zid, engine->call->zid, ZRTP_ZID_SIZE))
    return note_error (engine, packet, ZRTP_ERROR_EQUAL_ZID, now);
  if (packet->ssrc == engine->config.ssrc) /* §4.1 */
    return note_error (engine, packet, ZRTP_ERROR_SSRC, now);
  if (!zrtp_fits_call (engine, hello)) {
    report_wrong_peer (engine);
    return ZRTP_UNEXPECTED;
  }
  return ZRTP_ACCEPTED;
}

static ZrtpPeer
make_peer (const ZrtpPacket *packet, const ZrtpHello *hello)
{
  ZrtpPeer peer = {.ssrc = packet->ssrc, .hello = *hello, .message_size = packet->message.size};

  memcpy (peer.message, packet->message.data, packet->message.size);
  return peer;
}

static ZrtpResult
acknowledge_again (ZrtpEngine *engine)
{
  zrtp_send (engine, ZRTP_OUT_HELLOACK);
  return ZRTP_REPEATED;
}

void
zrtp_want_record (ZrtpEngine *engine)
{
  engine->record_wanted = true;
  zrtp_timer_stop (&engine->message_timer);
  zrtp_event (engine, ZRTP_EVENT_LOOKUP);
}

ZrtpResult
zrtp_on_hello (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  ZrtpHello hello;
  ZrtpResult result;

  /* Until its record has come, or it is our turn. What a successor waits for may have been a forger, and the
   * one who comes now the peer. */
  if (engine->peer_known &&
      (!engine->predecessor || !zrtp_is_waiting (engine) || same_message (&engine->peer, packet)))
    return zrtp_on_hello_again (engine, packet, now);
  result = judge_hello (engine, packet, &hello, now);
  if (result != ZRTP_ACCEPTED)
    return result;

  if (engine->peer_known) /* somebody else acknowledged our Hello */
    engine->hello_acked = false;
  if (!engine->hello_timer.armed &&
      !(engine->hello_acked && engine->hello_acked_by == packet->ssrc))
    engine->answer_missed = true; /* this peer has not seen our Hello */
  resume_discovery (engine, now);
  zrtp_timer_extend (&engine->hello_timer, &zrtp_t1_extended);
  /* The peer has just appeared, so the Hellos that went out before did not reach it, and our Commit is
   * worth nothing without one. */
  if (engine->hello_timer.armed && engine->hello_timer.sent > 0)
    zrtp_send (engine, ZRTP_OUT_HELLO);

  engine->peer_known = true;
  engine->discovery_error = ZRTP_ERROR_NONE;
  engine->peer = make_peer (packet, &hello);
  engine->hello_accepted_at = now;
  zrtp_proceed (engine, now);
  return ZRTP_ACCEPTED;
}

/* The Hello that the running exchange is bound to, again: our HelloACK was lost. Any other Hello
 * does not disturb the exchange (§9: "the protocol SHOULD be allowed to run to completion"). */
ZrtpResult
zrtp_on_hello_again (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  return same_message (&engine->peer, packet) ? acknowledge_again (engine) : ZRTP_UNEXPECTED;
}

ZrtpResult
zrtp_on_helloack (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  if (engine->peer_known && packet->ssrc != engine->peer.ssrc)
    return ZRTP_UNEXPECTED;
  engine->hello_acked_by = packet->ssrc;
  /* Before its Hello came nobody knows whose it is: then our Hellos go on, and the peer acknowledges
   * again. */
  if (!engine->peer_known)
    return ZRTP_ACCEPTED;
  engine->hello_acked = true;
  zrtp_timer_stop (&engine->hello_timer);
  if (zrtp_is_waiting (engine) && !engine->call->lead)
    zrtp_proceed (engine, now);
  return ZRTP_ACCEPTED;
}

/* --- Rivals ---------------------------------------------------------------------------------------
 * Others who say Hello while our Commit waits for an answer. The first Hello may have been forged, or
 * the peer was restarted since; which of them is the peer only an answer shows. Our Commit stays as it
 * is, because another one would reach the same peer, who takes the first. A rival that is the peer
 * sends a Commit of its own; a Commit for it goes out when three for the other were not answered. */

static void
remember_rival (ZrtpEngine *engine, const ZrtpPeer *rival, uint64_t now)
{
  static const uint64_t hold = 1200 * UINT64_C (1000000);
  ZrtpExchange *exchange = engine->exchange;
  ZrtpTimer *timer = &engine->message_timer;

  if (exchange->n_rivals == ZRTP_MAX_RIVALS)
    memmove (exchange->rival, exchange->rival + 1, --exchange->n_rivals * sizeof *exchange->rival);
  exchange->rival[exchange->n_rivals++] = *rival;
  /* Our Commit for the other is held back meanwhile, but not as often as somebody likes. */
  if (exchange->times_held < ZRTP_MAX_RIVALS && timer->armed && timer->due < now + hold) {
    exchange->times_held++;
    timer->due = now + hold;
  }
}

ZrtpResult
zrtp_on_rival_hello (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  const ZrtpExchange *exchange = engine->exchange;
  ZrtpHello hello;
  ZrtpPeer rival;
  ZrtpResult result;

  /* Out of clear mode: the peer is known, and nobody else is looked for. */
  if (same_message (&engine->peer, packet) || engine->resume_state)
    return zrtp_on_hello_again (engine, packet, now);
  for (unsigned i = 0; i < exchange->n_rivals; i++)
    if (same_message (&exchange->rival[i], packet))
      return acknowledge_again (engine);
  result = judge_hello (engine, packet, &hello, now);
  if (result != ZRTP_ACCEPTED)
    return result;

  rival = make_peer (packet, &hello);
  remember_rival (engine, &rival, now);
  engine->hello_acked = false;
  send_hellos (engine, &zrtp_t1_extended, now);
  return ZRTP_ACCEPTED;
}

bool
zrtp_try_rival (ZrtpEngine *engine, uint64_t now)
{
  ZrtpExchange *exchange = engine->exchange;

  for (unsigned i = exchange ? exchange->n_rivals : 0; i-- > 0;)
    if (!exchange->rival[i].tried) {
      zrtp_swap_rival (engine, i);
      zrtp_proceed (engine, now);
      return true;
    }
  return false;
}

/* The one we committed to stays a candidate: his answer may be on its way. */
void
zrtp_swap_rival (ZrtpEngine *engine, unsigned i)
{
  const ZrtpPeer peer = engine->peer;

  engine->peer = engine->exchange->rival[i];
  engine->exchange->rival[i] = peer;
  engine->exchange->rival_seen = false;
  engine->exchange->commit_pending = false; /* it was the other's */
  engine->hello_acked = false;
}

/* The signalling brought the hash late, "the media packet overtook it": what was believed before is
 * judged again. */
void
zrtp_engine_set_peer_hello_hash (
    ZrtpEngine *engine, const uint8_t hash[ZRTP_HELLO_HASH_SIZE], uint64_t now)
{
  ZrtpExchange *exchange = engine->exchange;
  /* Another hash than the one that the peer was known by is for the one who is to take its place. */
  const bool moves_on = zrtp_was_secure (engine) && engine->config.has_peer_hello_hash &&
                        zrtp_is_announced (engine, zrtp_peer_hello (engine));
  unsigned kept = 0;

  if (engine->successor)
    zrtp_engine_set_peer_hello_hash (engine->successor, hash, now);
  engine->config.has_peer_hello_hash = hash != NULL;
  if (!hash)
    return;
  memcpy (engine->config.peer_hello_hash, hash, ZRTP_HELLO_HASH_SIZE);
  if (engine->hello_timer.armed) /* evidence of a ZRTP endpoint, §6 */
    zrtp_timer_extend (&engine->hello_timer, &zrtp_t1_extended);
  for (unsigned i = 0; exchange && i < exchange->n_rivals; i++)
    if (zrtp_is_announced (engine, zrtp_hello_of (&exchange->rival[i])))
      exchange->rival[kept++] = exchange->rival[i];
  if (exchange)
    exchange->n_rivals = kept;
  if (!engine->peer_known || moves_on || zrtp_is_announced (engine, zrtp_peer_hello (engine)))
    return;

  report_hello_hash (engine);
  if (zrtp_was_secure (engine))
    return; /* nothing unauthenticated ends a secure stream; the user is told */
  switch (engine->state) {
    case ZRTP_STATE_DISCOVERY:
    case ZRTP_STATE_COMMIT_SENT:
      if (zrtp_try_rival (engine, now))
        break;
      zrtp_forget_peer (engine, now);
      resume_discovery (engine, now);
      break;
    case ZRTP_STATE_ERROR_SENT:
    case ZRTP_STATE_FAILED:
      break;
    default:
      zrtp_fail (engine, ZRTP_ERROR_HELLO_MISMATCH, now);
      break;
  }
}

/* --- The rest -------------------------------------------------------------------------------------- */

/* A Commit from somebody whose Hello was lost: it cannot be checked, but it shows that he is there.
 * Once, as with media. One whose Hello was given up is known by it. */
ZrtpResult
zrtp_on_early_commit (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  ZrtpResult result;

  if (engine->peer_known)
    return engine->record_wanted ? ZRTP_UNEXPECTED : zrtp_on_waiting_commit (engine, packet, now);
  result = zrtp_on_late_commit (engine, packet, now);
  if (result == ZRTP_UNEXPECTED && !engine->resumed_by_commit)
    engine->resumed_by_commit = resume_discovery (engine, now);
  return result;
}

/* Before any Hello an Error can come from anybody, so it ends nothing. One is worth telling: the peer
 * cannot come down to our version (§4.1.1), and will say nothing else. */
ZrtpResult
zrtp_on_early_error (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  if (zrtp_error_parse (packet->message) != ZRTP_ERROR_VERSION)
    return ZRTP_UNEXPECTED;
  zrtp_send (engine, ZRTP_OUT_ERRORACK);
  report_version (engine);
  return ZRTP_ACCEPTED;
}

/* "every ZRTP endpoint MUST respond to a Ping message with a PingACK message", §5.15 */
ZrtpResult
zrtp_on_ping (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  if (!zrtp_ping_parse (packet->message, &engine->ping))
    return ZRTP_BAD_CONTENT;
  engine->ping_ssrc = packet->ssrc;
  zrtp_send (engine, ZRTP_OUT_PINGACK);
  if (engine->state == ZRTP_STATE_DISCOVERY && engine->hello_timer.armed)
    zrtp_timer_extend (&engine->hello_timer, &zrtp_t1_extended); /* evidence, §6 */
  return ZRTP_ACCEPTED;
}

/* "No ZRTP endpoint is required to generate a Ping message", §5.15; it "may follow the same
 * retransmission schedule as the Hello message", §6. */
void
zrtp_engine_ping (ZrtpEngine *engine, uint64_t now)
{
  zrtp_timer_start (&engine->ping_timer, &zrtp_t1, now);
  zrtp_send (engine, ZRTP_OUT_PING);
}

ZrtpResult
zrtp_on_pingack (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  ZrtpPingAck pingack;

  if (!zrtp_pingack_parse (packet->message, &pingack))
    return ZRTP_BAD_CONTENT;
  /* "The PingACK message contains ... the EndpointHash of the sender of the Ping", §5.16 */
  if (!engine->ping_timer.armed ||
      !zrtp_equal (pingack.ping_endpoint_hash, engine->call->zid, ZRTP_ENDPOINT_HASH_SIZE))
    return ZRTP_UNEXPECTED;
  zrtp_timer_stop (&engine->ping_timer);
  engine->pingack = pingack;
  zrtp_event (engine, ZRTP_EVENT_PINGACK);
  return ZRTP_ACCEPTED;
}
