#!/bin/sh
# Installs what the tests need, builds, runs every test, and ends with the line `N passed, N failed, N skipped`.
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#   sh tests/run.sh [ARGUMENT...]     arguments go to `meson test`: --suite elements, --list, a test's name …
#
# BUILD names the build folder (default: build). With CI=true a compiler warning is an error.
# The exit status is that of the first step that failed.
set -eu

case ${1:-} in
  -h | --help)
    sed -n '5,8s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
esac
source=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD:-$source/build}
werror=
[ "${CI:-}" != true ] || werror=-Dwerror=true

sh "$source/tests/packages.sh" install

if [ ! -f "$build/build.ninja" ]; then
  meson setup "$build" "$source" $werror
elif [ -n "$werror" ]; then
  meson configure "$build" $werror
fi
ninja -C "$build"

status=0
rm -f "$build/meson-logs/testlog.json"
meson test -C "$build" --no-rebuild "$@" || status=$?
if [ -f "$build/meson-logs/testlog.json" ]; then
  /usr/bin/python3 "$source/tests/count.py" "$build/meson-logs/testlog.json" || [ $status -ne 0 ] || status=1
fi
exit $status
