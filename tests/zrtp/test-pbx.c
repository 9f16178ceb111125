/* Who is told which SAS by a PBX with two legs (RFC 6189 §7.3).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include <gst/zrtp/zrtp.h>

#include <string.h>

typedef struct {
  GstZrtpCache *cache;
  GstZrtpSession *session;
  GstZrtpStream *stream;
  guint n_sas, n_rendering; /* what was relayed to it */
  gchar *sas;
} End;

/* The PBX's end of a leg, and the phone's. */
typedef struct {
  End pbx, phone;
} Leg;

static void
on_relayed (GstZrtpSession *session, GstZrtpStream *stream, gchar *sas, gchar *sas_type,
    gboolean relayed, gboolean verified, gboolean disclosure, End *end)
{
  if (relayed)
    end->n_sas++;
  else
    end->n_rendering++;
  g_free (end->sas);
  end->sas = g_strdup (sas);
}

static void
open_end (End *end, GstZrtpCache *cache, gboolean mitm, const gchar *sas_types)
{
  memset (end, 0, sizeof *end);
  end->cache = cache;
  end->session = gst_zrtp_session_new ();
  g_object_set (end->session, "cache", cache, "mitm", mitm, "sas-types", sas_types, NULL);
  end->stream = gst_zrtp_session_get_stream (end->session, "audio");
  g_signal_connect (end->session, "sas-relayed", G_CALLBACK (on_relayed), end);
}

static void
close_end (End *end)
{
  gst_zrtp_stream_stop (end->stream);
  gst_object_unref (end->stream);
  gst_object_unref (end->session);
  g_free (end->sas);
}

static gboolean
relay (GstZrtpStream *from, GstZrtpStream *to)
{
  GBytes *packet;
  gboolean any = FALSE;

  while ((packet = gst_zrtp_stream_poll_packet (from))) {
    gsize size;
    const guint8 *data = g_bytes_get_data (packet, &size);

    gst_zrtp_stream_handle_packet (to, data, size, 1);
    g_bytes_unref (packet);
    any = TRUE;
  }
  return any;
}

static void
settle (Leg *leg)
{
  while (relay (leg->pbx.stream, leg->phone.stream) | relay (leg->phone.stream, leg->pbx.stream))
    continue;
}

static void
know (GstZrtpCache *cache, GstZrtpCache *peer, GBytes *secret)
{
  GBytes *zid = gst_zrtp_cache_get_zid (cache, NULL, NULL, NULL);
  GBytes *peer_zid = gst_zrtp_cache_get_zid (peer, NULL, NULL, NULL);
  GstZrtpRecord *record = gst_zrtp_record_new ();

  g_object_set (record, "zid", zid, "peer-zid", peer_zid, "pbx-secret", secret, NULL);
  g_assert_true (gst_zrtp_cache_put (cache, record, NULL));
  g_object_unref (record);
  g_bytes_unref (zid);
  g_bytes_unref (peer_zid);
}

static void
open_leg (Leg *leg, GstZrtpCache *of_pbx, gboolean enrolled, gboolean phone_is_pbx,
    const gchar *sas_types)
{
  GstZrtpCache *of_phone = GST_ZRTP_CACHE (gst_zrtp_memory_cache_new ());

  if (enrolled) {
    GBytes *secret = g_bytes_new_take (g_malloc0 (32), 32);

    know (of_pbx, of_phone, secret);
    know (of_phone, of_pbx, secret);
    g_bytes_unref (secret);
  }
  open_end (&leg->pbx, of_pbx, TRUE, sas_types);
  open_end (&leg->phone, of_phone, phone_is_pbx, sas_types);
  gst_zrtp_stream_start (leg->pbx.stream, 1);
  gst_zrtp_stream_start (leg->phone.stream, 1);
  settle (leg);
  g_assert_cmpint (gst_zrtp_stream_get_state (leg->phone.stream), ==, GST_ZRTP_STATE_SECURE);
}

static void
close_leg (Leg *leg)
{
  GstZrtpCache *of_phone = leg->phone.cache;

  close_end (&leg->pbx);
  close_end (&leg->phone);
  g_object_unref (of_phone);
}

static void
assert_told (const Leg *leg, const Leg *other)
{
  gchar *sas;

  g_object_get (other->phone.session, "sas", &sas, NULL);
  g_assert_cmpuint (leg->phone.n_sas, ==, 1);
  g_assert_cmpuint (other->phone.n_sas, ==, 0);
  g_assert_cmpuint (other->phone.n_rendering, ==, 1);
  g_assert_cmpstr (leg->phone.sas, ==, sas); /* both users see the same */
  g_free (sas);
}

/* Which of two legs is told: the enrolled one, and of two the one that is no PBX itself. Both types of SAS,
 * for the party that is not told follows in the rendering. */
static void
test_relay (void)
{
  static const struct {
    gboolean enrolled[2], is_pbx[2];
    gint told; /* -1: nobody, 2: one of them */
  } cases[] = {
      {{FALSE, FALSE}, {FALSE, FALSE}, -1},
      {{TRUE, FALSE}, {FALSE, FALSE}, 0},
      {{FALSE, TRUE}, {FALSE, FALSE}, 1},
      {{TRUE, TRUE}, {FALSE, FALSE}, 2},
      {{TRUE, TRUE}, {TRUE, FALSE}, 1},
      {{TRUE, TRUE}, {FALSE, TRUE}, 0},
      {{TRUE, FALSE}, {TRUE, FALSE}, 0},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    for (guint turned = 0; turned < 2; turned++) {
      GstZrtpCache *of_pbx = GST_ZRTP_CACHE (gst_zrtp_memory_cache_new ());
      Leg leg[2];
      GError *error = NULL;
      gboolean ok;

      for (guint l = 0; l < 2; l++)
        open_leg (&leg[l], of_pbx, cases[i].enrolled[l], cases[i].is_pbx[l], l ? "B32" : "B256");
      ok = gst_zrtp_session_relay_sas (leg[turned].pbx.session, leg[!turned].pbx.session, &error);
      for (guint l = 0; l < 2; l++)
        settle (&leg[l]);
      g_assert_cmpint (ok, ==, cases[i].told >= 0);
      g_assert_cmpint (error == NULL, ==, ok);
      g_clear_error (&error);
      if (!ok)
        for (guint l = 0; l < 2; l++)
          g_assert_cmpuint (leg[l].phone.n_sas + leg[l].phone.n_rendering, ==, 0);
      else if (cases[i].told == 2)
        assert_told (&leg[leg[0].phone.n_sas ? 0 : 1], &leg[leg[0].phone.n_sas ? 1 : 0]);
      else
        assert_told (&leg[cases[i].told], &leg[!cases[i].told]);
      for (guint l = 0; l < 2; l++)
        close_leg (&leg[l]);
      g_object_unref (of_pbx);
    }
}

/* "The PBX MUST uses a single ZID for all endpoints behind it", §10 */
static void
note_zid (GstZrtpSession *session, GstZrtpStream *stream, GstStructure *details, gchar **zid)
{
  *zid = g_strdup (gst_structure_get_string (details, "peer-zid"));
}

static void
test_one_zid (void)
{
  GstZrtpCache *of_pbx = GST_ZRTP_CACHE (gst_zrtp_memory_cache_new ());
  gchar *zid[2] = {NULL, NULL};

  for (guint l = 0; l < 2; l++) {
    End pbx, phone;
    Leg leg;

    open_end (&pbx, of_pbx, TRUE, "B32");
    open_end (&phone, NULL, FALSE, "B32");
    leg = (Leg){pbx, phone};
    g_signal_connect (phone.session, "secure", G_CALLBACK (note_zid), &zid[l]);
    gst_zrtp_stream_start (pbx.stream, 1);
    gst_zrtp_stream_start (phone.stream, 1);
    settle (&leg);
    g_assert_nonnull (zid[l]);
    close_end (&pbx);
    close_end (&phone);
  }
  g_assert_cmpstr (zid[0], ==, zid[1]);
  for (guint l = 0; l < 2; l++)
    g_free (zid[l]);
  g_object_unref (of_pbx);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pbx/relay", test_relay);
  g_test_add_func ("/pbx/one-zid", test_one_zid);
  return g_test_run ();
}
