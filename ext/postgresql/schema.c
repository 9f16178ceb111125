/* The tables, their version, and all statements that are used on them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "ext/postgresql/zrtp-postgresql.h"

#include <string.h>

/* One row: which version the tables are of, and whether there is a key. */
#define CREATE_CACHE                                                                               \
  "CREATE TABLE zrtp.cache ("                                                                      \
  " one boolean PRIMARY KEY DEFAULT true CHECK (one),"                                             \
  " version integer NOT NULL,"                                                                     \
  " key_check bytea)"

/* Our ZIDs, one for each scope (RFC 6189 §4.9); '' where the scope has no such URI. */
#define CREATE_ZIDS                                                                                \
  "CREATE TABLE zrtp.zids ("                                                                       \
  " local_uri text COLLATE \"C\","                                                                 \
  " peer_uri text COLLATE \"C\","                                                                  \
  " zid bytea NOT NULL CHECK (octet_length (zid) = 12),"                                           \
  " PRIMARY KEY (local_uri, peer_uri))"

/* In the order of gst_zrtp_cache_list(), which is that of octets. With a key, `sealed` is there in place of the
 * secrets. */
#define CREATE_RECORDS                                                                             \
  "CREATE TABLE zrtp.records ("                                                                    \
  " zid bytea, peer_zid bytea,"                                                                    \
  " local_uri text COLLATE \"C\", peer_uri text COLLATE \"C\","                                    \
  " name text NOT NULL,"                                                                           \
  " rs1 bytea, rs2 bytea, pbx_secret bytea, sealed bytea,"                                         \
  " sas_verified boolean NOT NULL, rs2_verified boolean NOT NULL,"                                 \
  " expires bigint NOT NULL, preshared_calls integer NOT NULL,"                                    \
  " first_seen bigint NOT NULL, last_seen bigint NOT NULL, calls bigint NOT NULL,"                 \
  " algorithms text NOT NULL,"                                                                     \
  " PRIMARY KEY (zid, peer_zid, local_uri, peer_uri))"

/* What leads from each version to the next; those who come later add at the end and change nothing above. */
typedef struct {
  gint32 version;
  const gchar *sql;
} Step;

static const Step steps[] = {
    {1, CREATE_ZIDS},
    {1, CREATE_RECORDS},
};

#define VERSION_NOW (steps[G_N_ELEMENTS (steps) - 1].version)

#define COLUMNS                                                                                    \
  "zid, peer_zid, local_uri, peer_uri, name, rs1, rs2, pbx_secret, sealed, sas_verified, "         \
  "rs2_verified, expires, preshared_calls, first_seen, last_seen, calls, algorithms"

#define SAME_SCOPE " WHERE local_uri = $1 AND peer_uri = $2"

static const struct {
  const gchar *name, *sql;
} statements[] = {
    /* each statement sees what others have committed by then: the records are read after the lock is had */
    {ZRTP_PG_BEGIN, "BEGIN ISOLATION LEVEL READ COMMITTED"},
    {ZRTP_PG_COMMIT, "COMMIT"},
    /* Of a pair of ZIDs until COMMIT. Not SELECT FOR UPDATE: that locks no row which is not there yet, and two
     * gateways may both have the first call of a phone at the same time. */
    {ZRTP_PG_LOCK, "SELECT pg_advisory_xact_lock ($1)"},
    {ZRTP_PG_GET_ZID, "SELECT zid FROM zrtp.zids" SAME_SCOPE},
    {ZRTP_PG_ADD_ZID, "INSERT INTO zrtp.zids (local_uri, peer_uri, zid) VALUES ($1, $2, $3)"
                      " ON CONFLICT DO NOTHING"},
    {ZRTP_PG_SET_ZID, "INSERT INTO zrtp.zids (local_uri, peer_uri, zid) VALUES ($1, $2, $3)"
                      " ON CONFLICT (local_uri, peer_uri) DO UPDATE SET zid = excluded.zid"},
    {ZRTP_PG_LIST_ZIDS, "SELECT local_uri, peer_uri, zid FROM zrtp.zids"
                        " ORDER BY zid, local_uri, peer_uri"},
    {ZRTP_PG_LOOKUP, "SELECT " COLUMNS " FROM zrtp.records WHERE zid = $1 AND peer_zid = $2"
                     " ORDER BY local_uri, peer_uri"},
    {ZRTP_PG_LIST, "SELECT " COLUMNS " FROM zrtp.records"
                   " WHERE (zid, peer_zid, local_uri, peer_uri) > ($1, $2, $3, $4)"
                   " ORDER BY zid, peer_zid, local_uri, peer_uri LIMIT $5"},
    /* an UPDATE of columns without index leaves the indexes alone; DELETE and INSERT would not */
    {ZRTP_PG_STORE,
        "INSERT INTO zrtp.records (" COLUMNS ")"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
        " ON CONFLICT (zid, peer_zid, local_uri, peer_uri) DO UPDATE SET name = excluded.name,"
        " rs1 = excluded.rs1, rs2 = excluded.rs2, pbx_secret = excluded.pbx_secret,"
        " sealed = excluded.sealed, sas_verified = excluded.sas_verified,"
        " rs2_verified = excluded.rs2_verified, expires = excluded.expires,"
        " preshared_calls = excluded.preshared_calls, first_seen = excluded.first_seen,"
        " last_seen = excluded.last_seen, calls = excluded.calls,"
        " algorithms = excluded.algorithms"},
    {ZRTP_PG_REMOVE, "DELETE FROM zrtp.records"
                     " WHERE zid = $1 AND peer_zid = $2 AND local_uri = $3 AND peer_uri = $4"},
};

/* --- Settings -------------------------------------------------------------------------------------- */

static const struct {
  const gchar *name, *value;
} settings[] = {
    /* nobody else's tables and functions, whatever their names */
    {"search_path", "pg_catalog, pg_temp"},
    {"statement_timeout", ZRTP_PG_STATEMENT_MS},
    {"lock_timeout", ZRTP_PG_LOCK_MS},
    /* a gateway that stops in the middle holds its lock for less time than the others wait for it */
    {"idle_in_transaction_session_timeout", ZRTP_PG_IDLE_MS},
    {"default_transaction_isolation", "read committed"},
};

/* A stronger one, which waits for a standby to show it, is kept. */
#define DURABLE                                                                                    \
  "SELECT set_config ('synchronous_commit', 'on', false)"                                          \
  " WHERE current_setting ('synchronous_commit') NOT IN ('on', 'remote_apply')"

static void
send_settings (ZrtpPg *pg)
{
  for (guint i = 0; i < G_N_ELEMENTS (settings); i++) {
    ZrtpPgParams params = {0};

    zrtp_pg_add_text (&params, settings[i].name);
    zrtp_pg_add_text (&params, settings[i].value);
    zrtp_pg_send_sql (pg, "SELECT set_config ($1, $2, false)", &params);
  }
  zrtp_pg_send_sql (pg, DURABLE, NULL);
}

static gboolean
is_on (ZrtpPg *pg, const gchar *parameter)
{
  return g_strcmp0 (PQparameterStatus (pg->conn, parameter), "on") == 0;
}

/* A call that could look a secret up but not store the next one would leave its peer with a secret that we lack. */
static gboolean
is_suitable (ZrtpPg *pg, GError **error)
{
  const gchar *encoding = PQparameterStatus (pg->conn, "server_encoding");

  if (is_on (pg, "in_hot_standby") || is_on (pg, "default_transaction_read_only"))
    g_set_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_READ_ONLY,
        "%s is a standby or set to read only; name the primary, or all servers, in the location "
        "of the cache",
        pg->place->text);
  else if (g_strcmp0 (encoding, "UTF8") != 0)
    g_set_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_NOT_SUPPORTED,
        "%s has the encoding %s; make one with ENCODING 'UTF8' TEMPLATE template0", pg->place->text,
        encoding ? encoding : "(unknown)");
  else
    return TRUE;
  return FALSE;
}

/* --- Tables ---------------------------------------------------------------------------------------- */

/* From the tables, as this statement sees them: what to_regclass() says may be remembered from before the lock. */
#define IS_THERE                                                                                   \
  "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'zrtp'),"                               \
  " EXISTS (SELECT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace"             \
  " WHERE nspname = 'zrtp' AND relname = 'cache')"

static const PGresult *
last (GPtrArray *results)
{
  return g_ptr_array_index (results, results->len - 1);
}

static gboolean
get_bool (const PGresult *result, int column)
{
  return PQntuples (result) == 1 && PQgetlength (result, 0, column) == 1 &&
         *PQgetvalue (result, 0, column) == 1;
}

typedef struct {
  gboolean has_schema, has_cache;
  gint32 version;
  GBytes *key_check;
} State;

static gboolean
finish_is_there (ZrtpPg *pg, State *state, GError **error)
{
  GPtrArray *results = zrtp_pg_finish (pg, error);

  if (!results)
    return FALSE;
  state->has_schema = get_bool (last (results), 0);
  state->has_cache = get_bool (last (results), 1);
  g_ptr_array_unref (results);
  return TRUE;
}

static gboolean
take_version (ZrtpPg *pg, const PGresult *result, State *state, GError **error)
{
  guint32 big;

  if (PQntuples (result) != 1 || PQgetlength (result, 0, 0) != sizeof big) {
    g_set_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_CORRUPT,
        "%s: the table zrtp.cache does not have the one row that says of which version the tables "
        "are; restore it from a backup",
        pg->place->text);
    return FALSE;
  }
  memcpy (&big, PQgetvalue (result, 0, 0), sizeof big);
  state->version = (gint32) GUINT32_FROM_BE (big);
  g_clear_pointer (&state->key_check, g_bytes_unref);
  if (!PQgetisnull (result, 0, 1))
    state->key_check = g_bytes_new (PQgetvalue (result, 0, 1), (gsize) PQgetlength (result, 0, 1));
  return TRUE;
}

static gboolean
read_version (ZrtpPg *pg, State *state, GError **error)
{
  GPtrArray *results;
  gboolean ok;

  zrtp_pg_send_sql (pg, "SELECT version, key_check FROM zrtp.cache", NULL);
  results = zrtp_pg_finish (pg, error);
  if (!results)
    return FALSE;
  ok = take_version (pg, last (results), state, error);
  g_ptr_array_unref (results);
  return ok;
}

/* --- Key ------------------------------------------------------------------------------------------- */

/* A record of nobody, sealed: whoever can open it has the right key, even when there are no records yet. */
static GstZrtpRecord *
check_record (void)
{
  return g_object_new (GST_TYPE_ZRTP_RECORD, "name", "key check", "expires", (gint64) 0, NULL);
}

static gboolean
make_key_check (GBytes *key, GBytes **key_check, GError **error)
{
  GstZrtpRecord *record;

  *key_check = NULL;
  if (!key)
    return TRUE;
  record = check_record ();
  *key_check = gst_zrtp_record_seal (record, key, error);
  g_object_unref (record);
  return *key_check != NULL;
}

static gboolean
opens (GBytes *key, GBytes *key_check)
{
  GstZrtpRecord *record = check_record ();
  const gboolean ok = gst_zrtp_record_unseal (record, key, key_check, NULL);

  g_object_unref (record);
  return ok;
}

static gboolean
check_key (ZrtpPg *pg, GBytes *key, GBytes *key_check, GError **error)
{
  const gchar *problem = NULL;

  if (key && !key_check)
    problem =
        "the cache is not encrypted, so it cannot be opened with a key; leave the key out, or "
        "export it into a new, encrypted one";
  else if (!key && key_check)
    problem = "the cache is encrypted; it can be opened with its key only";
  else if (key && !opens (key, key_check))
    problem = "the cache is encrypted with another key";
  if (problem)
    g_set_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_WRONG_KEY, "%s: %s",
        pg->place->text, problem);
  return problem == NULL;
}

/* --- New and old tables ----------------------------------------------------------------------------- */

static void
send_creation (ZrtpPg *pg, const State *state, GBytes *key_check)
{
  ZrtpPgParams params = {0};

  if (!state->has_schema)
    zrtp_pg_send_sql (pg, "CREATE SCHEMA zrtp", NULL);
  zrtp_pg_send_sql (pg, CREATE_CACHE, NULL);
  zrtp_pg_add_bytes (&params, key_check);
  zrtp_pg_send_sql (pg, "INSERT INTO zrtp.cache (version, key_check) VALUES (0, $1)", &params);
}

static void
send_steps (ZrtpPg *pg, gint32 version)
{
  ZrtpPgParams params = {0};

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    if (steps[i].version > version)
      zrtp_pg_send_sql (pg, steps[i].sql, NULL);
  zrtp_pg_add_int32 (&params, VERSION_NOW);
  zrtp_pg_send_sql (pg, "UPDATE zrtp.cache SET version = $1 WHERE version < $1", &params);
  zrtp_pg_send_sql (pg, "COMMIT", NULL);
}

/* All or nothing, and one gateway after the other: who comes second finds everything done. */
static gboolean
upgrade (ZrtpPg *pg, GBytes *key_check, GError **error)
{
  State state = {0};
  gboolean ok;

  zrtp_pg_send_sql (pg, "BEGIN ISOLATION LEVEL READ COMMITTED", NULL);
  zrtp_pg_send_sql (pg, "SELECT pg_advisory_xact_lock (x'5a525450'::bigint)", NULL); /* "ZRTP" */
  zrtp_pg_send_sql (pg, IS_THERE, NULL);
  ok = finish_is_there (pg, &state, error);
  if (ok && state.has_cache)
    ok = read_version (pg, &state, error);
  else if (ok)
    send_creation (pg, &state, key_check);
  if (ok)
    send_steps (pg, state.version);
  g_clear_pointer (&state.key_check, g_bytes_unref);
  return ok && zrtp_pg_finish_quietly (pg, error);
}

static gboolean
create (ZrtpPg *pg, GBytes *key, GError **error)
{
  GBytes *key_check;
  gboolean ok;

  if (!make_key_check (key, &key_check, error))
    return FALSE;
  ok = upgrade (pg, key_check, error);
  g_clear_pointer (&key_check, g_bytes_unref);
  return ok;
}

static gboolean
check_version (ZrtpPg *pg, gint32 version, GError **error)
{
  if (version <= VERSION_NOW)
    return TRUE;
  g_set_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_TOO_NEW,
      "%s: a later version of this plugin made the cache (version %d, this one knows %d); update "
      "this machine",
      pg->place->text, version, VERSION_NOW);
  return FALSE;
}

static gboolean
check_tables (ZrtpPg *pg, GBytes *key, GError **error)
{
  State state = {0};
  gboolean ok = read_version (pg, &state, error) && check_version (pg, state.version, error) &&
                check_key (pg, key, state.key_check, error) &&
                (state.version == VERSION_NOW || upgrade (pg, NULL, error));

  g_clear_pointer (&state.key_check, g_bytes_unref);
  return ok;
}

/* --- All ------------------------------------------------------------------------------------------- */

static gboolean
prepare (ZrtpPg *pg, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (statements); i++)
    zrtp_pg_send_prepare (pg, statements[i].name, statements[i].sql);
  return zrtp_pg_finish_quietly (pg, error);
}

gboolean
zrtp_pg_set_up (ZrtpPg *pg, GBytes *key, GError **error)
{
  State state = {0};

  if (!is_suitable (pg, error))
    return FALSE;
  send_settings (pg);
  zrtp_pg_send_sql (pg, IS_THERE, NULL);
  return finish_is_there (pg, &state, error) && (state.has_cache || create (pg, key, error)) &&
         check_tables (pg, key, error) && prepare (pg, error);
}
