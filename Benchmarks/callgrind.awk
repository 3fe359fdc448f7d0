# callgrind's output to lines of "group TAB instructions TAB function", by what each function itself executes; what
# BoringSSL calls (memcpy, pthread_once) counts as BoringSSL's. Needs groups.awk.
#
# callgrind_annotate isn't used: it charges callers that were active when counting began with all that they called.
# The file's format: a function's costs follow its "fn=" line; the cost after a "calls=" line is that of the function
# called and of all that it calls in turn; "(7) name" gives a name that is later written "(7)".

/^ob=/ { object = named(objects) }
/^fn=/ { current = identifier(); named(functions); home[current] = object }
/^cob=/ { callee_object = named(objects) }
/^cfn=/ {
    callee = identifier()
    named(functions)
    if (!(callee in home)) home[callee] = callee_object == "" ? object : callee_object
    callee_object = ""
}
/^calls=/ { is_call = 1; next }
/^[-+*0-9]/ {
    if (is_call) calls[current, callee] += $2
    else cost[current] += $2
    is_call = 0
}
/^summary:/ { summary = $2 }

END {
    for (pair in calls) {
        split(pair, ends, SUBSEP)
        if (part(ends[1]) != "AEAD" || part(ends[2]) == "AEAD") continue
        cost[ends[2]] -= calls[pair]
        moved += calls[pair]
    }
    for (id in cost) {
        total += cost[id]
        if (cost[id]) printf "%s\t%.0f\t%s\n", part(id), cost[id], functions[id]
    }
    if (moved) printf "AEAD\t%.0f\t(called by BoringSSL)\n", moved
    total += moved
    if (total < 0.99 * summary || total > 1.01 * summary) exit 1
}

function part(id) { return group(functions[id], home[id]) }

function identifier() {
    match($0, /\([0-9]+\)/)
    return substr($0, RSTART, RLENGTH)
}

# named NAMES: keeps the name if the line gives one; returns the name that the line's number stands for.
function named(names,    id, name) {
    id = identifier()
    name = substr($0, RSTART + RLENGTH + 1)
    if (name != "") names[id] = name
    return names[id]
}
