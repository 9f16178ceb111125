/* What all pairs of the process share: threads that come and go, and one timer.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef __GST_ZRTP_RUNNER_H__
#define __GST_ZRTP_RUNNER_H__

#include <gst/gst.h>

G_BEGIN_DECLS

typedef void (*GstZrtpTaskFunc) (gpointer object);

/* Embedded in a GObject, which is kept alive while the task is queued or its timer is set. */
typedef struct {
  gpointer object;
  GstZrtpTaskFunc run;     /* in a thread of the pool; may block in a push */
  GstZrtpTaskFunc expired; /* in the thread of the clock: marks something and returns */
  GstClockTime when;
  GSequenceIter *position; /* among the timers, NULL while not set */
} GstZrtpTask;

void gst_zrtp_task_init (
    GstZrtpTask *task, gpointer object, GstZrtpTaskFunc run, GstZrtpTaskFunc expired);

/* One call of `run`. The caller sees to it that a task is not queued twice. */
void gst_zrtp_task_schedule (GstZrtpTask *task);

/* One call of `expired` at this time of the system clock, in place of the one that was set before;
 * GST_CLOCK_TIME_NONE: none. */
void gst_zrtp_task_set_timer (GstZrtpTask *task, GstClockTime when);

GstClockTime gst_zrtp_runner_now (void);

/* Around a push: it may block for as long as a sink likes, and must not starve the other pairs. */
void gst_zrtp_runner_begin_push (void);
void gst_zrtp_runner_end_push (void);

G_END_DECLS

#endif
