"""A `%%lambda` line without a body still reaches the magic, for `%%lambda -h` and for a clear error.

IPython answers a cell magic with an empty body by a UsageError of its own, which papermill shows as
nothing at all and nbmake as success.
"""

from __future__ import annotations

from typing import Any


class GiveBody:
    """An input transformer: the magic line alone gets an empty line under it."""

    # IPython leaves those out while it asks whether a cell that is being typed is complete.
    has_side_effects = True

    def __call__(self, lines: list[str]) -> list[str]:
        if len(lines) == 1 and lines[0].split(maxsplit=1)[:1] == ["%%lambda"]:
            return [lines[0].rstrip("\n") + "\n", "\n"]
        return lines


give_body = GiveBody()


def install(shell: Any) -> None:
    shell.input_transformer_manager.cleanup_transforms.append(give_body)


def remove(shell: Any) -> None:
    transforms = shell.input_transformer_manager.cleanup_transforms
    if give_body in transforms:
        transforms.remove(give_body)
