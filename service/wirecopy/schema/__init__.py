"""What travels: articles in, answers and events out. Plain values, no behaviour that needs a database.

Read in this order:

- `article`: the fields of an article, their limits, and `parse`
- `dates`: dates and times as feeds write them, as milliseconds since 1970
- `answers`: what callers are told: verdicts, stories, comparisons
- `wire`: what service and client say to each other beyond these
- `events`: the types of the feed
- `names`, `intake`: what others call our fields, and records of any feed as articles
- `elements`: the elements of a JSON list as a stream
- `formats`: the wire's own formats, one file each
- `markup`: text out of HTML and NITF; `normal_form`: one way to write each character, in time by the length
- `version`: the one place of the version number
"""
