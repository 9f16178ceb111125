/* A record from the inside: for those who change and keep it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef __GST_ZRTP_RECORD_PRIVATE_H__
#define __GST_ZRTP_RECORD_PRIVATE_H__

#include "gst/protocol/engine.h"
#include "gst/zrtp/record.h"

G_BEGIN_DECLS

/* A secret, and whether the SAS of a call that it comes from was compared (RFC 6189 §7.1). */
typedef struct {
  gboolean is_set, verified;
  guint8 octets[ZRTP_RS_SIZE];
} GstZrtpSecret;

struct _GstZrtpRecord {
  GObject parent;

  /* whom it is about */
  guint8 zid[ZRTP_ZID_SIZE], peer_zid[ZRTP_ZID_SIZE];
  gchar *local_uri, *peer_uri; /* never NULL */

  GstZrtpSecret rs1, rs2, pbx_secret;
  gint64 expires; /* of rs1 and rs2 */
  guint preshared_calls;

  gchar *name; /* never NULL */
  gint64 first_seen, last_seen;
  guint64 calls;
  gchar *algorithms; /* never NULL */
};

/* Seconds since 1970. */
gint64 gst_zrtp_unix_now (void);

/* What an engine wants to know. */
void gst_zrtp_record_get (GstZrtpRecord *record, ZrtpRecord *out);

void gst_zrtp_record_set_string (gchar **string, const gchar *value);
gboolean gst_zrtp_record_is_about (
    GstZrtpRecord *record, const gchar *local_uri, const gchar *peer_uri);
/* The one of these that is about this peer, NULL if there is none. */
GstZrtpRecord *gst_zrtp_record_find (GList *records, const gchar *local_uri, const gchar *peer_uri);
/* The one from which a secret is expected in a call of the two: that of the peer, or one from the time before the
 * application gave URIs. NULL if there is none with secrets. */
GstZrtpRecord *gst_zrtp_record_find_expected (
    GList *records, const gchar *local_uri, const gchar *peer_uri);
/* There is a secret in it that has not expired. */
gboolean gst_zrtp_record_is_worth (GstZrtpRecord *record);
/* It has these octets. In constant time. */
gboolean gst_zrtp_secret_is (const GstZrtpSecret *secret, const guint8 octets[ZRTP_RS_SIZE]);
/* The place of the record, rs1 or rs2, that has them, or NULL. */
GstZrtpSecret *gst_zrtp_record_find_secret (
    GstZrtpRecord *record, const guint8 octets[ZRTP_RS_SIZE]);
/* A GCompareFunc: the order of gst_zrtp_cache_list(). */
gint gst_zrtp_record_compare (gconstpointer a, gconstpointer b);
/* The same in every field. */
gboolean gst_zrtp_record_equal (GstZrtpRecord *a, GstZrtpRecord *b);

/* Octets that are wiped when the last reference goes. */
GBytes *gst_zrtp_secret_bytes (const guint8 *data, gsize size);

/* --- change.c ---------------------------------------------------------------------------------- */

/* What a call did to the secrets: `store` is copied. `name` is what the application calls this peer, or NULL. */
GstZrtpChange *gst_zrtp_change_new_call (
    const gchar *local_uri, const gchar *peer_uri, const gchar *name, const ZrtpStore *store);
/* What people do to a record. */
GstZrtpChange *gst_zrtp_change_new_put (GstZrtpRecord *record);
GstZrtpChange *gst_zrtp_change_new_rename (
    const gchar *local_uri, const gchar *peer_uri, const gchar *name);
GstZrtpChange *gst_zrtp_change_new_verify (GstZrtpRecord *record, gboolean verified);
GstZrtpChange *gst_zrtp_change_new_forget (const gchar *local_uri, const gchar *peer_uri);
GstZrtpChange *gst_zrtp_change_new_expire (void);
/* Somebody wants what it takes away to be gone, or it must not be used again. A call that merely renews a secret
 * does not. */
gboolean gst_zrtp_change_is_removal (GstZrtpChange *change);
/* Whose records it is for; 12 octets each. */
void gst_zrtp_change_set_zids (GstZrtpChange *change, GBytes *zid, GBytes *peer_zid);

G_END_DECLS

#endif
