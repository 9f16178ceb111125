/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_ZRTP_SESSION_H__
#define __GST_ZRTP_SESSION_H__

#include <gst/zrtp/stream.h>

G_BEGIN_DECLS

#define GST_TYPE_ZRTP_SESSION (gst_zrtp_session_get_type ())
GST_ZRTP_API
G_DECLARE_FINAL_TYPE (GstZrtpSession, gst_zrtp_session, GST, ZRTP_SESSION, GstObject)

GST_ZRTP_API
GstZrtpSession *gst_zrtp_session_new (void);

GST_ZRTP_API
gboolean gst_zrtp_session_check (GstZrtpSession *session, GError **error);

GST_ZRTP_API
GstZrtpStream *gst_zrtp_session_get_stream (GstZrtpSession *session, const gchar *connection_id);

GST_ZRTP_API
void gst_zrtp_session_verify_sas (GstZrtpSession *session, gboolean matches);

GST_ZRTP_API
GBytes *gst_zrtp_session_get_sas_hash (GstZrtpSession *session);

GST_ZRTP_API
GBytes *gst_zrtp_session_export_key (
    GstZrtpSession *session, const gchar *label, gsize length, GError **error);

GST_ZRTP_API
gboolean gst_zrtp_session_set_sdes_keys (
    GstZrtpSession *session, GBytes *local, GBytes *remote, GError **error);

GST_ZRTP_API
gboolean gst_zrtp_session_go_clear (GstZrtpSession *session, GError **error);

GST_ZRTP_API
gboolean gst_zrtp_session_accept_clear (GstZrtpSession *session, gboolean accept, GError **error);

GST_ZRTP_API
gboolean gst_zrtp_session_go_secure (GstZrtpSession *session, GError **error);

GST_ZRTP_API
gboolean gst_zrtp_session_accept_enrollment (
    GstZrtpSession *session, gboolean accept, GError **error);

GST_ZRTP_API
gboolean gst_zrtp_session_relay_sas (
    GstZrtpSession *session, GstZrtpSession *other, GError **error);

G_END_DECLS

#endif
