"""What a run does when its translations are written: another model reads them."""
