"""Holds what a program said against the truth: prints every difference, ends with 1 where there is one.

    python -m compare.check FOLDER OUT                  OUT has said.json and breaks.csv
    python -m compare.check FOLDER OUT WORLD FORMAT     of a run of tieout: makes these first
"""

import json
import sys
from pathlib import Path

from .result import differences, unlike
from .world import told


def main():
    folder, out = map(Path, sys.argv[1:3])
    if len(sys.argv) > 3:
        said = told(Path(sys.argv[3]), sys.argv[4], out)
        (out / "said.json").write_text(json.dumps(said) + "\n")
    said = json.loads((out / "said.json").read_text())
    found = differences(json.loads((folder / "truth.json").read_text()), said)
    found += unlike(folder / "truth-breaks.parquet", out / "breaks.csv")
    for line in found:
        print(line)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
