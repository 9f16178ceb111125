/* Retained secrets from call to call (RFC 6189 §4.6.1, §7.1): whose flag it is, what rs2 is, and what a cache is
 * told.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/protocol/tricks.h"

#include <string.h>

static void
remember (Pair *pair, unsigned end, const PairEnd *before)
{
  pair->end[end].record = before->record;
  pair->end[end].has_record = before->has_record;
}

/* A call of two who keep secrets; what they have of earlier calls, `a` and `b`, may be NULL. */
static void
call_of (Pair *pair, uint64_t seed, const PairEnd *a, const PairEnd *b)
{
  pair_init (pair, seed);
  for (unsigned e = 0; e < 2; e++)
    pair->end[e].config.cache_expiry = 0xffffffff;
  if (a)
    remember (pair, ALICE, a);
  if (b)
    remember (pair, BOB, b);
  pair_start (pair, BOTH);
  pair_settle (pair);
  pair_assert_secure (pair);
}

static void
say (Pair *pair, unsigned end, bool matches)
{
  zrtp_engine_sas_verified (pair->end[end].engine, matches);
  pair_settle (pair);
}

static void
assert_same_record (const ZrtpRecord *a, const ZrtpRecord *b)
{
  g_assert_cmpint (a->has_rs1, ==, b->has_rs1);
  g_assert_cmpint (a->has_rs2, ==, b->has_rs2);
  g_assert_cmpint (a->has_pbx, ==, b->has_pbx);
  g_assert_cmpint (a->sas_verified, ==, b->sas_verified);
  g_assert_cmpint (a->rs2_verified, ==, b->rs2_verified);
  g_assert_cmpmem (a->rs1, 32, b->rs1, 32);
  g_assert_cmpmem (a->rs2, 32, b->rs2, 32);
  g_assert_cmpmem (a->pbx, 32, b->pbx, 32);
  g_assert_cmpuint (a->expiry, ==, b->expiry);
  g_assert_cmpuint (a->preshared_calls, ==, b->preshared_calls);
}

/* --- The flag of a secret, §7.1 ------------------------------------------------------------------------- */

static bool
read_both (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  ZrtpConfirm *confirm = user;

  read_confirm (&pair->end[from], packet, *size, &confirm[from]);
  return true;
}

/* Mallory sat in the middle of a first call that nobody compared. Then Alice reaches Bob himself: a cache
 * mismatch, which she settles by comparing the SAS. Mallory's secret does not become rs2. */
static void
test_unverified_goes (void)
{
  Pair with_mallory, with_bob;

  call_of (&with_mallory, 1, NULL, NULL);
  call_of (&with_bob, 20, &with_mallory.end[ALICE], NULL);
  g_assert_true (with_bob.end[ALICE].secure.cache_mismatch);
  say (&with_bob, ALICE, true);
  g_assert_true (with_bob.end[ALICE].record.sas_verified);
  g_assert_false (with_bob.end[ALICE].record.has_rs2);
  pair_clear (&with_mallory);
  pair_clear (&with_bob);
}

/* Where it is rs2 all the same, because both calls ran at once: when he comes back with it, and says V, he is not the
 * verified peer: not in our V flag, not on the screen, not in the cache. Alice is alarmed, and what she had stays until she
 * has compared. */
static void
test_flag_goes_with_secret (void)
{
  for (unsigned seed = 0; seed < 8; seed++) {
    Pair with_mallory, with_bob, back;
    PairEnd mallory;
    ZrtpConfirm confirm[2] = {{{0}}};
    ZrtpRecord known;

    call_of (&with_mallory, seed, NULL, NULL);
    call_of (&with_bob, 20 + seed, &with_mallory.end[ALICE], NULL);
    g_assert_true (with_bob.end[ALICE].secure.cache_mismatch);
    say (&with_bob, ALICE, true);
    with_bob.end[ALICE].record.has_rs2 = true;
    memcpy (with_bob.end[ALICE].record.rs2, with_mallory.end[BOB].record.rs1, 32);
    known = with_bob.end[ALICE].record;

    mallory = with_mallory.end[BOB];
    mallory.record.sas_verified = true;
    pair_init (&back, 40 + seed);
    for (unsigned e = 0; e < 2; e++)
      back.end[e].config.cache_expiry = 0xffffffff;
    remember (&back, ALICE, &with_bob.end[ALICE]);
    remember (&back, BOB, &mallory);
    back.wire = read_both;
    back.user = confirm;
    pair_start (&back, BOTH);
    pair_settle (&back);
    pair_assert_secure (&back);
    g_assert_true (back.end[ALICE].secure.cache_mismatch);
    g_assert_cmpint (back.end[ALICE].secure.s1, ==, ZRTP_S1_RS2);
    g_assert_true (confirm[BOB].sas_verified);
    g_assert_false (confirm[ALICE].sas_verified);
    g_assert_false (back.end[ALICE].secure.sas_verified);
    g_assert_cmpuint (back.end[ALICE].n_events[ZRTP_EVENT_STORE], ==, 0);
    assert_same_record (&back.end[ALICE].record, &known);
    say (&back, ALICE, seed & 1); /* it was Bob, whose cache is an old one; or not */
    g_assert_cmpint (back.end[ALICE].record.sas_verified, ==, seed & 1);
    g_assert_cmpint (back.end[ALICE].stored.has_matched, ==, seed & 1);
    g_assert_false (back.end[ALICE].record.rs2_verified);
    g_assert_cmpmem (back.end[ALICE].record.rs2, 32, known.rs2, 32);
    pair_clear (&with_mallory);
    pair_clear (&with_bob);
    pair_clear (&back);
  }
}

/* The other way: rs2 was verified, and rs1 is of a later call that was not. The lineage of rs2 goes on. */
static void
test_verified_rs2 (void)
{
  for (unsigned verified = 0; verified < 4; verified++) {
    Pair pair;

    know_each_other_well (&pair, verified);
    for (unsigned e = 0; e < 2; e++) {
      pair.end[e].record.rs1[0] = 0x70 + e; /* not the same */
      pair.end[e].record.sas_verified = false;
      pair.end[e].record.rs2_verified = verified & 1u << e;
    }
    pair_start (&pair, BOTH);
    pair_settle (&pair);
    pair_assert_secure (&pair);
    for (unsigned e = 0; e < 2; e++) {
      const bool own = verified & 1u << e;

      g_assert_cmpint (pair.end[e].secure.sas_verified, ==, verified == 3);
      g_assert_cmpint (pair.end[e].record.sas_verified, ==, own);
      g_assert_cmpint (pair.end[e].record.rs2_verified, ==, own);
    }
    say (&pair, ALICE, false); /* whoever it was, he knows rs2 */
    g_assert_false (pair.end[ALICE].record.sas_verified);
    g_assert_false (pair.end[ALICE].record.rs2_verified);
    g_assert_cmphex (pair.end[ALICE].record.rs1[0], ==, 0x70);
    pair_clear (&pair);
  }
}

/* As rs1 becomes rs2, its flag becomes rs2's; without a match too, for it says nothing of the new secret. */
static void
test_flag_is_handed_down (void)
{
  for (unsigned row = 0; row < 4; row++) {
    const bool matches = row & 1, verified = row & 2;
    Pair pair;
    PairEnd *alice = &pair.end[ALICE];

    know_each_other (&pair, row);
    for (unsigned e = 0; e < 2; e++)
      pair.end[e].record.sas_verified = verified;
    pair.end[BOB].has_record = matches;
    pair_start (&pair, BOTH);
    pair_settle (&pair);
    pair_assert_secure (&pair);
    if (!matches)
      say (&pair, ALICE, true);
    g_assert_cmpint (alice->record.sas_verified, ==, !matches || verified);
    g_assert_cmpint (alice->record.has_rs2, ==, matches || verified);
    g_assert_cmphex (alice->record.rs2[0], ==, matches || verified ? 1 : 0);
    g_assert_cmpint (alice->record.rs2_verified, ==, verified);
    pair_clear (&pair);
  }
}

/* --- What rs2 is, §4.6.1 --------------------------------------------------------------------------------- */

/* One end does not store what the other does, five times in a row: the secret that both have stays. */
static void
test_interrupted_again (void)
{
  for (unsigned initiator = 0; initiator < 2; initiator++)
    for (unsigned behind = 0; behind < 2; behind++) {
      OneInitiator one = {initiator, NULL, NULL};
      PairEnd before[2];
      Pair pair;

      call_of (&pair, 1, NULL, NULL);
      for (unsigned n = 0; n < 6; n++) {
        memcpy (before, pair.end, sizeof before);
        pair_clear (&pair);
        pair_init (&pair, 2 + n);
        for (unsigned e = 0; e < 2; e++) {
          pair.end[e].config.cache_expiry = 0xffffffff;
          remember (&pair, e, &before[e]);
        }
        pair.wire = one_initiator;
        pair.user = &one;
        pair_start (&pair, BOTH);
        pair_run (&pair, pair.now + 1000 * MS);
        pair_assert_secure (&pair);
        g_assert_cmpint (
            zrtp_engine_get_role (pair.end[initiator].engine), ==, ZRTP_ROLE_INITIATOR);
        for (unsigned e = 0; e < 2; e++)
          g_assert_false (pair.end[e].secure.cache_mismatch);
        g_assert_cmpmem (pair.end[ALICE].record.rs1, 32, pair.end[BOB].record.rs1, 32);
        g_assert_cmpmem (pair.end[!behind].record.rs2, 32, before[behind].record.rs1, 32);
        if (n < 5)
          remember (&pair, behind, &before[behind]); /* power cut */
      }
      pair_clear (&pair);
    }
}

/* Secrets that had expired, and did not match, are not handed down: they may be another's. */
static void
test_expired (void)
{
  for (unsigned row = 0; row < 4; row++) {
    const bool expired = row & 1, matches = row & 2;
    Pair pair;
    PairEnd *alice = &pair.end[ALICE];

    know_each_other_well (&pair, row);
    alice->record.expiry = expired ? 0 : 1000;
    pair.end[BOB].has_record = matches;
    pair_start (&pair, BOTH);
    pair_settle (&pair);
    pair_assert_secure (&pair);
    g_assert_cmpint (alice->secure.cache_mismatch, ==, !expired && !matches);
    if (alice->secure.cache_mismatch)
      say (&pair, ALICE, true);
    g_assert_true (alice->record.has_rs1);
    g_assert_cmpmem (alice->record.rs1, 32, pair.end[BOB].record.rs1, 32);
    g_assert_cmpint (alice->record.has_rs2, ==, !expired || matches);
    g_assert_cmpint (alice->record.rs2_verified, ==, !expired || matches);
    g_assert_cmphex (alice->record.rs2[0], ==, !expired || matches ? 1 : 0);
    pair_clear (&pair);
  }
}

/* --- STORE ------------------------------------------------------------------------------------------------ */

/* Alice has confirmed, and is secure with the first media packet; until then nothing is stored. */
static void
begin_to_store (Pair *pair, OneInitiator *one, Loss *loss, uint64_t seed)
{
  *loss = (Loss){BOB, ZRTP_MESSAGE_CONF2ACK, G_MAXUINT, 0, 0};
  *one = (OneInitiator){ALICE, lose, loss};
  know_each_other_well (pair, seed);
  pair->wire = one_initiator;
  pair->user = one;
  pair_start (pair, BOTH);
  pair_run (pair, pair->now + 100 * MS);
  g_assert_cmpint (pair_state (pair, ALICE), ==, ZRTP_STATE_CONFIRM2_SENT);
  g_assert_cmpuint (pair->end[ALICE].n_events[ZRTP_EVENT_STORE], ==, 0);
}

static void
assert_known (const ZrtpRecord *record, bool verified)
{
  g_assert_true (record->has_rs1 && record->has_rs2);
  g_assert_cmphex (record->rs1[0], ==, 1);
  g_assert_cmphex (record->rs2[0], ==, 0x34);
  g_assert_cmpint (record->sas_verified, ==, verified);
  g_assert_cmpint (record->rs2_verified, ==, verified);
}

/* The difference that this call makes, and after it what the user says of it. */
static void
test_difference (void)
{
  Pair pair;
  PairEnd *alice = &pair.end[ALICE];
  const ZrtpStore *store = &alice->stored;
  ZrtpRecord kept;
  OneInitiator one;
  Loss loss;

  begin_to_store (&pair, &one, &loss, 1);
  zrtp_engine_srtp_authenticated (alice->engine, pair.now);
  pair_settle (&pair);
  g_assert_cmpuint (alice->n_events[ZRTP_EVENT_STORE], ==, 1);
  assert_known (&store->before, true);
  g_assert_cmpmem (store->after.rs1, 32, pair.end[BOB].record.rs1, 32);
  g_assert_cmpmem (store->after.rs2, 32, store->before.rs1, 32);
  g_assert_true (store->has_matched);
  g_assert_cmpmem (store->matched, 32, store->before.rs1, 32);
  g_assert_false (store->erase);
  g_assert_false (store->compared);
  for (unsigned kind = 0; kind < ZRTP_N_KINDS; kind++)
    g_assert_cmphex (store->choice.type[kind], ==, alice->secure.choice.type[kind]);

  kept = store->after;
  say (&pair, ALICE, true);
  assert_same_record (&store->before, &kept);
  g_assert_false (store->has_matched); /* it is stored by now */
  g_assert_true (store->compared);
  g_assert_false (store->erase);
  say (&pair, ALICE, true); /* again: somebody may have taken it back in the cache */
  g_assert_cmpuint (alice->n_events[ZRTP_EVENT_STORE], ==, 3);
  g_assert_true (store->compared);

  kept = store->after;
  say (&pair, ALICE, false);
  assert_same_record (&store->before, &kept);
  assert_known (&store->after, false);
  g_assert_false (store->has_matched);
  g_assert_false (store->compared);
  g_assert_true (store->erase);
  pair_clear (&pair);
}

/* What was not polled yet is one change. */
static void
test_coalesced (void)
{
  for (unsigned denied = 0; denied < 2; denied++) {
    Pair pair;
    PairEnd *alice = &pair.end[ALICE];
    const ZrtpStore *store = &alice->stored;
    OneInitiator one;
    Loss loss;

    begin_to_store (&pair, &one, &loss, 1);
    zrtp_engine_srtp_authenticated (alice->engine, pair.now);
    zrtp_engine_sas_verified (alice->engine, true);
    if (denied)
      zrtp_engine_sas_verified (alice->engine, false);
    pair_settle (&pair);
    g_assert_cmpuint (alice->n_events[ZRTP_EVENT_STORE], ==, 1);
    assert_known (&store->before, true);
    g_assert_cmpint (store->erase, ==, denied);
    g_assert_cmpint (store->has_matched, ==, !denied);
    if (denied) {
      assert_known (&store->after, false);
    } else {
      g_assert_cmpmem (store->after.rs1, 32, pair.end[BOB].record.rs1, 32);
      g_assert_cmphex (store->matched[0], ==, 1);
    }
    pair_clear (&pair);
  }
}

/* s1 is that secret of ours which the peer has too. */
static void
test_matched_rs2 (void)
{
  Pair pair;

  know_each_other_well (&pair, 1);
  pair.end[BOB].record.rs1[0] ^= 1;
  pair_start (&pair, BOTH);
  pair_settle (&pair);
  pair_assert_secure (&pair);
  for (unsigned e = 0; e < 2; e++) {
    g_assert_true (pair.end[e].stored.has_matched);
    g_assert_cmpmem (pair.end[e].stored.matched, 32, pair.end[e].stored.before.rs2, 32);
  }
  pair_clear (&pair);
}

/* After a cache mismatch nothing is stored until the user has spoken; if he says no, what the cache has of this call, be it
 * from another process, is to go. */
static void
test_mismatch (void)
{
  for (unsigned matches = 0; matches < 2; matches++) {
    Pair pair;
    PairEnd *alice = &pair.end[ALICE];
    const ZrtpStore *store = &alice->stored;

    know_each_other_well (&pair, matches);
    pair.end[BOB].has_record = false;
    pair_start (&pair, BOTH);
    pair_settle (&pair);
    pair_assert_secure (&pair);
    g_assert_cmpuint (alice->n_events[ZRTP_EVENT_STORE], ==, 0);
    say (&pair, ALICE, matches);
    g_assert_cmpuint (alice->n_events[ZRTP_EVENT_STORE], ==, 1);
    assert_known (&store->before, true);
    g_assert_false (store->has_matched);
    g_assert_cmpint (store->erase, ==, !matches);
    if (matches)
      g_assert_cmpmem (store->after.rs1, 32, pair.end[BOB].record.rs1, 32);
    else
      assert_known (&store->after, false);
    pair_clear (&pair);
  }
}

/* A secret that is not to be kept is no reason to call an older one verified, also when something else is
 * stored later. */
static void
test_not_kept (void)
{
  Pair pair;
  PairEnd *alice = &pair.end[ALICE];

  know_each_other_well (&pair, 1);
  alice->record.sas_verified = alice->record.rs2_verified = false;
  alice->record.expiry = 0;
  alice->config.accept_enrollment = true;
  pair.end[BOB].has_record = false;
  pair.end[BOB].config.cache_expiry = 0;
  pair.end[BOB].config.mitm = pair.end[BOB].config.enroll = true;
  pair_start (&pair, BOTH);
  pair_settle (&pair);
  pair_assert_secure (&pair);
  say (&pair, ALICE, true);
  g_assert_true (zrtp_engine_accept_enrollment (alice->engine, true));
  pair_settle (&pair);
  g_assert_true (alice->record.has_pbx);
  assert_known (&alice->record, false);
  g_assert_false (alice->stored.has_matched);
  pair_clear (&pair);
}

/* §4.9: a peer that keeps nothing. There is no new secret; that the old one matched shows whose wish this is. */
static void
test_forgetful_peer (void)
{
  Pair pair;
  const ZrtpStore *store = &pair.end[ALICE].stored;

  know_each_other_well (&pair, 1);
  pair.end[BOB].config.cache_expiry = 0;
  pair_start (&pair, BOTH);
  pair_settle (&pair);
  pair_assert_secure (&pair);
  g_assert_cmpuint (pair.end[ALICE].n_events[ZRTP_EVENT_STORE], ==, 1);
  assert_known (&store->before, true);
  assert_known (&store->after, true);
  g_assert_cmpuint (store->after.expiry, ==, 0);
  g_assert_true (store->has_matched);
  g_assert_cmpmem (store->matched, 32, store->before.rs1, 32);
  pair_clear (&pair);
}

/* The first stream has ended, and another one speaks for the call: it knows what is stored. */
static void
test_heir (void)
{
  Pair streams[2];
  ZrtpRecord kept;

  know_each_other_well (&streams[0], 1);
  pair_start (&streams[0], BOTH);
  pair_settle (&streams[0]);
  kept = streams[0].end[ALICE].stored.after;
  pair_init_stream (&streams[1], &streams[0], 2);
  pair_start (&streams[1], BOTH);
  streams_settle (streams, 2);
  streams_assert_secure (streams, 2);
  zrtp_engine_free (streams[0].end[ALICE].engine);
  streams[0].end[ALICE].engine = NULL;
  zrtp_engine_sas_verified (streams[1].end[ALICE].engine, true);
  streams_settle (streams, 2);
  assert_same_record (&streams[1].end[ALICE].stored.before, &kept);
  g_assert_false (streams[1].end[ALICE].stored.has_matched);
  g_assert_cmphex (streams[1].end[ALICE].stored.choice.type[ZRTP_KEY_AGREEMENT], ==, ZRTP_X255);
  streams_clear (streams, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/continuity/unverified-goes", test_unverified_goes);
  g_test_add_func ("/continuity/flag-goes-with-secret", test_flag_goes_with_secret);
  g_test_add_func ("/continuity/verified-rs2", test_verified_rs2);
  g_test_add_func ("/continuity/flag-is-handed-down", test_flag_is_handed_down);
  g_test_add_func ("/continuity/interrupted-again", test_interrupted_again);
  g_test_add_func ("/continuity/expired", test_expired);
  g_test_add_func ("/continuity/difference", test_difference);
  g_test_add_func ("/continuity/coalesced", test_coalesced);
  g_test_add_func ("/continuity/matched-rs2", test_matched_rs2);
  g_test_add_func ("/continuity/mismatch", test_mismatch);
  g_test_add_func ("/continuity/not-kept", test_not_kept);
  g_test_add_func ("/continuity/forgetful-peer", test_forgetful_peer);
  g_test_add_func ("/continuity/heir", test_heir);
  return g_test_run ();
}
