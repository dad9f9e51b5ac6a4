"""Benchmarks of speed, for asv; see README.md."""
