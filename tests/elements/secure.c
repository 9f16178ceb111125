/* The call works: keys, SAS, RTP, RTCP, in every shape a stream can have.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/elements/call.h"

static void
check_media (Party *from, Channel channel, GstBuffer *buffer)
{
  GstBuffer *original = gst_buffer_copy_deep (buffer), *received;

  fail_unless_equals_int (party_send (from, channel, buffer), GST_FLOW_OK);
  received = party_pop (from->peer, channel);
  fail_unless (buffers_equal (original, received), "a packet was not decrypted to what it was");
  gst_buffer_unref (original);
  gst_buffer_unref (received);
}

static void
check_both_ways (Call *call)
{
  guint i;

  for (i = 0; i < 5; i++) {
    check_media (&call->a, RTP, new_rtp (i, A_SSRC, i));
    check_media (&call->b, RTP, new_rtp (i, B_SSRC, i));
    check_media (&call->a, RTCP, new_rtcp (A_SSRC));
    check_media (&call->b, RTCP, new_rtcp (B_SSRC));
  }
  fail_unless_equals_int (party_stat (&call->a, "sent-protected"), 10);
  fail_unless_equals_int (party_stat (&call->a, "received-protected"), 10);
  fail_unless_equals_int (party_stat (&call->a, "sent-clear"), 0);
}

GST_START_TEST (test_messages)
{
  Call *call = call_new ("", "");
  GstStructure *a, *b;
  const gchar *fields[] = {"sas-type", "mode", "role", "key-agreement", "hash", "cipher",
      "auth-tag", "peer-zid", "peer-client-id"};
  gchar *sas;
  guint i;

  call_play (call);
  a = party_wait_message (&call->a, "zrtp-secure");
  b = party_wait_message (&call->b, "zrtp-secure");
  fail_unless_equals_string (
      gst_structure_get_string (a, "sas"), gst_structure_get_string (b, "sas"));
  fail_unless_equals_int (strlen (gst_structure_get_string (a, "sas")), 4);
  for (i = 0; i < G_N_ELEMENTS (fields); i++)
    fail_unless (gst_structure_get_string (a, fields[i]) != NULL, "%s is missing", fields[i]);
  fail_if (
      g_str_equal (gst_structure_get_string (a, "role"), gst_structure_get_string (b, "role")));

  g_object_get (call->a.dec, "sas", &sas, NULL);
  fail_unless_equals_string (sas, gst_structure_get_string (a, "sas"));
  g_free (sas);
  party_wait_state (&call->a, GST_ZRTP_STATE_SECURE);
  gst_structure_free (a);
  gst_structure_free (b);
  call_free (call);
}
GST_END_TEST;

static const gchar *algorithms[][3] = {
    {"ciphers=AES1 auth-tags=HS80", "AES1", "HS80"},
    {"ciphers=AES1 auth-tags=HS32", "AES1", "HS32"},
    {"ciphers=AES3 auth-tags=HS80", "AES3", "HS80"},
    {"ciphers=AES3 auth-tags=HS32", "AES3", "HS32"}, {"ciphers=AES1 auth-tags=GCM", "AES1", "GCM"},
    {"ciphers=AES3 auth-tags=GCM", "AES3", "GCM"},
    {"", "AES1", "GCM"}, /* offered by itself, where it runs */
};

static gboolean
gcm_runs (void)
{
  GstElement *element = gst_element_factory_make ("zrtpenc", NULL);
  gboolean runs;

  g_object_set (element, "auth-tags", "GCM", NULL);
  runs = gst_element_set_state (element, GST_STATE_READY) == GST_STATE_CHANGE_SUCCESS;
  gst_element_set_state (element, GST_STATE_NULL);
  gst_object_unref (element);
  return runs;
}

GST_START_TEST (test_media)
{
  Call *call;
  GstStructure *secure;

  if (g_str_equal (algorithms[__i__][2], "GCM") && !gcm_runs ())
    return;
  call = call_new (algorithms[__i__][0], algorithms[__i__][0]);
  call_play (call);
  secure = party_wait_message (&call->a, "zrtp-secure");
  fail_unless_equals_string (gst_structure_get_string (secure, "cipher"), algorithms[__i__][1]);
  fail_unless_equals_string (gst_structure_get_string (secure, "auth-tag"), algorithms[__i__][2]);
  gst_structure_free (secure);
  gst_structure_free (party_wait_message (&call->b, "zrtp-secure"));
  check_both_ways (call);
  call_free (call);
}
GST_END_TEST;

/* RTCP on the RTP port (RFC 5761): comes out of rtcp_src, with nobody at rtcp_sink. */
GST_START_TEST (test_muxed_rtcp)
{
  Call *call = call_new ("", "");

  call->mux = TRUE;
  call_play (call);
  gst_structure_free (party_wait_message (&call->a, "zrtp-secure"));
  gst_structure_free (party_wait_message (&call->b, "zrtp-secure"));
  check_both_ways (call);
  call_free (call);
}
GST_END_TEST;

/* Clear media with RTCP among it is taken apart by zrtpdec itself. */
GST_START_TEST (test_muxed_rtcp_in_clear)
{
  Call *call = call_new ("policy=best-effort", "policy=best-effort");
  GstPad *peer = gst_pad_get_peer (call->a.from_net[RTCP]);
  GstBuffer *buffer;

  call->network = network_lose;
  /* as in a pipeline where nothing is linked to rtcp_sink */
  gst_pad_unlink (call->a.from_net[RTCP], peer);
  party_set_state (&call->a, GST_STATE_PLAYING);
  send_events (call->a.from_net[RTP], "application/x-rtp");
  fail_unless_equals_int (party_inject (&call->a, RTP, new_rtcp (B_SSRC)), GST_FLOW_OK);
  fail_unless_equals_int (party_inject (&call->a, RTP, new_rtp (1, B_SSRC, 1)), GST_FLOW_OK);
  buffer = party_pop (&call->a, RTCP);
  fail_unless_equals_int (packet_kind (buffer), PACKET_RTCP);
  gst_buffer_unref (buffer);
  buffer = party_pop (&call->a, RTP);
  fail_unless_equals_int (packet_kind (buffer), PACKET_RTP);
  gst_buffer_unref (buffer);

  /* and ends with the stream that it came with */
  fail_unless (gst_pad_push_event (call->a.from_net[RTP], gst_event_new_eos ()));
  fail_unless (GST_PAD_IS_EOS (call->a.out[RTP]));
  fail_unless (GST_PAD_IS_EOS (call->a.out[RTCP]));
  gst_object_unref (peer);
  call_free (call);
}
GST_END_TEST;

/* srtpdec 1.22 writes into what it gets, whoever else holds it. */
GST_START_TEST (test_shared_input)
{
  Call *call = call_new_secure ("", "");
  GstBuffer *buffer = new_rtp (1, A_SSRC, 7), *copy = gst_buffer_copy_deep (buffer), *received;

  fail_unless_equals_int (party_send (&call->a, RTP, gst_buffer_ref (buffer)), GST_FLOW_OK);
  received = party_pop (&call->b, RTP);
  fail_unless (buffers_equal (received, copy));
  fail_unless (buffers_equal (buffer, copy), "the sender's packet was written into");
  gst_buffer_unref (received);
  gst_buffer_unref (buffer);
  gst_buffer_unref (copy);
  call_free (call);
}
GST_END_TEST;

static GstBuffer *kept;

static GstBuffer *
keep (Party *from, Channel channel, GstBuffer *buffer)
{
  if (packet_kind (buffer) != PACKET_RTP || from != &from->call->a)
    return buffer;
  gst_buffer_replace (&kept, buffer);
  return buffer;
}

GST_START_TEST (test_shared_input_of_decoder)
{
  Call *call = call_new_secure ("", "");
  GstBuffer *plain = new_rtp (1, A_SSRC, 7), *received;

  call->network = keep;
  fail_unless_equals_int (party_send (&call->a, RTP, gst_buffer_copy_deep (plain)), GST_FLOW_OK);
  received = party_pop (&call->b, RTP);
  fail_unless (
      buffers_equal (received, plain), "a packet that somebody else holds was not decrypted");
  fail_if (buffers_equal (kept, plain), "somebody else's packet was decrypted in place");
  fail_unless (gst_buffer_get_size (kept) > gst_buffer_get_size (plain));
  gst_buffer_unref (received);
  gst_buffer_unref (plain);
  gst_clear_buffer (&kept);
  call_free (call);
}
GST_END_TEST;

static GstBufferList *captured;

static GstBuffer *
capture (Party *from, Channel channel, GstBuffer *buffer)
{
  if (packet_kind (buffer) == PACKET_ZRTP)
    return buffer;
  gst_buffer_list_add (captured, buffer);
  return NULL;
}

/* A list goes in as a list, and one with everything in it is taken apart. */
GST_START_TEST (test_buffer_lists)
{
  Call *call = call_new_secure ("", "");
  GstBufferList *list = gst_buffer_list_new ();
  guint i;

  captured = gst_buffer_list_new ();
  call->network = capture;
  call->mux = TRUE;
  for (i = 0; i < 4; i++)
    gst_buffer_list_add (list, new_rtp (i, A_SSRC, i));
  fail_unless_equals_int (gst_pad_push_list (call->a.in[RTP], list), GST_FLOW_OK);
  fail_unless_equals_int (party_send (&call->a, RTCP, new_rtcp (A_SSRC)), GST_FLOW_OK);
  fail_unless_equals_int (gst_buffer_list_length (captured), 5);
  fail_unless_equals_int (party_stat (&call->a, "sent-protected"), 5);

  gst_buffer_list_add (captured, gst_buffer_new_memdup ("garbage", 7));
  fail_unless_equals_int (
      gst_pad_push_list (call->b.from_net[RTP], gst_buffer_list_ref (captured)), GST_FLOW_OK);
  fail_unless_equals_int (party_n_received (&call->b, RTP), 4);
  fail_unless_equals_int (party_n_received (&call->b, RTCP), 1);
  fail_unless_equals_int (gst_buffer_list_length (captured), 6);
  gst_buffer_list_unref (captured);
  call_free (call);
}
GST_END_TEST;

/* RFC 6189 §4.6: the first good SRTP packet counts as Conf2ACK. */
static GstBuffer *
lose_conf2ack (Party *from, Channel channel, GstBuffer *buffer)
{
  guint8 type[8];

  if (packet_kind (buffer) != PACKET_ZRTP)
    return buffer;
  gst_buffer_extract (buffer, 16, type, sizeof type);
  if (memcmp (type, "Conf2ACK", 8) != 0)
    return buffer;
  gst_buffer_unref (buffer);
  return NULL;
}

GST_START_TEST (test_srtp_counts_as_conf2ack)
{
  Call *call = call_new ("", "");
  guint i;

  call->network = lose_conf2ack;
  call_play (call);
  /* the responder is secure with Confirm2 already; its media makes the initiator so */
  for (i = 0; i < 2000 && !(party_stat (&call->a, "received-protected") ||
                              party_stat (&call->b, "received-protected"));
       i++) {
    party_send (&call->a, RTP, new_rtp (i, A_SSRC, 1));
    party_send (&call->b, RTP, new_rtp (i, B_SSRC, 1));
    g_usleep (1000);
  }
  gst_structure_free (party_wait_message (&call->a, "zrtp-secure"));
  gst_structure_free (party_wait_message (&call->b, "zrtp-secure"));
  fail_unless (
      party_stat (&call->a, "retransmissions") + party_stat (&call->b, "retransmissions") < 10);
  call_free (call);
}
GST_END_TEST;

/* A packet that srtpenc refuses is dropped; in srtpenc's eyes it would be the end of the pipeline. */
GST_START_TEST (test_packet_that_comes_twice)
{
  Call *call = call_new_secure ("", "");
  GstBus *bus = gst_element_get_bus (call->a.pipeline);

  fail_unless_equals_int (party_send (&call->a, RTP, new_rtp (5, A_SSRC, 1)), GST_FLOW_OK);
  fail_unless_equals_int (party_send (&call->a, RTP, new_rtp (5, A_SSRC, 2)), GST_FLOW_OK);
  fail_unless_equals_int (
      party_send (&call->a, RTP, gst_buffer_new_memdup ("\x80", 1)), GST_FLOW_OK);
  fail_unless_equals_int (party_send (&call->a, RTP, new_rtp (6, A_SSRC, 3)), GST_FLOW_OK);
  fail_unless_equals_int (party_n_received (&call->b, RTP), 2);
  fail_unless_equals_int (party_stat (&call->a, "send-dropped-srtp"), 2);
  fail_unless (gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR) == NULL);
  gst_object_unref (bus);
  call_free (call);
}
GST_END_TEST;

GST_START_TEST (test_sas_verified)
{
  Call *call = call_new_secure ("", "");
  GstZrtpSession *session;
  GstStructure *message;
  gboolean verified;

  g_object_get (call->a.dec, "session", &session, NULL);
  gst_zrtp_session_verify_sas (session, TRUE);
  message = party_wait_message (&call->a, "zrtp-sas-verified");
  fail_unless (gst_structure_get_boolean (message, "sas-verified", &verified) && verified);
  g_object_get (call->a.enc, "sas-verified", &verified, NULL);
  fail_unless (verified);
  gst_structure_free (message);
  gst_object_unref (session);
  call_free (call);
}
GST_END_TEST;

static Suite *
secure_suite (void)
{
  Suite *suite = suite_create ("secure");
  TCase *tc = tcase_create ("all");

  suite_add_tcase (suite, tc);
  tcase_add_test (tc, test_messages);
  tcase_add_loop_test (tc, test_media, 0, G_N_ELEMENTS (algorithms));
  tcase_add_test (tc, test_muxed_rtcp);
  tcase_add_test (tc, test_muxed_rtcp_in_clear);
  tcase_add_test (tc, test_shared_input);
  tcase_add_test (tc, test_shared_input_of_decoder);
  tcase_add_test (tc, test_buffer_lists);
  tcase_add_test (tc, test_srtp_counts_as_conf2ack);
  tcase_add_test (tc, test_packet_that_comes_twice);
  tcase_add_test (tc, test_sas_verified);
  return suite;
}

GST_CHECK_MAIN (secure);
