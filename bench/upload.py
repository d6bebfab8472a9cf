"""What one large PutObject takes of the server's memory.

    python -m bench.upload [--gigabytes N]

The body is sent as one stream to a presigned URL, then read back. Memory is the most that was ever
resident (VmHWM of /proc).
"""

from __future__ import annotations

import argparse
import http.client
import os
import time
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from bench.calls import answered
from bench.targets import Server

PIECE_BYTES = 1 << 20
PATIENCE_S = 600.0


def memory(server: Server, field: str) -> float:
    """Megabytes of a server's first process."""
    status = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in status if line.startswith(field))) / 1024


def sent(server: Server, url: str, size: int) -> float:
    """Seconds that a body of `size` bytes took to be stored."""
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_S)
    piece, began = os.urandom(PIECE_BYTES), time.perf_counter()
    line.putrequest("PUT", url.partition(str(server.port))[2])
    line.putheader("Content-Length", str(size))
    line.endheaders()
    for _ in range(size // PIECE_BYTES):
        line.send(piece)
    answer = line.getresponse()
    told = answer.read()
    line.close()
    if answer.status != 200:
        raise SystemExit(f"PutObject: {answer.status} {told.decode()}")
    return time.perf_counter() - began


def received(s3: Any) -> tuple[int, float]:
    """How many bytes GetObject gave, and in how many seconds."""
    began, count = time.perf_counter(), 0
    body = s3.get_object(Bucket="bench", Key="large")["Body"]
    while piece := body.read(PIECE_BYTES):
        count += len(piece)
    return count, time.perf_counter() - began


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--gigabytes", type=int, default=5)
    size = parser.parse_args().gigabytes << 30
    server = Server("Mesocosm", None)
    try:
        answered(server.port, server.began + 60.0)
        s3 = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{server.port}",
            region_name="us-east-1",
            aws_access_key_id="111111111111",
            aws_secret_access_key="any",
            config=Config(s3={"addressing_style": "path"}, read_timeout=PATIENCE_S),
        )
        s3.create_bucket(Bucket="bench")
        idle = memory(server, "VmRSS")
        url = s3.generate_presigned_url("put_object", Params={"Bucket": "bench", "Key": "large"})
        seconds = sent(server, url, size)
        print(f"idle {idle:.0f} MB, most {memory(server, 'VmHWM'):.0f} MB", end="; ")
        print(f"stored in {seconds:.1f} s ({size / 1e6 / seconds:.0f} MB/s)", end="; ")
        count, seconds = received(s3)
        if count != size:
            raise SystemExit(f"GetObject gave {count} bytes of {size}")
        print(f"read in {seconds:.1f} s, most {memory(server, 'VmHWM'):.0f} MB")
    finally:
        server.stop()


if __name__ == "__main__":
    main()
