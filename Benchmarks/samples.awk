# perf script's lines of "pid address function (object)" to the AEAD's share of all samples, in percent: of the daemon
# with the pid SENDER, of that with the pid RECEIVER, and of both, as one line each. Needs groups.awk.

NF >= 4 {
    object = substr($NF, 2, length($NF) - 2)
    all[$1]++
    if (group($3, object) == "AEAD") aead[$1]++
}

END {
    if (!all[sender] || !all[receiver]) exit 1
    printf "out\t%.1f\n", 100 * aead[sender] / all[sender]
    printf "in\t%.1f\n", 100 * aead[receiver] / all[receiver]
    printf "both\t%.1f\n", 100 * (aead[sender] + aead[receiver]) / (all[sender] + all[receiver])
}
