"""The gauges beside the chat: `readings` say what is shown, `widgets` paint it, `panel` connects the two."""
