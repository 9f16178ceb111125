/* What zrtpenc and zrtpdec have in common: properties, pairing, states, the gate for media, and the
 * srtp element that comes with the keys and goes with them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef __GST_ZRTP_BASE_H__
#define __GST_ZRTP_BASE_H__

#include <gst/zrtp/zrtp.h>

#include "gst/elements/srtpkeys.h"
#include "gst/elements/zrtplink.h"

G_BEGIN_DECLS

#define GST_TYPE_ZRTP_BASE (gst_zrtp_base_get_type ())
#define GST_ZRTP_BASE(object)                                                                      \
  (G_TYPE_CHECK_INSTANCE_CAST ((object), GST_TYPE_ZRTP_BASE, GstZrtpBase))
#define GST_ZRTP_BASE_CAST(object) ((GstZrtpBase *) (object))
#define GST_ZRTP_BASE_CLASS(klass)                                                                 \
  (G_TYPE_CHECK_CLASS_CAST ((klass), GST_TYPE_ZRTP_BASE, GstZrtpBaseClass))
#define GST_ZRTP_BASE_GET_CLASS(object)                                                            \
  (G_TYPE_INSTANCE_GET_CLASS ((object), GST_TYPE_ZRTP_BASE, GstZrtpBaseClass))

typedef struct _GstZrtpBase GstZrtpBase;
typedef struct _GstZrtpBaseClass GstZrtpBaseClass;
typedef struct _GstZrtpConnection GstZrtpConnection;

GType gst_zrtp_base_get_type (void);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstZrtpBase, gst_object_unref)

typedef enum {
  GST_ZRTP_ENC_HAND,
  GST_ZRTP_DEC_HAND,
  GST_ZRTP_N_HANDS,
} GstZrtpHand;

/* What happens to a media packet. */
typedef enum {
  GST_ZRTP_GATE_BLOCKED,     /* nothing passes: policy=required before keys, or after a failure */
  GST_ZRTP_GATE_CLEAR,       /* passes as it is: policy=best-effort before keys */
  GST_ZRTP_GATE_NEGOTIATING, /* zrtpenc only: from Commit on nothing is sent, RFC 6189 §4 */
  GST_ZRTP_GATE_SECURE,      /* through srtpenc or srtpdec */
} GstZrtpGate;

enum {
  GST_ZRTP_RTP_LINK,
  GST_ZRTP_RTCP_LINK,
  GST_ZRTP_N_LINKS
};

/* Fields of `stats`; in the order of the names in zrtpbase.c. */
typedef enum {
  GST_ZRTP_SENT_CLEAR,
  GST_ZRTP_SENT_PROTECTED,
  GST_ZRTP_SEND_DROPPED_NOT_SECURE,
  GST_ZRTP_SEND_DROPPED_NEGOTIATING,
  GST_ZRTP_SEND_DROPPED_SRTP,
  GST_ZRTP_RECEIVED_CLEAR,
  GST_ZRTP_RECEIVED_PROTECTED,
  GST_ZRTP_RECEIVE_DROPPED_NOT_SECURE,
  GST_ZRTP_RECEIVE_DROPPED_SRTP,
  GST_ZRTP_RECEIVE_DROPPED_MALFORMED,
  GST_ZRTP_ZRTP_DROPPED_OVERSIZED,
  GST_ZRTP_ZRTP_DROPPED_OVERFLOW,
  GST_ZRTP_ZRTP_DROPPED_NOT_SENT,
  GST_ZRTP_N_COUNTERS,
} GstZrtpCounter;

struct _GstZrtpBase {
  GstBin parent;

  /* configuration, under the object lock */
  gchar *connection_id, *session_id;
  GstZrtpSession *session;
  GHashTable *pending; /* property name → GValue, until there is a connection to tell it to */
  GMutex attaching;
  GstZrtpConnection *connection; /* from READY on, or from the first look at the session */
  gint ssrc_is_set;              /* atomic: by the property, so the media does not decide */

  /* media */
  GstZrtpLink links[GST_ZRTP_N_LINKS];
  GMutex wiring;     /* which pads and which child there are */
  GstElement *child; /* the srtp element, while there are keys */
  gint gate;         /* atomic, a GstZrtpGate */
  GstZrtpState state;
  GstZrtpPolicy policy;
  gboolean has_keys, had_keys;           /* now; since the element left READY */
  guint64 counters[GST_ZRTP_N_COUNTERS]; /* atomic */
  gint64 next_log;                       /* atomic */
};

struct _GstZrtpBaseClass {
  GstBinClass parent_class;

  GstZrtpHand hand;
  const gchar *srtp_factory;
  /* at least in READY, in no bin; NULL when it could not be made */
  GstElement *(*new_child) (GstZrtpBase *base, const GstZrtpSrtpKeys *keys);
  /* the pads of the child for this link, transfer full; and the way back, which may be NULL */
  void (*get_child_pads) (GstZrtpBase *base, GstZrtpLink *link, GstPad **sink, GstPad **src);
  void (*release_child_pad) (GstZrtpBase *base, GstPad *sink);
  void (*child_removed) (GstZrtpBase *base); /* may be NULL */
};

/* --- For the two elements: zrtpmedia.c --------------------------------------------------------- */

/* Adds the pads of the link, made by gst_zrtp_link_init(), to the element; the way back. */
void gst_zrtp_base_add_link (GstZrtpBase *base, GstZrtpLink *link);
void gst_zrtp_base_remove_link (GstZrtpBase *base, GstZrtpLink *link);
void gst_zrtp_base_stop_links (GstZrtpBase *base);

static inline GstZrtpGate
gst_zrtp_base_get_gate (GstZrtpBase *base)
{
  return (GstZrtpGate) g_atomic_int_get (&base->gate);
}

static inline void
gst_zrtp_base_count (GstZrtpBase *base, GstZrtpCounter counter, guint n_packets)
{
  __atomic_fetch_add (&base->counters[counter], n_packets, __ATOMIC_RELAXED);
}

/* Counts and unrefs, and writes a line into the log, though not more than one a second. */
GstFlowReturn gst_zrtp_base_drop (
    GstZrtpBase *base, GstZrtpCounter counter, gpointer buffer_or_list);

/* --- For the two elements: zrtpbase.c ---------------------------------------------------------- */

/* Transfer full; NULL while the element is in NULL and nobody asked for its session. Streaming
 * threads need no reference: base->connection is there as long as they are. */
GstZrtpConnection *gst_zrtp_base_get_connection (GstZrtpBase *base);

/* --- For the connection: zrtpmedia.c ----------------------------------------------------------- */

void gst_zrtp_base_update_gate (GstZrtpBase *base, GstZrtpState state, GstZrtpPolicy policy);
gboolean gst_zrtp_base_install_keys (GstZrtpBase *base, const GstZrtpSrtpKeys *keys);
/* `stopped`: the element is in READY. If it is not, no packet passes any more, but the srtp element may
 * be in use for one that a sink holds up: then FALSE, and it is to be tried again. */
gboolean gst_zrtp_base_drop_keys (GstZrtpBase *base, gboolean stopped);
void gst_zrtp_base_add_stats (GstZrtpBase *base, GstStructure *stats);

G_END_DECLS

#endif
