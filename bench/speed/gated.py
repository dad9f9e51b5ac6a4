"""Which programs the gate takes, of those in programs.py."""

# Timed in turns, base against head: one of each kind of work.
TIMED = (
    *("train/ppo", "train/r2d2", "train/dqn"),
    *("gradient/gru", "gradient/lru", "gradient/mamba2", "gradient/attention"),
    *("play/popgym::RepeatPreviousEasy", "buffer/prioritised"),
)
# Of these the scratch memory is counted too, for which they are compiled; of all others, what a trace tells.
COMPILED = (
    *("train/ppo", "train/r2d2", "buffer/uniform", "buffer/prioritised"),
    *("gradient/gru", "gradient/lru", "gradient/mamba2", "gradient/delta_net", "gradient/attention"),
)
CALLED = ("train/ppo", "train/r2d2")  # and of these the compilations of three calls
