/* zrtpenc: the sending hand of a ZRTP stream.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef __GST_ZRTP_ENC_H__
#define __GST_ZRTP_ENC_H__

#include "gst/elements/zrtpbase.h"

G_BEGIN_DECLS

#define GST_TYPE_ZRTP_ENC (gst_zrtp_enc_get_type ())
G_DECLARE_FINAL_TYPE (GstZrtpEnc, gst_zrtp_enc, GST, ZRTP_ENC, GstZrtpBase)

GST_ELEMENT_REGISTER_DECLARE (zrtpenc);

/* Pushes a ZRTP packet out of the RTP pad, between the media packets. May block; not in a media
 * thread. */
void gst_zrtp_enc_send (GstZrtpEnc *self, GBytes *packet);

/* The peer uses `ssrc` too: whoever makes our media shall take another one (RFC 3550 §8.2), which is
 * learned anew. FALSE when nobody has made any media yet. Not in a media thread. */
gboolean gst_zrtp_enc_report_collision (GstZrtpEnc *self, guint32 ssrc);

/* Waits until each sink behind the RTP pad has got its first packet, if it waits for one, but not for
 * long. To be called while the element goes to PAUSED. */
void gst_zrtp_enc_await_preroll (GstZrtpEnc *self);

G_END_DECLS

#endif
