"""A quality result whose page is known by construction, and what reads a page."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

VOID = {"meta"}
EVIL = "<script>alert('1')</script>\"&'"


def figure(value: float | None, *, half: float = 0.01) -> dict[str, Any]:
    if value is None:
        return {"value": None, "low": None, "high": None, "n": 0}
    return {"value": value, "low": value - half, "high": value + half, "n": 100}


def system(ndcg: float, members: float) -> dict[str, Any]:
    return {
        "ndcg_at_10": figure(ndcg),
        "belonging_ndcg_at_10": figure(ndcg),
        "recall_at_10": figure(0.3),
        "coverage": figure(0.4),
        "gini": figure(0.9),
        "median_size": figure(members, half=2.0),
    }


def a_result(ratio: tuple[float, float, float] = (1.25, 1.1, 1.4)) -> dict[str, Any]:
    """Return a result in which EASE is the best peer, but bpr is among newcomers."""
    over = {"ndcg_at_10": dict(zip(("value", "low", "high"), ratio, strict=True))}
    behind = {"ndcg_at_10": {"value": 0.5, "low": 0.4, "high": 0.6, "n": 20}}
    setting = {"belonging_ndcg_at_10": figure(0.2), "coverage": figure(0.4), "gini": figure(0.9)}
    return {
        "dataset": "town",
        "until": "2017-04-01T00:00:00+00:00",
        "window_days": 91.0,
        "caveat": "profiles are late",
        "members": 100,
        "systems": {"bpr": system(0.1, 80), "belong": system(0.2, 20), "ease": system(0.16, 40)},
        "ratios": {"ease": over, "bpr": {"ndcg_at_10": figure(2.0, half=0.2)}},
        "slices": {
            "newcomers": {
                "about": "in one group so far",
                "members": 20,
                "systems": {
                    "belong": system(0.1, 9),
                    "ease": system(0.1, 9),
                    "bpr": system(0.2, 9),
                },
                "ratios": {"bpr": behind, "ease": {"ndcg_at_10": figure(1.0)}},
            }
        },
        "peers": {
            "ease": {
                "package": "linear 1.0",
                "settings": {"weight": 250.0},
                "tried": 12,
                "validation_ndcg_at_10": 0.17,
                "seconds": 3.0,
            }
        },
        "ranker": {"kind": "boosted", "why": "best", "validation": {"boosted": 0.2, "hand": 0.1}},
        "intimacy": [
            {"intimacy": one, "default": one == 0.5, "ndcg_at_10": figure(ndcg),
             "median_size": figure(members, half=1.0), **setting}
            for one, ndcg, members in ((0.0, 0.21, 80.0), (0.5, 0.2, 20.0), (1.0, 0.15, 5.0))
        ],
        "exploration": [
            {"exploration": one, "default": one == 0.1, "ndcg_at_10": figure(ndcg), **setting}
            for one, ndcg in ((0.0, 0.21), (0.1, 0.2))
        ],
        "calibration": {
            "horizon_days": 91.0,
            "slope": {"value": 0.8, "low": 0.7, "high": 0.9, "n": 100},
            "brier": 0.1,
            "brier_skill": figure(0.1),
            "ece": 0.02,
            "bins": [
                {"predicted": 0.2, "observed": 0.2, "low": 0.1, "high": 0.3, "count": 900},
                {"predicted": 0.6, "observed": 0.3, "low": 0.2, "high": 0.4, "count": 100},
            ],
        },
        "ablation": [
            {"without": name, "about": "a column", "ndcg_at_10": figure(0.2),
             "ratio": figure(over)}
            for name, over in (("spare", 1.0), ("vital", 0.8))
        ],
        "suggestions": [
            {
                "member": "m1",
                "known_by": ["Slow Yoga"],
                "items": [
                    {"name": "Clay", "size": 9, "probability": 0.25, "joined": True,
                     "reasons": ["Ana is here."]},
                    {"name": "Chess", "size": 30, "probability": None, "joined": False,
                     "reasons": []},
                ],
            }
        ],
        "cost": {"seconds": 3.0},
        "machine": {"cores": 2, "libraries": {"numpy": "2.1"}},
        "command": "python -m benchmarks.quality town",
    }  # fmt: skip


class Page(HTMLParser):
    """Reads a page: which elements it has, with what attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.started: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.started.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"nothing is open where {tag} ends"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def element(page: str, identity: str) -> ElementTree.Element:
    """Return the element with an id; what we write is as strict as XML but for the head."""
    body = ElementTree.fromstring(page[page.index("<body>") : page.index("</html>")])
    found = body.find(f".//*[@id='{identity}']")
    assert found is not None, identity
    return found


def with_class(drawing: ElementTree.Element, kind: str) -> list[ElementTree.Element]:
    return [one for one in drawing.iter() if kind in one.get("class", "").split()]


def said(element: ElementTree.Element) -> str:
    return " ".join("".join(element.itertext()).split())


def number(element: ElementTree.Element, name: str) -> float:
    return float(element.attrib[name])


def nulled(value: Any) -> Any:  # noqa: ANN401
    """Return a JSON value in which no number is known."""
    if isinstance(value, dict):
        return {name: nulled(item) for name, item in value.items()}
    if isinstance(value, list):
        return [nulled(item) for item in value]
    return value if isinstance(value, str | bool) else None


NAMED_BY_DATA = {"systems", "ratios", "slices", "peers", "settings", "validation", "machine"}


def hostile(value: Any, names: bool = False) -> Any:  # noqa: ANN401
    """Return a JSON value in which every text and every name from data is a script."""
    if isinstance(value, dict):
        return {
            f"{name}{EVIL}" if names and name != "belong" else name: hostile(
                item, name in NAMED_BY_DATA
            )
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [hostile(item) for item in value]
    return f"{value}{EVIL}" if isinstance(value, str) else value


def headline_of(page: str) -> str:
    """Return what stands largest on a page."""
    return " ".join(page[page.index("<h1>") + 4 : page.index("</h1>")].split())
