"""From records to a comparison: statistics, tables, figures."""
