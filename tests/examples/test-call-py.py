#!/usr/bin/python3
"""Lets two call.py call each other on this computer: both must print the same SAS.

SPDX-License-Identifier: LGPL-2.1-or-later

Prints TAP; skips itself without the Python bindings of GStreamer.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading

CALL = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'call.py')
PATIENCE = 30                # seconds until both must have printed their SAS


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(('127.0.0.1', 0))
        return str(sock.getsockname()[1])


class Caller:
    def __init__(self, local, remote, cache):
        self.process = subprocess.Popen([sys.executable, CALL, local, '127.0.0.1', remote],
                                        env=dict(os.environ, GST_ZRTP_CACHE=cache),
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.lines = []
        self.sas = None
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        """Reads on after the SAS too, so that the process never waits for us."""
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            found = re.search(r'read this .*: (.+)$', line, re.IGNORECASE)
            if found and not self.sas:
                self.sas = found[1].strip()
                spoken.release()

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return 'killed'


spoken = threading.Semaphore(0)


def main():
    try:
        import gi
        gi.require_version('Gst', '1.0')
    except (ImportError, ValueError) as error:
        print(f'1..0 # SKIP the Python bindings of GStreamer are missing: {error}')
        return 0

    print('1..3')
    ports = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        callers = [Caller(*ports, f'{folder}/alice'), Caller(*reversed(ports), f'{folder}/bob')]
        try:
            for _ in callers:
                spoken.acquire(timeout=PATIENCE)
        finally:
            status = [caller.stop() for caller in callers]
    sas = [caller.sas for caller in callers]
    results = [(None not in sas, f'both sides print a SAS: {sas}'),
               (sas[0] == sas[1] and sas[0] is not None, 'it is the same'),
               (status == [0, 0], f'Ctrl-C ends both well: {status}')]
    for number, (good, text) in enumerate(results, 1):
        print(f'{"ok" if good else "not ok"} {number} - {text}')
    if not all(good for good, _ in results):
        for caller in callers:
            print('# ' + '\n# '.join(caller.lines[-20:]))
    return not all(good for good, _ in results)


if __name__ == '__main__':
    sys.exit(main())
