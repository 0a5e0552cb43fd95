"""What becomes of a key: its rows on each side, and what a reconciliation has to say about it.

A shape is a share of all keys. `SHAPES` is the only place where shares stand; twenty in a thousand are breaks.
"""

from dataclasses import dataclass

SIDES = ("file", "ledger", "webhooks")
FILE, LEDGER, WEBHOOKS = range(3)
MEASURES = ("transaction_amount", "issuer_commission", "user_reward")
CURRENCIES = ("USD", "EUR", "JPY", "KWD")
EXPONENTS = (2, 2, 0, 3)
STATUSES = ("SETTLED", "APPROVED", "RETURNED", "REVERSED", "DECLINED", "FAILED", "CLAWBACK")
SETTLED, APPROVED, RETURNED, REVERSED, DECLINED, FAILED, CLAWBACK = range(7)
# The ledger has words of its own; it knows nothing of failures and clawbacks.
STATES = ("posted", "authorized", "refunded", "voided", "declined", "", "")


@dataclass(frozen=True)
class Shape:
    """`rows`: for each side the names of row makers in `rows.py`. `outcome`: of the rows that are no copies."""

    name: str
    per_mille: float
    rows: tuple
    outcome: str
    breaks: tuple = ()


def _found(name, per_mille, file, ledger, webhooks, breaks=None, outcome="break"):
    return Shape(name, per_mille, (file, ledger, webhooks), outcome, breaks or (name,))


ONE, NONE = ("settled",), ()
SHAPES = (
    # The first takes what the others leave.
    Shape("plain", 0, (ONE, ONE, ONE), "matched"),
    Shape("split", 10, (("part", "rest"), ("hold", "part", "rest"), ONE), "matched"),
    Shape("held", 10, (ONE, ("hold", "settled"), ("hold", "settled")), "matched"),
    Shape("returned", 6, (("settled", "refund"),) * 3, "matched"),
    Shape("nothing_due", 2, (NONE, ("unrewarded",), NONE), "excluded"),
    Shape("declined", 2, (NONE, ("declined",), NONE), "excluded"),
    Shape("voided", 2, (NONE, ("hold", "voided"), ("hold", "voided")), "excluded"),
    Shape("explained", 1, (NONE, ONE, ("failed",)), "expected"),
    _found("missing_in_file", 1, NONE, ONE, ONE),
    _found("missing_in_ledger", 1, ONE, NONE, ONE),
    _found("missing_webhook", 1, ONE, ONE, NONE),
    _found("file_only", 1, ONE, NONE, NONE),
    _found("webhook_only", 1, NONE, NONE, ONE),
    _found("reward_missing", 1, NONE, ONE, NONE),
    _found("amount_mismatch", 1, ONE, ONE, ONE),
    _found("reward_mismatch", 1, ONE, ONE, ONE),
    _found("currency_mismatch", 1, ONE, ONE, ONE),
    _found("status_mismatch", 1, ONE, ONE, ONE),
    _found("identity_mismatch", 1, ONE, ONE, ONE),
    _found("period_mismatch", 1, ONE, ONE, ONE),
    # Copies and contradicting rows stand on one of the three sides: see `rows.again`.
    _found("duplicate_row", 1, ONE, ONE, ONE, outcome="matched"),
    _found("conflicting_rows", 1, ONE, ONE, ONE),
    _found("split_incomplete", 1, ("part", "rest"), ("hold", "part_rewarded"), ONE),
    _found("split_excess", 1, ONE, ("hold", "settled", "excess"), ONE),
    _found("returns_exceed_purchase", 1, *(("settled", "refund_more"),) * 3),
    _found("clawback_unbooked", 1, ONE, ONE, ("settled", "clawback")),
    _found("reversed_after_payout", 1, ONE, ("settled", "refund_all"), ONE),
    # Two breaks on one key.
    _found("amount_and_webhook", 0.5, ONE, ONE, NONE, ("missing_webhook", "amount_mismatch")),
    _found("reward_and_status", 0.5, ONE, ONE, ONE, ("reward_mismatch", "status_mismatch")),
)
NUMBER = {shape.name: number for number, shape in enumerate(SHAPES)}
