/* A test peer on top of Belledonne's bzrtp (Debian: libbzrtp-dev, libbctoolbox-dev): the other end
 * of an interoperability test. See media.h for the command line and the RESULT line.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "tests/interop/media.h"

#include <string.h>
#include <bzrtp/bzrtp.h>

#define LIBRARY "bzrtp " BZRTP_PACKAGE_VERSION

typedef struct {
  Media *media;
  const MediaOptions *options;
  bzrtpContext_t *context;
  const gchar *role;
  gchar sas[64];
  MediaSecure secure;
} BzrtpPeer;

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

/* --- Callbacks ------------------------------------------------------------------------------- */

static int
on_status (void *data, const uint8_t level, const uint8_t id, const char *text)
{
  BzrtpPeer *peer = data;

  if (peer->options->verbose)
    g_printerr ("bzrtp: level %u, message %u: %s\n", level, id, text ? text : "-");
  return 0;
}

static int
on_send (void *data, const uint8_t *packet, uint16_t size)
{
  BzrtpPeer *peer = data;

  media_send_zrtp (peer->media, packet, size);
  return 0;
}

typedef void (*SetKey) (Media *media, const gchar *cipher, const gchar *auth_tag,
    const guint8 *key_and_salt, gsize size);

static void
hand_over (BzrtpPeer *peer, SetKey set_key, const bzrtpSrtpSecrets_t *secrets, const guint8 *key,
    gsize key_size, const guint8 *salt, gsize salt_size)
{
  guint8 joined[64];

  if (key_size + salt_size > sizeof joined) {
    media_fail (peer->media, "bzrtp gave a key longer than any SRTP key");
    return;
  }
  memcpy (joined, key, key_size);
  memcpy (joined + key_size, salt, salt_size);
  set_key (peer->media, name_of (secrets->cipherAlgo), name_of (secrets->authTagAlgo), joined,
      key_size + salt_size);
  explicit_bzero (joined, sizeof joined);
}

static int
on_keys (void *data, const bzrtpSrtpSecrets_t *secrets, uint8_t part)
{
  BzrtpPeer *peer = data;

  if (part & ZRTP_SRTP_SECRETS_FOR_RECEIVER)
    hand_over (peer, media_set_receive_key, secrets, secrets->peerSrtpKey,
        secrets->peerSrtpKeyLength, secrets->peerSrtpSalt, secrets->peerSrtpSaltLength);
  if (part & ZRTP_SRTP_SECRETS_FOR_SENDER)
    hand_over (peer, media_set_send_key, secrets, secrets->selfSrtpKey, secrets->selfSrtpKeyLength,
        secrets->selfSrtpSalt, secrets->selfSrtpSaltLength);
  return 0;
}

/* The role comes with the offer to export keys, which may be made before or after on_secure(). */
static void
report_if_complete (BzrtpPeer *peer)
{
  if (!peer->role || !peer->secure.sas)
    return;
  peer->secure.role = peer->role;
  media_set_secure (peer->media, &peer->secure);
}

static int
on_secure (void *data, const bzrtpSrtpSecrets_t *secrets, int32_t verified)
{
  BzrtpPeer *peer = data;

  g_strlcpy (peer->sas, secrets->sas, sizeof peer->sas);
  peer->secure = (MediaSecure){
      .sas = peer->sas,
      .sas_type = name_of (secrets->sasAlgo),
      .key_agreement = name_of (secrets->keyAgreementAlgo),
      .hash = name_of (secrets->hashAlgo),
      .cipher = name_of (secrets->cipherAlgo),
      .auth_tag = name_of (secrets->authTagAlgo),
  };
  report_if_complete (peer);
  return 0;
}

static int
on_exported_keys (void *data, int zuid, uint8_t role)
{
  BzrtpPeer *peer = data;

  peer->role = role == BZRTP_ROLE_INITIATOR ? "initiator" : "responder";
  report_if_complete (peer);
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

static void
stop (gpointer self)
{
  BzrtpPeer *peer = self;

  bzrtp_destroyBzrtpContext (peer->context, peer->options->ssrc); /* 0 channels are left */
  g_free (peer);
}

/* The order matters to bzrtp: callbacks, then the offer, then init (which makes the ZID and the
 * channel), then the channel's own settings, then start. No cache is set, so no secret is kept. */
static gpointer
start (Media *media, const MediaOptions *options, guint64 now)
{
  BzrtpPeer *peer = g_new0 (BzrtpPeer, 1);

  peer->media = media;
  peer->options = options;
  peer->context = bzrtp_createBzrtpContext ();
  bzrtp_setCallbacks (peer->context, &callbacks);
  if (offer_all (peer, options) && bzrtp_initBzrtpContext (peer->context, options->ssrc) == 0 &&
      bzrtp_setClientData (peer->context, options->ssrc, peer) == 0 &&
      bzrtp_startChannelEngine (peer->context, options->ssrc) == 0)
    return peer;
  media_fail (media, "bzrtp does not start");
  stop (peer);
  return NULL;
}

/* Its verdict is of no use: bzrtp answers a packet it drops with an error for the caller only. */
static void
handle_packet (gpointer self, guint8 *data, gsize size, guint64 now)
{
  BzrtpPeer *peer = self;

  (void) bzrtp_processMessage (peer->context, peer->options->ssrc, data, (uint16_t) size);
}

static void
tick (gpointer self, guint64 now)
{
  BzrtpPeer *peer = self;

  bzrtp_iterate (peer->context, peer->options->ssrc, now / 1000000);
}

int
main (int argc, char **argv)
{
  static const MediaZrtp zrtp = {
      .library = LIBRARY,
      .start = start,
      .handle_packet = handle_packet,
      .tick = tick,
      .stop = stop,
  };

  return media_main (argc, argv, &zrtp);
}
