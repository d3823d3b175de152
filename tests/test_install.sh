#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a user of the library and of the elements does after `meson install`: pkg-config finds it, the example
# builds with nothing but what was installed, GStreamer finds the elements, the program runs.
#   test_install.sh BUILD_DIR SOURCE_DIR
set -eu
build=$1
source=$2
dest=$(mktemp -d "${TMPDIR:-/tmp}/sidestream-install-XXXXXX")
trap 'rm -rf "$dest"' EXIT

DESTDIR=$dest meson install -C "$build" --no-rebuild --quiet >"$dest/log" 2>&1 || {
    cat "$dest/log"
    exit 1
}
pc=$(find "$dest" -name sidestream.pc)
libdir=$(dirname "$(dirname "$pc")")
export PKG_CONFIG_SYSROOT_DIR=$dest PKG_CONFIG_LIBDIR=${pc%/*} LD_LIBRARY_PATH=$libdir

[ "$(wc -l <"$source/examples/minimal.c")" -lt 150 ]
if grep -E 'include <(gst|glib)' "$source/examples/minimal.c"; then
    echo "the example is to do without GStreamer" >&2
    exit 1
fi
# shellcheck disable=SC2046
cc -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror "$source/examples/minimal.c" $(pkg-config --cflags --libs sidestream) \
    -lm -o "$dest/minimal"
"$dest/minimal" >"$dest/out"
grep -q 'held, .* ms old' "$dest/out"
grep -q '^120 frames, none waited' "$dest/out"

# Each public header stands alone, in C and in C++.
include=$(find "$dest" -type d -path '*/include/sidestream')
for header in "$include"/*.h; do
    cc -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -x c "$header" -I "${header%/*/*}"
    if command -v c++ >/dev/null; then
        c++ -std=c++17 -Wall -Wextra -Werror -fsyntax-only -x c++ "$header" -I "${header%/*/*}"
    fi
done

if [ -d "$libdir/gstreamer-1.0" ]; then
    export GST_PLUGIN_PATH=$libdir/gstreamer-1.0 GST_REGISTRY=$dest/registry
    gst-inspect-1.0 ssinfer | grep -q 'simulate-latency'
    gst-inspect-1.0 ssoverlay | grep -q 'style'
    gst-launch-1.0 -q videotestsrc num-buffers=30 ! video/x-raw,format=NV12 ! ssinfer backend=dummy ! ssoverlay ! fakesink
    "$(find "$dest" -path '*/bin/sidestream')" --version | grep -q '^sidestream '
    [ -n "$(find "$dest" -name 'sidestream.1*')" ]
fi
