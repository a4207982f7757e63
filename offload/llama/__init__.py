"""Typed wrappers over llama.cpp: model, vocabulary, context, sampling, chat templates."""
