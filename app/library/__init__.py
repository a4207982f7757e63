"""The page of models: `readings` say what is shown, widgets paint it, `page` connects them."""
