#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The tables of docs/performance.md that need an NVIDIA GPU. Builds the core, the backends and the benchmarks into
# build-gpu/: gcc or clang, Meson, Ninja and nvcc are needed, GStreamer is not.
#
#   bench/gpu.sh [OPTION OF bench/gpu.py]...
set -u
cd "$(dirname "$0")/.." || exit
python=python3
[ ! -x .venv/bin/python ] || python=.venv/bin/python
if [ ! -f build-gpu/build.ninja ]; then
    meson setup build-gpu -Dgst=disabled -Dopenvino=disabled >&2 || exit
fi
ninja -C build-gpu bench/gpu bench/gpu_streams bench/gpu_swap >&2 || exit
export SIDESTREAM_BUILD=build-gpu
"$python" bench/gpu.py "$@"
rc=$?
if ninja -C build-gpu bench/cuda_preprocess >&2; then
    build-gpu/bench/cuda_preprocess | grep -v '^{'
    pre=${PIPESTATUS[0]}
    [ "$rc" -ne 0 ] || rc=$pre
else
    echo "bench/gpu.sh: without nvcc there is no pre-processing on the GPU to measure" >&2
fi
exit "$rc"
