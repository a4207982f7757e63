#!/bin/sh
# Make the Debian package of the bundle. It owns nothing but its files: what a user has stays when it is removed.
#
# Usage: deb.sh BUNDLE FOLDER        SOURCE_DATE_EPOCH is the time of every file
set -eu

here=$(cd "$(dirname "$0")" && pwd)
bundle=$1
folder=$2
version=$("$here/../version.sh")
architecture=$(dpkg --print-architecture)
tree=build/deb
# The newest symbol of the C library that anything inside asks for.
libc=$(find "$bundle" -type f \( -name '*.so*' -o -perm -u+x \) -exec objdump -T {} + 2>/dev/null |
    sed -n 's/.*GLIBC_\([0-9][0-9.]*\).*/\1/p' | sort -V | tail -n 1)

rm -rf "$tree"
mkdir -p "$tree/DEBIAN" "$folder"
"$here/lay_out.sh" "$bundle" "$tree/usr"
cat >"$tree/DEBIAN/control" <<CONTROL
Package: offload
Version: $version
Architecture: $architecture
Maintainer: offload developers <nobody@localhost>
Installed-Size: $(du -sk "$tree/usr" | cut -f 1)
Section: science
Priority: optional
Depends: libc6 (>= $libc), libegl1, libgl1, libxcb1, libx11-6, fontconfig-config
Recommends: libwayland-client0, libwayland-cursor0, libreadline8, shared-mime-info, desktop-file-utils, xdg-utils
Description: run Mixture-of-Experts language models bigger than memory
 The experts a model uses most stay in memory, the others are fetched from disk
 when they are needed. With a command line, a desktop application with live
 gauges, and a small demo model. Nothing is sent anywhere.
CONTROL
(cd "$tree" && find usr -type f -exec md5sum {} + | LC_ALL=C sort -k 2 >DEBIAN/md5sums)
chmod -R u=rwX,go=rX "$tree"
find "$tree" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH dpkg-deb --root-owner-group -Zxz --build "$tree" \
    "$folder/offload_${version}_$architecture.deb"
