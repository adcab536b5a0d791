"""A small HTTP/3 client on aioquic, for trials.py."""

import asyncio
import ssl

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

