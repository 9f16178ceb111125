/* A cache that does as its test says: it holds changes back, as another process in the middle of its transaction
 * would, or it fails.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef HELD_CACHE_H
#define HELD_CACHE_H

#include <gst/zrtp/zrtp.h>

#define HELD_TYPE_CACHE (held_cache_get_type ())
G_DECLARE_FINAL_TYPE (HeldCache, held_cache, HELD, CACHE, GObject)

enum {
  FAIL_ZID = 1 << 0,
  FAIL_LOOKUP = 1 << 1,
  FAIL_UPDATE = 1 << 2,
  SILENTLY = 1 << 3, /* with no error set */
};

struct _HeldCache {
  GObject parent;

  GstZrtpCache *kept; /* where things end up */
  GQueue *held;       /* if set, changes wait here */
  GBytes *zid;        /* if set, the ZID */
  guint fails;
  guint n_zids, n_lookups, n_updates;
};

HeldCache *held_cache_new (GstZrtpCache *kept);
/* The oldest change of those held back. FALSE when there is none. */
gboolean held_cache_apply (HeldCache *cache, GQueue *held);
GstZrtpChange *held_cache_peek (GQueue *held);
void held_cache_drop (GQueue *held);

#endif
