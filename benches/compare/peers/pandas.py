"""The reconciliation by pandas: merges find the keys that need a second look, plain Python takes it.

    python -m compare.peers.pandas FOLDER FORMAT OUT
"""

import csv
import os
import sys
from collections import Counter, defaultdict
from itertools import groupby
from pathlib import Path

import pandas as pd
import pyarrow as pa

from ..result import COLUMNS, say
from ..shapes import SIDES
from .judge_plain import MEASURES, fold, judge
from .read_pandas import read

VALUES = ("amount", "commission", "reward", "currency", "status", "user", "last4")
# In the order in which `fold` takes them.
ROW = ["user", "last4", "currency", "status", "paid", "merchant", "amount", "commission", "reward", "at"]


def suspects(sides):
    """Keys that do not stand once on each side with the same values."""
    file, ledger, log = (side[["key", "at", *VALUES]] for side in sides)
    both = file.merge(ledger, on="key", suffixes=("", "_l"))
    clean = (both["status"] == "SETTLED") & ((both["at"] - both["at_l"]).abs() <= pd.Timedelta(days=1))
    for name in VALUES:
        clean &= both[name] == both[f"{name}_l"]
    both = both.loc[clean, ["key", *VALUES]].merge(log, on="key", suffixes=("", "_w"))
    clean = both["status"] == both["status_w"]
    for name in VALUES:
        clean &= both[name] == both[f"{name}_w"]
    clean = both.loc[clean, "key"]
    odd = [side.loc[~side["key"].isin(clean), "key"] for side in sides]
    several = [side.loc[side["key"].duplicated(), "key"] for side in sides]
    return pd.concat(odd + several).drop_duplicates()


def by_key(side, rows, keys):
    """Key → what the side says of it."""
    some = rows[rows["key"].isin(keys)].sort_values("key")
    some = some.assign(at=some["at"].astype("int64[pyarrow]"))
    lists = [some[name].array.__arrow_array__().to_pylist() for name in ["key", *ROW]]
    return {
        key: fold(side, [row[1:] for row in rows]) for key, rows in groupby(zip(*lists), key=lambda row: row[0])
    }


def main():
    folder, form, out = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    out.mkdir(parents=True, exist_ok=True)
    pa.set_cpu_count(int(os.environ.get("THREADS", "2")))
    sides = [read(folder, side, form) for side in range(len(SIDES))]
    odd = suspects(sides)
    folded = [by_key(side, rows, odd) for side, rows in enumerate(sides)]
    matched = {name: len(rows) for name, rows in zip(SIDES, sides)}
    counts, at_risk, breaks = Counter(), defaultdict(int), []
    for key in sorted(set().union(*folded)):
        said = [side.get(key) for side in folded]
        outcome, found = judge(said)
        for name, one in zip(SIDES, said):
            if one:
                matched[name] -= one.copies if outcome == "matched" else one.rows
        for kind, currency, measure, risk in found:
            place = (kind, currency, MEASURES[measure])
            counts[place] += 1
            at_risk[place] += risk
            breaks.append((kind, key, currency, MEASURES[measure], risk))
    with open(out / "breaks.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        rows.writerows(sorted(breaks))
    totals = []
    for name, rows in zip(SIDES, sides):
        sums = rows.groupby("currency")[["amount", "commission", "reward"]].sum()
        totals += [(name, *row) for row in sums.itertuples()]
    say(matched, [(*place, counts[place], at_risk[place]) for place in sorted(counts)], totals)


if __name__ == "__main__":
    main()
