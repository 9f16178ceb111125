/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/protocol/timer.h"

#define MS(n) ((uint64_t) (n) *1000000)

const ZrtpSchedule zrtp_t1 = {MS (50), MS (200), 20};
const ZrtpSchedule zrtp_t1_extended = {MS (50), MS (200), 62}; /* 50 + 100 + 60*200 ms = 12.15 s */
const ZrtpSchedule zrtp_t2 = {MS (150), MS (1200), 10};

void
zrtp_timer_start (ZrtpTimer *timer, const ZrtpSchedule *schedule, uint64_t now)
{
  *timer = (ZrtpTimer){true, now + schedule->first, schedule->first, 0, schedule};
}

void
zrtp_timer_stop (ZrtpTimer *timer)
{
  timer->armed = false;
}

void
zrtp_timer_extend (ZrtpTimer *timer, const ZrtpSchedule *schedule)
{
  timer->schedule = schedule;
}

ZrtpTimerAction
zrtp_timer_fire (ZrtpTimer *timer, uint64_t now)
{
  if (!timer->armed || now < timer->due)
    return ZRTP_TIMER_WAIT;
  if (timer->sent == timer->schedule->times) {
    timer->armed = false;
    return ZRTP_TIMER_SPENT;
  }
  timer->sent++;
  timer->interval *= 2;
  if (timer->interval > timer->schedule->cap)
    timer->interval = timer->schedule->cap;
  /* From now, not from when it was due: a machine that slept must not send a burst. */
  timer->due = now + timer->interval;
  return ZRTP_TIMER_RESEND;
}
