#!/usr/bin/env bash
# The same three-way reconciliation by tieout, DuckDB (SQL), polars, datacompy and pandas, on the same generated days of
# N keys a side, in one run: rows/s, wall time, CPU and peak memory, and their ratios. Fails unless all find the very
# breaks, the matched rows and the sums of the generator's truth. Beside them what reading the inputs alone costs.
#
#   benches/compare.sh [N...]     default 10000 1000000 10000000; from BIG=50000000 on once, one format, bounded memory
#
# PYTHON names an interpreter with numpy, pyarrow, polars, duckdb, pandas (and isal, which packs and unpacks faster);
# PYTHON_DATACOMPY another one with datacompy and the polars that it asks for, where that is an older one.
# TIEOUT=path measures another binary than target/release/tieout; PROGRAMS=tieout,duckdb some of the programs;
# FORMATS=csv,jsonl,parquet; ROUNDS=3; WORK=folder for days and results (target/bench-compare); LIMIT=1800 seconds and
# MOST_MEMORY=0.85 of the machine's end a program; MEMORY=2GiB bounds the big days, of BIG_FORMAT=parquet; KEEP=1
# keeps their files. What is measured is kept in $WORK/found.json after each day; DOCS=1 writes it into docs/speed.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PYTHON=${PYTHON:-python3} WORK=${WORK:-$PWD/target/bench-compare}
export PYTHONPATH=$PWD/benches PYTHONDONTWRITEBYTECODE=1
# Told before a build of many minutes, not after it.
"$PYTHON" -m compare.programs
[ -n "${TIEOUT:-}" ] || [[ ",${PROGRAMS:-tieout}," != *,tieout,* ]] || cargo build --release --locked
"$PYTHON" -m compare "$@"
[ "${DOCS:-0}" != 1 ] || "$PYTHON" -m compare.pages "$WORK/found.json"
