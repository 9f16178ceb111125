/* A PBX: enrolment, SASrelay (RFC 6189 §7.3, §7.3.1, §5.13, §5.14). Errors of a stream that is secure; Ping
 * (§5.15).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/protocol/forgery.h"

#include <string.h>

/* Alice is the phone, Bob is the PBX. */
enum {
  PHONE = ALICE,
  PBX = BOB
};

/* A sashash that is known to be spoken as "yyyy" or "aardvark adroitness". */
static const uint8_t other_sashash[ZRTP_SASHASH_SIZE] = {[31] = 1};

static void
init (Pair *pair, uint64_t seed)
{
  pair_init (pair, seed);
  pair->end[PBX].config.mitm = true;
  for (unsigned e = 0; e < 2; e++)
    pair->end[e].config.cache_expiry = 0xffffffff;
}

static void
begin (Pair *pair)
{
  pair_start (pair, BOTH);
  pair_settle (pair);
  pair_assert_secure (pair);
  for (unsigned e = 0; e < 2; e++)
    pair->end[e].n_told = 0;
}

static void
give_pbxsecret (Pair *pair, uint8_t phones, uint8_t pbxs)
{
  const uint8_t octets[2] = {[PHONE] = phones, [PBX] = pbxs};

  for (unsigned e = 0; e < 2; e++) {
    pair->end[e].has_record = pair->end[e].record.has_pbx = true;
    memset (pair->end[e].record.pbx, octets[e], ZRTP_RS_SIZE);
  }
}

/* The two know each other. */
static void
begin_enrolled (Pair *pair, uint64_t seed)
{
  init (pair, seed);
  give_pbxsecret (pair, 0x77, 0x77);
  begin (pair);
  for (unsigned e = 0; e < 2; e++)
    g_assert_true (pair->end[e].secure.enrolled);
}

static bool
relay_sas (Pair *pair, ZrtpType type, const uint8_t *sashash)
{
  return zrtp_engine_relay_sas (pair->end[PBX].engine, type, sashash, false, false, pair->now);
}

/* Another call between the same two, with the caches of the first. */
static void
call_again (Pair *next, Pair *before, uint64_t seed)
{
  init (next, seed);
  for (unsigned e = 0; e < 2; e++) {
    next->end[e].record = before->end[e].record;
    next->end[e].has_record = before->end[e].has_record;
  }
  begin (next);
}

/* --- Enrolment ------------------------------------------------------------------------------------------ */

static void
init_enrolment (Pair *pair, uint64_t seed)
{
  init (pair, seed);
  pair->end[PBX].config.enroll = true;
  pair->end[PHONE].config.accept_enrollment = true;
}

/* pbxsecret = KDF(ZRTPSess, "Trusted MiTM key", (ZIDi || ZIDr), 256), by another library */
static void
other_pbxsecret (const Pair *pair, uint8_t out[32])
{
  const bool phone_began = zrtp_engine_get_role (pair->end[PHONE].engine) == ZRTP_ROLE_INITIATOR;
  uint8_t zids[24];

  memset (zids, phone_began ? 0xa0 : 0xa1, 12);
  memset (zids + 12, phone_began ? 0xa1 : 0xa0, 12);
  other_kdf (pair->end[PHONE].call->zrtpsess, "Trusted MiTM key", zids, 24, 256, out);
}

/* The E flag of the Confirms that pass by. */
static bool
note_e_flag (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  bool *seen = user;
  ZrtpConfirm confirm;

  if (read_confirm (&pair->end[from], packet, *size, &confirm))
    seen[from] = confirm.enrollment;
  return true;
}

/* §5.2 M, §7.3.1 E: off unless configured, E only from a PBX; asked only who wants to be. */
static void
test_asked (void)
{
  for (unsigned bits = 0; bits < 16; bits++) {
    const bool mitm = bits & 1, enroll = bits & 2, accept = bits & 4, cache = bits & 8;
    const bool asked = mitm && enroll && accept && cache;
    bool seen[2] = {true, true};
    Pair pair;

    init (&pair, bits);
    pair.end[PBX].config.mitm = mitm;
    pair.end[PBX].config.enroll = enroll;
    pair.end[PHONE].config.accept_enrollment = accept;
    pair.end[PHONE].config.cache_expiry = cache ? 0xffffffff : 0;
    pair.wire = note_e_flag;
    pair.user = seen;
    begin (&pair);
    g_assert_false (seen[PHONE]);
    g_assert_cmpint (seen[PBX], ==, mitm && enroll);
    g_assert_cmpint (pair.end[PHONE].secure.peer_mitm, ==, mitm);
    g_assert_false (pair.end[PBX].secure.peer_mitm);
    g_assert_cmpuint (pair.end[PHONE].n_events[ZRTP_EVENT_ENROLLMENT], ==, asked);
    g_assert_cmpuint (pair.end[PBX].n_events[ZRTP_EVENT_ENROLLMENT], ==, 0);
    g_assert_cmpint (zrtp_engine_accept_enrollment (pair.end[PHONE].engine, true), ==, asked);
    g_assert_false (zrtp_engine_accept_enrollment (pair.end[PBX].engine, true));
    pair_settle (&pair);
    g_assert_cmpint (pair.end[PHONE].record.has_pbx, ==, asked);
    g_assert_cmpint (pair.end[PBX].record.has_pbx, ==, mitm && enroll && pair.end[PBX].has_record);
    pair_clear (&pair);
  }
}

/* The E flag of somebody who has not said that he is a PBX is nothing to ask the user about. */
static void
test_not_a_pbx (void)
{
  Pair pair;

  init_enrolment (&pair, 1);
  pair.end[PBX].config.mitm = false;
  pair.end[PHONE].config.allow_clear = pair.end[PBX].config.allow_clear = true;
  pair_start (&pair, 0);
  pair.end[PBX].engine->config.mitm = true; /* not in its Hello any more */
  begin (&pair);
  g_assert_false (pair.end[PHONE].secure.peer_mitm);
  g_assert_cmpuint (pair.end[PHONE].n_events[ZRTP_EVENT_ENROLLMENT], ==, 0);
  g_assert_false (zrtp_engine_accept_enrollment (pair.end[PHONE].engine, true));
  /* "If a received Confirm message has the (E) flag set, the (A) flag MUST be disregarded" all the same */
  g_assert_false (pair.end[PHONE].secure.peer_allows_clear);
  pair_clear (&pair);
}

/* "An endpoint MUST NOT store the pbxsecret in the cache without explicit user authorization." */
static void
test_not_without_accept (void)
{
  Pair pair;

  init_enrolment (&pair, 1);
  begin (&pair);
  g_assert_true (pair.end[PHONE].has_record);
  g_assert_false (pair.end[PHONE].record.has_pbx);
  g_assert_true (zrtp_engine_accept_enrollment (pair.end[PHONE].engine, false));
  pair_run (&pair, pair.now + 10000 * MS);
  g_assert_cmpuint (pair.end[PHONE].n_events[ZRTP_EVENT_STORE], ==, 1);
  g_assert_false (pair.end[PHONE].record.has_pbx);
  /* verifying the SAS is not that authorization */
  zrtp_engine_sas_verified (pair.end[PHONE].engine, true);
  pair_settle (&pair);
  g_assert_cmpuint (pair.end[PHONE].n_events[ZRTP_EVENT_STORE], ==, 2);
  g_assert_false (pair.end[PHONE].record.has_pbx);
  /* he may still think better of it */
  g_assert_true (zrtp_engine_accept_enrollment (pair.end[PHONE].engine, true));
  pair_settle (&pair);
  g_assert_true (pair.end[PHONE].record.has_pbx);
  g_assert_true (pair.end[PHONE].record.sas_verified);
  pair_clear (&pair);
}

/* Equal at both ends, and what the RFC says; in the next call both know it. Either end begins. */
static void
test_pbxsecret (void)
{
  unsigned began[2] = {0, 0};

  for (unsigned seed = 0; seed < 8; seed++) {
    Pair first, next, declined, after;
    uint8_t wanted[32];

    init_enrolment (&first, seed);
    begin (&first);
    began[zrtp_engine_get_role (first.end[PBX].engine) == ZRTP_ROLE_INITIATOR]++;
    g_assert_true (zrtp_engine_accept_enrollment (first.end[PHONE].engine, true));
    pair_settle (&first);
    other_pbxsecret (&first, wanted);
    for (unsigned e = 0; e < 2; e++) {
      g_assert_true (first.end[e].record.has_pbx);
      g_assert_cmpmem (first.end[e].record.pbx, 32, wanted, 32);
      g_assert_true (first.end[e].record.has_rs1);
      g_assert_false (first.end[e].secure.enrolled); /* from the next call on */
    }
    call_again (&next, &first, 100 + seed);
    for (unsigned e = 0; e < 2; e++) {
      g_assert_true (next.end[e].secure.enrolled);
      g_assert_false (next.end[e].secure.cache_mismatch);
      g_assert_cmpmem (next.end[e].record.pbx, 32, wanted, 32); /* it stays */
    }

    init_enrolment (&declined, seed);
    begin (&declined);
    call_again (&after, &declined, 100 + seed);
    for (unsigned e = 0; e < 2; e++)
      g_assert_false (after.end[e].secure.enrolled);
    pair_clear (&first);
    pair_clear (&next);
    pair_clear (&declined);
    pair_clear (&after);
  }
  g_assert_cmpuint (began[0], >, 0);
  g_assert_cmpuint (began[1], >, 0);
}

/* pbxsecret goes into s0: with the same randomness the keys differ. */
static void
test_s3_is_mixed_in (void)
{
  Pair with, without;

  begin_enrolled (&with, 3);
  init (&without, 3);
  give_pbxsecret (&without, 0x77, 0x78);
  begin (&without);
  for (unsigned e = 0; e < 2; e++)
    g_assert_false (without.end[e].secure.enrolled);
  g_assert_true (
      memcmp (with.end[PHONE].send_key.key_and_salt, without.end[PHONE].send_key.key_and_salt, 16));
  pair_clear (&with);
  pair_clear (&without);
}

/* §4.6.1.1 with §7.3.1: after a cache mismatch pbxsecret waits for the SAS as rs1 does. */
static void
begin_with_stale_rs1 (Pair *pair, unsigned who)
{
  init_enrolment (pair, 1);
  pair->end[who].has_record = pair->end[who].record.has_rs1 = true;
  pair->end[who].record.expiry = 0xffffffff;
  memset (pair->end[who].record.rs1, 0x51, 32);
  begin (pair);
  g_assert_true (pair->end[who].secure.cache_mismatch);
}

static void
test_after_mismatch (void)
{
  for (unsigned matches = 0; matches < 3; matches++) {
    Pair pair;
    PairEnd *phone = &pair.end[PHONE];
    uint8_t wanted[32];

    begin_with_stale_rs1 (&pair, PHONE);
    g_assert_cmpuint (phone->n_events[ZRTP_EVENT_STORE], ==, 0);
    g_assert_true (zrtp_engine_accept_enrollment (phone->engine, true));
    pair_settle (&pair);
    other_pbxsecret (&pair, wanted);
    g_assert_cmpuint (phone->n_events[ZRTP_EVENT_STORE], ==, 0);
    if (matches == 2) { /* he thinks better of it */
      g_assert_true (zrtp_engine_accept_enrollment (phone->engine, false));
      pair_settle (&pair);
      g_assert_cmpuint (phone->n_events[ZRTP_EVENT_STORE], ==, 0);
    }

    zrtp_engine_sas_verified (phone->engine, matches);
    pair_settle (&pair);
    g_assert_cmpuint (phone->n_events[ZRTP_EVENT_STORE], ==, 1);
    if (matches) {
      g_assert_cmpmem (phone->record.rs1, 32, pair.end[PBX].record.rs1, 32);
      g_assert_false (phone->record.has_rs2);
      g_assert_cmpint (phone->record.has_pbx, ==, matches == 1);
      if (matches == 1)
        g_assert_cmpmem (phone->record.pbx, 32, wanted, 32);
    } else {
      /* what a MiTM gave must not stay */
      g_assert_cmphex (phone->record.rs1[0], ==, 0x51);
      g_assert_false (phone->record.has_pbx);
      g_assert_false (zrtp_engine_accept_enrollment (phone->engine, true));
    }
    pair_clear (&pair);
  }
}

/* The same at the PBX: who says that he is this phone may be another. */
static void
test_after_mismatch_at_pbx (void)
{
  Pair pair;
  PairEnd *pbx = &pair.end[PBX];
  uint8_t wanted[32];

  begin_with_stale_rs1 (&pair, PBX);
  other_pbxsecret (&pair, wanted);
  g_assert_cmpuint (pbx->n_events[ZRTP_EVENT_STORE], ==, 0);
  g_assert_false (pbx->record.has_pbx);
  zrtp_engine_sas_verified (pbx->engine, true);
  pair_settle (&pair);
  g_assert_cmpmem (pbx->record.pbx, 32, wanted, 32);
  g_assert_cmphex (pbx->record.rs1[0], !=, 0x51);
  pair_clear (&pair);
}

/* The peer keeps no secrets, but is a PBX: pbxsecret waits all the same, and alone. */
static void
test_after_mismatch_not_kept (void)
{
  Pair pair;
  PairEnd *phone = &pair.end[PHONE];

  init_enrolment (&pair, 1);
  pair.end[PBX].config.cache_expiry = 0;
  phone->has_record = phone->record.has_rs1 = true;
  phone->record.expiry = 0xffffffff;
  memset (phone->record.rs1, 0x51, 32);
  begin (&pair);
  g_assert_true (phone->secure.cache_mismatch);
  g_assert_true (zrtp_engine_accept_enrollment (phone->engine, true));
  pair_settle (&pair);
  g_assert_cmpuint (phone->n_events[ZRTP_EVENT_STORE], ==, 0);
  zrtp_engine_sas_verified (phone->engine, true);
  pair_settle (&pair);
  g_assert_cmpuint (phone->n_events[ZRTP_EVENT_STORE], ==, 1);
  g_assert_true (phone->record.has_pbx);
  g_assert_cmphex (phone->record.rs1[0], ==, 0x51);
  g_assert_false (phone->record.sas_verified);
  pair_clear (&pair);
}

/* "No" after "yes": as it was before the call. */
static void
test_taken_back (void)
{
  for (unsigned had = 0; had < 2; had++) {
    Pair pair;
    PairEnd *phone = &pair.end[PHONE];

    init_enrolment (&pair, 1);
    if (had)
      give_pbxsecret (&pair, 0x77, 0x77);
    begin (&pair);
    for (unsigned i = 0; i < 2; i++) {
      const unsigned n = phone->n_events[ZRTP_EVENT_STORE];

      g_assert_true (zrtp_engine_accept_enrollment (phone->engine, true));
      pair_settle (&pair);
      g_assert_cmphex (phone->record.pbx[0], !=, 0x77);
      g_assert_true (zrtp_engine_accept_enrollment (phone->engine, false));
      g_assert_true (zrtp_engine_accept_enrollment (phone->engine, false));
      pair_settle (&pair);
      g_assert_cmpuint (phone->n_events[ZRTP_EVENT_STORE], ==, n + 2);
      g_assert_cmpint (phone->record.has_pbx, ==, had);
      if (had)
        g_assert_cmphex (phone->record.pbx[0], ==, 0x77);
      g_assert_true (phone->record.has_rs1);
      g_assert_false (phone->stored.erase);
    }
    pair_clear (&pair);
  }
}

/* "They do not match" after the enrolment: it goes with the rest. */
static void
test_denied_after_enrolment (void)
{
  for (unsigned had = 0; had < 2; had++) {
    Pair pair;
    PairEnd *phone = &pair.end[PHONE];

    init_enrolment (&pair, 1);
    if (had)
      give_pbxsecret (&pair, 0x77, 0x77);
    begin (&pair);
    g_assert_true (zrtp_engine_accept_enrollment (phone->engine, true));
    pair_settle (&pair);
    zrtp_engine_sas_verified (phone->engine, false);
    pair_settle (&pair);
    g_assert_cmpint (phone->has_record, ==, had);
    g_assert_cmpint (phone->record.has_pbx, ==, had);
    if (had)
      g_assert_cmphex (phone->record.pbx[0], ==, 0x77);
    g_assert_false (phone->record.has_rs1);
    g_assert_false (zrtp_engine_accept_enrollment (phone->engine, true));
    pair_clear (&pair);
  }
}

/* Not before the call is secure, not on a further stream, and E is not sent there. */
static void
test_first_stream_only (void)
{
  Pair streams[2];
  bool seen[2] = {true, true};

  init_enrolment (&streams[0], 1);
  pair_start (&streams[0], BOTH);
  g_assert_false (zrtp_engine_accept_enrollment (streams[0].end[PHONE].engine, true));
  streams_settle (streams, 1);
  pair_init_stream (&streams[1], &streams[0], 2);
  streams[1].wire = note_e_flag;
  streams[1].user = seen;
  pair_start (&streams[1], BOTH);
  streams_settle (streams, 2);
  g_assert_cmpint (pair_state (&streams[1], PHONE), ==, ZRTP_STATE_SECURE);
  g_assert_false (seen[PBX]);
  g_assert_cmpuint (streams[0].end[PHONE].n_events[ZRTP_EVENT_ENROLLMENT], ==, 1);
  g_assert_cmpuint (streams[1].end[PHONE].n_events[ZRTP_EVENT_ENROLLMENT], ==, 0);
  g_assert_false (zrtp_engine_accept_enrollment (streams[1].end[PHONE].engine, true));
  g_assert_true (zrtp_engine_accept_enrollment (streams[0].end[PHONE].engine, true));
  pair_clear (&streams[1]);
  pair_clear (&streams[0]);
}

/* --- SASrelay --------------------------------------------------------------------------------------------- */

/* What the PBX says of the other leg is what the phone shows; either end began the call, any hash and
 * cipher. */
static void
test_relay (void)
{
  unsigned began[2] = {0, 0};

  for (unsigned bits = 0; bits < 32; bits++) {
    Pair pair;
    PairEnd *phone = &pair.end[PHONE];
    const ZrtpType type = bits & 1 ? ZRTP_B256 : ZRTP_B32;
    uint8_t sashash[ZRTP_SASHASH_SIZE];

    init (&pair, bits);
    give_pbxsecret (&pair, 0x77, 0x77);
    if (bits & 16)
      for (unsigned e = 0; e < 2; e++) {
        offer_only (&pair.end[e].config, ZRTP_HASH, ZRTP_S384);
        offer_only (&pair.end[e].config, ZRTP_CIPHER, ZRTP_AES3);
      }
    begin (&pair);
    memcpy (sashash, zrtp_call_get_sashash (phone->call), sizeof sashash);
    began[zrtp_engine_get_role (pair.end[PBX].engine) == ZRTP_ROLE_INITIATOR]++;
    g_assert_true (zrtp_engine_relay_sas (
        pair.end[PBX].engine, type, other_sashash, bits & 2, bits & 4, pair.now));
    pair_run (&pair, pair.now + 20000 * MS);
    assert_told (phone, ZRTP_EVENT_RELAYED_SAS, ZRTP_EVENT_NONE);
    g_assert_cmpstr (phone->relayed_sas.sas, ==, bits & 1 ? "aardvark adroitness" : "yyyy");
    g_assert_cmphex (phone->relayed_sas.sas_type, ==, type);
    g_assert_true (phone->relayed_sas.relayed);
    g_assert_cmpint (phone->relayed_sas.sas_verified, ==, (bits & 2) != 0);
    g_assert_cmpint (phone->relayed_sas.disclosure, ==, (bits & 4) != 0);
    g_assert_cmpuint (pair.end[PBX].n_sent[ZRTP_MESSAGE_SASRELAY], ==, 1);
    g_assert_cmpuint (phone->n_sent[ZRTP_MESSAGE_RELAYACK], ==, 1);
    assert_told (&pair.end[PBX], ZRTP_EVENT_NONE);
    /* the call's own SAS is what it was */
    g_assert_cmpmem (zrtp_call_get_sashash (phone->call), 32, sashash, 32);
    pair_clear (&pair);
  }
  g_assert_cmpuint (began[0], >, 0);
  g_assert_cmpuint (began[1], >, 0);
}

/* Another leg later, another SAS; each is told once, however often it comes. */
static void
test_relay_again (void)
{
  Pair pair;
  PairEnd *phone = &pair.end[PHONE];
  uint8_t second[ZRTP_SASHASH_SIZE] = {0xff, 0xff, 0xff};
  Kept kept = {0};

  begin_enrolled (&pair, 1);
  pair.wire = keep;
  pair.user = &kept;
  g_assert_true (relay_sas (&pair, ZRTP_B32, other_sashash));
  pair_settle (&pair);
  for (unsigned i = 0; i < 3; i++)
    g_assert_cmpint (feed_kept (&pair, PHONE, &kept, ZRTP_MESSAGE_SASRELAY), ==, ZRTP_REPEATED);
  pair_settle (&pair);
  /* once for the three, because nothing went out between them */
  g_assert_cmpuint (phone->n_sent[ZRTP_MESSAGE_RELAYACK], ==, 2);
  assert_told (phone, ZRTP_EVENT_RELAYED_SAS, ZRTP_EVENT_NONE);
  g_assert_true (relay_sas (&pair, ZRTP_B32, second));
  pair_settle (&pair);
  assert_told (phone, ZRTP_EVENT_RELAYED_SAS, ZRTP_EVENT_NONE);
  g_assert_cmpstr (phone->relayed_sas.sas, ==, "9999");
  pair_clear (&pair);
}

static void
assert_t2 (const PairEnd *end, ZrtpMessageType type, uint64_t start)
{
  static const unsigned ms[] = {0, 150, 450, 1050, 2250, 3450, 4650, 5850, 7050, 8250, 9450};

  for (unsigned i = 0; i < G_N_ELEMENTS (ms); i++)
    g_assert_cmpuint (end->sent_at[type][i], ==, start + ms[i] * MS);
  g_assert_cmpuint (end->n_sent[type], ==, G_N_ELEMENTS (ms));
}

/* §6: "retransmitted if the corresponding response message ... not received", all the same; exhaustion
 * does no harm. */
static void
test_schedule (void)
{
  for (unsigned lost = 0; lost <= 11; lost++)
    for (unsigned which = 0; which < 2; which++) {
      Pair pair;
      Loss loss = {
          which ? PHONE : PBX, which ? ZRTP_MESSAGE_RELAYACK : ZRTP_MESSAGE_SASRELAY, lost, 0, 0};
      PairEnd *phone = &pair.end[PHONE], *pbx = &pair.end[PBX];
      uint64_t start;

      begin_enrolled (&pair, 1);
      start = pair.now;
      pair.wire = lose;
      pair.user = &loss;
      g_assert_true (relay_sas (&pair, ZRTP_B32, other_sashash));
      pair_run (&pair, pair.now + 60000 * MS);
      if (lost == 11)
        assert_t2 (pbx, ZRTP_MESSAGE_SASRELAY, start);
      else
        g_assert_cmpuint (pbx->n_sent[ZRTP_MESSAGE_SASRELAY], ==, lost + 1);
      g_assert_cmpuint (phone->n_events[ZRTP_EVENT_RELAYED_SAS], ==, which || lost < 11);
      pair_assert_secure (&pair);
      assert_told (pbx, ZRTP_EVENT_NONE);
      /* and there may be another one */
      pbx->n_sent[ZRTP_MESSAGE_SASRELAY] = 0;
      g_assert_true (relay_sas (&pair, ZRTP_B256, other_sashash));
      pair_run (&pair, pair.now + 20000 * MS);
      g_assert_cmpuint (pbx->n_sent[ZRTP_MESSAGE_SASRELAY], ==, 1);
      g_assert_cmpstr (phone->relayed_sas.sas, ==, "aardvark adroitness");
      pair_clear (&pair);
    }
}

/* The retransmissions are the same message (§6), IV and all. */
static bool
same_relay (Pair *pair, unsigned from, uint8_t *packet, size_t *size, void *user)
{
  GByteArray *first = user;

  if (from != PBX || !packet_is (packet, ZRTP_MESSAGE_SASRELAY))
    return true;
  if (first->len == 0)
    g_byte_array_append (first, packet + ZRTP_HEADER_SIZE, 76);
  g_assert_cmpuint (*size, ==, 12 + 76 + 4);
  g_assert_cmpmem (packet + ZRTP_HEADER_SIZE, 76, first->data, first->len);
  return false;
}

static void
test_identical (void)
{
  Pair pair;
  GByteArray *first = g_byte_array_new ();

  begin_enrolled (&pair, 1);
  pair.wire = same_relay;
  pair.user = first;
  g_assert_true (relay_sas (&pair, ZRTP_B32, other_sashash));
  pair_run (&pair, pair.now + 20000 * MS);
  g_assert_cmpuint (first->len, ==, 76);
  /* no sashash in the clear */
  g_assert_null (memmem (first->data, first->len, other_sashash, 16));
  g_byte_array_unref (first);
  pair_clear (&pair);
}

/* Only a PBX, only when the stream is secure, and a real SAS only to who is enrolled: "If the PBX has a
 * shared trusted MiTM key with neither endpoint, the PBX MUST NOT relay the SAS", §7.3. */
static void
test_who_may_relay (void)
{
  Pair pair, streams[2];

  init (&pair, 1);
  give_pbxsecret (&pair, 0x77, 0x77);
  pair.end[PHONE].config.allow_clear = pair.end[PBX].config.allow_clear = true;
  pair_start (&pair, BOTH);
  g_assert_false (relay_sas (&pair, ZRTP_B32, other_sashash));
  g_assert_false (relay_sas (&pair, ZRTP_B32, NULL));
  begin (&pair);
  g_assert_false (zrtp_engine_relay_sas (
      pair.end[PHONE].engine, ZRTP_B32, other_sashash, false, false, pair.now));
  g_assert_false (
      zrtp_engine_relay_sas (pair.end[PHONE].engine, ZRTP_B32, NULL, false, false, pair.now));
  pair.end[PBX].random_broken = true; /* no IV, no relay */
  g_assert_false (relay_sas (&pair, ZRTP_B32, other_sashash));
  pair.end[PBX].random_broken = false;
  zrtp_call_go_clear (pair.end[PBX].call, pair.now);
  pair_settle (&pair);
  g_assert_false (relay_sas (&pair, ZRTP_B32, other_sashash));
  g_assert_cmpuint (pair.end[PBX].n_sent[ZRTP_MESSAGE_SASRELAY], ==, 0);
  pair_clear (&pair);

  /* not enrolled */
  init (&pair, 1);
  begin (&pair);
  g_assert_false (relay_sas (&pair, ZRTP_B32, other_sashash));
  g_assert_true (relay_sas (&pair, ZRTP_B32, NULL));
  pair_clear (&pair);

  /* an end without the M flag */
  init (&pair, 1);
  pair.end[PBX].config.mitm = false;
  give_pbxsecret (&pair, 0x77, 0x77);
  begin (&pair);
  g_assert_false (relay_sas (&pair, ZRTP_B32, other_sashash));
  g_assert_false (relay_sas (&pair, ZRTP_B32, NULL));
  pair_clear (&pair);

  /* a further stream: the SAS is not its own */
  init (&streams[0], 1);
  give_pbxsecret (&streams[0], 0x77, 0x77);
  begin (&streams[0]);
  pair_init_stream (&streams[1], &streams[0], 2);
  pair_start (&streams[1], BOTH);
  streams_settle (streams, 2);
  g_assert_true (streams[1].end[PHONE].secure.enrolled);
  g_assert_false (relay_sas (&streams[1], ZRTP_B32, other_sashash));
  g_assert_true (relay_sas (&streams[0], ZRTP_B32, other_sashash));
  pair_clear (&streams[1]);
  pair_clear (&streams[0]);
}

/* "To ensure that both Alice and Bob will use the same SAS rendering scheme ..., the PBX also sends the
 * SASrelay message to the unenrolled party": its own SAS, in that rendering. */
static void
test_null_sashash (void)
{
  for (unsigned enrolled = 0; enrolled < 2; enrolled++) {
    Pair pair;
    PairEnd *phone = &pair.end[PHONE];
    uint32_t sasvalue;
    char b32[8];

    init (&pair, 1);
    if (enrolled)
      give_pbxsecret (&pair, 0x77, 0x77);
    for (unsigned e = 0; e < 2; e++)
      offer_only (&pair.end[e].config, ZRTP_SAS, ZRTP_B256);
    begin (&pair);
    g_assert_true (relay_sas (&pair, ZRTP_B32, NULL));
    pair_settle (&pair);
    assert_told (phone, ZRTP_EVENT_RELAYED_SAS, ZRTP_EVENT_NONE);
    g_assert_false (phone->relayed_sas.relayed);
    sasvalue = zrtp_get_u32 (zrtp_call_get_sashash (pair.end[PBX].call));
    for (unsigned i = 0; i < 4; i++) /* §5.1.6 */
      b32[i] = "ybndrfg8ejkmcpqxot1uwisza345h769"[sasvalue >> (27 - 5 * i) & 31];
    b32[4] = '\0';
    g_assert_cmpstr (phone->relayed_sas.sas, ==, b32);
    g_assert_true (strchr (phone->secure.sas, ' ') != NULL);
    g_assert_cmpuint (phone->n_sent[ZRTP_MESSAGE_ERROR], ==, 0);
    pair_clear (&pair);
  }
}

/* --- Who is not trusted ------------------------------------------------------------------------------------- */

/* "The receiver absolutely MUST NOT render the relayed SAS if it does not come from a specially trusted
 * ZRTP endpoint", §7.3; 0x63, and the stream stays as it is. */
static void
test_untrusted (void)
{
  for (unsigned stale = 0; stale < 2; stale++) {
    Pair pair;
    PairEnd *phone = &pair.end[PHONE];
    Kept kept = {0};
    uint64_t start;

    init (&pair, 1);
    if (stale)
      give_pbxsecret (&pair, 0x77, 0x78);
    begin (&pair);
    pair.end[PBX].call->enrolled = true; /* it believes so, or lies */
    pair.wire = keep;
    pair.user = &kept;
    g_assert_true (relay_sas (&pair, ZRTP_B32, other_sashash));
    pair_settle (&pair);
    assert_told (phone, ZRTP_EVENT_UNTRUSTED_RELAY, ZRTP_EVENT_NONE);
    g_assert_cmpuint (phone->n_sent[ZRTP_MESSAGE_RELAYACK], ==, 0);
    g_assert_cmpuint (phone->n_sent[ZRTP_MESSAGE_ERROR], ==, 1);
    g_assert_cmpmem (kept.packet[PHONE][ZRTP_MESSAGE_ERROR] + 24, 4, "\0\0\0\x63", 4);
    /* it is sent again and again: an Error for each, told once */
    pair_run (&pair, pair.now + 20000 * MS);
    g_assert_cmpuint (pair.end[PBX].n_sent[ZRTP_MESSAGE_SASRELAY], ==, 11);
    g_assert_cmpuint (phone->n_sent[ZRTP_MESSAGE_ERROR], ==, 11);
    assert_told (phone, ZRTP_EVENT_NONE);
    /* an Error that nobody acknowledges ends too */
    start = pair.now;
    phone->n_sent[ZRTP_MESSAGE_ERROR] = 0;
    pair.wire = cut;
    feed_kept (&pair, PHONE, &kept, ZRTP_MESSAGE_SASRELAY);
    pair_run (&pair, pair.now + 20000 * MS);
    assert_t2 (phone, ZRTP_MESSAGE_ERROR, start);
    pair_assert_secure (&pair);
    g_assert_cmpuint (phone->n_events[ZRTP_EVENT_RELAYED_SAS], ==, 0);
    pair_clear (&pair);
  }
}

/* "If the receiver of the SASrelay message did not previously receive a Hello message with the MiTM (M)
 * flag set, the Relayed SAS SHOULD NOT be rendered. A RelayACK is still sent, but no Error message is
 * sent.", §5.13 */
static void
test_no_m_flag (void)
{
  Pair pair;
  PairEnd *phone = &pair.end[PHONE];

  init (&pair, 1);
  give_pbxsecret (&pair, 0x77, 0x77);
  pair.end[PBX].config.mitm = false;
  pair_start (&pair, 0);
  pair.end[PBX].engine->config.mitm = true;
  begin (&pair);
  for (unsigned i = 0; i < 2; i++) {
    g_assert_true (relay_sas (&pair, ZRTP_B32, i ? NULL : other_sashash));
    pair_run (&pair, pair.now + 20000 * MS);
    g_assert_cmpuint (phone->n_sent[ZRTP_MESSAGE_RELAYACK], ==, i + 1);
    g_assert_cmpuint (pair.end[PBX].n_sent[ZRTP_MESSAGE_SASRELAY], ==, i + 1);
  }
  g_assert_cmpuint (phone->n_sent[ZRTP_MESSAGE_ERROR], ==, 0);
  assert_told (phone, ZRTP_EVENT_NONE);
  pair_clear (&pair);
}

/* --- Bad messages --------------------------------------------------------------------------------------------- */

/* A SASrelay that the PBX itself could have sent: `words` of signature are there, `said` is what it says. */
static size_t
make_relay (const Pair *pair, unsigned words, unsigned said, ZrtpType type, uint8_t iv_octet,
    uint8_t packet[ZRTP_MAX_PACKET])
{
  const ZrtpSecureKeys *kept = &pair->end[PBX].engine->kept;
  const ZrtpConfirmKeys keys = {kept->hash, kept->cipher, kept->mackey[0], kept->zrtpkey[0]};
  const uint8_t signature[511 * 4] = {'P', 'G', 'P', ' ', 1, 2, 3};
  uint8_t message[ZRTP_SASRELAY_MAX_SIZE], iv[ZRTP_CIPHER_BLOCK];
  const size_t size = ZRTP_SASRELAY_SIZE + words * 4;
  ZrtpWriter writer = zrtp_writer (message, sizeof message);

  memset (iv, iv_octet, sizeof iv);
  zrtp_message_begin (&writer, ZRTP_MESSAGE_SASRELAY, size);
  zrtp_write (&writer, "12345678", ZRTP_MAC_SIZE);
  zrtp_write (&writer, iv, sizeof iv);
  zrtp_write_u32 (&writer, 0xfffe0000 | said << 8 | 0xf0); /* unused bits and flags: ignored */
  zrtp_write_u32 (&writer, type);
  zrtp_write (&writer, other_sashash, sizeof other_sashash);
  zrtp_write (&writer, signature, words * 4);
  zrtp_sealed_write (&keys, iv, message, size);
  return forge (packet, pair->end[PBX].config.ssrc, message, size);
}

/* Every octet changed: a MAC that is wrong, or, since the MAC does not cover the IV, a text that makes no
 * sense. */
static void
test_tampered (void)
{
  Pair pair;
  PairEnd *phone = &pair.end[PHONE];
  uint8_t packet[ZRTP_MAX_PACKET];

  begin_enrolled (&pair, 1);
  for (size_t offset = ZRTP_FRAME_SIZE; offset < ZRTP_SASRELAY_SIZE; offset++) {
    const bool in_iv = offset >= ZRTP_FRAME_SIZE + 8 && offset < ZRTP_SEALED_OFFSET;
    const size_t size = make_relay (&pair, 0, 0, ZRTP_B32, 7, packet);
    ZrtpResult result;

    packet[ZRTP_HEADER_SIZE + offset] ^= 0x40;
    pair_fix_crc (packet, size);
    result = pair_feed (&pair, PHONE, packet, size);
    if (in_iv)
      g_assert_true (result == ZRTP_BAD_CONTENT || result == ZRTP_ACCEPTED);
    else
      g_assert_cmpint (result, ==, ZRTP_BAD_MAC);
    if (!in_iv)
      g_assert_cmpuint (phone->engine->outbox, ==, 0);
    pair_settle (&pair);
  }
  assert_told (phone, ZRTP_EVENT_NONE);
  g_assert_cmpuint (phone->n_sent[ZRTP_MESSAGE_ERROR], ==, 0);
  g_assert_cmpuint (zrtp_engine_get_counters (phone->engine)->received[ZRTP_BAD_MAC], ==, 8 + 40);
  /* and as it is */
  g_assert_cmpint (pair_feed (&pair, PHONE, packet, make_relay (&pair, 0, 0, ZRTP_B32, 7, packet)),
      ==, ZRTP_ACCEPTED);
  assert_told (phone, ZRTP_EVENT_RELAYED_SAS, ZRTP_EVENT_NONE);
  pair_clear (&pair);
}

/* "The signature length is in words and includes the signature type block" */
static void
test_signature (void)
{
  static const unsigned lengths[] = {0, 1, 2, 3, 100, 510, 511};

  for (unsigned i = 0; i < G_N_ELEMENTS (lengths); i++) {
    const unsigned words = lengths[i];
    Pair pair;
    PairEnd *phone = &pair.end[PHONE];
    uint8_t packet[ZRTP_MAX_PACKET];
    size_t size;

    begin_enrolled (&pair, 1);
    /* what it says and what there is differ */
    for (int by = -1; by <= 1; by += 2) {
      if ((words == 0 && by < 0) || (words == 511 && by > 0))
        continue;
      size = make_relay (&pair, words, (unsigned) ((int) words + by), ZRTP_B32, 6, packet);
      g_assert_cmpint (pair_feed (&pair, PHONE, packet, size), ==, ZRTP_BAD_CONTENT);
    }
    pair_settle (&pair);
    g_assert_cmpuint (phone->n_sent[ZRTP_MESSAGE_RELAYACK], ==, 0);
    assert_told (phone, ZRTP_EVENT_NONE);

    size = make_relay (&pair, words, words, ZRTP_B32, 7, packet);
    g_assert_cmpint (pair_feed (&pair, PHONE, packet, size), ==, ZRTP_ACCEPTED);
    g_assert_cmpint (pair_feed (&pair, PHONE, packet, size), ==, ZRTP_REPEATED);
    pair_settle (&pair);
    assert_told (phone, ZRTP_EVENT_RELAYED_SAS, ZRTP_EVENT_NONE);
    g_assert_cmpstr (phone->relayed_sas.sas, ==, "yyyy");
    g_assert_false (phone->relayed_sas.sas_verified);
    g_assert_cmpuint (phone->n_sent[ZRTP_MESSAGE_RELAYACK], ==, 1);
    /* another one, that differs from it only in its tag */
    size = make_relay (&pair, words, words, ZRTP_B32, 8, packet);
    g_assert_cmpint (pair_feed (&pair, PHONE, packet, size), ==, ZRTP_ACCEPTED);
    assert_told (phone, ZRTP_EVENT_RELAYED_SAS, ZRTP_EVENT_NONE);
    pair_clear (&pair);
  }
}

/* The lengths that Figure 16 knows: 19 words and a signature of up to 511. */
static void
test_lengths (void)
{
  Pair pair;
  uint8_t packet[ZRTP_MAX_PACKET + 8] = {0};

  begin_enrolled (&pair, 1);
  for (unsigned words = 3; words < 19; words++) {
    uint8_t message[ZRTP_SASRELAY_SIZE] = {0};
    ZrtpWriter writer = zrtp_writer (message, sizeof message);

    zrtp_message_begin (&writer, ZRTP_MESSAGE_SASRELAY, words * 4);
    g_assert_cmpint (pair_feed (&pair, PHONE, packet, forge (packet, 0x1001, message, words * 4)),
        ==, ZRTP_BAD_LENGTH);
  }
  pair_settle (&pair);
  g_assert_cmpuint (pair.end[PHONE].n_sent[ZRTP_MESSAGE_RELAYACK], ==, 0);
  pair_clear (&pair);
}

/* A rendering that nobody knows cannot be shown; there is nothing to complain about either. */
static void
test_unknown_rendering (void)
{
  Pair pair;
  PairEnd *phone = &pair.end[PHONE];

  begin_enrolled (&pair, 1);
  for (unsigned i = 0; i < 2; i++) {
    g_assert_true (relay_sas (&pair, ZRTP_TYPE ('B', '3', '3', ' '), i ? NULL : other_sashash));
    pair_run (&pair, pair.now + 20000 * MS);
    g_assert_cmpuint (pair.end[PBX].n_sent[ZRTP_MESSAGE_SASRELAY], ==, i + 1);
    g_assert_cmpuint (phone->n_sent[ZRTP_MESSAGE_RELAYACK], ==, i + 1);
  }
  assert_told (phone, ZRTP_EVENT_NONE);
  g_assert_cmpuint (phone->n_sent[ZRTP_MESSAGE_ERROR], ==, 0);
  pair_clear (&pair);
}

/* Another SSRC, another stream, an end that is no phone; the PBX gets its own back. */
static void
test_misdirected (void)
{
  Pair pair;
  Kept kept = {0};
  uint8_t packet[ZRTP_MAX_PACKET];
  const size_t size = 12 + 76 + 4;

  /* both are PBXs: each has keys to read it with */
  init (&pair, 1);
  pair.end[PHONE].config.mitm = true;
  give_pbxsecret (&pair, 0x77, 0x77);
  begin (&pair);
  pair.wire = keep;
  pair.user = &kept;
  g_assert_true (relay_sas (&pair, ZRTP_B32, other_sashash));
  pair_settle (&pair);
  g_assert_cmpuint (pair.end[PHONE].n_events[ZRTP_EVENT_RELAYED_SAS], ==, 1);
  memcpy (packet, kept.packet[PBX][ZRTP_MESSAGE_SASRELAY], size);
  memcpy (packet + 8, "\0\0\x10\0", 4); /* as if Alice had sent it */
  pair_fix_crc (packet, size);
  g_assert_cmpint (pair_feed (&pair, PBX, packet, size), ==, ZRTP_BAD_MAC);
  g_assert_cmpint (pair_feed (&pair, PHONE, packet, size), ==, ZRTP_UNEXPECTED);
  pair_settle (&pair);
  g_assert_cmpuint (pair.end[PBX].n_sent[ZRTP_MESSAGE_RELAYACK], ==, 0);
  g_assert_cmpuint (pair.end[PHONE].n_sent[ZRTP_MESSAGE_RELAYACK], ==, 1);
  pair_clear (&pair);
}

static void
test_on_further_stream (void)
{
  Pair streams[2];
  uint8_t packet[ZRTP_MAX_PACKET];

  init (&streams[0], 1);
  give_pbxsecret (&streams[0], 0x77, 0x77);
  begin (&streams[0]);
  pair_init_stream (&streams[1], &streams[0], 2);
  pair_start (&streams[1], BOTH);
  streams_settle (streams, 2);
  g_assert_cmpint (
      pair_feed (&streams[1], PHONE, packet, make_relay (&streams[1], 0, 0, ZRTP_B32, 7, packet)),
      ==, ZRTP_UNEXPECTED);
  g_assert_cmpuint (streams[1].end[PHONE].n_events[ZRTP_EVENT_RELAYED_SAS], ==, 0);
  pair_clear (&streams[1]);
  pair_clear (&streams[0]);
}

/* A RelayACK stops what it answers, and from the peer only. */
static void
test_forged_relayack (void)
{
  Pair pair;
  uint8_t packet[ZRTP_MAX_PACKET];
  PairEnd *pbx = &pair.end[PBX];
  size_t size;

  begin_enrolled (&pair, 1);
  size = forge_ack (packet, 0x1000, ZRTP_MESSAGE_RELAYACK);
  g_assert_cmpint (pair_feed (&pair, PBX, packet, size), ==, ZRTP_UNEXPECTED);
  pair.wire = cut;
  g_assert_true (relay_sas (&pair, ZRTP_B32, other_sashash));
  pair_settle (&pair);
  size = forge_ack (packet, 0x9999, ZRTP_MESSAGE_RELAYACK);
  g_assert_cmpint (pair_feed (&pair, PBX, packet, size), ==, ZRTP_UNEXPECTED);
  size = forge_ack (packet, 0x1000, ZRTP_MESSAGE_ERRORACK);
  g_assert_cmpint (pair_feed (&pair, PBX, packet, size), ==, ZRTP_UNEXPECTED);
  pair.wire = NULL;
  pair_run (&pair, pair.now + 1000 * MS);
  g_assert_cmpuint (pbx->n_sent[ZRTP_MESSAGE_SASRELAY], ==, 2);
  g_assert_cmpuint (pair.end[PHONE].n_events[ZRTP_EVENT_RELAYED_SAS], ==, 1);
  /* the second one finds nothing to stop */
  size = forge_ack (packet, 0x1000, ZRTP_MESSAGE_RELAYACK);
  g_assert_cmpint (pair_feed (&pair, PBX, packet, size), ==, ZRTP_UNEXPECTED);
  pair_clear (&pair);

  /* nor does it stop an Error */
  init (&pair, 1);
  begin (&pair);
  pbx->call->enrolled = true;
  g_assert_true (relay_sas (&pair, ZRTP_B32, other_sashash));
  pair.wire = NULL;
  {
    uint8_t relay[ZRTP_MAX_PACKET];

    size = zrtp_engine_poll_packet (pbx->engine, relay);
    zrtp_timer_stop (&pbx->engine->message_timer);
    pbx->any_sent = false;
    pair.wire = cut;
    pair_feed (&pair, PHONE, relay, size);
    pair_settle (&pair);
  }
  size = forge_ack (packet, 0x1001, ZRTP_MESSAGE_RELAYACK);
  g_assert_cmpint (pair_feed (&pair, PHONE, packet, size), ==, ZRTP_UNEXPECTED);
  g_assert_true (pair.end[PHONE].engine->message_timer.armed);
  size = forge_ack (packet, 0x9999, ZRTP_MESSAGE_ERRORACK);
  g_assert_cmpint (pair_feed (&pair, PHONE, packet, size), ==, ZRTP_UNEXPECTED);
  g_assert_true (pair.end[PHONE].engine->message_timer.armed);
  size = forge_ack (packet, 0x1001, ZRTP_MESSAGE_ERRORACK);
  g_assert_cmpint (pair_feed (&pair, PHONE, packet, size), ==, ZRTP_ACCEPTED);
  g_assert_false (pair.end[PHONE].engine->message_timer.armed);
  g_assert_cmpint (pair_feed (&pair, PHONE, packet, size), ==, ZRTP_UNEXPECTED);
  pair_clear (&pair);
}

/* Through clear mode and back: the trust is the call's, the keys are new. */
static void
test_after_clear (void)
{
  Pair pair;
  PairEnd *phone = &pair.end[PHONE];
  Kept kept = {0};

  init (&pair, 1);
  give_pbxsecret (&pair, 0x77, 0x77);
  pair.end[PHONE].config.allow_clear = pair.end[PBX].config.allow_clear = true;
  begin (&pair);
  pair.wire = keep;
  pair.user = &kept;
  g_assert_true (relay_sas (&pair, ZRTP_B32, other_sashash));
  pair_settle (&pair);
  g_assert_true (zrtp_call_go_clear (pair.end[PBX].call, pair.now));
  pair_settle (&pair);
  g_assert_cmpint (feed_kept (&pair, PHONE, &kept, ZRTP_MESSAGE_SASRELAY), ==, ZRTP_UNEXPECTED);
  zrtp_call_accept_clear (phone->call, false, pair.now);
  pair_settle (&pair);
  g_assert_true (phone->secure.enrolled);
  g_assert_true (pair.end[PBX].secure.enrolled);
  phone->n_told = 0;
  g_assert_cmpint (feed_kept (&pair, PHONE, &kept, ZRTP_MESSAGE_SASRELAY), ==, ZRTP_BAD_MAC);
  g_assert_true (relay_sas (&pair, ZRTP_B256, other_sashash));
  pair_settle (&pair);
  assert_told (phone, ZRTP_EVENT_RELAYED_SAS, ZRTP_EVENT_NONE);
  g_assert_cmpstr (phone->relayed_sas.sas, ==, "aardvark adroitness");
  pair_clear (&pair);
}

/* mackey and zrtpkey stay only where a PBX needs them. */
static void
test_kept_keys (void)
{
  for (unsigned mitm = 0; mitm < 2; mitm++) {
    Pair pair;
    Kept kept = {0};

    init (&pair, 1);
    pair.end[PBX].config.mitm = mitm;
    pair.wire = keep;
    pair.user = &kept;
    begin (&pair);
    for (unsigned e = 0; e < 2; e++)
      for (unsigned k = 0; k < 2; k++) {
        g_assert_cmpint (engine_has (pair.end[e].engine, kept.keys[e].mackey[k], 32), ==, mitm);
        g_assert_cmpint (engine_has (pair.end[e].engine, kept.keys[e].zrtpkey[k], 16), ==, mitm);
        g_assert_false (engine_has (pair.end[e].engine, kept.keys[e].srtpkey[k], 16));
      }
    pair_clear (&pair);
  }
}

/* --- Errors of a secure stream --------------------------------------------------------------------------------- */

/* Nothing unauthenticated ends a secure stream: an Error is acknowledged, that the peer may stop, and has
 * no effect. */
static void
test_late_error (void)
{
  static const unsigned codes[] = {0x10, 0x20, 0x30, 0x40, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x61,
      0x62, 0x63, 0x70, 0x80, 0x90, 0x91, 0xa0, 0xb0, 0x100, 0, 0xffffffff};
  Pair pair;
  uint8_t packet[ZRTP_MAX_PACKET];

  init (&pair, 1);
  begin (&pair);
  for (unsigned e = 0; e < 2; e++) {
    for (unsigned i = 0; i < G_N_ELEMENTS (codes); i++) {
      g_assert_cmpint (pair_feed (&pair, e, packet, forge_error (packet, 0x1000 + !e, codes[i])),
          ==, ZRTP_UNEXPECTED);
      pair_settle (&pair);
      g_assert_cmpuint (pair.end[e].n_sent[ZRTP_MESSAGE_ERRORACK], ==, i + 1);
      g_assert_cmpint (pair_feed (&pair, e, packet, forge_error (packet, 0x7777, codes[i])), ==,
          ZRTP_UNEXPECTED);
      pair_settle (&pair);
      g_assert_cmpuint (pair.end[e].n_sent[ZRTP_MESSAGE_ERRORACK], ==, i + 1);
    }
    assert_told (&pair.end[e], ZRTP_EVENT_NONE);
  }
  pair_run (&pair, pair.now + 20000 * MS);
  pair_assert_secure (&pair);
  pair_clear (&pair);
}

/* --- Ping -------------------------------------------------------------------------------------------------------- */

static size_t
make_pingack (
    const uint8_t own[8], const uint8_t asked[8], uint32_t ssrc, uint8_t packet[ZRTP_MAX_PACKET])
{
  ZrtpPingAck pingack = {.version = {'1', '.', '1', '0'}, .ssrc = ssrc};
  uint8_t message[ZRTP_PINGACK_SIZE];

  memcpy (pingack.endpoint_hash, own, 8);
  memcpy (pingack.ping_endpoint_hash, asked, 8);
  return forge (packet, 0x1001, message, zrtp_pingack_write (&pingack, message));
}

/* §5.15, §5.16: the EndpointHash is the truncated ZID, the SSRC the one in the header of the Ping. */
static void
test_ping (void)
{
  /* before anything was said, between two who talk, and afterwards */
  for (unsigned when = 0; when < 3; when++) {
    Pair pair;
    PairEnd *alice = &pair.end[ALICE];
    uint8_t bobs[8];

    init (&pair, 1);
    memset (bobs, 0xa1, sizeof bobs);
    pair_start (&pair, when ? BOTH : 0);
    if (when == 2)
      pair_settle (&pair);
    zrtp_engine_ping (alice->engine, pair.now);
    pair_run (&pair, pair.now + 5000 * MS);
    g_assert_cmpuint (alice->n_sent[ZRTP_MESSAGE_PING], ==, 1);
    g_assert_cmpuint (alice->n_events[ZRTP_EVENT_PINGACK], ==, 1);
    g_assert_cmpmem (alice->pinged, 8, bobs, 8);
    g_assert_cmphex (alice->pinged_ssrc, ==, 0x1000);
    g_assert_cmpuint (pair.end[BOB].n_events[ZRTP_EVENT_PINGACK], ==, 0);
    if (when)
      pair_assert_secure (&pair);
    else
      g_assert_cmpint (pair_state (&pair, BOB), ==, ZRTP_STATE_IDLE);
    pair_clear (&pair);
  }
}

/* "may follow the same retransmission schedule as the Hello message", §6 */
static void
test_ping_schedule (void)
{
  Pair pair;
  PairEnd *alice = &pair.end[ALICE];
  Loss loss = {ALICE, ZRTP_MESSAGE_PING, 3, 0, 0};
  uint64_t start;

  init (&pair, 1);
  begin (&pair);
  pair.wire = cut;
  start = pair.now;
  zrtp_engine_ping (alice->engine, pair.now);
  pair_run (&pair, pair.now + 20000 * MS);
  g_assert_cmpuint (alice->n_sent[ZRTP_MESSAGE_PING], ==, 21);
  for (unsigned i = 0; i < 21; i++)
    g_assert_cmpuint (alice->sent_at[ZRTP_MESSAGE_PING][i], ==,
        start + (i == 0      ? 0
                    : i == 1 ? 50
                             : 150 + (i - 2) * 200) *
                    MS);
  assert_told (alice, ZRTP_EVENT_NONE);
  pair_assert_secure (&pair);

  /* until there is an answer */
  alice->n_sent[ZRTP_MESSAGE_PING] = 0;
  pair.wire = lose;
  pair.user = &loss;
  zrtp_engine_ping (alice->engine, pair.now);
  pair_run (&pair, pair.now + 20000 * MS);
  g_assert_cmpuint (alice->n_sent[ZRTP_MESSAGE_PING], ==, 4);
  assert_told (alice, ZRTP_EVENT_PINGACK, ZRTP_EVENT_NONE);
  pair_clear (&pair);
}

/* An answer to no question, or to somebody else's. */
static void
test_forged_pingack (void)
{
  Pair pair;
  PairEnd *alice = &pair.end[ALICE];
  uint8_t packet[ZRTP_MAX_PACKET], own[8], forger[8] = {6, 6, 6};
  size_t size;

  init (&pair, 1);
  begin (&pair);
  memset (own, 0xa0, sizeof own);
  size = make_pingack (forger, own, 0x1000, packet);
  g_assert_cmpint (pair_feed (&pair, ALICE, packet, size), ==, ZRTP_UNEXPECTED);
  pair.wire = cut;
  zrtp_engine_ping (alice->engine, pair.now);
  for (unsigned octet = 0; octet < 8; octet++) {
    own[octet] ^= 1;
    size = make_pingack (forger, own, 0x1000, packet);
    g_assert_cmpint (pair_feed (&pair, ALICE, packet, size), ==, ZRTP_UNEXPECTED);
    own[octet] ^= 1;
  }
  assert_told (alice, ZRTP_EVENT_NONE);
  size = make_pingack (forger, own, 0x1234, packet);
  g_assert_cmpint (pair_feed (&pair, ALICE, packet, size), ==, ZRTP_ACCEPTED);
  assert_told (alice, ZRTP_EVENT_PINGACK, ZRTP_EVENT_NONE);
  g_assert_cmphex (alice->pinged_ssrc, ==, 0x1234);
  /* one answer */
  g_assert_cmpint (pair_feed (&pair, ALICE, packet, size), ==, ZRTP_UNEXPECTED);
  pair_run (&pair, pair.now + 5000 * MS);
  g_assert_cmpuint (alice->n_sent[ZRTP_MESSAGE_PING], ==, 1);
  pair_assert_secure (&pair);
  pair_clear (&pair);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/enrolment/asked", test_asked);
  g_test_add_func ("/enrolment/not-a-pbx", test_not_a_pbx);
  g_test_add_func ("/enrolment/not-without-accept", test_not_without_accept);
  g_test_add_func ("/enrolment/pbxsecret", test_pbxsecret);
  g_test_add_func ("/enrolment/s3-is-mixed-in", test_s3_is_mixed_in);
  g_test_add_func ("/enrolment/after-mismatch", test_after_mismatch);
  g_test_add_func ("/enrolment/after-mismatch-at-pbx", test_after_mismatch_at_pbx);
  g_test_add_func ("/enrolment/after-mismatch-not-kept", test_after_mismatch_not_kept);
  g_test_add_func ("/enrolment/taken-back", test_taken_back);
  g_test_add_func ("/enrolment/denied-afterwards", test_denied_after_enrolment);
  g_test_add_func ("/enrolment/first-stream-only", test_first_stream_only);
  g_test_add_func ("/relay/relay", test_relay);
  g_test_add_func ("/relay/again", test_relay_again);
  g_test_add_func ("/relay/schedule", test_schedule);
  g_test_add_func ("/relay/identical", test_identical);
  g_test_add_func ("/relay/who-may-relay", test_who_may_relay);
  g_test_add_func ("/relay/null-sashash", test_null_sashash);
  g_test_add_func ("/relay/untrusted", test_untrusted);
  g_test_add_func ("/relay/no-m-flag", test_no_m_flag);
  g_test_add_func ("/relay/tampered", test_tampered);
  g_test_add_func ("/relay/signature", test_signature);
  g_test_add_func ("/relay/lengths", test_lengths);
  g_test_add_func ("/relay/unknown-rendering", test_unknown_rendering);
  g_test_add_func ("/relay/misdirected", test_misdirected);
  g_test_add_func ("/relay/on-further-stream", test_on_further_stream);
  g_test_add_func ("/relay/forged-relayack", test_forged_relayack);
  g_test_add_func ("/relay/after-clear", test_after_clear);
  g_test_add_func ("/relay/kept-keys", test_kept_keys);
  g_test_add_func ("/late-error/secure", test_late_error);
  g_test_add_func ("/ping/ping", test_ping);
  g_test_add_func ("/ping/schedule", test_ping_schedule);
  g_test_add_func ("/ping/forged-pingack", test_forged_pingack);
  return g_test_run ();
}
