"""Typed readers of environment variables. A bad value stops the program with the variable's name."""

import importlib.util
import ipaddress
import os
import secrets
from collections.abc import Collection
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off"})
MIN_SECRET_LENGTH = 32
# The brokers we know, and the package that each needs beside Celery and Kombu. Those two replace their modules while
# they load, so that Python cannot tell whether they are installed.
BROKERS = {
    "filesystem": "",
    "amqp": "amqp",
    "amqps": "amqp",
    "redis": "redis",
    "rediss": "redis",
}


class BadSetting(SystemExit):
    """An environment variable holds a value the program cannot use."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def flag(name: str, *, default: bool) -> bool:
    value = text(name).lower()
    if not value:
        return default
    if value in TRUE:
        return True
    if value in FALSE:
        return False
    raise BadSetting(name, f"{value!r} is neither true nor false.")


def number(name: str, default: int, *, minimum: int, maximum: int) -> int:
    value = text(name)
    if not value:
        return default
    try:
        parsed = int(value)
    except ValueError:
        raise BadSetting(name, f"{value!r} is not a whole number.") from None
    if not minimum <= parsed <= maximum:
        raise BadSetting(name, f"{parsed} is not between {minimum} and {maximum}.")
    return parsed


def choice(name: str, default: str, among: Collection[str]) -> str:
    """One of some words, which are upper case; the variable's own case does not count."""
    value = text(name, default).upper()
    if value not in among:
        raise BadSetting(name, f"{value!r} is none of {', '.join(among)}.")
    return value


def words(name: str, default: str = "") -> list[str]:
    """The comma-separated words of a variable, without empty ones."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def networks(name: str, default: str = "") -> list[IPv4Network | IPv6Network]:
    """Comma-separated networks, such as 10.0.0.0/8, or single addresses."""
    found: list[IPv4Network | IPv6Network] = []
    for word in words(name, default):
        try:
            found.append(ipaddress.ip_network(word))
        except ValueError as error:
            raise BadSetting(name, f"{error}. Give networks such as 10.0.0.0/8.") from None
    return found


def hosts(name: str, default: str) -> list[str]:
    """Comma-separated names of hosts, as browsers send them."""
    found = words(name, default)
    if wrong := next((word for word in found if "/" in word), None):
        raise BadSetting(name, f"{wrong!r} is no host: give the name alone, without scheme and path.")
    return found


def broker(name: str, default: str) -> str:
    """The URL of a message broker that we have a client for. Celery itself would only fail with the first message."""
    url = text(name, default)
    scheme = url.partition("://")[0]
    if scheme not in BROKERS:
        raise BadSetting(name, f"the scheme must be one of {', '.join(BROKERS)}, not {scheme!r}.")
    package = BROKERS[scheme]
    if package and importlib.util.find_spec(package) is None:
        raise BadSetting(name, f"{scheme}:// needs the Python package {package}, which is not installed.")
    return url


def secret(name: str, default_file: Path) -> str:
    """The secret in variable `name`, or in the file named by `name`_FILE, or in `default_file`, made when absent.

    The made file is readable by its owner alone.
    """
    if value := text(name):
        if len(value) < MIN_SECRET_LENGTH:
            raise BadSetting(name, f"has fewer than {MIN_SECRET_LENGTH} characters.")
        return value
    named = text(f"{name}_FILE")
    if not named:
        return stored_secret(default_file)
    try:
        value = Path(named).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise BadSetting(f"{name}_FILE", f"{named} cannot be read: {error.strerror}.") from None
    if len(value) < MIN_SECRET_LENGTH:
        raise BadSetting(f"{name}_FILE", f"{named} holds fewer than {MIN_SECRET_LENGTH} characters.")
    return value


def stored_secret(path: Path) -> str:
    """The secret in a file, made when absent and readable by its owner alone."""
    try:
        _create(path)
        value = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise BadSetting(str(path), f"cannot be read or made: {error.strerror}.") from None
    if len(value) < MIN_SECRET_LENGTH:
        raise BadSetting(str(path), f"holds fewer than {MIN_SECRET_LENGTH} characters.")
    return value


def _create(path: Path) -> None:
    """Write a new secret unless the file exists. Linking a finished file means no reader sees half of one."""
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(secrets.token_urlsafe(48))
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # Another process was first; its secret is the one.
    finally:
        draft.unlink()


def database(name: str, url: str) -> dict[str, object]:
    """Django's connection settings for a URL such as postgresql://user:password@host:5432/name."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadSetting(name, f"not a database URL: {error}.") from None
    if parts.scheme not in {"postgres", "postgresql"}:
        raise BadSetting(name, f"the scheme must be postgresql, not {parts.scheme!r}.")
    options = dict(parse_qsl(parts.query))
    database_name = unquote(parts.path.lstrip("/"))
    if not database_name:
        raise BadSetting(name, "the database's name is missing after the host.")
    if not parts.username:
        raise BadSetting(name, "the user's name is missing before the host.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": database_name,
        "USER": unquote(parts.username),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", unquote(parts.hostname or "")),
        "PORT": str(port or options.pop("port", "")),
        "OPTIONS": options,
    }
