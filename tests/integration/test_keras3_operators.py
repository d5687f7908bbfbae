"""Every operator of the table gives in tf_keras what NumPy, or Keras itself, gives in float64."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edgetool.importers.keras3_operators import OPERATORS, REFUSED

pytestmark = pytest.mark.slow

#: x, y: `[N, 4, 6]`; vectors, wide: `[N, 4, 3]`; matrix: positive definite; image: `[N, 6, 6, 4]`;
#: codes, bits: integers; flags: truth values. A constant is written as an array, as users write it.
Row = Callable[[Any, Any], Any]

KERNEL = np.linspace(-1, 1, 3 * 3 * 4 * 4, dtype=np.float32).reshape(3, 3, 4, 4)

ROWS: dict[str, Row] = {
    "Abs": lambda k, t: k.abs(t.x - 0.5),
    "Absolute": lambda k, t: k.absolute(t.x - 0.5),
    "AdaptiveAveragePool": lambda k, t: k.adaptive_average_pool(t.image, (2, 3), data_format="channels_last"),
    "AdaptiveMaxPool": lambda k, t: k.adaptive_max_pool(t.image, (2, 3), data_format="channels_last"),
    "Add": lambda k, t: k.add(t.x, t.y),
    "All": lambda k, t: k.all(t.flags, axis=1),
    "AllClose": lambda k, t: k.allclose(t.x, t.x),
    "Amax": lambda k, t: k.amax(t.x, axis=1),
    "Amin": lambda k, t: k.amin(t.x, axis=1),
    "Any": lambda k, t: k.any(t.flags, axis=1),
    "Append": lambda k, t: k.append(t.x, t.y, axis=2),
    "Arccos": lambda k, t: k.arccos(t.x),
    "Arccosh": lambda k, t: k.arccosh(t.x + 1.0),
    "Arcsin": lambda k, t: k.arcsin(t.x),
    "Arcsinh": lambda k, t: k.arcsinh(t.x),
    "Arctan": lambda k, t: k.arctan(t.x),
    "Arctan2": lambda k, t: k.arctan2(t.x, t.y),
    "Arctanh": lambda k, t: k.arctanh(t.x),
    "Argmax": lambda k, t: k.argmax(t.x, axis=2),
    "Argmin": lambda k, t: k.argmin(t.x, axis=2),
    "Argsort": lambda k, t: k.argsort(t.x, axis=2),
    "ArraySplit": lambda k, t: k.array_split(t.x, 4, axis=2)[1],
    "Average": lambda k, t: k.average(t.x, axis=1, weights=np.arange(1.0, 5.0)),
    "AveragePool": lambda k, t: k.average_pool(t.image, 2, strides=2, padding="valid", data_format="channels_last"),
    "BitwiseAnd": lambda k, t: k.bitwise_and(t.codes, t.bits),
    "BitwiseInvert": lambda k, t: k.bitwise_invert(t.codes),
    "BitwiseLeftShift": lambda k, t: k.bitwise_left_shift(t.codes, t.bits),
    "BitwiseNot": lambda k, t: k.bitwise_not(t.codes),
    "BitwiseOr": lambda k, t: k.bitwise_or(t.codes, t.bits),
    "BitwiseRightShift": lambda k, t: k.bitwise_right_shift(t.codes, t.bits),
    "BitwiseXor": lambda k, t: k.bitwise_xor(t.codes, t.bits),
    "BroadcastTo": lambda k, t: k.broadcast_to(k.mean(t.x, axis=(0, 1, 2)), (4, 6)),
    "Cast": lambda k, t: k.cast(t.x * 9.0, "int32"),
    "Cbrt": lambda k, t: k.cbrt(t.x),
    "Ceil": lambda k, t: k.ceil(t.x * 3.0),
    "Celu": lambda k, t: k.celu(t.x - 0.5, 0.7),
    "Cholesky": lambda k, t: k.cholesky(t.matrix),
    "Clip": lambda k, t: k.clip(t.x, 0.3, 0.6),
    "Concatenate": lambda k, t: k.concatenate([t.x, t.y], axis=2),
    "Conj": lambda k, t: k.conj(t.x),
    "Conjugate": lambda k, t: k.conjugate(t.x),
    "Copy": lambda k, t: k.copy(t.x),
    "Cos": lambda k, t: k.cos(t.x),
    "Cosh": lambda k, t: k.cosh(t.x),
    "CountNonzero": lambda k, t: k.count_nonzero(t.codes, axis=1),
    "Cross": lambda k, t: k.cross(t.vectors, t.wide),
    "Cumprod": lambda k, t: k.cumprod(t.x, axis=1),
    "Cumsum": lambda k, t: k.cumsum(t.x, axis=1),
    "Deg2rad": lambda k, t: k.deg2rad(t.x),
    "Det": lambda k, t: k.det(t.matrix),
    "Diagonal": lambda k, t: k.diagonal(t.matrix, axis1=1, axis2=2),
    "Diff": lambda k, t: k.diff(t.x, axis=1),
    "Digitize": lambda k, t: k.digitize(t.x, np.array([0.2, 0.5])),
    "Divide": lambda k, t: k.divide(t.x, t.y),
    "DivideNoNan": lambda k, t: k.divide_no_nan(t.x, t.y - t.y),
    "Dot": lambda k, t: k.dot(t.x, np.arange(12.0).reshape(6, 2)),
    "Einsum": lambda k, t: k.einsum("nab,ncb->nac", t.x, t.y),
    "Elu": lambda k, t: k.elu(t.x - 0.5),
    "Equal": lambda k, t: k.equal(t.codes, 2),
    "Erf": lambda k, t: k.erf(t.x),
    "Erfinv": lambda k, t: k.erfinv(t.x),
    "Exp": lambda k, t: k.exp(t.x),
    "Exp2": lambda k, t: k.exp2(t.x),
    "ExpandDims": lambda k, t: k.expand_dims(t.x, 2),
    "Expm1": lambda k, t: k.expm1(t.x),
    "Fabs": lambda k, t: k.fabs(t.x - 0.5),
    "Flip": lambda k, t: k.flip(t.x, axis=1),
    "Fliplr": lambda k, t: k.fliplr(t.x),
    "Floor": lambda k, t: k.floor(t.x * 3.0),
    "FloorDivide": lambda k, t: k.floor_divide(t.codes, 2),
    "Fmax": lambda k, t: k.fmax(t.x, t.y),
    "Fmin": lambda k, t: k.fmin(t.x, t.y),
    "FullLike": lambda k, t: k.full_like(t.x, 2.0),
    "Gelu": lambda k, t: k.gelu(t.x - 0.5, approximate=False),
    "GetItem": lambda k, t: t.x[:, ::2, None, -1],
    "Glu": lambda k, t: k.glu(t.x - 0.5, axis=-1),
    "Greater": lambda k, t: k.greater(t.x, t.y),
    "GreaterEqual": lambda k, t: k.greater_equal(t.codes, 2),
    "HardShrink": lambda k, t: k.hard_shrink(t.x - 0.5, 0.2),
    "HardSigmoid": lambda k, t: k.hard_sigmoid(t.x * 9.0 - 4.5),
    "HardSilu": lambda k, t: k.hard_silu(t.x * 9.0 - 4.5),
    "HardTanh": lambda k, t: k.hard_tanh(t.x * 4.0 - 2.0),
    "Heaviside": lambda k, t: k.heaviside(t.x - 0.5, t.y),
    "Hstack": lambda k, t: k.hstack([t.x, t.y]),
    "Hypot": lambda k, t: k.hypot(t.x, t.y),
    "Inner": lambda k, t: k.inner(t.x, np.arange(6.0)),
    "Inv": lambda k, t: k.inv(t.matrix),
    "Isclose": lambda k, t: k.isclose(t.x, t.x),
    "Isfinite": lambda k, t: k.isfinite(t.x),
    "Isinf": lambda k, t: k.isinf(t.x),
    "Isnan": lambda k, t: k.isnan(t.x),
    "Isneginf": lambda k, t: k.isneginf(t.x),
    "Isposinf": lambda k, t: k.isposinf(t.x),
    "Isreal": lambda k, t: k.isreal(t.x),
    "LayerNorm": lambda k, t: k.layer_normalization(t.x, np.ones(6, "float32"), np.zeros(6, "float32"), epsilon=1e-3),
    "LeakyRelu": lambda k, t: k.leaky_relu(t.x - 0.5, 0.1),
    "LeftShift": lambda k, t: k.left_shift(t.codes, t.bits),
    "Less": lambda k, t: k.less(t.x, t.y),
    "LessEqual": lambda k, t: k.less_equal(t.codes, 2),
    "Log": lambda k, t: k.log(t.x),
    "Log10": lambda k, t: k.log10(t.x),
    "Log1p": lambda k, t: k.log1p(t.x),
    "Log2": lambda k, t: k.log2(t.x),
    "LogSigmoid": lambda k, t: k.log_sigmoid(t.x),
    "LogSoftmax": lambda k, t: k.log_softmax(t.x, axis=-1),
    "Logaddexp": lambda k, t: k.logaddexp(t.x, t.y),
    "Logaddexp2": lambda k, t: k.logaddexp2(t.x, t.y),
    "LogicalAnd": lambda k, t: k.logical_and(t.flags, t.x > 0.5),
    "LogicalNot": lambda k, t: k.logical_not(t.flags),
    "LogicalOr": lambda k, t: k.logical_or(t.flags, t.x > 0.5),
    "LogicalXor": lambda k, t: k.logical_xor(t.flags, t.x > 0.5),
    "Logsumexp": lambda k, t: k.logsumexp(t.x, axis=2),
    "Matmul": lambda k, t: k.matmul(t.matrix, t.x),
    "Max": lambda k, t: k.max(t.image, axis=(1, 2)),
    "MaxPool": lambda k, t: k.max_pool(t.image, 2, strides=2, padding="valid", data_format="channels_last"),
    "Maximum": lambda k, t: k.maximum(t.x, t.y),
    "Mean": lambda k, t: k.mean(t.image, axis=(1, 2)),
    "Median": lambda k, t: k.median(t.x, axis=2),
    "Meshgrid": lambda k, t: k.meshgrid(t.x[0, 0], t.y[0, 0])[1],
    "Min": lambda k, t: k.min(t.x, axis=1),
    "Minimum": lambda k, t: k.minimum(t.x, t.y),
    "Mod": lambda k, t: k.mod(t.codes, 3),
    "Moments": lambda k, t: k.moments(t.x, axes=[1])[1],
    "Moveaxis": lambda k, t: k.moveaxis(t.image, 1, 3),
    "MultiHot": lambda k, t: k.multi_hot(t.codes, 5, axis=-1),
    "Multiply": lambda k, t: k.multiply(t.x, t.y),
    "NanToNum": lambda k, t: k.nan_to_num(t.x),
    "Negative": lambda k, t: k.negative(t.x),
    "Norm": lambda k, t: k.norm(t.x, axis=2),
    "Normalize": lambda k, t: k.normalize(t.x, axis=-1),
    "NotEqual": lambda k, t: k.not_equal(t.codes, 2),
    "OneHot": lambda k, t: k.one_hot(t.codes, 5),
    "OnesLike": lambda k, t: k.ones_like(t.x),
    "Outer": lambda k, t: k.outer(t.x[0, 0], t.y[0, 0]),
    "Pad": lambda k, t: k.pad(t.image, ((0, 0), (1, 2), (0, 1), (0, 0))),
    "Percentile": lambda k, t: k.percentile(t.x, 30.0, axis=2),
    "Power": lambda k, t: k.power(t.x, t.y),
    "Prod": lambda k, t: k.prod(t.x, axis=1),
    "Ptp": lambda k, t: k.ptp(t.x, axis=1),
    "Quantile": lambda k, t: k.quantile(t.x, 0.3, axis=2),
    "RMSNorm": lambda k, t: k.rms_normalization(t.x, np.ones(6, "float32"), epsilon=1e-3),
    "RGBToGrayscale": lambda k, t: k.rgb_to_grayscale(t.image[..., :3], data_format="channels_last"),
    "Rad2deg": lambda k, t: k.rad2deg(t.x),
    "Real": lambda k, t: k.real(t.x),
    "Reciprocal": lambda k, t: k.reciprocal(t.x),
    "Relu": lambda k, t: k.relu(t.x - 0.5),
    "Relu6": lambda k, t: k.relu6(t.x * 9.0),
    "Repeat": lambda k, t: k.repeat(t.x, 2, axis=1),
    "Reshape": lambda k, t: k.reshape(t.x, (-1, 8, 3)),
    "RightShift": lambda k, t: k.right_shift(t.codes, t.bits),
    "Roll": lambda k, t: k.roll(t.x, 2, axis=1),
    "Rot90": lambda k, t: k.rot90(t.image, axes=(1, 2)),
    "Round": lambda k, t: k.round(t.x * 3.0),
    "Rsqrt": lambda k, t: k.rsqrt(t.x),
    "SaturateCast": lambda k, t: k.saturate_cast(t.x * 9.0, "int32"),
    "SearchSorted": lambda k, t: k.searchsorted(np.array([0.2, 0.5], "float32"), t.x[0, 0]),
    "Select": lambda k, t: k.select([t.flags, t.x > 0.5], [t.x, t.y], 0.0),
    "Selu": lambda k, t: k.selu(t.x - 0.5),
    "Sigmoid": lambda k, t: k.sigmoid(t.x),
    "Sign": lambda k, t: k.sign(t.x - 0.5),
    "Signbit": lambda k, t: k.signbit(t.x - 0.5),
    "Silu": lambda k, t: k.silu(t.x - 0.5),
    "Sin": lambda k, t: k.sin(t.x),
    "Sinc": lambda k, t: k.sinc(t.x),
    "Sinh": lambda k, t: k.sinh(t.x),
    "SoftShrink": lambda k, t: k.soft_shrink(t.x - 0.5, 0.2),
    "Softmax": lambda k, t: k.softmax(t.x, axis=-1),
    "Softplus": lambda k, t: k.softplus(t.x),
    "Softsign": lambda k, t: k.softsign(t.x),
    "Solve": lambda k, t: k.solve(t.matrix, t.x),
    "Sort": lambda k, t: k.sort(t.x, axis=2),
    "SparsePlus": lambda k, t: k.sparse_plus(t.x * 4.0 - 2.0),
    "SparseSigmoid": lambda k, t: k.sparse_sigmoid(t.x * 4.0 - 2.0),
    "Sparsemax": lambda k, t: k.sparsemax(t.x, axis=-1),
    "Split": lambda k, t: k.split(t.x, [1, 4], axis=2)[1],
    "Sqrt": lambda k, t: k.sqrt(t.x),
    "Square": lambda k, t: k.square(t.x),
    "Squareplus": lambda k, t: k.squareplus(t.x),
    "Squeeze": lambda k, t: k.squeeze(t.x[:, :1], 1),
    "Stack": lambda k, t: k.stack([t.x, t.y], axis=1),
    "Std": lambda k, t: k.std(t.x, axis=1),
    "Subtract": lambda k, t: k.subtract(t.x, t.y),
    "Sum": lambda k, t: k.sum(t.x, axis=1),
    "Swapaxes": lambda k, t: k.swapaxes(t.x, 1, 2),
    "Take": lambda k, t: k.take(t.x, np.array([2, 0]), axis=1),
    "TakeAlongAxis": lambda k, t: k.take_along_axis(t.x, t.codes[..., None], axis=2),
    "Tan": lambda k, t: k.tan(t.x),
    "Tanh": lambda k, t: k.tanh(t.x),
    "TanhShrink": lambda k, t: k.tanh_shrink(t.x),
    "Tensordot": lambda k, t: k.tensordot(t.x, np.arange(12.0).reshape(6, 2), 1),
    "Threshold": lambda k, t: k.threshold(t.x, 0.4, 0.1),
    "Tile": lambda k, t: k.tile(t.x, (1, 2, 3)),
    "TopK": lambda k, t: k.top_k(t.x, 2)[0],
    "Trace": lambda k, t: k.trace(t.matrix, axis1=1, axis2=2),
    "Transpose": lambda k, t: k.transpose(t.image, (0, 3, 1, 2)),
    "Trapezoid": lambda k, t: k.trapezoid(t.x, axis=1),
    "Tril": lambda k, t: k.tril(t.matrix),
    "Triu": lambda k, t: k.triu(t.matrix),
    "TrueDivide": lambda k, t: k.true_divide(t.x, t.y),
    "Trunc": lambda k, t: k.trunc(t.x * 3.0),
    "Unstack": lambda k, t: k.unstack(t.x, axis=1)[1],
    "Var": lambda k, t: k.var(t.x, axis=1),
    "Vdot": lambda k, t: k.vdot(t.x[0, 0], t.y[0, 0]),
    "Vstack": lambda k, t: k.vstack([t.x[0], t.y[0]]),
    "Where": lambda k, t: k.where(t.flags, t.x, 0.0),
    "ZerosLike": lambda k, t: k.zeros_like(t.x),
    "AffineTransform": lambda k, t: k.affine_transform(
        t.image, np.array([[1, 0, 1, 0, 1, 0, 0, 0]] * 3, "float32"), data_format="channels_last"
    ),
    "Angle": lambda k, t: k.angle(t.x - 0.5),
    "BatchNorm": lambda k, t: k.batch_normalization(t.x, np.ones(6, "float32"), np.full(6, 4.0, "float32"), -1),
    "BinaryCrossentropy": lambda k, t: k.binary_crossentropy(t.y, t.x),
    "CDist": lambda k, t: k.cdist(t.x, t.y),
    "CategoricalCrossentropy": lambda k, t: k.categorical_crossentropy(k.softmax(t.y), k.softmax(t.x)),
    "CholeskyInverse": lambda k, t: k.cholesky_inverse(t.matrix),
    "Conv": lambda k, t: k.conv(t.image, KERNEL, padding="valid", data_format="channels_last"),
    "ConvertToTensor": lambda k, t: k.convert_to_tensor(t.x),
    "Correlate": lambda k, t: k.correlate(t.x[0, 0], t.y[0, 0], mode="valid"),
    "CropImages": lambda k, t: k.crop_images(
        t.image, 1, 2, target_height=3, target_width=2, data_format="channels_last"
    ),
    "DepthToSpace": lambda k, t: k.depth_to_space(t.image, 2, data_format="channels_last"),
    "DepthwiseConv": lambda k, t: k.depthwise_conv(
        t.image, KERNEL[..., :1], padding="valid", data_format="channels_last"
    ),
    "Diag": lambda k, t: k.diag(t.x[0, 0]),
    "Diagflat": lambda k, t: k.diagflat(t.x[0, 0]),
    "DotProductAttention": lambda k, t: k.dot_product_attention(t.image, t.image, t.image),
    "Dsplit": lambda k, t: k.dsplit(t.x, 2)[1],
    "Dstack": lambda k, t: k.dstack([t.x, t.y]),
    "Eigh": lambda k, t: k.eigh(t.matrix)[0],
    "Erfc": lambda k, t: k.erfc(t.x),
    "ExtractPatches": lambda k, t: k.extract_patches(t.image, 2, padding="valid", data_format="channels_last"),
    "ExtractSequences": lambda k, t: k.extract_sequences(t.x, 3, 2),
    "FFT": lambda k, t: k.fft((t.x, t.y))[1],
    "FFT2": lambda k, t: k.fft2((t.x, t.y))[1],
    "Flipud": lambda k, t: k.flipud(t.x),
    "Fmod": lambda k, t: k.fmod(t.x, t.y),
    "Fold": lambda k, t: k.fold(k.unfold(t.image, 2, padding=1, stride=2), (6, 4), 2, padding=1, stride=2),
    "GaussianBlur": lambda k, t: k.gaussian_blur(t.image, (3, 3), (1.0, 1.0), data_format="channels_last"),
    "HSVToRGB": lambda k, t: k.hsv_to_rgb(t.image[..., :3], data_format="channels_last"),
    "Hsplit": lambda k, t: k.hsplit(t.x, 2)[1],
    "I0": lambda k, t: k.i0(t.x),
    "IFFT2": lambda k, t: k.ifft2((t.x, t.y))[0],
    "IRFFT": lambda k, t: k.irfft((t.x, t.y), fft_length=9),
    "ISTFT": lambda k, t: k.istft((t.x[..., :3], t.y[..., :3]), 4, 2, 4),
    "Imag": lambda k, t: k.imag(t.x),
    "InTopK": lambda k, t: k.in_top_k(t.codes[:, 0], t.y[:, 0], 2),
    "IsIn": lambda k, t: k.isin(t.codes, np.array([1, 3], "int32"), invert=True),
    "Kron": lambda k, t: k.kron(np.arange(6.0, dtype="float32").reshape(1, 2, 3), t.x),
    "Ldexp": lambda k, t: k.ldexp(t.x, t.x_codes),
    "Logdet": lambda k, t: k.logdet(t.matrix),
    "MapCoordinates": lambda k, t: k.map_coordinates(t.x[0], np.array([[0.5, 1.5], [2.0, 3.5]]), 1),
    "MatrixRank": lambda k, t: k.matrix_rank(t.matrix),
    "PSNR": lambda k, t: k.psnr(t.x, t.y, 1.0),
    "PadImages": lambda k, t: k.pad_images(t.image, 1, 2, 1, 0, data_format="channels_last"),
    "Pinv": lambda k, t: k.pinv(t.matrix),
    "RFFT": lambda k, t: k.rfft(t.x)[0],
    "RGBToHSV": lambda k, t: k.rgb_to_hsv(t.image[..., :3], data_format="channels_last"),
    "Ravel": lambda k, t: k.ravel(t.x),
    "Resize": lambda k, t: k.resize(t.image, (9, 3), antialias=False, data_format="channels_last"),
    "STFT": lambda k, t: k.stft(t.x, 4, 2, 4, window="hamming")[1],
    "SegmentMax": lambda k, t: k.segment_max(t.x[0], np.array([0, 0, 1, 1]), 2),
    "SegmentMin": lambda k, t: k.segment_min(t.x[0], np.array([0, 0, 1, 1]), 2),
    "SegmentProd": lambda k, t: k.segment_prod(t.x[0], np.array([0, 0, 1, 1]), 2),
    "SegmentSum": lambda k, t: k.segment_sum(t.x[0], np.array([0, 0, 1, 1]), 2),
    "SeparableConv": lambda k, t: k.separable_conv(
        t.image, KERNEL[..., :1], np.ones((1, 1, 4, 2), "float32"), padding="valid", data_format="channels_last"
    ),
    "Slice": lambda k, t: k.slice(t.x[0], (1, 2), (2, 3)),
    "SliceUpdate": lambda k, t: k.slice_update(t.x[0], (1, 2), t.y[0, :2, :3]),
    "Slogdet": lambda k, t: k.slogdet(t.matrix)[1],
    "SobelEdges": lambda k, t: k.sobel_edges(t.image, data_format="channels_last"),
    "SolveTriangular": lambda k, t: k.solve_triangular(k.tril(t.matrix), t.x, lower=True),
    "SpaceToDepth": lambda k, t: k.space_to_depth(t.image, 2, data_format="channels_last"),
    "SparseCategoricalCrossentropy": lambda k, t: k.sparse_categorical_crossentropy(t.codes, k.softmax(t.x)),
    "StopGradient": lambda k, t: k.stop_gradient(t.x),
    "Unfold": lambda k, t: k.unfold(t.image, (2, 3), dilation=2, padding=1),
    "Vander": lambda k, t: k.vander(t.x[0, 0], 3),
    **{
        f"Nan{name}": (lambda k, t, name=name: getattr(k, f"nan{name}")(t.x, axis=2))
        for name in ("argmax", "argmin", "cumprod", "cumsum", "max", "mean", "min", "prod", "std", "sum", "var")
    },
}


def _inputs() -> dict[str, np.ndarray]:
    random = np.random.default_rng(4)
    square = random.uniform(0.1, 0.9, (3, 4, 4))
    codes = random.integers(0, 5, (3, 4))
    return {
        "x": random.uniform(0.1, 0.9, (3, 4, 6)),
        "y": random.uniform(0.1, 0.9, (3, 4, 6)),
        "vectors": random.uniform(0.1, 0.9, (3, 4, 3)),
        "wide": random.uniform(0.1, 0.9, (3, 4, 3)),
        "matrix": square @ np.swapaxes(square, 1, 2) + np.eye(4),
        "image": random.uniform(0.1, 0.9, (3, 6, 6, 4)),
        "codes": codes.astype(np.int32),
        "bits": random.integers(1, 4, (3, 4)).astype(np.int32),
        "x_codes": random.integers(0, 3, (3, 4, 6)).astype(np.int32),
        "flags": random.random((3, 4, 6)) < 0.5,
    }


def _float64(value: Any) -> Any:
    import tensorflow as tf

    if not isinstance(value, np.ndarray):
        return value
    return tf.constant(value.astype("float64") if value.dtype.kind == "f" else value)


class _Float64:
    """NumPy by the names of `keras.ops`; what it does not have, Keras computes in float64."""

    @staticmethod
    def in_top_k(targets: Any, predictions: Any, k: int) -> Any:
        """Compute what TensorFlow has in float32 alone."""
        return (predictions > np.take_along_axis(predictions, targets[:, None], axis=1)).sum(axis=1) < k

    def __getattr__(self, name: str) -> Any:
        import tensorflow as tf

        theirs, own = getattr(np, name, None), getattr(_Ops(), name)

        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return theirs(*args, **kwargs)
            except TypeError:  # no such function, or other arguments
                args, kwargs = tf.nest.map_structure(_float64, (args, kwargs))
                return tf.nest.map_structure(np.asarray, own(*args, **kwargs))

        return call


class _Ops:
    """`keras.ops` with what `keras.ops.image` and the like hold."""

    def __getattr__(self, name: str) -> Any:
        import keras

        for module in (keras.ops, keras.ops.image, keras.ops.linalg, keras.ops.nn):
            if hasattr(module, name):
                return getattr(module, name)
        raise AttributeError(name)


@pytest.fixture(scope="module")
def carried() -> dict[str, Any]:
    """Outputs of every row, by one model; a row that Keras cannot trace or that is refused is its error."""
    import keras

    from edgetool.importers.keras3 import carry_over

    arrays = {name: array.astype("float32") if array.dtype == "float64" else array for name, array in _inputs().items()}
    inputs = {name: keras.Input(array.shape[1:], dtype=str(array.dtype), name=name) for name, array in arrays.items()}
    given = SimpleNamespace(**inputs)
    outputs = {name: row(_Ops(), given) for name, row in ROWS.items()}
    rebuilt = carry_over(keras.Model(list(inputs.values()), list(outputs.values())))
    return dict(zip(outputs, rebuilt(list(arrays.values()), training=False), strict=True))


@pytest.mark.parametrize("name", ROWS)
def test_an_operator_gives_what_numpy_gives(carried: dict[str, Any], name: str) -> None:
    expected = np.asarray(ROWS[name](_Float64(), SimpleNamespace(**_inputs())))
    found = np.asarray(carried[name])
    assert found.shape == expected.shape
    assert np.allclose(found.astype("float64"), expected.astype("float64"), rtol=2e-4, atol=2e-5), name


def test_the_table_has_a_row_for_every_operator_of_keras() -> None:
    from keras.src.ops.operation import Operation

    waiting, kinds = [Operation], set()
    while waiting:
        for kind in waiting.pop().__subclasses__():
            if kind.__module__.startswith("keras.src.ops."):
                kinds.add(kind.__name__)
                waiting.append(kind)
    assert kinds == set(OPERATORS) | REFUSED and not set(OPERATORS) & REFUSED
    assert set(OPERATORS) == set(ROWS)
