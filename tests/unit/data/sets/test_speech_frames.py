"""Frames of speech: five neighbours within one recording, standardised, no recording in two splits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgetool.data.audio import log_mel, to_waveform
from edgetool.data.load import load_dataset
from edgetool.data.sets.speech_frames import FRAMES, MEL_SETTINGS, stack_frames
from edgetool.data.sets.spoken_digits import Clips


def _clips(*lengths: int) -> Clips:
    random = np.random.default_rng(0)
    waves = np.zeros((len(lengths), 8_000), np.int16)
    for row, length in zip(waves, lengths, strict=True):
        row[:length] = random.integers(-20_000, 20_000, min(length, 8_000))
    return Clips(waves, np.zeros(len(lengths), np.int64), np.array(lengths))


def test_a_run_of_frames_lies_within_its_recording() -> None:
    # Five frames of 512 samples, 256 apart, end at 1,536; every further 256 samples give another run.
    for length, runs in ((1_535, 0), (1_536, 1), (1_791, 1), (1_792, 2), (8_000, 26), (9_000, 26)):
        assert len(stack_frames(_clips(length))) == runs, length


def test_runs_are_neighbouring_frames_in_order() -> None:
    clips = _clips(2_000, 1_600)
    spectra = log_mel(to_waveform(clips.waves), MEL_SETTINGS)
    found = stack_frames(clips)
    assert found.shape == (3, FRAMES, 128)
    np.testing.assert_array_equal(found[0], spectra[0, :5])
    np.testing.assert_array_equal(found[1], spectra[0, 1:6])
    np.testing.assert_array_equal(found[2], spectra[1, :5])


def test_frames_are_standardised_and_have_no_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGETOOL_DATA", str(tmp_path))
    parts = {"train": _clips(*[3_000] * 20), "test": _clips(4_000, 4_000)}
    np.savez(
        tmp_path / "spoken_digits.npz",
        **{
            f"{key}_{name}": getattr(clips, attribute)
            for name, clips in parts.items()
            for key, attribute in (("x", "waves"), ("y", "labels"), ("length", "lengths"))
        },
    )
    found = load_dataset("speech-frames-640")
    assert found.train is not None and found.val is not None and found.test is not None
    # (3,000 - 1,536) // 256 + 1 = 6 runs a recording; a tenth of the twenty recordings validates.
    assert [split.num_samples for split in (found.train, found.val, found.test)] == [108, 12, 20]
    x = found.train.inputs[0]
    assert x.shape == (108, 640) and x.dtype == np.float32 and found.train.labels is None
    by_filter = x.reshape(-1, 128)
    np.testing.assert_allclose(by_filter.mean(axis=0), 0.0, atol=1e-4)
    np.testing.assert_allclose(by_filter.std(axis=0), 1.0, atol=1e-4)
    assert "ToyADMOS" in found.facts["what it is not"]
