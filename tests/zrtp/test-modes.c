/* What RFC 6189 has beyond a single stream with DH: several streams, clear mode, Preshared, auxsecret, a
 * PBX, protected signalling, a peer that was restarted. Driven by hand, in virtual time.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/zrtp/hands.h"

/* --- Records --------------------------------------------------------------------------------------------- */

static void
caches_init (GstZrtpMemoryCache *cache[2])
{
  cache[0] = gst_zrtp_memory_cache_new ();
  cache[1] = gst_zrtp_memory_cache_new ();
}

static void
caches_clear (GstZrtpMemoryCache *cache[2])
{
  g_object_unref (cache[0]);
  g_object_unref (cache[1]);
}

/* What `cache[i]` has of the other one. */
static GstZrtpRecord *
look_up (GstZrtpMemoryCache *cache[2], guint i)
{
  GBytes *zid = gst_zrtp_cache_get_zid (GST_ZRTP_CACHE (cache[i]), NULL, NULL, NULL);
  GBytes *peer_zid = gst_zrtp_cache_get_zid (GST_ZRTP_CACHE (cache[!i]), NULL, NULL, NULL);
  GList *records = NULL;
  GstZrtpRecord *record;

  g_assert_true (gst_zrtp_cache_lookup (GST_ZRTP_CACHE (cache[i]), zid, peer_zid, &records, NULL));
  record = records ? g_object_ref (records->data) : NULL;
  g_assert_cmpuint (g_list_length (records), <=, 1);
  g_list_free_full (records, g_object_unref);
  g_bytes_unref (zid);
  g_bytes_unref (peer_zid);
  return record;
}

static void
put (GstZrtpMemoryCache *cache[2], guint i, GstZrtpRecord *record)
{
  GBytes *zid = gst_zrtp_cache_get_zid (GST_ZRTP_CACHE (cache[i]), NULL, NULL, NULL);
  GBytes *peer_zid = gst_zrtp_cache_get_zid (GST_ZRTP_CACHE (cache[!i]), NULL, NULL, NULL);

  g_object_set (record, "zid", zid, "peer-zid", peer_zid, NULL);
  g_assert_true (gst_zrtp_cache_put (GST_ZRTP_CACHE (cache[i]), record, NULL));
  g_bytes_unref (zid);
  g_bytes_unref (peer_zid);
  g_object_unref (record);
}

static GBytes *
get_secret (GstZrtpMemoryCache *cache[2], guint i, const gchar *name)
{
  GstZrtpRecord *record = look_up (cache, i);
  GBytes *secret = NULL;

  if (record)
    g_object_get (record, name, &secret, NULL);
  g_clear_object (&record);
  return secret;
}

/* Both have it, and it is the same. */
static void
assert_shared (GstZrtpMemoryCache *cache[2], const gchar *name)
{
  GBytes *a = get_secret (cache, 0, name), *b = get_secret (cache, 1, name);

  g_assert_true (a && b);
  g_assert_cmpuint (g_bytes_get_size (a), ==, 32);
  g_assert_true (g_bytes_equal (a, b));
  g_bytes_unref (a);
  g_bytes_unref (b);
}

/* A call whose SAS is compared, so that both know each other. */
static void
get_acquainted (GstZrtpMemoryCache *cache[2])
{
  Call call;

  caches_init (cache);
  call_init (&call, 1, "", "");
  end_set_caches (&call, cache);
  call_talk (&call);
  gst_zrtp_session_verify_sas (call.a.session, TRUE);
  gst_zrtp_session_verify_sas (call.b.session, TRUE);
  call_clear (&call);
}

static void
assert_error (GError **error, GQuark domain, gint code, const gchar *says)
{
  g_assert_error (*error, domain, code);
  g_assert_nonnull (strstr ((*error)->message, says));
  g_clear_error (error);
}

static void
assert_failed (GError **error, const gchar *says)
{
  assert_error (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_FAILED, says);
}

/* --- Several streams ----------------------------------------------------------------------------------------- */

static void
assert_one_sas (Call *call)
{
  gchar *a = get_sas (&call->a), *b = get_sas (&call->b);

  g_assert_nonnull (a);
  g_assert_cmpstr (a, ==, b);
  for (guint i = 0; i < call->a.n_lines; i++)
    g_assert_cmpstr (get_field (&call->a.line[i], "sas"), ==, a);
  g_free (a);
  g_free (b);
}

/* All at once: one exchange, the others wait for it. */
static void
test_multistream (void)
{
  GstZrtpMemoryCache *cache[2];
  GBytes *before, *after;
  Call call;

  caches_init (cache);
  call_init (&call, 3, "", "");
  end_set_caches (&call, cache);
  call_talk (&call);
  assert_log (&call.a, "secure:0:dh secure:1:multistream secure:2:multistream");
  assert_log (&call.b, "secure:0:dh secure:1:multistream secure:2:multistream");
  assert_one_sas (&call);
  g_assert_false (g_bytes_equal (call.a.line[0].send_key, call.a.line[1].send_key));
  g_assert_false (g_bytes_equal (call.a.line[1].send_key, call.a.line[2].send_key));

  /* the SAS is for all, and only the first stream's secret is kept, §4.6.1 */
  before = get_secret (cache, 0, "rs1");
  assert_shared (cache, "rs1");
  gst_zrtp_session_verify_sas (call.a.session, TRUE);
  call_settle (&call);
  assert_log (&call.a, "verified:1");
  after = get_secret (cache, 0, "rs1");
  g_assert_true (g_bytes_equal (before, after));
  g_bytes_unref (before);
  g_bytes_unref (after);
  call_clear (&call);
  caches_clear (cache);
}

/* One more, a minute later. Its stream was there, but nobody had started it. */
static void
test_later_stream (void)
{
  Call call;

  call_init (&call, 2, "", "");
  gst_zrtp_stream_start (call.a.line[0].stream, call.now);
  gst_zrtp_stream_start (call.b.line[0].stream, call.now);
  call_settle (&call);
  assert_line_secure (&call, 0);
  call_run (&call, call.now + 60 * GST_SECOND);
  gst_zrtp_session_verify_sas (call.a.session, TRUE);
  gst_zrtp_session_verify_sas (call.b.session, TRUE);
  call_talk (&call);
  assert_log (&call.a, "secure:0:dh verified:1 secure:1:multistream");
  g_assert_true (get_flag (&call.a.line[1], "sas-verified"));
  assert_one_sas (&call);
  call_clear (&call);
}

/* The first stream may end, or begin again, and the call goes on: same SAS, verified or to be verified. */
static void
test_first_stream_ends (void)
{
  GstZrtpMemoryCache *cache[2];
  gchar *before, *after;
  GstZrtpRecord *record;
  gboolean verified;
  Call call;

  caches_init (cache);
  call_init (&call, 2, "", "");
  end_set_caches (&call, cache);
  call_talk (&call);
  before = get_sas (&call.a);
  gst_zrtp_stream_stop (call.a.line[0].stream);
  gst_zrtp_stream_stop (call.b.line[0].stream);
  after = get_sas (&call.a);
  g_assert_cmpstr (before, ==, after);
  g_free (after);
  assert_line_secure (&call, 1);
  gst_zrtp_session_verify_sas (call.a.session, TRUE);
  record = look_up (cache, 0);
  g_object_get (record, "sas-verified", &verified, NULL);
  g_assert_true (verified);
  g_object_unref (record);

  forget_logs (&call);
  call_talk (&call);
  assert_log (&call.a, "secure:0:multistream");
  assert_one_sas (&call);
  g_assert_true (get_flag (&call.a.line[0], "sas-verified"));
  g_free (before);
  call_clear (&call);
  caches_clear (cache);
}

/* When all have ended, so has the call; even if a stream that never began keeps its Hello, whose hash may
 * be in the signalling. The next call has another peer. */
static void
test_call_ends (void)
{
  gchar *hash[2], *sas[2];
  Call call;

  call_init (&call, 2, "", "");
  g_object_get (call.a.line[1].stream, "hello-hash", &hash[0], NULL);
  for (guint i = 0; i < 2; i++) {
    gst_zrtp_stream_start (call.a.line[0].stream, call.now);
    gst_zrtp_stream_start (call.b.line[0].stream, call.now);
    call_settle (&call);
    assert_line_secure (&call, 0);
    assert_log (&call.a, "secure:0:dh");
    sas[i] = get_sas (&call.a);
    gst_zrtp_stream_stop (call.a.line[0].stream);
    gst_zrtp_stream_stop (call.b.line[0].stream);
    g_assert_null (get_sas (&call.a));
    g_assert_null (gst_zrtp_session_get_sas_hash (call.a.session));
    g_assert_null (gst_zrtp_session_export_key (call.a.session, "chat", 16, NULL));
  }
  g_assert_cmpstr (sas[0], !=, sas[1]);
  g_object_get (call.a.line[1].stream, "hello-hash", &hash[1], NULL);
  g_assert_cmpstr (hash[0], ==, hash[1]);
  for (guint i = 0; i < 2; i++) {
    g_free (hash[i]);
    g_free (sas[i]);
  }
  call_clear (&call);
}

/* --- Clear mode ------------------------------------------------------------------------------------------------ */

#define CLEAR "allow-clear=true"

static void
assert_no_keys (Line *line)
{
  g_assert_null (line->send_key);
  g_assert_null (line->receive_key);
  g_assert_null (gst_zrtp_stream_take_send_key (line->stream));
  g_assert_null (gst_zrtp_stream_take_receive_key (line->stream));
}

static void
test_clear (void)
{
  GBytes *old[2];
  gchar *before, *after;
  Call call;

  call_init (&call, 2, CLEAR, CLEAR);
  call_talk (&call);
  g_assert_true (get_flag (&call.a.line[0], "peer-allows-clear"));
  before = get_sas (&call.a);
  forget_logs (&call);
  for (guint i = 0; i < 2; i++)
    old[i] = g_bytes_ref (call.a.line[i].send_key);

  /* It is only asked for: somebody must drive a stream, and is told so. */
  call.a.line[0].n_wake_ups = call.a.line[1].n_wake_ups = 0;
  g_assert_true (gst_zrtp_session_go_clear (call.a.session, NULL));
  g_assert_cmpuint (call.a.line[0].n_wake_ups, ==, 1);
  g_assert_cmpuint (call.a.line[1].n_wake_ups, ==, 1);
  g_assert_cmpint (line_state (&call.a.line[0]), ==, GST_ZRTP_STATE_SECURE);
  gst_zrtp_stream_handle_timeout (call.a.line[0].stream, call.now);
  for (guint i = 0; i < 2; i++) {
    g_assert_cmpint (line_state (&call.a.line[0]), ==, GST_ZRTP_STATE_NEGOTIATING);
    if (i == 0)
      call.a.line[0].woken = FALSE; /* that was driven */
  }
  assert_no_keys (&call.a.line[0]);
  gst_zrtp_stream_handle_timeout (call.a.line[1].stream, call.now);
  assert_no_keys (&call.a.line[1]);
  assert_log (&call.a, "");

  call_settle (&call);
  assert_log (&call.a, "clear:0:by-us clear:1:by-us");
  for (guint i = 0; i < 2; i++) {
    g_assert_cmpint (line_state (&call.a.line[i]), ==, GST_ZRTP_STATE_CLEAR);
    g_assert_cmpint (line_state (&call.b.line[i]), ==, GST_ZRTP_STATE_NEGOTIATING);
    assert_no_keys (&call.b.line[i]);
    g_assert_cmpuint (call.b.line[i].n_drops, ==, 1);
  }
  assert_log (&call.b, "clear:0:by-peer:waiting clear:1:by-peer:waiting");
  call_run (&call, call.now + 60 * GST_SECOND); /* the user of b sleeps */
  assert_log (&call.a, "");
  assert_log (&call.b, "");
  g_assert_true (gst_zrtp_session_accept_clear (call.b.session, TRUE, NULL));
  call_settle (&call);
  assert_log (&call.b, "clear:0:by-peer clear:1:by-peer");
  g_assert_cmpint (line_state (&call.b.line[1]), ==, GST_ZRTP_STATE_CLEAR);

  g_assert_true (gst_zrtp_session_go_secure (call.b.session, NULL));
  call_settle (&call);
  assert_log (&call.a, "secure:0:multistream secure:1:multistream");
  assert_log (&call.b, "secure:0:multistream secure:1:multistream");
  for (guint i = 0; i < 2; i++) {
    assert_line_secure (&call, i);
    g_assert_false (g_bytes_equal (old[i], call.a.line[i].send_key));
    g_assert_false (g_bytes_equal (old[i], call.a.line[i].receive_key));
    g_bytes_unref (old[i]);
  }
  after = get_sas (&call.b);
  g_assert_cmpstr (before, ==, after);
  g_free (before);
  g_free (after);
  call_clear (&call);
}

/* A key that nobody took is not to be had any more. */
static void
test_clear_takes_keys_back (void)
{
  GBytes *key;
  Call call;

  call_init (&call, 1, CLEAR, CLEAR);
  call.a.line[0].leaves_keys = call.b.line[0].leaves_keys = TRUE;
  call_start (&call);
  call_settle (&call);
  key = gst_zrtp_stream_take_send_key (call.a.line[0].stream);
  g_assert_nonnull (key); /* only this one */
  g_bytes_unref (key);
  g_assert_true (gst_zrtp_session_go_clear (call.a.session, NULL));
  call_settle (&call);
  assert_no_keys (&call.a.line[0]);
  assert_no_keys (&call.b.line[0]);
  call_clear (&call);
}

/* The user of b says no. */
static void
test_clear_refused (void)
{
  Call call;

  call_init (&call, 2, CLEAR, CLEAR);
  call_talk (&call);
  forget_logs (&call);
  g_assert_true (gst_zrtp_session_go_clear (call.a.session, NULL));
  call_settle (&call);
  g_assert_true (gst_zrtp_session_accept_clear (call.b.session, FALSE, NULL));
  call_settle (&call);
  assert_log (&call.b, "clear:0:by-peer:waiting clear:1:by-peer:waiting secure:0:multistream "
                       "secure:1:multistream");
  assert_log (&call.a, "clear:0:by-us clear:1:by-us secure:0:multistream secure:1:multistream");
  assert_line_secure (&call, 0);
  assert_line_secure (&call, 1);
  call_clear (&call);
}

/* Back and forth, asked for from either end, by both at once. */
static void
test_clear_toggles (void)
{
  Call call;

  call_init (&call, 2, CLEAR, CLEAR);
  call_talk (&call);
  for (guint i = 0; i < 20; i++) {
    if (i % 3 != 0)
      g_assert_true (gst_zrtp_session_go_clear (call.a.session, NULL));
    if (i % 3 != 1)
      g_assert_true (gst_zrtp_session_go_clear (call.b.session, NULL));
    call_settle (&call);
    gst_zrtp_session_accept_clear (call.a.session, TRUE, NULL);
    gst_zrtp_session_accept_clear (call.b.session, TRUE, NULL);
    call_settle (&call);
    for (guint l = 0; l < 2; l++) {
      g_assert_cmpint (line_state (&call.a.line[l]), ==, GST_ZRTP_STATE_CLEAR);
      g_assert_cmpint (line_state (&call.b.line[l]), ==, GST_ZRTP_STATE_CLEAR);
    }
    g_assert_true (gst_zrtp_session_go_secure (i % 2 ? call.a.session : call.b.session, NULL));
    if (i % 5 == 0)
      g_assert_true (gst_zrtp_session_go_secure (i % 2 ? call.b.session : call.a.session, NULL));
    call_settle (&call);
    assert_line_secure (&call, 0);
    assert_line_secure (&call, 1);
  }
  call_clear (&call);
}

static void
assert_cannot_go_clear (Call *call)
{
  GError *error = NULL;

  for (guint i = 0; i < 2; i++) {
    GstZrtpSession *session = i ? call->b.session : call->a.session;

    g_assert_false (gst_zrtp_session_go_clear (session, NULL));
    g_assert_false (gst_zrtp_session_go_clear (session, &error));
    assert_error (&error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
        "it must be secure, and both ends must have set allow-clear before it began");
  }
}

static void
assert_not_in_clear_mode (Call *call)
{
  GError *error = NULL;

  for (guint i = 0; i < 2; i++) {
    GstZrtpSession *session = i ? call->b.session : call->a.session;

    g_assert_false (gst_zrtp_session_accept_clear (session, TRUE, NULL));
    g_assert_false (gst_zrtp_session_accept_clear (session, TRUE, &error));
    assert_failed (&error, "not in clear mode");
    g_assert_false (gst_zrtp_session_accept_clear (session, FALSE, &error));
    assert_failed (&error, "not in clear mode");
    g_assert_false (gst_zrtp_session_go_secure (session, NULL));
    g_assert_false (gst_zrtp_session_go_secure (session, &error));
    assert_failed (&error, "not in clear mode");
  }
}

static void
test_clear_not_allowed (void)
{
  static const gchar *const settings[][2] = {{"", ""}, {CLEAR, ""}, {"", CLEAR}, {CLEAR, CLEAR}};

  for (guint i = 0; i < G_N_ELEMENTS (settings); i++) {
    Call call;

    call_init (&call, 2, settings[i][0], settings[i][1]);
    assert_cannot_go_clear (&call);
    assert_not_in_clear_mode (&call);
    call_start (&call);
    assert_cannot_go_clear (&call);
    call_settle (&call);
    forget_logs (&call);
    assert_not_in_clear_mode (&call);
    if (i < 3) {
      assert_cannot_go_clear (&call);
      end_set (&call.a, CLEAR); /* too late: A was in the Confirms */
      end_set (&call.b, CLEAR);
      assert_cannot_go_clear (&call);
    }
    call_settle (&call);
    assert_log (&call.a, "");
    assert_log (&call.b, "");
    assert_line_secure (&call, 0);
    for (guint l = 0; l < 2; l++) {
      gst_zrtp_stream_stop (call.a.line[l].stream);
      gst_zrtp_stream_stop (call.b.line[l].stream);
    }
    assert_cannot_go_clear (&call);
    assert_not_in_clear_mode (&call);
    call_clear (&call);
  }
}

/* A wish dies with the call that it was for. */
static void
test_request_of_an_ended_call (void)
{
  Call call;

  call_init (&call, 1, CLEAR, CLEAR);
  call_talk (&call);
  g_assert_true (gst_zrtp_session_go_clear (call.a.session, NULL));
  gst_zrtp_stream_stop (call.a.line[0].stream);
  gst_zrtp_stream_stop (call.b.line[0].stream);
  call.a.line[0].woken = FALSE;
  forget_logs (&call);
  call_talk (&call);
  gst_zrtp_stream_handle_timeout (call.a.line[0].stream, call.now);
  call_run (&call, call.now + 10 * GST_SECOND);
  assert_log (&call.a, "secure:0:dh");
  assert_line_secure (&call, 0);
  call_clear (&call);
}

/* A stream that joins while the call is in clear mode, or on its way there. */
static void
test_stream_joins_in_clear (void)
{
  Call call;

  call_init (&call, 2, CLEAR, CLEAR);
  gst_zrtp_stream_start (call.a.line[0].stream, call.now);
  gst_zrtp_stream_start (call.b.line[0].stream, call.now);
  call_settle (&call);
  g_assert_true (gst_zrtp_session_go_clear (call.a.session, NULL));
  call_settle (&call);
  g_assert_true (gst_zrtp_session_accept_clear (call.b.session, TRUE, NULL));
  call_settle (&call);
  forget_logs (&call);
  call_start (&call);
  call_settle (&call);
  assert_log (&call.a, "secure:1:multistream");
  assert_line_secure (&call, 1);
  g_assert_cmpint (line_state (&call.a.line[0]), ==, GST_ZRTP_STATE_CLEAR);
  g_assert_true (gst_zrtp_session_go_secure (call.a.session, NULL));
  call_settle (&call);
  assert_line_secure (&call, 0);
  assert_line_secure (&call, 1);
  call_clear (&call);
}

/* Nobody compares a SAS over clear media; nothing says that somebody did. */
static void
test_no_verification_in_clear (void)
{
  GstZrtpMemoryCache *cache[2];
  gboolean verified;
  Call call;

  caches_init (cache);
  call_init (&call, 1, CLEAR, CLEAR);
  end_set_caches (&call, cache);
  call_talk (&call);
  g_assert_true (gst_zrtp_session_go_clear (call.a.session, NULL));
  call_settle (&call);
  forget_logs (&call);
  gst_zrtp_session_verify_sas (call.a.session, TRUE);
  g_object_get (call.a.session, "sas-verified", &verified, NULL);
  g_assert_false (verified);
  assert_log (&call.a, "");
  g_assert_true (gst_zrtp_session_go_secure (call.a.session, NULL));
  call_settle (&call);
  gst_zrtp_session_verify_sas (call.a.session, TRUE);
  assert_log (&call.a, "secure:0:multistream verified:1");
  call_clear (&call);
  caches_clear (cache);
}

/* --- Preshared mode ---------------------------------------------------------------------------------------------- */

#define PRESHARED "allow-preshared=true"

static guint
preshared_calls (GstZrtpMemoryCache *cache[2], guint i)
{
  GstZrtpRecord *record = look_up (cache, i);
  guint n;

  g_object_get (record, "preshared-calls", &n, NULL);
  g_object_unref (record);
  return n;
}

/* Ten in a row at most, §4.4.2: "periodically". */
static void
test_preshared (void)
{
  GstZrtpMemoryCache *cache[2];

  get_acquainted (cache);
  for (guint i = 0; i <= 12; i++) { /* the first has no rs2 yet */
    Call call;

    call_init (&call, 2, PRESHARED, PRESHARED);
    end_set_caches (&call, cache);
    call_talk (&call);
    assert_log (&call.a,
        i % 11 ? "secure:0:preshared secure:1:multistream" : "secure:0:dh secure:1:multistream");
    g_assert_true (get_flag (&call.a.line[0], "sas-verified"));
    g_assert_cmpuint (preshared_calls (cache, 0), ==, i % 11);
    g_assert_cmpuint (preshared_calls (cache, 1), ==, i % 11);
    assert_shared (cache, "rs1");
    call_clear (&call);
  }
  caches_clear (cache);
}

/* It must be asked for at both ends, and rest on a compared SAS. */
static void
test_preshared_not_allowed (void)
{
  static const gchar *const settings[][2] = {{"", ""}, {PRESHARED, ""}, {"", PRESHARED}};
  GstZrtpMemoryCache *cache[2];
  Call call;

  get_acquainted (cache);
  for (guint i = 0; i <= G_N_ELEMENTS (settings); i++) { /* in the last call it is used */
    const gboolean last = i == G_N_ELEMENTS (settings);

    call_init (&call, 1, last ? PRESHARED : settings[i][0], last ? PRESHARED : settings[i][1]);
    end_set_caches (&call, cache);
    call_talk (&call);
    assert_log (&call.a, last ? "secure:0:preshared" : "secure:0:dh");
    call_clear (&call);
  }
  for (guint i = 0; i < 2; i++) {
    GstZrtpRecord *record = look_up (cache, i);

    g_object_set (record, "sas-verified", FALSE, NULL);
    put (cache, i, record);
  }
  call_init (&call, 1, PRESHARED, PRESHARED);
  end_set_caches (&call, cache);
  call_talk (&call);
  assert_log (&call.a, "secure:0:dh");
  call_clear (&call);
  caches_clear (cache);
}

/* --- auxsecret ------------------------------------------------------------------------------------------------------ */

static void
set_aux (End *end, const gchar *secret)
{
  GBytes *bytes = secret ? g_bytes_new (secret, strlen (secret)) : NULL;

  g_object_set (end->session, "aux-secret", bytes, NULL);
  g_clear_pointer (&bytes, g_bytes_unref);
}

static void
test_aux_secret (void)
{
  static const struct {
    const gchar *a, *b;
    gboolean mismatch[2];
  } rows[] = {
      {"sesame", "sesame", {FALSE, FALSE}}, {"sesame", "barley", {TRUE, TRUE}},
      {"sesame", NULL, {TRUE, FALSE}}, {NULL, "sesame", {FALSE, TRUE}},
      {"", "sesame", {FALSE, TRUE}}, /* nothing is no secret */
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    Call call;

    call_init (&call, 2, "", "");
    set_aux (&call.a, "something else"); /* the last one counts */
    set_aux (&call.a, rows[i].a);
    set_aux (&call.b, rows[i].b);
    call_talk (&call);
    g_assert_cmpint (get_flag (&call.a.line[0], "aux-mismatch"), ==, rows[i].mismatch[0]);
    g_assert_cmpint (get_flag (&call.b.line[0], "aux-mismatch"), ==, rows[i].mismatch[1]);
    g_assert_false (get_flag (&call.a.line[1], "aux-mismatch")); /* "MUST be ignored" there */
    assert_log (&call.a, rows[i].mismatch[0]
                             ? "secure:0:dh warning:0:aux-mismatch secure:1:multistream"
                             : "secure:0:dh secure:1:multistream");
    call_clear (&call);
  }
}

/* Set before a stream has a Hello, and after: it is in no Hello, so both count. */
static void
test_aux_secret_set_late (void)
{
  Call call;
  gchar *hash;

  call_init (&call, 1, "", "");
  set_aux (&call.b, "sesame");
  g_object_get (call.a.line[0].stream, "hello-hash", &hash, NULL);
  set_aux (&call.a, "sesame");
  call_talk (&call);
  g_assert_false (get_flag (&call.a.line[0], "aux-mismatch"));
  assert_log (&call.a, "secure:0:dh");
  g_free (hash);
  call_clear (&call);
}

static void
test_aux_secret_is_not_shown (void)
{
  GObjectClass *klass = g_type_class_ref (GST_TYPE_ZRTP_SESSION);

  g_assert_false (g_object_class_find_property (klass, "aux-secret")->flags & G_PARAM_READABLE);
  g_type_class_unref (klass);
}

static GBytes *
sdes (guint8 fill, gsize size)
{
  guint8 octets[64];

  memset (octets, fill, sizeof octets);
  return g_bytes_new (octets, size);
}

static void
set_sdes (End *end, guint8 local, guint8 remote)
{
  GBytes *l = local ? sdes (local, 30) : NULL, *r = remote ? sdes (remote, 30) : NULL;

  g_assert_true (gst_zrtp_session_set_sdes_keys (end->session, l, r, NULL));
  g_clear_pointer (&l, g_bytes_unref);
  g_clear_pointer (&r, g_bytes_unref);
}

/* What is ours at one end is the peer's at the other, whoever becomes the initiator. */
static void
test_sdes (void)
{
  static const struct {
    guint8 a[2], b[2];
    gboolean mismatch;
  } rows[] = {
      {{1, 2}, {2, 1}, FALSE},
      {{1, 2}, {1, 2}, TRUE},
      {{1, 2}, {2, 3}, TRUE},
      {{1, 1}, {1, 1}, FALSE},
      {{1, 0}, {0, 1}, FALSE},
      {{1, 0}, {1, 1}, FALSE}, /* the text of the RFC: one key */
      {{1, 0}, {0, 2}, TRUE},
  };

  for (guint i = 0; i < 4 * G_N_ELEMENTS (rows); i++) {
    Call call;

    call_init (&call, 1, "", "");
    set_aux (&call.a, "what was set before does not count");
    set_sdes (&call.a, rows[i / 4].a[0], rows[i / 4].a[1]);
    set_sdes (&call.b, rows[i / 4].b[0], rows[i / 4].b[1]);
    call_talk (&call);
    g_assert_cmpint (get_flag (&call.a.line[0], "aux-mismatch"), ==, rows[i / 4].mismatch);
    g_assert_cmpint (get_flag (&call.b.line[0], "aux-mismatch"), ==, rows[i / 4].mismatch);
    call_clear (&call);
  }
}

static void
test_sdes_lengths (void)
{
  GstZrtpSession *session = gst_zrtp_session_new ();
  GError *error = NULL;

  for (gsize size = 0; size <= 64; size++) {
    const gboolean good =
        size == 0 || size == 28 || size == 30 || size == 38 || size == 44 || size == 46;
    GBytes *key = sdes (1, size), *right = sdes (2, 30);

    g_assert_cmpint (gst_zrtp_session_set_sdes_keys (session, key, right, NULL), ==, good);
    g_assert_cmpint (gst_zrtp_session_set_sdes_keys (session, key, right, &error), ==, good);
    if (!good) {
      g_assert_nonnull (strstr (error->message, "the local SDES key"));
      assert_error (&error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "30, 38 or 46 octets");
    }
    g_assert_cmpint (gst_zrtp_session_set_sdes_keys (session, right, key, &error), ==, good);
    if (!good)
      assert_error (&error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "the remote SDES key");
    g_bytes_unref (key);
    g_bytes_unref (right);
  }
  g_assert_true (gst_zrtp_session_set_sdes_keys (session, NULL, NULL, NULL));
  gst_object_unref (session);
}

/* What was refused changes nothing. */
static void
test_sdes_refused (void)
{
  Call call;
  GBytes *bad = sdes (1, 31), *good = sdes (1, 30);

  call_init (&call, 1, "", "");
  set_aux (&call.a, "sesame");
  set_aux (&call.b, "sesame");
  g_assert_false (gst_zrtp_session_set_sdes_keys (call.a.session, good, bad, NULL));
  call_talk (&call);
  g_assert_false (get_flag (&call.a.line[0], "aux-mismatch"));
  g_bytes_unref (bad);
  g_bytes_unref (good);
  call_clear (&call);
}

/* --- Expiry ------------------------------------------------------------------------------------------------------------ */

static gint64
expires_in (GstZrtpMemoryCache *cache[2], guint i)
{
  GstZrtpRecord *record = look_up (cache, i);
  gint64 expires;

  if (!record)
    return -1;
  g_object_get (record, "expires", &expires, NULL);
  g_object_unref (record);
  return expires == G_MAXINT64 ? G_MAXINT64 : expires - g_get_real_time () / G_USEC_PER_SEC;
}

/* The smaller one of both counts, §4.9. */
static void
test_cache_expiry (void)
{
  static const struct {
    guint a, b;
    gint64 left;
  } rows[] = {{G_MAXUINT32, G_MAXUINT32, G_MAXINT64}, {1000, G_MAXUINT32, 1000}, {1000, 500, 500},
      {0, G_MAXUINT32, -1}, {500, 0, -1}};

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    GstZrtpMemoryCache *cache[2];
    Call call;

    caches_init (cache);
    call_init (&call, 2, "", "");
    end_set_caches (&call, cache);
    g_object_set (call.a.session, "cache-expiry", rows[i].a, NULL);
    g_object_set (call.b.session, "cache-expiry", rows[i].b, NULL);
    call_talk (&call);
    for (guint e = 0; e < 2; e++) {
      g_assert_cmpint (expires_in (cache, e), >=, MIN (rows[i].left, rows[i].left - 2));
      g_assert_cmpint (expires_in (cache, e), <=, rows[i].left);
    }
    call_clear (&call);
    caches_clear (cache);
  }
}

static void
test_record (void)
{
  GstZrtpRecord *record = gst_zrtp_record_new ();
  static const gchar *const secrets[] = {"rs1", "rs2", "pbx-secret"};
  guint8 octets[33] = {7};
  guint n;

  for (guint i = 0; i < G_N_ELEMENTS (secrets); i++) {
    GBytes *value, *good = g_bytes_new (octets, 32);

    g_object_get (record, secrets[i], &value, NULL);
    g_assert_null (value);
    g_object_set (record, secrets[i], good, NULL);
    for (gsize size = 0; size <= 33; size++) {
      GBytes *bad = g_bytes_new (octets, size);

      if (size == 32) {
        g_bytes_unref (bad);
        continue;
      }
      g_test_expect_message ("GStreamer-ZRTP", G_LOG_LEVEL_WARNING, "*has 32 octets, not*");
      g_object_set (record, secrets[i], bad, NULL);
      g_test_assert_expected_messages ();
      g_bytes_unref (bad);
    }
    g_object_get (record, secrets[i], &value, NULL);
    g_assert_true (g_bytes_equal (value, good));
    g_bytes_unref (value);
    g_object_set (record, secrets[i], NULL, NULL);
    g_object_get (record, secrets[i], &value, NULL);
    g_assert_null (value);
    g_bytes_unref (good);
  }
  g_object_set (record, "preshared-calls", 3, NULL);
  g_object_get (record, "preshared-calls", &n, NULL);
  g_assert_cmpuint (n, ==, 3);
  g_object_unref (record);
}

/* --- PBX --------------------------------------------------------------------------------------------------------------------- */

#define PBX "mitm=true"
#define PBX_ENROLLS "mitm=true enroll=true"
#define PHONE "accept-enrollment=true"

/* A phone calls the PBX and enrols with it, if its user wants to. a is the PBX. */
static void
enroll (GstZrtpMemoryCache *cache[2], gboolean accept)
{
  GError *error = NULL;
  Call call;

  call_init (&call, 2, PBX_ENROLLS, PHONE);
  end_set_caches (&call, cache);
  g_assert_false (gst_zrtp_session_accept_enrollment (call.b.session, TRUE, &error));
  assert_failed (&error, "no PBX asks to be trusted");
  call_talk (&call);
  assert_log (&call.b, "secure:0:dh enrollment:0 secure:1:multistream"); /* once, not for each */
  assert_log (&call.a, "secure:0:dh secure:1:multistream");
  g_assert_true (get_flag (&call.b.line[0], "mitm"));
  g_assert_false (get_flag (&call.b.line[0], "enrolled"));
  g_assert_false (gst_zrtp_session_accept_enrollment (call.a.session, TRUE, &error));
  assert_failed (&error, "no PBX asks to be trusted");
  g_assert_true (gst_zrtp_session_accept_enrollment (call.b.session, accept, &error));
  g_assert_no_error (error);
  call_settle (&call);
  call_clear (&call);
}

static void
test_enrollment (void)
{
  GstZrtpMemoryCache *cache[2];
  GBytes *secret;
  Call call;

  caches_init (cache);
  enroll (cache, FALSE);
  secret = get_secret (cache, 1, "pbx-secret");
  g_assert_null (
      secret); /* "MUST NOT store the pbxsecret ... without explicit user authorization" */
  enroll (cache, TRUE);
  assert_shared (cache, "pbx-secret");

  call_init (&call, 2, PBX, "");
  end_set_caches (&call, cache);
  call_talk (&call);
  g_assert_true (get_flag (&call.a.line[0], "enrolled"));
  g_assert_true (get_flag (&call.b.line[0], "enrolled"));
  g_assert_true (get_flag (&call.b.line[1], "enrolled"));
  call_clear (&call);
  assert_shared (cache, "pbx-secret"); /* and stays */
  caches_clear (cache);
}

/* Who does not want to be asked is not, and a phone is no PBX. */
static void
test_enrollment_unwanted (void)
{
  static const gchar *const settings[][2] = {
      {PBX_ENROLLS, ""}, {PBX, PHONE}, {"enroll=true", PHONE}, {"", PHONE}};
  GError *error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (settings); i++) {
    Call call;

    call_init (&call, 1, settings[i][0], settings[i][1]);
    call_talk (&call);
    assert_log (&call.b, "secure:0:dh");
    g_assert_false (gst_zrtp_session_accept_enrollment (call.b.session, TRUE, NULL));
    g_assert_false (gst_zrtp_session_accept_enrollment (call.b.session, TRUE, &error));
    assert_failed (&error, "accept-enrollment must be set before it begins");
    call_clear (&call);
  }
}

/* pbxsecret outlives the retained secrets. */
static void
test_expiry_keeps_pbx_secret (void)
{
  GstZrtpMemoryCache *cache[2];
  GBytes *rs1, *pbx;
  GstZrtpRecord *record;
  Call call;

  caches_init (cache);
  enroll (cache, TRUE);
  for (guint i = 0; i < 2; i++) {
    record = look_up (cache, i);
    g_object_set (record, "expires", (gint64) 1000, NULL);
    put (cache, i, record);
    record = look_up (cache, i);
    g_object_get (record, "rs1", &rs1, "pbx-secret", &pbx, NULL);
    g_assert_null (rs1);
    g_assert_nonnull (pbx);
    g_bytes_unref (pbx);
    g_object_unref (record);
  }
  call_init (&call, 1, PBX, "");
  end_set_caches (&call, cache);
  call_talk (&call);
  g_assert_true (get_flag (&call.b.line[0], "enrolled"));
  g_assert_false (get_flag (&call.b.line[0], "cache-mismatch"));
  assert_shared (cache, "rs1");
  call_clear (&call);
  caches_clear (cache);
}

/* A phone that is enrolled, a stranger, and the PBX between them: a is the PBX in both legs. */
typedef struct {
  GstZrtpMemoryCache *cache[2];
  Call phone, stranger;
} Exchange;

static void
exchange_init (Exchange *exchange, guint n, const gchar *pbx)
{
  caches_init (exchange->cache);
  enroll (exchange->cache, TRUE);
  call_init (&exchange->phone, n, pbx, CLEAR);
  end_set_caches (&exchange->phone, exchange->cache);
  call_init (&exchange->stranger, n, pbx, "sas-types=B256,B32");
}

static void
exchange_clear (Exchange *exchange)
{
  call_clear (&exchange->phone);
  call_clear (&exchange->stranger);
  caches_clear (exchange->cache);
}

static void
exchange_settle (Exchange *exchange)
{
  call_settle (&exchange->phone);
  call_settle (&exchange->stranger);
}

static gboolean
relay (Exchange *exchange, gboolean turned, GError **error)
{
  GstZrtpSession *phone = exchange->phone.a.session, *stranger = exchange->stranger.a.session;

  return turned ? gst_zrtp_session_relay_sas (stranger, phone, error)
                : gst_zrtp_session_relay_sas (phone, stranger, error);
}

static void
test_relay (void)
{
  for (guint turned = 0; turned < 2; turned++) {
    Exchange exchange;
    gchar *sas[2], *own;
    gboolean verified;

    exchange_init (&exchange, 1, "mitm=true sas-types=B256,B32");
    call_talk (&exchange.phone);
    call_talk (&exchange.stranger);
    forget_logs (&exchange.phone);
    own = get_sas (&exchange.phone.b);
    gst_zrtp_session_verify_sas (exchange.phone.b.session, TRUE);
    assert_log (&exchange.phone.b, "verified:1");

    g_assert_true (relay (&exchange, turned, NULL));
    exchange_settle (&exchange);
    assert_log (&exchange.phone.b, "relayed:0:B256:100");
    assert_log (&exchange.stranger.b, "secure:0:dh relayed:0:B256:000");
    sas[0] = get_sas (&exchange.phone.b);
    sas[1] = get_sas (&exchange.stranger.b);
    g_assert_cmpstr (sas[0], ==, sas[1]);
    g_assert_cmpstr (sas[0], !=, own);
    /* this one was not compared yet */
    g_object_get (exchange.phone.b.session, "sas-verified", &verified, NULL);
    g_assert_false (verified);
    g_free (sas[0]);
    g_free (sas[1]);
    g_free (own);

    /* it may be said again */
    g_assert_true (relay (&exchange, turned, NULL));
    exchange_settle (&exchange);
    exchange_clear (&exchange);
  }
}

static void
test_relay_refused (void)
{
  GError *error = NULL;
  Exchange exchange;
  Call other;

  exchange_init (&exchange, 1, PBX);
  g_assert_false (relay (&exchange, FALSE, NULL));
  g_assert_false (relay (&exchange, FALSE, &error));
  assert_failed (&error, "both calls must be secure, and mitm be set in both");
  call_talk (&exchange.phone);
  g_assert_false (relay (&exchange, FALSE, &error));
  assert_failed (&error, "both calls must be secure");
  g_assert_false (relay (&exchange, TRUE, &error));
  assert_failed (&error, "both calls must be secure");
  call_talk (&exchange.stranger);
  forget_logs (&exchange.phone);
  forget_logs (&exchange.stranger);

  g_assert_false (
      gst_zrtp_session_relay_sas (exchange.phone.a.session, exchange.phone.a.session, &error));
  assert_error (&error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "between two calls");
  /* a phone has nothing to relay */
  g_assert_false (
      gst_zrtp_session_relay_sas (exchange.phone.b.session, exchange.stranger.b.session, &error));
  assert_failed (&error, "mitm be set in both");
  /* two strangers: "the PBX MUST NOT relay the SAS" */
  call_init (&other, 1, PBX, "");
  call_talk (&other);
  forget_logs (&other);
  g_assert_false (
      gst_zrtp_session_relay_sas (other.a.session, exchange.stranger.a.session, &error));
  assert_failed (&error, "neither peer is enrolled");
  call_settle (&other);
  exchange_settle (&exchange);
  assert_log (&other.b, "");
  assert_log (&exchange.phone.b, "");
  assert_log (&exchange.stranger.b, "");
  call_clear (&other);
  exchange_clear (&exchange);
}

/* Neither the way to clear mode and back, nor a further stream, makes the PBX a stranger. */
static void
test_relay_after_clear (void)
{
  GError *error = NULL;
  Exchange exchange;

  exchange_init (&exchange, 2, "mitm=true allow-clear=true sas-types=B32");
  call_talk (&exchange.phone);
  call_talk (&exchange.stranger);
  g_assert_true (gst_zrtp_session_go_clear (exchange.phone.a.session, NULL));
  exchange_settle (&exchange);
  forget_logs (&exchange.phone);
  g_assert_false (relay (&exchange, FALSE, &error));
  assert_failed (&error, "both calls must be secure");
  g_assert_true (gst_zrtp_session_go_secure (exchange.phone.b.session, &error));
  exchange_settle (&exchange);
  assert_log (&exchange.phone.b, "secure:0:multistream secure:1:multistream");
  g_assert_true (relay (&exchange, FALSE, &error));
  exchange_settle (&exchange);
  assert_log (&exchange.phone.b, "relayed:0:B32:100");
  exchange_clear (&exchange);
}

/* --- Signalling ------------------------------------------------------------------------------------------------------------------ */

static void
test_hello_hashes (void)
{
  GstZrtpSession *session = gst_zrtp_session_new ();
  GstZrtpStream *stream = gst_zrtp_session_get_stream (session, "a");
  gchar **hashes = gst_zrtp_stream_get_hello_hashes (stream), *hash;

  g_object_get (stream, "hello-hash", &hash, NULL);
  g_assert_cmpuint (g_strv_length (hashes), ==, 1);
  g_assert_cmpstr (hashes[0], ==, hash);
  g_assert_true (g_str_has_prefix (hash, "1.10 "));
  g_strfreev (hashes);
  g_free (hash);
  gst_object_unref (stream);
  gst_object_unref (session);
}

static void
exchange_hello_hashes (Call *call)
{
  for (guint i = 0; i < 2; i++) {
    Line *line = i ? &call->b.line[0] : &call->a.line[0];
    Line *peer = i ? &call->a.line[0] : &call->b.line[0];
    gchar *hash;

    g_object_get (peer->stream, "hello-hash", &hash, NULL);
    g_object_set (line->stream, "peer-hello-hash", hash, NULL);
    g_free (hash);
  }
}

/* §8.1.1: the signalling vouches for the exchange, so a secret that is missing is replaced at once. */
static void
test_signalling_integrity (void)
{
  for (guint integrity = 0; integrity < 2; integrity++) {
    const gchar *setting = integrity ? "signalling-integrity=true" : "";
    GstZrtpMemoryCache *cache[2];
    Call call;

    get_acquainted (cache);
    put (cache, 1, gst_zrtp_record_new ()); /* b forgets a */
    call_init (&call, 1, setting, setting);
    end_set_caches (&call, cache);
    exchange_hello_hashes (&call);
    call_talk (&call);
    assert_log (&call.a, "secure:0:dh warning:0:cache-mismatch");
    g_assert_cmpint (get_flag (&call.a.line[0], "signalling-integrity"), ==, integrity);
    g_assert_false (get_flag (&call.a.line[0], "sas-verified"));
    if (integrity) {
      assert_shared (cache, "rs1");
    } else {
      GBytes *a = get_secret (cache, 0, "rs1"), *b = get_secret (cache, 1, "rs1");

      g_assert_false (g_bytes_equal (a, b)); /* a waits for the SAS, §4.6.1.1 */
      g_bytes_unref (a);
      g_bytes_unref (b);
    }
    call_clear (&call);
    caches_clear (cache);
  }
}

/* The flag alone vouches for nothing. */
static void
test_signalling_without_hash (void)
{
  Call call;

  call_init (&call, 1, "signalling-integrity=true", "signalling-integrity=true");
  call_talk (&call);
  g_assert_false (get_flag (&call.a.line[0], "signalling-integrity"));
  call_clear (&call);
}

static void
test_disclosure (void)
{
  Call call;

  call_init (&call, 2, "disclosure=true", "");
  call_talk (&call);
  g_assert_true (get_flag (&call.b.line[0], "peer-disclosure"));
  g_assert_true (get_flag (&call.b.line[1], "peer-disclosure"));
  g_assert_false (get_flag (&call.a.line[0], "peer-disclosure"));
  g_assert_cmpstr (get_field (&call.a.line[0], "signature"), ==, "");
  call_clear (&call);
}

/* --- Ping ----------------------------------------------------------------------------------------------------------------------------- */

static void
test_ping (void)
{
  gchar *answer, *hash;
  guint ssrc;
  Call call;

  call_init (&call, 1, "", "");
  g_object_get (call.a.line[0].stream, "ssrc", &ssrc, "hello-hash", &hash, NULL);
  g_free (hash);
  answer = g_strdup_printf ("pingack:0:%08x", ssrc);
  gst_zrtp_stream_ping (call.a.line[0].stream, call.now); /* before it began: nothing to ask with */
  g_assert_null (gst_zrtp_stream_poll_packet (call.a.line[0].stream));
  call_start (&call);
  gst_zrtp_stream_ping (call.a.line[0].stream, call.now);
  call_settle (&call);
  g_assert_nonnull (strstr (call.a.log->str, answer));
  forget_logs (&call);
  gst_zrtp_stream_ping (call.a.line[0].stream, call.now); /* when secure too */
  call_settle (&call);
  assert_log (&call.a, answer);
  call.b.line[0].dead = TRUE;
  gst_zrtp_stream_ping (call.a.line[0].stream, call.now);
  call_run (&call, call.now + 60 * GST_SECOND); /* nobody answers: it ends by itself */
  assert_log (&call.a, "");
  g_assert_cmpuint (
      gst_zrtp_stream_get_next_timeout (call.a.line[0].stream), ==, GST_CLOCK_TIME_NONE);
  g_free (answer);
  call_clear (&call);
}

/* --- A peer that was restarted ------------------------------------------------------------------------------------------------------------ */

static void
restart_peer (Call *call)
{
  for (guint i = 0; i < call->b.n_lines; i++)
    gst_zrtp_stream_stop (call->b.line[i].stream);
  for (guint i = 0; i < call->b.n_lines; i++)
    gst_zrtp_stream_start (call->b.line[i].stream, call->now);
}

static void
check_restart (void)
{
  GstZrtpMemoryCache *cache[2];
  gchar *sas[2];
  Call call;

  caches_init (cache);
  call_init (&call, 2, "", "");
  end_set_caches (&call, cache);
  call_talk (&call);
  sas[0] = get_sas (&call.a);
  gst_zrtp_session_verify_sas (call.a.session, TRUE);
  gst_zrtp_session_verify_sas (call.b.session, TRUE);
  forget_logs (&call);

  restart_peer (&call);
  call_settle (&call);
  g_assert_cmpuint (call.a.line[0].n_watches, ==, 1); /* is the old one still there? */
  g_assert_cmpint (line_state (&call.a.line[0]), ==, GST_ZRTP_STATE_SECURE);
  call_run (&call, call.now + 30 * GST_SECOND);
  assert_line_secure (&call, 0);
  assert_line_secure (&call, 1);
  assert_log (&call.a, "secure:0:dh secure:1:multistream");
  sas[1] = get_sas (&call.a);
  g_assert_cmpstr (sas[0], !=, sas[1]);
  assert_one_sas (&call);
  assert_shared (cache, "rs1");
  g_assert_true (get_flag (&call.a.line[0], "sas-verified"));

  /* what is asked of the call concerns the new first stream */
  gst_zrtp_session_verify_sas (call.a.session, FALSE);
  assert_log (&call.a, "verified:0");
  g_free (sas[0]);
  g_free (sas[1]);
  call_clear (&call);
  caches_clear (cache);
}

/* Often enough that each end was the initiator of the new exchange. */
static void
test_restart (void)
{
  for (guint i = 0; i < 20; i++)
    check_restart ();
}

/* The good tag of one packet shows that the peer is where it was. */
static void
test_restart_of_somebody_else (void)
{
  GstZrtpMemoryCache *cache[2];
  Call call;

  caches_init (cache);
  call_init (&call, 1, "", "");
  end_set_caches (&call, cache);
  call_talk (&call);
  forget_logs (&call);
  restart_peer (&call);
  for (guint i = 0; i < 100; i++) {
    call_run (&call, call.now + 100 * GST_MSECOND);
    gst_zrtp_stream_srtp_authenticated (call.a.line[0].stream, call.now);
  }
  assert_log (&call.a, "");
  g_assert_cmpint (line_state (&call.a.line[0]), ==, GST_ZRTP_STATE_SECURE);
  g_assert_cmpint (line_state (&call.b.line[0]), ==, GST_ZRTP_STATE_DISCOVERY);
  call_clear (&call);
  caches_clear (cache);
}

/* Without a cache nobody can show that he is the same. */
static void
test_restart_refused (void)
{
  Call call;

  call_init (&call, 1, "", "");
  call_talk (&call);
  forget_logs (&call);
  restart_peer (&call);
  call_run (&call, call.now + 30 * GST_SECOND);
  assert_log (&call.a, "warning:0:restart-refused");
  g_assert_cmpint (line_state (&call.a.line[0]), ==, GST_ZRTP_STATE_SECURE);
  g_assert_cmpint (line_state (&call.b.line[0]), !=, GST_ZRTP_STATE_SECURE);
  call_clear (&call);
}

/* After a restart on another stream, it is that one that speaks for the call. */
static void
test_restart_changes_first_stream (void)
{
  GstZrtpMemoryCache *cache[2];
  Call call;

  caches_init (cache);
  enroll (cache, TRUE);
  call_init (&call, 2, PBX_ENROLLS, PHONE);
  end_set_caches (&call, cache);
  call_talk (&call);
  /* the audio ends, then the PBX is restarted and calls with video alone */
  gst_zrtp_stream_stop (call.a.line[0].stream);
  gst_zrtp_stream_stop (call.b.line[0].stream);
  gst_zrtp_stream_stop (call.a.line[1].stream);
  forget_logs (&call);
  gst_zrtp_stream_start (call.a.line[1].stream, call.now);
  call_run (&call, call.now + 30 * GST_SECOND);
  assert_log (&call.a, "secure:1:dh");
  assert_log (&call.b, "secure:1:dh enrollment:1");
  call_start (&call);
  call_settle (&call);
  assert_log (&call.b, "secure:0:multistream");
  g_assert_true (gst_zrtp_session_accept_enrollment (call.b.session, TRUE, NULL));
  call_clear (&call);
  caches_clear (cache);
}

/* --- Another try -------------------------------------------------------------------------------------------------------- */

static gchar *
get_hello_hash (Line *line)
{
  gchar *hash;

  g_object_get (line->stream, "hello-hash", &hash, NULL);
  return hash;
}

/* §4.1: both had the same SSRC. With another one the same Hello goes out, whose hash the peer has. */
static void
test_retry (void)
{
  gchar *before, *after;
  Call call;

  call_init (&call, 1, "", "");
  gst_zrtp_stream_retry (call.a.line[0].stream, call.now); /* nothing has failed */
  g_assert_cmpint (line_state (&call.a.line[0]), ==, GST_ZRTP_STATE_IDLE);
  g_object_set (call.a.line[0].stream, "ssrc", 5, NULL);
  g_object_set (call.b.line[0].stream, "ssrc", 5, NULL);
  exchange_hello_hashes (&call);
  before = get_hello_hash (&call.a.line[0]);
  call_start (&call);
  gst_zrtp_stream_retry (call.a.line[0].stream, call.now);
  call_run (&call, call.now + 20 * GST_SECOND);
  assert_log (&call.a, "failed:0:91");
  assert_log (&call.b, "failed:0:91");
  gst_zrtp_stream_retry (call.b.line[0].stream, call.now);
  g_object_set (call.a.line[0].stream, "ssrc", 6, NULL);
  gst_zrtp_stream_retry (call.a.line[0].stream, call.now);
  after = get_hello_hash (&call.a.line[0]);
  g_assert_cmpstr (before, ==, after);
  call_run (&call, call.now + GST_SECOND);
  assert_log (&call.a, "secure:0:dh");
  assert_line_secure (&call, 0);
  gst_zrtp_stream_retry (call.a.line[0].stream, call.now);
  assert_line_secure (&call, 0);
  g_free (before);
  g_free (after);
  call_clear (&call);
}

static void
cut_the_wire (End *end, Line *line, const gchar *what)
{
  if (g_str_equal (what, "receive-key"))
    line->dead = TRUE;
}

/* More of the hash chain than the Hello is known: it is good for one exchange (§9), so there is a new one. */
static void
test_retry_with_another_hello (void)
{
  Call call;

  call_init (&call, 1, "", "");
  call.a.meddle = call.b.meddle = cut_the_wire;
  call_start (&call);
  call_run (&call, call.now + 60 * GST_SECOND);
  call.a.meddle = call.b.meddle = NULL;
  assert_log (&call.a, "failed:0:b0");
  assert_log (&call.b, "failed:0:b0");
  for (guint i = 0; i < 2; i++) {
    Line *line = i ? &call.b.line[0] : &call.a.line[0];
    gchar *before = get_hello_hash (line), *after;

    line->dead = FALSE;
    gst_zrtp_stream_retry (line->stream, call.now);
    after = get_hello_hash (line);
    g_assert_cmpstr (before, !=, after);
    g_free (before);
    g_free (after);
  }
  call_run (&call, call.now + GST_SECOND);
  assert_line_secure (&call, 0);
  call_clear (&call);
}

/* --- Messages ------------------------------------------------------------------------------------------------------------------------------- */

static void
test_messages (void)
{
  GstElement *bin = gst_bin_new (NULL);
  GstMessage *message;
  gchar *x = NULL, *y = NULL;
  gboolean p, q;

#define MESSAGE(...)                                                                               \
  gst_message_new_element (GST_OBJECT (bin), gst_structure_new (__VA_ARGS__, NULL))
  message =
      MESSAGE ("zrtp-clear", "by-peer", G_TYPE_BOOLEAN, TRUE, "waiting", G_TYPE_BOOLEAN, FALSE);
  g_assert_true (gst_zrtp_message_parse_clear (message, &p, &q));
  g_assert_true (p && !q);
  g_assert_true (gst_zrtp_message_parse_clear (message, NULL, NULL));
  g_assert_false (gst_zrtp_message_parse_enrollment (message, &x, &y));
  g_assert_false (gst_zrtp_message_parse_sas_relayed (message, &x, &y, &p));
  gst_message_unref (message);

  message = MESSAGE ("zrtp-enrollment", "peer-zid", G_TYPE_STRING, "001122334455667788990011",
      "peer-name", G_TYPE_STRING, "");
  g_assert_true (gst_zrtp_message_parse_enrollment (message, &x, &y));
  g_assert_cmpstr (x, ==, "001122334455667788990011");
  g_assert_cmpstr (y, ==, "");
  g_assert_true (gst_zrtp_message_parse_enrollment (message, NULL, NULL));
  g_assert_false (gst_zrtp_message_parse_clear (message, &p, &q));
  g_free (x);
  g_free (y);
  gst_message_unref (message);

  message = MESSAGE ("zrtp-sas-relayed", "sas", G_TYPE_STRING, "ab1y", "sas-type", G_TYPE_STRING,
      "B32", "relayed", G_TYPE_BOOLEAN, TRUE);
  g_assert_true (gst_zrtp_message_parse_sas_relayed (message, &x, &y, &p));
  g_assert_cmpstr (x, ==, "ab1y");
  g_assert_cmpstr (y, ==, "B32");
  g_assert_true (p);
  g_assert_true (gst_zrtp_message_parse_sas_relayed (message, NULL, NULL, NULL));
  g_free (x);
  g_free (y);
  gst_message_unref (message);
  gst_object_unref (bin);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/modes/multistream", test_multistream);
  g_test_add_func ("/modes/later-stream", test_later_stream);
  g_test_add_func ("/modes/first-stream-ends", test_first_stream_ends);
  g_test_add_func ("/modes/call-ends", test_call_ends);
  g_test_add_func ("/modes/clear", test_clear);
  g_test_add_func ("/modes/clear-takes-keys-back", test_clear_takes_keys_back);
  g_test_add_func ("/modes/clear-refused", test_clear_refused);
  g_test_add_func ("/modes/clear-toggles", test_clear_toggles);
  g_test_add_func ("/modes/clear-not-allowed", test_clear_not_allowed);
  g_test_add_func ("/modes/request-of-an-ended-call", test_request_of_an_ended_call);
  g_test_add_func ("/modes/stream-joins-in-clear", test_stream_joins_in_clear);
  g_test_add_func ("/modes/no-verification-in-clear", test_no_verification_in_clear);
  g_test_add_func ("/modes/preshared", test_preshared);
  g_test_add_func ("/modes/preshared-not-allowed", test_preshared_not_allowed);
  g_test_add_func ("/modes/aux-secret", test_aux_secret);
  g_test_add_func ("/modes/aux-secret-set-late", test_aux_secret_set_late);
  g_test_add_func ("/modes/aux-secret-is-not-shown", test_aux_secret_is_not_shown);
  g_test_add_func ("/modes/sdes", test_sdes);
  g_test_add_func ("/modes/sdes-lengths", test_sdes_lengths);
  g_test_add_func ("/modes/sdes-refused", test_sdes_refused);
  g_test_add_func ("/modes/cache-expiry", test_cache_expiry);
  g_test_add_func ("/modes/record", test_record);
  g_test_add_func ("/modes/enrollment", test_enrollment);
  g_test_add_func ("/modes/enrollment-unwanted", test_enrollment_unwanted);
  g_test_add_func ("/modes/expiry-keeps-pbx-secret", test_expiry_keeps_pbx_secret);
  g_test_add_func ("/modes/relay", test_relay);
  g_test_add_func ("/modes/relay-refused", test_relay_refused);
  g_test_add_func ("/modes/relay-after-clear", test_relay_after_clear);
  g_test_add_func ("/modes/hello-hashes", test_hello_hashes);
  g_test_add_func ("/modes/signalling-integrity", test_signalling_integrity);
  g_test_add_func ("/modes/signalling-without-hash", test_signalling_without_hash);
  g_test_add_func ("/modes/disclosure", test_disclosure);
  g_test_add_func ("/modes/ping", test_ping);
  g_test_add_func ("/modes/restart", test_restart);
  g_test_add_func ("/modes/restart-of-somebody-else", test_restart_of_somebody_else);
  g_test_add_func ("/modes/restart-refused", test_restart_refused);
  g_test_add_func ("/modes/restart-changes-first-stream", test_restart_changes_first_stream);
  g_test_add_func ("/modes/retry", test_retry);
  g_test_add_func ("/modes/retry-with-another-hello", test_retry_with_another_hello);
  g_test_add_func ("/modes/messages", test_messages);
  return g_test_run ();
}
