"""A small HTTP/3 client on aioquic, for the trials in `run`: prints one JSON line per request."""

import asyncio
import json
import ssl
import sys

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, StreamReset


class Client(QuicConnectionProtocol):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.http = H3Connection(self._quic)
        self.answers = {}
        self.close_code = None

    def quic_event_received(self, event):
        if isinstance(event, ConnectionTerminated):
            self.close_code = event.error_code
            for answer in self.answers.values():
                answer["done"].set()
        if isinstance(event, StreamReset) and event.stream_id in self.answers:
            answer = self.answers[event.stream_id]
            answer["reset"] = event.error_code
            answer["done"].set()
        for http_event in self.http.handle_event(event):
            if isinstance(http_event, (HeadersReceived, DataReceived)) and http_event.stream_id in self.answers:
                answer = self.answers[http_event.stream_id]
                if isinstance(http_event, HeadersReceived):
                    answer["heads"].append([(n.decode(), v.decode()) for n, v in http_event.headers])
                else:
                    answer["body"] += http_event.data
                if http_event.stream_ended:
                    answer["done"].set()

    def send(self, fields, body=b"", end=True):
        stream = self._quic.get_next_available_stream_id()
        self.answers[stream] = {"heads": [], "body": b"", "reset": None, "done": asyncio.Event()}
        self.http.send_headers(stream, [(n.encode(), v.encode()) for n, v in fields], end_stream=end and not body)
        if body:
            self.http.send_data(stream, body, end_stream=end)
        self.transmit()
        return stream

    async def answer(self, stream, seconds=10):
        await asyncio.wait_for(self.answers[stream]["done"].wait(), seconds)
        return self.answers[stream]


def configuration(server_name):
    return QuicConfiguration(is_client=True, alpn_protocols=["h3"], verify_mode=ssl.CERT_NONE, server_name=server_name)


def request(host, path="/", method="GET", *more):
    return [(":method", method), (":scheme", "https"), (":authority", host), (":path", path), *more]


async def main(address, port, host):
    async with connect(address, port, configuration=configuration(host), create_protocol=Client) as client:
        stream = client.send(request(host))
        got = await client.answer(stream)
        print(json.dumps({"head": got["heads"][0], "body": got["body"].decode()[:300]}))
        body = b"x" * 300_000
        stream = client.send(request(host, "/", "POST", ("content-length", str(len(body)))), body)
        got = await client.answer(stream)
        print(json.dumps({"head": got["heads"][0], "bytes": len(got["body"])}))
        streams = [client.send(request(host, f"/{n}")) for n in range(100)]
        statuses = [dict((await client.answer(s))["heads"][0])[":status"] for s in streams]
        print(json.dumps({"many": {s: statuses.count(s) for s in set(statuses)}}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
