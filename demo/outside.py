"""What other systems say of the demo's model, sent as they send it: MLflow, GitHub and Alertmanager.

Each has a connection with a secret of its own, and its deliveries are proven as in the field. The payloads are of the
form that these systems send; the names and times in them are the demo's.
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from demo import people, train
from governance.models import Team
from integrations import connections, systems
from integrations.connections import Settings
from integrations.models import Connection, Delivery

WAIT_S = 60
CHECK = "app.integration"
ALERT = "ErrorRateIsHigh"
NAMESPACES = {
    "mlflow": train.REGISTRY,
    "github": "github://github.com",
    "alertmanager": "alertmanager://demo",
}


class Outside:
    """The three systems, as far as they send."""

    def __init__(self, url: str, secrets_file: Path) -> None:
        self.url = url
        self.secrets = _connected(secrets_file)

    def send_all(self, version: str) -> None:
        """Deliver what the three have to say of a version that passed. Raises RuntimeError when one is not taken."""
        at = datetime.now(UTC).replace(microsecond=0)
        self._send("mlflow", _alias(version, at))
        self._send("github", _check(at))
        self._send("alertmanager", _alert(version, at))

    def await_translation(self) -> None:
        """Wait until all that was delivered is in the event log. Raises RuntimeError when it is refused or late."""
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            mine = Delivery.objects.filter(connection__slug__in=[_slug(system) for system in NAMESPACES])
            states = set(mine.values_list("state", flat=True))
            if states <= {"translated"}:
                return
            if states & {"refused", "failed", "unknown"}:
                raise RuntimeError(
                    f"A delivery was not understood: {sorted(mine.values_list('type', 'state', 'error'))}"
                )
            time.sleep(0.2)
        raise RuntimeError("The deliveries were not translated in time.")

    def _send(self, system: str, document: Mapping[str, Any]) -> None:
        body = json.dumps(document).encode()
        headers = {"Content-Type": "application/json", **_proof(system, self.secrets[system], body)}
        answer = requests.post(f"{self.url}/api/v1/hooks/{_slug(system)}", data=body, headers=headers, timeout=30)
        if not answer.ok:
            raise RuntimeError(f"The delivery of {system} was answered {answer.status_code}: {answer.text}")


def _connected(secrets_file: Path) -> dict[str, str]:
    """A connection for each system unless it is there, and their secrets."""
    known: dict[str, str] = json.loads(secrets_file.read_text()) if secrets_file.exists() else {}
    team = Team.objects.get(slug=people.TEAM)
    for system, namespace in NAMESPACES.items():
        if not Connection.objects.filter(slug=_slug(system)).exists():
            known[system] = secrets.token_urlsafe(32)
            connections.create(
                actor=None,
                team=team,
                slug=_slug(system),
                system=system,
                namespace=namespace,
                settings=Settings(
                    title=f"{systems.BY_SLUG[system].title} of the demo", scheme=systems.BY_SLUG[system].schemes[0]
                ),
                secret=known[system],
            )
    secrets_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    secrets_file.touch(mode=0o600)
    secrets_file.write_text(json.dumps(known, indent=1) + "\n")
    return known


def _slug(system: str) -> str:
    return f"demo-{system}"


def _proof(system: str, secret: str, body: bytes) -> dict[str, str]:
    """The headers by which each system proves that it sent this."""
    name = hashlib.sha256(body).hexdigest()[:32]
    if system == "github":
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        return {"X-GitHub-Event": "check_run", "X-GitHub-Delivery": name, "X-Hub-Signature-256": f"sha256={signature}"}
    if system == "mlflow":
        stamp = str(int(time.time()))
        signed = hmac.new(secret.encode(), f"{name}.{stamp}.".encode() + body, hashlib.sha256).digest()
        return {
            "X-MLflow-Delivery-Id": name,
            "X-MLflow-Timestamp": stamp,
            "X-MLflow-Signature": f"v1,{base64.b64encode(signed).decode()}",
        }
    return {"Authorization": f"Bearer {secret}"}


def _alias(version: str, at: datetime) -> dict[str, Any]:
    """MLflow: the version that passed was given the alias for production."""
    return {
        "entity": "model_version_alias",
        "action": "created",
        "timestamp": at.isoformat(),
        "data": {"name": train.MODEL, "alias": "champion", "version": version},
    }


def _check(at: datetime) -> dict[str, Any]:
    """GitHub: a check of the commit that the models were trained from."""
    repository = train.repository()
    name = Path(urlsplit(repository).path).name
    return {
        "action": "completed",
        "check_run": {
            "id": int(at.timestamp()),
            "name": CHECK,
            "head_sha": train.current_commit(),
            "status": "completed",
            "conclusion": "success",
            "started_at": at.isoformat(),
            "completed_at": at.isoformat(),
            "check_suite": {"id": 1, "head_branch": "main"},
        },
        "repository": {
            "id": 1,
            "name": name,
            "full_name": f"demo/{name}",
            "html_url": repository,
            "default_branch": "main",
        },
        "sender": {"login": "demo-owner", "id": 1, "type": "User"},
    }


def _alert(version: str, at: datetime) -> dict[str, Any]:
    """Prometheus, through Alertmanager: a rule about the version fires."""
    labels = {"alertname": ALERT, "model": train.MODEL, "version": version, "severity": "warning", "kpi": "error_rate"}
    alert = {
        "status": "firing",
        "labels": labels,
        "annotations": {"summary": "More errors than the week before."},
        "startsAt": at.isoformat(),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example/graph",
        "fingerprint": hashlib.sha256(json.dumps([labels, at.isoformat()]).encode()).hexdigest()[:16],
    }
    return {
        "version": "4",
        "groupKey": f'{{}}:{{alertname="{ALERT}"}}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "assay",
        "groupLabels": {"alertname": ALERT},
        "commonLabels": labels,
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example",
        "alerts": [alert],
    }
