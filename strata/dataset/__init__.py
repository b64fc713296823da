"""A data set as the stages read it: four IDX files and their description."""
