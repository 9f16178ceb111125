/* The media half of a test peer: command line, UDP socket, RTP and SRTP, losses, the RESULT line.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/interop/media.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <srtp2/srtp.h>

enum {
  EXIT_WRONG_ROLE = 3, /* nothing is wrong but the dice of contention (§4.2): try again */
  RTP_HEADER = 12,
  PAYLOAD = 160, /* 20 ms of PCMU */
  SENDER_REPORT = 28,
  MAX_DATAGRAM = 4096,
  MAX_MASTER_KEY = 32 + 14,
  ENOUGH = 50, /* packets that must come through for a good call */
  PACKETS_PER_RTCP = 25,
  TICK_MS = 2,
  QUIET_MS = 400,          /* nothing heard for so long: the other end has finished */
  GRACE_MS = 200,          /* let our last packets be heard and answered */
  AFTER_FAILURE_MS = 1000, /* let an Error and its ErrorACK pass */
};

typedef enum {
  ROLE_ANY,
  ROLE_INITIATOR,
  ROLE_RESPONDER,
} Role;

static const gchar *const role_names[] = {"any", "initiator", "responder", NULL};

/* Defects made on purpose, so that a test can show that it notices them. */
typedef enum {
  FAULT_NONE,
  FAULT_SEND_KEY, /* protect with a key that differs in one bit */
  FAULT_PAYLOAD,  /* payload without the agreed pattern */
} Fault;

struct Media {
  const MediaZrtp *zrtp;
  gpointer self;
  MediaOptions options;

  gint local_port, remote_port, packets, interval_ms;
  gdouble loss, timeout;
  gint64 seed;
  gboolean no_clear;
  guint role;  /* Role */
  guint fault; /* Fault */

  int socket;
  struct sockaddr_in remote;
  GRand *send_loss, *receive_loss;

  srtp_t out, in; /* NULL before the key is there */
  guint16 seq;
  guint32 rtp_time;
  guint64 next_rtp, deadline, last_sent, last_heard, failed_at, started, secure_at;

  gboolean secure, failed;
  gchar *role_name, *sas, *sas_type, *key_agreement, *hash, *cipher, *auth_tag;
  guint clear_sent, sent, clear_received, decrypted, pattern_ok, rejected, rtcp_decrypted;
};

#define MS(ms) ((guint64) (ms) *1000000)

static guint64
now_ns (void)
{
  return (guint64) g_get_monotonic_time () * 1000;
}

/* --- Command line ---------------------------------------------------------------------------- */

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
  return parse_word (word, role_names, &media->role, error);
}

static gboolean
parse_fault (Media *media, const gchar *word, GError **error)
{
  static const gchar *const names[] = {"none", "send-key", "payload", NULL};

  return parse_word (word, names, &media->fault, error);
}

static gchar **
split (gchar *list)
{
  gchar **items = list ? g_strsplit (list, ",", -1) : NULL;

  g_free (list);
  return items;
}

static gboolean
check_numbers (Media *media, GError **error)
{
  if (media->local_port < 1 || media->local_port > 65535 || media->remote_port < 1 ||
      media->remote_port > 65535) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "--local-port and --remote-port are needed, each from 1 to 65535");
    return FALSE;
  }
  if (media->loss < 0 || media->loss > 100 || media->packets < 0 || media->interval_ms < 1 ||
      media->timeout <= 0) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "--loss is a percentage; --packets, --interval and --timeout are positive numbers");
    return FALSE;
  }
  return TRUE;
}

static gboolean
parse_options (Media *media, int *argc, char ***argv, gboolean *version, GError **error)
{
  g_autofree gchar *role = NULL, *fault = NULL;
  gchar *kas = NULL, *hashes = NULL, *ciphers = NULL, *tags = NULL, *sas = NULL;
  gint64 ssrc = 0;
  const GOptionEntry entries[] = {
      {"local-port", 0, 0, G_OPTION_ARG_INT, &media->local_port, "UDP port to bind", "PORT"},
      {"remote-port", 0, 0, G_OPTION_ARG_INT, &media->remote_port, "UDP port of the other end",
          "PORT"},
      {"key-agreements", 0, 0, G_OPTION_ARG_STRING, &kas, "offer, best first", "X255,DH3k"},
      {"hashes", 0, 0, G_OPTION_ARG_STRING, &hashes, "offer, best first", "S256,S384"},
      {"ciphers", 0, 0, G_OPTION_ARG_STRING, &ciphers, "offer, best first", "AES1,AES3"},
      {"auth-tags", 0, 0, G_OPTION_ARG_STRING, &tags, "offer, best first", "HS80,HS32"},
      {"sas-types", 0, 0, G_OPTION_ARG_STRING, &sas, "offer, best first", "B32,B256"},
      {"role", 0, 0, G_OPTION_ARG_STRING, &role,
          "hold HelloACKs back, and exit with 3 at once when the role is the other all the same",
          "any|initiator|responder"},
      {"ssrc", 0, 0, G_OPTION_ARG_INT64, &ssrc, "our SSRC; 0 = random", "N"},
      {"packets", 0, 0, G_OPTION_ARG_INT, &media->packets, "SRTP packets to send (150)", "N"},
      {"interval", 0, 0, G_OPTION_ARG_INT, &media->interval_ms, "between RTP packets (20)", "MS"},
      {"no-clear", 0, 0, G_OPTION_ARG_NONE, &media->no_clear, "no RTP before the call is secure",
          NULL},
      {"loss", 0, 0, G_OPTION_ARG_DOUBLE, &media->loss,
          "drop datagrams on sending and on receiving", "PERCENT"},
      {"seed", 0, 0, G_OPTION_ARG_INT64, &media->seed, "of the losses (1)", "N"},
      {"timeout", 0, 0, G_OPTION_ARG_DOUBLE, &media->timeout, "give up after (10)", "SECONDS"},
      {"fault", 0, 0, G_OPTION_ARG_STRING, &fault, "make a defect on purpose",
          "none|send-key|payload"},
      {"verbose", 'v', 0, G_OPTION_ARG_NONE, &media->options.verbose, "say what happens", NULL},
      {"version", 0, 0, G_OPTION_ARG_NONE, version, "print the ZRTP library's version", NULL},
      {NULL},
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("- one end of a ZRTP call over UDP");
  gboolean ok;

  g_option_context_add_main_entries (context, entries, NULL);
  ok = g_option_context_parse (context, argc, argv, error);
  media->options.key_agreements = split (kas);
  media->options.hashes = split (hashes);
  media->options.ciphers = split (ciphers);
  media->options.auth_tags = split (tags);
  media->options.sas_types = split (sas);
  media->options.ssrc = ssrc ? (guint32) ssrc : g_random_int ();
  if (!ok || *version)
    return ok;
  return parse_role (media, role, error) && parse_fault (media, fault, error) &&
         check_numbers (media, error);
}

/* --- Network --------------------------------------------------------------------------------- */

static gboolean
open_socket (Media *media)
{
  struct sockaddr_in local = {
      .sin_family = AF_INET,
      .sin_port = htons ((guint16) media->local_port),
      .sin_addr.s_addr = htonl (INADDR_LOOPBACK),
  };

  media->remote = local;
  media->remote.sin_port = htons ((guint16) media->remote_port);
  media->socket = socket (AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (media->socket < 0 || bind (media->socket, (struct sockaddr *) &local, sizeof local) < 0) {
    media_fail (media, "cannot bind UDP port %d: %s; choose another --local-port",
        media->local_port, g_strerror (errno));
    return FALSE;
  }
  return TRUE;
}

static gboolean
lost (Media *media, GRand *dice)
{
  return g_rand_double_range (dice, 0, 100) < media->loss;
}

static void
send_datagram (Media *media, const guint8 *data, gsize size)
{
  if (lost (media, media->send_loss))
    return;
  if (sendto (media->socket, data, size, 0, (struct sockaddr *) &media->remote,
          sizeof media->remote) < 0 &&
      errno != ECONNREFUSED && errno != EAGAIN)
    media_fail (media, "cannot send to UDP port %d: %s", media->remote_port, g_strerror (errno));
}

/* The packet header's first octet and the magic cookie (RFC 6189 §5). */
static gboolean
is_zrtp (const guint8 *data, gsize size)
{
  return size >= 24 && data[0] >> 4 == 1 && memcmp (data + 4, "ZRTP", 4) == 0;
}

/* The message type follows the 12-octet packet header, the preamble and the length (§5.1). */
static gboolean
is_message (const guint8 *data, gsize size, const gchar *type)
{
  return size >= 24 && memcmp (data + 16, type, 8) == 0;
}

/* Some endpoints (bzrtp) send a Commit only after a HelloACK: without one they are the responder.
 * Others (ours) need no HelloACK (RFC 6189 §5.3), then contention decides: see wrong_role(). */
static gboolean
held_back (Media *media, const guint8 *data, gsize size, Role role)
{
  return media->role == role && is_message (data, size, "HelloACK");
}

static void
trace (Media *media, const gchar *arrow, const guint8 *data, gsize size)
{
  if (media->options.verbose)
    g_printerr ("%5.0f ms %s %.8s (%" G_GSIZE_FORMAT " octets)\n",
        (double) (now_ns () - media->started) / 1e6, arrow, data + 16, size);
}

void
media_send_zrtp (Media *media, const guint8 *data, gsize size)
{
  if (held_back (media, data, size, ROLE_INITIATOR))
    return;
  trace (media, "->", data, size);
  send_datagram (media, data, size);
}

/* --- SRTP ------------------------------------------------------------------------------------ */

static gboolean
set_policy (srtp_crypto_policy_t *policy, const gchar *cipher, const gchar *auth_tag)
{
  static const struct {
    const gchar *cipher, *auth_tag;
    void (*set) (srtp_crypto_policy_t *policy);
  } table[] = {
      {"AES1", "HS32", srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32},
      {"AES1", "HS80", srtp_crypto_policy_set_rtp_default},
      {"AES3", "HS32", srtp_crypto_policy_set_aes_cm_256_hmac_sha1_32},
      {"AES3", "HS80", srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80},
  };

  for (guint i = 0; i < G_N_ELEMENTS (table); i++) {
    if (g_strcmp0 (cipher, table[i].cipher) == 0 && g_strcmp0 (auth_tag, table[i].auth_tag) == 0) {
      table[i].set (policy);
      return TRUE;
    }
  }
  return FALSE;
}

/* SRTCP gets the negotiated tag as well, as the ZRTP endpoints in the field have it. */
static void
set_key (Media *media, srtp_t *srtp, srtp_ssrc_type_t type, const gchar *cipher,
    const gchar *auth_tag, const guint8 *key_and_salt, gsize size)
{
  guint8 key[MAX_MASTER_KEY] = {0};
  srtp_policy_t policy = {.ssrc.type = type, .key = key, .window_size = 1024};
  srtp_err_status_t status;

  if (*srtp) {
    media_fail (media, "the ZRTP library gave the same key twice");
    return;
  }
  if (!set_policy (&policy.rtp, cipher, auth_tag) || !set_policy (&policy.rtcp, cipher, auth_tag) ||
      size != (gsize) policy.rtp.cipher_key_len || size > sizeof key) {
    media_fail (media, "no SRTP for cipher %s, auth tag %s and %" G_GSIZE_FORMAT " octets of key",
        cipher, auth_tag, size);
    return;
  }
  memcpy (key, key_and_salt, size);
  if (type == ssrc_any_outbound && media->fault == FAULT_SEND_KEY)
    key[0] ^= 1;
  status = srtp_create (srtp, &policy);
  explicit_bzero (key, sizeof key);
  if (status != srtp_err_status_ok)
    media_fail (media, "srtp_create() failed with status %d", status);
}

void
media_set_send_key (Media *media, const gchar *cipher, const gchar *auth_tag,
    const guint8 *key_and_salt, gsize size)
{
  set_key (media, &media->out, ssrc_any_outbound, cipher, auth_tag, key_and_salt, size);
}

void
media_set_receive_key (Media *media, const gchar *cipher, const gchar *auth_tag,
    const guint8 *key_and_salt, gsize size)
{
  set_key (media, &media->in, ssrc_any_inbound, cipher, auth_tag, key_and_salt, size);
}

/* --- Media out ------------------------------------------------------------------------------- */

static void
put_u16 (guint8 *out, guint16 value)
{
  out[0] = value >> 8;
  out[1] = value & 255;
}

static void
put_u32 (guint8 *out, guint32 value)
{
  put_u16 (out, value >> 16);
  put_u16 (out + 2, value & 0xffff);
}

/* PCMU (payload type 0); octet i of the payload is seq + i, so the receiver can check each one. */
static gsize
make_rtp (Media *media, guint8 *out)
{
  guint8 offset = media->fault == FAULT_PAYLOAD ? 1 : 0;

  out[0] = 0x80;
  out[1] = 0;
  put_u16 (out + 2, media->seq);
  put_u32 (out + 4, media->rtp_time);
  put_u32 (out + 8, media->options.ssrc);
  for (guint i = 0; i < PAYLOAD; i++)
    out[RTP_HEADER + i] = (media->seq + i + offset) & 255;
  return RTP_HEADER + PAYLOAD;
}

static gsize
make_sender_report (Media *media, guint8 *out)
{
  guint64 us = (guint64) g_get_real_time ();

  out[0] = 0x80;
  out[1] = 200;
  put_u16 (out + 2, SENDER_REPORT / 4 - 1);
  put_u32 (out + 4, media->options.ssrc);
  put_u32 (out + 8, (guint32) (us / 1000000 + 2208988800u)); /* seconds since 1900 */
  put_u32 (out + 12, (guint32) ((us % 1000000 << 32) / 1000000));
  put_u32 (out + 16, media->rtp_time);
  put_u32 (out + 20, media->sent);
  put_u32 (out + 24, media->sent * PAYLOAD);
  return SENDER_REPORT;
}

static void
send_protected (Media *media, guint8 *data, gsize size,
    srtp_err_status_t (*protect) (srtp_t srtp, void *data, int *size))
{
  int length = (int) size;
  srtp_err_status_t status = protect (media->out, data, &length);

  if (status == srtp_err_status_ok)
    send_datagram (media, data, (gsize) length);
  else
    media_fail (media, "protecting a packet failed with status %d", status);
}

static void
send_media (Media *media, guint64 now)
{
  guint8 packet[MAX_DATAGRAM];
  gsize size = make_rtp (media, packet);

  if (media->out) {
    send_protected (media, packet, size, srtp_protect);
    if (media->sent++ % PACKETS_PER_RTCP == 0)
      send_protected (media, packet, make_sender_report (media, packet), srtp_protect_rtcp);
  } else if (!media->no_clear) {
    send_datagram (media, packet, size);
    media->clear_sent++;
  }
  media->seq++;
  media->rtp_time += PAYLOAD;
  media->last_sent = now;
}

/* --- Media in -------------------------------------------------------------------------------- */

/* RTP and RTCP share the port (RFC 5761 §4). */
static gboolean
is_rtcp (const guint8 *data, gsize size)
{
  return size >= 8 && data[1] >= 192 && data[1] <= 223;
}

static gboolean
has_pattern (const guint8 *data, gsize size)
{
  guint16 seq = (guint16) (data[2] << 8 | data[3]);

  if (size != RTP_HEADER + PAYLOAD)
    return FALSE;
  for (guint i = 0; i < PAYLOAD; i++) {
    if (data[RTP_HEADER + i] != ((seq + i) & 255))
      return FALSE;
  }
  return TRUE;
}

static void
handle_srtp (Media *media, guint8 *data, gsize size, guint64 now)
{
  int length = (int) size;

  if (srtp_unprotect (media->in, data, &length) != srtp_err_status_ok) {
    /* clear packets may be on their way while the keys are made, but not after protected ones */
    if (media->decrypted > 0)
      media->rejected++;
    return;
  }
  if (media->decrypted++ == 0 && media->zrtp->srtp_authenticated)
    media->zrtp->srtp_authenticated (media->self, now);
  if (has_pattern (data, (gsize) length))
    media->pattern_ok++;
}

static void
handle_rtcp (Media *media, guint8 *data, gsize size)
{
  int length = (int) size;

  if (srtp_unprotect_rtcp (media->in, data, &length) == srtp_err_status_ok)
    media->rtcp_decrypted++;
}

static void
handle_datagram (Media *media, guint8 *data, gsize size, guint64 now)
{
  if (is_zrtp (data, size)) {
    if (held_back (media, data, size, ROLE_RESPONDER))
      return;
    trace (media, "<-", data, size);
    media->zrtp->handle_packet (media->self, data, size, now);
  } else if (size < RTP_HEADER) {
    return;
  } else if (!media->in) {
    media->clear_received++;
    if (media->zrtp->media_received)
      media->zrtp->media_received (media->self, now);
  } else if (is_rtcp (data, size)) {
    handle_rtcp (media, data, size);
  } else {
    handle_srtp (media, data, size, now);
  }
}

static void
receive_all (Media *media)
{
  guint8 buffer[MAX_DATAGRAM];
  gssize size;

  while ((size = recv (media->socket, buffer, sizeof buffer, 0)) > 0) {
    g_autofree guint8 *data = NULL;

    if (lost (media, media->receive_loss))
      continue;
    media->last_heard = now_ns ();
    /* the exact size on the heap, so that valgrind sees a parser that reads past the packet */
    data = g_memdup2 (buffer, (gsize) size);
    handle_datagram (media, data, (gsize) size, now_ns ());
  }
}

/* --- The call -------------------------------------------------------------------------------- */

/* A word pair of B256 is one field of the RESULT line. */
static gchar *
one_word (const gchar *text)
{
  return g_strdelimit (g_strdup (text), " ", ':');
}

void
media_set_secure (Media *media, const MediaSecure *secure)
{
  if (media->secure) {
    media_fail (media, "the ZRTP library said twice that the call is secure");
    return;
  }
  media->secure = TRUE;
  media->secure_at = now_ns ();
  media->role_name = g_strdup (secure->role);
  media->sas = one_word (secure->sas);
  media->sas_type = g_strdup (secure->sas_type);
  media->key_agreement = g_strdup (secure->key_agreement);
  media->hash = g_strdup (secure->hash);
  media->cipher = g_strdup (secure->cipher);
  media->auth_tag = g_strdup (secure->auth_tag);
}

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
    media->failed_at = now_ns ();
  media->failed = TRUE;
}

static gboolean
wrong_role (const Media *media)
{
  return media->secure && media->role != ROLE_ANY &&
         g_strcmp0 (media->role_name, role_names[media->role]) != 0;
}

static gboolean
finished (Media *media, guint64 now)
{
  if (now >= media->deadline || wrong_role (media))
    return TRUE;
  if (media->failed)
    return now - media->failed_at > MS (AFTER_FAILURE_MS);
  if (media->sent < (guint) media->packets || now - media->last_sent < MS (GRACE_MS))
    return FALSE;
  return media->decrypted >= (guint) media->packets || now - media->last_heard > MS (QUIET_MS);
}

static void
run (Media *media)
{
  guint64 now = media->started;

  while (!finished (media, now)) {
    struct pollfd fd = {.fd = media->socket, .events = POLLIN};

    media->zrtp->tick (media->self, now);
    if (now >= media->next_rtp && media->sent < (guint) media->packets) {
      send_media (media, now);
      /* a late packet does not make the next ones late, nor does a stall end in a burst */
      media->next_rtp = MAX (media->next_rtp, now - MS (2 * TICK_MS)) + MS (media->interval_ms);
    }
    if (poll (&fd, 1, TICK_MS) > 0)
      receive_all (media);
    now = now_ns ();
  }
}

static gboolean
call_was_good (const Media *media)
{
  return !media->failed && media->secure && !wrong_role (media) && media->pattern_ok >= ENOUGH &&
         media->pattern_ok == media->decrypted && media->rejected == 0;
}

static const gchar *
or_dash (const gchar *text)
{
  return text && *text ? text : "-";
}

static void
print_result (const Media *media)
{
  guint64 ms = media->secure ? (media->secure_at - media->started) / 1000000 : 0;

  g_print ("RESULT status=%s secure=%d role=%s sas=%s sas_type=%s ka=%s hash=%s cipher=%s auth=%s "
           "decrypted=%u pattern_ok=%u sent=%u rtcp=%u rejected=%u clear_sent=%u "
           "clear_received=%u secure_ms=%" G_GUINT64_FORMAT "\n",
      call_was_good (media) ? "OK" : "FAIL", media->secure, or_dash (media->role_name),
      or_dash (media->sas), or_dash (media->sas_type), or_dash (media->key_agreement),
      or_dash (media->hash), or_dash (media->cipher), or_dash (media->auth_tag), media->decrypted,
      media->pattern_ok, media->sent, media->rtcp_decrypted, media->rejected, media->clear_sent,
      media->clear_received, ms);
}

static void
call (Media *media)
{
  media->started = media->next_rtp = media->last_heard = now_ns ();
  media->deadline = media->started + (guint64) (media->timeout * 1e9);
  media->send_loss = g_rand_new_with_seed ((guint32) media->seed);
  media->receive_loss = g_rand_new_with_seed ((guint32) media->seed + 0x80000000);
  media->seq = (guint16) g_random_int_range (0, 0x8000); /* no wrap before SRTP starts counting */
  if (!open_socket (media))
    return;
  media->self = media->zrtp->start (media, &media->options, media->started);
  if (!media->self)
    return;
  run (media);
  media->zrtp->stop (media->self);
  g_clear_pointer (&media->out, srtp_dealloc);
  g_clear_pointer (&media->in, srtp_dealloc);
}

static void
clear (Media *media)
{
  if (media->socket >= 0)
    close (media->socket);
  g_clear_pointer (&media->send_loss, g_rand_free);
  g_clear_pointer (&media->receive_loss, g_rand_free);
  g_strfreev (media->options.key_agreements);
  g_strfreev (media->options.hashes);
  g_strfreev (media->options.ciphers);
  g_strfreev (media->options.auth_tags);
  g_strfreev (media->options.sas_types);
  g_free (media->role_name);
  g_free (media->sas);
  g_free (media->sas_type);
  g_free (media->key_agreement);
  g_free (media->hash);
  g_free (media->cipher);
  g_free (media->auth_tag);
}

int
media_main (int argc, char **argv, const MediaZrtp *zrtp)
{
  Media media = {
      .zrtp = zrtp, .socket = -1, .packets = 150, .interval_ms = 20, .timeout = 10, .seed = 1};
  g_autoptr (GError) error = NULL;
  gboolean version = FALSE;
  int code = EXIT_FAILURE;

  if (!parse_options (&media, &argc, &argv, &version, &error)) {
    g_printerr ("%s\n", error->message);
  } else if (version) {
    g_print ("%s\n", zrtp->library);
    code = EXIT_SUCCESS;
  } else if (srtp_init () != srtp_err_status_ok) {
    g_printerr ("libsrtp2 does not start\n");
  } else {
    call (&media);
    print_result (&media);
    code = wrong_role (&media) ? EXIT_WRONG_ROLE : call_was_good (&media) ? EXIT_SUCCESS : code;
    srtp_shutdown ();
  }
  clear (&media);
  return code;
}
