/* A few connections for the calls of a process.
 *
 * One would do for the number of calls, but a call that waits for a lock, or for a slow disk, would hold up all the
 * others. Connections are made when they are needed.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "ext/postgresql/zrtp-postgresql.h"

#include <unistd.h>

void
zrtp_pg_pool_init (ZrtpPgPool *pool, const ZrtpPgPlace *place, GBytes *key, guint max)
{
  *pool = (ZrtpPgPool){.place = place, .key = key, .max = max, .rest_until = G_MININT64};
  pool->process = getpid ();
  g_mutex_init (&pool->lock);
  g_cond_init (&pool->changed);
  g_queue_init (&pool->idle);
}

/* Lock held, or nobody else there. */
static void
close_idle (ZrtpPgPool *pool)
{
  ZrtpPg *pg;

  while ((pg = g_queue_pop_head (&pool->idle))) {
    zrtp_pg_free (pg);
    pool->n_open--;
  }
}

/* Lock held, or nobody else there. After fork() the child leaves the parent's connections alone, and makes its own. */
static void
adopt (ZrtpPgPool *pool)
{
  ZrtpPg *pg;

  if (pool->process == getpid ())
    return;
  while ((pg = g_queue_pop_head (&pool->idle)))
    zrtp_pg_abandon (pg);
  pool->n_open = 0;
  pool->process = getpid ();
}

void
zrtp_pg_pool_clear (ZrtpPgPool *pool)
{
  adopt (pool);
  close_idle (pool);
  g_assert (pool->n_open == 0);
  g_clear_error (&pool->failure);
  g_cond_clear (&pool->changed);
  g_mutex_clear (&pool->lock);
}

/* Lock held. When one was closed by the server all of them probably were. */
static ZrtpPg *
find_idle (ZrtpPgPool *pool)
{
  ZrtpPg *pg;

  while ((pg = g_queue_pop_head (&pool->idle))) {
    if (zrtp_pg_is_alive (pg))
      return pg;
    zrtp_pg_free (pg);
    pool->n_open--;
  }
  return NULL;
}

/* Lock not held. */
static ZrtpPg *
open_new (ZrtpPgPool *pool, gint64 deadline, GError **error)
{
  ZrtpPg *pg = zrtp_pg_connect (pool->place, deadline, error);

  if (pg && !zrtp_pg_set_up (pg, pool->key, error))
    g_clear_pointer (&pg, zrtp_pg_free);
  return pg;
}

/* Lock held, but for the connecting. A server that lets us wait before it fails is left alone for a while, by those who wait
 * for a connection, too: nobody waits for longer than one attempt takes, however many calls there are. */
static ZrtpPg *
try_new (ZrtpPgPool *pool, gint64 deadline, GError **error)
{
  const gint64 begin = g_get_monotonic_time ();
  GError *problem = NULL;
  gint64 now;
  ZrtpPg *pg;

  pool->n_open++;
  g_mutex_unlock (&pool->lock);
  pg = open_new (pool, deadline, &problem);
  g_mutex_lock (&pool->lock);
  if (pg)
    return pg;
  pool->n_open--;
  now = g_get_monotonic_time ();
  if (now - begin >= ZRTP_PG_SLOW_US)
    pool->rest_until = now + ZRTP_PG_REST_US;
  g_clear_error (&pool->failure);
  pool->failure = g_error_copy (problem);
  g_propagate_error (error, problem);
  g_cond_broadcast (&pool->changed);
  return NULL;
}

static void
set_all_busy (ZrtpPgPool *pool, GError **error)
{
  g_set_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_BUSY,
      "%s: all %u connections of this process are in use; the server has too much to do",
      pool->place->text, pool->max);
}

/* Lock held. */
static ZrtpPg *
fail_again (ZrtpPgPool *pool, GError **error)
{
  g_propagate_error (error, g_error_copy (pool->failure));
  return NULL;
}

/* Lock held. */
static ZrtpPg *
take (ZrtpPgPool *pool, gint64 deadline, GError **error)
{
  ZrtpPg *pg;

  while (!(pg = find_idle (pool)) && pool->n_open >= pool->max) {
    if (!g_cond_wait_until (&pool->changed, &pool->lock, deadline)) {
      set_all_busy (pool, error);
      return NULL;
    }
    if (g_get_monotonic_time () < pool->rest_until)
      return fail_again (pool, error);
  }
  if (!pg && g_get_monotonic_time () < pool->rest_until)
    return fail_again (pool, error);
  return pg ? pg : try_new (pool, deadline, error);
}

ZrtpPg *
zrtp_pg_pool_take (ZrtpPgPool *pool, GError **error)
{
  const gint64 deadline = g_get_monotonic_time () + ZRTP_PG_OPERATION_US;
  ZrtpPg *pg;

  g_mutex_lock (&pool->lock);
  adopt (pool);
  pg = take (pool, deadline, error);
  g_mutex_unlock (&pool->lock);
  if (pg)
    pg->deadline = deadline;
  return pg;
}

void
zrtp_pg_pool_give (ZrtpPgPool *pool, ZrtpPg *pg, const GError *problem)
{
  g_mutex_lock (&pool->lock);
  if (problem) {
    /* The others go to the same server: when that is gone they are of no use either. */
    if (g_error_matches (problem, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_NOT_FOUND) ||
        g_error_matches (problem, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_READ_ONLY))
      close_idle (pool);
    pool->n_open--;
  } else {
    g_queue_push_head (&pool->idle, pg);
  }
  g_cond_signal (&pool->changed);
  g_mutex_unlock (&pool->lock);
  if (problem)
    zrtp_pg_free (pg);
}
