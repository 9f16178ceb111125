/* The element messages that zrtpenc posts, read back (see the README for all their fields).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/zrtp/zrtp.h"

static const GstStructure *
structure_named (GstMessage *message, const gchar *name)
{
  g_return_val_if_fail (GST_IS_MESSAGE (message), NULL);

  return gst_message_has_name (message, name) ? gst_message_get_structure (message) : NULL;
}

/* An enum stands in a message as its nick: readable in gst-launch and in plain Python. */
static gboolean
get_nick (const GstStructure *structure, const gchar *field, GType type, gint *value)
{
  const gchar *nick = gst_structure_get_string (structure, field);
  GEnumClass *klass = g_type_class_ref (type);
  GEnumValue *found = nick ? g_enum_get_value_by_nick (klass, nick) : NULL;

  if (found && value)
    *value = found->value;
  g_type_class_unref (klass);
  return found != NULL;
}

static void
get_string (const GstStructure *structure, const gchar *field, gchar **value)
{
  if (value)
    *value = g_strdup (gst_structure_get_string (structure, field));
}

static void
get_boolean (const GstStructure *structure, const gchar *field, gboolean *value)
{
  if (value && !gst_structure_get_boolean (structure, field, value))
    *value = FALSE;
}

/**
 * gst_zrtp_message_parse_state:
 * @message: any message from a bus.
 * @state: (out) (optional): the state that a stream came to.
 *
 * Reads a `zrtp-state` message.
 *
 * Returns: %TRUE when @message is one; the out parameters are set only then.
 */
gboolean
gst_zrtp_message_parse_state (GstMessage *message, GstZrtpState *state)
{
  const GstStructure *structure = structure_named (message, "zrtp-state");
  gint value = 0;

  if (!structure || !get_nick (structure, "state", GST_TYPE_ZRTP_STATE, &value))
    return FALSE;
  if (state)
    *state = value;
  return TRUE;
}

/**
 * gst_zrtp_message_parse_secure:
 * @message: any message from a bus.
 * @sas: (out) (optional) (nullable) (transfer full): the short authentication string to compare by
 *   voice (RFC 6189 §7).
 * @sas_type: (out) (optional) (nullable) (transfer full): `B32` or `B256` (§5.1.6).
 * @sas_verified: (out) (optional): both ends remember that the SAS was compared in an earlier call
 *   (§7.1).
 * @cache_mismatch: (out) (optional): a secret shared with this peer was expected and not found
 *   (§4.3.2): the SAS must be compared now.
 *
 * Reads a `zrtp-secure` message. Its other fields are in the message's structure.
 *
 * Returns: %TRUE when @message is one; the out parameters are set only then.
 */
gboolean
gst_zrtp_message_parse_secure (GstMessage *message, gchar **sas, gchar **sas_type,
    gboolean *sas_verified, gboolean *cache_mismatch)
{
  const GstStructure *structure = structure_named (message, "zrtp-secure");

  if (!structure)
    return FALSE;
  get_string (structure, "sas", sas);
  get_string (structure, "sas-type", sas_type);
  get_boolean (structure, "sas-verified", sas_verified);
  get_boolean (structure, "cache-mismatch", cache_mismatch);
  return TRUE;
}

/**
 * gst_zrtp_message_parse_secure_peer:
 * @message: any message from a bus.
 * @peer_zid: (out) (optional) (nullable) (transfer full): the peer's ZID, 24 hexadecimal digits (RFC 6189 §4.9).
 * @peer_name: (out) (optional) (nullable) (transfer full): what the user calls it; "" unless the secret of an
 *   earlier call, whose SAS was compared, matched (§12).
 * @peer_uri: (out) (optional) (nullable) (transfer full): #GstZrtpSession:peer-uri.
 * @known_as: (out) (optional) (nullable) (transfer full): who this device is under another URI, whose secret it has
 *   shown; "" if nobody, or if it is verified under this one.
 *
 * Reads who the peer is from a `zrtp-secure` message.
 *
 * Returns: %TRUE when @message is one; the out parameters are set only then.
 */
gboolean
gst_zrtp_message_parse_secure_peer (
    GstMessage *message, gchar **peer_zid, gchar **peer_name, gchar **peer_uri, gchar **known_as)
{
  const GstStructure *structure = structure_named (message, "zrtp-secure");

  if (!structure)
    return FALSE;
  get_string (structure, "peer-zid", peer_zid);
  get_string (structure, "peer-name", peer_name);
  get_string (structure, "peer-uri", peer_uri);
  get_string (structure, "known-as", known_as);
  return TRUE;
}

/**
 * gst_zrtp_message_parse_sas_verified:
 * @message: any message from a bus.
 * @sas_verified: (out) (optional): what the user said of the SAS.
 *
 * Reads a `zrtp-sas-verified` message.
 *
 * Returns: %TRUE when @message is one; the out parameter is set only then.
 */
gboolean
gst_zrtp_message_parse_sas_verified (GstMessage *message, gboolean *sas_verified)
{
  const GstStructure *structure = structure_named (message, "zrtp-sas-verified");

  if (!structure)
    return FALSE;
  get_boolean (structure, "sas-verified", sas_verified);
  return TRUE;
}

/**
 * gst_zrtp_message_parse_warning:
 * @message: any message from a bus.
 * @code: (out) (optional): what it is about.
 * @text: (out) (optional) (nullable) (transfer full): the same for people.
 *
 * Reads a `zrtp-warning` message.
 *
 * Returns: %TRUE when @message is one; the out parameters are set only then.
 */
gboolean
gst_zrtp_message_parse_warning (GstMessage *message, GstZrtpWarning *code, gchar **text)
{
  const GstStructure *structure = structure_named (message, "zrtp-warning");
  gint value = 0;

  if (!structure || !get_nick (structure, "code", GST_TYPE_ZRTP_WARNING, &value))
    return FALSE;
  if (code)
    *code = value;
  get_string (structure, "text", text);
  return TRUE;
}

/**
 * gst_zrtp_message_parse_failed:
 * @message: any message from a bus.
 * @code: (out) (optional): the error code of RFC 6189 §5.9, Table 8.
 * @text: (out) (optional) (nullable) (transfer full): the same for people.
 * @by_peer: (out) (optional): the peer ended the negotiation, not we.
 *
 * Reads a `zrtp-failed` message.
 *
 * Returns: %TRUE when @message is one; the out parameters are set only then.
 */
gboolean
gst_zrtp_message_parse_failed (GstMessage *message, guint *code, gchar **text, gboolean *by_peer)
{
  const GstStructure *structure = structure_named (message, "zrtp-failed");

  if (!structure)
    return FALSE;
  if (code)
    gst_structure_get_uint (structure, "code", code);
  get_string (structure, "text", text);
  get_boolean (structure, "by-peer", by_peer);
  return TRUE;
}

/**
 * gst_zrtp_message_parse_clear:
 * @message: any message from a bus.
 * @by_peer: (out) (optional): the peer asked for it, not our user.
 * @waiting: (out) (optional): nothing is sent or heard before gst_zrtp_session_accept_clear().
 *
 * Reads a `zrtp-clear` message (RFC 6189 §4.7.2).
 *
 * Returns: %TRUE when @message is one; the out parameters are set only then.
 */
gboolean
gst_zrtp_message_parse_clear (GstMessage *message, gboolean *by_peer, gboolean *waiting)
{
  const GstStructure *structure = structure_named (message, "zrtp-clear");

  if (!structure)
    return FALSE;
  get_boolean (structure, "by-peer", by_peer);
  get_boolean (structure, "waiting", waiting);
  return TRUE;
}

/**
 * gst_zrtp_message_parse_enrollment:
 * @message: any message from a bus.
 * @peer_zid: (out) (optional) (nullable) (transfer full): the ZID of the PBX, 24 hexadecimal digits.
 * @peer_name: (out) (optional) (nullable) (transfer full): what it is called, if anything is known.
 *
 * Reads a `zrtp-enrollment` message: a PBX asks to be trusted (RFC 6189 §7.3.1); answer with
 * gst_zrtp_session_accept_enrollment().
 *
 * Returns: %TRUE when @message is one; the out parameters are set only then.
 */
gboolean
gst_zrtp_message_parse_enrollment (GstMessage *message, gchar **peer_zid, gchar **peer_name)
{
  const GstStructure *structure = structure_named (message, "zrtp-enrollment");

  if (!structure)
    return FALSE;
  get_string (structure, "peer-zid", peer_zid);
  get_string (structure, "peer-name", peer_name);
  return TRUE;
}

/**
 * gst_zrtp_message_parse_sas_relayed:
 * @message: any message from a bus.
 * @sas: (out) (optional) (nullable) (transfer full): the SAS to compare from now on.
 * @sas_type: (out) (optional) (nullable) (transfer full): `B32` or `B256`.
 * @relayed: (out) (optional): it is that of the party behind the PBX; otherwise our own in another
 *   rendering.
 *
 * Reads a `zrtp-sas-relayed` message (RFC 6189 §7.3).
 *
 * Returns: %TRUE when @message is one; the out parameters are set only then.
 */
gboolean
gst_zrtp_message_parse_sas_relayed (
    GstMessage *message, gchar **sas, gchar **sas_type, gboolean *relayed)
{
  const GstStructure *structure = structure_named (message, "zrtp-sas-relayed");

  if (!structure)
    return FALSE;
  get_string (structure, "sas", sas);
  get_string (structure, "sas-type", sas_type);
  get_boolean (structure, "relayed", relayed);
  return TRUE;
}
