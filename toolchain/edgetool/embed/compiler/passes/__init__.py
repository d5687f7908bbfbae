"""Passes over a graph or a program, one technique a module."""
