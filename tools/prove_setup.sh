#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Proves the README's two commands on a system with nothing installed: makes a minimal Debian, puts this checkout's
# files there, runs tools/demo.sh and tools/test.sh inside, twice, and prints how long each took.
# Needs root, debootstrap, about 4 GB.
#
#   tools/prove_setup.sh [SUITE [MIRROR [FOLDER]]]
#
# SUITE: bookworm (default), trixie ... MIRROR: debootstrap's own by default. FOLDER: where the system goes; removed
# afterwards unless it is named. PIP_CERT, where set, is a file of certificates that is copied in and used there.
set -u
# A mount namespace of its own: whatever happens, no mount is left behind.
[ -n "${PROVE_INSIDE:-}" ] || PROVE_INSIDE=1 exec unshare --mount --propagation private "$0" "$@"
# shellcheck source=tools/common.sh
. "$(dirname "$0")/common.sh"

suite=${1:-bookworm}
mirror=${2:-}
[ "$(id -u)" -eq 0 ] || die "only root can make a system in a folder" "sudo $0 $*"
command -v debootstrap >/dev/null || die "debootstrap is missing" "apt-get install debootstrap"
system=${3:-}
if [ -z "$system" ]; then
    system=$(mktemp -d "/var/tmp/sidestream-$suite-XXXXXX") || exit
    trap 'rm -rf "$tmp"; umount "$system/dev/shm" "$system/sys" "$system/proc"; rm -rf --one-file-system "$system"' EXIT
fi

say "[system] $suite, minimal, in $system ..."
if [ ! -x "$system/usr/bin/apt-get" ]; then
    run debootstrap "the names of the suite and the mirror" debootstrap --variant=minbase "$suite" "$system" ${mirror:+"$mirror"}
fi
printf '#!/bin/sh\nexit 101\n' >"$system/usr/sbin/policy-rc.d" # packages start no services in there
chmod +x "$system/usr/sbin/policy-rc.d"
mkdir -p "$system/dev/shm"
mount -t proc proc "$system/proc" || die "cannot mount $system/proc" ""
mount -t sysfs -o ro sysfs "$system/sys" || die "cannot mount $system/sys" ""
mount -t tmpfs tmpfs "$system/dev/shm" || die "cannot mount $system/dev/shm" ""
settings=(HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb)
if [ -n "${PIP_CERT:-}" ]; then
    cp "$PIP_CERT" "$system/root/certificates.pem"
    settings+=(PIP_CERT=/root/certificates.pem)
fi
inside=$system/root/sidestream
mkdir -p "$inside"
git ls-files -z | tar -c --null -T - | tar -x -C "$inside" || die "cannot copy the checkout" ""

times=()
# timed WHAT COMMAND...: in the system, in the checkout; its output goes to ours.
timed()
{
    local what=$1 began=$EPOCHREALTIME rc took
    shift
    say "--- $what"
    chroot "$system" env -i "${settings[@]}" sh -c 'cd /root/sidestream && exec "$@"' sh "$@" </dev/null
    rc=$?
    took=$(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
    times+=("$what: $took s, exit code $rc")
    [ $rc -eq 0 ] || wrong=1
}

wrong=''
timed "tools/demo.sh, the first time (15 s of video)" tools/demo.sh
timed "the frames of demo.mp4" .venv/bin/python -c '
import cv2
clip = cv2.VideoCapture("demo.mp4")
n = 0
while clip.read()[0]:
    n += 1
print(n, "frames of 450")
raise SystemExit(n < 400)'
timed "tools/demo.sh, the second time (1 s of video)" tools/demo.sh --duration 1
timed "tools/test.sh, the first time" tools/test.sh
timed "tools/test.sh, the second time" tools/test.sh
say "--- $suite"
printf '%s\n' "${times[@]}"
[ -z "$wrong" ]
