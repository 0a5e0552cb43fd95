"""A project of tieout around a generated day, and what a run of it says, in the form of `result.py`.

    python -m compare.world FOLDER FORMAT WORLD     makes the project
"""

import csv
import json
import shutil
import sys
from pathlib import Path

from .layout import DAY, FORMATS, NAMES, PAID
from .result import COLUMNS
from .shapes import CURRENCIES, EXPONENTS, FILE, LEDGER, SIDES, STATES, STATUSES

FIELDS = ("transaction_id", "user", "merchant", "card_last_four", "amount", "currency", "status", "occurred_at",
          "issuer_commission", "user_reward")
AMOUNTS = ("amount", "issuer_commission", "user_reward")
RULES = """match:
  key: transaction_id
  compare:
    amount: {tolerance: 0}
    issuer_commission: {tolerance: 0}
    user_reward: {tolerance: 0}
    currency: exact
    status: exact
    identity: [user, card_last_four]
    date: {tolerance: 1d}
  splits: sum
carry: 0
gates:
  max_breaks: 1000000000
report: [csv, json]
"""


def job(form):
    """The job file. Each day stands alone: the peers carry no open items from day to day either."""
    lines = [f"job: bench-{form}", "period: {grain: day, timezone: UTC}", "inputs:"]
    for side, name in enumerate(SIDES):
        unit = "major" if side == LEDGER else "minor"
        lines += [f"  {name}:", f'    path: "{name}-{{period}}.{FORMATS[form]}"', f"    format: {form}", "    columns:"]
        for field, column in zip(FIELDS, NAMES[side]):
            said = f"{{column: {column}, unit: {unit}}}" if field in AMOUNTS else column
            lines.append(f"      {field}: {said}")
        if side == FILE:
            lines.append(f"      payment_status: {PAID}")
        lines.append(f"    sign: {'unsigned' if side == LEDGER else 'signed'}")
        if side == LEDGER:
            words = ", ".join(f"{state}: {STATUSES[number]}" for number, state in enumerate(STATES) if state)
            lines.append(f"    statuses: {{{words}}}")
        lines.append("    quarantine: 0")
    return "\n".join(lines) + "\n" + RULES


def make(folder, form, world):
    """The project, which reads the generated files where they are; nothing is left of earlier runs."""
    shutil.rmtree(world, ignore_errors=True)
    (world / "jobs").mkdir(parents=True)
    (world / "tieout.yaml").write_text(f"state: sqlite:state.db\nartifacts: runs/\ndata: {folder.resolve()}\n")
    (world / "jobs" / f"bench-{form}.yaml").write_text(job(form))


def told(world, form, out):
    """Reads the summary of the first attempt, and writes its breaks as `breaks.csv` of the common form."""
    attempt = world / "runs" / f"bench-{form}" / DAY / "1"
    summary = json.loads((attempt / "summary.json").read_text())
    breaks, at_risk = {}, {}
    for kind in summary["breaks"]["by_kind"]:
        breaks[kind["kind"]] = kind["count"]
        for sum_ in kind["at_risk"]:
            at_risk[f"{kind['kind']} {sum_['currency']} {sum_['measure']}"] = int(sum_["at_risk_minor"])
    totals = {}
    for input_ in summary["inputs"]:
        for sum_ in input_["sums"]:
            of = totals.setdefault(input_["side"], {}).setdefault(sum_["currency"], {})
            of[sum_["measure"]] = int(sum_["sum_minor"])
    matched = {rows["side"]: rows["matched"] for rows in summary["statement"]["rows"]}
    exponents = dict(zip(CURRENCIES, EXPONENTS))
    with open(attempt / "breaks.csv", newline="") as found, open(out / "breaks.csv", "w", newline="") as common:
        rows = csv.writer(common)
        rows.writerow(COLUMNS)
        for row in csv.DictReader(found):
            whole, _, rest = row["at_risk"].partition(".")
            minor = int(whole + rest.ljust(exponents[row["currency"]], "0"))
            rows.writerow((row["kind"], row["key"], row["currency"], row["measure"], minor))
    return {"matched_rows": matched, "breaks": breaks, "at_risk": at_risk, "totals": totals}


if __name__ == "__main__":
    make(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
