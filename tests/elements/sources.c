/* SSRCs that change, several at once, hold, and the roll-over counter: the call stays secure, and no
 * packet is lost that could be kept.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/elements/call.h"

enum {
  C_SSRC = 0xc0c0c0c0
};

static void
check_one (Party *from, Channel channel, GstBuffer *packet)
{
  GstBuffer *original = gst_buffer_copy_deep (packet), *received;

  fail_unless_equals_int (party_send (from, channel, packet), GST_FLOW_OK);
  fail_unless (party_n_received (from->peer, channel) == 1, "a packet was lost");
  received = party_pop (from->peer, channel);
  fail_unless (buffers_equal (received, original));
  gst_buffer_unref (received);
  gst_buffer_unref (original);
}

static void
check_media (Party *from, guint32 ssrc, guint first, guint n)
{
  for (guint i = 0; i < n; i++) {
    check_one (from, RTP, new_rtp (first + i, ssrc, i));
    check_one (from, RTCP, new_rtcp (ssrc));
  }
}

static void
check_nothing_was_dropped (Call *call)
{
  static const gchar *counters[] = {"send-dropped-not-secure", "send-dropped-negotiating",
      "send-dropped-srtp", "receive-dropped-not-secure", "receive-dropped-srtp",
      "receive-dropped-malformed"};

  for (guint i = 0; i < G_N_ELEMENTS (counters); i++) {
    fail_unless_equals_uint64 (party_stat (&call->a, counters[i]), 0);
    fail_unless_equals_uint64 (party_stat (&call->b, counters[i]), 0);
  }
}

/* --- SSRCs --------------------------------------------------------------------------------------- */

static guint32
ssrc_of (GstBuffer *packet)
{
  guint8 header[12];

  gst_buffer_extract (packet, 0, header, sizeof header);
  return GST_READ_UINT32_BE (header + 8);
}

static guint32
send_audio (Payloader *payloader, Party *party)
{
  GstBuffer *audio = gst_buffer_new_allocate (NULL, 160, NULL), *packet;
  guint32 ssrc;

  gst_buffer_memset (audio, 0, 0x55, 160);
  fail_unless_equals_int (gst_pad_push (payloader->in, audio), GST_FLOW_OK);
  packet = party_pop (party->peer, RTP);
  fail_unless_equals_int (gst_buffer_get_size (packet), 172);
  fail_unless_equals_int (
      gst_buffer_memcmp (packet, 12, (guint8[160]){[0 ... 159] = 0x55}, 160), 0);
  ssrc = ssrc_of (packet);
  gst_buffer_unref (packet);
  return ssrc;
}

/* The payloader is restarted in the middle of the call: another SSRC and other sequence numbers, and
 * the peer hears on. */
GST_START_TEST (test_payloader_restarts)
{
  Call *call = call_new_secure ("", "");
  Payloader payloader;
  guint32 ssrc = 0, before;
  guint zrtp_ssrc;
  gchar *caps;

  insert_payloader (&payloader, &call->a);
  for (guint i = 0; i < 5; i++) {
    restart_payloader (&payloader);
    before = ssrc;
    for (guint j = 0; j < 3; j++)
      ssrc = send_audio (&payloader, &call->a);
    fail_unless (ssrc != before, "the payloader did not change its SSRC");
    caps = g_strdup_printf ("ssrc=(uint)%u", ssrc);
    fail_unless (strstr (g_ptr_array_index (call->a.caps[RTP], call->a.caps[RTP]->len - 1), caps));
    g_free (caps);
    /* the ZRTP headers keep the SSRC of the negotiation */
    g_object_get (call->a.enc, "ssrc", &zrtp_ssrc, NULL);
    fail_unless_equals_int (zrtp_ssrc == ssrc, i == 0);
  }
  check_nothing_was_dropped (call);
  remove_payloader (&payloader);
  call_free (call);
}
GST_END_TEST;

GST_START_TEST (test_ssrcs_change)
{
  Call *call = call_new_secure ("", "");

  for (guint i = 0; i < 100; i++) {
    check_media (&call->a, A_SSRC + i, i, 2);
    check_media (&call->b, B_SSRC + i, i, 2);
  }
  check_nothing_was_dropped (call);
  call_free (call);
}
GST_END_TEST;

/* One key, many sources, each with a roll-over counter of its own. */
GST_START_TEST (test_many_ssrcs_at_once)
{
  Call *call = call_new_secure ("", "");

  for (guint i = 0; i < 20; i++)
    for (guint j = 0; j < 50; j++)
      check_media (&call->a, A_SSRC + j, 65530 + i - j % 7, 1);
  check_nothing_was_dropped (call);
  call_free (call);
}
GST_END_TEST;

/* --- The roll-over counter ------------------------------------------------------------------------ */

/* Back to an SSRC of before: its counter was not forgotten. */
GST_START_TEST (test_ssrc_comes_back)
{
  Call *call = call_new_secure ("", "");

  check_media (&call->a, A_SSRC, 65530, 10);
  check_media (&call->a, C_SSRC, 65000, 3);
  check_media (&call->a, A_SSRC, 65540, 10);
  check_media (&call->a, C_SSRC, 65530, 10);
  check_media (&call->a, A_SSRC, 65550, 3);
  check_nothing_was_dropped (call);
  call_free (call);
}
GST_END_TEST;

/* RFC 3711 §3.3.1 wants to start low, because of the loss that follows here; nobody cares. */
GST_START_TEST (test_high_first_sequence_number)
{
  static const guint first[] = {0, 1, 0x7fff, 0x8000, 0x8001, 0xfffe, 0xffff};
  Call *call = call_new_secure ("", "");

  for (guint i = 0; i < G_N_ELEMENTS (first); i++)
    check_media (&call->a, A_SSRC + i, first[i], 10);
  check_nothing_was_dropped (call);
  call_free (call);
}
GST_END_TEST;

static GstBuffer *
lose_rtp (Party *from, Channel channel, GstBuffer *buffer)
{
  return packet_kind (buffer) == PACKET_RTP ? network_lose (from, channel, buffer) : buffer;
}

/* Nothing arrives of what was sent before the counter rolled over. */
static void
check_loss_up_to_the_roll_over (Call *call, guint32 ssrc)
{
  call->network = lose_rtp;
  for (guint i = 65530; i < 65536; i++)
    fail_unless_equals_int (party_send (&call->a, RTP, new_rtp (i, ssrc, i)), GST_FLOW_OK);
  call->network = NULL;
  check_media (&call->a, ssrc, 65536, 10);
}

GST_START_TEST (test_loss_up_to_the_roll_over)
{
  Call *call = call_new_secure ("", "");

  for (guint i = 0; i < 3; i++)
    check_loss_up_to_the_roll_over (call, A_SSRC + i);

  /* other keys: nobody is known any more */
  party_set_state (&call->a, GST_STATE_READY);
  party_set_state (&call->b, GST_STATE_READY);
  call_play (call);
  gst_structure_free (party_wait_message (&call->a, "zrtp-secure"));
  gst_structure_free (party_wait_message (&call->b, "zrtp-secure"));
  check_loss_up_to_the_roll_over (call, A_SSRC);
  check_nothing_was_dropped (call);
  call_free (call);
}
GST_END_TEST;

/* --- Backwards ------------------------------------------------------------------------------------ */

static GstBufferList *sent;

static GstBuffer *
record (Party *from, Channel channel, GstBuffer *buffer)
{
  if (packet_kind (buffer) == PACKET_RTP)
    gst_buffer_list_add (sent, gst_buffer_ref (buffer));
  return buffer;
}

/* A sender that counts from anew with the SSRC that it had would use key stream twice: dropped. With
 * another SSRC it goes on. */
GST_START_TEST (test_sequence_goes_back)
{
  Call *call = call_new_secure ("", "");

  sent = gst_buffer_list_new ();
  call->network = record;
  check_media (&call->a, A_SSRC, 1000, 10);
  for (guint i = 0; i < 10; i++)
    fail_unless_equals_int (
        party_send (&call->a, RTP, new_rtp (1000 + i, A_SSRC, 99)), GST_FLOW_OK);
  for (guint i = 0; i < 10; i++)
    fail_unless_equals_int (party_send (&call->a, RTP, new_rtp (10 + i, A_SSRC, 99)), GST_FLOW_OK);
  fail_unless_equals_int (gst_buffer_list_length (sent), 10);
  fail_unless_equals_uint64 (party_stat (&call->a, "send-dropped-srtp"), 20);
  check_media (&call->a, C_SSRC, 10, 10);
  gst_buffer_list_unref (sent);
  call_free (call);
}
GST_END_TEST;

/* --- Hold ----------------------------------------------------------------------------------------- */

static guint
n_zrtp (Call *call)
{
  return party_n_sent (&call->a, RTP, PACKET_ZRTP) + party_n_sent (&call->b, RTP, PACKET_ZRTP);
}

/* The actor sets it after the last message. */
static void
wait_until_no_timer (GstTestClock *test_clock)
{
  for (guint i = 0; i < 1000 && gst_test_clock_peek_id_count (test_clock); i++)
    g_usleep (1000);
  fail_unless_equals_int (gst_test_clock_peek_id_count (test_clock), 0);
}

/* Nobody speaks, in one direction or in both, for as long as one likes: nothing is negotiated anew, and
 * nothing falls back. */
GST_START_TEST (test_hold)
{
  GstTestClock *test_clock = GST_TEST_CLOCK (gst_test_clock_new ());
  Call *call;
  guint before;

  gst_system_clock_set_default (GST_CLOCK (test_clock));
  call = call_new ("policy=best-effort", "policy=best-effort");
  call_play (call);
  gst_structure_free (party_pass_time_until (test_clock, &call->a, "zrtp-secure"));
  gst_structure_free (party_pass_time_until (test_clock, &call->b, "zrtp-secure"));
  before = n_zrtp (call);
  for (guint i = 0; i < 4; i++) {
    check_media (&call->a, A_SSRC, 10 * i, 5);
    if (i % 2)
      check_media (&call->b, B_SSRC, 10 * i, 5);
    gst_test_clock_advance_time (test_clock, 24 * 3600 * GST_SECOND);
    wait_until_no_timer (test_clock);
  }
  fail_unless_equals_int (n_zrtp (call), before);
  check_nothing_was_dropped (call);
  call_free (call);
  gst_system_clock_set_default (NULL);
  gst_object_unref (test_clock);
}
GST_END_TEST;

/* Hold by a pipeline that pauses: the keys stay, and so does the counter. */
GST_START_TEST (test_pause)
{
  Call *call = call_new_secure ("", "");
  guint before = n_zrtp (call);

  for (guint i = 0; i < 3; i++) {
    check_media (&call->a, A_SSRC, 65530 + 4 * i, 4);
    check_media (&call->b, B_SSRC, 65530 + 4 * i, 4);
    party_set_state (i % 2 ? &call->a : &call->b, GST_STATE_PAUSED);
    check_media (&call->a, C_SSRC, i, 1);
    party_set_state (i % 2 ? &call->a : &call->b, GST_STATE_PLAYING);
  }
  fail_unless_equals_int (n_zrtp (call), before);
  check_nothing_was_dropped (call);
  call_free (call);
}
GST_END_TEST;

static Suite *
sources_suite (void)
{
  Suite *suite = suite_create ("sources");
  TCase *tc = tcase_create ("all");

  suite_add_tcase (suite, tc);
  tcase_add_test (tc, test_payloader_restarts);
  tcase_add_test (tc, test_ssrcs_change);
  tcase_add_test (tc, test_many_ssrcs_at_once);
  tcase_add_test (tc, test_ssrc_comes_back);
  tcase_add_test (tc, test_high_first_sequence_number);
  tcase_add_test (tc, test_loss_up_to_the_roll_over);
  tcase_add_test (tc, test_sequence_goes_back);
  tcase_add_test (tc, test_hold);
  tcase_add_test (tc, test_pause);
  return suite;
}

GST_CHECK_MAIN (sources);
