# Short names for what CONTRIBUTING.md tells in full. `just` lists them.

_list:
    @just --list --unsorted

# The sample day against the simulated provider
run period="2025-03-19":
    cargo run --locked -- run rewards-daily --period {{period}} --sandbox

# All tests, or those whose name contains FILTER
test filter="":
    cargo test --locked {{filter}}

# Runs killed at every point, with every fate of a reply: a table of what was found (many minutes)
crash:
    cargo test --locked --test main crash_campaign -- --ignored --nocapture

# Bulk files, inputs, artifacts and logs with a real S3-speaking server, which is built on first use (some minutes) into target/tools
s3:
    .ci/s3

# The envelope of corporate card issuing against PyNaCl, which is installed into target/tools on first use
envelope:
    .ci/envelope

# Comparisons on a cluster and here: Sail, or with `just engine spark` Spark with an executor killed (installs into target/tools)
engine *which:
    .ci/engine {{which}}

# The journal in a real PostgreSQL, and inputs out of it (installs Debian's where there is none)
postgres:
    .ci/postgres

# The manifests of the shipped project against the schemas of Kubernetes
kubernetes:
    .ci/kubernetes

# The image's file, looked at; with `just image steps` its steps are done in a plain folder
image *steps:
    .ci/image {{steps}}

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

# A big day of ROWS purchases through the release build: time and memory (needs GNU time)
bench-day rows="1000000":
    benches/day.sh {{rows}}

# A bulk file of ROWS rows, read back by gzip, Python, polars and DuckDB (PYTHON names an interpreter with both)
readers rows="50000":
    benches/readers.sh {{rows}}

# A bulk file of ROWS rows beside DuckDB and polars (needs GNU time; PYTHON with duckdb and polars)
bench-upload rows="1000000":
    benches/upload.sh {{rows}}

# The same day by tieout, DuckDB, polars, datacompy and pandas, at N keys a side (PYTHON with these; see docs/speed.md)
compare *sizes:
    benches/compare.sh {{sizes}}

# MARKERS fraud markers in one run: time, commits and waits for the disk (needs strace and python3)
bench-effects markers="100000":
    benches/effects.sh {{markers}}

# The receiver of notifications under load, killed in its middle: requests/s
bench-listen profile="release":
    benches/listen.sh {{profile}}

# Licences, advisories, sources and doubles of dependencies (needs cargo-deny)
deny:
    cargo deny --locked check
