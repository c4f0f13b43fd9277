"""Things that photos of people and dogs, as in Flickr8k, show: queries, each with a pattern over captions.

The syntax of a pattern is that of `benchmarks.data.named_things`.
"""

from benchmarks.data.named_things import name_things

__all__ = ["COMMON"]

# Groups of words; the patterns below are made of them.
MAN = r"(?:m[ae]n|guys?|gentlem[ae]n|father|dad|groom|cowboys?|businessm[ae]n|policem[ae]n|fisherm[ae]n)"
WOMAN = r"(?:wom[ae]n|lad(?:y|ies)|mother|mom|bride|businesswom[ae]n)"
BOY = r"(?:boys?|little leaguers?|schoolboys?)"
GIRL = r"(?:girls?|schoolgirls?|cheerleaders?)"
BABY = r"(?:baby(?! (?:pool|carriage|stroller|blue))|babies|infants?|toddlers?)"
CHILD = rf"(?:child(?:ren)?|kids?|{BOY}|{GIRL}|{BABY})"
ROLE = r"\w*(?:skier|surfer|biker|cyclist|climber|hiker|skater|boarder|swimmer|runner|racer|rider|jumper|player|kayaker"
ROLE += r"|diver|dancer|rollerblader|wrestler|goalie|sledder|rafter|sailor|parasailer|rower|wakeboarder)s?"
PERSON = rf"(?:{MAN}|{WOMAN}|{CHILD}|{ROLE}|people|persons?|someone|adults?|teen(?:ager)?s?|teens|individuals?|males?"
PERSON += r"|females?|couple(?! of)|crowds?|spectators?|performers?|workers?|athletes?|soldiers?|students?|friends?)"
PEOPLE = r"(?:people|persons|men|women|boys|girls|children|kids|adults|guys|ladies|teen(?:ager)?s|friends|babies"
PEOPLE += r"|toddlers|males|females"
PEOPLE += r"|\w*(?:skier|surfer|biker|cyclist|climber|hiker|boarder|runner|player|racer|rider|wrestler)s)"
DOG = r"(?<!hot )(?:dogs?|pup(?:py|pies|s)?|doggies|greyhounds?|terriers?|poodles?|collies?|retrievers?|dalmatians?"
DOG += r"|labradors?|dachshunds?|german shepherds?|husk(?:y|ies)|bulldogs?|pit ?bulls?|dobermans?|beagles?)"
DOGS = r"(?<!hot )(?:dogs|puppies|pups|doggies|greyhounds|terriers|poodles|collies|retrievers|huskies)"
BIKE = r"(?:dirt |mountain |bmx |trick |racing )?(?:bicycles?|bikes?)"
PEDAL_BIKE = r"(?:bicycles?|\w*bicycling|bicyclists?|cyclists?|bmx|mountain bik\w+|(?<!dirt )(?<!motor )bikes?)"
MOTORBIKE = r"(?:motorcycl\w+|motor ?bik\w+|motocross|dirt bik\w+|dirtbik\w+|motorist|mopeds?)"
BALL = r"(?:soccer|tennis|basket|foot|base|volley|beach|golf|soft)? ?balls?"
BALL += r"(?! (?:caps?|hats?|helmets?|gowns?|uniforms?|jerseys?|players?|games?|teams?|fields?|courts?))"
RUN = r"(?:run(?:s|ning)?|sprint\w*|rac(?:es|ing)|gallop\w*|dash\w*|chas(?:e|es|ing))"
JUMP = r"(?:jump(?:s|ing|ed)?|leap(?:s|ing|t)?|hurdl\w+|mid ?air|airborne|in the air|vault\w*)"
PLAY = r"(?:play(?:s|ing|ed)?)"
SWIM = r"(?:swim(?:s|ming)?|paddl(?:es|ing))"
RIDE = r"(?:rid(?:e|es|ing|den)|rode|biking|cycl\w+|pedal\w*|on)"
SIT = r"(?:sits?|sitting|seated|sat)"
# Words between a number or a colour and the noun that it belongs to; no nouns or verbs, which would link two things.
ADJECTIVE = r"(?:(?:and|a|very|young|small|little|large|big|huge|old|older|elderly|tall|long|short|tan|black|white"
ADJECTIVE += r"|brown|red|blue|green|yellow|orange|pink|purple|gr[ae]y|golden|gold|dark|light|bright|brightly|neon"
ADJECTIVE += r"|colou?red|colou?rful|striped|plaid|wet|furry|fluffy|muddy|happy|smiling|asian|african|american"
ADJECTIVE += r"|japanese|indian|blonde?|brunette|haired|shirtless|teenage|male|female|adult|middle|aged|other"
ADJECTIVE += (
    r"|different|similar|matching|sleeveless|sleeved|floral|flowered|plastic|wooden|metal|toy|race|racing|sports?"
)
ADJECTIVE += r"|team|winter|puffy|hooded|knit|polka|dotted|t|tank|of|the|military|soccer|hockey|football|baseball) )*"
TOP = r"(?:shirts?|tshirts?|tops?|jerseys?|blouse|sweaters?|sweatshirts?|hoodies?|tee)"
COAT = r"(?:jackets?|coats?|parkas?|snowsuits?|vests?)"
CLOTHES = rf"(?:{TOP}|{COAT}|suits?|uniforms?|outfits?|clothes|clothing|costumes?|dress(?:es)?)"
WATER = r"(?:water|pool|lake|ocean|sea|river|pond|stream|creek|waves?|surf|sprinklers?|fountain|puddles?)"

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
            "an old man": rf"(?:old|older|elderly) {ADJECTIVE}{MAN}",
            "a family": r"famil(?:y|ies)(?! room)|parents|(?:mother|father|mom|dad)",
            "a bride": r"brides?|wedding",
            "a football player": r"football players?|football team|american football|football (?:game|uniforms?)",
            "a performer on a stage": r"(?:on ?stage|stage)",
            "a police officer": r"(?:police(?! dog)\w*|cops?|police officers?)",
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
            "a spotted dog": rf"spotted {ADJECTIVE}{DOG}|{DOG} with (?:\w+ ){{0,3}}spots|dalmatians?",
            "a greyhound": r"greyhounds?|muzzled dogs|racing dogs?|dog race",
            "a german shepherd": r"german shepherds?|shepherd dog",
            "a poodle": r"poodles?",
            "a horse": r"(?:horses?|ponys?|ponies|horseback|bronco)(?! (?:around|shoe))",
            "a cat": r"(?<!hello )(?:cats?|kittens?|kitty)",
            "a bird": r"(?:birds?|ducks?|geese|goose|pigeons?|seagulls?|swans?|eagles?|parrots?|hawks?"
            r"|herons?|flamingos?)",
            "a cow": r"(?<!pit )(?:cows?|bulls?|cattle|calf|calves)(?! (?:dog|terrier|mastiff))",
            "sheep": r"sheep|lambs?|goats?",
        },
        "things": {
            "a bicycle": PEDAL_BIKE,
            "a motorcycle": MOTORBIKE,
            "a skateboard": r"skate ?board\w*",
            "a car": r"(?<!train )(?<!subway )(?<!cement )(?:race ?)?(?:cars?|suv|automobiles?|jeeps?|vans?|taxis?)",
            "a truck": r"(?:trucks?|pick ?up)",
            "a bus": r"(?:bus|buses)(?! (?:stop|shelter|station))",
            "a train": r"trains?(?! dogs?)|subway (?:car|train)|locomotive",
            "a boat": r"(?:boats?|canoes?|sailboats?|rowboats?|ships?|kayaks?|rafts?|speedboats?)",
            "a guitar": r"guitars?|guitarists?",
            "a musical instrument": r"(?:guitars?|guitarists?|instruments?|violins?|drums?|drummers?"
            r"|saxophones?|accordions?"
            r"|flutes?|bagpipes?|trumpets?|pianos?|cellos?|tubas?|harmonica|trombones?|(?<!laptop )keyboard)",
            "food on a table": r"foods?|meals?|dinner|lunch|breakfast|eat(?:s|ing)?|dishes|cakes? AND tables?"
            r"|restaurant|picnic|counter|kitchen",
            "ice cream": r"ice cream|popsicles?|lollipops?",
            "a birthday cake": r"(?:cup)?cakes?",
            "a tent": r"tents?|camping(?! chair)|campsite",
            "an umbrella": r"umbrellas?|parasols?",
            "a bench": r"bench(?:es)?",
            "a bed": r"(?<!truck )(?<!flower )(?:beds?|mattress|crib|bunks?)",
            "a sofa": r"couch|couches|sofas?|loveseat|futon",
            "a book": r"books?|novel",
            "a newspaper": r"newspapers?",
            "a computer": r"computers?|laptops?|monitor",
            "a flag": r"flags?(?! football)",
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
            "a cigarette": rf"cigarettes?|cigars? OR {PERSON} AND smok(?:es|ing)",
            "soap bubbles": r"(?<!of )bubbles",
            "a gun": r"(?<!water )(?<!squirt )(?<!paintball )guns?|rifles?|pistols?",
        },
        "scenes": {
            "a beach": r"beach(?:es)?(?! ball)|seashore|sea shore|(?:sandy|ocean|sea) shore\w*",
            "snow": r"snow\w*|ski(?:s|ing|er|ers)?|sled(?:s|ding)?",
            "mountains": r"mountain(?:s|ous|side|top|tops|range)?(?! (?:bik|dew))|snowcapped|alps",
            "a forest": r"forests?|woods|wooded|woodlands?|jungle",
            "a city street": r"streets?|downtown|crosswalk|intersection|city (?:street|sidewalk|road)s?"
            r"|urban (?:area|setting|street)",
            "a swimming pool": r"(?:swimming |kiddie |wading |inflatable |outdoor |indoor |plastic |blue "
            r"|kid )?pools?(?! table)",
            "the sea": r"ocean|sea(?! lion)|surf(?:s|ing|er|ers)?|beach(?! ?(?:ball|volleyball|towel))",
            "a lake": r"lakes?|lakeside",
            "a river": r"rivers?|streams?|creeks?|rapids",
            "a waterfall": r"waterfalls?",
            "a desert": r"deserts?|dunes?",
            "a field of grass": r"grass\w*|(?:green|open) (?:field|lawn|meadow)|meadows?|lawn",
            "a park": r"(?<!amusement )(?<!skate )(?<!skateboard )(?<!skateboarding )parks?(?!ed)(?!ing)",
            "a playground": r"playgrounds?|jungle gym|monkey bars|swing ?set|play ?ground|play structure",
            "a restaurant": r"restaurants?|cafes?|diner|cafeteria|(?:at|in|inside) (?:a|the) (?:crowded |busy "
            r"|dark )?bar",
            "a market": r"(?<!super )markets?|market ?place|vendors?|bazaar|(?:fruit|vegetable|food|produce"
            r"|market) (?:stand|stall)s?",
            "a subway station": r"subway|train station|metro|underground station|train platform",
            "a race track": r"race ?tracks?|(?:dirt|racing|race|running|motocross) tracks?|race ?course|speedway",
            "a skate park": r"skate ?parks?|skateboard(?:ing)? (?:park|ramp)s?|half ?pipe|skate (?:ramp|bowl)",
            "a fairground ride": r"carnival|amusement|fairground|roller ?coasters?|ferris|merry go round"
            r"|carousel|fair ride",
            "a rocky cliff": r"cliffs?|rock (?:face|wall|cliff|formation)s?|canyon|precipice",
            "an ice rink": r"(?:ice|skating|hockey|roller) rinks?|rink|ice hockey|ice ?skat\w+|hockey puck"
            r"|(?<!field )(?<!lawn )(?<!street )(?<!roller )hockey (?:game|match|players?|team)",
            "a parade": r"parades?|marching",
        },
        "colours": {
            "a red car": rf"red {ADJECTIVE}(?:cars?|race ?cars?|jeep|suv|van|vehicle)",
            "a girl in a pink dress": rf"{GIRL}|{CHILD} AND pink {ADJECTIVE}(?:dress|dresses|gown)",
            "a man in a red shirt": rf"{MAN}|person|player AND red {ADJECTIVE}{TOP}",
            "a boy in a blue shirt": rf"{BOY}|child|kid|toddler AND blue {ADJECTIVE}{TOP}",
            "a woman in a black dress": rf"{WOMAN}|{GIRL} AND black {ADJECTIVE}(?:dress|dresses|gown)",
            "a yellow jacket": rf"yellow {ADJECTIVE}(?:{COAT}|raincoat)",
            "a green shirt": rf"green {ADJECTIVE}{TOP}",
            "a white dress": rf"white {ADJECTIVE}(?:dress|dresses|gown)|bride",
            "a red ball": rf"red {ADJECTIVE}{BALL}",
            "a blue jacket": rf"blue {ADJECTIVE}{COAT}",
            "a red jacket": rf"red {ADJECTIVE}{COAT}",
            "a red bicycle": rf"red {ADJECTIVE}(?:mountain |bmx |trick )?(?:bicycles?|bikes?) AND ^(?!.*(?:motor"
            rf"|dirt bik|moto)).+",
            "a yellow kayak": rf"yellow {ADJECTIVE}(?:kayaks?|canoes?|rafts?)",
            "colourful clothes": rf"(?:colou?rful|multi ?colou?red|brightly colou?red) {ADJECTIVE}(?:{CLOTHES}"
            rf"|attire|skirts?)",
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
            "two people": rf"(?:two|2) {ADJECTIVE}{PEOPLE}|couple(?! of)|(?:man"
            rf"|boy) and (?:a )?{ADJECTIVE}(?:woman|girl|man"
            rf"|boy)|(?:woman|girl) and (?:a )?{ADJECTIVE}(?:man|boy|woman|girl)|another {ADJECTIVE}(?:person"
            rf"|man|woman|boy|girl)",
            "three people": rf"(?:three|3) {ADJECTIVE}{PEOPLE}",
            "four people": rf"(?:four|4) {ADJECTIVE}{PEOPLE}",
            "five people": rf"(?:five|5) {ADJECTIVE}{PEOPLE}",
            "a crowd": r"crowd(?:s|ed)?|audience|many people|lots of people|spectators|large group",
            "a group of people": rf"(?:group|bunch|crowd|lots?|many|several|team"
            rf"|gathering) (?:of )?{ADJECTIVE}{PEOPLE}|crowd",
            "a group of children": rf"(?:group|bunch|several|many|lots|three|four|five|six) (?:of )?{ADJECTIVE}"
            r"(?:children|kids|boys|girls|toddlers)",
        },
        "actions": {
            "someone climbing a rock": r"climb\w*|scal(?:es|ing)|rappel\w*|bouldering AND rocks?|rocky|cliffs?"
            r"|boulders?|rock ?face OR rock ?climb\w*",
            "a dog running": rf"{DOG} AND (?:{RUN}|bounds|bounding)",
            "a dog jumping": rf"{DOG} AND {JUMP} AND ^(?!.*(?:ball|legs|paws) in the air).+",
            "a dog swimming": rf"{DOG} AND {SWIM}",
            "a dog with a stick": rf"{DOG} AND (?:sticks?(?! out)|branch(?:es)?|twigs?|log)",
            "a dog with a ball": rf"{DOG} AND {BALL}",
            "a dog catching a frisbee": rf"{DOG} AND (?:frisbees?|dis[ck])",
            "a dog running through snow": rf"{DOG} AND snow\w* AND (?:{RUN}|{PLAY}|{JUMP}|walk\w*|bound\w*)",
            "a dog playing with another dog": rf"{DOGS} AND {PLAY}|fight\w*|wrestl\w*|bit\w+|chas\w+|tug\w*|each other",
            "a man on a bicycle": rf"(?:{MAN}|{BOY}|person|cyclists?|bikers?|bicyclists?|riders?)"
            rf" AND {PEDAL_BIKE}",
            "riding a horse": rf"(?:horses?|ponies|pony|bronco|bulls?) AND {PERSON} AND {RIDE}|jockey OR horseback",
            "surfing": r"surf(?:s|ing|ed|board|boards)|(?<!snow )surfers?|(?:rid|catch)\w* (?:\w+ )?(?:\w+ )?waves?"
            r"|body ?board\w*|boogie ?board\w*",
            "skiing": r"(?<!water )(?<!jet )(?:skis|skiing|skiers?)",
            "snowboarding": r"snow ?board\w*",
            "a skateboarder doing a trick": r"skate ?board\w*|skaters? AND tricks?|jump\w*|ramps?|rail\w*"
            r"|grind\w*|air\w*|stunts?|flip\w*",
            "playing soccer": rf"soccer AND {PERSON} AND play\w*|match|game|kick\w*|teams?|goal|field|go(?:es"
            rf"|ing)? after|dribbl\w*",
            "playing basketball": r"basketball\w*|dunk\w*",
            "playing tennis": r"tennis (?:player|match|game|court|racke?t|racquet)s?|play(?:s|ing)? tennis|tennis"
            r" AND racke?ts?|racquets?",
            "playing baseball": r"(?:baseball|softball|tee ball)(?! (?:cap|hat|shirt|jersey)s?)|batter"
            r"|little league\w*|umpire AND ^(?!.*(?:dog|cricket)).+",
            "playing volleyball": r"volley ?ball",
            "playing ice hockey": r"ice hockey|hockey puck"
            r"|(?<!field )(?<!lawn )(?<!street )(?<!roller )hockey (?:game|match|players?|team)"
            r" OR hockey AND ice|rink|puck|goalie",
            "people dancing": r"danc(?:e|es|ing|ers?|ed)",
            "someone sleeping": rf"sleep(?:s|ing)?|asleep|nap(?:s|ping)? AND {PERSON}",
            "someone eating": rf"eat(?:s|ing)?|ate|bit(?:es?|ing) into|lick\w* (?:\w+ ){{0,3}}(?:ice cream|lollipop"
            rf"|popsicle) AND {PERSON}",
            "someone drinking": rf"drink(?:s|ing)|sip(?:s|ping)? AND {PERSON} AND ^(?!.*dog).+",
            "someone reading": r"read(?:s|ing)(?= |$)(?! (?:know|card))",
            "two people hugging": rf"hug(?:s|ging|ged)?|embrac\w+|cuddl\w+ AND {PERSON}",
            "a kiss": r"kiss(?:es|ing|ed)?",
            "a boy jumping into a pool": rf"(?:{JUMP}|div(?:es|ing)|flips?) AND (?:pool|swimming) AND {PERSON}",
            "children playing in water": rf"{CHILD} AND (?:{PLAY}|splash\w*|swim\w*|jump\w*|wad\w+"
            rf"|run\w*) AND {WATER}",
            "a person fishing": r"fishing|fisherm[ae]n|fishes",
            "paddling a canoe": r"kayaking|kayaks|kayakers?|canoe(?:s|ing|ists?)|row(?:s|ing|ers?)"
            r"|(?:white ?water )?raft(?:ing|ers)"
            r" OR paddl\w+|rid\w+|sit\w*|in|steer\w*|navigat\w* AND kayak|canoe|rowboat",
            "wrestling": r"wrestl\w+|martial arts?|karate|judo|boxing|boxers?",
            "playing music": r"(?:play\w*|perform\w*|strum\w*) (?:\w+ ){0,4}(?:guitars?|music|instruments?"
            r"|violins?|drums?|saxophone"
            r"|accordion|flute|bagpipes?|trumpets?|pianos?|keyboard|banjo|harmonica)|musicians?|guitarist"
            r"|drummer|band|concert",
            "hiking in the mountains": r"hik(?:e|es|ing|ers?)|backpackers?|trek\w*|mountain climb\w+|mountaineer\w*",
            "sitting on a bench": rf"(?:{SIT}|rest\w*|sleep\w*|asleep|lay\w*|lying) AND bench(?:es)?",
            "walking a dog": rf"walk(?:s|ing)? (?:\w+ ){{0,3}}{DOG} AND {PERSON} OR {PERSON} AND {DOG}"
            rf" AND leash(?:es|ed)?",
            "crossing the street": r"cross(?:es|ing)? (?:\w+ ){0,3}(?:street|road|intersection)|crosswalk",
            "someone diving": rf"div(?:e|es|ing|ers?)|dove|snorkel\w*|scuba AND {PERSON}",
            "doing a handstand": r"hand ?stands?|cart ?wheels?|hand ?springs?|(?:stand|balanc)\w* on"
            r" (?:his|her|one) (?:hand|head)s?",
            "a race": r"rac(?:e|es|ing|ers?)|marathon|race ?track",
            "sledding in the snow": r"sled(?:s|ding|ge|ges|ging)?|toboggan\w*|(?:inner)? ?tub(?:e|es|ing)"
            r" AND snow\w*|hill|ice|icy|slope",
            "talking on the phone": r"(?:on|into|using|talk\w*) (?:on )?(?:a|his|her|the|their) (?:\w+ )?(?:(?:cell"
            r"|mobile)? ?(?<!camera )phones?|telephone)",
            "water skiing": r"water ?ski\w*|wake ?board\w*|jet ?ski\w*",
            "someone crying": r"cry(?:ing)?|cries|tears|sobbing",
        },
        "light": {
            "night": r"night(?:time|s)?|at dark|midnight|(?:in|after) (?:the )?dark",
            "a sunset": r"sunsets?|sun (?:is )?set(?:s|ting)|dusk|sunrises?|dawn|sun (?:goes|going) down"
            r"|setting sun|sun down",
            "a silhouette": r"silhouett\w+",
            "rain": r"rain(?:s|ing|y)?|rainstorm|downpour(?! of water)",
            "fog": r"fog(?:gy)?|mist(?:y)?|haz[ey]",
            "a fire": r"(?:camp|bon)?fire(?! (?:hydrant|truck|engine|m[ae]n|fighter|escape|station|place|a|s))"
            r"|flam(?:es?|ing)|bonfires|burning(?! rubber)",
            "coloured lights": r"(?:neon|colou?red|christmas|stage|city|street|bright) lights?|lights|laser|lit up",
            "a reflection in water": rf"reflect(?:s|ed|ing|ions?)|mirrored AND {WATER}|wet|shallow|shoreline",
        },
    }
)
