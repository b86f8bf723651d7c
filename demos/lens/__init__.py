"""Looking into models: what they attend to, what is left when they are pruned, what fools them. torch, no Django.

Everything here works on a `LoadedModel` of the engine, as one-shot work or on a copy, and changes no shared weight.
"""
