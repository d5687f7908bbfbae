"""Importers: a model file becomes a tf_keras model."""
