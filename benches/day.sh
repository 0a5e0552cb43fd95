#!/usr/bin/env bash
# One big day through the release build: wall time, CPU and peak memory, beside what merely reading the
# same inputs costs (digest, decompression) in the same run. Checks that exactly the breaks of the
# generator's truth are found.
#
#   benches/day.sh [PURCHASES]        default 1000000; needs GNU time and about 3 GB of disk
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
purchases=${1:-1000000}
day=2025-03-19
world=target/bench-day-$purchases
time=$(command -v time || true)
[ -x /usr/bin/time ] && time=/usr/bin/time
[ -n "$time" ] || { echo "needs GNU time (Debian: apt-get install time)" >&2; exit 2; }

cargo build --release --locked
if [ ! -f "$world/samples/data/truth-$day.csv" ]; then
  rm -rf "$world" && mkdir -p "$world/jobs"
  cargo run --release --quiet --locked --example generate-samples -- --rows "$purchases" --out "$world/samples"
fi
cp tieout.yaml "$world/"
# The same job, with gates and quarantine wide enough for two breaks in a hundred.
sed 's/quarantine: 10\b/quarantine: 1000000/; s/max_breaks: [0-9]*/max_breaks: 100000000/; s/USD: "[0-9.]*"/USD: "9000000000.00"/' \
  jobs/rewards-daily.yaml >"$world/jobs/rewards-daily.yaml"
inputs=("$world"/samples/kard/files/*.json "$world/samples/data/ledger-$day.csv" "$world/samples/data/webhooks-$day.jsonl.gz")

echo "machine: $(nproc) processors, $(free -g | awk '/Mem/ {print $2}') GiB; inputs: $(du -cb "${inputs[@]}" | awk 'END {print $1}') bytes"
for run in 1 2 3; do
  rm -rf "$world/sandbox"
  "$time" -f "run $run   tieout   %e s wall, %U s user, %S s system, %M KiB peak" \
    target/release/tieout --project "$world" run rewards-daily --period "$day" --sandbox --quiet >"$world/summary.txt"
  "$time" -f "run $run   reading  %e s wall, %U s user, %S s system, %M KiB peak" \
    sh -c 'sha256sum "$@" >/dev/null; gzip -dc "$3" | wc -l >/dev/null' sh "${inputs[@]}"
done
cat "$world/summary.txt"

found=$world/sandbox/runs/rewards-daily/$day/1/breaks.csv
python3 - "$world/samples/data/truth-$day.csv" "$found" <<'PY'
import csv, sys
truth, found = (sorted((r["key"], r["kind"], r["currency"]) for r in csv.DictReader(open(path))) for path in sys.argv[1:])
print(f"{len(truth)} breaks in the truth, {len(found)} found:", "the same" if truth == found else "DIFFERENT")
sys.exit(truth != found)
PY
