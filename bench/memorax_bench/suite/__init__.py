"""From a suite file and a command line to cells: what is asked, typed, checked, resolved. No jax."""
