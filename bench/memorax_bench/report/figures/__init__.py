"""The figures of a report, one file each. They draw numbers that sections have; nothing is computed here."""
