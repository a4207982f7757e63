#!/bin/sh
# Run the gates of the GPU tier on Mesa's software Vulkan, in a virtual environment of their own; see README.md beside.
#
# Usage: run.sh [PYTEST ARGUMENT...]        e.g. run.sh -k plain -x
#
#   VULKAN_VENV     the environment, made once (default: .venv-vulkan in the project's folder)
#   VULKAN_WHEELS   where the wheel of llama.cpp with Vulkan is kept, and taken from next time (default: .venv-vulkan/wheels)
#   PYTHON          the Python to make the environment with (default: python3)
set -eu

cd "$(dirname "$0")/../.."
venv=${VULKAN_VENV:-$PWD/.venv-vulkan}
wheels=${VULKAN_WHEELS:-$venv/wheels}
python=$venv/bin/python
headers=$venv/headers

fail() {
    echo "$1" >&2
    exit 1
}

software_driver() {
    find /usr/share/vulkan/icd.d /etc/vulkan/icd.d -name 'lvp_icd*.json' 2>/dev/null | head -n 1
}

# Where the linker finds the loader that programs run with: its package for development is not needed.
loader() {
    path=$(cc -print-file-name=libvulkan.so.1)
    [ -f "$path" ] && echo "$path"
}

# ---- What Debian and Ubuntu have packages for

[ -n "$(software_driver)" ] ||
    packaging/debian_packages.sh "Mesa's software Vulkan, lavapipe" mesa-vulkan-drivers
command -v c++ >/dev/null 2>&1 ||
    packaging/debian_packages.sh "a C and C++ compiler, for llama.cpp" build-essential
loader >/dev/null ||
    packaging/debian_packages.sh "Vulkan's loader" libvulkan1
command -v glslc >/dev/null 2>&1 ||
    packaging/debian_packages.sh "the compiler of llama.cpp's shaders (Debian 12, Ubuntu 24.04 or newer)" glslc

# ---- The environment

[ -x "$python" ] || packaging/create_venv.sh "$venv" "${PYTHON:-python3}"

version=$(packaging/version.sh llama-cpp-python)

is_installed() {
    ls "$venv"/lib/python*/site-packages/llama_cpp/lib/libggml-vulkan.so >/dev/null 2>&1 &&
        "$python" - "$version" <<'PY' 2>/dev/null
import importlib.metadata
import sys

sys.exit(importlib.metadata.version("llama-cpp-python") != sys.argv[1])
PY
}

install_wheel() {
    "$python" -m pip install --quiet --disable-pip-version-check --no-index --find-links "$wheels" --no-deps \
        --force-reinstall "llama-cpp-python == $version"
}

# Never from or into pip's cache: it does not tell a build with Vulkan from one without.
build_wheel() {
    CMAKE_ARGS="-DGGML_VULKAN=on -DLLAVA_BUILD=off -DVulkan_LIBRARY='$(loader)' \
-DVulkan_GLSLC_EXECUTABLE='$(command -v glslc)' -DVulkan_INCLUDE_DIR='$headers/usr/include' \
-DSPIRV-Headers_DIR='$headers/usr/share/cmake/SPIRV-Headers'" \
        "$python" -m pip wheel --disable-pip-version-check --no-deps --no-cache-dir --wheel-dir "$wheels" \
        --no-binary llama-cpp-python "llama-cpp-python == $version"
}

if ! is_installed && ! install_wheel 2>/dev/null; then
    tests/vulkan/headers.sh "$headers"
    echo "Compiling llama.cpp with Vulkan: 8 minutes on 2 cores, once."
    build_wheel || fail "llama.cpp was not built with Vulkan; the first error above says why."
    install_wheel
fi
is_installed || fail "The wheel in $wheels was built without Vulkan: remove it and run this again."

# A second run installs nothing, unless the list of requirements changed.
if [ ! -f "$venv/.installed" ] || [ -n "$(find pyproject.toml setup.py -newer "$venv/.installed")" ]; then
    "$python" -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
    touch "$venv/.installed"
fi

# ---- The device: ggml takes no processor for a GPU unless it is named by its number, and with one driver that is 0.

VK_DRIVER_FILES=$(software_driver)
VK_ICD_FILENAMES=$VK_DRIVER_FILES # the name before loader 1.3.207
GGML_VK_VISIBLE_DEVICES=0
export VK_DRIVER_FILES VK_ICD_FILENAMES GGML_VK_VISIBLE_DEVICES

# Mesa compiles for half a minute what the first tests compute with, and keeps it there.
export MESA_SHADER_CACHE_DIR="$venv/shaders"

PYTHONPATH=tests "$python" -m vulkan.devices ||
    fail "ggml does not list Mesa's software Vulkan; look at: VK_DRIVER_FILES=$VK_DRIVER_FILES vulkaninfo (of vulkan-tools)"
exec "$python" -m pytest --timeout 600 tests/vulkan "$@"
