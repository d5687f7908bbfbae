"""Fusions that save memory: an addition moves into the convolution that makes one of its summands."""

from __future__ import annotations

import dataclasses

from edgetool.embed.memory.arena import least_bytes
from edgetool.embed.program import Program, Step

__all__ = ["fuse_additions"]

#: Kernel -> the one that adds another tensor to what it makes.
WITH_ADDITION = {"conv_s8": "conv_add_s8", "pointwise_conv_s8": "pointwise_add_s8"}


def fuse_additions(program: Program) -> Program:
    """Return a program in which residual additions are part of a convolution, and may overwrite the other summand.

    The convolution's own result is then never stored, so that two tensors are alive where there were three. An
    addition stays where both summands are needed again or made by other kernels. Where a convolution makes each of
    them, that of the shortcut goes first if this needs less memory: the input of the block is then dead while the
    other one works.
    """
    for index, step in enumerate(program.steps):
        if step.kernel == "add_s8":
            moved = _later_first(program, index)
            if moved is not None and least_bytes(_all_fused(moved)) < least_bytes(_all_fused(program)):
                program = moved
    return _all_fused(program)


def _later_first(program: Program, index: int) -> Program | None:
    """Return the program with the later maker of an addition's summands in front of the earlier one, if it may be."""
    makers = {program.owner(step.output): at for at, step in enumerate(program.steps)}
    sources = [program.owner(name) for name in program.steps[index].inputs]
    early, late = sorted(makers.get(source, -1) for source in sources)
    if early < 0 or early == late or any(program.steps[at].kernel not in WITH_ADDITION for at in (early, late)):
        return None
    if any(makers.get(program.owner(name), -1) >= early for name in program.steps[late].inputs):
        return None
    steps = list(program.steps)
    steps.insert(early, steps.pop(late))
    return dataclasses.replace(program, steps=tuple(steps))


def _all_fused(program: Program) -> Program:
    steps: list[Step | None] = list(program.steps)
    readers = program.readers()
    makers = {program.owner(step.output): index for index, step in enumerate(program.steps)}
    for index, step in enumerate(program.steps):
        if step.kernel != "add_s8":
            continue
        sources = [program.owner(name) for name in step.inputs]
        # The summand that is made last: the other one is there by then.
        made = max(range(2), key=lambda side: makers.get(sources[side], -1))
        maker = makers.get(sources[made], -1)
        convolution = steps[maker] if maker >= 0 else None
        if convolution is None or convolution.kernel not in WITH_ADDITION or readers[sources[made]] != [index]:
            continue
        if sources[0] == sources[1]:
            continue
        steps[maker] = _fused(convolution, step, made)
        steps[index] = None
    return dataclasses.replace(program, steps=tuple(step for step in steps if step is not None))


def _fused(convolution: Step, addition: Step, made: int) -> Step:
    """Return the convolution with the addition; `made` is the side that the convolution made, which becomes side 0."""
    scales = addition.fields["scales"]
    assert isinstance(scales, dict)
    swap = {"0": "1", "1": "0"} if made == 1 else {}
    scales = {name[:-1] + swap[name[-1]] if name[-1] in swap else name: value for name, value in scales.items()}
    return Step(
        layer=f"{convolution.layer}, {addition.layer}",
        kernel=WITH_ADDITION[convolution.kernel],
        inputs=(*convolution.inputs, addition.inputs[1 - made]),
        output=addition.output,
        fields={"conv": convolution.fields, "scales": scales},
        has_scratch=convolution.has_scratch,
        scratch_bytes=convolution.scratch_bytes,
        overwrites=(1,),
    )
