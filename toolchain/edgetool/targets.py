"""Targets: what a device has. One folder with a `target.toml` each, and a source for every figure."""

from __future__ import annotations

from dataclasses import dataclass, field

from edgetool.catalog import scan
from edgetool.errors import TargetError, nearest
from edgetool.schema import load_toml, parse

__all__ = ["Target", "find_target", "list_targets"]


@dataclass(frozen=True, slots=True)
class Target:
    """A device and its budgets; None where there is no limit.

    Attributes:
        flash_bytes: room for the model file (and the program).
        ram_bytes: largest contiguous RAM, for activations.
        runtimes: `litert`, `onnxruntime`, `c`, `tflm`.
        runner: how edgetool runs models there: `process`, or `none` (built for, not measured on).
        operators: supported operators; empty: no limit known.
        sources: where each figure comes from.
    """

    name: str
    title: str
    description: str
    runtimes: tuple[str, ...]
    runner: str
    flash_bytes: int | None = None
    ram_bytes: int | None = None
    clock_hz: int | None = None
    num_cores: int | None = None
    isa: str = ""
    operators: tuple[str, ...] = ()
    sources: dict[str, str] = field(default_factory=dict)


def list_targets() -> list[Target]:
    """Return every target, sorted by name.

    Raises:
        TargetError: a `target.toml` is wrong.
    """
    found = scan("edgetool_targets", "edgetool.targets", "target.toml")
    targets = [
        parse(Target, load_toml(path, error=TargetError), source=str(path), error=TargetError)
        for _, path in found.values()
    ]
    for target in targets:
        unsourced = [
            name
            for name in ("flash_bytes", "ram_bytes", "clock_hz")
            if getattr(target, name) is not None and name not in target.sources
        ]
        if unsourced:
            raise TargetError(
                target.name,
                found=f"no source for {unsourced[0]}",
                expected="a source for every figure",
                next_step=f"add {unsourced[0]} to [sources] in its target.toml",
            )
    return sorted(targets, key=lambda target: target.name)


def find_target(name: str) -> Target:
    """Return the target of that name.

    Raises:
        TargetError: there is none, or its file is wrong.
    """
    targets = {target.name: target for target in list_targets()}
    if name not in targets:
        raise TargetError(
            f"--target {name}",
            found="no such target",
            expected="a known target",
            next_step=f"{nearest(name, list(targets))} (edgetool targets lists all)",
        )
    return targets[name]
