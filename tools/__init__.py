"""Scripts that the Makefile calls to keep the project's own files up to date."""
