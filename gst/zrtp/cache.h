/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_ZRTP_CACHE_H__
#define __GST_ZRTP_CACHE_H__

#include <gst/zrtp/record.h>
#include <gst/zrtp/zrtp-enums.h>

G_BEGIN_DECLS

#define GST_TYPE_ZRTP_CACHE (gst_zrtp_cache_get_type ())
GST_ZRTP_API
G_DECLARE_INTERFACE (GstZrtpCache, gst_zrtp_cache, GST, ZRTP_CACHE, GObject)

#define GST_ZRTP_CACHE_ERROR (gst_zrtp_cache_error_quark ())
GST_ZRTP_API
GQuark gst_zrtp_cache_error_quark (void);

/**
 * GstZrtpCacheInterface:
 * @parent: the parent interface.
 * @get_zid: see gst_zrtp_cache_get_zid().
 * @lookup: see gst_zrtp_cache_lookup().
 * @update: see gst_zrtp_cache_update().
 * @list: see gst_zrtp_cache_list(); may be missing.
 * @list_zids: see gst_zrtp_cache_list_zids(); may be missing.
 * @set_zid: see gst_zrtp_cache_set_zid(); may be missing.
 *
 * What a place to keep secrets has to do. No lock is held during a call; calls may come from any
 * thread.
 */
struct _GstZrtpCacheInterface {
  GTypeInterface parent;

  GBytes *(*get_zid) (
      GstZrtpCache *cache, const gchar *local_uri, const gchar *peer_uri, GError **error);
  gboolean (*lookup) (
      GstZrtpCache *cache, GBytes *zid, GBytes *peer_zid, GList **records, GError **error);
  gboolean (*update) (
      GstZrtpCache *cache, GBytes *zid, GBytes *peer_zid, GstZrtpChange *change, GError **error);
  GList *(*list) (GstZrtpCache *cache, GstZrtpRecord *after, guint max, GError **error);
  GList *(*list_zids) (GstZrtpCache *cache, GError **error);
  gboolean (*set_zid) (GstZrtpCache *cache, const gchar *local_uri, const gchar *peer_uri,
      GBytes *zid, GError **error);
};

/* What the protocol needs. */

GST_ZRTP_API
GBytes *gst_zrtp_cache_get_zid (
    GstZrtpCache *cache, const gchar *local_uri, const gchar *peer_uri, GError **error);

GST_ZRTP_API
gboolean gst_zrtp_cache_lookup (
    GstZrtpCache *cache, GBytes *zid, GBytes *peer_zid, GList **records, GError **error);

GST_ZRTP_API
gboolean gst_zrtp_cache_update (
    GstZrtpCache *cache, GBytes *zid, GBytes *peer_zid, GstZrtpChange *change, GError **error);

/* What people need who look after a cache. */

GST_ZRTP_API
GList *gst_zrtp_cache_list (GstZrtpCache *cache, GstZrtpRecord *after, guint max, GError **error);

GST_ZRTP_API
GList *gst_zrtp_cache_list_zids (GstZrtpCache *cache, GError **error);

GST_ZRTP_API
gboolean gst_zrtp_cache_set_zid (GstZrtpCache *cache, const gchar *local_uri, const gchar *peer_uri,
    GBytes *zid, GError **error);

GST_ZRTP_API
gboolean gst_zrtp_cache_put (GstZrtpCache *cache, GstZrtpRecord *record, GError **error);

GST_ZRTP_API
gboolean gst_zrtp_cache_rename (
    GstZrtpCache *cache, GstZrtpRecord *record, const gchar *name, GError **error);

GST_ZRTP_API
gboolean gst_zrtp_cache_verify (
    GstZrtpCache *cache, GstZrtpRecord *record, gboolean verified, GError **error);

GST_ZRTP_API
gboolean gst_zrtp_cache_forget (GstZrtpCache *cache, GstZrtpRecord *record, GError **error);

GST_ZRTP_API
gboolean gst_zrtp_cache_expire (GstZrtpCache *cache, guint *n_expired, GError **error);

GST_ZRTP_API
GstZrtpCache *gst_zrtp_cache_open (const gchar *location, GBytes *key, GError **error);

GST_ZRTP_API
gchar *gst_zrtp_cache_dup_default_location (void);

/* Those that come with the library. */

#define GST_TYPE_ZRTP_MEMORY_CACHE (gst_zrtp_memory_cache_get_type ())
GST_ZRTP_API
G_DECLARE_FINAL_TYPE (GstZrtpMemoryCache, gst_zrtp_memory_cache, GST, ZRTP_MEMORY_CACHE, GObject)

GST_ZRTP_API
GstZrtpMemoryCache *gst_zrtp_memory_cache_new (void);

#define GST_TYPE_ZRTP_SQLITE_CACHE (gst_zrtp_sqlite_cache_get_type ())
GST_ZRTP_API
G_DECLARE_FINAL_TYPE (GstZrtpSqliteCache, gst_zrtp_sqlite_cache, GST, ZRTP_SQLITE_CACHE, GObject)

GST_ZRTP_API
GstZrtpSqliteCache *gst_zrtp_sqlite_cache_new (const gchar *path, GBytes *key, GError **error);

G_END_DECLS

#endif
