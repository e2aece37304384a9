"""Addresses of Git repositories in one spelling, so that a commit that several systems name is one commit. Pure."""

import re
from urllib.parse import urlsplit

MAX_CHARS = 2_000
# `git@host:owner/name.git`, as Git itself writes it.
_SCP = re.compile(r"(?:[\w.-]+@)?([\w.-]+\.[\w-]+|localhost):(?!//)([^\s:]+)", re.ASCII)
_SCHEMES = frozenset({"http", "https", "ssh", "git", "git+ssh", "git+https"})
_OVER_SSH = frozenset({"ssh", "git", "git+ssh"})


def canonical(address: str) -> str:
    """`https://host/path` without user, `.git` and slash at the end; what is no such address stays as it is."""
    address = address.strip()[:MAX_CHARS]
    if found := _SCP.fullmatch(address):
        return _joined(found[1], found[2])
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        return address
    if parts.scheme.lower() not in _SCHEMES or not host or not parts.path.strip("/"):
        return address
    # The port of SSH is not that of the pages.
    is_own = port is not None and port not in (80, 443) and parts.scheme.lower() not in _OVER_SSH
    return _joined(f"{host}:{port}" if is_own else host, parts.path)


def _joined(host: str, path: str) -> str:
    return f"https://{host.lower()}/{path.strip('/').removesuffix('.git')}"
