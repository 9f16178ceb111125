/* A pair costs no thread, and one that is stuck does not hold up the others.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/elements/call.h"

enum {
  N_CALLS = 100
};

static Call *
new_call (guint i)
{
  Call *call = call_new ("", "");
  gchar *id = g_strdup_printf ("a%u", i);

  g_object_set (call->a.enc, "connection-id", id, NULL);
  g_object_set (call->a.dec, "connection-id", id, NULL);
  id[0] = 'b';
  g_object_set (call->b.enc, "connection-id", id, NULL);
  g_object_set (call->b.dec, "connection-id", id, NULL);
  g_free (id);
  return call;
}

static void
wait_secure (Call *call)
{
  party_wait_state (&call->a, GST_ZRTP_STATE_SECURE);
  party_wait_state (&call->b, GST_ZRTP_STATE_SECURE);
}

/* Two hundred pairs, all busy with their handshakes at once, then all secure. */
GST_START_TEST (test_many_pairs)
{
  Call *calls[N_CALLS];
  guint with_one, with_all, most = 0, i;

  calls[0] = new_call (0);
  call_play (calls[0]);
  wait_secure (calls[0]);
  with_one = count_threads ();

  for (i = 1; i < N_CALLS; i++) {
    calls[i] = new_call (i);
    call_play (calls[i]);
    most = MAX (most, count_threads ());
  }
  for (i = 1; i < N_CALLS; i++)
    wait_secure (calls[i]);
  with_all = count_threads ();
  fail_unless (with_all <= with_one + 8, "%u threads with one call, %u with %u", with_one, with_all,
      N_CALLS);
  fail_unless (most <= with_one + 16, "up to %u threads on the way", most);
  for (i = 0; i < N_CALLS; i++)
    call_free (calls[i]);
}
GST_END_TEST;

/* A sink may block a push for as long as it likes. */
static GMutex gate_lock;
static GCond gate_open;
static gboolean open_gate;
static gint n_waiting;

static GstBuffer *
wait_at_gate (Party *from, Channel channel, GstBuffer *buffer)
{
  g_mutex_lock (&gate_lock);
  g_atomic_int_inc (&n_waiting);
  while (!open_gate)
    g_cond_wait (&gate_open, &gate_lock);
  g_mutex_unlock (&gate_lock);
  return buffer;
}

GST_START_TEST (test_blocked_pairs)
{
  enum {
    N_BLOCKED = 12
  };
  Call *blocked[N_BLOCKED], *call;
  guint i;

  for (i = 0; i < N_BLOCKED; i++) {
    blocked[i] = new_call (i + 1);
    /* Only once the test has sent its events: who pushes waits with the ZRTP packet in front of him. */
    blocked[i]->network = network_lose;
    call_play (blocked[i]);
    blocked[i]->network = wait_at_gate;
  }
  while (g_atomic_int_get (&n_waiting) < 2 * N_BLOCKED)
    g_usleep (1000);

  call = new_call (0);
  call_play (call);
  wait_secure (call);
  call_free (call);

  g_mutex_lock (&gate_lock);
  open_gate = TRUE;
  g_cond_broadcast (&gate_open);
  g_mutex_unlock (&gate_lock);
  for (i = 0; i < N_BLOCKED; i++) {
    wait_secure (blocked[i]);
    call_free (blocked[i]);
  }
}
GST_END_TEST;

static Suite *
threads_suite (void)
{
  Suite *suite = suite_create ("threads");
  TCase *tc = tcase_create ("all");

  suite_add_tcase (suite, tc);
  tcase_set_timeout (tc, 120);
  tcase_add_test (tc, test_many_pairs);
  tcase_add_test (tc, test_blocked_pairs);
  return suite;
}

GST_CHECK_MAIN (threads);
