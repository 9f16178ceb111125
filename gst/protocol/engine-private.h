/* The inside of an engine, shared by the files that handle its messages:
 *
 *   engine.c     the life of an engine, its queues and timers, the state table
 *   discovery.c  Hello, HelloACK, Ping
 *   initiate.c   our Commit
 *   respond.c    the peer's Commit
 *   exchange.c   DHPart1, DHPart2, the keys
 *   secure.c     Confirm1, Confirm2, Conf2ACK, and what becomes of the secrets
 *   clear.c      GoClear, ClearACK
 *   relay.c      SASrelay, RelayACK, enrolment
 *   restart.c    a peer that begins anew on a secure stream
 *   call.c       what streams share
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef ZRTP_ENGINE_PRIVATE_H
#define ZRTP_ENGINE_PRIVATE_H

#include "gst/protocol/commit.h"
#include "gst/protocol/confirm.h"
#include "gst/protocol/dhpart.h"
#include "gst/protocol/error.h"
#include "gst/protocol/goclear.h"
#include "gst/protocol/hello.h"
#include "gst/protocol/keys.h"
#include "gst/protocol/ping.h"
#include "gst/protocol/sasrelay.h"
#include "gst/protocol/secrets.h"
#include "gst/protocol/timer.h"

/* auxsecret, or the signalling's keys to make it from. An exchange keeps what it began with, because the IDs that it
 * sent are of that; so the uses are counted. */
typedef struct {
  unsigned uses;
  ZrtpSdesKey sdes[2]; /* our key, the peer's */
  size_t size;         /* 0 = made from those */
  uint8_t secret[];
} ZrtpAux;

struct ZrtpCall {
  const ZrtpCrypto *crypto;
  const ZrtpHash *s256; /* the implicit hash, §5.1.2.2 */
  uint8_t zid[ZRTP_ZID_SIZE];

  ZrtpEngine *engines; /* its streams, by ZrtpEngine.next */
  ZrtpEngine *lead;    /* the one whose DH or Preshared exchange is under way, §4.4.1 */

  /* Of the first stream that became secure; "there is only one SAS value computed per call", §7. */
  bool secure;
  const ZrtpHash *hash;
  ZrtpChoice choice;
  char sas[32];
  uint8_t peer_zid[ZRTP_ZID_SIZE];
  uint8_t sashash[ZRTP_SASHASH_SIZE];
  uint8_t zrtpsess[ZRTP_MAX_HASH];
  uint8_t exported_key[ZRTP_MAX_HASH];
  ZrtpKdfContext kdf_context;
  bool sas_verified;
  bool v_flag;             /* as sent for that stream; Multistream Confirms repeat it */
  bool enrolled;           /* both ends have the same pbxsecret */
  ZrtpS1 s1;               /* of the exchange that made the session key */
  bool enrollment_offered; /* the peer's E flag */

  uint8_t (*nonces)[ZRTP_NONCE_SIZE];
  size_t n_nonces;

  ZrtpAux *aux; /* for the exchanges to come; NULL = none */
};

/* Called once a stream's keys are confirmed. */
void zrtp_call_adopt (
    ZrtpCall *call, const ZrtpEngine *engine, const ZrtpHash *hash, const ZrtpKeys *keys);
void zrtp_call_add (ZrtpCall *call, ZrtpEngine *engine);
void zrtp_call_remove (ZrtpCall *call, ZrtpEngine *engine);
/* It is secure, or in clear mode, or on its way between the two. */
bool zrtp_was_secure (const ZrtpEngine *engine);
/* False: another stream's exchange is under way, and this one has to wait. */
bool zrtp_call_take_lead (ZrtpCall *call, ZrtpEngine *engine);
void zrtp_call_release_lead (ZrtpCall *call, ZrtpEngine *engine);
/* §4.7.2.1: after a GoClear. */
void zrtp_call_replace_zrtpsess (ZrtpCall *call);
void zrtp_call_pbxsecret (const ZrtpCall *call, uint8_t out[ZRTP_RS_SIZE]);
/* 0x80 when it was used before in this call. */
ZrtpErrorCode zrtp_call_note_nonce (ZrtpCall *call, const uint8_t nonce[ZRTP_NONCE_SIZE]);
/* Of the call, for an exchange that begins. */
ZrtpAux *zrtp_call_use_aux (ZrtpCall *call);
void zrtp_aux_release (ZrtpAux *aux);
bool zrtp_call_knows_nonce (const ZrtpCall *call, const uint8_t nonce[ZRTP_NONCE_SIZE]);
/* auxsecret for an exchange; what is made from the signalling's keys goes to `buffer`. */
ZrtpBytes zrtp_auxsecret (const ZrtpAux *aux, const ZrtpHash *hash, ZrtpRole role,
    const uint8_t own_zid[ZRTP_ZID_SIZE], const uint8_t peer_zid[ZRTP_ZID_SIZE],
    uint8_t buffer[2 * ZRTP_RS_SIZE]);

typedef struct {
  uint8_t h[4][ZRTP_IMAGE_SIZE]; /* H0 is secret until Confirm, H1 until DHPart, H2 until Commit */
} ZrtpHashChain;

typedef struct {
  const ZrtpKeyAgreement *algorithm; /* NULL = none yet */
  unsigned exponent_bits;
  uint8_t secret[ZRTP_MAX_SECRET];
  uint8_t pv[ZRTP_MAX_PV];
} ZrtpKeyPair;

/* The sender of a Hello. */
typedef struct {
  uint32_t ssrc;
  ZrtpHello hello;
  uint8_t message[ZRTP_HELLO_MAX_SIZE];
  size_t message_size;
  bool tried; /* a Commit of ours was for it */
} ZrtpPeer;

enum {
  ZRTP_MAX_RIVALS = 4
};

/* Everything that lives from the peer's Hello to the end of the negotiation, and not longer: it is
 * wiped and freed as one. */
typedef struct {
  ZrtpMode mode;
  ZrtpChoice choice;
  const ZrtpHash *hash;
  const ZrtpCipher *cipher;
  ZrtpKeyPair pair;
  ZrtpRecord record; /* what the cache had for this peer */
  ZrtpAux *aux;
  ZrtpS1 s1;
  bool has_aux, aux_matched;
  bool pbx_matched;
  bool keys_ready;   /* without DH: derived already */
  bool no_preshared; /* it did not work out: DH */
  uint8_t peer_h1[ZRTP_IMAGE_SIZE];
  ZrtpCommit peer_commit;              /* the responder's copy, parsed */
  ZrtpCommit own_commit;               /* the initiator's */
  uint8_t commit[ZRTP_COMMIT_DH_SIZE]; /* the Commit in force, ours or the peer's */
  size_t commit_size;
  bool rival_seen; /* the peer's own Commit came and was discarded, §4.2 */
  ZrtpMode rival_mode;
  uint8_t dhpart[ZRTP_DHPART_MAX_SIZE];
  size_t dhpart_size;
  uint8_t peer_dhpart[ZRTP_DHPART_MAX_SIZE];
  size_t peer_dhpart_size;
  uint8_t confirm[ZRTP_CONFIRM_SIZE];
  unsigned bad_confirms;

  /* While our Commit waits for an answer: others who said Hello meanwhile, the newest last. Each may be
   * the peer, restarted or later than a forged Hello; it shows by a Commit of its own. */
  ZrtpPeer rival[ZRTP_MAX_RIVALS];
  unsigned n_rivals;
  unsigned times_held; /* how often T2 was held back for a rival */
  bool commit_pending; /* the peer's Commit, which waits for its record */
  ZrtpCommit pending;
  uint8_t pending_message[ZRTP_COMMIT_DH_SIZE];
  size_t pending_size;
  ZrtpConfirm peer_confirm;
  ZrtpKeys keys;
} ZrtpExchange;

/* Messages waiting to be sent, as bits: a message cannot wait twice, so nothing grows. They leave
 * in this order. */
enum {
  ZRTP_OUT_PINGACK = 1 << 0,
  ZRTP_OUT_HELLO = 1 << 1,
  ZRTP_OUT_HELLOACK = 1 << 2,
  ZRTP_OUT_COMMIT = 1 << 3,
  ZRTP_OUT_DHPART = 1 << 4,
  ZRTP_OUT_CONFIRM = 1 << 5,
  ZRTP_OUT_CONF2ACK = 1 << 6,
  ZRTP_OUT_ERROR = 1 << 7,
  ZRTP_OUT_ERRORACK = 1 << 8,
  ZRTP_OUT_GOCLEAR = 1 << 9,
  ZRTP_OUT_CLEARACK = 1 << 10,
  ZRTP_OUT_SASRELAY = 1 << 11,
  ZRTP_OUT_RELAYACK = 1 << 12,
  ZRTP_OUT_PING = 1 << 13,
};

/* What stays of an exchange for the messages of a secure stream. */
typedef struct {
  bool may_clear;                      /* both ends set A */
  bool accepts_clear;                  /* we did */
  uint8_t clear_mac[2][ZRTP_MAC_SIZE]; /* ours, the peer's */
  bool has_relay_keys;                 /* one end is a PBX */
  const ZrtpHash *hash;
  const ZrtpCipher *cipher;
  uint8_t mackey[2][ZRTP_MAX_HASH]; /* ours, the peer's */
  uint8_t zrtpkey[2][ZRTP_MAX_CIPHER_KEY];
} ZrtpSecureKeys;

struct ZrtpEngine {
  ZrtpCall *call;
  ZrtpEngine *next; /* of the call's list */
  bool stirred;     /* see zrtp_call_next_stirred() */
  uint64_t watch_due, successor_allowed_at, successor_ends_at;
  bool restart_refused;
  ZrtpEngine *predecessor; /* of a successor */
  ZrtpEngine *successor;   /* negotiates with a peer that began anew: restart.c */
  ZrtpConfig config;
  ZrtpState state;
  ZrtpRole role;
  uint16_t sequence; /* of the next packet */

  ZrtpHashChain chain;
  bool chain_used; /* more of it than the Hello may be known */
  uint8_t hello[ZRTP_HELLO_MAX_SIZE];
  size_t hello_size;

  bool peer_known;        /* a Hello was accepted */
  ZrtpPeer peer;          /* whose it is */
  bool record_wanted;     /* LOOKUP was told and not answered */
  ZrtpExchange *exchange; /* NULL outside a negotiation */

  bool hello_acked;
  uint32_t hello_acked_by; /* the SSRC */
  bool media_seen;
  bool answer_missed; /* the Hello schedule was spent */
  bool version_reported, hello_hash_reported, wrong_peer_reported;
  ZrtpErrorCode discovery_error; /* what was wrong with the only Hellos that came */
  bool resumed_by_commit;
  ZrtpOffer wanted_offer;  /* as in the configuration that was given */
  uint32_t wanted_ssrc;    /* to be used with the next peer */
  ZrtpTimer hello_timer;   /* T1 */
  ZrtpTimer message_timer; /* T2 */
  bool patience_armed;     /* the responder's wait for the initiator, §6 */
  uint64_t patience_due;
  uint64_t hello_accepted_at;

  ZrtpPing ping; /* the last one, to be answered */
  uint32_t ping_ssrc;
  ZrtpTimer ping_timer; /* of our own */
  ZrtpPingAck pingack;  /* the answer to it */

  ZrtpSecureKeys kept;
  ZrtpState resume_state; /* clear mode: where an exchange began, and goes back to if it fails */
  bool securing;          /* our own user wants that exchange: it does not go back */
  bool must_speak;        /* send the GoClear that another stream left unsent */
  uint32_t clear_ssrc;    /* the peer's, when it was last authenticated */
  bool goclear_seen;      /* since this stream became secure */
  bool clear_by_peer, clear_waiting;
  uint64_t clearack_due; /* the next repetition while the user is waited for; 0 = none */
  ZrtpRelayedSas relayed_sas;
  uint8_t sasrelay[ZRTP_SASRELAY_SIZE];      /* our own */
  uint8_t last_relay[ZRTP_CONFIRM_TAG_SIZE]; /* the peer's, to know a repetition by */
  bool untrusted_relay_reported;
  uint32_t relay_message; /* what is repeated while secure: SASrelay or Error */

  uint32_t outbox;
  uint32_t events;                   /* bits 1 << ZrtpEventKind */
  ZrtpSrtpKey receive_key, send_key; /* until polled */
  bool is_first;                /* of the call to become secure: its SAS and rs1 count, §4.6.1 */
  ZrtpRecord cached;            /* what the cache holds, as far as we were told or told it */
  ZrtpRecord previous, pending; /* before this call; after it, if the SAS matches */
  ZrtpS1 continued;   /* the secret of `previous` that `pending` continues; until it is stored */
  bool store_delayed; /* until the user has compared the SAS, §4.6.1.1 */
  bool secret_erased; /* the user said that the SAS does not match, §7.1 */
  bool sas_compared;  /* the user said that it does; until the cache is told */
  ZrtpSecureInfo secure;
  unsigned error_code;
  bool error_by_peer;
  uint8_t last_confirm2[ZRTP_CONFIRM_TAG_SIZE]; /* the responder's, to know a repetition by */

  ZrtpCounters counters;
};

/* --- engine.c --------------------------------------------------------------------------------- */

static inline void
zrtp_send (ZrtpEngine *engine, uint32_t message)
{
  engine->outbox |= message;
}

static inline void
zrtp_event (ZrtpEngine *engine, ZrtpEventKind kind)
{
  engine->events |= 1u << kind;
}

bool zrtp_random (ZrtpEngine *engine, uint8_t *out, size_t size);

/* Sends `message` and moves on. The initiator's messages are retransmitted by T2, the responder's
 * are answers and only wait (§6). */
void zrtp_advance (ZrtpEngine *engine, ZrtpState state, uint32_t message, uint64_t now);

/* Ends the negotiation, tells the peer (Error) and the owner. Returns ZRTP_REFUSED. */
ZrtpResult zrtp_fail (ZrtpEngine *engine, ZrtpErrorCode code, uint64_t now);

void zrtp_exchange_free (ZrtpEngine *engine);
/* Commits to the newest of the rivals instead, if there is one. Nothing is told to the old peer. */
bool zrtp_try_rival (ZrtpEngine *engine, uint64_t now);
void zrtp_swap_rival (ZrtpEngine *engine, unsigned i);
/* Back to discovery: whoever we committed to was nobody. */
void zrtp_forget_peer (ZrtpEngine *engine, uint64_t now);
/* Hellos beside a Commit, unless they were acknowledged. */
void zrtp_introduce (ZrtpEngine *engine, uint64_t now);
/* Asks for the record of engine->peer. */
void zrtp_want_record (ZrtpEngine *engine);

/* A peer that was restarted makes a new session key, on the stream that made the old one. */
bool zrtp_may_renew_session (const ZrtpEngine *engine);
/* This Hello may begin an exchange in this call. */
bool zrtp_fits_call (const ZrtpEngine *engine, const ZrtpHello *hello);
/* Back to discovery: the peer does not fit the call. */
void zrtp_refuse_peer (ZrtpEngine *engine, uint64_t now);
/* Commits, if it is this stream's turn; else it waits. */
void zrtp_proceed (ZrtpEngine *engine, uint64_t now);
/* Knows its peer, and waits for the exchange of another stream. */
bool zrtp_is_waiting (const ZrtpEngine *engine);
/* A Multistream Commit; the peer is known and the call has a session key. */
void zrtp_commit_multistream (ZrtpEngine *engine, uint64_t now);
/* Gives up its exchange for that of another stream, and waits for it. */
void zrtp_step_back (ZrtpEngine *engine);
/* The Hello is the one that the signalling announced, if it announced one, §8.1. */
bool zrtp_is_announced (const ZrtpEngine *engine, ZrtpBytes hello);
/* ZRTP_BAD_HELLO_HASH, told once. */
ZrtpResult zrtp_refuse_hello (ZrtpEngine *engine);
/* The peer's Hello is the one that integrity-protected signalling announced, §8.1.1. */
bool zrtp_is_signalled (const ZrtpEngine *engine);

/* SHA-256 over one view: the chain H0-H3 and the Hello hash. */
void zrtp_image (const ZrtpEngine *engine, ZrtpBytes of, uint8_t out[ZRTP_IMAGE_SIZE]);
/* Constant-time: is `image` the hash of `preimage`? (§9) */
bool zrtp_image_follows (const ZrtpEngine *engine, const uint8_t preimage[ZRTP_IMAGE_SIZE],
    const uint8_t image[ZRTP_IMAGE_SIZE]);

static inline ZrtpBytes
zrtp_own_hello (const ZrtpEngine *engine)
{
  return (ZrtpBytes){engine->hello, engine->hello_size};
}

static inline ZrtpBytes
zrtp_peer_hello (const ZrtpEngine *engine)
{
  return (ZrtpBytes){engine->peer.message, engine->peer.message_size};
}

static inline bool
zrtp_same (ZrtpBytes a, const uint8_t *b, size_t size)
{
  return a.size == size && zrtp_equal (a.data, b, size);
}

/* --- handlers: one for each message that a state expects --------------------------------------- */

typedef ZrtpResult (*ZrtpHandler) (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);

/* What the table has for a message in a state, NULL = nothing: for docs/state-machine.md. */
ZrtpHandler zrtp_get_handler (ZrtpState state, ZrtpMessageType type);

ZrtpResult zrtp_on_hello (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_rival_hello (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_hello_again (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_helloack (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_early_error (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_early_commit (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_ping (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);

ZrtpResult zrtp_on_commit (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_commit_in_clear (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_late_commit (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_waiting_commit (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_commit_again (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_dhpart1 (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_dhpart2 (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_dhpart2_again (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);

ZrtpResult zrtp_on_confirm1_without_dh (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_confirm1 (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_confirm2 (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_confirm2_again (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_conf2ack (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_commit_error (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_error (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_error_again (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_errorack (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);

ZrtpResult zrtp_on_goclear (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_clearack (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_sasrelay (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_relayack (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_late_error (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_late_errorack (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_pingack (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);

/* initiate.c */
void zrtp_commit_ourselves (ZrtpEngine *engine, uint64_t now);
void zrtp_commit_dh (ZrtpEngine *engine, uint64_t now);
/* §4.4.3: there is a session key, of the same peer, who knows the mode. */
bool zrtp_can_multistream (const ZrtpEngine *engine);
/* §4.4.2.1: the cached secret is one to build on without DH. */
bool zrtp_is_reliable (const ZrtpEngine *engine);

/* exchange.c */
bool zrtp_have_exchange (ZrtpEngine *engine);
void zrtp_adopt_choice (ZrtpEngine *engine, ZrtpMode mode, const ZrtpChoice *choice);
/* The secrets that may be shared; auxsecret may be made in `buffer`, which the caller wipes. */
ZrtpSecrets zrtp_secrets_as (
    const ZrtpEngine *engine, ZrtpRole role, uint8_t buffer[2 * ZRTP_RS_SIZE]);
bool zrtp_have_key_pair (ZrtpEngine *engine);
bool zrtp_make_dhpart (ZrtpEngine *engine, ZrtpRole role);
void zrtp_compute_hvi (
    const ZrtpHash *hash, ZrtpBytes dhpart2, ZrtpBytes responder_hello, uint8_t hvi[ZRTP_HVI_SIZE]);

/* relay.c: an Error of ours that does not end the stream, repeated until it is acknowledged. Returns
 * ZRTP_REFUSED. */
ZrtpResult zrtp_complain (ZrtpEngine *engine, ZrtpErrorCode code, uint64_t now);
/* Stores pbxsecret; while the store of rs1 is delayed, that waits too. */
void zrtp_keep_pbxsecret (ZrtpEngine *engine);

/* clear.c */
void zrtp_speak_on (ZrtpEngine *engine, uint64_t now);
void zrtp_clear_unanswered (ZrtpEngine *engine, uint64_t now);
void zrtp_clear_abandoned (ZrtpEngine *engine);
/* A GoClear is on its way: nobody knows which ZRTPSess the peer has. */
bool zrtp_is_going_clear (const ZrtpCall *call);
void zrtp_repeat_clearack (ZrtpEngine *engine, uint64_t now);
/* The way back when an exchange out of clear mode failed that our user did not ask for; else false. */
bool zrtp_return_to_clear (ZrtpEngine *engine, uint64_t now);

/* restart.c: what no handler of a secure stream wanted; the result to be counted. */
ZrtpResult zrtp_offer_to_successor (ZrtpEngine *engine, const ZrtpPacket *packet,
    const uint8_t *data, size_t size, ZrtpResult result, uint64_t now);
void zrtp_peer_is_alive (ZrtpEngine *engine, uint64_t now);
ZrtpResult zrtp_refuse_restart (ZrtpEngine *successor, uint64_t now);
bool zrtp_may_take_over (const ZrtpEngine *successor);
void zrtp_end_successor (ZrtpEngine *engine);
void zrtp_successor_timeout (ZrtpEngine *engine, uint64_t now);
bool zrtp_successor_next_timeout (const ZrtpEngine *engine, uint64_t *when);
bool zrtp_poll_successor (ZrtpEngine *engine, ZrtpEvent *event);

/* exchange.c: derives the keys of a mode without DH, once. */
void zrtp_derive_without_dh (ZrtpEngine *engine);

static inline ZrtpBytes
zrtp_hello_of (const ZrtpPeer *peer)
{
  return (ZrtpBytes){peer->message, peer->message_size};
}
/* secure.c: responder, after DHPart2. */
ZrtpResult zrtp_send_confirm1 (ZrtpEngine *engine, uint64_t now);
void zrtp_store (ZrtpEngine *engine);
/* The flag of the secret that went into s0, §7.1. */
bool zrtp_s1_is_verified (const ZrtpExchange *exchange);
/* The peer has shown less than what we expect of the one who was verified. */
bool zrtp_s1_is_doubtful (const ZrtpExchange *exchange);
/* The content of the event; from then on the cache holds it. */
void zrtp_take_store (ZrtpEngine *engine, ZrtpStore *store);
void zrtp_become_secure (ZrtpEngine *engine, uint64_t now);

#endif
