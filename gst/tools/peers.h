/* What the files of gst-zrtp-peers-1.0 share.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef __GST_ZRTP_PEERS_H__
#define __GST_ZRTP_PEERS_H__

#include <gst/zrtp/zrtp.h>
#include <stdio.h>

#define PROGRAM "gst-zrtp-peers-1.0"

enum {
  EXIT_DONE,
  EXIT_FAILED,
  EXIT_USAGE
};

/* --- gst-zrtp-peers.c -------------------------------------------------------------------------- */

typedef struct {
  gchar *cache, *key_file, *zid, *local_uri, *peer_uri;
  gboolean json, all, force, replace_zid, version;
  gchar **words;
} PeersOptions;

extern PeersOptions peers_options;

/* --- peers-cache.c ----------------------------------------------------------------------------- */

void peers_complain (const gchar *format, ...) G_GNUC_PRINTF (1, 2);
/* Says what the error says, and what to do; takes it. Returns an exit status. */
int peers_fail_with (GError *error);

/* NULL when there is none, which was said. */
GstZrtpCache *peers_open_cache (gboolean make);

/* FALSE ends the walk, with an error set. */
typedef gboolean (*PeersFunc) (GstZrtpRecord *record, gpointer user_data, GError **error);

/* All records of a cache, page by page. */
gboolean peers_each (GstZrtpCache *cache, PeersFunc func, gpointer user_data, GError **error);

/* --- peers-find.c ------------------------------------------------------------------------------ */

/* The records that the word fits: one, or with `all` those of one peer. NULL when it is not clear, which was said. */
GPtrArray *peers_find (GstZrtpCache *cache, const gchar *word, gboolean all);

/* --- peers-commands.c -------------------------------------------------------------------------- */

/* Exit statuses; `words` are those behind the command. */
int peers_do_list (GstZrtpCache *cache, gchar **words);
int peers_do_show (GstZrtpCache *cache, gchar **words);
int peers_do_zid (GstZrtpCache *cache, gchar **words);
int peers_do_rename (GstZrtpCache *cache, gchar **words);
int peers_do_verify (GstZrtpCache *cache, gchar **words);
int peers_do_unverify (GstZrtpCache *cache, gchar **words);
int peers_do_forget (GstZrtpCache *cache, gchar **words);
int peers_do_expire (GstZrtpCache *cache, gchar **words);
int peers_do_export (GstZrtpCache *cache, gchar **words);
int peers_do_import (gchar **words);
/* The file that is named, or NULL for standard input or output. */
const gchar *peers_file_of (gchar **words);

/* --- peers-text.c ------------------------------------------------------------------------------ */

/* For a terminal: what is not printable there is escaped. */
gchar *peers_printable (const gchar *text);
/* The columns that printable text takes. */
guint peers_width (const gchar *printable);
void peers_print_padded (const gchar *printable, guint width);
gchar *peers_hex (GBytes *bytes);
void peers_json_string (GString *json, const gchar *text);

/* --- peers-view.c ------------------------------------------------------------------------------ */

/* What may be shown of a record: all but the secrets. */
typedef struct {
  gchar *zid, *peer_zid, *local_uri, *peer_uri, *name, *algorithms;
  gboolean has_rs1, has_rs2, has_pbx_secret, verified, rs2_verified;
  gint64 expires, first_seen, last_seen;
  guint preshared_calls;
  guint64 calls;
} PeersView;

void peers_view_init (PeersView *view, GstZrtpRecord *record);
void peers_view_clear (PeersView *view);
gboolean peers_view_has_expired (const PeersView *view);
/* "Zoë (0123456789abcdef01234567)", printable. */
gchar *peers_view_title (const PeersView *view);
void peers_view_print (const PeersView *view);
void peers_view_json (const PeersView *view, GString *json);

/* A table of records: measure all, then print. */
typedef struct {
  guint name, peer_uri, local_uri; /* columns */
  guint64 rows;
} PeersTable;

void peers_table_measure (PeersTable *table, const PeersView *view);
void peers_table_print_head (const PeersTable *table);
void peers_table_print (const PeersTable *table, const PeersView *view);

/* --- peers-transfer.c -------------------------------------------------------------------------- */

/* To a new file, or to standard output when `path` is NULL. */
gboolean peers_export (
    GstZrtpCache *cache, const gchar *path, gboolean force, guint64 *n_records, GError **error);

typedef struct _PeersFile PeersFile;

/* Reads an exported file, or standard input when `path` is NULL, and checks all of it. */
PeersFile *peers_file_read (const gchar *path, GError **error);
void peers_file_free (PeersFile *file);

typedef struct {
  guint64 imported, kept, expired;
  guint zids;
} PeersImport;

gboolean peers_import (GstZrtpCache *cache, PeersFile *file, gboolean replace_zid,
    PeersImport *result, GError **error);

#endif
