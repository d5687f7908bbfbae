"""Generation: sampling, what a prompt may hold, and the cache that is filled anew when it is full."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgetool.data.dataset import Array
from edgetool.data.text import train_characters
from edgetool.errors import DataError, MissingFileError, UsageError
from edgetool.options.commands import GenerateOptions
from edgetool.pipeline.generate import generate, generate_ids, prompt_ids, sample

LENGTH, VOCABULARY = 8, 5
SHAPES = [(1, 1), (1, 1), (1, LENGTH), (1, LENGTH, 1, 2), (1, LENGTH, 1, 2)]


class _Session:
    """A step whose likeliest next token follows the last one; its cache counts the tokens that it holds."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, int, float]] = []

    def outputs(self, inputs: tuple[Array, ...], *, batch_size: int = 64) -> tuple[Array, ...]:
        token, position, seen = int(inputs[0][0, 0]), int(inputs[1][0, 0]), inputs[2]
        self.calls.append((token, position, float(seen.sum())))
        logits = np.zeros((1, VOCABULARY), np.float32)
        logits[0, 1 + token % (VOCABULARY - 1)] = 5.0
        after = seen.copy()
        after[0, position] = 1.0
        return (logits, after, *inputs[3:])


def _options(num_tokens: int, temperature: float = 0.0, seed: int = 0) -> GenerateOptions:
    return GenerateOptions("model", "a", num_tokens=num_tokens, temperature=temperature, seed=seed)


def _run(prompt: list[int], options: GenerateOptions) -> tuple[list[int], int, _Session]:
    session = _Session()
    found, refills = generate_ids(session, SHAPES, prompt, options, lambda done: None)  # type: ignore[arg-type]
    return found, refills, session


def test_greedy_takes_the_likeliest_and_never_the_unknown() -> None:
    random = np.random.default_rng(0)
    assert sample(np.array([9.0, 1.0, 3.0]), 0.0, random) == 2
    assert {sample(np.array([9.0, 1.0, 1.0]), 1.0, random) for _ in range(50)} == {1, 2}


def test_sampling_follows_the_probabilities_at_the_temperature() -> None:
    random = np.random.default_rng(0)
    logits = np.array([0.0, 0.0, np.log(3.0)])
    share = np.mean([sample(logits, 1.0, random) == 2 for _ in range(4000)])
    assert abs(share - 0.75) < 0.03
    cold = np.mean([sample(logits, 0.25, random) == 2 for _ in range(4000)])
    assert abs(cold - 81 / 82) < 0.01


def test_each_token_is_computed_once_while_the_cache_has_room() -> None:
    found, refills, session = _run([1, 2], _options(5))
    assert found == [3, 4, 1, 2, 3] and refills == 0
    assert session.calls == [(1, 0, 0.0), (2, 1, 1.0), (3, 2, 2.0), (4, 3, 3.0), (1, 4, 4.0), (2, 5, 5.0), (3, 6, 6.0)]


def test_a_full_cache_is_filled_anew_with_the_later_half() -> None:
    found, refills, session = _run([1], _options(9))
    assert found == [2, 3, 4, 1, 2, 3, 4, 1, 2] and refills == 1
    start = next(index for index, call in enumerate(session.calls) if index and call[1] == 0)
    assert [call[0] for call in session.calls[start : start + 4]] == [2, 3, 4, 1]
    assert session.calls[start][2] == 0.0
    assert all(position < LENGTH for _, position, _ in session.calls)


def test_the_end_of_a_long_prompt_counts() -> None:
    _, _, session = _run([1, 1, 1, 2, 3, 4, 1, 2, 3, 4], _options(1))
    assert [call[0] for call in session.calls[:LENGTH]] == [1, 2, 3, 4, 1, 2, 3, 4]


def test_the_same_seed_gives_the_same_text() -> None:
    first, second, other = (_run([1], _options(40, 5.0, seed))[0] for seed in (3, 3, 4))
    assert first == second and first != other


def test_unknown_characters_of_a_prompt_are_named() -> None:
    tokenizer = train_characters("abc")
    assert prompt_ids(tokenizer, "cab") == [3, 1, 2]
    with pytest.raises(UsageError, match="'x' 'é'"):
        prompt_ids(tokenizer, "caéxé")
    with pytest.raises(UsageError, match="nothing"):
        prompt_ids(tokenizer, "")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"num_tokens": 0}, "-n: 0"),
        ({"temperature": -1.0}, "--temperature: -1"),
        ({"temperature": float("nan")}, "--temperature"),
        ({"format": "keras"}, "--format: keras"),
    ],
)
def test_senseless_options_are_refused(change: dict[str, object], match: str) -> None:
    with pytest.raises(UsageError, match=match):
        generate(GenerateOptions("model", "a", **change), progress=lambda *_: None)  # type: ignore[arg-type]


def test_a_model_or_tokenizer_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="no such model"):
        generate(GenerateOptions(str(tmp_path), "a"), progress=lambda *_: None)
    (tmp_path / "model.keras").write_bytes(b"PK")
    with pytest.raises(DataError, match="no readable tokenizer"):
        generate(GenerateOptions(str(tmp_path), "a"), progress=lambda *_: None)
