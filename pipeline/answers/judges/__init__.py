"""Other models that read an answer: how they are asked, and which of the checks ask them."""
