#!/usr/bin/python3
"""Shows why tests failed, from meson's testlog.json, and adds up all to one line: N passed, N failed, N skipped.

SPDX-License-Identifier: LGPL-2.1-or-later

Counts the single cases of programs that print TAP (GLib's tests, ours in Python) or Check's summary, and one
for any other program. What meson calls bad is at least one failure, whatever the program printed before it
crashed or ran out of time. The exit status is 1 if something failed or nothing ran.
"""

import json
import re
import sys

TAP = re.compile(r'^(not )?ok\b[^#\n]*(?:#\s*(skip|todo))?', re.IGNORECASE | re.MULTILINE)
CHECK = re.compile(r'^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)', re.MULTILINE)
LINES = 60                   # of a failed test's output


def cases(output):
    """(passed, failed, skipped) as a program's own output tells, all 0 if it tells nothing."""
    passed = failed = skipped = 0
    for wrong, directive in TAP.findall(output):
        if directive:
            skipped += 1
        elif wrong:
            failed += 1
        else:
            passed += 1
    for checks, failures, errors in CHECK.findall(output):
        failed += int(failures) + int(errors)
        passed += int(checks) - int(failures) - int(errors)
    return passed, failed, skipped


def count(test):
    """(passed, failed, skipped) of one test as meson ran it."""
    passed, failed, skipped = cases(test.get('stdout') or '')
    if test['result'] == 'SKIP':
        return passed, failed, max(skipped, 1)
    if test['result'] == 'EXPECTEDFAIL':
        return 1, 0, 0
    if test['result'] != 'OK':
        return passed, max(failed, 1), skipped
    if passed + failed + skipped == 0:
        return 1, 0, 0
    return passed, failed, skipped


def explain(test):
    """Prints the end of what a failed test said, without the TAP lines of what went well."""
    said = [line for line in (test.get('stdout') or '').splitlines() if not line.startswith('ok ')]
    said += (test.get('stderr') or '').splitlines()
    print(f'\n--- {test["name"]}: {test["result"]}, exit status {test["returncode"]}')
    print(*said[-LINES:], sep='\n')


def main():
    with open(sys.argv[1]) as log:
        tests = [json.loads(line) for line in log if line.strip()]
    counts = [count(test) for test in tests]
    for test, (_, failed, _) in zip(tests, counts):
        if failed:
            explain(test)
    passed, failed, skipped = (sum(column) for column in zip(*counts)) if counts else (0, 0, 0)
    print(f'\n{passed} passed, {failed} failed, {skipped} skipped')
    return failed > 0 or passed + skipped == 0


if __name__ == '__main__':
    sys.exit(main())
