/* What a handshake costs in CPU time, against what it must cost.
 *
 *   ours    both ends of a DH handshake, from create to destroy, over memory
 *   floor   the same public-key operations and the same hash, MAC, KDF, CFB and random calls, made
 *           on Nettle and GMP directly: the calls of a real handshake are recorded and replayed
 *   bzrtp   the same between two ends of libbzrtp, where it has that key agreement
 *
 * One line a key agreement, and one for a further stream of a call, in Multistream mode; medians of interleaved
 * rounds, ratios taken round by round, so that a machine whose speed drifts does not blur them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config-benchmarks.h"

#include "ext/gmp/zrtp-gmp.h"
#include "ext/libc/zrtp-libc.h"
#include "ext/nettle/zrtp-nettle.h"
#include "gst/protocol/engine.h"

#include <glib.h>
#include <gmp.h>
#include <nettle/aes.h>
#include <nettle/cfb.h>
#include <nettle/curve25519.h>
#include <nettle/curve448.h>
#include <nettle/ecc-curve.h>
#include <nettle/ecc.h>
#include <nettle/ecdsa.h>
#include <nettle/hmac.h>
#include <nettle/sha2.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#ifdef HAVE_BZRTP
#include <bzrtp/bzrtp.h>
#endif

typedef struct {
  const char *name;
  ZrtpType type;
  unsigned handshakes; /* a round */
} Row;

static const Row rows[] = {
    {"X255", ZRTP_X255, 300},
    {"EC25", ZRTP_EC25, 200},
    {"X448", ZRTP_X448, 80},
    {"EC38", ZRTP_EC38, 80},
    {"EC52", ZRTP_EC52, 40},
    {"DH2k", ZRTP_DH2K, 40},
    {"DH3k", ZRTP_DH3K, 20},
};

static double
cpu_us (void)
{
  struct timespec now;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &now);
  return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

/* --- Recording ----------------------------------------------------------------------------------- */

typedef enum {
  CALL_RANDOM,
  CALL_DIGEST,
  CALL_MAC,
  CALL_CFB,
  CALL_GENERATE,
  CALL_AGREE,
} CallKind;

enum {
  MAX_PARTS = 16,
  MAX_CALLS = 400
};

typedef struct {
  CallKind kind;
  const void *algorithm;
  size_t size; /* of key or data */
  size_t n_parts, part[MAX_PARTS];
  unsigned exponent_bits;
  uint8_t secret[ZRTP_MAX_SECRET], pv[ZRTP_MAX_PV];
} Call;

static Call calls[MAX_CALLS];
static unsigned n_calls;

static Call *
record (CallKind kind, const void *algorithm, size_t size)
{
  g_assert (n_calls < MAX_CALLS);
  calls[n_calls] = (Call){.kind = kind, .algorithm = algorithm, .size = size};
  return &calls[n_calls++];
}

static void
record_parts (Call *call, const ZrtpBytes *parts, size_t n)
{
  g_assert (n <= MAX_PARTS);
  call->n_parts = n;
  for (size_t i = 0; i < n; i++)
    call->part[i] = parts[i].size;
}

#define RECORD_HASH(name)                                                                          \
  static void name##_digest (const ZrtpBytes *parts, size_t n, uint8_t *out)                       \
  {                                                                                                \
    record_parts (record (CALL_DIGEST, &zrtp_nettle_##name, 0), parts, n);                         \
    zrtp_nettle_##name.digest (parts, n, out);                                                     \
  }                                                                                                \
  static void name##_mac (ZrtpBytes key, const ZrtpBytes *parts, size_t n, uint8_t *out)           \
  {                                                                                                \
    record_parts (record (CALL_MAC, &zrtp_nettle_##name, key.size), parts, n);                     \
    zrtp_nettle_##name.mac (key, parts, n, out);                                                   \
  }
RECORD_HASH (s256)
RECORD_HASH (s384)

#define RECORD_CIPHER(name)                                                                        \
  static void name##_encrypt (const uint8_t *key, const uint8_t *iv, uint8_t *data, size_t size)   \
  {                                                                                                \
    record (CALL_CFB, &zrtp_nettle_##name, size);                                                  \
    zrtp_nettle_##name.encrypt (key, iv, data, size);                                              \
  }                                                                                                \
  static void name##_decrypt (const uint8_t *key, const uint8_t *iv, uint8_t *data, size_t size)   \
  {                                                                                                \
    record (CALL_CFB, &zrtp_nettle_##name, size);                                                  \
    zrtp_nettle_##name.decrypt (key, iv, data, size);                                              \
  }
RECORD_CIPHER (aes1)
RECORD_CIPHER (aes3)

#define RECORD_KEY_AGREEMENT(name, real)                                                           \
  static bool name##_generate (                                                                    \
      const ZrtpRandom *random, unsigned bits, uint8_t *secret, uint8_t *pv)                       \
  {                                                                                                \
    record (CALL_GENERATE, &real, 0)->exponent_bits = bits;                                        \
    return real.generate (&zrtp_libc_random, bits, secret, pv);                                    \
  }                                                                                                \
  static bool name##_agree (const uint8_t *secret, const uint8_t *pv, uint8_t *result)             \
  {                                                                                                \
    Call *call = record (CALL_AGREE, &real, 0);                                                    \
    memcpy (call->secret, secret, sizeof call->secret);                                            \
    memcpy (call->pv, pv, real.pv_size);                                                           \
    return real.agree (secret, pv, result);                                                        \
  }
RECORD_KEY_AGREEMENT (x255, zrtp_nettle_x255)
RECORD_KEY_AGREEMENT (ec25, zrtp_nettle_ec25)
RECORD_KEY_AGREEMENT (x448, zrtp_nettle_x448)
RECORD_KEY_AGREEMENT (ec38, zrtp_nettle_ec38)
RECORD_KEY_AGREEMENT (ec52, zrtp_nettle_ec52)
RECORD_KEY_AGREEMENT (dh2k, zrtp_gmp_dh2k)
RECORD_KEY_AGREEMENT (dh3k, zrtp_gmp_dh3k)

static bool
record_random (void *user, uint8_t *out, size_t size)
{
  record (CALL_RANDOM, NULL, size);
  return zrtp_libc_random.fill (zrtp_libc_random.user, out, size);
}

static bool
plain_random (void *user, uint8_t *out, size_t size)
{
  return zrtp_libc_random.fill (zrtp_libc_random.user, out, size);
}

/* --- Our handshake ----------------------------------------------------------------------------------- */

static ZrtpConfig
config_for (const Row *row)
{
  ZrtpConfig config = {.ssrc = 1};

  memset (config.client_id, ' ', sizeof config.client_id);
  config.offer.list[ZRTP_KEY_AGREEMENT] = (ZrtpList){1, {row->type}};
  config.offer.list[ZRTP_HASH] = (ZrtpList){2, {ZRTP_S256, ZRTP_S384}};
  config.offer.list[ZRTP_CIPHER] = (ZrtpList){2, {ZRTP_AES1, ZRTP_AES3}};
  config.offer.list[ZRTP_AUTH_TAG] = (ZrtpList){2, {ZRTP_HS80, ZRTP_HS32}};
  config.offer.list[ZRTP_SAS] = (ZrtpList){1, {ZRTP_B32}};
  return config;
}

typedef struct {
  ZrtpCall *call;
  ZrtpEngine *engine;
} End;

static End
open_stream (ZrtpCall *call, const ZrtpConfig *config)
{
  const End end = {call, zrtp_engine_new (call, config)};

  zrtp_engine_start (end.engine, 0);
  return end;
}

static End
open_end (const ZrtpCrypto *crypto, const ZrtpConfig *config)
{
  uint8_t zid[ZRTP_ZID_SIZE];

  crypto->random.fill (crypto->random.user, zid, sizeof zid);
  return open_stream (zrtp_call_new (crypto, zid), config);
}

static void
drain (End *end)
{
  ZrtpEvent event;

  while (zrtp_engine_poll_event (end->engine, &event))
    if (event.kind == ZRTP_EVENT_LOOKUP)
      zrtp_engine_set_record (end->engine, event.peer_zid, NULL, 0);
    else if (event.kind == ZRTP_EVENT_RECEIVE_KEY || event.kind == ZRTP_EVENT_SEND_KEY)
      zrtp_wipe (&event.key, sizeof event.key);
}

/* Everything that `from` has to say. */
static bool
relay (End *from, End *to)
{
  uint8_t packet[ZRTP_MAX_PACKET];
  size_t size;
  bool any = false;

  while ((size = zrtp_engine_poll_packet (from->engine, packet))) {
    zrtp_engine_handle_packet (to->engine, packet, size, 0);
    drain (to);
    any = true;
  }
  return any;
}

static void
become_secure (End *a, End *b)
{
  while (relay (a, b) | relay (b, a))
    continue;
  g_assert (zrtp_engine_get_state (a->engine) == ZRTP_STATE_SECURE);
  g_assert (zrtp_engine_get_state (b->engine) == ZRTP_STATE_SECURE);
}

static void
our_handshake (const ZrtpCrypto *crypto, const ZrtpConfig *config)
{
  ZrtpConfig other = *config;
  End a, b;

  other.ssrc++;
  a = open_end (crypto, config);
  b = open_end (crypto, &other);
  become_secure (&a, &b);
  zrtp_engine_free (a.engine);
  zrtp_engine_free (b.engine);
  zrtp_call_free (a.call);
  zrtp_call_free (b.call);
}

/* CPU time of `n` Multistream handshakes in a call that is secure already. */
static double
our_multistream_handshakes (const ZrtpCrypto *crypto, const ZrtpConfig *config, unsigned n)
{
  ZrtpConfig other = *config;
  End a, b;
  double begin, end;

  other.ssrc++;
  a = open_end (crypto, config);
  b = open_end (crypto, &other);
  become_secure (&a, &b);
  if (crypto->random.fill == record_random)
    n_calls = 0; /* the first stream does not count */
  begin = cpu_us ();
  for (unsigned i = 0; i < n; i++) {
    End a2 = open_stream (a.call, config), b2 = open_stream (b.call, &other);

    become_secure (&a2, &b2);
    zrtp_engine_free (a2.engine);
    zrtp_engine_free (b2.engine);
  }
  end = cpu_us ();
  zrtp_engine_free (a.engine);
  zrtp_engine_free (b.engine);
  zrtp_call_free (a.call);
  zrtp_call_free (b.call);
  return end - begin;
}

/* --- The floor: Nettle and GMP, bare ------------------------------------------------------------------ */

static uint8_t scratch[4096];

static void
bare_digest (const Call *call)
{
  if (call->algorithm == &zrtp_nettle_s256) {
    struct sha256_ctx ctx;

    sha256_init (&ctx);
    for (size_t i = 0; i < call->n_parts; i++)
      sha256_update (&ctx, call->part[i], scratch);
    sha256_digest (&ctx, 32, scratch);
  } else {
    struct sha512_ctx ctx;

    sha384_init (&ctx);
    for (size_t i = 0; i < call->n_parts; i++)
      sha512_update (&ctx, call->part[i], scratch);
    sha384_digest (&ctx, 48, scratch);
  }
}

static void
bare_mac (const Call *call)
{
  if (call->algorithm == &zrtp_nettle_s256) {
    struct hmac_sha256_ctx ctx;

    hmac_sha256_set_key (&ctx, call->size, scratch);
    for (size_t i = 0; i < call->n_parts; i++)
      hmac_sha256_update (&ctx, call->part[i], scratch);
    hmac_sha256_digest (&ctx, 32, scratch);
  } else {
    struct hmac_sha384_ctx ctx;

    hmac_sha384_set_key (&ctx, call->size, scratch);
    for (size_t i = 0; i < call->n_parts; i++)
      hmac_sha512_update (&ctx, call->part[i], scratch);
    hmac_sha384_digest (&ctx, 48, scratch);
  }
}

static void
bare_cfb (const Call *call)
{
  uint8_t iv[16] = {0};

  if (call->algorithm == &zrtp_nettle_aes1) {
    struct aes128_ctx ctx;

    aes128_set_encrypt_key (&ctx, scratch);
    cfb_encrypt (&ctx, (nettle_cipher_func *) aes128_encrypt, 16, iv, call->size, scratch, scratch);
  } else {
    struct aes256_ctx ctx;

    aes256_set_encrypt_key (&ctx, scratch);
    cfb_encrypt (&ctx, (nettle_cipher_func *) aes256_encrypt, 16, iv, call->size, scratch, scratch);
  }
}

static void
bare_random (void *user, size_t size, uint8_t *out)
{
  g_assert (getrandom (out, size, 0) == (ssize_t) size);
}

static const struct ecc_curve *
curve_of (const Call *call)
{
  if (call->algorithm == &zrtp_nettle_ec25)
    return nettle_get_secp_256r1 ();
  return call->algorithm == &zrtp_nettle_ec38 ? nettle_get_secp_384r1 () : nettle_get_secp_521r1 ();
}

static const char rfc3526_group14[] =
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404"
    "DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406"
    "B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD"
    "24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E46"
    "2E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D226"
    "1898FA051015728E5A8AACAA68FFFFFFFFFFFFFFFF";

static const char rfc3526_group15[] =
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404"
    "DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406"
    "B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD"
    "24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E46"
    "2E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D226"
    "1898FA051015728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB397"
    "0F85A6E1E4C7ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A6452"
    "1F2B18177B200CBBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CA"
    "FFFFFFFFFFFFFFFF";

static mpz_t dh2k_p, dh3k_p;

static bool
is_dh (const Call *call)
{
  return call->algorithm == &zrtp_gmp_dh2k || call->algorithm == &zrtp_gmp_dh3k;
}

static mpz_srcptr
prime_of (const Call *call)
{
  return call->algorithm == &zrtp_gmp_dh2k ? dh2k_p : dh3k_p;
}

static void
bare_generate (const Call *call)
{
  if (call->algorithm == &zrtp_nettle_x255) {
    uint8_t n[32];

    bare_random (NULL, sizeof n, n);
    curve25519_mul_g (scratch, n);
  } else if (call->algorithm == &zrtp_nettle_x448) {
    uint8_t n[56];

    bare_random (NULL, sizeof n, n);
    curve448_mul_g (scratch, n);
  } else if (is_dh (call)) {
    mpz_t x, y;
    uint8_t octets[64];

    bare_random (NULL, call->exponent_bits / 8, octets);
    mpz_inits (x, y, NULL);
    mpz_import (x, call->exponent_bits / 8, 1, 1, 1, 0, octets);
    mpz_setbit (x, 0);
    mpz_set_ui (y, 2);
    mpz_powm_sec (y, y, x, prime_of (call));
    mpz_export (scratch, NULL, 1, 1, 1, 0, y);
    mpz_clears (x, y, NULL);
  } else {
    struct ecc_scalar s;
    struct ecc_point p;
    mpz_t x, y;

    ecc_scalar_init (&s, curve_of (call));
    ecc_point_init (&p, curve_of (call));
    mpz_inits (x, y, NULL);
    ecc_scalar_random (&s, NULL, bare_random);
    ecc_point_mul_g (&p, &s);
    ecc_point_get (&p, x, y);
    mpz_export (scratch, NULL, 1, 1, 1, 0, x);
    mpz_export (scratch, NULL, 1, 1, 1, 0, y);
    mpz_clears (x, y, NULL);
    ecc_point_clear (&p);
    ecc_scalar_clear (&s);
  }
}

static void
bare_agree (const Call *call)
{
  const ZrtpKeyAgreement *algorithm = call->algorithm;

  if (call->algorithm == &zrtp_nettle_x255) {
    curve25519_mul (scratch, call->secret, call->pv);
  } else if (call->algorithm == &zrtp_nettle_x448) {
    curve448_mul (scratch, call->secret, call->pv);
  } else if (is_dh (call)) {
    mpz_t x, y;

    mpz_inits (x, y, NULL);
    mpz_import (x, sizeof call->secret, 1, 1, 1, 0, call->secret);
    mpz_import (y, algorithm->pv_size, 1, 1, 1, 0, call->pv);
    mpz_powm_sec (y, y, x, prime_of (call));
    mpz_export (scratch, NULL, 1, 1, 1, 0, y);
    mpz_clears (x, y, NULL);
  } else {
    const size_t half = algorithm->pv_size / 2;
    struct ecc_scalar s;
    struct ecc_point p, r;
    mpz_t x, y;

    ecc_scalar_init (&s, curve_of (call));
    ecc_point_init (&p, curve_of (call));
    ecc_point_init (&r, curve_of (call));
    mpz_inits (x, y, NULL);
    mpz_import (x, half, 1, 1, 1, 0, call->secret);
    g_assert (ecc_scalar_set (&s, x));
    mpz_import (x, half, 1, 1, 1, 0, call->pv);
    mpz_import (y, half, 1, 1, 1, 0, call->pv + half);
    g_assert (ecc_point_set (&p, x, y)); /* the check that the point is on the curve */
    ecc_point_mul (&r, &s, &p);
    ecc_point_get (&r, x, NULL);
    mpz_export (scratch, NULL, 1, 1, 1, 0, x);
    mpz_clears (x, y, NULL);
    ecc_point_clear (&r);
    ecc_point_clear (&p);
    ecc_scalar_clear (&s);
  }
}

static void
floor_handshake (void)
{
  for (unsigned i = 0; i < n_calls; i++)
    switch (calls[i].kind) {
      case CALL_RANDOM:
        bare_random (NULL, calls[i].size, scratch);
        break;
      case CALL_DIGEST:
        bare_digest (&calls[i]);
        break;
      case CALL_MAC:
        bare_mac (&calls[i]);
        break;
      case CALL_CFB:
        bare_cfb (&calls[i]);
        break;
      case CALL_GENERATE:
        bare_generate (&calls[i]);
        break;
      case CALL_AGREE:
        bare_agree (&calls[i]);
        break;
    }
}

/* --- libbzrtp -------------------------------------------------------------------------------------------- */

#ifdef HAVE_BZRTP

typedef struct {
  bzrtpContext_t *context;
  uint32_t ssrc;
  GQueue *out; /* GBytes */
  int secure;
} BzrtpEnd;

static int
bzrtp_send (void *data, const uint8_t *packet, uint16_t size)
{
  BzrtpEnd *end = data;

  g_queue_push_tail (end->out, g_bytes_new (packet, size));
  return 0;
}

static int
bzrtp_keys (void *data, const bzrtpSrtpSecrets_t *secrets, uint8_t part)
{
  return 0;
}

static int
bzrtp_secure (void *data, const bzrtpSrtpSecrets_t *secrets, int32_t verified)
{
  BzrtpEnd *end = data;

  end->secure = 1;
  return 0;
}

static uint8_t
bzrtp_key_agreement (ZrtpType type)
{
  switch (type) {
    case ZRTP_X255:
      return ZRTP_KEYAGREEMENT_X255;
    case ZRTP_X448:
      return ZRTP_KEYAGREEMENT_X448;
    case ZRTP_DH2K:
      return ZRTP_KEYAGREEMENT_DH2k;
    case ZRTP_DH3K:
      return ZRTP_KEYAGREEMENT_DH3k;
    default:
      return 0;
  }
}

static void
bzrtp_open (BzrtpEnd *end, uint32_t ssrc, uint8_t key_agreement)
{
  static const bzrtpCallbacks_t callbacks = {
      .bzrtp_sendData = bzrtp_send,
      .bzrtp_srtpSecretsAvailable = bzrtp_keys,
      .bzrtp_startSrtpSession = bzrtp_secure,
  };
  uint8_t hash[7] = {ZRTP_HASH_S256}, cipher[7] = {ZRTP_CIPHER_AES1};
  uint8_t agreement[7] = {key_agreement};

  *end = (BzrtpEnd){bzrtp_createBzrtpContext (), ssrc, g_queue_new (), 0};
  bzrtp_setCallbacks (end->context, &callbacks);
  bzrtp_setSupportedCryptoTypes (end->context, ZRTP_KEYAGREEMENT_TYPE, agreement, 1);
  bzrtp_setSupportedCryptoTypes (end->context, ZRTP_HASH_TYPE, hash, 1);
  bzrtp_setSupportedCryptoTypes (end->context, ZRTP_CIPHERBLOCK_TYPE, cipher, 1);
  bzrtp_initBzrtpContext (end->context, ssrc);
  bzrtp_setClientData (end->context, ssrc, end);
  bzrtp_startChannelEngine (end->context, ssrc);
}

static int
bzrtp_relay (BzrtpEnd *from, BzrtpEnd *to)
{
  GBytes *packet = g_queue_pop_head (from->out);
  gsize size;
  uint8_t copy[4096];

  if (!packet)
    return 0;
  memcpy (copy, g_bytes_get_data (packet, &size), g_bytes_get_size (packet));
  size = g_bytes_get_size (packet);
  bzrtp_processMessage (to->context, to->ssrc, copy, (uint16_t) size);
  g_bytes_unref (packet);
  return 1;
}

static void
bzrtp_close (BzrtpEnd *end)
{
  bzrtp_destroyBzrtpContext (end->context, end->ssrc);
  g_queue_free_full (end->out, (GDestroyNotify) g_bytes_unref);
}

static void
bzrtp_handshake (ZrtpType type)
{
  BzrtpEnd a, b;
  uint64_t ms = 0;

  bzrtp_open (&a, 1, bzrtp_key_agreement (type));
  bzrtp_open (&b, 2, bzrtp_key_agreement (type));
  while (!(a.secure && b.secure) && ms < 10000) {
    bzrtp_iterate (a.context, a.ssrc, ms);
    bzrtp_iterate (b.context, b.ssrc, ms);
    while (bzrtp_relay (&a, &b) | bzrtp_relay (&b, &a))
      continue;
    ms += 20;
  }
  g_assert (a.secure && b.secure);
  bzrtp_close (&a);
  bzrtp_close (&b);
}

#else

static uint8_t
bzrtp_key_agreement (ZrtpType type)
{
  return 0;
}

static void
bzrtp_handshake (ZrtpType type)
{
}

#endif

/* --- Rounds ------------------------------------------------------------------------------------------------ */

static int
compare (gconstpointer a, gconstpointer b)
{
  const double *x = a, *y = b;

  return (*x > *y) - (*x < *y);
}

static double
median (const double *values, unsigned n)
{
  double sorted[64];

  memcpy (sorted, values, n * sizeof *values);
  qsort (sorted, n, sizeof *sorted, compare);
  return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

static double
ratio_median (const double *a, const double *b, unsigned n)
{
  double ratio[64];

  for (unsigned i = 0; i < n; i++)
    ratio[i] = a[i] / b[i];
  return median (ratio, n);
}

static void
measure (const Row *row, unsigned rounds, unsigned handshakes)
{
  static const ZrtpHash *const hashes[] = {&zrtp_nettle_s256, &zrtp_nettle_s384, NULL};
  static const ZrtpCipher *const ciphers[] = {&zrtp_nettle_aes1, &zrtp_nettle_aes3, NULL};
  static const ZrtpKeyAgreement *const key_agreements[] = {&zrtp_nettle_x255, &zrtp_nettle_x448,
      &zrtp_nettle_ec25, &zrtp_nettle_ec38, &zrtp_nettle_ec52, &zrtp_gmp_dh2k, &zrtp_gmp_dh3k,
      NULL};
  static const ZrtpHash rs256 = {ZRTP_S256, 32, s256_digest, s256_mac};
  static const ZrtpHash rs384 = {ZRTP_S384, 48, s384_digest, s384_mac};
  static const ZrtpHash *const recording_hashes[] = {&rs256, &rs384, NULL};
  static const ZrtpCipher raes1 = {ZRTP_AES1, 16, aes1_encrypt, aes1_decrypt};
  static const ZrtpCipher raes3 = {ZRTP_AES3, 32, aes3_encrypt, aes3_decrypt};
  static const ZrtpCipher *const recording_ciphers[] = {&raes1, &raes3, NULL};
  const ZrtpKeyAgreement rx255 = {ZRTP_X255, 32, 32, false, x255_generate, x255_agree};
  const ZrtpKeyAgreement rx448 = {ZRTP_X448, 56, 56, false, x448_generate, x448_agree};
  const ZrtpKeyAgreement rec25 = {ZRTP_EC25, 64, 32, false, ec25_generate, ec25_agree};
  const ZrtpKeyAgreement rec38 = {ZRTP_EC38, 96, 48, false, ec38_generate, ec38_agree};
  const ZrtpKeyAgreement rec52 = {ZRTP_EC52, 132, 66, false, ec52_generate, ec52_agree};
  const ZrtpKeyAgreement rdh2k = {ZRTP_DH2K, 256, 256, true, dh2k_generate, dh2k_agree};
  const ZrtpKeyAgreement rdh3k = {ZRTP_DH3K, 384, 384, true, dh3k_generate, dh3k_agree};
  const ZrtpKeyAgreement *const recording_key_agreements[] = {
      &rx255, &rx448, &rec25, &rec38, &rec52, &rdh2k, &rdh3k, NULL};
  const ZrtpCrypto plain = {hashes, ciphers, key_agreements, {plain_random, NULL}};
  const ZrtpCrypto recording = {
      recording_hashes, recording_ciphers, recording_key_agreements, {record_random, NULL}};
  const ZrtpConfig config = config_for (row);
  const bool bzrtp = bzrtp_key_agreement (row->type) != 0;
  double ours[64], bare[64], theirs[64];

  n_calls = 0;
  our_handshake (&recording, &config);
  for (unsigned r = 0; r < rounds; r++) {
    double t0 = cpu_us (), t1, t2, t3;

    for (unsigned i = 0; i < handshakes; i++)
      our_handshake (&plain, &config);
    t1 = cpu_us ();
    for (unsigned i = 0; i < handshakes; i++)
      floor_handshake ();
    t2 = cpu_us ();
    for (unsigned i = 0; bzrtp && i < handshakes; i++)
      bzrtp_handshake (row->type);
    t3 = cpu_us ();
    ours[r] = (t1 - t0) / handshakes;
    bare[r] = (t2 - t1) / handshakes;
    theirs[r] = (t3 - t2) / handshakes;
  }

  g_print ("handshake %s ours_us=%.1f floor_us=%.1f", row->name, median (ours, rounds),
      median (bare, rounds));
  if (bzrtp)
    g_print (" bzrtp_us=%.1f", median (theirs, rounds));
  else
    g_print (" bzrtp_us=-");
  g_print (" over_floor=%.3f", ratio_median (ours, bare, rounds));
  if (bzrtp)
    g_print (" vs_bzrtp=%.2f\n", ratio_median (theirs, ours, rounds));
  else
    g_print (" vs_bzrtp=-\n");
}

/* A further stream of a call, both ends: no public-key operation in it. */
static void
measure_multistream (unsigned rounds, unsigned calls_a_round)
{
  enum {
    STREAMS = 4 /* a call */
  };
  static const ZrtpHash *const hashes[] = {&zrtp_nettle_s256, NULL};
  static const ZrtpCipher *const ciphers[] = {&zrtp_nettle_aes1, NULL};
  static const ZrtpKeyAgreement *const key_agreements[] = {&zrtp_nettle_x255, NULL};
  static const ZrtpHash rs256 = {ZRTP_S256, 32, s256_digest, s256_mac};
  static const ZrtpHash *const recording_hashes[] = {&rs256, NULL};
  static const ZrtpCipher raes1 = {ZRTP_AES1, 16, aes1_encrypt, aes1_decrypt};
  static const ZrtpCipher *const recording_ciphers[] = {&raes1, NULL};
  const ZrtpCrypto plain = {hashes, ciphers, key_agreements, {plain_random, NULL}};
  const ZrtpCrypto recording = {
      recording_hashes, recording_ciphers, key_agreements, {record_random, NULL}};
  ZrtpConfig config = config_for (&rows[0]);
  double ours[64], bare[64];

  config.offer.list[ZRTP_HASH] = (ZrtpList){1, {ZRTP_S256}};
  config.offer.list[ZRTP_CIPHER] = (ZrtpList){1, {ZRTP_AES1}};
  our_multistream_handshakes (&recording, &config, 1);
  for (unsigned r = 0; r < rounds; r++) {
    double t = 0;

    for (unsigned i = 0; i < calls_a_round; i++)
      t += our_multistream_handshakes (&plain, &config, STREAMS);
    ours[r] = t / calls_a_round / STREAMS;
    t = cpu_us ();
    for (unsigned i = 0; i < calls_a_round * STREAMS; i++)
      floor_handshake ();
    bare[r] = (cpu_us () - t) / calls_a_round / STREAMS;
  }
  g_print ("multistream ours_us=%.1f floor_us=%.1f over_floor=%.3f\n", median (ours, rounds),
      median (bare, rounds), ratio_median (ours, bare, rounds));
}

int
main (int argc, char **argv)
{
  gint rounds = 15, percent = 100;
  GOptionEntry entries[] = {
      {"rounds", 'r', 0, G_OPTION_ARG_INT, &rounds, "interleaved rounds, 1 to 64 (15)", "N"},
      {"percent", 'p', 0, G_OPTION_ARG_INT, &percent, "handshakes a round, in % of the usual", "N"},
      {NULL},
  };
  GOptionContext *context = g_option_context_new ("- CPU time of a ZRTP handshake");
  GError *error = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || rounds < 1 || rounds > 64 ||
      percent < 1) {
    g_printerr ("handshake: %s\n", error ? error->message : "--rounds is 1 to 64, --percent >= 1");
    return 2;
  }
  g_option_context_free (context);
  mpz_init_set_str (dh2k_p, rfc3526_group14, 16);
  mpz_init_set_str (dh3k_p, rfc3526_group15, 16);
  for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++)
    measure (&rows[i], rounds, MAX (rows[i].handshakes * percent / 100, 1));
  measure_multistream (rounds, MAX (300 * percent / 100, 1));
  mpz_clears (dh2k_p, dh3k_p, NULL);
  return 0;
}
