"""Policies from files: apply, validate, test, list; and their form."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from governance import selectors as governance_selectors
from governance import yamldocuments
from governance.errors import DomainError
from policies import casefiles, documents, jsonschema, publishing, selectors

CASES = (".cases.yaml", ".cases.yml")


class Command(BaseCommand):
    help = (
        "Publish the policies of a folder (apply), look at files (validate, test), list what stands, print their form."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        for verb, says in (
            ("apply", "publish every policy of a folder, or none"),
            ("validate", "say what is wrong"),
            ("test", "judge the cases beside each policy (NAME.cases.yaml)"),
        ):
            one = verbs.add_parser(verb, help=says)
            one.add_argument("path", type=Path, help="a folder of .yaml files, or one file")
            if verb == "apply":
                one.add_argument("--user", help="publish as this user, who needs the right to (default: the operator)")
                one.add_argument("--note", default="", help="why, kept with the versions")
        verbs.add_parser("defaults", help="publish the default of every tier that has no policy of its name yet")
        verbs.add_parser("list", help="the current version of every policy")
        verbs.add_parser("schema", help="the form of policies as JSON Schema, for editors")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["verb"] == "list":
            for version, said in selectors.current_policies():
                stages = said.applies.stage if isinstance(said.applies.stage, str) else ",".join(said.applies.stage)
                self.stdout.write(f"{version.policy.slug}\t{version.number}\t{stages}\t{version.digest[:12]}")
            return
        if options["verb"] == "defaults":
            for starter in publishing.publish_defaults():
                self.stdout.write(f"{starter.policy.slug} {starter.number} published")
            return
        if options["verb"] == "schema":
            self.stdout.write(json.dumps(jsonschema.schema(), indent=1, sort_keys=True))
            return
        texts = self._read(options["path"])
        if options["verb"] == "apply":
            self._apply(texts, options["user"], options["note"])
        elif options["verb"] == "test":
            self._test(texts)
        else:
            self.stdout.write(f"{len(texts)} valid.")

    def _read(self, path: Path) -> dict[Path, str]:
        files = sorted([*path.glob("*.yaml"), *path.glob("*.yml")]) if path.is_dir() else [path]
        files = [file for file in files if not file.name.endswith(CASES)]
        if not files:
            raise CommandError(f"{path} holds no .yaml file.")
        texts, problems = {}, []
        for file in files:
            try:
                texts[file] = file.read_text(encoding="utf-8")
                documents.parse(texts[file])
            except (OSError, UnicodeDecodeError) as error:
                problems.append(f"{file}: {error}")
            except yamldocuments.BadDocument as bad:
                problems += [f"{file}:{error}" for error in bad.errors]
        if problems:
            raise CommandError("\n".join(problems))
        return texts

    def _test(self, texts: dict[Path, str]) -> None:
        judged, problems = 0, []
        for file, text in texts.items():
            beside = next((one for ending in CASES if (one := file.with_name(file.stem + ending)).is_file()), None)
            if beside is None:
                continue
            try:
                results = casefiles.run(documents.parse(text), beside.read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError) as error:
                problems.append(f"{beside}: {error}")
            except yamldocuments.BadDocument as bad:
                problems += [f"{beside}:{error}" for error in bad.errors]
            else:
                judged += len(results)
                problems += [f"{beside}:{one.line}: {one.name}: {one.problem}" for one in results if one.problem]
        if problems:
            raise CommandError("\n".join(problems))
        self.stdout.write(f"{judged} cases as expected.")

    def _apply(self, texts: dict[Path, str], username: str | None, note: str) -> None:
        try:
            actor = governance_selectors.user(username) if username else None
            with transaction.atomic():
                told = []
                for file, text in texts.items():
                    version, is_new = publishing.publish(actor=actor, text=text, note=note)
                    told.append(
                        f"{file}: {version.policy.slug} {version.number} {'published' if is_new else 'unchanged'}"
                    )
        except DomainError as error:
            raise CommandError(error.message) from None
        self.stdout.write("\n".join(told))
