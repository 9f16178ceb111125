/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/protocol/commit.h"

/* "hash algorithm, cipher algorithm, auth tag type, Key Agreement Type, SAS Type": the same order
 * as the lists of a Hello. */
size_t
zrtp_commit_write (const ZrtpCommit *commit, const ZrtpHash *s256,
    const uint8_t h1[ZRTP_IMAGE_SIZE], uint8_t out[ZRTP_COMMIT_DH_SIZE])
{
  ZrtpWriter writer = zrtp_writer (out, ZRTP_COMMIT_DH_SIZE);

  zrtp_message_begin (&writer, ZRTP_MESSAGE_COMMIT, ZRTP_COMMIT_DH_SIZE);
  zrtp_write (&writer, commit->h2, sizeof commit->h2);
  zrtp_write (&writer, commit->zid, sizeof commit->zid);
  for (ZrtpKind kind = 0; kind < ZRTP_N_KINDS; kind++)
    zrtp_write_u32 (&writer, commit->choice.type[kind]);
  zrtp_write (&writer, commit->hvi, sizeof commit->hvi);
  zrtp_message_mac_write (&writer, s256, h1);
  return writer.ok ? writer.size : 0;
}

static size_t
size_for (ZrtpType key_agreement)
{
  switch (key_agreement) {
    case ZRTP_MULT:
      return ZRTP_COMMIT_MULT_SIZE;
    case ZRTP_PRSH:
      return ZRTP_COMMIT_PRSH_SIZE;
    default:
      return ZRTP_COMMIT_DH_SIZE;
  }
}

bool
zrtp_commit_parse (ZrtpBytes message, ZrtpCommit *commit)
{
  ZrtpReader reader = zrtp_reader (message.data, message.size);

  zrtp_read_view (&reader, ZRTP_FRAME_SIZE);
  zrtp_read (&reader, commit->h2, sizeof commit->h2);
  zrtp_read (&reader, commit->zid, sizeof commit->zid);
  for (ZrtpKind kind = 0; kind < ZRTP_N_KINDS; kind++)
    commit->choice.type[kind] = zrtp_read_u32 (&reader);
  if (!reader.ok || message.size != size_for (commit->choice.type[ZRTP_KEY_AGREEMENT]))
    return false;
  if (message.size != ZRTP_COMMIT_DH_SIZE)
    return true; /* nonce and keyID: not needed to refuse it */
  zrtp_read (&reader, commit->hvi, sizeof commit->hvi);
  zrtp_read_view (&reader, ZRTP_MAC_SIZE);
  return zrtp_reader_done (&reader);
}
