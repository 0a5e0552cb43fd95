"""The same reconciliation by tieout and by what would be used in its place, on the same files, in one run."""
