/* zrtpdec: the receiving hand of a ZRTP stream.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef __GST_ZRTP_DEC_H__
#define __GST_ZRTP_DEC_H__

#include "gst/elements/zrtpbase.h"

G_BEGIN_DECLS

#define GST_TYPE_ZRTP_DEC (gst_zrtp_dec_get_type ())
G_DECLARE_FINAL_TYPE (GstZrtpDec, gst_zrtp_dec, GST, ZRTP_DEC, GstZrtpBase)

GST_ELEMENT_REGISTER_DECLARE (zrtpdec);

/* A negotiation begins: the connection is to be told of the first media packet that is not ours to
 * decrypt. */
void gst_zrtp_dec_await_media (GstZrtpDec *self);
/* The connection is to be told of the next packet that is authenticated. */
void gst_zrtp_dec_await_authenticated (GstZrtpDec *self);

G_END_DECLS

#endif
