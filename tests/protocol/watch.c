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

/* result: of a packet, or -1 */
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
watch_begin (ZrtpCall *call)
{
  if (!is_watching ())
    return;
  for (ZrtpEngine *engine = call->engines; engine; engine = engine->next)
    if (zrtp_engine_get_state (engine) ==
        ZRTP_STATE_IDLE) /* a new one, perhaps where one was freed */
      g_hash_table_insert (last_seen, engine, GUINT_TO_POINTER (ZRTP_STATE_IDLE + 1));
    else
      see (engine, "?", -1);
}

static void
see_others (ZrtpCall *call, const ZrtpEngine *except, const char *cause)
{
  char *far = g_strconcat (except ? "another stream: " : "", cause, NULL);

  for (ZrtpEngine *engine = call->engines; engine; engine = engine->next)
    if (engine != except)
      see (engine, far, -1);
  g_free (far);
}

void
watch_end (ZrtpCall *call, const ZrtpEngine *engine, const char *cause)
{
  if (!is_watching ())
    return;
  if (engine)
    see ((ZrtpEngine *) engine, cause, -1);
  see_others (call, engine, cause);
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
  const bool is_message = zrtp_packet_parse (data, size, &packet) == ZRTP_ACCEPTED;
  ZrtpResult result;

  watch_begin (engine->call);
  result = (zrtp_engine_handle_packet) (engine, data, size, now);
  if (!is_watching () || !is_message)
    return result;
  see (engine, zrtp_message_name (packet.type), (int) result);
  see_others (engine->call, engine, zrtp_message_name (packet.type));
  return result;
}

/* Without a timer that is due a waiting stream goes on, because another one is done (§4.4.1). */
static const char *
why_now (const ZrtpEngine *engine, uint64_t now)
{
  if (engine->patience_armed && now >= engine->patience_due)
    return "10 s of silence";
  if (engine->message_timer.armed && now >= engine->message_timer.due)
    return "T2 spent";
  if (engine->hello_timer.armed && now >= engine->hello_timer.due)
    return "T1 spent";
  return "its turn";
}

void
watch_timeout (ZrtpEngine *engine, uint64_t now)
{
  const char *cause = why_now (engine, now);

  watch_begin (engine->call);
  (zrtp_engine_handle_timeout) (engine, now);
  watch_end (engine->call, engine, cause);
}
