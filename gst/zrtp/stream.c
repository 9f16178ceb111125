/* One negotiation: an engine with a lock around it and signals on top.
 *
 * Every call that can make something happen ends in pump(): it takes the engine's events one by one
 * and handles each with the lock released, so that no signal, cache or application code ever runs
 * under it. Events are handled before the call returns; packets are polled after. Therefore a key is
 * in its place before the peer can know that it may use it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/zrtp/zrtp-private.h"
#include "gst/protocol/packet.h"

#include <string.h>

/**
 * GstZrtpStream:
 *
 * The ZRTP negotiation of one media stream (RFC 6189). A pair of elements has one; a program with
 * its own network can drive one by hand: feed what arrives with gst_zrtp_stream_handle_packet(), send
 * all that gst_zrtp_stream_poll_packet() returns, and call gst_zrtp_stream_handle_timeout() when
 * gst_zrtp_stream_get_next_timeout() has come.
 *
 * Times are monotonic nanoseconds, the same clock in all calls. The driving calls belong to one
 * thread at a time; everything else may be called from any thread. Get one with
 * gst_zrtp_session_get_stream().
 */
struct _GstZrtpStream {
  GstObject parent;

  GstZrtpSession *session; /* whose lock guards all below */
  gchar *connection_id;

  ZrtpEngine *engine; /* NULL = idle and without a Hello */
  guint serial;       /* of the settings that the engine was made with */
  gboolean started;
  GThread *pumping;      /* handles events; others leave theirs to it */
  gboolean poll_refused; /* because of that */
  guint life;            /* changes with every stop: an event of an earlier life has no effect */
  guint64 now;           /* of the last driving call */

  guint32 ssrc;
  gchar *peer_hello_hash;
  guint8 peer_hash[ZRTP_HELLO_HASH_SIZE];
  gboolean has_peer_hash;
  GError *settings_error;

  GstZrtpState state; /* as last told */
  const gchar *cipher, *auth_tag;
  GBytes *send_key, *receive_key; /* until taken */
  ZrtpSecureInfo info;
};

enum {
  PROP_CONNECTION_ID = 1,
  PROP_SESSION,
  PROP_SSRC,
  PROP_STATE,
  PROP_ROLE,
  PROP_STATS,
  PROP_HELLO_HASH,
  PROP_PEER_HELLO_HASH,
  PROP_CIPHER,
  PROP_AUTH_TAG,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

enum {
  SIGNAL_RECEIVE_KEY,
  SIGNAL_SEND_KEY,
  SIGNAL_DROP_KEYS,
  SIGNAL_WATCH_MEDIA,
  SIGNAL_WAKE_UP,
  SIGNAL_PINGACK,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (GstZrtpStream, gst_zrtp_stream, GST_TYPE_OBJECT)

static void
lock (GstZrtpStream *self)
{
  gst_zrtp_session_lock (self->session);
}

static void
unlock (GstZrtpStream *self)
{
  gst_zrtp_session_unlock (self->session);
}

/* --- State ------------------------------------------------------------------------------------------- */

static GstZrtpState
public_state (ZrtpEngine *engine)
{
  if (!engine)
    return GST_ZRTP_STATE_IDLE;
  switch (zrtp_engine_get_state (engine)) {
    case ZRTP_STATE_IDLE:
      return GST_ZRTP_STATE_IDLE;
    case ZRTP_STATE_DISCOVERY:
      return GST_ZRTP_STATE_DISCOVERY;
    case ZRTP_STATE_SECURE:
      return GST_ZRTP_STATE_SECURE;
    case ZRTP_STATE_CLEAR:
      return GST_ZRTP_STATE_CLEAR;
    case ZRTP_STATE_ERROR_SENT:
    case ZRTP_STATE_FAILED:
      return GST_ZRTP_STATE_FAILED;
    default:
      return GST_ZRTP_STATE_NEGOTIATING;
  }
}

/* Lock held, and held again on return; released to tell. */
static void
tell_state (GstZrtpStream *self)
{
  const GstZrtpState state = public_state (self->engine);

  if (state == self->state)
    return;
  self->state = state;
  unlock (self);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_STATE]);
  lock (self);
}

/* --- Events: each handler runs without the lock ------------------------------------------------------- */

/* The lock, unless the stream was stopped since the event was taken. */
static gboolean
lock_life (GstZrtpStream *self, guint life)
{
  lock (self);
  if (self->life == life)
    return TRUE;
  unlock (self);
  return FALSE;
}

static void
keep_key (GstZrtpStream *self, GBytes **place, ZrtpSrtpKey *key, guint signal, guint life)
{
  GBytes *old = NULL;
  gboolean alive = lock_life (self, life);

  if (alive) {
    old = *place;
    *place = gst_zrtp_secret_bytes (key->key_and_salt, key->size);
    self->cipher = gst_zrtp_type_name (key->cipher);
    self->auth_tag = gst_zrtp_type_name (key->auth_tag);
    unlock (self);
  }
  zrtp_wipe (key, sizeof *key);
  g_clear_pointer (&old, g_bytes_unref);
  if (alive)
    g_signal_emit (self, signals[signal], 0);
}

/* A negotiation that failed leaves no key (§4.7.1). */
static void
drop_keys (GstZrtpStream *self)
{
  GBytes *send_key, *receive_key;

  lock (self);
  send_key = g_steal_pointer (&self->send_key);
  receive_key = g_steal_pointer (&self->receive_key);
  unlock (self);
  g_clear_pointer (&send_key, g_bytes_unref);
  g_clear_pointer (&receive_key, g_bytes_unref);
}

static void
look_up (GstZrtpStream *self, const guint8 zid[ZRTP_ZID_SIZE], guint64 now, guint life)
{
  ZrtpRecord record;
  const gboolean ok = gst_zrtp_session_look_up (self->session, self, zid, &record);

  if (lock_life (self, life)) {
    if (ok)
      zrtp_engine_set_record (self->engine, zid, &record, now);
    else
      zrtp_engine_forgo_cache (self->engine, zid, now);
    unlock (self);
  }
  zrtp_wipe (&record, sizeof record);
}

/* The warnings that only say that something happened. */
static const struct {
  GstZrtpWarning code;
  const gchar *text;
} warnings[ZRTP_N_EVENTS] = {
    [ZRTP_EVENT_NO_ANSWER] = {GST_ZRTP_WARNING_NO_ANSWER,
        "no ZRTP endpoint answered yet; still listening, the call begins when the peer appears"},
    [ZRTP_EVENT_BAD_HELLO_HASH] = {GST_ZRTP_WARNING_HELLO_HASH_MISMATCH,
        "a Hello was refused: it is not the one that the peer's a=zrtp-hash announced; either it "
        "comes from somebody else, or peer-hello-hash is not this peer's"},
    [ZRTP_EVENT_BAD_VERSION] = {GST_ZRTP_WARNING_UNSUPPORTED_VERSION,
        "the peer does not speak ZRTP 1.10, the only version that this end speaks"},
    [ZRTP_EVENT_UNTRUSTED_RELAY] = {GST_ZRTP_WARNING_UNTRUSTED_RELAY,
        "somebody in the middle relayed a SAS and is not a PBX that you enrolled with; it was not "
        "used: compare the SAS that is shown"},
    [ZRTP_EVENT_WRONG_PEER] = {GST_ZRTP_WARNING_WRONG_PEER,
        "this stream was refused to an endpoint that is not the call's peer, or cannot join the "
        "call "
        "by Multistream mode; a stream with another peer belongs into a session of its own"},
    [ZRTP_EVENT_RESTART_REFUSED] = {GST_ZRTP_WARNING_RESTART_REFUSED,
        "somebody wanted to begin anew on this secure stream and could not show that it is the "
        "same "
        "peer; the stream goes on as it was. If the peer was restarted, start the call again"},
};

static void
emit_pingack (GstZrtpStream *self, const ZrtpEvent *event)
{
  GBytes *endpoint_hash = g_bytes_new (event->pingack.endpoint_hash, 8);

  g_signal_emit (self, signals[SIGNAL_PINGACK], 0, endpoint_hash, (guint) event->pingack.ssrc);
  g_bytes_unref (endpoint_hash);
}

static void
handle_event (GstZrtpStream *self, ZrtpEvent *event, guint64 now, guint life)
{
  if (warnings[event->kind].text) {
    gst_zrtp_session_warn (
        self->session, self, warnings[event->kind].code, warnings[event->kind].text);
    return;
  }
  switch (event->kind) {
    case ZRTP_EVENT_DROP_KEYS:
      drop_keys (self);
      g_signal_emit (self, signals[SIGNAL_DROP_KEYS], 0);
      break;
    case ZRTP_EVENT_LOOKUP:
      look_up (self, event->peer_zid, now, life);
      break;
    case ZRTP_EVENT_RECEIVE_KEY:
      keep_key (self, &self->receive_key, &event->key, SIGNAL_RECEIVE_KEY, life);
      break;
    case ZRTP_EVENT_SEND_KEY:
      keep_key (self, &self->send_key, &event->key, SIGNAL_SEND_KEY, life);
      break;
    case ZRTP_EVENT_STORE:
      gst_zrtp_session_store (self->session, self, event->peer_zid, &event->store);
      zrtp_wipe (&event->store, sizeof event->store);
      break;
    case ZRTP_EVENT_SECURE:
      if (!lock_life (self, life))
        break;
      self->info = event->secure;
      unlock (self);
      gst_zrtp_session_became_secure (self->session, self, &event->secure);
      break;
    case ZRTP_EVENT_ENROLLMENT:
      gst_zrtp_session_enrollment_offered (self->session, self, event->peer_zid);
      break;
    case ZRTP_EVENT_RELAYED_SAS:
      gst_zrtp_session_sas_relayed (self->session, self, &event->relayed_sas);
      break;
    case ZRTP_EVENT_CLEAR:
      gst_zrtp_session_went_clear (self->session, self, event->clear.by_peer, event->clear.waiting);
      break;
    case ZRTP_EVENT_WATCH_MEDIA:
      g_signal_emit (self, signals[SIGNAL_WATCH_MEDIA], 0);
      break;
    case ZRTP_EVENT_PINGACK:
      emit_pingack (self, event);
      break;
    case ZRTP_EVENT_FAILED:
      drop_keys (self);
      gst_zrtp_session_failed (self->session, self, event->failed.code, event->failed.by_peer);
      break;
    default:
      break;
  }
}

/* Called with the lock held, returns with it released. `drives`: the caller is who drives this stream. */
static void
pump (GstZrtpStream *self, guint64 now, gboolean drives)
{
  gboolean poll_refused = FALSE;
  ZrtpEvent event;

  gst_object_ref (self); /* a handler may drop the last one */
  self->now = MAX (self->now, now);
  if (!self->pumping) {
    self->pumping = g_thread_self ();
    /* The state first: telling it releases the lock, and more may happen then. */
    for (tell_state (self); self->engine && zrtp_engine_poll_event (self->engine, &event);
         tell_state (self)) {
      const guint life = self->life;

      unlock (self);
      handle_event (self, &event, self->now, life);
      lock (self);
    }
    self->pumping = NULL;
    poll_refused = self->poll_refused;
    self->poll_refused = FALSE;
  }
  unlock (self);
  if (poll_refused)
    gst_zrtp_stream_wake_up (self);
  if (gst_zrtp_session_wake_stirred (self->session, drives ? self : NULL))
    gst_zrtp_stream_handle_timeout (self, now);
  gst_object_unref (self);
}

/* --- Engine ---------------------------------------------------------------------------------------------- */

static guint32
random_ssrc (void)
{
  const ZrtpRandom *random = &gst_zrtp_crypto.random;
  guint32 ssrc = 0;

  while (ssrc == 0 && random->fill (random->user, (guint8 *) &ssrc, sizeof ssrc))
    continue;
  return ssrc;
}

/* The settings changed before the call began: no stream keeps an engine of a call with another cache, or ZID. */
static void
drop_stale_engines (GstZrtpSession *session)
{
  GList *streams = gst_zrtp_session_all_streams (session);

  gst_zrtp_session_lock (session);
  for (GList *l = streams; l && session->n_started == 0; l = l->next) {
    GstZrtpStream *stream = l->data;

    if (stream->engine && stream->serial != gst_zrtp_session_get_serial (session))
      gst_zrtp_session_release_engine (session, g_steal_pointer (&stream->engine), FALSE);
  }
  gst_zrtp_session_unlock (session);
  g_list_free_full (streams, gst_object_unref);
}

/* The engine, made if there is none; made anew when it has sent nothing yet and the settings of its
 * Hello changed. */
static void
ensure_engine (GstZrtpStream *self)
{
  ZrtpEngine *fresh;
  guint32 ssrc;
  gboolean has_peer_hash;
  guint8 peer_hash[ZRTP_HELLO_HASH_SIZE];
  guint serial;

  drop_stale_engines (self->session);
  lock (self);
  if (self->engine && !self->started && self->serial != gst_zrtp_session_get_serial (self->session))
    gst_zrtp_session_release_engine (self->session, g_steal_pointer (&self->engine), FALSE);
  if (self->ssrc == 0)
    self->ssrc = random_ssrc ();
  if (self->engine) {
    unlock (self);
    return;
  }
  ssrc = self->ssrc;
  has_peer_hash = self->has_peer_hash;
  memcpy (peer_hash, self->peer_hash, sizeof peer_hash);
  unlock (self);

  fresh = gst_zrtp_session_acquire_engine (
      self->session, ssrc, has_peer_hash ? peer_hash : NULL, &serial);
  lock (self);
  if (self->engine) {
    gst_zrtp_session_release_engine (self->session, fresh, FALSE);
  } else {
    self->engine = fresh;
    self->serial = serial;
    if (fresh) { /* what was set meanwhile */
      zrtp_engine_set_ssrc (fresh, self->ssrc);
      zrtp_engine_set_peer_hello_hash (
          fresh, self->has_peer_hash ? self->peer_hash : NULL, self->now);
    }
  }
  unlock (self);
}

/**
 * gst_zrtp_stream_check:
 * @stream: a stream.
 * @error: what is wrong and what would be right.
 *
 * Returns: %TRUE when the settings of the stream and its session were understood.
 */
gboolean
gst_zrtp_stream_check (GstZrtpStream *self, GError **error)
{
  GError *found;

  g_return_val_if_fail (GST_IS_ZRTP_STREAM (self), FALSE);

  lock (self);
  found = self->settings_error ? g_error_copy (self->settings_error) : NULL;
  unlock (self);
  if (!found)
    return gst_zrtp_session_check (self->session, error);
  g_propagate_error (error, found);
  return FALSE;
}

/**
 * gst_zrtp_stream_start:
 * @stream: a stream.
 * @now: the time, nanoseconds.
 *
 * Begins discovery (RFC 6189 §4.1): the first Hello is ready to be polled. Does nothing when already
 * started. With settings that were not understood, nothing is started and #GstZrtpSession::failed
 * says so.
 */
void
gst_zrtp_stream_start (GstZrtpStream *self, guint64 now)
{
  g_return_if_fail (GST_IS_ZRTP_STREAM (self));

  if (!gst_zrtp_stream_check (self, NULL)) {
    gst_zrtp_session_failed (self->session, self, ZRTP_ERROR_SOFTWARE, FALSE);
    return;
  }
  gst_object_ref (self); /* a handler may drop the last one */
  ensure_engine (self);
  lock (self);
  if (self->engine && !self->started) {
    self->started = TRUE;
    self->session->n_started++;
    zrtp_engine_start (self->engine, now);
  }
  pump (self, now, TRUE);
  gst_zrtp_session_tell_cache_error (self->session, self);
  gst_object_unref (self);
}

/**
 * gst_zrtp_stream_stop:
 * @stream: a stream.
 *
 * Ends the stream: all its keys are wiped. A start after it negotiates afresh.
 */
void
gst_zrtp_stream_stop (GstZrtpStream *self)
{
  GBytes *send_key, *receive_key;
  gboolean ended;

  g_return_if_fail (GST_IS_ZRTP_STREAM (self));

  gst_object_ref (self); /* a handler may drop the last one */
  lock (self);
  ended = gst_zrtp_session_release_engine (
      self->session, g_steal_pointer (&self->engine), self->started);
  self->started = FALSE;
  self->life++;
  send_key = g_steal_pointer (&self->send_key);
  receive_key = g_steal_pointer (&self->receive_key);
  memset (&self->info, 0, sizeof self->info);
  tell_state (self);
  unlock (self);
  g_clear_pointer (&send_key, g_bytes_unref);
  g_clear_pointer (&receive_key, g_bytes_unref);
  if (ended)
    gst_zrtp_session_ended (self->session);
  gst_zrtp_session_wake_stirred (self->session, NULL);
  gst_object_unref (self);
}

/**
 * gst_zrtp_stream_retry:
 * @stream: a stream.
 * @now: the time, nanoseconds.
 *
 * Begins anew after a failure whose reason is gone, such as an SSRC collision (RFC 6189 §4.1) when
 * #GstZrtpStream:ssrc is another one now. Where only Hellos were exchanged, ours stays as it is, and so does
 * #GstZrtpStream:hello-hash; otherwise this is a stop and a start. Does nothing in another state than
 * %GST_ZRTP_STATE_FAILED.
 */
void
gst_zrtp_stream_retry (GstZrtpStream *self, guint64 now)
{
  gboolean failed, resumed;

  g_return_if_fail (GST_IS_ZRTP_STREAM (self));

  lock (self);
  failed = public_state (self->engine) == GST_ZRTP_STATE_FAILED;
  resumed = failed && zrtp_engine_retry (self->engine, now);
  pump (self, now, TRUE);
  if (!failed || resumed)
    return;
  gst_zrtp_stream_stop (self);
  gst_zrtp_stream_start (self, now);
}

/* --- Driving ----------------------------------------------------------------------------------------------- */

/**
 * gst_zrtp_packet_is_zrtp:
 * @data: (array length=size): a datagram.
 * @size: its length, octets.
 *
 * Tells ZRTP from RTP, RTCP and STUN on one port by the first octets (RFC 6189 §5).
 *
 * Returns: %TRUE when it is a packet for gst_zrtp_stream_handle_packet().
 */
gboolean
gst_zrtp_packet_is_zrtp (const guint8 *data, gsize size)
{
  g_return_val_if_fail (data != NULL || size == 0, FALSE);

  return zrtp_packet_is_zrtp (data, size);
}

/**
 * gst_zrtp_stream_handle_packet:
 * @stream: a stream.
 * @data: (array length=size): what arrived, a whole UDP payload.
 * @size: its length, octets.
 * @now: the time, nanoseconds.
 *
 * Anything may be fed: what is not right is counted and has no effect.
 *
 * Returns: %TRUE when the packet was understood and used.
 */
gboolean
gst_zrtp_stream_handle_packet (GstZrtpStream *self, const guint8 *data, gsize size, guint64 now)
{
  ZrtpResult result = ZRTP_UNEXPECTED;

  g_return_val_if_fail (GST_IS_ZRTP_STREAM (self), FALSE);
  g_return_val_if_fail (data != NULL || size == 0, FALSE);

  lock (self);
  if (self->engine && self->started)
    result = zrtp_engine_handle_packet (self->engine, data, size, now);
  pump (self, now, TRUE);
  return result == ZRTP_ACCEPTED || result == ZRTP_REPEATED;
}

/**
 * gst_zrtp_stream_handle_timeout:
 * @stream: a stream.
 * @now: the time, nanoseconds.
 *
 * To be called when gst_zrtp_stream_get_next_timeout() has come; harmless at other times.
 */
void
gst_zrtp_stream_handle_timeout (GstZrtpStream *self, guint64 now)
{
  g_return_if_fail (GST_IS_ZRTP_STREAM (self));

  lock (self);
  now = MAX (now, self->now);
  gst_zrtp_session_do_requests (self->session, now);
  if (self->engine)
    zrtp_engine_handle_timeout (self->engine, now);
  pump (self, now, TRUE);
}

/**
 * gst_zrtp_stream_get_next_timeout:
 * @stream: a stream.
 *
 * Returns: when to call gst_zrtp_stream_handle_timeout(), nanoseconds, or %GST_CLOCK_TIME_NONE. Ask
 *   again after every other driving call.
 */
guint64
gst_zrtp_stream_get_next_timeout (GstZrtpStream *self)
{
  uint64_t when = 0;
  gboolean armed;

  g_return_val_if_fail (GST_IS_ZRTP_STREAM (self), GST_CLOCK_TIME_NONE);

  lock (self);
  armed = self->engine && zrtp_engine_next_timeout (self->engine, &when);
  unlock (self);
  return armed ? when : GST_CLOCK_TIME_NONE;
}

/**
 * gst_zrtp_stream_poll_packet:
 * @stream: a stream.
 *
 * To be called after every other driving call until it returns %NULL. While another thread is told what
 * happened in this stream, there is nothing to send; #GstZrtpStream::wake-up follows.
 *
 * Returns: (transfer full) (nullable): the next packet to send, a whole UDP payload.
 */
GBytes *
gst_zrtp_stream_poll_packet (GstZrtpStream *self)
{
  guint8 packet[ZRTP_MAX_PACKET];
  gsize size;

  g_return_val_if_fail (GST_IS_ZRTP_STREAM (self), NULL);

  lock (self);
  /* Events come before packets: a key is in its place when the peer hears that it may use it. */
  self->poll_refused = self->pumping && self->pumping != g_thread_self ();
  size = self->engine && !self->poll_refused ? zrtp_engine_poll_packet (self->engine, packet) : 0;
  unlock (self);
  return size ? g_bytes_new (packet, size) : NULL;
}

/**
 * gst_zrtp_stream_srtp_authenticated:
 * @stream: a stream.
 * @now: the time, nanoseconds.
 *
 * An SRTP or SRTCP packet of the peer had a good tag. The first one counts as Conf2ACK
 * (RFC 6189 §4.6); later ones need not be told.
 */
void
gst_zrtp_stream_srtp_authenticated (GstZrtpStream *self, guint64 now)
{
  g_return_if_fail (GST_IS_ZRTP_STREAM (self));

  lock (self);
  if (self->engine)
    zrtp_engine_srtp_authenticated (self->engine, now);
  pump (self, now, TRUE);
}

/**
 * gst_zrtp_stream_media_received:
 * @stream: a stream.
 * @now: the time, nanoseconds.
 *
 * Unprotected media of the peer arrived: somebody is there. When nobody had answered our Hellos
 * before, discovery begins again. Only the first packet need be told.
 */
void
gst_zrtp_stream_media_received (GstZrtpStream *self, guint64 now)
{
  g_return_if_fail (GST_IS_ZRTP_STREAM (self));

  lock (self);
  if (self->engine)
    zrtp_engine_media_received (self->engine, now);
  pump (self, now, TRUE);
}

gboolean
gst_zrtp_stream_is_first (GstZrtpStream *self)
{
  gboolean is_first;

  lock (self);
  is_first = self->engine && zrtp_engine_is_first (self->engine);
  unlock (self);
  return is_first;
}

gboolean
gst_zrtp_stream_sas_verified (GstZrtpStream *self, gboolean matches)
{
  lock (self);
  if (public_state (self->engine) != GST_ZRTP_STATE_SECURE ||
      !zrtp_engine_is_first (self->engine)) {
    unlock (self);
    return FALSE;
  }
  zrtp_engine_sas_verified (self->engine, matches);
  self->session->sas_verified = matches;
  pump (self, 0, FALSE);
  return TRUE;
}

gboolean
gst_zrtp_stream_accept_enrollment (GstZrtpStream *self, gboolean accept)
{
  gboolean ok;

  lock (self);
  ok = self->engine && zrtp_engine_accept_enrollment (self->engine, accept);
  if (ok)
    pump (self, 0, FALSE);
  else
    unlock (self);
  return ok;
}

gboolean
gst_zrtp_stream_relay_sas (GstZrtpStream *self, ZrtpType sas_type, const guint8 *sashash,
    gboolean sas_verified, gboolean disclosure)
{
  gboolean ok;

  lock (self);
  ok = self->engine &&
       zrtp_engine_relay_sas (self->engine, sas_type, sashash, sas_verified, disclosure, self->now);
  unlock (self);
  if (ok)
    gst_zrtp_stream_wake_up (self);
  return ok;
}

ZrtpSecureInfo
gst_zrtp_stream_get_info (GstZrtpStream *self)
{
  ZrtpSecureInfo info;

  lock (self);
  info = self->info;
  unlock (self);
  return info;
}

gboolean
gst_zrtp_stream_has_engine (GstZrtpStream *self, const ZrtpEngine *engine)
{
  return self->engine == engine;
}

void
gst_zrtp_stream_wake_up (GstZrtpStream *self)
{
  g_signal_emit (self, signals[SIGNAL_WAKE_UP], 0);
}

/**
 * gst_zrtp_stream_ping:
 * @stream: a stream.
 * @now: the time, nanoseconds.
 *
 * Asks which ZRTP endpoint is at the other end of this path (RFC 6189 §5.15): for proxies; a phone has no
 * need of it. #GstZrtpStream::pingack follows when somebody answers within the Hello schedule (3.75 s).
 * Does nothing before the stream was started.
 */
void
gst_zrtp_stream_ping (GstZrtpStream *self, guint64 now)
{
  g_return_if_fail (GST_IS_ZRTP_STREAM (self));

  lock (self);
  if (self->engine && self->started)
    zrtp_engine_ping (self->engine, now);
  pump (self, now, TRUE);
}

/* --- Keys ---------------------------------------------------------------------------------------------------- */

static GBytes *
take (GstZrtpStream *self, GBytes **key)
{
  GBytes *taken;

  lock (self);
  taken = g_steal_pointer (key);
  unlock (self);
  return taken;
}

/**
 * gst_zrtp_stream_take_send_key:
 * @stream: a stream.
 *
 * The SRTP master key, then the 14 octets of master salt (RFC 6189 §4.5.3), for what we send. The
 * stream keeps no copy; the octets are wiped when the last reference goes. #GstZrtpStream:cipher and
 * #GstZrtpStream:auth-tag say how to use it.
 *
 * Returns: (transfer full) (nullable): the key, once after every #GstZrtpStream::send-key.
 */
GBytes *
gst_zrtp_stream_take_send_key (GstZrtpStream *self)
{
  g_return_val_if_fail (GST_IS_ZRTP_STREAM (self), NULL);

  return take (self, &self->send_key);
}

/**
 * gst_zrtp_stream_take_receive_key:
 * @stream: a stream.
 *
 * As gst_zrtp_stream_take_send_key(), for what the peer sends.
 *
 * Returns: (transfer full) (nullable): the key, once after every #GstZrtpStream::receive-key.
 */
GBytes *
gst_zrtp_stream_take_receive_key (GstZrtpStream *self)
{
  g_return_val_if_fail (GST_IS_ZRTP_STREAM (self), NULL);

  return take (self, &self->receive_key);
}

/* --- Properties ------------------------------------------------------------------------------------------------ */

/**
 * gst_zrtp_stream_get_connection_id:
 * @stream: a stream.
 *
 * Returns: the name of the stream within its call.
 */
const gchar *
gst_zrtp_stream_get_connection_id (GstZrtpStream *self)
{
  g_return_val_if_fail (GST_IS_ZRTP_STREAM (self), NULL);

  return self->connection_id;
}

/**
 * gst_zrtp_stream_get_session:
 * @stream: a stream.
 *
 * Returns: (transfer none): the call it belongs to.
 */
GstZrtpSession *
gst_zrtp_stream_get_session (GstZrtpStream *self)
{
  g_return_val_if_fail (GST_IS_ZRTP_STREAM (self), NULL);

  return self->session;
}

/**
 * gst_zrtp_stream_get_state:
 * @stream: a stream.
 *
 * Returns: where it stands.
 */
GstZrtpState
gst_zrtp_stream_get_state (GstZrtpStream *self)
{
  GstZrtpState state;

  g_return_val_if_fail (GST_IS_ZRTP_STREAM (self), GST_ZRTP_STATE_IDLE);

  lock (self);
  state = self->state;
  unlock (self);
  return state;
}

static gint
from_hex (gchar digit)
{
  return g_ascii_xdigit_value (digit);
}

/* "a=zrtp-hash:" zrtp-version zrtp-hash-value (§8), or the value of the attribute, or the hash alone. */
static gboolean
parse_hello_hash (const gchar *text, guint8 hash[ZRTP_HELLO_HASH_SIZE])
{
  const gchar *value = text;

  if (g_str_has_prefix (value, "a=zrtp-hash:"))
    value += strlen ("a=zrtp-hash:");
  if (g_str_has_prefix (value, "1.1") && strlen (value) > 5 && value[4] == ' ')
    value += 5;
  while (*value == ' ')
    value++;
  if (strlen (value) != 2 * ZRTP_HELLO_HASH_SIZE)
    return FALSE;
  for (guint i = 0; i < ZRTP_HELLO_HASH_SIZE; i++) {
    if (from_hex (value[2 * i]) < 0 || from_hex (value[2 * i + 1]) < 0)
      return FALSE;
    hash[i] = (guint8) (from_hex (value[2 * i]) << 4 | from_hex (value[2 * i + 1]));
  }
  return TRUE;
}

/* Lock held. NULL takes the check away. */
static void
set_peer_hello_hash (GstZrtpStream *self, const gchar *text)
{
  guint8 hash[ZRTP_HELLO_HASH_SIZE];

  g_clear_error (&self->settings_error);
  if (text && !parse_hello_hash (text, hash)) {
    g_set_error (&self->settings_error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
        "peer-hello-hash=%s: not the value of an a=zrtp-hash attribute; give it as it stands in "
        "the "
        "SDP, the version 1.10, a space and 64 hexadecimal digits",
        text);
    return;
  }
  g_free (self->peer_hello_hash);
  self->peer_hello_hash = g_strdup (text);
  self->has_peer_hash = text != NULL;
  if (text)
    memcpy (self->peer_hash, hash, sizeof hash);
  if (self->engine)
    zrtp_engine_set_peer_hello_hash (self->engine, text ? hash : NULL, self->now);
}

static gchar *
hello_hash (GstZrtpStream *self)
{
  guint8 hash[ZRTP_HELLO_HASH_SIZE];
  GString *text = NULL;

  ensure_engine (self);
  lock (self);
  if (self->engine) {
    zrtp_engine_get_hello_hash (self->engine, hash);
    text = g_string_new ("1.10 ");
  }
  unlock (self);
  if (!text)
    return NULL;
  for (guint i = 0; i < sizeof hash; i++)
    g_string_append_printf (text, "%02x", hash[i]);
  return g_string_free (text, FALSE);
}

/**
 * gst_zrtp_stream_get_hello_hashes:
 * @stream: a stream.
 *
 * One value of an a=zrtp-hash attribute for each protocol version that this end speaks, the highest first
 * (RFC 6189 §4.1.1: "it SHOULD declare them all"). It speaks one, so there is one.
 *
 * Returns: (transfer full): the values, each a version, a space and 64 hexadecimal digits.
 */
gchar **
gst_zrtp_stream_get_hello_hashes (GstZrtpStream *self)
{
  gchar **values;

  g_return_val_if_fail (GST_IS_ZRTP_STREAM (self), NULL);

  values = g_new0 (gchar *, 2);
  values[0] = hello_hash (self);
  return values;
}

/* Lock held. */
static GstZrtpRole
role (GstZrtpStream *self)
{
  if (!self->engine)
    return GST_ZRTP_ROLE_NONE;
  switch (zrtp_engine_get_role (self->engine)) {
    case ZRTP_ROLE_INITIATOR:
      return GST_ZRTP_ROLE_INITIATOR;
    case ZRTP_ROLE_RESPONDER:
      return GST_ZRTP_ROLE_RESPONDER;
    default:
      return GST_ZRTP_ROLE_NONE;
  }
}

static const gchar *
nick (GType type, gint value)
{
  GEnumClass *klass = g_type_class_ref (type);
  const gchar *found = g_enum_get_value (klass, value)->value_nick;

  g_type_class_unref (klass);
  return found;
}

static void
add_counters (GstStructure *stats, const ZrtpCounters *counters)
{
  static const gchar *const causes[ZRTP_N_RESULTS] = {
      [ZRTP_ACCEPTED] = "zrtp-received",
      [ZRTP_REPEATED] = "zrtp-repeated",
      [ZRTP_NOT_ZRTP] = "zrtp-ignored-not-zrtp",
      [ZRTP_BAD_CRC] = "zrtp-ignored-crc",
      [ZRTP_BAD_LENGTH] = "zrtp-ignored-length",
      [ZRTP_BAD_CONTENT] = "zrtp-ignored-content",
      [ZRTP_UNKNOWN_TYPE] = "zrtp-ignored-unknown-type",
      [ZRTP_UNEXPECTED] = "zrtp-ignored-unexpected",
      [ZRTP_BAD_HASH_IMAGE] = "zrtp-ignored-hash-image",
      [ZRTP_BAD_MAC] = "zrtp-ignored-mac",
      [ZRTP_BAD_HELLO_HASH] = "zrtp-ignored-hello-hash",
      [ZRTP_REFUSED] = "zrtp-refused",
  };
  guint64 ignored = 0;

  for (guint i = 0; i < ZRTP_N_RESULTS; i++) {
    gst_structure_set (stats, causes[i], G_TYPE_UINT64, (guint64) counters->received[i], NULL);
    if (i >= ZRTP_NOT_ZRTP && i < ZRTP_REFUSED)
      ignored += counters->received[i];
  }
  gst_structure_set (stats, "zrtp-sent", G_TYPE_UINT64, (guint64) counters->sent, "zrtp-ignored",
      G_TYPE_UINT64, ignored, "retransmissions", G_TYPE_UINT64, (guint64) counters->retransmissions,
      "handshake-time", G_TYPE_UINT64, (guint64) counters->handshake_time, NULL);
}

static GstStructure *
make_stats (GstZrtpStream *self)
{
  static const ZrtpCounters nothing;
  GstStructure *stats = gst_structure_new_empty ("application/x-zrtp-stats");
  const ZrtpType *type = self->info.choice.type;

  lock (self);
  gst_structure_set (stats, "state", G_TYPE_STRING, nick (GST_TYPE_ZRTP_STATE, self->state), "role",
      G_TYPE_STRING, nick (GST_TYPE_ZRTP_ROLE, role (self)), NULL);
  if (self->info.sas[0])
    gst_structure_set (stats, "mode", G_TYPE_STRING, gst_zrtp_mode_name (self->info.mode), "sas",
        G_TYPE_STRING, self->info.sas, "key-agreement", G_TYPE_STRING,
        gst_zrtp_type_name (type[ZRTP_KEY_AGREEMENT]), "hash", G_TYPE_STRING,
        gst_zrtp_type_name (type[ZRTP_HASH]), "cipher", G_TYPE_STRING,
        gst_zrtp_type_name (type[ZRTP_CIPHER]), "auth-tag", G_TYPE_STRING,
        gst_zrtp_type_name (type[ZRTP_AUTH_TAG]), NULL);
  add_counters (stats, self->engine ? zrtp_engine_get_counters (self->engine) : &nothing);
  unlock (self);
  return stats;
}

static void
gst_zrtp_stream_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstZrtpStream *self = GST_ZRTP_STREAM (object);

  switch (id) {
    case PROP_CONNECTION_ID:
      self->connection_id = g_value_dup_string (value);
      break;
    case PROP_SESSION:
      self->session = g_value_dup_object (value);
      break;
    case PROP_SSRC:
      lock (self);
      self->ssrc = g_value_get_uint (value);
      if (self->engine && self->ssrc)
        zrtp_engine_set_ssrc (self->engine, self->ssrc);
      unlock (self);
      break;
    case PROP_PEER_HELLO_HASH:
      lock (self);
      set_peer_hello_hash (self, g_value_get_string (value));
      pump (self, 0, FALSE);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
gst_zrtp_stream_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstZrtpStream *self = GST_ZRTP_STREAM (object);

  switch (id) {
    case PROP_CONNECTION_ID:
      g_value_set_string (value, self->connection_id);
      return;
    case PROP_SESSION:
      g_value_set_object (value, self->session);
      return;
    case PROP_HELLO_HASH:
      g_value_take_string (value, hello_hash (self));
      return;
    case PROP_STATS:
      g_value_take_boxed (value, make_stats (self));
      return;
    default:
      break;
  }

  lock (self);
  switch (id) {
    case PROP_SSRC:
      if (self->ssrc == 0)
        self->ssrc = random_ssrc ();
      g_value_set_uint (value, self->ssrc);
      break;
    case PROP_STATE:
      g_value_set_enum (value, self->state);
      break;
    case PROP_ROLE:
      g_value_set_enum (value, role (self));
      break;
    case PROP_PEER_HELLO_HASH:
      g_value_set_string (value, self->peer_hello_hash);
      break;
    case PROP_CIPHER:
      g_value_set_string (value, self->cipher);
      break;
    case PROP_AUTH_TAG:
      g_value_set_string (value, self->auth_tag);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  unlock (self);
}

/* --- GObject ------------------------------------------------------------------------------------------------------ */

static void
gst_zrtp_stream_finalize (GObject *object)
{
  GstZrtpStream *self = GST_ZRTP_STREAM (object);
  gboolean ended;

  lock (self);
  ended = gst_zrtp_session_release_engine (
      self->session, g_steal_pointer (&self->engine), self->started);
  unlock (self);
  if (ended)
    gst_zrtp_session_ended (self->session);
  gst_zrtp_session_wake_stirred (self->session, NULL);
  g_clear_pointer (&self->send_key, g_bytes_unref);
  g_clear_pointer (&self->receive_key, g_bytes_unref);
  g_clear_error (&self->settings_error);
  g_free (self->peer_hello_hash);
  g_free (self->connection_id);
  gst_clear_object (&self->session);
  G_OBJECT_CLASS (gst_zrtp_stream_parent_class)->finalize (object);
}

static void
gst_zrtp_stream_init (GstZrtpStream *self)
{
}

/* A stream that was not made by gst_zrtp_session_get_stream() is one all the same. */
static void
gst_zrtp_stream_constructed (GObject *object)
{
  GstZrtpStream *self = GST_ZRTP_STREAM (object);

  if (!self->session)
    self->session = gst_zrtp_session_new ();
  if (!self->connection_id)
    self->connection_id = g_strdup ("zrtp");
  gst_zrtp_session_add_stream (self->session, self);
  G_OBJECT_CLASS (gst_zrtp_stream_parent_class)->constructed (object);
}

static void
install_properties (GObjectClass *klass)
{
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  const GParamFlags writable = readable | G_PARAM_WRITABLE;
  const GParamFlags construct = writable | G_PARAM_CONSTRUCT_ONLY;

  /**
   * GstZrtpStream:connection-id:
   *
   * The name of the stream within its call.
   */
  props[PROP_CONNECTION_ID] = g_param_spec_string (
      "connection-id", "Connection ID", "Name of the stream within its call", NULL, construct);
  /**
   * GstZrtpStream:session:
   *
   * The call it belongs to.
   */
  props[PROP_SESSION] = g_param_spec_object (
      "session", "Session", "The call it belongs to", GST_TYPE_ZRTP_SESSION, construct);
  /**
   * GstZrtpStream:ssrc:
   *
   * The SSRC of the media we send, for the headers of our ZRTP packets (RFC 6189 §5); random until
   * it is set.
   */
  props[PROP_SSRC] =
      g_param_spec_uint ("ssrc", "SSRC", "SSRC of the media we send", 0, G_MAXUINT32, 0, writable);
  /**
   * GstZrtpStream:state:
   *
   * Where the negotiation stands.
   */
  props[PROP_STATE] = g_param_spec_enum ("state", "State", "Where the negotiation stands",
      GST_TYPE_ZRTP_STATE, GST_ZRTP_STATE_IDLE, readable);
  /**
   * GstZrtpStream:role:
   *
   * Initiator or responder (§4.2).
   */
  props[PROP_ROLE] = g_param_spec_enum (
      "role", "Role", "Initiator or responder", GST_TYPE_ZRTP_ROLE, GST_ZRTP_ROLE_NONE, readable);
  /**
   * GstZrtpStream:stats:
   *
   * Counters, flat: ZRTP packets sent, received and ignored by cause, retransmissions, the time of
   * the handshake (nanoseconds), algorithms, role.
   */
  props[PROP_STATS] = g_param_spec_boxed (
      "stats", "Statistics", "Counters of the negotiation", GST_TYPE_STRUCTURE, readable);
  /**
   * GstZrtpStream:hello-hash:
   *
   * The value of our `a=zrtp-hash` attribute for the SDP (§8.1), ready before anything is sent.
   */
  props[PROP_HELLO_HASH] = g_param_spec_string (
      "hello-hash", "Hello hash", "Value of our a=zrtp-hash attribute", NULL, readable);
  /**
   * GstZrtpStream:peer-hello-hash:
   *
   * The value of the peer's `a=zrtp-hash` attribute; a Hello that does not match is refused (§8.1).
   */
  props[PROP_PEER_HELLO_HASH] = g_param_spec_string ("peer-hello-hash", "Peer's Hello hash",
      "Value of the peer's a=zrtp-hash attribute", NULL, writable);
  /**
   * GstZrtpStream:cipher:
   *
   * The negotiated cipher type, once there is a key.
   */
  props[PROP_CIPHER] =
      g_param_spec_string ("cipher", "Cipher", "Negotiated cipher type", NULL, readable);
  /**
   * GstZrtpStream:auth-tag:
   *
   * The negotiated SRTP authentication tag type, once there is a key.
   */
  props[PROP_AUTH_TAG] = g_param_spec_string (
      "auth-tag", "Authentication tag", "Negotiated SRTP authentication tag type", NULL, readable);
  g_object_class_install_properties (klass, N_PROPS, props);
}

static void
gst_zrtp_stream_class_init (GstZrtpStreamClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GType type = G_TYPE_FROM_CLASS (klass);

  object_class->set_property = gst_zrtp_stream_set_property;
  object_class->get_property = gst_zrtp_stream_get_property;
  object_class->constructed = gst_zrtp_stream_constructed;
  object_class->finalize = gst_zrtp_stream_finalize;
  install_properties (object_class);

  /**
   * GstZrtpStream::receive-key:
   * @stream: the stream
   *
   * gst_zrtp_stream_take_receive_key() has a key: protected packets may arrive from now on.
   */
  signals[SIGNAL_RECEIVE_KEY] =
      g_signal_new ("receive-key", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  /**
   * GstZrtpStream::send-key:
   * @stream: the stream
   *
   * gst_zrtp_stream_take_send_key() has a key: media must be protected with it from now on.
   */
  signals[SIGNAL_SEND_KEY] =
      g_signal_new ("send-key", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  /**
   * GstZrtpStream::drop-keys:
   * @stream: the stream
   *
   * Both keys are to be forgotten (RFC 6189 §4.7.2.1): the call goes to clear mode. No media is to be
   * sent before #GstZrtpStream:state is %GST_ZRTP_STATE_CLEAR, or there is a key again.
   */
  signals[SIGNAL_DROP_KEYS] =
      g_signal_new ("drop-keys", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  /**
   * GstZrtpStream::watch-media:
   * @stream: the stream
   *
   * Somebody says that the peer begins anew. Tell the next SRTP packet with a good tag with
   * gst_zrtp_stream_srtp_authenticated(): when one comes within a second, the peer has not.
   */
  signals[SIGNAL_WATCH_MEDIA] =
      g_signal_new ("watch-media", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  /**
   * GstZrtpStream::wake-up:
   * @stream: the stream
   *
   * What another stream of the call was told, or the application asked of the session, concerns this
   * one: call gst_zrtp_stream_handle_timeout() soon, and poll its packets.
   */
  signals[SIGNAL_WAKE_UP] =
      g_signal_new ("wake-up", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  /**
   * GstZrtpStream::pingack:
   * @stream: the stream
   * @endpoint_hash: 8 octets that name the endpoint (RFC 6189 §5.16)
   * @ssrc: our SSRC, as it saw it
   *
   * The answer to gst_zrtp_stream_ping().
   */
  signals[SIGNAL_PINGACK] = g_signal_new ("pingack", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
      G_TYPE_NONE, 2, G_TYPE_BYTES, G_TYPE_UINT);
}

GstZrtpStream *
gst_zrtp_stream_new (GstZrtpSession *session, const gchar *connection_id)
{
  return gst_object_ref_sink (g_object_new (
      GST_TYPE_ZRTP_STREAM, "session", session, "connection-id", connection_id, NULL));
}
