/* The plugin `zrtppostgresql`: no element, a type for gst_zrtp_cache_open().
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "ext/postgresql/zrtp-postgresql.h"

GST_DEBUG_CATEGORY (zrtp_postgresql_debug);

static gboolean
plugin_init (GstPlugin *plugin)
{
  GST_DEBUG_CATEGORY_INIT (
      zrtp_postgresql_debug, "zrtppostgresql", 0, "ZRTP's retained secrets in PostgreSQL");
  g_type_ensure (GST_TYPE_ZRTP_POSTGRESQL_CACHE);
  return TRUE;
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, zrtppostgresql,
    "Retained secrets of ZRTP (RFC 6189) in a PostgreSQL database", plugin_init, VERSION, "LGPL",
    PACKAGE, ORIGIN)
