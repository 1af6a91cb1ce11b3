"""Training: data, procedural Foley, and the loops that make `engine/weights/`."""
