#!/usr/bin/env python3
"""A TCP relay on loopback that makes the server behind it far away.

Every byte arrives a fixed time later, in both directions, at whatever rate. Opening a connection
costs a round trip too, as it does in earnest. It knows no congestion window: large bodies come
sooner than they would from afar.

relay.py --to PORT --delay-ms MS     prints the port it listens on, relays until it is killed
"""

import argparse
import asyncio
import socket

READ_BYTES = 256 * 1024
# Held of one direction at most, in reads: what 15 ms of 10 Gbit/s bring.
MAX_READS = 80


async def carry(reader, writer, delay, not_before):
    """One direction, up to its end."""
    loop = asyncio.get_running_loop()
    on_the_way = asyncio.Queue(MAX_READS)

    async def take():
        data = True
        while data:
            data = await reader.read(READ_BYTES)
            await on_the_way.put((max(loop.time(), not_before) + delay, data))

    taking = asyncio.create_task(take())
    try:
        while True:
            due, data = await on_the_way.get()
            await asyncio.sleep(max(0, due - loop.time()))
            if not data:
                writer.write_eof()
                return
            writer.write(data)
            await writer.drain()
    finally:
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)


def open_to(port, delay):
    """Returns what serves one client."""
    # asyncio holds on to no task whose connection is gone: without this, one that still has bytes
    # to bring may be collected as garbage.
    serving = set()

    async def serve(client_reader, client_writer):
        task = asyncio.current_task()
        serving.add(task)
        task.add_done_callback(serving.discard)
        # The kernel has shaken hands already: the client's first words wait as long as that takes
        # from afar.
        connected = asyncio.get_running_loop().time() + 2 * delay
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", port,
                                                                     limit=READ_BYTES)
        writers = client_writer, server_writer
        for writer in writers:
            raw = writer.get_extra_info("socket")
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A client that leaves in the middle is no concern of ours.
        await asyncio.gather(carry(client_reader, server_writer, delay, connected),
                             carry(server_reader, client_writer, delay, 0), return_exceptions=True)
        for writer in writers:
            writer.close()

    return serve


async def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--to", type=int, required=True, metavar="PORT")
    parser.add_argument("--delay-ms", type=float, required=True, metavar="MS")
    args = parser.parse_args()
    server = await asyncio.start_server(open_to(args.to, args.delay_ms / 1000), "127.0.0.1", 0,
                                        limit=READ_BYTES, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
