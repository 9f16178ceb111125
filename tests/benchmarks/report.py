#!/usr/bin/env python3
"""Runs the benchmarks and writes docs/performance.md and docs/performance.svg from what they print.

SPDX-License-Identifier: LGPL-2.1-or-later

  report.py --build DIR [--docs DIR] [--rounds N] [--cache]
"""

import argparse
import os
import re
import subprocess
import sys

from report_cache import TITLE, write_cache

BARS = {'X255': (1.15, 2.5), 'EC25': (1.15, None), 'X448': (1.05, None), 'EC38': (1.05, None), 'EC52': (1.05, None),
        'DH2k': (1.05, 2.0), 'DH3k': (1.05, 2.0)}

NETWORKS = [('no loss', ['--loss', '0']), ('5 % loss', ['--loss', '5']), ('20 % loss', ['--loss', '20']),
            ('40 % loss', ['--loss', '40']), ('5 % loss, reordered', ['--loss', '5', '--jitter', '150']),
            ('10 % loss, one end 61 s late', ['--loss', '10', '--gap', '61000'])]


def run(command):
    print('+', ' '.join(command), file=sys.stderr, flush=True)
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def fields(line):
    return dict(re.findall(r'(\w+)=(\S+)', line))


def machine():
    with open('/proc/cpuinfo', encoding='ascii', errors='replace') as file:
        found = re.search(r'model name\s*: (.*)', file.read())
    return found.group(1) if found else 'unknown processor'


def draw(rows, path):
    """Horizontal bars, one scale for each key agreement: what a handshake must cost, ours, libbzrtp's."""
    colours = {'floor': '#9aa5b1', 'ours': '#2a7f62', 'bzrtp': '#c8553d'}
    left, width, height, y = 150, 420, 18, 50
    parts = []
    for name, row in rows.items():
        bars = [(kind, float(row[f'{kind}_us'])) for kind in colours if row[f'{kind}_us'] != '-']
        scale = width / max(value for _, value in bars)
        parts.append(f'<text x="10" y="{y + 14}" font-weight="bold">{name}</text>')
        for kind, value in bars:
            parts.append(f'<text x="{left - 8}" y="{y + 14}" text-anchor="end">{kind}</text>'
                         f'<rect x="{left}" y="{y}" width="{value * scale:.1f}" height="{height}" fill="{colours[kind]}"/>'
                         f'<text x="{left + value * scale + 6:.1f}" y="{y + 14}">{value:.0f} µs</text>')
            y += height + 4
        y += 14
    with open(path, 'w', encoding='utf-8') as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="680" height="{y}" font-family="sans-serif" '
                   f'font-size="13"><rect width="100%" height="100%" fill="white"/><text x="10" y="24" font-size="15">'
                   f'CPU time of a DH handshake, both ends</text>{"".join(parts)}</svg>\n')


MEDIA_BAR = 0.95


def write_media(out, build):
    lines = run([os.path.join(build, 'tests/benchmarks/media')]).splitlines()
    rows = [(line.split()[1], fields(line)) for line in lines]
    out.write('\n## A media packet\n\n'
              'CPU time of a packet from a source pad through zrtpenc and zrtpdec to a sink pad, one thread, against the same\n'
              f'through srtpenc and srtpdec alone (`tests/benchmarks/media`). Bar: throughput ≥ {MEDIA_BAR} of theirs.\n\n'
              '| algorithms | payload | ours | srtpenc, srtpdec | more | throughput |\n|---|--:|--:|--:|--:|--:|\n')
    for name, row in rows:
        algorithms, size = name.rsplit('-', 1)
        out.write(f'| {algorithms.replace("-", ", ")} | {size} octets | {row["ours_ns"]} ns | {row["bare_ns"]} ns | '
                  f'{row["more_ns"]} ns | {row["throughput_vs_bare"]} |\n')
    out.write('\nA packet is pushed into one more pad behind srtpenc, and one behind srtpdec, beyond which nothing of keys can be\n'
              'seen; and zrtpdec looks what kind of packet it is. That costs about 0.2 µs whatever the algorithms, so it weighs\n'
              'most where they are fast: two such pads alone, with nothing done in them, take 4 % of the time with GCM.\n')
    return lines


def replace_cache(options):
    path = os.path.join(options.docs, 'performance.md')
    with open(path, encoding='utf-8') as file:
        rest = file.read().split(f'\n{TITLE}\n')[0]
    with open(path, 'w', encoding='utf-8') as out:
        out.write(rest)
        return write_cache(out, run, options.build, options.docs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--build', required=True)
    parser.add_argument('--docs', default=os.path.join(os.path.dirname(__file__), '../../docs'))
    parser.add_argument('--rounds', default='15')
    parser.add_argument('--cache', action='store_true', help='only the section about the cache')
    options = parser.parse_args()
    if options.cache:
        print('\n'.join(replace_cache(options)))
        return
    lines = run([os.path.join(options.build, 'tests/benchmarks/handshake'), '--rounds', options.rounds]).splitlines()
    rows = {line.split()[1]: fields(line) for line in lines if line.startswith('handshake ')}
    multistream = fields(next(line for line in lines if line.startswith('multistream ')))
    draw(rows, os.path.join(options.docs, 'performance.svg'))

    with open(os.path.join(options.docs, 'performance.md'), 'w', encoding='utf-8') as out:
        out.write('# Performance\n\nMeasured numbers, written by\n\n'
                  '    python3 tests/benchmarks/report.py --build build\n\n'
                  f'on {machine()}. Single figures wander with the machine; the ratios are taken within each round of one '
                  'run.\n\n## A handshake\n\n'
                  'CPU time of a whole DH handshake, both ends, from create to destroy (`tests/benchmarks/handshake`). The\n'
                  'floor is what it must cost: the same public-key operations and the same hash, MAC, KDF, CFB and random\n'
                  'calls, recorded from a real handshake and made on Nettle and GMP directly, with no engine.\n\n'
                  '![](performance.svg)\n\n```\n' + '\n'.join(lines) + '\n```\n\n'
                  '| key agreement | over the floor | bar | against libbzrtp | bar |\n|---|--:|--:|--:|--:|\n')
        for name, row in rows.items():
            floor_bar, bzrtp_bar = BARS[name]
            against = f'{row["vs_bzrtp"]} × faster' if row['vs_bzrtp'] != '-' else 'it has none'
            out.write(f'| {name} | {row["over_floor"]} | ≤ {floor_bar} | {against} | '
                      f'{f"≥ {bzrtp_bar}" if bzrtp_bar else ""} |\n')
        out.write('\nDH2k and DH3k stay under their floor because it makes key pairs with a general exponentiation, and we with a\n'
                  'table of powers of the constant base (`ext/gmp/modp.c`).\n')
        out.write(f'\nA further stream of a call, in Multistream mode: {multistream["ours_us"]} µs for both ends, '
                  f'{multistream["over_floor"]} of its floor. Bar: ≤ 20 µs.\n')
        out.write('\n## A bad network\n\nTime from the start of the later end until both are secure, 2 000 calls each in '
                  'virtual time, 20 ms one way\n(`tests/simulation/simulate`). Loss is each way. Bar: median at 20 % loss '
                  '≤ 600 ms.\n\n| network | secure | median | 95 % | slowest |\n|---|--:|--:|--:|--:|\n')
        for name, arguments in NETWORKS:
            row = fields(run([os.path.join(options.build, 'tests/simulation/simulate'), '--calls', '2000', *arguments]))
            out.write(f'| {name} | {row["secure"]} of {row["calls"]} | {row["median_ms"]} ms | {row["p95_ms"]} ms | '
                      f'{row["max_ms"]} ms |\n')
        lines += write_media(out, options.build)
        lines += write_cache(out, run, options.build, options.docs)
    print('\n'.join(lines))


if __name__ == '__main__':
    main()
