/* A test peer on top of this library with no pipeline: one end of an interoperability test, and an
 * example of how a program with its own network and its own SRTP uses a GstZrtpStream. See media.h
 * for the command line and the RESULT line.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/zrtp/session.h"
#include "gst/zrtp/stream.h"
#include "tests/interop/media.h"

#define LIBRARY "gst-zrtp " ZRTP_PACKAGE_VERSION

typedef struct {
  Media *media;
  GstZrtpSession *session;
  GstZrtpStream *stream;
} ZrtpPeer;

/* --- Signals --------------------------------------------------------------------------------- */

typedef void (*SetKey) (Media *media, const gchar *cipher, const gchar *auth_tag,
    const guint8 *key_and_salt, gsize size);

/* `key` is ours to free; its octets are wiped then. */
static void
hand_over (ZrtpPeer *peer, SetKey set_key, GBytes *key)
{
  g_autofree gchar *cipher = NULL, *auth_tag = NULL;
  gsize size = 0;
  const guint8 *data;

  if (!key) {
    media_fail (peer->media, "a key was announced and is not there");
    return;
  }
  g_object_get (peer->stream, "cipher", &cipher, "auth-tag", &auth_tag, NULL);
  data = g_bytes_get_data (key, &size);
  set_key (peer->media, cipher, auth_tag, data, size);
  g_bytes_unref (key);
}

static void
on_receive_key (GstZrtpStream *stream, ZrtpPeer *peer)
{
  hand_over (peer, media_set_receive_key, gst_zrtp_stream_take_receive_key (stream));
}

static void
on_send_key (GstZrtpStream *stream, ZrtpPeer *peer)
{
  hand_over (peer, media_set_send_key, gst_zrtp_stream_take_send_key (stream));
}

static void
on_secure (GstZrtpSession *session, GstZrtpStream *stream, GstStructure *message, ZrtpPeer *peer)
{
  MediaSecure secure = {
      .role = gst_structure_get_string (message, "role"),
      .sas = gst_structure_get_string (message, "sas"),
      .sas_type = gst_structure_get_string (message, "sas-type"),
      .key_agreement = gst_structure_get_string (message, "key-agreement"),
      .hash = gst_structure_get_string (message, "hash"),
      .cipher = gst_structure_get_string (message, "cipher"),
      .auth_tag = gst_structure_get_string (message, "auth-tag"),
  };

  media_set_secure (peer->media, &secure);
}

static void
on_failed (GstZrtpSession *session, GstZrtpStream *stream, guint code, const gchar *text,
    gboolean by_peer, ZrtpPeer *peer)
{
  media_fail (
      peer->media, "ZRTP error 0x%x %s: %s", code, by_peer ? "from the peer" : "here", text);
}

static void
on_warning (GstZrtpSession *session, GstZrtpStream *stream, GstZrtpWarning code, const gchar *text,
    ZrtpPeer *peer)
{
  g_printerr ("warning %d: %s\n", code, text);
}

/* --- The ZRTP half --------------------------------------------------------------------------- */

static void
set_list (ZrtpPeer *peer, const gchar *property, gchar **names)
{
  g_autofree gchar *list = NULL;

  if (!names)
    return;
  list = g_strjoinv (",", names);
  g_object_set (peer->session, property, list, NULL);
}

/* Signals came from within the call before; so a key is in place before the packet that lets the
 * peer use it leaves. */
static void
send_all (ZrtpPeer *peer)
{
  GBytes *packet;

  while ((packet = gst_zrtp_stream_poll_packet (peer->stream))) {
    gsize size = 0;
    const guint8 *data = g_bytes_get_data (packet, &size);

    media_send_zrtp (peer->media, data, size);
    g_bytes_unref (packet);
  }
}

static void
stop (gpointer self)
{
  ZrtpPeer *peer = self;

  gst_zrtp_stream_stop (peer->stream);
  gst_object_unref (peer->stream);
  gst_object_unref (peer->session);
  g_free (peer);
}

static gpointer
start (Media *media, const MediaOptions *options, guint64 now)
{
  ZrtpPeer *peer = g_new0 (ZrtpPeer, 1);
  g_autoptr (GError) error = NULL;

  peer->media = media;
  peer->session = gst_zrtp_session_new ();
  set_list (peer, "key-agreements", options->key_agreements);
  set_list (peer, "hashes", options->hashes);
  set_list (peer, "ciphers", options->ciphers);
  set_list (peer, "auth-tags", options->auth_tags);
  set_list (peer, "sas-types", options->sas_types);
  g_signal_connect (peer->session, "secure", G_CALLBACK (on_secure), peer);
  g_signal_connect (peer->session, "failed", G_CALLBACK (on_failed), peer);
  g_signal_connect (peer->session, "warning", G_CALLBACK (on_warning), peer);

  peer->stream = gst_zrtp_session_get_stream (peer->session, "audio");
  g_object_set (peer->stream, "ssrc", options->ssrc, NULL);
  g_signal_connect (peer->stream, "receive-key", G_CALLBACK (on_receive_key), peer);
  g_signal_connect (peer->stream, "send-key", G_CALLBACK (on_send_key), peer);
  if (!gst_zrtp_session_check (peer->session, &error)) {
    media_fail (media, "%s", error->message);
    stop (peer);
    return NULL;
  }
  gst_zrtp_stream_start (peer->stream, now);
  send_all (peer);
  return peer;
}

static void
handle_packet (gpointer self, guint8 *data, gsize size, guint64 now)
{
  ZrtpPeer *peer = self;

  gst_zrtp_stream_handle_packet (peer->stream, data, size, now);
  send_all (peer);
}

static void
tick (gpointer self, guint64 now)
{
  ZrtpPeer *peer = self;

  if (now < gst_zrtp_stream_get_next_timeout (peer->stream))
    return;
  gst_zrtp_stream_handle_timeout (peer->stream, now);
  send_all (peer);
}

static void
media_received (gpointer self, guint64 now)
{
  ZrtpPeer *peer = self;

  gst_zrtp_stream_media_received (peer->stream, now);
  send_all (peer);
}

static void
srtp_authenticated (gpointer self, guint64 now)
{
  ZrtpPeer *peer = self;

  gst_zrtp_stream_srtp_authenticated (peer->stream, now);
  send_all (peer);
}

int
main (int argc, char **argv)
{
  static const MediaZrtp zrtp = {
      .library = LIBRARY,
      .start = start,
      .handle_packet = handle_packet,
      .tick = tick,
      .media_received = media_received,
      .srtp_authenticated = srtp_authenticated,
      .stop = stop,
  };

  gst_init (NULL, NULL);
  return media_main (argc, argv, &zrtp);
}
