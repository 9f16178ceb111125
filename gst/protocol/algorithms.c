/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/protocol/algorithms.h"

#define LOOKUP(list, wanted)                                                                       \
  for (size_t i = 0; (list)[i]; i++)                                                               \
    if ((list)[i]->type == (wanted))                                                               \
      return (list)[i];                                                                            \
  return NULL

const ZrtpHash *
zrtp_crypto_hash (const ZrtpCrypto *crypto, ZrtpType type)
{
  LOOKUP (crypto->hashes, type);
}

const ZrtpCipher *
zrtp_crypto_cipher (const ZrtpCrypto *crypto, ZrtpType type)
{
  LOOKUP (crypto->ciphers, type);
}

const ZrtpKeyAgreement *
zrtp_crypto_key_agreement (const ZrtpCrypto *crypto, ZrtpType type)
{
  LOOKUP (crypto->key_agreements, type);
}

/* The mandatory types, in the order in which they are added to a list without them:
 * §5.1.2 S256, §5.1.3 AES1, §5.1.4 both HMAC-SHA1 tags, §5.1.5 DH3k, §5.1.6 B32. */
static const ZrtpList mandatory[ZRTP_N_KINDS] = {
    [ZRTP_HASH] = {1, {ZRTP_S256}},
    [ZRTP_CIPHER] = {1, {ZRTP_AES1}},
    [ZRTP_AUTH_TAG] = {2, {ZRTP_HS80, ZRTP_HS32}},
    [ZRTP_KEY_AGREEMENT] = {1, {ZRTP_DH3K}},
    [ZRTP_SAS] = {1, {ZRTP_B32}},
};

static bool
list_has (const ZrtpList *list, ZrtpType type)
{
  for (unsigned i = 0; i < list->n; i++)
    if (list->type[i] == type)
      return true;
  return false;
}

bool
zrtp_offer_has (const ZrtpOffer *offer, ZrtpKind kind, ZrtpType type)
{
  return list_has (&offer->list[kind], type) || list_has (&mandatory[kind], type);
}

/* RFC 6189 §4.1.2: "from fastest to slowest: DH-2048, ECDH-256, DH-3072, ECDH-384, ECDH-521";
 * X25519 and X448 stand where the peers that speak them put them. X255 and E255 are one curve under
 * two names, which cost the same; that one goes before the other makes both ends, whatever the order
 * of their lists, arrive at the same name. */
static const ZrtpType by_speed[] = {
    ZRTP_DH2K, ZRTP_X255, ZRTP_E255, ZRTP_EC25, ZRTP_X448, ZRTP_DH3K, ZRTP_EC38, ZRTP_EC52};

static unsigned
speed_rank (ZrtpType key_agreement)
{
  unsigned rank = 0;

  while (rank < sizeof by_speed / sizeof *by_speed && by_speed[rank] != key_agreement)
    rank++;
  return rank;
}

static bool
is_dh (ZrtpType key_agreement)
{
  return speed_rank (key_agreement) < sizeof by_speed / sizeof *by_speed;
}

/* §5.1.5: with EC38 the hash "MUST be either SHA-384 or the corresponding SHA-3 successor". */
static const ZrtpList hashes_of_ec38 = {2, {ZRTP_S384, ZRTP_N384}};

/* The first type of our own list that is `wanted`, too, and that the peer has; 0 = none. */
static ZrtpType
first_wanted (const ZrtpOffer *own, const ZrtpOffer *peer, ZrtpKind kind, const ZrtpList *wanted)
{
  const ZrtpList *list = &own->list[kind];

  for (unsigned i = 0; i < list->n; i++)
    if (list_has (wanted, list->type[i]) && zrtp_offer_has (peer, kind, list->type[i]))
      return list->type[i];
  return 0;
}

/* The first type of `first`, with the mandatory ones behind it, that `second` has too. */
static ZrtpType
first_common (const ZrtpOffer *first, const ZrtpOffer *second, ZrtpKind kind)
{
  const ZrtpList *lists[] = {&first->list[kind], &mandatory[kind]};
  /* Both ends know EC38 to be out of the question without a hash for it. */
  bool ec38 = first_wanted (first, second, ZRTP_HASH, &hashes_of_ec38) != 0;

  for (unsigned l = 0; l < 2; l++)
    for (unsigned i = 0; i < lists[l]->n; i++) {
      ZrtpType type = lists[l]->type[i];

      if (!zrtp_offer_has (second, kind, type))
        continue;
      if (kind == ZRTP_KEY_AGREEMENT && (!is_dh (type) || (type == ZRTP_EC38 && !ec38)))
        continue;
      return type;
    }
  return mandatory[kind].type[0]; /* not reached: the mandatory types are always common */
}

/* Takes the first wanted type instead of the one chosen, if there is one in common. */
static bool
prefer (const ZrtpOffer *own, const ZrtpOffer *peer, ZrtpKind kind, const ZrtpList *wanted,
    ZrtpChoice *choice)
{
  ZrtpType type = first_wanted (own, peer, kind, wanted);

  if (type)
    choice->type[kind] = type;
  return type != 0;
}

/* "the DH key size influences the Hash Type and the size of the symmetric cipher key", §4.1.2 */
static void
fit_to_key_agreement (const ZrtpOffer *own, const ZrtpOffer *peer, ZrtpChoice *choice)
{
  static const ZrtpList s512 = {1, {ZRTP_S512}}, aes3 = {1, {ZRTP_AES3}};

  switch (choice->type[ZRTP_KEY_AGREEMENT]) {
    case ZRTP_EC38:
      prefer (own, peer, ZRTP_HASH, &hashes_of_ec38, choice);
      prefer (own, peer, ZRTP_CIPHER, &aes3, choice); /* §5.1.5: "AES-256 (AES3) SHOULD be used" */
      break;
    case ZRTP_EC52:
      /* Nothing is said of it, so the strongest there is. */
      if (!prefer (own, peer, ZRTP_HASH, &s512, choice))
        prefer (own, peer, ZRTP_HASH, &hashes_of_ec38, choice);
      prefer (own, peer, ZRTP_CIPHER, &aes3, choice);
      break;
    case ZRTP_DH2K:
      choice->type[ZRTP_CIPHER] = ZRTP_AES1; /* §5.1.5: "DH2k SHOULD use AES-128" */
      break;
  }
}

void
zrtp_choose (const ZrtpOffer *own, const ZrtpOffer *peer, ZrtpChoice *choice)
{
  ZrtpType *type = choice->type;
  /* §4.1.2: "Each endpoint compares the first item on their own list with the first item on the
   * other endpoint's list and SHOULD choose the faster of the two algorithms." */
  ZrtpType ours = first_common (own, peer, ZRTP_KEY_AGREEMENT);
  ZrtpType theirs = first_common (peer, own, ZRTP_KEY_AGREEMENT);

  for (ZrtpKind kind = 0; kind < ZRTP_N_KINDS; kind++)
    type[kind] = first_common (own, peer, kind);
  type[ZRTP_KEY_AGREEMENT] = speed_rank (ours) < speed_rank (theirs) ? ours : theirs;
  fit_to_key_agreement (own, peer, choice);
}

/* §5.1.5, what a Commit may not put together; the kind that is wrong, or ZRTP_N_KINDS. */
static ZrtpKind
misfit (const ZrtpChoice *choice)
{
  switch (choice->type[ZRTP_KEY_AGREEMENT]) {
    case ZRTP_EC38:
      return list_has (&hashes_of_ec38, choice->type[ZRTP_HASH]) ? ZRTP_N_KINDS : ZRTP_HASH;
    case ZRTP_DH2K:
      /* 2048 bits are no match for a longer key: what SHOULD be there is insisted upon. */
      return choice->type[ZRTP_CIPHER] == ZRTP_AES1 ? ZRTP_N_KINDS : ZRTP_CIPHER;
    default:
      return ZRTP_N_KINDS;
  }
}

unsigned
zrtp_check_choice (const ZrtpOffer *own, const ZrtpChoice *choice)
{
  /* Table 8: 0x51 hash, 0x52 cipher, 0x53 key agreement, 0x54 auth tag, 0x55 SAS. */
  static const unsigned code[ZRTP_N_KINDS + 1] = {
      [ZRTP_HASH] = 0x51,
      [ZRTP_CIPHER] = 0x52,
      [ZRTP_AUTH_TAG] = 0x54,
      [ZRTP_KEY_AGREEMENT] = 0x53,
      [ZRTP_SAS] = 0x55,
      [ZRTP_N_KINDS] = 0,
  };

  for (ZrtpKind kind = 0; kind < ZRTP_N_KINDS; kind++)
    if (!zrtp_offer_has (own, kind, choice->type[kind]))
      return code[kind];
  return code[misfit (choice)];
}

size_t
zrtp_srtp_salt_size (ZrtpType auth_tag)
{
  return auth_tag == ZRTP_GCM ? 12 : 14;
}
