"""When a case passes that was run several times: its pass^k against a threshold."""

from __future__ import annotations

from math import comb


def pass_hat(successes: int, epochs: int, k: int) -> float:
    """pass^k: the chance that k runs of a case all succeed, estimated without bias from `epochs` runs of it.

    C(successes, k) / C(epochs, k) (Yao et al. 2024, "tau-bench", arXiv 2406.12045).

    Raises:
        ValueError: k is not from 1 to `epochs`, or there are more successes than epochs.
    """
    if not 1 <= k <= epochs or not 0 <= successes <= epochs:
        raise ValueError(f"pass^{k} of {successes} successes in {epochs} epochs is not defined")
    return comb(successes, k) / comb(epochs, k)
