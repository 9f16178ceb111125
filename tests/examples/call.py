#!/usr/bin/python3
"""One side of an encrypted call: speaks a tick to HOST, plays what comes back, prints the SAS.

SPDX-License-Identifier: LGPL-2.1-or-later

  call.py LOCAL_PORT HOST REMOTE_PORT
"""

import sys

import gi
gi.require_version('Gst', '1.0')
from gi.repository import GLib, Gst

if len(sys.argv) != 4:
    sys.exit(__doc__)
local, host, remote = sys.argv[1:]
Gst.init(None)
pipeline = Gst.parse_launch(f'''
    zrtpenc name=enc   zrtpdec name=dec
    audiotestsrc is-live=true wave=ticks ! mulawenc ! rtppcmupay ! enc.rtp_sink_0
    enc.rtp_src_0 ! udpsink host={host} port={remote}
    udpsrc port={local} caps="application/x-rtp, media=audio, clock-rate=8000, encoding-name=PCMU" ! dec.rtp_sink
    dec.rtp_src ! rtpjitterbuffer ! rtppcmudepay ! mulawdec ! audioconvert ! audioresample ! autoaudiosink''')


def on_message(bus, message):
    fields = message.get_structure()
    if message.type == Gst.MessageType.ERROR:
        print(message.parse_error().gerror.message)
        loop.quit()
    elif fields and fields.get_name() == 'zrtp-secure':
        print(f'Secure. Read this to each other: {fields.get_string("sas")}', flush=True)


loop = GLib.MainLoop()
pipeline.bus.add_signal_watch()
pipeline.bus.connect('message', on_message)
pipeline.set_state(Gst.State.PLAYING)
try:
    loop.run()
except KeyboardInterrupt:
    pass
pipeline.set_state(Gst.State.NULL)
