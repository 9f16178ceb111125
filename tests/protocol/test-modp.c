/* Known answers and refusals of ext/gmp/modp.c.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include <stdlib.h>
#include <string.h>

#include <gmp.h>

#ifdef HAVE_LIBCRYPTO
#include <openssl/bn.h>
#endif

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#else
#define VALGRIND_MAKE_MEM_UNDEFINED(address, size) ((void) 0)
#endif

#include "ext/gmp/comb.h"
#include "ext/gmp/zrtp-gmp.h"
#include "ext/libc/zrtp-libc.h"
#include "tests/protocol/crypto-helpers.h"

enum {
  P_OCTETS = 384
};

/* one / 1 / d - one / 3 / d^3 + one / 5 / d^5 - …, which is one * arctan (1 / d) */
static void
scaled_arctan (mpz_t sum, const mpz_t one, unsigned d)
{
  mpz_t power, term;

  mpz_init (power);
  mpz_init (term);
  mpz_set_ui (sum, 0);
  mpz_fdiv_q_ui (power, one, d);
  for (unsigned i = 1; mpz_sgn (power) != 0; i += 2) {
    mpz_fdiv_q_ui (term, power, i);
    if (i % 4 == 1)
      mpz_add (sum, sum, term);
    else
      mpz_sub (sum, sum, term);
    mpz_fdiv_q_ui (power, power, d * d);
  }
  mpz_clear (power);
  mpz_clear (term);
}

/* [2^exponent * pi], by Machin's formula pi = 16 arctan (1/5) - 4 arctan (1/239) */
static void
scaled_pi (mpz_t pi, unsigned exponent)
{
  const unsigned guard = 64; /* bits, for the error of a thousand roundings */
  mpz_t one, second;

  mpz_init (one);
  mpz_init (second);
  mpz_ui_pow_ui (one, 2, exponent + guard);
  scaled_arctan (pi, one, 5);
  scaled_arctan (second, one, 239);
  mpz_mul_ui (pi, pi, 4);
  mpz_sub (pi, pi, second);
  mpz_mul_ui (pi, pi, 4);
  mpz_fdiv_q_2exp (pi, pi, guard);
  mpz_clear (one);
  mpz_clear (second);
}

/* RFC 3526 §4: 2^3072 - 2^3008 - 1 + 2^64 * ([2^2942 pi] + 1690314) */
static void
init_prime (mpz_t p)
{
  mpz_t power;

  mpz_init (p);
  mpz_init (power);
  scaled_pi (p, 2942);
  mpz_add_ui (p, p, 1690314);
  mpz_mul_2exp (p, p, 64);
  mpz_ui_pow_ui (power, 2, 3072);
  mpz_add (p, p, power);
  mpz_ui_pow_ui (power, 2, 3008);
  mpz_sub (p, p, power);
  mpz_sub_ui (p, p, 1);
  mpz_clear (power);
}

static void
octets_from_mpz (uint8_t octets[P_OCTETS], const mpz_t number)
{
  size_t size = (mpz_sizeinbase (number, 2) + 7) / 8;

  g_assert_cmpuint (size, <=, P_OCTETS);
  memset (octets, 0, P_OCTETS);
  mpz_export (octets + P_OCTETS - size, NULL, 1, 1, 1, 0, number);
}

/* base ^ exponent mod p, by GMP's mpz_powm(), another code path than mpn_sec_powm(). */
static void
reference_power (uint8_t out[P_OCTETS], const mpz_t base, const uint8_t *exponent, size_t size)
{
  mpz_t e, p;

  init_prime (p);
  mpz_init (e);
  mpz_import (e, size, 1, 1, 1, 0, exponent);
  mpz_powm (e, base, e, p);
  octets_from_mpz (out, e);
  mpz_clear (e);
  mpz_clear (p);
}

/* What the tests below take for p is prime, safe, and what others have. That DH3k works with the
 * same p is what they show. */
static void
test_prime (void)
{
  mpz_t p, half;

  init_prime (p);
  mpz_init (half);
  mpz_fdiv_q_2exp (half, p, 1);
  g_assert_cmpuint (mpz_sizeinbase (p, 2), ==, 3072);
  for (unsigned i = 0; i < 64; i++)
    g_assert_true (mpz_tstbit (p, i) && mpz_tstbit (p, 3071 - i));
  g_assert_cmpint (mpz_probab_prime_p (p, 25), >, 0);
  g_assert_cmpint (mpz_probab_prime_p (half, 25), >, 0);
  mpz_clear (half);
  mpz_clear (p);
}

static void
test_prime_of_openssl (void)
{
#ifdef HAVE_LIBCRYPTO
  BIGNUM *openssl = BN_get_rfc3526_prime_3072 (NULL);
  uint8_t ours[P_OCTETS], theirs[P_OCTETS];
  mpz_t p;

  init_prime (p);
  octets_from_mpz (ours, p);
  g_assert_cmpint (BN_bn2binpad (openssl, theirs, P_OCTETS), ==, P_OCTETS);
  g_assert_cmpmem (ours, P_OCTETS, theirs, P_OCTETS);
  BN_free (openssl);
  mpz_clear (p);
#else
  g_test_skip ("built without libcrypto (Debian: libssl-dev), whose copy of the prime is compared");
#endif
}

/* SHA-256 of 2^a, 2^b and 2^(ab) mod p as 384 octets, for a = SHA-256 ("a"), b = SHA-512 ("b"), by
 *
 *   from hashlib import sha256, sha512
 *   one = 1 << 3000
 *   arctan = lambda d: sum((-1)**i * (one // d**(2*i+1) // (2*i+1)) for i in range(700))
 *   pi = 4 * (4 * arctan(5) - arctan(239)) >> 58
 *   p = 2**3072 - 2**3008 - 1 + 2**64 * (pi + 1690314)
 *   a, b = (int.from_bytes(x, "big") for x in (sha256(b"a").digest(), sha512(b"b").digest()))
 *   for base, x in (2, a), (2, b), (pow(2, b, p), a):
 *     print(sha256(pow(base, x, p).to_bytes(384, "big")).hexdigest()) */
static void
test_vectors (void)
{
  static const char result_digest[] =
      "566146d06b8378a3797ba4585979d85c95c0c54ccc395ca81834b33463377344";
  uint8_t a[32], b[64], secret_a[ZRTP_MAX_SECRET], secret_b[ZRTP_MAX_SECRET];
  uint8_t pv_a[P_OCTETS], pv_b[P_OCTETS], result[P_OCTETS];

  unhex ("ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb", a, sizeof a);
  unhex ("5267768822ee624d48fce15ec5ca79cbd602cb7f4c2157a516556991f22ef8c7"
         "b5ef7b18d1ff41c59370efb0858651d44a936c11b7b144c48fe04df3c6a3e8da",
      b, sizeof b);
  g_assert_true (generate_from (&zrtp_gmp_dh3k, a, sizeof a, secret_a, pv_a));
  g_assert_true (generate_from (&zrtp_gmp_dh3k, b, sizeof b, secret_b, pv_b));
  /* Right-aligned, as long as it was asked for (§5.1.5) */
  g_assert_true (all_zero (secret_a, sizeof secret_a - sizeof a));
  g_assert_cmpmem (secret_a + sizeof secret_a - sizeof a, sizeof a, a, sizeof a);
  g_assert_true (all_zero (secret_b, sizeof secret_b - sizeof b));
  g_assert_cmpmem (secret_b + sizeof secret_b - sizeof b, sizeof b, b, sizeof b);
  assert_sha256 (
      pv_a, P_OCTETS, "23361453381d8a667958a2df1bca0d5ec06745e19d6613a0e57ef66a40f2d738");
  assert_sha256 (
      pv_b, P_OCTETS, "0f4bedfba3c24ac62f7c79bbd554f88a8ae44c8c4b0e7c5310d7ae70c7aef754");
  g_assert_true (zrtp_gmp_dh3k.agree (secret_a, pv_b, result));
  assert_sha256 (result, P_OCTETS, result_digest);
  g_assert_true (zrtp_gmp_dh3k.agree (secret_b, pv_a, result));
  assert_sha256 (result, P_OCTETS, result_digest);
}

/* 2^x, for which no modulus is needed: nearly all of it is leading zeros (§4.4.1.1). */
static void
test_small_exponents (void)
{
  for (unsigned x = 2; x < 256; x++) {
    uint8_t octets[32] = {0}, secret[ZRTP_MAX_SECRET], pv[P_OCTETS], expected[P_OCTETS] = {0};

    octets[31] = (uint8_t) x;
    expected[P_OCTETS - 1 - x / 8] = (uint8_t) (1 << x % 8);
    g_assert_true (generate_from (&zrtp_gmp_dh3k, octets, 32, secret, pv));
    g_assert_cmpmem (pv, P_OCTETS, expected, P_OCTETS);
  }
}

static void
assert_limbs (const mp_limb_t *limbs, size_t n_limbs, const mpz_t expected)
{
  mpz_t number;

  mpz_init (number);
  mpz_import (number, n_limbs, -1, sizeof *limbs, 0, 0, limbs);
  g_assert_cmpint (mpz_cmp (number, expected), ==, 0);
  mpz_clear (number);
}

/* The constants that comb.py made. The factor of each tooth is here the one before, squared SPACING
 * times. */
static void
test_comb (void)
{
  const mp_limb_t *entry = dh3k_comb;
  mpz_t p, number, exponent, factor[TABLES * TEETH];

  init_prime (p);
  mpz_init (number);
  mpz_init (exponent);
  mpz_ui_pow_ui (exponent, 2, SPACING);
  for (unsigned i = 0; i < TABLES * TEETH; i++) {
    mpz_init_set_ui (factor[i], 2);
    if (i > 0)
      mpz_powm (factor[i], factor[i - 1], exponent, p);
  }
  g_assert_cmpuint (sizeof dh3k_comb, ==, TABLES * (1 << TEETH) * P_OCTETS);
  for (unsigned table = 0; table < TABLES; table++)
    for (unsigned bits = 0; bits < 1 << TEETH; bits++) {
      mpz_ui_pow_ui (number, 2, 8 * P_OCTETS);
      for (unsigned i = 0; i < TEETH; i++)
        if (bits >> i & 1)
          mpz_mul (number, number, factor[TEETH * table + i]);
      mpz_mod (number, number, p);
      assert_limbs (entry, P_OCTETS / sizeof *entry, number);
      entry += P_OCTETS / sizeof *entry;
    }
  /* The inverse * p = -1 mod 2^BLOCK_BITS */
  g_assert_cmpuint (8 * sizeof dh3k_inverse, ==, BLOCK_BITS);
  mpz_neg (p, p);
  mpz_ui_pow_ui (exponent, 2, BLOCK_BITS);
  g_assert_true (mpz_invert (number, p, exponent));
  assert_limbs (dh3k_inverse, G_N_ELEMENTS (dh3k_inverse), number);

  for (unsigned i = 0; i < TABLES * TEETH; i++)
    mpz_clear (factor[i]);
  mpz_clear (exponent);
  mpz_clear (number);
  mpz_clear (p);
}

/* pv for this very secret, against mpz_powm(). */
static void
assert_generate (const uint8_t *octets, size_t size)
{
  static mpz_t p;
  uint8_t secret[ZRTP_MAX_SECRET], pv[P_OCTETS], expected[P_OCTETS];
  mpz_t number, two;

  if (mpz_sgn (p) == 0)
    init_prime (p);
  mpz_init (number);
  mpz_init_set_ui (two, 2);
  mpz_import (number, size, 1, 1, 1, 0, octets);
  mpz_powm (number, two, number, p);
  octets_from_mpz (expected, number);
  g_assert_true (generate_from (&zrtp_gmp_dh3k, octets, size, secret, pv));
  g_assert_cmpmem (pv, P_OCTETS, expected, P_OCTETS);
  mpz_clear (two);
  mpz_clear (number);
}

/* Random secrets, and those that a comb might get wrong. */
static void
test_generate (void)
{
  static const size_t sizes[] = {32, 64, ZRTP_MAX_SECRET};
  uint32_t seed = 0;

  for (size_t i = 0; i < G_N_ELEMENTS (sizes); i++) {
    size_t size = sizes[i], half = size / 2;
    uint8_t octets[ZRTP_MAX_SECRET];

    for (unsigned n = 0; n < 100; n++) {
      seeded_fill (&seed, octets, size);
      assert_generate (octets, size);
    }
    /* One bit, and all but one */
    for (unsigned bit = 1; bit < 8 * size; bit++) {
      memset (octets, 0, size);
      octets[size - 1 - bit / 8] = (uint8_t) (1 << bit % 8);
      assert_generate (octets, size);
      for (size_t k = 0; k < size; k++)
        octets[k] = (uint8_t) ~octets[k];
      assert_generate (octets, size);
    }
    memset (octets, 0xff, size);
    assert_generate (octets, size);
    memset (octets, 0, half);
    assert_generate (octets, size);
    memset (octets, 0xff, half);
    memset (octets + half, 0, half);
    assert_generate (octets, size);
    /* Zeros at the top and at the bottom */
    for (size_t zeros = 1; zeros < size; zeros += 3) {
      seeded_fill (&seed, octets, size);
      memset (octets, 0, zeros);
      octets[size - 1] |= 2;
      assert_generate (octets, size);
      seeded_fill (&seed, octets, size);
      memset (octets + size - zeros, 0, zeros);
      octets[0] |= 1;
      assert_generate (octets, size);
    }
  }
}

/* pv and DHResult of full-size secrets that begin with a zero octet, against mpz_powm(). */
static void
test_leading_zeros (void)
{
  uint32_t seed = 0;
  const ZrtpRandom random = {seeded_fill, &seed};
  uint8_t secret[ZRTP_MAX_SECRET], pv[P_OCTETS], peer_pv[P_OCTETS], result[P_OCTETS];
  uint8_t expected[P_OCTETS];
  mpz_t base;

  mpz_init_set_ui (base, 2);
  do
    g_assert_true (zrtp_gmp_dh3k.generate (&random, 256, secret, peer_pv));
  while (peer_pv[0] != 0);
  reference_power (expected, base, secret, sizeof secret);
  g_assert_cmpmem (peer_pv, P_OCTETS, expected, P_OCTETS);

  mpz_import (base, P_OCTETS, 1, 1, 1, 0, peer_pv);
  do {
    g_assert_true (random.fill (random.user, secret + sizeof secret - 32, 32));
    g_assert_true (zrtp_gmp_dh3k.agree (secret, peer_pv, result));
  } while (result[0] != 0);
  reference_power (expected, base, secret, sizeof secret);
  g_assert_cmpmem (result, P_OCTETS, expected, P_OCTETS);

  /* The secret has leading zeros, too, and any length of them does. */
  for (size_t zeros = 0; zeros < sizeof secret - 1; zeros += 5) {
    uint8_t short_secret[ZRTP_MAX_SECRET] = {0};

    memset (short_secret + zeros, 0xa5, sizeof short_secret - zeros);
    g_assert_true (zrtp_gmp_dh3k.agree (short_secret, peer_pv, result));
    reference_power (expected, base, short_secret, sizeof short_secret);
    g_assert_cmpmem (result, P_OCTETS, expected, P_OCTETS);
  }
  g_assert_true (zrtp_gmp_dh3k.generate (&random, 512, secret, pv));
  mpz_clear (base);
}

/* §4.4.1.2, §4.4.1.3 */
static void
test_bad_pv (void)
{
  uint8_t secret[ZRTP_MAX_SECRET], pv[P_OCTETS], result[P_OCTETS], expected[P_OCTETS];
  mpz_t p, number;

  g_assert_true (zrtp_gmp_dh3k.generate (&zrtp_libc_random, 256, secret, pv));
  init_prime (p);
  mpz_init (number);
  for (int i = -4; i <= 4; i++) {
    /* 0, 1, 2, 3, … */
    if (i >= 0) {
      mpz_set_ui (number, (unsigned) i);
      octets_from_mpz (pv, number);
      g_assert_true (zrtp_gmp_dh3k.agree (secret, pv, result) == (i >= 2));
      if (i >= 2) {
        reference_power (expected, number, secret, sizeof secret);
        g_assert_cmpmem (result, P_OCTETS, expected, P_OCTETS);
      }
    }
    /* …, p-3, p-2, p-1, p, p+1, … */
    mpz_add_ui (number, p, 4);
    mpz_sub_ui (number, number, (unsigned) (4 - i));
    octets_from_mpz (pv, number);
    g_assert_true (zrtp_gmp_dh3k.agree (secret, pv, result) == (i <= -2));
    if (i <= -2) {
      reference_power (expected, number, secret, sizeof secret);
      g_assert_cmpmem (result, P_OCTETS, expected, P_OCTETS);
    }
  }
  memset (pv, 0xff, sizeof pv);
  g_assert_false (zrtp_gmp_dh3k.agree (secret, pv, result));
  /* Nothing is wrong with one bit, wherever it is. */
  for (unsigned bit = 2; bit < 3072; bit += 31) {
    memset (pv, 0, sizeof pv);
    pv[P_OCTETS - 1 - bit / 8] = (uint8_t) (1 << bit % 8);
    g_assert_true (zrtp_gmp_dh3k.agree (secret, pv, result));
    pv[P_OCTETS - 1] |= 1;
    g_assert_true (zrtp_gmp_dh3k.agree (secret, pv, result));
  }
  mpz_clear (number);
  mpz_clear (p);
}

/* A secret of 0 or 1 is refused, 2 is taken; and only lengths that fit are. */
static void
test_exponents (void)
{
  static const unsigned bad_bits[] = {0, 1, 128, 248, 255, 257, 511, 584, 4096};
  static const unsigned good_bits[] = {256, 384, 512, 576};
  uint8_t octets[32] = {0}, secret[ZRTP_MAX_SECRET], pv[P_OCTETS];

  for (uint8_t x = 0; x < 3; x++) {
    octets[31] = x;
    memset (secret, 0xee, sizeof secret);
    g_assert_true (generate_from (&zrtp_gmp_dh3k, octets, 32, secret, pv) == (x == 2));
    g_assert_true (all_zero (secret, sizeof secret) == (x != 2));
  }
  /* It is the last octet alone that may be small. */
  for (size_t i = 0; i < 31; i++) {
    memset (octets, 0, sizeof octets);
    octets[i] = 1;
    g_assert_true (generate_from (&zrtp_gmp_dh3k, octets, 32, secret, pv));
  }
  for (size_t i = 0; i < G_N_ELEMENTS (bad_bits); i++) {
    memset (secret, 0xee, sizeof secret);
    g_assert_false (zrtp_gmp_dh3k.generate (&zrtp_libc_random, bad_bits[i], secret, pv));
    g_assert_true (all_zero (secret, sizeof secret));
  }
  for (size_t i = 0; i < G_N_ELEMENTS (good_bits); i++) {
    size_t zeros = sizeof secret - good_bits[i] / 8;

    g_assert_true (zrtp_gmp_dh3k.generate (&zrtp_libc_random, good_bits[i], secret, pv));
    g_assert_true (all_zero (secret, zeros));
    g_assert_false (all_zero (secret + zeros, 16));
  }
}

/* The program runs itself for this, see main(). */
static int
generate_once (const char *hex)
{
  uint8_t octets[32], secret[ZRTP_MAX_SECRET], pv[P_OCTETS];

  unhex (hex, octets, sizeof octets);
  (void) VALGRIND_MAKE_MEM_UNDEFINED (octets, sizeof octets);
  return generate_from (&zrtp_gmp_dh3k, octets, sizeof octets, secret, pv) ? 0 : 1;
}

/* What valgrind says of generate() with these octets; NULL, and the test is skipped, without it. */
static gchar *
report_of_valgrind (const char *options, const char *hex)
{
  g_autofree gchar *valgrind = g_find_program_in_path ("valgrind");
  g_autofree gchar *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree gchar *quoted = NULL, *command = NULL;
  gchar *report;
  gint status;

#if defined __SANITIZE_ADDRESS__ || !defined __VALGRIND_MAJOR__
  g_clear_pointer (&valgrind, g_free);
#endif
  if (!valgrind || !self) {
    g_test_skip ("needs valgrind with its headers, /proc, and a build without AddressSanitizer");
    return NULL;
  }
  quoted = g_shell_quote (self);
  command = g_strdup_printf ("valgrind %s %s --generate %s", options, quoted, hex);
  g_assert_true (g_spawn_command_line_sync (command, NULL, &report, &status, NULL));
  if (!g_spawn_check_wait_status (status, NULL))
    g_error ("%s failed: %s", command, report);
  return report;
}

/* No instruction more or less, whatever the secret is. */
static void
test_same_instructions (void)
{
  static const char *const hex[] = {
      "0000000000000000000000000000000000000000000000000000000000000002",
      "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
      "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
  };
  guint64 expected = 0;

  for (size_t i = 0; i < G_N_ELEMENTS (hex); i++) {
    g_autofree gchar *report = report_of_valgrind (
        "--tool=callgrind --callgrind-out-file=/dev/null --toggle-collect=dh3k_generate", hex[i]);
    const char *count;
    guint64 instructions;

    if (!report)
      return;
    count = strstr (report, "Collected : ");
    g_assert_nonnull (count);
    instructions = g_ascii_strtoull (count + strlen ("Collected : "), NULL, 10);
    g_test_message ("%s: %" G_GUINT64_FORMAT, hex[i], instructions);
    g_assert_cmpuint (instructions, >, 100000); /* it did count */
    if (i == 0)
      expected = instructions;
    g_assert_cmpuint (instructions, ==, expected);
  }
}

/* Memcheck takes the secret for undefined and complains of each branch and each address that comes
 * from it. There is one: 0 and 1 are refused. */
static void
test_no_branch_on_secret (void)
{
  g_autofree gchar *report = report_of_valgrind (
      "--tool=memcheck", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb");

  if (!report)
    return;
  if (!strstr (report, "ERROR SUMMARY: 1 errors from 1 contexts")) {
    g_test_message ("%s", report);
    g_test_fail ();
  }
}

/* Microseconds of generate(), the best of several */
static double
cost_of_generate (void)
{
  double best = G_MAXDOUBLE;

  for (int i = 0; i < 10; i++) {
    uint8_t secret[ZRTP_MAX_SECRET], pv[P_OCTETS];
    gint64 start = g_get_monotonic_time ();

    g_assert_true (zrtp_gmp_dh3k.generate (&zrtp_libc_random, 256, secret, pv));
    best = MIN (best, (double) (g_get_monotonic_time () - start));
  }
  return best;
}

/* Microseconds of agree(), the best of several */
static double
cost_of_agree (const uint8_t *secret, const uint8_t *pv)
{
  double best = G_MAXDOUBLE;

  for (int i = 0; i < 10; i++) {
    uint8_t result[P_OCTETS];
    gint64 start = g_get_monotonic_time ();

    g_assert_true (zrtp_gmp_dh3k.agree (secret, pv, result));
    best = MIN (best, (double) (g_get_monotonic_time () - start));
  }
  return best;
}

/* A secret of 256 bits costs half as much as one of 512, which is why there are two sizes; and a
 * power of 2 costs less than one of any number, which is why generate() has its own way. */
static void
test_cost (void)
{
  uint8_t secret[ZRTP_MAX_SECRET], pv[P_OCTETS];
  double short_cost, long_cost, generate_cost = cost_of_generate ();

  g_assert_true (zrtp_gmp_dh3k.generate (&zrtp_libc_random, 512, secret, pv));
  long_cost = cost_of_agree (secret, pv);
  g_assert_true (zrtp_gmp_dh3k.generate (&zrtp_libc_random, 256, secret, pv));
  short_cost = cost_of_agree (secret, pv);
  g_test_message ("256 bits: %.0f us, 512 bits: %.0f us, generate: %.0f us", short_cost, long_cost,
      generate_cost);
  g_assert_cmpfloat (short_cost, <, 0.8 * long_cost);
  g_assert_cmpfloat (generate_cost, <, 0.8 * short_cost);
}

/* The linker routes the malloc() of modp.c here, see meson.build. */
void *__real_malloc (size_t size);
void *__wrap_malloc (size_t size);

static bool malloc_fails;

void *
__wrap_malloc (size_t size)
{
  return malloc_fails ? NULL : __real_malloc (size);
}

static void
test_no_memory (void)
{
  uint8_t secret[ZRTP_MAX_SECRET], pv[P_OCTETS], result[P_OCTETS];
  bool ok;

  g_assert_true (zrtp_gmp_dh3k.generate (&zrtp_libc_random, 256, secret, pv));
  malloc_fails = true;
  ok = zrtp_gmp_dh3k.agree (secret, pv, result);
  malloc_fails = false;
  g_assert_false (ok);
  malloc_fails = true;
  ok = zrtp_gmp_dh3k.generate (&zrtp_libc_random, 256, secret, pv);
  malloc_fails = false;
  g_assert_false (ok);
  g_assert_true (all_zero (secret, sizeof secret));
}

int
main (int argc, char **argv)
{
  if (argc == 3 && strcmp (argv[1], "--generate") == 0)
    return generate_once (argv[2]);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dh3k/prime", test_prime);
  g_test_add_func ("/dh3k/prime-of-openssl", test_prime_of_openssl);
  g_test_add_func ("/dh3k/vectors", test_vectors);
  g_test_add_func ("/dh3k/small-exponents", test_small_exponents);
  g_test_add_func ("/dh3k/comb", test_comb);
  g_test_add_func ("/dh3k/generate", test_generate);
  g_test_add_func ("/dh3k/leading-zeros", test_leading_zeros);
  g_test_add_func ("/dh3k/bad-pv", test_bad_pv);
  g_test_add_func ("/dh3k/exponents", test_exponents);
  g_test_add_func ("/dh3k/same-instructions", test_same_instructions);
  g_test_add_func ("/dh3k/no-branch-on-secret", test_no_branch_on_secret);
  g_test_add_func ("/dh3k/cost", test_cost);
  g_test_add_func ("/dh3k/no-memory", test_no_memory);
  return g_test_run ();
}
