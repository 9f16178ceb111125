"""unittest with TAP output, for meson.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import sys
import unittest


class Result(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.n = 0

    def line(self, ok, test, remark=''):
        self.n += 1
        print(f'{"ok" if ok else "not ok"} {self.n} {test.id().split(".", 1)[1]}{remark}', flush=True)

    def trouble(self, test, error):
        for line in self._exc_info_to_string(error, test).splitlines():
            print(f'# {line}')
        self.line(False, test)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.line(True, test)

    def addError(self, test, error):
        super().addError(test, error)
        self.trouble(test, error)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.trouble(test, error)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.line(True, test, f' # SKIP {reason}')


def main():
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules['__main__'])
    print(f'1..{suite.countTestCases()}')
    result = Result()
    suite.run(result)
    sys.exit(not result.wasSuccessful())
