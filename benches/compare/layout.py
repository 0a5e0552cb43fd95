"""Which files a day consists of, and their columns. Imports nothing large: every program here needs it."""

from .shapes import SIDES

DAY = "2025-03-19"
FORMATS = {"csv": "csv", "jsonl": "jsonl.gz", "parquet": "parquet"}
# The names of: key, user, merchant, last four digits, amount, currency, status, time, commission, reward.
NAMES = (
    ("transaction_id", "user_id", "merchant_id", "card_last_four", "amount_minor", "currency", "status",
     "occurred_at", "issuer_commission_minor", "user_reward_minor"),
    ("txn_id", "user", "merchant", "last4", "amount", "currency", "state", "booked_at", "commission", "cashback"),
    ("transactionId", "userId", "merchantName", "cardLastFour", "amount", "currency", "status", "receivedAt",
     "commission", "reward"),
)
PAID = "payment_status"


def path(folder, side, form):
    return folder / f"{SIDES[side]}-{DAY}.{FORMATS[form]}"
