"""The sound front end against formulas written out, SciPy's transforms and sounds whose spectrum is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.fft
import scipy.signal

from edgetool.data.audio import LOG_FLOOR, MelSettings, cut_frames, hz_to_mel, log_mel, mel_filters, mfcc, to_waveform
from edgetool.errors import DataError

SMALL = MelSettings(sample_rate_hz=8_000, frame_s=0.004, step_s=0.002, num_mels=5, low_hz=100.0, high_hz=4_000.0)


def _noise(clips: int, samples: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1.0, 1.0, (clips, samples)).astype(np.float32)


def test_mlperf_settings_give_49_frames_of_a_second() -> None:
    settings = MelSettings()
    assert (settings.frame_samples, settings.step_samples, settings.fft_samples) == (480, 320, 512)
    assert mfcc(log_mel(_noise(2, 16_000), settings), 10).shape == (2, 49, 10)


def test_frames_overlap_and_an_incomplete_one_is_left_out() -> None:
    frames = cut_frames(np.arange(11.0)[None], 4, 3)
    np.testing.assert_array_equal(frames[0], [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]])


def test_the_mel_scale_is_htks() -> None:
    assert hz_to_mel(0.0) == 0.0
    assert hz_to_mel(1_000.0) == pytest.approx(1127.0 * math.log(1.0 + 1_000.0 / 700.0), rel=1e-4)
    assert hz_to_mel(6_300.0) == pytest.approx(2595.0)


def test_filters_are_triangles_between_their_neighbours_centres() -> None:
    settings = MelSettings(sample_rate_hz=8_000, num_mels=3, low_hz=0.0, high_hz=4_000.0)
    filters = mel_filters(settings)
    edges = [float(hz_to_mel(4_000.0)) * i / 4 for i in range(5)]
    for bin_index in (1, 17, 60, 127, 128):
        mel = float(hz_to_mel(bin_index * 8_000 / 256))
        for index in range(3):
            low, centre, high = edges[index : index + 3]
            wanted = max(0.0, min((mel - low) / (centre - low), (high - mel) / (high - centre)))
            assert filters[bin_index, index] == pytest.approx(wanted, abs=1e-12)
    assert not filters[0].any()
    inside = [i for i in range(1, 129) if edges[1] <= float(hz_to_mel(i * 8_000 / 256)) <= edges[3]]
    np.testing.assert_allclose(filters[inside].sum(axis=1), 1.0)  # neighbours share each bin between them


def test_log_mel_is_its_formula() -> None:
    waves = _noise(2, 100)
    found = log_mel(waves, SMALL)
    assert found.shape == (2, 5, 5) and found.dtype == np.float32
    window = scipy.signal.get_window("hann", 32)  # periodic
    spectrum = np.abs(scipy.fft.rfft(waves[1, 16:48].astype(np.float64) * window, 32))
    np.testing.assert_allclose(found[1, 1], np.log(spectrum @ mel_filters(SMALL) + LOG_FLOOR), rtol=1e-5)


def test_a_tone_is_loudest_in_the_filter_around_it() -> None:
    settings = MelSettings(sample_rate_hz=8_000)
    edges = np.linspace(hz_to_mel(20.0), hz_to_mel(4_000.0), 42)
    for hertz in (300.0, 1_000.0, 2_500.0):
        tone = 0.5 * np.sin(2.0 * np.pi * hertz * np.arange(8_000) / 8_000)[None]
        found = log_mel(tone.astype(np.float32), settings).mean(axis=1)[0]
        nearest = int(np.abs(edges[1:-1] - hz_to_mel(hertz)).argmin())
        assert abs(int(found.argmax()) - nearest) <= 1


def test_more_clips_than_are_transformed_at_once_give_the_same() -> None:
    waves = _noise(300, 64)
    np.testing.assert_array_equal(log_mel(waves, SMALL)[290:], log_mel(waves[290:], SMALL))


def test_silence_is_finite() -> None:
    found = log_mel(np.zeros((1, 64), np.float32), SMALL)
    np.testing.assert_allclose(found, math.log(LOG_FLOOR), rtol=1e-6)


def test_mfcc_is_scipys_dct_but_for_the_first_coefficient() -> None:
    spectra = np.random.default_rng(1).normal(size=(3, 4, 12))
    wanted = scipy.fft.dct(spectra, type=2, norm="ortho", axis=-1)[..., :6]
    wanted[..., 0] *= math.sqrt(2.0)  # HTK does not shorten it
    np.testing.assert_allclose(mfcc(spectra, 6), wanted, rtol=1e-5, atol=1e-6)


def test_integers_become_shares_of_full_scale() -> None:
    np.testing.assert_array_equal(to_waveform(np.array([[-32768, 0, 16384]], np.int16)), [[-1.0, 0.0, 0.5]])
    given = np.array([[0.25, -1.0]], np.float64)
    np.testing.assert_array_equal(to_waveform(given), given)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros((2, 3), np.int32), "int32 of shape"),
        (np.zeros(3, np.int16), r"shape \[3\]"),
        (np.full((1, 2), 300.0), "magnitudes up to 300"),
        (np.full((1, 2), np.nan), "magnitudes up to nan"),
    ],
)
def test_what_is_no_sound_is_refused(samples: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        to_waveform(samples)


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(DataError, match="one frame"):
        log_mel(_noise(1, 20), SMALL)
    with pytest.raises(DataError, match="half the sample rate"):
        mel_filters(MelSettings(sample_rate_hz=8_000, high_hz=5_000.0))
    with pytest.raises(DataError, match="between two frequencies of the FFT, the first 4"):
        mel_filters(MelSettings(sample_rate_hz=8_000, num_mels=128))
    with pytest.raises(DataError, match="11 coefficients of 10"):
        mfcc(np.zeros((1, 1, 10)), 11)
