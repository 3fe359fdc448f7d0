#!/usr/bin/env bash
# Makes a Debian package of what `make build` built: .build/nightjar_VERSION_ARCHITECTURE.deb. Who publishes it says who
# that is by DEBFULLNAME and DEBEMAIL. SOURCE_DATE_EPOCH is the package's date, that of the last commit unless told.
# shellcheck source=Scripts/common.sh
. "$(dirname "$0")/../Scripts/common.sh"
. Scripts/packages.sh

readonly program=.build/release/nightjar
readonly maintainer="${DEBFULLNAME:-The Nightjar authors} <${DEBEMAIL:-nightjar@nightjar.invalid}>"
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || date +%s)}"
export SOURCE_DATE_EPOCH

main() {
    [[ -x $program ]] || die "There is no program $program; \`make build\` makes it."
    need dpkg-deb=dpkg dpkg-shlibdeps=dpkg-dev strip=binutils gzip=gzip
    version=$("$program" --version | awk '{ print $NF }')-1
    architecture=$(dpkg --print-architecture)
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    tree=$work/tree

    install_files
    document
    describe
    package=.build/nightjar_${version}_$architecture.deb
    dpkg-deb --root-owner-group --build "$tree" "$package" >&2
    printf '%s\n' "$package"
}

install_files() {
    PREFIX=/usr DESTDIR=$tree ZSH_FUNCTIONS=share/zsh/vendor-completions Packaging/install.sh
    strip --strip-unneeded --remove-section=.comment --remove-section=.note "$tree/usr/bin/nightjar"
    gzip -9n "$tree"/usr/share/man/man8/*.8
    install -d -m 700 "$tree/etc/wireguard" "$tree/etc/nightjar/relay"
    install -D -m 644 Packaging/deb/lintian-overrides "$tree/usr/share/lintian/overrides/nightjar"
}

document() {
    local documents=$tree/usr/share/doc/nightjar
    install -d -m 755 "$documents"
    install -m 644 Packaging/deb/copyright README.md "$documents"
    gzip -9nc CHANGELOG.md >"$documents/changelog.gz"
    gzip -9nc >"$documents/changelog.Debian.gz" <<END
nightjar ($version) unstable; urgency=medium

  * What changed is in changelog.gz.

 -- $maintainer  $(date --utc --date="@$SOURCE_DATE_EPOCH" '+%a, %d %b %Y %H:%M:%S +0000')
END
}

# The package's own description of itself, DEBIAN/.
describe() {
    local control=$tree/DEBIAN script tools
    # The version of the stock tools whose work the program says it does.
    tools=$( (exec -a wg "$program" --version) | sed -n 's/^wireguard-tools v\([^ ]*\) .*/\1/p')
    install -d -m 755 "$control"
    sed "s/@version@/$version/; s/@architecture@/$architecture/; s/@size@/$(du -sk --apparent-size "$tree" | cut -f 1)/
        s/@depends@/$(libraries)/; s/@tools@/$tools/; s/@maintainer@/$maintainer/" Packaging/deb/control >"$control/control"
    install -m 644 Packaging/deb/triggers "$control"
    for script in postinst prerm postrm; do
        install -m 755 "Packaging/deb/$script" "$control"
    done
    (cd "$tree" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$control/md5sums"
    chmod 644 "$control/control" "$control/md5sums"
}

# The packages of the libraries that the program was linked with, as a field of the control file.
libraries() {
    install -d "$work/source/debian"
    printf 'Source: nightjar\n\nPackage: nightjar\nArchitecture: any\n' >"$work/source/debian/control"
    (cd "$work/source" && dpkg-shlibdeps -O "$tree/usr/bin/nightjar") | sed -n 's/^shlibs:Depends=//p'
}

main
