#!/usr/bin/python3
"""Runs the two sides of an encrypted call, shows them live, and proves what arrived.

SPDX-License-Identifier: LGPL-2.1-or-later

call.sh prepares the two sentences and starts this. Each side is one `gst-launch-1.0 -m`: all that is shown
was read from the messages it prints. Needs Python's standard library only.
"""

import argparse
import array
import re
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import wave
from collections import Counter
from math import sqrt
from operator import mul

RATE = 8000                  # PCMU: 8000 samples a second, one octet each
FRAME = 160                  # ... in RTP packets of 20 ms
LEAD_IN = 2.0                # seconds of silence in which the keys are agreed (policy=required drops them)
LEAD_OUT = 1.5               # silence after the sentences, so that hanging up cuts nothing off
MISSING = 77                 # exit status: something needed is not here (meson shows such a test as skipped)

SIDE = """
zrtpenc name=enc policy={policy} cache-location={cache} {offer}
zrtpdec name=dec
rtpsession name=rtp bandwidth=64000 rtcp-min-interval=500000000
  sdes='application/x-rtp-source-sdes, cname=(string)"{name}@call.example";'
filesrc location={sent} ! wavparse ! mulawenc ! rtppcmupay min-ptime=20000000 max-ptime=20000000
  ! clocksync ! rtp.send_rtp_sink
rtp.send_rtp_src ! enc.rtp_sink_0
enc.rtp_src_0 ! udpsink host=127.0.0.1 port={to_rtp} sync=false async=false
rtp.send_rtcp_src ! enc.rtcp_sink_0
enc.rtcp_src_0 ! udpsink host=127.0.0.1 port={to_rtcp} sync=false async=false
udpsrc address=127.0.0.1 port={rtp} caps="application/x-rtp, media=audio, clock-rate=8000, encoding-name=PCMU"
  ! dec.rtp_sink
dec.rtp_src ! rtp.recv_rtp_sink
udpsrc address=127.0.0.1 port={rtcp} caps=application/x-rtcp ! dec.rtcp_sink
dec.rtcp_src ! rtp.recv_rtcp_sink
rtp.recv_rtp_src ! rtpjitterbuffer ! rtppcmudepay ! mulawdec ! wavenc ! filesink location={heard}
"""


# --- what gst-launch -m prints ---------------------------------------------------------------------------

MESSAGE = re.compile(r'Got message #\d+ from (?:element|pad|object) "[^"]*" \((\S+)\): ([\w/.-]+)(.*)')
FIELD = re.compile(r'([\w-]+)=\(([\w-]+)\)("(?:[^"\\]|\\.)*"|[^,;]*)')


def unquote(text):
    """A GStreamer structure's string: quoted, with \\x and octal \\ooo escapes, when it is not a plain word."""
    if not text.startswith('"'):
        return text
    octets = re.sub(rb'\\([0-3][0-7]{2}|.)',
                    lambda m: bytes([int(m[1], 8)]) if len(m[1]) == 3 else m[1], text[1:-1].encode())
    return octets.decode(errors='replace')


def parse_message(line):
    """(kind, structure name, fields) of a message line of gst-launch, None for any other line."""
    match = MESSAGE.match(line)
    if not match:
        return None
    return match[1], match[2], {name: unquote(value) for name, _, value in FIELD.findall(match[3])}


# --- sound: was that sentence heard? ---------------------------------------------------------------------

def read_wav(path):
    """The samples of a recording; none when there is no recording."""
    try:
        with wave.open(path) as recording:
            samples = array.array('h', recording.readframes(recording.getnframes()))
    except (OSError, EOFError, wave.Error):
        return array.array('h')
    if sys.byteorder == 'big':
        samples.byteswap()
    return samples


def write_wav(path, samples):
    with wave.open(path, 'wb') as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(RATE)
        recording.writeframes(samples.tobytes())


def correlation(a, b):
    """Normalised cross-correlation of two equally long pieces: 1 is the same shape, about 0 is unrelated."""
    power = sqrt(sum(map(mul, a, a)) * sum(map(mul, b, b)))
    return sum(map(mul, a, b)) / power if power else 0.0


def find(piece, where, step=40):
    """Where in `where` the piece fits best: coarsely by loudness per `step` samples, then to the sample."""
    def loudness(samples):
        return [sum(map(abs, samples[i:i + step])) for i in range(0, len(samples) - step + 1, step)]

    wanted, given = loudness(piece), loudness(where)
    coarse = max(range(len(given) - len(wanted) + 1), default=0,
                 key=lambda at: correlation(wanted, given[at:at + len(wanted)])) * step
    near = range(max(0, coarse - 2 * step), min(coarse + 2 * step, len(where) - len(piece)) + 1)
    return max(near, key=lambda at: correlation(piece, where[at:at + len(piece)]))


class Arrival:
    """How much of a sentence is in a recording: .similarity of the whole, .windows lost of 20 ms each."""

    def __init__(self, sentence, heard):
        loud = [i for i, sample in enumerate(sentence) if abs(sample) > 100]
        speech = sentence[loud[0]:loud[-1] + 1]
        padding = array.array('h', bytes(2 * len(speech)))    # so that a part of it can be found too
        padded = padding + heard + padding
        at = find(speech, padded)
        window = padded[at:at + len(speech)]
        self.similarity = correlation(speech, window)
        self.equal = speech == window
        pieces = [(speech[i:i + FRAME], window[i:i + FRAME]) for i in range(0, len(speech), FRAME)]
        spoken = [(a, b) for a, b in pieces if max(map(abs, a)) > 100]
        self.windows = len(spoken)
        self.lost = sum(a != b and correlation(a, b) < 0.9 for a, b in spoken)

    @property
    def whole(self):
        return self.similarity >= 0.9 and self.lost == 0

    def __str__(self):
        if self.equal:
            return 'arrived whole, every sample equal'
        verdict = 'arrived whole' if self.whole else 'did NOT arrive whole'
        return f'{verdict}: similarity {self.similarity:.3f}, {self.lost} of {self.windows} pieces of 20 ms lost'


# --- the wire: what a listener could have recorded ---------------------------------------------------------

def udp_packets(path):
    """(number, destination port, payload) of each UDP packet in a pcap file of an Ethernet-like interface."""
    with open(path, 'rb') as capture:
        data = capture.read()
    order = {b'\xd4\xc3\xb2\xa1': '<', b'\xa1\xb2\xc3\xd4': '>'}[data[:4]]
    at, number = 24, 0
    while at + 16 <= len(data):
        length = struct.unpack_from(order + 'I', data, at + 8)[0]
        frame = data[at + 16:at + 16 + length]
        at, number = at + 16 + length, number + 1
        if frame[12:14] != b'\x08\x00' or frame[23] != 17:
            continue
        ip = frame[14:]
        udp = ip[4 * (ip[0] & 15):]
        port, size = struct.unpack_from('>HH', udp, 2)
        yield number, port, udp[8:size]


def telling(octets, size=20):
    """All pieces of `size` octets that are sound and not silence, so that none of them occurs by chance."""
    pieces = (octets[i:i + size] for i in range(len(octets) - size + 1))
    return {piece for piece in pieces if len(set(piece)) >= 8}


class Wire:
    """What a capture of a call shows. `clear` is the PCMU that was spoken, `names` what RTCP tells of people.

    Nothing of both may be found after the first SRTP packet, and with policy=required none at all.
    """

    def __init__(self, path, rtp_ports, rtcp_ports, clear, names, required=False):
        pieces = telling(clear[0]) | telling(clear[1])
        frames = {sound[i:i + FRAME] for sound in clear for i in range(0, len(sound), FRAME)}
        self.required = required
        self.pieces = len(pieces)
        self.first_srtp = None
        self.protected = Counter()
        self.leaks = []
        for number, port, payload in udp_packets(path):
            rtp = port in rtp_ports and len(payload) > 12 and payload[0] >> 6 == 2
            if rtp and len(payload) > 12 + FRAME:      # one frame and, behind it, an authentication tag
                self.first_srtp = self.first_srtp or number
                self.protected[port] += 1
            if self.first_srtp is None and not required:
                continue
            if rtp and payload[12:12 + FRAME] in frames:
                self.leaks.append(f'packet {number} is clear RTP')
            elif any(payload[i:i + 20] in pieces for i in range(len(payload) - 19)):
                self.leaks.append(f'packet {number} has clear audio in it')
            elif port in rtcp_ports and any(name in payload for name in names):
                self.leaks.append(f'packet {number} is clear RTCP')
        self.both_ways = all(self.protected[port] for port in rtp_ports)

    @property
    def good(self):
        return self.both_ways and not self.leaks

    def __str__(self):
        found = 'NO SRTP packet was captured'
        if self.first_srtp:
            found = f'first SRTP packet: number {self.first_srtp}, then {sum(self.protected.values()) - 1} more'
            if not self.both_ways:
                found += ', in ONE DIRECTION only'
        if self.leaks:
            leaks = ', '.join(self.leaks[:3]) + (f' … {len(self.leaks)} in all' if self.leaks[3:] else '')
            return f'{found}; in the clear, but should not be: {leaks}'
        since = 'in the whole call' if self.required else 'after it'
        return f'{found}; nothing in the clear {since} ({self.pieces} pieces of the sentences looked for)'


class Zrtp:
    """What tshark says about the ZRTP packets of a capture."""

    def __init__(self, path, rtp_ports):
        command = ['tshark', '-n', '-r', path, '-Y', 'zrtp', '-T', 'fields',
                   '-e', 'zrtp.type', '-e', 'zrtp.checksum.status']
        for port in rtp_ports:
            command += ['-d', f'udp.port=={port},rtp']
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        rows = [line.split('\t') for line in done.stdout.splitlines()]
        self.error = done.stderr.strip().splitlines()[-1:] if done.returncode else None
        self.types = Counter(row[0].strip() for row in rows)
        self.bad = sum(row[1] not in ('1', 'Good') for row in rows)

    @property
    def good(self):
        return not self.error and self.bad == 0 and self.types['Commit'] > 0 and self.types['Conf2ACK'] > 0

    def __str__(self):
        if self.error:
            return f'tshark failed: {self.error[0]}'
        if not self.types:
            return 'NO ZRTP packet found by tshark'
        kinds = ', '.join(f'{name} {count}' for name, count in self.types.items())
        checksums = f'{self.bad} BAD checksums' if self.bad else 'all checksums good'
        return f'tshark finds ZRTP ({kinds}), {checksums}'


class Capture:
    """dumpcap on the loopback interface, from before the call until after it."""

    def __init__(self, path, ports):
        self.path = path
        if not shutil.which('dumpcap') or not shutil.which('tshark'):
            raise LookupError('--capture needs dumpcap and tshark: apt-get install tshark')
        self.process = subprocess.Popen(
            ['dumpcap', '-q', '-P', '-i', 'lo', '-w', path, '-f', ' or '.join(f'udp port {p}' for p in ports)],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        said = []
        for line in self.process.stderr:
            if line.startswith('File:'):      # from here on it records
                return
            said.append(line.strip())
        self.process.wait()
        reason = [line for line in said if line.startswith('dumpcap:')] or said or ['it said nothing']
        raise LookupError(f'--capture needs root, or membership in the group that may capture. {reason[0]}')

    def stop(self):
        time.sleep(0.3)                       # what the kernel still holds
        self.process.send_signal(signal.SIGINT)
        self.process.communicate()


# --- one side of the call ------------------------------------------------------------------------------------

class Side:
    """One gst-launch process and what it said so far."""

    def __init__(self, name, options, directory, local, remote):
        self.name = name
        self.peer = None
        self.process = None
        self.started = time.monotonic()
        self.changed = threading.Event()
        self.state = 'starting'
        self.secure = {}
        self.seconds_to_secure = None
        self.rtcp_from = None
        self.problems = []           # each of them fails the call
        self.notes = []              # worth showing, no more
        self.log = f'{directory}/{name}.log'
        self.sent = f'{directory}/{name}-sent.wav'
        self.heard = f'{directory}/{name}-heard.wav'
        self.sentence = read_wav(f'{directory}/{name}-sentence.wav')
        offer = f'key-agreements={options.key_agreements}' if options.key_agreements else ''
        pipeline = SIDE.format(
            name=name, policy=options.policy, offer=offer, cache=shlex.quote(f'{directory}/{name}.sqlite'),
            sent=shlex.quote(self.sent), heard=shlex.quote(self.heard),
            rtp=local, rtcp=local + 1, to_rtp=remote, to_rtcp=remote + 1)
        self.command = 'gst-launch-1.0 -m -e' + pipeline.rstrip().replace('\n', ' \\\n  ')

    def start(self, changed):
        self.changed = changed
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            shlex.split(self.command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors='replace')
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        with open(self.log, 'w') as log:
            log.write(self.command + '\n\n')
            for line in self.process.stdout:
                log.write(line)
                self.handle(line.rstrip('\n'))
        self.changed.set()

    def handle(self, line):
        if line.startswith(('ERROR', 'WARNING: erroneous')):
            self.problems.append(line)
        elif line.startswith('WARNING'):
            self.notes.append(line)
        message = parse_message(line)
        if not message or message[0] != 'element':
            return
        _, name, fields = message
        if name == 'zrtp-state' and fields['state'] != 'secure':      # zrtp-secure tells that, and how
            self.state = fields['state']
        elif name == 'zrtp-secure':
            self.secure = fields
            self.state = 'secure'
            self.seconds_to_secure = time.monotonic() - self.started
        elif name == 'zrtp-failed':
            self.state = 'failed'
            self.problems.append(f'ZRTP failed (0x{int(fields["code"]):x}): {fields["text"]}')
        elif name == 'zrtp-warning':
            self.notes.append(f'ZRTP warning ({fields["code"]}): {fields["text"]}')
        elif name == 'application/x-rtp-source-sdes':
            self.rtcp_from = fields.get('cname')
        else:
            return
        self.changed.set()

    @property
    def is_secure(self):
        return self.state == 'secure'

    @property
    def has_rtcp(self):
        return self.rtcp_from == f'{self.peer.name}@call.example'

    def show(self, lock):
        line = f'{self.name:<6} {lock if self.is_secure else "  "} {self.state:<12}'
        if self.secure:
            field = self.secure.get
            algorithms = ' '.join(field(kind, '?').strip() for kind in
                                  ('key-agreement', 'hash', 'cipher', 'auth-tag', 'sas-type'))
            line += f' SAS {field("sas", "?")}   {algorithms}   {field("role", "?")}  {self.seconds_to_secure:.1f} s'
        if self.has_rtcp:
            line += '  RTCP'
        for text in (self.problems or self.notes)[-1:]:
            line += '  ' + text
        return line

    def stop(self):
        """Hang up: -e turns SIGINT into an end of stream, which completes the recording's header."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)

    def wait(self, seconds=10):
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.problems.append(f'did not hang up within {seconds} s')
            self.process.kill()
            self.process.wait()
        self.reader.join(5)


class View:
    """One line per side: redrawn in place on a terminal, printed when it changed otherwise."""

    def __init__(self, sides):
        self.sides = sides
        self.live = sys.stdout.isatty()
        self.shown = [''] * len(sides)
        try:
            '🔒'.encode(sys.stdout.encoding)
            self.lock = '🔒'
        except UnicodeEncodeError:
            self.lock = '##'
        if self.live:
            print('\n' * len(sides), end='')

    def draw(self):
        lines = [side.show(self.lock) for side in self.sides]
        if self.live:
            width = shutil.get_terminal_size().columns - 2     # a wrapped line could not be redrawn
            print(f'\033[{len(lines)}A' + ''.join(f'\r\033[2K{line[:width]}\n' for line in lines), end='')
        else:
            for line, before in zip(lines, self.shown):
                if line != before:
                    print(line)
        self.shown = lines
        sys.stdout.flush()


# --- the call ------------------------------------------------------------------------------------------------

def free_ports(count):
    """Even ports of 127.0.0.1 that are free together with the odd port above them."""
    found, sockets = [], []
    while len(found) < count:
        rtp, rtcp = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        sockets += [rtp, rtcp]
        rtp.bind(('127.0.0.1', 0))
        port = rtp.getsockname()[1]
        try:
            rtcp.bind(('127.0.0.1', port + 1))
        except OSError:
            continue
        if port % 2 == 0:
            found.append(port)
    for sock in sockets:
        sock.close()
    return found


def silence(seconds):
    return array.array('h', bytes(2 * int(seconds * RATE)))


def prepare(sides, seconds):
    """Both sides get their sentence between silences, both equally long; returns the length of the call."""
    length = max([LEAD_IN + len(side.sentence) / RATE + LEAD_OUT for side in sides] + [seconds])
    for side in sides:
        speech = silence(LEAD_IN) + side.sentence
        write_wav(side.sent, speech + silence(length + 1 - len(speech) / RATE))
    return length


def pcmu(side):
    """The octets that travel in the clear when nothing protects them, from the encoder that the call uses."""
    path = side.sent.replace('.wav', '.pcmu')
    subprocess.run(['gst-launch-1.0', '-q', 'filesrc', f'location={side.sent}', '!', 'wavparse', '!', 'mulawenc',
                    '!', 'filesink', f'location={path}'], check=True)
    with open(path, 'rb') as sound:
        return sound.read()


def run(sides, length):
    """The call itself, until the sentences are over or a side stops by itself."""
    changed = threading.Event()
    view = View(sides)
    try:
        for side in sides:
            side.start(changed)
        end = time.monotonic() + length
        while time.monotonic() < end and all(side.process.poll() is None for side in sides):
            view.draw()
            changed.wait(min(1, max(0, end - time.monotonic())))
            changed.clear()
        for side in sides:
            if side.process.poll() is not None:
                side.problems.append('ended before the call was over')
        view.draw()
    finally:
        started = [side for side in sides if side.process]
        for side in started:
            side.stop()
        for side in started:
            side.wait()


def report(sides, wire, zrtp):
    """Prints what happened and returns the list of what was wrong."""
    wrong = []

    def check(good, text):
        print(f'  {"ok" if good else "NOT OK":<7} {text}')
        if not good:
            wrong.append(text)

    alice, bob = sides
    print()
    for side in sides:
        for problem in side.problems:
            check(False, f'{side.name}: {problem}')
        for note in side.notes:
            print(f'  note    {side.name}: {note}')
        check(side.is_secure, f'{side.name} is {"secure" if side.is_secure else "NOT secure: " + side.state}')
    sas = [side.secure.get('sas') for side in sides]
    same = sas[0] is not None and sas[0] == sas[1]
    check(same, f'SAS  alice {sas[0] or "none"}  bob {sas[1] or "none"}  {"MATCH" if same else "NO MATCH"}')
    for side in sides:
        arrival = Arrival(side.sentence, read_wav(side.peer.heard))
        check(arrival.whole, f"{side.name}'s sentence {arrival}")
    for side in sides:
        check(side.has_rtcp, f'RTCP from {side.peer.name} {"reached" if side.has_rtcp else "did NOT reach"} '
              f'{side.name}')
    for finding in (zrtp, wire):
        if finding:
            check(finding.good, f'capture: {finding}')
    return wrong


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--dir', required=True, help='where NAME-sentence.wav are; everything else goes there too')
    parser.add_argument('--keep', action='store_true', help='leave the folder when all went well')
    parser.add_argument('--capture', metavar='FILE')
    parser.add_argument('--policy', default='required')
    parser.add_argument('--key-agreements')
    parser.add_argument('--seconds', type=float, default=0)
    return parser.parse_args()


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)     # so that nothing we started outlives us
    ports = free_ports(2)
    sides = [Side('alice', options, options.dir, *ports), Side('bob', options, options.dir, *reversed(ports))]
    sides[0].peer, sides[1].peer = sides[1], sides[0]
    length = prepare(sides, options.seconds)
    rtcp_ports = [port + 1 for port in ports]
    pcap = f'{options.dir}/call.pcap'
    try:
        capture = Capture(pcap, ports + rtcp_ports) if options.capture else None
    except LookupError as error:
        print(f'call.sh: {error}', file=sys.stderr)
        if not options.keep:
            shutil.rmtree(options.dir)
        return MISSING

    print(f'A call of {length:.0f} s over UDP on 127.0.0.1, ports {ports[0]} and {ports[1]}, policy {options.policy}')
    try:
        run(sides, length)
    except KeyboardInterrupt:
        print(f'Stopped. Logs are in {options.dir}')
        return 1
    finally:
        if capture:
            capture.stop()
    wire = zrtp = None
    if capture:
        shutil.copyfile(pcap, options.capture)
        names = [f'{side.name}@call.example'.encode() for side in sides]
        wire = Wire(pcap, ports, rtcp_ports, [pcmu(side) for side in sides], names,
                    options.policy == 'required')
        zrtp = Zrtp(pcap, ports)

    wrong = report(sides, wire, zrtp)
    print()
    if wrong:
        print(f'The call FAILED: {wrong[0]}' + (f' (and {len(wrong) - 1} more)' if wrong[1:] else ''))
        print(f'Each side\'s log, recordings and pipeline are in {options.dir}')
        return 1
    print('The call was encrypted, and every sentence arrived.')
    if options.capture:
        print(f'What was on the wire: {options.capture}')
    if options.keep:
        print(f'Logs and recordings: {options.dir}')
    else:
        shutil.rmtree(options.dir)
    return 0


if __name__ == '__main__':
    sys.exit(main())
