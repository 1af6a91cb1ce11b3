"""What can keep the engine from making a take."""


class MissingModel(RuntimeError):
    """Weights that are absent or not what they should be; the message is one line with the mend."""


class Cancelled(Exception):
    """The take was cancelled before it was whole."""
