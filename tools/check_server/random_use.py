"""Random use of sessions: a server with little memory, evictions and kills does what another does."""

import random
import time

import numpy as np

from client import Client, png
from photos import ring, small
from server import expect


class Pair:
    """The same calls at two servers; what they answer must be the same."""

    def __init__(self, clients, name, mode):
        self.clients = clients
        options = {"refine": {"mode": mode}}
        self.sessions = [client.session(name, options) for client in clients]
        self.log = []

    def ask(self, method, path, **more):
        self.log.append((method, path, str(more)[:60]))
        answers = [client.ask(method, f"/v1/sessions/{session}{path}", **more)
                   for client, session in zip(self.clients, self.sessions, strict=True)]
        statuses = [answer.status_code for answer in answers]
        expect(statuses[0] == statuses[1], f"{statuses} for {self.log[-1]}, {answers[0].text[:200]} | "
               f"{answers[1].text[:200]}; after {self.log[-12:]}")
        if answers[0].ok and answers[0].headers["content-type"] == "application/json":
            kept = [self.without_times(answer.json()) for answer in answers]
            expect(kept[0] == kept[1], f"{kept} differ; after {self.log[-12:]}")
        elif answers[0].ok:
            expect(answers[0].content == answers[1].content, f"pictures differ; after {self.log[-12:]}")
        return statuses[0]

    @staticmethod
    def without_times(answer):
        return {key: value for key, value in answer.items()
                if key not in ("ms", "memory", "session", "expires_in")}


def step(pair, dice):
    """Something that somebody may do."""
    what = dice.choices(["click", "undo", "redo", "reset", "finish", "mask", "state", "start", "many"],
                        [30, 14, 9, 2, 7, 6, 6, 5, 4])[0]
    forms = ["png", "rle", "polygons", "probabilities", "none"]
    query = {"format": dice.choice(forms)}
    if dice.random() < 0.2:
        query["threshold"] = round(dice.uniform(0.2, 0.8), 2)
    if what == "click":
        body = {"x": dice.uniform(0, 64), "y": dice.uniform(0, 64), "positive": dice.random() < 0.7}
        if dice.random() < 0.1:
            body["expected_clicks"] = dice.randrange(6)
        pair.ask("POST", "/clicks", json=body, params=query)
    elif what == "many":
        for _ in range(dice.randrange(2, 7)):
            pair.ask("POST", f"/{dice.choice(['undo', 'redo'])}", params=query)
    elif what == "mask":
        pair.ask("GET", "/mask", params=query)
        pair.ask("GET", "/labels")
    elif what == "state":
        pair.ask("GET", "")
    elif what == "start":
        mask = ring(64, 64) if dice.random() < 0.5 else np.zeros((64, 64), np.uint8)
        mask[dice.randrange(60):, dice.randrange(60):] = 255
        pair.ask("PUT", "/start-mask", data=png(mask), params=query)
    elif what == "finish":
        pair.ask("POST", "/finish", params={key: query[key] for key in query if key == "threshold"})
    else:
        pair.ask("POST", f"/{what}", params=query)


def random_use(program, seconds=60):
    """Some sessions, hundreds of random steps: every answer is the same with a store, 2 MiB of memory
    and kills as it is without."""
    seed = int(time.time())
    dice = random.Random(seed)
    steps, kills = 0, 0
    with program.serve("--memory", "2M", store=program.folder("store")) as poor, \
            program.serve() as rich:
        clients = [Client(poor.url), Client(rich.url)]
        names = [client.upload(small()) for client in clients]
        pairs = [Pair(clients, names[0], mode) for mode in ["NoBRS", "f-BRS-B", "f-BRS-C"] * 3]
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end:
                # Some steps in one session, then another has its turn.
                pair = dice.choice(pairs)
                for _ in range(dice.randrange(1, 8)):
                    step(pair, dice)
                    steps += 1
                if dice.random() < 0.03:
                    poor.kill()
                    poor.start()
                    clients[0].url, kills = poor.url, kills + 1
            for pair in pairs:
                pair.ask("GET", "")
                pair.ask("GET", "/labels")
                pair.ask("GET", "/mask")
        except Exception as fault:
            raise type(fault)(f"seed {seed}: {fault}") from None
        rebuilt, evicted = (clients[0].metric(f"fbrs_{what}_total") for what in ("rebuilt", "evictions"))
        state = clients[1].state(pairs[0].sessions[1])
    return (f"seed {seed}: {steps} steps, {kills} kills, since the last {evicted:.0f} evictions and "
            f"{rebuilt:.0f} made again; {state['finished']} objects in one session")


CHECKS = {"random": random_use}
