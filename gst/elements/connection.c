/* What one zrtpenc and one zrtpdec share: the stream, and the actor that drives it.
 *
 * Locks: `lock` protects the fields that say so and is never held during a call out; the registry's
 * lock is only held to find, join and leave. Signals of stream and session come from within the calls
 * into the stream, that is in the actor (or in the thread that stops it), with no lock held.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/elements/connection.h"
#include "gst/elements/runner.h"
#include "gst/elements/zrtpdec.h"
#include "gst/elements/zrtpenc.h"

GST_DEBUG_CATEGORY_EXTERN (zrtp_connection_debug);
#define GST_CAT_DEFAULT zrtp_connection_debug

/* A pair that is not complete by then will hardly be. */
#define ALONE_TIMEOUT (2 * GST_SECOND)
/* How often to try to get hold of an srtp element that is in use. */
#define RETRY_INTERVAL (200 * GST_MSECOND)

/* How long to wait for media with another SSRC. */
#define COLLISION_TIMEOUT (2 * GST_SECOND)

/* RFC 6189 Table 8 */
enum {
  SSRC_COLLISION = 0x91
};

/* What the actor has to do, beside the packets in its inbox; in the order in which it is done. */
enum {
  WORK_SSRC = 1 << 0,
  WORK_START = 1 << 1,
  WORK_AUTHENTICATED = 1 << 2, /* before the packet that may ask for a new one: watch-media */
  WORK_PACKET = 1 << 3,
  WORK_MEDIA = 1 << 4,
  WORK_TIMEOUT = 1 << 5,
};

struct _GstZrtpConnection {
  GstObject parent;

  gchar *id;
  GstZrtpSession *session;
  GstZrtpStream *stream;

  GMutex lock; /* protects all of the following, but the task */
  GCond idle;
  GstZrtpBase *hands[GST_ZRTP_N_HANDS]; /* not referenced: a hand leaves before it dies */
  gboolean running[GST_ZRTP_N_HANDS];
  gboolean started;
  gboolean must_stop;                    /* the stream was started, and not stopped since */
  GstClockTime alone_until;              /* when to warn about the missing partner */
  gboolean unfinished[GST_ZRTP_N_HANDS]; /* its keys are still to be thrown away */
  guint work;
  GQueue inbox; /* of GBytes */
  guint32 ssrc;
  gboolean is_collision, was_collision; /* is waited out; was, since the start */
  guint32 lost_ssrc;
  GstClockTime collision_until;
  gchar *collision_text; /* of the failure, which is told when there is no other SSRC */
  gboolean collision_by_peer;
  gboolean scheduled;
  GThread *thread; /* in which the actor runs right now */

  GstZrtpTask task;
};

G_DEFINE_TYPE (GstZrtpConnection, gst_zrtp_connection, GST_TYPE_OBJECT)

static const gchar *hand_names[GST_ZRTP_N_HANDS] = {
    [GST_ZRTP_ENC_HAND] = "zrtpenc",
    [GST_ZRTP_DEC_HAND] = "zrtpdec",
};

GstZrtpSession *
gst_zrtp_connection_get_session (GstZrtpConnection *self)
{
  return self->session;
}

GstZrtpStream *
gst_zrtp_connection_get_stream (GstZrtpConnection *self)
{
  return self->stream;
}

static GstZrtpBase *
ref_hand_unlocked (GstZrtpConnection *self, GstZrtpHand which)
{
  return self->hands[which] ? gst_object_ref (self->hands[which]) : NULL;
}

static GstZrtpBase *
ref_hand (GstZrtpConnection *self, GstZrtpHand which)
{
  GstZrtpBase *hand;

  g_mutex_lock (&self->lock);
  hand = ref_hand_unlocked (self, which);
  g_mutex_unlock (&self->lock);
  return hand;
}

static void
for_each_hand (
    GstZrtpConnection *self, void (*func) (GstZrtpBase *hand, gpointer data), gpointer data)
{
  guint i;

  for (i = 0; i < GST_ZRTP_N_HANDS; i++) {
    GstZrtpBase *hand = ref_hand (self, i);
    if (!hand)
      continue;
    func (hand, data);
    gst_object_unref (hand);
  }
}

static GstZrtpPolicy
get_policy (GstZrtpConnection *self)
{
  GstZrtpPolicy policy;

  g_object_get (self->session, "policy", &policy, NULL);
  return policy;
}

/* --- Messages ---------------------------------------------------------------------------------- */

static gchar *
dup_session_id (GstZrtpConnection *self)
{
  gchar *id;

  g_object_get (self->session, "session-id", &id, NULL);
  return id ? id : g_strdup (self->id);
}

/* Posted by zrtpenc, so that there is one message for one thing that happened. Only a zrtpdec that
 * waits for its zrtpenc has to speak for itself. */
static void
post (GstZrtpConnection *self, GstStructure *structure)
{
  GstZrtpBase *hand = ref_hand (self, GST_ZRTP_ENC_HAND);
  gchar *session_id = dup_session_id (self);

  if (!hand)
    hand = ref_hand (self, GST_ZRTP_DEC_HAND);
  gst_structure_set (structure, "connection-id", G_TYPE_STRING, self->id, "session-id",
      G_TYPE_STRING, session_id, NULL);
  g_free (session_id);
  if (hand) {
    gst_element_post_message (
        GST_ELEMENT (hand), gst_message_new_element (GST_OBJECT (hand), structure));
    gst_object_unref (hand);
  } else {
    gst_structure_free (structure);
  }
}

static const gchar *
nick (GType type, gint value)
{
  GEnumClass *klass = g_type_class_ref (type);
  const gchar *result = g_enum_get_value (klass, value)->value_nick;

  g_type_class_unref (klass);
  return result;
}

static void
post_warning (GstZrtpConnection *self, GstZrtpWarning code, const gchar *text)
{
  post (self, gst_structure_new ("zrtp-warning", "code", G_TYPE_STRING,
                  nick (GST_TYPE_ZRTP_WARNING, code), "text", G_TYPE_STRING, text, NULL));
}

static void
post_failed (GstZrtpConnection *self, guint code, const gchar *text, gboolean by_peer)
{
  GstZrtpBase *enc = ref_hand (self, GST_ZRTP_ENC_HAND);

  post (self, gst_structure_new ("zrtp-failed", "code", G_TYPE_UINT, code, "text", G_TYPE_STRING,
                  text, "by-peer", G_TYPE_BOOLEAN, by_peer, NULL));
  if (!enc)
    return;
  if (get_policy (self) == GST_ZRTP_POLICY_REQUIRED)
    GST_ELEMENT_ERROR (enc, STREAM, DECRYPT, ("%s", text), (NULL));
  gst_object_unref (enc);
}

/* --- What stream and session have to say ------------------------------------------------------- */

typedef struct {
  GstZrtpState state;
  GstZrtpPolicy policy;
} Standing;

static void
update_hand (GstZrtpBase *hand, gpointer data)
{
  const Standing *standing = data;

  gst_zrtp_base_update_gate (hand, standing->state, standing->policy);
}

void
gst_zrtp_connection_update_hands (GstZrtpConnection *self)
{
  Standing standing = {gst_zrtp_stream_get_state (self->stream), get_policy (self)};

  for_each_hand (self, update_hand, &standing);
}

static void
notify_hand (GstZrtpBase *hand, gpointer name)
{
  g_object_notify (G_OBJECT (hand), name);
}

static void
on_state (GstZrtpStream *stream, GParamSpec *pspec, GstZrtpConnection *self)
{
  const gchar *state = nick (GST_TYPE_ZRTP_STATE, gst_zrtp_stream_get_state (stream));

  GST_INFO_OBJECT (self, "state %s", state);
  gst_zrtp_connection_update_hands (self);
  for_each_hand (self, notify_hand, (gpointer) "state");
  post (self, gst_structure_new ("zrtp-state", "state", G_TYPE_STRING, state, NULL));
}

/* The elements show the properties of the session, so they tell of their changes too. */
static void
on_session_notify (GstZrtpSession *session, GParamSpec *pspec, GstZrtpConnection *self)
{
  static const gchar *shown[] = {"policy", "sas", "sas-type", "sas-verified", NULL};

  if (!g_strv_contains (shown, pspec->name))
    return;
  gst_zrtp_connection_update_hands (self);
  for_each_hand (self, notify_hand, (gpointer) pspec->name);
}

static void
on_secure (GstZrtpSession *session, GstZrtpStream *stream, const GstStructure *structure,
    GstZrtpConnection *self)
{
  if (stream == self->stream)
    post (self, gst_structure_copy (structure));
}

/* When a packet that a sink holds up keeps the srtp element from going, it goes later. */
static void
drop_keys (GstZrtpConnection *self, GstZrtpHand which, gboolean stopped)
{
  GstZrtpBase *hand = ref_hand (self, which);

  if (!hand)
    return;
  if (!gst_zrtp_base_drop_keys (hand, stopped)) {
    g_mutex_lock (&self->lock);
    self->unfinished[which] = TRUE;
    g_mutex_unlock (&self->lock);
  }
  gst_object_unref (hand);
}

static void
finish_dropping (GstZrtpConnection *self)
{
  guint i;

  for (i = 0; i < GST_ZRTP_N_HANDS; i++) {
    gboolean unfinished;

    g_mutex_lock (&self->lock);
    unfinished = self->unfinished[i];
    self->unfinished[i] = FALSE;
    g_mutex_unlock (&self->lock);
    if (unfinished)
      drop_keys (self, i, FALSE);
  }
}

/* --- SSRC collisions ----------------------------------------------------------------------------
 * "The procedures of RFC 3550, Section 8.2, SHOULD be followed by both endpoints to resolve this
 * condition, and if it is resolved, a new ZRTP secure session SHOULD be negotiated", RFC 6189 §4.1. Whoever
 * makes our media is asked for another SSRC; when it shows, the negotiation begins again, with the same
 * Hello, whose hash may be in the signalling.
 *
 * Anybody can send a Hello with our SSRC, and no MAC protects the Error that the peer may send. So this
 * happens once between two starts: a forger wins a change of the SSRC and four seconds, and then the failure
 * that he would have had at once. Were it repeated, he could keep us busy for ever, without anybody being
 * told. A real collision comes twice with a probability of 2^-32. */

static gboolean
is_ssrc_fixed_unlocked (GstZrtpConnection *self)
{
  gboolean fixed = FALSE;
  guint i;

  for (i = 0; i < GST_ZRTP_N_HANDS; i++)
    fixed |= self->hands[i] && g_atomic_int_get (&self->hands[i]->ssrc_is_set);
  return fixed;
}

static gboolean
begin_resolving (GstZrtpConnection *self, guint32 ssrc, const gchar *text, gboolean by_peer)
{
  gboolean may;

  g_mutex_lock (&self->lock);
  may = self->hands[GST_ZRTP_ENC_HAND] && !self->was_collision && !is_ssrc_fixed_unlocked (self);
  if (may) {
    self->was_collision = self->is_collision = TRUE;
    self->lost_ssrc = ssrc;
    self->collision_until = gst_zrtp_runner_now () + COLLISION_TIMEOUT;
    self->collision_by_peer = by_peer;
    g_free (self->collision_text);
    self->collision_text = g_strdup (text);
  }
  g_mutex_unlock (&self->lock);
  return may;
}

static gboolean
resolve_collision (GstZrtpConnection *self, const gchar *text, gboolean by_peer)
{
  GstZrtpBase *enc;
  guint ssrc;

  g_object_get (self->stream, "ssrc", &ssrc, NULL);
  if (!begin_resolving (self, ssrc, text, by_peer))
    return FALSE;
  enc = ref_hand (self, GST_ZRTP_ENC_HAND);
  /* where there is no media yet, there is nobody to wait for */
  if (enc && !gst_zrtp_enc_report_collision (GST_ZRTP_ENC (enc), ssrc))
    gst_zrtp_connection_set_ssrc (self, ssrc ^ MAX (1, g_random_int ()));
  gst_clear_object (&enc);
  post_warning (self, GST_ZRTP_WARNING_SSRC_COLLISION,
      "the peer has the same SSRC as we; the negotiation begins again as soon as our media has "
      "another one");
  return TRUE;
}

static void
end_collision (GstZrtpConnection *self, GstClockTime now)
{
  gboolean resolved, given_up;

  g_mutex_lock (&self->lock);
  resolved = self->is_collision && self->ssrc != self->lost_ssrc;
  given_up = self->is_collision && !resolved && now >= self->collision_until;
  self->is_collision &= !resolved && !given_up;
  g_mutex_unlock (&self->lock);
  if (resolved)
    gst_zrtp_stream_retry (self->stream, now);
  if (given_up)
    post_failed (self, SSRC_COLLISION, self->collision_text, self->collision_by_peer);
}

static void
on_failed (GstZrtpSession *session, GstZrtpStream *stream, guint code, const gchar *text,
    gboolean by_peer, GstZrtpConnection *self)
{
  if (stream != self->stream)
    return;
  /* RFC 6189 §4.7.1: "deletion of all crypto context for that media stream" */
  drop_keys (self, GST_ZRTP_ENC_HAND, FALSE);
  drop_keys (self, GST_ZRTP_DEC_HAND, FALSE);
  if (code != SSRC_COLLISION || !resolve_collision (self, text, by_peer))
    post_failed (self, code, text, by_peer);
}

static void
on_warning (GstZrtpSession *session, GstZrtpStream *stream, GstZrtpWarning code, const gchar *text,
    GstZrtpConnection *self)
{
  if (stream == self->stream)
    post_warning (self, code, text);
}

static void
on_clear (GstZrtpSession *session, GstZrtpStream *stream, gboolean by_peer, gboolean waiting,
    GstZrtpConnection *self)
{
  if (stream == self->stream)
    post (self, gst_structure_new ("zrtp-clear", "by-peer", G_TYPE_BOOLEAN, by_peer, "waiting",
                    G_TYPE_BOOLEAN, waiting, NULL));
}

static void
on_enrollment (GstZrtpSession *session, GstZrtpStream *stream, const gchar *peer_zid,
    const gchar *peer_name, GstZrtpConnection *self)
{
  if (stream == self->stream)
    post (self, gst_structure_new ("zrtp-enrollment", "peer-zid", G_TYPE_STRING, peer_zid,
                    "peer-name", G_TYPE_STRING, peer_name, NULL));
}

static void
on_sas_relayed (GstZrtpSession *session, GstZrtpStream *stream, const gchar *sas,
    const gchar *sas_type, gboolean relayed, gboolean verified, gboolean disclosure,
    GstZrtpConnection *self)
{
  if (stream == self->stream)
    post (
        self, gst_structure_new ("zrtp-sas-relayed", "sas", G_TYPE_STRING, sas, "sas-type",
                  G_TYPE_STRING, sas_type, "relayed", G_TYPE_BOOLEAN, relayed, "peer-sas-verified",
                  G_TYPE_BOOLEAN, verified, "peer-disclosure", G_TYPE_BOOLEAN, disclosure, NULL));
}

static void
on_sas_verified (GstZrtpSession *session, gboolean sas_verified, GstZrtpConnection *self)
{
  post (self,
      gst_structure_new ("zrtp-sas-verified", "sas-verified", G_TYPE_BOOLEAN, sas_verified, NULL));
}

/* --- Keys -------------------------------------------------------------------------------------- */

static gboolean
install (GstZrtpConnection *self, GstZrtpBase *hand, GBytes *key)
{
  gchar *cipher, *auth_tag;
  GstZrtpSrtpKeys keys;
  gboolean ok;

  g_object_get (self->stream, "cipher", &cipher, "auth-tag", &auth_tag, NULL);
  ok = gst_zrtp_srtp_keys_init (&keys, cipher, auth_tag, key) &&
       gst_zrtp_base_install_keys (hand, &keys);
  if (!ok)
    GST_ELEMENT_ERROR (hand, LIBRARY, SETTINGS,
        ("GStreamer's srtp elements refused the keys for %s and %s. "
         "Leave these out of the properties ciphers and auth-tags.",
            cipher, auth_tag),
        (NULL));
  g_free (cipher);
  g_free (auth_tag);
  return ok;
}

static void
take_key (GstZrtpConnection *self, GstZrtpHand which, GBytes *(*take) (GstZrtpStream *) )
{
  GstZrtpBase *hand = ref_hand (self, which);
  GBytes *key;

  if (!hand)
    return;
  g_mutex_lock (&self->lock);
  self->unfinished[which] = FALSE; /* what is left of the old keys goes with the new ones */
  g_mutex_unlock (&self->lock);
  key = take (self->stream);
  if (key) {
    install (self, hand, key);
    g_bytes_unref (key);
  }
  gst_object_unref (hand);
}

static void
on_send_key (GstZrtpStream *stream, GstZrtpConnection *self)
{
  take_key (self, GST_ZRTP_ENC_HAND, gst_zrtp_stream_take_send_key);
}

static void
on_receive_key (GstZrtpStream *stream, GstZrtpConnection *self)
{
  take_key (self, GST_ZRTP_DEC_HAND, gst_zrtp_stream_take_receive_key);
}

/* RFC 6189 §4.7.2.1: "All SRTP session key material MUST be erased" */
static void
on_drop_keys (GstZrtpStream *stream, GstZrtpConnection *self)
{
  drop_keys (self, GST_ZRTP_ENC_HAND, FALSE);
  drop_keys (self, GST_ZRTP_DEC_HAND, FALSE);
}

static void
on_watch_media (GstZrtpStream *stream, GstZrtpConnection *self)
{
  GstZrtpBase *dec = ref_hand (self, GST_ZRTP_DEC_HAND);

  if (!dec)
    return;
  gst_zrtp_dec_await_authenticated (GST_ZRTP_DEC (dec));
  gst_object_unref (dec);
}

/* --- The missing partner ----------------------------------------------------------------------- */

static gboolean
is_alone_unlocked (GstZrtpConnection *self)
{
  return self->running[GST_ZRTP_ENC_HAND] != self->running[GST_ZRTP_DEC_HAND];
}

static void
warn_alone (GstZrtpConnection *self, GstZrtpHand which, gboolean partner_is_there)
{
  GstZrtpBase *hand = ref_hand (self, which);
  const gchar *partner = hand_names[!which];
  gchar *text;

  if (!hand)
    return;
  text = partner_is_there
             ? g_strdup_printf (
                   "%s waits for its %s (connection-id \"%s\"), which is there but not yet "
                   "PAUSED. Nothing is negotiated before both are.",
                   GST_OBJECT_NAME (hand), partner, self->id)
             : g_strdup_printf (
                   "%s waits for its %s. Add a %s with connection-id \"%s\": the two make one "
                   "ZRTP stream, and nothing is negotiated before both are PAUSED.",
                   GST_OBJECT_NAME (hand), partner, partner, self->id);
  GST_ELEMENT_WARNING (hand, RESOURCE, NOT_FOUND, ("%s", text), (NULL));
  post_warning (self, GST_ZRTP_WARNING_NO_PARTNER, text);
  g_free (text);
  gst_object_unref (hand);
}

static void
check_alone (GstZrtpConnection *self, GstClockTime now)
{
  gboolean due, partner_is_there;
  GstZrtpHand which;

  g_mutex_lock (&self->lock);
  which = self->running[GST_ZRTP_ENC_HAND] ? GST_ZRTP_ENC_HAND : GST_ZRTP_DEC_HAND;
  partner_is_there = self->hands[!which] != NULL;
  due = is_alone_unlocked (self) && GST_CLOCK_TIME_IS_VALID (self->alone_until) &&
        now >= self->alone_until;
  if (due)
    self->alone_until = GST_CLOCK_TIME_NONE;
  g_mutex_unlock (&self->lock);
  if (due)
    warn_alone (self, which, partner_is_there);
}

/* --- The actor --------------------------------------------------------------------------------- */

static void
schedule (GstZrtpConnection *self, guint work)
{
  gboolean idle;

  g_mutex_lock (&self->lock);
  self->work |= work;
  idle = !self->scheduled;
  self->scheduled = TRUE;
  g_mutex_unlock (&self->lock);
  if (idle)
    gst_zrtp_task_schedule (&self->task);
}

static gboolean
is_started (GstZrtpConnection *self)
{
  gboolean started;

  g_mutex_lock (&self->lock);
  started = self->started;
  g_mutex_unlock (&self->lock);
  return started;
}

static GstClockTime
next_timeout_unlocked (GstZrtpConnection *self, GstClockTime stream, GstClockTime now)
{
  GstClockTime when = self->started ? stream : GST_CLOCK_TIME_NONE;

  if (is_alone_unlocked (self))
    when = MIN (when, self->alone_until);
  if (self->is_collision)
    when = MIN (when, self->collision_until);
  if (self->unfinished[GST_ZRTP_ENC_HAND] || self->unfinished[GST_ZRTP_DEC_HAND])
    when = MIN (when, now + RETRY_INTERVAL);
  return when;
}

/* Set while the lock is held, so that it cannot come after the end of a stop. */
static void
set_timer (GstZrtpConnection *self)
{
  GstClockTime stream = gst_zrtp_stream_get_next_timeout (self->stream);
  GstClockTime now = gst_zrtp_runner_now ();

  g_mutex_lock (&self->lock);
  gst_zrtp_task_set_timer (&self->task, next_timeout_unlocked (self, stream, now));
  g_mutex_unlock (&self->lock);
}

static void
send_packets (GstZrtpConnection *self)
{
  GstZrtpBase *enc = ref_hand (self, GST_ZRTP_ENC_HAND);
  GBytes *packet;

  while (is_started (self) && (packet = gst_zrtp_stream_poll_packet (self->stream))) {
    if (enc)
      gst_zrtp_enc_send (GST_ZRTP_ENC (enc), packet);
    g_bytes_unref (packet);
  }
  if (enc)
    gst_object_unref (enc);
}

static void
do_packet (GstZrtpConnection *self, GstClockTime now)
{
  GBytes *packet;
  gconstpointer data;
  gsize size;

  g_mutex_lock (&self->lock);
  packet = g_queue_pop_head (&self->inbox);
  if (!g_queue_is_empty (&self->inbox))
    self->work |= WORK_PACKET;
  g_mutex_unlock (&self->lock);
  if (!packet)
    return;
  data = g_bytes_get_data (packet, &size);
  gst_zrtp_stream_handle_packet (self->stream, data, size, now);
  g_bytes_unref (packet);
}

static void
do_ssrc (GstZrtpConnection *self)
{
  guint32 ssrc;

  g_mutex_lock (&self->lock);
  ssrc = self->ssrc;
  g_mutex_unlock (&self->lock);
  g_object_set (self->stream, "ssrc", ssrc, NULL);
}

static void
do_start (GstZrtpConnection *self, GstClockTime now)
{
  GstZrtpBase *dec = ref_hand (self, GST_ZRTP_DEC_HAND);

  if (dec) {
    gst_zrtp_dec_await_media (GST_ZRTP_DEC (dec));
    gst_object_unref (dec);
  }
  gst_zrtp_stream_start (self->stream, now);
}

static void
do_work (GstZrtpConnection *self, guint work)
{
  GstClockTime now = gst_zrtp_runner_now ();

  if (work & WORK_SSRC)
    do_ssrc (self);
  if (work & WORK_TIMEOUT) {
    check_alone (self, now);
    finish_dropping (self);
  }
  if (!is_started (self))
    return;
  if (work & WORK_START)
    do_start (self, now);
  if (work & (WORK_SSRC | WORK_TIMEOUT))
    end_collision (self, now);
  if (work & WORK_AUTHENTICATED)
    gst_zrtp_stream_srtp_authenticated (self->stream, now);
  if (work & WORK_PACKET)
    do_packet (self, now);
  if (work & WORK_MEDIA)
    gst_zrtp_stream_media_received (self->stream, now);
  if (work & WORK_TIMEOUT)
    gst_zrtp_stream_handle_timeout (self->stream, now);
  send_packets (self);
}

static void
run (gpointer object)
{
  GstZrtpConnection *self = object;
  guint work;

  g_mutex_lock (&self->lock);
  self->thread = g_thread_self ();
  while ((work = self->work)) {
    self->work = 0;
    g_mutex_unlock (&self->lock);
    do_work (self, work);
    set_timer (self);
    g_mutex_lock (&self->lock);
  }
  self->scheduled = FALSE;
  self->thread = NULL;
  g_cond_broadcast (&self->idle);
  g_mutex_unlock (&self->lock);
}

static void
expired (gpointer object)
{
  schedule (object, WORK_TIMEOUT);
}

gboolean
gst_zrtp_connection_receive (GstZrtpConnection *self, GstBuffer *packet)
{
  gpointer data;
  gsize size;
  gboolean room;

  gst_buffer_extract_dup (packet, 0, GST_ZRTP_MAX_PACKET, &data, &size);
  g_mutex_lock (&self->lock);
  room = self->started && g_queue_get_length (&self->inbox) < GST_ZRTP_MAX_INBOX;
  if (room)
    g_queue_push_tail (&self->inbox, g_bytes_new_take (g_steal_pointer (&data), size));
  g_mutex_unlock (&self->lock);
  g_free (data);
  if (room)
    schedule (self, WORK_PACKET);
  return room;
}

void
gst_zrtp_connection_srtp_authenticated (GstZrtpConnection *self)
{
  schedule (self, WORK_AUTHENTICATED);
}

void
gst_zrtp_connection_media_received (GstZrtpConnection *self)
{
  schedule (self, WORK_MEDIA);
}

void
gst_zrtp_connection_set_ssrc (GstZrtpConnection *self, guint32 ssrc)
{
  gboolean fixed;

  g_mutex_lock (&self->lock);
  fixed = is_ssrc_fixed_unlocked (self);
  if (!fixed)
    self->ssrc = ssrc;
  g_mutex_unlock (&self->lock);
  if (!fixed)
    schedule (self, WORK_SSRC);
}

GstStructure *
gst_zrtp_connection_get_stats (GstZrtpConnection *self)
{
  GstStructure *stats;

  g_object_get (self->stream, "stats", &stats, NULL);
  for_each_hand (self, (void (*) (GstZrtpBase *, gpointer)) gst_zrtp_base_add_stats, stats);
  return stats;
}

/* --- Start and stop ---------------------------------------------------------------------------- */

static void
await_preroll (GstZrtpConnection *self)
{
  GstZrtpBase *enc = ref_hand (self, GST_ZRTP_ENC_HAND);

  if (!enc)
    return;
  gst_zrtp_enc_await_preroll (GST_ZRTP_ENC (enc));
  gst_object_unref (enc);
}

void
gst_zrtp_connection_start (GstZrtpConnection *self, GstZrtpBase *hand)
{
  GstClockTime now = gst_zrtp_runner_now ();
  gboolean both;

  gst_zrtp_connection_update_hands (self);
  g_mutex_lock (&self->lock);
  self->running[GST_ZRTP_BASE_GET_CLASS (hand)->hand] = TRUE;
  both = !is_alone_unlocked (self);
  self->started = both;
  self->must_stop |= both;
  self->was_collision = FALSE;
  self->alone_until = both ? GST_CLOCK_TIME_NONE : now + ALONE_TIMEOUT;
  g_mutex_unlock (&self->lock);

  if (both) {
    schedule (self, WORK_START);
    await_preroll (self);
  } else {
    set_timer (self);
  }
}

/* From now on the actor feeds nothing and pushes nothing that it has not begun. */
void
gst_zrtp_connection_begin_stop (GstZrtpConnection *self, GstZrtpBase *hand)
{
  g_mutex_lock (&self->lock);
  self->running[GST_ZRTP_BASE_GET_CLASS (hand)->hand] = FALSE;
  self->started = self->is_collision = FALSE;
  self->work &= WORK_SSRC;
  g_queue_clear_full (&self->inbox, (GDestroyNotify) g_bytes_unref);
  gst_zrtp_task_set_timer (&self->task, GST_CLOCK_TIME_NONE);
  g_mutex_unlock (&self->lock);
}

/* By now the pads of the hand are flushing, so no push of the actor can last. An application that
 * stops a pipeline in a signal handler may be in the actor's own thread; it cannot wait for itself. */
static void
join (GstZrtpConnection *self)
{
  g_mutex_lock (&self->lock);
  while (self->thread && self->thread != g_thread_self ())
    g_cond_wait (&self->idle, &self->lock);
  g_mutex_unlock (&self->lock);
}

void
gst_zrtp_connection_finish_stop (GstZrtpConnection *self, GstZrtpBase *hand)
{
  GstZrtpHand which = GST_ZRTP_BASE_GET_CLASS (hand)->hand;
  GstClockTime now = gst_zrtp_runner_now ();
  gboolean partner_runs, must_stop;

  join (self);
  g_mutex_lock (&self->lock);
  must_stop = self->must_stop;
  self->must_stop = FALSE;
  partner_runs = self->running[!which];
  self->alone_until = partner_runs ? now + ALONE_TIMEOUT : GST_CLOCK_TIME_NONE;
  self->unfinished[which] = FALSE;
  g_mutex_unlock (&self->lock);
  /* a stream that never began keeps its Hello, whose hash may be in the signalling already */
  if (must_stop)
    gst_zrtp_stream_stop (self->stream);
  drop_keys (self, which, TRUE);
  drop_keys (self, !which, !partner_runs);
  set_timer (self);
}

/* --- Who belongs to whom ------------------------------------------------------------------------
 * Two tables, of connections by their id and of sessions by theirs. Both are weak: an entry goes with
 * the last hand, or with the session. */

static GMutex registry_lock;
static GHashTable *connections; /* id → GstZrtpConnection, not referenced: a hand is attached */
static GHashTable *sessions;    /* session-id → GWeakRef */

static void
weak_ref_free (gpointer data)
{
  g_weak_ref_clear (data);
  g_free (data);
}

static gboolean
session_is_gone (gpointer id, gpointer weak_ref, gpointer unused)
{
  GstZrtpSession *session = g_weak_ref_get (weak_ref);

  if (!session)
    return TRUE;
  gst_object_unref (session);
  return FALSE;
}

static void
make_tables_unlocked (void)
{
  if (connections)
    return;
  connections = g_hash_table_new (g_str_hash, g_str_equal);
  sessions = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, weak_ref_free);
}

static void
remember_session_unlocked (const gchar *id, GstZrtpSession *session)
{
  GWeakRef *weak_ref = g_new0 (GWeakRef, 1);

  g_hash_table_foreach_remove (sessions, session_is_gone, NULL);
  g_weak_ref_init (weak_ref, session);
  g_hash_table_replace (sessions, g_strdup (id), weak_ref);
}

/* GCM first, where it runs: one pass over the packet instead of two. */
static const gchar *
default_auth_tags (void)
{
  return gst_zrtp_srtp_has_gcm () ? "GCM,HS80,HS32" : "HS80,HS32";
}

static GstZrtpSession *
find_session_unlocked (const gchar *id)
{
  GWeakRef *weak_ref = g_hash_table_lookup (sessions, id);
  GstZrtpSession *session = weak_ref ? g_weak_ref_get (weak_ref) : NULL;

  if (session)
    return session;
  session = gst_object_ref_sink (g_object_new (
      GST_TYPE_ZRTP_SESSION, "session-id", id, "auth-tags", default_auth_tags (), NULL));
  remember_session_unlocked (id, session);
  return session;
}

/* A session that the application made can be found by its name too, unless the name is taken. */
static GstZrtpSession *
use_session_unlocked (GstZrtpSession *session)
{
  GWeakRef *weak_ref;
  gchar *id;

  g_object_get (session, "session-id", &id, NULL);
  weak_ref = id ? g_hash_table_lookup (sessions, id) : NULL;
  if (id && (!weak_ref || session_is_gone (NULL, weak_ref, NULL)))
    remember_session_unlocked (id, session);
  g_free (id);
  return gst_object_ref (session);
}

static void
on_wake_up (GstZrtpStream *stream, GstZrtpConnection *self)
{
  schedule (self, WORK_TIMEOUT);
}

static void
connect_signals (GstZrtpConnection *self)
{
  g_signal_connect_object (self->stream, "notify::state", G_CALLBACK (on_state), self, 0);
  g_signal_connect_object (self->stream, "send-key", G_CALLBACK (on_send_key), self, 0);
  g_signal_connect_object (self->stream, "receive-key", G_CALLBACK (on_receive_key), self, 0);
  g_signal_connect_object (self->stream, "drop-keys", G_CALLBACK (on_drop_keys), self, 0);
  g_signal_connect_object (self->stream, "watch-media", G_CALLBACK (on_watch_media), self, 0);
  g_signal_connect_object (self->stream, "wake-up", G_CALLBACK (on_wake_up), self, 0);
  g_signal_connect_object (self->session, "clear", G_CALLBACK (on_clear), self, 0);
  g_signal_connect_object (self->session, "enrollment", G_CALLBACK (on_enrollment), self, 0);
  g_signal_connect_object (self->session, "sas-relayed", G_CALLBACK (on_sas_relayed), self, 0);
  g_signal_connect_object (self->session, "notify", G_CALLBACK (on_session_notify), self, 0);
  g_signal_connect_object (self->session, "secure", G_CALLBACK (on_secure), self, 0);
  g_signal_connect_object (self->session, "failed", G_CALLBACK (on_failed), self, 0);
  g_signal_connect_object (self->session, "warning", G_CALLBACK (on_warning), self, 0);
  g_signal_connect_object (self->session, "sas-verified", G_CALLBACK (on_sas_verified), self, 0);
}

static GstZrtpConnection *
make_unlocked (const gchar *id, const gchar *session_id, GstZrtpSession *session)
{
  GstZrtpConnection *self = g_object_new (GST_TYPE_ZRTP_CONNECTION, NULL);

  gst_object_ref_sink (self);
  self->id = g_strdup (id);
  self->session = session ? use_session_unlocked (session)
                          : find_session_unlocked (session_id ? session_id : id);
  self->stream = gst_zrtp_session_get_stream (self->session, id);
  connect_signals (self);
  g_hash_table_insert (connections, self->id, self);
  return self;
}

static gboolean
is_hand_free (GstZrtpConnection *self, GstZrtpBase *hand, GError **error)
{
  GstZrtpHand which = GST_ZRTP_BASE_GET_CLASS (hand)->hand;
  GstZrtpBase *other = ref_hand (self, which);

  if (!other)
    return TRUE;
  g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_BUSY,
      "%s cannot join connection-id \"%s\": %s is its %s already. A connection has one zrtpenc and "
      "one zrtpdec; give each pair a connection-id of its own.",
      GST_OBJECT_NAME (hand), self->id, GST_OBJECT_NAME (other), hand_names[which]);
  gst_object_unref (other);
  return FALSE;
}

static gboolean
is_same_session (GstZrtpConnection *self, GstZrtpBase *hand, const gchar *session_id,
    GstZrtpSession *session, GError **error)
{
  GstZrtpBase *other = ref_hand (self, !GST_ZRTP_BASE_GET_CLASS (hand)->hand);
  gchar *own_id = dup_session_id (self);
  gboolean same =
      session ? session == self->session : !session_id || g_str_equal (session_id, own_id);

  if (!same)
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
        "%s and %s share connection-id \"%s\" but not the session (session-id \"%s\"). Set the "
        "same "
        "session or session-id on both, or another connection-id on one.",
        GST_OBJECT_NAME (hand), other ? GST_OBJECT_NAME (other) : "its partner", self->id, own_id);
  gst_clear_object (&other);
  g_free (own_id);
  return same;
}

GstZrtpConnection *
gst_zrtp_connection_attach (GstZrtpBase *hand, const gchar *id, const gchar *session_id,
    GstZrtpSession *session, GError **error)
{
  GstZrtpConnection *self;

  g_mutex_lock (&registry_lock);
  make_tables_unlocked ();
  self = g_hash_table_lookup (connections, id);
  if (self)
    gst_object_ref (self);
  else
    self = make_unlocked (id, session_id, session);

  if (is_hand_free (self, hand, error) &&
      is_same_session (self, hand, session_id, session, error)) {
    g_mutex_lock (&self->lock);
    self->hands[GST_ZRTP_BASE_GET_CLASS (hand)->hand] = hand;
    g_mutex_unlock (&self->lock);
  } else {
    /* somebody else is attached, so this is not the last reference */
    gst_clear_object (&self);
  }
  g_mutex_unlock (&registry_lock);
  return self;
}

void
gst_zrtp_connection_detach (GstZrtpConnection *self, GstZrtpBase *hand)
{
  g_mutex_lock (&registry_lock);
  g_mutex_lock (&self->lock);
  self->hands[GST_ZRTP_BASE_GET_CLASS (hand)->hand] = NULL;
  if (!self->hands[GST_ZRTP_ENC_HAND] && !self->hands[GST_ZRTP_DEC_HAND])
    g_hash_table_remove (connections, self->id);
  g_mutex_unlock (&self->lock);
  g_mutex_unlock (&registry_lock);
}

/* --- Object ------------------------------------------------------------------------------------ */

static void
gst_zrtp_connection_finalize (GObject *object)
{
  GstZrtpConnection *self = GST_ZRTP_CONNECTION (object);

  g_queue_clear_full (&self->inbox, (GDestroyNotify) g_bytes_unref);
  gst_clear_object (&self->stream);
  gst_clear_object (&self->session);
  g_free (self->collision_text);
  g_free (self->id);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->idle);
  G_OBJECT_CLASS (gst_zrtp_connection_parent_class)->finalize (object);
}

static void
gst_zrtp_connection_init (GstZrtpConnection *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->idle);
  g_queue_init (&self->inbox);
  self->alone_until = GST_CLOCK_TIME_NONE;
  gst_zrtp_task_init (&self->task, self, run, expired);
}

static void
gst_zrtp_connection_class_init (GstZrtpConnectionClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = gst_zrtp_connection_finalize;
}
