"""The operators of `keras.ops` that a Keras 3 graph may hold, and what tf_keras has in their place. One table.

Operators are named by Keras' classes (`keras.ops.add` leaves an `Add` in the graph). Some become a layer, because
passes know layers and quantise them. The others are computed by Keras' TensorFlow implementation (`passes.carried`),
`TENSORFLOW` in the table; `keras3_functions` has some of them in another form.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras
    import tf_keras
    from keras.src.ops.node import Node

__all__ = ["OPERATORS", "REFUSED", "TENSORFLOW", "Maker", "as_layer"]

#: Gets the node of an operator and a name; returns a tf_keras layer, or None where no layer does the same.
Maker = Callable[[Any, str], Any]

#: Keras' own TensorFlow implementation computes it.
TENSORFLOW: Maker | None = None


def as_layer(node: Node, name: str) -> tf_keras.layers.Layer | None:
    """Return a tf_keras layer that does what an operator does, called on the tensors of the node; None: there is none.

    Args:
        node: A node of a Keras 3 graph.
        name: The name of the layer.
    """
    maker = OPERATORS.get(type(node.operation).__name__)
    return None if maker is None else maker(node, name)


def _tensors(node: Node) -> list[keras.KerasTensor]:
    return list(node.input_tensors)


def _is_float(node: Node) -> bool:
    tensors = (*node.input_tensors, *node.outputs)
    return all(tensor.dtype == "float32" for tensor in tensors)


def _argument(node: Node, name: str, position: int, default: object = None) -> Any:
    """Return an argument of an operator, given to its constructor or to its call."""
    arguments = node.arguments
    if name in arguments.kwargs:
        return arguments.kwargs[name]
    if len(arguments.args) > position:
        return arguments.args[position]
    return getattr(node.operation, name, default)


def _merge(kind: str) -> Maker:
    """Return what makes a layer of elements: `kind` of two tensors of one rank, which no constant is among."""

    def make(node: Node, name: str) -> tf_keras.layers.Layer | None:
        import tf_keras

        tensors = _tensors(node)
        ranks = {len(tensor.shape) for tensor in tensors}
        if len(tensors) != 2 or len(ranks) != 1 or ranks == {0} or not _is_float(node):
            return None
        batches = {tensor.shape[0] for tensor in tensors}
        return getattr(tf_keras.layers, kind)(name=name) if batches == {None} else None

    return make


def _activation(kind: str, **attributes: object) -> Maker:
    """Return what makes an activation layer where the operator's attributes are those of Keras' activation."""

    def make(node: Node, name: str) -> tf_keras.layers.Layer | None:
        import tf_keras

        alike = all(getattr(node.operation, key, value) == value for key, value in attributes.items())
        if not alike or not _is_float(node) or len(node.input_tensors[0].shape) < 2:
            return None
        return tf_keras.layers.Activation(kind, name=name)

    return make


def _concatenate(node: Node, name: str) -> tf_keras.layers.Layer | None:
    import tf_keras

    axis = node.operation.axis
    given = node.arguments.args[0] if node.arguments.args else node.arguments.kwargs.get("xs", ())
    rank = len(node.outputs[0].shape)
    if axis is None or not _is_float(node) or len(given) != len(_tensors(node)) < 2 or rank < 2 or axis % rank == 0:
        return None
    return tf_keras.layers.Concatenate(axis=axis, name=name)


def _reshape(node: Node, name: str) -> tf_keras.layers.Layer | None:
    """Make a Reshape of anything that only arranges the elements of each sample anew."""
    import tf_keras

    tensors, made = _tensors(node), node.outputs[0]
    if len(tensors) != 1 or not tensors[0].shape or not made.shape:
        return None
    given, wanted = tuple(tensors[0].shape), tuple(made.shape)
    if given[0] is not None or wanted[0] is not None or None in given[1:] or None in wanted[1:]:
        return None
    if math.prod(given[1:]) != math.prod(wanted[1:]):
        return None
    return tf_keras.layers.Reshape(wanted[1:], name=name)


def _transpose(node: Node, name: str) -> tf_keras.layers.Layer | None:
    import tf_keras

    axes, rank = _argument(node, "axes", 1), len(node.outputs[0].shape)
    if axes is None or rank < 3 or axes[0] != 0 or min(axes) < 0:
        return None
    return tf_keras.layers.Permute(tuple(axes[1:]), name=name)


def _pooling(kind: str) -> Maker:
    """Return what makes a pooling layer of a reduction over all positions of `[N, L, C]` or `[N, H, W, C]`."""

    def make(node: Node, name: str) -> tf_keras.layers.Layer | None:
        import tf_keras

        shape = tuple(node.input_tensors[0].shape)
        axis = node.operation.axis
        axes = [axis] if isinstance(axis, int) else list(axis or ())
        positions = list(range(1, len(shape) - 1))
        if len(shape) not in (3, 4) or not _is_float(node) or sorted(a % len(shape) for a in axes) != positions:
            return None
        if shape[0] is not None or None in shape[1:]:
            return None
        layer = getattr(tf_keras.layers, f"Global{kind}Pooling{len(shape) - 2}D")
        return layer(keepdims=bool(node.operation.keepdims), name=name)

    return make


def _pad(node: Node, name: str) -> tf_keras.layers.Layer | None:
    import tf_keras

    operation = node.operation
    width, shape = operation.pad_width, node.input_tensors[0].shape
    constant = _argument(node, "constant_values", 1, 0)
    zeros = operation.mode == "constant" and (constant is None or constant == 0)
    if not zeros or len(shape) != 4 or len(width) != 4 or not _is_float(node) or any(width[0]) or any(width[3]):
        return None
    return tf_keras.layers.ZeroPadding2D((tuple(width[1]), tuple(width[2])), name=name)


#: Operators that Keras' own TensorFlow implementation computes, by subject.
_BY_TENSORFLOW = """
Abs Absolute Angle Arccos Arccosh Arcsin Arcsinh Arctan Arctan2 Arctanh Cbrt Ceil Clip Conj Conjugate Copy Cos
Cosh Deg2rad Divide DivideNoNan Exp Exp2 Expm1 Fabs Floor FloorDivide Fmax Fmin Fmod Heaviside Hypot I0 Imag
Ldexp Log Log10 Log1p Log2 Logaddexp Logaddexp2 Mod NanToNum Negative Power Rad2deg Real Reciprocal Round Sign
Signbit Sin Sinc Sinh Sqrt Square Tan TrueDivide Trunc

All AllClose Any BitwiseAnd BitwiseInvert BitwiseLeftShift BitwiseNot BitwiseOr BitwiseRightShift BitwiseXor
Equal Greater GreaterEqual Isclose Isfinite Isinf Isnan Isneginf Isposinf Isreal LeftShift Less LessEqual
LogicalAnd LogicalNot LogicalOr LogicalXor NotEqual RightShift Select Where

Amin Argmax Argmin Average Correlate CountNonzero Cumprod Cumsum Digitize Logsumexp Median Min Moments Nanargmax
Nanargmin Nancumprod Nancumsum Nanmax Nanmean Nanmin Nanprod Nanstd Nansum Nanvar Percentile Prod Ptp Quantile
Std Sum Trapezoid Var

Append Argsort ArraySplit BroadcastTo Diag Diagflat Diagonal Diff Dsplit Dstack Flip Fliplr Flipud FullLike
GetItem Hsplit Hstack Meshgrid Moveaxis OnesLike Repeat Roll Rot90 SearchSorted Slice SliceUpdate Sort Split
Stack Swapaxes Take TakeAlongAxis Tile TopK Tril Triu Unstack Vander Vstack ZerosLike

Cholesky CholeskyInverse Cross Det Dot Eigh Einsum Inner Inv Logdet Matmul MatrixRank Norm Outer Pinv Slogdet
Solve SolveTriangular Tensordot Trace Vdot

CDist Cast ConvertToTensor Erf Erfc Erfinv ExtractSequences FFT FFT2 Fold IFFT2 IRFFT ISTFT InTopK IsIn Kron
RFFT Rsqrt STFT SaturateCast SegmentMax SegmentMin SegmentProd SegmentSum SobelEdges StopGradient Unfold

AdaptiveAveragePool AdaptiveMaxPool AveragePool BatchNorm BinaryCrossentropy CategoricalCrossentropy Celu Conv
DepthToSpace DepthwiseConv DotProductAttention Glu HardShrink HardSigmoid HardSilu HardTanh LayerNorm LeakyRelu
LogSigmoid LogSoftmax MaxPool MultiHot Normalize OneHot PSNR RMSNorm SeparableConv SoftShrink SpaceToDepth
SparseCategoricalCrossentropy SparsePlus SparseSigmoid Sparsemax Squareplus TanhShrink Threshold

AffineTransform CropImages ExtractPatches GaussianBlur HSVToRGB MapCoordinates PadImages RGBToGrayscale RGBToHSV
Resize
"""

#: Class of an operator -> what makes a layer of it, or `TENSORFLOW`.
OPERATORS: dict[str, Maker | None] = {
    **dict.fromkeys(_BY_TENSORFLOW.split(), TENSORFLOW),
    "Add": _merge("Add"),
    "Amax": _pooling("Max"),
    "Concatenate": _concatenate,
    "Elu": _activation("elu", alpha=1.0),
    "ExpandDims": _reshape,
    "Gelu": _activation("gelu", approximate=False),
    "Max": _pooling("Max"),
    "Maximum": _merge("Maximum"),
    "Mean": _pooling("Average"),
    "Minimum": _merge("Minimum"),
    "Multiply": _merge("Multiply"),
    "Pad": _pad,
    "Ravel": _reshape,
    "Relu": _activation("relu"),
    "Relu6": _activation("relu6"),
    "Reshape": _reshape,
    "Selu": _activation("selu"),
    "Sigmoid": _activation("sigmoid"),
    "Silu": _activation("swish"),
    "Softmax": _activation("softmax", axis=-1),
    "Softplus": _activation("softplus"),
    "Softsign": _activation("softsign"),
    "Squeeze": _reshape,
    "Subtract": _merge("Subtract"),
    "Tanh": _activation("tanh"),
    "Transpose": _transpose,
}

#: Operators that are not carried over: they run a function of the caller's, which no file holds; or give constants,
#: complex numbers, or shapes that depend on values; or Keras' TensorFlow implementation wants to know the batch.
_REFUSED_NAMES = """
AssociativeScan Cond ForiLoop Function JVP Map Scan Switch VectorizedMap WhileLoop Arange Argpartition Array
Bincount CTCDecode CTCLoss ConvTranspose Corrcoef Eig ElasticTransform EmptyLike Full Gcd Geomspace Histogram
Lcm Linspace Logspace Lstsq LuFactor Nanmedian Nanpercentile Nanquantile Ndim Nextafter Nonzero
PerspectiveTransform Polar Qr Rearrange SSIM SVD ScaleAndTranslate Scatter ScatterUpdate SegmentReduction Size
Unique UnravelIndex View ViewAsComplex ViewAsReal Vsplit
"""
REFUSED = frozenset(_REFUSED_NAMES.split())
