#!/usr/bin/python3
"""Checks the transcripts that dump-transcripts prints, one test a scenario; then that the check notices every change.

  check-transcripts.py PROGRAM     runs the program (meson does so)
  check-transcripts.py FILE        reads what it printed

By hand: dump-transcripts > FILE, in build/tests/protocol/transcripts; look at it; check-transcripts.py FILE.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json
import os
import subprocess
import sys
import unittest
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'python'))

try:
    import cryptography
except ImportError:
    print('1..0 # SKIP no Python package `cryptography` (Debian: python3-cryptography)')
    sys.exit()

import changes
import derive
import tap
from replay import Replay
from wire import Disagreement

SCENARIOS = {}  # name: lines

# Labels that no scenario needs so far.
UNUSED = ['keyID', 's0 Preshared', 's0 Multistream', 'ZRTPSess', 'ZRTPSess after GoClear', 'clear_mac', 'pbxsecret',
          'srtps']


def read(path):
    if os.access(path, os.X_OK):
        text = subprocess.run([path], stdout=subprocess.PIPE, check=True, text=True).stdout
    else:
        with open(path) as file:
            text = file.read()
    for line in map(json.loads, text.splitlines()):
        if line['line'] == 'scenario':
            SCENARIOS[line['name']] = []
            last = SCENARIOS[line['name']]
        last.append(line)


def agrees(lines):
    try:
        Replay(lines).run()
    except Disagreement:
        return False
    return True


class Transcripts(unittest.TestCase):
    """A test for each scenario is added below."""


class Noticed(unittest.TestCase):
    """Of each change alone: the check must fail, and with a Disagreement."""

    def check(self, mutations):
        """That none of them agrees with the RFC."""
        tried, unnoticed = 0, []
        for what, lines in mutations:
            tried += 1
            if agrees(lines):
                unnoticed.append(what)
        print(f'# {tried} changes')
        self.assertGreater(tried, 0)
        self.assertEqual(unnoticed, [])

    def check_all(self, name):
        lines = SCENARIOS[name]
        replay = Replay(lines).run()
        self.check(changes.lines_gone_or_doubled(lines))
        self.check(changes.fields_changed(lines))
        self.check(changes.draws_changed(lines, replay))
        self.check(changes.packets_changed(lines, replay))

    def test_dh(self):
        self.check_all('verified-alice')

    def test_rendering(self):
        lines = SCENARIOS['rendering']
        self.check((line['sas'], changes.with_line(lines, index, dict(line, sas=line['sas'] + 'x')))
                   for index, line in enumerate(lines) if 'sas' in line)

    def test_labels(self):
        """A label that is wrong by one bit is noticed in some scenario."""
        right = [lines for lines in SCENARIOS.values() if agrees(lines)]
        unnoticed = []
        for label, octets in derive.LABELS.items():
            with mock.patch.dict(derive.LABELS, {label: changes.flip(octets, len(octets) - 1, 1)}):
                if all(map(agrees, right)):
                    unnoticed.append(label)
        self.assertEqual(unnoticed, UNUSED)


if __name__ == '__main__':
    read(sys.argv[1])
    for name, lines in SCENARIOS.items():
        setattr(Transcripts, 'test_' + name.replace(' ', ''), lambda self, lines=lines: Replay(lines).run())
    tap.main()
