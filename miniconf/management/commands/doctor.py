"""manage.py doctor: what works, what does not, and what to do about it."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from miniconf.doctor import examine

MARKS = {"ok": "ok    ", "advice": "advice", "fault": "FAULT "}


class Command(BaseCommand):
    help = "Look at everything this site depends on and say what to do. Exit code 1 when something does not work."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="For programs: a list of findings")

    def handle(self, *args: Any, **options: Any) -> None:
        findings = []
        for finding in examine():
            findings.append(finding)
            if not options["json"]:
                self.stdout.write(f"{MARKS[finding.verdict]}  {finding.subject:<15} {finding.seen}")
                if finding.remedy:
                    self.stdout.write(f"{'':<24}-> {finding.remedy}")
        if options["json"]:
            self.stdout.write(json.dumps([asdict(finding) for finding in findings], indent=1))
        if any(finding.verdict == "fault" for finding in findings):
            sys.exit(1)
