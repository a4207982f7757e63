#!/bin/sh
# Unpack headers of Vulkan and SPIR-V that are new enough for llama.cpp into a folder; nothing of the system is changed.
#
# Usage: headers.sh FOLDER        they are then in FOLDER/usr
#
# From the system's own packages where those are new enough, otherwise from Debian 13's.
set -eu

folder=$1
oldest=1.3.272 # llama.cpp names extensions that older ones do not know
archive=http://deb.debian.org/debian
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

header_version() {
    sed -n 's/^#define VK_HEADER_VERSION \([0-9]*\)$/\1/p' "$folder/usr/include/vulkan/vulkan_core.h" 2>/dev/null
}

is_complete() {
    version=$(header_version)
    [ "${version:-0}" -ge "${oldest##*.}" ] && [ -f "$folder/usr/include/spirv/unified1/spirv.hpp" ]
}

is_complete && exit 0
if ! command -v apt-get >/dev/null 2>&1; then
    echo "Missing: headers of Vulkan $oldest or newer and of SPIR-V. Put them into $folder/usr/include, as" \
        "vulkan/vulkan.hpp and spirv/unified1/spirv.hpp, and SPIRV-HeadersConfig.cmake into" \
        "$folder/usr/share/cmake/SPIRV-Headers." >&2
    exit 1
fi

rm -rf "$folder"
mkdir -p "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial"
folder=$(cd "$folder" && pwd)

# A list of packages of our own: the system's sources stay as they are.
use_debian_13() {
    [ -f "$keyring" ] ||
        "$(dirname "$0")/../../packaging/debian_packages.sh" "the keys of Debian's archive" debian-archive-keyring
    echo "deb [signed-by=$keyring] $archive trixie main" >"$folder/apt/sources.list"
    cat >"$folder/apt/apt.conf" <<CONF
Dir::Etc::sourcelist "$folder/apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State::lists "$folder/apt/lists";
Dir::Cache "$folder/apt/cache";
APT::Sandbox::User "root";
CONF
    export APT_CONFIG="$folder/apt/apt.conf"
    apt-get update -q >&2
}

candidate=$(LC_ALL=C apt-cache policy libvulkan-dev 2>/dev/null | sed -n 's/^ *Candidate: //p')
if [ -z "$candidate" ] || [ "$candidate" = "(none)" ] || dpkg --compare-versions "$candidate" lt "$oldest"; then
    echo "The system's Vulkan headers are older than $oldest (${candidate:-none}): taking Debian 13's."
    use_debian_13
fi
(cd "$folder" && apt-get download -q -o APT::Sandbox::User=root libvulkan-dev spirv-headers >&2) || true
for package in "$folder"/*.deb; do
    [ ! -f "$package" ] || dpkg-deb --extract "$package" "$folder"
done
rm -rf "$folder/apt" "$folder"/*.deb

if ! is_complete; then
    echo "Missing: headers of Vulkan $oldest or newer and of SPIR-V; $archive did not give libvulkan-dev and" \
        "spirv-headers of Debian 13. Unpack those two packages into $folder, then run this again." >&2
    exit 1
fi
echo "Headers of Vulkan, version $(header_version), are in $folder."
