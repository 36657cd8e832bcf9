"""Which files are images here: by their extensions, and why any other file is passed over.

Read is what Pillow decodes into pixels by itself. Left out are formats that run programs (EPS, WMF), that Pillow only
knows the headers of (FITS, GRIB, HDF5), and films.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import PurePosixPath

from PIL import Image, features

from gancore.names import shown

FORMATS = (
    *("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM"),
    *("AVIF", "HEIF", "JPEG2000", "QOI", "DIB", "ICO", "ICNS", "PCX", "PSD", "SGI", "SUN", "DDS", "XBM", "XPM"),
    "TGA",  # last: it has no signature
)
"""Pillow's names of the formats that are read, as far as they are installed."""

FIRST_EXTENSIONS = frozenset(["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff", "ppm", "pgm", "pbm"])
"""What `data.format: 1` reads."""

REMEDIES = {
    **dict.fromkeys(("heic", "heif", "heics", "heifs", "hif"), "`pip install gancore[heif]` reads them"),
    **dict.fromkeys(("avif", "avifs"), "Pillow 11.3 or newer reads them"),
}
"""What helps where a decoder is missing, by extension."""

HIDDEN = "hidden"


def is_image(name: str, format: int = 2) -> bool:
    """Whether a name ends like an image's and nothing in its path is hidden (".thumbs", "__MACOSX")."""
    extension = PurePosixPath(name).suffix[1:].lower()
    return not _is_hidden(name) and extension in (extensions() if format > 1 else FIRST_EXTENSIONS)


def why_passed_over(name: str) -> tuple[str, str]:
    """What a file that is not an image counts as, ".heic", and why it is passed over."""
    extension = shown(PurePosixPath(name).suffix[1:].lower())
    if _is_hidden(name):
        return HIDDEN, "names that begin with a dot, and __MACOSX"
    if not extension:
        return "without an extension", "nothing says that they are images; rename them"
    if extension in extensions():
        return f".{extension}", "`data.format: 1` does not read them"
    return f".{extension}", REMEDIES.get(extension, "not an image that is read here")


@cache
def extensions() -> frozenset[str]:
    """Extensions of the formats that are read, without the dot and in small letters."""
    formats = readable()
    known = Image.registered_extensions()
    return FIRST_EXTENSIONS | {suffix[1:] for suffix, name in known.items() if name in formats}


@cache
def readable() -> tuple[str, ...]:
    """Those of FORMATS that are installed."""
    if find_spec("pillow_heif") is not None:
        import pillow_heif

        pillow_heif.register_heif_opener()
    Image.init()
    lacking = {"AVIF"} if not features.check("avif") else set()
    return tuple(name for name in FORMATS if name in Image.OPEN and name not in lacking)


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in name.rstrip("/").split("/"))
