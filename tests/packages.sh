#!/bin/sh
# The Debian packages this project needs, per purpose, and the command that installs the missing ones.
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#   sh tests/packages.sh list [PURPOSE...]      one package name a line
#   sh tests/packages.sh install [PURPOSE...]   installs what is missing, says so first, asks nothing
#
# Purposes: build, run, call, test. Without one: all. Written for Debian 12; when nothing is missing,
# `install` touches neither apt nor the network.
set -eu

# A C compiler, meson, and the headers of everything the library and the plugin link to.
build='gcc libc6-dev meson ninja-build pkgconf
  libglib2.0-dev libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev
  nettle-dev libgmp-dev libsqlite3-dev libpq-dev gobject-introspection libgirepository1.0-dev'

# gst-launch-1.0, rtp and udp (good), srtpenc and srtpdec (bad), which the plugin drives.
run='gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad'

# The example call: a voice, the program that shows it, and dumpcap and tshark for --capture.
call='espeak-ng python3 tshark'

# Python bindings, the other ZRTP implementation we talk to, the peer's crypto and Python's for cross-checks, valgrind
# for the timing of secrets, the style check, and PostgreSQL's programs: the test of that cache starts a server of its
# own and does not touch the one that the package may have started.
test='python3 python3-gi python3-cryptography gir1.2-gstreamer-1.0 gir1.2-gst-plugins-base-1.0
  libsrtp2-dev libbzrtp-dev libbctoolbox-dev libssl-dev
  valgrind clang-format git postgresql'

usage ()
{
  sed -n '5,9s/^# \{0,1\}//p' "$0"
}

packages_for ()
{
  for purpose in "$@"; do
    case $purpose in
      build) echo $build ;;
      run) echo $run ;;
      call) echo $call ;;
      test) echo $test ;;
    esac
  done | tr ' ' '\n' | sort -u
}

check_purposes ()
{
  for purpose in "$@"; do
    case $purpose in
      build | run | call | test) ;;
      *)
        echo "packages.sh: unknown purpose '$purpose'; choose from build, run, call, test" >&2
        exit 2
        ;;
    esac
  done
}

installed ()
{
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Root runs apt-get itself; others go through sudo, and without sudo are told what to run.
as_root ()
{
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}

install_missing ()
{
  if ! command -v dpkg-query >/dev/null; then
    echo "This is not a Debian system, so nothing is installed. The Debian packages needed are:"
    packages_for "$@" | tr '\n' ' '
    echo
    return 0
  fi
  missing=
  for package in $(packages_for "$@"); do
    installed "$package" || missing="$missing $package"
  done
  if [ -z "$missing" ]; then
    return 0
  fi

  if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
    echo "Debian packages are missing, and there is neither root nor sudo to install them. Run as root:" >&2
    echo "  apt-get update && apt-get install -y --no-install-recommends$missing" >&2
    return 1
  fi
  echo "Installing the Debian packages that are missing:$missing"
  as_root apt-get -q update
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends $missing </dev/null
}

command=${1:-}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- build run call test
check_purposes "$@"
case $command in
  list) packages_for "$@" ;;
  install) install_missing "$@" ;;
  -h | --help) usage ;;
  *)
    usage >&2
    exit 2
    ;;
esac
