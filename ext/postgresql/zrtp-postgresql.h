/* A cache in a PostgreSQL database, for gateways that share one identity and one set of secrets.
 *
 *   postgresqlcache.c   the GObject: what a cache does, as statements
 *   schema.c            the tables, their version, the statements
 *   pool.c              a few connections for the calls of a process
 *   connection.c        one connection: batches of statements, and a time limit for each
 *   place.c             where the server is: the URI
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef ZRTP_POSTGRESQL_H
#define ZRTP_POSTGRESQL_H

#include <gst/zrtp/zrtp.h>

#include <libpq-fe.h>

G_BEGIN_DECLS

GST_DEBUG_CATEGORY_EXTERN (zrtp_postgresql_debug);

/* No operation of a cache takes longer (but for the resolver, which libpq waits for): a call that is held up for that
 * long goes on without the cache. The server gives up before we do, so that it tells us why. */
#define ZRTP_PG_OPERATION_US (2000 * G_TIME_SPAN_MILLISECOND)
#define ZRTP_PG_STATEMENT_MS "1500"
#define ZRTP_PG_LOCK_MS "1000"
#define ZRTP_PG_IDLE_MS "700"

/* A server that takes so long to fail is left alone for a while, so that not every call waits. */
#define ZRTP_PG_SLOW_US (500 * G_TIME_SPAN_MILLISECOND)
#define ZRTP_PG_REST_US (2000 * G_TIME_SPAN_MILLISECOND)

#define ZRTP_PG_MAX_PARAMS 17

/* --- place.c ---------------------------------------------------------------------------------------- */

/* How to get there. Immutable; `text` names it for people, without the password. */
typedef struct {
  gchar **keywords, **values; /* for PQconnectStartParams() */
  gchar *text;
} ZrtpPgPlace;

gboolean zrtp_pg_place_init (ZrtpPgPlace *place, const gchar *uri, GError **error);
void zrtp_pg_place_clear (ZrtpPgPlace *place);

/* --- connection.c ----------------------------------------------------------------------------------- */

/* Used by one thread at a time. When anything on it fails it is closed, and with that what it began is undone. */
typedef struct {
  const ZrtpPgPlace *place;
  PGconn *conn;
  gint64 deadline; /* of the operation that it is used for, monotonic */
  guint n_sent;    /* statements of the batch */
  gboolean failed; /* one of them could not be sent */
} ZrtpPg;

/* The parameters of a statement, in libpq's binary format; what is added must live until it is sent. */
typedef struct {
  gint n;
  const gchar *values[ZRTP_PG_MAX_PARAMS];
  gint lengths[ZRTP_PG_MAX_PARAMS], formats[ZRTP_PG_MAX_PARAMS];
  guint64 numbers[ZRTP_PG_MAX_PARAMS];
} ZrtpPgParams;

void zrtp_pg_add_bytes (ZrtpPgParams *params, GBytes *bytes); /* NULL = NULL */
void zrtp_pg_add_text (ZrtpPgParams *params, const gchar *text);
void zrtp_pg_add_int32 (ZrtpPgParams *params, gint32 value);
void zrtp_pg_add_int64 (ZrtpPgParams *params, gint64 value);
void zrtp_pg_add_bool (ZrtpPgParams *params, gboolean value);

ZrtpPg *zrtp_pg_connect (const ZrtpPgPlace *place, gint64 deadline, GError **error);
void zrtp_pg_free (ZrtpPg *pg);
/* For one that another process made and goes on using: nothing is sent on it. */
void zrtp_pg_abandon (ZrtpPg *pg);
/* Nobody has closed it behind our back, as far as that can be told without asking the server. */
gboolean zrtp_pg_is_alive (ZrtpPg *pg);

/* A batch goes to the server in one piece and is answered in one piece. Without BEGIN it is one transaction. */
void zrtp_pg_send (ZrtpPg *pg, const gchar *statement, const ZrtpPgParams *params);
void zrtp_pg_send_sql (ZrtpPg *pg, const gchar *sql, const ZrtpPgParams *params);
void zrtp_pg_send_prepare (ZrtpPg *pg, const gchar *statement, const gchar *sql);
/* Element-type PGresult, one for each that was sent, wiped when it is freed; NULL on error. */
GPtrArray *zrtp_pg_finish (ZrtpPg *pg, GError **error);
gboolean zrtp_pg_finish_quietly (ZrtpPg *pg, GError **error);

/* --- schema.c --------------------------------------------------------------------------------------- */

/* Names of prepared statements; schema.c says what they are and what parameters they have. */
#define ZRTP_PG_BEGIN "zrtp-begin"
#define ZRTP_PG_COMMIT "zrtp-commit"
#define ZRTP_PG_LOCK "zrtp-lock"
#define ZRTP_PG_GET_ZID "zrtp-get-zid"
#define ZRTP_PG_ADD_ZID "zrtp-add-zid"
#define ZRTP_PG_SET_ZID "zrtp-set-zid"
#define ZRTP_PG_LIST_ZIDS "zrtp-list-zids"
#define ZRTP_PG_LOOKUP "zrtp-lookup"
#define ZRTP_PG_LIST "zrtp-list"
#define ZRTP_PG_STORE "zrtp-store"
#define ZRTP_PG_REMOVE "zrtp-remove"

/* Makes a new connection ready: settings, tables, key, statements. */
gboolean zrtp_pg_set_up (ZrtpPg *pg, GBytes *key, GError **error);

/* --- pool.c ----------------------------------------------------------------------------------------- */

typedef struct {
  GMutex lock;
  GCond changed;
  const ZrtpPgPlace *place;
  GBytes *key;
  guint max, n_open;
  pid_t process;     /* whose connections they are */
  GQueue idle;       /* ZrtpPg */
  gint64 rest_until; /* no other attempt to connect before; `failure` is why */
  GError *failure;
} ZrtpPgPool;

void zrtp_pg_pool_init (ZrtpPgPool *pool, const ZrtpPgPlace *place, GBytes *key, guint max);
void zrtp_pg_pool_clear (ZrtpPgPool *pool);
ZrtpPg *zrtp_pg_pool_take (ZrtpPgPool *pool, GError **error);
/* `problem`: what went wrong on it, or NULL. */
void zrtp_pg_pool_give (ZrtpPgPool *pool, ZrtpPg *pg, const GError *problem);

/* --- postgresqlcache.c ------------------------------------------------------------------------------ */

#define GST_TYPE_ZRTP_POSTGRESQL_CACHE (gst_zrtp_postgresql_cache_get_type ())
G_DECLARE_FINAL_TYPE (
    GstZrtpPostgresqlCache, gst_zrtp_postgresql_cache, GST, ZRTP_POSTGRESQL_CACHE, GObject)

G_END_DECLS

#endif
