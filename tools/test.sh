#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds, runs every test; ends with "N passed, N failed, N skipped". Safe to run again.
#
#   tools/test.sh [OPTION OF meson test | TEST]...
set -u
# shellcheck source=tools/common.sh
. "$(dirname "$0")/common.sh"

tools/setup.sh --tests || exit
say "[build] meson and ninja in build/ ..."
build build -Dopenvino=enabled -Dwindow=enabled -Dtests=true
say "[tests]"
rm -f build/meson-logs/testlog.json
meson test -C build --no-rebuild --print-errorlogs "$@"
rc=$?
tools/count_tests.py build/meson-logs/testlog.json && exit $rc
