"""Policies from files: apply, validate, list."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from governance import selectors as governance_selectors
from governance import yamldocuments
from governance.errors import DomainError
from policies import documents, publishing, selectors


class Command(BaseCommand):
    help = "Publish the policies of a folder (apply), look at files without publishing (validate), or list what stands."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        for verb, says in (("apply", "publish every policy of a folder, or none"), ("validate", "say what is wrong")):
            one = verbs.add_parser(verb, help=says)
            one.add_argument("path", type=Path, help="a folder of .yaml files, or one file")
            if verb == "apply":
                one.add_argument("--user", help="publish as this user, who needs the right to (default: the operator)")
        verbs.add_parser("list", help="the current version of every policy")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["verb"] == "list":
            for version, said in selectors.current_policies():
                self.stdout.write(
                    f"{version.policy.slug}\t{version.number}\t{said.applies.stage}\t{version.digest[:12]}"
                )
            return
        texts = self._read(options["path"])
        if options["verb"] == "apply":
            self._apply(texts, options["user"])
        else:
            self.stdout.write(f"{len(texts)} valid.")

    def _read(self, path: Path) -> dict[Path, str]:
        files = sorted([*path.glob("*.yaml"), *path.glob("*.yml")]) if path.is_dir() else [path]
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

    def _apply(self, texts: dict[Path, str], username: str | None) -> None:
        try:
            actor = governance_selectors.user(username) if username else None
            with transaction.atomic():
                told = []
                for file, text in texts.items():
                    version, is_new = publishing.publish(actor=actor, text=text)
                    told.append(
                        f"{file}: {version.policy.slug} {version.number} {'published' if is_new else 'unchanged'}"
                    )
        except DomainError as error:
            raise CommandError(error.message) from None
        self.stdout.write("\n".join(told))
