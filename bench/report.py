"""report - medians and ratios as Markdown, a plot as SVG"""

import json
import os
import platform
import statistics
import time

ROWS = [  # key, title, decimals
    ("tcp1 gbit", "TCP, 1 stream, Gbit/s", 2),
    ("tcp1 back gbit", "TCP, 1 stream, back, Gbit/s", 2),
    ("tcp4 gbit", "TCP, 4 streams, Gbit/s", 2),
    ("tcp4 back gbit", "TCP, 4 streams, back, Gbit/s", 2),
    ("tcp1 cpu", "CPU s per GB, 1 stream", 2),
    ("tcp1 back cpu", "CPU s per GB, 1 stream, back", 2),
    ("tcp4 cpu", "CPU s per GB, 4 streams", 2),
    ("tcp4 back cpu", "CPU s per GB, 4 streams, back", 2),
    ("udp pps", "UDP 64 bytes, packets/s", 0),
    ("udp cpu", "CPU s per million of these", 2),
    ("ping us", "round trip, idle, us", 0),
    ("ping loaded us", "round trip, loaded, us", 0),
    ("ping loaded p95", "round trip, loaded, 95 %, us", 0),
    ("rss", "RSS per end after all this, KiB", 0),
    ("pss", "PSS per end after all this, KiB", 0),
    ("wakeups", "wake-ups per second at rest", 1),
]


def medians(results):
    return {name: {key: statistics.median(values) for key, values in measured.items()}
            for name, measured in results.items()}


def table(m):
    """A row per number, a column per contender."""
    names = list(m)
    lines = ["| | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]
    for key, title, decimals in ROWS:
        if any(key in m[name] for name in names):
            cells = [f"{m[name][key]:.{decimals}f}" if key in m[name] else "" for name in names]
            lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return lines


def quotient(m, above, below, key, subtract=None):
    try:
        offset = m[subtract][key] if subtract else 0
        return (m[above][key] - offset) / (m[below][key] - offset)
    except (KeyError, ZeroDivisionError):
        return None


def ratios(m):
    """(what, ratio, target text, met)"""
    lines = []

    def add(what, ratio, bound, at_least):
        if ratio is not None:
            lines.append((what, ratio, f"{'>=' if at_least else '<='} {bound}",
                          ratio >= bound if at_least else ratio <= bound))
    for run in ("tcp1", "tcp1 back", "tcp4", "tcp4 back"):
        add(f"{run}: tunion / wireguard-go, Gbit/s", quotient(m, "tunion", "wireguard-go", f"{run} gbit"), 2.5, True)
    for run in ("tcp1", "tcp1 back", "tcp4", "tcp4 back"):
        add(f"{run}: tunion / null tunnel, Gbit/s", quotient(m, "tunion", "null tunnel", f"{run} gbit"), 0.7, True)
    for run in ("tcp1", "tcp1 back", "tcp4", "tcp4 back"):
        add(f"{run}: tunion / wireguard-go, CPU s per GB", quotient(m, "tunion", "wireguard-go", f"{run} cpu"), 0.4, False)
    above = "tunion"
    for level in (2, 3, 4):
        name = f"tunion, {level} levels"
        add(f"{level} levels / {level - 1}, Gbit/s", quotient(m, name, above, "tcp1 gbit"), 0.6 if level == 2 else 0.65, True)
        above = name
    add("round trip added, tunion / wireguard-go", quotient(m, "tunion", "wireguard-go", "ping us", "bare veth"), 0.25, False)
    return lines


def scale_lines(scaled):
    devices = {int(n): values for n, values in scaled.get("devices", {}).items()}
    if not devices:
        return []
    keys = list(next(iter(devices.values())))
    lines = ["", "tunion with N idle devices, 10 prefixes each:", "",
             "| devices | " + " | ".join(keys) + " |", "|---:|" + "---:|" * len(keys)]
    for n, values in devices.items():
        cells = ["" if values[k] is None else f"{values[k]:.2f}" if k.endswith(" s") else f"{values[k]}" for k in keys]
        lines.append(f"| {n} | " + " | ".join(cells) + " |")
    if 10 in devices and 1000 in devices:
        each = (devices[1000]["engine rss KiB"] - devices[10]["engine rss KiB"]) / 990
        lines += ["", f"Each further idle device: {each:.1f} KiB in the engine."]
    for what in ("wg-quick", "wireguard-go idle"):
        for key, value in scaled.get(what, {}).items():
            lines += ["", f"{what}, one device: {value:.2f} {key.split()[-1]} ({key.split()[0]})"]
    for name in ("aead", "union_lookup"):
        if scaled.get(name):
            lines += ["", f"bench/{name}:", "", "```", *scaled[name], "```"]
    return lines


def machine():
    with open("/proc/cpuinfo") as f:
        model = next((line.split(":")[1].strip() for line in f if line.startswith("model name")), platform.machine())
    flags = open("/proc/cpuinfo").read()
    simd = " ".join(flag for flag in ("avx2", "avx512f", "avx512ifma") if f" {flag}" in flags)
    return (f"{model} ({simd}), {os.cpu_count()} CPUs, Linux {platform.release()}, both ends on them; "
            f"load average {os.getloadavg()[0]:.1f} at the end; {time.strftime('%Y-%m-%d')}")


BAR = 14


def svg(m, keys):
    """Bars: one group per number, one bar per contender, the longest is the full width."""
    out, y = [], 10
    for key, title, decimals in keys:
        values = [(name, measured[key]) for name, measured in m.items() if key in measured]
        if not values:
            continue
        out.append(f'<text x="10" y="{y + 12}" font-weight="bold">{title}</text>')
        y += 20
        largest = max(value for _, value in values) or 1
        for name, value in values:
            width = 380 * value / largest
            colour = "#2a6fb0" if name.startswith("tunion") else "#b8b8b8"
            out.append(f'<text x="170" y="{y + 11}" text-anchor="end">{name}</text>'
                       f'<rect x="176" y="{y + 1}" width="{width:.1f}" height="{BAR - 3}" fill="{colour}"/>'
                       f'<text x="{180 + width:.1f}" y="{y + 11}">{value:.{decimals}f}</text>')
            y += BAR
        y += 12
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="640" height="{y}" font-family="sans-serif" font-size="11">'
            f'<rect width="640" height="{y}" fill="white"/>' + "\n".join(out) + "</svg>\n")


def write(directory, results, scaled, absent, options):
    os.makedirs(directory, exist_ok=True)
    m = medians(results)
    lines = [machine() + ".", f"Medians of {options['rounds']} rounds of {options['seconds']} s, contenders taking turns.", ""]
    lines += [f"{name}: {version}." for name, version in options["versions"].items()]
    lines += [""] + table(m) + ["", "| ratio | | target | |", "|---|---:|---:|---|"]
    lines += [f"| {what} | {ratio:.2f} | {target} | {'met' if met else '**missed**'} |" for what, ratio, target, met in ratios(m)]
    lines += scale_lines(scaled)
    if absent:
        lines += ["", "Absent: " + "; ".join(f"{name} ({why})" for name, why in absent.items()) + "."]
    text = "\n".join(lines) + "\n"
    for name, content in (("table.md", text), ("plot.svg", svg(m, ROWS)),
                          ("raw.json", json.dumps({"results": results, "scaled": scaled, "absent": absent}, indent=1))):
        with open(os.path.join(directory, name), "w") as f:
            f.write(content)
    print(text + f"\nwritten to {directory}: table.md, plot.svg, raw.json")
