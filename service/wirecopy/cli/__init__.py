"""The command line: it parses, calls and prints.

- `commands`: commands, options, exit codes
- `service`: `serve` and `push`
- `capacity`: what machine a number of articles needs
- `settings`: `config` and `health`
- `upkeep`: commands that look after stored articles
- `terminal`: what a person sees: progress, stories, comparisons
"""
