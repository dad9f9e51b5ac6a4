"""The regression gate: counters against a reviewed file, times of two commits in turns, scores against stored ones."""
