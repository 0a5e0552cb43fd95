#!/usr/bin/env bash
# Whether others can read what tieout seals: a bulk file of a run, read back by `gzip -t`, Python's gzip, polars and
# DuckDB, which must find the same rows and the same sum; and each line held against the published schema.
#
#   benches/readers.sh [ROWS]         default 50000; PROFILE=release for many; PYTHON names an interpreter with
#                                     polars and duckdb (pip install polars duckdb)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
rows=${1:-50000}
python=${PYTHON:-python3}
profile=${PROFILE:-dev}
day=2025-03-19
command -v gzip >/dev/null || { echo "needs gzip" >&2; exit 2; }
"$python" -c 'import duckdb, polars' || { echo "needs polars and duckdb (PYTHON names the interpreter)" >&2; exit 2; }

cargo build --locked --profile "$profile"
tieout=$PWD/target/$([ "$profile" = dev ] && echo debug || echo "$profile")/tieout
world=$(mktemp -d)
trap 'rm -rf "$world"' EXIT
mkdir -p "$world/jobs" "$world/samples/data" "$world/samples/kard"
cp tieout.yaml "$world/"
echo '{"files": []}' >"$world/samples/kard/files.json"
cat >"$world/jobs/core.yaml" <<'YAML'
job: core
period: {grain: day, timezone: UTC}
upload:
  file_type: incomingTransactionsFile
  source: {path: "core-{period}.csv", format: csv}
  columns:
    userId: user
    transactionId: id
    amount: {column: amount, unit: major}
    currency: {constant: USD}
    description: text
    direction: {column: dc, words: {D: DEBIT, C: CREDIT}}
    authorizationDate: at
    settledDate: at
    cardLastFours: card
report: [csv]
YAML
"$python" benches/readers.py make "$rows" "$day" >"$world/samples/data/core-$day.csv"
"$tieout" --project "$world" run core --period "$day" --sandbox --quiet
status=0
for file in "$world"/sandbox/runs/core/"$day"/outgoing/*/*.jsonl.gz; do
  echo "$rows rows in $(stat -c %s "$file") bytes"
  gzip -t "$file" && echo "gzip -t: whole" || status=1
  "$python" benches/readers.py read "$rows" "$file" tests/fixtures/coreTransaction.schema.json || status=1
done
exit "$status"
