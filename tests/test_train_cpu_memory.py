"""On a CPU a training process keeps the memory that it frees: the kernel need not clear every page anew."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("trl", reason="training needs samescore[train]")

from samescore.trainers import cpu_memory

PROGRAM = """
import ctypes, platform, resource, sys
from samescore.trainers.cpu_memory import give_back_freed_memory, keep_freed_memory

library, size = ctypes.CDLL(None), 48 * 2**20
library.malloc.restype = ctypes.c_void_p
library.free.argtypes = [ctypes.c_void_p]

def faults() -> int:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(8):
        block = library.malloc(ctypes.c_size_t(size))
        ctypes.memset(block, 1, size)
        library.free(block)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def resident() -> int:
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()

given_back = faults()
kept = keep_freed_memory()
faults()
again, held = faults(), resident()
ended = give_back_freed_memory()
print(platform.libc_ver()[0], kept, ended, given_back, again, faults(), held - resident())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a matter of glibc")
def test_blocks_that_were_freed_are_used_again_without_the_kernel() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    library, kept, ended, *counts = done.stdout.split()
    given_back, again, afterwards, freed = map(int, counts)
    assert (library == "glibc") is (kept == "True") is (ended == "True")
    if kept == "True":
        assert given_back > 8 * 20, "a page of 2 MiB at most is a fault of its own"
        assert again < given_back / 4
        assert afterwards > given_back / 4 and freed > 40 * 2**20, "the kernel has it again"


def test_elsewhere_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cpu_memory.keep_freed_memory() is cpu_memory.give_back_freed_memory() is False
    monkeypatch.undo()
    monkeypatch.setattr(cpu_memory.ctypes, "CDLL", lambda name: object())  # as musl's, without these functions
    assert cpu_memory.keep_freed_memory() is False


def test_a_training_on_a_cpu_begins_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch
    from small_training import configured

    from samescore.trainers import training as frame
    from samescore.trainers.config import SftConfig

    begun: list[bool] = []
    monkeypatch.setattr(frame, "keep_freed_memory", lambda: begun.append(True))
    asked = frame.prepare("sft", configured(tmp_path), SftConfig, frame.Options())
    assert not begun, "what is only planned changes nothing"
    frame.load_model(asked)
    assert begun == ([] if torch.cuda.is_available() else [True])
