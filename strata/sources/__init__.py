"""Where data sets come from: the catalogue, mirrors, packages, and data of one's own."""
