/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_ZRTP_RECORD_H__
#define __GST_ZRTP_RECORD_H__

#include <gst/zrtp/zrtp-prelude.h>

G_BEGIN_DECLS

#define GST_TYPE_ZRTP_RECORD (gst_zrtp_record_get_type ())
GST_ZRTP_API
G_DECLARE_FINAL_TYPE (GstZrtpRecord, gst_zrtp_record, GST, ZRTP_RECORD, GObject)

GST_ZRTP_API
GstZrtpRecord *gst_zrtp_record_new (void);

GST_ZRTP_API
GstZrtpRecord *gst_zrtp_record_copy (GstZrtpRecord *record);

/* For those who write a cache. */

GST_ZRTP_API
GBytes *gst_zrtp_record_seal (GstZrtpRecord *record, GBytes *key, GError **error);

GST_ZRTP_API
gboolean gst_zrtp_record_unseal (
    GstZrtpRecord *record, GBytes *key, GBytes *sealed, GError **error);

#define GST_TYPE_ZRTP_CHANGE (gst_zrtp_change_get_type ())
GST_ZRTP_API
G_DECLARE_FINAL_TYPE (GstZrtpChange, gst_zrtp_change, GST, ZRTP_CHANGE, GObject)

GST_ZRTP_API
GList *gst_zrtp_change_apply (GstZrtpChange *change, GList *records);

G_END_DECLS

#endif
