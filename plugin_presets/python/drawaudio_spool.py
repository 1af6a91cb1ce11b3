"""Talk to the Draw an Audio service through its folders, for hosts whose Python has nothing but its standard library.

Requests go into `inbox/` of the service's session folder, answers come as `outbox/REQUEST.json` (see docs/osc.md).
"""

import json
import os
import time
import uuid

NOT_RUNNING = "The Draw an Audio service is not running: start it in a terminal with `drawaudio serve`."
ANSWER_WITHIN_S = 5.0


class DrawAudioError(Exception):
    """What went wrong, as one line for the designer."""


def service():
    """What the running service says of itself (session, port, token, ...). Raises DrawAudioError."""
    home = os.environ.get("DRAWAUDIO_HOME") or os.path.join(os.path.expanduser("~"), ".drawaudio")
    try:
        with open(os.path.join(home, "service.json"), encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):
        raise DrawAudioError(NOT_RUNNING) from None
    if not isinstance(found, dict) or "session" not in found:
        raise DrawAudioError(NOT_RUNNING)
    return found


class Request:
    """One thing asked for. `poll()` gives the takes that got ready since the last call, for `regenerate` and `keep`.

    `context` is the caller's own: it is kept beside the request and not looked at.
    """

    def __init__(self, host, body, context=None, clock=time.monotonic):
        self.id = f"{host}-{uuid.uuid4().hex}"
        self.context = context
        self.open = True
        self.done = 0.0
        self.stage = ""
        found = service()
        self._session = found["session"]
        self._origin = {"session": found["session"], "session_id": found.get("session_id")}
        self._seen = 0
        self._text = None
        self._clock = clock
        self._sent = clock()
        self._put(self.id, body)

    def poll(self):
        """New takes as dicts (take, path, start_samples, rate, samples, channels, seed, session, session_id).

        Raises DrawAudioError.
        """
        if not self.open:
            return []
        answer = self._answer()
        if answer is None:
            return []
        self.done, self.stage = answer.get("done", 0.0), answer.get("stage", "")
        takes = answer.get("takes", [])
        fresh, self._seen = takes[self._seen :], len(takes)
        state = answer.get("state")
        self.open = state in ("queued", "running")
        if state in ("failed", "refused"):
            raise DrawAudioError(answer.get("text") or "the service gave no reason")
        return [{**take, **self._origin} for take in fresh]

    def cancel(self):
        """Give the request up, wherever it has got to."""
        self.open = False
        if not self._take_back():
            self._put(f"{self.id}-cancel", {"verb": "job/cancel", "job": self.id})

    def _take_back(self):
        """Remove the request from the inbox; whether it still lay there."""
        try:
            os.remove(self._path("inbox", self.id))
        except OSError:
            return False
        return True

    def _answer(self):
        text = self._read_text()
        if text is None and self._clock() - self._sent > ANSWER_WITHIN_S:
            self.open = False
            self._take_back()  # a service that starts later must not make what nobody waits for any more
            service()
            raise DrawAudioError("The Draw an Audio service does not answer: look at its terminal.")
        if text is None or text == self._text:
            return None
        self._text = text
        return json.loads(text)

    def _read_text(self):
        try:
            with open(self._path("outbox", self.id), encoding="utf-8") as file:
                return file.read()
        except OSError:
            return None

    def _path(self, folder, name):
        return os.path.join(self._session, folder, name + ".json")

    def _put(self, name, body):
        path = self._path("inbox", name)
        try:
            with open(path + ".new", "w", encoding="utf-8") as file:
                json.dump(body, file)
            os.replace(path + ".new", path)
        except OSError as error:
            raise DrawAudioError(f"Cannot write {path}: {error.strerror}.") from error


def cue(text, track, start_samples, rate, duration_s, loudness=None, markers=(), video=None):
    """A cue as the service reads it; without lane and picture it is loose, at the reference level."""
    made = {
        "version": 1,
        "marker": text,
        "track": track,
        "markers": list(markers),
        "start": {"samples": start_samples, "rate": rate},
        "duration_s": duration_s,
    }
    if video:
        made["video"] = video
    if loudness:
        made["loudness"] = loudness
    elif not video:
        made["loudness"] = {"domain": "db", "follow": "loose", "points": [{"time_s": 0, "value": 0}]}
    return made


def regenerate(take, start_s=None, end_s=None):
    """The body that asks for a take's cue with the next seed; with a part (seconds from its start) only that part."""
    body = {"verb": "take/regenerate", "take": _id_of(take)}
    if start_s is not None:
        body.update(start_s=start_s, end_s=end_s)
    return body


def keep(take):
    """The body that marks a take as kept."""
    return {"verb": "take/keep", "take": _id_of(take)}


def _id_of(take):
    """Raises DrawAudioError where another session is served by now: there the id names another sound."""
    if take["session_id"] != service().get("session_id"):
        text = "This take was made in {}: run `drawaudio serve` there, or use Generate."
        raise DrawAudioError(text.format(take["session"]))
    return take["take"]
