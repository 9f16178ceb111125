/* A test peer on top of this library with no pipeline: one end of an interoperability test, and an
 * example of how a program with its own network and its own SRTP uses a GstZrtpSession and its
 * streams. With --pbx it joins two calls, one a stream, and is in the middle of them (RFC 6189 §7.3).
 * See media.h for the command line and the RESULT line.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/zrtp/zrtp.h"
#include "tests/interop/media.h"

#include <string.h>

#define LIBRARY "gst-zrtp " ZRTP_PACKAGE_VERSION

enum {
  HEARD_BEFORE_VERIFYING = 10, /* packets; then the users have compared the SAS */
};

typedef struct ZrtpPeer ZrtpPeer;

typedef struct {
  ZrtpPeer *peer;
  guint index;
  guint32 ssrc;
  GstZrtpSession *session; /* all of a call share one; at a PBX each has its own */
  GstZrtpStream *stream;
  gboolean started, secure;
  gboolean awake; /* something was asked of it */
} Leg;

struct ZrtpPeer {
  Media *media;
  guint n_legs;
  Leg leg[MEDIA_MAX_STREAMS];
  GString *warnings;
  GstZrtpRecord *before; /* for --miss-update */
  gboolean verified, went_clear, answered, went_secure, relayed, pinged;
  gboolean clear_waits; /* for our user */
};

/* What a phone keeps from call to call. */
static struct {
  GstZrtpCache *cache;
  GBytes *peer_zid; /* of the last call */
} phone;

/* --- Command line ---------------------------------------------------------------------------- */

static struct {
  gboolean cache, forget, miss_update;
  gboolean allow_preshared, allow_clear, accept_clear, refuse_clear, accept_enrollment;
  gboolean pbx, enroll, one_by_one, ping;
  gint go_clear, go_secure;
  gchar *verify, *aux, *sdes_local, *sdes_remote;
} settings;

static const GOptionEntry entries[] = {
    {"cache", 0, 0, G_OPTION_ARG_NONE, &settings.cache, "keep secrets as long as the process lasts",
        NULL},
    {"forget", 0, 0, G_OPTION_ARG_NONE, &settings.forget,
        "the last peer's secrets are lost before the call", NULL},
    {"miss-update", 0, 0, G_OPTION_ARG_NONE, &settings.miss_update,
        "what the call adds to the secrets is lost after it", NULL},
    {"verify", 0, 0, G_OPTION_ARG_STRING, &settings.verify, "what our user says of the SAS",
        "yes|no"},
    {"aux", 0, 0, G_OPTION_ARG_STRING, &settings.aux, "auxsecret, a text", "TEXT"},
    {"sdes-local", 0, 0, G_OPTION_ARG_STRING, &settings.sdes_local,
        "our key and salt of the signalling, a text", "TEXT"},
    {"sdes-remote", 0, 0, G_OPTION_ARG_STRING, &settings.sdes_remote,
        "the peer's key and salt of the signalling, a text", "TEXT"},
    {"allow-preshared", 0, 0, G_OPTION_ARG_NONE, &settings.allow_preshared, "RFC 6189 §4.4.2",
        NULL},
    {"allow-clear", 0, 0, G_OPTION_ARG_NONE, &settings.allow_clear, "RFC 6189 §4.7.2", NULL},
    {"go-clear", 0, 0, G_OPTION_ARG_INT, &settings.go_clear, "after so many SRTP packets", "N"},
    {"accept-clear", 0, 0, G_OPTION_ARG_NONE, &settings.accept_clear, "when the peer goes clear",
        NULL},
    {"refuse-clear", 0, 0, G_OPTION_ARG_NONE, &settings.refuse_clear, "when the peer goes clear",
        NULL},
    {"go-secure", 0, 0, G_OPTION_ARG_INT, &settings.go_secure, "after so many clear packets", "N"},
    {"pbx", 0, 0, G_OPTION_ARG_NONE, &settings.pbx, "join two calls, a port each", NULL},
    {"enroll", 0, 0, G_OPTION_ARG_NONE, &settings.enroll, "PBX: ask the first leg to trust us",
        NULL},
    {"accept-enrollment", 0, 0, G_OPTION_ARG_NONE, &settings.accept_enrollment,
        "trust a PBX that asks for it", NULL},
    {"one-by-one", 0, 0, G_OPTION_ARG_NONE, &settings.one_by_one,
        "start the other streams when the first is secure", NULL},
    {"ping", 0, 0, G_OPTION_ARG_NONE, &settings.ping, "ask who is there (RFC 6189 §5.15)", NULL},
    {NULL},
};

static void
reset (void)
{
  g_free (settings.verify);
  g_free (settings.aux);
  g_free (settings.sdes_local);
  g_free (settings.sdes_remote);
  memset (&settings, 0, sizeof settings);
}

/* --- Signals of a stream --------------------------------------------------------------------- */

typedef void (*SetKey) (Media *media, guint stream, const gchar *cipher, const gchar *auth_tag,
    const guint8 *key_and_salt, gsize size);

/* `key` is ours to free; its octets are wiped then. */
static void
hand_over (const Leg *leg, SetKey set_key, GBytes *key)
{
  g_autofree gchar *cipher = NULL, *auth_tag = NULL;
  gsize size = 0;
  const guint8 *data;

  if (!key) {
    media_fail (leg->peer->media, "a key was announced and is not there");
    return;
  }
  g_object_get (leg->stream, "cipher", &cipher, "auth-tag", &auth_tag, NULL);
  data = g_bytes_get_data (key, &size);
  set_key (leg->peer->media, leg->index, cipher, auth_tag, data, size);
  g_bytes_unref (key);
}

static void
on_receive_key (GstZrtpStream *stream, Leg *leg)
{
  hand_over (leg, media_set_receive_key, gst_zrtp_stream_take_receive_key (stream));
}

static void
on_send_key (GstZrtpStream *stream, Leg *leg)
{
  hand_over (leg, media_set_send_key, gst_zrtp_stream_take_send_key (stream));
}

static void
on_drop_keys (GstZrtpStream *stream, Leg *leg)
{
  media_drop_keys (leg->peer->media, leg->index);
}

static void
on_state (GstZrtpStream *stream, GParamSpec *pspec, Leg *leg)
{
  if (gst_zrtp_stream_get_state (stream) == GST_ZRTP_STATE_CLEAR)
    media_go_clear (leg->peer->media, leg->index);
}

/* It may come out of a call into another stream: the next tick() is soon enough. */
static void
on_wake_up (GstZrtpStream *stream, Leg *leg)
{
  leg->awake = TRUE;
}

static void
on_pingack (GstZrtpStream *stream, GBytes *endpoint_hash, guint ssrc, Leg *leg)
{
  media_note (leg->peer->media, leg->index, "pingack", "%d", ssrc == leg->ssrc);
}

/* --- Signals of a session -------------------------------------------------------------------- */

static Leg *
leg_of (ZrtpPeer *peer, GstZrtpStream *stream)
{
  for (guint i = 0; i < peer->n_legs; i++)
    if (peer->leg[i].stream == stream)
      return &peer->leg[i];
  g_assert_not_reached ();
}

static gboolean
is_set (const GstStructure *message, const gchar *field)
{
  gboolean value = FALSE;

  gst_structure_get_boolean (message, field, &value);
  return value;
}

static void
note_exported_key (const Leg *leg)
{
  GBytes *key = gst_zrtp_session_export_key (leg->session, "interop", 32, NULL);
  gsize size = 0;
  const guint8 *data = key ? g_bytes_get_data (key, &size) : NULL;

  if (key)
    media_note_secret (leg->peer->media, leg->index, "exported", data, size);
  g_clear_pointer (&key, g_bytes_unref);
}

static void
note_details (const Leg *leg, const GstStructure *message)
{
  Media *media = leg->peer->media;
  const gboolean has_aux = settings.aux || settings.sdes_local;

  media_note (media, leg->index, "mode", "%s", gst_structure_get_string (message, "mode"));
  media_note (media, leg->index, "verified", "%d", is_set (message, "sas-verified"));
  media_note (media, leg->index, "cache_mismatch", "%d", is_set (message, "cache-mismatch"));
  media_note (media, leg->index, "aux", "%s",
      !has_aux                           ? "unset"
      : is_set (message, "aux-mismatch") ? "mismatch"
                                         : "match");
  media_note (media, leg->index, "mitm", "%d", is_set (message, "mitm"));
  media_note (media, leg->index, "enrolled", "%d", is_set (message, "enrolled"));
}

static GBytes *
zid_of (const GstStructure *message)
{
  const gchar *hex = gst_structure_get_string (message, "peer-zid");
  guint8 zid[12];

  for (guint i = 0; i < sizeof zid; i++)
    zid[i] =
        (guint8) (g_ascii_xdigit_value (hex[2 * i]) << 4 | g_ascii_xdigit_value (hex[2 * i + 1]));
  return g_bytes_new (zid, sizeof zid);
}

static void
on_secure (GstZrtpSession *session, GstZrtpStream *stream, GstStructure *message, ZrtpPeer *peer)
{
  Leg *leg = leg_of (peer, stream);
  MediaSecure secure = {
      .role = gst_structure_get_string (message, "role"),
      .sas = gst_structure_get_string (message, "sas"),
      .sas_type = gst_structure_get_string (message, "sas-type"),
      .key_agreement = gst_structure_get_string (message, "key-agreement"),
      .hash = gst_structure_get_string (message, "hash"),
      .cipher = gst_structure_get_string (message, "cipher"),
      .auth_tag = gst_structure_get_string (message, "auth-tag"),
  };

  leg->secure = TRUE;
  media_set_secure (peer->media, leg->index, &secure);
  note_details (leg, message);
  if (leg->index == 0) {
    note_exported_key (leg);
    g_clear_pointer (&phone.peer_zid, g_bytes_unref);
    phone.peer_zid = zid_of (message);
  }
}

static void
on_failed (GstZrtpSession *session, GstZrtpStream *stream, guint code, const gchar *text,
    gboolean by_peer, ZrtpPeer *peer)
{
  media_note (peer->media, leg_of (peer, stream)->index, "error", "%02x", code);
  media_fail (
      peer->media, "ZRTP error 0x%x %s: %s", code, by_peer ? "from the peer" : "here", text);
}

static void
on_warning (GstZrtpSession *session, GstZrtpStream *stream, GstZrtpWarning code, const gchar *text,
    ZrtpPeer *peer)
{
  g_autoptr (GEnumClass) codes = g_type_class_ref (GST_TYPE_ZRTP_WARNING);
  const gchar *nick = g_enum_get_value (codes, (gint) code)->value_nick;
  Leg *leg = leg_of (peer, stream);

  g_printerr ("warning %s: %s\n", nick, text);
  g_string_append_printf (peer->warnings, "%s%s", peer->warnings->len ? "+" : "", nick);
  media_note (peer->media, leg->index, "warnings", "%s", peer->warnings->str);
}

static void
on_clear (GstZrtpSession *session, GstZrtpStream *stream, gboolean by_peer, gboolean waiting,
    ZrtpPeer *peer)
{
  media_note (peer->media, leg_of (peer, stream)->index, "clear", by_peer ? "by-peer" : "by-us");
  peer->clear_waits |= waiting;
}

static void
on_enrollment (GstZrtpSession *session, GstZrtpStream *stream, const gchar *peer_zid,
    const gchar *peer_name, ZrtpPeer *peer)
{
  media_note (peer->media, leg_of (peer, stream)->index, "enrollment", "%d",
      gst_zrtp_session_accept_enrollment (session, TRUE, NULL));
}

static void
on_sas_relayed (GstZrtpSession *session, GstZrtpStream *stream, const gchar *sas,
    const gchar *sas_type, gboolean relayed, gboolean verified, gboolean disclosure, ZrtpPeer *peer)
{
  const guint index = leg_of (peer, stream)->index;

  media_note (peer->media, index, "relayed", "%d", relayed);
  media_note (peer->media, index, "relayed_sas", "%s", sas);
}

/* --- The cache ------------------------------------------------------------------------------- */

static GstZrtpRecord *
look_up (void)
{
  g_autoptr (GBytes) zid = NULL;
  GList *records = NULL;
  GstZrtpRecord *record;

  if (!phone.cache || !phone.peer_zid)
    return NULL;
  zid = gst_zrtp_cache_get_zid (phone.cache, NULL, NULL, NULL);
  gst_zrtp_cache_lookup (phone.cache, zid, phone.peer_zid, &records, NULL);
  record = records ? g_object_ref (records->data) : NULL;
  g_list_free_full (records, g_object_unref);
  return record;
}

/* As it was before the call; NULL = nothing was known. */
static void
put_back (GstZrtpRecord *record)
{
  g_autoptr (GstZrtpRecord) now = look_up ();

  if (record)
    gst_zrtp_cache_put (phone.cache, record, NULL);
  else if (now)
    gst_zrtp_cache_forget (phone.cache, now, NULL);
}

static void
open_cache (ZrtpPeer *peer)
{
  if (!settings.cache)
    return;
  if (!phone.cache)
    phone.cache = GST_ZRTP_CACHE (gst_zrtp_memory_cache_new ());
  if (settings.forget && phone.peer_zid)
    put_back (NULL);
  if (settings.miss_update)
    peer->before = look_up ();
}

static void
note_record (const ZrtpPeer *peer)
{
  g_autoptr (GstZrtpRecord) record = look_up ();
  g_autoptr (GBytes) rs1 = NULL;
  gsize size = 0;
  const guint8 *data;

  if (!record)
    return;
  g_object_get (record, "rs1", &rs1, NULL);
  data = rs1 ? g_bytes_get_data (rs1, &size) : NULL;
  if (data)
    media_note_secret (peer->media, 0, "rs1", data, size);
}

static void
close_cache (ZrtpPeer *peer)
{
  if (!settings.cache)
    return;
  if (settings.miss_update && phone.peer_zid)
    put_back (peer->before);
  note_record (peer);
}

/* --- The ZRTP half --------------------------------------------------------------------------- */

static void
set_list (GstZrtpSession *session, const gchar *property, gchar **names)
{
  g_autofree gchar *list = NULL;

  if (!names)
    return;
  list = g_strjoinv (",", names);
  g_object_set (session, property, list, NULL);
}

static GBytes *
text_bytes (const gchar *text)
{
  return text ? g_bytes_new (text, strlen (text)) : NULL;
}

static void
set_secrets (GstZrtpSession *session)
{
  g_autoptr (GBytes) aux = text_bytes (settings.aux);
  g_autoptr (GBytes) local = text_bytes (settings.sdes_local);
  g_autoptr (GBytes) remote = text_bytes (settings.sdes_remote);
  g_autoptr (GError) error = NULL;

  if (aux)
    g_object_set (session, "aux-secret", aux, NULL);
  if ((local || remote) && !gst_zrtp_session_set_sdes_keys (session, local, remote, &error))
    g_printerr ("%s\n", error->message);
}

static GstZrtpSession *
make_session (ZrtpPeer *peer, const MediaOptions *options, gboolean enroll)
{
  GstZrtpSession *session = gst_zrtp_session_new ();

  set_list (session, "key-agreements", options->key_agreements);
  set_list (session, "hashes", options->hashes);
  set_list (session, "ciphers", options->ciphers);
  set_list (session, "auth-tags", options->auth_tags);
  set_list (session, "sas-types", options->sas_types);
  g_object_set (session, "cache", phone.cache, "cache-location", "", "allow-preshared",
      settings.allow_preshared, "allow-clear", settings.allow_clear, "mitm", settings.pbx, "enroll",
      enroll, "accept-enrollment", settings.accept_enrollment, NULL);
  set_secrets (session);
  g_signal_connect (session, "secure", G_CALLBACK (on_secure), peer);
  g_signal_connect (session, "failed", G_CALLBACK (on_failed), peer);
  g_signal_connect (session, "warning", G_CALLBACK (on_warning), peer);
  g_signal_connect (session, "clear", G_CALLBACK (on_clear), peer);
  g_signal_connect (session, "enrollment", G_CALLBACK (on_enrollment), peer);
  g_signal_connect (session, "sas-relayed", G_CALLBACK (on_sas_relayed), peer);
  return session;
}

static void
open_leg (ZrtpPeer *peer, const MediaOptions *options, guint index)
{
  g_autofree gchar *name = g_strdup_printf ("stream-%u", index);
  Leg *leg = &peer->leg[index];

  *leg = (Leg){.peer = peer, .index = index, .ssrc = options->ssrc[index]};
  leg->session = index > 0 && !settings.pbx
                     ? gst_object_ref (peer->leg[0].session)
                     : make_session (peer, options, settings.enroll && index == 0);
  leg->stream = gst_zrtp_session_get_stream (leg->session, name);
  g_object_set (leg->stream, "ssrc", leg->ssrc, NULL);
  g_signal_connect (leg->stream, "receive-key", G_CALLBACK (on_receive_key), leg);
  g_signal_connect (leg->stream, "send-key", G_CALLBACK (on_send_key), leg);
  g_signal_connect (leg->stream, "drop-keys", G_CALLBACK (on_drop_keys), leg);
  g_signal_connect (leg->stream, "notify::state", G_CALLBACK (on_state), leg);
  g_signal_connect (leg->stream, "pingack", G_CALLBACK (on_pingack), leg);
  g_signal_connect (leg->stream, "wake-up", G_CALLBACK (on_wake_up), leg);
}

static void
note_ends (const ZrtpPeer *peer)
{
  for (guint i = 0; i < peer->n_legs; i++) {
    g_autofree gchar *sas = NULL;
    gboolean verified = FALSE;

    g_object_get (peer->leg[i].session, "sas", &sas, "sas-verified", &verified, NULL);
    media_note (peer->media, i, "session_sas", "%s", sas ? sas : "-");
    media_note (peer->media, i, "session_verified", "%d", verified);
  }
}

static void
stop (gpointer self)
{
  ZrtpPeer *peer = self;

  note_ends (peer);
  for (guint i = 0; i < peer->n_legs; i++)
    gst_zrtp_stream_stop (peer->leg[i].stream);
  close_cache (peer);
  for (guint i = 0; i < peer->n_legs; i++) {
    g_signal_handlers_disconnect_by_data (peer->leg[i].stream, &peer->leg[i]);
    gst_object_unref (peer->leg[i].stream);
    gst_object_unref (peer->leg[i].session);
  }
  g_clear_object (&peer->before);
  g_string_free (peer->warnings, TRUE);
  g_free (peer);
}

static gpointer
open_call (Media *media, const MediaOptions *options)
{
  ZrtpPeer *peer = g_new0 (ZrtpPeer, 1);
  g_autoptr (GError) error = NULL;

  peer->media = media;
  peer->n_legs = options->n_streams;
  peer->warnings = g_string_new (NULL);
  open_cache (peer);
  for (guint i = 0; i < peer->n_legs; i++)
    open_leg (peer, options, i);
  if (settings.pbx)
    media_bridge (media);
  if (gst_zrtp_session_check (peer->leg[0].session, &error))
    return peer;
  media_fail (media, "%s", error->message);
  stop (peer);
  return NULL;
}

/* Signals came from within the call before; so a key is in place before the packet that lets the
 * peer use it leaves. */
static void
send_all (Leg *leg)
{
  GBytes *packet;

  while ((packet = gst_zrtp_stream_poll_packet (leg->stream))) {
    gsize size = 0;
    const guint8 *data = g_bytes_get_data (packet, &size);

    media_send_zrtp (leg->peer->media, leg->index, data, size);
    g_bytes_unref (packet);
  }
}

static void
start_leg (Leg *leg, guint64 now)
{
  leg->started = TRUE;
  gst_zrtp_stream_start (leg->stream, now);
  send_all (leg);
}

static void
start (gpointer self, guint64 now)
{
  ZrtpPeer *peer = self;

  for (guint i = 0; i < peer->n_legs; i++)
    if (i == 0 || !settings.one_by_one)
      start_leg (&peer->leg[i], now);
}

static gchar *
get_hello_hash (gpointer self, guint stream)
{
  ZrtpPeer *peer = self;
  gchar *value = NULL;

  g_object_get (peer->leg[stream].stream, "hello-hash", &value, NULL);
  return value;
}

static void
set_peer_hello_hash (gpointer self, guint stream, const gchar *value)
{
  ZrtpPeer *peer = self;

  g_object_set (peer->leg[stream].stream, "peer-hello-hash", value, NULL);
}

static void
handle_packet (gpointer self, guint stream, guint8 *data, gsize size, guint64 now)
{
  Leg *leg = &((ZrtpPeer *) self)->leg[stream];

  gst_zrtp_stream_handle_packet (leg->stream, data, size, now);
  send_all (leg);
}

static void
media_was_received (gpointer self, guint stream, guint64 now)
{
  Leg *leg = &((ZrtpPeer *) self)->leg[stream];

  gst_zrtp_stream_media_received (leg->stream, now);
  send_all (leg);
}

static void
srtp_authenticated (gpointer self, guint stream, guint64 now)
{
  Leg *leg = &((ZrtpPeer *) self)->leg[stream];

  gst_zrtp_stream_srtp_authenticated (leg->stream, now);
  send_all (leg);
}

static void
drive (Leg *leg, guint64 now)
{
  if (!leg->started && leg->peer->leg[0].secure)
    start_leg (leg, now);
  if (!leg->awake && now < gst_zrtp_stream_get_next_timeout (leg->stream))
    return;
  leg->awake = FALSE;
  gst_zrtp_stream_handle_timeout (leg->stream, now);
  send_all (leg);
}

/* --- The user -------------------------------------------------------------------------------- */

static gboolean
all_are (const ZrtpPeer *peer, GstZrtpState state)
{
  for (guint i = 0; i < peer->n_legs; i++)
    if (gst_zrtp_stream_get_state (peer->leg[i].stream) != state)
      return FALSE;
  return TRUE;
}

/* Packets that every stream has sent, or received, since it was last secure or clear. */
static gint
least (const ZrtpPeer *peer, guint (*count) (Media *media, guint stream))
{
  guint found = G_MAXINT;

  for (guint i = 0; i < peer->n_legs; i++)
    found = MIN (found, count (peer->media, i));
  return (gint) found;
}

/* Once, when `when` holds; `did` remembers it. */
static gboolean
it_is_time (gboolean when, gboolean *did)
{
  if (!when || *did)
    return FALSE;
  *did = TRUE;
  return TRUE;
}

static void
say_error (GError *error)
{
  if (error)
    g_printerr ("refused: %s\n", error->message);
  g_clear_error (&error);
}

static void
act_as_user (ZrtpPeer *peer)
{
  GstZrtpSession *session = peer->leg[0].session;
  const gboolean secure = all_are (peer, GST_ZRTP_STATE_SECURE);
  const gint heard = secure ? least (peer, media_received) : 0;
  const gint sent = least (peer, media_sent);
  GError *error = NULL;

  if (it_is_time (settings.verify && heard >= HEARD_BEFORE_VERIFYING, &peer->verified))
    gst_zrtp_session_verify_sas (session, g_str_equal (settings.verify, "yes"));
  if (it_is_time (secure && settings.go_clear && sent >= settings.go_clear, &peer->went_clear))
    gst_zrtp_session_go_clear (session, &error);
  if (it_is_time (
          (settings.accept_clear || settings.refuse_clear) && peer->clear_waits, &peer->answered))
    gst_zrtp_session_accept_clear (session, settings.accept_clear, &error);
  if (it_is_time (
          settings.go_secure && all_are (peer, GST_ZRTP_STATE_CLEAR) && sent >= settings.go_secure,
          &peer->went_secure))
    gst_zrtp_session_go_secure (session, &error);
  say_error (error);
}

static void
act_as_pbx (ZrtpPeer *peer)
{
  GError *error = NULL;
  gboolean ok;

  if (!it_is_time (all_are (peer, GST_ZRTP_STATE_SECURE) &&
                       least (peer, media_received) >= HEARD_BEFORE_VERIFYING,
          &peer->relayed))
    return;
  ok = gst_zrtp_session_relay_sas (peer->leg[0].session, peer->leg[1].session, &error);
  media_note (peer->media, 0, "relay", "%d", ok);
  say_error (error);
}

static void
tick (gpointer self, guint64 now)
{
  ZrtpPeer *peer = self;

  if (settings.pbx)
    act_as_pbx (peer);
  else
    act_as_user (peer);
  if (it_is_time (settings.ping && all_are (peer, GST_ZRTP_STATE_SECURE), &peer->pinged))
    gst_zrtp_stream_ping (peer->leg[0].stream, now);
  for (guint i = 0; i < peer->n_legs; i++)
    drive (&peer->leg[i], now);
}

int
main (int argc, char **argv)
{
  static const MediaZrtp zrtp = {
      .library = LIBRARY,
      .entries = entries,
      .reset = reset,
      .open = open_call,
      .start = start,
      .get_hello_hash = get_hello_hash,
      .set_peer_hello_hash = set_peer_hello_hash,
      .handle_packet = handle_packet,
      .tick = tick,
      .media_received = media_was_received,
      .srtp_authenticated = srtp_authenticated,
      .stop = stop,
  };
  int code;

  gst_init (NULL, NULL);
  code = media_main (argc, argv, &zrtp);
  g_clear_object (&phone.cache);
  g_clear_pointer (&phone.peer_zid, g_bytes_unref);
  return code;
}
