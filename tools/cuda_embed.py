#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compile a .cu file for every GPU that is wanted and nvcc knows, and write it as a C array: NAME.cu becomes
ss_cuda_NAME_code, and ss_cuda_NAME_driver says what driver it takes.

cuda_embed.py NVCC SOURCE OUTPUT [nvcc's arguments]
"""
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

WANTED = [75, 80, 86, 87, 89, 90, 100, 120]


def ask(nvcc, option):
    return subprocess.run([nvcc, option], check=True, capture_output=True, text=True).stdout


def targets(nvcc):
    """Machine code for each, and the lowest one's PTX, which the driver compiles for a GPU not named."""
    known = {int(n) for n in re.findall(r"sm_(\d+)\b", ask(nvcc, "--list-gpu-code"))}
    chosen = [n for n in WANTED if n in known]
    if not chosen:
        sys.exit(f"{nvcc} compiles for none of sm_{', sm_'.join(map(str, WANTED))}")
    args = [f"-gencode=arch=compute_{n},code=sm_{n}" for n in chosen]
    return args + [f"-gencode=arch=compute_{chosen[0]},code=compute_{chosen[0]}"]


def main():
    nvcc, source, output, *extra = sys.argv[1:]
    name = Path(source).stem
    major = int(re.search(r"release (\d+)\.", ask(nvcc, "--version")).group(1))
    with tempfile.TemporaryDirectory() as folder:
        fatbin = Path(folder) / "kernels.fatbin"
        command = [nvcc, "-fatbin", "-Xfatbin=-compress-all", "-O3", "-std=c++17", *targets(nvcc), *extra]
        subprocess.run([*command, source, "-o", fatbin], check=True)
        data = fatbin.read_bytes()
    data += bytes(-len(data) % 8)
    words = [f"0x{word:x}u" for (word,) in struct.iter_unpack("<Q", data)]
    lines = [",".join(words[i:i + 8]) for i in range(0, len(words), 8)]
    Path(output).write_text('#include "cuda/kernels.h"\n\n'
                            f"const int ss_cuda_{name}_driver = {major * 1000};\n"
                            f"const uint64_t ss_cuda_{name}_code[] = {{\n" + ",\n".join(lines) + "\n};\n")


if __name__ == "__main__":
    main()
