/* Error: what ended a negotiation (RFC 6189 §5.9, Figure 12, Table 8).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef ZRTP_ERROR_H
#define ZRTP_ERROR_H

#include "gst/protocol/packet.h"

enum {
  ZRTP_ERROR_SIZE = 4 * 4,
};

size_t zrtp_error_write (unsigned code, uint8_t out[ZRTP_ERROR_SIZE]);
unsigned zrtp_error_parse (ZrtpBytes message);

#endif
