"""Rewrites of a float ONNX graph that keep what it computes."""
