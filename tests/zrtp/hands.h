/* Calls of several streams, driven by hand in virtual time, and strictly as the documentation has it: a
 * stream is driven when a packet for it comes, when its timeout has come, and after `wake-up`.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef HANDS_H
#define HANDS_H

#include <gst/zrtp/zrtp.h>

#include <string.h>

enum {
  MAX_LINES = 3
};

typedef struct End End;
typedef struct Line Line;

/* One stream of one end. */
struct Line {
  End *end;
  guint index;
  GstZrtpStream *stream;
  gint woken;           /* atomic */
  gboolean dead;        /* nothing that it sends arrives */
  gboolean leaves_keys; /* does not take them when it is told of them */
  guint n_wake_ups, n_drops, n_watches;
  GBytes *send_key, *receive_key; /* NULL after drop-keys */
  GstStructure *details;          /* of the last `secure` */
};

struct End {
  GstZrtpSession *session;
  Line line[MAX_LINES];
  guint n_lines;
  GString *log; /* what the session said, in order, with a space after each: "secure:0:dh " */
  /* Called from every signal, if set. */
  void (*meddle) (End *end, Line *line, const gchar *what);
  gpointer user;
  const guint64 *now; /* of the call */
};

typedef struct {
  End a, b;
  guint64 now;
} Call;

/* Two new sessions of `n` streams each; the ends of the strings: properties, "allow-clear=true". */
void call_init (Call *call, guint n, const gchar *a, const gchar *b);
void call_clear (Call *call);
void end_init (End *end, guint n, const gchar *properties);
void end_clear (End *end);
void end_set (End *end, const gchar *properties);
void end_set_caches (Call *call, GstZrtpMemoryCache *cache[2]);

void call_start (Call *call);
/* Delivers what there is to deliver; no time passes. */
void call_settle (Call *call);
void call_run (Call *call, guint64 until);
/* call_start(), and everybody becomes secure. */
void call_talk (Call *call);

/* What the log says since the last look, in any order. */
#define assert_log(end, text) assert_log_at (end, text, __FILE__, __LINE__)
void assert_log_at (End *end, const gchar *text, const gchar *file, int line);
void forget_logs (Call *call);

GstZrtpState line_state (Line *line);
/* Both secure, keys crosswise the same, not equal to `old` ones. */
void assert_line_secure (Call *call, guint index);
gchar *get_sas (End *end);
gboolean get_flag (Line *line, const gchar *field);
const gchar *get_field (Line *line, const gchar *field);

#endif
