"""Front end for sound: raw waveforms to log-mel spectra and MFCCs, in NumPy alone, so that a device can repeat it.

    frames -> Hann window -> FFT -> magnitude -> mel filters (HTK) -> logarithm -> DCT-II

Source: Young et al., The HTK Book 3.4, 2006, sections 5.2 to 5.6. `MelSettings()` is the front end of MLPerf Tiny's
keyword spotting: 30 ms frames every 20 ms, 40 filters from 20 to 4,000 Hz, of which ten coefficients are taken
(Banbury et al., MLPerf Tiny Benchmark, 2021).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgetool.data.dataset import Array
from edgetool.errors import DataError

__all__ = ["MelSettings", "cut_frames", "hz_to_mel", "log_mel", "mel_filters", "mfcc", "to_waveform"]

#: Added to filter outputs before the logarithm: silence is -13.8, not minus infinity.
LOG_FLOOR = 1e-6

#: Clips that are transformed at a time: spectra of all at once would need gigabytes.
CLIPS_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class MelSettings:
    """A log-mel spectrum.

    Attributes:
        sample_rate_hz: The sample rate of the waveforms.
        frame_s: length of a frame, in seconds.
        step_s: The time from the start of a frame to the start of the next one, in seconds.
        num_mels: filters.
        low_hz: where the first filter begins.
        high_hz: where the last filter ends; at most half the sample rate.
    """

    sample_rate_hz: int = 16_000
    frame_s: float = 0.030
    step_s: float = 0.020
    num_mels: int = 40
    low_hz: float = 20.0
    high_hz: float = 4_000.0

    @property
    def frame_samples(self) -> int:
        """Samples of a frame."""
        return round(self.frame_s * self.sample_rate_hz)

    @property
    def step_samples(self) -> int:
        """Samples from frame to frame."""
        return round(self.step_s * self.sample_rate_hz)

    @property
    def fft_samples(self) -> int:
        """Length of the FFT: the next power of two; zeros fill the frame up."""
        return 1 << math.ceil(math.log2(self.frame_samples))

    def describe(self) -> str:
        """Return the front end in words, for reports."""
        return (
            f"{self.frame_s * 1e3:g} ms Hann frames every {self.step_s * 1e3:g} ms, FFT {self.fft_samples}, "
            f"{self.num_mels} mel filters {self.low_hz:g} to {self.high_hz:g} Hz, "
            f"logarithm of (magnitude + {LOG_FLOOR:g})"
        )


def to_waveform(samples: Array) -> Array:
    """Return sound as float32 in -1..1: 16-bit integers divided by 32,768, floats as they are.

    Args:
        samples: `[N, T]` int16 or float.

    Raises:
        DataError: another type or number of dimensions, or floats beyond -1..1.
    """
    if samples.ndim != 2 or (samples.dtype != np.int16 and samples.dtype.kind != "f"):
        raise DataError(
            "waveforms",
            found=f"{samples.dtype} of shape {list(samples.shape)}",
            expected="[N, T] int16, or float in -1..1",
            next_step="convert the sound to 16-bit PCM, one channel, clips of equal length",
        )
    if samples.dtype == np.int16:
        return samples.astype(np.float32) / np.float32(32768.0)
    if samples.size and not float(np.abs(samples).max()) <= 1.0:
        raise DataError(
            "waveforms",
            found=f"magnitudes up to {float(np.abs(samples).max()):g}",
            expected="-1..1",
            next_step="divide by the largest value that the format can hold",
        )
    return samples.astype(np.float32)


def cut_frames(waves: Array, frame_samples: int, step_samples: int) -> Array:
    """Return `[N, F, frame_samples]`, a view; samples behind the last whole frame are left out.

    Raises:
        DataError: clips are shorter than one frame.
    """
    if waves.shape[-1] < frame_samples:
        raise DataError(
            "waveforms",
            found=f"clips of {waves.shape[-1]} samples",
            expected=f"{frame_samples} at least: one frame",
            next_step="pad the clips with zeros, or choose shorter frames",
        )
    windows = np.lib.stride_tricks.sliding_window_view(waves, frame_samples, axis=-1)
    return windows[..., ::step_samples, :]


def hz_to_mel(hertz: float | Array) -> Array:
    """Return mel = 2595 log10(1 + f / 700), The HTK Book, equation 5.13."""
    return np.asarray(2595.0 * np.log10(1.0 + np.asarray(hertz, np.float64) / 700.0))


def mel_filters(settings: MelSettings) -> Array:
    """Return triangular filters `[bins, num_mels]`, equally spaced and overlapping by half on the mel scale.

    Each filter rises from 0 at the centre of the one before to 1 at its own centre, and falls to 0 at that of the next.
    The constant part of the signal (bin 0) is in no filter.

    Raises:
        DataError: the band is empty or above half the sample rate, or a filter is narrower than the FFT can resolve.
    """
    nyquist_hz = settings.sample_rate_hz / 2.0
    if not 0.0 <= settings.low_hz < settings.high_hz <= nyquist_hz:
        raise DataError(
            "mel filters",
            found=f"a band of {settings.low_hz:g} to {settings.high_hz:g} Hz",
            expected=f"a rising band within 0 to {nyquist_hz:g} Hz, half the sample rate",
            next_step="correct low_hz and high_hz",
        )
    bins = hz_to_mel(np.arange(settings.fft_samples // 2 + 1) * (settings.sample_rate_hz / settings.fft_samples))
    edges = np.linspace(hz_to_mel(settings.low_hz), hz_to_mel(settings.high_hz), settings.num_mels + 2)
    rising = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    filters = np.maximum(0.0, np.minimum(rising, falling))
    filters[0] = 0.0
    empty = np.flatnonzero(filters.sum(axis=0) == 0.0)
    if empty.size:
        raise DataError(
            "mel filters",
            found=f"{empty.size} that lie between two frequencies of the FFT, the first {empty[0]}",
            expected="at least one frequency in each",
            next_step="use fewer filters or longer frames",
        )
    return np.asarray(filters)


def log_mel(waves: Array, settings: MelSettings) -> Array:
    """Return natural logarithms of mel magnitudes, float32 `[N, F, num_mels]`.

    Args:
        waves: float `[N, T]`, -1..1 (`to_waveform`).
        settings: frames and filters.

    Raises:
        DataError: clips shorter than a frame, or an impossible band.
    """
    size = settings.frame_samples
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(size) / size)  # periodic Hann
    filters = mel_filters(settings)
    parts = []
    for start in range(0, len(waves), CLIPS_AT_ONCE):
        framed = cut_frames(waves[start : start + CLIPS_AT_ONCE], size, settings.step_samples)
        magnitudes = np.abs(np.fft.rfft(framed * window, settings.fft_samples))
        parts.append(np.log(magnitudes @ filters + LOG_FLOOR).astype(np.float32))
    return np.concatenate(parts)


def mfcc(spectra: Array, num_coefficients: int) -> Array:
    """Return the first mel-frequency cepstral coefficients, float32 `[N, F, num_coefficients]`.

    c_k = sqrt(2 / M) sum_j m_j cos(pi k (j + 1/2) / M), The HTK Book, equation 5.14, with k from 0: a DCT-II.

    Args:
        spectra: The result of `log_mel`, `[N, F, M]`.
        num_coefficients: at most M.

    Raises:
        DataError: more coefficients than filters.
    """
    num_mels = spectra.shape[-1]
    if not 0 < num_coefficients <= num_mels:
        raise DataError(
            "MFCC",
            found=f"{num_coefficients} coefficients of {num_mels} mel filters",
            expected=f"1 to {num_mels}",
            next_step="ask for fewer coefficients, or use more filters",
        )
    angles = np.pi / num_mels * np.outer(np.arange(num_mels) + 0.5, np.arange(num_coefficients))
    return np.asarray((spectra @ (math.sqrt(2.0 / num_mels) * np.cos(angles))).astype(np.float32))
