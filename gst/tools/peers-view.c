/* A record as people see it, and as JSON. No secret comes here.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/tools/peers.h"

#include <string.h>

#define ZID_WIDTH 24
#define DATE_WIDTH 10
#define VERIFIED_WIDTH 8
#define MAX_WIDTH 40 /* a longer name or URI shifts its own row only */

static gchar *
get_hex (GstZrtpRecord *record, const gchar *property)
{
  GBytes *bytes = NULL;
  gchar *hex;

  g_object_get (record, property, &bytes, NULL);
  hex = peers_hex (bytes);
  g_bytes_unref (bytes);
  return hex;
}

static gboolean
has_secret (GstZrtpRecord *record, const gchar *property)
{
  GBytes *secret = NULL;

  g_object_get (record, property, &secret, NULL);
  if (!secret)
    return FALSE;
  g_bytes_unref (secret);
  return TRUE;
}

void
peers_view_init (PeersView *view, GstZrtpRecord *record)
{
  memset (view, 0, sizeof *view);
  g_object_get (record, "local-uri", &view->local_uri, "peer-uri", &view->peer_uri, "name",
      &view->name, "algorithms", &view->algorithms, "sas-verified", &view->verified, "rs2-verified",
      &view->rs2_verified, "expires", &view->expires, "first-seen", &view->first_seen, "last-seen",
      &view->last_seen, "preshared-calls", &view->preshared_calls, "calls", &view->calls, NULL);
  view->zid = get_hex (record, "zid");
  view->peer_zid = get_hex (record, "peer-zid");
  view->has_rs1 = has_secret (record, "rs1");
  view->has_rs2 = has_secret (record, "rs2");
  view->has_pbx_secret = has_secret (record, "pbx-secret");
}

void
peers_view_clear (PeersView *view)
{
  g_free (view->zid);
  g_free (view->peer_zid);
  g_free (view->local_uri);
  g_free (view->peer_uri);
  g_free (view->name);
  g_free (view->algorithms);
  memset (view, 0, sizeof *view);
}

gboolean
peers_view_has_expired (const PeersView *view)
{
  return view->expires <= g_get_real_time () / G_USEC_PER_SEC;
}

static gboolean
is_verified (const PeersView *view)
{
  return view->has_rs1 && view->verified && !peers_view_has_expired (view);
}

gchar *
peers_view_title (const PeersView *view)
{
  const gchar *called = *view->name ? view->name : view->peer_uri;
  gchar *printable = peers_printable (called);
  gchar *title =
      *called ? g_strdup_printf ("%s (%s)", printable, view->peer_zid) : g_strdup (view->peer_zid);

  g_free (printable);
  return title;
}

static gchar *
format_time (gint64 seconds, const gchar *format)
{
  GDateTime *time = seconds > 0 ? g_date_time_new_from_unix_local (seconds) : NULL;
  gchar *text = time ? g_date_time_format (time, format) : NULL;

  g_clear_pointer (&time, g_date_time_unref);
  return text ? text : g_strdup ("-");
}

/* --- One ------------------------------------------------------------------------------------------- */

static void
print_field (const gchar *label, const gchar *text)
{
  gchar *printable = peers_printable (text);

  printf ("%-14s%s\n", label, *printable ? printable : "-");
  g_free (printable);
}

static void
print_time (const gchar *label, gint64 seconds)
{
  gchar *time = format_time (seconds, "%Y-%m-%d %H:%M:%S %z");

  print_field (label, time);
  g_free (time);
}

static void
print_secrets (const PeersView *view)
{
  const gboolean retained = view->has_rs1 || view->has_rs2;

  printf ("%-14s%s%s%s%s\n", "Secrets", view->has_rs1 ? "rs1 of the last call" : "",
      view->has_rs2 ? (view->has_rs1 ? ", rs2 of the one before" : "rs2") : "",
      view->has_pbx_secret ? (retained ? ", " : "") : (retained ? "" : "none"),
      view->has_pbx_secret ? "pbxsecret, which does not expire" : "");
  if (!retained)
    return;
  if (view->expires == G_MAXINT64)
    print_field ("Expire", "never");
  else
    print_time (peers_view_has_expired (view) ? "Expired" : "Expire", view->expires);
}

void
peers_view_print (const PeersView *view)
{
  print_field ("Name", view->name);
  print_field ("Peer's URI", view->peer_uri);
  print_field ("Our URI", view->local_uri);
  print_field ("Peer's ZID", view->peer_zid);
  print_field ("Our ZID", view->zid);
  print_field ("SAS", is_verified (view) ? "verified"
                      : view->has_rs2 && view->rs2_verified && !peers_view_has_expired (view)
                          ? "not verified; that of the call before was"
                          : "not verified");
  print_secrets (view);
  print_time ("First call", view->first_seen);
  print_time ("Last call", view->last_seen);
  printf ("%-14s%" G_GUINT64_FORMAT, "Calls", view->calls);
  if (view->preshared_calls)
    printf (", the last %u without a key agreement", view->preshared_calls);
  printf ("\n");
  print_field ("Algorithms", view->algorithms);
}

/* --- Many ------------------------------------------------------------------------------------------ */

static void
widen (guint *width, const gchar *text)
{
  gchar *printable = peers_printable (text);

  *width = MAX (*width, MIN (peers_width (printable), MAX_WIDTH));
  g_free (printable);
}

void
peers_table_measure (PeersTable *table, const PeersView *view)
{
  widen (&table->name, view->name);
  widen (&table->peer_uri, view->peer_uri);
  widen (&table->local_uri, view->local_uri);
  table->rows++;
}

/* A column in which nobody has anything is not there; the last one is not padded. */
static void
print_row (const PeersTable *table, const gchar *const cells[7])
{
  const guint widths[7] = {ZID_WIDTH, VERIFIED_WIDTH, DATE_WIDTH, DATE_WIDTH, MAX (table->name, 4),
      table->peer_uri ? MAX (table->peer_uri, 10) : 0,
      table->local_uri ? MAX (table->local_uri, 7) : 0};
  const guint last = widths[6] ? 6 : widths[5] ? 5 : 4;

  for (guint i = 0; i <= last; i++) {
    gchar *printable = peers_printable (*cells[i] ? cells[i] : "-");

    if (widths[i])
      peers_print_padded (printable, i == last ? 0 : widths[i]);
    if (widths[i])
      printf (i == last ? "\n" : "  ");
    g_free (printable);
  }
}

void
peers_table_print_head (const PeersTable *table)
{
  const gchar *const cells[7] = {
      "PEER'S ZID", "VERIFIED", "FIRST SEEN", "LAST SEEN", "NAME", "PEER'S URI", "OUR URI"};

  print_row (table, cells);
}

void
peers_table_print (const PeersTable *table, const PeersView *view)
{
  gchar *first = format_time (view->first_seen, "%Y-%m-%d");
  gchar *last = format_time (view->last_seen, "%Y-%m-%d");
  const gboolean retained = view->has_rs1 || view->has_rs2;
  const gchar *const cells[7] = {view->peer_zid,
      is_verified (view)                          ? "yes"
      : retained && peers_view_has_expired (view) ? "expired"
                                                  : "no",
      first, last, view->name, view->peer_uri, view->local_uri};

  print_row (table, cells);
  g_free (first);
  g_free (last);
}

/* --- JSON ------------------------------------------------------------------------------------------ */

static void
add_string (GString *json, const gchar *key, const gchar *value)
{
  g_string_append_printf (json, "%s\"%s\": ", json->str[json->len - 1] == '{' ? "" : ", ", key);
  peers_json_string (json, value);
}

static void
add_boolean (GString *json, const gchar *key, gboolean value)
{
  g_string_append_printf (json, ", \"%s\": %s", key, value ? "true" : "false");
}

static void
add_number (GString *json, const gchar *key, guint64 value)
{
  g_string_append_printf (json, ", \"%s\": %" G_GUINT64_FORMAT, key, value);
}

static void
add_secrets (GString *json, const PeersView *view)
{
  g_string_append (json, ", \"secrets\": [");
  if (view->has_rs1)
    g_string_append (json, "\"rs1\"");
  if (view->has_rs2)
    g_string_append_printf (json, "%s\"rs2\"", view->has_rs1 ? ", " : "");
  if (view->has_pbx_secret)
    g_string_append_printf (json, "%s\"pbx-secret\"", view->has_rs1 || view->has_rs2 ? ", " : "");
  g_string_append_c (json, ']');
}

void
peers_view_json (const PeersView *view, GString *json)
{
  g_string_append_c (json, '{');
  add_string (json, "peer-zid", view->peer_zid);
  add_string (json, "zid", view->zid);
  add_string (json, "name", view->name);
  add_string (json, "peer-uri", view->peer_uri);
  add_string (json, "local-uri", view->local_uri);
  add_boolean (json, "sas-verified", is_verified (view));
  add_secrets (json, view);
  if (view->expires == G_MAXINT64)
    g_string_append (json, ", \"expires\": null");
  else
    add_number (json, "expires", view->expires);
  add_number (json, "first-seen", view->first_seen);
  add_number (json, "last-seen", view->last_seen);
  add_number (json, "calls", view->calls);
  add_number (json, "preshared-calls", view->preshared_calls);
  add_string (json, "algorithms", view->algorithms);
  g_string_append_c (json, '}');
}
