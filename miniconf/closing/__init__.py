"""The end of a conference: rooms closed, the archive, thanks, and what is deleted when."""
