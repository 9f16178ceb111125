/* Sees what takes an engine from one state to another. docs/state-machine.md is made from what the tests of
 * whole negotiations saw: with ZRTP_TRANSITIONS=FILE in the environment each program adds its part to FILE,
 * a line for each `state, what came, result, next state`.
 *
 * Whoever includes this calls the functions below through macros. A change of state that none of them saw
 * is written down too, with `?` as its cause.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "gst/protocol/engine-private.h"

/* Before and after anything that may change the state of an engine, and of others of its call: those are
 * written down with `another stream: ` before the cause, unless `engine` is NULL. */
void watch_begin (ZrtpCall *call);
void watch_end (ZrtpCall *call, const ZrtpEngine *engine, const char *cause);
/* These two name the cause themselves: the message, the timer. */
ZrtpResult watch_packet (ZrtpEngine *engine, const uint8_t *data, size_t size, uint64_t now);
void watch_timeout (ZrtpEngine *engine, uint64_t now);
/* Before it is freed. */
void watch_forget (ZrtpEngine *engine);

#define WATCH(engine, cause, action)                                                               \
  __extension__({                                                                                  \
    ZrtpEngine *watched = (engine);                                                                \
    watch_begin (watched->call);                                                                   \
    (action);                                                                                      \
    watch_end (watched->call, watched, (cause));                                                   \
  })

#define WATCH_CALL(call, cause, action)                                                            \
  __extension__({                                                                                  \
    ZrtpCall *watched = (call);                                                                    \
    watch_begin (watched);                                                                         \
    const bool result_of_action = (action);                                                        \
    watch_end (watched, NULL, (cause));                                                            \
    result_of_action;                                                                              \
  })

#define zrtp_engine_handle_packet(engine, data, size, now) watch_packet (engine, data, size, now)
#define zrtp_engine_handle_timeout(engine, now) watch_timeout (engine, now)
#define zrtp_engine_start(engine, now) WATCH (engine, "start()", (zrtp_engine_start) (watched, now))
#define zrtp_engine_srtp_authenticated(engine, now)                                                \
  WATCH (engine, "valid SRTP", (zrtp_engine_srtp_authenticated) (watched, now))
#define zrtp_engine_media_received(engine, now)                                                    \
  WATCH (engine, "media", (zrtp_engine_media_received) (watched, now))
#define zrtp_engine_set_record(engine, zid, record, now)                                           \
  WATCH (engine, "record", (zrtp_engine_set_record) (watched, zid, record, now))
#define zrtp_engine_forgo_cache(engine, zid, now)                                                  \
  WATCH (engine, "record", (zrtp_engine_forgo_cache) (watched, zid, now))
#define zrtp_engine_set_peer_hello_hash(engine, hash, now)                                         \
  WATCH (engine, "Hello hash", (zrtp_engine_set_peer_hello_hash) (watched, hash, now))
#define zrtp_engine_poll_event(engine, event)                                                      \
  __extension__({                                                                                  \
    ZrtpEngine *watched = (engine);                                                                \
    watch_begin (watched->call);                                                                   \
    const bool result_of_action = (zrtp_engine_poll_event) (watched, event);                       \
    watch_end (watched->call, watched, "its successor");                                           \
    result_of_action;                                                                              \
  })
#define zrtp_engine_free(engine)                                                                   \
  __extension__({                                                                                  \
    ZrtpEngine *watched = (engine);                                                                \
    ZrtpCall *others = watched ? watched->call : NULL;                                             \
    watch_forget (watched);                                                                        \
    (zrtp_engine_free) (watched);                                                                  \
    if (others)                                                                                    \
      watch_end (others, NULL, "another stream: its end");                                         \
  })
#define zrtp_call_go_clear(call, now)                                                              \
  WATCH_CALL (call, "go_clear()", (zrtp_call_go_clear) (watched, now))
#define zrtp_call_accept_clear(call, accept, now)                                                  \
  WATCH_CALL (call, (accept) ? "accept_clear(true)" : "accept_clear(false)",                       \
      ((zrtp_call_accept_clear) (watched, accept, now), true))
#define zrtp_call_go_secure(call, now)                                                             \
  WATCH_CALL (call, "go_secure()", (zrtp_call_go_secure) (watched, now))
