#!/usr/bin/env bash
# Installs what `make build` built, with units, manual pages and completions. From the environment: PREFIX, /usr/local
# unless told; DESTDIR, before all paths; ZSH_FUNCTIONS, where zsh looks for completions below PREFIX.
# shellcheck source=Scripts/common.sh
. "$(dirname "$0")/../Scripts/common.sh"

prefix=${PREFIX:-/usr/local}
root=${DESTDIR:-}$prefix
program=.build/release/nightjar
pages=$(mktemp -d)
trap 'rm -rf "$pages"' EXIT

# put MODE DIRECTORY FILE...
put() {
    local mode=$1 directory=$root/$2
    shift 2
    install -d -m 755 "$directory"
    install -m "$mode" "$@" "$directory"
}

# put_unit DIRECTORY FILE: with the paths of this installation.
put_unit() {
    install -d -m 755 "$root/$1"
    sed "s,/usr/bin/,$prefix/bin/," "$2" >"$root/$1/$(basename "$2")"
    chmod 644 "$root/$1/$(basename "$2")"
}

# put_awg_unit DIRECTORY: the unit of habit for awg-quick's name and files.
put_awg_unit() {
    sed "s,nightjar \(up\|down\) %i,awg-quick \1 %i,; s,nightjar reload %i,nightjar reload /etc/amnezia/amneziawg/%i.conf,
        s,wg-quick\, WireGuard interface,awg-quick\, AmneziaWG interface,; s,wireguard-tools,amneziawg-tools,
        s,/usr/bin/,$prefix/bin/," \
        Packaging/systemd/wg-quick@.service >"$root/$1/awg-quick@.service"
    chmod 644 "$root/$1/awg-quick@.service"
}

# put_completion SHELL FILE: shells read it into themselves, so it names no interpreter.
put_completion() {
    install -d -m 755 "$(dirname "$root/$2")"
    "$program" --generate-completion-script "$1" | sed '1{/^#!/d}' >"$root/$2"
    chmod 644 "$root/$2"
}

[[ -x $program ]] || die "There is no program $program; \`make build\` makes it."
PROGRAM=$program Packaging/man/pages.sh "$pages"

put 755 bin "$program"
put_unit lib/systemd/system Packaging/systemd/nightjar@.service
put_unit lib/systemd/system Packaging/systemd/nightjar.target
put_unit lib/systemd/system Packaging/systemd/nightjar-relay@.service
put_unit lib/nightjar Packaging/systemd/wg-quick@.service
put_awg_unit lib/nightjar
put 644 share/man/man8 "$pages"/*.8
put_completion bash share/bash-completion/completions/nightjar
put_completion zsh "${ZSH_FUNCTIONS:-share/zsh/site-functions}/_nightjar"
sed /shellcheck/d Packaging/completions/names.bash >>"$root/share/bash-completion/completions/nightjar"
put_completion fish share/fish/vendor_completions.d/nightjar.fish
