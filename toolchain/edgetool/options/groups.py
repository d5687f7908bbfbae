"""Groups of options that several commands share."""

from __future__ import annotations

from dataclasses import dataclass

from edgetool.options.declare import option

__all__ = [
    "ConsoleOptions",
    "DataOptions",
    "FinetuningOptions",
    "JudgementOptions",
    "OutputOptions",
    "PreprocessingOptions",
    "ProgressOptions",
    "RunOptions",
    "ScalingOptions",
    "SourceOptions",
    "TableOptions",
    "TargetOptions",
    "TimingOptions",
    "ToleranceOptions",
    "input_shape_option",
    "overwrite_option",
    "seed_option",
]


def input_shape_option() -> tuple[str, ...]:
    """Declare the sizes of inputs that leave dimensions open, see `edgetool.ir.input_shapes`."""
    return option(
        (),
        "Sizes of an input that leaves dimensions open; NAME:=8 makes it a constant. Repeatable.",
        "--input-shape",
        metavar="[NAME=]1x3x640x640",
    )


def overwrite_option() -> bool:
    """Declare that what lies where the command writes is replaced."""
    return option(False, "Replace what is already there.", "--overwrite")


def seed_option() -> int:
    """Declare the seed of whatever the command draws."""
    return option(0, "Seed of every random choice.")


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """How a model file is read.

    Attributes:
        trust: a model that carries code may run it.
        input_shape: sizes of inputs that leave dimensions open, see `edgetool.ir.input_shapes`.
    """

    trust: bool = option(False, "Load models that carry code (Lambda layers).", "--trust")
    input_shape: tuple[str, ...] = input_shape_option()


@dataclass(frozen=True, slots=True)
class TableOptions:
    """Which data, and how a table or a folder becomes arrays.

    Attributes:
        data: a file, a folder, `module:function` or a data set's name.
        label_column: the target column of a table.
        image_size: `HEIGHTxWIDTH` that the images of a folder are resized to.
    """

    data: str | None = option(None, "A .npz, .csv or .parquet file, an image folder, module:function, or a name.")
    label_column: str | None = option(None, "Target column of a table.", "--label-column")
    image_size: str | None = option(None, "HEIGHTxWIDTH of an image folder.", "--image-size")


@dataclass(frozen=True, slots=True)
class DataOptions(TableOptions):
    """`TableOptions` of a model whose data may have their axes in another order.

    Attributes:
        transpose: data are `[N, C, ...]` and their channels are moved to the last axis.
    """

    transpose: bool = option(False, "Data are channels first, [N, C, ...]: move their channels last.", "--transpose")


@dataclass(frozen=True, slots=True)
class ScalingOptions:
    """How raw inputs become what the model was trained on.

    Attributes:
        card: a model of the zoo whose preprocessing is taken.
        scale: the factor on raw inputs.
        mean: one number, or one a channel separated by commas, subtracted after `scale`.
        std: likewise, the divisor after `mean`.
    """

    card: str | None = option(None, "Take preprocessing and training from this zoo card.")
    scale: float | None = option(None, "Factor on raw inputs, e.g. 0.00392157.")
    mean: str | None = option(None, "Subtracted after --scale; one value or one a channel.")
    std: str | None = option(None, "Divided by after --mean; one value or one a channel.")


@dataclass(frozen=True, slots=True)
class PreprocessingOptions(ScalingOptions):
    """`ScalingOptions`, and the types that a model is given and trained with.

    Attributes:
        dtype: the type of the float model's inputs.
        one_hot: labels are one-hot vectors while training.
    """

    dtype: str | None = option(None, "Type that the float model takes.")
    one_hot: bool = option(False, "Train on one-hot labels.", "--one-hot")


@dataclass(frozen=True, slots=True)
class FinetuningOptions:
    """How recipes that train do it; None: as the card says, or the default."""

    learning_rate: float | None = option(None, "Of fine-tuning.", "--learning-rate")
    batch_size: int | None = option(None, "Of fine-tuning.", "--batch-size", minimum=1)
    effort: float = option(1.0, "Factor on every pass's training epochs.", minimum=0.0)
    max_train_samples: int | None = option(
        None, "Fine-tune on at most so many samples.", "--max-train-samples", minimum=1
    )


@dataclass(frozen=True, slots=True)
class TargetOptions:
    """Which device is to hold and run an artefact; None where an option was not given.

    Attributes:
        target: a target's name, or the path of a `target.toml` or of its folder.
        flash: a size that replaces the target's own, see `edgetool.targets.parse_bytes`.
        ram: likewise.
        clock: a frequency that replaces the target's own, see `edgetool.targets.parse_hertz`.
    """

    target: str | None = option(
        None, "Device to fit: a name of `edgetool targets`, or the path of a target.toml.", "--target", "-t"
    )
    flash: str | None = option(None, "Flash of the device, e.g. 1M; in place of the target's own.")
    ram: str | None = option(None, "RAM of the device, e.g. 256k; likewise.")
    clock: str | None = option(None, "Clock of the device, e.g. 480MHz; likewise.")


@dataclass(frozen=True, slots=True)
class JudgementOptions:
    """By which metric artefacts are judged, on how many samples, and how fast they are timed."""

    max_drop: float = option(1.0, "Largest drop of a chosen artefact, in points.", "--max-drop", minimum=0.0)
    task: str | None = option(None, "classification, binary, regression, reconstruction.")
    metric: str | None = option(None, "accuracy, auc, mae, mse, rmse, r2, top5.")
    accept_source: bool = option(False, "Go on although the source model's own answers look wrong.", "--accept-source")
    max_test_samples: int | None = option(
        None, "Measure accuracy on at most so many samples.", "--max-test-samples", minimum=1
    )
    bench_seconds: float | None = option(
        None,
        "Time each artefact for so long a setting; 0: do not. Default: 2, less where timing would take more than a "
        "third of the run.",
        "--bench-seconds",
        minimum=0.0,
    )


@dataclass(frozen=True, slots=True)
class ToleranceOptions:
    """Limits of a comparison, in place of the stated ones; None: as stated."""

    tolerance: float | None = option(None, "Largest absolute error, in place of the stated limits.", minimum=0)
    min_sqnr: float | None = option(None, "Least SQNR of each output, in dB.", "--min-sqnr")
    min_agreement: float | None = option(
        None, "Least share of equal classes, 0..1.", "--min-agreement", minimum=0, maximum=1
    )


@dataclass(frozen=True, slots=True)
class TimingOptions:
    """How model files are timed."""

    batch: int = option(1, "Samples of one inference.")
    runs: int | None = option(None, "Timed inferences of each file and setting.", minimum=1)
    seconds: float | None = option(None, "Time each file for so long a setting.", minimum=0.0)
    device: str = option("cpu", "cpu, or gpu (.onnx on onnxruntime's CUDA provider).")
    kernels: str = option("default", "LiteRT's kernels: default or reference.")
    pin: bool = option(True, "Pin processes to CPUs where the system allows.", "--pin/--no-pin")
    timeout: float = option(300.0, "Give a file up after so many seconds.", minimum=1.0)
    seed: int = seed_option()


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """Where a command writes.

    Attributes:
        out: a path; None: a name that the command makes from its input's.
        overwrite: what lies there is replaced.
    """

    out: str | None = option(None, "Where to write.", "--out", "-o")
    overwrite: bool = overwrite_option()


@dataclass(frozen=True, slots=True)
class RunOptions(OutputOptions):
    """`OutputOptions`, and the seed of whatever a run draws."""

    seed: int = seed_option()


@dataclass(frozen=True, slots=True)
class ConsoleOptions:
    """How a command prints."""

    json_output: bool = option(False, "Machine-readable result on standard output.", "--json")
    debug: bool = option(False, "Show the traceback of an error.", "--debug")


@dataclass(frozen=True, slots=True)
class ProgressOptions(ConsoleOptions):
    """`ConsoleOptions` of a command that shows progress."""

    quiet: bool = option(False, "No progress, only the result.", "--quiet", "-q")
