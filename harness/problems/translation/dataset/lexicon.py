"""The words that sentences are made of, with what they can be combined with. Earlier words of a list are more frequent.

Promises: nouns and adjectives know which kinds go together, verbs which subjects and objects they take, so that most
sentences are ones that somebody could say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.problems.translation.dataset import english, french
from harness.problems.translation.dataset.english import EnglishVerb
from harness.problems.translation.dataset.french import Conjugation

#: kind: gender, French (irregular plural behind a slash), English (the same), English where it is somebody's own (-: it
#: is nobody's).
_NOUNS = """
person: m homme man/men -, f femme woman/women wife/wives, m garçon boy, f fille girl daughter, m enfant child/children,
    m ami friend, f mère mother, m père father, f sœur sister, m frère brother, m professeur teacher, m voisin neighbor,
    f voisine neighbor, m médecin doctor, f amie friend, m étudiant student, f étudiante student, f tante aunt,
    m oncle uncle, f reine queen -, m roi king -, f infirmière nurse, m facteur mailman/mailmen, m héros hero/heroes -
animal: m chat cat, m chien dog, m oiseau bird, m cheval horse, m lapin rabbit, f vache cow, f souris mouse/mice,
    m âne donkey, f abeille bee, m hibou/hiboux owl
food: f pomme apple, m gâteau cake, m œuf/œufs egg, f orange orange, f tomate tomato, m biscuit cookie,
    f fraise strawberry, m haricot bean
dish: m pain bread, m fromage cheese, f viande meat, m riz rice, f soupe soup, m chocolat chocolate, f confiture jam
drink: f eau water, m café coffee, m lait milk, m thé tea, m vin wine
thing: f clé key, m sac bag, f lampe lamp, m couteau knife/knives, m verre glass, f assiette plate, f fleur flower,
    m cadeau gift, m téléphone phone, f bouteille bottle, m parapluie umbrella, m ordinateur computer, f échelle ladder,
    m outil tool, m ballon ball
furniture: f table table, f chaise chair, m lit bed, m bureau desk
opening: f porte door, f fenêtre window, f boîte box, m tiroir drawer
text: m livre book, f lettre letter, m journal newspaper, f histoire story, m poème poem, m article article
vehicle: f voiture car, m vélo bike, m bateau boat, m camion truck
transport: m train train, m bus bus, m avion plane
clothes: f robe dress, f chemise shirt, m chapeau hat, m manteau coat, f jupe skirt, f écharpe scarf/scarves
place: f maison house, f école school, m jardin garden, f gare station, m marché market, f plage beach, m musée museum,
    m restaurant restaurant, f bibliothèque library, m parc park, m hôtel hotel, f église church, m château castle,
    m hôpital hospital, f île island, f forêt forest, m village village, f ville city
"""

#: French masculine, feminine, English, its comparative (-: with more; =: none); the kinds of nouns. `<` in front: it
#: stands before the noun.
_ADJECTIVES = """
<petit petite small smaller: person animal food thing furniture opening vehicle place
<grand grande big bigger: animal thing furniture opening vehicle place
<grand grande tall taller: person
<vieux vieille old older: person animal thing furniture opening text vehicle clothes place
<jeune jeune young younger: person animal
<beau belle beautiful -: animal place clothes
<nouveau nouvelle new newer: thing furniture text vehicle clothes place
<bon bonne good better: food dish drink text
<mauvais mauvaise bad worse: food dish drink text
<joli jolie pretty prettier: thing clothes place
<gros grosse fat fatter: animal
rouge rouge red =: food thing furniture opening vehicle clothes
noir noire black =: animal thing furniture opening vehicle clothes
blanc blanche white =: animal thing furniture opening vehicle clothes
vert verte green =: thing furniture opening vehicle clothes
bleu bleue blue =: thing furniture opening vehicle clothes
gris grise gray =: animal thing vehicle clothes
content contente happy happier: person
triste triste sad sadder: person text
fatigué fatiguée tired -: person animal
intelligent intelligente smart smarter: person animal
riche riche rich richer: person
célèbre célèbre famous -: person text place
drôle drôle funny funnier: person text
gentil gentille kind kinder: person
malade malade sick =: person animal
courageux courageuse brave braver: person
paresseux paresseuse lazy lazier: person animal
cher chère expensive -: food dish drink thing furniture clothes vehicle
sale sale dirty dirtier: thing furniture clothes vehicle
propre propre clean cleaner: thing furniture clothes vehicle
lourd lourde heavy heavier: thing furniture opening
léger légère light lighter: thing clothes
froid froide cold colder: dish drink
chaud chaude hot hotter: dish drink
rapide rapide fast faster: animal vehicle transport
lent lente slow slower: animal vehicle transport
intéressant intéressante interesting -: text place
difficile difficile difficult -: text
tranquille tranquille quiet quieter: place
vide vide empty =: opening transport place
"""

#: Infinitive | English | kinds of objects | what is special. animal: animals do it, too; lasts: a state, whose English
#: has no -ing; past: it has a compound past all the same; alone: its object is no pronoun, for
#: either the verb has none or its English would be in doubt; some: its object is some, not the, coffee.
#: people: its object pronouns are him and her, those of others it. à, de: how its object is joined to it.
_TRANSITIVE = """
voir | see/saw/seen | person animal thing vehicle | animal people lasts past
aimer | like | person animal food dish text | lasts people
avoir | have/had/had | animal thing vehicle text clothes | lasts alone
chercher | look for | animal thing text clothes | animal
manger | eat/ate/eaten | food dish | animal
acheter | buy/bought/bought | food dish thing vehicle clothes text furniture
regarder | look at | person animal place thing | animal people
trouver | find/found/found | thing text animal food | animal
connaître | know/knew/known | person | lasts people
attendre | wait for | person transport | people
boire | drink/drank/drunk | drink | animal
lire | read/read/read | text
écrire | write/wrote/written | text
aider | help | person | people
ouvrir | open | opening
fermer | close | opening
perdre | lose/lost/lost | thing clothes text
appeler | call | person | people
vendre | sell/sold/sold | food dish thing vehicle clothes furniture
porter | wear/wore/worn | clothes | alone
porter | carry | thing furniture | alone
inviter | invite | person | people
écouter | listen to | person | people
vouloir | want | food dish drink thing | lasts
rencontrer | meet/met/met | person | people
préparer | prepare | dish food
laver | wash | clothes vehicle animal
finir | finish | text
choisir | choose/chose/chosen | clothes text food
oublier | forget/forgot/forgotten | thing clothes text
conduire | drive/drove/driven | vehicle
prendre | take/took/taken | thing transport
prendre | have/had/had | drink | alone some
parler | talk to | person | à
téléphoner | call | person | à
répondre | answer | person | à
penser | think/thought/thought about | person vehicle place | à
"""

#: Infinitive | English | what is special. être: its compound past has être; se: reflexive; to: it goes with a place.
_INTRANSITIVE = """
dormir | sleep/slept/slept | animal
travailler | work
chanter | sing/sang/sung
courir | run/ran/run | animal
danser | dance
marcher | walk | animal
nager | swim/swam/swum | animal
pleurer | cry
rire | laugh
jouer | play | animal
voyager | travel
aller | go/went/gone | être to
venir | come/came/come | être
arriver | arrive | être
partir | leave/left/left | être
rester | stay | être animal
tomber | fall/fell/fallen | être animal
rentrer | come/came/come home | être
sortir | go/went/gone out | être
lever | get/got/gotten up | être se
coucher | go/went/gone to bed | être se
reposer | rest | être se animal
promener | take/took/taken a walk | être se
habiller | get/got/gotten dressed | être se
"""

#: Infinitive | English: gives something to somebody, and English names the person first.
_GIVING = """
donner | give/gave/given
montrer | show/showed/shown
envoyer | send/sent/sent
vendre | sell/sold/sold
"""

#: Infinitive | English: what pleases or is missed is the subject in French and the object in English.
_TURNED = """
plaire | like
manquer | miss
"""

#: What French has and English is: `avoir faim`, `be hungry`.
STATES = (
    ("faim", "hungry"), ("soif", "thirsty"), ("froid", "cold"), ("chaud", "hot"), ("raison", "right"),
    ("sommeil", "sleepy"), ("tort", "wrong"),
)  # fmt: skip

#: Adjectives that are not said in front of these nouns, where they would mean something else (`petit ami`: boyfriend);
#: `grand` in front of any person is great, and not tall.
MISLEADING = {
    "petit": ("ami", "amie", "père", "mère"), "vieux": ("garçon", "fille", "enfant"), "jeune": ("père", "mère"),
}  # fmt: skip

NAMES = (
    ("paul", False), ("marie", True), ("pierre", False), ("anne", True), ("louis", False), ("julie", True),
    ("thomas", False), ("sophie", True),
)  # fmt: skip


@dataclass(frozen=True)
class Noun:
    """A noun in both languages: singular and plural."""

    kind: str
    feminine: bool
    french: tuple[str, str]
    english: tuple[str, str]
    owned: tuple[str, str]
    """What English calls somebody's own: a wife, a daughter."""
    ownable: bool = True

    @property
    def is_mass(self) -> bool:
        """Whether it is measured, not counted."""
        return self.kind in ("dish", "drink")


@dataclass(frozen=True)
class Adjective:
    """An adjective in both languages."""

    masculine: str
    feminine: str
    english: str
    comparative: tuple[str, ...]
    before: bool
    """Whether it stands before the noun in French."""
    rank: int
    """Of its place before the English noun: what one thinks of it, its size, its age, its colour."""
    kinds: tuple[str, ...]

    def form(self, *, feminine: bool, several: bool) -> str:
        """The French form that agrees."""
        if feminine:
            return french.plural(self.feminine) if several else self.feminine
        return french.plural(self.masculine) if several else self.masculine


@dataclass(frozen=True)
class Verb:
    """A verb in both languages, with the kinds of its objects."""

    french: Conjugation
    english: EnglishVerb
    objects: tuple[str, ...] = ()
    marks: frozenset[str] = frozenset()

    @property
    def lasts(self) -> bool:
        """Whether it names a state, which English does not put into the progressive."""
        return "lasts" in self.marks

    @property
    def subjects(self) -> tuple[str, ...]:
        """Kinds of its subjects."""
        return ("person", "animal") if "animal" in self.marks else ("person",)


_ORDER = (("small", "big", "tall", "fat"), ("old", "young", "new"), ("red", "black", "white", "green", "blue", "gray"))


def _rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]


def _nouns(text: str) -> dict[str, tuple[Noun, ...]]:
    kinds: dict[str, tuple[Noun, ...]] = {}
    for line in text.strip().replace(",\n    ", ", ").splitlines():
        kind, _, rest = line.partition(": ")
        kinds[kind] = tuple(_noun(kind, *each.split()) for each in rest.split(", "))
    return kinds


def _noun(kind: str, gender: str, told: str, translation: str, owned: str = "") -> Noun:
    translated = _two(translation, english.plural)
    owned_by = _two(owned, english.plural) if owned.strip("-") else translated
    return Noun(kind, gender == "f", _two(told, french.plural), translated, owned_by, owned != "-" and kind != "place")


def _two(told: str, regular: Callable[[str], str]) -> tuple[str, str]:
    """Singular and plural, which follows a slash where it is irregular."""
    one, _, several = told.partition("/")
    return one, several or regular(one)


def _adjective(line: str) -> Adjective:
    words, _, kinds = line.partition(": ")
    masculine, feminine, translation, comparative = words.split()
    more = {"-": ("more", translation), "=": ()}.get(comparative, (comparative,))
    before = masculine.startswith("<")
    rank = next((at for at, known in enumerate(_ORDER, start=1) if translation in known), 0)
    return Adjective(masculine.removeprefix("<"), feminine, translation, more, before, rank, tuple(kinds.split()))


def _transitive(infinitive: str, translation: str, objects: str, marks: str = "") -> Verb:
    return Verb(
        french.conjugate(infinitive), english.verb(translation), tuple(objects.split()), frozenset(marks.split())
    )


def _intransitive(infinitive: str, translation: str, marks: str = "") -> Verb:
    return _transitive(infinitive, translation, "", marks)


NOUNS: Mapping[str, Sequence[Noun]] = _nouns(_NOUNS)
ADJECTIVES = tuple(_adjective(line) for line in _ADJECTIVES.strip().splitlines())
TRANSITIVE = tuple(_transitive(*row) for row in _rows(_TRANSITIVE))
INTRANSITIVE = tuple(_intransitive(*row) for row in _rows(_INTRANSITIVE))
GIVING = tuple(_intransitive(*row) for row in _rows(_GIVING))
TURNED = tuple(_intransitive(infinitive, translation, "lasts") for infinitive, translation in _rows(_TURNED))
BE = Verb(french.conjugate("être"), EnglishVerb("be", "is", "was", "been", "being"), marks=frozenset({"lasts"}))
HAVE = french.conjugate("avoir")
