/* One way through an element: a sink pad, a source pad, and between them nothing, or an srtp element.
 *
 * srtpenc and srtpdec are used as transformers of buffers only. What is not a buffer (events, queries)
 * passes by them, straight from pad to pad; they get a stream-start and a segment of their own, and
 * what they make of those ends at `inner`. So do the buffers, and whoever gave one in takes it from there
 * when the srtp element is done: it is never in use while a sink takes its time.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef __GST_ZRTP_LINK_H__
#define __GST_ZRTP_LINK_H__

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct {
  gboolean is_rtcp;
  gboolean is_present; /* its pads are the element's */
  GstPad *sink, *src;  /* referenced, so that a late query still finds the other one */
  GstPad *inner;       /* sink pad behind the srtp element's source pad */
  GstPad *child;       /* atomic: the srtp element's sink pad, NULL while there is none */
  GstCaps *caps;       /* what upstream said; under the stream lock of `sink` */
} GstZrtpLink;

typedef struct {
  GstPadChainFunction chain; /* of the sink pad */
  GstPadChainListFunction chain_list;
  GstPadEventFunction event;
  GstPadQueryFunction query; /* of the sink pad; NULL = gst_zrtp_link_query() */
} GstZrtpLinkFuncs;

/* Makes the pads. The link can be had from each with gst_pad_get_element_private(). */
void gst_zrtp_link_init (GstZrtpLink *link, gboolean is_rtcp, GstPadTemplate *sink_template,
    const gchar *sink_name, GstPadTemplate *src_template, const gchar *src_name,
    const GstZrtpLinkFuncs *funcs);
void gst_zrtp_link_clear (GstZrtpLink *link);

/* Puts an srtp element in between; takes the reference of the pads. */
void gst_zrtp_link_insert (GstZrtpLink *link, GstPad *child_sink, GstPad *child_src);
/* Takes it out again; the sink pad, still with its reference, or NULL. No buffer may be on its way:
 * the caller holds the stream lock of `sink`, or the pads are not active. */
GstPad *gst_zrtp_link_take_out (GstZrtpLink *link);

/* What an srtp element made of a packet, or of a list of packets. */
typedef struct {
  gpointer packet;   /* NULL: it took it for bad */
  GstZrtpLink *link; /* where it came out: RTCP may come in with RTP */
} GstZrtpOutput;

/* What came out while this thread was inside an srtp element. */
extern _Thread_local gpointer gst_zrtp_came_out __attribute__ ((tls_model ("initial-exec")));
extern _Thread_local GstZrtpLink *gst_zrtp_came_out_at __attribute__ ((tls_model ("initial-exec")));

/* Has the srtp element behind `child` protect or unprotect a packet or a list, which it takes. What it
 * says itself is of interest only when nothing came out. The caller has the stream lock of the link's
 * sink pad.
 *
 * Not with gst_pad_chain(), which would lock and check once more, for every packet, what is locked and
 * checked already: this thread has that lock, and the pad is stopped before the srtp element is. */
static inline GstZrtpOutput
gst_zrtp_link_transform (GstPad *child, gpointer packet, gboolean is_list, GstFlowReturn *result)
{
  GstObject *srtp = GST_OBJECT_PARENT (child);
  GstZrtpOutput output;

  *result = is_list ? GST_PAD_CHAINLISTFUNC (child) (child, srtp, packet)
                    : GST_PAD_CHAINFUNC (child) (child, srtp, packet);
  output = (GstZrtpOutput){gst_zrtp_came_out, gst_zrtp_came_out_at};
  gst_zrtp_came_out = NULL;
  return output;
}

/* Stops the flow of media; by when this returns, no packet is inside. */
void gst_zrtp_link_stop (GstZrtpLink *link);

/* To be called before a buffer of ours: whoever comes first says what the stream is. The caller holds
 * the stream lock of `sink`. */
void gst_zrtp_link_begin (GstZrtpLink *link, const gchar *media_type);
void gst_zrtp_link_push_caps (GstZrtpLink *link, const gchar *media_type);

gboolean gst_zrtp_link_query (GstPad *pad, GstObject *parent, GstQuery *query);
/* What the other side of the element can do, in the words of the side of `pad`. */
GstCaps *gst_zrtp_link_query_caps (GstPad *pad, GstCaps *filter);
/* Takes the caps. */
void gst_zrtp_link_answer_caps (GstQuery *query, GstCaps *caps);

G_END_DECLS

#endif
