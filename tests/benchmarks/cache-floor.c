/* What SQLite must do for a cache at least: the same statements on the same schema with the same settings, by hand.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/benchmarks/cache-private.h"

#include "ext/nettle/zrtp-nettle.h"

#include <sqlite3.h>

enum {
  ZID_SIZE = 12,
  PROGRESS = 10000
};

/* ?18: the first place of the peer's records */
#define OF_PEER "place BETWEEN ?18 AND ?18 + 65535 AND +zid = ?1 AND +peer_zid = ?2"

#define COLUMNS                                                                                    \
  "zid, peer_zid, local_uri, peer_uri, name, rs1, rs2, pbx_secret, sealed, sas_verified, "         \
  "rs2_verified, expires, preshared_calls, first_seen, last_seen, calls, algorithms"

struct Floor {
  sqlite3 *db;
  sqlite3_stmt *begin, *commit, *select, *update;
};

static void
check (Floor *floor, gboolean ok, const gchar *what)
{
  if (!ok)
    g_error ("%s: %s", what, sqlite3_errmsg (floor->db));
}

static void
run (Floor *floor, const gchar *sql)
{
  check (floor, sqlite3_exec (floor->db, sql, NULL, NULL, NULL) == SQLITE_OK, sql);
}

static sqlite3_stmt *
prepare (Floor *floor, const gchar *sql)
{
  sqlite3_stmt *statement = NULL;

  check (floor,
      sqlite3_prepare_v3 (floor->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) ==
          SQLITE_OK,
      sql);
  return statement;
}

static void
bind (sqlite3_stmt *statement, int at, GBytes *bytes)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  sqlite3_bind_blob (statement, at, data, (int) size, SQLITE_STATIC);
}

/* The settings that belong to a connection and not to the file. */
Floor *
floor_open (const gchar *path)
{
  Floor *floor = g_new0 (Floor, 1);

  check (floor, sqlite3_open (path, &floor->db) == SQLITE_OK, path);
  run (floor, "PRAGMA mmap_size = 0; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
              "PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY");
  floor->begin = prepare (floor, "BEGIN IMMEDIATE");
  floor->commit = prepare (floor, "COMMIT");
  floor->select = prepare (floor, "SELECT " COLUMNS " FROM record WHERE " OF_PEER);
  floor->update = prepare (floor,
      "UPDATE record SET name = ?5, rs1 = ?6, rs2 = ?7, pbx_secret = ?8, sealed = ?9,"
      " sas_verified = ?10, rs2_verified = ?11, expires = ?12, preshared_calls = ?13,"
      " first_seen = ?14, last_seen = ?15, calls = ?16, algorithms = ?17"
      " WHERE " OF_PEER " AND +local_uri = ?3 AND +peer_uri = ?4");
  return floor;
}

void
floor_close (Floor *floor)
{
  sqlite3_finalize (floor->begin);
  sqlite3_finalize (floor->commit);
  sqlite3_finalize (floor->select);
  sqlite3_finalize (floor->update);
  sqlite3_close (floor->db);
  g_free (floor);
}

static void
step (Floor *floor, sqlite3_stmt *statement, int expected)
{
  check (floor, sqlite3_step (statement) == expected, sqlite3_sql (statement));
}

static void
finish (Floor *floor, sqlite3_stmt *statement)
{
  step (floor, statement, SQLITE_DONE);
  sqlite3_reset (statement);
}

/* As the cache computes it. */
static gint64
place_of (GBytes *zid, GBytes *peer_zid)
{
  const ZrtpBytes zids[2] = {
      {g_bytes_get_data (zid, NULL), ZID_SIZE}, {g_bytes_get_data (peer_zid, NULL), ZID_SIZE}};
  guint8 digest[32];
  guint64 place = 0;

  zrtp_nettle_s256.digest (zids, 2, digest);
  for (guint i = 0; i < 6; i++)
    place = place << 8 | digest[i];
  return (gint64) (place << 16);
}

/* The columns are read, as whoever wants to use them must. */
static void
select_one (Floor *floor, GBytes *zid, GBytes *peer_zid, int expected)
{
  bind (floor->select, 1, zid);
  bind (floor->select, 2, peer_zid);
  sqlite3_bind_int64 (floor->select, 18, place_of (zid, peer_zid));
  step (floor, floor->select, expected);
  for (int i = 0; expected == SQLITE_ROW && i < sqlite3_column_count (floor->select); i++)
    if (sqlite3_column_type (floor->select, i) == SQLITE_INTEGER)
      sqlite3_column_int64 (floor->select, i);
    else
      sqlite3_column_blob (floor->select, i);
}

void
floor_lookup (Floor *floor, GBytes *zid, GBytes *peer_zid)
{
  select_one (floor, zid, peer_zid, SQLITE_ROW);
  finish (floor, floor->select);
}

/* As in a call: rs1 becomes rs2, and the rest is written again. */
void
floor_update (Floor *floor, GBytes *zid, GBytes *peer_zid, GBytes *rs1)
{
  finish (floor, floor->begin);
  select_one (floor, zid, peer_zid, SQLITE_ROW);
  for (int i = 0; i < sqlite3_column_count (floor->select); i++)
    sqlite3_bind_value (floor->update, i + 1, sqlite3_column_value (floor->select, i));
  sqlite3_bind_int64 (floor->update, 18, place_of (zid, peer_zid));
  sqlite3_bind_value (floor->update, 7, sqlite3_column_value (floor->select, 5));
  bind (floor->update, 6, rs1);
  finish (floor, floor->select);
  finish (floor, floor->update);
  finish (floor, floor->commit);
}

void
floor_erase (Floor *floor)
{
  check (floor,
      sqlite3_wal_checkpoint_v2 (floor->db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) ==
          SQLITE_OK,
      "checkpoint");
}

/* --- Many -------------------------------------------------------------------------------------------------- */

static void
seal_for (sqlite3_stmt *insert, GstZrtpRecord *record, GBytes *key)
{
  GError *error = NULL;
  GBytes *sealed = gst_zrtp_record_seal (record, key, &error);
  gsize size;
  const guint8 *data;

  if (!sealed)
    g_error ("seal: %s", error->message);
  data = g_bytes_get_data (sealed, &size);
  sqlite3_bind_blob (insert, 2, data, (int) size, SQLITE_TRANSIENT);
  g_bytes_unref (sealed);
}

static void
add_peer (Floor *floor, sqlite3_stmt *insert, GstZrtpRecord *record, GBytes *peer_zid, GBytes *key)
{
  GBytes *zid;

  g_object_get (record, "zid", &zid, NULL);
  bind (insert, 1, peer_zid);
  sqlite3_bind_int64 (insert, 3, place_of (zid, peer_zid));
  if (key) {
    g_object_set (record, "peer-zid", peer_zid, NULL);
    seal_for (insert, record, key);
  }
  finish (floor, insert);
  g_bytes_unref (zid);
}

void
floor_fill (Floor *floor, GstZrtpRecord *record, guint64 n, GBytes *(*peer_zid) (guint64 i),
    GBytes *key, void (*progress) (guint64 done, guint64 of))
{
  GstZrtpRecord *copy = gst_zrtp_record_copy (record);
  sqlite3_stmt *insert;

  run (floor, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000;"
              "CREATE TEMP TABLE template AS SELECT * FROM record; BEGIN");
  insert = prepare (floor,
      "INSERT INTO record (place, " COLUMNS ") SELECT ?3, zid, ?1, local_uri, peer_uri, "
      "name, rs1, rs2, pbx_secret, ?2, sas_verified, rs2_verified, expires, "
      "preshared_calls, first_seen, last_seen, calls, algorithms "
      "FROM template");
  for (guint64 i = 1; i < n; i++) {
    GBytes *peer = peer_zid (i);

    add_peer (floor, insert, copy, peer, key);
    g_bytes_unref (peer);
    if (i % PROGRESS == 0)
      progress (i, n);
  }
  sqlite3_finalize (insert);
  g_object_unref (copy);
  run (floor, "COMMIT; PRAGMA journal_mode = WAL");
}
