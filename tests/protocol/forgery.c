/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/protocol/forgery.h"

#include <string.h>

/* --- Packets ---------------------------------------------------------------------------------------- */

size_t
forge (uint8_t out[ZRTP_MAX_PACKET], uint32_t ssrc, const uint8_t *message, size_t size)
{
  return zrtp_packet_write (out, 7, ssrc, (ZrtpBytes){message, size});
}

size_t
forge_ack (uint8_t out[ZRTP_MAX_PACKET], uint32_t ssrc, ZrtpMessageType type)
{
  uint8_t message[ZRTP_FRAME_SIZE];

  return forge (out, ssrc, message, zrtp_ack_write (message, type));
}

size_t
forge_error (uint8_t out[ZRTP_MAX_PACKET], uint32_t ssrc, unsigned code)
{
  uint8_t message[ZRTP_ERROR_SIZE];

  return forge (out, ssrc, message, zrtp_error_write (code, message));
}

size_t
forge_goclear (uint8_t out[ZRTP_MAX_PACKET], const ZrtpEngine *engine)
{
  uint8_t message[ZRTP_GOCLEAR_SIZE];

  return forge (
      out, engine->config.ssrc, message, zrtp_goclear_write (engine->kept.clear_mac[0], message));
}

size_t
forge_multistream (uint8_t out[ZRTP_MAX_PACKET], const ZrtpEngine *engine, uint8_t nonce)
{
  ZrtpCommit commit = {.choice = engine->call->choice};
  uint8_t message[ZRTP_COMMIT_DH_SIZE];

  commit.choice.type[ZRTP_KEY_AGREEMENT] = ZRTP_MULT;
  memcpy (commit.h2, engine->chain.h[2], sizeof commit.h2);
  memcpy (commit.zid, engine->call->zid, sizeof commit.zid);
  memset (commit.nonce, nonce, sizeof commit.nonce);
  return forge (out, engine->config.ssrc, message,
      zrtp_commit_write (&commit, engine->call->s256, engine->chain.h[1], message));
}

/* --- Wires ------------------------------------------------------------------------------------------ */

bool
lose_all (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  const ZrtpMessageType *type = user;

  return !packet_is (packet, *type);
}

bool
cut (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  return false;
}

bool
keep (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  Kept *kept = user;
  const ZrtpEngine *sender = pair->end[from].engine;
  ZrtpPacket parsed;

  if (sender->successor)
    sender = sender->successor;

  g_assert_cmpint (zrtp_packet_parse (packet, *size, &parsed), ==, ZRTP_ACCEPTED);
  memcpy (kept->packet[from][parsed.type], packet, *size);
  kept->size[from][parsed.type] = *size;
  /* The initiator has them until Conf2ACK comes. */
  if (parsed.type == ZRTP_MESSAGE_CONFIRM1 || parsed.type == ZRTP_MESSAGE_CONFIRM2)
    kept->keys[from] = sender->exchange->keys;
  return true;
}

ZrtpResult
feed_kept (Pair *pair, unsigned to, const Kept *kept, ZrtpMessageType type)
{
  g_assert_cmpuint (kept->size[!to][type], >, 0);
  return pair_feed (pair, to, kept->packet[!to][type], kept->size[!to][type]);
}

/* --- Derivations ---------------------------------------------------------------------------------------- */

void
other_kdf (const uint8_t key[32], const char *label, const void *context, size_t context_size,
    unsigned bits, uint8_t out[32])
{
  const uint8_t i[4] = {0, 0, 0, 1};
  const uint8_t l[4] = {0, 0, (uint8_t) (bits >> 8), (uint8_t) bits};
  GHmac *hmac = g_hmac_new (G_CHECKSUM_SHA256, key, 32);
  gsize n = 32;

  g_hmac_update (hmac, i, 4);
  g_hmac_update (hmac, (const guchar *) label, (gssize) strlen (label));
  g_hmac_update (hmac, (const guchar *) "", 1);
  g_hmac_update (hmac, context, (gssize) context_size);
  g_hmac_update (hmac, l, 4);
  g_hmac_get_digest (hmac, out, &n);
  g_hmac_unref (hmac);
}

/* --- Memory ----------------------------------------------------------------------------------------------- */

bool
call_has (const ZrtpCall *call, const void *octets, size_t size)
{
  return memmem (call, sizeof *call, octets, size) != NULL;
}

bool
engine_has (const ZrtpEngine *engine, const void *octets, size_t size)
{
  const ZrtpExchange *exchange = engine->exchange;

  return memmem (engine, sizeof *engine, octets, size) ||
         (exchange && memmem (exchange, sizeof *exchange, octets, size)) ||
         (engine->successor && engine_has (engine->successor, octets, size));
}

/* --- Events ------------------------------------------------------------------------------------------------ */

void
assert_told (PairEnd *end, ...)
{
  va_list wanted;

  va_start (wanted, end);
  for (unsigned i = 0; i < end->n_told; i++)
    g_assert_cmpint (end->told[i], ==, va_arg (wanted, int));
  g_assert_cmpint (ZRTP_EVENT_NONE, ==, va_arg (wanted, int));
  va_end (wanted);
  end->n_told = 0;
}
