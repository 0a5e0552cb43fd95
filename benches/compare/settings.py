"""What the environment asks of a campaign: the one place where it is read."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Of three sides and one key, in the largest case: what a day takes on the disk.
BYTES_A_KEY = {"csv": 320, "jsonl": 170, "parquet": 105}


@dataclass(frozen=True)
class Settings:
    tieout: Path
    python: str
    datacompy_python: str
    work: Path
    rounds: int
    formats: tuple
    big_format: str
    programs: tuple
    limit_s: float
    memory: str
    limit_kib: int
    keep: bool
    seed: int
    big_keys: int

    def is_big(self, keys):
        """Memory is bounded, one round in one format is enough, and the files are removed afterwards."""
        return keys >= self.big_keys

    def formats_of(self, keys):
        return (self.big_format,) if self.is_big(keys) else self.formats

    def folder(self, keys):
        return self.work / f"day-{keys}-{self.seed}"


def read():
    said = os.environ.get
    python = said("PYTHON", "python3")
    physical_kib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024
    return Settings(
        tieout=Path(said("TIEOUT", ROOT / "target/release/tieout")).absolute(),
        python=shutil.which(python) or python,
        datacompy_python=said("PYTHON_DATACOMPY", python),
        work=Path(said("WORK", ROOT / "target/bench-compare")).absolute(),
        rounds=int(said("ROUNDS", "3")),
        formats=tuple(said("FORMATS", "csv,jsonl,parquet").split(",")),
        big_format=said("BIG_FORMAT", "parquet"),
        programs=tuple(said("PROGRAMS", "tieout,duckdb,polars,datacompy,pandas").split(",")),
        limit_s=float(said("LIMIT", "1800")),
        memory=said("MEMORY", "2GiB"),
        limit_kib=int(float(said("MOST_MEMORY", "0.85")) * physical_kib),
        keep=said("KEEP", "0") == "1",
        seed=int(said("SEED", "1")),
        big_keys=int(said("BIG", "50000000")),
    )
