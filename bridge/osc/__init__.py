"""OSC door: one spec table (`spec.py`) from which decoding, checking, the reference page and OSCQuery all come."""
