/* The operating system's random octets (RFC 6189 §4.8), from getrandom(2).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "ext/libc/zrtp-libc.h"

#include <errno.h>

#include <sys/random.h>

static bool
fill (void *user, uint8_t *out, size_t size)
{
  while (size > 0) {
    ssize_t n = getrandom (out, size, 0);

    /* A signal may interrupt a long read, or the wait for the kernel to be seeded. */
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return false;
    out += n;
    size -= (size_t) n;
  }
  return true;
}

const ZrtpRandom zrtp_libc_random = {.fill = fill};
