/* A call between two parties in one process: two pipelines, each with a zrtpenc and a zrtpdec, and
 * between them a network that can be watched and disturbed.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef CALL_H
#define CALL_H

#include <gst/check/gstcheck.h>
#include <gst/check/gsttestclock.h>
#include <gst/zrtp/zrtp.h>

typedef struct Call Call;
typedef struct Party Party;

typedef enum {
  RTP,
  RTCP,
  N_CHANNELS,
} Channel;

/* What a packet on the network looks like from outside. */
typedef enum {
  PACKET_ZRTP,
  PACKET_RTP,
  PACKET_RTCP,
  PACKET_OTHER,
} PacketKind;

/* Sees every packet that a party sends; takes it, and gives it back, changed, or NULL: lost. */
typedef GstBuffer *(*Network) (Party *from, Channel channel, GstBuffer *buffer);

/* Loses everything. */
GstBuffer *network_lose (Party *from, Channel channel, GstBuffer *buffer);

struct Party {
  Call *call;
  Party *peer;
  const gchar *name;
  GstElement *pipeline, *enc, *dec;
  GstPad *in[N_CHANNELS];     /* source pads of the test in front of zrtpenc */
  GstPad *to_net[N_CHANNELS]; /* sink pads of the test behind it */
  GstPad *from_net[N_CHANNELS];
  GstPad *out[N_CHANNELS];

  /* under the call's lock */
  GQueue received[N_CHANNELS];  /* what came out of zrtpdec */
  guint sent[N_CHANNELS][4];    /* what left zrtpenc, by PacketKind */
  GPtrArray *caps[N_CHANNELS];  /* media types of the caps that left zrtpenc, in order */
  GPtrArray *first[N_CHANNELS]; /* event and buffer types that left zrtpenc, in order */
};

struct Call {
  Party a, b;
  GMutex lock;
  GCond changed;
  Network network;
  gboolean mux; /* RTCP travels on the RTP channel */
};

/* The strings are properties for both hands, as gst-launch has them: "policy=best-effort". */
Call *call_new (const gchar *a, const gchar *b);
/* With connection-ids of its own, for a further call, or for a further stream of one. */
Call *call_new_as (const gchar *name_a, const gchar *name_b, const gchar *a, const gchar *b);
void call_play (Call *call);
/* Without a word from those who would send media. */
void call_play_silent (Call *call);
void call_free (Call *call);
/* New, playing, and secure on both sides. */
Call *call_new_secure (const gchar *a, const gchar *b);

void party_set (GstElement *element, const gchar *properties);
void party_set_state (Party *party, GstState state);
/* The text of the next element message of this name, within ten seconds. */
GstStructure *party_wait_message (Party *party, const gchar *name);
/* Lets the time of a test clock pass from timer to timer until there is such a message; not before
 * everybody has come to rest, or the time would run away from those who still compute. */
GstStructure *party_pass_time_until (GstTestClock *test_clock, Party *party, const gchar *name);
gboolean party_has_message (Party *party, const gchar *name);
GstMessage *party_wait_error (Party *party, GstMessageType type);
void party_wait_state (Party *party, GstZrtpState state);
/* Fails the test when there are not so many within ten seconds. */
void party_wait_received (Party *party, Channel channel, guint n);
GstBuffer *party_pop (Party *party, Channel channel);
guint party_n_received (Party *party, Channel channel);
guint party_n_sent (Party *party, Channel channel, PacketKind kind);
void party_wait_sent (Party *party, Channel channel, PacketKind kind, guint n);
guint64 party_stat (Party *party, const gchar *name);
void party_wait_stat (Party *party, const gchar *name, guint64 at_least);

GstFlowReturn party_send (Party *party, Channel channel, GstBuffer *buffer);
/* As if it came from the network. */
GstFlowReturn party_inject (Party *party, Channel channel, GstBuffer *buffer);
/* stream-start, caps and segment, which call_play() has sent already. */
void send_events (GstPad *pad, const gchar *caps);

/* A payloader in front of zrtpenc, as in a real pipeline. */
typedef struct {
  GstElement *element;
  GstPad *in;
} Payloader;

void insert_payloader (Payloader *payloader, Party *party);
/* Through READY; with the events that come before audio. */
void restart_payloader (Payloader *payloader);
void remove_payloader (Payloader *payloader);

PacketKind packet_kind (GstBuffer *buffer);
GstBuffer *new_rtp (guint16 seq, guint32 ssrc, guint8 fill);
GstBuffer *new_rtcp (guint32 ssrc);
gboolean buffers_equal (GstBuffer *a, GstBuffer *b);
guint count_threads (void);

enum {
  A_SSRC = 0xa0a0a0a0,
  B_SSRC = 0xb0b0b0b0
};

#endif
