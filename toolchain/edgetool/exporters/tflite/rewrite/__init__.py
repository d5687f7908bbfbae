"""Rewrites of a converted TFLite file that keep what it computes."""
