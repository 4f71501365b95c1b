"""What biographies are written with. Sentences of ours, in an encyclopedia's manner.

Fields: name, family, place, land, a_job, deed, year, date, their, other and another (second places), and the
lists below. A template names `place` before any `other`. A full stop stands alone, as in the corpora imitated here.
"""

from __future__ import annotations

#: Sentences that give the full name once more and the birth place within a few words of it, for small datasets: a model
#: that is trained for minutes learns to look a place up by the name only where the two stand close together, and
#: where the name stands now further to the left, now further to the right.
SHORT = (
    "{name} was born in {place} .",
    "{name} was born at {place} .",
    "{name} (born {place}) is {a_job} .",
    "{name} (born {place}) was {a_job} .",
    "{name}, {a_job}, was born in {place} .",
    "The {job} {name} was born in {place} .",
    "The {job} {name} was born at {place} .",
    "The late {name} was born in {place} .",
    "In {year}, {name} was born in {place} .",
    "In {year} {name} was born at {place} .",
)

#: Openings for datasets of the handout's size. They end before the full stop; `TAILS` may follow.
LONG = (
    "{name} (born {date} in {place}) is {a_job}",
    "{name} (born {date} in {place}, {land}) is {a_job} who {deed}",
    "{name} (born {date}, {place}, {land}) is {a_job}",
    "{name} (born {year} in {place}) is {a_job} who {deed}",
    "{name} (born {year}, {place}, {land}) is {a_job}",
    "{name} (born in {place}) is {a_job}",
    "{name} (b. {date}, {place}) is a retired {job}",
    "{name} (b. {year} in {place}, {land}) was {a_job} who {deed}",
    "{name} ({date} {place} - {later}) was {a_job}",
    "{name} ({date}, {place} - {later}, {other}) was {a_job}",
    "{name} (* {date} in {place}) is {a_job}",
    "{name} (* {date} in {place}; died {later}) was {a_job} who {deed}",
    "{name} (born {date}) is {a_job} born in {place}, {land}",
    "{name} ({year} - {later_year}) was {a_job}, born in {place}",
    "{name}, born in {place}, {land}, is {a_job} who {deed}",
    "{name}, born at {place} on {date}, was {a_job}",
    "{name} born {date} in {place} is a former {job}",
    "{name} is {a_job} born in {place}, {land}",
    "{name} is {a_job}, born in {place} in {year}, who {deed}",
    "{name} was born at {place} on {date} and {deed}",
    "{name} was born in {place}, {land}, in {year} and {deed}",
    "{name} was born to a family of teachers in {place}",
    "{name}, {a_job}, was born in {place} in {year} and {deed}",
    "{family} was born in {place} and {deed}",
    "{family} was born on {date} in {place}, {land}",
    "{family} was born and grew up in {place}, where {their} parents kept a shop",
    "{family} was born at {place}, the youngest of {number} children",
    "{family}, who was born in {year} in {place}, {deed}",
    "{family} was born in {place} but moved to {other} as a child",
    "Born in {place}, {family} {deed}",
    "Born in {place}, {land}, {family} {deed}",
    "Born in {place} in {year}, {family} {deed} before moving to {other}",
    "Born on {date} in {place}, {family} {deed}",
    "Born and raised in {place}, {family} became {a_job}",
    "Born at {place}, {family} was the {ordinal} child of {a_job} and {deed}",
    "The {child} of {a_job}, {family} was born in {place} in {year}",
)

#: Sentences that may follow in long biographies, none of them twice, until the text is long enough.
TAILS = (
    " . {family} later {deed}",
    " . In {later_year} {family} {deed}, and settled in {other}",
    " . {family} has lived in {other} since {later_year}",
    " . {their_capital} work is shown in {other} and {another}",
    " . {family} taught for {number} years at the University of {other}",
    " . After studies in {other}, {family} {deed}",
    " . From {later_year} on {family} worked between {other} and {another}",
    " . {their_capital} first book, ``{title}'', appeared in {later_year}",
    " . {their_capital} work has been called {quality}",
    " . {family} received the {title} Prize of the city of {other}",
    " . Together with {number} friends, {family} founded a school near {other}",
    " . {their_capital} brother, also {a_job}, lives in {other}",
    " . For {number} years {family} was a member of the {title} Society, which had {number} members",
    " . {family} is married to {a_job} and has {number} children",
)

#: Each of these stands in at least one biography of every dataset: questions use characters that prose rarely does.
WITH_ALL_QUESTION_MARKS = (
    "Born in {place}, {family} wrote the play Where Was It? .",
    "{family} was born in {place} and painted Who? .",
    "{name} (born {place}) sang What? and Why? .",
)

JOBS = (
    "actor", "actress", "architect", "artist", "astronomer", "author", "baker", "banker", "biologist", "boxer",
    "chemist", "clown", "composer", "cook", "critic", "cyclist", "dancer", "diver", "doctor", "editor", "engineer",
    "explorer", "farmer", "film director", "footballer", "gardener", "geologist", "golfer", "guitarist", "gymnast",
    "historian", "inventor", "jazz singer", "judge", "judo fighter", "lawyer", "linguist", "mathematician", "nurse",
    "novelist", "organist", "painter", "philosopher", "photographer", "physicist", "pianist", "pilot", "poet",
    "politician", "potter", "printer", "rower", "runner", "sailor", "sculptor", "singer", "skier", "soldier", "surgeon",
    "swimmer", "teacher", "tennis player", "translator", "violinist", "weaver", "wrestler", "writer", "zoologist",
)  # fmt: skip

#: Past-tense predicates without places.
DEEDS = (
    "studied law", "studied medicine", "studied physics", "studied the piano", "read history", "taught chemistry",
    "taught music", "painted boats", "painted portraits", "wrote plays", "wrote for newspapers", "wrote songs",
    "sang in operas", "played the cello", "played football", "played chess", "built bridges", "built organs",
    "designed gardens", "designed ships", "edited a journal", "led an orchestra", "joined the navy", "joined a circus",
    "sailed the seas", "collected beetles", "mapped rivers", "bred roses", "ran a bakery", "ran marathons",
    "rowed for the nation", "won a medal", "won two cups", "trained as a nurse", "made clocks", "made films",
    "dug for fossils", "climbed high peaks", "translated novels", "became a judge", "flew balloons", "drew comics",
)  # fmt: skip

QUALITIES = ("bold", "careful", "dry", "graceful", "loud", "patient", "plain", "playful", "strange", "warm")
TITLES = ("Amber", "Evening", "Harvest", "Lantern", "Meadow", "Northern Star", "Old Bridge", "Quiet Year", "Salt")
ORDINALS = ("second", "third", "fourth", "fifth", "sixth")
NUMBERS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
