# What a newcomer needs: `make demo` and `make test`.

PACKAGES_BUILD = build-essential pkg-config libpcap-dev libpcre2-dev
PACKAGES_TEST  = $(PACKAGES_BUILD) iproute2 tcpreplay prometheus tcpdump nats-server
SUDO = $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: demo test build bench check packages-build packages-test

demo: target/release/rivellino
	@target/release/rivellino replay -o target/demo pcaps/demo.pcap

target/release/rivellino: packages-build $(shell find src signatures -type f) Cargo.toml Cargo.lock
	cargo build --release --locked
	@touch $@

build: target/release/rivellino

test: packages-test
	cargo test --locked --features nats

# All the checks of the continuous integration but the tests.
check:
	cargo fmt --check
	cargo clippy --locked --all-targets --features nats -- -D warnings

bench: packages-build
	cargo bench --locked

# Installs only what is missing, so that a second run costs nothing.
packages-build:
	@missing=$$(dpkg-query -W -f='$${Package} $${Status}\n' $(PACKAGES_BUILD) 2>/dev/null | grep -c 'install ok installed'); \
	 if [ "$$missing" -lt $(words $(PACKAGES_BUILD)) ]; then $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq --no-install-recommends $(PACKAGES_BUILD); fi

packages-test:
	@missing=$$(dpkg-query -W -f='$${Package} $${Status}\n' $(PACKAGES_TEST) 2>/dev/null | grep -c 'install ok installed'); \
	 if [ "$$missing" -lt $(words $(PACKAGES_TEST)) ]; then $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq --no-install-recommends $(PACKAGES_TEST); fi
