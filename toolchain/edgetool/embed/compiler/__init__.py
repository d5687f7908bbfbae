"""From a TFLite graph to a program of kernel calls."""
