"""Reading where evidence lies: a folder of ours, an object store that speaks S3, or tables of other engines."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

from governance.environment import BadSetting

# What the address may say beside the bucket, and what django-storages calls it.
OPTIONS: Mapping[str, str] = {"endpoint": "endpoint_url", "region": "region_name"}
CONNECTION = re.compile(r"[a-z0-9][a-z0-9-]{0,49}")


def storages(variable: str, address: str) -> dict[str, Any]:
    """What Django's STORAGES gets for `s3://bucket/folder?endpoint=https://…&region=…`; nothing for an empty address.

    Keys are not part of it: boto3 finds them where it always does, in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, in
    its files or in the role of the machine.
    """
    if not address:
        return {}
    parts = urlsplit(address)
    if parts.scheme != "s3" or not parts.hostname:
        raise BadSetting(variable, f"{address!r} is no s3://bucket/folder.")
    if "@" in parts.netloc:
        raise BadSetting(variable, "keys do not belong in the address: give AWS_ACCESS_KEY_ID and its secret.")
    asked = parse_qs(parts.query, keep_blank_values=True)
    if unknown := asked.keys() - OPTIONS.keys():
        raise BadSetting(variable, f"{sorted(unknown)[0]!r} is not one of {', '.join(OPTIONS)}.")
    options: dict[str, Any] = {OPTIONS[name]: values[-1] for name, values in asked.items()}
    endpoint = options.get("endpoint_url", "https://")
    if not endpoint.startswith(("http://", "https://")):
        raise BadSetting(variable, f"the endpoint {endpoint!r} starts with neither http:// nor https://.")
    # Nothing here is public, and a name stands for one content: there is nothing to sign or to keep apart.
    options |= {"bucket_name": parts.netloc, "location": parts.path.strip("/"), "default_acl": None}
    options["file_overwrite"] = True
    return {"evidence": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}}


def tables(variable: str, path: str) -> dict[str, str]:
    """Connections to the engines whose tables may be evidence, by name, from a YAML file; none without a file.

    Each is an address as ibis.connect takes it, such as `duckdb:///srv/warehouse.duckdb?read_only=True`.
    """
    if not path:
        return {}
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        says = " ".join(str(error).split())
        raise BadSetting(variable, f"{path} cannot be read: {says}") from None
    if not isinstance(content, dict):
        raise BadSetting(variable, f"{path} is no mapping of names to addresses.")
    for name, address in content.items():
        if not (isinstance(name, str) and CONNECTION.fullmatch(name)):
            raise BadSetting(variable, f"{name!r} in {path} is no name: small letters, digits and hyphens.")
        if not (isinstance(address, str) and "://" in address):
            # The address may hold a password, so it is not shown.
            raise BadSetting(variable, f"{name} in {path} has no address such as duckdb:///srv/warehouse.duckdb.")
    return content
