"""Which kind of medium a file is, by its name or by its first bytes.

Both are guesses that cost nothing: decoders look at the content and ignore the name.
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

_APPLE_DOUBLE = "._"  # macOS keeps a resource fork beside each file on foreign volumes: ._photo.jpg

_MAGIC = (
    (b"\xff\xd8\xff", Kind.IMAGE),  # JPEG
    (b"\x89PNG\r\n\x1a\n", Kind.IMAGE),
    (b"GIF87a", Kind.IMAGE),
    (b"GIF89a", Kind.IMAGE),
    (b"II*\0", Kind.IMAGE),  # TIFF
    (b"MM\0*", Kind.IMAGE),
    (b"II+\0", Kind.IMAGE),  # BigTIFF
    (b"MM\0+", Kind.IMAGE),
    (b"\0\0\0\x0cjP  \r\n\x87\n", Kind.IMAGE),  # JPEG 2000
    (b"\xff\x4f\xff\x51", Kind.IMAGE),  # JPEG 2000 code stream
    (b"\0\0\0\x0cJXL \r\n\x87\n", Kind.IMAGE),
    (b"\xff\x0a", Kind.IMAGE),  # JPEG XL code stream
    (b"ID3", Kind.AUDIO),
    (b"fLaC", Kind.AUDIO),
    (b"MAC ", Kind.AUDIO),  # Monkey's Audio
    (b"wvpk", Kind.AUDIO),
    (b"TTA1", Kind.AUDIO),
    (b"MPCK", Kind.AUDIO),
    (b"\x0b\x77", Kind.AUDIO),  # AC-3, E-AC-3
    (b".snd", Kind.AUDIO),
    (b"caff", Kind.AUDIO),
    (b"#!AMR", Kind.AUDIO),
    (b"DSD ", Kind.AUDIO),
    (b"\x1aE\xdf\xa3", Kind.VIDEO),  # Matroska, WebM
    (b"FLV\x01", Kind.VIDEO),
    (b"\0\0\x01\xba", Kind.VIDEO),  # MPEG programme stream
    (b"\0\0\x01\xb3", Kind.VIDEO),  # MPEG video
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Kind.VIDEO),  # ASF
    (b".RMF", Kind.VIDEO),
)
_RIFF_FORMS = {b"WEBP": Kind.IMAGE, b"WAVE": Kind.AUDIO, b"AVI ": Kind.VIDEO}
_AIFF_FORMS = (b"AIFF", b"AIFC")
_OGG_VIDEO = (b"\x80theora", b"\x01video")
# The second byte of an MPEG audio frame: layer II or III, or AAC in ADTS. Not 0xfe or 0xff: UTF-16 text.
_MPEG_SYNC = frozenset(b"\xe2\xe3\xe4\xe5\xf0\xf1\xf2\xf3\xf4\xf5\xf8\xf9\xfa\xfb\xfc\xfd")

HEIF_BRANDS = frozenset(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"mif2", b"msf1")
)
AVIF_BRANDS = frozenset((b"avif", b"avis"))
_AUDIO_BRANDS = frozenset((b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B "))


def kind_of(name: str) -> Kind | None:
    """The kind that the extension of a file's name stands for, in any case; None for other files.

    A hidden file that is all extension (``.jpg``) and the ``._*`` files of macOS are no media.
    """
    stem, _, extension = name.rpartition(".")
    if not stem or name.startswith(_APPLE_DOUBLE):
        return None
    return _KIND_OF.get(extension.lower())


def sniff(head: bytes) -> Kind | None:
    """The kind that a file's first bytes stand for (64 are enough); None when they are unknown.

    Containers that hold sound or pictures alike (Matroska, ASF, MP4) count as video.
    """
    if head[4:8] == b"ftyp":
        return _iso_kind(brands(head))
    if head.startswith((b"RIFF", b"RF64")):
        return _RIFF_FORMS.get(head[8:12])
    if head.startswith(b"FORM") and head[8:12] in _AIFF_FORMS:
        return Kind.AUDIO
    if head.startswith(b"OggS"):
        return Kind.VIDEO if head[28:].startswith(_OGG_VIDEO) else Kind.AUDIO
    if head.startswith(b"BM") and head[6:10] == bytes(4):
        return Kind.IMAGE
    if head[:1] == b"\xff" and head[1:2] and head[1] in _MPEG_SYNC:
        return Kind.AUDIO
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)


def brands(head: bytes) -> tuple[bytes, ...]:
    """The brands in the ``ftyp`` box that opens an ISO base media file, the major one first."""
    if head[4:8] != b"ftyp":
        return ()
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return (head[8:12], *(head[start : start + 4] for start in range(16, end - 3, 4)))


def _iso_kind(found: tuple[bytes, ...]) -> Kind:
    if found[0] in HEIF_BRANDS | AVIF_BRANDS:
        return Kind.IMAGE
    return Kind.AUDIO if found[0] in _AUDIO_BRANDS else Kind.VIDEO
