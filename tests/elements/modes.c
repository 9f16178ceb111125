/* Calls of several pairs, clear mode, PBX, Preshared, auxsecret and restarted peers, in the elements: what
 * is on the bus, and what may be on the wire.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/elements/call.h"

enum {
  FILL = 0x77,
  MAX_PAIRS = 2,
};

#define ALICE "session-id=alice "
#define BOB "session-id=bob "
#define CLEAR "allow-clear=true"

/* --- What may be on the wire ----------------------------------------------------------------------------- */

/* Of one party, in all its pairs. */
typedef struct {
  gint clear_allowed;            /* GoClear was acknowledged, and the user has taken note */
  gint clear_stopped[MAX_PAIRS]; /* this pair said Commit or Confirm1 since */
  gint protect_allowed
      [MAX_PAIRS]; /* between the end of a handshake and the next GoClear on this wire */
  gint n_clear, n_protected;
} Side;

static Side sides[2];
static gchar *violation; /* atomic */

static guint
pair_of (Party *party)
{
  return party->name[1] ? party->name[1] - '1' : 0;
}

static Side *
side_of (Party *party)
{
  return &sides[party->name[0] - 'a'];
}

static guint32
ssrc_of (Party *party)
{
  return party->name[0] == 'a' ? A_SSRC : B_SSRC;
}

static gboolean
is_readable (GstBuffer *buffer)
{
  static const guint8 media[16] = {[0 ... 15] = FILL}, report[16] = {[0 ... 15] = 0x5e};
  GstMapInfo info;
  gboolean found;

  gst_buffer_map (buffer, &info, GST_MAP_READ);
  found = memmem (info.data, info.size, media, sizeof media) ||
          memmem (info.data, info.size, report, sizeof report);
  gst_buffer_unmap (buffer, &info);
  return found;
}

static void
complain (Party *from, const gchar *what)
{
  g_atomic_pointer_set (&violation, g_strdup_printf ("%s: %s", from->name, what));
}

/* The gate is checked and the packet pushed under the stream lock under which ZRTP is pushed too. That
 * of the RTCP pad is another one: a report may be on its way still. */
static void
watch_media (Party *from, Channel channel, GstBuffer *buffer)
{
  Side *side = side_of (from);
  const guint pair = pair_of (from);

  if (is_readable (buffer)) {
    g_atomic_int_inc (&side->n_clear);
    if (!g_atomic_int_get (&side->clear_allowed))
      complain (from, "clear media before it may");
    else if (channel == RTP && g_atomic_int_get (&side->clear_stopped[pair]))
      complain (from, "clear media while keys are agreed");
  } else {
    g_atomic_int_inc (&side->n_protected);
    if (channel == RTP && !g_atomic_int_get (&side->protect_allowed[pair]))
      complain (from, "protected media between GoClear and the end of a handshake");
    else if (channel == RTP)
      g_atomic_int_set (&side_of (from->peer)->protect_allowed[pair], TRUE); /* as Conf2ACK */
  }
}

static void
watch_zrtp (Party *from, GstBuffer *buffer)
{
  Side *side = side_of (from), *peer = side_of (from->peer);
  const guint pair = pair_of (from);
  gchar type[9] = "";

  gst_buffer_extract (buffer, 16, type, 8);
  if (g_str_equal (type, "GoClear ") || g_str_equal (type, "ClearACK"))
    g_atomic_int_set (&side->protect_allowed[pair], FALSE);
  if (g_str_equal (type, "ClearACK"))
    g_atomic_int_set (&peer->clear_allowed, TRUE);
  if (g_str_equal (type, "Commit  ") || g_str_equal (type, "Confirm1"))
    g_atomic_int_set (&side->clear_stopped[pair], TRUE);
  if (g_str_equal (type, "Confirm2"))
    g_atomic_int_set (&peer->protect_allowed[pair], TRUE);
  if (g_str_equal (type, "Conf2ACK"))
    g_atomic_int_set (&peer->protect_allowed[pair], TRUE);
}

static GstBuffer *
watch (Party *from, Channel channel, GstBuffer *buffer)
{
  if (packet_kind (buffer) == PACKET_ZRTP)
    watch_zrtp (from, buffer);
  else
    watch_media (from, channel, buffer);
  return buffer;
}

/* The call is secure in all its pairs: clear media needs another GoClear. */
static void
expect_protected (void)
{
  for (guint i = 0; i < 2; i++) {
    g_atomic_int_set (&sides[i].clear_allowed, FALSE);
    for (guint p = 0; p < MAX_PAIRS; p++)
      g_atomic_int_set (&sides[i].clear_stopped[p], FALSE);
  }
}

static void
setup (void)
{
  memset (sides, 0, sizeof sides);
  g_atomic_pointer_set (&violation, NULL);
}

static void
check_violation (void)
{
  fail_unless (violation == NULL, "%s", violation);
}

/* --- Calls of several pairs ------------------------------------------------------------------------------- */

static Call *
new_pair (guint i, const gchar *properties)
{
  gchar *names[] = {i ? g_strdup_printf ("a%u", i + 1) : g_strdup ("a"),
      i ? g_strdup_printf ("b%u", i + 1) : g_strdup ("b")};
  gchar *a = g_strconcat (ALICE, properties, NULL), *b = g_strconcat (BOB, properties, NULL);
  Call *call = call_new_as (names[0], names[1], a, b);

  call->network = watch;
  for (guint n = 0; n < 2; n++)
    g_free (names[n]);
  g_free (a);
  g_free (b);
  return call;
}

/* Of a test clock; NULL: the time passes by itself. */
static GstTestClock *test_clock;

static GstStructure *
wait_message (Party *party, const gchar *name)
{
  return test_clock ? party_pass_time_until (test_clock, party, name)
                    : party_wait_message (party, name);
}

static gchar *
wait_secure (Party *party, const gchar *mode)
{
  GstStructure *message = wait_message (party, "zrtp-secure");
  gchar *sas = g_strdup (gst_structure_get_string (message, "sas"));

  fail_unless_equals_string (gst_structure_get_string (message, "mode"), mode);
  gst_structure_free (message);
  return sas;
}

static void
wait_call_secure (Call *call, const gchar *mode)
{
  gchar *a = wait_secure (&call->a, mode), *b = wait_secure (&call->b, mode);

  fail_unless_equals_string (a, b);
  expect_protected ();
  g_free (a);
  g_free (b);
}

static GstZrtpSession *
session_of (Party *party)
{
  GstZrtpSession *session;

  g_object_get (party->dec, "session", &session, NULL);
  gst_object_unref (session); /* it lives as long as the element */
  return session;
}

static void
check_flows (Party *party, Channel channel, guint seq)
{
  Party *peer = party->peer;
  const guint before = party_n_received (peer, channel);
  GstBuffer *packet =
      channel == RTP ? new_rtp (seq, ssrc_of (party), FILL) : new_rtcp (ssrc_of (party));

  fail_unless_equals_int (party_send (party, channel, gst_buffer_copy_deep (packet)), GST_FLOW_OK);
  party_wait_received (peer, channel, before + 1);
  g_mutex_lock (&party->call->lock);
  fail_unless (buffers_equal (g_queue_peek_tail (&peer->received[channel]), packet));
  g_mutex_unlock (&party->call->lock);
  gst_buffer_unref (packet);
}

static void
check_call_flows (Call *call, guint seq)
{
  for (Channel channel = 0; channel < N_CHANNELS; channel++) {
    check_flows (&call->a, channel, seq);
    check_flows (&call->b, channel, seq);
  }
}

/* Neither in nor out, neither clear nor protected. */
static void
check_is_silent (Party *party, guint seq)
{
  for (Channel channel = 0; channel < N_CHANNELS; channel++) {
    const guint sent =
        party_n_sent (party, channel, PACKET_RTP) + party_n_sent (party, channel, PACKET_RTCP);
    const guint received = party_n_received (party, channel);

    for (guint i = 0; i < 3; i++) {
      party_send (party, channel,
          channel == RTP ? new_rtp (seq + i, ssrc_of (party), FILL) : new_rtcp (ssrc_of (party)));
      party_inject (party, channel,
          channel == RTP ? new_rtp (seq + i, ssrc_of (party->peer), FILL)
                         : new_rtcp (ssrc_of (party->peer)));
    }
    party_inject (party, RTP, new_rtcp (ssrc_of (party->peer))); /* muxed */
    fail_unless_equals_int (
        party_n_sent (party, channel, PACKET_RTP) + party_n_sent (party, channel, PACKET_RTCP),
        sent);
    fail_unless_equals_int (party_n_received (party, channel), received);
  }
}

/* The message: by then the gate is what the state wants. */
static void
wait_state (Party *party, const gchar *nick)
{
  GstStructure *message = party_wait_message (party, "zrtp-state");

  while (!g_str_equal (gst_structure_get_string (message, "state"), nick)) {
    gst_structure_free (message);
    message = party_wait_message (party, "zrtp-state");
  }
  gst_structure_free (message);
}

static void
check_state (Party *party, GstZrtpState state)
{
  GstZrtpState enc, dec;

  g_object_get (party->enc, "state", &enc, NULL);
  g_object_get (party->dec, "state", &dec, NULL);
  fail_unless_equals_int (enc, state);
  fail_unless_equals_int (dec, state);
}

static GstBuffer *kept;

static GstBuffer *
keep (Party *from, Channel channel, GstBuffer *buffer)
{
  kept = buffer;
  return NULL;
}

GST_START_TEST (test_two_pairs)
{
  Call *audio = new_pair (0, ""), *video = new_pair (1, "");
  GstZrtpSession *session = session_of (&audio->a);
  gchar *sas;

  fail_unless (session_of (&video->a) == session);
  fail_unless (session_of (&video->b) != session);
  call_play (audio);
  wait_call_secure (audio, "dh");
  call_play (video);
  wait_call_secure (video, "multistream");
  check_call_flows (audio, 1);
  check_call_flows (video, 1);
  g_object_get (video->b.dec, "sas", &sas, NULL);
  fail_unless (sas != NULL);
  g_free (sas);

  /* keys of their own: what belongs to one pair is nothing for the other */
  audio->network = keep;
  fail_unless_equals_int (party_send (&audio->a, RTP, new_rtp (9, A_SSRC, FILL)), GST_FLOW_OK);
  fail_unless_equals_int (party_inject (&video->b, RTP, gst_buffer_ref (kept)), GST_FLOW_OK);
  party_wait_stat (&video->b, "receive-dropped-srtp", 1);
  fail_unless_equals_int (party_inject (&audio->b, RTP, kept), GST_FLOW_OK);
  fail_unless_equals_uint64 (party_stat (&audio->b, "receive-dropped-srtp"), 0);

  /* one word of the user is for all */
  gst_zrtp_session_verify_sas (session, TRUE);
  gst_structure_free (party_wait_message (&audio->a, "zrtp-sas-verified"));
  gst_structure_free (party_wait_message (&video->a, "zrtp-sas-verified"));
  check_violation ();
  call_free (audio);
  call_free (video);
}
GST_END_TEST;

/* All at once: one of them does the key agreement, whichever comes first. */
GST_START_TEST (test_two_pairs_at_once)
{
  Call *call[] = {new_pair (0, ""), new_pair (1, "")};
  guint n_dh = 0;

  for (guint i = 0; i < 2; i++)
    call_play (call[i]);
  for (guint i = 0; i < 2; i++) {
    GstStructure *message = party_wait_message (&call[i]->a, "zrtp-secure");

    n_dh += g_str_equal (gst_structure_get_string (message, "mode"), "dh");
    gst_structure_free (message);
    gst_structure_free (party_wait_message (&call[i]->b, "zrtp-secure"));
    check_call_flows (call[i], 1);
  }
  fail_unless_equals_int (n_dh, 1);
  check_violation ();
  for (guint i = 0; i < 2; i++)
    call_free (call[i]);
}
GST_END_TEST;

/* The first ends, the second goes on; the first comes back and finds the call. */
GST_START_TEST (test_first_pair_stops)
{
  Call *audio = new_pair (0, ""), *video = new_pair (1, "");
  gchar *sas[2];

  call_play (audio);
  sas[0] = wait_secure (&audio->a, "dh");
  g_free (wait_secure (&audio->b, "dh"));
  call_play (video);
  wait_call_secure (video, "multistream");
  party_set_state (&audio->a, GST_STATE_NULL);
  party_set_state (&audio->b, __i__ ? GST_STATE_NULL : GST_STATE_READY);
  check_call_flows (video, 1);
  gst_zrtp_session_verify_sas (session_of (&video->a), TRUE);
  gst_structure_free (party_wait_message (&video->a, "zrtp-sas-verified"));

  call_play (audio);
  sas[1] = wait_secure (&audio->a, "multistream");
  g_free (wait_secure (&audio->b, "multistream"));
  fail_unless_equals_string (sas[0], sas[1]);
  check_call_flows (audio, 1);
  check_call_flows (video, 2);
  check_violation ();
  g_free (sas[0]);
  g_free (sas[1]);
  call_free (audio);
  call_free (video);
}
GST_END_TEST;

static void
setup_clock (void)
{
  setup ();
  test_clock = GST_TEST_CLOCK (gst_test_clock_new ());
  gst_system_clock_set_default (GST_CLOCK (test_clock));
}

static void
teardown_clock (void)
{
  gst_system_clock_set_default (NULL);
  gst_clear_object (&test_clock);
}

GST_START_TEST (test_second_pair_a_minute_later)
{
  Call *audio = new_pair (0, ""), *video = new_pair (1, "");

  call_play (audio);
  wait_call_secure (audio, "dh");
  gst_test_clock_advance_time (test_clock, 60 * GST_SECOND);
  call_play (video);
  wait_call_secure (video, "multistream");
  check_call_flows (audio, 1);
  check_call_flows (video, 1);
  check_violation ();
  call_free (audio);
  call_free (video);
}
GST_END_TEST;

/* Twenty pairs in one call cost no more threads than one. */
GST_START_TEST (test_many_pairs)
{
  enum {
    N_PAIRS = 20
  };
  Call *calls[N_PAIRS];
  guint with_one, with_all;

  for (guint i = 0; i < N_PAIRS; i++) {
    calls[i] = new_pair (i, CLEAR);
    calls[i]->network = NULL;
  }
  call_play (calls[0]);
  wait_call_secure (calls[0], "dh");
  with_one = count_threads ();
  for (guint i = 1; i < N_PAIRS; i++)
    call_play (calls[i]);
  for (guint i = 1; i < N_PAIRS; i++) {
    wait_call_secure (calls[i], "multistream");
    check_call_flows (calls[i], 1);
  }
  with_all = count_threads ();
  fail_unless (with_all <= with_one + 8, "%u threads with one pair, %u with %u", with_one, with_all,
      N_PAIRS);

  /* and all go clear together, and back */
  fail_unless (gst_zrtp_session_go_clear (session_of (&calls[7]->a), NULL));
  for (guint i = 0; i < N_PAIRS; i++)
    party_wait_state (&calls[i]->a, GST_ZRTP_STATE_CLEAR);
  for (guint i = 0; i < N_PAIRS; i++)
    gst_structure_free (party_wait_message (&calls[i]->b, "zrtp-clear"));
  fail_unless (gst_zrtp_session_accept_clear (session_of (&calls[3]->b), FALSE, NULL));
  for (guint i = 0; i < N_PAIRS; i++) {
    wait_call_secure (calls[i], "multistream");
    check_call_flows (calls[i], 2);
  }
  for (guint i = 0; i < N_PAIRS; i++)
    call_free (calls[i]);
}
GST_END_TEST;

/* --- Clear mode ------------------------------------------------------------------------------------------------ */

static void
wait_clear (Party *party, gboolean by_peer, gboolean waiting)
{
  GstStructure *message = wait_message (party, "zrtp-clear");
  gboolean value;

  fail_unless (gst_structure_get_boolean (message, "by-peer", &value) && value == by_peer);
  fail_unless (gst_structure_get_boolean (message, "waiting", &value) && value == waiting);
  gst_structure_free (message);
}

static void
allow_clear (Party *party)
{
  g_atomic_int_set (&side_of (party)->clear_allowed, TRUE);
}

static gboolean
has_child (GstElement *element, const gchar *name)
{
  GstElement *child = gst_bin_get_by_name (GST_BIN (element), name);

  if (child)
    gst_object_unref (child);
  return child != NULL;
}

/* Not at once when a packet is on its way through. */
static void
wait_no_keys (Party *party)
{
  for (guint i = 0; i < 2000; i++) {
    if (!has_child (party->enc, "srtpenc") && !has_child (party->dec, "srtpdec"))
      return;
    g_usleep (1000);
  }
  ck_abort_msg ("%s: the srtp elements stay", party->name);
}

static GstBuffer *
lose_clearack (Party *from, Channel channel, GstBuffer *buffer)
{
  gchar type[9] = "";

  if (packet_kind (buffer) == PACKET_ZRTP)
    gst_buffer_extract (buffer, 16, type, 8);
  return g_str_equal (type, "ClearACK") ? network_lose (from, channel, buffer)
                                        : watch (from, channel, buffer);
}

/* Two pairs, policy=required at both ends, step by step. */
GST_START_TEST (test_clear)
{
  Call *call[] = {new_pair (0, CLEAR), new_pair (1, CLEAR)};
  GstZrtpSession *a = session_of (&call[0]->a), *b = session_of (&call[0]->b);
  GstZrtpPolicy policy;

  g_object_get (a, "policy", &policy, NULL);
  fail_unless_equals_int (policy, GST_ZRTP_POLICY_REQUIRED);
  for (guint i = 0; i < 2; i++) {
    call_play (call[i]);
    wait_call_secure (call[i], i ? "multistream" : "dh");
    check_call_flows (call[i], 100);
    call[i]->network = lose_clearack;
  }

  /* a has asked, and hears nothing: a is silent, and does not listen */
  fail_unless (gst_zrtp_session_go_clear (a, NULL));
  for (guint i = 0; i < 2; i++) {
    wait_state (&call[i]->a, "negotiating");
    wait_no_keys (&call[i]->a);
    wait_clear (&call[i]->b, TRUE, TRUE);
    wait_no_keys (&call[i]->b);
  }
  for (guint i = 0; i < 2; i++) {
    check_state (&call[i]->a, GST_ZRTP_STATE_NEGOTIATING);
    check_is_silent (&call[i]->a, 200);
    check_is_silent (&call[i]->b, 200);
    call[i]->network = watch;
  }
  /* the next GoClear is acknowledged; b's user still sleeps */
  for (guint i = 0; i < 2; i++)
    wait_clear (&call[i]->a, FALSE, FALSE);
  for (guint i = 0; i < 2; i++) {
    const guint received = party_n_received (&call[i]->b, RTP);

    check_state (&call[i]->a, GST_ZRTP_STATE_CLEAR);
    check_state (&call[i]->b, GST_ZRTP_STATE_NEGOTIATING);
    check_is_silent (&call[i]->b, 300);
    fail_unless_equals_int (
        party_send (&call[i]->a, RTP, new_rtp (300, A_SSRC, FILL)), GST_FLOW_OK);
    fail_unless_equals_int (party_n_received (&call[i]->b, RTP), received);
  }
  allow_clear (&call[0]->b);
  fail_unless (gst_zrtp_session_accept_clear (b, TRUE, NULL));
  for (guint i = 0; i < 2; i++) {
    wait_clear (&call[i]->b, TRUE, FALSE);
    party_wait_state (&call[i]->b, GST_ZRTP_STATE_CLEAR);
  }
  g_atomic_int_set (&sides[0].n_protected, 0);
  for (guint i = 0; i < 2; i++)
    check_call_flows (call[i], 400);
  fail_unless_equals_int (g_atomic_int_get (&sides[0].n_protected), 0);

  /* and back */
  fail_unless (gst_zrtp_session_go_secure (b, NULL));
  for (guint i = 0; i < 2; i++)
    wait_call_secure (call[i], "multistream");
  for (guint i = 0; i < 2; i++)
    check_call_flows (call[i], 500);
  check_violation ();
  for (guint i = 0; i < 2; i++)
    call_free (call[i]);
}
GST_END_TEST;

/* Media of both pairs, both ways, flows all the time; every packet is looked at. */
static gint enough;

static gpointer
send_all_the_time (gpointer data)
{
  Party *party = data;

  for (guint i = 0; !g_atomic_int_get (&enough); i++) {
    party_send (party, RTP, new_rtp (i, ssrc_of (party), FILL));
    party_send (party, RTCP, new_rtcp (ssrc_of (party)));
    g_usleep (500);
  }
  return NULL;
}

static void
wait_states (Call *call[2], GstZrtpState a, GstZrtpState b)
{
  for (guint i = 0; i < 2; i++) {
    party_wait_state (&call[i]->a, a);
    party_wait_state (&call[i]->b, b);
  }
}

GST_START_TEST (test_clear_while_media_flows)
{
  Call *call[] = {new_pair (0, CLEAR), new_pair (1, CLEAR)};
  GThread *threads[4];

  for (guint i = 0; i < 2; i++) {
    call_play (call[i]);
    wait_call_secure (call[i], i ? "multistream" : "dh");
  }
  g_atomic_int_set (&enough, FALSE);
  for (guint i = 0; i < 4; i++)
    threads[i] =
        g_thread_new ("media", send_all_the_time, i % 2 ? &call[i / 2]->a : &call[i / 2]->b);
  for (guint round = 0; round < 6; round++) {
    Party *asks = round % 2 ? &call[0]->b : &call[1]->a, *asked = asks->peer;
    const gint n = g_atomic_int_get (&side_of (asks)->n_clear);

    g_usleep (20 * 1000);
    fail_unless (gst_zrtp_session_go_clear (session_of (asks), NULL));
    for (guint i = 0; i < 2; i++) {
      party_wait_state (round % 2 ? &call[i]->b : &call[i]->a, GST_ZRTP_STATE_CLEAR);
      party_wait_state (round % 2 ? &call[i]->a : &call[i]->b, GST_ZRTP_STATE_NEGOTIATING);
    }
    g_usleep (20 * 1000);
    if (round < 4) {
      allow_clear (asked);
      fail_unless (gst_zrtp_session_accept_clear (session_of (asked), TRUE, NULL));
      wait_states (call, GST_ZRTP_STATE_CLEAR, GST_ZRTP_STATE_CLEAR);
      g_usleep (20 * 1000);
      fail_unless (g_atomic_int_get (&side_of (asks)->n_clear) > n, "no clear media flowed");
      fail_unless (gst_zrtp_session_go_secure (session_of (round % 3 ? asks : asked), NULL));
    } else {
      fail_unless (gst_zrtp_session_accept_clear (session_of (asked), FALSE, NULL));
    }
    wait_states (call, GST_ZRTP_STATE_SECURE, GST_ZRTP_STATE_SECURE);
    g_usleep (5 * 1000); /* a report that was on its way */
    expect_protected ();
  }
  g_atomic_int_set (&enough, TRUE);
  for (guint i = 0; i < 4; i++)
    g_thread_join (threads[i]);
  check_violation ();
  fail_unless (g_atomic_int_get (&sides[0].n_protected) > 0);
  for (guint i = 0; i < 2; i++)
    call_free (call[i]);
}
GST_END_TEST;

/* To clear mode, as far as a step of the way: 0 = a waits for b, 1 = b waits for its user, 2 = both are
 * there. */
static Call *
new_clear_call (gint step)
{
  Call *call = new_pair (0, CLEAR);

  call_play (call);
  wait_call_secure (call, "dh");
  check_call_flows (call, 100);
  if (step == 0)
    call->network = network_lose;
  fail_unless (gst_zrtp_session_go_clear (session_of (&call->a), NULL));
  if (step == 0) {
    wait_no_keys (&call->a);
    return call;
  }
  wait_clear (&call->b, TRUE, TRUE);
  wait_clear (&call->a, FALSE, FALSE);
  if (step == 2) {
    allow_clear (&call->b);
    fail_unless (gst_zrtp_session_accept_clear (session_of (&call->b), TRUE, NULL));
    party_wait_state (&call->b, GST_ZRTP_STATE_CLEAR);
    check_call_flows (call, 200);
  }
  return call;
}

static Party *
who_waits (Call *call, gint step)
{
  return step == 0 ? &call->a : &call->b;
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

/* A flush opens nothing, and breaks nothing. */
GST_START_TEST (test_flush_in_clear)
{
  Call *call = new_clear_call (__i__);

  for (Channel channel = 0; channel < N_CHANNELS; channel++) {
    flush (call->a.in[channel]);
    flush (call->b.in[channel]);
    flush (call->a.from_net[channel]);
    flush (call->b.from_net[channel]);
  }
  if (__i__ < 2) {
    check_is_silent (who_waits (call, __i__), 300);
  } else {
    check_call_flows (call, 300);
    fail_unless (gst_zrtp_session_go_secure (session_of (&call->a), NULL));
    wait_call_secure (call, "multistream");
    check_call_flows (call, 400);
  }
  check_violation ();
  call_free (call);
}
GST_END_TEST;

/* Whoever is stopped in clear mode, or on the way to it, begins anew, and closed. */
GST_START_TEST (test_stop_in_clear)
{
  GstState down = __i__ % 2 ? GST_STATE_NULL : GST_STATE_READY;
  Call *call = new_clear_call (__i__ / 2);

  party_set_state (&call->a, down);
  check_state (&call->a, GST_ZRTP_STATE_IDLE);
  expect_protected ();
  call->network = network_lose;
  gst_element_set_state (call->a.dec, GST_STATE_PAUSED);
  send_events (call->a.from_net[RTP], "application/x-srtp");
  send_events (call->a.from_net[RTCP], "application/x-srtcp");
  party_set_state (&call->a, GST_STATE_PLAYING);
  send_events (call->a.in[RTP], "application/x-rtp");
  send_events (call->a.in[RTCP], "application/x-rtcp");
  check_is_silent (&call->a, 300);

  party_set_state (&call->b, down);
  party_set_state (&call->a, down);
  setup ();
  call->network = watch;
  call_play (call);
  wait_call_secure (call, "dh");
  check_call_flows (call, 400);
  check_violation ();
  call_free (call);
}
GST_END_TEST;

/* zrtpenc loses its pads, and gets others: what comes in there is treated as the state is. */
GST_START_TEST (test_pads_in_clear)
{
  Call *call = new_clear_call (__i__);
  Party *party = who_waits (call, __i__);

  for (Channel channel = 0; channel < N_CHANNELS; channel++) {
    GstPad *sink = gst_pad_get_peer (party->in[channel]);
    GstPad *src = gst_pad_get_peer (party->to_net[channel]);
    gchar *name = gst_pad_get_name (sink), *src_name = gst_pad_get_name (src);
    GstPad *again;

    gst_element_release_request_pad (party->enc, sink);
    gst_object_unref (sink);
    gst_object_unref (src);
    again = gst_element_request_pad_simple (party->enc, name);
    gst_pad_link (party->in[channel], again);
    src = gst_element_get_static_pad (party->enc, src_name);
    gst_pad_link (src, party->to_net[channel]);
    gst_object_unref (src);
    gst_object_unref (again);
    g_free (name);
    g_free (src_name);
  }
  if (__i__ < 2) {
    check_is_silent (party, 300);
  } else {
    check_call_flows (call, 300);
    fail_unless (gst_zrtp_session_go_secure (session_of (&call->a), NULL));
    wait_call_secure (call, "multistream");
    check_call_flows (call, 400);
  }
  check_violation ();
  call_free (call);
}
GST_END_TEST;

/* One hand alone is not clear. */
GST_START_TEST (test_one_hand_stops_in_clear)
{
  Call *call = new_clear_call (2);

  gst_element_set_state (call->a.dec, GST_STATE_READY);
  expect_protected ();
  fail_unless_equals_int (party_send (&call->a, RTP, new_rtp (300, A_SSRC, FILL)), GST_FLOW_OK);
  fail_unless_equals_int (party_send (&call->a, RTCP, new_rtcp (A_SSRC)), GST_FLOW_OK);
  check_violation ();
  fail_unless_equals_uint64 (party_stat (&call->a, "send-dropped-not-secure"), 2);
  call_free (call);
}
GST_END_TEST;

/* The way back fails: the peer is gone. No media flows. */
GST_START_TEST (test_go_secure_fails)
{
  Call *call = new_clear_call (2);
  GstStructure *failed;
  guint code;

  call->network = network_lose;
  fail_unless (gst_zrtp_session_go_secure (session_of (&call->a), NULL));
  wait_state (&call->a, "negotiating");
  check_is_silent (&call->a, 300);
  failed = wait_message (&call->a, "zrtp-failed");
  fail_unless (gst_structure_get_uint (failed, "code", &code) && code == 0xb0);
  gst_structure_free (failed);
  check_is_silent (&call->a, 400);
  check_violation ();
  call_free (call);
}
GST_END_TEST;

/* --- A peer that was restarted -------------------------------------------------------------------------------------- */

static void
set_cache (Party *party)
{
  GstZrtpMemoryCache *cache = gst_zrtp_memory_cache_new ();

  g_object_set (party->enc, "cache", cache, NULL);
  g_object_unref (cache);
}

/* A packet that arrives meanwhile waits until the events are there, as it does behind a udpsrc that is
 * restarted. */
static void
restart (Party *party)
{
  GstPad *sinks[] = {
      gst_pad_get_peer (party->from_net[RTP]), gst_pad_get_peer (party->from_net[RTCP])};

  for (guint i = 0; i < G_N_ELEMENTS (sinks); i++)
    GST_PAD_STREAM_LOCK (sinks[i]);
  party_set_state (party, GST_STATE_READY);
  gst_element_set_state (party->dec, GST_STATE_PAUSED);
  send_events (party->from_net[RTP], "application/x-srtp");
  send_events (party->from_net[RTCP], "application/x-srtcp");
  for (guint i = 0; i < G_N_ELEMENTS (sinks); i++) {
    GST_PAD_STREAM_UNLOCK (sinks[i]);
    gst_object_unref (sinks[i]);
  }
  party_set_state (party, GST_STATE_PLAYING);
  send_events (party->in[RTP], "application/x-rtp");
  send_events (party->in[RTCP], "application/x-rtcp");
}

/* Ours is not touched, and its media goes on. */
GST_START_TEST (test_peer_restarts)
{
  Call *call[] = {new_pair (0, ""), new_pair (1, "")};
  GstStructure *message;
  gboolean verified;
  GThread *thread;

  set_cache (&call[0]->a);
  set_cache (&call[0]->b);
  for (guint i = 0; i < 2; i++) {
    call_play (call[i]);
    wait_call_secure (call[i], i ? "multistream" : "dh");
    check_call_flows (call[i], 100);
  }
  gst_zrtp_session_verify_sas (session_of (&call[0]->a), TRUE);
  gst_zrtp_session_verify_sas (session_of (&call[0]->b), TRUE);
  for (guint i = 0; i < 2; i++)
    party_set_state (&call[i]->b, GST_STATE_READY); /* both are down before one is up */
  g_atomic_int_set (&enough, FALSE);
  thread = g_thread_new ("media", send_all_the_time, &call[0]->a);
  for (guint i = 0; i < 2; i++)
    restart (&call[i]->b);
  for (guint i = 0; i < 2; i++) {
    message = party_wait_message (&call[i]->a, "zrtp-secure");
    fail_unless (gst_structure_get_boolean (message, "sas-verified", &verified) && verified);
    gst_structure_free (message);
    gst_structure_free (party_wait_message (&call[i]->b, "zrtp-secure"));
  }
  g_atomic_int_set (&enough, TRUE);
  g_thread_join (thread);
  for (guint i = 0; i < 2; i++)
    check_call_flows (call[i], 30000);
  check_violation ();
  for (guint i = 0; i < 2; i++)
    call_free (call[i]);
}
GST_END_TEST;

/* Without caches nobody can show that he is the same. Our side stays as it is: closed. */
GST_START_TEST (test_restart_refused)
{
  Call *call = new_pair (0, "");
  GstStructure *warning;
  guint received;

  call_play (call);
  wait_call_secure (call, "dh");
  check_call_flows (call, 100);
  restart (&call->b);
  warning = party_wait_message (&call->a, "zrtp-warning");
  fail_unless_equals_string (gst_structure_get_string (warning, "code"), "restart-refused");
  gst_structure_free (warning);
  check_state (&call->a, GST_ZRTP_STATE_SECURE);
  received = party_n_received (&call->b, RTP);
  fail_unless_equals_int (party_send (&call->a, RTP, new_rtp (200, A_SSRC, FILL)), GST_FLOW_OK);
  fail_unless_equals_int (party_n_received (&call->b, RTP), received);
  received = party_n_received (&call->a, RTP);
  fail_unless_equals_int (party_send (&call->b, RTP, new_rtp (200, B_SSRC, FILL)), GST_FLOW_OK);
  fail_unless_equals_int (party_inject (&call->a, RTP, new_rtp (201, B_SSRC, FILL)), GST_FLOW_OK);
  fail_unless_equals_int (party_n_received (&call->a, RTP), received);
  check_violation ();
  call_free (call);
}
GST_END_TEST;

static GstBuffer *strange_hello;

static GstBuffer *
keep_hello (Party *from, Channel channel, GstBuffer *buffer)
{
  if (!g_atomic_pointer_get (&strange_hello))
    g_atomic_pointer_set (&strange_hello, gst_buffer_ref (buffer));
  return network_lose (from, channel, buffer);
}

/* A stranger says Hello while the peer is there, as its media shows: nobody answers him. */
GST_START_TEST (test_stranger_begins_anew)
{
  Call *other = call_new_as ("c", "d", "", ""), *call = new_pair (0, "");
  GThread *thread;
  guint n;

  other->network = keep_hello;
  call_play_silent (other);
  while (!g_atomic_pointer_get (&strange_hello))
    g_usleep (1000);
  call_free (other);

  call_play (call);
  wait_call_secure (call, "dh");
  g_atomic_int_set (&enough, FALSE);
  thread = g_thread_new ("media", send_all_the_time, &call->b);
  g_usleep (20 * 1000);
  n = party_n_sent (&call->a, RTP, PACKET_ZRTP);
  for (guint i = 0; i < 150; i++) {
    party_inject (&call->a, RTP, gst_buffer_ref (strange_hello));
    g_usleep (10 * 1000);
  }
  fail_unless_equals_int (party_n_sent (&call->a, RTP, PACKET_ZRTP), n);
  g_atomic_int_set (&enough, TRUE);
  g_thread_join (thread);
  check_state (&call->a, GST_ZRTP_STATE_SECURE);
  check_violation ();
  gst_clear_buffer (&strange_hello);
  call_free (call);
}
GST_END_TEST;

/* --- What else is on the bus ------------------------------------------------------------------------------------------ */

static void
set_aux (Party *party, const gchar *secret)
{
  GBytes *bytes = g_bytes_new_static (secret, strlen (secret));

  g_object_set (party->dec, "aux-secret", bytes, NULL);
  g_bytes_unref (bytes);
}

GST_START_TEST (test_aux_secret)
{
  Call *call = new_pair (0, "");
  GstStructure *message;
  gboolean mismatch;

  set_aux (&call->a, "sesame");
  set_aux (&call->b, __i__ ? "barley" : "sesame");
  call_play (call);
  message = party_wait_message (&call->a, "zrtp-secure");
  fail_unless (gst_structure_get_boolean (message, "aux-mismatch", &mismatch));
  fail_unless_equals_int (mismatch, __i__);
  gst_structure_free (message);
  if (__i__) {
    message = party_wait_message (&call->a, "zrtp-warning");
    fail_unless_equals_string (gst_structure_get_string (message, "code"), "aux-mismatch");
    gst_structure_free (message);
  }
  call_free (call);
}
GST_END_TEST;

GST_START_TEST (test_preshared)
{
  Call *call = new_pair (0, "allow-preshared=true");

  set_cache (&call->a);
  set_cache (&call->b);
  for (guint i = 0; i < 2; i++) { /* the second one leaves rs2 too */
    call_play (call);
    wait_call_secure (call, "dh");
    gst_zrtp_session_verify_sas (session_of (&call->a), TRUE);
    gst_zrtp_session_verify_sas (session_of (&call->b), TRUE);
    party_set_state (&call->a, GST_STATE_READY);
    party_set_state (&call->b, GST_STATE_READY);
    setup ();
  }
  call_play (call);
  wait_call_secure (call, "preshared");
  check_call_flows (call, 1);
  check_violation ();
  call_free (call);
}
GST_END_TEST;

static gboolean
get_boolean (const GstStructure *structure, const gchar *field)
{
  gboolean value = FALSE;

  fail_unless (gst_structure_get_boolean (structure, field, &value), "no field %s", field);
  return value;
}

/* A phone enrols with a PBX; then the PBX joins it with a stranger. */
GST_START_TEST (test_pbx)
{
  Call *phone = call_new ("accept-enrollment=true", "mitm=true enroll=true");
  Call *stranger;
  GstStructure *message, *relayed;
  gchar *sas;

  set_cache (&phone->a);
  set_cache (&phone->b);
  call_play (phone);
  message = party_wait_message (&phone->a, "zrtp-secure");
  fail_unless (get_boolean (message, "mitm"));
  relayed = party_wait_message (&phone->a, "zrtp-enrollment");
  fail_unless_equals_string (gst_structure_get_string (relayed, "peer-zid"),
      gst_structure_get_string (message, "peer-zid"));
  fail_unless (gst_structure_get_string (relayed, "peer-name") != NULL);
  gst_structure_free (message);
  gst_structure_free (relayed);
  fail_unless (gst_zrtp_session_accept_enrollment (session_of (&phone->a), TRUE, NULL));
  gst_structure_free (party_wait_message (&phone->b, "zrtp-secure"));

  party_set_state (&phone->a, GST_STATE_READY);
  party_set_state (&phone->b, GST_STATE_READY);
  party_set (phone->b.enc, "enroll=false");
  call_play (phone);
  message = party_wait_message (&phone->a, "zrtp-secure");
  fail_unless (get_boolean (message, "enrolled"));
  gst_structure_free (message);
  gst_structure_free (party_wait_message (&phone->b, "zrtp-secure"));
  stranger = call_new_as ("a2", "b2", "", "mitm=true");
  call_play (stranger);
  sas = wait_secure (&stranger->a, "dh");
  g_free (wait_secure (&stranger->b, "dh"));

  fail_unless (
      gst_zrtp_session_relay_sas (session_of (&phone->b), session_of (&stranger->b), NULL));
  relayed = party_wait_message (&phone->a, "zrtp-sas-relayed");
  fail_unless (get_boolean (relayed, "relayed"));
  fail_if (get_boolean (relayed, "peer-sas-verified"));
  fail_if (get_boolean (relayed, "peer-disclosure"));
  fail_unless_equals_string (gst_structure_get_string (relayed, "sas"), sas);
  fail_unless_equals_string (gst_structure_get_string (relayed, "sas-type"), "B32");
  gst_structure_free (relayed);
  relayed = party_wait_message (&stranger->a, "zrtp-sas-relayed");
  fail_if (get_boolean (relayed, "relayed"));
  fail_unless_equals_string (gst_structure_get_string (relayed, "sas"), sas);
  gst_structure_free (relayed);
  g_free (sas);
  g_object_get (phone->a.dec, "sas", &sas, NULL);
  fail_unless (sas != NULL);
  g_free (sas);
  call_free (phone);
  call_free (stranger);
}
GST_END_TEST;

static Suite *
modes_suite (void)
{
  Suite *suite = suite_create ("modes");
  TCase *tc = tcase_create ("all"), *clock = tcase_create ("test clock");

  suite_add_tcase (suite, tc);
  suite_add_tcase (suite, clock);
  tcase_add_checked_fixture (tc, setup, NULL);
  tcase_add_checked_fixture (clock, setup_clock, teardown_clock);
  tcase_add_test (clock, test_second_pair_a_minute_later);
  tcase_add_test (clock, test_go_secure_fails);
  tcase_add_test (tc, test_two_pairs);
  tcase_add_test (tc, test_two_pairs_at_once);
  tcase_add_loop_test (tc, test_first_pair_stops, 0, 2);
  tcase_add_test (tc, test_many_pairs);
  tcase_add_test (tc, test_clear);
  tcase_add_test (tc, test_clear_while_media_flows);
  tcase_add_loop_test (tc, test_flush_in_clear, 0, 3);
  tcase_add_loop_test (tc, test_stop_in_clear, 0, 6);
  tcase_add_loop_test (tc, test_pads_in_clear, 0, 3);
  tcase_add_test (tc, test_one_hand_stops_in_clear);
  tcase_add_test (tc, test_peer_restarts);
  tcase_add_test (tc, test_restart_refused);
  tcase_add_test (tc, test_stranger_begins_anew);
  tcase_add_loop_test (tc, test_aux_secret, 0, 2);
  tcase_add_test (tc, test_preshared);
  tcase_add_test (tc, test_pbx);
  return suite;
}

GST_CHECK_MAIN (modes);
