/* The file of a cache: how it comes to be, and who may read it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "ext/sqlite/zrtp-sqlite-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PRIVATE_MODE 0600
#define LOCK_TIMEOUT G_USEC_PER_SEC /* microseconds */

static const gchar *const companions[] = {"-wal", "-shm", "-journal"};

static void
remove_companions (const gchar *path)
{
  for (guint i = 0; i < G_N_ELEMENTS (companions); i++) {
    gchar *name = g_strconcat (path, companions[i], NULL);

    g_unlink (name);
    g_free (name);
  }
}

/* --- Creation -------------------------------------------------------------------------------------- */

/* A whole cache under another name, so that nobody ever sees half of one. NULL on error. */
static gchar *
make_draft (const gchar *path, GError **error)
{
  gchar *draft = g_strconcat (path, ".XXXXXX", NULL);
  const int fd = g_mkstemp_full (draft, O_RDWR | O_CLOEXEC, PRIVATE_MODE);

  if (fd >= 0) {
    close (fd);
    if (zrtp_sqlite_make (draft, path, error))
      return draft;
    g_unlink (draft);
    remove_companions (draft);
  } else {
    zrtp_sqlite_set_errno (path, errno, error);
  }
  g_free (draft);
  return NULL;
}

/* Folder locked. What a cache of the same name left behind would be taken for a part of this one. */
static gboolean
publish (const gchar *draft, const gchar *path, int folder, GError **error)
{
  GStatBuf info;

  if (g_lstat (path, &info) == 0) /* another process was faster */
    return TRUE;
  remove_companions (path);
  if (g_rename (draft, path) != 0) {
    zrtp_sqlite_set_errno (path, errno, error);
    return FALSE;
  }
  if (fsync (folder) != 0)
    GST_INFO ("the folder of %s cannot be synchronised: %s", path, g_strerror (errno));
  return TRUE;
}

/* Anybody who may read the folder can lock it, for ever. */
static gboolean
lock_folder (const gchar *path, int folder, GError **error)
{
  const gint64 begin = g_get_monotonic_time ();

  while (flock (folder, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) {
      zrtp_sqlite_set_errno (path, errno, error);
      return FALSE;
    }
    if (g_get_monotonic_time () - begin > LOCK_TIMEOUT) {
      g_set_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_BUSY,
          "the cache %s cannot be made: another process has locked its folder; end it, or set "
          "another cache-location",
          path);
      return FALSE;
    }
    g_usleep ((gulong) g_random_int_range (200, 2000));
  }
  return TRUE;
}

static gboolean
publish_locked (const gchar *draft, const gchar *path, GError **error)
{
  gchar *name = g_path_get_dirname (path);
  const int folder = open (name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  gboolean ok = folder >= 0;

  g_free (name);
  if (!ok) {
    zrtp_sqlite_set_errno (path, errno, error);
    return FALSE;
  }
  ok = lock_folder (path, folder, error) && publish (draft, path, folder, error);
  close (folder);
  return ok;
}

static gboolean
create (const gchar *path, GError **error)
{
  gchar *draft = make_draft (path, error);
  const gboolean ok = draft && publish_locked (draft, path, error);

  if (draft)
    g_unlink (draft);
  g_free (draft);
  return ok;
}

/* --- Permissions ----------------------------------------------------------------------------------- */

static gboolean
is_allowed (const gchar *path, int what, GError **error)
{
  if (faccessat (AT_FDCWD, path, what, AT_EACCESS) == 0)
    return TRUE;
  zrtp_sqlite_set_errno (path, errno, error);
  return FALSE;
}

static void
set_read_only (const gchar *path, const gchar *what, GError **error)
{
  g_set_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_READ_ONLY,
      "the cache %s can be read but not written: change the permissions of %s, or set another "
      "cache-location",
      path, what);
}

/* SQLite would open such a file for reading only. */
static gboolean
is_writable (const gchar *path, GError **error)
{
  gchar *folder = g_path_get_dirname (path);
  gboolean ok = FALSE;

  if (faccessat (AT_FDCWD, path, W_OK, AT_EACCESS) != 0)
    set_read_only (path, "the file", error);
  else if (faccessat (AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) != 0)
    set_read_only (path, "its folder", error);
  else
    ok = TRUE;
  g_free (folder);
  return ok;
}

/* root may use anybody's file. What it leaves beside it, that user cannot use; and another user who may change our
 * secrets can read them. */
static gboolean
is_own (const gchar *path, const struct stat *info, GError **error)
{
  if (info->st_uid == geteuid () || info->st_uid == 0)
    return TRUE;
  g_set_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_PERMISSION,
      "the cache %s belongs to another user (number %u): run this program as that user, or set "
      "another cache-location",
      path, (guint) info->st_uid);
  return FALSE;
}

static gboolean
is_usable (const gchar *path, const struct stat *info, GError **error)
{
  if (!is_own (path, info, error))
    return FALSE;
  if (S_ISREG (info->st_mode) && info->st_size > 0)
    return is_allowed (path, R_OK, error) && is_writable (path, error);
  g_set_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_CORRUPT,
      S_ISREG (info->st_mode)
          ? "the cache %s is empty: put a copy back, or remove it to start with a new cache"
          : "the cache %s is no file: set another cache-location",
      path);
  return FALSE;
}

/* A new cache in place of a link would hide the one that is on a disk which is not mounted now. */
static gboolean
leads_somewhere (const gchar *path, GError **error)
{
  GStatBuf info;

  if (g_lstat (path, &info) != 0 || !S_ISLNK (info.st_mode))
    return TRUE;
  g_set_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_NOT_FOUND,
      "the cache %s is a link to a file that is not there: mount its disk, or remove the link to "
      "start with a new cache",
      path);
  return FALSE;
}

gboolean
zrtp_sqlite_file_prepare (const gchar *path, GError **error)
{
  struct stat info;

  if (stat (path, &info) == 0)
    return is_usable (path, &info, error);
  if (errno != ENOENT) {
    zrtp_sqlite_set_errno (path, errno, error);
    return FALSE;
  }
  return leads_somewhere (path, error) && create (path, error);
}

/* By name: to open and close a file that SQLite has open in this process would drop SQLite's locks. */
static void
tighten (const gchar *path)
{
  struct stat info;

  if (stat (path, &info) != 0 || !S_ISREG (info.st_mode) || (info.st_mode & 077) == 0)
    return;
  if (info.st_uid == geteuid () && g_chmod (path, PRIVATE_MODE) == 0)
    GST_WARNING ("others could read the cache %s (mode %o); now it is for its owner alone", path,
        info.st_mode & 0777);
  else
    GST_WARNING ("others can read the cache %s (mode %o)", path, info.st_mode & 0777);
}

void
zrtp_sqlite_file_tighten (const gchar *path)
{
  tighten (path);
  for (guint i = 0; i < G_N_ELEMENTS (companions); i++) {
    gchar *name = g_strconcat (path, companions[i], NULL);

    tighten (name);
    g_free (name);
  }
}

/* --- What it is ------------------------------------------------------------------------------------ */

static void
set_not_ours (ZrtpSqlite *self, const gchar *what, GError **error)
{
  g_set_error (error, GST_ZRTP_CACHE_ERROR, GST_ZRTP_CACHE_ERROR_CORRUPT,
      "%s is %s, not a cache: set another cache-location", self->path, what);
}

/* The file's header (SQLite's file format, 1.3), read below the level where SQLite would recover, lock or change
 * anything. */
gboolean
zrtp_sqlite_file_check (ZrtpSqlite *self, GError **error)
{
  sqlite3_file *file = NULL;
  guint8 header[100];

  if (sqlite3_file_control (self->db, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK ||
      !file || !file->pMethods ||
      file->pMethods->xRead (file, header, sizeof header, 0) != SQLITE_OK ||
      memcmp (header, "SQLite format 3", 16) != 0) {
    set_not_ours (self, "damaged, or another kind of file", error);
    return FALSE;
  }
  if (zrtp_get_u32 (header + 68) != ZRTP_SQLITE_APPLICATION_ID) {
    set_not_ours (self, "another application's database", error);
    return FALSE;
  }
  if (zrtp_get_u32 (header + 60) <= ZRTP_SQLITE_SCHEMA_VERSION)
    return TRUE;
  zrtp_sqlite_set_too_new (self, zrtp_get_u32 (header + 60), error);
  return FALSE;
}
