/* Rule 1: what the policy does not allow does not pass, before, during and after the negotiation.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/elements/call.h"

/* The test of the test: is the packet readable? */
static gboolean
contains_plaintext (GstBuffer *buffer)
{
  static const guint8 pattern[32] = {[0 ... 31] = 0x77};
  GstMapInfo info;
  gboolean found;

  gst_buffer_map (buffer, &info, GST_MAP_READ);
  found = memmem (info.data, info.size, pattern, sizeof pattern) != NULL;
  gst_buffer_unmap (buffer, &info);
  return found;
}

static gint leaked;

static GstBuffer *
watch (Party *from, Channel channel, GstBuffer *buffer)
{
  if (packet_kind (buffer) != PACKET_ZRTP && contains_plaintext (buffer))
    g_atomic_int_inc (&leaked);
  return buffer;
}

static GstBuffer *
new_report (guint32 ssrc)
{
  GstBuffer *buffer = new_rtcp (ssrc);

  return gst_buffer_append (buffer, gst_buffer_new_memdup ((guint8[32]){[0 ... 31] = 0x77}, 32));
}

static gint enough;

static gpointer
send_all_the_time (gpointer data)
{
  Party *party = data;
  guint i;

  for (i = 0; !g_atomic_int_get (&enough); i++) {
    fail_unless_equals_int (party_send (party, RTP, new_rtp (i, A_SSRC, 0x77)), GST_FLOW_OK);
    fail_unless_equals_int (party_send (party, RTCP, new_report (A_SSRC)), GST_FLOW_OK);
    g_usleep (250);
  }
  return GUINT_TO_POINTER (i);
}

/* Media flows from before the first Hello until long after the keys: nothing readable gets out. */
GST_START_TEST (test_required_leaks_nothing)
{
  Call *call = call_new ("", "");
  GThread *thread;
  guint64 sent, dropped;
  guint n;

  g_atomic_int_set (&leaked, 0);
  call->network = watch;
  call_play (call);
  thread = g_thread_new ("media", send_all_the_time, &call->a);
  gst_structure_free (party_wait_message (&call->a, "zrtp-secure"));
  g_usleep (50 * 1000);
  g_atomic_int_set (&enough, TRUE);
  n = GPOINTER_TO_UINT (g_thread_join (thread));

  sent = party_stat (&call->a, "sent-protected");
  dropped = party_stat (&call->a, "send-dropped-not-secure");
  fail_unless_equals_int (g_atomic_int_get (&leaked), 0);
  fail_unless (sent > 0, "nothing was sent at all");
  fail_unless_equals_uint64 (sent + dropped, 2 * n);
  fail_unless_equals_uint64 (party_stat (&call->a, "sent-clear"), 0);
  fail_unless_equals_int (
      party_n_sent (&call->a, RTP, PACKET_RTP) + party_n_sent (&call->a, RTCP, PACKET_RTCP), sent);
  call_free (call);
}
GST_END_TEST;

/* And nobody who never negotiates gets a word in, or out. */
GST_START_TEST (test_required_without_peer)
{
  Call *call = call_new ("", "");
  guint i;

  call->network = network_lose;
  party_set_state (&call->a, GST_STATE_PLAYING);
  send_events (call->a.in[RTP], "application/x-rtp");
  send_events (call->a.in[RTCP], "application/x-rtcp");
  send_events (call->a.from_net[RTP], "application/x-rtp");
  send_events (call->a.from_net[RTCP], "application/x-rtcp");
  for (i = 0; i < 20; i++) {
    fail_unless_equals_int (party_send (&call->a, RTP, new_rtp (i, A_SSRC, 0)), GST_FLOW_OK);
    fail_unless_equals_int (party_send (&call->a, RTCP, new_rtcp (A_SSRC)), GST_FLOW_OK);
    fail_unless_equals_int (party_inject (&call->a, RTP, new_rtp (i, B_SSRC, 0)), GST_FLOW_OK);
    fail_unless_equals_int (party_inject (&call->a, RTP, new_rtcp (B_SSRC)), GST_FLOW_OK);
    fail_unless_equals_int (party_inject (&call->a, RTCP, new_rtcp (B_SSRC)), GST_FLOW_OK);
  }
  fail_unless_equals_int (party_n_sent (&call->a, RTP, PACKET_RTP), 0);
  fail_unless_equals_int (party_n_sent (&call->a, RTCP, PACKET_RTCP), 0);
  fail_unless_equals_int (party_n_received (&call->a, RTP), 0);
  fail_unless_equals_int (party_n_received (&call->a, RTCP), 0);
  fail_unless_equals_uint64 (party_stat (&call->a, "send-dropped-not-secure"), 40);
  fail_unless_equals_uint64 (party_stat (&call->a, "receive-dropped-not-secure"), 60);
  call_free (call);
}
GST_END_TEST;

/* best-effort: a call without ZRTP at the other end is an ordinary call. */
GST_START_TEST (test_best_effort_without_peer)
{
  Call *call = call_new ("policy=best-effort", "");
  GstBuffer *packet = new_rtp (1, A_SSRC, 1);

  call->network = network_lose;
  party_set_state (&call->a, GST_STATE_PLAYING);
  send_events (call->a.in[RTP], "application/x-rtp");
  send_events (call->a.in[RTCP], "application/x-rtcp");
  send_events (call->a.from_net[RTP], "application/x-rtp");
  fail_unless_equals_int (party_send (&call->a, RTP, gst_buffer_ref (packet)), GST_FLOW_OK);
  fail_unless_equals_int (party_send (&call->a, RTCP, new_rtcp (A_SSRC)), GST_FLOW_OK);
  fail_unless_equals_int (party_inject (&call->a, RTP, gst_buffer_ref (packet)), GST_FLOW_OK);
  fail_unless_equals_int (party_n_sent (&call->a, RTP, PACKET_RTP), 1);
  fail_unless_equals_int (party_n_sent (&call->a, RTCP, PACKET_RTCP), 1);
  fail_unless_equals_int (party_n_received (&call->a, RTP), 1);
  gst_buffer_unref (packet);
  call_free (call);
}
GST_END_TEST;

/* RFC 6189 §4: "MUST NOT send [...] RTP packets after sending the Commit". The negotiation is held up
 * at its first DHPart, so that there is time to try. */
static GstBuffer *
lose_dhpart1 (Party *from, Channel channel, GstBuffer *buffer)
{
  gchar type[8] = "";

  if (packet_kind (buffer) == PACKET_ZRTP)
    gst_buffer_extract (buffer, 16, type, sizeof type);
  if (memcmp (type, "DHPart1 ", 8) != 0)
    return watch (from, channel, buffer);
  gst_buffer_unref (buffer);
  return NULL;
}

GST_START_TEST (test_best_effort_is_silent_while_negotiating)
{
  Call *call = call_new ("policy=best-effort", "policy=best-effort");
  guint before, i;

  call->network = lose_dhpart1;
  call_play (call);
  party_wait_state (&call->a, GST_ZRTP_STATE_NEGOTIATING);
  party_wait_state (&call->b, GST_ZRTP_STATE_NEGOTIATING);
  before = party_n_sent (&call->a, RTP, PACKET_RTP);
  for (i = 0; i < 10; i++) {
    fail_unless_equals_int (party_send (&call->a, RTP, new_rtp (i, A_SSRC, 1)), GST_FLOW_OK);
    fail_unless_equals_int (party_send (&call->a, RTCP, new_rtcp (A_SSRC)), GST_FLOW_OK);
  }
  fail_unless_equals_int (party_n_sent (&call->a, RTP, PACKET_RTP), before);
  fail_unless_equals_int (party_n_sent (&call->a, RTCP, PACKET_RTCP), 0);
  fail_unless_equals_uint64 (party_stat (&call->a, "send-dropped-negotiating"), 20);
  call_free (call);
}
GST_END_TEST;

static void
check_never_clear_again (Call *call)
{
  guint clear = party_n_received (&call->a, RTP);

  /* nothing clear comes in */
  fail_unless_equals_int (party_inject (&call->a, RTP, new_rtp (9, B_SSRC, 0x77)), GST_FLOW_OK);
  fail_unless_equals_int (party_inject (&call->a, RTCP, new_report (B_SSRC)), GST_FLOW_OK);
  fail_unless_equals_int (party_n_received (&call->a, RTP), clear);
  fail_unless_equals_int (party_n_received (&call->a, RTCP), 0);

  /* nothing clear goes out */
  g_atomic_int_set (&leaked, 0);
  fail_unless_equals_int (party_send (&call->a, RTP, new_rtp (9, A_SSRC, 0x77)), GST_FLOW_OK);
  fail_unless_equals_int (party_send (&call->a, RTCP, new_report (A_SSRC)), GST_FLOW_OK);
  fail_unless_equals_int (g_atomic_int_get (&leaked), 0);
}

GST_START_TEST (test_best_effort_is_secure_then)
{
  Call *call = call_new ("policy=best-effort", "policy=best-effort");

  call->network = watch;
  call_play (call);
  gst_structure_free (party_wait_message (&call->a, "zrtp-secure"));
  gst_structure_free (party_wait_message (&call->b, "zrtp-secure"));
  check_never_clear_again (call);
  call_free (call);
}
GST_END_TEST;

/* Not even when the other hand of the pair is stopped, which takes the keys away. */
GST_START_TEST (test_no_keys_is_not_clear)
{
  Call *call = call_new ("policy=best-effort", "policy=best-effort");
  guint sent;

  call->network = watch;
  call_play (call);
  gst_structure_free (party_wait_message (&call->a, "zrtp-secure"));
  gst_element_set_state (call->a.dec, GST_STATE_READY);
  sent = party_n_sent (&call->a, RTP, PACKET_RTP);
  fail_unless_equals_int (party_send (&call->a, RTP, new_rtp (9, A_SSRC, 0x77)), GST_FLOW_OK);
  fail_unless_equals_int (party_n_sent (&call->a, RTP, PACKET_RTP), sent);
  fail_unless_equals_uint64 (party_stat (&call->a, "send-dropped-not-secure"), 1);
  call_free (call);
}
GST_END_TEST;

/* The policy may become stricter while it counts. */
GST_START_TEST (test_policy_changes)
{
  Call *call = call_new ("policy=best-effort", "");

  call->network = network_lose;
  party_set_state (&call->a, GST_STATE_PLAYING);
  send_events (call->a.in[RTP], "application/x-rtp");
  fail_unless_equals_int (party_send (&call->a, RTP, new_rtp (1, A_SSRC, 1)), GST_FLOW_OK);
  party_set (call->a.dec, "policy=required");
  fail_unless_equals_int (party_send (&call->a, RTP, new_rtp (2, A_SSRC, 1)), GST_FLOW_OK);
  fail_unless_equals_int (party_n_sent (&call->a, RTP, PACKET_RTP), 1);
  call_free (call);
}
GST_END_TEST;

/* A failed negotiation is an error of the pipeline when the policy requires one that works. The party
 * hears itself: equal ZIDs, RFC 6189 Table 8, 0x90. */
GST_START_TEST (test_failure_is_an_error)
{
  Call *call = call_new ("", "");
  GstStructure *failed;
  GstMessage *message;
  GError *error;
  guint code;

  call->a.peer = &call->a;
  party_set_state (&call->a, GST_STATE_PLAYING);
  send_events (call->a.from_net[RTP], "application/x-srtp");
  failed = party_wait_message (&call->a, "zrtp-failed");
  fail_unless (gst_structure_get_uint (failed, "code", &code));
  fail_unless_equals_int (code, 0x90);
  message = party_wait_error (&call->a, GST_MESSAGE_ERROR);
  gst_message_parse_error (message, &error, NULL);
  fail_unless (g_error_matches (error, GST_STREAM_ERROR, GST_STREAM_ERROR_DECRYPT));
  fail_unless_equals_string (error->message, gst_structure_get_string (failed, "text"));
  g_error_free (error);
  gst_message_unref (message);
  gst_structure_free (failed);
  call_free (call);
}
GST_END_TEST;

static Suite *
policy_suite (void)
{
  Suite *suite = suite_create ("policy");
  TCase *tc = tcase_create ("all");

  suite_add_tcase (suite, tc);
  tcase_add_test (tc, test_required_leaks_nothing);
  tcase_add_test (tc, test_required_without_peer);
  tcase_add_test (tc, test_best_effort_without_peer);
  tcase_add_test (tc, test_best_effort_is_silent_while_negotiating);
  tcase_add_test (tc, test_best_effort_is_secure_then);
  tcase_add_test (tc, test_no_keys_is_not_clear);
  tcase_add_test (tc, test_policy_changes);
  tcase_add_test (tc, test_failure_is_an_error);
  return suite;
}

GST_CHECK_MAIN (policy);
