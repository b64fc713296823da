"""Speed and memory compared with the common way and with the machine's limits, in one run: `make bench`."""
