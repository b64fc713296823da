"""Strata: what every layer of a neural network represents. The library that the stages share."""
