/* Records as rows, and rows as records.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "ext/sqlite/zrtp-sqlite-private.h"

#include <string.h>

/* The columns of ZRTP_SQLITE_COLUMNS, from 0. */
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

#define PLACE 18 /* the parameter after these */

/* --- Writing --------------------------------------------------------------------------------------- */

void
zrtp_sqlite_bind_bytes (sqlite3_stmt *statement, int at, GBytes *bytes)
{
  gsize size;
  const void *data = g_bytes_get_data (bytes, &size);

  sqlite3_bind_blob64 (statement, at, data, size, SQLITE_STATIC);
}

gint64
zrtp_sqlite_place (const ZrtpBytes zids[2])
{
  const ZrtpHash *hash = zrtp_crypto_hash (&gst_zrtp_crypto, ZRTP_TYPE ('S', '2', '5', '6'));
  guint8 digest[ZRTP_MAX_HASH];
  guint64 place = 0;

  hash->digest (zids, 2, digest);
  for (guint i = 0; i < 6; i++)
    place = place << 8 | digest[i];
  return (gint64) (place << 16);
}

void
zrtp_sqlite_bind_place (sqlite3_stmt *statement, const guint8 *zid, const guint8 *peer_zid)
{
  const ZrtpBytes zids[2] = {{zid, ZRTP_ZID_SIZE}, {peer_zid, ZRTP_ZID_SIZE}};

  sqlite3_bind_int64 (statement, PLACE, zrtp_sqlite_place (zids));
}

void
zrtp_sqlite_bind_string (sqlite3_stmt *statement, int at, const gchar *string)
{
  sqlite3_bind_text (statement, at, string, -1, SQLITE_STATIC);
}

static void
bind_secret (sqlite3_stmt *statement, int at, const GstZrtpSecret *secret)
{
  if (secret->is_set)
    sqlite3_bind_blob (statement, at, secret->octets, sizeof secret->octets, SQLITE_STATIC);
}

static gboolean
bind_sealed (ZrtpSqlite *self, sqlite3_stmt *statement, GstZrtpRecord *record, GError **error)
{
  GBytes *sealed = gst_zrtp_record_seal (record, self->key, error);
  gsize size;
  const void *data;

  if (!sealed)
    return FALSE;
  data = g_bytes_get_data (sealed, &size);
  sqlite3_bind_blob64 (statement, 1 + SEALED, data, size, SQLITE_TRANSIENT);
  g_bytes_unref (sealed);
  return TRUE;
}

void
zrtp_sqlite_bind_keys (sqlite3_stmt *statement, GstZrtpRecord *record)
{
  sqlite3_bind_blob (statement, 1 + ZID, record->zid, sizeof record->zid, SQLITE_STATIC);
  sqlite3_bind_blob (
      statement, 1 + PEER_ZID, record->peer_zid, sizeof record->peer_zid, SQLITE_STATIC);
  zrtp_sqlite_bind_string (statement, 1 + LOCAL_URI, record->local_uri);
  zrtp_sqlite_bind_string (statement, 1 + PEER_URI, record->peer_uri);
}

gboolean
zrtp_sqlite_bind_record (
    ZrtpSqlite *self, sqlite3_stmt *statement, GstZrtpRecord *record, GError **error)
{
  zrtp_sqlite_bind_keys (statement, record);
  zrtp_sqlite_bind_string (statement, 1 + NAME, record->name);
  sqlite3_bind_int (statement, 1 + SAS_VERIFIED, !!record->rs1.verified);
  sqlite3_bind_int (statement, 1 + RS2_VERIFIED, !!record->rs2.verified);
  sqlite3_bind_int64 (statement, 1 + EXPIRES, record->expires);
  sqlite3_bind_int64 (statement, 1 + PRESHARED_CALLS, record->preshared_calls);
  sqlite3_bind_int64 (statement, 1 + FIRST_SEEN, record->first_seen);
  sqlite3_bind_int64 (statement, 1 + LAST_SEEN, record->last_seen);
  sqlite3_bind_int64 (statement, 1 + CALLS, (gint64) MIN (record->calls, G_MAXINT64));
  zrtp_sqlite_bind_string (statement, 1 + ALGORITHMS, record->algorithms);
  if (self->key)
    return bind_sealed (self, statement, record, error);
  bind_secret (statement, 1 + RS1, &record->rs1);
  bind_secret (statement, 1 + RS2, &record->rs2);
  bind_secret (statement, 1 + PBX_SECRET, &record->pbx_secret);
  return TRUE;
}

/* --- Reading --------------------------------------------------------------------------------------- */

static gboolean
read_octets (sqlite3_stmt *statement, int at, guint8 *out, gsize size)
{
  const void *data = sqlite3_column_blob (statement, at);

  if (!data || sqlite3_column_type (statement, at) != SQLITE_BLOB ||
      (gsize) sqlite3_column_bytes (statement, at) != size)
    return FALSE;
  memcpy (out, data, size);
  return TRUE;
}

static gboolean
read_secret (sqlite3_stmt *statement, int at, GstZrtpSecret *out)
{
  if (sqlite3_column_type (statement, at) == SQLITE_NULL)
    return TRUE;
  out->is_set = read_octets (statement, at, out->octets, sizeof out->octets);
  return out->is_set;
}

static gboolean
read_string (sqlite3_stmt *statement, int at, gchar **out)
{
  const gchar *text = (const gchar *) sqlite3_column_text (statement, at);

  /* this also finds a NUL within */
  if (!text || !g_utf8_validate (text, sqlite3_column_bytes (statement, at), NULL))
    return FALSE;
  gst_zrtp_record_set_string (out, text);
  return TRUE;
}

static gboolean
read_number (sqlite3_stmt *statement, int at, gint64 max, gint64 *out)
{
  *out = sqlite3_column_int64 (statement, at);
  return sqlite3_column_type (statement, at) == SQLITE_INTEGER && *out >= 0 && *out <= max;
}

static gboolean
read_numbers (sqlite3_stmt *statement, GstZrtpRecord *record)
{
  gint64 sas_verified, rs2_verified, preshared_calls, calls;

  if (!read_number (statement, SAS_VERIFIED, 1, &sas_verified) ||
      !read_number (statement, RS2_VERIFIED, 1, &rs2_verified) ||
      !read_number (statement, EXPIRES, G_MAXINT64, &record->expires) ||
      !read_number (statement, PRESHARED_CALLS, G_MAXUINT8, &preshared_calls) ||
      !read_number (statement, FIRST_SEEN, G_MAXINT64, &record->first_seen) ||
      !read_number (statement, LAST_SEEN, G_MAXINT64, &record->last_seen) ||
      !read_number (statement, CALLS, G_MAXINT64, &calls))
    return FALSE;
  record->rs1.verified = (gboolean) sas_verified;
  record->rs2.verified = (gboolean) rs2_verified;
  record->preshared_calls = (guint) preshared_calls;
  record->calls = (guint64) calls;
  return TRUE;
}

static gboolean
read_identity (sqlite3_stmt *statement, GstZrtpRecord *record)
{
  return read_octets (statement, ZID, record->zid, sizeof record->zid) &&
         read_octets (statement, PEER_ZID, record->peer_zid, sizeof record->peer_zid) &&
         read_string (statement, LOCAL_URI, &record->local_uri) &&
         read_string (statement, PEER_URI, &record->peer_uri) &&
         read_string (statement, NAME, &record->name) &&
         read_string (statement, ALGORITHMS, &record->algorithms);
}

/* A plain secret in an encrypted cache is one that somebody else put there. */
static gboolean
read_sealed (ZrtpSqlite *self, sqlite3_stmt *statement, GstZrtpRecord *record)
{
  const void *data = sqlite3_column_blob (statement, SEALED);
  GBytes *sealed = g_bytes_new (data, (gsize) sqlite3_column_bytes (statement, SEALED));
  const gboolean ok = gst_zrtp_record_unseal (record, self->key, sealed, NULL);

  g_bytes_unref (sealed);
  return ok;
}

static gboolean
read_plain (sqlite3_stmt *statement, GstZrtpRecord *record)
{
  return sqlite3_column_type (statement, SEALED) == SQLITE_NULL &&
         read_secret (statement, RS1, &record->rs1) && read_secret (statement, RS2, &record->rs2) &&
         read_secret (statement, PBX_SECRET, &record->pbx_secret);
}

GstZrtpRecord *
zrtp_sqlite_read_record (ZrtpSqlite *self, sqlite3_stmt *statement, GError **error)
{
  GstZrtpRecord *record = gst_zrtp_record_new ();

  if (!read_identity (statement, record) || !read_numbers (statement, record) ||
      (!self->key && !read_plain (statement, record)))
    zrtp_sqlite_set_damaged (self, "a record has impossible values", error);
  else if (self->key && !read_sealed (self, statement, record))
    zrtp_sqlite_set_damaged (self, "a record was changed by somebody who has not the key", error);
  else
    return record;
  g_object_unref (record);
  return NULL;
}

GstZrtpRecord *
zrtp_sqlite_read_zid (ZrtpSqlite *self, sqlite3_stmt *statement, GError **error)
{
  GstZrtpRecord *record = gst_zrtp_record_new ();

  if (read_octets (statement, 0, record->zid, sizeof record->zid) &&
      read_string (statement, 1, &record->local_uri) &&
      read_string (statement, 2, &record->peer_uri))
    return record;
  zrtp_sqlite_set_damaged (self, "a ZID has impossible values", error);
  g_object_unref (record);
  return NULL;
}
