/* SHA-256, SHA-384, SHA-512, SHA3-256 and SHA3-384 with their HMACs (RFC 6189 §5.1.2), from Nettle.
 *
 * "For the SHA-2 and SHA-3 hashes, the negotiated MAC is the HMAC based on the negotiated hash"
 * (§5.1.2.1): one function for all, over Nettle's description of the hash.
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
#include <nettle/sha3.h>

typedef union {
  struct sha256_ctx sha256;
  struct sha512_ctx sha512; /* and SHA-384 */
  struct sha3_256_ctx sha3_256;
  struct sha3_384_ctx sha3_384;
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

#define DEFINE_HASH(name, nettle)                                                                  \
  static void name##_digest (const ZrtpBytes *parts, size_t n_parts, uint8_t *out)                 \
  {                                                                                                \
    digest (&nettle, parts, n_parts, out);                                                         \
  }                                                                                                \
                                                                                                   \
  static void name##_mac (ZrtpBytes key, const ZrtpBytes *parts, size_t n_parts, uint8_t *out)     \
  {                                                                                                \
    mac (&nettle, key, parts, n_parts, out);                                                       \
  }

DEFINE_HASH (s256, nettle_sha256)
DEFINE_HASH (s384, nettle_sha384)
DEFINE_HASH (s512, nettle_sha512)
DEFINE_HASH (n256, nettle_sha3_256)
DEFINE_HASH (n384, nettle_sha3_384)

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

const ZrtpHash zrtp_nettle_s512 = {
    .type = ZRTP_TYPE ('S', '5', '1', '2'),
    .size = SHA512_DIGEST_SIZE,
    .digest = s512_digest,
    .mac = s512_mac,
};

const ZrtpHash zrtp_nettle_n256 = {
    .type = ZRTP_TYPE ('N', '2', '5', '6'),
    .size = SHA3_256_DIGEST_SIZE,
    .digest = n256_digest,
    .mac = n256_mac,
};

const ZrtpHash zrtp_nettle_n384 = {
    .type = ZRTP_TYPE ('N', '3', '8', '4'),
    .size = SHA3_384_DIGEST_SIZE,
    .digest = n384_digest,
    .mac = n384_mac,
};
