"""A small line chart as SVG: equal input gives equal bytes, readable on light and dark pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 760, 280
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 34, 34
TICKS = 6

# An <img> knows nothing of the page around it, so the colours follow the reader's own scheme.
STYLE = (
    ":root{color:#1f2328}"
    "@media(prefers-color-scheme:dark){:root{color:#e6edf3}}"
    "text{fill:currentColor;font:12px system-ui,sans-serif}"
    "line{stroke:currentColor;stroke-opacity:.18}"
    "polyline{fill:none;stroke-width:1.8;stroke-linejoin:round}"
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the chart. `steps`: a value holds until the next one. `dash` as SVG has it."""

    label: str
    values: tuple[float, ...]
    colour: str = "currentColor"
    dash: str = ""
    steps: bool = True


def chart(title: str, times: Sequence[float], lines: Sequence[Line], unit: str) -> str:
    """The chart; `times` are hours, `unit` names the values. At least two times are needed."""
    top = _round_up(max(max(line.values) for line in lines))
    frame = _Frame(times[0], times[-1], top)
    body = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style>",
        *frame.grid(unit),
        *(_drawn(line, times, frame) for line in lines),
        *_legend(lines),
        "</svg>",
    ]
    return "\n".join(body) + "\n"


@dataclass(frozen=True, slots=True)
class _Frame:
    first: float
    last: float
    top: float

    def x(self, time: float) -> float:
        share = (time - self.first) / (self.last - self.first)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - value / self.top * (HEIGHT - TOP - BOTTOM)

    def grid(self, unit: str) -> list[str]:
        found = [f'<text x="4" y="{TOP - 12}">{escape(unit)}</text>']
        for place in range(5):
            value = self.top * place / 4
            y = _number(self.y(value))
            found.append(f'<line x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}"/>')
            found.append(f'<text x="{LEFT - 6}" y="{y}" dy="4" text-anchor="end">{value:g}</text>')
        for place in range(TICKS + 1):
            time = self.first + (self.last - self.first) * place / TICKS
            x, below = _number(self.x(time)), HEIGHT - BOTTOM + 18
            anchor = "end" if place == TICKS else "middle"
            found.append(f'<text x="{x}" y="{below}" text-anchor="{anchor}">{_clock(time)}</text>')
        return found


def _drawn(line: Line, times: Sequence[float], frame: _Frame) -> str:
    points: list[str] = []
    before: str | None = None
    for place, (time, value) in enumerate(zip(times, line.values, strict=True)):
        x, y = _number(frame.x(time)), _number(frame.y(value))
        edge = place in {0, len(times) - 1}
        if line.steps and before == y and not edge:
            continue  # a step that goes on needs no point of its own
        if line.steps and before is not None and before != y:
            points.append(f"{x},{before}")
        points.append(f"{x},{y}")
        before = y
    return f'<polyline {_stroke(line)} points="{" ".join(points)}"/>'


def _stroke(line: Line) -> str:
    dash = f' stroke-dasharray="{line.dash}"' if line.dash else ""
    return f'stroke="{line.colour}"{dash}'


def _legend(lines: Sequence[Line]) -> list[str]:
    found, x = [], 110
    for line in lines:
        found.append(f'<polyline {_stroke(line)} points="{x},18 {x + 26},18"/>')
        found.append(f'<text x="{x + 32}" y="22">{escape(line.label)}</text>')
        x += 32 + 8 * len(line.label) + 24
    return found


def _number(value: float) -> str:
    # Tenths of a pixel: enough for the eye, and the same digits on every machine.
    return f"{value:.1f}".removesuffix(".0")


def _clock(hours: float) -> str:
    minutes = round(hours * 60)
    return f"{minutes // 60}:{minutes % 60:02d}"


def _round_up(value: float) -> float:
    """The next number that four equal steps divide well."""
    for top in (4, 8, 12, 16, 20, 24, 32, 40, 60, 80, 100):
        if value <= top:
            return float(top)
    return float(-(-int(value) // 100) * 100)
