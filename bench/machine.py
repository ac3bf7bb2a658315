"""machine - what the numbers were measured on, and what else it was doing

In a benchmark whose both ends share the CPUs, whatever else runs lowers the Gbit/s; so the report
says how busy the machine was before the start, and what a hypervisor took away meanwhile.
"""

import os
import platform
import re
import time

WATCH_SECONDS = 2
BUSY = 0.1  # of all CPUs, before the start
HIGH_LOAD = 0.5  # per CPU


def cpu_ticks():
    """(all, not idle, stolen) since boot, of all CPUs together."""
    with open("/proc/stat") as f:
        user, nice, system, idle, iowait, irq, softirq, steal = (int(word) for word in f.readline().split()[1:9])
    busy = user + nice + system + irq + softirq + steal
    return busy + idle + iowait, busy, steal


def shares(before, after):
    total = max(after[0] - before[0], 1)
    return (after[1] - before[1]) / total, (after[2] - before[2]) / total


def model():
    with open("/proc/cpuinfo") as f:
        text = f.read()
    found = re.search(r"^model name\s*: (.*)$", text, re.M)
    flags = [flag for flag in ("avx2", "avx512f", "avx512ifma") if re.search(rf"\b{flag}\b", text)]
    return (found.group(1) if found else platform.machine()) + (f" ({' '.join(flags)})" if flags else "")


class Machine:
    """Made before the start; describe() is for the end."""

    def __init__(self):
        before = cpu_ticks()
        time.sleep(WATCH_SECONDS)
        self.start_ticks = cpu_ticks()
        self.start_load = os.getloadavg()[0]
        self.busy, _ = shares(before, self.start_ticks)

    def describe(self, host):
        """`host`: one of those measured; congestion control and queues are a namespace's."""
        _, stolen = shares(self.start_ticks, cpu_ticks())
        control = host.run("cat /proc/sys/net/ipv4/tcp_congestion_control").strip()
        queues = {queue for name, queue in re.findall(r"^\d+: ([^:@]+).* qdisc (\S+)", host.run("ip -o link"), re.M)
                  if name not in ("lo", "eth0")}
        load = self.start_load / os.cpu_count()
        text = (f"{model()}, {os.cpu_count()} CPUs, Linux {platform.release()}, both ends on them; "
                f"TCP by {control}; qdisc of the tuns: {', '.join(sorted(queues)) or 'none'}; "
                f"load average {self.start_load:.1f}{' (high)' if load > HIGH_LOAD else ''} before the start, "
                f"{os.getloadavg()[0]:.1f} at the end; {self.busy:.0%} of the CPUs' time used by others before the "
                f"start, {stolen:.1%} stolen during the run; {time.strftime('%Y-%m-%d')}.")
        if self.busy > BUSY:
            text += " **Others used the CPUs: Gbit/s and round trips say less than CPU seconds.**"
        return text
