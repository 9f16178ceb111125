/* The one place that says which library does what for the protocol.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/zrtp/zrtp-private.h"

#include "ext/gmp/zrtp-gmp.h"
#include "ext/libc/zrtp-libc.h"
#include "ext/nettle/zrtp-nettle.h"

static const ZrtpHash *const hashes[] = {&zrtp_nettle_s256, &zrtp_nettle_s384, &zrtp_nettle_s512,
    &zrtp_nettle_n256, &zrtp_nettle_n384, NULL};
static const ZrtpCipher *const ciphers[] = {&zrtp_nettle_aes1, &zrtp_nettle_aes3, NULL};
static const ZrtpKeyAgreement *const key_agreements[] = {&zrtp_nettle_x255, &zrtp_nettle_e255,
    &zrtp_nettle_x448, &zrtp_nettle_ec25, &zrtp_nettle_ec38, &zrtp_nettle_ec52, &zrtp_gmp_dh3k,
    &zrtp_gmp_dh2k, NULL};

static bool
random_fill (void *user, uint8_t *out, size_t size)
{
  return zrtp_libc_random.fill (zrtp_libc_random.user, out, size);
}

const ZrtpCrypto gst_zrtp_crypto = {
    .hashes = hashes,
    .ciphers = ciphers,
    .key_agreements = key_agreements,
    .random = {random_fill, NULL},
};
