/* What holds for every hash, cipher and key agreement behind gst/protocol/crypto.h alike. The known
 * answers are in the test that is named after the file under test.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <gmp.h>
#include <nettle/hmac.h>
#include <nettle/nettle-meta.h>
#include <nettle/sha3.h>

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#else
#define VALGRIND_MAKE_MEM_DEFINED(address, size) ((void) 0)
#endif

#include "ext/gmp/zrtp-gmp.h"
#include "ext/libc/zrtp-libc.h"
#include "ext/nettle/zrtp-nettle.h"
#include "tests/protocol/crypto-helpers.h"

static const ZrtpHash *const hashes[] = {
    &zrtp_nettle_s256, &zrtp_nettle_s384, &zrtp_nettle_s512, &zrtp_nettle_n256, &zrtp_nettle_n384};
static const ZrtpCipher *const ciphers[] = {&zrtp_nettle_aes1, &zrtp_nettle_aes3};
static const ZrtpKeyAgreement *const key_agreements[] = {
    &zrtp_nettle_x255,
    &zrtp_nettle_e255,
    &zrtp_nettle_x448,
    &zrtp_nettle_ec25,
    &zrtp_nettle_ec38,
    &zrtp_nettle_ec52,
    &zrtp_gmp_dh2k,
    &zrtp_gmp_dh3k,
};

/* §5.1.5 Table 5 (words of pv) and §4.4.1.4 (octets of DHResult); X255, E255 and X448 as RFC
 * 7748 has them. */
static void
test_sizes (void)
{
  static const struct {
    uint32_t type;
    size_t pv_words, result_size;
    bool finite_field;
  } expected[] = {
      {0x58323535, 8, 32, false},
      {0x45323535, 8, 32, false},
      {0x58343438, 14, 56, false},
      {0x45433235, 16, 32, false},
      {0x45433338, 24, 48, false},
      {0x45433532, 33, 66, false},
      {0x4448326b, 64, 256, true},
      {0x4448336b, 96, 384, true},
  };

  g_assert_cmpuint (G_N_ELEMENTS (expected), ==, G_N_ELEMENTS (key_agreements));
  for (size_t i = 0; i < G_N_ELEMENTS (expected); i++) {
    g_assert_cmpuint (key_agreements[i]->type, ==, expected[i].type);
    g_assert_cmpuint (key_agreements[i]->pv_size, ==, 4 * expected[i].pv_words);
    g_assert_cmpuint (key_agreements[i]->result_size, ==, expected[i].result_size);
    g_assert_true (key_agreements[i]->finite_field == expected[i].finite_field);
  }
}

/* Both ends arrive at the same DHResult, two ends do not draw the same key, and nothing is written
 * behind the widths. */
static void
test_agreement (gconstpointer data)
{
  const ZrtpKeyAgreement *ka = data;
  uint32_t seed = 0;
  const ZrtpRandom seeded = {seeded_fill, &seed};

  for (int i = 0; i < 8; i++) {
    const ZrtpRandom *random = i % 2 ? &seeded : &zrtp_libc_random;
    unsigned bits = i % 4 < 2 ? 256 : 512;
    uint8_t secret_a[ZRTP_MAX_SECRET], secret_b[ZRTP_MAX_SECRET];
    uint8_t pv_a[ZRTP_MAX_PV + 1], pv_b[ZRTP_MAX_PV];
    uint8_t result_a[ZRTP_MAX_DHRESULT + 1], result_b[ZRTP_MAX_DHRESULT];

    memset (secret_a, 0xee, sizeof secret_a);
    memset (secret_b, 0xdd, sizeof secret_b);
    pv_a[ka->pv_size] = result_a[ka->result_size] = 0xcc;
    g_assert_true (ka->generate (random, bits, secret_a, pv_a));
    g_assert_true (ka->generate (random, bits, secret_b, pv_b));
    g_assert_false (zrtp_equal (secret_a, secret_b, sizeof secret_a));
    g_assert_false (zrtp_equal (pv_a, pv_b, ka->pv_size));
    g_assert_true (ka->agree (secret_a, pv_b, result_a));
    g_assert_true (ka->agree (secret_b, pv_a, result_b));
    g_assert_cmpmem (result_a, ka->result_size, result_b, ka->result_size);
    g_assert_cmpuint (pv_a[ka->pv_size], ==, 0xcc);
    g_assert_cmpuint (result_a[ka->result_size], ==, 0xcc);
  }
}

/* No random octets, no key, and no remains of one. */
static void
test_random_fails (gconstpointer data)
{
  const ZrtpKeyAgreement *ka = data;
  Script spent = {NULL, 0, 0};
  const ZrtpRandom random = {script_fill, &spent};
  uint8_t secret[ZRTP_MAX_SECRET], pv[ZRTP_MAX_PV];

  memset (secret, 0xee, sizeof secret);
  g_assert_false (ka->generate (&random, 256, secret, pv));
  g_assert_cmpuint (spent.calls, ==, 1);
  g_assert_true (all_zero (secret, sizeof secret));
}

/* ---- Nothing is left behind ---- */

/* The linker routes the malloc() and free() of modp.c here, see meson.build. */
void *__real_malloc (size_t size);
void __real_free (void *block);
void *__wrap_malloc (size_t size);
void __wrap_free (void *block);

static void *last_block;
static size_t last_size;
static unsigned dirty_frees, clean_frees;

void *
__wrap_malloc (size_t size)
{
  last_size = size;
  last_block = __real_malloc (size);
  return last_block;
}

void
__wrap_free (void *block)
{
  if (block && block == last_block) {
    if (all_zero (block, last_size))
      clean_frees++;
    else
      dirty_frees++;
  }
  __real_free (block);
}

/* What is to be found nowhere afterwards: a secret as octets, and as limbs, which on a
 * little-endian machine are the same octets the other way round. */
typedef struct {
  uint8_t octets[16], reversed[16];
} Needle;

static Needle needle;
static unsigned found_in_heap;

static void
set_needle (const uint8_t octets[16])
{
  for (int i = 0; i < 16; i++)
    needle.octets[i] = needle.reversed[15 - i] = octets[i];
}

static bool
has_needle (const void *block, size_t size)
{
  return memmem (block, size, needle.octets, 16) || memmem (block, size, needle.reversed, 16);
}

static void
searching_free (void *block, size_t size)
{
  (void) VALGRIND_MAKE_MEM_DEFINED (block, size); /* all of it is searched, used or not */
  if (has_needle (block, size))
    found_in_heap++;
  free (block);
}

/* Runs `body` on a stack of its own and then searches that stack. What GMP and Nettle free meanwhile
 * is searched, too, for the caller to look at `found_in_heap`. */
static uint8_t stack[512 * 1024];
static ucontext_t test_context, body_context;

static void
assert_leaves_nothing (void (*body) (void))
{
  void (*gmp_free) (void *, size_t);

  mp_get_memory_functions (NULL, NULL, &gmp_free);
  mp_set_memory_functions (NULL, NULL, searching_free);
  /* Everything once before: the dynamic linker saves registers on the stack when it looks up a
   * function for its first call. */
  body ();
  g_assert_false (has_needle (stack, sizeof stack));
  found_in_heap = dirty_frees = 0;
  memset (stack, 0, sizeof stack);
  g_assert_cmpint (getcontext (&body_context), ==, 0);
  body_context.uc_stack.ss_sp = stack;
  body_context.uc_stack.ss_size = sizeof stack;
  body_context.uc_link = &test_context;
  makecontext (&body_context, body, 0);
  g_assert_cmpint (swapcontext (&test_context, &body_context), ==, 0);
  mp_set_memory_functions (NULL, NULL, gmp_free);
  (void) VALGRIND_MAKE_MEM_DEFINED (stack, sizeof stack); /* we do mean to read what is dead */
  g_assert_false (all_zero (stack, sizeof stack));        /* it was used */
  g_assert_false (has_needle (stack, sizeof stack));
  g_assert_cmpuint (dirty_frees, ==, 0);
}

/* In and out of the functions below. */
static uint8_t wipe_input[72], wipe_secret[ZRTP_MAX_SECRET];
static const uint8_t wipe_key[] = "a key";
static const uint8_t wipe_iv[ZRTP_CIPHER_BLOCK];
static uint8_t wipe_pv[ZRTP_MAX_PV], wipe_result[ZRTP_MAX_DHRESULT];
static const ZrtpHash *wipe_hash;
static const ZrtpCipher *wipe_cipher;
static const ZrtpKeyAgreement *wipe_ka;
static bool wipe_ok;

static void
do_digest (void)
{
  wipe_hash->digest (&ZRTP_BYTES (wipe_input), 1, wipe_result);
}

static void
do_mac (void)
{
  wipe_hash->mac (ZRTP_BYTES (wipe_key), &ZRTP_BYTES (wipe_input), 1, wipe_result);
}

static void
do_encrypt (void)
{
  wipe_cipher->encrypt (wipe_input, wipe_iv, wipe_result, 40);
}

static void
do_decrypt (void)
{
  wipe_cipher->decrypt (wipe_input, wipe_iv, wipe_result, 40);
}

static void
do_generate (void)
{
  Script script = {wipe_input, sizeof wipe_input, 0};
  const ZrtpRandom random = {script_fill, &script};

  wipe_ok = wipe_ka->generate (&random, 256, wipe_secret, wipe_pv);
}

static void
do_agree (void)
{
  wipe_ok = wipe_ka->agree (wipe_secret, wipe_pv, wipe_result);
}

static void
test_wipe_symmetric (void)
{
  for (size_t i = 0; i < sizeof wipe_input; i++)
    wipe_input[i] = (uint8_t) (0x91 + 7 * i);
  set_needle (wipe_input + 8);
  for (size_t i = 0; i < G_N_ELEMENTS (hashes); i++) {
    wipe_hash = hashes[i];
    assert_leaves_nothing (do_digest);
    assert_leaves_nothing (do_mac);
  }
  set_needle (wipe_input);
  for (size_t i = 0; i < G_N_ELEMENTS (ciphers); i++) {
    wipe_cipher = ciphers[i];
    assert_leaves_nothing (do_encrypt);
    assert_leaves_nothing (do_decrypt);
  }
}

/* Who has the state of the hash after the key's first block, RFC 2104 §2, needs no key. */
static void
set_needle_to_keyed_state (const struct nettle_hash *hash, uint8_t pad_octet)
{
  union {
    struct sha256_ctx sha256;
    struct sha512_ctx sha512;
    struct sha3_256_ctx sha3_256;
    struct sha3_384_ctx sha3_384;
    uint8_t octets[16]; /* the first member of all is the state */
  } context;
  uint8_t pad[136];

  memset (pad, pad_octet, sizeof pad);
  for (size_t i = 0; i < sizeof wipe_key; i++)
    pad[i] ^= wipe_key[i];
  hash->init (&context);
  hash->update (&context, hash->block_size, pad);
  set_needle (context.octets);
}

static void
test_wipe_mac_key (void)
{
  static const struct nettle_hash *const nettle[] = {
      &nettle_sha256, &nettle_sha384, &nettle_sha512, &nettle_sha3_256, &nettle_sha3_384};

  for (size_t i = 0; i < G_N_ELEMENTS (hashes); i++) {
    wipe_hash = hashes[i];
    set_needle_to_keyed_state (nettle[i], 0x36);
    assert_leaves_nothing (do_mac);
    set_needle_to_keyed_state (nettle[i], 0x5c);
    assert_leaves_nothing (do_mac);
  }
}

static void
test_wipe_key_agreement (gconstpointer data)
{
  wipe_ka = data;
  for (size_t i = 0; i < sizeof wipe_input; i++)
    wipe_input[i] = (uint8_t) (0x91 + 7 * i);
  /* Of X255, E255 and X448 the whole, as Nettle leaves its clamped copy, see curves.c; of EC52 not the
   * first octet, of which one bit is taken. */
  set_needle (wipe_input + (wipe_ka == &zrtp_nettle_ec52 ? 1 : 0));
  clean_frees = 0;
  assert_leaves_nothing (do_generate);
  g_assert_true (wipe_ok);
  g_assert_cmpuint (found_in_heap, ==, 0);
  assert_leaves_nothing (do_agree);
  g_assert_true (wipe_ok);
  g_assert_cmpuint (found_in_heap, ==, 0);
  /* Once more, now that the DHResult is known to look for. */
  set_needle (wipe_result + 8);
  assert_leaves_nothing (do_agree);
  g_assert_true (wipe_ok);
  /* Nettle leaves the result of X25519 and X448 in its own scratch space, see curves.c. */
  if (wipe_ka != &zrtp_nettle_x255 && wipe_ka != &zrtp_nettle_e255 && wipe_ka != &zrtp_nettle_x448)
    g_assert_cmpuint (found_in_heap, ==, 0);
  /* Each call twice */
  if (wipe_ka->finite_field)
    g_assert_cmpuint (clean_frees, ==, 6);
}

int
main (int argc, char **argv)
{
  static const struct {
    const char *name;
    GTestDataFunc test;
  } for_all[] = {
      {"agreement", test_agreement},
      {"random-fails", test_random_fails},
      {"wipe", test_wipe_key_agreement},
  };
  static const char *const names[] = {
      "x255", "e255", "x448", "ec25", "ec38", "ec52", "dh2k", "dh3k"};

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/crypto/wipe-symmetric", test_wipe_symmetric);
  g_test_add_func ("/crypto/wipe-mac-key", test_wipe_mac_key);
  g_test_add_func ("/crypto/sizes", test_sizes);
  for (size_t i = 0; i < G_N_ELEMENTS (key_agreements); i++) {
    for (size_t j = 0; j < G_N_ELEMENTS (for_all); j++) {
      gchar *path = g_strdup_printf ("/crypto/%s/%s", names[i], for_all[j].name);

      g_test_add_data_func (path, key_agreements[i], for_all[j].test);
      g_free (path);
    }
  }
  return g_test_run ();
}
