#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""curves.py PAGE DIR: draws the tables of codecs of PAGE (docs/performance.md), one SVG each in DIR.

To the right: speed in multiples of lzo1x_1, on a logarithmic scale. Upwards: the share of sectors that
the payloads take. Lower and further right is better."""
import html
import math
import pathlib
import re
import sys

BEGIN, END = "<!-- tables of codecs, by", "<!-- end of the tables of codecs -->"
WIDTH, HEIGHT = 760, 440
LEFT, RIGHT, TOP, BOTTOM = 60, 30, 50, 50

STYLE = """
svg { font: 12px sans-serif; } .page { fill: #fff; } text { fill: #222; }
.title { font-size: 15px; font-weight: bold; } .grid { stroke: #ddd; }
.curve { fill: none; stroke: #086; stroke-width: 2; } .level { fill: #086; }
.peer { fill: none; stroke: #b30; stroke-width: 2; } .peer-name { fill: #b30; }
@media (prefers-color-scheme: dark) {
.page { fill: #161616; } text { fill: #ddd; } .grid { stroke: #3a3a3a; }
.curve { stroke: #4d9; } .level { fill: #4d9; } .peer { stroke: #f85; } .peer-name { fill: #f85; } }
"""


def tables_of(page):
    """Each table as its name and a list of (encoder, speed, share of sectors in per cent)."""
    tables = []
    for line in page.split(BEGIN, 1)[1].split(END, 1)[0].splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) < 5 or set(cells[0]) <= {"-"}:
            continue
        if cells[1] == "MB/s":
            tables.append((cells[0], []))
        else:
            share = float(re.fullmatch(r"([\d.]+) %", cells[3])[1])
            tables[-1][1].append((cells[0], float(cells[2]), share))
    return tables


class Scale:
    """Where a speed and a share lie on the picture."""

    def __init__(self, points):
        speeds, shares = [p[1] for p in points], [p[2] for p in points]
        self.slowest, self.fastest = min(speeds) / 1.5, max(speeds) * 1.7
        self.low, self.high = math.floor(min(shares)) - 1, math.ceil(max(shares)) + 1

    def x(self, speed):
        share = math.log(speed / self.slowest) / math.log(self.fastest / self.slowest)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(self, share):
        part = (self.high - share) / (self.high - self.low)
        return round(TOP + part * (HEIGHT - TOP - BOTTOM), 1)


def grid(scale):
    bottom = HEIGHT - BOTTOM
    for speed in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2):
        if scale.slowest <= speed <= scale.fastest:
            x = scale.x(speed)
            yield f'<line class="grid" x1="{x}" y1="{TOP}" x2="{x}" y2="{bottom}"/>'
            yield f'<text x="{x}" y="{bottom + 18}" text-anchor="middle">{speed} ×</text>'
    for share in range(scale.low + 1, scale.high):
        if share % 2 == 0:
            y = scale.y(share)
            yield f'<line class="grid" x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}"/>'
            yield f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{share} %</text>'
    yield f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 10}" text-anchor="end">speed, lzo1x_1 = 1 →</text>'
    yield f'<text x="{LEFT}" y="{TOP - 8}">↓ sectors, of the input</text>'


def joined(peers, scale):
    """Peers that would lie upon each other become one dot with all names."""
    dots = []
    for encoder, speed, share in peers:
        name = encoder.split(" (")[0].replace("level ", "")
        x, y = scale.x(speed), scale.y(share)
        near = next((dot for dot in dots if abs(dot[1] - x) < 12 and abs(dot[2] - y) < 12), None)
        if near:
            near[0] += ", " + name.removeprefix(near[0].rsplit(" ", 1)[0] + " ")
        else:
            dots.append([name, x, y])
    return dots


def svg_of(name, points):
    scale = Scale(points)
    ours = [(encoder.strip("*"), speed, share) for encoder, speed, share in points if "**" in encoder]
    peers = [point for point in points if "**" not in point[0]]
    said = "; ".join(f"{who.strip('*')}: {speed} ×, {share} %" for who, speed, share in points)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        ' aria-labelledby="title desc">',
        f'<title id="title">{html.escape(name)}: speed and size</title>',
        f'<desc id="desc">{html.escape(said)}</desc>',
        f"<style>{STYLE}</style>",
        '<rect class="page" width="100%" height="100%"/>',
        f'<text class="title" x="{LEFT}" y="22">{html.escape(name)}: our levels and other encoders</text>',
        *grid(scale),
        '<polyline class="curve" points="'
        + " ".join(f"{scale.x(speed)},{scale.y(share)}" for _, speed, share in ours) + '"/>']
    for encoder, speed, share in ours:
        lines.append(f'<circle class="level" cx="{scale.x(speed)}" cy="{scale.y(share)}" r="4"/>')
    for numbers, x, y in joined(ours, scale):
        lines.append(f'<text x="{x + 4}" y="{y + 18}">{html.escape(numbers)}</text>')
    for names, x, y in joined(peers, scale):
        lines.append(f'<circle class="peer" cx="{x}" cy="{y}" r="4"/>')
        # The name stands beside its dot, or above it where the curve begins there.
        crossed = any(20 < scale.x(p[1]) - x < 110 and abs(scale.y(p[2]) - y) < 30 for p in ours)
        place = f'x="{x}" y="{y - 10}" text-anchor="middle"' if crossed else f'x="{x + 9}" y="{y + 4}"'
        lines.append(f'<text class="peer-name" {place}>{html.escape(names)}</text>')
    return "\n".join([*lines, "</svg>", ""])


def main(page, directory):
    for name, points in tables_of(pathlib.Path(page).read_text(encoding="utf-8")):
        file = "levels-" + re.sub(r"[^a-z0-9]+", "-", name.lower()) + ".svg"
        pathlib.Path(directory, file).write_text(svg_of(name, points), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
