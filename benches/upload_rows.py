"""Rows of a core-banking system, as CSV on stdout: the same for the same number.

`event_id` stands in the source so that the peers of `upload.sh` need not make one; tieout makes its own.
"""

import random
import sys

MERCHANTS = [
    "BLUE BOTTLE COFFEE", "TRADER JOE'S", "SHELL OIL 5744", "AMAZON MARKETPLACE", "UBER TRIP",
    "WHOLE FOODS MARKET", "TARGET T-1842", "WALGREENS", "DELTA AIR LINES", "THE HOME DEPOT",
]
CITIES = ["NEW YORK NY", "PHILADELPHIA PA", "SAN FRANCISCO CA", "AUSTIN TX", "CHICAGO IL"]

rows, source = int(sys.argv[1]), random.Random(7)
between, bits, write = source.randrange, source.getrandbits, sys.stdout.write
write("event_id,user_id,transaction_id,amount,currency,description,direction,settled_at,authorized_at,bank,last_four\n")
for row in range(rows):
    minute, second = between(60), between(60)
    write(
        f"{bits(128):032x},user-{between(200_000):08d},{bits(64):016x}{row:08x},"
        f"{between(1, 500)}.{between(100):02d},USD,{MERCHANTS[between(10)]} #{between(10_000):04d} {CITIES[between(5)]},"
        f"{'CREDIT' if between(20) == 0 else 'DEBIT'},2025-03-19T{between(24):02d}:{minute:02d}:{second:02d}.000Z,"
        f"2025-03-18T{between(24):02d}:{second:02d}:{minute:02d}.000Z,First Example Bank,{between(10_000):04d}\n"
    )
