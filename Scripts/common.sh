# shellcheck shell=bash
# What every script here needs: strict mode, messages, and helpers that end with the script.
# Source it first; it moves to the top of the source tree. SELF is the running script.

set -euo pipefail
shopt -s inherit_errexit
export LC_ALL=C
# shellcheck disable=SC2034 # for enter_sandbox
SELF=$(realpath "$0")
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# say LINE...: progress, on standard error, so that standard output holds only the result.
say() { printf '%s\n' "$@" >&2; }

# die SENTENCE: what is missing, and exit status 1.
die() {
    EXPLAINED=yes
    say "$(basename "$0" .sh): $*"
    exit 1
}

# step WHAT: announces what happens next; a failure is reported as one of this step.
step() {
    STEP=$*
    say "  … $STEP"
}

# spawn LOG COMMAND...: runs a helper in the background. The kernel kills it with this script, whatever ends the
# script. SPAWNED is its pid.
spawn() {
    local log=$1
    shift
    setpriv --pdeathsig KILL "$@" </dev/null >"$log" 2>&1 &
    SPAWNED=$!
    SPAWNED_PIDS+=("$SPAWNED")
}
SPAWNED_PIDS=()

# wait_until SECONDS COMMAND...: repeats the command until it succeeds; fails when the time is over.
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < deadline)) || return 1
        sleep 0.02
    done
}

# stop PID...: ends helpers that spawn started, politely at first.
stop() {
    local pid
    kill -TERM "$@" 2>/dev/null || true
    for pid; do
        wait_until 3 gone "$pid" || kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
}

# gone PID: true when the process has ended, reaped or not.
gone() {
    local state
    state=$(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null) || true
    [[ -z $state || $state == Z ]]
}

# on_exit LOG...: from here on the script cleans up however it ends, and a failure names its step and the logs' ends.
on_exit() {
    EXIT_LOGS=("$@")
    trap finish EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

finish() {
    local status=$? log
    trap '' HUP INT TERM
    trap - EXIT
    ((${#SPAWNED_PIDS[@]} == 0)) || stop "${SPAWNED_PIDS[@]}"
    if ((status > 128)); then
        say "Interrupted; everything is cleaned up."
    elif ((status != 0)) && [[ -z ${EXPLAINED:-} ]]; then
        say "" "Failed while ${STEP:-starting}."
        for log in "${EXIT_LOGS[@]}"; do
            [[ -s $log ]] || continue
            say "" "The end of $(basename "$log"):"
            tail -n 15 "$log" | sed 's/^/    /' >&2
        done
    fi
    exit "$status"
}
