"""Functions from data to matplotlib figures."""
