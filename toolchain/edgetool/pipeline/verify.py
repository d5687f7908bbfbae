"""`edgetool verify`: two models on the same inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgetool.errors import UsageError
from edgetool.ir.input_shapes import parse_input_shapes
from edgetool.options.commands import VerifyOptions
from edgetool.options.groups import ScalingOptions
from edgetool.pipeline.request import model_card, preprocessing_of
from edgetool.runners import open_runner
from edgetool.verify.files import Verification, verify_files
from edgetool.verify.inputs import InputLoader, VerifyInputs, data_inputs
from edgetool.verify.parity import tolerance_from

__all__ = ["compare_files", "input_loader"]


def input_loader(options: VerifyOptions) -> InputLoader | None:
    """Return what loads samples in the types of a model's inputs; None without data.

    Raises:
        UsageError: preprocessing without data.
    """
    _require_data(options)
    data = options.data
    if data is None:
        return None

    def load(dtypes: Sequence[str]) -> VerifyInputs:
        preprocessing = preprocessing_of(model_card(options.reference, options.scaling.card), options.scaling)
        return data_inputs(data, options.samples, preprocessing, seed=options.seed, dtypes=dtypes)

    return load


def compare_files(
    options: VerifyOptions,
    candidate: str,
    load: InputLoader | None,
    *,
    progress: Callable[[str, int, int], None],
) -> Verification:
    """Run the reference and `candidate`, both model files, and compare their outputs.

    Raises:
        EdgetoolError: a file cannot be read or run, or an option makes no sense.
    """
    return verify_files(
        options.reference,
        candidate,
        runner=open_runner(),
        data=load,
        num_samples=options.samples,
        seed=options.seed,
        trust=options.source.trust,
        input_shapes=parse_input_shapes(options.source.input_shape),
        progress=progress,
        tolerance=tolerance_from(options.tolerance),
    )


def _require_data(options: VerifyOptions) -> None:
    """Refuse preprocessing of samples that nobody gave."""
    scaling = options.scaling
    stated = {"--card": scaling.card, "--scale": scaling.scale, "--mean": scaling.mean, "--std": scaling.std}
    names = [name for name, value in stated.items() if value is not None]
    if options.data is None and scaling != ScalingOptions():
        raise UsageError(
            ", ".join(names),
            found="preprocessing without data",
            expected="--data, whose samples it is applied to",
            next_step="give --data D, or leave the option out",
        )
