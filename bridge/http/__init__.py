"""HTTP door: read-only OSCQuery."""
