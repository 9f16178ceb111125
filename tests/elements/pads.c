/* Pads: what they are called, when they come and go, what they say about caps, and that both elements
 * fit into rtpbin.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include <gst/check/gstharness.h>

#include "tests/elements/call.h"

static void
check_template (const gchar *element, const gchar *name, GstPadDirection direction,
    GstPadPresence presence, const gchar *caps_text)
{
  GstElementFactory *factory = gst_element_factory_find (element);
  GstCaps *caps = gst_caps_from_string (caps_text), *actual;
  const GList *list;

  fail_unless (factory != NULL);
  fail_unless_equals_int (
      gst_plugin_feature_get_rank (GST_PLUGIN_FEATURE (factory)), GST_RANK_NONE);
  for (list = gst_element_factory_get_static_pad_templates (factory); list; list = list->next) {
    GstStaticPadTemplate *pad_template = list->data;

    if (!g_str_equal (pad_template->name_template, name))
      continue;
    fail_unless_equals_int (pad_template->direction, direction);
    fail_unless_equals_int (pad_template->presence, presence);
    actual = gst_static_caps_get (&pad_template->static_caps);
    fail_unless (gst_caps_is_strictly_equal (actual, caps));
    gst_caps_unref (actual);
    break;
  }
  fail_unless (list != NULL, "%s has no template %s", element, name);
  gst_caps_unref (caps);
  gst_object_unref (factory);
}

GST_START_TEST (test_templates)
{
  check_template ("zrtpenc", "rtp_sink_%u", GST_PAD_SINK, GST_PAD_REQUEST, "application/x-rtp");
  check_template ("zrtpenc", "rtp_src_%u", GST_PAD_SRC, GST_PAD_SOMETIMES,
      "application/x-srtp; application/x-rtp");
  check_template ("zrtpenc", "rtcp_sink_%u", GST_PAD_SINK, GST_PAD_REQUEST, "application/x-rtcp");
  check_template ("zrtpenc", "rtcp_src_%u", GST_PAD_SRC, GST_PAD_SOMETIMES,
      "application/x-srtcp; application/x-rtcp");
  check_template (
      "zrtpdec", "rtp_sink", GST_PAD_SINK, GST_PAD_ALWAYS, "application/x-srtp; application/x-rtp");
  check_template ("zrtpdec", "rtp_src", GST_PAD_SRC, GST_PAD_ALWAYS, "application/x-rtp");
  check_template ("zrtpdec", "rtcp_sink", GST_PAD_SINK, GST_PAD_ALWAYS,
      "application/x-srtcp; application/x-rtcp");
  check_template ("zrtpdec", "rtcp_src", GST_PAD_SRC, GST_PAD_ALWAYS, "application/x-rtcp");
}
GST_END_TEST;

static void
check_pad (GstElement *element, const gchar *name, gboolean exists)
{
  GstPad *pad = gst_element_get_static_pad (element, name);

  fail_unless ((pad != NULL) == exists, "pad %s", name);
  gst_clear_object (&pad);
}

GST_START_TEST (test_names)
{
  GstElement *enc = gst_element_factory_make ("zrtpenc", NULL);
  GstPadTemplate *rtp = gst_element_get_pad_template (enc, "rtp_sink_%u");
  GstPadTemplate *rtcp = gst_element_get_pad_template (enc, "rtcp_sink_%u");
  GstPad *a, *b;

  /* no name: the first index; the other kind takes the same */
  a = gst_element_request_pad (enc, rtp, NULL, NULL);
  fail_unless_equals_string (GST_PAD_NAME (a), "rtp_sink_0");
  check_pad (enc, "rtp_src_0", TRUE);
  gst_element_release_request_pad (enc, a);
  check_pad (enc, "rtp_sink_0", FALSE);
  check_pad (enc, "rtp_src_0", FALSE);
  gst_object_unref (a);

  a = gst_element_request_pad (enc, rtp, "rtp_sink_7", NULL);
  fail_unless_equals_string (GST_PAD_NAME (a), "rtp_sink_7");
  check_pad (enc, "rtp_src_7", TRUE);
  b = gst_element_request_pad (enc, rtcp, NULL, NULL);
  fail_unless_equals_string (GST_PAD_NAME (b), "rtcp_sink_7");
  check_pad (enc, "rtcp_src_7", TRUE);
  gst_element_release_request_pad (enc, b);
  gst_object_unref (b);
  gst_element_release_request_pad (enc, a);
  gst_object_unref (a);
  fail_unless_equals_int (enc->numpads, 0);
  gst_object_unref (enc);
}
GST_END_TEST;

/* One pair is one RTP session. */
GST_START_TEST (test_second_session_is_refused)
{
  GstElement *enc = gst_element_factory_make ("zrtpenc", "the-enc");
  GstBus *bus = gst_bus_new ();
  GstPad *pad;
  GstMessage *message;
  GError *error;

  gst_element_set_bus (enc, bus);
  pad = gst_element_request_pad_simple (enc, "rtp_sink_%u");
  fail_unless (pad != NULL);
  fail_unless (gst_element_request_pad_simple (enc, "rtp_sink_%u") == NULL);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING);
  fail_unless (message != NULL);
  gst_message_parse_warning (message, &error, NULL);
  fail_unless (strstr (error->message, "the-enc") && strstr (error->message, "session-id"));
  g_error_free (error);
  gst_message_unref (message);

  gst_element_release_request_pad (enc, pad);
  gst_object_unref (pad);
  gst_element_set_bus (enc, NULL);
  gst_object_unref (bus);
  gst_object_unref (enc);
}
GST_END_TEST;

/* --- Caps ---------------------------------------------------------------------------------------- */

static const gchar *
caps_at (Party *party, guint index)
{
  return index < party->caps[RTP]->len ? g_ptr_array_index (party->caps[RTP], index) : "";
}

/* required: srtp from the first word on. best-effort: once rtp, once srtp. The fields stay. */
GST_START_TEST (test_caps_of_encoder)
{
  Call *call = call_new_secure ("policy=best-effort", "");
  guint i;

  for (i = 0; i < 5; i++) {
    fail_unless_equals_int (party_send (&call->a, RTP, new_rtp (i, A_SSRC, 0)), GST_FLOW_OK);
    fail_unless_equals_int (party_send (&call->b, RTP, new_rtp (i, B_SSRC, 0)), GST_FLOW_OK);
  }
  fail_unless (g_str_has_prefix (caps_at (&call->a, 0), "application/x-rtp"));
  fail_unless (call->a.caps[RTP]->len > 0);
  fail_unless (g_str_has_prefix (caps_at (&call->a, call->a.caps[RTP]->len - 1),
                   "application/x-srtp, media=(string)audio, clock-rate=(int)8000, payload=(int)0"),
      "the last caps are %s", caps_at (&call->a, call->a.caps[RTP]->len - 1));
  for (i = 0; i < call->b.caps[RTP]->len; i++)
    fail_unless (g_str_has_prefix (caps_at (&call->b, i), "application/x-srtp"));
  call_free (call);
}
GST_END_TEST;

/* "Exactly one caps event a transition", where nobody but upstream speaks. */
GST_START_TEST (test_one_caps_event_a_transition)
{
  Call *call = call_new ("policy=best-effort", "policy=best-effort");
  guint i;

  call_play (call);
  gst_structure_free (party_wait_message (&call->a, "zrtp-secure"));
  for (i = 0; i < 20; i++)
    fail_unless_equals_int (party_send (&call->a, RTCP, new_rtcp (A_SSRC)), GST_FLOW_OK);
  fail_unless_equals_int (call->a.caps[RTCP]->len, 2);
  fail_unless (g_str_has_prefix (g_ptr_array_index (call->a.caps[RTCP], 0), "application/x-rtcp"));
  fail_unless (g_str_has_prefix (g_ptr_array_index (call->a.caps[RTCP], 1), "application/x-srtcp"));
  call_free (call);
}
GST_END_TEST;

static GstCaps *
current_caps (GstElement *element, const gchar *pad_name)
{
  GstPad *pad = gst_element_get_static_pad (element, pad_name);
  GstCaps *caps = gst_pad_get_current_caps (pad);

  gst_object_unref (pad);
  return caps;
}

/* Whatever comes in is called rtp going out, and what upstream said of SRTP is not repeated. */
GST_START_TEST (test_caps_of_decoder)
{
  Call *call = call_new ("", "");
  GstCaps *caps, *expected = gst_caps_from_string ("application/x-rtp, clock-rate=8000");

  call->network = network_lose;
  party_set_state (&call->a, GST_STATE_PLAYING);
  send_events (call->a.from_net[RTP], "application/x-srtp, clock-rate=8000, "
                                      "srtp-cipher=aes-128-icm, srtcp-auth=hmac-sha1-80, roc=1");
  caps = current_caps (call->a.dec, "rtp_src");
  fail_unless (gst_caps_is_equal (caps, expected), "%s", gst_caps_to_string (caps));
  gst_caps_unref (caps);
  gst_caps_unref (expected);
  call_free (call);
}
GST_END_TEST;

GST_START_TEST (test_caps_queries)
{
  GstElement *enc = gst_element_factory_make ("zrtpenc", NULL);
  GstElement *dec = gst_element_factory_make ("zrtpdec", NULL);
  GstElement *filter = gst_element_factory_make ("capsfilter", NULL);
  GstPad *sink = gst_element_request_pad_simple (enc, "rtp_sink_%u");
  GstPad *dec_sink = gst_element_get_static_pad (dec, "rtp_sink");
  GstCaps *caps = gst_caps_from_string ("application/x-srtp, clock-rate=8000"), *answer;
  GstStructure *structure;
  guint ssrc, proposed;

  g_object_set (filter, "caps", caps, NULL);
  fail_unless (gst_element_link_pads (enc, "rtp_src_0", filter, "sink"));
  answer = gst_pad_query_caps (sink, NULL);
  structure = gst_caps_get_structure (answer, 0);
  fail_unless_equals_string (gst_structure_get_name (structure), "application/x-rtp");
  fail_unless (gst_structure_has_field (structure, "clock-rate"));
  gst_caps_unref (answer);

  /* the stream's SSRC is proposed, no more */
  gst_element_set_state (enc, GST_STATE_READY);
  answer = gst_pad_query_caps (sink, NULL);
  fail_unless_equals_int (gst_caps_get_size (answer), 2);
  fail_unless (gst_structure_get_uint (gst_caps_get_structure (answer, 0), "ssrc", &proposed));
  g_object_get (enc, "ssrc", &ssrc, NULL);
  fail_unless_equals_int (proposed, ssrc);
  fail_if (gst_structure_has_field (gst_caps_get_structure (answer, 1), "ssrc"));
  gst_caps_unref (answer);

  /* both kinds are welcome at the decoder */
  answer = gst_pad_query_caps (dec_sink, NULL);
  fail_unless (gst_caps_can_intersect (answer, caps));
  gst_caps_unref (caps);
  caps = gst_caps_from_string ("application/x-rtp, clock-rate=8000");
  fail_unless (gst_caps_can_intersect (answer, caps));
  gst_caps_unref (answer);
  gst_caps_unref (caps);

  gst_element_set_state (enc, GST_STATE_NULL);
  gst_element_release_request_pad (enc, sink);
  gst_object_unref (sink);
  gst_object_unref (dec_sink);
  gst_object_unref (enc);
  gst_object_unref (dec);
  gst_object_unref (filter);
}
GST_END_TEST;

/* A payloader takes the proposal, and then the ZRTP headers have the SSRC of the media. */
GST_START_TEST (test_payloader_adopts_ssrc)
{
  GstHarness *h = gst_harness_new_parse ("rtppcmupay ! zrtpenc name=enc policy=best-effort");
  GstElement *enc = gst_bin_get_by_name (GST_BIN (h->element), "enc");
  GstBuffer *buffer;
  guint8 header[12];
  guint ssrc;

  gst_harness_set_src_caps_str (h, "audio/x-mulaw, rate=8000, channels=1");
  g_object_get (enc, "ssrc", &ssrc, NULL);
  buffer = gst_harness_push_and_pull (h, gst_buffer_new_allocate (NULL, 160, NULL));
  gst_buffer_extract (buffer, 0, header, sizeof header);
  fail_unless_equals_int (GST_READ_UINT32_BE (header + 8), ssrc);
  gst_buffer_unref (buffer);
  gst_object_unref (enc);
  gst_harness_teardown (h);
}
GST_END_TEST;

static gint seen_ssrc;

static GstBuffer *
note_ssrc (Party *from, Channel channel, GstBuffer *buffer)
{
  guint8 header[12];

  gst_buffer_extract (buffer, 0, header, sizeof header);
  if (from == &from->call->a && packet_kind (buffer) == PACKET_ZRTP)
    g_atomic_int_set (&seen_ssrc, (gint) GST_READ_UINT32_BE (header + 8));
  return buffer;
}

/* Where the SSRC of ZRTP headers comes from: the property, the caps, the first packet. */
static guint32
zrtp_ssrc (Call *call, const gchar *properties, const gchar *caps, GstBuffer *media)
{
  guint before;

  call->network = note_ssrc;
  party_set (call->a.enc, properties);
  send_events (call->b.from_net[RTP], "application/x-srtp");
  party_set_state (&call->a, GST_STATE_PLAYING);
  send_events (call->a.in[RTP], caps);
  if (media)
    party_send (&call->a, RTP, media);
  /* one may have been on its way, and the last one is counted before it is looked at */
  before = party_n_sent (&call->a, RTP, PACKET_ZRTP);
  party_wait_sent (&call->a, RTP, PACKET_ZRTP, before + 3);
  return (guint32) g_atomic_int_get (&seen_ssrc);
}

GST_START_TEST (test_ssrc_of_zrtp)
{
  static const struct {
    const gchar *properties, *caps;
    gboolean media;
    guint32 expected;
  } cases[] = {
      {"ssrc=4711", "application/x-rtp, ssrc=(uint)4712", TRUE, 4711},
      {"", "application/x-rtp, ssrc=(uint)4712", TRUE, 4712},
      {"", "application/x-rtp", TRUE, A_SSRC},
  };
  Call *call = call_new ("", "");

  gst_element_set_state (call->b.dec, GST_STATE_PAUSED);
  fail_unless_equals_int (zrtp_ssrc (call, cases[__i__].properties, cases[__i__].caps,
                              cases[__i__].media ? new_rtp (1, A_SSRC, 0) : NULL),
      cases[__i__].expected);
  call_free (call);
}
GST_END_TEST;

/* stream-start, caps and segment come before our first packet, although nobody upstream spoke. */
GST_START_TEST (test_events_before_zrtp)
{
  Call *call = call_new ("", "");
  const gchar *expected[] = {"stream-start", "caps", "segment", "buffer"};
  guint i;

  gst_element_set_state (call->b.dec, GST_STATE_PAUSED);
  send_events (call->b.from_net[RTP], "application/x-srtp");
  party_set_state (&call->a, GST_STATE_PAUSED);
  party_wait_sent (&call->a, RTP, PACKET_ZRTP, 1);
  for (i = 0; i < G_N_ELEMENTS (expected); i++)
    fail_unless_equals_string (g_ptr_array_index (call->a.first[RTP], i), expected[i]);
  call_free (call);
}
GST_END_TEST;

/* Latency goes by the srtp elements, in both directions. */
GST_START_TEST (test_latency_query)
{
  GstHarness *h = gst_harness_new_with_padnames ("zrtpenc", "rtp_sink_0", "rtp_src_0");

  gst_harness_set_upstream_latency (h, 20 * GST_MSECOND);
  gst_harness_set_src_caps_str (h, "application/x-rtp");
  fail_unless_equals_uint64 (gst_harness_query_latency (h), 20 * GST_MSECOND);
  gst_harness_teardown (h);
}
GST_END_TEST;

/* --- rtpbin -------------------------------------------------------------------------------------- */

static GstElement *
on_request_encoder (GstElement *rtpbin, guint session, GstElement *enc)
{
  const gchar *kinds[] = {"rtp", "rtcp"};
  guint i;

  for (i = 0; i < 2; i++) {
    gchar *name = g_strdup_printf ("%s_sink_%u", kinds[i], session);
    GstPad *pad = gst_element_get_static_pad (enc, name);

    if (!pad)
      pad = gst_element_request_pad_simple (enc, name);
    gst_object_unref (pad);
    g_free (name);
  }
  return gst_object_ref (enc);
}

static GstElement *
on_request_decoder (GstElement *rtpbin, guint session, GstElement *dec)
{
  return gst_object_ref (dec);
}

GST_START_TEST (test_rtpbin)
{
  GstElement *pipeline = gst_pipeline_new (NULL);
  GstElement *rtpbin = gst_element_factory_make ("rtpbin", NULL);
  GstElement *enc = gst_element_factory_make ("zrtpenc", NULL);
  GstElement *dec = gst_element_factory_make ("zrtpdec", NULL);
  const gchar *pads[] = {
      "send_rtp_sink_3", "send_rtcp_src_3", "recv_rtp_sink_3", "recv_rtcp_sink_3"};
  const gchar *inner[][2] = {
      {"rtp_sink_3", "rtp_src_3"}, {"rtcp_sink_3", "rtcp_src_3"}, {NULL, NULL}, {NULL, NULL}};
  GstPad *requested[4];
  guint i, j;

  gst_bin_add (GST_BIN (pipeline), rtpbin);
  gst_object_ref_sink (enc);
  gst_object_ref_sink (dec);
  g_signal_connect (rtpbin, "request-rtp-encoder", G_CALLBACK (on_request_encoder), enc);
  g_signal_connect (rtpbin, "request-rtcp-encoder", G_CALLBACK (on_request_encoder), enc);
  g_signal_connect (rtpbin, "request-rtp-decoder", G_CALLBACK (on_request_decoder), dec);
  g_signal_connect (rtpbin, "request-rtcp-decoder", G_CALLBACK (on_request_decoder), dec);

  for (i = 0; i < G_N_ELEMENTS (pads); i++) {
    requested[i] = gst_element_request_pad_simple (rtpbin, pads[i]);
    fail_unless (requested[i] != NULL, "rtpbin gave no %s", pads[i]);
    for (j = 0; j < 2 && inner[i][j]; j++) {
      GstPad *pad = gst_element_get_static_pad (enc, inner[i][j]);
      fail_unless (gst_pad_is_linked (pad), "%s is not linked", inner[i][j]);
      gst_object_unref (pad);
    }
  }
  fail_unless_equals_int (
      gst_element_set_state (pipeline, GST_STATE_PAUSED), GST_STATE_CHANGE_SUCCESS);
  for (i = 0; i < G_N_ELEMENTS (pads); i++) {
    gst_element_release_request_pad (rtpbin, requested[i]);
    gst_object_unref (requested[i]);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  gst_object_unref (enc);
  gst_object_unref (dec);
}
GST_END_TEST;

/* Pads that come when the stream is secure already get their srtpenc pad too. */
GST_START_TEST (test_late_pad)
{
  Call *call = call_new_secure ("", "");
  GstPad *pad = gst_element_get_static_pad (call->a.enc, "rtcp_sink_0");
  GstPad *peer;
  GstBuffer *report = new_rtcp (A_SSRC), *received;

  fail_unless (gst_pad_unlink (call->a.in[RTCP], pad));
  gst_element_release_request_pad (call->a.enc, pad);
  gst_object_unref (pad);

  pad = gst_element_request_pad_simple (call->a.enc, "rtcp_sink_5");
  fail_unless_equals_int (gst_pad_link (call->a.in[RTCP], pad), GST_PAD_LINK_OK);
  peer = gst_element_get_static_pad (call->a.enc, "rtcp_src_5");
  fail_unless_equals_int (gst_pad_link (peer, call->a.to_net[RTCP]), GST_PAD_LINK_OK);
  fail_unless_equals_int (party_send (&call->a, RTCP, gst_buffer_copy_deep (report)), GST_FLOW_OK);
  received = party_pop (&call->b, RTCP);
  fail_unless (buffers_equal (report, received));
  gst_buffer_unref (received);
  gst_buffer_unref (report);
  gst_object_unref (peer);
  gst_object_unref (pad);
  call_free (call);
}
GST_END_TEST;

static Suite *
pads_suite (void)
{
  Suite *suite = suite_create ("pads");
  TCase *tc = tcase_create ("all");

  suite_add_tcase (suite, tc);
  tcase_add_test (tc, test_templates);
  tcase_add_test (tc, test_names);
  tcase_add_test (tc, test_second_session_is_refused);
  tcase_add_test (tc, test_caps_of_encoder);
  tcase_add_test (tc, test_one_caps_event_a_transition);
  tcase_add_test (tc, test_caps_of_decoder);
  tcase_add_test (tc, test_caps_queries);
  tcase_add_test (tc, test_payloader_adopts_ssrc);
  tcase_add_loop_test (tc, test_ssrc_of_zrtp, 0, 3);
  tcase_add_test (tc, test_events_before_zrtp);
  tcase_add_test (tc, test_latency_query);
  tcase_add_test (tc, test_rtpbin);
  tcase_add_test (tc, test_late_pad);
  return suite;
}

GST_CHECK_MAIN (pads);
