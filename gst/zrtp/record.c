/* One peer's record in a cache: what both ends share, and what is known of the peer.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/zrtp/record-private.h"

#include <string.h>

/* --- Secret octets ------------------------------------------------------------------------------ */

typedef struct {
  gsize size;
  guint8 data[];
} Octets;

static void
octets_free (gpointer data)
{
  Octets *octets = data;

  zrtp_wipe (octets->data, octets->size);
  g_free (octets);
}

GBytes *
gst_zrtp_secret_bytes (const guint8 *data, gsize size)
{
  Octets *octets = g_malloc (sizeof *octets + size);

  octets->size = size;
  memcpy (octets->data, data, size);
  return g_bytes_new_with_free_func (octets->data, size, octets_free, octets);
}

/* --- Record -------------------------------------------------------------------------------------- */

/**
 * GstZrtpRecord:
 *
 * What is kept about one peer: the retained secrets (RFC 6189 §4.6.1), whether the SAS was compared (§7.1), and
 * what people know it by (§12). It is about our ZID, the peer's, our URI and the peer's: the same ZID
 * under another URI is another record, because a person whom we know may call in somebody else's name.
 *
 * A plain holder of properties, not locked: it belongs to whoever holds it.
 */
enum {
  PROP_ZID = 1,
  PROP_PEER_ZID,
  PROP_LOCAL_URI,
  PROP_PEER_URI,
  PROP_NAME,
  PROP_RS1,
  PROP_RS2,
  PROP_SAS_VERIFIED,
  PROP_RS2_VERIFIED,
  PROP_EXPIRES,
  PROP_PBX_SECRET,
  PROP_PRESHARED_CALLS,
  PROP_FIRST_SEEN,
  PROP_LAST_SEEN,
  PROP_CALLS,
  PROP_ALGORITHMS,
};

G_DEFINE_FINAL_TYPE (GstZrtpRecord, gst_zrtp_record, G_TYPE_OBJECT)

/* URIs come from strangers. A cache may refuse what is not UTF-8, and would then know nothing of that peer any more. */
void
gst_zrtp_record_set_string (gchar **string, const gchar *value)
{
  gchar *old = *string;

  *string = g_utf8_make_valid (value ? value : "", -1);
  g_free (old);
}

static void
set_zid (guint8 zid[ZRTP_ZID_SIZE], GBytes *value)
{
  if (value && g_bytes_get_size (value) == ZRTP_ZID_SIZE)
    memcpy (zid, g_bytes_get_data (value, NULL), ZRTP_ZID_SIZE);
  else
    g_warning ("GstZrtpRecord: a ZID has %d octets, not %" G_GSIZE_FORMAT "; it is not taken",
        ZRTP_ZID_SIZE, value ? g_bytes_get_size (value) : 0);
}

static void
set_secret (GstZrtpSecret *secret, GBytes *value)
{
  if (value && g_bytes_get_size (value) != ZRTP_RS_SIZE) {
    g_warning ("GstZrtpRecord: a retained secret has %d octets, not %" G_GSIZE_FORMAT
               "; it is not taken",
        ZRTP_RS_SIZE, g_bytes_get_size (value));
    return;
  }
  zrtp_wipe (secret->octets, sizeof secret->octets);
  secret->is_set = value != NULL;
  if (value)
    memcpy (secret->octets, g_bytes_get_data (value, NULL), ZRTP_RS_SIZE);
}

static void
gst_zrtp_record_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstZrtpRecord *self = GST_ZRTP_RECORD (object);

  switch (id) {
    case PROP_ZID:
      set_zid (self->zid, g_value_get_boxed (value));
      break;
    case PROP_PEER_ZID:
      set_zid (self->peer_zid, g_value_get_boxed (value));
      break;
    case PROP_LOCAL_URI:
      gst_zrtp_record_set_string (&self->local_uri, g_value_get_string (value));
      break;
    case PROP_PEER_URI:
      gst_zrtp_record_set_string (&self->peer_uri, g_value_get_string (value));
      break;
    case PROP_NAME:
      gst_zrtp_record_set_string (&self->name, g_value_get_string (value));
      break;
    case PROP_RS1:
      set_secret (&self->rs1, g_value_get_boxed (value));
      break;
    case PROP_RS2:
      set_secret (&self->rs2, g_value_get_boxed (value));
      break;
    case PROP_SAS_VERIFIED:
      self->rs1.verified = g_value_get_boolean (value);
      break;
    case PROP_RS2_VERIFIED:
      self->rs2.verified = g_value_get_boolean (value);
      break;
    case PROP_EXPIRES:
      self->expires = g_value_get_int64 (value);
      break;
    case PROP_PBX_SECRET:
      set_secret (&self->pbx_secret, g_value_get_boxed (value));
      break;
    case PROP_PRESHARED_CALLS:
      self->preshared_calls = g_value_get_uint (value);
      break;
    case PROP_FIRST_SEEN:
      self->first_seen = g_value_get_int64 (value);
      break;
    case PROP_LAST_SEEN:
      self->last_seen = g_value_get_int64 (value);
      break;
    case PROP_CALLS:
      self->calls = g_value_get_uint64 (value);
      break;
    case PROP_ALGORITHMS:
      gst_zrtp_record_set_string (&self->algorithms, g_value_get_string (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
take_secret (GValue *value, const GstZrtpSecret *secret)
{
  if (secret->is_set)
    g_value_take_boxed (value, gst_zrtp_secret_bytes (secret->octets, sizeof secret->octets));
}

static void
gst_zrtp_record_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstZrtpRecord *self = GST_ZRTP_RECORD (object);

  switch (id) {
    case PROP_ZID:
      g_value_take_boxed (value, g_bytes_new (self->zid, sizeof self->zid));
      break;
    case PROP_PEER_ZID:
      g_value_take_boxed (value, g_bytes_new (self->peer_zid, sizeof self->peer_zid));
      break;
    case PROP_LOCAL_URI:
      g_value_set_string (value, self->local_uri);
      break;
    case PROP_PEER_URI:
      g_value_set_string (value, self->peer_uri);
      break;
    case PROP_NAME:
      g_value_set_string (value, self->name);
      break;
    case PROP_RS1:
      take_secret (value, &self->rs1);
      break;
    case PROP_RS2:
      take_secret (value, &self->rs2);
      break;
    case PROP_SAS_VERIFIED:
      g_value_set_boolean (value, self->rs1.verified);
      break;
    case PROP_RS2_VERIFIED:
      g_value_set_boolean (value, self->rs2.verified);
      break;
    case PROP_EXPIRES:
      g_value_set_int64 (value, self->expires);
      break;
    case PROP_PBX_SECRET:
      take_secret (value, &self->pbx_secret);
      break;
    case PROP_PRESHARED_CALLS:
      g_value_set_uint (value, self->preshared_calls);
      break;
    case PROP_FIRST_SEEN:
      g_value_set_int64 (value, self->first_seen);
      break;
    case PROP_LAST_SEEN:
      g_value_set_int64 (value, self->last_seen);
      break;
    case PROP_CALLS:
      g_value_set_uint64 (value, self->calls);
      break;
    case PROP_ALGORITHMS:
      g_value_set_string (value, self->algorithms);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
gst_zrtp_record_finalize (GObject *object)
{
  GstZrtpRecord *self = GST_ZRTP_RECORD (object);

  zrtp_wipe (&self->rs1, sizeof self->rs1);
  zrtp_wipe (&self->rs2, sizeof self->rs2);
  zrtp_wipe (&self->pbx_secret, sizeof self->pbx_secret);
  g_free (self->local_uri);
  g_free (self->peer_uri);
  g_free (self->name);
  g_free (self->algorithms);
  G_OBJECT_CLASS (gst_zrtp_record_parent_class)->finalize (object);
}

static void
install_identity (GObjectClass *klass, GParamFlags flags)
{
  /**
   * GstZrtpRecord:zid:
   *
   * Our ZID, 12 octets: the one that this peer knows us by (RFC 6189 §4.9).
   */
  g_object_class_install_property (klass, PROP_ZID,
      g_param_spec_boxed ("zid", "ZID", "Our ZID, 12 octets", G_TYPE_BYTES, flags));
  /**
   * GstZrtpRecord:peer-zid:
   *
   * The peer's ZID, 12 octets.
   */
  g_object_class_install_property (klass, PROP_PEER_ZID,
      g_param_spec_boxed (
          "peer-zid", "Peer ZID", "The peer's ZID, 12 octets", G_TYPE_BYTES, flags));
  /**
   * GstZrtpRecord:local-uri:
   *
   * Whom the peer knows us as in the signalling, such as a SIP address of record (§12); empty when the application
   * did not say.
   */
  g_object_class_install_property (klass, PROP_LOCAL_URI,
      g_param_spec_string ("local-uri", "Local URI", "Our URI in the signalling", "", flags));
  /**
   * GstZrtpRecord:peer-uri:
   *
   * Whom we called, or who called, as the signalling has it; empty when the application did not say.
   */
  g_object_class_install_property (klass, PROP_PEER_URI,
      g_param_spec_string ("peer-uri", "Peer URI", "The peer's URI in the signalling", "", flags));
  /**
   * GstZrtpRecord:name:
   *
   * What the user calls the peer: "Alice on her office phone" (§12); empty when it has no name.
   */
  g_object_class_install_property (klass, PROP_NAME,
      g_param_spec_string ("name", "Name", "What the user calls the peer", "", flags));
}

static void
install_secrets (GObjectClass *klass, GParamFlags flags)
{
  /**
   * GstZrtpRecord:rs1:
   *
   * The retained secret of the last call, 32 octets.
   */
  g_object_class_install_property (klass, PROP_RS1,
      g_param_spec_boxed ("rs1", "rs1", "Retained secret of the last call", G_TYPE_BYTES, flags));
  /**
   * GstZrtpRecord:rs2:
   *
   * The one before it, 32 octets: how two ends that stored different calls find together again.
   */
  g_object_class_install_property (klass, PROP_RS2,
      g_param_spec_boxed ("rs2", "rs2", "Retained secret of the call before", G_TYPE_BYTES, flags));
  /**
   * GstZrtpRecord:sas-verified:
   *
   * The user compared the SAS with this peer (§7.1), in the call that rs1 comes from or in one before it
   * that it continues.
   */
  g_object_class_install_property (klass, PROP_SAS_VERIFIED,
      g_param_spec_boolean (
          "sas-verified", "SAS verified", "The SAS was compared by voice", FALSE, flags));
  /**
   * GstZrtpRecord:rs2-verified:
   *
   * The same of rs2: the flag belongs to the secret that it was set for.
   */
  g_object_class_install_property (klass, PROP_RS2_VERIFIED,
      g_param_spec_boolean (
          "rs2-verified", "rs2 verified", "The SAS was compared when rs2 was rs1", FALSE, flags));
  /**
   * GstZrtpRecord:expires:
   *
   * Seconds since 1970 when the secrets may be deleted; the largest number means never (§4.9).
   */
  g_object_class_install_property (klass, PROP_EXPIRES,
      g_param_spec_int64 ("expires", "Expires", "When the secrets may be deleted, Unix time", 0,
          G_MAXINT64, G_MAXINT64, flags));
  /**
   * GstZrtpRecord:pbx-secret:
   *
   * pbxsecret, 32 octets: this peer is a PBX that the user enrolled with, or, at a PBX, a phone that did
   * (RFC 6189 §7.3.1). It does not expire.
   */
  g_object_class_install_property (klass, PROP_PBX_SECRET,
      g_param_spec_boxed ("pbx-secret", "PBX secret", "Trusted MiTM key", G_TYPE_BYTES, flags));
  /**
   * GstZrtpRecord:preshared-calls:
   *
   * How many calls in Preshared mode there were since the last Diffie-Hellman exchange (§4.4.2).
   */
  g_object_class_install_property (klass, PROP_PRESHARED_CALLS,
      g_param_spec_uint ("preshared-calls", "Preshared calls",
          "Calls in Preshared mode since the last DH exchange", 0, G_MAXUINT8, 0, flags));
}

static void
install_history (GObjectClass *klass, GParamFlags flags)
{
  /**
   * GstZrtpRecord:first-seen:
   *
   * When the first call with this peer was stored, seconds since 1970.
   */
  g_object_class_install_property (klass, PROP_FIRST_SEEN,
      g_param_spec_int64 ("first-seen", "First seen", "When the first call was, Unix time", 0,
          G_MAXINT64, 0, flags));
  /**
   * GstZrtpRecord:last-seen:
   *
   * When the last one was.
   */
  g_object_class_install_property (klass, PROP_LAST_SEEN,
      g_param_spec_int64 (
          "last-seen", "Last seen", "When the last call was, Unix time", 0, G_MAXINT64, 0, flags));
  /**
   * GstZrtpRecord:calls:
   *
   * How many calls left a secret here.
   */
  g_object_class_install_property (klass, PROP_CALLS,
      g_param_spec_uint64 (
          "calls", "Calls", "How many calls there were", 0, G_MAXUINT64, 0, flags));
  /**
   * GstZrtpRecord:algorithms:
   *
   * What the last call ran on: key agreement, hash, cipher, authentication tag and SAS type, with spaces between
   * them ("X255 S256 AES1 GCM B32").
   */
  g_object_class_install_property (klass, PROP_ALGORITHMS,
      g_param_spec_string ("algorithms", "Algorithms", "What the last call ran on", "", flags));
}

static void
gst_zrtp_record_class_init (GstZrtpRecordClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

  object_class->set_property = gst_zrtp_record_set_property;
  object_class->get_property = gst_zrtp_record_get_property;
  object_class->finalize = gst_zrtp_record_finalize;
  install_identity (object_class, flags);
  install_secrets (object_class, flags);
  install_history (object_class, flags);
}

static void
gst_zrtp_record_init (GstZrtpRecord *self)
{
  self->expires = G_MAXINT64;
  self->local_uri = g_strdup ("");
  self->peer_uri = g_strdup ("");
  self->name = g_strdup ("");
  self->algorithms = g_strdup ("");
}

/**
 * gst_zrtp_record_new:
 *
 * Returns: (transfer full): a record about nobody, without secrets.
 */
GstZrtpRecord *
gst_zrtp_record_new (void)
{
  return g_object_new (GST_TYPE_ZRTP_RECORD, NULL);
}

/**
 * gst_zrtp_record_copy:
 * @record: a record.
 *
 * Returns: (transfer full): another one with the same content.
 */
GstZrtpRecord *
gst_zrtp_record_copy (GstZrtpRecord *record)
{
  GstZrtpRecord *copy;

  g_return_val_if_fail (GST_IS_ZRTP_RECORD (record), NULL);

  copy = gst_zrtp_record_new ();
  memcpy (copy->zid, record->zid, sizeof copy->zid);
  memcpy (copy->peer_zid, record->peer_zid, sizeof copy->peer_zid);
  gst_zrtp_record_set_string (&copy->local_uri, record->local_uri);
  gst_zrtp_record_set_string (&copy->peer_uri, record->peer_uri);
  gst_zrtp_record_set_string (&copy->name, record->name);
  copy->rs1 = record->rs1;
  copy->rs2 = record->rs2;
  copy->pbx_secret = record->pbx_secret;
  copy->expires = record->expires;
  copy->preshared_calls = record->preshared_calls;
  copy->first_seen = record->first_seen;
  copy->last_seen = record->last_seen;
  copy->calls = record->calls;
  gst_zrtp_record_set_string (&copy->algorithms, record->algorithms);
  return copy;
}

/* --- For the library ------------------------------------------------------------------------------- */

gint64
gst_zrtp_unix_now (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

void
gst_zrtp_record_get (GstZrtpRecord *record, ZrtpRecord *out)
{
  const gint64 left = record->expires - gst_zrtp_unix_now ();

  *out = (ZrtpRecord){
      .has_rs1 = record->rs1.is_set,
      .has_rs2 = record->rs2.is_set,
      .has_pbx = record->pbx_secret.is_set,
      .sas_verified = record->rs1.is_set && record->rs1.verified,
      .rs2_verified = record->rs2.is_set && record->rs2.verified,
      /* "0xffffffff means the secret should be cached indefinitely", §4.9 */
      .expiry = (guint32) CLAMP (left, 0, G_MAXUINT32),
      .preshared_calls = (guint8) record->preshared_calls,
  };
  memcpy (out->rs1, record->rs1.octets, sizeof out->rs1);
  memcpy (out->rs2, record->rs2.octets, sizeof out->rs2);
  memcpy (out->pbx, record->pbx_secret.octets, sizeof out->pbx);
}

gboolean
gst_zrtp_record_is_about (GstZrtpRecord *record, const gchar *local_uri, const gchar *peer_uri)
{
  return g_str_equal (record->local_uri, local_uri) && g_str_equal (record->peer_uri, peer_uri);
}

GstZrtpRecord *
gst_zrtp_record_find (GList *records, const gchar *local_uri, const gchar *peer_uri)
{
  for (GList *l = records; l; l = l->next)
    if (gst_zrtp_record_is_about (l->data, local_uri, peer_uri))
      return l->data;
  return NULL;
}

static gboolean
has_secrets (GstZrtpRecord *record)
{
  return record && (record->rs1.is_set || record->rs2.is_set);
}

GstZrtpRecord *
gst_zrtp_record_find_expected (GList *records, const gchar *local_uri, const gchar *peer_uri)
{
  GstZrtpRecord *record = gst_zrtp_record_find (records, local_uri, peer_uri);

  if (!has_secrets (record))
    record = gst_zrtp_record_find (records, local_uri, "");
  if (!has_secrets (record))
    record = gst_zrtp_record_find (records, "", "");
  return has_secrets (record) ? record : NULL;
}

gboolean
gst_zrtp_record_is_worth (GstZrtpRecord *record)
{
  const gboolean fresh = record->expires > gst_zrtp_unix_now ();

  return (fresh && (record->rs1.is_set || record->rs2.is_set)) || record->pbx_secret.is_set;
}

gboolean
gst_zrtp_secret_is (const GstZrtpSecret *secret, const guint8 octets[ZRTP_RS_SIZE])
{
  return secret->is_set && zrtp_equal (secret->octets, octets, ZRTP_RS_SIZE);
}

GstZrtpSecret *
gst_zrtp_record_find_secret (GstZrtpRecord *record, const guint8 octets[ZRTP_RS_SIZE])
{
  if (gst_zrtp_secret_is (&record->rs1, octets))
    return &record->rs1;
  return gst_zrtp_secret_is (&record->rs2, octets) ? &record->rs2 : NULL;
}

gint
gst_zrtp_record_compare (gconstpointer a, gconstpointer b)
{
  const GstZrtpRecord *one = a, *other = b;
  gint order = memcmp (one->zid, other->zid, sizeof one->zid);

  if (order == 0)
    order = memcmp (one->peer_zid, other->peer_zid, sizeof one->peer_zid);
  if (order == 0)
    order = strcmp (one->local_uri, other->local_uri);
  return order ? order : strcmp (one->peer_uri, other->peer_uri);
}

static gboolean
same_secret (const GstZrtpSecret *a, const GstZrtpSecret *b)
{
  return a->is_set == b->is_set && a->verified == b->verified &&
         zrtp_equal (a->octets, b->octets, sizeof a->octets);
}

gboolean
gst_zrtp_record_equal (GstZrtpRecord *a, GstZrtpRecord *b)
{
  return memcmp (a->zid, b->zid, sizeof a->zid) == 0 &&
         memcmp (a->peer_zid, b->peer_zid, sizeof a->peer_zid) == 0 &&
         gst_zrtp_record_is_about (a, b->local_uri, b->peer_uri) &&
         g_str_equal (a->name, b->name) && same_secret (&a->rs1, &b->rs1) &&
         same_secret (&a->rs2, &b->rs2) && same_secret (&a->pbx_secret, &b->pbx_secret) &&
         a->expires == b->expires && a->preshared_calls == b->preshared_calls &&
         a->first_seen == b->first_seen && a->last_seen == b->last_seen && a->calls == b->calls &&
         g_str_equal (a->algorithms, b->algorithms);
}
