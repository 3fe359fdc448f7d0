#!/usr/bin/env bash
# shellcheck disable=SC2154 # scratch is from sandbox.sh, machine and tools are from machines.sh
# Installs the Debian package in fresh systems, with and without the stock tools' packages, in either order; looks at
# what it brings; and removes it, after which nothing may be left. As root. PACKAGE is the file, made now unless told.
# shellcheck source=Scripts/common.sh
. "$(dirname "$0")/../Scripts/common.sh"
. Scripts/packages.sh
. Scripts/requirements.sh
. Scripts/sandbox.sh
. Packaging/machines.sh

readonly names=(wg wg-quick wireguard-go) others=(awg awg-quick amneziawg-go)

main() {
    if ! in_sandbox; then
        require_root
        require_namespaces
        need lintian=lintian mandoc=mandoc man=man-db
        prepare_machines
        PACKAGE=$(realpath "${PACKAGE:-$(Packaging/deb.sh)}")
        export PACKAGE
    fi
    enter_sandbox 900 "$@"
    on_exit "$scratch/output"

    step "checking the package's form"
    quietly lintian --allow-root --fail-on error --display-level ">=warning" "$PACKAGE"
    check_alone
    check_tools_later
    check_tools_before
    printf 'The package keeps its word: %s, %s.\n' "$(basename "$PACKAGE")" "$(du -h "$PACKAGE" | cut -f 1)"
}

check_alone() {
    step "installing it alone"
    start_machine alone
    listing >"$scratch/before"
    install_package
    expect_ours "${names[@]}" "${others[@]}"
    [[ $(inside stat -c %a /etc/wireguard) == 700 ]]
    step "running it"
    quietly inside nightjar --version
    quietly inside wg --version
    quietly inside wireguard-go --version
    quietly inside amneziawg-go --version
    inside awg --version | grep -q '^amneziawg-tools v'
    inside awg-quick --help 2>&1 | grep -q /etc/amnezia/amneziawg
    inside sh -c 'wg genkey | wg pubkey' | grep -Eqx '[A-Za-z0-9+/]{43}='
    inside wg-quick --help 2>&1 | grep -q strip
    # shellcheck disable=SC2016 # $1 is the inner shell's
    quietly inside sh -c '! ldd "$1" | grep -i swift' sh /usr/bin/nightjar
    check_units
    check_manuals
    check_completions
    step "upgrading and removing it"
    inside touch /etc/wireguard/wg0.conf
    install_package
    expect_ours "${names[@]}"
    quietly inside dpkg --purge nightjar
    inside rm /etc/wireguard/wg0.conf
    inside rmdir /etc/wireguard
    expect_listing "$scratch/before"
    stop_machine
}

check_units() {
    step "checking its units"
    # The second name is the one of habit.
    quietly inside systemd-analyze verify nightjar@wg0.service nightjar.target wg-quick@wg0.service awg-quick@awg0.service
    quietly inside systemd-analyze security --offline=true --threshold=40 nightjar@.service
    local unit
    for unit in nightjar@wg0 wg-quick@wg1; do
        quietly inside systemctl enable "$unit"
        [[ -e $machine/etc/systemd/system/multi-user.target.wants/$unit.service ||
            -L $machine/etc/systemd/system/multi-user.target.wants/$unit.service ]]
        quietly inside systemctl disable "$unit"
    done
}

check_manuals() {
    step "checking its manual pages"
    local page
    for page in "$machine"/usr/share/man/man8/nightjar*.8.gz; do
        gunzip -c "$page" >"$scratch/page"
        quietly mandoc -T lint -W warning "$scratch/page"
        quietly env LC_ALL=C.UTF-8 man --warnings -l "$scratch/page"
        [[ ! -s $scratch/output.error ]] || die "$(basename "$page"): $(cat "$scratch/output.error")"
    done
    for page in nightjar "${names[@]}" "${others[@]}"; do
        inside test -e "/usr/share/man/man8/$page.8.gz"
    done
}

check_completions() {
    step "loading its completions"
    local file
    for file in "$machine"/usr/share/bash-completion/completions/{nightjar,wg,wg-quick,awg,awg-quick}; do
        [[ ! -L $file ]] || continue
        quietly bash -n "$file"
    done
    # shellcheck disable=SC2016 # the inner shell's variable
    inside bash -c '. /usr/share/bash-completion/bash_completion
        for name in nightjar wg wg-quick; do _completion_loader $name; complete -p $name; done' >"$scratch/output"
    [[ $(sed 's/.* -F \([a-z_]*\) / \1 /' "$scratch/output") == \
        $' _nightjar nightjar\n _nightjar_as wg\n _nightjar_as wg-quick' ]]
    # shellcheck disable=SC2016 # zsh's variable
    inside zsh -c 'autoload -U compinit && compinit -u && echo ${_comps[nightjar]}' | grep -qx _nightjar
    inside fish -c 'complete --do-complete "nightjar dr"' 2>"$scratch/output" | grep -q '^drops'
}

check_tools_later() {
    step "installing the stock tools after it, and removing these"
    start_machine later
    install_package
    quietly inside dpkg -i "${tools[@]}"
    expect_stock "${names[@]}"
    install_package
    expect_stock "${names[@]}"
    quietly inside dpkg --remove wireguard-go
    expect_stock wg wg-quick
    expect_ours wireguard-go
    quietly inside dpkg --purge wireguard-tools
    expect_ours "${names[@]}"
    stop_machine
}

check_tools_before() {
    step "installing the stock tools before it, and removing it"
    start_machine before
    quietly inside dpkg -i "${tools[@]}"
    listing >"$scratch/before"
    install_package
    expect_stock "${names[@]}"
    quietly inside dpkg --purge nightjar
    expect_stock "${names[@]}"
    expect_listing "$scratch/before"
    stop_machine
}

# expect_ours NAME...: they are links that lead to Nightjar.
expect_ours() {
    local name
    for name; do
        [[ $(inside readlink -f "/usr/bin/$name") == /usr/bin/nightjar ]] || die "$name isn't Nightjar."
    done
}

# expect_stock NAME...: they are Debian's files, as its packages brought them.
expect_stock() {
    local name owner
    for name; do
        inside test ! -L "/usr/bin/$name" || die "$name isn't Debian's."
        owner=$(inside dpkg-query --search "/usr/bin/$name" | cut -d : -f 1)
        [[ -z $(inside dpkg --verify "$owner") ]] || die "$owner's files were changed."
    done
}

# listing: all files of the machine, but for what package management itself keeps.
listing() {
    inside find / -xdev \( -path /proc -o -path /dev -o -path /run -o -path /tmp -o -path /var/cache -o -path /var/log \
        -o -path /var/lib/dpkg -o -path /var/lib/systemd -o -path /work \) -prune -o -printf '%p %y %m %u %l\n' | sort
}

# expect_listing FILE: nothing was left behind and nothing is missing.
expect_listing() {
    listing >"$scratch/after"
    diff "$1" "$scratch/after" >"$scratch/output" || die "Removed, it leaves or takes: $(cat "$scratch/output")"
}

main "$@"
