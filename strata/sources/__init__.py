"""Where data sets come from: the catalogue, mirrors, packages, and user data."""
