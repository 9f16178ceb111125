/* Prints the engine's table, and the names of the numbers in a file of transitions (tests/protocol/watch.h):
 *
 *   state    NUMBER  NAME
 *   result   NUMBER  NAME
 *   handler  STATE   MESSAGE  FUNCTION
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/protocol/engine-private.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const state_names[ZRTP_N_STATES] = {
    [ZRTP_STATE_IDLE] = "Idle",
    [ZRTP_STATE_DISCOVERY] = "Discovery",
    [ZRTP_STATE_COMMIT_SENT] = "Commit sent",
    [ZRTP_STATE_DHPART1_SENT] = "DHPart1 sent",
    [ZRTP_STATE_DHPART2_SENT] = "DHPart2 sent",
    [ZRTP_STATE_CONFIRM1_SENT] = "Confirm1 sent",
    [ZRTP_STATE_CONFIRM2_SENT] = "Confirm2 sent",
    [ZRTP_STATE_SECURE] = "Secure",
    [ZRTP_STATE_GOCLEAR_SENT] = "GoClear sent",
    [ZRTP_STATE_CLEAR_WAITING] = "Clear waiting",
    [ZRTP_STATE_CLEAR] = "Clear",
    [ZRTP_STATE_ERROR_SENT] = "Error sent",
    [ZRTP_STATE_FAILED] = "Failed",
};

static const char *const result_names[ZRTP_N_RESULTS] = {
    [ZRTP_ACCEPTED] = "accepted",
    [ZRTP_REPEATED] = "repeated",
    [ZRTP_NOT_ZRTP] = "not ZRTP",
    [ZRTP_BAD_CRC] = "bad CRC",
    [ZRTP_BAD_LENGTH] = "bad length",
    [ZRTP_BAD_CONTENT] = "bad content",
    [ZRTP_UNKNOWN_TYPE] = "unknown type",
    [ZRTP_UNEXPECTED] = "unexpected",
    [ZRTP_BAD_HASH_IMAGE] = "bad hash image",
    [ZRTP_BAD_MAC] = "bad MAC",
    [ZRTP_BAD_HELLO_HASH] = "bad Hello hash",
    [ZRTP_REFUSED] = "refused",
};

#define HANDLER(function)                                                                          \
  {                                                                                                \
    function, #function                                                                            \
  }

static const struct {
  ZrtpHandler handler;
  const char *name;
} handler_names[] = {
    HANDLER (zrtp_on_hello),
    HANDLER (zrtp_on_rival_hello),
    HANDLER (zrtp_on_hello_again),
    HANDLER (zrtp_on_helloack),
    HANDLER (zrtp_on_early_error),
    HANDLER (zrtp_on_early_commit),
    HANDLER (zrtp_on_ping),
    HANDLER (zrtp_on_pingack),
    HANDLER (zrtp_on_commit),
    HANDLER (zrtp_on_commit_in_clear),
    HANDLER (zrtp_on_commit_again),
    HANDLER (zrtp_on_dhpart1),
    HANDLER (zrtp_on_dhpart2),
    HANDLER (zrtp_on_dhpart2_again),
    HANDLER (zrtp_on_confirm1_without_dh),
    HANDLER (zrtp_on_confirm1),
    HANDLER (zrtp_on_confirm2),
    HANDLER (zrtp_on_confirm2_again),
    HANDLER (zrtp_on_conf2ack),
    HANDLER (zrtp_on_commit_error),
    HANDLER (zrtp_on_error),
    HANDLER (zrtp_on_error_again),
    HANDLER (zrtp_on_errorack),
    HANDLER (zrtp_on_late_error),
    HANDLER (zrtp_on_late_errorack),
    HANDLER (zrtp_on_goclear),
    HANDLER (zrtp_on_clearack),
    HANDLER (zrtp_on_sasrelay),
    HANDLER (zrtp_on_relayack),
};

static const char *
name_of (ZrtpHandler handler)
{
  for (size_t i = 0; i < sizeof handler_names / sizeof *handler_names; i++)
    if (handler_names[i].handler == handler)
      return handler_names[i].name;
  fputs ("a handler of the table has no name in print-states.c\n", stderr);
  exit (1);
}

static const char *
known (const char *name)
{
  if (name)
    return name;
  fputs ("a state or a result has no name in print-states.c\n", stderr);
  exit (1);
}

int
main (void)
{
  for (unsigned state = 0; state < ZRTP_N_STATES; state++)
    printf ("state\t%u\t%s\n", state, known (state_names[state]));
  for (unsigned result = 0; result < ZRTP_N_RESULTS; result++)
    printf ("result\t%u\t%s\n", result, known (result_names[result]));
  for (ZrtpState state = 0; state < ZRTP_N_STATES; state++)
    for (ZrtpMessageType type = 0; type < ZRTP_N_MESSAGES; type++)
      if (zrtp_get_handler (state, type))
        printf ("handler\t%d\t%s\t%s\n", (int) state, zrtp_message_name (type),
            name_of (zrtp_get_handler (state, type)));
  return 0;
}
