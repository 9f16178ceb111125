/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/cache/postgresql/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define VERSIONS "/usr/lib/postgresql" /* Debian's */

/* --- Programs --------------------------------------------------------------------------------------- */

static gchar *
find_newest (void)
{
  GDir *dir = g_dir_open (VERSIONS, 0, NULL);
  const gchar *name;
  gint newest = 0;

  while (dir && (name = g_dir_read_name (dir)))
    newest = MAX (newest, atoi (name));
  g_clear_pointer (&dir, g_dir_close);
  return newest ? g_strdup_printf (VERSIONS "/%d/bin", newest) : NULL;
}

static gboolean
has_program (const gchar *folder, const gchar *name)
{
  gchar *path = g_build_filename (folder, name, NULL);
  const gboolean ok = g_file_test (path, G_FILE_TEST_IS_EXECUTABLE);

  g_free (path);
  return ok;
}

static gboolean
has_all (const gchar *folder)
{
  return folder && has_program (folder, "postgres") && has_program (folder, "initdb") &&
         has_program (folder, "psql");
}

static gchar *
find_in_path (void)
{
  gchar *postgres = g_find_program_in_path ("postgres");
  gchar *folder = postgres ? g_path_get_dirname (postgres) : NULL;

  g_free (postgres);
  return folder;
}

gchar *
server_find_programs (void)
{
  gchar *folder = find_newest ();

  if (!has_all (folder)) {
    g_free (folder);
    folder = find_in_path ();
  }
  if (!has_all (folder))
    g_clear_pointer (&folder, g_free);
  return folder;
}

/* --- Processes -------------------------------------------------------------------------------------- */

/* The server refuses to be root. */
static const struct passwd *
find_user (void)
{
  const struct passwd *user = getpwnam ("postgres");

  return user ? user : getpwnam ("nobody");
}

static void
die_with_parent (int number)
{
  if (prctl (PR_SET_PDEATHSIG, number) != 0 || getppid () == 1)
    _exit (1);
}

/* In the child. SIGQUIT ends a server at once, with all its processes. */
static void
become_server (gpointer user_data)
{
  const struct passwd *user = user_data;

  if (user &&
      (setgroups (0, NULL) != 0 || setgid (user->pw_gid) != 0 || setuid (user->pw_uid) != 0))
    _exit (1);
  if (chdir ("/") != 0)
    _exit (1);
  die_with_parent (SIGQUIT);
}

static gpointer
user_to_be (void)
{
  return geteuid () == 0 ? (gpointer) find_user () : NULL;
}

static void
run (Server *server, const gchar *name, const gchar *const *arguments, gchar **output)
{
  GPtrArray *argv = g_ptr_array_new_with_free_func (g_free);
  gchar *problem = NULL;
  GError *error = NULL;
  gint status;

  g_ptr_array_add (argv, g_build_filename (server->programs, name, NULL));
  for (; *arguments; arguments++)
    g_ptr_array_add (argv, g_strdup (*arguments));
  g_ptr_array_add (argv, NULL);
  g_spawn_sync (NULL, (gchar **) argv->pdata, NULL, 0, become_server, user_to_be (), output,
      &problem, &status, &error);
  g_assert_no_error (error);
  if (!g_spawn_check_wait_status (status, NULL))
    g_error ("%s: %s", name, problem);
  g_free (problem);
  g_ptr_array_unref (argv);
}

/* --- Start and end ---------------------------------------------------------------------------------- */

static guint
free_port (void)
{
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM, 0);

  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, size), ==, 0);
  g_assert_cmpint (getsockname (fd, (struct sockaddr *) &address, &size), ==, 0);
  close (fd);
  return ntohs (address.sin_port);
}

static gchar *
data_folder (Server *server)
{
  return g_build_filename (server->folder, "data", NULL);
}

static void
write_access_rules (Server *server)
{
  gchar *path = g_build_filename (server->folder, "data", "pg_hba.conf", NULL);
  const gchar *rules = "host all secretive 127.0.0.1/32 scram-sha-256\n"
                       "host all banned 127.0.0.1/32 reject\n"
                       "host all all 127.0.0.1/32 trust\n";

  g_assert_true (g_file_set_contents (path, rules, -1, NULL));
  g_assert_cmpint (g_chmod (path, 0644), ==, 0);
  g_free (path);
}

static void
make_cluster (Server *server)
{
  gchar *data = data_folder (server);
  const gchar *const arguments[] = {"-D", data, "-U", "admin", "-A", "trust", "-E", "UTF8",
      "--locale=C", "--no-instructions", NULL};
  gchar *output = NULL;

  run (server, "initdb", arguments, &output);
  write_access_rules (server);
  g_free (output);
  g_free (data);
}

static gboolean
answers (Server *server)
{
  struct sockaddr_in address = {.sin_family = AF_INET,
      .sin_addr.s_addr = htonl (INADDR_LOOPBACK),
      .sin_port = htons ((guint16) server->port)};
  gchar *psql = g_build_filename (server->programs, "psql", NULL);
  gchar *uri = server_uri (server, "admin", "postgres");
  const gchar *argv[] = {psql, "-Atqc", "SELECT 1", uri, NULL};
  int fd = socket (AF_INET, SOCK_STREAM, 0);
  const gboolean listens = connect (fd, (struct sockaddr *) &address, sizeof address) == 0;
  gint status = -1;

  close (fd);
  if (listens)
    g_spawn_sync (NULL, (gchar **) argv, NULL,
        G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, NULL, NULL, &status,
        NULL);
  g_free (psql);
  g_free (uri);
  return listens && status == 0;
}

static void
spawn (Server *server)
{
  gchar *program = g_build_filename (server->programs, "postgres", NULL);
  gchar *data = data_folder (server);
  gchar *port = g_strdup_printf ("port=%u", server->port);
  const gchar *argv[] = {program, "-D", data, "-c", port, "-c", "listen_addresses=127.0.0.1", "-c",
      "unix_socket_directories=", "-c", "shared_buffers=16MB", "-c", "max_connections=80", "-c",
      "log_destination=stderr", NULL};
  GError *error = NULL;

  g_spawn_async (NULL, (gchar **) argv, NULL,
      G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL,
      become_server, user_to_be (), &server->pid, &error);
  g_assert_no_error (error);
  g_free (program);
  g_free (data);
  g_free (port);
}

void
server_start (Server *server)
{
  const gint64 deadline = g_get_monotonic_time () + 60 * G_TIME_SPAN_SECOND;

  g_assert_cmpint (server->pid, ==, 0);
  if (!server->port) {
    server->port = free_port ();
    make_cluster (server);
  }
  spawn (server);
  while (!answers (server)) {
    g_assert_cmpint (waitpid (server->pid, NULL, WNOHANG), ==, 0);
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    g_usleep (50 * G_TIME_SPAN_MILLISECOND);
  }
}

static pid_t
parent_of (pid_t pid)
{
  gchar *path = g_strdup_printf ("/proc/%d/stat", pid), *text = NULL;
  int parent = 0;

  if (g_file_get_contents (path, &text, NULL, NULL))
    sscanf (strrchr (text, ')'), ") %*c %d", &parent);
  g_free (path);
  g_free (text);
  return parent;
}

static GArray *
children_of (pid_t pid)
{
  GArray *children = g_array_new (FALSE, FALSE, sizeof (pid_t));
  GDir *dir = g_dir_open ("/proc", 0, NULL);
  const gchar *name;

  while ((name = g_dir_read_name (dir))) {
    const pid_t child = atoi (name);

    if (child > 0 && parent_of (child) == pid)
      g_array_append_val (children, child);
  }
  g_dir_close (dir);
  return children;
}

static GArray *
all_processes (Server *server)
{
  GArray *all = children_of (server->pid);

  g_array_prepend_val (all, server->pid);
  return all;
}

static void
signal_all (const GArray *processes, int number)
{
  for (guint i = 0; i < processes->len; i++)
    kill (g_array_index (processes, pid_t, i), number);
}

/* A process that lets the server go on when the tests close the pipe or are no more: a stopped one does not end. */
static void
spawn_thawer (Server *server, const GArray *processes)
{
  int ends[2];
  char octet;

  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  server->thawer = fork ();
  if (server->thawer == 0) {
    setsid (); /* who ends the group of the tests does not end this one */
    close (ends[1]);
    while (read (ends[0], &octet, 1) > 0)
      ;
    signal_all (processes, SIGCONT);
    _exit (0);
  }
  close (ends[0]);
  server->leash = ends[1];
}

void
server_freeze (Server *server)
{
  GArray *processes = all_processes (server);

  spawn_thawer (server, processes);
  signal_all (processes, SIGSTOP);
  g_array_unref (processes);
}

void
server_thaw (Server *server)
{
  close (server->leash);
  waitpid (server->thawer, NULL, 0);
}

void
server_crash (Server *server)
{
  GArray *processes;

  kill (server->pid, SIGSTOP); /* nobody is replaced meanwhile */
  processes = all_processes (server);
  signal_all (processes, SIGKILL);
  g_array_unref (processes);
  g_assert_cmpint (waitpid (server->pid, NULL, 0), ==, server->pid);
  server->pid = 0;
}

/* --- The process of the tests ---------------------------------------------------------------------- */

/* Nothing of the server is left after this. */
static void
remove_folder (const gchar *folder)
{
  const gchar *argv[] = {"rm", "-rf", "--", folder, NULL};

  g_spawn_sync (
      NULL, (gchar **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
}

/* The server has been told to end by the death of the tests. */
static void
wait_for_end (const gchar *folder)
{
  gchar *path = g_build_filename (folder, "data", "postmaster.pid", NULL);

  for (guint i = 0; i < 100 && g_file_test (path, G_FILE_TEST_EXISTS); i++)
    g_usleep (50 * G_TIME_SPAN_MILLISECOND);
  g_free (path);
}

static gchar *
make_folder (void)
{
  gchar *folder = g_dir_make_tmp ("zrtp-postgresql-XXXXXX", NULL);
  const struct passwd *user = user_to_be ();

  g_assert_nonnull (folder);
  if (user)
    g_assert_cmpint (chown (folder, user->pw_uid, user->pw_gid), ==, 0);
  return folder;
}

static pid_t tests_pid;

static void
end_tests (int number)
{
  kill (tests_pid, SIGKILL);
}

int
server_run (const gchar *programs, int (*tests) (Server *server, int argc, char **argv), int argc,
    char **argv)
{
  Server server = {.programs = (gchar *) programs, .folder = make_folder ()};
  int status = 0;

  tests_pid = fork ();
  if (tests_pid == 0) {
    die_with_parent (SIGKILL);
    exit (tests (&server, argc, argv));
  }
  signal (SIGTERM, end_tests);
  signal (SIGINT, end_tests);
  while (waitpid (tests_pid, &status, 0) < 0 && errno == EINTR)
    ;
  wait_for_end (server.folder);
  remove_folder (server.folder);
  g_free (server.folder);
  return WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status);
}

/* --- SQL --------------------------------------------------------------------------------------------- */

gchar *
server_uri (Server *server, const gchar *user, const gchar *database)
{
  return g_strdup_printf ("postgresql://%s@127.0.0.1:%u/%s", user, server->port, database);
}

gchar *
server_sql (Server *server, const gchar *database, const gchar *sql)
{
  gchar *uri = server_uri (server, "admin", database);
  const gchar *const arguments[] = {"-X", "-Atq", "-v", "ON_ERROR_STOP=1", "-c", sql, uri, NULL};
  gchar *output = NULL;

  run (server, "psql", arguments, &output);
  g_free (uri);
  return g_strchomp (output);
}

void
server_do (Server *server, const gchar *database, const gchar *sql)
{
  g_free (server_sql (server, database, sql));
}

gchar *
server_new_database (Server *server, const gchar *database)
{
  gchar *sql = g_strdup_printf ("CREATE DATABASE %s OWNER zrtp", database);

  server_do (server, "postgres", sql);
  g_free (sql);
  return server_uri (server, "zrtp", database);
}
