/* One way through an element: a sink pad, a source pad, and between them nothing, or an srtp element.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/elements/zrtplink.h"

/* --- Caps -------------------------------------------------------------------------------------- */

static gboolean
is_not_of_srtp (GQuark field, GValue *value, gpointer unused)
{
  const gchar *name = g_quark_to_string (field);

  return !g_str_has_prefix (name, "srtp-") && !g_str_has_prefix (name, "srtcp-") &&
         !g_str_has_prefix (name, "mki") && !g_str_equal (name, "roc");
}

/* The same caps under each of the names in `names`, without what belongs to SRTP. */
static GstCaps *
map_caps (GstCaps *caps, GstCaps *names)
{
  GstCaps *result;
  guint i, j;

  if (gst_caps_is_any (caps))
    return gst_caps_ref (names);
  result = gst_caps_new_empty ();
  for (i = 0; i < gst_caps_get_size (names); i++) {
    const gchar *name = gst_structure_get_name (gst_caps_get_structure (names, i));
    for (j = 0; j < gst_caps_get_size (caps); j++) {
      GstStructure *structure = gst_structure_copy (gst_caps_get_structure (caps, j));
      gst_structure_set_name (structure, name);
      gst_structure_filter_and_map_in_place (structure, is_not_of_srtp, NULL);
      result = gst_caps_merge_structure (result, structure);
    }
  }
  return result;
}

static GstPad *
other_pad (GstPad *pad)
{
  GstZrtpLink *link = GST_PAD_ELEMENT_PRIVATE (pad);

  return pad == link->sink ? link->src : link->sink;
}

GstCaps *
gst_zrtp_link_query_caps (GstPad *pad, GstCaps *filter)
{
  GstPad *other = other_pad (pad);
  GstCaps *names = gst_pad_get_pad_template_caps (pad);
  GstCaps *other_names = gst_pad_get_pad_template_caps (other);
  GstCaps *other_filter = filter ? map_caps (filter, other_names) : NULL;
  GstCaps *peer_caps = gst_pad_peer_query_caps (other, other_filter);
  GstCaps *usable = gst_caps_intersect_full (peer_caps, other_names, GST_CAPS_INTERSECT_FIRST);
  GstCaps *result = map_caps (usable, names);

  gst_caps_unref (usable);
  gst_caps_unref (peer_caps);
  gst_clear_caps (&other_filter);
  gst_caps_unref (other_names);
  gst_caps_unref (names);
  return result;
}

void
gst_zrtp_link_answer_caps (GstQuery *query, GstCaps *caps)
{
  GstCaps *filter, *answer;

  gst_query_parse_caps (query, &filter);
  answer = filter ? gst_caps_intersect_full (filter, caps, GST_CAPS_INTERSECT_FIRST)
                  : gst_caps_ref (caps);
  gst_query_set_caps_result (query, answer);
  gst_caps_unref (answer);
  gst_caps_unref (caps);
}

gboolean
gst_zrtp_link_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstCaps *filter;

  if (GST_QUERY_TYPE (query) != GST_QUERY_CAPS)
    return gst_pad_query_default (pad, parent, query);
  gst_query_parse_caps (query, &filter);
  gst_zrtp_link_answer_caps (query, gst_zrtp_link_query_caps (pad, filter));
  return TRUE;
}

void
gst_zrtp_link_push_caps (GstZrtpLink *link, const gchar *media_type)
{
  GstCaps *name = gst_caps_new_empty_simple (media_type);
  GstCaps *caps = link->caps ? map_caps (link->caps, name) : gst_caps_ref (name);

  gst_pad_push_event (link->src, gst_event_new_caps (caps));
  gst_caps_unref (caps);
  gst_caps_unref (name);
}

/* --- Events ------------------------------------------------------------------------------------ */

static gboolean
has_sticky (GstPad *pad, GstEventType type)
{
  GstEvent *event = gst_pad_get_sticky_event (pad, type, 0);

  if (event)
    gst_event_unref (event);
  return event != NULL;
}

static GstEvent *
new_stream_start (GstPad *pad)
{
  gchar *uuid = g_uuid_string_random ();
  gchar *id = g_strdup_printf ("%s/%s", uuid, GST_PAD_NAME (pad));
  GstEvent *event = gst_event_new_stream_start (id);

  gst_event_set_group_id (event, gst_util_group_id_next ());
  g_free (id);
  g_free (uuid);
  return event;
}

static GstEvent *
new_segment (void)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  return gst_event_new_segment (&segment);
}

void
gst_zrtp_link_begin (GstZrtpLink *link, const gchar *media_type)
{
  if (!has_sticky (link->src, GST_EVENT_STREAM_START))
    gst_pad_push_event (link->src, new_stream_start (link->src));
  if (!gst_pad_has_current_caps (link->src))
    gst_zrtp_link_push_caps (link, media_type);
  if (!has_sticky (link->src, GST_EVENT_SEGMENT))
    gst_pad_push_event (link->src, new_segment ());
}

static gboolean
src_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstZrtpLink *link = GST_PAD_ELEMENT_PRIVATE (pad);

  return gst_pad_push_event (link->sink, event);
}

/* What the srtp element says of its private stream interests nobody. */
static gboolean
inner_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  gst_event_unref (event);
  return TRUE;
}

static gboolean
inner_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  return FALSE;
}

/* --- The srtp element -------------------------------------------------------------------------- */

_Thread_local gpointer gst_zrtp_came_out;
_Thread_local GstZrtpLink *gst_zrtp_came_out_at;

/* One goes in, so no more than one comes out. */
static GstFlowReturn
take_out (GstPad *pad, gpointer packet)
{
  g_clear_pointer (&gst_zrtp_came_out, gst_mini_object_unref);
  gst_zrtp_came_out = packet;
  gst_zrtp_came_out_at = GST_PAD_ELEMENT_PRIVATE (pad);
  return GST_FLOW_OK;
}

static GstFlowReturn
inner_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  return take_out (pad, buffer);
}

static GstFlowReturn
inner_chain_list (GstPad *pad, GstObject *parent, GstBufferList *list)
{
  return take_out (pad, list);
}

/* --- Pads -------------------------------------------------------------------------------------- */

static GstIterator *
internal_links (GstPad *pad, GstObject *parent)
{
  GValue value = G_VALUE_INIT;
  GstIterator *iterator;

  g_value_init (&value, GST_TYPE_PAD);
  g_value_set_object (&value, other_pad (pad));
  iterator = gst_iterator_new_single (GST_TYPE_PAD, &value);
  g_value_unset (&value);
  return iterator;
}

static GstPad *
new_pad (
    GstZrtpLink *link, GstPadTemplate *pad_template, const gchar *name, GstPadQueryFunction query)
{
  GstPad *pad = gst_object_ref_sink (gst_pad_new_from_template (pad_template, name));

  gst_pad_set_element_private (pad, link);
  gst_pad_set_query_function (pad, query ? query : gst_zrtp_link_query);
  gst_pad_set_iterate_internal_links_function (pad, internal_links);
  GST_PAD_SET_PROXY_ALLOCATION (pad);
  /* what upstream may send is in the template; a change of x-rtp into x-srtp concerns only src */
  GST_PAD_SET_ACCEPT_TEMPLATE (pad);
  GST_PAD_SET_ACCEPT_INTERSECT (pad);
  return pad;
}

static void
make_inner (GstZrtpLink *link)
{
  link->inner = gst_object_ref_sink (gst_pad_new (NULL, GST_PAD_SINK));
  gst_pad_set_element_private (link->inner, link);
  gst_pad_set_chain_function (link->inner, inner_chain);
  gst_pad_set_chain_list_function (link->inner, inner_chain_list);
  gst_pad_set_event_function (link->inner, inner_event);
  gst_pad_set_query_function (link->inner, inner_query);
  gst_pad_set_active (link->inner, TRUE);
}

void
gst_zrtp_link_init (GstZrtpLink *link, gboolean is_rtcp, GstPadTemplate *sink_template,
    const gchar *sink_name, GstPadTemplate *src_template, const gchar *src_name,
    const GstZrtpLinkFuncs *funcs)
{
  gst_zrtp_link_clear (link);
  link->is_rtcp = is_rtcp;
  make_inner (link);
  link->sink = new_pad (link, sink_template, sink_name, funcs->query);
  gst_pad_set_chain_function (link->sink, funcs->chain);
  gst_pad_set_chain_list_function (link->sink, funcs->chain_list);
  gst_pad_set_event_function (link->sink, funcs->event);
  link->src = new_pad (link, src_template, src_name, NULL);
  gst_pad_set_event_function (link->src, src_event);
}

void
gst_zrtp_link_clear (GstZrtpLink *link)
{
  if (link->inner)
    gst_pad_set_active (link->inner, FALSE);
  gst_clear_object (&link->inner);
  gst_clear_object (&link->sink);
  gst_clear_object (&link->src);
  gst_clear_caps (&link->caps);
}

void
gst_zrtp_link_insert (GstZrtpLink *link, GstPad *child_sink, GstPad *child_src)
{
  gst_pad_link_full (child_src, link->inner, GST_PAD_LINK_CHECK_NOTHING);
  gst_object_unref (child_src);
  gst_pad_send_event (child_sink, gst_event_new_stream_start ("zrtp"));
  gst_pad_send_event (child_sink, new_segment ());
  g_atomic_pointer_set (&link->child, child_sink);
}

GstPad *
gst_zrtp_link_take_out (GstZrtpLink *link)
{
  GstPad *child = g_atomic_pointer_get (&link->child);
  GstPad *child_src = child ? gst_pad_get_peer (link->inner) : NULL;

  g_atomic_pointer_set (&link->child, NULL);
  if (child_src) {
    gst_pad_unlink (child_src, link->inner);
    gst_object_unref (child_src);
  }
  return child;
}

void
gst_zrtp_link_stop (GstZrtpLink *link)
{
  gst_pad_set_active (link->src, FALSE);
  gst_pad_set_active (link->sink, FALSE);
}
