/* What the protocol needs from outside: hash and MAC, cipher, key agreement, random octets.
 *
 * Small tables of functions; ext/nettle, ext/gmp and ext/libc fulfil them. Every function is pure
 * (apart from ZrtpRandom) and re-entrant, so engines on different threads may share one table.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef ZRTP_CRYPTO_H
#define ZRTP_CRYPTO_H

#include "gst/protocol/bytes.h"

/* The 4-octet type blocks of RFC 6189 §5.1.2-§5.1.7, as the big-endian number they are on the wire. */
typedef uint32_t ZrtpType;
#define ZRTP_TYPE(a, b, c, d)                                                                      \
  ((ZrtpType) (uint8_t) (a) << 24 | (ZrtpType) (uint8_t) (b) << 16 |                               \
      (ZrtpType) (uint8_t) (c) << 8 | (ZrtpType) (uint8_t) (d))

enum {
  ZRTP_MAX_HASH = 64,       /* octets of the longest digest */
  ZRTP_MAX_CIPHER_KEY = 32, /* octets of the longest cipher key */
  ZRTP_CIPHER_BLOCK = 16,   /* octets of a cipher block and of a CFB IV, §5.7 */
  ZRTP_MAX_PV = 384,        /* octets of the longest public value (DH3k), §5.1.5 */
  ZRTP_MAX_SECRET = 72,    /* octets of the longest secret value (DH with AES-256: 64; P-521: 66) */
  ZRTP_MAX_DHRESULT = 384, /* octets of the longest DHResult (DH3k), §4.4.1.4 */
};

/* Fills `out` with `size` octets fit for keys; false when the system has none to give.
 * A simulation passes a seeded generator, everybody else the operating system's. */
typedef struct {
  bool (*fill) (void *user, uint8_t *out, size_t size);
  void *user;
} ZrtpRandom;

/* Hash and its HMAC (§5.1.2.1). The input is the concatenation of `n_parts` views; an empty part
 * may have a NULL pointer. `out` receives `size` octets. */
typedef struct {
  ZrtpType type;
  size_t size;
  void (*digest) (const ZrtpBytes *parts, size_t n_parts, uint8_t *out);
  void (*mac) (ZrtpBytes key, const ZrtpBytes *parts, size_t n_parts, uint8_t *out);
} ZrtpHash;

/* A 128-bit block cipher in full-block CFB mode, the last block truncated (§5.7), in place. */
typedef struct {
  ZrtpType type;
  size_t key_size;
  void (*encrypt) (
      const uint8_t *key, const uint8_t iv[ZRTP_CIPHER_BLOCK], uint8_t *data, size_t size);
  void (*decrypt) (
      const uint8_t *key, const uint8_t iv[ZRTP_CIPHER_BLOCK], uint8_t *data, size_t size);
} ZrtpCipher;

/* A Diffie-Hellman group or curve (§5.1.5).
 *
 * `generate` draws a fresh secret value sv and computes the public value pv. `exponent_bits` is the
 * length of sv for the finite-field groups (256 with AES-128, 512 with AES-256); curves ignore it.
 * A finite-field sv is stored in `secret` big-endian, right-aligned in ZRTP_MAX_SECRET octets.
 *
 * `agree` checks the peer's pv in full (range or curve, §4.4.1.2 and SP 800-56A §5.6.2.6; all-zero
 * result for X25519/X448, RFC 7748 §6) and only then computes DHResult; false means a bad pv.
 *
 * pv and DHResult are fixed width, leading zeros kept. Both functions wipe their temporaries. */
typedef struct {
  ZrtpType type;
  size_t pv_size;
  size_t result_size;
  bool finite_field;
  bool (*generate) (const ZrtpRandom *random, unsigned exponent_bits,
      uint8_t secret[ZRTP_MAX_SECRET], uint8_t *pv);
  bool (*agree) (const uint8_t secret[ZRTP_MAX_SECRET], const uint8_t *peer_pv, uint8_t *result);
} ZrtpKeyAgreement;

/* All an engine may use. The lists end with NULL; SHA-256 must be among the hashes (§5.1.2.2). */
typedef struct {
  const ZrtpHash *const *hashes;
  const ZrtpCipher *const *ciphers;
  const ZrtpKeyAgreement *const *key_agreements;
  ZrtpRandom random;
} ZrtpCrypto;

const ZrtpHash *zrtp_crypto_hash (const ZrtpCrypto *crypto, ZrtpType type);
const ZrtpCipher *zrtp_crypto_cipher (const ZrtpCrypto *crypto, ZrtpType type);
const ZrtpKeyAgreement *zrtp_crypto_key_agreement (const ZrtpCrypto *crypto, ZrtpType type);

#endif
