"""Figures as tables and a chart. Writes them into `docs/speed.md`, between its marks, and `docs/speed.svg`.

    python -m compare.pages FOUND.json
"""

import sys
from pathlib import Path

from .chart import svg
from .found import Found

DOCS = Path(__file__).resolve().parents[2] / "docs"
BEGIN, END = "<!-- figures: written by benches/compare.sh, never by hand -->", "<!-- /figures -->"
CHART = "![Wall time and peak memory of each program, by size and format](speed.svg)"
WORDS = {"csv": "CSV", "jsonl": "gzipped JSON lines", "parquet": "Parquet"}


def text(days, started):
    """Everything between the marks, as Markdown."""
    parts = []
    for words in dict.fromkeys(_about(day) for day in days):
        of = [f"{day.keys:,} as {WORDS[day.form]}" for day in days if _about(day) == words]
        parts.append(words if len(of) == len(days) else f"{words} ({'; '.join(of)})")
    for keys in dict.fromkeys(day.keys for day in days):
        parts.append(f"### {keys:,} keys a side")
        parts += [_table(day) for day in days if day.keys == keys]
    if started:
        rows = [f"| {name} | {seconds * 1000:,.0f} |" for name, seconds in sorted(started["times"].items())]
        parts.append("### Start-up\n\n| whole process, median of 20 | ms |\n|---|---:|\n" + "\n".join(rows))
    return "\n\n".join(parts)


def _about(day):
    about = day.about
    return f"{about['when']}; {about['machine']}. {', '.join(about['versions'])}. Rounds: {day.rounds}."


def _table(day):
    first = day.measures[0]
    base = day.base()
    head = (
        f"**{WORDS[day.form]}**: {first['rows']:,} rows on three sides, {first['bytes'] / 1e6:,.0f} MB\n\n"
        f"| | rows/s | wall s | CPU s | peak MiB | wall, {base} = 1 | CPU | peak |\n"
        "|---|---:|---:|---:|---:|---:|---:|---:|"
    )
    return "\n".join([head, *map(_row, day.lines())])


def _row(line):
    if line.ended != "ok":
        return (f"| {line.program} | {line.ended} | {line.wall_s:,.2f} | {line.cpu_s:,.2f} | {line.peak_mib:,.0f} "
                "| | | |")
    ratios = " | ".join("" if it is None else f"{it:.2f}" for it in (line.wall_ratio, line.cpu_ratio, line.peak_ratio))
    return (f"| {line.program} | {line.rows_a_second:,.0f} | {line.wall_s:,.2f} | {line.cpu_s:,.2f} "
            f"| {line.peak_mib:,.0f} | {ratios} |")


def write(path):
    kept = Found(path)
    page = DOCS / "speed.md"
    before, rest = page.read_text().split(BEGIN)
    after = rest.split(END)[1]
    page.write_text(f"{before}{BEGIN}\n\n{CHART}\n\n{text(kept.days(), kept.started())}\n\n{END}{after}")
    (DOCS / "speed.svg").write_text(svg(kept.days()))


if __name__ == "__main__":
    write(sys.argv[1])
