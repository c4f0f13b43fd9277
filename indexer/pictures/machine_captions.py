"""Recognize captions that cameras and programs write automatically."""

import re

__all__ = ["is_machine_caption"]

MAX_LENGTH = 200  # characters; longer texts are written by people
CAMERA_MAKERS = (
    r"(agfa(photo)?|aiptek|benq|canon|casio|dji|epson|fuji(film)?|gopro|hasselblad|hp|htc|huawei"
    r"|jenoptik|jvc|kodak|konica([- ]?minolta)?|kyocera|leica|lg|medion|minolta|motorola|mustek|nikon|nokia|olympus"
    r"|oneplus|oppo|panasonic|pentax|polaroid|praktica|ricoh|rollei|samsung( techwin)?|sanyo|sigma|sony( ericsson)?"
    r"|toshiba|vivitar|vivo|xiaomi|yashica)"
)
PROGRAMS = (
    r"(acd ?see|acd systems|adobe|affinity (photo|designer)|apple ?mark|camera raw|capture one|darktable|digikam"
    r"|dxo|exiftool|faststone|ffmpeg|gd-jpeg|gimp|gnome-screenshot|graphicsmagick|gthumb|imagemagick|image ?ready"
    r"|inkscape|irfan ?view|jasc|jpegmini|ksnapshot|lavc|lead technologies|libgd|lightroom|matplotlib"
    r"|microsoft (office|paint|photos?|windows)|ms paint|paint ?shop( pro)?|paint\.net|photo ?filtre|photo ?scape"
    r"|photoshop|picasa|pixelmator|raw ?therapee|silkypix|snagit|snapseed|ulead|xn ?view)"
)
MORE_PROGRAMS = (  # names that are also common words, or not only programs
    r"(aperture|canva|corel|e?bay|flameshot|ghostscript|google|greenshot|hugin|illustrator|indesign|instagram"
    r"|krita|ksnip|lightshot|luminar|microsoft|nero|photos|picsart|preview|shotwell|skitch|spectacle|vsco|windows)"
)
EDITION = re.compile(
    r"album|build|cc|classic|cs\d?|elements|express|for|gallery|image|inc\.?|lightroom|linux|mac(intosh|os)?|mobile|office"
    r"|organizer|photoshop|pro|raw|systems|digital|imaging|version|viewer|v?\d\S*|windows|x|xp|https?\S*"
)
MADE = (
    r"(file )?(created|designed|drawn|edited|enhanced|exported|generated|made|modified|optimi[sz]ed|processed|produced"
    r"|rendered|saved|scanned|written) (with|by|using|in|on|via) (the )?"
)
PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{CAMERA_MAKERS}[ -]?(imaging|optical)?,? ?(corp(oration|\.)?|co\.?,? ?ltd\.?|electronics)?"
        r" ?(digital (still )?camera|camera( pictures?)?|digital image|dsc|dc|dsc-?\w+|jpeg|pictures?|images?)",
        rf"{CAMERA_MAKERS} (imaging corp\.?|corp(oration|\.)|optical co.*|co\.?,? ?ltd\.?|electronics)|samsung",
        r"(digital (still )?)?camera|digital (image|picture|photo)|dcim\\.*|dcf|jpeg|exif[_ -]?jpeg.*",
        r"default|untitled|image description|user ?comments?|[*?.-]+|charset=.*|creator: .*|xr:d:\S*|lavc[\d.]+",
        r"(oz|fpt)?(cof|edf|nor)|r?hdr(pl)?|sdr|btf|bty|ptr|rbt|mde|dav",  # camera modes of phones
        r".*\.(jpe?g|png|tiff?|heic|gif|bmp|webp)",
        r"(cimg|dsc[fn]?|hpim|imag|img|mvimg|p|pict|pxl|sam)[_-]?\d{3}[\d_-]*",
        r"(screen[ _-]?(shot|capture|grab)|bildschirmfoto|capture d[’']écran)s?([ _\d.:()-]|at|um|à|[ap]m)*",
        rf"{MADE}({PROGRAMS}|{MORE_PROGRAMS}|{CAMERA_MAKERS})\b\S*( \S+){{0,8}}",
        rf"{MADE}\D\S*( \S+){{0,3}} v?\d+(\.\d+)+\S*",  # name and version of any program
        rf"{MORE_PROGRAMS}( \w+)? v?\d+(\.\d+)+\S*",
        r"(image|graphics)magick .*",
    )
)
PROGRAM = re.compile(rf"(the )?{PROGRAMS}\b")


def is_machine_caption(text: str) -> bool:
    """True if the text only names a camera, a program or a file."""
    text = " ".join(re.sub(r"[®™]|\((tm|r)\)", " ", text[: MAX_LENGTH + 1].lower()).split())
    if len(text) > MAX_LENGTH:
        return False
    if program := PROGRAM.match(text):
        rest = re.split(r"[ ,;:()-]+", text[program.end() :])
        if all(EDITION.fullmatch(word) for word in rest if word):
            return True
    return not text or any(pattern.fullmatch(text) for pattern in PATTERNS)
