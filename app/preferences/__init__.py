"""The preferences: the dialog in which a person changes the settings."""
