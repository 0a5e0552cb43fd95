"""The whole benchmark: days of N keys, all programs on each in turns, start-up, tables and chart.

    python -m compare [N…]        benches/compare.sh says what the environment means
"""

import signal
import sys

from . import found, machine, pages, startup
from .campaign import campaign
from .programs import PACKAGES, missing, versions
from .settings import read


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    settings = read()
    sizes = [int(text.replace("_", "")) for text in sys.argv[1:]] or [10_000, 1_000_000, 10_000_000]
    if lacking := missing(settings, ["tieout", *PACKAGES]):
        sys.exit("\n".join(lacking))
    about = {"machine": machine.words(), "versions": versions(settings), "when": machine.today()}
    for line in (about["machine"], *about["versions"]):
        print(line, flush=True)
    settings.work.mkdir(parents=True, exist_ok=True)
    kept = found.Found(settings.work / "found.json")
    # Each day is kept as soon as it is done: a campaign that ends early loses only the day it was at.
    for keys, form, measures in campaign(settings, sizes):
        kept.day(keys, form, about | {"load": round(machine.load(), 1)}, measures)
    kept.startup(about, startup.measure(settings))
    print(pages.text(kept.days(), kept.started()))
    print(f"kept in {kept.path}; python -m compare.pages {kept.path} writes it into docs/speed.md")


if __name__ == "__main__":
    main()
