/* A cache in a file.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "ext/sqlite/zrtp-sqlite-private.h"

#include <unistd.h>

/**
 * GstZrtpSqliteCache:
 *
 * A cache in an SQLite 3 file, for any number of threads and processes at once.
 *
 * The file is for its owner's eyes only. A change is on the disk when the function that makes it returns, or it is not made
 * at all. What was removed or replaced is overwritten with zeros in the file. It also stands in the write-ahead log. When
 * somebody removes it (forget, expire, a SAS that does not match) the log is cut to nothing before that function returns;
 * the secret before the last two, which a call has put out, goes after 16 updates or when the object is freed. When another
 * process is reading an older state for longer than a second just then, it goes with the next change, or when the last
 * process closes the file. Copies that a file system or an SSD keeps below the file are out of reach: that is what a key
 * is for.
 *
 * It belongs to the process that opened it. After fork() the child can neither use it nor open another file, as long
 * as one was open at the fork: each operation is an error %GST_ZRTP_CACHE_ERROR_FAILED. So open it after fork().
 */
struct _GstZrtpSqliteCache {
  GObject parent;

  GMutex lock;
  ZrtpSqlite database;
};

static void gst_zrtp_sqlite_cache_iface_init (GstZrtpCacheInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (GstZrtpSqliteCache, gst_zrtp_sqlite_cache, G_TYPE_OBJECT,
    G_IMPLEMENT_INTERFACE (GST_TYPE_ZRTP_CACHE, gst_zrtp_sqlite_cache_iface_init))

/* NULL, not locked and an error when the file cannot be used any more. */
static ZrtpSqlite *
lock (GstZrtpCache *cache, GError **error)
{
  GstZrtpSqliteCache *self = GST_ZRTP_SQLITE_CACHE (cache);

  if (!zrtp_sqlite_is_here (&self->database, error))
    return NULL;
  g_mutex_lock (&self->lock);
  if (zrtp_sqlite_ensure (&self->database, error))
    return &self->database;
  g_mutex_unlock (&self->lock);
  return NULL;
}

static void
unlock (GstZrtpCache *cache)
{
  g_mutex_unlock (&GST_ZRTP_SQLITE_CACHE (cache)->lock);
}

static void
records_free (GList *records)
{
  g_list_free_full (records, g_object_unref);
}

typedef GstZrtpRecord *ReadRow (ZrtpSqlite *database, sqlite3_stmt *statement, GError **error);

/* All rows, or none and an error. */
static GList *
read_all (ZrtpSqlite *database, ZrtpSqliteStatement which, ReadRow *read_row, GError **error)
{
  sqlite3_stmt *statement = database->statements[which];
  GList *found = NULL;
  GstZrtpRecord *record = NULL;
  int code;

  while ((code = zrtp_sqlite_step (database, statement, error)) == SQLITE_ROW &&
         (record = read_row (database, statement, error)))
    found = g_list_prepend (found, record);
  zrtp_sqlite_reset (statement);
  if (code == SQLITE_DONE)
    return g_list_reverse (found);
  records_free (found);
  return NULL;
}

/* --- ZIDs ------------------------------------------------------------------------------------------ */

static void
bind_scope (sqlite3_stmt *statement, const gchar *local_uri, const gchar *peer_uri)
{
  zrtp_sqlite_bind_string (statement, 1, local_uri ? local_uri : "");
  zrtp_sqlite_bind_string (statement, 2, peer_uri ? peer_uri : "");
}

/* NULL, and no error, when there is none yet. */
static GBytes *
find_zid (ZrtpSqlite *database, const gchar *local_uri, const gchar *peer_uri, GError **error)
{
  GBytes *zid = NULL;
  GList *found;

  bind_scope (database->statements[ZRTP_SQLITE_GET_ZID], local_uri, peer_uri);
  found = read_all (database, ZRTP_SQLITE_GET_ZID, zrtp_sqlite_read_zid, error);
  if (found)
    zid = g_bytes_new (GST_ZRTP_RECORD (found->data)->zid, ZRTP_ZID_SIZE);
  records_free (found);
  return zid;
}

/* In a transaction. */
static gboolean
put_zid (ZrtpSqlite *database, ZrtpSqliteStatement which, const gchar *local_uri,
    const gchar *peer_uri, GBytes *zid, GError **error)
{
  bind_scope (database->statements[which], local_uri, peer_uri);
  zrtp_sqlite_bind_bytes (database->statements[which], 3, zid);
  return zrtp_sqlite_run (database, which, error);
}

/* Two processes that do this at once get the same one. */
static GBytes *
make_zid (ZrtpSqlite *database, const gchar *local_uri, const gchar *peer_uri, GError **error)
{
  GBytes *fresh = gst_zrtp_random_zid (error), *zid = NULL;

  if (fresh && zrtp_sqlite_begin (database, error)) {
    if (put_zid (database, ZRTP_SQLITE_ADD_ZID, local_uri, peer_uri, fresh, error))
      zid = find_zid (database, local_uri, peer_uri, error);
    if (!zrtp_sqlite_end (database, zid != NULL, error))
      g_clear_pointer (&zid, g_bytes_unref);
  }
  g_clear_pointer (&fresh, g_bytes_unref);
  return zid;
}

static GBytes *
sqlite_get_zid (GstZrtpCache *cache, const gchar *local_uri, const gchar *peer_uri, GError **error)
{
  ZrtpSqlite *database = lock (cache, error);
  GError *problem = NULL;
  GBytes *zid;

  if (!database)
    return NULL;
  zid = find_zid (database, local_uri, peer_uri, &problem);
  if (problem)
    g_propagate_error (error, problem);
  else if (!zid)
    zid = make_zid (database, local_uri, peer_uri, error);
  unlock (cache);
  return zid;
}

static gboolean
sqlite_set_zid (
    GstZrtpCache *cache, const gchar *local_uri, const gchar *peer_uri, GBytes *zid, GError **error)
{
  ZrtpSqlite *database = lock (cache, error);
  gboolean ok;

  if (!database)
    return FALSE;
  ok = zrtp_sqlite_begin (database, error);
  if (ok) {
    ok = put_zid (database, ZRTP_SQLITE_SET_ZID, local_uri, peer_uri, zid, error);
    ok = zrtp_sqlite_end (database, ok, error);
  }
  unlock (cache);
  return ok;
}

static GList *
sqlite_list_zids (GstZrtpCache *cache, GError **error)
{
  ZrtpSqlite *database = lock (cache, error);
  GList *found;

  if (!database)
    return NULL;
  found = read_all (database, ZRTP_SQLITE_LIST_ZIDS, zrtp_sqlite_read_zid, error);
  unlock (cache);
  return found;
}

/* --- Records --------------------------------------------------------------------------------------- */

static GList *
find_records (ZrtpSqlite *database, GBytes *zid, GBytes *peer_zid, GError **error)
{
  sqlite3_stmt *statement = database->statements[ZRTP_SQLITE_LOOKUP];

  zrtp_sqlite_bind_bytes (statement, 1, zid);
  zrtp_sqlite_bind_bytes (statement, 2, peer_zid);
  zrtp_sqlite_bind_place (
      statement, g_bytes_get_data (zid, NULL), g_bytes_get_data (peer_zid, NULL));
  return read_all (database, ZRTP_SQLITE_LOOKUP, zrtp_sqlite_read_record, error);
}

static gboolean
sqlite_lookup (GstZrtpCache *cache, GBytes *zid, GBytes *peer_zid, GList **records, GError **error)
{
  ZrtpSqlite *database = lock (cache, error);
  GError *problem = NULL;

  if (!database)
    return FALSE;
  *records = find_records (database, zid, peer_zid, &problem);
  unlock (cache);
  if (!problem)
    return TRUE;
  g_propagate_error (error, problem);
  return FALSE;
}

static GList *
sqlite_list (GstZrtpCache *cache, GstZrtpRecord *after, guint max, GError **error)
{
  ZrtpSqlite *database = lock (cache, error);
  sqlite3_stmt *statement;
  GList *found;

  if (!database)
    return NULL;
  statement = database->statements[ZRTP_SQLITE_LIST];
  if (after) {
    zrtp_sqlite_bind_keys (statement, after);
  } else { /* less than any ZID */
    sqlite3_bind_zeroblob (statement, 1, 0);
    sqlite3_bind_zeroblob (statement, 2, 0);
    zrtp_sqlite_bind_string (statement, 3, "");
    zrtp_sqlite_bind_string (statement, 4, "");
  }
  sqlite3_bind_int64 (statement, 5, max);
  found = read_all (database, ZRTP_SQLITE_LIST, zrtp_sqlite_read_record, error);
  unlock (cache);
  return found;
}

/* --- Changes: all of this in a transaction --------------------------------------------------------- */

static GstZrtpRecord *
find_same (GList *records, GstZrtpRecord *record)
{
  GList *found = g_list_find_custom (records, record, gst_zrtp_record_compare);

  return found ? found->data : NULL;
}

static gboolean
write_record (
    ZrtpSqlite *database, ZrtpSqliteStatement which, GstZrtpRecord *record, GError **error)
{
  sqlite3_stmt *statement = database->statements[which];
  gboolean ok;

  if (!zrtp_sqlite_bind_record (database, statement, record, error)) {
    zrtp_sqlite_reset (statement);
    return FALSE;
  }
  zrtp_sqlite_bind_place (statement, record->zid, record->peer_zid);
  ok = zrtp_sqlite_run (database, which, error);
  if (ok && sqlite3_changes (database->db) != 1) {
    g_set_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_WRONG_KEY,
        "the cache %s takes no record of this peer: either it has been encrypted meanwhile, then "
        "open it "
        "again with its cache-key; or it has 65536 of them, then forget some",
        database->path);
    return FALSE;
  }
  return ok;
}

static gboolean
delete_record (ZrtpSqlite *database, GstZrtpRecord *record, GError **error)
{
  zrtp_sqlite_bind_keys (database->statements[ZRTP_SQLITE_DELETE], record);
  zrtp_sqlite_bind_place (database->statements[ZRTP_SQLITE_DELETE], record->zid, record->peer_zid);
  return zrtp_sqlite_run (database, ZRTP_SQLITE_DELETE, error);
}

/* Only what is different is written. */
static gboolean
write_difference (ZrtpSqlite *database, GList *before, GList *after, GError **error)
{
  gboolean ok = TRUE;

  for (GList *l = after; l && ok; l = l->next) {
    GstZrtpRecord *old = find_same (before, l->data);

    if (!old) {
      ok = write_record (database, ZRTP_SQLITE_INSERT, l->data, error);
    } else if (!gst_zrtp_record_equal (old, l->data)) {
      database->has_traces = TRUE;
      ok = write_record (database, ZRTP_SQLITE_UPDATE, l->data, error);
    }
  }
  for (GList *l = before; l && ok; l = l->next)
    if (!find_same (after, l->data)) {
      database->has_traces = TRUE;
      ok = delete_record (database, l->data, error);
    }
  return ok;
}

static gboolean
apply (ZrtpSqlite *database, GBytes *zid, GBytes *peer_zid, GstZrtpChange *change, GError **error)
{
  GError *problem = NULL;
  GList *before = find_records (database, zid, peer_zid, &problem), *after;
  gboolean ok = FALSE;

  if (problem) {
    g_propagate_error (error, problem);
    return FALSE;
  }
  after = gst_zrtp_change_apply (change, before);
  ok = write_difference (database, before, after, error);
  records_free (before);
  records_free (after);
  return ok;
}

static gboolean
sqlite_update (
    GstZrtpCache *cache, GBytes *zid, GBytes *peer_zid, GstZrtpChange *change, GError **error)
{
  ZrtpSqlite *database = lock (cache, error);
  gboolean ok;

  if (!database)
    return FALSE;
  ok = zrtp_sqlite_begin (database, error);
  if (ok) {
    ok = apply (database, zid, peer_zid, change, error);
    database->must_erase |= gst_zrtp_change_is_removal (change);
    ok = zrtp_sqlite_end (database, ok, error);
  }
  unlock (cache);
  return ok;
}

/* --- GObject --------------------------------------------------------------------------------------- */

static void
gst_zrtp_sqlite_cache_iface_init (GstZrtpCacheInterface *iface)
{
  iface->get_zid = sqlite_get_zid;
  iface->lookup = sqlite_lookup;
  iface->update = sqlite_update;
  iface->list = sqlite_list;
  iface->list_zids = sqlite_list_zids;
  iface->set_zid = sqlite_set_zid;
}

static void
gst_zrtp_sqlite_cache_finalize (GObject *object)
{
  GstZrtpSqliteCache *self = GST_ZRTP_SQLITE_CACHE (object);

  zrtp_sqlite_close (&self->database);
  g_free (self->database.path);
  g_clear_pointer (&self->database.key, g_bytes_unref);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (gst_zrtp_sqlite_cache_parent_class)->finalize (object);
}

static void
gst_zrtp_sqlite_cache_class_init (GstZrtpSqliteCacheClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = gst_zrtp_sqlite_cache_finalize;
}

static void
gst_zrtp_sqlite_cache_init (GstZrtpSqliteCache *self)
{
  g_mutex_init (&self->lock);
}

/**
 * gst_zrtp_sqlite_cache_new:
 * @path: the file, or `:memory:` for one that is gone with the object.
 * @key: (nullable): encrypts the secrets in it, 32 octets.
 * @error: why it cannot be opened; then nothing in the file was changed.
 *
 * Makes the file if there is none; its folder must exist. Not in place of a link that leads nowhere
 * (%GST_ZRTP_CACHE_ERROR_NOT_FOUND), and not while another process locks the folder for longer than a second
 * (%GST_ZRTP_CACHE_ERROR_BUSY). One of another user is not opened (%GST_ZRTP_CACHE_ERROR_PERMISSION), except root's.
 *
 * A cache that has no records yet becomes an encrypted one when a key is given; after that it opens with this key only.
 *
 * Returns: (transfer full) (nullable): the cache.
 */
GstZrtpSqliteCache *
gst_zrtp_sqlite_cache_new (const gchar *path, GBytes *key, GError **error)
{
  GstZrtpSqliteCache *self;

  g_return_val_if_fail (path != NULL, NULL);

  self = g_object_new (GST_TYPE_ZRTP_SQLITE_CACHE, NULL);
  self->database.path = g_strdup (path);
  self->database.process = getpid ();
  self->database.key = key ? g_bytes_ref (key) : NULL;
  if (zrtp_sqlite_open (&self->database, error))
    return self;
  g_object_unref (self);
  return NULL;
}
