"""Where a cassette lies: names that no two tests share, on any disk."""

from __future__ import annotations

import hashlib
import ntpath
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pytest_messages.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

SUFFIXES = (".yaml", ".yml", ".json")
"""How the name of a cassette may end; JSON is what VCR.py's other serializer writes, and YAML reads it."""

_SAFE = re.compile(r"[A-Za-z0-9_\-\[\]()+=,@ .]")
_WINDOWS_REFUSES = re.compile(r"^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)|[ .]$", re.IGNORECASE)
_CLASS_CAPITALS = frozenset({0, 4})
"""``TestChat`` is how test classes are written: it needs no ending, and its likes do."""
_LONGEST = 120
_DIGEST = 20


def cassette_of_test(directory: Path, nodeid: str, *, testpaths: Sequence[str] = ()) -> Path:
    """Return the cassette of the test ``nodeid``: ``<dir>/<module>/<Class>.test_name[param-id].yaml``.

    No two node ids share one, also on disks that ignore case, and every name is lawful on Windows. A leading test
    directory is dropped only where it is the one configured test path.
    """
    module, _, rest = nodeid.partition("::")
    parts = list(PurePosixPath(module.removesuffix(".py")).parts)
    if len(testpaths) == 1 and PurePosixPath(testpaths[0]).parts == tuple(parts[:1]) and len(parts) > 1:
        parts = parts[1:]
    name, bracket, params = rest.partition("[")
    stem = ".".join(_encoded(part, keep=" ") for part in name.split("::")) + _encoded(bracket + params, keep=" .")
    usual = _CLASS_CAPITALS if "::" in name and stem[:4].lower() == "test" else frozenset()
    folders = (_component(_encoded(part, keep=" .")) for part in parts)
    return directory.joinpath(*folders, _component(stem, usual=usual) + ".yaml")


def named_cassette(directory: Path, name: str) -> Path:
    """Return ``<dir>/<name>``, with `.yaml` where it has no ending of a cassette.

    Raises `SettingsError` for a name that leaves the directory.
    """
    if not name or name.endswith("/"):
        raise SettingsError(f"a cassette cannot be named {name!r}; name a file below {directory}")
    path = Path(ntpath.normpath(directory / with_suffix(name)).replace("\\", "/"))
    inside = Path(ntpath.normpath(directory).replace("\\", "/"))
    if ntpath.isabs(name) or ntpath.splitdrive(name)[0] or not path.is_relative_to(inside):
        raise SettingsError(f"cassette name {name!r} leads out of {directory}; a name is a path below it, without `..`")
    return path


def with_suffix(name: str) -> str:
    """Return ``name`` as a cassette's: one that ends as cassettes do stays as it is."""
    return name if name.lower().endswith(SUFFIXES) else f"{name}.yaml"


def _encoded(text: str, *, keep: str) -> str:
    """Percent-encode what a file name cannot hold everywhere; ``keep`` are the doubtful characters that may stay."""
    kept = {char for char in text if _SAFE.match(char) and (char not in " ." or char in keep)}
    return "".join(char if char in kept else "".join(f"%{byte:02x}" for byte in char.encode()) for char in text)


def _component(name: str, *, usual: frozenset[int] = frozenset()) -> str:
    """Make one path component of ``name``, injectively: two that differ in case only get different endings."""
    ending = _case(name, usual)
    whole = f"{name}~{ending}" if ending else name
    if len(whole) > _LONGEST:
        digest = hashlib.sha256(whole.encode()).hexdigest()[:_DIGEST]
        return f"{whole[: _LONGEST - _DIGEST - 2].rstrip(' .')}~-{digest}"
    return f"{whole}~-" if _WINDOWS_REFUSES.search(whole) else whole


def _case(name: str, usual: frozenset[int]) -> str:
    """Say in hex which letters are capitals, but for the places where ``usual`` has them."""
    mask = "".join("1" if char.isupper() != (place in usual) else "0" for place, char in enumerate(name)).rstrip("0")
    return f"{int(mask[::-1], 2):x}" if mask else ""
