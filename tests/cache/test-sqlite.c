/* The cache in a file: what it keeps, who can read it, and what it forgets.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/cache/files.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

typedef struct {
  gchar *folder, *path;
  GBytes *key;
} Fixture;

static void
set_up (Fixture *f, gconstpointer encrypted)
{
  f->folder = folder_new ();
  f->path = in_folder (f->folder, "cache.sqlite");
  f->key = encrypted ? key_new (1) : NULL;
}

static void
tear_down (Fixture *f, gconstpointer encrypted)
{
  folder_free (f->folder);
  g_free (f->path);
  g_clear_pointer (&f->key, g_bytes_unref);
}

static GstZrtpRecord *
look_up_one (GstZrtpCache *cache, GBytes *zid, GBytes *peer_zid)
{
  GError *error = NULL;
  GstZrtpRecord *record;
  GList *found = NULL;

  gst_zrtp_cache_lookup (cache, zid, peer_zid, &found, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_list_length (found), ==, 1);
  record = g_object_ref (found->data);
  g_list_free_full (found, g_object_unref);
  return record;
}

static void
assert_unknown (GstZrtpCache *cache, GBytes *zid, GBytes *peer_zid)
{
  GError *error = NULL;
  GList *found = NULL;

  g_assert_true (gst_zrtp_cache_lookup (cache, zid, peer_zid, &found, &error));
  g_assert_no_error (error);
  g_assert_null (found);
}

/* --- What it keeps --------------------------------------------------------------------------------- */

static void
test_round_trip (Fixture *f, gconstpointer encrypted)
{
  GBytes *peer_zid = octets_new (12), *zid, *again, *pbx = octets_new (32);
  GstZrtpCache *cache = cache_new (f->path, f->key);
  GstZrtpRecord *record, *back, *changed;

  zid = zid_of (cache);
  assert_unknown (cache, zid, peer_zid);
  record = record_new (zid, peer_zid, "sip:you@example.com", NULL);
  g_object_set (record, "pbx-secret", pbx, NULL);
  put (cache, record);
  g_object_unref (cache);

  cache = cache_new (f->path, f->key);
  again = zid_of (cache);
  g_assert_true (g_bytes_equal (zid, again));
  back = look_up_one (cache, zid, peer_zid);
  assert_same (record, back);
  assert_unknown (cache, peer_zid, zid);

  changed = gst_zrtp_record_copy (record);
  g_object_set (changed, "rs2", NULL, "pbx-secret", NULL, "calls", (guint64) 78, "rs2-verified",
      TRUE, "name", "", "expires", G_MAXINT64, NULL);
  put (cache, changed);
  g_object_unref (back);
  back = look_up_one (cache, zid, peer_zid);
  assert_same (changed, back);

  g_assert_true (gst_zrtp_cache_forget (cache, back, NULL));
  assert_unknown (cache, zid, peer_zid);
  g_object_unref (cache);
  g_object_unref (record);
  g_object_unref (changed);
  g_object_unref (back);
  g_bytes_unref (zid);
  g_bytes_unref (again);
  g_bytes_unref (peer_zid);
  g_bytes_unref (pbx);
}

static void
test_list (Fixture *f, gconstpointer encrypted)
{
  GstZrtpCache *cache = cache_new (f->path, f->key);
  GstZrtpRecord *last = NULL;
  GBytes *zid = zid_of (cache), *peer_zid[4];
  GHashTable *seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  guint pages = 0;
  GList *page;

  for (guint i = 0; i < 4; i++) {
    peer_zid[i] = octets_new (12);
    for (guint j = 0; j < 5; j++) {
      gchar *uri = g_strdup_printf ("sip:%u-%u", i, j);
      GstZrtpRecord *record = record_new (zid, peer_zid[i], uri, NULL);

      put (cache, record);
      g_object_unref (record);
      g_free (uri);
    }
  }
  while ((page = gst_zrtp_cache_list (cache, last, 3, NULL))) {
    g_assert_cmpuint (g_list_length (page), ==, pages++ < 6 ? 3 : 2);
    for (GList *l = page; l; l = l->next) {
      gchar *uri;

      if (last) { /* in order */
        GBytes *a = get_octets (last, "peer-zid"), *b = get_octets (l->data, "peer-zid");

        g_assert_cmpint (g_bytes_compare (a, b), <=, 0);
        g_bytes_unref (a);
        g_bytes_unref (b);
      }
      g_object_get (l->data, "peer-uri", &uri, NULL);
      g_assert_true (g_hash_table_add (seen, uri)); /* once */
      g_set_object (&last, l->data);
    }
    g_list_free_full (page, g_object_unref);
  }
  g_assert_cmpuint (g_hash_table_size (seen), ==, 20);
  for (guint i = 0; i < 4; i++)
    g_bytes_unref (peer_zid[i]);
  g_hash_table_unref (seen);
  g_object_unref (last);
  g_bytes_unref (zid);
  g_object_unref (cache);
}

static void
test_zids (Fixture *f, gconstpointer encrypted)
{
  static const gchar *const scopes[][2] = {
      {NULL, NULL}, {"sip:me@a", NULL}, {"sip:me@b", NULL}, {"sip:me@a", "sip:you"}};
  GstZrtpCache *cache = cache_new (f->path, f->key);
  GBytes *zid[4], *other = octets_new (12);
  GList *all;

  for (guint i = 0; i < 4; i++) {
    zid[i] = gst_zrtp_cache_get_zid (cache, scopes[i][0], scopes[i][1], NULL);
    for (guint j = 0; j < i; j++)
      g_assert_false (g_bytes_equal (zid[i], zid[j]));
  }
  g_assert_true (gst_zrtp_cache_set_zid (cache, scopes[1][0], scopes[1][1], other, NULL));
  g_object_unref (cache);
  cache = cache_new (f->path, f->key);
  for (guint i = 0; i < 4; i++) {
    GBytes *now = gst_zrtp_cache_get_zid (cache, scopes[i][0], scopes[i][1], NULL);

    g_assert_true (g_bytes_equal (now, i == 1 ? other : zid[i]));
    g_bytes_unref (now);
    g_bytes_unref (zid[i]);
  }
  all = gst_zrtp_cache_list_zids (cache, NULL);
  g_assert_cmpuint (g_list_length (all), ==, 4);
  g_list_free_full (all, g_object_unref);
  g_bytes_unref (other);
  g_object_unref (cache);
}

static void
test_memory (Fixture *f, gconstpointer encrypted)
{
  GstZrtpCache *a = cache_new (":memory:", f->key), *b = cache_new (":memory:", f->key);
  GBytes *zid[2] = {zid_of (a), zid_of (b)}, *peer_zid = octets_new (12);
  GstZrtpRecord *record = record_new (zid[0], peer_zid, "", NULL), *back;

  g_assert_false (g_bytes_equal (zid[0], zid[1]));
  put (a, record);
  back = look_up_one (a, zid[0], peer_zid);
  assert_same (record, back);
  assert_unknown (b, zid[0], peer_zid);
  g_assert_false (g_file_test (":memory:", G_FILE_TEST_EXISTS));
  g_object_unref (record);
  g_object_unref (back);
  g_bytes_unref (peer_zid);
  g_bytes_unref (zid[0]);
  g_bytes_unref (zid[1]);
  g_object_unref (a);
  g_object_unref (b);
}

/* --- Keys ------------------------------------------------------------------------------------------ */

static void
assert_wrong_key (const gchar *path, GBytes *key, const gchar *says)
{
  GBytes *before = file_read (path), *after;
  GError *error = NULL;

  g_assert_null (gst_zrtp_sqlite_cache_new (path, key, &error));
  g_assert_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_WRONG_KEY);
  g_assert_nonnull (strstr (error->message, says));
  after = file_read (path);
  g_assert_true (g_bytes_equal (before, after));
  g_bytes_unref (before);
  g_bytes_unref (after);
  g_error_free (error);
}

static void
store_one (const gchar *path, GBytes *key, GBytes *secret)
{
  GstZrtpCache *cache = cache_new (path, key);
  GBytes *zid = zid_of (cache), *peer_zid = octets_new (12);
  GstZrtpRecord *record = record_new (zid, peer_zid, "", secret);

  put (cache, record);
  g_object_unref (record);
  g_bytes_unref (zid);
  g_bytes_unref (peer_zid);
  g_object_unref (cache);
}

static void
test_keys (Fixture *f, gconstpointer encrypted)
{
  GBytes *right = key_new (1), *wrong = key_new (2), *secret = octets_new (32);
  gchar *plain = in_folder (f->folder, "plain");

  store_one (f->path, right, secret);
  g_assert_false (file_has (f->path, secret));
  assert_wrong_key (f->path, wrong, "another key");
  assert_wrong_key (f->path, NULL, "is encrypted");
  store_one (f->path, right, secret);

  store_one (plain, NULL, secret);
  g_assert_true (file_has (plain, secret));
  assert_wrong_key (plain, right, "export");
  store_one (plain, NULL, secret);
  g_bytes_unref (right);
  g_bytes_unref (wrong);
  g_bytes_unref (secret);
  g_free (plain);
}

/* Somebody who opened it when it had no key does not write plain secrets into it afterwards. */
static void
test_key_comes_later (Fixture *f, gconstpointer encrypted)
{
  GBytes *key = key_new (1), *peer_zid = octets_new (12), *secret = octets_new (32), *zid;
  GstZrtpCache *early = cache_new (f->path, NULL), *late;
  GstZrtpRecord *record;
  GError *error = NULL;

  zid = zid_of (early);
  late = cache_new (f->path, key);
  record = record_new (zid, peer_zid, "", secret);
  g_assert_false (gst_zrtp_cache_put (early, record, &error));
  g_assert_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_WRONG_KEY);
  g_clear_error (&error);
  put (late, record);
  g_assert_false (file_has (f->path, secret));
  g_object_unref (early);
  g_object_unref (late);
  g_object_unref (record);
  g_bytes_unref (zid);
  g_bytes_unref (key);
  g_bytes_unref (secret);
  g_bytes_unref (peer_zid);
}

/* --- Who can read it ------------------------------------------------------------------------------- */

static void
test_modes (Fixture *f, gconstpointer encrypted)
{
  const mode_t mask = umask (0);
  GstZrtpCache *cache = cache_new (f->path, NULL);
  gchar *wal = g_strconcat (f->path, "-wal", NULL), *shm = g_strconcat (f->path, "-shm", NULL);
  GBytes *zid = zid_of (cache);

  g_assert_cmpuint (file_mode (f->path), ==, 0600);
  g_assert_cmpuint (file_mode (wal), ==, 0600);
  g_assert_cmpuint (file_mode (shm), ==, 0600);
  g_object_unref (cache);

  /* one that others could read */
  g_assert_cmpint (g_chmod (f->path, 0644), ==, 0);
  cache = cache_new (f->path, NULL);
  g_assert_cmpuint (file_mode (f->path), ==, 0600);
  g_object_unref (cache);
  umask (mask);
  g_bytes_unref (zid);
  g_free (wal);
  g_free (shm);
}

static gboolean
is_alone (const gchar *folder, const gchar *name)
{
  GDir *dir = g_dir_open (folder, 0, NULL);
  const gchar *other;
  guint n = 0;

  while ((other = g_dir_read_name (dir)))
    n += !g_str_equal (other, name);
  g_dir_close (dir);
  return n == 0;
}

static void
test_default_location (Fixture *f, gconstpointer encrypted)
{
  const mode_t mask = umask (0);
  gchar *top = in_folder (g_get_user_data_dir (), "gstreamer-1.0"),
        *folder = in_folder (top, "zrtp"), *path = in_folder (folder, "cache.sqlite");
  GError *error = NULL;
  GstZrtpCache *cache;

  g_unsetenv ("GST_ZRTP_CACHE");
  cache = gst_zrtp_cache_open (NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (GST_IS_ZRTP_SQLITE_CACHE (cache));
  g_assert_cmpuint (file_mode (top), ==, 0700);
  g_assert_cmpuint (file_mode (folder), ==, 0700);
  g_assert_cmpuint (file_mode (path), ==, 0600);
  g_object_unref (cache);
  g_assert_true (is_alone (folder, "cache.sqlite"));
  umask (mask);
  g_setenv ("GST_ZRTP_CACHE", "", TRUE);
  g_free (path);
  g_free (folder);
  g_free (top);
}

/* --- What it forgets ------------------------------------------------------------------------------- */

static void
assert_only (Fixture *f, GBytes **gone, guint n, GBytes *there)
{
  for (guint i = 0; i < n; i++)
    g_assert_false (file_has (f->path, gone[i]));
  if (there)
    g_assert_true (file_has (f->path, there));
}

/* Nothing that was replaced or removed stands in any of the files, while the cache is open. */
static void
test_traces (Fixture *f, gconstpointer encrypted)
{
  GstZrtpCache *cache = cache_new (f->path, NULL);
  GBytes *zid = zid_of (cache), *peer_zid = octets_new (12), *secret[6];
  GstZrtpRecord *record = record_new (zid, peer_zid, "", NULL);
  guint n_expired;

  for (guint i = 0; i < 6; i++) {
    secret[i] = octets_new (32);
    g_object_set (record, "rs1", secret[i], "rs2", NULL, NULL);
    put (cache, record);
    assert_only (f, secret, i, secret[i]);
  }
  gst_zrtp_cache_forget (cache, record, NULL);
  assert_only (f, secret, 6, NULL);

  /* its time is over in the file, as time passes */
  put (cache, record);
  g_assert_true (file_has (f->path, secret[5]));
  file_sql (f->path, "UPDATE record SET expires = 1");
  g_assert_true (gst_zrtp_cache_expire (cache, &n_expired, NULL));
  g_assert_cmpuint (n_expired, ==, 1);
  assert_only (f, secret, 6, NULL);
  for (guint i = 0; i < 6; i++)
    g_bytes_unref (secret[i]);
  g_object_unref (cache);
  g_object_unref (record);
  g_bytes_unref (zid);
  g_bytes_unref (peer_zid);
}

/* Somebody who reads an older state keeps it in the log; it goes with the next change. */
static void
test_traces_and_reader (Fixture *f, gconstpointer encrypted)
{
  GstZrtpCache *cache = cache_new (f->path, NULL);
  GBytes *zid = zid_of (cache), *peer_zid = octets_new (12), *old = octets_new (32);
  GstZrtpRecord *record = record_new (zid, peer_zid, "", old);
  sqlite3_stmt *reading;
  GBytes *fresh;
  sqlite3 *db;

  put (cache, record);
  put (cache, record);
  g_assert_cmpint (sqlite3_open (f->path, &db), ==, SQLITE_OK);
  sqlite3_prepare_v2 (db, "SELECT * FROM record", -1, &reading, NULL);
  g_assert_cmpint (sqlite3_step (reading), ==, SQLITE_ROW);
  for (guint i = 0; i < 2; i++) {
    fresh = octets_new (32);
    g_object_set (record, "rs1", fresh, NULL);
    put (cache, record); /* it is stored all the same */
    g_assert_true (file_has (f->path, fresh));
    g_assert_true (file_has (f->path, old) == (i == 0));
    g_bytes_unref (fresh);
    sqlite3_reset (reading);
  }
  sqlite3_finalize (reading);
  sqlite3_close (db);
  g_object_unref (cache);
  g_object_unref (record);
  g_bytes_unref (zid);
  g_bytes_unref (peer_zid);
  g_bytes_unref (old);
}

static GBytes *
first_secret (const gchar *path, const gchar *property)
{
  GstZrtpCache *cache = cache_new (path, NULL);
  GList *page = gst_zrtp_cache_list (cache, NULL, 1, NULL);
  GBytes *secret = page ? get_octets (page->data, property) : NULL;

  g_list_free_full (page, g_object_unref);
  g_object_unref (cache);
  return secret;
}

/* Calls, and a SAS that did not match. */
static void
test_traces_of_calls (Fixture *f, gconstpointer encrypted)
{
  gchar *other = in_folder (f->folder, "other");
  GBytes *secret[4];
  CallResult result;

  for (guint i = 0; i < 4; i++) {
    call (f->path, other, NULL, &result);
    g_assert_true (result.secure);
    g_assert_null (result.warning[0]);
    call_result_clear (&result);
    secret[i] = first_secret (f->path, "rs1");
    g_assert_true (file_has (f->path, secret[i]));
    if (i >= 2)
      g_assert_false (file_has (f->path, secret[i - 2])); /* neither rs1 nor rs2 */
  }
  call_and_verify (f->path, other, NULL, FALSE, &result);
  call_result_clear (&result);
  {
    GBytes *rs1 = first_secret (f->path, "rs1"), *rs2 = first_secret (f->path, "rs2");

    for (guint i = 0; i < 4; i++) {
      const gboolean is_kept =
          (rs1 && g_bytes_equal (rs1, secret[i])) || (rs2 && g_bytes_equal (rs2, secret[i]));

      g_assert_true (file_has (f->path, secret[i]) == is_kept);
      g_bytes_unref (secret[i]);
    }
    g_clear_pointer (&rs1, g_bytes_unref);
    g_clear_pointer (&rs2, g_bytes_unref);
  }
  g_free (other);
}

/* Calls of a process that keeps the cache open: the log is cut after some of them, and at the end. */
static void
test_traces_while_open (Fixture *f, gconstpointer encrypted)
{
  enum {
    N = 18
  };
  GstZrtpCache *cache = gst_zrtp_cache_open (f->path, NULL, NULL);
  gchar *other = in_folder (f->folder, "other");
  GBytes *secret[N];
  CallResult result;

  for (guint i = 0; i < N; i++) {
    call (f->path, other, NULL, &result);
    g_assert_true (result.secure);
    call_result_clear (&result);
    secret[i] = first_secret (f->path, "rs1");
  }
  g_assert_true (file_has (f->path, secret[N - 1]));
  g_assert_false (file_has (f->path, secret[0]));
  g_object_unref (cache);
  for (guint i = 0; i < N; i++) {
    g_assert_true (file_has (f->path, secret[i]) == (i >= N - 2));
    g_bytes_unref (secret[i]);
  }
  g_free (other);
}

/* Pages that split and merge leave no copies behind. */
static void
test_traces_of_many (Fixture *f, gconstpointer encrypted)
{
  enum {
    N = 200
  };
  GstZrtpCache *cache = cache_new (f->path, NULL);
  GPtrArray *old = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  GBytes *zid = zid_of (cache);
  GstZrtpRecord *record[N];
  gchar *wal = g_strconcat (f->path, "-wal", NULL);

  for (guint i = 0; i < N; i++) {
    GBytes *peer_zid = octets_new (12);

    record[i] = record_new (zid, peer_zid, "", NULL);
    put (cache, record[i]);
    g_bytes_unref (peer_zid);
  }
  for (guint i = 0; i < 3 * N; i++) {
    GstZrtpRecord *one = record[(guint) g_random_int_range (0, N)];
    gchar *name = g_strnfill ((gsize) g_random_int_range (0, 40), 'n');
    GBytes *fresh = octets_new (32);

    g_ptr_array_add (old, get_octets (one, "rs1"));
    g_object_set (one, "rs1", fresh, "name", name, NULL);
    if (i % 5 == 0)
      gst_zrtp_cache_forget (cache, one, NULL);
    else
      put (cache, one);
    g_bytes_unref (fresh);
    g_free (name);
  }
  g_assert_cmpuint (old->len, ==, 3 * N);
  for (guint i = 0; i < old->len; i++)
    g_assert_false (file_has (f->path, old->pdata[i]));
  for (guint i = 0; i < N; i++)
    g_object_unref (record[i]);
  g_ptr_array_unref (old);
  g_bytes_unref (zid);
  g_object_unref (cache);
  g_free (wal);
}

/* --- Names and files ------------------------------------------------------------------------------- */

/* What a removed cache left in its log does not come back in the next one. */
static void
test_stale_log (Fixture *f, gconstpointer encrypted)
{
  gchar *wal = g_strconcat (f->path, "-wal", NULL);
  GstZrtpCache *cache = cache_new (f->path, NULL);
  GBytes *zid = zid_of (cache), *log = file_read (wal), *fresh;

  g_assert_cmpuint (g_bytes_get_size (log), >, 0);
  g_object_unref (cache);
  g_unlink (f->path);
  file_write (wal, log);
  cache = cache_new (f->path, NULL);
  fresh = zid_of (cache);
  g_assert_false (g_bytes_equal (zid, fresh));
  g_object_unref (cache);
  g_bytes_unref (zid);
  g_bytes_unref (fresh);
  g_bytes_unref (log);
  g_free (wal);
}

/* A cache that is removed while it is open is made anew, and not lost at the end of the process. */
static void
test_removed (Fixture *f, gconstpointer encrypted)
{
  GstZrtpCache *cache = cache_new (f->path, NULL);
  GBytes *zid = zid_of (cache), *fresh, *again;
  gchar *moved = in_folder (f->folder, "moved");

  g_assert_cmpint (g_rename (f->path, moved), ==, 0);
  fresh = zid_of (cache);
  g_assert_false (g_bytes_equal (zid, fresh));
  g_object_unref (cache);
  cache = cache_new (f->path, NULL);
  again = zid_of (cache);
  g_assert_true (g_bytes_equal (fresh, again));
  g_object_unref (cache);
  g_bytes_unref (zid);
  g_bytes_unref (fresh);
  g_bytes_unref (again);
  g_free (moved);
}

/* --- Strangers ------------------------------------------------------------------------------------- */

/* As calls of N strangers leave it, whose ZIDs begin as `peer_zid` does. */
static void
add_strangers (const gchar *path, GBytes *zid, GBytes *peer_zid, guint n)
{
  GstZrtpCache *cache = cache_new (path, NULL);

  for (guint i = 0; i < n; i++) {
    guint8 octets[12];
    GstZrtpRecord *record;
    GBytes *stranger;

    memcpy (octets, g_bytes_get_data (peer_zid, NULL), 8);
    memcpy (octets + 8, &i, sizeof i);
    stranger = g_bytes_new (octets, sizeof octets);
    record = record_new (zid, stranger, "", NULL);
    put (cache, record);
    g_object_unref (record);
    g_bytes_unref (stranger);
  }
  g_object_unref (cache);
}

static void
assert_no_neighbours (const gchar *path, gint64 n)
{
  g_assert_cmpint (file_number (path, "SELECT count(*) FROM record"), ==, n);
  g_assert_cmpint (file_number (path, "SELECT count(DISTINCT place >> 16) FROM record"), ==, n);
}

/* There is room for 65536 records at a place. ZIDs that are alike do not share one. */
static void
test_strangers (Fixture *f, gconstpointer encrypted)
{
  GBytes *zid = octets_new (12), *other = octets_new (12), *peer_zid = octets_new (12);

  add_strangers (f->path, zid, peer_zid, 50);
  add_strangers (f->path, other, peer_zid, 50);
  assert_no_neighbours (f->path, 100);
  g_bytes_unref (zid);
  g_bytes_unref (other);
  g_bytes_unref (peer_zid);
}

/* --- Versions -------------------------------------------------------------------------------------- */

static void
make_version_1 (const gchar *path)
{
  gchar *sql;

  g_assert_true (g_file_get_contents (VERSION_1, &sql, NULL, NULL));
  file_sql (path, sql);
  g_free (sql);
}

static void
assert_migrated (const gchar *path)
{
  GstZrtpCache *cache = cache_new (path, NULL);
  GBytes *zid = zid_of (cache), *rs1, *rs2,
         *old_zid = g_bytes_new ("\0\1\2\3\4\5\6\7\10\11\12\13", 12);
  GList *all = gst_zrtp_cache_list (cache, NULL, 10, NULL);
  gboolean verified;
  gint64 expires;
  gchar *name;

  g_assert_true (g_bytes_equal (zid, old_zid));
  g_assert_cmpuint (g_list_length (all), ==, 2);
  g_object_get (all->data, "name", &name, "rs1", &rs1, "rs2", &rs2, "sas-verified", &verified,
      "expires", &expires, NULL);
  g_assert_cmpstr (name, ==, "Alice");
  g_assert_cmpint (((const gchar *) g_bytes_get_data (rs1, NULL))[31], ==, 0x11);
  g_assert_cmpint (((const gchar *) g_bytes_get_data (rs2, NULL))[31], ==, 0x22);
  g_assert_true (verified);
  g_assert_cmpint (expires, ==, G_MAXINT64);
  g_free (name);
  g_bytes_unref (rs1);
  g_bytes_unref (rs2);
  g_object_get (all->next->data, "name", &name, "rs2", &rs2, "sas-verified", &verified, "expires",
      &expires, NULL);
  g_assert_cmpstr (name, ==, "");
  g_assert_null (rs2);
  g_assert_false (verified);
  g_assert_cmpint (expires, ==, 4000000000);
  g_free (name);
  g_list_free_full (all, g_object_unref);
  g_bytes_unref (zid);
  g_bytes_unref (old_zid);
  g_object_unref (cache);
}

/* What was brought over is where a lookup looks for it. */
static void
assert_found (const gchar *path)
{
  GstZrtpCache *cache = cache_new (path, NULL);
  GBytes *zid = zid_of (cache);
  GList *all = gst_zrtp_cache_list (cache, NULL, 10, NULL);

  for (GList *l = all; l; l = l->next) {
    GBytes *peer_zid = get_octets (l->data, "peer-zid");

    g_object_unref (look_up_one (cache, zid, peer_zid));
    g_bytes_unref (peer_zid);
  }
  g_list_free_full (all, g_object_unref);
  g_bytes_unref (zid);
  g_object_unref (cache);
}

static void
test_migration (Fixture *f, gconstpointer encrypted)
{
  make_version_1 (f->path);
  assert_migrated (f->path);
  assert_found (f->path);
  g_assert_cmpint (file_number (f->path, "PRAGMA user_version"), ==, 2);
  g_assert_cmpint (
      file_number (f->path, "SELECT count(*) FROM sqlite_schema WHERE sql IS NOT NULL"), ==, 3);
  assert_migrated (f->path);
}

/* Killed anywhere in it: it is the old one as it was, or the new one, and the next process makes it new. */
static void
test_migration_killed (Fixture *f, gconstpointer encrypted)
{
  gchar *argv[] = {(gchar *) OTHER, (gchar *) "migrate", f->path, NULL};
  guint n_old = 0, n_new = 0;

  for (guint i = 0; i < 12 || (n_old == 0 && i < 40); i++) {
    gint64 version, n;
    GPid pid;

    g_unlink (f->path);
    make_version_1 (f->path);
    file_sql (f->path,
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)"
        " INSERT INTO peer SELECT randomblob (12), 'n', randomblob (32), NULL, 0, NULL FROM n");
    g_assert_true (
        g_spawn_async (NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, NULL));
    g_usleep (i * 20000);
    kill (pid, SIGKILL);
    waitpid (pid, NULL, 0);
    version = file_number (f->path, "PRAGMA user_version");
    n = file_number (
        f->path, version == 1 ? "SELECT count(*) FROM peer" : "SELECT count(*) FROM record");
    g_assert_cmpint (n, ==, 30002);
    n_old += version == 1;
    n_new += version == 2;
    g_object_unref (cache_new (f->path, NULL));
    g_assert_cmpint (file_number (f->path, "SELECT count(*) FROM record"), ==, 30002);
  }
  g_test_message ("killed %u times before and %u times after the commit", n_old, n_new);
}

#define ADD(name, encrypted, test)                                                                 \
  g_test_add ("/sqlite/" name, Fixture, encrypted, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  gchar *home = folder_new ();
  int result;

  g_setenv ("XDG_DATA_HOME", home, TRUE);
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL);
  ADD ("plain/round-trip", NULL, test_round_trip);
  ADD ("plain/list", NULL, test_list);
  ADD ("plain/zids", NULL, test_zids);
  ADD ("plain/memory", NULL, test_memory);
  ADD ("sealed/round-trip", "key", test_round_trip);
  ADD ("sealed/list", "key", test_list);
  ADD ("sealed/zids", "key", test_zids);
  ADD ("sealed/memory", "key", test_memory);
  ADD ("keys", NULL, test_keys);
  ADD ("key-comes-later", NULL, test_key_comes_later);
  ADD ("modes", NULL, test_modes);
  ADD ("default-location", NULL, test_default_location);
  ADD ("traces", NULL, test_traces);
  ADD ("traces-and-reader", NULL, test_traces_and_reader);
  ADD ("traces-of-calls", NULL, test_traces_of_calls);
  ADD ("traces-while-open", NULL, test_traces_while_open);
  ADD ("traces-of-many", NULL, test_traces_of_many);
  ADD ("stale-log", NULL, test_stale_log);
  ADD ("removed", NULL, test_removed);
  ADD ("strangers", NULL, test_strangers);
  ADD ("migration", NULL, test_migration);
  ADD ("migration-killed", NULL, test_migration_killed);
  result = g_test_run ();
  folder_free (home);
  return result;
}
