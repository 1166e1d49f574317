"""Archives with the same bytes for the same files, whoever makes them and when."""

import gzip
import io
import os
import tarfile
import zipfile
from datetime import datetime, timezone
from pathlib import Path


def epoch():
    return int(os.environ["SOURCE_DATE_EPOCH"])


def tar(entries):
    """Returns a tar archive. An entry is a path, a mode, an owner, and the content; a folder has none."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, mode, owner, content in entries:
            info = tarfile.TarInfo(path)
            info.mode, info.uid, info.gid, info.mtime = mode, owner, owner, epoch()
            info.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
            info.size = len(content or b"")
            archive.addfile(info, io.BytesIO(content or b""))
    return buffer.getvalue()


def compressed(data):
    return gzip.compress(data, 9, mtime=0)


def zipped(path, entries):
    """Writes a zip archive. An entry is a path, a mode, and the content."""
    when = datetime.fromtimestamp(epoch(), timezone.utc).timetuple()[:6]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, mode, content in entries:
            info = zipfile.ZipInfo(name, when)
            info.external_attr, info.create_system = (0o100000 | mode) << 16, 3
            archive.writestr(info, content, zipfile.ZIP_DEFLATED, 9)


def files(folder):
    """Returns the files below a folder in a fixed order: path, mode, and content."""
    folder = Path(folder)
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return [(str(path.relative_to(folder)), 0o755 if os.access(path, os.X_OK) else 0o644, path.read_bytes()) for path in paths]
