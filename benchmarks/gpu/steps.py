"""What scripts for a GPU machine share: steps in processes of their own, each with its time limit and its log."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_LIBRARIES = ("torch", "transformers", "vllm", "trl", "peft")


def run_step(name: str, command: Sequence[str], out: Path, seconds: float) -> dict[str, Any]:
    """Run a command until it ends or its time is up; its output goes to `out`/logs/NAME.log.

    Returns `seconds`, and `error` with the log's last lines if it failed. All that it started ends with it: an engine
    that outlives its parent would keep the GPU's memory.
    """
    logs = out / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"{name}.log"
    print(f"{name}: {' '.join(map(str, command))}", flush=True)
    began = time.perf_counter()
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen([*map(str, command)], stdout=file, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            code: int | None = process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _end(process)
    took = round(time.perf_counter() - began, 2)
    if code == 0:
        print(f"{name}: {took} s", flush=True)
        return {"seconds": took}
    error = f"longer than {seconds:g} s" if code is None else f"exit {code}"
    last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
    print(f"{name}: {error}; the end of {log}:", *last, sep="\n    ", flush=True)
    return {"seconds": took, "error": error, "log": str(log), "last": last}


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what is left of a step's process group."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        time.sleep(0.2 if process.poll() is not None else 3)
    process.wait()


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    found: dict[str, Any] = {"cpu": _cpu(), "cores": len(os.sched_getaffinity(0)), "python": platform.python_version()}
    query = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        asked = subprocess.run(query, capture_output=True, text=True, timeout=30, check=True)
        found["gpus"] = asked.stdout.strip().splitlines()
    except (OSError, subprocess.SubprocessError):
        found["gpus"] = []
    found["versions"] = {name: number for name in _LIBRARIES if (number := _version(name))}
    return found


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Keep what is known so far."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
