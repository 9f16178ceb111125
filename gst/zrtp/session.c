/* A call: the settings of its streams, the SAS, the keys that outlive a single stream.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/zrtp/zrtp-private.h"

#include <string.h>

#define DEFAULT_CLIENT_ID "gst-zrtp 0.1"

enum {
  PROP_SESSION_ID = 1,
  PROP_POLICY,
  PROP_LISTS, /* one a kind, in the order of ZrtpKind */
  PROP_CLIENT_ID = PROP_LISTS + ZRTP_N_KINDS,
  PROP_CACHE,
  PROP_CACHE_LOCATION,
  PROP_CACHE_KEY,
  PROP_CACHE_EXPIRY,
  PROP_ZID_PER,
  PROP_LOCAL_URI,
  PROP_PEER_URI,
  PROP_PEER_NAME,
  PROP_AUX_SECRET,
  PROP_FLAGS, /* one each, in the order of GstZrtpFlag */
  PROP_SAS = PROP_FLAGS + GST_ZRTP_N_FLAGS,
  PROP_SAS_TYPE,
  PROP_SAS_VERIFIED,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

enum {
  SIGNAL_SECURE,
  SIGNAL_FAILED,
  SIGNAL_WARNING,
  SIGNAL_SAS_VERIFIED,
  SIGNAL_SAS_RELAYED,
  SIGNAL_CLEAR,
  SIGNAL_ENROLLMENT,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

/**
 * GstZrtpSession:
 *
 * One call with one peer: what its streams share (RFC 6189 calls it a session). Element pairs with
 * the same `session-id` have one; an application may also make it and set it on them.
 *
 * All methods may be called from any thread. Signals are emitted with no lock held, from the thread
 * in which things happen.
 */
G_DEFINE_FINAL_TYPE (GstZrtpSession, gst_zrtp_session, GST_TYPE_OBJECT)

void
gst_zrtp_session_lock (GstZrtpSession *self)
{
  g_mutex_lock (&self->lock);
}

void
gst_zrtp_session_unlock (GstZrtpSession *self)
{
  g_mutex_unlock (&self->lock);
}

/* --- Settings -------------------------------------------------------------------------------------- */

/* Lock held. A refused value leaves the one before in force and an error for check(), so that nobody
 * starts a call on something else than was asked for. Returns the text of a refusal, or NULL. */
static gchar *
settle (GstZrtpSession *self, guint index, GError *error)
{
  g_clear_error (&self->settings_error[index]);
  self->settings_error[index] = error;
  self->serial++;
  return error ? g_strdup (error->message) : NULL;
}

static gchar *
set_list (GstZrtpSession *self, ZrtpKind kind, const gchar *text)
{
  GError *error = NULL;

  if (gst_zrtp_list_parse (kind, text, &self->offer.list[kind], &error)) {
    g_free (self->lists[kind]);
    self->lists[kind] = g_strdup (text);
  }
  return settle (self, kind, error);
}

static gchar *
set_client_id (GstZrtpSession *self, const gchar *text)
{
  GError *error = NULL;

  if (!text)
    text = DEFAULT_CLIENT_ID;
  if (strlen (text) > ZRTP_CLIENT_ID_SIZE || !g_str_is_ascii (text)) {
    g_set_error (&error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
        "client-id=%s: a client identifier has at most %d ASCII characters; choose a shorter one",
        text, ZRTP_CLIENT_ID_SIZE);
  } else {
    g_free (self->client_id);
    self->client_id = g_strdup (text);
  }
  return settle (self, ZRTP_N_KINDS, error);
}

static gboolean
has_flag (GstZrtpSession *self, GstZrtpFlag flag)
{
  return (self->flags & 1u << flag) != 0;
}

static void
set_flag (GstZrtpSession *self, GstZrtpFlag flag, gboolean value)
{
  if (value)
    self->flags |= 1u << flag;
  else
    self->flags &= ~(1u << flag);
  self->serial++;
}

/* Lock held. Takes the place of keys from the signalling. */
static void
set_aux_secret (GstZrtpSession *self, GBytes *secret)
{
  gsize size = 0;
  const guint8 *data = secret ? g_bytes_get_data (secret, &size) : NULL;

  g_clear_pointer (&self->aux_secret, g_bytes_unref);
  zrtp_wipe (self->sdes, sizeof self->sdes);
  if (size)
    self->aux_secret = gst_zrtp_secret_bytes (data, size);
  if (self->call)
    zrtp_call_set_aux (self->call, data, size);
}

/* Lock held. */
static void
set_cache_key (GstZrtpSession *self, GBytes *key)
{
  gsize size = 0;
  const guint8 *data = key ? g_bytes_get_data (key, &size) : NULL;

  g_clear_pointer (&self->cache_key, g_bytes_unref);
  if (key)
    self->cache_key = gst_zrtp_secret_bytes (data, size);
  self->serial++;
}

/* Lock held. For settings that decide about our ZID. */
static void
set_string (GstZrtpSession *self, gchar **string, const gchar *value)
{
  g_free (*string);
  *string = value ? g_utf8_make_valid (value, -1) : NULL; /* a URI comes from a stranger */
  self->serial++;
}

static void
gst_zrtp_session_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstZrtpSession *self = GST_ZRTP_SESSION (object);
  GObject *old = NULL;
  gchar *refusal = NULL;

  gst_zrtp_session_lock (self);
  switch (id) {
    case PROP_SESSION_ID:
      self->session_id = g_value_dup_string (value);
      break;
    case PROP_POLICY:
      self->policy = g_value_get_enum (value);
      break;
    case PROP_CLIENT_ID:
      refusal = set_client_id (self, g_value_get_string (value));
      break;
    case PROP_CACHE:
      old = (GObject *) self->cache;
      self->cache = g_value_dup_object (value);
      self->serial++;
      break;
    case PROP_CACHE_LOCATION:
      set_string (self, &self->cache_location, g_value_get_string (value));
      break;
    case PROP_CACHE_KEY:
      set_cache_key (self, g_value_get_boxed (value));
      break;
    case PROP_CACHE_EXPIRY:
      self->cache_expiry = g_value_get_uint (value);
      self->serial++;
      break;
    case PROP_ZID_PER:
      self->zid_scope = g_value_get_enum (value);
      self->serial++;
      break;
    case PROP_LOCAL_URI:
      set_string (self, &self->local_uri, g_value_get_string (value));
      break;
    case PROP_PEER_URI:
      set_string (self, &self->peer_uri, g_value_get_string (value));
      break;
    case PROP_PEER_NAME:
      g_free (self->peer_name);
      self->peer_name =
          g_value_get_string (value) ? g_utf8_make_valid (g_value_get_string (value), -1) : NULL;
      break;
    case PROP_AUX_SECRET:
      set_aux_secret (self, g_value_get_boxed (value));
      break;
    default:
      if (id >= PROP_LISTS && id < PROP_LISTS + ZRTP_N_KINDS)
        refusal = set_list (self, id - PROP_LISTS, g_value_get_string (value));
      else if (id >= PROP_FLAGS && id < PROP_FLAGS + GST_ZRTP_N_FLAGS)
        set_flag (self, id - PROP_FLAGS, g_value_get_boolean (value));
      else
        G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  gst_zrtp_session_unlock (self);

  g_clear_object (&old);
  if (id == PROP_PEER_NAME)
    gst_zrtp_session_rename_peer (self);
  if (refusal)
    GST_WARNING_OBJECT (self, "%s", refusal);
  g_free (refusal);
}

static void
gst_zrtp_session_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstZrtpSession *self = GST_ZRTP_SESSION (object);

  gst_zrtp_session_lock (self);
  switch (id) {
    case PROP_SESSION_ID:
      g_value_set_string (value, self->session_id);
      break;
    case PROP_POLICY:
      g_value_set_enum (value, self->policy);
      break;
    case PROP_CLIENT_ID:
      g_value_set_string (value, self->client_id);
      break;
    case PROP_CACHE:
      g_value_set_object (value, self->cache);
      break;
    case PROP_CACHE_LOCATION:
      g_value_set_string (value, self->cache_location);
      break;
    case PROP_CACHE_EXPIRY:
      g_value_set_uint (value, self->cache_expiry);
      break;
    case PROP_ZID_PER:
      g_value_set_enum (value, self->zid_scope);
      break;
    case PROP_LOCAL_URI:
      g_value_set_string (value, self->local_uri);
      break;
    case PROP_PEER_URI:
      g_value_set_string (value, self->peer_uri);
      break;
    case PROP_PEER_NAME:
      g_value_set_string (value, self->peer_name);
      break;
    case PROP_SAS:
      g_value_set_string (value, self->sas);
      break;
    case PROP_SAS_TYPE:
      g_value_set_string (value, self->sas_type);
      break;
    case PROP_SAS_VERIFIED:
      g_value_set_boolean (value, self->sas_verified);
      break;
    default:
      if (id >= PROP_LISTS && id < PROP_LISTS + ZRTP_N_KINDS)
        g_value_set_string (value, self->lists[id - PROP_LISTS]
                                       ? self->lists[id - PROP_LISTS]
                                       : gst_zrtp_kind_defaults[id - PROP_LISTS]);
      else if (id >= PROP_FLAGS && id < PROP_FLAGS + GST_ZRTP_N_FLAGS)
        g_value_set_boolean (value, has_flag (self, id - PROP_FLAGS));
      else
        G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  gst_zrtp_session_unlock (self);
}

static gboolean
is_given (const gchar *text)
{
  return text && *text;
}

/* Lock held. */
static void
check_zid_scope (GstZrtpSession *self, GError **error)
{
  if (self->zid_scope >= GST_ZRTP_ZID_SCOPE_LOCAL_URI && !is_given (self->local_uri))
    g_set_error_literal (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
        "zid-per=local-uri and zid-per=peer need local-uri: set it to our own URI before the call");
  /* "generate a single ZID and use that ZID for all endpoints behind it", §4.9, §10 */
  else if (self->zid_scope != GST_ZRTP_ZID_SCOPE_CACHE && has_flag (self, GST_ZRTP_FLAG_MITM))
    g_set_error_literal (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
        "mitm and zid-per=local-uri or zid-per=peer do not go together: a PBX has one ZID for all; "
        "leave zid-per as it is");
  else if (self->zid_scope == GST_ZRTP_ZID_SCOPE_PEER && !is_given (self->peer_uri))
    g_set_error_literal (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
        "zid-per=peer needs peer-uri: set it to the URI of whom we call before the call");
}

/**
 * gst_zrtp_session_check:
 * @session: a session.
 * @error: names the property, its value and the choices.
 *
 * A property cannot return an error, so a wrong value is remembered until here. Elements and streams
 * check before they start.
 *
 * Returns: %TRUE when every setting was understood.
 */
gboolean
gst_zrtp_session_check (GstZrtpSession *self, GError **error)
{
  GError *found = NULL;

  g_return_val_if_fail (GST_IS_ZRTP_SESSION (self), FALSE);

  gst_zrtp_session_lock (self);
  for (guint i = 0; !found && i < G_N_ELEMENTS (self->settings_error); i++)
    if (self->settings_error[i])
      found = g_error_copy (self->settings_error[i]);
  if (!found)
    check_zid_scope (self, &found);
  gst_zrtp_session_unlock (self);

  if (!found)
    return TRUE;
  g_propagate_error (error, found);
  return FALSE;
}

guint
gst_zrtp_session_get_serial (GstZrtpSession *self)
{
  return self->serial;
}

/* --- Call and engines ------------------------------------------------------------------------------- */

/* Lock held. */
static ZrtpConfig
make_config (GstZrtpSession *self, guint32 ssrc, const guint8 *peer_hello_hash)
{
  ZrtpConfig config = {
      .offer = self->offer,
      .ssrc = ssrc,
      .cache_expiry = self->kept.cache ? self->cache_expiry : 0,
      .allow_preshared = has_flag (self, GST_ZRTP_FLAG_ALLOW_PRESHARED),
      .allow_clear = has_flag (self, GST_ZRTP_FLAG_ALLOW_CLEAR),
      .disclosure = has_flag (self, GST_ZRTP_FLAG_DISCLOSURE),
      .mitm = has_flag (self, GST_ZRTP_FLAG_MITM),
      .enroll = has_flag (self, GST_ZRTP_FLAG_ENROLL),
      .accept_enrollment = has_flag (self, GST_ZRTP_FLAG_ACCEPT_ENROLLMENT),
      .signalling_integrity = has_flag (self, GST_ZRTP_FLAG_SIGNALLING_INTEGRITY),
      .has_peer_hello_hash = peer_hello_hash != NULL,
  };

  memset (config.client_id, ' ', sizeof config.client_id);
  memcpy (config.client_id, self->client_id, strlen (self->client_id));
  if (peer_hello_hash)
    memcpy (config.peer_hello_hash, peer_hello_hash, sizeof config.peer_hello_hash);
  return config;
}

/* Lock held. Takes what is in `found`, and leaves there what the call before had. */
static void
begin_call (GstZrtpSession *self, GstZrtpCallCache *found)
{
  const GstZrtpCallCache old = self->kept;
  gsize size = 0;
  const guint8 *aux = self->aux_secret ? g_bytes_get_data (self->aux_secret, &size) : NULL;

  self->call = zrtp_call_new (&gst_zrtp_crypto, g_bytes_get_data (found->zid, NULL));
  self->kept = *found;
  *found = old;
  if (size)
    zrtp_call_set_aux (self->call, aux, size);
  else
    zrtp_call_set_sdes (self->call, &self->sdes[0], &self->sdes[1]);
}

ZrtpEngine *
gst_zrtp_session_acquire_engine (
    GstZrtpSession *self, guint32 ssrc, const guint8 *peer_hello_hash, guint *serial)
{
  GstZrtpCallCache found = {NULL};
  ZrtpEngine *engine = NULL;
  ZrtpConfig config;
  gboolean has_call;

  gst_zrtp_session_lock (self);
  has_call = self->call != NULL;
  gst_zrtp_session_unlock (self);
  if (!has_call)
    gst_zrtp_call_cache_find (&found, self);

  gst_zrtp_session_lock (self);
  if (!self->call && found.zid)
    begin_call (self, &found);
  if (self->call) {
    config = make_config (self, ssrc, peer_hello_hash);
    engine = zrtp_engine_new (self->call, &config);
    self->n_engines += engine != NULL;
    *serial = self->serial;
  }
  gst_zrtp_session_unlock (self);
  gst_zrtp_call_cache_clear (&found);
  return engine;
}

gboolean
gst_zrtp_session_release_engine (GstZrtpSession *self, ZrtpEngine *engine, gboolean was_started)
{
  if (!engine)
    return FALSE;
  zrtp_engine_free (engine);
  self->n_engines--;
  self->n_started -= was_started;
  if (self->n_engines == 0)
    g_clear_pointer (&self->call, zrtp_call_free);
  if (!was_started || self->n_started > 0)
    return FALSE;
  if (self->call)
    zrtp_call_end (self->call);
  g_clear_pointer (&self->sas, g_free);
  self->sas_type = NULL;
  self->sas_verified = FALSE;
  self->requests = 0;
  return TRUE;
}

/* --- Streams ---------------------------------------------------------------------------------------- */

static void
weak_ref_free (gpointer data)
{
  g_weak_ref_clear (data);
  g_free (data);
}

/* Lock held. */
static GWeakRef *
stream_slot (GstZrtpSession *self, const gchar *connection_id)
{
  GWeakRef *slot = g_hash_table_lookup (self->streams, connection_id);

  if (!slot) {
    slot = g_new0 (GWeakRef, 1);
    g_weak_ref_init (slot, NULL);
    g_hash_table_insert (self->streams, g_strdup (connection_id), slot);
  }
  return slot;
}

/**
 * gst_zrtp_session_get_stream:
 * @session: a session.
 * @connection_id: the name of the stream within the call.
 *
 * The stream lives as long as somebody holds it.
 *
 * Returns: (transfer full): the stream of that name, made at the first call.
 */
GstZrtpStream *
gst_zrtp_session_get_stream (GstZrtpSession *self, const gchar *connection_id)
{
  GstZrtpStream *fresh, *stream;

  g_return_val_if_fail (GST_IS_ZRTP_SESSION (self), NULL);
  g_return_val_if_fail (connection_id != NULL, NULL);

  fresh = gst_zrtp_stream_new (self, connection_id);
  gst_zrtp_session_lock (self);
  stream = g_weak_ref_get (stream_slot (self, connection_id));
  gst_zrtp_session_unlock (self);
  gst_object_unref (fresh);
  return stream;
}

void
gst_zrtp_session_add_stream (GstZrtpSession *self, GstZrtpStream *fresh)
{
  const gchar *connection_id = gst_zrtp_stream_get_connection_id (fresh);
  GstZrtpStream *other;

  gst_zrtp_session_lock (self);
  other = g_weak_ref_get (stream_slot (self, connection_id));
  if (!other)
    g_weak_ref_set (stream_slot (self, connection_id), fresh);
  gst_zrtp_session_unlock (self);
  gst_clear_object (&other);
}

GList *
gst_zrtp_session_all_streams (GstZrtpSession *self)
{
  GHashTableIter iter;
  gpointer slot;
  GList *streams = NULL;

  gst_zrtp_session_lock (self);
  g_hash_table_iter_init (&iter, self->streams);
  while (g_hash_table_iter_next (&iter, NULL, &slot)) {
    gpointer stream = g_weak_ref_get (slot);

    if (stream)
      streams = g_list_prepend (streams, stream);
  }
  gst_zrtp_session_unlock (self);
  return streams;
}

GstZrtpStream *
gst_zrtp_session_first_stream (GstZrtpSession *self)
{
  GList *streams = gst_zrtp_session_all_streams (self);
  GstZrtpStream *first = NULL;

  for (GList *l = streams; l && !first; l = l->next)
    if (gst_zrtp_stream_is_first (l->data))
      first = gst_object_ref (l->data);
  g_list_free_full (streams, gst_object_unref);
  return first;
}

static GstZrtpStream *
find_stirred (GstZrtpSession *self, GList *streams)
{
  ZrtpEngine *engine;
  GstZrtpStream *found = NULL;

  gst_zrtp_session_lock (self);
  while (!found && self->call && (engine = zrtp_call_next_stirred (self->call)))
    for (GList *l = streams; l && !found; l = l->next)
      if (gst_zrtp_stream_has_engine (l->data, engine))
        found = l->data;
  gst_zrtp_session_unlock (self);
  return found;
}

gboolean
gst_zrtp_session_wake_stirred (GstZrtpSession *self, GstZrtpStream *driven)
{
  GList *streams = gst_zrtp_session_all_streams (self);
  GstZrtpStream *stream;
  gboolean itself = FALSE;

  while ((stream = find_stirred (self, streams)))
    if (stream == driven)
      itself = TRUE;
    else
      gst_zrtp_stream_wake_up (stream);
  g_list_free_full (streams, gst_object_unref);
  return itself;
}

/* --- What happened ----------------------------------------------------------------------------------- */

static gchar *
hex (const guint8 *data, gsize size)
{
  GString *text = g_string_sized_new (2 * size);

  for (gsize i = 0; i < size; i++)
    g_string_append_printf (text, "%02x", data[i]);
  return g_string_free (text, FALSE);
}

/* A foreign string in a message must be printable. */
static gchar *
printable (const gchar *text)
{
  gchar *copy = g_strchomp (g_strdup (text));

  for (gchar *c = copy; *c; c++)
    if (!g_ascii_isprint (*c))
      *c = '?';
  return copy;
}

const gchar *
gst_zrtp_mode_name (ZrtpMode mode)
{
  static const gchar *const names[] = {
      [ZRTP_MODE_DH] = "dh",
      [ZRTP_MODE_PRESHARED] = "preshared",
      [ZRTP_MODE_MULTISTREAM] = "multistream",
  };

  return names[mode];
}

/* §12: "if a prior session has established a cache entry, and the new session has a matching cache entry indexed by the
 * same ZID, and the SAS has been previously verified, the person's name stored in that cache entry should be
 * displayed." Otherwise it would lend a name to whom it does not belong. */
static gchar *
peer_name (GstZrtpSession *self, gboolean verified)
{
  gchar *name;

  gst_zrtp_session_lock (self);
  name = g_strdup (verified && self->kept.name ? self->kept.name : "");
  gst_zrtp_session_unlock (self);
  return name;
}

/* Later streams are of the same call, in which the user may have compared the SAS, or given the peer another name. */
static gboolean
is_verified (GstZrtpSession *self, const ZrtpSecureInfo *info)
{
  gboolean verified;

  gst_zrtp_session_lock (self);
  verified = info->sas_verified && (info->first || self->sas_verified);
  gst_zrtp_session_unlock (self);
  return verified;
}

static gchar *
peer_uri (GstZrtpSession *self)
{
  gchar *uri;

  gst_zrtp_session_lock (self);
  uri = g_strdup (self->kept.peer_uri ? self->kept.peer_uri : "");
  gst_zrtp_session_unlock (self);
  return uri;
}

/* Who this ZID is under another URI, "" if nobody; a PBX that the user trusts may have many. `shown` is whether the peer
 * has shown that he is that one: a ZID anybody can copy. */
static gchar *
known_as (GstZrtpSession *self, const ZrtpSecureInfo *info, gboolean *shown)
{
  const GstZrtpOther *known_as = &self->kept.known_as;
  gchar *other;

  gst_zrtp_session_lock (self);
  other = g_strdup (known_as->who && !info->enrolled ? known_as->who : "");
  *shown = known_as->has[info->s1];
  gst_zrtp_session_unlock (self);
  return other;
}

static GstStructure *
secure_structure (
    GstZrtpSession *self, GstZrtpStream *stream, const ZrtpSecureInfo *info, const gchar *other)
{
  const ZrtpType *type = info->choice.type;
  const gboolean verified = is_verified (self, info);
  gchar *name = peer_name (self, verified), *uri = peer_uri (self);
  gchar *zid = hex (info->peer_zid, sizeof info->peer_zid);
  gchar *client_id = printable (info->peer_client_id);
  GstStructure *structure = gst_structure_new ("zrtp-secure",                               /* */
      "connection-id", G_TYPE_STRING, gst_zrtp_stream_get_connection_id (stream),           /* */
      "session-id", G_TYPE_STRING, self->session_id,                                        /* */
      "sas", G_TYPE_STRING, info->sas,                                                      /* */
      "sas-type", G_TYPE_STRING, gst_zrtp_type_name (type[ZRTP_SAS]),                       /* */
      "sas-verified", G_TYPE_BOOLEAN, verified,                                             /* */
      "cache-mismatch", G_TYPE_BOOLEAN, (gboolean) info->cache_mismatch,                    /* */
      "aux-mismatch", G_TYPE_BOOLEAN, (gboolean) info->aux_mismatch,                        /* */
      "mode", G_TYPE_STRING, gst_zrtp_mode_name (info->mode),                               /* */
      "role", G_TYPE_STRING, info->role == ZRTP_ROLE_INITIATOR ? "initiator" : "responder", /* */
      "key-agreement", G_TYPE_STRING, gst_zrtp_type_name (type[ZRTP_KEY_AGREEMENT]),        /* */
      "hash", G_TYPE_STRING, gst_zrtp_type_name (type[ZRTP_HASH]),                          /* */
      "cipher", G_TYPE_STRING, gst_zrtp_type_name (type[ZRTP_CIPHER]),                      /* */
      "auth-tag", G_TYPE_STRING, gst_zrtp_type_name (type[ZRTP_AUTH_TAG]),                  /* */
      "peer-zid", G_TYPE_STRING, zid,                                                       /* */
      "peer-name", G_TYPE_STRING, name,                                                     /* */
      "peer-uri", G_TYPE_STRING, uri,                                                       /* */
      "known-as", G_TYPE_STRING, other,                                                     /* */
      "peer-client-id", G_TYPE_STRING, client_id,                                           /* */
      "peer-disclosure", G_TYPE_BOOLEAN, (gboolean) info->peer_disclosure,                  /* */
      "mitm", G_TYPE_BOOLEAN, (gboolean) info->peer_mitm,                                   /* */
      "enrolled", G_TYPE_BOOLEAN, (gboolean) info->enrolled,                                /* */
      "signalling-integrity", G_TYPE_BOOLEAN, (gboolean) info->signalling,                  /* */
      "peer-allows-clear", G_TYPE_BOOLEAN, (gboolean) info->peer_allows_clear,              /* */
      "signature", G_TYPE_STRING,
      info->peer_signature ? gst_zrtp_type_name (info->peer_signature) : "", NULL);

  g_free (name);
  g_free (uri);
  g_free (zid);
  g_free (client_id);
  return structure;
}

static gchar *
other_uri_text (const gchar *other, gboolean shown)
{
  if (shown)
    return g_strdup_printf (
        "the device at the other end is known from calls with %s, under another URI than in "
        "this call; the same device need not be the person whom you called: compare the "
        "SAS, and be sure of the voice",
        other);
  return g_strdup_printf ("somebody uses the ZID of %s under another URI, and has not shown the "
                          "secret of the calls with "
                          "that one: it may be somebody else; compare the SAS by voice",
      other);
}

static void
warn_of_other_uri (GstZrtpSession *self, GstZrtpStream *stream, const gchar *other, gboolean shown)
{
  gchar *text = other_uri_text (other, shown);

  gst_zrtp_session_warn (self, stream, GST_ZRTP_WARNING_OTHER_URI, text);
  g_free (text);
}

void
gst_zrtp_session_became_secure (
    GstZrtpSession *self, GstZrtpStream *stream, const ZrtpSecureInfo *info)
{
  gboolean shown;
  gchar *other = known_as (self, info, &shown);
  GstStructure *structure = secure_structure (self, stream, info, shown ? other : "");

  gst_zrtp_session_lock (self);
  if (info->first) { /* "There is only one SAS value computed per call", §7 */
    g_free (self->sas);
    self->sas = g_strdup (info->sas);
    self->sas_type = gst_zrtp_type_name (info->choice.type[ZRTP_SAS]);
    self->sas_verified = info->sas_verified;
  }
  gst_zrtp_session_unlock (self);

  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SAS]);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SAS_VERIFIED]);
  g_signal_emit (self, signals[SIGNAL_SECURE], 0, stream, structure);
  gst_structure_free (structure);
  if (info->cache_mismatch)
    /* §4.3.2: the user agent "MUST alert their own user" */
    gst_zrtp_session_warn (self, stream, GST_ZRTP_WARNING_CACHE_MISMATCH,
        "the secret shared with this peer in earlier calls is missing at the other end: either it "
        "was lost there, or somebody is listening; compare the SAS by voice now");
  if (info->aux_mismatch)
    /* §4.3.2: "This mismatch should be made visible to whichever user has auxsecret defined." */
    gst_zrtp_session_warn (self, stream, GST_ZRTP_WARNING_AUX_MISMATCH,
        "the peer does not have the same auxiliary secret; check aux-secret at both ends");
  if (info->first && *other)
    warn_of_other_uri (self, stream, other, shown);
  g_free (other);
}

void
gst_zrtp_session_sas_relayed (
    GstZrtpSession *self, GstZrtpStream *stream, const ZrtpRelayedSas *relayed)
{
  const gchar *sas_type = gst_zrtp_type_name (relayed->sas_type);

  gst_zrtp_session_lock (self);
  g_free (self->sas);
  self->sas = g_strdup (relayed->sas);
  self->sas_type = sas_type;
  if (relayed->relayed)
    self->sas_verified = FALSE; /* this one was not compared yet */
  gst_zrtp_session_unlock (self);

  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SAS]);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SAS_VERIFIED]);
  g_signal_emit (self, signals[SIGNAL_SAS_RELAYED], 0, stream, relayed->sas, sas_type,
      (gboolean) relayed->relayed, (gboolean) relayed->sas_verified,
      (gboolean) relayed->disclosure);
}

void
gst_zrtp_session_went_clear (
    GstZrtpSession *self, GstZrtpStream *stream, gboolean by_peer, gboolean waiting)
{
  g_signal_emit (self, signals[SIGNAL_CLEAR], 0, stream, by_peer, waiting);
}

void
gst_zrtp_session_enrollment_offered (
    GstZrtpSession *self, GstZrtpStream *stream, const guint8 peer_zid[ZRTP_ZID_SIZE])
{
  const ZrtpSecureInfo info = gst_zrtp_stream_get_info (stream);
  gchar *zid = hex (peer_zid, ZRTP_ZID_SIZE), *name = peer_name (self, info.sas_verified);

  g_signal_emit (self, signals[SIGNAL_ENROLLMENT], 0, stream, zid, name);
  g_free (name);
  g_free (zid);
}

void
gst_zrtp_session_ended (GstZrtpSession *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SAS]);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SAS_VERIFIED]);
}

void
gst_zrtp_session_sas_was_verified (GstZrtpSession *self, gboolean verified)
{
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SAS_VERIFIED]);
  g_signal_emit (self, signals[SIGNAL_SAS_VERIFIED], 0, verified);
}

void
gst_zrtp_session_failed (GstZrtpSession *self, GstZrtpStream *stream, guint code, gboolean by_peer)
{
  gchar *text = g_strdup_printf ("ZRTP negotiation ended %s with error 0x%02x: %s",
      by_peer ? "by the peer" : "on our side", code, zrtp_error_text (code));

  g_signal_emit (self, signals[SIGNAL_FAILED], 0, stream, code, text, by_peer);
  g_free (text);
}

void
gst_zrtp_session_warn (
    GstZrtpSession *self, GstZrtpStream *stream, GstZrtpWarning code, const gchar *text)
{
  g_signal_emit (self, signals[SIGNAL_WARNING], 0, stream, code, text);
}

/* --- GObject ------------------------------------------------------------------------------------------ */

static void
gst_zrtp_session_finalize (GObject *object)
{
  GstZrtpSession *self = GST_ZRTP_SESSION (object);

  g_hash_table_unref (self->streams);
  g_clear_pointer (&self->call, zrtp_call_free);
  for (guint i = 0; i < ZRTP_N_KINDS; i++)
    g_free (self->lists[i]);
  for (guint i = 0; i < G_N_ELEMENTS (self->settings_error); i++)
    g_clear_error (&self->settings_error[i]);
  g_free (self->session_id);
  g_free (self->client_id);
  g_free (self->sas);
  g_clear_pointer (&self->aux_secret, g_bytes_unref);
  zrtp_wipe (self->sdes, sizeof self->sdes);
  g_clear_object (&self->cache);
  g_free (self->cache_location);
  g_clear_pointer (&self->cache_key, g_bytes_unref);
  g_free (self->local_uri);
  g_free (self->peer_uri);
  g_free (self->peer_name);
  gst_zrtp_call_cache_clear (&self->kept);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (gst_zrtp_session_parent_class)->finalize (object);
}

static void
gst_zrtp_session_init (GstZrtpSession *self)
{
  g_mutex_init (&self->lock);
  self->streams = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, weak_ref_free);
  self->client_id = g_strdup (DEFAULT_CLIENT_ID);
  self->cache_expiry = G_MAXUINT32;
  for (ZrtpKind kind = 0; kind < ZRTP_N_KINDS; kind++)
    gst_zrtp_list_parse (kind, NULL, &self->offer.list[kind], NULL);
}

/* All off unless asked for. */
static const struct {
  const gchar *name, *nick, *blurb;
} flag_names[GST_ZRTP_N_FLAGS] = {
    [GST_ZRTP_FLAG_ALLOW_PRESHARED] = {"allow-preshared", "Allow Preshared mode",
        "Use the secret of verified earlier calls instead of a new key agreement (RFC 6189 "
        "§4.4.2)"},
    [GST_ZRTP_FLAG_ALLOW_CLEAR] = {"allow-clear", "Allow clear mode",
        "The call may go back to clear media when both users want it (RFC 6189 §4.7.2)"},
    [GST_ZRTP_FLAG_DISCLOSURE] = {"disclosure", "Disclosure",
        "Confess that this product discloses session keys (RFC 6189 §11)"},
    [GST_ZRTP_FLAG_MITM] = {"mitm", "PBX",
        "This end is a PBX that joins two calls and relays the SAS (RFC 6189 §7.3)"},
    [GST_ZRTP_FLAG_ENROLL] = {"enroll", "Enroll",
        "Ask the peer to trust this PBX; needs mitm (RFC 6189 §7.3.1)"},
    [GST_ZRTP_FLAG_ACCEPT_ENROLLMENT] = {"accept-enrollment", "Accept enrollment",
        "Report when a PBX asks to be trusted, for accept_enrollment() (RFC 6189 §7.3.1)"},
    [GST_ZRTP_FLAG_SIGNALLING_INTEGRITY] = {"signalling-integrity", "Signalling integrity",
        "The signalling that brought peer-hello-hash is protected end to end (RFC 6189 §8.1.1)"},
};

static void
install_properties (GObjectClass *klass)
{
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  const GParamFlags writable = readable | G_PARAM_WRITABLE;
  static const gchar *const blurbs[ZRTP_N_KINDS] = {
      [ZRTP_HASH] = "Hash types to offer, the best first (RFC 6189 §5.1.2)",
      [ZRTP_CIPHER] = "Cipher types to offer, the best first (RFC 6189 §5.1.3)",
      [ZRTP_AUTH_TAG] = "SRTP authentication tag types to offer, the best first (RFC 6189 §5.1.4)",
      [ZRTP_KEY_AGREEMENT] = "Key agreement types to offer, the best first (RFC 6189 §5.1.5)",
      [ZRTP_SAS] = "SAS types to offer, the best first (RFC 6189 §5.1.6)",
  };

  /**
   * GstZrtpSession:session-id:
   *
   * The name of the call in messages.
   */
  props[PROP_SESSION_ID] = g_param_spec_string (
      "session-id", "Session ID", "Name of the call", NULL, writable | G_PARAM_CONSTRUCT_ONLY);
  /**
   * GstZrtpSession:policy:
   *
   * What to do with media that is not protected.
   */
  props[PROP_POLICY] =
      g_param_spec_enum ("policy", "Policy", "What to do with media that is not protected",
          GST_TYPE_ZRTP_POLICY, GST_ZRTP_POLICY_REQUIRED, writable);
  for (ZrtpKind kind = 0; kind < ZRTP_N_KINDS; kind++)
    props[PROP_LISTS + kind] = g_param_spec_string (gst_zrtp_kind_names[kind],
        gst_zrtp_kind_names[kind], blurbs[kind], gst_zrtp_kind_defaults[kind], writable);
  /**
   * GstZrtpSession:client-id:
   *
   * What software this is, for the peer's eyes: up to 16 ASCII characters in the Hello (§5.2).
   */
  props[PROP_CLIENT_ID] = g_param_spec_string ("client-id", "Client ID",
      "Client identifier in our Hello, up to 16 ASCII characters", DEFAULT_CLIENT_ID, writable);
  /**
   * GstZrtpSession:cache:
   *
   * Where secrets are kept for the next call (RFC 6189 §4.9); %NULL, the default, for what
   * #GstZrtpSession:cache-location says.
   */
  props[PROP_CACHE] = g_param_spec_object (
      "cache", "Cache", "Where secrets are kept for the next call", GST_TYPE_ZRTP_CACHE, writable);
  /**
   * GstZrtpSession:cache-location:
   *
   * The file of retained secrets, or the `postgresql://` URI of a database. %NULL takes the environment variable
   * `GST_ZRTP_CACHE`, and without it `gstreamer-1.0/zrtp/cache.sqlite` in the user's data folder. With "" nothing is
   * kept: the call is cacheless (RFC 6189 §4.9.1). See gst_zrtp_cache_open(). When it cannot be used there is a
   * warning, and the call goes on without it.
   */
  props[PROP_CACHE_LOCATION] = g_param_spec_string ("cache-location", "Cache location",
      "File or postgresql:// URI of retained secrets; empty for none", NULL, writable);
  /**
   * GstZrtpSession:cache-key:
   *
   * Encrypts the secrets in #GstZrtpSession:cache-location: 32 octets, for example from the user's keyring. A cache is
   * encrypted from its beginning or not at all. It cannot be read back.
   */
  props[PROP_CACHE_KEY] =
      g_param_spec_boxed ("cache-key", "Cache key", "Encrypts the secrets in the cache, 32 octets",
          G_TYPE_BYTES, G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS);
  /**
   * GstZrtpSession:zid-per:
   *
   * For whom our ZID is the same (RFC 6189 §4.9). A ZID shows peers, and everybody on the way, that two calls are from
   * the same device. Set it, with #GstZrtpSession:local-uri and #GstZrtpSession:peer-uri, before the call.
   */
  props[PROP_ZID_PER] = g_param_spec_enum ("zid-per", "ZID per", "For whom our ZID is the same",
      GST_TYPE_ZRTP_ZID_SCOPE, GST_ZRTP_ZID_SCOPE_CACHE, writable);
  /**
   * GstZrtpSession:local-uri:
   *
   * Who we are in the signalling, such as a SIP address of record. What is known of a peer is bound to it.
   */
  props[PROP_LOCAL_URI] = g_param_spec_string (
      "local-uri", "Local URI", "Who we are in the signalling", NULL, writable);
  /**
   * GstZrtpSession:peer-uri:
   *
   * Whom we call, or who calls, as the signalling has it. What is known of a peer is bound to it: a device that is
   * verified under another URI is not verified under this one, and there is a warning.
   */
  props[PROP_PEER_URI] = g_param_spec_string (
      "peer-uri", "Peer URI", "Who the peer is in the signalling", NULL, writable);
  /**
   * GstZrtpSession:peer-name:
   *
   * What the user calls the peer (RFC 6189 §12). It is kept, and the SAS counts as not verified when another name
   * was kept. It may be set while the call is secure.
   */
  props[PROP_PEER_NAME] = g_param_spec_string (
      "peer-name", "Peer name", "What the user calls the peer", NULL, writable);
  /**
   * GstZrtpSession:cache-expiry:
   *
   * How many seconds the secret of this call may be kept; 4294967295 means without limit, 0 not at all.
   * The smaller one of both ends counts (RFC 6189 §4.9).
   */
  props[PROP_CACHE_EXPIRY] = g_param_spec_uint ("cache-expiry", "Cache expiry",
      "How many seconds the secret of this call may be kept", 0, G_MAXUINT32, G_MAXUINT32,
      writable);
  /**
   * GstZrtpSession:aux-secret:
   *
   * auxsecret (RFC 6189 §4.3): octets that both ends know from elsewhere, of any length. It goes into
   * the keys when both have the same; set it before the first stream starts. It cannot be read back.
   */
  props[PROP_AUX_SECRET] = g_param_spec_boxed ("aux-secret", "Auxiliary secret",
      "Octets that both ends know from elsewhere", G_TYPE_BYTES,
      G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS);
  for (GstZrtpFlag flag = 0; flag < GST_ZRTP_N_FLAGS; flag++)
    props[PROP_FLAGS + flag] = g_param_spec_boolean (
        flag_names[flag].name, flag_names[flag].nick, flag_names[flag].blurb, FALSE, writable);
  /**
   * GstZrtpSession:sas:
   *
   * The short authentication string, to be compared by voice (§7); %NULL until the call is secure.
   */
  props[PROP_SAS] = g_param_spec_string (
      "sas", "SAS", "Short authentication string, to be compared by voice", NULL, readable);
  /**
   * GstZrtpSession:sas-type:
   *
   * How the SAS is written: `B32` or `B256` (§5.1.6).
   */
  props[PROP_SAS_TYPE] =
      g_param_spec_string ("sas-type", "SAS type", "How the SAS is written", NULL, readable);
  /**
   * GstZrtpSession:sas-verified:
   *
   * The SAS was compared, in this call or, as both ends remember, in an earlier one (§7.1).
   */
  props[PROP_SAS_VERIFIED] = g_param_spec_boolean (
      "sas-verified", "SAS verified", "The SAS was compared by voice", FALSE, readable);
  g_object_class_install_properties (klass, N_PROPS, props);
}

static void
install_signals (GType type)
{
  /**
   * GstZrtpSession::secure:
   * @session: the session
   * @stream: the stream that is now protected
   * @details: the fields of the `zrtp-secure` message
   */
  signals[SIGNAL_SECURE] = g_signal_new ("secure", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
      G_TYPE_NONE, 2, GST_TYPE_ZRTP_STREAM, GST_TYPE_STRUCTURE);
  /**
   * GstZrtpSession::failed:
   * @session: the session
   * @stream: the stream whose negotiation ended
   * @code: RFC 6189 §5.9, Table 8
   * @text: the same for people
   * @by_peer: the peer ended it
   */
  signals[SIGNAL_FAILED] = g_signal_new ("failed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
      G_TYPE_NONE, 4, GST_TYPE_ZRTP_STREAM, G_TYPE_UINT, G_TYPE_STRING, G_TYPE_BOOLEAN);
  /**
   * GstZrtpSession::warning:
   * @session: the session
   * @stream: the stream it is about
   * @code: what it is about
   * @text: the same for people
   */
  signals[SIGNAL_WARNING] = g_signal_new ("warning", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
      G_TYPE_NONE, 3, GST_TYPE_ZRTP_STREAM, GST_TYPE_ZRTP_WARNING, G_TYPE_STRING);
  /**
   * GstZrtpSession::sas-verified:
   * @session: the session
   * @matches: what the user said of the SAS
   */
  signals[SIGNAL_SAS_VERIFIED] = g_signal_new (
      "sas-verified", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_BOOLEAN);
  /**
   * GstZrtpSession::sas-relayed:
   * @session: the session
   * @stream: the stream it came on
   * @sas: the SAS to compare from now on
   * @sas_type: how it is written
   * @relayed: it is that of the party behind the PBX; otherwise our own in another rendering
   * @verified: the PBX says that that party had it verified
   * @disclosure: the PBX says that that party discloses keys
   *
   * A PBX that is trusted (RFC 6189 §7.3) relayed a SAS.
   */
  signals[SIGNAL_SAS_RELAYED] = g_signal_new ("sas-relayed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
      NULL, G_TYPE_NONE, 6, GST_TYPE_ZRTP_STREAM, G_TYPE_STRING, G_TYPE_STRING, G_TYPE_BOOLEAN,
      G_TYPE_BOOLEAN, G_TYPE_BOOLEAN);
  /**
   * GstZrtpSession::clear:
   * @session: the session
   * @stream: the stream it is about; there is one signal for each
   * @by_peer: the peer asked for it
   * @waiting: nothing is sent before gst_zrtp_session_accept_clear()
   *
   * The call goes back to clear media (RFC 6189 §4.7.2).
   */
  signals[SIGNAL_CLEAR] = g_signal_new ("clear", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
      G_TYPE_NONE, 3, GST_TYPE_ZRTP_STREAM, G_TYPE_BOOLEAN, G_TYPE_BOOLEAN);
  /**
   * GstZrtpSession::enrollment:
   * @session: the session
   * @stream: the stream it is about
   * @peer_zid: the ZID of the PBX, 24 hexadecimal digits
   * @peer_name: what it is called, if anything is known
   *
   * A PBX asks to be trusted (RFC 6189 §7.3.1): ask the user, then
   * gst_zrtp_session_accept_enrollment().
   */
  signals[SIGNAL_ENROLLMENT] = g_signal_new ("enrollment", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
      NULL, G_TYPE_NONE, 3, GST_TYPE_ZRTP_STREAM, G_TYPE_STRING, G_TYPE_STRING);
}

static void
gst_zrtp_session_class_init (GstZrtpSessionClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->set_property = gst_zrtp_session_set_property;
  object_class->get_property = gst_zrtp_session_get_property;
  object_class->finalize = gst_zrtp_session_finalize;
  install_properties (object_class);
  install_signals (G_TYPE_FROM_CLASS (klass));
}

/**
 * gst_zrtp_session_new:
 *
 * Returns: (transfer full): a call with default settings.
 */
GstZrtpSession *
gst_zrtp_session_new (void)
{
  return gst_object_ref_sink (g_object_new (GST_TYPE_ZRTP_SESSION, NULL));
}
