/* Key continuity as an application sees it: URIs, names, scopes of ZIDs, caches that fail, calls without one.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/cache/heldcache.h"
#include "tests/zrtp/hands.h"

#include <glib/gstdio.h>

enum {
  A,
  B,
};

/* --- Two who call each other ------------------------------------------------------------------------------ */

static HeldCache *
new_cache (void)
{
  GstZrtpMemoryCache *memory = gst_zrtp_memory_cache_new ();
  HeldCache *cache = held_cache_new (GST_ZRTP_CACHE (memory));

  g_object_unref (memory);
  return cache;
}

static void
begin (Call *call, HeldCache *a, HeldCache *b, const gchar *settings_a, const gchar *settings_b)
{
  call_init (call, 1, settings_a, settings_b);
  g_object_set (call->a.session, "cache", a, NULL);
  g_object_set (call->b.session, "cache", b, NULL);
  call_talk (call);
}

static void
both_compare (Call *call)
{
  gst_zrtp_session_verify_sas (call->a.session, TRUE);
  gst_zrtp_session_verify_sas (call->b.session, TRUE);
}

static void
get_acquainted (HeldCache *a, HeldCache *b, const gchar *settings_a, const gchar *settings_b)
{
  Call call;

  begin (&call, a, b, settings_a, settings_b);
  both_compare (&call);
  call_clear (&call);
}

static gboolean
is_verified (End *end)
{
  gboolean verified;

  g_object_get (end->session, "sas-verified", &verified, NULL);
  g_assert_cmpint (verified, ==, get_flag (&end->line[0], "sas-verified"));
  return verified;
}

/* What end A found. */
static void
assert_found (Call *call, gboolean verified, gboolean warned)
{
  g_assert_cmpint (is_verified (&call->a), ==, verified);
  assert_log (&call->a, warned ? "secure:0:dh warning:0:other-uri" : "secure:0:dh");
}

static void
assert_unalarmed (Call *call)
{
  g_assert_false (get_flag (&call->a.line[0], "cache-mismatch"));
  g_assert_false (get_flag (&call->b.line[0], "cache-mismatch"));
}

static GList *
all_records (HeldCache *cache)
{
  GError *error = NULL;
  GList *records = gst_zrtp_cache_list (cache->kept, NULL, 100, &error);

  g_assert_no_error (error);
  return records;
}

static guint
count_records (HeldCache *cache)
{
  GList *records = all_records (cache);
  const guint n = g_list_length (records);

  g_list_free_full (records, g_object_unref);
  return n;
}

/* Owned by the list. */
static GstZrtpRecord *
find_record (GList *records, const gchar *peer_uri)
{
  for (GList *l = records; l; l = l->next) {
    gchar *uri;
    gboolean found;

    g_object_get (l->data, "peer-uri", &uri, NULL);
    found = g_str_equal (uri, peer_uri);
    g_free (uri);
    if (found)
      return l->data;
  }
  return NULL;
}

/* Somebody who says that he is this one. */
static HeldCache *
new_forger (HeldCache *of)
{
  HeldCache *forger = new_cache ();

  forger->zid = gst_zrtp_cache_get_zid (of->kept, NULL, NULL, NULL);
  return forger;
}

static void
note_text (GstZrtpSession *session, GstZrtpStream *stream, GstZrtpWarning code, const gchar *text,
    gchar **noted)
{
  g_free (*noted);
  *noted = g_strdup (text);
}

/* --- The same device under another URI, §12 ---------------------------------------------------------------- */

/* Bob's device calls as Bob and as Carol, and to Alice's two URIs. A peer that has one record for a ZID, and one that
 * has one for each pair of URIs: nobody is alarmed, and only what was compared is verified. */
static void
test_other_uri (void)
{
  static const gchar *const settings[] = {
      "local-uri=sip:alice peer-uri=sip:bob",
      "local-uri=sip:alice peer-uri=sip:carol",
      "local-uri=sip:alice2 peer-uri=sip:bob",
  };
  static const gchar *const peers[] = {
      "local-uri=sip:bob peer-uri=sip:alice",
      "local-uri=sip:carol peer-uri=sip:alice",
      "local-uri=sip:bob peer-uri=sip:alice2",
  };
  static const guint order[] = {1, 0, 2, 0, 1, 1, 2, 2, 1, 0, 0};

  for (guint by_uri = 0; by_uri < 2; by_uri++) {
    HeldCache *a = new_cache (), *b = new_cache ();

    get_acquainted (a, b, settings[0], by_uri ? peers[0] : "");
    for (guint i = 0; i < G_N_ELEMENTS (order); i++) {
      Call call;

      begin (&call, a, b, settings[order[i]], by_uri ? peers[order[i]] : "");
      assert_unalarmed (&call);
      assert_found (&call, order[i] == 0, order[i] != 0);
      g_assert_cmpstr (get_field (&call.a.line[0], "known-as"), ==,
          order[i] == 0 ? "" : "sip:bob, as sip:alice");
      g_assert_cmpstr (
          get_field (&call.a.line[0], "peer-uri"), ==, strrchr (settings[order[i]], '=') + 1);
      call_clear (&call);
    }
    g_assert_cmpuint (count_records (a), ==, 3);
    g_assert_cmpuint (count_records (b), ==, by_uri ? 3 : 1);
    g_object_unref (a);
    g_object_unref (b);
  }
}

/* Compared under the second URI too: both are verified, and there is no warning any more. */
static void
test_both_uris_verified (void)
{
  HeldCache *a = new_cache (), *b = new_cache ();

  get_acquainted (a, b, "peer-uri=sip:bob", "");
  get_acquainted (a, b, "peer-uri=sip:carol", "");
  for (guint i = 0; i < 4; i++) {
    Call call;

    begin (&call, a, b, i % 2 ? "peer-uri=sip:carol" : "peer-uri=sip:bob", "");
    assert_unalarmed (&call);
    assert_found (&call, TRUE, FALSE);
    call_clear (&call);
  }
  g_object_unref (a);
  g_object_unref (b);
}

/* A peer that keys by URI and never tries a secret of another one. */
static void
test_strict_peer (void)
{
  HeldCache *a = new_cache (), *as_bob = new_cache (), *as_carol = new_cache ();

  as_bob->zid = gst_zrtp_cache_get_zid (as_bob->kept, NULL, NULL, NULL);
  as_carol->zid = g_bytes_ref (as_bob->zid);
  get_acquainted (a, as_bob, "peer-uri=sip:bob", "");
  for (guint i = 0; i < 6; i++) {
    const gboolean carol = i % 3 > 0;
    Call call;

    begin (
        &call, a, carol ? as_carol : as_bob, carol ? "peer-uri=sip:carol" : "peer-uri=sip:bob", "");
    assert_unalarmed (&call);
    assert_found (&call, !carol, carol);
    call_clear (&call);
  }
  g_object_unref (a);
  g_object_unref (as_bob);
  g_object_unref (as_carol);
}

/* A12, the evil friend: Mallory is verified to Alice and to Bob. He calls Alice as Bob and Bob as Alice, and passes on
 * what they say. */
static void
test_evil_friend (void)
{
  HeldCache *a = new_cache (), *b = new_cache (), *m = new_cache ();
  Call with_alice, with_bob;

  get_acquainted (a, b, "peer-uri=sip:bob peer-name=Bob", "peer-uri=sip:alice peer-name=Alice");
  get_acquainted (a, m, "peer-uri=sip:mallory peer-name=Mallory", "");
  get_acquainted (b, m, "peer-uri=sip:mallory peer-name=Mallory", "");

  begin (&with_alice, a, m, "peer-uri=sip:bob", "");
  begin (&with_bob, b, m, "peer-uri=sip:alice", "");
  for (guint i = 0; i < 2; i++) {
    Call *call = i ? &with_bob : &with_alice;

    assert_unalarmed (call);
    assert_found (call, FALSE, TRUE);
    g_assert_cmpstr (get_field (&call->a.line[0], "peer-name"), ==, "");
    g_assert_cmpstr (get_field (&call->a.line[0], "known-as"), ==, "Mallory <sip:mallory>");
    call_clear (call);
  }
  /* once more: that there is a record by now does not make it better */
  begin (&with_alice, a, m, "peer-uri=sip:bob peer-name=Bob", "");
  assert_found (&with_alice, FALSE, TRUE);
  /* and they find out: he is not verified as himself either */
  gst_zrtp_session_verify_sas (with_alice.a.session, FALSE);
  call_clear (&with_alice);
  begin (&with_alice, a, m, "peer-uri=sip:mallory", "");
  g_assert_false (is_verified (&with_alice.a));
  call_clear (&with_alice);

  begin (&with_alice, a, b, "peer-uri=sip:bob", "peer-uri=sip:alice");
  assert_unalarmed (&with_alice);
  assert_found (&with_alice, TRUE, FALSE);
  g_assert_cmpstr (get_field (&with_alice.a.line[0], "peer-name"), ==, "Bob");
  call_clear (&with_alice);
  g_object_unref (a);
  g_object_unref (b);
  g_object_unref (m);
}

/* What is set during the call is for the next one. */
static void
test_uris_of_the_call (void)
{
  HeldCache *a = new_cache (), *b = new_cache ();
  GList *records;
  gchar *uri;
  Call call;

  begin (&call, a, b, "peer-uri=sip:bob", "");
  g_object_set (call.a.session, "peer-uri", "sip:carol", NULL);
  both_compare (&call);
  records = all_records (a);
  g_assert_cmpuint (g_list_length (records), ==, 1);
  g_object_get (records->data, "peer-uri", &uri, NULL);
  g_assert_cmpstr (uri, ==, "sip:bob");
  g_free (uri);
  g_list_free_full (records, g_object_unref);

  gst_zrtp_stream_stop (call.a.line[0].stream); /* and the same session again */
  gst_zrtp_stream_stop (call.b.line[0].stream);
  forget_logs (&call);
  call_talk (&call);
  assert_found (&call, FALSE, TRUE);
  g_assert_cmpuint (count_records (a), ==, 2);
  call_clear (&call);
  g_object_unref (a);
  g_object_unref (b);
}

/* A peer with one record for us has lost it. Its user and ours compare the SAS once, not once for each URI. */
static void
test_loss_is_settled_once (void)
{
  HeldCache *a = new_cache (), *b = new_cache (), *again = new_cache ();
  Call call;

  get_acquainted (a, b, "peer-uri=sip:bob", "");
  get_acquainted (a, b, "peer-uri=sip:carol", "");
  again->zid = gst_zrtp_cache_get_zid (b->kept, NULL, NULL, NULL);
  begin (&call, a, again, "peer-uri=sip:bob", "");
  g_assert_true (get_flag (&call.a.line[0], "cache-mismatch"));
  both_compare (&call);
  call_clear (&call);

  begin (&call, a, again, "peer-uri=sip:carol", "");
  assert_unalarmed (&call);
  assert_found (&call, FALSE, TRUE); /* who said "Carol" in that call? */
  call_clear (&call);
  begin (&call, a, again, "peer-uri=sip:bob", "");
  assert_unalarmed (&call);
  assert_found (&call, TRUE, FALSE);
  call_clear (&call);
  g_object_unref (a);
  g_object_unref (b);
  g_object_unref (again);
}

/* §4.9: "the stored cache interval should be set to 0", under all URIs. */
static void
test_forgetful_peer (void)
{
  HeldCache *a = new_cache (), *b = new_cache (), *again = new_cache ();
  Call call;

  get_acquainted (a, b, "peer-uri=sip:bob", "");
  get_acquainted (a, b, "peer-uri=sip:carol", "");
  again->zid = gst_zrtp_cache_get_zid (b->kept, NULL, NULL, NULL);
  /* somebody who only says so, and does not have the secret, is not believed */
  begin (&call, a, again, "peer-uri=sip:dave", "cache-expiry=0");
  call_clear (&call);
  begin (&call, a, again, "peer-uri=sip:bob", "cache-expiry=0");
  g_assert_true (get_flag (&call.a.line[0], "cache-mismatch"));
  call_clear (&call);
  g_assert_cmpuint (count_records (a), ==, 2);
  begin (&call, a, b, "peer-uri=sip:bob", "cache-expiry=0");
  assert_unalarmed (&call);
  call_clear (&call);
  g_assert_cmpuint (count_records (a), ==, 0);
  g_object_unref (a);
  g_object_unref (b);
  g_object_unref (again);
}

/* A ZID anybody can copy. Who has not shown the secret of the one whose ZID it is, is not said to be known, in his first
 * call nor later. */
static void
test_forged_zid (void)
{
  HeldCache *a = new_cache (), *b = new_cache (), *m = new_forger (b);

  get_acquainted (a, b, "peer-uri=sip:bob peer-name=Bob", "");
  for (guint i = 0; i < 4; i++) {
    const gboolean forged = i < 3;
    gchar *text = NULL;
    Call call;

    call_init (&call, 1, forged ? "peer-uri=sip:bob.work" : "peer-uri=sip:bob.home", "");
    g_object_set (call.a.session, "cache", a, NULL);
    g_object_set (call.b.session, "cache", forged ? m : b, NULL);
    g_signal_connect (call.a.session, "warning", G_CALLBACK (note_text), &text);
    call_talk (&call);
    assert_found (&call, FALSE, TRUE);
    g_assert_cmpstr (get_field (&call.a.line[0], "known-as"), ==, forged ? "" : "Bob <sip:bob>");
    g_assert_cmpint (strstr (text, "somebody else") != NULL, ==, forged);
    g_assert_nonnull (strstr (text, "Bob <sip:bob>"));
    call_clear (&call);
    g_free (text);
  }
  g_object_unref (a);
  g_object_unref (b);
  g_object_unref (m);
}

/* The application did not set URIs, and then does. The secret is expected as before; that it is Bob's nobody has said. */
static void
test_record_without_uri (void)
{
  static const gchar *const before[] = {"", "local-uri=sip:alice"};
  static const gchar settings[] = "local-uri=sip:alice peer-uri=sip:bob";

  for (guint i = 0; i < 2; i++) {
    HeldCache *a = new_cache (), *b = new_cache (), *m = new_forger (b);
    Call call;

    get_acquainted (a, b, before[i], "");
    begin (&call, a, m, settings, "");
    g_assert_true (get_flag (&call.a.line[0], "cache-mismatch"));
    call_clear (&call);
    g_assert_cmpuint (count_records (a), ==, 1); /* it waits for the SAS */
    begin (&call, a, b, settings, "");
    assert_unalarmed (&call);
    assert_found (&call, FALSE, TRUE);
    call_clear (&call);
    begin (&call, a, m, settings, ""); /* there is a record of its own now */
    g_assert_true (get_flag (&call.a.line[0], "cache-mismatch"));
    call_clear (&call);
    g_object_unref (a);
    g_object_unref (b);
    g_object_unref (m);
  }
}

/* A loss that is settled in the first call with URIs is settled for those without. */
static void
test_loss_before_uris (void)
{
  HeldCache *a = new_cache (), *b = new_cache (), *again = new_forger (b);
  Call call;

  get_acquainted (a, b, "", "");
  get_acquainted (a, again, "peer-uri=sip:bob", "");
  begin (&call, a, again, "", "");
  assert_unalarmed (&call);
  call_clear (&call);
  g_object_unref (a);
  g_object_unref (b);
  g_object_unref (again);
}

/* --- How many ----------------------------------------------------------------------------------------------- */

static void
call_under (HeldCache *a, HeldCache *b, guint i, const gchar *name)
{
  gchar *settings = g_strdup_printf ("peer-uri=sip:%u%s", i, name);
  Call call;

  begin (&call, a, b, settings, "");
  call_clear (&call);
  g_free (settings);
}

static gboolean
has_record_of (HeldCache *cache, guint i)
{
  GList *records = all_records (cache);
  gchar *uri = g_strdup_printf ("sip:%u", i);
  const gboolean has = find_record (records, uri) != NULL;

  g_list_free_full (records, g_object_unref);
  g_free (uri);
  return has;
}

/* The calls were one a second, long ago; number 40 was the first. */
static void
age (HeldCache *cache)
{
  GList *records = all_records (cache);

  for (GList *l = records; l; l = l->next) {
    gchar *uri;
    guint i;

    g_object_get (l->data, "peer-uri", &uri, NULL);
    i = (guint) g_ascii_strtoull (uri + 4, NULL, 10);
    g_object_set (l->data, "last-seen", (gint64) (1000 + (i + 24) % 64), NULL);
    g_assert_true (gst_zrtp_cache_put (cache->kept, l->data, NULL));
    g_free (uri);
  }
  g_list_free_full (records, g_object_unref);
}

/* One device that calls under many URIs: 64 are kept, and first those with a user's word. */
static void
test_limit (void)
{
  HeldCache *a = new_cache (), *b = new_cache ();

  get_acquainted (a, b, "peer-uri=sip:0", "");
  call_under (a, b, 1, " peer-name=Bob");
  for (guint i = 2; i < 64; i++)
    call_under (a, b, i, "");
  g_assert_cmpuint (count_records (a), ==, 64);
  age (a);
  call_under (a, b, 40, ""); /* one that is there puts nothing out */
  g_assert_cmpuint (count_records (a), ==, 64);
  call_under (a, b, 64, "");
  g_assert_cmpuint (count_records (a), ==, 64);
  g_assert_true (has_record_of (a, 40));
  g_assert_false (has_record_of (a, 41));
  g_assert_true (has_record_of (a, 42));
  for (guint i = 65; i < 65 + 70; i++) /* there is room for 62 */
    call_under (a, b, i, " peer-name=Carol");
  g_assert_cmpuint (count_records (a), ==, 64);
  for (guint i = 0; i < 65 + 70; i++)
    g_assert_cmpint (has_record_of (a, i), ==, i < 2 || (i >= 65 && i < 65 + 62));
  g_object_unref (a);
  g_object_unref (b);
}

/* --- Names, §12 ---------------------------------------------------------------------------------------------- */

static void
assert_next (
    HeldCache *a, HeldCache *b, const gchar *settings, gboolean verified, const gchar *name)
{
  Call call;

  begin (&call, a, b, settings, "");
  assert_unalarmed (&call);
  g_assert_cmpint (is_verified (&call.a), ==, verified);
  g_assert_cmpstr (get_field (&call.a.line[0], "peer-name"), ==, name);
  call_clear (&call);
}

static void
test_names (void)
{
  HeldCache *a = new_cache (), *b = new_cache ();
  GList *records;
  Call call;

  get_acquainted (a, b, "", "");
  assert_next (a, b, "peer-name=Bob", TRUE, "Bob"); /* the first name */
  assert_next (a, b, "", TRUE, "Bob");
  assert_next (a, b, "peer-name=Bob", TRUE, "Bob");
  assert_next (a, b, "peer-name=Carol", FALSE, ""); /* before the call */
  assert_next (a, b, "peer-name=Carol", FALSE, "");
  get_acquainted (a, b, "", "");
  assert_next (a, b, "", TRUE, "Carol");

  begin (&call, a, b, "", ""); /* in the call */
  forget_logs (&call);
  g_object_set (call.a.session, "peer-name", "Carol", NULL);
  assert_log (&call.a, "");
  g_object_set (call.a.session, "peer-name", "Dave", NULL);
  assert_log (&call.a, "verified:0");
  call_clear (&call);
  assert_next (a, b, "", FALSE, "");

  begin (&call, a, b, "", ""); /* and compared afterwards */
  gst_zrtp_session_verify_sas (call.a.session, TRUE);
  g_object_set (call.a.session, "peer-name", "Eve", NULL);
  gst_zrtp_session_verify_sas (call.a.session, TRUE);
  call_clear (&call);
  assert_next (a, b, "", TRUE, "Eve");

  records = all_records (a);
  g_assert_true (gst_zrtp_cache_rename (a->kept, records->data, "Eve", NULL));
  g_list_free_full (records, g_object_unref);
  assert_next (a, b, "", TRUE, "Eve");
  records = all_records (a);
  g_assert_true (gst_zrtp_cache_rename (a->kept, records->data, "Frank", NULL));
  g_list_free_full (records, g_object_unref);
  assert_next (a, b, "", FALSE, "");
  g_object_unref (a);
  g_object_unref (b);
}

/* A name that was set before the first call is the name, also for what is said later in that call. */
static void
test_name_in_first_call (void)
{
  HeldCache *a = new_cache (), *b = new_cache ();
  gboolean verified;
  Call call;

  begin (&call, a, b, "peer-name=Bob", "");
  both_compare (&call);
  forget_logs (&call);
  g_object_set (call.a.session, "peer-name", "Carol", NULL);
  assert_log (&call.a, "verified:0");
  g_object_get (call.a.session, "sas-verified", &verified, NULL);
  g_assert_false (verified);
  call_clear (&call);
  assert_next (a, b, "", FALSE, "");
  g_object_unref (a);
  g_object_unref (b);
}

/* A further stream of the call says what the user has done since. */
static void
test_name_in_further_stream (void)
{
  HeldCache *a = new_cache (), *b = new_cache ();
  Call call;

  get_acquainted (a, b, "peer-name=Bob", "");
  call_init (&call, 2, "", "");
  g_object_set (call.a.session, "cache", a, NULL);
  g_object_set (call.b.session, "cache", b, NULL);
  gst_zrtp_stream_start (call.a.line[0].stream, call.now);
  gst_zrtp_stream_start (call.b.line[0].stream, call.now);
  call_run (&call, call.now + GST_SECOND);
  g_assert_cmpstr (get_field (&call.a.line[0], "peer-name"), ==, "Bob");
  g_object_set (call.a.session, "peer-name", "Carol", NULL);
  gst_zrtp_stream_start (call.a.line[1].stream, call.now);
  gst_zrtp_stream_start (call.b.line[1].stream, call.now);
  call_run (&call, call.now + GST_SECOND);
  assert_line_secure (&call, 1);
  g_assert_false (get_flag (&call.a.line[1], "sas-verified"));
  g_assert_cmpstr (get_field (&call.a.line[1], "peer-name"), ==, "");
  g_assert_true (get_flag (&call.b.line[1], "sas-verified"));
  call_clear (&call);
  g_object_unref (a);
  g_object_unref (b);
}

/* --- A PBX --------------------------------------------------------------------------------------------------- */

static void
enroll (HeldCache *phone, HeldCache *pbx, const gchar *settings)
{
  gchar *all = g_strconcat (settings, " accept-enrollment=true", NULL);
  Call call;

  begin (&call, phone, pbx, all, "mitm=true enroll=true");
  g_assert_true (gst_zrtp_session_accept_enrollment (call.a.session, TRUE, NULL));
  call_clear (&call);
  g_free (all);
}

/* It stands behind many URIs, and its secret is one, also after the user has enrolled again. */
static void
test_pbx (void)
{
  HeldCache *phone = new_cache (), *pbx = new_cache ();
  static const gchar *const uris[] = {"peer-uri=sip:pbx", "peer-uri=sip:bob", "peer-uri=sip:carol"};

  for (guint enrolled = 0; enrolled < 3; enrolled++) {
    enroll (phone, pbx, uris[enrolled]);
    for (guint i = 0; i < 6; i++) {
      Call call;

      begin (&call, phone, pbx, uris[i % 3], "mitm=true");
      assert_unalarmed (&call);
      g_assert_true (get_flag (&call.a.line[0], "enrolled"));
      g_assert_true (get_flag (&call.b.line[0], "enrolled"));
      assert_log (&call.a, "secure:0:dh"); /* no warning */
      call_clear (&call);
    }
  }
  g_object_unref (phone);
  g_object_unref (pbx);
}

static GBytes *
pbx_secret_of (HeldCache *cache, const gchar *peer_uri)
{
  GList *records = all_records (cache);
  GstZrtpRecord *record = find_record (records, peer_uri);
  GBytes *secret = NULL;

  if (record)
    g_object_get (record, "pbx-secret", &secret, NULL);
  g_list_free_full (records, g_object_unref);
  return secret;
}

static void
assert_pbx_secret (HeldCache *cache, const gchar *peer_uri, GBytes *expected)
{
  GBytes *secret = pbx_secret_of (cache, peer_uri);

  g_assert_cmpint (secret != NULL, ==, expected != NULL);
  if (secret)
    g_assert_true (g_bytes_equal (secret, expected));
  g_clear_pointer (&secret, g_bytes_unref);
}

/* The user has enrolled, and hears or thinks then that it is not the PBX: what was there before is there again. */
static void
test_pbx_taken_back (void)
{
  for (guint row = 0; row < 4; row++) {
    const gboolean had = row & 1, denied = row & 2;
    HeldCache *phone = new_cache (), *pbx = new_cache ();
    GBytes *before;
    Call call;

    if (had)
      enroll (phone, pbx, "peer-uri=sip:pbx");
    before = pbx_secret_of (phone, "sip:pbx");
    g_assert_cmpint (before != NULL, ==, had);
    begin (&call, phone, pbx, "peer-uri=sip:pbx accept-enrollment=true", "mitm=true enroll=true");
    g_assert_true (gst_zrtp_session_accept_enrollment (call.a.session, TRUE, NULL));
    if (denied)
      gst_zrtp_session_verify_sas (call.a.session, FALSE);
    else
      g_assert_true (gst_zrtp_session_accept_enrollment (call.a.session, FALSE, NULL));
    assert_pbx_secret (phone, "sip:pbx", before);
    g_assert_cmpuint (count_records (phone), ==, had || !denied);
    call_clear (&call);
    g_clear_pointer (&before, g_bytes_unref);
    g_object_unref (phone);
    g_object_unref (pbx);
  }
}

/* Who only has the ZID of the PBX, and whom the user believes under another URI, is not the PBX, nor is the PBX locked
 * out. */
static void
test_forged_pbx (void)
{
  HeldCache *phone = new_cache (), *pbx = new_cache (), *forger = new_forger (pbx);
  static const struct {
    gboolean forged;
    const gchar *uri;
    gboolean enrolled;
  } rows[] = {
      {FALSE, "peer-uri=sip:pbx", TRUE},
      {TRUE, "peer-uri=sip:pbx", FALSE},
      {TRUE, "peer-uri=sip:a.new", TRUE}, /* as the user wanted */
      {FALSE, "peer-uri=sip:bob", TRUE},
      {TRUE, "peer-uri=sip:carol", FALSE},
      {FALSE, "peer-uri=sip:pbx", TRUE},
  };
  GBytes *secret;

  enroll (phone, pbx, "peer-uri=sip:pbx");
  secret = pbx_secret_of (phone, "sip:pbx");
  g_assert_nonnull (secret);
  get_acquainted (phone, pbx, "peer-uri=sip:pbx", "");
  enroll (phone, forger, "peer-uri=sip:a.new");
  assert_pbx_secret (phone, "sip:pbx", secret);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    Call call;

    begin (&call, phone, rows[i].forged ? forger : pbx, rows[i].uri, "mitm=true");
    g_assert_cmpint (get_flag (&call.a.line[0], "enrolled"), ==, rows[i].enrolled);
    call_clear (&call);
  }
  g_bytes_unref (secret);
  g_object_unref (phone);
  g_object_unref (pbx);
  g_object_unref (forger);
}

/* --- ZIDs, §4.9 ------------------------------------------------------------------------------------------------ */

/* A's ZID, as B sees it. */
static gchar *
zid_in_call (HeldCache *a, HeldCache *b, const gchar *settings)
{
  gchar *zid;
  Call call;

  begin (&call, a, b, settings, "");
  zid = g_strdup (get_field (&call.b.line[0], "peer-zid"));
  call_clear (&call);
  return zid;
}

static void
test_zid_scopes (void)
{
  static const gchar *const scopes[] = {"cache", "local-uri", "peer"};
  static const gchar *const who[] = {
      "local-uri=sip:a peer-uri=sip:x",
      "local-uri=sip:a peer-uri=sip:y",
      "local-uri=sip:b peer-uri=sip:x",
  };
  HeldCache *a = new_cache (), *b = new_cache ();

  for (guint scope = 0; scope < 3; scope++) {
    gchar *zid[3][2];

    for (guint i = 0; i < 6; i++) {
      gchar *settings = g_strdup_printf ("zid-per=%s %s", scopes[scope], who[i % 3]);

      zid[i % 3][i / 3] = zid_in_call (a, b, settings);
      g_free (settings);
    }
    g_assert_cmpint (g_str_equal (zid[0][0], zid[1][0]), ==, scope < 2);
    g_assert_cmpint (g_str_equal (zid[0][0], zid[2][0]), ==, scope < 1);
    for (guint i = 0; i < 3; i++) {
      g_assert_cmpstr (zid[i][0], ==, zid[i][1]);
      g_free (zid[i][0]);
      g_free (zid[i][1]);
    }
  }
  g_object_unref (a);
  g_object_unref (b);
}

static void
test_zid_without_uri (void)
{
  static const struct {
    const gchar *settings, *missing;
  } rows[] = {
      {"zid-per=local-uri", "local-uri"},
      {"zid-per=local-uri local-uri=", "local-uri"},
      {"zid-per=peer peer-uri=sip:x", "local-uri"},
      {"zid-per=peer local-uri=sip:a", "peer-uri"},
      {"zid-per=cache", NULL},
      {"zid-per=peer local-uri=sip:a peer-uri=sip:x", NULL},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    GError *error = NULL;
    Call call;

    call_init (&call, 1, rows[i].settings, "");
    g_assert_cmpint (gst_zrtp_session_check (call.a.session, &error), ==, !rows[i].missing);
    gst_zrtp_stream_start (call.a.line[0].stream, call.now);
    if (rows[i].missing) {
      g_assert_error (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS);
      g_assert_nonnull (strstr (error->message, rows[i].missing));
      assert_log (&call.a, "failed:0:20");
      g_assert_null (gst_zrtp_stream_poll_packet (call.a.line[0].stream));
    }
    g_clear_error (&error);
    call_clear (&call);
  }
}

/* What is set after somebody has looked at the Hello holds for all streams, and they are one call. */
static void
test_settings_after_hello (void)
{
  HeldCache *a = new_cache (), *b = new_cache ();
  gchar *hash[2];
  Call call;

  get_acquainted (a, b, "", "");
  call_init (&call, 2, "", "");
  for (guint i = 0; i < 2; i++)
    g_object_get (call.a.line[i].stream, "hello-hash", &hash[i], NULL);
  g_object_set (call.a.session, "cache", a, NULL);
  g_object_set (call.b.session, "cache", b, NULL);
  call_talk (&call);
  g_assert_true (is_verified (&call.a));
  for (guint i = 0; i < 2; i++)
    g_free (hash[i]);
  call_clear (&call);
  g_object_unref (a);
  g_object_unref (b);
}

/* --- Without a cache, §4.9.1 --------------------------------------------------------------------------------- */

static void
test_cacheless (void)
{
  HeldCache *b = new_cache ();
  gchar *zid[2];

  for (guint i = 0; i < 2; i++) {
    Call call;

    call_init (&call, 1, "", "");
    g_object_set (call.a.session, "cache-location", "", NULL);
    g_object_set (call.b.session, "cache", b, NULL);
    call_talk (&call);
    assert_log (&call.a, "secure:0:dh");
    both_compare (&call);
    zid[i] = g_strdup (get_field (&call.b.line[0], "peer-zid"));
    call_clear (&call);
  }
  g_assert_cmpstr (zid[0], !=, zid[1]); /* "would not be required to maintain the same value" */
  g_assert_cmpuint (count_records (b), ==, 0); /* it said 0 seconds */
  g_free (zid[0]);
  g_free (zid[1]);
  g_object_unref (b);
}

/* Not set, the location is that of the environment. */
static void
test_location (void)
{
  gchar *folder = g_dir_make_tmp ("zrtp-XXXXXX", NULL);
  gchar *file[2] = {g_build_filename (folder, "a", NULL), g_build_filename (folder, "b", NULL)};

  g_setenv ("GST_ZRTP_CACHE", file[A], TRUE);
  for (guint i = 0; i < 3; i++) {
    Call call;

    call_init (&call, 1, "", "");
    g_object_set (call.b.session, "cache-location", file[B], NULL);
    call_talk (&call);
    assert_found (&call, i > 0, FALSE);
    both_compare (&call);
    call_clear (&call);
    g_assert_true (g_file_test (file[A], G_FILE_TEST_EXISTS));
    g_assert_true (g_file_test (file[B], G_FILE_TEST_EXISTS));
  }
  g_setenv ("GST_ZRTP_CACHE", "", TRUE);
  for (guint i = 0; i < 2; i++) {
    g_remove (file[i]);
    g_free (file[i]);
  }
  g_rmdir (folder);
  g_free (folder);
}

/* --- Caches that fail ----------------------------------------------------------------------------------------- */

static void
assert_no_common_secret (HeldCache *a, HeldCache *b, gboolean alarmed)
{
  Call call;

  begin (&call, a, b, "", "");
  g_assert_cmpint (get_flag (&call.b.line[0], "cache-mismatch"), ==, alarmed);
  call_clear (&call);
}

/* The call comes about, there is one warning for each failure, and what is kept stays as it was. */
static void
test_failures (void)
{
  static const struct {
    guint fails;
    gboolean b_stores; /* we could not tell the peer that we would keep nothing */
  } rows[] = {
      {FAIL_ZID, FALSE},
      {FAIL_ZID | SILENTLY, FALSE},
      {FAIL_LOOKUP, FALSE},
      {FAIL_UPDATE, TRUE},
      {FAIL_UPDATE | SILENTLY, TRUE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    HeldCache *a = new_cache (), *b = new_cache ();
    Call call;

    a->fails = rows[i].fails;
    begin (&call, a, b, "", "");
    assert_log (&call.a, "warning:0:cache secure:0:dh");
    assert_log (&call.b, "secure:0:dh");
    gst_zrtp_session_verify_sas (call.b.session, TRUE);
    gst_zrtp_session_verify_sas (call.a.session, TRUE);
    assert_log (&call.a, rows[i].b_stores ? "verified:1 warning:0:cache" : "verified:1");
    g_assert_cmpuint (count_records (a), ==, 0);
    g_assert_cmpuint (count_records (b), ==, rows[i].b_stores);
    call_clear (&call);
    a->fails = 0;
    assert_no_common_secret (a, b, rows[i].b_stores);
    g_object_unref (a);
    g_object_unref (b);
  }
}

/* Two who know each other. Ours fails in one call: V is false, 0 seconds, and in the next call all is as before,
 * but for the peer that was alarmed. */
static void
test_failures_later (void)
{
  static const guint fails[] = {FAIL_ZID, FAIL_LOOKUP, FAIL_UPDATE};

  for (guint i = 0; i < G_N_ELEMENTS (fails); i++) {
    HeldCache *a = new_cache (), *b = new_cache ();
    Call call;

    get_acquainted (a, b, "", "");
    a->fails = fails[i];
    begin (&call, a, b, "", "");
    g_assert_cmpint (is_verified (&call.b), ==, fails[i] == FAIL_UPDATE);
    assert_log (&call.a, "warning:0:cache secure:0:dh");
    assert_log (
        &call.b, fails[i] == FAIL_LOOKUP ? "secure:0:dh warning:0:cache-mismatch" : "secure:0:dh");
    call_clear (&call);
    a->fails = 0;
    begin (&call, a, b, "", "");
    assert_unalarmed (&call);
    g_assert_true (is_verified (&call.a));
    g_assert_true (is_verified (&call.b));
    call_clear (&call);
    g_object_unref (a);
    g_object_unref (b);
  }
}

/* A cache that cannot be opened is said once, not once for each stream. */
static void
test_failure_is_said_once (void)
{
  HeldCache *b = new_cache ();
  Call call;

  call_init (&call, 3, "", "");
  g_object_set (call.a.session, "cache-location", "/missing/folder/cache.sqlite", NULL);
  g_object_set (call.b.session, "cache", b, NULL);
  call_talk (&call);
  assert_log (&call.a, "warning:0:cache secure:0:dh secure:1:multistream secure:2:multistream");
  g_assert_cmpuint (count_records (b), ==, 0);
  call_clear (&call);
  g_object_unref (b);
}

int
main (int argc, char *argv[])
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cache/continuity/other-uri", test_other_uri);
  g_test_add_func ("/cache/continuity/both-uris-verified", test_both_uris_verified);
  g_test_add_func ("/cache/continuity/strict-peer", test_strict_peer);
  g_test_add_func ("/cache/continuity/evil-friend", test_evil_friend);
  g_test_add_func ("/cache/continuity/uris-of-the-call", test_uris_of_the_call);
  g_test_add_func ("/cache/continuity/loss-is-settled-once", test_loss_is_settled_once);
  g_test_add_func ("/cache/continuity/forgetful-peer", test_forgetful_peer);
  g_test_add_func ("/cache/continuity/forged-zid", test_forged_zid);
  g_test_add_func ("/cache/continuity/record-without-uri", test_record_without_uri);
  g_test_add_func ("/cache/continuity/loss-before-uris", test_loss_before_uris);
  g_test_add_func ("/cache/continuity/limit", test_limit);
  g_test_add_func ("/cache/continuity/names", test_names);
  g_test_add_func ("/cache/continuity/name-in-first-call", test_name_in_first_call);
  g_test_add_func ("/cache/continuity/name-in-further-stream", test_name_in_further_stream);
  g_test_add_func ("/cache/continuity/pbx", test_pbx);
  g_test_add_func ("/cache/continuity/pbx-taken-back", test_pbx_taken_back);
  g_test_add_func ("/cache/continuity/forged-pbx", test_forged_pbx);
  g_test_add_func ("/cache/continuity/zid-scopes", test_zid_scopes);
  g_test_add_func ("/cache/continuity/zid-without-uri", test_zid_without_uri);
  g_test_add_func ("/cache/continuity/settings-after-hello", test_settings_after_hello);
  g_test_add_func ("/cache/continuity/cacheless", test_cacheless);
  g_test_add_func ("/cache/continuity/location", test_location);
  g_test_add_func ("/cache/continuity/failures", test_failures);
  g_test_add_func ("/cache/continuity/failures-later", test_failures_later);
  g_test_add_func ("/cache/continuity/failure-is-said-once", test_failure_is_said_once);
  return g_test_run ();
}
