/* The media half of a test peer: command line, UDP socket, RTP and SRTP, losses, the RESULT line.
 *
 * A program supplies the ZRTP half as a MediaZrtp table and calls media_main(). So two peers built
 * on different ZRTP libraries differ in nothing but the ZRTP.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef INTEROP_MEDIA_H
#define INTEROP_MEDIA_H

#include <glib.h>

typedef struct Media Media;

/* What the command line asks the ZRTP library for. Lists are NULL-terminated; NULL = the library's
 * own default. */
typedef struct {
  gchar **key_agreements, **hashes, **ciphers, **auth_tags, **sas_types;
  guint32 ssrc;
  gboolean verbose;
} MediaOptions;

/* How a negotiation ended, in the RFC's four-letter names. Strings are the caller's. */
typedef struct {
  const gchar *role; /* "initiator" or "responder" */
  const gchar *sas, *sas_type;
  const gchar *key_agreement, *hash, *cipher, *auth_tag;
} MediaSecure;

/* The ZRTP half. Times are monotonic nanoseconds. `self` is what start() returned. */
typedef struct {
  const gchar *library; /* name and version, for --version */
  /* NULL after media_fail(): then nothing else is called */
  gpointer (*start) (Media *media, const MediaOptions *options, guint64 now);
  void (*handle_packet) (gpointer self, guint8 *data, gsize size, guint64 now);
  void (*tick) (gpointer self, guint64 now); /* every few milliseconds */
  /* a clear RTP packet came; the first SRTP packet with a good tag came; NULL = not interested */
  void (*media_received) (gpointer self, guint64 now);
  void (*srtp_authenticated) (gpointer self, guint64 now);
  void (*stop) (gpointer self);
} MediaZrtp;

int media_main (int argc, char **argv, const MediaZrtp *zrtp);

/* For the ZRTP half. A key is the SRTP master key followed by the 14 octets of salt; it is copied. */
void media_send_zrtp (Media *media, const guint8 *data, gsize size);
void media_set_send_key (Media *media, const gchar *cipher, const gchar *auth_tag,
    const guint8 *key_and_salt, gsize size);
void media_set_receive_key (Media *media, const gchar *cipher, const gchar *auth_tag,
    const guint8 *key_and_salt, gsize size);
void media_set_secure (Media *media, const MediaSecure *secure);
void media_fail (Media *media, const gchar *format, ...) G_GNUC_PRINTF (2, 3);

#endif
