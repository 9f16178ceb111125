/* Sealed secrets: AES-256-GCM, and what it protects.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "ext/nettle/zrtp-nettle.h"
#include "tests/cache/files.h"

#include <string.h>

/* Test case 16 of "The Galois/Counter Mode of Operation (GCM)", McGrew and Viega 2005. */
static const guint8 gcm_key[] = "\xfe\xff\xe9\x92\x86\x65\x73\x1c\x6d\x6a\x8f\x94\x67\x30\x83\x08"
                                "\xfe\xff\xe9\x92\x86\x65\x73\x1c\x6d\x6a\x8f\x94\x67\x30\x83\x08";
static const guint8 gcm_nonce[] = "\xca\xfe\xba\xbe\xfa\xce\xdb\xad\xde\xca\xf8\x88";
static const guint8 gcm_authenticated[] =
    "\xfe\xed\xfa\xce\xde\xad\xbe\xef\xfe\xed\xfa\xce\xde\xad\xbe\xef\xab\xad\xda\xd2";
static const guint8 gcm_plain[] = "\xd9\x31\x32\x25\xf8\x84\x06\xe5\xa5\x59\x09\xc5\xaf\xf5\x26\x9a"
                                  "\x86\xa7\xa9\x53\x15\x34\xf7\xda\x2e\x4c\x30\x3d\x8a\x31\x8a\x72"
                                  "\x1c\x3c\x0c\x95\x95\x68\x09\x53\x2f\xcf\x0e\x24\x49\xa6\xb5\x25"
                                  "\xb1\x6a\xed\xf5\xaa\x0d\xe6\x57\xba\x63\x7b\x39";
static const guint8 gcm_cipher[] =
    "\x52\x2d\xc1\xf0\x99\x56\x7d\x07\xf4\x7f\x37\xa3\x2a\x84\x42\x7d"
    "\x64\x3a\x8c\xdc\xbf\xe5\xc0\xc9\x75\x98\xa2\xbd\x25\x55\xd1\xaa"
    "\x8c\xb0\x8e\x48\x59\x0d\xbb\x3d\xa7\xb0\x8b\x10\x56\x82\x88\x38"
    "\xc5\xf6\x1e\x63\x93\xba\x7a\x0a\xbc\xc9\xf6\x62";
static const guint8 gcm_tag[] = "\x76\xfc\x6e\xce\x0f\x4e\x17\x68\xcd\xdf\x88\x53\xbb\x2d\x55\x1b";

static void
test_known_answer (void)
{
  const ZrtpBytes authenticated = {gcm_authenticated, sizeof gcm_authenticated - 1};
  guint8 data[sizeof gcm_plain - 1], tag[ZRTP_GCM_TAG], zeros[sizeof data] = {0};

  memcpy (data, gcm_plain, sizeof data);
  zrtp_nettle_gcm_encrypt (gcm_key, gcm_nonce, authenticated, data, sizeof data, tag);
  g_assert_cmpmem (data, sizeof data, gcm_cipher, sizeof gcm_cipher - 1);
  g_assert_cmpmem (tag, sizeof tag, gcm_tag, sizeof gcm_tag - 1);
  g_assert_true (
      zrtp_nettle_gcm_decrypt (gcm_key, gcm_nonce, authenticated, data, sizeof data, tag));
  g_assert_cmpmem (data, sizeof data, gcm_plain, sizeof gcm_plain - 1);

  /* what is not authentic is not given out */
  memcpy (data, gcm_cipher, sizeof data);
  tag[15] ^= 1;
  g_assert_false (
      zrtp_nettle_gcm_decrypt (gcm_key, gcm_nonce, authenticated, data, sizeof data, tag));
  g_assert_cmpmem (data, sizeof data, zeros, sizeof zeros);
}

static GstZrtpRecord *
sample (void)
{
  GBytes *zid = g_bytes_new ("ourZIDourZID", 12), *peer_zid = g_bytes_new ("peerZIDpeerZ", 12);
  GstZrtpRecord *record = record_new (zid, peer_zid, "sip:you@example.com", NULL);

  g_bytes_unref (zid);
  g_bytes_unref (peer_zid);
  return record;
}

static GBytes *
seal (GstZrtpRecord *record, GBytes *key)
{
  GError *error = NULL;
  GBytes *sealed = gst_zrtp_record_seal (record, key, &error);

  g_assert_no_error (error);
  return sealed;
}

static GstZrtpRecord *
without_secrets (GstZrtpRecord *record)
{
  GstZrtpRecord *copy = gst_zrtp_record_copy (record);

  g_object_set (copy, "rs1", NULL, "rs2", NULL, "pbx-secret", NULL, NULL);
  return copy;
}

/* Every choice of secrets comes back, and has the same length. */
static void
test_round_trip (void)
{
  static const gchar *const names[] = {"rs1", "rs2", "pbx-secret"};
  GBytes *key = key_new (1), *secret = octets_new (32);
  gsize size = 0;

  for (guint present = 0; present < 8; present++) {
    GstZrtpRecord *record = sample (), *back;
    GBytes *sealed;

    for (guint i = 0; i < 3; i++)
      g_object_set (record, names[i], present & 1u << i ? secret : NULL, NULL);
    sealed = seal (record, key);
    back = without_secrets (record);
    g_assert_true (gst_zrtp_record_unseal (back, key, sealed, NULL));
    assert_same (record, back);
    g_assert_true (size == 0 || size == g_bytes_get_size (sealed));
    size = g_bytes_get_size (sealed);
    g_assert_null (
        memmem (g_bytes_get_data (sealed, NULL), size, g_bytes_get_data (secret, NULL), 8));
    g_bytes_unref (sealed);
    g_object_unref (back);
    g_object_unref (record);
  }
  g_bytes_unref (secret);
  g_bytes_unref (key);
}

static void
assert_refused (GstZrtpRecord *record, GBytes *key, GBytes *sealed, gint code)
{
  GstZrtpRecord *back = without_secrets (record), *before = gst_zrtp_record_copy (back);
  GError *error = NULL;

  g_assert_false (gst_zrtp_record_unseal (back, key, sealed, &error));
  g_assert_error (error, GST_ZRTP_CACHE_ERROR, code);
  g_assert_cmpuint (strlen (error->message), >, 20);
  assert_same (back, before); /* nothing of it was taken */
  g_clear_error (&error);
  g_object_unref (back);
  g_object_unref (before);
}

/* Each octet of the seal counts. */
static void
test_every_octet (void)
{
  GstZrtpRecord *record = sample ();
  GBytes *key = key_new (1), *sealed = seal (record, key);
  gsize size = g_bytes_get_size (sealed);

  for (gsize i = 0; i < size; i++) {
    guint8 *data = g_memdup2 (g_bytes_get_data (sealed, NULL), size);
    GBytes *changed;

    data[i] ^= 0x40;
    changed = g_bytes_new_take (data, size);
    assert_refused (record, key, changed, GST_ZRTP_CACHE_ERROR_WRONG_KEY);
    g_bytes_unref (changed);
  }
  for (gsize i = 0; i < size; i++) {
    GBytes *cut = g_bytes_new (g_bytes_get_data (sealed, NULL), i);

    assert_refused (record, key, cut, GST_ZRTP_CACHE_ERROR_CORRUPT);
    g_bytes_unref (cut);
  }
  g_bytes_unref (sealed);
  g_bytes_unref (key);
  g_object_unref (record);
}

/* So does each field beside it; octets that move from one field to the next are a change, too. */
static void
test_every_field (void)
{
  static const gchar *const strings[][4] = {
      {"local-uri", "sip:me@example.co", "peer-uri", "msip:you@example.com"},
      {"peer-uri", "sip:you@example.comZ", "name", "oë"},
      {"name", "Zoe", "name", "Zoe"},
      {"local-uri", "", "peer-uri", "sip:me@example.comsip:you@example.com"},
  };
  GBytes *key = key_new (1), *other_key = key_new (2), *zid = octets_new (12);
  GstZrtpRecord *record = sample (), *changed;
  GBytes *sealed = seal (record, key);

  assert_refused (record, other_key, sealed, GST_ZRTP_CACHE_ERROR_WRONG_KEY);
  for (guint i = 0; i < G_N_ELEMENTS (strings); i++) {
    changed = gst_zrtp_record_copy (record);
    g_object_set (changed, strings[i][0], strings[i][1], strings[i][2], strings[i][3], NULL);
    assert_refused (changed, key, sealed, GST_ZRTP_CACHE_ERROR_WRONG_KEY);
    g_object_unref (changed);
  }
  for (guint i = 0; i < 6; i++) {
    changed = gst_zrtp_record_copy (record);
    switch (i) {
      case 0:
        g_object_set (changed, "zid", zid, NULL);
        break;
      case 1:
        g_object_set (changed, "peer-zid", zid, NULL);
        break;
      case 2:
        g_object_set (changed, "sas-verified", FALSE, NULL);
        break;
      case 3:
        g_object_set (changed, "rs2-verified", TRUE, NULL);
        break;
      case 4:
        g_object_set (changed, "expires", (gint64) 4000000001, NULL);
        break;
      default:
        g_object_set (changed, "preshared-calls", 2u, NULL);
    }
    assert_refused (changed, key, sealed, GST_ZRTP_CACHE_ERROR_WRONG_KEY);
    g_object_unref (changed);
  }
  g_bytes_unref (sealed);
  g_bytes_unref (zid);
  g_bytes_unref (other_key);
  g_bytes_unref (key);
  g_object_unref (record);
}

static void
test_key_size (void)
{
  static const gsize sizes[] = {0, 1, 16, 31, 33, 64};
  GstZrtpRecord *record = sample ();
  GBytes *good = key_new (1), *sealed = seal (record, good);

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    GBytes *key = octets_new (sizes[i]);
    GError *error = NULL;

    g_assert_null (gst_zrtp_record_seal (record, key, &error));
    g_assert_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_WRONG_KEY);
    g_assert_nonnull (strstr (error->message, "32 octets"));
    g_clear_error (&error);
    assert_refused (record, key, sealed, GST_ZRTP_CACHE_ERROR_WRONG_KEY);
    g_assert_null (gst_zrtp_sqlite_cache_new (":memory:", key, &error));
    g_assert_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_WRONG_KEY);
    g_clear_error (&error);
    g_bytes_unref (key);
  }
  g_bytes_unref (sealed);
  g_bytes_unref (good);
  g_object_unref (record);
}

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/seal/known-answer", test_known_answer);
  g_test_add_func ("/seal/round-trip", test_round_trip);
  g_test_add_func ("/seal/every-octet", test_every_octet);
  g_test_add_func ("/seal/every-field", test_every_field);
  g_test_add_func ("/seal/key-size", test_key_size);
  return g_test_run ();
}
