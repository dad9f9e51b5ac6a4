"""The harness: suites, runs, records, reports."""
