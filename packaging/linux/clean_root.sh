#!/bin/sh
# Install what is made for Linux in a clean root, use it as a plain user, remove it, and say what is left.
#
# Usage (as root): clean_root.sh FILE [ROOT [SUITE]]
#
# FILE is the package, the archive or the AppImage. ROOT (default: build/root) is made with debootstrap where it is not
# there, SUITE (default: bookworm) into it. Prints the seconds from the beginning of the installation to the demo model's
# answer, and fails above 60, where a check of the application fails, or where files of the installation are left.
set -eu

file=$1
root=${2:-build/root}
suite=${3:-bookworm}
most_seconds=60
log=build/clean_root.log

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

make_root() {
    mkdir -p build
    [ -x "$root/usr/bin/dpkg" ] || debootstrap --variant=minbase "$suite" "$root" http://deb.debian.org/debian >&2
    mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
    trap 'umount "$root/proc"' EXIT
    # As nobody has used it before: with an empty home.
    rm -rf "$root/home/person"
    inside userdel person >/dev/null 2>&1 || true
    inside useradd --create-home person
    inside apt-get update -q >/dev/null
    # What the package depends on is on every desktop; it is installed beforehand, so that what is left can be told.
    inside apt-get install -y -q --no-install-recommends libegl1 libgl1 libxcb1 libx11-6 fontconfig-config >/dev/null
}

logged() {
    "$@" >>"$log" 2>&1 || {
        tail "$log" >&2
        exit 1
    }
}

# Sets `console` and `app`, the commands that a person then has.
install() {
    case $file in
        *.deb)
            cp "$file" "$root/tmp/offload.deb"
            logged inside apt-get install -y -q --no-install-recommends /tmp/offload.deb
            console=offload app=offload-app
            ;;
        *.tar.gz)
            mkdir -p "$root/opt"
            tar -xzf "$file" -C "$root/opt"
            console=/opt/offload/offload app=/opt/offload/offload-app
            ;;
        *.AppImage)
            # Unpacked by itself, as where there is no FUSE, which no plain root has.
            mkdir -p "$root/opt/offload"
            cp "$file" "$root/opt/offload/offload.AppImage"
            logged inside sh -c 'cd /opt/offload && ./offload.AppImage --appimage-extract && chmod -R go+rX .'
            console=/opt/offload/squashfs-root/AppRun app=$console
            ;;
        *)
            echo "$file is no .deb, no .tar.gz and no .AppImage." >&2
            exit 2
            ;;
    esac
}

remove() {
    case $file in
        *.deb)
            logged inside apt-get purge -y -q offload
            rm "$root/tmp/offload.deb"
            ;;
        *) rm -r "$root/opt/offload" ;;
    esac
}

make_root
: >"$log"
files >build/files.before

begin=$(date +%s)
install
installed=$(date +%s)
as_person "$console" generate --temp 0 "Who are you?"
answered=$(date +%s)
echo "installed after $((installed - begin)) s, first answer after $((answered - begin)) s"
[ $((answered - begin)) -le $most_seconds ] || {
    echo "that is more than $most_seconds s" >&2
    exit 1
}
as_person "$app" --self-test
echo "$app --self-test: good"
as_person sh -c "cd && $console doctor --json >/dev/null"

remove
files >build/files.after
left=$(comm -13 build/files.before build/files.after)
echo "left of the installation: ${left:-nothing}"
echo "left of the person: $(cd "$root/home/person" && find . -type f -path '*offload*' | tr '\n' ' ')"
[ -z "$left" ]
