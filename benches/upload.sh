#!/usr/bin/env bash
# A bulk file of many rows: `tieout plan` (which seals, and sends nothing) beside DuckDB, DuckDB piped into pigz where
# that is there, and polars, on the same rows in the same run. Tells rows a second, the ratio of plain to packed bytes
# and peak memory of each, and as ratios to the fastest peer. Then the whole way, `tieout run` against a sandbox that
# is a process of its own, and every reader at hand reads the sealed file.
#
#   benches/upload.sh [ROWS [RUNS]]   default 1000000 3; needs GNU time, and a python3 (PYTHON) with duckdb and polars
#   PEERS=none                        only tieout
#
# tieout does more in its time: it copies and digests the source, checks every value, makes an event id of every row,
# looks for repeats, and reads back and sums what it packed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
rows=${1:-1000000} runs=${2:-3}
python=${PYTHON:-python3}
peers=${PEERS:-polars duckdb}
[ "$peers" = none ] && peers=
day=2025-03-19
world=target/bench-upload-$rows
time=$(command -v time || true)
[ -x /usr/bin/time ] && time=/usr/bin/time
[ -n "$time" ] || { echo "needs GNU time (Debian: apt-get install time)" >&2; exit 2; }
[ -z "$peers" ] || "$python" -c 'import duckdb, polars' || { echo "needs duckdb and polars (PYTHON names the interpreter)" >&2; exit 2; }
[ -n "$peers" ] && command -v pigz >/dev/null && peers="$peers duckdb-pigz"

cargo build --release --locked
tieout=$PWD/target/release/tieout
mkdir -p "$world/jobs" "$world/data" "$world/peers"
source=$world/data/rows-$day.csv
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
  confirm: {path: "notifications.jsonl", verify: kard, within: 24h, wait: 10m}
report: [html]
YAML

# The provider, in a process of its own: its memory is not tieout's.
"$tieout" --project . sandbox --format csv --notifications "$world/data/notifications.jsonl" --quiet >"$world/settings.csv" &
sandbox=$!
trap 'kill $sandbox 2>/dev/null || true' EXIT
rm -f "$world/data/notifications.jsonl"
for _ in $(seq 100); do grep -q webhook_key "$world/settings.csv" && break; sleep 0.1; done
setting() { sed -n "s/^$1,//p" "$world/settings.csv"; }
cat >"$world/tieout.yaml" <<YAML
state: sqlite:state.db
artifacts: runs
data: data
providers:
  kard:
    type: kard
    base_url: $(setting base_url)
    token_url: $(setting token_url)
    organization: $(setting organization)
    client_id: {env: BENCH_ID}
    client_secret: {env: BENCH_SECRET}
    webhook_key: {env: BENCH_KEY}
YAML
export BENCH_ID BENCH_SECRET BENCH_KEY
BENCH_ID=$(setting client_id) BENCH_SECRET=$(setting client_secret) BENCH_KEY=$(setting webhook_key)

echo "machine: $(nproc) processors, $(free -g | awk '/Mem/ {print $2}') GiB; $rows rows, $(stat -c %s "$source") bytes of CSV"
measured() { # name, command...
  local name=$1
  shift
  "$time" -a -o "$world/times" -f "$name %e %U %S %M" "$@" >"$world/said.txt" || { cat "$world/said.txt"; exit 1; }
}
rm -rf "$world/times" "$world/state.db"* "$world/runs" "$world/locks"
for _ in $(seq "$runs"); do
  measured tieout "$tieout" --project "$world" plan bulk --period "$day" --quiet
  for peer in $peers; do
    target=$world/peers/$peer.jsonl.gz
    if [ "$peer" = duckdb-pigz ]; then
      measured "$peer" sh -c "'$python' benches/upload_peers.py duckdb-plain '$source' /dev/stdout | pigz >'$target'"
    else
      measured "$peer" "$python" benches/upload_peers.py "$peer" "$source" "$target"
    fi
  done
done
measured whole-run "$tieout" --project "$world" run bulk --period "$day" --quiet
sealed=("$world"/runs/bulk/$day/outgoing/*/*.jsonl.gz)
"$python" benches/upload_told.py "$rows" "$world/times" "$world/peers" "${sealed[@]}"
sed -n 2,12p "$world/said.txt"
