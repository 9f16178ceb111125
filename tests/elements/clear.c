/* Clear mode (RFC 6189 §4.7.2): what flows when, until the user has taken note, after it, and back.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/elements/call.h"

enum {
  FILL = 0x77
};

static gint n_readable; /* packets on the network that anybody can read */

static GstBuffer *
watch (Party *from, Channel channel, GstBuffer *buffer)
{
  GstBuffer *clear = new_rtp (0, A_SSRC, FILL);
  GstMapInfo a, b;

  gst_buffer_map (clear, &a, GST_MAP_READ);
  gst_buffer_map (buffer, &b, GST_MAP_READ);
  if (packet_kind (buffer) == PACKET_RTP && a.size == b.size &&
      memcmp (a.data + 12, b.data + 12, a.size - 12) == 0)
    g_atomic_int_inc (&n_readable);
  gst_buffer_unmap (clear, &a);
  gst_buffer_unmap (buffer, &b);
  gst_buffer_unref (clear);
  return buffer;
}

static GstZrtpSession *
session_of (Party *party)
{
  GstZrtpSession *session;

  g_object_get (party->dec, "session", &session, NULL);
  return session;
}

static void
wait_clear (Party *party, gboolean by_peer, gboolean waiting)
{
  GstStructure *message = party_wait_message (party, "zrtp-clear");
  gboolean value;

  fail_unless (gst_structure_get_boolean (message, "by-peer", &value) && value == by_peer);
  fail_unless (gst_structure_get_boolean (message, "waiting", &value) && value == waiting);
  gst_structure_free (message);
}

static void
send_some (Party *party, guint seq)
{
  for (guint i = 0; i < 5; i++)
    fail_unless_equals_int (party_send (party, RTP, new_rtp (seq + i, A_SSRC, FILL)), GST_FLOW_OK);
}

static void
check_flows (Party *party, guint seq, gboolean readable)
{
  const guint received = party_n_received (party->peer, RTP);

  g_atomic_int_set (&n_readable, 0);
  send_some (party, seq);
  party_wait_received (party->peer, RTP, received + 5);
  fail_unless_equals_int (g_atomic_int_get (&n_readable), readable ? 5 : 0);
}

static void
check_is_silent (Party *party, guint seq)
{
  const guint sent = party_n_sent (party, RTP, PACKET_RTP);
  const guint received = party_n_received (party, RTP);

  send_some (party, seq);
  fail_unless_equals_int (party_n_sent (party, RTP, PACKET_RTP), sent);
  fail_unless_equals_int (party_inject (party, RTP, new_rtp (seq, B_SSRC, FILL)), GST_FLOW_OK);
  fail_unless_equals_int (party_n_received (party, RTP), received);
}

static Call *
begin (GstZrtpSession **a, GstZrtpSession **b)
{
  Call *call = call_new ("allow-clear=true", "allow-clear=true");

  call->network = watch;
  call_play (call);
  gst_structure_free (party_wait_message (&call->a, "zrtp-secure"));
  gst_structure_free (party_wait_message (&call->b, "zrtp-secure"));
  *a = session_of (&call->a);
  *b = session_of (&call->b);
  check_flows (&call->a, 100, FALSE);
  fail_unless (gst_zrtp_session_go_clear (*a, NULL));
  wait_clear (&call->b, TRUE, TRUE);
  wait_clear (&call->a, FALSE, FALSE);
  return call;
}

static void
end (Call *call, GstZrtpSession *a, GstZrtpSession *b)
{
  gst_object_unref (a);
  gst_object_unref (b);
  call_free (call);
}

/* "the ZRTP endpoint MUST NOT resume sending RTP packets" until the user has confirmed. */
GST_START_TEST (test_clear)
{
  GstZrtpSession *a, *b;
  Call *call = begin (&a, &b);

  check_is_silent (&call->b, 200);
  fail_unless (gst_zrtp_session_accept_clear (b, TRUE, NULL));
  wait_clear (&call->b, TRUE, FALSE);
  party_wait_state (&call->b, GST_ZRTP_STATE_CLEAR);
  party_wait_state (&call->a, GST_ZRTP_STATE_CLEAR);
  check_flows (&call->a, 300, TRUE);
  check_flows (&call->b, 300, TRUE);

  fail_unless (gst_zrtp_session_go_secure (b, NULL));
  gst_structure_free (party_wait_message (&call->a, "zrtp-secure"));
  gst_structure_free (party_wait_message (&call->b, "zrtp-secure"));
  check_flows (&call->a, 400, FALSE);
  check_flows (&call->b, 400, FALSE);
  end (call, a, b);
}
GST_END_TEST;

/* The user does not want it: secure again, and nothing was ever readable. */
GST_START_TEST (test_refused)
{
  GstZrtpSession *a, *b;
  Call *call = begin (&a, &b);

  g_atomic_int_set (&n_readable, 0);
  fail_unless (gst_zrtp_session_accept_clear (b, FALSE, NULL));
  gst_structure_free (party_wait_message (&call->a, "zrtp-secure"));
  gst_structure_free (party_wait_message (&call->b, "zrtp-secure"));
  check_flows (&call->a, 200, FALSE);
  check_flows (&call->b, 200, FALSE);
  end (call, a, b);
}
GST_END_TEST;

/* allow-clear at one end alone is not enough. */
GST_START_TEST (test_not_allowed)
{
  Call *call = call_new_secure ("allow-clear=true", "");

  for (guint i = 0; i < 2; i++) {
    GstZrtpSession *session = session_of (i ? &call->b : &call->a);
    GError *error = NULL;

    fail_if (gst_zrtp_session_go_clear (session, &error));
    fail_unless (error != NULL);
    g_clear_error (&error);
    fail_if (gst_zrtp_session_accept_clear (session, TRUE, NULL));
    fail_if (gst_zrtp_session_go_secure (session, NULL));
    gst_object_unref (session);
  }
  call_free (call);
}
GST_END_TEST;

static Suite *
clear_suite (void)
{
  Suite *suite = suite_create ("clear");
  TCase *tc = tcase_create ("all");

  suite_add_tcase (suite, tc);
  tcase_add_test (tc, test_clear);
  tcase_add_test (tc, test_refused);
  tcase_add_test (tc, test_not_allowed);
  return suite;
}

GST_CHECK_MAIN (clear);
