"""Functions that draw data as matplotlib figures."""
