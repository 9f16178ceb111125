/* The library: settings, methods, signals, cache and messages, from C and without a pipeline.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include <gst/zrtp/zrtp.h>

#include <string.h>

typedef struct {
  GstZrtpSession *session;
  GstZrtpStream *stream;
  guint n_secure, n_failed, n_warnings, n_verified, n_keys;
  GstStructure *details;
  guint failed_code;
  GstZrtpWarning warning;
  GString *states;
} End;

static void
on_secure (GstZrtpSession *session, GstZrtpStream *stream, GstStructure *details, End *end)
{
  g_assert_true (stream == end->stream);
  end->n_secure++;
  g_clear_pointer (&end->details, gst_structure_free);
  end->details = gst_structure_copy (details);
  /* No lock is held: everything may be asked from within a handler. */
  g_assert_cmpint (gst_zrtp_stream_get_state (stream), ==, GST_ZRTP_STATE_SECURE);
}

static void
on_failed (GstZrtpSession *session, GstZrtpStream *stream, guint code, gchar *text,
    gboolean by_peer, End *end)
{
  end->n_failed++;
  end->failed_code = code;
  g_assert_nonnull (text);
}

static void
on_warning (
    GstZrtpSession *session, GstZrtpStream *stream, GstZrtpWarning code, gchar *text, End *end)
{
  end->n_warnings++;
  end->warning = code;
  g_assert_cmpuint (strlen (text), >, 20);
}

static void
on_verified (GstZrtpSession *session, gboolean matches, End *end)
{
  end->n_verified++;
}

static void
on_key (GstZrtpStream *stream, End *end)
{
  /* before the call is told to be secure */
  g_assert_cmpuint (end->n_secure, ==, 0);
  end->n_keys++;
}

static void
on_state (GstZrtpStream *stream, GParamSpec *pspec, End *end)
{
  g_string_append_printf (end->states, "%d", gst_zrtp_stream_get_state (stream));
}

static void
open_end (End *end, GstZrtpCache *cache)
{
  memset (end, 0, sizeof *end);
  end->states = g_string_new (NULL);
  end->session = gst_zrtp_session_new ();
  g_object_set (end->session, "cache", cache, NULL);
  end->stream = gst_zrtp_session_get_stream (end->session, "audio");
  g_signal_connect (end->session, "secure", G_CALLBACK (on_secure), end);
  g_signal_connect (end->session, "failed", G_CALLBACK (on_failed), end);
  g_signal_connect (end->session, "warning", G_CALLBACK (on_warning), end);
  g_signal_connect (end->session, "sas-verified", G_CALLBACK (on_verified), end);
  g_signal_connect (end->stream, "send-key", G_CALLBACK (on_key), end);
  g_signal_connect (end->stream, "receive-key", G_CALLBACK (on_key), end);
  g_signal_connect (end->stream, "notify::state", G_CALLBACK (on_state), end);
}

static void
close_end (End *end)
{
  gst_zrtp_stream_stop (end->stream);
  g_assert_cmpint (gst_zrtp_stream_get_state (end->stream), ==, GST_ZRTP_STATE_IDLE);
  g_object_add_weak_pointer (G_OBJECT (end->stream), (gpointer *) &end->stream);
  g_object_add_weak_pointer (G_OBJECT (end->session), (gpointer *) &end->session);
  gst_object_unref (end->stream);
  gst_object_unref (end->session);
  g_assert_null (end->stream); /* nothing else holds them */
  g_assert_null (end->session);
  g_clear_pointer (&end->details, gst_structure_free);
  g_string_free (end->states, TRUE);
}

static gboolean
relay (End *from, End *to, guint64 now)
{
  GBytes *packet;
  gboolean any = FALSE;

  while ((packet = gst_zrtp_stream_poll_packet (from->stream))) {
    gsize size;
    const guint8 *data = g_bytes_get_data (packet, &size);

    g_assert_true (gst_zrtp_packet_is_zrtp (data, size));
    gst_zrtp_stream_handle_packet (to->stream, data, size, now);
    g_bytes_unref (packet);
    any = TRUE;
  }
  return any;
}

static void
talk (End *a, End *b)
{
  gst_zrtp_stream_start (a->stream, 1);
  gst_zrtp_stream_start (b->stream, 1);
  while (relay (a, b, 1) | relay (b, a, 1))
    continue;
}

static void
assert_secure (End *a, End *b)
{
  GBytes *key[4] = {gst_zrtp_stream_take_send_key (a->stream),
      gst_zrtp_stream_take_receive_key (b->stream), gst_zrtp_stream_take_send_key (b->stream),
      gst_zrtp_stream_take_receive_key (a->stream)};

  g_assert_cmpuint (a->n_secure, ==, 1);
  g_assert_cmpuint (b->n_secure, ==, 1);
  g_assert_cmpstr (gst_structure_get_string (a->details, "sas"), ==,
      gst_structure_get_string (b->details, "sas"));
  g_assert_true (g_bytes_equal (key[0], key[1]));
  g_assert_true (g_bytes_equal (key[2], key[3]));
  g_assert_false (g_bytes_equal (key[0], key[2]));
  for (guint i = 0; i < 4; i++)
    g_bytes_unref (key[i]);
  g_assert_null (gst_zrtp_stream_take_send_key (a->stream)); /* once */
}

static void
test_call (void)
{
  End a, b;
  gchar *sas;

  open_end (&a, NULL);
  open_end (&b, NULL);
  talk (&a, &b);
  assert_secure (&a, &b);
  g_assert_cmpstr (a.states->str, ==, "123"); /* discovery, negotiating, secure */
  g_assert_cmpuint (a.n_keys, ==, 2);
  g_object_get (a.session, "sas", &sas, NULL);
  g_assert_cmpstr (sas, ==, gst_structure_get_string (b.details, "sas"));
  g_free (sas);
  close_end (&a);
  close_end (&b);
}

/* A second start on the same objects is a new call: other keys, another SAS, another Hello. */
static void
test_restart (void)
{
  End a, b;
  gchar *hash[2], *sas[2];

  open_end (&a, NULL);
  open_end (&b, NULL);
  for (guint i = 0; i < 2; i++) {
    a.n_secure = b.n_secure = 0;
    g_object_get (a.stream, "hello-hash", &hash[i], NULL);
    talk (&a, &b);
    assert_secure (&a, &b);
    g_object_get (a.session, "sas", &sas[i], NULL);
    gst_zrtp_stream_stop (a.stream);
    gst_zrtp_stream_stop (b.stream);
  }
  g_assert_cmpstr (hash[0], !=, hash[1]);
  g_assert_cmpstr (sas[0], !=, sas[1]);
  for (guint i = 0; i < 2; i++) {
    g_free (hash[i]);
    g_free (sas[i]);
  }
  close_end (&a);
  close_end (&b);
}

static void
test_hello_hash (void)
{
  static const gchar *const forms[] = {"%s", "a=zrtp-hash:%s", "  %s"};
  End a, b;

  for (guint f = 0; f < G_N_ELEMENTS (forms) + 1; f++) {
    gchar *hash, *value;

    open_end (&a, NULL);
    open_end (&b, NULL);
    g_object_get (b.stream, "hello-hash", &hash, NULL);
    g_assert_true (g_str_has_prefix (hash, "1.10 "));
    g_assert_cmpuint (strlen (hash), ==, 5 + 64);
    if (f == G_N_ELEMENTS (forms))
      value = g_strdup (hash + 5);
    else
      value = f == 2 ? g_strdup_printf (" %s", hash + 5)
                     : g_strconcat (f == 1 ? "a=zrtp-hash:" : "", hash, NULL);
    g_object_set (a.stream, "peer-hello-hash", value, NULL);
    g_assert_true (gst_zrtp_stream_check (a.stream, NULL));
    talk (&a, &b);
    assert_secure (&a, &b);
    g_free (hash);
    g_free (value);
    close_end (&a);
    close_end (&b);
  }
}

static void
test_wrong_hello_hash (void)
{
  End a, b;
  gchar *hash;

  open_end (&a, NULL);
  open_end (&b, NULL);
  g_object_get (b.stream, "hello-hash", &hash, NULL);
  hash[10] = hash[10] == '0' ? '1' : '0';
  g_object_set (a.stream, "peer-hello-hash", hash, NULL);
  talk (&a, &b);
  g_assert_cmpuint (a.n_secure + b.n_secure, ==, 0);
  g_assert_cmpuint (a.n_warnings, ==, 1);
  g_assert_cmpint (a.warning, ==, GST_ZRTP_WARNING_HELLO_HASH_MISMATCH);
  g_free (hash);
  close_end (&a);
  close_end (&b);
}

static void
test_settings (void)
{
  static const struct {
    const gchar *property, *value, *says;
  } rows[] = {
      {"key-agreements", "FOO", "X255, E255, X448, EC25, EC38, EC52, DH3k, DH2k"},
      {"key-agreements", "X255,E255,X448,EC25,EC38,EC52,DH3k",
          "taken by Multistream; name at most 6"},
      {"key-agreements", "X255,Mult", "'Mult'"},
      {"key-agreements", "Prsh", "'Prsh'"},
      {"key-agreements", "X255,FOO", "'FOO'"},
      {"key-agreements", "X255,X255", "twice"},
      {"key-agreements", "X255,", "''"},
      {"ciphers", "AES2", "AES1, AES3"},
      {"hashes", "s256", "S256, S384, S512, N256, N384"},
      {"auth-tags", "SK32", "GCM, HS80, HS32"},
      {"sas-types", "B10D", "B32, B256"},
      {"client-id", "longer than sixteen", "16"},
  };
  End a, b;

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    GError *error = NULL;
    gchar *before, *after;

    open_end (&a, NULL);
    g_object_get (a.session, rows[i].property, &before, NULL);
    g_object_set (a.session, rows[i].property, rows[i].value, NULL);
    g_object_get (a.session, rows[i].property, &after, NULL);
    g_assert_cmpstr (before, ==, after); /* not taken */
    g_assert_false (gst_zrtp_session_check (a.session, &error));
    g_assert_nonnull (strstr (error->message, rows[i].property));
    g_assert_nonnull (strstr (error->message, rows[i].value));
    g_assert_nonnull (strstr (error->message, rows[i].says));
    g_clear_error (&error);
    /* and nothing starts on it */
    gst_zrtp_stream_start (a.stream, 1);
    g_assert_cmpuint (a.n_failed, ==, 1);
    g_assert_null (gst_zrtp_stream_poll_packet (a.stream));
    /* a good value settles it */
    g_object_set (a.session, rows[i].property, before, NULL);
    g_assert_true (gst_zrtp_session_check (a.session, NULL));
    g_free (before);
    g_free (after);
    close_end (&a);
  }

  open_end (&a, NULL);
  g_object_set (a.stream, "peer-hello-hash", "1.10 abc", NULL);
  g_assert_false (gst_zrtp_stream_check (a.stream, NULL));
  g_object_set (a.stream, "peer-hello-hash", NULL, NULL);
  g_assert_true (gst_zrtp_stream_check (a.stream, NULL));
  close_end (&a);

  /* lists count: what is offered is what is agreed */
  open_end (&a, NULL);
  open_end (&b, NULL);
  g_object_set (a.session, "key-agreements", " EC25 , X255", "hashes", "S384", "ciphers", "AES3",
      "auth-tags", "HS32", "sas-types", "B256", "client-id", "test", NULL);
  g_object_set (b.session, "key-agreements", "EC25", "hashes", "S384", "ciphers", "AES3",
      "auth-tags", "HS32", "sas-types", "B256", NULL);
  talk (&a, &b);
  g_assert_cmpstr (gst_structure_get_string (b.details, "key-agreement"), ==, "EC25");
  g_assert_cmpstr (gst_structure_get_string (b.details, "hash"), ==, "S384");
  g_assert_cmpstr (gst_structure_get_string (b.details, "cipher"), ==, "AES3");
  g_assert_cmpstr (gst_structure_get_string (b.details, "auth-tag"), ==, "HS32");
  g_assert_cmpstr (gst_structure_get_string (b.details, "sas-type"), ==, "B256");
  g_assert_cmpstr (gst_structure_get_string (b.details, "peer-client-id"), ==, "test");
  g_assert_nonnull (strchr (gst_structure_get_string (b.details, "sas"), ' '));
  close_end (&a);
  close_end (&b);
}

/* What is offered without any setting, and that everything known can be asked for and is agreed. */
static void
test_algorithms (void)
{
  static const gchar *const defaults[][2] = {
      {"hashes", "S256,S384,S512,N256,N384"},
      {"ciphers", "AES1,AES3"},
      {"auth-tags", "HS80,HS32"},
      {"key-agreements", "X255,E255,X448,EC25,EC38,DH3k"},
      {"sas-types", "B32,B256"},
  };
  static const struct {
    const gchar *property, *field, *values;
  } rows[] = {
      {"hashes", "hash", "S256 S384 S512 N256 N384"},
      {"key-agreements", "key-agreement", "X255 E255 X448 EC25 EC38 EC52 DH3k DH2k"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (defaults); i++) {
    End a;
    gchar *value;

    open_end (&a, NULL);
    g_object_get (a.session, defaults[i][0], &value, NULL);
    g_assert_cmpstr (value, ==, defaults[i][1]);
    g_free (value);
    close_end (&a);
  }
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    gchar **values = g_strsplit (rows[i].values, " ", -1);

    for (guint v = 0; values[v]; v++) {
      End a, b;

      open_end (&a, NULL);
      open_end (&b, NULL);
      g_object_set (a.session, rows[i].property, values[v], NULL);
      g_object_set (b.session, rows[i].property, values[v], NULL);
      talk (&a, &b);
      assert_secure (&a, &b);
      g_assert_cmpstr (gst_structure_get_string (a.details, rows[i].field), ==, values[v]);
      close_end (&a);
      close_end (&b);
    }
    g_strfreev (values);
  }
}

/* A setting changed after the hash was read makes another Hello, and another hash. */
static void
test_hello_hash_follows_settings (void)
{
  End a, b;
  gchar *before, *after;

  open_end (&a, NULL);
  open_end (&b, NULL);
  g_object_get (b.stream, "hello-hash", &before, NULL);
  g_object_set (b.session, "key-agreements", "EC25", NULL);
  g_object_get (b.stream, "hello-hash", &after, NULL);
  g_assert_cmpstr (before, !=, after);
  g_object_set (a.stream, "peer-hello-hash", after, NULL);
  talk (&a, &b);
  assert_secure (&a, &b);
  g_assert_cmpstr (gst_structure_get_string (a.details, "key-agreement"), ==, "EC25");
  g_free (before);
  g_free (after);
  close_end (&a);
  close_end (&b);
}

static void
test_export (void)
{
  End a, b;
  GError *error = NULL;
  GBytes *x, *y, *z;

  open_end (&a, NULL);
  open_end (&b, NULL);
  g_assert_null (gst_zrtp_session_get_sas_hash (a.session));
  g_assert_null (gst_zrtp_session_export_key (a.session, "chat", 16, &error));
  g_assert_nonnull (strstr (error->message, "not secure"));
  g_clear_error (&error);
  talk (&a, &b);

  x = gst_zrtp_session_export_key (a.session, "chat", 16, NULL);
  y = gst_zrtp_session_export_key (b.session, "chat", 16, NULL);
  z = gst_zrtp_session_export_key (b.session, "file", 16, NULL);
  g_assert_true (g_bytes_equal (x, y));
  g_assert_false (g_bytes_equal (x, z));
  g_bytes_unref (x);
  g_bytes_unref (y);
  g_bytes_unref (z);
  g_assert_null (gst_zrtp_session_export_key (a.session, "chat", 33, &error)); /* S256 */
  g_clear_error (&error);
  g_assert_null (gst_zrtp_session_export_key (a.session, "chat", 0, &error));
  g_clear_error (&error);
  g_assert_null (gst_zrtp_session_export_key (a.session, "", 16, &error));
  g_clear_error (&error);

  x = gst_zrtp_session_get_sas_hash (a.session);
  y = gst_zrtp_session_get_sas_hash (b.session);
  g_assert_cmpuint (g_bytes_get_size (x), ==, 32);
  g_assert_true (g_bytes_equal (x, y));
  g_bytes_unref (x);
  g_bytes_unref (y);
  close_end (&a);
  close_end (&b);
}

/* What the first cache has of the second. */
static GstZrtpRecord *
look_up (GstZrtpCache *cache, GstZrtpCache *peer)
{
  GBytes *zid = gst_zrtp_cache_get_zid (cache, NULL, NULL, NULL);
  GBytes *peer_zid = gst_zrtp_cache_get_zid (peer, NULL, NULL, NULL);
  GList *records = NULL;
  GstZrtpRecord *record;

  g_assert_true (gst_zrtp_cache_lookup (cache, zid, peer_zid, &records, NULL));
  record = records ? g_object_ref (records->data) : NULL;
  g_list_free_full (records, g_object_unref);
  g_bytes_unref (zid);
  g_bytes_unref (peer_zid);
  return record;
}

/* Two calls over the same caches; the SAS is compared in the first. */
static void
test_cache (void)
{
  GstZrtpCache *cache[2] = {
      GST_ZRTP_CACHE (gst_zrtp_memory_cache_new ()), GST_ZRTP_CACHE (gst_zrtp_memory_cache_new ())};
  GstZrtpRecord *record;
  GBytes *rs1;

  for (guint i = 0; i < 3; i++) {
    End a, b;
    gboolean verified, mismatch;

    open_end (&a, cache[0]);
    open_end (&b, cache[1]);
    gst_zrtp_session_verify_sas (a.session, TRUE); /* too early: nothing */
    g_assert_cmpuint (a.n_verified, ==, 0);
    talk (&a, &b);
    assert_secure (&a, &b);
    gst_structure_get_boolean (a.details, "sas-verified", &verified);
    gst_structure_get_boolean (a.details, "cache-mismatch", &mismatch);
    g_assert_cmpint (verified, ==, i == 1);
    g_assert_cmpint (mismatch, ==, i == 2);
    g_assert_cmpuint (a.n_warnings, ==, i == 2);
    if (i == 0) {
      gst_zrtp_session_verify_sas (a.session, TRUE);
      gst_zrtp_session_verify_sas (b.session, TRUE);
      g_assert_cmpuint (a.n_verified, ==, 1);
    }
    if (i == 1) { /* Bob forgets Alice */
      record = look_up (cache[1], cache[0]);
      g_assert_true (gst_zrtp_cache_forget (cache[1], record, NULL));
      g_object_unref (record);
      g_assert_null (look_up (cache[1], cache[0]));
    }
    if (i == 2)
      g_assert_cmpint (a.warning, ==, GST_ZRTP_WARNING_CACHE_MISMATCH);
    close_end (&a);
    close_end (&b);
  }
  record = look_up (cache[0], cache[1]);
  g_object_get (record, "rs1", &rs1, NULL);
  g_assert_cmpuint (g_bytes_get_size (rs1), ==, 32);
  g_bytes_unref (rs1);
  g_object_unref (record);

  /* an expired record is no record */
  record = look_up (cache[0], cache[1]);
  g_object_set (record, "expires", (gint64) 1000, NULL);
  g_assert_true (gst_zrtp_cache_put (cache[0], record, NULL));
  g_object_unref (record);
  g_assert_null (look_up (cache[0], cache[1]));
  for (guint i = 0; i < 2; i++)
    g_object_unref (cache[i]);
}

/* A URI comes from a stranger, and may be any octets: what is known of the peer under other URIs must stay readable. */
static void
test_uri_of_any_octets (void)
{
  static const gchar *const uris[] = {"sip:bob@example.com", "sip:\xff\xfe@example.com",
      "sip:\xc3(@example.com", "sip:bob@example.com"};
  GstZrtpCache *cache[2] = {GST_ZRTP_CACHE (gst_zrtp_sqlite_cache_new (":memory:", NULL, NULL)),
      GST_ZRTP_CACHE (gst_zrtp_memory_cache_new ())};

  for (guint i = 0; i < G_N_ELEMENTS (uris); i++) {
    gboolean verified, mismatch;
    End a, b;

    open_end (&a, cache[0]);
    open_end (&b, cache[1]);
    g_object_set (a.session, "peer-uri", uris[i], "local-uri", "sip:\x80", NULL);
    g_object_set (a.session, "peer-name", "\xf0", NULL);
    talk (&a, &b);
    assert_secure (&a, &b);
    gst_structure_get_boolean (a.details, "sas-verified", &verified);
    gst_structure_get_boolean (a.details, "cache-mismatch", &mismatch);
    g_assert_cmpint (verified, ==, i == 3);
    g_assert_false (mismatch);
    if (a.n_warnings)
      g_assert_cmpint (a.warning, ==, GST_ZRTP_WARNING_OTHER_URI);
    if (i == 0) {
      gst_zrtp_session_verify_sas (a.session, TRUE);
      gst_zrtp_session_verify_sas (b.session, TRUE);
    }
    close_end (&a);
    close_end (&b);
  }
  g_object_unref (cache[0]);
  g_object_unref (cache[1]);
}

/* One cache at both ends: one ZID. */
static void
test_same_cache (void)
{
  GstZrtpCache *cache = GST_ZRTP_CACHE (gst_zrtp_memory_cache_new ());
  End a, b;

  open_end (&a, cache);
  open_end (&b, cache);
  talk (&a, &b);
  /* A forged Hello with our ZID must not end the call, so it is an error when no other has come. */
  g_assert_cmpuint (a.n_failed + b.n_failed, ==, 0);
  for (guint64 now = 1; now < 6 * GST_SECOND; now += 50 * GST_MSECOND) {
    gst_zrtp_stream_handle_timeout (a.stream, now);
    gst_zrtp_stream_handle_timeout (b.stream, now);
    while (relay (&a, &b, now) | relay (&b, &a, now))
      continue;
  }
  g_assert_cmphex (a.failed_code, ==, 0x90);
  g_assert_cmphex (b.failed_code, ==, 0x90);
  close_end (&a);
  close_end (&b);
  g_object_unref (cache);
}

/* The time is a parameter: nobody there, the schedule runs out, a warning. */
static void
test_no_answer (void)
{
  End a;
  guint64 now = 5, begin = now;
  guint sent = 0;

  open_end (&a, NULL);
  g_assert_cmpuint (gst_zrtp_stream_get_next_timeout (a.stream), ==, GST_CLOCK_TIME_NONE);
  gst_zrtp_stream_start (a.stream, now);
  while (a.n_warnings == 0) {
    GBytes *packet;

    while ((packet = gst_zrtp_stream_poll_packet (a.stream))) {
      sent++;
      g_bytes_unref (packet);
    }
    now = gst_zrtp_stream_get_next_timeout (a.stream);
    g_assert_cmpuint (now, !=, GST_CLOCK_TIME_NONE);
    gst_zrtp_stream_handle_timeout (a.stream, now);
  }
  g_assert_cmpint (a.warning, ==, GST_ZRTP_WARNING_NO_ANSWER);
  g_assert_cmpuint (sent, ==, 21);
  g_assert_cmpuint (now - begin, ==, 3950 * GST_MSECOND);
  g_assert_cmpuint (gst_zrtp_stream_get_next_timeout (a.stream), ==, GST_CLOCK_TIME_NONE);
  g_assert_cmpuint (a.n_failed, ==, 0);
  close_end (&a);
}

/* An application may stop the stream at any moment, even while it is told of the state. */
static void
stop_when_secure (GstZrtpStream *stream, GParamSpec *pspec, gpointer unused)
{
  if (gst_zrtp_stream_get_state (stream) == GST_ZRTP_STATE_SECURE)
    gst_zrtp_stream_stop (stream);
}

static void
test_stop_in_handler (void)
{
  End a, b;

  open_end (&a, NULL);
  open_end (&b, NULL);
  g_signal_connect (a.stream, "notify::state", G_CALLBACK (stop_when_secure), NULL);
  talk (&a, &b);
  g_assert_cmpint (gst_zrtp_stream_get_state (a.stream), ==, GST_ZRTP_STATE_IDLE);
  g_assert_null (gst_zrtp_stream_take_send_key (a.stream));
  g_assert_null (gst_zrtp_stream_take_receive_key (a.stream));
  g_assert_cmpuint (a.n_secure, ==, 0);
  close_end (&a);
  close_end (&b);
}

/* §4.7.1: the end of a negotiation is the end of its keys. The initiator has one before Conf2ACK. */
static gboolean
relay_without_conf2ack (End *from, End *to, guint64 now)
{
  GBytes *packet;
  gboolean any = FALSE;

  while ((packet = gst_zrtp_stream_poll_packet (from->stream))) {
    gsize size;
    const guint8 *data = g_bytes_get_data (packet, &size);

    if (memcmp (data + 16, "Conf2ACK", 8) != 0)
      gst_zrtp_stream_handle_packet (to->stream, data, size, now);
    g_bytes_unref (packet);
    any = TRUE;
  }
  return any;
}

static void
test_failure_leaves_no_key (void)
{
  End end[2];
  guint failed = 0;

  for (guint i = 0; i < 2; i++) {
    open_end (&end[i], NULL);
    gst_zrtp_stream_start (end[i].stream, 1);
  }
  for (guint64 now = 1; now < 20 * GST_SECOND; now += 50 * GST_MSECOND) {
    for (guint i = 0; i < 2; i++)
      gst_zrtp_stream_handle_timeout (end[i].stream, now);
    while (relay_without_conf2ack (&end[0], &end[1], now) |
           relay_without_conf2ack (&end[1], &end[0], now))
      continue;
  }
  for (guint i = 0; i < 2; i++)
    if (end[i].n_failed) {
      failed++;
      g_assert_cmpuint (end[i].n_keys, ==, 1);
      g_assert_null (gst_zrtp_stream_take_receive_key (end[i].stream));
    }
  g_assert_cmpuint (failed, ==, 1);
  for (guint i = 0; i < 2; i++)
    close_end (&end[i]);
}

/* The SAS that the session shows is the first stream's, and verify_sas() speaks of that one alone. */
static void
test_verify_first_stream_only (void)
{
  GstZrtpCache *cache[2] = {
      GST_ZRTP_CACHE (gst_zrtp_memory_cache_new ()), GST_ZRTP_CACHE (gst_zrtp_memory_cache_new ())};
  GstZrtpRecord *record;
  GBytes *before, *after;
  gboolean verified;
  End a, b, a2, b2;

  open_end (&a, cache[0]);
  open_end (&b, cache[1]);
  talk (&a, &b);
  record = look_up (cache[0], cache[1]);
  g_object_get (record, "rs1", &before, NULL);
  g_object_unref (record);
  a2 = a;
  b2 = b;
  a2.n_secure = b2.n_secure = 0;
  a2.stream = gst_zrtp_session_get_stream (a.session, "video");
  b2.stream = gst_zrtp_session_get_stream (b.session, "video");
  g_signal_handlers_disconnect_by_data (a.session, &a);
  g_signal_handlers_disconnect_by_data (b.session, &b);
  talk (&a2, &b2);
  g_assert_cmpint (gst_zrtp_stream_get_state (a2.stream), ==, GST_ZRTP_STATE_SECURE);
  gst_zrtp_session_verify_sas (a.session, TRUE);

  record = look_up (cache[0], cache[1]);
  g_object_get (record, "rs1", &after, "sas-verified", &verified, NULL);
  g_object_unref (record);
  g_assert_true (verified);
  g_assert_true (g_bytes_equal (before, after)); /* of the stream whose SAS was compared */
  g_bytes_unref (before);
  g_bytes_unref (after);
  gst_zrtp_stream_stop (a2.stream);
  gst_zrtp_stream_stop (b2.stream);
  gst_object_unref (a2.stream);
  gst_object_unref (b2.stream);
  close_end (&a);
  close_end (&b);
  for (guint i = 0; i < 2; i++)
    g_object_unref (cache[i]);
}

static void
test_streams (void)
{
  GstZrtpSession *session = gst_zrtp_session_new ();
  GstZrtpStream *a = gst_zrtp_session_get_stream (session, "a");
  GstZrtpStream *again = gst_zrtp_session_get_stream (session, "a");
  GstZrtpStream *b = gst_zrtp_session_get_stream (session, "b");

  g_assert_true (a == again);
  g_assert_true (a != b);
  g_assert_cmpstr (gst_zrtp_stream_get_connection_id (b), ==, "b");
  g_assert_true (gst_zrtp_stream_get_session (b) == session);
  /* Nothing works before start, and nothing breaks. */
  g_assert_false (gst_zrtp_stream_handle_packet (a, (const guint8 *) "x", 1, 1));
  gst_zrtp_stream_handle_timeout (a, 1);
  gst_zrtp_stream_srtp_authenticated (a, 1);
  gst_zrtp_stream_media_received (a, 1);
  g_assert_null (gst_zrtp_stream_poll_packet (a));
  gst_zrtp_stream_stop (a);
  gst_object_unref (a);
  gst_object_unref (again);
  gst_object_unref (b);
  gst_object_unref (session);
}

/* RFC 6189 §4.7.1: the session key goes with the last stream that uses it. A stream that was only asked for
 * its Hello hash does not keep it for the next call. */
static void
test_session_ends (void)
{
  End a, b;
  GstZrtpStream *other;
  GBytes *sas_hash;
  gchar *hash, *sas;

  open_end (&a, NULL);
  open_end (&b, NULL);
  other = gst_zrtp_session_get_stream (a.session, "other");
  talk (&a, &b);
  assert_secure (&a, &b);
  g_object_get (other, "hello-hash", &hash, NULL);
  sas_hash = gst_zrtp_session_get_sas_hash (a.session);
  g_assert_nonnull (sas_hash);
  g_bytes_unref (sas_hash);

  gst_zrtp_stream_stop (a.stream);
  gst_zrtp_stream_stop (b.stream);
  g_assert_null (gst_zrtp_session_get_sas_hash (a.session));
  g_assert_null (gst_zrtp_session_export_key (a.session, "label", 16, NULL));
  g_object_get (a.session, "sas", &sas, NULL);
  g_assert_null (sas);

  a.n_secure = b.n_secure = 0;
  talk (&a, &b);
  assert_secure (&a, &b);
  g_assert_cmpstr (gst_structure_get_string (a.details, "mode"), ==, "dh");
  g_free (hash);
  gst_object_unref (other);
  close_end (&a);
  close_end (&b);
}

static void
test_messages (void)
{
  GstElement *bin = gst_bin_new (NULL);
  GstMessage *message;
  GstZrtpState state;
  GstZrtpWarning warning;
  gchar *sas, *type, *text;
  gboolean verified, mismatch, by_peer;
  guint code;

#define MESSAGE(...)                                                                               \
  gst_message_new_element (GST_OBJECT (bin), gst_structure_new (__VA_ARGS__, NULL))
  message = MESSAGE ("zrtp-state", "state", G_TYPE_STRING, "secure");
  g_assert_true (gst_zrtp_message_parse_state (message, &state));
  g_assert_cmpint (state, ==, GST_ZRTP_STATE_SECURE);
  g_assert_false (gst_zrtp_message_parse_secure (message, NULL, NULL, NULL, NULL));
  gst_message_unref (message);

  message = MESSAGE ("zrtp-secure", "sas", G_TYPE_STRING, "ab1y", "sas-type", G_TYPE_STRING, "B32",
      "sas-verified", G_TYPE_BOOLEAN, TRUE, "cache-mismatch", G_TYPE_BOOLEAN, FALSE);
  g_assert_true (gst_zrtp_message_parse_secure (message, &sas, &type, &verified, &mismatch));
  g_assert_cmpstr (sas, ==, "ab1y");
  g_assert_cmpstr (type, ==, "B32");
  g_assert_true (verified);
  g_assert_false (mismatch);
  g_assert_false (gst_zrtp_message_parse_state (message, NULL));
  g_free (sas);
  g_free (type);
  gst_message_unref (message);

  message =
      MESSAGE ("zrtp-warning", "code", G_TYPE_STRING, "no-answer", "text", G_TYPE_STRING, "t");
  g_assert_true (gst_zrtp_message_parse_warning (message, &warning, &text));
  g_assert_cmpint (warning, ==, GST_ZRTP_WARNING_NO_ANSWER);
  g_assert_cmpstr (text, ==, "t");
  g_free (text);
  gst_message_unref (message);

  message = MESSAGE ("zrtp-failed", "code", G_TYPE_UINT, 0x62, "text", G_TYPE_STRING, "hvi",
      "by-peer", G_TYPE_BOOLEAN, TRUE);
  g_assert_true (gst_zrtp_message_parse_failed (message, &code, &text, &by_peer));
  g_assert_cmphex (code, ==, 0x62);
  g_assert_true (by_peer);
  g_free (text);
  gst_message_unref (message);

  message = MESSAGE ("zrtp-sas-verified", "sas-verified", G_TYPE_BOOLEAN, TRUE);
  g_assert_true (gst_zrtp_message_parse_sas_verified (message, &verified));
  g_assert_true (verified);
  gst_message_unref (message);

  message = gst_message_new_eos (GST_OBJECT (bin));
  g_assert_false (gst_zrtp_message_parse_failed (message, NULL, NULL, NULL));
  gst_message_unref (message);
  gst_object_unref (bin);
}

/* Many threads look while one drives: no deadlock, no race that a sanitizer would see. */
typedef struct {
  End *end;
  gint stop;
} Watcher;

static gpointer
watch (gpointer data)
{
  Watcher *watcher = data;

  while (!g_atomic_int_get (&watcher->stop)) {
    GstStructure *stats;
    gchar *sas, *hash;

    g_object_get (watcher->end->stream, "stats", &stats, "hello-hash", &hash, NULL);
    g_object_get (watcher->end->session, "sas", &sas, NULL);
    gst_zrtp_session_verify_sas (watcher->end->session, TRUE);
    gst_structure_free (stats);
    g_free (sas);
    g_free (hash);
  }
  return NULL;
}

static void
test_threads (void)
{
  End a, b;
  Watcher watcher = {&a, 0};
  GThread *threads[3];

  open_end (&a, NULL);
  open_end (&b, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("watch", watch, &watcher);
  for (guint i = 0; i < 50; i++) {
    a.n_secure = b.n_secure = 0;
    talk (&a, &b);
    /* A watcher may be the one who handles an event: packets wait for it, or have to come again. */
    for (guint64 now = GST_SECOND; g_atomic_int_get (&a.n_secure) == 0 || b.n_secure == 0;
         now += 10 * GST_MSECOND) {
      g_usleep (100);
      gst_zrtp_stream_handle_timeout (a.stream, now);
      gst_zrtp_stream_handle_timeout (b.stream, now);
      while (relay (&a, &b, now) | relay (&b, &a, now))
        continue;
    }
    assert_secure (&a, &b);
    gst_zrtp_stream_stop (a.stream);
    gst_zrtp_stream_stop (b.stream);
  }
  g_atomic_int_set (&watcher.stop, 1);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  close_end (&a);
  close_end (&b);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/library/call", test_call);
  g_test_add_func ("/library/restart", test_restart);
  g_test_add_func ("/library/hello-hash", test_hello_hash);
  g_test_add_func ("/library/wrong-hello-hash", test_wrong_hello_hash);
  g_test_add_func ("/library/settings", test_settings);
  g_test_add_func ("/library/algorithms", test_algorithms);
  g_test_add_func ("/library/hello-hash-follows-settings", test_hello_hash_follows_settings);
  g_test_add_func ("/library/export", test_export);
  g_test_add_func ("/library/cache", test_cache);
  g_test_add_func ("/library/uri-of-any-octets", test_uri_of_any_octets);
  g_test_add_func ("/library/same-cache", test_same_cache);
  g_test_add_func ("/library/no-answer", test_no_answer);
  g_test_add_func ("/library/stop-in-handler", test_stop_in_handler);
  g_test_add_func ("/library/failure-leaves-no-key", test_failure_leaves_no_key);
  g_test_add_func ("/library/verify-first-stream-only", test_verify_first_stream_only);
  g_test_add_func ("/library/streams", test_streams);
  g_test_add_func ("/library/session-ends", test_session_ends);
  g_test_add_func ("/library/messages", test_messages);
  g_test_add_func ("/library/threads", test_threads);
  return g_test_run ();
}
