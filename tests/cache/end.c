/* One end of a call that may be killed anywhere: a session with a cache in a file and a UDP socket, no pipeline.
 *
 * Everything it does is a step with a name, told on the standard output before the next one begins; at the step that
 * --kill names the process kills itself, as kill -9 does. It ends well when its standard input does.
 *
 *   open:before                     the cache is about to be opened; zid, lookup, update and close likewise
 *   sent:Hello:before               a packet is about to be sent
 *   initiator:got:DHPart1:after     a packet was handled; who has a role says so first
 *   responder:update:write2:torn    half of the second write() of the change was done; :before, :after
 *   responder:update:sync1:before   before the first fsync(); :after
 *   responder:secure                the session said so
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include <gst/zrtp/zrtp.h>

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
  MAX_PACKET = 4096
};

static struct {
  gint fd, kill_after;
  gchar *cache, *key, *name, **kill;
  gboolean allow_preshared, verify, open_only;
} options = {.fd = -1};

static const GOptionEntry entries[] = {
    {"fd", 0, 0, G_OPTION_ARG_INT, &options.fd, "connected UDP socket", "N"},
    {"cache", 0, 0, G_OPTION_ARG_FILENAME, &options.cache, "SQLite file", "FILE"},
    {"key", 0, 0, G_OPTION_ARG_STRING, &options.key, "encrypts it: a text of 32 octets", "KEY"},
    {"name", 0, 0, G_OPTION_ARG_STRING, &options.name, "what our user calls the peer", "NAME"},
    {"preshared", 0, 0, G_OPTION_ARG_NONE, &options.allow_preshared, "RFC 6189 §4.4.2", NULL},
    {"verify", 0, 0, G_OPTION_ARG_NONE, &options.verify, "our user compares the SAS", NULL},
    {"open-only", 0, 0, G_OPTION_ARG_NONE, &options.open_only, "no call", NULL},
    {"kill", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.kill,
        "the step at which to die; more than one: whichever comes first", "STEP"},
    {"kill-after", 0, 0, G_OPTION_ARG_INT, &options.kill_after, "die so many µs later", "N"},
    {NULL},
};

/* --- Steps ----------------------------------------------------------------------------------------------- */

/* In one piece and at once: the last words of the killed are complete. */
static void tell (const gchar *format, ...) G_GNUC_PRINTF (1, 2);

static void
tell (const gchar *format, ...)
{
  gchar line[512];
  va_list args;
  gint size;

  va_start (args, format);
  size = g_vsnprintf (line, sizeof line - 1, format, args);
  va_end (args);
  size = MIN (size, (gint) sizeof line - 2);
  line[size] = '\n';
  if (syscall (SYS_write, STDOUT_FILENO, line, size + 1) != size + 1)
    _exit (3);
}

static void step (const gchar *format, ...) G_GNUC_PRINTF (1, 2);

static const gchar *role = ""; /* with a colon */

static void
step (const gchar *format, ...)
{
  gchar name[128];
  gsize size = g_strlcpy (name, role, sizeof name);
  va_list args;

  va_start (args, format);
  g_vsnprintf (name + size, sizeof name - size, format, args);
  va_end (args);
  tell ("step %s", name);
  if (options.kill && g_strv_contains ((const gchar *const *) options.kill, name))
    kill (getpid (), SIGKILL);
}

static void
note_role (GstZrtpStream *stream, GParamSpec *pspec, gpointer user)
{
  GstZrtpRole now;

  g_object_get (stream, "role", &now, NULL);
  role = now == GST_ZRTP_ROLE_INITIATOR   ? "initiator:"
         : now == GST_ZRTP_ROLE_RESPONDER ? "responder:"
                                          : "";
}

/* --- What SQLite asks of the system --------------------------------------------------------------------------- */

/* The symbols of a program come before those of the C library, so SQLite calls these. */
static struct {
  const gchar *phase; /* NULL: not of interest */
  guint writes, syncs;
} watched;

#define INTERPOSED __attribute__ ((visibility ("default")))

static ssize_t
watched_write (int fd, const void *data, size_t size, off_t offset)
{
  const guint n = watched.phase ? ++watched.writes : 0;
  ssize_t written;

  if (!n)
    return syscall (SYS_pwrite64, fd, data, size, offset);
  step ("%s:write%u:before", watched.phase, n);
  written = syscall (SYS_pwrite64, fd, data, size / 2, offset);
  step ("%s:write%u:torn", watched.phase, n);
  if (written == (ssize_t) (size / 2))
    written = syscall (SYS_pwrite64, fd, data, size, offset);
  step ("%s:write%u:after", watched.phase, n);
  return written;
}

static int
watched_sync (int fd, long number)
{
  const guint n = watched.phase ? ++watched.syncs : 0;
  int result;

  if (n)
    step ("%s:sync%u:before", watched.phase, n);
  result = (int) syscall (number, fd);
  if (n)
    step ("%s:sync%u:after", watched.phase, n);
  return result;
}

/* Both names: <unistd.h> may have made one of them the other. */
INTERPOSED ssize_t watched_pwrite (int fd, const void *data, size_t size, off_t offset) __asm__(
    "pwrite");
INTERPOSED ssize_t watched_pwrite64 (int fd, const void *data, size_t size, off_t offset) __asm__(
    "pwrite64");

ssize_t
watched_pwrite (int fd, const void *data, size_t size, off_t offset)
{
  return watched_write (fd, data, size, offset);
}

ssize_t
watched_pwrite64 (int fd, const void *data, size_t size, off_t offset)
{
  return watched_write (fd, data, size, offset);
}

INTERPOSED int
fsync (int fd)
{
  return watched_sync (fd, SYS_fsync);
}

INTERPOSED int
fdatasync (int fd)
{
  return watched_sync (fd, SYS_fdatasync);
}

static void
enter (const gchar *phase)
{
  watched.writes = watched.syncs = 0;
  watched.phase = phase;
  step ("%s:before", phase);
}

static void
leave (gboolean ok)
{
  const gchar *phase = watched.phase;

  watched.phase = NULL;
  if (ok)
    step ("%s:after", phase);
}

/* --- The cache, watched ---------------------------------------------------------------------------------------- */

#define TYPE_WATCHED_CACHE (watched_cache_get_type ())
G_DECLARE_FINAL_TYPE (WatchedCache, watched_cache, WATCHED, CACHE, GObject)

struct _WatchedCache {
  GObject parent;
  GstZrtpCache *real;
};

static void watched_cache_iface_init (GstZrtpCacheInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (WatchedCache, watched_cache, G_TYPE_OBJECT,
    G_IMPLEMENT_INTERFACE (GST_TYPE_ZRTP_CACHE, watched_cache_iface_init))

static GBytes *
watched_get_zid (GstZrtpCache *cache, const gchar *local_uri, const gchar *peer_uri, GError **error)
{
  GBytes *zid;

  enter ("zid");
  zid = gst_zrtp_cache_get_zid (WATCHED_CACHE (cache)->real, local_uri, peer_uri, error);
  leave (zid != NULL);
  return zid;
}

static gboolean
watched_lookup (GstZrtpCache *cache, GBytes *zid, GBytes *peer_zid, GList **records, GError **error)
{
  gboolean ok;

  enter ("lookup");
  ok = gst_zrtp_cache_lookup (WATCHED_CACHE (cache)->real, zid, peer_zid, records, error);
  leave (ok);
  return ok;
}

static gboolean
watched_update (
    GstZrtpCache *cache, GBytes *zid, GBytes *peer_zid, GstZrtpChange *change, GError **error)
{
  gboolean ok;

  enter ("update");
  ok = gst_zrtp_cache_update (WATCHED_CACHE (cache)->real, zid, peer_zid, change, error);
  leave (ok);
  return ok;
}

static void
watched_cache_iface_init (GstZrtpCacheInterface *iface)
{
  iface->get_zid = watched_get_zid;
  iface->lookup = watched_lookup;
  iface->update = watched_update;
}

static void
watched_cache_finalize (GObject *object)
{
  g_clear_object (&WATCHED_CACHE (object)->real);
  G_OBJECT_CLASS (watched_cache_parent_class)->finalize (object);
}

static void
watched_cache_class_init (WatchedCacheClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = watched_cache_finalize;
}

static void
watched_cache_init (WatchedCache *self)
{
}

static void
tell_zid (GstZrtpCache *cache)
{
  GError *error = NULL;
  GBytes *zid = gst_zrtp_cache_get_zid (cache, NULL, NULL, &error);
  GString *text = g_string_new (NULL);
  gsize size = 0;
  const guint8 *data = zid ? g_bytes_get_data (zid, &size) : NULL;

  for (gsize i = 0; i < size; i++)
    g_string_append_printf (text, "%02x", data[i]);
  tell ("zid %s", text->str);
  if (error)
    tell ("error %s", error->message);
  g_string_free (text, TRUE);
  g_clear_pointer (&zid, g_bytes_unref);
  g_clear_error (&error);
}

/* What is known of the one peer, without secrets. */
static void
tell_records (GstZrtpCache *cache)
{
  GError *error = NULL;
  GList *records = gst_zrtp_cache_list (cache, NULL, 10, &error);

  for (GList *l = records; l; l = l->next) {
    gchar *name;
    gint64 first_seen;
    guint64 calls;
    gboolean verified;

    g_object_get (l->data, "name", &name, "first-seen", &first_seen, "calls", &calls,
        "sas-verified", &verified, NULL);
    tell ("record calls=%" G_GUINT64_FORMAT " first-seen=%" G_GINT64_FORMAT " verified=%d name=%s",
        calls, first_seen, verified, name);
    g_free (name);
  }
  if (error)
    tell ("error %s", error->message);
  g_clear_error (&error);
  g_list_free_full (records, g_object_unref);
}

static GstZrtpCache *
open_cache (void)
{
  GBytes *key = options.key ? g_bytes_new (options.key, strlen (options.key)) : NULL;
  GstZrtpCache *real;
  WatchedCache *cache;
  GError *error = NULL;

  enter ("open");
  real = gst_zrtp_cache_open (options.cache, key, &error);
  leave (real != NULL);
  g_clear_pointer (&key, g_bytes_unref);
  if (!real) {
    tell ("error %s", error->message);
    g_error_free (error);
    return NULL;
  }
  cache = g_object_new (TYPE_WATCHED_CACHE, NULL);
  cache->real = real;
  tell_zid (GST_ZRTP_CACHE (cache));
  tell_records (real);
  return GST_ZRTP_CACHE (cache);
}

/* --- The call ------------------------------------------------------------------------------------------------------ */

static gboolean
get_flag (const GstStructure *details, const gchar *field)
{
  gboolean value = FALSE;

  gst_structure_get_boolean (details, field, &value);
  return value;
}

static void
on_secure (GstZrtpSession *session, GstZrtpStream *stream, GstStructure *details, gpointer user)
{
  tell ("secure mode=%s role=%s verified=%d mismatch=%d sas=%s",
      gst_structure_get_string (details, "mode"), gst_structure_get_string (details, "role"),
      get_flag (details, "sas-verified"), get_flag (details, "cache-mismatch"),
      gst_structure_get_string (details, "sas"));
  step ("secure");
}

static void
on_warning (GstZrtpSession *session, GstZrtpStream *stream, GstZrtpWarning code, const gchar *text,
    gpointer user)
{
  tell ("warning %s", text);
}

static void
on_failed (GstZrtpSession *session, GstZrtpStream *stream, guint code, const gchar *text,
    gboolean by_peer, gpointer user)
{
  tell ("warning failed with 0x%02x: %s", code, text);
}

static guint64
now (void)
{
  return (guint64) g_get_monotonic_time () * 1000;
}

/* RFC 6189 §5: twelve octets of header, the preamble and the length, then the type. */
static const gchar *
type_of (const guint8 *packet, gsize size, gchar name[9])
{
  g_strlcpy (name, size >= 24 ? (const gchar *) packet + 16 : "", 9);
  return g_strchomp (name);
}

static void
send_all (GstZrtpStream *stream)
{
  GBytes *packet;

  while ((packet = gst_zrtp_stream_poll_packet (stream))) {
    gsize size;
    const guint8 *data = g_bytes_get_data (packet, &size);
    gchar name[9];

    step ("sent:%s:before", type_of (data, size, name));
    if (send (options.fd, data, size, 0) < 0)
      tell ("lost %s", name);
    step ("sent:%s:after", name);
    g_bytes_unref (packet);
  }
}

static void
receive (GstZrtpStream *stream)
{
  guint8 packet[MAX_PACKET];
  const ssize_t size = recv (options.fd, packet, sizeof packet, MSG_DONTWAIT);
  gchar name[9];

  if (size <= 0)
    return;
  step ("got:%s:before", type_of (packet, (gsize) size, name));
  gst_zrtp_stream_handle_packet (stream, packet, (gsize) size, now ());
  note_role (stream, NULL, NULL);
  step ("got:%s:after", name);
}

static int
milliseconds_left (GstZrtpStream *stream)
{
  const guint64 when = gst_zrtp_stream_get_next_timeout (stream), time = now ();

  if (when == GST_CLOCK_TIME_NONE)
    return -1;
  return when <= time ? 0 : (int) MIN ((when - time + 999999) / 1000000, 60000);
}

/* The users have compared the SAS. */
static void
verify_once (GstZrtpStream *stream)
{
  if (!options.verify || gst_zrtp_stream_get_state (stream) != GST_ZRTP_STATE_SECURE)
    return;
  options.verify = FALSE;
  gst_zrtp_session_verify_sas (gst_zrtp_stream_get_session (stream), TRUE);
}

static void
run (GstZrtpStream *stream)
{
  struct pollfd fds[2] = {{options.fd, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};

  g_signal_connect (stream, "notify::state", G_CALLBACK (note_role), NULL);
  gst_zrtp_stream_start (stream, now ());
  do {
    send_all (stream);
    verify_once (stream);
    if (poll (fds, 2, milliseconds_left (stream)) < 0)
      continue;
    if (fds[0].revents)
      receive (stream);
    gst_zrtp_stream_handle_timeout (stream, now ());
  } while (!fds[1].revents);
  gst_zrtp_stream_stop (stream);
}

static void
talk (GstZrtpCache *cache)
{
  GstZrtpSession *session = gst_zrtp_session_new ();
  GstZrtpStream *stream;

  g_object_set (session, "cache", cache, "allow-preshared", options.allow_preshared, "local-uri",
      "sip:us@example.org", "peer-uri", "sip:them@example.org", "peer-name", options.name, NULL);
  g_signal_connect (session, "secure", G_CALLBACK (on_secure), NULL);
  g_signal_connect (session, "warning", G_CALLBACK (on_warning), NULL);
  g_signal_connect (session, "failed", G_CALLBACK (on_failed), NULL);
  stream = gst_zrtp_session_get_stream (session, "0");
  run (stream);
  gst_object_unref (stream);
  gst_object_unref (session);
}

static gpointer
die_later (gpointer user)
{
  g_usleep ((gulong) options.kill_after);
  kill (getpid (), SIGKILL);
  return NULL;
}

int
main (int argc, char **argv)
{
  GOptionContext *context = g_option_context_new ("- an end that may be killed");
  GstZrtpCache *cache;
  GError *error = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  if (!g_option_context_parse (context, &argc, &argv, &error) || !options.cache) {
    g_printerr ("end: %s\n", error ? error->message : "--cache is missing");
    return 2;
  }
  g_option_context_free (context);
  if (options.kill_after > 0)
    g_thread_unref (g_thread_new ("death", die_later, NULL));
  cache = open_cache ();
  if (!cache)
    return 1;
  if (!options.open_only)
    talk (cache);
  enter ("close");
  g_object_unref (cache);
  leave (TRUE);
  return 0;
}
