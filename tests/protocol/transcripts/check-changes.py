#!/usr/bin/python3
"""Changes one thing at a time in the transcripts that dump-transcripts prints: the check must fail each time.

  check-changes.py PROGRAM     runs the program (meson does so)
  check-changes.py FILE        reads what it printed

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
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
from replay import Replay, agrees, parse_line, read

SCENARIOS = {}


class Noticed(unittest.TestCase):
    def check(self, lines, mutations):
        """That none of the mutations of `lines` agrees with the RFC."""
        tried, unnoticed = 0, []
        known = {id(line): parse_line(line) for line in lines}
        for what, changed in mutations:
            tried += 1
            if agrees(changed, known):
                unnoticed.append(what)
        print(f'# {tried} changes')
        self.assertGreater(tried, 0)
        self.assertEqual(unnoticed, [])

    def check_lines(self, name, thorough=False):
        lines = SCENARIOS[name]
        replay = Replay(lines).run()
        self.check(lines, changes.lines_gone_or_doubled(lines))
        self.check(lines, changes.fields_changed(lines, thorough))
        self.check(lines, changes.draws_changed(lines, replay, thorough))

    def check_packets(self, name, *types):
        lines = SCENARIOS[name]
        self.check(lines, changes.packets_changed(lines, Replay(lines).run(), types))

    def test_dh(self):
        self.check_lines('verified-alice', thorough=True)
        self.check_packets('verified-alice')

    def test_secrets(self):
        self.check_lines('every-secret-bob')
        self.check_packets('every-secret-bob', b'DHPart1 ', b'DHPart2 ')

    def test_preshared(self):
        self.check_lines('preshared-with-all-bob')
        self.check_packets('preshared-with-all-bob', b'Commit  ', b'Confirm1', b'Confirm2')

    def test_multistream(self):
        self.check_lines('streams-at-once-alice')
        self.check_packets('streams-at-once-alice', b'Commit  ', b'Confirm1', b'Confirm2')

    def test_clear(self):
        self.check_lines('clear-twice-alice')
        self.check_packets('clear-twice-alice', b'GoClear ', b'ClearACK')

    def test_relay(self):
        self.check_lines('relay-alice')
        self.check_packets('relay-alice', b'SASrelay', b'RelayACK')

    def test_enroll(self):
        self.check_lines('enroll-bob')
        self.check_packets('enroll-bob', b'Confirm1', b'Confirm2')

    def test_rendering(self):
        lines = SCENARIOS['rendering']
        self.check(lines, ((line['sas'], changes.with_line(lines, index, dict(line, sas=line['sas'] + 'x')))
                           for index, line in enumerate(lines) if 'sas' in line))

    def test_labels(self):
        """A label that is wrong by one bit is noticed in some scenario."""
        # those with names in small letters; the others are the same with all algorithms
        right = [lines for name, lines in SCENARIOS.items() if name[0].islower() and agrees(lines)]
        unnoticed = []
        for label, octets in derive.LABELS.items():
            with mock.patch.dict(derive.LABELS, {label: changes.flip(octets, len(octets) - 1, 1)}):
                if all(map(agrees, right)):
                    unnoticed.append(label)
        self.assertEqual(unnoticed, [])


if __name__ == '__main__':
    SCENARIOS.update(read(sys.argv[1]))
    tap.main()
