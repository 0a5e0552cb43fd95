"""For `readers.sh`: `readers.py make ROWS DAY` writes a source, `readers.py read ROWS FILE SCHEMA` reads the sealed file.

The amounts are known beforehand: what every reader must find does not come from tieout.
"""

import gzip
import json
import re
import sys
from datetime import datetime

TEXTS = ["Blue Bottle", "Cr\u00e8me & Co.", 'The "Diner"', "Back\\slash", "Caf\u00e9 \U0001f600", "Tab\there"]


def amount_minor(row):
    return row * 7919 % 90_000 + 1


def make(rows, day):
    out = open(sys.stdout.fileno(), "w", encoding="utf-8", newline="")
    out.write("user,id,amount,text,dc,at,card\n")
    for row in range(rows):
        minor, text = amount_minor(row), TEXTS[row % len(TEXTS)].replace('"', '""')
        clock = f"{row % 24:02d}:{row % 60:02d}:{row % 59:02d}"
        out.write(
            f"u-{row % 9973},t-{row:09d},{minor // 100}.{minor % 100:02d},\"{text} {row}\",{'DC'[row % 20 == 0]},"
            f"{day}T{clock}Z,{row % 10_000:04d}\n"
        )
    out.flush()


def problems(schema, value, at=""):
    """What keeps a value from fitting: the words of JSON Schema that the published schemas use."""
    kind = {"object": dict, "array": list, "string": str, "integer": int}[schema["type"]]
    if not isinstance(value, kind) or isinstance(value, bool):
        yield f"{at}: not of type {schema['type']}"
        return
    if value not in schema.get("enum", [value]):
        yield f"{at}: not in enum"
    if schema.get("format") == "date-time":
        try:
            datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            yield f"{at}: no date-time"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{at}: does not fit the pattern"
    if kind is list:
        for index, item in enumerate(value):
            yield from problems(schema["items"], item, f"{at}/{index}")
    if kind is dict:
        known = schema.get("properties", {})
        yield from (f"{at}/{name}: missing" for name in schema.get("required", []) if name not in value)
        for name, member in value.items():
            if name in known:
                yield from problems(known[name], member, f"{at}/{name}")
            elif schema.get("additionalProperties") is False:
                yield f"{at}/{name}: not published"


def read(rows, file, schema):
    import duckdb
    import polars

    schema = json.load(open(schema))
    wrong, ids, total = [], set(), 0
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            record = json.loads(line)
            wrong += [f"line {number}{problem}" for problem in problems(schema, record)]
            ids.add(record["id"])
            total += record["attributes"]["amount"]
            text = f"{TEXTS[(number - 1) % len(TEXTS)]} {number - 1}"
            if record["attributes"]["description"] != text:
                wrong.append(f"line {number}: the description is not {text!r}")
    amount = polars.col("attributes").struct.field("amount")
    both = (polars.len(), amount.sum().alias("sum"))
    told = {
        f"Python {sys.version.split()[0]} gzip": (number, total),
        f"polars {polars.__version__} read_ndjson": polars.read_ndjson(file).select(*both).row(0),
        f"polars {polars.__version__} scan_ndjson": polars.scan_ndjson(file).select(*both).collect().row(0),
        f"DuckDB {duckdb.__version__} read_json_auto": duckdb.sql(
            f"SELECT count(*), sum(attributes.amount) FROM read_json_auto('{file}')"
        ).fetchall()[0],
    }
    expected = (rows, sum(map(amount_minor, range(rows))))
    for reader, found in told.items():
        found = tuple(map(int, found))
        print(f"{reader}: {found[0]} rows, {found[1]} minor units" + ("" if found == expected else f"; not {expected}"))
        wrong += [reader] * (found != expected)
    if len(ids) != rows:
        wrong.append(f"{len(ids)} ids")
    print("\n".join(wrong[:20]) if wrong else f"published schema: all {number} lines fit; {len(ids)} ids")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(int(sys.argv[2]), sys.argv[3])
    else:
        read(int(sys.argv[2]), sys.argv[3], sys.argv[4])
