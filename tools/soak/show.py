"""What a person sees of a soak: a line that goes on, and the report."""

from __future__ import annotations

import shutil
import sys
import time
from typing import Final, TextIO

from tools.bench.table import number
from tools.soak import site
from tools.soak.ledger import Reply
from tools.soak.run import Soak

_EVERY_S: Final = 10.0


class Progress:
    """On a terminal one line that is written anew, elsewhere a line every ten seconds."""

    def __init__(self, soak: Soak, output: TextIO = sys.stderr) -> None:
        self._soak = soak
        self._output = output
        self._is_terminal = output.isatty()
        self._next_s = time.monotonic() + _EVERY_S

    def tell(self) -> None:
        """Say how far it is, if it is time to."""
        if self._is_terminal:
            # A line that wraps could not be written anew.
            width = shutil.get_terminal_size().columns - 1
            self._output.write(f"\r\x1b[K{self._line()[:width]}")
            self._output.flush()
        elif time.monotonic() >= self._next_s:
            self._next_s += _EVERY_S
            print(self._line(), file=self._output, flush=True)

    def end(self) -> None:
        """Leave the line."""
        if self._is_terminal:
            self._output.write("\n")

    def _line(self) -> str:
        soak = self._soak
        parts = [
            f"{soak.passed_s:.0f} of {soak.seconds:.0f} s",
            f"{number(soak.checker.pubs.total())} pubs",
            f"{number(soak.checker.true)} values true",
            f"{number(soak.checker.marked)} marked",
            f"{number(soak.ledger.replies.total())} sets",
            f"{soak.findings.counts.total()} findings",
        ]
        return ", ".join(parts)


def report(soak: Soak) -> str:
    """Return everything that is known of a run, with the verdict in the last line."""
    findings = soak.findings.lines()
    verdict = f"{soak.findings.counts.total()} findings: NOT ok" if findings else "ok: every value true or marked"
    return "\n".join([*_facts(soak), "", *findings, verdict])


def _facts(soak: Soak) -> list[str]:
    checker, records = soak.checker, soak.device.records
    ages = checker.ages_s(50, 99, 100)
    deeds = ", ".join(f"{misdeed} {count}" for misdeed, count in records.deeds.most_common() if count)
    pubs = ", ".join(f"{name} {count / soak.seconds:.1f}" for name, count in sorted(checker.pubs.items()))
    replies = ", ".join(f"{soak.ledger.replies[reply]} {reply}" for reply in Reply)
    facts = [
        ("length", f"{soak.seconds:.0f} s, the last {soak.calm_s:.0f} s calm"),
        ("device", f"{records.requests:,} requests on {records.connections:,} connections: {deeds}"),
        ("values", f"{checker.true:,} true, {checker.marked:,} marked (unit {site.DEAD_UNIT} is silent)"),
        ("pubs/s", pubs),
        ("quiet", f"{soak.pace.longest_s:.2f} s at most (allowed: {soak.quiet_s:g} s)"),
        ("sets", replies),
        ("log", f"{soak.log_lines:,} lines of modbus_client"),
    ]
    if ages:
        p50, p99, oldest = ages
        facts.append(("age", f"p50 {p50:.2f} s, p99 {p99:.2f} s, oldest {oldest:.2f} s (allowed: {soak.window_s:g} s)"))
    for name, memory in soak.memory.items():
        facts.append(("memory", f"{name}: {memory.growth() or 'too short a run to say'}"))
    return [f"{name:<8}{text}" for name, text in facts]
