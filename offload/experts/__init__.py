"""Experts: their names, where their bytes lie on disk, and how they are read. Knows neither ggml nor routing."""
