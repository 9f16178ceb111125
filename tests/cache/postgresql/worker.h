/* Calls of a phone with a gateway, each with a cache that others use at the same time.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef WORKER_H
#define WORKER_H

#include "tests/zrtp/hands.h"

/* What came of one call, as the gateway has it. */
typedef struct {
  gboolean verified; /* both have the secret of an earlier call whose SAS was compared */
  gboolean mismatch; /* one of the ends had a secret that the other one had not */
  gboolean warned;   /* one of the caches could not be used */
} Outcome;

/* One call of `phone` with `gateway`; afterwards the users compare the SAS if `verify`. */
Outcome call_once (
    GstZrtpCache *phone, GstZrtpCache *gateway, const gchar *phone_uri, gboolean verify);

/* The other processes: the test program, called with "worker". */
int worker_main (int argc, char **argv);

/* Another process, for calls of the phone whose cache is at the URI `phone` with a gateway whose cache is at `gateway`. */
gpointer worker_start (const gchar *phone, const gchar *gateway);
/* Lets it have so many calls; the users compare the SAS after each if `verify`. */
void worker_go (gpointer worker, guint n, gboolean verify);
/* Waits for one call to end: "verified mismatch warned" as 0 and 1. */
void worker_hear (gpointer worker, gchar said[4]);
void worker_end (gpointer worker);

#endif
