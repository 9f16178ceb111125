/* Rule 5: no key leaves its room. The keys in use are learnt by looking over libsrtp's shoulder, and
 * then looked for everywhere: caps, DOT dumps, notifications, messages, logs of every category.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <srtp2/srtp.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/elements/call.h"

/* --- Over libsrtp's shoulder ------------------------------------------------------------------------ */

enum {
  MAX_KEYS = 16,
  KEPT = 24,  /* octets of each key */
  NEEDLE = 8, /* what is looked for: the first ones, for a dump may be cut short; */
  MAX_AREA = 256 << 20,
  MIDDLE = 12, /* in memory those from here on, because free() writes over the first */
};

static GMutex keys_lock;
static guint8 inverted_keys[MAX_KEYS][KEPT]; /* so that they are not found here */
static guint n_keys;

/* But for the key of all zeros, with which the elements try out what srtpenc can do. */
static void
learn_key (const guint8 *key)
{
  static const guint8 zeros[KEPT];

  if (!key || memcmp (key, zeros, KEPT) == 0)
    return;
  g_mutex_lock (&keys_lock);
  fail_unless (n_keys < MAX_KEYS);
  for (guint i = 0; i < KEPT; i++)
    inverted_keys[n_keys][i] = key[i] ^ 0xff;
  n_keys++;
  g_mutex_unlock (&keys_lock);
}

typedef srtp_err_status_t (*Create) (srtp_t *session, const srtp_policy_t *policy);

/* The plugin srtp finds this one before libsrtp's. */
__attribute__ ((visibility ("default"))) srtp_err_status_t
srtp_create (srtp_t *session, const srtp_policy_t *policy)
{
  static Create create;

  if (!create)
    create = (Create) dlsym (dlopen ("libsrtp2.so.1", RTLD_NOW), "srtp_create");
  if (policy)
    learn_key (policy->key);
  return create (session, policy);
}

/* --- Looking for them ---------------------------------------------------------------------------- */

/* Everything that was said before a key was known is kept and looked at in the end. */
static GPtrArray *texts;
static GMutex texts_lock;

static void
keep_text (gchar *text)
{
  g_mutex_lock (&texts_lock);
  if (texts)
    g_ptr_array_add (texts, g_steal_pointer (&text));
  g_mutex_unlock (&texts_lock);
  g_free (text);
}

static gboolean
contains (const gchar *text, const guint8 *inverted)
{
  gchar hex[2 * NEEDLE + 1], raw[NEEDLE];

  for (guint i = 0; i < NEEDLE; i++) {
    raw[i] = inverted[i] ^ 0xff;
    g_snprintf (hex + 2 * i, 3, "%02x", inverted[i] ^ 0xff);
  }
  return strcasestr (text, hex) || memmem (text, strlen (text), raw, NEEDLE);
}

static gboolean
contains_key (const gchar *text)
{
  gboolean found = FALSE;

  for (guint i = 0; i < n_keys; i++)
    found |= contains (text, inverted_keys[i]);
  return found;
}

static void
check_texts (void)
{
  guint i;

  fail_unless_equals_int (n_keys, 4); /* two directions, at both ends */
  g_mutex_lock (&texts_lock);
  for (i = 0; i < texts->len; i++)
    fail_if (contains_key (texts->pdata[i]), "here is a key: %.300s", (gchar *) texts->pdata[i]);
  g_mutex_unlock (&texts_lock);
}

static void
keep_caps (GstPad *pad)
{
  GstCaps *caps = gst_pad_get_current_caps (pad);

  if (!caps)
    return;
  keep_text (gst_caps_to_string (caps));
  gst_caps_unref (caps);
}

static void
keep_all_caps (GstBin *bin)
{
  GstIterator *iterator = gst_bin_iterate_recurse (bin);
  GValue value = G_VALUE_INIT;

  while (gst_iterator_next (iterator, &value) == GST_ITERATOR_OK) {
    GstElement *element = g_value_get_object (&value);
    GList *list;

    for (list = element->pads; list; list = list->next)
      keep_caps (list->data);
    g_value_reset (&value);
  }
  g_value_unset (&value);
  gst_iterator_free (iterator);
}

static void
keep_dot (GstBin *bin)
{
  keep_text (gst_debug_bin_to_dot_data (bin,
      GST_DEBUG_GRAPH_SHOW_ALL | GST_DEBUG_GRAPH_SHOW_FULL_PARAMS | GST_DEBUG_GRAPH_SHOW_VERBOSE));
}

static void
keep_messages (GstElement *pipeline)
{
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message;

  while ((message = gst_bus_pop (bus))) {
    const GstStructure *structure = gst_message_get_structure (message);
    if (structure)
      keep_text (gst_structure_to_string (structure));
    gst_message_unref (message);
  }
  gst_object_unref (bus);
}

/* What `gst-launch -v` prints. */
static void
on_deep_notify (GstObject *pipeline, GstObject *object, GParamSpec *pspec, gpointer unused)
{
  GValue value = G_VALUE_INIT;
  gchar *text;

  if (!(pspec->flags & G_PARAM_READABLE))
    return;
  g_value_init (&value, pspec->value_type);
  g_object_get_property (G_OBJECT (object), pspec->name, &value);
  text = gst_value_serialize (&value);
  if (text)
    keep_text (text);
  g_value_unset (&value);
}

static void
on_log (GstDebugCategory *category, GstDebugLevel level, const gchar *file, const gchar *function,
    gint line, GObject *object, GstDebugMessage *message, gpointer unused)
{
  keep_text (g_strdup (gst_debug_message_get (message)));
}

static void
watch (Party *party)
{
  g_signal_connect (party->pipeline, "deep-notify", G_CALLBACK (on_deep_notify), NULL);
}

static void
look_everywhere (Party *party)
{
  keep_all_caps (GST_BIN (party->pipeline));
  keep_dot (GST_BIN (party->pipeline));
  keep_messages (party->pipeline);
}

/* The key property of srtpenc itself, which GstChildProxy reaches, is of no use to anybody. */
static void
check_key_property (Party *party)
{
  GstElement *srtpenc = gst_bin_get_by_name (GST_BIN (party->enc), "srtpenc");
  GstBuffer *key;
  GstMapInfo info;

  g_object_get (srtpenc, "key", &key, NULL);
  fail_unless (key != NULL);
  fail_if (gst_buffer_map (key, &info, GST_MAP_READ), "srtpenc's key can be read");
  gst_buffer_unref (key);
  gst_object_unref (srtpenc);
}

static void
setup (void)
{
  texts = g_ptr_array_new_with_free_func (g_free);
  gst_debug_remove_log_function (gst_debug_log_default);
  gst_debug_set_default_threshold (GST_LEVEL_LOG);
  gst_debug_add_log_function (on_log, NULL, NULL);
}

static void
teardown (void)
{
  gst_debug_remove_log_function (on_log);
  gst_debug_set_default_threshold (GST_LEVEL_NONE);
  g_mutex_lock (&texts_lock); /* somebody may still be in on_log() */
  g_clear_pointer (&texts, g_ptr_array_unref);
  g_mutex_unlock (&texts_lock);
}

/* Without taking messages off the bus. */
static void
wait_sas (Party *party)
{
  gchar *sas = NULL;

  for (guint i = 0; i < 10000 && !sas; i++) {
    g_usleep (1000);
    g_object_get (party->enc, "sas", &sas, NULL);
  }
  fail_unless (sas != NULL);
  g_free (sas);
}

static const gchar *settings[] = {"ciphers=AES1", "ciphers=AES3", "policy=best-effort"};

GST_START_TEST (test_no_key_anywhere)
{
  Call *call = call_new (settings[__i__], settings[__i__]);
  guint i;

  watch (&call->a);
  watch (&call->b);
  call_play (call);
  wait_sas (&call->a);
  wait_sas (&call->b);
  look_everywhere (&call->a);
  for (i = 0; i < 3; i++) {
    fail_unless_equals_int (party_send (&call->a, RTP, new_rtp (i, A_SSRC, i)), GST_FLOW_OK);
    fail_unless_equals_int (party_send (&call->b, RTP, new_rtp (i, B_SSRC, i)), GST_FLOW_OK);
    fail_unless_equals_int (party_send (&call->a, RTCP, new_rtcp (A_SSRC)), GST_FLOW_OK);
    gst_buffer_unref (party_pop (&call->b, RTP));
    gst_buffer_unref (party_pop (&call->a, RTP));
  }
  look_everywhere (&call->a);
  look_everywhere (&call->b);
  check_key_property (&call->a);
  call_free (call);
  fail_unless (texts->len > 500, "the test looked at %u texts only", texts->len);
  check_texts ();
}
GST_END_TEST;

/* --- Memory ------------------------------------------------------------------------------------------ */

/* In how many places of the process's memory a key stands. Our own copy does not: it is inverted. */
static guint
count_in_memory (const guint8 *inverted)
{
  gchar *maps;
  gchar **lines;
  guint8 needle[NEEDLE];
  guint n = 0, i;
  int fd = open ("/proc/self/mem", O_RDONLY);

  fail_unless (g_file_get_contents ("/proc/self/maps", &maps, NULL, NULL));
  lines = g_strsplit (maps, "\n", -1);
  for (i = 0; lines[i]; i++) {
    gulong start, end, at;
    gchar mode[8];
    guint8 *copy, *hit;

    if (sscanf (lines[i], "%lx-%lx %7s", &start, &end, mode) != 3 || mode[1] != 'w' ||
        strstr (lines[i], "[v"))
      continue;
    if (end - start > MAX_AREA)
      continue; /* the shadow of a sanitizer */
    copy = mmap (NULL, end - start, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pread (fd, copy, end - start, start) == (gssize) (end - start)) {
      for (guint j = 0; j < NEEDLE; j++)
        needle[j] = inverted[j] ^ 0xff;
      for (at = 0; (hit = memmem (copy + at, end - start - at, needle, NEEDLE));
           at = hit + 1 - copy)
        n += start + (gulong) (hit - copy) != (gulong) needle;
      explicit_bzero (needle, sizeof needle);
    }
    explicit_bzero (copy, end - start);
    munmap (copy, end - start);
  }
  close (fd);
  g_strfreev (lines);
  g_free (maps);
  return n;
}

/* In a call, a key to receive with is where srtpdec can ask for it again. After the call, none is left
 * anywhere. */
GST_START_TEST (test_keys_are_wiped)
{
  Call *call;
  guint i, tries, places = 0;

  gst_debug_set_default_threshold (GST_LEVEL_NONE);
  call = call_new_secure ("", "");
  for (i = 0; i < 3; i++) {
    fail_unless_equals_int (party_send (&call->a, RTP, new_rtp (i, A_SSRC, i)), GST_FLOW_OK);
    fail_unless_equals_int (party_send (&call->b, RTP, new_rtp (i, B_SSRC, i)), GST_FLOW_OK);
  }
  fail_unless_equals_int (n_keys, 4);
  /* one key for each direction, each seen twice: at the sender's and at the receiver's. The actors may
   * not have come to rest yet. */
  for (tries = 0; tries < 20 && (tries == 0 || places > 4); tries++) {
    g_usleep (20 * 1000);
    for (i = 0, places = 0; i < n_keys; i++)
      places += count_in_memory (inverted_keys[i] + MIDDLE);
  }
  fail_unless (places > 0 && places <= 4, "keys in %u places", places);

  call_free (call);
  g_usleep (50 * 1000);
  for (i = 0; i < n_keys; i++)
    fail_unless_equals_int (count_in_memory (inverted_keys[i] + MIDDLE), 0);
}
GST_END_TEST;

static guint
count_all_in_memory (guint n)
{
  guint places = 0;

  for (guint i = 0; i < n; i++)
    places += count_in_memory (inverted_keys[i] + MIDDLE);
  return places;
}

/* RFC 6189 §4.7.2.1: "All SRTP session key material MUST be erased", at both ends, before the user of the
 * peer has said a word; and what comes after is made of other keys. */
GST_START_TEST (test_keys_are_wiped_in_clear_mode)
{
  Call *call;
  GstZrtpSession *session;
  guint tries;

  gst_debug_set_default_threshold (GST_LEVEL_NONE);
  call = call_new_secure ("allow-clear=true", "allow-clear=true");
  fail_unless_equals_int (party_send (&call->a, RTP, new_rtp (1, A_SSRC, 1)), GST_FLOW_OK);
  fail_unless_equals_int (party_send (&call->b, RTP, new_rtp (1, B_SSRC, 1)), GST_FLOW_OK);
  fail_unless_equals_int (n_keys, 4);
  fail_unless (count_all_in_memory (4) > 0);

  g_object_get (call->a.enc, "session", &session, NULL);
  fail_unless (gst_zrtp_session_go_clear (session, NULL));
  gst_structure_free (party_wait_message (&call->a, "zrtp-clear"));
  gst_structure_free (party_wait_message (&call->b, "zrtp-clear"));
  /* an srtp element that holds a packet goes a moment later */
  for (tries = 0; tries < 100 && count_all_in_memory (4); tries++)
    g_usleep (20 * 1000);
  fail_unless_equals_int (count_all_in_memory (4), 0);

  fail_unless (gst_zrtp_session_go_secure (session, NULL));
  gst_structure_free (party_wait_message (&call->a, "zrtp-secure"));
  gst_structure_free (party_wait_message (&call->b, "zrtp-secure"));
  fail_unless_equals_int (party_send (&call->a, RTP, new_rtp (2, A_SSRC, 1)), GST_FLOW_OK);
  fail_unless_equals_int (party_send (&call->b, RTP, new_rtp (2, B_SSRC, 1)), GST_FLOW_OK);
  fail_unless_equals_int (n_keys, 8);
  fail_unless_equals_int (count_all_in_memory (4), 0);
  gst_object_unref (session);
  call_free (call);
  g_usleep (50 * 1000);
  fail_unless_equals_int (count_all_in_memory (8), 0);
}
GST_END_TEST;

/* The test of the test: the same eyes find the key of a bare srtpenc. */
GST_START_TEST (test_a_key_would_be_found)
{
  GstElement *srtpenc = gst_element_factory_make ("srtpenc", NULL);
  GstPad *pad = gst_element_request_pad_simple (srtpenc, "rtp_sink_0");
  GstPad *src = gst_element_get_static_pad (srtpenc, "rtp_src_0");
  guint8 octets[30] = {[0 ... 29] = 0xd1};
  GstBuffer *key = gst_buffer_new_memdup (octets, sizeof octets);
  GstSegment segment;

  g_object_set (srtpenc, "key", key, NULL);
  gst_element_set_state (srtpenc, GST_STATE_PAUSED);
  gst_pad_send_event (pad, gst_event_new_stream_start ("test"));
  gst_pad_send_event (pad, gst_event_new_caps (gst_caps_from_string ("application/x-rtp")));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_send_event (pad, gst_event_new_segment (&segment));
  gst_pad_chain (pad, new_rtp (1, A_SSRC, 1));
  fail_unless_equals_int (n_keys, 1);
  g_mutex_lock (&texts_lock);
  g_ptr_array_set_size (texts, 0);
  g_mutex_unlock (&texts_lock);
  gst_debug_set_default_threshold (GST_LEVEL_NONE);
  keep_caps (src);
  fail_unless_equals_int (texts->len, 1);
  fail_unless (contains_key (texts->pdata[0]));
  gst_element_set_state (srtpenc, GST_STATE_NULL);
  gst_object_unref (pad);
  gst_object_unref (src);
  gst_object_unref (srtpenc);
}
GST_END_TEST;

static Suite *
leaks_suite (void)
{
  Suite *suite = suite_create ("leaks");
  TCase *tc = tcase_create ("all");

  suite_add_tcase (suite, tc);
  tcase_add_checked_fixture (tc, setup, teardown);
  tcase_add_loop_test (tc, test_no_key_anywhere, 0, G_N_ELEMENTS (settings));
  tcase_add_test (tc, test_keys_are_wiped);
  tcase_add_test (tc, test_keys_are_wiped_in_clear_mode);
  tcase_add_test (tc, test_a_key_would_be_found);
  return suite;
}

GST_CHECK_MAIN (leaks);
