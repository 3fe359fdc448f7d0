# group(NAME, OBJECT): to which part of the daemon the function NAME of the program or library OBJECT belongs.
#
#     AEAD        BoringSSL, which does nothing else between two handshakes
#     code        the daemon's own functions
#     runtime     Swift's runtime and standard library
#     libraries   libc, ld.so and the like
function group(name, object) {
    if (name ~ /^CCryptoBoringSSL_/) return "AEAD"
    if (name !~ /^\$s/ && name ~ /chacha20|poly1305|poly_hash/) return "AEAD"
    if (object ~ /\.so[.0-9]*$/) return "libraries"
    if (name ~ /^_?swift_|^swift::|^_ZNK?5swift|^\$s[sS]/) return "runtime"
    return "code"
}
