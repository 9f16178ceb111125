/* The finite-field Diffie-Hellman groups of RFC 3526 (RFC 6189 §5.1.5), from GMP.
 *
 * The functions of GMP's mpn_sec_ family take neither branches nor addresses from the exponent, and
 * they work in space that is handed to them, so that everything they leave behind can be wiped.
 * (mpz_powm_sec() is the same arithmetic around a buffer out of our reach.) agree() calls
 * mpn_sec_powm(); generate(), which raises nothing but 2, does it faster with a table of powers
 * that was made beforehand, see power_of_two().
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "ext/gmp/zrtp-gmp.h"

#include <stdlib.h>
#include <string.h>

#include <gmp.h>

#include "ext/gmp/comb.h"

_Static_assert(GMP_NAIL_BITS == 0, "limbs are filled with all their bits");
_Static_assert(8 * ZRTP_MAX_SECRET == TABLES * TEETH * SPACING, "the combs reach every bit");

enum {
  LIMB = sizeof (mp_limb_t), /* octets */
  MAX_LIMBS = ZRTP_MAX_PV / LIMB,
  MAX_EXPONENT_LIMBS = ZRTP_MAX_SECRET / LIMB,
  MIN_EXPONENT_BITS = 256, /* twice an AES-128 key, §5.1.5 */
  BLOCK = BLOCK_BITS / GMP_NUMB_BITS,
};

/* A prime, most significant word first, and what comb.py makes of it. */
typedef struct {
  size_t n_words;
  uint32_t prime[ZRTP_MAX_PV / 4];
  const mp_limb_t *inverse, *comb;
} Group;

/* RFC 3526 §3: p = 2^2048 - 2^1984 - 1 + 2^64 * ([2^1918 pi] + 124476)
 *          §4: p = 2^3072 - 2^3008 - 1 + 2^64 * ([2^2942 pi] + 1690314)
 * in rows as the RFC prints them. The tests recompute them from these formulas. */
/* clang-format off */
static const Group rfc3526_group_14 = {
    .n_words = 64,
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
        0x15728E5A, 0x8AACAA68, 0xFFFFFFFF, 0xFFFFFFFF,
    },
    .inverse = dh2k_inverse,
    .comb = dh2k_comb,
};

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
    .inverse = dh3k_inverse,
    .comb = dh3k_comb,
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

/* out = base ^ secret mod prime, fixed width (§4.4.1.4); false when out of memory. */
static bool
power (const mp_limb_t *prime, size_t n_limbs, const mp_limb_t *base, const uint8_t *secret,
    uint8_t *out)
{
  mp_limb_t exponent[MAX_EXPONENT_LIMBS], result[MAX_LIMBS], *scratch;
  mp_bitcnt_t bits;
  size_t scratch_size;

  limbs_from_octets (exponent, MAX_EXPONENT_LIMBS, secret);
  bits = exponent_limbs (exponent) * GMP_NUMB_BITS;
  scratch_size = (size_t) mpn_sec_powm_itch (n_limbs, bits, n_limbs) * LIMB;
  scratch = malloc (scratch_size);
  if (scratch) {
    mpn_sec_powm (result, base, n_limbs, exponent, bits, prime, n_limbs, scratch);
    octets_from_limbs (out, result, n_limbs);
    zrtp_wipe (result, sizeof result);
    zrtp_wipe (scratch, scratch_size);
    free (scratch);
  }
  zrtp_wipe (exponent, sizeof exponent);
  return scratch != NULL;
}

/* What power_of_two() works in; all of it is secret. */
typedef struct {
  mp_limb_t power[MAX_LIMBS], factor[MAX_LIMBS], product[2 * MAX_LIMBS];
  mp_limb_t quotient[2 * BLOCK], multiple[MAX_LIMBS + BLOCK];
  mp_limb_t scratch[]; /* GMP's */
} Work;

/* The sum of what GMP's functions want in `scratch` one at a time, which is enough. */
static size_t
work_size (size_t n_limbs)
{
  mp_size_t limbs = mpn_sec_mul_itch (n_limbs, n_limbs) + mpn_sec_mul_itch (n_limbs, BLOCK) +
                    mpn_sec_mul_itch (BLOCK, BLOCK) + mpn_sec_sqr_itch (n_limbs) +
                    mpn_sec_add_1_itch (BLOCK);

  return sizeof (Work) + (size_t) limbs * LIMB;
}

/* power = product / R mod p, for R = 2^(bits of p): Montgomery's reduction (HAC, the "Handbook of
 * Applied Cryptography", 14.32) by whole blocks, in half the time of mpn_sec_div_r(). Each turn
 * adds the multiple of p that makes zeros of the lowest block left, and keeps in its place the top
 * of the sum, which belongs n_limbs higher and is added there in the end.
 *
 * As product < R * R, the sum is below R * R + p * R, and power below R, if not always below p.
 * From product < R comes power <= p, and = only for a multiple of p, which no power of 2 is. */
static void
reduce (Work *work, const Group *group, const mp_limb_t *prime, size_t n_limbs)
{
  mp_limb_t carry;

  for (size_t i = 0; i < n_limbs; i += BLOCK) {
    mp_limb_t *low = work->product + i;

    mpn_sec_mul (work->quotient, low, BLOCK, group->inverse, BLOCK, work->scratch);
    mpn_sec_mul (work->multiple, prime, n_limbs, work->quotient, BLOCK, work->scratch);
    carry = mpn_cnd_add_n (1, low, low, work->multiple, n_limbs);
    mpn_sec_add_1 (low, work->multiple + n_limbs, BLOCK, carry, work->scratch);
  }
  carry = mpn_cnd_add_n (1, work->power, work->product + n_limbs, work->product, n_limbs);
  mpn_cnd_sub_n (carry, work->power, work->power, prime, n_limbs);
}

/* The bits of the secret under the teeth of a comb when its last tooth is at bit `column`. */
static mp_limb_t
comb_bits (const uint8_t *secret, unsigned table, unsigned column)
{
  mp_limb_t bits = 0;

  for (unsigned i = 0; i < TEETH; i++) {
    unsigned bit = (TEETH * table + i) * SPACING + column;

    bits |= (mp_limb_t) (secret[ZRTP_MAX_SECRET - 1 - bit / 8] >> bit % 8 & 1) << i;
  }
  return bits;
}

/* out = 2 ^ secret mod p, fixed width (§4.4.1.1); false when out of memory.
 *
 * This is the comb of C. H. Lim and P. J. Lee, "More flexible exponentiation with precomputation",
 * CRYPTO '94; HAC 14.117. Bit b of the secret stands for a factor 2^(2^b). Take bits that are
 * SPACING apart, TEETH of them, and look up the product of their factors in a table of the
 * 2^TEETH products there can be. Do so for the topmost bits of this kind, square, multiply by what
 * the bits one lower give, and so on: that is SPACING squarings, instead of one for each bit. A
 * table serves TEETH * SPACING bits, which is all of a secret for AES-128; a longer secret has a
 * second comb with a table of its own above the first, and they share the squarings.
 *
 * Numbers are kept times R, which one reduction more takes away in the end. Time and addresses
 * depend on the length of the secret, and mpn_sec_tabselect() reads the whole table each time. */
static bool
power_of_two (const Group *group, const mp_limb_t *prime, size_t n_limbs, const uint8_t *secret,
    unsigned exponent_bits, uint8_t *out)
{
  const unsigned n_tables = (exponent_bits + TEETH * SPACING - 1) / (TEETH * SPACING);
  const size_t size = work_size (n_limbs);
  Work *work = malloc (size);

  if (!work)
    return false;
  memcpy (work->power, group->comb, n_limbs * LIMB); /* 1 */
  for (unsigned column = SPACING; column-- > 0;) {
    mpn_sec_sqr (work->product, work->power, n_limbs, work->scratch);
    reduce (work, group, prime, n_limbs);
    for (unsigned i = 0; i < n_tables; i++) {
      mpn_sec_tabselect (work->factor, group->comb + ((size_t) i << TEETH) * n_limbs, n_limbs,
          1 << TEETH, comb_bits (secret, i, column));
      mpn_sec_mul (work->product, work->power, n_limbs, work->factor, n_limbs, work->scratch);
      reduce (work, group, prime, n_limbs);
    }
  }
  memcpy (work->product, work->power, n_limbs * LIMB);
  memset (work->product + n_limbs, 0, n_limbs * LIMB);
  reduce (work, group, prime, n_limbs);
  octets_from_limbs (out, work->power, n_limbs);
  zrtp_wipe (work, size);
  free (work);
  return true;
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
  mp_limb_t prime[MAX_LIMBS];
  size_t n_limbs = limbs_from_prime (prime, group);
  size_t size = exponent_bits / 8;

  memset (secret, 0, ZRTP_MAX_SECRET);
  if (exponent_bits < MIN_EXPONENT_BITS || exponent_bits % 8 != 0 || size > ZRTP_MAX_SECRET)
    return false;
  if (random->fill (random->user, secret + ZRTP_MAX_SECRET - size, size) &&
      exponent_is_usable (secret) &&
      power_of_two (group, prime, n_limbs, secret, exponent_bits, pv))
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
  return pv_is_in_range (pv, prime, n_limbs) && power (prime, n_limbs, pv, secret, result);
}

static bool
dh2k_generate (
    const ZrtpRandom *random, unsigned exponent_bits, uint8_t secret[ZRTP_MAX_SECRET], uint8_t *pv)
{
  return generate (&rfc3526_group_14, random, exponent_bits, secret, pv);
}

static bool
dh2k_agree (const uint8_t secret[ZRTP_MAX_SECRET], const uint8_t *peer_pv, uint8_t *result)
{
  return agree (&rfc3526_group_14, secret, peer_pv, result);
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

const ZrtpKeyAgreement zrtp_gmp_dh2k = {
    .type = ZRTP_TYPE ('D', 'H', '2', 'k'),
    .pv_size = 2048 / 8,
    .result_size = 2048 / 8,
    .finite_field = true,
    .generate = dh2k_generate,
    .agree = dh2k_agree,
};

const ZrtpKeyAgreement zrtp_gmp_dh3k = {
    .type = ZRTP_TYPE ('D', 'H', '3', 'k'),
    .pv_size = 3072 / 8,
    .result_size = 3072 / 8,
    .finite_field = true,
    .generate = dh3k_generate,
    .agree = dh3k_agree,
};
