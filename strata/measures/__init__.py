"""What each layer knows, in numbers from its full space: pure functions of arrays, one noun a module."""
