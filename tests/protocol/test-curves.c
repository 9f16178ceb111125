/* Known answers and refusals of ext/nettle/curves.c.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include <string.h>

#include "ext/libc/zrtp-libc.h"
#include "ext/nettle/zrtp-nettle.h"
#include "tests/protocol/crypto-helpers.h"

/* One of the two functions of RFC 7748 §5, by agree(): E255 is X255 by another name. */
static void
montgomery (const ZrtpKeyAgreement *ka, const char *scalar, const char *u, const char *expected)
{
  uint8_t secret[ZRTP_MAX_SECRET] = {0}, pv[56], result[56];

  unhex (scalar, secret, ka->pv_size);
  unhex (u, pv, ka->pv_size);
  g_assert_true (ka->agree (secret, pv, result));
  assert_hex (result, ka->result_size, expected);
}

/* RFC 7748 §5.2. The second u of X25519 has its top bit set, which is to be ignored. */
static void
test_montgomery_vectors (void)
{
  static const ZrtpKeyAgreement *const x25519[] = {&zrtp_nettle_x255, &zrtp_nettle_e255};

  for (size_t i = 0; i < G_N_ELEMENTS (x25519); i++) {
    montgomery (x25519[i], "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
        "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
        "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
    montgomery (x25519[i], "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
        "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
        "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957");
  }
  montgomery (&zrtp_nettle_x448,
      "3d262fddf9ec8e88495266fea19a34d28882acef045104d0d1aae121"
      "700a779c984c24f8cdd78fbff44943eba368f54b29259a4f1c600ad3",
      "06fce640fa3487bfda5f6cf2d5263f8aad88334cbd07437f020f08f9"
      "814dc031ddbdc38c19c6da2583fa5429db94ada18aa7a7fb4ef8a086",
      "ce3e4ff95a60dc6697da1db1d85e6afbdf79b50a2412d7546d5f239f"
      "e14fbaadeb445fc66a01b0779d98223961111e21766282f73dd96b6f");
  montgomery (&zrtp_nettle_x448,
      "203d494428b8399352665ddca42f9de8fef600908e0d461cb021f8c5"
      "38345dd77c3e4806e25f46d3315c44e0a5b4371282dd2c8d5be3095f",
      "0fbcc2f993cd56d3305b0b7d9e55d4c1a8fb5dbb52f8e9a1e9b6201b"
      "165d015894e56c4d3570bee52fe205e28a78b91cdfbde71ce8d157db",
      "884a02576239ff7a2f2f63b2db6a9ff37047ac13568e1e30fe63c4a7"
      "ad1b3ee3a5700df34321d62077e63633c575c1c954514e99da7c179d");
}

/* RFC 7748 §5.2: k, u = X (k, u), k, from k = u = the base point. */
static void
iterate (const ZrtpKeyAgreement *ka, uint8_t base, const char *once, const char *thousand)
{
  uint8_t k[ZRTP_MAX_SECRET] = {base}, u[56] = {base}, result[56];

  for (int i = 1; i <= 1000; i++) {
    g_assert_true (ka->agree (k, u, result));
    memcpy (u, k, ka->pv_size);
    memcpy (k, result, ka->pv_size);
    if (i == 1)
      assert_hex (k, ka->pv_size, once);
  }
  assert_hex (k, ka->pv_size, thousand);
}

static void
test_montgomery_iterated (void)
{
  iterate (&zrtp_nettle_x255, 9, "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079",
      "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
  iterate (&zrtp_nettle_x448, 5,
      "3f482c8a9f19b01e6c46ee9711d9dc14fd4bf67af30765c2ae2b846a"
      "4d23a8cd0db897086239492caf350b51f833868b9bc2b3bca9cf4113",
      "aa3b4749d55b9daf1e5b00288826c467274ce3ebbdd5c17b975e09d4"
      "af6c67cf10d087202db88286e2b79fceea3ec353ef54faa26e219f38");
}

/* RFC 7748 §6.1 and §6.2 */
static void
test_montgomery_exchange (void)
{
  static const struct {
    const ZrtpKeyAgreement *ka;
    const char *secret[2], *pv[2], *result;
  } rows[] = {
      {&zrtp_nettle_x255,
          {"77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
              "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"},
          {"8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
              "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"},
          "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"},
      {&zrtp_nettle_x448,
          {"9a8f4925d1519f5775cf46b04b5800d4ee9ee8bae8bc5565d498c28d"
           "d9c9baf574a9419744897391006382a6f127ab1d9ac2d8c0a598726b",
              "1c306a7ac2a0e2e0990b294470cba339e6453772b075811d8fad0d1d"
              "6927c120bb5ee8972b0d3e21374c9c921b09d1b0366f10b65173992d"},
          {"9b08f7cc31b7e3e67d22d5aea121074a273bd2b83de09c63faa73d2c"
           "22c5d9bbc836647241d953d40c5b12da88120d53177f80e532c41fa0",
              "3eb7a829b0cd20f5bcfc0b599b6feccf6da4627107bdb0d4f345b430"
              "27d8b972fc3e34fb4232a13ca706dcb57aec3dae07bdc1c67bf33609"},
          "07fff4181ac6cc95ec1c16a94a0f74d12da232ce40a77552281d282b"
          "b60c0b56fd2464c335543936521c24403085d59a449a5037514a879d"},
  };

  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    for (size_t end = 0; end < 2; end++) {
      const ZrtpKeyAgreement *ka = rows[i].ka;
      size_t size = ka->pv_size;
      uint8_t octets[56], secret[ZRTP_MAX_SECRET], pv[56];

      unhex (rows[i].secret[end], octets, size);
      g_assert_true (generate_from (ka, octets, size, secret, pv));
      g_assert_cmpmem (secret, size, octets, size);
      g_assert_true (all_zero (secret + size, sizeof secret - size));
      assert_hex (pv, size, rows[i].pv[end]);
      montgomery (ka, rows[i].secret[end], rows[i].pv[!end], rows[i].result);
    }
}

/* All u of small order below 2^255: 0, 1, two of order 8, -1, and with p added 0 and 1 once more
 * (https://cr.yp.to/ecdh.html#validate; cryptography refuses each of them). With the top bit set
 * they are the same points (RFC 7748 §5). */
static void
test_x255_small_order (void)
{
  static const char *const points[] = {
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
      "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  };
  uint8_t secret[ZRTP_MAX_SECRET], pv[32], result[32];

  g_assert_true (zrtp_nettle_x255.generate (&zrtp_libc_random, 0, secret, pv));
  for (size_t i = 0; i < G_N_ELEMENTS (points); i++) {
    unhex (points[i], pv, 32);
    g_assert_false (zrtp_nettle_x255.agree (secret, pv, result));
    pv[31] |= 0x80;
    g_assert_false (zrtp_nettle_x255.agree (secret, pv, result));
  }
  /* The next one is as good as any. */
  memset (pv, 0, 32);
  pv[0] = 2;
  g_assert_true (zrtp_nettle_x255.agree (secret, pv, result));
}

/* All u of small order in 56 octets: 0 of order 2, 1 and -1 of order 4 (of the curve and of its twist),
 * and with p added 0 and 1 once more (cryptography refuses each of them). */
static void
test_x448_small_order (void)
{
  static const char *const points[] = {
      "00000000000000000000000000000000000000000000000000000000"
      "00000000000000000000000000000000000000000000000000000000",
      "01000000000000000000000000000000000000000000000000000000"
      "00000000000000000000000000000000000000000000000000000000",
      "feffffffffffffffffffffffffffffffffffffffffffffffffffffff"
      "feffffffffffffffffffffffffffffffffffffffffffffffffffffff",
      "ffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
      "feffffffffffffffffffffffffffffffffffffffffffffffffffffff",
      "00000000000000000000000000000000000000000000000000000000"
      "ffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  };
  uint8_t secret[ZRTP_MAX_SECRET], pv[56], result[56], expected[56];

  g_assert_true (zrtp_nettle_x448.generate (&zrtp_libc_random, 0, secret, pv));
  for (size_t i = 0; i < G_N_ELEMENTS (points); i++) {
    unhex (points[i], pv, 56);
    g_assert_false (zrtp_nettle_x448.agree (secret, pv, result));
  }
  /* The next one is as good as any, and by its other name the same (RFC 7748 §5). */
  memset (pv, 0, 56);
  pv[0] = 2;
  g_assert_true (zrtp_nettle_x448.agree (secret, pv, expected));
  unhex (points[4], pv, 56);
  pv[0]++;
  g_assert_true (zrtp_nettle_x448.agree (secret, pv, result));
  g_assert_cmpmem (result, 56, expected, 56);
}

enum {
  MAX_SIZE = 66 /* octets of a coordinate of P-521 */
};

typedef struct {
  const ZrtpKeyAgreement *ka;
  const char *secret, *x, *y; /* ours */
  const char *peer_x, *peer_y, *result;
} EcVector;

static const EcVector ec_vectors[] = {
    /* NIST CAVP, KAS_ECC_CDH_PrimitiveTest.txt (CAVS 14.1), [P-256], by their COUNT */
    /* 0 */
    {&zrtp_nettle_ec25, "7d7dc5f71eb29ddaf80d6214632eeae03d9058af1fb6d22ed80badb62bc1a534",
        "ead218590119e8876b29146ff89ca61770c4edbbf97d38ce385ed281d8a6b230",
        "28af61281fd35e2fa7002523acc85a429cb06ee6648325389f59edfce1405141",
        "700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d287",
        "db71e509e3fd9b060ddb20ba5c51dcc5948d46fbf640dfe0441782cab85fa4ac",
        "46fc62106420ff012e54a434fbdd2d25ccc5852060561e68040dd7778997bd7b"},
    /* 1 */
    {&zrtp_nettle_ec25, "38f65d6dce47676044d58ce5139582d568f64bb16098d179dbab07741dd5caf5",
        "119f2f047902782ab0c9e27a54aff5eb9b964829ca99c06b02ddba95b0a3f6d0",
        "8f52b726664cac366fc98ac7a012b2682cbd962e5acb544671d41b9445704d1d",
        "809f04289c64348c01515eb03d5ce7ac1a8cb9498f5caa50197e58d43a86a7ae",
        "b29d84e811197f25eba8f5194092cb6ff440e26d4421011372461f579271cda3",
        "057d636096cb80b67a8c038c890e887d1adfa4195e9b3ce241c8a778c59cda67"},
    /* 8 */
    {&zrtp_nettle_ec25, "0f9883ba0ef32ee75ded0d8bda39a5146a29f1f2507b3bd458dbea0b2bb05b4d",
        "abb61b423be5d6c26e21c605832c9142dc1dfe5a5fff28726737936e6fbf516d",
        "733d2513ef58beab202090586fac91bf0fee31e80ab33473ab23a2d89e58fad6",
        "94e94f16a98255fff2b9ac0c9598aac35487b3232d3231bd93b7db7df36f9eb9",
        "d8049a43579cfa90b8093a94416cbefbf93386f15b3f6e190b6e3455fedfe69a",
        "605c16178a9bc875dcbff54d63fe00df699c03e8a888e9e94dfbab90b25f39b4"},
    /* 9 */
    {&zrtp_nettle_ec25, "2beedb04b05c6988f6a67500bb813faf2cae0d580c9253b6339e4a3337bb6c08",
        "3d63e429cb5fa895a9247129bf4e48e89f35d7b11de8158efeb3e106a2a87395",
        "0cae9e477ef41e7c8c1064379bb7b554ddcbcae79f9814281f1e50f0403c61f3",
        "e099bf2a4d557460b5544430bbf6da11004d127cb5d67f64ab07c94fcdf5274f",
        "d9c50dbe70d714edb5e221f4e020610eeb6270517e688ca64fb0e98c7ef8c1c5",
        "f96e40a1b72840854bb62bc13c40cc2795e373d4e715980b261476835a092e0b"},
    /* 24 */
    {&zrtp_nettle_ec25, "85a268f9d7772f990c36b42b0a331adc92b5941de0b862d5d89a347cbf8faab0",
        "9cf4b98581ca1779453cc816ff28b4100af56cf1bf2e5bc312d83b6b1b21d333",
        "7a5504fcac5231a0d12d658218284868229c844a04a3450d6c7381abe080bf3b",
        "356c5a444c049a52fee0adeb7e5d82ae5aa83030bfff31bbf8ce2096cf161c4b",
        "57d128de8b2a57a094d1a001e572173f96e8866ae352bf29cddaf92fc85b2f92",
        "1e51373bd2c6044c129c436e742a55be2a668a85ae08441b6756445df5493857"},
    /* NIST CAVP, KAS_ECC_CDH_PrimitiveTest.txt (CAVS 14.1), [P-384], by their COUNT */
    /* 0 */
    {&zrtp_nettle_ec38,
        "3cc3122a68f0d95027ad38c067916ba0eb8c38894d22e1b15618b6818a661774"
        "ad463b205da88cf699ab4d43c9cf98a1",
        "9803807f2f6d2fd966cdd0290bd410c0190352fbec7ff6247de1302df86f25d3"
        "4fe4a97bef60cff548355c015dbb3e5f",
        "ba26ca69ec2f5b5d9dad20cc9da711383a9dbe34ea3fa5a2af75b46502629ad5"
        "4dd8b7d73a8abb06a3a3be47d650cc99",
        "a7c76b970c3b5fe8b05d2838ae04ab47697b9eaf52e764592efda27fe7513272"
        "734466b400091adbf2d68c58e0c50066",
        "ac68f19f2e1cb879aed43a9969b91a0839c4c38a49749b661efedf243451915e"
        "d0905a32b060992b468c64766fc8437a",
        "5f9d29dc5e31a163060356213669c8ce132e22f57c9a04f40ba7fcead493b457"
        "e5621e766c40a2e3d4d6a04b25e533f1"},
    /* 6 */
    {&zrtp_nettle_ec38,
        "b1764c54897e7aae6de9e7751f2f37de849291f88f0f91093155b858d1cc32a3"
        "a87980f706b86cc83f927bdfdbeae0bd",
        "c371222feaa6770c6f3ea3e0dac9740def4fcf821378b7f91ff937c21e0470f7"
        "0f3a31d5c6b2912195f10926942b48ae",
        "047d6b4d765123563f81116bc665b7b8cc6207830d805fd84da7cb805a65baa7"
        "c12fd592d1b5b5e3e65d9672a9ef7662",
        "3d4e6bf08a73404accc1629873468e4269e82d90d832e58ad72142639b5a056a"
        "d8d35c66c60e8149fac0c797bceb7c2f",
        "9b0308dc7f0e6d29f8c277acbc65a21e5adb83d11e6873bc0a07fda0997f4825"
        "04602f59e10bc5cb476b83d0a4f75e71",
        "1a6688ee1d6e59865d8e3ada37781d36bb0c2717eef92e61964d3927cb765c29"
        "65ea80f7f63e58c322ba0397faeaf62b"},
    /* 13 */
    {&zrtp_nettle_ec38,
        "037b633b5b8ba857c0fc85656868232e2febf59578718391b81da8541a00bfe5"
        "3c30ae04151847f27499f8d7abad8cf4",
        "8878ac8a947f7d5cb2b47aad24fbb8210d86126585399a2871f84aa9c5fde307"
        "4ae540c6bf82275ca822d0feb862bc74",
        "632f5cd2f900c2711c32f8930728eb647d31edd8d650f9654e7d33e5ed1b4754"
        "89d08daa30d8cbcba6bfc3b60d9b5a37",
        "1c0eeda7a2be000c5bdcda0478aed4db733d2a9e341224379123ad847030f29e"
        "3b168fa18e89a3c0fba2a6ce1c28fc3b",
        "ec8c1c83c118c4dbea94271869f2d868eb65e8b44e21e6f14b0f4d9b38c068da"
        "efa27114255b9a41d084cc4a1ad85456",
        "deff7f03bd09865baf945e73edff6d5122c03fb561db87dec8662e09bed4340b"
        "28a9efe118337bb7d3d4f7f568635ff9"},
    /* 19 */
    {&zrtp_nettle_ec38,
        "06f132b71f74d87bf99857e1e4350a594e5fe35533b888552ceccbc0d8923c90"
        "2e36141d7691e28631b8bc9bafe5e064",
        "2a3cc6b8ff5cde926e7e3a189a1bd029c9b586351af8838f4f201cb8f4b70ef3"
        "b0da06d352c80fc26baf8f42b784459e",
        "bf9985960176da6d23c7452a2954ffcbbcb24249b43019a2a023e0b3dabd461f"
        "19ad3e775c364f3f11ad49f3099400d3",
        "d09bb822eb99e38060954747c82bb3278cf96bbf36fece3400f4c873838a40c1"
        "35eb3babb9293bd1001bf3ecdee7bf26",
        "d416db6e1b87bbb7427788a3b6c7a7ab2c165b1e366f9608df512037584f213a"
        "648d47f16ac326e19aae972f63fd76c9",
        "012d191cf7404a523678c6fc075de8285b243720a903047708bb33e501e0dbee"
        "5bcc40d7c3ef6c6da39ea24d830da1e8"},
    /* 24 */
    {&zrtp_nettle_ec38,
        "74ad8386c1cb2ca0fcdeb31e0869bb3f48c036afe2ef110ca302bc8b910f621c"
        "9fcc54cec32bb89ec7caa84c7b8e54a8",
        "27a3e83cfb9d5122e73129d801615857da7cc089cccc9c54ab3032a19e0a0a9f"
        "677346e37f08a0b3ed8da6e5dd691063",
        "8d60e44aa5e0fd30c918456796af37f0e41957901645e5c596c6d989f5859b03"
        "a0bd7d1f4e77936fff3c74d204e5388e",
        "29d8a36d22200a75b7aea1bb47cdfcb1b7fd66de967041434728ab5d533a060d"
        "f732130600fe6f75852a871fb2938e39",
        "e19b53db528395de897a45108967715eb8cb55c3fcbf23379372c0873a058d57"
        "544b102ecce722b2ccabb1a603774fd5",
        "81e1e71575bb4505498de097350186430a6242fa6c57b85a5f984a23371123d2"
        "d1424eefbf804258392bc723e4ef1e35"},
    /* NIST CAVP, KAS_ECC_CDH_PrimitiveTest.txt (CAVS 14.1), [P-521], by their COUNT */
    /* 0 */
    {&zrtp_nettle_ec52,
        "017eecc07ab4b329068fba65e56a1f8890aa935e57134ae0ffcce802735151f4"
        "eac6564f6ee9974c5e6887a1fefee5743ae2241bfeb95d5ce31ddcb6f9edb4d6"
        "fc47",
        "00602f9d0cf9e526b29e22381c203c48a886c2b0673033366314f1ffbcba240b"
        "a42f4ef38a76174635f91e6b4ed34275eb01c8467d05ca80315bf1a7bbd945f5"
        "50a5",
        "01b7c85f26f5d4b2d7355cf6b02117659943762b6d1db5ab4f1dbc44ce7b2946"
        "eb6c7de342962893fd387d1b73d7a8672d1f236961170b7eb3579953ee5cdc88"
        "cd2d",
        "00685a48e86c79f0f0875f7bc18d25eb5fc8c0b07e5da4f4370f3a9490340854"
        "334b1e1b87fa395464c60626124a4e70d0f785601d37c09870ebf176666877a2"
        "046d",
        "01ba52c56fc8776d9e8f5db4f0cc27636d0b741bbe05400697942e80b739884a"
        "83bde99e0f6716939e632bc8986fa18dccd443a348b6c3e522497955a4f3c302"
        "f676",
        "005fc70477c3e63bc3954bd0df3ea0d1f41ee21746ed95fc5e1fdf90930d5e13"
        "6672d72cc770742d1711c3c3a4c334a0ad9759436a4d3c5bf6e74b9578fac148"
        "c831"},
    /* 8 */
    {&zrtp_nettle_ec52,
        "0028692be2bf5c4b48939846fb3d5bce74654bb2646e15f8389e23708a1afadf"
        "561511ea0d9957d0b53453819d60fba8f65a18f7b29df021b1bb01cd163293ac"
        "c3cc",
        "01cfdc10c799f5c79cb6930a65fba351748e07567993e5e410ef4cacc4cd8a25"
        "784991eb4674e41050f930c7190ac812b9245f48a7973b658daf408822fe5b85"
        "f668",
        "0180d9ddfc9af77b9c4a6f02a834db15e535e0b3845b2cce30388301b51cecbe"
        "3276307ef439b5c9e6a72dc2d94d879bc395052dbb4a5787d06efb280210fb8b"
        "e037",
        "008415f5bbd0eee387d6c09d0ef8acaf29c66db45d6ba101860ae45d3c60e1e0"
        "e3f7247a4626a60fdd404965c3566c79f6449e856ce0bf94619f97da8da24bd2"
        "cfb6",
        "00fdd7c59c58c361bc50a7a5d0d36f723b17c4f2ad2b03c24d42dc50f74a8c46"
        "5a0afc4683f10fab84652dfe9e928c2626b5456453e1573ff60be1507467d431"
        "fbb2",
        "0105a346988b92ed8c7a25ce4d79d21bc86cfcc7f99c6cd19dbb4a39f48ab943"
        "b79e4f0647348da0b80bd864b85c6b8d92536d6aa544dc7537a00c858f8b6631"
        "9e25"},
    /* 12 */
    {&zrtp_nettle_ec52,
        "01b5ff847f8eff20b88cfad42c06e58c3742f2f8f1fdfd64b539ba48c2592692"
        "6bd5e332b45649c0b184f77255e9d58fe8afa1a6d968e2cb1d4637777120c765"
        "c128",
        "01de3dc9263bc8c4969dc684be0eec54befd9a9f3dba194d8658a789341bf0d7"
        "8d84da6735227cafaf09351951691197573c8c360a11e5285712b8bbdf5ac91b"
        "977c",
        "00812de58cd095ec2e5a9b247eb3ed41d8bef6aeace194a7a05b65aa5d289fbc"
        "9b1770ec84bb6be0c2c64cc37c1d54a7f5d71377a9adbe20f26f6f2b544a821e"
        "a831",
        "0083192ed0b1cb31f75817794937f66ad91cf74552cd510cedb9fd641310422a"
        "f5d09f221cad249ee814d16dd7ac84ded9eacdc28340fcfc9c0c06abe30a2fc2"
        "8cd8",
        "002212ed868c9ba0fb2c91e2c39ba93996a3e4ebf45f2852d0928c48930e875c"
        "c7b428d0e7f3f4d503e5d60c68cb49b13c2480cd486bed9200caddaddfe4ff8e"
        "3562",
        "00062f9fc29ae1a68b2ee0dcf956cbd38c88ae5f645eaa546b00ebe87a7260bf"
        "724be20d34b9d02076655c933d056b21e304c24ddb1dedf1dd76de611fc4a234"
        "0336"},
    /* 17 */
    {&zrtp_nettle_ec52,
        "0004d49d39d40d8111bf16d28c5936554326b197353eebbcf47545393bc8d3aa"
        "f98f14f5be7074bfb38e6cc97b989754074daddb3045f4e4ce745669fdb3ec0d"
        "5fa8",
        "012ec226d050ce07c79b3df4d0f0891f9f7adf462e8c98dbc1a2a14f5e53a3f5"
        "ad894433587cc429a8be9ea1d84fa33b1803690dae04da7218d30026157fc995"
        "cf52",
        "004837dfbf3426f57b5c793269130abb9a38f618532211931154db4eeb9aede8"
        "8e57290f842ea0f2ea9a5f74c6203a3920fe4e305f6118f676b154e1d75b9cb5"
        "eb88",
        "01a3c20240e59f5b7a3e17c275d2314ba1741210ad58b71036f8c83cc1f6b0f4"
        "09dfdd9113e94b67ec39c3291426c23ffcc447054670d2908ff8fe67dc230603"
        "4c5c",
        "01d2825bfd3af8b1e13205780c137fe938f84fde40188e61ea02cead81badfdb"
        "425c29f7d7fb0324debadc10bbb93de68f62c35069268283f5265865db57a79f"
        "7bf7",
        "006fe9de6fb8e672e7fd150fdc5e617fabb0d43906354ccfd224757c7276f7a1"
        "010091b17ed072074f8d10a5ec971eb35a5cb7076603b7bc38d432cbc059f80f"
        "9488"},
    /* 24 */
    {&zrtp_nettle_ec52,
        "00df14b1f1432a7b0fb053965fd8643afee26b2451ecb6a8a53a655d5fbe16e4"
        "c64ce8647225eb11e7fdcb23627471dffc5c2523bd2ae89957cba3a57a23933e"
        "5a78",
        "004e8583bbbb2ecd93f0714c332dff5ab3bc6396e62f3c560229664329baa513"
        "8c3bb1c36428abd4e23d17fcb7a2cfcc224b2e734c8941f6f121722d7b6b9415"
        "4576",
        "01cf0874f204b0363f020864672fadbf87c8811eb147758b254b74b14fae7421"
        "59f0f671a018212bbf25b8519e126d4cad778cfff50d288fd39ceb0cac635b17"
        "5ec0",
        "01a32099b02c0bd85371f60b0dd20890e6c7af048c8179890fda308b359dbbc2"
        "b7a832bb8c6526c4af99a7ea3f0b3cb96ae1eb7684132795c478ad6f962e4a6f"
        "446d",
        "017627357b39e9d7632a1370b3e93c1afb5c851b910eb4ead0c9d387df67cde8"
        "5003e0e427552f1cd09059aad0262e235cce5fba8cedc4fdc1463da76dcd4b6d"
        "1a46",
        "01aaf24e5d47e4080c18c55ea35581cd8da30f1a079565045d2008d51b12d0ab"
        "b4411cda7a0785b15d149ed301a3697062f42da237aa7f07e0af3fd00eb1800d"
        "9c41"},
    /* RFC 5114 §A.6, both ends */
    {&zrtp_nettle_ec25, "814264145f2f56f2e96a8e337a1284993faf432a5abce59e867b7291d507a3af",
        "2af502f3be8952f2c9b5a8d4160d09e97165be50bc42ae4a5e8d3b4ba83aeb15",
        "eb0faf4ca986c4d38681a0f9872d79d56795bd4bff6e6de3c0f5015ece5efd85",
        "b120de4aa36492795346e8de6c2c8646ae06aaea279fa775b3ab0715f6ce51b0",
        "9f1b7eece20d7b5ed8ec685fa3f071d83727027092a8411385c34dde5708b2b6",
        "dd0f5396219d1ea393310412d19a08f1f5811e9dc8ec8eea7f80d21c820c2788"},
    {&zrtp_nettle_ec25, "2ce1788ec197e096db95a200cc0ab26a19ce6bccad562b8eee1b593761cf7f41",
        "b120de4aa36492795346e8de6c2c8646ae06aaea279fa775b3ab0715f6ce51b0",
        "9f1b7eece20d7b5ed8ec685fa3f071d83727027092a8411385c34dde5708b2b6",
        "2af502f3be8952f2c9b5a8d4160d09e97165be50bc42ae4a5e8d3b4ba83aeb15",
        "eb0faf4ca986c4d38681a0f9872d79d56795bd4bff6e6de3c0f5015ece5efd85",
        "dd0f5396219d1ea393310412d19a08f1f5811e9dc8ec8eea7f80d21c820c2788"},
    /* RFC 5114 §A.7, both ends */
    {&zrtp_nettle_ec38,
        "d27335ea71664af244dd14e9fd1260715dfd8a7965571c48d709ee7a7962a156"
        "d706a90cbcb5df2986f05feadb9376f1",
        "793148f1787634d5da4c6d9074417d05e057ab62f82054d10ee6b0403d627954"
        "7e6a8ea9d1fd77427d016fe27a8b8c66",
        "c6c41294331d23e6f480f4fb4cd40504c947392e94f4c3f06b8f398bb29e4236"
        "8f7a685923de3b67baced214a1a1d128",
        "5cd42ab9c41b5347f74b8d4efb708b3d5b36db65915359b44abc17647b6b9999"
        "789d72a84865ae2f223f12b5a1abc120",
        "e171458feaa939aaa3a8bfac46b404bd8f6d5b348c0fa4d80ceca16356ca9332"
        "40bde8723415a8ece035b0edf36755de",
        "5ea1fc4af7256d2055981b110575e0a8cae53160137d904c59d926eb1b8456e4"
        "27aa8a4540884c37de159a58028abc0e"},
    {&zrtp_nettle_ec38,
        "52d1791fdb4b70f89c0f00d456c2f7023b6125262c36a7df1f80231121cce3d3"
        "9be52e00c194a4132c4a6c768bcd94d2",
        "5cd42ab9c41b5347f74b8d4efb708b3d5b36db65915359b44abc17647b6b9999"
        "789d72a84865ae2f223f12b5a1abc120",
        "e171458feaa939aaa3a8bfac46b404bd8f6d5b348c0fa4d80ceca16356ca9332"
        "40bde8723415a8ece035b0edf36755de",
        "793148f1787634d5da4c6d9074417d05e057ab62f82054d10ee6b0403d627954"
        "7e6a8ea9d1fd77427d016fe27a8b8c66",
        "c6c41294331d23e6f480f4fb4cd40504c947392e94f4c3f06b8f398bb29e4236"
        "8f7a685923de3b67baced214a1a1d128",
        "5ea1fc4af7256d2055981b110575e0a8cae53160137d904c59d926eb1b8456e4"
        "27aa8a4540884c37de159a58028abc0e"},
    /* RFC 5114 §A.8, both ends */
    {&zrtp_nettle_ec52,
        "0113f82da825735e3d97276683b2b74277bad27335ea71664af2430cc4f33459"
        "b9669ee78b3ffb9b8683015d344dcbfef6fb9af4c6c470be254516cd3c1a1fb4"
        "7362",
        "01ebb34dd75721abf8adc9dbed17889cbb9765d90a7c60f2cef007bb0f2b26e1"
        "4881fd4442e689d61cb2dd046ee30e3ffd20f9a45bbdf6413d583a2dbf59924f"
        "d35c",
        "00f6b632d194c0388e22d8437e558c552ae195adfd153f92d74908351b2f8c4e"
        "da94edb0916d1b53c020b5eecaed1a5fc38a233e4830587bb2ee3489b3b42a5a"
        "86a4",
        "010ebfafc6e85e08d24bfffcc1a4511db0e634beeb1b6dec8c5939ae44766201"
        "af6200430ba97c8ac6a0e9f08b33ce7e9feeb5ba4ee5e0d81510c24295b8a08d"
        "0235",
        "00a4a6ec300df9e257b0372b5e7abfef093436719a77887ebb0b18cf8099b9f4"
        "212b6e30a1419c18e029d36863cc9d448f4dba4d2a0e60711be572915fbd4fef"
        "2695",
        "00cdea89621cfa46b132f9e4cfe2261cde2d4368eb5656634c7cc98c7a00cde5"
        "4ed1866a0dd3e6126c9d2f845daff82ceb1da08f5d87521bb0ebeca77911169c"
        "20cc"},
    {&zrtp_nettle_ec52,
        "00cee3480d8645a17d249f2776d28bae616952d1791fdb4b70f7c3378732aa1b"
        "22928448bcd1dc2496d435b01048066ebe4f72903c361b1a9dc1193dc2c9d089"
        "1b96",
        "010ebfafc6e85e08d24bfffcc1a4511db0e634beeb1b6dec8c5939ae44766201"
        "af6200430ba97c8ac6a0e9f08b33ce7e9feeb5ba4ee5e0d81510c24295b8a08d"
        "0235",
        "00a4a6ec300df9e257b0372b5e7abfef093436719a77887ebb0b18cf8099b9f4"
        "212b6e30a1419c18e029d36863cc9d448f4dba4d2a0e60711be572915fbd4fef"
        "2695",
        "01ebb34dd75721abf8adc9dbed17889cbb9765d90a7c60f2cef007bb0f2b26e1"
        "4881fd4442e689d61cb2dd046ee30e3ffd20f9a45bbdf6413d583a2dbf59924f"
        "d35c",
        "00f6b632d194c0388e22d8437e558c552ae195adfd153f92d74908351b2f8c4e"
        "da94edb0916d1b53c020b5eecaed1a5fc38a233e4830587bb2ee3489b3b42a5a"
        "86a4",
        "00cdea89621cfa46b132f9e4cfe2261cde2d4368eb5656634c7cc98c7a00cde5"
        "4ed1866a0dd3e6126c9d2f845daff82ceb1da08f5d87521bb0ebeca77911169c"
        "20cc"},
};

static void
test_ec_vectors (void)
{
  g_assert_cmpuint (zrtp_nettle_ec52.result_size, ==, MAX_SIZE);
  for (size_t i = 0; i < G_N_ELEMENTS (ec_vectors); i++) {
    const EcVector *v = &ec_vectors[i];
    size_t size = v->ka->result_size;
    uint8_t octets[MAX_SIZE], secret[ZRTP_MAX_SECRET], pv[2 * MAX_SIZE], result[MAX_SIZE];

    unhex (v->secret, octets, size);
    g_assert_true (generate_from (v->ka, octets, size, secret, pv));
    g_assert_cmpmem (secret, size, octets, size);
    g_assert_true (all_zero (secret + size, sizeof secret - size));
    assert_hex (pv, size, v->x);
    assert_hex (pv + size, size, v->y);

    unhex (v->peer_x, pv, size);
    unhex (v->peer_y, pv + size, size);
    g_assert_true (v->ka->agree (secret, pv, result));
    assert_hex (result, size, v->result);
  }
}

/* SEC 2 §2.4.2, §2.5.1 and §2.6.1; FIPS 186-4 D.1.2.3 to D.1.2.5. The points with a small coordinate are
 * the smallest x, or y > 0, for which the curve's equation has a solution. */
typedef struct {
  const ZrtpKeyAgreement *ka;
  const char *p, *n, *g_x, *g_y;
  const char *y_of_zero; /* (0, y) is on the curve */
  unsigned small_y;      /* (x_of_small_y, small_y) is, too */
  const char *x_of_small_y;
} EcCurve;

static const EcCurve ec_curves[] = {
    {&zrtp_nettle_ec25, "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
        "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
        "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
        "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4", 5,
        "d7325d7646cd60d80a92738ceb345f844cffaf35841022cab176f692de8de1d7"},
    {&zrtp_nettle_ec38,
        "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe"
        "ffffffff0000000000000000ffffffff",
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf"
        "581a0db248b0a77aecec196accc52973",
        "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a38"
        "5502f25dbf55296c3a545e3872760ab7",
        "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c0"
        "0a60b1ce1d7e819d7a431d7c90ea0e5f",
        "c306610fb0ae5a159cf45c06069f22a6c5eb3641c602d42dea2c4b4f75550793"
        "406d80d2b91ad54f9048bd487af1ade1",
        1,
        "2261b2bf605c22f2f3aef6338719b2c486388ad5240719a5257315969ef01ba2"
        "7f0a104c89704773a81fdabee6ab5c78"},
    {&zrtp_nettle_ec52,
        "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffff",
        "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "fffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e9138"
        "6409",
        "00c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d"
        "3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5"
        "bd66",
        "011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e"
        "662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd1"
        "6650",
        "00d20ec9fea6b577c10d26ca1bb446f40b299e648b1ad508aad068896fee3f8e"
        "614bc63054d5772bf01a65d412e0bcaa8e965d2f5d332d7f39f846d440ae001f"
        "4f87",
        1,
        "00d9cb7a32dab342f863edb340f3ea61ddf833e755ce66bb1a918a42714ba05b"
        "cdf4ff10994f616a9d80cd0b48b326e3a8a2a8f5634d824875b6e71fb7cddd7b"
        "5018"},
};

static const EcCurve *
curve_of (const ZrtpKeyAgreement *ka)
{
  const EcCurve *curve = ec_curves;

  while (curve->ka != ka)
    curve++;
  return curve;
}

/* number + addend, fixed width */
static void
unhex_plus (const char *number, int addend, uint8_t *out, size_t size)
{
  unsigned carry = (unsigned) addend;

  unhex (number, out, size);
  for (size_t i = size; i-- > 0;) {
    carry += out[i];
    out[i] = (uint8_t) carry;
    /* Arithmetic shift: borrows as well as it carries. */
    carry = (unsigned) ((int) carry >> 8);
  }
}

/* The DHResult keeps its leading zeros (§4.4.1.4), and so do X and Y of pv: known answers d*G with
 * a leading zero octet in x or y, which is also the agreement of d with a peer whose secret is 1. */
static void
test_ec_leading_zeros (void)
{
  static const struct {
    const ZrtpKeyAgreement *ka;
    unsigned secret;
    const char *x, *y;
  } cases[] = {
      /* The first d of which it is true, by Python's cryptography:
       *   ec.derive_private_key(d, ec.SECP256R1()).public_key().public_numbers() */
      {&zrtp_nettle_ec25, 379, "005543894af3d00ed7d740abdbd75c96b06877b787db5f70eea78b90a8d7c00a",
          "bb4c85a3d8ea29efaafa24406912dd84d5b14dc32bf656ef6c6bd58a5d943f92"},
      {&zrtp_nettle_ec25, 43, "986ae2506f1ff104d04230861d8f4b498f4bc4c6d009b30f7544dc129b82d28d",
          "003cccc0a6460e0ae328a4d97d3c7b61d86fc6289c189f2525110c441bb07e97"},
      {&zrtp_nettle_ec38, 197,
          "004d104b26ee5671f72c10c986841d3e65d285e2516161b7baa341b12631b9e3"
          "2b6f0d5896d8431c51d5d93a37cbc90e",
          "f11a1e3f8b7b90538ee42cc00ee934a6e2ee25541607d8fb65c7a8b11e2f8868"
          "53886eef3865ec933200b9f25599f29f"},
      {&zrtp_nettle_ec38, 176,
          "d03aa748f5f48eb3e0c54b683f25d2e2d7d7e3201282a95b57a59ffb8f94cf4c"
          "43b1107ca944b9211c351112de16ed18",
          "000a08c602dc5e0031dad088c19305f6b252a2bc3f245f7a5b80b484c7b99f69"
          "81c32374c714a7683255f5331f66bb06"},
      /* Of P-521 the first two octets. */
      {&zrtp_nettle_ec52, 273,
          "000060a88d8596a2c6597b2dc4e465dfd7e74a0bcb7b863f56f21c1414a5958b"
          "62a495996fd86b8e9e78a6712c7887e75dfce972a04e12cb9cf9e032ff2ac1af"
          "ff19",
          "0133d1fc0aadba080613578d2980c77fe63cb7cd0a60d1adf2b2e508d9ac9e2a"
          "8b1d0c5388d1cbb05f0e2c58d01cbcc059459293d49828b61f47c1f2edeb8914"
          "528a"},
      {&zrtp_nettle_ec52, 73,
          "0175390e66e973c9ef9ffb6053390709de3609b24b24d10892827d68a78adb98"
          "922b40a38f3899d1e3638202310dcf99f233178bff873bb01b44bc16a86e871c"
          "ebde",
          "0000eb7757b15cbaf37b84abed2752bd26a3b43e6055694234bfd87eeefa8e67"
          "3384af5eb24f0f24919ead021083005e4e5f25a6ac25559c4e659937f13d4c1c"
          "76c7"},
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
    const ZrtpKeyAgreement *ka = cases[i].ka;
    const EcCurve *curve = curve_of (ka);
    size_t size = ka->result_size;
    uint8_t octets[MAX_SIZE] = {0}, secret[ZRTP_MAX_SECRET], pv[2 * MAX_SIZE], result[MAX_SIZE];
    uint8_t one[ZRTP_MAX_SECRET] = {0};

    octets[size - 2] = (uint8_t) (cases[i].secret >> 8);
    octets[size - 1] = (uint8_t) cases[i].secret;
    g_assert_true (generate_from (ka, octets, size, secret, pv));
    assert_hex (pv, size, cases[i].x);
    assert_hex (pv + size, size, cases[i].y);

    /* Taken from the peer, too: with our own secret 1 it comes back. */
    one[size - 1] = 1;
    memset (result, 0xee, sizeof result);
    g_assert_true (ka->agree (one, pv, result));
    assert_hex (result, size, cases[i].x);

    unhex (curve->g_x, pv, size);
    unhex (curve->g_y, pv + size, size);
    memset (result, 0xee, sizeof result);
    g_assert_true (ka->agree (secret, pv, result));
    assert_hex (result, size, cases[i].x);
  }
}

/* SP 800-56A §5.6.2.6 */
static void
test_ec_bad_points (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (ec_curves); i++) {
    const EcCurve *curve = &ec_curves[i];
    const ZrtpKeyAgreement *ka = curve->ka;
    size_t size = ka->result_size;
    uint8_t secret[ZRTP_MAX_SECRET], good[2 * MAX_SIZE], pv[2 * MAX_SIZE], result[MAX_SIZE];

    g_assert_true (ka->generate (&zrtp_libc_random, 0, secret, pv));
    unhex (curve->g_x, good, size);
    unhex (curve->g_y, good + size, size);
    g_assert_true (ka->agree (secret, good, result));

    /* Infinity, in its usual disguise */
    memset (pv, 0, sizeof pv);
    g_assert_false (ka->agree (secret, pv, result));
    memset (pv, 0xff, sizeof pv);
    g_assert_false (ka->agree (secret, pv, result));
    /* One bit beside the curve */
    for (size_t bit = 0; bit < 16 * size; bit++) {
      memcpy (pv, good, 2 * size);
      pv[bit / 8] ^= (uint8_t) (1 << bit % 8);
      g_assert_false (ka->agree (secret, pv, result));
    }
    /* x and y changed round */
    memcpy (pv, good + size, size);
    memcpy (pv + size, good, size);
    g_assert_false (ka->agree (secret, pv, result));

    /* (0, y) is a point, (p, y) another name of it, which is not allowed. */
    memset (pv, 0, size);
    unhex (curve->y_of_zero, pv + size, size);
    g_assert_true (ka->agree (secret, pv, result));
    unhex (curve->p, pv, size);
    g_assert_false (ka->agree (secret, pv, result));
    unhex_plus (curve->p, 1, pv, size);
    g_assert_false (ka->agree (secret, pv, result));
    unhex_plus (curve->p, -1, pv, size);
    g_assert_false (ka->agree (secret, pv, result));

    /* The same of y. */
    unhex (curve->x_of_small_y, pv, size);
    memset (pv + size, 0, size);
    pv[2 * size - 1] = (uint8_t) curve->small_y;
    g_assert_true (ka->agree (secret, pv, result));
    unhex_plus (curve->p, (int) curve->small_y, pv + size, size);
    g_assert_false (ka->agree (secret, pv, result));
    /* (x, -y) is a point as well. */
    unhex_plus (curve->p, -(int) curve->small_y, pv + size, size);
    g_assert_true (ka->agree (secret, pv, result));
  }
}

/* The scalars are those of [1, n-1], no more and no less. */
static void
test_ec_scalars (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (ec_curves); i++) {
    const EcCurve *curve = &ec_curves[i];
    const ZrtpKeyAgreement *ka = curve->ka;
    size_t size = ka->result_size;
    uint8_t octets[4 * MAX_SIZE], secret[ZRTP_MAX_SECRET], pv[2 * MAX_SIZE], g[2 * MAX_SIZE];
    uint8_t result[MAX_SIZE];
    Script script = {octets, sizeof octets, 0};
    const ZrtpRandom random = {script_fill, &script};

    /* Draws until one fits: 0, n and n+1 do not, n-1 does. (n-1)*G = -G */
    memset (octets, 0, size);
    unhex (curve->n, octets + size, size);
    unhex_plus (curve->n, 1, octets + 2 * size, size);
    unhex_plus (curve->n, -1, octets + 3 * size, size);
    g_assert_true (ka->generate (&random, 0, secret, pv));
    g_assert_cmpuint (script.calls, ==, 4);
    g_assert_cmpmem (secret, size, octets + 3 * size, size);
    assert_hex (pv, size, curve->g_x);

    unhex (curve->g_x, g, size);
    unhex (curve->g_y, g + size, size);
    g_assert_true (ka->agree (secret, g, result));
    assert_hex (result, size, curve->g_x);
    for (int j = 0; j < 3; j++) {
      memcpy (secret, octets + (size_t) j * size, size);
      g_assert_false (ka->agree (secret, g, result));
    }
  }
}

/* P-521 draws 521 bits, and not 528 of which one in 128 would be a scalar. */
static void
test_ec52_drawn_bits (void)
{
  uint8_t octets[MAX_SIZE], secret[2][ZRTP_MAX_SECRET], pv[2][2 * MAX_SIZE];
  uint32_t seed = 0;

  for (unsigned i = 0; i < 16; i++) {
    seeded_fill (&seed, octets, sizeof octets);
    octets[0] |= 0xfe;
    g_assert_true (generate_from (&zrtp_nettle_ec52, octets, sizeof octets, secret[0], pv[0]));
    octets[0] &= 1;
    g_assert_true (generate_from (&zrtp_nettle_ec52, octets, sizeof octets, secret[1], pv[1]));
    g_assert_cmpmem (secret[0], sizeof octets, octets, sizeof octets);
    g_assert_cmpmem (secret[0], ZRTP_MAX_SECRET, secret[1], ZRTP_MAX_SECRET);
    g_assert_cmpmem (pv[0], sizeof pv[0], pv[1], sizeof pv[1]);
  }
}

/* A source that is stuck ends in a refusal, neither in a weak key nor in an endless loop. */
static void
test_ec_stuck_random (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (ec_curves); i++) {
    for (int j = 0; j < 2; j++) {
      uint8_t octet = j ? 0xff : 0, secret[ZRTP_MAX_SECRET], pv[2 * MAX_SIZE];
      const ZrtpRandom random = {stuck_fill, &octet};

      memset (secret, 0xee, sizeof secret);
      g_assert_false (ec_curves[i].ka->generate (&random, 0, secret, pv));
      g_assert_true (all_zero (secret, sizeof secret));
    }
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/montgomery/vectors", test_montgomery_vectors);
  g_test_add_func ("/montgomery/iterated", test_montgomery_iterated);
  g_test_add_func ("/montgomery/exchange", test_montgomery_exchange);
  g_test_add_func ("/x255/small-order", test_x255_small_order);
  g_test_add_func ("/x448/small-order", test_x448_small_order);
  g_test_add_func ("/ec/vectors", test_ec_vectors);
  g_test_add_func ("/ec/leading-zeros", test_ec_leading_zeros);
  g_test_add_func ("/ec/bad-points", test_ec_bad_points);
  g_test_add_func ("/ec/scalars", test_ec_scalars);
  g_test_add_func ("/ec/drawn-bits", test_ec52_drawn_bits);
  g_test_add_func ("/ec/stuck-random", test_ec_stuck_random);
  return g_test_run ();
}
