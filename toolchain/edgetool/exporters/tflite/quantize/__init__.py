"""Quantisation of TFLite files: calibration and weights."""
