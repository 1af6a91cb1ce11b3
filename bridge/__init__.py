"""Hosts, files and the command line around the engine; no tensor is touched here."""
