-- Gives an entry another lifetime.
--
-- KEYS[1]  the entry
-- ARGV[1]  the lifetime in milliseconds; empty: for ever
--
-- Returns 0 if nothing is there; the head of what is there if it bears tags: if it is not live, nobody is served it
-- however long it stays; else 1.

local head = head_of(KEYS[1])
local there
if ARGV[1] == '' then
    -- PERSIST alone does not tell an entry without an end from none.
    redis.call('PERSIST', KEYS[1])
    there = redis.call('EXISTS', KEYS[1])
else
    there = redis.call('PEXPIRE', KEYS[1], ARGV[1])
end
return there == 1 and head or there
