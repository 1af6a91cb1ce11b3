"""MIDI: where the transport is, what a controller draws, and which key means what.

Everything here works on mido messages and a clock reading in seconds; only `bridge.midi.door` opens ports.
"""
