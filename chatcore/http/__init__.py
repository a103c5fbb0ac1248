"""The way to a provider: HTTP over any event loop, server-sent events, and errors made of what went wrong.

Nothing is re-exported here, so that reading an error or an event does not load httpx:

::

    sse.py           bytes in, server-sent events out
    ndjson.py        bytes in, lines of JSON out
    status.py        an answer that is not 200, or an error inside one, in; an error of `chatcore.errors` out
    client.py        `HttpClient`: one per model, over a pool per event loop or a client of the user's own
    transport.py     the pool: a stack of idle connections for each origin
    _connection.py   one HTTP/1.1 connection
"""
