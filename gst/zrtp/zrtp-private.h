/* What the files of the library share and nobody else sees.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef __GST_ZRTP_PRIVATE_H__
#define __GST_ZRTP_PRIVATE_H__

#include "gst/protocol/engine.h"
#include "gst/zrtp/zrtp.h"

G_BEGIN_DECLS

/* --- crypto.c: what the protocol runs on ------------------------------------------------------- */

extern const ZrtpCrypto gst_zrtp_crypto;

/* --- offer.c: the algorithm lists as text ------------------------------------------------------ */

extern const gchar *const gst_zrtp_kind_names[ZRTP_N_KINDS]; /* the names of the properties */
extern const gchar *const gst_zrtp_kind_defaults[ZRTP_N_KINDS];

/* Comma-separated types in order of preference. Leaves `list` alone when it fails. */
gboolean gst_zrtp_list_parse (ZrtpKind kind, const gchar *text, ZrtpList *list, GError **error);
/* "X255", "B32": without the padding; static or interned. */
const gchar *gst_zrtp_type_name (ZrtpType type);

/* --- session.c ------------------------------------------------------------------------------------
 * One lock for a session and all its streams. */

void gst_zrtp_session_lock (GstZrtpSession *session);
void gst_zrtp_session_unlock (GstZrtpSession *session);

/* A new engine of this session's call, the call made if this is the first. Without the lock: it may
 * ask the cache for our ZID. */
ZrtpEngine *gst_zrtp_session_acquire_engine (
    GstZrtpSession *session, guint32 ssrc, const guint8 *peer_hello_hash, guint *serial);
/* Lock held. The call ends with its last engine. */
void gst_zrtp_session_release_engine (GstZrtpSession *session, ZrtpEngine *engine);
/* Changes with every setting that a Hello depends on. */
guint gst_zrtp_session_get_serial (GstZrtpSession *session);
GstZrtpCache *gst_zrtp_session_dup_cache (GstZrtpSession *session);

/* Not locked; these emit. */
void gst_zrtp_session_became_secure (
    GstZrtpSession *session, GstZrtpStream *stream, const ZrtpSecureInfo *info);
void gst_zrtp_session_failed (
    GstZrtpSession *session, GstZrtpStream *stream, guint code, gboolean by_peer);
void gst_zrtp_session_warn (
    GstZrtpSession *session, GstZrtpStream *stream, GstZrtpWarning code, const gchar *text);

/* --- stream.c -------------------------------------------------------------------------------------- */

GstZrtpStream *gst_zrtp_stream_new (GstZrtpSession *session, const gchar *connection_id);
void gst_zrtp_stream_sas_verified (GstZrtpStream *stream, gboolean matches);

/* --- cache.c ----------------------------------------------------------------------------------- */

void gst_zrtp_record_get (GstZrtpRecord *record, ZrtpRecord *out);
void gst_zrtp_record_set (GstZrtpRecord *record, const ZrtpRecord *in);

/* Octets that are wiped when the last reference goes. */
GBytes *gst_zrtp_secret_bytes (const guint8 *data, gsize size);

G_END_DECLS

#endif
