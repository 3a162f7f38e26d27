"""How members and groups of the synthetic town present themselves, with places for words.

The places are those of `data.town.sentences`; in addition ``{It}`` is the interest and ``{T}``
a term as they stand in a name, ``{too}`` is a second interest and ``{x}`` one of its terms.
"""

from __future__ import annotations

PROFILES = (
    "I got into {doing} {num} years ago, mostly for {a} and {b}.",
    "Happiest when {doing}, with {a} on my mind.",
    "Ask me about {a}, {b} or {c}.",
    "New to {it} and still puzzled by {a}.",
    "{Doing} is my way to switch off; lately it has been {a}.",
    "I live in {place} and spend too much time on {a}.",
    "By day at a desk, in the evening {doing}.",
    "I collect stories about {a} and mistakes with {b}.",
    "Always up for {a}.",
    "My head is full of {a}, {b} and good intentions.",
    "Came for {a}, stayed for {b}.",
    "Slowly learning {it}: {a} first, {b} one day.",
    "I like talking with other {fans}, above all about {a}.",
    "Self-taught in {it}, with a soft spot for {a}.",
)
ALSO = (
    "Also {too}: {x}.",
    "Some {too} on the side.",
    "On Sundays it is {too} and {x}.",
    "I know a little about {x} as well.",
    "My other love is {too}.",
    "Recently {too} too, mainly because of {x}.",
)
ABOUT_ME = (
    "Two children, one dog, no car.",
    "I moved to {place} {num} years ago.",
    "A better listener than talker.",
    "I prefer small groups.",
    "Happy to help newcomers.",
    "Usually around on {day}.",
    "Retired, and busier than ever.",
    "Night shifts, so I answer at odd hours.",
    "I like big lively rooms.",
    "Tea over coffee.",
)
PROFILES_BY_LANGUAGE = {
    "en": PROFILES,
    "de": (
        "Ich wohne in {place} und beschäftige mich gern mit {a} und {b}.",
        "Seit {num} Jahren dabei, am liebsten {a}.",
        "Meine Abende gehören {a}, meine Sonntage {b}.",
    ),
    "es": (
        "Me gusta hablar de {a} y aprender más sobre {b}.",
        "Vivo en {place}; mi pasión: {a}, {b}.",
        "Llevo {num} años con {a} y sigo aprendiendo.",
    ),
    "fr": (
        "Fou de {a} et de {b} depuis {num} ans.",
        "J'habite à {place} et je cherche des gens qui aiment {a}.",
        "Le soir, c'est {a} ; le dimanche, {b}.",
    ),
}

SEEKING = (
    "someone to try {a} with",
    "company for {doing}",
    "advice on {a} and {b}",
    "other {fans} near {place}",
    "a patient teacher of {a}",
    "a reason to get back to {it}",
)
OFFERING = (
    "can show {a} to beginners",
    "notes on {a} to share",
    "happy to explain {a} and {b}",
    "tools for {doing} to lend",
    "{num} years of mistakes with {a}",
    "a quiet room for {doing} in {place}",
)
GROUP_NAMES = (
    "{place} {It} Circle",
    "{T} & Friends",
    "The {T} Table",
    "{It} in {place}",
    "{T} and {U}",
    "{place} {It} Club",
    "The {place} {T} Society",
    "{It} after Work",
    "Slow {It}",
    "{It} for the Curious",
    "{T} Evenings",
    "The {It} Corner",
    "{day} {It}",
    "{place} {T} Workshop",
    "All about {T}",
    "The Quiet {It} Room",
)
GROUP_TEXTS = (
    "A circle for {fans}. We talk about {a}, {b} and {c}.",
    "Everything around {it}, from {a} to {b}.",
    "We meet at {spot} in {place}. Usual subjects: {a}, {b}, {c}.",
    "For people who like {doing}. Beginners ask about {a}, old hands argue about {b}.",
    "Questions, pictures and small triumphs in {it}, from {a} to {b}.",
    "{Doing} together, on {day} and whenever we can. Lately {a}, soon {b}.",
    "A friendly place to learn {a}, compare {b} and complain about {c}.",
    "We started over {a} and became a home for {fans}. Now also {b} and {c}.",
)
AREA_NAMES = (
    "{place} {Area}",
    "{Area} Commons",
    "The {Area} Exchange",
    "{Area} Crossroads",
    "Everyone for {Area}",
    "{Area} in {place}",
)
AREA_TEXTS = (
    "For everyone who likes {area}: {it}, {too} and what lies between, from {a} to {x}.",
    "A wide roof over {area}. You will hear of {a} as often as of {x}.",
    "All of {area} is welcome, be it {it} or {too}.",
)
GENERAL_NAMES = (
    "{place} Neighbours",
    "The Town Square",
    "{place} Chatterbox",
    "Good Morning {place}",
    "{day} Coffee",
    "The {place} Notice Board",
    "Newcomers of {place}",
    "Anything Goes in {place}",
)
GENERAL_TEXTS = (
    "News, small talk and whatever is on your mind in {place}.",
    "Everybody is welcome. Lost cats, spare ladders, good mornings.",
    "The place to say hello, ask for help and talk about the weather.",
)


def _listed(words: str) -> tuple[str, ...]:
    return tuple(words.split("|"))


PLACES = _listed(
    "Northside|Harbour End|Old Mill|Castle Hill|Riverside|Station Quarter|Elm Park|Lakeview"
    "|Brickfields|Market Cross|Southgate|Willow Green|Tannery Row|Saint Anne's|Upper Wick"
    "|Lower Wick|Chapel Lane|Weavers' Yard|Fairground|East Bank|Long Meadow|The Warren"
    "|Beacon Rise|Orchard Street"
)
SPOTS = _listed(
    "the library|the old mill|the community hall|the park pavilion|the church room"
    "|the corner cafe|the school gym|the boat shed|the tool library|the town museum"
    "|the scout hut|the reading room|the allotment shed|the music school|the ferry house"
)
DAYS = _listed("Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday")
WHENS = _listed(
    "last weekend|this morning|yesterday|last night|last Thursday|last month|last week"
    "|yesterday evening|last Sunday|last summer|this week|last winter"
)
FIRST_NAMES = _listed(
    "Abena|Adil|Aino|Aiko|Alba|Aleks|Amara|Amir|Anouk|Anselm|Arjun|Asta|Aurel|Ayla|Bao|Beatriz|"
    "Benno|Birgit|Bogdan|Branka|Calum|Camila|Caoimhe|Cem|Chidi|Chloe|Clemens|Dalia|Daria|Davit|"
    "Deepa|Dilan|Dima|Edda|Eero|Ekene|Elif|Eluned|Emeka|Enzo|Esme|Ewa|Farah|Femi|Fatou|Finn|"
    "Florin|Freya|Gael|Gauri|Gita|Goran|Greta|Gwen|Hamid|Hana|Haru|Hedda|Hela|Hideo|Ibrahim|Ida|"
    "Ilya|Imani|Ines|Ingrid|Ioana|Isak|Ivo|Jada|Jamal|Jana|Jiho|Joao|Jonas|Jude|Juno|Kaito|Kamila|"
    "Karim|Keola|Kinga|Kofi|Lale|Lars|Layla|Leila|Lior|Linh|Ludo|Luz|Mael|Magda|Malik|Maren|Marek|"
    "Mei|Milan|Mira|Moana|Musa|Nadia|Naoki|Neema|Nia|Niko|Nilufar|Noor|Nuria|Odalys|Ola|Olena|"
    "Omar|Oona|Orla|Otto|Paloma|Paavo|Pia|Piotr|Priya|Quyen|Rafa|Rania|Remi|Rhys|Rohan|Rosa|Runa|"
    "Saba|Salma|Samir|Sanna|Selam|Sergi|Shira|Signe|Sindre|Sofia|Sunil|Taavi|Tala|Tamsin|Tariq|"
    "Teo|Thandi|Tiago|Tove|Tuan|Ulla|Uma|Umut|Valeria|Veda|Vera|Viggo|Wanja|Wen|Wiktor|Xenia|"
    "Yael|Yara|Yusuf|Zahra|Zala|Zeynep|Zofia|Zuri"
)
