#!/usr/bin/env python3
"""A TCP relay on loopback in front of a server: it delays, throttles, cuts, resets, stalls, damages and counts.

It does not look into what it carries, so TLS goes through it too; but for a Disturbance of answers, which takes their
lengths from their heads. Every byte may arrive a fixed time later, in both directions, as from afar; opening a
connection costs a round trip then, too. It knows no congestion window: large bodies come sooner than they would.

Tests use Relay. As a program it is a process of its own, for benches:

relay.py --to PORT [--delay-ms MS]     prints the port it listens on, relays until its input ends; a line there,
                                       "calm", "connections SEED" or "answers SEED", begins anew: it prints what was
                                       carried so far and resets one in twenty from then on
"""

import argparse
import asyncio
import dataclasses
import fcntl
import json
import random
import re
import socket
import struct
import sys
import termios
import threading

READ_BYTES = 256 * 1024
# Held of one direction at most, in reads: what 15 ms of 10 Gbit/s bring.
MAX_READS = 80
STEP_SECONDS = 0.05  # between two pieces of what is throttled
UP, DOWN = "up", "down"
ONE_IN = 20


@dataclasses.dataclass(frozen=True)
class Fate:
    """What becomes of one connection; without further words it is carried to its end."""

    end: str = ""        # "cut" (FIN), "reset" (RST) or "stall" (open, but silent), for the client
    after: int = 0       # as soon as so many bytes were carried
    way: str = DOWN      # in that direction
    rate: float = 0      # bytes a second to the client,
    slow_from: int = 0   # from that byte on
    slow_to: int = None  # up to that one
    flip: int = None     # the byte at this offset to the client comes with all its bits turned


class Connection:
    """One that came: what it carried, and whether the relay ended it."""

    def __init__(self, fate, disturbed):
        self.fate = fate
        self.carried = {UP: 0, DOWN: 0}
        self.ended = False
        self._answers = disturbed  # where to reset answers, or None

    def room(self, way, data):
        """How many of these bytes go through until it ends; None: all."""
        if self.fate.end and way == self.fate.way and self.carried[way] + len(data) >= self.fate.after:
            return self.fate.after - self.carried[way]
        return self._answers.room(data) if way == DOWN and self._answers else None

    def damage(self, data):
        at = -1 if self.fate.flip is None else self.fate.flip - self.carried[DOWN]
        return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1:] if 0 <= at < len(data) else data


class Answers:
    """Follows the answers on one connection: each with a Content-Length may be reset at any byte of its body."""

    def __init__(self, chance):
        self._chance = chance
        self._head = b""
        self._left = 0     # of the body that is on its way
        self._doom = None  # of those, how many come

    def room(self, data):
        at = 0
        while at < len(data):
            if not self._left:
                at += self._read_head(data[at:])
                continue
            n = min(self._left, len(data) - at)
            if self._doom is not None:
                if self._doom <= n:
                    return at + self._doom
                self._doom -= n
            self._left -= n
            at += n
        return None

    def _read_head(self, data):
        """Returns how many of these bytes belong to it."""
        before = len(self._head)
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            return len(data)
        head, self._head = self._head[:end], b""
        length = re.search(rb"\r\nContent-Length: *(\d+)", head, re.I)
        self._left = int(length[1]) if length and b" 304 " not in head.split(b"\r\n")[0] else 0
        self._doom = None
        if self._left and self._chance.randrange(ONE_IN) == 0:
            self._doom = self._chance.randrange(self._left)
        return end + 4 - before


class Disturbance:
    """Resets one in twenty, at random bytes, the same ones for one seed (but for the order in which they come).

    `of` "connections": a connection, somewhere in the `expected` bytes (each is drawn: what the first, second, ...
    carried when nothing was disturbed); "answers": the body of an answer, somewhere in its length.
    """

    def __init__(self, of, seed, expected=()):
        self._of, self._expected = of, list(expected)
        self._chance = random.Random(seed)

    def fate(self, number):
        if self._of != "connections" or self._chance.randrange(ONE_IN):
            return Fate()
        known = number < len(self._expected)
        bytes_of = self._expected[number] if known else sum(self._expected) // max(len(self._expected), 1)
        return Fate("reset", self._chance.randrange(max(bytes_of, 1)))

    def answers(self):
        return Answers(self._chance) if self._of == "answers" else None


class Relay:
    """Listens on `port` from its making to stop(). `fates` are of the first, second, ... connection, those after them
    are carried; `refuse`: nobody listens until listen()."""

    def __init__(self, to_port, *fates, delay_s=0.0, disturbance=None, refuse=False):
        self._to, self._delay_s = to_port, delay_s
        self.begin(*fates, disturbance=disturbance)
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        # asyncio holds on to no task by itself.
        self._tasks = set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        if not refuse:
            self.listen()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def begin(self, *fates, disturbance=None):
        """Counts anew, and what was said of fates before is over; connections that are open stay as they are."""
        self._fates, self._disturbance = list(fates), disturbance
        self.connections = []

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def carried(self, way=DOWN):
        return sum(connection.carried[way] for connection in self.connections)

    @property
    def resets(self):
        return sum(connection.ended for connection in self.connections)

    def listen(self):
        self._listener.listen(256)
        self._loop.call_soon_threadsafe(self._start, self._accept())

    def stop(self):
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._end_all(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        self._listener.close()

    # In the loop's thread

    def _start(self, coroutine):
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _end_all(self):
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self):
        while True:
            client, _ = await self._loop.sock_accept(self._listener)
            self._start(self._serve(client))

    def _met(self):
        """The next connection, with what is to become of it."""
        number = len(self.connections)
        disturbance = self._disturbance
        fate = self._fates[number] if number < len(self._fates) else Fate()
        if disturbance and not fate.end:
            fate = disturbance.fate(number)
        self.connections.append(Connection(fate, disturbance.answers() if disturbance else None))
        return self.connections[-1]

    async def _serve(self, client):
        connection = self._met()
        # The kernel has shaken hands already: the client's first words wait as long as that takes from afar.
        connected = self._loop.time() + 2 * self._delay_s
        server = socket.socket()
        try:
            for one in (client, server):
                one.setblocking(False)
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._loop.sock_connect(server, ("127.0.0.1", self._to))
            ways = [asyncio.ensure_future(self._carry(connection, *way)) for way in
                    ((UP, client, server, connected), (DOWN, server, client, 0))]
            try:
                await asyncio.gather(*ways)
            finally:
                for way in ways:
                    way.cancel()
        except OSError:
            pass  # one side left in the middle, which is its right
        except EndNow:
            connection.ended = True
            await self._end(connection.fate.end or "reset", client, server)
        finally:
            client.close()
            server.close()

    async def _end(self, how, client, server):
        server.close()
        # What was carried arrives: a reset drops what is still in the kernel's hands.
        while struct.unpack("i", fcntl.ioctl(client, termios.TIOCOUTQ, bytes(4)))[0]:
            await asyncio.sleep(0.001)
        if how == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        if how == "cut":
            client.shutdown(socket.SHUT_WR)
        # Closed with something unread it would be a reset.
        while await self._loop.sock_recv(client, READ_BYTES):
            pass

    async def _carry(self, connection, way, source, sink, not_before):
        """One direction, up to its end."""
        on_the_way = asyncio.Queue(MAX_READS)
        taking = asyncio.ensure_future(self._take(source, on_the_way, not_before))
        try:
            data = None
            while data != b"":
                if connection.room(way, b"") is not None:
                    raise EndNow
                due, data = await on_the_way.get()
                await asyncio.sleep(max(0, due - self._loop.time()))
                await self._pass(connection, way, sink, data)
            sink.shutdown(socket.SHUT_WR)
        finally:
            taking.cancel()
            await asyncio.gather(taking, return_exceptions=True)

    async def _take(self, source, on_the_way, not_before):
        data = True
        while data:
            try:
                data = await self._loop.sock_recv(source, READ_BYTES)
            except OSError:
                data = b""
            await on_the_way.put((max(self._loop.time(), not_before) + self._delay_s, data))

    async def _pass(self, connection, way, sink, data):
        room = connection.room(way, data) if data else None
        if way == DOWN:
            data = connection.damage(data)
        for piece, pause in self._pieces(connection, way, data[:room]):
            connection.carried[way] += len(piece)
            await self._loop.sock_sendall(sink, piece)
            if pause:
                await asyncio.sleep(pause)
        if room is not None:
            raise EndNow

    @staticmethod
    def _pieces(connection, way, data):
        """With the pause after each."""
        fate = connection.fate
        if way != DOWN or not fate.rate:
            return [(data, 0)] if data else []
        carried, step = connection.carried[DOWN], max(int(fate.rate * STEP_SECONDS), 1)
        first = min(max(fate.slow_from - carried, 0), len(data))
        last = len(data) if fate.slow_to is None else max(fate.slow_to - carried, first)
        slow = [(data[at:min(at + step, last)], step / fate.rate) for at in range(first, min(last, len(data)), step)]
        return [(piece, pause) for piece, pause in [(data[:first], 0), *slow, (data[last:], 0)] if piece]


class EndNow(Exception):
    """The connection has carried what it was to."""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--to", type=int, required=True, metavar="PORT")
    parser.add_argument("--delay-ms", type=float, default=0, metavar="MS")
    args = parser.parse_args()
    with Relay(args.to, delay_s=args.delay_ms / 1000) as relay:
        print(relay.port, flush=True)
        calm = []
        for line in sys.stdin:
            of, *seed = line.split()
            counts = {way: relay.carried(way) for way in (UP, DOWN)}
            print(json.dumps({"connections": len(relay.connections), "resets": relay.resets, **counts}), flush=True)
            if relay.connections and not relay.resets:
                calm = [connection.carried[DOWN] for connection in relay.connections]
            relay.begin(disturbance=Disturbance(of, int(seed[0]), calm) if seed else None)


if __name__ == "__main__":
    main()
