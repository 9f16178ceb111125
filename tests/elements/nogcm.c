/* A libsrtp that was built without GCM: nobody is offered what cannot be run.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include <dlfcn.h>
#include <srtp2/crypto_types.h>
#include <srtp2/srtp.h>

#include "tests/elements/call.h"

typedef srtp_err_status_t (*Create) (srtp_t *session, const srtp_policy_t *policy);

/* The plugin srtp finds this one before libsrtp's. */
__attribute__ ((visibility ("default"))) srtp_err_status_t
srtp_create (srtp_t *session, const srtp_policy_t *policy)
{
  Create create = (Create) dlsym (dlopen ("libsrtp2.so.1", RTLD_NOW), "srtp_create");

  if (policy &&
      (policy->rtp.cipher_type == SRTP_AES_GCM_128 || policy->rtp.cipher_type == SRTP_AES_GCM_256))
    return srtp_err_status_bad_param;
  return create (session, policy);
}

GST_START_TEST (test_error)
{
  const gchar *factories[] = {"zrtpenc", "zrtpdec"};
  GstElement *element = gst_element_factory_make (factories[__i__], NULL);
  GstBus *bus = gst_bus_new ();
  GstMessage *message;
  GError *error;

  gst_element_set_bus (element, bus);
  g_object_set (element, "auth-tags", "HS80,GCM", NULL);
  fail_unless_equals_int (
      gst_element_set_state (element, GST_STATE_READY), GST_STATE_CHANGE_FAILURE);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  fail_unless (message != NULL);
  gst_message_parse_error (message, &error, NULL);
  fail_unless (g_error_matches (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS));
  fail_unless (strstr (error->message, "auth-tags=HS80,GCM") != NULL, "%s", error->message);
  fail_unless (strstr (error->message, "leave GCM out") != NULL, "%s", error->message);
  g_error_free (error);
  gst_message_unref (message);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_element_set_bus (element, NULL);
  gst_object_unref (element);
  gst_object_unref (bus);
}
GST_END_TEST;

/* What is offered without a wish runs, and the call comes up. */
GST_START_TEST (test_call)
{
  Call *call = call_new ("", "");
  GstStructure *secure;
  gchar *auth_tags;

  call_play (call);
  g_object_get (call->a.enc, "auth-tags", &auth_tags, NULL);
  fail_unless_equals_string (auth_tags, "HS80,HS32");
  g_free (auth_tags);
  secure = party_wait_message (&call->a, "zrtp-secure");
  fail_unless_equals_string (gst_structure_get_string (secure, "auth-tag"), "HS80");
  gst_structure_free (secure);
  call_free (call);
}
GST_END_TEST;

static Suite *
nogcm_suite (void)
{
  Suite *suite = suite_create ("nogcm");
  TCase *tc = tcase_create ("all");

  suite_add_tcase (suite, tc);
  tcase_add_loop_test (tc, test_error, 0, 2);
  tcase_add_test (tc, test_call);
  return suite;
}

GST_CHECK_MAIN (nogcm);
