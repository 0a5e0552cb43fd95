"""The reconciliation by datacompy's comparison of polars frames: keys that stand once on a side, two sides at a time.
What several rows of a key mean, and what differences mean, is no part of it: that is done as in `polars.py`.

    python -m compare.peers.datacompy FOLDER FORMAT OUT
"""

import os

os.environ.setdefault("POLARS_MAX_THREADS", os.environ.get("THREADS", "2"))

import datacompy
import polars as pl

from .polars import VALUES, reconcile, run


def suspects(sides):
    """Keys that do not stand once on each side with the same values."""
    sides = [run(side) for side in sides]
    several = pl.concat([side.filter(pl.col("key").is_duplicated()).select("key") for side in sides]).unique()
    file, ledger, log = (
        side.select("key", "at", *VALUES).join(several, on="key", how="anti") for side in sides
    )
    near = (pl.col("at_df1") - pl.col("at_df2")).abs() <= pl.duration(days=1)
    odd = [
        several,
        *_unlike(file, ledger, near),
        *_unlike(file.drop("at"), log.drop("at"), pl.lit(True)),
        file.filter(pl.col("status") != "SETTLED").select("key"),
    ]
    return pl.concat(odd).unique()


def _unlike(left, right, near):
    compared = datacompy.PolarsCompare(left, right, join_columns="key")
    same = pl.all_horizontal(*(pl.col(f"{name}_match") for name in VALUES), near)
    yield compared.intersect_rows.filter(~same).select("key")
    yield compared.df1_unq_rows.select("key")
    yield compared.df2_unq_rows.select("key")


if __name__ == "__main__":
    reconcile(suspects)
