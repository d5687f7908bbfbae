"""The records of a run: what `manifest.json`, `measurements.jsonl` and `results.json` hold, one module a kind.

A record holds facts as fields. Sentences in it are for people, and no program reads a fact out of one.
"""

from __future__ import annotations

from edgetool.records.artifact import ArtifactRecord, LayerRecord, RuntimeFit, SizeRecord
from edgetool.records.decision import Advice, Decision, Purpose, Refusal, Rule, ValidationSplit
from edgetool.records.evaluation import EvaluationRecord, GenerationRecord, PairedComparison
from edgetool.records.failure import FailedStage, FailureRecord
from edgetool.records.head import HeadRecord
from edgetool.records.invariant import InvariantKind, InvariantRecord
from edgetool.records.latency import LatencyRecord, RatioRecord
from edgetool.records.machine import Machine
from edgetool.records.manifest import SCHEMA_VERSION, Manifest, failures_of
from edgetool.records.parity import ParityRecord, Tolerance
from edgetool.records.source import DataRecord, SourceRecord
from edgetool.records.stage import PassRecord, SkippedLayer, Stage, StageRecord
from edgetool.records.weights import FLOAT16, FLOAT32, INT8, KernelFormat, WeightFormat, WeightsRecord

__all__ = [
    "FLOAT16",
    "FLOAT32",
    "INT8",
    "SCHEMA_VERSION",
    "Advice",
    "ArtifactRecord",
    "DataRecord",
    "Decision",
    "EvaluationRecord",
    "FailedStage",
    "FailureRecord",
    "GenerationRecord",
    "HeadRecord",
    "InvariantKind",
    "InvariantRecord",
    "KernelFormat",
    "LatencyRecord",
    "LayerRecord",
    "Machine",
    "Manifest",
    "PairedComparison",
    "ParityRecord",
    "PassRecord",
    "Purpose",
    "RatioRecord",
    "Refusal",
    "Rule",
    "RuntimeFit",
    "SizeRecord",
    "SkippedLayer",
    "SourceRecord",
    "Stage",
    "StageRecord",
    "Tolerance",
    "ValidationSplit",
    "WeightFormat",
    "WeightsRecord",
    "failures_of",
]
