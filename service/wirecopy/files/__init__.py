"""Files in and out: everything that turns files into articles, and answers into files.

Read in this order:

- `lines`: open, decompress, split within limits
- `tables`: CSV and parquet, as rows under column names
- `reading`: records of any format as articles or refusals, in order
- `remote`: addresses as inputs
- `inputs`: what inputs name, and which format each has
- `documents`, `feeds`, `archives`: JSON, XML and the wire's text; RSS and Atom; WARC
- `answers`: rows in the format that an output's ending names
- `writing`: outputs that are complete or not there
- `kept_lines`: input lines that a run needs once more, on disk meanwhile
"""
