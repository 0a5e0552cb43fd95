"""What is true of each key of a chunk, drawn from a seed: the sides then say it, or get it wrong."""

from dataclasses import dataclass, fields

import numpy as np

from .shapes import NUMBER, SHAPES

CHUNK_KEYS = 500_000
DAY_SECONDS = 86_400
MERCHANTS = 5_000


@dataclass
class Facts:
    """One entry a key in every array. Amounts are minor units; `second` counts from the day's start, UTC."""

    id: np.ndarray
    shape: np.ndarray
    user: np.ndarray
    merchant: np.ndarray
    last4: np.ndarray
    currency: np.ndarray
    amount: np.ndarray
    commission: np.ndarray
    reward: np.ndarray
    second: np.ndarray
    paid: np.ndarray
    # The first part of a split or the part that comes back, out of `amount`.
    part: np.ndarray
    # By how much a side that is wrong is wrong; positive.
    off: np.ndarray
    # Which side is wrong or says it twice, and in which of two ways.
    side: np.ndarray
    way: np.ndarray

    def take(self, index):
        return Facts(**{field.name: getattr(self, field.name)[index] for field in fields(self)})

    def of(self, name):
        return self.take(np.flatnonzero(self.shape == NUMBER[name]))


def users(keys):
    return max(1_000, keys // 50)


def chunks(keys):
    return -(-keys // CHUNK_KEYS)


def draw(keys, seed, chunk):
    """The facts of chunk `chunk` of a day of `keys` keys: the same for the same arguments."""
    size = min(CHUNK_KEYS, keys - chunk * CHUNK_KEYS)
    rng = np.random.Generator(np.random.PCG64([seed, keys, chunk]))
    user = rng.integers(0, users(keys), size, dtype=np.int32)
    amount = (300 + 49_700 * rng.random(size) ** 3).astype(np.int64)
    commission = amount * rng.integers(40, 101, size) // 1000
    part = amount * rng.integers(20, 71, size) // 100
    return Facts(
        id=rng.integers(0, 256, (size, 12), dtype=np.uint8),
        shape=_shapes(rng.random(size)),
        user=user,
        merchant=rng.integers(0, MERCHANTS, size, dtype=np.int32),
        last4=(user.astype(np.int64) * 7919 + 1234) % 10_000,
        currency=np.searchsorted([0.95, 0.98, 0.992], rng.random(size), side="right").astype(np.int8),
        amount=amount,
        commission=commission,
        reward=commission * 6 // 10,
        second=rng.integers(600, DAY_SECONDS - 600, size),
        paid=rng.random(size) < 0.3,
        part=part,
        off=rng.integers(1, 200, size),
        side=rng.integers(0, 3, size, dtype=np.int8),
        way=rng.integers(0, 2, size, dtype=np.int8),
    )


def _shapes(chance):
    shares = np.array([shape.per_mille for shape in SHAPES]) / 1000
    # The first shape, which has no share of its own, begins where the last one ends.
    ends = np.cumsum(shares[1:])
    found = np.searchsorted(ends, chance, side="right") + 1
    return np.where(found == len(SHAPES), 0, found).astype(np.uint8)
