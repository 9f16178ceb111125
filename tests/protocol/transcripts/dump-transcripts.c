/* Prints what two engines draw, are given, send and tell in one call after the other, as JSON lines.
 *
 *   dump-transcripts [NAME]     only scenarios whose name begins with NAME
 *
 * replay.py says what the lines mean and computes all of it anew. Nothing is checked here. Time is
 * virtual and the random octets come from a seed, so two runs print the same.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/protocol/engine-private.h"
#include "gst/protocol/sas.h"

#include "ext/gmp/zrtp-gmp.h"
#include "ext/nettle/zrtp-nettle.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS UINT64_C (1000000)

enum {
  ALICE,
  BOB,
  MAX_STREAMS = 4,
  WIRE = 64, /* packets under way */
};

/* --- JSON ------------------------------------------------------------------------------------------ */

static FILE *out;        /* what the scenario has printed so far */
static unsigned n_lines; /* of the scenario */
static const char *separator;

static void
begin_line (const char *kind)
{
  fprintf (out, "{\"line\": \"%s\"", kind);
  separator = ", ";
  n_lines++;
}

static void
end_line (void)
{
  fputs ("}\n", out);
}

static void
put_name (const char *name)
{
  fprintf (out, "%s\"%s\": ", separator, name);
  separator = ", ";
}

static void
begin_object (const char *name)
{
  put_name (name);
  fputc ('{', out);
  separator = "";
}

static void
end_object (void)
{
  fputc ('}', out);
  separator = ", ";
}

static void
put_string (const char *name, const char *value)
{
  put_name (name);
  fprintf (out, "\"%s\"", value);
}

static void
put_number (const char *name, uint64_t value)
{
  put_name (name);
  fprintf (out, "%" PRIu64, value);
}

static void
put_bool (const char *name, bool value)
{
  put_name (name);
  fputs (value ? "true" : "false", out);
}

static void
put_octets (const char *name, const void *octets, size_t size)
{
  put_name (name);
  fputc ('"', out);
  for (size_t i = 0; i < size; i++)
    fprintf (out, "%02x", ((const uint8_t *) octets)[i]);
  fputc ('"', out);
}

/* `octets` when there are any, else null. */
static void
put_maybe (const char *name, bool there, const void *octets, size_t size)
{
  if (there) {
    put_octets (name, octets, size);
  } else {
    put_name (name);
    fputs ("null", out);
  }
}

static const char *
type_name (ZrtpType type, char block[5])
{
  for (unsigned i = 0; i < 4; i++)
    block[i] = (char) (type >> (24 - 8 * i));
  block[4] = '\0';
  return block;
}

static void
put_type (const char *name, ZrtpType type)
{
  char block[5];

  put_string (name, type_name (type, block));
}

static const char *const kind_names[ZRTP_N_KINDS] = {
    [ZRTP_HASH] = "hash",
    [ZRTP_CIPHER] = "cipher",
    [ZRTP_AUTH_TAG] = "auth-tag",
    [ZRTP_KEY_AGREEMENT] = "key-agreement",
    [ZRTP_SAS] = "sas",
};

static void
put_offer (const char *name, const ZrtpOffer *offer)
{
  begin_object (name);
  for (unsigned kind = 0; kind < ZRTP_N_KINDS; kind++) {
    put_name (kind_names[kind]);
    fputc ('[', out);
    for (unsigned i = 0; i < offer->list[kind].n; i++) {
      char block[5];

      fprintf (out, "%s\"%s\"", i > 0 ? ", " : "", type_name (offer->list[kind].type[i], block));
    }
    fputc (']', out);
  }
  end_object ();
}

static void
put_choice (const char *name, const ZrtpChoice *choice)
{
  begin_object (name);
  for (unsigned kind = 0; kind < ZRTP_N_KINDS; kind++)
    put_type (kind_names[kind], choice->type[kind]);
  end_object ();
}

static void
put_record (const char *name, const ZrtpRecord *record)
{
  begin_object (name);
  put_maybe ("rs1", record->has_rs1, record->rs1, sizeof record->rs1);
  put_maybe ("rs2", record->has_rs2, record->rs2, sizeof record->rs2);
  put_bool ("verified", record->sas_verified);
  put_number ("expiry", record->expiry);
  end_object ();
}

/* --- Two ends, their streams, the wire ------------------------------------------------------------- */

typedef struct {
  const char *name;
  uint64_t random_state;
  ZrtpCrypto crypto;
  uint8_t zid[ZRTP_ZID_SIZE];
  ZrtpConfig config;
  ZrtpRecord record;
  bool has_record;
  ZrtpCall *call;
  ZrtpEngine *engine[MAX_STREAMS];
} End;

typedef struct {
  unsigned from, stream;
  size_t size;
  uint8_t octets[ZRTP_MAX_PACKET];
} Packet;

typedef struct {
  End end[2];
  uint64_t now;
  unsigned n_streams;
  unsigned lose_every; /* 0: nothing is lost */
  unsigned n_packets;
  Packet wire[WIRE]; /* a ring */
  unsigned first, n_waiting;
} Scene;

static const ZrtpHash *const hashes[] = {&zrtp_nettle_s256, &zrtp_nettle_s384, &zrtp_nettle_s512,
    &zrtp_nettle_n256, &zrtp_nettle_n384, NULL};
static const ZrtpCipher *const ciphers[] = {&zrtp_nettle_aes1, &zrtp_nettle_aes3, NULL};
static const ZrtpKeyAgreement *const key_agreements[] = {&zrtp_nettle_x255, &zrtp_nettle_x448,
    &zrtp_nettle_ec25, &zrtp_nettle_ec38, &zrtp_nettle_ec52, &zrtp_gmp_dh2k, &zrtp_gmp_dh3k, NULL};
static const ZrtpType auth_tags[] = {ZRTP_HS80, ZRTP_HS32};
static const ZrtpType sas_types[] = {ZRTP_B32, ZRTP_B256};

/* splitmix64 */
static void
fill_from (uint64_t *state, uint8_t *octets, size_t size)
{
  for (size_t i = 0; i < size; i++) {
    uint64_t z = *state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    octets[i] = (uint8_t) (z >> 56);
  }
}

static bool
draw (void *user, uint8_t *octets, size_t size)
{
  End *end = user;

  fill_from (&end->random_state, octets, size);
  begin_line ("draw");
  put_string ("end", end->name);
  put_octets ("octets", octets, size);
  end_line ();
  return true;
}

static void
begin_event (const char *kind, const End *end, unsigned stream)
{
  begin_line (kind);
  put_number ("stream", stream);
  put_string ("end", end->name);
}

static void
note_key (const char *kind, const End *end, unsigned stream, const ZrtpSrtpKey *key)
{
  begin_event (kind, end, stream);
  put_type ("cipher", key->cipher);
  put_type ("auth_tag", key->auth_tag);
  put_octets ("octets", key->key_and_salt, key->size);
  end_line ();
}

static void
note_secure (const End *end, unsigned stream, const ZrtpSecureInfo *info)
{
  begin_event ("secure", end, stream);
  put_string ("sas", info->sas);
  put_string ("role", info->role == ZRTP_ROLE_INITIATOR ? "initiator" : "responder");
  put_choice ("choice", &info->choice);
  put_bool ("verified", info->sas_verified);
  put_bool ("mismatch", info->cache_mismatch);
  put_bool ("peer_disclosure", info->peer_disclosure);
  put_bool ("peer_mitm", info->peer_mitm);
  put_octets ("peer_zid", info->peer_zid, sizeof info->peer_zid);
  put_octets ("peer_client_id", info->peer_client_id, ZRTP_CLIENT_ID_SIZE);
  end_line ();
}

static void
note_store (End *end, unsigned stream, const ZrtpRecord *record)
{
  end->record = *record;
  end->has_record = true;
  begin_event ("store", end, stream);
  put_record ("record", record);
  end_line ();
}

static void
handle_event (Scene *scene, End *end, unsigned stream, const ZrtpEvent *event)
{
  switch (event->kind) {
    case ZRTP_EVENT_LOOKUP:
      zrtp_engine_set_record (
          end->engine[stream], event->peer_zid, end->has_record ? &end->record : NULL, scene->now);
      break;
    case ZRTP_EVENT_RECEIVE_KEY:
      note_key ("receive-key", end, stream, &event->key);
      break;
    case ZRTP_EVENT_SEND_KEY:
      note_key ("send-key", end, stream, &event->key);
      break;
    case ZRTP_EVENT_STORE:
      note_store (end, stream, &event->record);
      break;
    case ZRTP_EVENT_SECURE:
      note_secure (end, stream, &event->secure);
      break;
    default:
      fprintf (stderr, "%s: event %d\n", end->name, (int) event->kind);
      exit (1);
  }
}

static void
send (Scene *scene, Packet *packet)
{
  begin_event ("packet", &scene->end[packet->from], packet->stream);
  put_octets ("octets", packet->octets, packet->size);
  end_line ();
  scene->n_packets++;
  if (scene->lose_every == 0 || scene->n_packets % scene->lose_every != 0)
    scene->n_waiting++;
  if (scene->n_waiting == WIRE) {
    fputs ("the wire is full\n", stderr);
    exit (1);
  }
}

/* To be called after every call of an engine: events, then packets. */
static void
drain (Scene *scene, unsigned index, unsigned stream)
{
  End *end = &scene->end[index];
  ZrtpEvent event;

  while (zrtp_engine_poll_event (end->engine[stream], &event))
    handle_event (scene, end, stream, &event);
  for (;;) {
    Packet *packet = &scene->wire[(scene->first + scene->n_waiting) % WIRE];

    packet->from = index;
    packet->stream = stream;
    packet->size = zrtp_engine_poll_packet (end->engine[stream], packet->octets);
    if (packet->size == 0)
      return;
    send (scene, packet);
  }
}

static void
deliver (Scene *scene)
{
  while (scene->n_waiting > 0) {
    const Packet packet = scene->wire[scene->first];

    scene->first = (scene->first + 1) % WIRE;
    scene->n_waiting--;
    zrtp_engine_handle_packet (
        scene->end[!packet.from].engine[packet.stream], packet.octets, packet.size, scene->now);
    drain (scene, !packet.from, packet.stream);
  }
}

static bool
next_timeout (const Scene *scene, uint64_t *next)
{
  uint64_t when;
  bool any = false;

  for (unsigned i = 0; i < 2 * scene->n_streams; i++)
    if (zrtp_engine_next_timeout (scene->end[i % 2].engine[i / 2], &when) &&
        (!any || when < *next)) {
      any = true;
      *next = when;
    }
  return any;
}

/* Until there is nothing to wait for. */
static void
run (Scene *scene)
{
  deliver (scene);
  while (next_timeout (scene, &scene->now)) {
    for (unsigned i = 0; i < 2 * scene->n_streams; i++) {
      zrtp_engine_handle_timeout (scene->end[i % 2].engine[i / 2], scene->now);
      drain (scene, i % 2, i / 2);
    }
    deliver (scene);
  }
}

/* --- The parts of a scenario ----------------------------------------------------------------------- */

static void
offer_one (Scene *scene, ZrtpKind kind, ZrtpType type)
{
  for (unsigned i = 0; i < 2; i++)
    scene->end[i].config.offer.list[kind] = (ZrtpList){1, {type}};
}

static void
begin_scenario (const char *name)
{
  n_lines = 0;
  begin_line ("scenario");
  put_string ("name", name);
  end_line ();
}

static void
end_scenario (void)
{
  begin_line ("done");
  put_number ("lines", n_lines);
  end_line ();
}

static Scene *
scene_new (uint64_t seed)
{
  static const char *const client_ids[] = {"Alice's phone   ", "Bob 2.0         "};
  Scene *scene = calloc (1, sizeof *scene);

  scene->now = 1000 * MS;
  for (unsigned i = 0; i < 2; i++) {
    End *end = &scene->end[i];

    end->name = i == ALICE ? "alice" : "bob";
    end->crypto = (ZrtpCrypto){hashes, ciphers, key_agreements, {draw, end}};
    fill_from (&seed, end->zid, sizeof end->zid);
    fill_from (&seed, (uint8_t *) &end->random_state, sizeof end->random_state);
    end->config.ssrc = 0x1000 + i;
    end->config.cache_expiry = UINT32_MAX;
    memcpy (end->config.client_id, client_ids[i], sizeof end->config.client_id);
  }
  offer_one (scene, ZRTP_HASH, ZRTP_S256);
  offer_one (scene, ZRTP_CIPHER, ZRTP_AES1);
  offer_one (scene, ZRTP_AUTH_TAG, ZRTP_HS80);
  offer_one (scene, ZRTP_KEY_AGREEMENT, ZRTP_X255);
  offer_one (scene, ZRTP_SAS, ZRTP_B32);
  return scene;
}

static void
scene_free (Scene *scene)
{
  for (unsigned i = 0; i < 2; i++) {
    for (unsigned stream = 0; stream < scene->n_streams; stream++)
      zrtp_engine_free (scene->end[i].engine[stream]);
    zrtp_call_free (scene->end[i].call);
  }
  free (scene);
}

static void
make_call (End *end)
{
  end->call = zrtp_call_new (&end->crypto, end->zid);
  begin_line ("end");
  put_string ("end", end->name);
  put_octets ("zid", end->zid, sizeof end->zid);
  if (end->has_record)
    put_record ("record", &end->record);
  else
    put_maybe ("record", false, NULL, 0);
  end_line ();
}

static void
make_engine (End *end, unsigned stream)
{
  ZrtpConfig config = end->config;
  uint8_t hello_hash[ZRTP_HELLO_HASH_SIZE];

  config.ssrc += 0x100 * stream;
  end->engine[stream] = zrtp_engine_new (end->call, &config);
  zrtp_engine_get_hello_hash (end->engine[stream], hello_hash);

  begin_event ("stream", end, stream);
  put_number ("ssrc", config.ssrc);
  put_octets ("client_id", config.client_id, sizeof config.client_id);
  put_offer ("lists", &end->engine[stream]->config.offer); /* with Mult */
  put_number ("expiry", config.cache_expiry);
  put_octets ("hello_hash", hello_hash, sizeof hello_hash);
  end_line ();
}

/* One stream more; the first makes the call secure. */
static void
add_stream (Scene *scene)
{
  const unsigned stream = scene->n_streams++;

  for (unsigned i = 0; i < 2; i++)
    make_engine (&scene->end[i], stream);
  for (unsigned i = 0; i < 2; i++) {
    zrtp_engine_start (scene->end[i].engine[stream], scene->now);
    drain (scene, i, stream);
  }
  run (scene);
}

static void
put_exported (const End *end, const char *label, size_t size)
{
  uint8_t key[ZRTP_MAX_HASH];

  if (!zrtp_call_export_key (end->call, label, key, size))
    return;
  begin_line ("exported-key");
  put_string ("end", end->name);
  put_string ("label", label);
  put_octets ("octets", key, size);
  end_line ();
}

static void
note_call (const End *end)
{
  const uint8_t *sashash = zrtp_call_get_sashash (end->call);

  begin_line ("sashash");
  put_string ("end", end->name);
  put_octets ("octets", sashash, sashash ? ZRTP_SASHASH_SIZE : 0);
  end_line ();
  put_exported (end, "chat", 32);
  put_exported (end, "file transfer", 16);
  put_exported (end, "all of it", 48); /* too much for a hash of 256 bits */
}

/* --- Scenarios ------------------------------------------------------------------------------------- */

typedef struct {
  char name[48];
  unsigned initiator;             /* of the first stream */
  void (*prepare) (Scene *scene); /* what the ends are given, NULL = nothing */
  void (*act) (Scene *scene);     /* after the first stream is secure, NULL = nothing */
  const ZrtpType *types;          /* one a kind, NULL = the usual ones */
} Scenario;

/* False when the other end became the initiator: the higher hvi decides, and that is chance. */
static bool
try_scenario (const Scenario *scenario, uint64_t seed)
{
  Scene *scene = scene_new (seed);
  bool as_wanted;

  begin_scenario (scenario->name);
  for (unsigned kind = 0; scenario->types && kind < ZRTP_N_KINDS; kind++)
    offer_one (scene, kind, scenario->types[kind]);
  if (scenario->prepare)
    scenario->prepare (scene);
  for (unsigned i = 0; i < 2; i++)
    make_call (&scene->end[i]);
  add_stream (scene);
  as_wanted =
      zrtp_engine_get_role (scene->end[scenario->initiator].engine[0]) == ZRTP_ROLE_INITIATOR;
  if (as_wanted && scenario->act)
    scenario->act (scene);
  for (unsigned i = 0; i < 2; i++)
    note_call (&scene->end[i]);
  end_scenario ();
  scene_free (scene);
  return as_wanted;
}

static const char *only = "";

/* Runs it, with one seed after the other until the roles are as wanted, and prints that. */
static void
play (const Scenario *scenario)
{
  static uint64_t seed = 6189;
  bool as_wanted = false;

  while (!as_wanted) {
    char *text;
    size_t size;

    out = open_memstream (&text, &size);
    as_wanted = try_scenario (scenario, seed++);
    fclose (out);
    if (as_wanted && strncmp (scenario->name, only, strlen (only)) == 0)
      fwrite (text, 1, size, stdout);
    free (text);
  }
}

/* "If ECDH-384 (EC38) is chosen as the key agreement, the negotiated hash algorithm MUST be either
 * SHA-384 or the corresponding SHA-3 successor"; "DH2k SHOULD use AES-128"; §5.1.5. */
static bool
fit_together (ZrtpType key_agreement, ZrtpType hash, ZrtpType cipher)
{
  if (key_agreement == ZRTP_EC38 && hash != ZRTP_S384)
    return false;
  return key_agreement != ZRTP_DH2K || cipher == ZRTP_AES1;
}

/* Every key agreement with every hash and cipher that it may have; the auth tag, the SAS type and the
 * roles change from one to the next. */
static void
all_algorithms (void)
{
  unsigned turn = 0;

  for (unsigned k = 0; key_agreements[k]; k++)
    for (unsigned h = 0; hashes[h]; h++)
      for (unsigned c = 0; ciphers[c]; c++) {
        const ZrtpType types[ZRTP_N_KINDS] = {
            [ZRTP_HASH] = hashes[h]->type,
            [ZRTP_CIPHER] = ciphers[c]->type,
            [ZRTP_AUTH_TAG] = auth_tags[turn % 2],
            [ZRTP_KEY_AGREEMENT] = key_agreements[k]->type,
            [ZRTP_SAS] = sas_types[turn / 2 % 2],
        };
        Scenario scenario = {.initiator = turn % 3 ? ALICE : BOB, .types = types};
        char block[ZRTP_N_KINDS][5];

        if (!fit_together (key_agreements[k]->type, hashes[h]->type, ciphers[c]->type))
          continue;
        for (unsigned kind = 0; kind < ZRTP_N_KINDS; kind++)
          type_name (types[kind], block[kind]);
        snprintf (scenario.name, sizeof scenario.name, "%s-%s-%s-%s-%s", block[ZRTP_KEY_AGREEMENT],
            block[ZRTP_HASH], block[ZRTP_CIPHER], block[ZRTP_AUTH_TAG], block[ZRTP_SAS]);
        play (&scenario);
        turn++;
      }
}

/* Different preferences: "both parties choose EC25 (ECDH-256) because it's faster", §4.1.2. */
static void
prefer (Scene *scene)
{
  scene->end[ALICE].config.offer = (ZrtpOffer){{
      [ZRTP_HASH] = {2, {ZRTP_S384, ZRTP_S256}},
      [ZRTP_CIPHER] = {2, {ZRTP_AES3, ZRTP_AES1}},
      [ZRTP_AUTH_TAG] = {2, {ZRTP_HS80, ZRTP_HS32}},
      [ZRTP_KEY_AGREEMENT] = {2, {ZRTP_DH3K, ZRTP_EC25}},
      [ZRTP_SAS] = {2, {ZRTP_B256, ZRTP_B32}},
  }};
  scene->end[BOB].config.offer = (ZrtpOffer){{
      [ZRTP_CIPHER] = {1, {ZRTP_AES3}},
      [ZRTP_AUTH_TAG] = {1, {ZRTP_HS32}},
      [ZRTP_KEY_AGREEMENT] = {3, {ZRTP_EC38, ZRTP_EC25, ZRTP_DH3K}},
  }};
}

static void
lose_packets (Scene *scene)
{
  scene->lose_every = 4;
}

/* --- Scenarios with retained secrets */

enum {
  NONE,
  X,
  Y,
  Z
};

static void
give_record (End *end, unsigned rs1, unsigned rs2)
{
  end->has_record = true;
  end->record = (ZrtpRecord){.has_rs1 = rs1 != NONE, .has_rs2 = rs2 != NONE, .expiry = UINT32_MAX};
  for (unsigned i = 0; i < ZRTP_RS_SIZE; i++) {
    end->record.rs1[i] = (uint8_t) (0x10 * rs1 + 7 * i);
    end->record.rs2[i] = (uint8_t) (0x10 * rs2 + 7 * i);
  }
}

static void
same_rs1 (Scene *scene)
{
  give_record (&scene->end[ALICE], X, NONE);
  give_record (&scene->end[BOB], X, NONE);
}

static void
same_rs1_and_rs2 (Scene *scene)
{
  give_record (&scene->end[ALICE], X, Y);
  give_record (&scene->end[BOB], X, Y);
}

/* Alice has stored what Bob has not. */
static void
rs2_is_rs1 (Scene *scene)
{
  give_record (&scene->end[ALICE], Y, X);
  give_record (&scene->end[BOB], X, Z);
}

static void
rs2_is_rs2 (Scene *scene)
{
  give_record (&scene->end[ALICE], Y, X);
  give_record (&scene->end[BOB], Z, X);
}

/* Both matches there can be: the initiator's rs1 has precedence. */
static void
crosswise (Scene *scene)
{
  give_record (&scene->end[ALICE], X, Y);
  give_record (&scene->end[BOB], Y, X);
}

static void
mismatch (Scene *scene)
{
  give_record (&scene->end[ALICE], X, NONE);
  give_record (&scene->end[BOB], Y, Z);
}

static void
one_forgot (Scene *scene)
{
  give_record (&scene->end[ALICE], X, Y);
}

static void
only_rs2 (Scene *scene)
{
  give_record (&scene->end[ALICE], NONE, X);
  give_record (&scene->end[BOB], X, NONE);
}

static void
both_verified (Scene *scene)
{
  same_rs1 (scene);
  scene->end[ALICE].record.sas_verified = true;
  scene->end[BOB].record.sas_verified = true;
}

static void
one_verified (Scene *scene)
{
  same_rs1 (scene);
  scene->end[ALICE].record.sas_verified = true;
}

static void
verified_but_mismatch (Scene *scene)
{
  mismatch (scene);
  scene->end[ALICE].record.sas_verified = true;
  scene->end[BOB].record.sas_verified = true;
}

static void
short_expiry (Scene *scene)
{
  same_rs1 (scene);
  scene->end[ALICE].config.cache_expiry = 86400;
  scene->end[BOB].config.cache_expiry = 3600;
}

static void
cacheless (Scene *scene)
{
  give_record (&scene->end[ALICE], X, NONE);
  scene->end[BOB].config.cache_expiry = 0;
}

static void
had_expired (Scene *scene)
{
  mismatch (scene);
  scene->end[ALICE].record.expiry = 0;
}

static void
say (Scene *scene, unsigned index, bool matches)
{
  begin_event ("sas-verified", &scene->end[index], 0);
  put_bool ("matches", matches);
  end_line ();
  zrtp_engine_sas_verified (scene->end[index].engine[0], matches);
  drain (scene, index, 0);
}

static void
verify (Scene *scene)
{
  say (scene, BOB, true);
  say (scene, ALICE, true);
}

static void
deny (Scene *scene)
{
  say (scene, ALICE, false);
  say (scene, BOB, false);
}

static const Scenario scenarios[] = {
    {"preferences", ALICE, prefer},
    {"preferences", BOB, prefer},
    {"loss", ALICE, lose_packets},
    {"loss", BOB, lose_packets},
    {"rs1", ALICE, same_rs1},
    {"rs1-rs2", BOB, same_rs1_and_rs2},
    {"rs2-is-rs1", ALICE, rs2_is_rs1},
    {"rs2-is-rs1", BOB, rs2_is_rs1},
    {"rs2-is-rs2", ALICE, rs2_is_rs2},
    {"crosswise", ALICE, crosswise},
    {"crosswise", BOB, crosswise},
    {"mismatch", ALICE, mismatch},
    {"mismatch", BOB, mismatch},
    {"one-forgot", ALICE, one_forgot},
    {"one-forgot", BOB, one_forgot},
    {"only-rs2", ALICE, only_rs2},
    {"only-rs2", BOB, only_rs2},
    {"verified", ALICE, both_verified},
    {"one-verified", BOB, one_verified},
    {"verified-mismatch", ALICE, verified_but_mismatch},
    {"short-expiry", ALICE, short_expiry},
    {"cacheless", BOB, cacheless},
    {"expired", ALICE, had_expired},
    {"verify", ALICE, NULL, verify},
    {"deny", BOB, NULL, deny},
    {"mismatch-verify", ALICE, mismatch, verify},
    {"mismatch-deny", BOB, mismatch, deny},
    {"returning-verify", BOB, same_rs1, verify},
    {"returning-deny", BOB, both_verified, deny},
};

/* Every word of both lists of B256, and base32 characters. */
static void
renderings (void)
{
  uint64_t state = 1;

  out = stdout;
  begin_scenario ("rendering");
  for (unsigned i = 0; i < 512; i++) {
    const ZrtpType type = i < 256 ? ZRTP_B256 : ZRTP_B32;
    uint8_t sashash[ZRTP_SASHASH_SIZE];
    char sas[32];

    fill_from (&state, sashash, sizeof sashash);
    if (type == ZRTP_B256) {
      sashash[0] = (uint8_t) i;
      sashash[1] = (uint8_t) (i + 77);
    }
    zrtp_sas_render (type, sashash, sas);
    begin_line ("rendering");
    put_type ("sas_type", type);
    put_octets ("sashash", sashash, sizeof sashash);
    put_string ("sas", sas);
    end_line ();
  }
  end_scenario ();
}

int
main (int argc, char **argv)
{
  if (argc > 1)
    only = argv[1];
  else
    renderings ();
  all_algorithms ();
  for (unsigned i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
    Scenario scenario = scenarios[i];

    strcat (scenario.name, scenario.initiator == ALICE ? "-alice" : "-bob");
    play (&scenario);
  }
  return 0;
}
