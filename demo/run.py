"""The main job end to end: two models trained and reported, two verdicts, one approval.

`python -m demo.run --url URL [--json]`, in the environment of the service. Fails when reality differs from the story.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import django
import requests

ROOT = Path(__file__).resolve().parent.parent
POLICIES = ROOT / "demo" / "policies"
APPROVED = {"decision": "approve", "reason": "The figures of the evaluation were read."}
# make_report's exit code where the libraries are missing that print PDF.
CANNOT_PRINT = 69
STORY = {"plain": ("blocked", 1), "mitigated": ("waiting", 4)}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--json", action="store_true", help="print the verdicts as JSON alone")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")
    django.setup()
    story = Demo(options.url)
    verdicts = story.play()
    if options.json:
        told = {"verdicts": verdicts, "maturity": story.maturity(), "portal": options.url}
        print(json.dumps(told | {"users": sorted(story.passwords)}, indent=1))
    else:
        story.tell(verdicts)
    return 0


class Demo:
    """The story against one server."""

    def __init__(self, url: str) -> None:
        # Django's models can be imported only after its set-up, which main does.
        from django.conf import settings  # noqa: PLC0415

        from demo import outside, people, train  # noqa: PLC0415

        self.url = url
        self.model = train.MODEL
        self.team = people.TEAM
        self.data_dir = Path(settings.DATA_DIR)
        self.scorecard: dict[str, Any] = {}
        self.report = ""
        self.passwords = people.settle(Path(settings.DATA_DIR) / "secrets" / "demo_users.json")
        say("People, team and owners are there.")
        self.outside = outside.Outside(url, Path(settings.DATA_DIR) / "secrets" / "demo_connections.json")
        self.alert, self.check = outside.ALERT, outside.CHECK
        manage("policies", "apply", str(POLICIES))
        self.lineage_token = issue(people.SERVICE, "lineage:write")
        self.gate_token = issue(people.SERVICE, "promotions:write", "read")
        self.approver_token = issue("demo-approver", "promotions:write", "read")

    def play(self) -> list[dict[str, Any]]:
        first = self.next_version()
        verdicts = []
        for number, (kind, (expected, code)) in enumerate(STORY.items()):
            version = str(first + number)
            with tempfile.TemporaryDirectory(prefix="assay-demo-") as folder:
                self.train(version, kind, Path(folder))
                promotion = self.gate(version, code, Path(folder))
            expect(promotion["state"] == expected, f"version {version} should be {expected}, not {promotion['state']}")
            if expected == "blocked":
                self.ask_for_a_waiver(promotion)
            else:
                promotion = self.approve(promotion)
            verdicts.append(verdict(promotion))
            say(f"Version {version} ({kind}): {promotion['state']}.")
        self.hear_others(version)
        self.rate()
        return verdicts

    def hear_others(self, version: str) -> None:
        """MLflow, GitHub and Prometheus say something of the version that passed; it joins what is known of it."""
        self.outside.send_all(version)
        self.outside.await_translation()
        model = self.get("assets", {"kind": "model", "name": self.model})["results"][0]["id"]
        code = self.around(model, "upstream", kind="repository")
        expect(len(code) == 1, f"the model should come from one repository, not {sorted(code)}")
        for asset, expected in ((model, self.alert), (next(iter(code)), self.check)):
            until = time.monotonic() + 60
            while not any(name.endswith(expected) for name in self.around(asset, "downstream").values()):
                expect(time.monotonic() < until, f"the graph does not show {expected}")
                time.sleep(0.5)
        say("MLflow moved its alias, GitHub checked the commit, Prometheus raised an alert: all in the same graph.")

    def around(self, asset: str, direction: str, kind: str = "") -> dict[str, str]:
        """The names of what stands on that side of an asset, by id."""
        found = self.get("graph", {"asset": asset, "direction": direction, "depth": 10})["nodes"]
        return {node["id"]: node["name"] for node in found if kind in ("", node["kind"])}

    def rate(self) -> None:
        """Where the team stands after all this, as JSON and on paper."""
        manage("snapshot_maturity")
        query = {"framework": "google-mlops", "daily": "true"}
        self.scorecard = self.get(f"teams/{self.team}/scorecard", query)
        say(f"Maturity of {self.team}: {self.scorecard['rating']['says']}.")
        out = self.data_dir / "reports" / f"maturity-{self.team}.pdf"
        printed = command("make_report", "scorecard", "--team", self.team, "--daily", "--out", str(out))
        if printed.returncode == CANNOT_PRINT:
            say(f"The scorecard is not printed: {printed.stderr.strip()}")
            return
        expect(printed.returncode == 0, f"the scorecard was not printed: {printed.stderr}")
        self.report = printed.stdout.strip()

    def maturity(self) -> dict[str, Any]:
        rating = self.scorecard["rating"]
        kept = {key: rating[key] for key in ("says", "level", "possible", "obstacles")}
        return {"team": self.team, "framework": self.scorecard["snapshot"]["framework"]} | kept | {"pdf": self.report}

    def next_version(self) -> int:
        """One more than the registry has, so that the demo can be run again on its data."""
        query = {"kind": "model", "name": self.model}
        found = self.get("assets", query)["results"]
        if not found:
            return 1
        versions = self.get(f"assets/{found[0]['id']}/versions", {"limit": 200})["results"]
        return 1 + max((int(version["key"]) for version in versions if version["key"].isdigit()), default=0)

    def train(self, version: str, kind: str, folder: Path) -> None:
        say(f"Training version {version} ({kind}) and reporting its runs …")
        environment = {**os.environ, "OPENLINEAGE_URL": self.url, "OPENLINEAGE_API_KEY": self.lineage_token}
        subprocess.run(
            [sys.executable, "-m", "demo.train", "--version", version, "--kind", kind, "--out", str(folder)],
            cwd=ROOT,
            env=environment,
            check=True,
            stdout=sys.stderr,
        )

    def gate(self, version: str, code: int, folder: Path) -> dict[str, Any]:
        """Ask as CI does: the command, a token in the environment, the exit code."""
        command = [str(Path(sys.executable).parent / "assay"), "gate", "--model", self.model, "--version", version]
        command += [
            "--evidence",
            f"evaluation={folder / 'evaluation.csv'}",
            "--evidence",
            f"model.txt={folder / 'model.txt'}",
        ]
        asked = subprocess.run(
            [*command, "--to", "production", "--no-wait", "--json", "--timeout", "60"],
            env={**os.environ, "ASSAY_URL": self.url, "ASSAY_TOKEN": self.gate_token},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        expect(asked.returncode == code, f"assay gate ended with {asked.returncode}, not {code}: {asked.stderr}")
        document: dict[str, Any] = json.loads(asked.stdout)
        return document

    def ask_for_a_waiver(self, promotion: dict[str, Any]) -> None:
        """The model is blocked on fairness, and its author may ask to set that aside, but not grant it."""
        fairness = next(finding for finding in promotion["findings"] if finding["check"] == "fairness")
        expect(fairness["outcome"] == "fail", f"fairness should fail, and is {fairness['outcome']}")
        body = {
            "promotion": promotion["id"],
            "rule": fairness["rule"],
            "reason": "The study begins on Monday.",
            "ticket": "CARE-12",
            "ends_at": (datetime.now(UTC) + timedelta(days=3)).isoformat(),
        }
        asked = self.post("waivers", self.gate_token, body)
        expect(asked.ok, f"the waiver was answered {asked.status_code}: {asked.text}")
        own = self.post(f"waivers/{asked.json()['id']}/approve", self.gate_token, {"reason": "It is urgent."})
        expect(own.status_code == 403, f"the author's own waiver was answered {own.status_code}")
        say("Blocked on fairness; the account that made it asked for a waiver and may not grant it: refused.")

    def approve(self, promotion: dict[str, Any]) -> dict[str, Any]:
        """The one who asked is refused; the approver's word lets the version pass."""
        path = f"promotions/{promotion['id']}/approvals"
        own = self.post(path, self.gate_token, APPROVED)
        expect(own.status_code == 403, f"the requester's own approval was answered {own.status_code}")
        say("The service account that asked may not approve: refused, as it should be.")
        other = self.post(path, self.approver_token, APPROVED)
        expect(other.ok, f"the approval was answered {other.status_code}: {other.text}")
        decided = self.get(f"promotions/{promotion['id']}", {"wait": 20})
        expect(decided["state"] == "passed", f"after the approval the state is {decided['state']}")
        return decided

    def get(self, path: str, query: dict[str, Any]) -> dict[str, Any]:
        answer = requests.get(f"{self.url}/api/v1/{path}", query, headers=bearer(self.gate_token), timeout=60)
        answer.raise_for_status()
        document: dict[str, Any] = answer.json()
        return document

    def post(self, path: str, token: str, body: dict[str, str]) -> requests.Response:
        return requests.post(f"{self.url}/api/v1/{path}", json=body, headers=bearer(token), timeout=60)

    def tell(self, verdicts: list[dict[str, Any]]) -> None:
        for told in verdicts:
            print(f"\n{told['model']} version {told['version']}: {told['state'].upper()}")
            for finding in told["findings"]:
                print(f"  {finding['outcome']:15} {finding['check']}: {finding['summary']}")
        rating = self.scorecard["rating"]
        print(f"\nMaturity of {self.team} by {self.scorecard['snapshot']['framework']}: {rating['says']}")
        for obstacle in rating["obstacles"]:
            print(f"  {obstacle}")
        for step in self.scorecard["next_actions"]:
            print(f"  next: {step['says']}")
        if self.report:
            print(f"  on paper: {self.report}")
        print(f"\nThe portal: {self.url}")
        for name, password in sorted(self.passwords.items()):
            print(f"  sign in as {name:15} password {password}")


def verdict(promotion: dict[str, Any]) -> dict[str, Any]:
    kept = ("check", "outcome", "measured", "required", "summary")
    findings = [{key: finding[key] for key in kept} for finding in promotion["findings"]]
    return {key: promotion[key] for key in ("model", "version", "state", "url")} | {"findings": findings}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def issue(user: str, *scopes: str) -> str:
    given = [argument for scope in scopes for argument in ("--scope", scope)]
    return manage("issue_token", "--user", user, *given, "--expires-days", "7", "--name", "demo").strip()


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def manage(*arguments: str) -> str:
    finished = command(*arguments)
    expect(finished.returncode == 0, f"manage.py {arguments[0]} failed: {finished.stderr}{finished.stdout}")
    return finished.stdout


def expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise SystemExit(f"The demo's story does not hold: {otherwise}")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
