"""What `upload.sh` has measured: `upload_told.py ROWS TIMES PEERS SEALED...`; reads the sealed files with each reader."""

import gzip
import json
import os
import statistics
import subprocess
import sys

rows, times, peers, *sealed = sys.argv[1:]
rows = int(rows)


def size(files):
    """Plain and packed bytes, and lines; a reader that stops early is found by its lines."""
    plain = packed = lines = 0
    for file in files:
        packed += os.path.getsize(file)
        with gzip.open(file, "rb") as text:
            while chunk := text.read(1 << 22):
                plain, lines = plain + len(chunk), lines + chunk.count(b"\n")
    assert lines == rows, f"{files}: {lines} lines of {rows}"
    return plain, packed


measured = {}
for line in open(times):
    name, *figures = line.split()
    measured.setdefault(name, []).append([float(figure) for figure in figures])
sizes = {"tieout": size(sealed)}
for name in measured:
    file = os.path.join(peers, f"{name}.jsonl.gz")
    if os.path.exists(file):
        sizes[name] = size([file])
walls = {}
for name, runs in measured.items():
    wall, cpu, peak = (statistics.median(of) for of in ([r[0] for r in runs], [r[1] + r[2] for r in runs], [r[3] for r in runs]))
    walls[name] = wall
    plain, packed = sizes.get(name, sizes["tieout"])
    print(f"{name:12} {rows / wall:9.0f} rows/s  {plain / wall / 1e6:5.0f} MB/s  ratio {plain / packed:.3f}  "
          f"{plain / rows:.0f} bytes/row  {wall:.2f} s wall  {cpu:.2f} s CPU  {peak / 1024:.0f} MiB peak  (median of {len(runs)})")
others = {name: wall for name, wall in walls.items() if name not in ("tieout", "whole-run")}
if others:
    fastest = min(others, key=others.get)
    print(f"tieout makes {others[fastest] / walls['tieout']:.2f} times the rows a second of {fastest}, the fastest peer")

for file in sealed:
    subprocess.run(["gzip", "-t", file], check=True)
print(f"gzip -t: {len(sealed)} whole")
told = {}
with_amounts = [json.loads(line)["attributes"]["amount"] for file in sealed for line in gzip.open(file, "rb")] if rows <= 2_000_000 else None
if with_amounts is not None:
    told["python"] = (len(with_amounts), sum(with_amounts))
try:
    import duckdb
    import polars

    listed = ", ".join(f"'{file}'" for file in sealed)
    query = f"SELECT count(*), sum(attributes.amount) FROM read_json([{listed}], format = 'newline_delimited')"
    told["duckdb"] = tuple(duckdb.sql(query).fetchall()[0])
    if with_amounts is not None:
        frames = [polars.read_ndjson(file).select(amount=polars.col("attributes").struct.field("amount")) for file in sealed]
        amounts = polars.concat(frames)
        told["polars"] = (amounts.height, amounts["amount"].sum())
except ImportError:
    pass
for reader, (count, sum_minor) in told.items():
    print(f"{reader}: {int(count)} rows, {int(sum_minor)} minor units")
sys.exit(len({(int(count), int(total)) for count, total in told.values()}) > 1)
