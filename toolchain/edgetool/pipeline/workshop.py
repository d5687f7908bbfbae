"""The child's side of `compress`: everything that needs a framework, in one process that imports it once.

Every function takes the whole `Setup`, so that a fresh child can answer any call; what is dear (the model, the data,
the state after a pass) is kept between calls.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgetool.artifact import Format, digest_path, num_bytes
from edgetool.data.dataset import Dataset
from edgetool.errors import EdgetoolError, InternalError
from edgetool.importers import import_model, source_kind
from edgetool.passes.base import Context, ModelState, layer_kernels
from edgetool.passes.frozen import FrozenModel
from edgetool.passes.targets import aim_at_inputs
from edgetool.paths import require_folder
from edgetool.pipeline.gated import Gate, export_gated
from edgetool.pipeline.heads import head_settings
from edgetool.pipeline.judge import judgement_of
from edgetool.pipeline.pass_states import PassState, PassStates
from edgetool.pipeline.prepared_splits import decided_on, read_split, write_split
from edgetool.pipeline.probe import num_samples, parity_split, take_probe
from edgetool.pipeline.setup import Built, Exported, Identity, Prepared, Setup
from edgetool.pipeline.source_check import SourceProbe, require_believable, rescales
from edgetool.pipeline.source_data import SourceData, input_dtypes, load_raw, load_source_data
from edgetool.recipes.execute import execute
from edgetool.recipes.recipe import Recipe
from edgetool.records import ArtifactRecord, PassRecord, WeightFormat
from edgetool.schema import parse, to_builtins
from edgetool.store.atomic import save_array, write_text
from edgetool.tasks import Task
from edgetool.verify.gate import Probe
from edgetool.verify.parity import Tolerance

if TYPE_CHECKING:
    from edgetool.importers.base import ImportedModel
from collections.abc import Mapping, Sequence

from edgetool.ir.input_shapes import InputShape

__all__ = ["PARITY_SAMPLES", "build", "check", "check_source", "export_one", "identify", "prepare", "source_outputs"]

#: How many validation samples parity is measured on, at most.
PARITY_SAMPLES = 256

Emit = Callable[[dict[str, Any]], None]


def identify(setup: Mapping[str, object]) -> dict[str, Any]:
    """Return the `Identity` of the source model."""
    plan = _parse_setup(setup)
    return _builtins(Identity(source_kind(plan.model), _digest(plan), _num_bytes(plan)))


def check(setup: Mapping[str, object], emit: Emit) -> None:
    """Load model and data and check that they fit; nothing is written, and what was loaded is kept."""
    plan = _parse_setup(setup)
    emit({"what": "load data and model", "done": 0, "total": 1})
    _data(_key(plan))
    emit({"what": "load data and model", "done": 1, "total": 1})


def prepare(setup: Mapping[str, object]) -> dict[str, Any]:
    """Write the evaluation arrays to the cache folder, and tell what was loaded."""
    plan = _parse_setup(setup)
    imported = _model(_key(plan))
    loaded = _loaded(_key(plan))
    dataset, task = loaded.dataset, loaded.task
    if task is None:
        raise InternalError("prepare", found="no data", expected="data", next_step="report this as a defect")
    cache = Path(plan.cache)
    parity, _ = parity_split(dataset, imported, Path(plan.model), num_samples(imported, PARITY_SAMPLES))
    parity = dataclasses.replace(parity, name="parity")
    for split in (parity, dataset.val, dataset.test):
        if split is not None:
            write_split(cache, split)
    sizes = {split.name: split.num_samples for split in (dataset.train, dataset.val, dataset.test) if split is not None}
    prepared = Prepared(
        num_params=imported.num_params,
        source_format=imported.source_format,
        runtime=imported.runtime,
        unavailable=_unavailable(imported),
        task=task,
        data_name=dataset.name,
        data_source=dataset.source,
        data_digest=dataset.digest,
        class_names=dataset.class_names,
        splits=sizes,
        parity_split=parity.name,
        facts={**dataset.facts, **{name: str(value) for name, value in imported.facts.items()}},
        decided_on=decided_on(dataset, loaded.recorded),
        labels=loaded.labels,
    )
    return _builtins(prepared)


def check_source(setup: Mapping[str, object]) -> None:
    """Refuse a source model whose own answers are not believable; see `edgetool.pipeline.source_check`."""
    plan = _parse_setup(setup)
    loaded, imported = _loaded(_key(plan)), _model(_key(plan))
    if loaded.sample is not None and loaded.task is not None:
        recorded = None if loaded.recorded is None else loaded.recorded.validation
        scaling = (plan.preprocessing, loaded.channels_first, rescales(imported.model))
        dtypes = input_dtypes(imported)
        probe = SourceProbe(plan.model, imported.run, loaded.sample, *scaling, loaded.task, dtypes)
        require_believable(probe, recorded)


def source_outputs(setup: Mapping[str, object], split: str) -> int:
    """Run the source model on a prepared split and write `source_<split>_y<i>.npy`; returns the number of outputs."""
    plan = _parse_setup(setup)
    arrays = _model(_key(plan)).run(read_split(Path(plan.cache), split).inputs)
    for index, array in enumerate(arrays):
        save_array(Path(plan.cache) / f"source_{split}_y{index}.npy", np.asarray(array))
    return len(arrays)


def build(
    setup: Mapping[str, object],
    recipe: Mapping[str, object],
    trial: str,
    out: str,
    later: Sequence[Mapping[str, object]],
    emit: Emit,
) -> dict[str, Any]:
    """Run a recipe's passes; export its artefacts, and what the data set gives for them, into the folder `out`.

    Args:
        setup: fields of `Setup`.
        recipe: fields of `Recipe`.
        trial: its identity.
        out: a folder.
        later: fields of recipes that are built after this one: models that these begin with are kept.
        emit: takes progress.
    """
    plan = _parse_setup(setup)
    wanted = _parse_recipe(recipe)
    context = _context(plan, wanted, emit)
    state, records = _run_passes(plan, wanted, context)
    _states.keep_for(_key(plan), [_parse_recipe(item) for item in later])
    gate = _gate(plan, wanted, trial, state.quantization.weights)
    artifacts: list[ArtifactRecord] = []
    failures: dict[str, dict[str, Any]] = {}
    for index, name in enumerate(wanted.exports):
        context.progress("export", index, len(wanted.exports))
        path = Path(out) / f"{wanted.name}.{name}"
        require_folder(path.parent)
        try:
            artifacts.append(export_gated(state, name, path, context, gate))
        except EdgetoolError as exc:
            failures[name] = exc.to_dict()
    require_folder(Path(out))
    for file, text in context.dataset.files.items():
        write_text(Path(out) / file, text)
    context.progress("export", len(wanted.exports), len(wanted.exports))
    return _builtins(Built(records, state.skipped, tuple(artifacts), failures))


def export_one(
    setup: Mapping[str, object],
    recipe: Mapping[str, object],
    out: str,
    tolerance: Mapping[str, object] | None,
    emit: Emit,
) -> dict[str, Any]:
    """Run a recipe's passes and write its one export to the file `out`; returns the fields of `Exported`."""
    plan = _parse_setup(setup)
    wanted = _parse_recipe(recipe)
    limits = None if tolerance is None else parse(Tolerance, tolerance, source="tolerance", error=InternalError)
    context = _context(plan, wanted, emit)
    state, _ = _run_passes(plan, wanted, context)
    gate = _gate(plan, wanted, "", state.quantization.weights, limits, must_agree=True)
    record = export_gated(state, wanted.exports[0], Path(out), context, gate)
    return _builtins(Exported(record, gate.probe.description))


def _context(plan: Setup, recipe: Recipe, emit: Emit) -> Context:
    """Return what passes and exporters may use: everything but the test split."""
    dataset, task = _data(_key(plan))
    training = plan.training
    if task is not None:
        training = dataclasses.replace(
            training,
            loss=task.loss,
            from_logits=task.from_logits,
            per_position=task.per_position,
            balanced=training.balanced and task.has_classes,
            label_smoothing=training.label_smoothing if task.has_classes else 0.0,
        )
    heads = () if task is None else tuple(head_settings(training, head) for head in task.heads)
    if task is not None and task.name == "reconstruction":
        dataset = aim_at_inputs(dataset)
    return Context(
        dataset=dataclasses.replace(dataset, test=None),
        training=training,
        seed=plan.seed,
        workdir=Path(plan.cache),
        progress=lambda what, done, total: emit({"what": f"{recipe.name}: {what}", "done": done, "total": total}),
        heads=heads,
    )


def _parse_setup(fields: Mapping[str, object]) -> Setup:
    return parse(Setup, fields, source="setup", error=InternalError)


def _parse_recipe(fields: Mapping[str, object]) -> Recipe:
    return parse(Recipe, fields, source=str(fields.get("name")), error=InternalError)


def _builtins(value: object) -> dict[str, Any]:
    plain: dict[str, Any] = to_builtins(value)
    return plain


def _key(plan: Setup) -> Setup:
    """Return the setup as caches know it: what is loaded does not depend on the run's folder."""
    return dataclasses.replace(plan, cache="")


def _model(plan: Setup) -> ImportedModel:
    """Return the source model of a setup."""
    return _imported(plan.model, plan.trust, plan.input_shapes)


@functools.lru_cache(maxsize=2)
def _imported(spec: str, trust: bool, input_shapes: tuple[InputShape, ...]) -> ImportedModel:
    from edgetool.importers.base import ImportOptions

    return import_model(spec, ImportOptions(trust, input_shapes))


def _digest(plan: Setup) -> str:
    """Return the digest of the source: of its file, or of what its function returned."""
    return digest_path(Path(plan.model)) if Path(plan.model).exists() else _model(_key(plan)).digest


def _num_bytes(plan: Setup) -> int:
    return num_bytes(Path(plan.model)) if Path(plan.model).exists() else 0


def _unavailable(imported: ImportedModel) -> dict[str, str]:
    """Return export format -> why a model that came in as a finished graph cannot become that."""
    if not isinstance(imported.model, FrozenModel):
        return {}
    formats: tuple[Format, ...] = ("tflite", "onnx")
    refusals = {name: imported.model.refusal(name) for name in formats}
    return {name: str(refusal) for name, refusal in refusals.items() if refusal is not None}


@functools.lru_cache(maxsize=1)
def _loaded(plan: Setup) -> SourceData:
    """Return the data of a setup."""
    raw = load_raw(plan)  # before the model: mistakes in data are found before a framework is imported
    return load_source_data(plan, _model(plan), raw)


def _data(plan: Setup) -> tuple[Dataset, Task | None]:
    loaded = _loaded(plan)
    return loaded.dataset, loaded.task


_states = PassStates()


def _gate(
    plan: Setup,
    recipe: Recipe,
    trial: str,
    weights: WeightFormat,
    tolerance: Tolerance | None = None,
    *,
    must_agree: bool = False,
) -> Gate:
    """Return what the files of a recipe have to pass."""
    probe = _probe(_key(plan))
    _, task = _data(_key(plan))
    judgement = judgement_of(recipe, weights, task=task, noise_inputs=probe.is_noise, tolerance=tolerance)
    return Gate(recipe, trial, probe, judgement, _digest(plan), _zero_layers(plan), must_agree)


@functools.lru_cache(maxsize=1)
def _probe(plan: Setup) -> Probe:
    """Return the samples that files of a setup are compared with their source on."""
    dataset, _ = _data(plan)
    return take_probe(dataset, _model(plan), Path(plan.model))


def _run_passes(plan: Setup, recipe: Recipe, context: Context) -> tuple[ModelState, tuple[PassRecord, ...]]:
    """Run the passes of a recipe; what an earlier recipe with the same first passes gave is used again."""
    setup = _key(plan)
    state = ModelState(_model(setup).model)
    records: tuple[PassRecord, ...] = ()
    for count in range(1, len(recipe.passes) + 1):
        steps = recipe.passes[:count]
        reached = _states.find(setup, steps)
        if reached is None:
            result = execute(dataclasses.replace(recipe, passes=steps[-1:]), state, context)
            reached = PassState(setup, steps, result.state, (*records, *result.passes))
            _states.add(reached)
        state, records = reached.state, reached.records
    return state, records


def _zero_layers(plan: Setup) -> tuple[str, ...]:
    """Return the layers of the source model whose kernel is all zeros."""
    source = _model(_key(plan)).model
    kernels = {} if isinstance(source, FrozenModel) else layer_kernels(source)
    return tuple(name for name, kernel in kernels.items() if not kernel.any())
