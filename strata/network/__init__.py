"""The network: made, given images, observed, loaded from a checkpoint."""
