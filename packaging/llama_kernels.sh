#!/bin/sh
# Build llama.cpp for any x86-64 processor: a wheel for the oldest, and its CPU kernels again for newer ones.
#
# Usage: llama_kernels.sh FOLDER [PYTHON]
#
# Makes in FOLDER, where it is not there yet:
#   llama_cpp_python-*.whl              llama-cpp-python whose kernels need x86-64-v2 (SSE 4.2) only
#   kernels/LEVEL/libggml-cpu.so.0      the one library with processor-dependent code, for x86-64-v2, -v3 and -v4
# offload/llama/kernels.py chooses among them. ggml's own way, GGML_BACKEND_DL, is none: offload/ggml/symbols.py finds the
# functions of the CPU library through the handle of libllama, which such a build is not linked with.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
python=${2:-python3}
version=$("$here/version.sh" llama-cpp-python)
sources_sha256=832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e
sources=$folder/llama_cpp_python-$version

# A build for sale names no folder of the machine it was made on.
CFLAGS="-ffile-prefix-map=$folder=. ${CFLAGS:-}"
CXXFLAGS="-ffile-prefix-map=$folder=. ${CXXFLAGS:-}"
export CFLAGS CXXFLAGS
: "${CMAKE_BUILD_PARALLEL_LEVEL:=$(nproc)}"
export CMAKE_BUILD_PARALLEL_LEVEL

fetch_sources() {
    "$python" -m pip download --quiet --disable-pip-version-check --no-deps --no-binary llama-cpp-python \
        --dest "$folder" "llama-cpp-python == $version"
    echo "$sources_sha256  $sources.tar.gz" | sha256sum --check --quiet
    tar -xzf "$sources.tar.gz" -C "$folder"
}

# Of GGML's switches all are named: those of a build that is not native are on where nobody says otherwise.
switches() {
    case $1 in
        x86-64-v2) new=OFF wide=OFF ;;
        x86-64-v3) new=ON wide=OFF ;;
        # What ggml calls icelake: Ice Lake and Zen 4 and later. With BF16 on it would shut out Ice Lake, and only
        # weights in BF16 gain by it.
        x86-64-v4) new=ON wide=ON ;;
    esac
    echo "-DGGML_NATIVE=OFF -DGGML_SSE42=ON -DGGML_AVX=$new -DGGML_AVX2=$new -DGGML_FMA=$new -DGGML_F16C=$new" \
        "-DGGML_BMI2=$new -DGGML_AVX512=$wide -DGGML_AVX512_VBMI=$wide -DGGML_AVX512_VNNI=$wide" \
        "-DGGML_AVX_VNNI=OFF -DGGML_AVX512_BF16=OFF"
}

# Never from or into pip's cache: it does not tell this build from a native one.
build_wheel() {
    CMAKE_ARGS="$(switches x86-64-v2) -DLLAVA_BUILD=OFF" \
        "$python" -m pip wheel --disable-pip-version-check --no-deps --no-cache-dir --wheel-dir "$folder" "$sources"
}

build_kernels() {
    build=$folder/build-$1
    # shellcheck disable=SC2046 # words
    cmake -S "$sources/vendor/llama.cpp" -B "$build" -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=ON \
        -DLLAMA_BUILD_COMMON=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_BUILD_EXAMPLES=OFF \
        -DLLAMA_BUILD_SERVER=OFF -DLLAMA_CURL=OFF -DCMAKE_SKIP_RPATH=ON $(switches "$1") >"$folder/$1.log"
    cmake --build "$build" --target ggml-cpu >>"$folder/$1.log"
    mkdir -p "$folder/kernels/$1"
    cp -L "$build/bin/libggml-cpu.so.0" "$folder/kernels/$1/"
}

wheel() {
    ls "$folder"/llama_cpp_python-"$version"-*.whl 2>/dev/null
}

[ -d "$sources" ] || fetch_sources
wheel || build_wheel
if [ ! -f "$folder/kernels/x86-64-v2/libggml-cpu.so.0" ]; then
    mkdir -p "$folder/kernels/x86-64-v2"
    unzip -p "$(wheel)" llama_cpp/lib/libggml-cpu.so.0 >"$folder/kernels/x86-64-v2/libggml-cpu.so.0"
fi
for level in x86-64-v3 x86-64-v4; do
    [ -f "$folder/kernels/$level/libggml-cpu.so.0" ] || build_kernels "$level"
done
ls -l "$folder"/kernels/*/*
