"""One cell: built, compiled, trained, evaluated, measured. Here is jax."""
