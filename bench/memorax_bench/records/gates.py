"""The validity gates by name: the largest error with which each is passed. What they measure: `cell.gates`."""

REPLAY = "replay_equals_rollout"  # only of an algorithm that replays what it acted
TOLERANCES = {
    # relative, float32, matrix products in full precision: the laws of memorax.networks.laws
    **dict.fromkeys(("step_equals_sequence", "chunks_equal_sequence", "reset_equals_fresh", "causal"), 1e-5),
    "agent_reset_equals_fresh": 1e-5,
    REPLAY: 1e-4,  # log-probabilities in float32 at the protocol's matmul precision, after training
    "evaluation_is_pure": 0.0,  # bit for bit
}
