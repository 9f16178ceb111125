/* A call between two parties in one process.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/elements/call.h"

#define PATIENCE (10 * G_TIME_SPAN_SECOND)

/* --- Packets ----------------------------------------------------------------------------------- */

PacketKind
packet_kind (GstBuffer *buffer)
{
  guint8 header[12] = {0};
  gsize size = gst_buffer_extract (buffer, 0, header, sizeof header);

  if (size == sizeof header && header[0] >> 4 == 1 && GST_READ_UINT32_BE (header + 4) == 0x5a525450)
    return PACKET_ZRTP;
  if (header[0] >> 6 != 2)
    return PACKET_OTHER;
  return header[1] >= 192 && header[1] <= 223 ? PACKET_RTCP : PACKET_RTP;
}

GstBuffer *
new_rtp (guint16 seq, guint32 ssrc, guint8 fill)
{
  guint8 packet[172] = {0x80, 0};

  GST_WRITE_UINT16_BE (packet + 2, seq);
  GST_WRITE_UINT32_BE (packet + 4, seq * 160);
  GST_WRITE_UINT32_BE (packet + 8, ssrc);
  memset (packet + 12, fill, sizeof packet - 12);
  return gst_buffer_new_memdup (packet, sizeof packet);
}

/* A sender report. */
GstBuffer *
new_rtcp (guint32 ssrc)
{
  guint8 packet[28] = {0x80, 200, 0, 6};

  GST_WRITE_UINT32_BE (packet + 4, ssrc);
  memset (packet + 8, 0x5e, sizeof packet - 8);
  return gst_buffer_new_memdup (packet, sizeof packet);
}

gboolean
buffers_equal (GstBuffer *a, GstBuffer *b)
{
  GstMapInfo info;
  gboolean equal;

  gst_buffer_map (a, &info, GST_MAP_READ);
  equal =
      gst_buffer_get_size (b) == info.size && gst_buffer_memcmp (b, 0, info.data, info.size) == 0;
  gst_buffer_unmap (a, &info);
  return equal;
}

guint
count_threads (void)
{
  GDir *dir = g_dir_open ("/proc/self/task", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir))
    n++;
  g_dir_close (dir);
  return n;
}

/* --- The network -------------------------------------------------------------------------------- */

static Channel
channel_of (GstPad *pad)
{
  return GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (pad), "channel"));
}

GstBuffer *
network_lose (Party *from, Channel channel, GstBuffer *buffer)
{
  gst_buffer_unref (buffer);
  return NULL;
}

static GstFlowReturn
on_sent (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  Party *party = gst_pad_get_element_private (pad);
  Channel channel = channel_of (pad);
  Call *call = party->call;

  g_mutex_lock (&call->lock);
  party->sent[channel][packet_kind (buffer)]++;
  g_ptr_array_add (party->first[channel], g_strdup ("buffer"));
  g_cond_broadcast (&call->changed);
  g_mutex_unlock (&call->lock);

  if (call->network)
    buffer = call->network (party, channel, buffer);
  if (buffer)
    party_inject (party->peer, call->mux ? RTP : channel, buffer);
  return GST_FLOW_OK;
}

static gboolean
on_sent_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  Party *party = gst_pad_get_element_private (pad);
  Channel channel = channel_of (pad);
  GstCaps *caps;

  g_mutex_lock (&party->call->lock);
  g_ptr_array_add (party->first[channel], g_strdup (GST_EVENT_TYPE_NAME (event)));
  if (GST_EVENT_TYPE (event) == GST_EVENT_CAPS) {
    gst_event_parse_caps (event, &caps);
    g_ptr_array_add (party->caps[channel], gst_caps_to_string (caps));
  }
  g_mutex_unlock (&party->call->lock);
  return gst_pad_event_default (pad, parent, event);
}

static GstFlowReturn
on_received (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  Party *party = gst_pad_get_element_private (pad);

  g_mutex_lock (&party->call->lock);
  g_queue_push_tail (&party->received[channel_of (pad)], buffer);
  g_cond_broadcast (&party->call->changed);
  g_mutex_unlock (&party->call->lock);
  return GST_FLOW_OK;
}

/* --- Parties ------------------------------------------------------------------------------------ */

/* Without a template, a pad that had caps once takes no others. */
static GstStaticPadTemplate any_sink =
    GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate any_src =
    GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

static GstPad *
new_pad (Party *party, const gchar *name, GstPadDirection direction, Channel channel)
{
  GstStaticPadTemplate *any = direction == GST_PAD_SRC ? &any_src : &any_sink;
  GstPad *pad = gst_object_ref_sink (gst_pad_new_from_static_template (any, name));

  gst_pad_set_element_private (pad, party);
  g_object_set_data (G_OBJECT (pad), "channel", GUINT_TO_POINTER (channel));
  gst_pad_set_active (pad, TRUE);
  return pad;
}

static void
link_pad (GstPad *pad, GstElement *element, const gchar *name)
{
  GstPad *other = g_strrstr (name, "_0") && g_strrstr (name, "sink")
                      ? gst_element_request_pad_simple (element, name)
                      : gst_element_get_static_pad (element, name);

  fail_unless (other != NULL, "no pad %s", name);
  if (gst_pad_get_direction (pad) == GST_PAD_SRC) {
    fail_unless_equals_int (gst_pad_link (pad, other), GST_PAD_LINK_OK);
  } else {
    fail_unless_equals_int (gst_pad_link (other, pad), GST_PAD_LINK_OK);
  }
  gst_object_unref (other);
}

void
send_events (GstPad *pad, const gchar *caps_text)
{
  GstCaps *caps = gst_caps_from_string (caps_text);
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  fail_unless (gst_pad_push_event (pad, gst_event_new_stream_start ("test")));
  fail_unless (gst_pad_push_event (pad, gst_event_new_caps (caps)));
  fail_unless (gst_pad_push_event (pad, gst_event_new_segment (&segment)));
  gst_caps_unref (caps);
}

static void
wire (Party *party, Channel channel)
{
  const gchar *kind = channel == RTP ? "rtp" : "rtcp";
  gchar *name = g_strdup_printf ("%s_sink_0", kind);

  party->in[channel] = new_pad (party, "in", GST_PAD_SRC, channel);
  link_pad (party->in[channel], party->enc, name);
  g_free (name);

  party->to_net[channel] = new_pad (party, "to_net", GST_PAD_SINK, channel);
  gst_pad_set_chain_function (party->to_net[channel], on_sent);
  gst_pad_set_event_function (party->to_net[channel], on_sent_event);
  name = g_strdup_printf ("%s_src_0", kind);
  link_pad (party->to_net[channel], party->enc, name);
  g_free (name);

  party->from_net[channel] = new_pad (party, "from_net", GST_PAD_SRC, channel);
  name = g_strdup_printf ("%s_sink", kind);
  link_pad (party->from_net[channel], party->dec, name);
  g_free (name);

  party->out[channel] = new_pad (party, "out", GST_PAD_SINK, channel);
  gst_pad_set_chain_function (party->out[channel], on_received);
  name = g_strdup_printf ("%s_src", kind);
  link_pad (party->out[channel], party->dec, name);
  g_free (name);

  g_queue_init (&party->received[channel]);
  party->caps[channel] = g_ptr_array_new_with_free_func (g_free);
  party->first[channel] = g_ptr_array_new_with_free_func (g_free);
}

void
party_set (GstElement *element, const gchar *properties)
{
  gchar **items = g_strsplit (properties, " ", -1);
  guint i;

  for (i = 0; items[i] && *items[i]; i++) {
    gchar **pair = g_strsplit (items[i], "=", 2);
    gst_util_set_object_arg (G_OBJECT (element), pair[0], pair[1]);
    g_strfreev (pair);
  }
  g_strfreev (items);
}

static void
party_init (Party *party, Call *call, Party *peer, const gchar *name, const gchar *properties)
{
  party->call = call;
  party->peer = peer;
  party->name = g_intern_string (name);
  party->pipeline = gst_pipeline_new (name);
  party->enc = gst_element_factory_make ("zrtpenc", NULL);
  party->dec = gst_element_factory_make ("zrtpdec", NULL);
  fail_unless (party->enc && party->dec, "the plugin zrtp was not found");
  gst_bin_add_many (GST_BIN (party->pipeline), party->enc, party->dec, NULL);
  g_object_set (party->enc, "connection-id", name, NULL);
  g_object_set (party->dec, "connection-id", name, NULL);
  party_set (party->enc, properties);
  party_set (party->dec, properties);
  wire (party, RTP);
  wire (party, RTCP);
}

static void
party_clear (Party *party)
{
  Channel channel;

  gst_element_set_state (party->pipeline, GST_STATE_NULL);
  for (channel = 0; channel < N_CHANNELS; channel++) {
    GstPad *pads[] = {
        party->in[channel], party->to_net[channel], party->from_net[channel], party->out[channel]};
    guint i;

    for (i = 0; i < G_N_ELEMENTS (pads); i++) {
      gst_pad_set_active (pads[i], FALSE);
      gst_object_unref (pads[i]);
    }
    g_queue_clear_full (&party->received[channel], (GDestroyNotify) gst_buffer_unref);
    g_ptr_array_unref (party->caps[channel]);
    g_ptr_array_unref (party->first[channel]);
  }
  gst_object_unref (party->pipeline);
}

void
party_set_state (Party *party, GstState state)
{
  fail_if (gst_element_set_state (party->pipeline, state) == GST_STATE_CHANGE_FAILURE);
}

GstFlowReturn
party_send (Party *party, Channel channel, GstBuffer *buffer)
{
  return gst_pad_push (party->in[channel], buffer);
}

GstFlowReturn
party_inject (Party *party, Channel channel, GstBuffer *buffer)
{
  return gst_pad_push (party->from_net[channel], buffer);
}

/* --- Payloaders -------------------------------------------------------------------------------- */

void
insert_payloader (Payloader *self, Party *party)
{
  GstPad *enc_sink = gst_pad_get_peer (party->in[RTP]);
  GstPad *sink, *src;

  self->element = gst_element_factory_make ("rtppcmupay", NULL);
  self->in = gst_object_ref_sink (gst_pad_new ("audio", GST_PAD_SRC));
  sink = gst_element_get_static_pad (self->element, "sink");
  src = gst_element_get_static_pad (self->element, "src");
  gst_bin_add (GST_BIN (party->pipeline), self->element);
  fail_unless (gst_pad_unlink (party->in[RTP], enc_sink));
  fail_unless_equals_int (gst_pad_link (self->in, sink), GST_PAD_LINK_OK);
  fail_unless_equals_int (gst_pad_link (src, enc_sink), GST_PAD_LINK_OK);
  gst_pad_set_active (self->in, TRUE);
  gst_object_unref (enc_sink);
  gst_object_unref (sink);
  gst_object_unref (src);
}

void
restart_payloader (Payloader *self)
{
  gst_element_set_state (self->element, GST_STATE_READY);
  gst_element_sync_state_with_parent (self->element);
  send_events (self->in, "audio/x-mulaw, rate=8000, channels=1");
}

void
remove_payloader (Payloader *self)
{
  gst_pad_set_active (self->in, FALSE);
  gst_object_unref (self->in);
}

/* --- Waiting ------------------------------------------------------------------------------------ */

static GstClockTime
time_left (gint64 end)
{
  const gint64 now = g_get_monotonic_time ();

  return now < end ? (end - now) * GST_USECOND : 0;
}

static GstMessage *
wait_message (Party *party, GstMessageType types, const gchar *name, gint64 patience)
{
  GstBus *bus = gst_element_get_bus (party->pipeline);
  gint64 end = g_get_monotonic_time () + patience;
  GstMessage *message;

  while ((message = gst_bus_timed_pop_filtered (bus, time_left (end), types)) && name &&
         !gst_message_has_name (message, name))
    gst_message_unref (message);
  gst_object_unref (bus);
  return message;
}

GstStructure *
party_wait_message (Party *party, const gchar *name)
{
  GstMessage *message = wait_message (party, GST_MESSAGE_ELEMENT, name, PATIENCE);
  GstStructure *structure;

  fail_unless (message != NULL, "%s: no message %s came", party->name, name);
  fail_unless (GST_MESSAGE_SRC (message) == GST_OBJECT (party->enc),
      "messages come from zrtpenc, not from %s", GST_MESSAGE_SRC_NAME (message));
  structure = gst_structure_copy (gst_message_get_structure (message));
  fail_unless_equals_string (gst_structure_get_string (structure, "connection-id"), party->name);
  fail_unless (gst_structure_get_string (structure, "session-id") != NULL);
  gst_message_unref (message);
  return structure;
}

gboolean
party_has_message (Party *party, const gchar *name)
{
  GstMessage *message = wait_message (party, GST_MESSAGE_ELEMENT, name, 0);

  if (message)
    gst_message_unref (message);
  return message != NULL;
}

GstStructure *
party_pass_time_until (GstTestClock *test_clock, Party *party, const gchar *name)
{
  gint64 end = g_get_monotonic_time () + 20 * G_TIME_SPAN_SECOND;
  GstBus *bus = gst_element_get_bus (party->pipeline);
  GstStructure *found = NULL;
  guint packets = 0, before;

  while (!found && g_get_monotonic_time () < end) {
    GstMessage *message = gst_bus_timed_pop_filtered (bus, 40 * GST_MSECOND, GST_MESSAGE_ELEMENT);

    before = packets;
    packets = party_n_sent (party, RTP, PACKET_ZRTP) + party_n_sent (party->peer, RTP, PACKET_ZRTP);
    if (message) {
      if (gst_message_has_name (message, name))
        found = gst_structure_copy (gst_message_get_structure (message));
      gst_message_unref (message);
    } else if (packets == before && gst_test_clock_peek_next_pending_id (test_clock, NULL)) {
      gst_test_clock_crank (test_clock);
    }
  }
  gst_object_unref (bus);
  fail_unless (found != NULL, "%s: no %s in all the time", party->name, name);
  return found;
}

GstMessage *
party_wait_error (Party *party, GstMessageType type)
{
  GstMessage *message = wait_message (party, type, NULL, PATIENCE);

  fail_unless (message != NULL, "%s: no %s came", party->name, gst_message_type_get_name (type));
  return message;
}

/* TRUE while it is worth waiting on. */
static gboolean
wait_change (Call *call, gint64 end)
{
  return g_cond_wait_until (&call->changed, &call->lock,
             MIN (end, g_get_monotonic_time () + 10 * G_TIME_SPAN_MILLISECOND)) ||
         g_get_monotonic_time () < end;
}

void
party_wait_state (Party *party, GstZrtpState state)
{
  gint64 end = g_get_monotonic_time () + PATIENCE;
  GstZrtpState is;

  do {
    g_object_get (party->enc, "state", &is, NULL);
    if (is != state)
      g_usleep (1000);
  } while (is != state && g_get_monotonic_time () < end);
  fail_unless_equals_int (is, state);
}

void
party_wait_received (Party *party, Channel channel, guint n)
{
  gint64 end = g_get_monotonic_time () + PATIENCE;
  guint is;

  g_mutex_lock (&party->call->lock);
  while ((is = party->received[channel].length) < n && wait_change (party->call, end))
    continue;
  g_mutex_unlock (&party->call->lock);
  fail_unless (is >= n, "%s: %u packets came, not %u", party->name, is, n);
}

void
party_wait_sent (Party *party, Channel channel, PacketKind kind, guint n)
{
  gint64 end = g_get_monotonic_time () + PATIENCE;
  guint is;

  g_mutex_lock (&party->call->lock);
  while ((is = party->sent[channel][kind]) < n && wait_change (party->call, end))
    continue;
  g_mutex_unlock (&party->call->lock);
  fail_unless (is >= n, "%s: %u packets left, not %u", party->name, is, n);
}

GstBuffer *
party_pop (Party *party, Channel channel)
{
  GstBuffer *buffer;

  party_wait_received (party, channel, 1);
  g_mutex_lock (&party->call->lock);
  buffer = g_queue_pop_head (&party->received[channel]);
  g_mutex_unlock (&party->call->lock);
  return buffer;
}

guint
party_n_received (Party *party, Channel channel)
{
  guint n;

  g_mutex_lock (&party->call->lock);
  n = party->received[channel].length;
  g_mutex_unlock (&party->call->lock);
  return n;
}

guint
party_n_sent (Party *party, Channel channel, PacketKind kind)
{
  guint n;

  g_mutex_lock (&party->call->lock);
  n = party->sent[channel][kind];
  g_mutex_unlock (&party->call->lock);
  return n;
}

guint64
party_stat (Party *party, const gchar *name)
{
  GstStructure *stats;
  guint64 value = 0;

  g_object_get (party->dec, "stats", &stats, NULL);
  fail_unless (gst_structure_get_uint64 (stats, name, &value), "stats have no %s", name);
  gst_structure_free (stats);
  return value;
}

void
party_wait_stat (Party *party, const gchar *name, guint64 at_least)
{
  gint64 end = g_get_monotonic_time () + PATIENCE;

  while (party_stat (party, name) < at_least && g_get_monotonic_time () < end)
    g_usleep (1000);
  fail_unless (party_stat (party, name) >= at_least, "%s: %s is %" G_GUINT64_FORMAT, party->name,
      name, party_stat (party, name));
}

/* --- Calls -------------------------------------------------------------------------------------- */

Call *
call_new (const gchar *a, const gchar *b)
{
  return call_new_as ("a", "b", a, b);
}

Call *
call_new_as (const gchar *name_a, const gchar *name_b, const gchar *a, const gchar *b)
{
  Call *call = g_new0 (Call, 1);

  g_mutex_init (&call->lock);
  g_cond_init (&call->changed);
  party_init (&call->a, call, &call->b, name_a, a);
  party_init (&call->b, call, &call->a, name_b, b);
  return call;
}

static void
start_receiving (Party *party)
{
  party_set_state (party, GST_STATE_READY);
  gst_element_set_state (party->dec, GST_STATE_PAUSED);
  send_events (party->from_net[RTP], "application/x-srtp, media=audio, clock-rate=8000");
  send_events (party->from_net[RTCP], "application/x-srtcp");
}

static void
start_sending (Party *party)
{
  send_events (party->in[RTP], "application/x-rtp, media=audio, clock-rate=8000, payload=0");
  send_events (party->in[RTCP], "application/x-rtcp");
}

void
call_play_silent (Call *call)
{
  start_receiving (&call->a);
  start_receiving (&call->b);
  party_set_state (&call->a, GST_STATE_PLAYING);
  party_set_state (&call->b, GST_STATE_PLAYING);
}

void
call_play (Call *call)
{
  call_play_silent (call);
  start_sending (&call->a);
  start_sending (&call->b);
}

Call *
call_new_secure (const gchar *a, const gchar *b)
{
  Call *call = call_new (a, b);

  call_play (call);
  gst_structure_free (party_wait_message (&call->a, "zrtp-secure"));
  gst_structure_free (party_wait_message (&call->b, "zrtp-secure"));
  return call;
}

void
call_free (Call *call)
{
  gst_element_set_state (call->a.pipeline, GST_STATE_NULL);
  gst_element_set_state (call->b.pipeline, GST_STATE_NULL);
  party_clear (&call->a);
  party_clear (&call->b);
  g_mutex_clear (&call->lock);
  g_cond_clear (&call->changed);
  g_free (call);
}
