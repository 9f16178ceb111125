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
  MAX_P_OCTETS = 384
};

/* p = 2^bits - 2^(bits - 64) - 1 + 2^64 * ([2^(bits - 130) pi] + addend), RFC 3526 */
typedef struct {
  const char *name;
  const ZrtpKeyAgreement *ka;
  unsigned bits, addend;
  const mp_limb_t *inverse, *comb;
  size_t inverse_size, comb_size;
  const char *pv_a, *pv_b, *result; /* see test_vectors() */
} Group;

static const Group groups[] = {
    {
        .name = "dh2k", /* §3 */
        .ka = &zrtp_gmp_dh2k,
        .bits = 2048,
        .addend = 124476,
        .inverse = dh2k_inverse,
        .comb = dh2k_comb,
        .inverse_size = sizeof dh2k_inverse,
        .comb_size = sizeof dh2k_comb,
        .pv_a = "af4c5fa94ec002005abfc26f7e982ebcb4193c283a60c8ecfb29fd257300409e",
        .pv_b = "8740d92bc7b3b0b7a685394a516327c03d6e0755f309aa8a43e74680f9e50688",
        .result = "49e6c039cbdc611edc2468369a310f1e32afba7ca3a768da766d8149c4ad7967",
    },
    {
        .name = "dh3k", /* §4 */
        .ka = &zrtp_gmp_dh3k,
        .bits = 3072,
        .addend = 1690314,
        .inverse = dh3k_inverse,
        .comb = dh3k_comb,
        .inverse_size = sizeof dh3k_inverse,
        .comb_size = sizeof dh3k_comb,
        .pv_a = "23361453381d8a667958a2df1bca0d5ec06745e19d6613a0e57ef66a40f2d738",
        .pv_b = "0f4bedfba3c24ac62f7c79bbd554f88a8ae44c8c4b0e7c5310d7ae70c7aef754",
        .result = "566146d06b8378a3797ba4585979d85c95c0c54ccc395ca81834b33463377344",
    },
};

static size_t
p_octets (const Group *group)
{
  return group->bits / 8;
}

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

static void
init_prime (mpz_t p, const Group *group)
{
  mpz_t power;

  mpz_init (p);
  mpz_init (power);
  scaled_pi (p, group->bits - 130);
  mpz_add_ui (p, p, group->addend);
  mpz_mul_2exp (p, p, 64);
  mpz_ui_pow_ui (power, 2, group->bits);
  mpz_add (p, p, power);
  mpz_ui_pow_ui (power, 2, group->bits - 64);
  mpz_sub (p, p, power);
  mpz_sub_ui (p, p, 1);
  mpz_clear (power);
}

static void
octets_from_mpz (uint8_t *octets, size_t width, const mpz_t number)
{
  size_t size = (mpz_sizeinbase (number, 2) + 7) / 8;

  g_assert_cmpuint (size, <=, width);
  memset (octets, 0, width);
  mpz_export (octets + width - size, NULL, 1, 1, 1, 0, number);
}

/* base ^ exponent mod p, by GMP's mpz_powm(), another code path than mpn_sec_powm(). */
static void
reference_power (
    const Group *group, uint8_t *out, const mpz_t base, const uint8_t *exponent, size_t size)
{
  mpz_t e, p;

  init_prime (p, group);
  mpz_init (e);
  mpz_import (e, size, 1, 1, 1, 0, exponent);
  mpz_powm (e, base, e, p);
  octets_from_mpz (out, p_octets (group), e);
  mpz_clear (e);
  mpz_clear (p);
}

/* What the tests below take for p is prime, safe, and what others have. That DH2k and DH3k
 * work with the same p is what they show. */
static void
test_prime (gconstpointer data)
{
  const Group *group = data;
  mpz_t p, half;

  init_prime (p, group);
  mpz_init (half);
  mpz_fdiv_q_2exp (half, p, 1);
  g_assert_cmpuint (mpz_sizeinbase (p, 2), ==, group->bits);
  for (unsigned i = 0; i < 64; i++)
    g_assert_true (mpz_tstbit (p, i) && mpz_tstbit (p, group->bits - 1 - i));
  g_assert_cmpint (mpz_probab_prime_p (p, 25), >, 0);
  g_assert_cmpint (mpz_probab_prime_p (half, 25), >, 0);
  mpz_clear (half);
  mpz_clear (p);
}

static void
test_prime_of_openssl (gconstpointer data)
{
#ifdef HAVE_LIBCRYPTO
  const Group *group = data;
  BIGNUM *openssl =
      group->bits == 2048 ? BN_get_rfc3526_prime_2048 (NULL) : BN_get_rfc3526_prime_3072 (NULL);
  const int size = (int) p_octets (group);
  uint8_t ours[MAX_P_OCTETS], theirs[MAX_P_OCTETS];
  mpz_t p;

  init_prime (p, group);
  octets_from_mpz (ours, p_octets (group), p);
  g_assert_cmpint (BN_bn2binpad (openssl, theirs, size), ==, size);
  g_assert_cmpmem (ours, p_octets (group), theirs, p_octets (group));
  BN_free (openssl);
  mpz_clear (p);
#else
  g_test_skip ("built without libcrypto (Debian: libssl-dev), whose copy of the prime is compared");
#endif
}

/* SHA-256 of 2^a, 2^b and 2^(ab) mod p, as wide as p, for a = SHA-256 ("a"), b = SHA-512 ("b"), by
 *
 *   from hashlib import sha256, sha512
 *   one = 1 << 3000
 *   arctan = lambda d: sum((-1)**i * (one // d**(2*i+1) // (2*i+1)) for i in range(700))
 *   pi = 4 * (4 * arctan(5) - arctan(239))
 *   a, b = (int.from_bytes(x, "big") for x in (sha256(b"a").digest(), sha512(b"b").digest()))
 *   for bits, c in (2048, 124476), (3072, 1690314):
 *     p = 2**bits - 2**(bits-64) - 1 + 2**64 * ((pi >> 3130 - bits) + c)
 *     for base, x in (2, a), (2, b), (pow(2, b, p), a):
 *       print(sha256(pow(base, x, p).to_bytes(bits // 8, "big")).hexdigest()) */
static void
test_vectors (gconstpointer data)
{
  const Group *group = data;
  uint8_t a[32], b[64], secret_a[ZRTP_MAX_SECRET], secret_b[ZRTP_MAX_SECRET];
  uint8_t pv_a[MAX_P_OCTETS], pv_b[MAX_P_OCTETS], result[MAX_P_OCTETS];

  unhex ("ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb", a, sizeof a);
  unhex ("5267768822ee624d48fce15ec5ca79cbd602cb7f4c2157a516556991f22ef8c7"
         "b5ef7b18d1ff41c59370efb0858651d44a936c11b7b144c48fe04df3c6a3e8da",
      b, sizeof b);
  g_assert_true (generate_from (group->ka, a, sizeof a, secret_a, pv_a));
  g_assert_true (generate_from (group->ka, b, sizeof b, secret_b, pv_b));
  /* Right-aligned, as long as it was asked for (§5.1.5) */
  g_assert_true (all_zero (secret_a, sizeof secret_a - sizeof a));
  g_assert_cmpmem (secret_a + sizeof secret_a - sizeof a, sizeof a, a, sizeof a);
  g_assert_true (all_zero (secret_b, sizeof secret_b - sizeof b));
  g_assert_cmpmem (secret_b + sizeof secret_b - sizeof b, sizeof b, b, sizeof b);
  assert_sha256 (pv_a, p_octets (group), group->pv_a);
  assert_sha256 (pv_b, p_octets (group), group->pv_b);
  g_assert_true (group->ka->agree (secret_a, pv_b, result));
  assert_sha256 (result, p_octets (group), group->result);
  g_assert_true (group->ka->agree (secret_b, pv_a, result));
  assert_sha256 (result, p_octets (group), group->result);
}

/* 2^x, for which no modulus is needed: nearly all of it is leading zeros (§4.4.1.1). */
static void
test_small_exponents (gconstpointer data)
{
  const Group *group = data;

  for (unsigned x = 2; x < 256; x++) {
    uint8_t octets[32] = {0}, secret[ZRTP_MAX_SECRET];
    uint8_t pv[MAX_P_OCTETS], expected[MAX_P_OCTETS] = {0};

    octets[31] = (uint8_t) x;
    expected[p_octets (group) - 1 - x / 8] = (uint8_t) (1 << x % 8);
    g_assert_true (generate_from (group->ka, octets, 32, secret, pv));
    g_assert_cmpmem (pv, p_octets (group), expected, p_octets (group));
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
test_comb (gconstpointer data)
{
  const Group *group = data;
  const mp_limb_t *entry = group->comb;
  mpz_t p, number, exponent, factor[TABLES * TEETH];

  init_prime (p, group);
  mpz_init (number);
  mpz_init (exponent);
  mpz_ui_pow_ui (exponent, 2, SPACING);
  for (unsigned i = 0; i < TABLES * TEETH; i++) {
    mpz_init_set_ui (factor[i], 2);
    if (i > 0)
      mpz_powm (factor[i], factor[i - 1], exponent, p);
  }
  g_assert_cmpuint (group->comb_size, ==, TABLES * (1 << TEETH) * p_octets (group));
  for (unsigned table = 0; table < TABLES; table++)
    for (unsigned bits = 0; bits < 1 << TEETH; bits++) {
      mpz_ui_pow_ui (number, 2, 8 * p_octets (group));
      for (unsigned i = 0; i < TEETH; i++)
        if (bits >> i & 1)
          mpz_mul (number, number, factor[TEETH * table + i]);
      mpz_mod (number, number, p);
      assert_limbs (entry, p_octets (group) / sizeof *entry, number);
      entry += p_octets (group) / sizeof *entry;
    }
  /* The inverse * p = -1 mod 2^BLOCK_BITS */
  g_assert_cmpuint (8 * group->inverse_size, ==, BLOCK_BITS);
  mpz_neg (p, p);
  mpz_ui_pow_ui (exponent, 2, BLOCK_BITS);
  g_assert_true (mpz_invert (number, p, exponent));
  assert_limbs (group->inverse, group->inverse_size / sizeof *group->inverse, number);

  for (unsigned i = 0; i < TABLES * TEETH; i++)
    mpz_clear (factor[i]);
  mpz_clear (exponent);
  mpz_clear (number);
  mpz_clear (p);
}

/* pv for this very secret, against mpz_powm(). */
static void
assert_generate (const Group *group, const uint8_t *octets, size_t size)
{
  static mpz_t primes[G_N_ELEMENTS (groups)];
  mpz_ptr p = primes[group - groups];
  uint8_t secret[ZRTP_MAX_SECRET], pv[MAX_P_OCTETS], expected[MAX_P_OCTETS];
  mpz_t number, two;

  if (mpz_sgn (p) == 0)
    init_prime (p, group);
  mpz_init (number);
  mpz_init_set_ui (two, 2);
  mpz_import (number, size, 1, 1, 1, 0, octets);
  mpz_powm (number, two, number, p);
  octets_from_mpz (expected, p_octets (group), number);
  g_assert_true (generate_from (group->ka, octets, size, secret, pv));
  g_assert_cmpmem (pv, p_octets (group), expected, p_octets (group));
  mpz_clear (two);
  mpz_clear (number);
}

/* Random secrets, and those that a comb might get wrong. */
static void
test_generate (gconstpointer data)
{
  const Group *group = data;
  static const size_t sizes[] = {32, 64, ZRTP_MAX_SECRET};
  uint32_t seed = 0;

  for (size_t i = 0; i < G_N_ELEMENTS (sizes); i++) {
    size_t size = sizes[i], half = size / 2;
    uint8_t octets[ZRTP_MAX_SECRET];

    for (unsigned n = 0; n < 100; n++) {
      seeded_fill (&seed, octets, size);
      assert_generate (group, octets, size);
    }
    /* One bit, and all but one */
    for (unsigned bit = 1; bit < 8 * size; bit++) {
      memset (octets, 0, size);
      octets[size - 1 - bit / 8] = (uint8_t) (1 << bit % 8);
      assert_generate (group, octets, size);
      for (size_t k = 0; k < size; k++)
        octets[k] = (uint8_t) ~octets[k];
      assert_generate (group, octets, size);
    }
    memset (octets, 0xff, size);
    assert_generate (group, octets, size);
    memset (octets, 0, half);
    assert_generate (group, octets, size);
    memset (octets, 0xff, half);
    memset (octets + half, 0, half);
    assert_generate (group, octets, size);
    /* Zeros at the top and at the bottom */
    for (size_t zeros = 1; zeros < size; zeros += 3) {
      seeded_fill (&seed, octets, size);
      memset (octets, 0, zeros);
      octets[size - 1] |= 2;
      assert_generate (group, octets, size);
      seeded_fill (&seed, octets, size);
      memset (octets + size - zeros, 0, zeros);
      octets[0] |= 1;
      assert_generate (group, octets, size);
    }
  }
}

/* pv and DHResult of full-size secrets that begin with a zero octet, against mpz_powm(). */
static void
test_leading_zeros (gconstpointer data)
{
  const Group *group = data;
  uint32_t seed = 0;
  const ZrtpRandom random = {seeded_fill, &seed};
  uint8_t secret[ZRTP_MAX_SECRET], pv[MAX_P_OCTETS], peer_pv[MAX_P_OCTETS], result[MAX_P_OCTETS];
  uint8_t expected[MAX_P_OCTETS];
  mpz_t base;

  mpz_init_set_ui (base, 2);
  do
    g_assert_true (group->ka->generate (&random, 256, secret, peer_pv));
  while (peer_pv[0] != 0);
  reference_power (group, expected, base, secret, sizeof secret);
  g_assert_cmpmem (peer_pv, p_octets (group), expected, p_octets (group));

  mpz_import (base, p_octets (group), 1, 1, 1, 0, peer_pv);
  do {
    g_assert_true (random.fill (random.user, secret + sizeof secret - 32, 32));
    g_assert_true (group->ka->agree (secret, peer_pv, result));
  } while (result[0] != 0);
  reference_power (group, expected, base, secret, sizeof secret);
  g_assert_cmpmem (result, p_octets (group), expected, p_octets (group));

  /* The secret has leading zeros, too, and any length of them does. */
  for (size_t zeros = 0; zeros < sizeof secret - 1; zeros += 5) {
    uint8_t short_secret[ZRTP_MAX_SECRET] = {0};

    memset (short_secret + zeros, 0xa5, sizeof short_secret - zeros);
    g_assert_true (group->ka->agree (short_secret, peer_pv, result));
    reference_power (group, expected, base, short_secret, sizeof short_secret);
    g_assert_cmpmem (result, p_octets (group), expected, p_octets (group));
  }
  g_assert_true (group->ka->generate (&random, 512, secret, pv));
  mpz_clear (base);
}

/* §4.4.1.2, §4.4.1.3 */
static void
test_bad_pv (gconstpointer data)
{
  const Group *group = data;
  uint8_t secret[ZRTP_MAX_SECRET], pv[MAX_P_OCTETS], result[MAX_P_OCTETS], expected[MAX_P_OCTETS];
  mpz_t p, number;

  g_assert_true (group->ka->generate (&zrtp_libc_random, 256, secret, pv));
  init_prime (p, group);
  mpz_init (number);
  for (int i = -4; i <= 4; i++) {
    /* 0, 1, 2, 3, … */
    if (i >= 0) {
      mpz_set_ui (number, (unsigned) i);
      octets_from_mpz (pv, p_octets (group), number);
      g_assert_true (group->ka->agree (secret, pv, result) == (i >= 2));
      if (i >= 2) {
        reference_power (group, expected, number, secret, sizeof secret);
        g_assert_cmpmem (result, p_octets (group), expected, p_octets (group));
      }
    }
    /* …, p-3, p-2, p-1, p, p+1, … */
    mpz_add_ui (number, p, 4);
    mpz_sub_ui (number, number, (unsigned) (4 - i));
    octets_from_mpz (pv, p_octets (group), number);
    g_assert_true (group->ka->agree (secret, pv, result) == (i <= -2));
    if (i <= -2) {
      reference_power (group, expected, number, secret, sizeof secret);
      g_assert_cmpmem (result, p_octets (group), expected, p_octets (group));
    }
  }
  memset (pv, 0xff, p_octets (group));
  g_assert_false (group->ka->agree (secret, pv, result));
  /* Nothing is wrong with one bit, wherever it is. */
  for (unsigned bit = 2; bit < group->bits; bit += 31) {
    memset (pv, 0, sizeof pv);
    pv[p_octets (group) - 1 - bit / 8] = (uint8_t) (1 << bit % 8);
    g_assert_true (group->ka->agree (secret, pv, result));
    pv[p_octets (group) - 1] |= 1;
    g_assert_true (group->ka->agree (secret, pv, result));
  }
  mpz_clear (number);
  mpz_clear (p);
}

/* A secret of 0 or 1 is refused, 2 is taken; and only lengths that fit are. */
static void
test_exponents (gconstpointer data)
{
  const Group *group = data;
  static const unsigned bad_bits[] = {0, 1, 128, 248, 255, 257, 511, 584, 4096};
  static const unsigned good_bits[] = {256, 384, 512, 576};
  uint8_t octets[32] = {0}, secret[ZRTP_MAX_SECRET], pv[MAX_P_OCTETS];

  for (uint8_t x = 0; x < 3; x++) {
    octets[31] = x;
    memset (secret, 0xee, sizeof secret);
    g_assert_true (generate_from (group->ka, octets, 32, secret, pv) == (x == 2));
    g_assert_true (all_zero (secret, sizeof secret) == (x != 2));
  }
  /* It is the last octet alone that may be small. */
  for (size_t i = 0; i < 31; i++) {
    memset (octets, 0, sizeof octets);
    octets[i] = 1;
    g_assert_true (generate_from (group->ka, octets, 32, secret, pv));
  }
  for (size_t i = 0; i < G_N_ELEMENTS (bad_bits); i++) {
    memset (secret, 0xee, sizeof secret);
    g_assert_false (group->ka->generate (&zrtp_libc_random, bad_bits[i], secret, pv));
    g_assert_true (all_zero (secret, sizeof secret));
  }
  for (size_t i = 0; i < G_N_ELEMENTS (good_bits); i++) {
    size_t zeros = sizeof secret - good_bits[i] / 8;

    g_assert_true (group->ka->generate (&zrtp_libc_random, good_bits[i], secret, pv));
    g_assert_true (all_zero (secret, zeros));
    g_assert_false (all_zero (secret + zeros, 16));
  }
}

/* The program runs itself for this, see main(). */
static int
generate_once (const char *name, const char *hex)
{
  const Group *group = &groups[strcmp (name, groups[0].name) != 0];
  uint8_t octets[32], secret[ZRTP_MAX_SECRET], pv[MAX_P_OCTETS];

  unhex (hex, octets, sizeof octets);
  (void) VALGRIND_MAKE_MEM_UNDEFINED (octets, sizeof octets);
  return generate_from (group->ka, octets, sizeof octets, secret, pv) ? 0 : 1;
}

/* What valgrind says of generate() with these octets; NULL, and the test is skipped, without it. */
static gchar *
report_of_valgrind (const Group *group, const char *options, const char *hex)
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
  command = g_strdup_printf ("valgrind %s %s --generate %s %s", options, quoted, group->name, hex);
  g_assert_true (g_spawn_command_line_sync (command, NULL, &report, &status, NULL));
  if (!g_spawn_check_wait_status (status, NULL))
    g_error ("%s failed: %s", command, report);
  return report;
}

/* No instruction more or less, whatever the secret is. */
static void
test_same_instructions (gconstpointer data)
{
  const Group *group = data;
  static const char *const hex[] = {
      "0000000000000000000000000000000000000000000000000000000000000002",
      "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
      "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
  };
  guint64 expected = 0;

  for (size_t i = 0; i < G_N_ELEMENTS (hex); i++) {
    g_autofree gchar *options = g_strdup_printf (
        "--tool=callgrind --callgrind-out-file=/dev/null --toggle-collect=%s_generate",
        group->name);
    g_autofree gchar *report = report_of_valgrind (group, options, hex[i]);
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
test_no_branch_on_secret (gconstpointer data)
{
  const Group *group = data;
  g_autofree gchar *report = report_of_valgrind (
      group, "--tool=memcheck", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb");

  if (!report)
    return;
  if (!strstr (report, "ERROR SUMMARY: 1 errors from 1 contexts")) {
    g_test_message ("%s", report);
    g_test_fail ();
  }
}

/* Microseconds of generate(), the best of several */
static double
cost_of_generate (const Group *group)
{
  double best = G_MAXDOUBLE;

  for (int i = 0; i < 10; i++) {
    uint8_t secret[ZRTP_MAX_SECRET], pv[MAX_P_OCTETS];
    gint64 start = g_get_monotonic_time ();

    g_assert_true (group->ka->generate (&zrtp_libc_random, 256, secret, pv));
    best = MIN (best, (double) (g_get_monotonic_time () - start));
  }
  return best;
}

/* Microseconds of agree(), the best of several */
static double
cost_of_agree (const Group *group, const uint8_t *secret, const uint8_t *pv)
{
  double best = G_MAXDOUBLE;

  for (int i = 0; i < 10; i++) {
    uint8_t result[MAX_P_OCTETS];
    gint64 start = g_get_monotonic_time ();

    g_assert_true (group->ka->agree (secret, pv, result));
    best = MIN (best, (double) (g_get_monotonic_time () - start));
  }
  return best;
}

/* A secret of 256 bits costs half as much as one of 512, which is why there are two sizes; and a
 * power of 2 costs less than one of any number, which is why generate() has its own way. */
static void
test_cost (gconstpointer data)
{
  const Group *group = data;
  uint8_t secret[ZRTP_MAX_SECRET], pv[MAX_P_OCTETS];
  double short_cost, long_cost, generate_cost = cost_of_generate (group);

  g_assert_true (group->ka->generate (&zrtp_libc_random, 512, secret, pv));
  long_cost = cost_of_agree (group, secret, pv);
  g_assert_true (group->ka->generate (&zrtp_libc_random, 256, secret, pv));
  short_cost = cost_of_agree (group, secret, pv);
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
test_no_memory (gconstpointer data)
{
  const Group *group = data;
  uint8_t secret[ZRTP_MAX_SECRET], pv[MAX_P_OCTETS], result[MAX_P_OCTETS];
  bool ok;

  g_assert_true (group->ka->generate (&zrtp_libc_random, 256, secret, pv));
  malloc_fails = true;
  ok = group->ka->agree (secret, pv, result);
  malloc_fails = false;
  g_assert_false (ok);
  malloc_fails = true;
  ok = group->ka->generate (&zrtp_libc_random, 256, secret, pv);
  malloc_fails = false;
  g_assert_false (ok);
  g_assert_true (all_zero (secret, sizeof secret));
}

int
main (int argc, char **argv)
{
  static const struct {
    const char *name;
    GTestDataFunc test;
  } for_both[] = {
      {"prime", test_prime},
      {"prime-of-openssl", test_prime_of_openssl},
      {"vectors", test_vectors},
      {"small-exponents", test_small_exponents},
      {"comb", test_comb},
      {"generate", test_generate},
      {"leading-zeros", test_leading_zeros},
      {"bad-pv", test_bad_pv},
      {"exponents", test_exponents},
      {"same-instructions", test_same_instructions},
      {"no-branch-on-secret", test_no_branch_on_secret},
      {"cost", test_cost},
      {"no-memory", test_no_memory},
  };

  if (argc == 4 && strcmp (argv[1], "--generate") == 0)
    return generate_once (argv[2], argv[3]);
  g_test_init (&argc, &argv, NULL);
  for (size_t i = 0; i < G_N_ELEMENTS (groups); i++)
    for (size_t j = 0; j < G_N_ELEMENTS (for_both); j++) {
      g_autofree gchar *path = g_strdup_printf ("/%s/%s", groups[i].name, for_both[j].name);

      g_test_add_data_func (path, &groups[i], for_both[j].test);
    }
  return g_test_run ();
}
