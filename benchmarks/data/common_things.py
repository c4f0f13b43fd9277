"""Things that photos of people and dogs, as in Flickr8k, show: queries, each with a pattern over captions.

The syntax of a pattern is that of `benchmarks.data.named_things`.
"""

from benchmarks.data.named_things import name_things

__all__ = ["COMMON"]

# Groups of words; the patterns below are made of them.
MAN = "m[ae]n|guys?|gentlem[ae]n|father|dad|groom|cowboys?|businessm[ae]n|policem[ae]n|fisherm[ae]n"
WOMAN = "wom[ae]n|lad(?:y|ies)|mother|mom|bride|businesswom[ae]n"
BOY, GIRL = "(?<!cow)boys?|little leaguers?|schoolboys?", "girls?|schoolgirls?|cheerleaders?"
BABY = "baby(?! (?:pool|carriage|stroller|blue))|babies|infants?|toddlers?"
CHILD = rf"child(?:ren)?|kids?|{BOY}|{GIRL}|{BABY}"
ROLE = r"\w*(?:skier|surfer|biker|cyclist|climber|hiker|skater|boarder|swimmer|runner|racer|rider|jumper|player|kayaker"
ROLE += r"|diver|dancer|rollerblader|wrestler|goalie|sledder|rafter|sailor|parasailer|rower|wakeboarder)s?"
PERSON = rf"{MAN}|{WOMAN}|{CHILD}|{ROLE}|people|persons?|someone|adults?|teen(?:ager)?s?|teens|individuals?|males?"
PERSON += r"|females?|couple(?! of)|crowds?|spectators?|performers?|workers?|athletes?|soldiers?|students?|friends?"
PEOPLE = r"people|persons|men|women|boys|girls|children|kids|adults|guys|ladies|teen(?:ager)?s|friends|babies|toddlers"
PEOPLE += r"|males|females|\w*(?:skier|surfer|biker|cyclist|climber|hiker|boarder|runner|player|racer|rider|wrestler)s"
DOG = r"(?<!hot )(?:dogs?|pup(?:py|pies|s)?|doggies|greyhounds?|terriers?|poodles?|collies?|retrievers?|dalmatians?"
DOG += r"|labradors?|dachshunds?|german shepherds?|husk(?:y|ies)|bulldogs?|pit ?bulls?|dobermans?|beagles?)"
DOGS = r"(?<!hot )(?:dogs|puppies|pups|doggies|greyhounds|terriers|poodles|collies|retrievers|huskies)"
BIKE = r"(?:dirt |mountain |bmx |trick |racing )?(?:bicycles?|bikes?)"
PEDAL_BIKE = r"bicycles?|\w*bicycling|bicyclists?|cyclists?|bmx|mountain bik\w+|(?<!dirt )(?<!motor )bikes?"
MOTORBIKE = r"motorcycl\w+|motor ?bik\w+|motocross|dirt bik\w+|dirtbik\w+|motorist|mopeds?"
BALL = r"(?:soccer|tennis|basket|foot|base|volley|beach|golf|soft)? ?balls?"
RUN = r"run(?:s|ning)?|sprint\w*|rac(?:es|ing)|gallop\w*|dash\w*|chas(?:e|es|ing)"
JUMP = r"jump(?:s|ing|ed)?|leap(?:s|ing|t)?|hurdl\w+|mid ?air|airborne|in the air|vault\w*"
PLAY = r"play(?:s|ing|ed)?"
SWIM = r"swim(?:s|ming)?|paddl(?:es|ing)"
RIDE = r"rid(?:e|es|ing|den)|rode|biking|cycl\w+|pedal\w*|on"
SIT = r"sits?|sitting|seated|sat"
# Words between a number or a colour and the noun that it belongs to; no nouns or verbs, which would link two things.
ADJECTIVE = (
    r"(?:(?:and|a|very|young|small|little|large|big|huge|old|older|elderly|tall|long|short|tan|black|white|brown"
)
ADJECTIVE += r"|red|blue|green|yellow|orange|pink|purple|gr[ae]y|golden|gold|dark|light|bright|brightly|neon|colou?red"
ADJECTIVE += r"|colou?rful|striped|plaid|wet|furry|fluffy|muddy|happy|smiling|asian|african|american|japanese|indian"
ADJECTIVE += r"|blond|blonde|brunette|haired|shirtless|teenage|male|female|adult|middle|aged|other|different|similar"
ADJECTIVE += r"|matching|sleeveless|sleeved|floral|flowered|plastic|wooden|metal|toy|race|racing|sports?|team|winter"
ADJECTIVE += r"|puffy|hooded|knit|polka|dotted|t|tank|of|the|military|soccer|hockey|football|baseball) )*"
TOP = r"shirts?|tshirts?|tops?|jerseys?|blouse|sweaters?|sweatshirts?|hoodies?|tee"
COAT = r"jackets?|coats?|parkas?|snowsuits?|vests?"
CLOTHES = rf"{TOP}|{COAT}|suits?|uniforms?|outfits?|clothes|clothing|costumes?|dress(?:es)?"
WATER = r"water|pool|lake|ocean|sea|river|pond|stream|creek|waves?|surf|sprinklers?|fountain|puddles?"

COMMON = name_things(
    {
        "people": {
            "people": PERSON,
            "a man": MAN,
            "a woman": WOMAN,
            "a little girl": rf"(?:little|young|small|toddler) {ADJECTIVE}{GIRL}|girl child|female toddler",
            "a boy": BOY,
            "a child": CHILD,
            "a baby": BABY,
            "an old man": rf"(?:old|older|elderly) {ADJECTIVE}(?:{MAN})",
            "a family": r"famil(?:y|ies)|parents|(?:mother|father|mom|dad)",
            "a bride": r"brides?|wedding",
            "a football player": r"football players?|football team|american football|football (?:game|uniforms?)",
            "a performer on a stage": r"(?:on ?stage|stage)",
            "a police officer": r"police\w*|cops?|officers?",
            "a man with a beard": r"beards?|bearded|goatee",
            "a bald man": r"bald|balding|shaved head",
            "someone in a costume": r"costum\w+|dressed (?:up )?(?:as|like)|clowns?|santa",
            "a photographer": r"photographers?|(?:tak\w+|snap\w*) (?:\w+ ){0,2}(?:pictures?|photos?|photographs?)"
            r"|(?:holding|with|using|holds) (?:a|her|his) (?:\w+ ){0,2}camera",
        },
        "animals": {
            "a dog": DOG,
            "a puppy": r"pup(?:py|pies|s)?",
            "a black dog": rf"black {ADJECTIVE}{DOG}",
            "a white dog": rf"white {ADJECTIVE}{DOG}",
            "a brown dog": rf"(?:brown|tan) {ADJECTIVE}{DOG}",
            "a spotted dog": rf"(?:spotted|spots|dalmatian|dalmations?) AND {DOG} OR dalmatians?",
            "a greyhound": r"greyhounds?|muzzled dogs|racing dogs?|dogs? rac(?:e|ing)",
            "a german shepherd": r"german shepherds?|shepherd dog",
            "a poodle": r"poodles?",
            "a horse": r"(?:horses?|ponys?|ponies|horseback|bronco)(?! ?shoe)",
            "a cat": r"(?:cats?|kittens?|kitty)",
            "a bird": r"(?:birds?|ducks?|geese|goose|pigeons?|seagulls?|swans?|eagles?|parrots?|hawks?"
            r"|herons?|flamingos?)",
            "a cow": r"(?:cows?|bulls?|cattle|calf|steer)(?! dog)(?! terrier)",
            "sheep": r"sheep|lambs?|goats?",
        },
        "things": {
            "a bicycle": PEDAL_BIKE,
            "a motorcycle": MOTORBIKE,
            "a skateboard": r"skate ?board\w*",
            "a car": r"(?:race ?)?(?:cars?|suv|automobiles?|jeeps?|vans?|race ?cars?|taxis?)",
            "a truck": r"(?:trucks?|pick ?up)",
            "a bus": r"bus|buses",
            "a train": r"trains?(?! dogs?)|subway (?:car|train)|locomotive",
            "a boat": r"(?:boats?|canoes?|sailboats?|rowboats?|ships?|kayaks?|rafts?|speedboats?)",
            "a guitar": r"guitars?|guitarists?",
            "a musical instrument": r"(?:guitars?|guitarists?|instruments?|violins?|drums?|drummers?"
            r"|saxophones?|accordions?"
            r"|flutes?|bagpipes?|trumpets?|pianos?|cellos?|tubas?|harmonica|trombones?|keyboard)",
            "food on a table": r"(?:food|meals?|dinner|lunch|breakfast|eat(?:s|ing)?|dishes|plates?|cake)"
            r" AND (?:tables?|restaurant|picnic|kitchen|counter|plates?)",
            "ice cream": r"ice cream|popsicles?|lollipops?",
            "a birthday cake": r"(?:cakes?|birthday)",
            "a tent": r"tents?|camping|campsite",
            "an umbrella": r"umbrellas?|parasols?",
            "a bench": r"bench(?:es)?",
            "a bed": r"(?:bed|beds|mattress|crib|bunk)",
            "a sofa": r"couch|couches|sofas?|loveseat|futon",
            "a book": r"books?|magazines?|reading|novel",
            "a newspaper": r"newspapers?",
            "a computer": r"computers?|laptops?|monitor",
            "a flag": r"flags?",
            "a balloon": r"balloons?",
            "flowers": r"(?:flowers?|bouquet|roses?|tulips|daisies|blossoms?)",
            "a statue": r"statues?|sculptures?|monument",
            "a fountain": r"fountains?",
            "a trampoline": r"trampolines?",
            "a kite": r"kites?|kitesurf\w*|kite ?board\w*",
            "a frisbee": r"frisbees?|flying dis[ck]",
            "a helmet": r"helmets?",
            "a parachute": r"parachut\w+|paraglid\w+|parasail\w*|skydiv\w+|hang glid\w+",
            "graffiti": r"graffiti\w*|mural",
            "a cigarette": r"cigarettes?|smok(?:es|ing)|cigars?",
            "soap bubbles": r"bubbles?(?! ?gum)",
            "a gun": r"guns?|rifles?|pistols?|paintball",
        },
        "scenes": {
            "a beach": r"beach(?:es)?(?! ball)|seashore|sea shore|(?:sandy|ocean|sea) shore\w*",
            "snow": r"snow\w*|ski(?:s|ing|er|ers)?|sled(?:s|ding)?",
            "mountains": r"mountain(?:s|ous|side|top|tops|range)?(?! (?:bik|dew))|snowcapped|alps",
            "a forest": r"forests?|woods|wooded|woodlands?|jungle",
            "a city street": r"(?:street|streets|city|urban|crosswalk|downtown|intersection)",
            "a swimming pool": r"(?:swimming |kiddie |wading |inflatable |outdoor |indoor |plastic |blue "
            r"|kid )?pools?(?! table)",
            "the sea": r"ocean|sea|surf(?:s|ing|er|ers)?|(?:beach|wave|waves)(?! (?:at|to|his|her|their|a|and))",
            "a lake": r"lakes?|lakeside",
            "a river": r"rivers?|streams?|creeks?|rapids",
            "a waterfall": r"waterfalls?",
            "a desert": r"deserts?|dunes?",
            "a field of grass": r"grass\w*|(?:green|open) (?:field|lawn|meadow)|meadows?|lawn",
            "a park": r"(?<!amusement )(?<!skate )(?<!skateboard )(?<!skateboarding )parks?(?!ed)(?!ing)",
            "a playground": r"playgrounds?|jungle gym|monkey bars|swing ?set|play ?ground|play structure",
            "a restaurant": r"restaurants?|cafe|diner|cafeteria|bar(?= |$)(?! of)",
            "a market": r"markets?|vendors?|stalls?|bazaar|grocery|produce",
            "a subway station": r"subway|train station|metro|underground station|train platform",
            "a race track": r"race ?tracks?|(?:dirt|racing|race|running|motocross) tracks?|race ?course|speedway",
            "a skate park": r"skate ?parks?|skateboard(?:ing)? (?:park|ramp)s?|half ?pipe|skate (?:ramp|bowl)",
            "a fairground ride": r"carnival|amusement|fairground|roller ?coasters?|ferris|merry go round"
            r"|carousel|fair ride",
            "a rocky cliff": r"cliffs?|rock (?:face|wall|cliff|formation)s?|canyon|precipice",
            "an ice rink": r"(?:ice|skating|hockey|roller) rinks?|ice hockey|ice ?skat\w+|hockey (?:game"
            r"|players?)|rink",
            "a parade": r"parades?|marching",
        },
        "colours": {
            "a red car": rf"red {ADJECTIVE}(?:cars?|race ?cars?|jeep|suv|van|vehicle)",
            "a girl in a pink dress": rf"(?:{GIRL}|child|toddler|woman) AND pink {ADJECTIVE}(?:dress|dresses"
            rf"|outfit|gown|skirt)",
            "a man in a red shirt": rf"(?:{MAN}|{BOY}|person|player) AND red {ADJECTIVE}(?:{TOP})",
            "a boy in a blue shirt": rf"(?:{BOY}|child|kid|{MAN}) AND blue {ADJECTIVE}(?:{TOP})",
            "a woman in a black dress": rf"(?:{WOMAN}|{GIRL}) AND black {ADJECTIVE}(?:dress|dresses|gown|skirt|outfit)",
            "a yellow jacket": rf"yellow {ADJECTIVE}(?:{COAT}|raincoat)",
            "a green shirt": rf"green {ADJECTIVE}(?:{TOP})",
            "a white dress": rf"white {ADJECTIVE}(?:dress|dresses|gown)|bride",
            "a red ball": rf"red {ADJECTIVE}{BALL}",
            "a blue jacket": rf"blue {ADJECTIVE}(?:{COAT})",
            "a red jacket": rf"red {ADJECTIVE}(?:{COAT})",
            "a red bicycle": rf"red {ADJECTIVE}{BIKE}",
            "a yellow kayak": rf"yellow {ADJECTIVE}(?:kayaks?|canoes?|rafts?|boats?)",
            "colourful clothes": rf"(?:colou?rful|multi ?colou?red|brightly colou?red"
            rf"|bright) {ADJECTIVE}(?:{CLOTHES}|attire|skirts?)",
        },
        "counts": {
            "two dogs": rf"(?:two|2|pair of|both) {ADJECTIVE}{DOGS}|another {ADJECTIVE}dog|(?:dog"
            rf"|puppy) and a {ADJECTIVE}"
            r"(?:dog|puppy)|dogs (?:\w+ ){0,4}each other",
            "three dogs": rf"(?:three|3) {ADJECTIVE}{DOGS}",
            "two men": rf"(?:two|2) {ADJECTIVE}(?:men|guys|gentlemen)|another {ADJECTIVE}man",
            "two women": rf"(?:two|2) {ADJECTIVE}(?:women|ladies)|another {ADJECTIVE}woman",
            "two children": rf"(?:two|2) {ADJECTIVE}(?:children|kids|boys|girls|toddlers|babies)"
            rf"|boy and (?:a )?{ADJECTIVE}girl"
            rf"|girl and (?:a )?{ADJECTIVE}boy|another {ADJECTIVE}(?:boy|girl|child)",
            "two girls": rf"(?:two|2) {ADJECTIVE}(?:girls)|another {ADJECTIVE}girl",
            "two people": rf"(?:two|2) {ADJECTIVE}(?:{PEOPLE})|couple(?! of)|(?:man"
            rf"|boy) and (?:a )?{ADJECTIVE}(?:woman|girl|man"
            rf"|boy)|(?:woman|girl) and (?:a )?{ADJECTIVE}(?:man|boy|woman|girl)|another {ADJECTIVE}(?:person"
            rf"|man|woman|boy|girl)",
            "three people": rf"(?:three|3) {ADJECTIVE}(?:{PEOPLE})",
            "four people": rf"(?:four|4) {ADJECTIVE}(?:{PEOPLE})",
            "five people": rf"(?:five|5) {ADJECTIVE}(?:{PEOPLE})",
            "a crowd": r"crowd(?:s|ed)?|audience|many people|lots of people|spectators|large group",
            "a group of people": rf"(?:group|bunch|crowd|lots?|many|several|team"
            rf"|gathering) (?:of )?{ADJECTIVE}(?:{PEOPLE})|crowd",
            "a group of children": rf"(?:group|bunch|several|many|lots|three|four|five|six) (?:of )?{ADJECTIVE}"
            r"(?:children|kids|boys|girls|toddlers)",
        },
        "actions": {
            "someone climbing a rock": r"(?:climb\w*|scal(?:es|ing)|rappel\w*|bouldering) AND (?:rocks?"
            r"|cliffs?|mountain\w*|boulders?"
            r"|face|wall) OR rock ?climb\w*",
            "a dog running": rf"{DOG} AND (?:{RUN}|bounds|bounding)",
            "a dog jumping": rf"{DOG} AND (?:{JUMP})",
            "a dog swimming": rf"{DOG} AND (?:{SWIM})",
            "a dog with a stick": rf"{DOG} AND (?:sticks?(?! out)|branch(?:es)?|twigs?|log)",
            "a dog with a ball": rf"{DOG} AND (?:{BALL})",
            "a dog catching a frisbee": rf"{DOG} AND (?:frisbees?|dis[ck])",
            "a dog running through snow": rf"{DOG} AND snow\w* AND (?:{RUN}|{PLAY}|{JUMP}|walk\w*|bound\w*)",
            "a dog playing with another dog": rf"{DOGS} AND {PLAY}|fight\w*|wrestl\w*|bit\w+|chas\w+|tug\w*|each other",
            "a man on a bicycle": rf"(?:{MAN}|{BOY}|person|cyclists?|bikers?|bicyclists?|riders?)"
            rf" AND (?:{PEDAL_BIKE}|biker)",
            "riding a horse": rf"(?:horses?|ponies|pony|bronco|bulls?) AND (?:{PERSON}) AND {RIDE}|jockey OR horseback",
            "surfing": r"surf(?:s|ing|ed)?|surfers?|(?:rid\w+|catch\w*) (?:a |the )?(?:\w+ )?waves?"
            r"|bodyboard\w*|boogie",
            "skiing": r"ski(?:s|ing|er|ers)?(?! ?jet)",
            "snowboarding": r"snow ?board\w*",
            "a skateboarder doing a trick": r"skate ?board\w*|skaters? AND tricks?|jump\w*|ramps?|rail\w*"
            r"|grind\w*|air\w*|stunts?|flip\w*",
            "playing soccer": r"soccer",
            "playing basketball": r"basketball\w*|dunk\w*",
            "playing tennis": r"tennis (?:player|match|game|court|rac)\w*|(?:plays?|playing) tennis|tennis",
            "playing baseball": r"baseball|softball|batter|(?:little|major) league|umpire|cricket",
            "playing volleyball": r"volley ?ball",
            "playing ice hockey": r"hockey",
            "people dancing": r"danc(?:e|es|ing|ers?|ed)",
            "someone sleeping": r"sleep(?:s|ing)?|asleep|nap(?:s|ping)?",
            "someone eating": r"eat(?:s|ing)?|ate|bit(?:es?|ing) into|feed(?:s|ing)"
            r"|lick\w* (?:\w+ ){0,3}ice cream|meal|dinner|lunch",
            "someone drinking": r"drink(?:s|ing)|sip(?:s|ping)?",
            "someone reading": r"read(?:s|ing)",
            "two people hugging": r"hug(?:s|ging|ged)?|embrac\w+|cuddl\w+",
            "a kiss": r"kiss(?:es|ing|ed)?",
            "a boy jumping into a pool": rf"(?:{JUMP}|div(?:es|ing)|flips?) AND (?:pool|swimming) AND (?:{PERSON})",
            "children playing in water": rf"(?:{CHILD}) AND (?:{PLAY}|splash\w*|swim\w*|jump\w*|wad\w+"
            rf"|run\w*) AND (?:{WATER})",
            "a person fishing": r"fishing|fisherm[ae]n|fishes",
            "paddling a canoe": r"kayak\w*|canoe\w*|row(?:s|ing|boat|ers?)|paddl(?:es|ing"
            r"|ers?) (?:\w+ ){0,3}(?:boat|raft|canoe|kayak)|raft\w*",
            "wrestling": r"wrestl\w+|martial arts?|karate|judo|boxing|boxers?",
            "playing music": r"(?:play\w*|perform\w*|strum\w*) (?:\w+ ){0,4}(?:guitars?|music|instruments?"
            r"|violins?|drums?|saxophone"
            r"|accordion|flute|bagpipes?|trumpets?|pianos?|keyboard|banjo|harmonica)|musicians?|guitarist"
            r"|drummer|band|concert",
            "hiking in the mountains": r"hik(?:e|es|ing|ers?)|backpackers?|trek\w*|mountain climb\w+|mountaineer\w*",
            "sitting on a bench": rf"(?:{SIT}|rest\w*|sleep\w*|asleep|lay\w*|lying) AND bench(?:es)?",
            "walking a dog": rf"(?:{PERSON}) AND walk(?:s|ing)? AND {DOG} OR leash(?:es|ed)?",
            "crossing the street": r"cross(?:es|ing)? (?:\w+ ){0,3}(?:street|road|intersection)|crosswalk",
            "someone diving": r"div(?:e|es|ing|ers?)|dove|snorkel\w*|scuba",
            "doing a handstand": r"hand ?stands?|cartwheels?|(?:back|hand) ?(?:flip|spring)s?|somersaults?|upside down",
            "a race": r"rac(?:e|es|ing|ers?)|marathon|race ?track",
            "sledding in the snow": r"(?:sled(?:s|ding)?|toboggan\w*|tub(?:e|es|ing)|slid(?:es|ing))"
            r" AND (?:snow\w*|hill|ice|icy)",
            "talking on the phone": r"(?:on|using|into|talk\w*) (?:\w+ ){0,3}(?:cell ?phones?|phones?"
            r"|cellphones?|telephone)",
            "water skiing": r"water ?ski\w*|wake ?board\w*|jet ?ski\w*",
            "someone crying": r"cry(?:ing)?|cries|tears|screaming|upset|wailing",
        },
        "light": {
            "night": r"night(?:time|s)?|at dark|midnight|(?:in|after) (?:the )?dark",
            "a sunset": r"sunsets?|sun (?:is )?set(?:s|ting)|dusk|sunrises?|dawn|sun (?:goes|going) down"
            r"|setting sun|sun down",
            "a silhouette": r"silhouett\w+",
            "sunshine": r"sunny|sunshine|sunlight|bright(?:ly)? (?:sun|lit|day)|sunlit|(?:in|under) the sun"
            r"|sun (?:is )?shin\w+",
            "rain": r"rain(?:s|ing|y|coats?)?|downpour|rainstorm",
            "fog": r"fog(?:gy)?|mist(?:y)?|haz[ey]",
            "a fire": r"(?:camp|bon)?fires?(?! (?:hydrant|truck|engine|man|fighter|escape|station|place))"
            r"|flames?|firework\w*|burning",
            "coloured lights": r"(?:neon|colou?red|christmas|stage|city|street|bright) lights?|lights|laser|lit up",
            "a reflection in water": r"reflect\w*",
        },
    }
)
