/* Calls of libbzrtp, with its cache in memory and without.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config-benchmarks.h"

#include "tests/benchmarks/cache-private.h"

#include <string.h>

#ifdef HAVE_BZRTP
#include <bzrtp/bzrtp.h>
#include <sqlite3.h>

typedef struct {
  bzrtpContext_t *context;
  uint32_t ssrc;
  GQueue *out; /* GBytes */
  gboolean secure;
} End;

static sqlite3 *memory[2]; /* of each end */

static int
on_send (void *data, const uint8_t *packet, uint16_t size)
{
  g_queue_push_tail (((End *) data)->out, g_bytes_new (packet, size));
  return 0;
}

static int
on_keys (void *data, const bzrtpSrtpSecrets_t *secrets, uint8_t part)
{
  return 0;
}

static int
on_secure (void *data, const bzrtpSrtpSecrets_t *secrets, int32_t verified)
{
  ((End *) data)->secure = TRUE;
  return 0;
}

static const gchar *
uri_of (uint32_t ssrc)
{
  return ssrc == 1 ? "sip:alice@example.org" : "sip:bob.the.builder@example.com";
}

static void
use_cache (End *end)
{
  sqlite3 **db = &memory[end->ssrc - 1];

  if (!*db && sqlite3_open (":memory:", db) != SQLITE_OK)
    g_error ("SQLite does not open");
  bzrtp_setZIDCache_lock (end->context, *db, uri_of (end->ssrc), uri_of (3 - end->ssrc), NULL);
}

static void
end_open (End *end, uint32_t ssrc, gboolean with_cache)
{
  static const bzrtpCallbacks_t callbacks = {
      .bzrtp_sendData = on_send,
      .bzrtp_srtpSecretsAvailable = on_keys,
      .bzrtp_startSrtpSession = on_secure,
  };
  uint8_t hash[7] = {ZRTP_HASH_S256}, cipher[7] = {ZRTP_CIPHER_AES1};
  uint8_t agreement[7] = {ZRTP_KEYAGREEMENT_X255};

  *end = (End){bzrtp_createBzrtpContext (), ssrc, g_queue_new (), FALSE};
  bzrtp_setCallbacks (end->context, &callbacks);
  if (with_cache)
    use_cache (end);
  bzrtp_setSupportedCryptoTypes (end->context, ZRTP_KEYAGREEMENT_TYPE, agreement, 1);
  bzrtp_setSupportedCryptoTypes (end->context, ZRTP_HASH_TYPE, hash, 1);
  bzrtp_setSupportedCryptoTypes (end->context, ZRTP_CIPHERBLOCK_TYPE, cipher, 1);
  bzrtp_initBzrtpContext (end->context, ssrc);
  bzrtp_setClientData (end->context, ssrc, end);
  bzrtp_startChannelEngine (end->context, ssrc);
}

static void
end_close (End *end)
{
  bzrtp_destroyBzrtpContext (end->context, end->ssrc);
  g_queue_free_full (end->out, (GDestroyNotify) g_bytes_unref);
}

static gboolean
relay (End *from, End *to)
{
  GBytes *packet = g_queue_pop_head (from->out);
  uint8_t copy[4096];
  gsize size;
  const guint8 *data;

  if (!packet)
    return FALSE;
  data = g_bytes_get_data (packet, &size);
  g_assert_cmpuint (size, <=, sizeof copy);
  memcpy (copy, data, size);
  bzrtp_processMessage (to->context, to->ssrc, copy, (uint16_t) size);
  g_bytes_unref (packet);
  return TRUE;
}

gboolean
bzrtp_is_there (void)
{
  return TRUE;
}

void
bzrtp_call (gboolean with_cache)
{
  uint64_t ms = 0;
  End a, b;

  end_open (&a, 1, with_cache);
  end_open (&b, 2, with_cache);
  for (; !(a.secure && b.secure) && ms < 10000; ms += 20) {
    bzrtp_iterate (a.context, a.ssrc, ms);
    bzrtp_iterate (b.context, b.ssrc, ms);
    while (relay (&a, &b) | relay (&b, &a))
      continue;
  }
  g_assert_true (a.secure && b.secure);
  end_close (&a);
  end_close (&b);
}

void
bzrtp_end (void)
{
  for (guint i = 0; i < 2; i++) {
    sqlite3_close (memory[i]);
    memory[i] = NULL;
  }
}

#else

gboolean
bzrtp_is_there (void)
{
  return FALSE;
}

void
bzrtp_call (gboolean with_cache)
{
}

void
bzrtp_end (void)
{
}

#endif
