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
    parts += _growth(days)
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


def _growth(days):
    """How many times as long each program takes as for the size before; start-up does not count from a million keys on."""
    walls = {}
    for day in days:
        for line in day.lines():
            if line.ended == "ok" and not line.is_floor and day.keys >= 1_000_000:
                walls.setdefault((WORDS[day.form], line.program), {})[day.keys] = line.wall_s
    sizes = sorted({keys for wall in walls.values() for keys in wall})
    steps = list(zip(sizes, sizes[1:]))
    rows = []
    for (form, program), wall in walls.items():
        times = [f"{wall[more] / wall[less]:.1f}" if less in wall and more in wall else "" for less, more in steps]
        if any(times):
            rows.append(f"| {form} | {program} | {' | '.join(times)} |")
    if not rows:
        return []
    head = " | ".join(f"{less:,} to {more:,} keys" for less, more in steps)
    return [f"### Growth\n\n| from | times as long | {head} |\n|---|---|{'---:|' * len(steps)}\n" + "\n".join(rows)]


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
