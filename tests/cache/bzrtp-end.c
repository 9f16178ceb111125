/* The other end of a call whose end of ours is killed: libbzrtp with its own SQLite file. It says what end.c says.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include <bzrtp/bzrtp.h>
#include <glib.h>
#include <poll.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  SSRC = 0x62,
  MAX_PACKET = 4096,
  TICK = 10 /* milliseconds */
};

static struct {
  gint fd;
  gchar *cache;
  gboolean verify;
} options = {.fd = -1};

static gboolean secure;

static void tell (const gchar *format, ...) G_GNUC_PRINTF (1, 2);

static void
tell (const gchar *format, ...)
{
  va_list args;
  gchar *text;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_print ("%s\n", text);
  g_free (text);
}

static int
on_send (void *data, const uint8_t *packet, uint16_t size)
{
  return send (options.fd, packet, size, 0) == size ? 0 : 1;
}

static int
on_keys (void *data, const bzrtpSrtpSecrets_t *secrets, uint8_t part)
{
  return 0;
}

static int
on_secure (void *data, const bzrtpSrtpSecrets_t *secrets, int32_t verified)
{
  tell ("secure mode=dh verified=%d mismatch=%d sas=%s", verified != 0, secrets->cacheMismatch != 0,
      secrets->sas);
  secure = TRUE;
  return 0;
}

static void
run (bzrtpContext_t *context)
{
  struct pollfd fds[2] = {{options.fd, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};

  while (!fds[1].revents && poll (fds, 2, TICK) >= 0) {
    uint8_t packet[MAX_PACKET];
    const ssize_t size = recv (options.fd, packet, sizeof packet, MSG_DONTWAIT);

    if (size > 0)
      bzrtp_processMessage (context, SSRC, packet, (uint16_t) size);
    bzrtp_iterate (context, SSRC, (uint64_t) g_get_monotonic_time () / 1000);
    if (secure && options.verify)
      bzrtp_SASVerified (context);
    options.verify = options.verify && !secure;
  }
}

/* The order matters to bzrtp: callbacks, the cache, init, which makes the ZID, then the channel's settings. */
static void
talk (sqlite3 *db)
{
  static const bzrtpCallbacks_t callbacks = {
      .bzrtp_sendData = on_send,
      .bzrtp_srtpSecretsAvailable = on_keys,
      .bzrtp_startSrtpSession = on_secure,
  };
  bzrtpContext_t *context = bzrtp_createBzrtpContext ();

  bzrtp_setCallbacks (context, &callbacks);
  bzrtp_setZIDCache_lock (context, db, "sip:them@example.org", "sip:us@example.org", NULL);
  bzrtp_initBzrtpContext (context, SSRC);
  bzrtp_setClientData (context, SSRC, &options);
  bzrtp_startChannelEngine (context, SSRC);
  run (context);
  bzrtp_destroyBzrtpContext (context, SSRC);
}

int
main (int argc, char **argv)
{
  const GOptionEntry entries[] = {
      {"fd", 0, 0, G_OPTION_ARG_INT, &options.fd, "connected UDP socket", "N"},
      {"cache", 0, 0, G_OPTION_ARG_FILENAME, &options.cache, "SQLite file", "FILE"},
      {"verify", 0, 0, G_OPTION_ARG_NONE, &options.verify, "our user compares the SAS", NULL},
      {NULL},
  };
  GOptionContext *context = g_option_context_new ("- the other end");
  GError *error = NULL;
  sqlite3 *db = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || !options.cache ||
      sqlite3_open (options.cache, &db) != SQLITE_OK) {
    g_printerr ("bzrtp-end: %s\n", error ? error->message : "--cache is missing, or does not open");
    return 2;
  }
  g_option_context_free (context);
  tell ("step open:after");
  talk (db);
  sqlite3_close (db);
  return 0;
}
