/* What the cache costs.
 *
 *   call     CPU time of a returning call, both ends, with each kind of cache and with none; libbzrtp's too
 *   disk     update and lookup in a file, against the same statements in the same transaction by hand
 *   scale    lookup, update and open with few records and with many, and the size of the file
 *
 * Medians of interleaved rounds; differences and ratios are taken round by round.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/benchmarks/cache-private.h"
#include "tests/cache/heldcache.h"

#include <glib/gstdio.h>
#include <string.h>
#include <time.h>

enum {
  MAX_ROUNDS = 2000,
  ZID_SIZE = 12,
  SECRET_SIZE = 32,
  BATCH =
      16, /* updates by calls after which their old secrets leave the log, MAX_DELAYED of ext/sqlite */
  CALLS = 17, /* that a peer has had */
};

#define ALICE "sip:alice@example.org"
#define BOB "sip:bob.the.builder@example.com"

static struct {
  gint rounds, percent, records;
  gchar *folder;
} options = {15, 100, 1000000, NULL};

static gchar *folder; /* of ours, removed at the end */

/* --- Numbers --------------------------------------------------------------------------------------------------- */

static double
clock_us (clockid_t clock)
{
  struct timespec now;

  clock_gettime (clock, &now);
  return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

static double
cpu_us (void)
{
  return clock_us (CLOCK_PROCESS_CPUTIME_ID);
}

static double
wall_us (void)
{
  return clock_us (CLOCK_MONOTONIC);
}

static int
compare (gconstpointer a, gconstpointer b)
{
  const double *x = a, *y = b;

  return (*x > *y) - (*x < *y);
}

static double
median (const double *values, guint n)
{
  static double sorted[MAX_ROUNDS];

  memcpy (sorted, values, n * sizeof *values);
  qsort (sorted, n, sizeof *sorted, compare);
  return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

static double
median_ratio (const double *a, const double *b, guint n)
{
  static double ratio[MAX_ROUNDS];

  for (guint i = 0; i < n; i++)
    ratio[i] = a[i] / b[i];
  return median (ratio, n);
}

static double
median_difference (const double *a, const double *b, guint n)
{
  static double difference[MAX_ROUNDS];

  for (guint i = 0; i < n; i++)
    difference[i] = a[i] - b[i];
  return median (difference, n);
}

static guint
share (guint usual)
{
  return MAX (usual * (guint) options.percent / 100, 1);
}

/* --- Files ------------------------------------------------------------------------------------------------------- */

static gchar *
file_name (const gchar *name)
{
  return g_build_filename (folder, name, NULL);
}

static void
remove_file (const gchar *path)
{
  static const gchar *const ends[] = {"", "-wal", "-shm", "-journal"};

  for (guint i = 0; i < G_N_ELEMENTS (ends); i++) {
    gchar *name = g_strconcat (path, ends[i], NULL);

    g_unlink (name);
    g_free (name);
  }
}

static GstZrtpCache *
open_cache (const gchar *path, GBytes *key)
{
  GError *error = NULL;
  GstZrtpCache *cache = gst_zrtp_cache_open (path, key, &error);

  if (!cache)
    g_error ("%s: %s", path, error->message);
  return cache;
}

static GBytes *
make_key (void)
{
  return g_bytes_new_static ("thirty-two octets for a cachekey", SECRET_SIZE);
}

/* --- A returning call --------------------------------------------------------------------------------------------- */

typedef struct {
  GstZrtpSession *session;
  GstZrtpStream *stream;
} End;

static void
open_end (End *end, GstZrtpCache *cache, const gchar *local_uri, const gchar *peer_uri)
{
  end->session = gst_zrtp_session_new ();
  g_object_set (end->session, "key-agreements", "X255", "hashes", "S256", "ciphers", "AES1",
      "local-uri", local_uri, "peer-uri", peer_uri, NULL);
  if (cache)
    g_object_set (end->session, "cache", cache, NULL);
  else
    g_object_set (end->session, "cache-location", "", NULL);
  end->stream = gst_zrtp_session_get_stream (end->session, "0");
  gst_zrtp_stream_start (end->stream, 0);
}

static void
close_end (End *end)
{
  gst_zrtp_stream_stop (end->stream);
  gst_object_unref (end->stream);
  gst_object_unref (end->session);
}

static gboolean
relay (End *from, End *to)
{
  GBytes *packet;
  gboolean any = FALSE;

  while ((packet = gst_zrtp_stream_poll_packet (from->stream))) {
    gsize size;
    const guint8 *data = g_bytes_get_data (packet, &size);

    gst_zrtp_stream_handle_packet (to->stream, data, size, 0);
    g_bytes_unref (packet);
    any = TRUE;
  }
  return any;
}

static void
call (GstZrtpCache *const cache[2])
{
  End a, b;

  open_end (&a, cache[0], ALICE, BOB);
  open_end (&b, cache[1], BOB, ALICE);
  while (relay (&a, &b) | relay (&b, &a))
    continue;
  g_assert_cmpint (gst_zrtp_stream_get_state (a.stream), ==, GST_ZRTP_STATE_SECURE);
  g_assert_cmpint (gst_zrtp_stream_get_state (b.stream), ==, GST_ZRTP_STATE_SECURE);
  close_end (&a);
  close_end (&b);
}

static guint64
count_calls (GstZrtpCache *cache)
{
  GList *records = gst_zrtp_cache_list (cache, NULL, 10, NULL);
  guint64 calls = 0;

  g_assert_cmpuint (g_list_length (records), ==, 1);
  g_object_get (records->data, "calls", &calls, NULL);
  g_list_free_full (records, g_object_unref);
  return calls;
}

typedef enum {
  NONE,
  MEMORY,
  SQLITE_MEMORY,
  SQLITE_ENCRYPTED,
  SQLITE_FILE,
  BZRTP_NONE,
  BZRTP_MEMORY,
  N_KINDS,
} Kind;

static const struct {
  const gchar *name;
  Kind without; /* what it is compared with */
} kinds[N_KINDS] = {
    [NONE] = {"none", NONE},
    [MEMORY] = {"memory", NONE},
    [SQLITE_MEMORY] = {"sqlite-memory", NONE},
    [SQLITE_ENCRYPTED] = {"sqlite-memory-encrypted", NONE},
    [SQLITE_FILE] = {"sqlite-file", NONE},
    [BZRTP_NONE] = {"bzrtp-none", BZRTP_NONE},
    [BZRTP_MEMORY] = {"bzrtp-sqlite-memory", BZRTP_NONE},
};

static void
make_caches (Kind kind, GstZrtpCache *cache[2])
{
  for (guint i = 0; i < 2; i++) {
    gchar *path = file_name (i ? "call-b" : "call-a");
    GBytes *key = kind == SQLITE_ENCRYPTED ? make_key () : NULL;

    if (kind == MEMORY)
      cache[i] = GST_ZRTP_CACHE (gst_zrtp_memory_cache_new ());
    else if (kind == SQLITE_MEMORY || kind == SQLITE_ENCRYPTED)
      cache[i] = open_cache (":memory:", key);
    else if (kind == SQLITE_FILE)
      cache[i] = open_cache (path, NULL);
    g_clear_pointer (&key, g_bytes_unref);
    g_free (path);
  }
}

static void
remove_call_files (void)
{
  gchar *a = file_name ("call-a"), *b = file_name ("call-b");

  remove_file (a);
  remove_file (b);
  g_free (a);
  g_free (b);
}

static gboolean
is_theirs (Kind kind)
{
  return kind == BZRTP_NONE || kind == BZRTP_MEMORY;
}

static void
call_of (Kind kind, GstZrtpCache *cache[2])
{
  if (is_theirs (kind))
    bzrtp_call (kind == BZRTP_MEMORY);
  else
    call (cache);
}

static double
time_calls (Kind kind, GstZrtpCache *cache[2], guint n)
{
  const double begin = cpu_us ();

  for (guint i = 0; i < n; i++)
    call_of (kind, cache);
  return (cpu_us () - begin) / n;
}

static void
print_call (Kind kind, double us[N_KINDS][MAX_ROUNDS])
{
  const guint rounds = (guint) options.rounds;

  g_print ("call %s us=%.1f", kinds[kind].name, median (us[kind], rounds));
  if (kinds[kind].without != kind)
    g_print (" cache_us=%.1f", median_difference (us[kind], us[kinds[kind].without], rounds));
  g_print ("\n");
}

static void
measure_calls (void)
{
  static double us[N_KINDS][MAX_ROUNDS];
  GstZrtpCache *cache[N_KINDS][2] = {{NULL}};
  const guint n_kinds = bzrtp_is_there () ? N_KINDS : BZRTP_NONE;
  const guint n = share (200);

  for (Kind kind = 0; kind < n_kinds; kind++) {
    make_caches (kind, cache[kind]);
    for (guint i = 0; i < 3; i++)
      call_of (kind, cache[kind]); /* so that it returns, and has rs2 */
  }
  for (guint r = 0; r < (guint) options.rounds; r++)
    for (Kind kind = 0; kind < n_kinds; kind++)
      us[kind][r] = time_calls (kind, cache[kind], n);
  for (Kind kind = 0; kind < n_kinds; kind++) {
    print_call (kind, us);
    for (guint i = 0; i < 2; i++) {
      /* all were stored, or it was not the cache that was measured */
      if (cache[kind][i])
        g_assert_cmpuint (count_calls (cache[kind][i]), ==, 3 + n * (guint) options.rounds);
      g_clear_object (&cache[kind][i]);
    }
  }
  bzrtp_end ();
  remove_call_files ();
}

/* --- Records ------------------------------------------------------------------------------------------------------- */

/* Peers in no order, the same in every run (the mixing function is splitmix64's). */
static GBytes *
peer_zid (guint64 i)
{
  guint64 octets[2];

  for (guint k = 0; k < 2; k++) {
    guint64 z = (2 * i + k + 1) * 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    octets[k] = z ^ (z >> 31);
  }
  return g_bytes_new (octets, ZID_SIZE);
}

static GBytes *
secret (guint64 i)
{
  guint8 octets[SECRET_SIZE];

  memset (octets, (int) (i & 0xff), sizeof octets);
  memcpy (octets, &i, sizeof i);
  return g_bytes_new (octets, sizeof octets);
}

static GstZrtpRecord *
make_record (GBytes *zid, GBytes *peer)
{
  GBytes *rs1 = secret (1), *rs2 = secret (2);
  GstZrtpRecord *record = gst_zrtp_record_new ();
  const gint64 now = g_get_real_time () / G_USEC_PER_SEC;

  g_object_set (record, "zid", zid, "peer-zid", peer, "local-uri", ALICE, "peer-uri", BOB, "name",
      "Bob, on his office phone", "rs1", rs1, "rs2", rs2, "sas-verified", TRUE, "first-seen", now,
      "last-seen", now, "calls", (guint64) CALLS, "algorithms", "X255 S256 AES1 GCM B32", NULL);
  g_bytes_unref (rs1);
  g_bytes_unref (rs2);
  return record;
}

static void
put (GstZrtpCache *cache, GstZrtpRecord *record)
{
  GError *error = NULL;

  if (!gst_zrtp_cache_put (cache, record, &error))
    g_error ("put: %s", error->message);
}

static GBytes *
zid_of (GstZrtpCache *cache)
{
  GError *error = NULL;
  GBytes *zid = gst_zrtp_cache_get_zid (cache, NULL, NULL, &error);

  if (!zid)
    g_error ("ZID: %s", error->message);
  return zid;
}

/* Its cache, with no more in it. */
static GstZrtpCache *
cache_of (GstZrtpRecord *record)
{
  GstZrtpCache *cache = GST_ZRTP_CACHE (gst_zrtp_memory_cache_new ());
  GError *error = NULL;
  GBytes *zid;

  g_object_get (record, "zid", &zid, NULL);
  if (!gst_zrtp_cache_set_zid (cache, NULL, NULL, zid, &error))
    g_error ("ZID: %s", error->message);
  put (cache, record);
  g_bytes_unref (zid);
  return cache;
}

/* What the other end knows. */
static GstZrtpRecord *
mirror (GstZrtpRecord *record)
{
  GstZrtpRecord *mirrored = gst_zrtp_record_copy (record);
  GBytes *zid, *peer;

  g_object_get (record, "zid", &zid, "peer-zid", &peer, NULL);
  g_object_set (mirrored, "zid", peer, "peer-zid", zid, "local-uri", BOB, "peer-uri", ALICE, NULL);
  g_bytes_unref (zid);
  g_bytes_unref (peer);
  return mirrored;
}

/* A file with a record about the first peer. */
static GstZrtpRecord *
begin_file (const gchar *path, GBytes *key)
{
  GstZrtpCache *cache = open_cache (path, key);
  GBytes *zid = zid_of (cache), *peer = peer_zid (0);
  GstZrtpRecord *record = make_record (zid, peer);

  put (cache, record);
  g_object_unref (cache);
  g_bytes_unref (zid);
  g_bytes_unref (peer);
  return record;
}

static guint
look_up (GstZrtpCache *cache, GBytes *zid, GBytes *peer)
{
  GError *error = NULL;
  GList *records = NULL;
  guint n;

  if (!gst_zrtp_cache_lookup (cache, zid, peer, &records, &error))
    g_error ("lookup: %s", error->message);
  n = g_list_length (records);
  g_list_free_full (records, g_object_unref);
  return n;
}

/* The only record of these two. */
static GstZrtpRecord *
find_record (GstZrtpCache *cache, GBytes *zid, GBytes *peer)
{
  GList *records = NULL;
  GstZrtpRecord *record;

  gst_zrtp_cache_lookup (cache, zid, peer, &records, NULL);
  g_assert_cmpuint (g_list_length (records), ==, 1);
  record = records->data;
  g_list_free (records);
  return record;
}

/* --- What calls do -------------------------------------------------------------------------------------------------- */

/* Calls, each of which continues the secret of the one before it. */
typedef struct {
  GPtrArray *changes, *rs1; /* what each did, and its secret */
} Calls;

static void
make_call (Calls *calls, HeldCache *ours, GstZrtpCache *theirs, GBytes *zid, GBytes *peer)
{
  GstZrtpCache *const cache[2] = {GST_ZRTP_CACHE (ours), theirs};
  GstZrtpRecord *record;
  GBytes *rs1;

  call (cache);
  g_assert_cmpuint (g_queue_get_length (ours->held), ==, 1);
  g_ptr_array_add (calls->changes, g_object_ref (held_cache_peek (ours->held)));
  held_cache_apply (ours, ours->held);
  record = find_record (ours->kept, zid, peer);
  g_object_get (record, "rs1", &rs1, NULL);
  g_ptr_array_add (calls->rs1, rs1);
  g_object_unref (record);
}

/* The first one continues the secret of `record`. */
static Calls *
calls_new (GstZrtpRecord *record, guint64 n)
{
  Calls *calls = g_new0 (Calls, 1);
  GstZrtpRecord *mirrored = mirror (record);
  GstZrtpCache *kept = cache_of (record), *theirs = cache_of (mirrored);
  HeldCache *ours = held_cache_new (kept);
  GQueue held = G_QUEUE_INIT;
  GBytes *zid, *peer;

  ours->held = &held;
  g_object_get (record, "zid", &zid, "peer-zid", &peer, NULL);
  calls->changes = g_ptr_array_new_with_free_func (g_object_unref);
  calls->rs1 = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  while (calls->changes->len < n)
    make_call (calls, ours, theirs, zid, peer);
  g_object_unref (ours);
  g_object_unref (kept);
  g_object_unref (theirs);
  g_object_unref (mirrored);
  g_bytes_unref (zid);
  g_bytes_unref (peer);
  return calls;
}

static void
calls_free (Calls *calls)
{
  g_ptr_array_unref (calls->changes);
  g_ptr_array_unref (calls->rs1);
  g_free (calls);
}

/* What the i-th call did, here with this peer. */
static void
store_call (Calls *calls, guint64 i, GstZrtpCache *cache, GBytes *zid, GBytes *peer)
{
  GError *error = NULL;

  if (!gst_zrtp_cache_update (cache, zid, peer, g_ptr_array_index (calls->changes, i), &error))
    g_error ("update: %s", error->message);
}

/* Each of the first `n` calls wrote the record of this peer, or it was no update that was measured. */
static void
check_stored (Calls *calls, guint64 n, GstZrtpCache *cache, GBytes *zid, GBytes *peer)
{
  GstZrtpRecord *record = find_record (cache, zid, peer);
  guint64 n_calls;
  GBytes *rs1;

  g_object_get (record, "calls", &n_calls, "rs1", &rs1, NULL);
  g_assert_cmpuint (n_calls, ==, CALLS + n);
  g_assert_true (g_bytes_equal (rs1, g_ptr_array_index (calls->rs1, n - 1)));
  g_bytes_unref (rs1);
  g_object_unref (record);
}

/* --- On disk --------------------------------------------------------------------------------------------------------- */

typedef struct {
  double wall[MAX_ROUNDS], cpu[MAX_ROUNDS];
} Times;

static void
time_begin (Times *times, guint i)
{
  times->wall[i] = -wall_us ();
  times->cpu[i] = -cpu_us ();
}

static void
time_end (Times *times, guint i, guint n)
{
  times->cpu[i] = (times->cpu[i] + cpu_us ()) / n;
  times->wall[i] = (times->wall[i] + wall_us ()) / n;
}

static void
print_against (const gchar *what, const Times *ours, const Times *floor, guint n)
{
  g_print ("disk %s ours_wall_us=%.1f floor_wall_us=%.1f wall_over_floor=%.2f ours_cpu_us=%.1f "
           "floor_cpu_us=%.1f cpu_over_floor=%.2f\n",
      what, median (ours->wall, n), median (floor->wall, n),
      median_ratio (ours->wall, floor->wall, n), median (ours->cpu, n), median (floor->cpu, n),
      median_ratio (ours->cpu, floor->cpu, n));
}

/* What calls do; in batches, so that cutting the log is in each. */
static void
measure_updates (GstZrtpCache *cache, Floor *floor, GstZrtpRecord *record, GBytes *floor_zid)
{
  static Times ours, bare;
  const guint n = MIN (share (4) * (guint) options.rounds, MAX_ROUNDS);
  Calls *calls = calls_new (record, n * BATCH);
  GBytes *peer = peer_zid (0), *zid;

  g_object_get (record, "zid", &zid, NULL);
  for (guint i = 0; i < n; i++) {
    time_begin (&ours, i);
    for (guint k = i * BATCH; k < (i + 1) * BATCH; k++)
      store_call (calls, k, cache, zid, peer);
    time_end (&ours, i, BATCH);
    time_begin (&bare, i);
    for (guint k = i * BATCH; k < (i + 1) * BATCH; k++)
      floor_update (floor, floor_zid, peer, g_ptr_array_index (calls->rs1, k));
    time_end (&bare, i, BATCH);
  }
  check_stored (calls, n * BATCH, cache, zid, peer);
  print_against ("update", &ours, &bare, n);
  calls_free (calls);
  g_bytes_unref (zid);
  g_bytes_unref (peer);
}

/* What users do: the floor too moves what was committed into the file, and cuts the log to nothing. */
static void
measure_removals (GstZrtpCache *cache, Floor *floor, GstZrtpRecord *record, GBytes *floor_zid)
{
  static Times ours, bare;
  const guint n = MIN (share (60) * (guint) options.rounds, MAX_ROUNDS);
  GBytes *peer = peer_zid (0);

  for (guint i = 0; i < n; i++) {
    GBytes *rs1 = secret (MAX_ROUNDS + i);

    g_object_set (record, "rs1", rs1, NULL);
    time_begin (&ours, i);
    put (cache, record);
    time_end (&ours, i, 1);
    time_begin (&bare, i);
    floor_update (floor, floor_zid, peer, rs1);
    floor_erase (floor);
    time_end (&bare, i, 1);
    g_bytes_unref (rs1);
  }
  print_against ("update-and-erase", &ours, &bare, n);
  g_bytes_unref (peer);
}

static void
measure_lookups (GstZrtpCache *cache, Floor *floor, GBytes *zid, GBytes *floor_zid)
{
  static Times ours, bare;
  const guint n = share (1000);
  GBytes *peer = peer_zid (0);

  for (guint r = 0; r < (guint) options.rounds; r++) {
    time_begin (&ours, r);
    for (guint i = 0; i < n; i++)
      g_assert_cmpuint (look_up (cache, zid, peer), ==, 1);
    time_end (&ours, r, n);
    time_begin (&bare, r);
    for (guint i = 0; i < n; i++)
      floor_lookup (floor, floor_zid, peer);
    time_end (&bare, r, n);
  }
  print_against ("lookup", &ours, &bare, (guint) options.rounds);
  g_bytes_unref (peer);
}

/* A file each, or they would wait for each other. */
static void
measure_disk (void)
{
  gchar *path = file_name ("disk-ours"), *floor_path = file_name ("disk-floor");
  GstZrtpRecord *record = begin_file (path, NULL), *floor_record = begin_file (floor_path, NULL);
  GstZrtpCache *cache = open_cache (path, NULL);
  Floor *floor = floor_open (floor_path);
  GBytes *zid, *floor_zid;

  g_object_get (record, "zid", &zid, NULL);
  g_object_get (floor_record, "zid", &floor_zid, NULL);
  measure_updates (cache, floor, record, floor_zid);
  measure_removals (cache, floor, record, floor_zid);
  measure_lookups (cache, floor, zid, floor_zid);
  floor_close (floor);
  g_object_unref (cache);
  g_object_unref (record);
  g_object_unref (floor_record);
  g_bytes_unref (zid);
  g_bytes_unref (floor_zid);
  remove_file (path);
  remove_file (floor_path);
  g_free (path);
  g_free (floor_path);
}

/* --- Few and many -------------------------------------------------------------------------------------------------------- */

typedef enum {
  LOOKUP,
  LOOKUP_UNKNOWN,
  LOOKUP_BY_HAND,
  UPDATE,
  OPEN,
  N_WORKS,
} Work;

static const gchar *const works[N_WORKS] = {
    "lookup", "lookup-unknown", "lookup-by-hand", "update", "open"};

typedef struct {
  gchar *path;
  GBytes *key, *zid;
  guint64 n;
  goffset size;
  GstZrtpCache *cache;
  Floor *floor;
  GstZrtpRecord *record;
  Times times[N_WORKS];
  Calls *calls; /* one for each time that an update comes round to the first peer */
  guint64 n_updates;
} Crowd;

static const guint usual[N_WORKS] = {2000, 2000, 2000, 3 * BATCH, 20};

static void
tell_progress (guint64 done, guint64 of)
{
  if (done % 100000 == 0)
    g_printerr ("%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " records\n", done, of);
}

static goffset
size_of (const gchar *path)
{
  GStatBuf info;

  if (g_stat (path, &info) != 0)
    g_error ("%s is not there", path);
  return info.st_size;
}

static Crowd *
crowd_new (const gchar *name, guint64 n, GBytes *key)
{
  Crowd *crowd = g_new0 (Crowd, 1);

  crowd->path = file_name (name);
  crowd->key = key;
  crowd->n = n;
  crowd->record = begin_file (crowd->path, key);
  g_object_get (crowd->record, "zid", &crowd->zid, NULL);
  crowd->floor = floor_open (crowd->path);
  floor_fill (crowd->floor, crowd->record, n, peer_zid, key, tell_progress);
  floor_close (crowd->floor);
  crowd->size = size_of (crowd->path);
  crowd->floor = floor_open (crowd->path);
  crowd->cache = open_cache (crowd->path, key);
  crowd->calls =
      calls_new (crowd->record, 1 + (guint64) options.rounds * share (usual[UPDATE]) / n);
  return crowd;
}

static void
crowd_free (Crowd *crowd)
{
  g_clear_object (&crowd->cache);
  calls_free (crowd->calls);
  g_object_unref (crowd->record);
  g_bytes_unref (crowd->zid);
  remove_file (crowd->path);
  g_free (crowd->path);
  g_free (crowd);
}

static void
look_up_one (Crowd *crowd, guint64 i, guint expected)
{
  GBytes *peer = peer_zid (i);

  g_assert_cmpuint (look_up (crowd->cache, crowd->zid, peer), ==, expected);
  g_bytes_unref (peer);
}

static void
look_up_by_hand (Crowd *crowd, guint64 i)
{
  GBytes *peer = peer_zid (i);

  floor_lookup (crowd->floor, crowd->zid, peer);
  g_bytes_unref (peer);
}

/* One peer after the other: their ZIDs are in no order. */
static void
update_next (Crowd *crowd)
{
  GBytes *peer = peer_zid (crowd->n_updates % crowd->n);

  store_call (crowd->calls, crowd->n_updates / crowd->n, crowd->cache, crowd->zid, peer);
  crowd->n_updates++;
  g_bytes_unref (peer);
}

static void
check_updates (Crowd *crowd)
{
  for (guint64 i = 0; i < MIN (crowd->n, crowd->n_updates); i++) {
    GBytes *peer = peer_zid (i);

    check_stored (
        crowd->calls, (crowd->n_updates - i - 1) / crowd->n + 1, crowd->cache, crowd->zid, peer);
    g_bytes_unref (peer);
  }
}

/* As a process that has one call does: opened, the ZID read, closed. */
static void
open_one (Crowd *crowd)
{
  GstZrtpCache *cache;
  GBytes *zid;

  g_clear_object (&crowd->cache);
  cache = open_cache (crowd->path, crowd->key);
  zid = zid_of (cache);
  g_assert_true (g_bytes_equal (zid, crowd->zid));
  g_bytes_unref (zid);
  crowd->cache = cache;
}

static void
do_work (Crowd *crowd, Work work, GRand *rand, guint n)
{
  for (guint i = 0; i < n; i++) {
    const guint64 who = (guint64) g_rand_int (rand) % crowd->n;

    if (work == LOOKUP)
      look_up_one (crowd, who, 1);
    else if (work == LOOKUP_UNKNOWN)
      look_up_one (crowd, crowd->n + who, 0);
    else if (work == LOOKUP_BY_HAND)
      look_up_by_hand (crowd, who);
    else if (work == UPDATE)
      update_next (crowd);
    else
      open_one (crowd);
  }
}

/* What is done first fills SQLite's cache of pages, and is not counted. */
static void
time_work (Crowd *crowd, Work work, guint round, GRand *rand)
{
  const guint n = share (usual[work]);

  if (round == 0)
    do_work (crowd, work, rand, work < UPDATE ? n : 1);
  time_begin (&crowd->times[work], round);
  do_work (crowd, work, rand, n);
  time_end (&crowd->times[work], round, n);
}

static void
print_scale (const gchar *name, Crowd *few, Crowd *many)
{
  const guint rounds = (guint) options.rounds;

  for (Work work = 0; work < N_WORKS; work++) {
    const Times *a = &few->times[work], *b = &many->times[work];

    g_print ("scale %s %s few_wall_us=%.1f many_wall_us=%.1f wall_ratio=%.2f few_cpu_us=%.1f "
             "many_cpu_us=%.1f cpu_ratio=%.2f\n",
        name, works[work], median (a->wall, rounds), median (b->wall, rounds),
        median_ratio (b->wall, a->wall, rounds), median (a->cpu, rounds), median (b->cpu, rounds),
        median_ratio (b->cpu, a->cpu, rounds));
  }
  g_print ("size %s few=%" G_GUINT64_FORMAT " many=%" G_GUINT64_FORMAT
           " file_octets=%" G_GOFFSET_FORMAT " octets_per_record=%.0f\n",
      name, few->n, many->n, many->size,
      (double) (many->size - few->size) / (double) (many->n - few->n));
}

static void
measure_scale (const gchar *name, GBytes *key)
{
  const guint64 n = (guint64) options.records;
  GRand *rand = g_rand_new_with_seed (1);
  Crowd *few = crowd_new ("few", MAX (n / 1000, 1), key), *many = crowd_new ("many", n, key);

  for (Work work = 0; work < N_WORKS; work++) {
    if (work == UPDATE) { /* nobody else has it open from here on */
      g_clear_pointer (&few->floor, floor_close);
      g_clear_pointer (&many->floor, floor_close);
    }
    for (guint r = 0; r < (guint) options.rounds; r++) {
      time_work (few, work, r, rand);
      time_work (many, work, r, rand);
    }
  }
  check_updates (few);
  check_updates (many);
  print_scale (name, few, many);
  crowd_free (few);
  crowd_free (many);
  g_rand_free (rand);
}

/* --- All -------------------------------------------------------------------------------------------------------------------- */

static gboolean
is_wanted (gchar **parts, const gchar *part)
{
  return !parts || g_strv_contains ((const gchar *const *) parts, part);
}

static void
measure (gchar **parts)
{
  GBytes *key = make_key ();

  if (is_wanted (parts, "call"))
    measure_calls ();
  if (is_wanted (parts, "disk"))
    measure_disk ();
  if (is_wanted (parts, "scale")) {
    measure_scale ("plain", NULL);
    measure_scale ("encrypted", key);
  }
  g_bytes_unref (key);
}

static gboolean
parse (int *argc, char ***argv, gchar ***parts, GError **error)
{
  const GOptionEntry entries[] = {
      {"rounds", 'r', 0, G_OPTION_ARG_INT, &options.rounds, "interleaved rounds (15)", "N"},
      {"percent", 'p', 0, G_OPTION_ARG_INT, &options.percent, "work a round, in % of the usual",
          "N"},
      {"records", 'n', 0, G_OPTION_ARG_INT, &options.records,
          "many records; few are a thousandth (1000000)", "N"},
      {"folder", 'f', 0, G_OPTION_ARG_FILENAME, &options.folder, "where the files are made",
          "FOLDER"},
      {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, parts, NULL, "[call] [disk] [scale]"},
      {NULL},
  };
  GOptionContext *context = g_option_context_new (NULL);
  gboolean ok;

  g_option_context_set_summary (context, "What the cache costs.");
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  ok = g_option_context_parse (context, argc, argv, error);
  g_option_context_free (context);
  return ok && options.rounds >= 1 && options.rounds <= MAX_ROUNDS && options.percent >= 1 &&
         options.records >= 2;
}

int
main (int argc, char **argv)
{
  gchar **parts = NULL, *pattern;
  GError *error = NULL;

  if (!parse (&argc, &argv, &parts, &error)) {
    g_printerr ("cache: %s\n", error ? error->message : "a number is out of its range");
    return 2;
  }
  pattern = g_build_filename (
      options.folder ? options.folder : g_get_tmp_dir (), "gst-zrtp-cache-XXXXXX", NULL);
  folder = g_mkdtemp (pattern);
  if (!folder) {
    g_printerr ("cache: %s cannot be made\n", pattern);
    return 1;
  }
  measure (parts);
  g_rmdir (folder);
  g_free (folder);
  g_strfreev (parts);
  return 0;
}
