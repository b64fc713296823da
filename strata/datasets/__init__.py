"""Data sets as four IDX files: the catalogue, their sources, the file format, the loaded images."""
