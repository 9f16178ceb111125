/* zrtpenc: the sending hand of a ZRTP stream.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
/**
 * SECTION:element-zrtpenc
 * @title: zrtpenc
 * @see_also: zrtpdec, srtpenc
 *
 * Encrypts RTP and RTCP with keys that it agrees upon with the peer itself, by ZRTP (RFC 6189): no
 * server, no certificate, no key in the signalling. It works together with the #zrtpdec of the same
 * `connection-id`, which hears the peer; ZRTP packets leave between the media packets on `rtp_src_%u`.
 * The media itself is protected by #srtpenc.
 *
 * With the default `policy`, not a single packet of media leaves before it can be encrypted.
 *
 * ## Example
 *
 * A call of two parties on one machine. Run this twice, the second time with the ports swapped; the
 * short authentication string (`sas`) that both print must be the same.
 *
 * |[
 * gst-launch-1.0 -m audiotestsrc is-live=true ! mulawenc ! rtppcmupay ! zrtpenc ! \
 *     udpsink host=127.0.0.1 port=5002 \
 *   udpsrc port=5004 caps=application/x-srtp,media=audio,clock-rate=8000,encoding-name=PCMU ! \
 *     zrtpdec ! rtppcmudepay ! mulawdec ! autoaudiosink
 * ]|
 */
#include "gst/elements/zrtpenc.h"
#include "gst/elements/connection.h"
#include "gst/elements/runner.h"

GST_DEBUG_CATEGORY_STATIC (zrtp_enc_debug);
#define GST_CAT_DEFAULT zrtp_enc_debug

struct _GstZrtpEnc {
  GstZrtpBase parent;

  gboolean caps_protected[GST_ZRTP_N_LINKS]; /* what src says; under the stream lock of sink */
  gint ssrc_known;                           /* atomic: the media's SSRC was told to the stream */
  gint lost_ssrc;                            /* atomic: in a collision; 0 = none */
};

G_DEFINE_FINAL_TYPE (GstZrtpEnc, gst_zrtp_enc, GST_TYPE_ZRTP_BASE)
GST_ELEMENT_REGISTER_DEFINE (zrtpenc, "zrtpenc", GST_RANK_NONE, GST_TYPE_ZRTP_ENC)

#define PROTECTED_RTP "application/x-srtp"
#define PROTECTED_RTCP "application/x-srtcp"
#define CLEAR_RTP "application/x-rtp"
#define CLEAR_RTCP "application/x-rtcp"

static GstStaticPadTemplate rtp_sink_template = GST_STATIC_PAD_TEMPLATE (
    "rtp_sink_%u", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS (CLEAR_RTP));
static GstStaticPadTemplate rtp_src_template = GST_STATIC_PAD_TEMPLATE (
    "rtp_src_%u", GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS (PROTECTED_RTP "; " CLEAR_RTP));
static GstStaticPadTemplate rtcp_sink_template = GST_STATIC_PAD_TEMPLATE (
    "rtcp_sink_%u", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS (CLEAR_RTCP));
static GstStaticPadTemplate rtcp_src_template = GST_STATIC_PAD_TEMPLATE ("rtcp_src_%u", GST_PAD_SRC,
    GST_PAD_SOMETIMES, GST_STATIC_CAPS (PROTECTED_RTCP "; " CLEAR_RTCP));

/* --- Caps -------------------------------------------------------------------------------------- */

static gboolean *
caps_protected (GstZrtpEnc *self, GstZrtpLink *link)
{
  return &self->caps_protected[link->is_rtcp];
}

static const gchar *
media_type (GstZrtpLink *link, gboolean is_protected)
{
  if (link->is_rtcp)
    return is_protected ? PROTECTED_RTCP : CLEAR_RTCP;
  return is_protected ? PROTECTED_RTP : CLEAR_RTP;
}

/* Under policy=required nothing else than SRTP will ever leave, so the caps need not change later. */
static gboolean
wants_protected_caps (GstZrtpBase *base)
{
  GstZrtpGate gate = gst_zrtp_base_get_gate (base);

  return gate == GST_ZRTP_GATE_SECURE || gate == GST_ZRTP_GATE_BLOCKED;
}

static void
push_caps (GstZrtpEnc *self, GstZrtpLink *link, gboolean is_protected)
{
  *caps_protected (self, link) = is_protected;
  gst_zrtp_link_push_caps (link, media_type (link, is_protected));
}

/* --- RTP pads ----------------------------------------------------------------------------------- */

static gboolean
ref_rtp_pads (GstZrtpBase *base, GstPad **sink, GstPad **src)
{
  GstZrtpLink *link = &base->links[GST_ZRTP_RTP_LINK];
  gboolean present;

  g_mutex_lock (&base->wiring);
  present = link->is_present;
  if (present) {
    *sink = gst_object_ref (link->sink);
    *src = gst_object_ref (link->src);
  }
  g_mutex_unlock (&base->wiring);
  return present;
}

/* --- SSRC -------------------------------------------------------------------------------------- */

static void
learn_ssrc (GstZrtpEnc *self, guint32 ssrc)
{
  GstZrtpBase *base = GST_ZRTP_BASE_CAST (self);

  if (base->connection && ssrc != (guint32) g_atomic_int_get (&self->lost_ssrc) &&
      g_atomic_int_compare_and_exchange (&self->ssrc_known, FALSE, TRUE))
    gst_zrtp_connection_set_ssrc (base->connection, ssrc);
}

static void
learn_ssrc_from_caps (GstZrtpEnc *self, GstCaps *caps)
{
  guint ssrc;

  if (gst_structure_get_uint (gst_caps_get_structure (caps, 0), "ssrc", &ssrc))
    learn_ssrc (self, ssrc);
}

static void
learn_ssrc_from_buffer (GstZrtpEnc *self, GstZrtpLink *link, GstBuffer *buffer)
{
  guint8 header[12];

  if (!link->is_rtcp && gst_buffer_extract (buffer, 0, header, sizeof header) == sizeof header)
    learn_ssrc (self, GST_READ_UINT32_BE (header + 8));
}

/* As GStreamer's RTP session says it; payloaders know it. */
gboolean
gst_zrtp_enc_report_collision (GstZrtpEnc *self, guint32 ssrc)
{
  gboolean known;
  GstPad *sink, *src;

  if (!ref_rtp_pads (GST_ZRTP_BASE (self), &sink, &src))
    return FALSE;
  g_atomic_int_set (&self->lost_ssrc, ssrc); /* of which some packets may be on their way */
  known = g_atomic_int_compare_and_exchange (&self->ssrc_known, TRUE, FALSE);
  gst_pad_push_event (
      sink, gst_event_new_custom (GST_EVENT_CUSTOM_UPSTREAM,
                gst_structure_new ("GstRTPCollision", "ssrc", G_TYPE_UINT, ssrc, NULL)));
  gst_object_unref (sink);
  gst_object_unref (src);
  return known;
}

/* While nobody chose an SSRC, a payloader may as well take the one of our ZRTP headers. A proposal:
 * the caps without it come second. */
static GstCaps *
propose_ssrc (GstZrtpEnc *self, GstCaps *caps)
{
  GstZrtpConnection *connection;
  GstCaps *proposal;
  guint ssrc;

  if (g_atomic_int_get (&self->ssrc_known))
    return caps;
  connection = gst_zrtp_base_get_connection (GST_ZRTP_BASE (self));
  if (!connection)
    return caps;
  g_object_get (gst_zrtp_connection_get_stream (connection), "ssrc", &ssrc, NULL);
  gst_object_unref (connection);
  proposal = gst_caps_copy (caps);
  gst_caps_set_simple (proposal, "ssrc", G_TYPE_UINT, ssrc, NULL);
  gst_caps_append (proposal, caps);
  return proposal;
}

static gboolean
sink_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstZrtpLink *link = GST_PAD_ELEMENT_PRIVATE (pad);
  GstCaps *filter, *caps;

  if (GST_QUERY_TYPE (query) != GST_QUERY_CAPS || link->is_rtcp)
    return gst_zrtp_link_query (pad, parent, query);
  gst_query_parse_caps (query, &filter);
  caps = propose_ssrc (GST_ZRTP_ENC (parent), gst_zrtp_link_query_caps (pad, filter));
  gst_zrtp_link_answer_caps (query, caps);
  return TRUE;
}

/* --- Media ------------------------------------------------------------------------------------- */

static guint
n_packets (gpointer buffer_or_list, gboolean is_list)
{
  return is_list ? gst_buffer_list_length (buffer_or_list) : 1;
}

static GstFlowReturn
push (GstZrtpLink *link, gpointer buffer_or_list, gboolean is_list)
{
  return is_list ? gst_pad_push_list (link->src, buffer_or_list)
                 : gst_pad_push (link->src, buffer_or_list);
}

static GstFlowReturn
push_clear (GstZrtpEnc *self, GstZrtpLink *link, gpointer buffer_or_list, gboolean is_list)
{
  gst_zrtp_base_count (
      GST_ZRTP_BASE_CAST (self), GST_ZRTP_SENT_CLEAR, n_packets (buffer_or_list, is_list));
  if (*caps_protected (self, link))
    push_caps (self, link, FALSE);
  return push (link, buffer_or_list, is_list);
}

static GstFlowReturn
protect (GstZrtpEnc *self, GstZrtpLink *link, gpointer buffer_or_list, gboolean is_list)
{
  GstZrtpBase *base = GST_ZRTP_BASE_CAST (self);
  GstPad *srtpenc = g_atomic_pointer_get (&link->child);
  guint n = n_packets (buffer_or_list, is_list);
  GstZrtpOutput output;
  GstFlowReturn result;

  if (G_UNLIKELY (!srtpenc))
    return gst_zrtp_base_drop (base, GST_ZRTP_SEND_DROPPED_NOT_SECURE, buffer_or_list);
  if (G_UNLIKELY (!*caps_protected (self, link)))
    push_caps (self, link, TRUE);

  output = gst_zrtp_link_transform (srtpenc, buffer_or_list, is_list, &result);
  if (G_UNLIKELY (!output.packet)) {
    gst_zrtp_base_count (base, GST_ZRTP_SEND_DROPPED_SRTP, n);
    return result == GST_FLOW_ERROR ? GST_FLOW_OK : result;
  }
  gst_zrtp_base_count (base, GST_ZRTP_SENT_PROTECTED, n);
  return push (link, output.packet, is_list);
}

static GstFlowReturn
send_media (GstZrtpEnc *self, GstZrtpLink *link, gpointer buffer_or_list, gboolean is_list)
{
  GstZrtpBase *base = GST_ZRTP_BASE_CAST (self);

  switch (gst_zrtp_base_get_gate (base)) {
    case GST_ZRTP_GATE_SECURE:
      return protect (self, link, buffer_or_list, is_list);
    case GST_ZRTP_GATE_CLEAR:
      return push_clear (self, link, buffer_or_list, is_list);
    case GST_ZRTP_GATE_NEGOTIATING:
      return gst_zrtp_base_drop (base, GST_ZRTP_SEND_DROPPED_NEGOTIATING, buffer_or_list);
    default:
      return gst_zrtp_base_drop (base, GST_ZRTP_SEND_DROPPED_NOT_SECURE, buffer_or_list);
  }
}

static GstFlowReturn
sink_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstZrtpEnc *self = (GstZrtpEnc *) parent;
  GstZrtpLink *link = GST_PAD_ELEMENT_PRIVATE (pad);

  if (G_UNLIKELY (!g_atomic_int_get (&self->ssrc_known)))
    learn_ssrc_from_buffer (self, link, buffer);
  return send_media (self, link, buffer, FALSE);
}

static GstFlowReturn
sink_chain_list (GstPad *pad, GstObject *parent, GstBufferList *list)
{
  GstZrtpEnc *self = (GstZrtpEnc *) parent;
  GstZrtpLink *link = GST_PAD_ELEMENT_PRIVATE (pad);

  if (!g_atomic_int_get (&self->ssrc_known) && gst_buffer_list_length (list) > 0)
    learn_ssrc_from_buffer (self, link, gst_buffer_list_get (list, 0));
  return send_media (self, link, list, TRUE);
}

static gboolean
sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstZrtpEnc *self = GST_ZRTP_ENC (parent);
  GstZrtpLink *link = GST_PAD_ELEMENT_PRIVATE (pad);
  GstCaps *caps;

  if (GST_EVENT_TYPE (event) != GST_EVENT_CAPS)
    return gst_pad_push_event (link->src, event);
  gst_event_parse_caps (event, &caps);
  gst_caps_replace (&link->caps, caps);
  learn_ssrc_from_caps (self, caps);
  push_caps (self, link, wants_protected_caps (GST_ZRTP_BASE (self)));
  gst_event_unref (event);
  return TRUE;
}

/* --- ZRTP -------------------------------------------------------------------------------------- */

static gboolean
is_present (GstZrtpBase *base, GstPad *sink)
{
  GstZrtpLink *link = &base->links[GST_ZRTP_RTP_LINK];
  gboolean present;

  g_mutex_lock (&base->wiring);
  present = link->is_present && link->sink == sink;
  g_mutex_unlock (&base->wiring);
  return present;
}

/* The pads may have been released while this waited for the media thread. */
static GstFlowReturn
push_between_media (GstZrtpEnc *self, GstPad *sink, GstPad *src, GstBuffer *buffer)
{
  GstZrtpBase *base = GST_ZRTP_BASE (self);
  GstZrtpLink *link = &base->links[GST_ZRTP_RTP_LINK];
  GstFlowReturn result = GST_FLOW_NOT_LINKED;

  GST_PAD_STREAM_LOCK (sink);
  if (is_present (base, sink)) {
    if (!gst_pad_has_current_caps (src))
      *caps_protected (self, link) = wants_protected_caps (base);
    gst_zrtp_link_begin (link, media_type (link, *caps_protected (self, link)));
    result = gst_pad_push (src, g_steal_pointer (&buffer));
  }
  GST_PAD_STREAM_UNLOCK (sink);
  gst_clear_buffer (&buffer);
  return result;
}

/* A packet that does not get out is lost, as it might be on its way; it will be sent again. */
void
gst_zrtp_enc_send (GstZrtpEnc *self, GBytes *packet)
{
  GstZrtpBase *base = GST_ZRTP_BASE (self);
  GstFlowReturn result = GST_FLOW_NOT_LINKED;
  GstPad *sink, *src;

  if (ref_rtp_pads (base, &sink, &src)) {
    /* without timestamps: no sink shall wait with it */
    GstBuffer *buffer = gst_buffer_new_wrapped_bytes (packet);

    gst_zrtp_runner_begin_push ();
    result = push_between_media (self, sink, src, buffer);
    gst_zrtp_runner_end_push ();
    gst_object_unref (sink);
    gst_object_unref (src);
  }
  if (result != GST_FLOW_OK) {
    gst_zrtp_base_count (base, GST_ZRTP_ZRTP_DROPPED_NOT_SENT, 1);
    GST_DEBUG_OBJECT (self, "a ZRTP packet did not get out: %s", gst_flow_get_name (result));
  }
}

/* --- The first packet and its sink --------------------------------------------------------------- */

/* Only a sink that our packets cannot reach, or that drops them, takes this long. */
#define PREROLL_TIMEOUT (200 * G_TIME_SPAN_MILLISECOND)

static gboolean
await_preroll_behind (GstPad *src, gpointer end)
{
  gint64 left = *(gint64 *) end - g_get_monotonic_time ();
  GstPad *peer = gst_pad_get_peer (src);
  GstObject *parent = peer ? gst_object_get_parent (GST_OBJECT (peer)) : NULL;

  if (GST_IS_ELEMENT (parent) && !GST_IS_BIN (parent) &&
      GST_OBJECT_FLAG_IS_SET (parent, GST_ELEMENT_FLAG_SINK))
    gst_element_get_state (GST_ELEMENT (parent), NULL, NULL, MAX (0, left) * GST_USECOND);
  else if (peer)
    gst_pad_forward (peer, await_preroll_behind, end);
  gst_clear_object (&parent);
  gst_clear_object (&peer);
  return FALSE;
}

/* A pipeline with a live source goes from PAUSED to PLAYING at once, but without the sinks that have no
 * packet by then: those stay in PAUSED until every sink of the pipeline has one. The sinks behind zrtpdec
 * have none before the call is secure, and it is never secure while the sink behind zrtpenc holds up our
 * Hello. So the Hello, which the actor has begun to send, must reach that sink first. */
void
gst_zrtp_enc_await_preroll (GstZrtpEnc *self)
{
  gint64 end = g_get_monotonic_time () + PREROLL_TIMEOUT;
  GstPad *sink, *src;

  if (!ref_rtp_pads (GST_ZRTP_BASE (self), &sink, &src))
    return;
  await_preroll_behind (src, &end);
  gst_object_unref (sink);
  gst_object_unref (src);
}

/* --- Pads -------------------------------------------------------------------------------------- */

static const GstZrtpLinkFuncs link_funcs = {
    .chain = sink_chain,
    .chain_list = sink_chain_list,
    .event = sink_event,
    .query = sink_query,
};

/* The number in the name, or the one of the other pad, so that they look like the pair they are. */
static guint
choose_index (GstZrtpBase *base, GstZrtpLink *link, const gchar *name)
{
  GstZrtpLink *other = &base->links[!link->is_rtcp];
  const gchar *text = name;

  if (!text && other->is_present)
    text = GST_PAD_NAME (other->sink);
  text = text ? strrchr (text, '_') : NULL;
  return text ? g_ascii_strtoull (text + 1, NULL, 10) : 0;
}

static void
init_link (GstZrtpBase *base, GstZrtpLink *link, gboolean is_rtcp, const gchar *name)
{
  GstElementClass *klass = GST_ELEMENT_GET_CLASS (base);
  const gchar *kind = is_rtcp ? "rtcp" : "rtp";
  gchar *sink_template = g_strdup_printf ("%s_sink_%%u", kind);
  gchar *src_template = g_strdup_printf ("%s_src_%%u", kind);
  guint index;
  gchar *sink_name, *src_name;

  link->is_rtcp = is_rtcp;
  index = choose_index (base, link, name);
  sink_name = g_strdup_printf ("%s_sink_%u", kind, index);
  src_name = g_strdup_printf ("%s_src_%u", kind, index);
  gst_zrtp_link_init (link, is_rtcp, gst_element_class_get_pad_template (klass, sink_template),
      sink_name, gst_element_class_get_pad_template (klass, src_template), src_name, &link_funcs);
  GST_ZRTP_ENC (base)->caps_protected[is_rtcp] = FALSE;
  g_free (sink_template);
  g_free (src_template);
  g_free (sink_name);
  g_free (src_name);
}

static GstPad *
gst_zrtp_enc_request_new_pad (
    GstElement *element, GstPadTemplate *pad_template, const gchar *name, const GstCaps *caps)
{
  GstZrtpBase *base = GST_ZRTP_BASE (element);
  gboolean is_rtcp = g_str_has_prefix (GST_PAD_TEMPLATE_NAME_TEMPLATE (pad_template), "rtcp");
  GstZrtpLink *link = &base->links[is_rtcp];

  if (link->is_present) {
    GST_ELEMENT_WARNING (element, STREAM, WRONG_TYPE,
        ("%s has an %s pad already: one zrtpenc carries one RTP session. "
         "Use a zrtpenc and a zrtpdec with a connection-id of their own for each further one, "
         "all with the same session-id.",
            GST_OBJECT_NAME (element), is_rtcp ? "RTCP" : "RTP"),
        (NULL));
    return NULL;
  }
  init_link (base, link, is_rtcp, name);
  gst_zrtp_base_add_link (base, link);
  return link->sink;
}

static void
gst_zrtp_enc_release_pad (GstElement *element, GstPad *pad)
{
  GstZrtpLink *link = GST_PAD_ELEMENT_PRIVATE (pad);

  gst_zrtp_base_remove_link (GST_ZRTP_BASE (element), link);
}

/* --- srtpenc ----------------------------------------------------------------------------------- */

static GstElement *
gst_zrtp_enc_new_child (GstZrtpBase *base, const GstZrtpSrtpKeys *keys)
{
  return gst_zrtp_srtpenc_new (keys);
}

static void
gst_zrtp_enc_get_child_pads (GstZrtpBase *base, GstZrtpLink *link, GstPad **sink, GstPad **src)
{
  *sink = gst_element_request_pad_simple (base->child, GST_PAD_NAME (link->sink));
  *src = gst_element_get_static_pad (base->child, GST_PAD_NAME (link->src));
}

static void
gst_zrtp_enc_release_child_pad (GstZrtpBase *base, GstPad *sink)
{
  gst_element_release_request_pad (base->child, sink);
}

/* --- Class ------------------------------------------------------------------------------------- */

static GstStateChangeReturn
gst_zrtp_enc_change_state (GstElement *element, GstStateChange transition)
{
  GstZrtpEnc *self = GST_ZRTP_ENC (element);
  GstStateChangeReturn result =
      GST_ELEMENT_CLASS (gst_zrtp_enc_parent_class)->change_state (element, transition);

  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    g_atomic_int_set (&self->ssrc_known, FALSE);
    g_atomic_int_set (&self->lost_ssrc, 0);
    memset (self->caps_protected, 0, sizeof self->caps_protected);
  }
  return result;
}

static void
gst_zrtp_enc_init (GstZrtpEnc *self)
{
}

static void
gst_zrtp_enc_class_init (GstZrtpEncClass *klass)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstZrtpBaseClass *base_class = GST_ZRTP_BASE_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (zrtp_enc_debug, "zrtpenc", 0, "ZRTP encryptor");
  gst_element_class_add_static_pad_template (element_class, &rtp_sink_template);
  gst_element_class_add_static_pad_template (element_class, &rtp_src_template);
  gst_element_class_add_static_pad_template (element_class, &rtcp_sink_template);
  gst_element_class_add_static_pad_template (element_class, &rtcp_src_template);
  gst_element_class_set_static_metadata (element_class, "ZRTP encryptor",
      "Filter/Network/SRTP/ZRTP",
      "Agrees on keys with the peer by ZRTP (RFC 6189) and encrypts RTP and RTCP with them",
      "The gst-zrtp authors");

  element_class->request_new_pad = gst_zrtp_enc_request_new_pad;
  element_class->release_pad = gst_zrtp_enc_release_pad;
  element_class->change_state = gst_zrtp_enc_change_state;
  base_class->hand = GST_ZRTP_ENC_HAND;
  base_class->srtp_factory = "srtpenc";
  base_class->new_child = gst_zrtp_enc_new_child;
  base_class->get_child_pads = gst_zrtp_enc_get_child_pads;
  base_class->release_child_pad = gst_zrtp_enc_release_child_pad;
}
