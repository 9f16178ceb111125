/* Many processes and threads at one file.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/cache/files.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
  N_WRITERS = 5,
  N_CHANGES = 40,
};

static guint
count_records (const gchar *path)
{
  return (guint) file_number (path, "SELECT count(*) FROM record");
}

static gpointer
run_writer (gpointer data)
{
  gchar **args = data;
  gint status;
  gchar *printed = run_other ((const gchar *const *) args, &status);

  g_strfreev (args);
  return printed;
}

/* They make the file, and write to the same peers or each to its own. */
static void
test_processes (gconstpointer peers)
{
  gchar *folder = folder_new (), *path = in_folder (folder, "cache"), *zid = NULL;
  GThread *thread[N_WRITERS];

  for (guint i = 0; i < N_WRITERS; i++) {
    gchar **args = g_new0 (gchar *, 6);

    args[0] = g_strdup ("write");
    args[1] = g_strdup (path);
    args[2] = g_strdup_printf ("%d", N_CHANGES);
    args[3] = g_strdup_printf ("writer%u", i);
    args[4] = g_strdup (peers);
    thread[i] = g_thread_new ("writer", run_writer, args);
  }
  for (guint i = 0; i < N_WRITERS; i++) {
    gchar *printed = g_thread_join (thread[i]);

    g_assert_cmpuint (strlen (printed), ==, 25); /* a ZID; or the error is printed */
    if (zid)
      g_assert_cmpstr (zid, ==, printed);
    g_free (zid);
    zid = printed;
  }
  g_assert_cmpuint (count_records (path), ==, N_WRITERS * N_CHANGES);
  g_free (zid);
  g_free (path);
  folder_free (folder);
}

typedef struct {
  GstZrtpCache *cache;
  guint index;
} Writer;

static gpointer
run_thread (gpointer data)
{
  Writer *writer = data;
  GBytes *zid = zid_of (writer->cache), *peer_zid = g_bytes_new ("peerpeerpeer", 12);

  for (guint i = 0; i < N_CHANGES; i++) {
    gchar *uri = g_strdup_printf ("sip:%u-%u", writer->index, i);
    GstZrtpRecord *record = record_new (zid, peer_zid, uri, NULL);
    GList *found = NULL;

    put (writer->cache, record);
    g_assert_true (gst_zrtp_cache_lookup (writer->cache, zid, peer_zid, &found, NULL));
    g_list_free_full (found, g_object_unref);
    g_object_unref (record);
    g_free (uri);
  }
  g_bytes_unref (peer_zid);
  return zid;
}

/* Threads with one object, and with one of their own each. */
static void
test_threads (gconstpointer own)
{
  gchar *folder = folder_new (), *path = in_folder (folder, "cache");
  GstZrtpCache *cache = cache_new (path, NULL);
  GThread *thread[N_WRITERS];
  Writer writer[N_WRITERS];
  GBytes *zid = zid_of (cache);

  for (guint i = 0; i < N_WRITERS; i++) {
    writer[i] = (Writer){own ? cache_new (path, NULL) : g_object_ref (cache), i};
    thread[i] = g_thread_new ("writer", run_thread, &writer[i]);
  }
  for (guint i = 0; i < N_WRITERS; i++) {
    GBytes *its_zid = g_thread_join (thread[i]);

    g_assert_true (g_bytes_equal (zid, its_zid));
    g_bytes_unref (its_zid);
    g_object_unref (writer[i].cache);
  }
  g_object_unref (cache);
  g_assert_cmpuint (count_records (path), ==, N_WRITERS * N_CHANGES);
  g_bytes_unref (zid);
  g_free (path);
  folder_free (folder);
}

/* Two that make a cache at the same moment have one ZID. */
static void
test_creation (void)
{
  for (guint i = 0; i < 10; i++) {
    gchar *folder = folder_new (), *path = in_folder (folder, "cache");
    GThread *thread[2];
    gchar *zid[2];

    for (guint j = 0; j < 2; j++) {
      const gchar *const args[] = {"write", path, "0", "x", "1", NULL};

      thread[j] = g_thread_new ("maker", run_writer, g_strdupv ((gchar **) args));
    }
    for (guint j = 0; j < 2; j++)
      zid[j] = g_thread_join (thread[j]);
    g_assert_cmpuint (strlen (zid[0]), ==, 25);
    g_assert_cmpstr (zid[0], ==, zid[1]);
    g_free (zid[0]);
    g_free (zid[1]);
    g_free (path);
    folder_free (folder);
  }
}

/* --- fork() ---------------------------------------------------------------------------------------- */

typedef struct {
  gchar *folder, *path;
  GBytes *zid, *peer_zid;
  GstZrtpCache *cache; /* NULL = opened after fork() */
} Forked;

static gboolean
is_refused (GError *error)
{
  const gboolean ok = g_error_matches (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_FAILED) &&
                      strstr (error->message, "after fork()") != NULL;

  g_clear_error (&error);
  return ok;
}

/* The parent's cache is of no use, and no other one while that is open; but one in memory is. */
static gboolean
is_refused_here (Forked *f)
{
  gchar *other = in_folder (f->folder, "other");
  GstZrtpRecord *record = record_new (f->zid, f->peer_zid, "sip:child", NULL);
  GstZrtpCache *memory = cache_new (":memory:", NULL);
  GError *error[6] = {NULL};
  GList *found = NULL;
  gboolean ok = TRUE;

  gst_zrtp_cache_get_zid (f->cache, NULL, NULL, &error[0]);
  gst_zrtp_cache_lookup (f->cache, f->zid, f->peer_zid, &found, &error[1]);
  gst_zrtp_cache_list (f->cache, NULL, 10, &error[2]);
  gst_zrtp_cache_put (f->cache, record, &error[3]);
  gst_zrtp_sqlite_cache_new (f->path, NULL, &error[4]);
  gst_zrtp_sqlite_cache_new (other, NULL, &error[5]);
  for (guint i = 0; i < G_N_ELEMENTS (error); i++)
    ok = is_refused (error[i]) && ok;
  g_bytes_unref (zid_of (memory));
  g_object_unref (memory);
  g_object_unref (f->cache);
  ok = ok && !g_file_test (other, G_FILE_TEST_EXISTS);
  g_object_unref (record);
  g_free (other);
  return ok;
}

static gboolean
can_put_here (Forked *f)
{
  GstZrtpCache *cache = cache_new (f->path, NULL);
  GstZrtpRecord *record = record_new (f->zid, f->peer_zid, "sip:child", NULL);
  const gboolean ok = gst_zrtp_cache_put (cache, record, NULL);

  g_object_unref (record);
  g_object_unref (cache);
  return ok;
}

static gboolean
is_ok_in_child (gboolean (*run) (Forked *f), Forked *f)
{
  const pid_t child = fork ();
  int status;

  if (child == 0)
    _exit (run (f) ? 0 : 1);
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  return WIFEXITED (status) && WEXITSTATUS (status) == 0;
}

static void
put_one (Forked *f, const gchar *uri)
{
  GstZrtpRecord *record = record_new (f->zid, f->peer_zid, uri, NULL);

  put (f->cache, record);
  g_object_unref (record);
}

/* What a child does not know it must not do: neither write, nor take the log away that the parent is writing to. */
static void
test_fork (void)
{
  gchar *folder = folder_new (), *path = in_folder (folder, "cache"),
        *wal = g_strconcat (path, "-wal", NULL);
  Forked f = {.folder = folder, .path = path, .peer_zid = octets_new (12)};
  const gchar *const args[] = {"write", path, "1", "later", "1", NULL};
  gint status;

  f.cache = cache_new (path, NULL);
  f.zid = zid_of (f.cache);
  put_one (&f, "sip:before");
  g_assert_true (is_ok_in_child (is_refused_here, &f));
  g_assert_true (g_file_test (wal, G_FILE_TEST_EXISTS));
  put_one (&f, "sip:after");
  g_free (run_other (args, &status));
  put_one (&f, "sip:last");
  g_clear_object (&f.cache);
  g_assert_cmpuint (count_records (path), ==, 4);

  /* nothing is open any more */
  g_assert_true (is_ok_in_child (can_put_here, &f));
  g_assert_cmpuint (count_records (path), ==, 5);
  f.cache = cache_new (path, NULL);
  put_one (&f, "sip:parent");
  g_clear_object (&f.cache);
  g_assert_cmpuint (count_records (path), ==, 6);
  g_bytes_unref (f.zid);
  g_bytes_unref (f.peer_zid);
  g_free (wal);
  g_free (path);
  folder_free (folder);
}

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/processes/same-peer", "1", test_processes);
  g_test_add_data_func ("/processes/many-peers", "50", test_processes);
  g_test_add_data_func ("/threads/one-object", NULL, test_threads);
  g_test_add_data_func ("/threads/own-objects", "own", test_threads);
  g_test_add_func ("/processes/creation", test_creation);
  g_test_add_func ("/processes/fork", test_fork);
  return g_test_run ();
}
