/* The secrets of a record, encrypted with the application's key.
 *
 * Sealed octets are nonce || ciphertext || tag, of AES-256-GCM. The nonce is random, so one key is good for 2^32
 * seals (NIST SP 800-38D §8.3). The ciphertext is of one length whatever secrets there are.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/zrtp/zrtp-private.h"

#include "ext/nettle/zrtp-nettle.h"

#include <string.h>

#define SEAL_VERSION 1

typedef struct {
  guint8 nonce[ZRTP_GCM_NONCE];
  struct {
    guint8 present; /* bits: rs1, rs2, pbxsecret */
    guint8 rs1[ZRTP_RS_SIZE], rs2[ZRTP_RS_SIZE], pbx_secret[ZRTP_RS_SIZE];
  } secrets;
  guint8 tag[ZRTP_GCM_TAG];
} Sealed;

G_STATIC_ASSERT (sizeof (Sealed) == ZRTP_GCM_NONCE + 1 + 3 * ZRTP_RS_SIZE + ZRTP_GCM_TAG);

/* --- What is authenticated, but not secret ------------------------------------------------------------ */

static void
append_u32 (GByteArray *out, guint32 value)
{
  guint8 octets[4];

  zrtp_put_u32 (octets, value);
  g_byte_array_append (out, octets, sizeof octets);
}

/* Each with its length, so that no field can run into another. */
static void
append (GByteArray *out, gconstpointer data, gsize size)
{
  append_u32 (out, (guint32) size);
  g_byte_array_append (out, data, (guint) size);
}

static void
append_string (GByteArray *out, const gchar *string)
{
  append (out, string, strlen (string));
}

static GByteArray *
describe (GstZrtpRecord *record)
{
  const guint8 version = SEAL_VERSION;
  const guint8 flags[2] = {!!record->rs1.verified, !!record->rs2.verified};
  GByteArray *out = g_byte_array_new ();

  append (out, &version, sizeof version);
  append (out, record->zid, sizeof record->zid);
  append (out, record->peer_zid, sizeof record->peer_zid);
  append_string (out, record->local_uri);
  append_string (out, record->peer_uri);
  append_string (out, record->name);
  append (out, flags, sizeof flags);
  append_u32 (out, (guint32) (record->expires >> 32));
  append_u32 (out, (guint32) record->expires);
  append_u32 (out, record->preshared_calls);
  return out;
}

/* --- Secrets ------------------------------------------------------------------------------------------- */

static guint8
write_secret (const GstZrtpSecret *secret, guint8 out[ZRTP_RS_SIZE], guint8 bit)
{
  if (!secret->is_set)
    return 0;
  memcpy (out, secret->octets, ZRTP_RS_SIZE);
  return bit;
}

static void
write_secrets (GstZrtpRecord *record, Sealed *out)
{
  memset (&out->secrets, 0, sizeof out->secrets);
  out->secrets.present = write_secret (&record->rs1, out->secrets.rs1, 1) |
                         write_secret (&record->rs2, out->secrets.rs2, 2) |
                         write_secret (&record->pbx_secret, out->secrets.pbx_secret, 4);
}

static void
read_secret (GstZrtpSecret *secret, const guint8 octets[ZRTP_RS_SIZE], gboolean is_set)
{
  secret->is_set = is_set;
  memcpy (secret->octets, octets, ZRTP_RS_SIZE);
}

static void
read_secrets (GstZrtpRecord *record, const Sealed *in)
{
  const guint8 present = in->secrets.present;

  read_secret (&record->rs1, in->secrets.rs1, (present & 1) != 0);
  read_secret (&record->rs2, in->secrets.rs2, (present & 2) != 0);
  read_secret (&record->pbx_secret, in->secrets.pbx_secret, (present & 4) != 0);
}

gboolean
gst_zrtp_seal_check_key (GBytes *key, GError **error)
{
  if (key && g_bytes_get_size (key) == ZRTP_GCM_KEY)
    return TRUE;
  g_set_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_WRONG_KEY,
      "the key of a cache has %d octets, not %" G_GSIZE_FORMAT, ZRTP_GCM_KEY,
      key ? g_bytes_get_size (key) : 0);
  return FALSE;
}

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
  const ZrtpRandom *random = &gst_zrtp_crypto.random;
  GByteArray *authenticated;
  GBytes *result;
  Sealed sealed;

  g_return_val_if_fail (GST_IS_ZRTP_RECORD (record), NULL);

  if (!gst_zrtp_seal_check_key (key, error))
    return NULL;
  if (!random->fill (random->user, sealed.nonce, sizeof sealed.nonce)) {
    g_set_error_literal (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_FAILED,
        "the operating system gives no random octets");
    return NULL;
  }
  authenticated = describe (record);
  write_secrets (record, &sealed);
  zrtp_nettle_gcm_encrypt (g_bytes_get_data (key, NULL), sealed.nonce,
      (ZrtpBytes){authenticated->data, authenticated->len}, (guint8 *) &sealed.secrets,
      sizeof sealed.secrets, sealed.tag);
  result = g_bytes_new (&sealed, sizeof sealed);
  g_byte_array_unref (authenticated);
  return result;
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
  GByteArray *authenticated;
  gboolean authentic;
  Sealed in;

  g_return_val_if_fail (GST_IS_ZRTP_RECORD (record), FALSE);
  g_return_val_if_fail (sealed != NULL, FALSE);

  if (!gst_zrtp_seal_check_key (key, error))
    return FALSE;
  if (g_bytes_get_size (sealed) != sizeof in) {
    g_set_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_CORRUPT,
        "sealed secrets have %" G_GSIZE_FORMAT " octets, not %" G_GSIZE_FORMAT, sizeof in,
        g_bytes_get_size (sealed));
    return FALSE;
  }
  memcpy (&in, g_bytes_get_data (sealed, NULL), sizeof in);
  authenticated = describe (record);
  authentic = zrtp_nettle_gcm_decrypt (g_bytes_get_data (key, NULL), in.nonce,
      (ZrtpBytes){authenticated->data, authenticated->len}, (guint8 *) &in.secrets,
      sizeof in.secrets, in.tag);
  g_byte_array_unref (authenticated);
  if (authentic)
    read_secrets (record, &in);
  else
    g_set_error_literal (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_WRONG_KEY,
        "the secrets of a record cannot be decrypted: the key is another one, or the record was "
        "changed");
  zrtp_wipe (&in, sizeof in);
  return authentic;
}
