"""Models from the Hugging Face hub: what is asked for, what is there, how it comes here whole."""
