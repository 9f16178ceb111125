/* The ZRTP protocol of one media stream, without I/O: RFC 6189 as a pure function of its inputs.
 *
 * The caller owns time, network, randomness and the cache of secrets. It feeds what arrives
 * (zrtp_engine_handle_packet(), ..._handle_timeout(), ..._srtp_authenticated()) and after every
 * such call first drains zrtp_engine_poll_event(), then zrtp_engine_poll_packet(). In that order:
 * an event hands over the key that the peer may use as soon as it has the packet.
 *
 * The streams of one call depend on each other: only one Diffie-Hellman exchange runs at a time, the
 * others wait for it and then use Multistream mode, and clear mode is for all of them. So what is fed
 * to one engine may concern another: after every call into an engine, drain also those that
 * zrtp_call_next_stirred() returns.
 *
 * Nothing here calls back, locks, reads a clock or grows with what the network sends. `now` is
 * monotonic time in nanoseconds from any origin.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef ZRTP_ENGINE_H
#define ZRTP_ENGINE_H

#include "gst/protocol/algorithms.h"

typedef struct ZrtpCall ZrtpCall;
typedef struct ZrtpEngine ZrtpEngine;

enum {
  ZRTP_ZID_SIZE = 12,        /* §4.9 */
  ZRTP_CLIENT_ID_SIZE = 16,  /* §5.2 */
  ZRTP_HELLO_HASH_SIZE = 32, /* §8.1 */
  ZRTP_RS_SIZE = 32,         /* a retained secret, §4.6.1 */
  ZRTP_SASHASH_SIZE = 32,    /* §4.5.2 */
  ZRTP_MAX_PACKET = 2136,    /* header + Confirm with the longest signature + CRC, §5.7 */
  ZRTP_SRTP_SALT_SIZE = 14,  /* §4.5.3 */
  ZRTP_MAX_SDES_SALT = 14,   /* octets of the longest SRTP master salt of the signalling, §8.2 */
};

/* The errors of Table 8. */
typedef enum {
  ZRTP_ERROR_NONE = 0,
  ZRTP_ERROR_MALFORMED = 0x10,
  ZRTP_ERROR_SOFTWARE = 0x20,
  ZRTP_ERROR_VERSION = 0x30,
  ZRTP_ERROR_HELLO_MISMATCH = 0x40,
  ZRTP_ERROR_HASH = 0x51,
  ZRTP_ERROR_CIPHER = 0x52,
  ZRTP_ERROR_KEY_AGREEMENT = 0x53,
  ZRTP_ERROR_AUTH_TAG = 0x54,
  ZRTP_ERROR_SAS = 0x55,
  ZRTP_ERROR_NO_SECRET = 0x56,
  ZRTP_ERROR_BAD_PV = 0x61,
  ZRTP_ERROR_BAD_HVI = 0x62,
  ZRTP_ERROR_UNTRUSTED_RELAY = 0x63,
  ZRTP_ERROR_CONFIRM_MAC = 0x70,
  ZRTP_ERROR_NONCE = 0x80,
  ZRTP_ERROR_EQUAL_ZID = 0x90,
  ZRTP_ERROR_SSRC = 0x91,
  ZRTP_ERROR_UNAVAILABLE = 0xA0,
  ZRTP_ERROR_TIMEOUT = 0xB0,
  ZRTP_ERROR_GOCLEAR = 0x100,
} ZrtpErrorCode;

/* What the table says of a code, for people. */
const char *zrtp_error_text (unsigned code);

/* Where a stream stands: named after the last message it sent. */
typedef enum {
  ZRTP_STATE_IDLE,          /* not started */
  ZRTP_STATE_DISCOVERY,     /* Hello goes out until somebody answers, §4.1 */
  ZRTP_STATE_COMMIT_SENT,   /* initiator, waits for DHPart1 */
  ZRTP_STATE_DHPART1_SENT,  /* responder, waits for DHPart2 */
  ZRTP_STATE_DHPART2_SENT,  /* initiator, waits for Confirm1 */
  ZRTP_STATE_CONFIRM1_SENT, /* responder, waits for Confirm2 */
  ZRTP_STATE_CONFIRM2_SENT, /* initiator, waits for Conf2ACK or SRTP */
  ZRTP_STATE_SECURE,
  ZRTP_STATE_GOCLEAR_SENT,  /* nothing is sent any more; waits for ClearACK, §4.7.2 */
  ZRTP_STATE_CLEAR_WAITING, /* GoClear came; nothing is sent until the user has taken note */
  ZRTP_STATE_CLEAR,         /* clear media; back by go_secure() or the peer's Commit */
  ZRTP_STATE_ERROR_SENT,    /* waits for ErrorACK */
  ZRTP_STATE_FAILED,
  ZRTP_N_STATES,
} ZrtpState;

typedef enum {
  ZRTP_ROLE_NONE,
  ZRTP_ROLE_INITIATOR,
  ZRTP_ROLE_RESPONDER,
} ZrtpRole;

/* Where the keys of a stream come from, §4.4. */
typedef enum {
  ZRTP_MODE_DH,
  ZRTP_MODE_PRESHARED,
  ZRTP_MODE_MULTISTREAM,
} ZrtpMode;

/* What became of a packet, and the reason for every drop: the index of a counter. */
typedef enum {
  ZRTP_ACCEPTED,
  ZRTP_REPEATED,       /* the same message again; its answer was sent again */
  ZRTP_NOT_ZRTP,       /* too short, wrong cookie or version nibble */
  ZRTP_BAD_CRC,        /* §5: silently discarded */
  ZRTP_BAD_LENGTH,     /* the length word, the type's exact length and the datagram disagree */
  ZRTP_BAD_CONTENT,    /* a field the type does not allow */
  ZRTP_UNKNOWN_TYPE,   /* ignored, §5.1.1 leaves room for extensions */
  ZRTP_UNEXPECTED,     /* not in this state */
  ZRTP_BAD_HASH_IMAGE, /* not from the sender of the Hello, §9 */
  ZRTP_BAD_MAC,        /* message MAC or confirm_mac is wrong */
  ZRTP_BAD_HELLO_HASH, /* not the Hello that the signalling announced, §8.1 */
  ZRTP_REFUSED,        /* understood, and the negotiation ended with an error for it */
  ZRTP_N_RESULTS,
} ZrtpResult;

/* What a cache keeps about one peer (§4.9); the engine asks for it and hands it back changed. */
typedef struct {
  bool has_rs1, has_rs2;
  bool has_pbx;
  bool sas_verified; /* the V flag of the previous sessions, §7.1: that of rs1 */
  bool rs2_verified; /* and that of rs2 */
  uint8_t rs1[ZRTP_RS_SIZE], rs2[ZRTP_RS_SIZE];
  uint8_t pbx[ZRTP_RS_SIZE]; /* pbxsecret, §7.3.1 */
  uint32_t expiry;           /* of rs1, seconds from now; 0xffffffff = for ever, §4.9 */
  uint8_t preshared_calls;   /* since the last DH exchange, §4.4.2 */
} ZrtpRecord;

/* True when there is a secret in it. */
bool zrtp_record_is_worth (const ZrtpRecord *record);
bool zrtp_same_pbxsecret (const ZrtpRecord *a, const ZrtpRecord *b);

/* Which of our retained secrets went into s0, §4.3. */
typedef enum {
  ZRTP_S1_NULL,
  ZRTP_S1_RS1,
  ZRTP_S1_RS2,
} ZrtpS1;

/* What one call changes in a cache: a difference, because other calls may write to the same record. */
typedef struct {
  ZrtpRecord before, after; /* as the engine last knew it to be kept, and as it should be */
  /* The user said that the SAS does not match, §7.1: before.rs1 is to go, if it is kept and not in `after`.
   * Also when the secret of this call was never stored. */
  bool erase;
  bool
      compared; /* the user said since the last STORE that the SAS matches: after.rs1 is verified */
  bool has_matched;
  uint8_t matched[ZRTP_RS_SIZE]; /* s1, of `before`; only in the first STORE of an exchange */
  ZrtpChoice choice;             /* the algorithms of the call */
} ZrtpStore;

/* An SRTP master key for one direction: key, then salt, as srtpenc and libsrtp take them. */
typedef struct {
  ZrtpType cipher, auth_tag;
  size_t size;
  uint8_t key_and_salt[ZRTP_MAX_CIPHER_KEY + ZRTP_SRTP_SALT_SIZE];
} ZrtpSrtpKey;

/* In the order in which they are delivered when several are due at once. */
typedef enum {
  ZRTP_EVENT_NONE,
  ZRTP_EVENT_DROP_KEYS, /* forget both keys, and send no media before SEND_KEY or CLEAR, §4.7.2.1 */
  ZRTP_EVENT_LOOKUP,    /* answer with zrtp_engine_set_record() */
  ZRTP_EVENT_RECEIVE_KEY, /* protected packets may arrive from now on */
  ZRTP_EVENT_SEND_KEY,    /* media must be protected from now on */
  ZRTP_EVENT_STORE,       /* keep this, before the next event is polled */
  ZRTP_EVENT_SECURE,
  ZRTP_EVENT_ENROLLMENT,  /* a PBX asks to be trusted, §7.3.1: zrtp_engine_accept_enrollment() */
  ZRTP_EVENT_RELAYED_SAS, /* the SAS to compare is another one from now on, §7.3 */
  ZRTP_EVENT_UNTRUSTED_RELAY, /* a SAS was relayed by somebody who is not trusted to, §7.3 */
  ZRTP_EVENT_CLEAR,           /* clear mode, or on the way to it, §4.7.2 */
  ZRTP_EVENT_NO_ANSWER,       /* the Hello schedule is spent, §6; listening goes on */
  ZRTP_EVENT_BAD_HELLO_HASH,  /* a Hello was refused, §8.1; once a negotiation */
  ZRTP_EVENT_BAD_VERSION,     /* the peer speaks an older ZRTP, §4.1.1; once a negotiation */
  ZRTP_EVENT_WRONG_PEER, /* another endpoint on a further stream of the call, §4.4.3; refused */
  ZRTP_EVENT_RESTART_REFUSED, /* somebody else wants to take the place of a secure stream's peer */
  ZRTP_EVENT_WATCH_MEDIA, /* tell of the next good SRTP packet: zrtp_engine_srtp_authenticated() */
  ZRTP_EVENT_PINGACK,     /* the answer to zrtp_engine_ping(), §5.16 */
  ZRTP_EVENT_FAILED,
  ZRTP_N_EVENTS,
} ZrtpEventKind;

typedef struct {
  char sas
      [32]; /* as read aloud; two words have a space between them. In Multistream mode the call's */
  ZrtpChoice choice;
  ZrtpMode mode;
  ZrtpRole role;
  bool sas_verified;   /* by both ends in an earlier session, §7.1 */
  bool cache_mismatch; /* §4.3.2 */
  bool aux_mismatch;   /* we have an auxsecret and the peer has not the same, §4.3.2 */
  bool first;          /* of the call: sas is the call's from now on */
  bool enrolled;       /* both have the same pbxsecret, §7.3 */
  ZrtpS1 s1;           /* by which of our retained secrets the call's peer is known */
  bool signalling; /* the peer's Hello is the one that protected signalling announced, §8.1.1 */
  bool peer_disclosure, peer_mitm;
  bool peer_allows_clear;
  ZrtpType
      peer_signature; /* the type of the signature in the peer's Confirm, unchecked; 0 = none */
  bool peer_signature_capable;
  uint8_t peer_zid[ZRTP_ZID_SIZE];
  char peer_client_id[ZRTP_CLIENT_ID_SIZE + 1];
} ZrtpSecureInfo;

typedef struct {
  char sas[32];
  ZrtpType sas_type;
  bool relayed;      /* of the party behind the PBX; else our own in another rendering */
  bool sas_verified; /* V, D: what the PBX says of that party */
  bool disclosure;
} ZrtpRelayedSas;

typedef struct {
  ZrtpEventKind kind;
  uint8_t peer_zid[ZRTP_ZID_SIZE]; /* whom it is about: for LOOKUP and STORE */
  union {
    ZrtpSrtpKey key;            /* RECEIVE_KEY, SEND_KEY; wipe after use */
    ZrtpStore store;            /* STORE; wipe after use */
    ZrtpSecureInfo secure;      /* SECURE */
    ZrtpRelayedSas relayed_sas; /* RELAYED_SAS */
    struct {
      bool by_peer;
      bool waiting; /* for zrtp_call_accept_clear() */
    } clear;        /* CLEAR */
    struct {
      uint8_t endpoint_hash[8];
      uint32_t ssrc; /* of ours, as the peer saw it */
    } pingack;       /* PINGACK */
    struct {
      unsigned code; /* Table 8 */
      bool by_peer;
    } failed; /* FAILED */
  };
} ZrtpEvent;

/* --- The call: what the streams of one call share ------------------------------------------- */

/* `crypto` must outlive the call. `zid` identifies us to every peer that uses the same cache. */
ZrtpCall *zrtp_call_new (const ZrtpCrypto *crypto, const uint8_t zid[ZRTP_ZID_SIZE]);
void zrtp_call_free (ZrtpCall *call);
/* The last stream that was started has ended, and with it the call, though there are streams that were not
 * started yet: they will be another call's. Session key, SAS and nonces are forgotten. */
void zrtp_call_end (ZrtpCall *call);

/* auxsecret (§4.3), any length; 0 takes it away. Copied. For the exchanges that begin after it. */
bool zrtp_call_set_aux (ZrtpCall *call, const uint8_t *secret, size_t size);

/* An SRTP master key and salt that the signalling agreed on (SDES, RFC 4568). */
typedef struct {
  uint8_t key[ZRTP_MAX_CIPHER_KEY], salt[ZRTP_MAX_SDES_SALT];
  size_t key_size, salt_size; /* 0 = there is none */
} ZrtpSdesKey;

/* auxsecret from the signalling's keys (§8.2): srtps of the key that the initiator sends with, then srtps
 * of the responder's. RFC 6189 knows one key; when both pairs are the same, or one is absent, it is
 * the srtps of that one. Takes the place of zrtp_call_set_aux(). False when there is no memory. */
bool zrtp_call_set_sdes (ZrtpCall *call, const ZrtpSdesKey *own, const ZrtpSdesKey *peer);

/* The next engine of the call that has something to do because of what another one was told: call its
 * handle_timeout(), and drain it. NULL = none. */
ZrtpEngine *zrtp_call_next_stirred (ZrtpCall *call);

/* --- Clear mode, of all streams of the call (§4.7.2) ------------------------------------------------ */

/* False when no stream is secure, or one end does not allow it. */
bool zrtp_call_may_go_clear (ZrtpCall *call);
/* Some stream is in clear mode, or its user is waited for, or it is on its way out of clear mode. */
bool zrtp_call_is_clear (const ZrtpCall *call);
bool zrtp_call_go_clear (ZrtpCall *call, uint64_t now);
/* The user has taken note that the peer wants clear media: true begins it, false goes back to secure. */
void zrtp_call_accept_clear (ZrtpCall *call, bool accept, uint64_t now);
/* Back to secure by Multistream Commits. If that fails there is no media, not clear media. False when the
 * call is not in clear mode. */
bool zrtp_call_go_secure (ZrtpCall *call, uint64_t now);

/* sashash (§4.5.2), or NULL before the call is secure. */
const uint8_t *zrtp_call_get_sashash (const ZrtpCall *call);
/* A subkey of ExportedKey for the application: KDF(ExportedKey, label, KDF_Context, size), §4.5.2.
 * False before the call is secure, or when `size` is 0 or exceeds the negotiated hash length. */
bool zrtp_call_export_key (const ZrtpCall *call, const char *label, uint8_t *out, size_t size);

/* --- One stream ------------------------------------------------------------------------------ */

typedef struct {
  ZrtpOffer offer;
  char client_id[ZRTP_CLIENT_ID_SIZE]; /* padded with spaces */
  uint32_t ssrc;
  uint32_t cache_expiry;     /* seconds; 0 = we keep nothing (§4.9.1) */
  bool allow_preshared;      /* §4.4.2 */
  bool allow_clear;          /* A, §4.7.2 */
  bool disclosure;           /* D, §11: this product discloses its session keys */
  bool mitm;                 /* M, §5.2: this is a PBX */
  bool enroll;               /* E, §7.3.1: a PBX asks to be trusted; implies not A */
  bool accept_enrollment;    /* report such a wish of the peer */
  bool signalling_integrity; /* §8.1.1: peer_hello_hash came by end-to-end protected signalling */
  void *owner;               /* for the caller: zrtp_engine_get_owner() */
  bool has_peer_hello_hash;
  uint8_t peer_hello_hash[ZRTP_HELLO_HASH_SIZE];
} ZrtpConfig;

/* NULL when there are no random octets to be had. The call must outlive the engine. */
ZrtpEngine *zrtp_engine_new (ZrtpCall *call, const ZrtpConfig *config);
/* Wipes and frees. */
void zrtp_engine_free (ZrtpEngine *engine);

/* SHA-256 of our Hello, for a=zrtp-hash (§8.1); valid from the start. */
void zrtp_engine_get_hello_hash (const ZrtpEngine *engine, uint8_t out[ZRTP_HELLO_HASH_SIZE]);

/* The peer's a=zrtp-hash (§8.1): a Hello that does not match is refused, also one that was accepted
 * before the hash came. NULL takes the check away. */
void zrtp_engine_set_peer_hello_hash (
    ZrtpEngine *engine, const uint8_t hash[ZRTP_HELLO_HASH_SIZE], uint64_t now);
void zrtp_engine_set_ssrc (ZrtpEngine *engine, uint32_t ssrc);
void *zrtp_engine_get_owner (const ZrtpEngine *engine);

void zrtp_engine_start (ZrtpEngine *engine, uint64_t now);
/* Discovery again after a failure whose reason is gone: an SSRC collision, when we have another SSRC. With the
 * same Hello, whose hash may be in the signalling, and only while nothing else was sent: the hash chain is
 * good for one exchange (§9). False when it cannot be. */
bool zrtp_engine_retry (ZrtpEngine *engine, uint64_t now);
ZrtpResult zrtp_engine_handle_packet (
    ZrtpEngine *engine, const uint8_t *data, size_t size, uint64_t now);
/* Call when next_timeout() has come; harmless earlier. */
void zrtp_engine_handle_timeout (ZrtpEngine *engine, uint64_t now);
/* An SRTP packet with a good tag. The first one counts as Conf2ACK (§4.6); one after WATCH_MEDIA shows
 * that the peer is still there. Harmless at other times. */
void zrtp_engine_srtp_authenticated (ZrtpEngine *engine, uint64_t now);
/* An unprotected media packet: the peer is there, so discovery that had given up begins again. */
void zrtp_engine_media_received (ZrtpEngine *engine, uint64_t now);
/* The answer to LOOKUP, for the peer that it named; NULL = nothing known of it. Copied. */
void zrtp_engine_set_record (ZrtpEngine *engine, const uint8_t peer_zid[ZRTP_ZID_SIZE],
    const ZrtpRecord *record, uint64_t now);
/* The other answer: the cache cannot be read. The call is cacheless (§4.9.1), so that nothing that may
 * be in it is overwritten. */
void zrtp_engine_forgo_cache (
    ZrtpEngine *engine, const uint8_t peer_zid[ZRTP_ZID_SIZE], uint64_t now);
/* The user compared the SAS by voice (§7.1), that of the first stream; of another this does nothing. True
 * stores the verified flag and, after a cache mismatch, the new secret (§4.6.1.1); false erases this call's
 * secret, and then there is nothing left to verify in this call. STORE follows. */
void zrtp_engine_sas_verified (ZrtpEngine *engine, bool matches);

/* Answers ENROLLMENT: true keeps pbxsecret with the peer's record (§7.3.1), after a cache mismatch when the SAS
 * was compared; false takes back what an earlier true has kept. STORE follows. False when the peer did not ask. */
bool zrtp_engine_accept_enrollment (ZrtpEngine *engine, bool accept);
/* A PBX sends the SAS of its other leg (§7.3), or with `sashash` NULL only its rendering. False when
 * this is not a secure stream of a PBX, or when the peer is not enrolled and `sashash` is given. */
bool zrtp_engine_relay_sas (ZrtpEngine *engine, ZrtpType sas_type, const uint8_t *sashash,
    bool sas_verified, bool disclosure, uint64_t now);
/* Asks who is there (§5.15), for proxies; PINGACK follows if somebody answers. */
void zrtp_engine_ping (ZrtpEngine *engine, uint64_t now);

/* When to call handle_timeout(); false = not at all. */
bool zrtp_engine_next_timeout (const ZrtpEngine *engine, uint64_t *when);
/* Octets of the next packet to send, written to `out`, or 0. */
size_t zrtp_engine_poll_packet (ZrtpEngine *engine, uint8_t out[ZRTP_MAX_PACKET]);
/* False when nothing happened. */
bool zrtp_engine_poll_event (ZrtpEngine *engine, ZrtpEvent *event);

ZrtpState zrtp_engine_get_state (const ZrtpEngine *engine);
ZrtpRole zrtp_engine_get_role (const ZrtpEngine *engine);
/* Its SAS is the call's, and its record the one that is kept: the first stream, or, when that has ended, one
 * of the others. */
bool zrtp_engine_is_first (const ZrtpEngine *engine);

typedef struct {
  uint64_t received[ZRTP_N_RESULTS];
  uint64_t sent;
  uint64_t retransmissions;
  uint64_t handshake_time; /* ns from the peer's Hello to secure; 0 before */
} ZrtpCounters;

const ZrtpCounters *zrtp_engine_get_counters (const ZrtpEngine *engine);

#endif
