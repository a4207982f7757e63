#!/bin/sh
# Build everything of a release for this system into dist/: wheel, sdist, bundle, archive and package, with checksums.
#
# Usage: build.sh [STEP...]        all steps, in this order, or the ones named:
#
#   environment  build/venv, with the pinned tools
#   kernels      build/llama: llama.cpp for any x86-64 (llama_kernels.sh); elsewhere pip builds it
#   python       dist/*.whl and dist/*.tar.gz, and the wheel installed into the environment
#   bundle       build/bundle/offload, with manuals, completions, licences and the list of what is inside
#   smoke        the bundle tried (smoke.py)
#   archive      dist/offload-VERSION-SYSTEM.tar.gz
#   package      Linux: dist/*.deb, and dist/*.AppImage where its runtime can be fetched
#   checksums    dist/SHA256SUMS
#
#   PYTHON               the Python to build with (default: python3); it ends up in the bundle
#   SOURCE_DATE_EPOCH    the time of every file (default: of the last commit)
set -eu

cd "$(dirname "$0")/.."
venv=$PWD/build/venv
python=$venv/bin/python
bundle=$PWD/build/bundle/offload
system=$(uname -s | tr '[:upper:]' '[:lower:]' | sed 's/^m[is][ny][gs].*/windows/; s/^darwin/macos/')
[ "$system" != windows ] || python=$venv/Scripts/python
version=$(packaging/version.sh)
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || date -r pyproject.toml +%s)}"
# Python keeps sets of names in one order, so that a bundle built again is the same.
PYTHONHASHSEED=0
export SOURCE_DATE_EPOCH PYTHONHASHSEED

pip() {
    "$python" -m pip --quiet --disable-pip-version-check "$@"
}

# Whether the system has what a Linux release is made with. Qt's libraries of the system go into the bundle: where they
# are missing here, they would be missing there.
has_tools() {
    for tool in c++ cmake curl mksquashfs strip unzip; do
        command -v "$tool" >/dev/null || return 1
    done
    /sbin/ldconfig -p | grep -q libxcb-cursor
}

environment() {
    if [ "$system" = linux ] && ! has_tools; then
        packaging/debian_packages.sh "what a Linux release is made with" build-essential cmake curl squashfs-tools unzip \
            libegl1 libgl1 libdbus-1-3 libfontconfig1 libglib2.0-0 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxkbcommon-x11-0
    fi
    [ -x "$python" ] || packaging/create_venv.sh "$venv" "${PYTHON:-python3}"
    pip install -c packaging/constraints.txt -r packaging/requirements.txt
}

kernels() {
    case $(uname -s)-$(uname -m) in
        Linux-x86_64) packaging/llama_kernels.sh build/llama "$python" ;;
        # Not of this processor alone: on x86-64 that leaves AVX2, on Apple's processors what the first of them had.
        *) CMAKE_ARGS="-DGGML_NATIVE=OFF -DLLAVA_BUILD=OFF" pip wheel --no-deps --no-cache-dir --wheel-dir build/llama "llama-cpp-python == $(packaging/version.sh llama-cpp-python)" ;;
    esac
}

python() {
    mkdir -p dist
    rm -rf dist/offload-"$version"*.whl dist/offload-"$version".tar.gz build/lib build/bdist.*
    "$python" -m build --no-isolation --outdir dist . >build/python.log
    "$python" packaging/distributions.py dist
    pip uninstall --yes offload llama-cpp-python 2>/dev/null
    # Not what pip's cache has under that name: that was made for one processor.
    pip install --no-cache-dir --no-deps build/llama/llama_cpp_python-*.whl
    pip install -c packaging/constraints.txt --find-links build/llama "$(ls "$PWD"/dist/offload-"$version"-*.whl)[app,hub]"
}

bundle() {
    "$python" packaging/icons.py build/icons
    LLAMA_KERNELS=$PWD/build/llama/kernels "$python" -m PyInstaller --noconfirm --clean --log-level WARN \
        --distpath build/bundle --workpath build/pyinstaller packaging/offload.spec
    if [ "$system" = linux ]; then
        # Symbols for debuggers: half of these files.
        strip --strip-unneeded "$bundle"/_internal/libpython3* "$bundle"/_internal/zstandard/*.so \
            "$bundle"/_internal/python3*/lib-dynload/*.so
    fi
    "$python" packaging/man_pages.py "$bundle/share/man/man1"
    "$python" packaging/completions.py "$bundle/share"
    "$python" packaging/notices.py "$bundle" build/llama
    du -sm "$bundle" "$bundle/_internal/offload_models/demo"
}

smoke() {
    "$python" packaging/smoke.py "$bundle" "${python%python}offload"
}

archive() {
    "$python" packaging/archive.py "$bundle" "dist/offload-$version-$system-$(uname -m).tar.gz"
}

package() {
    case $system in
        linux)
            packaging/linux/deb.sh "$bundle" dist
            packaging/linux/appimage.sh "$bundle" dist
            ;;
        macos) packaging/macos/dmg.sh build/bundle/offload.app "$bundle" dist ;;
        windows) packaging/windows/installer.sh "$bundle" dist ;;
    esac
}

checksums() {
    cp "$bundle/offload.cdx.json" "dist/offload-$version.cdx.json"
    (cd dist && rm -f SHA256SUMS && LC_ALL=C sha256sum -- * >../build/SHA256SUMS && mv ../build/SHA256SUMS .)
    cat dist/SHA256SUMS
}

[ $# -gt 0 ] || set -- environment kernels python bundle smoke archive package checksums
for step in "$@"; do
    echo "---- $step"
    $step
done
