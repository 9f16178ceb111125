/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/cache/files.h"

#include <glib/gstdio.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>

/* --- Files ----------------------------------------------------------------------------------------- */

gchar *
folder_new (void)
{
  GError *error = NULL;
  gchar *folder = g_dir_make_tmp ("zrtp-cache-XXXXXX", &error);

  g_assert_no_error (error);
  return folder;
}

void
folder_free (gchar *folder)
{
  GDir *dir = g_dir_open (folder, 0, NULL);
  const gchar *name;

  while (dir && (name = g_dir_read_name (dir))) {
    gchar *path = in_folder (folder, name);

    if (g_file_test (path, G_FILE_TEST_IS_DIR) && !g_file_test (path, G_FILE_TEST_IS_SYMLINK))
      folder_free (g_strdup (path));
    else
      g_unlink (path);
    g_free (path);
  }
  g_clear_pointer (&dir, g_dir_close);
  g_rmdir (folder);
  g_free (folder);
}

gchar *
in_folder (const gchar *folder, const gchar *name)
{
  return g_build_filename (folder, name, NULL);
}

GBytes *
file_read (const gchar *path)
{
  gchar *data;
  gsize size;

  return g_file_get_contents (path, &data, &size, NULL) ? g_bytes_new_take (data, size) : NULL;
}

void
file_write (const gchar *path, GBytes *content)
{
  g_assert_true (g_file_set_contents_full (path, g_bytes_get_data (content, NULL),
      (gssize) g_bytes_get_size (content), G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL));
}

guint
file_mode (const gchar *path)
{
  GStatBuf info;

  g_assert_cmpint (g_stat (path, &info), ==, 0);
  return info.st_mode & 07777;
}

gboolean
file_has (const gchar *path, GBytes *octets)
{
  static const gchar *const endings[] = {"", "-wal", "-shm", "-journal"};
  gboolean found = FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (endings); i++) {
    gchar *name = g_strconcat (path, endings[i], NULL);
    GBytes *content = file_read (name);

    if (content)
      found = found || memmem (g_bytes_get_data (content, NULL), g_bytes_get_size (content),
                           g_bytes_get_data (octets, NULL), g_bytes_get_size (octets)) != NULL;
    g_clear_pointer (&content, g_bytes_unref);
    g_free (name);
  }
  return found;
}

void
file_sql (const gchar *path, const gchar *sql)
{
  sqlite3 *db;
  char *problem = NULL;

  g_assert_cmpint (sqlite3_open (path, &db), ==, SQLITE_OK);
  sqlite3_busy_timeout (db, 5000);
  sqlite3_exec (db, sql, NULL, NULL, &problem);
  g_assert_cmpstr (problem, ==, NULL);
  sqlite3_close (db);
}

gint64
file_number (const gchar *path, const gchar *sql)
{
  sqlite3_stmt *statement;
  gint64 number;
  sqlite3 *db;

  g_assert_cmpint (sqlite3_open (path, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_prepare_v2 (db, sql, -1, &statement, NULL), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_step (statement), ==, SQLITE_ROW);
  number = sqlite3_column_int64 (statement, 0);
  sqlite3_finalize (statement);
  sqlite3_close (db);
  return number;
}

/* --- Records --------------------------------------------------------------------------------------- */

GBytes *
octets_new (gsize size)
{
  guint8 *data = g_malloc (size);

  for (gsize i = 0; i < size; i++)
    data[i] = (guint8) g_random_int ();
  return g_bytes_new_take (data, size);
}

GBytes *
key_new (guint8 first)
{
  guint8 key[32];

  for (guint i = 0; i < sizeof key; i++)
    key[i] = (guint8) (first + i);
  return g_bytes_new (key, sizeof key);
}

GstZrtpCache *
cache_new (const gchar *path, GBytes *key)
{
  GError *error = NULL;
  GstZrtpSqliteCache *cache = gst_zrtp_sqlite_cache_new (path, key, &error);

  g_assert_no_error (error);
  return GST_ZRTP_CACHE (cache);
}

GstZrtpRecord *
record_new (GBytes *zid, GBytes *peer_zid, const gchar *peer_uri, GBytes *secret)
{
  GBytes *rs1 = secret ? g_bytes_ref (secret) : octets_new (32), *rs2 = octets_new (32);
  GstZrtpRecord *record = g_object_new (GST_TYPE_ZRTP_RECORD, "zid", zid, "peer-zid", peer_zid,
      "local-uri", "sip:me@example.com", "peer-uri", peer_uri, "name", "Zoë", "rs1", rs1, "rs2",
      rs2, "sas-verified", TRUE, "expires", (gint64) 4000000000, "preshared-calls", 3u,
      "first-seen", (gint64) 1700000000, "last-seen", (gint64) 1800000000, "calls", (guint64) 77,
      "algorithms", "X255 S256 AES1 GCM B32", NULL);

  g_bytes_unref (rs1);
  g_bytes_unref (rs2);
  return record;
}

void
put (GstZrtpCache *cache, GstZrtpRecord *record)
{
  GError *error = NULL;

  gst_zrtp_cache_put (cache, record, &error);
  g_assert_no_error (error);
}

GBytes *
zid_of (GstZrtpCache *cache)
{
  GError *error = NULL;
  GBytes *zid = gst_zrtp_cache_get_zid (cache, NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (g_bytes_get_size (zid), ==, 12);
  return zid;
}

GBytes *
get_octets (GstZrtpRecord *record, const gchar *property)
{
  GBytes *octets;

  g_object_get (record, property, &octets, NULL);
  return octets;
}

/* In every property. */
void
assert_same (GstZrtpRecord *a, GstZrtpRecord *b)
{
  guint n;
  GParamSpec **specs = g_object_class_list_properties (G_OBJECT_GET_CLASS (a), &n);

  g_assert_cmpuint (n, ==, 16);
  for (guint i = 0; i < n; i++) {
    GValue one = G_VALUE_INIT, other = G_VALUE_INIT;

    g_object_get_property (G_OBJECT (a), specs[i]->name, &one);
    g_object_get_property (G_OBJECT (b), specs[i]->name, &other);
    if (specs[i]->value_type == G_TYPE_BYTES) {
      GBytes *x = g_value_get_boxed (&one), *y = g_value_get_boxed (&other);

      g_assert_true (x == y || (x && y && g_bytes_equal (x, y)));
    } else {
      gchar *x = g_strdup_value_contents (&one), *y = g_strdup_value_contents (&other);

      g_assert_cmpstr (x, ==, y);
      g_free (x);
      g_free (y);
    }
    g_value_unset (&one);
    g_value_unset (&other);
  }
  g_free (specs);
}

/* --- Calls ----------------------------------------------------------------------------------------- */

typedef struct {
  GstZrtpSession *session;
  GstZrtpStream *stream;
  CallResult *result;
  guint index;
} End;

static void
on_secure (GstZrtpSession *session, GstZrtpStream *stream, GstStructure *details, End *end)
{
  gst_structure_get_boolean (details, "cache-mismatch", &end->result->mismatch[end->index]);
  gst_structure_get_boolean (details, "sas-verified", &end->result->verified[end->index]);
}

static void
on_warning (
    GstZrtpSession *session, GstZrtpStream *stream, GstZrtpWarning code, gchar *text, End *end)
{
  if (code == GST_ZRTP_WARNING_CACHE && !end->result->warning[end->index])
    end->result->warning[end->index] = g_strdup (text);
}

static void
end_init (End *end, const gchar *location, GBytes *key)
{
  end->session =
      g_object_new (GST_TYPE_ZRTP_SESSION, "cache-location", location, "cache-key", key, NULL);
  end->stream = gst_zrtp_session_get_stream (end->session, "zrtp");
  g_signal_connect (end->session, "secure", G_CALLBACK (on_secure), end);
  g_signal_connect (end->session, "warning", G_CALLBACK (on_warning), end);
}

static void
end_clear (End *end)
{
  gst_zrtp_stream_stop (end->stream);
  gst_object_unref (end->stream);
  gst_object_unref (end->session);
}

static gboolean
deliver (End *from, End *to)
{
  gboolean any = FALSE;
  GBytes *packet;

  while ((packet = gst_zrtp_stream_poll_packet (from->stream))) {
    gsize size;
    const guint8 *data = g_bytes_get_data (packet, &size);

    gst_zrtp_stream_handle_packet (to->stream, data, size, 1);
    g_bytes_unref (packet);
    any = TRUE;
  }
  return any;
}

static void
call_with (const gchar *a, const gchar *b, GBytes *key, gboolean verify, gboolean matches,
    CallResult *result)
{
  End ends[2] = {{.result = result, .index = 0}, {.result = result, .index = 1}};

  *result = (CallResult){NULL};
  end_init (&ends[0], a, key);
  end_init (&ends[1], b, key);
  gst_zrtp_stream_start (ends[0].stream, 1);
  gst_zrtp_stream_start (ends[1].stream, 1);
  while (deliver (&ends[0], &ends[1]) | deliver (&ends[1], &ends[0]))
    continue;
  result->secure = gst_zrtp_stream_get_state (ends[0].stream) == GST_ZRTP_STATE_SECURE &&
                   gst_zrtp_stream_get_state (ends[1].stream) == GST_ZRTP_STATE_SECURE;
  g_object_get (ends[0].session, "sas", &result->sas, NULL);
  for (guint i = 0; i < 2 && verify; i++)
    gst_zrtp_session_verify_sas (ends[i].session, matches);
  end_clear (&ends[0]);
  end_clear (&ends[1]);
}

void
call (const gchar *a, const gchar *b, GBytes *key, CallResult *result)
{
  call_with (a, b, key, FALSE, FALSE, result);
}

void
call_and_verify (const gchar *a, const gchar *b, GBytes *key, gboolean matches, CallResult *result)
{
  call_with (a, b, key, TRUE, matches, result);
}

void
call_result_clear (CallResult *result)
{
  g_free (result->sas);
  g_free (result->warning[0]);
  g_free (result->warning[1]);
}

/* --- Processes ------------------------------------------------------------------------------------- */

gchar *
run_other (const gchar *const *args, gint *status)
{
  gchar *argv[10] = {(gchar *) OTHER}, *printed = NULL;
  GError *error = NULL;

  for (guint i = 0; args[i]; i++)
    argv[i + 1] = (gchar *) args[i];
  g_spawn_sync (NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &printed, NULL, status, &error);
  g_assert_no_error (error);
  return printed;
}
