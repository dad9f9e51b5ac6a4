"""The parts of a report, one file each: a question to a table, and its answer as a figure, a table and numbers."""
