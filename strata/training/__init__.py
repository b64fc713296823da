"""The network's training, and its summary."""
