"""Models that belong to the project: the demo with its recipe, and recipes of big models for benchmarks."""
