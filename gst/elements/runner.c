/* What all pairs of the process share: threads that come and go, and one timer.
 *
 * A thousand pairs must cost no more threads than one, so nobody owns a thread: work runs on a
 * non-exclusive GThreadPool, whose idle threads GLib ends after a while. All timers are in one
 * sorted sequence, and only its first entry is a GstClockID, because the list inside GstSystemClock
 * is linear in what it holds.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/elements/runner.h"

static GMutex lock; /* protects all of the following */
static GThreadPool *pool;
static guint n_pushing;
static GSequence *timers;     /* of GstZrtpTask, the earliest first */
static GstClock *alarm_clock; /* while there are timers */
static GstClockID alarm_id;

static guint
max_threads (void)
{
  return MAX (2, g_get_num_processors ()) + n_pushing;
}

static void
run_task (gpointer data, gpointer unused)
{
  GstZrtpTask *task = data;
  gpointer object = task->object;

  task->run (object);
  g_object_unref (object);
}

static GThreadPool *
get_pool_unlocked (void)
{
  if (!pool)
    pool = g_thread_pool_new (run_task, NULL, max_threads (), FALSE, NULL);
  return pool;
}

void
gst_zrtp_task_init (
    GstZrtpTask *task, gpointer object, GstZrtpTaskFunc run, GstZrtpTaskFunc expired)
{
  *task =
      (GstZrtpTask){.object = object, .run = run, .expired = expired, .when = GST_CLOCK_TIME_NONE};
}

void
gst_zrtp_task_schedule (GstZrtpTask *task)
{
  g_object_ref (task->object);
  g_mutex_lock (&lock);
  g_thread_pool_push (get_pool_unlocked (), task, NULL);
  g_mutex_unlock (&lock);
}

static void
count_push (gint change)
{
  g_mutex_lock (&lock);
  n_pushing += change;
  g_thread_pool_set_max_threads (get_pool_unlocked (), max_threads (), NULL);
  g_mutex_unlock (&lock);
}

void
gst_zrtp_runner_begin_push (void)
{
  count_push (1);
}

void
gst_zrtp_runner_end_push (void)
{
  count_push (-1);
}

GstClockTime
gst_zrtp_runner_now (void)
{
  GstClock *system_clock = gst_system_clock_obtain ();
  GstClockTime now = gst_clock_get_time (system_clock);

  gst_object_unref (system_clock);
  return now;
}

/* --- Timers ------------------------------------------------------------------------------------ */

static gboolean on_alarm (GstClock *used_clock, GstClockTime time, GstClockID id, gpointer unused);

static GstZrtpTask *
first_timer_unlocked (void)
{
  GSequenceIter *first = g_sequence_get_begin_iter (timers);

  return g_sequence_iter_is_end (first) ? NULL : g_sequence_get (first);
}

static void
cancel_alarm_unlocked (void)
{
  if (!alarm_id)
    return;
  gst_clock_id_unschedule (alarm_id);
  gst_clock_id_unref (alarm_id);
  alarm_id = NULL;
}

static void
set_alarm_unlocked (void)
{
  GstZrtpTask *first = first_timer_unlocked ();

  if (!first) {
    cancel_alarm_unlocked ();
    gst_clear_object (&alarm_clock);
    return;
  }
  if (alarm_id && gst_clock_id_get_time (alarm_id) == first->when)
    return;
  cancel_alarm_unlocked ();
  if (!alarm_clock)
    alarm_clock = gst_system_clock_obtain ();
  alarm_id = gst_clock_new_single_shot_id (alarm_clock, first->when);
  gst_clock_id_wait_async (alarm_id, on_alarm, NULL, NULL);
}

static gint
compare_timers (gconstpointer a, gconstpointer b, gpointer unused)
{
  const GstZrtpTask *x = a, *y = b;

  return x->when < y->when ? -1 : x->when > y->when;
}

/* The reference of the timer passes to the caller. */
static void
take_out_unlocked (GstZrtpTask *task)
{
  g_sequence_remove (task->position);
  task->position = NULL;
}

static gboolean
on_alarm (GstClock *used_clock, GstClockTime time, GstClockID id, gpointer unused)
{
  GstClockTime now = MAX (time, gst_clock_get_time (used_clock));
  GSList *due = NULL, *item;
  GstZrtpTask *task;

  g_mutex_lock (&lock);
  if (id == alarm_id) {
    gst_clock_id_unref (alarm_id);
    alarm_id = NULL;
    while ((task = first_timer_unlocked ()) && task->when <= now) {
      take_out_unlocked (task);
      due = g_slist_prepend (due, task);
    }
    set_alarm_unlocked ();
  }
  g_mutex_unlock (&lock);

  due = g_slist_reverse (due);
  for (item = due; item; item = item->next) {
    gpointer object = ((GstZrtpTask *) item->data)->object;
    ((GstZrtpTask *) item->data)->expired (object);
    g_object_unref (object);
  }
  g_slist_free (due);
  return TRUE;
}

void
gst_zrtp_task_set_timer (GstZrtpTask *task, GstClockTime when)
{
  gboolean was_set;

  g_mutex_lock (&lock);
  if (!timers)
    timers = g_sequence_new (NULL);
  was_set = task->position != NULL;
  if (was_set)
    take_out_unlocked (task);
  task->when = when;
  if (GST_CLOCK_TIME_IS_VALID (when)) {
    g_object_ref (task->object);
    task->position = g_sequence_insert_sorted (timers, task, compare_timers, NULL);
  }
  set_alarm_unlocked ();
  g_mutex_unlock (&lock);

  if (was_set)
    g_object_unref (task->object);
}
