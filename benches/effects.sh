#!/usr/bin/env bash
# Many fraud markers in one run: wall time, calls, commits and waits for the disk, beside what one commit for each
# step of each effect would wait on the same disk. Checks that every effect stands at the provider once, and in the
# journal as acknowledged, and that the journal's chain is whole.
#
#   benches/effects.sh [MARKERS] [PROFILE]     default 100000 release; needs strace, python3 and about 2 GB of disk
#
# The provider is the built-in sandbox in the same process, so its work is in the times.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
markers=${1:-100000}
profile=${2:-release}
day=2025-03-19
world=target/bench-effects-$markers
for tool in strace python3; do
  command -v "$tool" >/dev/null || { echo "needs $tool" >&2; exit 2; }
done

cargo build --profile "$profile" --locked
case $profile in dev) built=debug ;; bench) built=release ;; *) built=$profile ;; esac
tieout=target/$built/tieout

rm -rf "$world" && mkdir -p "$world/jobs" "$world/samples/data" "$world/samples/kard"
cp tieout.yaml "$world/"
# A slow build on a busy machine takes longer than a minute for its largest commit.
echo "lease: 10m" >>"$world/tieout.yaml"
python3 - "$world" "$markers" "$day" <<'PY'
import json, sys
world, markers, day = sys.argv[1], int(sys.argv[2]), sys.argv[3]
header = "id,user,merchant,amount,currency,at\n"
both = f"both,u-0000,Diner,10.00,USD,{day}T01:00:00Z\n"
with open(f"{world}/samples/data/ledger-{day}.csv", "w") as ledger:
    ledger.write(header + both)
# Rows that only the file has: one break, and one marker, for each.
with open(f"{world}/samples/kard/settled.csv", "w") as file:
    file.write(header + both)
    for row in range(markers):
        second = row % 86400
        at = f"{day}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"
        file.write(f"t-{row:07},u-{row % 5000:04},Arcade,{1 + row % 90}.{row % 100:02},USD,{at}\n")
name = f"settled-{day}.csv"
sent = {"sentAt": "2025-03-20T00:10:00Z", "lastModified": "2025-03-20T00:10:00Z"}
kind = "earnedRewardSettledDailyReconciliationFile"
with open(f"{world}/samples/kard/files.json", "w") as listed:
    json.dump({"files": [{"id": "f-1", "fileType": kind, "fileName": name, "path": "settled.csv", **sent}]}, listed)
columns = ("columns: {transaction_id: id, user: user, merchant: merchant, amount: {column: amount, unit: major}, "
           "currency: currency, occurred_at: at}")
with open(f"{world}/jobs/effects.yaml", "w") as job:
    job.write(f"""job: effects
period: {{grain: day, timezone: UTC}}
inputs:
  file: {{provider: kard, file_type: {kind}, name: "settled-{{period}}", {columns}}}
  ledger: {{path: "ledger-{{period}}.csv", {columns}}}
match: {{compare: {{amount: {{tolerance: 0}}, currency: exact}}}}
effects:
  rate: 1000/s
  concurrency: 8
  fraud_marker: {{for: [missing_in_ledger], approval: none}}
report: [csv, json]
""")
PY

echo "machine: $(nproc) processors, $(free -g | awk '/Mem/ {print $2}') GiB; profile $profile, $markers markers"
run=("$tieout" --project "$world" run effects --period "$day" --sandbox -v)
"${run[@]}" >"$world/summary.txt" 2>"$world/log.txt"
echo "seconds from start to the end of each step:"
python3 - "$world/log.txt" <<'PY'
import datetime, re, sys
begun = None
for line in open(sys.argv[1]):
    time = datetime.datetime.fromisoformat(line.split()[0].replace("Z", "+00:00"))
    begun = begun or time
    if (step := re.search(r'done step="(\w+)"', line)):
        print(f"  {step[1]:12} {(time - begun).total_seconds():8.2f}")
PY

# Once more from nothing, with the waits for the disk counted: slower, so not timed as a whole.
mv "$world/sandbox" "$world/first"
strace -f -c -w --seccomp-bpf -e trace=fsync,fdatasync -o "$world/waits.txt" "${run[@]}" >/dev/null 2>&1

"$tieout" --project "$world" --sandbox journal verify
python3 - "$world" "$markers" <<'PY'
import sqlite3, sys, time
world, markers = sys.argv[1], int(sys.argv[2])
waits, waited = 0, 0.0
for line in open(f"{world}/waits.txt"):
    words = line.split()
    if words and words[-1] in ("fsync", "fdatasync"):
        waited, waits = waited + float(words[1]), waits + int(words[3])
state = sqlite3.connect(f"file:{world}/sandbox/state.db?mode=ro", uri=True)
one = lambda sql: state.execute(sql).fetchone()[0]
sent = one("SELECT count(*) FROM effects WHERE state = 'acknowledged'")
entries = one("SELECT count(*) FROM entries")
# All entries of a commit bear its time.
commits = one("SELECT count(DISTINCT json_extract(entry, '$.at')) FROM entries")
calls = one("SELECT count(DISTINCT json_extract(standing, '$.call')) FROM effects")
standing = state.execute("SELECT standing FROM effects LIMIT 1").fetchone()[0]
entry = state.execute("SELECT entry FROM entries ORDER BY sequence DESC LIMIT 1").fetchone()[0]

# What a commit of one step costs here: one entry and one standing, in the same mode, on the same disk.
probe = sqlite3.connect(f"{world}/probe.db", isolation_level=None)
probe.execute("PRAGMA journal_mode = WAL")
probe.execute("PRAGMA synchronous = FULL")
probe.execute("CREATE TABLE entries (sequence INTEGER PRIMARY KEY, entry TEXT)")
probe.execute("CREATE TABLE effects (id INTEGER PRIMARY KEY, standing TEXT)")
begun, tries = time.monotonic(), 1000
for step in range(tries):
    probe.execute("BEGIN IMMEDIATE")
    probe.execute("INSERT INTO entries VALUES (?, ?)", (step, entry))
    probe.execute("INSERT OR REPLACE INTO effects VALUES (?, ?)", (step % 100, standing))
    probe.execute("COMMIT")
each = (time.monotonic() - begun) / tries
# Each alone: proposed with its approval, in flight, acknowledged.
alone = 3 * markers
print(f"{sent} effects acknowledged in {calls} calls; {entries} entries of the journal in {commits} commits")
print(f"{waits} waits for the disk in the whole run (fsync, fdatasync; the reports among them), {waited:.2f} s in all")
print(f"one commit of one step takes {each * 1000:.2f} ms here: {alone} of them would take {alone * each:.0f} s")
sys.exit(0 if sent == markers and waits < 200 + markers / 50 else "TOO FEW EFFECTS OR TOO MANY WAITS")
PY
