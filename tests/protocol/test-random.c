/* ext/libc/random.c with a getrandom(2) that fails in all its ways, and with the real one.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "ext/libc/zrtp-libc.h"
#include "tests/protocol/crypto-helpers.h"

/* The linker routes the getrandom() of random.c here, see meson.build. */
ssize_t __real_getrandom (void *out, size_t size, unsigned flags);
ssize_t __wrap_getrandom (void *out, size_t size, unsigned flags);

/* Each step is a number of octets to give, or minus an errno. The octets count up from 1. */
static const int *random_steps;
static unsigned random_calls;
static uint8_t random_octet;

ssize_t
__wrap_getrandom (void *out, size_t size, unsigned flags)
{
  int step;
  uint8_t *octets = out;

  if (!random_steps)
    return __real_getrandom (out, size, flags);
  step = random_steps[random_calls++];
  if (step < 0) {
    errno = -step;
    return -1;
  }
  g_assert_cmpuint ((size_t) step, <=, size);
  for (int i = 0; i < step; i++)
    octets[i] = ++random_octet;
  return step;
}

static void
assert_random (const int *steps, size_t size, bool expected_ok, unsigned expected_calls)
{
  uint8_t out[600];

  random_steps = steps;
  random_calls = 0;
  random_octet = 0;
  memset (out, 0xee, sizeof out);
  g_assert_true (zrtp_libc_random.fill (zrtp_libc_random.user, out, size) == expected_ok);
  random_steps = NULL;
  g_assert_cmpuint (random_calls, ==, expected_calls);
  if (expected_ok)
    for (size_t i = 0; i < size; i++)
      g_assert_cmpuint (out[i], ==, (uint8_t) (i + 1));
  for (size_t i = size; i < sizeof out; i++)
    g_assert_cmpuint (out[i], ==, 0xee);
}

/* getrandom(2): any call may be interrupted, or give less than was asked for. */
static void
test_random (void)
{
  assert_random ((const int[]){32}, 32, true, 1);
  assert_random ((const int[]){-EINTR, 256, -EINTR, -EINTR, 1, 255, 88}, 600, true, 7);
  assert_random ((const int[]){-ENOSYS}, 32, false, 1);
  assert_random ((const int[]){16, -EFAULT}, 32, false, 2);
  assert_random ((const int[]){0}, 32, false, 1);
  assert_random ((const int[]){-ENOSYS}, 0, true, 0);
}

/* The real one: no two of a thousand draws are alike, and every octet of a draw changes. */
static void
test_random_real (void)
{
  enum {
    DRAWS = 1000,
    SIZE = 16
  };
  uint8_t draws[DRAWS][SIZE], seen[SIZE] = {0};

  for (int i = 0; i < DRAWS; i++) {
    g_assert_true (zrtp_libc_random.fill (zrtp_libc_random.user, draws[i], SIZE));
    for (int j = 0; j < i; j++)
      g_assert_false (zrtp_equal (draws[i], draws[j], SIZE));
    for (int j = 0; j < SIZE; j++)
      seen[j] |= draws[i][j] ^ draws[0][j];
  }
  for (int j = 0; j < SIZE; j++)
    g_assert_cmpuint (seen[j], ==, 0xff);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/random/fill", test_random);
  g_test_add_func ("/random/real", test_random_real);
  return g_test_run ();
}
