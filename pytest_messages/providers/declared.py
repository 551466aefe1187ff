"""Gateways that a user declares in a TOML file."""

from __future__ import annotations

import tomllib
from dataclasses import fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn
from urllib.parse import urlsplit

from pytest_messages.errors import SettingsError
from pytest_messages.providers.builtin import COMPATIBLE
from pytest_messages.providers.hosts import host_of
from pytest_messages.providers.profile import ErrorShape, Habits, Provider, Status, Unsupported, credential
from pytest_messages.providers.resolve import PROVIDERS, alternatives

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def load_declared(path: str | Path) -> Mapping[str, Provider]:
    """Read the gateways that a TOML file declares, one table each, by name.

    Raises `SettingsError`, naming file, table and alternatives, where the file or anything in it means nothing.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot read the declared gateways: {error}") from error
    return parse_declared(text, origin=str(path))


def parse_declared(text: str, *, origin: str) -> Mapping[str, Provider]:
    """As `load_declared`, from the text of such a file; ``origin`` is what an error calls it."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{origin}: {error}") from error
    made: dict[str, Provider] = {}
    for name in tables:
        _declare(name, tables, made, _Place(origin, name), ())
    return MappingProxyType({name: made[name] for name in tables})


class _Place(NamedTuple):
    """Where in a file of declared gateways something stands."""

    origin: str
    table: str
    key: str = ""

    def wrong(self, problem: str) -> NoReturn:
        where = f"[{self.table}] {self.key}".rstrip()
        raise SettingsError(f"{self.origin}: {where}: {problem}")


def _declare(
    name: str, tables: Mapping[str, Any], made: dict[str, Provider], place: _Place, path: tuple[str, ...]
) -> Provider:
    """Make the profile of one table, after that of the one it extends."""
    if name in made:
        return made[name]
    table = tables[name]
    if not isinstance(table, dict):
        place.wrong("is not a table")
    parent = _parent(name, tables, made, place, path)
    changes: dict[str, Any] = {"name": name, "title": name, "notes": (), "pages": ()}
    for key, value in table.items():
        read = _KEYS.get(key)
        if read is None:
            place._replace(key=key).wrong(f"there is no such key; {alternatives(key, _KEYS)}")
        changes |= read(value, parent, place._replace(key=key))
    changes |= _declared_keys(table, parent)
    made[name] = replace(parent, **changes)
    return made[name]


def _parent(
    name: str, tables: Mapping[str, Any], made: dict[str, Provider], place: _Place, path: tuple[str, ...]
) -> Provider:
    """Return the profile that the table extends: another table of the file, or a built-in one."""
    extends = tables[name].get("extends", COMPATIBLE.name)
    here = place._replace(key="extends")
    wanted = _text(extends, here)
    if wanted in {*path, name} and wanted in tables and wanted != name:
        here.wrong(f"goes round in a circle: {' -> '.join((*path, name, wanted))}")
    if wanted in tables and wanted != name:
        return _declare(wanted, tables, made, place._replace(table=wanted, key=""), (*path, name))
    if wanted not in PROVIDERS:
        here.wrong(f"there is no provider {wanted!r}; {alternatives(wanted, [*PROVIDERS, *tables])}")
    return PROVIDERS[wanted]


def _declared_keys(table: Mapping[str, Any], parent: Provider) -> dict[str, Any]:
    """Put ``key_env`` and ``key_header`` together; what is not given is the parent's. No variable means no key."""
    if not {"key_env", "key_header"} & table.keys():
        return {}
    given = table.get("key_env")
    variables = [given] if isinstance(given, str) else given
    if variables is None:
        variables = list(dict.fromkeys(each.variable for each in parent.credentials))
    header = table.get("key_header")
    headers = [header.lower()] if header else list(dict.fromkeys(each.header for each in parent.credentials))
    credentials = tuple(credential(variable, each) for variable in variables for each in headers)
    return {"credentials": credentials, "anonymous": not credentials}


def _text(value: object, place: _Place) -> str:
    if not isinstance(value, str) or not value:
        place.wrong(f"takes a string, not {value!r}")
    return value


def _texts(value: object, place: _Place) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(entry, str) and entry for entry in value):
        place.wrong(f"takes a list of strings, not {value!r}")
    return tuple(value)


def _table(value: object, place: _Place) -> dict[str, Any]:
    if not isinstance(value, dict):
        place.wrong(f"takes a table, not {value!r}")
    return value


def _read_base_url(value: object, _: Provider, place: _Place) -> dict[str, Any]:
    url = _text(value, place)
    if urlsplit(url).scheme not in {"http", "https"} or not host_of(url):
        place.wrong(f"takes a URL that begins with http:// or https://, not {url!r}")
    variable = f"{place.table.upper().replace('-', '_')}_BASE_URL"
    # A path tells a provider on foreign hosts; this one has a host of its own.
    return {"base_url": url, "base_url_env": variable, "hosts": (host_of(url),), "path_prefix": ""}


def _read_key_env(value: object, _: Provider, place: _Place) -> dict[str, Any]:
    _texts([value] if isinstance(value, str) else value, place)
    return {}


def _read_key_header(value: object, _: Provider, place: _Place) -> dict[str, Any]:
    _text(value, place)
    return {}


def _read_headers(value: object, parent: Provider, place: _Place) -> dict[str, Any]:
    added = {name.lower(): _text(entry, place) for name, entry in _table(value, place).items()}
    return {"headers": tuple({**dict(parent.headers), **added}.items())}


def _read_versions(value: object, _: Provider, place: _Place) -> dict[str, Any]:
    versions = _texts(value, place)
    return {"versions": versions, **({"version": versions[-1]} if versions else {})}


def _read_timeout(value: object, _: Provider, place: _Place) -> dict[str, Any]:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
        place.wrong(f"takes a number of seconds above 0, not {value!r}")
    return {"timeout": float(value)}


def _read_unsupported(value: object, parent: Provider, place: _Place) -> dict[str, Any]:
    """Read entries like ``metadata``, ``messages[*].role=system``, ``header:anthropic-beta=x``."""
    added = []
    for entry in _texts(value, place):
        where, _, wanted = entry.partition("=")
        part, _, name = where.rpartition(":")
        if part not in {"", "header"} or not name:
            place.wrong(f"takes body paths and header:name, each with or without =value, not {entry!r}")
        source = f"{place.origin} [{place.table}]"
        added.append(Unsupported(part=part or "body", path=name, value=wanted or "*", source=source))
    return {"unsupported": (*parent.unsupported, *added)}


def _read_rules(field: str) -> Callable[[object, Provider, _Place], dict[str, Any]]:
    def read(value: object, parent: Provider, place: _Place) -> dict[str, Any]:
        return {field: (*getattr(parent, field), *_texts(value, place))}

    return read


def _read_error(value: object, parent: Provider, place: _Place) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for key, entry in _table(value, place).items():
        if key == "envelope":
            changes[key] = _texts(entry, place)
        elif key in {field.name for field in fields(ErrorShape)}:
            changes[key] = entry if entry == "" else _text(entry, place)
        else:
            known = [field.name for field in fields(ErrorShape)]
            place.wrong(f"there is no {key!r} in an error; {alternatives(key, known)}")
    return {"error": replace(parent.error, **changes)}


def _read_statuses(value: object, parent: Provider, place: _Place) -> dict[str, Any]:
    known = {status.code: status for status in parent.statuses}
    for key, entry in _table(value, place).items():
        if not (key.isdigit() and len(key) == len("200")):
            place.wrong(f"takes status codes of three digits, not {key!r}")
        types = _texts([entry] if isinstance(entry, str) else entry, place)
        known[int(key)] = Status(code=int(key), types=types)
    return {"statuses": tuple(known[code] for code in sorted(known))}


def _read_habits(value: object, parent: Provider, place: _Place) -> dict[str, Any]:
    table = _table(value, place)
    kinds = {field.name: type(field.default) for field in fields(Habits)} | {"keep_alive_seconds": float}
    for key, entry in table.items():
        if key not in kinds:
            place.wrong(f"there is no habit {key!r}; {alternatives(key, kinds)}")
        if not isinstance(entry, (int, float) if kinds[key] is float else kinds[key]):
            place.wrong(f"{key} takes a {kinds[key].__name__}, not {entry!r}")
    return {"habits": replace(parent.habits, **table)}


def _read_source(value: object, _: Provider, place: _Place) -> dict[str, Any]:
    return {"source": _text(value, place)}


def _read_extends(_value: object, _parent: Provider, _place: _Place) -> dict[str, Any]:
    return {}  # `_parent` has followed it


_KEYS: Mapping[str, Callable[[object, Provider, _Place], dict[str, Any]]] = MappingProxyType(
    {
        "extends": _read_extends,
        "base_url": _read_base_url,
        "key_env": _read_key_env,
        "key_header": _read_key_header,
        "headers": _read_headers,
        "versions": _read_versions,
        "timeout": _read_timeout,
        "unsupported": _read_unsupported,
        "relax": _read_rules("relax"),
        "add": _read_rules("add"),
        "error": _read_error,
        "statuses": _read_statuses,
        "habits": _read_habits,
        "source": _read_source,
    }
)
"""What a table may say, and how each key is read into fields of the profile."""
