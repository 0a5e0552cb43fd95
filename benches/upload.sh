#!/usr/bin/env bash
# A bulk file of many rows: `tieout plan` beside DuckDB and polars, on the same rows in the same run. Tells rows a
# second, the ratio of packed to plain bytes and peak memory of each, and has every reader at hand read tieout's file.
#
#   benches/upload.sh [ROWS]          default 1000000; needs GNU time, and a python3 (PYTHON) with duckdb and polars
#
# tieout does more in its time: it checks every value, makes an event id of every row, looks for repeats, and reads
# back and sums what it packed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
rows=${1:-1000000}
python=${PYTHON:-python3}
day=2025-03-19
world=target/bench-upload-$rows
time=$(command -v time || true)
[ -x /usr/bin/time ] && time=/usr/bin/time
[ -n "$time" ] || { echo "needs GNU time (Debian: apt-get install time)" >&2; exit 2; }
"$python" -c 'import duckdb, polars' || { echo "needs duckdb and polars (PYTHON names the interpreter)" >&2; exit 2; }

cargo build --release --locked
mkdir -p "$world/jobs" "$world/samples/data" "$world/peers"
cp tieout.yaml "$world/"
source=$world/samples/data/rows-$day.csv
[ -f "$source" ] || { "$python" benches/upload_rows.py "$rows" >"$source.new" && mv "$source.new" "$source"; }
cat >"$world/jobs/bulk.yaml" <<'YAML'
job: bulk
period: {grain: day, timezone: UTC}
upload:
  provider: kard
  file_type: incomingTransactionsFile
  source: {path: "rows-{period}.csv", format: csv}
  columns:
    userId: user_id
    transactionId: transaction_id
    amount: {column: amount, unit: major}
    currency: currency
    description: description
    direction: direction
    settledDate: settled_at
    authorizationDate: authorized_at
    financialInstitutionName: bank
    cardLastFours: last_four
YAML

echo "machine: $(nproc) processors, $(free -g | awk '/Mem/ {print $2}') GiB; $rows rows, $(stat -c %s "$source") bytes of CSV"
measured() { # name, file pattern, command...
  local name=$1 pattern=$2
  shift 2
  "$time" -o "$world/time" -f "%e %U %S %M" "$@" >"$world/said.txt"
  # shellcheck disable=SC2086 # the pattern is one
  "$python" - "$name" "$rows" "$world/time" $pattern <<'PY'
import gzip, sys
name, rows, times, *files = sys.argv[1:]
wall, user, system, peak = map(float, open(times).read().split()[-4:])
packed = plain = lines = 0
for file in files:
    packed += len(open(file, "rb").read())
    with gzip.open(file, "rb") as text:
        while chunk := text.read(1 << 22):
            plain, lines = plain + len(chunk), lines + chunk.count(b"\n")
assert lines == int(rows), f"{name}: {lines} lines of {rows}"
print(f"{name:8} {lines / wall:9.0f} rows/s  {plain / wall / 1e6:5.0f} MB/s  ratio {plain / packed:.3f}  "
      f"{plain / lines:.0f} bytes/row  {wall:.2f} s wall  {user + system:.2f} s CPU  {peak / 1024:.0f} MiB peak")
PY
}
for run in 1 2 3; do
  echo "run $run"
  rm -rf "$world/sandbox"
  measured tieout "$world/sandbox/runs/bulk/$day/spool/*/*.jsonl.gz" \
    target/release/tieout --project "$world" plan bulk --period "$day" --sandbox --quiet
  for peer in polars duckdb; do
    measured "$peer" "$world/peers/$peer.jsonl.gz" \
      "$python" benches/upload_peers.py "$peer" "$source" "$world/peers/$peer.jsonl.gz"
  done
done

for file in "$world"/sandbox/runs/bulk/$day/spool/*/*.jsonl.gz; do
  gzip -t "$file" && echo "gzip -t: whole"
  "$python" - "$file" <<'PY'
import gzip, json, sys
import duckdb, polars
file = sys.argv[1]
with gzip.open(file, "rt") as text:
    rows = [json.loads(line)["attributes"]["amount"] for line in text]
told = {
    "python": (len(rows), sum(rows)),
    "duckdb": duckdb.sql(f"SELECT count(*), sum(attributes.amount) FROM read_json('{file}', format = 'newline_delimited')").fetchall()[0],
    "polars": polars.read_ndjson(file).select(polars.len(), polars.col("attributes").struct.field("amount").sum().alias("sum")).row(0),
}
for reader, (count, sum_minor) in told.items():
    print(f"{reader}: {count} rows, {sum_minor} minor units")
sys.exit(len({tuple(map(int, pair)) for pair in told.values()}) != 1)
PY
done
