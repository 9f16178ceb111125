/* One stream of a test peer: a UDP port, RTP and SRTP, losses.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/interop/media-private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  RTP_HEADER = 12,
  PAYLOAD = 160, /* 20 ms of PCMU */
  SENDER_REPORT = 28,
  MAX_DATAGRAM = 4096,
  MAX_MASTER_KEY = 32 + 14,
  PACKETS_PER_RTCP = 25,
  QUIET_MS = 400, /* nothing heard for so long: the other end has finished */
  GRACE_MS = 200, /* let our last packets be heard and answered */
};

/* --- Network --------------------------------------------------------------------------------- */

static gint
compare_names (gconstpointer a, gconstpointer b, gpointer data)
{
  return g_strcmp0 (a, b);
}

static void
set_up (MediaStream *stream)
{
  const guint64 now = media_now ();

  stream->next_rtp = stream->last_heard = now;
  stream->seq = (guint16) g_random_int_range (0, 0x8000); /* no wrap before SRTP starts counting */
  stream->loss =
      g_rand_new_with_seed ((guint32) stream->media->seed + stream->index * (guint32) 0x40000000);
  stream->notes = g_tree_new_full (compare_names, NULL, g_free, g_free);
}

gboolean
media_stream_open (MediaStream *stream)
{
  struct sockaddr_in local = {
      .sin_family = AF_INET,
      .sin_port = htons ((guint16) stream->local_port),
      .sin_addr.s_addr = htonl (INADDR_LOOPBACK),
  };

  set_up (stream);
  stream->remote = local;
  stream->remote.sin_port = htons ((guint16) stream->remote_port);
  stream->socket = socket (AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (stream->socket < 0 || bind (stream->socket, (struct sockaddr *) &local, sizeof local) < 0) {
    media_fail (stream->media, "cannot bind UDP port %d: %s; choose another --local-port",
        stream->local_port, g_strerror (errno));
    return FALSE;
  }
  return TRUE;
}

void
media_stream_close (MediaStream *stream)
{
  if (stream->socket >= 0)
    close (stream->socket);
  g_clear_pointer (&stream->out, srtp_dealloc);
  g_clear_pointer (&stream->in, srtp_dealloc);
  g_clear_pointer (&stream->loss, g_rand_free);
  g_clear_pointer (&stream->notes, g_tree_unref);
  g_free (stream->role);
  g_free (stream->sas);
  g_free (stream->sas_type);
  g_free (stream->key_agreement);
  g_free (stream->hash);
  g_free (stream->cipher);
  g_free (stream->auth_tag);
}

static void
send_datagram (MediaStream *stream, const guint8 *data, gsize size)
{
  if (g_rand_double_range (stream->loss, 0, 100) < stream->media->loss)
    return;
  if (sendto (stream->socket, data, size, 0, (struct sockaddr *) &stream->remote,
          sizeof stream->remote) < 0 &&
      errno != ECONNREFUSED && errno != EAGAIN)
    media_fail (
        stream->media, "cannot send to UDP port %d: %s", stream->remote_port, g_strerror (errno));
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
 * Others (ours) need no HelloACK (RFC 6189 §5.3), then contention decides: see has_wrong_role(). */
static gboolean
held_back (const MediaStream *stream, const guint8 *data, gsize size, Role role)
{
  return stream->media->role == role && is_message (data, size, "HelloACK");
}

static void
trace (const MediaStream *stream, const gchar *arrow, const guint8 *data, gsize size)
{
  if (stream->media->options.verbose)
    g_printerr ("%5.0f ms %u %s %.8s (%" G_GSIZE_FORMAT " octets)\n",
        (double) (media_now () - stream->media->started) / 1e6, stream->index, arrow, data + 16,
        size);
}

void
media_send_zrtp (Media *media, guint index, const guint8 *data, gsize size)
{
  MediaStream *stream = &media->stream[index];

  if (held_back (stream, data, size, ROLE_INITIATOR))
    return;
  trace (stream, "->", data, size);
  send_datagram (stream, data, size);
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
      {"AES1", "GCM", srtp_crypto_policy_set_aes_gcm_128_16_auth},
      {"AES3", "HS32", srtp_crypto_policy_set_aes_cm_256_hmac_sha1_32},
      {"AES3", "HS80", srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80},
      {"AES3", "GCM", srtp_crypto_policy_set_aes_gcm_256_16_auth},
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
set_key (MediaStream *stream, srtp_t *srtp, srtp_ssrc_type_t type, const gchar *cipher,
    const gchar *auth_tag, const guint8 *key_and_salt, gsize size)
{
  guint8 key[MAX_MASTER_KEY] = {0};
  srtp_policy_t policy = {.ssrc.type = type, .key = key, .window_size = 1024};
  srtp_err_status_t status;

  if (*srtp) {
    media_fail (stream->media, "the ZRTP library gave the same key twice");
    return;
  }
  if (!set_policy (&policy.rtp, cipher, auth_tag) || !set_policy (&policy.rtcp, cipher, auth_tag) ||
      size != (gsize) policy.rtp.cipher_key_len || size > sizeof key) {
    media_fail (stream->media,
        "no SRTP for cipher %s, auth tag %s and %" G_GSIZE_FORMAT " octets of key", cipher,
        auth_tag, size);
    return;
  }
  memcpy (key, key_and_salt, size);
  if (type == ssrc_any_outbound && stream->fault == FAULT_SEND_KEY)
    key[0] ^= 1;
  status = srtp_create (srtp, &policy);
  explicit_bzero (key, sizeof key);
  if (status != srtp_err_status_ok)
    media_fail (stream->media, "srtp_create() failed with status %d", status);
}

static void
change_sending (MediaStream *stream, Sending sending)
{
  stream->sending = sending;
  stream->sent_now = stream->received_now = 0;
}

void
media_set_send_key (Media *media, guint index, const gchar *cipher, const gchar *auth_tag,
    const guint8 *key_and_salt, gsize size)
{
  MediaStream *stream = &media->stream[index];

  set_key (stream, &stream->out, ssrc_any_outbound, cipher, auth_tag, key_and_salt, size);
  change_sending (stream, SENDING_PROTECTED);
}

void
media_set_receive_key (Media *media, guint index, const gchar *cipher, const gchar *auth_tag,
    const guint8 *key_and_salt, gsize size)
{
  MediaStream *stream = &media->stream[index];

  set_key (stream, &stream->in, ssrc_any_inbound, cipher, auth_tag, key_and_salt, size);
  stream->with_this_key = 0;
}

void
media_drop_keys (Media *media, guint index)
{
  MediaStream *stream = &media->stream[index];

  g_clear_pointer (&stream->out, srtp_dealloc);
  g_clear_pointer (&stream->in, srtp_dealloc);
  stream->secure = FALSE;
  change_sending (stream, SENDING_NOTHING);
}

void
media_go_clear (Media *media, guint index)
{
  change_sending (&media->stream[index], SENDING_CLEAR);
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

static guint32
ssrc_of (const MediaStream *stream)
{
  return stream->media->options.ssrc[stream->index];
}

/* PCMU (payload type 0); octet i of the payload is seq + i, so the receiver can check each one. */
static gsize
make_rtp (const MediaStream *stream, guint8 *out)
{
  guint8 offset = stream->fault == FAULT_PAYLOAD ? 1 : 0;

  out[0] = 0x80;
  out[1] = 0;
  put_u16 (out + 2, stream->seq);
  put_u32 (out + 4, stream->rtp_time);
  put_u32 (out + 8, ssrc_of (stream));
  for (guint i = 0; i < PAYLOAD; i++)
    out[RTP_HEADER + i] = (stream->seq + i + offset) & 255;
  return RTP_HEADER + PAYLOAD;
}

static gsize
make_sender_report (const MediaStream *stream, guint8 *out)
{
  guint64 us = (guint64) g_get_real_time ();

  out[0] = 0x80;
  out[1] = 200;
  put_u16 (out + 2, SENDER_REPORT / 4 - 1);
  put_u32 (out + 4, ssrc_of (stream));
  put_u32 (out + 8, (guint32) (us / 1000000 + 2208988800u)); /* seconds since 1900 */
  put_u32 (out + 12, (guint32) ((us % 1000000 << 32) / 1000000));
  put_u32 (out + 16, stream->rtp_time);
  put_u32 (out + 20, stream->sent);
  put_u32 (out + 24, stream->sent * PAYLOAD);
  return SENDER_REPORT;
}

static void
send_protected (MediaStream *stream, guint8 *data, gsize size,
    srtp_err_status_t (*protect) (srtp_t srtp, void *data, int *size))
{
  int length = (int) size;
  srtp_err_status_t status = protect (stream->out, data, &length);

  if (status == srtp_err_status_ok)
    send_datagram (stream, data, (gsize) length);
  else
    media_fail (stream->media, "protecting a packet failed with status %d", status);
}

/* `packet` has room for the tag, and for a report. */
static void
send_rtp (MediaStream *stream, guint8 packet[MAX_DATAGRAM], gsize size)
{
  stream->sent_now++;
  if (stream->sending == SENDING_PROTECTED) {
    send_protected (stream, packet, size, srtp_protect);
    if (stream->sent++ % PACKETS_PER_RTCP == 0)
      send_protected (stream, packet, make_sender_report (stream, packet), srtp_protect_rtcp);
  } else if (stream->sending == SENDING_CLEAR) {
    send_datagram (stream, packet, size);
    stream->clear_mode_sent++;
  } else if (stream->sending == SENDING_BEFORE_KEYS && !stream->media->no_clear) {
    send_datagram (stream, packet, size);
    stream->clear_sent++;
  }
}

void
media_stream_send_due (MediaStream *stream, guint64 now)
{
  const Media *media = stream->media;
  guint8 packet[MAX_DATAGRAM];

  if (media->bridge || now < stream->next_rtp || stream->sent >= (guint) media->packets)
    return;
  send_rtp (stream, packet, make_rtp (stream, packet));
  stream->seq++;
  stream->rtp_time += PAYLOAD;
  stream->last_sent = now;
  /* a late packet does not make the next ones late, nor does a stall end in a burst */
  stream->next_rtp =
      MAX (stream->next_rtp, now - MEDIA_MS (2 * MEDIA_TICK_MS)) + MEDIA_MS (media->interval_ms);
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

/* A PBX: what was decrypted on one leg is protected with the keys of the other. */
static void
forward (MediaStream *from, const guint8 *data, gsize size)
{
  MediaStream *to = &from->media->stream[1 - from->index];
  guint8 packet[MAX_DATAGRAM];

  if (to->sending != SENDING_PROTECTED || size > sizeof packet - SRTP_MAX_TRAILER_LEN)
    return;
  memcpy (packet, data, size);
  put_u32 (packet + 8, ssrc_of (to));
  send_rtp (to, packet, size);
  to->last_sent = media_now ();
}

static void
handle_srtp (MediaStream *stream, guint8 *data, gsize size, guint64 now)
{
  const MediaZrtp *zrtp = stream->media->zrtp;
  int length = (int) size;

  if (srtp_unprotect (stream->in, data, &length) != srtp_err_status_ok) {
    /* clear packets may be on their way while the keys are made, but not after protected ones */
    if (stream->with_this_key > 0)
      stream->rejected++;
    return;
  }
  stream->with_this_key++;
  stream->received_now++;
  stream->decrypted++;
  stream->early += !stream->secure;
  if (zrtp->srtp_authenticated)
    zrtp->srtp_authenticated (stream->media->self, stream->index, now);
  if (has_pattern (data, (gsize) length))
    stream->pattern_ok++;
  if (stream->media->bridge)
    forward (stream, data, (gsize) length);
}

static void
handle_rtcp (MediaStream *stream, guint8 *data, gsize size)
{
  int length = (int) size;

  if (srtp_unprotect_rtcp (stream->in, data, &length) == srtp_err_status_ok)
    stream->rtcp_decrypted++;
}

static void
handle_clear (MediaStream *stream, const guint8 *data, gsize size, guint64 now)
{
  const MediaZrtp *zrtp = stream->media->zrtp;

  if (stream->sending == SENDING_CLEAR && !is_rtcp (data, size) && has_pattern (data, size)) {
    stream->received_now++;
    stream->clear_mode_received++;
  } else if (stream->sending == SENDING_BEFORE_KEYS) {
    stream->clear_received++;
  }
  if (zrtp->media_received)
    zrtp->media_received (stream->media->self, stream->index, now);
}

static void
handle_datagram (MediaStream *stream, guint8 *data, gsize size, guint64 now)
{
  const Media *media = stream->media;

  if (is_zrtp (data, size)) {
    if (held_back (stream, data, size, ROLE_RESPONDER))
      return;
    trace (stream, "<-", data, size);
    media->zrtp->handle_packet (media->self, stream->index, data, size, now);
  } else if (size < RTP_HEADER) {
    return;
  } else if (!stream->in) {
    handle_clear (stream, data, size, now);
  } else if (is_rtcp (data, size)) {
    handle_rtcp (stream, data, size);
  } else {
    handle_srtp (stream, data, size, now);
  }
}

void
media_stream_receive_all (MediaStream *stream)
{
  guint8 buffer[MAX_DATAGRAM];
  gssize size;

  while ((size = recv (stream->socket, buffer, sizeof buffer, 0)) > 0) {
    g_autofree guint8 *data = NULL;

    stream->last_heard = media_now ();
    /* the exact size on the heap, so that valgrind sees a parser that reads past the packet */
    data = g_memdup2 (buffer, (gsize) size);
    handle_datagram (stream, data, (gsize) size, stream->last_heard);
  }
}

/* --- What is told ---------------------------------------------------------------------------- */

/* A word pair of B256 is one field of the RESULT line. */
static gchar *
one_word (const gchar *text)
{
  return g_strdelimit (g_strdup (text), " ", ':');
}

static void
set_string (gchar **place, gchar *text)
{
  g_free (*place);
  *place = text;
}

void
media_set_secure (Media *media, guint index, const MediaSecure *secure)
{
  MediaStream *stream = &media->stream[index];

  if (stream->secure) {
    media_fail (media, "the ZRTP library said twice that stream %u is secure", index);
    return;
  }
  stream->secure = TRUE;
  if (!stream->secure_at)
    stream->secure_at = media_now ();
  set_string (&stream->role, g_strdup (secure->role));
  set_string (&stream->sas, one_word (secure->sas));
  set_string (&stream->sas_type, g_strdup (secure->sas_type));
  set_string (&stream->key_agreement, g_strdup (secure->key_agreement));
  set_string (&stream->hash, g_strdup (secure->hash));
  set_string (&stream->cipher, g_strdup (secure->cipher));
  set_string (&stream->auth_tag, g_strdup (secure->auth_tag));
}

void
media_note (Media *media, guint index, const gchar *name, const gchar *format, ...)
{
  va_list args;
  g_autofree gchar *text = NULL;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_tree_replace (media->stream[index].notes, g_strdup (name), one_word (text));
}

void
media_note_secret (Media *media, guint index, const gchar *name, const guint8 *secret, gsize size)
{
  g_autofree gchar *digest = g_compute_checksum_for_data (G_CHECKSUM_SHA256, secret, size);

  media_note (media, index, name, "%.16s", digest);
}

/* --- How it went ----------------------------------------------------------------------------- */

gboolean
media_stream_has_wrong_role (const MediaStream *stream)
{
  static const gchar *const wanted[] = {
      [ROLE_INITIATOR] = "initiator", [ROLE_RESPONDER] = "responder"};
  const guint role = stream->media->role;

  return stream->secure && stream->role && role != ROLE_ANY &&
         !g_str_equal (stream->role, wanted[role]);
}

static gboolean
quiet (const MediaStream *stream, guint64 now)
{
  return now - stream->last_heard > MEDIA_MS (QUIET_MS);
}

gboolean
media_stream_finished (const MediaStream *stream, guint64 now)
{
  const guint packets = (guint) stream->media->packets;

  if (stream->media->bridge)
    return stream->sent >= MEDIA_ENOUGH && quiet (stream, now);
  if (stream->sent < packets || now - stream->last_sent < MEDIA_MS (GRACE_MS))
    return FALSE;
  return stream->decrypted >= packets || quiet (stream, now);
}

gboolean
media_stream_was_good (const MediaStream *stream)
{
  return !stream->media->failed && stream->secure && !media_stream_has_wrong_role (stream) &&
         stream->pattern_ok >= MEDIA_ENOUGH && stream->pattern_ok == stream->decrypted &&
         stream->rejected == 0;
}

static const gchar *
or_dash (const gchar *text)
{
  return text && *text ? text : "-";
}

static gboolean
print_note (gpointer name, gpointer value, gpointer data)
{
  g_print (" %s=%s", (gchar *) name, or_dash (value));
  return FALSE;
}

void
media_stream_print (const MediaStream *stream)
{
  guint64 ms = stream->secure_at ? (stream->secure_at - stream->media->started) / 1000000 : 0;

  g_print ("RESULT stream=%u status=%s secure=%d role=%s sas=%s sas_type=%s ka=%s hash=%s "
           "cipher=%s auth=%s decrypted=%u pattern_ok=%u sent=%u rtcp=%u rejected=%u early=%u "
           "clear_sent=%u clear_received=%u clear_mode_sent=%u clear_mode_received=%u "
           "secure_ms=%" G_GUINT64_FORMAT,
      stream->index, media_stream_was_good (stream) ? "OK" : "FAIL", stream->secure,
      or_dash (stream->role), or_dash (stream->sas), or_dash (stream->sas_type),
      or_dash (stream->key_agreement), or_dash (stream->hash), or_dash (stream->cipher),
      or_dash (stream->auth_tag), stream->decrypted, stream->pattern_ok, stream->sent,
      stream->rtcp_decrypted, stream->rejected, stream->early, stream->clear_sent,
      stream->clear_received, stream->clear_mode_sent, stream->clear_mode_received, ms);
  if (stream->notes)
    g_tree_foreach (stream->notes, print_note, NULL);
  g_print ("\n");
}
