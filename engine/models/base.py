"""What the networks take from diffusers, imported without torch's compiler.

diffusers wants the compiler only to mark functions for it, and does without where it is missing; we compile nothing,
and importing it takes longer than making a take.
"""

import importlib
import sys
from contextlib import suppress

_COMPILER = "torch._dynamo"


def _import_without_compiler(name: str) -> None:
    """Import a module while the compiler looks missing, unless it is there already."""
    sys.modules.setdefault(_COMPILER, None)  # type: ignore[arg-type]
    try:
        with suppress(ImportError):  # a version that insists on it gets it below
            importlib.import_module(name)
    finally:
        if sys.modules[_COMPILER] is None:
            del sys.modules[_COMPILER]


_import_without_compiler("diffusers.models.modeling_utils")

from diffusers import FlowMatchEulerDiscreteScheduler  # noqa: E402
from diffusers.configuration_utils import ConfigMixin, register_to_config  # noqa: E402
from diffusers.models.modeling_utils import ModelMixin  # noqa: E402
from diffusers.utils import logging  # noqa: E402

logging.set_verbosity_error()  # its advice on casting and accelerate is not for our users

__all__ = ["ConfigMixin", "FlowMatchEulerDiscreteScheduler", "ModelMixin", "register_to_config"]
