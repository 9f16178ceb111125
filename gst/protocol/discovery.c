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

void
zrtp_engine_start (ZrtpEngine *engine, uint64_t now)
{
  if (engine->state != ZRTP_STATE_IDLE)
    return;
  engine->state = ZRTP_STATE_DISCOVERY;
  /* A hash in the signalling is evidence of a ZRTP endpoint, §6. */
  send_hellos (engine, engine->config.has_peer_hello_hash ? &zrtp_t1_extended : &zrtp_t1, now);
}

/* The peer showed itself after our Hellos had gone unanswered: "a callee may pick up a minute
 * later". */
static void
resume_discovery (ZrtpEngine *engine, uint64_t now)
{
  if (engine->state != ZRTP_STATE_DISCOVERY || !engine->answer_missed || engine->hello_acked)
    return;
  engine->answer_missed = false;
  send_hellos (engine, &zrtp_t1, now);
}

void
zrtp_engine_media_received (ZrtpEngine *engine, uint64_t now)
{
  /* Only the first packet: a peer without ZRTP must not make us send Hellos for ever. */
  if (engine->media_seen)
    return;
  engine->media_seen = true;
  resume_discovery (engine, now);
}

static void
report_version (ZrtpEngine *engine)
{
  if (!engine->version_reported)
    zrtp_event (engine, ZRTP_EVENT_BAD_VERSION);
  engine->version_reported = true;
}

static ZrtpResult
check_version (ZrtpEngine *engine, const ZrtpHello *hello, uint64_t now)
{
  /* "MUST include only the first three octets of the version field in the comparison", §4.1.1 */
  int order = memcmp (hello->version, own_version, sizeof own_version);

  if (order == 0)
    return ZRTP_ACCEPTED;
  if (order > 0)
    return ZRTP_UNEXPECTED; /* "higher ... MUST be ignored"; the peer will come down to ours */

  /* "lower ... MUST send an Error message". The negotiation goes on waiting all the same: this
   * Hello may be forged, and the peer, if it is real, ends on our Error. */
  engine->error_code = ZRTP_ERROR_VERSION;
  zrtp_send (engine, ZRTP_OUT_ERROR);
  report_version (engine);
  return ZRTP_REFUSED;
}

/* §8.1: "detect and reject false Hello messages" */
static bool
matches_signalling (const ZrtpEngine *engine, ZrtpBytes message)
{
  uint8_t hash[ZRTP_HELLO_HASH_SIZE];

  if (!engine->config.has_peer_hello_hash)
    return true;
  zrtp_image (engine, message, hash);
  return zrtp_equal (hash, engine->config.peer_hello_hash, sizeof hash);
}

static ZrtpResult
judge_hello (ZrtpEngine *engine, const ZrtpPacket *packet, ZrtpHello *hello, uint64_t now)
{
  ZrtpResult result;

  if (!zrtp_hello_parse (packet->message, hello))
    return ZRTP_BAD_CONTENT;
  if (!matches_signalling (engine, packet->message)) {
    if (!engine->hello_hash_reported)
      zrtp_event (engine, ZRTP_EVENT_BAD_HELLO_HASH);
    engine->hello_hash_reported = true;
    return ZRTP_BAD_HELLO_HASH;
  }

  /* "A HelloACK is sent regardless if the version number in the Hello is supported or the
   * algorithm list supported", §5.3. */
  zrtp_send (engine, ZRTP_OUT_HELLOACK);
  result = check_version (engine, hello, now);
  if (result != ZRTP_ACCEPTED)
    return result;
  if (zrtp_equal (hello->zid, engine->call->zid, ZRTP_ZID_SIZE)) {
    engine->peer.ssrc = packet->ssrc;
    return zrtp_fail (engine, ZRTP_ERROR_EQUAL_ZID, now);
  }
  return ZRTP_ACCEPTED;
}

static ZrtpResult
acknowledge_again (ZrtpEngine *engine)
{
  zrtp_send (engine, ZRTP_OUT_HELLOACK);
  return ZRTP_REPEATED;
}

static void
accept_hello (ZrtpEngine *engine, const ZrtpPacket *packet, const ZrtpHello *hello, uint64_t now)
{
  engine->peer_known = true;
  engine->peer.ssrc = packet->ssrc;
  engine->peer.hello = *hello;
  engine->peer.message_size = packet->message.size;
  memcpy (engine->peer.message, packet->message.data, packet->message.size);
  engine->hello_accepted_at = now;
  zrtp_event (engine, ZRTP_EVENT_LOOKUP);
}

ZrtpResult
zrtp_on_hello (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  ZrtpHello hello;
  ZrtpResult result;

  if (engine->peer_known) /* between the first Hello and its record */
    return zrtp_on_hello_again (engine, packet, now);
  result = judge_hello (engine, packet, &hello, now);
  if (result != ZRTP_ACCEPTED)
    return result;

  accept_hello (engine, packet, &hello, now);
  if (engine->hello_acked && engine->hello_acked_by != packet->ssrc) {
    /* Somebody else acknowledged our Hello: this peer has not seen it yet. */
    engine->hello_acked = false;
    engine->answer_missed = true;
  }
  resume_discovery (engine, now);
  zrtp_timer_extend (&engine->hello_timer, &zrtp_t1_extended);
  /* The peer has just appeared, so the Hellos that went out before did not reach it, and our Commit is
   * worth nothing without one. */
  if (engine->hello_timer.armed && engine->hello_timer.sent > 0)
    zrtp_send (engine, ZRTP_OUT_HELLO);
  return ZRTP_ACCEPTED;
}

/* A Hello while our Commit to the sender of another waits for an answer. Which of the two is the peer
 * cannot be told (the first may have been injected, or the peer was restarted since), so we commit to
 * the new one too, and keep the first attempt: whoever answers with the right hash image is it. */
ZrtpResult
zrtp_on_rival_hello (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  ZrtpHello hello;
  ZrtpResult result;

  if (zrtp_same (zrtp_peer_hello (engine), packet->message.data, packet->message.size) ||
      (engine->shelf && zrtp_same (packet->message, engine->shelf->peer.message,
                            engine->shelf->peer.message_size)))
    return acknowledge_again (engine);
  result = judge_hello (engine, packet, &hello, now);
  if (result != ZRTP_ACCEPTED)
    return result;

  zrtp_shelve (engine);
  engine->state = ZRTP_STATE_DISCOVERY; /* until its record is known */
  engine->hello_acked = false;
  send_hellos (engine, &zrtp_t1_extended, now);
  accept_hello (engine, packet, &hello, now);
  return ZRTP_ACCEPTED;
}

/* The Hello that the running exchange is bound to, again: our HelloACK was lost. Any other Hello
 * does not disturb the exchange (§9: "the protocol SHOULD be allowed to run to completion"). */
ZrtpResult
zrtp_on_hello_again (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  if (!zrtp_same (zrtp_peer_hello (engine), packet->message.data, packet->message.size))
    return ZRTP_UNEXPECTED;
  return acknowledge_again (engine);
}

ZrtpResult
zrtp_on_helloack (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  if (engine->peer_known && packet->ssrc != engine->peer.ssrc)
    return ZRTP_UNEXPECTED;
  engine->hello_acked = true;
  engine->hello_acked_by = packet->ssrc;
  zrtp_timer_stop (&engine->hello_timer);
  return ZRTP_ACCEPTED;
}

/* A Commit from somebody whose Hello was lost: it cannot be checked, but it shows that he is there. */
ZrtpResult
zrtp_on_early_commit (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  resume_discovery (engine, now);
  return ZRTP_UNEXPECTED;
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

void
zrtp_engine_set_record (ZrtpEngine *engine, const ZrtpRecord *record, uint64_t now)
{
  static const ZrtpRecord unknown_peer;

  if (engine->state == ZRTP_STATE_DISCOVERY && engine->peer_known)
    zrtp_commit_ourselves (engine, record ? record : &unknown_peer, now);
}
