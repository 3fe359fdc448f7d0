# shellcheck shell=bash
# The names of the stock tools, where they lead to nightjar: its commands that these have as well. This follows what the
# program generates.
_nightjar_as() {
    local -r name="${COMP_WORDS[0]}"
    COMP_LINE="nightjar${COMP_LINE#*"${name}"}"
    COMP_POINT=$((COMP_POINT + 8 - ${#name}))
    COMP_WORDS[0]=nightjar
    _nightjar nightjar "${2}" "${3}"
    ((COMP_CWORD == 1)) || return
    local commands='show showconf set setconf addconf syncconf genkey genpsk pubkey'
    [[ "${name}" != *-quick ]] || commands='up down save strip'
    mapfile -t COMPREPLY < <(compgen -W "${commands}" -- "${2}")
}

for __nightjar_name in wg wg-quick awg awg-quick; do
    if [[ "$(readlink -f -- "$(type -P "${__nightjar_name}")")" = */nightjar ]]; then
        complete -o filenames -F _nightjar_as "${__nightjar_name}"
    fi
done
unset __nightjar_name
