"""Whether a query looks like another language than English: a cheap guess from its script and its commonest words."""

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the guess itself needs no encoder
    from cosmos_search.encoders.protocol import Encoder

__all__ = ["describe_language", "looks_english"]

# Words that are also English, or frequent in names of places, are left out.
ENGLISH = frozenset(
    "a an the of in on at with without and or is are to from by near two three some this that man woman people person "
    "dog cat child children car house beach water red blue green black white".split()
)
FOREIGN = frozenset(
    # German, Dutch
    "der das dem ein eine einen einem einer und ohne auf im ist nicht zwei drei für bei über unter neben vor hund "
    "hunde katze frau kinder haus himmel wald het een twee hond vrouw kat huis "
    # French, Spanish, Portuguese, Italian
    "une du avec dans sans est deux chien homme femme enfant plage voiture una uno del con perro gato hombre mujer "
    "niño niña playa coche rojo não cachorro praia homem mulher criança gli della nella sulla cane gatto uomo donna "
    "spiaggia "
    # Swedish, Danish, Norwegian, Polish, Czech, Turkish
    "och på ett og är pies kot kobieta dziecko pes kočka žena bir köpek kedi kadın çocuk".split()
)
LETTERS = frozenset("äöüßñãõøåæłşğıčřžěőűąęśćńżź")  # of other languages; é and ç are in English words, too


def describe_language(encoder: "Encoder", query: str) -> str | None:
    """One sentence if the encoder was trained on English texts only, and the query looks like another language."""
    if not encoder.is_english or looks_english(query):
        return None
    return f"{encoder.name} was trained on English texts, and this query looks like another language."


def looks_english(text: str) -> bool:
    """False if most letters are not Latin, or if words of other languages outnumber English ones; else True."""
    letters = [character for character in text if character.isalpha()]
    if 2 * sum(unicodedata.name(letter, "").startswith("LATIN") for letter in letters) < len(letters):
        return False
    words = re.findall(r"[^\W\d_]+", text)
    n_foreign = sum(word.lower() in FOREIGN or _has_foreign_letter(word) for word in words)
    return n_foreign <= sum(word.lower() in ENGLISH for word in words)


def _has_foreign_letter(word: str) -> bool:
    """Names, which begin with a capital letter, do not count: a street in Zürich."""
    return word[0].islower() and not LETTERS.isdisjoint(word)
