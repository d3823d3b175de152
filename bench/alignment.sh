#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# How far are boxes from their objects when they are shown? bench/alignment.py, with the Python that has what it needs.
cd "$(dirname "$0")/.." || exit 1
if [ ! -x .venv/bin/python ]; then
    echo "$0: no .venv: tools/setup.sh makes it" >&2
    exit 1
fi
exec .venv/bin/python bench/alignment.py "$@"
