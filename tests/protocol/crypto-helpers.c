/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/protocol/crypto-helpers.h"

#include <string.h>

#include "ext/nettle/zrtp-nettle.h"

void
unhex (const char *hex, uint8_t *out, size_t size)
{
  g_assert_cmpuint (strlen (hex), ==, 2 * size);
  for (size_t i = 0; i < size; i++)
    out[i] =
        (uint8_t) (g_ascii_xdigit_value (hex[2 * i]) << 4 | g_ascii_xdigit_value (hex[2 * i + 1]));
}

void
assert_hex (const uint8_t *data, size_t size, const char *expected)
{
  GString *hex = g_string_new (NULL);

  for (size_t i = 0; i < size; i++)
    g_string_append_printf (hex, "%02x", data[i]);
  g_assert_cmpstr (hex->str, ==, expected);
  g_string_free (hex, TRUE);
}

void
assert_sha256 (const uint8_t *data, size_t size, const char *expected)
{
  uint8_t digest[32];

  zrtp_nettle_s256.digest (&(ZrtpBytes){data, size}, 1, digest);
  assert_hex (digest, sizeof digest, expected);
}

bool
all_zero (const uint8_t *data, size_t size)
{
  for (size_t i = 0; i < size; i++)
    if (data[i] != 0)
      return false;
  return true;
}

bool
script_fill (void *user, uint8_t *out, size_t size)
{
  Script *script = user;

  script->calls++;
  if (size > script->left) {
    memset (out, 0x77, size);
    return false;
  }
  memcpy (out, script->next, size);
  script->next += size;
  script->left -= size;
  return true;
}

bool
stuck_fill (void *user, uint8_t *out, size_t size)
{
  memset (out, *(uint8_t *) user, size);
  return true;
}

bool
seeded_fill (void *user, uint8_t *out, size_t size)
{
  uint32_t *counter = user;

  while (size > 0) {
    uint8_t input[4], digest[32];
    size_t n = MIN (size, sizeof digest);

    zrtp_put_u32 (input, ++*counter);
    zrtp_nettle_s256.digest (&ZRTP_BYTES (input), 1, digest);
    memcpy (out, digest, n);
    out += n;
    size -= n;
  }
  return true;
}

bool
generate_from (
    const ZrtpKeyAgreement *ka, const uint8_t *octets, size_t size, uint8_t *secret, uint8_t *pv)
{
  Script script = {octets, size, 0};
  ZrtpRandom random = {script_fill, &script};
  bool ok = ka->generate (&random, 8 * (unsigned) size, secret, pv);

  g_assert_cmpuint (script.calls, ==, 1);
  return ok;
}
