"""What a checkpoint of GRPO keeps beside weights and optimizer: where the curriculum stands, and what groups did so
far.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from samescore.harness.files import write_text
from samescore.trainers.grpo.curriculum import Curriculum
from samescore.trainers.grpo.groups import Groups

STANDING = "curriculum.json"


def standing_callback(curriculum: Curriculum, groups: Groups, reuse: int) -> Any:
    """A callback of TRL's trainer that writes into each checkpoint, and reads from the one that a run goes on from."""
    from transformers import TrainerCallback

    class Standing(TrainerCallback):  # type: ignore[misc]  # Transformers is not typed here
        def on_save(self, args: Any, state: Any, control: Any, **others: Any) -> None:
            folder = _checkpoint(args, state)
            if folder.is_dir():
                batch = -(-state.global_step // reuse)
                data = {"curriculum": curriculum.to_json(batch), "groups": groups.to_json()}
                write_text(folder / STANDING, json.dumps(data))

        def on_train_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
            path = _checkpoint(args, state) / STANDING
            if state.global_step and path.is_file():
                data = json.loads(path.read_text(encoding="utf-8"))
                groups.take(data["groups"])
                curriculum.take(data["curriculum"])

    return Standing()


def _checkpoint(args: Any, state: Any) -> Path:
    return Path(args.output_dir) / f"checkpoint-{state.global_step}"
