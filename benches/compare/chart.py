"""The chart of a campaign as SVG: a panel for each size and format, a bar for each program, the floor as a line."""

from html import escape

BAR, GAP, LEFT, PANEL, MARGIN = 16, 6, 112, 250, 24
WORDS = {"csv": "CSV", "jsonl": "JSON lines, gzip", "parquet": "Parquet"}
STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .small { font-size: 11px; fill: #57606a } .head { font-weight: 600 }
  .peer { fill: #8c959f } .tieout { fill: #0969da } .floor { stroke: #cf222e; stroke-dasharray: 3 2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #9198a1 }
    .peer { fill: #656c76 } .tieout { fill: #4493f8 } .floor { stroke: #f85149 }
  }
"""


def svg(days):
    """Wall time of each program; in every panel the longest bar is as wide as the panel."""
    sizes = list(dict.fromkeys(day.keys for day in days))
    forms = list(dict.fromkeys(day.form for day in days))
    width = MARGIN + len(forms) * (LEFT + PANEL + MARGIN)
    parts, top = [], MARGIN
    for keys in sizes:
        parts.append(f'<text class="head" x="{MARGIN}" y="{top + 4}">{keys:,} keys a side</text>')
        deepest = top + 24
        for column, form in enumerate(forms):
            day = next((day for day in days if (day.keys, day.form) == (keys, form)), None)
            if day:
                panel, bottom = _panel(day, MARGIN + column * (LEFT + PANEL + MARGIN), top + 24)
                parts += panel
                deepest = max(deepest, bottom)
        top = deepest + MARGIN
    note = "Seconds of wall time and peak memory; shorter is better. Dashed: reading the inputs and nothing else."
    parts.append(f'<text class="small" x="{MARGIN}" y="{top}">{note}</text>')
    said = "\n".join(parts)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{top + 12}" role="img" '
            f'aria-label="Wall time of tieout and its peers"><style>{STYLE}</style>\n{said}\n</svg>\n')


def _panel(day, left, top):
    """The parts of one panel and where it ends."""
    lines = day.lines()
    bars = [line for line in lines if not line.is_floor]
    floors = [line for line in lines if line.is_floor and line.ended == "ok"]
    ended = [line.wall_s for line in bars if line.ended == "ok"] or [1]
    scale = (PANEL - 96) / max(ended)
    parts = [f'<text class="small" x="{left}" y="{top}">{WORDS[day.form]}</text>']
    y = top + 8
    for line in bars:
        parts.append(f'<text x="{left}" y="{y + BAR - 4}">{escape(line.program)}</text>')
        x = left + LEFT
        if line.ended == "ok":
            wide = max(1.0, line.wall_s * scale)
            kind = "tieout" if line.program == "tieout" else "peer"
            parts.append(f'<rect class="{kind}" x="{x}" y="{y}" width="{wide:.1f}" height="{BAR}"/>')
            x, words = x + wide, f"{line.wall_s:.2f} s, {line.peak_mib:,.0f} MiB"
        else:
            words = line.ended
        parts.append(f'<text class="small" x="{x + 5:.1f}" y="{y + BAR - 4}">{escape(words)}</text>')
        y += BAR + GAP
    if floors:
        x = left + LEFT + min(line.wall_s for line in floors) * scale
        parts.append(f'<line class="floor" x1="{x:.1f}" x2="{x:.1f}" y1="{top + 6}" y2="{y - 4}"/>')
    return parts, y
