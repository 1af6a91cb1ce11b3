"""`drawaudio serve`: the process that a DAW talks to all day."""

from __future__ import annotations

import argparse
import ipaddress
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

from bridge.audition import Player
from bridge.commands.render import add_engine_arguments
from bridge.errors import UserError
from bridge.midi.door import MidiDoor, MidiState
from bridge.midi.map import MidiMapError
from bridge.osc.door import Door
from bridge.osc.server import Servers
from bridge.osc.spec import DEFAULT_HTTP_PORT, DEFAULT_PORT
from bridge.refused import Refused
from bridge.service import Service
from bridge.session import Announcement, home, new_token
from bridge.spool import Spool
from bridge.verbs import Verbs
from bridge.worker import RendererFactory, engine_renderer

NAME = "serve"
HELP = "serve DAWs: OSC, MIDI, the spool folder"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", type=Path, nargs="?", default=Path("."), help="session folder: takes, inbox, outbox (default: here)"
    )
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="OSC port, UDP and TCP (default: %(default)s)")
    parser.add_argument("--http-port", type=int, default=DEFAULT_HTTP_PORT, help="OSCQuery port (default: %(default)s)")
    parser.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS", help="address to listen on (default: %(default)s)"
    )
    parser.add_argument(
        "--allow-remote", action="store_true", help="allow an address that other machines reach; they need the token"
    )
    parser.add_argument(
        "--allow-folder",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="videos and masks may lie here, too",
    )
    parser.add_argument(
        "--midi-input", action="append", default=[], metavar="NAME", help="a MIDI port to listen to, too"
    )
    add_engine_arguments(parser)


def run(args: argparse.Namespace, renderer: RendererFactory | None = None) -> int:
    """`renderer` stands in for the engine in tests."""
    host = checked_host(args.host, args.allow_remote)
    token = new_token()
    shipped = partial(engine_renderer, args.weights, args.device)
    with ExitStack() as stack:
        service = Service(args.folder, renderer or shipped, args.allow_folder)
        stack.callback(service.stop)
        spool = Spool(service)
        door = Door(Verbs(service), token, service.log, spool)
        servers = Servers(service, door, host, args.port, args.http_port)
        stack.callback(servers.stop)
        servers.start()
        stack.callback(spool.stop)
        spool.start()
        midi = open_midi(service, args.midi_input, stack)
        audio = open_audio(service, midi, stack)
        service.start()
        announcement = Announcement(
            *(token, host, servers.port, servers.http_port),
            *(str(service.session.folder), os.getpid(), service.session_id),
        )
        announcement.write()
        stack.callback(announcement.remove)
        print(f"session {service.session.folder}", file=sys.stderr)
        print(f"OSC     {host}, port {servers.port} (UDP and TCP); token in {home() / 'service.json'}", file=sys.stderr)
        print(f"query   http://{host}:{servers.http_port}/", file=sys.stderr)
        with suppress(KeyboardInterrupt):  # from the moment on that it is offered
            print(f"{midi.state}\n{audio.state}\nready; Ctrl-C ends it", file=sys.stderr, flush=True)
            wait(announcement.keep)
        print("ending; what is queued goes on at the next start", file=sys.stderr)
    return 0


def wait(meanwhile: Callable[[], None]) -> None:
    """Until a polite kill; Ctrl-C interrupts it. `meanwhile` is called twice a second."""
    ended = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: ended.set())
    try:
        while not ended.wait(0.5):  # in steps: on Windows an endless wait cannot be interrupted
            with suppress(OSError):  # a full disk must not end the service
                meanwhile()
    finally:
        signal.signal(signal.SIGTERM, before)


def checked_host(host: str, allow_remote: bool) -> str:
    """The address to bind. Raises UserError for one that others reach, unless that is allowed."""
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        raise UserError(f"--host {host}: must be an IP address, such as 127.0.0.1") from None
    if not address.is_loopback and not allow_remote:
        raise UserError(f"--host {host}: other machines would reach the service; add --allow-remote if they shall")
    return str(address)


def open_midi(service: Service, inputs: list[str], stack: ExitStack) -> MidiDoor:
    """Listen to MIDI where there is any; `state` says so, or why not."""

    def act(action: str) -> None:
        try:
            service.actions[action]()
        except Refused as refused:
            service.log.write("MIDI action refused", action=action, text=refused.text)

    def changed(state: MidiState) -> None:
        service.log.write("MIDI changed", state=str(state))
        print(state, file=sys.stderr, flush=True)

    try:
        door = MidiDoor(act, map_file=home() / "midi.json", inputs=inputs, on_change=changed)
    except MidiMapError as error:  # the map is the user's to change
        raise UserError(str(error)) from error
    door.open()
    stack.callback(door.close)
    if door.state.available:
        service.midi = door
    return door


def open_audio(service: Service, follow: MidiDoor, stack: ExitStack) -> Player:
    """Have takes played, in step with the host's transport where MIDI tells it; `state` says on what, or why not."""

    def lost(text: str) -> None:
        service.log.write("audition lost", text=text)
        print(text, file=sys.stderr, flush=True)

    player = Player(follow=follow.whereabouts, lost=lost)
    stack.callback(player.close)
    service.player = player
    return player
