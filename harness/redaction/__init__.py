"""Personal data is masked before it reaches the disk, and no score changes: what is masked, and how it is restored."""

from samescore.harness.redaction.patterns import Kind
from samescore.harness.redaction.redactor import Redactor, Shape, Unrestorable

__all__ = ["Kind", "Redactor", "Shape", "Unrestorable"]
