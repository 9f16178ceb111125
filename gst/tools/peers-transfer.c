/* A cache as a file that goes to another machine: lines of words.
 *
 *   gst-zrtp-cache 1
 *   zid zid=… local-uri=… peer-uri=…
 *   record zid=… peer-zid=… rs1=… …
 *   end NUMBER-OF-LINES-BEFORE SHA-256-OF-ALL-BEFORE
 *
 * A word is a property of GstZrtpRecord that has not its default value: octets in hexadecimal digits, strings with
 * percent escapes. Lines of words need no library, are written one by one, are read where they lie, and can be wiped.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/tools/peers.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "gst-zrtp-cache "
#define VERSION_OF_FILE 1
#define ZID_SIZE 12
#define SECRET_SIZE 32
#define LINE_SIZE 4096 /* most lines are shorter, so their secrets are in one place */

static gboolean fail (GError **error, const gchar *format, ...) G_GNUC_PRINTF (2, 3);

static gboolean
fail (GError **error, const gchar *format, ...)
{
  va_list args;

  va_start (args, format);
  g_propagate_error (error, g_error_new_valist (G_FILE_ERROR, G_FILE_ERROR_FAILED, format, args));
  va_end (args);
  return FALSE;
}

/* --- Export ---------------------------------------------------------------------------------------- */

typedef struct {
  int fd;
  GString *line; /* wiped after each */
  GChecksum *sum;
  guint64 lines, records;
} Writer;

static gboolean
write_all (int fd, const gchar *data, gsize size, GError **error)
{
  while (size > 0) {
    const ssize_t n = write (fd, data, size);

    if (n < 0 && errno != EINTR)
      return fail (error, "the export could not be written: %s", g_strerror (errno));
    data += MAX (n, 0);
    size -= MAX (n, 0);
  }
  return TRUE;
}

static gboolean
write_line (Writer *writer, GError **error)
{
  GString *line = writer->line;
  gboolean ok;

  g_string_append_c (line, '\n');
  g_checksum_update (writer->sum, (const guchar *) line->str, line->len);
  writer->lines++;
  ok = write_all (writer->fd, line->str, line->len, error);
  explicit_bzero (line->str, line->allocated_len);
  g_string_truncate (line, 0);
  return ok;
}

static void
append_octets (GString *line, GBytes *octets)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (octets, &size);

  for (gsize i = 0; i < size; i++) {
    g_string_append_c (line, "0123456789abcdef"[data[i] >> 4]);
    g_string_append_c (line, "0123456789abcdef"[data[i] & 15]);
  }
}

static void
append_value (GString *line, const GValue *value)
{
  if (G_VALUE_HOLDS (value, G_TYPE_BYTES))
    append_octets (line, g_value_get_boxed (value));
  else if (G_VALUE_HOLDS_STRING (value))
    g_string_append_uri_escaped (line, g_value_get_string (value), NULL, TRUE);
  else if (G_VALUE_HOLDS_BOOLEAN (value))
    g_string_append (line, g_value_get_boolean (value) ? "yes" : "no");
  else if (G_VALUE_HOLDS_INT64 (value))
    g_string_append_printf (line, "%" G_GINT64_FORMAT, g_value_get_int64 (value));
  else if (G_VALUE_HOLDS_UINT64 (value))
    g_string_append_printf (line, "%" G_GUINT64_FORMAT, g_value_get_uint64 (value));
  else
    g_string_append_printf (line, "%u", g_value_get_uint (value));
}

/* Whatever a record has, goes along: also what later versions add to it. */
static void
append_record (GString *line, GstZrtpRecord *record)
{
  GParamSpec **specs = g_object_class_list_properties (G_OBJECT_GET_CLASS (record), NULL);

  for (GParamSpec **spec = specs; *spec; spec++) {
    GValue value = G_VALUE_INIT;

    g_object_get_property (G_OBJECT (record), (*spec)->name, &value);
    if (!g_param_value_defaults (*spec, &value)) {
      g_string_append_printf (line, " %s=", (*spec)->name);
      append_value (line, &value);
    }
    g_value_unset (&value);
  }
  g_free (specs);
}

static gboolean
write_record (GstZrtpRecord *record, gpointer user_data, GError **error)
{
  Writer *writer = user_data;

  g_string_append (writer->line, "record");
  append_record (writer->line, record);
  writer->records++;
  return write_line (writer, error);
}

static gboolean
write_zids (Writer *writer, GstZrtpCache *cache, GError **error)
{
  GError *problem = NULL;
  GList *zids = gst_zrtp_cache_list_zids (cache, &problem);

  for (GList *l = zids; l && !problem; l = l->next) {
    GBytes *zid;
    gchar *local_uri, *peer_uri;

    g_object_get (l->data, "zid", &zid, "local-uri", &local_uri, "peer-uri", &peer_uri, NULL);
    g_string_append (writer->line, "zid zid=");
    append_octets (writer->line, zid);
    g_string_append (writer->line, " local-uri=");
    g_string_append_uri_escaped (writer->line, local_uri, NULL, TRUE);
    g_string_append (writer->line, " peer-uri=");
    g_string_append_uri_escaped (writer->line, peer_uri, NULL, TRUE);
    write_line (writer, &problem);
    g_bytes_unref (zid);
    g_free (local_uri);
    g_free (peer_uri);
  }
  g_list_free_full (zids, g_object_unref);
  if (!problem)
    return TRUE;
  g_propagate_error (error, problem);
  return FALSE;
}

/* The sum is of all before it. */
static gboolean
write_end (Writer *writer, GError **error)
{
  g_string_append_printf (writer->line, "end %" G_GUINT64_FORMAT " %s", writer->lines,
      g_checksum_get_string (writer->sum));
  g_string_append_c (writer->line, '\n');
  return write_all (writer->fd, writer->line->str, writer->line->len, error);
}

static gboolean
write_cache (Writer *writer, GstZrtpCache *cache, GError **error)
{
  g_string_append_printf (writer->line, MAGIC "%d", VERSION_OF_FILE);
  return write_line (writer, error) && write_zids (writer, cache, error) &&
         peers_each (cache, write_record, writer, error) && write_end (writer, error);
}

/* Standard output may be a file that everybody can read. */
static gboolean
check_stdout (gboolean force, GError **error)
{
  struct stat about;

  if (force)
    return TRUE;
  if (isatty (STDOUT_FILENO))
    return fail (error,
        "an export holds secrets, which do not belong on a screen: name a file (export FILE), or "
        "use --force");
  if (fstat (STDOUT_FILENO, &about) == 0 && S_ISREG (about.st_mode) && (about.st_mode & 077))
    return fail (error,
        "an export holds secrets, and others may read the file that standard output goes to: name "
        "the file (export FILE), which makes it for you alone, or use --force");
  return TRUE;
}

static gboolean
open_new_file (const gchar *path, int *fd, GError **error)
{
  *fd = g_open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (*fd >= 0)
    return TRUE;
  if (errno == EEXIST)
    return fail (
        error, "there is a file %s already, and it is left alone: choose another name", path);
  return fail (error, "the file %s cannot be made: %s", path, g_strerror (errno));
}

/* A file that is not complete is worth nothing, and holds secrets. */
static gboolean
close_file (const gchar *path, int fd, gboolean ok, GError **error)
{
  if (ok && fsync (fd) != 0)
    ok = fail (error, "the file %s could not be written: %s", path, g_strerror (errno));
  if (close (fd) != 0 && ok)
    ok = fail (error, "the file %s could not be written: %s", path, g_strerror (errno));
  if (!ok)
    g_unlink (path);
  return ok;
}

gboolean
peers_export (
    GstZrtpCache *cache, const gchar *path, gboolean force, guint64 *n_records, GError **error)
{
  Writer writer = {.fd = STDOUT_FILENO};
  gboolean ok;

  if (path ? !open_new_file (path, &writer.fd, error) : !check_stdout (force, error))
    return FALSE;
  writer.line = g_string_sized_new (LINE_SIZE);
  writer.sum = g_checksum_new (G_CHECKSUM_SHA256);
  ok = write_cache (&writer, cache, error);
  explicit_bzero (writer.line->str, writer.line->allocated_len);
  g_string_free (writer.line, TRUE);
  g_checksum_free (writer.sum);
  *n_records = writer.records;
  return path ? close_file (path, writer.fd, ok, error) : ok;
}

/* --- Reading a file -------------------------------------------------------------------------------- */

struct _PeersFile {
  gchar *data;
  gsize size, allocated;
  const gchar *body, *end; /* the lines between the first and the last */
  GHashTable *records;     /* whom they are about */
};

/* realloc() would leave a copy of secrets behind. */
static void
grow (PeersFile *file)
{
  const gsize allocated = file->allocated ? 2 * file->allocated : 1 << 16;
  gchar *data = g_malloc (allocated);

  if (file->data) {
    memcpy (data, file->data, file->size);
    explicit_bzero (file->data, file->allocated);
    g_free (file->data);
  }
  file->data = data;
  file->allocated = allocated;
}

static gboolean
read_all (PeersFile *file, int fd, const gchar *name, GError **error)
{
  ssize_t n;

  do {
    if (file->size == file->allocated)
      grow (file);
    n = read (fd, file->data + file->size, file->allocated - file->size);
    if (n < 0 && errno != EINTR)
      return fail (error, "%s cannot be read: %s", name, g_strerror (errno));
    file->size += MAX (n, 0);
  } while (n != 0);
  return TRUE;
}

/* The next of `separator`, or the end. */
static const gchar *
find_end (const gchar *p, const gchar *end, gchar separator)
{
  const gchar *found = memchr (p, separator, end - p);

  return found ? found : end;
}

typedef struct {
  guint8 data[SECRET_SIZE];
} Octets;

static void
octets_free (gpointer data)
{
  explicit_bzero (data, sizeof (Octets));
  g_free (data);
}

static gboolean
parse_octets (GValue *value, gsize size, const gchar *p, const gchar *end)
{
  Octets *octets;

  if (end - p != (gssize) (2 * size))
    return FALSE;
  for (const gchar *digit = p; digit < end; digit++)
    if (g_ascii_xdigit_value (*digit) < 0)
      return FALSE;
  octets = g_new0 (Octets, 1);
  for (gsize i = 0; i < size; i++)
    octets->data[i] =
        (guint8) (g_ascii_xdigit_value (p[2 * i]) << 4 | g_ascii_xdigit_value (p[2 * i + 1]));
  g_value_take_boxed (value, g_bytes_new_with_free_func (octets->data, size, octets_free, octets));
  return TRUE;
}

static gboolean
parse_string (GValue *value, const gchar *p, const gchar *end)
{
  gchar *text = g_uri_unescape_segment (p, end, NULL);

  g_value_take_string (value, text);
  return text != NULL;
}

static gboolean
parse_boolean (GValue *value, const gchar *word)
{
  g_value_set_boolean (value, g_str_equal (word, "yes"));
  return g_str_equal (word, "yes") || g_str_equal (word, "no");
}

static gboolean
parse_number (GValue *value, const gchar *word)
{
  guint64 number;

  if (!g_ascii_string_to_unsigned (word, 10, 0, G_MAXUINT64, &number, NULL))
    return FALSE;
  if (G_VALUE_HOLDS_UINT64 (value))
    g_value_set_uint64 (value, number);
  else if (G_VALUE_HOLDS_INT64 (value) && number <= G_MAXINT64)
    g_value_set_int64 (value, (gint64) number);
  else if (G_VALUE_HOLDS_UINT (value) && number <= G_MAXUINT)
    g_value_set_uint (value, (guint) number);
  else
    return FALSE;
  return TRUE;
}

static gboolean
parse_value (GParamSpec *spec, GValue *value, const gchar *p, const gchar *end)
{
  gchar word[24]; /* the longest number has 20 digits */

  if (G_VALUE_HOLDS (value, G_TYPE_BYTES))
    return parse_octets (
        value, g_str_has_suffix (spec->name, "zid") ? ZID_SIZE : SECRET_SIZE, p, end);
  if (G_VALUE_HOLDS_STRING (value))
    return parse_string (value, p, end);
  if (end - p >= (gssize) sizeof word)
    return FALSE;
  memcpy (word, p, end - p);
  word[end - p] = '\0';
  if (G_VALUE_HOLDS_BOOLEAN (value))
    return parse_boolean (value, word);
  return parse_number (value, word);
}

/* One "property=value". */
static gboolean
parse_word (GstZrtpRecord *record, const gchar *p, const gchar *end)
{
  const gchar *equals = find_end (p, end, '=');
  gchar *name = g_strndup (p, equals - p);
  GParamSpec *spec = g_object_class_find_property (G_OBJECT_GET_CLASS (record), name);
  GValue value = G_VALUE_INIT;
  gboolean ok;

  g_free (name);
  if (!spec || equals == end)
    return FALSE;
  g_value_init (&value, spec->value_type);
  /* validating changes what is out of range */
  ok = parse_value (spec, &value, equals + 1, end) && !g_param_value_validate (spec, &value);
  if (ok)
    g_object_set_property (G_OBJECT (record), spec->name, &value);
  g_value_unset (&value);
  return ok;
}

static gboolean
parse_words (GstZrtpRecord *record, const gchar *p, const gchar *end)
{
  while (p < end) {
    const gchar *word_end = find_end (p, end, ' ');

    if (!parse_word (record, p, word_end))
      return FALSE;
    p = MIN (word_end + 1, end);
  }
  return TRUE;
}

/* Spaces inside strings are escaped, so this is a word. */
static gboolean
has_word (const gchar *p, const gchar *end, const gchar *beginning)
{
  return memmem (p, end - p, beginning, strlen (beginning)) != NULL;
}

/* A line without its line feed; NULL when it is none of those that belong here. */
static GstZrtpRecord *
parse_line (const gchar *p, const gchar *end, gboolean *is_zid)
{
  const gchar *kind = find_end (p, end, ' ');
  const gsize length = kind - p;
  GstZrtpRecord *record;

  *is_zid = length == 3 && memcmp (p, "zid", 3) == 0;
  if (!*is_zid && !(length == 6 && memcmp (p, "record", 6) == 0))
    return NULL;
  if (!has_word (kind, end, " zid=") || !(*is_zid || has_word (kind, end, " peer-zid=")))
    return NULL;
  record = gst_zrtp_record_new ();
  if (parse_words (record, kind + 1, end))
    return record;
  g_object_unref (record);
  return NULL;
}

/* For one line of the file. */
typedef gboolean (*LineFunc) (
    PeersFile *file, GstZrtpRecord *record, gboolean is_zid, gpointer user_data, GError **error);

static gboolean
each_line (PeersFile *file, LineFunc func, gpointer user_data, GError **error)
{
  guint64 number = 1;

  for (const gchar *p = file->body; p < file->end; p = find_end (p, file->end, '\n') + 1) {
    gboolean is_zid, ok;
    GstZrtpRecord *record = parse_line (p, find_end (p, file->end, '\n'), &is_zid);

    number++;
    if (!record)
      return fail (error,
          "line %" G_GUINT64_FORMAT " of the file is none that belongs there; nothing was imported",
          number);
    ok = func (file, record, is_zid, user_data, error);
    g_object_unref (record);
    if (!ok)
      return FALSE;
  }
  return TRUE;
}

/* Whom a record is about, in one string. */
static gchar *
identity_of (GstZrtpRecord *record)
{
  PeersView view;
  gchar *identity;

  peers_view_init (&view, record);
  identity = g_strjoin ("\n", view.zid, view.peer_zid, view.local_uri, view.peer_uri, NULL);
  peers_view_clear (&view);
  return identity;
}

static gboolean
check_line (
    PeersFile *file, GstZrtpRecord *record, gboolean is_zid, gpointer user_data, GError **error)
{
  if (!is_zid)
    g_hash_table_add (file->records, identity_of (record));
  return TRUE;
}

static gboolean
damaged (GError **error, const gchar *name)
{
  return fail (error,
      "%s is damaged or not complete: nothing was imported; export again, and copy the file as it "
      "is",
      name);
}

static gboolean
check_head (PeersFile *file, const gchar *name, GError **error)
{
  const gchar *end = find_end (file->data, file->data + file->size, '\n');
  gchar *line = g_strndup (file->data, MIN (end - file->data, 64));
  const gboolean is_export = g_str_has_prefix (line, MAGIC);
  guint64 version = 0;

  if (is_export)
    g_ascii_string_to_unsigned (line + strlen (MAGIC), 10, 1, G_MAXUINT32, &version, NULL);
  g_free (line);
  if (!is_export)
    return fail (error, "%s was not made by " PROGRAM " export; nothing was imported", name);
  if (version > VERSION_OF_FILE)
    return fail (error,
        "%s was made by a later version of " PROGRAM "; nothing was imported: use that version "
        "here too",
        name);
  if (version == 0 || end == file->data + file->size)
    return damaged (error, name);
  file->body = end + 1;
  return TRUE;
}

static guint64
count_lines (const gchar *p, const gchar *end)
{
  guint64 n = 0;

  for (; p < end && (p = memchr (p, '\n', end - p)); p++)
    n++;
  return n;
}

/* The last line says how much was written before it. */
static gboolean
check_end (PeersFile *file, const gchar *name, GError **error)
{
  const gchar *all_end = file->data + file->size;
  const gchar *last =
      file->size && all_end[-1] == '\n' ? memrchr (file->data, '\n', file->size - 1) : NULL;
  gchar *sum, *expected;
  gboolean ok;

  if (!last || last + 1 < file->body)
    return damaged (error, name);
  file->end = last + 1;
  sum = g_compute_checksum_for_data (
      G_CHECKSUM_SHA256, (const guchar *) file->data, file->end - file->data);
  expected =
      g_strdup_printf ("end %" G_GUINT64_FORMAT " %s\n", count_lines (file->data, file->end), sum);
  ok = strlen (expected) == (gsize) (all_end - file->end) &&
       memcmp (expected, file->end, strlen (expected)) == 0;
  g_free (sum);
  g_free (expected);
  return ok || damaged (error, name);
}

static gboolean
open_file (PeersFile *file, const gchar *path, GError **error)
{
  const int fd = g_open (path, O_RDONLY | O_CLOEXEC, 0);
  gboolean ok;

  if (fd < 0)
    return fail (error, "%s cannot be opened: %s", path, g_strerror (errno));
  ok = read_all (file, fd, path, error);
  close (fd);
  return ok;
}

PeersFile *
peers_file_read (const gchar *path, GError **error)
{
  PeersFile *file = g_new0 (PeersFile, 1);
  const gchar *name = path ? path : "standard input";
  gboolean ok;

  file->records = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  ok = path ? open_file (file, path, error) : read_all (file, STDIN_FILENO, name, error);
  if (ok && check_head (file, name, error) && check_end (file, name, error) &&
      each_line (file, check_line, NULL, error))
    return file;
  peers_file_free (file);
  return NULL;
}

void
peers_file_free (PeersFile *file)
{
  if (file->data)
    explicit_bzero (file->data, file->allocated);
  g_free (file->data);
  g_hash_table_unref (file->records);
  g_free (file);
}

/* --- Import ---------------------------------------------------------------------------------------- */

typedef struct {
  GstZrtpCache *cache;
  GHashTable *zids;     /* ours in the cache: URIs -> ZID in hexadecimal */
  GHashTable *replaced; /* those of them that the file has another one for, in hexadecimal */
  PeersImport *result;
} Import;

/* For which URIs a ZID of ours is. */
static gchar *
scope_of (const PeersView *view)
{
  return g_strjoin ("\n", view->local_uri, view->peer_uri, NULL);
}

static gboolean
read_zids (Import *import, GError **error)
{
  GError *problem = NULL;
  GList *zids = gst_zrtp_cache_list_zids (import->cache, &problem);

  for (GList *l = zids; l; l = l->next) {
    PeersView view;

    peers_view_init (&view, l->data);
    g_hash_table_insert (import->zids, scope_of (&view), g_strdup (view.zid));
    peers_view_clear (&view);
  }
  g_list_free_full (zids, g_object_unref);
  if (!problem)
    return TRUE;
  g_propagate_error (error, problem);
  return FALSE;
}

/* The cache has another ZID for these URIs, which goes to `replaced`, or none. */
static gboolean
is_new_zid (Import *import, GstZrtpRecord *record, const gchar **replaced)
{
  PeersView view;
  gchar *scope;
  gboolean is_new;

  peers_view_init (&view, record);
  scope = scope_of (&view);
  *replaced = g_hash_table_lookup (import->zids, scope);
  is_new = !*replaced || !g_str_equal (*replaced, view.zid);
  g_free (scope);
  peers_view_clear (&view);
  return is_new;
}

static gboolean
collect_replaced (
    PeersFile *file, GstZrtpRecord *record, gboolean is_zid, gpointer user_data, GError **error)
{
  Import *import = user_data;
  const gchar *replaced;

  if (is_zid && is_new_zid (import, record, &replaced) && replaced)
    g_hash_table_add (import->replaced, g_strdup (replaced));
  return TRUE;
}

typedef struct {
  Import *import;
  PeersFile *file;
} Check;

/* A record that the file has too was put there by an import that did not come to its end. */
static gboolean
check_record (GstZrtpRecord *record, gpointer user_data, GError **error)
{
  Check *check = user_data;
  PeersView view;
  gchar *identity = identity_of (record);
  gboolean ok = TRUE;

  peers_view_init (&view, record);
  if (g_hash_table_contains (check->import->replaced, view.zid) &&
      !g_hash_table_contains (check->file->records, identity))
    ok = fail (error,
        "the cache here has a ZID of its own, %s, and records of calls with it; nothing was "
        "imported. With --replace-zid the one in the file takes its place: then those peers do not "
        "know us any more, and their users are alerted in the next call",
        view.zid);
  peers_view_clear (&view);
  g_free (identity);
  return ok;
}

static gboolean
check_zids (Import *import, PeersFile *file, GError **error)
{
  Check check = {import, file};

  if (!each_line (file, collect_replaced, import, error))
    return FALSE;
  if (g_hash_table_size (import->replaced) == 0)
    return TRUE;
  return peers_each (import->cache, check_record, &check, error);
}

/* The record of the cache about the same peer. */
static gboolean
find_existing (GstZrtpCache *cache, GstZrtpRecord *record, GstZrtpRecord **existing, GError **error)
{
  gchar *identity = identity_of (record);
  GBytes *zid, *peer_zid;
  GList *records = NULL;
  gboolean ok;

  *existing = NULL;
  g_object_get (record, "zid", &zid, "peer-zid", &peer_zid, NULL);
  ok = gst_zrtp_cache_lookup (cache, zid, peer_zid, &records, error);
  for (GList *l = records; l; l = l->next) {
    gchar *other = identity_of (l->data);

    if (g_str_equal (identity, other))
      g_set_object (existing, l->data);
    g_free (other);
  }
  g_list_free_full (records, g_object_unref);
  g_bytes_unref (zid);
  g_bytes_unref (peer_zid);
  g_free (identity);
  return ok;
}

static gint64
last_seen (GstZrtpRecord *record)
{
  gint64 seconds;

  g_object_get (record, "last-seen", &seconds, NULL);
  return seconds;
}

static gboolean
is_over (GstZrtpRecord *record)
{
  PeersView view;
  gboolean over;

  peers_view_init (&view, record);
  over = peers_view_has_expired (&view) && !view.has_pbx_secret;
  peers_view_clear (&view);
  return over;
}

/* Of two records about one peer the later call's has the secret that the peer has. */
static gboolean
import_record (
    PeersFile *file, GstZrtpRecord *record, gboolean is_zid, gpointer user_data, GError **error)
{
  Import *import = user_data;
  GstZrtpRecord *existing;
  guint64 *count = &import->result->imported;
  gboolean ok;

  if (is_zid)
    return TRUE;
  if (!find_existing (import->cache, record, &existing, error))
    return FALSE;
  if (existing && last_seen (existing) >= last_seen (record))
    count = &import->result->kept;
  else if (is_over (record))
    count = &import->result->expired;
  ok = count != &import->result->imported || gst_zrtp_cache_put (import->cache, record, error);
  *count += ok;
  g_clear_object (&existing);
  return ok;
}

static const gchar *
null_if_empty (const gchar *text)
{
  return *text ? text : NULL;
}

static gboolean
import_zid (
    PeersFile *file, GstZrtpRecord *record, gboolean is_zid, gpointer user_data, GError **error)
{
  Import *import = user_data;
  PeersView view;
  GBytes *zid;
  const gchar *replaced;
  gboolean ok;

  if (!is_zid || !is_new_zid (import, record, &replaced))
    return TRUE;
  peers_view_init (&view, record);
  g_object_get (record, "zid", &zid, NULL);
  ok = gst_zrtp_cache_set_zid (
      import->cache, null_if_empty (view.local_uri), null_if_empty (view.peer_uri), zid, error);
  import->result->zids += ok;
  g_bytes_unref (zid);
  peers_view_clear (&view);
  return ok;
}

/* Records first: as long as the ZIDs are not there, nobody looks for them. */
gboolean
peers_import (
    GstZrtpCache *cache, PeersFile *file, gboolean replace_zid, PeersImport *result, GError **error)
{
  Import import = {.cache = cache, .result = result};
  gboolean ok;

  *result = (PeersImport){0};
  import.zids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  import.replaced = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  ok = read_zids (&import, error) && (replace_zid || check_zids (&import, file, error)) &&
       each_line (file, import_record, &import, error) &&
       each_line (file, import_zid, &import, error);
  g_hash_table_unref (import.replaced);
  g_hash_table_unref (import.zids);
  return ok;
}
