/* Our Commit, of each mode, and whose turn it is (RFC 6189 §4.2, §4.4.1.1, §4.4.2.2, §4.4.3.1).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/protocol/engine-private.h"

#include <string.h>

/* "A series of preshared-keyed calls ... should use a DH key exchange periodically", §4.4.2. */
enum {
  MAX_PRESHARED_CALLS = 10
};

/* --- Commit -------------------------------------------------------------------------------------- */

/* What stands in a Commit of every mode; then it goes out. */
static void
send_commit (ZrtpEngine *engine, uint64_t now)
{
  ZrtpExchange *exchange = engine->exchange;
  ZrtpCommit *commit = &exchange->own_commit;

  commit->choice = exchange->choice;
  memcpy (commit->h2, engine->chain.h[2], sizeof commit->h2);
  memcpy (commit->zid, engine->call->zid, sizeof commit->zid);
  exchange->commit_size =
      zrtp_commit_write (commit, engine->call->s256, engine->chain.h[1], exchange->commit);
  engine->peer.tried = true;
  /* Without waiting for HelloACK: "A Commit message may be sent in place of a HelloACK", §5.3. A
   * peer that has not seen our Hello drops it and gets both again. */
  engine->role = ZRTP_ROLE_INITIATOR;
  zrtp_advance (engine, ZRTP_STATE_COMMIT_SENT, ZRTP_OUT_COMMIT, now);
}

void
zrtp_commit_dh (ZrtpEngine *engine, uint64_t now)
{
  ZrtpExchange *exchange = engine->exchange;
  ZrtpChoice choice;

  zrtp_choose (&engine->config.offer, &engine->peer.hello.offer, &choice);
  zrtp_adopt_choice (engine, ZRTP_MODE_DH, &choice);
  if (!zrtp_have_key_pair (engine) || !zrtp_make_dhpart (engine, ZRTP_ROLE_INITIATOR)) {
    zrtp_fail (engine, ZRTP_ERROR_SOFTWARE, now);
    return;
  }
  zrtp_compute_hvi (exchange->hash, (ZrtpBytes){exchange->dhpart, exchange->dhpart_size},
      zrtp_peer_hello (engine), exchange->own_commit.hvi);
  send_commit (engine, now);
}

/* A nonce that this call has not seen. */
static bool
draw_nonce (ZrtpEngine *engine)
{
  uint8_t *nonce = engine->exchange->own_commit.nonce;

  return zrtp_random (engine, nonce, ZRTP_NONCE_SIZE) &&
         zrtp_call_note_nonce (engine->call, nonce) == ZRTP_ERROR_NONE;
}

/* §4.4.2.1: "Preshared mode depends on having a reliable shared secret in its cache": one whose SAS was
 * compared, or that protected signalling vouches for; and not too often in a row, whoever asks for it. With rs2, because
 * no copy of the old rs1 stays (§4.6.1): if one end does not store the new one, only rs2 is common. And that must not be
 * worth less than rs1. */
bool
zrtp_is_reliable (const ZrtpEngine *engine)
{
  const ZrtpRecord *record = &engine->exchange->record;

  return engine->config.allow_preshared && engine->config.cache_expiry > 0 && record->has_rs1 &&
         record->has_rs2 && record->expiry > 0 && record->preshared_calls < MAX_PRESHARED_CALLS &&
         (record->sas_verified ? record->rs2_verified : zrtp_is_signalled (engine));
}

static bool
may_preshare (const ZrtpEngine *engine)
{
  return zrtp_is_reliable (engine) &&
         zrtp_offer_has (&engine->peer.hello.offer, ZRTP_KEY_AGREEMENT, ZRTP_PRSH);
}

static void
commit_preshared (ZrtpEngine *engine, uint64_t now)
{
  ZrtpExchange *exchange = engine->exchange;
  uint8_t aux[2 * ZRTP_RS_SIZE], key[ZRTP_MAX_HASH];
  ZrtpSecrets secrets;
  ZrtpChoice choice;

  zrtp_choose (&engine->config.offer, &engine->peer.hello.offer, &choice);
  choice.type[ZRTP_KEY_AGREEMENT] = ZRTP_PRSH;
  zrtp_adopt_choice (engine, ZRTP_MODE_PRESHARED, &choice);
  if (!draw_nonce (engine)) {
    zrtp_fail (engine, ZRTP_ERROR_SOFTWARE, now);
    return;
  }
  /* Made again when the answer is there: a key that waits is a key that can be read. */
  secrets = zrtp_secrets_as (engine, ZRTP_ROLE_INITIATOR, aux);
  exchange->has_aux = exchange->aux_matched = secrets.aux.size > 0;
  exchange->pbx_matched = exchange->record.has_pbx;
  zrtp_preshared_key (&secrets, true, true, exchange->hash, key);
  zrtp_preshared_key_id (key, exchange->hash, exchange->own_commit.key_id);
  zrtp_wipe (key, sizeof key);
  zrtp_wipe (aux, sizeof aux);
  send_commit (engine, now);
}

void
zrtp_commit_ourselves (ZrtpEngine *engine, uint64_t now)
{
  if (may_preshare (engine))
    commit_preshared (engine, now);
  else
    zrtp_commit_dh (engine, now);
}

/* §4.4.3.1: "The Cipher Type, Auth Tag Length, and Hash in Multistream mode SHOULD be set by the
 * initiator to the same as the values as in the initial DH Mode Commit." */
static ZrtpChoice
choose_for_multistream (const ZrtpEngine *engine)
{
  static const ZrtpKind kinds[] = {ZRTP_HASH, ZRTP_CIPHER, ZRTP_AUTH_TAG};
  const ZrtpOffer *own = &engine->config.offer, *peer = &engine->peer.hello.offer;
  const ZrtpChoice *first = &engine->call->choice;
  ZrtpChoice choice;

  zrtp_choose (own, peer, &choice);
  for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (zrtp_offer_has (own, kinds[i], first->type[kinds[i]]) &&
        zrtp_offer_has (peer, kinds[i], first->type[kinds[i]]))
      choice.type[kinds[i]] = first->type[kinds[i]];
  choice.type[ZRTP_KEY_AGREEMENT] = ZRTP_MULT;
  choice.type[ZRTP_SAS] = first->type[ZRTP_SAS]; /* "ignored as there is no SAS authentication" */
  return choice;
}

void
zrtp_commit_multistream (ZrtpEngine *engine, uint64_t now)
{
  const ZrtpChoice choice = choose_for_multistream (engine);

  if (!zrtp_have_exchange (engine)) {
    zrtp_fail (engine, ZRTP_ERROR_SOFTWARE, now);
    return;
  }
  zrtp_adopt_choice (engine, ZRTP_MODE_MULTISTREAM, &choice);
  if (draw_nonce (engine))
    send_commit (engine, now);
  else
    zrtp_fail (engine, ZRTP_ERROR_SOFTWARE, now);
}

/* --- Whose turn it is --------------------------------------------------------------------------------- */

/* A peer that was restarted makes a new session key, on whichever stream it begins: it does not know which
 * one made the old. That it is the peer it has to show (restart.c). */
bool
zrtp_may_renew_session (const ZrtpEngine *engine)
{
  return engine->predecessor != NULL;
}

/* §4.4.3: "When adding additional media streams to an existing call, Multistream mode MUST be used.", "a
 * ZRTP endpoint MUST use the same ZID for all media streams". Anything else on a further stream would
 * be a key exchange whose SAS nobody compares. */
bool
zrtp_fits_call (const ZrtpEngine *engine, const ZrtpHello *hello)
{
  const ZrtpCall *call = engine->call;

  return !call->secure || zrtp_may_renew_session (engine) ||
         (zrtp_equal (hello->zid, call->peer_zid, ZRTP_ZID_SIZE) &&
             zrtp_offer_has (&hello->offer, ZRTP_KEY_AGREEMENT, ZRTP_MULT));
}

/* §4.4.3: there is a session key, of the same peer, who knows the mode. */
bool
zrtp_can_multistream (const ZrtpEngine *engine)
{
  const ZrtpHello *hello = &engine->peer.hello;

  return engine->call->secure && zrtp_equal (hello->zid, engine->call->peer_zid, ZRTP_ZID_SIZE) &&
         zrtp_offer_has (&hello->offer, ZRTP_KEY_AGREEMENT, ZRTP_MULT);
}

bool
zrtp_is_waiting (const ZrtpEngine *engine)
{
  return engine->state == ZRTP_STATE_DISCOVERY && engine->peer_known && !engine->record_wanted &&
         engine->call->lead != engine;
}

void
zrtp_step_back (ZrtpEngine *engine)
{
  zrtp_exchange_free (engine);
  zrtp_timer_stop (&engine->message_timer);
  engine->state = ZRTP_STATE_DISCOVERY; /* its Hello may still have to be repeated */
  engine->role = ZRTP_ROLE_NONE;
}

static bool
is_alone (const ZrtpEngine *engine)
{
  for (const ZrtpEngine *other = engine->call->engines; other; other = other->next)
    if (other != engine && other->state != ZRTP_STATE_IDLE)
      return false;
  return true;
}

/* A stream for which others will wait must be one on which the peer hears us: "after receiving both a Hello
 * message and a HelloACK message", §5.4. When none comes, who knows which of them was lost. */
static bool
may_lead (const ZrtpEngine *engine)
{
  return engine->hello_acked || !engine->hello_timer.armed || is_alone (engine);
}

void
zrtp_proceed (ZrtpEngine *engine, uint64_t now)
{
  if (!zrtp_fits_call (engine, &engine->peer.hello))
    zrtp_refuse_peer (engine, now);
  else if (engine->predecessor)
    zrtp_step_back (engine); /* who begins anew commits, and knows in which mode */
  else if (engine->call->secure && zrtp_is_going_clear (engine->call))
    zrtp_step_back (engine);
  else if (engine->call->secure)
    zrtp_commit_multistream (engine, now);
  else if (may_lead (engine) && zrtp_call_take_lead (engine->call, engine))
    zrtp_want_record (engine);
  else
    zrtp_step_back (engine);
}
