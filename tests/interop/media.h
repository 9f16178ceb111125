/* The media half of a test peer: command line, UDP sockets, RTP and SRTP, losses, the RESULT lines.
 *
 * A program supplies the ZRTP half as a MediaZrtp table and calls media_main(). So two peers built
 * on different ZRTP libraries differ in nothing but the ZRTP.
 *
 * A call has one stream or several, each on a UDP port of its own. With --script a process makes one
 * call after the other: it prints READY, then each line of the standard input is the command line of a
 * call. For each call it prints a RESULT line a stream and then END with the exit code.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef INTEROP_MEDIA_H
#define INTEROP_MEDIA_H

#include <glib.h>

typedef struct Media Media;

enum {
  MEDIA_MAX_STREAMS = 4
};

/* What the command line asks the ZRTP library for. Lists are NULL-terminated; NULL = the library's
 * own default. */
typedef struct {
  gchar **key_agreements, **hashes, **ciphers, **auth_tags, **sas_types;
  guint n_streams;
  guint32 ssrc[MEDIA_MAX_STREAMS];
  gboolean verbose;
} MediaOptions;

/* How a negotiation ended, in the RFC's four-letter names. Strings are the caller's. */
typedef struct {
  const gchar *role; /* "initiator" or "responder" */
  const gchar *sas, *sas_type;
  const gchar *key_agreement, *hash, *cipher, *auth_tag;
} MediaSecure;

/* The ZRTP half. Times are monotonic nanoseconds. `self` is what open() returned; streams are counted
 * from 0. */
typedef struct {
  const gchar *library; /* name and version, for --version */
  /* more of the command line, into variables that reset() gives their defaults before each call */
  const GOptionEntry *entries;
  void (*reset) (void);
  /* everything up to the first packet; NULL after media_fail(): then nothing else is called */
  gpointer (*open) (Media *media, const MediaOptions *options);
  void (*start) (gpointer self, guint64 now);
  /* the value of an a=zrtp-hash attribute (RFC 6189 §8.1), between open() and start(); ours is the
   * caller's to free */
  gchar *(*get_hello_hash) (gpointer self, guint stream);
  void (*set_peer_hello_hash) (gpointer self, guint stream, const gchar *value);
  void (*handle_packet) (gpointer self, guint stream, guint8 *data, gsize size, guint64 now);
  void (*tick) (gpointer self, guint64 now); /* every few milliseconds */
  /* a clear RTP packet came; an SRTP packet with a good tag came; NULL = not interested */
  void (*media_received) (gpointer self, guint stream, guint64 now);
  void (*srtp_authenticated) (gpointer self, guint stream, guint64 now);
  void (*stop) (gpointer self); /* the last media_note() for this call is possible here */
} MediaZrtp;

int media_main (int argc, char **argv, const MediaZrtp *zrtp);

/* For the ZRTP half. A key is the SRTP master key followed by the salt; it is copied. */
void media_send_zrtp (Media *media, guint stream, const guint8 *data, gsize size);
void media_set_send_key (Media *media, guint stream, const gchar *cipher, const gchar *auth_tag,
    const guint8 *key_and_salt, gsize size);
void media_set_receive_key (Media *media, guint stream, const gchar *cipher, const gchar *auth_tag,
    const guint8 *key_and_salt, gsize size);
void media_set_secure (Media *media, guint stream, const MediaSecure *secure);
/* Clear mode (RFC 6189 §4.7.2): both keys are forgotten and nothing is sent; then RTP is sent. */
void media_drop_keys (Media *media, guint stream);
void media_go_clear (Media *media, guint stream);
/* What arrives at one of the two streams leaves on the other, and nothing else does. */
void media_bridge (Media *media);
/* How many packets the stream sent or received since it was last secure or clear. */
guint media_sent (Media *media, guint stream);
guint media_received (Media *media, guint stream);
/* One more field of the RESULT line; it takes the place of one with the same name. */
void media_note (Media *media, guint stream, const gchar *name, const gchar *format, ...)
    G_GNUC_PRINTF (4, 5);
/* A note that shows which secret it is, and not the secret. */
void media_note_secret (
    Media *media, guint stream, const gchar *name, const guint8 *secret, gsize size);
void media_fail (Media *media, const gchar *format, ...) G_GNUC_PRINTF (2, 3);

#endif
