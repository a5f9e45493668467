"""Training on a CPU keeps the memory that its tensors give up, for those of the next operation.

glibc's malloc takes every block above 128 KiB (a threshold that grows to 32 MiB at most) from the kernel, and gives it
back as soon as it is free; what it keeps on its heap it gives back from the end. A training step makes and frees
gigabytes of such blocks, and the kernel clears every page anew. `benchmarks/cpu_training.py` measures what that costs.
"""

from __future__ import annotations

import ctypes
import sys

# The parameters of mallopt(3), and what MALLOC_MMAP_MAX_=0, MALLOC_TRIM_THRESHOLD_=-1 and MALLOC_TOP_PAD_ would say.
_MMAP_MAX, _TRIM_THRESHOLD, _TOP_PAD = -4, -1, -2
_NEVER = -1
PAD = 256 * 2**20
"""Bytes that the heap grows by beyond what is needed. Pages that nobody touches take no memory."""

_KEPT = ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, _NEVER), (_TOP_PAD, PAD))
# What glibc begins with, but for the threshold: its own grows to 64 MiB as blocks are freed, and not once it was set.
_GIVEN_BACK = ((_MMAP_MAX, 65_536), (_TRIM_THRESHOLD, 64 * 2**20), (_TOP_PAD, 0))


def keep_freed_memory() -> bool:
    """Have this process keep what it frees, from now on; whether it does. Elsewhere than under glibc nothing is done.

    It takes as much memory as it took at its peak, until it ends or `give_back_freed_memory`.
    """
    library = _glibc()
    return library is not None and _set(library, _KEPT)


def give_back_freed_memory() -> bool:
    """End `keep_freed_memory`: what is free goes back to the kernel, as does what is freed later; whether it does."""
    library = _glibc()
    if library is None or not _set(library, _GIVEN_BACK):
        return False
    library.malloc_trim(0)
    return True


def _set(library: ctypes.CDLL, settings: tuple[tuple[int, int], ...]) -> bool:
    taken = [library.mallopt(name, value) == 1 for name, value in settings]
    return all(taken)


def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") else None  # musl has no such settings
