# Lines of "measure TAB engine TAB figure" to a Markdown table of medians, their ratios, and how they meet the bars.

BEGIN {
    FS = "\t"
    form = "| %-33s | %8s | %12s | %9s | %12s | %9s | %-48s |\n"
    printf form, "", "Nightjar", "wireguard-go", "bare wire", "/ reference", "/ bare", "bar"
    print "| :" dashes(32) " | " dashes(7) ": | " dashes(11) ": | " dashes(8) ": | " dashes(11) ": | " dashes(8) ": | :" \
        dashes(47) " |"
}

{ figures[$1, $2, ++count[$1, $2]] = $3 }

END {
    row("tcp-1", "TCP, one stream, Gbit/s", "%.2f", \
        least("of wireguard-go", 9, of("tcp-1", "wireguard-go")) "; " least("of bare", 0.27, of("tcp-1", "bare")))
    row("tcp-4", "TCP, four streams, Gbit/s", "%.2f", least("of one stream", 0.95, of_measure("tcp-4", "tcp-1")))
    row("tcp-reverse", "TCP, one stream back, Gbit/s", "%.2f", \
        least("of one stream", 0.95, of_measure("tcp-reverse", "tcp-1")))
    row("udp-large", "UDP, 1400-byte packets/s", "%.0f", least("of wireguard-go", 3, of("udp-large", "wireguard-go")))
    row("udp-small", "UDP, 64-byte packets/s", "%.0f", least("of wireguard-go", 3, of("udp-small", "wireguard-go")))
    row("udp-over", "UDP, 1400-byte, offered 1.5 times", "%.0f")
    row("udp-twice", "UDP, 1400-byte, offered 3 times", "%.0f", \
        least("of 1.5 times", 0.8, of_measure("udp-twice", "udp-over")))
    row("ping-idle", "Ping, idle, ms", "%.3f", most("of wireguard-go", 0.4, of("ping-idle", "wireguard-go")))
    row("ping-load", "Ping beside one TCP stream, ms", "%.3f", most("ms", 5, median("ping-load", "nightjar")))
    row("rss-idle", "Memory, idle, MiB", "%.1f")
    row("rss-peak", "Memory, highest, MiB", "%.1f", most("MiB", 24, median("rss-peak", "nightjar")))
    row("cpu", "CPU time of both ends, s/GB", "%.2f")
}

function row(measure, title, decimals, verdicts,    ours) {
    ours = median(measure, "nightjar")
    printf form, title, show(ours, decimals), show(median(measure, "wireguard-go"), decimals), \
        show(median(measure, "bare"), decimals), show(of(measure, "wireguard-go"), "%.2f"), \
        show(of(measure, "bare"), "%.2f"), verdicts
}

# The ratio of Nightjar's figure to another engine's, or to its own of another measure; empty when one is missing.
function of(measure, engine) { return ratio(median(measure, "nightjar"), median(measure, engine)) }
function of_measure(measure, other) { return ratio(median(measure, "nightjar"), median(other, "nightjar")) }
function ratio(ours, theirs) { return ours != "" && theirs > 0 ? ours / theirs : "" }

function least(what, bar, figure) { return ">= " bar " " what ": " passes(figure, figure >= bar) }
function most(what, bar, figure) { return "<= " bar " " what ": " passes(figure, figure <= bar) }
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
