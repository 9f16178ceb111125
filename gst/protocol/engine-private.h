/* The inside of an engine, shared by the files that handle its messages:
 *
 *   engine.c     the life of an engine, its queues and timers, the state table
 *   discovery.c  Hello, HelloACK, Ping
 *   exchange.c   Commit, DHPart1, DHPart2
 *   secure.c     Confirm1, Confirm2, Conf2ACK, and what becomes of the secrets
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
#include "gst/protocol/hello.h"
#include "gst/protocol/keys.h"
#include "gst/protocol/ping.h"
#include "gst/protocol/timer.h"

struct ZrtpCall {
  const ZrtpCrypto *crypto;
  const ZrtpHash *s256; /* the implicit hash, §5.1.2.2 */
  uint8_t zid[ZRTP_ZID_SIZE];

  /* Of the first stream that became secure; "there is only one SAS value computed per call", §7. */
  bool secure;
  const ZrtpHash *hash;
  uint8_t sashash[ZRTP_SASHASH_SIZE];
  uint8_t zrtpsess[ZRTP_MAX_HASH];
  uint8_t exported_key[ZRTP_MAX_HASH];
  ZrtpKdfContext kdf_context;
};

/* Called once a stream's keys are confirmed. */
void zrtp_call_adopt (ZrtpCall *call, const ZrtpHash *hash, const ZrtpKeys *keys);

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
  ZrtpChoice choice;
  const ZrtpHash *hash;
  const ZrtpCipher *cipher;
  ZrtpKeyPair pair;
  ZrtpRecord record; /* what the cache had for this peer */
  bool s1_matched;   /* a retained secret went into s0 */
  uint8_t peer_h1[ZRTP_IMAGE_SIZE];
  ZrtpCommit peer_commit;              /* the responder's copy, parsed */
  uint8_t commit[ZRTP_COMMIT_DH_SIZE]; /* the Commit in force, ours or the peer's */
  bool rival_seen;                     /* the peer's own Commit came and was discarded, §4.2 */
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
  ZRTP_N_OUT = 9,
};

struct ZrtpEngine {
  ZrtpCall *call;
  ZrtpConfig config;
  ZrtpState state;
  ZrtpRole role;
  uint16_t sequence; /* of the next packet */

  ZrtpHashChain chain;
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
  bool version_reported, hello_hash_reported;
  ZrtpErrorCode discovery_error; /* what was wrong with the only Hellos that came */
  bool resumed_by_commit;
  uint32_t wanted_ssrc;    /* to be used with the next peer */
  ZrtpTimer hello_timer;   /* T1 */
  ZrtpTimer message_timer; /* T2 */
  bool patience_armed;     /* the responder's wait for the initiator, §6 */
  uint64_t patience_due;
  uint64_t hello_accepted_at;

  ZrtpPing ping; /* the last one, to be answered */
  uint32_t ping_ssrc;

  uint32_t outbox;
  uint32_t events;                   /* bits 1 << ZrtpEventKind */
  ZrtpSrtpKey receive_key, send_key; /* until polled */
  bool is_first;                /* of the call to become secure: its SAS and rs1 count, §4.6.1 */
  ZrtpRecord stored;            /* what the cache holds now, or will */
  ZrtpRecord previous, pending; /* before this call; after it if verified */
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
bool zrtp_try_rival (ZrtpEngine *engine);
void zrtp_swap_rival (ZrtpEngine *engine, unsigned i);
/* Back to discovery: whoever we committed to was nobody. */
void zrtp_forget_peer (ZrtpEngine *engine, uint64_t now);
/* Asks for the record of engine->peer. */
void zrtp_want_record (ZrtpEngine *engine);

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

ZrtpResult zrtp_on_hello (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_rival_hello (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_hello_again (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_helloack (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_early_error (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_early_commit (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_ping (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);

ZrtpResult zrtp_on_commit (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_commit_again (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_dhpart1 (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_dhpart2 (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_dhpart2_again (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);

ZrtpResult zrtp_on_confirm1 (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_confirm2 (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_confirm2_again (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_conf2ack (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_error (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_error_again (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);
ZrtpResult zrtp_on_errorack (ZrtpEngine *engine, const ZrtpPacket *packet, uint64_t now);

/* exchange.c */
static inline ZrtpBytes
zrtp_hello_of (const ZrtpPeer *peer)
{
  return (ZrtpBytes){peer->message, peer->message_size};
}
/* secure.c: responder, after DHPart2. */
ZrtpResult zrtp_send_confirm1 (ZrtpEngine *engine, uint64_t now);
void zrtp_become_secure (ZrtpEngine *engine, uint64_t now);

#endif
