"""Records of others: how they are packed, and what is believed of them. No jax but in processes that run them again."""
