"""The leaderboard: from records to a static site. No jax."""
