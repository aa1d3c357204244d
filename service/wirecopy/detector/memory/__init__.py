"""What is remembered of each article, in few bytes, and how a record holds it.

- `archive`: what is kept of every article
- `id_table`: the number of an article by its id
- `records`: what a stored record holds, and what makes stored keys incomparable
- `canonical`: which member stands for its story, by which policy
- `model_file`: a model that settings name
"""
