"""Other endpoints that speak the API, as far as their documentation tells."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pytest_messages.providers.builtin import CLAUDE_DOCS, COMPATIBLE
from pytest_messages.providers.hosts import host_of, is_loopback, name_of
from pytest_messages.providers.profile import ErrorShape, Habits, Provider, Unsupported, credential


def _like(name: str, title: str, base_url: str, source: str, **changes: Any) -> Provider:
    """Make the profile of a compatible endpoint; ``hosts`` is told by ``base_url`` unless it lives on this machine."""
    host = host_of(base_url)
    hosts = () if is_loopback(name_of(host)) else (host,)
    variable = f"{name.upper().replace('-', '_')}_BASE_URL"
    made: dict[str, Any] = {"name": name, "title": title, "base_url": base_url, "base_url_env": variable}
    return replace(COMPATIBLE, **{**made, "source": source, "hosts": hosts, **changes})


def _key(variable: str, *headers: str) -> dict[str, Any]:
    """Make the fields of a profile whose one key may travel in any of ``headers``."""
    return {"credentials": tuple(credential(variable, header) for header in headers), "anonymous": False}


_IGNORES = "is accepted and ignored"
_DEEPSEEK = "https://api-docs.deepseek.com/guides/anthropic_api"
_MINIMAX = "https://platform.minimax.io/docs/api-reference/text-anthropic-api"

OTHERS = (
    _like(
        "openrouter",
        "OpenRouter",
        "https://openrouter.ai/api",
        "https://openrouter.ai/docs",
        **_key("OPENROUTER_API_KEY", "authorization"),
        habits=Habits(keep_alive="OPENROUTER PROCESSING", done_tail=True),
        model="anthropic/claude-sonnet-5",
        model_form="provider/model",
    ),
    _like(
        "vercel",
        "Vercel AI Gateway",
        "https://ai-gateway.vercel.sh",
        "https://vercel.com/docs/ai-gateway",
        **_key("AI_GATEWAY_API_KEY", "x-api-key", "authorization"),
        model="anthropic/claude-sonnet-5",
        model_form="provider/model",
    ),
    _like(
        "deepseek",
        "DeepSeek",
        "https://api.deepseek.com/anthropic",
        _DEEPSEEK,
        **_key("DEEPSEEK_API_KEY", "x-api-key"),
        unsupported=tuple(
            Unsupported(path=path, because=_IGNORES, source=_DEEPSEEK)
            for path in ("container", "mcp_servers", "service_tier", "top_k", "thinking.budget_tokens")
        ),
        model_form="any",
    ),
    _like(
        "moonshot",
        "Moonshot AI",
        "https://api.moonshot.ai/anthropic",
        "https://platform.moonshot.ai/docs",
        **_key("MOONSHOT_API_KEY", "authorization"),
        hosts=("api.moonshot.ai", "api.moonshot.cn"),
    ),
    _like(
        "zai",
        "Z.ai",
        "https://api.z.ai/api/anthropic",
        "https://docs.z.ai",
        **_key("ZAI_API_KEY", "authorization"),
        hosts=("api.z.ai", "open.bigmodel.cn"),
    ),
    _like(
        "minimax",
        "MiniMax",
        "https://api.minimax.io/anthropic",
        _MINIMAX,
        **_key("MINIMAX_API_KEY", "x-api-key", "authorization"),
        unsupported=tuple(
            Unsupported(path=path, because=_IGNORES, source=_MINIMAX)
            for path in ("top_k", "stop_sequences", "mcp_servers", "context_management", "container")
        ),
        hosts=("api.minimax.io", "api.minimaxi.com"),
    ),
    _like(
        "bedrock",
        "Amazon Bedrock",
        "https://bedrock-mantle.us-east-1.api.aws/anthropic",
        f"{CLAUDE_DOCS}/build-with-claude/claude-in-amazon-bedrock",
        **_key("AWS_BEARER_TOKEN_BEDROCK", "x-api-key"),
        hosts=("bedrock-mantle.*.api.aws",),
        body_limit=20 * 1024 * 1024,
        model="anthropic.claude-sonnet-5",
        model_form="anthropic.claude-…",
    ),
    _like(
        "aws",
        "Claude Platform on AWS",
        "https://aws-external-anthropic.us-east-1.api.aws",
        f"{CLAUDE_DOCS}/build-with-claude/claude-platform-on-aws",
        **_key("ANTHROPIC_AWS_API_KEY", "x-api-key"),
        hosts=("aws-external-anthropic.*.api.aws",),
        error=ErrorShape(),
    ),
    _like(
        "foundry",
        "Microsoft Foundry",
        "",
        f"{CLAUDE_DOCS}/build-with-claude/claude-in-microsoft-foundry",
        **_key("ANTHROPIC_FOUNDRY_API_KEY", "api-key", "x-api-key", "authorization"),
        base_url_env="ANTHROPIC_FOUNDRY_BASE_URL",
        hosts=("*.services.ai.azure.com",),
        model_form="the deployment's name",
    ),
    _like(
        "ollama",
        "Ollama",
        "http://localhost:11434",
        "https://docs.ollama.com/api/anthropic-compatibility",
        hosts=("ollama.com",),
        count_tokens="",
        unsupported=tuple(
            Unsupported(path=path, source="https://docs.ollama.com/api/anthropic-compatibility")
            for path in ("tool_choice", "metadata")
        ),
        habits=Habits(error_event=False),
    ),
    _like("vllm", "vLLM", "http://localhost:8000", "https://docs.vllm.ai"),
    _like("llamacpp", "llama.cpp", "http://localhost:8080", "https://github.com/ggml-org/llama.cpp"),
    _like("lmstudio", "LM Studio", "http://localhost:1234", "https://lmstudio.ai/docs", count_tokens=""),
)
