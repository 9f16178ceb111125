/* Where retained secrets are kept between calls: the interface, one peer's record, and a cache that
 * lasts as long as the process.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/zrtp/zrtp-private.h"

#include <string.h>

/* --- Secret octets ------------------------------------------------------------------------------ */

typedef struct {
  gsize size;
  guint8 data[];
} Secret;

static void
secret_free (gpointer data)
{
  Secret *secret = data;

  zrtp_wipe (secret->data, secret->size);
  g_free (secret);
}

GBytes *
gst_zrtp_secret_bytes (const guint8 *data, gsize size)
{
  Secret *secret = g_malloc (sizeof *secret + size);

  secret->size = size;
  memcpy (secret->data, data, size);
  return g_bytes_new_with_free_func (secret->data, size, secret_free, secret);
}

/* --- Record -------------------------------------------------------------------------------------- */

/**
 * GstZrtpRecord:
 *
 * What is kept about one peer: the retained secrets (RFC 6189 §4.6.1) and whether the SAS was
 * compared (§7.1). A plain holder of properties, not locked: it belongs to whoever holds it.
 */
struct _GstZrtpRecord {
  GObject parent;

  GBytes *rs1, *rs2, *pbx_secret;
  gboolean sas_verified;
  gint64 expires;
  guint preshared_calls;
};

enum {
  RECORD_RS1 = 1,
  RECORD_RS2,
  RECORD_SAS_VERIFIED,
  RECORD_EXPIRES,
  RECORD_PBX_SECRET,
  RECORD_PRESHARED_CALLS,
};

G_DEFINE_FINAL_TYPE (GstZrtpRecord, gst_zrtp_record, G_TYPE_OBJECT)

static void
set_secret (GBytes **secret, GBytes *value)
{
  if (value && g_bytes_get_size (value) != ZRTP_RS_SIZE) {
    g_warning ("GstZrtpRecord: a retained secret has %d octets, not %" G_GSIZE_FORMAT
               "; it is not taken",
        ZRTP_RS_SIZE, g_bytes_get_size (value));
    return;
  }
  g_clear_pointer (secret, g_bytes_unref);
  if (value)
    *secret = g_bytes_ref (value);
}

static void
gst_zrtp_record_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstZrtpRecord *self = GST_ZRTP_RECORD (object);

  switch (id) {
    case RECORD_RS1:
      set_secret (&self->rs1, g_value_get_boxed (value));
      break;
    case RECORD_RS2:
      set_secret (&self->rs2, g_value_get_boxed (value));
      break;
    case RECORD_SAS_VERIFIED:
      self->sas_verified = g_value_get_boolean (value);
      break;
    case RECORD_EXPIRES:
      self->expires = g_value_get_int64 (value);
      break;
    case RECORD_PBX_SECRET:
      set_secret (&self->pbx_secret, g_value_get_boxed (value));
      break;
    case RECORD_PRESHARED_CALLS:
      self->preshared_calls = g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
gst_zrtp_record_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstZrtpRecord *self = GST_ZRTP_RECORD (object);

  switch (id) {
    case RECORD_RS1:
      g_value_set_boxed (value, self->rs1);
      break;
    case RECORD_RS2:
      g_value_set_boxed (value, self->rs2);
      break;
    case RECORD_SAS_VERIFIED:
      g_value_set_boolean (value, self->sas_verified);
      break;
    case RECORD_EXPIRES:
      g_value_set_int64 (value, self->expires);
      break;
    case RECORD_PBX_SECRET:
      g_value_set_boxed (value, self->pbx_secret);
      break;
    case RECORD_PRESHARED_CALLS:
      g_value_set_uint (value, self->preshared_calls);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
gst_zrtp_record_finalize (GObject *object)
{
  GstZrtpRecord *self = GST_ZRTP_RECORD (object);

  g_clear_pointer (&self->rs1, g_bytes_unref);
  g_clear_pointer (&self->rs2, g_bytes_unref);
  g_clear_pointer (&self->pbx_secret, g_bytes_unref);
  G_OBJECT_CLASS (gst_zrtp_record_parent_class)->finalize (object);
}

static void
gst_zrtp_record_class_init (GstZrtpRecordClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

  object_class->set_property = gst_zrtp_record_set_property;
  object_class->get_property = gst_zrtp_record_get_property;
  object_class->finalize = gst_zrtp_record_finalize;

  /**
   * GstZrtpRecord:rs1:
   *
   * The retained secret of the last call, 32 octets.
   */
  g_object_class_install_property (object_class, RECORD_RS1,
      g_param_spec_boxed ("rs1", "rs1", "Retained secret of the last call", G_TYPE_BYTES, flags));
  /**
   * GstZrtpRecord:rs2:
   *
   * The one before it, 32 octets: how two ends that stored different calls find together again.
   */
  g_object_class_install_property (object_class, RECORD_RS2,
      g_param_spec_boxed ("rs2", "rs2", "Retained secret of the call before", G_TYPE_BYTES, flags));
  /**
   * GstZrtpRecord:sas-verified:
   *
   * The user compared the SAS with this peer (§7.1).
   */
  g_object_class_install_property (object_class, RECORD_SAS_VERIFIED,
      g_param_spec_boolean (
          "sas-verified", "SAS verified", "The SAS was compared by voice", FALSE, flags));
  /**
   * GstZrtpRecord:expires:
   *
   * Seconds since 1970 when the secrets may be deleted; the largest number means never (§4.9).
   */
  g_object_class_install_property (object_class, RECORD_EXPIRES,
      g_param_spec_int64 ("expires", "Expires", "When the secrets may be deleted, Unix time", 0,
          G_MAXINT64, G_MAXINT64, flags));
  /**
   * GstZrtpRecord:pbx-secret:
   *
   * pbxsecret, 32 octets: this peer is a PBX that the user enrolled with, or, at a PBX, a phone that did
   * (RFC 6189 §7.3.1). It does not expire.
   */
  g_object_class_install_property (object_class, RECORD_PBX_SECRET,
      g_param_spec_boxed ("pbx-secret", "PBX secret", "Trusted MiTM key", G_TYPE_BYTES, flags));
  /**
   * GstZrtpRecord:preshared-calls:
   *
   * How many calls in Preshared mode there were since the last Diffie-Hellman exchange (§4.4.2).
   */
  g_object_class_install_property (object_class, RECORD_PRESHARED_CALLS,
      g_param_spec_uint ("preshared-calls", "Preshared calls",
          "Calls in Preshared mode since the last DH exchange", 0, G_MAXUINT8, 0, flags));
}

static void
gst_zrtp_record_init (GstZrtpRecord *self)
{
  self->expires = G_MAXINT64;
}

/**
 * gst_zrtp_record_new:
 *
 * Returns: (transfer full): a record without secrets.
 */
GstZrtpRecord *
gst_zrtp_record_new (void)
{
  return g_object_new (GST_TYPE_ZRTP_RECORD, NULL);
}

static gboolean
copy_secret (GBytes *secret, guint8 out[ZRTP_RS_SIZE])
{
  if (secret)
    memcpy (out, g_bytes_get_data (secret, NULL), ZRTP_RS_SIZE);
  return secret != NULL;
}

static gint64
unix_now (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

void
gst_zrtp_record_get (GstZrtpRecord *record, ZrtpRecord *out)
{
  const gint64 left = record->expires - unix_now ();

  *out = (ZrtpRecord){.sas_verified = record->sas_verified};
  out->has_rs1 = copy_secret (record->rs1, out->rs1);
  out->has_rs2 = copy_secret (record->rs2, out->rs2);
  out->has_pbx = copy_secret (record->pbx_secret, out->pbx);
  out->expiry = (guint32) CLAMP (left, 0, G_MAXUINT32);
  out->preshared_calls = (guint8) record->preshared_calls;
}

void
gst_zrtp_record_set (GstZrtpRecord *record, const ZrtpRecord *in)
{
  g_clear_pointer (&record->rs1, g_bytes_unref);
  g_clear_pointer (&record->rs2, g_bytes_unref);
  if (in->has_rs1)
    record->rs1 = gst_zrtp_secret_bytes (in->rs1, ZRTP_RS_SIZE);
  if (in->has_rs2)
    record->rs2 = gst_zrtp_secret_bytes (in->rs2, ZRTP_RS_SIZE);
  g_clear_pointer (&record->pbx_secret, g_bytes_unref);
  if (in->has_pbx)
    record->pbx_secret = gst_zrtp_secret_bytes (in->pbx, ZRTP_RS_SIZE);
  record->preshared_calls = in->preshared_calls;
  record->sas_verified = in->sas_verified;
  /* "0xffffffff means the secret should be cached indefinitely", §4.9 */
  record->expires = in->expiry == G_MAXUINT32 ? G_MAXINT64 : unix_now () + in->expiry;
}

/* --- Interface ------------------------------------------------------------------------------------- */

/**
 * GstZrtpCache:
 *
 * A place that keeps our ZID and what we share with each peer between calls (RFC 6189 §4.9). Give
 * one to #GstZrtpSession:cache.
 */
G_DEFINE_INTERFACE (GstZrtpCache, gst_zrtp_cache, G_TYPE_OBJECT)

static void
gst_zrtp_cache_default_init (GstZrtpCacheInterface *iface)
{
}

/**
 * gst_zrtp_cache_get_zid:
 * @cache: a cache.
 * @error: why there is none.
 *
 * Returns: (transfer full) (nullable): our ZID, 12 octets, always the same from one cache (§4.9).
 */
GBytes *
gst_zrtp_cache_get_zid (GstZrtpCache *cache, GError **error)
{
  g_return_val_if_fail (GST_IS_ZRTP_CACHE (cache), NULL);

  return GST_ZRTP_CACHE_GET_IFACE (cache)->get_zid (cache, error);
}

/**
 * gst_zrtp_cache_lookup:
 * @cache: a cache.
 * @peer_zid: the peer's ZID, 12 octets.
 * @error: why the cache could not be read; not set when it merely knows nothing.
 *
 * Returns: (transfer full) (nullable): what is known of this peer.
 */
GstZrtpRecord *
gst_zrtp_cache_lookup (GstZrtpCache *cache, GBytes *peer_zid, GError **error)
{
  g_return_val_if_fail (GST_IS_ZRTP_CACHE (cache), NULL);
  g_return_val_if_fail (peer_zid != NULL, NULL);

  return GST_ZRTP_CACHE_GET_IFACE (cache)->lookup (cache, peer_zid, error);
}

/**
 * gst_zrtp_cache_store:
 * @cache: a cache.
 * @peer_zid: the peer's ZID, 12 octets.
 * @record: (transfer none): what to know of this peer from now on.
 * @error: why it could not be stored.
 *
 * Stores for good before it returns: only then is the call reported secure. A record without
 * secrets takes the place of one with secrets.
 *
 * Returns: %TRUE when it is stored.
 */
gboolean
gst_zrtp_cache_store (GstZrtpCache *cache, GBytes *peer_zid, GstZrtpRecord *record, GError **error)
{
  g_return_val_if_fail (GST_IS_ZRTP_CACHE (cache), FALSE);
  g_return_val_if_fail (peer_zid != NULL, FALSE);
  g_return_val_if_fail (GST_IS_ZRTP_RECORD (record), FALSE);

  return GST_ZRTP_CACHE_GET_IFACE (cache)->store (cache, peer_zid, record, error);
}

/* --- Memory ---------------------------------------------------------------------------------------- */

/**
 * GstZrtpMemoryCache:
 *
 * A cache that lasts as long as the object: for tests, and for applications that want key continuity
 * within one run only.
 */
struct _GstZrtpMemoryCache {
  GObject parent;

  GMutex lock;
  GBytes *zid;
  GHashTable *records; /* GBytes (ZID) -> GstZrtpRecord, copies of our own */
};

static void gst_zrtp_memory_cache_iface_init (GstZrtpCacheInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (GstZrtpMemoryCache, gst_zrtp_memory_cache, G_TYPE_OBJECT,
    G_IMPLEMENT_INTERFACE (GST_TYPE_ZRTP_CACHE, gst_zrtp_memory_cache_iface_init))

static GstZrtpRecord *
copy_record (GstZrtpRecord *record)
{
  GstZrtpRecord *copy = gst_zrtp_record_new ();

  copy->rs1 = record->rs1 ? g_bytes_ref (record->rs1) : NULL;
  copy->rs2 = record->rs2 ? g_bytes_ref (record->rs2) : NULL;
  copy->sas_verified = record->sas_verified;
  copy->pbx_secret = record->pbx_secret ? g_bytes_ref (record->pbx_secret) : NULL;
  copy->expires = record->expires;
  copy->preshared_calls = record->preshared_calls;
  return copy;
}

static gboolean
is_worth (GstZrtpRecord *record)
{
  return record->rs1 || record->rs2 || record->pbx_secret;
}

static GBytes *
memory_get_zid (GstZrtpCache *cache, GError **error)
{
  GstZrtpMemoryCache *self = GST_ZRTP_MEMORY_CACHE (cache);
  const ZrtpRandom *random = &gst_zrtp_crypto.random;
  guint8 zid[ZRTP_ZID_SIZE];
  GBytes *result = NULL;

  g_mutex_lock (&self->lock);
  if (!self->zid && random->fill (random->user, zid, sizeof zid))
    self->zid = g_bytes_new (zid, sizeof zid);
  if (self->zid)
    result = g_bytes_ref (self->zid);
  g_mutex_unlock (&self->lock);
  if (!result)
    g_set_error_literal (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_FAILED,
        "the operating system gives no random octets");
  return result;
}

static GstZrtpRecord *
memory_lookup (GstZrtpCache *cache, GBytes *peer_zid, GError **error)
{
  GstZrtpMemoryCache *self = GST_ZRTP_MEMORY_CACHE (cache);
  GstZrtpRecord *record;

  g_mutex_lock (&self->lock);
  record = g_hash_table_lookup (self->records, peer_zid);
  if (record && record->expires <= unix_now ()) {
    g_clear_pointer (&record->rs1, g_bytes_unref);
    g_clear_pointer (&record->rs2, g_bytes_unref);
  }
  if (record && !is_worth (record)) {
    g_hash_table_remove (self->records, peer_zid);
    record = NULL;
  }
  if (record)
    record = copy_record (record);
  g_mutex_unlock (&self->lock);
  return record;
}

static gboolean
memory_store (GstZrtpCache *cache, GBytes *peer_zid, GstZrtpRecord *record, GError **error)
{
  GstZrtpMemoryCache *self = GST_ZRTP_MEMORY_CACHE (cache);

  g_mutex_lock (&self->lock);
  if (is_worth (record))
    g_hash_table_replace (self->records, g_bytes_ref (peer_zid), copy_record (record));
  else
    g_hash_table_remove (self->records, peer_zid);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

static void
gst_zrtp_memory_cache_iface_init (GstZrtpCacheInterface *iface)
{
  iface->get_zid = memory_get_zid;
  iface->lookup = memory_lookup;
  iface->store = memory_store;
}

static void
gst_zrtp_memory_cache_finalize (GObject *object)
{
  GstZrtpMemoryCache *self = GST_ZRTP_MEMORY_CACHE (object);

  g_clear_pointer (&self->zid, g_bytes_unref);
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
  self->records = g_hash_table_new_full (
      g_bytes_hash, g_bytes_equal, (GDestroyNotify) g_bytes_unref, g_object_unref);
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
