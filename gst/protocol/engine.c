/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/protocol/engine-private.h"

#include <stdlib.h>
#include <string.h>

/* "if a ZRTP responder receives no ZRTP messages for more than 10 seconds", §6 */
static const uint64_t responder_patience = 10 * UINT64_C (1000000000);

/* --- The state table: docs/state-machine.md is printed from it --------------------------------- */

static const ZrtpHandler handlers[ZRTP_N_STATES][ZRTP_N_MESSAGES] = {
    [ZRTP_STATE_IDLE] =
        {
            [ZRTP_MESSAGE_PING] = zrtp_on_ping,
            [ZRTP_MESSAGE_PINGACK] = zrtp_on_pingack,
        },
    [ZRTP_STATE_DISCOVERY] =
        {
            [ZRTP_MESSAGE_HELLO] = zrtp_on_hello,
            [ZRTP_MESSAGE_HELLOACK] = zrtp_on_helloack,
            [ZRTP_MESSAGE_COMMIT] = zrtp_on_early_commit,
            [ZRTP_MESSAGE_ERROR] = zrtp_on_early_error,
            [ZRTP_MESSAGE_PING] = zrtp_on_ping,
            [ZRTP_MESSAGE_PINGACK] = zrtp_on_pingack,
        },
    [ZRTP_STATE_COMMIT_SENT] =
        {
            [ZRTP_MESSAGE_HELLO] = zrtp_on_rival_hello,
            [ZRTP_MESSAGE_HELLOACK] = zrtp_on_helloack,
            [ZRTP_MESSAGE_COMMIT] = zrtp_on_commit,
            [ZRTP_MESSAGE_DHPART1] = zrtp_on_dhpart1,
            [ZRTP_MESSAGE_CONFIRM1] = zrtp_on_confirm1_without_dh,
            [ZRTP_MESSAGE_GOCLEAR] = zrtp_on_goclear, /* out of clear mode: ClearACK was lost */
            [ZRTP_MESSAGE_ERROR] = zrtp_on_commit_error,
            [ZRTP_MESSAGE_PING] = zrtp_on_ping,
            [ZRTP_MESSAGE_PINGACK] = zrtp_on_pingack,
        },
    [ZRTP_STATE_DHPART1_SENT] =
        {
            [ZRTP_MESSAGE_HELLO] = zrtp_on_hello_again,
            [ZRTP_MESSAGE_COMMIT] = zrtp_on_commit_again,
            [ZRTP_MESSAGE_DHPART2] = zrtp_on_dhpart2,
            [ZRTP_MESSAGE_ERROR] = zrtp_on_error,
            [ZRTP_MESSAGE_PING] = zrtp_on_ping,
            [ZRTP_MESSAGE_PINGACK] = zrtp_on_pingack,
        },
    [ZRTP_STATE_DHPART2_SENT] =
        {
            [ZRTP_MESSAGE_HELLO] = zrtp_on_hello_again,
            [ZRTP_MESSAGE_CONFIRM1] = zrtp_on_confirm1,
            [ZRTP_MESSAGE_ERROR] = zrtp_on_error,
            [ZRTP_MESSAGE_PING] = zrtp_on_ping,
            [ZRTP_MESSAGE_PINGACK] = zrtp_on_pingack,
        },
    [ZRTP_STATE_CONFIRM1_SENT] =
        {
            [ZRTP_MESSAGE_HELLO] = zrtp_on_hello_again,
            [ZRTP_MESSAGE_COMMIT] = zrtp_on_commit_again,
            [ZRTP_MESSAGE_DHPART2] = zrtp_on_dhpart2_again,
            [ZRTP_MESSAGE_CONFIRM2] = zrtp_on_confirm2,
            [ZRTP_MESSAGE_ERROR] = zrtp_on_error,
            [ZRTP_MESSAGE_PING] = zrtp_on_ping,
            [ZRTP_MESSAGE_PINGACK] = zrtp_on_pingack,
        },
    [ZRTP_STATE_CONFIRM2_SENT] =
        {
            [ZRTP_MESSAGE_HELLO] = zrtp_on_hello_again,
            [ZRTP_MESSAGE_CONF2ACK] = zrtp_on_conf2ack,
            [ZRTP_MESSAGE_ERROR] = zrtp_on_error,
            [ZRTP_MESSAGE_PING] = zrtp_on_ping,
            [ZRTP_MESSAGE_PINGACK] = zrtp_on_pingack,
        },
    /* Nothing unauthenticated ends a secure stream: an Error (§4.7.1 is for exchanges in progress) is
     * acknowledged and has no effect. */
    [ZRTP_STATE_SECURE] =
        {
            [ZRTP_MESSAGE_HELLO] = zrtp_on_hello_again,
            [ZRTP_MESSAGE_CONFIRM2] = zrtp_on_confirm2_again,
            [ZRTP_MESSAGE_GOCLEAR] = zrtp_on_goclear,
            [ZRTP_MESSAGE_SASRELAY] = zrtp_on_sasrelay,
            [ZRTP_MESSAGE_RELAYACK] = zrtp_on_relayack,
            [ZRTP_MESSAGE_ERROR] = zrtp_on_late_error,
            [ZRTP_MESSAGE_ERRORACK] = zrtp_on_late_errorack,
            [ZRTP_MESSAGE_PING] = zrtp_on_ping,
            [ZRTP_MESSAGE_PINGACK] = zrtp_on_pingack,
        },
    [ZRTP_STATE_GOCLEAR_SENT] =
        {
            [ZRTP_MESSAGE_HELLO] = zrtp_on_hello_again,
            [ZRTP_MESSAGE_HELLOACK] = zrtp_on_helloack,
            [ZRTP_MESSAGE_CONFIRM2] = zrtp_on_confirm2_again,
            [ZRTP_MESSAGE_GOCLEAR] = zrtp_on_goclear,
            [ZRTP_MESSAGE_CLEARACK] = zrtp_on_clearack,
            [ZRTP_MESSAGE_ERROR] = zrtp_on_late_error,
            [ZRTP_MESSAGE_PING] = zrtp_on_ping,
            [ZRTP_MESSAGE_PINGACK] = zrtp_on_pingack,
        },
    [ZRTP_STATE_CLEAR_WAITING] =
        {
            [ZRTP_MESSAGE_HELLO] = zrtp_on_hello_again,
            [ZRTP_MESSAGE_HELLOACK] = zrtp_on_helloack,
            [ZRTP_MESSAGE_COMMIT] = zrtp_on_commit_in_clear,
            [ZRTP_MESSAGE_GOCLEAR] = zrtp_on_goclear,
            [ZRTP_MESSAGE_ERROR] = zrtp_on_late_error,
            [ZRTP_MESSAGE_PING] = zrtp_on_ping,
            [ZRTP_MESSAGE_PINGACK] = zrtp_on_pingack,
        },
    [ZRTP_STATE_CLEAR] =
        {
            [ZRTP_MESSAGE_HELLO] = zrtp_on_hello_again,
            [ZRTP_MESSAGE_HELLOACK] = zrtp_on_helloack,
            [ZRTP_MESSAGE_COMMIT] = zrtp_on_commit_in_clear,
            [ZRTP_MESSAGE_GOCLEAR] = zrtp_on_goclear,
            [ZRTP_MESSAGE_ERROR] = zrtp_on_late_error,
            [ZRTP_MESSAGE_PING] = zrtp_on_ping,
            [ZRTP_MESSAGE_PINGACK] = zrtp_on_pingack,
        },
    [ZRTP_STATE_ERROR_SENT] =
        {
            [ZRTP_MESSAGE_ERROR] = zrtp_on_error_again,
            [ZRTP_MESSAGE_ERRORACK] = zrtp_on_errorack,
            [ZRTP_MESSAGE_PING] = zrtp_on_ping,
            [ZRTP_MESSAGE_PINGACK] = zrtp_on_pingack,
        },
    [ZRTP_STATE_FAILED] =
        {
            [ZRTP_MESSAGE_ERROR] = zrtp_on_error_again,
            [ZRTP_MESSAGE_PING] = zrtp_on_ping,
            [ZRTP_MESSAGE_PINGACK] = zrtp_on_pingack,
        },
};

ZrtpHandler
zrtp_get_handler (ZrtpState state, ZrtpMessageType type)
{
  return handlers[state][type];
}

static ZrtpResult
dispatch (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  const ZrtpHandler handler = handlers[engine->state][packet->type];
  const ZrtpResult result = handler ? handler (engine, packet, now) : ZRTP_UNEXPECTED;

  if (result == ZRTP_REPEATED && packet->type != ZRTP_MESSAGE_HELLO)
    engine->patience_due = now + responder_patience;
  return result;
}

ZrtpResult
zrtp_engine_handle_packet (ZrtpEngine *engine, const uint8_t *data, size_t size, uint64_t now)
{
  ZrtpPacket packet;
  ZrtpResult result = zrtp_packet_parse (data, size, &packet);

  if (result == ZRTP_ACCEPTED)
    result = dispatch (engine, &packet, now);
  if (result == ZRTP_UNEXPECTED || result == ZRTP_BAD_HASH_IMAGE)
    result = zrtp_offer_to_successor (engine, &packet, data, size, result, now);
  engine->counters.received[result]++;
  return result;
}

/* --- Life -------------------------------------------------------------------------------------- */

bool
zrtp_random (ZrtpEngine *engine, uint8_t *out, size_t size)
{
  const ZrtpRandom *random = &engine->call->crypto->random;

  return random->fill (random->user, out, size);
}

void
zrtp_image (const ZrtpEngine *engine, ZrtpBytes of, uint8_t out[ZRTP_IMAGE_SIZE])
{
  engine->call->s256->digest (&of, 1, out);
}

bool
zrtp_image_follows (const ZrtpEngine *engine, const uint8_t preimage[ZRTP_IMAGE_SIZE],
    const uint8_t image[ZRTP_IMAGE_SIZE])
{
  uint8_t computed[ZRTP_IMAGE_SIZE];

  zrtp_image (engine, (ZrtpBytes){preimage, ZRTP_IMAGE_SIZE}, computed);
  return zrtp_equal (computed, image, ZRTP_IMAGE_SIZE);
}

/* H0 = 256-bit random nonce, H1 = hash (H0), H2 = hash (H1), H3 = hash (H2), §9. */
static void
make_chain (ZrtpEngine *engine, const uint8_t h0[ZRTP_IMAGE_SIZE])
{
  ZrtpHashChain *chain = &engine->chain;

  memcpy (chain->h[0], h0, ZRTP_IMAGE_SIZE);
  for (unsigned i = 1; i < 4; i++)
    zrtp_image (engine, (ZrtpBytes){chain->h[i - 1], ZRTP_IMAGE_SIZE}, chain->h[i]);
}

/* What of an engine is random from the start: the chain, and the sequence number, which is "initialized to a
 * random value" (§5); 1 to 4095 because libbzrtp takes no number twice and knows no wrap-around. */
static bool
draw_beginning (ZrtpEngine *engine)
{
  uint8_t octets[ZRTP_IMAGE_SIZE + 2];
  const uint8_t *sequence = octets + ZRTP_IMAGE_SIZE;
  const bool ok = zrtp_random (engine, octets, sizeof octets);

  if (ok) {
    make_chain (engine, octets);
    engine->sequence = (uint16_t) ((sequence[0] << 8 | sequence[1]) % 4095 + 1);
  }
  zrtp_wipe (octets, sizeof octets);
  return ok;
}

static void
make_hello (ZrtpEngine *engine)
{
  ZrtpHello hello = {
      .version = {'1', '.', '1', '0'},
      .mitm = engine->config.mitm,
      .offer = engine->config.offer,
  };

  memcpy (hello.client_id, engine->config.client_id, sizeof hello.client_id);
  memcpy (hello.h3, engine->chain.h[3], sizeof hello.h3);
  memcpy (hello.zid, engine->call->zid, sizeof hello.zid);
  engine->hello_size =
      zrtp_hello_write (&hello, engine->call->s256, engine->chain.h[2], engine->hello);
}

/* The modes without DH are listed behind the key agreements (§5.1.5). In a list that has no room for
 * them DH3k goes first, because every endpoint adds it to a list without it (§5.2), then the last. */
static void
list_modes (ZrtpConfig *config)
{
  ZrtpList *list = &config->offer.list[ZRTP_KEY_AGREEMENT];
  const unsigned room = ZRTP_MAX_LISTED - (config->allow_preshared ? 2 : 1);
  const bool full = list->n > room;
  unsigned kept = 0;

  for (unsigned i = 0; i < list->n; i++)
    if (!(full && list->type[i] == ZRTP_DH3K) && kept < room)
      list->type[kept++] = list->type[i];
  if (config->allow_preshared)
    list->type[kept++] = ZRTP_PRSH;
  list->type[kept++] = ZRTP_MULT;
  list->n = (uint8_t) kept;
}

ZrtpEngine *
zrtp_engine_new (ZrtpCall *call, const ZrtpConfig *config)
{
  ZrtpEngine *engine = calloc (1, sizeof *engine);

  if (!engine)
    return NULL;
  engine->call = call;
  engine->config = *config;
  engine->wanted_offer = config->offer;
  list_modes (&engine->config);
  zrtp_call_add (call, engine);
  engine->wanted_ssrc = config->ssrc;
  if (!draw_beginning (engine)) {
    zrtp_engine_free (engine);
    return NULL;
  }
  make_hello (engine);
  return engine;
}

void
zrtp_exchange_free (ZrtpEngine *engine)
{
  /* What waits to be sent is rendered from the exchange. */
  engine->outbox &= ~(uint32_t) (ZRTP_OUT_COMMIT | ZRTP_OUT_DHPART | ZRTP_OUT_CONFIRM);
  engine->record_wanted = false;
  zrtp_call_release_lead (engine->call, engine);
  if (!engine->exchange)
    return;
  zrtp_aux_release (engine->exchange->aux);
  zrtp_wipe (engine->exchange, sizeof *engine->exchange);
  free (engine->exchange);
  engine->exchange = NULL;
}

void
zrtp_engine_free (ZrtpEngine *engine)
{
  if (!engine)
    return;
  zrtp_end_successor (engine);
  zrtp_clear_abandoned (engine);
  zrtp_exchange_free (engine);
  zrtp_call_remove (engine->call, engine);
  zrtp_wipe (engine, sizeof *engine);
  free (engine);
}

void
zrtp_engine_get_hello_hash (const ZrtpEngine *engine, uint8_t out[ZRTP_HELLO_HASH_SIZE])
{
  zrtp_image (engine, zrtp_own_hello (engine), out);
}

/* A peer knows our messages by the SSRC of our Hello: it stays as long as that peer does. */
void
zrtp_engine_set_ssrc (ZrtpEngine *engine, uint32_t ssrc)
{
  engine->wanted_ssrc = ssrc;
  if (engine->successor)
    zrtp_engine_set_ssrc (engine->successor, ssrc);
  if (!engine->peer_known)
    engine->config.ssrc = ssrc;
}

void *
zrtp_engine_get_owner (const ZrtpEngine *engine)
{
  return engine->config.owner;
}

ZrtpState
zrtp_engine_get_state (const ZrtpEngine *engine)
{
  return engine->state;
}

ZrtpRole
zrtp_engine_get_role (const ZrtpEngine *engine)
{
  return engine->role;
}

bool
zrtp_engine_is_first (const ZrtpEngine *engine)
{
  return engine->is_first;
}

const ZrtpCounters *
zrtp_engine_get_counters (const ZrtpEngine *engine)
{
  return &engine->counters;
}

/* --- Moving on ---------------------------------------------------------------------------------- */

/* Where the peer may still want our Hello; in clear mode, when an exchange did not get that far. */
static bool
says_hello (ZrtpState state)
{
  return state == ZRTP_STATE_DISCOVERY || state == ZRTP_STATE_COMMIT_SENT ||
         state == ZRTP_STATE_GOCLEAR_SENT || state == ZRTP_STATE_CLEAR_WAITING ||
         state == ZRTP_STATE_CLEAR;
}

void
zrtp_advance (ZrtpEngine *engine, ZrtpState state, uint32_t message, uint64_t now)
{
  engine->state = state;
  if (!says_hello (state))
    zrtp_timer_stop (&engine->hello_timer);
  zrtp_timer_stop (&engine->message_timer);
  engine->patience_armed = false;
  engine->clearack_due = 0;

  engine->chain_used |= state >= ZRTP_STATE_COMMIT_SENT && state <= ZRTP_STATE_CONFIRM2_SENT;
  switch (state) {
    case ZRTP_STATE_COMMIT_SENT:
    case ZRTP_STATE_DHPART2_SENT:
    case ZRTP_STATE_CONFIRM2_SENT:
    case ZRTP_STATE_GOCLEAR_SENT:
    case ZRTP_STATE_ERROR_SENT:
      zrtp_timer_start (&engine->message_timer, &zrtp_t2, now);
      break;
    case ZRTP_STATE_DHPART1_SENT:
    case ZRTP_STATE_CONFIRM1_SENT:
      engine->patience_armed = true;
      engine->patience_due = now + responder_patience;
      break;
    default:
      break;
  }
  zrtp_send (engine, message);
}

/* The termination "results in no updates to the cached shared secrets and deletion of all crypto
 * context for that media stream", §4.7.1. */
static void
end_negotiation (ZrtpEngine *engine, ZrtpErrorCode code, bool by_peer)
{
  zrtp_exchange_free (engine);
  zrtp_wipe (&engine->receive_key, sizeof engine->receive_key);
  zrtp_wipe (&engine->send_key, sizeof engine->send_key);
  /* A Hello that waits still goes out: the peer finds the same fault in it. */
  engine->outbox &= ZRTP_OUT_PINGACK | ZRTP_OUT_PING | ZRTP_OUT_HELLO | ZRTP_OUT_HELLOACK;
  engine->events = 0;
  engine->resume_state = ZRTP_STATE_IDLE;
  engine->error_code = code;
  engine->error_by_peer = by_peer;
  zrtp_event (engine, ZRTP_EVENT_FAILED);
}

ZrtpResult
zrtp_fail (ZrtpEngine *engine, ZrtpErrorCode code, uint64_t now)
{
  /* Who never answered our Commit may be nobody; that he does something wrong must not end a call that
   * another waits for. */
  if (engine->state == ZRTP_STATE_COMMIT_SENT && zrtp_try_rival (engine, now))
    return ZRTP_REFUSED;
  if (zrtp_return_to_clear (engine, now))
    return ZRTP_REFUSED;
  end_negotiation (engine, code, false);
  zrtp_advance (engine, ZRTP_STATE_ERROR_SENT, ZRTP_OUT_ERROR, now);
  return ZRTP_REFUSED;
}

/* The Error that our Preshared Commit got; repeated, because the ErrorACK was lost, while DH is under way. */
static bool
is_answer_to_preshared (const ZrtpEngine *engine, const ZrtpPacket *packet)
{
  return engine->exchange->no_preshared &&
         zrtp_error_parse (packet->message) == ZRTP_ERROR_NO_SECRET;
}

ZrtpResult
zrtp_on_error (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  /* No MAC can protect an Error (§4.7.1); its SSRC at least is one that somebody off the path does
   * not know. */
  if (packet->ssrc != engine->peer.ssrc)
    return ZRTP_UNEXPECTED;
  if (is_answer_to_preshared (engine, packet)) {
    zrtp_send (engine, ZRTP_OUT_ERRORACK);
    return ZRTP_REPEATED;
  }
  if (engine->state == ZRTP_STATE_COMMIT_SENT && zrtp_try_rival (engine, now))
    return ZRTP_UNEXPECTED;
  if (zrtp_return_to_clear (engine, now))
    return ZRTP_UNEXPECTED;
  end_negotiation (engine, zrtp_error_parse (packet->message), true);
  zrtp_advance (engine, ZRTP_STATE_FAILED, ZRTP_OUT_ERRORACK, now);
  return ZRTP_ACCEPTED;
}

/* "No shared secret available, DH mode required": the answer to a Preshared Commit, §4.4.2.3. */
ZrtpResult
zrtp_on_commit_error (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  if (packet->ssrc != engine->peer.ssrc || engine->record_wanted ||
      engine->exchange->mode != ZRTP_MODE_PRESHARED ||
      zrtp_error_parse (packet->message) != ZRTP_ERROR_NO_SECRET)
    return zrtp_on_error (engine, packet, now);
  engine->exchange->no_preshared = true;
  zrtp_send (engine, ZRTP_OUT_ERRORACK);
  zrtp_commit_dh (engine, now);
  return ZRTP_ACCEPTED;
}

/* The peer stops repeating it, and that is all. */
ZrtpResult
zrtp_on_late_error (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  if (packet->ssrc == engine->peer.ssrc)
    zrtp_send (engine, ZRTP_OUT_ERRORACK);
  return ZRTP_UNEXPECTED;
}

ZrtpResult
zrtp_on_error_again (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  if (packet->ssrc != engine->peer.ssrc)
    return ZRTP_UNEXPECTED;
  zrtp_send (engine, ZRTP_OUT_ERRORACK);
  return ZRTP_REPEATED;
}

ZrtpResult
zrtp_on_errorack (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now)
{
  if (packet->ssrc != engine->peer.ssrc)
    return ZRTP_UNEXPECTED;
  zrtp_advance (engine, ZRTP_STATE_FAILED, 0, now);
  return ZRTP_ACCEPTED;
}

/* --- Timers ------------------------------------------------------------------------------------- */

static void
hello_timeout (ZrtpEngine *engine, uint64_t now)
{
  switch (zrtp_timer_fire (&engine->hello_timer, now)) {
    case ZRTP_TIMER_WAIT:
      break;
    case ZRTP_TIMER_RESEND:
      zrtp_send (engine, ZRTP_OUT_HELLO);
      engine->counters.retransmissions++;
      break;
    case ZRTP_TIMER_SPENT:
      engine->answer_missed = true;
      if (engine->state != ZRTP_STATE_DISCOVERY || engine->peer_known)
        break;
      /* Only Hellos that were no good came: now it is an error. Not before, because a forged one must
       * not end what the real one would begin. */
      if (engine->discovery_error)
        zrtp_fail (engine, engine->discovery_error, now);
      else
        zrtp_event (engine, ZRTP_EVENT_NO_ANSWER);
      break;
  }
}

void
zrtp_forget_peer (ZrtpEngine *engine, uint64_t now)
{
  zrtp_exchange_free (engine);
  zrtp_advance (engine, ZRTP_STATE_DISCOVERY, 0, now);
  engine->peer_known = false;
  engine->hello_acked = false;
  engine->answer_missed = true;
  engine->role = ZRTP_ROLE_NONE;
  engine->config.ssrc = engine->wanted_ssrc;
}

/* A peer whose Confirms are all wrong is not silent: the keys differ. */
static ZrtpErrorCode
why_silent (const ZrtpEngine *engine)
{
  return engine->exchange->bad_confirms ? ZRTP_ERROR_CONFIRM_MAC : ZRTP_ERROR_TIMEOUT;
}

/* Nobody answers. Who never answered our Commit is no peer that failed: his Hello may have been
 * anybody's, and another may come. */
static void
give_up (ZrtpEngine *engine, uint64_t now)
{
  switch (engine->state) {
    case ZRTP_STATE_COMMIT_SENT:
      if (zrtp_try_rival (engine, now))
        break;
      if (engine->resume_state) { /* the peer was there, and is not nobody */
        zrtp_fail (engine, ZRTP_ERROR_TIMEOUT, now);
        break;
      }
      zrtp_forget_peer (engine, now);
      if (!engine->hello_timer.armed) /* else when that schedule is spent, §6 */
        zrtp_event (engine, ZRTP_EVENT_NO_ANSWER);
      break;
    case ZRTP_STATE_ERROR_SENT:
      zrtp_advance (engine, ZRTP_STATE_FAILED, 0, now);
      break;
    case ZRTP_STATE_GOCLEAR_SENT:
      zrtp_clear_unanswered (engine, now);
      break;
    case ZRTP_STATE_SECURE:
      break; /* a SASrelay or an Error that nobody acknowledged */
    default:
      zrtp_fail (engine, why_silent (engine), now);
      break;
  }
}

static void
message_timeout (ZrtpEngine *engine, uint64_t now)
{
  static const uint32_t message[ZRTP_N_STATES] = {
      [ZRTP_STATE_COMMIT_SENT] = ZRTP_OUT_COMMIT,
      [ZRTP_STATE_DHPART2_SENT] = ZRTP_OUT_DHPART,
      [ZRTP_STATE_CONFIRM2_SENT] = ZRTP_OUT_CONFIRM,
      [ZRTP_STATE_GOCLEAR_SENT] = ZRTP_OUT_GOCLEAR,
      [ZRTP_STATE_ERROR_SENT] = ZRTP_OUT_ERROR,
  };

  switch (zrtp_timer_fire (&engine->message_timer, now)) {
    case ZRTP_TIMER_WAIT:
      break;
    case ZRTP_TIMER_RESEND:
      /* Three Commits (0.45 s) without an answer, and somebody else has said Hello: try him. */
      if (engine->state == ZRTP_STATE_COMMIT_SENT && engine->message_timer.sent >= 3 &&
          zrtp_try_rival (engine, now))
        break;
      zrtp_send (engine,
          engine->state == ZRTP_STATE_SECURE ? engine->relay_message : message[engine->state]);
      engine->counters.retransmissions++;
      break;
    case ZRTP_TIMER_SPENT:
      give_up (engine, now);
      break;
  }
}

void
zrtp_engine_handle_timeout (ZrtpEngine *engine, uint64_t now)
{
  hello_timeout (engine, now);
  message_timeout (engine, now);
  if (engine->patience_armed && now >= engine->patience_due)
    zrtp_fail (engine, why_silent (engine), now);
  if (zrtp_timer_fire (&engine->ping_timer, now) == ZRTP_TIMER_RESEND)
    zrtp_send (engine, ZRTP_OUT_PING);
  zrtp_repeat_clearack (engine, now);
  zrtp_speak_on (engine, now);
  /* The exchange of another stream has ended. */
  if (zrtp_is_waiting (engine) && !engine->call->lead)
    zrtp_proceed (engine, now);
  zrtp_successor_timeout (engine, now);
}

bool
zrtp_engine_next_timeout (const ZrtpEngine *engine, uint64_t *when)
{
  const struct {
    bool armed;
    uint64_t due;
  } timers[] = {
      {engine->hello_timer.armed, engine->hello_timer.due},
      {engine->message_timer.armed, engine->message_timer.due},
      {engine->patience_armed, engine->patience_due},
      {engine->ping_timer.armed, engine->ping_timer.due},
      {engine->clearack_due != 0, engine->clearack_due},
  };
  bool any = zrtp_successor_next_timeout (engine, when);

  for (unsigned i = 0; i < sizeof timers / sizeof *timers; i++)
    if (timers[i].armed && (!any || timers[i].due < *when)) {
      any = true;
      *when = timers[i].due;
    }
  return any;
}

/* --- Queues ------------------------------------------------------------------------------------- */

static size_t
write_ping (const ZrtpEngine *engine, uint8_t buffer[ZRTP_PING_SIZE])
{
  ZrtpPing ping = {.version = {'1', '.', '1', '0'}};

  memcpy (ping.endpoint_hash, engine->call->zid, sizeof ping.endpoint_hash);
  return zrtp_ping_write (&ping, buffer);
}

/* The highest version we know, whatever was asked for; the EndpointHash "can be just the truncated
 * ZID", §5.16. */
static size_t
write_pingack (const ZrtpEngine *engine, uint8_t buffer[ZRTP_PINGACK_SIZE])
{
  ZrtpPingAck pingack = {.version = {'1', '.', '1', '0'}, .ssrc = engine->ping_ssrc};

  memcpy (pingack.endpoint_hash, engine->call->zid, sizeof pingack.endpoint_hash);
  memcpy (
      pingack.ping_endpoint_hash, engine->ping.endpoint_hash, sizeof pingack.ping_endpoint_hash);
  return zrtp_pingack_write (&pingack, buffer);
}

static ZrtpBytes
render (const ZrtpEngine *engine, uint32_t message, uint8_t buffer[ZRTP_PINGACK_SIZE])
{
  const ZrtpExchange *exchange = engine->exchange;

  switch (message) {
    case ZRTP_OUT_HELLO:
      return zrtp_own_hello (engine);
    case ZRTP_OUT_COMMIT:
      return (ZrtpBytes){exchange->commit, exchange->commit_size};
    case ZRTP_OUT_DHPART:
      return (ZrtpBytes){exchange->dhpart, exchange->dhpart_size};
    case ZRTP_OUT_CONFIRM:
      return ZRTP_BYTES (exchange->confirm);
    case ZRTP_OUT_HELLOACK:
      return (ZrtpBytes){buffer, zrtp_ack_write (buffer, ZRTP_MESSAGE_HELLOACK)};
    case ZRTP_OUT_CONF2ACK:
      return (ZrtpBytes){buffer, zrtp_ack_write (buffer, ZRTP_MESSAGE_CONF2ACK)};
    case ZRTP_OUT_ERRORACK:
      return (ZrtpBytes){buffer, zrtp_ack_write (buffer, ZRTP_MESSAGE_ERRORACK)};
    case ZRTP_OUT_GOCLEAR:
      return (ZrtpBytes){buffer, zrtp_goclear_write (engine->kept.clear_mac[0], buffer)};
    case ZRTP_OUT_CLEARACK:
      return (ZrtpBytes){buffer, zrtp_ack_write (buffer, ZRTP_MESSAGE_CLEARACK)};
    case ZRTP_OUT_SASRELAY:
      return ZRTP_BYTES (engine->sasrelay);
    case ZRTP_OUT_RELAYACK:
      return (ZrtpBytes){buffer, zrtp_ack_write (buffer, ZRTP_MESSAGE_RELAYACK)};
    case ZRTP_OUT_PING:
      return (ZrtpBytes){buffer, write_ping (engine, buffer)};
    case ZRTP_OUT_ERROR:
      return (ZrtpBytes){buffer, zrtp_error_write (engine->error_code, buffer)};
    default: /* ZRTP_OUT_PINGACK */
      return (ZrtpBytes){buffer, write_pingack (engine, buffer)};
  }
}

/* A successor's packets come from the same source, so they count on from its predecessor's (§5). */
static uint16_t
next_sequence (ZrtpEngine *engine)
{
  return engine->predecessor ? engine->predecessor->sequence++ : engine->sequence++;
}

size_t
zrtp_engine_poll_packet (ZrtpEngine *engine, uint8_t out[ZRTP_MAX_PACKET])
{
  uint8_t buffer[ZRTP_PINGACK_SIZE];
  uint32_t message = engine->outbox & -engine->outbox; /* the lowest bit */

  if (!message)
    return engine->successor ? zrtp_engine_poll_packet (engine->successor, out) : 0;
  engine->outbox &= ~message;
  engine->counters.sent++;
  return zrtp_packet_write (
      out, next_sequence (engine), engine->config.ssrc, render (engine, message, buffer));
}

static void
take_key (ZrtpSrtpKey *from, ZrtpSrtpKey *to)
{
  *to = *from;
  zrtp_wipe (from, sizeof *from);
}

bool
zrtp_engine_poll_event (ZrtpEngine *engine, ZrtpEvent *event)
{
  ZrtpEventKind kind = ZRTP_EVENT_NONE + 1;

  if (!engine->events)
    return zrtp_poll_successor (engine, event);
  while (!(engine->events & 1u << kind))
    kind++;
  engine->events &= ~(1u << kind);

  event->kind = kind;
  memcpy (event->peer_zid, engine->peer.hello.zid, sizeof event->peer_zid);
  switch (kind) {
    case ZRTP_EVENT_LOOKUP:
      break;
    case ZRTP_EVENT_RECEIVE_KEY:
      take_key (&engine->receive_key, &event->key);
      break;
    case ZRTP_EVENT_SEND_KEY:
      take_key (&engine->send_key, &event->key);
      break;
    case ZRTP_EVENT_STORE:
      zrtp_take_store (engine, &event->store);
      break;
    case ZRTP_EVENT_SECURE:
      event->secure = engine->secure;
      break;
    case ZRTP_EVENT_RELAYED_SAS:
      event->relayed_sas = engine->relayed_sas;
      break;
    case ZRTP_EVENT_CLEAR:
      event->clear.by_peer = engine->clear_by_peer;
      event->clear.waiting = engine->clear_waiting;
      break;
    case ZRTP_EVENT_PINGACK:
      memcpy (event->pingack.endpoint_hash, engine->pingack.endpoint_hash, 8);
      event->pingack.ssrc = engine->pingack.ssrc;
      break;
    case ZRTP_EVENT_FAILED:
      event->failed.code = engine->error_code;
      event->failed.by_peer = engine->error_by_peer;
      break;
    default:
      break;
  }
  return true;
}
