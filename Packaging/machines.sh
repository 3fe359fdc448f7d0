# shellcheck shell=bash disable=SC2154 # scratch is from sandbox.sh
# Fresh Debian systems to install packages in. Their base is made once, below .build, from the mirror that apt uses on
# this machine; what a test changes stays in memory. Needs packages.sh, and sandbox.sh for all but prepare_machines.

readonly machines=$PWD/.build/machines

# prepare_machines: downloads the base, and the stock tools' packages. The machines themselves need no network.
prepare_machines() {
    need debootstrap=debootstrap
    command -v apt-get >/dev/null || die "This takes Debian's packages from apt, and there is no apt-get."
    mkdir -p "$machines"
    if [[ ! -e $machines/complete ]]; then
        rm -rf "${machines:?}"/*
        make_base
        (cd "$machines" && apt-get -q download wireguard-tools wireguard-go) </dev/null >&2
        touch "$machines/complete"
    fi
}

make_base() {
    local mirror suite packages
    read -r mirror suite < <(
        # shellcheck disable=SC2016 # apt's own variables
        apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' 'Origin: Debian' |
            awk '$2 !~ /-/' | head -n 1
    ) || die "apt knows no repository of Debian."
    packages=systemd,systemd-sysv,dbus,init-system-helpers,kmod,procps,iproute2,iputils-ping,iptables,nftables
    packages+=,bash-completion,zsh,fish,libstdc++6
    say "Making a small Debian $suite in $machines"
    debootstrap --variant=minbase --include="$packages" "$suite" "$machines/base" "$mirror" \
        </dev/null >"$machines/log" 2>&1 || die "debootstrap failed; see $machines/log."
}

# start_machine NAME: a fresh system in $machine, with PACKAGE and the stock tools' packages, `tools`, at hand in /work.
start_machine() {
    local place=$scratch/machine-$1 file
    machine=$place/root
    mkdir -p "$place"
    mount -t tmpfs -o mode=755 tmpfs "$place"
    mkdir -p "$place"/{root,changes,work}
    mount -t overlay -o "lowerdir=$machines/base,upperdir=$place/changes,workdir=$place/work" overlay "$machine"
    mount -t proc proc "$machine/proc"
    mkdir "$machine/work"
    cp "$PACKAGE" "$machines"/*.deb "$machine/work"
    tools=()
    for file in "$machines"/*.deb; do
        tools+=("/work/${file##*/}")
    done
}

stop_machine() {
    umount "$machine/proc" "$machine"
    umount "${machine%/root}"
}

# inside COMMAND...: runs it in the machine.
inside() {
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
        chroot "$machine" "$@"
}

# install_package: as a user would, from the file.
install_package() { quietly inside dpkg -i "/work/${PACKAGE##*/}"; }

# quietly COMMAND...: its output is shown only when it fails.
quietly() {
    "$@" </dev/null >"$scratch/output" 2>"$scratch/output.error" || {
        local status=$?
        cat "$scratch/output.error" >>"$scratch/output"
        return "$status"
    }
}
