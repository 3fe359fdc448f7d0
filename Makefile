# Targets carry their description after `##`; plain `make` lists them.

PREFIX ?= /usr/local
DESTDIR ?=
BINARY := .build/release/nightjar
SOURCES := Package.swift Sources Tests Fuzz Benchmarks/Load
SCRIPTS := $(wildcard .ci/run Scripts/*.sh Demo/*.sh Benchmarks/*.sh Fuzz/*.sh Packaging/*.sh Packaging/*/*.sh \
	Packaging/*/*.bash Packaging/deb/p*inst Packaging/deb/p*rm)

.PHONY: help build test test-optimised sanitize-address sanitize-thread demo detectors probe bench soak allocations fuzz format lint install install-names deb \
	test-package clean

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name text; \
		do printf '  make %-17s %s\n' "$$name" "$$text"; done

build: ## The release binary, .build/release/nightjar
	@Scripts/build.sh

test: ## Every test, from unit tests to network namespaces (as root; otherwise those are skipped)
	@Scripts/test.sh $(ARGS)

test-optimised: ## The tests of the parts as optimised code, which compilers get wrong more often
	@Scripts/test-optimised.sh $(ARGS)

sanitize-address: ## Every test and the daemon under the address sanitizer (as root)
	@Scripts/sanitize.sh address $(ARGS)

sanitize-thread: ## The same under the thread sanitizer
	@Scripts/sanitize.sh thread $(ARGS)

demo: ## A tunnel between two Nightjars, plain and obfuscated, and what was measured and seen of it (as root)
	@Demo/demo.sh

detectors: ## What tshark and nDPI see of 210 flows of each dialect; some twelve minutes (as root)
	@Scripts/detectors.sh $(ARGS)

probe: ## A million probes at a veil listener, which has to be silent; some two minutes (as root)
	@NIGHTJAR_PROBES=1000000 Scripts/test.sh --filter ProbingTests

bench: ## Every figure of BENCHMARKS.md but the soak's (as root; ARGS=--quick for a first look)
	@Benchmarks/bench.sh $(ARGS)
	@Benchmarks/scale.sh $(ARGS)
	@Benchmarks/handshakes.sh $(ARGS)
	@Benchmarks/lookups.sh
	@Benchmarks/instructions.sh
	@Benchmarks/disguises.sh $(ARGS)
	@Benchmarks/commands.sh $(ARGS)

soak: ## MINUTES of full load, 20 unless told, with an eye on what grows (as root)
	@Benchmarks/soak.sh $(MINUTES)

allocations: ## Counts the memory allocations per packet (as root)
	@Benchmarks/allocations.sh

fuzz: ## RUNS hostile inputs, 10 000 000 unless told, over all parsers
	@Fuzz/fuzz.sh $(RUNS)

format: ## Formats the Swift sources in place
	swift format --in-place --recursive --parallel --configuration .swift-format $(SOURCES)

lint: ## Checks the form of Swift sources and of shell scripts
	swift format lint --strict --recursive --parallel --configuration .swift-format $(SOURCES)
	@if command -v shellcheck >/dev/null; then shellcheck -x $(SCRIPTS); \
		else echo "The shell scripts are not checked: shellcheck is not installed."; fi

install: $(BINARY) ## Copies the binary, units, manual pages and completions below PREFIX (/usr/local unless told)
	@PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) Packaging/install.sh

install-names: ## Links wg, awg and the others to the binary in PREFIX/bin, where no file has such a name
	@for name in wg wg-quick wireguard-go awg awg-quick amneziawg-go; do link=$(DESTDIR)$(PREFIX)/bin/$$name; \
		if [ -e $$link ] && [ ! -L $$link ]; then echo "$$link is a file, and stays."; else ln -sf nightjar $$link; fi; done

deb: build ## A Debian package, in .build
	@Packaging/deb.sh

test-package: build ## Installs the package in fresh systems, and boots one with its service (as root; some minutes at first)
	@PACKAGE=$$(Packaging/deb.sh) && export PACKAGE && Packaging/test-deb.sh && Packaging/test-service.sh

$(BINARY):
	@Scripts/build.sh

clean: ## Removes what was built
	rm -rf .build
