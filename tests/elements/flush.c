/* Flushes, EOS and stops: the key stream goes on where it was, or never again.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/elements/call.h"

static GstBuffer *last_sent;

static GstBuffer *
remember (Party *from, Channel channel, GstBuffer *buffer)
{
  if (from == &from->call->a && packet_kind (buffer) != PACKET_ZRTP)
    gst_buffer_replace (&last_sent, buffer);
  return buffer;
}

static void
flush (GstPad *pad)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  fail_unless (gst_pad_push_event (pad, gst_event_new_flush_start ()));
  fail_unless (gst_pad_push_event (pad, gst_event_new_flush_stop (TRUE)));
  fail_unless (gst_pad_push_event (pad, gst_event_new_segment (&segment)));
}

static void
check_media (Call *call, guint16 seq)
{
  GstBuffer *packet = new_rtp (seq, A_SSRC, 1), *received;

  fail_unless_equals_int (party_send (&call->a, RTP, gst_buffer_copy_deep (packet)), GST_FLOW_OK);
  fail_unless (party_n_received (&call->b, RTP) == 1, "packet %u was lost", seq);
  received = party_pop (&call->b, RTP);
  fail_unless (buffers_equal (packet, received));
  gst_buffer_unref (packet);
  gst_buffer_unref (received);
}

/* Past 65535 the roll-over counter is part of the key stream's position; a flush must not lose it. */
GST_START_TEST (test_flush)
{
  Call *call = call_new_secure ("", "");
  guint i;

  for (i = 65530; i < 65540; i++)
    check_media (call, i);
  flush (call->a.in[RTP]);
  fail_unless (
      g_ptr_array_find_with_equal_func (call->a.first[RTP], "flush-stop", g_str_equal, NULL));
  for (; i < 65550; i++)
    check_media (call, i);
  flush (call->b.from_net[RTP]);
  for (; i < 65560; i++)
    check_media (call, i);
  call_free (call);
}
GST_END_TEST;

/* A packet that was recorded does not come in twice, flush or not. */
GST_START_TEST (test_replay)
{
  Call *call = call_new_secure ("", "");
  GstBuffer *recorded;

  call->network = remember;
  check_media (call, 1);
  recorded = g_steal_pointer (&last_sent);
  fail_unless_equals_int (party_inject (&call->b, RTP, gst_buffer_ref (recorded)), GST_FLOW_OK);
  flush (call->b.from_net[RTP]);
  fail_unless_equals_int (party_inject (&call->b, RTP, gst_buffer_ref (recorded)), GST_FLOW_OK);
  fail_unless_equals_int (party_n_received (&call->b, RTP), 0);
  fail_unless_equals_uint64 (party_stat (&call->b, "receive-dropped-srtp"), 2);
  gst_buffer_unref (recorded);
  call_free (call);
}
GST_END_TEST;

static GstBuffer *
encrypt (Call *call)
{
  GstBuffer *buffer;

  fail_unless_equals_int (party_send (&call->a, RTP, new_rtp (1, A_SSRC, 1)), GST_FLOW_OK);
  buffer = g_steal_pointer (&last_sent);
  fail_unless (buffer != NULL, "nothing was sent");
  return buffer;
}

/* The same packet, after READY or NULL: another key. */
GST_START_TEST (test_no_key_stream_twice)
{
  GstState down = __i__ ? GST_STATE_NULL : GST_STATE_READY;
  Call *call = call_new_secure ("", "");
  GstBuffer *before, *after;
  GstElement *child;

  call->network = remember;
  before = encrypt (call);
  party_set_state (&call->a, down);
  child = gst_bin_get_by_name (GST_BIN (call->a.enc), "srtpenc");
  fail_unless (child == NULL, "srtpenc is still there");
  child = gst_bin_get_by_name (GST_BIN (call->a.dec), "srtpdec");
  fail_unless (child == NULL, "srtpdec is still there");
  party_set_state (&call->b, down);
  call_play (call);
  gst_structure_free (party_wait_message (&call->a, "zrtp-secure"));
  after = encrypt (call);
  fail_unless_equals_int (gst_buffer_get_size (before), gst_buffer_get_size (after));
  fail_if (buffers_equal (before, after), "the same key stream twice");
  gst_buffer_unref (before);
  gst_buffer_unref (after);
  call_free (call);
}
GST_END_TEST;

/* Were srtpenc ever reset with its key, it could not begin again with it: the key can be read once. */
GST_START_TEST (test_key_is_read_once)
{
  Call *call = call_new_secure ("", "");
  GstElement *srtpenc = gst_bin_get_by_name (GST_BIN (call->a.enc), "srtpenc");
  GstPad *pad = gst_element_get_static_pad (srtpenc, "rtp_sink_0");

  call->network = remember;
  gst_buffer_unref (encrypt (call));
  gst_pad_send_event (pad, gst_event_new_flush_stop (TRUE));
  fail_unless_equals_int (party_send (&call->a, RTP, new_rtp (2, A_SSRC, 1)), GST_FLOW_OK);
  fail_unless (last_sent == NULL, "srtpenc began the same key stream again");
  gst_object_unref (pad);
  gst_object_unref (srtpenc);
  call_free (call);
}
GST_END_TEST;

/* EOS goes by srtpenc, and a flush brings the stream back. */
GST_START_TEST (test_eos)
{
  Call *call = call_new_secure ("", "");

  check_media (call, 1);
  fail_unless (gst_pad_push_event (call->a.in[RTP], gst_event_new_eos ()));
  fail_unless (GST_PAD_IS_EOS (call->a.to_net[RTP]));
  flush (call->a.in[RTP]);
  check_media (call, 2);
  call_free (call);
}
GST_END_TEST;

/* Media flows, without a pause, while the pair is stopped and started again. */
static gint stop_media;

static gpointer
send_all_the_time (gpointer data)
{
  Party *party = data;
  guint i;

  for (i = 0; !g_atomic_int_get (&stop_media); i++) {
    party_send (party, RTP, new_rtp (i, A_SSRC, 0x77));
    party_send (party, RTCP, new_rtcp (A_SSRC));
    g_usleep (100);
  }
  return NULL;
}

GST_START_TEST (test_stop_while_media_flows)
{
  guint i;

  for (i = 0; i < 10; i++) {
    Call *call = call_new_secure ("", "");
    GThread *a, *b;

    g_atomic_int_set (&stop_media, FALSE);
    a = g_thread_new ("a", send_all_the_time, &call->a);
    b = g_thread_new ("b", send_all_the_time, &call->b);
    g_usleep (5000);
    party_set_state (__i__ ? &call->a : &call->b, GST_STATE_READY);
    g_usleep (5000);
    gst_element_set_state (call->a.dec, GST_STATE_READY);
    g_atomic_int_set (&stop_media, TRUE);
    g_thread_join (a);
    g_thread_join (b);
    call_free (call);
  }
}
GST_END_TEST;

static Suite *
flush_suite (void)
{
  Suite *suite = suite_create ("flush");
  TCase *tc = tcase_create ("all");

  suite_add_tcase (suite, tc);
  tcase_add_test (tc, test_flush);
  tcase_add_test (tc, test_replay);
  tcase_add_loop_test (tc, test_no_key_stream_twice, 0, 2);
  tcase_add_test (tc, test_key_is_read_once);
  tcase_add_test (tc, test_eos);
  tcase_add_loop_test (tc, test_stop_while_media_flows, 0, 2);
  return suite;
}

GST_CHECK_MAIN (flush);
