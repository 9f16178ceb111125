/* Another process, or another user, at the same file. Each prints what it found, or "error CODE TEXT".
 *
 *   cache-other open PATH UID             opens it as that user, makes a ZID, stores a record
 *   cache-other write PATH N FIRST PEERS  N changes: each adds one to a count, of peers FIRST... in turn (PEERS of them);
 *                                         prints our ZID
 *   cache-other default HOME              opens the default location of that home, and does the same
 *   cache-other migrate PATH              opens it, for somebody who kills this
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include <gst/zrtp/zrtp.h>

#include <stdlib.h>
#include <unistd.h>

static int
fail (GError *error)
{
  g_print ("error %d %s\n", error->code, error->message);
  g_error_free (error);
  return 1;
}

static GBytes *
peer_zid (guint i)
{
  gchar text[13];

  g_snprintf (text, sizeof text, "peer%08u", i);
  return g_bytes_new (text, 12);
}

static GstZrtpRecord *
new_record (GBytes *zid, GBytes *peer, const gchar *uri)
{
  GBytes *secret = g_bytes_new ("01234567890123456789012345678901", 32);
  GstZrtpRecord *record = g_object_new (GST_TYPE_ZRTP_RECORD, "zid", zid, "peer-zid", peer,
      "peer-uri", uri, "rs1", secret, "expires", G_MAXINT64, NULL);

  g_bytes_unref (secret);
  return record;
}

static int
do_open (GstZrtpCache *cache)
{
  GError *error = NULL;
  GBytes *zid = gst_zrtp_cache_get_zid (cache, NULL, NULL, &error), *peer = peer_zid (0);
  GstZrtpRecord *record;

  if (zid) {
    record = new_record (zid, peer, "");
    gst_zrtp_cache_put (cache, record, &error);
    g_object_unref (record);
    g_bytes_unref (zid);
  }
  g_bytes_unref (peer);
  if (error)
    return fail (error);
  g_print ("ok\n");
  return 0;
}

/* A count that is lost is seen: every change adds a record of its own, under a URI of its own. */
static int
do_write (GstZrtpCache *cache, guint n, const gchar *name, guint peers)
{
  GError *error = NULL;
  GBytes *zid = gst_zrtp_cache_get_zid (cache, NULL, NULL, &error);

  for (guint i = 0; zid && !error && i < n; i++) {
    gchar *uri = g_strdup_printf ("sip:%s-%u", name, i);
    GBytes *peer = peer_zid (i % peers);
    GstZrtpRecord *record = new_record (zid, peer, uri);
    GList *found = NULL;

    if (gst_zrtp_cache_put (cache, record, &error))
      gst_zrtp_cache_lookup (cache, zid, peer, &found, &error);
    g_list_free_full (found, g_object_unref);
    g_object_unref (record);
    g_bytes_unref (peer);
    g_free (uri);
  }
  if (error)
    return fail (error);
  for (guint i = 0; i < 12; i++)
    g_print ("%02x", ((const guint8 *) g_bytes_get_data (zid, NULL))[i]);
  g_print ("\n");
  g_bytes_unref (zid);
  return 0;
}

/* Before anybody asks where it is. */
static void
go_home (const gchar *home)
{
  g_setenv ("HOME", home, TRUE);
  g_unsetenv ("XDG_DATA_HOME");
  g_unsetenv ("GST_ZRTP_CACHE");
}

int
main (int argc, char **argv)
{
  const gboolean is_default = argc > 2 && g_str_equal (argv[1], "default");
  GError *error = NULL;
  GstZrtpCache *cache;
  int result = 0;

  if (is_default)
    go_home (argv[2]);
  gst_init (NULL, NULL);
  if (argc < 3)
    return 2;
  if (g_str_equal (argv[1], "open") && getuid () == 0 && setuid ((uid_t) atoi (argv[3])) != 0)
    return 77;
  cache = is_default ? gst_zrtp_cache_open (NULL, NULL, &error)
                     : (GstZrtpCache *) gst_zrtp_sqlite_cache_new (argv[2], NULL, &error);
  if (!cache)
    return fail (error);
  if (is_default || g_str_equal (argv[1], "open"))
    result = do_open (cache);
  else if (g_str_equal (argv[1], "write") && argc > 5)
    result = do_write (cache, (guint) atoi (argv[3]), argv[4], (guint) atoi (argv[5]));
  g_object_unref (cache);
  return result;
}
