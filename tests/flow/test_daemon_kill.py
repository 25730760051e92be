"""kill -9 of the daemon at any moment: no job that was acknowledged is lost, none of its events, and no byte that
had come."""

import os
import random
import time

from daemons import Listener, sha256, until
from fault_server import Answer
from faulty import VALIDATORS
from program import names_in

KILLS = 100 if os.environ.get("DRAY_LONG") else 15
JOBS, FILES, PROJECTS = 50, 5, 40
LISTENERS = 8
LIVES = 0.6  # seconds at most, from the moment it answers
MIB = 1 << 20


def projects(fault, wheel, first):
    """name -> wheel; they take a while, for nobody has them yet."""
    made = {}
    for n in range(first, first + PROJECTS):
        name = f"demo-{n}"
        made[name] = wheel(name, "1.0", payload=15000 + 1000 * (n - first))
        fault.project(name, fault.wheel(made[name], lambda body: Answer(body, pace=(3000, 0.05))))
    return made


def submit(one, fault, made, chance, first):
    """Jobs of five files each, the same ones in several: id -> its number here, and names."""
    jobs = {}
    for n in range(first, first + JOBS):
        names = chance.sample(sorted(made), FILES)
        job = {"index-url": fault.index, "no-deps": True, "requirements": names, "dest": f"{n}"}
        jobs[one.client.submit(job, key=f"key-{n}")] = n, names
    return jobs


def test_nothing_is_lost(daemon, fault, wheel):
    seed = int(os.environ.get("DRAY_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"DRAY_SEED={seed}")  # to have the same again
    chance = random.Random(seed)
    one = daemon("--max-jobs", "50").start()
    made, jobs, kills, listeners = {}, {}, 0, []
    while kills < KILLS:
        # Anew when nothing is left to be disturbed.
        if all(job["state"] == "done" for job in one.client.jobs()):
            fresh = projects(fault, wheel, len(made))
            made.update(fresh)
            jobs.update(submit(one, fault, fresh, chance, len(jobs)))
            listeners += [Listener(one.client, number, seconds=400)
                          for number in chance.sample(sorted(jobs)[-JOBS:], LISTENERS) for _ in range(2)]
        time.sleep(chance.uniform(0, LIVES))  # a moment that nobody chooses: no condition is waited for
        one.kill()
        kills += 1
        one.start()
    for number, (_, names) in jobs.items():
        one.client.done(number, seconds=120)
        assert len(one.client.files(number)) == len(names)
    check_files(one, made, jobs)
    check_events(one, jobs, listeners)
    cut = sum(job["attempt"] - 1 for job in one.client.jobs())
    print(f"{kills} kills, {len(jobs)} jobs, {cut} times one of them was cut off, "
          f"{sum(listener.streams for listener in listeners)} streams")
    assert cut > 5 * kills, "they were killed when there was little to do"
    one.stop()


def check_files(one, made, jobs):
    digests = {name: sha256(path) for name, path in made.items()}
    for n, names in jobs.values():
        # A temporary name may have been left by the dead one, a final name never.
        there = [name for name in names_in(one.root / str(n)) if not name.startswith(".dray-")]
        assert there == sorted(made[name].name for name in names)
        for name in names:
            assert sha256(one.root / str(n) / made[name].name) == digests[name]


def check_events(one, jobs, listeners):
    """What was heard in time and what is read afterwards is the same, from 1 to the end."""
    told = {}
    for number in jobs:
        events = [(n, data) for n, kind, data in one.client.events(number) if kind == "message"]
        assert [n for n, _ in events] == list(range(1, len(events) + 1))
        told[number] = dict(events)
    for listener in listeners:
        listener.join()
        assert listener.whole() == told[listener.job]


def test_a_cut_body_goes_on(daemon, fault, wheel):
    """What had come before the kill is not fetched again."""
    path = wheel("large", "1.0", payload=12 * MIB)
    size = path.stat().st_size
    fault.project("large", fault.wheel(
        path, lambda body: Answer(body, ranges=True, headers=VALIDATORS, pace=(256 * 1024, 0.02))))
    one = daemon().start()
    number = one.client.submit({"index-url": fault.index, "no-deps": True, "requirements": ["large"], "dest": "a"})
    until(lambda: fault.sent(f"/files/{path.name}") > 9 * MIB, "nine MiB are out")
    one.kill()
    one.start()
    one.client.done(number)
    assert sha256(one.root / "a" / path.name) == sha256(path)
    requests = fault.requests(f"/files/{path.name}")
    assert len(requests) == 2 and requests[1].headers["range"].startswith("bytes="), [r.headers for r in requests]
    # What was in the sockets' buffers when it was killed goes out twice.
    assert requests[1].sent < size - 4 * MIB, f"{requests[0].sent} and {requests[1].sent} of {size}"
    assert one.client.job(number)["attempt"] == 2
    one.stop()
