"""Draw an Audio for Ableton Live 12: a Remote Script, chosen as a control surface in Live's settings."""

from .surface import DrawAnAudio


def create_instance(c_instance):
    return DrawAnAudio(c_instance)
