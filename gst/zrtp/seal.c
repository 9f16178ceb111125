/* The secrets of a record, encrypted with the application's key.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/zrtp/zrtp-private.h"

/**
 * gst_zrtp_record_seal:
 * @record: a record.
 * @key: the application's key, 32 octets.
 * @error: why not.
 *
 * For those who write a #GstZrtpCache. Encrypts and authenticates the secrets of the record, and authenticates with them
 * all else that matters: whom it is about, the name, the flags, the expiry.
 *
 * Returns: (transfer full): what to keep in place of the secrets.
 */
GBytes *
gst_zrtp_record_seal (GstZrtpRecord *record, GBytes *key, GError **error)
{
  g_set_error_literal (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_NOT_SUPPORTED, "not yet");
  return NULL;
}

/**
 * gst_zrtp_record_unseal:
 * @record: a record in which everything is as it was for gst_zrtp_record_seal(), but for the secrets.
 * @key: the application's key, 32 octets.
 * @sealed: what gst_zrtp_record_seal() returned.
 * @error: the key is another one, or somebody else changed the record.
 *
 * Sets the secrets of the record.
 *
 * Returns: %TRUE when they are authentic.
 */
gboolean
gst_zrtp_record_unseal (GstZrtpRecord *record, GBytes *key, GBytes *sealed, GError **error)
{
  g_set_error_literal (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_NOT_SUPPORTED, "not yet");
  return FALSE;
}
