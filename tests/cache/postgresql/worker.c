/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/cache/postgresql/worker.h"

#include <gio/gio.h>
#include <stdio.h>

/* --- Calls ------------------------------------------------------------------------------------------- */

static gboolean
says (Call *call, const gchar *text)
{
  return strstr (call->a.log->str, text) || strstr (call->b.log->str, text);
}

Outcome
call_once (GstZrtpCache *phone, GstZrtpCache *gateway, const gchar *phone_uri, gboolean verify)
{
  Outcome outcome;
  Call call;

  call_init (&call, 1, "", "");
  g_object_set (call.a.session, "cache", phone, NULL);
  g_object_set (call.b.session, "cache", gateway, "peer-uri", phone_uri, NULL);
  call_talk (&call);
  outcome = (Outcome){
      .verified = get_flag (&call.b.line[0], "sas-verified"),
      .mismatch = get_flag (&call.a.line[0], "cache-mismatch") ||
                  get_flag (&call.b.line[0], "cache-mismatch"),
  };
  if (verify) {
    gst_zrtp_session_verify_sas (call.a.session, TRUE);
    gst_zrtp_session_verify_sas (call.b.session, TRUE);
  }
  outcome.warned = says (&call, "warning:0:cache ");
  call_clear (&call);
  return outcome;
}

/* --- Processes --------------------------------------------------------------------------------------- */

static GstZrtpCache *
open_cache (const gchar *location)
{
  GError *error = NULL;
  GstZrtpCache *cache = gst_zrtp_cache_open (location, NULL, &error);

  g_assert_no_error (error);
  return cache;
}

static void
have_calls (GstZrtpCache *phone, GstZrtpCache *gateway, guint n, gboolean verify)
{
  for (guint i = 0; i < n; i++) {
    Outcome outcome = call_once (phone, gateway, "", verify);

    g_print ("%d%d%d\n", outcome.verified, outcome.mismatch, outcome.warned);
  }
}

/* worker PHONE GATEWAY; then each line on stdin is a number of calls and whether they are verified. */
int
worker_main (int argc, char **argv)
{
  GstZrtpCache *phone = open_cache (argv[2]), *gateway = open_cache (argv[3]);
  guint n;
  int verify;

  g_assert_cmpint (argc, ==, 4);
  g_print ("yes\n");
  while (scanf ("%u %d", &n, &verify) == 2)
    have_calls (phone, gateway, n, verify);
  g_object_unref (phone);
  g_object_unref (gateway);
  return 0;
}

gpointer
worker_start (const gchar *phone, const gchar *gateway)
{
  gchar *self = g_file_read_link ("/proc/self/exe", NULL), ready[4];
  GError *error = NULL;
  GSubprocess *worker =
      g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error,
          self, "worker", phone, gateway, NULL);

  g_assert_no_error (error);
  worker_hear (worker, ready);
  g_free (self);
  return worker;
}

void
worker_go (gpointer worker, guint n, gboolean verify)
{
  GOutputStream *stream = g_subprocess_get_stdin_pipe (worker);

  g_assert_true (g_output_stream_printf (stream, NULL, NULL, NULL, "%u %d\n", n, verify ? 1 : 0));
}

void
worker_hear (gpointer worker, gchar said[4])
{
  gsize size;

  g_assert_true (
      g_input_stream_read_all (g_subprocess_get_stdout_pipe (worker), said, 4, &size, NULL, NULL));
  g_assert_cmpuint (size, ==, 4);
  said[3] = 0;
}

void
worker_end (gpointer worker)
{
  g_assert_true (g_output_stream_close (g_subprocess_get_stdin_pipe (worker), NULL, NULL));
  g_assert_true (g_subprocess_wait_check (worker, NULL, NULL));
  g_object_unref (worker);
}
