/* The algorithm lists as users write them: "X255,EC25,DH3k".
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/zrtp/zrtp-private.h"

const gchar *const gst_zrtp_kind_names[ZRTP_N_KINDS] = {
    [ZRTP_HASH] = "hashes",
    [ZRTP_CIPHER] = "ciphers",
    [ZRTP_AUTH_TAG] = "auth-tags",
    [ZRTP_KEY_AGREEMENT] = "key-agreements",
    [ZRTP_SAS] = "sas-types",
};

/* HS80 before HS32: with the short tag, peers protect RTCP with 32 bits too. DH2k and EC52 are known,
 * but for those who ask for them: the one is weak by now, the other "SHOULD NOT be used" (RFC 6189
 * §5.1.5). X255 before E255, which is the same by another name. */
const gchar *const gst_zrtp_kind_defaults[ZRTP_N_KINDS] = {
    [ZRTP_HASH] = "S256,S384,S512,N256,N384",
    [ZRTP_CIPHER] = "AES1,AES3",
    [ZRTP_AUTH_TAG] = "HS80,HS32",
    [ZRTP_KEY_AGREEMENT] = "X255,E255,X448,EC25,EC38,DH3k",
    [ZRTP_SAS] = "B32,B256",
};

const gchar *
gst_zrtp_type_name (ZrtpType type)
{
  gchar name[5] = {(gchar) (type >> 24), (gchar) (type >> 16), (gchar) (type >> 8), (gchar) type};

  return g_intern_string (g_strchomp (name));
}

/* What the build can run, one kind: 0 ends it. */
static ZrtpType
known_type (ZrtpKind kind, guint i)
{
  static const ZrtpType auth_tags[] = {ZRTP_GCM, ZRTP_HS80, ZRTP_HS32, 0};
  static const ZrtpType sas_types[] = {ZRTP_B32, ZRTP_B256, 0};
  const ZrtpCrypto *crypto = &gst_zrtp_crypto;

  switch (kind) {
    case ZRTP_HASH:
      return crypto->hashes[i] ? crypto->hashes[i]->type : 0;
    case ZRTP_CIPHER:
      return crypto->ciphers[i] ? crypto->ciphers[i]->type : 0;
    case ZRTP_AUTH_TAG:
      return auth_tags[i];
    case ZRTP_KEY_AGREEMENT:
      return crypto->key_agreements[i] ? crypto->key_agreements[i]->type : 0;
    default:
      return sas_types[i];
  }
}

static ZrtpType
find_type (ZrtpKind kind, const gchar *name)
{
  ZrtpType type;

  for (guint i = 0; (type = known_type (kind, i)); i++)
    if (g_str_equal (gst_zrtp_type_name (type), name))
      return type;
  return 0;
}

static gchar *
choices (ZrtpKind kind)
{
  GString *text = g_string_new (NULL);
  ZrtpType type;

  for (guint i = 0; (type = known_type (kind, i)); i++)
    g_string_append_printf (text, "%s%s", i ? ", " : "", gst_zrtp_type_name (type));
  return g_string_free (text, FALSE);
}

/* How many types the user may name. One place among the key agreements is for Multistream, which an
 * endpoint with several media streams MUST support (RFC 6189 §5.1.5) and which the engine adds. */
static guint
max_named (ZrtpKind kind)
{
  return kind == ZRTP_KEY_AGREEMENT ? ZRTP_MAX_LISTED - 1 : ZRTP_MAX_LISTED;
}

static gboolean
append (ZrtpKind kind, const gchar *name, const gchar *all, ZrtpList *list, GError **error)
{
  ZrtpType type = find_type (kind, name);

  if (!type) {
    gchar *known = choices (kind);

    g_set_error (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
        "%s=%s: '%s' is not known; choose from %s, separated by commas, the best first",
        gst_zrtp_kind_names[kind], all, name, known);
    g_free (known);
    return FALSE;
  }
  for (guint i = 0; i < list->n; i++)
    if (list->type[i] == type) {
      g_set_error (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
          "%s=%s: '%s' stands there twice; name each type once", gst_zrtp_kind_names[kind], all,
          name);
      return FALSE;
    }
  if (list->n == max_named (kind)) {
    g_set_error (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
        "%s=%s: a Hello has room for %d types%s; name at most %u", gst_zrtp_kind_names[kind], all,
        ZRTP_MAX_LISTED, kind == ZRTP_KEY_AGREEMENT ? ", one of them taken by Multistream" : "",
        max_named (kind));
    return FALSE;
  }
  list->type[list->n++] = type;
  return TRUE;
}

gboolean
gst_zrtp_list_parse (ZrtpKind kind, const gchar *text, ZrtpList *list, GError **error)
{
  gchar **names = g_strsplit (text ? text : gst_zrtp_kind_defaults[kind], ",", -1);
  ZrtpList parsed = {0};
  gboolean ok = TRUE;

  /* The empty list is a list: "only the mandatory-to-implement algorithms are supported", §5.2. */
  for (guint i = 0; ok && names[i] && !(i == 0 && !names[1] && !*g_strstrip (names[0])); i++)
    ok = append (kind, g_strstrip (names[i]), text, &parsed, error);
  if (ok)
    *list = parsed;
  g_strfreev (names);
  return ok;
}
