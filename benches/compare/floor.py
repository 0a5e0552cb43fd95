"""What merely reading the inputs costs: the bytes, unfolded where they are compressed, and nothing done with them.

    python -m compare.floor FOLDER FORMAT [gzip|isal]

Two sides at a time. CSV is read as bytes, gzip is unfolded by the programs at hand, Parquet is decoded by pyarrow.
"""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .layout import path
from .shapes import SIDES

BLOCK_BYTES = 1 << 20


def ways(form, python):
    """How the floor is measured with what is there: name, and what else the command takes."""
    if form != "jsonl":
        return [("read" if form == "csv" else "pyarrow", [])]
    found = [("gzip", ["gzip"])] if shutil.which("gzip") else []
    has_isal = subprocess.run([python, "-c", "import isal"], capture_output=True).returncode == 0
    return found + ([("isal", ["isal"])] if has_isal else [])


def main():
    folder, form, way = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    # The sides at the same time, as every program reads them.
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda side: read(path(folder, side, form), form, way), range(len(SIDES))))


def read(file, form, way):
    if form == "parquet":
        import pyarrow.parquet as pq

        for batch in pq.ParquetFile(file).iter_batches(125_000, use_threads=False):
            batch.num_rows
    elif way == ["gzip"]:
        subprocess.run(["gzip", "-dc", file], stdout=subprocess.DEVNULL, check=True)
    elif way == ["isal"]:
        from isal import igzip

        drain(igzip.open(file, "rb"))
    else:
        drain(open(file, "rb", buffering=0))


def drain(source):
    with source:
        block = bytearray(BLOCK_BYTES)
        while source.readinto(block):
            pass


if __name__ == "__main__":
    main()
