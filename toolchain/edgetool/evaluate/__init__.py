"""Task metrics on artefacts, measured with the file itself."""
