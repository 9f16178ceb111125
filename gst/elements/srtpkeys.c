/* SRTP keys on their way from a ZRTP stream into srtpenc and srtpdec, and nowhere else.
 *
 * srtpenc shows its key to whoever looks: it puts it into the caps of its source pads (from there it
 * gets into `gst-launch -v`, DOT dumps and debug logs), and it keeps it, so that a flush or a visit to
 * READY starts the same key stream again. Both end here with one idea: the key lives in a memory that
 * can be mapped once. The one who maps it is srtpenc, when it makes its SRTP session; afterwards the
 * octets are gone, and every other reader of the buffer, srtpenc itself included, gets nothing.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include <string.h>

#include "gst/elements/srtpkeys.h"

enum {
  SALT_SIZE = 14,
  GCM_SALT_SIZE = 12,
  MAX_KEY_SIZE = 32 + SALT_SIZE,
};

/* The tag of GCM belongs to the cipher: for srtpenc that is one without authentication. */
static const struct {
  const gchar *zrtp_cipher, *zrtp_auth_tag;
  const gchar *cipher, *auth;
  gsize key_size;
} profiles[] = {
    {"AES1", "HS80", "aes-128-icm", "hmac-sha1-80", 16 + SALT_SIZE}, /* RFC 3711 */
    {"AES1", "HS32", "aes-128-icm", "hmac-sha1-32", 16 + SALT_SIZE},
    {"AES3", "HS80", "aes-256-icm", "hmac-sha1-80", 32 + SALT_SIZE}, /* RFC 6188 */
    {"AES3", "HS32", "aes-256-icm", "hmac-sha1-32", 32 + SALT_SIZE},
    {"AES1", "GCM", "aes-128-gcm", "null", 16 + GCM_SALT_SIZE}, /* RFC 7714 */
    {"AES3", "GCM", "aes-256-gcm", "null", 32 + GCM_SALT_SIZE},
};

gboolean
gst_zrtp_srtp_keys_init (
    GstZrtpSrtpKeys *keys, const gchar *cipher, const gchar *auth_tag, GBytes *key)
{
  guint i;

  *keys = (GstZrtpSrtpKeys){.key = key};
  for (i = 0; i < G_N_ELEMENTS (profiles); i++)
    if (g_strcmp0 (profiles[i].zrtp_cipher, cipher) == 0 &&
        g_strcmp0 (profiles[i].zrtp_auth_tag, auth_tag) == 0 &&
        profiles[i].key_size == g_bytes_get_size (key)) {
      keys->cipher = profiles[i].cipher;
      keys->auth = profiles[i].auth;
    }
  return keys->cipher != NULL;
}

/* --- A memory that can be mapped once ---------------------------------------------------------- */

typedef struct {
  GstMemory memory;
  gint was_mapped;
  guint8 key[MAX_KEY_SIZE];
} OnceMemory;

typedef struct {
  GstAllocator allocator;
} GstZrtpOnceAllocator;

typedef struct {
  GstAllocatorClass parent_class;
} GstZrtpOnceAllocatorClass;

static GType gst_zrtp_once_allocator_get_type (void);
G_DEFINE_TYPE (GstZrtpOnceAllocator, gst_zrtp_once_allocator, GST_TYPE_ALLOCATOR)

static gpointer
once_map (GstMemory *memory, gsize size, GstMapFlags flags)
{
  OnceMemory *self = (OnceMemory *) memory;

  return g_atomic_int_compare_and_exchange (&self->was_mapped, FALSE, TRUE) ? self->key : NULL;
}

static void
once_unmap (GstMemory *memory)
{
  OnceMemory *self = (OnceMemory *) memory;

  explicit_bzero (self->key, sizeof self->key);
}

static void
once_free (GstAllocator *allocator, GstMemory *memory)
{
  once_unmap (memory);
  g_free (memory);
}

static void
gst_zrtp_once_allocator_class_init (GstZrtpOnceAllocatorClass *klass)
{
  GST_ALLOCATOR_CLASS (klass)->free = once_free;
}

static void
gst_zrtp_once_allocator_init (GstZrtpOnceAllocator *self)
{
  GstAllocator *allocator = GST_ALLOCATOR (self);

  allocator->mem_type = "ZrtpKey";
  allocator->mem_map = once_map;
  allocator->mem_unmap = once_unmap;
  GST_OBJECT_FLAG_SET (self, GST_ALLOCATOR_FLAG_CUSTOM_ALLOC);
}

static GstBuffer *
key_buffer_new_once (GBytes *key)
{
  GstAllocator *allocator = g_object_new (gst_zrtp_once_allocator_get_type (), NULL);
  gsize size = g_bytes_get_size (key);
  OnceMemory *self = g_new0 (OnceMemory, 1);
  GstBuffer *buffer = gst_buffer_new ();

  gst_object_ref_sink (allocator);
  gst_memory_init (&self->memory, GST_MEMORY_FLAG_READONLY | GST_MEMORY_FLAG_NO_SHARE, allocator,
      NULL, size, 0, 0, size);
  memcpy (self->key, g_bytes_get_data (key, NULL), size);
  gst_buffer_append_memory (buffer, &self->memory);
  gst_object_unref (allocator);
  return buffer;
}

/* --- srtpenc ----------------------------------------------------------------------------------- */

static void
send_first_events (GstPad *pad)
{
  GstCaps *caps = gst_caps_new_empty_simple ("application/x-rtcp");
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_send_event (pad, gst_event_new_stream_start ("zrtp"));
  gst_pad_send_event (pad, gst_event_new_caps (caps));
  gst_pad_send_event (pad, gst_event_new_segment (&segment));
  gst_caps_unref (caps);
}

/* Has srtpenc read its key by protecting an empty receiver report, which nobody gets: the source pad
 * is not linked, and both pads go away afterwards. RTCP, because an SRTCP index that was used and
 * never seen does no harm, should a real sender ever draw the same SSRC. */
static gboolean
prime (GstElement *srtpenc, GstPad *pad)
{
  guint8 report[8] = {0x80, 201, 0, 1};

  memcpy (report + 4, &(guint32){g_random_int ()}, 4);
  return gst_pad_chain (pad, gst_buffer_new_memdup (report, sizeof report)) == GST_FLOW_NOT_LINKED;
}

/* The order matters. Everything is set before anybody can see the element, so no notify can print the
 * key and no packet can meet half a configuration. CAPS comes before the key, or else it would be the
 * caps that read it. srtpenc refuses READY without a key. */
GstElement *
gst_zrtp_srtpenc_new (const GstZrtpSrtpKeys *keys)
{
  GstElement *srtpenc = gst_element_factory_make ("srtpenc", "srtpenc");
  GstBuffer *key;
  GstPad *pad;
  gboolean ok;

  if (!srtpenc)
    return NULL;
  gst_object_ref_sink (srtpenc);
  gst_util_set_object_arg (G_OBJECT (srtpenc), "rtp-cipher", keys->cipher);
  gst_util_set_object_arg (G_OBJECT (srtpenc), "rtp-auth", keys->auth);
  /* RFC 3711 §5.2 wants 80 bits for SRTCP; every ZRTP peer uses what was negotiated */
  gst_util_set_object_arg (G_OBJECT (srtpenc), "rtcp-cipher", keys->cipher);
  gst_util_set_object_arg (G_OBJECT (srtpenc), "rtcp-auth", keys->auth);

  pad = gst_element_request_pad_simple (srtpenc, "rtcp_sink_%u");
  send_first_events (pad);
  key = key_buffer_new_once (keys->key);
  g_object_set (srtpenc, "key", key, NULL);
  gst_buffer_unref (key);
  ok = gst_element_set_state (srtpenc, GST_STATE_PAUSED) != GST_STATE_CHANGE_FAILURE &&
       prime (srtpenc, pad);
  gst_element_release_request_pad (srtpenc, pad);
  gst_object_unref (pad);

  if (ok)
    return srtpenc;
  gst_element_set_state (srtpenc, GST_STATE_NULL);
  gst_object_unref (srtpenc);
  return NULL;
}

/* The key may be known to all the world: nothing but an empty report is ever protected with it. */
static gboolean
can_make_srtpenc (const gchar *cipher, gsize key_size)
{
  static const guint8 octets[MAX_KEY_SIZE];
  GBytes *key = g_bytes_new_static (octets, key_size + GCM_SALT_SIZE);
  GstZrtpSrtpKeys keys;
  GstElement *srtpenc = NULL;

  if (gst_zrtp_srtp_keys_init (&keys, cipher, "GCM", key))
    srtpenc = gst_zrtp_srtpenc_new (&keys);
  g_bytes_unref (key);
  if (!srtpenc)
    return FALSE;
  gst_element_set_state (srtpenc, GST_STATE_NULL);
  gst_object_unref (srtpenc);
  return TRUE;
}

/* libsrtp can be built without GCM, and nothing but the attempt tells. */
gboolean
gst_zrtp_srtp_has_gcm (void)
{
  static gsize answer; /* 1: no, 2: yes */

  if (g_once_init_enter (&answer))
    g_once_init_leave (
        &answer, 1 + (can_make_srtpenc ("AES1", 16) && can_make_srtpenc ("AES3", 32)));
  return answer == 2;
}

/* --- srtpdec ----------------------------------------------------------------------------------- */

typedef struct {
  gsize size;
  guint8 octets[MAX_KEY_SIZE];
} WipedKey;

static void
wiped_key_free (gpointer data)
{
  explicit_bzero (data, sizeof (WipedKey));
  g_free (data);
}

static GstBuffer *
key_buffer_new_wiped (GBytes *key)
{
  WipedKey *copy = g_new0 (WipedKey, 1);

  copy->size = g_bytes_get_size (key);
  memcpy (copy->octets, g_bytes_get_data (key, NULL), copy->size);
  return gst_buffer_new_wrapped_full (
      GST_MEMORY_FLAG_READONLY, copy->octets, copy->size, 0, copy->size, copy, wiped_key_free);
}

/* Without `ssrc` and `roc`: srtpdec asks for each SSRC, and all have the same key. With an `mki` that
 * is NULL, which says the same as none; but for a field that is missing GStreamer writes all the others
 * into its debug log, the key among them. */
GstCaps *
gst_zrtp_srtpdec_caps_new (const GstZrtpSrtpKeys *keys)
{
  GstBuffer *key = key_buffer_new_wiped (keys->key);
  GstCaps *caps = gst_caps_new_simple ("application/x-srtp", "srtp-key", GST_TYPE_BUFFER, key,
      "srtp-cipher", G_TYPE_STRING, keys->cipher, "srtp-auth", G_TYPE_STRING, keys->auth,
      "srtcp-cipher", G_TYPE_STRING, keys->cipher, "srtcp-auth", G_TYPE_STRING, keys->auth, "mki",
      GST_TYPE_BUFFER, NULL, NULL);

  gst_buffer_unref (key);
  return caps;
}
