"""The font that captions in the picture of a task are written with.

Flow      loop -> fonts: fontconfig -> a copy in the scratch folder -> child

The process that draws may neither start a program nor read the system's fonts, so the font is found
beforehand, and what it needs is put beside the task's other files.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from portravox.captions.fonts import font_file_for
from portravox.errors import SettingOutOfRange
from portravox.service.problems import out_of_definition
from portravox.service.worker.messages import FONT_NAME, NO_FONT
from portravox.service.worker.process import RequestFailed


async def copy_font(parameters: Mapping[str, Any], folder: Path) -> int:
    """Put the font for captions in the picture into a task's folder; which one of the file it is.

    parameters   of the task, with a text or a transcript where captions are to be drawn
    returns      NO_FONT where there are none, or where Pillow's own font has all letters

    Raises RequestFailed where no font of this machine has all letters. Raises OSError.
    """
    if parameters.get("captions") != "burned":
        return NO_FONT
    said = parameters.get("text") or parameters["transcript"]
    try:
        font = await asyncio.to_thread(font_file_for, said)
    except SettingOutOfRange as error:
        raise RequestFailed(out_of_definition("captions"), retry=False) from error
    if font is None:
        return NO_FONT
    await asyncio.to_thread(shutil.copyfile, font.path, folder / FONT_NAME)
    return font.index
