"""How alike translations are to references: chrF and BLEU, as sacrebleu counts them (the extra `metrics`).

The numbers compare systems on the same texts. They are no measure of meaning.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.core.errors import JobError
from pipeline.system.packages import install_command

PACKAGE = "'sacrebleu>=2.6,<3'"  # what the extra `metrics` brings
_TOKENIZERS = {
    "zh": "zh",
    "ja": "ja-mecab",
    "ko": "ko-mecab",
    "th": "char",
    "lo": "char",
    "km": "char",
    "my": "char",
}


def scores(targets: Sequence[str], references: Sequence[str], language: str) -> dict[str, float | str]:
    """chrF and BLEU of translations against one reference each, and how BLEU has cut the words.

    `tokenize` is 13a for languages with blanks; zh for Chinese; char for others without blanks, and for
    Japanese and Korean where MeCab is not installed: numbers that were cut in different ways do not compare.
    """
    try:
        from sacrebleu import corpus_bleu, corpus_chrf
    except ImportError:
        hint = f"install the extra 'metrics': {install_command(PACKAGE)}"
        raise JobError("references are to be compared with, and sacrebleu is missing", hint=hint) from None
    if len(targets) != len(references) or not targets:
        raise ValueError(f"{len(targets)} translations for {len(references)} references")
    tokenizer = _TOKENIZERS.get(language.split("-")[0].lower(), "13a")
    try:
        bleu = corpus_bleu(list(targets), [list(references)], tokenize=tokenizer, force=True)
    except (ImportError, RuntimeError):
        tokenizer = "char"
        bleu = corpus_bleu(list(targets), [list(references)], tokenize=tokenizer, force=True)
    chrf = corpus_chrf(list(targets), [list(references)])
    return {"chrF": chrf.score, "BLEU": bleu.score, "tokenize": tokenizer}
