/* The media side of an element: its gate, and the srtp element that comes with the keys and goes with
 * them.
 *
 * The srtp element is made afresh for every negotiation and thrown away with its keys: so it starts
 * with a roll-over counter of zero, the keys are wiped with it, and its re-keying, which differs
 * between GStreamer versions, is never used.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/elements/zrtpbase.h"

GST_DEBUG_CATEGORY_EXTERN (zrtp_connection_debug);
#define GST_CAT_DEFAULT zrtp_connection_debug

static const gchar *counter_names[GST_ZRTP_N_COUNTERS] = {
    [GST_ZRTP_SENT_CLEAR] = "sent-clear",
    [GST_ZRTP_SENT_PROTECTED] = "sent-protected",
    [GST_ZRTP_SEND_DROPPED_NOT_SECURE] = "send-dropped-not-secure",
    [GST_ZRTP_SEND_DROPPED_NEGOTIATING] = "send-dropped-negotiating",
    [GST_ZRTP_SEND_DROPPED_SRTP] = "send-dropped-srtp",
    [GST_ZRTP_RECEIVED_CLEAR] = "received-clear",
    [GST_ZRTP_RECEIVED_PROTECTED] = "received-protected",
    [GST_ZRTP_RECEIVE_DROPPED_NOT_SECURE] = "receive-dropped-not-secure",
    [GST_ZRTP_RECEIVE_DROPPED_SRTP] = "receive-dropped-srtp",
    [GST_ZRTP_RECEIVE_DROPPED_MALFORMED] = "receive-dropped-malformed",
    [GST_ZRTP_ZRTP_DROPPED_OVERSIZED] = "zrtp-dropped-oversized",
    [GST_ZRTP_ZRTP_DROPPED_OVERFLOW] = "zrtp-dropped-overflow",
    [GST_ZRTP_ZRTP_DROPPED_NOT_SENT] = "zrtp-dropped-not-sent",
};

/* --- Counters ---------------------------------------------------------------------------------- */

void
gst_zrtp_base_add_stats (GstZrtpBase *self, GstStructure *stats)
{
  GstZrtpHand hand = GST_ZRTP_BASE_GET_CLASS (self)->hand;
  guint i;

  for (i = 0; i < GST_ZRTP_N_COUNTERS; i++) {
    /* each counts on one hand only; the last line of the sending hand is its unsent ZRTP */
    gboolean sending = i <= GST_ZRTP_SEND_DROPPED_SRTP || i == GST_ZRTP_ZRTP_DROPPED_NOT_SENT;
    if (sending == (hand == GST_ZRTP_ENC_HAND))
      gst_structure_set (stats, counter_names[i], G_TYPE_UINT64,
          (guint64) __atomic_load_n (&self->counters[i], __ATOMIC_RELAXED), NULL);
  }
}

/* Anybody can make us drop packets, nobody shall fill the disk with it. */
static gboolean
may_log (GstZrtpBase *self)
{
  gint64 now = g_get_monotonic_time ();
  gint64 next = __atomic_load_n (&self->next_log, __ATOMIC_RELAXED);

  return now >= next && __atomic_compare_exchange_n (&self->next_log, &next, now + G_USEC_PER_SEC,
                            FALSE, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

GstFlowReturn
gst_zrtp_base_drop (GstZrtpBase *self, GstZrtpCounter counter, gpointer buffer_or_list)
{
  gst_zrtp_base_count (self, counter,
      GST_IS_BUFFER_LIST (buffer_or_list) ? gst_buffer_list_length (buffer_or_list) : 1);
  if (may_log (self))
    GST_INFO_OBJECT (self, "dropped a packet (%s)", counter_names[counter]);
  gst_mini_object_unref (buffer_or_list);
  return GST_FLOW_OK;
}

/* --- The gate ---------------------------------------------------------------------------------- */

/* Fail closed: clear media needs every condition, and a stream that ever had keys never meets them
 * again. */
static GstZrtpGate
decide_unlocked (GstZrtpBase *self)
{
  if (self->has_keys)
    return GST_ZRTP_GATE_SECURE;
  /* Only an authenticated GoClear and our user lead there, and only with allow-clear. */
  if (self->state == GST_ZRTP_STATE_CLEAR)
    return GST_ZRTP_GATE_CLEAR;
  if (self->policy != GST_ZRTP_POLICY_BEST_EFFORT || self->had_keys)
    return GST_ZRTP_GATE_BLOCKED;
  /* RFC 6189 §4: neither RTP after a Commit nor SRTP before the end of the handshake */
  if ((self->state == GST_ZRTP_STATE_NEGOTIATING || self->state == GST_ZRTP_STATE_SECURE) &&
      GST_ZRTP_BASE_GET_CLASS (self)->hand == GST_ZRTP_ENC_HAND)
    return GST_ZRTP_GATE_NEGOTIATING;
  return GST_ZRTP_GATE_CLEAR;
}

static void
decide (GstZrtpBase *self)
{
  g_atomic_int_set (&self->gate, decide_unlocked (self));
}

void
gst_zrtp_base_update_gate (GstZrtpBase *self, GstZrtpState state, GstZrtpPolicy policy)
{
  GST_OBJECT_LOCK (self);
  self->state = state;
  self->policy = policy;
  decide (self);
  GST_OBJECT_UNLOCK (self);
}

static void
set_has_keys (GstZrtpBase *self, gboolean has_keys)
{
  GST_OBJECT_LOCK (self);
  self->has_keys = has_keys;
  decide (self);
  GST_OBJECT_UNLOCK (self);
}

static void
set_had_keys (GstZrtpBase *self, gboolean had_keys)
{
  GST_OBJECT_LOCK (self);
  self->had_keys = had_keys;
  decide (self);
  GST_OBJECT_UNLOCK (self);
}

/* --- The srtp element -------------------------------------------------------------------------- */

static void
insert_child (GstZrtpBase *self, GstZrtpLink *link)
{
  GstPad *sink, *src;

  GST_ZRTP_BASE_GET_CLASS (self)->get_child_pads (self, link, &sink, &src);
  gst_zrtp_link_insert (link, sink, src);
}

static void
take_out_child (GstZrtpBase *self, GstZrtpLink *link)
{
  GstZrtpBaseClass *klass = GST_ZRTP_BASE_GET_CLASS (self);
  GstPad *sink = gst_zrtp_link_take_out (link);

  if (!sink)
    return;
  if (klass->release_child_pad)
    klass->release_child_pad (self, sink);
  gst_object_unref (sink);
}

/* FALSE when a packet is on its way through the child and `wait` is not set. */
static gboolean
take_child_out_of_links (GstZrtpBase *self, gboolean wait)
{
  gboolean all = TRUE;
  guint i;

  for (i = 0; i < GST_ZRTP_N_LINKS; i++) {
    GstPad *pad;

    g_mutex_lock (&self->wiring);
    pad = self->links[i].is_present ? gst_object_ref (self->links[i].sink) : NULL;
    g_mutex_unlock (&self->wiring);
    if (!pad)
      continue;
    if (wait)
      GST_PAD_STREAM_LOCK (pad);
    if (wait || GST_PAD_STREAM_TRYLOCK (pad)) {
      g_mutex_lock (&self->wiring);
      if (self->links[i].is_present && pad == self->links[i].sink)
        take_out_child (self, &self->links[i]);
      g_mutex_unlock (&self->wiring);
      GST_PAD_STREAM_UNLOCK (pad);
    } else {
      all = FALSE;
    }
    gst_object_unref (pad);
  }
  return all;
}

static gboolean
remove_child (GstZrtpBase *self, gboolean wait)
{
  GstElement *child;

  set_has_keys (self, FALSE);
  if (!take_child_out_of_links (self, wait))
    return FALSE;
  g_mutex_lock (&self->wiring);
  child = g_steal_pointer (&self->child);
  g_mutex_unlock (&self->wiring);
  if (!child)
    return TRUE;
  gst_element_set_state (child, GST_STATE_NULL);
  gst_bin_remove (GST_BIN (self), child);
  gst_object_unref (child);
  if (GST_ZRTP_BASE_GET_CLASS (self)->child_removed)
    GST_ZRTP_BASE_GET_CLASS (self)->child_removed (self);
  return TRUE;
}

gboolean
gst_zrtp_base_install_keys (GstZrtpBase *self, const GstZrtpSrtpKeys *keys)
{
  GstZrtpBaseClass *klass = GST_ZRTP_BASE_GET_CLASS (self);
  GstElement *child;
  guint i;

  set_had_keys (self, TRUE);
  remove_child (self, TRUE);
  child = klass->new_child (self, keys);
  if (!child)
    return FALSE;
  gst_bin_add (GST_BIN (self), gst_object_ref (child));
  gst_element_sync_state_with_parent (child);

  g_mutex_lock (&self->wiring);
  self->child = child;
  for (i = 0; i < GST_ZRTP_N_LINKS; i++)
    if (self->links[i].is_present)
      insert_child (self, &self->links[i]);
  g_mutex_unlock (&self->wiring);

  set_has_keys (self, TRUE);
  return TRUE;
}

gboolean
gst_zrtp_base_drop_keys (GstZrtpBase *self, gboolean stopped)
{
  gboolean gone = remove_child (self, stopped);

  if (stopped)
    set_had_keys (self, FALSE);
  return gone;
}

/* --- Links ------------------------------------------------------------------------------------- */

void
gst_zrtp_base_add_link (GstZrtpBase *self, GstZrtpLink *link)
{
  g_mutex_lock (&self->wiring);
  link->is_present = TRUE;
  if (self->child)
    insert_child (self, link);
  g_mutex_unlock (&self->wiring);

  if (GST_STATE_TARGET (self) >= GST_STATE_PAUSED) {
    gst_pad_set_active (link->src, TRUE);
    gst_pad_set_active (link->sink, TRUE);
  }
  gst_element_add_pad (GST_ELEMENT (self), link->src);
  gst_element_add_pad (GST_ELEMENT (self), link->sink);
}

void
gst_zrtp_base_stop_links (GstZrtpBase *self)
{
  guint i;

  for (i = 0; i < GST_ZRTP_N_LINKS; i++)
    if (self->links[i].is_present)
      gst_zrtp_link_stop (&self->links[i]);
}

void
gst_zrtp_base_remove_link (GstZrtpBase *self, GstZrtpLink *link)
{
  gst_zrtp_link_stop (link);
  g_mutex_lock (&self->wiring);
  link->is_present = FALSE;
  take_out_child (self, link);
  g_mutex_unlock (&self->wiring);

  gst_element_remove_pad (GST_ELEMENT (self), link->src);
  gst_element_remove_pad (GST_ELEMENT (self), link->sink);
}
