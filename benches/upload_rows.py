"""Rows of a core-banking system, as CSV on stdout: the same for the same number.

`event_id` stands in the source so that the peers of `upload.sh` need not make one; tieout makes its own.
"""

import random
import sys

MERCHANTS = [
    "Blue Bottle Coffee", "Trader Joe's", "Shell Oil 5744", "Amazon Marketplace", "Uber Trip",
    "Whole Foods Market", "Target T-1842", "Walgreens", "Delta Air Lines", "The Home Depot",
]
CITIES = ["New York,NY", "Philadelphia,PA", "San Francisco,CA", "Austin,TX", "Chicago,IL"]

rows, random_bits = int(sys.argv[1]), random.Random(7)
between, bits, write = random_bits.randrange, random_bits.getrandbits, sys.stdout.write
write("event_id,user_id,transaction_id,amount,currency,direction,settled_at,description,mcc,merchant,city,state,last_four\n")
for row in range(rows):
    merchant = MERCHANTS[between(10)]
    write(
        f"{bits(128):032x},user-{between(200_000):08d},{bits(64):016x}{row:08x},"
        f"{between(1, 500)}.{between(100):02d},USD,{'CREDIT' if between(20) == 0 else 'DEBIT'},"
        f"2025-03-19T{between(24):02d}:{between(60):02d}:{between(60):02d}.000Z,"
        f"{merchant} #{between(10_000):04d},{between(4000, 6000)},{merchant},{CITIES[between(5)]},{between(10_000):04d}\n"
    )
