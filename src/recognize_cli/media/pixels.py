"""Loaded pictures of any mode to upright RGB of modest size."""

from __future__ import annotations

from PIL import Image

from recognize_cli.media.exif import PARSE_ERRORS

_WHITE = (255, 255, 255)
_ORIENTATION = 0x0112  # EXIF tag
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def upright_rgb(image: Image.Image, max_side: int) -> Image.Image:
    """A loaded image as RGB, turned as its EXIF orientation says, on white where it is transparent.

    It is shrunk to a long side of at most `max_side` pixels, and never enlarged.
    """
    turn = _turn(image)
    black_and_white = (0.0, 65535.0) if image.mode.startswith("I;16") else None
    picture = _fitted(_resizable(image), max_side)
    if turn is not None:
        picture = picture.transpose(turn)
    if picture.mode in ("I", "F"):
        picture = _eight_bit(picture, black_and_white)
    if picture.mode == "RGBA":
        return _on_white(picture)
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def within(size: tuple[int, int], max_side: int) -> tuple[int, int]:
    """A size shrunk to a long side of at most `max_side`, each side at least 1."""
    width, height = size
    scale = min(1.0, max_side / max(size))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _turn(image: Image.Image) -> Image.Transpose | None:
    """How to turn an image upright. Damaged EXIF data counts as none."""
    try:
        value = image.getexif().get(_ORIENTATION)
    except PARSE_ERRORS:
        return None
    return _TURNS.get(value) if isinstance(value, int) else None


def _resizable(image: Image.Image) -> Image.Image:
    """The picture in a mode that can be interpolated, with its transparency as a band."""
    if image.mode.startswith("I;16"):
        return image.convert("I")
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image.convert("RGB") if image.mode in ("1", "P") else image


def _fitted(image: Image.Image, max_side: int) -> Image.Image:
    size = within(image.size, max_side)
    if size == image.size:
        return image
    return image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)


def _on_white(image: Image.Image) -> Image.Image:
    canvas = Image.new("RGB", image.size, _WHITE)
    canvas.paste(image, mask=image.getchannel("A"))
    return canvas


def _eight_bit(image: Image.Image, black_and_white: tuple[float, float] | None) -> Image.Image:
    """Gray of 32 bits a pixel as 8 bits.

    Where the format does not say what is black and what is white (integers of 32 bits, and floats),
    they are the least and the greatest finite value.
    """
    import numpy as np  # takes longer to import than most pictures to decode

    values = np.asarray(image, dtype=np.float64)
    finite = values[np.isfinite(values)]
    low, high = black_and_white or (finite.min(initial=np.inf), finite.max(initial=-np.inf))
    scaled = (values - low) * (255 / (high - low)) if high > low else np.zeros_like(values)
    return Image.fromarray(np.nan_to_num(scaled).clip(0, 255).round().astype(np.uint8))
