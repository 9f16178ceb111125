/* What happens to the records of a peer, as a difference.
 *
 * Between the moment when a call looks a record up and the moment when it stores a new secret, another call,
 * another process or a user may have changed the record. So a call does not write what it thinks the
 * record should be; it says what it did, and that is done to the record as it is then, inside the cache's
 * transaction. The same for what users do.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/zrtp/record-private.h"
#include "gst/zrtp/zrtp-private.h"

#include <string.h>

typedef enum {
  CHANGE_CALL,
  CHANGE_PUT,
  CHANGE_RENAME,
  CHANGE_VERIFY,
  CHANGE_FORGET,
  CHANGE_EXPIRE,
} ChangeKind;

/**
 * GstZrtpChange:
 *
 * Something that happened to what is known of a peer: a call, or a user's wish. A cache applies it to the
 * records of the peer, see gst_zrtp_change_apply().
 */
struct _GstZrtpChange {
  GObject parent;

  ChangeKind kind;
  guint8 zid[ZRTP_ZID_SIZE], peer_zid[ZRTP_ZID_SIZE];
  gchar *local_uri, *peer_uri, *name; /* name may be NULL */
  gint64 now;
  gboolean verified;
  ZrtpStore store;       /* CALL */
  GstZrtpRecord *record; /* PUT */
};

G_DEFINE_FINAL_TYPE (GstZrtpChange, gst_zrtp_change, G_TYPE_OBJECT)

static void
gst_zrtp_change_finalize (GObject *object)
{
  GstZrtpChange *self = GST_ZRTP_CHANGE (object);

  zrtp_wipe (&self->store, sizeof self->store);
  g_free (self->local_uri);
  g_free (self->peer_uri);
  g_free (self->name);
  g_clear_object (&self->record);
  G_OBJECT_CLASS (gst_zrtp_change_parent_class)->finalize (object);
}

static void
gst_zrtp_change_class_init (GstZrtpChangeClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = gst_zrtp_change_finalize;
}

static void
gst_zrtp_change_init (GstZrtpChange *self)
{
  self->now = gst_zrtp_unix_now ();
}

static GstZrtpChange *
change_new (ChangeKind kind, const gchar *local_uri, const gchar *peer_uri)
{
  GstZrtpChange *self = g_object_new (GST_TYPE_ZRTP_CHANGE, NULL);

  self->kind = kind;
  self->local_uri = g_strdup (local_uri ? local_uri : "");
  self->peer_uri = g_strdup (peer_uri ? peer_uri : "");
  return self;
}

GstZrtpChange *
gst_zrtp_change_new_call (
    const gchar *local_uri, const gchar *peer_uri, const gchar *name, const ZrtpStore *store)
{
  GstZrtpChange *self = change_new (CHANGE_CALL, local_uri, peer_uri);

  self->name = g_strdup (name);
  self->store = *store;
  return self;
}

GstZrtpChange *
gst_zrtp_change_new_put (GstZrtpRecord *record)
{
  GstZrtpChange *self = change_new (CHANGE_PUT, record->local_uri, record->peer_uri);

  self->record = gst_zrtp_record_copy (record);
  return self;
}

GstZrtpChange *
gst_zrtp_change_new_rename (const gchar *local_uri, const gchar *peer_uri, const gchar *name)
{
  GstZrtpChange *self = change_new (CHANGE_RENAME, local_uri, peer_uri);

  self->name = g_strdup (name);
  return self;
}

GstZrtpChange *
gst_zrtp_change_new_verify (const gchar *local_uri, const gchar *peer_uri, gboolean verified)
{
  GstZrtpChange *self = change_new (CHANGE_VERIFY, local_uri, peer_uri);

  self->verified = verified;
  return self;
}

GstZrtpChange *
gst_zrtp_change_new_forget (const gchar *local_uri, const gchar *peer_uri)
{
  return change_new (CHANGE_FORGET, local_uri, peer_uri);
}

GstZrtpChange *
gst_zrtp_change_new_expire (void)
{
  return change_new (CHANGE_EXPIRE, NULL, NULL);
}

void
gst_zrtp_change_set_zids (GstZrtpChange *self, GBytes *zid, GBytes *peer_zid)
{
  memcpy (self->zid, g_bytes_get_data (zid, NULL), sizeof self->zid);
  memcpy (self->peer_zid, g_bytes_get_data (peer_zid, NULL), sizeof self->peer_zid);
}

/* --- Secrets --------------------------------------------------------------------------------------- */

static gboolean
is_secret (const GstZrtpSecret *secret, const guint8 octets[ZRTP_RS_SIZE])
{
  return secret->is_set && zrtp_equal (secret->octets, octets, ZRTP_RS_SIZE);
}

static GstZrtpSecret
make_secret (gboolean is_set, const guint8 octets[ZRTP_RS_SIZE], gboolean verified)
{
  GstZrtpSecret secret = {.is_set = is_set, .verified = is_set && verified};

  if (is_set)
    memcpy (secret.octets, octets, ZRTP_RS_SIZE);
  return secret;
}

static void
put_secret (GstZrtpSecret *place, GstZrtpSecret secret)
{
  *place = secret;
  zrtp_wipe (&secret, sizeof secret);
}

/* The place of the record that has it, or NULL. */
static GstZrtpSecret *
find_secret (GstZrtpRecord *record, const guint8 octets[ZRTP_RS_SIZE])
{
  if (is_secret (&record->rs1, octets))
    return &record->rs1;
  return is_secret (&record->rs2, octets) ? &record->rs2 : NULL;
}

static void
drop_secret (GstZrtpRecord *record, const guint8 octets[ZRTP_RS_SIZE])
{
  GstZrtpSecret *place = find_secret (record, octets);

  if (!place)
    return;
  if (place == &record->rs1)
    record->rs1 = record->rs2;
  zrtp_wipe (&record->rs2, sizeof record->rs2);
}

static void
clear_flags (GstZrtpRecord *record)
{
  record->rs1.verified = record->rs2.verified = FALSE;
}

/* §12, §4.9 of the bis draft: the flag says that this is the person of that name. The first name that somebody
 * gets changes nothing. */
static void
set_name (GstZrtpRecord *record, const gchar *name)
{
  if (!name || g_str_equal (record->name, name))
    return;
  if (*record->name)
    clear_flags (record);
  gst_zrtp_record_set_string (&record->name, name);
}

/* --- Calls ------------------------------------------------------------------------------------------- */

static gboolean
same_rs1 (const ZrtpRecord *a, const ZrtpRecord *b)
{
  return a->has_rs1 == b->has_rs1 && (!a->has_rs1 || zrtp_equal (a->rs1, b->rs1, sizeof a->rs1));
}

static gboolean
has_new_secret (const ZrtpStore *store)
{
  return !store->erase && store->after.has_rs1 && !same_rs1 (&store->before, &store->after);
}

/* The call looked at this record, and nobody changed its rs1 since. */
static gboolean
is_as_before (GstZrtpRecord *record, const ZrtpRecord *before)
{
  return record->rs1.is_set ? before->has_rs1 && is_secret (&record->rs1, before->rs1)
                            : !before->has_rs1;
}

/* What the call took for verified when it began. */
static gboolean
was_verified (const ZrtpStore *store)
{
  const ZrtpRecord *before = &store->before;

  if (!store->has_matched)
    return FALSE;
  if (before->has_rs1 && zrtp_equal (before->rs1, store->matched, ZRTP_RS_SIZE))
    return before->sas_verified;
  return before->has_rs2 && before->rs2_verified;
}

/* The user compared the SAS in this call; or the secret continues one that is verified still: somebody may have taken
 * that back meanwhile, in this record or by forgetting it. */
static gboolean
is_verified (GstZrtpRecord *record, const ZrtpStore *store)
{
  const GstZrtpSecret *continued;

  if (!store->after.sas_verified || !was_verified (store))
    return store->after.sas_verified;
  continued = find_secret (record, store->matched);
  return continued ? continued->verified : record->rs1.is_set && record->rs1.verified;
}

static gchar *
describe (const ZrtpChoice *choice)
{
  const ZrtpType *type = choice->type;

  return g_strjoin (" ", gst_zrtp_type_name (type[ZRTP_KEY_AGREEMENT]),
      gst_zrtp_type_name (type[ZRTP_HASH]), gst_zrtp_type_name (type[ZRTP_CIPHER]),
      gst_zrtp_type_name (type[ZRTP_AUTH_TAG]), gst_zrtp_type_name (type[ZRTP_SAS]), NULL);
}

static void
set_expiry (GstZrtpRecord *record, guint32 expiry, gint64 now)
{
  record->expires = expiry == G_MAXUINT32 ? G_MAXINT64 : now + expiry;
}

/* The record of the call itself gets the new secret (§4.6.1). What the engine has for rs2 is the last secret that
 * both ends are known to have had. Where it has none, but another call that began when this one did has
 * stored one, that one goes there. */
static void
take_secrets (GstZrtpChange *self, GstZrtpRecord *record)
{
  const ZrtpStore *store = &self->store;
  const ZrtpRecord *after = &store->after;
  const gboolean verified = is_verified (record, store);
  const GstZrtpSecret *kept = after->has_rs2 ? find_secret (record, after->rs2) : NULL;
  GstZrtpSecret rs2 = make_secret (
      after->has_rs2, after->rs2, kept ? kept->verified : after->rs2_verified && verified);

  if (!after->has_rs2 && !is_as_before (record, &store->before))
    rs2 = record->rs1;
  put_secret (&record->rs1, make_secret (TRUE, after->rs1, verified));
  put_secret (&record->rs2, rs2);
  zrtp_wipe (&rs2, sizeof rs2);
  record->preshared_calls = after->preshared_calls;
  record->last_seen = self->now;
  record->calls++;
  g_free (record->algorithms);
  record->algorithms = describe (&store->choice);
}

/* Another record of the same two ZIDs, of a call under another URI, that has the secret which matched: the peer is
 * the same endpoint and may know us by one record only, so its secrets go on too. Whether it is verified
 * is its own affair. */
static void
follow (GstZrtpChange *self, GstZrtpRecord *record)
{
  const ZrtpStore *store = &self->store;
  GstZrtpSecret *matched = store->has_matched ? find_secret (record, store->matched) : NULL;
  GstZrtpSecret continued;

  if (!matched)
    return;
  continued = *matched;
  /* "The old rs1 value is not saved in Preshared mode." */
  if (store->after.preshared_calls == 0)
    put_secret (&record->rs2, continued);
  put_secret (&record->rs1, make_secret (TRUE, store->after.rs1, continued.verified));
  record->preshared_calls = store->after.preshared_calls;
  set_expiry (record, store->after.expiry, self->now);
  zrtp_wipe (&continued, sizeof continued);
}

/* The user compared the SAS of the secret that is rs1 for this call. Another call may have stored another one
 * meanwhile: that one was not compared, so the verified one goes before it. */
static void
verify_secret (GstZrtpRecord *record, const guint8 octets[ZRTP_RS_SIZE])
{
  if (!is_secret (&record->rs1, octets)) {
    if (record->rs1.is_set)
      record->rs2 = record->rs1;
    put_secret (&record->rs1, make_secret (TRUE, octets, TRUE));
  }
  record->rs1.verified = TRUE;
}

/* "clearing the SAS Verified flag, and erase the cached shared secret from this session", §7.1 */
static void
erase_secret (GstZrtpRecord *record, const ZrtpStore *store, gboolean is_own)
{
  const ZrtpRecord *before = &store->before, *after = &store->after;
  const gboolean stored = before->has_rs1 && !same_rs1 (before, after);

  if (stored && is_own && is_as_before (record, before)) {
    put_secret (&record->rs1, make_secret (after->has_rs1, after->rs1, FALSE));
    put_secret (&record->rs2, make_secret (after->has_rs2, after->rs2, FALSE));
  } else if (stored) {
    drop_secret (record, before->rs1);
  }
  clear_flags (record);
}

static GstZrtpRecord *
find (GstZrtpChange *self, GList *records)
{
  for (GList *l = records; l; l = l->next)
    if (gst_zrtp_record_is_about (l->data, self->local_uri, self->peer_uri))
      return l->data;
  return NULL;
}

static GstZrtpRecord *
find_or_add (GstZrtpChange *self, GList **records)
{
  GstZrtpRecord *record = find (self, *records);

  if (record)
    return record;
  record = gst_zrtp_record_new ();
  memcpy (record->zid, self->zid, sizeof record->zid);
  memcpy (record->peer_zid, self->peer_zid, sizeof record->peer_zid);
  gst_zrtp_record_set_string (&record->local_uri, self->local_uri);
  gst_zrtp_record_set_string (&record->peer_uri, self->peer_uri);
  record->first_seen = record->last_seen = self->now;
  *records = g_list_append (*records, record);
  return record;
}

static gboolean
has_new_pbx_secret (const ZrtpStore *store)
{
  const ZrtpRecord *before = &store->before, *after = &store->after;

  return after->has_pbx &&
         (!before->has_pbx || !zrtp_equal (before->pbx, after->pbx, sizeof after->pbx));
}

static void
apply_to_own (GstZrtpChange *self, GList **records)
{
  const ZrtpStore *store = &self->store;
  const gboolean verified = store->after.sas_verified && !store->before.sas_verified;
  GstZrtpRecord *record = find (self, *records);

  if (has_new_secret (store) || verified || has_new_pbx_secret (store))
    record = find_or_add (self, records);
  if (!record)
    return;
  set_name (record, self->name && *self->name ? self->name : NULL);
  if (has_new_secret (store))
    take_secrets (self, record);
  else if (verified && store->after.has_rs1)
    verify_secret (record, store->after.rs1);
  if (has_new_pbx_secret (store))
    put_secret (&record->pbx_secret, make_secret (TRUE, store->after.pbx, FALSE));
  if (has_new_secret (store) || store->after.expiry != store->before.expiry)
    set_expiry (record, store->after.expiry, self->now);
}

static void
apply_call (GstZrtpChange *self, GList **records)
{
  const GstZrtpRecord *own = find (self, *records);

  for (GList *l = *records; l; l = l->next)
    if (self->store.erase)
      erase_secret (l->data, &self->store, l->data == own);
    else if (has_new_secret (&self->store) && l->data != own)
      follow (self, l->data);
  if (!self->store.erase)
    apply_to_own (self, records);
}

/* --- Users ----------------------------------------------------------------------------------------------- */

static void
remove_record (GList **records, GstZrtpRecord *record)
{
  if (!record)
    return;
  *records = g_list_remove (*records, record);
  g_object_unref (record);
}

static void
apply_wish (GstZrtpChange *self, GList **records)
{
  GstZrtpRecord *record = find (self, *records);

  if (self->kind == CHANGE_PUT) {
    remove_record (records, record);
    *records = g_list_append (*records, gst_zrtp_record_copy (self->record));
  } else if (!record) {
    return;
  } else if (self->kind == CHANGE_RENAME) {
    set_name (record, self->name);
  } else if (self->kind == CHANGE_VERIFY) {
    clear_flags (record);
    record->rs1.verified = self->verified && record->rs1.is_set;
  } else if (self->kind == CHANGE_FORGET) {
    remove_record (records, record);
  }
}

/* --- All -------------------------------------------------------------------------------------------------- */

static GList *
drop_worthless (GList *records, gint64 now)
{
  for (GList *l = records, *next; l; l = next) {
    GstZrtpRecord *record = l->data;

    next = l->next;
    if (record->expires <= now) {
      zrtp_wipe (&record->rs1, sizeof record->rs1);
      zrtp_wipe (&record->rs2, sizeof record->rs2);
    }
    if (!gst_zrtp_record_is_worth (record))
      remove_record (&records, record);
  }
  return records;
}

static gpointer
copy_record (gconstpointer record, gpointer user_data)
{
  return gst_zrtp_record_copy (GST_ZRTP_RECORD ((gpointer) record));
}

/**
 * gst_zrtp_change_apply:
 * @change: what happened.
 * @records: (element-type GstZrtpRecord) (nullable): all records of the pair of ZIDs that gst_zrtp_cache_update() named.
 *
 * For those who write a #GstZrtpCache. Records whose secrets have expired are not among the result.
 *
 * Returns: (transfer full) (element-type GstZrtpRecord): the records as they are from now on, in place of @records.
 */
GList *
gst_zrtp_change_apply (GstZrtpChange *self, GList *records)
{
  GList *after;

  g_return_val_if_fail (GST_IS_ZRTP_CHANGE (self), NULL);

  after = g_list_copy_deep (records, copy_record, NULL);
  if (self->kind == CHANGE_CALL)
    apply_call (self, &after);
  else
    apply_wish (self, &after);
  return drop_worthless (after, self->now);
}
