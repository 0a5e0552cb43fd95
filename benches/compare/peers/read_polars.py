"""One side as a lazy frame in the same columns as the others: minor units with a sign, one set of words, UTC."""

import polars as pl

from ..shapes import CURRENCIES, EXPONENTS, FILE, LEDGER, STATES, STATUSES
from ..layout import NAMES, PAID, path

CANONICAL = ("key", "user", "merchant", "last4", "amount", "currency", "status", "at", "commission", "reward")
MAJOR = pl.Decimal(18, 3)


def scan(folder, side, form):
    names, file = NAMES[side], path(folder, side, form)
    amounts = {names[at] for at in (4, 8, 9)}
    types = {name: pl.String for name in (*names, *((PAID,) if side == FILE else ()))}
    if side == LEDGER:
        types |= {name: MAJOR if form == "csv" else pl.String for name in amounts}
    else:
        types |= {name: pl.Int64 for name in amounts}
    if form == "csv":
        frame = pl.scan_csv(file, schema=types)
    elif form == "jsonl":
        frame = pl.scan_ndjson(file, schema=types)
    else:
        frame = pl.scan_parquet(file)
    frame = frame.rename(dict(zip(names, CANONICAL)))
    if form != "parquet":
        frame = frame.with_columns(pl.col("at").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="ms", time_zone="UTC"))
    if side == LEDGER:
        return ledger(frame, form)
    return frame.with_columns(paid=pl.col(PAID) if side == FILE else pl.lit(None, pl.String))


def ledger(frame, form):
    sign = pl.when(pl.col("status").is_in(["refunded", "voided"])).then(-1).otherwise(1)
    divisor = pl.col("currency").replace_strict(
        list(CURRENCIES), [10 ** (3 - exponent) for exponent in EXPONENTS], return_dtype=pl.Int64
    )
    words = {state: STATUSES[number] for number, state in enumerate(STATES) if state}

    def minor(name):
        value = pl.col(name).str.to_decimal(scale=3) if form == "jsonl" else pl.col(name)
        return (value.to_physical().cast(pl.Int64) // divisor * sign).alias(name)

    return frame.with_columns(
        minor("amount"), minor("commission"), minor("reward"), pl.col("status").replace_strict(words),
        paid=pl.lit(None, pl.String),
    )
