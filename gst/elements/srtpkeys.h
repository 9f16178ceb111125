/* SRTP keys on their way from a ZRTP stream into srtpenc and srtpdec, and nowhere else.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef __GST_ZRTP_SRTPKEYS_H__
#define __GST_ZRTP_SRTPKEYS_H__

#include <gst/gst.h>

G_BEGIN_DECLS

/* What one direction was given; the strings as srtpenc and srtpdec spell them. */
typedef struct {
  const gchar *cipher;
  const gchar *auth;
  GBytes *key; /* master key, then master salt */
} GstZrtpSrtpKeys;

/* From two ZRTP types, such as "AES1" and "HS80"; FALSE when srtpenc cannot do that. Refers to `key`,
 * which the caller keeps. */
gboolean gst_zrtp_srtp_keys_init (
    GstZrtpSrtpKeys *keys, const gchar *cipher, const gchar *auth_tag, GBytes *key);

/* Whether the srtpenc here can run the auth tag type "GCM", with AES1 and AES3. Finds out when it is
 * called for the first time. */
gboolean gst_zrtp_srtp_has_gcm (void);

/* An srtpenc in PAUSED that has already read its key; see there. NULL when that failed. */
GstElement *gst_zrtp_srtpenc_new (const GstZrtpSrtpKeys *keys);

/* The answer to srtpdec's request-key. Its key is wiped when the last reference goes. */
GstCaps *gst_zrtp_srtpdec_caps_new (const GstZrtpSrtpKeys *keys);

G_END_DECLS

#endif
