/* A call: the settings of its streams, the SAS, the keys that outlive a single stream.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/zrtp/zrtp-private.h"

#include <string.h>

#define DEFAULT_CLIENT_ID "gst-zrtp 0.1"

/**
 * GstZrtpSession:
 *
 * One call with one peer: what its streams share (RFC 6189 calls it a session). Element pairs with
 * the same `session-id` have one; an application may also make it and set it on them.
 *
 * All methods may be called from any thread. Signals are emitted with no lock held, from the thread
 * in which things happen.
 */
struct _GstZrtpSession {
  GstObject parent;

  GMutex lock; /* of the session and all its streams; never held during a call out */

  gchar *session_id;
  GstZrtpPolicy policy;
  gchar *lists[ZRTP_N_KINDS]; /* as set; NULL = default */
  ZrtpOffer offer;
  gchar *client_id;
  GstZrtpCache *cache;
  GError *settings_error[ZRTP_N_KINDS + 1]; /* the last one: client-id */
  guint serial;

  GHashTable *streams; /* connection-id -> GWeakRef */

  ZrtpCall *call;
  guint n_engines;

  gchar *sas;
  const gchar *sas_type;
  gboolean sas_verified;
};

enum {
  PROP_SESSION_ID = 1,
  PROP_POLICY,
  PROP_LISTS, /* one a kind, in the order of ZrtpKind */
  PROP_CLIENT_ID = PROP_LISTS + ZRTP_N_KINDS,
  PROP_CACHE,
  PROP_SAS,
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
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

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
    default:
      if (id >= PROP_LISTS && id < PROP_LISTS + ZRTP_N_KINDS)
        refusal = set_list (self, id - PROP_LISTS, g_value_get_string (value));
      else
        G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  gst_zrtp_session_unlock (self);

  g_clear_object (&old);
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
      else
        G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  gst_zrtp_session_unlock (self);
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

GstZrtpCache *
gst_zrtp_session_dup_cache (GstZrtpSession *self)
{
  GstZrtpCache *cache;

  gst_zrtp_session_lock (self);
  cache = self->cache ? g_object_ref (self->cache) : NULL;
  gst_zrtp_session_unlock (self);
  return cache;
}

/* --- Call and engines ------------------------------------------------------------------------------- */

/* Our ZID: the cache's, or, without one, random: "the ZID would not be required to maintain the same
 * value across separate SIP sessions", §4.9.1. `*cached` tells which. */
static gboolean
find_zid (GstZrtpSession *self, GstZrtpCache *cache, guint8 zid[ZRTP_ZID_SIZE], gboolean *cached)
{
  const ZrtpRandom *random = &gst_zrtp_crypto.random;
  GError *error = NULL;
  GBytes *kept = cache ? gst_zrtp_cache_get_zid (cache, &error) : NULL;

  *cached = kept && g_bytes_get_size (kept) == ZRTP_ZID_SIZE;
  if (*cached)
    memcpy (zid, g_bytes_get_data (kept, NULL), ZRTP_ZID_SIZE);
  else if (cache)
    GST_WARNING_OBJECT (self, "the cache gives no ZID (%s), so this call is made without it",
        error ? error->message : "it is not 12 octets");
  g_clear_error (&error);
  g_clear_pointer (&kept, g_bytes_unref);
  return *cached || random->fill (random->user, zid, ZRTP_ZID_SIZE);
}

/* Lock held. */
static ZrtpConfig
make_config (GstZrtpSession *self, guint32 ssrc, const guint8 *peer_hello_hash, gboolean cached)
{
  ZrtpConfig config = {
      .offer = self->offer,
      .ssrc = ssrc,
      .cache_expiry = cached ? G_MAXUINT32 : 0,
      .has_peer_hello_hash = peer_hello_hash != NULL,
  };

  memset (config.client_id, ' ', sizeof config.client_id);
  memcpy (config.client_id, self->client_id, strlen (self->client_id));
  if (peer_hello_hash)
    memcpy (config.peer_hello_hash, peer_hello_hash, sizeof config.peer_hello_hash);
  return config;
}

ZrtpEngine *
gst_zrtp_session_acquire_engine (
    GstZrtpSession *self, guint32 ssrc, const guint8 *peer_hello_hash, guint *serial)
{
  GstZrtpCache *cache = gst_zrtp_session_dup_cache (self);
  guint8 zid[ZRTP_ZID_SIZE];
  ZrtpEngine *engine = NULL;
  ZrtpConfig config;
  gboolean cached;

  if (find_zid (self, cache, zid, &cached)) {
    gst_zrtp_session_lock (self);
    if (!self->call)
      self->call = zrtp_call_new (&gst_zrtp_crypto, zid);
    config = make_config (self, ssrc, peer_hello_hash, cached);
    engine = zrtp_engine_new (self->call, &config);
    self->n_engines += engine != NULL;
    *serial = self->serial;
    gst_zrtp_session_unlock (self);
  }
  g_clear_object (&cache);
  return engine;
}

void
gst_zrtp_session_release_engine (GstZrtpSession *self, ZrtpEngine *engine)
{
  if (!engine)
    return;
  zrtp_engine_free (engine);
  if (--self->n_engines > 0)
    return;
  g_clear_pointer (&self->call, zrtp_call_free);
  g_clear_pointer (&self->sas, g_free);
  self->sas_type = NULL;
  self->sas_verified = FALSE;
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
  if (!stream) {
    g_weak_ref_set (stream_slot (self, connection_id), fresh);
    stream = g_steal_pointer (&fresh);
  }
  gst_zrtp_session_unlock (self);
  gst_clear_object (&fresh);
  return stream;
}

static GList *
all_streams (GstZrtpSession *self)
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

static GstStructure *
secure_structure (GstZrtpSession *self, GstZrtpStream *stream, const ZrtpSecureInfo *info)
{
  const ZrtpType *type = info->choice.type;
  gchar *zid = hex (info->peer_zid, sizeof info->peer_zid);
  gchar *client_id = printable (info->peer_client_id);
  GstStructure *structure = gst_structure_new ("zrtp-secure",                               /* */
      "connection-id", G_TYPE_STRING, gst_zrtp_stream_get_connection_id (stream),           /* */
      "session-id", G_TYPE_STRING, self->session_id,                                        /* */
      "sas", G_TYPE_STRING, info->sas,                                                      /* */
      "sas-type", G_TYPE_STRING, gst_zrtp_type_name (type[ZRTP_SAS]),                       /* */
      "sas-verified", G_TYPE_BOOLEAN, (gboolean) info->sas_verified,                        /* */
      "cache-mismatch", G_TYPE_BOOLEAN, (gboolean) info->cache_mismatch,                    /* */
      "mode", G_TYPE_STRING, "dh",                                                          /* */
      "role", G_TYPE_STRING, info->role == ZRTP_ROLE_INITIATOR ? "initiator" : "responder", /* */
      "key-agreement", G_TYPE_STRING, gst_zrtp_type_name (type[ZRTP_KEY_AGREEMENT]),        /* */
      "hash", G_TYPE_STRING, gst_zrtp_type_name (type[ZRTP_HASH]),                          /* */
      "cipher", G_TYPE_STRING, gst_zrtp_type_name (type[ZRTP_CIPHER]),                      /* */
      "auth-tag", G_TYPE_STRING, gst_zrtp_type_name (type[ZRTP_AUTH_TAG]),                  /* */
      "peer-zid", G_TYPE_STRING, zid,                                                       /* */
      "peer-client-id", G_TYPE_STRING, client_id,                                           /* */
      "peer-disclosure", G_TYPE_BOOLEAN, (gboolean) info->peer_disclosure,                  /* */
      "mitm", G_TYPE_BOOLEAN, (gboolean) info->peer_mitm, NULL);

  g_free (zid);
  g_free (client_id);
  return structure;
}

void
gst_zrtp_session_became_secure (
    GstZrtpSession *self, GstZrtpStream *stream, const ZrtpSecureInfo *info)
{
  GstStructure *structure = secure_structure (self, stream, info);

  gst_zrtp_session_lock (self);
  if (!self->sas) { /* "There is only one SAS value computed per call", §7 */
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

/* --- Methods ----------------------------------------------------------------------------------------- */

/**
 * gst_zrtp_session_new:
 *
 * Returns: (transfer full): a call with default settings and no cache.
 */
GstZrtpSession *
gst_zrtp_session_new (void)
{
  return gst_object_ref_sink (g_object_new (GST_TYPE_ZRTP_SESSION, NULL));
}

/**
 * gst_zrtp_session_verify_sas:
 * @session: a session.
 * @matches: what the user said after comparing the SAS by voice.
 *
 * With %TRUE the peer counts as verified in this and later calls (RFC 6189 §7.1), and a cache
 * mismatch is settled (§4.6.1.1). With %FALSE there is somebody in the middle: the verified flag is
 * cleared and the secret of this call erased from the cache. Does nothing before the call is secure.
 */
void
gst_zrtp_session_verify_sas (GstZrtpSession *self, gboolean matches)
{
  gboolean secure;
  GList *streams;

  g_return_if_fail (GST_IS_ZRTP_SESSION (self));

  gst_zrtp_session_lock (self);
  secure = self->sas != NULL;
  if (secure)
    self->sas_verified = matches;
  gst_zrtp_session_unlock (self);
  if (!secure)
    return;

  streams = all_streams (self);
  for (GList *l = streams; l; l = l->next)
    gst_zrtp_stream_sas_verified (l->data, matches); /* which counts for the first one only */
  g_list_free_full (streams, gst_object_unref);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SAS_VERIFIED]);
  g_signal_emit (self, signals[SIGNAL_SAS_VERIFIED], 0, matches);
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
  g_clear_object (&self->cache);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (gst_zrtp_session_parent_class)->finalize (object);
}

static void
gst_zrtp_session_init (GstZrtpSession *self)
{
  g_mutex_init (&self->lock);
  self->streams = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, weak_ref_free);
  self->client_id = g_strdup (DEFAULT_CLIENT_ID);
  for (ZrtpKind kind = 0; kind < ZRTP_N_KINDS; kind++)
    gst_zrtp_list_parse (kind, NULL, &self->offer.list[kind], NULL);
}

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
   * Where secrets are kept for the next call; %NULL for nowhere (§4.9.1).
   */
  props[PROP_CACHE] = g_param_spec_object (
      "cache", "Cache", "Where secrets are kept for the next call", GST_TYPE_ZRTP_CACHE, writable);
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
