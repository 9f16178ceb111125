/* The cache in a PostgreSQL database, against a real server.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/cache/postgresql/server.h"
#include "tests/cache/postgresql/worker.h"

#include <gio/gio.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static Server *server;

/* --- Caches and records ------------------------------------------------------------------------------ */

/* Not the one that others of this process have: as if in another one. */
static GstZrtpCache *
open_with (const gchar *uri, GBytes *key, guint max_connections, GError **error)
{
  GstPlugin *plugin = gst_plugin_load_by_name ("zrtppostgresql");
  GstZrtpCache *cache;

  g_assert_nonnull (plugin);
  gst_object_unref (plugin);
  cache = g_initable_new (g_type_from_name ("GstZrtpPostgresqlCache"), NULL, error, "location", uri,
      "key", key, "max-connections", max_connections, NULL);
  g_assert_true (cache || !error || *error);
  return cache;
}

static GstZrtpCache *
open_own (const gchar *uri)
{
  GError *error = NULL;
  GstZrtpCache *cache = open_with (uri, NULL, 4, &error);

  g_assert_no_error (error);
  return cache;
}

static GBytes *
octets (guint8 value, gsize size)
{
  guint8 *data = g_malloc (size);

  memset (data, value, size);
  return g_bytes_new_take (data, size);
}

static GstZrtpRecord *
make_record (guint8 zid, guint8 peer_zid, const gchar *local_uri, const gchar *peer_uri)
{
  GBytes *zids[2] = {octets (zid, 12), octets (peer_zid, 12)}, *rs1 = octets (0x11, 32);
  GstZrtpRecord *record = g_object_new (GST_TYPE_ZRTP_RECORD, "zid", zids[0], "peer-zid", zids[1],
      "local-uri", local_uri, "peer-uri", peer_uri, "rs1", rs1, NULL);

  g_bytes_unref (zids[0]);
  g_bytes_unref (zids[1]);
  g_bytes_unref (rs1);
  return record;
}

/* Every field, as text. */
static gchar *
describe (GstZrtpRecord *record)
{
  guint n;
  GParamSpec **properties = g_object_class_list_properties (G_OBJECT_GET_CLASS (record), &n);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < n; i++) {
    GValue value = G_VALUE_INIT;
    GBytes *bytes;

    g_object_get_property (G_OBJECT (record), properties[i]->name, &value);
    if (!G_VALUE_HOLDS (&value, G_TYPE_BYTES)) {
      gchar *content = g_strdup_value_contents (&value);

      g_string_append_printf (text, "%s=%s\n", properties[i]->name, content);
      g_free (content);
    } else if ((bytes = g_value_get_boxed (&value))) {
      gchar *hash = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, bytes);

      g_string_append_printf (text, "%s=%s\n", properties[i]->name, hash);
      g_free (hash);
    }
    g_value_unset (&value);
  }
  g_free (properties);
  return g_string_free (text, FALSE);
}

static void
assert_same (GstZrtpRecord *a, GstZrtpRecord *b)
{
  gchar *one = describe (a), *other = describe (b);

  g_assert_cmpstr (one, ==, other);
  g_free (one);
  g_free (other);
}

static void
put (GstZrtpCache *cache, GstZrtpRecord *record)
{
  GError *error = NULL;

  g_assert_true (gst_zrtp_cache_put (cache, record, &error));
  g_assert_no_error (error);
}

static GList *
look_up (GstZrtpCache *cache, guint8 zid, guint8 peer_zid)
{
  GBytes *zids[2] = {octets (zid, 12), octets (peer_zid, 12)};
  GError *error = NULL;
  GList *records = NULL;

  gst_zrtp_cache_lookup (cache, zids[0], zids[1], &records, &error);
  g_assert_no_error (error);
  g_bytes_unref (zids[0]);
  g_bytes_unref (zids[1]);
  return records;
}

static void
free_records (GList *records)
{
  g_list_free_full (records, g_object_unref);
}

static GstZrtpRecord *
look_up_one (GstZrtpCache *cache, guint8 zid, guint8 peer_zid)
{
  GList *records = look_up (cache, zid, peer_zid);
  GstZrtpRecord *record;

  g_assert_cmpuint (g_list_length (records), ==, 1);
  record = g_object_ref (records->data);
  free_records (records);
  return record;
}

static GBytes *
get_zid (GstZrtpCache *cache, const gchar *local_uri, const gchar *peer_uri)
{
  GError *error = NULL;
  GBytes *zid = gst_zrtp_cache_get_zid (cache, local_uri, peer_uri, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (g_bytes_get_size (zid), ==, 12);
  return zid;
}

static gboolean
same_zid (GstZrtpCache *a, GstZrtpCache *b, const gchar *local_uri, const gchar *peer_uri)
{
  GBytes *one = get_zid (a, local_uri, peer_uri), *other = get_zid (b, local_uri, peer_uri);
  const gboolean same = g_bytes_equal (one, other);

  g_bytes_unref (one);
  g_bytes_unref (other);
  return same;
}

/* How often the phone with this cache called. */
static guint64
count_calls (GstZrtpCache *cache, GstZrtpCache *phone)
{
  GBytes *zid = get_zid (cache, NULL, NULL), *peer_zid = get_zid (phone, NULL, NULL);
  guint64 n = 0, calls;
  GList *records = NULL;

  gst_zrtp_cache_lookup (cache, zid, peer_zid, &records, NULL);
  for (GList *l = records; l; l = l->next) {
    g_object_get (l->data, "calls", &calls, NULL);
    n += calls;
  }
  free_records (records);
  g_bytes_unref (zid);
  g_bytes_unref (peer_zid);
  return n;
}

/* --- Operations -------------------------------------------------------------------------------------- */

static void
test_zids (void)
{
  gchar *uri = server_new_database (server, "zids");
  GstZrtpCache *one = open_own (uri), *other = open_own (uri);
  GBytes *zids[4], *mine = octets (0x77, 12), *found;
  GError *error = NULL;
  GList *list;

  zids[0] = get_zid (one, NULL, NULL);
  zids[1] = get_zid (one, "sip:a@x", NULL);
  zids[2] = get_zid (one, "sip:a@x", "sip:b@x");
  zids[3] = get_zid (one, "sip:a'x", "\"; DROP SCHEMA zrtp CASCADE; -- \xc3\xa9");
  for (guint i = 0; i < 4; i++)
    for (guint k = 0; k < i; k++)
      g_assert_false (g_bytes_equal (zids[i], zids[k]));
  g_assert_true (same_zid (one, other, NULL, NULL) && same_zid (one, other, "sip:a@x", NULL));
  g_assert_true (same_zid (one, other, "sip:a@x", "sip:b@x"));

  g_assert_true (gst_zrtp_cache_set_zid (other, "sip:a@x", NULL, mine, &error));
  found = get_zid (one, "sip:a@x", NULL);
  g_assert_true (g_bytes_equal (found, mine));
  list = gst_zrtp_cache_list_zids (one, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_list_length (list), ==, 4);
  free_records (list);

  g_assert_null (gst_zrtp_cache_get_zid (one, "sip:\xff@x", NULL, &error));
  g_assert_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_NOT_SUPPORTED);
  g_clear_error (&error);
  for (guint i = 0; i < 4; i++)
    g_bytes_unref (zids[i]);
  g_bytes_unref (found);
  g_bytes_unref (mine);
  g_object_unref (one);
  g_object_unref (other);
  g_free (uri);
}

static GstZrtpRecord *
make_full_record (void)
{
  GstZrtpRecord *record =
      make_record (1, 2, "sip:o'neil@example.org", "sip:\xd0\x96\\x00\"@example.org;a=b");
  GBytes *rs2 = octets (0x00, 32), *pbx = octets (0xff, 32);

  g_object_set (record, "name", "R\xc3\xa9n; DROP TABLE zrtp.records; --", "rs2", rs2, "pbx-secret",
      pbx, "sas-verified", TRUE, "rs2-verified", TRUE, "expires", G_MAXINT64 - 0x0102030405,
      "preshared-calls", 255, "first-seen", (gint64) 1, "last-seen",
      G_GINT64_CONSTANT (0x0102030405060708), "calls", (guint64) G_MAXINT64, "algorithms",
      "X255 S256 AES1 GCM B32", NULL);
  g_bytes_unref (rs2);
  g_bytes_unref (pbx);
  return record;
}

static void
check_fields (GstZrtpCache *cache, GstZrtpCache *other)
{
  GstZrtpRecord *full = make_full_record (), *plain = make_record (1, 3, "", ""), *found;

  put (cache, full);
  put (cache, plain);
  found = look_up_one (other, 1, 2);
  assert_same (found, full);
  g_object_unref (found);
  found = look_up_one (other, 1, 3);
  assert_same (found, plain);
  g_object_unref (found);

  g_object_set (full, "sas-verified", FALSE, "rs2", NULL, "calls", (guint64) 3, NULL);
  put (cache, full);
  found = look_up_one (other, 1, 2);
  assert_same (found, full);
  g_object_unref (found);
  g_assert_null (look_up (other, 2, 1));
  g_object_unref (full);
  g_object_unref (plain);
}

static void
test_fields (void)
{
  gchar *uri = server_new_database (server, "fields");
  GstZrtpCache *one = open_own (uri), *other = open_own (uri);

  check_fields (one, other);
  g_object_unref (one);
  g_object_unref (other);
  g_free (uri);
}

static void
check_user (GstZrtpCache *cache, GstZrtpRecord *record, const gchar *name, gboolean verified)
{
  GstZrtpRecord *found = look_up_one (cache, 1, 2);
  gchar *is_called;
  gboolean is_verified;

  g_object_get (found, "name", &is_called, "sas-verified", &is_verified, NULL);
  g_assert_cmpstr (is_called, ==, name);
  g_assert_cmpint (is_verified, ==, verified);
  g_free (is_called);
  g_object_unref (found);
}

static void
test_users (void)
{
  gchar *uri = server_new_database (server, "users");
  GstZrtpCache *one = open_own (uri), *other = open_own (uri);
  GstZrtpRecord *record = make_record (1, 2, "", "sip:b@x");
  GError *error = NULL;
  guint n = 0;

  put (one, record);
  g_assert_true (gst_zrtp_cache_rename (other, record, "Bob", &error));
  check_user (one, record, "Bob", FALSE);
  g_assert_true (gst_zrtp_cache_verify (one, record, TRUE, &error));
  check_user (other, record, "Bob", TRUE);
  g_assert_true (gst_zrtp_cache_forget (other, record, &error));
  g_assert_null (look_up (one, 1, 2));

  g_object_set (record, "expires", g_get_real_time () / G_USEC_PER_SEC + 1, NULL);
  put (one, record);
  g_usleep (2 * G_USEC_PER_SEC);
  g_assert_true (gst_zrtp_cache_expire (other, &n, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (n, ==, 1);
  g_assert_null (look_up (one, 1, 2));
  g_object_unref (record);
  g_object_unref (one);
  g_object_unref (other);
  g_free (uri);
}

/* 40 records, page by page, in the order of octets: upper case before lower, what is not ASCII last. */
static void
test_list (void)
{
  gchar *uri = server_uri (server, "zrtp", "list");
  const gchar *const uris[] = {"", "B", "a", "a-", "aB", "b", "\xc3\xa4", "\xff" /* end */};
  GstZrtpCache *cache;
  GstZrtpRecord *after = NULL;
  GString *order = g_string_new (NULL);
  GError *error = NULL;
  GList *page;
  guint n = 0;

  /* one whose own order is that of a dictionary */
  server_do (server, "postgres",
      "CREATE DATABASE list OWNER zrtp TEMPLATE template0 "
      "LOCALE_PROVIDER icu ICU_LOCALE 'en'");
  cache = open_own (uri);
  for (guint i = G_N_ELEMENTS (uris) - 1; i-- > 0;) {
    GstZrtpRecord *record = make_record (1, 0xf0, "", uris[i]);

    put (cache, record);
    g_object_unref (record);
    record = make_record (0xf0, 1, uris[i], "");
    put (cache, record);
    g_object_unref (record);
  }
  while ((page = gst_zrtp_cache_list (cache, after, 3, &error))) {
    for (GList *l = page; l; l = l->next, n++) {
      gchar *local_uri, *peer_uri;

      g_object_get (l->data, "local-uri", &local_uri, "peer-uri", &peer_uri, NULL);
      g_string_append_printf (order, "%s/%s ", local_uri, peer_uri);
      g_free (local_uri);
      g_free (peer_uri);
    }
    g_assert_cmpuint (g_list_length (page), <=, 3);
    g_clear_object (&after);
    after = g_object_ref (g_list_last (page)->data);
    free_records (page);
  }
  g_assert_no_error (error);
  g_assert_cmpuint (n, ==, 14);
  g_assert_cmpstr (order->str, ==, "/ /B /a /a- /aB /b /\xc3\xa4 / B/ a/ a-/ aB/ b/ \xc3\xa4/ ");
  g_clear_object (&after);
  g_string_free (order, TRUE);
  g_object_unref (cache);
  g_free (uri);
}

/* Whatever the server's default is. */
static void
test_durable (void)
{
  gchar *uri = server_new_database (server, "durable"), *said;
  GstZrtpRecord *record = make_record (1, 2, "", "");
  GstZrtpCache *cache;

  server_do (server, "durable", "ALTER DATABASE durable SET synchronous_commit = off");
  server_do (server, "durable",
      "ALTER DATABASE durable SET default_transaction_isolation = "
      "'repeatable read'");
  cache = open_own (uri);
  server_do (server, "durable",
      "CREATE TABLE public.seen (value text); GRANT ALL ON public.seen TO public;"
      "CREATE FUNCTION public.look () RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
      " INSERT INTO public.seen VALUES (current_setting ('synchronous_commit') || ' ' ||"
      " current_setting ('transaction_isolation')); RETURN NEW; END $$;"
      "CREATE TRIGGER look BEFORE INSERT ON zrtp.records FOR EACH ROW EXECUTE FUNCTION public.look "
      "()");
  put (cache, record);
  said = server_sql (server, "durable", "SELECT value FROM public.seen");
  g_assert_cmpstr (said, ==, "on read committed");
  g_free (said);
  g_object_unref (record);
  g_object_unref (cache);
  g_free (uri);
}

/* --- Key ---------------------------------------------------------------------------------------------- */

static void
assert_refused (const gchar *uri, GBytes *key, GstZrtpCacheError code)
{
  GError *error = NULL;

  g_assert_null (open_with (uri, key, 4, &error));
  g_assert_error (error, GST_ZRTP_CACHE_ERROR, (gint) code);
  g_test_message ("%s", error->message);
  g_clear_error (&error);
}

static void
test_key (void)
{
  gchar *uri = server_new_database (server, "keyed"),
        *clear = server_new_database (server, "clear");
  gchar *said;
  GBytes *key = octets (0x5a, 32), *other_key = octets (0x5b, 32), *short_key = octets (0x5a, 31);
  GError *error = NULL;
  GstZrtpCache *one = open_with (uri, key, 4, &error), *other;
  GstZrtpRecord *record = make_record (1, 2, "", "");

  g_assert_no_error (error);
  other = open_with (uri, key, 4, &error);
  g_assert_no_error (error);
  check_fields (one, other);
  said = server_sql (server, "keyed",
      "SELECT count (*) FROM zrtp.records WHERE sealed IS NOT NULL AND rs1 IS NULL AND rs2 IS NULL "
      "AND pbx_secret IS NULL AND position ('\\x1111111111111111'::bytea IN sealed) = 0");
  g_assert_cmpstr (said, ==, "2");
  g_free (said);

  assert_refused (uri, other_key, GST_ZRTP_CACHE_ERROR_WRONG_KEY);
  assert_refused (uri, NULL, GST_ZRTP_CACHE_ERROR_WRONG_KEY);
  assert_refused (uri, short_key, GST_ZRTP_CACHE_ERROR_WRONG_KEY);
  g_object_unref (open_own (clear));
  assert_refused (clear, key, GST_ZRTP_CACHE_ERROR_WRONG_KEY);

  /* somebody who can write to the database but has no key */
  server_do (server, "keyed", "UPDATE zrtp.records SET sas_verified = NOT sas_verified");
  g_assert_false (gst_zrtp_cache_put (one, record, &error) && look_up (one, 1, 2));
  g_clear_error (&error);
  g_assert_null (gst_zrtp_cache_list (one, NULL, 10, &error));
  g_assert_nonnull (error);
  g_clear_error (&error);
  server_do (server, "keyed", "UPDATE zrtp.records SET sealed = NULL, rs1 = '\\x00'");
  g_assert_null (gst_zrtp_cache_list (one, NULL, 10, &error));
  g_assert_nonnull (error);
  g_clear_error (&error);
  server_do (server, "keyed",
      "UPDATE zrtp.records SET sealed = NULL, rs1 = decode (repeat ('11', 32), 'hex')");
  g_assert_null (gst_zrtp_cache_list (one, NULL, 10, &error));
  g_assert_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_WRONG_KEY);
  g_clear_error (&error);
  g_object_unref (record);
  g_object_unref (one);
  g_object_unref (other);
  g_bytes_unref (key);
  g_bytes_unref (other_key);
  g_bytes_unref (short_key);
  g_free (uri);
  g_free (clear);
}

/* --- Tables ------------------------------------------------------------------------------------------ */

static void
test_versions (void)
{
  gchar *uri = server_new_database (server, "versions");
  GstZrtpRecord *record = make_record (1, 2, "", ""), *found;
  GstZrtpCache *cache = open_own (uri);
  gchar *said;

  put (cache, record);
  g_object_unref (cache);
  /* an older one is brought up to date, and what is in it stays */
  server_do (server, "versions",
      "UPDATE zrtp.cache SET version = 0; DROP TABLE zrtp.zids;"
      "ALTER TABLE zrtp.records RENAME TO old");
  cache = open_own (uri);
  said = server_sql (server, "versions", "SELECT version FROM zrtp.cache");
  g_assert_cmpstr (said, ==, "1");
  g_free (said);
  server_do (server, "versions", "DROP TABLE zrtp.records; ALTER TABLE zrtp.old RENAME TO records");
  g_object_unref (cache);
  cache = open_own (uri);
  found = look_up_one (cache, 1, 2);
  g_object_unref (found);
  g_object_unref (cache);

  server_do (server, "versions", "UPDATE zrtp.cache SET version = 2");
  assert_refused (uri, NULL, GST_ZRTP_CACHE_ERROR_TOO_NEW);
  server_do (server, "versions", "DELETE FROM zrtp.cache");
  assert_refused (uri, NULL, GST_ZRTP_CACHE_ERROR_CORRUPT);
  server_do (server, "versions",
      "INSERT INTO zrtp.cache VALUES (true, 1, NULL);"
      "ALTER TABLE zrtp.records DROP COLUMN rs2");
  assert_refused (uri, NULL, GST_ZRTP_CACHE_ERROR_CORRUPT);
  g_object_unref (record);
  g_free (uri);
}

static void
test_damaged (void)
{
  const gchar *const damages[] = {"rs1 = '\\x00'", "rs2 = decode (repeat ('00', 33), 'hex')",
      "expires = -1", "preshared_calls = 256", "preshared_calls = -1", "calls = -1",
      "sealed = '\\x00'", "zid = '\\x0101'"};
  gchar *uri = server_new_database (server, "damaged");
  GstZrtpCache *cache = open_own (uri);

  for (guint i = 0; i < G_N_ELEMENTS (damages); i++) {
    GstZrtpRecord *record = make_record (1, 2, "", "");
    gchar *sql = g_strdup_printf ("UPDATE zrtp.records SET %s", damages[i]);
    GError *error = NULL;

    put (cache, record);
    server_do (server, "damaged", sql);
    if (gst_zrtp_cache_list (cache, NULL, 10, &error))
      g_error ("%s was taken", damages[i]);
    g_assert_nonnull (error);
    g_clear_error (&error);
    server_do (server, "damaged", "DELETE FROM zrtp.records");
    g_free (sql);
    g_object_unref (record);
  }
  g_object_unref (cache);
  g_free (uri);
}

/* --- Calls ------------------------------------------------------------------------------------------- */

static void
test_call (void)
{
  gchar *uri = server_new_database (server, "call");
  GstZrtpCache *phone = GST_ZRTP_CACHE (gst_zrtp_memory_cache_new ());
  GstZrtpCache *gateway = open_own (uri);
  Outcome outcome = call_once (phone, gateway, "sip:a@x", TRUE);

  g_assert_false (outcome.verified || outcome.mismatch || outcome.warned);
  g_object_unref (gateway);
  gateway = open_own (uri);
  for (guint i = 0; i < 3; i++) {
    outcome = call_once (phone, gateway, "sip:a@x", FALSE);
    g_assert_true (outcome.verified);
    g_assert_false (outcome.mismatch || outcome.warned);
  }
  g_assert_cmpuint (count_calls (gateway, phone), ==, 4);
  g_object_unref (phone);
  g_object_unref (gateway);
  g_free (uri);
}

static void
assert_says (gpointer worker, const gchar *expected)
{
  gchar said[4];

  worker_hear (worker, said);
  g_assert_cmpstr (said, ==, expected);
}

/* Two gateways, each a process: whoever was verified by one is known to the other. */
static void
test_fleet (void)
{
  gchar *phone = server_new_database (server, "fleet_phone");
  gchar *fleet = server_new_database (server, "fleet");
  gpointer gateways[2] = {worker_start (phone, fleet), worker_start (phone, fleet)};

  worker_go (gateways[0], 1, TRUE);
  assert_says (gateways[0], "000");
  for (guint i = 1; i < 7; i++) {
    worker_go (gateways[i % 2], 1, FALSE);
    assert_says (gateways[i % 2], "100");
  }
  worker_end (gateways[0]);
  worker_end (gateways[1]);
  g_free (phone);
  g_free (fleet);
}

typedef struct {
  gchar *uri[2];
  GstZrtpCache *phone, *fleet;
} Party;

static void
party_init (Party *party, const gchar *name)
{
  gchar *names[2] = {g_strdup_printf ("%s_phone", name), g_strdup_printf ("%s_fleet", name)};

  for (guint i = 0; i < 2; i++)
    party->uri[i] = server_new_database (server, names[i]);
  party->phone = open_own (party->uri[0]);
  party->fleet = open_own (party->uri[1]);
  g_free (names[0]);
  g_free (names[1]);
}

static void
party_clear (Party *party)
{
  g_object_unref (party->phone);
  g_object_unref (party->fleet);
  g_free (party->uri[0]);
  g_free (party->uri[1]);
}

static void
assert_counts (Party *party, guint64 n)
{
  g_assert_cmpuint (count_calls (party->fleet, party->phone), ==, n);
  g_assert_cmpuint (count_calls (party->phone, party->fleet), ==, n);
}

/* One phone in calls with both gateways at the same time, in one of which the SAS is compared: both are counted at both
 * ends, and the next two calls know the phone, whoever stored last. */
static void
test_two_calls (void)
{
  enum {
    ROUNDS = 20
  };
  gpointer gateways[2];
  Party party;

  party_init (&party, "two");
  for (guint i = 0; i < 2; i++)
    gateways[i] = worker_start (party.uri[0], party.uri[1]);
  worker_go (gateways[0], 1, TRUE);
  assert_says (gateways[0], "000");
  for (guint round = 0; round < ROUNDS; round++) {
    worker_go (gateways[0], 1, TRUE);
    worker_go (gateways[1], 1, FALSE);
    assert_says (gateways[0], "100");
    assert_says (gateways[1], "100");
  }
  assert_counts (&party, 1 + 2 * ROUNDS);
  worker_end (gateways[0]);
  worker_end (gateways[1]);
  party_clear (&party);
}

/* As many as the machine can do, all of one phone: none is lost. */
static void
test_many_calls (void)
{
  enum {
    GATEWAYS = 4,
    CALLS = 15
  };
  gpointer gateways[GATEWAYS];
  gchar said[4];
  Party party;

  party_init (&party, "many");
  for (guint i = 0; i < GATEWAYS; i++)
    gateways[i] = worker_start (party.uri[0], party.uri[1]);
  for (guint i = 0; i < GATEWAYS; i++)
    worker_go (gateways[i], CALLS, TRUE);
  for (guint i = 0; i < GATEWAYS * CALLS; i++) {
    worker_hear (gateways[i / CALLS], said);
    g_assert_cmpint (said[2], ==, '0'); /* no warning */
  }
  for (guint i = 0; i < GATEWAYS; i++)
    worker_end (gateways[i]);
  assert_counts (&party, GATEWAYS * CALLS);
  party_clear (&party);
}

/* They start on an empty database at the same moment: one set of tables, one ZID. */
static gpointer
start_gateway (gpointer uri)
{
  GstZrtpCache *cache = open_own (uri);
  GBytes *zid = get_zid (cache, NULL, NULL);

  g_object_unref (cache);
  return zid;
}

static void
test_start_together (void)
{
  enum {
    GATEWAYS = 8,
    ROUNDS = 3
  };

  for (guint round = 0; round < ROUNDS; round++) {
    gchar *name = g_strdup_printf ("together%u", round), *uri = server_new_database (server, name);
    GThread *threads[GATEWAYS];
    GBytes *first = NULL;

    for (guint i = 0; i < GATEWAYS; i++)
      threads[i] = g_thread_new ("gateway", start_gateway, uri);
    for (guint i = 0; i < GATEWAYS; i++) {
      GBytes *zid = g_thread_join (threads[i]);

      if (!first)
        first = g_bytes_ref (zid);
      g_assert_true (g_bytes_equal (zid, first));
      g_bytes_unref (zid);
    }
    g_bytes_unref (first);
    g_free (name);
    g_free (uri);
  }
}

/* --- Trouble ------------------------------------------------------------------------------------------ */

/* What GStreamer logs, for the search for passwords. */
static GMutex log_lock;
static GString *log_text;

static void
on_log (GstDebugCategory *category, GstDebugLevel level, const gchar *file, const gchar *function,
    gint line, GObject *object, GstDebugMessage *message, gpointer user_data)
{
  g_mutex_lock (&log_lock);
  g_string_append_printf (log_text, "%s\n", gst_debug_message_get (message));
  g_mutex_unlock (&log_lock);
}

static void
watch_log (void)
{
  log_text = g_string_new (NULL);
  gst_debug_set_active (TRUE);
  gst_debug_remove_log_function (gst_debug_log_default);
  gst_debug_add_log_function (on_log, NULL, NULL);
  gst_debug_set_default_threshold (GST_LEVEL_LOG);
}

static void
unwatch_log (void)
{
  gst_debug_set_default_threshold (GST_LEVEL_NONE);
  gst_debug_remove_log_function (on_log);
  g_string_free (log_text, TRUE);
}

static void
check_no_way_in (const gchar *text, GstZrtpCacheError code, const gchar *says)
{
  gchar *port = g_strdup_printf ("%u", server->port);
  gchar **parts = g_strsplit (text, "PORT", -1), *uri = g_strjoinv (port, parts);
  GError *error = NULL;
  GstZrtpCache *cache = gst_zrtp_cache_open (uri, NULL, &error);

  g_assert_null (cache);
  g_assert_error (error, GST_ZRTP_CACHE_ERROR, (gint) code);
  g_test_message ("%s", error->message);
  if (!strstr (error->message, says))
    g_error ("\"%s\" does not say \"%s\"", error->message, says);
  g_assert_null (strstr (error->message, "esam"));
  g_clear_error (&error);
  g_strfreev (parts);
  g_free (port);
  g_free (uri);
}

static void
test_no_way_in (void)
{
  watch_log ();
  server_do (
      server, "postgres", "CREATE DATABASE latin OWNER zrtp ENCODING 'LATIN1' TEMPLATE template0");
  server_do (server, "postgres", "CREATE DATABASE foreign_owner");
  check_no_way_in ("postgresql://secretive:wrong_sesame@127.0.0.1:PORT/postgres",
      GST_ZRTP_CACHE_ERROR_PERMISSION, "password authentication failed");
  check_no_way_in ("postgresql://secretive@127.0.0.1:PORT/postgres",
      GST_ZRTP_CACHE_ERROR_PERMISSION, "no password supplied");
  check_no_way_in ("postgresql://banned@127.0.0.1:PORT/postgres", GST_ZRTP_CACHE_ERROR_PERMISSION,
      "pg_hba.conf");
  check_no_way_in ("postgresql://zrtp:sesame@127.0.0.1:PORT/missing",
      GST_ZRTP_CACHE_ERROR_NOT_FOUND, "CREATE DATABASE");
  check_no_way_in (
      "postgresql://zrtp@127.0.0.1:PORT/latin", GST_ZRTP_CACHE_ERROR_NOT_SUPPORTED, "UTF8");
  check_no_way_in ("postgresql://zrtp@127.0.0.1:PORT/foreign_owner",
      GST_ZRTP_CACHE_ERROR_PERMISSION, "must own the database");
  check_no_way_in ("postgresql://zrtp:sesame@127.0.0.1:1/postgres?application_name=xPORT",
      GST_ZRTP_CACHE_ERROR_NOT_FOUND, "cannot be reached");
  check_no_way_in ("postgresql://zrtp:sesame@no-such-host.invalid:PORT/postgres",
      GST_ZRTP_CACHE_ERROR_NOT_FOUND, "no-such-host.invalid");
  g_assert_null (strstr (log_text->str, "esam"));
  unwatch_log ();
}

/* A password that is not written as a URI wants it must not come out as a part of a host or port. */
static void
test_bad_uris (void)
{
  watch_log ();
  check_no_way_in (
      "postgresql://zrtp:ses@same@127.0.0.1:PORT/x", GST_ZRTP_CACHE_ERROR_NOT_FOUND, "%40");
  check_no_way_in (
      "postgresql://zrtp:ses/esame@127.0.0.1:PORT/x", GST_ZRTP_CACHE_ERROR_NOT_FOUND, "%2F");
  check_no_way_in (
      "postgresql://zrtp:s?sesame@sesame@127.0.0.1:PORT/x", GST_ZRTP_CACHE_ERROR_NOT_FOUND, "%3F");
  check_no_way_in (
      "postgresql://zrtp:s?s/esame@127.0.0.1:PORT/x", GST_ZRTP_CACHE_ERROR_NOT_FOUND, "%3F");
  check_no_way_in (
      "postgresql://zrtp:sesame%zz@127.0.0.1:PORT/x", GST_ZRTP_CACHE_ERROR_NOT_FOUND, "%25");
  check_no_way_in ("postgresql://zrtp:sesame@[127.0.0.1:PORT/x", GST_ZRTP_CACHE_ERROR_NOT_FOUND,
      "does not understand");
  check_no_way_in ("postgresql://zrtp:sesame", GST_ZRTP_CACHE_ERROR_NOT_FOUND, "port");
  check_no_way_in ("postgresql://zrtp:sesame@127.0.0.1:PORT/x?sesame=1",
      GST_ZRTP_CACHE_ERROR_NOT_FOUND, "does not understand");
  g_assert_null (strstr (log_text->str, "esam"));
  unwatch_log ();
}

static const struct {
  const gchar *state;
  GstZrtpCacheError code;
} server_errors[] = {
    {"53100", GST_ZRTP_CACHE_ERROR_NO_SPACE},
    {"25006", GST_ZRTP_CACHE_ERROR_READ_ONLY},
    {"42501", GST_ZRTP_CACHE_ERROR_PERMISSION},
    {"57014", GST_ZRTP_CACHE_ERROR_BUSY},
    {"40P01", GST_ZRTP_CACHE_ERROR_BUSY},
    {"53200", GST_ZRTP_CACHE_ERROR_BUSY},
    {"57P01", GST_ZRTP_CACHE_ERROR_NOT_FOUND},
    {"XX001", GST_ZRTP_CACHE_ERROR_CORRUPT},
    {"58030", GST_ZRTP_CACHE_ERROR_FAILED},
    {"P0001", GST_ZRTP_CACHE_ERROR_FAILED},
};

/* What the server reports in the middle of an update: nothing is stored, and the next update is as good as ever. */
static void
test_server_errors (void)
{
  gchar *uri = server_new_database (server, "errors");
  GstZrtpRecord *record = make_record (1, 2, "", "");
  GstZrtpCache *cache = open_own (uri);

  server_do (server, "errors",
      "CREATE TABLE public.state (value text);"
      "GRANT ALL ON public.state TO public; INSERT INTO public.state VALUES ('');"
      "CREATE FUNCTION public.fail () RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
      " IF (SELECT value FROM public.state) = '' THEN RETURN NEW; END IF;"
      " RAISE EXCEPTION USING ERRCODE = (SELECT value FROM public.state),"
      " MESSAGE = 'as the test wants it'; END $$;");
  for (guint i = 0; i < G_N_ELEMENTS (server_errors); i++) {
    gchar *sql = g_strdup_printf (
        "UPDATE public.state SET value = '%s'; DROP TRIGGER IF EXISTS fail ON zrtp.records;"
        "CREATE TRIGGER fail AFTER INSERT ON zrtp.records FOR EACH ROW EXECUTE FUNCTION "
        "public.fail ()",
        server_errors[i].state);
    GError *error = NULL;

    server_do (server, "errors", sql);
    g_assert_false (gst_zrtp_cache_put (cache, record, &error));
    g_assert_error (error, GST_ZRTP_CACHE_ERROR, (gint) server_errors[i].code);
    g_assert_nonnull (strstr (error->message, "as the test wants it"));
    g_assert_nonnull (strstr (error->message, server_errors[i].state));
    g_clear_error (&error);
    g_assert_null (look_up (cache, 1, 2));
    server_do (server, "errors", "UPDATE public.state SET value = ''");
    put (cache, record);
    g_assert_true (gst_zrtp_cache_forget (cache, record, NULL));
    g_free (sql);
  }
  g_object_unref (record);
  g_object_unref (cache);
  g_free (uri);
}

/* A gateway whose user may use the tables and make none. */
static void
test_rights (void)
{
  gchar *owner = server_new_database (server, "rights");
  gchar *uri = server_uri (server, "gateway", "rights");
  GstZrtpRecord *record = make_record (1, 2, "", "");
  GstZrtpCache *cache;

  assert_refused (uri, NULL, GST_ZRTP_CACHE_ERROR_PERMISSION); /* there are none yet */
  g_object_unref (open_own (owner));
  assert_refused (uri, NULL, GST_ZRTP_CACHE_ERROR_PERMISSION);
  server_do (server, "rights",
      "GRANT USAGE ON SCHEMA zrtp TO gateway; GRANT SELECT ON zrtp.cache TO gateway;"
      "GRANT SELECT, INSERT, UPDATE, DELETE ON zrtp.zids, zrtp.records TO gateway");
  cache = open_own (uri);
  g_bytes_unref (get_zid (cache, NULL, NULL));
  put (cache, record);
  g_assert_true (gst_zrtp_cache_forget (cache, record, NULL));
  g_object_unref (record);
  g_object_unref (cache);
  g_free (owner);
  g_free (uri);
}

/* Of several servers, the first that is there. */
static void
test_several_servers (void)
{
  gchar *port = g_strdup_printf ("%u", server->port), *uri;
  GstZrtpCache *cache;

  g_free (server_new_database (server, "several"));
  uri = g_strconcat ("postgresql://zrtp@127.0.0.1:1,127.0.0.1:", port, "/several", NULL);
  cache = open_own (uri);
  g_bytes_unref (get_zid (cache, NULL, NULL));
  g_object_unref (cache);
  g_free (uri);
  g_free (port);
}

/* In a process that does not find the plugin: what to install. */
static void
test_no_plugin (void)
{
  gchar *self = g_file_read_link ("/proc/self/exe", NULL), *said;
  GSubprocessLauncher *launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  GError *error = NULL;
  GSubprocess *process;

  g_subprocess_launcher_setenv (launcher, "GST_PLUGIN_PATH", "", TRUE);
  g_subprocess_launcher_setenv (launcher, "GST_REGISTRY", "/dev/null", TRUE);
  g_subprocess_launcher_setenv (launcher, "GST_REGISTRY_FORK", "no", TRUE);
  process = g_subprocess_launcher_spawn (launcher, &error, self, "no-plugin", NULL);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, &said, NULL, NULL));
  g_assert_true (g_subprocess_get_successful (process));
  g_assert_nonnull (strstr (said, "zrtppostgresql"));
  g_assert_nonnull (strstr (said, "not installed"));
  g_object_unref (process);
  g_object_unref (launcher);
  g_free (said);
  g_free (self);
}

static int
open_without_plugin (void)
{
  GError *error = NULL;

  gst_init (NULL, NULL);
  g_assert_null (gst_zrtp_cache_open ("postgresql://127.0.0.1:1/x", NULL, &error));
  g_assert_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_NOT_SUPPORTED);
  g_assert_cmpstr (g_quark_to_string (error->domain), ==, "gst-zrtp-cache-error-quark");
  g_print ("%s", error->message);
  g_error_free (error);
  return 0;
}

/* A primary that became a standby, and one that is told to be read-only. */
static void
test_read_only (void)
{
  gchar *uri = server_new_database (server, "readonly");
  GstZrtpCache *cache = open_own (uri);
  GstZrtpRecord *record = make_record (1, 2, "", "");
  GError *error = NULL;

  server_do (server, "postgres", "ALTER DATABASE readonly SET default_transaction_read_only = on");
  server_do (server, "postgres",
      "SELECT pg_terminate_backend (pid) FROM pg_stat_activity "
      "WHERE datname = 'readonly'");
  g_usleep (100 * G_TIME_SPAN_MILLISECOND);
  g_assert_false (gst_zrtp_cache_put (cache, record, &error));
  g_assert_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_READ_ONLY);
  g_clear_error (&error);
  assert_refused (uri, NULL, GST_ZRTP_CACHE_ERROR_READ_ONLY);
  g_object_unref (record);
  g_object_unref (cache);
  g_free (uri);
}

/* The lock of a pair is held by somebody who does not let go: an error in time, and other pairs go on meanwhile. */
static gpointer
hold_locks (gpointer uri)
{
  server_do (server, "locked", "BEGIN; LOCK TABLE zrtp.records; SELECT pg_sleep (3); COMMIT");
  return NULL;
}

static void
test_locked (void)
{
  gchar *uri = server_new_database (server, "locked");
  GstZrtpRecord *record = make_record (1, 2, "", "");
  GstZrtpCache *cache = open_own (uri);
  GThread *thread = g_thread_new ("holder", hold_locks, NULL);
  GError *error = NULL;
  gint64 begin;

  g_usleep (500 * G_TIME_SPAN_MILLISECOND);
  begin = g_get_monotonic_time ();
  g_assert_false (gst_zrtp_cache_put (cache, record, &error));
  g_assert_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_BUSY);
  g_assert_cmpint (g_get_monotonic_time () - begin, <, 2400 * G_TIME_SPAN_MILLISECOND);
  g_clear_error (&error);
  g_thread_join (thread);
  put (cache, record);
  g_object_unref (record);
  g_object_unref (cache);
  g_free (uri);
}

/* How long one operation takes when nobody answers. */
static gpointer
fail_in_time (gpointer cache)
{
  const gint64 begin = g_get_monotonic_time ();
  GError *error = NULL;

  g_assert_null (gst_zrtp_cache_get_zid (cache, NULL, NULL, &error));
  /* no answer, or no connection left to ask on */
  g_assert_true (error && (error->code == GST_ZRTP_CACHE_ERROR_NOT_FOUND ||
                              error->code == GST_ZRTP_CACHE_ERROR_BUSY));
  g_clear_error (&error);
  return GINT_TO_POINTER ((g_get_monotonic_time () - begin) / G_TIME_SPAN_MILLISECOND);
}

/* A server that accepts everything and answers nothing. Nobody is held up for long, however many calls come. */
static void
test_frozen (void)
{
  enum {
    CALLS = 24
  };
  gchar *uri = server_new_database (server, "frozen");
  GstZrtpCache *cache = open_own (uri);
  GThread *threads[CALLS];

  g_bytes_unref (get_zid (cache, NULL, NULL));
  server_freeze (server);
  for (guint i = 0; i < CALLS; i++)
    threads[i] = g_thread_new ("call", fail_in_time, cache);
  for (guint i = 0; i < CALLS; i++)
    g_assert_cmpint (GPOINTER_TO_INT (g_thread_join (threads[i])), <, 4000);
  /* and the next one hardly at all */
  g_assert_cmpint (GPOINTER_TO_INT (fail_in_time (cache)), <, 4000);
  g_assert_cmpint (GPOINTER_TO_INT (fail_in_time (cache)), <, 1000);
  server_thaw (server);
  g_usleep (2500 * G_TIME_SPAN_MILLISECOND);
  g_bytes_unref (get_zid (cache, NULL, NULL));
  g_object_unref (cache);
  g_free (uri);
}

static gpointer
use (gpointer cache)
{
  for (guint i = 0; i < 20; i++)
    g_bytes_unref (get_zid (cache, NULL, NULL));
  return NULL;
}

/* With connections left over from before: they are given up together, not one call after the other. */
static void
test_frozen_idle (void)
{
  enum {
    CALLS = 8
  };
  gchar *uri = server_new_database (server, "idle");
  GstZrtpCache *cache = open_own (uri);
  GThread *threads[CALLS];

  for (guint i = 0; i < CALLS; i++)
    threads[i] = g_thread_new ("call", use, cache);
  for (guint i = 0; i < CALLS; i++)
    g_thread_join (threads[i]);
  server_freeze (server);
  fail_in_time (cache); /* on a connection */
  fail_in_time (cache); /* as there is none */
  g_assert_cmpint (GPOINTER_TO_INT (fail_in_time (cache)), <, 1000);
  server_thaw (server);
  g_object_unref (cache);
  g_free (uri);
}

/* --- Power cuts --------------------------------------------------------------------------------------- */

static GBytes *
get_rs1 (GstZrtpRecord *record)
{
  GBytes *rs1;

  g_object_get (record, "rs1", &rs1, NULL);
  return rs1;
}

/* Two records of one phone, under two URIs, that every call changes together. */
static void
assert_whole (GstZrtpCache *gateway, GstZrtpCache *phone)
{
  GBytes *zid = get_zid (gateway, NULL, NULL), *peer_zid = get_zid (phone, NULL, NULL), *a, *b;
  GError *error = NULL;
  GList *records = NULL;

  gst_zrtp_cache_lookup (gateway, zid, peer_zid, &records, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_list_length (records), ==, 2);
  a = get_rs1 (records->data);
  b = get_rs1 (records->next->data);
  g_assert_true (g_bytes_equal (a, b));
  g_bytes_unref (a);
  g_bytes_unref (b);
  free_records (records);
  g_bytes_unref (zid);
  g_bytes_unref (peer_zid);
}

typedef struct {
  GstZrtpCache *phone, *gateway;
  gint stop; /* atomic */
  guint64 n_counted;
} Caller;

static gpointer
call_again_and_again (gpointer user_data)
{
  Caller *caller = user_data;

  while (!g_atomic_int_get (&caller->stop)) {
    Outcome outcome = call_once (caller->phone, caller->gateway, "sip:1@x", FALSE);

    /* a gateway that has said its ZID and then cannot look up has to disappoint the phone */
    g_assert_false (outcome.mismatch && !outcome.warned);
    caller->n_counted += !outcome.warned;
  }
  return NULL;
}

static void
test_crash (void)
{
  gchar *uri = server_new_database (server, "crash");
  Caller caller = {
      .phone = GST_ZRTP_CACHE (gst_zrtp_memory_cache_new ()), .gateway = open_own (uri)};
  Outcome outcome;

  call_once (caller.phone, caller.gateway, "sip:1@x", TRUE);
  call_once (caller.phone, caller.gateway, "sip:2@x", TRUE);
  for (guint i = 0; i < 3; i++) {
    const guint64 before = count_calls (caller.gateway, caller.phone);
    GThread *thread;
    guint64 after;

    caller.stop = FALSE;
    caller.n_counted = 0;
    thread = g_thread_new ("caller", call_again_and_again, &caller);
    g_usleep ((gulong) g_random_int_range (100, 400) * G_TIME_SPAN_MILLISECOND);
    server_crash (server);
    g_usleep (100 * G_TIME_SPAN_MILLISECOND);
    g_atomic_int_set (&caller.stop, TRUE);
    g_thread_join (thread);
    server_start (server);

    assert_whole (caller.gateway, caller.phone);
    /* what was said to be stored is there; the last one may be there though nobody could say so any more */
    after = count_calls (caller.gateway, caller.phone);
    g_assert_cmpuint (caller.n_counted, >, 0);
    g_assert_cmpuint (after, >=, before + caller.n_counted);
    g_assert_cmpuint (after, <=, before + caller.n_counted + 1);
    outcome = call_once (caller.phone, caller.gateway, "sip:1@x", FALSE);
    g_assert_true (outcome.verified);
    g_assert_false (outcome.mismatch || outcome.warned);
    assert_whole (caller.gateway, caller.phone);
  }
  g_object_unref (caller.phone);
  g_object_unref (caller.gateway);
  g_free (uri);
}

/* Between looking up and storing; the call goes on, and the phone is still known afterwards. */
static void
on_step (End *end, Line *line, const gchar *what)
{
  if (g_str_equal (what, "state") && line_state (line) == GST_ZRTP_STATE_NEGOTIATING &&
      server->pid != 0)
    server_crash (server);
}

static void
test_crash_in_call (void)
{
  gchar *uri = server_new_database (server, "incall");
  GstZrtpCache *phone = GST_ZRTP_CACHE (gst_zrtp_memory_cache_new ());
  GstZrtpCache *gateway = open_own (uri);
  Outcome outcome;
  Call call;

  call_once (phone, gateway, "", TRUE);
  call_init (&call, 1, "", "");
  g_object_set (call.a.session, "cache", phone, NULL);
  g_object_set (call.b.session, "cache", gateway, NULL);
  call.b.meddle = on_step;
  call_talk (&call);
  g_assert_cmpint (server->pid, ==, 0);
  g_assert_nonnull (strstr (call.b.log->str, "warning:0:cache "));
  g_assert_nonnull (strstr (call.b.log->str, "secure:0:dh "));
  g_assert_false (get_flag (&call.a.line[0], "cache-mismatch"));
  call_clear (&call);

  /* without the server at all */
  outcome = call_once (phone, gateway, "", FALSE);
  g_assert_true (outcome.warned);
  g_assert_false (outcome.mismatch || outcome.verified);

  server_start (server);
  outcome = call_once (phone, gateway, "", FALSE);
  g_assert_true (outcome.verified);
  g_assert_false (outcome.mismatch || outcome.warned);
  g_object_unref (phone);
  g_object_unref (gateway);
  g_free (uri);
}

/* --- fork() ---------------------------------------------------------------------------------------------- */

static gchar *
get_backends (void)
{
  return server_sql (server, "postgres",
      "SELECT string_agg (pid::text, ',' ORDER BY pid) FROM pg_stat_activity WHERE datname = "
      "'fork'");
}

static gboolean
use_in_child (GstZrtpCache *cache, const gchar *of_parent)
{
  GstZrtpRecord *record = make_record (1, 2, "", "sip:child");
  gboolean ok = gst_zrtp_cache_put (cache, record, NULL);
  gchar *backends = get_backends ();

  ok = ok && !g_str_equal (backends, of_parent) && strstr (backends, of_parent);
  g_object_unref (cache);
  g_object_unref (record);
  g_free (backends);
  return ok;
}

/* The child has connections of its own, and the parent keeps its own. */
static void
test_fork (void)
{
  gchar *uri = server_new_database (server, "fork"), *before, *after;
  GstZrtpCache *cache = open_own (uri);
  GstZrtpRecord *record = make_record (1, 2, "", "");
  GList *records;
  pid_t child;
  int status;

  put (cache, record);
  before = get_backends ();
  child = fork ();
  if (child == 0)
    _exit (use_in_child (cache, before) ? 0 : 1);
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status) && WEXITSTATUS (status) == 0);
  records = look_up (cache, 1, 2);
  g_assert_cmpuint (g_list_length (records), ==, 2);
  after = get_backends ();
  g_assert_nonnull (strstr (after, before)); /* the same one as before */
  free_records (records);
  g_object_unref (record);
  g_object_unref (cache);
  g_free (before);
  g_free (after);
  g_free (uri);
}

/* --- How many connections ----------------------------------------------------------------------------- */

enum {
  MEASURE_THREADS = 16,
  MEASURE_UPDATES = 50,
};

typedef struct {
  GstZrtpCache *cache;
  guint8 peer;
} Updater;

static gpointer
update_all (gpointer user_data)
{
  Updater *updater = user_data;
  GstZrtpRecord *record = make_record (1, updater->peer, "", "");

  for (guint i = 0; i < MEASURE_UPDATES; i++) {
    free_records (look_up (updater->cache, 1, updater->peer));
    put (updater->cache, record);
  }
  g_object_unref (record);
  return NULL;
}

static gdouble
measure (const gchar *uri, guint max_connections)
{
  GstZrtpCache *cache = open_with (uri, NULL, max_connections, NULL);
  const gint64 begin = g_get_monotonic_time ();
  Updater updaters[MEASURE_THREADS];
  GThread *threads[MEASURE_THREADS];

  for (guint i = 0; i < MEASURE_THREADS; i++) {
    updaters[i] = (Updater){cache, (guint8) (2 + i)};
    threads[i] = g_thread_new ("calls", update_all, &updaters[i]);
  }
  for (guint i = 0; i < MEASURE_THREADS; i++)
    g_thread_join (threads[i]);
  g_object_unref (cache);
  return MEASURE_THREADS * MEASURE_UPDATES * (gdouble) G_TIME_SPAN_SECOND /
         (gdouble) (g_get_monotonic_time () - begin);
}

/* Calls of 16 threads, each a lookup and an update, that one process stores in a second. */
static void
measure_all (void)
{
  gchar *uri = server_new_database (server, "measure");

  for (guint n = 1; n <= 16; n *= 2)
    g_print ("%2u connections: %5.0f calls/s\n", n, measure (uri, n));
  g_free (uri);
}

/* --- All ----------------------------------------------------------------------------------------------- */

static int
run_tests (Server *new_server, int argc, char **argv)
{
  const gboolean measures = argc > 1 && g_str_equal (argv[1], "--measure");

  g_test_init (&argc, &argv, NULL);
  gst_init (&argc, &argv);
  server = new_server;
  server_start (server);
  server_do (server, "postgres",
      "CREATE ROLE zrtp LOGIN; CREATE ROLE banned LOGIN; CREATE ROLE gateway LOGIN;"
      "CREATE ROLE secretive LOGIN PASSWORD 'sesame'");
  if (measures) {
    measure_all ();
    return 0;
  }
  g_test_add_func ("/postgresql/zids", test_zids);
  g_test_add_func ("/postgresql/fields", test_fields);
  g_test_add_func ("/postgresql/users", test_users);
  g_test_add_func ("/postgresql/list", test_list);
  g_test_add_func ("/postgresql/durable", test_durable);
  g_test_add_func ("/postgresql/key", test_key);
  g_test_add_func ("/postgresql/versions", test_versions);
  g_test_add_func ("/postgresql/damaged", test_damaged);
  g_test_add_func ("/postgresql/call", test_call);
  g_test_add_func ("/postgresql/fleet", test_fleet);
  g_test_add_func ("/postgresql/two-calls", test_two_calls);
  g_test_add_func ("/postgresql/many-calls", test_many_calls);
  g_test_add_func ("/postgresql/start-together", test_start_together);
  g_test_add_func ("/postgresql/no-way-in", test_no_way_in);
  g_test_add_func ("/postgresql/bad-uris", test_bad_uris);
  g_test_add_func ("/postgresql/server-errors", test_server_errors);
  g_test_add_func ("/postgresql/read-only", test_read_only);
  g_test_add_func ("/postgresql/rights", test_rights);
  g_test_add_func ("/postgresql/several-servers", test_several_servers);
  g_test_add_func ("/postgresql/no-plugin", test_no_plugin);
  g_test_add_func ("/postgresql/locked", test_locked);
  g_test_add_func ("/postgresql/fork", test_fork);
  g_test_add_func ("/postgresql/frozen", test_frozen);
  g_test_add_func ("/postgresql/idle-frozen", test_frozen_idle);
  g_test_add_func ("/postgresql/crash", test_crash);
  g_test_add_func ("/postgresql/crash-in-call", test_crash_in_call);
  return g_test_run ();
}

int
main (int argc, char **argv)
{
  gchar *programs;
  int status;

  if (argc > 1 && g_str_equal (argv[1], "worker")) {
    gst_init (NULL, NULL);
    return worker_main (argc, argv);
  }
  if (argc > 1 && g_str_equal (argv[1], "no-plugin"))
    return open_without_plugin ();
  programs = server_find_programs ();
  if (!programs) {
    g_print ("1..0 # SKIP initdb, postgres and psql are not installed (Debian: postgresql)\n");
    return 0;
  }
  status = server_run (programs, run_tests, argc, argv);
  g_free (programs);
  return status;
}
