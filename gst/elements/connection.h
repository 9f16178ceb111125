/* What one zrtpenc and one zrtpdec share: the stream, and the actor that drives it.
 *
 * The actor is a task on the runner's pool, queued at most once. It alone feeds the stream and polls
 * it, so what happens in a stream happens in order, and never in a media thread or the clock's.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef __GST_ZRTP_CONNECTION_H__
#define __GST_ZRTP_CONNECTION_H__

#include "gst/elements/zrtpbase.h"

G_BEGIN_DECLS

#define GST_TYPE_ZRTP_CONNECTION (gst_zrtp_connection_get_type ())
G_DECLARE_FINAL_TYPE (GstZrtpConnection, gst_zrtp_connection, GST, ZRTP_CONNECTION, GstObject)

enum {
  GST_ZRTP_MAX_PACKET = 2136, /* with header and CRC; a Confirm with the longest signature, §5.7 */
  GST_ZRTP_MAX_INBOX = 64,
};

/* The connection of this id, made when nobody was there before. `session_id` and `session` may be
 * NULL: no wish. Transfer full; NULL and a GError in the domain of elements on a clash. */
GstZrtpConnection *gst_zrtp_connection_attach (GstZrtpBase *base, const gchar *id,
    const gchar *session_id, GstZrtpSession *session, GError **error);
void gst_zrtp_connection_detach (GstZrtpConnection *self, GstZrtpBase *base);

/* The element reached PAUSED. */
void gst_zrtp_connection_start (GstZrtpConnection *self, GstZrtpBase *base);
/* The element is about to leave PAUSED, and has left it. */
void gst_zrtp_connection_begin_stop (GstZrtpConnection *self, GstZrtpBase *base);
void gst_zrtp_connection_finish_stop (GstZrtpConnection *self, GstZrtpBase *base);

/* From streaming threads: leave a note for the actor. FALSE when its inbox is full. */
gboolean gst_zrtp_connection_receive (GstZrtpConnection *self, GstBuffer *packet);
void gst_zrtp_connection_srtp_authenticated (GstZrtpConnection *self);
void gst_zrtp_connection_media_received (GstZrtpConnection *self);
void gst_zrtp_connection_set_ssrc (GstZrtpConnection *self, guint32 ssrc);

/* Not referenced: they live as long as the connection. */
GstZrtpSession *gst_zrtp_connection_get_session (GstZrtpConnection *self);
GstZrtpStream *gst_zrtp_connection_get_stream (GstZrtpConnection *self);
GstStructure *gst_zrtp_connection_get_stats (GstZrtpConnection *self);
/* Tells both hands where the stream stands. */
void gst_zrtp_connection_update_hands (GstZrtpConnection *self);

G_END_DECLS

#endif
