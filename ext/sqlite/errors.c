/* What went wrong with a file, in words that help.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "ext/sqlite/zrtp-sqlite-private.h"

#include <errno.h>
#include <glib/gstdio.h>

static const gchar advice_damaged[] = "put a copy back, or move the file away to start with a new "
                                      "cache: then every peer is new again";

typedef struct {
  int problem; /* of errno */
  GstZrtpCacheError code;
  const gchar *text;
} ErrnoText;

static const ErrnoText errno_texts[] = {
    {ENOENT, GST_ZRTP_CACHE_ERROR_NOT_FOUND,
        "is not there, or its folder is not: make the folder, or set another cache-location"},
    {ENOTDIR, GST_ZRTP_CACHE_ERROR_NOT_FOUND,
        "is in a folder that is a file: set another cache-location"},
    {EACCES, GST_ZRTP_CACHE_ERROR_PERMISSION,
        "may not be read and written by this user: change the permissions of the file and of its "
        "folder, or set another cache-location"},
    {EPERM, GST_ZRTP_CACHE_ERROR_PERMISSION,
        "may not be changed by this user: change the permissions of the file and of its folder, or "
        "set another cache-location"},
    {EROFS, GST_ZRTP_CACHE_ERROR_READ_ONLY,
        "is on a file system that can only be read: set another cache-location"},
    {ENOSPC, GST_ZRTP_CACHE_ERROR_NO_SPACE, "has no room to grow: the disk is full"},
    {EDQUOT, GST_ZRTP_CACHE_ERROR_NO_SPACE, "has no room to grow: the user's quota is used up"},
    {EFBIG, GST_ZRTP_CACHE_ERROR_NO_SPACE,
        "has no room to grow: it is as large as this process may make a file"},
};

void
zrtp_sqlite_set_errno (const gchar *path, int problem, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (errno_texts); i++)
    if (errno_texts[i].problem == problem) {
      g_set_error (error, GST_ZRTP_CACHE_ERROR, errno_texts[i].code, "the cache %s %s", path,
          errno_texts[i].text);
      return;
    }
  g_set_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_FAILED,
      "the cache %s cannot be used: %s", path, g_strerror (problem));
}

void
zrtp_sqlite_set_damaged (ZrtpSqlite *self, const gchar *what, GError **error)
{
  g_set_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_CORRUPT,
      "the cache %s is damaged (%s): %s", self->path, what, advice_damaged);
}

void
zrtp_sqlite_set_too_new (ZrtpSqlite *self, guint version, GError **error)
{
  g_set_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_TOO_NEW,
      "the cache %s was made by a later version of this library (its format is %u, this library "
      "knows %d): install that version, or set another cache-location",
      self->path, version, ZRTP_SQLITE_SCHEMA_VERSION);
}

static void
set_text (ZrtpSqlite *self, GstZrtpCacheError code, const gchar *text, GError **error)
{
  g_set_error (error, GST_ZRTP_CACHE_ERROR, code, "the cache %s %s", self->path, text);
}

/* Each name has a log of its own. */
static gboolean
has_other_name (const gchar *path)
{
  GStatBuf info;

  return g_stat (path, &info) == 0 && info.st_nlink > 1;
}

/* Where SQLite says only that the system refused, the system's own word says more. SQLite keeps it, but not when a
 * COMMIT failed; then it is where the last system call left it. */
static void
set_system_error (ZrtpSqlite *self, int left, GError **error)
{
  const int kept = self->db ? sqlite3_system_errno (self->db) : 0, problem = kept ? kept : left;

  if ((problem == 0 || problem == ENOENT) && has_other_name (self->path))
    set_text (self, GST_ZRTP_CACHE_ERROR_FAILED,
        "has another name, a hard link, and seems to be in use under that one: use one name only",
        error);
  else if (problem)
    zrtp_sqlite_set_errno (self->path, problem, error);
  else
    g_set_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_FAILED,
        "the cache %s cannot be read or written: %s", self->path,
        self->db ? sqlite3_errmsg (self->db) : "no memory");
}

void
zrtp_sqlite_set_error (ZrtpSqlite *self, int code, GError **error)
{
  const int left = errno;

  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      set_text (self, GST_ZRTP_CACHE_ERROR_BUSY,
          "is locked by another process: end the program that has it open for so long", error);
      break;
    case SQLITE_READONLY:
      set_text (self, GST_ZRTP_CACHE_ERROR_READ_ONLY,
          "can be read but not written: change the permissions of the file and of its folder, or "
          "set another cache-location",
          error);
      break;
    case SQLITE_FULL:
      set_text (
          self, GST_ZRTP_CACHE_ERROR_NO_SPACE, "has no room to grow: the disk is full", error);
      break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
    case SQLITE_SCHEMA:
    case SQLITE_ERROR: /* a table or a column is missing */
      zrtp_sqlite_set_damaged (self, sqlite3_errmsg (self->db), error);
      break;
    default:
      set_system_error (self, left, error);
  }
}
