/* What each command does.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/tools/peers.h"

const gchar *
peers_file_of (gchar **words)
{
  return words[0] && !g_str_equal (words[0], "-") ? words[0] : NULL;
}

/* --- list, show, zid ------------------------------------------------------------------------------ */

static void
print_json (GString *json)
{
  fputs (json->str, stdout);
  g_string_truncate (json, 0);
}

static gboolean
measure_row (GstZrtpRecord *record, gpointer user_data, GError **error)
{
  PeersView view;

  peers_view_init (&view, record);
  peers_table_measure (user_data, &view);
  peers_view_clear (&view);
  return TRUE;
}

static gboolean
print_row (GstZrtpRecord *record, gpointer user_data, GError **error)
{
  PeersView view;

  peers_view_init (&view, record);
  peers_table_print (user_data, &view);
  peers_view_clear (&view);
  return TRUE;
}

/* Twice through the cache: the widths, then the rows. So there is never more than a page in memory. */
static gboolean
list_table (GstZrtpCache *cache, GError **error)
{
  PeersTable table = {0};

  if (!peers_each (cache, measure_row, &table, error))
    return FALSE;
  if (table.rows == 0) {
    printf ("The cache knows no peer yet.\n");
    return TRUE;
  }
  peers_table_print_head (&table);
  return peers_each (cache, print_row, &table, error);
}

static gboolean
print_json_row (GstZrtpRecord *record, gpointer user_data, GError **error)
{
  guint64 *rows = user_data;
  GString *json = g_string_new ((*rows)++ ? ",\n " : "\n ");
  PeersView view;

  peers_view_init (&view, record);
  peers_view_json (&view, json);
  peers_view_clear (&view);
  print_json (json);
  g_string_free (json, TRUE);
  return TRUE;
}

static gboolean
list_json (GstZrtpCache *cache, GError **error)
{
  guint64 rows = 0;

  printf ("[");
  if (!peers_each (cache, print_json_row, &rows, error))
    return FALSE;
  printf (rows ? "\n]\n" : "]\n");
  return TRUE;
}

int
peers_do_list (GstZrtpCache *cache, gchar **words)
{
  GError *error = NULL;

  if (peers_options.json ? list_json (cache, &error) : list_table (cache, &error))
    return EXIT_DONE;
  return peers_fail_with (error);
}

static void
print_view (const PeersView *view)
{
  GString *json = g_string_new (NULL);

  peers_view_json (view, json);
  g_string_append_c (json, '\n');
  print_json (json);
  g_string_free (json, TRUE);
}

int
peers_do_show (GstZrtpCache *cache, gchar **words)
{
  GPtrArray *found = peers_find (cache, words[0], FALSE);
  PeersView view;

  if (!found)
    return EXIT_FAILED;
  peers_view_init (&view, found->pdata[0]);
  if (peers_options.json)
    print_view (&view);
  else
    peers_view_print (&view);
  peers_view_clear (&view);
  g_ptr_array_unref (found);
  return EXIT_DONE;
}

static void
print_zid (GstZrtpRecord *record, gboolean is_first)
{
  PeersView view;
  GString *json = g_string_new (is_first ? "\n {\"zid\": " : ",\n {\"zid\": ");
  gchar *local_uri, *peer_uri;

  peers_view_init (&view, record);
  peers_json_string (json, view.zid);
  g_string_append (json, ", \"local-uri\": ");
  peers_json_string (json, view.local_uri);
  g_string_append (json, ", \"peer-uri\": ");
  peers_json_string (json, view.peer_uri);
  g_string_append_c (json, '}');
  local_uri = peers_printable (view.local_uri);
  peer_uri = peers_printable (view.peer_uri);
  if (peers_options.json)
    print_json (json);
  else
    printf ("%s%s%s%s%s\n", view.zid, *local_uri ? "  as " : "", local_uri,
        *peer_uri ? "  towards " : "", peer_uri);
  g_free (local_uri);
  g_free (peer_uri);
  peers_view_clear (&view);
  g_string_free (json, TRUE);
}

int
peers_do_zid (GstZrtpCache *cache, gchar **words)
{
  GError *error = NULL;
  GList *zids = gst_zrtp_cache_list_zids (cache, &error);

  if (error)
    return peers_fail_with (error);
  if (peers_options.json)
    printf ("[");
  for (GList *l = zids; l; l = l->next)
    print_zid (l->data, l == zids);
  if (peers_options.json)
    printf (zids ? "\n]\n" : "]\n");
  else if (!zids)
    printf ("There is no ZID yet: it is made in the first call.\n");
  g_list_free_full (zids, g_object_unref);
  return EXIT_DONE;
}

/* --- rename, verify, unverify, forget, expire ------------------------------------------------------ */

/* The record as it is in the cache now; NULL when it is gone. */
static GstZrtpRecord *
read_again (GstZrtpCache *cache, GstZrtpRecord *record)
{
  PeersView wanted, view;
  GBytes *zid, *peer_zid;
  GstZrtpRecord *found = NULL;
  GList *records = NULL;

  peers_view_init (&wanted, record);
  g_object_get (record, "zid", &zid, "peer-zid", &peer_zid, NULL);
  gst_zrtp_cache_lookup (cache, zid, peer_zid, &records, NULL);
  for (GList *l = records; l; l = l->next) {
    peers_view_init (&view, l->data);
    if (g_str_equal (view.local_uri, wanted.local_uri) &&
        g_str_equal (view.peer_uri, wanted.peer_uri))
      g_set_object (&found, l->data);
    peers_view_clear (&view);
  }
  g_list_free_full (records, g_object_unref);
  g_bytes_unref (zid);
  g_bytes_unref (peer_zid);
  peers_view_clear (&wanted);
  return found;
}

typedef struct {
  gboolean (*run) (GstZrtpCache *cache, GstZrtpRecord *record, gchar **words, GError **error);
  /* says what was done; FALSE, and why, when it was not */
  gboolean (*tell) (const PeersView *before, const PeersView *after, const gchar *title);
} Action;

static int
tell_result (GstZrtpCache *cache, GstZrtpRecord *record, const Action *action)
{
  PeersView before, after;
  GstZrtpRecord *now = read_again (cache, record);
  gboolean ok = FALSE;
  gchar *title;

  peers_view_init (&before, record);
  title = peers_view_title (&before);
  if (now) {
    peers_view_init (&after, now);
    ok = action->tell (&before, &after, title);
    if (ok && peers_options.json)
      print_view (&after);
    peers_view_clear (&after);
  } else {
    peers_complain ("the secrets shared with %s had expired, so the record is gone", title);
  }
  g_free (title);
  peers_view_clear (&before);
  g_clear_object (&now);
  return ok ? EXIT_DONE : EXIT_FAILED;
}

static int
act (GstZrtpCache *cache, gchar **words, const Action *action)
{
  GPtrArray *found = peers_find (cache, words[0], FALSE);
  GError *error = NULL;
  int status;

  if (!found)
    return EXIT_FAILED;
  if (action->run (cache, found->pdata[0], words, &error))
    status = tell_result (cache, found->pdata[0], action);
  else
    status = peers_fail_with (error);
  g_ptr_array_unref (found);
  return status;
}

static gboolean
run_rename (GstZrtpCache *cache, GstZrtpRecord *record, gchar **words, GError **error)
{
  return gst_zrtp_cache_rename (cache, record, words[1], error);
}

static gboolean
tell_rename (const PeersView *before, const PeersView *after, const gchar *title)
{
  gchar *name = peers_printable (after->name);

  if (!peers_options.json)
    printf ("%s: the name is '%s' now.\n", title, name);
  g_free (name);
  if (*before->name && !g_str_equal (before->name, after->name))
    fprintf (stderr,
        "It had another name before, so the SAS counts as not verified now: compare it "
        "in the next call.\n");
  return TRUE;
}

int
peers_do_rename (GstZrtpCache *cache, gchar **words)
{
  const Action action = {run_rename, tell_rename};

  return act (cache, words, &action);
}

static gboolean
run_verify (GstZrtpCache *cache, GstZrtpRecord *record, gchar **words, GError **error)
{
  return gst_zrtp_cache_verify (cache, record, TRUE, error);
}

static gboolean
tell_verify (const PeersView *before, const PeersView *after, const gchar *title)
{
  if (!after->verified)
    peers_complain (
        "there is no secret of a call with %s that could be verified: call, and compare the "
        "SAS",
        title);
  else if (!peers_options.json)
    printf ("%s: the SAS counts as verified now.\n", title);
  return after->verified;
}

int
peers_do_verify (GstZrtpCache *cache, gchar **words)
{
  const Action action = {run_verify, tell_verify};

  return act (cache, words, &action);
}

static gboolean
run_unverify (GstZrtpCache *cache, GstZrtpRecord *record, gchar **words, GError **error)
{
  return gst_zrtp_cache_verify (cache, record, FALSE, error);
}

static gboolean
tell_unverify (const PeersView *before, const PeersView *after, const gchar *title)
{
  if (!peers_options.json)
    printf ("%s: the SAS counts as not verified now; compare it in the next call.\n", title);
  return TRUE;
}

int
peers_do_unverify (GstZrtpCache *cache, gchar **words)
{
  const Action action = {run_unverify, tell_unverify};

  return act (cache, words, &action);
}

static void
tell_forgotten (GstZrtpRecord *record)
{
  PeersView view;
  gchar *title;

  peers_view_init (&view, record);
  title = peers_view_title (&view);
  printf ("%s: forgotten.\n", title);
  g_free (title);
  peers_view_clear (&view);
}

int
peers_do_forget (GstZrtpCache *cache, gchar **words)
{
  GPtrArray *found = peers_find (cache, words[0], peers_options.all);
  GError *error = NULL;
  guint n = 0;

  if (!found)
    return EXIT_FAILED;
  for (; n < found->len && gst_zrtp_cache_forget (cache, found->pdata[n], &error); n++)
    if (!peers_options.json)
      tell_forgotten (found->pdata[n]);
  g_ptr_array_unref (found);
  if (peers_options.json)
    printf ("{\"forgotten\": %u}\n", n);
  if (n > 0)
    fprintf (stderr,
        "The peer remembers: its user will be alerted in the next call, where the SAS has to be "
        "compared.\n");
  return error ? peers_fail_with (error) : EXIT_DONE;
}

int
peers_do_expire (GstZrtpCache *cache, gchar **words)
{
  GError *error = NULL;
  guint n = 0;

  if (!gst_zrtp_cache_expire (cache, &n, &error))
    return peers_fail_with (error);
  if (peers_options.json)
    printf ("{\"expired\": %u}\n", n);
  else
    printf ("%u record%s had secrets whose time was over; they are gone.\n", n, n == 1 ? "" : "s");
  return EXIT_DONE;
}

/* --- export, import -------------------------------------------------------------------------------- */

int
peers_do_export (GstZrtpCache *cache, gchar **words)
{
  const gchar *path = peers_file_of (words);
  GError *error = NULL;
  guint64 n = 0;

  if (!peers_export (cache, path, peers_options.force, &n, &error))
    return peers_fail_with (error);
  peers_complain ("%" G_GUINT64_FORMAT
                  " record%s exported. Whoever has the export can take our place in "
                  "calls: keep it safe on its way, and delete it afterwards",
      n, n == 1 ? "" : "s");
  return EXIT_DONE;
}

static void
tell_import (const PeersImport *result)
{
  if (peers_options.json)
    printf ("{\"imported\": %" G_GUINT64_FORMAT ", \"kept\": %" G_GUINT64_FORMAT
            ", \"expired\": %" G_GUINT64_FORMAT ", \"zids\": %u}\n",
        result->imported, result->kept, result->expired, result->zids);
  else
    printf ("Imported records: %" G_GUINT64_FORMAT
            ", ZIDs of ours: %u. Left out: %" G_GUINT64_FORMAT
            " that the cache has from the same or a later call, %" G_GUINT64_FORMAT " expired.\n",
        result->imported, result->zids, result->kept, result->expired);
}

/* The file is read and found good before there is a cache to put it in. */
int
peers_do_import (gchar **words)
{
  GError *error = NULL;
  PeersFile *file = peers_file_read (peers_file_of (words), &error);
  GstZrtpCache *cache = file ? peers_open_cache (TRUE) : NULL;
  PeersImport result;
  int status = EXIT_FAILED;

  if (!file)
    return peers_fail_with (error);
  if (cache && peers_import (cache, file, peers_options.replace_zid, &result, &error)) {
    tell_import (&result);
    status = EXIT_DONE;
  } else if (cache) {
    peers_fail_with (error);
    if (result.imported > 0)
      peers_complain ("%" G_GUINT64_FORMAT
                      " records were imported before that; begin the import again",
          result.imported);
  }
  g_clear_object (&cache);
  peers_file_free (file);
  return status;
}
