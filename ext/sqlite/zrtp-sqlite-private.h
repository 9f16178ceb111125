/* What the files of this folder share.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef ZRTP_SQLITE_PRIVATE_H
#define ZRTP_SQLITE_PRIVATE_H

#include "gst/zrtp/zrtp-private.h"

#include <sqlite3.h>

/* "ZRTP": at octet 68 of the file, so that file(1) and we know whose it is. */
#define ZRTP_SQLITE_APPLICATION_ID 0x5a525450
#define ZRTP_SQLITE_SCHEMA_VERSION 2

#define ZRTP_SQLITE_MEMORY ":memory:"

typedef enum {
  ZRTP_SQLITE_BEGIN,
  ZRTP_SQLITE_COMMIT,
  ZRTP_SQLITE_GET_ZID,
  ZRTP_SQLITE_ADD_ZID,
  ZRTP_SQLITE_SET_ZID,
  ZRTP_SQLITE_LIST_ZIDS,
  ZRTP_SQLITE_LOOKUP,
  ZRTP_SQLITE_LIST,
  ZRTP_SQLITE_INSERT,
  ZRTP_SQLITE_UPDATE,
  ZRTP_SQLITE_DELETE,
  ZRTP_SQLITE_N_STATEMENTS,
} ZrtpSqliteStatement;

/* One connection, and the statements that it keeps. Not locked. */
typedef struct {
  gchar *path;
  GBytes *key;   /* NULL = not encrypted */
  pid_t process; /* that opened it */
  sqlite3 *db;
  sqlite3_stmt *statements[ZRTP_SQLITE_N_STATEMENTS];
  gint64 busy_since;   /* monotonic */
  gboolean has_traces; /* something was replaced or removed and stands in the -wal file still */
  gboolean must_erase; /* now */
  guint n_delayed;     /* updates since there are traces */
  gboolean is_counted; /* among the files that this process has open */
} ZrtpSqlite;

/* --- errors.c ------------------------------------------------------------------------------------ */

/* What went wrong in `db`, whose last call returned `code`, and what can be done about it. Right after that call. */
void zrtp_sqlite_set_error (ZrtpSqlite *self, int code, GError **error);
void zrtp_sqlite_set_errno (const gchar *path, int problem, GError **error);
void zrtp_sqlite_set_too_new (ZrtpSqlite *self, guint version, GError **error);
void zrtp_sqlite_set_damaged (ZrtpSqlite *self, const gchar *what, GError **error);

/* --- file.c -------------------------------------------------------------------------------------- */

/* There is a file, made now if need be, that we may use. It is not read and not changed. */
gboolean zrtp_sqlite_file_prepare (const gchar *path, GError **error);
/* It is a cache of ours, and a version that we know: looked at without touching it. */
gboolean zrtp_sqlite_file_check (ZrtpSqlite *self, GError **error);
/* Nobody else can read it from now on. */
void zrtp_sqlite_file_tighten (const gchar *path);

/* --- database.c ---------------------------------------------------------------------------------- */

gboolean zrtp_sqlite_open (ZrtpSqlite *self, GError **error);
/* It was not opened before a fork(). Needs no lock: another thread may have held it then. */
gboolean zrtp_sqlite_is_here (ZrtpSqlite *self, GError **error);
/* Opens it again when the file is not the one any more that its name stands for. */
gboolean zrtp_sqlite_ensure (ZrtpSqlite *self, GError **error);
void zrtp_sqlite_close (ZrtpSqlite *self);
/* Makes the schema in the empty `file`, which is going to be `path`. */
gboolean zrtp_sqlite_make (const gchar *file, const gchar *path, GError **error);

/* SQLITE_ROW or SQLITE_DONE; anything else, and the error is set. */
int zrtp_sqlite_step (ZrtpSqlite *self, sqlite3_stmt *statement, GError **error);
/* Ends what zrtp_sqlite_step() began. */
void zrtp_sqlite_reset (sqlite3_stmt *statement);
/* For one that returns no rows. */
gboolean zrtp_sqlite_run (ZrtpSqlite *self, ZrtpSqliteStatement statement, GError **error);
/* Any number of statements without results. */
gboolean zrtp_sqlite_exec (ZrtpSqlite *self, const gchar *sql, GError **error);

gboolean zrtp_sqlite_begin (ZrtpSqlite *self, GError **error);
/* Commits what went well, and rolls back what did not. */
gboolean zrtp_sqlite_end (ZrtpSqlite *self, gboolean ok, GError **error);

/* --- rows.c -------------------------------------------------------------------------------------- */

void zrtp_sqlite_bind_bytes (sqlite3_stmt *statement, int at, GBytes *bytes);
void zrtp_sqlite_bind_string (sqlite3_stmt *statement, int at, const gchar *string);
/* The first place of the records of these two, our ZID and the peer's. */
gint64 zrtp_sqlite_place (const ZrtpBytes zids[2]);
void zrtp_sqlite_bind_place (sqlite3_stmt *statement, const guint8 *zid, const guint8 *peer_zid);
/* The record's columns in the order of ZRTP_SQLITE_COLUMNS. */
gboolean zrtp_sqlite_bind_record (
    ZrtpSqlite *self, sqlite3_stmt *statement, GstZrtpRecord *record, GError **error);
void zrtp_sqlite_bind_keys (sqlite3_stmt *statement, GstZrtpRecord *record);
/* NULL, and the error is set, when the row is damaged. */
GstZrtpRecord *zrtp_sqlite_read_record (ZrtpSqlite *self, sqlite3_stmt *statement, GError **error);
/* The same for a row of ZID and URIs. */
GstZrtpRecord *zrtp_sqlite_read_zid (ZrtpSqlite *self, sqlite3_stmt *statement, GError **error);

#define ZRTP_SQLITE_COLUMNS                                                                        \
  "zid, peer_zid, local_uri, peer_uri, name, rs1, rs2, pbx_secret, sealed, sas_verified, "         \
  "rs2_verified, expires, preshared_calls, first_seen, last_seen, calls, algorithms"

#endif
