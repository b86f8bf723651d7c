"""Which papers are alike: vectors of their texts, nearest neighbours, and a map.

Workers compute (`service`, `embedding`, `tfidf`, `neighbours`, `projection`: numpy, scikit-learn and torch are imported
inside functions only); web processes read rows (`recommend`, `paper_map`). See docs/similarity.md.
"""
