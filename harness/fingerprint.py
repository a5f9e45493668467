"""Fingerprints: short hashes of what matters for a result."""

from __future__ import annotations

import hashlib
from typing import Any

from samescore.harness.strictjson import canonical


def fingerprint(value: Any) -> str:
    """16 hexadecimal digits of SHA-256 over the canonical JSON of `value`."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def seed_of(*parts: str | int) -> int:
    """A 63-bit seed from what identifies a draw: run, case, epoch, turn."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
