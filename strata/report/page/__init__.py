"""The page: its data, template, style and script."""
