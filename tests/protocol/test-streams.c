/* Several streams of one call: Multistream mode (RFC 6189 §4.4.3), and whose turn it is (§4.2, §4.4.1).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/protocol/tricks.h"

#include "ext/nettle/zrtp-nettle.h"

#include <string.h>

#define MULTISTREAM(pair) ((pair).end[ALICE].secure.mode == ZRTP_MODE_MULTISTREAM)

/* The first stream is secure, the others are not started. */
static void
first_is_secure (Pair *streams, unsigned n, uint64_t seed, void (*configure) (Pair *first))
{
  streams_init (streams, n, seed, configure);
  streams_start (streams, 1);
  streams_settle (streams, n);
  pair_assert_secure (&streams[0]);
}

static void
assert_multistream (const Pair *streams, unsigned n)
{
  g_assert_cmpint (streams[0].end[ALICE].secure.mode, ==, ZRTP_MODE_DH);
  for (unsigned i = 1; i < n; i++)
    for (unsigned e = 0; e < 2; e++) {
      const PairEnd *end = &streams[i].end[e];

      g_assert_cmpint (end->secure.mode, ==, ZRTP_MODE_MULTISTREAM);
      g_assert_cmpuint (end->n_sent[ZRTP_MESSAGE_DHPART1], ==, 0);
      g_assert_cmpuint (end->n_sent[ZRTP_MESSAGE_DHPART2], ==, 0);
      g_assert_cmpuint (end->n_events[ZRTP_EVENT_LOOKUP], ==, 0);
      g_assert_cmpuint (end->n_events[ZRTP_EVENT_STORE], ==, 0);
    }
}

/* --- Keys ------------------------------------------------------------------------------------------ */

/* Added later, all at once: the exchanges run in parallel. */
static void
test_added (void)
{
  for (unsigned n = 2; n <= MAX_STREAMS; n++) {
    Pair streams[MAX_STREAMS];

    first_is_secure (streams, n, n, NULL);
    streams_start (streams, n);
    streams_settle (streams, n);
    streams_assert_secure (streams, n);
    assert_multistream (streams, n);
    streams_clear (streams, n);
  }
}

/* All from the beginning: one makes the DH exchange, the others wait for it. */
static void
test_together (void)
{
  for (unsigned n = 2; n <= MAX_STREAMS; n++)
    for (unsigned seed = 0; seed < 20; seed++) {
      Pair streams[MAX_STREAMS];
      unsigned n_dh = 0;

      streams_init (streams, n, seed, NULL);
      streams_start (streams, n);
      streams_run (streams, n, streams[0].now + 3000 * MS);
      streams_assert_secure (streams, n);
      for (unsigned i = 0; i < n; i++)
        n_dh += streams[i].end[ALICE].secure.mode == ZRTP_MODE_DH;
      g_assert_cmpuint (n_dh, ==, 1);
      g_assert_cmpuint (streams_sent (streams, n, ZRTP_MESSAGE_DHPART1), ==, 1);
      g_assert_cmpuint (streams_sent (streams, n, ZRTP_MESSAGE_DHPART2), ==, 1);
      streams_clear (streams, n);
    }
}

/* The second stream begins when `start_at` packets of the first are through. */
typedef struct {
  Pair *second;
  unsigned start_at, seen;
} StartAt;

static bool
start_second (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  StartAt *at = user;

  if (at->seen++ == at->start_at)
    pair_start (at->second, BOTH);
  return true;
}

static void
test_while (void)
{
  for (unsigned start_at = 0; start_at < 10; start_at++) {
    Pair streams[2];
    StartAt at = {&streams[1], start_at, 0};

    streams_init (streams, 2, start_at, NULL);
    streams[0].wire = start_second;
    streams[0].user = &at;
    streams_start (streams, 1);
    streams_run (streams, 2, streams[0].now + 2000 * MS);
    g_assert_cmpuint (at.seen, >, start_at);
    streams_assert_secure (streams, 2);
    assert_multistream (streams, 2);
    g_assert_cmpuint (streams_sent (streams, 2, ZRTP_MESSAGE_DHPART1), ==, 1);
    streams_clear (streams, 2);
  }
}

static void
test_a_minute_later (void)
{
  Pair streams[3];

  first_is_secure (streams, 3, 1, NULL);
  streams_start (streams, 2);
  streams_settle (streams, 3);
  streams_run (streams, 3, streams[0].now + 61000 * MS);
  streams_start (streams, 3);
  streams_settle (streams, 3);
  streams_assert_secure (streams, 3);
  assert_multistream (streams, 3);
  streams_clear (streams, 3);
}

/* --- What stays as it was ------------------------------------------------------------------------------ */

static void
prefer_the_strong (Pair *first)
{
  for (unsigned e = 0; e < 2; e++) {
    ZrtpOffer *offer = &first->end[e].config.offer;

    offer->list[ZRTP_HASH] = (ZrtpList){2, {ZRTP_S384, ZRTP_S256}};
    offer->list[ZRTP_CIPHER] = (ZrtpList){2, {ZRTP_AES3, ZRTP_AES1}};
    offer->list[ZRTP_AUTH_TAG] = (ZrtpList){2, {ZRTP_HS32, ZRTP_HS80}};
    offer->list[ZRTP_KEY_AGREEMENT] = (ZrtpList){2, {ZRTP_EC38, ZRTP_X255}};
    offer->list[ZRTP_SAS] = (ZrtpList){2, {ZRTP_B256, ZRTP_B32}};
  }
}

/* The Multistream Commit, and the Hello of whom it is for. */
typedef struct {
  size_t hello_size[2], commit_size;
  uint8_t hello[2][ZRTP_MAX_PACKET], commit[ZRTP_MAX_PACKET];
  unsigned initiator;
} Messages;

static bool
keep_messages (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  Messages *kept = user;
  const size_t message_size = *size - ZRTP_HEADER_SIZE - ZRTP_CRC_SIZE;

  if (packet_is (packet, ZRTP_MESSAGE_HELLO)) {
    kept->hello_size[from] = message_size;
    memcpy (kept->hello[from], packet + ZRTP_HEADER_SIZE, message_size);
  } else if (packet_is (packet, ZRTP_MESSAGE_COMMIT) && from == kept->initiator) {
    kept->commit_size = message_size;
    memcpy (kept->commit, packet + ZRTP_HEADER_SIZE, message_size);
  }
  return true;
}

/* s0 = KDF(ZRTPSess, "ZRTP MSK", KDF_Context, negotiated hash length): ZRTPSess has the length of the hash that made it. */
static void
assert_from_session_key (const Pair *stream, const Messages *kept)
{
  const PairEnd *i = &stream->end[kept->initiator], *r = &stream->end[!kept->initiator];
  const ZrtpCall *call = i->call;
  const ZrtpKeyInputs inputs = {
      .hash = zrtp_crypto_hash (call->crypto, i->secure.choice.type[ZRTP_HASH]),
      .cipher = zrtp_crypto_cipher (call->crypto, i->secure.choice.type[ZRTP_CIPHER]),
      .salt_size = 14,
      .zid = {i->call->zid, r->call->zid},
      .hello_r = {kept->hello[!kept->initiator], kept->hello_size[!kept->initiator]},
      .commit = {kept->commit, kept->commit_size}};
  const size_t size = call->choice.type[ZRTP_HASH] == ZRTP_S384 ? 48 : 32;
  ZrtpKeys keys;

  g_assert_cmpint (zrtp_engine_get_role (i->engine), ==, ZRTP_ROLE_INITIATOR);
  zrtp_derive_multistream_keys (&inputs, (ZrtpBytes){call->zrtpsess, size}, &keys);
  g_assert_cmpmem (i->send_key.key_and_salt, 16, keys.srtpkey[ZRTP_I], 16);
  g_assert_cmpmem (r->send_key.key_and_salt, 16, keys.srtpkey[ZRTP_R], 16);
}

static void
second_stream_with (Pair *streams, const ZrtpOffer offer[2])
{
  Messages kept = {.initiator = BOB};
  OneInitiator one = {BOB, keep_messages, &kept};

  pair_init (&streams[0], 1);
  prefer_the_strong (&streams[0]);
  pair_start (&streams[0], BOTH);
  streams_settle (streams, 1);
  pair_assert_secure (&streams[0]);
  pair_init_stream (&streams[1], &streams[0], 2);
  for (unsigned e = 0; e < 2; e++)
    streams[1].end[e].config.offer = offer[e];
  streams[1].wire = one_initiator;
  streams[1].user = &one;
  pair_start (&streams[1], BOTH);
  streams_settle (streams, 2);
  streams_assert_secure (streams, 2);
  assert_multistream (streams, 2);
  assert_from_session_key (&streams[1], &kept);
}

/* §4.4.3.1: "SHOULD be set by the initiator to the same as the values as in the initial DH Mode Commit", whatever
 * the lists of this stream prefer. */
static void
test_algorithms_stay (void)
{
  const ZrtpOffer weak_first = {.list = {
                                    [ZRTP_HASH] = {2, {ZRTP_S256, ZRTP_S384}},
                                    [ZRTP_CIPHER] = {2, {ZRTP_AES1, ZRTP_AES3}},
                                    [ZRTP_AUTH_TAG] = {2, {ZRTP_HS80, ZRTP_HS32}},
                                    [ZRTP_KEY_AGREEMENT] = {1, {ZRTP_X255}},
                                    [ZRTP_SAS] = {1, {ZRTP_B32}},
                                }};
  const ZrtpOffer offers[2] = {weak_first, weak_first};
  Pair streams[2];

  second_stream_with (streams, offers);
  for (unsigned e = 0; e < 2; e++) {
    const ZrtpType *type = streams[1].end[e].secure.choice.type;

    g_assert_cmphex (type[ZRTP_HASH], ==, ZRTP_S384);
    g_assert_cmphex (type[ZRTP_CIPHER], ==, ZRTP_AES3);
    g_assert_cmphex (type[ZRTP_AUTH_TAG], ==, ZRTP_HS32);
    g_assert_cmphex (type[ZRTP_KEY_AGREEMENT], ==, ZRTP_MULT);
  }
  streams_clear (streams, 2);
}

/* Where one end has no longer the first stream's, there are others in common; ZRTPSess keeps its length. */
static void
test_other_algorithms (void)
{
  const ZrtpOffer weak = {.list = {
                              [ZRTP_HASH] = {1, {ZRTP_S256}},
                              [ZRTP_CIPHER] = {1, {ZRTP_AES1}},
                              [ZRTP_AUTH_TAG] = {1, {ZRTP_HS80}},
                              [ZRTP_KEY_AGREEMENT] = {1, {ZRTP_X255}},
                              [ZRTP_SAS] = {1, {ZRTP_B32}},
                          }};
  const ZrtpOffer all = {.list = {
                             [ZRTP_HASH] = {2, {ZRTP_S384, ZRTP_S256}},
                             [ZRTP_CIPHER] = {2, {ZRTP_AES3, ZRTP_AES1}},
                             [ZRTP_AUTH_TAG] = {2, {ZRTP_HS32, ZRTP_HS80}},
                             [ZRTP_KEY_AGREEMENT] = {1, {ZRTP_X255}},
                         }};

  for (unsigned weaker = 0; weaker < 2; weaker++) {
    const ZrtpOffer offers[2] = {weaker == ALICE ? weak : all, weaker == BOB ? weak : all};
    Pair streams[2];

    second_stream_with (streams, offers);
    g_assert_cmphex (streams[1].end[ALICE].secure.choice.type[ZRTP_HASH], ==, ZRTP_S256);
    g_assert_cmphex (streams[1].end[ALICE].secure.choice.type[ZRTP_CIPHER], ==, ZRTP_AES1);
    /* HS32 is mandatory, so it is always common */
    g_assert_cmphex (streams[1].end[ALICE].secure.choice.type[ZRTP_AUTH_TAG], ==, ZRTP_HS32);
    streams_clear (streams, 2);
  }
}

/* "a ZRTP endpoint MUST use the same ZID for all media streams": in Hello and Commit. */
static bool
check_zid (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  unsigned *checked = user;
  ZrtpPacket parsed;
  ZrtpHello hello;

  g_assert_cmpint (zrtp_packet_parse (packet, *size, &parsed), ==, ZRTP_ACCEPTED);
  if (parsed.type == ZRTP_MESSAGE_HELLO) {
    g_assert_true (zrtp_hello_parse (parsed.message, &hello));
    g_assert_cmpmem (hello.zid, ZRTP_ZID_SIZE, pair->end[from].call->zid, ZRTP_ZID_SIZE);
    g_assert_true (zrtp_offer_has (&hello.offer, ZRTP_KEY_AGREEMENT, ZRTP_MULT));
    ++*checked;
  } else if (parsed.type == ZRTP_MESSAGE_COMMIT) {
    const ZrtpCommit commit = read_commit (packet, *size);

    g_assert_cmpmem (commit.zid, ZRTP_ZID_SIZE, pair->end[from].call->zid, ZRTP_ZID_SIZE);
    g_assert_cmpuint (parsed.message.size, ==, 25 * 4); /* Figure 6 */
    ++*checked;
  }
  return true;
}

static void
test_zids (void)
{
  Pair streams[3];
  unsigned checked = 0;

  first_is_secure (streams, 3, 1, NULL);
  for (unsigned i = 1; i < 3; i++) {
    streams[i].wire = check_zid;
    streams[i].user = &checked;
  }
  streams_start (streams, 3);
  streams_settle (streams, 3);
  streams_assert_secure (streams, 3);
  g_assert_cmpuint (checked, >=, 2 * 3);
  streams_clear (streams, 3);
}

/* --- Confirms in Multistream mode ----------------------------------------------------------------------- */

typedef struct {
  unsigned n;
  ZrtpConfirm confirm[2]; /* Alice's, Bob's */
} Read;

static bool
read_both (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  Read *read = user;

  read->n += read_confirm (&pair->end[from], packet, *size, &read->confirm[from]);
  return true;
}

/* V "from the previous session" is repeated, for peers that do not know that it is ignored; the interval "is
 * set to 0xffffffff and is ignored; the cache is not updated" (§4.9), also that of a cacheless end. */
static void
test_confirms (void)
{
  for (unsigned row = 0; row < 3; row++) {
    Pair streams[2];
    Read read = {0};

    if (row == 0)
      pair_init (&streams[0], 1);
    else
      know_each_other (&streams[0], 1);
    streams[0].end[ALICE].config.cache_expiry = row == 2 ? 0 : 3600;
    pair_start (&streams[0], BOTH);
    streams_settle (streams, 1);
    pair_assert_secure (&streams[0]);
    pair_init_stream (&streams[1], &streams[0], 2);
    streams[1].wire = read_both;
    streams[1].user = &read;
    pair_start (&streams[1], BOTH);
    streams_settle (streams, 2);
    streams_assert_secure (streams, 2);
    g_assert_cmpuint (read.n, ==, 2);
    for (unsigned e = 0; e < 2; e++)
      g_assert_cmphex (read.confirm[e].cache_expiry, ==, 0xffffffff);
    g_assert_cmpint (read.confirm[ALICE].sas_verified, ==, row == 1);
    g_assert_cmpint (read.confirm[BOB].sas_verified, ==, row > 0);
    assert_multistream (streams, 2);
    streams_clear (streams, 2);
  }
}

/* What a peer says there changes nothing. */
static bool
say_otherwise (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  const bool *verified = user;
  ZrtpConfirm confirm;

  if (!read_confirm (&pair->end[from], packet, *size, &confirm))
    return true;
  confirm.sas_verified = *verified;
  confirm.cache_expiry = 0;
  *size = forge_confirm (&pair->end[from], &confirm, 0, packet);
  return true;
}

static void
test_confirms_ignored (void)
{
  for (unsigned said = 0; said < 2; said++)
    for (unsigned seed = 0; seed < 4; seed++) {
      Pair streams[2];
      bool verified = said;
      ZrtpRecord before[2];

      if (said)
        pair_init (&streams[0], seed);
      else
        know_each_other (&streams[0], seed);
      for (unsigned e = 0; e < 2; e++)
        streams[0].end[e].config.cache_expiry = 0xffffffff;
      pair_start (&streams[0], BOTH);
      streams_settle (streams, 1);
      for (unsigned e = 0; e < 2; e++)
        before[e] = streams[0].end[e].record;
      pair_init_stream (&streams[1], &streams[0], seed);
      streams[1].wire = say_otherwise;
      streams[1].user = &verified;
      pair_start (&streams[1], BOTH);
      streams_settle (streams, 2);
      streams_assert_secure (streams, 2);
      assert_multistream (streams, 2);
      for (unsigned e = 0; e < 2; e++) {
        g_assert_cmpint (streams[1].end[e].secure.sas_verified, ==, !said);
        g_assert_false (streams[1].end[e].secure.cache_mismatch);
        g_assert_false (streams[1].end[e].secure.aux_mismatch);
        g_assert_cmpmem (&streams[0].end[e].record, sizeof before[e], &before[e], sizeof before[e]);
      }
      streams_clear (streams, 2);
    }
}

/* The SAS is that of the first stream: who verifies it there has verified it for the streams to come, and
 * elsewhere it cannot be verified. */
static void
test_verified (void)
{
  Pair streams[3];

  first_is_secure (streams, 3, 1, NULL);
  streams_start (streams, 2);
  streams_settle (streams, 3);
  zrtp_engine_sas_verified (streams[1].end[ALICE].engine, true);
  streams_settle (streams, 3);
  g_assert_cmpuint (streams[1].end[ALICE].n_events[ZRTP_EVENT_STORE], ==, 0);
  g_assert_false (streams[0].end[ALICE].call->sas_verified);
  zrtp_engine_sas_verified (streams[0].end[ALICE].engine, true);
  streams_start (streams, 3);
  streams_settle (streams, 3);
  streams_assert_secure (streams, 3);
  g_assert_false (streams[1].end[ALICE].secure.sas_verified);
  g_assert_true (streams[2].end[ALICE].secure.sas_verified);
  g_assert_false (streams[2].end[BOB].secure.sas_verified);
  streams_clear (streams, 3);
}

/* "Only one ExportedKey is computed per call": that of the first stream. */
static void
test_one_exported_key (void)
{
  Pair streams[2];
  uint8_t before[32], after[32], sashash[ZRTP_SASHASH_SIZE];

  first_is_secure (streams, 2, 1, NULL);
  g_assert_true (zrtp_call_export_key (streams[0].end[ALICE].call, "x", before, sizeof before));
  memcpy (sashash, zrtp_call_get_sashash (streams[0].end[ALICE].call), sizeof sashash);
  streams_start (streams, 2);
  streams_settle (streams, 2);
  streams_assert_secure (streams, 2);
  g_assert_true (zrtp_call_export_key (streams[0].end[BOB].call, "x", after, sizeof after));
  g_assert_cmpmem (before, sizeof before, after, sizeof after);
  g_assert_cmpmem (
      sashash, sizeof sashash, zrtp_call_get_sashash (streams[0].end[BOB].call), ZRTP_SASHASH_SIZE);
  streams_clear (streams, 2);
}

/* --- Contention on one stream ------------------------------------------------------------------------------ */

/* §4.2: of two Multistream Commits the one with the lower nonce is discarded. */
static void
test_nonces_contend (void)
{
  unsigned won[2] = {0, 0};

  for (unsigned seed = 0; seed < 40; seed++) {
    Pair streams[2];
    Held held = {.types = 1u << ZRTP_MESSAGE_COMMIT};
    ZrtpCommit commit[2];
    unsigned winner;

    first_is_secure (streams, 2, seed, NULL);
    streams[1].wire = hold;
    streams[1].user = &held;
    streams_start (streams, 2);
    streams_settle (streams, 2);
    for (unsigned e = 0; e < 2; e++) {
      g_assert_cmpint (pair_state (&streams[1], e), ==, ZRTP_STATE_COMMIT_SENT);
      commit[e] = streams[1].end[e].engine->exchange->own_commit;
    }
    winner = memcmp (commit[ALICE].nonce, commit[BOB].nonce, ZRTP_NONCE_SIZE) > 0 ? ALICE : BOB;
    won[winner]++;
    for (unsigned e = 0; e < 2; e++)
      g_assert_cmpint (
          release (&streams[1], &held, seed & 1 ? e : !e, ZRTP_MESSAGE_COMMIT), ==, ZRTP_ACCEPTED);
    streams_settle (streams, 2);
    streams_assert_secure (streams, 2);
    g_assert_cmpint (zrtp_engine_get_role (streams[1].end[winner].engine), ==, ZRTP_ROLE_INITIATOR);
    streams_clear (streams, 2);
  }
  g_assert_cmpuint (won[ALICE], >, 5);
  g_assert_cmpuint (won[BOB], >, 5);
}

/* Many at once: all Commits are on their way before the first is answered. */
static void
test_parallel (void)
{
  Pair streams[MAX_STREAMS];
  Held held[MAX_STREAMS] = {0};

  first_is_secure (streams, MAX_STREAMS, 1, NULL);
  for (unsigned i = 1; i < MAX_STREAMS; i++) {
    held[i].types = 1u << ZRTP_MESSAGE_COMMIT | 1u << ZRTP_MESSAGE_CONFIRM1;
    streams[i].wire = hold;
    streams[i].user = &held[i];
  }
  streams_start (streams, MAX_STREAMS);
  streams_settle (streams, MAX_STREAMS);
  for (unsigned i = MAX_STREAMS; i-- > 1;)
    for (unsigned e = 0; e < 2; e++)
      release (&streams[i], &held[i], e, ZRTP_MESSAGE_COMMIT);
  streams_settle (streams, MAX_STREAMS);
  for (unsigned i = 1; i < MAX_STREAMS; i++) {
    unsigned responder = pair_state (&streams[i], ALICE) == ZRTP_STATE_CONFIRM1_SENT ? ALICE : BOB;

    g_assert_cmpint (pair_state (&streams[i], responder), ==, ZRTP_STATE_CONFIRM1_SENT);
    g_assert_cmpint (pair_state (&streams[i], !responder), ==, ZRTP_STATE_COMMIT_SENT);
    g_assert_cmpint (
        release (&streams[i], &held[i], responder, ZRTP_MESSAGE_CONFIRM1), ==, ZRTP_ACCEPTED);
  }
  streams_settle (streams, MAX_STREAMS);
  streams_assert_secure (streams, MAX_STREAMS);
  assert_multistream (streams, MAX_STREAMS);
  streams_clear (streams, MAX_STREAMS);
}

/* --- Loss ------------------------------------------------------------------------------------------------------ */

/* Any single packet of the second stream is lost. */
typedef struct {
  unsigned lost, seen;
} LoseNth;

static bool
lose_nth (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  LoseNth *nth = user;

  return nth->seen++ != nth->lost;
}

static void
test_single_losses (void)
{
  unsigned longest = 0;

  for (unsigned seed = 0; seed < 6; seed++)
    for (unsigned lost = 0, seen = 1; lost < seen; lost++) {
      Pair streams[2];
      LoseNth nth = {lost, 0};

      first_is_secure (streams, 2, seed, NULL);
      streams[1].wire = lose_nth;
      streams[1].user = &nth;
      streams_start (streams, 2);
      streams_run (streams, 2, streams[0].now + 2000 * MS);
      streams_assert_secure (streams, 2);
      seen = nth.seen;
      longest = MAX (longest, seen);
      streams_clear (streams, 2);
    }
  g_assert_cmpuint (longest, >=, 8);
}

static void
test_losses_by_type (void)
{
  static const ZrtpMessageType types[] = {
      ZRTP_MESSAGE_COMMIT, ZRTP_MESSAGE_CONFIRM1, ZRTP_MESSAGE_CONFIRM2, ZRTP_MESSAGE_CONF2ACK};

  for (unsigned initiator = 0; initiator < 2; initiator++)
    for (unsigned t = 0; t < G_N_ELEMENTS (types); t++)
      for (unsigned n = 1; n <= 4; n++) {
        const bool of_initiator =
            types[t] == ZRTP_MESSAGE_COMMIT || types[t] == ZRTP_MESSAGE_CONFIRM2;
        Loss loss = {of_initiator ? initiator : !initiator, types[t], n, 0, 0};
        OneInitiator one = {initiator, lose, &loss};
        Pair streams[2];

        first_is_secure (streams, 2, n, NULL);
        streams[1].wire = one_initiator;
        streams[1].user = &one;
        streams_start (streams, 2);
        streams_run (streams, 2, streams[0].now + 5000 * MS);
        g_assert_cmpuint (loss.seen, ==, n + 1);
        streams_assert_secure (streams, 2);
        g_assert_cmpint (
            zrtp_engine_get_role (streams[1].end[initiator].engine), ==, ZRTP_ROLE_INITIATOR);
        streams_clear (streams, 2);
      }
}

/* §4.6: "the first valid SRTP media from the responder" stands for Conf2ACK. */
static void
test_srtp_is_conf2ack (void)
{
  Pair streams[2];
  Loss loss = {BOB, ZRTP_MESSAGE_CONF2ACK, G_MAXUINT, 0, 0};
  OneInitiator one = {ALICE, lose, &loss};

  first_is_secure (streams, 2, 1, NULL);
  streams[1].wire = one_initiator;
  streams[1].user = &one;
  streams_start (streams, 2);
  streams_run (streams, 2, streams[0].now + 500 * MS);
  g_assert_cmpint (pair_state (&streams[1], BOB), ==, ZRTP_STATE_SECURE);
  g_assert_cmpint (pair_state (&streams[1], ALICE), ==, ZRTP_STATE_CONFIRM2_SENT);
  g_assert_cmpuint (streams[1].end[ALICE].n_events[ZRTP_EVENT_SEND_KEY], ==, 0);
  zrtp_engine_srtp_authenticated (streams[1].end[ALICE].engine, streams[1].now);
  streams_settle (streams, 2);
  streams_assert_secure (streams, 2);
  streams_clear (streams, 2);
}

/* Nobody answers on the second stream: it goes back to discovery, the first one stays. */
static void
test_unanswered (void)
{
  Pair streams[2];
  Loss loss = {BOB, ZRTP_MESSAGE_CONFIRM1, G_MAXUINT, 0, 0};
  OneInitiator one = {ALICE, lose, &loss};

  first_is_secure (streams, 2, 1, NULL);
  streams[1].wire = one_initiator;
  streams[1].user = &one;
  streams_start (streams, 2);
  streams_run (streams, 2, streams[0].now + 30000 * MS);
  pair_assert_secure (&streams[0]);
  g_assert_cmpint (pair_state (&streams[1], ALICE), ==, ZRTP_STATE_DISCOVERY);
  g_assert_cmpuint (streams[1].end[ALICE].n_events[ZRTP_EVENT_NO_ANSWER], ==, 1);
  g_assert_cmphex (streams[1].end[BOB].failed_code, ==, ZRTP_ERROR_TIMEOUT);
  streams_clear (streams, 2);
}

/* "a late Commit message from the peer SHOULD still be accepted", §6: both had given up. */
static void
test_late_commit (void)
{
  for (unsigned late = 0; late < 2; late++) {
    Pair streams[2];
    Held held = {.types = 1u << ZRTP_MESSAGE_COMMIT};
    uint8_t packet[ZRTP_MAX_PACKET];
    ZrtpCommit commit = {.nonce = {1}};
    size_t size;

    first_is_secure (streams, 2, 1, NULL);
    streams[1].wire = hold;
    streams[1].user = &held;
    streams_start (streams, 2);
    streams_run (streams, 2, streams[0].now + 40000 * MS);
    for (unsigned e = 0; e < 2; e++)
      g_assert_cmpint (pair_state (&streams[1], e), ==, ZRTP_STATE_DISCOVERY);
    held.types = 0;
    /* not for DH, in this call */
    commit.choice = streams[0].end[ALICE].secure.choice;
    size = forge_commit (&streams[1].end[late], &commit, packet);
    g_assert_cmpint (pair_feed (&streams[1], !late, packet, size), ==, ZRTP_UNEXPECTED);
    /* nor from somebody else */
    commit.choice.type[ZRTP_KEY_AGREEMENT] = ZRTP_MULT;
    size = forge_commit (&streams[0].end[late], &commit, packet);
    g_assert_cmpint (pair_feed (&streams[1], !late, packet, size), ==, ZRTP_UNEXPECTED);
    g_assert_cmpint (release (&streams[1], &held, late, ZRTP_MESSAGE_COMMIT), ==, ZRTP_ACCEPTED);
    g_assert_cmpint (pair_state (&streams[1], !late), ==, ZRTP_STATE_CONFIRM1_SENT);
    streams_clear (streams, 2);
  }
}

/* §6: "All message retransmissions MUST be identical" */
static void
test_repeated_commit (void)
{
  Pair streams[2];
  Held held = {.types = 1u << ZRTP_MESSAGE_CONFIRM1 | 1u << ZRTP_MESSAGE_COMMIT};
  OneInitiator one = {ALICE, hold, &held};
  uint8_t commit[ZRTP_MAX_PACKET];
  size_t size;

  first_is_secure (streams, 2, 1, NULL);
  streams[1].wire = one_initiator;
  streams[1].user = &one;
  streams_start (streams, 2);
  streams_settle (streams, 2);
  size = held.packet[0].size;
  memcpy (commit, held.packet[0].data, size);
  g_assert_cmpint (release (&streams[1], &held, ALICE, ZRTP_MESSAGE_COMMIT), ==, ZRTP_ACCEPTED);
  streams_settle (streams, 2);
  g_assert_cmpint (pair_feed (&streams[1], BOB, commit, size), ==, ZRTP_REPEATED);
  streams_settle (streams, 2);
  g_assert_cmpuint (held.n, ==, 2);
  g_assert_cmpmem (held.packet[0].data + ZRTP_HEADER_SIZE, ZRTP_CONFIRM_SIZE,
      held.packet[1].data + ZRTP_HEADER_SIZE, ZRTP_CONFIRM_SIZE);
  g_assert_cmpint (release (&streams[1], &held, BOB, ZRTP_MESSAGE_CONFIRM1), ==, ZRTP_ACCEPTED);
  /* It has been answered. */
  g_assert_cmpint (release (&streams[1], &held, BOB, ZRTP_MESSAGE_CONFIRM1), ==, ZRTP_UNEXPECTED);
  streams_settle (streams, 2);
  streams_assert_secure (streams, 2);
  g_assert_cmpint (pair_feed (&streams[1], BOB, commit, size), ==, ZRTP_UNEXPECTED);
  streams_settle (streams, 2);
  streams_assert_secure (streams, 2);
  streams_clear (streams, 2);
}

/* --- Somebody changes packets --------------------------------------------------------------------------------- */

typedef struct {
  unsigned from;
  ZrtpMessageType type;
  size_t offset; /* into the message */
  unsigned n, seen;
} Flip;

static bool
flip (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  Flip *f = user;

  if (from == f->from && packet_is (packet, f->type) && f->seen++ < f->n)
    packet[ZRTP_HEADER_SIZE + f->offset] ^= 0x10;
  return true;
}

static void
run_flipped (Pair *streams, Flip *f)
{
  OneInitiator one = {ALICE, flip, f};

  first_is_secure (streams, 2, 1, NULL);
  streams[1].wire = one_initiator;
  streams[1].user = &one;
  streams_start (streams, 2);
  streams_run (streams, 2, streams[0].now + 25000 * MS);
  g_assert_cmpuint (f->seen, >, 0);
  pair_assert_secure (&streams[0]);
}

/* Nothing of a Commit can be changed: at the latest the keys differ. */
static void
test_altered_commit (void)
{
  for (size_t offset = 0; offset < ZRTP_COMMIT_MULT_SIZE; offset++) {
    Pair streams[2];
    Flip f = {ALICE, ZRTP_MESSAGE_COMMIT, offset, G_MAXUINT, 0};

    run_flipped (streams, &f);
    for (unsigned e = 0; e < 2; e++) {
      g_assert_cmpint (pair_state (&streams[1], e), !=, ZRTP_STATE_SECURE);
      g_assert_cmpuint (streams[1].end[e].n_events[ZRTP_EVENT_SEND_KEY], ==, 0);
    }
    streams_clear (streams, 2);
  }
}

/* What is changed in a Confirm is dropped, and the next one, as it was sent, goes through. */
static void
test_altered_confirms (void)
{
  for (unsigned second = 0; second < 2; second++)
    for (size_t offset = 0; offset < ZRTP_CONFIRM_SIZE; offset++) {
      Pair streams[2];
      Flip f = {second ? ALICE : BOB, second ? ZRTP_MESSAGE_CONFIRM2 : ZRTP_MESSAGE_CONFIRM1,
          offset, 1, 0};

      run_flipped (streams, &f);
      g_assert_cmpuint (f.seen, >=, 2); /* it was not taken */
      streams_assert_secure (streams, 2);
      streams_clear (streams, 2);
    }
}

/* A Confirm that is always wrong ends the exchange, at both ends. */
static void
test_wrong_confirms (void)
{
  for (unsigned second = 0; second < 2; second++) {
    Pair streams[2];
    Flip f = {second ? ALICE : BOB, second ? ZRTP_MESSAGE_CONFIRM2 : ZRTP_MESSAGE_CONFIRM1,
        ZRTP_SEALED_OFFSET + 3, G_MAXUINT, 0};

    run_flipped (streams, &f);
    g_assert_cmpuint (f.seen, ==, 3);
    for (unsigned e = 0; e < 2; e++) {
      g_assert_cmphex (streams[1].end[e].failed_code, ==, ZRTP_ERROR_CONFIRM_MAC);
      g_assert_cmpint (streams[1].end[e].failed_by_peer, ==, e == (second ? ALICE : BOB));
    }
    streams_clear (streams, 2);
  }
}

/* --- The hash chain, interpolated (§9) ---------------------------------------------------------------------------- */

/* The keys are right, the H0 is another's: it does not lead to the H3 of the Hello. */
static bool
another_h0 (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  Flip *f = user; /* which one */
  ZrtpConfirm confirm;
  ZrtpResult result;
  uint8_t forged[ZRTP_MAX_PACKET];

  if (from != f->from || !packet_is (packet, f->type) || f->seen++)
    return true;
  g_assert_true (read_confirm (&pair->end[from], packet, *size, &confirm));
  confirm.h0[f->offset] ^= 1;
  result = pair_feed (pair, !from, forged, forge_confirm (&pair->end[from], &confirm, 0, forged));
  g_assert_cmpint (result, ==, ZRTP_BAD_HASH_IMAGE);
  g_assert_cmpuint (pair->end[!from].n_events[ZRTP_EVENT_RECEIVE_KEY], ==, 0);
  return true;
}

static void
test_hash_chain (void)
{
  for (unsigned second = 0; second < 2; second++) {
    Pair streams[2];
    Flip f = {
        second ? ALICE : BOB, second ? ZRTP_MESSAGE_CONFIRM2 : ZRTP_MESSAGE_CONFIRM1, 5, 1, 0};
    OneInitiator one = {ALICE, another_h0, &f};

    first_is_secure (streams, 2, 1, NULL);
    streams[1].wire = one_initiator;
    streams[1].user = &one;
    streams_start (streams, 2);
    streams_settle (streams, 2);
    g_assert_cmpuint (f.seen, ==, 1);
    streams_assert_secure (streams, 2);
    streams_clear (streams, 2);
  }
}

/* §8.1.1: MACs that turn out wrong when their key comes. Both ends have hashed the same octets, so that
 * nothing else shows it. */
static void
test_wrong_macs (void)
{
  static const struct {
    unsigned whose;
    ZrtpMessageType type;
    ZrtpErrorCode code;
  } rows[] = {
      {BOB, ZRTP_MESSAGE_HELLO, ZRTP_ERROR_HELLO_MISMATCH},   /* found in Confirm1 */
      {ALICE, ZRTP_MESSAGE_HELLO, ZRTP_ERROR_HELLO_MISMATCH}, /* in Commit */
      {ALICE, ZRTP_MESSAGE_COMMIT, ZRTP_ERROR_CONFIRM_MAC},   /* in Confirm2 */
  };

  for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
    Pair streams[2];
    OneInitiator one = {ALICE, NULL, NULL};
    ZrtpEngine *engine;
    uint8_t packet[ZRTP_MAX_PACKET];

    first_is_secure (streams, 2, 1, NULL);
    engine = streams[1].end[rows[i].whose].engine;
    if (rows[i].type == ZRTP_MESSAGE_HELLO)
      engine->hello[engine->hello_size - 1] ^= 1;
    streams[1].wire = one_initiator;
    streams[1].user = &one;
    streams[1].now = streams[0].now;
    zrtp_engine_start (streams[1].end[ALICE].engine, streams[1].now);
    zrtp_engine_start (streams[1].end[BOB].engine, streams[1].now);
    if (rows[i].type == ZRTP_MESSAGE_COMMIT) {
      Held held = {.types = 1u << ZRTP_MESSAGE_COMMIT};

      one.next = hold;
      one.user = &held;
      streams_settle (streams, 2);
      one.next = NULL;
      engine->exchange->commit[ZRTP_COMMIT_MULT_SIZE - 1] ^= 1;
      zrtp_packet_write (packet, 1, engine->config.ssrc,
          (ZrtpBytes){engine->exchange->commit, engine->exchange->commit_size});
      pair_feed (&streams[1], BOB, packet, held.packet[0].size);
    }
    streams_settle (streams, 2);
    pair_assert_secure (&streams[0]);
    for (unsigned e = 0; e < 2; e++) {
      g_assert_cmphex (streams[1].end[e].failed_code, ==, rows[i].code);
      g_assert_cmpint (streams[1].end[e].failed_by_peer, ==, e == rows[i].whose);
    }
    streams_clear (streams, 2);
  }
}

/* --- What must not be -------------------------------------------------------------------------------------------- */

static ZrtpCommit
multistream_commit (const Pair *stream, const uint8_t nonce[ZRTP_NONCE_SIZE])
{
  ZrtpCommit commit = {.choice = stream->end[ALICE].secure.choice};

  commit.choice.type[ZRTP_KEY_AGREEMENT] = ZRTP_MULT;
  memcpy (commit.nonce, nonce, ZRTP_NONCE_SIZE);
  return commit;
}

static const uint8_t some_nonce[ZRTP_NONCE_SIZE] = {0xff, 1, 2, 3};

static const ZrtpCommit some_multistream_commit = {
    .choice = {{ZRTP_S256, ZRTP_AES1, ZRTP_HS80, ZRTP_MULT, ZRTP_B32}}, .nonce = {0xff, 1, 2, 3}};

static const ZrtpCommit some_dh_commit = {
    .choice = {{ZRTP_S256, ZRTP_AES1, ZRTP_HS80, ZRTP_X255, ZRTP_B32}}, .hvi = {0xff, 1, 2, 3}};

/* "If a Commit is received selecting Multistream mode, but the responder does not have a ZRTP Session Key
 * available, the exchange MUST be terminated.", §4.4.3.1 */
static void
test_no_session_key (void)
{
  Pair streams[2];
  Held held = {.types = 1u << ZRTP_MESSAGE_COMMIT};
  uint8_t packet[ZRTP_MAX_PACKET];
  size_t size;

  /* on the stream of our own DH Commit */
  streams_init (streams, 1, 1, NULL);
  streams[0].wire = hold;
  streams[0].user = &held;
  streams_start (streams, 1);
  streams_settle (streams, 1);
  g_assert_cmpint (pair_state (&streams[0], ALICE), ==, ZRTP_STATE_COMMIT_SENT);
  size = forge_commit (&streams[0].end[BOB], &some_multistream_commit, packet);
  g_assert_cmpint (pair_feed (&streams[0], ALICE, packet, size), ==, ZRTP_REFUSED);
  g_assert_cmphex (streams[0].end[ALICE].failed_code, ==, ZRTP_ERROR_NO_SECRET);
  streams_clear (streams, 1);

  /* on one that waits: while the other is under way it is early, the peer may be secure already */
  held.n = 0;
  streams_init (streams, 2, 1, NULL);
  for (unsigned i = 0; i < 2; i++) {
    streams[i].wire = hold;
    streams[i].user = &held;
  }
  streams_start (streams, 1);
  streams_settle (streams, 2);
  streams_start (streams, 2);
  streams_settle (streams, 2);
  size = forge_commit (&streams[1].end[BOB], &some_multistream_commit, packet);
  g_assert_cmpint (pair_feed (&streams[1], ALICE, packet, size), ==, ZRTP_UNEXPECTED);
  g_assert_cmpint (pair_state (&streams[1], ALICE), ==, ZRTP_STATE_DISCOVERY);
  /* when that one has ended without a key it is an error */
  zrtp_engine_free (streams[0].end[ALICE].engine);
  streams[0].end[ALICE].engine = NULL;
  g_assert_cmpint (pair_feed (&streams[1], ALICE, packet, size), ==, ZRTP_REFUSED);
  g_assert_cmphex (streams[1].end[ALICE].failed_code, ==, ZRTP_ERROR_NO_SECRET);
  streams_clear (streams, 2);
}

/* §4.2 calls it a software error; it is one from before the peer stepped back for another stream, late or
 * repeated by somebody. Ours stands. */
static void
test_dh_against_multistream (void)
{
  Pair streams[2];
  Held held = {.types = 1u << ZRTP_MESSAGE_COMMIT};
  uint8_t packet[ZRTP_MAX_PACKET];
  size_t size;

  first_is_secure (streams, 2, 1, NULL);
  streams[1].wire = hold;
  streams[1].user = &held;
  streams_start (streams, 2);
  streams_settle (streams, 2);
  g_assert_cmpint (pair_state (&streams[1], ALICE), ==, ZRTP_STATE_COMMIT_SENT);
  size = forge_commit (&streams[1].end[BOB], &some_dh_commit, packet);
  g_assert_cmpint (pair_feed (&streams[1], ALICE, packet, size), ==, ZRTP_UNEXPECTED);
  g_assert_cmpint (pair_state (&streams[1], ALICE), ==, ZRTP_STATE_COMMIT_SENT);
  streams[1].wire = NULL;
  streams_run (streams, 2, streams[0].now + 1000 * MS);
  pair_assert_secure (&streams[1]);
  g_assert_cmpint (streams[1].end[ALICE].secure.mode, ==, ZRTP_MODE_MULTISTREAM);
  pair_assert_secure (&streams[0]);
  streams_clear (streams, 2);
}

/* "If a Commit is received with a reused nonce value, the ZRTP exchange MUST be immediately terminated." Whosever it
 * was, and whether the stream has sent its own Commit or not. */
static void
test_reused_nonce (void)
{
  for (unsigned own = 0; own < 2; own++) {
    Pair streams[3];
    OneInitiator one = {own ? ALICE : BOB, NULL, NULL};
    Held held = {.types = 1u << ZRTP_MESSAGE_COMMIT};
    uint8_t packet[ZRTP_MAX_PACKET];
    ZrtpCommit used;
    size_t size;

    first_is_secure (streams, 3, 1, NULL);
    one.next = hold;
    one.user = &held;
    streams[1].wire = one_initiator;
    streams[1].user = &one;
    streams_start (streams, 2);
    streams_settle (streams, 3);
    used = read_commit (held.packet[0].data, held.packet[0].size);
    release (&streams[1], &held, one.initiator, ZRTP_MESSAGE_COMMIT);
    streams_settle (streams, 3);
    streams_assert_secure (streams, 2);

    streams[2].wire = hold;
    streams[2].user = &held;
    streams_start (streams, 3);
    streams_settle (streams, 3);
    g_assert_cmpint (pair_state (&streams[2], ALICE), ==, ZRTP_STATE_COMMIT_SENT);
    /* The peer's must be the higher one to stand. */
    memset (streams[2].end[ALICE].engine->exchange->own_commit.nonce, 0, ZRTP_NONCE_SIZE);
    size = forge_commit (&streams[2].end[BOB], &used, packet);
    g_assert_cmpint (pair_feed (&streams[2], ALICE, packet, size), ==, ZRTP_REFUSED);
    g_assert_cmphex (streams[2].end[ALICE].failed_code, ==, ZRTP_ERROR_NONCE);
    g_assert_cmpuint (streams[2].end[ALICE].n_events[ZRTP_EVENT_RECEIVE_KEY], ==, 0);
    streams_settle (streams, 3);
    g_assert_cmpuint (streams[2].end[ALICE].n_sent[ZRTP_MESSAGE_CONFIRM1], ==, 0);
    g_assert_cmphex (streams[2].end[BOB].failed_code, ==, ZRTP_ERROR_NONCE);
    streams_assert_secure (streams, 2);
    streams_clear (streams, 3);
  }
}

/* We do not use one again either, should the random source repeat itself. */
static void
test_own_nonce (void)
{
  Pair streams[3];
  const uint8_t *used;

  first_is_secure (streams, 3, 1, NULL);
  streams_start (streams, 2);
  streams_settle (streams, 3);
  streams_assert_secure (streams, 2);
  g_assert_cmpuint (streams[0].end[ALICE].call->n_nonces, >=, 1);
  for (unsigned e = 0; e < 2; e++) {
    ZrtpCall *call = streams[0].end[e].call;

    for (unsigned i = 0; i < call->n_nonces; i++)
      for (unsigned j = 0; j < i; j++)
        g_assert_true (memcmp (call->nonces[i], call->nonces[j], ZRTP_NONCE_SIZE));
    used = call->nonces[0];
    g_assert_cmphex (zrtp_call_note_nonce (call, used), ==, ZRTP_ERROR_NONCE);
    g_assert_cmphex (zrtp_call_note_nonce (call, some_nonce), ==, ZRTP_ERROR_NONE);
    g_assert_cmphex (zrtp_call_note_nonce (call, some_nonce), ==, ZRTP_ERROR_NONCE);
  }
  streams_clear (streams, 3);
}

/* The list of them is bounded. */
static void
test_nonces_are_bounded (void)
{
  Pair pair;
  uint8_t nonce[ZRTP_NONCE_SIZE] = {0};
  ZrtpErrorCode code;
  unsigned n = 0;

  pair_init (&pair, 1);
  pair_start (&pair, 0);
  do {
    zrtp_put_u32 (nonce, n);
    code = zrtp_call_note_nonce (pair.end[ALICE].call, nonce);
  } while (code == ZRTP_ERROR_NONE && n++ < 100000);
  g_assert_cmphex (code, ==, ZRTP_ERROR_UNAVAILABLE);
  g_assert_cmpuint (n, ==, 1024);
  pair_clear (&pair);
}

/* An attacker plays old packets into another stream and into the same one: nothing of them fits there. */
typedef struct {
  unsigned n;
  struct {
    unsigned from;
    size_t size;
    uint8_t data[ZRTP_MAX_PACKET];
  } packet[32];
} Tape;

static bool
tape (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  Tape *t = user;

  g_assert_cmpuint (t->n, <, G_N_ELEMENTS (t->packet));
  t->packet[t->n].from = from;
  t->packet[t->n].size = *size;
  memcpy (t->packet[t->n++].data, packet, *size);
  return true;
}

static void
test_replay (void)
{
  Pair streams[3];
  Tape old = {0};
  Held held = {.types = 1u << ZRTP_MESSAGE_COMMIT};

  first_is_secure (streams, 3, 1, NULL);
  streams[1].wire = tape;
  streams[1].user = &old;
  streams_start (streams, 2);
  streams_settle (streams, 3);
  streams[1].wire = NULL;
  streams_assert_secure (streams, 2);
  for (unsigned i = 0; i < old.n; i++) /* after it is secure */
    pair_feed (&streams[1], !old.packet[i].from, old.packet[i].data, old.packet[i].size);
  streams_settle (streams, 3);
  streams_assert_secure (streams, 2);

  streams[2].wire = hold;
  streams[2].user = &held;
  streams_start (streams, 3);
  streams_settle (streams, 3);
  for (unsigned i = 0; i < old.n; i++)
    if (!packet_is (old.packet[i].data, ZRTP_MESSAGE_HELLO)) {
      ZrtpResult result =
          pair_feed (&streams[2], !old.packet[i].from, old.packet[i].data, old.packet[i].size);

      g_assert_true (result == ZRTP_UNEXPECTED || result == ZRTP_BAD_HASH_IMAGE);
    }
  for (unsigned e = 0; e < 2; e++)
    release (&streams[2], &held, e, ZRTP_MESSAGE_COMMIT);
  streams_settle (streams, 3);
  streams_assert_secure (streams, 3);
  streams_clear (streams, 3);
}

/* In clear mode the hash chain protects nothing any more (§9): who has seen a nonce can send a Commit with it. Nothing
 * comes of it, not even the end of the call. */
static void
allow_clear (Pair *first)
{
  for (unsigned e = 0; e < 2; e++)
    first->end[e].config.allow_clear = true;
}

static void
test_replay_in_clear (void)
{
  for (unsigned initiator = 0; initiator < 2; initiator++) {
    Pair streams[2];
    OneInitiator one = {initiator, NULL, NULL};
    uint8_t packet[ZRTP_MAX_PACKET];
    ZrtpCommit commit = some_multistream_commit;
    size_t size;

    streams_init (streams, 2, 1, allow_clear);
    streams[0].wire = one_initiator;
    streams[0].user = &one;
    streams_start (streams, 2);
    streams_run (streams, 2, streams[0].now + 1000 * MS);
    streams_assert_secure (streams, 2);
    streams[0].wire = NULL;
    g_assert_true (zrtp_call_go_clear (streams[0].end[ALICE].call, streams[0].now));
    streams_settle (streams, 2);
    zrtp_call_accept_clear (streams[0].end[BOB].call, true, streams[0].now);
    streams_settle (streams, 2);
    for (unsigned e = 0; e < 2; e++) {
      const ZrtpCall *call = streams[0].end[e].call;

      g_assert_cmpint (pair_state (&streams[0], e), ==, ZRTP_STATE_CLEAR);
      for (unsigned i = 0; i < call->n_nonces; i++) {
        memcpy (commit.nonce, call->nonces[i], sizeof commit.nonce);
        size = forge_commit (&streams[0].end[!e], &commit, packet);
        pair_feed (&streams[0], e, packet, size);
        g_assert_cmpint (pair_state (&streams[0], e), ==, ZRTP_STATE_CLEAR);
        g_assert_cmpuint (streams[0].end[e].n_events[ZRTP_EVENT_FAILED], ==, 0);
      }
    }
    streams_settle (streams, 2);
    g_assert_true (zrtp_call_go_secure (streams[0].end[BOB].call, streams[0].now));
    streams_run (streams, 2, streams[0].now + 1000 * MS);
    for (unsigned i = 0; i < 2; i++)
      for (unsigned e = 0; e < 2; e++)
        g_assert_cmpint (pair_state (&streams[i], e), ==, ZRTP_STATE_SECURE);
    streams_clear (streams, 2);
  }
}

/* --- Other peers ---------------------------------------------------------------------------------------------------- */

static void
without_mult (ZrtpHello *hello)
{
  ZrtpList *list = &hello->offer.list[ZRTP_KEY_AGREEMENT];
  unsigned n = 0;

  for (unsigned i = 0; i < list->n; i++)
    if (list->type[i] != ZRTP_MULT)
      list->type[n++] = list->type[i];
  list->n = (uint8_t) n;
}

/* A peer that does not know Multistream mode: it has the first stream, and the others are refused. */
static void
test_peer_without_mult (void)
{
  for (unsigned seed = 0; seed < 8; seed++) {
    Pair streams[3];
    unsigned n_secure = 0, n_stores = 0;

    streams_init (streams, 3, seed, NULL);
    for (unsigned i = 0; i < 3; i++)
      for (unsigned e = 0; e < 2; e++)
        rewrite_hello (&streams[i].end[e], without_mult);
    streams_start (streams, 3);
    streams_run (streams, 3, streams[0].now + 20000 * MS);
    g_assert_cmpuint (streams_sent (streams, 3, ZRTP_MESSAGE_DHPART1), ==, 1);
    for (unsigned i = 0; i < 3; i++) {
      const bool secure = pair_state (&streams[i], ALICE) == ZRTP_STATE_SECURE;

      n_secure += secure;
      for (unsigned e = 0; e < 2; e++) {
        g_assert_cmpint (pair_state (&streams[i], e) == ZRTP_STATE_SECURE, ==, secure);
        g_assert_cmpuint (streams[i].end[e].n_events[ZRTP_EVENT_WRONG_PEER], ==, secure ? 0 : 1);
        g_assert_cmpuint (streams[i].end[e].n_events[ZRTP_EVENT_SEND_KEY], ==, secure ? 1 : 0);
        n_stores += streams[i].end[e].n_events[ZRTP_EVENT_STORE];
      }
    }
    g_assert_cmpuint (n_secure, ==, 1);
    g_assert_cmpuint (n_stores, ==, 2);
    streams_clear (streams, 3);
  }
}

/* On the second stream somebody with another ZID: the session key is not for him, and no other. */
static void
test_other_zid (void)
{
  static const uint8_t zid[ZRTP_ZID_SIZE] = {7, 7, 7};
  Pair streams[2];
  uint8_t packet[ZRTP_MAX_PACKET];
  ZrtpCommit commit;
  ZrtpCall *others;
  size_t size;

  pair_init (&streams[0], 1);
  pair_start (&streams[0], BOTH);
  streams_settle (streams, 1);
  pair_assert_secure (&streams[0]);
  pair_init_stream (&streams[1], &streams[0], 2);
  others = zrtp_call_new (&streams[1].end[BOB].crypto, zid);
  streams[1].end[BOB].call = others;
  pair_start (&streams[1], BOTH);
  pair_settle (&streams[1]);
  g_assert_cmpuint (streams[1].end[ALICE].n_events[ZRTP_EVENT_WRONG_PEER], ==, 1);
  g_assert_cmpint (pair_state (&streams[1], ALICE), ==, ZRTP_STATE_DISCOVERY);
  commit = multistream_commit (&streams[0], some_nonce);
  size = forge_commit (&streams[1].end[BOB], &commit, packet);
  g_assert_cmpint (pair_feed (&streams[1], ALICE, packet, size), ==, ZRTP_UNEXPECTED);
  size = forge_commit (&streams[1].end[BOB], &some_dh_commit, packet);
  g_assert_cmpint (pair_feed (&streams[1], ALICE, packet, size), ==, ZRTP_UNEXPECTED);
  pair_run (&streams[1], streams[1].now + 20000 * MS);
  g_assert_cmpuint (streams[1].end[ALICE].n_events[ZRTP_EVENT_RECEIVE_KEY], ==, 0);
  pair_assert_secure (&streams[0]);
  streams_clear (streams, 2);
  zrtp_call_free (others);
}

/* The session key belongs to the call, not to the stream that made it. */
static void
test_first_is_freed (void)
{
  Pair streams[3];

  first_is_secure (streams, 3, 1, NULL);
  streams_start (streams, 2);
  streams_settle (streams, 3);
  streams_assert_secure (streams, 2);
  for (unsigned e = 0; e < 2; e++) {
    zrtp_engine_free (streams[0].end[e].engine);
    streams[0].end[e].engine = NULL;
  }
  streams[2].now = streams[0].now;
  pair_start (&streams[2], BOTH);
  streams_settle (streams, 3);
  pair_assert_secure (&streams[1]);
  pair_assert_secure (&streams[2]);
  g_assert_true (MULTISTREAM (streams[2]));
  g_assert_cmpstr (streams[2].end[ALICE].secure.sas, ==, streams[1].end[BOB].secure.sas);
  streams_clear (streams, 3);
}

/* --- Contention across streams (§4.2) ------------------------------------------------------------------------------ */

static unsigned n_generated;

static bool
counting_generate (const ZrtpRandom *random, unsigned bits, uint8_t *secret, uint8_t *pv)
{
  n_generated++;
  return zrtp_nettle_x255.generate (random, bits, secret, pv);
}

static ZrtpKeyAgreement counting_x255;
static const ZrtpKeyAgreement *const counting[] = {&counting_x255, NULL};

static void
count_key_pairs (Pair *first)
{
  counting_x255 = zrtp_nettle_x255;
  counting_x255.generate = counting_generate;
  n_generated = 0;
  for (unsigned e = 0; e < 2; e++) {
    first->end[e].crypto.key_agreements = counting;
    offer_only (&first->end[e].config, ZRTP_KEY_AGREEMENT, ZRTP_X255);
  }
}

/* Alice commits on the first stream, Bob on the second, and neither knows of the other. */
static void
both_lead (Pair *streams, unsigned n, Held *held, uint64_t seed)
{
  const ZrtpRecord known = {
      .has_rs1 = true, .rs1 = {7}, .sas_verified = true, .expiry = 0xffffffff};

  streams_init (streams, n, seed, count_key_pairs);
  for (unsigned i = 0; i < n; i++)
    for (unsigned e = 0; e < 2; e++) {
      streams[i].end[e].has_record = true;
      streams[i].end[e].record = known;
    }
  for (unsigned i = 0; i < n; i++) {
    held[i].types =
        1u << ZRTP_MESSAGE_HELLO | 1u << ZRTP_MESSAGE_HELLOACK | 1u << ZRTP_MESSAGE_COMMIT;
    streams[i].wire = hold;
    streams[i].user = &held[i];
  }
  streams_start (streams, n);
  streams_settle (streams, n);
  for (unsigned i = 0; i < 2; i++)
    for (unsigned e = 0; e < 2; e++)
      release (&streams[i], &held[i], e, ZRTP_MESSAGE_HELLO);
  streams_settle (streams, n);
  release (&streams[0], &held[0], BOB, ZRTP_MESSAGE_HELLOACK);
  release (&streams[1], &held[1], ALICE, ZRTP_MESSAGE_HELLOACK);
  streams_settle (streams, n);
  release (&streams[0], &held[0], ALICE, ZRTP_MESSAGE_HELLOACK);
  release (&streams[1], &held[1], BOB, ZRTP_MESSAGE_HELLOACK);
  g_assert_true (streams[0].end[ALICE].call->lead == streams[0].end[ALICE].engine);
  g_assert_true (streams[1].end[BOB].call->lead == streams[1].end[BOB].engine);
  g_assert_cmpint (pair_state (&streams[0], ALICE), ==, ZRTP_STATE_COMMIT_SENT);
  g_assert_cmpint (pair_state (&streams[1], BOB), ==, ZRTP_STATE_COMMIT_SENT);
  g_assert_cmpint (pair_state (&streams[0], BOB), ==, ZRTP_STATE_DISCOVERY);
  g_assert_cmpint (pair_state (&streams[1], ALICE), ==, ZRTP_STATE_DISCOVERY);
}

static unsigned
winner_by_hvi (const Pair *streams)
{
  const uint8_t *alices = streams[0].end[ALICE].engine->exchange->own_commit.hvi;
  const uint8_t *bobs = streams[1].end[BOB].engine->exchange->own_commit.hvi;

  return memcmp (alices, bobs, ZRTP_HVI_SIZE) > 0 ? ALICE : BOB;
}

/* "the same resolution rules apply as if they were received on the same stream." The winner's goes on with what both
 * have computed, the loser's waits for it. In whatever order the Commits arrive. */
static void
test_contention_across_streams (void)
{
  unsigned won[2] = {0, 0};

  for (unsigned seed = 0; seed < 40; seed++) {
    Pair streams[2];
    Held held[2] = {0};
    unsigned winner, loser;

    both_lead (streams, 2, held, seed);
    winner = winner_by_hvi (streams); /* Alice's stream is 0, Bob's 1 */
    loser = !winner;
    won[winner]++;
    if (seed & 1)
      g_assert_cmpint (release (&streams[winner], &held[winner], winner, ZRTP_MESSAGE_COMMIT), ==,
          ZRTP_ACCEPTED);
    g_assert_cmpint (
        release (&streams[loser], &held[loser], loser, ZRTP_MESSAGE_COMMIT), ==, ZRTP_ACCEPTED);
    if (!(seed & 1))
      g_assert_cmpint (release (&streams[winner], &held[winner], winner, ZRTP_MESSAGE_COMMIT), ==,
          ZRTP_ACCEPTED);
    for (unsigned i = 0; i < 2; i++)
      held[i].types = 0;
    streams_settle (streams, 2);
    streams_run (streams, 2, streams[0].now + 1000 * MS);
    streams_assert_secure (streams, 2);
    g_assert_cmpint (streams[winner].end[ALICE].secure.mode, ==, ZRTP_MODE_DH);
    g_assert_cmpint (
        zrtp_engine_get_role (streams[winner].end[winner].engine), ==, ZRTP_ROLE_INITIATOR);
    g_assert_true (MULTISTREAM (streams[loser]));
    g_assert_cmpuint (streams_sent (streams, 2, ZRTP_MESSAGE_DHPART1), ==, 1);
    g_assert_cmpuint (streams_sent (streams, 2, ZRTP_MESSAGE_DHPART2), ==, 1);
    g_assert_cmpuint (n_generated, ==, 2); /* "should only be discarded if it does not match" */
    for (unsigned e = 0; e < 2; e++) {     /* with what the cache had */
      const PairEnd *end = &streams[winner].end[e];

      g_assert_true (end->secure.sas_verified && end->record.sas_verified);
      g_assert_false (end->secure.cache_mismatch);
      g_assert_cmphex (end->record.rs2[0], ==, 7);
    }
    streams_clear (streams, 2);
  }
  g_assert_cmpuint (won[ALICE], >, 5);
  g_assert_cmpuint (won[BOB], >, 5);
}

/* The Commit that lost is repeated until its sender knows: it stays discarded. */
static void
test_loser_insists (void)
{
  Pair streams[2];
  Held held[2] = {0};
  unsigned winner, loser;

  both_lead (streams, 2, held, 3);
  winner = winner_by_hvi (streams);
  loser = !winner;
  for (unsigned i = 0; i < 3; i++) {
    streams_run (streams, 2, streams[0].now + 500 * MS);
    while (holds (&held[loser], loser, ZRTP_MESSAGE_COMMIT))
      g_assert_cmpint (
          release (&streams[loser], &held[loser], loser, ZRTP_MESSAGE_COMMIT), ==, ZRTP_ACCEPTED);
    streams_settle (streams, 2);
    g_assert_cmpint (pair_state (&streams[loser], winner), ==, ZRTP_STATE_DISCOVERY);
    g_assert_cmpint (pair_state (&streams[winner], winner), ==, ZRTP_STATE_COMMIT_SENT);
    g_assert_cmpuint (streams_sent (streams, 2, ZRTP_MESSAGE_DHPART1), ==, 0);
  }
  for (unsigned i = 0; i < 2; i++)
    held[i].types = 0;
  streams_run (streams, 2, streams[0].now + 3000 * MS);
  streams_assert_secure (streams, 2);
  g_assert_cmpint (streams[winner].end[ALICE].secure.mode, ==, ZRTP_MODE_DH);
  streams_clear (streams, 2);
}

/* A Commit on another stream than the one whose exchange is under way is early: nothing of it counts. */
static void
test_commit_meanwhile (void)
{
  Pair streams[2];
  Held held = {.types = 1u << ZRTP_MESSAGE_DHPART2};
  OneInitiator one = {ALICE, hold, &held};
  uint8_t packet[ZRTP_MAX_PACKET];
  size_t size;

  streams_init (streams, 2, 1, NULL);
  streams[0].wire = one_initiator;
  streams[0].user = &one;
  streams_start (streams, 1);
  streams_settle (streams, 2);
  streams_start (streams, 2);
  streams_settle (streams, 2);
  g_assert_cmpint (pair_state (&streams[0], BOB), ==, ZRTP_STATE_DHPART1_SENT);
  g_assert_cmpint (pair_state (&streams[1], BOB), ==, ZRTP_STATE_DISCOVERY);
  size = forge_commit (&streams[1].end[ALICE], &some_dh_commit, packet);
  g_assert_cmpint (pair_feed (&streams[1], BOB, packet, size), ==, ZRTP_UNEXPECTED);
  g_assert_cmpint (pair_state (&streams[0], BOB), ==, ZRTP_STATE_DHPART1_SENT);
  release (&streams[0], &held, ALICE, ZRTP_MESSAGE_DHPART2);
  streams_settle (streams, 2);
  streams_run (streams, 2, streams[0].now + 1000 * MS);
  streams_assert_secure (streams, 2);
  assert_multistream (streams, 2);
  streams_clear (streams, 2);
}

/* A Commit on a waiting stream that names what we did not offer ends that stream alone. */
static void
test_bad_commit_while_waiting (void)
{
  Pair streams[2];
  Held held[2] = {0};
  uint8_t packet[ZRTP_MAX_PACKET];
  ZrtpCommit commit = some_dh_commit;
  size_t size;

  both_lead (streams, 2, held, 1);
  memset (commit.hvi, 0xff, sizeof commit.hvi); /* it wins */
  commit.choice.type[ZRTP_KEY_AGREEMENT] = ZRTP_EC25;
  size = forge_commit (&streams[1].end[BOB], &commit, packet);
  g_assert_cmpint (pair_feed (&streams[1], ALICE, packet, size), ==, ZRTP_REFUSED);
  g_assert_cmphex (streams[1].end[ALICE].failed_code, ==, ZRTP_ERROR_KEY_AGREEMENT);
  g_assert_cmpint (pair_state (&streams[0], ALICE), ==, ZRTP_STATE_COMMIT_SENT);
  streams_clear (streams, 2);

  /* and one that is not from the sender of the Hello is dropped */
  memset (held, 0, sizeof held);
  both_lead (streams, 2, held, 1);
  size = forge_commit (&streams[0].end[BOB], &some_dh_commit, packet);
  g_assert_cmpint (pair_feed (&streams[1], ALICE, packet, size), ==, ZRTP_BAD_HASH_IMAGE);
  g_assert_cmpint (pair_state (&streams[1], ALICE), ==, ZRTP_STATE_DISCOVERY);
  g_assert_cmpint (pair_state (&streams[0], ALICE), ==, ZRTP_STATE_COMMIT_SENT);
  streams_clear (streams, 2);
}

/* --- The lead is handed over ------------------------------------------------------------------------------------------- */

static bool
nothing_but_hellos (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  return packet_is (packet, ZRTP_MESSAGE_HELLO) || packet_is (packet, ZRTP_MESSAGE_HELLOACK);
}

/* The leader's Commits are not answered. */
static void
test_leader_times_out (void)
{
  Pair streams[2];

  streams_init (streams, 2, 1, NULL);
  streams[0].wire = nothing_but_hellos;
  streams_start (streams, 2);
  streams_run (streams, 2, streams[0].now + 9000 * MS);
  for (unsigned e = 0; e < 2; e++)
    g_assert_cmpint (pair_state (&streams[1], e), ==, ZRTP_STATE_DISCOVERY);
  streams_run (streams, 2, streams[0].now + 2000 * MS);
  pair_assert_secure (&streams[1]);
  g_assert_cmpint (streams[1].end[ALICE].secure.mode, ==, ZRTP_MODE_DH);
  /* It comes back, and is the second now. */
  streams[0].wire = NULL;
  zrtp_engine_media_received (streams[0].end[ALICE].engine, streams[0].now);
  streams_run (streams, 2, streams[0].now + 2000 * MS);
  streams_assert_secure (streams, 2);
  g_assert_true (MULTISTREAM (streams[0]));
  streams_clear (streams, 2);
}

static void
bad_mac (ZrtpHello *hello)
{
}

/* The leader's exchange fails: the peer's Hello had a wrong MAC. */
static void
test_leader_fails (void)
{
  for (unsigned seed = 0; seed < 6; seed++) {
    Pair streams[3];
    ZrtpEngine *bobs;

    streams_init (streams, 3, seed, NULL);
    rewrite_hello (&streams[0].end[BOB], bad_mac);
    bobs = streams[0].end[BOB].engine;
    bobs->hello[bobs->hello_size - 1] ^= 1;
    streams_start (streams, 3);
    streams_run (streams, 3, streams[0].now + 2000 * MS);
    for (unsigned e = 0; e < 2; e++)
      g_assert_cmphex (streams[0].end[e].failed_code, ==, ZRTP_ERROR_HELLO_MISMATCH);
    streams_assert_secure (&streams[1], 2);
    g_assert_cmpuint (streams[1].end[ALICE].secure.mode == ZRTP_MODE_DH, !=,
        streams[2].end[ALICE].secure.mode == ZRTP_MODE_DH);
    streams_clear (streams, 3);
  }
}

/* It is freed, in every state that it goes through, at one end or at both: the peer has no packet from it any more. */
typedef struct {
  Pair *streams;
  unsigned mask; /* whose */
  unsigned after, seen;
} FreeAt;

static bool
free_first (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  FreeAt *at = user;

  return at->seen++ < at->after;
}

static void
test_leader_is_freed (void)
{
  for (unsigned mask = 1; mask < 4; mask++)
    for (unsigned after = 2; after < 10; after++) {
      Pair streams[3];
      FreeAt at = {streams, mask, after, 0};
      bool first_was_secure = false;

      streams_init (streams, 3, after, NULL);
      streams[0].wire = free_first;
      streams[0].user = &at;
      streams_start (streams, 1);
      streams_settle (streams, 3);
      streams_start (streams, 3);
      streams_settle (streams, 3);
      for (unsigned e = 0; e < 2; e++)
        first_was_secure |= pair_state (&streams[0], e) == ZRTP_STATE_SECURE;
      if (first_was_secure) { /* at one end, then: the other needs it */
        streams_clear (streams, 3);
        continue;
      }
      for (unsigned e = 0; e < 2; e++)
        if (mask & 1u << e) {
          zrtp_engine_free (streams[0].end[e].engine);
          streams[0].end[e].engine = NULL;
        }
      streams[0].wire = nothing_but_hellos;
      streams_run (streams, 3, streams[0].now + 40000 * MS);
      streams_assert_secure (&streams[1], 2);
      streams_clear (streams, 3);
    }
}

/* Another's Error ends the leader at one end: the streams that wait find together all the same. */
static void
test_leader_is_told_an_error (void)
{
  Pair streams[2];
  Held held = {.types = 1u << ZRTP_MESSAGE_DHPART1};
  OneInitiator one = {ALICE, hold, &held};
  uint8_t message[64], packet[ZRTP_MAX_PACKET];
  size_t size;

  streams_init (streams, 2, 1, NULL);
  streams[0].wire = one_initiator;
  streams[0].user = &one;
  streams_start (streams, 1);
  streams_settle (streams, 2);
  streams_start (streams, 2);
  streams_settle (streams, 2);
  size = zrtp_error_write (ZRTP_ERROR_SOFTWARE, message);
  size = zrtp_packet_write (packet, 1, streams[0].end[BOB].config.ssrc, (ZrtpBytes){message, size});
  g_assert_cmpint (pair_feed (&streams[0], ALICE, packet, size), ==, ZRTP_ACCEPTED);
  g_assert_cmpint (pair_state (&streams[0], ALICE), ==, ZRTP_STATE_FAILED);
  streams_settle (streams, 2);
  g_assert_cmpint (pair_state (&streams[1], ALICE), ==, ZRTP_STATE_COMMIT_SENT);
  streams_run (streams, 2, streams[0].now + 40000 * MS);
  pair_assert_secure (&streams[1]);
  streams_clear (streams, 2);
}

/* The peer does not hear us on the first stream, whose Hello was the first to come: the others do not wait for it. */
static bool
dumb (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  return from != ALICE;
}

static void
test_not_heard_on_the_first (void)
{
  for (unsigned seed = 0; seed < 12; seed++) {
    Pair streams[3];

    streams_init (streams, 3, seed, NULL);
    streams[0].wire = dumb;
    streams_start (streams, 3);
    streams_run (streams, 3, streams[0].now + 300 * MS);
    streams_assert_secure (&streams[1], 2);
    streams_clear (streams, 3);
  }
}

/* Without any HelloACK there is a leader nevertheless, once the Hellos are spent; or the peer's Commit comes. */
static bool
no_helloack (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  return !packet_is (packet, ZRTP_MESSAGE_HELLOACK);
}

static void
test_no_helloack (void)
{
  Pair streams[2];

  streams_init (streams, 2, 1, NULL);
  streams[0].wire = streams[1].wire = no_helloack;
  streams_start (streams, 2);
  streams_run (streams, 2, streams[0].now + 14000 * MS);
  streams_assert_secure (streams, 2);
  streams_clear (streams, 2);
}

/* One end has no HelloACK on any stream, and answers the other's Commit. */
static bool
no_helloack_for_alice (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  return from == ALICE || !packet_is (packet, ZRTP_MESSAGE_HELLOACK);
}

static void
test_commit_before_helloack (void)
{
  Pair streams[2];

  streams_init (streams, 2, 1, NULL);
  streams[0].wire = streams[1].wire = no_helloack_for_alice;
  streams_start (streams, 2);
  streams_run (streams, 2, streams[0].now + 300 * MS);
  streams_assert_secure (streams, 2);
  for (unsigned i = 0; i < 2; i++)
    g_assert_cmpint (MULTISTREAM (streams[i]) ||
                         zrtp_engine_get_role (streams[i].end[ALICE].engine) == ZRTP_ROLE_RESPONDER,
        ==, true);
  streams_clear (streams, 2);
}

/* One direction of the first stream is dead after the Hellos, and both ends lead: what the second stream's ends need
 * to say to each other they do say, in time. */
static bool
dead_one_way (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  return from != ALICE || nothing_but_hellos (pair, from, packet, size, user);
}

static void
test_contender_is_dead (void)
{
  for (unsigned seed = 0; seed < 12; seed++) {
    Pair streams[2];
    Held held[2] = {0};

    both_lead (streams, 2, held, seed);
    streams[0].wire = dead_one_way;
    streams[1].wire = NULL;
    held[0].n = held[1].n = 0;
    streams_run (streams, 2, streams[0].now + 60000 * MS);
    pair_assert_secure (&streams[1]);
    streams_clear (streams, 2);
  }
}

/* A stream that waits has its Hello acknowledged, and sends nothing more. */
static void
test_waiting_is_silent (void)
{
  Pair streams[2];
  Held held = {.types = 1u << ZRTP_MESSAGE_DHPART1};
  uint64_t sent;

  streams_init (streams, 2, 1, NULL);
  streams[0].wire = hold;
  streams[0].user = &held;
  streams_start (streams, 2);
  streams_settle (streams, 2);
  for (unsigned e = 0; e < 2; e++)
    g_assert_true (zrtp_is_waiting (streams[1].end[e].engine));
  sent = zrtp_engine_get_counters (streams[1].end[ALICE].engine)->sent;
  streams_run (streams, 2, streams[0].now + 5000 * MS);
  g_assert_cmpuint (zrtp_engine_get_counters (streams[1].end[ALICE].engine)->sent, ==, sent);
  g_assert_cmpuint (streams[1].end[ALICE].n_events[ZRTP_EVENT_NO_ANSWER], ==, 0);
  held.types = 0;
  streams_run (streams, 2, streams[0].now + 5000 * MS);
  streams_assert_secure (streams, 2);
  streams_clear (streams, 2);
}

/* --- Rivals on a further stream -------------------------------------------------------------------------------------- */

/* A Hello with the ZID of the call's peer, by somebody who says nothing else, is there before the peer's. */
static void
feed_blind_hello (Pair *pair, unsigned to)
{
  Pair stranger;
  uint8_t packet[ZRTP_MAX_PACKET], zid[ZRTP_ZID_SIZE];
  PairEnd *end = &stranger.end[ALICE];

  memcpy (zid, pair->end[!to].call->zid, sizeof zid);
  pair_init (&stranger, 77);
  end->config.ssrc = 0x6666;
  end->call = zrtp_call_new (&end->crypto, zid);
  end->engine = zrtp_engine_new (end->call, &end->config);
  zrtp_engine_start (end->engine, pair->now);
  pair_feed (pair, to, packet, zrtp_engine_poll_packet (end->engine, packet));
  pair_clear (&stranger);
}

/* A Multistream Commit is bound to no Hello (§4.4.3.1): the peer takes the one that was for the stranger, and
 * his Confirm1 answers it. */
static void
test_blind_hello_first (void)
{
  for (unsigned to = 0; to < 4; to++) /* 2: to both, 3: and the peers' Hellos later */
    for (unsigned seed = 1; seed <= 40; seed++) {
      Pair streams[2];

      first_is_secure (streams, 2, seed, NULL);
      for (unsigned e = 0; e < 2; e++) {
        if (to < 2 && e != to)
          continue;
        pair_start (&streams[1], 1u << e);
        feed_blind_hello (&streams[1], e);
        g_assert_cmpint (pair_state (&streams[1], e), ==, ZRTP_STATE_COMMIT_SENT);
        g_assert_cmphex (streams[1].end[e].engine->peer.ssrc, ==, 0x6666);
      }
      if (to == 3)
        streams_run (streams, 2, streams[0].now + 170 * MS);
      streams_start (streams, 2);
      streams_run (streams, 2, streams[0].now + 20000 * MS);
      streams_assert_secure (streams, 2);
      assert_multistream (streams, 2);
      for (unsigned e = 0; e < 2; e++)
        g_assert_cmphex (streams[1].end[e].engine->peer.ssrc, ==, 0x2000 + !e);
      streams_clear (streams, 2);
    }
}

/* The Commits cross: the higher nonce stands, though ours was for the stranger. */
static void
test_blind_hello_and_contention (void)
{
  for (unsigned to = 0; to < 2; to++)
    for (unsigned seed = 1; seed <= 40; seed++) {
      Pair streams[2];
      Held held = {.types = 1u << ZRTP_MESSAGE_COMMIT};
      unsigned winner, first = seed & 1;

      first_is_secure (streams, 2, seed, NULL);
      pair_start (&streams[1], 1u << to);
      feed_blind_hello (&streams[1], to);
      streams[1].wire = hold;
      streams[1].user = &held;
      streams_start (streams, 2);
      streams_settle (streams, 2);
      for (unsigned e = 0; e < 2; e++)
        g_assert_cmpint (pair_state (&streams[1], e), ==, ZRTP_STATE_COMMIT_SENT);
      winner = memcmp (streams[1].end[ALICE].engine->exchange->own_commit.nonce,
                   streams[1].end[BOB].engine->exchange->own_commit.nonce, ZRTP_NONCE_SIZE) > 0
                   ? ALICE
                   : BOB;
      g_assert_cmpint (release (&streams[1], &held, first, ZRTP_MESSAGE_COMMIT), ==, ZRTP_ACCEPTED);
      g_assert_cmpint (
          release (&streams[1], &held, !first, ZRTP_MESSAGE_COMMIT), ==, ZRTP_ACCEPTED);
      g_assert_cmpint (pair_state (&streams[1], winner), ==, ZRTP_STATE_COMMIT_SENT);
      g_assert_cmpint (pair_state (&streams[1], !winner), ==, ZRTP_STATE_CONFIRM1_SENT);
      streams[1].wire = NULL;
      streams_run (streams, 2, streams[0].now + 5000 * MS);
      streams_assert_secure (streams, 2);
      g_assert_cmpint (streams[1].end[winner].secure.role, ==, ZRTP_ROLE_INITIATOR);
      streams_clear (streams, 2);
    }
}

/* A Commit that waits for its record is not followed by another session key than the call's, should the call
 * be secure when the record comes. No course of packets leads there: who waits for a record has the lead. */
static void
test_secure_before_record (void)
{
  Pair pair;
  Held held = {.types = 1u << ZRTP_MESSAGE_COMMIT};
  ZrtpEngine *alice;

  pair_init (&pair, 1);
  pair.wire = hold;
  pair.user = &held;
  pair_start (&pair, BOTH);
  pair_run (&pair, pair.now + 40000 * MS);
  alice = pair.end[ALICE].engine;
  g_assert_cmpint (alice->state, ==, ZRTP_STATE_DISCOVERY);
  for (unsigned i = 0; i < held.n; i++)
    if (held.packet[i].from == BOB && !alice->record_wanted)
      g_assert_cmpint (
          zrtp_engine_handle_packet (alice, held.packet[i].data, held.packet[i].size, pair.now), ==,
          ZRTP_ACCEPTED);
  g_assert_true (alice->record_wanted);
  g_assert_true (alice->exchange->commit_pending);
  alice->call->secure = true;
  zrtp_engine_set_record (alice, pair.end[BOB].call->zid, NULL, pair.now);
  g_assert_cmpint (alice->state, ==, ZRTP_STATE_ERROR_SENT);
  g_assert_cmphex (alice->error_code, ==, ZRTP_ERROR_SOFTWARE);
  alice->call->secure = false;
  pair_clear (&pair);
}

/* Confirm1 of a rival that is none leaves the exchange as it is. */
static void
test_forged_confirm1_of_rival (void)
{
  Pair streams[2];
  uint8_t packet[ZRTP_MAX_PACKET], confirm[ZRTP_CONFIRM_SIZE] = {0};
  ZrtpWriter writer = zrtp_writer (confirm, sizeof confirm);
  const ZrtpEngine *alice;

  first_is_secure (streams, 2, 1, NULL);
  pair_start (&streams[1], BOTH);
  alice = streams[1].end[ALICE].engine;
  pair_feed (
      &streams[1], ALICE, packet, zrtp_engine_poll_packet (streams[1].end[BOB].engine, packet));
  feed_blind_hello (&streams[1], ALICE);
  g_assert_cmpuint (alice->exchange->n_rivals, ==, 1);
  zrtp_message_begin (&writer, ZRTP_MESSAGE_CONFIRM1, sizeof confirm);
  alice->exchange->rival_seen = true; /* as after a Commit of Bob's that lost */
  for (unsigned i = 0; i < 20; i++)
    g_assert_cmpint (
        pair_feed (&streams[1], ALICE, packet,
            zrtp_packet_write (packet, 1, 0x6666, (ZrtpBytes){confirm, sizeof confirm})),
        ==, ZRTP_UNEXPECTED);
  g_assert_cmpint (alice->state, ==, ZRTP_STATE_COMMIT_SENT);
  g_assert_cmphex (alice->peer.ssrc, ==, 0x2001);
  g_assert_cmphex (alice->exchange->rival[0].ssrc, ==, 0x6666);
  g_assert_true (alice->exchange->rival_seen);
  alice->exchange->rival_seen = false;
  streams_run (streams, 2, streams[0].now + 5000 * MS);
  streams_assert_secure (streams, 2);
  streams_clear (streams, 2);
}

/* Two streams with the same nonce at once: whichever is confirmed first has it, and the other is refused. */
static void
test_nonce_at_once (void)
{
  for (unsigned sooner = 1; sooner < 3; sooner++) {
    Pair streams[3];
    Held held[3] = {{0}};
    OneInitiator one[3];
    const unsigned later = 3 - sooner;

    first_is_secure (streams, 3, 1, NULL);
    for (unsigned i = 1; i < 3; i++) {
      held[i].types = 1u << ZRTP_MESSAGE_COMMIT | 1u << ZRTP_MESSAGE_CONFIRM2;
      one[i] = (OneInitiator){BOB, hold, &held[i]};
      streams[i].wire = one_initiator;
      streams[i].user = &one[i];
    }
    streams_start (streams, 3);
    streams_settle (streams, 3);
    for (unsigned i = 1; i < 3; i++) {
      ZrtpEngine *bob = streams[i].end[BOB].engine;
      ZrtpExchange *exchange = bob->exchange;
      uint8_t packet[ZRTP_MAX_PACKET];

      memset (exchange->own_commit.nonce, 0x99, ZRTP_NONCE_SIZE);
      exchange->commit_size = zrtp_commit_write (
          &exchange->own_commit, bob->call->s256, bob->chain.h[1], exchange->commit);
      g_assert_cmpint (pair_feed (&streams[i], ALICE, packet,
                           forge_commit (&streams[i].end[BOB], &exchange->own_commit, packet)),
          ==, ZRTP_ACCEPTED);
    }
    streams_settle (streams, 3);
    for (unsigned i = 1; i < 3; i++) {
      g_assert_cmpint (pair_state (&streams[i], ALICE), ==, ZRTP_STATE_CONFIRM1_SENT);
      g_assert_cmpint (pair_state (&streams[i], BOB), ==, ZRTP_STATE_CONFIRM2_SENT);
    }
    g_assert_cmpint (
        release (&streams[sooner], &held[sooner], BOB, ZRTP_MESSAGE_CONFIRM2), ==, ZRTP_ACCEPTED);
    g_assert_cmpint (
        release (&streams[later], &held[later], BOB, ZRTP_MESSAGE_CONFIRM2), ==, ZRTP_REFUSED);
    streams_settle (streams, 3);
    pair_assert_secure (&streams[sooner]);
    g_assert_cmphex (streams[later].end[ALICE].failed_code, ==, ZRTP_ERROR_NONCE);
    g_assert_cmphex (streams[later].end[BOB].failed_code, ==, ZRTP_ERROR_NONCE);
    g_assert_cmpuint (streams[later].end[ALICE].n_events[ZRTP_EVENT_SEND_KEY], ==, 0);
    g_assert_cmpuint (streams[later].end[ALICE].n_events[ZRTP_EVENT_RECEIVE_KEY], ==, 0);
    streams_clear (streams, 3);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/streams/added", test_added);
  g_test_add_func ("/streams/together", test_together);
  g_test_add_func ("/streams/while", test_while);
  g_test_add_func ("/streams/a-minute-later", test_a_minute_later);
  g_test_add_func ("/streams/algorithms-stay", test_algorithms_stay);
  g_test_add_func ("/streams/other-algorithms", test_other_algorithms);
  g_test_add_func ("/streams/zids", test_zids);
  g_test_add_func ("/streams/confirms", test_confirms);
  g_test_add_func ("/streams/confirms-ignored", test_confirms_ignored);
  g_test_add_func ("/streams/verified", test_verified);
  g_test_add_func ("/streams/one-exported-key", test_one_exported_key);
  g_test_add_func ("/streams/nonces-contend", test_nonces_contend);
  g_test_add_func ("/streams/parallel", test_parallel);
  g_test_add_func ("/streams/single-losses", test_single_losses);
  g_test_add_func ("/streams/losses-by-type", test_losses_by_type);
  g_test_add_func ("/streams/srtp-is-conf2ack", test_srtp_is_conf2ack);
  g_test_add_func ("/streams/unanswered", test_unanswered);
  g_test_add_func ("/streams/late-commit", test_late_commit);
  g_test_add_func ("/streams/repeated-commit", test_repeated_commit);
  g_test_add_func ("/streams/altered-commit", test_altered_commit);
  g_test_add_func ("/streams/altered-confirms", test_altered_confirms);
  g_test_add_func ("/streams/wrong-confirms", test_wrong_confirms);
  g_test_add_func ("/streams/hash-chain", test_hash_chain);
  g_test_add_func ("/streams/wrong-macs", test_wrong_macs);
  g_test_add_func ("/streams/no-session-key", test_no_session_key);
  g_test_add_func ("/streams/dh-against-multistream", test_dh_against_multistream);
  g_test_add_func ("/streams/reused-nonce", test_reused_nonce);
  g_test_add_func ("/streams/own-nonce", test_own_nonce);
  g_test_add_func ("/streams/nonces-are-bounded", test_nonces_are_bounded);
  g_test_add_func ("/streams/replay", test_replay);
  g_test_add_func ("/streams/replay-in-clear", test_replay_in_clear);
  g_test_add_func ("/streams/peer-without-mult", test_peer_without_mult);
  g_test_add_func ("/streams/other-zid", test_other_zid);
  g_test_add_func ("/streams/first-is-freed", test_first_is_freed);
  g_test_add_func ("/streams/contention-across-streams", test_contention_across_streams);
  g_test_add_func ("/streams/loser-insists", test_loser_insists);
  g_test_add_func ("/streams/commit-meanwhile", test_commit_meanwhile);
  g_test_add_func ("/streams/bad-commit-while-waiting", test_bad_commit_while_waiting);
  g_test_add_func ("/streams/leader-times-out", test_leader_times_out);
  g_test_add_func ("/streams/leader-fails", test_leader_fails);
  g_test_add_func ("/streams/leader-is-freed", test_leader_is_freed);
  g_test_add_func ("/streams/leader-is-told-an-error", test_leader_is_told_an_error);
  g_test_add_func ("/streams/not-heard-on-the-first", test_not_heard_on_the_first);
  g_test_add_func ("/streams/no-helloack", test_no_helloack);
  g_test_add_func ("/streams/commit-before-helloack", test_commit_before_helloack);
  g_test_add_func ("/streams/contender-is-dead", test_contender_is_dead);
  g_test_add_func ("/streams/waiting-is-silent", test_waiting_is_silent);
  g_test_add_func ("/streams/blind-hello-first", test_blind_hello_first);
  g_test_add_func ("/streams/blind-hello-and-contention", test_blind_hello_and_contention);
  g_test_add_func ("/streams/secure-before-record", test_secure_before_record);
  g_test_add_func ("/streams/forged-confirm1-of-rival", test_forged_confirm1_of_rival);
  g_test_add_func ("/streams/nonce-at-once", test_nonce_at_once);
  return g_test_run ();
}
