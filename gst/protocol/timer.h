/* The retransmission schedules T1 and T2 (RFC 6189 §6), with time as a parameter.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef ZRTP_TIMER_H
#define ZRTP_TIMER_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
  uint64_t first, cap; /* ns: the first interval; it doubles up to the cap */
  unsigned times;      /* retransmissions before giving up */
} ZrtpSchedule;

/* "50 + 100 + 18*200 ms" */
extern const ZrtpSchedule zrtp_t1;
/* The same, "to span at least 12 seconds of retries", for a peer known to speak ZRTP. */
extern const ZrtpSchedule zrtp_t1_extended;
/* "150 + 300 + 600 + 7*1200 ms" */
extern const ZrtpSchedule zrtp_t2;

typedef struct {
  bool armed;
  uint64_t due, interval;
  unsigned sent; /* retransmissions so far */
  const ZrtpSchedule *schedule;
} ZrtpTimer;

typedef enum {
  ZRTP_TIMER_WAIT,   /* nothing is due */
  ZRTP_TIMER_RESEND, /* send the message again */
  ZRTP_TIMER_SPENT,  /* the schedule is exhausted; the timer is off */
} ZrtpTimerAction;

void zrtp_timer_start (ZrtpTimer *timer, const ZrtpSchedule *schedule, uint64_t now);
void zrtp_timer_stop (ZrtpTimer *timer);
/* Goes on with a longer schedule from where it is. */
void zrtp_timer_extend (ZrtpTimer *timer, const ZrtpSchedule *schedule);
ZrtpTimerAction zrtp_timer_fire (ZrtpTimer *timer, uint64_t now);

#endif
