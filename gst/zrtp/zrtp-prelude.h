/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_ZRTP_PRELUDE_H__
#define __GST_ZRTP_PRELUDE_H__

#include <gst/gst.h>

#ifndef GST_ZRTP_API
#ifdef BUILDING_GST_ZRTP
#define GST_ZRTP_API GST_API_EXPORT
#else
#define GST_ZRTP_API GST_API_IMPORT
#endif
#endif

#endif
