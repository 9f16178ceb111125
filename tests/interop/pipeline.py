#!/usr/bin/env python3
"""zrtpenc and zrtpdec in gst-launch-1.0 against libbzrtp's end, over UDP sockets on loopback.

SPDX-License-Identifier: LGPL-2.1-or-later

  pipeline.py --build DIR [--append-docs FILE]

Each call passes when both ends are secure with the same SAS, libbzrtp's end decrypted at least 50 of
our packets, and at least 50 packets' worth of what came out of zrtpdec has its pattern. Prints TAP.
"""

import argparse
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

SIZE = 160  # octets of a packet; octet i of packet n is (n + i) & 255

CALLS = [
    ('defaults', '', []),
    ('DH3k S384 AES3 HS32 B256',
     'key-agreements=DH3k hashes=S384 ciphers=AES3 auth-tags=HS32 sas-types=B256',
     ['--key-agreements=DH3k', '--hashes=S384', '--ciphers=AES3', '--auth-tags=HS32', '--sas-types=B256']),
    ('best-effort, RTP before ZRTP', 'policy=best-effort', []),
]


def free_ports():
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    for s in sockets:
        s.bind(('127.0.0.1', 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def launch_line(local, remote, properties, heard):
    return f'''gst-launch-1.0 -m zrtpenc name=enc {properties} zrtpdec name=dec
        audiotestsrc is-live=true samplesperbuffer=160 ! audio/x-raw,rate=8000,channels=1 ! mulawenc ! rtppcmupay !
        enc.rtp_sink_0 enc.rtp_src_0 ! udpsink host=127.0.0.1 port={remote} sync=false async=false
        udpsrc address=127.0.0.1 port={local} caps=application/x-rtp,media=audio,clock-rate=8000,encoding-name=PCMU !
        dec.rtp_sink dec.rtp_src ! rtppcmudepay ! filesink location={heard} buffer-mode=unbuffered sync=false'''.split()


def pattern_packets(path):
    with open(path, 'rb') as file:
        data = file.read()
    return sum(all(chunk[i] == (chunk[0] + i) & 255 for i in range(SIZE))
               for chunk in (data[n:n + SIZE] for n in range(0, len(data) - SIZE + 1, SIZE)))


def field(text, name):
    found = re.findall(rf'{name}=(?:\(\w+\))?"?([^;,"\n]*)', text)
    return found[-1].replace('\\', '').strip() if found else ''


def call(build, properties, arguments):
    local, remote = free_ports()
    with tempfile.TemporaryDirectory() as folder:
        heard, log = os.path.join(folder, 'heard'), os.path.join(folder, 'log')
        with open(log, 'w', encoding='utf-8') as output:
            ours = subprocess.Popen(launch_line(local, remote, properties, heard), stdout=output, stderr=output)
        try:
            theirs = subprocess.run(
                [os.path.join(build, 'tests/interop/bzrtp-peer'), f'--local-port={remote}', f'--remote-port={local}',
                 '--packets=120', '--timeout=15', *arguments], capture_output=True, text=True, timeout=40, check=False)
        finally:
            time.sleep(0.2)
            ours.send_signal(signal.SIGINT)
            ours.wait(10)
        with open(log, encoding='utf-8', errors='replace') as file:
            text = file.read()
        secure = [line for line in text.splitlines() if 'zrtp-secure' in line]
        result = [line for line in theirs.stdout.splitlines() if line.startswith('RESULT')]
        if not secure or not result:
            return {'ok': False, 'why': 'not secure', 'log': text + theirs.stdout + theirs.stderr}
        result = dict(part.split('=', 1) for part in re.sub(r' (?=\w+=)', '\n', result[-1][7:]).splitlines())
        outcome = {
            'sas': field(secure[-1], ' sas'),
            'their_sas': result['sas'].replace(':', ' '),
            'out': int(result['decrypted']),
            'in': pattern_packets(heard),
            'role': field(secure[-1], 'role'),
            'log': text + theirs.stdout + theirs.stderr,
        }
        outcome['ok'] = (outcome['sas'] == outcome['their_sas'] != '' and outcome['out'] >= 50 and outcome['in'] >= 50)
        return outcome


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--build', required=True, help='the build folder')
    parser.add_argument('--append-docs', metavar='FILE', help='add the table to this document')
    options = parser.parse_args()
    print(f'1..{len(CALLS)}', flush=True)
    table, failed = [], 0
    for number, (name, properties, arguments) in enumerate(CALLS, 1):
        outcome = call(options.build, properties, arguments)
        failed += not outcome['ok']
        print(f'{"ok" if outcome["ok"] else "not ok"} {number} {name}: SAS {outcome.get("sas")} and '
              f'{outcome.get("their_sas")}, {outcome.get("out")} packets out, {outcome.get("in")} in', flush=True)
        if not outcome['ok']:
            print('\n'.join('# ' + line for line in outcome['log'].splitlines()[-40:]), flush=True)
        table.append(f'| {name} | {outcome.get("role", "")} | {"passed" if outcome["ok"] else "FAILED"} | '
                     f'{"yes" if outcome.get("sas") == outcome.get("their_sas") else "no"} | '
                     f'{outcome.get("out", "")} | {outcome.get("in", "")} |\n')
    if options.append_docs:
        with open(options.append_docs, 'a', encoding='utf-8') as file:
            file.write('\n## Whole pipelines\n\n`gst-launch-1.0` with zrtpenc and zrtpdec against `bzrtp-peer`. Written by\n\n'
                       '    python3 tests/interop/pipeline.py --build build --append-docs docs/interop.md\n\n'
                       '| call | role | result | SAS equal | packets out | packets in |\n|---|---|---|---|--:|--:|\n')
            file.writelines(table)
    sys.exit(failed > 0)


if __name__ == '__main__':
    main()
