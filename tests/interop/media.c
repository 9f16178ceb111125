/* The media half of a test peer: command line and call. media-stream.c has a stream of it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/interop/media-private.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  EXIT_WRONG_ROLE = 3, /* nothing is wrong but the dice of contention (§4.2): try again */
  MAX_LINE = 4096,
  AFTER_FAILURE_MS = 1000, /* let an Error and its ErrorACK pass */
};

guint64
media_now (void)
{
  return (guint64) g_get_monotonic_time () * 1000;
}

/* --- Command line ---------------------------------------------------------------------------- */

static gboolean
refuse (GError **error, const gchar *text)
{
  g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, text);
  return FALSE;
}

/* The index of `word` in `names`; no word means the first name. */
static gboolean
parse_word (const gchar *word, const gchar *const *names, guint *index, GError **error)
{
  for (*index = 0; names[*index]; ++*index) {
    if (!word || g_str_equal (word, names[*index]))
      return TRUE;
  }
  g_set_error (
      error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "unknown word '%s': see --help", word);
  return FALSE;
}

static gboolean
parse_role (Media *media, const gchar *word, GError **error)
{
  static const gchar *const names[] = {"any", "initiator", "responder", NULL};

  return parse_word (word, names, &media->role, error);
}

static gboolean
parse_fault (Media *media, const gchar *word, gint index, GError **error)
{
  static const gchar *const names[] = {"none", "send-key", "payload", NULL};
  guint fault;

  if (index < 0 || index >= MEDIA_MAX_STREAMS)
    return refuse (error, "--fault-stream is the number of a stream, from 0");
  if (!parse_word (word, names, &fault, error))
    return FALSE;
  media->stream[index].fault = (Fault) fault;
  return TRUE;
}

/* A port a stream. */
static gboolean
parse_ports (Media *media, const gchar *local, const gchar *remote, GError **error)
{
  g_auto (GStrv) locals = g_strsplit (local ? local : "", ",", -1);
  g_auto (GStrv) remotes = g_strsplit (remote ? remote : "", ",", -1);
  const guint n = g_strv_length (locals);

  if (n < 1 || n > MEDIA_MAX_STREAMS || n != g_strv_length (remotes))
    return refuse (error, "--local-port and --remote-port are needed: a port for each stream");
  for (guint i = 0; i < n; i++) {
    media->stream[i].local_port = atoi (locals[i]);
    media->stream[i].remote_port = atoi (remotes[i]);
    if (media->stream[i].local_port < 1 || media->stream[i].local_port > 65535 ||
        media->stream[i].remote_port < 1 || media->stream[i].remote_port > 65535)
      return refuse (error, "a port is a number from 1 to 65535");
  }
  media->options.n_streams = n;
  return TRUE;
}

static gchar **
split (gchar *list)
{
  gchar **items = list ? g_strsplit (list, ",", -1) : NULL;

  g_free (list);
  return items;
}

static gboolean
check_numbers (const Media *media, GError **error)
{
  if (media->loss < 0 || media->loss > 100 || media->packets < 0 || media->interval_ms < 1 ||
      media->timeout <= 0)
    return refuse (
        error, "--loss is a percentage; --packets, --interval and --timeout are positive numbers");
  return TRUE;
}

/* What is said of the process, and not of a call. */
typedef struct {
  gboolean version, script;
} Process;

static gboolean
parse_options (Media *media, gchar ***arguments, Process *process, GError **error)
{
  g_autofree gchar *role = NULL, *fault = NULL, *local = NULL, *remote = NULL;
  gchar *kas = NULL, *hashes = NULL, *ciphers = NULL, *tags = NULL, *sas = NULL;
  gint64 ssrc = 0;
  gint fault_stream = 0;
  const GOptionEntry entries[] = {
      {"local-port", 0, 0, G_OPTION_ARG_STRING, &local, "UDP port to bind, one a stream", "PORTS"},
      {"remote-port", 0, 0, G_OPTION_ARG_STRING, &remote, "UDP port of the other end, one a stream",
          "PORTS"},
      {"key-agreements", 0, 0, G_OPTION_ARG_STRING, &kas, "offer, best first", "X255,DH3k"},
      {"hashes", 0, 0, G_OPTION_ARG_STRING, &hashes, "offer, best first", "S256,S384"},
      {"ciphers", 0, 0, G_OPTION_ARG_STRING, &ciphers, "offer, best first", "AES1,AES3"},
      {"auth-tags", 0, 0, G_OPTION_ARG_STRING, &tags, "offer, best first", "HS80,HS32"},
      {"sas-types", 0, 0, G_OPTION_ARG_STRING, &sas, "offer, best first", "B32,B256"},
      {"role", 0, 0, G_OPTION_ARG_STRING, &role,
          "hold HelloACKs back, and exit with 3 at once when the role is the other all the same",
          "any|initiator|responder"},
      {"ssrc", 0, 0, G_OPTION_ARG_INT64, &ssrc,
          "our SSRC, the next streams' one more each; 0 = "
          "random",
          "N"},
      {"packets", 0, 0, G_OPTION_ARG_INT, &media->packets, "SRTP packets to send (150)", "N"},
      {"interval", 0, 0, G_OPTION_ARG_INT, &media->interval_ms, "between RTP packets (20)", "MS"},
      {"no-clear", 0, 0, G_OPTION_ARG_NONE, &media->no_clear, "no RTP before the call is secure",
          NULL},
      {"loss", 0, 0, G_OPTION_ARG_DOUBLE, &media->loss, "drop datagrams on sending", "PERCENT"},
      {"seed", 0, 0, G_OPTION_ARG_INT64, &media->seed, "of the losses (1)", "N"},
      {"timeout", 0, 0, G_OPTION_ARG_DOUBLE, &media->timeout, "give up after (10)", "SECONDS"},
      {"signalling", 0, 0, G_OPTION_ARG_NONE, &media->signalling,
          "print HELLO-HASH lines, read those of the other end, then begin", NULL},
      {"fault", 0, 0, G_OPTION_ARG_STRING, &fault, "make a defect on purpose",
          "none|send-key|payload"},
      {"fault-stream", 0, 0, G_OPTION_ARG_INT, &fault_stream, "in which stream (0)", "N"},
      {"script", 0, 0, G_OPTION_ARG_NONE, &process->script,
          "each line of the standard input is the command line of a call", NULL},
      {"verbose", 'v', 0, G_OPTION_ARG_NONE, &media->options.verbose, "say what happens", NULL},
      {"version", 0, 0, G_OPTION_ARG_NONE, &process->version, "print the ZRTP library's version",
          NULL},
      {NULL},
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("- one end of a ZRTP call over UDP");
  gboolean ok;

  g_option_context_add_main_entries (context, entries, NULL);
  if (media->zrtp->entries)
    g_option_context_add_main_entries (context, media->zrtp->entries, NULL);
  ok = g_option_context_parse_strv (context, arguments, error);
  media->options.key_agreements = split (kas);
  media->options.hashes = split (hashes);
  media->options.ciphers = split (ciphers);
  media->options.auth_tags = split (tags);
  media->options.sas_types = split (sas);
  for (guint i = 0; i < MEDIA_MAX_STREAMS; i++)
    media->options.ssrc[i] = ssrc ? (guint32) ssrc + i : g_random_int ();
  if (!ok || process->version || process->script)
    return ok;
  return parse_ports (media, local, remote, error) && parse_role (media, role, error) &&
         parse_fault (media, fault, fault_stream, error) && check_numbers (media, error);
}

/* --- The call -------------------------------------------------------------------------------- */

void
media_fail (Media *media, const gchar *format, ...)
{
  va_list args;
  g_autofree gchar *text = NULL;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_printerr ("failed: %s\n", text);
  if (!media->failed)
    media->failed_at = media_now ();
  media->failed = TRUE;
}

void
media_bridge (Media *media)
{
  media->bridge = TRUE;
}

guint
media_sent (Media *media, guint stream)
{
  return media->stream[stream].sent_now;
}

guint
media_received (Media *media, guint stream)
{
  return media->stream[stream].received_now;
}

/* True when `what` is true of one stream. */
static gboolean
any_stream (const Media *media, gboolean (*what) (const MediaStream *stream))
{
  for (guint i = 0; i < media->options.n_streams; i++)
    if (what (&media->stream[i]))
      return TRUE;
  return FALSE;
}

static gboolean
was_bad (const MediaStream *stream)
{
  return !media_stream_was_good (stream);
}

static gboolean
finished (const Media *media, guint64 now)
{
  if (now >= media->deadline || any_stream (media, media_stream_has_wrong_role))
    return TRUE;
  if (media->failed)
    return now - media->failed_at > MEDIA_MS (AFTER_FAILURE_MS);
  for (guint i = 0; i < media->options.n_streams; i++)
    if (!media_stream_finished (&media->stream[i], now))
      return FALSE;
  return TRUE;
}

static void
run (Media *media)
{
  const guint n = media->options.n_streams;
  struct pollfd fds[MEDIA_MAX_STREAMS];

  for (guint i = 0; i < n; i++)
    fds[i] = (struct pollfd){.fd = media->stream[i].socket, .events = POLLIN};
  for (guint64 now = media->started; !finished (media, now); now = media_now ()) {
    media->zrtp->tick (media->self, now);
    for (guint i = 0; i < n; i++)
      media_stream_send_due (&media->stream[i], now);
    if (poll (fds, n, MEDIA_TICK_MS) <= 0)
      continue;
    for (guint i = 0; i < n; i++)
      media_stream_receive_all (&media->stream[i]);
  }
}

/* One of the lines that the other end printed with tell_hello_hashes(). */
static gboolean
hear_hello_hash (Media *media)
{
  gchar line[MAX_LINE];
  guint stream;
  int value = 0;

  if (!fgets (line, sizeof line, stdin) || sscanf (line, "HELLO-HASH %u %n", &stream, &value) < 1 ||
      value == 0 || stream >= media->options.n_streams) {
    media_fail (media, "no HELLO-HASH line of the other end on the standard input");
    return FALSE;
  }
  media->zrtp->set_peer_hello_hash (media->self, stream, g_strchomp (line + value));
  return TRUE;
}

/* What SIP would do: both ends tell each other the hashes of their Hellos (§8.1). */
static gboolean
exchange_hello_hashes (Media *media)
{
  for (guint i = 0; i < media->options.n_streams; i++) {
    g_autofree gchar *value = media->zrtp->get_hello_hash (media->self, i);

    g_print ("HELLO-HASH %u %s\n", i, value);
  }
  fflush (stdout);
  for (guint i = 0; i < media->options.n_streams; i++)
    if (!hear_hello_hash (media))
      return FALSE;
  return TRUE;
}

static gboolean
open_streams (Media *media)
{
  for (guint i = 0; i < media->options.n_streams; i++)
    if (!media_stream_open (&media->stream[i]))
      return FALSE;
  return TRUE;
}

static void
call (Media *media)
{
  if (!open_streams (media) || !(media->self = media->zrtp->open (media, &media->options)))
    return;
  if (!media->signalling || exchange_hello_hashes (media)) {
    media->started = media_now ();
    media->deadline = media->started + (guint64) (media->timeout * 1e9);
    media->zrtp->start (media->self, media->started);
    run (media);
  }
  media->zrtp->stop (media->self);
}

static int
conclude (const Media *media)
{
  for (guint i = 0; i < media->options.n_streams; i++)
    media_stream_print (&media->stream[i]);
  if (any_stream (media, media_stream_has_wrong_role))
    return EXIT_WRONG_ROLE;
  return any_stream (media, was_bad) ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void
clear (Media *media)
{
  for (guint i = 0; i < media->options.n_streams; i++)
    media_stream_close (&media->stream[i]);
  g_strfreev (media->options.key_agreements);
  g_strfreev (media->options.hashes);
  g_strfreev (media->options.ciphers);
  g_strfreev (media->options.auth_tags);
  g_strfreev (media->options.sas_types);
}

/* --- The process ----------------------------------------------------------------------------- */

/* A call, or what `process` says instead. Takes `arguments`. */
static int
run_arguments (const MediaZrtp *zrtp, gchar **arguments, Process *process)
{
  Media media = {.zrtp = zrtp, .packets = 150, .interval_ms = 20, .timeout = 10, .seed = 1};
  g_autoptr (GError) error = NULL;
  int code = EXIT_SUCCESS;

  for (guint i = 0; i < MEDIA_MAX_STREAMS; i++)
    media.stream[i] = (MediaStream){.media = &media, .index = i, .socket = -1};
  if (zrtp->reset)
    zrtp->reset ();
  if (!parse_options (&media, &arguments, process, &error)) {
    g_printerr ("%s\n", error->message);
    code = EXIT_FAILURE;
  } else if (process->version) {
    g_print ("%s\n", zrtp->library);
  } else if (!process->script) {
    call (&media);
    code = conclude (&media);
  }
  clear (&media);
  g_strfreev (arguments);
  return code;
}

/* The arguments of a line, the program's name before them; NULL when there are no more. */
static gchar **
read_arguments (void)
{
  gchar line[MAX_LINE];
  g_autofree gchar *text = NULL;
  gchar **arguments = NULL;

  if (!fgets (line, sizeof line, stdin))
    return NULL;
  text = g_strconcat ("peer ", line, NULL);
  if (!g_shell_parse_argv (text, NULL, &arguments, NULL))
    g_printerr ("not a command line: %s", line);
  return arguments;
}

static int
run_script (const MediaZrtp *zrtp)
{
  int code = EXIT_SUCCESS;
  gchar **arguments;

  g_print ("READY\n");
  fflush (stdout);
  while ((arguments = read_arguments ())) {
    Process process = {0};

    code = run_arguments (zrtp, arguments, &process);
    g_print ("END %d\n", code);
    fflush (stdout);
  }
  return code;
}

int
media_main (int argc, char **argv, const MediaZrtp *zrtp)
{
  Process process = {0};
  int code;

  if (srtp_init () != srtp_err_status_ok) {
    g_printerr ("libsrtp2 does not start\n");
    return EXIT_FAILURE;
  }
  code = run_arguments (zrtp, g_strdupv (argv), &process);
  if (process.script)
    code = run_script (zrtp);
  srtp_shutdown ();
  return code;
}
