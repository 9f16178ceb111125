/* The Short Authentication String as people read it (RFC 6189 §5.1.6).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef ZRTP_SAS_H
#define ZRTP_SAS_H

#include "gst/protocol/engine.h"

/* Renders the leftmost bits of sashash: 20 as four base32 characters (B32), or 16 as two words of
 * the PGP word list with a space between them (B256). `out` is NUL-terminated. */
void zrtp_sas_render (ZrtpType sas_type, const uint8_t sashash[ZRTP_SASHASH_SIZE], char out[32]);

#endif
