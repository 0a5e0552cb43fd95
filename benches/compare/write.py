"""Rows as the columns of a real job, and those as CSV, gzipped JSON lines or Parquet.

The ledger states major units and words of its own, the others minor units. In text formats the ledger's amounts are
decimals of their currency (`12.50`, `1250`, `1.250`), in Parquet `decimal(18, 3)`; times are RFC 3339, UTC.
"""

import io
import zlib
from datetime import datetime, timedelta, timezone

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from .facts import DAY_SECONDS, MERCHANTS
from .layout import DAY, NAMES, PAID, path
from .shapes import CURRENCIES, EXPONENTS, LEDGER, STATES, STATUSES

FIRST_DAY = 2
_HEX = np.frombuffer(b"".join(b"%02x" % byte for byte in range(256)), np.dtype("V2"))


class Words:
    """Texts that many rows share, made once and looked up by number."""

    def __init__(self, users):
        self.user = pl.Series([f"u-{number:08}" for number in range(users + 1)])
        self.merchant = pl.Series([f"m-{number:05}" for number in range(MERCHANTS)])
        self.last4 = pl.Series([f"{number:04}" for number in range(10_000)])
        self.currency = pl.Series(CURRENCIES)
        self.status = pl.Series(STATUSES)
        self.state = pl.Series(STATES)
        self.paid = pl.Series(["PENDING", "PAID_IN_FULL"])
        start = datetime.fromisoformat(DAY).replace(tzinfo=timezone.utc) - timedelta(days=FIRST_DAY)
        self.start_ms = int(start.timestamp() * 1000)
        days = [(start + timedelta(days=day)).strftime("%Y-%m-%dT") for day in range(FIRST_DAY + 2)]
        clock = [f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z" for second in range(DAY_SECONDS)]
        self.time = pl.Series([day + time for day in days for time in clock])


def ids(ids):
    """Twelve bytes an id as 24 hexadecimal digits, without a Python object for each."""
    text = _HEX[ids].tobytes()
    offsets = np.arange(0, len(text) + 24, 24, dtype=np.int64)
    return pl.from_arrow(pa.LargeStringArray.from_buffers(len(ids), pa.py_buffer(offsets), pa.py_buffer(text)))


def _major(minor, currency):
    """The size of minor units as the decimal text of major units, all decimals of the currency written."""
    frame = pl.DataFrame({"minor": np.abs(minor), "currency": currency})

    def text(exponent):
        whole = (pl.col("minor") // 10**exponent).cast(pl.String)
        rest = (pl.col("minor") % 10**exponent).cast(pl.String).str.zfill(exponent)
        return pl.concat_str(whole, pl.lit("."), rest) if exponent else whole

    found = pl.when(pl.col("currency") == 0).then(text(EXPONENTS[0]))
    for number, exponent in enumerate(EXPONENTS):
        found = found.when(pl.col("currency") == number).then(text(exponent))
    return frame.select(found.alias("text"))["text"]


def _decimal(minor, currency):
    """The size of minor units as decimal(18, 3)."""
    scaled = np.abs(minor) * np.array([10 ** (3 - exponent) for exponent in EXPONENTS])[currency]
    words = np.zeros((len(scaled), 2), np.int64)
    words[:, 0] = scaled
    return pa.Array.from_buffers(pa.decimal128(18, 3), len(scaled), [None, pa.py_buffer(words.tobytes())])


def table(side, rows, words, typed):
    """`typed`: times and decimals as such, for Parquet; else as texts."""
    names, ledger = NAMES[side], side == LEDGER
    amount = (_decimal if typed else _major) if ledger else (lambda minor, _: minor)
    second = rows.second + FIRST_DAY * DAY_SECONDS
    time = (
        pl.Series(second * 1000 + words.start_ms).cast(pl.Datetime("ms", "UTC")) if typed else words.time.gather(second)
    )
    columns = {
        names[0]: ids(rows.id),
        names[1]: words.user.gather(rows.user),
        names[2]: words.merchant.gather(rows.merchant),
        names[3]: words.last4.gather(rows.last4),
        names[4]: amount(rows.amount, rows.currency),
        names[5]: words.currency.gather(rows.currency),
        names[6]: (words.state if ledger else words.status).gather(rows.status),
        names[7]: time,
        names[8]: amount(rows.commission, rows.currency),
        names[9]: amount(rows.reward, rows.currency),
    }
    if side == 0:
        columns[PAID] = words.paid.gather(rows.paid.astype(np.int8))
    return pl.DataFrame({name: pl.from_arrow(it) if isinstance(it, pa.Array) else it for name, it in columns.items()})


class Writer:
    """One file of one side, written chunk by chunk."""

    def __init__(self, folder, side, form):
        self.path, self.form = path(folder, side, form), form
        self.partial = self.path.with_name(self.path.name + ".new")
        self.out = None if form == "parquet" else open(self.partial, "wb")
        self.parquet = None
        self.rows = 0

    def write(self, frame):
        if self.form == "csv":
            frame.write_csv(self.out, include_header=self.rows == 0)
        elif self.form == "jsonl":
            lines = io.BytesIO()
            frame.write_ndjson(lines)
            self.out.write(member(lines.getbuffer()))
        else:
            arrow = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
            self.parquet = self.parquet or pq.ParquetWriter(self.partial, arrow.schema, compression="zstd")
            self.parquet.write_table(arrow, row_group_size=125_000)
        self.rows += len(frame)

    def close(self):
        (self.parquet or self.out).close()
        self.partial.rename(self.path)


def member(data):
    """A gzip member of its own, of a fast level; many members make one gzip file."""
    try:
        from isal import igzip
    except ImportError:
        packer = zlib.compressobj(1, zlib.DEFLATED, 31)
        return packer.compress(data) + packer.flush()
    return igzip.compress(data, 1)
