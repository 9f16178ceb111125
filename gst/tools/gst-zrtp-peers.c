/* gst-zrtp-peers-1.0, which looks after a cache of retained secrets: the command line.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/tools/peers.h"

#include <errno.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

PeersOptions peers_options;

static gboolean
is_printable_utf8 (const gchar *text)
{
  if (!g_utf8_validate (text, -1, NULL))
    return FALSE;
  for (; *text; text = g_utf8_next_char (text))
    if (g_unichar_iscntrl (g_utf8_get_char (text)))
      return FALSE;
  return TRUE;
}

enum {
  ALL = 1,
  FORCE = 2,
  REPLACE_ZID = 4,
  WHICH = 8
};

typedef struct {
  const gchar *name;
  guint min_words, max_words;
  guint options; /* that it knows, of those above */
  int (*run) (GstZrtpCache *cache, gchar **words);
} Command;

static const Command commands[] = {
    {"list", 0, 0, 0, peers_do_list},
    {"show", 1, 1, WHICH, peers_do_show},
    {"rename", 2, 2, WHICH, peers_do_rename},
    {"verify", 1, 1, WHICH, peers_do_verify},
    {"unverify", 1, 1, WHICH, peers_do_unverify},
    {"forget", 1, 1, WHICH | ALL, peers_do_forget},
    {"expire", 0, 0, 0, peers_do_expire},
    {"export", 0, 1, FORCE, peers_do_export},
    {"import", 0, 1, REPLACE_ZID, NULL},
    {"zid", 0, 0, 0, peers_do_zid},
};

static const gchar summary[] =
    "Looks after the cache of ZRTP: who was called, whose SAS was compared, and the secrets that "
    "protect the next call.";

static const gchar description[] =
    "Commands:\n"
    "  list                 all peers\n"
    "  show PEER            all about one; of secrets only which there are\n"
    "  rename PEER NAME     what the user calls this peer\n"
    "  verify PEER          the SAS of the last call was compared\n"
    "  unverify PEER        it was not\n"
    "  forget PEER          removes the record and its secrets\n"
    "  expire               removes the secrets whose time is over\n"
    "  export [FILE]        all with all secrets, for another machine; to standard output without "
    "FILE\n"
    "  import [FILE]        takes over what export wrote; from standard input without FILE\n"
    "  zid                  our own ZIDs\n"
    "\n"
    "PEER is a ZID (24 hexadecimal digits), its beginning, a name or a URI. When it fits several\n"
    "records, they are listed and nothing is done.\n"
    "\n"
    "Exit status: 0 done, 1 the cache could not be used or nothing fits, 2 wrong usage.\n"
    "\n"
    "The cache is that of --cache, of the environment variable GST_ZRTP_CACHE, or the user's\n"
    "gstreamer-1.0/zrtp/cache.sqlite. See gst-zrtp-peers-1.0(1).";

static const GOptionEntry entries[] = {
    {"cache", 0, 0, G_OPTION_ARG_FILENAME, &peers_options.cache,
        "the cache: a file, or postgresql://…", "FILE"},
    {"cache-key-file", 0, 0, G_OPTION_ARG_FILENAME, &peers_options.key_file,
        "its key: a file with 32 octets or 64 hexadecimal digits", "FILE"},
    {"json", 0, 0, G_OPTION_ARG_NONE, &peers_options.json, "prints JSON", NULL},
    {"local-uri", 0, 0, G_OPTION_ARG_FILENAME, &peers_options.local_uri,
        "only the record of this URI of ours", "URI"},
    {"peer-uri", 0, 0, G_OPTION_ARG_FILENAME, &peers_options.peer_uri,
        "only the record of this URI of the peer", "URI"},
    {"zid", 0, 0, G_OPTION_ARG_STRING, &peers_options.zid, "only the record of this ZID of ours",
        "ZID"},
    {"all", 0, 0, G_OPTION_ARG_NONE, &peers_options.all, "forget: all records of one peer that fit",
        NULL},
    {"force", 0, 0, G_OPTION_ARG_NONE, &peers_options.force,
        "export: to standard output, whoever may read it", NULL},
    {"replace-zid", 0, 0, G_OPTION_ARG_NONE, &peers_options.replace_zid,
        "import: the file's ZID in place of ours", NULL},
    {"version", 0, 0, G_OPTION_ARG_NONE, &peers_options.version, "prints the version", NULL},
    {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &peers_options.words, NULL,
        "COMMAND [ARGUMENTS]"},
    {NULL},
};

static const Command *
find_command (const gchar *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    if (g_str_equal (commands[i].name, name))
      return &commands[i];
  return NULL;
}

static guint
given_options (void)
{
  return (peers_options.all ? ALL : 0) | (peers_options.force ? FORCE : 0) |
         (peers_options.replace_zid ? REPLACE_ZID : 0) |
         (peers_options.zid || peers_options.local_uri || peers_options.peer_uri ? WHICH : 0);
}

/* Words that could be taken for something else than what is meant. */
static const gchar *
find_fault (const Command *command, gchar **words)
{
  const guint n = g_strv_length (words);

  if (n < command->min_words)
    return "an argument is missing";
  if (n > command->max_words)
    return "there are too many arguments; put quotation marks around a name of several words";
  if (given_options () & ~command->options)
    return "it does not know one of the options that were given";
  if (command->min_words > 0 && !*words[0])
    return "PEER is empty";
  if (peers_options.zid && !*peers_options.zid)
    return "the ZID is empty";
  if (command->min_words == 2 && !is_printable_utf8 (words[1]))
    return "a name is UTF-8 without control characters";
  if (command->options & REPLACE_ZID && !peers_file_of (words) && isatty (STDIN_FILENO))
    return "name the file to import";
  return NULL;
}

static int
run (const Command *command, gchar **words)
{
  GstZrtpCache *cache;
  int status;

  if (!command->run)
    return peers_do_import (words);
  cache = peers_open_cache (FALSE);
  if (!cache)
    return EXIT_FAILED;
  status = command->run (cache, words);
  g_object_unref (cache);
  return status;
}

static int
usage_error (const gchar *about, const gchar *text)
{
  peers_complain ("%s%s%s; see " PROGRAM " --help", about, *about ? ": " : "", text);
  return EXIT_USAGE;
}

static int
run_words (void)
{
  const Command *command;
  const gchar *fault;

  if (!peers_options.words)
    return usage_error ("", "a command is missing");
  command = find_command (peers_options.words[0]);
  if (!command)
    return usage_error (peers_options.words[0], "there is no such command");
  fault = find_fault (command, peers_options.words + 1);
  if (fault)
    return usage_error (command->name, fault);
  return run (command, peers_options.words + 1);
}

/* What could not be written must not look done. */
static int
check_output (int status)
{
  if (fflush (stdout) == 0 && !ferror (stdout))
    return status;
  peers_complain ("not all could be written to standard output: %s", g_strerror (errno));
  return EXIT_FAILED;
}

int
main (int argc, char **argv)
{
  GOptionContext *context = g_option_context_new (NULL);
  GError *error = NULL;
  int status;

  setlocale (LC_ALL, "");
  g_option_context_set_summary (context, summary);
  g_option_context_set_description (context, description);
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error)) {
    status = usage_error ("", error->message);
    g_error_free (error);
  } else if (peers_options.version) {
    printf (PROGRAM " " VERSION "\n");
    status = EXIT_DONE;
  } else {
    status = run_words ();
  }
  g_option_context_free (context);
  return check_output (status);
}
