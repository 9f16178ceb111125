/* SHA-256 and SHA-384 with their HMACs (RFC 6189 §5.1.2), from Nettle.
 *
 * Nothing is allocated: the contexts stand on the stack. They are wiped in digests too, because s0
 * (§4.4.1.4) is a plain hash over secrets, and what a hash leaves behind is its input and output.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "ext/nettle/zrtp-nettle.h"

#include <nettle/hmac.h>
#include <nettle/nettle-meta.h>
#include <nettle/sha2.h>

typedef union {
  struct sha256_ctx sha256;
  struct sha384_ctx sha384;
} HashContext;

static void
update (
    const struct nettle_hash *hash, HashContext *context, const ZrtpBytes *parts, size_t n_parts)
{
  for (size_t i = 0; i < n_parts; i++)
    if (parts[i].size > 0)
      hash->update (context, parts[i].size, parts[i].data);
}

static void
digest (const struct nettle_hash *hash, const ZrtpBytes *parts, size_t n_parts, uint8_t *out)
{
  HashContext context;

  hash->init (&context);
  update (hash, &context, parts, n_parts);
  hash->digest (&context, hash->digest_size, out);
  zrtp_wipe (&context, hash->context_size);
}

static void
mac (const struct nettle_hash *hash, ZrtpBytes key, const ZrtpBytes *parts, size_t n_parts,
    uint8_t *out)
{
  HashContext outer, inner, state;

  hmac_set_key (&outer, &inner, &state, hash, key.size, key.data);
  update (hash, &state, parts, n_parts);
  hmac_digest (&outer, &inner, &state, hash, hash->digest_size, out);
  zrtp_wipe (&outer, hash->context_size);
  zrtp_wipe (&inner, hash->context_size);
  zrtp_wipe (&state, hash->context_size);
}

static void
s256_digest (const ZrtpBytes *parts, size_t n_parts, uint8_t *out)
{
  digest (&nettle_sha256, parts, n_parts, out);
}

static void
s256_mac (ZrtpBytes key, const ZrtpBytes *parts, size_t n_parts, uint8_t *out)
{
  mac (&nettle_sha256, key, parts, n_parts, out);
}

static void
s384_digest (const ZrtpBytes *parts, size_t n_parts, uint8_t *out)
{
  digest (&nettle_sha384, parts, n_parts, out);
}

static void
s384_mac (ZrtpBytes key, const ZrtpBytes *parts, size_t n_parts, uint8_t *out)
{
  mac (&nettle_sha384, key, parts, n_parts, out);
}

const ZrtpHash zrtp_nettle_s256 = {
    .type = ZRTP_TYPE ('S', '2', '5', '6'),
    .size = SHA256_DIGEST_SIZE,
    .digest = s256_digest,
    .mac = s256_mac,
};

const ZrtpHash zrtp_nettle_s384 = {
    .type = ZRTP_TYPE ('S', '3', '8', '4'),
    .size = SHA384_DIGEST_SIZE,
    .digest = s384_digest,
    .mac = s384_mac,
};
