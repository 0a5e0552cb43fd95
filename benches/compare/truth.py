"""What a reconciliation has to find, from how the keys were made: no rule of any reconciliation has a part in it."""

import json
from collections import Counter, defaultdict

import numpy as np
import polars as pl

from .rows import other_amount
from .shapes import CURRENCIES, FILE, MEASURES, SHAPES, SIDES
from .write import ids

AMOUNT, COMMISSION, REWARD = range(3)


def _risk(kind, shape, facts):
    """The measure and the amount at risk of each key's break of a kind."""
    amounts = np.zeros(len(facts.id), np.int64) + AMOUNT
    wrong = np.where(facts.way == 0, facts.off, -facts.off)
    if kind == "reward_missing":
        return amounts + REWARD, facts.reward
    if kind == "amount_mismatch" or kind in ("split_excess", "returns_exceed_purchase"):
        return amounts, facts.off
    if kind == "reward_mismatch":
        way = facts.way if shape == "reward_mismatch" else np.zeros_like(facts.way)
        return np.where(way == 0, REWARD, COMMISSION), facts.off
    if kind == "split_incomplete":
        return amounts, facts.amount - facts.part
    if kind == "clawback_unbooked":
        return amounts + REWARD, facts.reward
    if kind == "reversed_after_payout":
        return amounts + COMMISSION, facts.commission
    if kind == "conflicting_rows":
        return amounts, facts.amount + np.where(other_amount(facts), facts.off, 0)
    if shape == "amount_and_webhook":
        return amounts, facts.amount + np.maximum(wrong, 0)
    return amounts, facts.amount


def breaks(facts):
    """Every break of the chunk: kind, key, currency, measure, at_risk_minor."""
    found = []
    for shape in SHAPES:
        if not shape.breaks:
            continue
        some = facts.of(shape.name)
        currency = some.currency
        if shape.name == "currency_mismatch":
            currency = np.where(some.side == FILE, some.currency == 0, some.currency)
        for kind in shape.breaks:
            measure, at_risk = _risk(kind, shape.name, some)
            found.append(pl.DataFrame({
                "kind": pl.repeat(kind, len(some.id), eager=True, dtype=pl.String),
                "key": ids(some.id),
                "currency": pl.Series(CURRENCIES).gather(currency.astype(np.int8)),
                "measure": pl.Series(MEASURES).gather(measure),
                "at_risk_minor": at_risk.astype(np.int64),
            }))
    return pl.concat(found)


class Truth:
    """Grows chunk by chunk; `sides` adds the sums of all rows, which each side's own process has made."""

    def __init__(self):
        self.keys = Counter()
        self.rows = {side: Counter() for side in SIDES}
        self.kinds = Counter()
        self.at_risk = defaultdict(int)

    def add(self, facts, found):
        numbers = np.bincount(facts.shape, minlength=len(SHAPES))
        for shape, keys in zip(SHAPES, numbers.tolist()):
            self.keys[shape.outcome] += keys
            for side, makers in zip(SIDES, shape.rows):
                self.rows[side][shape.outcome] += keys * len(makers)
        for shape, outcome in (("duplicate_row", "break"), ("conflicting_rows", "break")):
            for side, keys in zip(SIDES, np.bincount(facts.of(shape).side, minlength=3).tolist()):
                self.rows[side][outcome] += keys
        sums = found.group_by("kind", "currency", "measure").agg(pl.len(), pl.col("at_risk_minor").sum())
        for kind, currency, measure, count, at_risk in sums.iter_rows():
            self.kinds[kind] += count
            self.at_risk[f"{kind} {currency} {measure}"] += at_risk

    def write(self, path, seed, keys, totals):
        said = {
            "seed": seed,
            "keys": keys,
            "outcomes": {outcome: self.keys[outcome] for outcome in ("matched", "expected", "excluded", "break")},
            "matched_rows": {side: self.rows[side]["matched"] for side in SIDES},
            "rows": {side: dict(sorted(self.rows[side].items())) for side in SIDES},
            "breaks": dict(sorted(self.kinds.items())),
            "at_risk": dict(sorted(self.at_risk.items())),
            "totals": totals,
        }
        path.write_text(json.dumps(said, indent=2) + "\n")
