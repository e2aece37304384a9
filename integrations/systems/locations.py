"""Where files lie: URIs of stores as the names that OpenLineage gives datasets, so that all who write or read them mean
the same asset (OpenLineage, "Naming conventions"). Pure."""

import re
from typing import Any
from urllib.parse import unquote, urlsplit

from integrations.openlineage import Dataset

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}", re.ASCII)
# Schemes that clients of one store use for the same address.
_SAME = {"s3a": "s3", "s3n": "s3", "gcs": "gs"}
# Hadoop's address of Azure's store: container@account.host; other tools write the same without TLS.
_AZURE = {"abfs": "abfss", "wasb": "wasbs"}


def dataset(uri: str) -> Dataset | None:
    """The dataset at a URI; None when it names no place in a store: it is relative, or empty."""
    scheme, mark, rest = uri.strip().partition("://")
    if not mark:
        return _without_authority(uri.strip())
    if not _SCHEME.fullmatch(scheme):
        return None
    scheme = _plain(scheme)
    if scheme == "file":
        return _file(rest if rest.startswith("/") else "/" + rest.partition("/")[2])
    try:
        # Who may read it is not part of what it is: no user, no password, no signature.
        parts = urlsplit(f"{scheme}://{rest}")
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return None
    host = parts.netloc if scheme in _AZURE.values() else (parts.hostname or "") + port
    if scheme in {"s3", "gs"}:
        host = parts.netloc.rpartition("@")[2]
    if not host or ":" in host.rpartition("@")[0]:
        return None
    return Dataset(f"{scheme}://{host}", unquote(parts.path).strip("/") or "/")


def place(uri: str) -> Dataset:
    """The dataset at a URI, or, where the URI names no store that others know, one that only equal URIs share."""
    return dataset(uri) or Dataset("uri", uri.strip().rstrip("/") or "/")


def files(*uris: str) -> dict[str, Any]:
    """The facet `assay_modelFiles` of a model version: where its files lie. `Context.artifact` finds it by them."""
    found = {(one.namespace, one.name): one for uri in uris if uri.strip() for one in (place(uri),)}
    return {"places": [{"namespace": namespace, "name": name} for namespace, name in found]}


def _without_authority(path: str) -> Dataset | None:
    return _file(path) if path.startswith("/") and not path.startswith("//") else None


def _file(path: str) -> Dataset | None:
    return Dataset("file", path.rstrip("/") or "/")


def _plain(scheme: str) -> str:
    scheme = scheme.lower()
    return _AZURE.get(scheme) or _SAME.get(scheme, scheme)
