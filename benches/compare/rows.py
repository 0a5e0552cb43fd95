"""The rows in which a side states its keys."""

from dataclasses import dataclass, fields

import numpy as np

from .facts import DAY_SECONDS
from .shapes import (APPROVED, CLAWBACK, DECLINED, FAILED, FILE, LEDGER, NUMBER, RETURNED, REVERSED, SETTLED, SHAPES,
                     WEBHOOKS)


@dataclass
class Rows:
    """Amounts are minor units with the sign that they have inside: what comes back is negative."""

    id: np.ndarray
    user: np.ndarray
    merchant: np.ndarray
    last4: np.ndarray
    currency: np.ndarray
    status: np.ndarray
    amount: np.ndarray
    commission: np.ndarray
    reward: np.ndarray
    second: np.ndarray
    paid: np.ndarray

    def take(self, index):
        return Rows(**{field.name: getattr(self, field.name)[index] for field in fields(self)})


def _row(facts, status, amount, commission, reward, later):
    return Rows(
        id=facts.id, user=facts.user.copy(), merchant=facts.merchant, last4=facts.last4.copy(),
        currency=facts.currency.copy(), status=np.full(len(facts.id), status, np.int8), amount=amount.copy(),
        commission=commission.copy(), reward=reward.copy(), second=facts.second + later, paid=facts.paid,
    )


def _whole(facts, status, later=0, sign=1):
    return _row(facts, status, sign * facts.amount, sign * facts.commission, sign * facts.reward, later)


def _share(facts):
    """Of commission and reward, what falls to the first part of the amount."""
    return facts.commission * facts.part // facts.amount, facts.reward * facts.part // facts.amount


def _part(facts, status=SETTLED, later=0, sign=1):
    commission, reward = _share(facts)
    return _row(facts, status, sign * facts.part, sign * commission, sign * reward, later)


def _rest(facts):
    commission, reward = _share(facts)
    return _row(facts, SETTLED, facts.amount - facts.part, facts.commission - commission, facts.reward - reward, 60)


def _nothing(facts):
    return np.zeros_like(facts.amount)


MAKERS = {
    "settled": lambda facts: _whole(facts, SETTLED),
    "hold": lambda facts: _whole(facts, APPROVED, later=-300),
    "part": _part,
    "rest": _rest,
    "part_rewarded": lambda facts: _row(facts, SETTLED, facts.part, facts.commission, facts.reward, 0),
    "excess": lambda facts: _row(facts, SETTLED, facts.off, _nothing(facts), _nothing(facts), 60),
    "refund": lambda facts: _part(facts, RETURNED, later=120, sign=-1),
    "refund_all": lambda facts: _whole(facts, RETURNED, later=120, sign=-1),
    "refund_more": lambda facts: _row(
        facts, RETURNED, -facts.amount - facts.off, -facts.commission, -facts.reward, 120
    ),
    "unrewarded": lambda facts: _row(facts, SETTLED, facts.amount, facts.commission, _nothing(facts), 0),
    "declined": lambda facts: _whole(facts, DECLINED),
    "voided": lambda facts: _whole(facts, REVERSED, sign=-1),
    "failed": lambda facts: _whole(facts, FAILED),
    "clawback": lambda facts: _whole(facts, CLAWBACK, later=300, sign=-1),
}


def _wrong(name, side, facts, rows):
    """Makes the rows wrong in which this side differs from the others."""
    here = facts.side == side
    off = np.where(facts.way == 0, facts.off, -facts.off)
    if name == "amount_mismatch":
        rows.amount += np.where(here, off, 0)
    elif name == "reward_mismatch":
        rows.reward += np.where(here & (facts.way == 0), facts.off, 0)
        rows.commission += np.where(here & (facts.way == 1), facts.off, 0)
    elif name == "currency_mismatch":
        rows.currency[:] = np.where(here, facts.currency == 0, rows.currency)
    elif name == "status_mismatch":
        # Where neither is chosen, the ledger.
        wrong = here if side == WEBHOOKS else (facts.side != WEBHOOKS) & (side == LEDGER)
        rows.status[:] = np.where(wrong, APPROVED, rows.status)
    elif name == "identity_mismatch":
        rows.user += (here & (facts.way == 0)).astype(rows.user.dtype)
        rows.last4[:] = np.where(here & (facts.way == 1), (rows.last4 + 1) % 10_000, rows.last4)
    elif name == "period_mismatch" and side == LEDGER:
        rows.second -= 2 * DAY_SECONDS
    elif name == "amount_and_webhook" and side == FILE:
        rows.amount += off
    elif name == "reward_and_status" and side == LEDGER:
        rows.reward += facts.off
        rows.status[:] = APPROVED
    elif name == "reversed_after_payout":
        rows.paid = np.ones_like(rows.paid)


def _again(name, side, facts):
    """The second row of a key on the one side that has it twice."""
    twice = facts.take(np.flatnonzero(facts.side == side))
    rows = _whole(twice, SETTLED)
    if name == "duplicate_row":
        # A notification is repeated later; a file repeats the very row.
        rows.second += 5 if side == WEBHOOKS else 0
        return rows
    amount = other_amount(twice)
    rows.amount += np.where(amount, twice.off, 0)
    rows.user += (~amount).astype(rows.user.dtype)
    rows.second += np.where(amount, 0, 60)
    return rows


def other_amount(facts):
    """Contradicting rows differ in their amount at the same time, or in their user; notifications in their user only,
    since their time is that of receipt."""
    return (facts.way == 0) & (facts.side != WEBHOOKS)


def of_side(side, facts):
    """All rows of one side, in no order."""
    parts = []
    order = np.argsort(facts.shape, kind="stable")
    ends = np.searchsorted(facts.shape[order], np.arange(len(SHAPES) + 1))
    for number, shape in enumerate(SHAPES):
        if not shape.rows[side] or ends[number] == ends[number + 1]:
            continue
        some = facts.take(order[ends[number]:ends[number + 1]])
        for maker in shape.rows[side]:
            rows = MAKERS[maker](some)
            _wrong(shape.name, side, some, rows)
            parts.append(rows)
        if number in (NUMBER["duplicate_row"], NUMBER["conflicting_rows"]):
            parts.append(_again(shape.name, side, some))
    joined = {field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Rows)}
    return Rows(**joined)
