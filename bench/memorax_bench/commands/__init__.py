"""The command line: options, help and exit codes of each command; what they do is in `memorax_bench.verbs`."""
