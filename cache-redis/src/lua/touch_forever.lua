-- Takes the end from an entry's lifetime. PERSIST alone does not tell an entry without an end from none.
--
-- KEYS[1]  the entry
--
-- Returns 1 if there was one, else 0.

redis.call('PERSIST', KEYS[1])
return redis.call('EXISTS', KEYS[1])
