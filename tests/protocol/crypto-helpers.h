/* What the tests of ext/nettle, ext/gmp and ext/libc share: octets from text, and random octets that
 * are known beforehand.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "gst/protocol/crypto.h"

#include <glib.h>

void unhex (const char *hex, uint8_t *out, size_t size);

/* Compares as text, so that a failure shows both. */
void assert_hex (const uint8_t *data, size_t size, const char *expected);

/* For what is too long to be printed: `expected` is its SHA-256. */
void assert_sha256 (const uint8_t *data, size_t size, const char *expected);

bool all_zero (const uint8_t *data, size_t size);

/* Random octets from a list; fails when the list is spent, and has written something by then. */
typedef struct {
  const uint8_t *next;
  size_t left;
  unsigned calls;
} Script;

bool script_fill (void *user, uint8_t *out, size_t size); /* user: Script */

/* The same octet for ever. */
bool stuck_fill (void *user, uint8_t *out, size_t size); /* user: uint8_t */

/* The digests of user + 1, user + 2, …: the same in every run. */
bool seeded_fill (void *user, uint8_t *out, size_t size); /* user: uint32_t */

/* generate() with these random octets and as many bits. */
bool generate_from (
    const ZrtpKeyAgreement *ka, const uint8_t *octets, size_t size, uint8_t *secret, uint8_t *pv);
