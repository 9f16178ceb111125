/* A test peer on top of Belledonne's bzrtp (Debian: libbzrtp-dev, libbctoolbox-dev,
 * libsqlite3-dev): the other end
 * of an interoperability test. See media.h for the command line and the RESULT line.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/interop/media.h"

#include <stdlib.h>
#include <string.h>
#include <bzrtp/bzrtp.h>
#include <sqlite3.h>

#define LIBRARY "bzrtp " BZRTP_PACKAGE_VERSION

enum {
  MAX_CHANNELS = 2,            /* bzrtp_addChannel() refuses a third */
  HEARD_BEFORE_VERIFYING = 10, /* packets; then the users have compared the SAS */
};

typedef struct BzrtpPeer BzrtpPeer;

/* What bzrtp calls a channel: a stream of the call. */
typedef struct {
  BzrtpPeer *peer;
  guint index;
  guint32 ssrc;
  gboolean open, started;
  gboolean got_secrets, mismatch, reported;
  const gchar *role;
  gchar sas[64];
  MediaSecure secure;
} Channel;

struct BzrtpPeer {
  Media *media;
  const MediaOptions *options;
  bzrtpContext_t *context;
  sqlite3 *cache;
  Channel channel[MEDIA_MAX_STREAMS];
  gboolean verified;
};

/* More of the command line. */
static struct {
  gchar *cache, *self_uri, *peer_uri, *verify, *aux;
  gboolean forget, miss_update;
} settings;

static const GOptionEntry entries[] = {
    {"cache", 0, 0, G_OPTION_ARG_FILENAME, &settings.cache, "SQLite file of secrets", "FILE"},
    {"forget", 0, 0, G_OPTION_ARG_NONE, &settings.forget, "all secrets are lost before the call",
        NULL},
    {"miss-update", 0, 0, G_OPTION_ARG_NONE, &settings.miss_update,
        "what the call adds to the secrets is lost after it", NULL},
    {"self-uri", 0, 0, G_OPTION_ARG_STRING, &settings.self_uri, "who we are, for the cache", "URI"},
    {"peer-uri", 0, 0, G_OPTION_ARG_STRING, &settings.peer_uri, "whom we call, for the cache",
        "URI"},
    {"verify", 0, 0, G_OPTION_ARG_STRING, &settings.verify, "what our user says of the SAS",
        "yes|no"},
    {"aux", 0, 0, G_OPTION_ARG_STRING, &settings.aux, "auxsecret, a text", "TEXT"},
    {NULL},
};

static void
reset (void)
{
  g_free (settings.cache);
  g_free (settings.self_uri);
  g_free (settings.peer_uri);
  g_free (settings.verify);
  g_free (settings.aux);
  memset (&settings, 0, sizeof settings);
}

/* --- Names ----------------------------------------------------------------------------------- */

static const struct {
  guint8 kind, id;
  const gchar *name;
} types[] = {
    {ZRTP_HASH_TYPE, ZRTP_HASH_S256, "S256"},
    {ZRTP_HASH_TYPE, ZRTP_HASH_S384, "S384"},
    {ZRTP_CIPHERBLOCK_TYPE, ZRTP_CIPHER_AES1, "AES1"},
    {ZRTP_CIPHERBLOCK_TYPE, ZRTP_CIPHER_AES3, "AES3"},
    {ZRTP_AUTHTAG_TYPE, ZRTP_AUTHTAG_HS32, "HS32"},
    {ZRTP_AUTHTAG_TYPE, ZRTP_AUTHTAG_HS80, "HS80"},
    {ZRTP_KEYAGREEMENT_TYPE, ZRTP_KEYAGREEMENT_DH2k, "DH2k"},
    {ZRTP_KEYAGREEMENT_TYPE, ZRTP_KEYAGREEMENT_DH3k, "DH3k"},
    {ZRTP_KEYAGREEMENT_TYPE, ZRTP_KEYAGREEMENT_X255, "X255"},
    {ZRTP_KEYAGREEMENT_TYPE, ZRTP_KEYAGREEMENT_X448, "X448"},
    {ZRTP_KEYAGREEMENT_TYPE, ZRTP_KEYAGREEMENT_Mult, "Mult"},
    {ZRTP_SAS_TYPE, ZRTP_SAS_B32, "B32"},
    {ZRTP_SAS_TYPE, ZRTP_SAS_B256, "B256"},
};

static guint8
id_of (guint8 kind, const gchar *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (types); i++) {
    if (types[i].kind == kind && g_str_equal (types[i].name, name))
      return types[i].id;
  }
  return ZRTP_UNSET_ALGO;
}

static const gchar *
name_of (guint8 id)
{
  for (guint i = 0; i < G_N_ELEMENTS (types); i++) {
    if (types[i].id == id)
      return types[i].name;
  }
  return "unknown";
}

/* bzrtp appends the types that RFC 6189 makes mandatory when they are not in the list. */
static gboolean
offer (BzrtpPeer *peer, guint8 kind, gchar **names)
{
  guint8 ids[7];
  guint8 n = 0;

  for (; names && names[n]; n++) {
    if (n == G_N_ELEMENTS (ids) || !(ids[n] = id_of (kind, names[n]))) {
      media_fail (
          peer->media, "bzrtp has no algorithm '%s', or the list is longer than 7", names[n]);
      return FALSE;
    }
  }
  if (n > 0)
    bzrtp_setSupportedCryptoTypes (peer->context, kind, ids, n);
  return TRUE;
}

/* What the library offers, with the types that it makes mandatory. */
static void
note_offers (const BzrtpPeer *peer)
{
  static const guint8 kinds[] = {ZRTP_HASH_TYPE, ZRTP_CIPHERBLOCK_TYPE, ZRTP_AUTHTAG_TYPE,
      ZRTP_KEYAGREEMENT_TYPE, ZRTP_SAS_TYPE};
  g_autoptr (GString) text = g_string_new (NULL);
  guint8 ids[7];

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    const guint8 n = bzrtp_getSupportedCryptoTypes (peer->context, kinds[i], ids);

    for (guint j = 0; j < n; j++)
      g_string_append_printf (text, "%s%s", text->len ? "+" : "", name_of (ids[j]));
  }
  media_note (peer->media, 0, "offers", "%s", text->str);
}

/* --- Callbacks ------------------------------------------------------------------------------- */

static int
on_status (void *data, const uint8_t level, const uint8_t id, const char *text)
{
  Channel *channel = data;

  if (channel->peer->options->verbose)
    g_printerr ("bzrtp: level %u, message %u: %s\n", level, id, text ? text : "-");
  if (id == BZRTP_MESSAGE_CACHEMISMATCH)
    media_note (channel->peer->media, channel->index, "warnings", "cache-mismatch");
  return 0;
}

static int
on_send (void *data, const uint8_t *packet, uint16_t size)
{
  Channel *channel = data;

  media_send_zrtp (channel->peer->media, channel->index, packet, size);
  return 0;
}

typedef void (*SetKey) (Media *media, guint stream, const gchar *cipher, const gchar *auth_tag,
    const guint8 *key_and_salt, gsize size);

static void
hand_over (const Channel *channel, SetKey set_key, const bzrtpSrtpSecrets_t *secrets,
    const guint8 *key, gsize key_size, const guint8 *salt, gsize salt_size)
{
  Media *media = channel->peer->media;
  guint8 joined[64];

  if (key_size + salt_size > sizeof joined) {
    media_fail (media, "bzrtp gave a key longer than any SRTP key");
    return;
  }
  memcpy (joined, key, key_size);
  memcpy (joined + key_size, salt, salt_size);
  set_key (media, channel->index, name_of (secrets->cipherAlgo), name_of (secrets->authTagAlgo),
      joined, key_size + salt_size);
  explicit_bzero (joined, sizeof joined);
}

static int
on_keys (void *data, const bzrtpSrtpSecrets_t *secrets, uint8_t part)
{
  const Channel *channel = data;

  if (part & ZRTP_SRTP_SECRETS_FOR_RECEIVER)
    hand_over (channel, media_set_receive_key, secrets, secrets->peerSrtpKey,
        secrets->peerSrtpKeyLength, secrets->peerSrtpSalt, secrets->peerSrtpSaltLength);
  if (part & ZRTP_SRTP_SECRETS_FOR_SENDER)
    hand_over (channel, media_set_send_key, secrets, secrets->selfSrtpKey,
        secrets->selfSrtpKeyLength, secrets->selfSrtpSalt, secrets->selfSrtpSaltLength);
  return 0;
}

/* The role comes with the offer to export keys, which may be made before or after on_secure(). bzrtp
 * does not offer it in Multistream mode, nor after a cache mismatch before the SAS was verified; then
 * it does not tell its role. */
static void
report_if_complete (Channel *channel)
{
  const gboolean waits = !channel->role && channel->index == 0 && !channel->mismatch;

  if (!channel->got_secrets || channel->reported || waits)
    return;
  channel->reported = TRUE;
  channel->secure.role = channel->role;
  media_set_secure (channel->peer->media, channel->index, &channel->secure);
}

static const gchar *
aux_status (uint8_t status)
{
  return status == BZRTP_AUXSECRET_MATCH      ? "match"
         : status == BZRTP_AUXSECRET_MISMATCH ? "mismatch"
                                              : "unset";
}

static int
on_secure (void *data, const bzrtpSrtpSecrets_t *secrets, int32_t verified)
{
  Channel *channel = data;
  Media *media = channel->peer->media;
  const gboolean multistream = secrets->keyAgreementAlgo == ZRTP_KEYAGREEMENT_Mult;

  g_strlcpy (channel->sas, secrets->sas ? secrets->sas : "", sizeof channel->sas);
  channel->secure = (MediaSecure){
      .sas = channel->sas,
      .sas_type = name_of (secrets->sasAlgo),
      .key_agreement = name_of (secrets->keyAgreementAlgo),
      .hash = name_of (secrets->hashAlgo),
      .cipher = name_of (secrets->cipherAlgo),
      .auth_tag = name_of (secrets->authTagAlgo),
  };
  media_note (media, channel->index, "mode", multistream ? "multistream" : "dh");
  media_note (media, channel->index, "verified", "%d", verified);
  media_note (media, channel->index, "cache_mismatch", "%d", secrets->cacheMismatch);
  media_note (media, channel->index, "aux", "%s", aux_status (secrets->auxSecretMismatch));
  channel->mismatch = secrets->cacheMismatch;
  channel->got_secrets = TRUE;
  report_if_complete (channel);
  return 0;
}

/* The only moment at which bzrtp exports a key (§4.5.2), and the first stream is the only one. */
static void
note_exported_key (const Channel *channel)
{
  char label[] = "interop";
  guint8 key[32];
  size_t size = sizeof key;

  if (channel->index == 0 &&
      bzrtp_exportKey (channel->peer->context, label, sizeof label - 1, key, &size) == 0)
    media_note_secret (channel->peer->media, channel->index, "exported", key, size);
  explicit_bzero (key, sizeof key);
}

static int
on_exported_keys (void *data, int zuid, uint8_t role)
{
  Channel *channel = data;

  channel->role = role == BZRTP_ROLE_INITIATOR ? "initiator" : "responder";
  note_exported_key (channel);
  report_if_complete (channel);
  return 0;
}

/* --- The ZRTP half --------------------------------------------------------------------------- */

static const bzrtpCallbacks_t callbacks = {
    .bzrtp_statusMessage = on_status,
    .bzrtp_messageLevel = BZRTP_MESSAGE_DEBUG,
    .bzrtp_sendData = on_send,
    .bzrtp_srtpSecretsAvailable = on_keys,
    .bzrtp_startSrtpSession = on_secure,
    .bzrtp_contextReadyForExportedKeys = on_exported_keys,
};

static gboolean
offer_all (BzrtpPeer *peer, const MediaOptions *options)
{
  return offer (peer, ZRTP_KEYAGREEMENT_TYPE, options->key_agreements) &&
         offer (peer, ZRTP_HASH_TYPE, options->hashes) &&
         offer (peer, ZRTP_CIPHERBLOCK_TYPE, options->ciphers) &&
         offer (peer, ZRTP_AUTHTAG_TYPE, options->auth_tags) &&
         offer (peer, ZRTP_SAS_TYPE, options->sas_types);
}

static const gchar *
self_uri (void)
{
  return settings.self_uri ? settings.self_uri : "sip:theirs@example.org";
}

static const gchar *
peer_uri (void)
{
  return settings.peer_uri ? settings.peer_uri : "sip:ours@example.org";
}

static void
do_sql (const BzrtpPeer *peer, const gchar *statement)
{
  if (sqlite3_exec (peer->cache, statement, NULL, NULL, NULL) != SQLITE_OK)
    media_fail (peer->media, "%s: %s", statement, sqlite3_errmsg (peer->cache));
}

/* bzrtp makes its tables in the file, and knows a peer by its ZID and both URIs. */
static gboolean
open_cache (BzrtpPeer *peer)
{
  int error;

  if (!settings.cache)
    return TRUE;
  if (sqlite3_open (settings.cache, &peer->cache) != SQLITE_OK)
    return FALSE;
  error = bzrtp_setZIDCache_lock (peer->context, peer->cache, self_uri (), peer_uri (), NULL);
  if (settings.forget)
    do_sql (peer, "DELETE FROM zrtp");
  if (settings.miss_update)
    do_sql (peer, "CREATE TEMP TABLE before AS SELECT * FROM zrtp");
  return error == 0 || error == BZRTP_CACHE_SETUP;
}

static gboolean
open_channel (Channel *channel)
{
  bzrtpContext_t *context = channel->peer->context;

  channel->open = (channel->index == 0 || bzrtp_addChannel (context, channel->ssrc) == 0) &&
                  bzrtp_setClientData (context, channel->ssrc, channel) == 0;
  return channel->open;
}

/* bzrtp 5.1.64 has no more than two channels at a time: see make_room(). */
static gboolean
open_channels (BzrtpPeer *peer, const MediaOptions *options)
{
  for (guint i = 0; i < options->n_streams; i++) {
    peer->channel[i] = (Channel){.peer = peer, .index = i, .ssrc = options->ssrc[i]};
    if (i < MAX_CHANNELS && !open_channel (&peer->channel[i]))
      return FALSE;
  }
  return TRUE;
}

/* The order matters to bzrtp: callbacks, the cache, the offer, then init (which makes the ZID and the
 * first channel), then the channels' own settings. */
static gpointer
open_call (Media *media, const MediaOptions *options)
{
  BzrtpPeer *peer = g_new0 (BzrtpPeer, 1);

  peer->media = media;
  peer->options = options;
  peer->context = bzrtp_createBzrtpContext ();
  bzrtp_setCallbacks (peer->context, &callbacks);
  if (open_cache (peer) && offer_all (peer, options) &&
      bzrtp_initBzrtpContext (peer->context, options->ssrc[0]) == 0 &&
      open_channels (peer, options) &&
      (!settings.aux || bzrtp_setAuxiliarySharedSecret (peer->context,
                            (const uint8_t *) settings.aux, strlen (settings.aux)) == 0))
    return peer;
  media_fail (media, "bzrtp does not start"); /* and what it allocated is left to the end */
  return NULL;
}

static void
start_channel (Channel *channel)
{
  channel->started = TRUE;
  if (bzrtp_startChannelEngine (channel->peer->context, channel->ssrc) != 0)
    media_fail (channel->peer->media, "bzrtp does not start stream %u", channel->index);
}

static void
start (gpointer self, guint64 now)
{
  BzrtpPeer *peer = self;

  start_channel (&peer->channel[0]);
}

static gchar *
get_hello_hash (gpointer self, guint stream)
{
  BzrtpPeer *peer = self;
  guint8 text[128] = "";

  bzrtp_getSelfHelloHash (peer->context, peer->channel[stream].ssrc, text, sizeof text);
  return g_strdup ((const gchar *) text);
}

static void
set_peer_hello_hash (gpointer self, guint stream, const gchar *value)
{
  BzrtpPeer *peer = self;

  if (bzrtp_setPeerHelloHash (
          peer->context, peer->channel[stream].ssrc, (uint8_t *) value, strlen (value)) != 0)
    media_fail (peer->media, "bzrtp does not take the Hello hash '%s'", value);
}

static void
close_channel (Channel *channel)
{
  if (channel->open)
    bzrtp_destroyBzrtpContext (channel->peer->context, channel->ssrc);
  channel->open = FALSE;
}

/* bzrtp tells which row is the peer's only when it offers to export keys, so we look for it. */
static void
note_retained_secret (const BzrtpPeer *peer)
{
  sqlite3_stmt *query = NULL;

  if (!peer->cache ||
      sqlite3_prepare_v2 (peer->cache,
          "SELECT rs1 FROM ziduri NATURAL JOIN zrtp WHERE selfuri = ? AND peeruri = ?", -1, &query,
          NULL) != SQLITE_OK)
    return;
  sqlite3_bind_text (query, 1, self_uri (), -1, SQLITE_TRANSIENT);
  sqlite3_bind_text (query, 2, peer_uri (), -1, SQLITE_TRANSIENT);
  if (sqlite3_step (query) == SQLITE_ROW && sqlite3_column_bytes (query, 0) > 0)
    media_note_secret (peer->media, 0, "rs1", sqlite3_column_blob (query, 0),
        (gsize) sqlite3_column_bytes (query, 0));
  sqlite3_finalize (query);
}

static void
stop (gpointer self)
{
  BzrtpPeer *peer = self;

  if (settings.miss_update)
    do_sql (peer, "DELETE FROM zrtp; INSERT INTO zrtp SELECT * FROM before");
  note_retained_secret (peer);
  note_offers (peer);
  for (guint i = peer->options->n_streams; i-- > 0;) /* the context goes with the last one */
    close_channel (&peer->channel[i]);
  sqlite3_close (peer->cache);
  g_free (peer);
}

/* Its verdict is of use in one case: bzrtp answers a packet it drops with an error for the caller only. */
static void
handle_packet (gpointer self, guint stream, guint8 *data, gsize size, guint64 now)
{
  BzrtpPeer *peer = self;
  int error =
      bzrtp_processMessage (peer->context, peer->channel[stream].ssrc, data, (uint16_t) size);

  if (error == BZRTP_ERROR_HELLOHASH_MISMATCH)
    media_note (peer->media, stream, "warnings", "hello-hash-mismatch");
}

static void
verify_if_asked (BzrtpPeer *peer)
{
  if (!settings.verify || peer->verified ||
      media_received (peer->media, 0) < HEARD_BEFORE_VERIFYING)
    return;
  peer->verified = TRUE;
  if (g_str_equal (settings.verify, "yes"))
    bzrtp_SASVerified (peer->context);
  else
    bzrtp_resetSASVerified (peer->context);
}

/* A third stream takes the channel of the second when that one needs it no more: its SRTP runs. */
static void
make_room (Channel *channel)
{
  Channel *before = channel - 1;

  if (!before->open || !before->reported ||
      media_received (channel->peer->media, before->index) < HEARD_BEFORE_VERIFYING)
    return;
  close_channel (before);
  if (!open_channel (channel))
    media_fail (channel->peer->media, "bzrtp gives no channel to stream %u", channel->index);
}

/* The other channels may be started only when the first is secure. */
static void
tick (gpointer self, guint64 now)
{
  BzrtpPeer *peer = self;

  for (guint i = 0; i < peer->options->n_streams; i++) {
    Channel *channel = &peer->channel[i];

    if (!channel->open && !channel->started)
      make_room (channel);
    if (channel->open && !channel->started && peer->channel[0].got_secrets)
      start_channel (channel);
    if (channel->started)
      bzrtp_iterate (peer->context, channel->ssrc, now / 1000000);
  }
  verify_if_asked (peer);
}

int
main (int argc, char **argv)
{
  static const MediaZrtp zrtp = {
      .library = LIBRARY,
      .entries = entries,
      .reset = reset,
      .open = open_call,
      .start = start,
      .get_hello_hash = get_hello_hash,
      .set_peer_hello_hash = set_peer_hello_hash,
      .handle_packet = handle_packet,
      .tick = tick,
      .stop = stop,
  };

  return media_main (argc, argv, &zrtp);
}
