"""Text as a language model compresses it: probabilities as integers, an arithmetic coder, and what other compressors make.

`ranges` is arithmetic on integers and knows no model; `reading` needs torch and runs on the engine's thread.
"""
