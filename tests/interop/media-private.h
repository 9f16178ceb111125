/* What media.c and media-stream.c share.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef INTEROP_MEDIA_PRIVATE_H
#define INTEROP_MEDIA_PRIVATE_H

#include "tests/interop/media.h"

#include <netinet/in.h>
#include <srtp2/srtp.h>

#define MEDIA_MS(ms) ((guint64) (ms) *1000000)

enum {
  MEDIA_TICK_MS = 2,
  MEDIA_ENOUGH = 50, /* packets that must come through for a good call */
};

typedef enum {
  ROLE_ANY,
  ROLE_INITIATOR,
  ROLE_RESPONDER,
} Role;

/* Defects made on purpose, so that a test can show that it notices them. */
typedef enum {
  FAULT_NONE,
  FAULT_SEND_KEY, /* protect with a key that differs in one bit */
  FAULT_PAYLOAD,  /* payload without the agreed pattern */
} Fault;

/* What a stream does with its RTP. */
typedef enum {
  SENDING_BEFORE_KEYS, /* clear, unless --no-clear */
  SENDING_PROTECTED,
  SENDING_NOTHING, /* on the way to clear mode */
  SENDING_CLEAR,
} Sending;

/* One UDP port. */
typedef struct {
  Media *media;
  guint index;
  gint local_port, remote_port;
  Fault fault;

  int socket; /* -1 = none */
  struct sockaddr_in remote;
  GRand *loss;

  srtp_t out, in; /* NULL before the key is there */
  Sending sending;
  guint16 seq;
  guint32 rtp_time;
  guint64 next_rtp, last_sent, last_heard, secure_at;

  gboolean secure;
  gchar *role, *sas, *sas_type, *key_agreement, *hash, *cipher, *auth_tag;
  GTree *notes; /* name -> value */
  guint sent, decrypted, pattern_ok, rejected, rtcp_decrypted;
  guint early; /* decrypted before the ZRTP library said that the stream is secure */
  guint sent_now, received_now;               /* since the last change of `sending` */
  guint with_this_key;                        /* decrypted */
  guint clear_sent, clear_received;           /* before the keys */
  guint clear_mode_sent, clear_mode_received; /* in clear mode; received: with the right payload */
} MediaStream;

struct Media {
  const MediaZrtp *zrtp;
  gpointer self;
  MediaOptions options;

  gint packets, interval_ms;
  gdouble loss, timeout;
  gint64 seed;
  gboolean no_clear, bridge, signalling;
  guint role; /* Role */

  MediaStream stream[MEDIA_MAX_STREAMS];
  guint64 started, deadline, failed_at;
  gboolean failed;
};

guint64 media_now (void);

gboolean media_stream_open (MediaStream *stream);
void media_stream_close (MediaStream *stream);
void media_stream_receive_all (MediaStream *stream);
void media_stream_send_due (MediaStream *stream, guint64 now);
gboolean media_stream_finished (const MediaStream *stream, guint64 now);
gboolean media_stream_has_wrong_role (const MediaStream *stream);
gboolean media_stream_was_good (const MediaStream *stream);
void media_stream_print (const MediaStream *stream);

#endif
