"""The documents say what the code does: what is listed here stands there, and nothing else does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import pytest
from typer.main import get_command

from emberwatch.accounts.models import Role
from emberwatch.api.app import api
from emberwatch.cli.commands import command_line
from emberwatch.cli.scan import parser as scan_parser
from emberwatch.config.environment import SETTINGS
from emberwatch.core.verdict import Verdict
from emberwatch.directories.entra.clouds import CUSTOM, clouds
from emberwatch.directories.entra.faults import GRAPH_FAULTS, TOKEN_FAULTS, Fault
from emberwatch.identities.severity import CAPPING, RAISING
from emberwatch.tenants.policy import PERMISSIONS, Permission
from emberwatch.validation.budget import Policy
from emberwatch.validation.options import Choices, as_typed
from emberwatch.validation.triage import RULES

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
PAGES: Final = sorted(
    [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *ROOT.glob("changelog.d/*.md")], key=lambda page: str(page)
)
SKIPPED_FOLDERS: Final = frozenset({"vendor", "demo-data", "screenshots", "build", "dist", "__pycache__"})
TEXT_SUFFIXES: Final = frozenset(
    {".py", ".md", ".toml", ".txt", ".in", ".html", ".css", ".js", ".csv", ".json", ""}
)
# In pieces, so that this file is not its own first finding.
FORBIDDEN: Final = tuple(
    "".join(pieces)
    for pieces in (("/wor", "k/"), ("fa", "rm-"), (".lib", "rary"), ("TO", "DO"), ("FIX", "ME"))
)


def text(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def rows(markdown: str) -> list[list[str]]:
    """The cells of every table row, the lines under headers left out."""
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    found = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [cells for cells in found if not all(re.fullmatch(r":?-+:?", cell) for cell in cells)]


def plain(markdown: str) -> str:
    return re.sub(r"[`*“”\"]", "", markdown)


def test_settings_are_those_of_the_code() -> None:
    named = set(re.findall(r"EMBERWATCH_[A-Z_]+", text("docs/settings.md")))
    known = {setting.variable for setting in SETTINGS}
    assert named == known | {f"{variable}_FILE" for variable in known}


def commands() -> Iterator[tuple[str, Sequence[str]]]:
    """Every command with the long options that it shows."""
    waiting: list[tuple[str, Any]] = [("emberwatch", get_command(command_line()))]
    while waiting:
        name, command = waiting.pop()
        below = getattr(command, "commands", {})
        waiting.extend((f"{name} {word}", each) for word, each in below.items())
        if not below:
            yield name, [option for each in command.params for option in _shown(each)]


def scan_options() -> Sequence[str]:
    options = (option for action in scan_parser()._actions for option in action.option_strings)
    return [option for option in options if option.startswith("--") and option != "--help"]


def _shown(parameter: Any) -> list[str]:
    hidden = getattr(parameter, "hidden", False)
    return [] if hidden else [option for option in parameter.opts if option.startswith("--")]


def section(page: str, heading: str) -> str:
    found = re.search(rf"^### `{re.escape(heading)}`\n(.*?)(?=^#|\Z)", page, re.M | re.S)
    return found[1] if found else ""


def test_commands_and_their_options_are_those_of_the_code() -> None:
    page = text("docs/command-line.md")
    # This one reads its arguments itself.
    known = {**dict(commands()), "emberwatch scan": scan_options()}
    assert len(known) > 10
    assert set(re.findall(r"^### `(emberwatch [a-z ]+)`$", page, re.M)) == set(known)
    for name, options in known.items():
        assert set(re.findall(r"--[a-z][a-z-]+", section(page, name))) == set(options), name


def test_operations_of_the_api_are_those_of_the_code() -> None:
    paths = api.get_openapi_schema(path_prefix="/api/v1/")["paths"]
    known = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    named = {
        (cells[0].strip("`"), cells[1].strip("`"))
        for cells in rows(text("docs/api.md"))
        if len(cells) == 3 and cells[1].startswith("`/")
    }
    assert named == known


def test_the_permissions_of_operations_are_known_ones() -> None:
    needed = [
        cells[2] for cells in rows(text("docs/api.md")) if len(cells) == 3 and cells[1].startswith("`/")
    ]
    assert needed
    assert {need.strip("`") for need in needed} - {"any role", "organisation admin"} <= {
        each.value for each in Permission
    }


def test_every_verdict_is_explained_with_its_group() -> None:
    table = text("docs/glossary.md").partition("## Verdicts")[2]
    named = {cells[0].strip("`"): cells[1] for cells in rows(table) if cells[0].startswith("`")}
    assert named == {verdict.value: verdict.group.label for verdict in Verdict}


def test_the_rules_of_the_severity_are_those_of_the_code() -> None:
    table = text("docs/identities.md").partition("## Severity")[2]
    named = [(cells[0].strip("`"), cells[1]) for cells in rows(table) if cells[0].startswith("`")]
    capped = [(rule.code, f"{rule.level.value} at most") for rule in CAPPING]
    assert named == [*((rule.code, rule.level.value) for rule in RAISING), *capped]


def test_the_table_of_roles_is_the_policy() -> None:
    named = {
        (Permission(cells[0].strip("`")), role)
        for cells in rows(text("docs/roles.md"))
        if cells[0].startswith("`")
        for role, answer in zip((Role.VIEWER, Role.ANALYST, Role.ADMIN), cells[1:4], strict=True)
        if {"yes": True, "no": False}[answer]
    }
    assert named == {(permission, role) for role in Role for permission in PERMISSIONS[role]}
    assert {permission for permission, _ in named} == set(Permission)


def test_every_fault_stands_beside_its_code() -> None:
    page = text("docs/entra-setup.md")
    _assert_faults(page, "token faults", {str(code): fault for code, fault in TOKEN_FAULTS.items()})
    _assert_faults(page, "graph faults", GRAPH_FAULTS)


def _assert_faults(page: str, mark: str, faults: Any) -> None:
    table = page.partition(f"<!-- {mark} -->")[2].partition("\n\n")[0]
    named = {
        code: plain(cells[1]) for cells in rows(table)[1:] for code in filter(None, cells[0].split(", "))
    }
    known: dict[str, Fault] = dict(faults)
    assert named == {code: plain(fault.sentence) for code, fault in known.items()}


def test_every_cloud_stands_with_its_hosts() -> None:
    table = text("docs/entra-setup.md").partition("## Clouds")[2].partition("## ")[0]
    named = {cells[1].strip("`"): cells[2:] for cells in rows(table) if cells[1].startswith("`")}
    assert named.pop(CUSTOM)
    assert named == {
        cloud.name: [
            *(url.removeprefix("https://") for url in (cloud.login_url, cloud.graph_url, cloud.portal_url)),
            str(cloud.lockout_threshold),
        ]
        for cloud in clouds(None).values()
    }


@pytest.mark.parametrize(
    ("thresholds", "cloud_limit", "synced", "said"),
    [
        ((8, 10, 50), 2, False, "2"),
        ((4, 7), 2, False, "1"),
        ((1, 3), 2, False, "0"),
        ((2, 3, 10), 1, False, "1"),
        ((2, 10), 2, True, "1"),
        ((1,), 1, True, "0"),
    ],
)
def test_the_budget_is_the_one_that_is_told(
    thresholds: tuple[int, ...], cloud_limit: int, synced: bool, said: str
) -> None:
    told = [cells[2] for cells in rows(text("docs/lockout-safety.md"))[1:7]]
    assert [answer[0] for answer in told] == ["2", "1", "0", "1", "1", "0"]
    for threshold in thresholds:
        policy = Policy(threshold, cloud_limit, single_try=synced)
        assert str(policy.failed_attempts_allowed) == said, threshold


def test_the_table_of_triage_is_that_of_the_rules() -> None:
    table = text("docs/triage.md").partition("<!-- triage rules -->")[2].partition("\n\n")[0]
    named = [(cells[0], *cells[2:]) for cells in rows(table)[1:]]
    assert named == [
        (rule.name, rule.rests_on, rule.limits, "yes" if rule.confirmable else "no") for rule in RULES
    ]


def test_every_choice_stands_with_its_default() -> None:
    table = text("docs/lockout-safety.md").partition("<!-- choices -->")[2].partition("\n\n")[0]
    told = {name.strip("` "): cells[2] for cells in rows(table)[1:] for name in cells[0].split(",")}
    typed = as_typed(Choices())
    words = {"failed_attempts_allowed": "empty", "egress_addresses": "none"}
    words |= dict.fromkeys(("hours_from", "hours_until"), "all day")
    assert {name: plain(value) for name, value in told.items()} == typed | words


def links(page: Path) -> Iterator[tuple[str, str]]:
    """Relative links as path and anchor; examples in code are none."""
    prose = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text("utf-8"), flags=re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if not re.match(r"[a-z]+:", target):
            path, _, anchor = unquote(target).partition("#")
            yield path, anchor


def anchors(page: Path) -> set[str]:
    prose = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.S)
    headings = re.findall(r"^#+ (.+)$", prose, re.M)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for path, anchor in links(page):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        if anchor:
            assert anchor in anchors(target), f"{path}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_of_the_project_that_are_named_exist(page: Path) -> None:
    for name in re.findall(
        r"`((?:src|tests|docs|scripts|requirements|changelog\.d)/[^`<>…]+)`", text(str(page))
    ):
        assert (ROOT / name).exists(), name


def test_every_page_is_reached_from_the_readme() -> None:
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached and page.suffix == ".md":
            reached.add(page)
            waiting.extend((page.parent / path).resolve() for path, _ in links(page) if path)
    assert {page for page in PAGES if page.is_relative_to(DOCS)} - reached == set()


def test_the_readme_begins_with_what_one_needs() -> None:
    first_screen = "\n".join(text("README.md").splitlines()[:16])
    block = re.search(r"```sh\n(.*?)```", first_screen, re.S)
    assert block is not None
    typed = [line.partition("#")[0].strip() for line in block[1].splitlines()]
    assert typed == ["make demo", "make test"]
    assert "docs/images/credential.png" in first_screen
    assert "docs/security-model.md" in first_screen


def project_files(folder: Path = ROOT) -> Iterable[Path]:
    for path in sorted(folder.iterdir()):
        hidden = path.name.startswith(".") and path.name not in (".ci", ".importlinter")
        if hidden or path.name in SKIPPED_FOLDERS or path.name.endswith(".egg-info"):
            continue
        if path.is_dir():
            yield from project_files(path)
        elif path.suffix in TEXT_SUFFIXES:
            yield path


def test_nothing_speaks_of_where_it_was_made() -> None:
    files = list(project_files())
    assert ROOT / "README.md" in files
    assert Path(__file__) in files
    found = [
        f"{file.relative_to(ROOT)}: {word}"
        for file in files
        for word in FORBIDDEN
        if word in file.read_text("utf-8", errors="replace")
    ]
    assert found == []
