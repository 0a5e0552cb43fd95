"""Writes a day of N keys: three sides in each format, `truth.json`, and `truth-breaks.parquet`.

    python -m compare.generate N FOLDER [--formats csv,jsonl,parquet] [--seed 1]

No more than a few chunks of half a million keys are in memory, whatever N. The sides do not stand in the same order.
"""

import argparse
import json
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from .facts import chunks, draw, users
from .layout import FORMATS
from .rows import of_side
from .shapes import CURRENCIES, FILE, LEDGER, MEASURES, SIDES
from .truth import Truth, breaks
from .write import Words, Writer, table


def _order(side, count):
    """The chunks in the order of a side: the ledger's last first, the notifications from the middle on."""
    if side == FILE:
        return range(count)
    if side == LEDGER:
        return range(count - 1, -1, -1)
    return [(chunk + count // 2) % count for chunk in range(count)]


def write_side(folder, keys, seed, side, formats):
    """Writes one side; gives its sums by currency and measure."""
    words = Words(users(keys))
    writers = {form: Writer(folder, side, form) for form in formats}
    sums = np.zeros((len(CURRENCIES), len(MEASURES)), np.int64)
    for chunk in _order(side, chunks(keys)):
        rows = of_side(side, draw(keys, seed, chunk))
        rng = np.random.Generator(np.random.PCG64([seed, keys, chunk, side]))
        rows = rows.take(rng.permutation(len(rows.id)))
        for currency in range(len(CURRENCIES)):
            mine = rows.currency == currency
            sums[currency] += [rows.amount[mine].sum(), rows.commission[mine].sum(), rows.reward[mine].sum()]
        texts = table(side, rows, words, typed=False) if set(formats) - {"parquet"} else None
        for form, writer in writers.items():
            writer.write(table(side, rows, words, typed=True) if form == "parquet" else texts)
    for writer in writers.values():
        writer.close()
    named = zip(CURRENCIES, sums.tolist())
    return {currency: dict(zip(MEASURES, of)) for currency, of in named}


def write_truth(folder, keys, seed):
    truth, writer = Truth(), None
    path = folder / "truth-breaks.parquet"
    for chunk in range(chunks(keys)):
        facts = draw(keys, seed, chunk)
        found = breaks(facts)
        truth.add(facts, found)
        arrow = found.to_arrow(compat_level=pl.CompatLevel.oldest())
        writer = writer or pq.ParquetWriter(path, arrow.schema, compression="zstd")
        writer.write_table(arrow)
    writer.close()
    return truth


def generate(keys, folder, formats, seed=1):
    """What is there already, of the same keys and seed, is left as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / "generated.json"
    known = json.loads(done.read_text()) if done.exists() else {}
    same = known.get("keys") == keys and known.get("seed") == seed
    wanted = [form for form in formats if not (same and form in known["formats"])]
    if not wanted:
        return
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        sides = [pool.submit(write_side, folder, keys, seed, side, wanted) for side in range(len(SIDES))]
        truth = pool.submit(write_truth, folder, keys, seed).result()
        totals = {name: side.result() for name, side in zip(SIDES, sides)}
    truth.write(folder / "truth.json", seed, keys, totals)
    formats = sorted({*wanted, *(known["formats"] if same else [])})
    done.write_text(json.dumps({"keys": keys, "seed": seed, "formats": formats}) + "\n")


def main():
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("keys", type=int)
    said.add_argument("folder", type=Path)
    said.add_argument("--formats", default=",".join(FORMATS))
    said.add_argument("--seed", type=int, default=1)
    asked = said.parse_args()
    begun = time.monotonic()
    generate(asked.keys, asked.folder, asked.formats.split(","), asked.seed)
    print(f"{asked.keys} keys in {time.monotonic() - begun:.1f} s")


if __name__ == "__main__":
    main()
