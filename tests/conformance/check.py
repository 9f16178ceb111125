#!/usr/bin/python3
"""Checks rfc6189.toml against the text of the RFC, the code, the tests and docs/conformance.md. Prints TAP.

    check.py --build BUILD [--rfc RFC6189.TXT]

SPDX-License-Identifier: LGPL-2.1-or-later

A test counts when it has passed now: this program runs each one that the list names, and only these, itself. It
finds the programs in meson's own list of tests, so that a test which meson does not run counts as little as one that
is skipped, renamed or fails. A test is named

    /engine/hvi                  a case of a GLib test program
    elements/secure:test_media   a case of a program over Check; with several runs, all of them must pass
    python/api:Api.test_call     a line of a TAP program
    simulation/loss-20           a program that has nothing but its exit status

Where the text of the RFC is not at hand, the comparisons with it are skipped.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import tempfile

import rfc
import table

TAP_LINE = re.compile(r'^(not )?ok\b *\d* *(?:- )?([^#\n]*?) *(#.*)?$', re.MULTILINE)
BINDING = {'MUST', 'MUST NOT', 'SHALL', 'SHALL NOT', 'REQUIRED'}


# --- The list and the RFC --------------------------------------------------------------------------------------

def in_rfc(titles, rows, text):
    """Sentences and titles of the list that are not in the RFC's text."""
    known = set(rfc.normative_sentences(text))
    there = rfc.titles(text)
    yield from (f'§{row.section}: {row.sentence}' for row in rows if (row.section, row.sentence) not in known)
    yield from (f'§{section} is not called {title}' for section, title in titles.items()
                if there.get(section) != title)


def missing(_, rows, text):
    """Sentences of the RFC that the list has not, or not as often, or in another order."""
    listed = [(row.section, row.sentence) for row in rows]
    known = rfc.normative_sentences(text)
    lacking = collections.Counter(known) - collections.Counter(listed)
    yield from (f'§{section}: {sentence}' for section, sentence in lacking)
    if not lacking and listed != known:
        yield 'the rows are not in the order of the RFC'


# --- The list by itself ------------------------------------------------------------------------------------------

def faults(row):
    if row.level != rfc.level_of(row.sentence):
        yield f'level {row.level}, but the sentence says {rfc.level_of(row.sentence)}'
    if row.status not in table.STATUS:
        yield f'unknown status {row.status}'
        return
    if row.status == 'declined' and row.level in BINDING:
        yield f'a {row.level} cannot be declined'
    needed, allowed = table.NEEDS[row.status]
    given = {key for key, value in row.fields.items() if value}
    if 'untested' in given:
        needed = needed - {'tests'}
    yield from (f'no {key}' for key in sorted(needed - given))
    yield from (f'{key} is out of place' for key in sorted(given - needed - allowed))


def complete(titles, rows):
    """Rows that lack something, or contradict themselves."""
    for row in rows:
        yield from (f'§{row.section}: {fault}: {row.sentence}' for fault in faults(row))
    yield from (f'§{section} has no title' for section in {row.section for row in rows} - set(titles))


def settled(_, rows):
    """What binds everybody and is open."""
    yield from (f'§{row.section}: {row.fields["why"]}: {row.sentence}' for row in rows
                if row.status == 'open' and row.level in BINDING)


def defines(text, name):
    """C: a function (its name begins a line), an object, an enumerator, a macro; Python: a function."""
    name = re.escape(name)
    return re.search(rf'^{name} \(|^(?:static |extern |const ).*\b{name}\b(?:\[.*\])* =|^  {name}(?: =.*)?,'
                     rf'|^\s*def {name}\(|^#define {name}\b', text, re.MULTILINE)


def code_exists(_, rows):
    """Places in the code that are not there."""
    for row in rows:
        for place in row.fields.get('code', []):
            path, _, name = place.partition(':')
            file = table.SOURCE / path
            if not file.is_file() or not defines(file.read_text(encoding='utf-8'), name):
                yield f'§{row.section}: {place}: {row.sentence}'


def page_is_new(titles, rows):
    """docs/conformance.md when it is not what the list makes."""
    if not table.PAGE.is_file() or table.PAGE.read_text(encoding='utf-8') != table.page(titles, rows):
        yield 'docs/conformance.md is old: run tests/conformance/table.py --write'


# --- The tests -----------------------------------------------------------------------------------------------------

class Programs:
    """The programs that meson runs as tests, and what of their cases passes."""

    def __init__(self, build):
        self.build = build
        described = json.loads((build / 'meson-info' / 'intro-tests.json').read_text())
        self.programs = {}
        for test in described:
            suite = test['suite'][0].rpartition(':')[2]
            if suite != 'conformance':
                self.programs[f'{suite}/{test["name"]}'] = test
        self.glib = {}
        for name, test in self.programs.items():
            if '-k' in test['cmd']:  # GLib's: --tap -k
                self.glib.update((case, name) for case in self.start(test, test['cmd'][:1] + ['-l']).stdout.split()
                                 if case.startswith('/'))

    def start(self, test, command, **environment):
        """As meson runs it."""
        try:
            return subprocess.run(command, env=os.environ | test['env'] | environment, text=True, errors='replace',
                                  cwd=test['workdir'] or self.build, timeout=test['timeout'],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        except (OSError, subprocess.TimeoutExpired):
            return subprocess.CompletedProcess(command, 1, '')

    def output(self, test, arguments, **environment):
        return self.start(test, test['cmd'] + arguments, **environment).stdout

    def find(self, name):
        """(program, case) or None."""
        if name.startswith('/'):
            return (self.glib[name], name) if name in self.glib else None
        program, _, case = name.partition(':')
        return (program, case) if program in self.programs else None

    def run(self, program, cases):
        """{case: passed} of one program."""
        test = self.programs[program]
        if cases == {''}:
            return {'': self.start(test, test['cmd']).returncode == 0}
        if '-k' in test['cmd']:
            said = self.output(test, [word for case in sorted(cases) for word in ('-p', case)])
        elif test['protocol'] == 'tap':
            said = self.output(test, [])
        else:
            with tempfile.NamedTemporaryFile('r') as log:
                self.output(test, [], GST_CHECKS=','.join(cases), CK_TAP_LOG_FILE_NAME=log.name)
                said = re.sub(r' - \S*:(\w+): .*', r' \1', log.read())
        passed = {}
        for wrong, case, directive in TAP_LINE.findall(said):
            passed[case] = passed.get(case, True) and not wrong and not directive
        return passed

    def run_all(self, names):
        """The names of those that pass."""
        found = {name: self.find(name) for name in names}
        cases = collections.defaultdict(set)
        for program, case in filter(None, found.values()):
            cases[program].add(case)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            results = dict(zip(cases, pool.map(self.run, cases, cases.values())))
        return {name for name, where in found.items() if where and results[where[0]].get(where[1])}


def not_passed(rows, passed):
    """Rows with a test that did not pass."""
    for row in rows:
        yield from (f'{test} did not pass: {row.sentence}' for test in row.fields.get('tests', [])
                    if test not in passed)


# --- TAP -------------------------------------------------------------------------------------------------------------

class Tap:
    def __init__(self):
        self.n = self.failed = 0

    def report(self, name, troubles, directive=''):
        troubles = list(troubles)
        self.n += 1
        self.failed += bool(troubles)
        for trouble in troubles:
            print(f'# {trouble}')
        print(f'{"not ok" if troubles else "ok"} {self.n} {name}{directive}', flush=True)


def find_rfc(given):
    candidates = [given, os.environ.get('RFC6189'), table.SOURCE.parent / 'shared' / 'rfc' / 'rfc6189.txt']
    return next((pathlib.Path(path) for path in candidates if path and pathlib.Path(path).is_file()), None)


def main():
    parser = argparse.ArgumentParser(description='Checks the table of conformance.')
    parser.add_argument('--build', type=pathlib.Path, required=True)
    parser.add_argument('--rfc', help="the RFC's text; RFC6189 in the environment, ../shared/rfc/rfc6189.txt")
    arguments = parser.parse_args()
    titles, rows = table.load()
    path = find_rfc(arguments.rfc)
    tap = Tap()

    for check in in_rfc, missing:
        if path:
            tap.report(check.__name__, check(titles, rows, path.read_text(encoding='utf-8')))
        else:
            tap.report(check.__name__, [], ' # SKIP the text of RFC 6189 is not at hand')
    for check in complete, settled, code_exists, page_is_new:
        tap.report(check.__name__, check(titles, rows))
    passed = Programs(arguments.build).run_all(sorted({test for row in rows for test in row.fields.get('tests', [])}))
    for section in titles:
        tested = [row for row in rows if row.section == section and row.fields.get('tests')]
        if tested:
            tap.report(f'tests of section {section}', not_passed(tested, passed))
    print(f'1..{tap.n}')
    return tap.failed > 0


if __name__ == '__main__':
    raise SystemExit(main())
