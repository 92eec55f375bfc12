-- What an entry has left, and what of it tells whether it is live.
--
-- KEYS[1]  the entry
--
-- Returns the answer of PTTL, and the head of what is there if it bears tags.

return { redis.call('PTTL', KEYS[1]), head_of(KEYS[1]) or '' }
