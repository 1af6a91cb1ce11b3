"""How good it is: figures, tables, and the detectors they rest on."""
