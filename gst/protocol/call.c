/* What the streams of a call share (RFC 6189 §4.4.3, §4.5.2): the session key, the SAS, the nonces, the
 * auxiliary secret, and whose turn it is.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/protocol/engine-private.h"
#include "gst/protocol/secrets.h"

#include <stdlib.h>
#include <string.h>

/* More than any call has streams and visits to clear mode; so nobody makes the list grow for ever. */
enum {
  MAX_NONCES = 1024
};

ZrtpCall *
zrtp_call_new (const ZrtpCrypto *crypto, const uint8_t zid[ZRTP_ZID_SIZE])
{
  ZrtpCall *call = calloc (1, sizeof *call);

  if (!call)
    return NULL;
  call->crypto = crypto;
  call->s256 = zrtp_crypto_hash (crypto, ZRTP_S256);
  memcpy (call->zid, zid, sizeof call->zid);
  return call;
}

/* "ZRTPSess MUST be destroyed no later than the end of the call signaling session", §4.5.2. */
void
zrtp_call_free (ZrtpCall *call)
{
  if (!call)
    return;
  zrtp_aux_release (call->aux);
  free (call->nonces);
  zrtp_wipe (call, sizeof *call);
  free (call);
}

void
zrtp_call_end (ZrtpCall *call)
{
  call->secure = call->v_flag = call->sas_verified = false;
  call->enrolled = call->enrollment_offered = false;
  call->s1 = ZRTP_S1_NULL;
  zrtp_wipe (call->sashash, sizeof call->sashash);
  zrtp_wipe (call->zrtpsess, sizeof call->zrtpsess);
  zrtp_wipe (call->exported_key, sizeof call->exported_key);
  zrtp_wipe (call->sas, sizeof call->sas);
  call->n_nonces = 0;
}

/* --- Streams -------------------------------------------------------------------------------------- */

void
zrtp_call_add (ZrtpCall *call, ZrtpEngine *engine)
{
  engine->next = call->engines;
  call->engines = engine;
}

bool
zrtp_was_secure (const ZrtpEngine *engine)
{
  switch (engine->state) {
    case ZRTP_STATE_SECURE:
    case ZRTP_STATE_GOCLEAR_SENT:
    case ZRTP_STATE_CLEAR_WAITING:
    case ZRTP_STATE_CLEAR:
      return true;
    default:
      return engine->resume_state != ZRTP_STATE_IDLE;
  }
}

/* The first stream ends and the call goes on: another one speaks for it, so that its SAS can still be
 * verified and its secret kept. */
static void
bequeath (ZrtpCall *call, ZrtpEngine *from)
{
  ZrtpEngine *heir = call->engines;

  while (heir && !zrtp_was_secure (heir))
    heir = heir->next;
  if (!heir || !from->is_first)
    return;
  heir->is_first = true;
  heir->cached = from->cached;
  heir->previous = from->previous;
  heir->pending = from->pending;
  heir->continued = from->continued;
  heir->store_delayed = from->store_delayed;
  heir->secret_erased = from->secret_erased;
  heir->sas_compared = from->sas_compared;
}

void
zrtp_call_remove (ZrtpCall *call, ZrtpEngine *engine)
{
  ZrtpEngine **place = &call->engines;

  while (*place && *place != engine)
    place = &(*place)->next;
  if (*place)
    *place = engine->next;
  bequeath (call, engine);
  zrtp_call_release_lead (call, engine);
}

ZrtpEngine *
zrtp_call_next_stirred (ZrtpCall *call)
{
  for (ZrtpEngine *engine = call->engines; engine; engine = engine->next)
    if (engine->stirred) {
      engine->stirred = false;
      return engine;
    }
  return NULL;
}

/* §4.4.1: "only one in-process ZRTP DH exchange may occur at a time between two ZRTP endpoints" */
bool
zrtp_call_take_lead (ZrtpCall *call, ZrtpEngine *engine)
{
  if (!call->lead)
    call->lead = engine;
  return call->lead == engine;
}

/* "Once that exchange completes ..., another ZRTP DH exchange can begin." */
void
zrtp_call_release_lead (ZrtpCall *call, ZrtpEngine *engine)
{
  if (call->lead != engine)
    return;
  call->lead = NULL;
  for (ZrtpEngine *other = call->engines; other; other = other->next)
    other->stirred |=
        other != engine &&
        (zrtp_is_waiting (other) || (other->successor && zrtp_is_waiting (other->successor)));
}

/* --- The session key --------------------------------------------------------------------------------- */

void
zrtp_call_adopt (
    ZrtpCall *call, const ZrtpEngine *engine, const ZrtpHash *hash, const ZrtpKeys *keys)
{
  if (call->secure)
    return; /* "only the first media stream is permitted to calculate" these, §4.5.2 */
  call->secure = true;
  call->hash = hash;
  call->choice = engine->secure.choice;
  memcpy (call->sas, engine->secure.sas, sizeof call->sas);
  memcpy (call->peer_zid, engine->peer.hello.zid, sizeof call->peer_zid);
  memcpy (call->sashash, keys->sashash, sizeof call->sashash);
  memcpy (call->zrtpsess, keys->zrtpsess, sizeof call->zrtpsess);
  memcpy (call->exported_key, keys->exported_key, sizeof call->exported_key);
  call->kdf_context = keys->kdf_context;
}

/* ZIDi || ZIDr, of the exchange that made ZRTPSess */
static ZrtpBytes
zid_context (const ZrtpCall *call)
{
  return (ZrtpBytes){call->kdf_context.data, 2 * ZRTP_ZID_SIZE};
}

/* ZRTPSess = KDF(ZRTPSess, "New ZRTP Session", (ZIDi || ZIDr), negotiated hash length), §4.7.2.1 */
void
zrtp_call_replace_zrtpsess (ZrtpCall *call)
{
  uint8_t fresh[ZRTP_MAX_HASH];
  const size_t size = call->hash->size;

  zrtp_kdf (call->hash, (ZrtpBytes){call->zrtpsess, size}, "New ZRTP Session", zid_context (call),
      fresh, size);
  memcpy (call->zrtpsess, fresh, size);
  zrtp_wipe (fresh, sizeof fresh);
}

/* pbxsecret = KDF(ZRTPSess, "Trusted MiTM key", (ZIDi || ZIDr), 256), §7.3.1 */
void
zrtp_call_pbxsecret (const ZrtpCall *call, uint8_t out[ZRTP_RS_SIZE])
{
  zrtp_kdf (call->hash, (ZrtpBytes){call->zrtpsess, call->hash->size}, "Trusted MiTM key",
      zid_context (call), out, ZRTP_RS_SIZE);
}

const uint8_t *
zrtp_call_get_sashash (const ZrtpCall *call)
{
  return call->secure ? call->sashash : NULL;
}

bool
zrtp_call_export_key (const ZrtpCall *call, const char *label, uint8_t *out, size_t size)
{
  if (!call->secure || size == 0 || size > call->hash->size)
    return false;
  zrtp_kdf (call->hash, (ZrtpBytes){call->exported_key, call->hash->size}, label,
      (ZrtpBytes){call->kdf_context.data, call->kdf_context.size}, out, size);
  return true;
}

/* --- Nonces -------------------------------------------------------------------------------------------- */

bool
zrtp_call_knows_nonce (const ZrtpCall *call, const uint8_t nonce[ZRTP_NONCE_SIZE])
{
  for (size_t i = 0; i < call->n_nonces; i++)
    if (zrtp_equal (call->nonces[i], nonce, ZRTP_NONCE_SIZE))
      return true;
  return false;
}

/* §4.4.3.1: "Its value MUST be unique for all nonce values chosen for active ZRTP sessions between a pair
 * of endpoints." Those of both ends are noted. */
ZrtpErrorCode
zrtp_call_note_nonce (ZrtpCall *call, const uint8_t nonce[ZRTP_NONCE_SIZE])
{
  uint8_t (*grown)[ZRTP_NONCE_SIZE];

  if (zrtp_call_knows_nonce (call, nonce))
    return ZRTP_ERROR_NONCE;
  if (call->n_nonces == MAX_NONCES)
    return ZRTP_ERROR_UNAVAILABLE;
  grown = realloc (call->nonces, (call->n_nonces + 1) * sizeof *grown);
  if (!grown)
    return ZRTP_ERROR_SOFTWARE;
  call->nonces = grown;
  memcpy (grown[call->n_nonces++], nonce, ZRTP_NONCE_SIZE);
  return ZRTP_ERROR_NONE;
}

/* --- auxsecret ------------------------------------------------------------------------------------------ */

static ZrtpAux *
aux_new (const uint8_t *secret, size_t size)
{
  ZrtpAux *aux = calloc (1, sizeof *aux + size);

  if (!aux)
    return NULL;
  aux->uses = 1;
  aux->size = size;
  if (size)
    memcpy (aux->secret, secret, size);
  return aux;
}

ZrtpAux *
zrtp_call_use_aux (ZrtpCall *call)
{
  if (call->aux)
    call->aux->uses++;
  return call->aux;
}

void
zrtp_aux_release (ZrtpAux *aux)
{
  if (!aux || --aux->uses > 0)
    return;
  zrtp_wipe (aux, sizeof *aux + aux->size);
  free (aux);
}

static void
replace_aux (ZrtpCall *call, ZrtpAux *aux)
{
  zrtp_aux_release (call->aux);
  call->aux = aux;
}

bool
zrtp_call_set_aux (ZrtpCall *call, const uint8_t *secret, size_t size)
{
  ZrtpAux *aux = size ? aux_new (secret, size) : NULL;

  if (size && !aux)
    return false;
  replace_aux (call, aux);
  return true;
}

bool
zrtp_call_set_sdes (ZrtpCall *call, const ZrtpSdesKey *own, const ZrtpSdesKey *peer)
{
  ZrtpAux *aux = aux_new (NULL, 0);

  if (!aux)
    return false;
  if (own)
    aux->sdes[0] = *own;
  if (peer)
    aux->sdes[1] = *peer;
  replace_aux (call, aux);
  return true;
}

static bool
same_sdes (const ZrtpSdesKey *a, const ZrtpSdesKey *b)
{
  return a->key_size == b->key_size && a->salt_size == b->salt_size &&
         zrtp_equal (a->key, b->key, a->key_size) && zrtp_equal (a->salt, b->salt, a->salt_size);
}

ZrtpBytes
zrtp_auxsecret (const ZrtpAux *aux, const ZrtpHash *hash, ZrtpRole role,
    const uint8_t own_zid[ZRTP_ZID_SIZE], const uint8_t peer_zid[ZRTP_ZID_SIZE],
    uint8_t buffer[2 * ZRTP_RS_SIZE])
{
  const bool initiator = role == ZRTP_ROLE_INITIATOR;
  const uint8_t *const zid[2] = {
      [ZRTP_I] = initiator ? own_zid : peer_zid, [ZRTP_R] = initiator ? peer_zid : own_zid};
  const ZrtpSdesKey *sender[2];
  size_t size = 0;

  if (!aux)
    return (ZrtpBytes){NULL, 0};
  if (aux->size)
    return (ZrtpBytes){aux->secret, aux->size};
  sender[ZRTP_I] = &aux->sdes[initiator ? 0 : 1];
  sender[ZRTP_R] = &aux->sdes[initiator ? 1 : 0];
  for (unsigned i = 0; i < 2; i++) {
    if (sender[i]->key_size == 0 || (i == ZRTP_R && size && same_sdes (sender[0], sender[1])))
      continue;
    zrtp_srtps (hash, (ZrtpBytes){sender[i]->key, sender[i]->key_size},
        (ZrtpBytes){sender[i]->salt, sender[i]->salt_size}, zid, buffer + size);
    size += ZRTP_RS_SIZE;
  }
  return (ZrtpBytes){buffer, size};
}
