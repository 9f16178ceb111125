/* Many processes and threads at one file.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/cache/files.h"

#include <stdlib.h>
#include <string.h>

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
  return g_test_run ();
}
