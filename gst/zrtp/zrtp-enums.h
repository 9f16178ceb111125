/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_ZRTP_ENUMS_H__
#define __GST_ZRTP_ENUMS_H__

#include <gst/zrtp/zrtp-prelude.h>

G_BEGIN_DECLS

/**
 * GstZrtpState:
 * @GST_ZRTP_STATE_IDLE: nothing was started yet.
 * @GST_ZRTP_STATE_DISCOVERY: looking for a ZRTP peer (RFC 6189 §4.1), or waiting for one to appear.
 * @GST_ZRTP_STATE_NEGOTIATING: a Commit was sent or accepted and keys are being agreed; or the call is
 *   on its way to clear mode and waits for the peer or the user.
 * @GST_ZRTP_STATE_SECURE: keys are agreed and confirmed; all media is protected.
 * @GST_ZRTP_STATE_CLEAR: the call went back to clear media by an authenticated GoClear.
 * @GST_ZRTP_STATE_FAILED: the negotiation ended with an error.
 *
 * Where a stream stands.
 */
typedef enum {
  GST_ZRTP_STATE_IDLE,
  GST_ZRTP_STATE_DISCOVERY,
  GST_ZRTP_STATE_NEGOTIATING,
  GST_ZRTP_STATE_SECURE,
  GST_ZRTP_STATE_CLEAR,
  GST_ZRTP_STATE_FAILED,
} GstZrtpState;

/**
 * GstZrtpPolicy:
 * @GST_ZRTP_POLICY_REQUIRED: no media leaves or enters unprotected, ever.
 * @GST_ZRTP_POLICY_BEST_EFFORT: clear media until the call is secure, never afterwards.
 *
 * What to do with media that is not protected.
 */
typedef enum {
  GST_ZRTP_POLICY_REQUIRED,
  GST_ZRTP_POLICY_BEST_EFFORT,
} GstZrtpPolicy;

/**
 * GstZrtpRole:
 * @GST_ZRTP_ROLE_NONE: not decided yet.
 * @GST_ZRTP_ROLE_INITIATOR: our Commit won (RFC 6189 §4.2).
 * @GST_ZRTP_ROLE_RESPONDER: the peer's Commit won.
 *
 * The part played in the negotiation.
 */
typedef enum {
  GST_ZRTP_ROLE_NONE,
  GST_ZRTP_ROLE_INITIATOR,
  GST_ZRTP_ROLE_RESPONDER,
} GstZrtpRole;

/**
 * GstZrtpWarning:
 * @GST_ZRTP_WARNING_NO_ANSWER: nobody answered our Hellos; listening goes on.
 * @GST_ZRTP_WARNING_HELLO_HASH_MISMATCH: a Hello does not match the a=zrtp-hash of the signalling
 *   (RFC 6189 §8.1) and was refused.
 * @GST_ZRTP_WARNING_UNSUPPORTED_VERSION: the peer speaks an older ZRTP (RFC 6189 §4.1.1).
 * @GST_ZRTP_WARNING_CACHE_MISMATCH: a secret shared with this peer was expected and not found
 *   (RFC 6189 §4.3.2): compare the SAS by voice.
 * @GST_ZRTP_WARNING_CACHE: the cache could not be read or written; the call goes on without it.
 * @GST_ZRTP_WARNING_AUX_MISMATCH: the peer does not have our auxiliary secret (RFC 6189 §4.3.2).
 * @GST_ZRTP_WARNING_UNTRUSTED_RELAY: somebody who is not trusted to relayed a SAS (RFC 6189 §7.3); it
 *   was not used.
 * @GST_ZRTP_WARNING_RESTART_REFUSED: somebody wanted to begin anew on a secure stream and could not show
 *   that it is the same peer; the stream goes on.
 * @GST_ZRTP_WARNING_WRONG_PEER: another endpoint than that of the call, or one without Multistream mode,
 *   wanted to join a further stream (RFC 6189 §4.4.3); it was refused.
 * @GST_ZRTP_WARNING_SSRC_COLLISION: both ends had the same SSRC (RFC 6189 §4.1); the negotiation begins again
 *   when the media has another one.
 * @GST_ZRTP_WARNING_OTHER_URI: the ZID of this peer is known from calls under another URI (RFC 6189 §12). If it has
 *   shown the secret of those calls it is the same device, but need not be the person whom the URI names; if not, it may
 *   be somebody else who uses that ZID. The SAS counts as not verified.
 * @GST_ZRTP_WARNING_NO_PARTNER: a zrtpenc waits for its zrtpdec, or the reverse.
 *
 * What a warning is about.
 */
typedef enum {
  GST_ZRTP_WARNING_NO_ANSWER,
  GST_ZRTP_WARNING_HELLO_HASH_MISMATCH,
  GST_ZRTP_WARNING_UNSUPPORTED_VERSION,
  GST_ZRTP_WARNING_CACHE_MISMATCH,
  GST_ZRTP_WARNING_CACHE,
  GST_ZRTP_WARNING_NO_PARTNER,
  GST_ZRTP_WARNING_AUX_MISMATCH,
  GST_ZRTP_WARNING_UNTRUSTED_RELAY,
  GST_ZRTP_WARNING_RESTART_REFUSED,
  GST_ZRTP_WARNING_WRONG_PEER,
  GST_ZRTP_WARNING_SSRC_COLLISION,
  GST_ZRTP_WARNING_OTHER_URI,
} GstZrtpWarning;

/**
 * GstZrtpZidScope:
 * @GST_ZRTP_ZID_SCOPE_CACHE: one ZID for everybody.
 * @GST_ZRTP_ZID_SCOPE_LOCAL_URI: one for each of our URIs, so that they cannot be told to be one user's.
 * @GST_ZRTP_ZID_SCOPE_PEER: one for each pair of our URI and a peer's, so that peers who compare notes cannot tell that
 *   they know the same user.
 *
 * For whom our ZID is the same (RFC 6189 §4.9: "it is specifically not precluded for an implementation to use
 * multiple ZIDs, up to the limit of a separate one per callee").
 */
typedef enum {
  GST_ZRTP_ZID_SCOPE_CACHE,
  GST_ZRTP_ZID_SCOPE_LOCAL_URI,
  GST_ZRTP_ZID_SCOPE_PEER,
} GstZrtpZidScope;

/**
 * GstZrtpCacheError:
 * @GST_ZRTP_CACHE_ERROR_FAILED: something else; the text says what.
 * @GST_ZRTP_CACHE_ERROR_NOT_FOUND: the folder, the server or the database is not there.
 * @GST_ZRTP_CACHE_ERROR_PERMISSION: this user may not read or write it.
 * @GST_ZRTP_CACHE_ERROR_READ_ONLY: it can be read but not written.
 * @GST_ZRTP_CACHE_ERROR_BUSY: somebody else has it locked for too long.
 * @GST_ZRTP_CACHE_ERROR_NO_SPACE: there is no room for more.
 * @GST_ZRTP_CACHE_ERROR_CORRUPT: it is damaged, or is no cache.
 * @GST_ZRTP_CACHE_ERROR_TOO_NEW: a later version of this library made it.
 * @GST_ZRTP_CACHE_ERROR_WRONG_KEY: its key is missing or another one, or it is not encrypted and a key was given.
 * @GST_ZRTP_CACHE_ERROR_NOT_SUPPORTED: this cache, or this build, cannot do that.
 *
 * Why a cache could not do what it was asked for. Nothing in it was changed then.
 */
typedef enum {
  GST_ZRTP_CACHE_ERROR_FAILED,
  GST_ZRTP_CACHE_ERROR_NOT_FOUND,
  GST_ZRTP_CACHE_ERROR_PERMISSION,
  GST_ZRTP_CACHE_ERROR_READ_ONLY,
  GST_ZRTP_CACHE_ERROR_BUSY,
  GST_ZRTP_CACHE_ERROR_NO_SPACE,
  GST_ZRTP_CACHE_ERROR_CORRUPT,
  GST_ZRTP_CACHE_ERROR_TOO_NEW,
  GST_ZRTP_CACHE_ERROR_WRONG_KEY,
  GST_ZRTP_CACHE_ERROR_NOT_SUPPORTED,
} GstZrtpCacheError;

G_END_DECLS

#endif
