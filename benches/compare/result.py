"""What every program says of the same day, in one form, and whether two of them say the same.

{"matched_rows": {side: n}, "breaks": {kind: n}, "at_risk": {"kind currency measure": minor units},
 "totals": {side: {currency: {measure: minor units}}}}, and the breaks themselves as a file `breaks.csv` of
kind, key, currency, measure, at_risk_minor.
"""

import json
import sys

COLUMNS = ("kind", "key", "currency", "measure", "at_risk_minor")
PARTS = ("matched_rows", "breaks", "at_risk", "totals")


def say(matched_rows, found, totals):
    """Prints a result. `found`: (kind, currency, measure, count, at_risk); `totals`: (side, currency, three sums)."""
    result = {"matched_rows": dict(matched_rows), "breaks": {}, "at_risk": {}, "totals": {}}
    for kind, currency, measure, count, at_risk in found:
        result["breaks"][kind] = result["breaks"].get(kind, 0) + int(count)
        result["at_risk"][f"{kind} {currency} {measure}"] = int(at_risk)
    for side, currency, *sums in totals:
        named = zip(("transaction_amount", "issuer_commission", "user_reward"), map(int, sums))
        result["totals"].setdefault(side, {})[currency] = dict(named)
    json.dump(result, sys.stdout)
    print()


def differences(truth, said):
    """Every place in which a result is not what is true, as text; empty where they are the same."""
    found = []
    for part in PARTS:
        true, told = dict(_leaves(truth[part])), dict(_leaves(said[part]))
        for place in sorted(true.keys() | told.keys()):
            # A sum of nothing need not be told.
            if true.get(place, 0) != told.get(place, 0):
                found.append(f"{part}: {' '.join(place)}: {told.get(place, 0)}, expected {true.get(place, 0)}")
    return found


def _leaves(tree, place=()):
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*place, name))
        else:
            yield (*place, name), value


def unlike(truth, path):
    """How the breaks in a file differ from the true ones, as text; empty where they are the same ones."""
    import polars as pl

    true = pl.read_parquet(truth).select(COLUMNS)
    types = {name: pl.Int64 if name == "at_risk_minor" else pl.String for name in COLUMNS}
    told = pl.read_csv(path, schema_overrides=types).select(COLUMNS)
    missing, more = true.join(told, on=COLUMNS, how="anti"), told.join(true, on=COLUMNS, how="anti")
    found = [f"breaks.csv lacks {row}" for row in missing.head(3).rows()]
    found += [f"breaks.csv has {row}" for row in more.head(3).rows()]
    if len(true) != len(told):
        found.append(f"breaks.csv has {len(told)} breaks, expected {len(true)}")
    return found
