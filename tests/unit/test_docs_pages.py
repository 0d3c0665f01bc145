"""Links and anchors of all pages lead somewhere, the navigation names every page, and the reference is up to date."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import pytest

from tools import docs_links as links
from tools.reference.command import render
from tools.reference.described import attributes
from tools.reference.objects import sections

PAGES = sorted(PurePosixPath(page.relative_to(links.ROOT)) for page in links.ROOT.glob("docs/*.md"))
OTHERS = sorted(
    PurePosixPath(page.relative_to(links.ROOT))
    for part in ("*.md", "configs/**/*.md")
    for page in links.ROOT.glob(part)
)


@pytest.mark.parametrize("page", [*PAGES, *OTHERS], ids=str)
def test_links_lead_somewhere(page):
    assert list(links.problems(page)) == []


def test_every_page_is_in_the_navigation():
    named = set(re.findall(r": (\S+\.md)$", (links.ROOT / "tools" / "mkdocs.yml").read_text(), re.MULTILINE))
    assert named == {page.name for page in PAGES} | {"index.md", "source/CHANGELOG.md"}


def test_the_reference_is_up_to_date():
    text = (links.ROOT / "docs" / "reference.md").read_text()
    assert render(text) == text, "`make docs` writes it anew"


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        ("wire.md", None),
        ("wire.md#no-such", "wire.md#no-such: no such heading"),
        ("gone.md", "gone.md: no such file"),
        ("#here", None),
        ("#there", "#there: no such heading"),
        ("../configs/demo", None),
        ("../../elsewhere", "../../elsewhere: no such file"),
        ("https://example.org/x.md", None),
    ],
)
def test_what_is_wrong_with_a_link_is_told(monkeypatch, tmp_path, link, problem):
    for folder in ("docs", "configs/demo"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "docs" / "wire.md").write_text("# Wire\n")
    (tmp_path / "docs" / "page.md").write_text(f"# Here\n\n[x]({link})\n\n```\n[y](not-looked-at.md)\n```\n")
    monkeypatch.setattr(links, "ROOT", tmp_path)
    expected = [] if problem is None else [f"docs/page.md: {problem}"]
    assert list(links.problems(PurePosixPath("docs/page.md"))) == expected


def test_anchors_are_those_of_the_usual_viewers():
    text = "# A\n## `ess_view`: what, and why\n## On & off\n## [Linked](x.md) twice\n## On & off\n```\n# none\n```\n"
    assert links.anchors(text) == {"a", "ess_view-what-and-why", "on--off", "linked-twice", "on--off-1"}


def test_links_are_turned_to_where_things_are_in_the_site():
    docs = PurePosixPath("docs/view.md")
    text = (
        "[a](wire.md#x) [b](../configs/demo/site.toml) [c](../configs/plant) [d](../README.md) [e](#y) [f](https://x.y)"
    )
    assert links.moved(docs, text) == (
        "[a](wire.md#x) [b](source/configs/demo/site.toml) [c](source/configs/plant/README.md) [d](index.md) [e](#y) "
        "[f](https://x.y)"
    )
    plant = PurePosixPath("configs/plant/README.md")
    assert links.moved(plant, "[a](../../docs/wire.md)") == "[a](../../../wire.md)"
    assert links.moved(docs, "```\n[a](../x)\n```\n") == "```\n[a](../x)\n```\n"


def test_a_key_is_told_with_its_type_default_and_meaning():
    schema = {
        "description": "A file.\n\nAttributes:\n    update_rate: how often,\n        in ms.\n    one, two: both.",
        "properties": {
            "updateRate": {
                "anyOf": [{"type": "integer", "minimum": 1, "maximum": 9}, {"type": "null"}],
                "default": None,
            },
            "one": {"enum": ["a", "b"], "default": "a"},
            "two": {"type": "array", "items": {"$ref": "#/$defs/_PartOf"}},
        },
        "required": ["two"],
        "$defs": {"_PartOf": {"properties": {"x": {"type": "string", "description": "A | b."}}}},
    }
    text = sections(schema)
    assert "| `updateRate` | whole number, 1 to 9 |  | how often, in ms. |" in text
    assert '| `one` | `"a"`, `"b"` | `"a"` | both. |' in text
    assert "| `two` | list of *Part of* | **needed** | both. |" in text
    assert "**Part of.**" in text
    assert "| `x` | text |  | A \\| b. |" in text


def test_the_attributes_of_a_docstring_are_read():
    assert attributes("A.\n\nAttributes:\n    a: ``x``\n        and y.\n    b, c: z.\n") == {
        "a": "`x` and y.", "b": "z.", "c": "z.",
    }  # fmt: skip
    assert attributes("Nothing.") == {}
