#!/usr/bin/env bash
# How long the commands that people and monitoring call often take with ten thousand peers, and what `status --watch` takes of a
# core; a Markdown table of medians on standard output. README.md in this folder explains the method.
#
#     commands.sh [--quick]         BENCH_ROUNDS=9 NIGHTJAR=/path/to/a/daemon
# shellcheck source=Scripts/common.sh
. "$(dirname "$0")/../Scripts/common.sh"
. Scripts/packages.sh
. Scripts/requirements.sh
. Scripts/sandbox.sh

case "$*" in
    "") rounds=${BENCH_ROUNDS:-9} ;;
    --quick) rounds=3 ;;
    *) die "The only argument is --quick." ;;
esac
[[ $rounds =~ ^[1-9][0-9]{0,2}$ ]] || die "BENCH_ROUNDS is a whole number above zero, not \"$rounds\"."
readonly rounds peers=10000 port=9586 watched=10

main() {
    in_sandbox || prepare
    enter_sandbox $((120 + rounds * 20)) "$@"
    mkdir -p /etc/wireguard /var/lib/nightjar
    # shellcheck disable=SC2154 # scratch is from sandbox.sh
    local said=$scratch/up.log
    mount -t tmpfs -o mode=700 tmpfs /etc/wireguard
    mount -t tmpfs tmpfs /var/lib/nightjar
    ip link set lo up
    step "bringing up $peers peers"
    (umask 077 && python3 Benchmarks/peers.py file "$peers" >/etc/wireguard/wg0.conf)
    "$NIGHTJAR" up --metrics-listen "$port" wg0 2>"$said"
    printf '%s, %s peers with a preshared key, two allowed IPs and an endpoint each; median of %s, and the slowest\n\n' \
        "$(nproc) cores" "$peers" "$rounds"
    printf '| | ms | slowest | bar |\n| :-- | --: | --: | --: |\n'
    measure 150 status
    measure "" status --json
    measure 200 scrape
    measure "" metrics
    measure 300 new peer
    measure "" doctor
    watch
    "$NIGHTJAR" down wg0 2>"$said"
}

prepare() {
    require_machine
    need ip=iproute2 python3=python3 curl=curl script=bsdutils
    require_program
}

# measure BAR COMMAND...: a line of the table.
measure() {
    local bar=$1 round begin times=()
    shift
    step "$*"
    for ((round = 1; round <= rounds; round++)); do
        # What one scrape found out is good for a second.
        [[ $1 != scrape ]] || sleep 1.2
        begin=${EPOCHREALTIME/./}
        case $1 in
            scrape) curl -sSf -o "$scratch/metrics" "http://127.0.0.1:$port/metrics" ;;
            new) "$NIGHTJAR" new peer "new$round" --out "$scratch/new$round.conf" >"$scratch/new.log" 2>&1 ;;
            # Nobody answers there, which it finds.
            doctor) "$NIGHTJAR" doctor >"$scratch/output" || (($? == 1)) ;;
            *) "$NIGHTJAR" "$@" >"$scratch/output" ;;
        esac
        times+=($((${EPOCHREALTIME/./} - begin)))
    done
    printf '%s\n' "${times[@]}" | sort -n | awk -v what="$*" -v bar="${bar:+at most $bar}" '
        { time[NR] = $1 / 1000 }
        END { printf "| `%s` | %.0f | %.0f | %s |\n", what, time[int((NR + 1) / 2)], time[NR], bar }'
}

# watch: what it takes of a core, itself and of the daemon.
watch() {
    local daemon pid before
    step "watching for $watched seconds"
    daemon=$(ss -Hlnpu "sport = 51820" | sed -n 's/.*pid=\([0-9]*\),.*/\1/p;q')
    spawn "$scratch/watch.log" script --quiet --command \
        "stty cols 120 rows 40; exec '$NIGHTJAR' status --watch" /dev/null
    wait_until 5 pgrep -f -- "^$NIGHTJAR status --watch$"
    pid=$(pgrep -f -- "^$NIGHTJAR status --watch$")
    sleep 2
    before="$(ticks "$pid") $(ticks "$daemon")"
    sleep "$watched"
    echo "$before $(ticks "$pid") $(ticks "$daemon")" | awk -v seconds="$watched" '{
        printf "| `status --watch`, of a core | %.1f %% and %.1f %% in the daemon | | at most 5 %% |\n",
            ($3 - $1) / seconds, ($4 - $2) / seconds }'
    stop "$SPAWNED"
}

# ticks PID: of processor time, hundredths of a second.
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

on_exit /run/nightjar/up.log /run/nightjar/watch.log
main "$@"
