"""Reading and assigning variables without copies, where nothing can tell the difference."""

from __future__ import annotations

import dataclasses

from edgetool.embed.program import Program, Step

__all__ = ["share_states"]


def share_states(program: Program) -> Program:
    """Return the program without the copies from and to its states that are not needed.

    A value that is read from a state is the state's own memory where its last reader comes before the state is next
    written. A value that is only assigned to a state is written there by the step that makes it, where no step between
    the two reads the state, and that step itself does not.
    """
    for state in program.states:
        program = _without_read(_without_write(program, state), state)
    return program


def _without_read(program: Program, state: str) -> Program:
    """Alias what the only copy out of the state gives, if all its readers are done before the next write."""
    reads = [
        index
        for index, step in enumerate(program.steps)
        if _is_copy(program, step) and program.owner(step.inputs[0]) == state
    ]
    if len(reads) != 1:
        return program
    read = reads[0]
    value = program.owner(program.steps[read].output)
    later = min((index for index in _writers(program, state) if index > read), default=len(program.steps))
    last = max(program.readers().get(value, [read]))
    if _writers(program, value) != [read] or last >= later:
        return program
    aliases = {name: state if owner == value else owner for name, owner in program.aliases.items()} | {value: state}
    steps = tuple(step for index, step in enumerate(program.steps) if index != read)
    return dataclasses.replace(program, steps=steps, aliases=aliases)


def _without_write(program: Program, state: str) -> Program:
    """Let the step that makes the assigned value write it to the state."""
    for index, step in enumerate(program.steps):
        if program.owner(step.output) != state or not _is_copy(program, step):
            continue
        value = program.owner(step.inputs[0])
        makers = _writers(program, value)
        taken = {*program.states, *map(program.owner, program.inputs), *map(program.owner, program.outputs)}
        if len(makers) != 1 or value in taken or program.readers().get(value) != [index]:
            continue
        between = program.steps[makers[0] : index]
        if any(state in map(program.owner, (*other.inputs, other.output)) for other in between):
            continue
        maker = dataclasses.replace(program.steps[makers[0]], output=state)
        steps = [*program.steps[: makers[0]], maker, *between[1:], *program.steps[index + 1 :]]
        return dataclasses.replace(program, steps=tuple(steps))
    return program


def _writers(program: Program, name: str) -> list[int]:
    return [index for index, step in enumerate(program.steps) if program.owner(step.output) == name]


def _is_copy(program: Program, step: Step) -> bool:
    """Tell whether a step copies a whole tensor in order."""
    if not step.kernel.startswith("copy_"):
        return False
    sizes = [step.fields[f"n{axis}"] for axis in range(5)]
    strides = [step.fields[name] for name in ("from", "to", "from4", "to4")]
    size = program.tensors[step.output].num_elements
    return sizes == [1, 1, 1, 1, size] and strides == [0, 0, 1, 1]
