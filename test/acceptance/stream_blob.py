"""Streams a blob into a bitstore and out again with requests: stream_blob.py URL MEBIBYTES SEED"""

import hashlib
import json
import sys

import requests

url, mebibytes, seed = sys.argv[1], int(sys.argv[2]), sys.argv[3]
MIB = 1 << 20
block = bytearray((hashlib.sha512(seed.encode()).digest() * (MIB // 64))[:MIB])
sent = hashlib.sha256()


def blocks():
    """Yields numbered blocks, no two alike; requests sends them in chunks of no declared length."""
    for number in range(mebibytes):
        block[:8] = number.to_bytes(8, "little")
        chunk = bytes(block)
        sent.update(chunk)
        yield chunk


with requests.Session() as session:
    put = session.post(f"{url}/v1/blobs", data=blocks(), timeout=600)
    put.raise_for_status()
    digest = put.json()["digest"]
    assert digest == f"sha256:{sent.hexdigest()}", digest
    received = hashlib.sha256()
    size = 0
    with session.get(f"{url}/v1/blobs/{digest}", stream=True, timeout=600) as got:
        got.raise_for_status()
        for chunk in got.iter_content(MIB):
            received.update(chunk)
            size += len(chunk)
    assert received.digest() == sent.digest(), "other bytes came back"
    print(json.dumps({"digest": digest, "size": size, "status": put.status_code}))
