/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/protocol/error.h"

size_t
zrtp_error_write (unsigned code, uint8_t out[ZRTP_ERROR_SIZE])
{
  ZrtpWriter writer = zrtp_writer (out, ZRTP_ERROR_SIZE);

  zrtp_message_begin (&writer, ZRTP_MESSAGE_ERROR, ZRTP_ERROR_SIZE);
  zrtp_write_u32 (&writer, code);
  return writer.size;
}

unsigned
zrtp_error_parse (ZrtpBytes message)
{
  ZrtpReader reader = zrtp_reader (message.data, message.size);

  zrtp_read_view (&reader, ZRTP_FRAME_SIZE);
  return zrtp_read_u32 (&reader);
}

const char *
zrtp_error_text (unsigned code)
{
  switch (code) {
    case ZRTP_ERROR_MALFORMED:
      return "malformed packet";
    case ZRTP_ERROR_SOFTWARE:
      return "critical software error";
    case ZRTP_ERROR_VERSION:
      return "ZRTP version not supported";
    case ZRTP_ERROR_HELLO_MISMATCH:
      return "the Hello was altered on its way, or its parts do not fit the Commit";
    case ZRTP_ERROR_HASH:
      return "hash type not supported";
    case ZRTP_ERROR_CIPHER:
      return "cipher type not supported";
    case ZRTP_ERROR_KEY_AGREEMENT:
      return "key agreement type not supported";
    case ZRTP_ERROR_AUTH_TAG:
      return "SRTP authentication tag type not supported";
    case ZRTP_ERROR_SAS:
      return "SAS type not supported";
    case ZRTP_ERROR_NO_SECRET:
      return "no shared secret available, Diffie-Hellman mode required";
    case ZRTP_ERROR_BAD_PV:
      return "bad Diffie-Hellman public value: somebody may be attacking this call";
    case ZRTP_ERROR_BAD_HVI:
      return "the public value is not the one committed to: somebody is attacking this call";
    case ZRTP_ERROR_UNTRUSTED_RELAY:
      return "SAS relayed by a party that is not trusted to";
    case ZRTP_ERROR_CONFIRM_MAC:
      return "authentication failed: the two ends do not have the same keys";
    case ZRTP_ERROR_NONCE:
      return "nonce used before";
    case ZRTP_ERROR_EQUAL_ZID:
      return "both ends have the same ZID, as two of one user on one machine have: give each a "
             "cache of its own (cache-location, or GST_ZRTP_CACHE), or none (cache-location=\"\")";
    case ZRTP_ERROR_SSRC:
      return "SSRC collision";
    case ZRTP_ERROR_UNAVAILABLE:
      return "service unavailable";
    case ZRTP_ERROR_TIMEOUT:
      return "the peer stopped answering during the negotiation";
    case ZRTP_ERROR_GOCLEAR:
      return "GoClear received, but not allowed";
    default:
      return "unknown error";
  }
}
