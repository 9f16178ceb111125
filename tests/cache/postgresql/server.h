/* A PostgreSQL server of the test's own: on loopback, in a folder that is gone afterwards.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef SERVER_H
#define SERVER_H

#include <glib.h>

#include <sys/types.h>

typedef struct {
  gchar *programs; /* the folder of initdb and postgres */
  gchar *folder;
  guint port;
  pid_t pid; /* 0 = not running */
  pid_t thawer;
  int leash;
} Server;

/* Where initdb and postgres are; NULL when they are not installed. */
gchar *server_find_programs (void);

/* Runs `tests` in a process of its own, and clears up after it, whatever becomes of it. */
int server_run (const gchar *programs, int (*tests) (Server *server, int argc, char **argv),
    int argc, char **argv);

void server_start (Server *server);
/* As when the power goes. */
void server_crash (Server *server);
/* The server keeps its sockets and does not answer, until it is thawed. */
void server_freeze (Server *server);
void server_thaw (Server *server);

/* postgresql://user@127.0.0.1:port/database */
gchar *server_uri (Server *server, const gchar *user, const gchar *database);
/* A new database that the user zrtp owns. */
gchar *server_new_database (Server *server, const gchar *database);
/* As the administrator: what psql prints, without the last line feed. */
gchar *server_sql (Server *server, const gchar *database, const gchar *sql);
void server_do (Server *server, const gchar *database, const gchar *sql);

#endif
