/* What the files of the library share and nobody else sees.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef __GST_ZRTP_PRIVATE_H__
#define __GST_ZRTP_PRIVATE_H__

#include "gst/protocol/engine.h"
#include "gst/zrtp/record-private.h"
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

/* The yes-or-no settings of a session, in the order of their properties. */
typedef enum {
  GST_ZRTP_FLAG_ALLOW_PRESHARED,
  GST_ZRTP_FLAG_ALLOW_CLEAR,
  GST_ZRTP_FLAG_DISCLOSURE,
  GST_ZRTP_FLAG_MITM,
  GST_ZRTP_FLAG_ENROLL,
  GST_ZRTP_FLAG_ACCEPT_ENROLLMENT,
  GST_ZRTP_FLAG_SIGNALLING_INTEGRITY,
  GST_ZRTP_N_FLAGS,
} GstZrtpFlag;

/* What the application asked of the call, to be done where a stream is driven, with the time there. */
typedef enum {
  GST_ZRTP_REQUEST_GO_CLEAR = 1 << 0,
  GST_ZRTP_REQUEST_ACCEPT_CLEAR = 1 << 1,
  GST_ZRTP_REQUEST_REFUSE_CLEAR = 1 << 2,
  GST_ZRTP_REQUEST_GO_SECURE = 1 << 3,
} GstZrtpRequest;

/* Who has the peer's ZID under another URI, and which of the secrets that the engine got are his. */
typedef struct {
  gchar *who; /* NULL = nobody */
  gboolean has[ZRTP_S1_RS2 + 1];
} GstZrtpOther;

/* The cache of one call, and what it knows of the call's peer. */
typedef struct {
  GstZrtpCache *cache;         /* NULL = cacheless, §4.9.1 */
  GBytes *zid;                 /* ours */
  GError *error;               /* why it is cacheless, until the user is told */
  gchar *local_uri, *peer_uri; /* as they were when the peer was first looked up; NULL before */
  gchar *name;                 /* of the peer's record */
  GstZrtpOther known_as;
} GstZrtpCallCache;

struct _GstZrtpSession {
  GstObject parent;

  GMutex lock; /* of the session and all its streams; never held during a call out */

  gchar *session_id;
  GstZrtpPolicy policy;
  gchar *lists[ZRTP_N_KINDS]; /* as set; NULL = default */
  ZrtpOffer offer;
  gchar *client_id;
  GstZrtpCache *cache; /* as set */
  gchar *cache_location;
  GBytes *cache_key;
  guint32 cache_expiry;
  GstZrtpZidScope zid_scope;
  gchar *local_uri, *peer_uri, *peer_name;
  guint flags; /* bits 1 << GstZrtpFlag */
  GBytes *aux_secret;
  ZrtpSdesKey sdes[2];                      /* ours, the peer's */
  GError *settings_error[ZRTP_N_KINDS + 1]; /* the last one: client-id */
  guint serial;

  guint requests; /* GstZrtpRequest bits, for whoever drives a stream next */

  GHashTable *streams; /* connection-id -> GWeakRef */

  ZrtpCall *call;
  GstZrtpCallCache kept; /* of the call */
  guint n_engines, n_started;

  gchar *sas;
  const gchar *sas_type;
  gboolean sas_verified;
};

const gchar *gst_zrtp_mode_name (ZrtpMode mode);

/* --- session.c ------------------------------------------------------------------------------------
 * One lock for a session and all its streams. */

void gst_zrtp_session_lock (GstZrtpSession *session);
void gst_zrtp_session_unlock (GstZrtpSession *session);

/* A new engine of this session's call, the call made if this is the first. Without the lock: it may
 * ask the cache for our ZID. */
ZrtpEngine *gst_zrtp_session_acquire_engine (
    GstZrtpSession *session, guint32 ssrc, const guint8 *peer_hello_hash, guint *serial);
/* Lock held. The call ends with the last engine that was started: then TRUE, to be told by
 * gst_zrtp_session_ended(). */
gboolean gst_zrtp_session_release_engine (
    GstZrtpSession *session, ZrtpEngine *engine, gboolean was_started);
/* Finds a new stream its place among those of the session, if its name is free. */
void gst_zrtp_session_add_stream (GstZrtpSession *session, GstZrtpStream *stream);
/* Changes with every setting that a Hello depends on. */
guint gst_zrtp_session_get_serial (GstZrtpSession *session);

/* Lock held: does what the application asked for. */
void gst_zrtp_session_do_requests (GstZrtpSession *session, guint64 now);
/* All that are alive; free with g_list_free_full (…, gst_object_unref). */
GList *gst_zrtp_session_all_streams (GstZrtpSession *session);
/* The stream whose SAS is the call's, transfer full. */
GstZrtpStream *gst_zrtp_session_first_stream (GstZrtpSession *session);

/* Not locked; these emit. */
void gst_zrtp_session_ended (GstZrtpSession *session);
/* Has every stream driven that has something to do because of another. True when `self` is one of them. */
gboolean gst_zrtp_session_wake_stirred (GstZrtpSession *session, GstZrtpStream *self);
void gst_zrtp_session_became_secure (
    GstZrtpSession *session, GstZrtpStream *stream, const ZrtpSecureInfo *info);
void gst_zrtp_session_sas_relayed (
    GstZrtpSession *session, GstZrtpStream *stream, const ZrtpRelayedSas *relayed);
void gst_zrtp_session_went_clear (
    GstZrtpSession *session, GstZrtpStream *stream, gboolean by_peer, gboolean waiting);
void gst_zrtp_session_enrollment_offered (
    GstZrtpSession *session, GstZrtpStream *stream, const guint8 peer_zid[ZRTP_ZID_SIZE]);
/* The `sas-verified` property has changed; `verified` is what the user said. */
void gst_zrtp_session_sas_was_verified (GstZrtpSession *session, gboolean verified);
void gst_zrtp_session_failed (
    GstZrtpSession *session, GstZrtpStream *stream, guint code, gboolean by_peer);
void gst_zrtp_session_warn (
    GstZrtpSession *session, GstZrtpStream *stream, GstZrtpWarning code, const gchar *text);

/* --- stream.c -------------------------------------------------------------------------------------- */

GstZrtpStream *gst_zrtp_stream_new (GstZrtpSession *session, const gchar *connection_id);
/* FALSE when it is not the first stream, or not secure now. */
gboolean gst_zrtp_stream_sas_verified (GstZrtpStream *stream, gboolean matches);
gboolean gst_zrtp_stream_accept_enrollment (GstZrtpStream *stream, gboolean accept);
gboolean gst_zrtp_stream_relay_sas (GstZrtpStream *stream, ZrtpType sas_type, const guint8 *sashash,
    gboolean sas_verified, gboolean disclosure);
/* What was reported when it became secure; zeros before. */
ZrtpSecureInfo gst_zrtp_stream_get_info (GstZrtpStream *stream);
gboolean gst_zrtp_stream_is_first (GstZrtpStream *stream);
/* Lock held. */
gboolean gst_zrtp_stream_has_engine (GstZrtpStream *stream, const ZrtpEngine *engine);
void gst_zrtp_stream_wake_up (GstZrtpStream *stream);

/* --- continuity.c --------------------------------------------------------------------------------
 * None of these with the lock held. */

/* Opens what the settings say; without it a random ZID and an error. False when there is no ZID at all. */
gboolean gst_zrtp_call_cache_find (GstZrtpCallCache *self, GstZrtpSession *session);
void gst_zrtp_call_cache_clear (GstZrtpCallCache *self);
/* Warns, once, when the call is cacheless and should not be. */
void gst_zrtp_session_tell_cache_error (GstZrtpSession *session, GstZrtpStream *stream);
/* What is known of the peer, zeros when nothing is. False, and the user is warned, when the cache cannot be read. */
gboolean gst_zrtp_session_look_up (GstZrtpSession *session, GstZrtpStream *stream,
    const guint8 peer_zid[ZRTP_ZID_SIZE], ZrtpRecord *record);
/* Stored for good when it returns, or the user is warned. */
void gst_zrtp_session_store (GstZrtpSession *session, GstZrtpStream *stream,
    const guint8 peer_zid[ZRTP_ZID_SIZE], const ZrtpStore *store);
/* The application has set another peer-name. */
void gst_zrtp_session_rename_peer (GstZrtpSession *session);

/* --- cache.c ----------------------------------------------------------------------------------- */

/* 12 random octets. */
GBytes *gst_zrtp_random_zid (GError **error);

/* --- seal.c ------------------------------------------------------------------------------------ */

/* It has 32 octets. */
gboolean gst_zrtp_seal_check_key (GBytes *key, GError **error);

G_END_DECLS

#endif
