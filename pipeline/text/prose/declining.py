"""How models decline, in many languages: a table of their first words.

The patterns look at a beginning of bounded length and take no more than linear time. This module does not
know answers.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Literal, NamedTuple

_WORDS: tuple[tuple[str, str, str], ...] = (
    (  # English
        r"(?:I['’]?m|I am) (?:(?:very|really|so|truly|deeply) )?sorry|(?:so )?sorry"
        r"|I (?:must )?apologi[sz]e|(?:my )?apologies|unfortunately|I(?:['’]m| am) afraid|thank(?:s"
        r"| you) for",
        r"I(?: really| simply)? (?:can(?:no|['’]|)t|can not|won['’]t|will not|am (?:unable"
        r"|not able) to|must (?:respectfully )?(?=decline)|(?:do not|don['’]t) (?=have|feel))"
        r"|I['’]m (?:unable|not able) to",
        r"help(?: you)?(?: (?:with|to|you)\b|[.,!])|assist|fulfil|comply|decline to|have (?:access"
        r"|the ability)|feel comfortable|(?:provide|generate|create|produce|write|translate|complete"
        r"|process|discuss|engage|continue|answer|support|offer|share|see|open"
        r"|browse)\b.{0,60}?\b(?:request|content|that|this|information|instructions|material|task"
        r"|topic|text|article|story|image|file|link|poem|essay|advice)",
    ),
    (  # German
        r"(?:es )?tut mir (?:sehr |wirklich )?leid|leider|entschuldig\w*|ich bedau[e]?re|verzeihung",
        r"(?:ich )?(?:kann|darf|werde|bin)(?: ich)?\b",
        r"(?:anfrage|inhalt|text|thema|artikel)\w*.{0,30}?nicht (?:erstellen|schreiben|verfassen"
        r"|beantworten|erfüllen|übersetzen)|(?:nicht|keine?n?|dabei)\b.{0,80}?(?:helfen|unterstützen"
        r"|erfüllen|nachkommen|weiterhelfen|bearbeiten|in der lage|(?:anfrage|inhalte?|informationen"
        r"|thema|aufgabe|bitte|text).{0,60}?(?:erstellen|schreiben|geben|bereitstellen|liefern"
        r"|verfassen|generieren|beantworten|übersetzen|anbieten))",
    ),
    (  # French
        r"(?:je suis |je suis vraiment |)(?:désolée?|navrée?)|malheureusement|je m['’]excuse"
        r"|toutes mes excuses|je regrette",
        r"je ne (?:peux|pourrai|suis|puis)(?: malheureusement)? pas|je ne peux|il m['’]est impossible",
        r"(?:vous |t['’])?(?:aider|assister)|répondre à (?:cette|votre)|accéder à|satisfaire"
        r"|en mesure de|donner suite|(?:fournir|créer|écrire|générer|traduire|rédiger|produire"
        r"|discuter|traiter).{0,60}?(?:demande|contenu|cela|informations?|texte|ce type|ce sujet"
        r"|cette)",
    ),
    (  # Spanish
        r"lo siento(?: mucho)?|lo lamento|perd[oó]n|disculpa\w*|lamentablemente|desafortunadamente"
        r"|me temo que",
        r"(?:yo )?no (?:me es posible|puedo|podré|estoy (?:en condiciones|autorizad[oa])|soy capaz)",
        r"ayudar|asistir|cumplir|atender|satisfacer|responder a|acceder a|(?:proporcionar|crear"
        r"|escribir|generar|traducir|redactar|producir|ofrecer|continuar|hablar"
        r"|procesar).{0,60}?(?:solicitud|petición|contenido|eso|esto|información|texto|ese|este|esa"
        r"|esta)",
    ),
    (  # Portuguese
        r"(?:eu )?(?:sinto muito|lamento)|desculpe?\w*|peço desculpas?|infelizmente",
        r"(?:eu )?não (?:me é possível|posso|poderei|consigo|sou capaz|estou (?:em condições"
        r"|autorizad[oa]))",
        r"ajud|auxiliar|atender|cumprir|assistir|responder a|(?:fornecer|criar|escrever|gerar|traduzir"
        r"|redigir|produzir|oferecer|continuar|discutir|processar).{0,60}?(?:solicitação|pedido"
        r"|conteúdo|isso|isto|informaç|texto|ess[ea]|est[ea]|desse)",
    ),
    (  # Italian
        r"mi (?:dispiace|scuso)|spiacente|purtroppo|sono spiacente|scusa\w*|mi rincresce",
        r"(?:io )?non (?:posso|potrò|sono in grado|mi è possibile|riesco)",
        r"aiutar|assister|soddisfare|esaudire|rispondere a|procedere|(?:fornire|creare|scrivere"
        r"|generare|tradurre|produrre|offrire|continuare|elaborare).{0,60}?(?:richiesta|contenut"
        r"|questo|questa|informazioni|testo|quest[oi])",
    ),
    (  # Dutch
        r"(?:het )?spijt me|sorry|helaas|mijn excuses|mijn verontschuldigingen",
        r"(?:ik )?(?:kan|mag|ben|zal)(?: ik)?\b",
        r"(?:niet|geen|daar|hier)\b.{0,60}?(?:helpen|voldoen|assisteren|in staat|behulpzaam"
        r"|beantwoorden|(?:verzoek|inhoud|informatie|tekst|onderwerp).{0,60}?(?:geven|schrijven|maken"
        r"|genereren|verstrekken|vertalen))",
    ),
    (  # Swedish, Danish, Norwegian
        r"(?:jag är |jeg er )?(?:ledsen|ked af det|lei meg)|tyvärr|beklag\w*|desværre|dessverre|förlåt"
        r"|undskyld|(?:jag|jeg) (?:ber om ursäkt|beklager)",
        r"(?:(?:jag|jeg) )?kan(?: (?:jag|jeg))?(?: dessverre| tyvärr| desværre)? (?:inte|ikke)",
        r"hjälpa|hjælpe|hjelpe|bistå|uppfylla|opfylde|oppfylle|(?:ge|skriva|skapa|give|skrive|lave|gi"
        r"|lage|översätta|oversætte|oversette).{0,60}?(?:begäran|innehåll|information|anmodning"
        r"|indhold|forespørsel|innhold|text|tekst|det(?:ta|te)|den)",
    ),
    (  # Polish
        r"(?:bardzo )?(?:przepraszam|mi przykro|przykro mi)|niestety|wybacz",
        r"(?:ja )?nie (?:mogę|jestem w stanie|będę w stanie|potrafię)",
        r"pomóc|spełnić|zrealizować|odpowiedzieć na|(?:napisać|stworzyć|wygenerować|podać|dostarczyć"
        r"|przetłumaczyć|udzielić|kontynuować).{0,60}?(?:prośb|treści|tego|informacji|tekst|temat)",
    ),
    (  # Czech, Slovak
        r"(?:je mi (?:to )?líto|omlouvám se|bohužel|promiňte|ospravedlňujem sa|je mi ľúto|prepáčte|žiaľ)",
        r"(?:vám |s tím |s týmto )*(?:nemohu|nemůžu|nejsem schopen|nemôžem|nedokážu)",
        r"pomoci|pomôcť|vyhovět|splnit|splniť|poskytnout|poskytnúť|(?:napsat|vytvořit|přeložit"
        r"|napísať).{0,60}?(?:obsah|požad|text|informac)",
    ),
    (  # Russian, Ukrainian
        r"(?:я )?(?:извините|простите|прошу прощения|приношу (?:свои )?извинения|к сожалению"
        r"|мне (?:очень )?жаль|сожалею|вибачте|перепрошую|на жаль|мені (?:дуже )?шкода|даруйте)",
        r"(?:я )?(?:не (?:могу|смогу|в состоянии|можу|зможу)|не маю (?:змоги|можливості)"
        r"|не имею возможности)",
        r"(?:вам )?(?:с этим |з цим |в этом |у цьому )?(?:помочь|помогать|допомогти|допомагати)"
        r"|выполнить|виконати|ответить на|(?:написать|создать|предоставить|перевести|сгенерировать"
        r"|обсуждать|продолжить|написати|створити|надати|перекласти|обговорювати).{0,60}?(?:запрос"
        r"|запит|контент|содерж|вміст|эт[оу]|ц[еіюю]|информац|інформац|текст|тем)",
    ),
    (  # Turkish
        r"(?:çok )?üzgünüm|özür dilerim|maalesef|ne yazık ki|kusura bakmayın",
        r"(?:ben )?(?:bu|size|sana|böyle|şu)?",
        r".{0,60}?(?:yardımcı olam|yardım edem|yerine getirem|karşılayam|sağlayam|oluşturam|yazam"
        r"|çevirem|üretem)",
    ),
    (  # Arabic, Persian, Urdu
        r"(?:أنا )?(?:عذر[اًا]+|آسفة?|أعتذر|للأسف|نأسف|معذرة|متأسفم|متاسفم|ببخشید|متأسفانه|معذرت|معاف)",
        r"(?:،|,|و?لكن(?:ني|ي)?|ولكن|اما|لیکن|مگر|من|میں| )*",
        r"(?:لا (?:أستطيع|يمكنني|أقدر)|لست قادر[اًا]*|لا أتمكن|نمی‌?توانم|قادر نیستم|نہیں کر سکتا"
        r"|مدد نہیں)",
    ),
    (  # Hindi
        r"(?:मुझे )?(?:क्षमा|माफ़?[ कीजिएकरें]*|खेद|माफ\w*)|दुर्भाग्य",
        r".{0,60}?(?:मैं|मुझे)?",
        r".{0,60}?(?:मदद|सहायता|अनुरोध|प्रदान|पूरा|लिख|बना).{0,20}?(?:नहीं|असमर्थ)",
    ),
    (  # Indonesian, Malay
        r"(?:saya )?(?:mohon |minta )?maaf|sayangnya|mohon maaf|maafkan saya",
        r"(?:saya|aku) (?:tidak (?:dapat|bisa|mampu|boleh)|tak (?:dapat|bisa|boleh))",
        r"(?:mem)?bantu|memenuhi|menolong|(?:memberikan|membuat|menulis|menghasilkan|menerjemahkan"
        r"|melanjutkan|menjawab|membincangkan|membahas).{0,60}?(?:permintaan|konten|itu|ini|informasi"
        r"|teks|kandungan)",
    ),
    (  # Vietnamese
        r"(?:tôi |mình )?(?:(?:rất |thành thật |thật )?(?:xin lỗi|tiếc|lấy làm tiếc))|rất tiếc",
        r"(?:tôi|mình|em) (?:không thể|chưa thể|không có khả năng|không được phép)",
        r"giúp|hỗ trợ|đáp ứng|thực hiện|(?:cung cấp|viết|tạo|dịch|tiếp tục|trả lời"
        r"|thảo luận).{0,60}?(?:yêu cầu|nội dung|đó|này|thông tin|văn bản)",
    ),
    (  # Chinese
        r"(?:我|非常|十分|真的|实在|實在|很)*(?:抱歉|对不起|對不起|不好意思|遗憾|遺憾)|请原谅",
        r"(?:作为|作為|身为)?.{0,30}?(?:我|本人|本助手|您的请求|这个请求)?(?:暂时|目前|暫時|恐怕|并|也"
        r"|还|就)*(?:无法|無法|不能|不可以|没有办法|沒有辦法|没办法|不便|不会|不會|不方便|难以)",
        r".{0,12}?(?:协助|協助|帮助|幫助|帮到|帮忙|幫忙|提供|满足|滿足|回答|回应|回應|生成|创作|創作"
        r"|撰写|撰寫|完成(?:您|你|这|這|该)|翻译|翻譯|继续(?:为|回|提|生|写|讨)|处理|處理|讨论|討論"
        r"|参与|參與|给出|支持|执行|執行|写(?:这|出|作|关)|寫(?:這|出|作))",
    ),
    (  # Japanese
        r"(?:大変|誠に|まことに)?(?:申し訳(?:ありません|ございません|ない)|すみません|すみませんが"
        r"|ごめんなさい|恐れ入りますが|残念ながら)",
        r".{0,60}?",
        r"(?:お手伝い|お答え|お応え|応じ|対応|提供|生成|作成|翻訳|お力に|ご要望に|お受け|支援|執筆"
        r"|回答|処理).{0,20}?(?:できません|できかね|いたしかね|致しかね|できない|なれません"
        r"|ことはできません|ません)",
    ),
    (  # Korean
        r"(?:정말 |대단히 )?(?:죄송합니다|죄송하지만|죄송|미안합니다|미안하지만|안타깝게도"
        r"|유감스럽게도|유감이지만)",
        r".{0,60}?",
        r"(?:도와|도움|제공|생성|작성|번역|답변|응할|수행|처리|지원|응해|따를|쓸).{0,20}?(?:수 없"
        r"|수가 없|어렵|못)",
    ),
)  # fmt: skip
"""for each language: an apology, "I cannot", and what a model then says that it cannot do"""
_OTHERWISE = (
    r"I['’]?(?:d| would) (?:rather|prefer) not (?:to )?(?:write|create|produce|generate"
    r"|provide)(?: \w+){0,3} (?:this|that|such)\b|(?:this|that) (?:is not|isn['’]t) something (?:that )?I"
    r"(?:['’]m| am| can)(?: able to| willing to| comfortable)? (?:writ|produc|creat|generat|provid|help"
    r"|assist)|(?:that|this)(?: request)? (?:falls|is) outside (?:of )?(?:what I (?:can|am)|my (?:scope"
    r"|capabilit))|I apologi[sz]e, but .{0,80} (?:would not|wouldn['’]t) be (?:appropriate|ethical"
    r"|responsible)|\[(?:content|text|response|message) (?:removed|withheld|blocked|filtered|redacted)"
    r"|(?:das|dies|so etwas) (?:möchte|werde) ich (?:lieber |leider )?nicht (?:schreiben|verfassen"
    r"|erstellen|beantworten)|dazu (?:kann|darf) ich leider (?:nichts|keine)|bei (?:dieser|ihrer|deiner)"
    r" (?:anfrage|bitte|aufgabe) kann ich .{0,30}nicht (?:weiter)?helfen|je préfère ne pas (?:répondre à"
    r"|écrire|rédiger) (?:ce|cette|cela)|prefiero no (?:escribir|redactar|responder a) (?:eso|est[eao]"
    r"|esa)|(?:esa|esta|su|tu) (?:solicitud|petición) (?:va|está) (?:en )?contra (?:de )?(?:mis|nuestras)"
    r"|(?:这个|您的|你的|该|此)(?:请求|要求).{0,6}(?:没法|无法|不能|不便)(?:满足|完成|处理|回答|执行)"
    r"|(?:I['’]?m |I am )?sorry[,.]? (?:but )?I (?:can['’]?t|cannot|won['’]t) (?:do|write) (?:that|this)"
    r"(?=[^\w\s]*\Z|[,.!;:]? (?:as|because|but|can|for|how|if|is|it|let|please|since|that|this|would)\b)"
    r"|I(?:['’]m| am) not comfortable (?:writ|creat|generat|produc|provid)\w{1,4} (?:this|that|such)\b"
    r"|(?:(?:this|the|your) (?:request|prompt)|this content) (?:may|might|could|would|was|has been|is)"
    r" (?:\w+ )?(?:violat|flagged|against|blocked)[^.\n]{0,30}\b(?:our|my|usage|content)\b"
    r"(?: \w+){0,2} (?:polic|guideline|terms of)"
    r"|(?:das|dies|so etwas|diesen text) kann ich leider (?:so )?nicht (?:schreiben|verfassen|erstellen"
    r"|übersetzen|beantworten)|(?:对不起，|抱歉，)?我还没有?学会(?:如何|怎么|怎样)回答"
    r"|(?:お手伝い|お答え|お応え)(?:することは)?(?:できません(?!でした)|できかねます|いたしかねます)"
    r"|لا (?:أستطيع|يمكنني) (?:كتابة|تقديم|إنشاء|ترجمة|تلبية)[^.\n]{0,20}(?:المحتوى|الطلب|طلبك|هذا النوع)"
)
"""how a model declines with neither an apology nor "I cannot" at its beginning"""
_ITSELF = (
    r"\b(?:AI|A\.I\.)(?: language)? (?:model|assistant)|\bas an AI\b|language model|\bmy (?:guidelines"
    r"|programming|training|policies)|content polic|(?:this|that|your|the) request|against (?:my|our) "
    r"|OpenAI|I(?:['’]m| am) programmed|KI-(?:Modell|Sprachmodell|Assistent)|als KI\b|Sprachmodell"
    r"|Richtlinien|(?:Ihre|deine|diese)r? (?:Anfrage|Bitte)|modèle de langage|en tant qu['’](?:IA"
    r"|assistant)|(?:votre|cette) demande|directives|modelo de lengua(?:je|gem)|modelo de linguagem"
    r"|como (?:una? )?(?:modelo|IA)\b|(?:su|tu|esta|esa) (?:solicitud|petición)|(?:sua|seu|essa"
    r"|este) (?:solicitação|pedido)|diretrizes|directrices|modello linguistico|come IA|(?:tua|sua"
    r"|questa) richiesta|taalmodel|(?:dit|uw|je) verzoek|språkmodell?|sprogmodel|model(?:em)? językow"
    r"|jako AI|prośb[yęi]|jazykový model|языков\w+ модел|(?:этот|ваш|цей) (?:запрос|запит)"
    r"|мовн\w+ модел|как ИИ|як ШІ|dil modeli|yapay zek[aâ]|isteğiniz|نموذج (?:لغوي|لغة)|ذكاء اصطناعي"
    r"|هذا الطلب|طلبك|مدل زبانی|درخواست|भाषा मॉडल|अनुरोध|model bahasa|sebagai AI|permintaan"
    r"|mô hình ngôn ngữ|trí tuệ nhân tạo|yêu cầu (?:này|của bạn)|人工智能|人工智慧|语言模型|語言模型"
    r"|(?:作为|作為)(?:一[个個名款])?AI|(?:这个|您的|你的|该|這個|此)(?:请求|請求|要求|需求)|(?:相关"
    r"|使用)?(?:政策|准则|準則)|AI(?:助手|アシスタント|言語モデル|モデル)|言語モデル|ガイドライン"
    r"|ご(?:要望|依頼|リクエスト)|リクエスト|언어 모델|인공지능|AI (?:모델|어시스턴트)|요청|가이드라인"
)
_NAMED = (
    r"as an? (?:AI|A\.I\.|artificial intelligence|(?:large )?language model)\b|als (?:ein )?(?:KI|AI"
    r"|großes Sprachmodell)|en tant qu(?:e |['’])(?:IA|une IA|assistant|intelligence artificielle"
    r"|(?:un )?modèle)|como (?:una? |um )?(?:IA|AI|modelo de (?:lengua|linguagem)"
    r"|inteligencia artificial|inteligência artificial)|come (?:un )?(?:IA|AI|modello)"
    r"|als (?:een )?(?:AI|taalmodel)|som (?:en )?(?:AI|språkmodell|sprogmodel)|jako (?:AI|model"
    r"|sztuczna)|как (?:ИИ|искусственный|языковая)|як (?:ШІ|штучний|мовна)|bir yapay zek[aâ]|كنموذج"
    r"|بصفتي|به عنوان یک|एक (?:AI|एआई)|sebagai (?:AI|model|sebuah AI)|(?:là"
    r"|với tư cách) (?:một )?(?:AI|mô hình|trí tuệ)|(?:作为|作為|身为)(?:一[个個名款位])?(?:AI"
    r"|人工智能|人工智慧|语言模型|語言模型|大(?:型)?语言模型)|(?:私は)?(?:AI|人工知能"
    r"|言語モデル)(?:である|として|アシスタント|言語モデル|なので|ですので)|(?:저는 )?(?:AI|인공지능"
    r"|언어 모델)(?:로서|로써|이기|라서|이므로|입니다| 모델| 언어| 어시스턴트)"
)
"""how a model begins to speak of itself"""
_NOT = (
    r"can(?:no|['’])t|cannot|unable|not able|do not|don['’]t|am not|nicht|keine|ne (?:peux|suis"
    r"|dispose)|n['’]ai pas|no (?:puedo|tengo)|não|non (?:posso|sono|ho)|niet|geen|inte|ikke|nie |nem"
    r"|не |değil|ama|لا |لست|نمی|नहीं|tidak|không|无法|無法|不能|没有|沒有|不会|ません|ない|없|않|못"
)
_BEFORE = r"(?:[^.!?。！？\n]{0,80}[.!?。！？] ?){0,2}(?:[^.!?。！？，\n]{0,40}[,，] ?(?:but |and |aber )?)?"
_ASKS = (
    r"(?:please|could you|can you|you (?:have not|haven['’]t"
    r"|didn['’]t)) (?:please )?(?:provide|share|paste|send|specify|give)[^.?!\n]{0,30} (?:the|your"
    r"|more|any|me)\b[^.?!\n]{0,60}(?:text|article|content|details|information|document|topic|input)"
    r"|bitte (?:geben|senden|schicken|teilen|gib|schick|stellen|füge)n? .{0,40}?(?:text|inhalt"
    r"|artikel|thema)|(?:veuillez|pourriez-vous|peux-tu) (?:me )?(?:fournir|donner|envoyer"
    r"|partager|coller).{0,30}?(?:texte|contenu|article|sujet)|(?:por favor,? )?(?:proporcion"
    r"|envía|comparte|pega|forneça|envie|compartilhe|cole)\w*.{0,40}?(?:texto|contenido|conteúdo"
    r"|artículo|artigo|tema)|(?:好的|当然|當然|没问题)?[！，。!,]?(?:请|請)(?:您|你)?(?:提供|给出|发送"
    r"|粘贴|輸入|输入|貼上|分享|告诉我)[^。\n]{0,30}(?:文本|文章|内容|內容|文字|原文|信息|主题|材料)"
    r"|[^。\n]{0,20}(?:文章|テキスト|内容|原稿|本文|テーマ)を(?:ご?提供|お送り|送っていただければ|共有|入力"
    r"|教えて|貼り付け)|it (?:seems|looks|appears)[^.?!\n]{0,40} (?:missing|(?:was|were)(?: not|n['’]t)"
    r" (?:included|provided|attached))\b[^?!\n]{0,30}(?:could you|can you|please)"
    r"[^.?!\n]{0,20}(?:share|provide|send|paste|attach)"
    r"|(?:it (?:seems|looks|appears)[^.?!\n]{0,20} )?you (?:did not|didn['’]t|have not|haven['’]t|forgot to) "
    r"(?:include|provide|attach|share|paste|give)\w*[^.?!\n]{0,30}(?:text|article|content)\b"
    r"|(?:I (?:do not|don['’]t|can(?:no|['’])t) see (?:any|the)|there (?:is|was) no|no) (?:\w+ )?(?:text"
    r"|article|content|document|passage|input)[^.?!\n]{0,20} (?:to (?:translate|summari[sz]e|rewrite|correct)"
    r"|(?:was |were )?(?:provided|included|attached|supplied)"
    r"(?: (?:to|for|in (?:your|the|this) (?:message|prompt|request))\b|[^\w\s]|\Z))"
    r"|what (?:would you like|do you want) me to (?:write|translate|summari[sz]e|create)"
    r"(?: about| for you| today)?\?"
    r"|(?:proszę|czy możesz) (?:o )?(?:poda|wkle|przesła|dostarcz|wyśl)\w*[^.\n]{0,30}(?:tekst|treś|artykuł)"
    r"|пожалуйста,? (?:предоставьте|пришлите|отправьте|вставьте)[^.\n]{0,30}(?:текст|стать)"
    r"|(?:الرجاء|يرجى|من فضلك)[^.\n]{0,15}(?:تزويد|تقديم|إرسال|لصق|مشارك)[^.\n]{0,20}(?:النص|المقال|المحتوى)"
)
"""how a model asks for what it has not been given"""
_NEAR = 80
"""the characters behind a refusal in which the model may speak of itself"""
_FLAGS = re.IGNORECASE


class _Patterns(NamedTuple):
    """All patterns; they take longer to make than a command that needs none should wait."""

    declining: tuple[re.Pattern[str], ...]
    itself: re.Pattern[str]
    otherwise: re.Pattern[str]
    speaking: re.Pattern[str]
    asking: re.Pattern[str]


@cache
def _patterns() -> _Patterns:
    return _Patterns(
        tuple(_declining(*words) for words in _WORDS),
        re.compile(_ITSELF, _FLAGS),
        re.compile(rf"{_BEFORE}(?:[^.!?。！？\n]{{0,20}} )?(?:{_OTHERWISE})", _FLAGS),
        re.compile(rf"[^.!?。！？\n]{{0,30}}?(?:{_NAMED})[^\n]{{0,80}}?(?:{_NOT})", _FLAGS),
        re.compile(rf"{_BEFORE}(?:{_ASKS})", _FLAGS),
    )


def _declining(sorry: str, cannot: str, do: str) -> re.Pattern[str]:
    """Where it takes no word to say "I cannot", an apology must stand before."""
    optional = "" if re.fullmatch(cannot, "") else "?"
    apology = rf"(?P<sorry>(?:{sorry})[^\n]{{0,60}}?){optional}"
    return re.compile(rf"{apology}(?:{cannot})[^\n]{{0,30}}?(?:{do})", _FLAGS)


def declines(beginning: str) -> Literal["", "itself", "sorry", "bare"]:
    """How a text declines: with words for the model or the request, with an apology, or with neither."""
    patterns = _patterns()
    if patterns.speaking.match(beginning):
        return "itself"
    found = next(filter(None, (pattern.match(beginning) for pattern in patterns.declining)), None)
    if found is None:
        return "sorry" if patterns.otherwise.match(beginning) else ""
    near = beginning[: found.end() + _NEAR]
    return "itself" if patterns.itself.search(near) else "sorry" if found["sorry"] else "bare"


def asks(beginning: str) -> bool:
    """Whether a text asks for what its writer has not been given."""
    return bool(_patterns().asking.match(beginning))
