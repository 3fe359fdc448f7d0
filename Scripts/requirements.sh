# shellcheck shell=bash
# What the machine must offer. Each check says in one sentence what is missing.

# require_machine: all that a tunnel between namespaces takes, before anything is installed or built.
require_machine() {
    require_root
    require_namespaces
    require_tun
    [[ -n ${NIGHTJAR:-} ]] || require_swift
}

# require_program: NIGHTJAR is the path of the daemon, built now unless the caller's environment names one.
require_program() {
    if [[ -z ${NIGHTJAR:-} ]]; then
        say "Building Nightjar"
        Scripts/build.sh >&2
        NIGHTJAR=.build/release/nightjar
    fi
    NIGHTJAR=$(realpath "$NIGHTJAR")
    [[ -x $NIGHTJAR ]] || die "There is no program $NIGHTJAR."
    export NIGHTJAR
}

require_root() {
    ((EUID == 0)) || die \
        "This makes network namespaces and TUN devices, so it must run as root (try sudo, with swift on root's PATH)."
}

require_swift() {
    command -v swift >/dev/null || die \
        "No Swift toolchain is on the PATH; install Swift 6.2 or newer from https://www.swift.org/install."
}

# The device node is missing where the module isn't loaded yet, and in bare containers.
require_tun() {
    [[ -c /dev/net/tun ]] || modprobe tun 2>/dev/null || true
    (exec 3<>/dev/net/tun) 2>/dev/null || die \
        "/dev/net/tun is missing or may not be opened; load the tun module, or give this container the device."
}

require_namespaces() {
    unshare --mount --net true 2>/dev/null || die \
        "Network namespaces are not allowed here; in a container, give it the capability SYS_ADMIN."
}
