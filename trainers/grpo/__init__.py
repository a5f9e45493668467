"""GRPO on the scorers that evaluate: rollouts, rewards, and the watch that both stay the same."""
