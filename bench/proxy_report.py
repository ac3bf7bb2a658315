"""proxy_report - what bench/run_proxy measured, and the targets, as Markdown"""

import json
import os
import statistics

from report import Target, extent, met, quotients

NETWORKS = (("0 ms", 0, 0), ("20 ms", 20, 0), ("100 ms", 100, 0), ("20 ms, 0.1 % lost", 20, 0.001))  # name, round trip, loss
RUNS = (("down", 1), ("up", 1), ("down", 16), ("up", 16))  # direction, streams
OTHERS = ("wireproxy's core", "sing-box")  # those of the targets
OURS = ("tunion, kernel", "tunion, lwip")


def rows():
    """key, title, decimals"""
    for network, _, loss in NETWORKS:
        for what, streams in RUNS:
            many = "s" if streams > 1 else ""
            yield f"{network} {what}{streams} gbit", f"{network}: {what}, {streams} stream{many}, Gbit/s", 3
        if not loss:
            yield f"{network} first us", f"{network}: time to the first byte, us", 0
    for what, streams in RUNS:
        yield f"0 ms {what}{streams} cpu", f"CPU s per GB, {what}, {streams} stream{'s' if streams > 1 else ''}", 2
    yield "rate per s", "connections per second", 0
    yield "rate cpu ms", "CPU ms per connection", 3
    for count in ("0", "100", "1000"):
        yield f"{count} conns rss", f"RSS with {count} connections, KiB", 0
        yield f"{count} conns pss", f"PSS with {count} connections, KiB", 0
    yield "after rss", "RSS after the load, KiB", 0
    yield "after pss", "PSS after the load, KiB", 0
    yield "after wakeups", "wake-ups per second at rest", 1


def table(results, cell):
    names = list(results)
    lines = ["| | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]
    for key, title, decimals in rows():
        if any(key in results[name] for name in names):
            lines.append(f"| {title} | " + " | ".join(cell(results[name].get(key, ()), decimals) for name in names) + " |")
    return lines


def median(values, decimals):
    return f"{statistics.median(values):.{decimals}f}" if values else ""


def targets(results):
    def ratio(what, bound, at_least, *pair):
        found = quotients(results, *pair)
        if found:
            yield Target(what, bound, at_least, *found)
    for own in OURS:
        for other in OTHERS:
            for network, bound in (("0 ms", 1.5), ("100 ms", 1.5), ("20 ms, 0.1 % lost", 1)):
                for what, streams in RUNS:
                    run = f"{what}{streams}"
                    yield from ratio(f"{network}, {run}: {own} / {other}, Gbit/s", bound, True, own, other, f"{network} {run} gbit")
            for count, bound in (("0", 0.5), ("100", 0.5), ("1000", 0.25)):
                yield from ratio(f"{count} connections: {own} / {other}, PSS", bound, False, own, other, f"{count} conns pss")
        for value in results.get(own, {}).get("after wakeups", ()):
            yield Target(f"wake-ups per second at rest, {own}", 0, False, value, decimals=1)


def target_table(results):
    lines = ["| what | target | measured | rounds | |", "|---|---:|---:|---:|---|"]
    for t in targets(results):
        bound = f"{'>=' if t.at_least else '<='} {t.bound:g}"
        lines.append(f"| {t.what} | {bound} | {t.measured:.{t.decimals}f} | {extent(t.rounds, t.decimals)} "
                     f"| {'met' if met(t) else '**missed**'} |")
    return lines if len(lines) > 2 else ["No target was measured."]


def write(directory, results, options, also):
    """`also`: machine, absent."""
    os.makedirs(directory, exist_ok=True)
    lines = [also["machine"], f"Medians of {options['rounds']} rounds, contenders taking turns, {options['seconds']} s for each "
             "measurement (twice that at 100 ms). CPU and memory are those of the proxy; what the kernel keeps for its own "
             "sockets is in nobody's RSS.", ""]
    lines += [f"{name}: {version}." for name, version in options["versions"].items()]
    lines += ["", *table(results, median), "", *target_table(results)]
    if options["rounds"] > 1:
        lines += ["", "Least..most of the rounds:", "", *table(results, extent)]
    lines += ["", *(f"SKIP {name}: {why}" for name, why in also["absent"].items())]
    text = "\n".join(lines) + "\n"
    for name, content in (("proxy.md", text), ("proxy.json", json.dumps({"results": results, **also}, indent=1))):
        with open(os.path.join(directory, name), "w") as f:
            f.write(content)
    print(text + f"\nwritten to {directory}: proxy.md, proxy.json")
