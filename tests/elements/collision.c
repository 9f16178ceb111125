/* Both ends have the same SSRC (RFC 6189 §4.1): the media gets another one, and the negotiation begins
 * again, once.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/elements/call.h"

enum {
  SAME = 0x5a5e5a5e
};

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

/* What zrtpenc would have drawn, and offers to its payloader; nothing that the user fixed. */
static void
draw_same (Party *party)
{
  GstZrtpStream *stream;

  g_object_get (party->enc, "stream", &stream, NULL);
  g_object_set (stream, "ssrc", SAME, NULL);
  gst_object_unref (stream);
}

static guint
get_ssrc (Party *party)
{
  guint ssrc;

  g_object_get (party->enc, "ssrc", &ssrc, NULL);
  return ssrc;
}

static gint enough;

static gpointer
speak (gpointer in)
{
  while (!g_atomic_int_get (&enough)) {
    gst_pad_push (in, gst_buffer_new_allocate (NULL, 160, NULL));
    g_usleep (1000);
  }
  return NULL;
}

static GstStructure *
pass_time_until (Party *party, const gchar *name)
{
  return party_pass_time_until (test_clock, party, name);
}

static void
check_warning (Party *party)
{
  GstStructure *warning = pass_time_until (party, "zrtp-warning");

  fail_unless_equals_string (gst_structure_get_string (warning, "code"), "ssrc-collision");
  gst_structure_free (warning);
}

static void
check_failed (Party *party)
{
  GstStructure *failed = pass_time_until (party, "zrtp-failed");
  guint code;

  fail_unless (gst_structure_get_uint (failed, "code", &code));
  fail_unless_equals_int (code, 0x91);
  gst_structure_free (failed);
}

static void
check_secure (Call *call)
{
  gst_structure_free (pass_time_until (&call->a, "zrtp-secure"));
  gst_structure_free (pass_time_until (&call->b, "zrtp-secure"));
}

/* Both have this SSRC from the beginning, and media of it. */
static Call *
new_colliding_call (void)
{
  Call *call = call_new ("", "");

  party_set_state (&call->a, GST_STATE_READY);
  party_set_state (&call->b, GST_STATE_READY);
  draw_same (&call->a);
  draw_same (&call->b);
  call_play (call);
  fail_unless_equals_int (party_send (&call->a, RTP, new_rtp (1, SAME, 1)), GST_FLOW_OK);
  fail_unless_equals_int (party_send (&call->b, RTP, new_rtp (1, SAME, 1)), GST_FLOW_OK);
  return call;
}

/* Two calls of one kind in one network: their payloaders took the same number. The hashes of the Hellos
 * are in the signalling, and stay right. */
GST_START_TEST (test_resolved)
{
  Call *call = call_new ("", "");
  Payloader payloaders[2];
  GThread *threads[2];
  GstBus *bus;
  gchar *hash[2];

  party_set_state (&call->a, GST_STATE_READY);
  party_set_state (&call->b, GST_STATE_READY);
  draw_same (&call->a);
  draw_same (&call->b);
  g_object_get (call->a.enc, "hello-hash", &hash[0], NULL);
  g_object_get (call->b.enc, "hello-hash", &hash[1], NULL);
  g_object_set (call->a.enc, "peer-hello-hash", hash[1], NULL);
  g_object_set (call->b.enc, "peer-hello-hash", hash[0], NULL);
  insert_payloader (&payloaders[0], &call->a);
  insert_payloader (&payloaders[1], &call->b);
  call_play_silent (call);
  g_atomic_int_set (&enough, FALSE);
  for (guint i = 0; i < 2; i++) {
    restart_payloader (&payloaders[i]);
    threads[i] = g_thread_new ("media", speak, payloaders[i].in);
  }
  check_warning (&call->a);
  check_secure (call);
  fail_unless (get_ssrc (&call->a) != SAME || get_ssrc (&call->b) != SAME);
  fail_unless (get_ssrc (&call->a) != get_ssrc (&call->b));
  party_wait_received (&call->a, RTP, 3);
  party_wait_received (&call->b, RTP, 3);

  g_atomic_int_set (&enough, TRUE);
  for (guint i = 0; i < 2; i++) {
    g_thread_join (threads[i]);
    remove_payloader (&payloaders[i]);
    bus = gst_element_get_bus (i ? call->b.pipeline : call->a.pipeline);
    fail_unless (gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR) == NULL);
    gst_object_unref (bus);
    g_free (hash[i]);
  }
  call_free (call);
}
GST_END_TEST;

/* Nobody has sent any media yet, so there is nobody to ask. */
GST_START_TEST (test_resolved_without_media)
{
  Call *call = call_new ("", "");

  party_set_state (&call->a, GST_STATE_READY);
  party_set_state (&call->b, GST_STATE_READY);
  draw_same (&call->a);
  draw_same (&call->b);
  call_play_silent (call);
  check_warning (&call->a);
  check_secure (call);
  fail_unless (get_ssrc (&call->a) != get_ssrc (&call->b));
  call_free (call);
}
GST_END_TEST;

/* What was on its way still has the old one, and is not taken for the answer. */
GST_START_TEST (test_late_packet)
{
  Call *call = new_colliding_call ();

  check_warning (&call->a);
  fail_unless_equals_int (party_send (&call->a, RTP, new_rtp (2, SAME, 1)), GST_FLOW_OK);
  fail_unless_equals_int (party_send (&call->a, RTP, new_rtp (3, A_SSRC, 1)), GST_FLOW_OK);
  check_warning (&call->b); /* the timers of both were due at the same time */
  fail_unless_equals_int (party_send (&call->b, RTP, new_rtp (3, B_SSRC, 1)), GST_FLOW_OK);
  check_secure (call);
  fail_unless_equals_int (get_ssrc (&call->a), A_SSRC);
  fail_unless_equals_int (get_ssrc (&call->b), B_SSRC);
  call_free (call);
}
GST_END_TEST;

/* Whoever makes the media does not know the event: after two seconds it is a failure as any other. */
GST_START_TEST (test_not_resolved)
{
  Call *call = new_colliding_call ();
  GstMessage *error;

  check_warning (&call->a);
  check_failed (&call->a);
  error = party_wait_error (&call->a, GST_MESSAGE_ERROR);
  gst_message_unref (error);
  call_free (call);
}
GST_END_TEST;

/* Where the user has fixed the SSRC, on either hand, nothing can be resolved. */
GST_START_TEST (test_fixed)
{
  Call *call = call_new ("", "");

  g_object_set (__i__ ? call->a.dec : call->a.enc, "ssrc", SAME, NULL);
  g_object_set (__i__ ? call->b.dec : call->b.enc, "ssrc", SAME, NULL);
  call_play (call);
  fail_unless_equals_int (party_send (&call->a, RTP, new_rtp (1, A_SSRC, 1)), GST_FLOW_OK);
  check_failed (&call->a);
  check_failed (&call->b);
  fail_unless_equals_int (get_ssrc (&call->a), SAME);
  call_free (call);
}
GST_END_TEST;

/* Of the last word of a ZRTP packet, RFC 6189 §5. */
static guint32
crc32c (const guint8 *data, gsize size)
{
  guint32 crc = 0xffffffff;

  while (size--) {
    crc ^= *data++;
    for (guint bit = 0; bit < 8; bit++)
      crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc;
}

/* Somebody answers every Hello of ours with one that has our own SSRC: a collision for ever. */
static GstBuffer *stranger;

static GstBuffer *
mirror (Party *from, Channel channel, GstBuffer *buffer)
{
  guint8 ssrc[4];
  gchar type[9] = "";
  GstMapInfo info;
  GstBuffer *forged;

  gst_buffer_extract (buffer, 16, type, 8);
  if (from != &from->call->a || !g_str_equal (type, "Hello   "))
    return network_lose (from, channel, buffer);
  gst_buffer_extract (buffer, 8, ssrc, 4);
  forged = gst_buffer_copy_deep (stranger);
  gst_buffer_map (forged, &info, GST_MAP_READWRITE);
  memcpy (info.data + 8, ssrc, 4);
  GST_WRITE_UINT32_LE (info.data + info.size - 4, crc32c (info.data, info.size - 4));
  gst_buffer_unmap (forged, &info);
  gst_buffer_unref (buffer);
  party_inject (&from->call->a, RTP, forged);
  return NULL;
}

static GstBuffer *
keep_hello (Party *from, Channel channel, GstBuffer *buffer)
{
  if (!stranger)
    stranger = gst_buffer_ref (buffer);
  return network_lose (from, channel, buffer);
}

GST_START_TEST (test_not_for_ever)
{
  Call *other = call_new_as ("c", "d", "", ""), *call = call_new ("", "");
  guint before, after;

  other->network = keep_hello;
  call_play_silent (other);
  while (!g_atomic_pointer_get (&stranger))
    g_usleep (1000);
  call_free (other);

  call->network = mirror;
  call_play_silent (call);
  before = get_ssrc (&call->a);
  check_warning (&call->a);
  party_wait_state (&call->a, GST_ZRTP_STATE_DISCOVERY);
  after = get_ssrc (&call->a);
  fail_unless (before != after);
  check_failed (&call->a);
  fail_unless_equals_int (get_ssrc (&call->a), after);
  fail_if (party_has_message (&call->a, "zrtp-warning"));
  gst_clear_buffer (&stranger);
  call_free (call);
}
GST_END_TEST;

static Suite *
collision_suite (void)
{
  Suite *suite = suite_create ("collision");
  TCase *tc = tcase_create ("all");

  suite_add_tcase (suite, tc);
  tcase_add_checked_fixture (tc, setup, teardown);
  tcase_add_test (tc, test_resolved);
  tcase_add_test (tc, test_resolved_without_media);
  tcase_add_test (tc, test_late_packet);
  tcase_add_test (tc, test_not_resolved);
  tcase_add_loop_test (tc, test_fixed, 0, 2);
  tcase_add_test (tc, test_not_for_ever);
  return suite;
}

GST_CHECK_MAIN (collision);
