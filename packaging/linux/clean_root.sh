#!/bin/sh
# Install the Debian package in a clean root, use it as a plain user, remove it, and say what is left.
#
# Usage (as root): clean_root.sh DEB [ROOT [SUITE]]
#
# ROOT (default: build/root) is made with debootstrap where it is not there, SUITE (default: bookworm) into it. Prints the
# seconds from the beginning of the installation to the demo model's answer, and fails above 60, where a check of the
# application fails, or where files of the package are left.
set -eu

deb=$1
root=${2:-build/root}
suite=${3:-bookworm}
most_seconds=60

inside() {
    # /usr/sbin: dpkg wants ldconfig.
    chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

as_person() {
    inside setpriv --reuid=person --regid=person --clear-groups env HOME=/home/person QT_QPA_PLATFORM=offscreen "$@"
}

# Of what apt itself keeps nothing tells of a package; dependencies stay, as apt leaves them to autoremove.
files() {
    (cd "$root" && find . -xdev \( -path ./proc -o -path ./var/cache -o -path ./var/lib/apt -o -path ./var/lib/dpkg \
        -o -path ./var/log -o -path ./tmp -o -path ./home/person \) -prune -o -print | sort)
}

[ -x "$root/usr/bin/dpkg" ] || debootstrap --variant=minbase "$suite" "$root" http://deb.debian.org/debian >&2
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
trap 'umount "$root/proc"' EXIT
inside id person >/dev/null 2>&1 || inside useradd --create-home person
inside apt-get update -q >/dev/null
# What the package depends on is on every desktop; it is installed beforehand, so that what is left can be told.
inside apt-get install -y -q --no-install-recommends libegl1 libgl1 libxcb1 libx11-6 fontconfig-config >/dev/null
files >build/files.before

cp "$deb" "$root/tmp/offload.deb"
begin=$(date +%s)
inside apt-get install -y -q --no-install-recommends /tmp/offload.deb >build/apt.log 2>&1 || { tail build/apt.log >&2; exit 1; }
installed=$(date +%s)
as_person offload generate --temp 0 "Who are you?"
answered=$(date +%s)
echo "installed after $((installed - begin)) s, first answer after $((answered - begin)) s"
[ $((answered - begin)) -le $most_seconds ] || { echo "that is more than $most_seconds s" >&2; exit 1; }

as_person offload-app --self-test
echo "offload-app --self-test: good"
inside test -L /usr/bin/offload-app
as_person sh -c 'cd && offload doctor --json >/dev/null'

inside apt-get purge -y -q offload >>build/apt.log 2>&1
files >build/files.after
left=$(comm -13 build/files.before build/files.after)
rm "$root/tmp/offload.deb"
echo "left of the package: ${left:-nothing}"
echo "left of the person: $(cd "$root/home/person" && find . -type f -path '*offload*' | tr '\n' ' ')"
[ -z "$left" ]
