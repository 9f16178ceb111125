/* The database: settings, schema, key, statements, transactions.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "ext/sqlite/zrtp-sqlite-private.h"

#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

#define MAX_DELAYED 16                /* updates by calls before their old secrets leave the log */
#define BUSY_TIMEOUT (G_USEC_PER_SEC) /* microseconds */

/* --- Schema ---------------------------------------------------------------------------------------- */

/* Either the plain secrets are NULL or `sealed` is: see gst_zrtp_record_seal(). `meta` has `key-check` when the
 * cache is encrypted: nothing, sealed with its key.
 *
 * `place` puts the records of a peer side by side, so that a lookup reads one page of the table however many records
 * there are: 48 bits of a hash of both ZIDs, then 16 bits that count. Strangers choose their ZIDs; the hash keeps them from
 * filling the places of somebody else: 65536 of them would have to be found, each with 2^48 tries. Only lookup and update
 * depend on it. */
static const gchar schema[] =
    "CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL)"
    "  STRICT, WITHOUT ROWID;"
    "CREATE TABLE zid (local_uri TEXT NOT NULL, peer_uri TEXT NOT NULL, zid BLOB NOT NULL,"
    "  PRIMARY KEY (local_uri, peer_uri)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE record (place INTEGER PRIMARY KEY, zid BLOB NOT NULL, peer_zid BLOB NOT NULL,"
    "  local_uri TEXT NOT NULL, peer_uri TEXT NOT NULL, name TEXT NOT NULL,"
    "  rs1 BLOB, rs2 BLOB, pbx_secret BLOB, sealed BLOB,"
    "  sas_verified INTEGER NOT NULL, rs2_verified INTEGER NOT NULL, expires INTEGER NOT NULL,"
    "  preshared_calls INTEGER NOT NULL, first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL,"
    "  calls INTEGER NOT NULL, algorithms TEXT NOT NULL,"
    "  UNIQUE (zid, peer_zid, local_uri, peer_uri)) STRICT;";

/* ?18: zrtp_sqlite_bind_place() */
#define FIRST_PLACE "?18"
#define LAST_PLACE "?18 + 65535"
/* The unary plus keeps SQLite from taking the other index. */
#define OF_PEER "place BETWEEN " FIRST_PLACE " AND " LAST_PLACE " AND +zid = ?1 AND +peer_zid = ?2"

/* Version 1 knew no URIs, and one verified flag for a peer. */
static const gchar from_version_1[] =
    "INSERT INTO zid SELECT '', '', zid FROM own LIMIT 1;"
    "INSERT INTO record SELECT zrtp_place (own.zid, peer.zid) - 1"
    "  + row_number () OVER (PARTITION BY zrtp_place (own.zid, peer.zid)), own.zid, peer.zid, '', "
    "'',"
    "  ifnull (name, ''), rs1, rs2, NULL, NULL,"
    "  ifnull (verified, 0), 0, ifnull (expires, 9223372036854775807), 0, 0, 0, 0, ''"
    "  FROM peer, (SELECT zid FROM own LIMIT 1) AS own;"
    "DROP TABLE own;"
    "DROP TABLE peer;";

/* An encrypted cache takes no plain record from a process that opened it when it was empty and had no key. */
static const gchar *const sql[ZRTP_SQLITE_N_STATEMENTS] = {
    [ZRTP_SQLITE_BEGIN] = "BEGIN IMMEDIATE",
    [ZRTP_SQLITE_COMMIT] = "COMMIT",
    [ZRTP_SQLITE_GET_ZID] =
        "SELECT zid, local_uri, peer_uri FROM zid WHERE local_uri = ?1 AND peer_uri = ?2",
    [ZRTP_SQLITE_ADD_ZID] = "INSERT INTO zid VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    [ZRTP_SQLITE_SET_ZID] = "INSERT OR REPLACE INTO zid VALUES (?1, ?2, ?3)",
    [ZRTP_SQLITE_LIST_ZIDS] = "SELECT zid, local_uri, peer_uri FROM zid"
                              " ORDER BY zid, local_uri, peer_uri",
    [ZRTP_SQLITE_LOOKUP] = "SELECT " ZRTP_SQLITE_COLUMNS " FROM record WHERE " OF_PEER,
    [ZRTP_SQLITE_LIST] = "SELECT " ZRTP_SQLITE_COLUMNS " FROM record"
                         " WHERE (zid, peer_zid, local_uri, peer_uri) > (?1, ?2, ?3, ?4)"
                         " ORDER BY zid, peer_zid, local_uri, peer_uri LIMIT ?5",
    [ZRTP_SQLITE_INSERT] =
        "INSERT INTO record (" ZRTP_SQLITE_COLUMNS ", place)"
        " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,"
        " ifnull (last + 1, " FIRST_PLACE ")"
        " FROM (SELECT max (place) AS last FROM record"
        "       WHERE place BETWEEN " FIRST_PLACE " AND " LAST_PLACE ")"
        " WHERE last IS NOT " LAST_PLACE " AND (?9 IS NOT NULL"
        "   OR NOT EXISTS (SELECT 1 FROM meta WHERE name = 'key-check'))",
    [ZRTP_SQLITE_UPDATE] =
        "UPDATE record SET name = ?5, rs1 = ?6, rs2 = ?7, pbx_secret = ?8, sealed = ?9,"
        " sas_verified = ?10, rs2_verified = ?11, expires = ?12, preshared_calls = ?13,"
        " first_seen = ?14, last_seen = ?15, calls = ?16, algorithms = ?17"
        " WHERE " OF_PEER " AND +local_uri = ?3 AND +peer_uri = ?4",
    [ZRTP_SQLITE_DELETE] =
        "DELETE FROM record WHERE " OF_PEER " AND +local_uri = ?3 AND +peer_uri = ?4",
};

/* --- Statements ------------------------------------------------------------------------------------ */

int
zrtp_sqlite_step (ZrtpSqlite *self, sqlite3_stmt *statement, GError **error)
{
  int code;

  errno = 0;
  code = sqlite3_step (statement);
  if (code != SQLITE_ROW && code != SQLITE_DONE)
    zrtp_sqlite_set_error (self, code, error);
  return code;
}

void
zrtp_sqlite_reset (sqlite3_stmt *statement)
{
  sqlite3_reset (statement);
  sqlite3_clear_bindings (statement);
}

gboolean
zrtp_sqlite_run (ZrtpSqlite *self, ZrtpSqliteStatement which, GError **error)
{
  const int code = zrtp_sqlite_step (self, self->statements[which], error);

  zrtp_sqlite_reset (self->statements[which]);
  return code == SQLITE_DONE;
}

gboolean
zrtp_sqlite_exec (ZrtpSqlite *self, const gchar *text, GError **error)
{
  int code;

  errno = 0;
  code = sqlite3_exec (self->db, text, NULL, NULL, NULL);
  if (code != SQLITE_OK)
    zrtp_sqlite_set_error (self, code, error);
  return code == SQLITE_OK;
}

static gboolean
prepare_all (ZrtpSqlite *self, GError **error)
{
  for (guint i = 0; i < ZRTP_SQLITE_N_STATEMENTS; i++) {
    const int code = sqlite3_prepare_v3 (
        self->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &self->statements[i], NULL);

    if (code != SQLITE_OK) {
      zrtp_sqlite_set_error (self, code, error);
      return FALSE;
    }
  }
  return TRUE;
}

/* The first column of the first row, as a number. */
static gboolean
ask_number (ZrtpSqlite *self, const gchar *question, gint64 *answer, GError **error)
{
  sqlite3_stmt *statement = NULL;
  int code = sqlite3_prepare_v2 (self->db, question, -1, &statement, NULL);

  *answer = 0;
  if (code == SQLITE_OK)
    code = sqlite3_step (statement);
  if (code == SQLITE_ROW)
    *answer = sqlite3_column_int64 (statement, 0);
  else
    zrtp_sqlite_set_error (self, code, error);
  sqlite3_finalize (statement);
  return code == SQLITE_ROW;
}

/* --- Transactions ---------------------------------------------------------------------------------- */

/* SQLite's own waits ever longer between two looks, up to 100 ms, and so loses against those who come back at once. */
static int
on_busy (void *data, int n_before)
{
  ZrtpSqlite *self = data;
  const gint64 now = g_get_monotonic_time ();

  if (n_before == 0)
    self->busy_since = now;
  if (now - self->busy_since > BUSY_TIMEOUT)
    return 0;
  g_usleep ((gulong) g_random_int_range (200, 2000));
  return 1;
}

gboolean
zrtp_sqlite_begin (ZrtpSqlite *self, GError **error)
{
  return zrtp_sqlite_run (self, ZRTP_SQLITE_BEGIN, error);
}

/* A write-ahead log keeps what pages were like before. This moves all into the database, and cuts the log to nothing. It
 * cannot when another process is reading an older state; then the next one does it. */
static void
remove_traces (ZrtpSqlite *self)
{
  if (sqlite3_wal_checkpoint_v2 (self->db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) !=
      SQLITE_OK)
    return;
  self->has_traces = self->must_erase = FALSE;
  self->n_delayed = 0;
}

/* This costs more than the update itself, so secrets that calls have renewed go a few at a time. */
static gboolean
is_time_to_erase (ZrtpSqlite *self)
{
  return self->has_traces && (self->must_erase || ++self->n_delayed >= MAX_DELAYED);
}

/* There are no statements yet while the database is being opened. */
static gboolean
commit (ZrtpSqlite *self, GError **error)
{
  if (self->statements[ZRTP_SQLITE_COMMIT])
    return zrtp_sqlite_run (self, ZRTP_SQLITE_COMMIT, error);
  return zrtp_sqlite_exec (self, "COMMIT", error);
}

gboolean
zrtp_sqlite_end (ZrtpSqlite *self, gboolean ok, GError **error)
{
  ok = ok && commit (self, error);
  if (!ok && !sqlite3_get_autocommit (self->db))
    sqlite3_exec (self->db, "ROLLBACK", NULL, NULL, NULL);
  if (ok && is_time_to_erase (self))
    remove_traces (self);
  return ok;
}

/* --- Versions -------------------------------------------------------------------------------------- */

static gboolean
set_version (ZrtpSqlite *self, GError **error)
{
  gchar *text = g_strdup_printf ("PRAGMA application_id = %d; PRAGMA user_version = %d",
      ZRTP_SQLITE_APPLICATION_ID, ZRTP_SQLITE_SCHEMA_VERSION);
  const gboolean ok = zrtp_sqlite_exec (self, text, error);

  g_free (text);
  return ok;
}

static gboolean
make_schema (ZrtpSqlite *self, GError **error)
{
  return zrtp_sqlite_exec (self, "BEGIN IMMEDIATE", error) &&
         zrtp_sqlite_exec (self, schema, error) && set_version (self, error) &&
         zrtp_sqlite_exec (self, "COMMIT", error);
}

/* In a transaction. */
static gboolean
migrate (ZrtpSqlite *self, GError **error)
{
  gint64 version;

  if (!ask_number (self, "PRAGMA user_version", &version, error))
    return FALSE;
  if (version == ZRTP_SQLITE_SCHEMA_VERSION) /* another process was faster */
    return TRUE;
  if (version != 1) {
    zrtp_sqlite_set_damaged (self, "its format has an impossible number", error);
    return FALSE;
  }
  self->has_traces = self->must_erase = TRUE;
  return zrtp_sqlite_exec (self, schema, error) && zrtp_sqlite_exec (self, from_version_1, error) &&
         set_version (self, error);
}

/* The header that was looked at first may be older than the write-ahead log. */
static gboolean
update_schema (ZrtpSqlite *self, GError **error)
{
  gint64 version;

  if (!ask_number (self, "PRAGMA user_version", &version, error))
    return FALSE;
  if (version == ZRTP_SQLITE_SCHEMA_VERSION)
    return TRUE;
  if (version > ZRTP_SQLITE_SCHEMA_VERSION) {
    zrtp_sqlite_set_too_new (self, (guint) version, error);
    return FALSE;
  }
  return zrtp_sqlite_exec (self, "BEGIN IMMEDIATE", error) &&
         zrtp_sqlite_end (self, migrate (self, error), error);
}

/* --- Key ------------------------------------------------------------------------------------------- */

/* A record without secrets, about nobody. */
static GstZrtpRecord *
key_check_record (void)
{
  return g_object_new (GST_TYPE_ZRTP_RECORD, "name", "key-check", NULL);
}

static gboolean
set_wrong_key (ZrtpSqlite *self, const gchar *text, GError **error)
{
  g_set_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_WRONG_KEY, "the cache %s %s",
      self->path, text);
  return FALSE;
}

static gboolean
check_key (ZrtpSqlite *self, GBytes *sealed, GError **error)
{
  GstZrtpRecord *record = key_check_record ();
  const gboolean ok = gst_zrtp_record_unseal (record, self->key, sealed, NULL);

  g_object_unref (record);
  return ok ||
         set_wrong_key (self, "is encrypted with another key: set the right cache-key", error);
}

static gboolean
add_key_check (ZrtpSqlite *self, sqlite3_stmt *statement, GError **error)
{
  GstZrtpRecord *record = key_check_record ();
  GBytes *sealed = gst_zrtp_record_seal (record, self->key, error);
  gboolean ok = FALSE;

  g_object_unref (record);
  if (!sealed)
    return FALSE;
  zrtp_sqlite_bind_bytes (statement, 1, sealed);
  ok = zrtp_sqlite_step (self, statement, error) == SQLITE_DONE;
  zrtp_sqlite_reset (statement);
  g_bytes_unref (sealed);
  return ok;
}

/* In a transaction: a cache without records becomes an encrypted one. */
static gboolean
encrypt_empty (ZrtpSqlite *self, GError **error)
{
  sqlite3_stmt *statement = NULL;
  gint64 is_used;
  gboolean ok;

  if (!ask_number (self, "SELECT EXISTS (SELECT 1 FROM record)", &is_used, error))
    return FALSE;
  if (is_used)
    return set_wrong_key (self,
        "is not encrypted, but a key is set: set none, or export its records and import them into "
        "a new cache that has the key",
        error);
  ok = sqlite3_prepare_v2 (self->db, "INSERT INTO meta VALUES ('key-check', ?1)", -1, &statement,
           NULL) == SQLITE_OK &&
       add_key_check (self, statement, error);
  sqlite3_finalize (statement);
  return ok;
}

/* NULL when there is none, and on error. */
static GBytes *
read_key_check (ZrtpSqlite *self, GError **error)
{
  sqlite3_stmt *statement = NULL;
  GBytes *sealed = NULL;
  int code = sqlite3_prepare_v2 (
      self->db, "SELECT value FROM meta WHERE name = 'key-check'", -1, &statement, NULL);

  if (code == SQLITE_OK)
    code = sqlite3_step (statement);
  if (code == SQLITE_ROW)
    sealed = g_bytes_new (
        sqlite3_column_blob (statement, 0), (gsize) sqlite3_column_bytes (statement, 0));
  else if (code != SQLITE_DONE)
    zrtp_sqlite_set_error (self, code, error);
  sqlite3_finalize (statement);
  return sealed;
}

static gboolean
compare_key (ZrtpSqlite *self, GBytes *sealed, GError **error)
{
  if (self->key)
    return check_key (self, sealed, error);
  return set_wrong_key (self, "is encrypted: set its cache-key", error);
}

static gboolean
introduce_key (ZrtpSqlite *self, GError **error)
{
  GError *problem = NULL;
  GBytes *sealed;
  gboolean ok;

  if (!zrtp_sqlite_exec (self, "BEGIN IMMEDIATE", error))
    return FALSE;
  sealed = read_key_check (self, &problem); /* another process may have been faster */
  if (problem)
    g_propagate_error (error, problem);
  ok = !problem && (sealed ? check_key (self, sealed, error) : encrypt_empty (self, error));
  ok = zrtp_sqlite_end (self, ok, error);
  g_clear_pointer (&sealed, g_bytes_unref);
  return ok;
}

static gboolean
is_right_key (ZrtpSqlite *self, GError **error)
{
  GError *problem = NULL;
  GBytes *sealed;
  gboolean ok;

  if (self->key && !gst_zrtp_seal_check_key (self->key, error))
    return FALSE;
  sealed = read_key_check (self, &problem);
  if (problem) {
    g_propagate_error (error, problem);
    return FALSE;
  }
  if (sealed)
    ok = compare_key (self, sealed, error);
  else
    ok = !self->key || introduce_key (self, error);
  g_clear_pointer (&sealed, g_bytes_unref);
  return ok;
}

/* --- Processes ------------------------------------------------------------------------------------- */

/* What SQLite knows of the files that it has open cannot be carried over a fork(): the child inherits no POSIX lock, and
 * believes that it holds all of them. It keeps that for each file, so opening the same file once more does not help. */
#define N_OPEN (((guint64) 1 << 32) - 1)

static _Atomic guint64 opened; /* the process << 32 | how many files it has open */

static gboolean
enter_process (void)
{
  const guint64 here = (guint64) getpid () << 32;
  guint64 before = atomic_load (&opened), after;

  do {
    if ((before & N_OPEN) && (before & ~N_OPEN) != here)
      return FALSE;
    after = here | ((before & N_OPEN) + 1);
  } while (!atomic_compare_exchange_weak (&opened, &before, after));
  return TRUE;
}

static void
leave_process (void)
{
  atomic_fetch_sub (&opened, 1);
}

static gboolean
set_forked (ZrtpSqlite *self, const gchar *what, GError **error)
{
  g_set_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_FAILED,
      "the cache %s cannot be used in this process: %s was opened before fork(); open the cache "
      "after fork(), and none before",
      self->path, what);
  return FALSE;
}

static gboolean
is_memory (ZrtpSqlite *self)
{
  return g_str_equal (self->path, ZRTP_SQLITE_MEMORY);
}

static gboolean
is_inherited (ZrtpSqlite *self)
{
  return !is_memory (self) && self->process != getpid ();
}

gboolean
zrtp_sqlite_is_here (ZrtpSqlite *self, GError **error)
{
  return !is_inherited (self) || set_forked (self, "it", error);
}

/* --- Opening --------------------------------------------------------------------------------------- */

/* zrtp_place (ZID, PEER_ZID) */
static void
tell_place (sqlite3_context *context, int n, sqlite3_value **values)
{
  ZrtpBytes zids[2];

  for (int i = 0; i < 2; i++) {
    zids[i].data = sqlite3_value_blob (values[i]);
    zids[i].size = (gsize) sqlite3_value_bytes (values[i]);
  }
  sqlite3_result_int64 (context, zrtp_sqlite_place (zids));
}

/* Nothing that a stranger wrote into the file is run. */
static void
harden (sqlite3 *db)
{
  sqlite3_db_config (db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  sqlite3_db_config (db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
  sqlite3_db_config (db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
  sqlite3_db_config (db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
  sqlite3_limit (db, SQLITE_LIMIT_LENGTH, 1 << 20);
}

static int
add_functions (sqlite3 *db)
{
  return sqlite3_create_function_v2 (db, "zrtp_place", 2,
      SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL, tell_place, NULL, NULL, NULL);
}

static gboolean
connect_file (ZrtpSqlite *self, const gchar *file, GError **error)
{
  const int code = sqlite3_open_v2 (
      file, &self->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);

  if (code != SQLITE_OK || add_functions (self->db) != SQLITE_OK) {
    zrtp_sqlite_set_error (self, sqlite3_extended_errcode (self->db), error);
    return FALSE;
  }
  sqlite3_busy_handler (self->db, on_busy, self);
  harden (self->db);
  return TRUE;
}

/* No memory map: a file that somebody cuts would end the process with SIGBUS. The -shm file is one all the same, that
 * is how SQLite's processes know of each other: who may write to it can end them. */
static gboolean
configure (ZrtpSqlite *self, GError **error)
{
  return zrtp_sqlite_exec (self,
      "PRAGMA mmap_size = 0; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
      "PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;",
      error);
}

gboolean
zrtp_sqlite_make (const gchar *file, const gchar *path, GError **error)
{
  ZrtpSqlite draft = {.path = (gchar *) path};
  const gboolean ok = connect_file (&draft, file, error) && make_schema (&draft, error) &&
                      configure (&draft, error);

  sqlite3_close (draft.db);
  return ok;
}

static gboolean
open_memory (ZrtpSqlite *self, GError **error)
{
  return connect_file (self, self->path, error) && configure (self, error) &&
         make_schema (self, error);
}

static gboolean
open_file (ZrtpSqlite *self, GError **error)
{
  if (!enter_process ())
    return set_forked (self, "a cache", error);
  self->is_counted = TRUE;
  if (!zrtp_sqlite_file_prepare (self->path, error) || !connect_file (self, self->path, error) ||
      !zrtp_sqlite_file_check (self, error))
    return FALSE;
  zrtp_sqlite_file_tighten (self->path);
  return configure (self, error) && update_schema (self, error);
}

gboolean
zrtp_sqlite_open (ZrtpSqlite *self, GError **error)
{
  if ((is_memory (self) ? open_memory (self, error) : open_file (self, error)) &&
      is_right_key (self, error) && prepare_all (self, error))
    return TRUE;
  zrtp_sqlite_close (self);
  return FALSE;
}

/* What is stored in a file without a name is lost. */
static gboolean
is_gone (ZrtpSqlite *self)
{
  int has_moved = 0;

  sqlite3_file_control (self->db, "main", SQLITE_FCNTL_HAS_MOVED, &has_moved);
  return has_moved != 0;
}

gboolean
zrtp_sqlite_ensure (ZrtpSqlite *self, GError **error)
{
  if (self->db && (is_memory (self) || !is_gone (self)))
    return TRUE;
  if (self->db)
    GST_WARNING ("the cache %s was moved, removed or replaced; it is opened again", self->path);
  self->has_traces = FALSE;
  zrtp_sqlite_close (self);
  return zrtp_sqlite_open (self, error);
}

/* Of a copy in another process nothing is closed: that would remove what the first one is using. */
void
zrtp_sqlite_close (ZrtpSqlite *self)
{
  if (is_inherited (self))
    return;
  if (self->db && self->has_traces)
    remove_traces (self);
  for (guint i = 0; i < ZRTP_SQLITE_N_STATEMENTS; i++)
    g_clear_pointer (&self->statements[i], sqlite3_finalize);
  g_clear_pointer (&self->db, sqlite3_close);
  if (self->is_counted)
    leave_process ();
  self->is_counted = FALSE;
}
