#!/bin/sh
# Proves that a fresh Debian 12 is enough: makes one in a folder and runs .ci/run, or COMMAND, of this commit there.
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#   sh tests/debootstrap.sh [--keep] [--run COMMAND] [FOLDER]
#
# FOLDER (default: a new one under TMPDIR) gets a minimal Debian and a clone of HEAD, and is removed afterwards
# unless --keep says otherwise. Needs root, debootstrap, git and some 3 GB; takes about ten minutes, so it is
# not part of the tests. The packages come from the sources this computer's apt uses.
set -eu

fail ()
{
  echo "debootstrap.sh: $1" >&2
  exit "${2:-1}"
}

keep=no
command='bash .ci/run'
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help)
      sed -n '5,9s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    --keep) keep=yes ;;
    --run)
      [ $# -ge 2 ] || fail "--run needs a command, for example 'sh tests/examples/call.sh'" 2
      command=$2
      shift
      ;;
    -*) fail "unknown option '$1' (see --help)" 2 ;;
    *) break ;;
  esac
  shift
done
[ "$(id -u)" -eq 0 ] || fail "needs root: debootstrap and chroot do"
for tool in debootstrap git; do
  command -v $tool >/dev/null || fail "$tool is missing: apt-get install $tool"
done
source=$(cd "$(dirname "$0")/.." && pwd)
commit=$(git -C "$source" rev-parse --verify HEAD) || fail "there is no commit to test"
[ -z "$(git -C "$source" status --porcelain)" ] || echo "Note: what is not committed is not tested."

root=${1:-$(mktemp -d "${TMPDIR:-/tmp}/zrtp-debian.XXXXXX")}
mkdir -p "$root"
[ -z "$(ls -A "$root")" ] || fail "$root is not empty"
root=$(cd "$root" && pwd)
chmod 755 "$root"      # apt drops root to download

clean_up ()
{
  for mounted in dev/shm dev/pts proc; do
    if mountpoint -q "$root/$mounted"; then
      umount "$root/$mounted" || umount -l "$root/$mounted"
    fi
  done
  if [ $keep = yes ]; then
    echo "The system is left in $root"
  else
    rm -rf --one-file-system "$root"
  fi
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

# The mirror that apt uses here for bookworm, in either of its two formats.
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
  sed -n -e 's/^deb \(\[[^]]*\] *\)\{0,1\}\(http[^ ]*\) bookworm .*/\2/p' -e 's/^URIs: *\(http[^ ]*\).*/\1/p' |
  head -n 1)
mirror=${mirror:-http://deb.debian.org/debian}

echo "A minimal Debian 12 from $mirror in $root"
debootstrap --variant=minbase bookworm "$root" "$mirror" >"$root.log" 2>&1 ||
  fail "debootstrap failed; see $root.log"
rm -f "$root.log"

# The network's settings and apt's sources are this computer's; nothing else of it gets in.
cp /etc/resolv.conf "$root/etc/resolv.conf"
cp /etc/hosts "$root/etc/hosts"
if [ -f /etc/apt/sources.list.d/debian.sources ]; then
  rm -f "$root/etc/apt/sources.list"
  cp /etc/apt/sources.list.d/debian.sources "$root/etc/apt/sources.list.d/"
fi
mount -t proc proc "$root/proc"
mkdir -p "$root/dev/shm" "$root/dev/pts"
mount -t tmpfs tmpfs "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
git clone -q --no-hardlinks "$source" "$root/root/checkout"
git -C "$root/root/checkout" checkout -q --detach "$commit"

echo "Running '$command' of $commit in it, with nothing installed by hand"
began=$(date +%s)
status=0
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 CI=true \
  timeout 3600 chroot "$root" sh -c "cd /root/checkout && $command" </dev/null || status=$?
echo "Exit status $status after $(($(date +%s) - began)) s"
exit $status
