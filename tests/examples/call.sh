#!/bin/sh
# A whole encrypted call on this computer, shown live: two gst-launch processes speak to each other.
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# It installs the Debian packages it needs, builds the plugin, lets espeak-ng say two sentences, and gives
# all that to call-view.py, which runs the two sides, shows them and proves what arrived.
set -eu

usage ()
{
  cat <<'EOF'
sh tests/examples/call.sh [OPTION...]
  --capture FILE          also write what was on the wire to FILE (pcap) and check it with tshark
  --policy POLICY         required (default: nothing unprotected ever leaves) or best-effort
  --key-agreements LIST   what both sides offer, for example X255,EC25,DH3k
  --seconds N             stay on the line for at least N seconds
  --keep DIR              leave logs and recordings in DIR
  --no-setup              install and build nothing; needs what an earlier run made
  --build DIR             the build folder (default: build)
The exit status is 0 when both sides became secure with the same SAS and every sentence arrived whole, 1 when
not, 2 for wrong options, 77 when something that is needed is missing here.
EOF
}

fail ()
{
  echo "call.sh: $2" >&2
  exit "$1"
}

absolute ()
{
  case $1 in
    /*) echo "$1" ;;
    *) echo "$PWD/$1" ;;
  esac
}

source=$(cd "$(dirname "$0")/../.." && pwd)
build=$source/build
setup=yes
keep=
capture=
policy=required
key_agreements=
seconds=0
while [ $# -gt 0 ]; do
  case $1 in
    --capture | --policy | --key-agreements | --seconds | --keep | --build)
      [ $# -ge 2 ] || fail 2 "$1 needs a value (see --help)"
      ;;
  esac
  case $1 in
    --capture) capture=$(absolute "$2") && shift ;;
    --policy) policy=$2 && shift ;;
    --key-agreements) key_agreements=$2 && shift ;;
    --seconds) seconds=$2 && shift ;;
    --keep) keep=$(absolute "$2") && shift ;;
    --build) build=$(absolute "$2") && shift ;;
    --no-setup) setup=no ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) fail 2 "unknown option '$1' (see --help)" ;;
  esac
  shift
done
case $policy in
  required | best-effort) ;;
  *) fail 2 "--policy is 'required' or 'best-effort', not '$policy'" ;;
esac
case $seconds in
  '' | *[!0-9]*) fail 2 "--seconds needs a whole number, not '$seconds'" ;;
esac

if [ $setup = yes ]; then
  sh "$source/tests/packages.sh" install build run call
  [ -f "$build/build.ninja" ] || meson setup "$build" "$source"
  echo "Building the plugin in $build"
  meson compile -C "$build" gstzrtp
fi
for tool in meson espeak-ng gst-launch-1.0 /usr/bin/python3; do
  command -v $tool >/dev/null || fail 77 "$tool is missing; run call.sh without --no-setup to install it"
done
[ -f "$build/build.ninja" ] || fail 77 "$build is no build folder; run call.sh without --no-setup to make it"

dir=$(mktemp -d "${TMPDIR:-/tmp}/zrtp-call.XXXXXX")
if [ -n "$keep" ]; then
  mkdir -p "$keep"
  rmdir "$dir"
  dir=$keep
fi

# The first run in a build folder scans the installed plugins; both sides then read this registry.
export GST_REGISTRY="$build/gst-registry.bin"

# speak NAME VOICE TEXT: the sentence as 8 kHz mono, already rounded to the 256 values that PCMU can carry, so
# that what arrives can be compared sample by sample.
speak ()
{
  espeak-ng -v "$2" -w "$dir/$1-voice.wav" "$3"
  gst-launch-1.0 -q filesrc location="$dir/$1-voice.wav" ! wavparse ! audioconvert ! audioresample ! \
    audio/x-raw,format=S16LE,rate=8000,channels=1 ! mulawenc ! mulawdec ! wavenc ! \
    filesink location="$dir/$1-sentence.wav"
}
speak alice en-gb+f3 "Hello Bob, this is Alice. Nobody but the two of us can hear this sentence."
speak bob en-us+m3 "Good morning, Alice. Please read the four letters on your screen to me."

set -- --dir "$dir" --policy "$policy" --seconds "$seconds"
[ -z "$capture" ] || set -- "$@" --capture "$capture"
[ -z "$key_agreements" ] || set -- "$@" --key-agreements "$key_agreements"
[ -z "$keep" ] || set -- "$@" --keep

# Where the plugin and its library are while they are not installed.
environment=$(meson devenv -C "$build" --dump)
eval "$environment"
exec /usr/bin/python3 "$source/tests/examples/call-view.py" "$@"
