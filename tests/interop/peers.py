"""The programs at the ends of a call: started, told to make calls, and heard.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import queue
import socket
import subprocess
import sys
import tempfile
import threading
import time

WRONG_ROLE = 3  # exit code of a peer when contention gave it the role it does not want
LIMIT = 60  # seconds for one call; the peers' own timeouts are shorter


class Ports:
    """UDP ports nobody uses, never the same one twice."""

    def __init__(self):
        self.lock = threading.Lock()
        self.given = set()

    def take(self):
        with self.lock:
            while True:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                    probe.bind(('127.0.0.1', 0))
                    port = probe.getsockname()[1]
                if port not in self.given:
                    self.given.add(port)
                    return str(port)


def find_program(build, name):
    program = build / 'tests' / 'interop' / name
    if not program.exists():
        sys.exit(f'{program} is not there: build it with meson compile -C {build}')
    return str(program.resolve())


def version(program):
    return subprocess.run([program, '--version'], stdout=subprocess.PIPE, text=True,
                          check=True).stdout.strip()


def parse_fields(line):
    fields = dict(word.split('=', 1) for word in line.split()[1:])
    numbers = ('stream', 'secure', 'decrypted', 'pattern_ok', 'sent', 'rtcp', 'rejected', 'early', 'clear_mode_sent',
               'clear_mode_received')
    return {name: int(value) if name in numbers else value for name, value in fields.items()}


class Peer:
    """A program that makes one call after the other; what it hears of itself goes into `heard`."""

    def __init__(self, side, program, heard):
        # the peers need no plugin; looking for them would take longer than the call
        environment = dict(os.environ, GST_REGISTRY_DISABLE='yes', GST_PLUGIN_SYSTEM_PATH_1_0='',
                           GST_PLUGIN_PATH_1_0='', GST_PLUGIN_PATH='')
        self.side, self.heard = side, heard
        self.errors = tempfile.TemporaryFile('w+', encoding='utf-8')
        self.process = subprocess.Popen([program, '--script'], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.errors, env=environment, text=True, bufsize=1)
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        for line in self.process.stdout:
            self.heard.put((self.side, line.strip()))
        self.heard.put((self.side, 'END died'))

    def tell(self, line):
        try:
            self.process.stdin.write(line + '\n')
        except BrokenPipeError:
            pass  # it died: listen() says so

    def close(self, kill=False):
        if kill:
            self.process.kill()
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        code = self.process.wait(LIMIT)
        self.thread.join()
        self.process.stdout.close()
        self.errors.seek(0)
        text = self.errors.read()
        self.errors.close()
        return code, text


class Ends:
    """The peers of a row of calls, each a process."""

    def __init__(self, programs):
        self.heard = queue.Queue()
        self.peers = {side: Peer(side, program, self.heard) for side, program in programs.items()}
        self.log = ''
        self.wait_until_ready()

    def wait_until_ready(self):
        """So that the calls of all begin at one time."""
        for _ in self.peers:
            side, line = self.heard.get(timeout=LIMIT)
            if line != 'READY':
                self.heard.put((side, line))  # it died: call() says so
                return

    def call(self, lines, relay, late=0):
        """Has each side make the call of its line. Side -> {'exit': code, 'streams': [fields of a RESULT]}.

        `relay` gives what the other side hears of a HELLO-HASH line.
        """
        results = {side: {'exit': None, 'streams': []} for side in self.peers}
        for number, (side, line) in enumerate(lines.items()):
            self.log += f'{side}: {line}\n'
            if number:
                time.sleep(late)
            self.peers[side].tell(line)
        deadline = time.monotonic() + LIMIT
        while any(result['exit'] is None for result in results.values()):
            try:
                side, line = self.heard.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                self.log += 'the call does not end\n'
                break
            self.log += f'{side}: {line}\n'
            if line.startswith('HELLO-HASH'):
                for other in self.peers:
                    if other != side:
                        self.peers[other].tell(relay(side, line))
            elif line.startswith('RESULT'):
                results[side]['streams'].append(parse_fields(line))
            elif line.startswith('END'):
                results[side]['exit'] = line[4:]
                if line[4:] in (str(WRONG_ROLE), 'died'):
                    break
        return results

    def close(self, kill=False):
        """Ends all processes; the problems of those that did not end well."""
        problems = []
        for side, peer in self.peers.items():
            code, errors = peer.close(kill)
            self.log += ''.join(f'{side} says: {line}\n' for line in errors.splitlines())
            if code < 0 and not kill:
                problems.append(f'{side}: ended by signal {-code}')
        return problems
