"""Kernels chosen by the target's processor."""
