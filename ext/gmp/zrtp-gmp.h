/* What GMP gives the protocol: the finite-field groups of RFC 3526.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef ZRTP_GMP_H
#define ZRTP_GMP_H

#include "gst/protocol/crypto.h"

extern const ZrtpKeyAgreement zrtp_gmp_dh2k, zrtp_gmp_dh3k;

#endif
