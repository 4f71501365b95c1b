"""The lands and languages that invented people come from, and in what proportions.

The proportions follow the assignment's usual encyclopedia, in which nearly half of all people come from
English-speaking lands; they are no statement about the world.
"""

from __future__ import annotations

from dataclasses import dataclass

#: The most frequent birth place, and its land.
TOP_PLACE = "London"
TOP_LAND = "GB"


@dataclass(frozen=True)
class Language:
    """A naming tradition: `locales` are Faker's, `region` groups neighbours between which people move most."""

    name: str
    region: str
    locales: tuple[str, ...]


@dataclass(frozen=True)
class Land:
    """A country: ISO code, English name, adjective, its languages, and its relative number of places."""

    code: str
    name: str
    adjective: str
    languages: tuple[str, ...]
    weight: int


LANGUAGES = {
    language.name: language
    for language in (
        Language("English", "north-west", ("en_GB", "en_US", "en_NZ")),
        Language("Irish", "north-west", ("en_IE",)),
        Language("French", "west", ("fr_FR", "fr_BE", "fr_CA")),
        Language("Dutch", "west", ("nl_NL", "nl_BE")),
        Language("German", "west", ("de_AT", "de_CH")),
        Language("Spanish", "south", ("es_ES", "es_MX", "es_CL", "es_CO")),
        Language("Portuguese", "south", ("pt_PT", "pt_BR")),
        Language("Italian", "south", ("it_IT",)),
        Language("Romanian", "south", ("ro_RO",)),
        Language("Swedish", "north", ("sv_SE",)),
        Language("Norwegian", "north", ("no_NO",)),
        Language("Danish", "north", ("da_DK",)),
        Language("Finnish", "north", ("fi_FI",)),
        Language("Estonian", "north", ("et_EE",)),
        Language("Latvian", "north", ("lv_LV",)),
        Language("Polish", "east", ("pl_PL",)),
        Language("Czech", "east", ("cs_CZ",)),
        Language("Slovak", "east", ("sk_SK",)),
        Language("Hungarian", "east", ("hu_HU",)),
        Language("Croatian", "east", ("hr_HR",)),
        Language("Slovene", "east", ("sl_SI",)),
        Language("Turkish", "orient", ("tr_TR",)),
        Language("Maghrebi", "orient", ("fr_DZ",)),
        Language("Pakistani", "orient", ("en_PK",)),
        Language("Indian", "orient", ("en_IN",)),
        Language("Indonesian", "far east", ("id_ID",)),
        Language("Japanese", "far east", ("ja_JP",)),
        Language("Chinese", "far east", ("zh_CN", "zh_TW")),
        Language("Thai", "far east", ("en_TH",)),
        Language("Yoruba", "africa", ("yo_NG",)),
        Language("Akan", "africa", ("tw_GH",)),
        Language("Kenyan", "africa", ("en_KE",)),
        Language("Zulu", "africa", ("zu_ZA",)),
    )
}

LANDS = (
    Land("GB", "United Kingdom", "British", ("English",), 150),
    Land("US", "United States", "American", ("English",), 170),
    Land("CA", "Canada", "Canadian", ("English", "English", "French"), 50),
    Land("AU", "Australia", "Australian", ("English",), 45),
    Land("NZ", "New Zealand", "New Zealand", ("English",), 15),
    Land("IE", "Ireland", "Irish", ("Irish",), 20),
    Land("FR", "France", "French", ("French",), 55),
    Land("BE", "Belgium", "Belgian", ("French", "Dutch"), 15),
    Land("NL", "Netherlands", "Dutch", ("Dutch",), 25),
    Land("DE", "Germany", "German", ("German",), 55),
    Land("AT", "Austria", "Austrian", ("German",), 12),
    Land("CH", "Switzerland", "Swiss", ("German", "German", "French", "Italian"), 12),
    Land("ES", "Spain", "Spanish", ("Spanish",), 25),
    Land("MX", "Mexico", "Mexican", ("Spanish",), 12),
    Land("AR", "Argentina", "Argentine", ("Spanish",), 12),
    Land("CO", "Colombia", "Colombian", ("Spanish",), 8),
    Land("CL", "Chile", "Chilean", ("Spanish",), 8),
    Land("PE", "Peru", "Peruvian", ("Spanish",), 6),
    Land("PT", "Portugal", "Portuguese", ("Portuguese",), 10),
    Land("BR", "Brazil", "Brazilian", ("Portuguese",), 20),
    Land("IT", "Italy", "Italian", ("Italian",), 45),
    Land("RO", "Romania", "Romanian", ("Romanian",), 12),
    Land("SE", "Sweden", "Swedish", ("Swedish",), 18),
    Land("NO", "Norway", "Norwegian", ("Norwegian",), 16),
    Land("DK", "Denmark", "Danish", ("Danish",), 12),
    Land("FI", "Finland", "Finnish", ("Finnish", "Finnish", "Swedish"), 12),
    Land("EE", "Estonia", "Estonian", ("Estonian",), 5),
    Land("LV", "Latvia", "Latvian", ("Latvian",), 5),
    Land("PL", "Poland", "Polish", ("Polish",), 28),
    Land("CZ", "Czech Republic", "Czech", ("Czech",), 14),
    Land("SK", "Slovakia", "Slovak", ("Slovak",), 8),
    Land("HU", "Hungary", "Hungarian", ("Hungarian",), 14),
    Land("HR", "Croatia", "Croatian", ("Croatian",), 10),
    Land("SI", "Slovenia", "Slovenian", ("Slovene",), 5),
    Land("TR", "Turkey", "Turkish", ("Turkish",), 16),
    Land("DZ", "Algeria", "Algerian", ("Maghrebi",), 6),
    Land("MA", "Morocco", "Moroccan", ("Maghrebi",), 8),
    Land("TN", "Tunisia", "Tunisian", ("Maghrebi",), 4),
    Land("PK", "Pakistan", "Pakistani", ("Pakistani",), 8),
    Land("IN", "India", "Indian", ("Indian",), 30),
    Land("ID", "Indonesia", "Indonesian", ("Indonesian",), 10),
    Land("JP", "Japan", "Japanese", ("Japanese",), 25),
    Land("CN", "China", "Chinese", ("Chinese",), 20),
    Land("TW", "Taiwan", "Taiwanese", ("Chinese",), 6),
    Land("TH", "Thailand", "Thai", ("Thai",), 5),
    Land("NG", "Nigeria", "Nigerian", ("Yoruba",), 10),
    Land("GH", "Ghana", "Ghanaian", ("Akan",), 6),
    Land("KE", "Kenya", "Kenyan", ("Kenyan",), 8),
    Land("ZA", "South Africa", "South African", ("Zulu", "English", "Dutch"), 14),
)

LANDS_BY_CODE = {land.code: land for land in LANDS}
