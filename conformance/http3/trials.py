"""Trials of an HTTP/3 server with aioquic: one line each, exit status 1 if one fails. Usage: trials.py ADDRESS PORT"""

import asyncio
import sys

from aioquic.buffer import encode_uint_var
from aioquic.h3.connection import FrameType, encode_frame
from aioquic.asyncio.client import connect

from client import Client, configuration, request

HOST = "localhost"


async def with_client(address, port, act, **more):
    settings = configuration(HOST)
    for name, value in more.items():
        setattr(settings, name, value)
    async with connect(address, port, configuration=settings, create_protocol=Client) as client:
        return await asyncio.wait_for(act(client), 20)


def status(answer):
    return dict(answer["heads"][0])[":status"]


async def simple(client):
    answer = await client.answer(client.send(request(HOST)))
    return (status(answer), answer["body"]) == ("200", b"hello\n")


async def head(client):
    answer = await client.answer(client.send(request(HOST, "/", "HEAD")))
    return (status(answer), answer["body"]) == ("200", b"")


async def upload(client):
    answer = await client.answer(client.send(request(HOST, "/", "POST"), b"x" * 2_000_000))
    return answer["body"] == b"2000000 bytes\n"


async def download(client):
    answer = await client.answer(client.send(request(HOST, "/bytes/500000")))
    return len(answer["body"]) == 500_000


async def many(client):
    streams = [client.send(request(HOST, f"/bytes/{n + 1}")) for n in range(100)]
    return [len((await client.answer(s))["body"]) for s in streams] == list(range(1, 101))


async def thousand(client):
    """More than the streams first allowed: credit comes back."""
    for _ in range(20):
        if not await many(client):
            return False
    return True


async def key_update(client):
    if not await simple(client):
        return False
    client._quic.request_key_update()
    return await simple(client) and await simple(client)


async def reset(client):
    stream = client.send(request(HOST, "/", "POST"), b"half", end=False)
    client._quic.reset_stream(stream, 0x10C)
    client.transmit()
    return await simple(client)


async def malformed(client):
    answer = await client.answer(client.send([(":method", "GET"), (":scheme", "https"), (":authority", HOST)]))
    return answer["reset"] == 0x10E and await simple(client)


async def closed_with(client, code):
    client.transmit()
    await asyncio.wait_for(client.wait_closed(), 5)
    return client.close_code == code


def on_control(code, frame):
    async def act(client):
        client._quic.send_stream_data(client.http._local_control_stream_id, frame)
        return await closed_with(client, code)

    return act


def on_uni(code, data):
    async def act(client):
        stream = client._quic.get_next_available_stream_id(is_unidirectional=True)
        client._quic.send_stream_data(stream, data)
        return await closed_with(client, code)

    return act


def on_request(code, data, end=False):
    async def act(client):
        stream = client._quic.get_next_available_stream_id()
        client._quic.send_stream_data(stream, data, end_stream=end)
        return await closed_with(client, code)

    return act


async def encoder_insert(client):
    client._quic.send_stream_data(client.http._local_encoder_stream_id, b"\xc0\x01a")
    return await closed_with(client, 0x201)


async def close_control(client):
    client._quic.send_stream_data(client.http._local_control_stream_id, b"", end_stream=True)
    return await closed_with(client, 0x104)


TRIALS = [
    ("a request", simple),
    ("HEAD", head),
    ("an upload of 2 MB", upload),
    ("a download of 500 KB", download),
    ("100 requests at a time", many),
    ("2,000 requests on one connection", thousand),
    ("a key update", key_update),
    ("a reset by the client", reset),
    ("a malformed request", malformed),
    ("a second SETTINGS", on_control(0x105, encode_frame(FrameType.SETTINGS, b""))),
    ("HEADERS on the control stream", on_control(0x105, encode_frame(FrameType.HEADERS, b""))),
    ("an unexpected CANCEL_PUSH", on_control(0x108, encode_frame(FrameType.CANCEL_PUSH, encode_uint_var(0)))),
    ("a second control stream", on_uni(0x103, b"\x00")),
    ("a push stream", on_uni(0x103, b"\x01\x00")),
    ("DATA first", on_request(0x105, encode_frame(FrameType.DATA, b"x"))),
    ("a frame that is cut off", on_request(0x106, b"\x01\x05\x00", end=True)),
    ("an unknown table entry", on_request(0x200, encode_frame(FrameType.HEADERS, b"\x02\x00\x80"))),
    ("an insertion into a table of no bytes", encoder_insert),
    ("the end of the control stream", close_control),
]


async def main(address, port):
    failed = 0
    for name, act in TRIALS:
        try:
            good = await with_client(address, port, act)
        except Exception as error:  # the reason is printed, the trial counts as failed
            good = False
            name = f"{name}: {error!r}"
        failed += not good
        print("ok    " if good else "FAILED", name)
    print(f"{len(TRIALS) - failed} of {len(TRIALS)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], int(sys.argv[2]))))
