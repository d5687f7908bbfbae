"""Quantisation of ONNX files: calibration, rounding, scales and weights."""
