/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_ZRTP_CACHE_H__
#define __GST_ZRTP_CACHE_H__

#include <gst/zrtp/zrtp-prelude.h>

G_BEGIN_DECLS

#define GST_TYPE_ZRTP_RECORD (gst_zrtp_record_get_type ())
GST_ZRTP_API
G_DECLARE_FINAL_TYPE (GstZrtpRecord, gst_zrtp_record, GST, ZRTP_RECORD, GObject)

GST_ZRTP_API
GstZrtpRecord *gst_zrtp_record_new (void);

#define GST_TYPE_ZRTP_CACHE (gst_zrtp_cache_get_type ())
GST_ZRTP_API
G_DECLARE_INTERFACE (GstZrtpCache, gst_zrtp_cache, GST, ZRTP_CACHE, GObject)

/**
 * GstZrtpCacheInterface:
 * @parent: the parent interface.
 * @get_zid: see gst_zrtp_cache_get_zid().
 * @lookup: see gst_zrtp_cache_lookup().
 * @store: see gst_zrtp_cache_store().
 *
 * What a place to keep secrets has to do. No lock is held during a call; calls may come from any
 * thread.
 */
struct _GstZrtpCacheInterface {
  GTypeInterface parent;

  GBytes *(*get_zid) (GstZrtpCache *cache, GError **error);
  GstZrtpRecord *(*lookup) (GstZrtpCache *cache, GBytes *peer_zid, GError **error);
  gboolean (*store) (GstZrtpCache *cache, GBytes *peer_zid, GstZrtpRecord *record, GError **error);
};

GST_ZRTP_API
GBytes *gst_zrtp_cache_get_zid (GstZrtpCache *cache, GError **error);

GST_ZRTP_API
GstZrtpRecord *gst_zrtp_cache_lookup (GstZrtpCache *cache, GBytes *peer_zid, GError **error);

GST_ZRTP_API
gboolean gst_zrtp_cache_store (
    GstZrtpCache *cache, GBytes *peer_zid, GstZrtpRecord *record, GError **error);

#define GST_TYPE_ZRTP_MEMORY_CACHE (gst_zrtp_memory_cache_get_type ())
GST_ZRTP_API
G_DECLARE_FINAL_TYPE (GstZrtpMemoryCache, gst_zrtp_memory_cache, GST, ZRTP_MEMORY_CACHE, GObject)

GST_ZRTP_API
GstZrtpMemoryCache *gst_zrtp_memory_cache_new (void);

G_END_DECLS

#endif
