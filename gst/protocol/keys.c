/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/protocol/keys.h"

#include <string.h>

static ZrtpBytes
text (const char *string)
{
  return (ZrtpBytes){(const uint8_t *) string, strlen (string)};
}

/* RFC 6189 §4.5.1: HMAC(KI, i || Label || 0x00 || Context || L), one iteration. */
void
zrtp_kdf (const ZrtpHash *hash, ZrtpBytes ki, const char *label, ZrtpBytes context, uint8_t *out,
    size_t size)
{
  static const uint8_t i[4] = {0, 0, 0, 1};
  uint8_t l[4], mac[ZRTP_MAX_HASH];
  ZrtpBytes parts[] = {
      ZRTP_BYTES (i), {(const uint8_t *) label, strlen (label) + 1}, context, ZRTP_BYTES (l)};

  zrtp_put_u32 (l, (uint32_t) size * 8); /* L is in bits */
  hash->mac (ki, parts, sizeof parts / sizeof *parts, mac);
  memcpy (out, mac, size);
  zrtp_wipe (mac, sizeof mac);
}

/* total_hash = hash(Hello of responder || Commit || DHPart1 || DHPart2) */
static void
total_hash (const ZrtpDhInputs *in, uint8_t out[ZRTP_MAX_HASH])
{
  const ZrtpBytes parts[] = {in->hello_r, in->commit, in->dhpart1, in->dhpart2};

  in->hash->digest (parts, sizeof parts / sizeof *parts, out);
}

/* s0 = hash(counter || DHResult || "ZRTP-HMAC-KDF" || ZIDi || ZIDr || total_hash ||
 *           len(s1) || s1 || len(s2) || s2 || len(s3) || s3) */
static void
compute_s0 (const ZrtpDhInputs *in, const uint8_t total[ZRTP_MAX_HASH], uint8_t s0[ZRTP_MAX_HASH])
{
  static const uint8_t counter[4] = {0, 0, 0, 1};
  uint8_t len1[4], len2[4], len3[4];
  const ZrtpBytes parts[] = {
      ZRTP_BYTES (counter),
      in->dhresult,
      text ("ZRTP-HMAC-KDF"),
      {in->zid[ZRTP_I], ZRTP_ZID_SIZE},
      {in->zid[ZRTP_R], ZRTP_ZID_SIZE},
      {total, in->hash->size},
      ZRTP_BYTES (len1),
      in->s1,
      ZRTP_BYTES (len2),
      in->s2,
      ZRTP_BYTES (len3),
      in->s3,
  };

  zrtp_put_u32 (len1, (uint32_t) in->s1.size);
  zrtp_put_u32 (len2, (uint32_t) in->s2.size);
  zrtp_put_u32 (len3, (uint32_t) in->s3.size);
  in->hash->digest (parts, sizeof parts / sizeof *parts, s0);
}

/* KDF_Context = (ZIDi || ZIDr || total_hash) */
static void
make_context (const ZrtpDhInputs *in, const uint8_t total[ZRTP_MAX_HASH], ZrtpKdfContext *context)
{
  ZrtpWriter writer = zrtp_writer (context->data, sizeof context->data);

  zrtp_write (&writer, in->zid[ZRTP_I], ZRTP_ZID_SIZE);
  zrtp_write (&writer, in->zid[ZRTP_R], ZRTP_ZID_SIZE);
  zrtp_write (&writer, total, in->hash->size);
  context->size = writer.size;
}

void
zrtp_derive_keys (const ZrtpDhInputs *in, ZrtpKeys *keys)
{
  uint8_t total[ZRTP_MAX_HASH], s0_octets[ZRTP_MAX_HASH];
  ZrtpBytes s0 = {s0_octets, in->hash->size};
  ZrtpBytes context;
  const size_t hash_size = in->hash->size, key_size = in->cipher->key_size;

  total_hash (in, total);
  compute_s0 (in, total, s0_octets);
  make_context (in, total, &keys->kdf_context);
  context = (ZrtpBytes){keys->kdf_context.data, keys->kdf_context.size};

#define DERIVE(label, out, size) zrtp_kdf (in->hash, s0, (label), context, (out), (size))
  /* §4.5.2 */
  DERIVE ("ZRTP Session Key", keys->zrtpsess, hash_size);
  DERIVE ("SAS", keys->sashash, ZRTP_SASHASH_SIZE);
  DERIVE ("Exported key", keys->exported_key, hash_size);
  /* §4.5.3 */
  DERIVE ("Initiator SRTP master key", keys->srtpkey[ZRTP_I], key_size);
  DERIVE ("Initiator SRTP master salt", keys->srtpsalt[ZRTP_I], ZRTP_SRTP_SALT_SIZE);
  DERIVE ("Responder SRTP master key", keys->srtpkey[ZRTP_R], key_size);
  DERIVE ("Responder SRTP master salt", keys->srtpsalt[ZRTP_R], ZRTP_SRTP_SALT_SIZE);
  DERIVE ("Initiator HMAC key", keys->mackey[ZRTP_I], hash_size);
  DERIVE ("Responder HMAC key", keys->mackey[ZRTP_R], hash_size);
  DERIVE ("Initiator ZRTP key", keys->zrtpkey[ZRTP_I], key_size);
  DERIVE ("Responder ZRTP key", keys->zrtpkey[ZRTP_R], key_size);
  /* §4.6.1: here and not at the end of the exchange, so that s0 can be erased at once. */
  DERIVE ("retained secret", keys->rs1, ZRTP_RS_SIZE);
#undef DERIVE

  zrtp_wipe (s0_octets, sizeof s0_octets);
}
