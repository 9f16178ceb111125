#!/usr/bin/env python3
"""zrtpenc and zrtpdec in gst-launch-1.0, over UDP sockets on loopback: against libbzrtp's end, and two of them.

SPDX-License-Identifier: LGPL-2.1-or-later

  pipeline.py --build DIR [--append-docs FILE]

A call has one pair of elements a stream; the pairs of a call have one session-id. It passes when both ends are
secure in the right modes with one SAS, at least 50 packets of each of our streams were decrypted at the other end,
and what came out of each zrtpdec is what was sent. Prints TAP.
"""

import argparse
import concurrent.futures
import dataclasses
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

from peers import Ports, find_program, parse_fields

ENOUGH = 50  # packets, or frames, of each stream that must come through
SIZE = 160  # octets of bzrtp-peer's payload; octet i of packet n is (n + i) & 255
PATIENCE = 20  # seconds until a call must have been secure and heard
FRAME = 'video/x-raw,format=RGB,width=16,height=16,framerate=50/1'  # a packet each
FRAME_SIZE = 16 * 16 * 3

# What a stream sends; the same each time, and no piece of it is there twice.
SOURCES = {
    'audio': 'audiotestsrc {} freq=123.456 samplesperbuffer=160 ! audio/x-raw,rate=8000,channels=1 ! mulawenc',
    'video': 'videotestsrc {} pattern=ball ! ' + FRAME,
    'music': 'audiotestsrc {} freq=77.77 wave=saw samplesperbuffer=160 ! audio/x-raw,format=S16BE,rate=8000,channels=1',
}
# How it is told on the network: the payloader, the caps, the depayloader.
RTP = {
    'audio': ('rtppcmupay', 'media=audio,clock-rate=8000,encoding-name=PCMU,payload=0', 'rtppcmudepay'),
    'video': ('rtpvrawpay', 'media=video,clock-rate=90000,encoding-name=RAW,sampling=RGB,depth=(string)8,'
              'width=(string)16,height=(string)16,payload=96', 'rtpvrawdepay'),
    'music': ('rtpL16pay min-ptime=20000000 max-ptime=20000000',
              'media=audio,clock-rate=8000,encoding-name=L16,channels=1,payload=96', 'rtpL16depay'),
}
PACKET = {'audio': 160, 'video': FRAME_SIZE, 'music': 320}


@dataclasses.dataclass
class Call:
    name: str
    streams: tuple = ('audio',)
    properties: str = ''  # of our zrtpenc
    arguments: tuple = ()  # of bzrtp-peer
    two_pipelines: bool = False


CALLS = [
    Call('defaults'),
    Call('DH3k S384 AES3 HS32 B256',
         properties='key-agreements=DH3k hashes=S384 ciphers=AES3 auth-tags=HS32 sas-types=B256',
         arguments=('--key-agreements=DH3k', '--hashes=S384', '--ciphers=AES3', '--auth-tags=HS32', '--sas-types=B256')),
    Call('best-effort, RTP before ZRTP', properties='policy=best-effort'),
    Call('audio and video', ('audio', 'video')),
    Call('audio and video, S384 AES3', ('audio', 'video'), 'hashes=S384 ciphers=AES3',
         ('--hashes=S384', '--ciphers=AES3')),
    Call('two pipelines: audio, video and music', ('audio', 'video', 'music'), two_pipelines=True),
]


# --- Our end -----------------------------------------------------------------------------------------

class Pipeline:
    """gst-launch-1.0 with a pair of elements for each stream."""

    def __init__(self, call, local, remote, folder, name, hears_pattern):
        self.folder, self.name = folder, name
        line = ['gst-launch-1.0 -m']
        for i, kind in enumerate(call.streams):
            pay, caps, depay = RTP[kind]
            if hears_pattern:
                caps, depay = RTP['audio'][1:]
            ids = f'connection-id={kind} session-id=call'
            line += [f'zrtpenc name=enc{i} {ids} {call.properties if i == 0 else ""} zrtpdec name=dec{i} {ids}',
                     f'{SOURCES[kind].format("is-live=true")} ! {pay} !',
                     f'enc{i}.rtp_sink_0 enc{i}.rtp_src_0 ! udpsink host=127.0.0.1 port={remote[i]} sync=false async=false',
                     f'udpsrc address=127.0.0.1 port={local[i]} caps=application/x-rtp,{caps} !',
                     f'dec{i}.rtp_sink dec{i}.rtp_src ! {depay} !',
                     f'filesink location={self.heard_path(kind)} buffer-mode=unbuffered sync=false async=false']
        self.output = open(folder / f'{name}.log', 'w', encoding='utf-8')
        self.process = subprocess.Popen(' '.join(line).split(), stdout=self.output, stderr=self.output)

    def heard_path(self, kind):
        return self.folder / f'{self.name}-{kind}.heard'

    def heard(self, kind):
        path = self.heard_path(kind)
        return path.read_bytes() if path.exists() else b''

    def log(self):
        return (self.folder / f'{self.name}.log').read_text(encoding='utf-8', errors='replace')

    def secure(self):
        """connection-id -> fields of its zrtp-secure message."""
        found = {}
        for line in self.log().splitlines():
            if 'zrtp-secure' in line:
                fields = {name: value.replace('\\', '').strip() for name, value in
                          re.findall(r'([a-z-]+)=\(\w+\)("(?:[^"])*"|[^,;]*)', line)}
                found[fields['connection-id']] = {name: value.strip('" ') for name, value in fields.items()}
        return found

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.output.close()


# --- What came through ---------------------------------------------------------------------------------

def pattern_packets(data):
    return sum(all(chunk[i] == (chunk[0] + i) & 255 for i in range(SIZE))
               for chunk in (data[n:n + SIZE] for n in range(0, len(data) - SIZE + 1, SIZE)))


def right_packets(kind, sent, heard):
    """Packets, all of them, when what was heard is a piece of what was sent; 0 otherwise."""
    whole = heard[:len(heard) - len(heard) % PACKET[kind]]
    at = sent.find(whole)
    if not whole or at < 0 or (kind == 'video' and at % FRAME_SIZE):
        return 0
    return len(whole) // PACKET[kind]


def all_media():
    """What the sources send while a call lasts; kind -> octets."""
    return {kind: subprocess.run(
        ['gst-launch-1.0', '-q', *source.format(f'num-buffers={50 * PATIENCE}').split(), '!', 'fdsink'],
        stdout=subprocess.PIPE, check=True).stdout for kind, source in SOURCES.items()}


# --- Calls -----------------------------------------------------------------------------------------------

def judge_modes(call, secure):
    """The first exchange is DH and has the SAS of all."""
    if set(secure) != set(call.streams):
        yield f'secure: {sorted(secure)}, not {sorted(call.streams)}'
        return
    modes = sorted(fields['mode'] for fields in secure.values())
    if modes != ['dh'] + ['multistream'] * (len(call.streams) - 1):
        yield f'modes: {modes}'
    if len({fields['sas'] for fields in secure.values()}) != 1:
        yield f'SAS: {[fields["sas"] for fields in secure.values()]}'
    if {fields['session-id'] for fields in secure.values()} != {'call'}:
        yield 'a message names another session'


def judge_counts(counts):
    for kind, (out, into) in counts.items():
        if min(out, into) < ENOUGH:
            yield f'{kind}: {out} packets out, {into} in, {ENOUGH} needed'


def outcome_of(call, secure, their_sas, counts, log):
    problems = [*judge_modes(call, secure), *judge_counts(counts)]
    sas = next((fields['sas'] for fields in secure.values()), '')
    if not sas or sas != their_sas:
        problems.append(f'SAS differ: "{sas}", "{their_sas}"')
    return {'call': call, 'problems': problems, 'same_sas': sas == their_sas, 'counts': counts, 'log': log,
            'modes': ', '.join(f'{secure[kind]["mode"]}: {secure[kind]["role"]}' for kind in call.streams if kind in secure)}


def with_bzrtp(call, program, ports, folder):
    local, remote = ([ports.take() for _ in call.streams] for _ in range(2))
    ours = Pipeline(call, local, remote, folder, 'ours', hears_pattern=True)
    try:
        theirs = subprocess.run([program, '--local-port', ','.join(remote), '--remote-port', ','.join(local),
                                 '--packets=120', f'--timeout={PATIENCE}', *call.arguments],
                                capture_output=True, text=True, timeout=2 * PATIENCE, check=False)
        time.sleep(0.2)
    finally:
        ours.stop()
    results = [parse_fields(line) for line in theirs.stdout.splitlines() if line.startswith('RESULT')]
    counts = {kind: (results[i]['decrypted'] if i < len(results) else 0, pattern_packets(ours.heard(kind)))
              for i, kind in enumerate(call.streams)}
    their_sas = results[0]['sas'].replace(':', ' ') if results else ''
    return outcome_of(call, ours.secure(), their_sas, counts, ours.log() + theirs.stdout + theirs.stderr)


def has_heard(pipelines, call):
    return all(len(pipeline.heard(kind)) >= 2 * ENOUGH * PACKET[kind]
               for pipeline in pipelines for kind in call.streams)


def two_pipelines(call, ports, folder, sent):
    local, remote = ([ports.take() for _ in call.streams] for _ in range(2))
    ends = [Pipeline(call, local, remote, folder, 'one', hears_pattern=False),
            Pipeline(call, remote, local, folder, 'other', hears_pattern=False)]
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and not has_heard(ends, call):
        time.sleep(0.1)
    for end in ends:
        end.stop()
    counts = {kind: tuple(right_packets(kind, sent[kind], end.heard(kind)) for end in reversed(ends))
              for kind in call.streams}
    one, other = (end.secure() for end in ends)
    result = outcome_of(call, one, next((fields['sas'] for fields in other.values()), ''), counts,
                        ends[0].log() + ends[1].log())
    result['problems'] += judge_modes(call, other)
    return result


def run(call, program, ports, sent):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        if call.two_pipelines:
            return two_pipelines(call, ports, folder, sent)
        return with_bzrtp(call, program, ports, folder)


# --- Reports -----------------------------------------------------------------------------------------------

def print_tap(number, outcome):
    counts = ', '.join(f'{kind} {out} out {into} in' for kind, (out, into) in outcome['counts'].items())
    print(f'{"not ok" if outcome["problems"] else "ok"} {number} {outcome["call"].name}: {outcome["modes"]}; {counts}')
    if outcome['problems']:
        for line in outcome['problems'] + outcome['log'].splitlines()[-60:]:
            print(f'# {line}')
    sys.stdout.flush()


def table_row(outcome):
    counts = outcome['counts'].values()
    cells = [outcome['call'].name, outcome['modes'],
             'failed: ' + outcome['problems'][0] if outcome['problems'] else 'passed',
             'yes' if outcome['same_sas'] else 'no',
             ', '.join(str(out) for out, _ in counts), ', '.join(str(into) for _, into in counts)]
    return '| ' + ' | '.join(cells) + ' |\n'


DOCUMENT = '''
## Whole pipelines

`gst-launch-1.0` with a pair of zrtpenc and zrtpdec for each stream, against `bzrtp-peer` or against another such
pipeline. The modes and roles are those of the streams one by one. In a call between two pipelines what came out is
compared with what went in, octet by octet. Written by

    python3 tests/interop/pipeline.py --build build --append-docs docs/interop.md

| call | mode and our role | result | SAS equal | packets out | packets in |
|---|---|---|---|--:|--:|
'''


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--build', required=True, type=pathlib.Path, help='the build folder')
    parser.add_argument('--append-docs', metavar='FILE', help='add the table to this document')
    options = parser.parse_args()
    program, ports = find_program(options.build, 'bzrtp-peer'), Ports()
    print(f'1..{len(CALLS)}', flush=True)
    sent = all_media()  # and the plugin registry is there for all
    outcomes = []
    with concurrent.futures.ThreadPoolExecutor(len(CALLS)) as pool:
        for outcome in pool.map(lambda call: run(call, program, ports, sent), CALLS):
            outcomes.append(outcome)
            print_tap(len(outcomes), outcome)
    if options.append_docs:
        with open(options.append_docs, 'a', encoding='utf-8') as file:
            file.write(DOCUMENT)
            file.writelines(table_row(outcome) for outcome in outcomes)
    sys.exit(any(outcome['problems'] for outcome in outcomes))


if __name__ == '__main__':
    main()
