"""The options of each command that the Python interface has too, as typed; nothing in them is checked yet."""

from __future__ import annotations

from dataclasses import dataclass, field

from edgetool.options.declare import argument, option
from edgetool.options.groups import (
    DataOptions,
    FinetuningOptions,
    JudgementOptions,
    OutputOptions,
    PreprocessingOptions,
    RunOptions,
    ScalingOptions,
    SourceOptions,
    TableOptions,
    TargetOptions,
    TimingOptions,
    ToleranceOptions,
    input_shape_option,
    overwrite_option,
    seed_option,
)

__all__ = [
    "BenchOptions",
    "CompareOptions",
    "CompressOptions",
    "ComputeOptions",
    "EmbedOptions",
    "ExportOptions",
    "GenerateOptions",
    "InspectOptions",
    "ModelOptions",
    "RecipeOptions",
    "TrainOptions",
    "VerifyOptions",
]


@dataclass(frozen=True, slots=True)
class CompressOptions:
    """The options of `edgetool compress`.

    Attributes:
        model: a model file, a SavedModel, `module:function`, or a name of the zoo.
        recipe: names of recipes or `.toml` files, each a list separated by commas; empty: the standard set.
    """

    model: str = argument("A .keras, .h5, .onnx, .tflite or .pt2 file, a SavedModel, module:function, or a zoo name.")
    recipe: tuple[str, ...] = option(
        (), "Recipe names or .toml files, separated by commas; may be repeated.", "--recipe", "-r"
    )
    data: DataOptions = field(default_factory=DataOptions)
    preprocessing: PreprocessingOptions = field(default_factory=PreprocessingOptions)
    finetuning: FinetuningOptions = field(default_factory=FinetuningOptions)
    target: TargetOptions = field(default_factory=TargetOptions)
    judgement: JudgementOptions = field(default_factory=JudgementOptions)
    source: SourceOptions = field(default_factory=SourceOptions)
    run: RunOptions = field(default_factory=RunOptions)


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """The options of `edgetool export`.

    Attributes:
        out: the file to write, `.tflite` or `.onnx`.
    """

    model: str = argument("A .keras, .h5, .onnx, .tflite or .pt2 file, a SavedModel, or module:function.")
    out: str = argument("The file to write: .tflite or .onnx.", "--out", "-o")
    recipe: str = option("float32", "A recipe's name or .toml file.", "--recipe", "-r")
    data: DataOptions = field(default_factory=DataOptions)
    preprocessing: PreprocessingOptions = field(default_factory=PreprocessingOptions)
    tolerance: ToleranceOptions = field(default_factory=ToleranceOptions)
    source: SourceOptions = field(default_factory=SourceOptions)
    overwrite: bool = overwrite_option()
    seed: int = seed_option()


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """The options of `edgetool verify`."""

    reference: str = argument("What is trusted: a model file, a SavedModel or module:function.")
    candidate: str = argument(
        "What is checked, of any of these kinds, or a folder of `edgetool embed`, of C or for Linux."
    )
    data: str | None = option(None, "Compare on its validation split, else on its training split.")
    samples: int = option(256, "How many samples to compare on.", minimum=1)
    tolerance: ToleranceOptions = field(default_factory=ToleranceOptions)
    scaling: ScalingOptions = field(default_factory=ScalingOptions)
    source: SourceOptions = field(default_factory=SourceOptions)
    seed: int = seed_option()


@dataclass(frozen=True, slots=True)
class InspectOptions:
    """The options of `edgetool inspect`."""

    model: str = argument("A .tflite, .onnx, .keras or .h5 file.")
    memory_plan: bool = option(False, "Show the offset and the lifetime of every activation.", "--memory-plan")
    compressed: bool = option(False, "Also measure the size as gzip and zstd.", "--compressed")
    input_shape: tuple[str, ...] = input_shape_option()
    timeout: float | None = option(None, "Give up after so many seconds; default: 20 and 1 for each MB.", minimum=1)


@dataclass(frozen=True, slots=True)
class BenchOptions:
    """The options of `edgetool bench`."""

    files: tuple[str, ...] = argument(".tflite or .onnx files, or run folders.")
    threads: str = option("1,all", "Thread counts, e.g. 1,4 or 1,all.")
    timing: TimingOptions = field(default_factory=TimingOptions)
    mlperf: bool = option(False, "Also give the 90th percentile by MLPerf's rule (median of 5 windows).", "--mlperf")
    input_shape: tuple[str, ...] = input_shape_option()
    output: OutputOptions = field(default_factory=OutputOptions)


@dataclass(frozen=True, slots=True)
class CompareOptions:
    """The options of `edgetool compare`."""

    a: str = argument("A .tflite or .onnx file.")
    b: str = argument("The file that A is compared with.")
    threads: str = option("1", "Thread counts, e.g. 1,4 or 1,all.")
    timing: TimingOptions = field(default_factory=TimingOptions)


@dataclass(frozen=True, slots=True)
class EmbedOptions:
    """The options of `edgetool embed`; those behind `target` are of generated C alone, to `drop_softmax`.

    Attributes:
        runtime: `array`, `c`, `tflm` or `linux`; None: the first that the target has.
        vectors: how many inputs the self-test runs.
        name: a C identifier; None: made from the file's name.
        artifact: which artefact of a run folder; None: the recommended one.
    """

    model: str = argument("A .tflite or .onnx file, or a run folder (its recommended artefact).")
    runtime: str | None = option(
        None,
        "array: the file's bytes as a C array; c: C without an interpreter; tflm: for TensorFlow Lite Micro; linux: "
        "for a board with LiteRT or onnxruntime. Default: the first that --target has, else array.",
    )
    target: TargetOptions = field(default_factory=TargetOptions)
    run: bool = option(False, "Of --runtime c: build firmware and run its test vectors in QEMU.", "--run")
    optimize: str = option("speed", "Of --runtime c: size (packs weights too), balanced or speed.")
    vectors: int = option(4, "Of --runtime c: how many inputs the self-test runs.", minimum=1, maximum=1000)
    pack: str = option("auto", "Of --runtime c, weights packed in flash: always, never, auto: where needed to fit.")
    io: str = option(
        "arena",
        "Of --runtime c, inputs and outputs: arena: in the model's memory; caller: buffers that the application "
        "passes to every run.",
    )
    drop_softmax: bool = option(
        False, "Of --runtime c: leave out the last softmax; outputs are what it was given.", "--drop-softmax"
    )
    artifact: str | None = option(None, "Which artefact of a run folder.")
    name: str | None = option(None, "C identifier; default: from the file's name.")
    output: OutputOptions = field(default_factory=OutputOptions)


@dataclass(frozen=True, slots=True)
class GenerateOptions:
    """The options of `edgetool generate`.

    Attributes:
        prompt: what the text begins with.
        temperature: 0: always the likeliest token; 1: by the model's probabilities; higher: more even ones.
        out: the folder that the exported step is kept in; None: it is thrown away.
    """

    model: str = argument("A folder of edgetool train, or an exported step (step.tflite).")
    prompt: str = argument("What the text begins with.", "--prompt")
    num_tokens: int = option(200, "How many tokens to generate.", "-n", "--num-tokens")
    temperature: float = option(0.8, "0: always the likeliest token.")
    recipe: str = option("float32", "By which the step is exported.", "--recipe", "-r")
    format: str = option("tflite", "tflite or onnx.")
    out: str | None = option(None, "Folder to keep the exported step in.", "--out", "-o")
    card: str | None = option(None, "The zoo model, where no train.json names it.")
    trust: bool = option(False, "Load models that carry code (Lambda layers).", "--trust")
    overwrite: bool = overwrite_option()
    seed: int = seed_option()


@dataclass(frozen=True, slots=True)
class RecipeOptions:
    """What replaces the training recipe of a model's card; None: as the card says. See `edgetool.zoo.TrainingRecipe`.

    Attributes:
        augmentation: names separated by commas, or `none`.
    """

    epochs: int | None = option(None, "Default: the model's card.", minimum=1)
    batch_size: int | None = option(None, "Default: the model's card.", "--batch-size", minimum=1)
    optimizer: str | None = option(None, "adam, adamw, sgd, rmsprop.")
    learning_rate: float | None = option(None, "Default: the model's card.", "--learning-rate")
    schedule: str | None = option(None, "Of the learning rate: constant, cosine.")
    warmup_epochs: float | None = option(None, "Over which the learning rate rises.", "--warmup-epochs")
    weight_decay: float | None = option(None, "Decoupled, of kernels.", "--weight-decay")
    label_smoothing: float | None = option(None, "Share, 0 to below 1.", "--label-smoothing")
    augmentation: str | None = option(None, "flip, crop4, shift, cutout, time_shift, noise, by commas; or none.")
    patience: int | None = option(None, "Stop after so many epochs without a better loss; 0: never.")
    balanced: bool | None = option(None, "Let every class count the same.", "--balanced/--not-balanced")
    with_validation: bool | None = option(
        None, "Train on the validation split too.", "--with-validation/--without-validation"
    )


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """What a card would say of a model that has none (`module:build`); None: found from model and labels.

    Attributes:
        task: a key of `edgetool.tasks.TASKS`.
        metric: a key of `edgetool.tasks.METRICS`.
        loss: one of `edgetool.training.request.REGRESSION_LOSSES`; classes have their cross-entropy.
        scale: the factor on raw inputs.
        mean: one number, or one a channel separated by commas, subtracted after `scale`.
        std: likewise, the divisor after `mean`.
        dtype: the type of the model's inputs.
    """

    task: str | None = option(
        None, "Of module:build: classification, binary, regression, reconstruction, language_model."
    )
    metric: str | None = option(None, "Of module:build: accuracy, auc, mae, mse, rmse, r2, top5, nats.")
    loss: str | None = option(None, "Of regression by module:build: mse, mae, huber.")
    scale: float | None = option(None, "Of module:build: factor on raw inputs.")
    mean: str | None = option(None, "Of module:build: subtracted after --scale.")
    std: str | None = option(None, "Of module:build: divided by after --mean.")
    dtype: str | None = option(None, "Of module:build: type of its inputs.")


@dataclass(frozen=True, slots=True)
class ComputeOptions:
    """Where and how training computes.

    Attributes:
        backend: one of `edgetool.training.request.BACKENDS`.
        device: `auto` (a GPU where there is one), `cpu` or `gpu`.
        num_devices: GPUs, or parts that the CPU is split into; None: every GPU that the backend can use, one CPU.
        precision: of the products; weights and the saved model are float32.
    """

    backend: str = option("tensorflow", "tensorflow, jax or torch.")
    device: str = option("auto", "auto, cpu or gpu.")
    num_devices: int | None = option(None, "GPUs that share a batch; default: all.", "--num-devices", minimum=1)
    precision: str = option("float32", "bfloat16 or float16; weights stay float32.", "--mixed-precision")


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """The options of `edgetool train`.

    Attributes:
        name: a model of the zoo, or `module:build`.
        max_samples: train on at most so many samples, a seeded choice; validation and test stay whole.
    """

    name: str = argument("A model of the zoo (edgetool models lists them), or module:build.")
    data: TableOptions = field(default_factory=TableOptions)
    compute: ComputeOptions = field(default_factory=ComputeOptions)
    recipe: RecipeOptions = field(default_factory=RecipeOptions)
    max_samples: int | None = option(None, "Train on at most so many samples.", "--max-samples", minimum=1)
    model: ModelOptions = field(default_factory=ModelOptions)
    run: RunOptions = field(default_factory=RunOptions)
