/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/protocol/tricks.h"

#include <string.h>

/* --- Wires ---------------------------------------------------------------------------------------- */

bool
lose (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  Loss *loss = user;

  if (from != loss->from || !packet_is (packet, loss->type))
    return true;
  loss->seen++;
  return loss->seen <= loss->skip || loss->seen > loss->skip + loss->n;
}

ZrtpMessageType
type_of (const uint8_t *packet, size_t size)
{
  for (ZrtpMessageType type = 0; type < ZRTP_N_MESSAGES; type++)
    if (packet_is (packet, type))
      return type;
  g_assert_not_reached ();
}

bool
hold (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  Held *held = user;
  const ZrtpMessageType type = type_of (packet, *size);

  if (!(held->types & 1u << type))
    return true;
  g_assert_cmpuint (held->n, <, G_N_ELEMENTS (held->packet));
  held->packet[held->n].from = from;
  held->packet[held->n].type = type;
  held->packet[held->n].size = *size;
  memcpy (held->packet[held->n++].data, packet, *size);
  return false;
}

static int
find_held (const Held *held, unsigned from, ZrtpMessageType type)
{
  for (unsigned i = 0; i < held->n; i++)
    if (held->packet[i].from == from && held->packet[i].type == type)
      return (int) i;
  return -1;
}

bool
holds (const Held *held, unsigned from, ZrtpMessageType type)
{
  return find_held (held, from, type) >= 0;
}

ZrtpResult
release (Pair *pair, Held *held, unsigned from, ZrtpMessageType type)
{
  const int i = find_held (held, from, type);
  uint8_t packet[ZRTP_MAX_PACKET];
  size_t size;

  g_assert_cmpint (i, >=, 0);
  size = held->packet[i].size;
  memcpy (packet, held->packet[i].data, size);
  memmove (
      held->packet + i, held->packet + i + 1, (--held->n - (unsigned) i) * sizeof *held->packet);
  return pair_feed (pair, !from, packet, size);
}

bool
one_initiator (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  const OneInitiator *one = user;
  ZrtpEngine *other = pair->end[!one->initiator].engine;

  if (zrtp_engine_get_state (other) == ZRTP_STATE_COMMIT_SENT) {
    memset (other->exchange->own_commit.hvi, 0, ZRTP_HVI_SIZE);
    memset (other->exchange->own_commit.nonce, 0, ZRTP_NONCE_SIZE);
  }
  if (from != one->initiator && packet_is (packet, ZRTP_MESSAGE_COMMIT))
    return false;
  return !one->next || one->next (pair, from, packet, size, one->user);
}

/* --- In the name of an end ------------------------------------------------------------------------------ */

ZrtpConfirmKeys
confirm_keys_of (const PairEnd *end)
{
  const ZrtpExchange *exchange = end->engine->exchange;
  const unsigned index =
      zrtp_engine_get_role (end->engine) == ZRTP_ROLE_INITIATOR ? ZRTP_I : ZRTP_R;

  g_assert_nonnull (exchange);
  return (ZrtpConfirmKeys){exchange->hash, exchange->cipher, exchange->keys.mackey[index],
      exchange->keys.zrtpkey[index]};
}

bool
read_confirm (const PairEnd *from, const uint8_t *packet, size_t size, ZrtpConfirm *confirm)
{
  ZrtpConfirmKeys keys;
  ZrtpPacket parsed;

  if (!packet_is (packet, ZRTP_MESSAGE_CONFIRM1) && !packet_is (packet, ZRTP_MESSAGE_CONFIRM2))
    return false;
  keys = confirm_keys_of (from);
  g_assert_cmpint (zrtp_packet_parse (packet, size, &parsed), ==, ZRTP_ACCEPTED);
  g_assert_cmpint (zrtp_confirm_parse (parsed.message, &keys, confirm), ==, ZRTP_ACCEPTED);
  return true;
}

/* Figure 10, written out: the engine itself sends no signatures. */
size_t
forge_confirm (const PairEnd *from, const ZrtpConfirm *confirm, unsigned signature_words,
    uint8_t packet[ZRTP_MAX_PACKET])
{
  const ZrtpConfirmKeys keys = confirm_keys_of (from);
  const bool initiator = zrtp_engine_get_role (from->engine) == ZRTP_ROLE_INITIATOR;
  const size_t size = ZRTP_CONFIRM_SIZE + 4 * signature_words;
  static const uint8_t no_mac[ZRTP_MAC_SIZE], iv[ZRTP_CIPHER_BLOCK] = {0x77};
  uint8_t message[ZRTP_CONFIRM_MAX_SIZE];
  ZrtpWriter writer = zrtp_writer (message, sizeof message);

  zrtp_message_begin (&writer, initiator ? ZRTP_MESSAGE_CONFIRM2 : ZRTP_MESSAGE_CONFIRM1, size);
  zrtp_write (&writer, no_mac, sizeof no_mac);
  zrtp_write (&writer, iv, sizeof iv);
  zrtp_write (&writer, confirm->h0, sizeof confirm->h0);
  zrtp_write_u32 (&writer, signature_words << 8 | (confirm->enrollment ? 8 : 0) |
                               (confirm->sas_verified ? 4 : 0) | (confirm->allow_clear ? 2 : 0) |
                               (confirm->disclosure ? 1 : 0));
  zrtp_write_u32 (&writer, confirm->cache_expiry);
  if (signature_words)
    zrtp_write_u32 (&writer, confirm->signature_type);
  for (unsigned i = 1; i < signature_words; i++)
    zrtp_write_u32 (&writer, 0x51675167 + i);
  g_assert_true (writer.ok);
  zrtp_sealed_write (&keys, iv, message, size);
  return zrtp_packet_write (packet, 999, from->engine->config.ssrc, (ZrtpBytes){message, size});
}

size_t
forge_commit (const PairEnd *from, const ZrtpCommit *commit, uint8_t packet[ZRTP_MAX_PACKET])
{
  const ZrtpEngine *engine = from->engine;
  ZrtpCommit whole = *commit;
  uint8_t message[ZRTP_COMMIT_DH_SIZE];
  size_t size;

  memcpy (whole.h2, engine->chain.h[2], sizeof whole.h2);
  memcpy (whole.zid, engine->call->zid, sizeof whole.zid);
  size = zrtp_commit_write (&whole, engine->call->s256, engine->chain.h[1], message);
  g_assert_cmpuint (size, >, 0);
  return zrtp_packet_write (packet, 998, engine->config.ssrc, (ZrtpBytes){message, size});
}

ZrtpCommit
read_commit (const uint8_t *packet, size_t size)
{
  ZrtpPacket parsed;
  ZrtpCommit commit;

  g_assert_cmpint (zrtp_packet_parse (packet, size, &parsed), ==, ZRTP_ACCEPTED);
  g_assert_cmpint (parsed.type, ==, ZRTP_MESSAGE_COMMIT);
  g_assert_true (zrtp_commit_parse (parsed.message, &commit));
  return commit;
}

void
rewrite_hello (PairEnd *end, void (*change) (ZrtpHello *hello))
{
  ZrtpEngine *engine = end->engine;
  ZrtpHello hello;

  g_assert_true (zrtp_hello_parse ((ZrtpBytes){engine->hello, engine->hello_size}, &hello));
  change (&hello);
  engine->config.offer = hello.offer;
  engine->hello_size =
      zrtp_hello_write (&hello, engine->call->s256, engine->chain.h[2], engine->hello);
}

/* --- Calls --------------------------------------------------------------------------------------------------- */

void
know_each_other (Pair *pair, uint64_t seed)
{
  pair_init (pair, seed);
  for (unsigned e = 0; e < 2; e++) {
    pair->end[e].config.cache_expiry = 0xffffffff;
    pair->end[e].has_record = true;
    pair->end[e].record =
        (ZrtpRecord){.has_rs1 = true, .rs1 = {1, 2}, .sas_verified = true, .expiry = 0xffffffff};
  }
}

void
know_each_other_well (Pair *pair, uint64_t seed)
{
  know_each_other (pair, seed);
  for (unsigned e = 0; e < 2; e++) {
    pair->end[e].record.has_rs2 = pair->end[e].record.rs2_verified = true;
    memset (pair->end[e].record.rs2, 0x34, ZRTP_RS_SIZE);
  }
}

void
streams_init (Pair *streams, unsigned n, uint64_t seed, void (*configure) (Pair *first))
{
  pair_init (&streams[0], seed);
  for (unsigned e = 0; e < 2; e++)
    streams[0].end[e].config.cache_expiry = 0xffffffff;
  if (configure)
    configure (&streams[0]);
  pair_start (&streams[0], 0);
  for (unsigned i = 1; i < n; i++) {
    pair_init_stream (&streams[i], &streams[0], seed + i);
    for (unsigned e = 0; e < 2; e++)
      streams[i].end[e].config.ssrc = 0x1000 * (i + 1) + e;
    pair_start (&streams[i], 0);
  }
}

void
streams_clear (Pair *streams, unsigned n)
{
  for (unsigned i = n; i-- > 0;)
    pair_clear (&streams[i]);
}

void
streams_start (Pair *streams, unsigned n)
{
  for (unsigned i = 0; i < n; i++) {
    streams[i].now = streams[0].now;
    pair_start (&streams[i], BOTH);
  }
}

unsigned
streams_sent (const Pair *streams, unsigned n, ZrtpMessageType type)
{
  unsigned sum = 0;

  for (unsigned i = 0; i < n; i++)
    sum += streams[i].end[ALICE].n_sent[type] + streams[i].end[BOB].n_sent[type];
  return sum;
}

static void
assert_differ (const ZrtpSrtpKey *a, const ZrtpSrtpKey *b)
{
  const size_t salt = ZRTP_SRTP_SALT_SIZE;

  g_assert_true (memcmp (a->key_and_salt, b->key_and_salt, 16));
  g_assert_true (memcmp (a->key_and_salt + a->size - salt, b->key_and_salt + b->size - salt, salt));
}

void
streams_assert_secure (Pair *streams, unsigned n)
{
  for (unsigned i = 0; i < n; i++) {
    pair_assert_secure (&streams[i]);
    for (unsigned e = 0; e < 2; e++)
      g_assert_cmpstr (streams[i].end[e].secure.sas, ==, streams[0].end[ALICE].secure.sas);
    for (unsigned j = 0; j < i; j++)
      for (unsigned e = 0; e < 4; e++)
        assert_differ (&streams[i].end[e & 1].send_key, &streams[j].end[e >> 1].send_key);
  }
}
