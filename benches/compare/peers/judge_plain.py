"""Folding and judging of the keys that need a second look, key by key in plain Python."""

from collections import defaultdict
from dataclasses import dataclass

from ..shapes import WEBHOOKS

MEASURES = ("transaction_amount", "issuer_commission", "user_reward")
AMOUNT, COMMISSION, REWARD = range(3)
DAY_MS = 86_400_000
VOID = ("REVERSED", "DECLINED")
PAIRS = ((0, 1), (0, 2), (1, 2))


@dataclass
class Said:
    """What one side says of a key. `values` are in the order of `MEASURES`."""

    rows: int
    copies: int
    copied: int
    conflict: bool
    currency: str
    user: str
    last4: str
    paid: str
    clawback: bool
    failed: bool
    voided: bool
    has_return: bool
    at: int
    status: str
    values: tuple
    gap: int = 0

    @property
    def amount(self):
        return self.values[AMOUNT]

    @property
    def exceeds(self):
        return self.has_return and self.status == "SETTLED" and self.amount < 0

    @property
    def came_back(self):
        return self.voided or self.exceeds or (self.has_return and self.status == "SETTLED" and self.amount == 0)


def fold(side, rows):
    """`rows`: (user, last4, currency, status, paid, merchant, amount, commission, reward, at) of one key."""
    distinct = defaultdict(list)
    for row in rows:
        # Repeated notifications differ in the time of receipt.
        distinct[row[:9] if side == WEBHOOKS else row].append(row)
    copied = sum((len(same) - 1) * same[0][6] for same in distinct.values())
    rows, read = [max(same, key=lambda row: row[9]) for same in distinct.values()], len(rows)
    statuses = {row[3] for row in rows}
    events = {(row[3], row[9]) for row in rows}
    conflict = (
        any(len({row[at] for row in rows}) > 1 for at in (0, 1, 2))
        or sum(row[3] == "APPROVED" for row in rows) > 1
        or (side != WEBHOOKS and len(events) < len(rows))
    )
    settled, returned = "SETTLED" in statuses, "RETURNED" in statuses
    moved, void = settled or returned, [row[3] for row in rows if row[3] in VOID]
    first = rows[0]
    gap = 0
    if conflict:
        values = max(rows, key=lambda row: abs(row[6]))[6:9]
    else:
        counted = ("SETTLED", "RETURNED") if moved else () if void else ("APPROVED",)
        counted = [row[6:9] for row in rows if row[3] in counted]
        values = tuple(map(sum, zip(*counted))) if counted else (None, None, None)
        if settled and "APPROVED" in statuses:
            parts = sum(row[6] for row in rows if row[3] == "SETTLED")
            gap = parts - sum(row[6] for row in rows if row[3] == "APPROVED")
    status = "SETTLED" if settled else "RETURNED" if returned else min(void or statuses)
    return Said(
        rows=read, copies=read - len(rows), copied=copied, conflict=conflict, currency=first[2], user=first[0],
        last4=first[1], paid=first[4], clawback="CLAWBACK" in statuses, failed="FAILED" in statuses and not moved,
        voided=bool(void) and not moved, has_return=returned and not conflict,
        at=max(row[9] for row in rows if not settled or row[3] == "SETTLED"), status=status, values=values, gap=gap,
    )


def presence(sides):
    """The kind by the sides on which a key stands, or the outcome where none of them is missing."""
    f, l, w = (said is not None and not said.failed for said in sides)
    there = [said for said in sides if said]
    if f and l and w:
        return "complete"
    if any(said.failed for said in there) and not f:
        return "excluded" if sides[1] and sides[1].voided else "expected"
    if any(said.voided for said in there) and all(said.status in ("APPROVED", "VALID", *VOID) for said in there):
        return "excluded"
    if l and not f and not w and not sides[1].values[REWARD]:
        return "excluded"
    if sides[2] and sides[2].clawback and l:
        return "complete"
    if f and not l and not w:
        return "file_only"
    if w and not f and not l:
        return "webhook_only"
    if l and not f and not w and sides[1].status == "SETTLED" and sides[1].amount > 0:
        return "reward_missing"
    return "missing_in_file" if not f else "missing_in_ledger" if not l else "missing_webhook"


def _apart(pairs, sides, measure):
    """By how much the compared sides differ in the first differing pair's currency; none: they do not."""
    for left, right in pairs:
        if left.currency == right.currency and None not in (left.values[measure], right.values[measure]):
            if left.values[measure] != right.values[measure]:
                same = [said.values[measure] for said in sides if said.currency == left.currency]
                same = [value for value in same if value is not None]
                return max(same) - min(same)
    return None


def judge(sides):
    """(outcome, breaks) of one key; a break is kind, currency, measure, at_risk_minor."""
    f, l, w = sides
    there = [said for said in sides if said]
    currency = there[0].currency
    sizes = [abs(said.amount) for said in there if said.currency == currency and said.amount is not None]
    largest = max(sizes, default=0)
    found = [("duplicate_row", said.currency, AMOUNT, abs(said.copied)) for said in there if said.copies]
    already = len(found)
    if any(said.conflict for said in there):
        found.append(("conflicting_rows", currency, AMOUNT, largest))
    where = presence(sides)
    if where in ("excluded", "expected"):
        return where, found
    if where == "reward_missing":
        found.append((where, currency, REWARD, l.values[REWARD]))
    elif where != "complete":
        found.append((where, currency, AMOUNT, largest))
    money, rewards = _reversals(sides, currency, found)
    compared = [said if said and not said.conflict else None for said in sides]
    pairs = [(compared[a], compared[b]) for a, b in PAIRS if compared[a] and compared[b]]
    compared = [said for said in compared if said]
    gap = max((said.gap for said in [l, f, w] if said), key=abs)
    if gap:
        found.append(("split_incomplete" if gap < 0 else "split_excess", currency, AMOUNT, abs(gap)))
    whole = {said.amount - said.gap for said in compared if said.amount is not None}
    if any(left.currency != right.currency for left, right in pairs):
        found.append(("currency_mismatch", currency, AMOUNT, largest))
    if any(left.user != right.user or left.last4 != right.last4 for left, right in pairs):
        found.append(("identity_mismatch", currency, AMOUNT, largest))
    for measure in (REWARD, COMMISSION) if money and rewards else ():
        if (apart := _apart(pairs, compared, measure)) is not None:
            found.append(("reward_mismatch", currency, measure, apart))
            break
    if money:
        apart = _apart(pairs, compared, AMOUNT)
        if apart is not None and not (gap and len(whole) == 1):
            found.append(("amount_mismatch", currency, AMOUNT, apart))
        if any(left.status != right.status for left, right in pairs):
            found.append(("status_mismatch", currency, AMOUNT, largest))
        if f and l and not f.conflict and not l.conflict and abs(f.at - l.at) > DAY_MS:
            found.append(("period_mismatch", currency, AMOUNT, largest))
    return "break" if len(found) > already else "matched", found


def _reversals(sides, currency, found):
    """Whether amounts, and whether rewards, are still to be compared after what came back is accounted for."""
    f, l, w = sides
    exceeding = [said.amount for said in sides if said and said.exceeds]
    money = rewards = True
    if exceeding:
        money = False
        found.append(("returns_exceed_purchase", currency, AMOUNT, abs(min(exceeding))))
    elif f and l and f.paid == "PAID_IN_FULL" and not f.came_back and l.came_back:
        money = False
        found.append(("reversed_after_payout", f.currency, COMMISSION, f.values[COMMISSION]))
    if w and w.clawback and l:
        gave_back = l.has_return or l.voided
        held = l.values[REWARD] or 0
        rewards = not (gave_back or held > 0)
        if held > 0 and not gave_back:
            found.append(("clawback_unbooked", l.currency, REWARD, held))
    return money, rewards
