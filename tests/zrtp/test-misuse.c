/* The library in the hands of somebody who did not read the documentation: everything in every order, with
 * nothing given, from other threads, from within signal handlers. Never a crash, a deadlock or a wrong state;
 * and afterwards a call is still to be had.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/zrtp/hands.h"

#define EVERYTHING                                                                                 \
  "allow-clear=true allow-preshared=true disclosure=true accept-enrollment=true mitm=true"

/* --- Everything that can be done ------------------------------------------------------------------------- */

typedef void (*Action) (End *end, Line *line);

static void
go_clear (End *end, Line *line)
{
  gst_zrtp_session_go_clear (end->session, NULL);
}

static void
accept_clear (End *end, Line *line)
{
  gst_zrtp_session_accept_clear (end->session, TRUE, NULL);
}

static void
refuse_clear (End *end, Line *line)
{
  gst_zrtp_session_accept_clear (end->session, FALSE, NULL);
}

static void
go_secure (End *end, Line *line)
{
  gst_zrtp_session_go_secure (end->session, NULL);
}

static void
verify (End *end, Line *line)
{
  gst_zrtp_session_verify_sas (end->session, TRUE);
}

static void
falsify (End *end, Line *line)
{
  gst_zrtp_session_verify_sas (end->session, FALSE);
}

static void
accept_enrollment (End *end, Line *line)
{
  gst_zrtp_session_accept_enrollment (end->session, TRUE, NULL);
}

static void
relay_to_itself (End *end, Line *line)
{
  gst_zrtp_session_relay_sas (end->session, end->session, NULL);
}

static void
relay (End *end, Line *line)
{
  gst_zrtp_session_relay_sas (end->session, end->user, NULL);
}

static void
relay_turned (End *end, Line *line)
{
  gst_zrtp_session_relay_sas (end->user, end->session, NULL);
}

static void
ping (End *end, Line *line)
{
  if (line->stream)
    gst_zrtp_stream_ping (line->stream, *end->now);
}

static void
stop (End *end, Line *line)
{
  if (line->stream)
    gst_zrtp_stream_stop (line->stream);
}

static void
stop_all (End *end, Line *line)
{
  for (guint i = 0; i < end->n_lines; i++)
    stop (end, &end->line[i]);
}

static void
start (End *end, Line *line)
{
  if (line->stream)
    gst_zrtp_stream_start (line->stream, *end->now);
}

static void
retry (End *end, Line *line)
{
  if (line->stream)
    gst_zrtp_stream_retry (line->stream, *end->now);
}

static void
restart (End *end, Line *line)
{
  stop (end, line);
  start (end, line);
}

static void
drive (End *end, Line *line)
{
  GBytes *packet;

  if (!line->stream)
    return;
  gst_zrtp_stream_handle_timeout (line->stream, *end->now);
  packet = gst_zrtp_stream_poll_packet (line->stream); /* and it is lost */
  g_clear_pointer (&packet, g_bytes_unref);
}

static void
authenticate (End *end, Line *line)
{
  if (!line->stream)
    return;
  gst_zrtp_stream_srtp_authenticated (line->stream, *end->now);
  gst_zrtp_stream_media_received (line->stream, *end->now);
}

static void
look (End *end, Line *line)
{
  GBytes *key = gst_zrtp_session_export_key (end->session, "chat", 16, NULL);
  GBytes *sashash = gst_zrtp_session_get_sas_hash (end->session);
  gchar *sas = get_sas (end);

  g_clear_pointer (&key, g_bytes_unref);
  g_clear_pointer (&sashash, g_bytes_unref);
  g_free (sas);
  if (line->stream) {
    gchar **hashes = gst_zrtp_stream_get_hello_hashes (line->stream);
    GstStructure *stats;

    g_object_get (line->stream, "stats", &stats, NULL);
    gst_structure_free (stats);
    g_strfreev (hashes);
  }
}

static void
change_settings (End *end, Line *line)
{
  GBytes *aux = g_bytes_new_static ("sesame", 6), *sdes = g_bytes_new_take (g_malloc0 (30), 30);

  g_object_set (end->session, "cache-expiry", 5, "aux-secret", aux, "enroll", TRUE, NULL);
  g_object_set (end->session, "enroll", FALSE, "aux-secret", NULL, NULL);
  gst_zrtp_session_set_sdes_keys (end->session, sdes, NULL, NULL);
  gst_zrtp_session_set_sdes_keys (end->session, NULL, NULL, NULL);
  if (line->stream)
    g_object_set (line->stream, "ssrc", g_random_int (), NULL);
  g_bytes_unref (aux);
  g_bytes_unref (sdes);
}

static void
change_hello_hash (End *end, Line *line)
{
  if (!line->stream)
    return;
  g_object_set (line->stream, "peer-hello-hash",
      "1.10 0000000000000000000000000000000000000000000000000000000000000000", NULL);
  g_object_set (line->stream, "peer-hello-hash", NULL, NULL);
}

/* Somebody else asks, and this thread waits for the answer: nobody holds a lock. */
static gpointer
look_from_outside (gpointer data)
{
  Line *line = data;

  look (line->end, line);
  verify (line->end, line);
  go_clear (line->end, line);
  accept_clear (line->end, line);
  return NULL;
}

static void
ask_another_thread (End *end, Line *line)
{
  g_thread_join (g_thread_new ("other", look_from_outside, line));
}

/* The last one that there is; the end of the stream. */
static void
drop (End *end, Line *line)
{
  gst_clear_object (&line->stream);
}

static const struct {
  const gchar *name;
  Action action;
} actions[] = {
    {"go_clear", go_clear},
    {"accept_clear", accept_clear},
    {"refuse_clear", refuse_clear},
    {"go_secure", go_secure},
    {"verify", verify},
    {"falsify", falsify},
    {"accept_enrollment", accept_enrollment},
    {"relay_to_itself", relay_to_itself},
    {"relay", relay},
    {"relay_turned", relay_turned},
    {"ping", ping},
    {"stop", stop},
    {"stop_all", stop_all},
    {"start", start},
    {"retry", retry},
    {"restart", restart},
    {"drive", drive},
    {"authenticate", authenticate},
    {"look", look},
    {"change_settings", change_settings},
    {"change_hello_hash", change_hello_hash},
    {"ask_another_thread", ask_another_thread},
    {"drop", drop},
};

/* --- Every state holds ----------------------------------------------------------------------------------- */

static void
check_line (Line *line)
{
  GstZrtpState state;

  if (!line->stream)
    return;
  state = line_state (line);
  if (state == GST_ZRTP_STATE_CLEAR)
    g_assert_true (!line->send_key && !line->receive_key);
}

static void
check (Call *call)
{
  for (guint i = 0; i < call->a.n_lines; i++) {
    check_line (&call->a.line[i]);
    check_line (&call->b.line[i]);
  }
}

/* Whatever happened: when both begin anew, they come together. */
static void
assert_still_works (Call *call)
{
  static const gchar quiet[] = "enroll=false mitm=false";

  call->a.meddle = call->b.meddle = NULL;
  for (guint i = 0; i < call->a.n_lines; i++) {
    if (call->a.line[i].stream)
      gst_zrtp_stream_stop (call->a.line[i].stream);
    if (call->b.line[i].stream)
      gst_zrtp_stream_stop (call->b.line[i].stream);
  }
  end_set (&call->a, quiet);
  end_set (&call->b, quiet);
  forget_logs (call);
  for (guint i = 0; i < call->a.n_lines; i++)
    if (call->a.line[i].stream && call->b.line[i].stream) {
      gst_zrtp_stream_start (call->a.line[i].stream, call->now);
      gst_zrtp_stream_start (call->b.line[i].stream, call->now);
    }
  call_run (call, call->now + 5 * GST_SECOND);
  for (guint i = 0; i < call->a.n_lines; i++)
    if (call->a.line[i].stream && call->b.line[i].stream)
      assert_line_secure (call, i);
}

/* --- From within handlers ------------------------------------------------------------------------------------ */

static const gchar *const occasions[] = {"secure", "warning", "verified", "relayed", "clear",
    "enrollment", "failed", "send-key", "receive-key", "drop-keys", "wake-up", "state", "pingack",
    "watch-media"};

static struct {
  const gchar *occasion;
  Action action;
  guint times;
} meddling;

static void
meddle (End *end, Line *line, const gchar *what)
{
  if (!g_str_equal (what, meddling.occasion) || meddling.times == 0)
    return;
  meddling.times--; /* or it would never come to an end */
  meddling.action (end, line ? line : &end->line[0]);
}

/* A call with everything in it. */
static void
live (Call *call)
{
  call_start (call);
  call_run (call, call->now + GST_SECOND);
  check (call);
  verify (&call->a, &call->a.line[0]);
  ping (&call->a, &call->a.line[0]);
  call_run (call, call->now + GST_SECOND);
  go_clear (&call->a, NULL);
  call_run (call, call->now + GST_SECOND);
  check (call);
  accept_clear (&call->b, NULL);
  call_run (call, call->now + GST_SECOND);
  check (call);
  go_secure (&call->b, NULL);
  call_run (call, call->now + GST_SECOND);
  check (call);
  if (call->b.line[0].stream) { /* the peer is restarted */
    gst_zrtp_stream_stop (call->b.line[0].stream);
    gst_zrtp_stream_start (call->b.line[0].stream, call->now);
  }
  call_run (call, call->now + 20 * GST_SECOND);
  check (call);
}

static void
test_handlers (gconstpointer data)
{
  const guint index = GPOINTER_TO_UINT (data);

  for (guint o = 0; o < G_N_ELEMENTS (occasions); o++)
    for (guint caches = 0; caches < 2; caches++) {
      GstZrtpMemoryCache *cache[2] = {gst_zrtp_memory_cache_new (), gst_zrtp_memory_cache_new ()};
      Call call;

      call_init (&call, 2, "allow-clear=true mitm=true", "allow-clear=true accept-enrollment=true");
      if (caches)
        end_set_caches (&call, cache);
      call.a.user = call.b.session;
      call.b.user = call.a.session;
      call.a.meddle = call.b.meddle = meddle;
      meddling.occasion = occasions[o];
      meddling.action = actions[index].action;
      meddling.times = 5;
      live (&call);
      assert_still_works (&call);
      call_clear (&call);
      g_object_unref (cache[0]);
      g_object_unref (cache[1]);
    }
}

/* The application decides in the moment in which it is told. */
static void
clear_at_once (End *end, Line *line, const gchar *what)
{
  if (g_str_equal (what, "secure") && end->user) {
    end->user = NULL;
    g_assert_true (gst_zrtp_session_go_clear (end->session, NULL));
  }
  if (g_str_equal (what, "clear"))
    gst_zrtp_session_accept_clear (end->session, TRUE, NULL);
}

static void
test_go_clear_when_secure (void)
{
  Call call;

  call_init (&call, 1, "allow-clear=true", "allow-clear=true");
  call.a.meddle = call.b.meddle = clear_at_once;
  call.a.user = &call;
  call_start (&call);
  call_run (&call, call.now + GST_SECOND);
  g_assert_cmpint (line_state (&call.a.line[0]), ==, GST_ZRTP_STATE_CLEAR);
  g_assert_cmpint (line_state (&call.b.line[0]), ==, GST_ZRTP_STATE_CLEAR);
  assert_log (&call.a, "secure:0:dh clear:0:by-us");
  assert_log (&call.b, "secure:0:dh clear:0:by-peer:waiting clear:0:by-peer");
  g_assert_cmpuint (call.a.line[0].n_drops, ==, 1);
  call_clear (&call);
}

/* --- In any order ------------------------------------------------------------------------------------------------ */

static GRand *dice;

static void
act_at_random (End *end)
{
  actions[g_rand_int_range (dice, 0, G_N_ELEMENTS (actions) - 1)].action (
      end, &end->line[g_rand_int_range (dice, 0, end->n_lines)]);
}

static void
meddle_at_random (End *end, Line *line, const gchar *what)
{
  static guint depth;

  if (depth > 2 || g_rand_int_range (dice, 0, 20) > 0)
    return;
  depth++;
  act_at_random (end);
  depth--;
}

static void
test_any_order (void)
{
  const guint n = g_test_slow () ? 2000 : 100;

  for (guint seed = 0; seed < n; seed++) {
    GstZrtpMemoryCache *cache[2] = {gst_zrtp_memory_cache_new (), gst_zrtp_memory_cache_new ()};
    Call call;

    dice = g_rand_new_with_seed (seed);
    call_init (&call, 1 + seed % 3, EVERYTHING, EVERYTHING);
    if (seed % 4)
      end_set_caches (&call, cache);
    call.a.user = call.b.session;
    call.b.user = call.a.session;
    call.a.meddle = call.b.meddle = meddle_at_random;
    for (guint i = 0; i < 60; i++) {
      act_at_random (g_rand_boolean (dice) ? &call.a : &call.b);
      if (g_rand_boolean (dice))
        call_settle (&call);
      else
        call_run (&call, call.now + g_rand_int_range (dice, 1, 3000) * GST_MSECOND);
      check (&call);
    }
    assert_still_works (&call);
    call_clear (&call);
    g_rand_free (dice);
    g_object_unref (cache[0]);
    g_object_unref (cache[1]);
  }
}

/* --- From many threads ---------------------------------------------------------------------------------------------- */

static gint enough;

static gpointer
bother (gpointer data)
{
  static const Action from_anywhere[] = {go_clear, accept_clear, refuse_clear, go_secure, verify,
      accept_enrollment, relay, relay_turned, look, change_settings, change_hello_hash};
  End *end = data;

  for (guint i = 0; !g_atomic_int_get (&enough); i++) {
    from_anywhere[i % G_N_ELEMENTS (from_anywhere)](end, &end->line[i % end->n_lines]);
    g_usleep (50);
  }
  return NULL;
}

static void
test_threads (void)
{
  const gint64 until = g_get_monotonic_time () + (g_test_slow () ? 20 : 1) * G_TIME_SPAN_SECOND;
  GstZrtpMemoryCache *cache[2] = {gst_zrtp_memory_cache_new (), gst_zrtp_memory_cache_new ()};
  GThread *threads[4];
  Call call;

  call_init (&call, 2, EVERYTHING, EVERYTHING);
  end_set_caches (&call, cache);
  call.a.user = call.b.session;
  call.b.user = call.a.session;
  g_atomic_int_set (&enough, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("bother", bother, i % 2 ? &call.a : &call.b);
  while (g_get_monotonic_time () < until) {
    call_start (&call);
    call_run (&call, call.now + 10 * GST_SECOND);
    for (guint i = 0; i < 2; i++) {
      gst_zrtp_stream_stop (call.a.line[i].stream);
      gst_zrtp_stream_stop (call.b.line[i].stream);
    }
  }
  g_atomic_int_set (&enough, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_object_set (call.a.session, "aux-secret", NULL, NULL);
  assert_still_works (&call);
  call_clear (&call);
  g_object_unref (cache[0]);
  g_object_unref (cache[1]);
}

/* --- While another thread is told --------------------------------------------------------------------------------------- */

/* A cache on a slow disk. */
typedef struct {
  GObject parent;
  GstZrtpMemoryCache *cache;
  gint is_slow, is_storing;
} SlowCache;

typedef GObjectClass SlowCacheClass;

static GType slow_cache_get_type (void);
static void slow_cache_iface_init (GstZrtpCacheInterface *iface);

G_DEFINE_TYPE_WITH_CODE (SlowCache, slow_cache, G_TYPE_OBJECT,
    G_IMPLEMENT_INTERFACE (GST_TYPE_ZRTP_CACHE, slow_cache_iface_init))

static GBytes *
slow_get_zid (GstZrtpCache *cache, const gchar *local_uri, const gchar *peer_uri, GError **error)
{
  return gst_zrtp_cache_get_zid (
      GST_ZRTP_CACHE (((SlowCache *) cache)->cache), local_uri, peer_uri, error);
}

static gboolean
slow_lookup (GstZrtpCache *cache, GBytes *zid, GBytes *peer_zid, GList **records, GError **error)
{
  return gst_zrtp_cache_lookup (
      GST_ZRTP_CACHE (((SlowCache *) cache)->cache), zid, peer_zid, records, error);
}

static gboolean
slow_update (
    GstZrtpCache *cache, GBytes *zid, GBytes *peer_zid, GstZrtpChange *change, GError **error)
{
  SlowCache *self = (SlowCache *) cache;

  g_atomic_int_set (&self->is_storing, TRUE);
  while (g_atomic_int_get (&self->is_slow))
    g_usleep (1000);
  return gst_zrtp_cache_update (GST_ZRTP_CACHE (self->cache), zid, peer_zid, change, error);
}

static void
slow_cache_iface_init (GstZrtpCacheInterface *iface)
{
  iface->get_zid = slow_get_zid;
  iface->lookup = slow_lookup;
  iface->update = slow_update;
}

static void
slow_cache_finalize (GObject *object)
{
  g_object_unref (((SlowCache *) object)->cache);
  G_OBJECT_CLASS (slow_cache_parent_class)->finalize (object);
}

static void
slow_cache_class_init (SlowCacheClass *klass)
{
  klass->finalize = slow_cache_finalize;
}

static void
slow_cache_init (SlowCache *self)
{
  self->cache = gst_zrtp_memory_cache_new ();
}

static gpointer
verify_from_outside (gpointer end)
{
  verify (end, NULL);
  return NULL;
}

/* Events come before packets. While the application's thread is at the cache, what the driver's packets
 * bring waits for it, and so must the answers; then the driver is told. */
static void
test_no_packet_before_its_events (void)
{
  SlowCache *cache = g_object_new (slow_cache_get_type (), NULL);
  GstZrtpMemoryCache *memory = gst_zrtp_memory_cache_new ();
  GThread *thread;
  GBytes *packet;
  Call call;

  call_init (&call, 1, "", "");
  g_object_set (call.a.session, "cache", cache, NULL);
  g_object_set (call.b.session, "cache", memory, NULL);
  g_object_unref (memory);
  call_talk (&call);
  g_atomic_int_set (&cache->is_storing, FALSE);
  g_atomic_int_set (&cache->is_slow, TRUE);
  thread = g_thread_new ("application", verify_from_outside, &call.a);
  while (!g_atomic_int_get (&cache->is_storing))
    g_usleep (1000);

  gst_zrtp_stream_ping (call.a.line[0].stream, call.now);
  g_assert_null (gst_zrtp_stream_poll_packet (call.a.line[0].stream));
  g_assert_cmpint (line_state (&call.a.line[0]), ==, GST_ZRTP_STATE_SECURE); /* no lock is held */
  g_atomic_int_set (&call.a.line[0].n_wake_ups, 0);
  g_atomic_int_set (&cache->is_slow, FALSE);
  g_thread_join (thread);
  g_assert_cmpint (g_atomic_int_get (&call.a.line[0].n_wake_ups), ==, 1);
  packet = gst_zrtp_stream_poll_packet (call.a.line[0].stream);
  g_assert_nonnull (packet);
  g_bytes_unref (packet);
  call_clear (&call);
  g_object_unref (cache);
}

/* --- With nothing ----------------------------------------------------------------------------------------------------------- */

static guint n_criticals;

static void
count_criticals (const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer unused)
{
  n_criticals += (level & G_LOG_LEVEL_CRITICAL) != 0;
}

static void
test_nothing (void)
{
  const GLogLevelFlags fatal = g_log_set_always_fatal (G_LOG_FATAL_MASK);
  GLogFunc handler = g_log_set_default_handler (count_criticals, NULL);
  GstZrtpSession *session = gst_zrtp_session_new ();
  GstZrtpStream *stream = gst_zrtp_session_get_stream (session, "a");
  GstZrtpMemoryCache *memory = gst_zrtp_memory_cache_new ();
  GList *records = NULL;
  GBytes *zid = g_bytes_new_static ("twelve octets", 12);
  GError *error = NULL;
  guint before;

#define REFUSED(call)                                                                              \
  G_STMT_START                                                                                     \
  {                                                                                                \
    before = n_criticals;                                                                          \
    call;                                                                                          \
    g_assert_cmpuint (n_criticals, ==, before + 1);                                                \
  }                                                                                                \
  G_STMT_END
  REFUSED (gst_zrtp_session_get_stream (session, NULL));
  REFUSED (gst_zrtp_session_get_stream (NULL, "a"));
  REFUSED (gst_zrtp_session_verify_sas (NULL, TRUE));
  REFUSED (gst_zrtp_session_check (NULL, &error));
  REFUSED (gst_zrtp_session_get_sas_hash (NULL));
  REFUSED (gst_zrtp_session_export_key (NULL, "a", 1, &error));
  REFUSED (gst_zrtp_session_export_key (session, NULL, 1, &error));
  REFUSED (gst_zrtp_session_set_sdes_keys (NULL, NULL, NULL, &error));
  REFUSED (gst_zrtp_session_go_clear (NULL, &error));
  REFUSED (gst_zrtp_session_accept_clear (NULL, TRUE, &error));
  REFUSED (gst_zrtp_session_go_secure (NULL, &error));
  REFUSED (gst_zrtp_session_accept_enrollment (NULL, TRUE, &error));
  REFUSED (gst_zrtp_session_relay_sas (NULL, session, &error));
  REFUSED (gst_zrtp_session_relay_sas (session, NULL, &error));
  REFUSED (gst_zrtp_session_relay_sas (session, (GstZrtpSession *) stream, &error));
  REFUSED (gst_zrtp_session_go_clear ((GstZrtpSession *) stream, &error));
  REFUSED (gst_zrtp_stream_start (NULL, 1));
  REFUSED (gst_zrtp_stream_stop (NULL));
  REFUSED (gst_zrtp_stream_retry (NULL, 1));
  REFUSED (gst_zrtp_stream_handle_packet (NULL, (const guint8 *) "", 0, 1));
  REFUSED (gst_zrtp_stream_handle_packet (stream, NULL, 5, 1));
  REFUSED (gst_zrtp_stream_handle_timeout (NULL, 1));
  REFUSED (gst_zrtp_stream_get_next_timeout (NULL));
  REFUSED (gst_zrtp_stream_poll_packet (NULL));
  REFUSED (gst_zrtp_stream_srtp_authenticated (NULL, 1));
  REFUSED (gst_zrtp_stream_media_received (NULL, 1));
  REFUSED (gst_zrtp_stream_ping (NULL, 1));
  REFUSED (gst_zrtp_stream_get_hello_hashes (NULL));
  REFUSED (gst_zrtp_stream_take_send_key (NULL));
  REFUSED (gst_zrtp_stream_take_receive_key (NULL));
  REFUSED (gst_zrtp_stream_get_state (NULL));
  REFUSED (gst_zrtp_packet_is_zrtp (NULL, 5));
  REFUSED (gst_zrtp_cache_get_zid (NULL, NULL, NULL, &error));
  REFUSED (gst_zrtp_cache_lookup (GST_ZRTP_CACHE (memory), zid, NULL, &records, &error));
  REFUSED (gst_zrtp_cache_update (GST_ZRTP_CACHE (memory), zid, zid, NULL, &error));
  REFUSED (gst_zrtp_message_parse_clear (NULL, NULL, NULL));
  REFUSED (gst_zrtp_message_parse_enrollment (NULL, NULL, NULL));
  REFUSED (gst_zrtp_message_parse_sas_relayed (NULL, NULL, NULL, NULL));
  g_assert_no_error (error);
  g_assert_false (gst_zrtp_packet_is_zrtp (NULL, 0));
  g_assert_false (gst_zrtp_stream_handle_packet (stream, NULL, 0, 1));
  g_assert_true (gst_zrtp_cache_lookup (GST_ZRTP_CACHE (memory), zid, zid, &records, &error));
  g_assert_null (records);
  g_assert_no_error (error);
  gst_object_unref (stream);
  gst_object_unref (session);
  g_object_unref (memory);
  g_bytes_unref (zid);
  g_log_set_default_handler (handler, NULL);
  g_log_set_always_fatal (fatal);
}

/* A stream that was not got from a session has one all the same; and a second one of a name is of no use,
 * but does no harm. */
static void
test_streams_of_their_own (void)
{
  GstZrtpStream *lonely = g_object_new (GST_TYPE_ZRTP_STREAM, "ssrc", 5, NULL);
  GstZrtpSession *session = gst_zrtp_stream_get_session (lonely);
  GstZrtpStream *again = gst_zrtp_session_get_stream (session, "zrtp");
  GstZrtpStream *twin =
      g_object_new (GST_TYPE_ZRTP_STREAM, "session", session, "connection-id", "zrtp", NULL);

  gst_object_ref_sink (lonely);
  gst_object_ref_sink (twin);
  g_assert_true (again == lonely);
  g_assert_true (twin != lonely);
  gst_zrtp_stream_start (lonely, 1);
  gst_zrtp_stream_start (twin, 1);
  gst_zrtp_session_go_clear (session, NULL);
  gst_object_unref (twin);
  gst_object_unref (again);
  gst_object_unref (lonely);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (actions); i++) {
    gchar *path = g_strconcat ("/misuse/handlers/", actions[i].name, NULL);

    g_test_add_data_func (path, GUINT_TO_POINTER (i), test_handlers);
    g_free (path);
  }
  g_test_add_func ("/misuse/go-clear-when-secure", test_go_clear_when_secure);
  g_test_add_func ("/misuse/any-order", test_any_order);
  g_test_add_func ("/misuse/threads", test_threads);
  g_test_add_func ("/misuse/no-packet-before-its-events", test_no_packet_before_its_events);
  g_test_add_func ("/misuse/nothing", test_nothing);
  g_test_add_func ("/misuse/streams-of-their-own", test_streams_of_their_own);
  return g_test_run ();
}
