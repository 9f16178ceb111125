/* What the C library gives the protocol: the operating system's random octets (§4.8).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef ZRTP_LIBC_H
#define ZRTP_LIBC_H

#include "gst/protocol/crypto.h"

extern const ZrtpRandom zrtp_libc_random;

#endif
