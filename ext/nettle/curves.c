/* Key agreement on X25519, X448, P-256, P-384 and P-521 (RFC 6189 §5.1.5, RFC 7748), from Nettle.
 *
 * A curve's secret value stands at the start of `secret`, the rest of which is zero: 32 or 56 octets
 * as RFC 7748 has them for X255, E255 and X448, a big-endian scalar in [1, n-1] for the others.
 *
 * What this file cannot wipe: the scratch space that Nettle allocates and frees itself. With P-256,
 * P-384 and P-521 neither scalar nor result is found in it afterwards (tests/protocol/test-crypto.c
 * looks), but curve25519_mul_g() and curve448_mul_g() leave their scalar there and on the stack,
 * curve25519_mul() and curve448_mul() their result.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "ext/nettle/zrtp-nettle.h"

#include <string.h>

#include <nettle/curve25519.h>
#include <nettle/curve448.h>
#include <nettle/ecc-curve.h>
#include <nettle/ecc.h>

/* One of the two functions of RFC 7748 §5. Nettle clamps the scalar at each use. */
typedef struct {
  size_t size; /* octets of everything */
  void (*mul_g) (uint8_t *q, const uint8_t *scalar);
  void (*mul) (uint8_t *q, const uint8_t *scalar, const uint8_t *u);
} MontgomeryCurve;

static const MontgomeryCurve x25519 = {CURVE25519_SIZE, curve25519_mul_g, curve25519_mul};
static const MontgomeryCurve x448 = {CURVE448_SIZE, curve448_mul_g, curve448_mul};

static bool
montgomery_generate (const MontgomeryCurve *curve, const ZrtpRandom *random,
    uint8_t secret[ZRTP_MAX_SECRET], uint8_t *pv)
{
  memset (secret, 0, ZRTP_MAX_SECRET);
  if (!random->fill (random->user, secret, curve->size)) {
    zrtp_wipe (secret, ZRTP_MAX_SECRET);
    return false;
  }
  curve->mul_g (pv, secret);
  return true;
}

static bool
montgomery_agree (const MontgomeryCurve *curve, const uint8_t secret[ZRTP_MAX_SECRET],
    const uint8_t *peer_pv, uint8_t *result)
{
  static const uint8_t zeros[CURVE448_SIZE];

  curve->mul (result, secret, peer_pv);
  /* RFC 7748 §6: a point of small order gives the all-zero result, whatever our secret is. Only the
   * result tells, as pv has several encodings of each such point. */
  return !zrtp_equal (result, zeros, curve->size);
}

static bool
x255_generate (
    const ZrtpRandom *random, unsigned exponent_bits, uint8_t secret[ZRTP_MAX_SECRET], uint8_t *pv)
{
  return montgomery_generate (&x25519, random, secret, pv);
}

static bool
x255_agree (const uint8_t secret[ZRTP_MAX_SECRET], const uint8_t *peer_pv, uint8_t *result)
{
  return montgomery_agree (&x25519, secret, peer_pv, result);
}

static bool
x448_generate (
    const ZrtpRandom *random, unsigned exponent_bits, uint8_t secret[ZRTP_MAX_SECRET], uint8_t *pv)
{
  return montgomery_generate (&x448, random, secret, pv);
}

static bool
x448_agree (const uint8_t secret[ZRTP_MAX_SECRET], const uint8_t *peer_pv, uint8_t *result)
{
  return montgomery_agree (&x448, secret, peer_pv, result);
}

/* The octets of one coordinate, and of a scalar. */
static size_t
coordinate_size (const struct ecc_curve *curve)
{
  return (ecc_bit_size (curve) + 7) / 8;
}

static void
wipe_and_clear_mpz (mpz_t number)
{
  size_t n_limbs = mpz_size (number);

  if (n_limbs > 0) {
    zrtp_wipe (mpz_limbs_modify (number, (mp_size_t) n_limbs), n_limbs * sizeof (mp_limb_t));
    mpz_limbs_finish (number, 0);
  }
  mpz_clear (number);
}

static void
wipe_and_clear_scalar (struct ecc_scalar *scalar)
{
  zrtp_wipe (scalar->p, (size_t) ecc_size (scalar->ecc) * sizeof (mp_limb_t));
  ecc_scalar_clear (scalar);
}

static void
wipe_and_clear_point (struct ecc_point *point)
{
  zrtp_wipe (point->p, (size_t) ecc_size_a (point->ecc) * sizeof (mp_limb_t));
  ecc_point_clear (point);
}

/* False when the scalar is not in [1, n-1]. */
static bool
set_scalar (struct ecc_scalar *scalar, const uint8_t *octets)
{
  mpz_t number;
  bool in_range;

  nettle_mpz_init_set_str_256_u (number, coordinate_size (scalar->ecc), octets);
  in_range = ecc_scalar_set (scalar, number);
  wipe_and_clear_mpz (number);
  return in_range;
}

/* False when the point is not one of the curve's. */
static bool
set_point (struct ecc_point *point, const uint8_t *pv)
{
  size_t size = coordinate_size (point->ecc);
  mpz_t x, y;
  bool on_curve;

  nettle_mpz_init_set_str_256_u (x, size, pv);
  nettle_mpz_init_set_str_256_u (y, size, pv + size);
  /* SP 800-56A §5.6.2.6: Nettle refuses x >= p, y >= p and whatever does not solve the curve's
   * equation. No encoding of infinity passes, as (0, 0) does not solve it. The cofactor is 1, so
   * a point on the curve is a point of full order. */
  on_curve = ecc_point_set (point, x, y);
  mpz_clear (x);
  mpz_clear (y);
  return on_curve;
}

/* `y` may be NULL. */
static void
get_point (const struct ecc_point *point, uint8_t *x, uint8_t *y)
{
  size_t size = coordinate_size (point->ecc);
  mpz_t x_number, y_number;

  mpz_init (x_number);
  mpz_init (y_number);
  ecc_point_get (point, x_number, y_number);
  nettle_mpz_get_str_256 (size, x, x_number);
  if (y)
    nettle_mpz_get_str_256 (size, y, y_number);
  wipe_and_clear_mpz (x_number);
  wipe_and_clear_mpz (y_number);
}

/* SP 800-56A §5.6.1.2.2, testing candidates: draws as many bits as n has until they are a scalar,
 * which keeps the scalars uniform. Not ecc_scalar_random(), whose source of random octets may not
 * fail and which would never return from one that is stuck. */
static bool
draw_scalar (const ZrtpRandom *random, struct ecc_scalar *scalar, uint8_t *octets)
{
  const size_t size = coordinate_size (scalar->ecc);
  /* Of P-521 one, of the others all eight. */
  const uint8_t top_mask = (uint8_t) (0xff >> (8 * size - ecc_bit_size (scalar->ecc)));
  /* All values but one in 2^32 (P-256), 2^190 (P-384) or 2^262 (P-521) will do, so the source is
   * broken rather than unlucky when the last of these fails. */
  enum {
    MAX_DRAWS = 8
  };

  for (int i = 0; i < MAX_DRAWS; i++) {
    if (!random->fill (random->user, octets, size))
      return false;
    octets[0] &= top_mask;
    if (set_scalar (scalar, octets))
      return true;
  }
  return false;
}

static bool
generate (const struct ecc_curve *curve, const ZrtpRandom *random, uint8_t *secret, uint8_t *pv)
{
  struct ecc_scalar scalar;
  struct ecc_point point;
  bool drawn;

  memset (secret, 0, ZRTP_MAX_SECRET);
  ecc_scalar_init (&scalar, curve);
  drawn = draw_scalar (random, &scalar, secret);
  if (drawn) {
    ecc_point_init (&point, curve);
    ecc_point_mul_g (&point, &scalar);
    get_point (&point, pv, pv + coordinate_size (curve));
    wipe_and_clear_point (&point);
  } else {
    zrtp_wipe (secret, ZRTP_MAX_SECRET);
  }
  wipe_and_clear_scalar (&scalar);
  return drawn;
}

static bool
agree (
    const struct ecc_curve *curve, const uint8_t *secret, const uint8_t *peer_pv, uint8_t *result)
{
  struct ecc_scalar scalar;
  struct ecc_point point;
  bool ok;

  ecc_scalar_init (&scalar, curve);
  ecc_point_init (&point, curve);
  ok = set_point (&point, peer_pv) && set_scalar (&scalar, secret);
  if (ok) {
    ecc_point_mul (&point, &scalar, &point);
    /* RFC 6189 §5.1.5: "The ECDH result returns only the X coordinate". */
    get_point (&point, result, NULL);
  }
  wipe_and_clear_scalar (&scalar);
  wipe_and_clear_point (&point);
  return ok;
}

static bool
ec25_generate (
    const ZrtpRandom *random, unsigned exponent_bits, uint8_t secret[ZRTP_MAX_SECRET], uint8_t *pv)
{
  return generate (nettle_get_secp_256r1 (), random, secret, pv);
}

static bool
ec25_agree (const uint8_t secret[ZRTP_MAX_SECRET], const uint8_t *peer_pv, uint8_t *result)
{
  return agree (nettle_get_secp_256r1 (), secret, peer_pv, result);
}

static bool
ec38_generate (
    const ZrtpRandom *random, unsigned exponent_bits, uint8_t secret[ZRTP_MAX_SECRET], uint8_t *pv)
{
  return generate (nettle_get_secp_384r1 (), random, secret, pv);
}

static bool
ec38_agree (const uint8_t secret[ZRTP_MAX_SECRET], const uint8_t *peer_pv, uint8_t *result)
{
  return agree (nettle_get_secp_384r1 (), secret, peer_pv, result);
}

static bool
ec52_generate (
    const ZrtpRandom *random, unsigned exponent_bits, uint8_t secret[ZRTP_MAX_SECRET], uint8_t *pv)
{
  return generate (nettle_get_secp_521r1 (), random, secret, pv);
}

static bool
ec52_agree (const uint8_t secret[ZRTP_MAX_SECRET], const uint8_t *peer_pv, uint8_t *result)
{
  return agree (nettle_get_secp_521r1 (), secret, peer_pv, result);
}

const ZrtpKeyAgreement zrtp_nettle_x255 = {
    .type = ZRTP_TYPE ('X', '2', '5', '5'),
    .pv_size = CURVE25519_SIZE,
    .result_size = CURVE25519_SIZE,
    .generate = x255_generate,
    .agree = x255_agree,
};

/* X255 by the name that ZRTPCPP has for it. */
const ZrtpKeyAgreement zrtp_nettle_e255 = {
    .type = ZRTP_TYPE ('E', '2', '5', '5'),
    .pv_size = CURVE25519_SIZE,
    .result_size = CURVE25519_SIZE,
    .generate = x255_generate,
    .agree = x255_agree,
};

const ZrtpKeyAgreement zrtp_nettle_x448 = {
    .type = ZRTP_TYPE ('X', '4', '4', '8'),
    .pv_size = CURVE448_SIZE,
    .result_size = CURVE448_SIZE,
    .generate = x448_generate,
    .agree = x448_agree,
};

const ZrtpKeyAgreement zrtp_nettle_ec25 = {
    .type = ZRTP_TYPE ('E', 'C', '2', '5'),
    .pv_size = 2 * 32,
    .result_size = 32,
    .generate = ec25_generate,
    .agree = ec25_agree,
};

const ZrtpKeyAgreement zrtp_nettle_ec38 = {
    .type = ZRTP_TYPE ('E', 'C', '3', '8'),
    .pv_size = 2 * 48,
    .result_size = 48,
    .generate = ec38_generate,
    .agree = ec38_agree,
};

/* 521 bits in 66 octets: pv is the 33 words of §5.1.5, Table 5. */
const ZrtpKeyAgreement zrtp_nettle_ec52 = {
    .type = ZRTP_TYPE ('E', 'C', '5', '2'),
    .pv_size = 2 * 66,
    .result_size = 66,
    .generate = ec52_generate,
    .agree = ec52_agree,
};
