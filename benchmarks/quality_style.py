"""What a quality report looks like: on paper, in light and in dark, wide and narrow."""

from __future__ import annotations

LIGHT = {
    "paper": "#fbf8f3",
    "card": "#fffdf9",
    "ink": "#2a2521",
    "soft": "#665c51",
    "rule": "#e3dacd",
    "bar": "#938676",
    "ours": "#a6471d",
    "good": "#2c6a4f",
    "bad": "#8b2c50",
}
DARK = {
    "paper": "#191613",
    "card": "#221e1a",
    "ink": "#ede6db",
    "soft": "#b5a999",
    "rule": "#3d362f",
    "bar": "#7f7365",
    "ours": "#e9965f",
    "good": "#84c8a6",
    "bad": "#ec94b0",
}
"""Colours by what they are for; `bar`, `ours`, `good` and `bad` stand for data."""


def style() -> str:
    """Return the style sheet."""
    return (
        f":root {{ color-scheme: light dark; {_colours(LIGHT)} }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {_colours(DARK)} }} }}\n"
        f"{TEXT}{PARTS}{PICTURES}{PAPER}"
    )


def _colours(colours: dict[str, str]) -> str:
    return " ".join(f"--{name}: {colour};" for name, colour in colours.items())


TEXT = """
:root {
  --serif: "Iowan Old Style", "Palatino Linotype", Palatino, "Book Antiqua", Georgia, serif;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
* { box-sizing: border-box; }
html { font: 100%/1.55 var(--serif); text-size-adjust: 100%; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); overflow-wrap: break-word; }
header, main, footer { max-width: 72rem; margin: 0 auto; padding: 0 clamp(1rem, 4vw, 3rem); }
header { padding-top: clamp(2rem, 6vw, 4.5rem); }
footer { padding-bottom: 4rem; color: var(--soft); }
h1 { max-width: 24em; margin: .3em 0 .5em; font-size: clamp(1.6rem, 1.1rem + 2.2vw, 2.6rem);
  font-weight: 500; line-height: 1.2; letter-spacing: -.01em; text-wrap: balance; }
h2 { margin: 0 0 .6rem; font-size: 1.5rem; font-weight: 500; line-height: 1.25; }
h3 { margin: 0; font-size: 1.05rem; font-weight: 600; line-height: 1.35; }
p, main > section > ul { max-width: 42rem; margin: 0 0 1rem; }
small { font: .8125rem/1.45 var(--sans); color: var(--soft); }
section { margin: 0; padding: 2.6rem 0; border-top: 1px solid var(--rule);
  scroll-margin-top: 1rem; }
.eyebrow, nav { font: .8125rem/1.6 var(--sans); color: var(--soft); }
.eyebrow { margin: 0; letter-spacing: .06em; text-transform: uppercase; }
.lede { font-size: 1.125rem; }
section:has(> .absent) { padding: 1.1rem 0; }
section:has(> .absent) > * { margin: 0; font-size: 1.05rem; }
.absent { color: var(--soft); font-style: italic; }
nav ul { display: flex; flex-wrap: wrap; gap: .1rem 1.1rem; margin: 1.5rem 0 2rem; padding: 0;
  list-style: none; }
a { color: inherit; text-decoration-color: var(--bar); text-underline-offset: .2em; }
a:hover { color: var(--ours); }
:focus-visible { outline: 2px solid var(--ours); outline-offset: 2px; }
"""

PARTS = """
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: 1.5rem;
  margin: 2rem 0 0; padding: 1.3rem 0 0; border-top: 1px solid var(--rule); }
.tiles dt { font: .8125rem/1.4 var(--sans); color: var(--soft); }
.tiles dd { margin: 0; }
.tiles small { display: block; }
.tiles strong { display: block; font-size: 1.9rem; font-weight: 500; line-height: 1.3;
  font-variant-numeric: tabular-nums lining-nums; }
.table { min-width: 0; margin: 1.2rem 0 0; }
.pair .table { margin: 0; }
.scroll { max-width: 100%; overflow-x: auto; }
.note, .caption { max-width: 42rem; margin: .6rem 0; font: .8125rem/1.5 var(--sans);
  color: var(--soft); }
.caption { margin: 0 0 .3rem; }
table { width: 100%; border-collapse: separate; border-spacing: 0; font: .8125rem/1.45 var(--sans);
  font-variant-numeric: tabular-nums lining-nums; }
th, td { padding: .45rem 0 .45rem 1.1rem; border-bottom: 1px solid var(--rule); text-align: left;
  vertical-align: middle; font-weight: 400; }
td.number, th.number { text-align: right; white-space: nowrap; }
tr > :first-child { padding-left: 0; }
tr:last-child > td, tbody tr:last-child > th { border-bottom: 0; }
td.words, th.words { min-width: 6rem; }
thead th { color: var(--soft); vertical-align: bottom; white-space: normal; }
tbody th { min-width: 7.5rem; font-weight: 600; }
tbody th small { display: block; max-width: 22rem; font-weight: 400; }
@media screen and (max-width: 60rem) {
  tr > :first-child { position: sticky; left: 0; background: var(--paper); }
}
@media screen and (max-width: 32rem) {
  th, td { padding-left: .8rem; }
  tbody th { min-width: 5.5rem; }
}
tr.ours > * { font-weight: 700; }
tr.ours > th { color: var(--ours); }
td svg, thead svg { display: block; width: 10.6rem; height: 1.5rem; }
.ahead, .joined { color: var(--good); font-weight: 600; }
.behind { color: var(--bad); font-weight: 600; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 25rem), 1fr));
  gap: 1rem 3rem; align-items: start; }
.multiples { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 18rem), 1fr));
  gap: 2rem 2.5rem; margin: 1.6rem 0 2rem; }
figure { margin: 0; min-width: 0; }
.multiples figcaption { margin-bottom: .5rem; }
.pair figure { max-width: 29rem; }
.pair figure:has(.row) { max-width: 26rem; }
.cards { columns: 3 19rem; column-gap: 1.2rem; margin-top: 1.4rem; }
article { break-inside: avoid; margin: 0 0 1.2rem; padding: 1.1rem 1.2rem; background: var(--card);
  border: 1px solid var(--rule); border-radius: .5rem; }
.who { margin: .1rem 0 .6rem; font: .75rem/1.4 var(--sans); color: var(--soft);
  overflow-wrap: anywhere; }
article ol { margin: 0; padding-left: 1.3rem; }
article li { margin: 0 0 .55rem; }
article li::marker { color: var(--soft); font: .8125rem var(--sans); }
article li small { display: block; }
article ul { margin: .1rem 0 0; padding: 0; list-style: none; }
article ul li { margin: 0; font-size: .9rem; line-height: 1.35; color: var(--soft); }
article ul li + li { margin-top: .3rem; }
.group { font-weight: 600; }
.joined { font: 600 .8125rem var(--sans); white-space: nowrap; }
summary { font: .8125rem/1.6 var(--sans); color: var(--soft); cursor: pointer; }
details ol { margin-top: .5rem; }
dl:not(.tiles) { display: grid;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 21rem), 1fr));
  gap: 1rem 3rem; margin: 1rem 0 0; }
dl:not(.tiles) dt { font-weight: 600; }
dl:not(.tiles) dd { margin: 0; font-size: .95em; overflow-wrap: anywhere; }
footer dl:not(.tiles) { grid-template-columns: repeat(auto-fit, minmax(min(100%, 14rem), 1fr));
  font: .8125rem/1.5 var(--sans); }
pre { margin: 0 0 1rem; padding: .8rem 1rem; overflow-x: auto; background: var(--card);
  border: 1px solid var(--rule); border-radius: .5rem; font-size: .8125rem; }
pre code { white-space: pre-wrap; overflow-wrap: anywhere; }
"""

PICTURES = """
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { font: 12.5px var(--sans); fill: var(--ink); dominant-baseline: central;
  font-variant-numeric: tabular-nums lining-nums; }
svg .ours, svg .note.default { font-weight: 700; }
svg .tick, svg .label, svg .note.beside { fill: var(--soft); }
svg .bar, svg .beside .dot { fill: var(--bar); }
svg .bar.ours, svg .dot { fill: var(--ours); }
svg .halo { stroke: var(--paper); stroke-width: 4.5; stroke-opacity: .55; }
svg .whisker { stroke: var(--ink); stroke-width: 1.5; }
svg .spot .whisker, svg .bin .whisker { stroke: var(--bar); }
svg .axis { stroke: var(--bar); }
svg .grid { stroke: var(--rule); }
svg .ideal { stroke: var(--bar); stroke-dasharray: 5 4; }
svg .path { fill: none; stroke: var(--ours); stroke-width: 1.5; stroke-opacity: .55; }
svg .ring { fill: none; stroke: var(--ours); stroke-width: 1.5; }
svg .bubble { fill: var(--ours); fill-opacity: .85; stroke: var(--paper); }
"""

PAPER = """
@media print {
  :root { --paper: #fff; --card: #fff; }
  html { font-size: 10pt; }
  header, main, footer { max-width: none; padding-left: 0; padding-right: 0; }
  nav { display: none; }
  section { padding: 1.2rem 0; }
  h2, figcaption { break-after: avoid; }
  .caption, section > p { break-after: avoid; }
  .table, figure, article li { break-inside: avoid; }
  article { break-inside: auto; }
  .scroll { overflow: visible; }
  th, td { padding-left: .6rem; }
  svg { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  @page { margin: 16mm; }
}
"""
