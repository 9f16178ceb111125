/* The finite-field Diffie-Hellman groups of RFC 3526 (RFC 6189 §5.1.5), from GMP.
 *
 * The functions of GMP's mpn_sec_ family take neither branches nor addresses from the exponent, and
 * they work in space that is handed to them, so that everything they leave behind can be wiped.
 * (mpz_powm_sec() is the same arithmetic around a buffer out of our reach.)
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "ext/gmp/zrtp-gmp.h"

#include <stdlib.h>
#include <string.h>

#include <gmp.h>

_Static_assert(GMP_NAIL_BITS == 0, "limbs are filled with all their bits");

enum {
  LIMB = sizeof (mp_limb_t), /* octets */
  MAX_LIMBS = ZRTP_MAX_PV / LIMB,
  MAX_EXPONENT_LIMBS = ZRTP_MAX_SECRET / LIMB,
  MIN_EXPONENT_BITS = 256, /* twice an AES-128 key, §5.1.5 */
};

/* A prime, most significant word first. */
typedef struct {
  size_t n_words;
  uint32_t prime[ZRTP_MAX_PV / 4];
} Group;

/* RFC 3526 §4: p = 2^3072 - 2^3008 - 1 + 2^64 * ([2^2942 pi] + 1690314), in rows as the RFC
 * prints it. The tests recompute it from this formula. */
/* clang-format off */
static const Group rfc3526_group_15 = {
    .n_words = 96,
    .prime = {
        0xFFFFFFFF, 0xFFFFFFFF, 0xC90FDAA2, 0x2168C234, 0xC4C6628B, 0x80DC1CD1,
        0x29024E08, 0x8A67CC74, 0x020BBEA6, 0x3B139B22, 0x514A0879, 0x8E3404DD,
        0xEF9519B3, 0xCD3A431B, 0x302B0A6D, 0xF25F1437, 0x4FE1356D, 0x6D51C245,
        0xE485B576, 0x625E7EC6, 0xF44C42E9, 0xA637ED6B, 0x0BFF5CB6, 0xF406B7ED,
        0xEE386BFB, 0x5A899FA5, 0xAE9F2411, 0x7C4B1FE6, 0x49286651, 0xECE45B3D,
        0xC2007CB8, 0xA163BF05, 0x98DA4836, 0x1C55D39A, 0x69163FA8, 0xFD24CF5F,
        0x83655D23, 0xDCA3AD96, 0x1C62F356, 0x208552BB, 0x9ED52907, 0x7096966D,
        0x670C354E, 0x4ABC9804, 0xF1746C08, 0xCA18217C, 0x32905E46, 0x2E36CE3B,
        0xE39E772C, 0x180E8603, 0x9B2783A2, 0xEC07A28F, 0xB5C55DF0, 0x6F4C52C9,
        0xDE2BCBF6, 0x95581718, 0x3995497C, 0xEA956AE5, 0x15D22618, 0x98FA0510,
        0x15728E5A, 0x8AAAC42D, 0xAD33170D, 0x04507A33, 0xA85521AB, 0xDF1CBA64,
        0xECFB8504, 0x58DBEF0A, 0x8AEA7157, 0x5D060C7D, 0xB3970F85, 0xA6E1E4C7,
        0xABF5AE8C, 0xDB0933D7, 0x1E8C94E0, 0x4A25619D, 0xCEE3D226, 0x1AD2EE6B,
        0xF12FFA06, 0xD98A0864, 0xD8760273, 0x3EC86A64, 0x521F2B18, 0x177B200C,
        0xBBE11757, 0x7A615D6C, 0x770988C0, 0xBAD946E2, 0x08E24FA0, 0x74E5AB31,
        0x43DB5BFC, 0xE0FD108E, 0x4B82D120, 0xA93AD2CA, 0xFFFFFFFF, 0xFFFFFFFF,
    },
};
/* clang-format on */

/* `octets`, most significant first, as limbs, least significant first. */
static void
limbs_from_octets (mp_limb_t *limbs, size_t n_limbs, const uint8_t *octets)
{
  for (size_t i = 0; i < n_limbs; i++) {
    const uint8_t *end = octets + (n_limbs - i) * LIMB;
    mp_limb_t limb = 0;

    for (const uint8_t *octet = end - LIMB; octet < end; octet++)
      limb = limb << 8 | *octet;
    limbs[i] = limb;
  }
}

static void
octets_from_limbs (uint8_t *octets, const mp_limb_t *limbs, size_t n_limbs)
{
  for (size_t i = 0; i < n_limbs * LIMB; i++)
    octets[n_limbs * LIMB - 1 - i] = (uint8_t) (limbs[i / LIMB] >> 8 * (i % LIMB));
}

/* The number of limbs, and the prime in them. */
static size_t
limbs_from_prime (mp_limb_t *limbs, const Group *group)
{
  size_t n_limbs = group->n_words * 4 / LIMB;
  uint8_t octets[ZRTP_MAX_PV];

  for (size_t i = 0; i < group->n_words; i++)
    zrtp_put_u32 (octets + 4 * i, group->prime[i]);
  limbs_from_octets (limbs, n_limbs, octets);
  return n_limbs;
}

/* How many limbs to take the exponent for. The time of an exponentiation depends on this and on
 * nothing else about the exponent: on the length of the AES key, that is, which is no secret, but
 * for a random exponent of which a whole limb happens to be zero. */
static size_t
exponent_limbs (const mp_limb_t *exponent)
{
  size_t n_limbs = MAX_EXPONENT_LIMBS;

  while (n_limbs > 1 && exponent[n_limbs - 1] == 0)
    n_limbs--;
  return n_limbs;
}

/* out = base ^ secret mod prime, fixed width (§4.4.1.1, §4.4.1.4); false when out of memory. */
static bool
power (const mp_limb_t *prime, size_t n_limbs, const mp_limb_t *base, size_t n_base_limbs,
    const uint8_t *secret, uint8_t *out)
{
  mp_limb_t exponent[MAX_EXPONENT_LIMBS], result[MAX_LIMBS], *scratch;
  mp_bitcnt_t bits;
  size_t scratch_size;

  limbs_from_octets (exponent, MAX_EXPONENT_LIMBS, secret);
  bits = exponent_limbs (exponent) * GMP_NUMB_BITS;
  scratch_size = (size_t) mpn_sec_powm_itch (n_base_limbs, bits, n_limbs) * LIMB;
  scratch = malloc (scratch_size);
  if (scratch) {
    mpn_sec_powm (result, base, n_base_limbs, exponent, bits, prime, n_limbs, scratch);
    octets_from_limbs (out, result, n_limbs);
    zrtp_wipe (result, sizeof result);
    zrtp_wipe (scratch, scratch_size);
    free (scratch);
  }
  zrtp_wipe (exponent, sizeof exponent);
  return scratch != NULL;
}

/* False for 0 and 1, which a random generator that works does not give in the lifetime of the sun.
 * Takes the same time for all others. */
static bool
exponent_is_usable (const uint8_t *secret)
{
  uint8_t rest = secret[ZRTP_MAX_SECRET - 1] >> 1;

  for (size_t i = 0; i < ZRTP_MAX_SECRET - 1; i++)
    rest |= secret[i];
  return rest != 0;
}

/* §4.4.1.1 */
static bool
generate (const Group *group, const ZrtpRandom *random, unsigned exponent_bits,
    uint8_t secret[ZRTP_MAX_SECRET], uint8_t *pv)
{
  static const mp_limb_t generator = 2;
  mp_limb_t prime[MAX_LIMBS];
  size_t n_limbs = limbs_from_prime (prime, group);
  size_t size = exponent_bits / 8;

  memset (secret, 0, ZRTP_MAX_SECRET);
  if (exponent_bits < MIN_EXPONENT_BITS || exponent_bits % 8 != 0 || size > ZRTP_MAX_SECRET)
    return false;
  if (random->fill (random->user, secret + ZRTP_MAX_SECRET - size, size) &&
      exponent_is_usable (secret) && power (prime, n_limbs, &generator, 1, secret, pv))
    return true;
  zrtp_wipe (secret, ZRTP_MAX_SECRET);
  return false;
}

/* 2 <= pv <= p-2: §4.4.1.2 and §4.4.1.3 name 1 and p-1, SP 800-56A §5.6.2.3.1 the others. As
 * (p-1)/2 is prime, no other pv has a small order. */
static bool
pv_is_in_range (const mp_limb_t *pv, const mp_limb_t *prime, size_t n_limbs)
{
  mp_limb_t last[MAX_LIMBS]; /* p-1 */

  mpn_sub_1 (last, prime, n_limbs, 1);
  return mpn_cmp (pv, last, n_limbs) < 0 && (pv[0] > 1 || !mpn_zero_p (pv + 1, n_limbs - 1));
}

/* §4.4.1.2, §4.4.1.3 */
static bool
agree (const Group *group, const uint8_t secret[ZRTP_MAX_SECRET], const uint8_t *peer_pv,
    uint8_t *result)
{
  mp_limb_t prime[MAX_LIMBS], pv[MAX_LIMBS];
  size_t n_limbs = limbs_from_prime (prime, group);

  limbs_from_octets (pv, n_limbs, peer_pv);
  return pv_is_in_range (pv, prime, n_limbs) && power (prime, n_limbs, pv, n_limbs, secret, result);
}

static bool
dh3k_generate (
    const ZrtpRandom *random, unsigned exponent_bits, uint8_t secret[ZRTP_MAX_SECRET], uint8_t *pv)
{
  return generate (&rfc3526_group_15, random, exponent_bits, secret, pv);
}

static bool
dh3k_agree (const uint8_t secret[ZRTP_MAX_SECRET], const uint8_t *peer_pv, uint8_t *result)
{
  return agree (&rfc3526_group_15, secret, peer_pv, result);
}

const ZrtpKeyAgreement zrtp_gmp_dh3k = {
    .type = ZRTP_TYPE ('D', 'H', '3', 'k'),
    .pv_size = 3072 / 8,
    .result_size = 3072 / 8,
    .finite_field = true,
    .generate = dh3k_generate,
    .agree = dh3k_agree,
};
