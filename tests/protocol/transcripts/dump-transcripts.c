/* Prints what two engines draw, are given, send and tell in one call after the other, as JSON lines.
 *
 *   dump-transcripts [NAME]     only scenarios whose name begins with NAME
 *
 * replay.py says what the lines mean and computes all of it anew. Nothing is checked here. Time is
 * virtual and the random octets come from a seed, so two runs print the same.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/protocol/engine.h"
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
  put_maybe ("pbx", record->has_pbx, record->pbx, sizeof record->pbx);
  put_bool ("verified", record->sas_verified);
  put_bool ("rs2_verified", record->rs2_verified);
  put_number ("expiry", record->expiry);
  put_number ("preshared_calls", record->preshared_calls);
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
  uint8_t aux[80];
  size_t aux_size;
  ZrtpSdesKey sdes[2]; /* its own, the peer's */
  ZrtpCall *call;
  ZrtpEngine *engine[MAX_STREAMS];
  ZrtpMode mode; /* of the first stream */
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
  unsigned n_first;    /* streams that begin at the same time; 0 = 1 */
  bool crosswise;      /* and in opposite orders */
  unsigned lose_every; /* 0: nothing is lost */
  unsigned n_packets;
  Packet wire[WIRE]; /* a ring */
  unsigned first, n_waiting;
} Scene;

static const ZrtpHash *const hashes[] = {&zrtp_nettle_s256, &zrtp_nettle_s384, &zrtp_nettle_s512,
    &zrtp_nettle_n256, &zrtp_nettle_n384, NULL};
static const ZrtpCipher *const ciphers[] = {&zrtp_nettle_aes1, &zrtp_nettle_aes3, NULL};
static const ZrtpKeyAgreement *const key_agreements[] = {&zrtp_nettle_x255, &zrtp_nettle_e255,
    &zrtp_nettle_x448, &zrtp_nettle_ec25, &zrtp_nettle_ec38, &zrtp_nettle_ec52, &zrtp_gmp_dh2k,
    &zrtp_gmp_dh3k, NULL};
static const ZrtpType auth_tags[] = {ZRTP_HS80, ZRTP_HS32, ZRTP_GCM};
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

/* What a user, or another leg of a PBX, does. */
static void
note_action (const char *what, const End *end)
{
  begin_line (what);
  put_string ("end", end->name);
  end_line ();
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

static const char *const mode_names[] = {
    [ZRTP_MODE_DH] = "dh",
    [ZRTP_MODE_PRESHARED] = "preshared",
    [ZRTP_MODE_MULTISTREAM] = "multistream",
};

static void
note_secure (End *end, unsigned stream, const ZrtpSecureInfo *info)
{
  if (stream == 0)
    end->mode = info->mode;
  begin_event ("secure", end, stream);
  put_string ("sas", info->sas);
  put_string ("mode", mode_names[info->mode]);
  put_string ("role", info->role == ZRTP_ROLE_INITIATOR ? "initiator" : "responder");
  put_choice ("choice", &info->choice);
  put_bool ("verified", info->sas_verified);
  put_bool ("mismatch", info->cache_mismatch);
  put_bool ("aux_mismatch", info->aux_mismatch);
  put_bool ("enrolled", info->enrolled);
  put_bool ("peer_allows_clear", info->peer_allows_clear);
  put_bool ("peer_disclosure", info->peer_disclosure);
  put_bool ("peer_mitm", info->peer_mitm);
  put_octets ("peer_zid", info->peer_zid, sizeof info->peer_zid);
  put_octets ("peer_client_id", info->peer_client_id, ZRTP_CLIENT_ID_SIZE);
  end_line ();
}

static void
note_store (End *end, unsigned stream, const ZrtpStore *store)
{
  end->record = store->after;
  end->has_record = true;
  begin_event ("store", end, stream);
  put_record ("before", &store->before);
  put_record ("after", &store->after);
  put_bool ("erase", store->erase);
  put_maybe ("matched", store->has_matched, store->matched, sizeof store->matched);
  put_choice ("choice", &store->choice);
  end_line ();
}

static void
note_clear (const End *end, unsigned stream, bool by_peer, bool waiting)
{
  begin_event ("clear", end, stream);
  put_bool ("by_peer", by_peer);
  put_bool ("waiting", waiting);
  end_line ();
}

static void
note_relayed_sas (const End *end, unsigned stream, const ZrtpRelayedSas *relayed)
{
  begin_event ("relayed-sas", end, stream);
  put_string ("sas", relayed->sas);
  put_type ("sas_type", relayed->sas_type);
  put_bool ("relayed", relayed->relayed);
  put_bool ("verified", relayed->sas_verified);
  put_bool ("disclosure", relayed->disclosure);
  end_line ();
}

static void
note (const char *what, const End *end, unsigned stream)
{
  begin_event (what, end, stream);
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
      note_store (end, stream, &event->store);
      break;
    case ZRTP_EVENT_SECURE:
      note_secure (end, stream, &event->secure);
      break;
    case ZRTP_EVENT_DROP_KEYS:
      note ("drop-keys", end, stream);
      break;
    case ZRTP_EVENT_CLEAR:
      note_clear (end, stream, event->clear.by_peer, event->clear.waiting);
      break;
    case ZRTP_EVENT_ENROLLMENT:
      note ("enrollment", end, stream);
      break;
    case ZRTP_EVENT_RELAYED_SAS:
      note_relayed_sas (end, stream, &event->relayed_sas);
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

/* Events, then packets. */
static void
drain_one (Scene *scene, unsigned index, unsigned stream)
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

/* To be called after every call of an engine: it may be the other streams' turn then. */
static void
drain (Scene *scene, unsigned index, unsigned stream)
{
  End *end = &scene->end[index];
  ZrtpEngine *engine;

  drain_one (scene, index, stream);
  while ((engine = zrtp_call_next_stirred (end->call))) {
    for (stream = 0; end->engine[stream] != engine; stream++)
      continue;
    zrtp_engine_handle_timeout (engine, scene->now);
    drain_one (scene, index, stream);
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

/* Until there is nothing to wait for, or for 12 seconds. */
static void
run (Scene *scene)
{
  const uint64_t until = scene->now + 12000 * MS;

  deliver (scene);
  while (next_timeout (scene, &scene->now) && scene->now < until) {
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
put_sdes (const char *name, const ZrtpSdesKey sdes[2])
{
  put_name (name);
  fputc ('[', out);
  for (unsigned i = 0; i < 2; i++) {
    separator = i > 0 ? ", " : "";
    if (sdes[i].key_size == 0) {
      fprintf (out, "%snull", separator);
      continue;
    }
    fprintf (out, "%s{", separator);
    separator = "";
    put_octets ("key", sdes[i].key, sdes[i].key_size);
    put_octets ("salt", sdes[i].salt, sdes[i].salt_size);
    fputc ('}', out);
  }
  fputc (']', out);
  separator = ", ";
}

static void
make_call (End *end)
{
  end->call = zrtp_call_new (&end->crypto, end->zid);
  if (end->aux_size > 0)
    zrtp_call_set_aux (end->call, end->aux, end->aux_size);
  else
    zrtp_call_set_sdes (end->call, &end->sdes[0], &end->sdes[1]);
  begin_line ("end");
  put_string ("end", end->name);
  put_octets ("zid", end->zid, sizeof end->zid);
  if (end->has_record)
    put_record ("record", &end->record);
  else
    put_maybe ("record", false, NULL, 0);
  put_maybe ("aux", end->aux_size > 0, end->aux, end->aux_size);
  put_sdes ("sdes", end->sdes);
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
  put_offer ("lists", &config.offer);
  put_number ("expiry", config.cache_expiry);
  put_bool ("allow_preshared", config.allow_preshared);
  put_bool ("allow_clear", config.allow_clear);
  put_bool ("disclosure", config.disclosure);
  put_bool ("mitm", config.mitm);
  put_bool ("enroll", config.enroll);
  put_octets ("hello_hash", hello_hash, sizeof hello_hash);
  end_line ();
}

/* So many streams more at the same time, which Alice, if `crosswise`, starts in the opposite order. */
static void
add_streams (Scene *scene, unsigned n, bool crosswise)
{
  const unsigned first = scene->n_streams;

  scene->n_streams += n;
  for (unsigned stream = first; stream < scene->n_streams; stream++)
    for (unsigned i = 0; i < 2; i++)
      make_engine (&scene->end[i], stream);
  for (unsigned k = 0; k < n; k++)
    for (unsigned i = 0; i < 2; i++) {
      const unsigned stream = crosswise && i == ALICE ? first + n - 1 - k : first + k;

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
  ZrtpMode mode;                  /* of the first stream */
  const ZrtpType *types;          /* one a kind, NULL = the usual ones */
} Scenario;

/* False when the other end became the initiator, or committed first to what leads to another mode: the
 * higher hvi or nonce decides, and that is chance. */
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
  add_streams (scene, scene->n_first ? scene->n_first : 1, scene->crosswise);
  as_wanted =
      zrtp_engine_get_role (scene->end[scenario->initiator].engine[0]) == ZRTP_ROLE_INITIATOR &&
      scene->end[scenario->initiator].mode == scenario->mode;
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
  const uint64_t last = seed + 64;
  bool as_wanted = false;

  while (!as_wanted && seed < last) {
    char *text;
    size_t size;

    out = open_memstream (&text, &size);
    as_wanted = try_scenario (scenario, seed++);
    fclose (out);
    if (as_wanted && strncmp (scenario->name, only, strlen (only)) == 0)
      fwrite (text, 1, size, stdout);
    free (text);
  }
  if (!as_wanted) {
    fprintf (stderr, "%s: the initiator is always the other\n", scenario->name);
    exit (1);
  }
}

/* "If ECDH-384 (EC38) is chosen as the key agreement, the negotiated hash algorithm MUST be either
 * SHA-384 or the corresponding SHA-3 successor"; "DH2k SHOULD use AES-128"; §5.1.5. */
static bool
fit_together (ZrtpType key_agreement, ZrtpType hash, ZrtpType cipher)
{
  if (key_agreement == ZRTP_EC38 && hash != ZRTP_S384 && hash != ZRTP_N384)
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
            [ZRTP_AUTH_TAG] = auth_tags[turn % 3],
            [ZRTP_KEY_AGREEMENT] = key_agreements[k]->type,
            [ZRTP_SAS] = sas_types[turn / 2 % 2],
        };
        Scenario scenario = {.initiator = turn % 5 % 2 ? ALICE : BOB, .types = types};
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

/* Each secret has a flag of its own. */
static void
rs2_is_verified (Scene *scene)
{
  rs2_is_rs2 (scene);
  scene->end[ALICE].record.rs2_verified = true;
  scene->end[BOB].record.rs2_verified = true;
}

static void
rs2_is_not_verified (Scene *scene)
{
  rs2_is_rs1 (scene);
  scene->end[ALICE].record.sas_verified = true;
  scene->end[BOB].record.sas_verified = true;
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

/* --- Scenarios with other secrets */

static void
give_aux (End *end, unsigned which, size_t size)
{
  end->aux_size = size;
  for (size_t i = 0; i < size; i++)
    end->aux[i] = (uint8_t) (0x40 * which + 11 * i);
}

static void
same_aux (Scene *scene)
{
  give_aux (&scene->end[ALICE], X, 32);
  give_aux (&scene->end[BOB], X, 32);
}

static void
short_aux (Scene *scene)
{
  same_rs1 (scene);
  give_aux (&scene->end[ALICE], X, 5);
  give_aux (&scene->end[BOB], X, 5);
}

/* Longer than the block of the hash, and so hashed before it is a key of HMAC. */
static void
long_aux (Scene *scene)
{
  give_aux (&scene->end[ALICE], X, 80);
  give_aux (&scene->end[BOB], X, 80);
}

static void
other_aux (Scene *scene)
{
  same_rs1 (scene);
  give_aux (&scene->end[ALICE], X, 32);
  give_aux (&scene->end[BOB], Y, 32);
}

static void
one_aux (Scene *scene)
{
  give_aux (&scene->end[BOB], X, 32);
}

static void
give_sdes (ZrtpSdesKey *sdes, unsigned which, size_t key_size)
{
  sdes->key_size = key_size;
  sdes->salt_size = 14;
  for (unsigned i = 0; i < key_size; i++)
    sdes->key[i] = (uint8_t) (0x40 * which + 13 * i);
  for (unsigned i = 0; i < 14; i++)
    sdes->salt[i] = (uint8_t) (0x40 * which + 17 * i);
}

/* One key and salt, as §8.2 has it. */
static void
one_sdes_key (Scene *scene)
{
  give_sdes (&scene->end[ALICE].sdes[0], X, 16);
  give_sdes (&scene->end[BOB].sdes[1], X, 16);
}

static void
same_sdes_keys (Scene *scene)
{
  for (unsigned i = 0; i < 4; i++)
    give_sdes (&scene->end[i / 2].sdes[i % 2], X, 16);
}

static void
two_sdes_keys (Scene *scene)
{
  for (unsigned i = 0; i < 2; i++) {
    give_sdes (&scene->end[i].sdes[0], i == ALICE ? X : Y, 32);
    give_sdes (&scene->end[i].sdes[1], i == ALICE ? Y : X, 32);
  }
}

static void
other_sdes_keys (Scene *scene)
{
  one_sdes_key (scene);
  give_sdes (&scene->end[BOB].sdes[0], Z, 16);
}

static void
give_pbx (End *end, unsigned which)
{
  end->has_record = true;
  end->record.has_pbx = true;
  end->record.expiry = UINT32_MAX;
  for (unsigned i = 0; i < ZRTP_RS_SIZE; i++)
    end->record.pbx[i] = (uint8_t) (0x40 * which + 19 * i);
}

/* Alice is a PBX. */
static void
same_pbx (Scene *scene)
{
  scene->end[ALICE].config.mitm = true;
  give_pbx (&scene->end[ALICE], X);
  give_pbx (&scene->end[BOB], X);
}

static void
other_pbx (Scene *scene)
{
  same_rs1 (scene);
  scene->end[ALICE].config.mitm = true;
  give_pbx (&scene->end[ALICE], X);
  give_pbx (&scene->end[BOB], Y);
}

static void
every_secret (Scene *scene)
{
  both_verified (scene);
  two_sdes_keys (scene);
  same_pbx (scene);
}

/* --- Scenarios of a PBX */

static void
enroll (Scene *scene)
{
  scene->end[ALICE].config.mitm = true;
  scene->end[ALICE].config.enroll = true;
  scene->end[ALICE].config.allow_clear = true; /* has no effect then */
  scene->end[BOB].config.accept_enrollment = true;
  scene->end[BOB].config.allow_clear = true;
}

static void
accept_enrollment (Scene *scene)
{
  note ("accept-enrollment", &scene->end[BOB], 0);
  zrtp_engine_accept_enrollment (scene->end[BOB].engine[0], true);
  drain (scene, BOB, 0);
}

static void
relay_sas (Scene *scene, ZrtpType sas_type, const uint8_t *sashash, bool verified, bool disclosure)
{
  begin_event ("relay-sas", &scene->end[ALICE], 0);
  put_type ("sas_type", sas_type);
  put_maybe ("sashash", sashash != NULL, sashash, ZRTP_SASHASH_SIZE);
  put_bool ("verified", verified);
  put_bool ("disclosure", disclosure);
  end_line ();
  zrtp_engine_relay_sas (
      scene->end[ALICE].engine[0], sas_type, sashash, verified, disclosure, scene->now);
  drain (scene, ALICE, 0);
  run (scene);
}

static void
relay_words (Scene *scene)
{
  uint64_t other_call = 77;
  uint8_t sashash[ZRTP_SASHASH_SIZE];

  fill_from (&other_call, sashash, sizeof sashash);
  relay_sas (scene, ZRTP_B256, sashash, true, false);
}

static void
relay_letters (Scene *scene)
{
  uint64_t other_call = 78;
  uint8_t sashash[ZRTP_SASHASH_SIZE];

  fill_from (&other_call, sashash, sizeof sashash);
  relay_sas (scene, ZRTP_B32, sashash, false, true);
}

/* To whom does not trust the PBX. */
static void
relay_rendering (Scene *scene)
{
  relay_sas (scene, ZRTP_B256, NULL, false, false);
}

static void
be_pbx (Scene *scene)
{
  scene->end[ALICE].config.mitm = true;
}

/* --- Scenarios with more than one stream */

static void
two_at_once (Scene *scene)
{
  scene->n_first = 2;
}

static void
two_crosswise (Scene *scene)
{
  scene->n_first = 2;
  scene->crosswise = true;
}

static void
more_streams (Scene *scene)
{
  add_streams (scene, 1, false);
  add_streams (scene, 2, true);
}

/* --- Scenarios of Preshared mode */

static void
preshared (Scene *scene)
{
  same_rs1_and_rs2 (scene);
  for (unsigned i = 0; i < 2; i++) {
    scene->end[i].record.sas_verified = scene->end[i].record.rs2_verified = true;
    scene->end[i].config.allow_preshared = true;
  }
}

static void
preshared_with_all (Scene *scene)
{
  preshared (scene);
  same_aux (scene);
  give_pbx (&scene->end[ALICE], X);
  give_pbx (&scene->end[BOB], X);
}

/* Alice has less. If she is the initiator, "the responder recomputes ..., dropping auxsecret, pbxsecret, or
 * both", §4.4.2.3; if Bob is, she answers with a DH Commit. */
static void
preshared_without_aux (Scene *scene)
{
  preshared_with_all (scene);
  scene->end[ALICE].aux_size = 0;
}

static void
preshared_without_pbx (Scene *scene)
{
  preshared_with_all (scene);
  scene->end[ALICE].record.has_pbx = false;
}

static void
preshared_without_both (Scene *scene)
{
  preshared_without_aux (scene);
  scene->end[ALICE].record.has_pbx = false;
}

static void
preshared_with_pbx (Scene *scene)
{
  preshared (scene);
  same_pbx (scene);
}

/* No preshared_key is the same, so it ends in DH mode. */
static void
preshared_mismatch (Scene *scene)
{
  preshared (scene);
  give_record (&scene->end[BOB], Y, X);
  scene->end[BOB].record.sas_verified = scene->end[BOB].record.rs2_verified = true;
}

/* Bob does not trust his secret enough, and his DH Commit goes before Alice's. */
static void
preshared_unverified (Scene *scene)
{
  preshared (scene);
  scene->end[BOB].record.sas_verified = false;
}

/* With nothing to recover by there is no Preshared Commit. */
static void
preshared_without_rs2 (Scene *scene)
{
  preshared (scene);
  scene->end[ALICE].record.has_rs2 = scene->end[BOB].record.has_rs2 = false;
}

/* --- Scenarios of clear mode */

static void
allow_clear (Scene *scene)
{
  for (unsigned i = 0; i < 2; i++) {
    scene->end[i].config.allow_clear = true;
    scene->end[i].config.disclosure = i == BOB;
  }
}

static void
preshared_allow_clear (Scene *scene)
{
  preshared (scene);
  allow_clear (scene);
}

static void
allow_clear_verified (Scene *scene)
{
  both_verified (scene);
  allow_clear (scene);
}

/* After something was done to a call as a whole. */
static void
proceed (Scene *scene, unsigned index)
{
  drain (scene, index, 0);
  run (scene);
}

static void
go_clear (Scene *scene, unsigned index)
{
  note_action ("go-clear", &scene->end[index]);
  zrtp_call_go_clear (scene->end[index].call, scene->now);
  proceed (scene, index);
}

static void
accept_clear (Scene *scene, unsigned index)
{
  note_action ("accept-clear", &scene->end[index]);
  zrtp_call_accept_clear (scene->end[index].call, true, scene->now);
  proceed (scene, index);
}

static void
go_secure (Scene *scene, unsigned index)
{
  note_action ("go-secure", &scene->end[index]);
  zrtp_call_go_secure (scene->end[index].call, scene->now);
  proceed (scene, index);
}

static void
clear_and_back (Scene *scene)
{
  go_clear (scene, ALICE);
  accept_clear (scene, BOB);
  go_secure (scene, BOB);
}

static void
clear_twice (Scene *scene)
{
  clear_and_back (scene);
  go_clear (scene, BOB);
  accept_clear (scene, ALICE);
  go_secure (scene, BOB);
}

/* The peer's user would rather stay secure. */
static void
clear_refused (Scene *scene)
{
  go_clear (scene, BOB);
  go_secure (scene, ALICE);
}

static void
stay_clear (Scene *scene)
{
  go_clear (scene, BOB);
  accept_clear (scene, ALICE);
}

static void
clear_with_streams (Scene *scene)
{
  add_streams (scene, 1, false);
  clear_and_back (scene);
  add_streams (scene, 1, false);
  stay_clear (scene);
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
    {"rs2-verified", ALICE, rs2_is_verified},
    {"rs2-verified", BOB, rs2_is_verified, deny},
    {"rs2-unverified", ALICE, rs2_is_not_verified, verify},
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
    {"aux", ALICE, same_aux},
    {"aux-short", BOB, short_aux},
    {"aux-long", ALICE, long_aux},
    {"aux-other", ALICE, other_aux},
    {"aux-one", ALICE, one_aux},
    {"aux-one", BOB, one_aux},
    {"sdes-one-key", ALICE, one_sdes_key},
    {"sdes-one-key", BOB, one_sdes_key},
    {"sdes-same-keys", ALICE, same_sdes_keys},
    {"sdes-two-keys", ALICE, two_sdes_keys},
    {"sdes-two-keys", BOB, two_sdes_keys},
    {"sdes-other", ALICE, other_sdes_keys},
    {"pbx", ALICE, same_pbx},
    {"pbx", BOB, same_pbx},
    {"pbx-other", BOB, other_pbx},
    {"every-secret", BOB, every_secret, verify},
    {"enroll", ALICE, enroll, accept_enrollment},
    {"enroll", BOB, enroll, accept_enrollment},
    {"enroll-not", ALICE, enroll},
    {"relay", ALICE, same_pbx, relay_words},
    {"relay", BOB, same_pbx, relay_letters},
    {"relay-untrusted", BOB, be_pbx, relay_rendering},
    {"streams", ALICE, both_verified, more_streams},
    {"streams", BOB, enroll, more_streams},
    {"streams-short-expiry", ALICE, short_expiry, more_streams},
    {"streams-at-once", ALICE, two_at_once},
    {"streams-crosswise", BOB, two_crosswise},
    {"preshared", ALICE, preshared, NULL, ZRTP_MODE_PRESHARED},
    {"preshared", BOB, preshared, NULL, ZRTP_MODE_PRESHARED},
    {"preshared-with-all", BOB, preshared_with_all, NULL, ZRTP_MODE_PRESHARED},
    {"preshared-streams", ALICE, preshared_with_all, more_streams, ZRTP_MODE_PRESHARED},
    {"preshared-without-aux", ALICE, preshared_without_aux, NULL, ZRTP_MODE_PRESHARED},
    {"preshared-without-pbx", ALICE, preshared_without_pbx, NULL, ZRTP_MODE_PRESHARED},
    {"preshared-without-both", ALICE, preshared_without_both, NULL, ZRTP_MODE_PRESHARED},
    {"preshared-unknown-aux", ALICE, preshared_without_aux},
    {"preshared-with-pbx", BOB, preshared_with_pbx, NULL, ZRTP_MODE_PRESHARED},
    {"preshared-clear", BOB, preshared_allow_clear, clear_and_back, ZRTP_MODE_PRESHARED},
    {"preshared-verify", BOB, preshared, verify, ZRTP_MODE_PRESHARED},
    {"preshared-mismatch", ALICE, preshared_mismatch},
    {"preshared-unverified", BOB, preshared_unverified},
    {"preshared-without-rs2", ALICE, preshared_without_rs2},
    {"clear", ALICE, allow_clear, clear_and_back},
    {"clear", BOB, allow_clear, clear_and_back},
    {"clear-twice", ALICE, allow_clear_verified, clear_twice},
    {"clear-refused", BOB, allow_clear, clear_refused},
    {"clear-stay", BOB, allow_clear, stay_clear},
    {"clear-streams", ALICE, allow_clear, clear_with_streams},
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
