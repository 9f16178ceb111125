/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/protocol/confirm.h"

#include <string.h>

enum {
  FLAG_E = 1 << 3,
  FLAG_V = 1 << 2,
  FLAG_A = 1 << 1,
  FLAG_D = 1 << 0,
};

/* confirm_mac = MAC(mackey, encrypted part of Confirm), leftmost 64 bits (§4.6). */
static void
confirm_mac (const ZrtpConfirmKeys *keys, ZrtpBytes encrypted, uint8_t mac[ZRTP_MAX_HASH])
{
  keys->hash->mac ((ZrtpBytes){keys->mackey, keys->hash->size}, &encrypted, 1, mac);
}

void
zrtp_sealed_write (
    const ZrtpConfirmKeys *keys, const uint8_t iv[ZRTP_CIPHER_BLOCK], uint8_t *message, size_t size)
{
  const ZrtpBytes encrypted = {message + ZRTP_SEALED_OFFSET, size - ZRTP_SEALED_OFFSET};
  uint8_t mac[ZRTP_MAX_HASH];

  keys->cipher->encrypt (keys->zrtpkey, iv, message + ZRTP_SEALED_OFFSET, encrypted.size);
  confirm_mac (keys, encrypted, mac);
  memcpy (message + ZRTP_FRAME_SIZE, mac, ZRTP_MAC_SIZE);
}

bool
zrtp_sealed_open (ZrtpBytes message, const ZrtpConfirmKeys *keys, uint8_t *plain)
{
  const uint8_t *mac = message.data + ZRTP_FRAME_SIZE;
  const uint8_t *iv = mac + ZRTP_MAC_SIZE;
  const ZrtpBytes encrypted = {
      message.data + ZRTP_SEALED_OFFSET, message.size - ZRTP_SEALED_OFFSET};
  uint8_t expected[ZRTP_MAX_HASH];
  bool ok;

  confirm_mac (keys, encrypted, expected);
  ok = zrtp_equal (expected, mac, ZRTP_MAC_SIZE);
  zrtp_wipe (expected, sizeof expected); /* for a forged text it is the right one */
  if (!ok)
    return false;
  memcpy (plain, encrypted.data, encrypted.size);
  keys->cipher->decrypt (keys->zrtpkey, iv, plain, encrypted.size);
  return true;
}

void
zrtp_confirm_write (const ZrtpConfirm *confirm, ZrtpMessageType type, const ZrtpConfirmKeys *keys,
    const uint8_t iv[ZRTP_CIPHER_BLOCK], uint8_t out[ZRTP_CONFIRM_SIZE])
{
  ZrtpWriter writer = zrtp_writer (out, ZRTP_CONFIRM_SIZE);
  static const uint8_t no_mac[ZRTP_MAC_SIZE];

  zrtp_message_begin (&writer, type, ZRTP_CONFIRM_SIZE);
  zrtp_write (&writer, no_mac, ZRTP_MAC_SIZE); /* filled in below */
  zrtp_write (&writer, iv, ZRTP_CIPHER_BLOCK);
  zrtp_write (&writer, confirm->h0, sizeof confirm->h0);
  zrtp_write_u32 (
      &writer, (confirm->enrollment ? FLAG_E : 0) | (confirm->sas_verified ? FLAG_V : 0) |
                   (confirm->allow_clear ? FLAG_A : 0) | (confirm->disclosure ? FLAG_D : 0));
  zrtp_write_u32 (&writer, confirm->cache_expiry);
  zrtp_sealed_write (keys, iv, out, ZRTP_CONFIRM_SIZE);
}

static bool
parse_plain (ZrtpBytes plain, ZrtpConfirm *confirm)
{
  ZrtpReader reader = zrtp_reader (plain.data, plain.size);
  uint32_t flags, signature_words;

  zrtp_read (&reader, confirm->h0, sizeof confirm->h0);
  flags = zrtp_read_u32 (&reader);
  confirm->cache_expiry = zrtp_read_u32 (&reader);
  confirm->enrollment = flags & FLAG_E;
  confirm->sas_verified = flags & FLAG_V;
  confirm->allow_clear = flags & FLAG_A;
  confirm->disclosure = flags & FLAG_D;
  /* 15 bits ignored, then 9 bits of signature length in words, which "includes the signature type
   * block". */
  signature_words = flags >> 8 & 0x1ff;
  confirm->signature_type = signature_words ? zrtp_read_u32 (&reader) : 0;
  zrtp_read_view (&reader, signature_words ? (signature_words - 1) * 4 : 0);
  return zrtp_reader_done (&reader);
}

ZrtpResult
zrtp_confirm_parse (ZrtpBytes message, const ZrtpConfirmKeys *keys, ZrtpConfirm *confirm)
{
  uint8_t plain[ZRTP_CONFIRM_MAX_SIZE - ZRTP_SEALED_OFFSET];
  const size_t size = message.size - ZRTP_SEALED_OFFSET;
  bool ok;

  if (!zrtp_sealed_open (message, keys, plain))
    return ZRTP_BAD_MAC;
  ok = parse_plain ((ZrtpBytes){plain, size}, confirm);
  zrtp_wipe (plain, size);
  return ok ? ZRTP_ACCEPTED : ZRTP_BAD_CONTENT;
}
