/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_ZRTP_MESSAGE_H__
#define __GST_ZRTP_MESSAGE_H__

#include <gst/zrtp/zrtp-enums.h>

G_BEGIN_DECLS

GST_ZRTP_API
gboolean gst_zrtp_message_parse_state (GstMessage *message, GstZrtpState *state);

GST_ZRTP_API
gboolean gst_zrtp_message_parse_secure (GstMessage *message, gchar **sas, gchar **sas_type,
    gboolean *sas_verified, gboolean *cache_mismatch);

GST_ZRTP_API
gboolean gst_zrtp_message_parse_secure_peer (
    GstMessage *message, gchar **peer_zid, gchar **peer_name, gchar **peer_uri, gchar **known_as);

GST_ZRTP_API
gboolean gst_zrtp_message_parse_sas_verified (GstMessage *message, gboolean *sas_verified);

GST_ZRTP_API
gboolean gst_zrtp_message_parse_warning (GstMessage *message, GstZrtpWarning *code, gchar **text);

GST_ZRTP_API
gboolean gst_zrtp_message_parse_failed (
    GstMessage *message, guint *code, gchar **text, gboolean *by_peer);

GST_ZRTP_API
gboolean gst_zrtp_message_parse_clear (GstMessage *message, gboolean *by_peer, gboolean *waiting);

GST_ZRTP_API
gboolean gst_zrtp_message_parse_enrollment (
    GstMessage *message, gchar **peer_zid, gchar **peer_name);

GST_ZRTP_API
gboolean gst_zrtp_message_parse_sas_relayed (
    GstMessage *message, gchar **sas, gchar **sas_type, gboolean *relayed);

G_END_DECLS

#endif
