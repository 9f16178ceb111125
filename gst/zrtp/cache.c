/* Where retained secrets are kept between calls: the interface, and where to find one.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/zrtp/zrtp-private.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define PAGE 256                         /* records that are read at once */
#define SERVER_REST (2 * G_USEC_PER_SEC) /* after a failure */
#define POSTGRESQL_TYPE "GstZrtpPostgresqlCache"
#define POSTGRESQL_PLUGIN "zrtppostgresql"

/**
 * GstZrtpCache:
 *
 * A place that keeps our ZID and what we share with each peer between calls (RFC 6189 §4.9). There is one in a file
 * (#GstZrtpSqliteCache, what a session has unless told otherwise), one in a PostgreSQL database, one in memory; an
 * application may write its own, and give it to #GstZrtpSession:cache.
 *
 * A cache stores records and knows nothing of ZRTP: what a call does to the records of a peer is a #GstZrtpChange.
 */
G_DEFINE_INTERFACE (GstZrtpCache, gst_zrtp_cache, G_TYPE_OBJECT)

/* The first one is a text. */
/* clang-format off */
G_DEFINE_QUARK (gst-zrtp-cache-error-quark, gst_zrtp_cache_error)
/* clang-format on */

static void
gst_zrtp_cache_default_init (GstZrtpCacheInterface *iface)
{
}

static gboolean
is_zid (GBytes *zid)
{
  return zid && g_bytes_get_size (zid) == ZRTP_ZID_SIZE;
}

static gboolean
set_not_supported (GstZrtpCache *cache, GError **error)
{
  g_set_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_NOT_SUPPORTED,
      "a %s cannot do that", G_OBJECT_TYPE_NAME (cache));
  return FALSE;
}

/* An application's cache may be wrong in any way; what it says must not become a record, and its silence not an
 * unknown peer. */
static gboolean
set_no_answer (GstZrtpCache *cache, const gchar *what, GError **error)
{
  g_set_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_FAILED,
      "a %s %s, and gave no reason", G_OBJECT_TYPE_NAME (cache), what);
  return FALSE;
}

static gboolean
is_text (const gchar *text, GError **error)
{
  if (!text || g_utf8_validate (text, -1, NULL))
    return TRUE;
  g_set_error_literal (
      error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_NOT_SUPPORTED, "a URI is not UTF-8");
  return FALSE;
}

static gboolean
are_records (GList *list)
{
  for (GList *l = list; l; l = l->next)
    if (!GST_IS_ZRTP_RECORD (l->data))
      return FALSE;
  return TRUE;
}

static void
unref_if_any (gpointer object)
{
  if (object)
    g_object_unref (object);
}

/* Takes the list. NULL, and the error is set, when there is something else in it. */
static GList *
check_list (GstZrtpCache *cache, GList *list, GError **error)
{
  if (are_records (list))
    return list;
  g_list_free_full (list, unref_if_any);
  set_no_answer (cache, "listed something that is no record", error);
  return NULL;
}

/* --- What the protocol needs ----------------------------------------------------------------------- */

/**
 * gst_zrtp_cache_get_zid:
 * @cache: a cache.
 * @local_uri: (nullable): for which of our URIs; %NULL for one that serves all.
 * @peer_uri: (nullable): for which peer; %NULL for one that serves all.
 * @error: why there is none.
 *
 * Our ZID, made at random at the first call and always the same afterwards (RFC 6189 §4.9).
 *
 * Returns: (transfer full) (nullable): the ZID, 12 octets.
 */
GBytes *
gst_zrtp_cache_get_zid (
    GstZrtpCache *cache, const gchar *local_uri, const gchar *peer_uri, GError **error)
{
  GstZrtpCacheInterface *iface;
  GError *problem = NULL;
  GBytes *zid;

  g_return_val_if_fail (GST_IS_ZRTP_CACHE (cache), NULL);

  iface = GST_ZRTP_CACHE_GET_IFACE (cache);
  if (!is_text (local_uri, error) || !is_text (peer_uri, error))
    return NULL;
  if (!iface->get_zid) {
    set_not_supported (cache, error);
    return NULL;
  }
  zid = iface->get_zid (cache, local_uri, peer_uri, &problem);
  if (!problem && is_zid (zid))
    return zid;
  g_clear_pointer (&zid, g_bytes_unref);
  if (problem)
    g_propagate_error (error, problem);
  else
    set_no_answer (cache, "gave no ZID of 12 octets", error);
  return NULL;
}

/**
 * gst_zrtp_cache_lookup:
 * @cache: a cache.
 * @zid: our ZID, 12 octets.
 * @peer_zid: the peer's, 12 octets.
 * @records: (out) (transfer full) (element-type GstZrtpRecord): all records of these two, one for each pair of URIs;
 *   %NULL when there is none. They are the caller's own copies.
 * @error: why the cache could not be read.
 *
 * Returns: %TRUE when it could be read, %FALSE when nobody knows what is in it: then the call goes on without it.
 */
gboolean
gst_zrtp_cache_lookup (
    GstZrtpCache *cache, GBytes *zid, GBytes *peer_zid, GList **records, GError **error)
{
  GstZrtpCacheInterface *iface;
  GError *problem = NULL;
  GList *found = NULL;
  gboolean ok;

  g_return_val_if_fail (records != NULL, FALSE);
  *records = NULL;
  g_return_val_if_fail (GST_IS_ZRTP_CACHE (cache), FALSE);
  g_return_val_if_fail (is_zid (zid) && is_zid (peer_zid), FALSE);

  iface = GST_ZRTP_CACHE_GET_IFACE (cache);
  if (!iface->lookup)
    return set_not_supported (cache, error);
  ok = iface->lookup (cache, zid, peer_zid, &found, &problem);
  if (ok && !problem && are_records (found)) {
    *records = found;
    return TRUE;
  }
  g_list_free_full (found, unref_if_any);
  if (!problem)
    return set_no_answer (cache, "could not be read", error);
  g_propagate_error (error, problem);
  return FALSE;
}

/**
 * gst_zrtp_cache_update:
 * @cache: a cache.
 * @zid: our ZID, 12 octets.
 * @peer_zid: the peer's, 12 octets.
 * @change: what happened.
 * @error: why it could not be stored; then nothing was.
 *
 * In one transaction: reads all records of these two, gives them to gst_zrtp_change_apply(), and stores what that returns
 * in their place. It is stored for good when this returns: only then is the call reported secure.
 *
 * Returns: %TRUE when it is stored.
 */
gboolean
gst_zrtp_cache_update (
    GstZrtpCache *cache, GBytes *zid, GBytes *peer_zid, GstZrtpChange *change, GError **error)
{
  GstZrtpCacheInterface *iface;
  GError *problem = NULL;
  gboolean ok;

  g_return_val_if_fail (GST_IS_ZRTP_CACHE (cache), FALSE);
  g_return_val_if_fail (is_zid (zid) && is_zid (peer_zid), FALSE);
  g_return_val_if_fail (GST_IS_ZRTP_CHANGE (change), FALSE);

  iface = GST_ZRTP_CACHE_GET_IFACE (cache);
  if (!iface->update)
    return set_not_supported (cache, error);
  gst_zrtp_change_set_zids (change, zid, peer_zid);
  ok = iface->update (cache, zid, peer_zid, change, &problem);
  if (ok && !problem)
    return TRUE;
  if (!problem)
    return set_no_answer (cache, "did not store a change", error);
  g_propagate_error (error, problem);
  return FALSE;
}

/* --- What people need ------------------------------------------------------------------------------- */

/**
 * gst_zrtp_cache_list:
 * @cache: a cache.
 * @after: (nullable): the last record of the page before; %NULL for the first page.
 * @max: how many records at most.
 * @error: why they could not be read.
 *
 * The records in the order of our ZID, the peer's, our URI and the peer's. The last page is shorter than @max.
 *
 * Returns: (transfer full) (element-type GstZrtpRecord) (nullable): the next records.
 */
GList *
gst_zrtp_cache_list (GstZrtpCache *cache, GstZrtpRecord *after, guint max, GError **error)
{
  g_return_val_if_fail (GST_IS_ZRTP_CACHE (cache), NULL);
  g_return_val_if_fail (!after || GST_IS_ZRTP_RECORD (after), NULL);

  if (GST_ZRTP_CACHE_GET_IFACE (cache)->list)
    return check_list (
        cache, GST_ZRTP_CACHE_GET_IFACE (cache)->list (cache, after, max, error), error);
  set_not_supported (cache, error);
  return NULL;
}

/**
 * gst_zrtp_cache_list_zids:
 * @cache: a cache.
 * @error: why they could not be read.
 *
 * Our own ZIDs, to take along to another machine: records of which only #GstZrtpRecord:zid,
 * #GstZrtpRecord:local-uri and #GstZrtpRecord:peer-uri are set.
 *
 * Returns: (transfer full) (element-type GstZrtpRecord) (nullable): the ZIDs.
 */
GList *
gst_zrtp_cache_list_zids (GstZrtpCache *cache, GError **error)
{
  g_return_val_if_fail (GST_IS_ZRTP_CACHE (cache), NULL);

  if (GST_ZRTP_CACHE_GET_IFACE (cache)->list_zids)
    return check_list (cache, GST_ZRTP_CACHE_GET_IFACE (cache)->list_zids (cache, error), error);
  set_not_supported (cache, error);
  return NULL;
}

/**
 * gst_zrtp_cache_set_zid:
 * @cache: a cache.
 * @local_uri: (nullable): as in gst_zrtp_cache_get_zid().
 * @peer_uri: (nullable): as in gst_zrtp_cache_get_zid().
 * @zid: what gst_zrtp_cache_get_zid() returns from now on, 12 octets.
 * @error: why it could not be stored.
 *
 * Makes this cache the continuation of another one. Records stay with the ZID that they were made for.
 *
 * Returns: %TRUE when it is stored.
 */
gboolean
gst_zrtp_cache_set_zid (
    GstZrtpCache *cache, const gchar *local_uri, const gchar *peer_uri, GBytes *zid, GError **error)
{
  g_return_val_if_fail (GST_IS_ZRTP_CACHE (cache), FALSE);
  g_return_val_if_fail (is_zid (zid), FALSE);

  if (!is_text (local_uri, error) || !is_text (peer_uri, error))
    return FALSE;
  if (GST_ZRTP_CACHE_GET_IFACE (cache)->set_zid)
    return GST_ZRTP_CACHE_GET_IFACE (cache)->set_zid (cache, local_uri, peer_uri, zid, error);
  return set_not_supported (cache, error);
}

/* Takes the change. */
static gboolean
change_record (GstZrtpCache *cache, GstZrtpRecord *record, GstZrtpChange *change, GError **error)
{
  GBytes *zid = g_bytes_new (record->zid, sizeof record->zid);
  GBytes *peer_zid = g_bytes_new (record->peer_zid, sizeof record->peer_zid);
  gboolean ok = gst_zrtp_cache_update (cache, zid, peer_zid, change, error);

  g_bytes_unref (zid);
  g_bytes_unref (peer_zid);
  g_object_unref (change);
  return ok;
}

/**
 * gst_zrtp_cache_put:
 * @cache: a cache.
 * @record: (transfer none): a record, from another cache for example.
 * @error: why it could not be stored.
 *
 * Stores the record in place of the one about the same peer, if there is one. A record without a secret, or whose
 * secrets have expired, is not kept.
 *
 * Returns: %TRUE when it is stored.
 */
gboolean
gst_zrtp_cache_put (GstZrtpCache *cache, GstZrtpRecord *record, GError **error)
{
  g_return_val_if_fail (GST_IS_ZRTP_CACHE (cache), FALSE);
  g_return_val_if_fail (GST_IS_ZRTP_RECORD (record), FALSE);

  return change_record (cache, record, gst_zrtp_change_new_put (record), error);
}

/**
 * gst_zrtp_cache_rename:
 * @cache: a cache.
 * @record: which record; only whom it is about counts.
 * @name: what the user calls this peer (RFC 6189 §12).
 * @error: why it could not be stored.
 *
 * Another name is another person: when there was one before, the SAS counts as not verified any more.
 *
 * Returns: %TRUE when it is stored.
 */
gboolean
gst_zrtp_cache_rename (
    GstZrtpCache *cache, GstZrtpRecord *record, const gchar *name, GError **error)
{
  g_return_val_if_fail (GST_IS_ZRTP_CACHE (cache), FALSE);
  g_return_val_if_fail (GST_IS_ZRTP_RECORD (record), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);

  return change_record (
      cache, record, gst_zrtp_change_new_rename (record->local_uri, record->peer_uri, name), error);
}

/**
 * gst_zrtp_cache_verify:
 * @cache: a cache.
 * @record: which record, as it was read from the cache.
 * @verified: the user is sure that the SAS of the last call was compared.
 * @error: why it could not be stored.
 *
 * Sets or takes back what gst_zrtp_session_verify_sas() sets in a call (RFC 6189 §7.1). The secrets stay. What is set is
 * said of the secret #GstZrtpRecord:rs1 that @record has: when calls have renewed it twice since it was read, nothing
 * happens. With no secret in @record it is said of the one in the cache.
 *
 * Returns: %TRUE when it is stored.
 */
gboolean
gst_zrtp_cache_verify (
    GstZrtpCache *cache, GstZrtpRecord *record, gboolean verified, GError **error)
{
  g_return_val_if_fail (GST_IS_ZRTP_CACHE (cache), FALSE);
  g_return_val_if_fail (GST_IS_ZRTP_RECORD (record), FALSE);

  return change_record (cache, record, gst_zrtp_change_new_verify (record, verified), error);
}

/**
 * gst_zrtp_cache_forget:
 * @cache: a cache.
 * @record: which record; only whom it is about counts.
 * @error: why it could not be removed.
 *
 * Removes the record and its secrets for good. The peer remembers, and its user is alerted in the next
 * call (RFC 6189 §4.3.2).
 *
 * Returns: %TRUE when it is gone, or was not there.
 */
gboolean
gst_zrtp_cache_forget (GstZrtpCache *cache, GstZrtpRecord *record, GError **error)
{
  g_return_val_if_fail (GST_IS_ZRTP_CACHE (cache), FALSE);
  g_return_val_if_fail (GST_IS_ZRTP_RECORD (record), FALSE);

  return change_record (
      cache, record, gst_zrtp_change_new_forget (record->local_uri, record->peer_uri), error);
}

/* A cache that begins anew with every page would keep us for ever. */
static GList *
next_page (GstZrtpCache *cache, GstZrtpRecord *last, GError **error)
{
  GList *page = gst_zrtp_cache_list (cache, last, PAGE, error);

  if (!page || !last || gst_zrtp_record_compare (g_list_last (page)->data, last) > 0)
    return page;
  g_list_free_full (page, g_object_unref);
  set_no_answer (cache, "listed the same records again", error);
  return NULL;
}

static gboolean
expire_record (GstZrtpCache *cache, GstZrtpRecord *record, GError **error)
{
  if (record->expires > gst_zrtp_unix_now () || (!record->rs1.is_set && !record->rs2.is_set))
    return FALSE;
  return change_record (cache, record, gst_zrtp_change_new_expire (), error);
}

/**
 * gst_zrtp_cache_expire:
 * @cache: a cache.
 * @n_expired: (out) (optional): how many records were removed, or lost their secrets.
 * @error: why not.
 *
 * Removes the secrets whose time is over (RFC 6189 §4.9). A pbxsecret has no end.
 *
 * Returns: %TRUE when none is left.
 */
gboolean
gst_zrtp_cache_expire (GstZrtpCache *cache, guint *n_expired, GError **error)
{
  GstZrtpRecord *last = NULL;
  GError *problem = NULL;
  guint n = 0;
  GList *page;

  g_return_val_if_fail (GST_IS_ZRTP_CACHE (cache), FALSE);

  while (!problem && (page = next_page (cache, last, &problem))) {
    for (GList *l = page; l && !problem; l = l->next)
      n += expire_record (cache, l->data, &problem);
    g_set_object (&last, g_list_last (page)->data);
    g_list_free_full (page, g_object_unref);
  }
  g_clear_object (&last);
  if (n_expired)
    *n_expired = n;
  if (!problem)
    return TRUE;
  g_propagate_error (error, problem);
  return FALSE;
}

/* --- For those who write one --------------------------------------------------------------------------- */

GBytes *
gst_zrtp_random_zid (GError **error)
{
  const ZrtpRandom *random = &gst_zrtp_crypto.random;
  guint8 zid[ZRTP_ZID_SIZE];

  if (random->fill (random->user, zid, sizeof zid))
    return g_bytes_new (zid, sizeof zid);
  g_set_error_literal (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_FAILED,
      "the operating system gives no random octets");
  return NULL;
}

/* --- Where it is ------------------------------------------------------------------------------------------ */

/* Sessions of one process share what they have open: a file is read once, a server has one connection. */
static GMutex open_lock;
static GHashTable *open_caches; /* location and key's hash -> GWeakRef */

static gchar *
default_location (void)
{
  return g_build_filename (g_get_user_data_dir (), "gstreamer-1.0", "zrtp", "cache.sqlite", NULL);
}

/* Whoever runs a program as root and keeps the user's HOME would leave files there that the user cannot use. */
static gboolean
is_own_folder (const gchar *folder, GError **error)
{
  gchar *there = g_strdup (folder); /* the part of it that exists */
  GStatBuf info = {0};
  gboolean ok;

  while (g_stat (there, &info) != 0 && strlen (there) > 1) {
    gchar *parent = g_path_get_dirname (there);

    g_free (there);
    there = parent;
  }
  ok = info.st_uid == geteuid () || info.st_uid == 0;
  if (!ok)
    g_set_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_PERMISSION,
        "the folder %s, where the cache would be, belongs to another user (number %u): run this "
        "program as that user, or set HOME, GST_ZRTP_CACHE or cache-location",
        there, (guint) info.st_uid);
  g_free (there);
  return ok;
}

/* The folder of the default location belongs to us; others must exist. */
static gboolean
make_default_folder (const gchar *location, GError **error)
{
  gchar *folder = g_path_get_dirname (location);
  const gboolean is_own = is_own_folder (folder, error),
                 ok = is_own && g_mkdir_with_parents (folder, 0700) == 0;
  const int problem = errno;

  if (is_own && !ok)
    g_set_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_PERMISSION,
        "the folder %s for the cache cannot be made: %s; set cache-location, or "
        "GST_ZRTP_CACHE, to a file in a folder that exists",
        folder, g_strerror (problem));
  g_free (folder);
  return ok;
}

static gboolean
is_postgresql (const gchar *location)
{
  return g_str_has_prefix (location, "postgresql://") || g_str_has_prefix (location, "postgres://");
}

/* libpq comes with a plugin of its own, so that only those who use it load it. */
static GstZrtpCache *
open_postgresql (const gchar *location, GBytes *key, GError **error)
{
  GstPlugin *plugin = gst_plugin_load_by_name (POSTGRESQL_PLUGIN);
  const GType type = plugin ? g_type_from_name (POSTGRESQL_TYPE) : 0;
  GstZrtpCache *cache = NULL;

  if (type)
    cache = g_initable_new (type, NULL, error, "location", location, "key", key, NULL);
  else
    g_set_error_literal (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_NOT_SUPPORTED,
        "the plugin " POSTGRESQL_PLUGIN
        ", which keeps a cache in PostgreSQL, is not installed; it is built "
        "with the meson option postgresql");
  gst_clear_object (&plugin);
  return cache;
}

/* A server that does not answer keeps a call waiting for its time-out; calls that begin just after do not wait
 * for the same again. */
static GstZrtpCache *
open_server (const gchar *location, GBytes *key, GError **error)
{
  static gchar *failed; /* open_lock */
  static GError *failure;
  static gint64 failed_at;
  GstZrtpCache *cache;

  if (g_strcmp0 (failed, location) == 0 && g_get_monotonic_time () - failed_at < SERVER_REST) {
    g_propagate_error (error, g_error_copy (failure));
    return NULL;
  }
  g_clear_error (&failure);
  g_clear_pointer (&failed, g_free);
  cache = open_postgresql (location, key, &failure);
  if (failure) {
    failed = g_strdup (location);
    failed_at = g_get_monotonic_time ();
    g_propagate_error (error, g_error_copy (failure));
  }
  return cache;
}

static GstZrtpCache *
open_new (const gchar *location, GBytes *key, GError **error)
{
  if (is_postgresql (location))
    return open_server (location, key, error);
  return (GstZrtpCache *) gst_zrtp_sqlite_cache_new (location, key, error);
}

static void
weak_ref_free (gpointer data)
{
  g_weak_ref_clear (data);
  g_free (data);
}

/* Lock held. */
static GWeakRef *
find_open (const gchar *location, GBytes *key)
{
  gchar *hash = key ? g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, key) : g_strdup ("");
  gchar *name = g_strdup_printf ("%s\n%s", location, hash);
  GWeakRef *found;

  if (!open_caches)
    open_caches = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, weak_ref_free);
  found = g_hash_table_lookup (open_caches, name);
  if (!found) {
    found = g_new0 (GWeakRef, 1);
    g_weak_ref_init (found, NULL);
    g_hash_table_insert (open_caches, g_strdup (name), found);
  }
  g_free (name);
  g_free (hash);
  return found;
}

static GstZrtpCache *
open_shared (const gchar *location, GBytes *key, GError **error)
{
  GWeakRef *place;
  GstZrtpCache *cache;

  g_mutex_lock (&open_lock);
  place = find_open (location, key);
  cache = g_weak_ref_get (place);
  if (!cache && (cache = open_new (location, key, error)))
    g_weak_ref_set (place, cache);
  g_mutex_unlock (&open_lock);
  return cache;
}

/* One name for one place. */
static gchar *
absolute (const gchar *location)
{
  if (!location)
    return default_location ();
  if (is_postgresql (location) || g_str_equal (location, ":memory:"))
    return g_strdup (location);
  return g_canonicalize_filename (location, NULL);
}

/**
 * gst_zrtp_cache_dup_default_location:
 *
 * Where gst_zrtp_cache_open() looks when it is not told.
 *
 * Returns: (transfer full): the value of the environment variable `GST_ZRTP_CACHE`; without it, a file in the user's data
 *   folder, which need not exist yet.
 */
gchar *
gst_zrtp_cache_dup_default_location (void)
{
  const gchar *location = g_getenv ("GST_ZRTP_CACHE");

  return location ? g_strdup (location) : default_location ();
}

/**
 * gst_zrtp_cache_open:
 * @location: (nullable): where the cache is: the name of a file, `:memory:` for one of SQLite's that is gone with the
 *   last reference, or a `postgresql://` URI. %NULL takes the environment variable `GST_ZRTP_CACHE`, and without it
 *   `gstreamer-1.0/zrtp/cache.sqlite` in the user's data folder. "" is no cache.
 * @key: (nullable): encrypts the secrets in it, 32 octets; see #GstZrtpSession:cache-key.
 * @error: why it cannot be opened.
 *
 * Makes the file if there is none, for this user's eyes only; at the default location also its folders, unless they
 * would be in a folder of another user (%GST_ZRTP_CACHE_ERROR_PERMISSION). Those who open the same location get the same
 * object, as long as somebody holds it.
 *
 * Returns: (transfer full) (nullable): the cache; %NULL, and no error, for "".
 */
GstZrtpCache *
gst_zrtp_cache_open (const gchar *location, GBytes *key, GError **error)
{
  GstZrtpCache *cache = NULL;
  gchar *name;

  if (!location)
    location = g_getenv ("GST_ZRTP_CACHE");
  if (location && !*location)
    return NULL;
  name = absolute (location);
  if (location || make_default_folder (name, error))
    cache = g_str_equal (name, ":memory:") ? open_new (name, key, error)
                                           : open_shared (name, key, error);
  g_free (name);
  return cache;
}
