"""measure - one number each, of one contender, in one round"""

import json
import re
import statistics
import time

from contenders import IPERF_PORT, cpu_seconds


def start_server(host):
    server = host.start(["iperf3", "-s", "-p", str(IPERF_PORT), "--forceflush"])
    server.wait_output("Server listening")


def iperf3(host, address, *options, seconds):
    """Its result. Between two clients the server is not listening for a moment: so once more."""
    for _ in range(3):
        done = host.try_run(["iperf3", "-J", "-c", address, "-p", str(IPERF_PORT), "-t", str(seconds), *options],
                            seconds=seconds + 20)
        result = json.loads(done.stdout)
        if "error" not in result:
            return result
        time.sleep(0.3)
    raise RuntimeError(f"iperf3 to {address}: {result['error']}")


def tcp(world, contender, streams, back, seconds):
    """Gbit/s, and CPU seconds per GB that arrived: of both ends, and of a gate alone."""
    gate = contender.gate_pids()
    before, gate_before = contender.cpu(), cpu_seconds(gate)
    result = iperf3(world.a, contender.far, "-P", str(streams), *(["-R"] if back else []), seconds=seconds)
    used, gate_used = contender.cpu() - before, cpu_seconds(gate) - gate_before
    received = result["end"]["sum_received"]
    found = {"gbit": received["bits_per_second"] / 1e9}
    if contender.roots:  # who has no process is no tunnel
        found["cpu"] = used / (received["bytes"] / 1e9)
    if gate:
        found["gate cpu"] = gate_used / (received["bytes"] / 1e9)
    return found


def ping(world, contender, count=100, interval=0.01):
    """Round trips in microseconds, sorted."""
    out = world.a.try_run(["ping", "-n", "-c", str(count), "-i", str(interval), "-W", "1", contender.far],
                          seconds=count * interval + 20).stdout
    return sorted(1000 * float(word) for word in re.findall(r"time=([\d.]+) ms", out))


def ping_idle(world, contender):
    times = ping(world, contender)
    return {"us": statistics.median(times)} if times else {}


def wakeup(host, program, times):
    """Microseconds of a round trip between two processes over pipes, by where they run."""
    return {where: float(us) for where, us in re.findall(r"(.+): ([\d.]+) us", host.run([program, str(times)]))}


def ping_loaded(world, contender, seconds):
    """While one TCP stream fills the tunnel."""
    load = world.a.start(["iperf3", "-c", contender.far, "-p", str(IPERF_PORT), "-t", str(seconds)], name="load")
    world.a.try_run("sleep 0.3")
    times = ping(world, contender, count=int((seconds - 0.6) / 0.02), interval=0.02)
    load.wait(seconds + 20)
    return {"us": statistics.median(times), "p95": times[len(times) * 95 // 100]} if times else {}


SMALL_PORT = 5300
LOSS = 0.001
RATES = [round(10000 * 1.15 ** i) for i in range(36)]  # packets/s, up to over a million


def start_small_packets(host, program):
    host.start([program, str(SMALL_PORT)])


def send_small_packets(world, contender, program, rate, seconds):
    """(sent, received)"""
    out = world.a.run([program, contender.far, str(SMALL_PORT), str(rate), str(int(seconds * 1000))])
    sent, received = out.split()
    return int(sent), int(received)


def udp(world, contender, program, seconds):
    """The highest rate of small packets of which less than 0.1 % are lost. The search takes the
    rates as sorted by difficulty, which they are but for chance: hence several rounds."""
    low, high = -1, len(RATES)
    before, packets = contender.cpu(), 0
    while high - low > 1:
        middle = (low + high) // 2
        sent, received = send_small_packets(world, contender, program, RATES[middle], seconds)
        packets += received
        good = sent >= 0.95 * RATES[middle] * seconds and received >= (1 - LOSS) * sent
        low, high = (middle, high) if good else (low, middle)
    found = {"pps": RATES[low] if low >= 0 else 0}
    if contender.roots:
        found["cpu"] = (contender.cpu() - before) / (max(packets, 1) / 1e6)
    return found
