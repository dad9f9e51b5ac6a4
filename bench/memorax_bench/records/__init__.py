"""What is published, and how it gets there whole and once. No jax."""
