"""`docs/osc.md` from the spec table: `python -m bridge.osc.reference > docs/osc.md`."""

from bridge.osc.spec import (
    CODES,
    COLUMNS,
    DEFAULT_HTTP_PORT,
    DEFAULT_PORT,
    INCOMING,
    MAX_CHUNK_POINTS,
    OUTGOING,
    Argument,
    Verb,
)

INTRODUCTION = (
    f"""# OSC reference

*Generated from `bridge/osc/spec.py` by `python -m bridge.osc.reference`; do not edit.*

`drawaudio serve` listens on 127.0.0.1, port {DEFAULT_PORT}, over UDP and over TCP (length-prefixed as in OSC 1.0 or
SLIP as in
OSC 1.1, told apart by the first byte). The same table is served as OSCQuery at
`http://127.0.0.1:{DEFAULT_HTTP_PORT}/`.

**Where the service is.** `drawaudio serve` writes `~/.drawaudio/service.json` (readable by its owner only; another
folder with
the environment variable `DRAWAUDIO_HOME`), one key per line: `token`, `host`, `port` (UDP and TCP), `http_port`,
`session` (absolute
path of the session folder), `pid`. The file is removed when the service ends.

**Token and request id.** Every verb but `status` carries the token first. Verbs that do something carry a request
id of your
choice second (letters, digits, `_ - .`, at most 64): sent again, it changes nothing and is answered as before, so a
message that was
not answered can simply be sent again. The same id with other contents is refused (`conflict`); a request that was
refused may be mended
and sent again under its id.

**Answers** go to the address and port the message came from (over TCP: down the same connection). For a program
that can send but
not receive, everything is also written as `outbox/REQUEST.json` in the session folder, see below.

**Types.** Incoming verbs use only `s i f d`. Any number type is accepted for any number (`i` needs a whole one);
send sample
positions as `d`, never as `f`. A bundle is carried out at once, in order, whatever its time tag. Address patterns
are refused.

## Cue JSON over the wire

The JSON of a cue file, with these keys in addition:

| key | meaning |
|---|---|
| `"loudness": {{"curve": "ID"}}` | a curve sent before in chunks, or captured; also inside `sources` |
| `"marker": "TEXT"` | a region's name in marker grammar; its track's `TRACK: ` and the `>` of a pair are left out |
| `"markers": [{{"time_s": 1.5, "text": "@box 0 0 1 0.5"}}]` | plain markers inside the span: masks from there on |
| `"track": "NAME"` | the track's name: it is the prompt where neither `prompt` nor `marker` gives one |

Paths (`video.path`, masks) resolve under the session folder or a folder named by `serve --allow-folder`.

## Curves

At most {MAX_CHUNK_POINTS} points a chunk, layouts:

| columns | types of one point |
|---|---|
"""
    + "\n".join(f"| `{name}` | `{''.join(types)}` |" for name, types in COLUMNS.items())
    + """

A value of NaN is undrawn until the next point, −inf is silence. Shapes: `linear`, `hold`, `slow`, `fast_start`,
`fast_end`, `bezier`, `cubic`.
The checksum is the CRC-32 (as in zlib and PNG) over all points in order; each counts as time, value, tension as
big-endian doubles
(tension 0 where the layout has none), the shape's name (`linear` where the layout has none), then the control
values of the
widest layout; NaN counts as `7F F8 00 00 00 00 00 00`. In Lua 5.3, for the layout `time value`:

```lua
local function crc32(crc, s)                       -- start with 0
  crc = crc ~ 0xFFFFFFFF
  for k = 1, #s do
    crc = crc ~ s:byte(k)
    for _ = 1, 8 do crc = (crc >> 1) ~ (0xEDB88320 & -(crc & 1)) end
  end
  return crc ~ 0xFFFFFFFF
end
local nan = "\\x7F\\xF8\\0\\0\\0\\0\\0\\0"
local function double(x) return x ~= x and nan or string.pack(">d", x) end
local function point(t, v) return double(t) .. double(v) .. double(0) .. "linear" end
-- checksum = string.format("%08x", crc over all points)
```

Send `curve/begin`, the chunks, `curve/end`; then `cue/submit` with `"loudness": {"curve": "ID"}`. If the curve is
not whole by then, the
answer is `unknown_curve`; send what is missing, then submit again.

## Outbox and inbox

For hosts that cannot open sockets, or cannot receive. All files are written under another name and then renamed.

`outbox/REQUEST.json` is written for every request with an id, and when its job gets on. One key per line; requests
that make no job
have `request`, `state` (`done` or `refused`), `code`, `text` and what `ack` says:

```
{
 "request": "r1",
 "job": "j12",
 "state": "running",            queued · running · done · failed · cancelled · refused
 "done": 0.42,
 "stage": "sampling",
 "code": "",                    error code where it failed or was refused
 "text": "",                    what, where, how to mend it
 "cue": "c9",
 "takes": [
  {
   "take": "t34",
   "path": "/…/takes/footsteps_take01_seed7.wav",
   "start_samples": 480000,
   "rate": 48000,
   "samples": 96000,
   "channels": 1,
   "seed": 7
  }
 ]
}
```

`outbox/current.json` names the current take in the same form (`"take": {…}`) and changes with `take/next`,
`take/pick` and with every new take.

A cue file dropped into `inbox/NAME.json` becomes a job whose request id is NAME (letters, digits, `_ - .`); the
extra keys above are understood. Any other verb:

```json
{"verb": "take/regenerate", "take": "t34", "start_s": 1.0, "end_s": 2.0}
```

with arguments named as below, without token and request. A file that is taken disappears from `inbox/`; one that
cannot be read
goes to `inbox/refused/`, with the reason in `outbox/NAME.json`. A name may be used again.
"""
)


def reference() -> str:
    """The whole page as Markdown."""
    parts = [INTRODUCTION, "## Verbs (to the service)\n"]
    parts += [_section(verb) for verb in INCOMING]
    parts.append("## Answers (from the service)\n")
    parts += [_section(verb) for verb in OUTGOING]
    parts.append("## Error codes\n\n| code | meaning |\n|---|---|")
    parts += [f"| `{code}` | {text} |" for code, text in CODES.items()]
    return "\n".join(parts) + "\n"


def _section(verb: Verb) -> str:
    types = "".join(a.type for a in verb.arguments) + (" + points" if verb.repeats else "")
    lines = [f"### `{verb.full}` `{types}`\n\n{verb.doc}\n"]
    if verb.arguments:
        lines.append("| argument | type | meaning |\n|---|---|---|")
        lines += [f"| {a.name} | `{a.type}` | {_meaning(a)} |" for a in verb.arguments]
        lines.append("")
    if verb.answers:
        lines.append("Answers: " + ", ".join(f"`{name}`" for name in verb.answers) + ", or `error`.\n")
    return "\n".join(lines)


def _meaning(argument: Argument) -> str:
    extra = []
    if argument.choices:
        extra.append("one of " + ", ".join(f"`{c}`" for c in argument.choices))
    if argument.minimum is not None:
        extra.append(
            f"{argument.minimum:g} to {argument.maximum:g}" if argument.maximum else f"from {argument.minimum:g}"
        )
    if argument.unit:
        extra.append(argument.unit)
    if argument.optional:
        extra.append("optional" if argument.default in (None, "") else f"optional, default {argument.default}")
    return argument.doc.replace("|", "\\|") + (f" ({'; '.join(extra)})" if extra else "")


if __name__ == "__main__":
    import sys

    sys.stdout.write(reference())
