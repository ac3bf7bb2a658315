"""report - medians, their spread and the targets as Markdown"""

import json
import os
import re
import statistics
from collections import namedtuple

import plot

ROWS = [  # key, title, decimals
    ("tcp1 gbit", "TCP, 1 stream, Gbit/s", 2),
    ("tcp1 back gbit", "TCP, 1 stream, back, Gbit/s", 2),
    ("tcp4 gbit", "TCP, 4 streams, Gbit/s", 2),
    ("tcp4 back gbit", "TCP, 4 streams, back, Gbit/s", 2),
    ("tcp1 cpu", "CPU s per GB, 1 stream", 2),
    ("tcp1 back cpu", "CPU s per GB, 1 stream, back", 2),
    ("tcp4 cpu", "CPU s per GB, 4 streams", 2),
    ("tcp4 back cpu", "CPU s per GB, 4 streams, back", 2),
    ("tcp1 gate cpu", "of it the gate, 1 stream", 2),
    ("tcp1 back gate cpu", "of it the gate, 1 stream, back", 2),
    ("udp pps", "UDP 64 bytes, packets/s", 0),
    ("udp cpu", "CPU s per million UDP packets", 2),
    ("ping us", "round trip, idle, us", 0),
    ("ping loaded us", "round trip, loaded, us", 0),
    ("ping loaded p95", "round trip, loaded, 95 %, us", 0),
    ("rss", "RSS per end after the load, KiB", 0),
    ("gate rss", "RSS of the gate after the load, KiB", 0),
    ("pss", "PSS per end after the load, KiB", 0),
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


def spread_table(results):
    """How far the rounds were apart: least..most."""
    names = [name for name, measured in results.items() if any(len(values) > 1 for values in measured.values())]
    lines = ["| least..most of the rounds | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]
    for key, title, decimals in ROWS:
        if any(len(results[name].get(key, ())) > 1 for name in names):
            cells = [extent(results[name].get(key, ()), decimals) for name in names]
            lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return ["", *lines] if len(lines) > 2 else []


def extent(values, decimals):
    return f"{min(values):.{decimals}f}..{max(values):.{decimals}f}" if len(values) > 1 else ""


# ---- the design's targets

Target = namedtuple("Target", "what bound at_least measured rounds unit decimals", defaults=((), "", 2))
RUNS = ("tcp1", "tcp1 back", "tcp4", "tcp4 back")


def quotients(results, above, below, key, base=None):
    """Of the medians, and of each round; without `base`, which is in both. None: not measured."""
    try:
        lists = [results[above][key], results[below][key], results[base][key] if base else None]
    except KeyError:
        return None
    lists[2] = lists[2] or [0] * len(lists[0])

    def divide(a, b, c):
        return (a - c) / (b - c) if b != c else float("inf")
    of_rounds = [divide(*values) for values in zip(*lists)] if len(set(map(len, lists))) == 1 else []
    return divide(*map(statistics.median, lists)), of_rounds


def ratio_targets(results):
    def ratio(what, bound, at_least, *pair, base=None):
        found = quotients(results, *pair, base=base)
        if found:
            yield Target(what, bound, at_least, *found, decimals=2 if bound > 1 else 3)
    for run in RUNS:
        yield from ratio(f"{run}: tunion / wireguard-go, Gbit/s", 2.5, True, "tunion", "wireguard-go", f"{run} gbit")
    for run in RUNS:
        yield from ratio(f"{run}: tunion / null tunnel, Gbit/s", 0.7, True, "tunion", "null tunnel", f"{run} gbit")
    for run in RUNS:
        yield from ratio(f"{run}: tunion / wireguard-go, CPU s per GB", 0.4, False,
                         "tunion", "wireguard-go", f"{run} cpu")
    above = "tunion"
    for level in (2, 3, 4):
        name = f"tunion, {level} levels"
        yield from ratio(f"{level} levels / {level - 1}, Gbit/s", 0.6 if level == 2 else 0.65, True,
                         name, above, "tcp1 gbit")
        above = name
    yield from ratio("round trip added, tunion / wireguard-go", 0.25, False,
                     "tunion", "wireguard-go", "ping us", base="bare veth")


def gate_targets(results):
    """The client of a gate takes as much of the machine as an end of a tunnel."""
    gate, other = "tunion, gate", "wireguard-go's netstack, gate"

    def ratio(what, bound, at_least, *pair):
        found = quotients(results, *pair)
        if found:
            yield Target(what, bound, at_least, *found)
    for run in RUNS:
        yield from ratio(f"{run}: gate and tunnel / tunnel, Gbit/s", 0.6, True, gate, "tunion", f"{run} gbit")
    for run in RUNS:
        yield from ratio(f"{run}: gate / netstack as a gate, Gbit/s", 3, True, gate, other, f"{run} gbit")
    for run in RUNS:
        yield from ratio(f"{run}: gate / netstack as a gate, CPU s per GB", 0.25, False, gate, other, f"{run} gate cpu")
    yield from ratio("gate / netstack as a gate, RSS after the load", 0.25, False, gate, other, "gate rss")
    try:
        added = [a - b for a, b in zip(results[gate]["ping us"], results["tunion"]["ping us"])]
    except KeyError:
        return
    yield Target("round trip added by a gate and its client", 200, False, statistics.median(added), added, "us", 0)


def plain_targets(results):
    """A tun as an app gets it from Android's VpnService."""
    ours, go, null = "tunion, plain tun", "wireguard-go, plain tun", "null tunnel, plain tun"

    def ratio(what, bound, at_least, *pair):
        found = quotients(results, *pair)
        if found:
            yield Target(f"plain tun, {what}", bound, at_least, *found)
    for run in RUNS:
        yield from ratio(f"{run}: tunion / wireguard-go, Gbit/s", 2, True, ours, go, f"{run} gbit")
    for run in RUNS:
        yield from ratio(f"{run}: tunion / wireguard-go, CPU s per GB", 0.5, False, ours, go, f"{run} cpu")
    for run in RUNS:
        yield from ratio(f"{run}: tunion / null tunnel, Gbit/s", 0.6, True, ours, null, f"{run} gbit")


def aead_targets(runs):
    """bench/aead's lines; of a second run the last word of the first says what it was without."""
    for lines, where in zip(runs, ("", ", both without AVX-512")):
        for line in lines:
            found = re.fullmatch(r"(\S+) / (.+): seal ([\d.]+), open ([\d.]+), target ([\d.]+): \w+", line)
            if found:
                ours, library, seal, opened, bound = found.groups()
                for what, times in (("seal", seal), ("open", opened)):
                    yield Target(f"{what} 1420 bytes, batch of 32: {ours}, times as fast as {library}{where}",
                                 float(bound), True, float(times))


def absolute_targets(results, scaled):
    devices = scaled.get("tunion", {})
    if 10 in devices:
        yield Target("RSS with 10 tunnels, both processes", 8, False, devices[10]["rss KiB"] / 1024,
                     unit="MiB", decimals=1)
    if 10 in devices and 1000 in devices:
        each = (devices[1000]["rss KiB"] - devices[10]["rss KiB"]) / 990
        yield Target("each further idle device, 10 prefixes each, both processes", 20, False, each,
                     unit="KiB", decimals=1)
    times = [float(ns) for line in scaled.get("union_lookup", ())
             for ns in re.findall(r"^ *100000 IPv. prefixes: +([\d.]+) ns", line)]
    if times:
        yield Target("union lookup, 100,000 prefixes, the slower family", 100, False, max(times), unit="ns", decimals=0)
    if 1000 in devices:
        yield Target("`up`, 1,000 files with 10 prefixes each", 2, False, devices[1000]["up s"], unit="s")
    for name, where in (("tunion", "both ends"), ("tunion, gate", "client, gate and far end")):
        for value in results.get(name, {}).get("wakeups", ()):
            yield Target(f"wake-ups per second at rest, {where}", 0, False, value, decimals=1)


def met(target):
    return target.measured >= target.bound if target.at_least else target.measured <= target.bound


def target_table(results, scaled):
    lines = ["| what | target | measured | rounds | |", "|---|---:|---:|---:|---|"]
    for t in (*ratio_targets(results), *plain_targets(results), *gate_targets(results), *aead_targets(scaled.get("aead", ())), *absolute_targets(results, scaled)):
        unit = " " + t.unit if t.unit else ""
        rounds = extent(t.rounds, t.decimals)
        bound = f"{'>=' if t.at_least else '<='} {t.bound:g}{unit}"
        lines.append(f"| {t.what} | {bound} | {t.measured:.{t.decimals}f}{unit} | {rounds} "
                     f"| {'met' if met(t) else '**missed**'} |")
    return lines if len(lines) > 2 else ["No target was measured."]


# ---- the rest

def wakeup_lines(wakeup_us):
    """`four`: the near engine, the far one, the near one again, and ping."""
    if not wakeup_us:
        return []
    cells = [f"{statistics.median(values):.1f} us with both on {where}"
             + (f" ({extent(values, 1)})" if len(values) > 1 else "") for where, values in wakeup_us.items()]
    return ["", "Waking: a byte over a pipe to a process that has rested for 10 ms, and back, takes " + ", ".join(cells)
            + ". That is two wake-ups; a round trip through a tunnel has four."]


SCALE = (  # title, which of them, key, decimals
    ("tunion check, s", "tunion", "check s", 3), ("wg-quick strip, s", "wg-quick", "check s", 3),
    ("tunion up, s", "tunion", "up s", 2), ("wg-quick up, s", "wg-quick", "up s", 2),
    ("tunion down, s", "tunion", "down s", 2), ("wg-quick down, s", "wg-quick", "down s", 2),
    ("tunion RSS, KiB", "tunion", "rss KiB", 0), ("its engine's", "tunion", "engine rss KiB", 0),
    ("wireguard-go RSS, KiB", "wg-quick", "rss KiB", 0),
    ("tunion PSS, KiB", "tunion", "pss KiB", 0), ("wireguard-go PSS, KiB", "wg-quick", "pss KiB", 0),
)


def scale_lines(scaled):
    lines = []
    if scaled.get("tunion"):
        columns = [c for c in SCALE if scaled.get(c[1])]
        lines += ["", "N files with 10 prefixes each, idle. tunion: one command, RSS and PSS of both its processes. "
                  "wg-quick: one file after the other, with a wireguard-go for each (blank: not measured).", "",
                  "| files | " + " | ".join(c[0] for c in columns) + " |", "|---:|" + "---:|" * len(columns)]
        for n in scaled["tunion"]:
            cells = [f"{scaled[who][n][key]:.{decimals}f}" if n in scaled[who] else ""
                     for _, who, key, decimals in columns]
            lines.append(f"| {n} | " + " | ".join(cells) + " |")
    for name, outputs in (("aead", scaled.get("aead", ())), ("union_lookup", [scaled.get("union_lookup", ())])):
        for output in filter(None, outputs):
            lines += ["", f"bench/{name}:", "", "```", *output, "```"]
    return lines


def write(directory, results, options, also):
    """`also`: machine, wakeup_us, scaled, absent."""
    os.makedirs(directory, exist_ok=True)
    m = medians(results)
    rounds = (f"Medians of {options['rounds']} round{'s' if options['rounds'] > 1 else ''}, contenders taking turns, "
              f"{options['seconds']} s for each TCP measurement.")
    lines = [also["machine"], rounds, ""]
    lines += [f"{name}: {version}." for name, version in options["versions"].items()]
    lines += ["", *table(m), *wakeup_lines(also["wakeup_us"]), "", *target_table(results, also["scaled"])]
    lines += [*spread_table(results), *scale_lines(also["scaled"])]
    if also["absent"]:
        lines += ["", "Absent: " + "; ".join(f"{name} ({why})" for name, why in also["absent"].items()) + "."]
    text = "\n".join(lines) + "\n"
    for name, content in (("table.md", text), ("plot.svg", plot.svg(results, ROWS, also["machine"] + " " + rounds)),
                          ("raw.json", json.dumps({"results": results, **also}, indent=1))):
        with open(os.path.join(directory, name), "w") as f:
            f.write(content)
    print(text + f"\nwritten to {directory}: table.md, plot.svg, raw.json")
