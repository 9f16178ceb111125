/* What happens when something is wrong with the file: a clear error, a call without a cache, and the file is as it
 * was.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/cache/files.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

static gboolean
look_up (GstZrtpCache *cache, GBytes *zid, GBytes *peer_zid, GError **error)
{
  GList *found = NULL;
  const gboolean ok = gst_zrtp_cache_lookup (cache, zid, peer_zid, &found, error);

  g_list_free_full (found, g_object_unref);
  return ok;
}

#define NOBODY 65534

typedef struct {
  gchar *folder, *path;
  GBytes *good;     /* the file when nothing was wrong */
  GBytes *peer_zid; /* of a record in it */
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  GstZrtpCache *cache;
  GBytes *zid;

  f->folder = folder_new ();
  f->path = in_folder (f->folder, "cache.sqlite");
  f->peer_zid = octets_new (12);
  cache = cache_new (f->path, NULL);
  zid = zid_of (cache);
  for (guint i = 0; i < 40; i++) {
    gchar *uri = g_strdup_printf ("sip:%u@example.com", i);
    GstZrtpRecord *record = record_new (zid, f->peer_zid, uri, NULL);

    put (cache, record);
    g_object_unref (record);
    g_free (uri);
  }
  g_object_unref (cache);
  g_bytes_unref (zid);
  f->good = file_read (f->path);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  folder_free (f->folder);
  g_free (f->path);
  g_bytes_unref (f->good);
  g_bytes_unref (f->peer_zid);
}

static void
assert_message (const GError *error, const gchar *path)
{
  gchar *word = g_strconcat (path, " ", NULL);

  g_assert_nonnull (strstr (error->message, word));
  g_free (word);
  g_assert_cmpuint (strlen (error->message), >, strlen (path) + 30); /* and what to do */
  g_test_message ("%s", error->message);
}

static void
assert_content (const gchar *path, GBytes *expected)
{
  GBytes *content = file_read (path);

  g_assert_true (content == expected || (content && expected && g_bytes_equal (content, expected)));
  g_clear_pointer (&content, g_bytes_unref);
}

/* --- It cannot be opened --------------------------------------------------------------------------- */

static void
cut (Fixture *f, gsize size)
{
  GBytes *part = g_bytes_new_from_bytes (f->good, 0, size);

  file_write (f->path, part);
  g_bytes_unref (part);
}

static void
make_cut_0 (Fixture *f)
{
  cut (f, 0);
}

static void
make_cut_50 (Fixture *f)
{
  cut (f, 50);
}

static void
make_cut_page (Fixture *f)
{
  cut (f, 4096);
}

static void
make_cut_half (Fixture *f)
{
  cut (f, g_bytes_get_size (f->good) / 2);
}

static void
make_text (Fixture *f)
{
  GString *text = g_string_new ("This is a letter to my grandmother, with the ");

  while (text->len < 63)
    g_string_append_c (text, '.');
  g_string_append (text, "\2....ZRTP where a cache has it");
  while (text->len < 8192)
    g_string_append_c (text, '.');
  g_assert_true (g_file_set_contents (f->path, text->str, (gssize) text->len, NULL));
  g_string_free (text, TRUE);
}

static void
make_others (Fixture *f)
{
  g_unlink (f->path);
  file_sql (f->path, "CREATE TABLE letters (text)");
}

static void
make_too_new (Fixture *f)
{
  file_sql (f->path, "PRAGMA user_version = 3");
}

static void
make_version_0 (Fixture *f)
{
  file_sql (f->path, "PRAGMA user_version = 0");
}

static void
make_without_table (Fixture *f)
{
  file_sql (f->path, "DROP TABLE record");
}

static void
make_folder (Fixture *f)
{
  g_unlink (f->path);
  g_assert_cmpint (g_mkdir (f->path, 0700), ==, 0);
}

static void
make_bad_header (Fixture *f)
{
  gsize size;
  guint8 *data = g_memdup2 (g_bytes_get_data (f->good, &size), g_bytes_get_size (f->good));
  GBytes *bad;

  memset (data + 100, 0xff, 200); /* the schema's page */
  bad = g_bytes_new_take (data, size);
  file_write (f->path, bad);
  g_bytes_unref (bad);
}

typedef struct {
  const gchar *name;
  void (*make) (Fixture *f);
  gint code;
  const gchar *says;
} Trouble;

static const Trouble troubles[] = {
    {"cut-0", make_cut_0, GST_ZRTP_CACHE_ERROR_CORRUPT, "is empty"},
    {"cut-50", make_cut_50, GST_ZRTP_CACHE_ERROR_CORRUPT, "another kind of file"},
    {"cut-page", make_cut_page, GST_ZRTP_CACHE_ERROR_CORRUPT, "is damaged"},
    {"cut-half", make_cut_half, GST_ZRTP_CACHE_ERROR_CORRUPT, "is damaged"},
    {"text", make_text, GST_ZRTP_CACHE_ERROR_CORRUPT, "another kind of file"},
    {"another-application", make_others, GST_ZRTP_CACHE_ERROR_CORRUPT, "another application's"},
    {"too-new", make_too_new, GST_ZRTP_CACHE_ERROR_TOO_NEW, "a later version"},
    {"version-0", make_version_0, GST_ZRTP_CACHE_ERROR_CORRUPT, "is damaged"},
    {"without-table", make_without_table, GST_ZRTP_CACHE_ERROR_CORRUPT, "is damaged"},
    {"folder", make_folder, GST_ZRTP_CACHE_ERROR_CORRUPT, "is no file"},
    {"bad-header", make_bad_header, GST_ZRTP_CACHE_ERROR_CORRUPT, "is damaged"},
};

/* A call whose cache is `path` goes on, and says that it has none. */
static void
assert_cacheless_call (const gchar *path)
{
  CallResult result;

  call (path, "", NULL, &result);
  g_assert_true (result.secure);
  g_assert_nonnull (result.warning[0]);
  g_assert_nonnull (strstr (result.warning[0], path));
  g_assert_null (result.warning[1]);
  g_assert_false (result.mismatch[0] || result.verified[0]);
  call_result_clear (&result);
}

static void
assert_good_call (const gchar *path, const gchar *other)
{
  CallResult result;

  call (path, other, NULL, &result);
  g_assert_true (result.secure);
  g_assert_cmpstr (result.warning[0], ==, NULL);
  g_assert_false (result.mismatch[0] || result.mismatch[1]);
  call_result_clear (&result);
}

static void
test_open (Fixture *f, gconstpointer data)
{
  const Trouble *trouble = data;
  gchar *other = in_folder (f->folder, "other");
  GError *error = NULL;
  GBytes *before;

  trouble->make (f);
  before = file_read (f->path);
  g_assert_null (gst_zrtp_sqlite_cache_new (f->path, NULL, &error));
  g_assert_error (error, GST_ZRTP_CACHE_ERROR, trouble->code);
  g_assert_nonnull (strstr (error->message, trouble->says));
  assert_message (error, f->path);
  assert_content (f->path, before);
  assert_cacheless_call (f->path);
  assert_content (f->path, before);

  if (!before)
    g_rmdir (f->path);
  file_write (f->path, f->good);
  assert_good_call (f->path, other);
  assert_good_call (f->path, other);
  g_clear_pointer (&before, g_bytes_unref);
  g_clear_error (&error);
  g_free (other);
}

static void
test_no_folder (Fixture *f, gconstpointer data)
{
  gchar *folder = in_folder (f->folder, "missing"), *path = in_folder (folder, "cache");
  GError *error = NULL;

  g_assert_null (gst_zrtp_cache_open (path, NULL, &error));
  g_assert_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_NOT_FOUND);
  assert_message (error, path);
  assert_cacheless_call (path);
  g_assert_false (g_file_test (folder, G_FILE_TEST_EXISTS)); /* not made */
  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
  assert_good_call (path, "");
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  g_error_free (error);
  g_free (path);
  g_free (folder);
}

static void
assert_refused (const gchar *path, GstZrtpCacheError code, const gchar *says)
{
  GError *error = NULL;

  g_assert_null (gst_zrtp_sqlite_cache_new (path, NULL, &error));
  g_assert_error (error, GST_ZRTP_CACHE_ERROR, (gint) code);
  g_assert_nonnull (strstr (error->message, says));
  assert_message (error, path);
  g_error_free (error);
}

static guint
count_files (const gchar *folder)
{
  GDir *dir = g_dir_open (folder, 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir))
    n++;
  g_dir_close (dir);
  return n;
}

/* The disk of the cache is not mounted: no empty one in its place. */
static void
test_dangling_link (Fixture *f, gconstpointer data)
{
  gchar *away = in_folder (f->folder, "away"), *link = in_folder (f->folder, "link"),
        *other = in_folder (f->folder, "other");

  g_assert_cmpint (g_rename (f->path, away), ==, 0);
  g_assert_cmpint (symlink (f->path, link), ==, 0);
  assert_refused (link, GST_ZRTP_CACHE_ERROR_NOT_FOUND, "is a link to");
  assert_cacheless_call (link);
  g_assert_true (g_file_test (link, G_FILE_TEST_IS_SYMLINK));
  g_assert_cmpuint (count_files (f->folder), ==, 2);

  g_assert_cmpint (g_rename (away, f->path), ==, 0);
  assert_good_call (link, other);
  g_assert_true (g_file_test (link, G_FILE_TEST_IS_SYMLINK));
  g_assert_cmpint (file_number (f->path, "SELECT count(*) FROM record"), ==, 41);
  g_free (away);
  g_free (link);
  g_free (other);
}

/* By somebody who may read the folder, which is all that this takes. */
static void
test_locked_folder (Fixture *f, gconstpointer data)
{
  gchar *path = in_folder (f->folder, "new");
  const int folder = open (f->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const gint64 begin = g_get_monotonic_time ();

  g_assert_cmpint (flock (folder, LOCK_EX), ==, 0);
  assert_refused (path, GST_ZRTP_CACHE_ERROR_BUSY, "locked its folder");
  g_assert_cmpint (g_get_monotonic_time () - begin, >, 800 * 1000);
  g_assert_cmpint (g_get_monotonic_time () - begin, <, 3000 * 1000);
  g_assert_cmpuint (count_files (f->folder), ==, 1); /* the other cache */
  g_assert_cmpint (close (folder), ==, 0);
  g_object_unref (cache_new (path, NULL));
  g_free (path);
}

/* Two names have two logs. */
static void
test_hard_link (Fixture *f, gconstpointer data)
{
  gchar *path = in_folder (f->folder, "link");
  GstZrtpCache *cache = cache_new (f->path, NULL), *other;
  GBytes *zid = zid_of (cache);
  GstZrtpRecord *record = record_new (zid, f->peer_zid, "sip:new", NULL);
  GError *error = NULL;

  put (cache, record);
  g_assert_cmpint (link (f->path, path), ==, 0);
  other = (GstZrtpCache *) gst_zrtp_sqlite_cache_new (path, NULL, &error);
  if (other) /* it has read nothing yet */
    g_assert_null (gst_zrtp_cache_list (other, NULL, 100, &error));
  g_assert_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "a hard link"));
  assert_message (error, path);
  g_clear_object (&other);
  g_object_unref (cache);
  g_object_unref (record);
  g_bytes_unref (zid);
  g_error_free (error);
  g_free (path);
}

/* --- This user may not ----------------------------------------------------------------------------- */

typedef struct {
  const gchar *name;
  guint file_mode, folder_mode;
  gint code;
  const gchar *says;
} Modes;

static const Modes modes[] = {
    {"file-secret", 0000, 0700, GST_ZRTP_CACHE_ERROR_PERMISSION, "may not be read"},
    {"file-read-only", 0400, 0700, GST_ZRTP_CACHE_ERROR_READ_ONLY, "permissions of the file,"},
    {"folder-read-only", 0600, 0500, GST_ZRTP_CACHE_ERROR_READ_ONLY, "permissions of its folder,"},
    {"folder-secret", 0600, 0000, GST_ZRTP_CACHE_ERROR_PERMISSION, "may not be read"},
    {"fine", 0600, 0700, -1, "ok"},
};

/* root may do anything, so another user tries. */
static void
test_permissions (Fixture *f, gconstpointer data)
{
  const Modes *mode = data;
  const gchar *const args[] = {"open", f->path, G_STRINGIFY (NOBODY), NULL};
  gchar *printed, *expected = g_strdup_printf ("error %d ", mode->code);
  gint status;

  if (getuid () == 0) {
    g_assert_cmpint (chown (f->path, NOBODY, NOBODY), ==, 0);
    g_assert_cmpint (chown (f->folder, NOBODY, NOBODY), ==, 0);
  }
  g_chmod (f->path, (gint) mode->file_mode);
  g_chmod (f->folder, (gint) mode->folder_mode);
  printed = run_other (args, &status);
  g_chmod (f->folder, 0700);
  g_chmod (f->path, 0600);
  g_test_message ("%s", printed);
  g_assert_nonnull (strstr (printed, mode->says));
  if (mode->code < 0) {
    g_assert_cmpstr (printed, ==, "ok\n");
  } else {
    g_assert_true (g_str_has_prefix (printed, expected));
    g_assert_nonnull (strstr (printed, f->path));
    assert_content (f->path, f->good);
  }
  g_free (printed);
  g_free (expected);
}

/* Those of another user, which root could use. */
static void
test_others_file (Fixture *f, gconstpointer data)
{
  if (getuid () != 0) {
    g_test_skip ("only root can give files away");
    return;
  }
  g_assert_cmpint (chown (f->path, NOBODY, NOBODY), ==, 0);
  assert_refused (f->path, GST_ZRTP_CACHE_ERROR_PERMISSION, "belongs to another user");
  assert_cacheless_call (f->path);
  assert_content (f->path, f->good);
  g_assert_cmpuint (count_files (f->folder), ==, 1);
  g_assert_cmpint (chown (f->path, 0, 0), ==, 0);
  assert_good_call (f->path, "");
}

static void
test_others_home (Fixture *f, gconstpointer data)
{
  gchar *home = in_folder (f->folder, "home"), *expected, *printed;
  const gchar *const args[] = {"default", home, NULL};
  gint status;

  if (getuid () != 0) {
    g_test_skip ("only root can give files away");
    g_free (home);
    return;
  }
  g_assert_cmpint (g_mkdir (home, 0755), ==, 0);
  g_assert_cmpint (chown (home, NOBODY, NOBODY), ==, 0);
  printed = run_other (args, &status);
  expected = g_strdup_printf ("error %d the folder %s,", GST_ZRTP_CACHE_ERROR_PERMISSION, home);
  g_test_message ("%s", printed);
  g_assert_true (g_str_has_prefix (printed, expected));
  g_assert_nonnull (strstr (printed, "belongs to another user"));
  g_assert_cmpuint (count_files (home), ==, 0);
  g_free (printed);
  g_assert_cmpint (chown (home, 0, 0), ==, 0);
  printed = run_other (args, &status);
  g_assert_cmpstr (printed, ==, "ok\n");
  g_free (printed);
  g_free (expected);
  g_free (home);
}

/* --- It can be opened, but not read ---------------------------------------------------------------- */

static const gchar *const damages[] = {
    "UPDATE record SET rs1 = x'00'",
    "UPDATE record SET rs2 = zeroblob (33)",
    "UPDATE record SET pbx_secret = x''",
    "UPDATE record SET sealed = zeroblob (125)",
    "UPDATE record SET sas_verified = 2",
    "UPDATE record SET rs2_verified = -1",
    "UPDATE record SET expires = -1",
    "UPDATE record SET preshared_calls = 256",
    "UPDATE record SET calls = -5",
    "UPDATE record SET name = CAST (x'ff' AS TEXT)",
    "UPDATE record SET name = CAST (x'610062' AS TEXT)",
    "UPDATE record SET algorithms = CAST (x'c0' AS TEXT)",
};

static void
assert_unreadable (Fixture *f)
{
  GstZrtpCache *cache = cache_new (f->path, NULL);
  GBytes *zid = zid_of (cache), *before = file_read (f->path);
  GstZrtpRecord *record = record_new (zid, f->peer_zid, "sip:1@example.com", NULL);
  GError *error = NULL;

  g_assert_false (look_up (cache, zid, f->peer_zid, &error));
  g_assert_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_CORRUPT);
  assert_message (error, f->path);
  g_clear_error (&error);
  g_assert_null (gst_zrtp_cache_list (cache, NULL, 100, &error));
  g_assert_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_CORRUPT);
  g_clear_error (&error);
  g_assert_false (gst_zrtp_cache_put (cache, record, &error));
  g_assert_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_CORRUPT);
  g_clear_error (&error);
  file_sql (f->path, "BEGIN IMMEDIATE; ROLLBACK"); /* it is not locked */
  g_object_unref (cache);
  assert_content (f->path, before);
  g_bytes_unref (before);
  g_bytes_unref (zid);
  g_object_unref (record);
}

static void
test_damaged_record (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (damages); i++) {
    file_write (f->path, f->good);
    file_sql (f->path, damages[i]);
    g_test_message ("%s", damages[i]);
    assert_unreadable (f);
  }
  file_write (f->path, f->good);
  file_sql (f->path, "UPDATE zid SET zid = x'00'");
  {
    GstZrtpCache *cache = cache_new (f->path, NULL);
    GError *error = NULL;

    g_assert_null (gst_zrtp_cache_get_zid (cache, NULL, NULL, &error));
    g_assert_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_CORRUPT);
    g_assert_null (gst_zrtp_cache_list_zids (cache, NULL));
    g_error_free (error);
    g_object_unref (cache);
  }
  assert_cacheless_call (f->path);
}

static void
test_damaged_page (Fixture *f, gconstpointer data)
{
  const gint64 root =
      file_number (f->path, "SELECT rootpage FROM sqlite_schema WHERE name = 'record'");
  gsize size;
  guint8 *bad = g_memdup2 (g_bytes_get_data (f->good, &size), g_bytes_get_size (f->good));
  GBytes *content;

  memset (bad + (root - 1) * 4096, 0xa5, 4096);
  content = g_bytes_new_take (bad, size);
  file_write (f->path, content);
  g_bytes_unref (content);
  assert_unreadable (f);
}

/* Somebody cuts it while it is open: an error, and no signal. */
static void
test_cut_while_open (Fixture *f, gconstpointer data)
{
  GstZrtpCache *cache = cache_new (f->path, NULL);
  GBytes *zid = zid_of (cache);
  GError *error = NULL;

  g_assert_cmpint (truncate (f->path, 4096), ==, 0);
  g_assert_false (look_up (cache, zid, f->peer_zid, &error));
  g_assert_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_CORRUPT);
  assert_message (error, f->path);
  g_error_free (error);
  g_object_unref (cache);
  g_bytes_unref (zid);
}

/* Any octet of the file may be another: errors, not crashes, and nothing endless. */
static void
test_any_octet (Fixture *f, gconstpointer data)
{
  const gsize size = g_bytes_get_size (f->good);
  guint n_errors = 0;

  for (guint i = 0; i < 150; i++) {
    guint8 *bad = g_memdup2 (g_bytes_get_data (f->good, NULL), size);
    GError *error = NULL;
    GstZrtpCache *cache;
    GBytes *content;

    for (guint j = 0; j < 1 + i % 20; j++)
      bad[g_random_int_range (0, i % 3 ? (gint32) size : 200)] = (guint8) g_random_int ();
    content = g_bytes_new_take (bad, size);
    file_write (f->path, content);
    g_bytes_unref (content);
    cache = (GstZrtpCache *) gst_zrtp_sqlite_cache_new (f->path, NULL, &error);
    if (cache) {
      GBytes *zid = gst_zrtp_cache_get_zid (cache, NULL, NULL, error ? NULL : &error);

      g_list_free_full (
          gst_zrtp_cache_list (cache, NULL, 100, error ? NULL : &error), g_object_unref);
      if (zid) {
        GstZrtpRecord *record = record_new (zid, f->peer_zid, "", NULL);

        gst_zrtp_cache_put (cache, record, error ? NULL : &error);
        g_object_unref (record);
        g_bytes_unref (zid);
      }
      g_object_unref (cache);
    }
    n_errors += error != NULL;
    g_clear_error (&error);
    {
      static const gchar *const endings[] = {"-wal", "-shm", "-journal"};

      for (guint j = 0; j < G_N_ELEMENTS (endings); j++) {
        gchar *name = g_strconcat (f->path, endings[j], NULL);

        g_unlink (name);
        g_free (name);
      }
    }
  }
  g_test_message ("%u of 150 files gave an error", n_errors);
  g_assert_cmpuint (n_errors, >, 10);
}

/* An encrypted cache, changed by somebody who has not the key. */
static void
test_changed_sealed (Fixture *f, gconstpointer data)
{
  static const gchar *const changes[] = {
      "UPDATE record SET sas_verified = 0",
      "UPDATE record SET name = 'Mallory'",
      "UPDATE record SET peer_uri = 'sip:mallory'",
      "UPDATE record SET expires = expires + 1",
      "UPDATE record SET sealed = NULL, rs1 = randomblob (32)",
      "UPDATE record SET sealed = zeroblob (125)",
      "UPDATE record SET sealed = x''",
      "UPDATE record SET sealed = (SELECT value FROM meta)",
  };
  GBytes *key = key_new (1), *zid, *good;
  gchar *path = in_folder (f->folder, "sealed");
  GstZrtpCache *cache = cache_new (path, key);
  GstZrtpRecord *record;

  zid = zid_of (cache);
  record = record_new (zid, f->peer_zid, "sip:1", NULL);
  put (cache, record);
  g_object_unref (cache);
  good = file_read (path);
  for (guint i = 0; i < G_N_ELEMENTS (changes); i++) {
    GError *error = NULL;

    file_write (path, good);
    file_sql (path, changes[i]);
    cache = cache_new (path, key);
    g_assert_false (look_up (cache, zid, f->peer_zid, &error));
    g_assert_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_CORRUPT);
    assert_message (error, path);
    g_clear_error (&error);
    g_object_unref (cache);
  }
  g_object_unref (record);
  g_bytes_unref (good);
  g_bytes_unref (zid);
  g_bytes_unref (key);
  g_free (path);
}

/* Nothing that somebody wrote into the file is run. */
static void
test_foreign_schema (Fixture *f, gconstpointer data)
{
  GstZrtpCache *cache;
  GstZrtpRecord *record;
  GBytes *zid;

  file_sql (f->path, "CREATE TABLE stolen (rs1);"
                     "CREATE TRIGGER steal AFTER INSERT ON record BEGIN"
                     "  INSERT INTO stolen VALUES (new.rs1); END");
  cache = cache_new (f->path, NULL);
  zid = zid_of (cache);
  record = record_new (zid, f->peer_zid, "sip:new", NULL);
  put (cache, record);
  g_object_unref (cache);
  g_assert_cmpint (file_number (f->path, "SELECT count(*) FROM stolen"), ==, 0);
  g_assert_cmpint (file_number (f->path, "SELECT count(*) FROM record"), ==, 41);
  g_object_unref (record);
  g_bytes_unref (zid);
}

/* --- It can be read, but not written --------------------------------------------------------------- */

static void
test_locked (Fixture *f, gconstpointer data)
{
  GstZrtpCache *cache = cache_new (f->path, NULL);
  GBytes *zid = zid_of (cache);
  GstZrtpRecord *record = record_new (zid, f->peer_zid, "sip:new", NULL);
  GError *error = NULL;
  gchar *other = in_folder (f->folder, "other");
  CallResult result;
  gint64 begin;
  sqlite3 *db;

  sqlite3_open (f->path, &db);
  g_assert_cmpint (sqlite3_exec (db, "BEGIN IMMEDIATE", NULL, NULL, NULL), ==, SQLITE_OK);
  begin = g_get_monotonic_time ();
  g_assert_false (gst_zrtp_cache_put (cache, record, &error));
  g_assert_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_BUSY);
  g_assert_cmpint (g_get_monotonic_time () - begin, >, 800 * 1000);
  g_assert_cmpint (g_get_monotonic_time () - begin, <, 3000 * 1000);
  assert_message (error, f->path);
  g_clear_error (&error);
  call (f->path, other, NULL, &result); /* it is read, but the new secret cannot be stored */
  g_assert_true (result.secure);
  g_assert_nonnull (result.warning[0]);
  call_result_clear (&result);
  assert_content (f->path, f->good);

  sqlite3_exec (db, "ROLLBACK", NULL, NULL, NULL);
  sqlite3_close (db);
  put (cache, record);
  g_object_unref (cache);
  g_object_unref (record);
  g_bytes_unref (zid);
  g_free (other);
}

static void
limit_files (rlim_t size)
{
  struct rlimit limit;

  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  limit.rlim_cur = MIN (size, limit.rlim_max);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
}

static void
test_no_space (Fixture *f, gconstpointer data)
{
  GstZrtpCache *cache = cache_new (f->path, NULL);
  GBytes *zid = zid_of (cache);
  GstZrtpRecord *record = record_new (zid, f->peer_zid, "sip:new", NULL);
  gchar *empty = in_folder (f->folder, "empty"), *path = in_folder (empty, "cache");
  GError *error = NULL;
  CallResult result;

  signal (SIGXFSZ, SIG_IGN);
  limit_files (1000);
  g_assert_false (gst_zrtp_cache_put (cache, record, &error));
  g_assert_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_NO_SPACE);
  assert_message (error, f->path);
  assert_content (f->path, f->good);
  g_clear_error (&error);
  call (f->path, ":memory:", NULL, &result);
  g_assert_true (result.secure);
  g_assert_nonnull (result.warning[0]);
  call_result_clear (&result);
  assert_content (f->path, f->good);

  /* one that is to be made leaves nothing behind */
  g_mkdir (empty, 0700);
  g_assert_null (gst_zrtp_sqlite_cache_new (path, NULL, &error));
  g_assert_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_NO_SPACE);
  assert_message (error, path);
  g_clear_error (&error);
  g_assert_cmpint (g_rmdir (empty), ==, 0);

  limit_files (RLIM_INFINITY);
  put (cache, record);
  g_object_unref (cache);
  g_object_unref (record);
  g_bytes_unref (zid);
  g_free (path);
  g_free (empty);
}

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL);
  for (guint i = 0; i < G_N_ELEMENTS (troubles); i++) {
    gchar *name = g_strconcat ("/trouble/open/", troubles[i].name, NULL);

    g_test_add (name, Fixture, &troubles[i], set_up, test_open, tear_down);
    g_free (name);
  }
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    gchar *name = g_strconcat ("/trouble/permissions/", modes[i].name, NULL);

    g_test_add (name, Fixture, &modes[i], set_up, test_permissions, tear_down);
    g_free (name);
  }
#define ADD(name, test) g_test_add ("/trouble/" name, Fixture, NULL, set_up, test, tear_down)
  ADD ("no-folder", test_no_folder);
  ADD ("dangling-link", test_dangling_link);
  ADD ("locked-folder", test_locked_folder);
  ADD ("hard-link", test_hard_link);
  ADD ("others-file", test_others_file);
  ADD ("others-home", test_others_home);
  ADD ("damaged-record", test_damaged_record);
  ADD ("damaged-page", test_damaged_page);
  ADD ("cut-while-open", test_cut_while_open);
  ADD ("any-octet", test_any_octet);
  ADD ("changed-sealed", test_changed_sealed);
  ADD ("foreign-schema", test_foreign_schema);
  ADD ("locked", test_locked);
  ADD ("no-space", test_no_space);
  return g_test_run ();
}
