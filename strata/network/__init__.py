"""The network: making it, loading its weights, running images through it, and capturing its layers."""
