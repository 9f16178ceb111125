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

/* KDF_Context = (ZIDi || ZIDr || total_hash) */
static void
make_context (const ZrtpKeyInputs *in, const uint8_t total[ZRTP_MAX_HASH], ZrtpKdfContext *context)
{
  ZrtpWriter writer = zrtp_writer (context->data, sizeof context->data);

  zrtp_write (&writer, in->zid[ZRTP_I], ZRTP_ZID_SIZE);
  zrtp_write (&writer, in->zid[ZRTP_R], ZRTP_ZID_SIZE);
  zrtp_write (&writer, total, in->hash->size);
  context->size = writer.size;
}

/* One KDF (s0, Label, KDF_Context, L) after the other. */
typedef struct {
  const ZrtpHash *hash;
  ZrtpBytes s0, context;
} Derivation;

static void
derive (const Derivation *from, const char *label, uint8_t *out, size_t size)
{
  zrtp_kdf (from->hash, from->s0, label, from->context, out, size);
}

/* §4.5.2, and the new rs1 of §4.6.1: here and not at the end of the exchange, so that s0 can be
 * erased at once. */
static void
derive_session_keys (const Derivation *from, ZrtpKeys *keys)
{
  const size_t hash_size = from->hash->size;

  derive (from, "ZRTP Session Key", keys->zrtpsess, hash_size);
  derive (from, "SAS", keys->sashash, ZRTP_SASHASH_SIZE);
  derive (from, "Exported key", keys->exported_key, hash_size);
  derive (from, "retained secret", keys->rs1, ZRTP_RS_SIZE);
}

/* §4.5.3 */
static void
derive_stream_keys (const ZrtpKeyInputs *in, const Derivation *from, ZrtpKeys *keys)
{
  const size_t hash_size = in->hash->size, key_size = in->cipher->key_size;

  derive (from, "Initiator SRTP master key", keys->srtpkey[ZRTP_I], key_size);
  derive (from, "Initiator SRTP master salt", keys->srtpsalt[ZRTP_I], in->salt_size);
  derive (from, "Responder SRTP master key", keys->srtpkey[ZRTP_R], key_size);
  derive (from, "Responder SRTP master salt", keys->srtpsalt[ZRTP_R], in->salt_size);
  derive (from, "Initiator HMAC key", keys->mackey[ZRTP_I], hash_size);
  derive (from, "Responder HMAC key", keys->mackey[ZRTP_R], hash_size);
  derive (from, "Initiator ZRTP key", keys->zrtpkey[ZRTP_I], key_size);
  derive (from, "Responder ZRTP key", keys->zrtpkey[ZRTP_R], key_size);
}

/* --- DH mode ------------------------------------------------------------------------------------ */

/* total_hash = hash(Hello of responder || Commit || DHPart1 || DHPart2) */
static void
dh_total_hash (const ZrtpKeyInputs *in, const ZrtpDhInputs *dh, uint8_t out[ZRTP_MAX_HASH])
{
  const ZrtpBytes parts[] = {in->hello_r, in->commit, dh->dhpart1, dh->dhpart2};

  in->hash->digest (parts, sizeof parts / sizeof *parts, out);
}

/* s0 = hash(counter || DHResult || "ZRTP-HMAC-KDF" || ZIDi || ZIDr || total_hash ||
 *           len(s1) || s1 || len(s2) || s2 || len(s3) || s3) */
static void
compute_s0 (const ZrtpKeyInputs *in, const ZrtpDhInputs *dh, const uint8_t total[ZRTP_MAX_HASH],
    uint8_t s0[ZRTP_MAX_HASH])
{
  static const uint8_t counter[4] = {0, 0, 0, 1};
  uint8_t len1[4], len2[4], len3[4];
  const ZrtpBytes parts[] = {
      ZRTP_BYTES (counter),
      dh->dhresult,
      text ("ZRTP-HMAC-KDF"),
      {in->zid[ZRTP_I], ZRTP_ZID_SIZE},
      {in->zid[ZRTP_R], ZRTP_ZID_SIZE},
      {total, in->hash->size},
      ZRTP_BYTES (len1),
      dh->s1,
      ZRTP_BYTES (len2),
      dh->s2,
      ZRTP_BYTES (len3),
      dh->s3,
  };

  zrtp_put_u32 (len1, (uint32_t) dh->s1.size);
  zrtp_put_u32 (len2, (uint32_t) dh->s2.size);
  zrtp_put_u32 (len3, (uint32_t) dh->s3.size);
  in->hash->digest (parts, sizeof parts / sizeof *parts, s0);
}

void
zrtp_derive_dh_keys (const ZrtpKeyInputs *in, const ZrtpDhInputs *dh, ZrtpKeys *keys)
{
  uint8_t total[ZRTP_MAX_HASH], s0[ZRTP_MAX_HASH];
  Derivation from = {.hash = in->hash, .s0 = {s0, in->hash->size}};

  dh_total_hash (in, dh, total);
  compute_s0 (in, dh, total, s0);
  make_context (in, total, &keys->kdf_context);
  from.context = (ZrtpBytes){keys->kdf_context.data, keys->kdf_context.size};
  derive_session_keys (&from, keys);
  derive_stream_keys (in, &from, keys);
  zrtp_wipe (s0, sizeof s0);
}

/* --- The modes without DH ------------------------------------------------------------------------ */

/* total_hash = hash(Hello of responder || Commit), s0 = KDF(key, label, KDF_Context, hash length) */
static void
derive_without_dh (
    const ZrtpKeyInputs *in, ZrtpBytes key, const char *label, bool session_keys, ZrtpKeys *keys)
{
  const ZrtpBytes parts[] = {in->hello_r, in->commit};
  uint8_t total[ZRTP_MAX_HASH], s0[ZRTP_MAX_HASH];
  Derivation from = {.hash = in->hash, .s0 = {s0, in->hash->size}};

  in->hash->digest (parts, sizeof parts / sizeof *parts, total);
  make_context (in, total, &keys->kdf_context);
  from.context = (ZrtpBytes){keys->kdf_context.data, keys->kdf_context.size};
  zrtp_kdf (in->hash, key, label, from.context, s0, in->hash->size);
  if (session_keys)
    derive_session_keys (&from, keys);
  derive_stream_keys (in, &from, keys);
  zrtp_wipe (s0, sizeof s0);
}

void
zrtp_derive_preshared_keys (const ZrtpKeyInputs *in, const uint8_t *preshared_key, ZrtpKeys *keys)
{
  derive_without_dh (in, (ZrtpBytes){preshared_key, in->hash->size}, "ZRTP PSK", true, keys);
}

void
zrtp_derive_multistream_keys (const ZrtpKeyInputs *in, ZrtpBytes zrtpsess, ZrtpKeys *keys)
{
  derive_without_dh (in, zrtpsess, "ZRTP MSK", false, keys);
}
