#!/bin/sh
# Make the disk image for macOS from the application, sign and notarize it where there is somebody to sign. Not yet run.
#
# Usage: dmg.sh APPLICATION BUNDLE FOLDER        the licences of BUNDLE go into APPLICATION
#
#   MACOS_IDENTITY         "Developer ID Application: ..." in the keychain; the bundle was built with the same one.
#                          Without it nothing is signed but ad hoc, and macOS asks before the first start
#   MACOS_NOTARY_PROFILE   the profile that `xcrun notarytool store-credentials` keeps in the keychain
set -eu

here=$(cd "$(dirname "$0")" && pwd)
application=$1
bundle=$2
folder=$3
version=$("$here/../version.sh")
image=$folder/offload-$version-macos-$(uname -m).dmg
tree=build/dmg

# They lie among what is signed, so that it has to be signed once more; "-" is nobody.
cp "$bundle/LICENSE" "$bundle/THIRD-PARTY.txt" "$bundle/offload.cdx.json" "$application/Contents/Resources/"
if [ -z "${MACOS_IDENTITY:-}" ]; then
    codesign --force --deep --sign - "$application"
else
    codesign --force --deep --strict --options runtime --timestamp --entitlements "$here/entitlements.plist" \
        --sign "$MACOS_IDENTITY" "$application"
    codesign --verify --deep --strict "$application"
fi

rm -rf "$tree" "$image"
mkdir -p "$tree"
cp -R "$application" "$tree/"
ln -s /Applications "$tree/Applications"
hdiutil create -volname offload -srcfolder "$tree" -format UDZO -ov "$image"

if [ -n "${MACOS_IDENTITY:-}" ] && [ -n "${MACOS_NOTARY_PROFILE:-}" ]; then
    codesign --timestamp --sign "$MACOS_IDENTITY" "$image"
    xcrun notarytool submit "$image" --keychain-profile "$MACOS_NOTARY_PROFILE" --wait
    xcrun stapler staple "$image"
fi
