"""What models write round a text: the polite beginnings and ends of an assistant, and worn-out openings.

Tables for seven languages, for texts in small letters (`phrases.folded`). They name what people hardly write:
a human text that is refused costs more than a phrase that is missed. This module does not know checks.
"""

from __future__ import annotations

import re

_LINE = "[^.。!！?？\n]{0,90}"
_THINGS = """
post article text story summary version draft translation poem answer response e-?mail
caption description tweet headline title blog paragraph copy code json rewrite beitrag
artikel zusammenfassung übersetzung entwurf antwort gedicht geschichte beschreibung texte
publication résumé traduction histoire poème réponse légende brouillon artículo texto
publicación resumen traducción versión historia poema respuesta descripción borrador 文章
帖子 内容 摘要 总结 翻译 版本 文案 故事 诗 回答 草稿 示例 正文 記事 投稿 要約 翻訳
バージョン 物語 下書き 説明 منشور مقال نص ترجمة ملخص قصة قصيدة وصف
"""
_THING = f"(?:{'|'.join(_THINGS.split())})"
"""what an assistant announces"""
_PREAMBLES = (
    r"(?:sure|certainly|of course|absolutely|got it|understood|great question)(?: thing)?(?:[!:]"
    r"|[,.] (?:here|i'|i |below|let me))",
    rf"(?:here(?:'s| is| are)|below (?:is|are)) {_LINE}{_THING}{_LINE}:\Z",
    r"i(?:'m| am|'d be| would be) (?:happy|glad|delighted) to help",
    r"as an ai (?:language )?(?:model|assistant)|as an ai, i|as a language model, i",
    r"(?:sicher|natürlich|gerne?|klar|selbstverständlich|gute frage|verstanden)(?:[!:]|[,.] (?:hier"
    r"|ich helfe|im folgenden))",
    rf"(?:hier (?:ist|sind|kommt|folgt)|im folgenden) {_LINE}{_THING}{_LINE}:\Z",
    r"als (?:ein )?(?:ki|ki-\w+|sprachmodell),? (?:kann|bin|habe) ich",
    r"(?:bien sûr|certainement|absolument|avec plaisir|d'accord|(?:excellente"
    r"|très bonne) question) ?(?:[!:]|[,.] (?:voici|je))",
    rf"(?:voici|ci-dessous,?) {_LINE}{_THING}{_LINE}:\Z",
    r"en tant qu'(?:ia|intelligence artificielle),|en tant que modèle de langage",
    r"¡?(?:claro|claro que sí|por supuesto|desde luego|con gusto|entendido"
    r"|excelente pregunta)(?:[!:]|[,.] (?:aquí|te|a continuación))",
    rf"(?:aquí (?:tienes?|está|te|le|va)|a continuación,?) {_LINE}{_THING}{_LINE}:\Z",
    r"como (?:una? )?(?:ia|inteligencia artificial|modelo de lenguaje), (?:no|yo|puedo)",
    r"(?:好的|当然|當然|没问题|沒問題|可以的|明白了)(?:可以)?[,，。!！]?(?:以下|下面|这是|這是|这里|這裡|我来|我來|我将|我將|为您|為您|为你)",
    rf"(?:以下|下面|这里|這裡)(?:是|为|為){_LINE}{_THING}{_LINE}[:：]\Z",
    r"作为一?[个個名]?(?:ai|人工智能|大?语言模型|大?語言模型)(?:助手|模型)?[,，]",
    r"(?:もちろんです|承知しました|承知いたしました|かしこまりました|了解しました|分かりました|わかりました)[。、!！]",
    rf"(?:以下(?:は|に|が)|こちら(?:は|が)){_LINE}{_THING}{_LINE}[。:：]\Z",
    r"(?:ai|人工知能|言語モデル)(?:アシスタント)?として、",
    r"(?:بالتأكيد|بالطبع|حسن[اً]{1,2}|تفضل)[!،,.] ?(?:إليك|هذا هو|هذه هي|فيما يلي)",
    rf"(?:إليك|فيما يلي) {_LINE}{_THING}{_LINE}:\Z",
    r"(?:okay|ok|alright|great)[,!.] here(?:'s| is| are)"
    r"(?! (?:the|my) (?:thing|deal|truth|plan|catch|problem|question|secret|story)\b)|here you go[:!.]",
    r"(?:translation|rewritten (?:text|version)|(?:corrected|final) (?:text|version)|übersetzung|traducción"
    r"|traduction|翻译|译文|翻訳|訳文) ?[:：]\Z",
)
PREAMBLE = re.compile(rf"(?:{'|'.join(_PREAMBLES)})")
"""what an assistant says before the text; looked for at the beginning of its first line"""
_CLOSINGS = (
    r"let me know if (?:you(?:'d| would)? (?:like|want|need|prefer|have)|there(?:'s| is)|this|any)",
    r"(?:would|do) you (?:like|want) me to\b",
    r"(?:i|we) hope (?:this|that|it) (?:helps|meets|works|fits)",
    r"feel free to (?:ask|adjust|modify|edit|tweak|customi[sz]e|let me know|adapt|change)",
    r"(?:if you (?:need|want|would like|have) )?(?:any |further |more )?(?:changes|adjustments"
    r"|revisions|tweaks)\?",
    r"(?:lass(?:en sie)? (?:es )?mich (?:einfach )?wissen|sag(?:en sie)? (?:mir )?bescheid"
    r"|gib mir bescheid)",
    r"(?:ich hoffe, (?:das|dies|der text) (?:hilft|entspricht|gefällt)|(?:möchtest du|möchten sie"
    r"|soll ich), ?(?:dass )?ich)",
    r"n'hésitez pas à (?:me|demander|poser|adapter|modifier|ajuster)|dites-moi si|(?:souhaitez-vous"
    r"|voulez-vous) que je",
    r"j'espère que (?:cela|ceci|ça|ce texte)",
    r"espero que (?:esto |este texto )?(?:te |le |les )?(?:sirva|ayude|guste|sea)|(?:avísame|dime|hazme saber"
    r"|háganme saber) si",
    r"(?:quieres|desea|te gustaría) que (?:lo|la|te|le|ajuste|haga|cambie)",
    r"希望(?:这|這|以上|对|對)[^。]{0,20}(?:帮助|幫助|满意|滿意|符合|有用)",
    r"(?:如果|如|若)(?:您|你)?(?:需要|还需要|有任何|想要|希望)[^。]{0,30}(?:告诉我|告訴我|修改|调整|調整|随时|隨時)",
    r"(?:如需|如有|若需|若有|需要)[^。]{0,12}(?:修改|调整|調整|补充|補充|润色)[^。]{0,12}(?:告诉我|告訴我)(?![们們])",
    r"\A\(?(?:word|character) count ?: ?\d+\b|\A\((?:about )?\d+ (?:words|characters|wörter|palabras)\)\Z"
    r"|\A[(（]?(?:全文)?(?:共|约|字数[:：]?|文字数[:：]?) ?约?\d+ ?字?[)）]?\Z",
    r"(?:お役に立て|ご参考になれば幸い|ご不明な点|修正(?:や[^。]{1,10})?が必要|(?:必要|ご要望|ご希望)(?:であれば|があれば|でしたら))",
)
CLOSING = re.compile(rf"(?:{'|'.join(_CLOSINGS)})")
"""what an assistant says behind the text; looked for in its last line"""
_WORN = (
    r"in (?:today's|this|the present|our) [\w '-]{0,30}(?:fast-paced|ever-changing|digital|modern"
    r"|competitive|busy)\b",
    r"in (?:an|the|a|this) (?:ever|rapidly|constantly|fast)[ -](?:evolving|changing|growing|paced"
    r"|expanding)",
    r"in the (?:realm|ever-evolving|fast-paced) |in a world (?:where|of|that|full)|in an (?:age"
    r"|era) (?:where|of)\b",
    r"picture this[:.,]|imagine a world where|have you ever wondered|let's (?:dive|delve) (?:in"
    r"|into|deep)",
    r"in der heutigen [\w -]{0,40}(?:welt|zeit|gesellschaft|geschäftswelt)|in einer (?:welt"
    r"|zeit), in der",
    r"in (?:unserer|einer) (?:schnelllebigen|digitalen|hektischen|sich ständig)"
    r"|haben sie sich (?:schon einmal|jemals) gefragt",
    r"dans (?:le|un) monde (?:d'aujourd'hui|actuel|moderne|où|en (?:constante|perpétuelle)"
    r"|de plus en plus)",
    r"à l'ère (?:du|de la|numérique)|de nos jours,|vous êtes-vous déjà demandé",
    r"en (?:el|un) mundo (?:actual|de hoy|moderno|donde|en el que|cada vez|acelerado)"
    r"|¿(?:alguna vez )?te has preguntado",
    r"en la (?:era|sociedad) (?:actual|digital|moderna|de hoy)|hoy en día, en un mundo",
    r"在(?:当今|如今|现今|當今)(?:这个|這個)?[^。,，]{0,16}(?:时代|時代|社会|社會|世界)|在(?:这个|這個)[^。,，]{0,10}(?:时代|時代)",
    r"你(?:是否|有没有)(?:曾经?)?想过|想象一下[,，]",
    r"(?:目まぐるしく|急速に)(?:変化|進化)する|現代(?:社会|のビジネス|の忙しい)[^。]{0,10}(?:において|では|、)",
    r"(?:と思ったことは|と考えたことは)ありませんか",
    r"近年、[^。、]{0,15}の(?:急速な)?(?:発展|進化|普及)(?:に伴い|により|とともに)",
    r"随着(?:科技|技术|人工智能|互联网|社会|时代|经济|数字化|信息技术|ai)[^。,，]{0,6}"
    r"(?:不断|快速|飞速|迅速|蓬勃|日益|高速)的?(?:发展|进步|普及|兴起)",
    r"are you tired of|looking for the perfect|unlock the (?:secrets?|power|potential) of|welcome to"
    r" (?:our|the|this) (?:\w+ ){0,2}(?:guide|article|post|blog)\b|as the sun (?:sets|rises|dips)\b"
    r"|whether you(?:'re| are) an? (?:seasoned|busy)",
    r"في (?:عالمنا|عالم|عصرنا|عصر) (?:اليوم|المعاصر|الحديث|المتسارع|السريع|الرقمي|سريع|يتسم)"
    r"|هل (?:سبق أن )?تساءلت",
)
WORN = re.compile(rf"(?:{'|'.join(_WORN)})")
"""openings that models write too often; looked for at the beginning of the first line"""
