"""Maps of layers: reduction, t-SNE and its engines, alignment."""
