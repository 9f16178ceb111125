/* Which records a word of the user means.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/tools/peers.h"

#include <string.h>

#define MAX_SHOWN 20 /* records that an error lists */
#define ZID_DIGITS 24

typedef struct {
  const gchar *word;
  GPtrArray *found;
} Search;

static gboolean
is_beginning_of (const gchar *word, const gchar *zid)
{
  const gsize length = strlen (word);

  return length <= ZID_DIGITS && g_ascii_strncasecmp (word, zid, length) == 0;
}

static gboolean
is_zid (const gchar *word)
{
  return strlen (word) == ZID_DIGITS && strspn (word, "0123456789abcdefABCDEF") == ZID_DIGITS;
}

/* A whole ZID is nothing else, whatever somebody called himself. Otherwise all that fits counts, so that a stranger
 * whose URI is the name of a friend makes the word ambiguous and not his own. */
static gboolean
fits_word (const PeersView *view, const gchar *word)
{
  if (is_zid (word))
    return is_beginning_of (word, view->peer_zid);
  return is_beginning_of (word, view->peer_zid) || g_str_equal (view->name, word) ||
         g_str_equal (view->peer_uri, word);
}

static gboolean
fits (const PeersView *view, const gchar *word)
{
  return fits_word (view, word) &&
         (!peers_options.zid || is_beginning_of (peers_options.zid, view->zid)) &&
         (!peers_options.local_uri || g_str_equal (view->local_uri, peers_options.local_uri)) &&
         (!peers_options.peer_uri || g_str_equal (view->peer_uri, peers_options.peer_uri));
}

static gboolean
search_record (GstZrtpRecord *record, gpointer user_data, GError **error)
{
  Search *search = user_data;
  PeersView view;

  peers_view_init (&view, record);
  if (fits (&view, search->word))
    g_ptr_array_add (search->found, g_object_ref (record));
  peers_view_clear (&view);
  return TRUE;
}

static gboolean
same_peer (GPtrArray *records)
{
  gboolean same = TRUE;
  PeersView first, view;

  peers_view_init (&first, records->pdata[0]);
  for (guint i = 1; i < records->len && same; i++) {
    peers_view_init (&view, records->pdata[i]);
    same = g_str_equal (first.peer_zid, view.peer_zid);
    peers_view_clear (&view);
  }
  peers_view_clear (&first);
  return same;
}

/* For the shell, where the user may put it: URIs come from strangers. */
static gchar *
quote (const gchar *text)
{
  gchar *printable = peers_printable (text);
  gchar *quoted = g_shell_quote (printable);

  g_free (printable);
  return quoted;
}

static void
print_candidate (GstZrtpRecord *record)
{
  PeersView view;
  gchar *title, *peer_uri, *local_uri;

  peers_view_init (&view, record);
  title = peers_view_title (&view);
  peer_uri = quote (view.peer_uri);
  local_uri = quote (view.local_uri);
  fprintf (stderr, "  %s  --peer-uri=%s --local-uri=%s --zid=%s\n", title, peer_uri, local_uri,
      view.zid);
  g_free (title);
  g_free (peer_uri);
  g_free (local_uri);
  peers_view_clear (&view);
}

static void
complain_of_many (const gchar *word, GPtrArray *records)
{
  peers_complain ("'%s' fits %u records; nothing was done:", word, records->len);
  for (guint i = 0; i < MIN (records->len, MAX_SHOWN); i++)
    print_candidate (records->pdata[i]);
  if (records->len > MAX_SHOWN)
    fprintf (stderr, "  and %u more\n", records->len - MAX_SHOWN);
  fprintf (stderr,
      "Give the whole ZID, and where it has several records the options behind it%s.\n",
      same_peer (records) ? ", or, to forget them all, --all" : "");
}

GPtrArray *
peers_find (GstZrtpCache *cache, const gchar *word, gboolean all)
{
  Search search = {word, g_ptr_array_new_with_free_func (g_object_unref)};
  GError *error = NULL;

  if (!peers_each (cache, search_record, &search, &error))
    peers_fail_with (error);
  else if (search.found->len == 0)
    peers_complain ("no peer fits '%s'; '" PROGRAM " list' shows all", word);
  else if (search.found->len > 1 && !(all && same_peer (search.found)))
    complain_of_many (word, search.found);
  else
    return search.found;
  g_ptr_array_unref (search.found);
  return NULL;
}
