/* Where the server is: the URI, checked before anything of it can get into a text.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "ext/postgresql/zrtp-postgresql.h"

#include <string.h>

/* libpq quotes what it does not understand, and when a password has an @ or / in it that may be a part of the password.
 * So we say ourselves what is wrong. */
static void
set_bad_uri (GError **error, const gchar *why)
{
  g_set_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_NOT_FOUND,
      "the location of the cache is no valid postgresql:// URI: %s; it is written "
      "postgresql://user@host:port/database, and in a user name or password @ : / ? # %% are "
      "written as %%40 %%3A %%2F %%3F %%23 %%25",
      why);
}

/* One @ at most before the parameters, and it comes before the first slash. */
static gboolean
has_plain_authority (const gchar *uri)
{
  const gchar *rest = strstr (uri, "://") + strlen ("://");
  const gchar *at = memchr (rest, '@', strcspn (rest, "/"));

  if (at)
    rest = at + 1;
  return !memchr (rest, '@', strcspn (rest, "?"));
}

static const gchar *
get_option (const PQconninfoOption *options, const gchar *keyword)
{
  for (const PQconninfoOption *option = options; option->keyword; option++)
    if (g_str_equal (option->keyword, keyword))
      return option->val;
  return NULL;
}

static gboolean
is_port (const PQconninfoOption *options)
{
  const gchar *port = get_option (options, "port");

  return !port || strspn (port, "0123456789,") == strlen (port);
}

static void
add (GPtrArray *keywords, GPtrArray *values, const gchar *keyword, const gchar *value)
{
  g_ptr_array_add (keywords, g_strdup (keyword));
  g_ptr_array_add (values, g_strdup (value));
}

/* Ours come first: where a keyword is there twice, libpq takes the last one. */
static void
add_defaults (GPtrArray *keywords, GPtrArray *values, const PQconninfoOption *options)
{
  const gchar *host = get_option (options, "host");

  add (keywords, values, "fallback_application_name", "gstreamer-zrtp");
  /* A host that is gone without a word, so that there is time left for the next one. */
  add (keywords, values, "tcp_user_timeout", "1000");
  /* Of several servers, the one that can be written to. */
  if (host && strchr (host, ','))
    add (keywords, values, "target_session_attrs", "read-write");
}

static void
add_all (ZrtpPgPlace *place, const PQconninfoOption *options)
{
  GPtrArray *keywords = g_ptr_array_new (), *values = g_ptr_array_new ();

  add_defaults (keywords, values, options);
  for (const PQconninfoOption *option = options; option->keyword; option++)
    if (option->val)
      add (keywords, values, option->keyword, option->val);
  add (keywords, values, "client_encoding", "UTF8");
  g_ptr_array_add (keywords, NULL);
  g_ptr_array_add (values, NULL);
  place->keywords = (gchar **) g_ptr_array_free (keywords, FALSE);
  place->values = (gchar **) g_ptr_array_free (values, FALSE);
}

static gchar *
describe (const PQconninfoOption *options)
{
  const gchar *host = get_option (options, "host"), *port = get_option (options, "port");
  const gchar *name = get_option (options, "dbname"), *user = get_option (options, "user");

  return g_strdup_printf ("the PostgreSQL server%s%s%s%s%s%s%s%s", host ? " " : "",
      host ? host : "", port ? " port " : "", port ? port : "", name ? ", database " : "",
      name ? name : "", user ? ", user " : "", user ? user : "");
}

gboolean
zrtp_pg_place_init (ZrtpPgPlace *place, const gchar *uri, GError **error)
{
  PQconninfoOption *options = NULL;
  char *text = NULL;

  *place = (ZrtpPgPlace){NULL};
  if (!uri || !strstr (uri, "://") || !has_plain_authority (uri))
    set_bad_uri (error, "its user, password and host cannot be told apart");
  else if (!(options = PQconninfoParse (uri, &text)))
    set_bad_uri (error, "the PostgreSQL library does not understand it");
  else if (!is_port (options))
    set_bad_uri (error, "the port is not a number");
  else {
    add_all (place, options);
    place->text = describe (options);
  }
  PQfreemem (text);
  PQconninfoFree (options);
  return place->text != NULL;
}

static void
wipe_all (gchar **values)
{
  for (gchar **value = values; value && *value; value++)
    explicit_bzero (*value, strlen (*value));
}

void
zrtp_pg_place_clear (ZrtpPgPlace *place)
{
  wipe_all (place->values);
  g_strfreev (place->keywords);
  g_strfreev (place->values);
  g_free (place->text);
}
