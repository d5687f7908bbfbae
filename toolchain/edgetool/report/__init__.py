"""Reports: HTML, Markdown, CSV, JSON from a run folder."""
