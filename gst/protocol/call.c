/* What the streams of a call share (RFC 6189 §4.4.3, §4.5.2).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/protocol/engine-private.h"

#include <stdlib.h>
#include <string.h>

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
  zrtp_wipe (call, sizeof *call);
  free (call);
}

void
zrtp_call_adopt (ZrtpCall *call, const ZrtpHash *hash, const ZrtpKeys *keys)
{
  if (call->secure)
    return; /* "only the first media stream is permitted to calculate" these, §4.5.2 */
  call->secure = true;
  call->hash = hash;
  memcpy (call->sashash, keys->sashash, sizeof call->sashash);
  memcpy (call->zrtpsess, keys->zrtpsess, sizeof call->zrtpsess);
  memcpy (call->exported_key, keys->exported_key, sizeof call->exported_key);
  call->kdf_context = keys->kdf_context;
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
