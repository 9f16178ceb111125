/* What becomes of the secrets of two who call each other at the same time, are cut off, and have users who verify,
 * take back and forget: every interleaving of two calls, and long random walks against an oracle.
 *
 * Every call is a real one of two sessions. Only what they store is held back, and done in the order that the
 * test wants.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/cache/heldcache.h"
#include "tests/zrtp/hands.h"

enum {
  A,
  B,
  MAX_CALLS = 4000,
};

/* --- Two ends, and what is between them ------------------------------------------------------------------ */

/* A call whose key agreement is over, and whose stores wait. */
typedef struct {
  Call call;
  gboolean is_on;
  guint swapped;       /* A is call.b, who is the other role */
  HeldCache *cache[2]; /* of the two */
  GQueue held[2];
  GBytes *secret; /* that it made */
  gboolean mismatch[2], verified[2];
} Talk;

typedef struct {
  HeldCache *cache[2];
  HeldCache *mallory; /* somebody who says that his ZID is B's */
  const gchar *settings;
  Talk talk[4];
} World;

static End *
end_of (Talk *talk, guint e)
{
  return e == talk->swapped ? &talk->call.a : &talk->call.b;
}

static HeldCache *
new_cache (void)
{
  GstZrtpMemoryCache *memory = gst_zrtp_memory_cache_new ();
  HeldCache *cache = held_cache_new (GST_ZRTP_CACHE (memory));

  g_object_unref (memory);
  return cache;
}

static void
world_init (World *world, const gchar *settings)
{
  *world =
      (World){.cache = {new_cache (), new_cache ()}, .mallory = new_cache (), .settings = settings};
  world->mallory->zid = gst_zrtp_cache_get_zid (world->cache[B]->kept, NULL, NULL, NULL);
}

static void
talk_end (Talk *talk)
{
  if (!talk->is_on)
    return;
  for (guint e = A; e <= B; e++) {
    held_cache_drop (&talk->held[e]);
    talk->cache[e]->held = &talk->held[e];
  }
  call_clear (&talk->call);
  for (guint e = A; e <= B; e++) {
    talk->cache[e]->held = NULL;
    held_cache_drop (&talk->held[e]);
  }
  g_clear_pointer (&talk->secret, g_bytes_unref);
  talk->is_on = FALSE;
}

static void
world_clear (World *world)
{
  for (guint i = 0; i < G_N_ELEMENTS (world->talk); i++)
    talk_end (&world->talk[i]);
  for (guint e = A; e <= B; e++)
    g_object_unref (world->cache[e]);
  g_object_unref (world->mallory);
}

/* What a store would make of an empty cache is the secret of its call. */
static GBytes *
secret_of (GstZrtpChange *change)
{
  GList *records = change ? gst_zrtp_change_apply (change, NULL) : NULL;
  GBytes *secret = NULL;

  if (records)
    g_object_get (records->data, "rs1", &secret, NULL);
  g_list_free_full (records, g_object_unref);
  return secret;
}

/* A and whoever has the other cache look up, and agree on keys; what they store waits. */
static void
talk_begin_with (World *world, Talk *talk, guint swapped, HeldCache *other)
{
  talk_end (talk);
  talk->cache[A] = world->cache[A];
  talk->cache[B] = other;
  talk->is_on = TRUE;
  talk->swapped = swapped;
  call_init (&talk->call, 1, world->settings, world->settings);
  for (guint e = A; e <= B; e++) {
    g_queue_init (&talk->held[e]);
    talk->cache[e]->held = &talk->held[e];
    g_object_set (end_of (talk, e)->session, "cache", talk->cache[e], NULL);
  }
  call_talk (&talk->call);
  for (guint e = A; e <= B; e++) {
    talk->cache[e]->held = NULL;
    talk->mismatch[e] = get_flag (&end_of (talk, e)->line[0], "cache-mismatch");
    talk->verified[e] = get_flag (&end_of (talk, e)->line[0], "sas-verified");
    if (!talk->secret)
      talk->secret = secret_of (held_cache_peek (&talk->held[e]));
  }
}

static void
talk_begin (World *world, Talk *talk, guint swapped)
{
  talk_begin_with (world, talk, swapped, world->cache[B]);
}

static void
talk_store (Talk *talk, guint e)
{
  while (held_cache_apply (talk->cache[e], &talk->held[e]))
    continue;
}

/* What the user says comes after what the call stores by itself. */
static void
talk_say (Talk *talk, guint e, gboolean matches)
{
  talk->cache[e]->held = &talk->held[e];
  gst_zrtp_session_verify_sas (end_of (talk, e)->session, matches);
  talk->cache[e]->held = NULL;
  if (!talk->secret) /* after a mismatch at both ends it is not stored before */
    talk->secret = secret_of (held_cache_peek (&talk->held[e]));
  talk_store (talk, e);
}

/* A call from its beginning to its end. */
static void
talk_whole (World *world, Talk *talk, guint swapped)
{
  talk_begin (world, talk, swapped);
  talk_store (talk, A);
  talk_store (talk, B);
}

/* --- Users -------------------------------------------------------------------------------------------------- */

static GBytes *
zid_of (World *world, guint e)
{
  return gst_zrtp_cache_get_zid (world->cache[e]->kept, NULL, NULL, NULL);
}

/* What this cache has, as that of end `e`, of the other one. */
static GstZrtpRecord *
record_in (World *world, HeldCache *cache, guint e)
{
  GBytes *zid = zid_of (world, e), *peer_zid = zid_of (world, !e);
  GList *records = NULL;
  GstZrtpRecord *record;

  g_assert_true (gst_zrtp_cache_lookup (cache->kept, zid, peer_zid, &records, NULL));
  record = records ? g_object_ref (records->data) : NULL;
  g_assert_cmpuint (g_list_length (records), <=, 1);
  g_list_free_full (records, g_object_unref);
  g_bytes_unref (zid);
  g_bytes_unref (peer_zid);
  return record;
}

static GstZrtpRecord *
record_of (World *world, guint e)
{
  return record_in (world, world->cache[e], e);
}

static void
user_does (World *world, guint e, gchar what)
{
  GstZrtpCache *cache = world->cache[e]->kept;
  GstZrtpRecord *record = record_of (world, e);
  static guint names;
  gchar *name;

  if (!record)
    return;
  switch (what) {
    case 'u':
      g_assert_true (gst_zrtp_cache_verify (cache, record, FALSE, NULL));
      break;
    case 'n':
      name = g_strdup_printf ("Carol %u", names++);
      g_assert_true (gst_zrtp_cache_rename (cache, record, "Bob", NULL));
      g_assert_true (gst_zrtp_cache_rename (cache, record, name, NULL));
      g_free (name);
      break;
    case 'f':
      g_assert_true (gst_zrtp_cache_forget (cache, record, NULL));
      break;
    case 'e':
      g_object_set (record, "expires", (gint64) 1, NULL);
      g_assert_true (gst_zrtp_cache_put (cache, record, NULL));
      break;
    default:
      g_assert_not_reached ();
  }
  g_object_unref (record);
}

/* --- Scripts --------------------------------------------------------------------------------------------------
 *
 * A word each: "1" to "3" begin a call, "A1" lets A store it, "+A1" and "-A1" are what A's user says of its SAS,
 * "uA" takes the verified flag back, "nA" renames, "fA" forgets, "eA" lets it expire.
 */

static void
run_word (World *world, const gchar *word)
{
  const gchar *end = strpbrk (word, "AB");
  const guint e = end ? *end - 'A' : 0;
  Talk *talk = end && end[1] ? &world->talk[end[1] - '0'] : NULL;

  if (!end)
    talk_begin (world, &world->talk[*word - '0'], *word == '2');
  else if (!talk)
    user_does (world, e, *word);
  else if (*word == '+' || *word == '-')
    talk_say (talk, e, *word == '+');
  else
    talk_store (talk, e);
}

static void
run_script (World *world, const gchar *script)
{
  gchar **words = g_strsplit (script, " ", -1);

  for (guint i = 0; words[i]; i++)
    if (*words[i])
      run_word (world, words[i]);
  g_strfreev (words);
}

/* How a further call finds the two: "AB" for those to whom it is verified, "!" after one who misses the secret. */
static gchar *
look_at_next_call (World *world)
{
  GString *text = g_string_new (NULL);
  Talk *next = &world->talk[0];

  talk_whole (world, next, 0);
  for (guint e = A; e <= B; e++) {
    if (next->verified[e])
      g_string_append_c (text, 'A' + e);
    if (next->mismatch[e])
      g_string_append_printf (text, "%c!", 'a' + e);
  }
  return g_string_free (text, FALSE);
}

typedef struct {
  const gchar *script, *next;  /* "x|y": by who becomes the initiator */
  const gchar *next_preshared; /* if that is another */
} Row;

static const gchar two_calls[] = "1 A1 B1 +A1 +B1 2 A2 B2 ";

static void
check_row (const Row *row, const gchar *before, const gchar *settings)
{
  const gboolean other = *settings && row->next_preshared;
  const gchar *expected = other ? row->next_preshared : row->next;
  gchar **either = g_strsplit (expected, "|", -1);
  World world;
  gchar *next;

  world_init (&world, settings);
  run_script (&world, before);
  run_script (&world, row->script);
  next = look_at_next_call (&world);
  if (!g_str_equal (next, expected) && !g_strv_contains ((const gchar *const *) either, next))
    g_error ("after \"%s%s\" (%s) the next call is \"%s\", not \"%s\"", before, row->script,
        settings, next, expected);
  g_free (next);
  g_strfreev (either);
  world_clear (&world);
}

/* --- Users in the middle of calls ---------------------------------------------------------------------------- */

/* Two who know each other and have verified it. */
static void
test_users (void)
{
  static const Row rows[] = {
      {"", "AB"},
      {"1 A1 B1", "AB"},
      /* one end is cut off */
      {"1 B1", "AB"},
      {"1 A1", "AB"},
      {"1 B1 2 B2 3 B3", "AB"},
      /* taken back during the call, and compared again */
      {"1 uA A1 B1", ""},
      {"1 A1 B1 uA", ""},
      {"1 A1 uA B1 +A1", "AB"},
      {"1 uA A1 B1 +A1", "AB"},
      {"1 uB B1 A1", ""},
      /* another name is another person */
      {"1 nA A1 B1", ""},
      {"1 A1 B1 nA +A1", "AB"},
      /* what is removed does not come back, and the other end notices */
      {"fA", "b!"},
      {"1 fA A1 B1", ""},
      {"1 fA A1", "a!b!"},
      {"1 A1 B1 fA", "b!"},
      {"1 A1 B1 fA +A1", "AB"},
      {"1 eA A1 B1", ""},
      {"fA fB", ""},
      /* it does not match: the flag goes, the secret of the call goes, and so do those that continue it */
      {"1 A1 B1 -A1", ""},
      {"1 A1 B1 -A1 -B1", ""},
      {"1 A1 -A1 B1", ""},
      {"1 A1 B1 -A1 +A1", ""},
      {"1 A1 B1 2 -A1 A2 B2", "a!b!", ""},
      {"1 A1 B1 2 A2 B2 -A1", ""},
      {"1 fA A1 -A1", "b!"},
      {"1 A1 B1 fA +A1 -A1", "b!"},
      /* of two at the same time */
      {"1 2 A1 B1 -A1 A2 B2", ""},
      {"1 2 A1 A2 B2 B1 -A1 -B1", ""},
      {"1 2 uA A1 A2 B1 B2", ""},
      {"1 2 A1 uA A2 B1 B2", ""},
      {"1 2 A1 B1 fA A2 B2", "a!b!"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    check_row (&rows[i], two_calls, "");
    check_row (&rows[i], two_calls, "allow-preshared=true");
  }
}

/* What the user says of a record is said of the secret that it had when he saw it. */
static void
test_wish_is_of_what_was_seen (void)
{
  World world;
  GstZrtpRecord *seen, *now;
  gboolean verified[2];

  world_init (&world, "");
  run_script (&world, "1 A1 B1");
  seen = record_of (&world, A);
  for (guint calls = 1; calls < 4; calls++) {
    g_assert_true (gst_zrtp_cache_verify (world.cache[A]->kept, seen, TRUE, NULL));
    now = record_of (&world, A);
    g_object_get (now, "sas-verified", &verified[0], "rs2-verified", &verified[1], NULL);
    g_assert_cmpint (verified[0], ==, calls == 1);
    g_assert_cmpint (verified[1], ==, calls == 2);
    g_assert_true (gst_zrtp_cache_verify (world.cache[A]->kept, now, FALSE, NULL));
    g_object_unref (now);
    run_script (&world, "2 A2 B2");
  }
  g_object_unref (seen);
  world_clear (&world);
}

/* Two who meet for the first time. */
static void
test_strangers (void)
{
  static const Row rows[] = {
      {"1 A1 B1", ""},
      {"1 A1 B1 +A1 +B1", "AB"},
      {"1 A1 B1 +A1", ""},
      {"1 2 A1 A2 B2 B1", ""},
      /* the one that was compared counts, not the one that was stored last */
      {"1 2 A1 A2 B2 B1 +A1 +B1", "AB"},
      {"1 2 A1 A2 B2 B1 +A2 +B2", "AB"},
      {"1 2 A1 +A1 A2 B2 B1 +B1", "AB"},
      /* each has compared another one: what is common is not what the responder trusts */
      {"1 2 A1 A2 B1 B2 +A1 +B2", "a!|b!"},
      {"1 A1 B1 2 3 A2 B3 A3 B2 +A2 +B2", "AB"},
      {"1 A1 B1 2 3 A2 B3 A3 B2 +A3 +B3", "AB"},
      {"1 A1 B1 2 3 A2 B3 A3 B2 +A3 +B2", "a!b!"}, /* likewise */
      /* compared in a call that others have come after */
      {"1 A1 B1 2 A2 B2 +A1 +B1", "AB"},
      {"1 A1 B1 2 A2 B2 3 A3 B3 +A1 +B1", "AB"},
      {"1 A1 B1 2 A2 B2 3 A3 B3 +A1", "a!"}, /* by A only: B has it no more */
      /* The Two Generals in their first call: nothing is common yet. */
      {"1 B1", "b!"},
      /* which both settle by comparing */
      {"1 B1 2 A2 B2 +B2 +A2", "AB"},
      {"1 B1 2 A2 B2 +A2", "a!b!"},
      {"1 B1 2 B2 -B2", "b!"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    check_row (&rows[i], "", "");
}

/* --- All interleavings of two calls ---------------------------------------------------------------------------- */

/* Where each of "A1 B1 A2 B2" stands, as digits of `order` to the base of 5; 4 = never. */
static gboolean
make_order (guint order, guint n_stores, gchar *script)
{
  static const gchar *const stores[] = {" A1", " B1", " A2", " B2"};
  guint used = 0;

  *script = '\0';
  for (guint i = 0; i < n_stores; i++, order /= 4) {
    if (used & 1u << order % 4)
      return FALSE;
    used |= 1u << order % 4;
    strcat (script, stores[order % 4]);
  }
  return TRUE;
}

static void
check_orders (const gchar *before, const gchar *settings, const gchar *next)
{
  gchar order[16], script[64];

  for (guint n = 0; n <= 4; n++)
    for (guint i = 0; i < 1u << 2 * n; i++)
      if (make_order (i, n, order)) {
        const Row row = {script, next};

        g_snprintf (script, sizeof script, "1 2%s", order);
        check_row (&row, before, settings);
      }
}

/* Whatever is stored, in whatever order, and whatever never is: the next call has a secret in common, and
 * what was verified is. */
static void
test_interleavings (void)
{
  check_orders ("1 A1 B1 +A1 +B1", "", "AB"); /* rs1 only */
  check_orders (two_calls, "", "AB");         /* rs1 and rs2 */
  check_orders ("1 A1 B1 2 A2 B2", "", "");
  check_orders ("1 A1 B1 +A1 +B1 2 B2", "", "AB"); /* rs2 is the common one */
  check_orders ("1 A1 B1 +A1 +B1 2 A2 B2 3 B3", "", "AB");
}

static void
test_interleavings_preshared (void)
{
  check_orders (two_calls, "allow-preshared=true", "AB");
  check_orders ("1 A1 B1 +A1 +B1 2 A2 B2 3 B3", "allow-preshared=true", "AB");
}

/* One call hangs while others come and go. */
static void
test_late_call (void)
{
  static const Row rows[] = {
      {"1 2 A2 B2 3 A3 B3 B1", "AB"},
      {"1 2 A2 B2 3 A3 B3 A1 B1", "AB"},
      {"1 2 A2 B2 3 A3 A1 B1 B3", "AB"},
      {"1 2 A2 B2 3 A3 A1", "AB"},
      {"1 2 A2 B2 3 A1 A3 B3 B1", "AB"},
      {"1 2 3 A1 B2 A3 B1 A2 B3", "AB"},
      /* the third continues the first, which the second, that began before, has put out */
      {"1 A1 2 B1 3 A2 B3 A3", "AB"},
      {"1 A1 2 B1 3 A2 B3 A3 B2", "AB"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    check_row (&rows[i], two_calls, "");
}

/* --- A man in the middle --------------------------------------------------------------------------------------- */

/* Words as in scripts; "m" begins a call of A with somebody who has copied B's ZID. */
static void
run_forged (World *world, const gchar *script)
{
  gchar **words = g_strsplit (script, " ", -1);

  for (guint i = 0; words[i]; i++)
    if (*words[i] == 'm')
      talk_begin_with (world, &world->talk[words[i][1] - '0'], 0, world->mallory);
    else
      run_word (world, words[i]);
  g_strfreev (words);
}

/* Whether A keeps the secret of that call. */
static gboolean
is_kept (World *world, GBytes *secret)
{
  GstZrtpRecord *record = record_of (world, A);
  gboolean kept = FALSE;
  GBytes *rs[2];

  g_object_get (record, "rs1", &rs[0], "rs2", &rs[1], NULL);
  for (guint i = 0; i < 2; i++) {
    kept |= rs[i] && g_bytes_equal (rs[i], secret);
    g_clear_pointer (&rs[i], g_bytes_unref);
  }
  g_object_unref (record);
  return kept;
}

/* A secret that did not match goes on as rs2 if it is verified when the SAS of the next was compared: not what the user
 * has taken back meanwhile. */
static void
test_taken_back_in_mismatch (void)
{
  for (guint taken_back = 0; taken_back < 2; taken_back++) {
    GBytes *old;
    World world;

    world_init (&world, "");
    run_script (&world, "1 A1 B1 +A1");
    old = g_bytes_ref (world.talk[1].secret);
    run_forged (&world, "m2");
    g_assert_true (world.talk[2].mismatch[A]);
    run_forged (&world, taken_back ? "uA +A2" : "+A2");
    g_assert_true (is_kept (&world, world.talk[2].secret));
    g_assert_cmpint (is_kept (&world, old), ==, !taken_back);
    g_bytes_unref (old);
    world_clear (&world);
  }
}

/* He was there in a call that nobody compared, or holds one back until somebody has. Then he is back: A is alarmed, and
 * what she has verified stays. */
static void
test_man_in_the_middle (void)
{
  static const struct {
    const gchar *script;
    gboolean is_kept; /* his secret */
  } rows[] = {
      /* he was first; a mismatch, which they settle */
      {"m1 A1 B1 2 A2 B2 +A2 +B2", FALSE},
      /* held back from before they met */
      {"m1 B1 2 A2 B2 +A2 +B2 A1", FALSE},
      {"m1 B1 2 A2 B2 +A2 +B2 3 A3 B3 A1", FALSE},
      /* both are kept, then one is compared */
      {"m1 B1 2 A2 B2 A1 +A2 +B2", TRUE},
      {"m1 2 A1 B1 A2 B2 +A2 +B2", TRUE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    for (guint again = 0; again < 2; again++) {
      World world;
      Talk *talk = &world.talk[0];

      world_init (&world, "");
      run_forged (&world, rows[i].script);
      g_assert_cmpint (is_kept (&world, world.talk[1].secret), ==, rows[i].is_kept);
      for (guint times = 0; times <= again; times++) {
        run_forged (&world, "m0");
        g_assert_true (talk->mismatch[A]);
        g_assert_false (talk->verified[A]);
        run_forged (&world, "A0 B0");
      }
      talk_whole (&world, talk, 0);
      g_assert_true (talk->verified[A] && talk->verified[B]);
      g_assert_false (talk->mismatch[A] || talk->mismatch[B]);
      world_clear (&world);
    }
}

/* --- Random walks --------------------------------------------------------------------------------------------- */

/* Who said what of which secret, and which secret continues which. */
typedef struct {
  GBytes *secret;
  gint parent;
  guint compared[2]; /* when, 0 = never */
} Known;

typedef struct {
  World world;
  GRand *rand;
  guint time, epoch[2]; /* what was said before counts no more */
  Known known[MAX_CALLS];
  gint number[4]; /* of the calls that go on */
  guint n_known, n_calls, n_mismatches, n_verified;
  GQueue stores; /* of those calls, as call * 2 + end */
} Walk;

static gint
find_known (Walk *walk, GBytes *secret)
{
  for (gint i = walk->n_known - 1; secret && i >= 0; i--)
    if (g_bytes_equal (walk->known[i].secret, secret))
      return i;
  return -1;
}

static gboolean
is_blessed (Walk *walk, guint e, gint i)
{
  for (; i >= 0; i = walk->known[i].parent)
    if (walk->known[i].compared[e] > walk->epoch[e])
      return TRUE;
  return FALSE;
}

/* The cache claims nothing that no user said. */
static void
check_flags (Walk *walk, guint e)
{
  GstZrtpRecord *record = record_of (&walk->world, e);
  GBytes *secret[2];
  gboolean verified[2];

  if (!record)
    return;
  g_object_get (record, "rs1", &secret[0], "rs2", &secret[1], "sas-verified", &verified[0],
      "rs2-verified", &verified[1], NULL);
  for (guint i = 0; i < 2; i++) {
    g_assert_true (secret[i] || !verified[i]);
    if (secret[i])
      g_assert_cmpint (find_known (walk, secret[i]), >=, 0);
    if (verified[i]) {
      g_assert_true (is_blessed (walk, e, find_known (walk, secret[i])));
      walk->n_verified++;
    }
    g_clear_pointer (&secret[i], g_bytes_unref);
  }
  g_object_unref (record);
}

static void
read_secrets (World *world, HeldCache *cache, guint e, GBytes *secret[2])
{
  GstZrtpRecord *record = record_in (world, cache, e);

  secret[0] = secret[1] = NULL;
  if (record)
    g_object_get (record, "rs1", &secret[0], "rs2", &secret[1], NULL);
  g_clear_object (&record);
}

/* The secret that a call between these two continues, §4.3: the initiator's first one that the responder has. */
static gint
find_parent (Walk *walk, GBytes *initiator[2], GBytes *responder[2])
{
  for (guint i = 0; i < 2; i++)
    for (guint r = 0; r < 2; r++)
      if (initiator[i] && responder[r] && g_bytes_equal (initiator[i], responder[r]))
        return find_known (walk, initiator[i]);
  return -1;
}

static void
walk_know (Walk *walk, guint slot, gint parent)
{
  Talk *talk = &walk->world.talk[slot];

  if (!talk->secret || walk->number[slot] >= 0)
    return;
  g_assert_cmpuint (walk->n_known, <, MAX_CALLS);
  walk->number[slot] = walk->n_known++;
  walk->known[walk->number[slot]] = (Known){.secret = g_bytes_ref (talk->secret), .parent = parent};
}

static void
walk_begin_with (Walk *walk, guint slot, HeldCache *other)
{
  Talk *talk = &walk->world.talk[slot];
  GBytes *secret[2][2];
  guint initiator;

  read_secrets (&walk->world, walk->world.cache[A], A, secret[A]);
  read_secrets (&walk->world, other, B, secret[B]);
  talk_begin_with (&walk->world, talk, g_rand_int_range (walk->rand, 0, 2), other);
  initiator = g_str_equal (get_field (&end_of (talk, A)->line[0], "role"), "initiator") ? A : B;
  walk->number[slot] = -1;
  walk_know (walk, slot, find_parent (walk, secret[initiator], secret[!initiator]));
  walk->n_calls++;
  walk->n_mismatches += talk->mismatch[A] || talk->mismatch[B];
  for (guint e = A; e <= B; e++)
    for (guint i = 0; i < 2; i++)
      g_clear_pointer (&secret[e][i], g_bytes_unref);
}

static void
walk_begin (Walk *walk, guint slot)
{
  walk_begin_with (walk, slot, walk->world.cache[B]);
}

/* What is verified, NULL if nothing is. */
static GBytes *
verified_rs1 (World *world, guint e)
{
  GstZrtpRecord *record = record_of (world, e);
  GBytes *secret = NULL;
  gboolean verified = FALSE;

  if (record)
    g_object_get (record, "rs1", &secret, "sas-verified", &verified, NULL);
  if (!verified)
    g_clear_pointer (&secret, g_bytes_unref);
  g_clear_object (&record);
  return secret;
}

/* What the man in the middle makes us store puts nothing out that was verified. */
static void
walk_store (Walk *walk, guint slot, guint e)
{
  Talk *talk = &walk->world.talk[slot];
  const gboolean is_forged = talk->is_on && talk->cache[B] == walk->world.mallory && e == A;
  GBytes *before = is_forged ? verified_rs1 (&walk->world, A) : NULL, *after;

  talk_store (talk, e);
  check_flags (walk, e);
  if (!before)
    return;
  after = verified_rs1 (&walk->world, A);
  g_assert_true (after && g_bytes_equal (before, after));
  g_bytes_unref (before);
  g_bytes_unref (after);
}

static void
walk_say (Walk *walk, guint slot, guint e, gboolean matches)
{
  Talk *talk = &walk->world.talk[slot];

  if (!talk->is_on)
    return;
  if (talk->cache[B] == walk->world.mallory) {
    if (e == B) {
      talk_say (talk, B, TRUE); /* he says everything */
      return;
    }
    matches = FALSE; /* and A's user hears that it is not the same */
  }
  walk->time++;
  talk_say (talk, e, matches);
  walk_know (walk, slot, -1);
  if (!matches)
    walk->epoch[e] = walk->time;
  else if (walk->number[slot] >= 0)
    walk->known[walk->number[slot]].compared[e] = walk->time;
  check_flags (walk, e);
}

static void
walk_user (Walk *walk, guint e, gchar what)
{
  walk->epoch[e] = ++walk->time;
  user_does (&walk->world, e, what);
  check_flags (walk, e);
}

static void
walk_init (Walk *walk, guint seed, const gchar *settings)
{
  memset (walk, 0, sizeof *walk);
  world_init (&walk->world, settings);
  walk->rand = g_rand_new_with_seed (seed);
  g_queue_init (&walk->stores);
}

static void
walk_clear (Walk *walk)
{
  world_clear (&walk->world);
  for (guint i = 0; i < walk->n_known; i++)
    g_bytes_unref (walk->known[i].secret);
  g_rand_free (walk->rand);
  g_queue_clear (&walk->stores);
}

static guint
pick (Walk *walk, guint n)
{
  return g_rand_int_range (walk->rand, 0, n);
}

/* `n` calls begin together; each store happens in any order, or, at one end, never. Two users who can hear each other have
 * both stored; they both compare, or neither. */
static void
walk_round (Walk *walk, guint n, gboolean may_be_cut_off)
{
  guint n_stored[2] = {0, 0};

  for (guint slot = 0; slot < n; slot++) {
    const guint cut_off = may_be_cut_off ? pick (walk, 6) : G_MAXUINT;

    walk_begin (walk, slot);
    for (guint e = A; e <= B; e++)
      if (e != cut_off)
        g_queue_push_nth (&walk->stores, GUINT_TO_POINTER (2 * slot + e),
            pick (walk, g_queue_get_length (&walk->stores) + 1));
  }
  while (!g_queue_is_empty (&walk->stores)) {
    const guint store = GPOINTER_TO_UINT (g_queue_pop_head (&walk->stores)), slot = store / 2;

    walk_store (walk, slot, store % 2);
    if (++n_stored[slot] == 2 && pick (walk, 3) == 0)
      for (guint e = A; e <= B; e++)
        walk_say (walk, slot, e, TRUE);
  }
}

/* Honest ends, one call or two at a time, cut off now and then: never a false alarm. */
static void
walk_honestly (const gchar *settings, guint seed)
{
  static Walk walk; /* large */

  walk_init (&walk, seed, settings);
  walk_round (&walk, 1, FALSE);
  for (guint i = 0; i < 400; i++) {
    walk_round (&walk, 1 + pick (&walk, 2), TRUE);
    g_assert_cmpuint (walk.n_mismatches, ==, 0);
  }
  g_assert_cmpuint (walk.n_verified, >, 400);
  walk_clear (&walk);
}

static void
test_honest_walk (void)
{
  for (guint seed = 0; seed < 4; seed++) {
    walk_honestly ("", seed);
    walk_honestly ("allow-preshared=true", seed);
  }
}

/* Anything goes: three calls at once, users who change their minds, a man in the middle. What is said to be verified
 * is. */
static void
walk_wildly (const gchar *settings, guint seed)
{
  static const gchar chances[] = "w-mm++++++ccccccccccc";
  static Walk walk;

  walk_init (&walk, seed, settings);
  for (guint i = 0; i < 1500; i++) {
    const guint chance = pick (&walk, 60), slot = pick (&walk, 3), e = pick (&walk, 2);

    switch (chance < strlen (chances) ? chances[chance] : 's') {
      case 'w':
        walk_user (&walk, e, "unfe"[pick (&walk, 4)]);
        break;
      case 'm':
        walk_begin_with (&walk, slot, walk.world.mallory);
        break;
      case 'c':
        walk_begin (&walk, slot);
        break;
      case 's':
        walk_store (&walk, slot, e);
        break;
      default:
        walk_say (&walk, slot, e, chances[chance] == '+');
    }
  }
  g_assert_cmpuint (walk.n_verified, >, 100);
  g_test_message ("%u calls, %u with a mismatch", walk.n_calls, walk.n_mismatches);
  walk_clear (&walk);
}

static void
test_wild_walk (void)
{
  for (guint seed = 0; seed < 6; seed++) {
    walk_wildly ("", seed);
    walk_wildly ("allow-preshared=true", seed);
  }
}

int
main (int argc, char *argv[])
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cache/change/users", test_users);
  g_test_add_func ("/cache/change/wish-is-of-what-was-seen", test_wish_is_of_what_was_seen);
  g_test_add_func ("/cache/change/strangers", test_strangers);
  g_test_add_func ("/cache/change/interleavings", test_interleavings);
  g_test_add_func ("/cache/change/interleavings-preshared", test_interleavings_preshared);
  g_test_add_func ("/cache/change/late-call", test_late_call);
  g_test_add_func ("/cache/change/man-in-the-middle", test_man_in_the_middle);
  g_test_add_func ("/cache/change/taken-back-in-mismatch", test_taken_back_in_mismatch);
  g_test_add_func ("/cache/change/honest-walk", test_honest_walk);
  g_test_add_func ("/cache/change/wild-walk", test_wild_walk);
  return g_test_run ();
}
