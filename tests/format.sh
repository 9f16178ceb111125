#!/bin/sh
# Checks that every C file is laid out as .clang-format says; 77 (skipped) where that cannot be told.
# SPDX-License-Identifier: LGPL-2.1-or-later
set -eu
cd "$(dirname "$0")/.."

if ! command -v clang-format >/dev/null; then
  echo "clang-format is not installed"
  exit 77
fi
if ! files=$(git ls-files --cached '*.c' '*.h' 2>/dev/null) || [ -z "$files" ]; then
  echo "this is not a git checkout, so it is not known which files are ours"
  exit 77
fi
if ! clang-format --dry-run -Werror $files; then
  echo "Lay the files out with: clang-format -i \$(git ls-files '*.c' '*.h')"
  exit 1
fi
echo "$(echo "$files" | wc -l) files are laid out as .clang-format says"
