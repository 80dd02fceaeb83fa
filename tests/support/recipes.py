"""Good answers to the sample jobs, and bad ones that must not pass.

What no text is found for gets a made-up answer, which most checks reject.
"""

from __future__ import annotations

import json

ATLAS = "Offline maps of 40 countries, from 3 June. Three trips are free. https://example.com/atlas #Hiking"
ENTRY = """\
我第一次认真思考这个问题，是因为一次失败的演示：聊了一个下午，模型把最初约定的格式忘得一干二净。

后来才明白，它能看见的文字是有上限的。窗口好比一张书桌，放不下的书只能搬走，而搬走哪一本，应当由你来决定。

我的办法很朴素：每过十轮对话，就写一段摘要，只保留结论、数字和还没解决的问题；资料太多时，只取与当前问题最相近的几段。

有人主张直接换更大的窗口，我不完全同意，因为读得越多，花费越高。真正重要的是弄清楚哪些事情值得记住。

本文正在参加技术视角深入 ChatGPT 征文活动"""
LEAP = """\
```python
def leap_years(first, last):
    return [year for year in range(first, last + 1) if year % 4 == 0 and (year % 100 or year % 400 == 0)]
```"""
NIGHT = """\
The last tram came down the hill with nobody in it but the driver and a boy who carried a cello. At
the harbour a woman got on, wet from the rain, and asked whether this was still the line to the
market. It was. The boy moved his cello, and she sat down. Neither of them said a word until the
bridge, where the lights of the whole town lay on the water. Then both began to laugh, because each
had been afraid of the way home."""
SECTION = """\
The eye has cells of its own for the time of day, and they look for blue. When they see it in the
evening, the body holds back the hormone that makes us tired. Twelve people who read on a screen
needed about 10 minutes more until they slept than on nights with a printed book. Nobody has to sit
in the dark for that reason. A dim, warm lamp in the last hour is enough for most of us."""
OUTLINE = {
    "title": "How evening light works",
    "sections": [
        {"heading": heading, "words": 70}
        for heading in ("What the eye sees", "What it does", "What helps us")
    ],
}
BRIEF = {
    "pros": [
        "Two people left last year and gave stress as the reason.",
        "A shorter week makes it easier to hire people.",
    ],
    "cons": [
        "Two customers need support from Monday to Friday.",
        "Work of five days has to fit into fewer hours.",
    ],
    "recommendation": "Try it for a few months with a plan for who is on duty, and talk about the results.",
    "first_step": "Ask both customers which hours they need.",
}
CORRECTED = {
    "corrected": "I have been living in this town for three years.",
    "mistakes": [
        {
            "wrong": "am living",
            "right": "have been living",
            "why": "What began in the past and goes on takes the present perfect.",
        }
    ],
}
COPY = {
    "title": "Arlo, the desk lamp",
    "text": "Arlo lights your desk with 620 lumen and needs 7 W. Choose one of three levels of light.",
    "points": ["620 lumen at 7 W", "An arm of 45 cm", "A cable of 1.8 m"],
}
FACTS = {"keywords": ["city", "workers", "towers"], "mood": "dark", "hashtag": "#Metropolis"}
FOUND = {
    "evidence": "In the Bay of Fundy in Canada the water rises by 16 metres.",
    "answer": "Up to 16 metres.",
}
NOT_FOUND = {"evidence": "", "answer": "The text does not say."}
OUTAGE = "The login failed from 09:10 to 09:52 on 3 March, for about 1,200 customers. No data was lost."
SUMMARY = """\
An institute has measured heat pumps in old houses for a year. They work there, because the
radiators are often large enough for warm water below 55 degrees. A simple test on a cold day shows
whether a house is ready. Costs, aid and noise decide whether a pump is worth its price."""
POINT = "Heat pumps work in old houses, too."

GOOD: dict[str, tuple[dict[str, str], int]] = {
    "answers": ({"By how much": json.dumps(FOUND), "the first": json.dumps(NOT_FOUND)}, 2),
    "articles": (
        {
            "Write section 1": SECTION,
            "Write section 2": NIGHT,
            "Write section 3": SUMMARY,
            "For people": json.dumps(OUTLINE),
        },
        2,
    ),
    "briefs": ({"The situation": json.dumps(BRIEF)}, 3),
    "code": ({"leap_years": LEAP}, 1),
    "contest": ({"上下文窗口": ENTRY}, 1),
    "dialogue": ({}, 2),
    "essays": ({}, 1),
    "films": ({"in other words": "See it.", "": json.dumps(FACTS)}, 20),
    "grammar": ({"since three years": json.dumps(CORRECTED)}, 1),
    "house_style": ({"outage": OUTAGE}, 1),
    "labels": ({}, 8),
    "manual": ({}, 0),
    "notices": ({}, 0),
    "products": ({"Arlo": json.dumps(COPY)}, 1),
    "social": ({"Atlas": ATLAS}, 5),
    "stories": ({"the last tram": NIGHT}, 1),
    "summaries": ({"Say in one short sentence": POINT, 'about "Heat pumps': SUMMARY}, 1),
}
"""for each job: good answers, by a text of the last message, and the rows that must be ok then"""
BAD: dict[str, str] = {
    "answers": json.dumps({"evidence": "Newton measured it in 1687.", "answer": "It was Newton."}),
    "briefs": json.dumps(
        BRIEF | {"recommendation": "Do it: such a change saves 73 percent of all costs in a year."}
    ),
    "code": LEAP.replace("range(first", "range((first"),
    "contest": "This is an essay in English about the memory of a model, and it has no sentence at its end.",
    "grammar": json.dumps(
        {"corrected": "Este texto ya no es una frase inglesa, sino española.", "mistakes": []}
    ),
    "house_style": "We regret the interruption of our services.",
    "labels": json.dumps({"sentiment": "great", "topic": "size", "answer": True}),
    "products": json.dumps(COPY | {"points": ["The best there is", "777 lumen", "A cable of 1.8 m"]}),
    "social": "Great news, read more at https://example.org/elsewhere #News",
    "stories": "Once upon a time there was a tram. Then it was gone.",
    "summaries": "A long time ago nobody knew what a heat pump was. " * 20,
}
"""an answer to everything that must not pass"""
