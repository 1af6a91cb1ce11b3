"""This engine beside peers' published architectures, on this machine: seconds per second of audio, and memory.

    python benchmarks/peers.py [--precision bf16|fp32] [--weights DIR] [--json FILE]

Every contender runs in a process of its own. The peers are diffusers' networks in their published
configurations with random weights: what a step costs does not depend on what the weights have learned.
Two steps are timed after a warm-up step and multiplied by the pipeline's default number of steps.
Only their denoiser is counted, guidance included: no text encoder, VAE or vocoder. This engine is
counted whole, from the prompt to the finished samples.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
TAKE_S = 8.0
TIMED_STEPS = 2
PRECISIONS = {"bf16": torch.bfloat16, "fp32": torch.float32}

Step = Callable[[], object]


@dataclass(frozen=True)
class Result:
    """What one contender took."""

    name: str
    millions: float
    """Parameters of what was counted."""
    steps: int
    audio_s: float
    """Audio that the counted work makes."""
    seconds: float
    memory_mb: float | None

    @property
    def per_second(self) -> float:
        """Seconds of computing per second of audio."""
        return self.seconds / self.audio_s


@dataclass(frozen=True)
class Peer:
    """A published network: how it is built, and what one guided step of it is."""

    name: str
    source: str
    steps: int
    """Default of its diffusers pipeline."""
    audio_s: float
    build: Callable[[], torch.nn.Module]
    step: Callable[[torch.nn.Module, torch.dtype], Step]


# -- Stable Audio Open 1.0 (stabilityai/stable-audio-open-1.0, transformer/config.json) ----------------

STABLE_AUDIO = dict(
    sample_size=1024,
    in_channels=64,
    num_layers=24,
    attention_head_dim=64,
    num_attention_heads=24,
    num_key_value_attention_heads=12,
    out_channels=64,
    cross_attention_dim=768,
    time_proj_dim=256,
    global_states_input_dim=1536,
    cross_attention_input_dim=768,
)
STABLE_AUDIO_WINDOW_S = 1024 * 2048 / 44_100
"""The pipeline always denoises its whole window of 47.6 s; all of it counts as audio made, to the peer's advantage."""

TEXT_TOKENS = 128


def build_stable_audio() -> torch.nn.Module:
    from diffusers import StableAudioDiTModel

    return StableAudioDiTModel(**STABLE_AUDIO)


def step_stable_audio(network: torch.nn.Module, dtype: torch.dtype) -> Step:
    from diffusers.models.embeddings import get_1d_rotary_pos_embed

    latents = torch.randn(2, 64, 1024, dtype=dtype)
    inputs = dict(
        timestep=torch.tensor([0.5], dtype=dtype),
        # The prompt's tokens and one each for the start and the length.
        encoder_hidden_states=torch.randn(2, TEXT_TOKENS + 2, 768, dtype=dtype),
        global_hidden_states=torch.randn(2, 1, 1536, dtype=dtype),
        rotary_embedding=get_1d_rotary_pos_embed(32, 1024 + 1, use_real=True, repeat_interleave_real=False),
    )
    return lambda: network(latents, **inputs, return_dict=False)


# -- AudioLDM2 (cvssp/audioldm2, unet/config.json) -----------------------------------------------------

AUDIOLDM2 = dict(
    sample_size=256,
    in_channels=8,
    out_channels=8,
    block_out_channels=(128, 256, 384, 640),
    down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    cross_attention_dim=((None, 768, 1024),) * 4,
    attention_head_dim=8,
    layers_per_block=2,
)


def build_audioldm2() -> torch.nn.Module:
    from diffusers import AudioLDM2UNet2DConditionModel

    return AudioLDM2UNet2DConditionModel(**AUDIOLDM2)


def step_audioldm2(network: torch.nn.Module, dtype: torch.dtype) -> Step:
    # 8 s are 800 mel frames of 64 bands, a quarter of that each way in latents.
    latents = torch.randn(2, 8, round(TAKE_S * 100 / 4), 16, dtype=dtype)
    inputs = dict(
        timestep=torch.tensor(500),
        encoder_hidden_states=torch.randn(2, 8, 768, dtype=dtype),  # what its language model writes
        encoder_hidden_states_1=torch.randn(2, 12, 1024, dtype=dtype),  # the prompt's tokens
    )
    return lambda: network(latents, **inputs, return_dict=False)


PEERS = {
    "audioldm2": Peer("AudioLDM2", "cvssp/audioldm2", 200, TAKE_S, build_audioldm2, step_audioldm2),
    "stable-audio-open": Peer(
        "Stable Audio Open 1.0",
        "stabilityai/stable-audio-open-1.0",
        100,
        STABLE_AUDIO_WINDOW_S,
        build_stable_audio,
        step_stable_audio,
    ),
}
ENGINE = "draw-an-audio"


# -- measuring, in a process of its own ----------------------------------------------------------------


def random_network(build: Callable[[], torch.nn.Module], dtype: torch.dtype) -> torch.nn.Module:
    """A network with small random weights, made without a second copy in memory."""
    from diffusers.utils import logging

    logging.set_verbosity_error()  # its advice on casting is for weights that mean something
    with torch.device("meta"):
        network = build()
    network = network.to(dtype).to_empty(device="cpu").eval()
    for tensor in (*network.parameters(), *network.buffers()):
        if tensor.is_floating_point():
            tensor.data.normal_(0, 0.02)
    return network


@torch.inference_mode()
def measure_peer(peer: Peer, dtype: torch.dtype) -> Result:
    """Time its steps."""
    network = random_network(peer.build, dtype)
    step = peer.step(network, dtype)
    step()
    began = time.perf_counter()
    for _ in range(TIMED_STEPS):
        step()
    seconds = (time.perf_counter() - began) / TIMED_STEPS * peer.steps
    return Result(peer.name, _millions(network), peer.steps, peer.audio_s, seconds, _memory_mb())


def measure_engine(weights: Path | None, dtype: torch.dtype) -> Result:
    """Render an 8 s take, warm: the median of three."""
    from engine.evaluation.speed import speed_cue
    from engine.generator import Generator
    from engine.models.store import WEIGHTS, load
    from engine.sampler import STEPS
    from engine.text import TextEncoder

    models = load(weights or WEIGHTS, "cpu", dtype)
    generator = Generator(models, TextEncoder(), "cpu")
    times = []
    for index in range(4):
        began = time.perf_counter()
        generator.render(speed_cue(TAKE_S, index))
        times.append(time.perf_counter() - began)
    parameters = _millions(models.denoiser) + _millions(models.codec)
    return Result("Draw an Audio", parameters, STEPS, TAKE_S, sorted(times[1:])[1], _memory_mb())


def _millions(network: torch.nn.Module) -> float:
    return sum(p.numel() for p in network.parameters()) / 1e6


def _memory_mb() -> float | None:
    from engine.evaluation.speed import peak_memory_mb

    return peak_memory_mb()


# -- the table -----------------------------------------------------------------------------------------


def run_alone(name: str, precision: str, weights: Path | None) -> Result:
    """One contender in a process of its own. Raises CalledProcessError."""
    command = [sys.executable, __file__, "--only", name, "--precision", precision]
    command += ["--weights", str(weights)] if weights else []
    print(f"{name} …", file=sys.stderr, flush=True)
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout
    return Result(**json.loads(answer.splitlines()[-1]))


def table(results: Sequence[Result], precision: str) -> str:
    """Markdown: the first result is the one that the others are compared with."""
    own = results[0]
    lines = [
        f"{precision}, {torch.get_num_threads()} CPU threads; peers' denoisers alone, this engine whole",
        "",
        "| | parameters | steps | s per s of audio | times this engine | peak memory | times |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for result in results:
        memory, share = "", ""
        if result.memory_mb and own.memory_mb:
            memory, share = f"{result.memory_mb:.0f} MB", f"{result.memory_mb / own.memory_mb:.1f}"
        lines.append(
            f"| {result.name} | {result.millions:.0f} M | {result.steps} | {result.per_second:.3f} "
            f"| {result.per_second / own.per_second:.0f} | {memory} | {share} |"
        )
    fastest = min(results[1:], key=lambda result: result.per_second)
    ratio = fastest.per_second / own.per_second
    return "\n".join([*lines, "", f"{ratio:.0f} times as fast as the fastest peer here ({fastest.name}); target 50."])


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="peers.py", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--precision", choices=PRECISIONS, default="bf16", help="of every contender")
    parser.add_argument("--weights", type=Path, help="folder of this engine's weights")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("--only", choices=(ENGINE, *PEERS), help="one contender in this process; prints JSON")
    args = parser.parse_args(argv)
    if args.only:
        sys.path.insert(0, str(ROOT))
        dtype = PRECISIONS[args.precision]
        result = measure_engine(args.weights, dtype) if args.only == ENGINE else measure_peer(PEERS[args.only], dtype)
        print(json.dumps(asdict(result)))
        return 0
    results = [run_alone(name, args.precision, args.weights) for name in (ENGINE, *PEERS)]
    print(table(results, args.precision))
    if args.json:
        args.json.write_text(json.dumps([asdict(result) for result in results], indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
