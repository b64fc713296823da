"""Speed and memory, against the common way and the machine's own limits, in one run: `make bench`."""
