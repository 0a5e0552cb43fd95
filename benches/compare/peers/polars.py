"""The reconciliation by polars, through its Python interface.

    python -m compare.peers.polars FOLDER FORMAT OUT [streaming]

With `streaming` no side is kept in memory, of any format: each pass reads the files anew.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("POLARS_MAX_THREADS", os.environ.get("THREADS", "2"))

import polars as pl

from ..result import say
from ..shapes import SIDES
from .judge_polars import breaks, folded, judged
from .read_polars import scan

VALUES = ("amount", "commission", "reward", "currency", "status", "user", "last4")


def suspects(sides):
    """Keys that do not stand once on each side with the same values."""
    kept = [side.select("key", "at", *VALUES) for side in sides]
    same = [pl.col(name) == pl.col(f"{name}_{other}") for name in VALUES for other in "lw"]
    near = (pl.col("at") - pl.col("at_l")).abs() <= pl.duration(days=1)
    clean = pl.all_horizontal(*same, pl.col("status") == "SETTLED", near)
    faced = kept[0].join(kept[1], on="key", how="full", coalesce=True, suffix="_l")
    faced = faced.join(kept[2], on="key", how="full", coalesce=True, suffix="_w")
    unlike = faced.filter(~clean.fill_null(False)).select("key")
    several = [side.group_by("key").len().filter(pl.col("len") > 1).select("key") for side in sides]
    return run(pl.concat([unlike, *several]).unique())


def run(frame):
    return frame.collect(engine="streaming")


def reconcile(suspects):
    """The whole way; `suspects` finds the keys that need a second look."""
    folder, form, out = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    out.mkdir(parents=True, exist_ok=True)
    sides = [scan(folder, side, form) for side in range(len(SIDES))]
    # Parquet is read anew at no great cost: less memory, and no slower.
    if form != "parquet" and sys.argv[4:] != ["streaming"]:
        sides = [run(side).lazy() for side in sides]
    odd = suspects(sides).lazy()
    some = [folded(side, run(rows.join(odd, on="key", how="semi"))) for side, rows in enumerate(sides)]
    facts = judged(some)
    found = breaks(facts).sort(pl.all())
    found.write_csv(out / "breaks.csv")
    broken = found.filter(pl.col("kind") != "duplicate_row")["key"].unique().implode()
    apart = facts.filter(~pl.col("judged") | pl.col("key").is_in(broken))
    matched, totals = {}, []
    for name, rows in zip(SIDES, sides):
        sums = run(rows.group_by("currency").agg(pl.col("amount", "commission", "reward").sum(), pl.len()))
        totals += [(name, *row[:4]) for row in sums.rows()]
        one, copies = (pl.col(f"{what}_{name[0]}").cast(pl.Int64) for what in ("rows", "copies"))
        unmatched = apart.select((one - copies).sum()).item()
        matched[name] = sums["len"].sum() - unmatched - facts.select(copies.sum()).item()
    by_kind = found.group_by("kind", "currency", "measure").agg(pl.len(), pl.col("at_risk_minor").sum())
    say(matched, by_kind.rows(), totals)


if __name__ == "__main__":
    reconcile(suspects)
