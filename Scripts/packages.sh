# shellcheck shell=bash
# Debian packages by the command they bring. Nothing is installed that is already there.

# need COMMAND=PACKAGE...: installs the packages whose commands are missing.
need() {
    local pair missing=()
    for pair; do
        command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
    done
    ((${#missing[@]} == 0)) && return
    mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
    local list="${missing[*]}"
    ((EUID == 0)) || die "These Debian packages are missing: $list; install them, or run this as root."
    command -v apt-get >/dev/null || die "These packages are missing, and there is no apt-get to install them: $list."
    say "Installing Debian packages: $list"
    install_packages "${missing[@]}" || die "These packages could not be installed (is there a network?): $list."
}

# want COMMAND=PACKAGE...: like need, but goes on without what can't be had.
want() { (need "$@") || say "Going on without it."; }

install_packages() {
    local options=(-q -y --no-install-recommends -o DPkg::Lock::Timeout=120)
    export DEBIAN_FRONTEND=noninteractive
    {
        apt-get -q -o Acquire::Retries=2 update || say "The package lists could not be refreshed; using those at hand."
        apt-get "${options[@]}" install "$@"
    } </dev/null >&2
}
