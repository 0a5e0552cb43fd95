"""One program a peer: reads the three sides, writes the breaks, prints the result (see `result.py`)."""
