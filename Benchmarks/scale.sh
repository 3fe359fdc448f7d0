#!/usr/bin/env bash
# Many peers: what they take of memory, how long they load, and what 200 of them with traffic get together. Two Markdown
# tables on standard output.
#
#     scale.sh [--quick]        NIGHTJAR=/path/to/a/daemon
# shellcheck source=Scripts/common.sh
. "$(dirname "$0")/../Scripts/common.sh"
. Scripts/packages.sh
. Scripts/requirements.sh
. Scripts/sandbox.sh
. Scripts/tunnel.sh
. Scripts/measure.sh

case "$*" in
    "") rounds=3 duration=5 ;;
    --quick) rounds=1 duration=2 ;;
    *) die "The only argument is --quick." ;;
esac
# Peers with traffic, and peers that are only configured: of the file for memory and of that for time.
readonly rounds duration peers=200 many=10000 most=100000
# Seconds after which loading is given up.
readonly patience=120
declare -rA bar=([memory]=48 [load]=3 [ratio]=0.85)

main() {
    in_sandbox || prepare
    enter_sandbox $((600 + rounds * 4 * (duration + 10) * 2)) "$@"
    # shellcheck disable=SC2154 # scratch is from sandbox.sh
    on_exit "$scratch"/{load,server,c0,c1,send,receive}.log
    make_namespace server clients
    measure_configuration
    measure_traffic
}

prepare() {
    require_machine
    need ip=iproute2 ss=iproute2 ping=iputils-ping wg=wireguard-tools wireguard-go=wireguard-go python3=python3 jq=jq
    require_program
}

# --- Configured peers ---

measure_configuration() {
    local count
    for count in $many $most; do
        step "making $count peers"
        python3 Benchmarks/peers.py make "$count" "$scratch/$count"
    done
    load nightjar "$NIGHTJAR"
    load wireguard-go wireguard-go
    line "Configured peers" Nightjar wireguard-go bar
    line :----------------------------------- -------: -----------: :---------------
    loading_row "Memory with $many peers, MiB" memory "<= ${bar[memory]}"
    loading_row "$most peers by wg setconf, s" setconf "< ${bar[load]}"
    loading_row "$most peers by the socket alone, s" socket "< ${bar[load]}"
    loading_row "Memory with $most peers, MiB" memory-most ""
    printf '\n'
}
declare -A loaded

# load ENGINE PROGRAM: each figure with a daemon that has just started; what fails or takes too long is left out.
load() {
    step "loading peers, $1"
    start_daemon server load "$2"
    timeout $patience wg setconf load "$scratch/$many.conf"
    (($(wg show load peers | wc -l) == many)) || die "$2 doesn't have all of the $many peers."
    # The link up, so that everything is there that a working interface has.
    ip -n server link set load up
    sleep 1
    loaded[$1,memory]=$(memory "$SPAWNED")
    stop "$SPAWNED"

    start_daemon server load "$2"
    loaded[$1,socket]=$(timeout $patience python3 Benchmarks/peers.py set "$scratch/$most.set" \
        /run/wireguard/load.sock) || say "    by the socket: failed, or longer than $patience s"
    # wireguard-go takes 65 536 at most.
    [[ -z ${loaded[$1,socket]} ]] || loaded[$1,memory-most]=$(memory "$SPAWNED")
    stop "$SPAWNED"

    start_daemon server load "$2"
    local start=$EPOCHREALTIME
    if timeout $patience wg setconf load "$scratch/$most.conf"; then
        loaded[$1,setconf]=$(awk "BEGIN { printf \"%.2f\", $EPOCHREALTIME - $start }")
    else
        say "    by wg setconf: failed, or longer than $patience s"
    fi
    stop "$SPAWNED"
}

# memory PID: resident, in MiB.
memory() { awk '/^VmRSS:/ { printf "%.1f", $2 / 1024 }' "/proc/$1/status"; }

line() { printf '| %-36s | %8s | %12s | %-16s |\n' "$@"; }

# loading_row TITLE FIGURE BAR
loading_row() {
    local ours=${loaded[nightjar,$2]:-} theirs=${loaded[wireguard-go,$2]:-}
    line "$1" "${ours:--}" "${theirs:--}" "${3:+$3: $(verdict "$ours" "$3")}"
}

# verdict FIGURE BAR
verdict() {
    if [[ -z $1 ]]; then
        echo "not measured"
    else
        awk "BEGIN { print ($1 $2) ? \"pass\" : \"miss\" }"
    fi
}

# --- Peers with traffic ---

# One daemon in the namespace server; in the namespace clients a daemon for each of its peers, since an interface has one
# key: c1, c2 and so on carry one stream each, and c0 carries as many streams alone, to compare with. Each stream has
# addresses of its own at both ends, so that the routes say which tunnel it takes:
#
#     10.1.0.N at c0  to  10.2.0.N        10.3.0.N at cN  to  10.4.0.N
#
# Either case has the same streams, in the same two processes. Still all the clients share the cores with the server,
# and each sleeps, wakes and sends small batches: that costs throughput which isn't the server's to lose. So the CPU time
# per gigabyte stands beside the throughput, the server's and that of the clients together, and the mean packet at the
# server's TUN device: smaller ones cost more.
measure_traffic() {
    step "starting $peers clients"
    join clients eth0 server eth0
    address clients eth0 192.0.2.1/24
    address server eth0 192.0.2.2/24
    make_keys server
    start_clients
    traffic_line Server Direction "1 peer" "$peers peers" ratio bar "at equal clients" "server's CPU, s/GB" \
        "clients' CPU, s/GB" "mean packet, KB"
    traffic_line :----------- :---------------- -----: --------: ----: :------------ ---------------: \
        -----------------: -----------------: --------------:
    serve nightjar "$NIGHTJAR"
    serve wireguard-go wireguard-go
}
clients=()

# start_clients: daemons c0 to cN with their keys, and what they and the server are told. A user may have 128 inotify
# instances unless the machine says otherwise, so they run as several users, with the rights that a daemon needs.
start_clients() {
    local number rights=+net_admin,+dac_override
    for ((number = 0; number <= peers; number++)); do
        spawn "$scratch/c$number.log" ip netns exec clients setpriv --reuid $((60000 + number / 100)) --clear-groups \
            --inh-caps $rights --ambient-caps $rights --pdeathsig KILL env LOG_LEVEL=error "$NIGHTJAR" -f "c$number"
        clients+=("$SPAWNED")
        make_keys "c$number"
    done
    printf '[Interface]\nPrivateKey = %s\nListenPort = 51820\n' "$(<"$scratch/server.key")" >"$scratch/server.conf"
    for ((number = 0; number <= peers; number++)); do
        wait_until 20 daemon_ready "${clients[number]}" clients "c$number"
        ! gone "${clients[number]}" || die "c$number has ended: $(tail -n 1 "$scratch/c$number.log")"
        set_device clients "c$number" $((52000 + number))
        set_peer clients "c$number" server "10.$((number ? 4 : 2)).0.0/24" 192.0.2.2:51820
        printf '[Peer]\nPublicKey = %s\nAllowedIPs = %s\n' "$(<"$scratch/c$number.pub")" \
            "$( ((number)) && echo "10.3.0.$number/32" || echo 10.1.0.0/24)" >>"$scratch/server.conf"
    done
    for ((number = 0; number <= peers; number++)); do
        echo "link set c$number mtu 1420"
        ((number)) && printf 'address add 10.%d.0.%d/32 dev c%d\n' 1 "$number" 0 3 "$number" "$number"
    done | ip -n clients -batch -
}

# serve ENGINE PROGRAM: starts the server, measures, and prints a line for each direction.
serve() {
    local number round direction
    step "$1 as the server"
    start_daemon server server "$2"
    server=$SPAWNED
    wg setconf server "$scratch/server.conf"
    {
        echo "link set server mtu 1420 up"
        for ((number = 1; number <= peers; number++)); do
            printf 'address add 10.%d.0.%d/32 dev server\n' 2 "$number" 4 "$number"
        done
        printf 'route add 10.%d.0.0/24 dev server\n' 1 3
    } | ip -n server -batch -
    # A client that was down has forgotten its session with the server before.
    {
        for ((number = 0; number <= peers; number++)); do printf 'link set c%d %s\n' $number down $number up; done
        for ((number = 1; number <= peers; number++)); do
            printf 'route add 10.%d.0.%d dev c%d src 10.%d.0.%d\n' 2 $number 0 1 $number 4 $number $number 3 $number
        done
    } | ip -n clients -batch -
    # Handshakes are not what is measured.
    { echo 10.2.0.1 && seq -f 10.4.0.%.0f "$peers"; } |
        xargs -P 16 -n 1 ip netns exec clients ping -n -q -c 3 -i 0.2 -W 5 >/dev/null ||
        say "    some clients get no answer"
    : >"$scratch/results"
    for ((round = 1; round <= rounds; round++)); do
        for direction in in out; do
            for number in 1 "$peers"; do
                step "$1, round $round of $rounds, $direction, $number"
                stream "$direction" "$number" || say "    failed, left out of the median"
            done
        done
    done
    stop "$server"
    print_traffic "$1" in "clients to server"
    print_traffic "$1" out "server to clients"
}

# stream in|out COUNT: as many streams as there are peers, over COUNT peers, to or from the server. Keeps lines of
# "direction-count TAB what TAB figure".
stream() {
    local prefix=10.4.0. listener=receive connector=send before after rate total silent sessions
    (($2 > 1)) || prefix=10.2.0.
    [[ $1 == in ]] || listener=send connector=receive
    before=$(counters "$1")
    spawn "$scratch/$listener.log" ip netns exec server timeout $((duration + 20)) \
        python3 Benchmarks/streams.py listen $listener 5201 "$peers" "$duration"
    local listening=$SPAWNED
    wait_until 5 listens server
    spawn "$scratch/$connector.log" ip netns exec clients timeout $((duration + 20)) \
        python3 Benchmarks/streams.py connect $connector 5201 "$peers" "$duration" "$prefix"
    wait "$SPAWNED" "$listening" || return
    after=$(counters "$1")
    read -r rate total silent <"$scratch/receive.log"
    ((silent == 0)) || say "    $silent of $peers streams were silent"
    sessions=$(wg show server latest-handshakes | awk '$2 > 0' | wc -l)
    (($2 == 1 || sessions > peers)) || say "    only $sessions of $((peers + 1)) peers have a session"
    printf '%s\n' "$before" "$after" | awk -v key="$1-$2" -v rate="$rate" -v total="$total" '
        { for (i = 1; i <= NF; i++) grown[i] = $i - last[i]; split($0, last) }
        END {
            printf "%s\trate\t%.3f\n", key, rate / 1e9
            printf "%s\tserver\t%.3f\n", key, grown[1] / total * 1e9
            printf "%s\tclients\t%.3f\n", key, grown[2] / total * 1e9
            printf "%s\tmachine\t%.3f\n", key, grown[3] / total * 1e9
            printf "%s\tpacket\t%.3f\n", key, grown[4] / grown[5] / 1e3
        }' >>"$scratch/results"
}

# counters in|out: CPU seconds so far of the server, of all clients, of the whole machine; and bytes and packets that
# came in or went out by way of the server's interface, where a super-packet is one packet.
counters() {
    local direction=rx
    [[ $1 == in ]] || direction=tx
    echo "$(processor_seconds "$server") $(processor_seconds "${clients[@]}") $(machine_seconds)" \
        "$(ip -n server -json -statistics link show server |
            jq -er ".[0].stats64.$direction | \"\(.bytes) \(.packets)\"")"
}

# machine_seconds: of all cores, without what they were idle or waited.
machine_seconds() {
    awk -v tick="$(getconf CLK_TCK)" '/^cpu / { print ($2 + $3 + $4 + $7 + $8) / tick }' /proc/stat
}

# print_traffic ENGINE in|out TITLE: Gbit/s, the ratio, and what else went with it, with one peer and with all.
#
# "At equal clients" is the ratio of the whole machine's CPU time per gigabyte, without what the clients take more of it
# when they are many: how the throughput would compare if they cost what the one costs.
print_traffic() {
    local single all ratio="" equal="" verdict=""
    single=$(figure "$2-1" rate) all=$(figure "$2-$peers" rate)
    if [[ -n $single && -n $all ]]; then
        ratio=$(awk "BEGIN { printf \"%.2f\", $all / $single }")
        equal=$(awk -v one="$(figure "$2-1" machine)" -v many="$(figure "$2-$peers" machine)" \
            -v less="$(figure "$2-1" clients)" -v more="$(figure "$2-$peers" clients)" \
            'BEGIN { printf "%.2f", one / (many - (more - less)) }')
    fi
    [[ $1 != nightjar ]] || verdict=">= ${bar[ratio]}: $(verdict "$ratio" ">= ${bar[ratio]}")"
    traffic_line "$1" "$3" "${single:--}" "${all:--}" "${ratio:--}" "$verdict" "${equal:--}" \
        "$(figures "$2" server)" "$(figures "$2" clients)" "$(figures "$2" packet)"
}

traffic_line() { printf '| %-12s | %-17s | %6s | %9s | %5s | %-13s | %16s | %18s | %18s | %15s |\n' "$@"; }

# figures in|out WHAT: with one peer, and with all.
figures() { echo "$(figure "$1-1" "$2"), $(figure "$1-$peers" "$2")"; }

# figure KEY WHAT: the median, nothing when there is none.
figure() {
    awk -F '\t' -v key="$1" -v what="$2" '$1 == key && $2 == what { print $3 }' "$scratch/results" | median |
        xargs -r printf %.2f || true
}

main "$@"
