"""Quantisation-aware training, which keeps the zeros and clusters that earlier passes ensured.

TF-MOT's own preserving schemes are not used: prune-preserving QAT zeroes some 1x1 convolutions
(tensorflow/model-optimization#979, open in 0.8.1), cluster-preserving QAT loses clusters of convolutions, whose weights
it quantises channel by channel (#1056; 62 values for 32 clusters on the document's CNN), and it searches every
weight's centroid anew in every step. Here zeros and clusters are restored after every step, and a clustered kernel has
one scale, so that each of its values becomes one integer.

What comes out is a float model whose kernels lie on the grid of int8 weights, and files are made of it by calibration:
so every layer that calibration can quantise is int8, whether training knows it or not.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from edgetool.data.uneven_columns import uneven_columns
from edgetool.errors import PassError
from edgetool.invariants import NumClusters
from edgetool.passes.activation_ranges import calibrate_ranges
from edgetool.passes.base import Context, ModelState, Pass, PassResult, QuantizationScheme, layer_kernels
from edgetool.passes.fake_quantize import fake_quantize, find_grids, round_kernels
from edgetool.passes.layers import clone, copy_weights
from edgetool.passes.training import fine_tune, make_projections

__all__ = ["QuantizationAwareTraining"]


@dataclass(frozen=True, slots=True)
class QatParams:
    """Parameters of a recipe.

    Attributes:
        epochs: of fine-tuning with fake quantisation.
        learning_rate_factor: on the fine-tuning rate.
        distillation: share of the unquantised model's answers in the targets, 0..1; labels have the rest.
        num_calibration_samples: training samples that the file's activation ranges are measured on.
    """

    epochs: float = 2.0
    learning_rate_factor: float = 0.3
    distillation: float = 0.0
    num_calibration_samples: int = 500


class QuantizationAwareTraining(Pass):
    """Fake-quantise weights (int8, symmetric) and activations (int8) and fine-tune.

    With labels a model may go on learning, and answers otherwise than before more often. With `distillation` the
    targets are the answers of the model as it came: quantisation is undone, nothing else is learned, in twice the time.
    MLPerf Tiny's ResNet-8 agreed with itself on 95.3 % of the validation samples after labels, on 98.4 % after its own
    answers; labels gave the better validation accuracy.
    """

    name = "qat"
    Params = QatParams
    requires = frozenset({"layers", "float_weights", "train_data"})

    def apply(self, state: ModelState, context: Context) -> PassResult:
        """Train a copy of the model; layers whose kernels are not rounded in training are named."""
        params: QatParams = self.params
        per_channel = not any(isinstance(item, NumClusters) for item in state.invariants)
        _require_kernels(state.model)
        student = clone(state.model)
        train = context.dataset.train
        assert train is not None
        trainee, skipped = fake_quantize(student, per_channel=per_channel, float_inputs=uneven_columns(train, 8))
        num_ranges = calibrate_ranges(trainee, train)
        kernels = {
            grid.layer.name: getattr(grid.layer, grid.attribute)
            for layer in student.layers
            for grid in find_grids(layer, per_channel=per_channel)[:1]
        }
        facts = fine_tune(
            trainee,
            context,
            what=self.name,
            epochs=params.epochs,
            learning_rate_factor=params.learning_rate_factor,
            projections=make_projections(kernels, state.invariants),
            teacher=state.model,
            distillation=params.distillation,
        )
        num_rounded = round_kernels(student, per_channel=per_channel)
        facts |= {"rounded_kernels": num_rounded, "calibrated_ranges": num_ranges}
        scheme = QuantizationScheme.of(
            mode="static",
            activations="int8",
            per_channel=per_channel,
            num_calibration_samples=params.num_calibration_samples,
        )
        trained = copy_weights(student, clone(state.model))
        new = dataclasses.replace(state, model=trained, quantization=scheme, skipped=(*state.skipped, *skipped))
        return PassResult(new, modified=True, facts=facts)


def _require_kernels(model: object) -> None:
    """Refuse a model without a kernel that int8 files store.

    Raises:
        PassError: there is none.
    """
    if not layer_kernels(model):
        raise PassError(
            "pass 'qat'",
            found="a model without kernels",
            expected="at least one Conv2D, Dense, ...",
            next_step="use w8a8_static, which trains nothing",
        )
