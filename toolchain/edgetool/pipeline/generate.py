"""`edgetool generate`: text from a language model, token by token, as a device generates it.

The exported step runs in a child process; the key/value cache goes in and comes out with each token.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from edgetool.artifact import digest_path, require_format
from edgetool.data.dataset import Array
from edgetool.data.text import TOKENIZER, load_tokenizer
from edgetool.errors import MissingFileError, RunExistsError, UnsupportedModelError, UsageError
from edgetool.options.commands import ExportOptions, GenerateOptions
from edgetool.options.declare import build
from edgetool.pipeline.export import export_file
from edgetool.pipeline.request import model_card
from edgetool.runners import open_runner
from edgetool.runners.base import RunPlan, Session
from edgetool.runners.child import call_function
from edgetool.training.folder import MODEL

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["Generation", "generate", "generate_ids", "prompt_ids", "sample"]

Progress = Callable[[str, int, int], None]

FORMATS = ("tflite", "onnx")

#: Steps are exported under this name.
STEP = "step"


@dataclass(frozen=True, slots=True)
class Generation:
    """What was generated.

    Attributes:
        text: without the prompt.
        artifact: the file that ran; only its name where it was thrown away.
        digest: its SHA-256.
        context: tokens that the cache holds.
        num_refills: how often the cache was full and was filled anew with the later half of the text.
    """

    prompt: str
    text: str
    num_tokens: int
    temperature: float
    seed: int
    artifact: str
    digest: str
    context: int
    num_refills: int


def generate(options: GenerateOptions, *, progress: Progress) -> Generation:
    """Generate text; exports the step first unless `options.model` is one.

    Raises:
        UsageError: an option makes no sense, or the prompt has characters that the model does not know.
        MissingFileError: no model, or no tokenizer beside it.
        UnsupportedModelError: no model that generates.
        EdgetoolError: the exporter's and the runner's.
    """
    _check(options)
    path = Path(options.model)
    path = path / MODEL if path.is_dir() else path
    if not path.is_file():
        raise MissingFileError(
            options.model,
            found="no such model",
            expected="a folder of edgetool train, the .keras file in it, or an exported step",
            next_step="edgetool train gpt-mini -o trained, then edgetool generate trained",
        )
    tokenizer_path = path.parent / TOKENIZER
    tokenizer = load_tokenizer(tokenizer_path)
    ids = prompt_ids(tokenizer, options.prompt)
    with _step_file(options, path, tokenizer_path, progress) as step:
        shapes = _input_shapes(step)
        with contextlib.closing(open_runner().open(step, RunPlan())) as session:
            found, num_refills = generate_ids(
                session, shapes, ids, options, lambda done: progress("generate", done, options.num_tokens)
            )
        return Generation(
            prompt=options.prompt,
            text=str(tokenizer.decode(found)),
            num_tokens=len(found),
            temperature=options.temperature,
            seed=options.seed,
            artifact=str(step) if path == step or options.out is not None else step.name,
            digest=digest_path(step),
            context=_length(shapes),
            num_refills=num_refills,
        )


def prompt_ids(tokenizer: Tokenizer, prompt: str) -> list[int]:
    """Return the prompt's tokens.

    Raises:
        UsageError: it is empty, or has characters that the tokenizer does not know; names them.
    """
    unknown = sorted({character for character in prompt if not tokenizer.token_to_id(character)})
    if unknown:
        raise UsageError(
            "--prompt",
            found=f"characters that the model does not know: {' '.join(repr(item) for item in unknown)}",
            expected="characters of the text that it was trained on",
            next_step="leave them out; tokenizer.json beside the model lists those it knows",
        )
    if not prompt:
        raise UsageError("--prompt", found="nothing", expected="at least one character", next_step="give a prompt")
    return [int(cast("int", tokenizer.token_to_id(character))) for character in prompt]


def generate_ids(
    session: Session,
    shapes: list[tuple[int, ...]],
    prompt: list[int],
    options: GenerateOptions,
    report: Callable[[int], None],
) -> tuple[list[int], int]:
    """Return the tokens generated, and how often the cache was filled anew.

    Args:
        session: a step: token and position in, then `seen`, keys and values; logits out, then those in the same order.
        shapes: of its inputs.
        prompt: at least one token.
        options: number, temperature, seed.
        report: called with the number of tokens done.
    """
    random = np.random.default_rng(options.seed)
    length = _length(shapes)
    text = list(prompt)
    # Of a prompt that is longer than the context, the end counts.
    waiting, state, position, num_refills = text[-length:], _empty(shapes), 0, 0
    while True:
        for token in waiting:
            outputs = session.outputs((_one(token), _one(position), *state))
            logits, state, position = outputs[0][0], outputs[1:], position + 1
        done = len(text) - len(prompt)
        report(done)
        if done == options.num_tokens:
            return text[len(prompt) :], num_refills
        text.append(sample(logits, options.temperature, random))
        waiting = text[-1:]
        if position == length:
            waiting, state, position, num_refills = text[-(length // 2) :], _empty(shapes), 0, num_refills + 1


def sample(logits: Array, temperature: float, random: np.random.Generator) -> int:
    """Return a token: the likeliest at temperature 0, else one by softmax(logits / temperature).

    Token 0 stands for what the vocabulary lacks, and is never taken.

    Args:
        logits: `[V]`.
        temperature: 0 or above.
        random: where chance comes from.
    """
    scores = logits.astype(np.float64)
    scores[0] = -np.inf
    if temperature == 0.0:
        return int(scores.argmax())
    weights = np.exp((scores - scores.max()) / temperature)
    return int(random.choice(len(weights), p=weights / weights.sum()))


def _check(options: GenerateOptions) -> None:
    if options.num_tokens < 1:
        raise UsageError("-n", found=str(options.num_tokens), expected="1 or more", next_step="correct it")
    if not 0.0 <= options.temperature < float("inf"):
        raise UsageError(
            "--temperature", found=f"{options.temperature:g}", expected="0 or above", next_step="0 is greedy; try 0.8"
        )
    if options.format not in FORMATS:
        raise UsageError("--format", found=options.format, expected=" or ".join(FORMATS), next_step="choose one")


@contextlib.contextmanager
def _step_file(options: GenerateOptions, model: Path, tokenizer: Path, progress: Progress) -> Iterator[Path]:
    """Yield an exported step: `model` itself, or one made from it."""
    if require_format(model) in FORMATS:
        yield model
        return
    card = model_card(str(model), options.card)
    if card is None:
        raise UsageError(
            options.model,
            found="a model without train.json beside it",
            expected="a model of the zoo that generates",
            next_step="give --card gpt-mini, or the folder that edgetool train wrote",
        )
    with contextlib.ExitStack() as stack:
        if options.out is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edgetool-")))
        else:
            folder = Path(options.out)
            folder.mkdir(parents=True, exist_ok=True)
        step = folder / f"{STEP}.{options.format}"
        if step.exists() and not options.overwrite:
            raise RunExistsError(
                str(step),
                found="a step that was exported before",
                expected="a new folder",
                next_step=f"edgetool generate {step} runs it; --overwrite makes it anew",
            )
        progress("step", 0, 1)
        source = folder / f"{STEP}.keras"
        params = {"model": str(model), "card": card.name, "out": str(source.resolve()), "trust": options.trust}
        call_function("edgetool.pipeline.step:write_step", params, subject=str(model))
        progress("step", 1, 1)
        values = {"model": str(source), "out": str(step), "recipe": options.recipe, "seed": options.seed}
        step_options = build(ExportOptions, {**values, "overwrite": True})
        export_file(step_options, progress=progress)
        if tokenizer.parent.resolve() != folder.resolve():
            shutil.copyfile(tokenizer, folder / TOKENIZER)
        yield step


def _input_shapes(step: Path) -> list[tuple[int, ...]]:
    """Return the shapes of a step's inputs, with batch 1.

    Raises:
        UnsupportedModelError: the file is no step.
    """
    found = call_function("edgetool.verify.source:describe_graph", {"path": str(step)}, subject=str(step))
    shapes = [(1, *(int(size) for size in item["shape"][1:])) for item in found["inputs"]]
    dtypes = [str(item["dtype"]) for item in found["inputs"]]
    is_step = dtypes[:2] == ["int32", "int32"] and shapes[:2] == [(1, 1), (1, 1)] and len(shapes) > 3
    if not is_step or any(dtype != "float32" for dtype in dtypes[2:]):
        raise UnsupportedModelError(
            str(step),
            found=f"inputs {', '.join(f'{dtype} {list(shape)}' for dtype, shape in zip(dtypes, shapes, strict=True))}",
            expected="one step of a language model: token, position, and a cache",
            next_step="give the folder of edgetool train: the step is made from the model in it",
        )
    return shapes


def _length(shapes: list[tuple[int, ...]]) -> int:
    """Return how many tokens the cache of a step holds."""
    return shapes[2][1]


def _empty(shapes: list[tuple[int, ...]]) -> tuple[Array, ...]:
    return tuple(np.zeros(shape, np.float32) for shape in shapes[2:])


def _one(value: int) -> Array:
    return np.array([[value]], np.int32)
