/* Every pair of a cipher and an auth tag type that is offered, on real packets: what srtpenc makes of our
 * keys, libsrtp reads with the same keys set by hand, and the other way round with srtpdec.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include <gst/check/gstharness.h>
#include <srtp2/srtp.h>

#include "gst/elements/srtpkeys.h"
#include "tests/elements/call.h"

typedef void (*SetPolicy) (srtp_crypto_policy_t *policy);

static const struct {
  const gchar *cipher, *auth_tag;
  guint key_size;
  SetPolicy set_policy;
  guint tag_size;
} profiles[] = {
    {"AES1", "HS80", 30, srtp_crypto_policy_set_rtp_default, 10},
    {"AES1", "HS32", 30, srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32, 4},
    {"AES3", "HS80", 46, srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80, 10},
    {"AES3", "HS32", 46, srtp_crypto_policy_set_aes_cm_256_hmac_sha1_32, 4},
    {"AES1", "GCM", 28, srtp_crypto_policy_set_aes_gcm_128_16_auth, 16},
    {"AES3", "GCM", 44, srtp_crypto_policy_set_aes_gcm_256_16_auth, 16},
};

#define AT __i__ % G_N_ELEMENTS (profiles)

enum {
  ROOM = SRTP_MAX_TRAILER_LEN
};

static GBytes *
new_key (guint size)
{
  guint8 key[64];

  for (guint i = 0; i < size; i++)
    key[i] = 7 * i + 1;
  return g_bytes_new (key, size);
}

static void
init_keys (GstZrtpSrtpKeys *keys, guint index)
{
  fail_unless (gst_zrtp_srtp_keys_init (
      keys, profiles[index].cipher, profiles[index].auth_tag, new_key (profiles[index].key_size)));
}

/* RTP and RTCP alike, as ZRTP peers have it. */
static srtp_t
new_libsrtp (guint index, GBytes *key, srtp_ssrc_type_t direction)
{
  srtp_policy_t policy = {.ssrc.type = direction, .window_size = 128};
  srtp_t session;

  profiles[index].set_policy (&policy.rtp);
  profiles[index].set_policy (&policy.rtcp);
  policy.key = (guint8 *) g_bytes_get_data (key, NULL);
  fail_unless_equals_int (policy.rtp.cipher_key_len, profiles[index].key_size);
  fail_unless_equals_int (srtp_create (&session, &policy), srtp_err_status_ok);
  return session;
}

typedef srtp_err_status_t (*Transform) (srtp_t session, void *packet, int *size);

static GstBuffer *
transform (srtp_t session, Transform func, GstBuffer *packet)
{
  guint8 octets[256 + ROOM];
  int size = gst_buffer_extract (packet, 0, octets, 256);

  fail_unless_equals_int (func (session, octets, &size), srtp_err_status_ok);
  return gst_buffer_new_memdup (octets, size);
}

static void
check_equal (GstBuffer *buffer, GstBuffer *expected)
{
  fail_unless (buffers_equal (buffer, expected));
  gst_buffer_unref (buffer);
  gst_buffer_unref (expected);
}

static GstHarness *
new_encoder (GstElement *srtpenc, const gchar *kind)
{
  gchar *sink = g_strdup_printf ("%s_sink_0", kind), *src = g_strdup_printf ("%s_src_0", kind);
  gchar *caps = g_strdup_printf ("application/x-%s", kind);
  GstHarness *h = gst_harness_new_with_element (srtpenc, sink, src);

  gst_harness_set_src_caps_str (h, caps);
  g_free (sink);
  g_free (src);
  g_free (caps);
  return h;
}

GST_START_TEST (test_srtpenc)
{
  GstZrtpSrtpKeys keys;
  GstElement *srtpenc;
  GstHarness *rtp, *rtcp;
  srtp_t receiver;

  init_keys (&keys, AT);
  srtpenc = gst_zrtp_srtpenc_new (&keys);
  fail_unless (
      srtpenc != NULL, "srtpenc refused %s with %s", profiles[AT].cipher, profiles[AT].auth_tag);
  rtp = new_encoder (srtpenc, "rtp");
  rtcp = new_encoder (srtpenc, "rtcp");
  receiver = new_libsrtp (AT, keys.key, ssrc_any_inbound);

  for (guint i = 0; i < 3; i++) {
    GstBuffer *packet = gst_harness_push_and_pull (rtp, new_rtp (i, A_SSRC, i));
    GstBuffer *report = gst_harness_push_and_pull (rtcp, new_rtcp (A_SSRC));

    fail_unless_equals_int (gst_buffer_get_size (packet), 172 + profiles[AT].tag_size);
    fail_unless_equals_int (gst_buffer_get_size (report), 28 + 4 + profiles[AT].tag_size);
    check_equal (transform (receiver, srtp_unprotect, packet), new_rtp (i, A_SSRC, i));
    check_equal (transform (receiver, srtp_unprotect_rtcp, report), new_rtcp (A_SSRC));
    gst_buffer_unref (packet);
    gst_buffer_unref (report);
  }
  srtp_dealloc (receiver);
  gst_harness_teardown (rtcp);
  gst_harness_teardown (rtp);
  gst_object_unref (srtpenc);
  g_bytes_unref (keys.key);
}
GST_END_TEST;

static GstCaps *
on_request_key (GstElement *srtpdec, guint ssrc, GstZrtpSrtpKeys *keys)
{
  return gst_zrtp_srtpdec_caps_new (keys);
}

static GstHarness *
new_decoder (GstElement *srtpdec, const gchar *kind)
{
  gchar *sink = g_strdup_printf ("%s_sink", kind), *src = g_strdup_printf ("%s_src", kind);
  gchar *caps = g_strdup_printf ("application/x-s%s", kind);
  GstHarness *h = gst_harness_new_with_element (srtpdec, sink, src);

  gst_harness_set_src_caps_str (h, caps);
  g_free (sink);
  g_free (src);
  g_free (caps);
  return h;
}

GST_START_TEST (test_srtpdec)
{
  GstElement *srtpdec = gst_object_ref_sink (gst_element_factory_make ("srtpdec", NULL));
  GstZrtpSrtpKeys keys;
  GstHarness *rtp, *rtcp;
  srtp_t sender;

  init_keys (&keys, AT);
  g_signal_connect (srtpdec, "request-key", G_CALLBACK (on_request_key), &keys);
  rtp = new_decoder (srtpdec, "rtp");
  rtcp = new_decoder (srtpdec, "rtcp");
  sender = new_libsrtp (AT, keys.key, ssrc_any_outbound);

  for (guint i = 0; i < 3; i++) {
    GstBuffer *packet = new_rtp (i, A_SSRC, i), *report = new_rtcp (A_SSRC);

    check_equal (gst_harness_push_and_pull (rtp, transform (sender, srtp_protect, packet)), packet);
    check_equal (
        gst_harness_push_and_pull (rtcp, transform (sender, srtp_protect_rtcp, report)), report);
  }
  srtp_dealloc (sender);
  gst_harness_teardown (rtcp);
  gst_harness_teardown (rtp);
  gst_object_unref (srtpdec);
  g_bytes_unref (keys.key);
}
GST_END_TEST;

/* A key of another size, or a pair that nobody negotiates. */
GST_START_TEST (test_refused)
{
  static const struct {
    const gchar *cipher, *auth_tag;
    guint key_size;
  } cases[] = {
      {"AES1", "HS80", 28},
      {"AES1", "GCM", 30},
      {"AES3", "GCM", 46},
      {"AES3", "HS32", 44},
      {"AES1", "HS32", 46},
      {"AES2", "HS80", 38},
      {"AES1", "SK32", 30},
      {NULL, NULL, 30},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GBytes *key = new_key (cases[i].key_size);
    GstZrtpSrtpKeys keys;

    fail_if (gst_zrtp_srtp_keys_init (&keys, cases[i].cipher, cases[i].auth_tag, key),
        "case %u was accepted", i);
    g_bytes_unref (key);
  }
}
GST_END_TEST;

GST_START_TEST (test_has_gcm)
{
  srtp_policy_t policy = {.ssrc.type = ssrc_any_outbound, .key = (guint8[64]){0}};
  srtp_t session;
  gboolean expected;

  srtp_crypto_policy_set_aes_gcm_256_16_auth (&policy.rtp);
  srtp_crypto_policy_set_aes_gcm_256_16_auth (&policy.rtcp);
  expected = srtp_create (&session, &policy) == srtp_err_status_ok;
  fail_unless_equals_int (gst_zrtp_srtp_has_gcm (), expected);
  if (expected)
    srtp_dealloc (session);
}
GST_END_TEST;

static Suite *
profiles_suite (void)
{
  Suite *suite = suite_create ("profiles");
  TCase *tc = tcase_create ("all");

  /* an element of this plugin, so that it has initialised libsrtp */
  gst_object_unref (gst_object_ref_sink (gst_element_factory_make ("srtpenc", NULL)));
  suite_add_tcase (suite, tc);
  tcase_add_loop_test (tc, test_srtpenc, 0, G_N_ELEMENTS (profiles));
  tcase_add_loop_test (tc, test_srtpdec, 0, G_N_ELEMENTS (profiles));
  tcase_add_test (tc, test_refused);
  tcase_add_test (tc, test_has_gcm);
  return suite;
}

GST_CHECK_MAIN (profiles);
