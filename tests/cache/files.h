/* Files, records and calls for tests of the cache.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef FILES_H
#define FILES_H

#include <gst/zrtp/zrtp.h>

/* A new folder, and its end with all that is in it. */
gchar *folder_new (void);
void folder_free (gchar *folder);
gchar *in_folder (const gchar *folder, const gchar *name);

/* What stands in a file, NULL when there is none. */
GBytes *file_read (const gchar *path);
void file_write (const gchar *path, GBytes *content);
guint file_mode (const gchar *path);
/* In the file, its -wal, its -shm or its -journal. */
gboolean file_has (const gchar *path, GBytes *octets);
/* SQL on the file, with SQLite's own settings. */
void file_sql (const gchar *path, const gchar *sql);
gint64 file_number (const gchar *path, const gchar *sql);

GBytes *octets_new (gsize size); /* random */
GBytes *key_new (guint8 first);  /* 32 octets, always the same for one `first` */

GstZrtpCache *cache_new (const gchar *path, GBytes *key);
/* One record with secrets under the peer's ZID; `secret` may be NULL for a random one. */
GstZrtpRecord *record_new (GBytes *zid, GBytes *peer_zid, const gchar *peer_uri, GBytes *secret);
void put (GstZrtpCache *cache, GstZrtpRecord *record);
GBytes *zid_of (GstZrtpCache *cache);
GBytes *get_octets (GstZrtpRecord *record, const gchar *property);
void assert_same (GstZrtpRecord *a, GstZrtpRecord *b);

/* A call of two ends with these caches ("" = none), and no time that passes. */
typedef struct {
  gchar *sas;
  gchar *warning[2]; /* the text of `cache` */
  gboolean mismatch[2], verified[2];
  gboolean secure;
} CallResult;

void call (const gchar *a, const gchar *b, GBytes *key, CallResult *result);
/* The same, and then both users compare the SAS. */
void call_and_verify (
    const gchar *a, const gchar *b, GBytes *key, gboolean matches, CallResult *result);
void call_result_clear (CallResult *result);

/* OTHER with these arguments: what it printed. */
gchar *run_other (const gchar *const *args, gint *status);

#endif
