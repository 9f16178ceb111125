/* What zrtpenc and zrtpdec have in common: properties, pairing, states.
 *
 * The two hands of a stream can be made and configured in any order. What is set on an element before
 * it has a connection is kept and told to the session as soon as there is one; from then on the
 * properties of session and stream live there and are only shown here.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/elements/connection.h"

GST_DEBUG_CATEGORY_EXTERN (zrtp_connection_debug);
#define GST_CAT_DEFAULT zrtp_connection_debug

#define DEFAULT_CONNECTION_ID "zrtp"

enum {
  PROP_0,
  PROP_CONNECTION_ID,
  PROP_SESSION_ID,
  PROP_SESSION,
  PROP_STREAM,
  PROP_STATS,
  /* properties of the session, shown here */
  PROP_POLICY,
  PROP_KEY_AGREEMENTS,
  PROP_HASHES,
  PROP_CIPHERS,
  PROP_AUTH_TAGS,
  PROP_SAS_TYPES,
  PROP_CLIENT_ID,
  PROP_SAS,
  PROP_SAS_TYPE,
  PROP_SAS_VERIFIED,
  PROP_CACHE,
  PROP_CACHE_LOCATION,
  PROP_CACHE_KEY,
  PROP_CACHE_EXPIRY,
  PROP_ZID_PER,
  PROP_LOCAL_URI,
  PROP_PEER_URI,
  PROP_PEER_NAME,
  PROP_AUX_SECRET,
  PROP_ALLOW_PRESHARED,
  PROP_ALLOW_CLEAR,
  PROP_DISCLOSURE,
  PROP_MITM,
  PROP_ENROLL,
  PROP_ACCEPT_ENROLLMENT,
  PROP_SIGNALLING_INTEGRITY,
  /* properties of the stream, shown here */
  PROP_SSRC,
  PROP_STATE,
  PROP_HELLO_HASH,
  PROP_PEER_HELLO_HASH,
};

G_DEFINE_ABSTRACT_TYPE (GstZrtpBase, gst_zrtp_base, GST_TYPE_BIN)

static void
value_free (gpointer data)
{
  g_value_unset (data);
  g_free (data);
}

/* --- Pairing ----------------------------------------------------------------------------------- */

GstZrtpConnection *
gst_zrtp_base_get_connection (GstZrtpBase *self)
{
  GstZrtpConnection *connection;

  GST_OBJECT_LOCK (self);
  connection = self->connection ? gst_object_ref (self->connection) : NULL;
  GST_OBJECT_UNLOCK (self);
  return connection;
}

/* Where a property lives. */
static GObject *
property_home (GstZrtpConnection *connection, guint id)
{
  if (id >= PROP_SSRC)
    return G_OBJECT (gst_zrtp_connection_get_stream (connection));
  return G_OBJECT (gst_zrtp_connection_get_session (connection));
}

static void
apply_pending (GstZrtpBase *self, GstZrtpConnection *connection, GHashTable *pending)
{
  GHashTableIter iter;
  gpointer name, value;

  g_hash_table_iter_init (&iter, pending);
  while (g_hash_table_iter_next (&iter, &name, &value)) {
    GParamSpec *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (self), name);
    g_object_set_property (property_home (connection, pspec->param_id), name, value);
  }
}

static GstZrtpConnection *
make_connection (GstZrtpBase *self, GError **error)
{
  GstZrtpConnection *connection;
  GstZrtpSession *session;
  gchar *id, *session_id;

  GST_OBJECT_LOCK (self);
  id = g_strdup (self->connection_id);
  session_id = g_strdup (self->session_id);
  session = self->session ? gst_object_ref (self->session) : NULL;
  GST_OBJECT_UNLOCK (self);

  connection = gst_zrtp_connection_attach (self, id, session_id, session, error);
  g_free (id);
  g_free (session_id);
  gst_clear_object (&session);
  return connection;
}

/* Transfer full. */
static GstZrtpConnection *
attach (GstZrtpBase *self, GError **error)
{
  GstZrtpConnection *connection;
  GHashTable *pending = NULL;

  g_mutex_lock (&self->attaching);
  connection = gst_zrtp_base_get_connection (self);
  if (!connection && (connection = make_connection (self, error))) {
    GST_OBJECT_LOCK (self);
    self->connection = gst_object_ref (connection);
    pending = g_steal_pointer (&self->pending);
    GST_OBJECT_UNLOCK (self);
  }
  g_mutex_unlock (&self->attaching);

  if (pending) {
    apply_pending (self, connection, pending);
    g_hash_table_unref (pending);
  }
  if (connection)
    gst_zrtp_connection_update_hands (connection);
  return connection;
}

static void
detach (GstZrtpBase *self)
{
  GstZrtpConnection *connection;

  GST_OBJECT_LOCK (self);
  connection = g_steal_pointer (&self->connection);
  GST_OBJECT_UNLOCK (self);
  if (!connection)
    return;
  gst_zrtp_connection_detach (connection, self);
  gst_object_unref (connection);
}

/* For a look at the session before READY: the clash, if there is one, is reported at READY. */
static GstZrtpConnection *
attach_early (GstZrtpBase *self)
{
  GError *error = NULL;
  GstZrtpConnection *connection = attach (self, &error);

  if (!connection) {
    GST_WARNING_OBJECT (self, "%s", error->message);
    g_error_free (error);
  }
  return connection;
}

/* --- Properties -------------------------------------------------------------------------------- */

/* What decides about the pairing cannot change once there is one. Unless it came from a mere look:
 * then the element lets go and pairs anew when it must. */
static gboolean
may_pair_anew (GstZrtpBase *self, GParamSpec *pspec)
{
  if (GST_STATE (self) > GST_STATE_NULL || GST_STATE_TARGET (self) > GST_STATE_NULL) {
    GST_ELEMENT_WARNING (self, LIBRARY, SETTINGS,
        ("%s of %s can only be changed in the NULL state; it stays as it was.", pspec->name,
            GST_OBJECT_NAME (self)),
        (NULL));
    return FALSE;
  }
  detach (self);
  return TRUE;
}

static void
configure (GstZrtpBase *self, GParamSpec *pspec, const GValue *value)
{
  GstZrtpConnection *connection = gst_zrtp_base_get_connection (self);
  GValue *copy;

  if (pspec->param_id == PROP_SSRC)
    g_atomic_int_set (&self->ssrc_is_set, g_value_get_uint (value) != 0);
  if (connection) {
    g_object_set_property (property_home (connection, pspec->param_id), pspec->name, value);
    gst_object_unref (connection);
    return;
  }
  copy = g_new0 (GValue, 1);
  g_value_init (copy, G_VALUE_TYPE (value));
  g_value_copy (value, copy);
  GST_OBJECT_LOCK (self);
  if (!self->pending)
    self->pending = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, value_free);
  g_hash_table_insert (self->pending, (gpointer) pspec->name, copy);
  GST_OBJECT_UNLOCK (self);
}

static void
set_string (GstZrtpBase *self, gchar **string, gchar *value)
{
  GST_OBJECT_LOCK (self);
  g_free (*string);
  *string = value;
  GST_OBJECT_UNLOCK (self);
}

static void
gst_zrtp_base_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstZrtpBase *self = GST_ZRTP_BASE (object);

  switch (id) {
    case PROP_CONNECTION_ID:
      if (may_pair_anew (self, pspec))
        set_string (self, &self->connection_id,
            g_strdup (
                g_value_get_string (value) ? g_value_get_string (value) : DEFAULT_CONNECTION_ID));
      break;
    case PROP_SESSION_ID:
      if (may_pair_anew (self, pspec))
        set_string (self, &self->session_id, g_value_dup_string (value));
      break;
    case PROP_SESSION:
      if (may_pair_anew (self, pspec))
        gst_object_replace ((GstObject **) &self->session, g_value_get_object (value));
      break;
    default:
      configure (self, pspec, value);
  }
}

static void
get_session (GstZrtpBase *self, GValue *value)
{
  GstZrtpConnection *connection = attach_early (self);

  if (!connection)
    return;
  g_value_set_object (value, gst_zrtp_connection_get_session (connection));
  gst_object_unref (connection);
}

static void
get_stream (GstZrtpBase *self, GValue *value)
{
  GstZrtpConnection *connection = attach_early (self);

  if (!connection)
    return;
  g_value_set_object (value, gst_zrtp_connection_get_stream (connection));
  gst_object_unref (connection);
}

static void
get_stats (GstZrtpBase *self, GValue *value)
{
  GstZrtpConnection *connection = gst_zrtp_base_get_connection (self);

  if (!connection)
    return;
  g_value_take_boxed (value, gst_zrtp_connection_get_stats (connection));
  gst_object_unref (connection);
}

static void
get_pending (GstZrtpBase *self, GParamSpec *pspec, GValue *value)
{
  GValue *pending;

  GST_OBJECT_LOCK (self);
  pending = self->pending ? g_hash_table_lookup (self->pending, pspec->name) : NULL;
  if (pending)
    g_value_copy (pending, value);
  else
    g_param_value_set_default (pspec, value);
  GST_OBJECT_UNLOCK (self);
}

static void
get_shown (GstZrtpBase *self, GParamSpec *pspec, GValue *value)
{
  /* our Hello exists only in a stream */
  GstZrtpConnection *connection = pspec->param_id == PROP_HELLO_HASH
                                      ? attach_early (self)
                                      : gst_zrtp_base_get_connection (self);

  if (!connection) {
    get_pending (self, pspec, value);
    return;
  }
  g_object_get_property (property_home (connection, pspec->param_id), pspec->name, value);
  gst_object_unref (connection);
}

static void
gst_zrtp_base_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstZrtpBase *self = GST_ZRTP_BASE (object);

  switch (id) {
    case PROP_CONNECTION_ID:
      GST_OBJECT_LOCK (self);
      g_value_set_string (value, self->connection_id);
      GST_OBJECT_UNLOCK (self);
      break;
    case PROP_SESSION_ID:
      GST_OBJECT_LOCK (self);
      g_value_set_string (value, self->session_id);
      GST_OBJECT_UNLOCK (self);
      break;
    case PROP_SESSION:
      get_session (self, value);
      break;
    case PROP_STREAM:
      get_stream (self, value);
      break;
    case PROP_STATS:
      get_stats (self, value);
      break;
    default:
      get_shown (self, pspec, value);
  }
}

/* --- States ------------------------------------------------------------------------------------ */

static gboolean
post_error (GstZrtpBase *self, GError *error)
{
  if (!error)
    return TRUE;
  gst_element_message_full (GST_ELEMENT (self), GST_MESSAGE_ERROR, error->domain, error->code,
      g_strdup (error->message), NULL, __FILE__, GST_FUNCTION, __LINE__);
  g_error_free (error);
  return FALSE;
}

/* Loads it too: not in the middle of a handshake, and a call does not fail there. */
static gboolean
find_srtp (GstZrtpBase *self)
{
  const gchar *name = GST_ZRTP_BASE_GET_CLASS (self)->srtp_factory;
  GstElementFactory *factory = gst_element_factory_find (name);
  GstPluginFeature *loaded =
      factory ? gst_plugin_feature_load (GST_PLUGIN_FEATURE (factory)) : NULL;

  gst_clear_object (&factory);
  if (loaded) {
    gst_object_unref (loaded);
    return TRUE;
  }
  GST_ELEMENT_ERROR (self, CORE, MISSING_PLUGIN,
      ("%s needs the element %s of GStreamer's srtp plugin, which is not installed. "
       "Install gst-plugins-bad (Debian: gstreamer1.0-plugins-bad).",
          GST_OBJECT_NAME (self), name),
      (NULL));
  return FALSE;
}

/* Only what was asked for by name: what the elements offer by themselves they can do. */
static gboolean
check_gcm (GstZrtpSession *session, GError **error)
{
  gchar *auth_tags;
  gboolean ok;

  g_object_get (session, "auth-tags", &auth_tags, NULL);
  ok = !strstr (auth_tags, "GCM") || gst_zrtp_srtp_has_gcm ();
  if (!ok)
    g_set_error (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
        "auth-tags=%s: the srtpenc installed here cannot run GCM, because its libsrtp was built "
        "without it; leave GCM out",
        auth_tags);
  g_free (auth_tags);
  return ok;
}

static gboolean
check_settings (GstZrtpBase *self, GstZrtpConnection *connection)
{
  GstZrtpSession *session = gst_zrtp_connection_get_session (connection);
  GError *error = NULL;

  if (gst_zrtp_session_check (session, &error) && check_gcm (session, &error) &&
      gst_zrtp_stream_check (gst_zrtp_connection_get_stream (connection), &error))
    return TRUE;
  GST_ELEMENT_ERROR (
      self, LIBRARY, SETTINGS, ("%s: %s", GST_OBJECT_NAME (self), error->message), (NULL));
  g_error_free (error);
  return FALSE;
}

static gboolean
become_ready (GstZrtpBase *self)
{
  GError *error = NULL;
  GstZrtpConnection *connection;
  gboolean ok;

  if (!find_srtp (self))
    return FALSE;
  connection = attach (self, &error);
  if (!connection)
    return post_error (self, error);
  ok = check_settings (self, connection);
  gst_object_unref (connection);
  if (!ok)
    detach (self);
  return ok;
}

static GstStateChangeReturn
gst_zrtp_base_change_state (GstElement *element, GstStateChange transition)
{
  GstZrtpBase *self = GST_ZRTP_BASE (element);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_NULL_TO_READY && !become_ready (self))
    return GST_STATE_CHANGE_FAILURE;
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    gst_zrtp_connection_begin_stop (self->connection, self);
    /* before GstBin stops the srtp element; those of 1.22.0 do not like packets then */
    gst_zrtp_base_stop_links (self);
  }

  result = GST_ELEMENT_CLASS (gst_zrtp_base_parent_class)->change_state (element, transition);

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && result != GST_STATE_CHANGE_FAILURE)
    gst_zrtp_connection_start (self->connection, self);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    gst_zrtp_connection_finish_stop (self->connection, self);
  if (transition == GST_STATE_CHANGE_READY_TO_NULL)
    detach (self);
  return result;
}

/* srtpenc calls it an error of the pipeline when it cannot protect one packet, such as one that comes
 * twice. We drop the packet instead. Its other complaint, a key that was used too often, stays. */
static void
gst_zrtp_base_handle_message (GstBin *bin, GstMessage *message)
{
  GError *error;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    gst_message_parse_error (message, &error, NULL);
    if (error->domain == GST_LIBRARY_ERROR)
      g_clear_pointer (&message, gst_message_unref);
    g_error_free (error);
  }
  if (message)
    GST_BIN_CLASS (gst_zrtp_base_parent_class)->handle_message (bin, message);
}

/* --- Class ------------------------------------------------------------------------------------- */

static void
gst_zrtp_base_dispose (GObject *object)
{
  GstZrtpBase *self = GST_ZRTP_BASE (object);

  detach (self);
  gst_clear_object (&self->session);
  G_OBJECT_CLASS (gst_zrtp_base_parent_class)->dispose (object);
}

static void
gst_zrtp_base_finalize (GObject *object)
{
  GstZrtpBase *self = GST_ZRTP_BASE (object);
  guint i;

  for (i = 0; i < GST_ZRTP_N_LINKS; i++)
    gst_zrtp_link_clear (&self->links[i]);
  g_clear_pointer (&self->pending, g_hash_table_unref);
  g_free (self->connection_id);
  g_free (self->session_id);
  g_mutex_clear (&self->attaching);
  g_mutex_clear (&self->wiring);
  G_OBJECT_CLASS (gst_zrtp_base_parent_class)->finalize (object);
}

static void
gst_zrtp_base_init (GstZrtpBase *self)
{
  g_mutex_init (&self->attaching);
  g_mutex_init (&self->wiring);
  self->connection_id = g_strdup (DEFAULT_CONNECTION_ID);
}

#define READ (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)
#define SET (READ | G_PARAM_WRITABLE)

static const struct {
  guint id;
  const gchar *name, *nick, *blurb;
  GParamFlags flags;
} strings_of_session[] = {
    {PROP_KEY_AGREEMENTS, "key-agreements", "Key agreements",
        "Key agreements to offer: ZRTP types with commas, the preferred one first",
        SET | GST_PARAM_MUTABLE_READY},
    {PROP_HASHES, "hashes", "Hashes",
        "Hashes to offer: ZRTP types with commas, the preferred one first",
        SET | GST_PARAM_MUTABLE_READY},
    {PROP_CIPHERS, "ciphers", "Ciphers",
        "Ciphers to offer: ZRTP types with commas, the preferred one first",
        SET | GST_PARAM_MUTABLE_READY},
    {PROP_AUTH_TAGS, "auth-tags", "Authentication tags",
        "SRTP authentication tags to offer: ZRTP types with commas, the preferred one first; by "
        "default also GCM, where srtpenc can run it",
        SET | GST_PARAM_MUTABLE_READY},
    {PROP_SAS_TYPES, "sas-types", "SAS types",
        "Renderings of the SAS to offer: ZRTP types with commas, the preferred one first",
        SET | GST_PARAM_MUTABLE_READY},
    {PROP_CLIENT_ID, "client-id", "Client id",
        "What our Hello calls this program, up to 16 characters", SET | GST_PARAM_MUTABLE_READY},
    {PROP_CACHE_LOCATION, "cache-location", "Cache location",
        "File or postgresql:// URI of the secrets for the next call; NULL: $GST_ZRTP_CACHE, or a "
        "file in the user's data folder; empty: none",
        SET | GST_PARAM_MUTABLE_READY},
    {PROP_LOCAL_URI, "local-uri", "Local URI", "Who we are in the signalling",
        SET | GST_PARAM_MUTABLE_READY},
    {PROP_PEER_URI, "peer-uri", "Peer URI",
        "Who the peer is in the signalling; what is known of it is bound to this",
        SET | GST_PARAM_MUTABLE_READY},
    {PROP_PEER_NAME, "peer-name", "Peer name",
        "What the user calls the peer; kept in the cache (RFC 6189 section 12)",
        SET | GST_PARAM_MUTABLE_PLAYING},
    {PROP_SAS, "sas", "SAS",
        "The short authentication string to compare by voice; NULL before the call is secure",
        READ},
    {PROP_SAS_TYPE, "sas-type", "SAS type", "How the SAS is rendered", READ},
};

/* Shows the default that the session has. */
static void
install_strings_of_session (GObjectClass *object_class)
{
  GObjectClass *session_class = g_type_class_ref (GST_TYPE_ZRTP_SESSION);
  guint i;

  for (i = 0; i < G_N_ELEMENTS (strings_of_session); i++) {
    GParamSpec *pspec = g_object_class_find_property (session_class, strings_of_session[i].name);
    const GValue *value = g_param_spec_get_default_value (pspec);

    g_object_class_install_property (object_class, strings_of_session[i].id,
        g_param_spec_string (strings_of_session[i].name, strings_of_session[i].nick,
            strings_of_session[i].blurb, g_value_get_string (value), strings_of_session[i].flags));
  }
  g_type_class_unref (session_class);
}

/* Made after those of the session, with their names, defaults and blurbs. */
static void
install_settings_of_session (GObjectClass *object_class)
{
  static const gchar *const flags[] = {"allow-preshared", "allow-clear", "disclosure", "mitm",
      "enroll", "accept-enrollment", "signalling-integrity"};
  GObjectClass *session_class = g_type_class_ref (GST_TYPE_ZRTP_SESSION);
  guint i;

  for (i = 0; i < G_N_ELEMENTS (flags); i++) {
    GParamSpec *pspec = g_object_class_find_property (session_class, flags[i]);

    g_object_class_install_property (object_class, PROP_ALLOW_PRESHARED + i,
        g_param_spec_boolean (flags[i], g_param_spec_get_nick (pspec),
            g_param_spec_get_blurb (pspec), FALSE, SET | GST_PARAM_MUTABLE_READY));
  }
  g_object_class_install_property (object_class, PROP_CACHE,
      g_param_spec_object ("cache", "Cache", "Where secrets are kept for the next call",
          GST_TYPE_ZRTP_CACHE, SET | GST_PARAM_MUTABLE_READY));
  g_object_class_install_property (object_class, PROP_CACHE_KEY,
      g_param_spec_boxed ("cache-key", "Cache key", "Encrypts the secrets in the cache, 32 octets",
          G_TYPE_BYTES, G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
  g_object_class_install_property (object_class, PROP_ZID_PER,
      g_param_spec_enum ("zid-per", "ZID per", "For whom our ZID is the same",
          GST_TYPE_ZRTP_ZID_SCOPE, GST_ZRTP_ZID_SCOPE_CACHE, SET | GST_PARAM_MUTABLE_READY));
  g_object_class_install_property (object_class, PROP_CACHE_EXPIRY,
      g_param_spec_uint ("cache-expiry", "Cache expiry",
          "How many seconds the secret of this call may be kept", 0, G_MAXUINT32, G_MAXUINT32,
          SET | GST_PARAM_MUTABLE_READY));
  g_object_class_install_property (object_class, PROP_AUX_SECRET,
      g_param_spec_boxed ("aux-secret", "Auxiliary secret",
          "Octets that both ends know from elsewhere (RFC 6189 section 4.3)", G_TYPE_BYTES,
          G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
  g_type_class_unref (session_class);
}

static void
install_properties_of_stream (GObjectClass *object_class)
{
  g_object_class_install_property (object_class, PROP_SSRC,
      g_param_spec_uint ("ssrc", "SSRC",
          "Our SSRC in ZRTP headers; 0: that of the media, or a random one, which payloaders take",
          0, G_MAXUINT, 0, SET | GST_PARAM_MUTABLE_READY));
  g_object_class_install_property (object_class, PROP_STATE,
      g_param_spec_enum ("state", "State", "Where the stream stands", GST_TYPE_ZRTP_STATE,
          GST_ZRTP_STATE_IDLE, READ));
  g_object_class_install_property (object_class, PROP_HELLO_HASH,
      g_param_spec_string ("hello-hash", "Hello hash",
          "Our value of a=zrtp-hash for the signalling (RFC 6189 section 8)", NULL, READ));
  g_object_class_install_property (object_class, PROP_PEER_HELLO_HASH,
      g_param_spec_string ("peer-hello-hash", "Hello hash of the peer",
          "The a=zrtp-hash that the signalling brought; a Hello that does not match is refused",
          NULL, SET | GST_PARAM_MUTABLE_PLAYING));
}

static void
install_own_properties (GObjectClass *object_class)
{
  g_object_class_install_property (object_class, PROP_CONNECTION_ID,
      g_param_spec_string ("connection-id", "Connection id",
          "Joins one zrtpenc with one zrtpdec: both have the same", DEFAULT_CONNECTION_ID,
          SET | GST_PARAM_MUTABLE_READY));
  g_object_class_install_property (object_class, PROP_SESSION_ID,
      g_param_spec_string ("session-id", "Session id",
          "Joins the streams of one call; NULL: the connection-id", NULL,
          SET | GST_PARAM_MUTABLE_READY));
  g_object_class_install_property (object_class, PROP_SESSION,
      g_param_spec_object ("session", "Session", "The call; set it instead of session-id",
          GST_TYPE_ZRTP_SESSION, SET | GST_PARAM_MUTABLE_READY));
  g_object_class_install_property (object_class, PROP_STREAM,
      g_param_spec_object (
          "stream", "Stream", "The negotiation that the pair shares", GST_TYPE_ZRTP_STREAM, READ));
  g_object_class_install_property (object_class, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics", "Counters of the pair and what was negotiated",
          GST_TYPE_STRUCTURE, READ));
  g_object_class_install_property (object_class, PROP_POLICY,
      g_param_spec_enum ("policy", "Policy", "What to do with media that is not protected",
          GST_TYPE_ZRTP_POLICY, GST_ZRTP_POLICY_REQUIRED, SET | GST_PARAM_MUTABLE_PLAYING));
  g_object_class_install_property (object_class, PROP_SAS_VERIFIED,
      g_param_spec_boolean ("sas-verified", "SAS verified",
          "Whether the SAS was compared, in this call or in an earlier one", FALSE, READ));
}

static void
gst_zrtp_base_class_init (GstZrtpBaseClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->set_property = gst_zrtp_base_set_property;
  object_class->get_property = gst_zrtp_base_get_property;
  object_class->dispose = gst_zrtp_base_dispose;
  object_class->finalize = gst_zrtp_base_finalize;
  GST_ELEMENT_CLASS (klass)->change_state = gst_zrtp_base_change_state;
  GST_BIN_CLASS (klass)->handle_message = gst_zrtp_base_handle_message;

  install_own_properties (object_class);
  install_strings_of_session (object_class);
  install_settings_of_session (object_class);
  install_properties_of_stream (object_class);
  gst_type_mark_as_plugin_api (GST_TYPE_ZRTP_BASE, 0);
}
