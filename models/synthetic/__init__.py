"""The big synthetic model: random weights in the shape of a real Mixture-of-Experts model, for benchmarks."""
