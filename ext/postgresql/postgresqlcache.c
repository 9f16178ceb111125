/* A cache in a PostgreSQL database: what a cache does, as statements.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "ext/postgresql/zrtp-postgresql.h"

#include "ext/libc/zrtp-libc.h"

#include <gio/gio.h>
#include <string.h>

#define ZID_SIZE 12
#define SECRET_SIZE 32
#define KEY_SIZE 32
#define MAX_CONNECTIONS 4

/*
 * GstZrtpPostgresqlCache:
 *
 * Made by gst_zrtp_cache_open(), which connects. When the server goes away later the operations fail, and those
 * after it has come back connect again.
 */
struct _GstZrtpPostgresqlCache {
  GObject parent;

  gchar *location; /* until it is understood */
  GBytes *key;
  guint max_connections;
  ZrtpPgPlace place;
  ZrtpPgPool pool;
  gboolean is_ready;
};

enum {
  PROP_LOCATION = 1,
  PROP_KEY,
  PROP_MAX_CONNECTIONS,
};

static void gst_zrtp_postgresql_cache_initable_init (GInitableIface *iface);
static void gst_zrtp_postgresql_cache_cache_init (GstZrtpCacheInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (GstZrtpPostgresqlCache, gst_zrtp_postgresql_cache, G_TYPE_OBJECT,
    G_IMPLEMENT_INTERFACE (G_TYPE_INITABLE, gst_zrtp_postgresql_cache_initable_init)
        G_IMPLEMENT_INTERFACE (GST_TYPE_ZRTP_CACHE, gst_zrtp_postgresql_cache_cache_init))

/* What is not UTF-8 is refused by the server, in the middle of an update. */
static gboolean
is_text (const gchar *text, GError **error)
{
  if (!text || g_utf8_validate (text, -1, NULL))
    return TRUE;
  g_set_error_literal (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_NOT_SUPPORTED,
      "a URI or a name is not UTF-8, and PostgreSQL takes nothing else");
  return FALSE;
}

/* Ends the use of a connection: `ok` or the error. */
static void
give_back (GstZrtpPostgresqlCache *self, ZrtpPg *pg, GError *problem, GError **error)
{
  zrtp_pg_pool_give (&self->pool, pg, problem);
  if (problem)
    g_propagate_error (error, problem);
}

/* --- Rows ------------------------------------------------------------------------------------------- */

/* In the order of COLUMNS in schema.c. */
enum {
  ZID,
  PEER_ZID,
  LOCAL_URI,
  PEER_URI,
  NAME,
  RS1,
  RS2,
  PBX_SECRET,
  SEALED,
  SAS_VERIFIED,
  RS2_VERIFIED,
  EXPIRES,
  PRESHARED_CALLS,
  FIRST_SEEN,
  LAST_SEEN,
  CALLS,
  ALGORITHMS,
};

/* A row, and whether all of it that was read so far is what it should be. */
typedef struct {
  const PGresult *result;
  int row;
  gboolean ok;
} Row;

static GBytes *
row_bytes (Row *row, int column, gsize size)
{
  const gsize length = (gsize) PQgetlength (row->result, row->row, column);

  if (PQgetisnull (row->result, row->row, column))
    return NULL;
  row->ok &= length == size || size == 0;
  /* libpq's own octets, which are wiped after use */
  return g_bytes_new_static (PQgetvalue (row->result, row->row, column), length);
}

static guint64
row_number (Row *row, int column, gsize size)
{
  const guint8 *octets = (const guint8 *) PQgetvalue (row->result, row->row, column);
  guint64 number = 0;

  if (PQgetlength (row->result, row->row, column) != (int) size) {
    row->ok = FALSE;
    return 0;
  }
  for (gsize i = 0; i < size; i++)
    number = number << 8 | octets[i];
  return number;
}

static gint64
row_time (Row *row, int column)
{
  const gint64 seconds = (gint64) row_number (row, column, 8);

  row->ok &= seconds >= 0;
  return MAX (seconds, 0);
}

/* The property is an octet. */
static guint
row_count (Row *row, int column)
{
  const guint64 count = row_number (row, column, 4);

  row->ok &= count <= G_MAXUINT8;
  return (guint) MIN (count, G_MAXUINT8);
}

static void
take_bytes (GstZrtpRecord *record, Row *row, const gchar *property, int column, gsize size)
{
  GBytes *bytes = row_bytes (row, column, size);

  if (bytes && row->ok)
    g_object_set (record, property, bytes, NULL);
  g_clear_pointer (&bytes, g_bytes_unref);
}

static void
take_all (GstZrtpRecord *record, Row *row)
{
  const gint64 expires = row_time (row, EXPIRES), first = row_time (row, FIRST_SEEN),
               last = row_time (row, LAST_SEEN);

  take_bytes (record, row, "zid", ZID, ZID_SIZE);
  take_bytes (record, row, "peer-zid", PEER_ZID, ZID_SIZE);
  take_bytes (record, row, "rs1", RS1, SECRET_SIZE);
  take_bytes (record, row, "rs2", RS2, SECRET_SIZE);
  take_bytes (record, row, "pbx-secret", PBX_SECRET, SECRET_SIZE);
  g_object_set (record, "local-uri", PQgetvalue (row->result, row->row, LOCAL_URI), "peer-uri",
      PQgetvalue (row->result, row->row, PEER_URI), "name",
      PQgetvalue (row->result, row->row, NAME), "algorithms",
      PQgetvalue (row->result, row->row, ALGORITHMS), "sas-verified",
      row_number (row, SAS_VERIFIED, 1) == 1, "rs2-verified",
      row_number (row, RS2_VERIFIED, 1) == 1, "expires", expires, "preshared-calls",
      row_count (row, PRESHARED_CALLS), "first-seen", first, "last-seen", last, "calls",
      (guint64) row_time (row, CALLS), NULL);
}

/* With a key everything is sealed: a secret that stands there in clear was put there by somebody else. */
static gboolean
open_seal (GstZrtpPostgresqlCache *self, GstZrtpRecord *record, Row *row, GError **error)
{
  GBytes *sealed = row_bytes (row, SEALED, 0);
  gboolean ok = FALSE;

  if ((sealed != NULL) != (self->key != NULL))
    g_set_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_WRONG_KEY,
        "%s: a record in zrtp.records is %s, unlike the cache; somebody else put it there; delete "
        "it",
        self->place.text, self->key ? "not encrypted" : "encrypted");
  else
    ok = !self->key || gst_zrtp_record_unseal (record, self->key, sealed, error);
  g_clear_pointer (&sealed, g_bytes_unref);
  return ok;
}

static GstZrtpRecord *
read_record (GstZrtpPostgresqlCache *self, const PGresult *result, int number, GError **error)
{
  GstZrtpRecord *record = gst_zrtp_record_new ();
  Row row = {.result = result, .row = number, .ok = PQnfields (result) == ALGORITHMS + 1};

  if (row.ok)
    take_all (record, &row);
  if (!row.ok)
    g_set_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_CORRUPT,
        "%s: a row of zrtp.records is damaged; restore it from a backup, or delete it",
        self->place.text);
  else if (open_seal (self, record, &row, error))
    return record;
  g_object_unref (record);
  return NULL;
}

static GList *
read_records (GstZrtpPostgresqlCache *self, const PGresult *result, GError **error)
{
  GList *records = NULL;

  for (int row = 0; row < PQntuples (result); row++) {
    GstZrtpRecord *record = read_record (self, result, row, error);

    if (!record) {
      g_list_free_full (records, g_object_unref);
      return NULL;
    }
    records = g_list_prepend (records, record);
  }
  return g_list_reverse (records);
}

/* What a record is, while it is sent. */
typedef struct {
  GBytes *zid, *peer_zid, *rs1, *rs2, *pbx_secret, *sealed;
  gchar *local_uri, *peer_uri, *name, *algorithms;
  gboolean sas_verified, rs2_verified;
  gint64 expires, first_seen, last_seen;
  guint64 calls;
  guint preshared_calls;
} Fields;

static void
fields_init (Fields *fields, GstZrtpRecord *record)
{
  *fields = (Fields){NULL};
  g_object_get (record, "zid", &fields->zid, "peer-zid", &fields->peer_zid, "local-uri",
      &fields->local_uri, "peer-uri", &fields->peer_uri, "name", &fields->name, "rs1", &fields->rs1,
      "rs2", &fields->rs2, "pbx-secret", &fields->pbx_secret, "sas-verified", &fields->sas_verified,
      "rs2-verified", &fields->rs2_verified, "expires", &fields->expires, "preshared-calls",
      &fields->preshared_calls, "first-seen", &fields->first_seen, "last-seen", &fields->last_seen,
      "calls", &fields->calls, "algorithms", &fields->algorithms, NULL);
}

static void
drop_secrets (Fields *fields)
{
  g_clear_pointer (&fields->rs1, g_bytes_unref);
  g_clear_pointer (&fields->rs2, g_bytes_unref);
  g_clear_pointer (&fields->pbx_secret, g_bytes_unref);
}

static void
fields_clear (Fields *fields)
{
  drop_secrets (fields);
  g_bytes_unref (fields->zid);
  g_bytes_unref (fields->peer_zid);
  g_clear_pointer (&fields->sealed, g_bytes_unref);
  g_free (fields->local_uri);
  g_free (fields->peer_uri);
  g_free (fields->name);
  g_free (fields->algorithms);
}

static void
add_identity (ZrtpPgParams *params, const Fields *fields)
{
  zrtp_pg_add_bytes (params, fields->zid);
  zrtp_pg_add_bytes (params, fields->peer_zid);
  zrtp_pg_add_text (params, fields->local_uri);
  zrtp_pg_add_text (params, fields->peer_uri);
}

static void
add_rest (ZrtpPgParams *params, const Fields *fields)
{
  zrtp_pg_add_text (params, fields->name);
  zrtp_pg_add_bytes (params, fields->rs1);
  zrtp_pg_add_bytes (params, fields->rs2);
  zrtp_pg_add_bytes (params, fields->pbx_secret);
  zrtp_pg_add_bytes (params, fields->sealed);
  zrtp_pg_add_bool (params, fields->sas_verified);
  zrtp_pg_add_bool (params, fields->rs2_verified);
  zrtp_pg_add_int64 (params, fields->expires);
  zrtp_pg_add_int32 (params, (gint32) fields->preshared_calls);
  zrtp_pg_add_int64 (params, fields->first_seen);
  zrtp_pg_add_int64 (params, fields->last_seen);
  zrtp_pg_add_int64 (params, (gint64) MIN (fields->calls, G_MAXINT64));
  zrtp_pg_add_text (params, fields->algorithms);
}

/* In place of the secrets, the sealed ones. */
static gboolean
seal (GstZrtpPostgresqlCache *self, GstZrtpRecord *record, Fields *fields, GError **error)
{
  if (!self->key)
    return TRUE;
  fields->sealed = gst_zrtp_record_seal (record, self->key, error);
  drop_secrets (fields);
  return fields->sealed != NULL;
}

static gboolean
send_record (GstZrtpPostgresqlCache *self, ZrtpPg *pg, GstZrtpRecord *record, GError **error)
{
  ZrtpPgParams params = {0};
  Fields fields;
  gboolean ok;

  fields_init (&fields, record);
  ok = is_text (fields.local_uri, error) && is_text (fields.peer_uri, error) &&
       is_text (fields.name, error) && seal (self, record, &fields, error);
  if (ok) {
    add_identity (&params, &fields);
    add_rest (&params, &fields);
    zrtp_pg_send (pg, ZRTP_PG_STORE, &params);
  }
  fields_clear (&fields);
  return ok;
}

static void
send_removal (ZrtpPg *pg, GstZrtpRecord *record)
{
  ZrtpPgParams params = {0};
  Fields fields;

  fields_init (&fields, record);
  add_identity (&params, &fields);
  zrtp_pg_send (pg, ZRTP_PG_REMOVE, &params);
  fields_clear (&fields);
}

static gboolean
has_same_uris (GstZrtpRecord *a, GstZrtpRecord *b)
{
  Fields one, other;
  gboolean same;

  fields_init (&one, a);
  fields_init (&other, b);
  same = g_str_equal (one.local_uri, other.local_uri) && g_str_equal (one.peer_uri, other.peer_uri);
  fields_clear (&one);
  fields_clear (&other);
  return same;
}

static gboolean
is_among (GstZrtpRecord *record, GList *records)
{
  for (GList *l = records; l; l = l->next)
    if (has_same_uris (record, l->data))
      return TRUE;
  return FALSE;
}

/* --- Records ---------------------------------------------------------------------------------------- */

static GList *
finish_records (GstZrtpPostgresqlCache *self, ZrtpPg *pg, GError **error)
{
  GPtrArray *results = zrtp_pg_finish (pg, error);
  GList *records;

  if (!results)
    return NULL;
  records = read_records (self, g_ptr_array_index (results, results->len - 1), error);
  g_ptr_array_unref (results);
  return records;
}

/* Sends what `params` are for and ends the operation. */
static GList *
query (GstZrtpPostgresqlCache *self, const gchar *statement, ZrtpPgParams *params, GError **error)
{
  ZrtpPg *pg = zrtp_pg_pool_take (&self->pool, error);
  GError *problem = NULL;
  GList *records;

  if (!pg)
    return NULL;
  zrtp_pg_send (pg, statement, params);
  records = finish_records (self, pg, &problem);
  give_back (self, pg, problem, error);
  return records;
}

static gboolean
postgresql_lookup (
    GstZrtpCache *cache, GBytes *zid, GBytes *peer_zid, GList **records, GError **error)
{
  ZrtpPgParams params = {0};
  GError *problem = NULL;

  zrtp_pg_add_bytes (&params, zid);
  zrtp_pg_add_bytes (&params, peer_zid);
  *records = query (GST_ZRTP_POSTGRESQL_CACHE (cache), ZRTP_PG_LOOKUP, &params, &problem);
  if (!problem)
    return TRUE;
  g_propagate_error (error, problem);
  return FALSE;
}

/* Smaller than any record. */
static void
add_nothing (ZrtpPgParams *params)
{
  for (guint i = 0; i < 4; i++)
    zrtp_pg_add_text (params, "");
}

static GList *
postgresql_list (GstZrtpCache *cache, GstZrtpRecord *after, guint max, GError **error)
{
  ZrtpPgParams params = {0};
  Fields fields;
  GList *records;

  if (after) {
    fields_init (&fields, after);
    add_identity (&params, &fields);
  } else {
    add_nothing (&params);
  }
  zrtp_pg_add_int64 (&params, max);
  records = query (GST_ZRTP_POSTGRESQL_CACHE (cache), ZRTP_PG_LIST, &params, error);
  if (after)
    fields_clear (&fields);
  return records;
}

/* Two pairs with the same hash would wait for each other, no more. */
static gint64
hash_of (GBytes *zid, GBytes *peer_zid)
{
  GChecksum *sum = g_checksum_new (G_CHECKSUM_SHA256);
  guint8 digest[32];
  gsize size = sizeof digest;
  gint64 hash;

  g_checksum_update (sum, g_bytes_get_data (zid, NULL), (gssize) g_bytes_get_size (zid));
  g_checksum_update (sum, g_bytes_get_data (peer_zid, NULL), (gssize) g_bytes_get_size (peer_zid));
  g_checksum_get_digest (sum, digest, &size);
  g_checksum_free (sum);
  memcpy (&hash, digest, sizeof hash);
  return hash;
}

static GList *
read_locked (
    GstZrtpPostgresqlCache *self, ZrtpPg *pg, GBytes *zid, GBytes *peer_zid, GError **error)
{
  ZrtpPgParams lock = {0}, pair = {0};

  zrtp_pg_add_int64 (&lock, hash_of (zid, peer_zid));
  zrtp_pg_add_bytes (&pair, zid);
  zrtp_pg_add_bytes (&pair, peer_zid);
  zrtp_pg_send (pg, ZRTP_PG_BEGIN, NULL);
  zrtp_pg_send (pg, ZRTP_PG_LOCK, &lock);
  zrtp_pg_send (pg, ZRTP_PG_LOOKUP, &pair);
  return finish_records (self, pg, error);
}

static void
write_all (GstZrtpPostgresqlCache *self, ZrtpPg *pg, GList *before, GList *after, GError **error)
{
  for (GList *l = before; l; l = l->next)
    if (!is_among (l->data, after))
      send_removal (pg, l->data);
  for (GList *l = after; l; l = l->next)
    if (!send_record (self, pg, l->data, error))
      return;
  zrtp_pg_send (pg, ZRTP_PG_COMMIT, NULL);
  zrtp_pg_finish_quietly (pg, error);
}

static gboolean
postgresql_update (
    GstZrtpCache *cache, GBytes *zid, GBytes *peer_zid, GstZrtpChange *change, GError **error)
{
  GstZrtpPostgresqlCache *self = GST_ZRTP_POSTGRESQL_CACHE (cache);
  ZrtpPg *pg = zrtp_pg_pool_take (&self->pool, error);
  GError *problem = NULL;
  GList *before, *after;
  gboolean ok;

  if (!pg)
    return FALSE;
  before = read_locked (self, pg, zid, peer_zid, &problem);
  if (!problem) {
    after = gst_zrtp_change_apply (change, before);
    write_all (self, pg, before, after, &problem);
    g_list_free_full (after, g_object_unref);
  }
  g_list_free_full (before, g_object_unref);
  ok = problem == NULL;
  give_back (self, pg, problem, error);
  return ok;
}

/* --- ZIDs ------------------------------------------------------------------------------------------- */

static void
add_scope (ZrtpPgParams *params, const gchar *local_uri, const gchar *peer_uri)
{
  zrtp_pg_add_text (params, local_uri);
  zrtp_pg_add_text (params, peer_uri);
}

static GBytes *
random_zid (GError **error)
{
  guint8 zid[ZID_SIZE];

  if (zrtp_libc_random.fill (zrtp_libc_random.user, zid, sizeof zid))
    return g_bytes_new (zid, sizeof zid);
  g_set_error_literal (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_FAILED,
      "the operating system gives no random octets");
  return NULL;
}

/* The ZID in the last result of the batch; NULL, and no error, when it is empty. */
static GBytes *
finish_zid (ZrtpPg *pg, GError **error)
{
  GPtrArray *results = zrtp_pg_finish (pg, error);
  const PGresult *result;
  GBytes *zid = NULL;

  if (!results)
    return NULL;
  result = g_ptr_array_index (results, results->len - 1);
  if (PQntuples (result) == 1 && PQgetlength (result, 0, 0) == ZID_SIZE)
    zid = g_bytes_new (PQgetvalue (result, 0, 0), ZID_SIZE);
  g_ptr_array_unref (results);
  return zid;
}

/* Of several gateways that come at the same time, one adds its ZID and the others read it. */
static GBytes *
add_zid (ZrtpPg *pg, const ZrtpPgParams *scope, GError **error)
{
  ZrtpPgParams params = *scope;
  GBytes *zid = random_zid (error), *agreed;

  if (!zid)
    return NULL;
  zrtp_pg_add_bytes (&params, zid);
  zrtp_pg_send (pg, ZRTP_PG_ADD_ZID, &params);
  zrtp_pg_send (pg, ZRTP_PG_GET_ZID, scope);
  agreed = finish_zid (pg, error);
  if (!agreed && !*error)
    g_set_error_literal (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_CORRUPT,
        "the table zrtp.zids does not keep a ZID");
  g_bytes_unref (zid);
  return agreed;
}

static GBytes *
postgresql_get_zid (
    GstZrtpCache *cache, const gchar *local_uri, const gchar *peer_uri, GError **error)
{
  GstZrtpPostgresqlCache *self = GST_ZRTP_POSTGRESQL_CACHE (cache);
  ZrtpPgParams scope = {0};
  GError *problem = NULL;
  GBytes *zid;
  ZrtpPg *pg;

  if (!is_text (local_uri, error) || !is_text (peer_uri, error) ||
      !(pg = zrtp_pg_pool_take (&self->pool, error)))
    return NULL;
  add_scope (&scope, local_uri, peer_uri);
  zrtp_pg_send (pg, ZRTP_PG_GET_ZID, &scope);
  zid = finish_zid (pg, &problem);
  if (!zid && !problem)
    zid = add_zid (pg, &scope, &problem);
  give_back (self, pg, problem, error);
  return zid;
}

static gboolean
postgresql_set_zid (
    GstZrtpCache *cache, const gchar *local_uri, const gchar *peer_uri, GBytes *zid, GError **error)
{
  GstZrtpPostgresqlCache *self = GST_ZRTP_POSTGRESQL_CACHE (cache);
  ZrtpPgParams params = {0};
  GError *problem = NULL;
  gboolean ok;
  ZrtpPg *pg;

  if (!is_text (local_uri, error) || !is_text (peer_uri, error) ||
      !(pg = zrtp_pg_pool_take (&self->pool, error)))
    return FALSE;
  add_scope (&params, local_uri, peer_uri);
  zrtp_pg_add_bytes (&params, zid);
  zrtp_pg_send (pg, ZRTP_PG_SET_ZID, &params);
  ok = zrtp_pg_finish_quietly (pg, &problem);
  give_back (self, pg, problem, error);
  return ok;
}

static GList *
read_zids (const PGresult *result)
{
  GList *zids = NULL;

  for (int row = PQntuples (result) - 1; row >= 0; row--) {
    GBytes *zid = g_bytes_new (PQgetvalue (result, row, 2), (gsize) PQgetlength (result, row, 2));

    zids = g_list_prepend (
        zids, g_object_new (GST_TYPE_ZRTP_RECORD, "local-uri", PQgetvalue (result, row, 0),
                  "peer-uri", PQgetvalue (result, row, 1), "zid", zid, NULL));
    g_bytes_unref (zid);
  }
  return zids;
}

static GList *
postgresql_list_zids (GstZrtpCache *cache, GError **error)
{
  GstZrtpPostgresqlCache *self = GST_ZRTP_POSTGRESQL_CACHE (cache);
  ZrtpPg *pg = zrtp_pg_pool_take (&self->pool, error);
  GError *problem = NULL;
  GPtrArray *results;
  GList *zids = NULL;

  if (!pg)
    return NULL;
  zrtp_pg_send (pg, ZRTP_PG_LIST_ZIDS, NULL);
  results = zrtp_pg_finish (pg, &problem);
  if (results)
    zids = read_zids (g_ptr_array_index (results, 0));
  g_clear_pointer (&results, g_ptr_array_unref);
  give_back (self, pg, problem, error);
  return zids;
}

/* --- GObject ---------------------------------------------------------------------------------------- */

static void
wipe_location (GstZrtpPostgresqlCache *self)
{
  if (self->location)
    explicit_bzero (self->location, strlen (self->location));
  g_clear_pointer (&self->location, g_free);
}

static gboolean
is_key (GBytes *key, GError **error)
{
  if (!key || g_bytes_get_size (key) == KEY_SIZE)
    return TRUE;
  g_set_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_WRONG_KEY,
      "a cache's key has %d octets, not %" G_GSIZE_FORMAT, KEY_SIZE, g_bytes_get_size (key));
  return FALSE;
}

/* So that what is wrong is known now. */
static gboolean
connect_once (GstZrtpPostgresqlCache *self, GError **error)
{
  ZrtpPg *pg = zrtp_pg_pool_take (&self->pool, error);

  if (pg)
    zrtp_pg_pool_give (&self->pool, pg, NULL);
  return pg != NULL;
}

static gboolean
postgresql_init (GInitable *initable, GCancellable *cancellable, GError **error)
{
  GstZrtpPostgresqlCache *self = GST_ZRTP_POSTGRESQL_CACHE (initable);

  if (!is_key (self->key, error) || !zrtp_pg_place_init (&self->place, self->location, error))
    return FALSE;
  wipe_location (self);
  zrtp_pg_pool_init (&self->pool, &self->place, self->key, self->max_connections);
  self->is_ready = TRUE;
  return connect_once (self, error);
}

static void
gst_zrtp_postgresql_cache_initable_init (GInitableIface *iface)
{
  iface->init = postgresql_init;
}

static void
gst_zrtp_postgresql_cache_cache_init (GstZrtpCacheInterface *iface)
{
  iface->get_zid = postgresql_get_zid;
  iface->lookup = postgresql_lookup;
  iface->update = postgresql_update;
  iface->list = postgresql_list;
  iface->list_zids = postgresql_list_zids;
  iface->set_zid = postgresql_set_zid;
}

static void
gst_zrtp_postgresql_cache_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstZrtpPostgresqlCache *self = GST_ZRTP_POSTGRESQL_CACHE (object);

  switch (id) {
    case PROP_LOCATION:
      self->location = g_value_dup_string (value);
      break;
    case PROP_KEY:
      self->key = g_value_dup_boxed (value);
      break;
    case PROP_MAX_CONNECTIONS:
      self->max_connections = g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
gst_zrtp_postgresql_cache_finalize (GObject *object)
{
  GstZrtpPostgresqlCache *self = GST_ZRTP_POSTGRESQL_CACHE (object);

  if (self->is_ready)
    zrtp_pg_pool_clear (&self->pool);
  zrtp_pg_place_clear (&self->place);
  wipe_location (self);
  g_clear_pointer (&self->key, g_bytes_unref);
  G_OBJECT_CLASS (gst_zrtp_postgresql_cache_parent_class)->finalize (object);
}

static void
gst_zrtp_postgresql_cache_class_init (GstZrtpPostgresqlCacheClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  /* a URI may have a password in it, so nobody reads it again */
  const GParamFlags flags = G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->set_property = gst_zrtp_postgresql_cache_set_property;
  object_class->finalize = gst_zrtp_postgresql_cache_finalize;
  g_object_class_install_property (object_class, PROP_LOCATION,
      g_param_spec_string ("location", "Location", "postgresql:// URI", NULL, flags));
  g_object_class_install_property (object_class, PROP_KEY,
      g_param_spec_boxed ("key", "Key", "Encrypts the secrets, 32 octets", G_TYPE_BYTES, flags));
  g_object_class_install_property (object_class, PROP_MAX_CONNECTIONS,
      g_param_spec_uint ("max-connections", "Max connections",
          "How many connections to the server at most", 1, 64, MAX_CONNECTIONS, flags));
}

static void
gst_zrtp_postgresql_cache_init (GstZrtpPostgresqlCache *self)
{
}
