"""`edgetool generate`: text from a language model, with a key/value cache."""

from __future__ import annotations

from edgetool.cli.console import Console
from edgetool.options.commands import GenerateOptions
from edgetool.options.groups import ProgressOptions


def generate(
    options: GenerateOptions,
    output: ProgressOptions,
) -> None:
    """Generate text from PROMPT, token by token, with the exported model of one step."""
    from edgetool.pipeline.generate import generate as run

    console = Console.of(output)
    try:
        found = run(options, progress=console.progress)
    finally:
        console.close()
    if found.num_refills:
        console.say(
            f"the context of {found.context} tokens was full {found.num_refills} times: each time the later half of "
            "the text was read again"
        )
    console.result(found, found.prompt + found.text)
