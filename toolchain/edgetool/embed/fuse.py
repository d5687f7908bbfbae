"""Fusions that save memory: an addition moves into the convolution that makes one of its summands."""

from __future__ import annotations

import dataclasses

from edgetool.embed.program import Program, Step

__all__ = ["fuse_additions"]

#: Kernel -> the one that adds another tensor to what it makes.
WITH_ADDITION = {"conv_s8": "conv_add_s8", "pointwise_conv_s8": "pointwise_add_s8"}


def fuse_additions(program: Program) -> Program:
    """Return a program in which residual additions are part of a convolution, and may overwrite the other summand.

    The convolution's own result is then never stored, so that two tensors are alive where there were three. An
    addition stays where both summands are needed again or made by other kernels.
    """
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
