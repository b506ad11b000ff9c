"""What README, CONTRIBUTING and the documents say is so."""

import re
from pathlib import Path

import pytest

from app.cli import _parser
from surveys.authoring import loads

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    "README.md", "CONTRIBUTING.md", "docs/questionnaires.md", "docs/methods.md", "docs/methods-appendix.md",
    "docs/campaign.md", "docs/invitations.md", "docs/analyse.md", "benchmarks/README.md",
]  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_every_link_and_file_named_exists(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    linked = re.findall(r"\]\((?!http)([^)#]+)", text) + re.findall(r'src="([^"]+)"', text)
    assert [name for name in linked if not ((ROOT / page).parent / name).exists()] == []
    named = re.findall(r"`((?:app|surveys|analysis|static|tests|alembic|docs)/[\w./]*\w)`", text)
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_smallest_questionnaire_of_the_document_loads() -> None:
    text = (ROOT / "docs/questionnaires.md").read_text(encoding="utf-8")
    example = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert example
    assert loads(example[1]).id == "counter"


def test_every_command_of_the_readme_is_understood() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8").replace("\\\n", " ")
    commands = re.findall(r"^\./run (\w.*?)(?:\s+#.*)?$", text, re.MULTILINE)
    assert len(commands) >= 6
    import shlex

    for command in commands:
        _parser().parse_args(shlex.split(command))


def test_every_setting_of_the_readme_is_read() -> None:
    named = set(re.findall(r"`(FIVEGAPS_\w+)`", (ROOT / "README.md").read_text(encoding="utf-8")))
    read = set(re.findall(r'"(FIVEGAPS_\w+)"', (ROOT / "app/settings.py").read_text(encoding="utf-8")))
    assert named == read


def test_no_page_carries_a_machines_path() -> None:
    files = [
        path
        for kind in ("*.py", "*.md", "*.html", "*.toml", "*.yaml", "run", "check", ".install")
        for path in ROOT.rglob(kind)
        if ".venv" not in path.parts and ".boot" not in path.parts
    ]
    pattern = re.compile(r"(?<![\w.])/(?:work|home|root)/")
    assert [str(path) for path in files if path.is_file() and pattern.search(path.read_text(encoding="utf-8"))] == []
