# Lines of "measure TAB engine TAB figure" to a Markdown table of medians, their ratios, and how they meet the bars.

BEGIN {
    FS = "\t"
    form = "| %-32s | %8s | %12s | %9s | %23s | %-17s |\n"
    printf form, "", "Nightjar", "wireguard-go", "bare wire", "Nightjar / wireguard-go", "bar"
    print "| :" dashes(31) " | " dashes(7) ": | " dashes(11) ": | " dashes(8) ": | " dashes(22) ": | :" dashes(16) " |"
}

{ figures[$1, $2, ++count[$1, $2]] = $3 }

END {
    row("tcp-1", "TCP, one stream, Gbit/s", "%.2f", "least ratio", 6)
    row("tcp-4", "TCP, four streams, Gbit/s", "%.2f")
    row("tcp-reverse", "TCP, one stream back, Gbit/s", "%.2f")
    row("udp-large", "UDP, 1400-byte packets/s", "%.0f")
    row("udp-small", "UDP, 64-byte packets/s", "%.0f")
    row("ping-idle", "Ping, idle, ms", "%.3f", "greatest ratio", 0.6)
    row("ping-load", "Ping beside one TCP stream, ms", "%.3f")
    row("rss-idle", "Memory, idle, MiB", "%.1f", "greatest figure", 16)
    row("rss-peak", "Memory, highest, MiB", "%.1f")
    row("cpu", "CPU time of both ends, s/GB", "%.2f")
}

function row(measure, title, decimals, kind, bar,    ours, theirs, ratio) {
    ours = median(measure, "nightjar")
    theirs = median(measure, "wireguard-go")
    ratio = ours != "" && theirs > 0 ? ours / theirs : ""
    printf form, title, show(ours, decimals), show(theirs, decimals), show(median(measure, "bare"), decimals), \
        show(ratio, "%.2f"), verdict(kind, bar, ours, ratio)
}

function verdict(kind, bar, ours, ratio) {
    if (kind == "") return ""
    if (kind == "least ratio") return ">= " bar ": " passes(ratio, ratio >= bar)
    if (kind == "greatest ratio") return "<= " bar ": " passes(ratio, ratio <= bar)
    return "<= " bar " MiB: " passes(ours, ours <= bar)
}

function passes(figure, met) { return figure == "" ? "not measured" : met ? "pass" : "miss" }

function dashes(n) { return substr("----------------------------------------", 1, n) }

function show(figure, decimals) { return figure == "" ? "-" : sprintf(decimals, figure) }

function median(measure, engine,    n, i, j, swap, v) {
    n = count[measure, engine]
    if (!n) return ""
    for (i = 1; i <= n; i++) v[i] = figures[measure, engine, i] + 0
    for (i = 2; i <= n; i++)
        for (j = i; j > 1 && v[j - 1] > v[j]; j--) { swap = v[j]; v[j] = v[j - 1]; v[j - 1] = swap }
    return (v[int((n + 1) / 2)] + v[int(n / 2) + 1]) / 2
}
