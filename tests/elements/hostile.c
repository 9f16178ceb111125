/* Whatever the network brings: it is counted, the flow goes on, and the call is none the worse.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/elements/call.h"

/* Copies of the ZRTP packets of a call, to be spoilt. */
static GPtrArray *packets;
static GMutex packets_lock;

static GstBuffer *
collect (Party *from, Channel channel, GstBuffer *buffer)
{
  if (packet_kind (buffer) == PACKET_ZRTP) {
    g_mutex_lock (&packets_lock);
    g_ptr_array_add (packets, gst_buffer_copy_deep (buffer));
    g_mutex_unlock (&packets_lock);
  }
  return buffer;
}

static Call *
new_call_and_packets (void)
{
  Call *call = call_new ("", "");

  packets = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
  call->network = collect;
  call_play (call);
  gst_structure_free (party_wait_message (&call->a, "zrtp-secure"));
  gst_structure_free (party_wait_message (&call->b, "zrtp-secure"));
  call->network = NULL;
  fail_unless (packets->len >= 8);
  return call;
}

static void
free_call_and_packets (Call *call)
{
  call_free (call);
  g_clear_pointer (&packets, g_ptr_array_unref);
}

static void
check_call_works (Call *call)
{
  static guint16 seq = 1000;
  GstBuffer *a = new_rtp (seq++, A_SSRC, 1), *b;
  GstZrtpState state;

  g_object_get (call->b.enc, "state", &state, NULL);
  fail_unless_equals_int (state, GST_ZRTP_STATE_SECURE);
  fail_unless_equals_int (party_send (&call->a, RTP, gst_buffer_copy_deep (a)), GST_FLOW_OK);
  b = party_pop (&call->b, RTP);
  fail_unless (buffers_equal (a, b));
  fail_unless_equals_int (party_n_received (&call->b, RTP), 0);
  gst_buffer_unref (a);
  gst_buffer_unref (b);
}

static void
check_harmless (Party *party, GstBuffer *buffer)
{
  Channel channel;

  for (channel = 0; channel < N_CHANNELS; channel++)
    fail_unless_equals_int (party_inject (party, channel, gst_buffer_ref (buffer)), GST_FLOW_OK);
  gst_buffer_unref (buffer);
}

/* So that no packet is lost for want of room and the actor really sees them all. */
static void
wait_for_actor (Party *party)
{
  GstStructure *stats;
  guint64 ignored, before = G_MAXUINT64;

  do {
    g_usleep (3000);
    g_object_get (party->dec, "stats", &stats, NULL);
    gst_structure_get_uint64 (stats, "zrtp-ignored", &ignored);
    gst_structure_free (stats);
    if (ignored == before)
      return;
    before = ignored;
  } while (TRUE);
}

GST_START_TEST (test_truncated_zrtp)
{
  Call *call = new_call_and_packets ();
  guint i, length;

  for (i = 0; i < packets->len; i++) {
    GstBuffer *packet = packets->pdata[i];
    for (length = 0; length < gst_buffer_get_size (packet); length += length < 32 ? 1 : 13)
      check_harmless (&call->b, gst_buffer_copy_region (packet, GST_BUFFER_COPY_ALL, 0, length));
    wait_for_actor (&call->b);
  }
  fail_unless (party_stat (&call->b, "zrtp-ignored") > 0);
  fail_unless (party_stat (&call->b, "receive-dropped-malformed") > 0);
  check_call_works (call);
  free_call_and_packets (call);
}
GST_END_TEST;

GST_START_TEST (test_bit_errors_in_zrtp)
{
  Call *call = new_call_and_packets ();
  guint i, bit;

  for (i = 0; i < packets->len; i++) {
    for (bit = 0; bit < 8 * gst_buffer_get_size (packets->pdata[i]); bit += 29) {
      GstBuffer *copy = gst_buffer_copy_deep (packets->pdata[i]);
      GstMapInfo info;

      gst_buffer_map (copy, &info, GST_MAP_READWRITE);
      info.data[bit / 8] ^= 1 << bit % 8;
      gst_buffer_unmap (copy, &info);
      check_harmless (&call->b, copy);
    }
    wait_for_actor (&call->b);
  }
  fail_unless (party_stat (&call->b, "zrtp-ignored-crc") > 0);
  check_call_works (call);
  free_call_and_packets (call);
}
GST_END_TEST;

GST_START_TEST (test_oversized_zrtp)
{
  Call *call = new_call_and_packets ();
  GstBuffer *packet = gst_buffer_copy_deep (packets->pdata[0]);

  packet = gst_buffer_append (packet, gst_buffer_new_allocate (NULL, 3000, NULL));
  check_harmless (&call->b, packet);
  fail_unless_equals_uint64 (party_stat (&call->b, "zrtp-dropped-oversized"), 2);
  check_call_works (call);
  free_call_and_packets (call);
}
GST_END_TEST;

GST_START_TEST (test_garbage)
{
  Call *call = new_call_and_packets ();
  guint i, j;

  g_random_set_seed (6189);
  for (i = 0; i < 2000; i++) {
    guint8 garbage[64];
    guint size = g_random_int_range (1, sizeof garbage);

    for (j = 0; j < sizeof garbage; j++)
      garbage[j] = g_random_int ();
    check_harmless (&call->b, gst_buffer_new_memdup (garbage, size));
  }
  fail_unless (party_stat (&call->b, "receive-dropped-malformed") > 1000);
  fail_unless_equals_int (party_n_received (&call->b, RTCP), 0);
  check_call_works (call);
  free_call_and_packets (call);
}
GST_END_TEST;

/* RTP has no business on the RTCP pad, and would come out of the wrong one. */
GST_START_TEST (test_rtp_on_rtcp_pad)
{
  Call *call = call_new ("policy=best-effort", "");

  call->network = network_lose;
  party_set_state (&call->a, GST_STATE_PLAYING);
  send_events (call->a.from_net[RTCP], "application/x-rtcp");
  fail_unless_equals_int (party_inject (&call->a, RTCP, new_rtp (1, B_SSRC, 1)), GST_FLOW_OK);
  fail_unless_equals_int (party_n_received (&call->a, RTP), 0);
  fail_unless_equals_int (party_n_received (&call->a, RTCP), 0);
  fail_unless_equals_uint64 (party_stat (&call->a, "receive-dropped-malformed"), 1);
  call_free (call);
}
GST_END_TEST;

/* --- More than anybody can take ------------------------------------------------------------------- */

static GMutex gate_lock;
static GCond gate_open;
static gboolean open_gate;
static gint n_waiting;

static GstBuffer *
wait_at_gate (Party *from, Channel channel, GstBuffer *buffer)
{
  if (from == &from->call->a) {
    g_mutex_lock (&gate_lock);
    g_atomic_int_inc (&n_waiting);
    while (!open_gate)
      g_cond_wait (&gate_open, &gate_lock);
    g_mutex_unlock (&gate_lock);
  }
  return buffer;
}

/* While the actor is held up in a push, no more than its inbox is kept. */
GST_START_TEST (test_flood)
{
  Call *call = call_new ("", "");
  guint8 hello[28] = {0x10, 0, 0, 0, 0x5a, 0x52, 0x54, 0x50};
  guint i;

  call->network = wait_at_gate;
  call_play_silent (call); /* media would wait behind the Hello */
  while (g_atomic_int_get (&n_waiting) == 0)
    g_usleep (1000);
  for (i = 0; i < 1000; i++)
    check_harmless (&call->a, gst_buffer_new_memdup (hello, sizeof hello));
  fail_unless (party_stat (&call->a, "zrtp-dropped-overflow") >= 2000 - 64);

  g_mutex_lock (&gate_lock);
  open_gate = TRUE;
  g_cond_broadcast (&gate_open);
  g_mutex_unlock (&gate_lock);
  gst_structure_free (party_wait_message (&call->a, "zrtp-secure"));
  call_free (call);
}
GST_END_TEST;

static guint
n_srtp_streams (Party *party)
{
  GstElement *srtpdec = gst_bin_get_by_name (GST_BIN (party->dec), "srtpdec");
  GstStructure *stats;
  guint n;

  g_object_get (srtpdec, "stats", &stats, NULL);
  n = gst_value_array_get_size (gst_structure_get_value (stats, "streams"));
  gst_structure_free (stats);
  gst_object_unref (srtpdec);
  return n;
}

static GstBuffer *recorded;

static GstBuffer *
record (Party *from, Channel channel, GstBuffer *buffer)
{
  if (from == &from->call->a)
    gst_buffer_replace (&recorded, buffer);
  return buffer;
}

/* srtpdec makes a stream for everybody who knocks, before it looks at the tag. */
GST_START_TEST (test_spoofed_ssrcs)
{
  Call *call = new_call_and_packets ();
  guint i;

  call->network = record;
  check_call_works (call);
  for (i = 0; i < 200; i++) {
    fail_unless_equals_int (party_inject (&call->b, RTP, new_rtp (i, 0x10000 + i, 9)), GST_FLOW_OK);
    fail_unless_equals_int (party_inject (&call->b, RTCP, new_rtcp (0x20000 + i)), GST_FLOW_OK);
    fail_unless_equals_int (party_inject (&call->b, RTP, new_rtcp (0x30000 + i)), GST_FLOW_OK);
  }
  fail_unless (n_srtp_streams (&call->b) <= 2, "%u streams", n_srtp_streams (&call->b));

  /* the real one was not pushed out: the window that stops replays is still there */
  fail_unless_equals_int (
      party_inject (&call->b, RTP, gst_buffer_copy_deep (recorded)), GST_FLOW_OK);
  fail_unless_equals_int (party_n_received (&call->b, RTP), 0);
  check_call_works (call);

  /* and who comes later gets in too */
  fail_unless_equals_int (party_send (&call->a, RTP, new_rtp (1, 0xcafe, 1)), GST_FLOW_OK);
  gst_buffer_unref (party_pop (&call->b, RTP));
  gst_clear_buffer (&recorded);
  free_call_and_packets (call);
}
GST_END_TEST;

/* Nothing can be taken away from srtpdec while a packet is inside: here one that a sink holds up. */
static GMutex hold_lock;
static GCond hold_over;
static gboolean is_over;
static gint n_held;

static GstPadProbeReturn
hold (GstPad *pad, GstPadProbeInfo *info, gpointer unused)
{
  g_mutex_lock (&hold_lock);
  g_atomic_int_inc (&n_held);
  while (!is_over)
    g_cond_wait (&hold_over, &hold_lock);
  g_mutex_unlock (&hold_lock);
  return GST_PAD_PROBE_OK;
}

static gpointer
send_report (gpointer call)
{
  party_send (&((Call *) call)->a, RTCP, new_rtcp (A_SSRC));
  return NULL;
}

GST_START_TEST (test_spoofed_ssrcs_while_held_up)
{
  Call *call = new_call_and_packets ();
  GThread *thread;
  guint i;

  gst_pad_add_probe (call->b.out[RTCP], GST_PAD_PROBE_TYPE_BUFFER, hold, NULL, NULL);
  thread = g_thread_new ("report", send_report, call);
  while (g_atomic_int_get (&n_held) == 0)
    g_usleep (1000);
  for (i = 0; i < 200; i++)
    fail_unless_equals_int (party_inject (&call->b, RTP, new_rtp (i, 0x10000 + i, 9)), GST_FLOW_OK);
  fail_unless (n_srtp_streams (&call->b) <= 64 + 1, "%u streams", n_srtp_streams (&call->b));

  g_mutex_lock (&hold_lock);
  is_over = TRUE;
  g_cond_broadcast (&hold_over);
  g_mutex_unlock (&hold_lock);
  g_thread_join (thread);
  check_call_works (call);

  /* they go with the next who comes, and he gets in */
  fail_unless_equals_int (party_send (&call->a, RTP, new_rtp (1, 0xcafe, 1)), GST_FLOW_OK);
  fail_unless_equals_int (party_n_received (&call->b, RTP), 1);
  fail_unless_equals_int (n_srtp_streams (&call->b), 2);
  free_call_and_packets (call);
}
GST_END_TEST;

/* --- Logs ------------------------------------------------------------------------------------------ */

static gint n_lines;

static void
count_lines (GstDebugCategory *category, GstDebugLevel level, const gchar *file,
    const gchar *function, gint line, GObject *object, GstDebugMessage *message, gpointer unused)
{
  if (g_str_has_prefix (gst_debug_category_get_name (category), "zrtp"))
    g_atomic_int_inc (&n_lines);
}

GST_START_TEST (test_log_is_quiet)
{
  Call *call = new_call_and_packets ();
  guint i;

  gst_debug_remove_log_function (gst_debug_log_default);
  gst_debug_set_threshold_for_name ("zrtp*", GST_LEVEL_LOG);
  gst_debug_add_log_function (count_lines, NULL, NULL);
  for (i = 0; i < 3000; i++) {
    check_harmless (&call->b, gst_buffer_new_memdup ("\x20garbage", 8));
    check_harmless (&call->b, new_rtp (i, 0x77, 1));
    check_harmless (&call->b, gst_buffer_copy_deep (packets->pdata[0]));
    check_harmless (&call->b, gst_buffer_append (gst_buffer_copy_deep (packets->pdata[0]),
                                  gst_buffer_new_allocate (NULL, 3000, NULL)));
  }
  gst_debug_set_threshold_for_name ("zrtp*", GST_LEVEL_NONE);
  gst_debug_remove_log_function (count_lines);
  fail_unless (g_atomic_int_get (&n_lines) <= 30, "%d lines", g_atomic_int_get (&n_lines));
  free_call_and_packets (call);
}
GST_END_TEST;

static Suite *
hostile_suite (void)
{
  Suite *suite = suite_create ("hostile");
  TCase *tc = tcase_create ("all");

  suite_add_tcase (suite, tc);
  tcase_add_test (tc, test_truncated_zrtp);
  tcase_add_test (tc, test_bit_errors_in_zrtp);
  tcase_add_test (tc, test_oversized_zrtp);
  tcase_add_test (tc, test_garbage);
  tcase_add_test (tc, test_rtp_on_rtcp_pad);
  tcase_add_test (tc, test_flood);
  tcase_add_test (tc, test_spoofed_ssrcs);
  tcase_add_test (tc, test_spoofed_ssrcs_while_held_up);
  tcase_add_test (tc, test_log_is_quiet);
  return suite;
}

GST_CHECK_MAIN (hostile);
