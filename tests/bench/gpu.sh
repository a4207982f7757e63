#!/bin/sh
# Build llama.cpp for this machine's GPU in an environment of its own, run gates there and measure; see README.md beside.
#
# Usage: gpu.sh [cuda|vulkan|metal|hip] [ARGUMENT OF bench.gpu...]        e.g. gpu.sh cuda --device CUDA0 --runs 5
#
#   GPU_VENV     the environment, made once (default: .venv-gpu-BACKEND in the project's folder)
#   GPU_CMAKE    more CMake arguments, such as -DCMAKE_CUDA_ARCHITECTURES=89
#   PYTHON       the Python to make the environment with (default: python3)
set -eu

cd "$(dirname "$0")/../.."

fail() {
    echo "$1" >&2
    exit 1
}

# By what there is to compile with: a maker's own before Vulkan, which all have.
found_backend() {
    if [ "$(uname -s)" = Darwin ]; then
        echo metal
    elif command -v nvcc >/dev/null 2>&1; then
        echo cuda
    elif command -v hipcc >/dev/null 2>&1; then
        echo hip
    elif command -v glslc >/dev/null 2>&1; then
        echo vulkan
    fi
}

case ${1:-} in
cuda | vulkan | metal | hip)
    backend=$1
    shift
    ;;
*) backend=$(found_backend) ;;
esac
[ -n "$backend" ] || fail "There is nothing to compile for a GPU with: neither nvcc, hipcc nor glslc was found."

name=$(echo "$backend" | tr '[:lower:]' '[:upper:]')
venv=${GPU_VENV:-$PWD/.venv-gpu-$backend}
python=$venv/bin/python
version=$(packaging/version.sh llama-cpp-python)

is_installed() {
    find "$venv"/lib/python*/site-packages/llama_cpp/lib -name "libggml-$backend.*" 2>/dev/null | grep -q . &&
        [ -f "$venv/.installed-$version" ]
}

if ! is_installed; then
    [ -x "$python" ] || packaging/create_venv.sh "$venv" "${PYTHON:-python3}"
    echo "Compiling llama.cpp with GGML_$name, once: minutes, with CUDA on few cores an hour."
    # Never from or into pip's cache: it does not tell a build for one GPU from one for another.
    CMAKE_ARGS="-DGGML_$name=on -DLLAVA_BUILD=off ${GPU_CMAKE:-}" "$python" -m pip install \
        --disable-pip-version-check --no-cache-dir --no-binary llama-cpp-python "llama-cpp-python == $version" ||
        fail "llama.cpp was not built with GGML_$name; the first error above says why."
    "$python" -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
    touch "$venv/.installed-$version"
fi

is_installed || fail "llama.cpp in $venv was built without GGML_$name: remove the folder and run this again."
PYTHONPATH=$PWD:tests exec "$python" -m bench.gpu "$@"
