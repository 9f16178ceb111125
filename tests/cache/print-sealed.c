/* Encrypts what sealed.py says, and prints it.
 *
 *   print-sealed gcm KEY NONCE AUTHENTICATED PLAIN      prints ciphertext and tag
 *   print-sealed record KEY ZID PEER-ZID LOCAL-URI PEER-URI NAME SAS-VERIFIED RS2-VERIFIED EXPIRES PRESHARED RS1 RS2 PBX
 *                                                        prints gst_zrtp_record_seal(); "" for a secret that is not there
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "ext/nettle/zrtp-nettle.h"
#include <gst/zrtp/zrtp.h>

#include <string.h>

static GBytes *
unhex (const gchar *text)
{
  const gsize size = strlen (text) / 2;
  guint8 *data = g_malloc0 (size + 1);

  for (gsize i = 0; i < size; i++)
    data[i] =
        (guint8) (g_ascii_xdigit_value (text[2 * i]) << 4 | g_ascii_xdigit_value (text[2 * i + 1]));
  return g_bytes_new_take (data, size);
}

static void
print_hex (const guint8 *data, gsize size)
{
  for (gsize i = 0; i < size; i++)
    g_print ("%02x", data[i]);
}

static void
print_gcm (gchar **arg)
{
  GBytes *key = unhex (arg[0]), *nonce = unhex (arg[1]), *authenticated = unhex (arg[2]),
         *plain = unhex (arg[3]);
  gsize size, n_authenticated;
  const guint8 *also = g_bytes_get_data (authenticated, &n_authenticated);
  guint8 *data = g_bytes_unref_to_data (plain, &size), tag[ZRTP_GCM_TAG];

  zrtp_nettle_gcm_encrypt (g_bytes_get_data (key, NULL), g_bytes_get_data (nonce, NULL),
      (ZrtpBytes){also, n_authenticated}, data, size, tag);
  print_hex (data, size);
  print_hex (tag, sizeof tag);
  g_free (data);
  g_bytes_unref (key);
  g_bytes_unref (nonce);
  g_bytes_unref (authenticated);
}

static void
set_octets (GstZrtpRecord *record, const gchar *property, const gchar *text)
{
  GBytes *octets = *text ? unhex (text) : NULL;

  g_object_set (record, property, octets, NULL);
  g_clear_pointer (&octets, g_bytes_unref);
}

static void
print_record (gchar **arg)
{
  GBytes *key = unhex (arg[0]), *sealed;
  GstZrtpRecord *record = gst_zrtp_record_new ();

  set_octets (record, "zid", arg[1]);
  set_octets (record, "peer-zid", arg[2]);
  g_object_set (record, "local-uri", arg[3], "peer-uri", arg[4], "name", arg[5], "sas-verified",
      *arg[6] == '1', "rs2-verified", *arg[7] == '1', "expires", g_ascii_strtoll (arg[8], NULL, 10),
      "preshared-calls", (guint) g_ascii_strtoull (arg[9], NULL, 10), NULL);
  set_octets (record, "rs1", arg[10]);
  set_octets (record, "rs2", arg[11]);
  set_octets (record, "pbx-secret", arg[12]);
  sealed = gst_zrtp_record_seal (record, key, NULL);
  print_hex (g_bytes_get_data (sealed, NULL), g_bytes_get_size (sealed));
  g_bytes_unref (sealed);
  g_bytes_unref (key);
  g_object_unref (record);
}

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  if (argc == 6 && g_str_equal (argv[1], "gcm"))
    print_gcm (argv + 2);
  else if (argc == 15 && g_str_equal (argv[1], "record"))
    print_record (argv + 2);
  else
    return 1;
  return 0;
}
