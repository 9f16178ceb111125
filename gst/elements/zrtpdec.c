/* zrtpdec: the receiving hand of a ZRTP stream.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
/**
 * SECTION:element-zrtpdec
 * @title: zrtpdec
 * @see_also: zrtpenc, srtpdec
 *
 * Decrypts RTP and RTCP with keys that were agreed upon by ZRTP (RFC 6189). It picks the ZRTP packets
 * out of what arrives on either sink pad; the answers leave through the #zrtpenc of the same
 * `connection-id`. RTCP that was multiplexed onto `rtp_sink` (RFC 5761) comes out of `rtcp_src`.
 *
 * With the default `policy`, nothing comes out that did not come in encrypted and authenticated.
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
#include "gst/elements/zrtpdec.h"
#include "gst/elements/connection.h"

GST_DEBUG_CATEGORY_STATIC (zrtp_dec_debug);
#define GST_CAT_DEFAULT zrtp_dec_debug

/* SSRCs that srtpdec got a key for and that have not shown a good tag: more are refused. It asks before it
 * authenticates, so anybody could fill its table. */
#define MAX_SUSPECTS 64

struct _GstZrtpDec {
  GstZrtpBase parent;

  GMutex lock; /* innermost: also taken under srtpdec's object lock. Protects the next three */
  GstCaps *key_caps;
  GQueue suspects;     /* SSRCs */
  GHashTable *trusted; /* SSRCs that have shown a good tag: never taken away from srtpdec */

  gint authenticated;                  /* atomic: a packet of this negotiation was */
  gint awaiting_media;                 /* atomic */
  gint64 known_ssrc[GST_ZRTP_N_LINKS]; /* authenticated, or -1; under the sink pad's stream lock */
};

G_DEFINE_FINAL_TYPE (GstZrtpDec, gst_zrtp_dec, GST_TYPE_ZRTP_BASE)
GST_ELEMENT_REGISTER_DEFINE (zrtpdec, "zrtpdec", GST_RANK_NONE, GST_TYPE_ZRTP_DEC)

static GstStaticPadTemplate rtp_sink_template = GST_STATIC_PAD_TEMPLATE ("rtp_sink", GST_PAD_SINK,
    GST_PAD_ALWAYS, GST_STATIC_CAPS ("application/x-srtp; application/x-rtp"));
static GstStaticPadTemplate rtp_src_template = GST_STATIC_PAD_TEMPLATE (
    "rtp_src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS ("application/x-rtp"));
static GstStaticPadTemplate rtcp_sink_template = GST_STATIC_PAD_TEMPLATE ("rtcp_sink", GST_PAD_SINK,
    GST_PAD_ALWAYS, GST_STATIC_CAPS ("application/x-srtcp; application/x-rtcp"));
static GstStaticPadTemplate rtcp_src_template = GST_STATIC_PAD_TEMPLATE (
    "rtcp_src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS ("application/x-rtcp"));

/* Where the roll-over counter of an SSRC begins that srtpdec asks for in this thread. */
static _Thread_local guint first_roc __attribute__ ((tls_model ("initial-exec")));

/* --- What a packet is -------------------------------------------------------------------------- */

typedef enum {
  MALFORMED,
  ZRTP,
  RTP,
  RTCP,
} PacketKind;

typedef struct {
  PacketKind kind;
  guint32 ssrc;
  guint16 seq; /* of RTP */
} Packet;

enum {
  RTCP_HEADER = 8,
  RTP_HEADER = 12
};

static Packet
classify (GstBuffer *buffer)
{
  guint8 header[RTP_HEADER];
  gsize size = gst_buffer_extract (buffer, 0, header, sizeof header);
  guint8 type;

  if (G_UNLIKELY (size < RTCP_HEADER))
    return (Packet){MALFORMED};
  if (G_UNLIKELY (header[0] >> 6 != 2))
    return (Packet){gst_zrtp_packet_is_zrtp (header, size) ? ZRTP : MALFORMED};
  type = header[1] & 0x7f;
  if (type >= 64 && type <= 95) /* RFC 5761 §4 */
    return (Packet){RTCP, GST_READ_UINT32_BE (header + 4)};
  if (size < RTP_HEADER)
    return (Packet){MALFORMED};
  return (Packet){RTP, GST_READ_UINT32_BE (header + 8), GST_READ_UINT16_BE (header + 2)};
}

/* --- ZRTP -------------------------------------------------------------------------------------- */

static GstFlowReturn
take_zrtp (GstZrtpDec *self, GstBuffer *buffer)
{
  GstZrtpBase *base = GST_ZRTP_BASE_CAST (self);

  if (gst_buffer_get_size (buffer) > GST_ZRTP_MAX_PACKET)
    return gst_zrtp_base_drop (base, GST_ZRTP_ZRTP_DROPPED_OVERSIZED, buffer);
  if (!base->connection || !gst_zrtp_connection_receive (base->connection, buffer))
    return gst_zrtp_base_drop (base, GST_ZRTP_ZRTP_DROPPED_OVERFLOW, buffer);
  gst_buffer_unref (buffer);
  return GST_FLOW_OK;
}

void
gst_zrtp_dec_await_media (GstZrtpDec *self)
{
  g_atomic_int_set (&self->awaiting_media, TRUE);
}

void
gst_zrtp_dec_await_authenticated (GstZrtpDec *self)
{
  g_atomic_int_set (&self->authenticated, FALSE);
}

static void
tell_of_media (GstZrtpDec *self)
{
  GstZrtpBase *base = GST_ZRTP_BASE_CAST (self);

  if (g_atomic_int_compare_and_exchange (&self->awaiting_media, TRUE, FALSE) && base->connection)
    gst_zrtp_connection_media_received (base->connection);
}

/* --- Clear media ------------------------------------------------------------------------------- */

/* RTCP may arrive on the RTP pad, and then nobody may ever have said a word on the RTCP pads. The lock
 * order is RTP before RTCP; it is never the other way round, because RTP on the RTCP pad is dropped. */
static GstFlowReturn
push_rtcp (GstZrtpDec *self, GstBuffer *buffer)
{
  GstZrtpLink *link = &GST_ZRTP_BASE_CAST (self)->links[GST_ZRTP_RTCP_LINK];
  GstFlowReturn result;

  GST_PAD_STREAM_LOCK (link->sink);
  gst_zrtp_link_begin (link, "application/x-rtcp");
  result = gst_pad_push (link->src, buffer);
  GST_PAD_STREAM_UNLOCK (link->sink);
  /* Who wants no RTCP leaves rtcp_src unlinked. That must not stop the media it arrives with. */
  return result == GST_FLOW_NOT_LINKED ? GST_FLOW_OK : result;
}

static GstFlowReturn
push_out (GstZrtpDec *self, GstZrtpLink *out, GstBuffer *buffer)
{
  return out->is_rtcp ? push_rtcp (self, buffer) : gst_pad_push (out->src, buffer);
}

static GstFlowReturn
push_clear (GstZrtpDec *self, Packet packet, GstBuffer *buffer)
{
  GstZrtpBase *base = GST_ZRTP_BASE_CAST (self);

  gst_zrtp_base_count (base, GST_ZRTP_RECEIVED_CLEAR, 1);
  return push_out (self, &base->links[packet.kind == RTCP], buffer);
}

/* --- Protected media --------------------------------------------------------------------------- */

static GstCaps *
caps_with_roc (GstCaps *caps, guint roc)
{
  GstCaps *copy = gst_caps_copy (caps);

  gst_caps_set_simple (copy, "roc", G_TYPE_UINT, roc, NULL);
  return copy;
}

/* Called with srtpdec's object lock held: nothing of srtpdec may be touched from here. */
static GstCaps *
on_request_key (GstElement *srtpdec, guint ssrc, GstZrtpDec *self)
{
  GstCaps *caps = NULL;

  g_mutex_lock (&self->lock);
  if (self->key_caps && g_queue_get_length (&self->suspects) < MAX_SUSPECTS) {
    caps = first_roc ? caps_with_roc (self->key_caps, first_roc) : gst_caps_ref (self->key_caps);
    g_queue_push_tail (&self->suspects, GUINT_TO_POINTER (ssrc));
  }
  g_mutex_unlock (&self->lock);
  return caps;
}

static gboolean
pop_suspect (GstZrtpDec *self, guint32 *ssrc)
{
  gboolean any;

  g_mutex_lock (&self->lock);
  any = !g_queue_is_empty (&self->suspects);
  if (any)
    *ssrc = GPOINTER_TO_UINT (g_queue_pop_head (&self->suspects));
  g_mutex_unlock (&self->lock);
  return any;
}

/* FALSE when it is not possible now. srtpdec's remove-key takes no lock, so it is only safe while no
 * packet is inside srtpdec: this thread has the stream lock of its own pad and tries for the other
 * one. Then whoever is a suspect has shown a bad tag. */
static gboolean
forget_suspects (GstZrtpDec *self, GstZrtpLink *link)
{
  GstZrtpBase *base = GST_ZRTP_BASE_CAST (self);
  GstPad *other = base->links[!link->is_rtcp].sink;
  guint32 ssrc;

  if (!GST_PAD_STREAM_TRYLOCK (other))
    return FALSE;
  while (pop_suspect (self, &ssrc))
    g_signal_emit_by_name (base->child, "remove-key", ssrc);
  GST_PAD_STREAM_UNLOCK (other);
  return TRUE;
}

static gboolean
is_trusted (GstZrtpDec *self, guint32 ssrc)
{
  gboolean trusted;

  g_mutex_lock (&self->lock);
  trusted = g_hash_table_contains (self->trusted, GUINT_TO_POINTER (ssrc));
  g_mutex_unlock (&self->lock);
  return trusted;
}

static void
trust (GstZrtpDec *self, guint32 ssrc)
{
  g_mutex_lock (&self->lock);
  g_queue_remove (&self->suspects, GUINT_TO_POINTER (ssrc));
  g_hash_table_add (self->trusted, GUINT_TO_POINTER (ssrc));
  g_mutex_unlock (&self->lock);
}

static inline GstZrtpOutput
decrypt (GstPad *srtpdec, GstBuffer *buffer)
{
  GstFlowReturn unused;

  /* srtpdec before 1.24.11 decrypts in place whatever it gets, even what is not its own */
  return gst_zrtp_link_transform (srtpdec, gst_buffer_make_writable (buffer), FALSE, &unused);
}

static GstZrtpOutput
decrypt_as_rolled_over (GstPad *srtpdec, GstBuffer *buffer)
{
  GstZrtpOutput output;

  first_roc = 1;
  output = decrypt (srtpdec, buffer);
  first_roc = 0;
  return output;
}

/* From an SSRC that has shown no good tag so far. Whoever begins with a high sequence number soon rolls
 * over; if all was lost up to there, the first packet that comes looks as if it were from before, and
 * so would all that follow. RFC 3711 §3.3.1 asks senders to begin low, but nobody knows, when he begins,
 * which packet will be the first that is protected. */
static GstZrtpOutput
decrypt_stranger (
    GstZrtpDec *self, GstZrtpLink *link, GstPad *srtpdec, Packet packet, GstBuffer *buffer)
{
  gboolean may_have_rolled_over = packet.kind == RTP && packet.seq < 0x8000;
  GstBuffer *copy = may_have_rolled_over ? gst_buffer_copy_deep (buffer) : NULL;
  GstZrtpOutput output;

  forget_suspects (self, link);
  output = decrypt (srtpdec, buffer);
  if (!output.packet && copy && forget_suspects (self, link))
    output = decrypt_as_rolled_over (srtpdec, g_steal_pointer (&copy));
  if (output.packet)
    trust (self, packet.ssrc);
  gst_clear_buffer (&copy);
  return output;
}

/* RFC 6189 §4.6: counts as Conf2ACK. */
static void
tell_of_authentication (GstZrtpDec *self)
{
  g_atomic_int_set (&self->authenticated, TRUE);
  gst_zrtp_connection_srtp_authenticated (GST_ZRTP_BASE_CAST (self)->connection);
}

static GstFlowReturn
unprotect (GstZrtpDec *self, GstZrtpLink *link, Packet packet, GstBuffer *buffer)
{
  GstZrtpBase *base = GST_ZRTP_BASE_CAST (self);
  GstPad *srtpdec = g_atomic_pointer_get (&link->child);
  gint64 *known_ssrc = &self->known_ssrc[link->is_rtcp];
  GstZrtpOutput output;

  if (G_UNLIKELY (!srtpdec))
    return gst_zrtp_base_drop (base, GST_ZRTP_RECEIVE_DROPPED_NOT_SECURE, buffer);
  if (G_LIKELY (packet.ssrc == *known_ssrc) || is_trusted (self, packet.ssrc))
    output = decrypt (srtpdec, buffer);
  else
    output = decrypt_stranger (self, link, srtpdec, packet, buffer);
  if (G_UNLIKELY (!output.packet)) {
    gst_zrtp_base_count (base, GST_ZRTP_RECEIVE_DROPPED_SRTP, 1);
    return GST_FLOW_OK;
  }
  gst_zrtp_base_count (base, GST_ZRTP_RECEIVED_PROTECTED, 1);
  *known_ssrc = packet.ssrc;
  if (G_UNLIKELY (!g_atomic_int_get (&self->authenticated)))
    tell_of_authentication (self);
  return push_out (self, output.link, output.packet);
}

/* --- Sink pads --------------------------------------------------------------------------------- */

static GstFlowReturn
receive_media (GstZrtpDec *self, GstZrtpLink *link, Packet packet, GstBuffer *buffer)
{
  GstZrtpBase *base = GST_ZRTP_BASE_CAST (self);
  GstZrtpGate gate = gst_zrtp_base_get_gate (base);

  if (G_LIKELY (gate == GST_ZRTP_GATE_SECURE))
    return unprotect (self, link, packet, buffer);
  tell_of_media (self);
  if (gate == GST_ZRTP_GATE_CLEAR)
    return push_clear (self, packet, buffer);
  return gst_zrtp_base_drop (base, GST_ZRTP_RECEIVE_DROPPED_NOT_SECURE, buffer);
}

static GstFlowReturn
receive (GstZrtpDec *self, GstZrtpLink *link, GstBuffer *buffer)
{
  Packet packet = classify (buffer);

  if (G_UNLIKELY (packet.kind == ZRTP))
    return take_zrtp (self, buffer);
  if (G_UNLIKELY (packet.kind == MALFORMED || (link->is_rtcp && packet.kind == RTP)))
    return gst_zrtp_base_drop (
        GST_ZRTP_BASE_CAST (self), GST_ZRTP_RECEIVE_DROPPED_MALFORMED, buffer);
  return receive_media (self, link, packet, buffer);
}

static GstFlowReturn
sink_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  return receive ((GstZrtpDec *) parent, GST_PAD_ELEMENT_PRIVATE (pad), buffer);
}

typedef struct {
  GstZrtpDec *self;
  GstZrtpLink *link;
  GstFlowReturn result;
} ListWalk;

static gboolean
receive_next (GstBuffer **buffer, guint index, gpointer data)
{
  ListWalk *walk = data;

  walk->result = receive (walk->self, walk->link, g_steal_pointer (buffer));
  return walk->result == GST_FLOW_OK;
}

/* One by one: a list may hold everything that arrives on one port. */
static GstFlowReturn
sink_chain_list (GstPad *pad, GstObject *parent, GstBufferList *list)
{
  ListWalk walk = {(GstZrtpDec *) parent, GST_PAD_ELEMENT_PRIVATE (pad), GST_FLOW_OK};

  list = gst_buffer_list_make_writable (list);
  gst_buffer_list_foreach (list, receive_next, &walk);
  gst_buffer_list_unref (list);
  return walk.result;
}

/* RTCP that comes with the RTP ends with it too. */
static void
end_muxed_rtcp (GstZrtpDec *self, GstEvent *eos)
{
  GstZrtpLink *link = &GST_ZRTP_BASE (self)->links[GST_ZRTP_RTCP_LINK];

  if (gst_pad_is_linked (link->sink) || !gst_pad_is_linked (link->src))
    return;
  GST_PAD_STREAM_LOCK (link->sink);
  gst_zrtp_link_begin (link, "application/x-rtcp");
  gst_pad_push_event (link->src, gst_event_ref (eos));
  GST_PAD_STREAM_UNLOCK (link->sink);
}

static gboolean
sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstZrtpDec *self = GST_ZRTP_DEC (parent);
  GstZrtpLink *link = GST_PAD_ELEMENT_PRIVATE (pad);
  const gchar *media_type = link->is_rtcp ? "application/x-rtcp" : "application/x-rtp";
  GstCaps *caps;

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS:
      gst_event_parse_caps (event, &caps);
      gst_caps_replace (&link->caps, caps);
      gst_zrtp_link_push_caps (link, media_type);
      gst_event_unref (event);
      return TRUE;
    case GST_EVENT_SEGMENT:
      /* udpsrc has no caps of its own */
      if (!gst_pad_has_current_caps (link->src))
        gst_zrtp_link_push_caps (link, media_type);
      break;
    case GST_EVENT_EOS:
      if (!link->is_rtcp)
        end_muxed_rtcp (self, event);
      break;
    default:
      break;
  }
  return gst_pad_push_event (link->src, event);
}

/* --- srtpdec ----------------------------------------------------------------------------------- */

static void
set_key_caps (GstZrtpDec *self, GstCaps *caps)
{
  GstCaps *old;

  g_mutex_lock (&self->lock);
  old = self->key_caps;
  self->key_caps = caps;
  g_queue_clear (&self->suspects);
  g_hash_table_remove_all (self->trusted);
  g_mutex_unlock (&self->lock);
  gst_clear_caps (&old);
}

static GstElement *
gst_zrtp_dec_new_child (GstZrtpBase *base, const GstZrtpSrtpKeys *keys)
{
  GstZrtpDec *self = GST_ZRTP_DEC (base);
  GstElement *srtpdec = gst_element_factory_make ("srtpdec", "srtpdec");

  if (!srtpdec)
    return NULL;
  gst_object_ref_sink (srtpdec);
  set_key_caps (self, gst_zrtp_srtpdec_caps_new (keys));
  g_atomic_int_set (&self->authenticated, FALSE);
  g_signal_connect_object (srtpdec, "request-key", G_CALLBACK (on_request_key), self, 0);
  /* its pads are always there, and must be active before anything is sent into them */
  gst_element_set_state (srtpdec, GST_STATE_PAUSED);
  return srtpdec;
}

static void
gst_zrtp_dec_get_child_pads (GstZrtpBase *base, GstZrtpLink *link, GstPad **sink, GstPad **src)
{
  *sink = gst_element_get_static_pad (base->child, link->is_rtcp ? "rtcp_sink" : "rtp_sink");
  *src = gst_element_get_static_pad (base->child, link->is_rtcp ? "rtcp_src" : "rtp_src");
}

static void
gst_zrtp_dec_child_removed (GstZrtpBase *base)
{
  GstZrtpDec *self = GST_ZRTP_DEC (base);

  set_key_caps (self, NULL);
  self->known_ssrc[GST_ZRTP_RTP_LINK] = self->known_ssrc[GST_ZRTP_RTCP_LINK] = -1;
}

/* --- Class ------------------------------------------------------------------------------------- */

static const GstZrtpLinkFuncs link_funcs = {
    .chain = sink_chain,
    .chain_list = sink_chain_list,
    .event = sink_event,
};

static void
add_link (GstZrtpDec *self, gboolean is_rtcp, const gchar *sink_name, const gchar *src_name)
{
  GstZrtpBase *base = GST_ZRTP_BASE (self);
  GstElementClass *klass = GST_ELEMENT_GET_CLASS (self);
  GstZrtpLink *link = &base->links[is_rtcp];

  gst_zrtp_link_init (link, is_rtcp, gst_element_class_get_pad_template (klass, sink_name),
      sink_name, gst_element_class_get_pad_template (klass, src_name), src_name, &link_funcs);
  gst_zrtp_base_add_link (base, link);
}

static void
gst_zrtp_dec_finalize (GObject *object)
{
  GstZrtpDec *self = GST_ZRTP_DEC (object);

  set_key_caps (self, NULL);
  g_hash_table_unref (self->trusted);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (gst_zrtp_dec_parent_class)->finalize (object);
}

static void
gst_zrtp_dec_init (GstZrtpDec *self)
{
  g_mutex_init (&self->lock);
  g_queue_init (&self->suspects);
  self->trusted = g_hash_table_new (NULL, NULL);
  self->known_ssrc[GST_ZRTP_RTP_LINK] = self->known_ssrc[GST_ZRTP_RTCP_LINK] = -1;
  add_link (self, FALSE, "rtp_sink", "rtp_src");
  add_link (self, TRUE, "rtcp_sink", "rtcp_src");
}

static void
gst_zrtp_dec_class_init (GstZrtpDecClass *klass)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstZrtpBaseClass *base_class = GST_ZRTP_BASE_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (zrtp_dec_debug, "zrtpdec", 0, "ZRTP decryptor");
  gst_element_class_add_static_pad_template (element_class, &rtp_sink_template);
  gst_element_class_add_static_pad_template (element_class, &rtp_src_template);
  gst_element_class_add_static_pad_template (element_class, &rtcp_sink_template);
  gst_element_class_add_static_pad_template (element_class, &rtcp_src_template);
  gst_element_class_set_static_metadata (element_class, "ZRTP decryptor",
      "Filter/Network/SRTP/ZRTP",
      "Agrees on keys with the peer by ZRTP (RFC 6189) and decrypts RTP and RTCP with them",
      "The gst-zrtp authors");

  G_OBJECT_CLASS (klass)->finalize = gst_zrtp_dec_finalize;
  base_class->hand = GST_ZRTP_DEC_HAND;
  base_class->srtp_factory = "srtpdec";
  base_class->new_child = gst_zrtp_dec_new_child;
  base_class->get_child_pads = gst_zrtp_dec_get_child_pads;
  base_class->child_removed = gst_zrtp_dec_child_removed;
}
