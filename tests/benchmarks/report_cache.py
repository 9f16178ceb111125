"""The section of docs/performance.md about the cache, and docs/cache.svg; for report.py.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import re

TITLE = '## The cache'
CALL_BAR, DISK_BAR, SCALE_BAR = 60, 2, 1.5

NAMES = {'memory': 'GstZrtpMemoryCache', 'sqlite-memory': 'SQLite, `:memory:`',
         'sqlite-memory-encrypted': 'SQLite, `:memory:`, encrypted', 'sqlite-file': 'SQLite, a file',
         'bzrtp-sqlite-memory': 'libbzrtp, SQLite, `:memory:`'}
DISK = {'update': 'update by a call', 'update-and-erase': 'a removal, the floor erases too', 'lookup': 'lookup'}
WORKS = {'lookup': 'lookup', 'lookup-unknown': 'lookup of an unknown peer',
         'lookup-by-hand': 'lookup, SQLite by hand', 'update': 'update by a call', 'open': 'close and open'}


def fields(line):
    return dict(re.findall(r'(\w+)=(\S+)', line))


def rows(lines, kind):
    return {' '.join(word for word in line.split()[1:] if '=' not in word): fields(line)
            for line in lines if line.startswith(kind + ' ')}


def verdict(value, bar):
    return f'{"kept" if float(value) <= bar else "missed"}'


def bars(title, values, unit, y):
    """Horizontal bars on one scale; returns what to draw and where the next group begins."""
    left, width, height = 230, 330, 18
    parts = [f'<text x="10" y="{y + 14}" font-weight="bold">{title}</text>']
    scale = width / max(value for _, value, _ in values)
    for name, value, colour in values:
        y += height + 4
        parts.append(f'<text x="{left - 8}" y="{y + 14}" text-anchor="end">{name}</text>'
                     f'<rect x="{left}" y="{y}" width="{max(value, 0) * scale:.1f}" height="{height}" fill="{colour}"/>'
                     f'<text x="{left + max(value, 0) * scale + 6:.1f}" y="{y + 14}">{value:.0f} {unit}</text>')
    return parts, y + height + 18


def draw(lines, path):
    ours, floor, theirs = '#2a7f62', '#9aa5b1', '#c8553d'
    calls, disk, scale = rows(lines, 'call'), rows(lines, 'disk'), rows(lines, 'scale')
    many = next(iter(rows(lines, 'size').values()))
    groups = [
        ('CPU time that the cache adds to a returning call, both ends',
         [(NAMES[name].replace('`', ''), float(calls[name]['cache_us']), theirs if 'bzrtp' in name else ours)
          for name in NAMES if name in calls], 'µs'),
        ('An update on disk, elapsed time',
         [('a call, SQLite by hand', float(disk['update']['floor_wall_us']), floor),
          ('a call, the cache', float(disk['update']['ours_wall_us']), ours),
          ('a removal, SQLite by hand', float(disk['update-and-erase']['floor_wall_us']), floor),
          ('a removal, the cache', float(disk['update-and-erase']['ours_wall_us']), ours)], 'µs'),
        ('A lookup, elapsed time',
         [(f'{many[size]} records{how}', float(scale[name][f'{size}_wall_us']), colour)
          for size in ('few', 'many') for name, how, colour in (('plain lookup-by-hand', ', by hand', floor),
                                                                ('plain lookup', '', ours))], 'µs'),
    ]
    parts, y = [], 44
    for title, values, unit in groups:
        more, y = bars(title, values, unit, y)
        parts += more
    with open(path, 'w', encoding='utf-8') as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="680" height="{y}" font-family="sans-serif" '
                   f'font-size="13"><rect width="100%" height="100%" fill="white"/><text x="10" y="24" font-size="15">'
                   f'What the cache costs</text>{"".join(parts)}</svg>\n')


def write_calls(out, lines):
    out.write('### In a returning call\n\n'
              'CPU time of a whole call through two sessions, X25519, both ends: what it takes more with a cache, in which\n'
              f'both find a record and store a secret, than without. Bar: ≤ {CALL_BAR} µs in `:memory:`.\n\n'
              '| cache | the call | of that the cache | the bar is |\n|---|--:|--:|---|\n')
    for name, row in rows(lines, 'call').items():
        label = NAMES.get(name, 'none' if name == 'none' else 'libbzrtp, none')
        has_bar = name in ('memory', 'sqlite-memory', 'sqlite-memory-encrypted')
        out.write(f'| {label} | {row["us"]} µs | {row["cache_us"] + " µs" if "cache_us" in row else ""} | '
                  f'{verdict(row["cache_us"], CALL_BAR) if has_bar else ""} |\n')


def write_disk(out, lines):
    out.write('\n### On disk\n\n'
              'The floor: the same statements in the same kind of transaction on the same schema with the same settings, on\n'
              f'SQLite directly, turn by turn with ours. Bar: ≤ {DISK_BAR} × the floor.\n\n'
              '| | ours | floor | elapsed, over the floor | CPU, ours | CPU, floor | CPU, over the floor | the bar is |\n'
              '|---|--:|--:|--:|--:|--:|--:|---|\n')
    for name, row in rows(lines, 'disk').items():
        out.write(f'| {DISK[name]} | {row["ours_wall_us"]} µs | {row["floor_wall_us"]} µs | {row["wall_over_floor"]} | '
                  f'{row["ours_cpu_us"]} µs | {row["floor_cpu_us"]} µs | {row["cpu_over_floor"]} | '
                  f'{verdict(row["wall_over_floor"], DISK_BAR)} |\n')


def write_scale(out, lines):
    sizes = rows(lines, 'size')
    few, many = next(iter(sizes.values()))['few'], next(iter(sizes.values()))['many']
    out.write(f'\n### {few} records and {many}\n\n'
              f'Peers in no order. Bar: ≤ {SCALE_BAR} × the elapsed time with few.\n\n'
              '| | few | many | elapsed, many over few | CPU, many over few | the bar is |\n|---|--:|--:|--:|--:|---|\n')
    for name, row in rows(lines, 'scale').items():
        kind, work = name.split()
        out.write(f'| {WORKS[work]}{", encrypted" if kind == "encrypted" else ""} | {row["few_wall_us"]} µs | '
                  f'{row["many_wall_us"]} µs | {row["wall_ratio"]} | {row["cpu_ratio"]} | '
                  f'{"" if work == "lookup-by-hand" else verdict(row["wall_ratio"], SCALE_BAR)} |\n')
    out.write('\nThe file, with two URIs and a name of 20 to 30 octets each: '
              + ', '.join(f'{row["octets_per_record"]} octets a record{", encrypted" if name == "encrypted" else ""}'
                          for name, row in sizes.items()) + '.\n')


EXPLANATION = '''
An update by a call is what a returning call did, recorded from a real one. Sixteen at a time are measured: the write-ahead
log keeps the secrets that calls put out, and at the sixteenth update the cache moves all into the database and cuts the log to
nothing (`remove_traces()` in `ext/sqlite/database.c`), so each has its part in that. When somebody removes something, the log
is cut at once. That is four writes which the disk has to confirm instead of one. The floor of the second row does the
same.

A lookup reads one page at the bottom of the table, however many records there are. Among few, SQLite has that page
already; among many it comes from the system, at times with one above it, and with it goes what the processor had in its caches.
A lookup of an unknown peer does less besides, so the same page weighs more there. The rows `by hand` have the lookup of a
known peer in SQLite alone.
'''


def write_cache(out, run, build, docs):
    lines = run([os.path.join(build, 'tests/benchmarks/cache')]).splitlines()
    draw(lines, os.path.join(docs, 'cache.svg'))
    out.write(f'\n{TITLE}\n\n`tests/benchmarks/cache`; `report.py --cache` measures this section alone.\n\n![](cache.svg)\n\n'
              '```\n' + '\n'.join(lines) + '\n```\n\n')
    write_calls(out, lines)
    write_disk(out, lines)
    write_scale(out, lines)
    out.write(EXPLANATION)
    return lines
