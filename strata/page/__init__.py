"""The HTML report: a template and what fills it."""
