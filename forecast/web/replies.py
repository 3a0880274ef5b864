"""Answers that are stored or can be kept: with a strong ETag, compressed if the reader can unpack, files by range.

The ETag of a file is its sha256. Text that is compressed on the way has a tag of its own, because its bytes differ.
"""

import gzip
import hashlib
import mimetypes
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from fastapi import Request
from pydantic import TypeAdapter
from starlette.responses import FileResponse, Response

from forecast.errors import shown
from forecast.storage.files import read_bytes, sha256_of
from forecast.web.guard import HEAD
from forecast.web.problems import Problem

JSON: Final = "application/json"
HTML: Final = "text/html; charset=utf-8"
_SMALL: Final = 1000  # bytes below which compression gains nothing
_PAGES: Final = 64  # pages that are kept
_PACKED: Final = 64  # texts whose tags and compressed bytes are kept; a text has at most a few MB
_SPAN: Final = r"(?:[0-9]{1,18}-[0-9]{0,18}|-[0-9]{1,18})"  # no file is longer
#: A range of bytes, or several, as RFC 9110 (14.1) writes them.
_RANGE: Final = re.compile(rf"bytes=(\s*{_SPAN}\s*(?:,\s*{_SPAN}\s*)*)", re.IGNORECASE)
_TYPES: Final = {".nc": "application/x-netcdf", ".parquet": "application/vnd.apache.parquet"}
#: A report brings its own policy for styles and scripts; nothing else is loaded, and no page frames it.
_REPORT: Final = "frame-ancestors 'none'; base-uri 'none'; form-action 'none'; object-src 'none'"


def text_reply(request: Request, text: bytes, media_type: str) -> Response:
    """Return text as a response: compressed on request, empty with status 304 if the reader has it already."""
    zips = len(text) > _SMALL and "gzip" in request.headers.get("accept-encoding", "")
    tag = f'"{_tag(text)}{"-gzip" if zips else ""}"'
    headers = {"etag": tag, "vary": "accept-encoding, authorization, cookie"}
    if _has(request, tag):
        return Response(status_code=304, headers=headers)
    if not zips:
        return Response(text, headers=headers, media_type=media_type)
    return Response(_packed(text), headers={**headers, "content-encoding": "gzip"}, media_type=media_type)


@lru_cache(maxsize=_PACKED)
def _tag(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


@lru_cache(maxsize=_PACKED)
def _packed(text: bytes) -> bytes:
    """Return a text compressed; those asked for last are kept."""
    return gzip.compress(text, 6, mtime=0)


def json_reply(request: Request, kind: Any, content: Any) -> Response:
    """Return content of a type as JSON; raises pydantic's ValidationError if it is not of that type."""
    return text_reply(request, json_text(kind, content), JSON)


def json_text(kind: Any, content: Any) -> bytes:
    """Return content of a type as JSON; raises as `json_reply`."""
    adapter = _adapter(kind)
    return adapter.dump_json(adapter.validate_python(content))


@lru_cache(maxsize=64)
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def page_reply(request: Request, folder: Path, name: str) -> Response:
    """Return a page of a folder of reports; raises Problem if the folder has no such file."""
    path = require_listed(folder, name)
    found = path.stat()
    text = _page(path, found.st_mtime_ns, found.st_ctime_ns, found.st_size)
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    response = text_reply(request, text, HTML if kind == "text/html" else kind)
    response.headers["content-security-policy"] = _REPORT
    return response


@lru_cache(maxsize=_PAGES)
def _page(path: Path, *changed: int) -> bytes:
    """Return a file; the times and the size say which version of it is kept."""
    return read_bytes(path)


def require_listed(folder: Path, name: str) -> Path:
    """Return the path of a file by its name, taken from the list of the folder; raises Problem if it is not there."""
    try:
        with os.scandir(folder) as entries:
            listed = {entry.name: Path(entry.path) for entry in entries if entry.is_file(follow_symlinks=False)}
    except OSError:
        listed = {}
    if name not in listed:
        raise Problem(
            404, f"{folder.name}: no file is called {shown(name)}, expected one that is listed; make it first"
        )
    return listed[name]


def file_reply(request: Request, path: Path, digest: str = "") -> Response:
    """Return a file, or the ranges of it that are asked for.

    Parameters
    ----------
    request : the request; its `Range` counts only while `If-Range` matches.
    path : a file of the service's own choice.
    digest : sha256 of the file; computed if empty.
    """
    found = path.stat()
    tag = f'"{digest or _digest(path, found.st_mtime_ns, found.st_ctime_ns, found.st_size)}"'
    if _has(request, tag):
        return Response(status_code=304, headers={"etag": tag, "accept-ranges": "bytes"})
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if request.scope.get(HEAD):
        headers = {"etag": tag, "accept-ranges": "bytes", "content-length": str(found.st_size)}
        return Response(headers=headers, media_type=kind)
    if request.headers.get("if-range", tag) == tag:
        _settle_range(request, found.st_size)
    headers = {"etag": tag, "vary": "authorization, cookie"}
    return FileResponse(path, headers=headers, media_type=kind, filename=path.name, stat_result=found)


def _settle_range(request: Request, size: int) -> None:
    """Take what is no range out of the request, as RFC 9110 (14.2) asks; raise Problem for a range beyond the end."""
    spans = _RANGE.fullmatch(request.headers.get("range", ""))
    pairs = [part.strip().split("-") for part in spans[1].split(",")] if spans else []
    if not pairs or any(first and last and int(last) < int(first) for first, last in pairs):
        request.scope["headers"] = [pair for pair in request.scope["headers"] if pair[0] != b"range"]
    elif any(int(first) >= size if first else int(last) == 0 for first, last in pairs):
        asked = shown(request.headers["range"])
        raise Problem(
            416,
            f"the file has {size:,} bytes, expected a range within it, found {asked}",
            {"content-range": f"bytes */{size}"},
        )


@lru_cache(maxsize=1024)
def _digest(path: Path, *changed: int) -> str:
    return sha256_of(path)


def _has(request: Request, tag: str) -> bool:
    """Return whether the reader has this version already, as `If-None-Match` says."""
    given = [part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")]
    return tag in given or given == ["*"]
