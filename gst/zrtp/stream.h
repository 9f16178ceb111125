/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_ZRTP_STREAM_H__
#define __GST_ZRTP_STREAM_H__

#include <gst/zrtp/zrtp-enums.h>

G_BEGIN_DECLS

#define GST_TYPE_ZRTP_STREAM (gst_zrtp_stream_get_type ())
GST_ZRTP_API
G_DECLARE_FINAL_TYPE (GstZrtpStream, gst_zrtp_stream, GST, ZRTP_STREAM, GstObject)

typedef struct _GstZrtpSession GstZrtpSession;

GST_ZRTP_API
const gchar *gst_zrtp_stream_get_connection_id (GstZrtpStream *stream);

GST_ZRTP_API
GstZrtpSession *gst_zrtp_stream_get_session (GstZrtpStream *stream);

GST_ZRTP_API
gboolean gst_zrtp_stream_check (GstZrtpStream *stream, GError **error);

GST_ZRTP_API
void gst_zrtp_stream_start (GstZrtpStream *stream, guint64 now);

GST_ZRTP_API
void gst_zrtp_stream_stop (GstZrtpStream *stream);

GST_ZRTP_API
void gst_zrtp_stream_retry (GstZrtpStream *stream, guint64 now);

GST_ZRTP_API
gboolean gst_zrtp_stream_handle_packet (
    GstZrtpStream *stream, const guint8 *data, gsize size, guint64 now);

GST_ZRTP_API
void gst_zrtp_stream_handle_timeout (GstZrtpStream *stream, guint64 now);

GST_ZRTP_API
guint64 gst_zrtp_stream_get_next_timeout (GstZrtpStream *stream);

GST_ZRTP_API
GBytes *gst_zrtp_stream_poll_packet (GstZrtpStream *stream);

GST_ZRTP_API
void gst_zrtp_stream_srtp_authenticated (GstZrtpStream *stream, guint64 now);

GST_ZRTP_API
void gst_zrtp_stream_media_received (GstZrtpStream *stream, guint64 now);

GST_ZRTP_API
GBytes *gst_zrtp_stream_take_send_key (GstZrtpStream *stream);

GST_ZRTP_API
GBytes *gst_zrtp_stream_take_receive_key (GstZrtpStream *stream);

GST_ZRTP_API
void gst_zrtp_stream_ping (GstZrtpStream *stream, guint64 now);

GST_ZRTP_API
gchar **gst_zrtp_stream_get_hello_hashes (GstZrtpStream *stream);

GST_ZRTP_API
GstZrtpState gst_zrtp_stream_get_state (GstZrtpStream *stream);

GST_ZRTP_API
gboolean gst_zrtp_packet_is_zrtp (const guint8 *data, gsize size);

G_END_DECLS

#endif
