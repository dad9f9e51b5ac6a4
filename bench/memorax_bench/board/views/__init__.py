"""What each kind of page says, as data: one file a page. The templates lay it out."""
