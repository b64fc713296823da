"""Training the network, and its summary."""
