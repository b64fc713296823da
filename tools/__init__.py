"""What the Makefile calls to keep the project's files in step: no stage, and no test."""
