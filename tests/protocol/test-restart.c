/* A peer that begins anew on a secure stream (restart.c): the same one after a restart, another one that the
 * application announced, and those who want to be one of them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/protocol/forgery.h"

#include <malloc.h>
#include <string.h>

/* Alice stays; Bob is the one who comes again. */

/* --- Freed memory: the linker routes every free() of ours here, see meson.build --------------------------- */

void __real_free (void *block);
void __wrap_free (void *block);

static struct {
  uint8_t octets[32][16];
  unsigned n;
  unsigned found; /* how often, in freed memory */
} needles;

void
__wrap_free (void *block)
{
  for (unsigned i = 0; block && i < needles.n; i++)
    if (memmem (block, malloc_usable_size (block), needles.octets[i], 16))
      needles.found++;
  __real_free (block);
}

static void
look_for (const uint8_t *octets)
{
  g_assert_cmpuint (needles.n, <, G_N_ELEMENTS (needles.octets));
  memcpy (needles.octets[needles.n++], octets, 16);
}

/* --- Calls ----------------------------------------------------------------------------------------------------- */

enum {
  N = 2 /* streams at most */
};

typedef struct {
  Pair stream[N];
  unsigned n;
  uint8_t zrtpsess[32], sashash[32], exported[16]; /* Alice's, before */
  char sas[32];
  ZrtpSrtpKey send_key[N], receive_key[N];
} Call;

static void
call_run (Call *call, uint64_t duration)
{
  streams_run (call->stream, call->n, call->stream[0].now + duration);
}

static void
call_settle (Call *call)
{
  streams_settle (call->stream, call->n);
}

static PairEnd *
alice_of (Call *call)
{
  return &call->stream[0].end[ALICE];
}

/* What Alice has now, to be compared later. */
static void
note_state (Call *call)
{
  const ZrtpCall *alices = alice_of (call)->call;

  memcpy (call->zrtpsess, alices->zrtpsess, 32);
  memcpy (call->sashash, zrtp_call_get_sashash (alices), 32);
  g_assert_true (zrtp_call_export_key (alices, "x", call->exported, 16));
  strcpy (call->sas, alice_of (call)->secure.sas);
  for (unsigned i = 0; i < call->n; i++) {
    call->send_key[i] = call->stream[i].end[ALICE].send_key;
    call->receive_key[i] = call->stream[i].end[ALICE].receive_key;
    for (unsigned e = 0; e < 2; e++)
      call->stream[i].end[e].n_told = 0;
  }
}

static void
assert_keys_are_old (const Call *call, unsigned stream)
{
  const PairEnd *alice = &call->stream[stream].end[ALICE];

  g_assert_cmpmem (
      &alice->send_key, sizeof (ZrtpSrtpKey), &call->send_key[stream], sizeof (ZrtpSrtpKey));
  g_assert_cmpmem (
      &alice->receive_key, sizeof (ZrtpSrtpKey), &call->receive_key[stream], sizeof (ZrtpSrtpKey));
}

/* Nothing of Alice's has changed. */
static void
assert_untouched (Call *call)
{
  const ZrtpCall *alices = alice_of (call)->call;
  uint8_t exported[16];

  g_assert_cmpmem (alices->zrtpsess, 32, call->zrtpsess, 32);
  g_assert_cmpmem (zrtp_call_get_sashash (alices), 32, call->sashash, 32);
  g_assert_true (zrtp_call_export_key (alices, "x", exported, 16));
  g_assert_cmpmem (exported, 16, call->exported, 16);
  g_assert_cmpstr (alices->sas, ==, call->sas);
  for (unsigned i = 0; i < call->n; i++) {
    const PairEnd *alice = &call->stream[i].end[ALICE];

    g_assert_cmpint (pair_state (&call->stream[i], ALICE), ==, ZRTP_STATE_SECURE);
    assert_keys_are_old (call, i);
    g_assert_cmpuint (alice->n_events[ZRTP_EVENT_SECURE], ==, 1);
    g_assert_cmpuint (alice->n_events[ZRTP_EVENT_DROP_KEYS], ==, 0);
    g_assert_cmpuint (alice->n_events[ZRTP_EVENT_FAILED], ==, 0);
  }
}

static void
call_init (Call *call, unsigned n, uint64_t seed)
{
  memset (call, 0, sizeof *call);
  pair_init (&call->stream[0], seed);
  call->n = n;
  for (unsigned e = 0; e < 2; e++) {
    call->stream[0].end[e].config.cache_expiry = 0xffffffff;
    call->stream[0].end[e].record_is_bobs = e == ALICE;
  }
}

static void
call_start (Call *call)
{
  const unsigned n = call->n;

  pair_start (&call->stream[0], BOTH);
  streams_settle (call->stream, 1);
  for (unsigned i = 1; i < n; i++) {
    pair_init_stream (&call->stream[i], &call->stream[0], 100 + i);
    pair_start (&call->stream[i], BOTH);
    streams_settle (call->stream, i + 1);
  }
  for (unsigned i = 0; i < n; i++)
    g_assert_cmpint (pair_state (&call->stream[i], ALICE), ==, ZRTP_STATE_SECURE);
  note_state (call);
}

static void
call_begin (Call *call, unsigned n, uint64_t seed)
{
  call_init (call, n, seed);
  call_start (call);
}

static void
call_clear (Call *call)
{
  while (call->n > 0)
    pair_clear (&call->stream[--call->n]);
}

/* Bob's program is gone, and another one begins in his place: with this ZID, and with what is in his
 * cache. Not started yet. */
static void
replace_bob (Call *call, uint8_t zid_octet)
{
  PairEnd *first = &call->stream[0].end[BOB];
  uint8_t zid[ZRTP_ZID_SIZE];

  memset (zid, zid_octet, sizeof zid);
  for (unsigned i = 0; i < call->n; i++)
    zrtp_engine_free (call->stream[i].end[BOB].engine);
  zrtp_call_free (first->call);
  first->call = zrtp_call_new (&first->crypto, zid);
  for (unsigned i = 0; i < call->n; i++) {
    PairEnd *bob = &call->stream[i].end[BOB];

    bob->call = first->call;
    bob->engine = zrtp_engine_new (bob->call, &bob->config);
    bob->any_sent = false;
    memset (bob->n_events, 0, sizeof bob->n_events);
    memset (bob->n_sent, 0, sizeof bob->n_sent);
    bob->n_told = 0;
    memset (&bob->send_key, 0, sizeof bob->send_key);
    memset (&bob->receive_key, 0, sizeof bob->receive_key);
  }
}

static void
start_bob (Call *call)
{
  for (unsigned i = 0; i < call->n; i++)
    zrtp_engine_start (call->stream[i].end[BOB].engine, call->stream[i].now);
}

static void
restart_bob (Call *call)
{
  replace_bob (call, 0xa1);
  start_bob (call);
}

/* The cache of an end is one for all streams. */
static void
share_caches (Call *call)
{
  for (unsigned i = 1; i < call->n; i++)
    for (unsigned e = 0; e < 2; e++) {
      call->stream[i].end[e].record = call->stream[0].end[e].record;
      call->stream[i].end[e].has_record = call->stream[0].end[e].has_record;
      call->stream[i].end[e].record_is_bobs = call->stream[0].end[e].record_is_bobs;
    }
}

/* The two talk again. */
static void
assert_anew (Call *call)
{
  const PairEnd *first[2] = {&call->stream[0].end[ALICE], &call->stream[0].end[BOB]};

  for (unsigned i = 0; i < call->n; i++) {
    const PairEnd *a = &call->stream[i].end[ALICE], *b = &call->stream[i].end[BOB];

    g_assert_cmpint (pair_state (&call->stream[i], ALICE), ==, ZRTP_STATE_SECURE);
    g_assert_cmpint (pair_state (&call->stream[i], BOB), ==, ZRTP_STATE_SECURE);
    g_assert_cmpuint (a->send_key.size, >, 0);
    g_assert_cmpmem (a->send_key.key_and_salt, a->send_key.size, b->receive_key.key_and_salt,
        b->receive_key.size);
    g_assert_cmpmem (b->send_key.key_and_salt, b->send_key.size, a->receive_key.key_and_salt,
        a->receive_key.size);
    g_assert_true (memcmp (a->send_key.key_and_salt, call->send_key[i].key_and_salt, 16));
    g_assert_true (memcmp (a->receive_key.key_and_salt, call->receive_key[i].key_and_salt, 16));
    g_assert_null (a->engine->successor);
    g_assert_null (a->engine->predecessor);
  }
  g_assert_cmpmem (first[ALICE]->call->zrtpsess, 32, first[BOB]->call->zrtpsess, 32);
  g_assert_cmpmem (
      zrtp_call_get_sashash (first[ALICE]->call), 32, zrtp_call_get_sashash (first[BOB]->call), 32);
  g_assert_cmpstr (first[ALICE]->secure.sas, ==, first[BOB]->secure.sas);
  g_assert_null (first[ALICE]->call->lead);
}

/* --- Back again --------------------------------------------------------------------------------------------------- */

typedef struct {
  Call *call;
  uint64_t first_hello;  /* of the new Bob */
  uint64_t first_answer; /* Alice's Hello */
  unsigned n_confirm2;
} Course;

/* Until Confirm2 Alice's stream is as it was. */
static bool
watch_course (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  Course *course = user;

  if (from == BOB && packet_is (packet, ZRTP_MESSAGE_HELLO) && !course->first_hello)
    course->first_hello = pair->now;
  if (from == ALICE && packet_is (packet, ZRTP_MESSAGE_HELLO) && !course->first_answer)
    course->first_answer = pair->now;
  if (packet_is (packet, ZRTP_MESSAGE_CONFIRM2) && course->n_confirm2++ == 0)
    assert_untouched (course->call);
  return true;
}

static void
test_returns (void)
{
  for (unsigned seed = 0; seed < 8; seed++) {
    Call call;
    Course course = {.call = &call};
    PairEnd *alice = alice_of (&call);
    const bool verified = seed & 1;
    uint64_t stores;

    call_begin (&call, 1, seed);
    for (unsigned e = 0; verified && e < 2; e++)
      zrtp_engine_sas_verified (call.stream[0].end[e].engine, true);
    call_settle (&call);
    note_state (&call);
    if (seed & 2) /* another source */
      call.stream[0].end[BOB].config.ssrc = 0x5555;
    call.stream[0].wire = watch_course;
    call.stream[0].user = &course;
    stores = alice->n_events[ZRTP_EVENT_STORE];
    restart_bob (&call);
    call_run (&call, 4000 * MS);
    assert_anew (&call);
    assert_told (alice, ZRTP_EVENT_WATCH_MEDIA, ZRTP_EVENT_LOOKUP, ZRTP_EVENT_DROP_KEYS,
        ZRTP_EVENT_RECEIVE_KEY, ZRTP_EVENT_SEND_KEY, ZRTP_EVENT_STORE, ZRTP_EVENT_SECURE,
        ZRTP_EVENT_NONE);
    g_assert_cmpuint (course.n_confirm2, ==, 1);
    g_assert_cmpuint (course.first_answer, >=, course.first_hello + 1000 * MS);
    g_assert_cmpuint (course.first_answer, <=, course.first_hello + 1400 * MS);
    /* a new session, under the old secret */
    g_assert_true (alice->secure.first);
    g_assert_cmpint (alice->secure.mode, ==, ZRTP_MODE_DH);
    g_assert_false (alice->secure.cache_mismatch);
    g_assert_cmpint (alice->secure.sas_verified, ==, verified);
    g_assert_cmpuint (alice->n_events[ZRTP_EVENT_STORE], ==, stores + 1);
    g_assert_cmpmem (alice->record.rs1, 32, call.stream[0].end[BOB].record.rs1, 32);
    g_assert_cmpint (alice->record.sas_verified, ==, verified);
    g_assert_true (memcmp (alice->call->zrtpsess, call.zrtpsess, 32));
    g_assert_true (memcmp (zrtp_call_get_sashash (alice->call), call.sashash, 32));
    /* it is a stream like every other */
    zrtp_engine_sas_verified (alice->engine, true);
    call_settle (&call);
    g_assert_true (alice->record.sas_verified);
    call_clear (&call);
  }
}

/* Any number of times, and with losses. */
static bool
lose_every_third (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  unsigned *n = user;

  return ++*n % 3 != 0;
}

static void
test_returns_often (void)
{
  for (unsigned seed = 0; seed < 4; seed++) {
    Call call;
    unsigned n = seed;

    call_begin (&call, 1, seed);
    for (unsigned round = 0; round < 4; round++) {
      if (seed & 1) {
        call.stream[0].wire = lose_every_third;
        call.stream[0].user = &n;
      }
      restart_bob (&call);
      call_run (&call, 15000 * MS);
      call.stream[0].wire = NULL;
      call_run (&call, 5000 * MS);
      assert_anew (&call);
      g_assert_cmpuint (alice_of (&call)->n_events[ZRTP_EVENT_SECURE], ==, 2 + round);
      note_state (&call);
    }
    call_clear (&call);
  }
}

/* Both streams: the first one makes the new session key, the other goes Multistream with it. */
static void
test_two_streams (void)
{
  for (unsigned seed = 0; seed < 8; seed++) {
    Call call;
    unsigned n_dh = 0;

    call_begin (&call, 2, seed);
    restart_bob (&call);
    call_run (&call, 10000 * MS);
    assert_anew (&call);
    for (unsigned i = 0; i < 2; i++) {
      PairEnd *alice = &call.stream[i].end[ALICE];

      n_dh += alice->secure.mode == ZRTP_MODE_DH;
      g_assert_cmpint (alice->secure.first, ==, alice->secure.mode == ZRTP_MODE_DH);
      g_assert_cmpint (
          zrtp_engine_is_first (alice->engine), ==, alice->secure.mode == ZRTP_MODE_DH);
      g_assert_cmpuint (alice->n_events[ZRTP_EVENT_SECURE], ==, 2);
      g_assert_cmpuint (alice->n_events[ZRTP_EVENT_DROP_KEYS], ==, 1);
      g_assert_cmpuint (alice->n_events[ZRTP_EVENT_RESTART_REFUSED], ==, 0);
    }
    g_assert_cmpuint (n_dh, ==, 1);
    call_clear (&call);
  }
}

/* Whichever of Bob's streams begins first, and with losses. */
static bool
lose_some (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  uint64_t *state = user;

  *state = *state * 6364136223846793005 + 1442695040888963407;
  return *state >> 60 > 2; /* three in sixteen are lost */
}

static void
test_two_streams_in_any_order (void)
{
  for (unsigned seed = 0; seed < 200; seed++) {
    Call call;
    uint64_t state = seed;
    const unsigned first = seed & 1, delay = seed / 2 % 10 * 50;
    const bool losses = seed >= 20;

    call_begin (&call, 2, seed);
    share_caches (&call);
    replace_bob (&call, 0xa1);
    if (losses)
      for (unsigned i = 0; i < 2; i++) {
        call.stream[i].wire = lose_some;
        call.stream[i].user = &state;
      }
    zrtp_engine_start (call.stream[first].end[BOB].engine, call.stream[0].now);
    call_run (&call, delay * MS);
    zrtp_engine_start (call.stream[!first].end[BOB].engine, call.stream[0].now);
    call_run (&call, losses ? 15000 * MS : 3000 * MS);
    assert_anew (&call);
    call_clear (&call);
  }
}

/* Only one of them: the other goes on with its old keys, but they are not what a new stream is made of. */
static void
test_second_stream_alone (void)
{
  Call call;
  PairEnd *alice = &call.stream[1].end[ALICE], *bob = &call.stream[1].end[BOB];

  call_begin (&call, 2, 1);
  /* the stream begins anew within the same call: Bob has the session key */
  zrtp_engine_free (bob->engine);
  bob->engine = zrtp_engine_new (bob->call, &bob->config);
  bob->any_sent = false;
  zrtp_engine_start (bob->engine, call.stream[0].now);
  call_run (&call, 4000 * MS);
  g_assert_cmpint (pair_state (&call.stream[1], BOB), ==, ZRTP_STATE_SECURE);
  assert_told (alice, ZRTP_EVENT_WATCH_MEDIA, ZRTP_EVENT_DROP_KEYS, ZRTP_EVENT_RECEIVE_KEY,
      ZRTP_EVENT_SEND_KEY, ZRTP_EVENT_SECURE, ZRTP_EVENT_NONE);
  g_assert_cmpint (alice->secure.mode, ==, ZRTP_MODE_MULTISTREAM);
  g_assert_cmpmem (alice->send_key.key_and_salt, 30, bob->receive_key.key_and_salt, 30);
  g_assert_true (memcmp (alice->send_key.key_and_salt, call.send_key[1].key_and_salt, 16));
  g_assert_cmpmem (alice->call->zrtpsess, 32, call.zrtpsess, 32);
  assert_keys_are_old (&call, 0);
  call_clear (&call);
}

/* The first stream in Multistream mode: the SAS is the call's still, and this stream speaks for it. */
static void
test_first_stream_by_multistream (void)
{
  Call call;
  PairEnd *alice = alice_of (&call), *bob = &call.stream[0].end[BOB];

  call_begin (&call, 1, 1);
  zrtp_engine_free (bob->engine);
  bob->engine = zrtp_engine_new (bob->call, &bob->config);
  bob->any_sent = false;
  zrtp_engine_start (bob->engine, call.stream[0].now);
  call_run (&call, 4000 * MS);
  g_assert_cmpint (pair_state (&call.stream[0], BOB), ==, ZRTP_STATE_SECURE);
  assert_told (alice, ZRTP_EVENT_WATCH_MEDIA, ZRTP_EVENT_DROP_KEYS, ZRTP_EVENT_RECEIVE_KEY,
      ZRTP_EVENT_SEND_KEY, ZRTP_EVENT_SECURE, ZRTP_EVENT_NONE);
  g_assert_cmpstr (alice->secure.sas, ==, call.sas);
  g_assert_false (alice->secure.first);
  g_assert_true (zrtp_engine_is_first (alice->engine));
  zrtp_engine_sas_verified (alice->engine, true);
  call_settle (&call);
  assert_told (alice, ZRTP_EVENT_STORE, ZRTP_EVENT_NONE);
  g_assert_true (alice->record.sas_verified);
  g_assert_true (alice->record.has_rs1);
  call_clear (&call);
}

/* What its owner may still say of the first exchange counts as before: that the SAS does not match, or that
 * the PBX is trusted, after a cache mismatch. */
static void
begin_anew_by_multistream (Call *call)
{
  PairEnd *bob = &call->stream[0].end[BOB];

  zrtp_engine_free (bob->engine);
  bob->engine = zrtp_engine_new (bob->call, &bob->config);
  bob->any_sent = false;
  zrtp_engine_start (bob->engine, call->stream[0].now);
  call_run (call, 9000 * MS);
  g_assert_cmpint (alice_of (call)->secure.mode, ==, ZRTP_MODE_MULTISTREAM);
  g_assert_cmpint (pair_state (&call->stream[0], BOB), ==, ZRTP_STATE_SECURE);
}

static void
test_secrets_after_multistream (void)
{
  for (unsigned enrolled = 0; enrolled < 2; enrolled++) {
    Call call;
    PairEnd *alice = alice_of (&call);

    call_init (&call, 1, 1);
    call.stream[0].end[BOB].config.mitm = call.stream[0].end[BOB].config.enroll = enrolled;
    alice->config.accept_enrollment = true;
    alice->has_record = alice->record.has_rs1 = true;
    alice->record.expiry = 0xffffffff;
    memset (alice->record.rs1, 0x51, 32);
    call_start (&call);
    g_assert_true (alice->secure.cache_mismatch);
    begin_anew_by_multistream (&call);
    if (enrolled) {
      g_assert_true (zrtp_engine_accept_enrollment (alice->engine, true));
      call_settle (&call);
      g_assert_false (alice->record.has_pbx); /* it waits for the SAS */
      zrtp_engine_sas_verified (alice->engine, true);
      call_settle (&call);
      g_assert_true (alice->record.has_pbx);
      g_assert_true (alice->record.sas_verified);
    } else {
      zrtp_engine_sas_verified (alice->engine, false);
      call_settle (&call);
      begin_anew_by_multistream (&call);
      zrtp_engine_sas_verified (alice->engine, true); /* too late */
      call_settle (&call);
      g_assert_false (alice->record.sas_verified);
    }
    g_assert_cmphex (alice->stored.before.rs1[0], ==, 0x51); /* the cache is what it was */
    g_assert_true (alice->record.has_rs1);
    g_assert_cmpint (alice->record.rs1[0] == 0x51, ==, !enrolled);
    call_clear (&call);
  }
}

/* Preshared mode shows the secret too. */
static void
test_preshared (void)
{
  Call call;
  PairEnd *alice = alice_of (&call);

  call_init (&call, 1, 1);
  for (unsigned e = 0; e < 2; e++)
    call.stream[0].end[e].config.allow_preshared = true;
  call_start (&call);
  for (unsigned e = 0; e < 2; e++)
    zrtp_engine_sas_verified (call.stream[0].end[e].engine, true);
  call_settle (&call);
  note_state (&call);
  restart_bob (&call);
  call_run (&call, 4000 * MS);
  assert_anew (&call);
  g_assert_cmpint (alice->secure.mode, ==, ZRTP_MODE_DH); /* it has only rs1 */
  note_state (&call);
  restart_bob (&call);
  call_run (&call, 9000 * MS);
  assert_anew (&call);
  g_assert_cmpint (alice->secure.mode, ==, ZRTP_MODE_PRESHARED);
  g_assert_true (alice->secure.sas_verified);
  call_clear (&call);
}

/* A second before the peer was restarted it had stored less than we: rs2 is a secret too (§4.6.1). */
static void
test_returns_with_rs2 (void)
{
  Call call;
  PairEnd before;

  call_begin (&call, 1, 1);
  before = call.stream[0].end[BOB];
  restart_bob (&call);
  call_run (&call, 4000 * MS);
  assert_anew (&call);
  note_state (&call);
  call.stream[0].end[BOB].record = before.record;
  restart_bob (&call);
  call_run (&call, 9000 * MS);
  assert_anew (&call);
  call_clear (&call);
}

/* A secret from before a cache mismatch that the user settled may be somebody else's: who has only that one does not
 * get a stream whose peer has a verified one. */
static void
test_unverified_rs2 (void)
{
  for (unsigned row = 0; row < 3; row++) {
    Call call;
    PairEnd *alice = alice_of (&call), *bob;

    call_begin (&call, 1, 1);
    bob = &call.stream[0].end[BOB];
    if (row > 0)
      zrtp_engine_sas_verified (alice->engine, true);
    call_settle (&call);
    g_assert_cmpint (alice->record.sas_verified, ==, row > 0);
    note_state (&call);
    alice->record.has_rs2 = true;
    alice->record.rs2_verified = row == 2;
    memset (alice->record.rs2, 0x66, 32);
    memset (bob->record.rs1, 0x66, 32);
    restart_bob (&call);
    call_run (&call, 9000 * MS);
    if (row == 1)
      assert_untouched (&call);
    else
      assert_anew (&call);
    g_assert_cmpuint (alice->n_events[ZRTP_EVENT_RESTART_REFUSED], ==, row == 1);
    call_clear (&call);
  }
}

/* --- The peer is there ----------------------------------------------------------------------------------------------- */

/* Somebody's Hello, and the engine it belongs to. */
typedef struct {
  Pair pair;
  uint8_t packet[ZRTP_MAX_PACKET];
  size_t size;
} Stranger;

static void
stranger_init (Stranger *stranger, uint8_t zid_octet, uint64_t seed)
{
  uint8_t zid[ZRTP_ZID_SIZE];

  memset (zid, zid_octet, sizeof zid);
  pair_init (&stranger->pair, seed);
  stranger->pair.end[ALICE].config.ssrc = 0x6666;
  stranger->pair.end[ALICE].call = zrtp_call_new (&stranger->pair.end[ALICE].crypto, zid);
  pair_start (&stranger->pair, 1 << ALICE);
  stranger->size = zrtp_engine_poll_packet (stranger->pair.end[ALICE].engine, stranger->packet);
  g_assert_true (packet_is (stranger->packet, ZRTP_MESSAGE_HELLO));
}

static void
stranger_clear (Stranger *stranger)
{
  pair_clear (&stranger->pair);
}

static ZrtpResult
say_hello (Call *call, Stranger *stranger)
{
  return pair_feed (&call->stream[0], ALICE, stranger->packet, stranger->size);
}

/* Good SRTP arrives: whoever says Hello, nothing happens, and we are not asked to look all the time. */
static void
test_media_is_alive (void)
{
  for (unsigned same_zid = 0; same_zid < 2; same_zid++) {
    Call call;
    Stranger stranger;
    PairEnd *alice = alice_of (&call);
    unsigned n_watched = 0;

    call_begin (&call, 1, 1);
    stranger_init (&stranger, same_zid ? 0xa1 : 0x66, 5);
    memset (alice->n_sent, 0, sizeof alice->n_sent);
    for (unsigned i = 0; i < 600; i++) { /* a minute */
      g_assert_cmpint (say_hello (&call, &stranger), ==, ZRTP_UNEXPECTED);
      call_run (&call, 50 * MS);
      if (alice->n_events[ZRTP_EVENT_WATCH_MEDIA] > n_watched) {
        n_watched = alice->n_events[ZRTP_EVENT_WATCH_MEDIA];
        zrtp_engine_srtp_authenticated (alice->engine, call.stream[0].now);
      }
      call_run (&call, 50 * MS);
      g_assert_null (alice->engine->successor);
    }
    g_assert_cmpuint (n_watched, >=, 10);
    g_assert_cmpuint (n_watched, <=, 60 / 5 + 1);
    for (ZrtpMessageType type = 0; type < ZRTP_N_MESSAGES; type++)
      g_assert_cmpuint (alice->n_sent[type], ==, 0);
    g_assert_cmpuint (alice->n_events[ZRTP_EVENT_LOOKUP], ==, 1); /* Bob's */
    assert_untouched (&call);
    stranger_clear (&stranger);
    call_clear (&call);
  }
}

/* It was only silent for a while: what had begun ends. */
static void
test_media_comes_back (void)
{
  Call call;
  Stranger stranger;
  PairEnd *alice = alice_of (&call);

  call_begin (&call, 1, 1);
  stranger_init (&stranger, 0xa1, 5);
  call.stream[0].wire = cut;
  say_hello (&call, &stranger);
  call_run (&call, 1000 * MS);
  say_hello (&call, &stranger);
  g_assert_nonnull (alice->engine->successor);
  call_run (&call, 300 * MS);
  g_assert_cmpuint (alice->n_sent[ZRTP_MESSAGE_HELLO], >, 1);
  zrtp_engine_srtp_authenticated (alice->engine, call.stream[0].now);
  g_assert_null (alice->engine->successor);
  alice->n_sent[ZRTP_MESSAGE_HELLO] = 0;
  for (unsigned i = 0; i < 45; i++) {
    say_hello (&call, &stranger);
    call_run (&call, 100 * MS);
  }
  g_assert_cmpuint (alice->n_sent[ZRTP_MESSAGE_HELLO], ==, 0);
  g_assert_null (alice->engine->successor);
  assert_untouched (&call);
  stranger_clear (&stranger);
  call_clear (&call);
}

/* Less than a second of silence is none; and two Hellos hours apart do not make one. */
static void
test_silence (void)
{
  Call call;
  Stranger stranger;
  PairEnd *alice = alice_of (&call);

  call_begin (&call, 1, 1);
  stranger_init (&stranger, 0xa1, 5);
  call.stream[0].wire = cut;
  say_hello (&call, &stranger);
  call_run (&call, 999 * MS);
  say_hello (&call, &stranger);
  g_assert_null (alice->engine->successor);
  call_run (&call, 3600 * 1000 * MS);
  say_hello (&call, &stranger);
  g_assert_null (alice->engine->successor);
  g_assert_cmpuint (alice->n_events[ZRTP_EVENT_WATCH_MEDIA], ==, 2);
  call_run (&call, 1000 * MS);
  say_hello (&call, &stranger);
  g_assert_nonnull (alice->engine->successor);
  /* nor does anything but a Hello begin one */
  stranger_clear (&stranger);
  call_clear (&call);
}

/* --- Strangers ------------------------------------------------------------------------------------------------------------ */

typedef enum {
  OTHER_ZID,
  ANOTHER_FRIEND, /* whom Alice knows as well */
  WITHOUT_SECRET,
  WRONG_SECRET,
  CACHELESS_PEER,
  CACHELESS_ALICE,
  CACHE_UNREADABLE,
  N_STRANGERS,
} StrangerKind;

static bool
is_other_zid (StrangerKind kind)
{
  return kind == OTHER_ZID || kind == ANOTHER_FRIEND;
}

static void
begin_with_stranger (Call *call, StrangerKind kind, unsigned n)
{
  PairEnd *bob = &call->stream[0].end[BOB];

  call_init (call, n, 3);
  if (kind == CACHELESS_ALICE)
    call->stream[0].end[ALICE].config.cache_expiry = 0;
  if (kind == CACHELESS_PEER)
    bob->config.cache_expiry = 0;
  call_start (call);
  if (kind == WITHOUT_SECRET || kind == OTHER_ZID)
    bob->has_record = false;
  if (kind == ANOTHER_FRIEND)
    call->stream[0].end[ALICE].record_is_bobs = false;
  if (kind == WRONG_SECRET) {
    memset (bob->record.rs1, 0x13, 32);
    memset (bob->record.rs2, 0x14, 32);
  }
  if (kind == CACHE_UNREADABLE) /* Alice's: nothing matches what is not there */
    call->stream[0].end[ALICE].has_record = false;
  share_caches (call);
  replace_bob (call, is_other_zid (kind) ? 0x66 : 0xa1);
}

/* He can negotiate as he likes: it ends before it has any effect. And it is told once. */
static void
test_stranger (void)
{
  for (StrangerKind kind = 0; kind < N_STRANGERS; kind++)
    for (unsigned n = 1; n <= 2; n++) {
      Call call;
      PairEnd *alice = alice_of (&call);
      uint8_t record[sizeof (ZrtpRecord)];
      unsigned stores, n_refused = 0;

      begin_with_stranger (&call, kind, n);
      memcpy (record, &alice->record, sizeof record);
      stores = alice->n_events[ZRTP_EVENT_STORE];
      for (unsigned again = 0; again < 3; again++) {
        if (again > 0)
          replace_bob (&call, is_other_zid (kind) ? 0x66 : 0xa1);
        if (n == 2 && again == 1) /* a further stream alone */
          zrtp_engine_start (call.stream[1].end[BOB].engine, call.stream[0].now);
        else
          start_bob (&call);
        call_run (&call, 30000 * MS);
        for (unsigned i = 0; i < n; i++)
          g_assert_cmpint (pair_state (&call.stream[i], BOB), !=, ZRTP_STATE_SECURE);
        assert_untouched (&call);
      }
      for (unsigned i = 0; i < n; i++)
        n_refused += call.stream[i].end[ALICE].n_events[ZRTP_EVENT_RESTART_REFUSED];
      g_assert_cmpuint (n_refused, >=, 1);
      g_assert_cmpuint (n_refused, <=, n);
      g_assert_cmpuint (alice->n_events[ZRTP_EVENT_STORE], ==, stores);
      g_assert_cmpmem (&alice->record, sizeof record, record, sizeof record);
      g_assert_null (alice->call->lead);
      /* the old stream works: who has its keys can be verified, and go on */
      zrtp_engine_sas_verified (alice->engine, true);
      zrtp_engine_srtp_authenticated (alice->engine, call.stream[0].now);
      call_settle (&call);
      assert_untouched (&call);
      call_clear (&call);
    }
}

/* The real one comes afterwards. */
static void
test_peer_after_stranger (void)
{
  Call call;
  ZrtpRecord record;

  call_begin (&call, 1, 3);
  record = call.stream[0].end[BOB].record;
  call.stream[0].end[BOB].has_record = false;
  restart_bob (&call);
  call_run (&call, 15000 * MS);
  assert_untouched (&call);
  call.stream[0].end[BOB].record = record;
  call.stream[0].end[BOB].has_record = true;
  restart_bob (&call);
  call_run (&call, 10000 * MS);
  assert_anew (&call);
  call_clear (&call);
}

/* A cache that fails for the successor makes that one cacheless, and not the stream. */
static void
test_forgo_cache (void)
{
  Call call;
  PairEnd *alice = alice_of (&call);
  Stranger stranger;
  const uint8_t zid[ZRTP_ZID_SIZE] = {0};

  call_begin (&call, 1, 1);
  stranger_init (&stranger, 0xa1, 5);
  say_hello (&call, &stranger);
  call_run (&call, 1000 * MS);
  say_hello (&call, &stranger);
  zrtp_engine_forgo_cache (alice->engine, zid, call.stream[0].now);
  g_assert_cmpuint (alice->engine->successor->config.cache_expiry, ==, 0);
  g_assert_cmpuint (alice->engine->config.cache_expiry, ==, 0xffffffff);
  stranger_clear (&stranger);
  call_clear (&call);
}

/* --- Announced (§8.1) ----------------------------------------------------------------------------------------------------- */

/* The application says whose Hello is to come: he may be anybody. */
static void
test_announced (void)
{
  for (unsigned when = 0; when < 3; when++)
    for (unsigned zid = 0; zid < 2; zid++) {
      Call call;
      PairEnd *alice = alice_of (&call);
      uint8_t hash[ZRTP_HELLO_HASH_SIZE];

      call_begin (&call, 1, 1);
      call.stream[0].end[BOB].has_record = false;
      replace_bob (&call, zid ? 0x66 : 0xa1);
      zrtp_engine_get_hello_hash (call.stream[0].end[BOB].engine, hash);
      /* before he comes, when he has said Hello, when he waits for us to answer his Commit */
      if (when == 0)
        zrtp_engine_set_peer_hello_hash (alice->engine, hash, call.stream[0].now);
      start_bob (&call);
      if (when > 0) {
        call.stream[0].wire = when == 1 ? cut : NULL;
        if (when == 1) {
          call_run (&call, 500 * MS);
        } else {
          /* his Hello, his Commit, and no answer */
          Loss loss = {ALICE, ZRTP_MESSAGE_DHPART1, 1000, 0, 0};

          call.stream[0].wire = lose;
          call.stream[0].user = &loss;
          call_run (&call, 1500 * MS);
          g_assert_nonnull (alice->engine->successor);
        }
        zrtp_engine_set_peer_hello_hash (alice->engine, hash, call.stream[0].now);
        call.stream[0].wire = NULL;
      }
      call_run (&call, 9000 * MS);
      assert_anew (&call);
      g_assert_true (alice->secure.first);
      /* no warning for a hash that came in place of none, unless it came late for the peer that was there */
      g_assert_cmpuint (alice->n_events[ZRTP_EVENT_RESTART_REFUSED], ==, 0);
      if (zid)
        g_assert_cmphex (alice->secure.peer_zid[0], ==, 0x66);
      else /* our secret is not his */
        g_assert_true (alice->secure.cache_mismatch);
      g_assert_false (alice->secure.sas_verified);
      call_clear (&call);
    }
}

/* He commits to Preshared mode, with a secret that we do not have any more: we commit to DH then, and are the
 * initiator. His Confirm1 is enough to let him in; the session is his when he has ours. */
static void
test_announced_as_initiator (void)
{
  Call call;
  PairEnd *alice = alice_of (&call);
  uint8_t hash[ZRTP_HELLO_HASH_SIZE];
  Loss loss = {BOB, ZRTP_MESSAGE_CONF2ACK, 3, 0, 0};

  call_init (&call, 1, 1);
  for (unsigned e = 0; e < 2; e++)
    call.stream[0].end[e].config.allow_preshared = true;
  call_start (&call);
  for (unsigned e = 0; e < 2; e++)
    zrtp_engine_sas_verified (call.stream[0].end[e].engine, true);
  call_settle (&call);
  note_state (&call);
  alice->has_record = false;
  /* or he would commit to DH */
  call.stream[0].end[BOB].record.has_rs2 = call.stream[0].end[BOB].record.rs2_verified = true;
  replace_bob (&call, 0xa1);
  zrtp_engine_get_hello_hash (call.stream[0].end[BOB].engine, hash);
  zrtp_engine_set_peer_hello_hash (alice->engine, hash, call.stream[0].now);
  call.stream[0].wire = lose;
  call.stream[0].user = &loss;
  start_bob (&call);
  while (pair_state (&call.stream[0], BOB) != ZRTP_STATE_SECURE)
    call_run (&call, 10 * MS);
  g_assert_cmpint (pair_state (&call.stream[0], ALICE), ==, ZRTP_STATE_CONFIRM2_SENT);
  g_assert_true (alice->call->lead == alice->engine);
  g_assert_cmpmem (alice->call->zrtpsess, 32, call.zrtpsess, 32);
  g_assert_cmpuint (alice->receive_key.size, >, 0);
  g_assert_cmpuint (alice->send_key.size, ==, 0);
  call_run (&call, 5000 * MS);
  assert_anew (&call);
  g_assert_cmpint (alice->secure.role, ==, ZRTP_ROLE_INITIATOR);
  g_assert_true (alice->secure.first);
  g_assert_true (zrtp_engine_is_first (alice->engine));
  assert_told (alice, ZRTP_EVENT_BAD_HELLO_HASH, ZRTP_EVENT_WATCH_MEDIA, ZRTP_EVENT_LOOKUP,
      ZRTP_EVENT_DROP_KEYS, ZRTP_EVENT_RECEIVE_KEY, ZRTP_EVENT_SEND_KEY, ZRTP_EVENT_STORE,
      ZRTP_EVENT_SECURE, ZRTP_EVENT_NONE);
  call_clear (&call);
}

/* What a successor noticed of others while it waited is nothing to tell when it takes over. */
static void
test_others_meanwhile (void)
{
  Call call;
  PairEnd *alice = alice_of (&call);
  uint8_t hash[ZRTP_HELLO_HASH_SIZE];
  Stranger stranger;
  Loss loss = {BOB, ZRTP_MESSAGE_COMMIT, 1, 0, 0};

  call_begin (&call, 1, 1);
  stranger_init (&stranger, 0x66, 5);
  replace_bob (&call, 0xa1);
  zrtp_engine_get_hello_hash (call.stream[0].end[BOB].engine, hash);
  zrtp_engine_set_peer_hello_hash (alice->engine, NULL, call.stream[0].now);
  zrtp_engine_set_peer_hello_hash (alice->engine, hash, call.stream[0].now);
  call_settle (&call);
  alice->n_told = 0;
  call.stream[0].wire = lose;
  call.stream[0].user = &loss;
  start_bob (&call);
  while (!alice->engine->successor)
    call_run (&call, 10 * MS);
  g_assert_cmpint (say_hello (&call, &stranger), ==, ZRTP_BAD_HELLO_HASH);
  call_run (&call, 4000 * MS);
  assert_anew (&call);
  assert_told (alice, ZRTP_EVENT_WATCH_MEDIA, ZRTP_EVENT_LOOKUP, ZRTP_EVENT_DROP_KEYS,
      ZRTP_EVENT_RECEIVE_KEY, ZRTP_EVENT_SEND_KEY, ZRTP_EVENT_STORE, ZRTP_EVENT_SECURE,
      ZRTP_EVENT_NONE);
  stranger_clear (&stranger);
  call_clear (&call);
}

/* One hash, one Hello: nobody else is let in by it, not even who shows the secret. */
static void
test_announced_is_another (void)
{
  for (StrangerKind kind = 0; kind < N_STRANGERS + 1; kind++) {
    Call call;
    PairEnd *alice = alice_of (&call);
    const uint8_t hash[ZRTP_HELLO_HASH_SIZE] = {1, 2, 3};
    Stranger announced;
    uint8_t right[ZRTP_HELLO_HASH_SIZE];

    begin_with_stranger (&call, kind, 1); /* the last kind is Bob himself */
    zrtp_engine_set_peer_hello_hash (alice->engine, hash, call.stream[0].now);
    call_settle (&call);
    alice->n_told = 0;
    memset (alice->n_sent, 0, sizeof alice->n_sent);
    start_bob (&call);
    call_run (&call, 30000 * MS);
    assert_untouched (&call);
    g_assert_cmpuint (alice->n_sent[ZRTP_MESSAGE_HELLO], ==, 0);
    g_assert_cmpuint (alice->n_events[ZRTP_EVENT_RESTART_REFUSED], ==, 0);
    g_assert_cmpuint (alice->n_events[ZRTP_EVENT_BAD_HELLO_HASH], ==, 1);

    /* beside one who is announced */
    stranger_init (&announced, 0x77, 9);
    zrtp_engine_get_hello_hash (announced.pair.end[ALICE].engine, right);
    zrtp_engine_set_peer_hello_hash (alice->engine, right, call.stream[0].now);
    say_hello (&call, &announced);
    call_run (&call, 1000 * MS);
    say_hello (&call, &announced);
    g_assert_nonnull (alice->engine->successor);
    replace_bob (&call, is_other_zid (kind) ? 0x66 : 0xa1);
    start_bob (&call);
    call_run (&call, 30000 * MS);
    assert_untouched (&call);
    stranger_clear (&announced);
    call_clear (&call);
  }
}

/* The hash that comes while somebody else's exchange is under way ends that. */
static void
test_hash_against_exchange (void)
{
  Call call;
  PairEnd *alice = alice_of (&call);
  const uint8_t hash[ZRTP_HELLO_HASH_SIZE] = {1, 2, 3};
  Loss loss = {BOB, ZRTP_MESSAGE_CONFIRM2, 1000, 0, 0};

  call_begin (&call, 1, 1);
  restart_bob (&call);
  call.stream[0].wire = lose;
  call.stream[0].user = &loss;
  call_run (&call, 2000 * MS);
  g_assert_nonnull (alice->engine->successor);
  g_assert_cmpint (zrtp_engine_get_state (alice->engine->successor), ==, ZRTP_STATE_CONFIRM1_SENT);
  zrtp_engine_set_peer_hello_hash (alice->engine, hash, call.stream[0].now);
  call.stream[0].wire = NULL;
  call_run (&call, 20000 * MS);
  assert_untouched (&call);
  call_clear (&call);
}

/* A call that was announced itself: the hash is that of the Hello of then, and lets nobody in who has
 * another. Without it the secret counts. */
static void
test_announced_call (void)
{
  for (unsigned taken_away = 0; taken_away < 2; taken_away++) {
    Call call;
    PairEnd *alice = alice_of (&call);
    uint8_t hash[ZRTP_HELLO_HASH_SIZE];
    Kept kept = {0};

    call_init (&call, 1, 1);
    pair_start (&call.stream[0], 0);
    zrtp_engine_get_hello_hash (call.stream[0].end[BOB].engine, hash);
    zrtp_engine_set_peer_hello_hash (alice->engine, hash, call.stream[0].now);
    call.stream[0].wire = keep;
    call.stream[0].user = &kept;
    call_start (&call);
    call.stream[0].wire = NULL;
    if (taken_away)
      zrtp_engine_set_peer_hello_hash (alice->engine, NULL, call.stream[0].now);
    restart_bob (&call);
    for (unsigned i = 0; i < 10; i++) {
      call_run (&call, 1000 * MS);
      /* the Hello of then, from somebody who kept it */
      if (!taken_away)
        g_assert_cmpint (
            feed_kept (&call.stream[0], ALICE, &kept, ZRTP_MESSAGE_HELLO), ==, ZRTP_REPEATED);
    }
    if (taken_away)
      assert_anew (&call);
    else
      assert_untouched (&call);
    g_assert_cmpuint (alice->n_events[ZRTP_EVENT_BAD_HELLO_HASH], ==, !taken_away);
    call_clear (&call);
  }
}

/* --- Attacks ---------------------------------------------------------------------------------------------------------------- */

/* How many different Hellos of Alice there were: one for each successor. */
static bool
count_hellos (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  GHashTable *hellos = user;

  if (from == ALICE && packet_is (packet, ZRTP_MESSAGE_HELLO))
    g_hash_table_add (hellos,
        g_compute_checksum_for_data (G_CHECKSUM_SHA256, packet + ZRTP_HEADER_SIZE, *size - 16));
  return false;
}

/* Hellos without end, of one or of many: one successor at a time, not more often than every 5 s, and
 * nothing grows. */
static void
test_flood (void)
{
  static const uint8_t zids[] = {0x66, 0xa1};

  for (unsigned many = 0; many < 2; many++)
    for (unsigned z = 0; z < 2; z++) {
      Call call;
      PairEnd *alice = alice_of (&call);
      Stranger stranger[8];
      GHashTable *hellos = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
      size_t before, after;

      call_begin (&call, 1, 1);
      for (unsigned s = 0; s < 8; s++)
        stranger_init (&stranger[s], zids[z], 10 + s);
      call.stream[0].wire = count_hellos;
      call.stream[0].user = hellos;
      before = 0;
      for (unsigned i = 0; i < 6000; i++) { /* a minute */
        if (i == 1000)
          before = mallinfo2 ().uordblks;
        say_hello (&call, &stranger[many ? i % 8 : 0]);
        call_run (&call, 10 * MS);
        if (alice->engine->successor)
          g_assert_null (alice->engine->successor->successor);
      }
      after = mallinfo2 ().uordblks;
      g_assert_cmpuint (g_hash_table_size (hellos), >=, 3);
      g_assert_cmpuint (g_hash_table_size (hellos), <=, 60 / 5 + 1);
      /* an engine, an exchange, what the test itself keeps */
      g_assert_cmpuint (after, <, before + 64 * 1024);
      assert_untouched (&call);
      g_hash_table_unref (hellos);
      for (unsigned s = 0; s < 8; s++)
        stranger_clear (&stranger[s]);
      call_clear (&call);
    }
}

/* Nor soon after somebody took over. */
static void
test_interval_after_take_over (void)
{
  Call call;
  PairEnd *alice = alice_of (&call);
  Stranger stranger;
  uint64_t begun = 0;

  call_begin (&call, 1, 1);
  stranger_init (&stranger, 0xa1, 5);
  restart_bob (&call);
  while (alice->n_events[ZRTP_EVENT_SECURE] < 2) {
    call_run (&call, 10 * MS);
    if (alice->engine->successor && !begun)
      begun = call.stream[0].now;
    if (alice->n_events[ZRTP_EVENT_SECURE] == 2 && !begun)
      begun = call.stream[0].now;
  }
  while (!alice->engine->successor) {
    say_hello (&call, &stranger);
    call_run (&call, 10 * MS);
  }
  g_assert_cmpuint (call.stream[0].now, >=, begun + 4900 * MS);
  stranger_clear (&stranger);
  call_clear (&call);
}

/* A single forged Hello does not keep the peer out. */
static void
test_peer_after_forged_hello (void)
{
  static const uint8_t zids[] = {0x66, 0xa1};

  for (unsigned z = 0; z < 2; z++)
    for (unsigned delay = 0; delay < 6000; delay += 700) {
      Call call;
      Stranger stranger;

      call_begin (&call, 1, 1);
      stranger_init (&stranger, zids[z], 5);
      say_hello (&call, &stranger);
      call_run (&call, 1000 * MS);
      say_hello (&call, &stranger);
      g_assert_nonnull (alice_of (&call)->engine->successor);
      call_run (&call, delay * MS);
      restart_bob (&call);
      call_run (&call, 13000 * MS);
      assert_anew (&call);
      stranger_clear (&stranger);
      call_clear (&call);
    }
}

/* Nobody goes on with a successor: it is gone after 20 s. */
static void
test_expires (void)
{
  Call call;
  Stranger stranger;
  PairEnd *alice = alice_of (&call);

  call_begin (&call, 1, 1);
  stranger_init (&stranger, 0xa1, 5);
  call.stream[0].wire = cut;
  say_hello (&call, &stranger);
  call_run (&call, 1000 * MS);
  say_hello (&call, &stranger);
  call_run (&call, 19999 * MS);
  g_assert_nonnull (alice->engine->successor);
  call_run (&call, 2 * MS);
  g_assert_null (alice->engine->successor);
  alice->n_sent[ZRTP_MESSAGE_HELLO] = 0;
  call_run (&call, 30000 * MS);
  g_assert_cmpuint (alice->n_sent[ZRTP_MESSAGE_HELLO], ==, 0);
  assert_untouched (&call);
  stranger_clear (&stranger);
  call_clear (&call);
}

/* All that passed between the two, here and in an earlier call, again: no take-over, and nothing told. */
typedef struct {
  uint8_t packet[256][ZRTP_MAX_PACKET];
  size_t size[256];
  unsigned n;
} Tape;

static bool
tape_bob (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  Tape *tape = user;

  if (from == BOB && tape->n < G_N_ELEMENTS (tape->packet)) {
    memcpy (tape->packet[tape->n], packet, *size);
    tape->size[tape->n++] = *size;
  }
  return true;
}

static void
test_replayed_calls (void)
{
  for (unsigned same_call = 0; same_call < 2; same_call++) {
    Call call, earlier;
    Tape *tape = g_new0 (Tape, 1);
    PairEnd *alice = alice_of (&call);

    call_init (&earlier, 1, 1);
    earlier.stream[0].wire = tape_bob;
    earlier.stream[0].user = tape;
    call_start (&earlier);
    call_init (&call, 1, same_call ? 1 : 2);
    for (unsigned e = 0; e < 2 && !same_call; e++) {
      call.stream[0].end[e].record = earlier.stream[0].end[e].record;
      call.stream[0].end[e].has_record = true;
    }
    call_start (&call);
    call.stream[0].wire = cut; /* Bob is silent, and hears nothing */
    for (unsigned round = 0; round < 30; round++)
      for (unsigned i = 0; i < tape->n; i++) {
        pair_feed (&call.stream[0], ALICE, tape->packet[i], tape->size[i]);
        call_run (&call, 100 * MS);
      }
    call_run (&call, 20000 * MS);
    assert_untouched (&call);
    g_assert_cmpuint (alice->n_events[ZRTP_EVENT_STORE], ==, 1);
    g_assert_null (alice->engine->successor);
    call_clear (&call);
    call_clear (&earlier);
    g_free (tape);
  }
}

/* Two who live, nothing to say for a while, and somebody who says Hello to both in the name of the other:
 * their successors meet, and nobody takes over. */
static void
test_between_two_live (void)
{
  for (unsigned same_zid = 0; same_zid < 2; same_zid++) {
    Call call;
    Stranger to[2];

    call_begin (&call, 1, 1);
    stranger_init (&to[ALICE], same_zid ? 0xa1 : 0x66, 5);
    stranger_init (&to[BOB], same_zid ? 0xa0 : 0x66, 6);
    for (unsigned i = 0; i < 300; i++) {
      for (unsigned e = 0; e < 2; e++)
        if (i % 10 < 7)
          pair_feed (&call.stream[0], e, to[e].packet, to[e].size);
      call_run (&call, 200 * MS);
    }
    assert_untouched (&call);
    g_assert_cmpint (pair_state (&call.stream[0], BOB), ==, ZRTP_STATE_SECURE);
    g_assert_cmpuint (call.stream[0].end[BOB].n_events[ZRTP_EVENT_SECURE], ==, 1);
    for (unsigned e = 0; e < 2; e++)
      stranger_clear (&to[e]);
    call_clear (&call);
  }
}

/* Whatever he changes in the messages of the peer that comes back: it comes back, or all stays as it was. */
typedef struct {
  unsigned from;
  ZrtpMessageType type;
  size_t offset;
} Flip;

static bool
flip (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  const Flip *f = user;

  if (from == f->from && packet_is (packet, f->type) && ZRTP_HEADER_SIZE + f->offset < *size - 4)
    packet[ZRTP_HEADER_SIZE + f->offset] ^= 0x21;
  return true;
}

static void
test_tampered (void)
{
  static const ZrtpMessageType types[] = {ZRTP_MESSAGE_HELLO, ZRTP_MESSAGE_COMMIT,
      ZRTP_MESSAGE_DHPART1, ZRTP_MESSAGE_DHPART2, ZRTP_MESSAGE_CONFIRM1, ZRTP_MESSAGE_CONFIRM2};

  for (unsigned t = 0; t < G_N_ELEMENTS (types); t++)
    for (size_t offset = ZRTP_FRAME_SIZE; offset < 160; offset += 4)
      for (unsigned from = 0; from < 2; from++) {
        Call call;
        Flip f = {from, types[t], offset};

        call_begin (&call, 1, 1);
        call.stream[0].wire = flip;
        call.stream[0].user = &f;
        restart_bob (&call);
        call_run (&call, 30000 * MS);
        if (pair_state (&call.stream[0], BOB) == ZRTP_STATE_SECURE)
          assert_anew (&call);
        else
          assert_untouched (&call);
        call_clear (&call);
      }
}

/* --- Failure ------------------------------------------------------------------------------------------------------------------ */

/* Everything of a type is lost: the successor fails, the stream is what it was, and the next try works. */
static void
test_failure_leaves_stream (void)
{
  static const struct {
    unsigned from;
    ZrtpMessageType type;
  } lost[] = {{ALICE, ZRTP_MESSAGE_HELLO}, {BOB, ZRTP_MESSAGE_COMMIT},
      {ALICE, ZRTP_MESSAGE_DHPART1}, {BOB, ZRTP_MESSAGE_DHPART2}, {ALICE, ZRTP_MESSAGE_CONFIRM1},
      {BOB, ZRTP_MESSAGE_CONFIRM2}};

  for (unsigned l = 0; l < G_N_ELEMENTS (lost); l++) {
    Call call;
    Loss loss = {lost[l].from, lost[l].type, 100000, 0, 0};
    PairEnd *alice = alice_of (&call);

    call_begin (&call, 1, 1);
    call.stream[0].wire = lose;
    call.stream[0].user = &loss;
    restart_bob (&call);
    call_run (&call, 40000 * MS);
    g_assert_cmpuint (loss.seen, >, 0);
    assert_untouched (&call);
    g_assert_null (alice->engine->successor);
    g_assert_null (alice->call->lead);
    g_assert_cmpuint (alice->n_events[ZRTP_EVENT_RESTART_REFUSED], ==, 0);
    g_assert_cmpuint (alice->n_events[ZRTP_EVENT_NO_ANSWER], ==, 0);
    call.stream[0].wire = NULL;
    restart_bob (&call);
    call_run (&call, 10000 * MS);
    assert_anew (&call);
    call_clear (&call);
  }
}

/* An Error in the successor's exchange ends that, and is no Error of the stream. */
static void
test_error_ends_successor (void)
{
  Call call;
  PairEnd *alice = alice_of (&call);
  Loss loss = {BOB, ZRTP_MESSAGE_DHPART2, 1000, 0, 0};
  uint8_t packet[ZRTP_MAX_PACKET];

  call_begin (&call, 1, 1);
  call.stream[0].end[BOB].config.ssrc = 0x5555;
  restart_bob (&call);
  call.stream[0].wire = lose;
  call.stream[0].user = &loss;
  call_run (&call, 1500 * MS);
  g_assert_nonnull (alice->engine->successor);
  pair_feed (&call.stream[0], ALICE, packet, forge_error (packet, 0x5555, 0x20));
  call_settle (&call);
  g_assert_null (alice->engine->successor);
  assert_untouched (&call);
  call_clear (&call);
}

/* No random octets, no successor. */
static void
test_no_random (void)
{
  Call call;
  Stranger stranger;
  PairEnd *alice = alice_of (&call);

  call_begin (&call, 1, 1);
  stranger_init (&stranger, 0xa1, 5);
  say_hello (&call, &stranger);
  call_run (&call, 1000 * MS);
  alice->random_broken = true;
  g_assert_cmpint (say_hello (&call, &stranger), ==, ZRTP_UNEXPECTED);
  g_assert_null (alice->engine->successor);
  assert_untouched (&call);
  stranger_clear (&stranger);
  call_clear (&call);
}

/* A stream that leaves its secure state, or ends, takes its successor along. */
static void
test_stream_goes_on (void)
{
  for (unsigned how = 0; how < 3; how++) {
    Call call;
    Stranger stranger;
    PairEnd *alice = alice_of (&call);
    uint8_t packet[ZRTP_MAX_PACKET];

    call_init (&call, 1, 1);
    for (unsigned e = 0; e < 2; e++)
      call.stream[0].end[e].config.allow_clear = true;
    call_start (&call);
    stranger_init (&stranger, 0xa1, 5);
    call.stream[0].wire = cut;
    say_hello (&call, &stranger);
    call_run (&call, 1000 * MS);
    say_hello (&call, &stranger);
    g_assert_nonnull (alice->engine->successor);
    if (how == 0)
      g_assert_true (zrtp_call_go_clear (alice->call, call.stream[0].now));
    else if (how == 1)
      pair_feed (
          &call.stream[0], ALICE, packet, forge_goclear (packet, call.stream[0].end[BOB].engine));
    if (how < 2) {
      g_assert_null (alice->engine->successor);
      say_hello (&call, &stranger);
      call_run (&call, 2000 * MS);
      say_hello (&call, &stranger);
      g_assert_null (alice->engine->successor);
    }
    stranger_clear (&stranger);
    call_clear (&call);
  }
}

/* --- Around it ---------------------------------------------------------------------------------------------------------------- */

/* Every packet is counted once. */
typedef struct {
  unsigned to_alice, from_alice;
} Traffic;

static bool
count_traffic (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  Traffic *traffic = user;

  *(from == BOB ? &traffic->to_alice : &traffic->from_alice) += 1;
  return true;
}

static uint64_t
total_received (const PairEnd *end)
{
  uint64_t n = 0;

  for (unsigned r = 0; r < ZRTP_N_RESULTS; r++)
    n += zrtp_engine_get_counters (end->engine)->received[r];
  return n;
}

static void
test_counters (void)
{
  Call call;
  Traffic traffic = {0, 0};
  PairEnd *alice = alice_of (&call);

  call_init (&call, 1, 1);
  call.stream[0].wire = count_traffic;
  call.stream[0].user = &traffic;
  call_start (&call);
  alice->engine->counters.retransmissions = 1000;
  restart_bob (&call);
  call_run (&call, 4000 * MS);
  assert_anew (&call);
  g_assert_cmpuint (zrtp_engine_get_counters (alice->engine)->retransmissions, >=, 1000);
  g_assert_cmpuint (total_received (alice), ==, traffic.to_alice);
  g_assert_cmpuint (zrtp_engine_get_counters (alice->engine)->sent, ==, traffic.from_alice);
  call_clear (&call);
}

/* Our own SSRC as it is to be now. */
static void
test_ssrc (void)
{
  Call call;
  PairEnd *alice = alice_of (&call);

  call_begin (&call, 1, 1);
  zrtp_engine_set_ssrc (alice->engine, 0xabcd);
  g_assert_cmphex (alice->engine->config.ssrc, ==, 0x1000);
  restart_bob (&call);
  call_run (&call, 4000 * MS);
  assert_anew (&call);
  g_assert_cmphex (alice->engine->config.ssrc, ==, 0xabcd);
  g_assert_cmphex (call.stream[0].end[BOB].engine->peer.ssrc, ==, 0xabcd);
  call_clear (&call);
}

/* A Ping is answered as ever while a successor negotiates. */
static void
test_ping (void)
{
  Call call;
  PairEnd *alice = alice_of (&call);
  Loss loss = {BOB, ZRTP_MESSAGE_CONFIRM2, 1000, 0, 0};

  call_begin (&call, 1, 1);
  restart_bob (&call);
  call.stream[0].wire = lose;
  call.stream[0].user = &loss;
  call_run (&call, 2000 * MS);
  g_assert_nonnull (alice->engine->successor);
  zrtp_engine_ping (call.stream[0].end[BOB].engine, call.stream[0].now);
  call_settle (&call);
  g_assert_cmpuint (alice->n_sent[ZRTP_MESSAGE_PINGACK], ==, 1);
  g_assert_cmpuint (call.stream[0].end[BOB].n_events[ZRTP_EVENT_PINGACK], ==, 1);
  call_clear (&call);
}

/* What the successor knew is wiped when it is refused or fails, and what the stream knew when it is taken
 * over. */
static void
look_for_keys (const ZrtpKeys *keys)
{
  for (unsigned k = 0; k < 2; k++) {
    look_for (keys->srtpkey[k]);
    look_for (keys->mackey[k]);
    look_for (keys->zrtpkey[k]);
  }
  look_for (keys->zrtpsess);
  look_for (keys->rs1);
  look_for (keys->exported_key);
}

static void
test_wiped (void)
{
  for (unsigned how = 0; how < 3; how++) {
    Call call;
    Kept kept = {0}, old = {0};
    PairEnd *alice = alice_of (&call);

    call_init (&call, 1, 1);
    for (unsigned e = 0; e < 2; e++)
      call.stream[0].end[e].config.mitm = true; /* more is kept then */
    call.stream[0].wire = keep;
    call.stream[0].user = &old;
    call_start (&call);
    look_for_keys (&old.keys[BOB]);
    needles.found = 0;
    if (how == 1)
      call.stream[0].end[BOB].has_record = false;
    call.stream[0].user = &kept;
    restart_bob (&call);
    if (how == 2) {
      /* it has all keys, and then fails; or the stream ends meanwhile */
      Loss loss = {BOB, ZRTP_MESSAGE_CONFIRM2, 1000, 0, 0};
      ZrtpKeys keys;

      call.stream[0].wire = lose;
      call.stream[0].user = &loss;
      call_run (&call, 2000 * MS);
      g_assert_nonnull (alice->engine->successor);
      keys = alice->engine->successor->exchange->keys;
      look_for_keys (&keys);
      call_run (&call, 10001 * MS);
      g_assert_null (alice->engine->successor);
      g_assert_false (engine_has (alice->engine, keys.srtpkey[0], 16));
    } else {
      call_run (&call, 4000 * MS);
      look_for_keys (&kept.keys[ALICE]);
    }
    if (how == 0) {
      assert_anew (&call);
      for (unsigned k = 0; k < 2; k++) {
        g_assert_false (engine_has (alice->engine, old.keys[ALICE].mackey[k], 32));
        g_assert_false (engine_has (alice->engine, old.keys[ALICE].zrtpkey[k], 16));
        g_assert_true (engine_has (alice->engine, kept.keys[ALICE].mackey[k], 32));
      }
      g_assert_false (call_has (alice->call, old.keys[ALICE].zrtpsess, 32));
      g_assert_false (call_has (alice->call, old.keys[ALICE].exported_key, 32));
    } else {
      assert_untouched (&call);
      for (unsigned k = 0; k < 2; k++)
        g_assert_false (engine_has (alice->engine, kept.keys[ALICE].mackey[k], 32) && how == 1);
    }
    call_clear (&call);
    g_assert_cmpuint (needles.n, >=, 9);
    g_assert_cmpuint (needles.found, ==, 0);
    needles.n = 0;
  }
}

/* --- Two streams --------------------------------------------------------------------------------------------------- */

/* Until `until` the first stream's exchange does not get further than DHPart1. */
static bool
late_dhpart2 (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  const uint64_t *until = user;

  return !(packet_is (packet, ZRTP_MESSAGE_DHPART2) || packet_is (packet, ZRTP_MESSAGE_CONFIRM2)) ||
         pair->now >= *until;
}

/* The second stream's successor waits as long as the first stream's exchange may take. */
static void
test_slow_first_stream (void)
{
  for (unsigned delay = 0; delay <= 10000; delay += 1000) {
    Call call;
    uint64_t until;

    call_begin (&call, 2, 3);
    call_run (&call, 6000 * MS);
    restart_bob (&call);
    until = call.stream[0].now + delay * MS;
    call.stream[0].wire = late_dhpart2;
    call.stream[0].user = &until;
    call_run (&call, 40000 * MS);
    assert_anew (&call);
    g_assert_cmpint (call.stream[0].end[ALICE].secure.mode, ==, ZRTP_MODE_DH);
    g_assert_cmpint (call.stream[1].end[ALICE].secure.mode, ==, ZRTP_MODE_MULTISTREAM);
    call_clear (&call);
  }
}

/* The user said that the SAS differs, so the secrets that may be another's are gone; that he says later that
 * it is right does not bring them back, whoever began anew within the call. */
static void
test_erased_stays_erased (void)
{
  for (unsigned restarted = 0; restarted < 2; restarted++) {
    Call call;
    PairEnd *alice = alice_of (&call), *bob = &call.stream[0].end[BOB];
    ZrtpRecord erased;

    call_init (&call, 2, 1);
    for (unsigned e = 0; e < 2; e++) {
      call.stream[0].end[e].has_record = true;
      call.stream[0].end[e].record = (ZrtpRecord){
          .has_rs1 = true, .rs1 = {1 + (uint8_t) e}, .sas_verified = true, .expiry = 0xffffffff};
    }
    call_start (&call);
    g_assert_true (alice->secure.cache_mismatch);
    zrtp_engine_sas_verified (alice->engine, false);
    call_settle (&call);
    erased = alice->record;
    g_assert_true (alice->engine->secret_erased);
    if (restarted) {
      zrtp_engine_free (bob->engine);
      bob->engine = zrtp_engine_new (bob->call, &bob->config);
      bob->any_sent = false;
      zrtp_engine_start (bob->engine, call.stream[0].now);
      call_run (&call, 5000 * MS);
      g_assert_cmpint (alice->secure.mode, ==, ZRTP_MODE_MULTISTREAM);
      g_assert_true (zrtp_engine_is_first (alice->engine));
    }
    zrtp_engine_sas_verified (alice->engine, true);
    call_settle (&call);
    g_assert_cmpint (pair_state (&call.stream[0], ALICE), ==, ZRTP_STATE_SECURE);
    g_assert_false (alice->record.sas_verified);
    g_assert_cmpmem (&alice->record, sizeof erased, &erased, sizeof erased);
    call_clear (&call);
  }
}

/* The application sets the SSRC while a successor negotiates: it is the successor's at once, if it has no peer
 * yet, and of what follows it. */
static void
test_ssrc_of_successor (void)
{
  Call call;
  Stranger stranger;
  PairEnd *alice = alice_of (&call);

  call_begin (&call, 1, 1);
  stranger_init (&stranger, 0xa1, 5);
  call.stream[0].wire = cut;
  say_hello (&call, &stranger);
  call_run (&call, 1000 * MS);
  say_hello (&call, &stranger);
  g_assert_nonnull (alice->engine->successor);
  zrtp_engine_set_ssrc (alice->engine, 0xabcd);
  g_assert_cmphex (alice->engine->config.ssrc, ==, 0x1000);
  g_assert_cmphex (alice->engine->successor->wanted_ssrc, ==, 0xabcd);
  g_assert_cmphex (alice->engine->successor->config.ssrc, ==, 0x1000); /* the stranger knows it */
  call.stream[0].wire = NULL;
  /* Bob takes over from this very successor, and the next stream of Bob's hears the new SSRC. */
  restart_bob (&call);
  call_run (&call, 4000 * MS);
  assert_anew (&call);
  g_assert_cmphex (alice->engine->wanted_ssrc, ==, 0xabcd);
  note_state (&call);
  call_run (&call, 6000 * MS);
  restart_bob (&call);
  call_run (&call, 6000 * MS);
  assert_anew (&call);
  g_assert_cmphex (alice->engine->config.ssrc, ==, 0xabcd);
  g_assert_cmphex (call.stream[0].end[BOB].engine->peer.ssrc, ==, 0xabcd);
  stranger_clear (&stranger);
  call_clear (&call);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/restart/returns", test_returns);
  g_test_add_func ("/restart/returns-often", test_returns_often);
  g_test_add_func ("/restart/two-streams", test_two_streams);
  g_test_add_func ("/restart/two-streams-in-any-order", test_two_streams_in_any_order);
  g_test_add_func ("/restart/second-stream-alone", test_second_stream_alone);
  g_test_add_func ("/restart/first-stream-by-multistream", test_first_stream_by_multistream);
  g_test_add_func ("/restart/secrets-after-multistream", test_secrets_after_multistream);
  g_test_add_func ("/restart/preshared", test_preshared);
  g_test_add_func ("/restart/returns-with-rs2", test_returns_with_rs2);
  g_test_add_func ("/restart/unverified-rs2", test_unverified_rs2);
  g_test_add_func ("/restart/media-is-alive", test_media_is_alive);
  g_test_add_func ("/restart/media-comes-back", test_media_comes_back);
  g_test_add_func ("/restart/silence", test_silence);
  g_test_add_func ("/restart/stranger", test_stranger);
  g_test_add_func ("/restart/peer-after-stranger", test_peer_after_stranger);
  g_test_add_func ("/restart/forgo-cache", test_forgo_cache);
  g_test_add_func ("/restart/announced", test_announced);
  g_test_add_func ("/restart/announced-as-initiator", test_announced_as_initiator);
  g_test_add_func ("/restart/others-meanwhile", test_others_meanwhile);
  g_test_add_func ("/restart/announced-is-another", test_announced_is_another);
  g_test_add_func ("/restart/hash-against-exchange", test_hash_against_exchange);
  g_test_add_func ("/restart/announced-call", test_announced_call);
  g_test_add_func ("/restart/flood", test_flood);
  g_test_add_func ("/restart/interval-after-take-over", test_interval_after_take_over);
  g_test_add_func ("/restart/peer-after-forged-hello", test_peer_after_forged_hello);
  g_test_add_func ("/restart/expires", test_expires);
  g_test_add_func ("/restart/replayed-calls", test_replayed_calls);
  g_test_add_func ("/restart/between-two-live", test_between_two_live);
  g_test_add_func ("/restart/tampered", test_tampered);
  g_test_add_func ("/restart/failure-leaves-stream", test_failure_leaves_stream);
  g_test_add_func ("/restart/error-ends-successor", test_error_ends_successor);
  g_test_add_func ("/restart/no-random", test_no_random);
  g_test_add_func ("/restart/stream-goes-on", test_stream_goes_on);
  g_test_add_func ("/restart/counters", test_counters);
  g_test_add_func ("/restart/ssrc", test_ssrc);
  g_test_add_func ("/restart/ping", test_ping);
  g_test_add_func ("/restart/wiped", test_wiped);
  g_test_add_func ("/restart/slow-first-stream", test_slow_first_stream);
  g_test_add_func ("/restart/erased-stays-erased", test_erased_stays_erased);
  g_test_add_func ("/restart/ssrc-of-successor", test_ssrc_of_successor);
  return g_test_run ();
}
