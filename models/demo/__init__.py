"""The demo model: a small Mixture-of-Experts language model and the recipe that trains it."""
