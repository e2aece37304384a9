"""Secrets in events, replaced before anything is stored. Pure.

Senders put whole configurations into facets: Spark properties, Debezium connectors, environment variables, SQL. What
is recognised: members whose key names a secret, user:password in URIs, assignments in text, statements that set a
password, and tokens of known shape. Keys that only sound alike (tokenizer, max_tokens, secretary) are left alone, and
so are names: a column called `password` stays a column.
"""

import re
from functools import lru_cache
from typing import Any

MASK = "***"

# --- Which keys name a secret ---------------------------------------------------------------------------------------
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
# Found anywhere in the key once its separators are gone.
_SECRET_PARTS = (
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "accountkey",
    "encryptionkey",
    "signingkey",
    "masterkey",
    "sharedkey",
    "storagekey",
    "sshkey",
    "subscriptionkey",
    "clientsecret",
    "accesstoken",
    "authtoken",
    "apitoken",
    "refreshtoken",
    "sessiontoken",
    "securitytoken",
    "bearertoken",
    "sastoken",
    "connectionstring",
    "connstr",
    "sqlalchemyconn",
    "airflowconn",
    "sharedaccesssignature",
    "jaasconfig",
    "authuserinfo",
)
_SECRET_WORDS = frozenset(
    {"secret", "secrets", "credential", "credentials", "creds", "authorization", "pwd", "bearer", "cookie", "jwt"}
)
# `pass` alone counts tests as often as it names a password.
_ACCOUNTS = frozenset(
    {
        "admin",
        "database",
        "db",
        "ftp",
        "jdbc",
        "ldap",
        "mysql",
        "pg",
        "postgres",
        "redis",
        "root",
        "sftp",
        "smtp",
        "user",
    }
)
# Words before `token` that make it a piece of text or a position in a list.
_TEXT_TOKENS = frozenset(
    {
        "additional", "bos", "cls", "completion", "continuation", "decoder", "end", "eos", "first", "image", "input",
        "last", "mask", "max", "min", "next", "num", "output", "pad", "page", "per", "prompt", "sep", "special",
        "start", "stop", "sub", "total", "unk", "vocab",
    }
)  # fmt: skip
# A key that ends so tells something about a secret, not the secret.
_ABOUT = frozenset(
    {
        "algorithm", "at", "attempts", "budget", "changed", "class", "column", "columns", "count", "counts", "date",
        "days", "dim", "dir", "disabled", "embedding", "embeddings", "enabled", "encoding", "endpoint", "expiration",
        "expired", "expires", "expiry", "field", "file", "files", "format", "hint", "ids", "index", "label", "len",
        "length", "limit", "location", "manager", "mask", "minutes", "ms", "name", "names", "path", "paths", "policy",
        "provider", "providers", "rate", "ratio", "required", "reset", "rotated", "rotation", "scope", "scopes",
        "score", "seconds", "size", "status", "strength", "ttl", "type", "types", "uri", "url", "usage", "used",
        "version", "vocab",
    }
)  # fmt: skip
_MAX_KEY_CHARS = 400


@lru_cache(maxsize=16_384)
def _names_a_secret(key: str) -> bool:
    words = [word.lower() for word in _WORD.findall(key)]
    if not words:
        return False
    joined = "".join(words).replace("passwordless", "")
    if words[-1] in _ABOUT or (words[-1] == "id" and "secret" not in joined and "accesskey" not in joined):
        return False
    if any(part in joined for part in _SECRET_PARTS) or not _SECRET_WORDS.isdisjoint(words):
        return True
    if words[-1] == "pass" and _ACCOUNTS.intersection(words):
        return True
    if "azure" in words and "sas" in words:
        return True
    return any(_is_secret_word(word, words[index - 1] if index else "") for index, word in enumerate(words))


def _is_secret_word(word: str, before: str) -> bool:
    """Glued words: mytoken and dbsecret are secrets, tokenizer and secretary are not."""
    if word.endswith("token"):
        stem = word.removesuffix("token") or before
        return stem not in _TEXT_TOKENS
    return word.endswith(("secret", "secrets")) or (word.endswith("pass") and word.removesuffix("pass") in _ACCOUNTS)


def names_a_secret(key: str) -> bool:
    """Whether the value under this key is a secret by the key's words."""
    return len(key) <= _MAX_KEY_CHARS and _names_a_secret(key)


# --- Secrets inside text --------------------------------------------------------------------------------------------
_KNOWN_TOKENS = re.compile(
    r"""
    -----BEGIN[ ][A-Z ]{0,30}PRIVATE[ ]KEY-----.*?(?:-----END[ ][A-Z ]{0,30}PRIVATE[ ]KEY-----|\Z)
    | \b(?:
        (?:AKIA|ASIA)[0-9A-Z]{16}\b
      | gh[pousr]_[A-Za-z0-9]{30,}
      | github_pat_[A-Za-z0-9_]{22,}
      | glpat-[A-Za-z0-9_-]{20,}
      | assay_pat_[A-Za-z0-9]{30,}
      | xox[abeoprs]-[A-Za-z0-9-]{10,}
      | sk-(?:proj-|ant-|live-|test-)?[A-Za-z0-9]{32,}
      | AIza[0-9A-Za-z_-]{35}
      | dapi[0-9a-f]{32}
      | hf_[A-Za-z0-9]{30,}
      | npm_[A-Za-z0-9]{36}
      | pypi-[A-Za-z0-9_-]{50,}
      | dckr_pat_[A-Za-z0-9_-]{20,}
      | eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+
    )
    """,
    re.VERBOSE | re.DOTALL,
)
_BEARER = re.compile(r"\b((?:bearer|basic)[ ]+)(?!\*\*\*)([A-Za-z0-9._~+/=-]{16,})", re.IGNORECASE)
# user:password@ after :// ; the password runs to the last @ before the path, because senders forget to escape it.
_USER_INFO = re.compile(r"(://[^\s/?#:@\"']*:)([^\s/?#\"']+)(?=@)")
_JDBC_THIN = re.compile(r"(\bthin:[^\s/@:]+/)([^\s@]+)(?=@)", re.IGNORECASE)
_ASSIGNMENT = re.compile(
    r"""(?<![\w.\-])(-{0,2}[A-Za-z_][\w.\-]{0,400}+)(\s{0,8}=\s{0,8})("[^"]*+"|'(?:[^']|'')*+'|[^\s&;,"'<>)\]}]++)"""
)
_QUOTED_MEMBER = re.compile(
    r"""(["'])([A-Za-z_][\w.\- ]{0,400}+)\1(\s*+:\s*+)("(?:[^"\\]++|\\.)*+"|'(?:[^'\\]++|\\.)*+'|-?\d[\d.eE+-]*+)""",
    re.DOTALL,
)
_ESCAPED_MEMBER = re.compile(r"""\\+"([A-Za-z_][\w.\- ]{0,400}+)\\+"(\s*+:\s*+)(\\+")([^"\\]++)""")
_OPTION = re.compile(r"""(?<![\w-])--([A-Za-z][\w.\-]{0,400}+)(\s++)("[^"]*+"|'[^']*+'|(?!-)[^\s"']++)""")
_HEADER = re.compile(r"\b((?:x-)?api-key|(?:proxy-)?authorization)(\s*:\s*)([^\s\"']+(?:[ ][^\s\"']+)?)", re.IGNORECASE)
_SQL = re.compile(
    r"""\b(password|identified\s+by(?:\s+(?:password|values))?|secret_access_key|access_key_id|session_token|credentials)
        (\s+)('(?:[^']|'')*+'|"[^"]*+")""",
    re.IGNORECASE | re.VERBOSE,
)
_IDENTIFIED_BY = re.compile(
    r"\b(identified\s+by\s+)(?!(?:password|values|externally|globally)\b)([^\s'\";,]+)", re.IGNORECASE
)
# Query parameters that sign a request; `sig` means nothing elsewhere.
_SIGNATURES = frozenset(
    {"sig", "signature", "x-amz-signature", "x-amz-credential", "x-goog-signature", "x-goog-credential"}
)
_QUALIFIED_COLUMN = re.compile(r"[A-Za-z_]\w*\.[A-Za-z_]\w*")
# :name, %(name)s, $1, ?, @name, ${NAME}. Whatever holds more, such as another assignment, is a literal.
_BIND_PARAMETER = re.compile(r"[:%$?@][\w.:({\[\-]*")
_KEY_LIKE = re.compile(
    r"pass|pwd|secret|token|key|cred|auth|bearer|basic |cookie|jwt|conn|sig|sas|jaas|identified", re.IGNORECASE
)
_TOKEN_LIKE = re.compile(r"AKIA|ASIA|gh[pousr]_|_pat_|glpat-|xox|sk-|AIza|dapi|hf_|npm_|pypi-|eyJ|PRIVATE KEY")


_MAX_SHORT_CHARS = 200


def _hidden(quoted: str) -> str:
    """The mask within the quotes of what it replaces."""
    return f"{quoted[0]}{MASK}{quoted[0]}" if quoted[:1] in ("'", '"') else MASK


def _assignment(match: re.Match[str]) -> str:
    key, sign, value = match.groups()
    if not names_a_secret(key):
        before = match.string[match.start() - 1 : match.start()]
        if not (before and before in "?&;" and key.lower() in _SIGNATURES):
            return match.group()
    if value.strip("\"'").lower() in _HARMLESS_VALUES:
        return match.group()
    if value[0] not in ("'", '"') and _is_reference(key, value, is_spaced=sign != "="):
        return match.group()
    return f"{key}{sign}{_hidden(value)}"


def _is_reference(key: str, value: str, *, is_spaced: bool) -> bool:
    """The right side of a comparison in SQL: another column or a bind parameter, not a literal."""
    if is_spaced:
        return _BIND_PARAMETER.fullmatch(value) is not None or _QUALIFIED_COLUMN.fullmatch(value) is not None
    return value.endswith(f".{key.rpartition('.')[2]}")


def _member(match: re.Match[str]) -> str:
    quote, key, colon, value = match.groups()
    if not names_a_secret(key) or value.strip("\"'").lower() in _HARMLESS_VALUES:
        return match.group()
    mark = value[0] if value[0] in ("'", '"') else quote
    return f"{quote}{key}{quote}{colon}{mark}{MASK}{mark}"


def _escaped_member(match: re.Match[str]) -> str:
    if not names_a_secret(match[1]) or match[4].lower() in _HARMLESS_VALUES:
        return match.group()
    return match.group()[: -len(match[4])] + MASK


def _option(match: re.Match[str]) -> str:
    return f"--{match[1]}{match[2]}{_hidden(match[3])}" if names_a_secret(match[1]) else match.group()


def mask_text(text: str) -> str:
    """The text with the secrets in it replaced."""
    if len(text) <= _MAX_SHORT_CHARS and _is_plain(text):
        return text
    if "@" in text:
        if "://" in text:
            text = _USER_INFO.sub(rf"\1{MASK}", text)
        text = _JDBC_THIN.sub(rf"\1{MASK}", text)
    if _TOKEN_LIKE.search(text):
        text = _KNOWN_TOKENS.sub(MASK, text)
    if _KEY_LIKE.search(text):
        text = _mask_assignments(text)
    return text


@lru_cache(maxsize=16_384)
def _is_plain(text: str) -> bool:
    """Nothing in the text looks like a secret. Remembered, because names and schema addresses repeat in every event."""
    return not ("@" in text or _TOKEN_LIKE.search(text) or _KEY_LIKE.search(text))


def _mask_assignments(text: str) -> str:
    text = _BEARER.sub(rf"\1{MASK}", text)
    if ":" in text:
        text = _HEADER.sub(rf"\1\2{MASK}", text)
        text = _QUOTED_MEMBER.sub(_member, text)
        if "\\" in text:
            text = _ESCAPED_MEMBER.sub(_escaped_member, text)
    if "=" in text:
        text = _ASSIGNMENT.sub(_assignment, text)
    if "--" in text:
        text = _OPTION.sub(_option, text)
    if " " in text or "\n" in text or "\t" in text:
        text = _SQL.sub(lambda match: f"{match[1]}{match[2]}{_hidden(match[3])}", text)
        text = _IDENTIFIED_BY.sub(rf"\1{MASK}", text)
    return text


# --- The walk -------------------------------------------------------------------------------------------------------
# These reveal nothing, and flags are worth keeping.
_HARMLESS_VALUES = frozenset({"", MASK, "true", "false", "yes", "no", "none", "null"})
# Objects keyed by the names of columns.
_KEYED_BY_NAMES = frozenset({"fields", "columnMetrics"})
# How settings are listed: {"name": "DB_PASSWORD", "value": "..."}.
_NAMING = ("name", "key", "property")
# Every facet has these; they say who speaks.
_PROVENANCE = frozenset({"_producer", "_schemaURL"})

# Whatever can be masked holds one of these in its bytes, lower case. Escapes of ASCII characters may hide any of them,
# and "@" stands in every user:password@host.
_HINTS = (
    b"pass", b"secret", b"token", b"key", b"pwd", b"creden", b"creds", b"auth", b"bearer", b"basic ", b"cookie", b"jwt",
    b"conn", b"jaas", b"sas", b"sig=", b"signature", b"goog", b"identified", b"@", b"\\u00", b"akia", b"asia", b"ghp_",
    b"gho_", b"ghu_", b"ghs_", b"ghr_", b"glpat-", b"_pat_", b"xox", b"sk-", b"aiza", b"dapi", b"hf_", b"npm_",
    b"pypi-", b"eyj",
)  # fmt: skip
_MANY_BYTES = 64_000
_MAX_REMEMBERED = 30_000
_MAX_REMEMBERED_BYTES = 100
# Pieces between quotes that hold no hint. Events repeat themselves, so most of each need not be looked at again.
_harmless_pieces: set[bytes] = set()


def may_hold_secrets(raw: bytes) -> bool:
    """A quick look at the bytes of an event: False means that `mask` would change nothing."""
    if len(raw) > _MANY_BYTES:
        lowered = raw.lower().replace(b'"key"', b"")
        return any(map(lowered.__contains__, _HINTS))
    # No hint holds a quote, so none lies across two pieces.
    unknown = set(raw.split(b'"')) - _harmless_pieces
    unknown.discard(b"key")  # Tags are written {"key": ..., "value": ...}.
    lowered = b'"'.join(unknown).lower()
    if any(map(lowered.__contains__, _HINTS)):
        return True
    if len(_harmless_pieces) > _MAX_REMEMBERED:
        _harmless_pieces.clear()
    for piece in unknown:
        # Run ids and times do not come again.
        if len(piece) <= _MAX_REMEMBERED_BYTES and len(piece) != 36 and not piece.startswith(b"20"):
            _harmless_pieces.add(piece)
    return False


def mask(document: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """The document with its secrets replaced by three asterisks, and whether there were any.

    What is unchanged is shared with the document given. Masking twice changes nothing more.
    """
    masked = _walk_object(document, is_keyed_by_names=False)
    return masked, masked is not document


def _walk_object(members: dict[str, Any], *, is_keyed_by_names: bool) -> dict[str, Any]:
    hides_value = "value" in members and any(
        type(name := members.get(naming)) is str and _is_secret(name, members["value"]) for naming in _NAMING
    )
    changed: dict[str, Any] = {}
    renamed = False
    for key, value in members.items():
        kind = type(value)
        if kind is dict or kind is list:
            if names_a_secret(key) and not is_keyed_by_names:
                new = _hide(value)
            elif kind is dict:
                new = _walk_object(value, is_keyed_by_names=key in _KEYED_BY_NAMES)
            else:
                new = _walk_array(value)
        elif _is_secret(key, value) or (hides_value and key == "value"):
            new = _hide(value)
        elif kind is str:
            new = mask_text(value) if len(value) > 6 else value
        else:
            new = value
        if new is not value and new != value:
            changed[key] = new
        renamed = renamed or (len(key) > 12 and mask_text(key) != key)
    if renamed:
        return _renamed(members | changed)
    return members | changed if changed else members


def _walk_array(elements: list[Any]) -> list[Any]:
    new: list[Any] = []
    is_changed = False
    for element in elements:
        kind = type(element)
        if kind is dict:
            walked: Any = _walk_object(element, is_keyed_by_names=False)
        elif kind is list:
            walked = _walk_array(element)
        elif kind is str and len(element) > 6:
            walked = mask_text(element)
        else:
            walked = element
        is_changed = is_changed or (walked is not element and walked != element)
        new.append(walked)
    return new if is_changed else elements


def _hide(value: Any) -> Any:
    """Everything under a secret key; flags, nulls and the provenance of facets stay."""
    kind = type(value)
    if kind is str:
        return value if value.lower() in _HARMLESS_VALUES else MASK
    if kind is dict:
        hidden = {}
        for key, member in value.items():
            hidden[key] = member if key in _PROVENANCE else _hide(member)
        return value if hidden == value else hidden
    if kind is list:
        hidden_elements = list(map(_hide, value))
        return value if hidden_elements == value else hidden_elements
    if kind is int or kind is float:
        return MASK
    return value


def _renamed(members: dict[str, Any]) -> dict[str, Any]:
    """Keys may hold secrets too. Two that become one are told apart by more asterisks."""
    new: dict[str, Any] = {}
    for key, value in members.items():
        name = mask_text(key)
        while name in new and name != key:
            name += "*"
        new[name] = value
    return new


def _is_secret(key: str, value: Any) -> bool:
    """By the key, unless it is the shell's PWD with a path."""
    return names_a_secret(key) and not (key in ("PWD", "OLDPWD") and type(value) is str and value.startswith("/"))
