/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/cache/heldcache.h"

typedef struct {
  GBytes *zid, *peer_zid;
  GstZrtpChange *change;
} Held;

static void held_cache_iface_init (GstZrtpCacheInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (HeldCache, held_cache, G_TYPE_OBJECT,
    G_IMPLEMENT_INTERFACE (GST_TYPE_ZRTP_CACHE, held_cache_iface_init))

static gboolean
fails (HeldCache *self, guint what, GError **error)
{
  if (!(self->fails & what))
    return FALSE;
  if (!(self->fails & SILENTLY))
    g_set_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_NO_SPACE,
        "the disk of this test is full");
  return TRUE;
}

static GBytes *
held_get_zid (GstZrtpCache *cache, const gchar *local_uri, const gchar *peer_uri, GError **error)
{
  HeldCache *self = HELD_CACHE (cache);

  self->n_zids++;
  if (fails (self, FAIL_ZID, error))
    return NULL;
  return self->zid ? g_bytes_ref (self->zid)
                   : gst_zrtp_cache_get_zid (self->kept, local_uri, peer_uri, error);
}

static gboolean
held_lookup (GstZrtpCache *cache, GBytes *zid, GBytes *peer_zid, GList **records, GError **error)
{
  HeldCache *self = HELD_CACHE (cache);

  self->n_lookups++;
  if (fails (self, FAIL_LOOKUP, error))
    return FALSE;
  return gst_zrtp_cache_lookup (self->kept, zid, peer_zid, records, error);
}

static gboolean
held_update (
    GstZrtpCache *cache, GBytes *zid, GBytes *peer_zid, GstZrtpChange *change, GError **error)
{
  HeldCache *self = HELD_CACHE (cache);
  Held *held;

  self->n_updates++;
  if (fails (self, FAIL_UPDATE, error))
    return FALSE;
  if (!self->held)
    return gst_zrtp_cache_update (self->kept, zid, peer_zid, change, error);
  held = g_new (Held, 1);
  *held = (Held){g_bytes_ref (zid), g_bytes_ref (peer_zid), g_object_ref (change)};
  g_queue_push_tail (self->held, held);
  return TRUE;
}

static void
held_free (Held *held)
{
  g_bytes_unref (held->zid);
  g_bytes_unref (held->peer_zid);
  g_object_unref (held->change);
  g_free (held);
}

gboolean
held_cache_apply (HeldCache *self, GQueue *queue)
{
  Held *held = g_queue_pop_head (queue);

  if (!held)
    return FALSE;
  g_assert_true (gst_zrtp_cache_update (self->kept, held->zid, held->peer_zid, held->change, NULL));
  held_free (held);
  return TRUE;
}

GstZrtpChange *
held_cache_peek (GQueue *queue)
{
  const Held *held = g_queue_peek_head (queue);

  return held ? held->change : NULL;
}

void
held_cache_drop (GQueue *queue)
{
  Held *held;

  while ((held = g_queue_pop_head (queue)))
    held_free (held);
}

static void
held_cache_finalize (GObject *object)
{
  HeldCache *self = HELD_CACHE (object);

  g_object_unref (self->kept);
  g_clear_pointer (&self->zid, g_bytes_unref);
  G_OBJECT_CLASS (held_cache_parent_class)->finalize (object);
}

static void
held_cache_iface_init (GstZrtpCacheInterface *iface)
{
  iface->get_zid = held_get_zid;
  iface->lookup = held_lookup;
  iface->update = held_update;
}

static void
held_cache_class_init (HeldCacheClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = held_cache_finalize;
}

static void
held_cache_init (HeldCache *self)
{
}

HeldCache *
held_cache_new (GstZrtpCache *kept)
{
  HeldCache *self = g_object_new (HELD_TYPE_CACHE, NULL);

  self->kept = g_object_ref (kept);
  return self;
}
