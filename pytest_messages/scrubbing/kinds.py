"""The tables: what a secret looks like, in which fields it stands, and what is known to be harmless.

What begins with a literal is told by that literal first: a text that holds none of the markers of a row is never
searched with its pattern. The formats of Anthropic and Shinzo are those of their documentation
(https://platform.claude.com/docs/en/api/overview, https://docs.shinzo.ai); those of other vendors are public knowledge,
as every secret scanner holds them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_TAIL = r"(?![A-Za-z0-9_-])"
_HEAD = r"(?<![A-Za-z0-9_-])"
_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A kind of value that can be told by its looks.

    ``markers``: one of them stands in every text that holds such a value; where they are common words, ``confirm``
    finds something too, in the text as it is written, JSON escapes included. ``pattern`` matches the value, or its
    group 1 does. ``keyed`` values get a placeholder of their own each, the others one constant. ``strong`` ones cannot
    occur by chance, so that they are looked for in opaque fields as well. ``core`` ones cannot be taken out by a
    setting.
    """

    kind: str
    markers: tuple[str, ...]
    pattern: re.Pattern[str]
    confirm: re.Pattern[str] | None = None
    keyed: bool = False
    strong: bool = False
    core: bool = False


def _words(markers: str) -> tuple[str, ...]:
    return tuple(marker.replace("\0", " ") for marker in markers.split(" "))


def _shape(kind: str, markers: str, pattern: str, confirm: str | None = None) -> Shape:
    confirmed = re.compile(confirm) if confirm else None
    return Shape(kind=kind, markers=_words(markers), pattern=re.compile(pattern), confirm=confirmed)


def _core(kind: str, markers: str, pattern: str) -> Shape:
    return Shape(kind=kind, markers=_words(markers), pattern=re.compile(pattern), strong=True, core=True)


def _keyed(kind: str, markers: str, pattern: str, confirm: str | None = None) -> Shape:
    confirmed = re.compile(confirm) if confirm else None
    return Shape(kind=kind, markers=_words(markers), pattern=re.compile(pattern), confirm=confirmed, keyed=True)


def _vendor(kind: str, prefixes: str, rest: str) -> Shape:
    alternatives = "|".join(re.escape(prefix) for prefix in prefixes.split(" "))
    return _shape(kind, prefixes, f"{_HEAD}(?:{alternatives}){rest}{_TAIL}")


SHAPES: Final[tuple[Shape, ...]] = (
    _core("api-key", "sk-ant-", r"sk-ant-(?:[a-z]+[0-9]*-[A-Za-z0-9_-]+|[A-Za-z0-9_-]{16,})"),
    _core("shinzo-api-key", "sk_shinzo_", r"sk_shinzo_(?:live|test)_[A-Za-z0-9_.~+/=-]+"),
    _core(
        "jwt",
        "eyJ",
        r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}(?=\.[A-Za-z0-9_-]*\.?[A-Za-z0-9_-]{8})"
        r"(?:\.[A-Za-z0-9_-]*){2,4}",
    ),
    _shape(
        "private-key",
        "PRIVATE\0KEY",
        r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----[^\"]{0,200}?[A-Za-z0-9+/=]{24,}[A-Za-z0-9+/=\s]*"
        r"(?:-----END [A-Z0-9 ]*-----)?",
    ),
    # OpenAI, DeepSeek, OpenRouter and the many that follow them. Long, with a digit: `sk-` begins words as well.
    _shape(
        "openai-key",
        "sk-",
        _HEAD + r"sk-(?!ant-)(?:(?:proj|svcacct|admin|or-v1|None|lf|litellm)-[A-Za-z0-9_-]{16,}"
        r"|(?=[A-Za-z0-9]*[0-9])[A-Za-z0-9]{32,})" + _TAIL,
        r"sk-[A-Za-z0-9_-]{16}",
    ),
    _vendor("aws-access-key", "AKIA ASIA ABIA", r"[A-Z2-7]{16}"),
    _shape(
        "aws-secret-key",
        "aws_secret_access_key AWS_SECRET_ACCESS_KEY",
        r"(?:aws_secret_access_key|AWS_SECRET_ACCESS_KEY)[\"']?\s*[:=]\s*[\"']?"
        r"([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])",
    ),
    _vendor("github-token", "ghp_ gho_ ghu_ ghs_ ghr_", r"[A-Za-z0-9]{36,}"),
    _vendor("github-token", "github_pat_", r"[A-Za-z0-9_]{40,}"),
    _vendor("gitlab-token", "glpat-", r"[A-Za-z0-9_-]{20,}"),
    _vendor("google-api-key", "AIza", r"[A-Za-z0-9_-]{35}"),
    _vendor("google-oauth-token", "ya29.", r"[A-Za-z0-9_-]{30,}"),
    _vendor("slack-token", "xoxa- xoxb- xoxc- xoxd- xoxe- xoxo- xoxp- xoxr- xoxs-", r"[A-Za-z0-9%-]{16,}"),
    _vendor("slack-token", "xapp-", r"[0-9]-[A-Za-z0-9-]{16,}"),
    _shape(
        "slack-webhook",
        "hooks.slack.com",
        r"hooks\.slack\.com/(?:services|workflows)/([A-Za-z0-9]+/[A-Za-z0-9]+/[A-Za-z0-9/]+)",
    ),
    _vendor("stripe-key", "sk_live_ sk_test_ rk_live_ rk_test_ whsec_", r"[A-Za-z0-9]{16,}"),
    _vendor("huggingface-token", "hf_", r"[A-Za-z0-9]{34,}"),
    _vendor("groq-key", "gsk_", r"[A-Za-z0-9]{40,}"),
    _vendor("xai-key", "xai-", r"[A-Za-z0-9]{60,}"),
    _vendor("perplexity-key", "pplx-", r"[A-Za-z0-9]{40,}"),
    _vendor("replicate-token", "r8_", r"[A-Za-z0-9]{36,}"),
    _vendor("nvidia-key", "nvapi-", r"[A-Za-z0-9_-]{40,}"),
    _vendor("npm-token", "npm_", r"[A-Za-z0-9]{36}"),
    _vendor("pypi-token", "pypi-AgE", r"[A-Za-z0-9_-]{50,}"),
    _vendor("langsmith-key", "lsv2_pt_ lsv2_sk_", r"[0-9a-f]{32}_[0-9a-f]{10}"),
    _vendor("sendgrid-key", "SG.", r"[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    _vendor("digitalocean-token", "dop_v1_ doo_v1_ dor_v1_", r"[0-9a-f]{64}"),
    _vendor("shopify-token", "shpat_ shpca_ shppa_ shpss_", r"[0-9a-fA-F]{32}"),
    _vendor("databricks-token", "dapi", r"[0-9a-f]{32}"),
    _vendor("vault-token", "hvs. hvb.", r"[A-Za-z0-9_-]{24,}"),
    _shape(
        "bearer-token",
        "earer\0",
        r"[Bb]earer +((?=[A-Za-z0-9._~+/-]*[0-9])[A-Za-z0-9._~+/-]{20,}=*)",
        r"earer +[A-Za-z0-9._~+/\\-]{20}",
    ),
    _shape(
        "basic-credentials",
        "asic\0",
        r"[Bb]asic +((?=[A-Za-z0-9+/]*[0-9])[A-Za-z0-9+/]{16,}={0,2})"
        r"(?![A-Za-z0-9+/=])",
        r"asic +[A-Za-z0-9+/\\]{16}",
    ),
    _shape(
        "header-credential",
        "api-key: Api-Key: API-Key: Api-key:",
        r"(?:api-key|Api-Key|API-Key|Api-key): *([A-Za-z0-9._~+/-]{16,}=*)",
    ),
    _shape("url-credentials", "@", r"://([^/\s:@\"'<>?#\\]*:[^/\s@\"'<>?#\\]+)@", r":[^/\s@\"'<>?#]+@"),
    _shape(
        "url-credential",
        "key= oken= sig= ignature= redential= ecret= auth= assword= KeyId=",
        r"[?&;](?:[A-Za-z0-9_-]*(?:[Aa]pi_?-?[Kk]ey|[Tt]oken|[Ss]ignature|[Ss]ecret|[Cc]redential|[Pp]assword)"
        r"|key|sig|auth|AWSAccessKeyId)=([^&\s\"'<>#\\)]{4,})",
        r"[?&;][A-Za-z0-9_-]+=[^&\s\"]",
    ),
    _keyed("container-id", "container_0", _HEAD + r"container_0[A-Za-z0-9]{15,}" + _TAIL),
    _keyed("file-id", "file_0", _HEAD + r"file_0[A-Za-z0-9]{15,}" + _TAIL),
    _keyed("skill-id", "skill_0", _HEAD + r"skill_0[A-Za-z0-9]{15,}" + _TAIL),
    _keyed("workspace-id", "wrkspc_", _HEAD + r"wrkspc_(?!placeholder)[A-Za-z0-9]{8,}" + _TAIL),
    _keyed("profile-id", "uprof_", _HEAD + r"uprof_(?!placeholder)[A-Za-z0-9]{8,}" + _TAIL),
    _keyed("account-id", "apikey_01 invite_01 user_01", _HEAD + r"(?:apikey|invite|user)_01[A-Za-z0-9]{20,}" + _TAIL),
    _keyed(
        "organization-id",
        "org_01 org-",
        _HEAD + rf"(?:org_01[A-Za-z0-9]{{20,}}|org-(?:{_UUID}|[A-Za-z0-9]{{24}}))" + _TAIL,
    ),
    _keyed(
        "organization-id",
        "rgani",
        rf"[Oo]rgani[sz]ation(?:'s)?(?: [Ii][Dd])?[ :=(\"']{{1,4}}({_UUID})",
        r"-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-",
    ),
)
"""What is replaced wherever it stands, opaque fields aside."""

OPTIONAL: Final[tuple[Shape, ...]] = (
    _keyed(
        "email",
        "@",
        r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+"
        r"[A-Za-z]{2,}(?![A-Za-z0-9-])",
    ),
    _keyed("phone", "+", r"(?<![\w+])\+[1-9][0-9]{0,2}[ .-]?\(?[0-9]{2,4}\)?(?:[ .-]?[0-9]{2,4}){2,4}(?![\w-])"),
    _keyed(
        "ip-address",
        ".",
        # This machine's own addresses say nothing of anybody.
        r"(?<![\w.])(?!127\.|0\.0\.0\.0(?![\w.]))(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\.){3}"
        r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(?![\w.])",
    ),
    _keyed("home-directory", "home Users", r"/(?:home|Users)/([A-Za-z0-9._-]+)"),
)
"""Personal data, replaced where a user turns the rule on by its name; an audit counts them as hints."""

USER_LOCATION: Final = "user_location"
PASSWORD: Final = "password"  # noqa: S105 - the name of a rule
OPTIONAL_FIELDS: Final = {USER_LOCATION: "location", PASSWORD: "password"}
"""Rules that a user turns on and that name a field: every text in it, to the kind of its placeholder."""

CREDENTIAL_FIELDS: Final = {
    "authorizationtoken": "authorization-token",
    "fallbackcredittoken": "fallback-credit-token",
    "apikey": "api-key",
    "xapikey": "api-key",
    "xshinzoapikey": "shinzo-api-key",
    "xgoogapikey": "google-api-key",
    "anthropicapikey": "api-key",
    "openaiapikey": "openai-key",
    "accesstoken": "access-token",
    "refreshtoken": "refresh-token",
    "authtoken": "auth-token",
    "bearertoken": "bearer-token",
    "idtoken": "id-token",
    "sessiontoken": "session-token",
    "xamzsecuritytoken": "session-token",
    "clientsecret": "client-secret",
    "awssecretaccesskey": "aws-secret-key",
    "secretaccesskey": "aws-secret-key",
    "secretkey": "secret-key",
    "privatekey": "private-key",
    "authorization": "authorization",
    "proxyauthorization": "authorization",
}
"""Fields whose text is a credential whatever it looks like: the name, lower-case and without ``-`` and ``_``."""

FIELD_MARKERS: Final = ("token", "key", "secret", "authorization")
"""How the names of `CREDENTIAL_FIELDS` end; lower-case, before a quote."""

ID_FIELDS: Final = {
    ("metadata", "user_id"): ("user-id", None),
    ("user_profile_id",): ("profile-id", None),
    ("workspace_id",): ("workspace-id", None),
    ("workspace_uuid",): ("workspace-id", None),
    ("organization_id",): ("organization-id", None),
    ("organization_uuid",): ("organization-id", None),
    ("account_uuid",): ("account-id", None),
    ("file_id",): ("file-id", "file_"),
    ("skill_id",): ("skill-id", "skill_"),
    ("container",): ("container-id", "container_"),
    ("container", "id"): ("container-id", "container_"),
}
"""The end of a field's path, to the kind of its placeholder and what the value must begin with (None: anything).

Not where a tool's input stands: those are the application's own words.
"""

PREFIXES: Final = {
    "container-id": "container_",
    "file-id": "file_",
    "skill-id": "skill_",
    "workspace-id": "wrkspc_",
    "profile-id": "uprof_",
}
"""Kinds of ids that code looks at and sends back, to how they begin: their placeholders begin so as well."""

OPAQUE_FIELDS: Final = ("signature", "encrypted_content", "encrypted_index", "encrypted_stdout")
"""What goes back to the server and must return unchanged, outside a tool's input."""

OPAQUE_DATA: Final = ("base64", "redacted_thinking")
"""The ``type`` of the object whose ``data`` is media or ciphertext."""

TOOL_INPUT: Final = "input"

KINDS: Final = frozenset(
    {
        *(shape.kind for shape in (*SHAPES, *OPTIONAL)),
        *CREDENTIAL_FIELDS.values(),
        *(kind for kind, _ in ID_FIELDS.values()),
        *OPTIONAL_FIELDS.values(),
        *("credential", "query", "request-id", "value"),
    }
)
"""Every kind of placeholder there is."""

ALLOWED_HEADERS: Final = (
    "content-type",
    "accept",
    "anthropic-version",
    "anthropic-beta",
    "retry-after",
    "retry-after-ms",
    "x-should-retry",
)
REQUEST_ID_HEADERS: Final = ("request-id", "x-shuyou-requestid")

CREDENTIAL_HEADERS: Final = (
    "authorization",
    "proxy-authorization",
    "x-api-key",
    "x-shinzo-api-key",
    "x-goog-api-key",
    "api-key",
    "x-amz-security-token",
    "cookie",
    "set-cookie",
)
"""Never kept, whatever a setting says, and learned from."""

CREDENTIAL_HEADER_WORDS: Final = ("api-key", "apikey", "token", "secret", "authorization", "access-key", "credential")
"""A header whose name holds one of these carries a credential too: a gateway may name its own."""

ACCOUNT_HEADERS: Final = {
    "anthropic-organization-id": "organization-id",
    "anthropic-workspace-id": "workspace-id",
    "anthropic-user-profile-id": "profile-id",
}
"""Headers whose value may come back in the body of the same message."""

HARMLESS_QUERY: Final = {
    "beta": re.compile(r"true|false"),
    "stream": re.compile(r"true|false"),
    "limit": re.compile(r"[0-9]{1,4}"),
    "alt": re.compile(r"sse|json"),
    "api-version": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:-preview)?"),
}

DUMMIES: Final = frozenset(
    {
        "test-api-key",
        "test_api_key",
        "test-key-1234",
        "fake-api-key",
        "fake_api_key",
        "dummy-api-key",
        "dummy_api_key",
        "mock-api-key",
        "mock_api_key",
        "my-api-key",
        "your-api-key",
        "your_api_key",
        "your-api-key-here",
        "your_api_key_here",
        "not-a-real-key",
        "no-key-required",
        "no-key-needed",
        "sk-no-key-required",
        "not-required",
        "placeholder-key",
        "placeholder-api-key",
        "api-key-not-needed",
    }
)
"""Values of at least `SHORTEST` characters that stand where a key would, and are none. Shorter ones need no list."""

SHORTEST: Final = 12
