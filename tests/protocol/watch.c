/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/protocol/watch.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>

static GHashTable *last_seen;   /* ZrtpEngine → ZrtpState, +1 */
static GHashTable *transitions; /* lines */

static void
write_transitions (void)
{
  FILE *file = fopen (g_getenv ("ZRTP_TRANSITIONS"), "a");
  GList *lines = g_list_sort (g_hash_table_get_keys (transitions), (GCompareFunc) g_strcmp0);

  g_assert_nonnull (file);
  for (GList *line = lines; line; line = line->next)
    fprintf (file, "%s\n", (const char *) line->data);
  fclose (file);
  g_list_free (lines);
}

static bool
is_watching (void)
{
  static int watching = -1;

  if (watching < 0) {
    watching = g_getenv ("ZRTP_TRANSITIONS") != NULL;
    last_seen = g_hash_table_new (NULL, NULL);
    transitions = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    if (watching)
      atexit (write_transitions);
  }
  return watching;
}

static void
note (ZrtpState from, const char *cause, int result, ZrtpState to)
{
  g_hash_table_add (
      transitions, g_strdup_printf ("%d\t%s\t%d\t%d", (int) from, cause, result, (int) to));
}

static bool
find_last (ZrtpEngine *engine, ZrtpState *state)
{
  const guint seen = GPOINTER_TO_UINT (g_hash_table_lookup (last_seen, engine));

  *state = (ZrtpState) (seen - 1);
  return seen > 0;
}

static void
see (ZrtpEngine *engine, const char *cause, int result)
{
  const ZrtpState now = zrtp_engine_get_state (engine);
  ZrtpState before;

  if (find_last (engine, &before) && (before != now || result >= 0))
    note (before, cause, result, now);
  g_hash_table_insert (last_seen, engine, GUINT_TO_POINTER (now + 1));
}

void
watch_begin (ZrtpEngine *engine)
{
  if (is_watching () && zrtp_engine_get_state (engine) != ZRTP_STATE_IDLE)
    see (engine, "?", -1);
  else if (is_watching ())
    g_hash_table_insert (last_seen, engine, GUINT_TO_POINTER (ZRTP_STATE_IDLE + 1));
}

void
watch_end (ZrtpEngine *engine, const char *cause)
{
  if (is_watching ())
    see (engine, cause, -1);
}

void
watch_forget (ZrtpEngine *engine)
{
  if (is_watching ())
    g_hash_table_remove (last_seen, engine);
}

ZrtpResult
watch_packet (ZrtpEngine *engine, const uint8_t *data, size_t size, uint64_t now)
{
  ZrtpPacket packet;
  bool is_message;
  ZrtpResult result;

  watch_begin (engine);
  is_message = zrtp_packet_parse (data, size, &packet) == ZRTP_ACCEPTED;
  result = (zrtp_engine_handle_packet) (engine, data, size, now);
  if (is_watching () && is_message)
    see (engine, zrtp_message_name (packet.type), (int) result);
  return result;
}

static const char *
due_timer (const ZrtpEngine *engine, uint64_t now)
{
  if (engine->patience_armed && now >= engine->patience_due)
    return "10 s of silence";
  if (engine->message_timer.armed && now >= engine->message_timer.due)
    return "T2 spent";
  return "T1 spent";
}

void
watch_timeout (ZrtpEngine *engine, uint64_t now)
{
  const char *cause = due_timer (engine, now);

  watch_begin (engine);
  (zrtp_engine_handle_timeout) (engine, now);
  watch_end (engine, cause);
}
