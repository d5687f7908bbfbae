"""Quantisation-aware training by TF-MOT, which keeps the zeros and clusters that earlier passes ensured.

TF-MOT's own preserving schemes are not used: prune-preserving QAT zeroes some 1x1 convolutions
(tensorflow/model-optimization#979, open in 0.8.1), cluster-preserving QAT loses clusters of convolutions, whose weights
it quantises channel by channel (#1056; 62 values for 32 clusters on the document's CNN), and it searches every
weight's centroid anew in every step. Here zeros and clusters are restored after every step, and a clustered kernel has
one scale, so that each of its values becomes one integer.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from edgetool.passes.activation_ranges import calibrate_ranges
from edgetool.passes.base import Context, ModelState, Pass, PassResult, QuantizationScheme
from edgetool.passes.quantize_wrap import kernel_variables, wrap
from edgetool.passes.training import fine_tune, make_projections

__all__ = ["QuantizationAwareTraining"]


@dataclass(frozen=True, slots=True)
class QatParams:
    """Parameters of a recipe.

    Attributes:
        epochs: of fine-tuning with fake quantisation.
        learning_rate_factor: on the fine-tuning rate.
        distillation: share of the unquantised model's answers in the targets, 0..1; labels have the rest.
    """

    epochs: float = 2.0
    learning_rate_factor: float = 0.3
    distillation: float = 0.0


class QuantizationAwareTraining(Pass):
    """Fake-quantise weights (int8, symmetric) and activations (int8) and fine-tune; ranges are learned with it.

    With labels a model may go on learning, and answers otherwise than before more often. With `distillation` the
    targets are the answers of the model as it came: quantisation is undone, nothing else is learned, in twice the time.
    MLPerf Tiny's ResNet-8 agreed with itself on 95.3 % of the validation samples after labels, on 98.4 % after its own
    answers; labels gave the better validation accuracy.
    """

    name = "qat"
    Params = QatParams
    requires = frozenset({"layers", "float_weights", "train_data"})

    def apply(self, state: ModelState, context: Context) -> PassResult:
        """Wrap a copy of the model; layers that TF-MOT does not know stay float and are named."""
        params: QatParams = self.params
        clustered = {item.layer for item in state.invariants if item.kind == "num_clusters"}
        model, skipped = wrap(state.model, clustered, self.name)
        assert context.dataset.train is not None
        num_ranges = calibrate_ranges(model, context.dataset.train)
        facts = fine_tune(
            model,
            context,
            what=self.name,
            epochs=params.epochs,
            learning_rate_factor=params.learning_rate_factor,
            projections=make_projections(kernel_variables(model), state.invariants),
            teacher=state.model,
            distillation=params.distillation,
        )
        facts |= {"unquantised_layers": len(skipped), "calibrated_ranges": num_ranges}
        scheme = QuantizationScheme(mode="qat", activations="int8", per_channel=not clustered)
        new = dataclasses.replace(state, model=model, quantization=scheme, skipped=(*state.skipped, *skipped))
        return PassResult(new, modified=True, facts=facts)
