#!/usr/bin/python3
"""The list of rfc6189.toml, and docs/conformance.md made from it.

    table.py            prints the page
    table.py --write    writes docs/conformance.md

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import argparse
import collections
import pathlib
import tomllib

from rfc import LEVELS, normalise

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
LIST = HERE / 'rfc6189.toml'
PAGE = SOURCE / 'docs' / 'conformance.md'

# What may stand in `status`, and what it says on the page.
STATUS = {
    'done': 'done',
    'open': 'open',          # not there yet; `why` says what is missing
    'declined': 'not done',  # a SHOULD or MAY that we leave; `why`
    'outside': 'not ours',   # a role, a layer or a feature that we do not have; `why`
}
# What a row must have, may have, by its status.
NEEDS = {
    'done': ({'does', 'code', 'tests'}, {'untested'}),
    'open': ({'why'}, {'does', 'code', 'tests'}),
    'declined': ({'why'}, {'does', 'code', 'tests'}),
    'outside': ({'why'}, {'does', 'code', 'tests'}),
}
LONG = 200  # a sentence is shortened on the page

Row = collections.namedtuple('Row', 'section level sentence status fields')


def load(path=LIST):
    """(titles, rows) of the list."""
    with open(path, 'rb') as file:
        parsed = tomllib.load(file)
    rows = []
    for fields in parsed['row']:
        section, level, sentence, status = (fields.pop(key) for key in Row._fields[:4])
        fields = {key: normalise(value) if isinstance(value, str) else value for key, value in fields.items()}
        rows.append(Row(section, level, normalise(sentence), status, fields))
    return parsed['titles'], rows


def shorten(sentence):
    if len(sentence) <= LONG:
        return sentence
    return sentence[:sentence.rindex(' ', 0, LONG)] + ' …'


def cell(text):
    return text.replace('|', '\\|')


def code_cell(row):
    cells = []
    for place in row.fields.get('code', []):
        path, name = place.split(':')
        cells.append(f'`{name}` in [{path.removeprefix("gst/")}](../{path})')
    return ', '.join(cells)


def tests_cell(row):
    return ', '.join(f'`{test}`' for test in row.fields.get('tests', [])) or row.fields.get('untested', '')


def what_cell(row):
    said = [row.fields.get('does', ''), row.fields.get('why', '')]
    prefix = '' if row.status == 'done' else f'{STATUS[row.status]}: '
    return prefix + ' '.join(filter(None, said))


def section_table(section, title, rows):
    yield f'## §{section} {title}\n'
    yield '| the RFC | level | what we do | code | tests |'
    yield '|---|---|---|---|---|'
    for row in rows:
        cells = (shorten(row.sentence), row.level, what_cell(row), code_cell(row), tests_cell(row))
        yield '| ' + ' | '.join(map(cell, cells)) + ' |'
    yield ''


def count_table(rows):
    count = collections.Counter((row.level, row.status) for row in rows)
    yield '| level | sentences | ' + ' | '.join(STATUS.values()) + ' |'
    yield '|---' * (2 + len(STATUS)) + '|'
    for level in [level for level in LEVELS if any(row.level == level for row in rows)]:
        numbers = [count[level, status] for status in STATUS]
        yield f'| {level} | {sum(numbers)} | ' + ' | '.join(map(str, numbers)) + ' |'
    numbers = [sum(row.status == status for row in rows) for status in STATUS]
    yield f'| all | {len(rows)} | ' + ' | '.join(map(str, numbers)) + ' |\n'


def open_rows(rows):
    yield '## Open\n'
    lines = [f'* §{row.section}, {row.level}: {shorten(row.sentence)} ({row.fields["why"]})'
             for row in rows if row.status == 'open']
    yield from lines or ['Nothing.']
    yield ''


INTRODUCTION = '''# Conformance to RFC 6189

Every sentence of RFC 6189 that contains a key word of RFC 2119, what this project does about it, the code that does
it and the tests that show it. A sentence with several key words has the level of the strongest. Not done is a SHOULD
or MAY that was left on purpose; not ours is what speaks of another role (an intermediary), another layer (SIP, the
choice of codecs) or a feature that is not there and not demanded (signatures). The reason stands beside it.

Made by `tests/conformance/table.py --write` from `tests/conformance/rfc6189.toml`. The suite `conformance` compares
the list with the text of the RFC in both directions, looks for each place in the code, and runs each test that is
named here: `meson test -C build --suite conformance`.
'''


def page(titles, rows):
    lines = [INTRODUCTION, *count_table(rows), *open_rows(rows)]
    for section, title in titles.items():
        lines += section_table(section, title, [row for row in rows if row.section == section])
    return '\n'.join(lines).rstrip() + '\n'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--write', action='store_true', help='write docs/conformance.md')
    text = page(*load())
    if parser.parse_args().write:
        PAGE.write_text(text, encoding='utf-8')
    else:
        print(text, end='')


if __name__ == '__main__':
    main()
