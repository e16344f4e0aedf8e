"""Which kind of medium a file is, by its name: a guess that costs nothing.

Decoders look at the content and ignore the name.
"""

from __future__ import annotations

from recognize_cli.records import Kind

_EXTENSIONS = {
    Kind.IMAGE: (
        "apng avif avifs bmp dib gif heic heics heif heifs hif j2c j2k jfi jfif jif jp2 jpc jpe jpeg jpf"
        " jpg jpx jxl mpo png tif tiff webp"
    ),
    Kind.AUDIO: (
        "aac ac3 adts aif aifc aiff amr ape au awb caf dff dsf dts eac3 ec3 flac m4a m4b m4r mka mlp mp1"
        " mp2 mp3 mpc mpga oga ogg opus ra shn snd spx tak tta voc w64 wav wave weba wma wv"
    ),
    Kind.VIDEO: (
        "3g2 3gp 3gpp amv asf avi divx dv f4v flv m1v m2p m2t m2ts m2v m4v mj2 mkv mov mp4 mp4v mpe mpeg"
        " mpg mpv mts mxf nut ogm ogv ogx qt rm rmvb ts vob webm wmv wtv y4m"
    ),
}
_KIND_OF = {extension: kind for kind, names in _EXTENSIONS.items() for extension in names.split()}

_MAY_MOVE = frozenset(("apng", "gif", "webp"))

_APPLE_DOUBLE = "._"  # macOS keeps a resource fork beside each file on foreign volumes: ._photo.jpg

HEIF_BRANDS = frozenset(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"mif2", b"msf1")
)
AVIF_BRANDS = frozenset((b"avif", b"avis"))


def kind_of(name: str) -> Kind | None:
    """The kind that the extension of a file's name stands for, in any case; None for other files.

    A hidden file that is all extension (``.jpg``) and the ``._*`` files of macOS are no media.
    """
    stem, _, extension = name.rpartition(".")
    if not stem or name.startswith(_APPLE_DOUBLE):
        return None
    return _KIND_OF.get(extension.lower())


def may_move(name: str) -> bool:
    """Whether a file of this name may be an animated picture; most of them are still ones."""
    return name.rpartition(".")[2].lower() in _MAY_MOVE and kind_of(name) is Kind.IMAGE


def brands(head: bytes) -> tuple[bytes, ...]:
    """The brands in the ``ftyp`` box that opens an ISO base media file, the major one first."""
    if head[4:8] != b"ftyp":
        return ()
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return (head[8:12], *(head[start : start + 4] for start in range(16, end - 3, 4)))
