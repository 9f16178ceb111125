/* The plugin `zrtp`: zrtpenc and zrtpdec.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "gst/elements/zrtpdec.h"
#include "gst/elements/zrtpenc.h"

GST_DEBUG_CATEGORY (zrtp_connection_debug);

static gboolean
plugin_init (GstPlugin *plugin)
{
  gboolean ok;

  GST_DEBUG_CATEGORY_INIT (
      zrtp_connection_debug, "zrtpconnection", 0, "What one zrtpenc and one zrtpdec share");
  ok = GST_ELEMENT_REGISTER (zrtpenc, plugin);
  return GST_ELEMENT_REGISTER (zrtpdec, plugin) && ok;
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, zrtp,
    "Key agreement for SRTP between the two ends of a call: ZRTP (RFC 6189)", plugin_init, VERSION,
    "LGPL", PACKAGE, ORIGIN)
