/* What a media packet costs on its way through zrtpenc and zrtpdec, against the same packet through
 * srtpenc and srtpdec alone.
 *
 *   ours    a source pad → zrtpenc → zrtpdec → a sink pad, of two parties who are secure
 *   bare    a source pad → srtpenc → srtpdec → a sink pad, with the same algorithms
 *
 * One line for each pair of algorithms and size of payload; medians of interleaved rounds, differences
 * and ratios taken round by round, so that a machine whose speed drifts does not blur them. Both include
 * what making a buffer costs.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include <gst/gst.h>
#include <string.h>
#include <time.h>

enum {
  HEADER = 12,
  MAX_ROUNDS = 1000,
};

typedef struct {
  const gchar *name, *cipher, *auth_tag; /* as ZRTP has them */
  const gchar *srtp_cipher, *srtp_auth;
  guint key_size;
} Profile;

static const Profile profiles[] = {
    {"AES1-HS80", "AES1", "HS80", "aes-128-icm", "hmac-sha1-80", 30},
    {"AES3-HS80", "AES3", "HS80", "aes-256-icm", "hmac-sha1-80", 46},
    {"AES1-GCM", "AES1", "GCM", "aes-128-gcm", "null", 28},
    {"AES3-GCM", "AES3", "GCM", "aes-256-gcm", "null", 44},
};

static const guint sizes[] = {160, 1200};

/* Somewhere packets go through. */
typedef struct {
  GstElement *pipeline;
  GstPad *in, *out;
  guint16 seq;
  guint received;
} Path;

static double
cpu_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &now);
  return now.tv_sec * 1e9 + now.tv_nsec;
}

/* --- Pads ------------------------------------------------------------------------------------------ */

static GstStaticPadTemplate any_src =
    GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate any_sink =
    GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

static GstFlowReturn
take (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  Path *path = gst_pad_get_element_private (pad);

  path->received++;
  gst_buffer_unref (buffer);
  return GST_FLOW_OK;
}

static void
link_pads (GstPad *src, GstPad *sink)
{
  g_assert (gst_pad_link (src, sink) == GST_PAD_LINK_OK);
}

static void
open_pads (Path *path, GstPad *first, GstPad *last)
{
  path->in = gst_object_ref_sink (gst_pad_new_from_static_template (&any_src, "in"));
  path->out = gst_object_ref_sink (gst_pad_new_from_static_template (&any_sink, "out"));
  gst_pad_set_element_private (path->out, path);
  gst_pad_set_chain_function (path->out, take);
  gst_pad_set_active (path->in, TRUE);
  gst_pad_set_active (path->out, TRUE);
  link_pads (path->in, first);
  link_pads (last, path->out);
  gst_object_unref (first);
  gst_object_unref (last);
}

static void
begin (Path *path)
{
  GstCaps *caps = gst_caps_from_string ("application/x-rtp, media=audio, clock-rate=8000");
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (path->in, gst_event_new_stream_start ("benchmark"));
  gst_pad_push_event (path->in, gst_event_new_caps (caps));
  gst_pad_push_event (path->in, gst_event_new_segment (&segment));
  gst_caps_unref (caps);
}

static void
close_path (Path *path)
{
  gst_element_set_state (path->pipeline, GST_STATE_NULL);
  gst_pad_set_active (path->in, FALSE);
  gst_pad_set_active (path->out, FALSE);
  gst_object_unref (path->in);
  gst_object_unref (path->out);
  gst_object_unref (path->pipeline);
}

/* --- Bare ------------------------------------------------------------------------------------------ */

static GstBuffer *
new_key (const Profile *profile)
{
  GstBuffer *key = gst_buffer_new_allocate (NULL, profile->key_size, NULL);

  gst_buffer_memset (key, 0, 0x5a, profile->key_size);
  return key;
}

static GstCaps *
on_request_key (GstElement *srtpdec, guint ssrc, const Profile *profile)
{
  GstBuffer *key = new_key (profile);
  GstCaps *caps = gst_caps_new_simple ("application/x-srtp", "srtp-key", GST_TYPE_BUFFER, key,
      "srtp-cipher", G_TYPE_STRING, profile->srtp_cipher, "srtp-auth", G_TYPE_STRING,
      profile->srtp_auth, "srtcp-cipher", G_TYPE_STRING, profile->srtp_cipher, "srtcp-auth",
      G_TYPE_STRING, profile->srtp_auth, NULL);

  gst_buffer_unref (key);
  return caps;
}

static void
open_bare (Path *path, const Profile *profile)
{
  GstElement *srtpenc = gst_element_factory_make ("srtpenc", NULL);
  GstElement *srtpdec = gst_element_factory_make ("srtpdec", NULL);
  GstBuffer *key = new_key (profile);

  *path = (Path){.pipeline = gst_pipeline_new (NULL)};
  g_object_set (srtpenc, "key", key, NULL);
  gst_buffer_unref (key);
  gst_util_set_object_arg (G_OBJECT (srtpenc), "rtp-cipher", profile->srtp_cipher);
  gst_util_set_object_arg (G_OBJECT (srtpenc), "rtp-auth", profile->srtp_auth);
  gst_util_set_object_arg (G_OBJECT (srtpenc), "rtcp-cipher", profile->srtp_cipher);
  gst_util_set_object_arg (G_OBJECT (srtpenc), "rtcp-auth", profile->srtp_auth);
  g_signal_connect (srtpdec, "request-key", G_CALLBACK (on_request_key), (gpointer) profile);
  gst_bin_add_many (GST_BIN (path->pipeline), srtpenc, srtpdec, NULL);
  open_pads (path, gst_element_request_pad_simple (srtpenc, "rtp_sink_0"),
      gst_element_get_static_pad (srtpdec, "rtp_src"));
  g_assert (gst_element_link_pads (srtpenc, "rtp_src_0", srtpdec, "rtp_sink"));
  gst_element_set_state (path->pipeline, GST_STATE_PLAYING);
  begin (path);
}

/* --- Ours ------------------------------------------------------------------------------------------ */

static GstElement *
add (Path *path, const gchar *factory, const gchar *id, const Profile *profile)
{
  GstElement *element = gst_element_factory_make (factory, NULL);

  g_assert (element != NULL);
  g_object_set (element, "connection-id", id, "ciphers", profile->cipher, "auth-tags",
      profile->auth_tag, NULL);
  gst_bin_add (GST_BIN (path->pipeline), element);
  return element;
}

static void
wait_until_secure (Path *path)
{
  GstBus *bus = gst_element_get_bus (path->pipeline);

  for (guint n = 0; n < 2;) {
    GstMessage *message = gst_bus_timed_pop_filtered (bus, 10 * GST_SECOND, GST_MESSAGE_ELEMENT);

    g_assert (message != NULL);
    n += gst_message_has_name (message, "zrtp-secure");
    gst_message_unref (message);
  }
  gst_object_unref (bus);
}

/* Alice speaks to Bob; Bob only speaks ZRTP. */
static void
open_ours (Path *path, const Profile *profile)
{
  GstElement *enc, *dec, *bob_enc, *alice_dec;

  *path = (Path){.pipeline = gst_pipeline_new (NULL)};
  enc = add (path, "zrtpenc", "alice", profile);
  alice_dec = add (path, "zrtpdec", "alice", profile);
  bob_enc = add (path, "zrtpenc", "bob", profile);
  dec = add (path, "zrtpdec", "bob", profile);
  open_pads (path, gst_element_request_pad_simple (enc, "rtp_sink_0"),
      gst_element_get_static_pad (dec, "rtp_src"));
  gst_object_unref (gst_element_request_pad_simple (bob_enc, "rtp_sink_0"));
  g_assert (gst_element_link_pads (enc, "rtp_src_0", dec, "rtp_sink"));
  g_assert (gst_element_link_pads (bob_enc, "rtp_src_0", alice_dec, "rtp_sink"));
  gst_element_set_state (path->pipeline, GST_STATE_PLAYING);
  begin (path);
  wait_until_secure (path);
}

/* --- Measuring ------------------------------------------------------------------------------------- */

static GstBuffer *
new_packet (Path *path, guint size)
{
  static const guint8 payload[1200];
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, HEADER + size, NULL);
  GstMapInfo info;

  gst_buffer_map (buffer, &info, GST_MAP_WRITE);
  memset (info.data, 0, HEADER);
  info.data[0] = 0x80;
  GST_WRITE_UINT16_BE (info.data + 2, path->seq++);
  GST_WRITE_UINT32_BE (info.data + 8, 0xcafe);
  memcpy (info.data + HEADER, payload, size);
  gst_buffer_unmap (buffer, &info);
  return buffer;
}

static double
ns_a_packet (Path *path, guint size, guint n)
{
  double start = cpu_ns ();

  path->received = 0;
  for (guint i = 0; i < n; i++)
    g_assert (gst_pad_push (path->in, new_packet (path, size)) == GST_FLOW_OK);
  g_assert (path->received == n);
  return (cpu_ns () - start) / n;
}

static int
compare (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

static double
median (double *values, guint n)
{
  qsort (values, n, sizeof *values, compare);
  return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static void
measure (const Profile *profile, Path *ours, Path *bare, guint size, guint rounds, guint packets)
{
  double our_ns[MAX_ROUNDS], bare_ns[MAX_ROUNDS], more_ns[MAX_ROUNDS], ratio[MAX_ROUNDS];

  ns_a_packet (ours, size, packets / 10 + 1);
  ns_a_packet (bare, size, packets / 10 + 1);
  for (guint i = 0; i < rounds; i++) {
    our_ns[i] = ns_a_packet (ours, size, packets);
    bare_ns[i] = ns_a_packet (bare, size, packets);
    more_ns[i] = our_ns[i] - bare_ns[i];
    ratio[i] = bare_ns[i] / our_ns[i];
  }
  g_print ("media %s-%u ours_ns=%.0f bare_ns=%.0f more_ns=%.0f throughput_vs_bare=%.3f\n",
      profile->name, size, median (our_ns, rounds), median (bare_ns, rounds),
      median (more_ns, rounds), median (ratio, rounds));
}

static void
run (const Profile *profile, guint rounds, guint packets)
{
  Path ours, bare;

  open_ours (&ours, profile);
  open_bare (&bare, profile);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    measure (profile, &ours, &bare, sizes[i], rounds, packets);
  close_path (&ours);
  close_path (&bare);
}

int
main (int argc, char **argv)
{
  gint rounds = 31, packets = 5000;
  GOptionEntry entries[] = {
      {"rounds", 0, 0, G_OPTION_ARG_INT, &rounds, "rounds a line", "N"},
      {"packets", 0, 0, G_OPTION_ARG_INT, &packets, "packets a round", "N"},
      {NULL},
  };
  GOptionContext *context = g_option_context_new ("- the cost of a media packet");
  GError *error = NULL;

  g_setenv ("GST_PLUGIN_PATH_1_0", PLUGIN_PATH, FALSE);
  g_setenv ("GST_REGISTRY_1_0", REGISTRY, FALSE);
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  if (!g_option_context_parse (context, &argc, &argv, &error) || rounds < 1 ||
      rounds > MAX_ROUNDS || packets < 1) {
    g_printerr (
        "%s\n", error ? error->message : "--rounds is from 1 to 1000, --packets at least 1");
    return 1;
  }
  g_option_context_free (context);
  for (guint i = 0; i < G_N_ELEMENTS (profiles); i++)
    run (&profiles[i], rounds, packets);
  return 0;
}
