"""Things that ordinary photos show, and photos of people and dogs, as in Flickr8k, hardly ever do.

The syntax of a pattern is that of `benchmarks.data.named_things`.
"""

from benchmarks.data.named_things import name_things

__all__ = ["RARE"]

RARE = name_things(
    {
        "people": {
            "an astronaut": r"astronauts?|spacem[ae]n|space ?suits?",
            "a surgeon": r"surgeons?|surgery|operating room",
            "a knight in armour": r"knights?|suits? of armou?r",
            "a sumo wrestler": r"sumo",
        },
        "animals": {
            "a giraffe": r"giraffes?",
            "an elephant": r"elephants?",
            "a zebra": r"zebras?(?! (?:print|stripe|pattern))",
            "a lion": r"lions?|lioness",
            "a penguin": r"penguins?(?! to )",
            "a dolphin": r"dolphins?(?! (?:caps?|fans?|jersey))|whales?|orcas?",
            "a shark": r"sharks?(?! goggles)",
            "a snake": r"snakes?|python|cobra",
            "a spider": r"spiders?(?! (?:m[ae]n|patterned|web))|spider ?webs?|cobwebs?",
            "a butterfly": r"butterfl(?:y|ies)(?! (?:stroke|catcher|in a pool|net))|moths?",
            "an owl": r"owls?",
            "a frog": r"(?:frogs?|toads?)(?! (?:hopper|sculpture))",
            "a turtle": r"turtles?(?! ?neck)|tortoises?",
            "a kangaroo": r"kangaroos?|koalas?",
            "a polar bear": r"(?<!teddy )(?<!stuffed )(?:polar |grizzly |brown |black )bears?",
            "a pig": r"(?:pigs?|piglets?)(?! (?:costume|toy))",
        },
        "things": {
            "a bowl of soup": r"soups?|stew|broth",
            "a pizza": r"pizzas?",
            "sushi": r"sushi",
            "a pineapple": r"pineapples?",
            "bananas": r"bananas?",
            "a loaf of bread": r"loaf|loaves|bread|baguettes?",
            "fried eggs": r"fried eggs?|omelett?es?|scrambled eggs",
            "a chess board": r"chess\w*|checkers",
            "playing cards": r"(?:playing|deck of|of) cards|card game|poker",
            "a page of text": r"page of text|printed (?:page|text)|documents?|manuscripts?",
            "a map": r"maps?|atlas",
            "a barcode": r"bar ?codes?",
            "an x-ray": r"x ?rays?|radiograph",
            "a microscope": r"microscopes?",
            "a washing machine": r"washing machines?|laundromat|tumble dryer",
            "a toilet": r"(?<!portable )toilets?(?! paper)|urinals?",
            "a sewing machine": r"sew(?:s|ing)|sewing machine",
            "a chandelier": r"chandeliers?",
            "a piano": r"pianos?|pianist",
            "a clock": r"(?<!o )clocks?",
            "a dinosaur": r"dinosaurs?(?! shirt)|fossils?",
            "a robot": r"robots?|android",
            "a spaceship": r"space ?(?:ships?|shuttle|craft)|rocket ?ships?|ufo",
            "a helicopter": r"helicopters?|choppers?",
            "a fire engine": r"fire ?(?:engines?|trucks?)",
            "an ambulance": r"ambulances?",
            "a cactus": r"cactus(?:es)?|cacti",
            "mushrooms": r"mushrooms?|fung(?:us|i)",
            "a stained glass window": r"stained glass",
            "a solar panel": r"solar panels?",
            "a satellite dish": r"satellites?|dish antenna",
            "a typewriter": r"type ?writers?",
        },
        "scenes": {
            "a lighthouse": r"light ?houses?",
            "a windmill": r"wind ?mills?|wind turbines?",
            "a volcano": r"volcan\w+|lava",
            "an iceberg": r"icebergs?",
            "the Eiffel Tower": r"eiffel",
            "a pyramid in Egypt": r"egyptian pyramids?|pyramids? in egypt|sphinx",
            "the inside of a church": r"(?:inside|in|interior of) (?:a|the) (?:\w+ )?(?:church|cathedral"
            r"|chapel)|altar|pews?",
            "a cockpit": r"cockpits?",
            "a coral reef": r"coral reefs?|reefs?",
            "a nuclear power station": r"nuclear|power station|cooling towers?",
        },
        "colours": {
            "a green door": r"green (?:\w+ ){0,1}doors?",
            "a purple car": r"(?:purple|pink|violet) (?:\w+ ){0,1}cars?",
            "a blue rose": r"blue roses?",
        },
        "counts": {
            "three cats": r"three (?:\w+ ){0,2}(?:cats|kittens)",
        },
        "actions": {
            "someone milking a cow": r"milk(?:s|ing) (?:\w+ ){0,2}(?:cow|goat)",
            "someone ironing a shirt": r"iron(?:s|ing)",
            "someone washing dishes": r"wash\w* (?:\w+ ){0,2}dishes|dish ?wash\w+",
            "someone knitting": r"knits|(?:is|are|was|woman|lady|sits|sitting) knitting|crochet\w*",
        },
        "light": {
            "the northern lights": r"northern lights|aurora",
            "the full moon": r"moon(?:s|lit|light)?",
            "lightning": r"lightning|thunderstorm",
            "a galaxy": r"galax(?:y|ies)|starry|milky way|nebula",
            "a solar eclipse": r"eclipse",
        },
    }
)
