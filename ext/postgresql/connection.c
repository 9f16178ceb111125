/* One connection: batches of statements, and a time limit for each.
 *
 * libpq's own time limits do not help when a server accepts what we send and never answers, so all waiting is
 * done here.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "ext/postgresql/zrtp-postgresql.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* --- Errors ---------------------------------------------------------------------------------------- */

typedef struct {
  const gchar *state; /* the beginning of an SQLSTATE */
  GstZrtpCacheError code;
  const gchar *advice;
} Problem;

/* "PostgreSQL Error Codes", appendix A of its manual. The first that fits counts. */
static const Problem problems[] = {
    {"28", GST_ZRTP_CACHE_ERROR_PERMISSION,
        "check user and password (a password file, see passfile), and the server's pg_hba.conf"},
    {"3D000", GST_ZRTP_CACHE_ERROR_NOT_FOUND,
        "make the database: CREATE DATABASE ... OWNER ... ENCODING 'UTF8'"},
    {"42501", GST_ZRTP_CACHE_ERROR_PERMISSION,
        "the user must own the database, or be granted USAGE on the schema zrtp and SELECT, "
        "INSERT, "
        "UPDATE and DELETE on its tables"},
    {"25006", GST_ZRTP_CACHE_ERROR_READ_ONLY,
        "it is a standby or set to read only; name the primary, or all servers, in the location"},
    {"55P03", GST_ZRTP_CACHE_ERROR_BUSY, "somebody held a lock for too long; try again"},
    {"57014", GST_ZRTP_CACHE_ERROR_BUSY, "it took too long; the server has too much to do"},
    {"40", GST_ZRTP_CACHE_ERROR_BUSY, "try again"},
    {"53300", GST_ZRTP_CACHE_ERROR_BUSY, "raise the server's max_connections"},
    {"53100", GST_ZRTP_CACHE_ERROR_NO_SPACE, "make room on the server's disk"},
    {"53", GST_ZRTP_CACHE_ERROR_BUSY, "the server lacks memory or other resources"},
    {"57P", GST_ZRTP_CACHE_ERROR_NOT_FOUND,
        "the server is starting or shutting down; the next call tries again"},
    {"08", GST_ZRTP_CACHE_ERROR_NOT_FOUND, "the next call tries again"},
    {"XX00", GST_ZRTP_CACHE_ERROR_CORRUPT, "see the server's log"},
    {"58", GST_ZRTP_CACHE_ERROR_FAILED, "see the server's log"},
    {"42", GST_ZRTP_CACHE_ERROR_CORRUPT,
        "the tables in the schema zrtp are not those of a cache, or somebody changed them"},
    {"", GST_ZRTP_CACHE_ERROR_FAILED, "see the server's log"},
};

static const Problem *
find_problem (const gchar *state)
{
  const Problem *problem = problems;

  while (!g_str_has_prefix (state, problem->state))
    problem++;
  return problem;
}

/* Of a result only the first line: the details of a failure may quote a row. */
static void
set_sql_error (ZrtpPg *pg, GError **error, const gchar *state, const gchar *text)
{
  const Problem *problem = find_problem (state);

  g_set_error (error, GST_ZRTP_CACHE_ERROR, problem->code, "%s: %s (%s); %s", pg->place->text, text,
      state, problem->advice);
}

static void
set_lost (ZrtpPg *pg, GError **error)
{
  g_set_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_NOT_FOUND,
      "%s: the connection is lost; the next call tries again", pg->place->text);
}

static void
set_result_error (ZrtpPg *pg, GError **error, const PGresult *result)
{
  const gchar *state = PQresultErrorField (result, PG_DIAG_SQLSTATE);
  const gchar *text = PQresultErrorField (result, PG_DIAG_MESSAGE_PRIMARY);

  if (state)
    set_sql_error (pg, error, state, text ? text : "no reason given");
  else
    set_lost (pg, error);
}

static void
set_late (ZrtpPg *pg, GError **error)
{
  g_set_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_NOT_FOUND,
      "%s does not answer; check that it runs and can be reached", pg->place->text);
}

/* libpq's text after a failure to connect, on one line, without hints and places in source files. */
static gchar *
tidy (const gchar *message)
{
  gchar **lines = g_strsplit (message, "\n", -1);
  GString *text = g_string_new (NULL);

  for (gchar **line = lines; *line; line++)
    if (**line && !g_ascii_isspace (**line) && !g_regex_match_simple ("\\.c:[0-9]+$", *line, 0, 0))
      g_string_append_printf (text, "%s%s", text->len ? ", " : "", *line);
  g_strfreev (lines);
  return g_string_free (text, FALSE);
}

/* Takes the SQLSTATE out of the text, where it is because the verbose form was asked for: "FATAL:  28P01: ...". */
static gchar *
take_state (gchar **text)
{
  GRegex *regex = g_regex_new ("(: ) ([0-9A-Z]{5}): ", 0, 0, NULL);
  gchar *state = NULL, *rest;
  GMatchInfo *match;

  for (g_regex_match (regex, *text, 0, &match); g_match_info_matches (match);
       g_match_info_next (match, NULL)) {
    g_free (state);
    state = g_match_info_fetch (match, 2); /* the last server's */
  }
  rest = g_regex_replace (regex, *text, -1, 0, "\\1", 0, NULL);
  g_match_info_free (match);
  g_regex_unref (regex);
  g_free (*text);
  *text = rest;
  return state;
}

static void
set_connect_error (ZrtpPg *pg, GError **error)
{
  gchar *text = tidy (PQerrorMessage (pg->conn)), *state = take_state (&text);

  if (!state && PQconnectionNeedsPassword (pg->conn))
    state = g_strdup ("28P01");
  if (state)
    set_sql_error (pg, error, state, text);
  else
    g_set_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_NOT_FOUND,
        "%s cannot be reached: %s; check that it runs, and the location of the cache",
        pg->place->text, text);
  g_free (state);
  g_free (text);
}

/* --- Waiting --------------------------------------------------------------------------------------- */

/* FALSE when there is no time left. */
static gboolean
wait_for (ZrtpPg *pg, short events)
{
  struct pollfd fd = {.fd = PQsocket (pg->conn), .events = events};
  gint64 left;
  int n;

  do {
    left = pg->deadline - g_get_monotonic_time ();
    if (left <= 0)
      return FALSE;
    n = poll (&fd, 1, (int) (left / G_TIME_SPAN_MILLISECOND) + 1);
  } while (n < 0 && errno == EINTR);
  return n != 0;
}

/* Until the next result can be had without waiting. */
static gboolean
wait_for_result (ZrtpPg *pg, GError **error)
{
  int left_to_send;

  while ((left_to_send = PQflush (pg->conn)) == 1 || PQisBusy (pg->conn)) {
    if (!wait_for (pg, left_to_send == 1 ? POLLIN | POLLOUT : POLLIN)) {
      if (!*error)
        set_late (pg, error);
      return FALSE;
    }
    if (!PQconsumeInput (pg->conn))
      break;
  }
  return TRUE; /* a lost connection is a result, too */
}

/* --- Batches --------------------------------------------------------------------------------------- */

static void
add_value (ZrtpPgParams *params, const void *value, gsize size)
{
  g_assert (params->n < ZRTP_PG_MAX_PARAMS && size <= G_MAXINT);
  params->values[params->n] = value;
  params->lengths[params->n] = (gint) size;
  params->formats[params->n] = 1;
  params->n++;
}

void
zrtp_pg_add_bytes (ZrtpPgParams *params, GBytes *bytes)
{
  gsize size = 0;
  gconstpointer data = bytes ? g_bytes_get_data (bytes, &size) : NULL;

  add_value (params, bytes && !data ? "" : data, size);
}

void
zrtp_pg_add_text (ZrtpPgParams *params, const gchar *text)
{
  add_value (params, text ? text : "", text ? strlen (text) : 0);
}

void
zrtp_pg_add_int32 (ZrtpPgParams *params, gint32 value)
{
  const guint32 big = GUINT32_TO_BE ((guint32) value);

  memcpy (&params->numbers[params->n], &big, sizeof big);
  add_value (params, &params->numbers[params->n], sizeof big);
}

void
zrtp_pg_add_int64 (ZrtpPgParams *params, gint64 value)
{
  params->numbers[params->n] = GUINT64_TO_BE ((guint64) value);
  add_value (params, &params->numbers[params->n], sizeof params->numbers[0]);
}

void
zrtp_pg_add_bool (ZrtpPgParams *params, gboolean value)
{
  const guint8 octet = value ? 1 : 0;

  memcpy (&params->numbers[params->n], &octet, sizeof octet);
  add_value (params, &params->numbers[params->n], sizeof octet);
}

static void
sent (ZrtpPg *pg, int ok)
{
  pg->n_sent++;
  pg->failed |= !ok;
}

void
zrtp_pg_send (ZrtpPg *pg, const gchar *statement, const ZrtpPgParams *params)
{
  if (params)
    sent (pg, PQsendQueryPrepared (pg->conn, statement, params->n, params->values, params->lengths,
                  params->formats, 1));
  else
    sent (pg, PQsendQueryPrepared (pg->conn, statement, 0, NULL, NULL, NULL, 1));
}

void
zrtp_pg_send_sql (ZrtpPg *pg, const gchar *sql, const ZrtpPgParams *params)
{
  if (params)
    sent (pg, PQsendQueryParams (pg->conn, sql, params->n, NULL, params->values, params->lengths,
                  params->formats, 1));
  else
    sent (pg, PQsendQueryParams (pg->conn, sql, 0, NULL, NULL, NULL, NULL, 1));
}

void
zrtp_pg_send_prepare (ZrtpPg *pg, const gchar *statement, const gchar *sql)
{
  sent (pg, PQsendPrepare (pg->conn, statement, sql, 0, NULL));
}

/* What libpq keeps of a row that was read. */
static void
result_free (gpointer data)
{
  PGresult *result = data;

  for (int row = 0; row < PQntuples (result); row++)
    for (int column = 0; column < PQnfields (result); column++)
      if (!PQgetisnull (result, row, column))
        explicit_bzero (
            PQgetvalue (result, row, column), (gsize) PQgetlength (result, row, column));
  PQclear (result);
}

/* Takes the result. FALSE after the last one of the batch, and when there will be none. */
static gboolean
take_result (ZrtpPg *pg, PGresult *result, GPtrArray *results, GError **error)
{
  const ExecStatusType status = PQresultStatus (result);

  if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
    g_ptr_array_add (results, result);
    return TRUE;
  }
  /* what comes after a failure is PGRES_PIPELINE_ABORTED */
  if (status == PGRES_FATAL_ERROR && !*error)
    set_result_error (pg, error, result);
  PQclear (result);
  return status != PGRES_PIPELINE_SYNC;
}

static void
take_results (ZrtpPg *pg, GPtrArray *results, GError **error)
{
  gboolean more = TRUE;

  while (more && wait_for_result (pg, error)) {
    PGresult *result = PQgetResult (pg->conn); /* NULL between two statements */

    if (result)
      more = take_result (pg, result, results, error);
    else
      more = PQstatus (pg->conn) == CONNECTION_OK;
  }
}

GPtrArray *
zrtp_pg_finish (ZrtpPg *pg, GError **error)
{
  GPtrArray *results = g_ptr_array_new_with_free_func (result_free);
  const guint n_sent = pg->n_sent;
  GError *problem = NULL;

  if (!pg->failed && PQpipelineSync (pg->conn))
    take_results (pg, results, &problem);
  if (!problem && results->len < n_sent)
    set_lost (pg, &problem);
  pg->n_sent = 0;
  pg->failed = FALSE;
  if (!problem)
    return results;
  g_ptr_array_unref (results);
  g_propagate_error (error, problem);
  return NULL;
}

gboolean
zrtp_pg_finish_quietly (ZrtpPg *pg, GError **error)
{
  GPtrArray *results = zrtp_pg_finish (pg, error);

  if (!results)
    return FALSE;
  g_ptr_array_unref (results);
  return TRUE;
}

/* --- Beginning and end ----------------------------------------------------------------------------- */

/* libpq would print them on stderr. */
static void
on_notice (void *user, const PGresult *result)
{
  GST_CAT_DEBUG (zrtp_postgresql_debug, "%s", PQresultErrorField (result, PG_DIAG_MESSAGE_PRIMARY));
}

static gboolean
shake_hands (ZrtpPg *pg, GError **error)
{
  PostgresPollingStatusType status = PGRES_POLLING_WRITING;

  while (status == PGRES_POLLING_READING || status == PGRES_POLLING_WRITING) {
    if (!wait_for (pg, status == PGRES_POLLING_READING ? POLLIN : POLLOUT)) {
      set_late (pg, error);
      return FALSE;
    }
    status = PQconnectPoll (pg->conn);
  }
  if (status == PGRES_POLLING_OK)
    return TRUE;
  set_connect_error (pg, error);
  return FALSE;
}

static gboolean
start (ZrtpPg *pg, GError **error)
{
  pg->conn = PQconnectStartParams (
      (const char *const *) pg->place->keywords, (const char *const *) pg->place->values, FALSE);
  if (!pg->conn || PQstatus (pg->conn) == CONNECTION_BAD) {
    set_connect_error (pg, error);
    return FALSE;
  }
  PQsetNoticeReceiver (pg->conn, on_notice, NULL);
  PQsetErrorVerbosity (pg->conn, PQERRORS_VERBOSE); /* see set_connect_error() */
  return shake_hands (pg, error);
}

ZrtpPg *
zrtp_pg_connect (const ZrtpPgPlace *place, gint64 deadline, GError **error)
{
  ZrtpPg *pg = g_new0 (ZrtpPg, 1);

  pg->place = place;
  pg->deadline = deadline;
  if (!start (pg, error)) {
    zrtp_pg_free (pg);
    return NULL;
  }
  if (PQsetnonblocking (pg->conn, 1) == 0 && PQenterPipelineMode (pg->conn))
    return pg;
  set_lost (pg, error);
  zrtp_pg_free (pg);
  return NULL;
}

void
zrtp_pg_free (ZrtpPg *pg)
{
  PQfinish (pg->conn);
  g_free (pg);
}

/* PQfinish() would say goodbye in the name of the process that uses it. What libpq keeps of it is lost. */
void
zrtp_pg_abandon (ZrtpPg *pg)
{
  close (PQsocket (pg->conn));
  g_free (pg);
}

/* A server that goes away says so, or its system does: then there is something to read. */
gboolean
zrtp_pg_is_alive (ZrtpPg *pg)
{
  struct pollfd fd = {.fd = PQsocket (pg->conn), .events = POLLIN};

  return PQstatus (pg->conn) == CONNECTION_OK && poll (&fd, 1, 0) == 0;
}
