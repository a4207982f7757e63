#!/bin/sh
# Make the AppImage of the bundle. Not yet run with appimagetool: the AppDir is made and its AppRun tried without it.
#
# Usage: appimage.sh BUNDLE FOLDER        APPIMAGETOOL names the tool (default: appimagetool); without it the AppDir is left
set -eu

here=$(cd "$(dirname "$0")" && pwd)
bundle=$1
folder=$2
version=$(sed -n 's/^version *= *"\([^"]*\)".*/\1/p' "$here/../../pyproject.toml")
tree=build/offload.AppDir
tool=${APPIMAGETOOL:-appimagetool}

rm -rf "$tree"
mkdir -p "$tree"
"$here/lay_out.sh" "$bundle" "$tree/usr"
ln -s usr/share/applications/offload.desktop "$tree/offload.desktop"
ln -s usr/share/icons/hicolor/scalable/apps/offload.svg "$tree/offload.svg"
ln -s offload.svg "$tree/.DirIcon"
# One file for both programs: called by the other's name, or with a command, it is the console program.
cat >"$tree/AppRun" <<'RUN'
#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
case ${ARGV0##*/} in
    offload) exec "$here/usr/bin/offload" "$@" ;;
esac
case ${1:-} in
    '' | *.gguf | --self-test) exec "$here/usr/bin/offload-app" "$@" ;;
    *) exec "$here/usr/bin/offload" "$@" ;;
esac
RUN
chmod +x "$tree/AppRun"
if ! command -v "$tool" >/dev/null 2>&1; then
    echo "appimagetool is not here: $tree is ready for it, no AppImage is made." >&2
    exit 0
fi
find "$tree" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
ARCH=$(uname -m) "$tool" --no-appstream "$tree" "$folder/offload-$version-$(uname -m).AppImage"
