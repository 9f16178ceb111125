/* What the benchmark of the cache asks of SQLite and of libbzrtp directly.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef CACHE_PRIVATE_H
#define CACHE_PRIVATE_H

#include <gst/zrtp/zrtp.h>

/* The file of a GstZrtpSqliteCache, with the statements that its work needs at least, prepared by hand. */
typedef struct Floor Floor;

Floor *floor_open (const gchar *path);
void floor_close (Floor *floor);
/* Reads what there is about a peer. */
void floor_lookup (Floor *floor, GBytes *zid, GBytes *peer_zid);
/* Reads it, and stores a new rs1, in one transaction. */
void floor_update (Floor *floor, GBytes *zid, GBytes *peer_zid, GBytes *rs1);
/* What was committed goes into the file, and the write-ahead log is cut to nothing. */
void floor_erase (Floor *floor);
/* Adds copies of `record`, the only one that is there, about other peers, until there are `n`; in one transaction, and
 * not safe from a failure of power. With a `key`, each is sealed for its peer. Nothing else can be done then. */
void floor_fill (Floor *floor, GstZrtpRecord *record, guint64 n, GBytes *(*peer_zid) (guint64 i),
    GBytes *key, void (*progress) (guint64 done, guint64 of));

/* Both ends of a call of libbzrtp, with what they keep in `:memory:`, or without. */
gboolean bzrtp_is_there (void);
void bzrtp_call (gboolean with_cache);
void bzrtp_end (void);

#endif
