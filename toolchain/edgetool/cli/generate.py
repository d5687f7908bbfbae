"""`edgetool generate`: text from a language model, with a key/value cache."""

from __future__ import annotations

from typing import Annotated

import typer

from edgetool.cli.console import Console, DebugOption, JsonOption, OverwriteOption, QuietOption, SeedOption


def generate(
    model: Annotated[str, typer.Argument(help="A folder of edgetool train, or an exported step (step.tflite).")],
    prompt: Annotated[str, typer.Option("--prompt", help="What the text begins with.")],
    num_tokens: Annotated[int, typer.Option("-n", "--num-tokens", help="How many tokens to generate.")] = 200,
    temperature: Annotated[float, typer.Option("--temperature", help="0: always the likeliest token.")] = 0.8,
    recipe: Annotated[str, typer.Option("--recipe", "-r", help="By which the step is exported.")] = "float32",
    file_format: Annotated[str, typer.Option("--format", help="tflite or onnx.")] = "tflite",
    out: Annotated[str | None, typer.Option("--out", "-o", help="Folder to keep the exported step in.")] = None,
    card: Annotated[str | None, typer.Option("--card", help="The zoo model, where no train.json names it.")] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Load models that carry code (Lambda layers).")] = False,
    overwrite: OverwriteOption = False,
    seed: SeedOption = 0,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Generate text from PROMPT, token by token, with the exported model of one step."""
    from edgetool.pipeline.generate import GenerateOptions
    from edgetool.pipeline.generate import generate as run

    console = Console(json_output=json_output, quiet=quiet or json_output)
    options = GenerateOptions(
        model=model,
        prompt=prompt,
        num_tokens=num_tokens,
        temperature=temperature,
        seed=seed,
        recipe=recipe,
        format=file_format,
        out=out,
        card=card,
        trust=trust,
        overwrite=overwrite,
    )
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
