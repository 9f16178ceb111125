/* Peers that come late, answer late or say nothing; all in the time of a test clock.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/elements/call.h"

static GstTestClock *test_clock;

static void
setup (void)
{
  test_clock = GST_TEST_CLOCK (gst_test_clock_new ());
  gst_system_clock_set_default (GST_CLOCK (test_clock));
}

static void
teardown (void)
{
  gst_system_clock_set_default (NULL);
  gst_clear_object (&test_clock);
}

static void
play_alone (Party *party)
{
  party_set_state (party, GST_STATE_READY);
  gst_element_set_state (party->dec, GST_STATE_PAUSED);
  send_events (party->from_net[RTP], "application/x-srtp");
  party_set_state (party, GST_STATE_PLAYING);
  send_events (party->in[RTP], "application/x-rtp");
}

static void
check_no_answer (Party *party)
{
  GstStructure *warning = party_pass_time_until (test_clock, party, "zrtp-warning");

  fail_unless_equals_string (gst_structure_get_string (warning, "code"), "no-answer");
  fail_unless (gst_structure_get_string (warning, "text") != NULL);
  gst_structure_free (warning);
}

/* RFC 6189 §6: twenty retransmissions, 50 ms doubling to 200 ms; no failure, no error, no leak. */
GST_START_TEST (test_no_answer)
{
  Call *call = call_new ("", "");
  GstBus *bus = gst_element_get_bus (call->a.pipeline);
  GstClockTime time;

  call->network = network_lose;
  play_alone (&call->a);
  check_no_answer (&call->a);
  fail_unless_equals_int (party_n_sent (&call->a, RTP, PACKET_ZRTP), 21);
  time = gst_clock_get_time (GST_CLOCK (test_clock));
  fail_unless (time >= 3 * GST_SECOND && time <= 5 * GST_SECOND, "it took %" GST_TIME_FORMAT,
      GST_TIME_ARGS (time));
  fail_unless (gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR) == NULL);
  fail_unless_equals_int (party_send (&call->a, RTP, new_rtp (1, A_SSRC, 1)), GST_FLOW_OK);
  fail_unless_equals_int (party_n_sent (&call->a, RTP, PACKET_RTP), 0);
  gst_object_unref (bus);
  call_free (call);
}
GST_END_TEST;

/* A callee picks up a minute later. */
GST_START_TEST (test_peer_comes_a_minute_later)
{
  Call *call = call_new ("", "");
  GstBuffer *buffer;

  call->network = network_lose;
  play_alone (&call->a);
  check_no_answer (&call->a);
  gst_test_clock_advance_time (test_clock, 60 * GST_SECOND);
  play_alone (&call->b);
  call->network = NULL;
  gst_structure_free (party_pass_time_until (test_clock, &call->b, "zrtp-secure"));
  gst_structure_free (party_pass_time_until (test_clock, &call->a, "zrtp-secure"));

  fail_unless_equals_int (party_send (&call->a, RTP, new_rtp (1, A_SSRC, 1)), GST_FLOW_OK);
  buffer = party_pop (&call->b, RTP);
  gst_buffer_unref (buffer);
  call_free (call);
}
GST_END_TEST;

/* The peer, who gave up too, shows that it is there by its media. Once: it may have no ZRTP at all. */
GST_START_TEST (test_media_starts_discovery_again)
{
  Call *call = call_new ("", "");

  call->network = network_lose;
  play_alone (&call->a);
  check_no_answer (&call->a);
  fail_unless_equals_int (party_n_sent (&call->a, RTP, PACKET_ZRTP), 21);
  fail_unless_equals_int (party_inject (&call->a, RTP, new_rtp (1, B_SSRC, 1)), GST_FLOW_OK);
  party_wait_sent (&call->a, RTP, PACKET_ZRTP, 22);
  check_no_answer (&call->a);
  fail_unless_equals_int (party_n_sent (&call->a, RTP, PACKET_ZRTP), 42);
  fail_unless_equals_int (party_inject (&call->a, RTP, new_rtp (2, B_SSRC, 1)), GST_FLOW_OK);
  g_usleep (20 * 1000);
  fail_unless_equals_int (party_n_sent (&call->a, RTP, PACKET_ZRTP), 42);
  call_free (call);
}
GST_END_TEST;

static GstBuffer *
lose_some (Party *from, Channel channel, GstBuffer *buffer)
{
  return g_random_int_range (0, 100) < 30 ? network_lose (from, channel, buffer) : buffer;
}

GST_START_TEST (test_loss)
{
  Call *call = call_new ("", "");
  guint i;

  g_random_set_seed (__i__);
  call->network = lose_some;
  call_play (call);
  /* Conf2ACK may be lost for good, then it is the media that tells */
  gst_structure_free (party_pass_time_until (test_clock, &call->a, "zrtp-secure"));
  for (i = 0; i < 4; i++)
    fail_unless_equals_int (party_send (&call->a, RTP, new_rtp (i, A_SSRC, 1)), GST_FLOW_OK);
  gst_structure_free (party_pass_time_until (test_clock, &call->b, "zrtp-secure"));
  call_free (call);
}
GST_END_TEST;

static GstBuffer *
lose_confirm2 (Party *from, Channel channel, GstBuffer *buffer)
{
  gchar type[8] = "";

  if (packet_kind (buffer) == PACKET_ZRTP)
    gst_buffer_extract (buffer, 16, type, sizeof type);
  return memcmp (type, "Confirm2", 8) == 0 ? network_lose (from, channel, buffer) : buffer;
}

static gboolean
has_child (GstElement *element, const gchar *name)
{
  GstElement *child = gst_bin_get_by_name (GST_BIN (element), name);

  if (child)
    gst_object_unref (child);
  return child != NULL;
}

/* A negotiation that fails when there was a key already: it goes, and nothing is clear again. */
GST_START_TEST (test_failure_takes_the_keys)
{
  Call *call = call_new ("policy=best-effort", "policy=best-effort");
  Party *initiator;
  guint i;

  call->network = lose_confirm2;
  call_play_silent (call);
  /* A Hello that came before the other end had begun comes again when its time has come. */
  for (i = 1; !has_child (call->a.dec, "srtpdec") && !has_child (call->b.dec, "srtpdec"); i++) {
    g_usleep (1000);
    if (i % 50 == 0 && gst_test_clock_peek_next_pending_id (test_clock, NULL))
      gst_test_clock_crank (test_clock);
  }
  initiator = has_child (call->a.dec, "srtpdec") ? &call->a : &call->b;
  gst_structure_free (party_pass_time_until (test_clock, initiator, "zrtp-failed"));
  /* not at once when a packet is on its way through */
  for (i = 0; i < 20 && has_child (initiator->dec, "srtpdec"); i++) {
    g_usleep (20 * 1000);
    if (gst_test_clock_peek_next_pending_id (test_clock, NULL))
      gst_test_clock_crank (test_clock);
  }
  fail_if (has_child (initiator->dec, "srtpdec"));
  fail_if (has_child (initiator->enc, "srtpenc"));

  fail_unless_equals_int (party_inject (initiator, RTP, new_rtp (1, B_SSRC, 1)), GST_FLOW_OK);
  fail_unless_equals_int (party_n_received (initiator, RTP), 0);
  fail_unless_equals_uint64 (party_stat (initiator, "receive-dropped-not-secure"), 1);
  call_free (call);
}
GST_END_TEST;

/* Nobody upstream ever says a word: no caps, no segment, no media. */
GST_START_TEST (test_no_media_at_all)
{
  Call *call = call_new ("", "");

  call_play_silent (call);
  gst_structure_free (party_pass_time_until (test_clock, &call->a, "zrtp-secure"));
  gst_structure_free (party_pass_time_until (test_clock, &call->b, "zrtp-secure"));
  call_free (call);
}
GST_END_TEST;

/* Media is on its way long before the peer speaks ZRTP. */
GST_START_TEST (test_media_before_zrtp)
{
  Call *call = call_new ("policy=best-effort", "policy=best-effort");
  guint i;

  call->network = network_lose;
  play_alone (&call->a);
  for (i = 0; i < 50; i++)
    fail_unless_equals_int (party_inject (&call->a, RTP, new_rtp (i, B_SSRC, 1)), GST_FLOW_OK);
  fail_unless_equals_int (party_n_received (&call->a, RTP), 50);
  play_alone (&call->b);
  call->network = NULL;
  gst_structure_free (party_pass_time_until (test_clock, &call->a, "zrtp-secure"));
  gst_structure_free (party_pass_time_until (test_clock, &call->b, "zrtp-secure"));
  call_free (call);
}
GST_END_TEST;

/* ZRTP needs neither clock nor PLAYING: a sink that waits for its first buffer gets one. */
GST_START_TEST (test_preroll)
{
  GstElement *pipeline = gst_parse_launch (
      "appsrc caps=application/x-rtp ! zrtpenc ! fakesink async=true sync=true zrtpdec ! fakesink "
      "async=false",
      NULL);

  fail_unless_equals_int (
      gst_element_set_state (pipeline, GST_STATE_PAUSED), GST_STATE_CHANGE_ASYNC);
  fail_unless_equals_int (
      gst_element_get_state (pipeline, NULL, NULL, 10 * GST_SECOND), GST_STATE_CHANGE_SUCCESS);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}
GST_END_TEST;

/* --- Live pipelines, in real time ---------------------------------------------------------------- */

#define MEDIA "audio, clock-rate=8000, encoding-name=PCMU"

static GstPadProbeReturn
count (GstPad *pad, GstPadProbeInfo *info, gpointer n)
{
  g_atomic_int_inc ((gint *) n);
  return GST_PAD_PROBE_OK;
}

static void
count_buffers (GstElement *pipeline, const gchar *name, gint *n)
{
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), name);
  GstPad *pad = gst_element_get_static_pad (sink, "sink");

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, count, n, NULL);
  gst_object_unref (pad);
  gst_object_unref (sink);
}

static void
wait_for_buffers (gint *n, const gchar *what)
{
  for (guint i = 0; i < 10000 && g_atomic_int_get (n) < 3; i++)
    g_usleep (1000);
  fail_unless (g_atomic_int_get (n) >= 3, "%s: only %d packets", what, g_atomic_int_get (n));
}

static GstElement *
new_live_pipeline (const gchar *id, const gchar *path, const gchar *sink)
{
  gchar *text = g_strdup_printf (
      "audiotestsrc is-live=true ! mulawenc ! rtppcmupay ! zrtpenc connection-id=%s ! %s "
      "%s name=net udpsrc name=socket port=0 caps=\"application/x-srtp, media=" MEDIA "\" ! "
      "zrtpdec connection-id=%s ! rtppcmudepay ! mulawdec ! fakesink name=out sync=true async=true",
      id, path, sink, id);
  GError *error = NULL;
  GstElement *pipeline = gst_parse_launch (text, &error);

  fail_unless (error == NULL, "%s", error ? error->message : "");
  g_free (text);
  return pipeline;
}

/* A live pipeline that is told to play at once, with a sink behind zrtpdec that gets nothing before the
 * call is secure: the Hellos go out all the same. */
GST_START_TEST (test_live_pipeline)
{
  static const gchar *paths[] = {
      "", "queue !", "tee !", "( identity ) !", "( queue ! ( identity ) ) !"};
  GstElement *pipeline = new_live_pipeline (
      "live", paths[__i__ % G_N_ELEMENTS (paths)], "fakesink sync=true async=true");
  gint n = 0;

  count_buffers (pipeline, "net", &n);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  wait_for_buffers (&n, "to the network");
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}
GST_END_TEST;

static void
connect_sockets (GstElement *from, GstElement *to)
{
  GstElement *net = gst_bin_get_by_name (GST_BIN (from), "net");
  GstElement *socket = gst_bin_get_by_name (GST_BIN (to), "socket");
  gint port;

  g_object_get (socket, "port", &port, NULL);
  g_object_set (net, "port", port, NULL);
  gst_object_unref (net);
  gst_object_unref (socket);
}

/* An ordinary call of two: every sink as it is by default, and everybody plays in the end. */
GST_START_TEST (test_live_call)
{
  GstElement *a = new_live_pipeline ("a", "", "udpsink host=127.0.0.1");
  GstElement *b = new_live_pipeline ("b", "", "udpsink host=127.0.0.1");
  gint n_a = 0, n_b = 0;

  gst_element_set_state (a, GST_STATE_READY);
  gst_element_set_state (b, GST_STATE_READY);
  connect_sockets (a, b);
  connect_sockets (b, a);
  count_buffers (a, "out", &n_a);
  count_buffers (b, "out", &n_b);
  gst_element_set_state (a, GST_STATE_PLAYING);
  gst_element_set_state (b, GST_STATE_PLAYING);
  wait_for_buffers (&n_a, "from b to a");
  wait_for_buffers (&n_b, "from a to b");
  fail_unless_equals_int (
      gst_element_get_state (a, NULL, NULL, 10 * GST_SECOND), GST_STATE_CHANGE_SUCCESS);
  fail_unless_equals_int (
      gst_element_get_state (b, NULL, NULL, 10 * GST_SECOND), GST_STATE_CHANGE_SUCCESS);
  gst_element_set_state (a, GST_STATE_NULL);
  gst_element_set_state (b, GST_STATE_NULL);
  gst_object_unref (a);
  gst_object_unref (b);
}
GST_END_TEST;

/* A sink that no packet reaches holds up the state change, but not for long. */
GST_START_TEST (test_unreachable_sink)
{
  GstElement *pipeline = new_live_pipeline ("live", "valve drop=true !", "fakesink async=true");
  gint64 begin = g_get_monotonic_time ();

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  fail_unless (g_get_monotonic_time () - begin < G_TIME_SPAN_SECOND);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}
GST_END_TEST;

static Suite *
late_suite (void)
{
  Suite *suite = suite_create ("late");
  TCase *tc = tcase_create ("test clock"), *real = tcase_create ("real clock");

  suite_add_tcase (suite, tc);
  suite_add_tcase (suite, real);
  tcase_add_checked_fixture (tc, setup, teardown);
  tcase_add_test (tc, test_no_answer);
  tcase_add_test (tc, test_peer_comes_a_minute_later);
  tcase_add_test (tc, test_media_starts_discovery_again);
  tcase_add_loop_test (tc, test_loss, 0, 5);
  tcase_add_test (tc, test_failure_takes_the_keys);
  tcase_add_test (tc, test_no_media_at_all);
  tcase_add_test (tc, test_media_before_zrtp);
  tcase_add_test (tc, test_preroll);
  tcase_add_loop_test (real, test_live_pipeline, 0, 20);
  tcase_add_loop_test (real, test_live_call, 0, 5);
  tcase_add_test (real, test_unreachable_sink);
  return suite;
}

GST_CHECK_MAIN (late);
