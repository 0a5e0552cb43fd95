"""One side as a pandas frame in the same columns as the others, read by pyarrow: its decimals are exact."""

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet

from ..shapes import CURRENCIES, EXPONENTS, FILE, LEDGER, STATES, STATUSES
from ..layout import NAMES, PAID, path

CANONICAL = ("key", "user", "merchant", "last4", "amount", "currency", "status", "at", "commission", "reward")
AMOUNTS = ("amount", "commission", "reward")
MAJOR = pa.decimal128(18, 3)


def read(folder, side, form):
    names, file = NAMES[side], path(folder, side, form)
    types = dict.fromkeys(names, pa.string()) | ({PAID: pa.string()} if side == FILE else {})
    # Unlike its CSV reader, pyarrow's JSON reader takes no decimals out of texts.
    money = (pa.string() if form == "jsonl" else MAJOR) if side == LEDGER else pa.int64()
    types |= {names[at]: money for at in (4, 8, 9)} | {names[7]: pa.timestamp("ms", "UTC")}
    if form == "csv":
        table = pa.csv.read_csv(file, convert_options=pa.csv.ConvertOptions(column_types=types))
    elif form == "jsonl":
        options = pa.json.ParseOptions(explicit_schema=pa.schema(types.items()), unexpected_field_behavior="error")
        table = pa.json.read_json(file, parse_options=options)
    else:
        table = pa.parquet.read_table(file)
    table = table.rename_columns([dict(zip(names, CANONICAL)).get(name, "paid") for name in table.column_names])
    if side == LEDGER:
        table = ledger(table)
    if side != FILE:
        table = table.append_column("paid", pa.nulls(len(table), pa.string()))
    return table.to_pandas(types_mapper=pd.ArrowDtype, split_blocks=True, self_destruct=True)


def ledger(table):
    """Major units become minor ones with a sign, and the ledger's words the common ones."""
    scales = pa.array([10**exponent for exponent in EXPONENTS])
    scale = pc.take(scales, pc.index_in(table["currency"], pa.array(CURRENCIES)))
    back = pc.is_in(table["status"], pa.array(["refunded", "voided"]))
    scale = pc.multiply(scale, pc.if_else(back, -1, 1)).cast(pa.decimal128(19, 0))
    for name in AMOUNTS:
        major = table[name].cast(MAJOR)
        minor = pc.multiply(major, scale).cast(pa.int64())
        table = table.set_column(table.column_names.index(name), name, minor)
    known = [state for state in STATES if state]
    words = pc.take(pa.array(STATUSES[: len(known)]), pc.index_in(table["status"], pa.array(known)))
    return table.set_column(table.column_names.index("status"), "status", words)
