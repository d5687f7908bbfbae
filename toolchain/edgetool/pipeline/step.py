"""The child's side of `generate`: the model of one step, with the weights of a trained one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgetool.artifact import require_format
from edgetool.errors import UnsupportedModelError
from edgetool.importers.trust import require_bounded_weights, require_trusted
from edgetool.store.atomic import atomic_path
from edgetool.zoo import find_model, load_step

if TYPE_CHECKING:
    import keras

__all__ = ["write_step"]


def write_step(model: str, card: str, out: str, trust: bool) -> int:
    """Write the step of the trained `model` as a `.keras` file; returns its number of parameters.

    Args:
        model: a `.keras` file that Keras 3 reads.
        card: the zoo model that it was trained from.
        out: the file to write.
        trust: load it even if it carries code.

    Raises:
        FileFormatError: damaged, or not what its suffix says.
        UnsupportedModelError: it is none of the card's.
        UsageError: the card's model generates nothing.
    """
    import keras

    path = Path(model)
    found = require_format(path)
    require_bounded_weights(path, found)
    if not trust:
        require_trusted(path, found)
    build_step, copy_weights = load_step(find_model(card))
    step = build_step(keras)
    try:
        trained = keras.saving.load_model(path, compile=False, safe_mode=not trust)
        _require_all(trained, step)
        copy_weights(trained, step)
    except (ValueError, KeyError, TypeError, OSError, IndexError, AttributeError) as exc:
        raise UnsupportedModelError(
            model,
            found=f"a model that gives {card}'s step no weights ({' '.join(str(exc).split())[:200]})",
            expected=f"a trained {card}",
            next_step="give the folder that edgetool train wrote, and --card if it has no train.json",
        ) from None
    with atomic_path(Path(out)) as temporary:
        step.save(temporary)
    return int(step.count_params())


def _require_all(trained: keras.Model, step: keras.Model) -> None:
    """Check that the output layer of the step is one of the trained model: its weights are found by name.

    Raises:
        ValueError: it is not.
    """
    wanted = step.layers[-1].name
    if wanted not in {layer.name for layer in trained.layers}:
        raise ValueError(f"no layer {wanted!r}")
