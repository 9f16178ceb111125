/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/zrtp/hands.h"

/* --- What is said ------------------------------------------------------------------------------------ */

static GMutex log_lock; /* signals come from any thread */

static void
say (End *end, Line *line, const gchar *what, const gchar *format, ...)
{
  va_list args;

  g_mutex_lock (&log_lock);
  va_start (args, format);
  g_string_append_printf (end->log, "%s:", what);
  g_string_append_vprintf (end->log, format, args);
  g_string_append_c (end->log, ' ');
  va_end (args);
  g_mutex_unlock (&log_lock);
  if (end->meddle)
    end->meddle (end, line, what);
}

static Line *
line_of (End *end, GstZrtpStream *stream)
{
  Line *line = &end->line[g_ascii_strtoull (gst_zrtp_stream_get_connection_id (stream), NULL, 10)];

  g_assert_true (line->stream == stream || !line->stream); /* dropped, and on its last errand */
  return line;
}

static void
on_secure (GstZrtpSession *session, GstZrtpStream *stream, GstStructure *details, End *end)
{
  Line *line = line_of (end, stream);

  g_clear_pointer (&line->details, gst_structure_free);
  line->details = gst_structure_copy (details);
  say (end, line, "secure", "%u:%s", line->index, gst_structure_get_string (details, "mode"));
}

static void
on_failed (GstZrtpSession *session, GstZrtpStream *stream, guint code, const gchar *text,
    gboolean by_peer, End *end)
{
  Line *line = line_of (end, stream);

  g_assert_cmpuint (strlen (text), >, 20);
  say (end, line, "failed", "%u:%02x", line->index, code);
}

static void
on_warning (GstZrtpSession *session, GstZrtpStream *stream, GstZrtpWarning code, const gchar *text,
    End *end)
{
  GEnumClass *klass = g_type_class_ref (GST_TYPE_ZRTP_WARNING);
  Line *line = line_of (end, stream);

  g_assert_cmpuint (strlen (text), >, 20);
  say (end, line, "warning", "%u:%s", line->index, g_enum_get_value (klass, code)->value_nick);
  g_type_class_unref (klass);
}

static void
on_verified (GstZrtpSession *session, gboolean matches, End *end)
{
  say (end, NULL, "verified", "%d", matches);
}

static void
on_relayed (GstZrtpSession *session, GstZrtpStream *stream, const gchar *sas, const gchar *sas_type,
    gboolean relayed, gboolean verified, gboolean disclosure, End *end)
{
  Line *line = line_of (end, stream);

  say (end, line, "relayed", "%u:%s:%d%d%d", line->index, sas_type, relayed, verified, disclosure);
}

static void
on_clear (
    GstZrtpSession *session, GstZrtpStream *stream, gboolean by_peer, gboolean waiting, End *end)
{
  Line *line = line_of (end, stream);

  say (end, line, "clear", "%u:%s%s", line->index, by_peer ? "by-peer" : "by-us",
      waiting ? ":waiting" : "");
}

static void
on_enrollment (GstZrtpSession *session, GstZrtpStream *stream, const gchar *peer_zid,
    const gchar *peer_name, End *end)
{
  Line *line = line_of (end, stream);

  g_assert_cmpuint (strlen (peer_zid), ==, 24);
  say (end, line, "enrollment", "%u", line->index);
}

static void
meddle_only (Line *line, const gchar *what)
{
  if (line->end->meddle)
    line->end->meddle (line->end, line, what);
}

static void
on_send_key (GstZrtpStream *stream, Line *line)
{
  g_clear_pointer (&line->send_key, g_bytes_unref);
  if (!line->leaves_keys)
    line->send_key = gst_zrtp_stream_take_send_key (stream);
  meddle_only (line, "send-key");
}

static void
on_receive_key (GstZrtpStream *stream, Line *line)
{
  g_clear_pointer (&line->receive_key, g_bytes_unref);
  if (!line->leaves_keys)
    line->receive_key = gst_zrtp_stream_take_receive_key (stream);
  meddle_only (line, "receive-key");
}

static void
on_drop_keys (GstZrtpStream *stream, Line *line)
{
  line->n_drops++;
  g_clear_pointer (&line->send_key, g_bytes_unref);
  g_clear_pointer (&line->receive_key, g_bytes_unref);
  meddle_only (line, "drop-keys");
}

static void
on_watch_media (GstZrtpStream *stream, Line *line)
{
  line->n_watches++;
  meddle_only (line, "watch-media");
}

static void
on_wake_up (GstZrtpStream *stream, Line *line)
{
  g_atomic_int_set (&line->woken, TRUE);
  g_atomic_int_inc (&line->n_wake_ups);
  meddle_only (line, "wake-up");
}

static void
on_state (GstZrtpStream *stream, GParamSpec *pspec, Line *line)
{
  meddle_only (line, "state");
}

static void
on_pingack (GstZrtpStream *stream, GBytes *endpoint_hash, guint ssrc, Line *line)
{
  g_assert_cmpuint (g_bytes_get_size (endpoint_hash), ==, 8);
  say (line->end, line, "pingack", "%u:%08x", line->index, ssrc);
}

/* --- Ends ---------------------------------------------------------------------------------------------- */

static void
line_init (Line *line, End *end, guint index)
{
  gchar *id = g_strdup_printf ("%u", index);

  *line = (Line){.end = end, .index = index};
  line->stream = gst_zrtp_session_get_stream (end->session, id);
  g_free (id);
  g_signal_connect (line->stream, "send-key", G_CALLBACK (on_send_key), line);
  g_signal_connect (line->stream, "receive-key", G_CALLBACK (on_receive_key), line);
  g_signal_connect (line->stream, "drop-keys", G_CALLBACK (on_drop_keys), line);
  g_signal_connect (line->stream, "watch-media", G_CALLBACK (on_watch_media), line);
  g_signal_connect (line->stream, "wake-up", G_CALLBACK (on_wake_up), line);
  g_signal_connect (line->stream, "notify::state", G_CALLBACK (on_state), line);
  g_signal_connect (line->stream, "pingack", G_CALLBACK (on_pingack), line);
}

void
end_set (End *end, const gchar *properties)
{
  gchar **items = g_strsplit (properties, " ", -1);

  for (guint i = 0; items[i] && *items[i]; i++) {
    gchar **pair = g_strsplit (items[i], "=", 2);

    gst_util_set_object_arg (G_OBJECT (end->session), pair[0], pair[1]);
    g_strfreev (pair);
  }
  g_strfreev (items);
}

void
end_init (End *end, guint n, const gchar *properties)
{
  *end = (End){.session = gst_zrtp_session_new (), .log = g_string_new (NULL), .n_lines = n};
  end_set (end, properties);
  g_signal_connect (end->session, "secure", G_CALLBACK (on_secure), end);
  g_signal_connect (end->session, "failed", G_CALLBACK (on_failed), end);
  g_signal_connect (end->session, "warning", G_CALLBACK (on_warning), end);
  g_signal_connect (end->session, "sas-verified", G_CALLBACK (on_verified), end);
  g_signal_connect (end->session, "sas-relayed", G_CALLBACK (on_relayed), end);
  g_signal_connect (end->session, "clear", G_CALLBACK (on_clear), end);
  g_signal_connect (end->session, "enrollment", G_CALLBACK (on_enrollment), end);
  for (guint i = 0; i < n; i++)
    line_init (&end->line[i], end, i);
}

void
end_clear (End *end)
{
  end->meddle = NULL;
  for (guint i = 0; i < end->n_lines; i++) {
    Line *line = &end->line[i];

    if (line->stream) {
      gst_zrtp_stream_stop (line->stream);
      g_object_add_weak_pointer (G_OBJECT (line->stream), (gpointer *) &line->stream);
      gst_object_unref (line->stream);
    }
    g_assert_null (line->stream); /* nobody else holds it */
    g_clear_pointer (&line->send_key, g_bytes_unref);
    g_clear_pointer (&line->receive_key, g_bytes_unref);
    g_clear_pointer (&line->details, gst_structure_free);
  }
  g_object_add_weak_pointer (G_OBJECT (end->session), (gpointer *) &end->session);
  gst_object_unref (end->session);
  g_assert_null (end->session);
  g_string_free (end->log, TRUE);
}

void
call_init (Call *call, guint n, const gchar *a, const gchar *b)
{
  call->now = GST_SECOND;
  end_init (&call->a, n, a);
  end_init (&call->b, n, b);
  call->a.now = call->b.now = &call->now;
}

void
call_clear (Call *call)
{
  end_clear (&call->a);
  end_clear (&call->b);
}

void
end_set_caches (Call *call, GstZrtpMemoryCache *cache[2])
{
  g_object_set (call->a.session, "cache", cache[0], NULL);
  g_object_set (call->b.session, "cache", cache[1], NULL);
}

/* --- Time and wire --------------------------------------------------------------------------------------- */

void
call_start (Call *call)
{
  for (guint i = 0; i < call->a.n_lines; i++) {
    gst_zrtp_stream_start (call->a.line[i].stream, call->now);
    gst_zrtp_stream_start (call->b.line[i].stream, call->now);
  }
}

static gboolean
work (Call *call, Line *line, Line *peer)
{
  gboolean any = FALSE;
  GBytes *packet;

  if (!line->stream)
    return FALSE;
  if (g_atomic_int_compare_and_exchange (&line->woken, TRUE, FALSE)) {
    any = TRUE;
    gst_zrtp_stream_handle_timeout (line->stream, call->now);
  }
  while (line->stream && (packet = gst_zrtp_stream_poll_packet (line->stream))) {
    gsize size;
    const guint8 *data = g_bytes_get_data (packet, &size);

    any = TRUE;
    if (!line->dead && peer->stream)
      gst_zrtp_stream_handle_packet (peer->stream, data, size, call->now);
    g_bytes_unref (packet);
  }
  return any;
}

void
call_settle (Call *call)
{
  gboolean any;

  do {
    any = FALSE;
    for (guint i = 0; i < call->a.n_lines; i++) {
      any |= work (call, &call->a.line[i], &call->b.line[i]);
      any |= work (call, &call->b.line[i], &call->a.line[i]);
    }
  } while (any);
}

static guint64
next_timeout (End *end)
{
  guint64 next = GST_CLOCK_TIME_NONE;

  for (guint i = 0; i < end->n_lines; i++)
    if (end->line[i].stream)
      next = MIN (next, gst_zrtp_stream_get_next_timeout (end->line[i].stream));
  return next;
}

static void
fire (End *end, guint64 now)
{
  for (guint i = 0; i < end->n_lines; i++)
    if (end->line[i].stream && gst_zrtp_stream_get_next_timeout (end->line[i].stream) <= now)
      gst_zrtp_stream_handle_timeout (end->line[i].stream, now);
}

void
call_run (Call *call, guint64 until)
{
  guint rounds = 0;

  for (;;) {
    guint64 next;

    call_settle (call);
    next = MIN (next_timeout (&call->a), next_timeout (&call->b));
    if (next > until)
      break;
    g_assert_cmpuint (rounds++, <, 10000); /* no timer stands still */
    call->now = MAX (call->now, next);
    fire (&call->a, call->now);
    fire (&call->b, call->now);
  }
  call->now = until;
}

void
call_talk (Call *call)
{
  call_start (call);
  call_run (call, call->now + GST_SECOND); /* a Multistream Commit may come too early, and again */
  for (guint i = 0; i < call->a.n_lines; i++)
    assert_line_secure (call, i);
}

/* --- Looking ------------------------------------------------------------------------------------------------ */

static gint
compare (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const gchar *const *) a, *(const gchar *const *) b);
}

static gchar *
sort_words (const gchar *text)
{
  gchar **words = g_strsplit (text, " ", -1);
  gchar *sorted;

  qsort (words, g_strv_length (words), sizeof *words, compare);
  sorted = g_strstrip (g_strjoinv (" ", words));
  g_strfreev (words);
  return sorted;
}

void
assert_log_at (End *end, const gchar *text, const gchar *file, int line)
{
  gchar *said = sort_words (end->log->str), *expected = sort_words (text);

  if (!g_str_equal (said, expected))
    g_error ("%s:%d: the session said \"%s\", not \"%s\"", file, line, end->log->str, text);
  g_string_truncate (end->log, 0);
  g_free (said);
  g_free (expected);
}

void
forget_logs (Call *call)
{
  g_string_truncate (call->a.log, 0);
  g_string_truncate (call->b.log, 0);
}

GstZrtpState
line_state (Line *line)
{
  return gst_zrtp_stream_get_state (line->stream);
}

void
assert_line_secure (Call *call, guint index)
{
  Line *a = &call->a.line[index], *b = &call->b.line[index];

  g_assert_cmpint (line_state (a), ==, GST_ZRTP_STATE_SECURE);
  g_assert_cmpint (line_state (b), ==, GST_ZRTP_STATE_SECURE);
  g_assert_true (a->send_key && b->send_key && a->receive_key && b->receive_key);
  g_assert_true (g_bytes_equal (a->send_key, b->receive_key));
  g_assert_true (g_bytes_equal (b->send_key, a->receive_key));
  g_assert_false (g_bytes_equal (a->send_key, b->send_key));
}

gchar *
get_sas (End *end)
{
  gchar *sas;

  g_object_get (end->session, "sas", &sas, NULL);
  return sas;
}

gboolean
get_flag (Line *line, const gchar *field)
{
  gboolean value = FALSE;

  g_assert_true (gst_structure_get_boolean (line->details, field, &value));
  return value;
}

const gchar *
get_field (Line *line, const gchar *field)
{
  const gchar *value = gst_structure_get_string (line->details, field);

  g_assert_nonnull (value);
  return value;
}
