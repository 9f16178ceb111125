/* The cache: where it is, and all that is in it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/tools/peers.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define PAGE 256 /* records that are read at once */
#define KEY_SIZE 32

/* Texts carry the names of files and peers. */
void
peers_complain (const gchar *format, ...)
{
  va_list args;
  gchar *text, *printable;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  printable = peers_printable (text);
  fprintf (stderr, PROGRAM ": %s\n", printable);
  g_free (printable);
  g_free (text);
}

/* The library's texts name the properties of a session. */
int
peers_fail_with (GError *error)
{
  const gchar *remark = "";

  if (strstr (error->message, "cache-key"))
    remark = " (here: --cache-key-file)";
  else if (strstr (error->message, "cache-location"))
    remark = " (here: --cache)";
  peers_complain ("%s%s", error->message, remark);
  g_error_free (error);
  return EXIT_FAILED;
}

/* 32 octets, or 64 hexadecimal digits with or without a line feed. */
static gboolean
parse_key (const gchar *text, gsize size, guint8 key[KEY_SIZE])
{
  if (size == KEY_SIZE) {
    memcpy (key, text, KEY_SIZE);
    return TRUE;
  }
  if (size == 2 * KEY_SIZE + 1 && text[2 * KEY_SIZE] == '\n')
    size--;
  if (size != 2 * KEY_SIZE)
    return FALSE;
  for (gsize i = 0; i < KEY_SIZE; i++) {
    const gint high = g_ascii_xdigit_value (text[2 * i]);
    const gint low = g_ascii_xdigit_value (text[2 * i + 1]);

    if (high < 0 || low < 0)
      return FALSE;
    key[i] = (guint8) (high << 4 | low);
  }
  return TRUE;
}

static void
key_free (gpointer key)
{
  explicit_bzero (key, KEY_SIZE);
  g_free (key);
}

static gboolean
read_key (GBytes **key)
{
  gchar text[2 * KEY_SIZE + 2];
  const int fd = g_open (peers_options.key_file, O_RDONLY | O_CLOEXEC, 0);
  const ssize_t size = fd < 0 ? -1 : read (fd, text, sizeof text);
  const int problem = errno;
  guint8 *octets = g_malloc0 (KEY_SIZE);
  const gboolean ok = size >= 0 && parse_key (text, size, octets);

  explicit_bzero (text, sizeof text);
  if (fd >= 0)
    close (fd);
  if (size < 0)
    peers_complain (
        "the key file %s cannot be read: %s", peers_options.key_file, g_strerror (problem));
  else if (!ok)
    peers_complain ("the key file %s has neither 32 octets nor 64 hexadecimal digits in it",
        peers_options.key_file);
  *key = g_bytes_new_with_free_func (octets, KEY_SIZE, key_free, octets);
  return ok;
}

static gboolean
is_server (const gchar *location)
{
  return g_str_has_prefix (location, "postgresql://") || g_str_has_prefix (location, "postgres://");
}

/* To look must not leave a file behind. */
static gboolean
check_location (const gchar *location, gboolean make)
{
  if (!*location)
    peers_complain ("the location of the cache is empty: there is none; name one with --cache");
  else if (make || is_server (location) || g_file_test (location, G_FILE_TEST_EXISTS))
    return TRUE;
  else
    peers_complain ("there is no cache %s: it is made in the first call%s", location,
        peers_options.cache ? "" : "; --cache names another one");
  return FALSE;
}

static GstZrtpCache *
open_location (const gchar *location, GBytes *key)
{
  GError *error = NULL;
  GstZrtpCache *cache;

  if (is_server (location))
    gst_init (NULL, NULL); /* finds the plugin for it */
  /* as the default, so that its folder is made */
  cache = gst_zrtp_cache_open (peers_options.cache, key, &error);
  if (error)
    peers_fail_with (error);
  return cache;
}

GstZrtpCache *
peers_open_cache (gboolean make)
{
  gchar *location =
      peers_options.cache ? g_strdup (peers_options.cache) : gst_zrtp_cache_dup_default_location ();
  GstZrtpCache *cache = NULL;
  GBytes *key = NULL;

  if (check_location (location, make) && (!peers_options.key_file || read_key (&key)))
    cache = open_location (location, key);
  g_clear_pointer (&key, g_bytes_unref);
  g_free (location);
  return cache;
}

gboolean
peers_each (GstZrtpCache *cache, PeersFunc func, gpointer user_data, GError **error)
{
  GstZrtpRecord *last = NULL;
  GError *problem = NULL;
  GList *page;

  while (!problem && (page = gst_zrtp_cache_list (cache, last, PAGE, &problem))) {
    for (GList *l = page; l && !problem; l = l->next)
      func (l->data, user_data, &problem);
    g_set_object (&last, g_list_last (page)->data);
    g_list_free_full (page, g_object_unref);
  }
  g_clear_object (&last);
  if (!problem)
    return TRUE;
  g_propagate_error (error, problem);
  return FALSE;
}
