"""`speech-frames-640`: five neighbouring frames of 128 log-mel values each, cut from the spoken digits.

The shape is that of MLPerf Tiny's anomaly detection (Koizumi et al. 2019, ToyADMOS: toy cars), the sounds are not: this
is speech, there is nothing abnormal in it, and what is measured is how well it is given back.
"""

from __future__ import annotations

import numpy as np

from edgetool.data.audio import MelSettings, log_mel, to_waveform
from edgetool.data.dataset import Array, Dataset, Split
from edgetool.data.sets.spoken_digits import SAMPLE_RATE_HZ, SOURCE, Clips, load_recordings
from edgetool.data.split import choose_part
from edgetool.data.stages import count_duplicates, standardise

__all__ = ["FRAMES", "MEL_SETTINGS", "load", "stack_frames"]

#: MLPerf Tiny's: 64 ms frames every 32 ms, 128 filters over the whole band.
MEL_SETTINGS = MelSettings(
    sample_rate_hz=SAMPLE_RATE_HZ, frame_s=0.064, step_s=0.032, num_mels=128, low_hz=0.0, high_hz=4_000.0
)

#: Neighbouring frames of one sample.
FRAMES = 5

VAL_FRACTION = 0.1


def load() -> Dataset:
    """Load the frames as float32 `[N, 640]`, standardised, without labels: inputs are the targets.

    Validation and test frames come from recordings that no training frame comes from.

    Raises:
        NetworkError: the recordings are not cached and cannot be downloaded.
        DataError: the file holds something else.
    """
    recordings = load_recordings()
    is_val = choose_part(recordings.train.labels, len(recordings.train.labels), VAL_FRACTION)
    parts = (
        ("train", _select(recordings.train, ~is_val)),
        ("val", _select(recordings.train, is_val)),
        ("test", recordings.test),
    )
    spectra = [stack_frames(part) for _, part in parts]
    width = MEL_SETTINGS.num_mels
    scaled, mean, std = standardise(*(frames.reshape(-1, width) for frames in spectra))
    splits = [Split(name, (array.reshape(-1, FRAMES * width),)) for (name, _), array in zip(parts, scaled, strict=True)]
    return Dataset(
        name="speech-frames-640",
        train=splits[0],
        val=splits[1],
        test=splits[2],
        source=SOURCE,
        digest=recordings.digest,
        facts={
            "clean": f"{count_duplicates(splits)} duplicates, which were kept; zeros behind recordings left out",
            "convert": f"{MEL_SETTINGS.describe()}; {FRAMES} neighbouring frames a sample: float32 [640]",
            "normalise": (
                f"(x - mean) / std of each filter in the training split: "
                f"mean {mean.min():.3g} to {mean.max():.3g}, std {std.min():.3g} to {std.max():.3g}"
            ),
            "what it is not": "ToyADMOS: these are frames of speech in the shape of MLPerf Tiny's anomaly detection",
        },
    )


def stack_frames(clips: Clips) -> Array:
    """Return `[S, 5, 128]`: every run of five frames that lies within its recording, one run a frame.

    Args:
        clips: recordings; those shorter than five frames give nothing.
    """
    spectra = log_mel(to_waveform(clips.waves), MEL_SETTINGS)
    runs = np.lib.stride_tricks.sliding_window_view(spectra, FRAMES, axis=1).transpose(0, 1, 3, 2)
    ends = MEL_SETTINGS.frame_samples + MEL_SETTINGS.step_samples * (np.arange(runs.shape[1]) + FRAMES - 1)
    inside = ends[None] <= np.minimum(clips.lengths, clips.waves.shape[1])[:, None]
    return np.ascontiguousarray(runs[inside])


def _select(clips: Clips, chosen: Array) -> Clips:
    return Clips(clips.waves[chosen], clips.labels[chosen], clips.lengths[chosen])
