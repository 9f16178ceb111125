/* A system without GStreamer's srtp plugin: the error says what to install.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include <gst/check/gstcheck.h>

GST_START_TEST (test_missing_plugin)
{
  const gchar *factories[][2] = {{"zrtpenc", "srtpenc"}, {"zrtpdec", "srtpdec"}};
  GstElement *element = gst_element_factory_make (factories[__i__][0], NULL);
  GstBus *bus = gst_bus_new ();
  GstMessage *message;
  GError *error;

  fail_unless (gst_element_factory_find ("srtpenc") == NULL, "this test must run without srtp");
  gst_element_set_bus (element, bus);
  fail_unless_equals_int (
      gst_element_set_state (element, GST_STATE_READY), GST_STATE_CHANGE_FAILURE);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  fail_unless (message != NULL);
  gst_message_parse_error (message, &error, NULL);
  fail_unless (g_error_matches (error, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN));
  fail_unless (strstr (error->message, factories[__i__][1]) != NULL);
  fail_unless (strstr (error->message, "gstreamer1.0-plugins-bad") != NULL);
  g_error_free (error);
  gst_message_unref (message);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_element_set_bus (element, NULL);
  gst_object_unref (element);
  gst_object_unref (bus);
}
GST_END_TEST;

static Suite *
nosrtp_suite (void)
{
  Suite *suite = suite_create ("nosrtp");
  TCase *tc = tcase_create ("all");

  suite_add_tcase (suite, tc);
  tcase_add_loop_test (tc, test_missing_plugin, 0, 2);
  return suite;
}

GST_CHECK_MAIN (nosrtp);
