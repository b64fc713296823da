"""Maps of layers: reduction, t-SNE and its engines, UMAP, PaCMAP, alignment."""
