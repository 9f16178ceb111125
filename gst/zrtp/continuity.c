/* Key continuity: what a call has to do with its cache.
 *
 * A call has one cache from its first Hello to its end, or none, when that cannot be used: then the call is cacheless
 * (RFC 6189 §4.9.1), the user is warned, and nothing in the cache is changed.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/zrtp/zrtp-private.h"

#include <string.h>

/* --- The cache of a call ----------------------------------------------------------------------------- */

/* What the session's settings say, read with the lock held, used without. */
typedef struct {
  GstZrtpCache *cache;
  gchar *location;
  GBytes *key;
  gchar *local_uri, *peer_uri; /* as the scope of the ZID has them; NULL = for all */
} Settings;

static void
read_settings (GstZrtpSession *session, Settings *settings)
{
  GstZrtpZidScope scope;

  gst_zrtp_session_lock (session);
  scope = session->zid_scope;
  *settings = (Settings){
      .cache = session->cache ? g_object_ref (session->cache) : NULL,
      .location = g_strdup (session->cache_location),
      .key = session->cache_key ? g_bytes_ref (session->cache_key) : NULL,
      .local_uri = scope == GST_ZRTP_ZID_SCOPE_CACHE ? NULL : g_strdup (session->local_uri),
      .peer_uri = scope == GST_ZRTP_ZID_SCOPE_PEER ? g_strdup (session->peer_uri) : NULL,
  };
  gst_zrtp_session_unlock (session);
}

static void
settings_clear (Settings *settings)
{
  g_clear_object (&settings->cache);
  g_clear_pointer (&settings->key, g_bytes_unref);
  g_free (settings->location);
  g_free (settings->local_uri);
  g_free (settings->peer_uri);
}

static void
call_cache_open (GstZrtpCallCache *self, const Settings *settings)
{
  self->cache = settings->cache
                    ? g_object_ref (settings->cache)
                    : gst_zrtp_cache_open (settings->location, settings->key, &self->error);
  if (self->cache)
    self->zid =
        gst_zrtp_cache_get_zid (self->cache, settings->local_uri, settings->peer_uri, &self->error);
}

gboolean
gst_zrtp_call_cache_find (GstZrtpCallCache *self, GstZrtpSession *session)
{
  Settings settings;

  *self = (GstZrtpCallCache){NULL};
  read_settings (session, &settings);
  call_cache_open (self, &settings);
  settings_clear (&settings);
  if (self->cache && !self->error)
    return TRUE;
  g_clear_object (&self->cache);
  g_clear_pointer (&self->zid, g_bytes_unref);
  /* "the ZID would not be required to maintain the same value across separate SIP sessions", §4.9.1 */
  self->zid = gst_zrtp_random_zid (self->error ? NULL : &self->error);
  return self->zid != NULL;
}

void
gst_zrtp_call_cache_clear (GstZrtpCallCache *self)
{
  g_clear_object (&self->cache);
  g_clear_pointer (&self->zid, g_bytes_unref);
  g_clear_error (&self->error);
  g_clear_pointer (&self->local_uri, g_free);
  g_clear_pointer (&self->peer_uri, g_free);
  g_clear_pointer (&self->name, g_free);
  g_clear_pointer (&self->known_as.who, g_free);
}

static void
warn (GstZrtpSession *session, GstZrtpStream *stream, GError *error)
{
  gchar *text = g_strdup_printf (
      "the cache cannot be used, this call goes on without it: %s", error->message);

  GST_WARNING_OBJECT (session, "%s", text);
  gst_zrtp_session_warn (session, stream, GST_ZRTP_WARNING_CACHE, text);
  g_free (text);
  g_error_free (error);
}

void
gst_zrtp_session_tell_cache_error (GstZrtpSession *session, GstZrtpStream *stream)
{
  GError *error;

  gst_zrtp_session_lock (session);
  error = g_steal_pointer (&session->kept.error);
  gst_zrtp_session_unlock (session);
  if (error)
    warn (session, stream, error);
}

/* --- Looking up ---------------------------------------------------------------------------------------- */

/* What a call needs of the session, read at once. */
typedef struct {
  GstZrtpCache *cache;
  GBytes *zid;
  gchar *local_uri, *peer_uri, *peer_name;
} Party;

/* Lock held. Who speaks with whom does not change during a call: what is set later is for the next one. */
static void
settle_uris (GstZrtpSession *session)
{
  GstZrtpCallCache *kept = &session->kept;

  if (kept->peer_uri)
    return;
  kept->local_uri = g_strdup (session->local_uri ? session->local_uri : "");
  kept->peer_uri = g_strdup (session->peer_uri ? session->peer_uri : "");
}

static void
read_party (GstZrtpSession *session, Party *party)
{
  const GstZrtpCallCache *kept = &session->kept;

  gst_zrtp_session_lock (session);
  settle_uris (session);
  *party = (Party){
      .cache = kept->cache ? g_object_ref (kept->cache) : NULL,
      .zid = kept->zid ? g_bytes_ref (kept->zid) : NULL,
      .local_uri = g_strdup (kept->local_uri),
      .peer_uri = g_strdup (kept->peer_uri),
      .peer_name = g_strdup (session->peer_name ? session->peer_name : ""),
  };
  gst_zrtp_session_unlock (session);
}

static void
party_clear (Party *party)
{
  g_clear_object (&party->cache);
  g_clear_pointer (&party->zid, g_bytes_unref);
  g_free (party->local_uri);
  g_free (party->peer_uri);
  g_free (party->peer_name);
}

static gboolean
is_better (GstZrtpRecord *record, GstZrtpRecord *than)
{
  if (!than || record->rs1.verified != than->rs1.verified)
    return !than || record->rs1.verified;
  return record->last_seen > than->last_seen;
}

/* The same device under another URI: a verified one before others, then the latest. */
static GstZrtpRecord *
find_other (const Party *party, GList *records)
{
  GstZrtpRecord *found = NULL;

  for (GList *l = records; l; l = l->next) {
    GstZrtpRecord *record = l->data;

    if (!gst_zrtp_record_is_about (record, party->local_uri, party->peer_uri) &&
        record->rs1.is_set && is_better (record, found))
      found = record;
  }
  return found;
}

static void
get_pbx_secret (GstZrtpRecord *record, ZrtpRecord *out)
{
  const GstZrtpSecret *secret = &record->pbx_secret;

  out->has_pbx = secret->is_set;
  memcpy (out->pbx, secret->octets, sizeof out->pbx);
}

static GstZrtpRecord *
oldest_with_pbx_secret (GList *records)
{
  GstZrtpRecord *found = NULL;

  for (GList *l = records; l; l = l->next) {
    GstZrtpRecord *record = l->data;

    if (record->pbx_secret.is_set && (!found || record->first_seen < found->first_seen))
      found = record;
  }
  return found;
}

/* pbxsecret is about the device: a PBX stands behind many URIs. But it may be another that only says so: what the user
 * has agreed to under this URI goes before, and then what was there first. */
static void
find_pbx_secret (GList *records, GstZrtpRecord *own, GstZrtpRecord *used, ZrtpRecord *out)
{
  GstZrtpRecord *record = own && own->pbx_secret.is_set     ? own
                          : used && used->pbx_secret.is_set ? used
                                                            : oldest_with_pbx_secret (records);

  if (record)
    get_pbx_secret (record, out);
}

static gchar *
describe_other (GstZrtpRecord *other)
{
  const gchar *who = *other->name ? other->name : *other->peer_uri ? other->peer_uri : "no name";

  return g_strdup_printf ("%s%s%s%s%s%s", who, *other->name && *other->peer_uri ? " <" : "",
      *other->name ? other->peer_uri : "", *other->name && *other->peer_uri ? ">" : "",
      *other->local_uri ? ", as " : "", other->local_uri);
}

static void
tell_other (GstZrtpRecord *other, const ZrtpRecord *secrets, GstZrtpOther *out)
{
  out->who = describe_other (other);
  out->has[ZRTP_S1_RS1] = secrets->has_rs1 && gst_zrtp_record_find_secret (other, secrets->rs1);
  out->has[ZRTP_S1_RS2] = secrets->has_rs2 && gst_zrtp_record_find_secret (other, secrets->rs2);
}

/* The record of exactly this peer. Or one from the time before the application gave URIs: its secret is expected, but is
 * not verified under this one. Or the secrets of the same ZID under another URI. Those can match, so that nobody gets a
 * false alarm; but their peer need not be whom the URI names, so nothing is verified, and nobody is alarmed when they do
 * not match (their time counts as over). */
static void
choose (const Party *party, GList *records, ZrtpRecord *out, gchar **name, GstZrtpOther *known_as)
{
  GstZrtpRecord *own = gst_zrtp_record_find (records, party->local_uri, party->peer_uri);
  GstZrtpRecord *expected =
      gst_zrtp_record_find_expected (records, party->local_uri, party->peer_uri);
  GstZrtpRecord *other = find_other (party, records), *used = expected ? expected : other;

  *out = (ZrtpRecord){0};
  if (used)
    gst_zrtp_record_get (used, out);
  if (!expected)
    out->expiry = 0;
  if (used != own)
    out->sas_verified = out->rs2_verified = false;
  else if (used)
    *name = g_strdup (own->name);
  /* the user calls somebody else by this URI now */
  if (used == own && used && *party->peer_name && *own->name &&
      !g_str_equal (party->peer_name, own->name))
    out->sas_verified = out->rs2_verified = false;
  if (other && !out->sas_verified)
    tell_other (other, out, known_as);
  find_pbx_secret (records, own, used, out);
}

static void
look_up (const Party *party, const guint8 peer_zid[ZRTP_ZID_SIZE], ZrtpRecord *out, gchar **name,
    GstZrtpOther *known_as, GError **error)
{
  GBytes *zid = g_bytes_new (peer_zid, ZRTP_ZID_SIZE);
  GList *records = NULL;

  gst_zrtp_cache_lookup (party->cache, party->zid, zid, &records, error);
  choose (party, records, out, name, known_as);
  g_list_free_full (records, g_object_unref);
  g_bytes_unref (zid);
}

gboolean
gst_zrtp_session_look_up (GstZrtpSession *session, GstZrtpStream *stream,
    const guint8 peer_zid[ZRTP_ZID_SIZE], ZrtpRecord *record)
{
  GstZrtpOther known_as = {NULL};
  gchar *name = NULL;
  GError *error = NULL;
  gboolean ok;
  Party party;

  *record = (ZrtpRecord){0};
  read_party (session, &party);
  if (party.cache)
    look_up (&party, peer_zid, record, &name, &known_as, &error);
  party_clear (&party);
  ok = error == NULL;

  gst_zrtp_session_lock (session);
  g_free (session->kept.name);
  g_free (session->kept.known_as.who);
  session->kept.name = name;
  session->kept.known_as = known_as;
  gst_zrtp_session_unlock (session);
  if (error)
    warn (session, stream, error);
  return ok;
}

/* --- Storing ---------------------------------------------------------------------------------------------- */

static gboolean
update (
    const Party *party, const guint8 peer_zid[ZRTP_ZID_SIZE], GstZrtpChange *change, GError **error)
{
  GBytes *zid = g_bytes_new (peer_zid, ZRTP_ZID_SIZE);
  gboolean ok = gst_zrtp_cache_update (party->cache, party->zid, zid, change, error);

  g_bytes_unref (zid);
  return ok;
}

/* What the record is called now. */
static void
note_name (GstZrtpSession *session, const gchar *name)
{
  if (!*name)
    return;
  gst_zrtp_session_lock (session);
  g_free (session->kept.name);
  session->kept.name = g_strdup (name);
  gst_zrtp_session_unlock (session);
}

void
gst_zrtp_session_store (GstZrtpSession *session, GstZrtpStream *stream,
    const guint8 peer_zid[ZRTP_ZID_SIZE], const ZrtpStore *store)
{
  GError *error = NULL;
  GstZrtpChange *change;
  Party party;

  read_party (session, &party);
  if (party.cache) {
    change = gst_zrtp_change_new_call (party.local_uri, party.peer_uri, party.peer_name, store);
    if (update (&party, peer_zid, change, &error))
      note_name (session, party.peer_name);
    g_object_unref (change);
  }
  party_clear (&party);
  if (error)
    warn (session, stream, error);
}

/* --- Names -------------------------------------------------------------------------------------------------- */

void
gst_zrtp_session_rename_peer (GstZrtpSession *session)
{
  GstZrtpStream *stream = gst_zrtp_session_first_stream (session);
  gboolean another = FALSE, known;
  GError *error = NULL;
  ZrtpSecureInfo info;
  Party party;

  read_party (session, &party);
  gst_zrtp_session_lock (session);
  known = stream && party.cache && session->sas && *party.peer_name &&
          g_strcmp0 (session->kept.name, party.peer_name) != 0;
  if (known) {
    another = session->kept.name && *session->kept.name && session->sas_verified;
    g_free (session->kept.name);
    session->kept.name = g_strdup (party.peer_name);
    session->sas_verified = session->sas_verified && !another;
  }
  gst_zrtp_session_unlock (session);

  if (known) {
    GstZrtpChange *change =
        gst_zrtp_change_new_rename (party.local_uri, party.peer_uri, party.peer_name);

    info = gst_zrtp_stream_get_info (stream);
    if (!update (&party, info.peer_zid, change, &error))
      warn (session, stream, error);
    g_object_unref (change);
  }
  if (another)
    gst_zrtp_session_sas_was_verified (session, FALSE);
  party_clear (&party);
  gst_clear_object (&stream);
}
