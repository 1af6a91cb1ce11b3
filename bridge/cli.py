"""`drawaudio`: one command, its subcommands imported only when they are asked for.

Exit codes: 0 done · 2 usage or bad input · 3 a model or device that is missing · 130 cancelled; 1 is a defect of ours.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Sequence
from types import FrameType, ModuleType
from typing import NoReturn

from bridge.errors import UserError, describe
from engine.errors import Cancelled, MissingModel
from engine.strict import CueError

DONE, DEFECT, BAD_INPUT, MISSING, CANCELLED = 0, 1, 2, 3, 130

#: Modules of `bridge.commands`, in the order of `--help`; a command is spelled with "-" for "_".
COMMANDS = (
    "demo",
    "render",
    "bounce",
    "inspect",
    "curve",
    "masks",
    "serve",
    "send",
    "capture",
    "jobs",
    "takes",
    "cancel",
    "log",
    "install_presets",
    "models",
    "doctor",
    "evaluate",
    "train",
    "bench",
)


class _Parser(argparse.ArgumentParser):
    """argparse's own, but an error is one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _command(name: str) -> ModuleType:
    return importlib.import_module(f"bridge.commands.{name}")


def _parser(names: Sequence[str]) -> argparse.ArgumentParser:
    """The parser that knows the commands `names`."""
    parser = _Parser(prog="drawaudio", description="Foley from a text prompt and a drawn loudness curve.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)
    for name in names:
        module = _command(name)
        sub = commands.add_parser(name.replace("_", "-"), help=module.HELP, description=module.HELP)
        module.add_arguments(sub)
        sub.set_defaults(run=module.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run `drawaudio` with `argv` (default: the process's); returns the exit code. What went wrong is on stderr."""
    words = list(sys.argv[1:] if argv is None else argv)
    for library in ("DIFFUSERS", "TRANSFORMERS"):  # what they have to say is for programmers
        os.environ.setdefault(f"{library}_VERBOSITY", "error")
    asked = words[0].replace("-", "_") if words else ""
    try:
        args = _parser([asked] if asked in COMMANDS else COMMANDS).parse_args(words)
        code = int(args.run(args))
        _flush()  # now, while what goes wrong with it can still be told
        return code
    except SystemExit as stop:  # argparse: --help, or an error that it has already told
        return int(stop.code or 0) if not isinstance(stop.code, str) else BAD_INPUT
    except BrokenPipeError:
        return DONE  # the reader of our output (head, less) has had enough
    except (KeyboardInterrupt, Cancelled):
        return _tell("cancelled; no half file was left behind", CANCELLED)
    except (UserError, CueError) as error:
        return _tell(str(error), BAD_INPUT)
    except MissingModel as error:
        return _tell(str(error), MISSING)
    except OSError as error:
        return _tell(describe(error), BAD_INPUT)
    except Exception as error:
        if os.environ.get("DRAWAUDIO_DEBUG"):
            traceback.print_exc()
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return _tell(f"a defect of drawaudio ({what}); DRAWAUDIO_DEBUG=1 shows where, please report it", DEFECT)


def _tell(message: str, code: int) -> int:
    print(f"drawaudio: {' '.join(message.split())}", file=sys.stderr)
    return code


def _flush() -> None:
    """Print what stdout still holds; raises `BrokenPipeError`, and `UserError` where it takes no more."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = describe(OSError(error.errno, error.strerror))
        raise UserError(f"standard output: {reason}; send it elsewhere, what was rendered is on disk") from error


def _open_streams() -> None:
    """Give the process all three streams, and a stdout that every path can be printed to."""
    # A stream that was closed leaves its descriptor to the next file, a take's, and libraries' messages would go there.
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        # UTF-8 lacks only the bytes of a name that is none; any other encoding may lack letters.
        known = sys.stdout.encoding.lower() in ("utf-8", "utf8")
        sys.stdout.reconfigure(errors="surrogateescape" if known else "backslashreplace")


def _let_go_of_stdout() -> None:
    """See to it that at exit nothing is flushed to a stdout that takes no more."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _interrupt(signum: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def entry() -> NoReturn:
    """The console script. A polite kill, or a terminal that is closed, cleans up just as Ctrl-C does."""
    _open_streams()
    for name in ("SIGTERM", "SIGHUP"):  # Windows has no SIGHUP, and under nohup it stays ignored
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _interrupt)
    if not os.environ.get("DRAWAUDIO_DEBUG"):
        warnings.simplefilter("ignore")  # those of libraries; ours are printed
    code = main()
    _let_go_of_stdout()
    sys.exit(code)


if __name__ == "__main__":
    entry()
