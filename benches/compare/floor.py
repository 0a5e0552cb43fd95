"""What merely reading the inputs costs: the bytes, unfolded where they are compressed, and nothing done with them.

    python -m compare.floor FOLDER FORMAT [gzip|isal]

CSV is read as bytes. Gzip is unfolded by the programs at hand. Parquet is decoded column by column by pyarrow.
"""

import shutil
import subprocess
import sys
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
    folder, form = Path(sys.argv[1]), sys.argv[2]
    for side in range(len(SIDES)):
        file = path(folder, side, form)
        if form == "parquet":
            import pyarrow.parquet as pq

            for batch in pq.ParquetFile(file).iter_batches(125_000):
                batch.num_rows
            continue
        if form == "csv":
            source = open(file, "rb", buffering=0)
        elif sys.argv[3] == "isal":
            from isal import igzip

            source = igzip.open(file, "rb")
        else:
            subprocess.run(["gzip", "-dc", file], stdout=subprocess.DEVNULL, check=True)
            continue
        with source:
            block = bytearray(BLOCK_BYTES)
            while source.readinto(block):
                pass


if __name__ == "__main__":
    main()
