"""What `make export` writes for other tools: one file a form, from the same artifacts."""
