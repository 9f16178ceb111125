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

/* Records of one pair of ZIDs that calls keep. Anybody may call under as many URIs as he likes, and each update reads
 * them all. */
enum {
  MAX_RECORDS = 64
};

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
  GstZrtpRecord *record; /* PUT, VERIFY */
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
  gst_zrtp_record_set_string (&self->local_uri, local_uri);
  gst_zrtp_record_set_string (&self->peer_uri, peer_uri);
  return self;
}

GstZrtpChange *
gst_zrtp_change_new_call (
    const gchar *local_uri, const gchar *peer_uri, const gchar *name, const ZrtpStore *store)
{
  GstZrtpChange *self = change_new (CHANGE_CALL, local_uri, peer_uri);

  self->name = name ? g_utf8_make_valid (name, -1) : NULL;
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

  self->name = name ? g_utf8_make_valid (name, -1) : NULL;
  return self;
}

GstZrtpChange *
gst_zrtp_change_new_verify (GstZrtpRecord *record, gboolean verified)
{
  GstZrtpChange *self = change_new (CHANGE_VERIFY, record->local_uri, record->peer_uri);

  self->record = gst_zrtp_record_copy (record);
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

/* The user has enrolled with the PBX again, or thought better of it, or of who it is. */
static gboolean
puts_pbx_secret_out (const ZrtpStore *store)
{
  return store->before.has_pbx && !zrtp_same_pbxsecret (&store->before, &store->after);
}

gboolean
gst_zrtp_change_is_removal (GstZrtpChange *self)
{
  return self->kind != CHANGE_CALL || self->store.erase || puts_pbx_secret_out (&self->store);
}

/* --- Secrets --------------------------------------------------------------------------------------- */

static GstZrtpSecret
make_secret (gboolean is_set, const guint8 octets[ZRTP_RS_SIZE], gboolean verified)
{
  GstZrtpSecret secret = {.is_set = is_set, .verified = is_set && verified};

  if (is_set)
    memcpy (secret.octets, octets, ZRTP_RS_SIZE);
  return secret;
}

static const GstZrtpSecret no_secret;

static GstZrtpSecret
verified_only (const GstZrtpSecret *secret)
{
  return secret->verified ? *secret : no_secret;
}

static void
put_secret (GstZrtpSecret *place, GstZrtpSecret secret)
{
  *place = secret;
  zrtp_wipe (&secret, sizeof secret);
}

static void
drop_secret (GstZrtpRecord *record, const guint8 octets[ZRTP_RS_SIZE])
{
  GstZrtpSecret *place = gst_zrtp_record_find_secret (record, octets);

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

/* --- Calls -------------------------------------------------------------------------------------------
 *
 * rs1 and rs2 are all that one end can show the other, so what they hold after calls that ran at the same time
 * decides whether the next call finds a common secret. Two rules: a secret that matched, which both ends are known to
 * have had, does not go before its successor is known to be common; and of two calls that continue the same
 * secret the first one is kept. The other end may have kept the other one: then the secret before them is common.
 */

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
  return record->rs1.is_set ? before->has_rs1 && gst_zrtp_secret_is (&record->rs1, before->rs1)
                            : !before->has_rs1;
}

/* It was there already when the call began. */
static gboolean
is_of_before (const GstZrtpSecret *secret, const ZrtpRecord *before)
{
  return (before->has_rs1 && gst_zrtp_secret_is (secret, before->rs1)) ||
         (before->has_rs2 && gst_zrtp_secret_is (secret, before->rs2));
}

/* What the call took for verified when it began. */
static gboolean
was_verified (const ZrtpStore *store)
{
  const ZrtpRecord *before = &store->before;

  if (before->has_rs1 && zrtp_equal (before->rs1, store->matched, ZRTP_RS_SIZE))
    return before->sas_verified;
  return before->has_rs2 && before->rs2_verified;
}

static gboolean
is_preshared (const ZrtpStore *store)
{
  return store->after.preshared_calls > 0;
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

/* The secret of this call in front of `rs2`. The flag says of the secret that it continues what is said of that one
 * now: somebody may have taken it back since the call began. */
static void
put_new_secret (GstZrtpChange *self, GstZrtpRecord *record, gboolean verified, GstZrtpSecret rs2)
{
  put_secret (&record->rs2, rs2);
  put_secret (&record->rs1, make_secret (TRUE, self->store.after.rs1, verified));
  record->preshared_calls = self->store.after.preshared_calls;
  set_expiry (record, self->store.after.expiry, self->now);
  zrtp_wipe (&rs2, sizeof rs2);
}

/* There was no common secret, so what the record has may be another's; it goes on as rs2 only if it is verified. Where
 * another call has stored one since this one began, both are kept: the other end may have them in another order, or one
 * of them only. But not beside a verified one, if this one was not compared: somebody may have begun it before, and
 * have held it back. */
static void
begin_lineage (GstZrtpChange *self, GstZrtpRecord *record)
{
  const ZrtpStore *store = &self->store;
  const gboolean verified = record->rs1.verified || record->rs2.verified;

  if (!record->rs1.is_set || is_as_before (record, &store->before))
    put_new_secret (
        self, record, FALSE, store->after.has_rs2 ? verified_only (&record->rs1) : no_secret);
  else if (!verified || store->compared)
    put_secret (&record->rs2, make_secret (TRUE, store->after.rs1, FALSE));
}

/* The call of two who had a secret in common, and a record that has none: it is new, or the user has removed it during
 * the call. In the first case the secret is in another record, and may be the last common one. */
static void
begin_record (GstZrtpChange *self, GstZrtpRecord *record, gboolean is_kept)
{
  put_new_secret (self, record, FALSE, make_secret (is_kept, self->store.matched, FALSE));
}

/* The record does not have the secret any more that this call continues. If another call that continued an older one put
 * it out, that one did not know yet what is known by now: that both ends have this one. If the user
 * removed it, or the record has gone further, it stays as it is. */
static void
bring_back (GstZrtpChange *self, GstZrtpRecord *record)
{
  const ZrtpStore *store = &self->store;

  if (!is_preshared (store) && !is_of_before (&record->rs1, &store->before) &&
      is_of_before (&record->rs2, &store->before))
    put_secret (&record->rs1,
        make_secret (TRUE, store->matched, record->rs2.verified && was_verified (store)));
}

/* "For DH mode only, ... each party first discards their old rs2 and copies their old rs1 to rs2", §4.6.1: to the secret
 * that matched, which is what rs2 is for. "The old rs1 value is not saved in Preshared mode." */
static void
continue_lineage (GstZrtpChange *self, GstZrtpRecord *record)
{
  const ZrtpStore *store = &self->store;
  const GstZrtpSecret *matched = gst_zrtp_record_find_secret (record, store->matched);
  const gboolean verified = matched && matched->verified && store->after.sas_verified;

  if (!matched)
    bring_back (self, record);
  else if (matched == &record->rs1)
    put_new_secret (self, record, verified, is_preshared (store) ? record->rs2 : record->rs1);
  else if (is_of_before (&record->rs1, &store->before))
    put_new_secret (self, record, verified, record->rs2);
}

static gboolean
has_secret (GList *records, const guint8 octets[ZRTP_RS_SIZE])
{
  for (GList *l = records; l; l = l->next)
    if (gst_zrtp_record_find_secret (l->data, octets))
      return TRUE;
  return FALSE;
}

/* The record of the call itself gets the new secret (§4.6.1). */
static void
take_secrets (GstZrtpChange *self, GstZrtpRecord *record, gboolean matched_is_kept)
{
  if (!self->store.has_matched)
    begin_lineage (self, record);
  else if (!record->rs1.is_set)
    begin_record (self, record, matched_is_kept);
  else
    continue_lineage (self, record);
  record->last_seen = self->now;
  record->calls++;
  g_free (record->algorithms);
  record->algorithms = describe (&self->store.choice);
}

/* By what the other records of the two ZIDs are known to be of the peer of this call: the secret that matched. Or the
 * one that did not, if the user has compared the SAS all the same: the peer has lost it. */
static const guint8 *
common_secret (const ZrtpStore *store, GstZrtpRecord *expected)
{
  const ZrtpRecord *before = &store->before;

  if (store->has_matched)
    return store->matched;
  if (store->compared && expected && before->has_rs1 &&
      gst_zrtp_record_find_secret (expected, before->rs1))
    return before->rs1;
  return NULL;
}

/* Another record of the same two ZIDs, of a call under another URI: the peer is the same endpoint and may know us
 * by one record only, so its secrets go on too. Whether it is verified is its own affair. */
static void
follow (GstZrtpChange *self, GstZrtpRecord *record, const guint8 *common)
{
  const ZrtpStore *store = &self->store;
  const GstZrtpSecret *found = common ? gst_zrtp_record_find_secret (record, common) : NULL;

  if (!found)
    return;
  if (store->has_matched)
    put_new_secret (self, record, found->verified, is_preshared (store) ? record->rs2 : *found);
  else
    put_new_secret (self, record, FALSE, verified_only (found));
}

/* "if a cache entry already exists from an earlier call, the stored cache interval should be set to 0", §4.9: wherever
 * the secret is that both ends had, unless another call has renewed it. */
static void
end_interval (GstZrtpChange *self, GstZrtpRecord *record)
{
  const ZrtpStore *store = &self->store;

  if (store->has_matched && store->after.expiry == 0 &&
      gst_zrtp_record_find_secret (record, store->matched) &&
      is_of_before (&record->rs1, &store->before))
    record->expires = self->now;
}

/* The user compared the SAS of this secret. Another call may have put another one in front of it, or have been kept
 * in its place: that one was not compared, so the verified one goes before it. */
static void
verify_secret (GstZrtpChange *self, GstZrtpRecord *record)
{
  const guint8 *octets = self->store.after.rs1;
  GstZrtpSecret front = record->rs1;

  if (gst_zrtp_secret_is (&record->rs2, octets))
    put_new_secret (self, record, TRUE, front);
  else if (!gst_zrtp_secret_is (&record->rs1, octets))
    put_new_secret (self, record, TRUE, record->rs2.is_set ? record->rs2 : front);
  record->rs1.verified = TRUE;
  zrtp_wipe (&front, sizeof front);
}

/* The record is what this call made of what it was before. */
static gboolean
is_renewed (GstZrtpRecord *record, const ZrtpStore *store)
{
  const ZrtpRecord *before = &store->before, *after = &store->after;
  const gboolean left_nothing = !after->has_rs1 && !after->has_rs2;

  return is_as_before (record, before) &&
         (left_nothing || (after->has_rs1 && gst_zrtp_secret_is (&record->rs2, after->rs1)) ||
             (after->has_rs2 && gst_zrtp_secret_is (&record->rs2, after->rs2)));
}

/* The pbxsecret that this call has brought goes, and what was there before the call is there again. */
static void
put_pbx_secret_out (GstZrtpRecord *record, const ZrtpStore *store)
{
  const ZrtpRecord *before = &store->before, *after = &store->after;

  if (puts_pbx_secret_out (store) && gst_zrtp_secret_is (&record->pbx_secret, before->pbx))
    put_secret (&record->pbx_secret, make_secret (after->has_pbx, after->pbx, FALSE));
}

/* "clearing the SAS Verified flag, and erase the cached shared secret from this session", §7.1 */
static void
erase_secret (GstZrtpRecord *record, const ZrtpStore *store, gboolean is_own)
{
  const ZrtpRecord *before = &store->before, *after = &store->after;
  const gboolean stored = before->has_rs1 && !same_rs1 (before, after);

  if (stored && is_own && is_renewed (record, store)) {
    put_secret (&record->rs1, make_secret (after->has_rs1, after->rs1, FALSE));
    put_secret (&record->rs2, make_secret (after->has_rs2, after->rs2, FALSE));
  } else if (stored) {
    drop_secret (record, before->rs1);
  }
  put_pbx_secret_out (record, store);
  clear_flags (record);
}

static GstZrtpRecord *
find (GstZrtpChange *self, GList *records)
{
  return gst_zrtp_record_find (records, self->local_uri, self->peer_uri);
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
  return store->after.has_pbx && !zrtp_same_pbxsecret (&store->before, &store->after);
}

/* They are known to be of one endpoint. */
static gboolean
is_of_lineage (GstZrtpRecord *record, GstZrtpRecord *own)
{
  return (own->rs1.is_set && gst_zrtp_record_find_secret (record, own->rs1.octets)) ||
         (own->rs2.is_set && gst_zrtp_record_find_secret (record, own->rs2.octets));
}

/* One endpoint has one (§7.3.1), whatever it is called. Who only says that he has its ZID is not that endpoint. */
static void
take_pbx_secret (GstZrtpChange *self, GList *records, GstZrtpRecord *own)
{
  for (GList *l = records; l; l = l->next) {
    GstZrtpRecord *record = l->data;

    if (record == own || (record->pbx_secret.is_set && is_of_lineage (record, own)))
      put_secret (&record->pbx_secret, make_secret (TRUE, self->store.after.pbx, FALSE));
  }
}

static void
apply_to_own (GstZrtpChange *self, GList **records, gboolean matched_is_kept)
{
  const ZrtpStore *store = &self->store;
  const gboolean compared = store->compared && store->after.has_rs1;
  GstZrtpRecord *record = find (self, *records);

  if (has_new_secret (store) || compared || has_new_pbx_secret (store))
    record = find_or_add (self, records);
  if (!record)
    return;
  set_name (record, self->name && *self->name ? self->name : NULL);
  if (has_new_secret (store))
    take_secrets (self, record, matched_is_kept);
  if (compared)
    verify_secret (self, record);
  if (has_new_pbx_secret (store))
    take_pbx_secret (self, *records, record);
}

static void
apply_call (GstZrtpChange *self, GList **records)
{
  const ZrtpStore *store = &self->store;
  GstZrtpRecord *own = find (self, *records);
  const guint8 *common = common_secret (
      store, gst_zrtp_record_find_expected (*records, self->local_uri, self->peer_uri));
  const gboolean matched_is_kept = store->has_matched && has_secret (*records, store->matched);

  for (GList *l = *records; l; l = l->next)
    if (store->erase)
      erase_secret (l->data, store, l->data == own);
    else if (!has_new_secret (store))
      end_interval (self, l->data);
    else if (l->data != own)
      follow (self, l->data, common);
  if (store->erase)
    return;
  apply_to_own (self, records, matched_is_kept);
  if (!store->after.has_pbx)
    for (GList *l = *records; l; l = l->next)
      put_pbx_secret_out (l->data, store);
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

/* The secret that the user saw: a call may have renewed it since. */
static void
set_verified (GstZrtpChange *self, GstZrtpRecord *record)
{
  const GstZrtpSecret *seen = &self->record->rs1;
  GstZrtpSecret *secret =
      seen->is_set ? gst_zrtp_record_find_secret (record, seen->octets) : &record->rs1;

  if (secret)
    secret->verified = secret->is_set;
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
  } else if (self->kind == CHANGE_VERIFY && self->verified) {
    set_verified (self, record);
  } else if (self->kind == CHANGE_VERIFY) {
    clear_flags (record);
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

static gboolean
is_dear (GstZrtpRecord *record)
{
  return record->rs1.verified || record->rs2.verified || record->pbx_secret.is_set || *record->name;
}

static gint
compare_last_seen (gconstpointer a, gconstpointer b)
{
  const GstZrtpRecord *one = a, *other = b;

  return (one->last_seen > other->last_seen) - (one->last_seen < other->last_seen);
}

/* Makes room for the record of the call; if there is none to be had, that one goes itself, unless it was there. */
static GList *
limit (GstZrtpChange *self, GList *records, gboolean own_is_new)
{
  guint n = g_list_length (records);
  GstZrtpRecord *own = find (self, records);
  GList *spare = NULL;

  if (n <= MAX_RECORDS)
    return records;
  for (GList *l = records; l; l = l->next)
    if (l->data != own && !is_dear (l->data))
      spare = g_list_prepend (spare, l->data);
  spare = g_list_sort (spare, compare_last_seen);
  for (GList *l = spare; l && n > MAX_RECORDS; l = l->next, n--)
    remove_record (&records, l->data);
  g_list_free (spare);
  if (n > MAX_RECORDS && own_is_new)
    remove_record (&records, own);
  return records;
}

static GList *
copy_all (GList *records)
{
  GList *copies = NULL;

  for (GList *l = records; l; l = l->next)
    if (GST_IS_ZRTP_RECORD (l->data))
      copies = g_list_prepend (copies, gst_zrtp_record_copy (l->data));
  return g_list_reverse (copies);
}

/**
 * gst_zrtp_change_apply:
 * @change: what happened.
 * @records: (element-type GstZrtpRecord) (nullable): all records of the pair of ZIDs that gst_zrtp_cache_update() named.
 *
 * For those who write a #GstZrtpCache. Records whose secrets have expired are not among the result, nor is more than a
 * call may add: docs/cache.md has the limit.
 *
 * Returns: (transfer full) (element-type GstZrtpRecord): the records as they are from now on, in place of @records.
 */
GList *
gst_zrtp_change_apply (GstZrtpChange *self, GList *records)
{
  gboolean own_is_new;
  GList *after;

  g_return_val_if_fail (GST_IS_ZRTP_CHANGE (self), NULL);

  after = copy_all (records);
  if (self->kind != CHANGE_CALL) {
    apply_wish (self, &after);
    return drop_worthless (after, self->now);
  }
  own_is_new = !find (self, after);
  apply_call (self, &after);
  return limit (self, drop_worthless (after, self->now), own_is_new);
}
