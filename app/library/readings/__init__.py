"""From what is known of model files to what the page of models shows: frozen values and pure functions."""
