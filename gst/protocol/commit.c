/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/protocol/commit.h"

ZrtpMode
zrtp_commit_mode (const ZrtpCommit *commit)
{
  switch (commit->choice.type[ZRTP_KEY_AGREEMENT]) {
    case ZRTP_MULT:
      return ZRTP_MODE_MULTISTREAM;
    case ZRTP_PRSH:
      return ZRTP_MODE_PRESHARED;
    default:
      return ZRTP_MODE_DH;
  }
}

static size_t
size_for (ZrtpMode mode)
{
  static const size_t size[] = {
      [ZRTP_MODE_DH] = ZRTP_COMMIT_DH_SIZE,
      [ZRTP_MODE_PRESHARED] = ZRTP_COMMIT_PRSH_SIZE,
      [ZRTP_MODE_MULTISTREAM] = ZRTP_COMMIT_MULT_SIZE,
  };

  return size[mode];
}

/* "hash algorithm, cipher algorithm, auth tag type, Key Agreement Type, SAS Type": the same order
 * as the lists of a Hello. */
size_t
zrtp_commit_write (const ZrtpCommit *commit, const ZrtpHash *s256,
    const uint8_t h1[ZRTP_IMAGE_SIZE], uint8_t out[ZRTP_COMMIT_DH_SIZE])
{
  const ZrtpMode mode = zrtp_commit_mode (commit);
  ZrtpWriter writer = zrtp_writer (out, ZRTP_COMMIT_DH_SIZE);

  zrtp_message_begin (&writer, ZRTP_MESSAGE_COMMIT, size_for (mode));
  zrtp_write (&writer, commit->h2, sizeof commit->h2);
  zrtp_write (&writer, commit->zid, sizeof commit->zid);
  for (ZrtpKind kind = 0; kind < ZRTP_N_KINDS; kind++)
    zrtp_write_u32 (&writer, commit->choice.type[kind]);
  if (mode == ZRTP_MODE_DH)
    zrtp_write (&writer, commit->hvi, sizeof commit->hvi);
  else
    zrtp_write (&writer, commit->nonce, sizeof commit->nonce);
  if (mode == ZRTP_MODE_PRESHARED)
    zrtp_write (&writer, commit->key_id, sizeof commit->key_id);
  zrtp_message_mac_write (&writer, s256, h1);
  return writer.ok ? writer.size : 0;
}

bool
zrtp_commit_parse (ZrtpBytes message, ZrtpCommit *commit)
{
  ZrtpReader reader = zrtp_reader (message.data, message.size);
  ZrtpMode mode;

  *commit = (ZrtpCommit){0};
  zrtp_read_view (&reader, ZRTP_FRAME_SIZE);
  zrtp_read (&reader, commit->h2, sizeof commit->h2);
  zrtp_read (&reader, commit->zid, sizeof commit->zid);
  for (ZrtpKind kind = 0; kind < ZRTP_N_KINDS; kind++)
    commit->choice.type[kind] = zrtp_read_u32 (&reader);
  mode = zrtp_commit_mode (commit);
  if (mode == ZRTP_MODE_DH)
    zrtp_read (&reader, commit->hvi, sizeof commit->hvi);
  else
    zrtp_read (&reader, commit->nonce, sizeof commit->nonce);
  if (mode == ZRTP_MODE_PRESHARED)
    zrtp_read (&reader, commit->key_id, sizeof commit->key_id);
  zrtp_read_view (&reader, ZRTP_MAC_SIZE);
  return zrtp_reader_done (&reader);
}
