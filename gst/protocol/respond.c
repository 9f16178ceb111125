/* The peer's Commit: what is wrong with it, whose stands, and the answer (RFC 6189 §4.2, §4.4, §5.4).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/protocol/engine-private.h"

#include <string.h>

/* --- The peer's Commit --------------------------------------------------------------------------------- */

static ZrtpResult
respond_with_dhpart1 (ZrtpEngine *engine, uint64_t now)
{
  if (!zrtp_have_key_pair (engine) || !zrtp_make_dhpart (engine, ZRTP_ROLE_RESPONDER))
    return zrtp_fail (engine, ZRTP_ERROR_SOFTWARE, now);
  engine->role = ZRTP_ROLE_RESPONDER;
  zrtp_advance (engine, ZRTP_STATE_DHPART1_SENT, ZRTP_OUT_DHPART, now);
  return ZRTP_ACCEPTED;
}

/* "both the DHPart1 and DHPart2 messages are skipped", §4.4.2.3, §4.4.3.1 */
static ZrtpResult
respond_with_confirm1 (ZrtpEngine *engine, uint64_t now)
{
  const uint8_t *nonce = engine->exchange->peer_commit.nonce;

  engine->role = ZRTP_ROLE_RESPONDER;
  /* It is noted when the peer's Confirm2 shows that it was his. */
  if (zrtp_call_knows_nonce (engine->call, nonce))
    return zrtp_fail (engine, ZRTP_ERROR_NONCE, now);
  zrtp_derive_without_dh (engine);
  return zrtp_send_confirm1 (engine, now);
}

static bool
knows_preshared_key (ZrtpEngine *engine)
{
  ZrtpExchange *exchange = engine->exchange;
  uint8_t aux[2 * ZRTP_RS_SIZE], key[ZRTP_MAX_HASH];
  const ZrtpSecrets secrets = zrtp_secrets_as (engine, ZRTP_ROLE_RESPONDER, aux);
  const bool found =
      zrtp_is_reliable (engine) &&
      zrtp_find_preshared_key (&secrets, exchange->hash, exchange->peer_commit.key_id, key,
          &exchange->aux_matched, &exchange->pbx_matched);

  exchange->has_aux = secrets.aux.size > 0;
  zrtp_wipe (key, sizeof key);
  zrtp_wipe (aux, sizeof aux);
  return found;
}

/* §4.4.3: "Only one DH exchange or Preshared exchange is performed, just for the first media stream." Whoever
 * could make another one would have his own SAS and session key in a call that was compared before. */
static bool
may_make_session (const ZrtpEngine *engine)
{
  return !engine->call->secure || zrtp_may_renew_session (engine);
}

static ZrtpResult
become_responder (ZrtpEngine *engine, const ZrtpCommit *commit, const uint8_t *message,
    size_t message_size, uint64_t now)
{
  ZrtpExchange *exchange = engine->exchange;

  if (zrtp_commit_mode (commit) != ZRTP_MODE_MULTISTREAM && !may_make_session (engine))
    return zrtp_fail (engine, ZRTP_ERROR_SOFTWARE, now);
  engine->outbox &= ~(uint32_t) ZRTP_OUT_COMMIT; /* it may still wait to be sent again */
  zrtp_adopt_choice (engine, zrtp_commit_mode (commit), &commit->choice);
  exchange->peer_commit = *commit;
  memcpy (exchange->commit, message, message_size);
  exchange->commit_size = message_size;
  switch (exchange->mode) {
    case ZRTP_MODE_DH:
      return respond_with_dhpart1 (engine, now);
    case ZRTP_MODE_PRESHARED:
      if (knows_preshared_key (engine))
        return respond_with_confirm1 (engine, now);
      /* "it SHOULD respond with its own DH Commit message", §4.4.2.3 */
      exchange->no_preshared = true;
      zrtp_commit_dh (engine, now);
      return ZRTP_ACCEPTED;
    default:
      return respond_with_confirm1 (engine, now);
  }
}

void
zrtp_engine_set_record (ZrtpEngine *engine, const uint8_t peer_zid[ZRTP_ZID_SIZE],
    const ZrtpRecord *record, uint64_t now)
{
  static const ZrtpRecord unknown_peer;
  ZrtpExchange *exchange;

  if (engine->successor) {
    zrtp_engine_set_record (engine->successor, peer_zid, record, now);
    return;
  }
  /* The peer may have become another since the question was asked. */
  if (!engine->record_wanted || !zrtp_equal (peer_zid, engine->peer.hello.zid, ZRTP_ZID_SIZE))
    return;
  engine->record_wanted = false;
  if (!zrtp_have_exchange (engine)) {
    zrtp_fail (engine, ZRTP_ERROR_SOFTWARE, now);
    return;
  }
  exchange = engine->exchange;
  exchange->record = record ? *record : unknown_peer;
  if (exchange->commit_pending) {
    exchange->commit_pending = false;
    become_responder (
        engine, &exchange->pending, exchange->pending_message, exchange->pending_size, now);
  } else {
    zrtp_commit_ourselves (engine, now);
  }
}

void
zrtp_engine_forgo_cache (ZrtpEngine *engine, const uint8_t peer_zid[ZRTP_ZID_SIZE], uint64_t now)
{
  ZrtpEngine *asking = engine->successor ? engine->successor : engine;

  asking->config.cache_expiry = 0;
  zrtp_engine_set_record (engine, peer_zid, NULL, now);
}

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
check_commit (const ZrtpEngine *engine, const ZrtpPeer *sender, const ZrtpPacket *packet,
    const ZrtpCommit *commit)
{
  /* §8.1.1: "If a bad MAC is discovered, it MUST be treated as a security exception" */
  if (!zrtp_message_mac_check (zrtp_hello_of (sender), engine->call->s256, commit->h2))
    return ZRTP_ERROR_HELLO_MISMATCH;
  /* §5.4: the ZID "MUST have the same value as was used in the Hello message" */
  if (!zrtp_equal (commit->zid, sender->hello.zid, ZRTP_ZID_SIZE))
    return ZRTP_ERROR_HELLO_MISMATCH;
  /* §4.1: "a Hello message, or any other ZRTP message, indicates that there is a ... collision" */
  if (packet->ssrc == engine->config.ssrc)
    return ZRTP_ERROR_SSRC;
  return ZRTP_ERROR_NONE;
}

/* The algorithms, by what we offered; 0 = all known. */
static ZrtpErrorCode
check_choice (const ZrtpEngine *engine, const ZrtpCommit *commit)
{
  ZrtpChoice choice = commit->choice;

  if (zrtp_commit_mode (commit) == ZRTP_MODE_MULTISTREAM)
    choice.type[ZRTP_SAS] = ZRTP_B32; /* "The SAS Type is ignored", §4.4.3.1 */
  return zrtp_check_choice (&engine->config.offer, &choice);
}

/* §4.2, whatever streams the two came on. True when our Commit, that of `leader`, stands and the peer's
 * is to be discarded. */
static bool
our_commit_wins (const ZrtpEngine *leader, const ZrtpCommit *theirs)
{
  const ZrtpCommit *ours = &leader->exchange->own_commit;
  const ZrtpMode our_mode = leader->exchange->mode, their_mode = zrtp_commit_mode (theirs);

  /* "the Preshared Commit MUST be discarded and the DH Commit proceeds" */
  if (our_mode != their_mode)
    return our_mode == ZRTP_MODE_DH;
  /* "for Preshared mode, the phone is the initiator and the PBX is the responder" */
  if (our_mode == ZRTP_MODE_PRESHARED && leader->config.mitm != leader->peer.hello.mitm)
    return !leader->config.mitm;
  /* "the Commit message with the lowest hvi ... or lowest nonce value ... MUST be discarded"; public
   * values, no secret in the time this takes. */
  if (our_mode == ZRTP_MODE_DH)
    return memcmp (ours->hvi, theirs->hvi, ZRTP_HVI_SIZE) >= 0;
  return memcmp (ours->nonce, theirs->nonce, ZRTP_NONCE_SIZE) >= 0;
}

static void
note_pending (ZrtpEngine *engine, const ZrtpPacket *packet, const ZrtpCommit *commit)
{
  ZrtpExchange *exchange = engine->exchange;

  exchange->commit_pending = true;
  exchange->pending = *commit;
  exchange->pending_size = packet->message.size;
  memcpy (exchange->pending_message, packet->message.data, packet->message.size);
}

/* A Multistream Commit is bound to no Hello (§4.4.3.1): ours was for the rival too. */
static ZrtpResult
contend_with_rival (ZrtpEngine *engine, unsigned index, const ZrtpPacket *packet,
    const ZrtpCommit *commit, uint64_t now)
{
  ZrtpExchange *exchange = engine->exchange;
  const bool ours = exchange->mode == ZRTP_MODE_MULTISTREAM && our_commit_wins (engine, commit);

  zrtp_swap_rival (engine, index);
  if (!zrtp_can_multistream (engine)) {
    zrtp_swap_rival (engine, index);
    return ZRTP_BAD_CONTENT;
  }
  if (!ours)
    return become_responder (engine, commit, packet->message.data, packet->message.size, now);
  exchange->keys_ready = false;
  exchange->rival_seen = true;
  exchange->rival_mode = ZRTP_MODE_MULTISTREAM;
  engine->peer.ssrc = packet->ssrc;
  return ZRTP_ACCEPTED;
}

/* A rival's own Commit: he is there. A DH Commit of ours was never for him, so nothing contends. What is
 * wrong with it is his affair alone. */
static ZrtpResult
follow_rival (ZrtpEngine *engine, unsigned index, const ZrtpPacket *packet,
    const ZrtpCommit *commit, uint64_t now)
{
  if (check_commit (engine, &engine->exchange->rival[index], packet, commit) ||
      check_choice (engine, commit))
    return ZRTP_BAD_CONTENT;
  if (zrtp_commit_mode (commit) == ZRTP_MODE_MULTISTREAM)
    return contend_with_rival (engine, index, packet, commit, now);
  if (!may_make_session (engine))
    return ZRTP_BAD_CONTENT;
  if (!zrtp_call_take_lead (engine->call, engine))
    return ZRTP_UNEXPECTED;
  zrtp_swap_rival (engine, index);
  note_pending (engine, packet, commit);
  zrtp_want_record (engine);
  return ZRTP_ACCEPTED;
}

/* §4.4.3.1: "the responder does not have a ZRTP Session Key available, the exchange MUST be terminated" */
static ZrtpErrorCode
check_mode (const ZrtpEngine *engine, const ZrtpCommit *commit)
{
  return zrtp_commit_mode (commit) == ZRTP_MODE_MULTISTREAM && !zrtp_can_multistream (engine)
             ? ZRTP_ERROR_NO_SECRET
             : ZRTP_ERROR_NONE;
}

/* §4.2: "one Commit is for Multistream mode while the other is for non-Multistream ..., a software error has
 * occurred and the ZRTP negotiation should be terminated". It has not, when the peer's DH Commit is one
 * from before it stepped back for another stream, late or repeated by somebody: ours stands. */
static bool
is_outdated (const ZrtpEngine *engine, const ZrtpCommit *commit)
{
  return engine->exchange->mode == ZRTP_MODE_MULTISTREAM &&
         zrtp_commit_mode (commit) != ZRTP_MODE_MULTISTREAM;
}

/* In an exchange out of clear mode the hash chain is known and protects nothing (§9): what is wrong is
 * dropped. Before that it ends the exchange. */
static ZrtpResult
refuse (ZrtpEngine *engine, ZrtpErrorCode error, uint64_t now)
{
  return engine->resume_state ? ZRTP_UNEXPECTED : zrtp_fail (engine, error, now);
}

/* An old Commit out of the same call, again. */
static bool
is_replayed (const ZrtpEngine *engine, const ZrtpCommit *commit)
{
  return engine->resume_state && zrtp_call_knows_nonce (engine->call, commit->nonce);
}

ZrtpResult
zrtp_on_commit (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  ZrtpExchange *exchange = engine->exchange;
  ZrtpCommit commit;
  ZrtpErrorCode error;
  bool ours_wins;
  int sender;

  if (engine->record_wanted)
    return ZRTP_UNEXPECTED;
  if (!zrtp_commit_parse (packet->message, &commit))
    return ZRTP_BAD_CONTENT;
  if (!find_sender (engine, commit.h2, &sender))
    return ZRTP_BAD_HASH_IMAGE;
  if (sender >= 0)
    return follow_rival (engine, (unsigned) sender, packet, &commit, now);
  error = check_commit (engine, &engine->peer, packet, &commit);
  if (!error)
    error = check_mode (engine, &commit);
  if (error)
    return refuse (engine, error, now);
  if (is_outdated (engine, &commit) || is_replayed (engine, &commit))
    return ZRTP_UNEXPECTED;

  zrtp_timer_stop (&engine->hello_timer); /* "until the receipt of a HelloACK ... or a Commit" */
  engine->hello_acked = true;
  ours_wins = our_commit_wins (engine, &commit);
  if (!engine->resume_state || !ours_wins)
    engine->peer.ssrc = packet->ssrc;
  if (ours_wins) {
    exchange->rival_seen = true;
    exchange->rival_mode = zrtp_commit_mode (&commit);
    return ZRTP_ACCEPTED;
  }
  /* "All message retransmissions MUST be identical", §6: who lost once does not try another hvi or
   * nonce; after a Preshared Commit a DH Commit may come, §4.4.2.3. */
  if (exchange->rival_seen && exchange->rival_mode == zrtp_commit_mode (&commit))
    return ZRTP_UNEXPECTED;
  error = check_choice (engine, &commit);
  if (error)
    return refuse (engine, error, now);
  return become_responder (engine, &commit, packet->message.data, packet->message.size, now);
}

/* --- A Commit in clear mode ------------------------------------------------------------------------------- */

/* The hash chain is known by now and protects nothing (§9): what is wrong is dropped. */
static ZrtpResult
respond_in_clear (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  ZrtpCommit commit;

  if (!zrtp_commit_parse (packet->message, &commit))
    return ZRTP_BAD_CONTENT;
  if (!zrtp_image_follows (engine, commit.h2, engine->peer.hello.h3))
    return ZRTP_BAD_HASH_IMAGE;
  if (zrtp_commit_mode (&commit) != ZRTP_MODE_MULTISTREAM || !zrtp_can_multistream (engine) ||
      check_commit (engine, &engine->peer, packet, &commit) || check_choice (engine, &commit))
    return ZRTP_UNEXPECTED;
  if (zrtp_call_knows_nonce (engine->call, commit.nonce) || !zrtp_have_exchange (engine))
    return ZRTP_UNEXPECTED;
  engine->peer.ssrc = packet->ssrc;
  return become_responder (engine, &commit, packet->message.data, packet->message.size, now);
}

/* §4.7.2: "a new secure session is initiated by the party that presses the button, by sending a new
 * Commit message". */
ZrtpResult
zrtp_on_commit_in_clear (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  const ZrtpState state = engine->state;
  const ZrtpResult result = respond_in_clear (engine, packet, now);

  if (engine->state != state) {
    engine->resume_state = state;
    engine->securing = false;
    engine->hello_accepted_at = now;
  }
  return result;
}

/* --- A Commit again ---------------------------------------------------------------------------------------- */

ZrtpResult
zrtp_on_commit_again (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  const ZrtpExchange *exchange = engine->exchange;

  /* Only the very same Commit: pvr is out, nobody may commit anew knowing it (§4.4.1.1). Out of clear mode
   * nothing like that is out, and the first one may have been forged. */
  if (!zrtp_same (packet->message, exchange->commit, exchange->commit_size))
    return engine->resume_state ? respond_in_clear (engine, packet, now) : ZRTP_UNEXPECTED;
  if (engine->state == ZRTP_STATE_CONFIRM1_SENT && exchange->mode == ZRTP_MODE_DH)
    return ZRTP_UNEXPECTED; /* DHPart1 reached the peer, who has answered it */
  zrtp_send (engine, exchange->mode == ZRTP_MODE_DH ? ZRTP_OUT_DHPART : ZRTP_OUT_CONFIRM);
  return ZRTP_REPEATED;
}

/* --- A Commit on a stream that waits for another --------------------------------------------------------- */

/* No exchange is under way: this one is. */
static ZrtpResult
respond_after_lookup (
    ZrtpEngine *engine, const ZrtpPacket *packet, const ZrtpCommit *commit, uint64_t now)
{
  const ZrtpErrorCode error = check_choice (engine, commit);

  if (error)
    return zrtp_fail (engine, error, now);
  if (!zrtp_have_exchange (engine))
    return zrtp_fail (engine, ZRTP_ERROR_SOFTWARE, now);
  note_pending (engine, packet, commit);
  zrtp_want_record (engine);
  return ZRTP_ACCEPTED;
}

/* §4.2: "In the event that Commit messages are sent by both ZRTP endpoints at the same time, but are
 * received in different media streams, the same resolution rules apply". */
static ZrtpResult
contend_across_streams (
    ZrtpEngine *engine, const ZrtpPacket *packet, const ZrtpCommit *commit, uint64_t now)
{
  ZrtpEngine *leader = engine->call->lead;
  ZrtpErrorCode error;

  /* "Multistream mode MUST be used", §4.4.3, unless the peer was restarted */
  if (engine->call->secure && !engine->predecessor)
    return ZRTP_UNEXPECTED;
  if (zrtp_call_take_lead (engine->call, engine))
    return respond_after_lookup (engine, packet, commit, now);
  if (leader->state != ZRTP_STATE_COMMIT_SENT || leader->record_wanted ||
      !zrtp_equal (leader->peer.hello.zid, engine->peer.hello.zid, ZRTP_ZID_SIZE))
    return ZRTP_UNEXPECTED;
  if (our_commit_wins (leader, commit))
    return ZRTP_ACCEPTED; /* "must wait for the completion of the other ZRTP exchange" */
  error = check_choice (engine, commit);
  if (error)
    return zrtp_fail (engine, error, now);
  if (!zrtp_have_exchange (engine))
    return zrtp_fail (engine, ZRTP_ERROR_SOFTWARE, now);
  /* "the responder's DH public value should only be discarded if it does not match" */
  engine->exchange->pair = leader->exchange->pair;
  engine->exchange->record = leader->exchange->record;
  zrtp_step_back (leader);
  leader->stirred = true;
  zrtp_call_take_lead (engine->call, engine);
  return become_responder (engine, commit, packet->message.data, packet->message.size, now);
}

static ZrtpResult
respond_multistream (
    ZrtpEngine *engine, const ZrtpPacket *packet, const ZrtpCommit *commit, uint64_t now)
{
  const ZrtpErrorCode error = check_choice (engine, commit);

  if (zrtp_is_going_clear (engine->call))
    return ZRTP_UNEXPECTED; /* it comes again */
  if (error)
    return zrtp_fail (engine, error, now);
  if (!zrtp_have_exchange (engine))
    return zrtp_fail (engine, ZRTP_ERROR_SOFTWARE, now);
  return become_responder (engine, commit, packet->message.data, packet->message.size, now);
}

ZrtpResult
zrtp_on_waiting_commit (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  ZrtpCommit commit;
  ZrtpErrorCode error;

  if (!zrtp_commit_parse (packet->message, &commit))
    return ZRTP_BAD_CONTENT;
  if (!zrtp_image_follows (engine, commit.h2, engine->peer.hello.h3))
    return ZRTP_BAD_HASH_IMAGE;
  error = check_commit (engine, &engine->peer, packet, &commit);
  if (error)
    return zrtp_fail (engine, error, now);
  zrtp_timer_stop (&engine->hello_timer);
  engine->hello_acked = true;
  engine->peer.ssrc = packet->ssrc;
  if (zrtp_commit_mode (&commit) != ZRTP_MODE_MULTISTREAM)
    return contend_across_streams (engine, packet, &commit, now);
  if (zrtp_can_multistream (engine))
    return respond_multistream (engine, packet, &commit, now);
  /* The peer may have confirmed the first stream a moment before us: its Commit comes again. */
  return engine->call->lead ? ZRTP_UNEXPECTED : zrtp_fail (engine, ZRTP_ERROR_NO_SECRET, now);
}

/* --- A late Commit ---------------------------------------------------------------------------------------- */

/* "If this extended Hello retry schedule is exhausted without receiving a HelloACK or Commit message, a late
 * Commit message from the peer SHOULD still be accepted", §6. Our own for him went unanswered and was given
 * up; his Hello is still there. What is wrong with his Commit is his affair alone. */
ZrtpResult
zrtp_on_late_commit (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  const ZrtpPeer *peer = &engine->peer;
  ZrtpCommit commit;
  bool multistream;

  if (!zrtp_commit_parse (packet->message, &commit))
    return ZRTP_BAD_CONTENT;
  if (peer->message_size == 0 || !zrtp_image_follows (engine, commit.h2, peer->hello.h3))
    return ZRTP_UNEXPECTED;
  multistream = zrtp_commit_mode (&commit) == ZRTP_MODE_MULTISTREAM;
  if (!zrtp_is_announced (engine, zrtp_hello_of (peer)) ||
      (multistream ? !zrtp_can_multistream (engine) : engine->call->secure) ||
      check_commit (engine, peer, packet, &commit) || check_choice (engine, &commit))
    return ZRTP_UNEXPECTED;
  engine->peer_known = true;
  engine->peer.ssrc = packet->ssrc;
  engine->hello_accepted_at = now;
  zrtp_timer_stop (&engine->hello_timer);
  engine->hello_acked = true;
  return multistream ? respond_multistream (engine, packet, &commit, now)
                     : contend_across_streams (engine, packet, &commit, now);
}
