/* A cache that lasts as long as the process.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/zrtp/zrtp-private.h"

#include <string.h>

/**
 * GstZrtpMemoryCache:
 *
 * A cache that lasts as long as the object: for tests, and for applications that want key continuity
 * within one run only.
 */
struct _GstZrtpMemoryCache {
  GObject parent;

  GMutex lock;
  GHashTable *zids;    /* scope -> GBytes */
  GHashTable *records; /* GBytes (ZID, peer's ZID) -> GList of GstZrtpRecord, copies of our own */
};

static void gst_zrtp_memory_cache_iface_init (GstZrtpCacheInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (GstZrtpMemoryCache, gst_zrtp_memory_cache, G_TYPE_OBJECT,
    G_IMPLEMENT_INTERFACE (GST_TYPE_ZRTP_CACHE, gst_zrtp_memory_cache_iface_init))

/* --- ZIDs ------------------------------------------------------------------------------------------ */

/* No URI has a line feed in it. */
static gchar *
scope_of (const gchar *local_uri, const gchar *peer_uri)
{
  return g_strdup_printf ("%s\n%s", local_uri ? local_uri : "", peer_uri ? peer_uri : "");
}

static GBytes *
memory_get_zid (GstZrtpCache *cache, const gchar *local_uri, const gchar *peer_uri, GError **error)
{
  GstZrtpMemoryCache *self = GST_ZRTP_MEMORY_CACHE (cache);
  gchar *scope = scope_of (local_uri, peer_uri);
  GBytes *zid;

  g_mutex_lock (&self->lock);
  zid = g_hash_table_lookup (self->zids, scope);
  if (!zid && (zid = gst_zrtp_random_zid (error)))
    g_hash_table_insert (self->zids, g_strdup (scope), zid);
  if (zid)
    g_bytes_ref (zid);
  g_mutex_unlock (&self->lock);
  g_free (scope);
  return zid;
}

static gboolean
memory_set_zid (
    GstZrtpCache *cache, const gchar *local_uri, const gchar *peer_uri, GBytes *zid, GError **error)
{
  GstZrtpMemoryCache *self = GST_ZRTP_MEMORY_CACHE (cache);

  g_mutex_lock (&self->lock);
  g_hash_table_replace (self->zids, scope_of (local_uri, peer_uri), g_bytes_ref (zid));
  g_mutex_unlock (&self->lock);
  return TRUE;
}

static GList *
memory_list_zids (GstZrtpCache *cache, GError **error)
{
  GstZrtpMemoryCache *self = GST_ZRTP_MEMORY_CACHE (cache);
  GHashTableIter iter;
  gpointer scope, zid;
  GList *found = NULL;

  g_mutex_lock (&self->lock);
  g_hash_table_iter_init (&iter, self->zids);
  while (g_hash_table_iter_next (&iter, &scope, &zid)) {
    gchar **uris = g_strsplit (scope, "\n", 2);

    found = g_list_prepend (found, g_object_new (GST_TYPE_ZRTP_RECORD, "zid", zid, "local-uri",
                                       uris[0], "peer-uri", uris[1], NULL));
    g_strfreev (uris);
  }
  g_mutex_unlock (&self->lock);
  return g_list_sort (found, gst_zrtp_record_compare);
}

/* --- Records --------------------------------------------------------------------------------------- */

static GBytes *
pair_of (GBytes *zid, GBytes *peer_zid)
{
  guint8 pair[2 * ZRTP_ZID_SIZE];

  memcpy (pair, g_bytes_get_data (zid, NULL), ZRTP_ZID_SIZE);
  memcpy (pair + ZRTP_ZID_SIZE, g_bytes_get_data (peer_zid, NULL), ZRTP_ZID_SIZE);
  return g_bytes_new (pair, sizeof pair);
}

static void
records_free (gpointer records)
{
  g_list_free_full (records, g_object_unref);
}

static gpointer
copy_record (gconstpointer record, gpointer user_data)
{
  return gst_zrtp_record_copy (GST_ZRTP_RECORD ((gpointer) record));
}

static gboolean
memory_lookup (GstZrtpCache *cache, GBytes *zid, GBytes *peer_zid, GList **records, GError **error)
{
  GstZrtpMemoryCache *self = GST_ZRTP_MEMORY_CACHE (cache);
  GBytes *pair = pair_of (zid, peer_zid);

  g_mutex_lock (&self->lock);
  *records = g_list_copy_deep (g_hash_table_lookup (self->records, pair), copy_record, NULL);
  g_mutex_unlock (&self->lock);
  g_bytes_unref (pair);
  return TRUE;
}

static gboolean
memory_update (
    GstZrtpCache *cache, GBytes *zid, GBytes *peer_zid, GstZrtpChange *change, GError **error)
{
  GstZrtpMemoryCache *self = GST_ZRTP_MEMORY_CACHE (cache);
  GBytes *pair = pair_of (zid, peer_zid);
  GList *after;

  g_mutex_lock (&self->lock);
  after = gst_zrtp_change_apply (change, g_hash_table_lookup (self->records, pair));
  if (after)
    g_hash_table_replace (self->records, g_bytes_ref (pair), after);
  else
    g_hash_table_remove (self->records, pair);
  g_mutex_unlock (&self->lock);
  g_bytes_unref (pair);
  return TRUE;
}

/* From `all`, which is used up: those that come after `after`, `max` at most. */
static GList *
take_page (GList *all, GstZrtpRecord *after, guint max)
{
  GList *page = NULL;

  for (GList *l = all; l; l = l->next)
    if (max > 0 && (!after || gst_zrtp_record_compare (l->data, after) > 0)) {
      page = g_list_prepend (page, g_object_ref (l->data));
      max--;
    }
  records_free (all);
  return g_list_reverse (page);
}

static GList *
memory_list (GstZrtpCache *cache, GstZrtpRecord *after, guint max, GError **error)
{
  GstZrtpMemoryCache *self = GST_ZRTP_MEMORY_CACHE (cache);
  GHashTableIter iter;
  gpointer records;
  GList *all = NULL;

  g_mutex_lock (&self->lock);
  g_hash_table_iter_init (&iter, self->records);
  while (g_hash_table_iter_next (&iter, NULL, &records))
    all = g_list_concat (g_list_copy_deep (records, copy_record, NULL), all);
  g_mutex_unlock (&self->lock);
  return take_page (g_list_sort (all, gst_zrtp_record_compare), after, max);
}

/* --- GObject --------------------------------------------------------------------------------------- */

static void
gst_zrtp_memory_cache_iface_init (GstZrtpCacheInterface *iface)
{
  iface->get_zid = memory_get_zid;
  iface->lookup = memory_lookup;
  iface->update = memory_update;
  iface->list = memory_list;
  iface->list_zids = memory_list_zids;
  iface->set_zid = memory_set_zid;
}

static void
gst_zrtp_memory_cache_finalize (GObject *object)
{
  GstZrtpMemoryCache *self = GST_ZRTP_MEMORY_CACHE (object);

  g_hash_table_unref (self->zids);
  g_hash_table_unref (self->records);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (gst_zrtp_memory_cache_parent_class)->finalize (object);
}

static void
gst_zrtp_memory_cache_class_init (GstZrtpMemoryCacheClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = gst_zrtp_memory_cache_finalize;
}

static void
gst_zrtp_memory_cache_init (GstZrtpMemoryCache *self)
{
  g_mutex_init (&self->lock);
  self->zids =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_bytes_unref);
  self->records = g_hash_table_new_full (
      g_bytes_hash, g_bytes_equal, (GDestroyNotify) g_bytes_unref, records_free);
}

/**
 * gst_zrtp_memory_cache_new:
 *
 * Returns: (transfer full): an empty cache with a random ZID.
 */
GstZrtpMemoryCache *
gst_zrtp_memory_cache_new (void)
{
  return g_object_new (GST_TYPE_ZRTP_MEMORY_CACHE, NULL);
}
