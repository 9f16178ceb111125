/* What Nettle gives the protocol.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef ZRTP_NETTLE_H
#define ZRTP_NETTLE_H

#include "gst/protocol/crypto.h"

extern const ZrtpHash zrtp_nettle_s256, zrtp_nettle_s384, zrtp_nettle_s512, zrtp_nettle_n256,
    zrtp_nettle_n384;
extern const ZrtpCipher zrtp_nettle_aes1, zrtp_nettle_aes3;
extern const ZrtpKeyAgreement zrtp_nettle_x255, zrtp_nettle_e255, zrtp_nettle_x448,
    zrtp_nettle_ec25, zrtp_nettle_ec38, zrtp_nettle_ec52;

#endif
