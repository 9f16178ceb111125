/* Text that is safe to show, and JSON.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/tools/peers.h"

#include <string.h>

/* Names and URIs come from signalling, so from strangers. Beside control characters, which command the terminal,
 * those that reorder or hide what stands around them. The joiners are part of words and emoji. */
static gboolean
is_dangerous (gunichar c)
{
  switch (g_unichar_type (c)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
    case G_UNICODE_SURROGATE:
      return TRUE;
    case G_UNICODE_FORMAT:
      return c != 0x200c && c != 0x200d;
    default:
      return FALSE;
  }
}

static gboolean
can_print (gunichar c)
{
  return !is_dangerous (c) && (c < 0x80 || g_get_charset (NULL));
}

static void
append_escaped (GString *out, gunichar c)
{
  if (c < 0x100)
    g_string_append_printf (out, "\\x%02x", c);
  else
    g_string_append_printf (out, c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
}

gchar *
peers_printable (const gchar *text)
{
  GString *out = g_string_new (NULL);

  while (*text) {
    const gunichar c = g_utf8_get_char_validated (text, -1);
    const gboolean is_valid = c != (gunichar) -1 && c != (gunichar) -2;

    if (is_valid && can_print (c))
      g_string_append_unichar (out, c);
    else
      append_escaped (out, is_valid ? c : (guchar) *text);
    text = is_valid ? g_utf8_next_char (text) : text + 1;
  }
  return g_string_free (out, FALSE);
}

guint
peers_width (const gchar *printable)
{
  guint width = 0;

  for (; *printable; printable = g_utf8_next_char (printable)) {
    const gunichar c = g_utf8_get_char (printable);

    if (!g_unichar_iszerowidth (c))
      width += g_unichar_iswide (c) ? 2 : 1;
  }
  return width;
}

void
peers_print_padded (const gchar *printable, guint width)
{
  const guint taken = peers_width (printable);

  printf ("%s%*s", printable, taken < width ? (int) (width - taken) : 0, "");
}

gchar *
peers_hex (GBytes *bytes)
{
  gsize size = 0;
  const guint8 *data = bytes ? g_bytes_get_data (bytes, &size) : NULL;
  GString *hex = g_string_sized_new (2 * size + 1);

  for (gsize i = 0; i < size; i++)
    g_string_append_printf (hex, "%02x", data[i]);
  return g_string_free (hex, FALSE);
}

static void
append_json_escape (GString *json, gunichar c)
{
  if (c < 0x10000)
    g_string_append_printf (json, "\\u%04x", c);
  else
    g_string_append_printf (
        json, "\\u%04x\\u%04x", 0xd7c0 + (c >> 10), 0xdc00 + (c & 0x3ff)); /* RFC 8259 §7 */
}

/* JSON is UTF-8 wherever it goes; what is not becomes U+FFFD. */
void
peers_json_string (GString *json, const gchar *text)
{
  gchar *valid = g_utf8_make_valid (text, -1);

  g_string_append_c (json, '"');
  for (const gchar *p = valid; *p; p = g_utf8_next_char (p)) {
    const gunichar c = g_utf8_get_char (p);

    if (is_dangerous (c)) {
      append_json_escape (json, c);
    } else {
      if (c == '"' || c == '\\')
        g_string_append_c (json, '\\');
      g_string_append_unichar (json, c);
    }
  }
  g_string_append_c (json, '"');
  g_free (valid);
}
