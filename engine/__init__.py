"""Draw an Audio, the engine: a cue goes in, a take comes out. It has never heard of OSC, MIDI or a DAW."""
