# Short names for what CONTRIBUTING.md tells in full. `just` lists them.

_list:
    @just --list --unsorted

# The sample day against the simulated provider
run period="2025-03-19":
    cargo run --locked -- run rewards-daily --period {{period}} --sandbox

# All tests, or those whose name contains FILTER
test filter="":
    cargo test --locked {{filter}}

# What CI checks before it builds
lint:
    cargo fmt --check
    cargo clippy --all-targets --locked -- -D warnings

# Everything that CI checks
ci:
    .ci/run

# Write the shipped samples anew
samples:
    cargo run --locked --example generate-samples

# A big day for measuring: ROWS purchases, in target/big-day/
bench-day rows="1000000":
    cargo run --locked --example generate-samples -- --rows {{rows}} --out target/big-day

# Licences, advisories, sources and doubles of dependencies (needs cargo-deny)
deny:
    cargo deny --locked check
