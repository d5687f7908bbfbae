"""Fine-tuning, shared by the passes that train; keeps what earlier passes ensured."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from edgetool.data.dataset import Array, Split
from edgetool.errors import RecipeError, TrainingError
from edgetool.invariants import Invariant, NOfM, NumClusters, Sparsity
from edgetool.passes.base import Context, Facts
from edgetool.passes.heads import head_targets, loss_weights

if TYPE_CHECKING:
    import tensorflow as tf
    import tf_keras

__all__ = ["Projection", "fine_tune", "make_projections", "num_steps", "step_size"]

Projection = Callable[[], None]

#: Fewer samples in a step make its gradient, and statistics of batches, too noisy.
MIN_STEP_SIZE = 16


def num_steps(context: Context, epochs: float, least: int = 1) -> int:
    """Return how many optimizer steps `epochs` are with the context's batch size, sample limit and effort.

    Args:
        context: settings and data.
        epochs: times the context's `epochs_scale`.
        least: steps that are taken however few epochs there are.
    """
    train = context.dataset.train
    assert train is not None
    samples = min(train.num_samples, context.training.max_train_samples or train.num_samples)
    per_epoch = math.ceil(samples / context.training.batch_size)
    return max(1, least, round(per_epoch * epochs * context.training.epochs_scale))


def step_size(context: Context, epochs: float, least: int = 1) -> int:
    """Return how many samples a step takes: where `least` makes more steps, they share out the samples."""
    asked = num_steps(context, epochs)
    shared = math.ceil(asked * context.training.batch_size / max(asked, least))
    return min(context.training.batch_size, max(MIN_STEP_SIZE, shared))


def fine_tune(
    model: tf_keras.Model,
    context: Context,
    *,
    what: str,
    epochs: float,
    learning_rate_factor: float = 1.0,
    callbacks: Sequence[tf_keras.callbacks.Callback] = (),
    projections: Sequence[Projection] = (),
    teacher: tf_keras.Model | None = None,
    distillation: float = 0.0,
    least_steps: int = 1,
) -> Facts:
    """Train `model` in place with Adam and a cosine schedule; projections run after every step.

    Args:
        model: tf_keras; compiled here.
        context: data, settings, seed and progress.
        what: The text of the progress bar.
        epochs: times the context's `epochs_scale`; fractions are whole steps.
        learning_rate_factor: A factor on the context's learning rate.
        callbacks: tf_keras callbacks of TF-MOT.
        projections: put weights back onto what earlier passes ensured.
        teacher: tf_keras model whose answers are learned beside the labels; it is not trained.
        distillation: share of the teacher's answers in the targets, 0..1. Labels alone where the loss cannot mix, and
            the answers alone for outputs without labels.
        least_steps: taken however few epochs there are, of fewer samples each.

    Returns:
        Steps, samples, and the loss over the last tenth of the steps.

    Raises:
        RecipeError: `distillation` is no share.
        TrainingError: the loss is NaN.
    """
    import tf_keras

    if not 0.0 <= distillation <= 1.0:
        raise RecipeError(
            f"pass {what!r}: distillation", found=f"{distillation:g}", expected="0 to 1", next_step="correct it"
        )
    total = num_steps(context, epochs, least_steps)
    size = step_size(context, epochs, least_steps)
    tf_keras.utils.set_random_seed(context.seed)
    rate = tf_keras.optimizers.schedules.CosineDecay(
        context.training.learning_rate * learning_rate_factor, total, alpha=0.05
    )
    train = _training_split(context)
    heads = head_targets(train, context, teacher, distillation)
    needs_answers = teacher is not None and any(head.is_soft for head in heads)
    losses_of = [head.loss() for head in heads]
    model.compile(
        optimizer=tf_keras.optimizers.Adam(rate),
        loss=losses_of if len(heads) > 1 else losses_of[0],
        loss_weights=loss_weights(heads, train, teacher) if len(heads) > 1 else None,
        run_eagerly=False,
    )
    driver = tf_keras.callbacks.CallbackList(list(callbacks), model=model)
    driver.on_train_begin()
    losses: list[float] = []
    for step, chosen in enumerate(_batches(train, size, total, seed=context.seed)):
        driver.on_train_batch_begin(step)
        inputs = [array[chosen] for array in train.inputs]
        answers = _answers(teacher, inputs) if needs_answers else [None] * len(heads)
        batches = [head.batch(chosen, answer) for head, answer in zip(heads, answers, strict=True)]
        losses.append(_train_step(model, inputs, batches))
        if not math.isfinite(losses[-1]):
            raise TrainingError(
                what,
                found=f"loss {losses[-1]} at step {step + 1}",
                expected="a finite loss",
                next_step="give a smaller --learning-rate",
            )
        for project in projections:
            project()
        driver.on_train_batch_end(step)
        context.progress(what, step + 1, total)
    driver.on_epoch_end(0)
    driver.on_train_end()
    for project in projections:
        project()
    tail = losses[-max(1, total // 10) :]
    facts: Facts = {
        "steps": total,
        "batch_size": size,
        "final_loss": round(float(np.mean(tail)), 5),
    }
    names = (model if teacher is None else teacher).output_names
    distilled = [name for name, head in zip(names, heads, strict=True) if head.labels is None]
    return facts | ({"outputs_without_labels": ", ".join(distilled)} if distilled else {})


def _answers(teacher: tf_keras.Model, inputs: list[Array]) -> list[Array]:
    """Return what the teacher gives for a batch, one array an output."""
    answers = teacher.predict_on_batch(inputs if len(inputs) > 1 else inputs[0])
    return list(answers) if isinstance(answers, list | tuple) else [answers]


def _train_step(model: tf_keras.Model, inputs: list[Array], batches: list[tuple[Array, Array | None]]) -> float:
    """Take one step and return the loss.

    Args:
        model: compiled with a loss for each output.
        inputs: one array an input.
        batches: targets and weights of each output.
    """
    given = inputs if len(inputs) > 1 else inputs[0]
    if len(batches) == 1:
        labels, weights = batches[0]
        return float(model.train_on_batch(given, labels, sample_weight=weights))
    targets = [labels for labels, _ in batches]
    all_weights = None
    if any(weights is not None for _, weights in batches):
        ones = np.ones(len(inputs[0]), np.float32)
        all_weights = [ones if weights is None else weights for _, weights in batches]
    return float(model.train_on_batch(given, targets, sample_weight=all_weights)[0])


def make_projections(kernels: Mapping[str, tf.Variable], invariants: Sequence[Invariant]) -> list[Projection]:
    """Return functions that put kernels back onto the invariants they hold now.

    Args:
        kernels: layer name -> tf.Variable.
        invariants: `sparsity` and `n_of_m` keep today's zeros; `num_clusters` keeps today's assignment of weights to
            clusters, each cluster moving as one (its members' mean), zeros staying zero.
    """
    clustered = {item.layer for item in invariants if isinstance(item, NumClusters)}
    sparse = {item.layer for item in invariants if isinstance(item, Sparsity | NOfM)}
    made: list[Projection] = []
    for layer in sorted(clustered | sparse):
        if layer not in kernels:
            continue
        variable = kernels[layer]
        if layer in clustered:
            made.append(_keep_clusters(variable, keep_zeros=layer in sparse))
        else:
            made.append(_keep_zeros(variable))
    return made


def _keep_zeros(variable: tf.Variable) -> Projection:
    import tensorflow as tf

    mask = tf.constant((variable.numpy() != 0).astype(np.float32))

    def project() -> None:
        variable.assign(variable * mask)

    return cast(Projection, tf.function(project))


def _keep_clusters(variable: tf.Variable, *, keep_zeros: bool) -> Projection:
    """Return the function that gives each cluster of today's values the mean of its members.

    NumPy sums in float64 and in one order, in a fifth of the time of TensorFlow's segment sum; zeros that are kept are
    not touched, which for a pruned kernel leaves a fifth of the work.
    """
    kernel = variable.numpy()
    moving: Any = np.flatnonzero(kernel) if keep_zeros else slice(None)
    values, flat = np.unique(kernel), kernel.ravel()[moving]
    assignment = np.searchsorted(values, flat)
    counts = np.maximum(np.bincount(assignment, minlength=len(values)), 1)
    means = np.zeros_like(kernel)

    def project() -> None:
        sums = np.bincount(assignment, weights=variable.numpy().ravel()[moving], minlength=len(values))
        means.reshape(-1)[moving] = np.take((sums / counts).astype(means.dtype), assignment, mode="clip")
        variable.assign(means)

    return project


def _batches(train: Split, size: int, total: int, *, seed: int) -> Iterator[Array]:
    """Yield the indices of `total` shuffled batches, going round the training samples as often as needed."""
    random = np.random.default_rng(seed)
    size = min(size, train.num_samples)
    order: Array = np.zeros(0, np.int64)
    for _ in range(total):
        if len(order) < size:
            order = np.concatenate([order, random.permutation(train.num_samples)])
        chosen, order = order[:size], order[size:]
        yield chosen


def _training_split(context: Context) -> Split:
    """Return the samples to fine-tune on, as many as the settings allow."""
    train = context.dataset.train
    assert train is not None
    if context.training.max_train_samples is not None:
        train = train.take(context.training.max_train_samples, seed=context.seed)
    return train
