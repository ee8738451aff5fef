"""Drives epic-bitstore for a test: one JSON command a line in, one JSON answer a line out.

Commands name a store by its prefix, a whole URI such as ``s3://bucket/files/``; bytes are base64.
"""

import base64
import json
import sys

# Whatever a library prints must not be taken for an answer.
answers, sys.stdout = sys.stdout, sys.stderr

from epic.bitstore import (  # noqa: E402
    GSRaw,
    InvalidURI,
    NotFoundInStore,
    S3Raw,
    Sha1Cache,
    Sha1Composite,
    Sha1Store,
)

raw_stores = {"s3": S3Raw(), "gs": GSRaw()}


def raw_store(prefix):
    return raw_stores[prefix.partition("://")[0]]


def make_bucket(prefix):
    service, _, rest = prefix.partition("://")
    bucket = rest.partition("/")[0]
    if service == "s3":
        import boto3

        boto3.client("s3").create_bucket(Bucket=bucket)
    else:
        from google.cloud import storage

        storage.Client().create_bucket(bucket)
    return None


def put(prefix, id, data):
    Sha1Store(raw_store(prefix), prefix, verify=True).put(id, base64.b64decode(data))
    return None


def put_raw(uri, data):
    """Stores an object under any key, which epic-bitstore's own stores would not write."""
    raw_store(uri).put(uri, base64.b64decode(data))
    return None


def get(prefix, id, verify=True):
    store = Sha1Store(raw_store(prefix), prefix, verify=verify)
    return base64.b64encode(store.get(id)).decode()


def resolve(sources, cache, id):
    """Asks a composite of several stores, in order, with a cache that is written back to."""
    composite = Sha1Composite()
    if cache is not None:
        composite.append_cache(Sha1Cache(raw_store(cache), cache, verify=True))
    for prefix in sources:
        source = Sha1Store(raw_store(prefix), prefix, verify=True)
        composite.append_source(source, cache_result=cache is not None)
    return base64.b64encode(composite.get(id)).decode()


def misses(prefix, ids):
    store = Sha1Store(raw_store(prefix), prefix)
    missing = []
    for id in ids:
        try:
            store.get(id)
        except NotFoundInStore:
            missing.append(id)
    return missing


commands = {
    each.__name__: each for each in (make_bucket, put, put_raw, get, resolve, misses)
}

for line in sys.stdin:
    command = json.loads(line)
    run = commands[command.pop("do")]
    try:
        answer = {"value": run(**command)}
    except (NotFoundInStore, InvalidURI) as error:
        answer = {"error": type(error).__name__}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), file=answers, flush=True)
