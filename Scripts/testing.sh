# shellcheck shell=bash
# Runs tests so that a failure among thousands of lines is found at their end.

# run_tests OPTION...: `swift test` with these options. After a failure, what each failed test had to say comes once
# more, last of all the runner's closing line.
run_tests() {
    local log status=0
    log=$(mktemp)
    swift test --disable-xctest "$@" </dev/null 2>&1 | tee --ignore-interrupts "$log" || status=$?
    if ((status != 0)); then
        printf '\nWhat failed:\n'
        awk '/^✘ Test .* recorded an issue/ { told = 6 }
            /^[✔✘◇➜]/ && !/recorded an issue/ { told = 0 }
            told-- > 0 { print substr($0, 1, 600) }' "$log"
        grep '^✘ Test run ' "$log" || tail -n 5 "$log"
    fi
    rm -f "$log"
    return "$status"
}
