"""Every compiled loop of the project, one file a subject. The only place with numba.

Arrays and scalars in, arrays out. Callers validate, kernels assume; each precondition stands in the docstring.
Signatures are explicit, so that nothing compiles in the middle of a request, and inputs are declared read-only, which
also takes writable arrays. Each kernel has a plain twin of the same name in tests/reference.py.

Read in the order in which a text goes through them: `layout` (what all must agree on), `lanes` (vector instructions),
`folding`, `quotations`, `words`, `repeats`, `weights`, `passages`, `keys`, `crowds`, `index`, `shared`, `features`,
`screening`, `affairs`, `judging`, `passes`, `clustering`; `minhash` stands apart: signatures for users of datasketch.
"""
