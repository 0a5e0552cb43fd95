"""The reconciliation in SQL, by DuckDB.

    python -m compare.peers.duckdb FOLDER FORMAT OUT [MEMORY]
"""

import os
import sys
from pathlib import Path

import duckdb

from ..result import say
from ..shapes import SIDES
from ..layout import path
from . import duckdb_sql as sql


def main():
    folder, form, out = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    out.mkdir(parents=True, exist_ok=True)
    link = duckdb.connect()
    link.execute(f"SET threads = {os.environ.get('THREADS', '2')}")
    link.execute("SET preserve_insertion_order = false")
    link.execute("SET enable_progress_bar = false")
    link.execute(f"SET temp_directory = '{out / 'spill'}'")
    if len(sys.argv) > 4:
        link.execute(f"SET memory_limit = '{sys.argv[4]}'")
    for side, name in enumerate(SIDES):
        # What is read anew at no great cost need not be kept: less memory, and no slower.
        kept = "VIEW" if form == "parquet" else "TABLE"
        link.execute(f"CREATE TEMP {kept} {name} AS {sql.normalised(side, path(folder, side, form), form)}")
    link.execute(f"CREATE TEMP TABLE suspects AS {sql.SUSPECTS}")
    for side, name in enumerate(SIDES):
        link.execute(f"CREATE TEMP TABLE {name}_folded AS {sql.folded(side)}")
    link.execute(f"CREATE TEMP TABLE facing AS {sql.FACING}")
    link.execute(f"CREATE TEMP TABLE judged AS {sql.JUDGED}")
    link.execute(f"CREATE TEMP TABLE breaks AS {sql.BREAKS}")
    link.execute(f"COPY (SELECT * FROM breaks ORDER BY ALL) TO '{out / 'breaks.csv'}' (HEADER)")
    say(
        link.execute(sql.MATCHED_ROWS).fetchall(),
        link.execute(
            "SELECT kind, currency, measure, count(*), sum(at_risk_minor) FROM breaks GROUP BY ALL"
        ).fetchall(),
        link.execute(sql.TOTALS).fetchall(),
    )


if __name__ == "__main__":
    main()
