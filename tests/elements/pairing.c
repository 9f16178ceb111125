/* Who belongs to whom: the two hands of a stream find each other in any order, and whoever does not
 * fit is told so.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/elements/call.h"

static gpointer
get_object (GstElement *element, const gchar *property)
{
  gpointer object;

  g_object_get (element, property, &object, NULL);
  return object;
}

static void
check_same (GstElement *a, GstElement *b, const gchar *property, gboolean same)
{
  GObject *x = get_object (a, property), *y = get_object (b, property);

  fail_unless (x && y);
  fail_unless ((x == y) == same, "%s", property);
  g_object_unref (x);
  g_object_unref (y);
}

static GstElement *
new_element (const gchar *factory, const gchar *properties)
{
  GstElement *element = gst_object_ref_sink (gst_element_factory_make (factory, NULL));

  party_set (element, properties);
  return element;
}

static void
free_element (GstElement *element)
{
  gst_element_set_state (element, GST_STATE_NULL);
  gst_object_unref (element);
}

/* Whichever comes first makes the stream; reading it is enough to come. */
GST_START_TEST (test_order)
{
  const gchar *factories[2] = {"zrtpenc", "zrtpdec"};
  GstElement *one = new_element (factories[__i__], "");
  GstElement *other = new_element (factories[!__i__], "");

  check_same (one, other, "stream", TRUE);
  check_same (one, other, "session", TRUE);
  free_element (one);
  free_element (other);

  one = new_element (factories[__i__], "connection-id=x");
  other = new_element (factories[!__i__], "connection-id=x");
  fail_unless_equals_int (gst_element_set_state (one, GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
  fail_unless_equals_int (gst_element_set_state (other, GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
  check_same (one, other, "stream", TRUE);
  free_element (one);
  free_element (other);
}
GST_END_TEST;

GST_START_TEST (test_sessions)
{
  GstElement *a = new_element ("zrtpenc", "connection-id=1 session-id=call");
  GstElement *b = new_element ("zrtpenc", "connection-id=2 session-id=call");
  GstElement *c = new_element ("zrtpenc", "connection-id=3");
  GstElement *d = new_element ("zrtpenc", "connection-id=4");
  GstZrtpSession *session = gst_zrtp_session_new ();

  g_object_set (d, "session", session, NULL);
  check_same (a, b, "session", TRUE);
  check_same (a, b, "stream", FALSE);
  check_same (a, c, "session", FALSE);
  check_same (d, d, "session", TRUE);
  fail_unless (get_object (d, "session") == session);
  gst_object_unref (session);
  free_element (a);
  free_element (b);
  free_element (c);
  free_element (d);
  ASSERT_OBJECT_REFCOUNT (session, "session", 1);
  gst_object_unref (session);
}
GST_END_TEST;

/* The registry keeps nothing alive. */
GST_START_TEST (test_registry_is_weak)
{
  GstElement *enc = new_element ("zrtpenc", "");
  gpointer session = get_object (enc, "session"), stream = get_object (enc, "stream");
  GWeakRef weak_session, weak_stream;

  g_weak_ref_init (&weak_session, session);
  g_weak_ref_init (&weak_stream, stream);
  gst_object_unref (session);
  gst_object_unref (stream);
  free_element (enc);
  fail_unless (g_weak_ref_get (&weak_stream) == NULL);
  fail_unless (g_weak_ref_get (&weak_session) == NULL);
  g_weak_ref_clear (&weak_session);
  g_weak_ref_clear (&weak_stream);
}
GST_END_TEST;

/* Settings of the call can be made on either hand, and before there is a call. */
GST_START_TEST (test_settings_reach_the_session)
{
  GstElement *enc = new_element ("zrtpenc", "ciphers=AES3");
  GstElement *dec = new_element ("zrtpdec", "policy=best-effort ssrc=77");
  GstZrtpSession *session;
  GstZrtpPolicy policy;
  gchar *ciphers;
  guint ssrc;

  g_object_get (enc, "ciphers", &ciphers, "policy", &policy, NULL);
  fail_unless_equals_string (ciphers, "AES3");
  fail_unless_equals_int (policy, GST_ZRTP_POLICY_REQUIRED);
  g_free (ciphers);

  gst_element_set_state (enc, GST_STATE_READY);
  gst_element_set_state (dec, GST_STATE_READY);
  session = get_object (dec, "session");
  g_object_get (session, "ciphers", &ciphers, "policy", &policy, NULL);
  fail_unless_equals_string (ciphers, "AES3");
  fail_unless_equals_int (policy, GST_ZRTP_POLICY_BEST_EFFORT);
  g_free (ciphers);
  g_object_get (dec, "ciphers", &ciphers, NULL);
  fail_unless_equals_string (ciphers, "AES3");
  g_free (ciphers);
  g_object_get (enc, "policy", &policy, "ssrc", &ssrc, NULL);
  fail_unless_equals_int (policy, GST_ZRTP_POLICY_BEST_EFFORT);
  fail_unless_equals_int (ssrc, 77);

  gst_object_unref (session);
  free_element (enc);
  free_element (dec);
}
GST_END_TEST;

/* hello-hash is there before anything is sent, and the peer's can be set. */
GST_START_TEST (test_hello_hash)
{
  Call *call = call_new ("", "");
  GstStructure *secure;
  gchar *hash;

  g_object_get (call->a.enc, "hello-hash", &hash, NULL);
  fail_unless (g_str_has_prefix (hash, "1.10 "));
  fail_unless_equals_int (strlen (hash), 5 + 64);
  g_object_set (call->b.dec, "peer-hello-hash", hash, NULL);
  g_free (hash);
  /* half a pair that comes and goes changes nothing */
  gst_element_set_state (call->a.dec, GST_STATE_PAUSED);
  gst_element_set_state (call->a.dec, GST_STATE_READY);
  call_play (call);
  secure = party_wait_message (&call->a, "zrtp-secure");
  gst_structure_free (secure);
  call_free (call);
}
GST_END_TEST;

GST_START_TEST (test_wrong_hello_hash)
{
  Call *call = call_new ("", "");
  GstStructure *warning;
  gchar *hash;

  g_object_get (call->a.enc, "hello-hash", &hash, NULL);
  hash[10] = hash[10] == '0' ? '1' : '0';
  g_object_set (call->b.dec, "peer-hello-hash", hash, NULL);
  g_free (hash);
  call_play (call);
  warning = party_wait_message (&call->b, "zrtp-warning");
  fail_unless_equals_string (gst_structure_get_string (warning, "code"), "hello-hash-mismatch");
  fail_if (party_has_message (&call->b, "zrtp-secure"));
  gst_structure_free (warning);
  call_free (call);
}
GST_END_TEST;

/* --- Errors -------------------------------------------------------------------------------------- */

/* The element cannot become READY, and its error says all of this. */
static void
check_refused (GstElement *element, GQuark domain, gint code, const gchar **words)
{
  GstBus *bus = gst_bus_new ();
  GstMessage *message;
  GError *error;

  gst_element_set_bus (element, bus);
  fail_unless_equals_int (
      gst_element_set_state (element, GST_STATE_READY), GST_STATE_CHANGE_FAILURE);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  fail_unless (message != NULL, "no error was posted");
  gst_message_parse_error (message, &error, NULL);
  fail_unless (g_error_matches (error, domain, code), "%s", error->message);
  for (; *words; words++)
    fail_unless (
        strstr (error->message, *words) != NULL, "'%s' does not say '%s'", error->message, *words);
  g_error_free (error);
  gst_message_unref (message);
  gst_element_set_bus (element, NULL);
  gst_object_unref (bus);
}

GST_START_TEST (test_third_element)
{
  const gchar *factories[] = {"zrtpenc", "zrtpdec"};
  GstElement *one = new_element (factories[__i__], "name=first connection-id=door");
  GstElement *third = new_element (factories[__i__], "name=third connection-id=door");
  const gchar *words[] = {"first", "third", "door", "connection-id", NULL};

  gst_element_set_state (one, GST_STATE_READY);
  check_refused (third, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_BUSY, words);

  /* the place is free again when its holder leaves */
  gst_element_set_state (one, GST_STATE_NULL);
  fail_unless_equals_int (gst_element_set_state (third, GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
  free_element (one);
  free_element (third);
}
GST_END_TEST;

GST_START_TEST (test_different_sessions)
{
  GstElement *enc = new_element ("zrtpenc", "name=hand1 connection-id=door session-id=red");
  GstElement *dec = new_element ("zrtpdec", "name=hand2 connection-id=door session-id=blue");
  GstElement *other = new_element ("zrtpdec", "name=hand3 connection-id=door");
  GstZrtpSession *session = gst_zrtp_session_new ();
  const gchar *words[] = {"hand1", "hand2", "door", "red", NULL};
  const gchar *other_words[] = {"hand1", "hand3", "door", NULL};

  gst_element_set_state (enc, GST_STATE_READY);
  check_refused (dec, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, words);
  g_object_set (other, "session", session, NULL);
  check_refused (other, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, other_words);
  free_element (enc);
  free_element (dec);
  free_element (other);
  gst_object_unref (session);
}
GST_END_TEST;

GST_START_TEST (test_bad_values)
{
  static const struct {
    const gchar *property, *value;
  } cases[] = {
      {"key-agreements", "X255,NOPE"},
      {"ciphers", "AES2"},
      {"client-id", "much too long a client id"},
      {"peer-hello-hash", "1.10 abc"},
  };
  GstElement *enc = gst_object_ref_sink (gst_element_factory_make ("zrtpenc", "the-enc"));
  const gchar *words[] = {"the-enc", cases[__i__].property, NULL};

  g_object_set (enc, cases[__i__].property, cases[__i__].value, NULL);
  check_refused (enc, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, words);
  free_element (enc);
}
GST_END_TEST;

/* What decides about the pairing does not change in flight. */
GST_START_TEST (test_id_changes_too_late)
{
  GstElement *enc = new_element ("zrtpenc", "connection-id=one");
  GstBus *bus = gst_bus_new ();
  GstMessage *message;
  gchar *id;

  gst_element_set_bus (enc, bus);
  gst_element_set_state (enc, GST_STATE_READY);
  g_object_set (enc, "connection-id", "two", NULL);
  g_object_get (enc, "connection-id", &id, NULL);
  fail_unless_equals_string (id, "one");
  g_free (id);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING);
  fail_unless (message != NULL);
  gst_message_unref (message);

  gst_element_set_state (enc, GST_STATE_NULL);
  g_object_set (enc, "connection-id", "two", NULL);
  g_object_get (enc, "connection-id", &id, NULL);
  fail_unless_equals_string (id, "two");
  g_free (id);
  gst_element_set_bus (enc, NULL);
  gst_object_unref (bus);
  free_element (enc);
}
GST_END_TEST;

/* --- The missing partner --------------------------------------------------------------------------- */

static void
check_no_partner (GstElement *element, GstBus *bus, const gchar *partner)
{
  GstMessage *message = gst_bus_timed_pop_filtered (bus, 5 * GST_SECOND, GST_MESSAGE_WARNING);
  GError *error;
  gchar *text;
  GstZrtpWarning code;

  fail_unless (message != NULL, "nobody warned");
  gst_message_parse_warning (message, &error, NULL);
  fail_unless (
      strstr (error->message, partner) && strstr (error->message, "lonely"), "%s", error->message);
  g_error_free (error);
  gst_message_unref (message);

  message = gst_bus_timed_pop_filtered (bus, 5 * GST_SECOND, GST_MESSAGE_ELEMENT);
  fail_unless (gst_zrtp_message_parse_warning (message, &code, &text));
  fail_unless_equals_int (code, GST_ZRTP_WARNING_NO_PARTNER);
  fail_unless (strstr (text, "lonely") != NULL);
  fail_unless_equals_string (
      gst_structure_get_string (gst_message_get_structure (message), "code"), "no-partner");
  g_free (text);
  gst_message_unref (message);
}

GST_START_TEST (test_no_partner)
{
  const gchar *factories[] = {"zrtpenc", "zrtpdec"};
  GstTestClock *clock = GST_TEST_CLOCK (gst_test_clock_new ());
  GstElement *element;
  GstBus *bus = gst_bus_new ();
  GstClockID id;

  gst_system_clock_set_default (GST_CLOCK (clock));
  element = new_element (factories[__i__], "connection-id=lonely");
  gst_element_set_bus (element, bus);
  gst_element_set_state (element, GST_STATE_PLAYING);
  gst_test_clock_wait_for_next_pending_id (clock, &id);
  fail_unless_equals_uint64 (gst_clock_id_get_time (id), 2 * GST_SECOND);
  gst_clock_id_unref (id);
  fail_unless (gst_test_clock_crank (clock));
  check_no_partner (element, bus, factories[!__i__]);

  gst_element_set_bus (element, NULL);
  free_element (element);
  fail_if (gst_test_clock_has_id (clock, id));
  gst_object_unref (bus);
  gst_system_clock_set_default (NULL);
  gst_object_unref (clock);
}
GST_END_TEST;

/* A complete pair has no such timer. */
GST_START_TEST (test_partner_comes)
{
  Call *call = call_new_secure ("", "");
  GstBus *bus = gst_element_get_bus (call->a.pipeline);

  g_usleep (2200 * 1000);
  fail_unless (gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING) == NULL);
  gst_object_unref (bus);
  call_free (call);
}
GST_END_TEST;

/* --- Again ----------------------------------------------------------------------------------------- */

static void
check_media (Call *call, guint16 seq)
{
  GstBuffer *buffer;

  fail_unless_equals_int (party_send (&call->a, RTP, new_rtp (seq, A_SSRC, 1)), GST_FLOW_OK);
  buffer = party_pop (&call->b, RTP);
  gst_buffer_unref (buffer);
}

/* Through READY or NULL and back: the pair finds itself and negotiates afresh. */
GST_START_TEST (test_restart)
{
  GstState down = __i__ ? GST_STATE_NULL : GST_STATE_READY;
  Call *call = call_new_secure ("", "");
  gchar *before, *after;

  check_media (call, 1);
  g_object_get (call->a.enc, "sas", &before, NULL);
  party_set_state (&call->a, down);
  party_set_state (&call->b, down);
  party_wait_state (&call->a, GST_ZRTP_STATE_IDLE);
  call_play (call);
  gst_structure_free (party_wait_message (&call->a, "zrtp-secure"));
  gst_structure_free (party_wait_message (&call->b, "zrtp-secure"));
  check_media (call, 1);
  g_object_get (call->a.enc, "sas", &after, NULL);
  fail_unless (
      after != NULL && g_strcmp0 (before, after) != 0, "the same SAS as before: %s", after);
  g_free (before);
  g_free (after);
  call_free (call);
}
GST_END_TEST;

/* At once, or a little later when a packet of the peer is on its way in just then. */
static void
wait_until_gone (GstElement *hand, const gchar *name)
{
  GstElement *child;

  for (guint i = 0; (child = gst_bin_get_by_name (GST_BIN (hand), name)) && i < 2000; i++) {
    gst_object_unref (child);
    g_usleep (1000);
  }
  fail_unless (child == NULL, "%s is still there", name);
}

/* One hand alone goes through READY and comes back; both parties begin again. */
GST_START_TEST (test_restart_of_one_hand)
{
  Call *call = call_new_secure ("", "");
  GstElement *hand = __i__ ? call->a.dec : call->a.enc;

  gst_element_set_state (hand, GST_STATE_READY);
  party_wait_state (&call->a, GST_ZRTP_STATE_IDLE);
  wait_until_gone (call->a.enc, "srtpenc");
  wait_until_gone (call->a.dec, "srtpdec");
  party_set_state (&call->b, GST_STATE_READY);
  call_play (call);
  gst_structure_free (party_wait_message (&call->a, "zrtp-secure"));
  gst_structure_free (party_wait_message (&call->b, "zrtp-secure"));
  check_media (call, 1);
  call_free (call);
}
GST_END_TEST;

/* An application that stops everything from within a signal runs in the actor's own thread. */
static void
stop_everything (
    GstZrtpSession *session, GstZrtpStream *stream, GstStructure *structure, Call *call)
{
  gst_element_set_state (call->a.enc, GST_STATE_NULL);
  gst_element_set_state (call->a.dec, GST_STATE_NULL);
}

GST_START_TEST (test_stop_in_signal_handler)
{
  Call *call = call_new ("", "");
  GstZrtpSession *session = get_object (call->a.enc, "session");

  g_signal_connect (session, "secure", G_CALLBACK (stop_everything), call);
  call_play (call);
  gst_structure_free (party_wait_message (&call->a, "zrtp-secure"));
  fail_unless_equals_int (
      gst_element_get_state (call->a.enc, NULL, NULL, 5 * GST_SECOND), GST_STATE_CHANGE_SUCCESS);
  g_usleep (100 * 1000);
  gst_object_unref (session);
  call_free (call);
}
GST_END_TEST;

/* Stopping at any moment of a negotiation is safe. */
GST_START_TEST (test_stop_at_any_time)
{
  guint i;

  for (i = 0; i < 60; i++) {
    Call *call = call_new ("", "");

    call_play (call);
    g_usleep (i * 400);
    call_free (call);
  }
}
GST_END_TEST;

static Suite *
pairing_suite (void)
{
  Suite *suite = suite_create ("pairing");
  TCase *tc = tcase_create ("all");

  suite_add_tcase (suite, tc);
  tcase_add_loop_test (tc, test_order, 0, 2);
  tcase_add_test (tc, test_sessions);
  tcase_add_test (tc, test_registry_is_weak);
  tcase_add_test (tc, test_settings_reach_the_session);
  tcase_add_test (tc, test_hello_hash);
  tcase_add_test (tc, test_wrong_hello_hash);
  tcase_add_loop_test (tc, test_third_element, 0, 2);
  tcase_add_test (tc, test_different_sessions);
  tcase_add_loop_test (tc, test_bad_values, 0, 4);
  tcase_add_test (tc, test_id_changes_too_late);
  tcase_add_loop_test (tc, test_no_partner, 0, 2);
  tcase_add_test (tc, test_partner_comes);
  tcase_add_loop_test (tc, test_restart, 0, 2);
  tcase_add_loop_test (tc, test_restart_of_one_hand, 0, 2);
  tcase_add_test (tc, test_stop_in_signal_handler);
  tcase_add_test (tc, test_stop_at_any_time);
  return suite;
}

GST_CHECK_MAIN (pairing);
