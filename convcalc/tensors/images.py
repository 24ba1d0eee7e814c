"""Images as arrays: opened by Pillow, resized, cut and normalised as classifiers expect them."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from convcalc.diagnostics import Misuse, Unreadable
from convcalc.tensors.stored import opened, said

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Sizes

MODES = {1: "L", 3: "RGB", 4: "RGBA"}
MOST_PIXELS = 100_000_000
IMAGENET = (0.485, 0.456, 0.406, 0.229, 0.224, 0.225)


class Treatment(NamedTuple):
    """How images become arrays: ``resize`` and ``normalize`` as they were written, see ``treatment``."""

    size: tuple[int, int] | None = None
    shorter: int = 0
    numbers: tuple[float, ...] = ()
    raw: bool = False


def treatment(resize: str = "", normalize: str = "") -> Treatment:
    """What the texts of two options ask for; raises Misuse.

    ``resize`` is ``224x224``, height first, or ``256``: the shorter side gets that long, and the middle is cut out
    where the net's input is smaller. ``normalize`` is ``0..1`` (the default), ``0..255``, ``imagenet``, or means and
    deviations of what lies in 0..1: ``0.5,0.5``, or three of each.
    """
    size, shorter = None, 0
    if resize:
        sizes = re.fullmatch(r"(\d{1,5})(?:[x,](\d{1,5}))?", resize.strip().lower())
        if not sizes or 0 in (first := [int(text) for text in sizes.groups() if text]):
            raise Misuse(f"--resize takes a size like 224x224, or the shorter side like 256, not '{resize}'")
        size, shorter = ((first[0], first[1]), 0) if len(first) == 2 else (None, first[0])
    words: dict[str, tuple[float, ...]] = {"": (), "0..1": (), "0..255": (), "imagenet": IMAGENET}
    if normalize in words:
        return Treatment(size, shorter, words[normalize], normalize == "0..255")
    try:
        numbers = tuple(float(text) for text in normalize.split(","))
    except ValueError:
        numbers = ()
    half = len(numbers) // 2
    sound = all(abs(n) < 1e9 for n in numbers) and all(n > 0 for n in numbers[half:])
    if not numbers or len(numbers) % 2 or not sound:
        known = "0..1, 0..255, imagenet, or means and deviations like 0.5,0.5"
        raise Misuse(f"--normalize takes {known}, not '{normalize}'")
    return Treatment(size, shorter, numbers)


def read_image(path: str, shape: Sizes, how: Treatment) -> Array:
    """The image as float64 ``[C, H, W]``, or as uint8 where it is left in 0..255; ``shape`` is what the net declares.

    Grey, colour or colour with opacity, as the channels ask for; turned as the camera says. Raises Unreadable, and
    Misuse without Pillow or where the net's input is no image.
    """
    try:
        from PIL import Image, ImageOps
    except ImportError:
        raise Misuse(f"{path}: needs the package Pillow: pip install 'convcalc[images]'") from None
    if len(shape) != 3 or shape[0] not in MODES:
        raise Misuse(f"{path}: an image has 1, 3 or 4 channels and two axes, the net's input is {said(shape)}")
    with opened(path) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sizes, which have a limit of their own here
        try:
            with Image.open(file, formats=("PNG", "JPEG")) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise ValueError(f"{image.width}x{image.height} pixels are too many")
                turned = ImageOps.exif_transpose(image)
                levels = _levels(_resized(Image, turned, shape, how), shape[0])
        except Exception as error:  # a decoder has many ways to say that a file is damaged
            raise Unreadable(f"{path}: not a whole image: {error}") from None
    if how.raw:
        return levels
    pixels: Array = levels / np.float64(np.iinfo(levels.dtype).max)
    if how.numbers:
        half = len(how.numbers) // 2
        if half not in (1, shape[0]):
            raise Misuse(f"--normalize has {half} means, {path} has {shape[0]} channels")
        pixels -= np.reshape(how.numbers[:half], (half, 1, 1))
        pixels /= np.reshape(how.numbers[half:], (half, 1, 1))
    return pixels


def _resized(library: Any, image: Any, shape: Sizes, how: Treatment) -> Any:
    """Bilinear over all pixels that fall together; the middle of the declared size after a shorter side."""
    mode = image.mode if image.mode.startswith("I;16") else MODES[shape[0]]
    image = image if image.mode == mode else image.convert(mode)
    if how.size:
        return image.resize(how.size[::-1], library.Resampling.BILINEAR)
    if not how.shorter:
        return image
    width, height = image.size
    least = min(width, height)
    width, height = how.shorter * width // least, how.shorter * height // least
    if width * height > MOST_PIXELS:
        raise ValueError(f"{width}x{height} pixels are too many")
    image = image.resize((width, height), library.Resampling.BILINEAR)
    tall, wide = min(shape[1], height), min(shape[2], width)
    left, top = round((width - wide) / 2), round((height - tall) / 2)
    return image.crop((left, top, left + wide, top + tall))


def _levels(image: Any, channels: int) -> Array:
    levels: Array = np.asarray(image)
    levels = levels.reshape(*levels.shape[:2], -1).transpose(2, 0, 1)
    if len(levels) != channels:
        raise ValueError(f"a grey image of 16 bits, and the net's input has {channels} channels")
    return np.ascontiguousarray(levels)
