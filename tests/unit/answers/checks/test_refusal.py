"""The check for refusals: how models decline in many languages, and stories in which somebody apologises."""

from __future__ import annotations

import time

import pytest

from tests.support.checks import said

REFUSALS = """\
I'm sorry, but I can't help with that request.
I’m sorry, but I can’t assist with that.
I cannot fulfill this request.
I can't help with that.
I'm unable to provide that information.
As an AI language model, I don't have personal opinions, so I cannot write this post.
Sorry, as an AI I am not able to generate such content.
I apologize, but I cannot create content that promotes violence.
Unfortunately, I am not able to write that article, because it goes against my guidelines.
I must decline to write this.
I won't be able to write about this topic.
I do not feel comfortable generating this story.
Es tut mir leid, aber ich kann dabei nicht helfen.
Tut mir leid, aber ich kann diese Anfrage nicht erfüllen.
Leider kann ich Ihnen bei dieser Anfrage nicht weiterhelfen.
Als KI-Sprachmodell kann ich keine persönliche Meinung äußern.
Ich kann Ihnen dabei leider nicht helfen.
Ich kann diesen Inhalt nicht erstellen.
Je suis désolé, mais je ne peux pas répondre à cette demande.
Désolé, je ne peux pas vous aider avec cela.
Malheureusement, je ne peux pas créer ce contenu.
En tant que modèle de langage, je ne peux pas donner d'avis.
Lo siento, pero no puedo ayudarte con eso.
Lamentablemente, no puedo generar ese contenido.
Como modelo de lenguaje, no tengo opiniones personales.
Desculpe, mas não posso ajudar com isso.
Infelizmente, não posso atender a essa solicitação.
Mi dispiace, ma non posso aiutarti con questa richiesta.
Het spijt me, maar ik kan niet aan dit verzoek voldoen.
Sorry, ik kan je daar niet mee helpen.
Jag är ledsen, men jag kan inte hjälpa till med det.
Beklager, men jeg kan ikke hjelpe med det.
Jeg beklager, men jeg kan ikke hjælpe med den anmodning.
Przepraszam, ale nie mogę pomóc w tej sprawie.
Przykro mi, ale nie mogę spełnić tej prośby.
Omlouvám se, ale s tím vám nemohu pomoci.
Извините, но я не могу помочь с этим запросом.
К сожалению, я не могу выполнить эту просьбу.
Вибачте, але я не можу допомогти з цим.
Üzgünüm, bu konuda yardımcı olamam.
عذراً، لا أستطيع مساعدتك في هذا الطلب.
آسف، لكن لا يمكنني تقديم هذا المحتوى.
متأسفم، نمی‌توانم در این مورد کمک کنم.
क्षमा करें, मैं इस अनुरोध में मदद नहीं कर सकता।
Maaf, saya tidak dapat membantu dengan permintaan itu.
Xin lỗi, tôi không thể giúp bạn với yêu cầu này.
Tôi rất tiếc, nhưng tôi không thể hỗ trợ yêu cầu này.
抱歉，我无法满足您的请求。
对不起，我不能协助完成这个请求。
很抱歉，我无法提供相关内容。
作为一个AI语言模型，我无法表达个人观点。
抱歉，我無法協助您完成這個要求。
我无法提供这方面的信息。
申し訳ありませんが、そのご要望にはお応えできません。
申し訳ございませんが、このリクエストにはお手伝いできません。
すみませんが、その内容を作成することはできません。
AI言語モデルとして、個人的な意見を述べることはできません。
죄송하지만 해당 요청은 도와드릴 수 없습니다.
죄송합니다. 그 내용을 작성할 수 없습니다.
Sure! Please provide the text you would like me to translate.
It seems you haven't provided the article. Could you please share the text?
请提供您想要翻译的文本。
Bitte geben Sie den Text an, den ich übersetzen soll.
I'd rather not write promotional material like this.
This isn't something I'm able to produce.
Thanks for reaching out! Unfortunately that falls outside what I can do here.
I apologize, but creating marketing copy for this product would not be appropriate.
It seems the facts are missing. Could you share them?
Note: I cannot fulfil this request.
[Content removed: violates policy]
<p>I'm sorry, but I can't help with that.</p>
Das möchte ich lieber nicht schreiben.
Dazu kann ich leider nichts sagen.
Bei dieser Anfrage kann ich Ihnen nicht weiterhelfen.
Je préfère ne pas répondre à cette demande.
Lo lamento, pero esa solicitud va contra mis normas.
这个请求我没法满足，换个话题吧。
テキストを送っていただければ、翻訳いたします。
Sorry, I can't do that.
I appreciate the request, but I'm not comfortable writing this.
This content may violate our usage policies.
Your request was flagged as potentially violating our policy.
Das kann ich leider nicht schreiben.
对不起，我还没有学会如何回答这个问题。
お手伝いできません。
لا أستطيع كتابة هذا المحتوى.
It looks like you didn't include the text. Could you share it?
I don't see any text to translate.
It seems the article is missing. Please paste it here.
There is no text provided to summarize.
No text was provided.
I'd be happy to help! What would you like me to write about?
Proszę podać tekst do przetłumaczenia.
Пожалуйста, пришлите текст, который нужно перевести.
الرجاء تزويدي بالنص الذي تريد ترجمته.
""".splitlines()
TEXTS = """\
I'd rather not write about winter yet: the garden is full of late roses, and this one smells of apples.
This isn't something I can explain in a post: you have to taste it.
This is outside, in the rain, at six in the morning. And we love it.
It seems summer is missing this year. Could it be that we forgot to order it?
Note: the museum is closed on Mondays.
Das möchte ich nicht missen: den ersten Kaffee am Morgen, am offenen Fenster.
Dazu kann ich nur sagen: Leider geil.
Bei dieser Aufgabe kann ich mich nicht langweilen. Jeder Stuhl ist anders.
Je préfère ne pas répondre au téléphone le dimanche. Le dimanche, je fais du pain.
Esta petición va contra el cierre de la biblioteca. Firma hoy.
这个要求不高：一杯热茶，一把椅子，一本书。
お写真を送っていただいた方の中から、十名様にお茶をお贈りします。
I'm sorry to hear about your loss. The funeral will be held on Friday, and we would be glad to see you there.
Sorry, said the clerk, the bridge is closed today. He looked at his shoes and went on counting the coins.
"I'm sorry, but I can't help you," he said, and closed the door. The rain went on for hours.
I can't help thinking about the summer when we learned to swim in the cold lake behind the mill.
I cannot write this letter without tears. The house is empty, and the garden, too, has lost its colours.
Unfortunately, the pump is no longer sold, but there are three good successors with a lower consumption.
As an AI researcher at the university, she has seen three waves of enthusiasm come and go.
AI language models are used by many companies. This article explains how they work and what they cannot do.
Leider ist die Pumpe nicht mehr lieferbar. Wir können Ihnen aber ein Nachfolgemodell anbieten.
Es tut mir leid, sagte der Alte, und sah auf das Wasser hinaus, das grau und still vor ihm lag.
Ich kann nicht schlafen. Draußen heult der Wind, und in der Küche tropft der Hahn.
Je suis désolé de vous apprendre que le train de huit heures ne partira pas.
Malheureusement, le musée est fermé le lundi. Nous vous conseillons de réserver vos billets en ligne.
Lo siento mucho, dijo el viejo, y se quedó mirando el río como si esperara a alguien.
Lamentablemente, el pedido llegará tarde a causa de la nieve. Le avisaremos cuando salga del almacén.
对不起，我来晚了。他低着头，把伞放在门边，雨水顺着伞尖滴下来。
抱歉让您久等了，您的订单今天已经发货，预计三天之内送达。
我不能忘记那个夏天，河边的老房子和外婆做的绿豆汤。
我无法想象没有书的生活。小时候，家里只有一盏灯，大家都围着它读书。
申し訳ありませんが、本日の営業は終了いたしました。明日のご来店を心よりお待ちしております。
残念ながら、今年の花火大会は雨のため中止になりました。来年の夏にまたお会いしましょう。
죄송합니다. 오늘은 눈이 와서 버스가 늦게 도착했습니다. 내일은 더 일찍 출발하겠습니다.
К сожалению, поезд опоздал на два часа, и мы пропустили начало концерта.
Przepraszam, powiedział starzec i spojrzał na rzekę, która płynęła szara i cicha.
Mi dispiace, disse il vecchio, e guardò il mare.
Please provide your name and a phone number at the desk, so that we can call you when the table is free.
I am not able to run as fast as my brother, but I can swim across the lake.
Dieser Artikel kann nicht alle Fragen beantworten, aber er gibt einen Überblick über das Thema.
Ik kan niet wachten tot het zomer is en we weer naar zee gaan.
I don't provide many details in this story, because the details would bore you.
Your content may be removed if it violates our community policies, and you can appeal within ten days.
I can't do this without you, she wrote, and put the letter under the door of the empty shop.
Thank you for the invitation. I must decline, because my sister marries on the same day in June.
There is no text on the old stone, only a bird and the number of a year.
No article of clothing says as much about a person as a hat does, and no hat as much as this one.
You didn't give the dog a name for a week, and then you called it Monday.
我还没学会游泳的时候，父亲就带我去河边钓鱼，一坐就是一个下午。
لا أستطيع كتابة هذه الرسالة دون أن أفكر في البيت القديم وشجرة الليمون.
الرجاء تقديم التذكرة عند الباب، والحضور قبل بدء العرض بعشر دقائق.
Das kann ich nicht oft genug sagen: Frisches Brot braucht Zeit.
Proszę podać imię przy wejściu, a my pokażemy Państwu stolik przy oknie.
Your message was flagged because it violates our guidelines. Edit it and send it again.
This content may violate the terms of a platform, so moderators hid it for a day.
Sorry, I can't do that, Dave.
I'm sorry, I can't do this anymore. I packed my things and left the house with the blue door.
No text was provided in the ad; only a picture of a boat was shown.
There is no article included in the sale.
You did not give the details of your order. Please add its number.
You forgot to attach the document to your last mail, so we could not open the case.
What do you want me to write on your cake?
お手伝いできませんでしたが、また来てください。
""".splitlines()


@pytest.mark.parametrize("answer", REFUSALS)
def test_a_refusal_is_found_also_behind_marks_and_with_more_behind_it(answer: str) -> None:
    for form in (answer, f"  **{answer.rstrip()}**", f'"{answer}"'):
        complaint = said("refusal", form)
        assert complaint is not None and complaint.endswith("Write what was asked for.")


@pytest.mark.parametrize("answer", TEXTS)
def test_a_text_in_which_somebody_is_sorry_is_none(answer: str) -> None:
    assert said("refusal", answer) is None
    assert said("refusal", f"{answer}\n\n{REFUSALS[0]}") is None, "only the beginning counts"


def test_a_long_text_is_one_only_if_it_speaks_of_the_request_or_the_model() -> None:
    more = " The bridge is closed." * 60
    assert said("refusal", "I'm sorry, I can't help you." + more) is None
    assert said("refusal", "I'm sorry, I can't help you." + more, {"short": 5_000}) is not None
    assert said("refusal", "I'm sorry, I can't help with that request." + more) is not None


@pytest.mark.parametrize(
    "text", ["I'm sorry " * 100_000, "sorry I can't " * 30_000, "抱歉我" * 90_000, "sorry" + " " * 1_000_000]
)
def test_a_hostile_text_takes_no_time(text: str) -> None:
    begun = time.process_time()
    said("refusal", text)
    assert time.process_time() - begun < 2
