"""The chat: transcript, composer and list of conversations."""
