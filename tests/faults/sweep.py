"""What kill and errors share: options, workers side by side, the table at the end.

A row is a scenario with one program. Each worker has a Rig of its own and takes every
n-th point of each row; a point is whatever the command counts."""

import argparse
import json
import os
import random
import signal
import sys
import threading
import time
import traceback

from rig import SCENARIOS, FalseYes, Fault, Rig, judge

COLUMNS = ("points", "hit", "lost", "false", "torn", "twice", "left", "hung", "crashed", "doubled", "late")
FAULTS = COLUMNS[2:-2]


def options(doc, short):
    p = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--scenario", action="append", choices=list(SCENARIOS), help="only this one (again: and this)")
    p.add_argument("--program", action="append", help="only this one (again: and this)")
    p.add_argument("--from", dest="first", type=int, default=1, metavar="K", help="begin each row at its K-th point")
    p.add_argument("--match", default="", metavar="TEXT", help="only points that read so, as \"'fsync', 2\"")
    p.add_argument("--points", type=int, metavar="N", help="a sample of N points of each row")
    p.add_argument("--short", action="store_true", help=f"--points {short}, without the scenario that takes seconds")
    p.add_argument("--seed", type=int, default=1, help="of the sample")
    p.add_argument("-j", type=int, default=2, metavar="N", help="so many side by side")
    p.add_argument("-v", action="store_true", help="name each point")
    a = p.parse_args()
    if a.short:
        a.points = a.points or short
        a.scenario = a.scenario or [s for s in SCENARIOS if s != "warning"]
    return a


class Worker:
    """points_of(rig, scenario, program): the list of points. attempt(rig, scenario, program, point):
    (whether it was hit, the messages)."""

    def __init__(self, args, number, out, points_of, attempt, faulty):
        self.args, self.number, self.out = args, number, out
        self.points_of, self.attempt, self.faulty = points_of, attempt, faulty
        self.rig = None

    def fresh(self, scenario):
        if self.rig:
            self.rig.close()
        self.rig = Rig(self.faulty)
        scenario.prepare(self.rig)
        scenario.history = None
        self.rig.ready(scenario)

    def say(self, **kw):
        self.out.write(json.dumps(kw) + "\n")
        self.out.flush()

    def one(self, scenario, program, point, row):
        rig = self.rig
        rig.late = 0
        hit, why, found = False, [], None
        try:
            rig.ready(scenario)
            hit, messages = self.attempt(rig, scenario, program, point)
            if not rig.settle():
                row["hung"] += 1
                why.append("not settled: " + " ".join(str(p.relative_to(rig.queue)) for p in rig.queue.glob("*/*")))
            else:
                found = judge(rig, messages)
        except FalseYes as e:
            row["false"] += 1
            why.append(str(e))
        except (Fault, AssertionError) as e:
            row["hung"] += 1
            why.append(str(e))
        crashes = rig.crashes()
        row["crashed"] += len(crashes)
        why += crashes
        if found:
            for kind in ("lost", "torn", "twice", "left", "doubled"):
                row[kind] += len(getattr(found, kind))
                if kind != "doubled":
                    why += [f"{kind}: {x}" for x in getattr(found, kind)]
        row["points"] += 1
        row["hit"] += hit
        row["late"] += rig.late
        if why:
            self.say(fault=f"{scenario.name} {program} {point} ({rig.last}): " + "; ".join(why), log=rig.all_logs()[-4000:])
            self.fresh(scenario)
        elif self.args.v:
            self.say(note=f"{scenario.name} {program} {point} ({rig.last}) hit={hit} late={rig.late} {found.doubled if found else ''}")
        self.rig.sweep()

    def sample(self, points, key):
        points = [p for p in points[self.args.first - 1 :] if self.args.match in str(p)]
        if self.args.points and len(points) > self.args.points:
            rng = random.Random(f"{self.args.seed} {key}")
            points = [points[i] for i in sorted(rng.sample(range(len(points)), self.args.points))]
        return points[self.number :: self.args.j]

    def run(self):
        for scenario in (c() for n, c in SCENARIOS.items() if not self.args.scenario or n in self.args.scenario):
            self.fresh(scenario)
            for program in scenario.programs:
                if self.args.program and program not in self.args.program:
                    continue
                row = dict.fromkeys(COLUMNS, 0)
                points = self.points_of(self.rig, scenario, program)
                self.rig.sweep()
                for point in self.sample(points, scenario.name + program):
                    self.one(scenario, program, point, row)
                self.say(row=[scenario.name, program], **row)


def main(args, points_of, attempt, faulty=False):
    """The exit code."""
    started = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(111))  # and the rig is closed
    pipes = []
    for number in range(args.j):
        r, w = os.pipe()
        if os.fork() == 0:
            os.close(r)
            code = 0
            with os.fdopen(w, "w") as out:
                worker = Worker(args, number, out, points_of, attempt, faulty)
                try:
                    worker.run()
                except BaseException:  # noqa: B036 - said, and the fork ends
                    worker.say(fault=traceback.format_exc(), log=worker.rig.all_logs() if worker.rig else "")
                    code = 1
                finally:
                    if worker.rig:
                        worker.rig.close()
            os._exit(code)
        os.close(w)
        pipes.append(os.fdopen(r))
    print(f"{'scenario':<12}{'program':<10}" + "".join(f"{c:>9}" for c in COLUMNS), flush=True)
    rows, faults = collect(pipes)
    for _ in pipes:
        os.wait()
    total = {c: sum(row[c] for row in rows.values()) for c in COLUMNS}
    say_row(("all", ""), total)
    print(f"seed {args.seed}, {time.monotonic() - started:.0f} s")
    return 1 if faults or not total["points"] or any(total[c] for c in FAULTS) else 0


def say_row(names, row):
    print(f"{names[0]:<12}{names[1]:<10}" + "".join(f"{row[c]:>9}" for c in COLUMNS), flush=True)


def collect(pipes):
    """Each worker's lines, read by a thread each: (rows, number of faults). A row is said when
    all workers have done their part of it."""
    rows, faults, parts = {}, [], {}

    def read(pipe):
        for line in pipe:
            said = json.loads(line)
            if "fault" in said:
                faults.append(said)
                print("FAULT " + said["fault"] + "\n" + said["log"].replace("\n", "\n    | "), flush=True)
            elif "note" in said:
                print(said["note"], flush=True)
            else:
                names = tuple(said["row"])
                row = rows.setdefault(names, dict.fromkeys(COLUMNS, 0))
                for c in COLUMNS:
                    row[c] += said[c]
                parts[names] = parts.get(names, 0) + 1
                if parts[names] == len(pipes):
                    say_row(names, row)

    readers = [threading.Thread(target=read, args=(p,)) for p in pipes]
    for r in readers:
        r.start()
    for r in readers:
        r.join()
    return rows, len(faults)
