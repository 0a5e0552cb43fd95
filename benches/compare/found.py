"""What campaigns have found, kept in one JSON file: the last one of each day and format counts."""

import json
import statistics
from dataclasses import dataclass
from pathlib import Path


class Found:
    def __init__(self, path):
        self.path = Path(path)
        self.all = json.loads(self.path.read_text()) if self.path.exists() else {"days": {}, "startup": None}

    def day(self, keys, form, about, measures):
        self.all["days"][f"{keys} {form}"] = {"keys": keys, "form": form, "about": about, "measures": measures}
        self._write()

    def startup(self, about, times):
        self.all["startup"] = {"about": about, "times": times}
        self._write()

    def _write(self):
        new = self.path.with_name(self.path.name + ".new")
        new.write_text(json.dumps(self.all, indent=1) + "\n")
        new.replace(self.path)

    def days(self):
        """Days by size, then in the order of the formats."""
        order = ("csv", "jsonl", "parquet")
        days = [Day(**day) for day in self.all["days"].values()]
        return sorted(days, key=lambda day: (day.keys, order.index(day.form)))

    def started(self):
        return self.all["startup"]


@dataclass
class Line:
    """Medians over the rounds. Ratios are medians of the ratios within each round; none where there is nothing to hold
    it against."""

    program: str
    is_floor: bool
    ended: str
    rows_a_second: float
    wall_s: float
    cpu_s: float
    peak_mib: float
    wall_ratio: float = None
    cpu_ratio: float = None
    peak_ratio: float = None


@dataclass
class Day:
    keys: int
    form: str
    about: dict
    measures: list

    @property
    def rounds(self):
        return 1 + max(measure["round"] for measure in self.measures)

    def base(self):
        """What the ratios are to: tieout, or the first that ended well where it did not run."""
        ended = [measure for measure in self.measures if measure["ended"] == "ok" and not measure["is_floor"]]
        names = [measure["program"] for measure in ended]
        return "tieout" if "tieout" in names else names[0] if names else None

    def lines(self):
        """One line a program, floors first, then tieout, then the peers as they were run."""
        names = list(dict.fromkeys(measure["program"] for measure in self.measures if measure["round"] == 0))
        base = {measure["round"]: measure for measure in self._of(self.base())}
        return [self._line(name, base) for name in names]

    def _of(self, program):
        return [measure for measure in self.measures if measure["program"] == program]

    def _line(self, name, base):
        mine = self._of(name)
        bad = next((measure["ended"] for measure in mine if measure["ended"] != "ok"), "ok")
        wall_s = statistics.median(measure["wall_s"] for measure in mine)

        def median(what):
            return statistics.median(measure[what] for measure in mine)

        def ratio(what):
            both = [(one[what], base[one["round"]][what]) for one in mine if one["round"] in base]
            return statistics.median(left / right for left, right in both) if both and bad == "ok" else None

        return Line(
            program=name, is_floor=mine[0]["is_floor"], ended=bad, wall_s=wall_s,
            rows_a_second=mine[0]["rows"] / wall_s, cpu_s=median("cpu_s"), peak_mib=median("peak_kib") / 1024,
            wall_ratio=ratio("wall_s"), cpu_ratio=ratio("cpu_s"), peak_ratio=ratio("peak_kib"),
        )
