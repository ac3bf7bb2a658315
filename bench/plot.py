"""plot - bars as SVG: one panel per number, from zero; bars are medians, lines the rounds' extent"""

import math
import statistics
from xml.sax.saxutils import escape

COLUMNS = 2
PANEL_WIDTH = 620  # names, axis, and the last value behind it
NAMES_WIDTH = 215
BAR_WIDTH = 325
LINE = 17  # from bar to bar
BAR = 11
TITLE = 26
AXIS = 34  # below the bars
BLUE, LIGHT_BLUE, LIGHT, GREY = "#2a6fb0", "#8ab8e0", "#dcdcdc", "#a3a3a3"
COLOURS = ((BLUE, "tunion"), (LIGHT_BLUE, "tunion, several levels or without offloads"),
           (LIGHT, "bounds: no tunnel, a tunnel that only copies"), (GREY, "others"))


def colour(name):
    if name == "tunion":
        return BLUE
    if name.startswith("tunion"):
        return LIGHT_BLUE
    return LIGHT if name in ("bare veth", "null tunnel") else GREY


def ticks(largest):
    """From zero, 1, 2 or 5 times a power of ten apart; the last is at or beyond the largest."""
    if largest <= 0:
        return [0, 1]
    power = 10 ** math.floor(math.log10(largest))
    step = next(s for s in (power / 5, power / 2, power, 2 * power) if largest / s <= 5)
    return [i * step for i in range(math.ceil(largest / step) + 1)]


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:g}"


def text(x, y, content, anchor="start", more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(content)}</text>'


def line(x1, y1, x2, y2, stroke):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}"/>'


def bar(name, values, y, scale, decimals):
    x, median = NAMES_WIDTH, statistics.median(values)
    least, most = x + scale * min(values), x + scale * max(values)
    middle, top = y + LINE / 2, y + (LINE - BAR) / 2
    out = [text(x - 6, middle + 4, name, "end", ' font-weight="bold"' if name == "tunion" else ""),
           f'<rect x="{x}" y="{top:.1f}" width="{scale * median:.1f}" height="{BAR}" fill="{colour(name)}"/>']
    if len(values) > 1:
        out += [line(least, middle, most, middle, "black")]
        out += [line(end, middle - 3, end, middle + 3, "black") for end in (least, most)]
    return out + [text(most + 5, middle + 4, f"{median:,.{decimals}f}")]


def panel(title, more_is_better, rows, decimals):
    """(lines of SVG, height)"""
    steps = ticks(max(max(values) for _, values in rows))
    scale, bottom = BAR_WIDTH / steps[-1], TITLE + LINE * len(rows)
    better = "more" if more_is_better else "less"
    out = [text(NAMES_WIDTH, 16, f"{title} ({better} is better)", more=' font-weight="bold"')]
    for step in steps:
        x = NAMES_WIDTH + scale * step
        out += [line(x, TITLE, x, bottom, "black" if step == 0 else "#e4e4e4"),
                text(x, bottom + 13, number(step), "middle", ' fill="#555" font-size="10"')]
    for i, (name, values) in enumerate(rows):
        out += bar(name, values, TITLE + LINE * i, scale, decimals)
    return out, bottom + AXIS


def legend(machine, width):
    words, lines = machine.replace("**", "").split(), [""]
    for word in words:
        if len(lines[-1]) + len(word) > width / 6.2:
            lines.append("")
        lines[-1] += word + " "
    out = [text(20, 24 + 15 * i, content) for i, content in enumerate(lines)]
    x, y = 20, 24 + 15 * len(lines) + 4
    for fill, what in COLOURS:
        out += [f'<rect x="{x}" y="{y - 9}" width="12" height="{BAR}" fill="{fill}"/>', text(x + 17, y, what)]
        x += 40 + 6.2 * len(what)
    out.append(text(x, y, "bar: median; line: least to most of the rounds"))
    return out, y + 20


def svg(results, rows, machine):
    """`rows`: (key, title, decimals) of the panels."""
    width = COLUMNS * PANEL_WIDTH
    out, top = legend(machine, width)
    panels = []
    for key, title, decimals in rows:
        values = [(name, measured[key]) for name, measured in results.items() if measured.get(key)]
        if not values:
            continue
        panels.append(panel(title, key.endswith(("gbit", "pps")), values, decimals))
    height = top
    while panels:
        row, panels = panels[:COLUMNS], panels[COLUMNS:]
        for column, (lines, _) in enumerate(row):
            out += [f'<g transform="translate({column * PANEL_WIDTH},{height})">', *lines, "</g>"]
        height += max(panel_height for _, panel_height in row)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
            f'font-family="sans-serif" font-size="11.5">\n<rect width="{width}" height="{height}" fill="white"/>\n'
            + "\n".join(out) + "\n</svg>\n")
