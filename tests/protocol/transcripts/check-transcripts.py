#!/usr/bin/python3
"""Checks the transcripts that dump-transcripts prints: a test for each scenario.

  check-transcripts.py PROGRAM     runs the program (meson does so)
  check-transcripts.py FILE        reads what it printed

README.md says how to run them by hand.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'python'))

try:
    import cryptography
except ImportError:
    print('1..0 # SKIP no Python package `cryptography` (Debian: python3-cryptography)')
    sys.exit()

import tap
from replay import Replay, read


class Transcripts(unittest.TestCase):
    """Its tests are added below."""


if __name__ == '__main__':
    for name, lines in read(sys.argv[1]).items():
        setattr(Transcripts, 'test_' + name.replace(' ', ''), lambda self, lines=lines: Replay(lines).run())
    tap.main()
