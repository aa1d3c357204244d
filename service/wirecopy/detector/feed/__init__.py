"""What readers of stories are told, in order, for good.

- `changes`: what moved in memory, as places before and after
- `events`: which events a change implies
- `feed`: where each event is, pages of them, how far each follower has read
- `redirects`: which story a merged one is now
"""
