"""The whole way of `edgetool compress`: stages, resume, decision."""
