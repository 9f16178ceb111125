/* What an application asks of a call, beside its settings.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/zrtp/zrtp-private.h"

#include <string.h>

/* --- SAS and keys ------------------------------------------------------------------------------------ */

/**
 * gst_zrtp_session_verify_sas:
 * @session: a session.
 * @matches: what the user said after comparing the SAS by voice.
 *
 * With %TRUE the peer counts as verified in this and later calls (RFC 6189 §7.1), and a cache
 * mismatch is settled (§4.6.1.1). With %FALSE there is somebody in the middle: the verified flag is
 * cleared and the secret of this call erased from the cache. Does nothing while the call is not secure:
 * what people say over clear media proves nothing.
 */
void
gst_zrtp_session_verify_sas (GstZrtpSession *self, gboolean matches)
{
  GstZrtpStream *stream;

  g_return_if_fail (GST_IS_ZRTP_SESSION (self));

  stream = gst_zrtp_session_first_stream (self);
  if (stream && gst_zrtp_stream_sas_verified (stream, matches))
    gst_zrtp_session_sas_was_verified (self, matches);
  gst_clear_object (&stream);
}

/**
 * gst_zrtp_session_get_sas_hash:
 * @session: a session.
 *
 * Returns: (transfer full) (nullable): sashash, 32 octets (RFC 6189 §4.5.2), or %NULL before the
 *   call is secure. Not a secret.
 */
GBytes *
gst_zrtp_session_get_sas_hash (GstZrtpSession *self)
{
  const guint8 *sashash;
  GBytes *bytes;

  g_return_val_if_fail (GST_IS_ZRTP_SESSION (self), NULL);

  gst_zrtp_session_lock (self);
  sashash = self->call ? zrtp_call_get_sashash (self->call) : NULL;
  bytes = sashash ? g_bytes_new (sashash, ZRTP_SASHASH_SIZE) : NULL;
  gst_zrtp_session_unlock (self);
  return bytes;
}

/**
 * gst_zrtp_session_export_key:
 * @session: a session.
 * @label: what the key is for; both ends must say the same.
 * @length: octets; at most the length of the negotiated hash (32 for S256, 48 for S384).
 * @error: why there is no key.
 *
 * A key for the application, the same at both ends: KDF(ExportedKey, @label, KDF_Context) of
 * RFC 6189 §4.5.1 and §4.5.2. It may be used as long as wanted and is wiped when freed.
 *
 * Returns: (transfer full): the key.
 */
GBytes *
gst_zrtp_session_export_key (GstZrtpSession *self, const gchar *label, gsize length, GError **error)
{
  guint8 key[ZRTP_MAX_HASH];
  gboolean secure, ok;
  GBytes *bytes = NULL;

  g_return_val_if_fail (GST_IS_ZRTP_SESSION (self), NULL);
  g_return_val_if_fail (label != NULL, NULL);

  gst_zrtp_session_lock (self);
  secure = self->call && zrtp_call_get_sashash (self->call);
  ok = secure && *label && zrtp_call_export_key (self->call, label, key, length);
  gst_zrtp_session_unlock (self);

  if (ok)
    bytes = gst_zrtp_secret_bytes (key, length);
  else if (!secure)
    g_set_error_literal (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_FAILED,
        "the call is not secure yet; wait for zrtp-secure");
  else
    g_set_error (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
        "no key of %" G_GSIZE_FORMAT " octets for the label '%s': ask for 1 octet up to the length "
        "of the negotiated hash, with a label that is not empty",
        length, label);
  zrtp_wipe (key, sizeof key);
  return bytes;
}

/* --- auxsecret from the signalling --------------------------------------------------------------------- */

/* The lengths of master key and master salt of the SRTP profiles there are: RFC 3711, 6188, 7714. */
static gboolean
split_sdes (GBytes *bytes, ZrtpSdesKey *key)
{
  static const struct {
    gsize key, salt;
  } profiles[] = {{16, 14}, {24, 14}, {32, 14}, {16, 12}, {32, 12}};
  gsize size = 0;
  const guint8 *data = bytes ? g_bytes_get_data (bytes, &size) : NULL;

  *key = (ZrtpSdesKey){0};
  for (guint i = 0; i < G_N_ELEMENTS (profiles); i++)
    if (size == profiles[i].key + profiles[i].salt) {
      key->key_size = profiles[i].key;
      key->salt_size = profiles[i].salt;
      memcpy (key->key, data, key->key_size);
      memcpy (key->salt, data + key->key_size, key->salt_size);
      return TRUE;
    }
  return size == 0;
}

/**
 * gst_zrtp_session_set_sdes_keys:
 * @session: a session.
 * @local: (nullable): SRTP master key, then master salt, that our a=crypto attribute announced.
 * @remote: (nullable): the same of the peer's.
 * @error: which of them has a wrong length.
 *
 * Mixes the keys that the signalling exchanged (SDES, RFC 4568) into ZRTP's, as auxsecret (RFC 6189
 * §8.2). RFC 6189 knows one key: srtps = KDF(SRTP master key, "SRTP Secret", (ZIDi || ZIDr ||
 * SRTP master salt), 256). SDES has one for each direction, so auxsecret is the srtps of the ZRTP
 * initiator's key followed by that of the responder's; where both are the same, or one is %NULL, it is
 * srtps of that one. Takes the place of #GstZrtpSession:aux-secret; call it before the first stream
 * starts. The lengths are those of RFC 3711, 6188 and 7714: 30, 38, 46, 28 or 44 octets.
 *
 * Returns: %TRUE when both were understood.
 */
gboolean
gst_zrtp_session_set_sdes_keys (GstZrtpSession *self, GBytes *local, GBytes *remote, GError **error)
{
  ZrtpSdesKey keys[2];
  gboolean ok_local = split_sdes (local, &keys[0]), ok_remote = split_sdes (remote, &keys[1]);

  g_return_val_if_fail (GST_IS_ZRTP_SESSION (self), FALSE);

  if (ok_local && ok_remote) {
    gst_zrtp_session_lock (self);
    g_clear_pointer (&self->aux_secret, g_bytes_unref);
    memcpy (self->sdes, keys, sizeof keys);
    if (self->call)
      zrtp_call_set_sdes (self->call, &keys[0], &keys[1]);
    gst_zrtp_session_unlock (self);
  } else {
    g_set_error (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
        "the %s SDES key is %" G_GSIZE_FORMAT " octets long; give the master key followed by the "
        "master salt, 30, 38 or 46 octets, or 28 or 44 for AES-GCM",
        ok_local ? "remote" : "local", g_bytes_get_size (ok_local ? remote : local));
  }
  zrtp_wipe (keys, sizeof keys);
  return ok_local && ok_remote;
}

/* --- Clear mode ------------------------------------------------------------------------------------------ */

/* Lock held, released on return. Somebody who drives a stream does it, with the time there. */
static void
request (GstZrtpSession *self, GstZrtpRequest what)
{
  GList *streams;

  self->requests |= what;
  gst_zrtp_session_unlock (self);
  streams = gst_zrtp_session_all_streams (self);
  for (GList *l = streams; l; l = l->next)
    gst_zrtp_stream_wake_up (l->data);
  g_list_free_full (streams, gst_object_unref);
}

/**
 * gst_zrtp_session_go_clear:
 * @session: a session.
 * @error: why that cannot be.
 *
 * Ends the protection of all streams of the call: our user wants clear media (RFC 6189 §4.7.2). Both
 * ends must have set #GstZrtpSession:allow-clear. Nothing is sent until the peer has acknowledged it;
 * #GstZrtpSession::clear follows.
 *
 * Returns: %TRUE when it was begun.
 */
gboolean
gst_zrtp_session_go_clear (GstZrtpSession *self, GError **error)
{
  g_return_val_if_fail (GST_IS_ZRTP_SESSION (self), FALSE);

  gst_zrtp_session_lock (self);
  if (self->call && zrtp_call_may_go_clear (self->call)) {
    request (self, GST_ZRTP_REQUEST_GO_CLEAR);
    return TRUE;
  }
  gst_zrtp_session_unlock (self);
  g_set_error_literal (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
      "the call cannot go clear: it must be secure, and both ends must have set allow-clear before "
      "it began");
  return FALSE;
}

/* Lock held, released on return. */
static gboolean
request_in_clear (GstZrtpSession *self, GstZrtpRequest what, GError **error)
{
  if (self->call && zrtp_call_is_clear (self->call)) {
    request (self, what);
    return TRUE;
  }
  gst_zrtp_session_unlock (self);
  g_set_error_literal (
      error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_FAILED, "the call is not in clear mode");
  return FALSE;
}

/**
 * gst_zrtp_session_accept_clear:
 * @session: a session.
 * @accept: the user has taken note that the call is not protected any more, and wants it so.
 * @error: why that cannot be.
 *
 * The answer to #GstZrtpSession::clear with `waiting` set (RFC 6189 §4.7.2). Before it nothing is sent
 * or heard. With %FALSE the call is made secure again, as by gst_zrtp_session_go_secure().
 *
 * Returns: %FALSE when the call is not in clear mode.
 */
gboolean
gst_zrtp_session_accept_clear (GstZrtpSession *self, gboolean accept, GError **error)
{
  g_return_val_if_fail (GST_IS_ZRTP_SESSION (self), FALSE);

  gst_zrtp_session_lock (self);
  return request_in_clear (
      self, accept ? GST_ZRTP_REQUEST_ACCEPT_CLEAR : GST_ZRTP_REQUEST_REFUSE_CLEAR, error);
}

/**
 * gst_zrtp_session_go_secure:
 * @session: a session.
 * @error: why that cannot be.
 *
 * Out of clear mode, by Multistream exchanges with fresh keys (RFC 6189 §4.7.2).
 *
 * Returns: %FALSE when the call is not in clear mode.
 */
gboolean
gst_zrtp_session_go_secure (GstZrtpSession *self, GError **error)
{
  g_return_val_if_fail (GST_IS_ZRTP_SESSION (self), FALSE);

  gst_zrtp_session_lock (self);
  return request_in_clear (self, GST_ZRTP_REQUEST_GO_SECURE, error);
}

void
gst_zrtp_session_do_requests (GstZrtpSession *self, guint64 now)
{
  const guint requests = self->requests;

  self->requests = 0;
  if (!self->call)
    return;
  if (requests & GST_ZRTP_REQUEST_GO_CLEAR)
    zrtp_call_go_clear (self->call, now);
  if (requests & (GST_ZRTP_REQUEST_ACCEPT_CLEAR | GST_ZRTP_REQUEST_REFUSE_CLEAR))
    zrtp_call_accept_clear (self->call, !(requests & GST_ZRTP_REQUEST_REFUSE_CLEAR), now);
  if (requests & GST_ZRTP_REQUEST_GO_SECURE)
    zrtp_call_go_secure (self->call, now);
}

/* --- PBX -------------------------------------------------------------------------------------------------- */

/**
 * gst_zrtp_session_accept_enrollment:
 * @session: a session.
 * @accept: the user trusts this PBX.
 * @error: why that cannot be.
 *
 * The answer to #GstZrtpSession::enrollment (RFC 6189 §7.3.1). With %TRUE the PBX may from the next call
 * on relay the SAS of others, which means that it can listen to every call that goes through it. Compare
 * the SAS first: "It would be especially damaging if a MiTM tricks the client into enrolling with the
 * wrong PBX." After a cache mismatch (§4.3.2) nothing is kept before gst_zrtp_session_verify_sas() was called with
 * %TRUE. %FALSE takes back what %TRUE has said before in this call.
 *
 * Returns: %FALSE when no PBX asked.
 */
gboolean
gst_zrtp_session_accept_enrollment (GstZrtpSession *self, gboolean accept, GError **error)
{
  GstZrtpStream *stream;
  gboolean ok;

  g_return_val_if_fail (GST_IS_ZRTP_SESSION (self), FALSE);

  stream = gst_zrtp_session_first_stream (self);
  ok = stream && gst_zrtp_stream_accept_enrollment (stream, accept);
  gst_clear_object (&stream);
  if (!ok)
    g_set_error_literal (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_FAILED,
        "no PBX asks to be trusted in this call; accept-enrollment must be set before it begins");
  return ok;
}

/* One leg of a PBX: what is told about it, and to it. */
typedef struct {
  GstZrtpStream *stream;
  ZrtpSecureInfo info;
  guint8 sashash[ZRTP_SASHASH_SIZE];
} Leg;

static gboolean
look_at_leg (GstZrtpSession *session, Leg *leg, GError **error)
{
  const guint8 *sashash;
  gboolean is_mitm;

  leg->stream = gst_zrtp_session_first_stream (session);
  if (leg->stream)
    leg->info = gst_zrtp_stream_get_info (leg->stream);
  gst_zrtp_session_lock (session);
  sashash = session->call ? zrtp_call_get_sashash (session->call) : NULL;
  if (sashash)
    memcpy (leg->sashash, sashash, sizeof leg->sashash);
  is_mitm = (session->flags & 1u << GST_ZRTP_FLAG_MITM) != 0;
  gst_zrtp_session_unlock (session);
  if (leg->stream && sashash && is_mitm &&
      gst_zrtp_stream_get_state (leg->stream) == GST_ZRTP_STATE_SECURE)
    return TRUE;
  g_set_error_literal (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_FAILED,
      "the SAS cannot be relayed: both calls must be secure, and mitm be set in both");
  return FALSE;
}

/* §7.3: who gets to see the SAS of the other leg: the enrolled one; of two the one that is no PBX. */
static const Leg *
choose_recipient (const Leg *a, const Leg *b)
{
  if (a->info.enrolled && b->info.enrolled)
    return a->info.peer_mitm && !b->info.peer_mitm ? b : a;
  if (a->info.enrolled)
    return a;
  return b->info.enrolled ? b : NULL;
}

static gboolean
tell_leg (const Leg *to, const Leg *about, ZrtpType sas_type, const guint8 *sashash)
{
  return gst_zrtp_stream_relay_sas (
      to->stream, sas_type, sashash, about->info.sas_verified, about->info.peer_disclosure);
}

/* "To ensure that both Alice and Bob will use the same SAS rendering scheme ..., the PBX also sends the
 * SASrelay message to the unenrolled party ..., conveying the SAS rendering scheme, but not the
 * sashash" */
static gboolean
tell_both (const Leg *to, const Leg *about)
{
  const ZrtpType sas_type = about->info.choice.type[ZRTP_SAS];

  return tell_leg (to, about, sas_type, about->sashash) && tell_leg (about, to, sas_type, NULL);
}

/**
 * gst_zrtp_session_relay_sas:
 * @session: one leg of a call that goes through this PBX.
 * @other: the other leg.
 * @error: why that cannot be.
 *
 * Tells the party that trusts this PBX the SAS of the other leg, so that the users behind both can compare
 * it (RFC 6189 §7.3). Who is told follows from who is enrolled; when neither is, nobody may be.
 * Both sessions must have #GstZrtpSession:mitm set and be secure.
 *
 * Returns: %TRUE when the messages are on their way.
 */
gboolean
gst_zrtp_session_relay_sas (GstZrtpSession *self, GstZrtpSession *other, GError **error)
{
  Leg a = {NULL}, b = {NULL};
  const Leg *to;
  gboolean ok = FALSE;

  g_return_val_if_fail (GST_IS_ZRTP_SESSION (self), FALSE);
  g_return_val_if_fail (GST_IS_ZRTP_SESSION (other), FALSE);

  if (self == other)
    g_set_error_literal (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
        "the SAS is relayed between two calls, and this is one and the same");
  else if (look_at_leg (self, &a, error) && look_at_leg (other, &b, error)) {
    to = choose_recipient (&a, &b);
    ok = to && tell_both (to, to == &a ? &b : &a);
    if (!ok)
      g_set_error_literal (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_FAILED,
          "the SAS must not be relayed: neither peer is enrolled with this PBX; see enroll and "
          "accept-enrollment");
  }
  gst_clear_object (&a.stream);
  gst_clear_object (&b.stream);
  return ok;
}
