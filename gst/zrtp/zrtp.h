/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_ZRTP_H__
#define __GST_ZRTP_H__

#include <gst/zrtp/zrtp-prelude.h>
#include <gst/zrtp/zrtp-enums.h>
#include <gst/zrtp/zrtp-enumtypes.h>
#include <gst/zrtp/cache.h>
#include <gst/zrtp/message.h>
#include <gst/zrtp/record.h>
#include <gst/zrtp/session.h>
#include <gst/zrtp/stream.h>

#endif
