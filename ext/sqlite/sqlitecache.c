/* A cache in a file.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/zrtp/zrtp-private.h"

#include <sqlite3.h>

struct _GstZrtpSqliteCache {
  GObject parent;
};

static void gst_zrtp_sqlite_cache_iface_init (GstZrtpCacheInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (GstZrtpSqliteCache, gst_zrtp_sqlite_cache, G_TYPE_OBJECT,
    G_IMPLEMENT_INTERFACE (GST_TYPE_ZRTP_CACHE, gst_zrtp_sqlite_cache_iface_init))

static void
gst_zrtp_sqlite_cache_iface_init (GstZrtpCacheInterface *iface)
{
}

static void
gst_zrtp_sqlite_cache_class_init (GstZrtpSqliteCacheClass *klass)
{
}

static void
gst_zrtp_sqlite_cache_init (GstZrtpSqliteCache *self)
{
}

/**
 * gst_zrtp_sqlite_cache_new:
 * @path: the file, or `:memory:`.
 * @key: (nullable): encrypts the secrets in it, 32 octets.
 * @error: why it cannot be opened.
 *
 * Returns: (transfer full) (nullable): the cache.
 */
GstZrtpSqliteCache *
gst_zrtp_sqlite_cache_new (const gchar *path, GBytes *key, GError **error)
{
  g_set_error_literal (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_NOT_SUPPORTED, "not yet");
  return NULL;
}
