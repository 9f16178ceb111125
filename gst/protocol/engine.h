/* The ZRTP protocol of one media stream, without I/O: RFC 6189 as a pure function of its inputs.
 *
 * The caller owns time, network, randomness and the cache of secrets. It feeds what arrives
 * (zrtp_engine_handle_packet(), ..._handle_timeout(), ..._srtp_authenticated()) and after every
 * such call first drains zrtp_engine_poll_event(), then zrtp_engine_poll_packet(). In that order:
 * an event hands over the key that the peer may use as soon as it has the packet.
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
  ZRTP_STATE_ERROR_SENT, /* waits for ErrorACK */
  ZRTP_STATE_FAILED,
  ZRTP_N_STATES,
} ZrtpState;

typedef enum {
  ZRTP_ROLE_NONE,
  ZRTP_ROLE_INITIATOR,
  ZRTP_ROLE_RESPONDER,
} ZrtpRole;

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
  bool sas_verified; /* the V flag of the previous sessions, §7.1 */
  uint8_t rs1[ZRTP_RS_SIZE], rs2[ZRTP_RS_SIZE];
  uint32_t expiry; /* seconds from now; 0xffffffff = for ever, §4.9 */
} ZrtpRecord;

/* An SRTP master key for one direction: key, then salt, as srtpenc and libsrtp take them. */
typedef struct {
  ZrtpType cipher, auth_tag;
  size_t size;
  uint8_t key_and_salt[ZRTP_MAX_CIPHER_KEY + ZRTP_SRTP_SALT_SIZE];
} ZrtpSrtpKey;

/* In the order in which they are delivered when several are due at once. */
typedef enum {
  ZRTP_EVENT_NONE,
  ZRTP_EVENT_LOOKUP,      /* answer with zrtp_engine_set_record() */
  ZRTP_EVENT_RECEIVE_KEY, /* protected packets may arrive from now on */
  ZRTP_EVENT_SEND_KEY,    /* media must be protected from now on */
  ZRTP_EVENT_STORE,       /* keep this record, before the next event is polled */
  ZRTP_EVENT_SECURE,
  ZRTP_EVENT_NO_ANSWER,      /* the Hello schedule is spent, §6; listening goes on */
  ZRTP_EVENT_BAD_HELLO_HASH, /* a Hello was refused, §8.1; once a negotiation */
  ZRTP_EVENT_BAD_VERSION,    /* the peer speaks an older ZRTP, §4.1.1; once a negotiation */
  ZRTP_EVENT_FAILED,
} ZrtpEventKind;

typedef struct {
  char sas[32]; /* as read aloud; two words have a space between them */
  ZrtpChoice choice;
  ZrtpRole role;
  bool sas_verified;   /* by both ends in an earlier session, §7.1 */
  bool cache_mismatch; /* §4.3.2 */
  bool peer_disclosure, peer_mitm;
  uint8_t peer_zid[ZRTP_ZID_SIZE];
  char peer_client_id[ZRTP_CLIENT_ID_SIZE + 1];
} ZrtpSecureInfo;

typedef struct {
  ZrtpEventKind kind;
  uint8_t peer_zid[ZRTP_ZID_SIZE]; /* whom it is about: for LOOKUP and STORE */
  union {
    ZrtpSrtpKey key;       /* RECEIVE_KEY, SEND_KEY; wipe after use */
    ZrtpRecord record;     /* STORE; wipe after use */
    ZrtpSecureInfo secure; /* SECURE */
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
  uint32_t cache_expiry; /* seconds; 0 = we keep nothing (§4.9.1) */
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

void zrtp_engine_start (ZrtpEngine *engine, uint64_t now);
ZrtpResult zrtp_engine_handle_packet (
    ZrtpEngine *engine, const uint8_t *data, size_t size, uint64_t now);
/* Call when next_timeout() has come; harmless earlier. */
void zrtp_engine_handle_timeout (ZrtpEngine *engine, uint64_t now);
/* The first SRTP packet with a good tag: counts as Conf2ACK (§4.6). Harmless at other times. */
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
/* The user compared the SAS by voice (§7.1), that of the first stream; of another this does nothing. True stores the verified flag and, after a cache
 * mismatch, the new secret (§4.6.1.1); false erases this call's secret. STORE follows. */
void zrtp_engine_sas_verified (ZrtpEngine *engine, bool matches);

/* When to call handle_timeout(); false = not at all. */
bool zrtp_engine_next_timeout (const ZrtpEngine *engine, uint64_t *when);
/* Octets of the next packet to send, written to `out`, or 0. */
size_t zrtp_engine_poll_packet (ZrtpEngine *engine, uint8_t out[ZRTP_MAX_PACKET]);
/* False when nothing happened. */
bool zrtp_engine_poll_event (ZrtpEngine *engine, ZrtpEvent *event);

ZrtpState zrtp_engine_get_state (const ZrtpEngine *engine);
ZrtpRole zrtp_engine_get_role (const ZrtpEngine *engine);

typedef struct {
  uint64_t received[ZRTP_N_RESULTS];
  uint64_t sent;
  uint64_t retransmissions;
  uint64_t handshake_time; /* ns from the peer's Hello to secure; 0 before */
} ZrtpCounters;

const ZrtpCounters *zrtp_engine_get_counters (const ZrtpEngine *engine);

#endif
