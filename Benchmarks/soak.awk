# Lines of "daemon TAB what TAB figure", one per sample, to a Markdown table of how each figure went: the last quarter's
# mean against the second quarter's says whether it grows. Fails when one does, or when memory is above MOST_MEMORY.

BEGIN { FS = "\t" }

$2 != "handshake" { figures[$1, $2, ++count[$1, $2]] = $3 }

END {
    form = "| %-22s | %7s | %7s | %7s | %10s | %12s | %-37s |\n"
    printf form, "", "first", "last", "highest", "per minute", "quarters 4-2", "bar"
    print "| :--------------------- | ------: | ------: | ------: | ---------: | -----------: | :" dashes(36) " |"
    row("client", "memory", "Sender, VmRSS, KiB", most_memory, most_growth)
    row("server", "memory", "Receiver, VmRSS, KiB", most_memory, most_growth)
    row("client", "descriptors", "Sender, descriptors", "", 0)
    row("server", "descriptors", "Receiver, descriptors", "", 0)
    row("client", "threads", "Sender, threads", "", 0)
    row("server", "threads", "Receiver, threads", "", 0)
    exit failed
}

function row(daemon, what, title, most, most_growth,    n, i, highest, growth, met, bar) {
    n = count[daemon, what]
    for (i = 1; i <= n; i++)
        if (figures[daemon, what, i] + 0 > highest) highest = figures[daemon, what, i] + 0
    growth = quarter(daemon, what, n, 4) - quarter(daemon, what, n, 2)
    met = growth <= most_growth && (most == "" || highest <= most)
    if (!n || !met) failed = 1
    bar = (most == "" ? "" : "highest <= " most ", ") "growth <= " most_growth
    printf form, title, figures[daemon, what, 1], figures[daemon, what, n], highest, \
        sprintf("%.1f", slope(daemon, what, n) * 60 / interval), sprintf("%.1f", growth), \
        bar ": " (met ? "pass" : "miss")
}

# quarter DAEMON WHAT N NUMBER: the mean of that quarter of the N samples.
function quarter(daemon, what, n, number,    i, first, last, sum) {
    first = int(n * (number - 1) / 4) + 1
    last = int(n * number / 4)
    if (last < first) last = first
    for (i = first; i <= last; i++) sum += figures[daemon, what, i]
    return sum / (last - first + 1)
}

# slope DAEMON WHAT N: of the straight line that fits best, per sample.
function slope(daemon, what, n,    i, x, y, xy, xx) {
    for (i = 1; i <= n; i++) {
        x += i
        y += figures[daemon, what, i]
        xy += i * figures[daemon, what, i]
        xx += i * i
    }
    return n > 1 ? (n * xy - x * y) / (n * xx - x * x) : 0
}

function dashes(n) { return substr("----------------------------------------", 1, n) }
