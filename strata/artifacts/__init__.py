"""What a run leaves on disk: how each artifact is written and read, and which belong together."""
